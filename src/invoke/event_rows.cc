// SPDX-License-Identifier: Apache-2.0

#include "invoke/event_rows.h"

#include <algorithm>

#include "store/key.h"

namespace gust::invoke {
namespace {

using store::Key;
using store::KeyReader;
using store::Space;

constexpr uint64_t kVersion = 1;
constexpr uint64_t kRowBytes = 512;  // about what an event takes on disk besides its payload
constexpr size_t kMostText = 1024;   // of each text but the payload

std::string value_of(const EventRow& row) {
  return Key()
      .number(kVersion)
      .number(row.attempts)
      .number(static_cast<uint64_t>(row.created_us))
      .number(row.payload_bytes)
      .text(row.qualifier)
      .text(row.trace_id)
      .text(row.source)
      .bytes();
}

}  // namespace

uint64_t EventRow::bytes() const { return payload_bytes + kRowBytes; }

std::string EventRow::due_key() const { return Key().text("due").text(function_arn).number(due_us).text(request_id).bytes(); }

std::string EventRow::payload_key() const { return Key().text("payload").text(function_arn).text(request_id).bytes(); }

std::string due_prefix() { return Key().text("due").bytes(); }

std::string due_prefix(std::string_view function_arn) { return Key().text("due").text(function_arn).bytes(); }

EventRow new_row(const AsyncEvent& event) {
  return {.function_arn = event.function_arn,
          .request_id = event.request_id,
          .qualifier = event.qualifier,
          .trace_id = event.trace_id,
          .source = event.source,
          .due_us = static_cast<uint64_t>(std::max<int64_t>(event.created_us, 0)),
          .payload_bytes = event.payload.size(),
          .created_us = std::max<int64_t>(event.created_us, 0)};
}

Result<> write_event(store::Transaction& transaction, const AsyncEvent& event) {
  for (const std::string* text : {&event.request_id, &event.function_arn, &event.qualifier, &event.trace_id, &event.source}) {
    if (text->size() > kMostText) return fail(Errc::TooLarge, "an event's attribute of more than 1024 bytes");
  }
  if (event.request_id.empty() || event.function_arn.empty())
    return fail(Errc::Invalid, "an event without request id or function");
  EventRow row = new_row(event);
  TRY(transaction.put(Space::Event, row.due_key(), value_of(row)));
  return transaction.put(Space::Event, row.payload_key(), event.payload);
}

Result<> erase_event(store::Transaction& transaction, const EventRow& row) {
  TRY(transaction.erase(Space::Event, row.due_key()));
  return transaction.erase(Space::Event, row.payload_key());
}

Result<> move_event(store::Transaction& transaction, const EventRow& from, const EventRow& to) {
  TRY(transaction.erase(Space::Event, from.due_key()));
  return transaction.put(Space::Event, to.due_key(), value_of(to));
}

Result<EventRow> read_row(const store::Row& stored) {
  EventRow row;
  KeyReader key(stored.key);
  if (TRY(key.text()) != "due") return fail(Errc::Invalid, "not a row of the event index");
  row.function_arn = TRY(key.text());
  row.due_us = TRY(key.number());
  row.request_id = TRY(key.text());
  KeyReader value(stored.value);
  if (TRY(value.number()) != kVersion) return fail(Errc::Unsupported, "an event written by a newer version");
  row.attempts = TRY(value.number());
  row.created_us = static_cast<int64_t>(TRY(value.number()));
  row.payload_bytes = TRY(value.number());
  row.qualifier = TRY(value.text());
  row.trace_id = TRY(value.text());
  row.source = TRY(value.text());
  return row;
}

}  // namespace gust::invoke
