// SPDX-License-Identifier: Apache-2.0

#include "gateway/upload.h"

#include <algorithm>

#include "base/encoding.h"
#include "crypto/hash.h"
#include "model/errors.h"
#include "os/files.h"

namespace gust::gateway {
namespace {

using model::api_error;
using model::ApiError;

constexpr std::string_view kChecksumPrefix = "x-amz-checksum-";
constexpr size_t kPiece = 1 << 20;

struct Algorithm {
  std::string_view name;   // as in the header
  std::string_view title;  // as in errors
  size_t bytes;
};
constexpr Algorithm kAlgorithms[] = {{"crc32", "CRC32", 4},
                                     {"crc32c", "CRC32C", 4},
                                     {"crc64nvme", "CRC64NVME", 8},
                                     {"sha1", "SHA1", 20},
                                     {"sha256", "SHA256", 32}};
// In S3's model, not built.
constexpr std::string_view kRefused[] = {"sha512", "md5", "xxhash64", "xxhash3", "xxhash128"};

const Algorithm* find_algorithm(std::string_view name) {
  for (const Algorithm& known : kAlgorithms) {
    if (known.name == name) return &known;
  }
  return nullptr;
}

bool is_refused(std::string_view name) { return std::find(std::begin(kRefused), std::end(kRefused), name) != std::end(kRefused); }

// Whether x-amz-checksum-* speaks of the request's body: CompleteMultipartUpload's is the object's.
bool of_the_body(std::string_view operation) { return operation != "CompleteMultipartUpload"; }

bool is_hex64(std::string_view text) {
  return text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
         });
}

// Calls `use` with the body in pieces.
template <class Use>
Result<> each_piece(const http::Body& body, Use use) {
  if (!body.file) {
    use(std::string_view(body.bytes));
    return {};
  }
  for (uint64_t at = 0; at < body.file->length; at += kPiece) {
    size_t n = static_cast<size_t>(std::min<uint64_t>(kPiece, body.file->length - at));
    use(std::string_view(TRY(files::read_fd(body.file->file->get(), body.file->offset + at, n))));
  }
  return {};
}

Result<std::string> digest(const http::Body& body, Digest::Kind kind) {
  Digest d(kind);
  TRY(each_piece(body, [&](std::string_view piece) { d.update(piece); }));
  return d.finish();
}

Result<std::string> checksum(http::Body& body, const Algorithm& algorithm) {
  if (algorithm.name == "sha256") {
    if (body.sha256.empty()) body.sha256 = TRY(digest(body, Digest::Kind::Sha256));
    return body.sha256;
  }
  if (algorithm.name == "sha1") {
    if (body.sha1.empty()) body.sha1 = TRY(digest(body, Digest::Kind::Sha1));
    return body.sha1;
  }
  if (algorithm.name == "crc64nvme") {
    if (!body.crc64nvme) {
      uint64_t value = 0;
      TRY(each_piece(body, [&](std::string_view p) { value = crc64nvme(p, value); }));
      body.crc64nvme = value;
    }
    return big_endian64(*body.crc64nvme);
  }
  bool castagnoli = algorithm.name == "crc32c";
  auto& slot = castagnoli ? body.crc32c : body.crc32;
  if (!slot) {
    uint32_t value = 0;
    TRY(each_piece(body, [&](std::string_view p) { value = castagnoli ? crc32c(p, value) : crc32(p, value); }));
    slot = value;
  }
  return big_endian32(*slot);
}

// The one x-amz-checksum-* header with its algorithm, if there is one. ApiError: several, unknown, malformed.
tl::expected<std::pair<const Algorithm*, std::string>, ApiError> wanted_checksum(const http::Headers& headers) {
  std::pair<const Algorithm*, std::string> found{nullptr, {}};
  for (const auto& [field, value] : headers.fields()) {
    if (field.size() <= kChecksumPrefix.size() ||
        !equal_ignoring_case(field.substr(0, kChecksumPrefix.size()), kChecksumPrefix)) {
      continue;
    }
    std::string name = lower(field);
    std::string_view kind = std::string_view(name).substr(kChecksumPrefix.size());
    if (kind == "type" || kind == "mode" || kind == "algorithm") continue;
    const Algorithm* a = find_algorithm(kind);
    if (a == nullptr && is_refused(kind)) return tl::unexpected(model::not_implemented("s3", name));
    if (a == nullptr) {
      return tl::unexpected(
          api_error("InvalidRequest", "The algorithm type you specified in x-amz-checksum- header is invalid."));
    }
    if (found.first != nullptr) {
      return tl::unexpected(
          api_error("InvalidRequest", "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed."));
    }
    auto bytes = base64_decode(value);
    if (!bytes || bytes->size() != a->bytes) {
      return tl::unexpected(api_error("InvalidRequest", "Value for " + name + " header is invalid."));
    }
    found = {a, std::move(*bytes)};
  }
  return found;
}

