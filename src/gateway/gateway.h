// SPDX-License-Identifier: Apache-2.0

#pragma once

// Gateway: what stands between HTTP and the services. For each request: who is it (listener, signature), which service and
// operation (dispatch.h), how large may the body be (plan.h), is the signature right (verifier.h), do the checksums hold
// (upload.h), then decode, call, encode (model/codec.h). Handler callbacks run on the loop; services are called on the
// worker pool, or on the loop where the service says so (Placement::Loop: Lambda's Invoke).
//
// Trust belongs to the listener: `resolve` gives the identity of an in-sandbox listener (then signatures do not matter and
// /_gust, /_aws, /_localstack do not exist), or nothing for the host's listener.

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gateway/credentials.h"
#include "gateway/plan.h"
#include "gateway/sts.h"
#include "gateway/verifier.h"
#include "http/server.h"
#include "model/codec.h"
#include "net/loop.h"
#include "net/worker_pool.h"
#include "os/clock.h"

namespace gust::gateway {

struct Options {
  bool dev = false;  // any key is accepted on the host's listener
  std::string account = "000000000000";
  std::string region = "us-east-1";
  std::string version;                       // shown by health
  std::vector<std::string> allowed_hosts;    // beside loopback names; "*.example.com" for bucket names under it
  std::vector<std::string> allowed_origins;  // "http://localhost:3000"
  std::string spool_directory;               // empty: nothing is spooled
  BodyLimits limits;
  const Clock* clock = &system_clock();
};

enum class Access { Public, Signed };  // Signed: needs a signature (in dev: an Authorization header where it changes state)
using HookHandler = std::function<void(http::ExchangePtr, const model::Identity&)>;  // loop thread; must answer once

class Pending;

class Gateway : public http::Handler {
 public:
  // All references must outlive the gateway and the requests in flight. An Sts is built in.
  Gateway(Options options, const CredentialStore& credentials, net::WorkerPool& workers, net::Loop& loop,
          const std::vector<model::Service*>& services,
          std::function<std::optional<model::Identity>(uint64_t listener_tag)> resolve);
  ~Gateway() override;

  // Requests of the host's listener whose path is `prefix` or below it ("/_gust/functions"); the longest prefix wins.
  // Before serving only.
  void add_hook(std::string prefix, Access access, HookHandler handler, uint64_t body_limit = 1 << 20);

  http::BodyPlan on_head(http::Exchange& exchange) override;
  void on_request(http::ExchangePtr exchange) override;

  // Built and refused operations by service, as GET /_gust/compat answers.
  Value compat() const;

 private:
  friend class Pending;
  struct Hook {
    std::string prefix;
    Access access;
    HookHandler handler;
    uint64_t body_limit;
  };
  struct Entry {
    std::unique_ptr<model::Codec> codec;
    model::Service* service = nullptr;  // null: only refusals
  };

  std::optional<http::Response> refuse_browser(const http::Request& request) const;
  http::BodyPlan plan_hook(http::Exchange& exchange, const Hook& hook, std::shared_ptr<Pending> pending);
  http::BodyPlan plan_call(http::Exchange& exchange, std::shared_ptr<Pending> pending);
  std::optional<model::ApiError> admit(const http::Request& request, Pending& pending);
  const Hook* find_hook(std::string_view path) const;
  const Entry& entry(const model::ServiceTable& table) const;
  void add_own_hooks();
  Value health() const;

  Options options_;
  Sts sts_;
  Verifier verifier_;
  net::WorkerPool& workers_;
  net::Loop& loop_;
  std::function<std::optional<model::Identity>(uint64_t)> resolve_;
  std::vector<std::pair<const model::ServiceTable*, Entry>> entries_;
  std::vector<Hook> hooks_;
};

}  // namespace gust::gateway
