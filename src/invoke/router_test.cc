// SPDX-License-Identifier: Apache-2.0

#include "invoke/router.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <optional>

#include "base/json.h"
#include "invoke/test_fixture.h"
#include "net/socket.h"

namespace gust::invoke {
namespace {

using test::exit_status;
using test::Runtime;
using Kind = InvokeResult::Kind;

class RouterTest : public test::InvokeTest {
 protected:
  struct Call {
    std::string id;
    std::optional<InvokeResult> result;
    std::string type() const { return std::string((*json::parse(result->payload))["errorType"].as_string()); }
    std::string message() const { return std::string((*json::parse(result->payload))["errorMessage"].as_string()); }
  };
  using CallPtr = std::shared_ptr<Call>;

  CallPtr invoke(const FunctionPtr& function, std::string payload = "{}", bool tail = false) {
    auto call = std::make_shared<Call>();
    call->id = "request-" + std::to_string(++requests_);
    Invocation i;
    i.request_id = call->id, i.function = function, i.payload = std::move(payload), i.want_log_tail = tail;
    i.received_us = system_clock().unix_us();
    i.done = [call](InvokeResult result) {
      EXPECT_FALSE(call->result) << "answered twice";
      call->result = std::move(result);
    };
    router_->invoke(std::move(i));
    return call;
  }
  CallPtr invoke_and_wait(const FunctionPtr& function, std::string payload = "{}", bool tail = false) {
    auto call = invoke(function, std::move(payload), tail);
    until([&] { return call->result.has_value(); });
    return call;
  }

  int requests_ = 0;
};

TEST_F(RouterTest, AnEventIsAnsweredAndLoggedAndMetered) {
  auto f = put("echo");
  auto call = invoke_and_wait(f, R"({"a":1})");
  EXPECT_EQ(call->result->kind, Kind::Response);
  EXPECT_EQ(call->result->payload, R"({"a":1})");
  until_idle(1);
  std::string text = log("echo");
  EXPECT_NE(text.find("START RequestId: " + call->id + " Version: $LATEST\n"), text.npos);
  EXPECT_NE(text.find("END RequestId: " + call->id + "\n"), text.npos);
  size_t report = text.find("REPORT RequestId: " + call->id + "\tDuration: ");
  ASSERT_NE(report, text.npos);
  EXPECT_NE(text.find("\tMemory Size: 128 MB\tMax Memory Used: 0 MB\tInit Duration: ", report), text.npos);
  auto all = executions();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0]["outcome"].as_string(), "ok");
  EXPECT_EQ(all[0]["cold_cause"].as_string(), "first");
  EXPECT_EQ(all[0]["request_id"].as_string(), call->id);
  EXPECT_GT(all[0]["init_us"].as_int(), 0);
  EXPECT_EQ(all[0]["billed_ms"].as_int(), (all[0]["duration_us"].as_int() + all[0]["init_us"].as_int() + 999) / 1000);
}

TEST_F(RouterTest, TheNextEventFindsTheSameEnvironmentWarm) {
  auto f = put("echo");
  for (int i = 0; i < 5; ++i) {
    invoke_and_wait(f);
    until_idle(1);
  }
  EXPECT_EQ(warden_->started.size(), 1u);
  auto all = executions();
  ASSERT_EQ(all.size(), 5u);
  EXPECT_EQ(all[4]["cold_cause"].as_string(), "");
  EXPECT_EQ(all[4]["init_us"].as_int(), 0);
  EXPECT_EQ(all[4]["environment"], all[0]["environment"]);
}

TEST_F(RouterTest, FullCpuDuringInitAndItsShareAfterwards) {
  auto f = put("echo", [](Function& x) { x.memory_mb = 1769; });
  invoke_and_wait(f);
  ASSERT_EQ(warden_->started.size(), 1u);
  EXPECT_EQ(warden_->started[0].limits.cpu_milli, 1000u);
  EXPECT_EQ(warden_->cpus, (std::vector<std::pair<uint64_t, uint32_t>>{{1, 1000}}));
}

TEST_F(RouterTest, AReportedErrorReachesTheCallerAsItIs) {
  warden_->scripts["bad"] = [](Runtime& r) -> int {
    for (;;) {
      auto event = r.next();
      r.error(event.request_id(), R"({"errorMessage":"no","errorType":"KeyError","stackTrace":[]})");
    }
  };
  auto call = invoke_and_wait(put("bad"));
  EXPECT_EQ(call->result->kind, Kind::FunctionError);
  EXPECT_EQ(call->result->function_error, "Unhandled");
  EXPECT_EQ(call->result->error_type, "KeyError");
  EXPECT_EQ(call->result->payload, R"({"errorMessage":"no","errorType":"KeyError","stackTrace":[]})");
  until_idle(1);
  EXPECT_EQ(executions()[0]["outcome"].as_string(), "error");
  EXPECT_EQ(log("bad").find("Status:"), std::string::npos);  // as AWS: only what the platform found
  EXPECT_EQ(warden_->killed.size(), 0u);                     // and the environment stays
}

