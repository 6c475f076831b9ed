// SPDX-License-Identifier: Apache-2.0

// DeleteObject and DeleteObjects.

#include <algorithm>

#include "model/errors.h"
#include "services/s3/request.h"
#include "services/s3/s3_service.h"

namespace gust::s3 {
namespace {

constexpr size_t kMaxKeys = 1000;  // of one DeleteObjects
constexpr size_t kBatch = 100;     // keys in one mutation, so that others come in between

struct DeleteError {
  std::string_view code, message;
};

// Members of one entry that are not built, and keys that cannot be.
std::optional<DeleteError> check_entry(const Value& entry) {
  for (const char* member : {"ETag", "LastModifiedTime", "Size"}) {
    if (entry.has(member)) return DeleteError{"NotImplemented", "Conditional deletes are not implemented by this server."};
  }
  if (check_key(entry["Key"].as_string())) return DeleteError{"KeyTooLongError", "Your key is too long"};
  const std::string_view version = entry["VersionId"].as_string();
  if (!version.empty() && version != "null") return DeleteError{"NoSuchVersion", "The specified version does not exist."};
  return std::nullopt;
}

}  // namespace

// Of an object that is not there nothing is deleted and nobody is told, as on AWS.
Result<> S3Service::delete_in(store::Transaction& transaction, Effects& effects, const Bucket& bucket, std::string_view key,
                              const Cause& cause) {
  const auto object = TRY(read_object(transaction, bucket.name, key));
  if (!object) return {};
  const std::string row = object_key(bucket.name, key);
  TRY(transaction.erase(store::Space::Object, row));
  if (object->file.empty()) {
    TRY(transaction.erase(store::Space::Body, row));
  } else {
    TRY(Garbage::note(transaction, object->file));
    effects.files.push_back(object->file);
  }
  return add_events(transaction, effects, bucket, kRemovedByDelete, key, nullptr, cause);
}

void S3Service::delete_object(model::Call& call, const model::Responder& responder) {
  const std::string key(call.input["Key"].as_string());
  Problem problem = check_key(key);
  if (!problem) problem = check_version(call.input);
  if (!problem) {
    problem = refuse(call.operation, call.input,
                     {{"MFA", "x-amz-mfa"},
                      {"BypassGovernanceRetention", "x-amz-bypass-governance-retention", "false"},
                      {"IfMatch", "If-Match"},
                      {"IfMatchLastModifiedTime", "x-amz-if-match-last-modified-time"},
                      {"IfMatchSize", "x-amz-if-match-size"}});
  }
  if (problem) return responder.error(std::move(*problem));
  auto change = [this, key, access = access_of(call), cause = Cause(call, parts_.clock.unix_ms())](
                    store::Transaction& transaction, Effects& effects) -> Result<> {
    const auto bucket = TRY(open_bucket(transaction, access, effects.problem));
    if (!bucket) return {};
    return delete_in(transaction, effects, *bucket, key, cause);
  };
  write(std::move(change), responder, [] { return model::Reply{}; });
}

// One DeleteObjects on its way through its batches.
struct S3Service::Deletion {
  Deletion(Access a, Cause c, const model::Responder& r) : access(std::move(a)), cause(std::move(c)), responder(r) {}
  Access access;
  Cause cause;
  model::Responder responder;
  std::vector<std::string> keys;
  size_t next = 0;  // first key of the batch under way
  bool quiet = false;
  Value deleted = Value::list(), errors = Value::list();

  size_t batch_end() const { return std::min(keys.size(), next + kBatch); }
  void add_error(std::string_view key, std::string_view code, std::string_view message) {
    Value e = Value::map();
    e.set("Key", key);
    e.set("Code", code);
    e.set("Message", message);
    errors.push(std::move(e));
  }
  void reply() {
    model::Reply out;
    if (deleted.size() > 0) out.output.set("Deleted", std::move(deleted));
    if (errors.size() > 0) out.output.set("Errors", std::move(errors));
    responder.reply(std::move(out));
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
    const std::string_view key = entry["Key"].as_string();
    if (const auto error = check_entry(entry)) {
      deletion->add_error(key, error->code, error->message);
    } else {
      deletion->keys.emplace_back(key);
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
      TRY(delete_in(transaction, effects, *bucket, deletion->keys[i], deletion->cause));
    }
    return {};
  };
  write(std::move(change), [this, deletion](Fate fate, Problem problem) {
    // The bucket itself: nothing has been deleted yet, or it went away in between.
    if (fate == Fate::Refused && deletion->next == 0) return deletion->responder.error(std::move(*problem));
    for (const size_t end = deletion->batch_end(); deletion->next < end; ++deletion->next) {
      const std::string& key = deletion->keys[deletion->next];
      if (fate != Fate::Committed) {
        deletion->add_error(key, problem->code, problem->message);
      } else if (!deletion->quiet) {
        Value v = Value::map();
        v.set("Key", key);
        deletion->deleted.push(std::move(v));
      }
    }
    if (deletion->next == deletion->keys.size()) return deletion->reply();
    delete_batch(deletion);
  });
}

}  // namespace gust::s3
