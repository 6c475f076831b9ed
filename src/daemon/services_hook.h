// SPDX-License-Identifier: Apache-2.0

#pragma once

// /_gust/services: always-on services over HTTP.
//   GET    /_gust/services         {"services": [status...]}
//   GET    /_gust/services/NAME    status
//   PUT    /_gust/services/NAME    {"instance_type", "command": [...], "environment": {...}, "zip": base64} -> 201, status
//   DELETE /_gust/services/NAME    SIGTERM, then the end after the grace time -> 200, status
// Errors: {"message"} with 400, 404, 409. Loop thread only; zips are kept and unpacked by others.

#include <memory>
#include <string>

#include "gateway/gateway.h"
#include "hosts/service_host.h"
#include "invoke/router.h"
#include "services/lambda/code_store.h"

namespace gust::daemon {

inline constexpr uint64_t kMaxServiceBody = 96 << 20;  // a 70 MB zip as base64

class ServicesHook {
 public:
  struct Parts {
    net::Loop& loop;
    net::WorkerPool& disk;
    hosts::ServiceHost& hosts;
    lambda::CodeStore& code;
    invoke::Router& router;  // its admission counts services
    const hosts::InstanceTypes& types;
  };
  explicit ServicesHook(Parts parts) : parts_(parts) {}
  void handle(const http::ExchangePtr& exchange);
  Value list() const;

 private:
  void put(const http::ExchangePtr& exchange, const std::string& name);
  void start(const http::ExchangePtr& exchange, const std::string& name, hosts::ServiceSpec spec);
  void remove(const http::ExchangePtr& exchange, const std::string& name);
  void answer_status(const http::ExchangePtr& exchange, const std::string& name, int status);

  Parts parts_;
};

// Shared by the hooks.
void answer_json(const http::ExchangePtr& exchange, const Value& document, int status = 200);
void answer_error(const http::ExchangePtr& exchange, const Error& error);

}  // namespace gust::daemon