TEST_F(RouterTest, ACrashResetsTheEnvironmentWhichIsUsedAgain) {
  warden_->scripts["crash"] = [](Runtime& r) {
    auto event = r.next();
    if (r.run_number == 1) {
      r.print("about to die");
      return SIGSEGV;
    }
    r.respond(event.request_id(), "again");
    r.next();
    return 0;
  };
  auto f = put("crash");
  auto call = invoke_and_wait(f);
  EXPECT_EQ(call->result->kind, Kind::FunctionError);
  EXPECT_EQ(call->type(), "Runtime.ExitError");
  EXPECT_EQ(call->message(), "RequestId: " + call->id + " Error: Runtime exited with error: signal: segmentation fault");
  until([&] { return count(State::Prepared) == 1; });
  std::string text = log("crash");
  EXPECT_NE(text.find("\t" + call->id + "\tabout to die\n"), text.npos);  // its last words, though without a newline
  EXPECT_NE(text.find("Error: Runtime exited with error: signal: segmentation fault\\nRuntime.ExitError\n"), text.npos);
  EXPECT_NE(text.find("\tStatus: error\tError Type: Runtime.ExitError\n"), text.npos);
  auto again = invoke_and_wait(f);
  EXPECT_EQ(again->result->payload, "again");
  EXPECT_EQ(warden_->started.size(), 1u);
  until_idle(1);
  auto all = executions();
  EXPECT_EQ(all[0]["outcome"].as_string(), "crash");
  EXPECT_EQ(all[1]["cold_cause"].as_string(), "after-reset");
  // The second init had full CPU too.
  EXPECT_EQ(warden_->cpus, (std::vector<std::pair<uint64_t, uint32_t>>{{1, 72}, {1, 0}, {1, 72}}));
}

TEST_F(RouterTest, OutOfMemoryIsAKilledRuntimeForTheCallerAndNamedInTheReport) {
  warden_->scripts["oom"] = [](Runtime& r) {
    r.next();
    r.use_memory(128 << 20);
    r.run_out_of_memory();
    return SIGKILL;
  };
  auto call = invoke_and_wait(put("oom"));
  EXPECT_EQ(call->type(), "Runtime.ExitError");
  EXPECT_EQ(call->message(), "RequestId: " + call->id + " Error: Runtime exited with error: signal: killed");
  until([&] { return count(State::Prepared) == 1; });
  EXPECT_NE(log("oom").find("Max Memory Used: 128 MB\tInit Duration: "), std::string::npos);
  EXPECT_NE(log("oom").find("Status: error\tError Type: Runtime.OutOfMemory\n"), std::string::npos);
  EXPECT_EQ(executions()[0]["outcome"].as_string(), "oom");
  EXPECT_EQ(executions()[0]["error_type"].as_string(), "Runtime.OutOfMemory");
}

TEST_F(RouterTest, AKillWithoutMemoryShortageIsACrash) {  // control of the one above
  warden_->scripts["killed"] = [](Runtime& r) {
    r.next();
    return SIGKILL;
  };
  invoke_and_wait(put("killed"));
  until([&] { return count(State::Prepared) == 1; });
  EXPECT_EQ(executions()[0]["outcome"].as_string(), "crash");
}

TEST_F(RouterTest, ATimeoutAnswersKillsAndResets) {
  warden_->scripts["slow"] = [](Runtime& r) {
    auto event = r.next();
    if (r.run_number == 1) r.wait_for_end();
    r.respond(event.request_id(), "in time");
    r.next();
    return 0;
  };
  auto f = put("slow", [](Function& x) { x.timeout_s = 1; });
  auto call = invoke_and_wait(f);
  EXPECT_EQ(call->type(), "Sandbox.Timedout");
  EXPECT_EQ(call->message(), "RequestId: " + call->id + " Error: Task timed out after 1.00 seconds");
  until([&] { return count(State::Prepared) == 1; });
  std::string text = log("slow");
  EXPECT_NE(text.find("Z " + call->id + " Task timed out after 1.00 seconds\n"), text.npos);
  size_t report = text.find("REPORT RequestId: " + call->id + "\tDuration: 1000.00 ms\tBilled Duration: ");
  ASSERT_NE(report, text.npos);
  EXPECT_EQ(text.substr(text.size() - 16), "Status: timeout\n");
  EXPECT_EQ(executions()[0]["outcome"].as_string(), "timeout");
  EXPECT_EQ(invoke_and_wait(f)->result->payload, "in time");
  EXPECT_EQ(warden_->started.size(), 1u);
}

TEST_F(RouterTest, ARuntimeThatNeverAsksAgainIsResetAtItsTimeout) {
  warden_->scripts["stuck"] = [](Runtime& r) {
    auto event = r.next();
    r.respond(event.request_id(), "done");
    if (r.run_number == 1) r.wait_for_end();
    return echo(r);
  };
  auto f = put("stuck", [](Function& x) { x.timeout_s = 1; });
  auto call = invoke_and_wait(f);
  EXPECT_EQ(call->result->payload, "done");
  until([&] { return count(State::Prepared) == 1; });
  EXPECT_EQ(invoke_and_wait(f)->result->payload, "done");
}

TEST_F(RouterTest, AnInitErrorReachesTheCallerAndIsLoggedAndMetered) {
  warden_->scripts["noinit"] = [](Runtime& r) {
    r.print("Traceback\n");
    EXPECT_EQ(r.init_error(R"({"errorMessage":"No module named 'x'","errorType":"Runtime.ImportModuleError"})"), 202);
    return exit_status(1);
  };
  auto call = invoke_and_wait(put("noinit"), "{}", true);
  EXPECT_EQ(call->result->kind, Kind::FunctionError);
  EXPECT_EQ(call->type(), "Runtime.ImportModuleError");
  until([&] { return warden_->running().empty(); });
  std::string text = log("noinit");
  size_t at = 0;
  for (const std::string& part : std::vector<std::string>{
           "\t-\tTraceback\n", "\t-\tINIT_REPORT Init Duration: ",
           " ms\tPhase: init\tStatus: error\tError Type: Runtime.ImportModuleError\n", "\t" + call->id + "\tSTART RequestId: ",
           "\tEND RequestId: ", "\tREPORT RequestId: ", " MB\tStatus: error\tError Type: Runtime.ImportModuleError\n"}) {
    at = text.find(part, at);
    ASSERT_NE(at, text.npos) << part << "\n" << text;
  }
  EXPECT_NE(call->result->log_tail.find("Traceback\nINIT_REPORT"), std::string::npos);
  EXPECT_NE(call->result->log_tail.find("\nREPORT RequestId: " + call->id), std::string::npos);
  auto all = executions();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0]["outcome"].as_string(), "init-error");
  EXPECT_EQ(all[0]["error_type"].as_string(), "Runtime.ImportModuleError");
  EXPECT_GT(all[0]["duration_us"].as_int(), 0);
}

