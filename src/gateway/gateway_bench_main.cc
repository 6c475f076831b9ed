// SPDX-License-Identifier: Apache-2.0

// gateway_bench [ITERATIONS]: CPU time that the gateway takes for the head of a request (dispatch, signature, routing, plan of
// the body), signature verified, by kind of request. With ITERATIONS of a few hundred under callgrind: instructions.

#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/encoding.h"
#include "base/ids.h"
#include "base/log.h"
#include "crypto/hash.h"
#include "gateway/gateway.h"

namespace gust::gateway {
namespace {

constexpr int64_t kNowUs = 1'795'404'069'000'000;

class Exchange : public http::Exchange {
 public:
  http::Request& request() override { return request_; }
  uint64_t listener_tag() const override { return 1; }
  const net::Endpoint& peer() const override { return peer_; }
  bool alive() const override { return true; }
  void respond(http::Response) override {}
  void respond_raw(std::string, std::string_view) override {}
  void respond_later(http::Response) override {}

 private:
  http::Request request_;
  net::Endpoint peer_{"127.0.0.1", 1};
};

class Everything : public model::Service {
 public:
  explicit Everything(std::string id) : id_(std::move(id)) {}
  std::string_view id() const override { return id_; }
  bool implements(std::string_view) const override { return true; }
  void call(model::Call, model::Responder) override {}

 private:
  std::string id_;
};

struct Kind {
  const char *name, *service, *method, *target;
  std::vector<std::pair<std::string, std::string>> headers;
};

void fill(http::Request& r, const Kind& kind) {
  r.method = kind.method;
  r.target = kind.target;
  size_t mark = std::min(r.target.find('?'), r.target.size());
  r.path = r.target.substr(0, mark);
  if (mark < r.target.size()) r.query = r.target.substr(mark + 1);
  r.headers.add("Host", "127.0.0.1:4566");
  r.headers.add("Accept-Encoding", "identity");
  for (const auto& [name, value] : kind.headers) r.headers.add(name, value);
  std::string hash = hex_encode(sha256(""));
  bool s3 = std::string_view(kind.service) == "s3";
  sigv4::RequestParts parts{r.method, r.path, r.query, {}, hash, s3 ? sigv4::PathEncoding::Once : sigv4::PathEncoding::Twice};
  for (const auto& [n, v] : r.headers.fields()) {
    if (n != "Accept-Encoding") parts.headers.emplace_back(n, v);
  }
  for (auto& [n, v] : sigv4::sign({"AKIAROOT", "secret", ""}, "eu-west-1", kind.service, kNowUs / 1000, parts))
    r.headers.add(n, v);
  r.headers.add("User-Agent", "Boto3/1.44.1 md/Botocore#1.44.1 ua/2.1 os/linux#6.1 md/arch#x86_64 lang/python#3.11.2");
}

double cpu_us() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  auto us = [](const timeval& t) { return static_cast<double>(t.tv_sec) * 1e6 + static_cast<double>(t.tv_usec); };
  return us(usage.ru_utime) + us(usage.ru_stime);
}

int run(int iterations) {
  FakeClock clock(kNowUs);
  Options options;
  options.clock = &clock;
  net::Loop loop;
  net::WorkerPool workers("bench", 1, 10);
  StaticCredentials keys(
      {{.access_key_id = "AKIAROOT", .secret_access_key = "secret", .session_token = {}, .principal_arn = {}, .user_id = {}}});
  Everything s3("s3"), lambda("lambda"), dynamodb("dynamodb");
  Gateway gateway(options, keys, workers, loop, {&s3, &lambda, &dynamodb}, [](uint64_t) { return std::nullopt; });
  for (const Kind& kind : {
           Kind{"GET object", "s3", "GET", "/bucket/key-0001", {}},
           Kind{"PUT object",
                "s3",
                "PUT",
                "/bucket/key-0001?x-id=PutObject",
                {{"x-amz-checksum-crc32", "AAAAAA=="}, {"x-amz-sdk-checksum-algorithm", "CRC32"}, {"Content-Length", "4096"}}},
           Kind{"list", "s3", "GET", "/bucket?list-type=2&prefix=a%2Fb&max-keys=1000&encoding-type=url", {}},
           Kind{"GetItem",
                "dynamodb",
                "POST",
                "/",
                {{"X-Amz-Target", "DynamoDB_20120810.GetItem"}, {"Content-Type", "application/x-amz-json-1.0"}}},
           Kind{"Invoke", "lambda", "POST", "/2015-03-31/functions/hello/invocations", {{"Content-Type", "application/json"}}},
       }) {
    Exchange exchange;
    fill(exchange.request(), kind);
    double best = 1e9;
    for (int round = 0; round < 5; ++round) {
      double start = cpu_us();
      for (int i = 0; i < iterations; ++i) {
        http::BodyPlan plan = gateway.on_head(exchange);
        GUST_CHECK(!plan.refuse);
      }
      best = std::min(best, (cpu_us() - start) / iterations);
      exchange.context.reset();
    }
    printf("%-12s %6.2f us\n", kind.name, best);
  }
  return 0;
}

}  // namespace
}  // namespace gust::gateway

int main(int argc, char** argv) { return gust::gateway::run(argc > 1 ? std::max(1, atoi(argv[1])) : 50'000); }
