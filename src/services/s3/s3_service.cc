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
      garbage_(parts_.store, parts_.disk, blobs_),
      documents_(parts_.store) {}

Result<> S3Service::load() {
  TRY(blobs_.prepare());
  return garbage_.finish();
}

const S3Service::Entry* S3Service::find_entry(std::string_view operation) {
  using S = S3Service;
  static constexpr std::array kEntries = {
      Entry{"AbortMultipartUpload", nullptr, &S::abort_multipart_upload},
      Entry{"CompleteMultipartUpload", nullptr, &S::complete_multipart_upload},
      Entry{"CopyObject", nullptr, &S::copy_object},
      Entry{"CreateBucket", nullptr, &S::create_bucket},
      Entry{"CreateMultipartUpload", nullptr, &S::create_multipart_upload},
      Entry{"DeleteBucket", nullptr, &S::delete_bucket},
      Entry{"DeleteObject", nullptr, &S::delete_object},
      Entry{"DeleteObjectTagging", nullptr, &S::delete_object_tagging},
      Entry{"DeleteObjects", nullptr, &S::delete_objects},
      Entry{"GetBucketLocation", &S::get_bucket_location},
      Entry{"GetBucketNotificationConfiguration", &S::get_bucket_notification},
      Entry{"GetBucketVersioning", &S::get_bucket_versioning},
      Entry{"GetObject", &S::get_object},
      Entry{"GetObjectAcl", &S::get_object_acl},
      Entry{"GetObjectAttributes", &S::get_object_attributes},
      Entry{"GetObjectTagging", &S::get_object_tagging},
      Entry{"HeadBucket", &S::head_bucket},
      Entry{"HeadObject", &S::head_object},
      Entry{"ListBuckets", &S::list_buckets},
      Entry{"ListMultipartUploads", &S::list_multipart_uploads},
      Entry{"ListObjectVersions", &S::list_object_versions},
      Entry{"ListObjects", &S::list_objects_v1},
      Entry{"ListObjectsV2", &S::list_objects_v2},
      Entry{"ListParts", &S::list_parts},
      Entry{"PutBucketNotificationConfiguration", nullptr, &S::put_bucket_notification},
      Entry{"PutBucketVersioning", nullptr, &S::put_bucket_versioning},
      Entry{"PutObject", nullptr, &S::put_object},
      Entry{"PutObjectAcl", nullptr, &S::put_object_acl},
      Entry{"PutObjectTagging", nullptr, &S::put_object_tagging},
      Entry{"UploadPart", nullptr, &S::upload_part},
      Entry{"UploadPartCopy", nullptr, &S::upload_part_copy},
  };
  for (const Entry& entry : kEntries) {
    if (entry.operation == operation) return &entry;
  }
  return nullptr;
}

std::vector<std::string_view> S3Service::without_effect() const {
  return {"PutBucketEncryption: nothing is encrypted at rest; objects say AES256.",
          "PutBucketLifecycleConfiguration: nothing expires or moves.",
          "StorageClass of objects: all bytes lie on the same disk, and archived ones can be read at once.",
          "WebsiteRedirectLocation of objects: there are no websites.",
          "Bucket policies bind those who do not sign; whoever signs may do everything in the account."};
}

bool S3Service::implements(std::string_view operation) const {
  return find_entry(operation) != nullptr || BucketDocuments::implements(operation);
}

void S3Service::call(model::Call call, model::Responder responder) {
  const Entry* entry = find_entry(call.operation);
  if (entry == nullptr && BucketDocuments::implements(call.operation)) return documents_.call(std::move(call), responder);
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

Result<std::optional<S3Service::Opened>> S3Service::open(store::View& view, const Access& access, const Value& input,
                                                         Problem& problem) {
  auto bucket = TRY(open_bucket(view, access, problem));
  if (!bucket) return std::optional<Opened>();
  auto stored = TRY(open_object(view, *bucket, input, problem));
  if (!stored) return std::optional<Opened>();
  return std::optional<Opened>(Opened{std::move(*bucket), std::move(*stored)});
}

std::string S3Service::temporary_path() const { return parts_.objects_directory + "/" + new_id(32) + ".tmp"; }

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
    garbage_.remove(std::move(effects->leftovers));
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
Result<> S3Service::add_events(store::Transaction& transaction, Effects& effects, const Bucket& bucket, const Happened& happened,
                               const Cause& cause) {
  for (const Notification& n : bucket.notifications) {
    if (!n.matches(happened.event, happened.key)) continue;
    if (!TRY(parts_.policy.may_invoke(transaction, n.function_arn, "s3.amazonaws.com", bucket.arn(), bucket.account))) {
      log::warning("s3", "event dropped: the bucket may not invoke the function",
                   {{"bucket", bucket.name}, {"function", n.function_arn}});
      continue;
    }
    invoke::AsyncEvent e;
    e.request_id = new_uuid();
    e.function_arn = n.unqualified_arn();
    e.qualifier = n.qualifier();
    e.payload = event_document(happened, cause, bucket, n, next_sequencer());
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