TEST_F(RouterTest, AMissingBootstrapIsAnInvalidEntryPoint) {
  warden_->cannot_execute["empty"] = ENOENT;
  auto call = invoke_and_wait(put("empty"));
  EXPECT_EQ(call->type(), "Runtime.InvalidEntrypoint");
  EXPECT_EQ(call->message(),
            "RequestId: " + call->id + " Error: Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]");
  warden_->cannot_execute["script"] = EACCES;
  call = invoke_and_wait(put("script"));
  EXPECT_EQ(call->message(), "RequestId: " + call->id + " Error: fork/exec /var/task/bootstrap: permission denied");
}

TEST_F(RouterTest, ABootstrapThatExitsFailsTheInvocationThatWaitsForIt) {
  warden_->scripts["exits"] = [](Runtime&) { return exit_status(3); };
  auto f = put("exits");
  auto call = invoke_and_wait(f);
  EXPECT_EQ(call->type(), "Runtime.ExitError");
  EXPECT_EQ(call->message(), "RequestId: " + call->id + " Error: Runtime exited with error: exit status 3");
  warden_->scripts["exits"] = [](Runtime&) { return 0; };
  call = invoke_and_wait(f);
  EXPECT_EQ(call->message(), "RequestId: " + call->id + " Error: Runtime exited without providing a reason");
  until([&] { return warden_->running().empty(); });
  EXPECT_EQ(executions().size(), 2u);
}

TEST_F(RouterTest, EachFailedInitIsPaidByOneInvocationOnly) {
  auto starts = std::make_shared<std::atomic<int>>(0);
  warden_->scripts["flaky"] = [starts](Runtime& r) { return ++*starts == 1 ? exit_status(1) : echo(r); };
  auto f = put("flaky");
  std::vector<CallPtr> calls;
  for (int i = 0; i < 4; ++i) calls.push_back(invoke(f, "payload"));
  until([&] { return std::all_of(calls.begin(), calls.end(), [](const CallPtr& c) { return c->result.has_value(); }); });
  auto failed =
      std::count_if(calls.begin(), calls.end(), [](const CallPtr& c) { return c->result->kind == Kind::FunctionError; });
  EXPECT_EQ(failed, 1);
}

