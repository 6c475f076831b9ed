// SPDX-License-Identifier: Apache-2.0

// Events to functions: configuration, permission, filters, the document, and their being part of the change.

#include "base/json.h"
#include "services/s3/test_service.h"

namespace gust::s3 {
namespace {

class Notifications : public S3 {
 protected:
  void SetUp() override {
    S3::SetUp();
    make_bucket();
    policy_.allow(kFunction);
  }
  Outcome set(std::vector<Value> functions) {
    return call("PutBucketNotificationConfiguration", configure(std::move(functions)));
  }
  // Keys and event names of what was sent since the last look.
  std::string sent() {
    std::string out;
    for (const invoke::AsyncEvent& e : events_.take()) {
      const Value record = record_of(e);
      out.append(record["eventName"].as_string()).append("=").append(record["s3"]["object"]["key"].as_string()).append(" ");
    }
    return out;
  }
  static Value record_of(const invoke::AsyncEvent& event) {
    const auto document = json::parse(event.payload);
    return document ? (*document)["Records"].as_list().at(0) : Value();
  }
};

TEST_P(Notifications, AreStoredAndAnsweredAsAwsDoes) {
  EXPECT_EQ(call("GetBucketNotificationConfiguration", members({{"Bucket", "bucket"}})).output(), Value::map());
  const Outcome made =
      set({destination("one", {"s3:ObjectCreated:*"}, "in/", ".jpg"), destination("", {"s3:ObjectRemoved:Delete"})});
  ASSERT_TRUE(made.reply) << made.message();
  if (GetParam() != "memory") restart();
  const Value list =
      call("GetBucketNotificationConfiguration", members({{"Bucket", "bucket"}})).output()["LambdaFunctionConfigurations"];
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(
      json::write(list.as_list()[0]),
      R"({"Id":"one","LambdaFunctionArn":"arn:aws:lambda:us-east-1:000000000000:function:f","Events":["s3:ObjectCreated:*"],)"
      R"("Filter":{"Key":{"FilterRules":[{"Name":"Prefix","Value":"in/"},{"Name":"Suffix","Value":".jpg"}]}}})");
  EXPECT_TRUE(is_uuid(list.as_list()[1]["Id"].as_string()));
  EXPECT_FALSE(list.as_list()[1].has("Filter"));
  EXPECT_EQ(sent(), "");  // the test event is for topics and queues
  // What was answered can be sent again.
  Value again = members({{"Bucket", "bucket"}, {"NotificationConfiguration", members({{"LambdaFunctionConfigurations", list}})}});
  EXPECT_TRUE(call("PutBucketNotificationConfiguration", again).reply);
  EXPECT_TRUE(set({}).reply);
  EXPECT_EQ(call("GetBucketNotificationConfiguration", members({{"Bucket", "bucket"}})).output(), Value::map());
}

TEST_P(Notifications, TellOfWhatMatches) {
  ASSERT_TRUE(set({destination("c", {"s3:ObjectCreated:Put"}, "in/", ".jpg"), destination("r", {"s3:ObjectRemoved:*"})}).reply);
  ASSERT_TRUE(put("in/a.jpg", "x").reply);
  ASSERT_TRUE(put("in/a.png", "x").reply);
  ASSERT_TRUE(put("out/a.jpg", "x").reply);
  ASSERT_TRUE(put("in/large.jpg", std::string(kInlineBody + 1, 'x')).reply);
  EXPECT_EQ(sent(), "ObjectCreated:Put=in/a.jpg ObjectCreated:Put=in/large.jpg ");
  ASSERT_TRUE(call("DeleteObject", at("in/a.png")).reply);
  ASSERT_TRUE(call("DeleteObject", at("never there")).reply);
  EXPECT_EQ(sent(), "ObjectRemoved:Delete=in/a.png ");
  Value keys = Value::List{members({{"Key", "in/a.jpg"}}), members({{"Key", "out/a.jpg"}}), members({{"Key", "absent"}})};
  ASSERT_TRUE(call("DeleteObjects", members({{"Bucket", "bucket"}, {"Delete", members({{"Objects", keys}})}})).reply);
  EXPECT_EQ(sent(), "ObjectRemoved:Delete=in/a.jpg ObjectRemoved:Delete=out/a.jpg ");
  EXPECT_EQ(rows(store::Space::Event), 5u);
  ASSERT_TRUE(set({}).reply);
  ASSERT_TRUE(put("in/a.jpg", "x").reply);
  EXPECT_EQ(sent(), "");
}

TEST_P(Notifications, TheDocumentIsAwss) {
  ASSERT_TRUE(set({destination("my id", {"s3:ObjectCreated:*"})}).reply);
  clock_.advance_us(9'042'000);
  identity_.principal_arn = "arn:aws:iam::000000000000:root";
  ASSERT_TRUE(put("in/red flower+ü%.jpg", "hello").reply);
  const auto events = events_.take();
  ASSERT_EQ(events.size(), 1u);
  const invoke::AsyncEvent& e = events[0];
  EXPECT_EQ(e.function_arn, kFunction);
  EXPECT_EQ(e.qualifier, "");
  EXPECT_EQ(e.source, "s3");
  EXPECT_EQ(e.created_us, clock_.unix_us());
  EXPECT_TRUE(is_uuid(e.request_id));
  const Value record = record_of(e);
  const std::string owner(record["s3"]["bucket"]["ownerIdentity"]["principalId"].as_string());
  EXPECT_EQ(owner.size(), 14u);
  const std::string request(record["responseElements"]["x-amz-request-id"].as_string());
  EXPECT_EQ(
      e.payload,
      R"({"Records":[{"eventVersion":"2.1","eventSource":"aws:s3","awsRegion":"us-east-1","eventTime":"2023-11-14T22:13:29.042Z",)"
      R"("eventName":"ObjectCreated:Put","userIdentity":{"principalId":"000000000000"},"requestParameters":{"sourceIPAddress":"127.0.0.9"},)"
      R"("responseElements":{"x-amz-request-id":")" +
          request + R"(","x-amz-id-2":")" + request +
          R"("},"s3":{"s3SchemaVersion":"1.0",)"
          R"("configurationId":"my id","bucket":{"name":"bucket","ownerIdentity":{"principalId":")" +
          owner +
          R"("},"arn":"arn:aws:s3:::bucket"},"object":{"key":"in/red+flower%2B%C3%BC%25.jpg","size":5,)"
          R"("eTag":"5d41402abc4b2a76b9719d911017c592","sequencer":")" +
          std::string(record["s3"]["object"]["sequencer"].as_string()) + R"("}}}]})");
  EXPECT_EQ(request, "request-" + std::to_string(calls_));
}

