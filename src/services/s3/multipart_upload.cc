// SPDX-License-Identifier: Apache-2.0

// CreateMultipartUpload and AbortMultipartUpload.

#include "base/ids.h"
#include "model/errors.h"
#include "services/s3/checksum.h"
#include "services/s3/manifest.h"
#include "services/s3/object_headers.h"
#include "services/s3/request.h"
#include "services/s3/s3_service.h"
#include "store/key.h"

namespace gust::s3 {
namespace {

using model::ApiError;

ApiError invalid_request(std::string message) { return model::api_error("InvalidRequest", std::move(message)); }

std::string lower_name(std::string_view algorithm) {
  std::string name(algorithm);
  for (char& c : name) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
  return name;
}

// What the checksum of the whole will be; nothing asked for: FULL_OBJECT of kDefaultChecksum, without saying so.
Problem take_checksum(const Value& input, Object& object) {
  const std::string_view algorithm = input["ChecksumAlgorithm"].as_string(), type = input["ChecksumType"].as_string();
  if (auto e = check_algorithm(algorithm)) return e;
  if (!type.empty() && algorithm.empty()) {
    return invalid_request("The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.");
  }
  if (!type.empty() && type != "COMPOSITE" && type != "FULL_OBJECT") {
    return invalid_request("Value for x-amz-checksum-type header is invalid.");
  }
  const bool only_whole = algorithm == "CRC64NVME", only_composite = !algorithm.empty() && !is_crc(algorithm);
  if ((only_whole && type == "COMPOSITE") || (only_composite && type == "FULL_OBJECT")) {
    return invalid_request("The " + std::string(type) + " checksum type cannot be used with the " + lower_name(algorithm) +
                           " checksum algorithm.");
  }
  object.checksum_algorithm = algorithm;
  object.checksum_of_checksums = !algorithm.empty() && !only_whole && type != "FULL_OBJECT";
  return std::nullopt;
}

Problem take(std::string_view operation, const Value& input, Object& object) {
  if (auto e = check_key(input["Key"].as_string())) return e;
  if (auto e = refuse_unbuilt_write(operation, input)) return e;
  if (auto e = take_checksum(input, object)) return e;
  if (auto e = take_headers(input, object)) return e;
  if (auto e = take_placement(input, object)) return e;
  return take_tags(input, object);
}

}  // namespace

void S3Service::create_multipart_upload(model::Call& call, const model::Responder& responder) {
  const Value& input = call.input;
  Object object;
  object.modified_ms = parts_.clock.unix_ms();
  Problem problem = take(call.operation, input, object);
  if (!problem && asks_for_acl(input)) problem = acl_problem(call);
  if (problem) return responder.error(std::move(*problem));
  // Ids sort by time, as uploads of one key are listed.
  const std::string id = hex18(next_sequencer()) + new_id(46);
  const std::string key(input["Key"].as_string());
  auto change = [access = access_of(call), key, id, object](store::Transaction& transaction, Effects& effects) -> Result<> {
    const auto bucket = TRY(open_bucket(transaction, access, effects.problem));
    if (!bucket) return {};
    return transaction.put(store::Space::Object, upload_row(*bucket, key, id), encode(object));
  };
  model::Reply reply;
  reply.output.set("Bucket", input["Bucket"]);
  reply.output.set("Key", key);
  reply.output.set("UploadId", id);
  reply.output.set("ServerSideEncryption", "AES256");
  if (!object.checksum_algorithm.empty()) {
    reply.output.set("ChecksumAlgorithm", object.checksum_algorithm);
    reply.output.set("ChecksumType", checksum_type(object.checksum_of_checksums));
  }
  write(std::move(change), responder, [reply = std::move(reply)] { return reply; });
}

void S3Service::abort_multipart_upload(model::Call& call, const model::Responder& responder) {
  const Value& input = call.input;
  Problem problem = check_key(input["Key"].as_string());
  if (!problem) problem = refuse(call.operation, input, {{"IfMatchInitiatedTime", "x-amz-if-match-initiated-time"}});
  if (problem) return responder.error(std::move(*problem));
  auto change = [access = access_of(call), key = std::string(input["Key"].as_string()),
                 id = std::string(input["UploadId"].as_string())](store::Transaction& transaction, Effects& effects) -> Result<> {
    const auto bucket = TRY(open_bucket(transaction, access, effects.problem));
    if (!bucket) return {};
    const std::string row = upload_row(*bucket, key, id);
    if (!TRY(transaction.get(store::Space::Object, row))) {
      effects.problem = no_such_upload(id);
      return {};
    }
    TRY(transaction.erase(store::Space::Object, row));
    std::string manifest;
    for (const auto& [number, part] : TRY(read_parts(transaction, *bucket, id))) {
      append(manifest, {part.file, part.size, {}});
      TRY(transaction.erase(store::Space::Object, part_row(*bucket, id, number)));
    }
    return manifest.empty() ? Result<>() : Garbage::note_files(transaction, manifest, effects.leftovers);
  };
  write(std::move(change), responder, [] { return model::Reply{}; });
}

}  // namespace gust::s3
