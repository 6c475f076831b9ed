// SPDX-License-Identifier: Apache-2.0

#include "services/lambda/lambda_service.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <future>
#include <thread>

#include "base/encoding.h"
#include "os/files.h"
#include "store/memory/memory_store.h"

namespace gust::lambda {
namespace {

namespace fs = std::filesystem;

struct Outcome {
  std::optional<model::Reply> reply;
  std::optional<model::ApiError> error;
  const Value& output() const { return reply->output; }
  std::string code() const { return error ? error->code : "none"; }
  std::string message() const { return error ? error->message : "none"; }
};

class Sink : public model::Responder::Sink {
 public:
  void reply(model::Reply reply) override { promise.set_value({std::move(reply), std::nullopt}); }
  void error(model::ApiError error) override { promise.set_value({std::nullopt, std::move(error)}); }
  std::promise<Outcome> promise;
};

// A zip here is a text: "bad..." cannot be unpacked, "huge..." is too large.
class FakeUnpacker : public Unpacker {
 public:
  explicit FakeUnpacker(std::string directory) : directory_(std::move(directory)) {}
  void unpack(std::shared_ptr<Fd> zip, std::string directory, std::function<void(Result<>)> done) override {
    ++unpacked;
    struct stat info {};
    ::fstat(zip->get(), &info);
    const std::string text = *files::read_fd(zip->get(), 0, static_cast<size_t>(info.st_size));
    fs::create_directory(directory_ + "/" + directory);
    if (text.starts_with("bad")) return done(fail(Errc::Invalid, "corrupt"));
    if (text.starts_with("huge")) return done(fail(Errc::TooLarge, "too-large"));
    (void)files::write(directory_ + "/" + directory + "/bootstrap", text, 0755);
    done({});
  }
  void empty(std::string, std::function<void(Result<>)> done) override { done({}); }
  std::atomic<int> unpacked = 0;

 private:
  std::string directory_;
};

class FakePort : public InvokePort {
 public:
  void put_function(invoke::FunctionPtr function) override { functions[function->arn] = function; }
  void remove_function(const invoke::Function& function) override { functions.erase(function.arn); }
  void invoke(InvokeRequest request, std::function<void(InvokeAnswer)> done) override {
    last = request;
    done(next);
  }
  std::map<std::string, invoke::FunctionPtr> functions;
  InvokeRequest last;
  InvokeAnswer next;
};

class FakeEvents : public invoke::EventSink {
 public:
  Result<> enqueue(store::Transaction& transaction, const invoke::AsyncEvent& event) override {
    return transaction.put(store::Space::Event, event.request_id, event.payload);
  }
  void committed(const invoke::AsyncEvent& event) override { dispatched.push_back(event.request_id); }
  std::vector<std::string> dispatched;
};

class Lambda : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/gust-lambda-XXXXXX";
    root_ = ::mkdtemp(name);
    store_ = store::make_memory_store();
    begin();
  }
  void TearDown() override {
    end();
    fs::remove_all(root_);
  }
  void begin() {
    loop_ = std::make_unique<net::Loop>();
    disk_ = std::make_unique<net::WorkerPool>("disk", 2, 100);
    unpacker_ = std::make_unique<FakeUnpacker>(root_ + "/code");
    code_ = std::make_unique<CodeStore>(root_ + "/code", *loop_, *disk_, *unpacker_);
    port_ = std::make_unique<FakePort>();
    service_ = std::make_unique<LambdaService>(Parts{*store_, *loop_, *disk_, *code_, *port_, events_, clock_}, Rules{});
    ASSERT_TRUE(service_->load());
    thread_ = std::thread([this] { loop_->run(); });
  }
  void end() {
    loop_->post([this] { loop_->stop(); });
    thread_.join();
    disk_.reset();
    service_.reset(), code_.reset(), loop_.reset();
  }

