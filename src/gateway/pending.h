// SPDX-License-Identifier: Apache-2.0

#pragma once

// One request on its way through the gateway, and the Sink that its service answers to. Made when the headers are there,
// waits in the exchange's context for the body. Methods say on which thread they run.

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "gateway/dispatch.h"
#include "gateway/gateway.h"

namespace gust::gateway {

class Pending : public model::Responder::Sink, public std::enable_shared_from_this<Pending> {
 public:
  Pending(Gateway& gateway, std::string id) : gateway_(gateway), request_id(std::move(id)) {}
  ~Pending() override;

  // Loop: the body is there.
  void start(http::ExchangePtr exchange);
  // Any thread, once; further answers are dropped.
  void reply(model::Reply reply) override;
  void error(model::ApiError error) override;
  void answer(http::Response response);

 private:
  Gateway& gateway_;

 public:
  std::string request_id;
  const Gateway::Entry* entry = nullptr;
  const Gateway::Hook* hook = nullptr;
  Target target;
  model::Match match;
  model::Identity identity;
  std::optional<Credential> credential;  // to verify against; empty: nothing to verify
  bool verified = false;
  bool head = false;

 private:
  void run();  // worker or loop
  void decode_and_call();
  std::optional<model::ApiError> check(http::Request& request);
  model::RequestView view(const http::Request& request) const;
  bool document(http::Request& request, std::string& text);
  void drop_spooled(http::Body& body);

  http::ExchangePtr exchange_;
  std::string source_ip_;
  std::atomic<bool> answered_ = false;
};

}  // namespace gust::gateway