std::optional<ApiError> check_md5(const http::Headers& headers, http::Body& body) {
  const std::string* header = headers.find("content-md5");
  if (header == nullptr) return std::nullopt;
  auto wanted = base64_decode(trim(*header));
  if (!wanted || wanted->size() != 16) {
    ApiError e = api_error("InvalidDigest", "The Content-MD5 you specified was invalid.");
    e.members.set("Content-MD5", *header);
    return e;
  }
  if (body.md5.empty()) {
    auto made = digest(body, Digest::Kind::Md5);
    if (!made) return model::from_error("s3", made.error());
    body.md5 = std::move(*made);
  }
  if (body.md5 == *wanted) return std::nullopt;
  ApiError e = api_error("BadDigest", "The Content-MD5 you specified did not match what we received.");
  e.members.set("ExpectedDigest", hex_encode(*wanted));
  e.members.set("CalculatedDigest", base64_encode(body.md5));
  return e;
}

}  // namespace

Result<std::string> payload_hash(http::Body& body) {
  if (body.sha256.empty()) body.sha256 = body.file ? TRY(digest(body, Digest::Kind::Sha256)) : sha256(body.bytes);
  return hex_encode(body.sha256);
}

std::optional<ApiError> refuse_without_digest(const http::Headers& headers, std::string_view operation) {
  constexpr std::string_view kNeed[] = {
      "DeleteObjects",        "PutBucketCors",    "PutBucketLifecycle", "PutBucketLifecycleConfiguration",
      "PutBucketReplication", "PutBucketTagging", "PutObjectLegalHold", "PutObjectLockConfiguration",
      "PutObjectRetention",   "PutObjectTagging"};
  if (std::find(std::begin(kNeed), std::end(kNeed), operation) == std::end(kNeed)) return std::nullopt;
  for (const auto& [field, value] : headers.fields()) {
    const std::string name = lower(field);
    if (name == "content-md5" || name.starts_with(kChecksumPrefix)) return std::nullopt;
  }
  return api_error("InvalidRequest", "Missing required header for this request: Content-MD5 OR x-amz-checksum-*");
}

std::optional<ApiError> refuse_upload(const http::Request& request, std::string_view operation) {
  const http::Headers& headers = request.headers;
  std::string_view hash = headers.get("x-amz-content-sha256");
  bool streaming = hash.starts_with("STREAMING-");
  if (!streaming && headers.get("content-encoding").find("aws-chunked") != std::string_view::npos) {
    return model::not_implemented("s3", "a body in the form aws-chunked without x-amz-content-sha256: STREAMING-...");
  }
  if (!hash.empty() && !streaming && hash != "UNSIGNED-PAYLOAD" && !is_hex64(hash)) {
    return model::invalid_argument(
        "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, "
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid sha256 value.",
        "x-amz-content-sha256", to_utf8(hash));
  }
  if (!of_the_body(operation) || (request.method != "PUT" && request.method != "POST")) return std::nullopt;
  auto wanted = wanted_checksum(headers);
  if (!wanted) return std::move(wanted.error());
  const std::string* name = headers.find("x-amz-sdk-checksum-algorithm");
  if (name == nullptr || wanted->first != nullptr) return std::nullopt;
  if (is_refused(lower(*name))) return model::not_implemented("s3", "the checksum algorithm " + to_utf8(*name));
  if (find_algorithm(lower(*name)) == nullptr) {
    return api_error("InvalidRequest", "Value for x-amz-sdk-checksum-algorithm header is invalid.");
  }
  if (streaming && headers.has("x-amz-trailer")) return std::nullopt;
  return api_error("InvalidRequest",
                   "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were "
                   "found.");
}

void plan_digests(const http::Headers& headers, http::BodyPlan& plan) {
  std::string trailer = lower(headers.get("x-amz-trailer"));
  auto says = [&](std::string_view name) { return headers.has(name) || trailer.find(name) != trailer.npos; };
  plan.md5 = true;
  // "crc32" is in "crc32c", which costs that one digest more where it is a trailer.
  plan.crc32 = says("x-amz-checksum-crc32");
  plan.crc32c = says("x-amz-checksum-crc32c");
  plan.crc64nvme = says("x-amz-checksum-crc64nvme");
  plan.sha1 = says("x-amz-checksum-sha1");
  bool sha256 = says("x-amz-checksum-sha256");
  if (!(plan.crc32 || plan.crc32c || plan.sha1 || sha256)) plan.crc64nvme = true;
  plan.sha256 = sha256 || is_hex64(headers.get("x-amz-content-sha256"));
}

std::optional<ApiError> check_upload(const http::Headers& headers, std::string_view operation, http::Body& body) {
  std::string_view hash = headers.get("x-amz-content-sha256");
  if (is_hex64(hash)) {
    auto computed = payload_hash(body);
    if (!computed) return model::from_error("s3", computed.error());
    if (lower(hash) != *computed) {
      ApiError e =
          api_error("XAmzContentSHA256Mismatch", "The provided 'x-amz-content-sha256' header does not match what was computed.");
      e.members.set("ClientComputedContentSHA256", hash);
      e.members.set("S3ComputedContentSHA256", *computed);
      return e;
    }
  }
  if (auto error = check_md5(headers, body)) return error;
  if (!of_the_body(operation)) return std::nullopt;
  auto wanted = wanted_checksum(headers);
  if (!wanted) return std::move(wanted.error());
  if (wanted->first == nullptr) return std::nullopt;
  auto computed = checksum(body, *wanted->first);
  if (!computed) return model::from_error("s3", computed.error());
  if (*computed == wanted->second) return std::nullopt;
  return api_error("BadDigest",
                   "The " + std::string(wanted->first->title) + " you specified did not match the calculated checksum.");
}

}  // namespace gust::gateway