  Outcome call(std::string_view operation, Value input, std::string payload = "") {
    auto sink = std::make_shared<Sink>();
    auto future = sink->promise.get_future();
    model::Call c;
    c.operation = operation;
    c.input = std::move(input);
    c.payload.bytes = std::move(payload);
    c.request_id = "request-" + std::to_string(++calls_);
    c.received_us = 42;
    if (service_->placement(operation) == model::Placement::Loop) {
      loop_->post([&] { service_->call(std::move(c), model::Responder(sink)); });
    } else {
      service_->call(std::move(c), model::Responder(sink));
    }
    if (future.wait_for(std::chrono::seconds(20)) != std::future_status::ready) {
      ADD_FAILURE() << operation << " was not answered";
      return {};
    }
    return future.get();
  }
  static Value name(std::string_view text) {
    Value v = Value::map();
    v.set("FunctionName", text);
    return v;
  }
  static Value creation(std::string_view function, std::string zip = "zip") {
    Value v = name(function);
    v.set("Runtime", "provided.al2023");
    v.set("Handler", "bootstrap");
    v.set("Role", "arn:aws:iam::000000000000:role/r");
    v.set("Code", Value::map()).set("ZipFile", Blob{std::move(zip)});
    return v;
  }
  static Value with(Value v, std::string_view member, Value value) {
    v.set(member, std::move(value));
    return v;
  }

  std::string root_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<net::Loop> loop_;
  std::unique_ptr<net::WorkerPool> disk_;
  std::unique_ptr<FakeUnpacker> unpacker_;
  std::unique_ptr<CodeStore> code_;
  std::unique_ptr<FakePort> port_;
  FakeEvents events_;
  FakeClock clock_;
  std::unique_ptr<LambdaService> service_;
  std::thread thread_;
  int calls_ = 0;
};

const char kArn[] = "arn:aws:lambda:us-east-1:000000000000:function:f";

TEST_F(Lambda, ACreatedFunctionHasEveryMemberOfItsConfiguration) {
  const Outcome made = call("CreateFunction", with(creation("f"), "Description", "d"));
  ASSERT_TRUE(made.reply) << made.message();
  EXPECT_EQ(made.output()["State"].as_string(), "Pending");
  EXPECT_FALSE(made.output().has("LastUpdateStatus"));
  EXPECT_FALSE(made.output().has("Environment"));
  const Outcome got = call("GetFunctionConfiguration", name("f"));
  ASSERT_TRUE(got.reply) << got.message();
  const Value& v = got.output();
  EXPECT_EQ(v["FunctionArn"].as_string(), kArn);
  EXPECT_EQ(v["State"].as_string(), "Active");
  EXPECT_EQ(v["LastUpdateStatus"].as_string(), "Successful");
  EXPECT_EQ(v["CodeSize"].as_int(), 3);
  EXPECT_EQ(v["CodeSha256"].as_string(), "SnD+mqZDbgLC3qNA+9HjUuTvLYzmylKtJdS5VHH8i/I=");  // of "zip"
  EXPECT_EQ(v["LastModified"].as_string(), "2023-11-14T22:13:20.000+0000");
  EXPECT_EQ(v["Timeout"].as_int(), 3);
  EXPECT_EQ(v["MemorySize"].as_int(), 128);
  for (const char* member : {"RevisionId", "RuntimeVersionConfig", "LoggingConfig", "SnapStart", "EphemeralStorage",
                             "TracingConfig", "Architectures", "PackageType", "Version"}) {
    EXPECT_TRUE(v.has(member)) << member;
  }
}

TEST_F(Lambda, TheSameNameIsRefusedAndTheSameZipUnpackedOnce) {
  ASSERT_TRUE(call("CreateFunction", creation("f")).reply);
  const Outcome again = call("CreateFunction", creation("f"));
  EXPECT_EQ(again.code(), "ResourceConflictException");
  EXPECT_EQ(again.message(), "Function already exist: f");
  ASSERT_TRUE(call("CreateFunction", creation("g")).reply);
  EXPECT_EQ(unpacker_->unpacked, 1);
}

TEST_F(Lambda, ABadZipMakesNoFunctionAndLeavesNoDirectory) {
  const Outcome bad = call("CreateFunction", creation("f", "bad zip"));
  EXPECT_EQ(bad.code(), "InvalidParameterValueException");
  EXPECT_EQ(bad.message(), "Could not unzip uploaded file. Please check your file, then try to upload again.");
  EXPECT_EQ(call("CreateFunction", creation("f", "huge zip")).message(), "Unzipped size must be smaller than 262144000 bytes");
  EXPECT_EQ(call("GetFunction", name("f")).code(), "ResourceNotFoundException");
  for (const auto& entry : fs::directory_iterator(root_ + "/code")) EXPECT_FALSE(entry.is_directory()) << entry.path();
  EXPECT_EQ(call("CreateFunction", creation("f", "")).code(), "InvalidParameterValueException");
  Value s3 = creation("f");
  s3.set("Code", Value::map()).set("S3Bucket", "b");
  EXPECT_EQ(call("CreateFunction", s3).code(), "NotImplemented");
}

