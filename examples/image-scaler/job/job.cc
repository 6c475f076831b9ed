// SPDX-License-Identifier: Apache-2.0

#include "job.h"

#include <cstdio>

#include "base/encoding.h"
#include "os/clock.h"

namespace gust::scaler {
namespace {

constexpr int kMaxAttempts = 99;
constexpr std::string_view kInputPrefix = "uploads/";

double milliseconds(int64_t us) { return static_cast<double>(us) / 1e3; }
int64_t now_us() { return system_clock().monotonic_us(); }

bool plain(std::string_view text) {
  return !text.empty() && text.size() <= 200 && text.find('#') == std::string_view::npos &&
         text.find('/') == std::string_view::npos;
}

// Whose fault: the object's, for ever, or something that may pass.
bool is_permanent(Errc code) { return code == Errc::Unsupported || code == Errc::Invalid || code == Errc::TooLarge; }

std::string_view type_of(Errc code) {
  switch (code) {
    case Errc::Unsupported:
      return "UnsupportedImage";
    case Errc::Invalid:
      return "CorruptImage";
    case Errc::TooLarge:
      return "ImageTooLarge";
    case Errc::NotFound:
      return "ObjectNotFound";
    default:
      return name_of(code);
  }
}

}  // namespace

struct Job::State {
  KeyParts parts;
  Value row = Value::map();
  int64_t start_us = 0;

  void set(std::string_view name, std::string_view text) { row.set(name, aws::string_attribute(text)); }
  void set_ms(std::string_view name, int64_t us) { row.set(name, aws::number_attribute(milliseconds(us))); }
  void set_number(std::string_view name, int64_t number) { row.set(name, aws::number_attribute(number)); }
};

Result<KeyParts> parse_key(std::string_view key) {
  Failure bad = fail(Errc::Invalid, "the key is not uploads/RUN/ARM/SEQ.jpg: " + escape_terminal(key.substr(0, 200)));
  if (!key.starts_with(kInputPrefix)) return bad;
  key.remove_prefix(kInputPrefix.size());
  size_t first = key.find('/'), second = first == std::string_view::npos ? first : key.find('/', first + 1);
  if (second == std::string_view::npos) return bad;
  KeyParts parts{std::string(key.substr(0, first)), std::string(key.substr(first + 1, second - first - 1)), {}};
  std::string_view name = key.substr(second + 1);
  parts.sequence = name.substr(0, name.find('.'));
  if (!plain(parts.run) || !plain(parts.arm) || !plain(parts.sequence)) return bad;
  return parts;
}

Value Job::base_row(const Upload& upload) const {
  Value row = Value::map();
  row.set("key", aws::string_attribute(upload.key));
  row.set("request_id", aws::string_attribute(upload.request_id));
  row.set("first_call", aws::bool_attribute(upload.first_call));
  if (options_.size_name == "memory_mb") row.set("memory_mb", aws::number_attribute(parse_int(options_.size_value).value_or(0)));
  else row.set(options_.size_name, aws::string_attribute(options_.size_value));
  row.set("t_event", aws::number_attribute(upload.event_us));
  row.set("t_start", aws::number_attribute(system_clock().unix_us()));
  row.set("queue_ms", aws::number_attribute(milliseconds(system_clock().unix_us() - upload.event_us)));
  return row;
}

Result<> Job::upload_renditions(const Upload& upload, const Output& output, State& state) {
  int64_t start = now_us(), bytes = 0, done = 0;
  for (const Rendition& r : output.renditions) {
    std::string key = "renditions/" + state.parts.run + "/" + state.parts.arm + "/" + state.parts.sequence + "/" +
                      std::to_string(r.wanted_width) + ".jpg";
    auto put = client_.put_object(upload.bucket, key, r.jpeg, "image/jpeg");
    if (!put) return Failure(std::move(put.error()).in("PUT " + key));
    bytes += static_cast<int64_t>(r.jpeg.size());
    state.set_number("renditions", ++done);
  }
  state.set_ms("upload_ms", now_us() - start);
  state.set_number("bytes_out", bytes);
  return {};
}

Result<> Job::work(const Upload& upload, State& state) {
  int64_t start = now_us();
  auto object = client_.get_object(upload.bucket, upload.key);
  if (!object) return Failure(std::move(object.error()).in("GET " + upload.key));
  state.set_ms("download_ms", now_us() - start);
  state.set_number("bytes_in", static_cast<int64_t>(object->bytes.size()));
  state.set("etag", object->info.etag);
  const aws::Metadata& metadata = object->info.metadata;
  auto take = [&](const char* name, std::string& into) {
    if (auto found = metadata.find(name); found != metadata.end() && plain(found->second)) into = found->second;
  };
  take("run", state.parts.run);
  take("arm", state.parts.arm);
  take("seq", state.parts.sequence);
  auto output = scale(object->bytes, options_.spec, options_.limits);
  if (!output) return Failure(std::move(output).error());
  object->bytes = {};
  state.set_ms("decode_ms", output->decode_us);
  state.set_ms("encode_ms", output->encode_us);
  state.set_ms("resize_ms", output->resize_us + output->encode_us);  // the article's "resize" contains the encoding
  state.set_number("w", output->width);
  state.set_number("h", output->height);
  state.set("format", output->progressive ? "jpeg-progressive" : "jpeg");
  return upload_renditions(upload, *output, state);
}

// The first free attempt. A repeated request may find its own row: then it is done.
Result<> Job::put_row(State& state) {
  std::string pk = state.parts.run + "#" + state.parts.arm;
  state.set("pk", pk);
  state.set("run", state.parts.run);
  state.set("arm", state.parts.arm);
  state.set("seq", state.parts.sequence);
  for (int attempt = 1; attempt <= kMaxAttempts; ++attempt) {
    char number[8];
    snprintf(number, sizeof number, "#%02d", attempt);
    state.set("sk", state.parts.sequence + number);
    state.set_number("attempt", attempt);
    auto put = client_.put_item(options_.table, state.row, "attribute_not_exists(sk)");
    if (put) return {};
    if (put.error().code != Errc::Conflict) return Failure(std::move(put.error()).in("PutItem"));
    Value key = Value::map();
    key.set("pk", state.row["pk"]);
    key.set("sk", state.row["sk"]);
    auto there = client_.get_item(options_.table, key);
    if (there && aws::string_of(*there, "request_id") == aws::string_of(state.row, "request_id") &&
        aws::number_of(*there, "t_start") == aws::number_of(state.row, "t_start")) {
      return {};
    }
  }
  return fail(Errc::Exists, "no free attempt left for " + pk + " " + state.parts.sequence);
}

Result<Value> Job::run(const Upload& upload) {
  State state;
  state.start_us = now_us();
  state.parts = TRY(parse_key(upload.key));
  state.row = base_row(upload);
  state.set("etag", upload.etag);
  auto worked = work(upload, state);
  state.set_ms("overall_ms", now_us() - state.start_us);
  state.set_number("t_end", system_clock().unix_us());
  bool gone = !worked && worked.error().code == Errc::NotFound;
  state.set("status", worked ? "ok" : gone ? "skipped" : "failed");
  if (!worked) {
    state.set("error_type", type_of(worked.error().code));
    state.set("error", worked.error().message.substr(0, 500));
  }
  auto put = put_row(state);
  if (!worked && !gone && !is_permanent(worked.error().code)) return Failure(std::move(worked).error());
  if (!put) return Failure(std::move(put).error());
  return state.row;
}

}  // namespace gust::scaler
