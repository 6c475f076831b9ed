// SPDX-License-Identifier: Apache-2.0

#include "runtime/runtime_api.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <thread>

#include "base/encoding.h"
#include "base/json.h"
#include "net/loop.h"
#include "net/socket.h"

namespace gust::runtime {
namespace {

class Events final : public RuntimeEvents {
 public:
  struct Seen {
    std::string what, request_id;
    Posted posted;
    uint64_t bytes = 0;
  };
  void next(uint64_t, http::ExchangePtr exchange) override {
    exchange->respond_raw(next_head("id-1", 1234, "arn", trace_id, client_context, 2), "{}");
  }
  Verdict response(uint64_t environment, std::string_view id, Posted posted) override {
    return note("response", environment, id, std::move(posted));
  }
  Verdict error(uint64_t environment, std::string_view id, Posted posted) override {
    return note("error", environment, id, std::move(posted));
  }
  Verdict init_error(uint64_t environment, Posted posted) override { return note("init", environment, "", std::move(posted)); }
  Verdict too_large(uint64_t environment, std::string_view id, uint64_t bytes) override {
    note("too large", environment, id, {});
    seen.back().bytes = bytes;
    return Verdict::TooLarge;
  }
  void posted_done(uint64_t) override { ++done; }
  void gone(uint64_t, http::Exchange&) override {}
  std::string_view state_of(uint64_t) const override { return "Ready"; }

  Verdict note(std::string what, uint64_t environment, std::string_view id, Posted posted) {
    EXPECT_EQ(environment, 7u);
    seen.push_back({std::move(what), std::string(id), std::move(posted)});
    return verdict;
  }
  Verdict verdict = Verdict::Accepted;
  std::string trace_id, client_context;
  std::vector<Seen> seen;
  int done = 0;
};

class RuntimeApiTest : public testing::Test {
 protected:
  struct Answer {
    int status = 0;
    std::string text, body;
    std::string type() const { return std::string(json::parse(body).value_or(Value())["errorType"].as_string()); }
  };
  void SetUp() override {
    auto listener = net::listen_tcp({"127.0.0.1", 0});
    ASSERT_TRUE(listener);
    port_ = net::local_endpoint(listener->get())->port;
    server_.listen(std::move(*listener), 7);
  }
  Answer send(const std::string& request) {
    Answer answer;
    std::thread client([&] {
      auto fd = net::connect_tcp({"127.0.0.1", port_}, 1'000'000);
      std::string_view rest = request;
      while (!rest.empty()) {
        ssize_t n = ::send(fd->get(), rest.data(), rest.size(), MSG_NOSIGNAL);
        if (n <= 0) break;
        rest.remove_prefix(static_cast<size_t>(n));
      }
      shutdown(fd->get(), SHUT_WR);
      char buffer[65536];
      for (ssize_t n; (n = recv(fd->get(), buffer, sizeof buffer, 0)) > 0;) answer.text.append(buffer, static_cast<size_t>(n));
      loop_.stop();
    });
    loop_.run();
    client.join();
    if (answer.text.size() > 12) answer.status = std::stoi(answer.text.substr(9, 3));
    size_t end = answer.text.find("\r\n\r\n");
    if (end != std::string::npos) answer.body = answer.text.substr(end + 4);
    return answer;
  }
  Answer post(const std::string& path, const std::string& body, const std::string& headers = "") {
    return send("POST " + path + " HTTP/1.1\r\nHost: x\r\n" + headers + "Content-Length: " + std::to_string(body.size()) +
                "\r\n\r\n" + body);
  }

