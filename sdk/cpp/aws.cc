// SPDX-License-Identifier: Apache-2.0

#include "gust/aws.h"

#include <pugixml.hpp>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <random>

#include "base/encoding.h"
#include "base/json.h"
#include "client_impl.h"
#include "crypto/hash.h"
#include "os/clock.h"

namespace gust::aws {
namespace {

std::string environment(const char* name) {
  const char* text = getenv(name);
  return text ? text : "";
}

struct Code {
  std::string code, message;
};

// AWS's error code out of whatever notation the service answers in.
Code error_code(const http::Response& response) {
  const std::string& body = response.body.bytes;
  Code out;
  if (body.starts_with("<")) {
    pugi::xml_document document;
    if (document.load_buffer(body.data(), body.size())) {
      pugi::xml_node error = document.child("Error") ? document.child("Error") : document.first_child().child("Error");
      out = {error.child("Code").text().get(), error.child("Message").text().get()};
    }
  } else if (auto value = json::parse(body)) {
    for (auto name : {"__type", "code", "Code"}) {
      if (out.code.empty()) out.code = (*value)[name].as_string();
    }
    out.message = (*value)[value->has("message") ? "message" : "Message"].as_string();
  }
  if (out.code.empty()) out.code = response.headers.get("x-amzn-errortype");
  if (size_t hash = out.code.rfind('#'); hash != std::string::npos) out.code.erase(0, hash + 1);
  if (size_t colon = out.code.find(':'); colon != std::string::npos) out.code.erase(colon);
  if (out.code.empty()) out.code = "HTTP " + std::to_string(response.status);
  return out;
}

bool throttled(std::string_view code) {
  return code == "ThrottlingException" || code == "ProvisionedThroughputExceededException" || code == "SlowDown" ||
         code == "TooManyRequestsException" || code == "RequestLimitExceeded" || code == "RequestTimeout";
}

Errc kind_of(int status, std::string_view code) {
  if (throttled(code) || status == 429 || status >= 500) return Errc::Unavailable;
  if (code == "ConditionalCheckFailedException" || status == 412) return Errc::Conflict;
  if (code == "ResourceInUseException" || code == "ResourceConflictException" || code == "BucketAlreadyOwnedByYou" ||
      code == "BucketAlreadyExists") {
    return Errc::Exists;
  }
  if (status == 404 || code == "ResourceNotFoundException") return Errc::NotFound;
  if (status == 403 || status == 401) return Errc::Permission;
  return status == 413 ? Errc::TooLarge : Errc::Invalid;
}

bool worth_another_try(Errc kind) { return kind == Errc::Unavailable || kind == Errc::Unknown || kind == Errc::Timeout; }

// Full jitter between nothing and base * 2^attempt: many clients that failed together must not come back together.
void wait_before(int attempt, int64_t base_us) {
  thread_local std::minstd_rand random(std::random_device{}());
  int64_t limit = std::min<int64_t>(base_us << std::min(attempt, 10), 2'000'000);
  usleep(static_cast<useconds_t>(std::uniform_int_distribution<int64_t>(limit / 2, limit)(random)));
}

}  // namespace

Config config_from_environment() {
  Config config;
  config.endpoint = environment("AWS_ENDPOINT_URL");
  if (auto s3 = environment("AWS_ENDPOINT_URL_S3"); !s3.empty()) config.endpoints["s3"] = s3;
  if (auto dynamodb = environment("AWS_ENDPOINT_URL_DYNAMODB"); !dynamodb.empty()) config.endpoints["dynamodb"] = dynamodb;
  for (auto name : {"AWS_DEFAULT_REGION", "AWS_REGION"}) {
    if (auto region = environment(name); !region.empty()) config.region = region;
  }
  config.credentials = {environment("AWS_ACCESS_KEY_ID"), environment("AWS_SECRET_ACCESS_KEY"), environment("AWS_SESSION_TOKEN")};
  return config;
}

Client::Client(Config config) : impl_(std::make_unique<Impl>()) { impl_->config = std::move(config); }
Client::~Client() = default;
Client::Client(Client&&) noexcept = default;
const Config& Client::config() const { return impl_->config; }

Result<Client::Impl::Target> Client::Impl::target(const Call& call) const {
  Target out;
  auto own = config.endpoints.find(call.service);
  const std::string& endpoint = own != config.endpoints.end() ? own->second : config.endpoint;
  out.path = call.path;
  if (!endpoint.empty()) {
    out.url = TRY(http::parse_url(endpoint));
    if (!call.bucket.empty()) out.path = "/" + call.bucket + (call.path == "/" ? "" : call.path);
    return out;
  }
  std::string domain = call.service + "." + config.region + ".amazonaws.com";
  // A name with dots does not fit the wildcard certificate.
  bool by_host = !call.bucket.empty() && call.bucket.find('.') == std::string::npos;
  if (!call.bucket.empty() && !by_host) out.path = "/" + call.bucket + (call.path == "/" ? "" : call.path);
  out.url = TRY(http::parse_url("https://" + (by_host ? call.bucket + "." : std::string()) + domain));
  return out;
}

http::Request Client::Impl::prepare(const Call& call, const Target& target) const {
  http::Request request;
  request.method = call.method;
  request.path = target.path;
  request.query = call.query;
  request.target = call.query.empty() ? target.path : target.path + "?" + call.query;
  request.headers.add("Host", target.url.authority());
  for (const auto& [name, value] : call.headers) request.headers.add(name, value);
  std::string hash = call.service == "s3" && target.url.tls ? "UNSIGNED-PAYLOAD" : hex_encode(sha256(call.body));
  if (!config.credentials.access_key_id.empty()) {
    sigv4::RequestParts parts{call.method,   request.path,
                              request.query, request.headers.fields(),
                              hash,          call.service == "s3" ? sigv4::PathEncoding::Once : sigv4::PathEncoding::Twice};
    for (auto& [name, value] : sigv4::sign(config.credentials, config.region, call.service, system_clock().unix_ms(), parts)) {
      request.headers.set(name, value);
    }
  }
  request.body.bytes = call.body;
  return request;
}

http::Client& Client::Impl::connection(const http::Url& url) {
  std::string name = (url.tls ? "s:" : "p:") + url.authority();
  auto found = connections.find(name);
  if (found != connections.end()) return found->second;
  http::ClientOptions options;
  options.timeout_us = config.timeout_us;
  return connections.emplace(name, http::Client(url, options)).first->second;
}

Result<http::Response> Client::call(const Call& call) {
  Impl& impl = *impl_;
  Impl::Target target = TRY(impl.target(call));
  Error last{Errc::Unavailable, "no attempt was made"};
  for (int attempt = 0; attempt < std::max(1, impl.config.attempts); ++attempt) {
    if (attempt > 0) wait_before(attempt - 1, impl.config.backoff_us);
    auto response = impl.connection(target.url).send(impl.prepare(call, target));
    if (response && response->status < 400) return response;
    if (response) {
      Code code = error_code(*response);
      last = {kind_of(response->status, code.code), code.code + (code.message.empty() ? "" : ": " + code.message)};
    } else {
      last = response.error();
    }
    if (!worth_another_try(last.code)) break;
  }
  return Failure(std::move(last));
}

}  // namespace gust::aws
