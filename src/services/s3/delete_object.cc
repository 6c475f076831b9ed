// SPDX-License-Identifier: Apache-2.0

// DeleteObject and DeleteObjects.

#include <algorithm>

#include "crypto/hash.h"
#include "model/errors.h"
#include "services/s3/conditions.h"
#include "services/s3/request.h"
#include "services/s3/s3_service.h"

namespace gust::s3 {

// What shall be deleted, and what came of it.
struct S3Service::Target {
  std::string key;
  std::optional<std::string> version_id;  // as the client writes it
  std::string if_match;

  // Made anew by each run of the mutation.
  Problem problem;      // of this key alone
  bool marker = false;  // a delete marker was made or deleted
  std::string version;  // of what was deleted or made, as clients see it
};

namespace {

constexpr size_t kMaxKeys = 1000;  // of one DeleteObjects
constexpr size_t kBatch = 100;     // keys in one mutation, so that others come in between

Problem not_implemented_condition() {
  return model::api_error("NotImplemented", "Conditions of a deletion other than its ETag are not implemented by this server.",
                          501);
}

// Members of one entry that are not built, and keys that cannot be.
Problem check_entry(const Value& entry) {
  if (entry.has("LastModifiedTime") || entry.has("Size")) return not_implemented_condition();
  if (check_key(entry["Key"].as_string())) return model::api_error("KeyTooLongError", "Your key is too long");
  return std::nullopt;
}

}  // namespace

// Of an object that is not there nothing is deleted and nobody is told, as on AWS; but a versioned bucket gets its marker.
Result<> S3Service::delete_in(store::Transaction& transaction, Effects& effects, const Bucket& bucket, Target& target,
                              const Cause& cause) {
  target.problem.reset();
  target.marker = false;
  target.version.clear();
  if (!target.version_id) return delete_latest(transaction, effects, bucket, target, cause);
  const auto version = parse_version(*target.version_id);
  if (!version || (!version->empty() && !bucket.versioned())) {
    target.problem = model::invalid_argument(
        target.version_id->empty() ? "Version id cannot be the empty string" : "Invalid version id specified", "versionId",
        *target.version_id);
    return {};
  }
  if (bucket.versioned()) target.version = *target.version_id;
  const auto stored = TRY(read_version(transaction, bucket, target.key, *version));
  if (!stored) return {};
  if (!target.if_match.empty() && !tag_matches(target.if_match, stored->object)) {
    target.problem = precondition_failed("If-Match");
    return {};
  }
  target.marker = stored->object.delete_marker;
  TRY(change(transaction, bucket, target.key, effects).remove(*stored));
  return add_events(transaction, effects, bucket, {kRemovedByDelete, target.key, std::nullopt, "", target.version}, cause);
}

Result<> S3Service::delete_latest(store::Transaction& transaction, Effects& effects, const Bucket& bucket, Target& target,
                                  const Cause& cause) {
  const auto latest = TRY(read_latest(transaction, bucket, target.key));
  const bool there = latest && !latest->object.delete_marker;
  if (!target.if_match.empty()) {
    if (!there) return {};
    if (!tag_matches(target.if_match, latest->object)) {
      target.problem = precondition_failed("If-Match");
      return {};
    }
  }
  if (!bucket.versioned()) {
    if (!there) return {};
    TRY(change(transaction, bucket, target.key, effects).remove(*latest));
    return add_events(transaction, effects, bucket, {kRemovedByDelete, target.key, std::nullopt, "", ""}, cause);
  }
  Object marker;
  marker.delete_marker = true;
  marker.modified_ms = cause.now_ms;
  TRY(change(transaction, bucket, target.key, effects).put(marker));
  target.marker = true;
  target.version = version_text(marker.version);
  // A marker's ETag in events is that of no bytes.
  return add_events(transaction, effects, bucket,
                    {kRemovedByMarker, target.key, std::nullopt, entity_tag(md5(""), 0), target.version}, cause);
}

void S3Service::delete_object(model::Call& call, const model::Responder& responder) {
  const Value& input = call.input;
  const auto target = std::make_shared<Target>();
  target->key = input["Key"].as_string();
  target->if_match = input["IfMatch"].as_string();
  if (const Value* id = input.find("VersionId")) target->version_id = id->as_string();
  Problem problem = check_key(target->key);
  if (!problem) {
    problem = refuse(call.operation, input,
                     {{"MFA", "x-amz-mfa"},
                      {"BypassGovernanceRetention", "x-amz-bypass-governance-retention", "false"},
                      {"IfMatchLastModifiedTime", "x-amz-if-match-last-modified-time"},
                      {"IfMatchSize", "x-amz-if-match-size"}});
  }
  if (problem) return responder.error(std::move(*problem));
  auto change = [this, target, access = access_of(call), cause = Cause(call, parts_.clock.unix_ms())](
                    store::Transaction& transaction, Effects& effects) -> Result<> {
    const auto bucket = TRY(open_bucket(transaction, access, effects.problem));
    if (!bucket) return {};
    TRY(delete_in(transaction, effects, *bucket, *target, cause));
    effects.problem = target->problem;
    return {};
  };
  write(std::move(change), responder, [target] {
    model::Reply reply;
    if (target->marker) reply.output.set("DeleteMarker", true);
    if (!target->version.empty()) reply.output.set("VersionId", target->version);
    return reply;
  });
}

// One DeleteObjects on its way through its batches.
struct S3Service::Deletion {
  Deletion(Access a, Cause c, const model::Responder& r) : access(std::move(a)), cause(std::move(c)), responder(r) {}
  Access access;
  Cause cause;
  model::Responder responder;
  std::vector<Target> targets;
  size_t next = 0;  // first of the batch under way
  bool quiet = false;
  Value deleted = Value::list(), errors = Value::list();