TEST_P(Notifications, PrincipalsHaveIdsOfAwssForm) {
  ASSERT_TRUE(set({destination("i", {"s3:ObjectCreated:*"})}).reply);
  const auto principal = [&](std::string arn) {
    identity_.principal_arn = std::move(arn);
    EXPECT_TRUE(put("k", "x").reply);
    return std::string(record_of(events_.take().at(0))["userIdentity"]["principalId"].as_string());
  };
  const std::string role = principal("arn:aws:iam::000000000000:role/scaler");
  EXPECT_TRUE(role.starts_with("AWS:AROA") && role.size() == 25) << role;
  EXPECT_EQ(principal("arn:aws:iam::000000000000:role/scaler"), role);
  EXPECT_NE(principal("arn:aws:iam::000000000000:role/other"), role);
  EXPECT_TRUE(principal("arn:aws:iam::000000000000:user/ann").starts_with("AWS:AIDA"));
}

TEST_P(Notifications, SequencersGrowAndRemovalsHaveNoSize) {
  ASSERT_TRUE(set({destination("i", {"s3:ObjectCreated:*", "s3:ObjectRemoved:*"})}).reply);
  std::string last;
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(i % 3 == 2 ? call("DeleteObject", at("k")).reply : put("k", "x").reply);
    const Value record = record_of(events_.take().at(0));
    const std::string sequencer(record["s3"]["object"]["sequencer"].as_string());
    EXPECT_EQ(sequencer.size(), 18u);
    EXPECT_LT(last, sequencer);
    EXPECT_EQ(record["s3"]["object"].has("size"), i % 3 != 2);
    EXPECT_EQ(record["s3"]["object"].has("eTag"), i % 3 != 2);
    last = sequencer;
    if (i == 10) clock_.advance_us(-5'000'000);  // a clock that steps back
  }
}

