// SPDX-License-Identifier: Apache-2.0

// PutObject.

#include "crypto/hash.h"
#include "model/errors.h"
#include "services/s3/checksum.h"
#include "services/s3/conditions.h"
#include "services/s3/new_object.h"
#include "services/s3/object_headers.h"
#include "services/s3/request.h"

namespace gust::s3 {
namespace {

// The client's, which the gateway has verified against the body, or the gateway's own.
void take_checksum(const Value& input, const http::Body& body, Object& object) {
  if (const auto given = given_checksum(input)) {
    object.checksum_algorithm = given->algorithm;
    object.checksum = given->value;
  } else if (body.crc64nvme) {
    object.checksum_algorithm = kDefaultChecksum;
    object.checksum = default_checksum(body);
  }
}

Problem take(std::string_view operation, const Value& input, Object& object) {
  if (auto e = check_key(input["Key"].as_string())) return e;
  if (auto e = refuse_unbuilt_write(operation, input)) return e;
  if (auto e = refuse_write_conditions(input)) return e;
  if (auto e = take_headers(input, object)) return e;
  if (auto e = take_placement(input, object)) return e;
  return take_tags(input, object);
}

}  // namespace

void S3Service::put_object(model::Call& call, const model::Responder& responder) {
  const Value& input = call.input;
  const auto made = std::make_shared<NewObject>(call, std::move(call.payload), responder, parts_.clock.unix_ms());
  Object& object = made->object;
  object.size = made->body->size();
  object.modified_ms = made->cause.now_ms;
  take_checksum(input, *made->body, object);
  Problem problem = take(call.operation, input, object);
  if (!problem && asks_for_acl(input)) problem = acl_problem(call);
  if (problem) return responder.error(std::move(*problem));
  if (call.form_upload) made->event = kCreatedByPost;
  made->reply = [](const NewObject& done) {
    model::Reply reply;
    reply.output.set("ETag", done.object.etag());
    reply.output.set("ServerSideEncryption", "AES256");
    if (!done.version_id.empty()) reply.output.set("VersionId", done.version_id);
    if (done.object.checksum.empty()) return reply;
    set_checksum(reply.output, done.object.checksum_algorithm, done.object.checksum);
    reply.output.set("ChecksumType", checksum_type(false));
    return reply;
  };
  if (!made->body->file && object.size <= kInlineBody) {
    object.md5 = made->body->md5.empty() ? md5(made->body->bytes) : made->body->md5;
    return put_rows(made);
  }
  if (!parts_.disk.submit([this, made] { put_body(made); })) responder.error(model::unavailable("s3"));
}

}  // namespace gust::s3