TEST_F(Lambda, MandatoryMembersAndForeignArchitecturesAreRefused) {
  Value no_handler = creation("f");
  no_handler.erase("Handler");
  EXPECT_EQ(call("CreateFunction", no_handler).message(),
            "Runtime and Handler are mandatory parameters for functions created with deployment packages.");
  EXPECT_EQ(call("CreateFunction", with(creation("f"), "Architectures", Value::List{Value("arm64")})).code(),
            "InvalidParameterValueException");
  EXPECT_TRUE(call("CreateFunction", with(creation("f"), "Architectures", Value::List{Value("x86_64")})).reply);
}

TEST_F(Lambda, EveryFormOfTheNameFindsItAndOnlyLatestExists) {
  ASSERT_TRUE(call("CreateFunction", creation("f")).reply);
  for (const char* text : {"f", "f:$LATEST", "function:f", "000000000000:function:f", kArn}) {
    EXPECT_TRUE(call("GetFunction", name(text)).reply) << text;
  }
  const Outcome version = call("GetFunction", with(name("f"), "Qualifier", "7"));
  EXPECT_EQ(version.code(), "ResourceNotFoundException");
  EXPECT_EQ(version.message(), std::string("Function not found: ") + kArn + ":7");
  EXPECT_EQ(version.error->status, 404);
  EXPECT_EQ(call("GetFunction", with(name("f:live"), "Qualifier", "prod")).code(), "InvalidParameterValueException");
  EXPECT_EQ(call("GetFunction", name("no such:name!")).code(), "ValidationException");
}

TEST_F(Lambda, UpdatesChangeRevisionEpochAndTheRouterAtOnce) {
  ASSERT_TRUE(call("CreateFunction", creation("f")).reply);
  const auto before = port_->functions[kArn];
  const std::string revision = before->revision_id;
  Value update = with(name("f"), "MemorySize", 512);
  update.set("RevisionId", "stale");
  EXPECT_EQ(call("UpdateFunctionConfiguration", update).error.value_or(model::ApiError{}).status, 412);
  update.set("RevisionId", revision);
  const Outcome updated = call("UpdateFunctionConfiguration", update);
  ASSERT_TRUE(updated.reply) << updated.message();
  EXPECT_EQ(updated.output()["LastUpdateStatus"].as_string(), "InProgress");
  EXPECT_EQ(port_->functions[kArn]->memory_mb, 512u);
  EXPECT_NE(port_->functions[kArn]->revision_id, revision);
  EXPECT_GT(port_->functions[kArn]->epoch, before->epoch);
  const Outcome code = call("UpdateFunctionCode", with(name("f"), "ZipFile", Blob{"new zip"}));
  ASSERT_TRUE(code.reply) << code.message();
  EXPECT_NE(port_->functions[kArn]->code, before->code);
  EXPECT_TRUE(fs::exists(root_ + "/code/" + port_->functions[kArn]->code + "/bootstrap"));
  EXPECT_EQ(call("UpdateFunctionCode", with(name("f"), "ZipFile", Blob{"bad"})).code(), "InvalidParameterValueException");
  EXPECT_EQ(call("UpdateFunctionConfiguration", with(name("f"), "Timeout", 901)).code(), "InvalidParameterValueException");
  EXPECT_EQ(call("UpdateFunctionConfiguration", with(name("nope"), "Timeout", 9)).code(), "ResourceNotFoundException");
}

TEST_F(Lambda, ADryRunOfNewCodeChangesNothing) {
  ASSERT_TRUE(call("CreateFunction", creation("f")).reply);
  const auto before = port_->functions[kArn];
  const Outcome dry = call("UpdateFunctionCode", with(with(name("f"), "ZipFile", Blob{"new zip"}), "DryRun", true));
  ASSERT_TRUE(dry.reply);
  EXPECT_EQ(dry.output()["CodeSize"].as_int(), 7);
  EXPECT_EQ(port_->functions[kArn], before);
  EXPECT_EQ(call("GetFunctionConfiguration", name("f")).output()["CodeSize"].as_int(), 3);
}

