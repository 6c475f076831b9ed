// SPDX-License-Identifier: Apache-2.0

#pragma once

// Gateway: what stands between HTTP and the services. For each request: who is it (listener, signature: admission.cc), which
// service and operation (dispatch.h), may a page of another origin ask (cors.h), how large may the body be (plan.h) and in
// which form does it come (aws_chunked.h, post_form.h), is the signature right (verifier.h), do the checksums hold
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
#include "gateway/verifier.h"
#include "http/server.h"
#include "model/bucket_rules.h"
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
  bool sigv2_presign = false;                // Signature Version 2 in URLs and forms is accepted (always with dev)
  bool trust_forwarded = false;              // X-Forwarded-Host is the Host: there is a proxy in front
  BodyLimits limits;
  // Told of every call of an IAM user's key once its signature holds: key, service, region. Workers and the loop; no waiting.
  std::function<void(std::string_view, std::string_view, std::string_view)> user_called;
  const Clock* clock = &system_clock();
};

enum class Access { Public, Signed };  // Signed: needs a signature (in dev: an Authorization header where it changes state)
using HookHandler = std::function<void(http::ExchangePtr, const model::Identity&)>;  // loop thread; must answer once

class Pending;

class Gateway : public http::Handler {
 public:
  // All references must outlive the gateway and the requests in flight.
  Gateway(Options options, const CredentialStore& credentials, net::WorkerPool& workers, net::Loop& loop,
          const std::vector<model::Service*>& services,
          std::function<std::optional<model::Identity>(uint64_t listener_tag)> resolve);
  ~Gateway() override;

  // Requests of the host's listener whose path is `prefix` or below it ("/_gust/functions"); the longest prefix wins.
  // Before serving only.
  void add_hook(std::string prefix, Access access, HookHandler handler, uint64_t body_limit = 1 << 20);

  http::BodyPlan on_head(http::Exchange& exchange) override;
  void on_request(http::ExchangePtr exchange) override;

  // Where buckets say what strangers may; before serving. Without: nothing. Must outlive the gateway.
  void set_bucket_rules(model::BucketRules* rules) { rules_ = rules; }

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

  http::BodyPlan plan_hook(http::Exchange& exchange, const Hook& hook, std::shared_ptr<Pending> pending);
  http::BodyPlan plan_call(http::Exchange& exchange, std::shared_ptr<Pending> pending);
  http::BodyPlan plan_admitted(http::Request& request, Pending& pending);
  http::BodyPlan plan_form(const http::Request& request, Pending& pending);
  void ask_before_body(http::BodyPlan& plan, std::shared_ptr<Pending> pending);
  std::optional<http::Response> meet_page(const http::Request& request, Pending& pending);
  std::optional<model::ApiError> match(const http::Request& request, Pending& pending);
  std::optional<model::ApiError> plan_chunked(http::Request& request, Pending& pending, http::BodyPlan& plan);
  std::optional<model::ApiError> admit(http::Request& request, Pending& pending);
  std::optional<model::ApiError> admit_any_key(Pending& pending);
  std::optional<model::ApiError> admit_signer(Pending& pending, std::string_view policy);
  std::optional<model::ApiError> verify_head(http::Request& request, Pending& pending);
  bool sigv2_allowed() const { return options_.dev || options_.sigv2_presign; }
  const Hook* find_hook(std::string_view path) const;
  const Entry& entry(const model::ServiceTable& table) const;
  void add_own_hooks();
  Value health() const;

  Options options_;
  Verifier verifier_;
  model::BucketRules* rules_ = nullptr;
  net::WorkerPool& workers_;
  net::Loop& loop_;
  std::function<std::optional<model::Identity>(uint64_t)> resolve_;
  std::vector<std::pair<const model::ServiceTable*, Entry>> entries_;
  std::vector<Hook> hooks_;
};

}  // namespace gust::gateway
