// SPDX-License-Identifier: Apache-2.0

// PutObject.

#include "base/encoding.h"
#include "base/log.h"
#include "crypto/hash.h"
#include "model/errors.h"
#include "os/files.h"
#include "services/s3/conditions.h"
#include "services/s3/request.h"
#include "services/s3/s3_service.h"
#include "store/fault_point.h"

namespace gust::s3 {
namespace {

using model::ApiError;
constexpr size_t kMaxMetadata = 2048;  // S3 User Guide, "User-defined object metadata": names and values together
constexpr size_t kMaxHeaders = 8192;   // all that is kept with an object; the same chapter's limit of a PUT's headers
constexpr size_t kPiece = 1 << 20;

// Checksums that the gateway has verified against the body.
constexpr std::string_view kChecksums[] = {"CRC32", "CRC32C", "SHA1", "SHA256"};

std::optional<ApiError> refuse_unbuilt(std::string_view operation, const Value& input) {
  if (asks_for_acl(input)) return model::api_error("AccessControlListNotSupported", "The bucket does not allow ACLs");
  return refuse(operation, input,
                {{"ServerSideEncryption", "x-amz-server-side-encryption", "AES256"},
                 {"StorageClass", "x-amz-storage-class", "STANDARD"},
                 {"BucketKeyEnabled", "x-amz-server-side-encryption-bucket-key-enabled", "false"},
                 {"SSECustomerAlgorithm", "x-amz-server-side-encryption-customer-algorithm"},
                 {"SSECustomerKey", "x-amz-server-side-encryption-customer-key"},
                 {"SSECustomerKeyMD5", "x-amz-server-side-encryption-customer-key-MD5"},
                 {"SSEKMSKeyId", "x-amz-server-side-encryption-aws-kms-key-id"},
                 {"SSEKMSEncryptionContext", "x-amz-server-side-encryption-context"},
                 {"Tagging", "x-amz-tagging"},
                 {"WebsiteRedirectLocation", "x-amz-website-redirect-location"},
                 {"ObjectLockMode", "x-amz-object-lock-mode"},
                 {"ObjectLockRetainUntilDate", "x-amz-object-lock-retain-until-date"},
                 {"ObjectLockLegalHoldStatus", "x-amz-object-lock-legal-hold"},
                 {"WriteOffsetBytes", "x-amz-write-offset-bytes"},
                 {"ChecksumCRC64NVME", "x-amz-checksum-crc64nvme"},
                 {"ChecksumSHA512", "x-amz-checksum-sha512"},
                 {"ChecksumMD5", "x-amz-checksum-md5"},
                 {"ChecksumXXHASH64", "x-amz-checksum-xxhash64"},
                 {"ChecksumXXHASH3", "x-amz-checksum-xxhash3"},
                 {"ChecksumXXHASH128", "x-amz-checksum-xxhash128"}});
}

std::optional<ApiError> take_metadata(const Value& input, Object& object) {
  size_t bytes = 0;
  for (const auto& [name, value] : input["Metadata"].as_map()) {
    bytes += name.size() + value.as_string().size();
    object.metadata.emplace_back(name, std::string(value.as_string()));
  }
  if (bytes <= kMaxMetadata) return std::nullopt;
  ApiError e = model::api_error("MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size");
  e.members.set("Size", static_cast<unsigned long>(bytes));
  e.members.set("MaxSizeAllowed", static_cast<unsigned long>(kMaxMetadata));
  return e;
}

std::optional<ApiError> take_headers(const Value& input, Object& object) {
  const auto text = [&input](std::string_view name) { return std::string(input[name].as_string()); };
  object.content_type = text("ContentType");
  if (object.content_type.empty()) object.content_type = "binary/octet-stream";
  object.cache_control = text("CacheControl");
  object.content_disposition = text("ContentDisposition");
  object.content_encoding = text("ContentEncoding");
  object.content_language = text("ContentLanguage");
  object.expires = text("Expires");
  const size_t bytes = object.content_type.size() + object.cache_control.size() + object.content_disposition.size() +
                       object.content_encoding.size() + object.content_language.size() + object.expires.size();
  if (bytes <= kMaxHeaders) return std::nullopt;
  return model::api_error("RequestHeaderSectionTooLarge", "Your request header section exceeds the maximum allowed size.");
}

void take_checksum(const Value& input, Object& object) {
  for (std::string_view algorithm : kChecksums) {
    const Value* value = input.find("Checksum" + std::string(algorithm));
    if (value == nullptr) continue;
    object.checksum_algorithm = algorithm;
    object.checksum = value->as_string();
  }
}

Result<std::string> md5_of(const http::Body& body) {
  if (!body.md5.empty()) return body.md5;
  if (!body.file) return md5(body.bytes);
  Digest digest(Digest::Kind::Md5);
  for (uint64_t at = 0; at < body.file->length; at += kPiece) {
    const auto n = static_cast<size_t>(std::min<uint64_t>(kPiece, body.file->length - at));
    digest.update(TRY(files::read_fd(body.file->file->get(), body.file->offset + at, n)));
  }
  return digest.finish();
}

}  // namespace

// One PutObject on its way. Unlinks a spooled body that did not become the object's.
struct S3Service::Upload {
  ~Upload() {
    if (body.path.empty()) return;
    const auto removed = files::remove(body.path);
    if (!removed) log::warning("s3", "spooled body stays", {{"error", removed.error().message}});
  }
  Access access;
  Cause cause;
  std::string key, if_match, if_none_match;
  Object object;
  http::Body body;
};

void S3Service::put_object(model::Call& call, const model::Responder& responder) {
  const Value& input = call.input;
  auto upload = std::make_shared<Upload>();
  upload->body = std::move(call.payload);
  upload->access = access_of(call);
  upload->cause = Cause(call, parts_.clock.unix_ms());
  upload->key = input["Key"].as_string();
  upload->if_match = input["IfMatch"].as_string();
  upload->if_none_match = input["IfNoneMatch"].as_string();
  Object& object = upload->object;
  object.size = upload->body.size();
  object.modified_ms = upload->cause.now_ms;
  take_checksum(input, object);
  Problem problem = check_key(upload->key);
  if (!problem) problem = refuse_unbuilt(call.operation, input);
  if (!problem) problem = refuse_write_conditions(input);
  if (!problem) problem = take_metadata(input, object);
  if (!problem) problem = take_headers(input, object);
  if (problem) return responder.error(std::move(*problem));
  if (!upload->body.file && object.size <= kInlineBody) {
    object.md5 = upload->body.md5.empty() ? md5(upload->body.bytes) : upload->body.md5;
    return put_rows(upload, responder);
  }
  const bool taken = parts_.disk.submit([this, upload, responder] { put_body(upload, responder); });
  if (!taken) responder.error(model::unavailable("s3"));
}

// On a disk thread: the body becomes a file that survives power loss, under a name that no row knows yet.
void S3Service::put_body(const UploadPtr& upload, const model::Responder& responder) {
  const auto store_body = [&](Problem& problem) -> Result<> {
    {
      auto view = TRY(parts_.store.read());  // nothing is synced for a bucket that is not there
      if (!TRY(open_bucket(*view, upload->access, problem))) return {};
    }
    http::Body& body = upload->body;
    upload->object.md5 = TRY(md5_of(body));
    upload->object.file = body.file ? TRY(blobs_.adopt(body.path, body.file->file->get())) : TRY(blobs_.write(body.bytes));
    body = {};
    return {};
  };
  Problem problem;
  if (const auto stored = store_body(problem); !stored) problem = model::from_error("s3", stored.error());
  if (problem) return responder.error(std::move(*problem));
  store::fault_point("s3.body_stored");
  put_rows(upload, responder);
}

void S3Service::put_rows(const UploadPtr& upload, const model::Responder& responder) {
  auto change = [this, upload](store::Transaction& transaction, Effects& effects) {
    return put_in(transaction, effects, *upload);
  };
  write(std::move(change), [this, upload, responder](Fate fate, Problem problem) {
    const Object& object = upload->object;
    if (problem) {
      // Where the disk failed the row may turn up after a crash, so its file stays until the next start.
      if (fate == Fate::Refused && !object.file.empty()) garbage_.remove({object.file});
      return responder.error(std::move(*problem));
    }
    model::Reply reply;
    reply.output.set("ETag", object.etag());
    reply.output.set("ServerSideEncryption", "AES256");
    if (!object.checksum.empty()) {
      reply.output.set("Checksum" + object.checksum_algorithm, object.checksum);
      reply.output.set("ChecksumType", "FULL_OBJECT");
    }
    responder.reply(std::move(reply));
  });
}

Result<> S3Service::put_in(store::Transaction& transaction, Effects& effects, const Upload& upload) {
  using store::Space;
  const auto bucket = TRY(open_bucket(transaction, upload.access, effects.problem));
  if (!bucket) return {};
  const auto before = TRY(read_object(transaction, bucket->name, upload.key));
  effects.problem = check_write_conditions(upload.if_match, upload.if_none_match, upload.key, before ? &*before : nullptr);
  if (effects.problem) return {};
  const Object& object = upload.object;
  const std::string row = object_key(bucket->name, upload.key);
  TRY(transaction.put(Space::Object, row, encode(object)));
  if (object.file.empty()) {
    TRY(transaction.put(Space::Body, row, upload.body.bytes));
  } else {
    TRY(transaction.put(Space::Body, file_mark(object.file), ""));
    if (before && before->file.empty()) TRY(transaction.erase(Space::Body, row));
  }
  if (before && !before->file.empty()) {
    TRY(Garbage::note(transaction, before->file));
    effects.files.push_back(before->file);
  }
  return add_events(transaction, effects, *bucket, kCreatedByPut, upload.key, &object, upload.cause);
}

}  // namespace gust::s3
