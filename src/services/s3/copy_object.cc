// SPDX-License-Identifier: Apache-2.0

// CopyObject. What it makes is an object in one piece with a checksum of the whole, whatever the source is.

#include "base/encoding.h"
#include "crypto/hash.h"
#include "model/errors.h"
#include "services/s3/checksum.h"
#include "services/s3/conditions.h"
#include "services/s3/copy_job.h"
#include "services/s3/copy_source.h"
#include "services/s3/new_object.h"
#include "services/s3/object_headers.h"
#include "services/s3/request.h"

namespace gust::s3 {
namespace {

// COPY or REPLACE of a directive.
Problem check_directive(const Value& input, std::string_view member, std::string_view header, std::string_view what) {
  const std::string_view directive = input[member].as_string("COPY");
  if (directive == "COPY" || directive == "REPLACE") return std::nullopt;
  return model::invalid_argument("Unknown " + std::string(what) + " directive.", header, directive);
}

Problem check(std::string_view operation, const Value& input) {
  if (auto e = check_key(input["Key"].as_string())) return e;
  if (auto e = refuse_unbuilt_write(operation, input)) return e;
  if (auto e = refuse(operation, input,
                      {{"CopySourceSSECustomerAlgorithm", "x-amz-copy-source-server-side-encryption-customer-algorithm"},
                       {"CopySourceSSECustomerKey", "x-amz-copy-source-server-side-encryption-customer-key"},
                       {"CopySourceSSECustomerKeyMD5", "x-amz-copy-source-server-side-encryption-customer-key-MD5"}})) {
    return e;
  }
  if (auto e = refuse_write_conditions(input)) return e;
  if (auto e = check_directive(input, "MetadataDirective", "x-amz-metadata-directive", "metadata")) return e;
  if (auto e = check_directive(input, "TaggingDirective", "x-amz-tagging-directive", "tagging")) return e;
  return check_algorithm(input["ChecksumAlgorithm"].as_string());
}

bool replaces_metadata(const Value& input) { return input["MetadataDirective"].as_string() == "REPLACE"; }

// Onto itself only where something changes.
Problem check_self(const Value& input, std::string_view source_bucket, std::string_view source_key) {
  if (source_bucket != input["Bucket"].as_string() || source_key != input["Key"].as_string()) return std::nullopt;
  if (replaces_metadata(input)) return std::nullopt;
  for (const char* change : {"StorageClass", "WebsiteRedirectLocation", "ServerSideEncryption"}) {
    if (input.has(change)) return std::nullopt;
  }
  return model::api_error("InvalidRequest",
                          "This copy request is illegal because it is trying to copy an object to itself without changing the "
                          "object's metadata, storage class, website redirect location or encryption attributes.");
}

Problem take(const Value& input, const Object& source, Object& object) {
  if (replaces_metadata(input)) {
    if (auto e = take_headers(input, object)) return e;
  } else {
    object.content_type = source.content_type;
    object.cache_control = source.cache_control;
    object.content_disposition = source.content_disposition;
    object.content_encoding = source.content_encoding;
    object.content_language = source.content_language;
    object.expires = source.expires;
    object.metadata = source.metadata;
  }
  object.tags = source.tags;
  if (input["TaggingDirective"].as_string() == "REPLACE") {
    object.tags.clear();
    if (auto e = take_tags(input, object)) return e;
  }
  return take_placement(input, object);
}

// The client's choice, the source's algorithm, or S3's own.
std::string_view algorithm_for(const Value& input, const Object& source) {
  std::string_view wanted = input["ChecksumAlgorithm"].as_string();
  if (wanted.empty()) wanted = source.checksum_algorithm;
  for (const std::string_view algorithm : kChecksumAlgorithms) {
    if (algorithm == wanted) return algorithm;
  }
  return kDefaultChecksum;
}

}  // namespace

model::Reply S3Service::reply_of_copy(const CopySource& source, const NewObject& done) {
  model::Reply reply;
  Value& result = reply.output.set("CopyObjectResult", Value::map());
  result.set("ETag", done.object.etag());
  result.set("LastModified", Timestamp{whole_seconds(done.object.modified_ms)});
  set_checksum(result, done.object.checksum_algorithm, done.object.checksum);
  result.set("ChecksumType", checksum_type(false));
  reply.output.set("ServerSideEncryption", "AES256");
  if (!done.version_id.empty()) reply.output.set("VersionId", done.version_id);
  source.show(reply.output);
  return reply;
}

void S3Service::copy_object(model::Call& call, const model::Responder& responder) {
  const Value& input = call.input;
  Problem problem = check(call.operation, input);
  if (!problem && asks_for_acl(input)) problem = acl_problem(call);
  if (problem) return responder.error(std::move(*problem));
  auto opened = open_source(call, problem);
  if (!opened) return responder.error(model::from_error("s3", opened.error()));
  if (!problem && !(*opened)->by_version) problem = check_self(input, (*opened)->bucket.name, (*opened)->key);
  if (problem) return responder.error(std::move(*problem));
  const auto source = std::make_shared<CopySource>(std::move(**opened));
  http::Body small;
  const bool is_small = source->object.size <= kInlineBody;
  if (is_small) {
    auto bytes = source->body.read_all(kInlineBody);
    if (!bytes) return responder.error(model::from_error("s3", bytes.error()));
    small.bytes = std::move(*bytes);
  }
  const auto made = std::make_shared<NewObject>(call, std::move(small), responder, parts_.clock.unix_ms());
  Object& object = made->object;
  object.size = source->object.size;
  object.modified_ms = made->cause.now_ms;
  if ((problem = take(input, source->object, object))) return responder.error(std::move(*problem));
  const std::string_view algorithm = algorithm_for(input, source->object);
  object.checksum_algorithm = algorithm;
  made->event = kCreatedByCopy;
  made->reply = [source](const NewObject& done) { return reply_of_copy(*source, done); };
  if (is_small) {
    object.md5 = md5(made->body->bytes);
    Checksum checksum(algorithm);
    checksum.update(made->body->bytes);
    object.checksum = base64_encode(checksum.finish());
    return put_rows(made);
  }
  start_copy(parts_.disk, blobs_, {std::move(source->body), algorithm, temporary_path()}, [this, made](Result<BodyCopy> copy) {
    if (!copy) return made->responder.error(model::from_error("s3", copy.error()));
    made->object.file = std::move(copy->file);
    made->object.md5 = std::move(copy->md5);
    made->object.checksum = base64_encode(copy->checksum);
    put_rows(made);
  });
}

}  // namespace gust::s3
