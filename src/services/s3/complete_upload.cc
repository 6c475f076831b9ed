// SPDX-License-Identifier: Apache-2.0

// CompleteMultipartUpload. The object's body is the files of its parts as they are: nothing is copied.

#include <algorithm>

#include "base/encoding.h"
#include "crypto/hash.h"
#include "model/errors.h"
#include "services/s3/checksum.h"
#include "services/s3/manifest.h"
#include "services/s3/new_object.h"
#include "services/s3/object_headers.h"
#include "services/s3/request.h"

namespace gust::s3 {
namespace {

using model::ApiError;

struct WantedPart {
  uint64_t number = 0;
  std::string etag;  // without quotes
  std::optional<std::pair<std::string, std::string>> checksum;
};

ApiError invalid_request(std::string message) { return model::api_error("InvalidRequest", std::move(message)); }

ApiError bad_order(std::string_view upload_id) {
  ApiError e =
      model::api_error("InvalidPartOrder", "The list of parts was not in ascending order. Parts must be ordered by part number.");
  e.members.set("UploadId", upload_id);
  return e;
}

ApiError invalid_part(const WantedPart& part, std::string_view upload_id) {
  ApiError e = model::api_error("InvalidPart",
                                "One or more of the specified parts could not be found.  The part may not have been uploaded, or "
                                "the specified entity tag may not match the part's entity tag.");
  e.members.set("ETag", part.etag);
  e.members.set("PartNumber", static_cast<unsigned long>(part.number));
  e.members.set("UploadId", upload_id);
  return e;
}

ApiError too_small(const WantedPart& part, uint64_t size) {
  ApiError e = model::api_error("EntityTooSmall", "Your proposed upload is smaller than the minimum allowed size");
  e.members.set("ETag", part.etag);
  e.members.set("MinSizeAllowed", static_cast<unsigned long>(kMinPart));
  e.members.set("PartNumber", static_cast<unsigned long>(part.number));
  e.members.set("ProposedSize", static_cast<unsigned long>(size));
  return e;
}

std::string_view without_quotes(std::string_view tag) {
  if (tag.size() >= 2 && tag.front() == '"' && tag.back() == '"') return tag.substr(1, tag.size() - 2);
  return tag;
}

tl::expected<std::vector<WantedPart>, ApiError> wanted_parts(const Value& input) {
  const Value::List& list = input["MultipartUpload"]["Parts"].as_list();
  if (list.empty()) return tl::unexpected(invalid_request("You must specify at least one part"));
  if (list.size() > static_cast<size_t>(kMaxPartNumber)) return tl::unexpected(model::malformed_xml());
  std::vector<WantedPart> parts;
  for (const Value& entry : list) {
    const int64_t number = entry["PartNumber"].as_int();
    if (number < 1 || !entry.has("ETag")) return tl::unexpected(model::malformed_xml());
    WantedPart part{static_cast<uint64_t>(number), std::string(without_quotes(trim(entry["ETag"].as_string()))), std::nullopt};
    if (const auto given = given_checksum(entry)) part.checksum.emplace(given->algorithm, given->value);
    if (!parts.empty() && part.number <= parts.back().number) {
      return tl::unexpected(bad_order(input["UploadId"].as_string()));
    }
    parts.push_back(std::move(part));
  }
  return parts;
}

}  // namespace

struct S3Service::Completion {
  Completion(const model::Call& call, std::vector<WantedPart> wanted, int64_t now_ms)
      : access(access_of(call)),
        cause(call, now_ms),
        key(call.input["Key"].as_string()),
        upload_id(call.input["UploadId"].as_string()),
        origin((call.secure ? "https://" : "http://") + call.host),
        conditions(write_conditions(call.input)),
        checksum_type(call.input["ChecksumType"].as_string()),
        parts(std::move(wanted)) {
    if (const Value* n = call.input.find("MpuObjectSize")) size = n->as_int();
    if (const auto given = given_checksum(call.input)) checksum.emplace(given->algorithm, given->value);
  }
  Access access;
  Cause cause;
  std::string key, upload_id, origin;
  WriteConditions conditions;
  std::string checksum_type;
  std::vector<WantedPart> parts;
  std::optional<int64_t> size;                                  // MpuObjectSize
  std::optional<std::pair<std::string, std::string>> checksum;  // that the whole shall have