TEST_F(Lambda, ListingGoesThroughPagesWithoutState) {
  for (const char* f : {"c", "a", "b"}) ASSERT_TRUE(call("CreateFunction", creation(f)).reply);
  const Outcome first = call("ListFunctions", with(Value::map(), "MaxItems", 2));
  ASSERT_EQ(first.output()["Functions"].size(), 2u);
  EXPECT_EQ(first.output()["Functions"].as_list()[0]["FunctionName"].as_string(), "a");
  EXPECT_FALSE(first.output()["Functions"].as_list()[0].has("State"));
  const Outcome second =
      call("ListFunctions", with(Value::map(), "Marker", std::string(first.output()["NextMarker"].as_string())));
  ASSERT_EQ(second.output()["Functions"].size(), 1u);
  EXPECT_EQ(second.output()["Functions"].as_list()[0]["FunctionName"].as_string(), "c");
  EXPECT_FALSE(second.output().has("NextMarker"));
  EXPECT_EQ(call("ListFunctions", with(Value::map(), "Marker", "!")).code(), "InvalidParameterValueException");
}

TEST_F(Lambda, ADeletedFunctionIsGoneEverywhere) {
  ASSERT_TRUE(call("CreateFunction", creation("f")).reply);
  EXPECT_EQ(call("DeleteFunction", name("f:$LATEST")).code(), "InvalidParameterValueException");
  const Outcome deleted = call("DeleteFunction", name("f"));
  ASSERT_TRUE(deleted.reply);
  EXPECT_EQ(deleted.reply->status, 204);
  EXPECT_TRUE(port_->functions.empty());
  EXPECT_EQ(call("DeleteFunction", name("f")).code(), "ResourceNotFoundException");
  EXPECT_EQ(call("Invoke", name("f"), "{}").code(), "ResourceNotFoundException");
}

TEST_F(Lambda, InvokeHandsOverTheEventAndShapesTheAnswer) {
  ASSERT_TRUE(call("CreateFunction", creation("f")).reply);
  port_->next = {InvokeAnswer::Kind::Response, R"({"a":1})", "", "", "log text"};
  Value input = with(name("f"), "LogType", "Tail");
  input.set("ClientContext", base64_encode(R"({"custom":1})"));
  const Outcome ok = call("Invoke", input, R"({"x":2})");
  ASSERT_TRUE(ok.reply) << ok.message();
  EXPECT_EQ(ok.reply->payload->bytes, R"({"a":1})");
  EXPECT_EQ(ok.output()["StatusCode"].as_int(), 200);
  EXPECT_EQ(ok.output()["ExecutedVersion"].as_string(), "$LATEST");
  EXPECT_EQ(ok.output()["LogResult"].as_string(), base64_encode("log text"));
  EXPECT_FALSE(ok.output().has("FunctionError"));
  EXPECT_EQ(port_->last.payload, R"({"x":2})");
  EXPECT_EQ(port_->last.client_context, R"({"custom":1})");
  EXPECT_EQ(port_->last.received_us, 42);
  port_->next = {InvokeAnswer::Kind::FunctionError, R"({"errorMessage":"m"})", "Unhandled", "", ""};
  const Outcome error = call("Invoke", name("f"));
  EXPECT_EQ(error.output()["FunctionError"].as_string(), "Unhandled");
  EXPECT_FALSE(error.output().has("LogResult"));
  EXPECT_EQ(port_->last.payload, "{}");  // an empty body is an empty event
  port_->next = {InvokeAnswer::Kind::Throttled, "", "", "ReservedFunctionConcurrentInvocationLimitExceeded", ""};
  const Outcome throttled = call("Invoke", name("f"));
  EXPECT_EQ(throttled.error.value_or(model::ApiError{}).status, 429);
  EXPECT_EQ(throttled.error->members["Reason"].as_string(), "ReservedFunctionConcurrentInvocationLimitExceeded");
}

