// SPDX-License-Identifier: Apache-2.0

#pragma once

// An object that PutObject or CopyObject is about to make; new_object.cc takes it into the store.

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "http/message.h"
#include "model/service.h"
#include "services/s3/s3_service.h"

namespace gust::s3 {

// Which write may happen: If-Match, If-None-Match.
struct WriteConditions {
  std::string if_match, if_none_match;
};
inline WriteConditions write_conditions(const Value& input) {
  return {std::string(input["IfMatch"].as_string()), std::string(input["IfNoneMatch"].as_string())};
}

// A spooled body that is unlinked where it did not become a file of the store.
class SpooledBody {
 public:
  explicit SpooledBody(http::Body body = {}) : body_(std::move(body)) {}
  ~SpooledBody();
  SpooledBody(SpooledBody&&) = delete;
  SpooledBody& operator=(SpooledBody&&) = delete;
  const http::Body& operator*() const { return body_; }
  const http::Body* operator->() const { return &body_; }
  // On a disk thread: a file that survives power loss; its id.
  Result<std::string> become_file(blob::BlobStore& blobs);

 private:
  http::Body body_;
};

// Of the whole body; computed unless the gateway has it. Blocking where it is a file.
Result<std::string> md5_of(const http::Body& body);
Result<std::string> checksum_of(const http::Body& body, std::string_view algorithm);

struct S3Service::NewObject {
  NewObject(const model::Call& call, http::Body spooled, const model::Responder& to, int64_t now_ms)
      : access(access_of(call)),
        cause(call, now_ms),
        key(call.input["Key"].as_string()),
        conditions(write_conditions(call.input)),
        body(std::move(spooled)),
        responder(to) {}
  Access access;
  Cause cause;
  std::string key;
  WriteConditions conditions;
  Object object;
  SpooledBody body;
  std::string_view event = kCreatedByPut;
  model::Responder responder;
  std::function<model::Reply(const NewObject&)> reply;
  std::string version_id;  // that the answer names; set by put_in
};

}  // namespace gust::s3