TEST_F(RouterTest, AnInitThatTakesTooLongIsATimeout) {
  make({.init_limit_us = 50'000});
  warden_->scripts["hangs"] = [](Runtime& r) -> int { r.wait_for_end(); };
  auto call = invoke_and_wait(put("hangs", [](Function& x) { x.timeout_s = 1; }));
  EXPECT_EQ(call->type(), "Sandbox.Timedout");
  EXPECT_NE(log("hangs").find("Phase: init\tStatus: timeout\n"), std::string::npos);
  EXPECT_EQ(executions()[0]["outcome"].as_string(), "init-error");
}

TEST_F(RouterTest, ASandboxThatCannotBeMadeIsNobodysFunctionError) {
  warden_->failing_starts = 1;
  auto f = put("echo");
  auto call = invoke_and_wait(f);
  EXPECT_EQ(call->result->kind, Kind::Unavailable);
  EXPECT_EQ(call->result->error_type, "Sandbox.Failure");
  EXPECT_EQ(invoke_and_wait(f)->result->kind, Kind::Response);
}

TEST_F(RouterTest, TheSandboxesOwnEndIsACrashOfItsInvocation) {
  warden_->scripts["slow"] = [](Runtime& r) -> int {
    r.next();
    r.wait_for_end();
  };
  auto call = invoke(put("slow"));
  until([&] { return count(State::Busy) == 1; });
  warden_->die(1, {.status = SIGKILL, .oom = true});
  until([&] { return call->result.has_value(); });
  EXPECT_EQ(call->type(), "Runtime.ExitError");
  EXPECT_EQ(executions()[0]["outcome"].as_string(), "oom");
  until([&] { return count(State::Busy) == 0; });
  EXPECT_EQ(router_->environment(1), nullptr);
  EXPECT_TRUE(router_->exited(1, {}));            // late news of one of ours
  EXPECT_FALSE(router_->exited(1ull << 62, {}));  // not ours
}

TEST_F(RouterTest, AResponseThatIsTooLargeIsAnErrorWithItsSize) {
  auto statuses = std::make_shared<std::vector<int>>();
  warden_->scripts["large"] = [statuses](Runtime& r) {
    for (size_t bytes : {size_t{6291557}, size_t{9'000'000}, size_t{6291556}}) {
      auto event = r.next();
      statuses->push_back(r.respond(event.request_id(), std::string(bytes, 'x')));
    }
    r.next();
    return 0;
  };
  auto f = put("large");
  for (const char* bytes : {"6291557", "9000000"}) {  // read and refused; refused unread
    auto call = invoke_and_wait(f);
    EXPECT_EQ(call->type(), "Function.ResponseSizeTooLarge");
    EXPECT_EQ(call->message(),
              std::string("Response payload size (") + bytes + " bytes) exceeded maximum allowed payload size (6291556 bytes).");
    until_idle(1);
  }
  EXPECT_EQ(invoke_and_wait(f)->result->payload.size(), 6291556u);
  until_idle(1);
  EXPECT_EQ(*statuses, (std::vector<int>{413, 413, 202}));
  EXPECT_NE(log("large").find("Status: error\tError Type: Function.ResponseSizeTooLarge\n"), std::string::npos);
  EXPECT_EQ(warden_->started.size(), 1u);
}

TEST_F(RouterTest, LargePayloadsGoBothWaysWhole) {
  auto f = put("echo");
  std::string payload(6 << 20, 'p');
  for (size_t i = 0; i < payload.size(); i += 4096) payload[i] = static_cast<char>('a' + i / 4096 % 26);
  auto call = invoke_and_wait(f, payload);
  EXPECT_TRUE(call->result->payload == payload);
}

TEST_F(RouterTest, WrongStatesAndRequestsAreRefusedAsByAws) {
  struct Seen {
    Runtime::Answer answer;
    const char* what;
  };
  auto seen = std::make_shared<std::vector<Seen>>();
  auto done = std::make_shared<std::atomic<bool>>(false);
  warden_->scripts["odd"] = [seen, done](Runtime& r) {
    const std::string base = "/2018-06-01/runtime/";
    seen->push_back({r.send("GET", "/2018-06-01/ping", ""), "ping"});
    seen->push_back({r.send("POST", base + "invocation/none/response", "x"), "response in init"});
    auto event = r.next();
    const std::string id = event.request_id();
    seen->push_back({r.send("GET", base + "invocation/next", ""), "next while running"});
    seen->push_back({r.send("POST", base + "invocation/other/response", "x"), "response to another"});
    seen->push_back({r.send("POST", base + "invocation/other/error", "{}"), "error of another"});
    seen->push_back({r.send("POST", base + "init/error", "{}"), "init error while running"});
    seen->push_back({r.send("POST", base + "invocation/" + id + "/response", "x"), "response"});
    seen->push_back({r.send("POST", base + "invocation/" + id + "/response", "y"), "response again"});
    seen->push_back({r.send("POST", base + "invocation/" + id + "/error", "{}"), "error afterwards"});
    seen->push_back({r.send("GET", base + "nothing", ""), "unknown"});
    seen->push_back({r.send("DELETE", base + "invocation/next", ""), "other method"});
    *done = true;
    r.next();
    return 0;
  };
  auto call = invoke_and_wait(put("odd"));
  EXPECT_EQ(call->result->payload, "x");
  until([&] { return done->load(); });
  struct Want {
    int status;
    const char* type;
    const char* message;
  };
  const std::vector<Want> want = {
      {200, "", ""},
      {400, "InvalidRequestID", "Invalid request ID"},
      {403, "InvalidStateTransition",
       "State transition from Running to Ready failed for runtime. Error: State transition is not allowed"},
      {400, "InvalidRequestID", "Invalid request ID"},
      {400, "InvalidRequestID", "Invalid request ID"},
      {403, "InvalidStateTransition",
       "State transition from Running to InitError failed for runtime. Error: State transition is not allowed"},
      {202, "", ""},
      {403, "InvalidStateTransition",
       "State transition from RuntimeResponseSentState to InvocationResponse failed for runtime. Error: State transition is not "
       "allowed"},
      {403, "InvalidStateTransition",
       "State transition from RuntimeResponseSentState to InvocationErrorResponse failed for runtime. Error: State transition is "
       "not allowed"},
      {404, "NotFound", "not an operation of the Runtime API"},
      {404, "NotFound", "not an operation of the Runtime API"}};
  ASSERT_EQ(seen->size(), want.size());
  for (size_t i = 0; i < want.size(); ++i) {
    const auto& [answer, what] = (*seen)[i];
    EXPECT_EQ(answer.status, want[i].status) << what;
    if (!*want[i].type) continue;
    auto body = json::parse(answer.body);
    ASSERT_TRUE(body) << what;
    EXPECT_EQ((*body)["errorType"].as_string(), want[i].type) << what;
    EXPECT_EQ((*body)["errorMessage"].as_string(), want[i].message) << what;
  }
  EXPECT_EQ((*seen)[0].answer.body, "pong");
  EXPECT_EQ((*seen)[6].answer.body, "{\"status\":\"OK\"}\n");
}

TEST_F(RouterTest, NextTwiceKeepsTheFirstAndRefusesTheSecond) {
  auto second = std::make_shared<std::atomic<int>>(0);
  warden_->scripts["twice"] = [second](Runtime& r) {
    for (;;) {
      std::thread other;
      auto event = r.next();
      r.respond(event.request_id(), "x");
      if (*second == 0) {
        // A second connection that asks while the first one waits.
        Runtime more(r.port(), -1, 0, {});
        other = std::thread([&more, second] {
          try {
            for (int i = 0; i < 1000 && *second != 403; ++i) *second = more.next().status;
          } catch (const test::Killed&) {
          }
        });
        auto next = r.next();
        more.kill();
        other.join();
        r.respond(next.request_id(), "first");
      }
    }
    return 0;
  };
  auto f = put("twice");
  invoke_and_wait(f);
  until([&] { return second->load() == 403 || second->load() == 200; });
  EXPECT_EQ(second->load(), 403);
  until_idle(1);
  EXPECT_EQ(invoke_and_wait(f)->result->payload, "first");
}

TEST_F(RouterTest, ARuntimeThatHangsUpAndAsksAgainGetsItsEvent) {
  auto again = std::make_shared<std::atomic<bool>>(false);
  auto hung_up = std::make_shared<std::atomic<bool>>(false);
  warden_->scripts["fickle"] = [again, hung_up](Runtime& r) {
    auto event = r.next();
    r.respond(event.request_id(), "1");
    {
      auto fd = net::connect_tcp({"127.0.0.1", r.port()}, 1'000'000);
      const std::string request = "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n";
      EXPECT_EQ(::send(fd->get(), request.data(), request.size(), 0), static_cast<ssize_t>(request.size()));
      r.wait_until([&] { return hung_up->load(); });
    }
    r.wait_until([&] { return again->load(); });
    return echo(r);
  };
  auto f = put("fickle");
  invoke_and_wait(f);
  until_idle(1);
  *hung_up = true;
  until([&] { return router_->environment(1)->parked == nullptr; });
  // Nobody is handed over to a connection that is gone: a second environment is started.
  auto call = invoke(f, "for the second");
  *again = true;
  until([&] { return call->result.has_value() || warden_->started.size() == 2; });
  until_idle(2);
  until([&] { return call->result.has_value(); });
  EXPECT_EQ(call->result->kind, Kind::Response);
}

TEST_F(RouterTest, TheMostRecentlyUsedEnvironmentIsTakenFirst) {
  auto release = std::make_shared<std::atomic<int>>(0);
  warden_->scripts["slow"] = [release](Runtime& r) {
    for (;;) {
      auto event = r.next();
      r.wait_until([&] { return event.body != "wait" || *release; });
      r.respond(event.request_id(), "x");
    }
    return 0;
  };
  auto f = put("slow");
  auto a = invoke(f, "wait"), b = invoke(f, "wait");
  until([&] { return count(State::Busy) == 2; });
  *release = 1;
  until_idle(2);
  for (int i = 0; i < 4; ++i) {
    invoke_and_wait(f, "go");
    until_idle(2);
  }
  std::vector<uint64_t> executed;
  router_->each_environment([&](const Environment& e) { executed.push_back(e.executions); });
  std::sort(executed.begin(), executed.end());
  EXPECT_EQ(executed, (std::vector<uint64_t>{1, 5}));
}

TEST_F(RouterTest, ConcurrencyLimitsAnswerAtOnceWithAwssReasons) {
  make({.max_concurrency = 4});
  auto block = [](Runtime& r) -> int {
    r.next();
    r.wait_for_end();
  };
  for (const char* name : {"reserved", "open", "off"}) warden_->scripts[name] = block;
  auto reserved = put("reserved", [](Function& x) { x.reserved_concurrency = 2; });
  auto open = put("open"), off = put("off", [](Function&x) { x.reserved_concurrency = 0; });
  auto reason = [](const CallPtr& c) { return c->result ? c->result->throttle_reason : "none"; };
  EXPECT_EQ(reason(invoke(off)), "ReservedFunctionConcurrentInvocationLimitExceeded");
  invoke(reserved), invoke(reserved);
  EXPECT_EQ(reason(invoke(reserved)), "ReservedFunctionConcurrentInvocationLimitExceeded");
  invoke(open), invoke(open);
  // Two of the account's four are set aside.
  auto third = invoke(open);
  EXPECT_EQ(third->result->kind, Kind::Throttled);
  EXPECT_EQ(reason(third), "ConcurrentInvocationLimitExceeded");
  until([&] { return count(State::Busy) == 4; });
  put("reserved", [](Function& x) { x.reserved_concurrency = -1; });  // all four are common now, and in use
  EXPECT_EQ(reason(invoke(open)), "ConcurrentInvocationLimitExceeded");
  put("reserved", [](Function& x) { x.reserved_concurrency = 3; });
  EXPECT_EQ(reason(invoke(reserved)), "none");
  put("off");
  EXPECT_EQ(reason(invoke(off)), "ConcurrentInvocationLimitExceeded");
}

TEST_F(RouterTest, NeverMoreStartsInFlightThanCores) {
  make({.host_cpus = 2});
  warden_->hold_starts = true;
  auto f = put("echo");
  std::vector<CallPtr> calls;
  for (int i = 0; i < 10; ++i) calls.push_back(invoke(f));
  EXPECT_EQ(warden_->started.size(), 2u);
  warden_->release_starts();
  until([&] { return std::all_of(calls.begin(), calls.end(), [](const CallPtr& c) { return c->result.has_value(); }); });
}

TEST_F(RouterTest, AHangingInitDoesNotKeepOthersFromStarting) {
  make({.host_cpus = 1, .slow_start_us = 20'000});
  warden_->scripts["hangs"] = [](Runtime& r) -> int { r.wait_for_end(); };
  auto hanging = invoke(put("hangs"));
  auto other = invoke(put("echo"));
  EXPECT_EQ(warden_->started.size(), 1u);
  until([&] { return other->result.has_value(); });
  EXPECT_EQ(other->result->kind, Kind::Response);
  EXPECT_FALSE(hanging->result);
}

TEST_F(RouterTest, FunctionsTakeTurnsWithTheirStarts) {
  make({.host_cpus = 1});
  warden_->hold_starts = true;
  auto many = put("many"), one = put("one");
  for (int i = 0; i < 20; ++i) invoke(many);
  auto call = invoke(one);
  warden_->release_starts();
  until([&] { return call->result.has_value(); });
  // Its start was not behind all of the other function's.
  auto at =
      std::find_if(warden_->started.begin(), warden_->started.end(), [](const sandbox::StartSpec& s) { return s.code == "one"; });
  EXPECT_LE(at - warden_->started.begin(), 2);
}

TEST_F(RouterTest, StrictAdmissionCountsRunningFunctionsInitsAndServices) {
  make({.host_cpus = 2, .strict_cpu_admission = true});
  auto release = std::make_shared<std::atomic<bool>>(false);
  auto script = [release](Runtime& r) {
    for (;;) {
      auto event = r.next();
      r.wait_until([&] { return release->load(); });
      r.respond(event.request_id(), "x");
    }
    return 0;
  };
  warden_->scripts["big"] = script, warden_->scripts["small"] = script;
  auto big = put("big", [](Function& x) { x.memory_mb = 1769, x.timeout_s = 60; });
  auto small = put("small", [](Function& x) { x.memory_mb = 885, x.timeout_s = 60; });
  auto first = invoke(big);
  auto second = invoke(small);
  EXPECT_EQ(warden_->started.size(), 1u);  // an init takes the two CPUs that it sees
  until([&] { return count(State::Busy) == 1; });
  EXPECT_EQ(warden_->started.size(), 1u);  // one CPU is left, the next init sees two
  *release = true;
  until([&] { return first->result && second->result; });
  *release = false;
  until_idle(2);
  router_->reserve(1000, 0);  // a service
  auto a = invoke(small), b = invoke(big);
  until([&] { return count(State::Busy) == 1; });
  EXPECT_FALSE(b->result);
  EXPECT_EQ(router_->environment(1)->state, State::Idle);
  router_->reserve(-1000, 0);  // the service ended: 0.5 and 1 fit into two
  EXPECT_EQ(count(State::Busy), 2u);
  *release = true;
  until([&] { return a->result && b->result; });
}

TEST_F(RouterTest, WithoutStrictAdmissionTheSameRunsAtOnce) {  // control
  make({.memory_budget_bytes = 16ull << 30, .host_cpus = 2});
  auto block = [](Runtime& r) -> int {
    r.next();
    r.wait_for_end();
  };
  warden_->scripts["big"] = block;
  auto big = put("big", [](Function& x) { x.memory_mb = 1769; });
  for (int i = 0; i < 4; ++i) invoke(big);
  until([&] { return count(State::Busy) == 4; });
}

TEST_F(RouterTest, AServiceTakesItsMemoryFromTheBudget) {
  make({.memory_budget_bytes = 300ull << 20, .host_cpus = 1, .max_wait_us = 50'000});
  auto a = put("a"), b = put("b");
  invoke_and_wait(a);
  until_idle(1);
  router_->reserve(0, 200 << 20);  // what is idle goes, and nothing of 128 MB fits beside it
  EXPECT_EQ(count(State::Idle), 0u);
  auto refused = invoke_and_wait(b);
  EXPECT_EQ(refused->result->kind, InvokeResult::Kind::Throttled);
  router_->reserve(0, -(200 << 20));
  EXPECT_EQ(invoke_and_wait(b)->result->kind, InvokeResult::Kind::Response);  // the control
}

TEST_F(RouterTest, MemoryIsTakenFromWhatHasBeenIdleForLongest) {
  make({.memory_budget_bytes = 300ull << 20, .host_cpus = 1});
  auto a = put("a"), b = put("b"), c = put("c");
  invoke_and_wait(a);
  until_idle(1);
  invoke_and_wait(b);
  until_idle(2);
  invoke_and_wait(c);
  until_idle(2);
  EXPECT_EQ(warden_->killed, (std::vector<uint64_t>{1}));
  invoke_and_wait(a);
  until([&] { return executions().size() == 4; });
  EXPECT_EQ(executions()[3]["cold_cause"].as_string(), "evicted");
}

TEST_F(RouterTest, WaitingForTheHostsMemoryIsBounded) {
  make({.memory_budget_bytes = 128ull << 20, .max_waiting = 2, .max_wait_us = 50'000});
  warden_->scripts["block"] = [](Runtime& r) -> int {
    r.next();
    r.wait_for_end();
  };
  auto f = put("block");
  invoke(f);
  until([&] { return count(State::Busy) == 1; });
  auto a = invoke(f), b = invoke(f), c = invoke(f);
  EXPECT_EQ(c->result->kind, Kind::Unavailable);
  EXPECT_FALSE(a->result);
  until([&] { return a->result && b->result; });
  EXPECT_EQ(a->result->kind, Kind::Throttled);
  auto huge = invoke(put("huge", [](Function& x) { x.memory_mb = 256; }));
  EXPECT_EQ(huge->result->error_type, "HostMemory");
}

TEST_F(RouterTest, AnUpdateReplacesIdleEnvironmentsAndBusyOnesAfterTheirCall) {
  auto release = std::make_shared<std::atomic<bool>>(false);
  warden_->scripts["old"] = [release](Runtime& r) {
    for (;;) {
      auto event = r.next();
      r.wait_until([&] { return event.body != "wait" || *release; });
      r.respond(event.request_id(), "old");
    }
    return 0;
  };
  warden_->scripts["new"] = [](Runtime& r) {
    for (;;) r.respond(r.next().request_id(), "new");
    return 0;
  };
  auto v1 = put("f", [](Function& x) { x.code = "old"; });
  auto busy = invoke(v1, "wait");
  until([&] { return count(State::Busy) == 1; });
  auto idle = invoke_and_wait(v1);
  EXPECT_EQ(idle->result->payload, "old");
  until_idle(1);
  auto v2 = put("f", [](Function& x) { x.code = "new", x.epoch = 2; });
  EXPECT_EQ(count(State::Idle), 0u);
  EXPECT_EQ(invoke_and_wait(v2)->result->payload, "new");
  *release = true;
  until([&] { return busy->result.has_value(); });
  EXPECT_EQ(busy->result->payload, "old");
  until([&] { return router_->environment(1) == nullptr; });
  EXPECT_EQ(invoke_and_wait(v2)->result->payload, "new");
  auto all = executions();
  EXPECT_EQ(all[1]["cold_cause"].as_string(), "after-update");
}

TEST_F(RouterTest, AnUpdateOfWhatNoEnvironmentIsMadeFromKeepsThem) {
  auto f = put("f");
  invoke_and_wait(f);
  until_idle(1);
  auto again = put("f", [](Function& x) { x.revision_id = "other", x.reserved_concurrency = 7, x.timeout_s = 9; });
  EXPECT_EQ(count(State::Idle), 1u);
  EXPECT_EQ(router_->environment(1)->function, again);
  invoke_and_wait(f);  // even by the older record
  EXPECT_EQ(warden_->started.size(), 1u);
  until_idle(1);
  put("f", [](Function& x) { x.epoch = 2; });
  EXPECT_EQ(count(State::Idle), 0u);
}

TEST_F(RouterTest, AnOldBusyEnvironmentIsNotRevivedByAnUpdateOfTheNewVersion) {
  auto release = std::make_shared<std::atomic<bool>>(false);
  warden_->scripts["f"] = [release](Runtime& r) {
    auto event = r.next();
    r.wait_until([&] { return release->load(); });
    r.respond(event.request_id(), "x");
    r.next();
    return 0;
  };
  auto call = invoke(put("f"));
  until([&] { return count(State::Busy) == 1; });
  put("f", [](Function& x) { x.epoch = 2; });
  put("f", [](Function& x) { x.epoch = 2, x.revision_id = "tags changed"; });
  *release = true;
  until([&] { return call->result && !router_->environment(1); });
}

TEST_F(RouterTest, DeletingAnswersWhatWaitsAndLetsWhatRunsEnd) {
  make({.memory_budget_bytes = 128ull << 20});
  auto release = std::make_shared<std::atomic<bool>>(false);
  warden_->scripts["f"] = [release](Runtime& r) {
    for (;;) {
      auto event = r.next();
      r.wait_until([&] { return release->load(); });
      r.respond(event.request_id(), "x");
    }
    return 0;
  };
  auto f = put("f");
  auto running = invoke(f);
  until([&] { return count(State::Busy) == 1; });
  auto waiting = invoke(f);
  router_->remove_function(f->arn);
  ASSERT_TRUE(waiting->result);
  EXPECT_EQ(waiting->result->kind, Kind::Unavailable);
  EXPECT_EQ(router_->find(f->arn), nullptr);
  EXPECT_EQ(invoke(f)->result->error_type, "FunctionDeleted");
  *release = true;
  until([&] { return running->result.has_value(); });
  EXPECT_EQ(running->result->payload, "x");
  until([&] { return warden_->running().empty(); });
  put("f");  // and may be made again
  EXPECT_EQ(invoke_and_wait(f)->result->kind, Kind::Response);
}

TEST_F(RouterTest, DeletingWhileASandboxIsBeingMadeLeavesNothingBehind) {
  warden_->hold_starts = true;
  auto f = put("f");
  auto call = invoke(f);
  router_->remove_function(f->arn);
  EXPECT_EQ(call->result->kind, Kind::Unavailable);
  warden_->release_starts();
  until([&] { return router_->processes().size() == 0; });
  auto other = put("g");
  EXPECT_EQ(invoke_and_wait(other)->result->kind, Kind::Response);  // the start's place is free again
}

TEST_F(RouterTest, DrainLetsWhatIsInFlightEndAndRefusesTheRest) {
  auto release = std::make_shared<std::atomic<bool>>(false);
  warden_->scripts["f"] = [release](Runtime& r) {
    for (;;) {
      auto event = r.next();
      r.wait_until([&] { return release->load(); });
      r.respond(event.request_id(), "x");
    }
    return 0;
  };
  auto f = put("f");
  auto running = invoke(f);
  until([&] { return count(State::Busy) == 1; });
  bool drained = false;
  router_->drain(20'000'000, [&] { drained = true; });
  EXPECT_EQ(invoke(f)->result->error_type, "ShuttingDown");
  EXPECT_FALSE(drained);
  *release = true;
  until([&] { return drained; });
  EXPECT_EQ(running->result->payload, "x");
  EXPECT_TRUE(warden_->running().empty());
}

TEST_F(RouterTest, DrainEndsAfterItsLimitWithEveryCallAnswered) {
  warden_->scripts["f"] = [](Runtime& r) -> int {
    r.next();
    r.wait_for_end();
  };
  auto running = invoke(put("f"));
  until([&] { return count(State::Busy) == 1; });
  bool drained = false;
  router_->drain(20'000, [&] { drained = true; });
  until([&] { return drained; });
  EXPECT_EQ(running->result->kind, Kind::Unavailable);
  EXPECT_TRUE(warden_->running().empty());
}

TEST_F(RouterTest, DrainOfAnIdleRouterEndsItsEnvironments) {
  invoke_and_wait(put("f"));
  until_idle(1);
  bool drained = false;
  router_->drain(20'000'000, [&] { drained = true; });
  until([&] { return drained; });
  EXPECT_TRUE(warden_->running().empty());
}

TEST_F(RouterTest, AnEnvironmentThatWorksWhileIdleIsFrozenUntilItsNextCall) {
  make({.idle_check_us = 2'000, .idle_cpu_us = 5'000});
  auto inside = std::make_shared<std::atomic<Runtime*>>(nullptr);
  warden_->scripts["f"] = [inside](Runtime& r) -> int {
    *inside = &r;
    r.use_cpu_us(400'000);  // an init may take what it likes
    for (;;) {
      auto event = r.next();
      r.use_cpu_us(100'000);
      r.respond(event.request_id(), "x");
    }
  };
  auto f = put("f");
  invoke_and_wait(f);
  until_idle(1);
  inside->load()->use_cpu_us(1'000);
  until([&] { return router_->environment(1)->check_wait_us > 10'000; });  // looked at more than twice
  EXPECT_TRUE(warden_->freezes.empty());
  invoke_and_wait(f);
  until_idle(1);
  inside->load()->use_cpu_us(8'000);
  until([&] { return router_->environment(1)->frozen; });
  EXPECT_EQ(warden_->freezes, (std::vector<std::pair<uint64_t, bool>>{{1, true}}));
  EXPECT_EQ(router_->environment(1)->state, State::Idle);
  EXPECT_EQ(invoke_and_wait(f, "{}")->result->payload, "x");
  EXPECT_EQ(warden_->freezes, (std::vector<std::pair<uint64_t, bool>>{{1, true}, {1, false}}));
  until([&] { return executions().size() == 3; });
  auto all = executions();
  auto cpu = [](const Value& v) { return v["cpu_user_us"].as_int() + v["cpu_system_us"].as_int(); };
  EXPECT_EQ(cpu(all[0]), 500'000);  // with its init
  EXPECT_EQ(cpu(all[1]), 101'000);
  EXPECT_EQ(cpu(all[2]), 100'000);  // without what it was frozen for
}

TEST_F(RouterTest, TheLogsTailEndsWithTheReport) {
  warden_->scripts["talks"] = [](Runtime& r) {
    for (;;) {
      auto event = r.next();
      r.print(event.body == "1" ? "hello\n" : std::string(10'000, 'z') + "\nlast\n");
      r.respond(event.request_id(), "x");
    }
    return 0;
  };
  auto f = put("talks");
  auto call = invoke_and_wait(f, "1", true);
  const std::string& tail = call->result->log_tail;
  EXPECT_TRUE(tail.starts_with("START RequestId: " + call->id + " Version: $LATEST\nhello\nEND RequestId: " + call->id +
                               "\nREPORT RequestId: "))
      << tail;
  until_idle(1);
  auto more = invoke_and_wait(f, "2", true);
  EXPECT_EQ(more->result->log_tail.size(), 4096u);
  EXPECT_NE(more->result->log_tail.find("z\nlast\nEND RequestId: " + more->id), std::string::npos);
  until_idle(1);
  EXPECT_EQ(invoke_and_wait(f, "1")->result->log_tail, "");
}

TEST_F(RouterTest, OutputIsLoggedByLineUnderItsInvocation) {
  warden_->scripts["talks"] = [](Runtime& r) {
    r.print("starting\n");
    for (;;) {
      auto event = r.next();
      r.print("a\nb\\c\n\nno newline " + event.body);
      r.respond(event.request_id(), "x");
    }
    return 0;
  };
  auto f = put("talks");
  auto one = invoke_and_wait(f, "1");
  until_idle(1);
  auto two = invoke_and_wait(f, "2");
  until_idle(1);
  std::string text = log("talks");
  EXPECT_NE(text.find("\t-\tstarting\n"), text.npos);
  EXPECT_NE(text.find("\t" + one->id + "\ta\n"), text.npos);
  EXPECT_NE(text.find("\t" + one->id + "\tb\\\\c\n"), text.npos);
  EXPECT_NE(text.find("\t" + one->id + "\tno newline 1\n"), text.npos);
  EXPECT_NE(text.find("\t" + two->id + "\tno newline 2\n"), text.npos);
}

TEST_F(RouterTest, AFloodOfOutputHurtsNobodyElse) {
  warden_->scripts["flood"] = [](Runtime& r) -> int {
    r.next();
    for (int i = 0; i < 100; ++i) r.print(std::string(100'000, 'f'));
    r.wait_for_end();
  };
  invoke(put("flood"));
  auto other = put("echo");
  for (int i = 0; i < 20; ++i) EXPECT_EQ(invoke_and_wait(other)->result->kind, Kind::Response);
  until([&] { return log("flood").size() > 9'000'000; });
  // Cut into pieces of a CloudWatch event's size.
  std::string text = log("flood");
  size_t longest = 0;
  for (size_t at = 0, end; (end = text.find('\n', at)) != std::string::npos; at = end + 1) longest = std::max(longest, end - at);
  EXPECT_LE(longest, (256u << 10) + 200);
}

TEST_F(RouterTest, ErrorTypesCannotForgeLogLines) {
  warden_->scripts["forge"] = [](Runtime& r) {
    r.init_error("{\"errorType\":\"X\\nREPORT RequestId: forged\\t\"}");
    return exit_status(1);
  };
  auto call = invoke_and_wait(put("forge"));
  EXPECT_EQ(call->result->error_type, "Runtime.Unknown");
  EXPECT_EQ(log("forge").find("forged"), std::string::npos);
}

TEST_F(RouterTest, ARuntimeThatTakesItsTimeAfterAnAnswerKeepsNobodyWaiting) {
  make({.finish_grace_us = 1'000});
  warden_->scripts["slow"] = [](Runtime& r) -> int {
    auto event = r.next();
    r.respond(event.request_id(), "x");
    r.wait_for_end();
  };
  auto f = put("slow", [](Function& x) { x.timeout_s = 60; });
  invoke_and_wait(f);
  EXPECT_EQ(invoke_and_wait(f)->result->payload, "x");
  EXPECT_EQ(warden_->started.size(), 2u);
}

TEST_F(RouterTest, AHandlerMayInvokeAgainFromItsCallback) {
  make({.finish_grace_us = 10'000'000});
  auto f = put("echo");
  int answers = 0;
  std::function<void(InvokeResult)> again = [&](InvokeResult result) {
    EXPECT_EQ(result.kind, Kind::Response);
    if (++answers == 20) return;
    Invocation i;
    i.request_id = "again-" + std::to_string(answers), i.function = f, i.payload = "{}", i.done = again;
    router_->invoke(std::move(i));
  };
  Invocation i;
  i.request_id = "again-0", i.function = f, i.payload = "{}", i.done = again;
  router_->invoke(std::move(i));
  until([&] { return answers == 20; });
  EXPECT_EQ(warden_->started.size(), 1u);  // each waited for the runtime that was about to ask again
}

}  // namespace
}  // namespace gust::invoke
