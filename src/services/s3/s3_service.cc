// SPDX-License-Identifier: Apache-2.0

#include "services/s3/s3_service.h"

#include <algorithm>
#include <array>

#include "base/ids.h"
#include "base/log.h"
#include "model/errors.h"
#include "services/s3/request.h"

namespace gust::s3 {
S3Service::S3Service(Parts parts)
    : parts_(std::move(parts)),
      blobs_(parts_.objects_directory, parts_.durability),
      garbage_(parts_.store, parts_.disk, blobs_) {}

Result<> S3Service::load() {
  TRY(blobs_.prepare());
  return garbage_.finish();
}

const S3Service::Entry* S3Service::find_entry(std::string_view operation) {
  using S = S3Service;
  static constexpr std::array kEntries = {
      Entry{"CreateBucket", nullptr, &S::create_bucket},
      Entry{"DeleteBucket", nullptr, &S::delete_bucket},
      Entry{"DeleteObject", nullptr, &S::delete_object},
      Entry{"DeleteObjects", nullptr, &S::delete_objects},
      Entry{"GetBucketLocation", &S::get_bucket_location},
      Entry{"GetBucketNotificationConfiguration", &S::get_bucket_notification},
      Entry{"GetObject", &S::get_object},
      Entry{"HeadBucket", &S::head_bucket},
      Entry{"HeadObject", &S::head_object},
      Entry{"ListBuckets", &S::list_buckets},
      Entry{"ListObjects", &S::list_objects_v1},
      Entry{"ListObjectsV2", &S::list_objects_v2},
      Entry{"PutBucketNotificationConfiguration", nullptr, &S::put_bucket_notification},
      Entry{"PutObject", nullptr, &S::put_object},
  };
  for (const Entry& entry : kEntries) {
    if (entry.operation == operation) return &entry;
  }
  return nullptr;
}

bool S3Service::implements(std::string_view operation) const { return find_entry(operation) != nullptr; }

void S3Service::call(model::Call call, model::Responder responder) {
  const Entry* entry = find_entry(call.operation);
  if (entry == nullptr) return responder.error(model::not_implemented(id(), call.operation));
  if (entry->write != nullptr) return (this->*entry->write)(call, responder);
  Result<Answer> answer = (this->*entry->read)(call);
  if (!answer) return responder.error(model::from_error("s3", answer.error()));
  if (!*answer) return responder.error(std::move(answer->error()));
  responder.reply(std::move(**answer));
}

Result<std::optional<Bucket>> S3Service::look_up(const model::Call& call, Problem& problem) const {
  auto view = TRY(parts_.store.read());
  return open_bucket(*view, access_of(call), problem);
}

void S3Service::write(Change change, Then then) {
  auto effects = std::make_shared<Effects>();
  auto mutation = [effects, change = std::move(change)](store::Transaction& transaction) -> Result<> {
    *effects = {};
    TRY(change(transaction, *effects));
    if (effects->problem) return fail(Errc::Conflict, effects->problem->code);
    return {};
  };
  parts_.store.commit(std::move(mutation), [this, effects, then = std::move(then)](Result<> done) {
    if (!done) {
      if (effects->problem) return then(Fate::Refused, std::move(effects->problem));
      return then(Fate::Failed, model::from_error("s3", done.error()));
    }
    // Before the answer, so that nothing of a call goes on after it but what the pool was given.
    for (const invoke::AsyncEvent& event : effects->events) parts_.events.committed(event);
    garbage_.remove(std::move(effects->files));
    then(Fate::Committed, std::nullopt);
  });
}

void S3Service::write(Change change, const model::Responder& responder, std::function<model::Reply()> reply) {
  write(std::move(change), [responder, reply = std::move(reply)](Fate, Problem problem) {
    if (problem) return responder.error(std::move(*problem));
    responder.reply(reply());
  });
}

// A function that may no longer be invoked gets nothing, as on AWS; the caller is not told.
Result<> S3Service::add_events(store::Transaction& transaction, Effects& effects, const Bucket& bucket, std::string_view event,
                               std::string_view key, const Object* object, const Cause& cause) {
  for (const Notification& n : bucket.notifications) {
    if (!n.matches(event, key)) continue;
    if (!TRY(parts_.policy.may_invoke(transaction, n.function_arn, "s3.amazonaws.com", bucket.arn(), bucket.account))) {
      log::warning("s3", "event dropped: the bucket may not invoke the function",
                   {{"bucket", bucket.name}, {"function", n.function_arn}});
      continue;
    }
    invoke::AsyncEvent e;
    e.request_id = new_uuid();
    e.function_arn = n.unqualified_arn();
    e.qualifier = n.qualifier();
    e.payload = event_document(event, cause, bucket, n, key, object, next_sequencer());
    e.source = "s3";
    e.created_us = cause.received_us;
    TRY(parts_.events.enqueue(transaction, e));
    effects.events.push_back(std::move(e));
  }
  return {};
}

// Grows in the order of commits, because it is called inside them; follows the clock, so that it grows over restarts too.
// A run that is repeated takes a later number.
uint64_t S3Service::next_sequencer() {
  const auto now = static_cast<uint64_t>(parts_.clock.unix_us());
  uint64_t before = sequencer_.load(), next;
  do {
    next = std::max(before + 1, now);
  } while (!sequencer_.compare_exchange_weak(before, next));
  return next;
}

}  // namespace gust::s3
