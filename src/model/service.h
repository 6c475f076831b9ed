// SPDX-License-Identifier: Apache-2.0

#pragma once

// The boundary between the wire and the services: a decoded API call in, a document or an AWS error out. Services never
// see HTTP, JSON or XML (a check in tools/ enforces it).

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/value.h"
#include "http/message.h"

namespace gust::model {

// Who calls. Filled by the gateway from the verified signature or from the sandbox's listener.
struct Identity {
  std::string account = "000000000000";
  std::string region = "us-east-1";
  std::string access_key_id;
  std::string principal_arn;  // arn:aws:iam::000000000000:root, a user, or a function's role as assumed
  std::string user_id;        // "AIDA...", "AROA...:session"; empty: the account
  uint64_t environment = 0;   // != 0: the call came from inside that sandbox
};

// An AWS error. `code` is spelled as AWS spells it, without namespace; the codec adds what the protocol wants around it.
struct ApiError {
  std::string code;
  std::string message;
  int status = 400;
  bool server_fault = false;                                 // "Service"/"Receiver" instead of "User"/"Sender"
  Value members;                                             // further members of the error body, e.g. Reason, BucketName
  std::vector<std::pair<std::string, std::string>> headers;  // e.g. Retry-After
};

struct Reply {
  Value output = Value::map();          // members as the operation's output shape names them (headers included)
  std::optional<http::Body> payload;    // the streaming or blob payload member (GetObject's Body, Invoke's Payload)
  int status = 0;                       // 0: the table's status
  std::optional<uint64_t> head_length;  // HEAD answers: the Content-Length to announce
};

struct Call {
  std::string_view operation;  // points into the operation table
  Value input = Value::map();  // members as the input shape names them, constraints checked, unknown ones dropped
  http::Body payload;          // the streaming or blob payload member
  Identity identity;
  std::string request_id;
  std::string source_ip;
  std::string host;          // the Host header as sent: "127.0.0.1:4566"; addresses in answers lead back to it
  bool secure = false;       // came over TLS: such addresses begin with https
  int64_t received_us = 0;   // wall clock, microseconds
  bool anonymous = false;    // nobody signed; the service's public rules have allowed it
  bool form_upload = false;  // S3: a browser's POST form, as PutObject; events say ObjectCreated:Post
};

// Answers one call, once, from any thread. Dropping every copy unanswered sends a 500 and logs.
class Responder {
 public:
  class Sink {
   public:
    virtual ~Sink() = default;
    virtual void reply(Reply reply) = 0;
    virtual void error(ApiError error) = 0;
  };
  explicit Responder(std::shared_ptr<Sink> sink) : sink_(std::move(sink)) {}
  void reply(Reply reply) const { sink_->reply(std::move(reply)); }
  void reply(Value output) const {
    Reply r;
    r.output = std::move(output);
    sink_->reply(std::move(r));
  }
  void error(ApiError error) const { sink_->error(std::move(error)); }

 private:
  std::shared_ptr<Sink> sink_;
};

enum class Placement { Worker, Loop };  // Loop: on the invoke loop; must not block

class Service {
 public:
  virtual ~Service() = default;
  virtual std::string_view id() const = 0;  // as in the operation tables: "lambda" "s3" "dynamodb" "logs"
  virtual bool implements(std::string_view operation) const = 0;
  // What is taken and given back though it has no effect here, because deployment tools need it: a sentence each, for
  // `gust compat`.
  virtual std::vector<std::string_view> without_effect() const { return {}; }
  virtual Placement placement(std::string_view) const { return Placement::Worker; }
  // Worker: may block for reads, must not wait for a commit: hand the responder to store::Store::commit's done.
  virtual void call(Call call, Responder responder) = 0;
};

}  // namespace gust::model