  const std::string base_ = "/2018-06-01/runtime/";
  net::Loop loop_;
  Events events_;
  RuntimeApi api_{events_};
  http::Server server_{loop_, api_, http::Limits(), nullptr};
  uint16_t port_ = 0;
};

TEST_F(RuntimeApiTest, NextCarriesTheHeadersOfAnInvocation) {
  events_.trace_id = "Root=1-x";
  events_.client_context = "{\"a\":\r\n\"b\"}";
  auto answer = send("GET " + base_ + "invocation/next HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_EQ(answer.status, 200);
  for (const char* field :
       {"Lambda-Runtime-Aws-Request-Id: id-1\r\n", "Lambda-Runtime-Deadline-Ms: 1234\r\n", "Content-Type: application/json\r\n",
        "Lambda-Runtime-Invoked-Function-Arn: arn\r\n", "Lambda-Runtime-Trace-Id: Root=1-x\r\n",
        "Lambda-Runtime-Client-Context: {\"a\":  \"b\"}\r\n", "Content-Length: 2\r\n"}) {
    EXPECT_NE(answer.text.find(field), std::string::npos) << field;
  }
  EXPECT_EQ(answer.body, "{}");
  std::string bare = next_head("id", 1, "arn", "", "", 0);
  EXPECT_EQ(bare.find("Trace-Id"), std::string::npos);
  EXPECT_EQ(bare.find("Client-Context"), std::string::npos);
}

TEST_F(RuntimeApiTest, AResponseIsAcceptedAndThenBookedOnce) {
  auto answer = post(base_ + "invocation/id-1/response", "result");
  EXPECT_EQ(answer.status, 202);
  EXPECT_EQ(answer.body, "{\"status\":\"OK\"}\n");
  ASSERT_EQ(events_.seen.size(), 1u);
  EXPECT_EQ(events_.seen[0].what, "response");
  EXPECT_EQ(events_.seen[0].request_id, "id-1");
  EXPECT_EQ(events_.seen[0].posted.body, "result");
  EXPECT_EQ(events_.done, 1);
}

TEST_F(RuntimeApiTest, AChunkedResponseIsPutTogether) {
  auto answer = send("POST " + base_ +
                     "invocation/id-1/response HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
                     "Lambda-Runtime-Function-Response-Mode: streaming\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
  EXPECT_EQ(answer.status, 202);
  ASSERT_EQ(events_.seen.size(), 1u);
  EXPECT_EQ(events_.seen[0].posted.body, "abcde");
}

TEST_F(RuntimeApiTest, TrailersTurnAStreamedResponseIntoAnError) {
  auto answer =
      send("POST " + base_ +
           "invocation/id-1/response HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
           "Lambda-Runtime-Function-Response-Mode: streaming\r\nTrailer: Lambda-Runtime-Function-Error-Type, "
           "Lambda-Runtime-Function-Error-Body\r\n\r\n"
           "3\r\nabc\r\n0\r\nLambda-Runtime-Function-Error-Type: Runtime.StreamError\r\nLambda-Runtime-Function-Error-Body: " +
           base64_encode("{\"errorMessage\":\"m\"}") + "\r\n\r\n");
  EXPECT_EQ(answer.status, 202);
  ASSERT_EQ(events_.seen.size(), 1u);
  EXPECT_EQ(events_.seen[0].what, "error");
  EXPECT_EQ(events_.seen[0].posted.error_type, "Runtime.StreamError");
  EXPECT_EQ(events_.seen[0].posted.body, "{\"errorMessage\":\"m\"}");
}

TEST_F(RuntimeApiTest, AnUnknownResponseModeFailsTheInvocation) {
  auto answer = post(base_ + "invocation/id-1/response", "x", "Lambda-Runtime-Function-Response-Mode: sideways\r\n");
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(answer.type(), "InvalidFunctionResponseMode");
  ASSERT_EQ(events_.seen.size(), 1u);
  EXPECT_EQ(events_.seen[0].what, "error");
  EXPECT_EQ(events_.seen[0].posted.error_type, "Runtime.InvalidResponseModeHeader");
  EXPECT_EQ(events_.done, 1);
}

TEST_F(RuntimeApiTest, ErrorTypesComeFromTheBodyThenTheHeaderAndAreSafe) {
  struct Case {
    const char* body;
    const char* header;
    const char* type;
  };
  for (const Case& c : {Case{R"({"errorType":"KeyError"})", "", "KeyError"},
                        {R"({"errorType":"a.b$C"})", "Function.X", "a.b$C"},
                        {"{}", "Function.X", "Function.X"},
                        {"not json", "", "Function.Unknown"},
                        {R"({"errorType":"two words"})", "", "Function.Unknown"},
                        {R"({"errorType":"a\nEND"})", "", "Function.Unknown"}}) {
    events_.seen.clear();
    std::string header = *c.header ? "Lambda-Runtime-Function-Error-Type: " + std::string(c.header) + "\r\n" : "";
    EXPECT_EQ(post(base_ + "invocation/id-1/error", c.body, header).status, 202);
    ASSERT_EQ(events_.seen.size(), 1u);
    EXPECT_EQ(events_.seen[0].posted.error_type, c.type) << c.body;
    EXPECT_EQ(events_.seen[0].posted.body, c.body);
  }
  EXPECT_EQ(post(base_ + "init/error", "{}").status, 202);
  EXPECT_EQ(events_.seen.back().what, "init");
  EXPECT_EQ(events_.seen.back().posted.error_type, "Runtime.Unknown");
}

TEST_F(RuntimeApiTest, RefusalsAreThoseOfAwsAndBookNothing) {
  events_.verdict = RuntimeEvents::Verdict::WrongState;
  auto answer = post(base_ + "invocation/id-1/response", "x");
  EXPECT_EQ(answer.status, 403);
  EXPECT_EQ(answer.type(), "InvalidStateTransition");
  EXPECT_NE(answer.body.find("State transition from Ready to InvocationResponse failed for runtime."), std::string::npos);
  events_.verdict = RuntimeEvents::Verdict::WrongRequest;
  answer = post(base_ + "invocation/id-1/error", "x");
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(answer.type(), "InvalidRequestID");
  EXPECT_EQ(events_.done, 0);
  events_.verdict = RuntimeEvents::Verdict::TooLarge;
  EXPECT_EQ(post(base_ + "invocation/id-1/response", "x").status, 413);
  EXPECT_EQ(events_.done, 1);
  for (const char* path : {"/", "/2018-06-01/runtime/invocation/id-1/other", "/2018-06-01/runtime/invocation/id-1",
                           "/2018-06-01/runtime/restore/error"}) {
    EXPECT_EQ(post(path, "x").status, 404) << path;
  }
}

TEST_F(RuntimeApiTest, ALargeResponseIsRefusedUnreadAndItsSizeTold) {
  auto answer = send("POST " + base_ + "invocation/id-1/response HTTP/1.1\r\nHost: x\r\nContent-Length: 99000000\r\n\r\n");
  EXPECT_EQ(answer.status, 413);
  EXPECT_EQ(answer.type(), "RequestEntityTooLarge");
  ASSERT_EQ(events_.seen.size(), 1u);
  EXPECT_EQ(events_.seen[0].bytes, 99'000'000u);
  EXPECT_EQ(events_.done, 1);
  // Anything else of that size is refused as well and means nothing.
  EXPECT_EQ(send("POST " + base_ + "invocation/id-1/error HTTP/1.1\r\nHost: x\r\nContent-Length: 99000000\r\n\r\n").status, 413);
  EXPECT_EQ(events_.seen.size(), 1u);
}

}  // namespace
}  // namespace gust::runtime