TEST_F(Lambda, InvokeRefusesWhatIsNoEventOrTooLarge) {
  ASSERT_TRUE(call("CreateFunction", creation("f")).reply);
  EXPECT_EQ(call("Invoke", name("f"), "{not json").code(), "InvalidRequestContentException");
  EXPECT_EQ(call("Invoke", name("f"), "{\"" + std::string(100'000, 'x')).code(), "InvalidRequestContentException");
  const std::string edge = '"' + std::string(6'291'456 - 2, 'x') + '"';
  EXPECT_TRUE(call("Invoke", name("f"), edge).reply);
  EXPECT_EQ(call("Invoke", name("f"), edge + " ").error.value_or(model::ApiError{}).status, 413);
  const Value event = with(name("f"), "InvocationType", "Event");
  const std::string event_edge = '"' + std::string(1'048'576 - 2, 'x') + '"';
  EXPECT_EQ(call("Invoke", event, event_edge + " ").error.value_or(model::ApiError{}).status, 413);
  EXPECT_EQ(call("Invoke", with(name("f"), "ClientContext", "%%%")).code(), "InvalidRequestContentException");
  EXPECT_EQ(call("Invoke", with(name("f"), "TenantId", "t")).code(), "NotImplemented");
  EXPECT_EQ(call("Invoke", with(name("f"), "InvocationType", "DryRun")).reply.value_or(model::Reply{}).status, 204);
}

TEST_F(Lambda, AnAsynchronousEventIsStoredBeforeItIsAccepted) {
  ASSERT_TRUE(call("CreateFunction", creation("f")).reply);
  const Outcome accepted = call("Invoke", with(name("f"), "InvocationType", "Event"), R"({"n":1})");
  ASSERT_TRUE(accepted.reply) << accepted.message();
  EXPECT_EQ(accepted.reply->status, 202);
  const std::string request = "request-" + std::to_string(calls_);
  EXPECT_EQ((*store_->read())->get(store::Space::Event, request)->value_or(""), R"({"n":1})");
  for (int i = 0; i < 1000 && events_.dispatched.empty(); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  EXPECT_EQ(events_.dispatched, std::vector<std::string>{request});
}

TEST_F(Lambda, PermissionsAreKeptShownUsedAndTakenAway) {
  ASSERT_TRUE(call("CreateFunction", creation("f")).reply);
  EXPECT_EQ(call("GetPolicy", name("f")).message(), "The resource you requested does not exist.");
  Value permission = with(with(name("f"), "StatementId", "s3"), "Action", "lambda:InvokeFunction");
  permission.set("Principal", "s3.amazonaws.com");
  permission.set("SourceArn", "arn:aws:s3:::photos");
  const Outcome added = call("AddPermission", permission);
  ASSERT_TRUE(added.reply) << added.message();
  EXPECT_NE(added.output()["Statement"].as_string().find(R"("Sid":"s3")"), std::string_view::npos);
  EXPECT_EQ(call("AddPermission", permission).code(), "ResourceConflictException");
  EXPECT_EQ(call("AddPermission", with(with(permission, "StatementId", "x"), "Principal", "nobody")).code(),
            "InvalidParameterValueException");
  const auto allowed = [&](const char* bucket) {
    return *service_->may_invoke(**store_->read(), kArn, "s3.amazonaws.com", bucket, "000000000000");
  };
  EXPECT_TRUE(allowed("arn:aws:s3:::photos"));
  EXPECT_FALSE(allowed("arn:aws:s3:::other"));
  const Outcome policy = call("GetPolicy", name("f"));
  EXPECT_TRUE(policy.output().has("RevisionId"));
  EXPECT_TRUE(call("RemovePermission", with(name("f"), "StatementId", "s3")).reply);
  EXPECT_FALSE(allowed("arn:aws:s3:::photos"));
  EXPECT_EQ(call("RemovePermission", with(name("f"), "StatementId", "s3")).code(), "ResourceNotFoundException");
  EXPECT_FALSE(*service_->may_invoke(**store_->read(), "arn:aws:lambda:us-east-1:000000000000:function:none", "s3.amazonaws.com",
                                     "arn:aws:s3:::photos", ""));
}

TEST_F(Lambda, APolicyHasALengthLimit) {
  ASSERT_TRUE(call("CreateFunction", creation("f")).reply);
  Outcome last;
  for (int i = 0; i < 300 && !last.error; ++i) {
    Value permission = with(with(name("f"), "StatementId", "s" + std::to_string(i)), "Action", "lambda:InvokeFunction");
    permission.set("Principal", "s3.amazonaws.com");
    last = call("AddPermission", permission);
  }
  EXPECT_EQ(last.code(), "PolicyLengthExceededException");
}

TEST_F(Lambda, ReservedConcurrencyLeavesAHundredUnreserved) {
  ASSERT_TRUE(call("CreateFunction", creation("f")).reply);
  ASSERT_TRUE(call("CreateFunction", creation("g")).reply);
  EXPECT_FALSE(call("GetFunctionConcurrency", name("f")).output().has("ReservedConcurrentExecutions"));
  EXPECT_TRUE(call("PutFunctionConcurrency", with(name("f"), "ReservedConcurrentExecutions", 800)).reply);
  EXPECT_TRUE(call("PutFunctionConcurrency", with(name("f"), "ReservedConcurrentExecutions", 850)).reply);  // replaces
  EXPECT_EQ(call("PutFunctionConcurrency", with(name("g"), "ReservedConcurrentExecutions", 51)).code(),
            "InvalidParameterValueException");
  EXPECT_TRUE(call("PutFunctionConcurrency", with(name("g"), "ReservedConcurrentExecutions", 50)).reply);
  EXPECT_EQ(port_->functions[kArn]->reserved_concurrency, 850);
  EXPECT_EQ(call("GetAccountSettings", Value::map()).output()["AccountLimit"]["UnreservedConcurrentExecutions"].as_int(), 100);
  EXPECT_TRUE(call("DeleteFunctionConcurrency", name("f")).reply);
  EXPECT_EQ(port_->functions[kArn]->reserved_concurrency, -1);
}

TEST_F(Lambda, TagsAreAddedReplacedAndRemoved) {
  ASSERT_TRUE(call("CreateFunction", with(creation("f"), "Tags", with(Value::map(), "a", "1"))).reply);
  Value add = with(Value::map(), "Resource", kArn);
  add.set("Tags", with(with(Value::map(), "a", "2"), "b", "3"));
  EXPECT_TRUE(call("TagResource", add).reply);
  const Value resource = with(Value::map(), "Resource", kArn);
  EXPECT_EQ(call("ListTags", resource).output()["Tags"]["a"].as_string(), "2");
  EXPECT_TRUE(call("UntagResource", with(resource, "TagKeys", Value::List{Value("a")})).reply);
  EXPECT_EQ(call("ListTags", resource).output()["Tags"].size(), 1u);
  EXPECT_EQ(call("ListTags", with(Value::map(), "Resource", "f")).code(), "InvalidParameterValueException");
}

TEST_F(Lambda, ARestartKnowsTheFunctionsSweepsLeftoversAndUnpacksWhatIsMissing) {
  ASSERT_TRUE(call("CreateFunction", creation("f", "one")).reply);
  ASSERT_TRUE(call("CreateFunction", creation("g", "two")).reply);
  ASSERT_TRUE(call("DeleteFunction", name("g")).reply);
  const std::string code = port_->functions[kArn]->code;
  end();
  fs::remove_all(root_ + "/code/" + code);
  fs::create_directory(root_ + "/code/" + code + "012abc");  // half unpacked when the power went
  std::ofstream(root_ + "/code/keep.txt") << "not ours";
  begin();
  ASSERT_TRUE(port_->functions.contains(kArn));
  for (int i = 0; i < 2000; ++i) {
    if (call("GetFunctionConfiguration", name("f")).output()["State"].as_string() == "Active") break;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  EXPECT_TRUE(fs::exists(root_ + "/code/" + code + "/bootstrap"));
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(root_ + "/code")) names.insert(entry.path().filename());
  EXPECT_EQ(names, (std::set<std::string>{code, code + ".zip", "keep.txt"}));
  Outcome invoked;
  for (int i = 0; i < 2000 && !invoked.reply; ++i) invoked = call("Invoke", name("f"));
  EXPECT_TRUE(invoked.reply) << invoked.message();
}

TEST_F(Lambda, WhatIsNotBuiltIsRefusedByName) {
  EXPECT_FALSE(service_->implements("PublishVersion"));
  EXPECT_EQ(call("PublishVersion", name("f")).code(), "NotImplemented");
  EXPECT_TRUE(service_->implements("Invoke"));
}

}  // namespace
}  // namespace gust::lambda