TEST_P(Notifications, TellHowAnObjectCameAndWhichVersionItIs) {
  ASSERT_TRUE(set({destination("c", {"s3:ObjectCreated:*"}), destination("r", {"s3:ObjectRemoved:*"})}).reply);
  model::Call form;
  form.operation = "PutObject";
  form.input = at("form");
  form.form_upload = true;
  auto sink = std::make_shared<Sink>();
  auto answered = sink->promise.get_future();
  service_->call(std::move(form), model::Responder(sink));
  ASSERT_TRUE(answered.get().reply);
  ASSERT_TRUE(call("CopyObject", with(at("copy"), "CopySource", "bucket/form")).reply);
  Value upload = at("parts");
  upload.set("UploadId", call("CreateMultipartUpload", at("parts")).output()["UploadId"]);
  ASSERT_TRUE(call("UploadPart", with(upload, "PartNumber", 1), inline_body("x")).reply);
  const Value part = members({{"PartNumber", 1}, {"ETag", hex_encode(md5("x"))}});
  const Value completed = with(upload, "MultipartUpload", members({{"Parts", Value::List{part}}}));
  ASSERT_TRUE(call("CompleteMultipartUpload", completed).reply);
  ASSERT_TRUE(call("CompleteMultipartUpload", completed).reply);  // again: nothing new has happened
  EXPECT_EQ(sent(), "ObjectCreated:Post=form ObjectCreated:Copy=copy ObjectCreated:CompleteMultipartUpload=parts ");

  ASSERT_TRUE(
      call("PutBucketVersioning", members({{"Bucket", "bucket"}, {"VersioningConfiguration", members({{"Status", "Enabled"}})}}))
          .reply);
  const std::string version(put("k", "x").output()["VersionId"].as_string());
  const std::string marker(call("DeleteObject", at("k")).output()["VersionId"].as_string());
  ASSERT_TRUE(call("DeleteObject", with(at("k"), "VersionId", version)).reply);
  std::string told;
  for (const invoke::AsyncEvent& e : events_.take()) {
    const Value record = record_of(e);
    const Value& object = record["s3"]["object"];
    const std::string_view id = object["versionId"].as_string();
    told.append(record["eventName"].as_string()).append(id == version ? " version" : id == marker ? " marker" : " other");
    told.append(object.has("size") ? " size" : "").append(object.has("eTag") ? " tag; " : "; ");
  }
  EXPECT_EQ(told,
            "ObjectCreated:Put version size tag; ObjectRemoved:DeleteMarkerCreated marker tag; ObjectRemoved:Delete version; ");
}

TEST_P(Notifications, NeedThePermissionOfTheFunction) {
  policy_.forbid(kFunction);
  const Outcome refused = set({destination("i", {"s3:ObjectCreated:*"})});
  EXPECT_EQ(refused.code(), "InvalidArgument");
  EXPECT_EQ(refused.message(), "Unable to validate the following destination configurations");
  EXPECT_EQ(refused.error->members["ArgumentName1"].as_string(), std::string(kFunction) + ", null");
  EXPECT_EQ(call("GetBucketNotificationConfiguration", members({{"Bucket", "bucket"}})).output(), Value::map());
  policy_.allow(kFunction);
  ASSERT_TRUE(set({destination("i", {"s3:ObjectCreated:*"})}).reply);  // control
  ASSERT_TRUE(put("k", "x").reply);
  EXPECT_EQ(sent(), "ObjectCreated:Put=k ");
  policy_.forbid(kFunction);
  ASSERT_TRUE(put("k", "x").reply);  // the upload itself goes on
  EXPECT_EQ(sent(), "");
  Value unchecked = configure({destination("i", {"s3:ObjectCreated:*"})});
  unchecked.set("SkipDestinationValidation", true);
  EXPECT_TRUE(call("PutBucketNotificationConfiguration", unchecked).reply);
}

TEST_P(Notifications, AnEventThatCannotBeKeptUndoesTheChange) {
  ASSERT_TRUE(set({destination("i", {"s3:ObjectCreated:*"})}).reply);
  ASSERT_TRUE(put("k", "before").reply);
  events_.full = true;
  EXPECT_EQ(put("k", "after").code(), "SlowDown");
  EXPECT_EQ(get("k"), "before");
  events_.full = false;
  EXPECT_TRUE(put("k", "after").reply);
  EXPECT_EQ(get("k"), "after");
}

TEST_P(Notifications, QualifiedFunctionsAreToldApart) {
  const std::string alias = std::string(kFunction) + ":live";
  policy_.allow(alias);
  ASSERT_TRUE(set({destination("i", {"s3:ObjectCreated:*"}, nullptr, nullptr, alias)}).reply);
  ASSERT_TRUE(put("k", "x").reply);
  const auto events = events_.take();
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].function_arn, kFunction);
  EXPECT_EQ(events[0].qualifier, "live");
}

