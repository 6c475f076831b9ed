// SPDX-License-Identifier: Apache-2.0

#pragma once

// One request on its way through the gateway, and the Sink that its service answers to. Made when the headers are there,
// waits in the exchange's context for the body. Methods say on which thread they run.

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "gateway/aws_chunked.h"
#include "gateway/dispatch.h"
#include "gateway/gateway.h"
#include "gateway/post_form.h"
#include "model/bucket_rules.h"

namespace gust::gateway {

class Pending : public model::Responder::Sink, public std::enable_shared_from_this<Pending> {
 public:
  Pending(Gateway& gateway, std::string id) : gateway_(gateway), request_id(std::move(id)) {}
  ~Pending() override;

  // Worker, before the body: the answer to a page that may not call, to an anonymous call, to a preflight; or nothing.
  std::optional<http::Response> judge();
  // Any thread, while the form is read: whether its fields may be.
  std::optional<model::ApiError> admit_form(PostForm& read);
  // Loop: the body is there.
  void start(http::ExchangePtr exchange);
  // Any thread, once; further answers are dropped.
  void reply(model::Reply reply) override;
  void error(model::ApiError error) override;
  void answer(http::Response response);
  http::Response error_response(const model::ApiError& error) const;

 private:
  Gateway& gateway_;

 public:
  // A page that calls a bucket.
  struct Page {
    model::CorsRequest cors;
    model::CorsHeaders configured;  // not empty: the configuration allows its origin everything
    bool foreign = false;
    bool object = false;
  };

  std::string request_id;
  const Gateway::Entry* entry = nullptr;
  const Gateway::Hook* hook = nullptr;
  Target target;
  model::Protocol protocol = model::Protocol::RestJson;
  model::Match match;
  model::Identity identity;
  std::optional<Credential> credential;  // to verify against; empty: nothing to verify
  bool verified = false;
  bool anonymous = false;  // only what a bucket allows to everybody
  bool head = false;
  std::optional<Page> page;
  model::CorsHeaders cors_headers;      // of the answer
  std::optional<http::Response> early;  // what was refused before judge() could say what a page may see
  std::shared_ptr<AwsChunked> chunked;
  std::shared_ptr<PostForm> form;
  BucketAndKey place;  // of anonymous calls and forms

 private:
  std::optional<http::Response> judge_page();
  bool anybody_may() const;
  void run();  // worker or loop
  void decode_and_call();
  std::optional<model::ApiError> check(http::Request& request);
  std::optional<model::ApiError> check_signed_body(http::Request& request);
  std::optional<model::ApiError> verify_form(const PostForm& read, const std::string& policy);
  std::optional<model::ApiError> become_put(http::Request& request);
  model::RequestView view(const http::Request& request) const;
  bool document(http::Request& request, std::string& text);
  void drop_spooled(http::Body& body);

  http::ExchangePtr exchange_;
  std::string source_ip_, location_;
  std::atomic<bool> answered_ = false;
};

}  // namespace gust::gateway
