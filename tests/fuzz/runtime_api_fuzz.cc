// SPDX-License-Identifier: Apache-2.0

// A tenant's bytes to the Runtime API, as the server would hand them over: every request is answered exactly once or parked
// by next, error types that are passed on are safe for a log line, refusals are JSON.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "base/json.h"
#include "base/log.h"
#include "http/codec.h"
#include "runtime/runtime_api.h"

using namespace gust;

namespace {

class Exchange final : public http::Exchange {
 public:
  http::Request& request() override { return request_; }
  uint64_t listener_tag() const override { return 7; }
  const net::Endpoint& peer() const override { return peer_; }
  bool alive() const override { return answers == 0; }
  void respond(http::Response response) override {
    ++answers;
    if (response.headers.get("content-type") == "application/json") GUST_CHECK(json::valid(response.body.bytes));
  }
  void respond_raw(std::string head, std::string_view) override {
    ++answers;
    GUST_CHECK(head.ends_with("\r\n\r\n"));
  }
  void respond_later(http::Response response) override { respond(std::move(response)); }
  int answers = 0;

 private:
  http::Request request_;
  net::Endpoint peer_;
};

class Events final : public runtime::RuntimeEvents {
 public:
  void next(uint64_t, http::ExchangePtr) override { parked = true; }
  Verdict response(uint64_t, std::string_view id, runtime::Posted posted) override {
    GUST_CHECK(!posted.trailer_error);
    return of(id);
  }
  Verdict error(uint64_t, std::string_view id, runtime::Posted posted) override {
    check(posted);
#ifdef GUST_PLANTED_BUG
    GUST_CHECK(!(posted.trailer_error && posted.error_type.size() < 8));
#endif
    return of(id);
  }
  Verdict init_error(uint64_t, runtime::Posted posted) override { return check(posted), Verdict::Accepted; }
  Verdict too_large(uint64_t, std::string_view, uint64_t bytes) override {
    GUST_CHECK(bytes > runtime::kMostPayload);
    return Verdict::TooLarge;
  }
  void posted_done(uint64_t) override {}
  void gone(uint64_t, http::Exchange&) override {}
  std::string_view state_of(uint64_t) const override { return "Ready"; }
  bool parked = false;

 private:
  static Verdict of(std::string_view id) {
    return id.empty() ? Verdict::WrongRequest : id.size() % 2 == 0 ? Verdict::WrongState : Verdict::Accepted;
  }
  static void check(const runtime::Posted& posted) {
    GUST_CHECK(!posted.error_type.empty() && posted.error_type.size() <= 256);
    GUST_CHECK(std::all_of(posted.error_type.begin(), posted.error_type.end(),
                           [](unsigned char c) { return c > ' ' && c < 0x7F && c != '<'; }));
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  auto exchange = std::make_shared<Exchange>();
  http::Framing framing;
  auto length = http::parse_request(bytes, {}, exchange->request(), framing);
  if (!length || *length == 0) return 0;
  Events events;
  runtime::RuntimeApi api(events);
  http::BodyPlan plan = api.on_head(*exchange);
  if (plan.refuse) return exchange->respond(*plan.refuse), 0;
  http::BodyDecoder decoder(framing);
  std::string& body = exchange->request().body.bytes;
  auto taken = decoder.feed(bytes.substr(*length), exchange->request().trailers, [&](std::string_view piece) { body += piece; });
  if (!taken || !decoder.done() || body.size() > plan.limit) return 0;
  api.on_request(exchange);
  GUST_CHECK(exchange->answers + events.parked == 1);
  return 0;
}