TEST_P(Notifications, BadConfigurationsAreRefused) {
  const auto code = [&](std::vector<Value> functions) { return set(std::move(functions)).message(); };
  const char* created = "s3:ObjectCreated:*";
  EXPECT_EQ(code({destination("i", {created}, nullptr, nullptr, "not-an-arn")}), "The ARN could not be parsed");
  EXPECT_EQ(code({destination("i", {created}, nullptr, nullptr, "arn:aws:sqs:us-east-1:000000000000:q")}),
            "The ARN could not be parsed");
  EXPECT_EQ(code({destination("i", {created}, nullptr, nullptr, "arn:aws:lambda:eu-west-1:000000000000:function:f")}),
            "The notification destination service region is not valid for the bucket location constraint");
  EXPECT_EQ(code({destination("i", {created}, "a"), destination("i", {created}, "b")}),
            "Same ID used for multiple configurations. IDs must be unique");
  EXPECT_EQ(set({destination("i", {"s3:LifecycleTransition"})}).code(), "NotImplemented");
  EXPECT_EQ(code({destination("i", {"s3:NoSuchEvent"})}), "The event is not supported for notifications");
  EXPECT_EQ(set({destination("i", {})}).code(), "MalformedXML");
  Value twice = destination("i", {created}, "a");
  twice.set("Filter", members({{"Key", members({{"FilterRules", Value::List{members({{"Name", "prefix"}, {"Value", "a"}}),
                                                                            members({{"Name", "Prefix"}, {"Value", "b"}})}}})}}));
  EXPECT_EQ(code({twice}), "Cannot specify more than one prefix rule in a filter.");
  EXPECT_EQ(set({destination(std::string(256, 'i'), {created})}).code(), "InvalidArgument");
  EXPECT_EQ(set({destination("i", {created}, std::string(1025, 'p').c_str())}).code(), "InvalidArgument");
  std::vector<Value> many;
  for (int i = 0; i < 101; ++i)
    many.push_back(destination(std::to_string(i), {created}, (std::to_string(1000 + i) + "/").c_str()));
  EXPECT_EQ(set(many).code(), "InvalidArgument");
  many.pop_back();
  EXPECT_TRUE(set(many).reply);  // control
  for (const char* other : {"TopicConfigurations", "QueueConfigurations", "EventBridgeConfiguration"}) {
    Value v = members({{"Bucket", "bucket"}, {"NotificationConfiguration", members({{other, Value::list()}})}});
    const Outcome refused = call("PutBucketNotificationConfiguration", v);
    EXPECT_EQ(refused.code(), "NotImplemented") << other;
    EXPECT_NE(refused.message().find(other), std::string::npos);
  }
}

TEST_P(Notifications, TwoConfigurationsNeverTakeTheSameEvent) {
  const char *created = "s3:ObjectCreated:*", *put_event = "s3:ObjectCreated:Put", *removed = "s3:ObjectRemoved:*";
  const auto pair = [&](Value a, Value b) { return set({std::move(a), std::move(b)}).message().substr(0, 24); };
  const std::string overlap = "Configurations overlap. ", ambiguous = "Configuration is ambiguo", fine = "none";
  EXPECT_EQ(pair(destination("a", {created}), destination("b", {created})), overlap);
  EXPECT_EQ(pair(destination("a", {created}), destination("b", {put_event})), overlap);
  EXPECT_EQ(pair(destination("a", {created}), destination("b", {removed})), fine);
  EXPECT_EQ(pair(destination("a", {created}, "in/"), destination("b", {created})), ambiguous);
  EXPECT_EQ(pair(destination("a", {created}, "in/"), destination("b", {created}, "in/a")), ambiguous);
  EXPECT_EQ(pair(destination("a", {created}, "in/"), destination("b", {created}, "out/")), fine);
  EXPECT_EQ(pair(destination("a", {created}, "in/", ".jpg"), destination("b", {created}, "in/", ".png")), fine);
  EXPECT_EQ(pair(destination("a", {created}, "in/", ".jpg"), destination("b", {created}, "in/", "a.jpg")), ambiguous);
  EXPECT_EQ(pair(destination("a", {created}, "in/"), destination("b", {created}, nullptr, ".jpg")), ambiguous);
  EXPECT_EQ(pair(destination("a", {created}, "in/", ".jpg"), destination("b", {created}, "out/", ".jpg")), fine);
}

INSTANTIATE_TEST_SUITE_P(Stores, Notifications, testing::Values("memory", "sqlite"), [](auto& i) { return i.param; });

}  // namespace
}  // namespace gust::s3