  // What comes of it; made anew by each run of the mutation.
  Object object;
  std::string manifest, version_id;

  Problem check_request(const Object& upload) const;
  Problem check_part(const Object& upload, const WantedPart& wanted, const Part* part, bool last) const;
  using Parts = std::vector<std::pair<uint64_t, Part>>;
  std::vector<const Part*> choose(const Object& upload, const Parts& there, std::string& unwanted, Problem& problem) const;
  void assemble(const std::vector<const Part*>& chosen);
  Problem check_whole() const;
  model::Reply reply() const;
};

Problem S3Service::Completion::check_request(const Object& upload) const {
  const std::string_view type = s3::checksum_type(upload.checksum_of_checksums);
  if (!checksum_type.empty() && checksum_type != type) {
    return invalid_request("The upload was created using the " + std::string(type) +
                           " checksum mode. The complete request must use the same checksum mode.");
  }
  if (!upload.checksum_of_checksums) return std::nullopt;
  for (size_t i = 0; i < parts.size(); ++i) {
    const WantedPart& part = parts[i];
    if (part.number != i + 1) return bad_order(upload_id);
    if (part.checksum) continue;
    return invalid_request("The upload was created using a " + lower(upload.checksum_algorithm) +
                           " checksum. The complete request must include the checksum for each part. It was missing for part " +
                           std::to_string(part.number) + " in the request.");
  }
  return std::nullopt;
}

Problem S3Service::Completion::check_part(const Object& upload, const WantedPart& wanted, const Part* part, bool last) const {
  if (part == nullptr || hex_encode(part->md5) != wanted.etag) return invalid_part(wanted, upload_id);
  if (!last && part->size < kMinPart) return too_small(wanted, part->size);
  // Of another algorithm than the upload's nothing is kept; where the client chose none that is no fault.
  if (!wanted.checksum || (upload.checksum_algorithm.empty() && wanted.checksum->first != kDefaultChecksum)) return std::nullopt;
  const std::string_view algorithm =
      upload.checksum_algorithm.empty() ? kDefaultChecksum : std::string_view(upload.checksum_algorithm);
  if (wanted.checksum->first == algorithm && wanted.checksum->second == base64_encode(part->checksum)) return std::nullopt;
  return invalid_part(wanted, upload_id);
}

// The parts that were asked for, or the problem; the manifest of all others.
std::vector<const Part*> S3Service::Completion::choose(const Object& upload, const Parts& there, std::string& unwanted,
                                                       Problem& problem) const {
  std::vector<const Part*> chosen;
  auto next = parts.begin();
  for (const auto& [number, part] : there) {
    if (next != parts.end() && next->number < number) break;  // it is missing
    if (next == parts.end() || next->number != number) {
      append(unwanted, {part.file, part.size, {}});
      continue;
    }
    if ((problem = check_part(upload, *next, &part, next + 1 == parts.end()))) return chosen;
    chosen.push_back(&part);
    ++next;
  }
  if (next != parts.end()) problem = check_part(upload, *next, nullptr, false);
  return chosen;
}

void S3Service::Completion::assemble(const std::vector<const Part*>& chosen) {
  if (object.checksum_algorithm.empty()) object.checksum_algorithm = kDefaultChecksum;
  object.parts = chosen.size();
  object.upload = upload_id;
  Digest md5s(Digest::Kind::Md5);
  Checksum composite(object.checksum_algorithm);
  CrcOfParts whole(object.checksum_algorithm);
  manifest.clear();
  for (const Part* part : chosen) {
    object.size += part->size;
    md5s.update(part->md5);
    if (object.checksum_of_checksums) {
      composite.update(part->checksum);
    } else {
      whole.add(part->checksum, part->size);
    }
    append(manifest, {part->file, part->size, part->checksum});
  }
  object.md5 = md5s.finish();
  object.checksum = base64_encode(object.checksum_of_checksums ? composite.finish() : whole.finish());
  if (object.checksum_of_checksums) object.checksum += "-" + std::to_string(object.parts);
}

Problem S3Service::Completion::check_whole() const {
  if (size && static_cast<uint64_t>(*size) != object.size) {
    return invalid_request("The provided 'x-amz-mp-object-size' header value " + std::to_string(*size) +
                           " does not match what was computed: " + std::to_string(object.size));
  }
  if (!checksum) return std::nullopt;
  if (checksum->first == object.checksum_algorithm && checksum->second == object.checksum) return std::nullopt;
  return model::api_error("BadDigest", "The " + lower(checksum->first) + " you specified did not match the calculated checksum.");
}

model::Reply S3Service::Completion::reply() const {
  model::Reply reply;
  reply.output.set("Location", origin + "/" + access.bucket + "/" + percent_encode(key, Slash::Keep));
  reply.output.set("Bucket", access.bucket);
  reply.output.set("Key", key);
  reply.output.set("ETag", object.etag());
  set_checksum(reply.output, object.checksum_algorithm, object.checksum);
  reply.output.set("ChecksumType", s3::checksum_type(object.checksum_of_checksums));
  reply.output.set("ServerSideEncryption", "AES256");
  if (!version_id.empty()) reply.output.set("VersionId", version_id);
  return reply;
}

void S3Service::complete_multipart_upload(model::Call& call, const model::Responder& responder) {
  const Value& input = call.input;
  Problem problem = check_key(input["Key"].as_string());
  if (!problem) problem = refuse_unbuilt_write(call.operation, input);
  if (!problem) problem = refuse_write_conditions(input);
  if (problem) return responder.error(std::move(*problem));
  auto wanted = wanted_parts(input);
  if (!wanted) return responder.error(std::move(wanted.error()));
  const auto completion = std::make_shared<Completion>(call, std::move(*wanted), parts_.clock.unix_ms());
  auto change = [this, completion](store::Transaction& transaction, Effects& effects) {
    return complete_in(transaction, effects, *completion);
  };
  write(std::move(change), responder, [completion] { return completion->reply(); });
}

Result<> S3Service::complete_in(store::Transaction& transaction, Effects& effects, Completion& completion) {
  using store::Space;
  Problem& problem = effects.problem;
  const auto bucket = TRY(open_bucket(transaction, completion.access, problem));
  if (!bucket) return {};
  const auto version_id = [&](const Object& o) {
    return bucket->versioned() && !o.version.empty() ? version_text(o.version) : "";
  };
  const auto latest = TRY(read_latest(transaction, *bucket, completion.key));
  const auto upload = TRY(read_upload(transaction, *bucket, completion.key, completion.upload_id, problem));
  if (!upload) {
    // A client that did not hear the answer asks again: what it made is still the object.
    if (!latest || latest->object.upload != completion.upload_id) return {};
    problem.reset();
    completion.object = latest->object;
    completion.version_id = version_id(completion.object);
    return {};
  }
  const Object* there = latest && !latest->object.delete_marker ? &latest->object : nullptr;
  const WriteConditions& conditions = completion.conditions;
  problem = check_write_conditions(conditions.if_match, conditions.if_none_match, completion.key, there);
  if (!problem) problem = completion.check_request(*upload);
  if (problem) return {};

  const auto parts = TRY(read_parts(transaction, *bucket, completion.upload_id));
  std::string unwanted;
  const auto chosen = completion.choose(*upload, parts, unwanted, problem);
  if (problem) return {};

  completion.object = *upload;
  completion.assemble(chosen);
  if ((problem = completion.check_whole())) return {};
  Object& object = completion.object;
  TRY(change(transaction, *bucket, completion.key, effects).put(object));
  TRY(transaction.put(Space::Body, body_key(bucket->name, completion.key, object.version), completion.manifest));
  TRY(transaction.erase(Space::Object, upload_row(*bucket, completion.key, completion.upload_id)));
  for (const auto& [number, part] : parts) {
    TRY(transaction.erase(Space::Object, part_row(*bucket, completion.upload_id, number)));
  }
  if (!unwanted.empty()) TRY(Garbage::note_files(transaction, unwanted, effects.leftovers));
  completion.version_id = version_id(object);
  const std::string told = bucket->versioned() ? version_text(object.version) : std::string();
  return add_events(transaction, effects, *bucket, {kCreatedByUpload, completion.key, object.size, object.entity_tag(), told},
                    completion.cause);
}

}  // namespace gust::s3