  size_t batch_end() const { return std::min(targets.size(), next + kBatch); }
  void add_error(const Target& target, const model::ApiError& error) {
    Value e = Value::map();
    e.set("Key", target.key);
    if (target.version_id) e.set("VersionId", *target.version_id);
    e.set("Code", error.code);
    e.set("Message", error.message);
    errors.push(std::move(e));
  }
  void add_deleted(const Target& target) {
    if (quiet) return;
    Value v = Value::map();
    v.set("Key", target.key);
    if (target.version_id) v.set("VersionId", *target.version_id);
    if (target.marker) {
      v.set("DeleteMarker", true);
      v.set("DeleteMarkerVersionId", target.version);
    }
    deleted.push(std::move(v));
  }
  void reply() {
    model::Reply reply;
    if (deleted.size() > 0) reply.output.set("Deleted", std::move(deleted));
    if (errors.size() > 0) reply.output.set("Errors", std::move(errors));
    responder.reply(std::move(reply));
  }
};

void S3Service::delete_objects(model::Call& call, const model::Responder& responder) {
  const Value::List& entries = call.input["Delete"]["Objects"].as_list();
  if (entries.empty() || entries.size() > kMaxKeys) return responder.error(model::malformed_xml());
  Problem problem = refuse(call.operation, call.input,
                           {{"MFA", "x-amz-mfa"}, {"BypassGovernanceRetention", "x-amz-bypass-governance-retention", "false"}});
  if (problem) return responder.error(std::move(*problem));
  auto deletion = std::make_shared<Deletion>(access_of(call), Cause(call, parts_.clock.unix_ms()), responder);
  deletion->quiet = call.input["Delete"]["Quiet"].as_bool();
  for (const Value& entry : entries) {
    Target target;
    target.key = entry["Key"].as_string();
    target.if_match = entry["ETag"].as_string();
    if (const Value* id = entry.find("VersionId"); id && !id->as_string().empty()) target.version_id = id->as_string();
    if (const auto error = check_entry(entry)) {
      deletion->add_error(target, *error);
    } else {
      deletion->targets.push_back(std::move(target));
    }
  }
  delete_batch(deletion);
}

// Runs once even without a key, because the bucket must be there.
void S3Service::delete_batch(const std::shared_ptr<Deletion>& deletion) {
  auto change = [this, deletion](store::Transaction& transaction, Effects& effects) -> Result<> {
    const auto bucket = TRY(open_bucket(transaction, deletion->access, effects.problem));
    if (!bucket) return {};
    for (size_t i = deletion->next; i < deletion->batch_end(); ++i) {
      TRY(delete_in(transaction, effects, *bucket, deletion->targets[i], deletion->cause));
    }
    return {};
  };
  write(std::move(change), [this, deletion](Fate fate, Problem problem) {
    // The bucket itself: nothing has been deleted yet, or it went away in between.
    if (fate == Fate::Refused && deletion->next == 0) return deletion->responder.error(std::move(*problem));
    for (const size_t end = deletion->batch_end(); deletion->next < end; ++deletion->next) {
      const Target& target = deletion->targets[deletion->next];
      if (fate != Fate::Committed) {
        deletion->add_error(target, *problem);
      } else if (target.problem) {
        deletion->add_error(target, *target.problem);
      } else {
        deletion->add_deleted(target);
      }
    }
    if (deletion->next == deletion->targets.size()) return deletion->reply();
    delete_batch(deletion);
  });
}

}  // namespace gust::s3
