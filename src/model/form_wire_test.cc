// SPDX-License-Identifier: Apache-2.0

// The query protocols as boto3 1.26 and newer, the CLIs and older SDKs speak them.

#include <gtest/gtest.h>

#include "base/json.h"
#include "model/errors.h"
#include "model/test_wire.h"

namespace gust::model {
namespace {

Outcome post(const ServiceTable& table, std::string_view form) {
  http::Headers headers;
  headers.add("Content-Type", "application/x-www-form-urlencoded; charset=utf-8");
  return Wire(table).decode("POST", "/", "", form, headers);
}

std::string input(const ServiceTable& table, std::string_view form) {
  Outcome r = post(table, form);
  return r.error.code.empty() ? text(r.input) : r.error.code + ": " + r.error.message;
}

TEST(Form, sqs_as_boto3_1_26_sends_it) {
  constexpr std::string_view kQueue = "QueueUrl=http%3A%2F%2F127.0.0.1%3A4566%2F000000000000%2Fq&";
  auto sqs = [&](std::string_view action, std::string_view rest) {
    Outcome r = post(kSqs, std::string("Action=").append(action).append("&Version=2012-11-05&").append(kQueue).append(rest));
    EXPECT_EQ(r.operation, action) << r.error.message;
    r.input.erase("QueueUrl");
    return text(r.input);
  };
  EXPECT_EQ(sqs("SendMessage",
                "MessageBody=hi+there&MessageAttribute.1.Name=a&MessageAttribute.1.Value.DataType=String&"
                "MessageAttribute.1.Value.StringValue=x"),
            R"({"MessageBody":"hi there","MessageAttributes":{"a":{"StringValue":"x","DataType":"String"}}})");
  EXPECT_EQ(sqs("SendMessageBatch",
                "SendMessageBatchRequestEntry.1.Id=1&SendMessageBatchRequestEntry.1.MessageBody=a&"
                "SendMessageBatchRequestEntry.2.Id=2&SendMessageBatchRequestEntry.2.MessageBody=b&"
                "SendMessageBatchRequestEntry.2.DelaySeconds=5"),
            R"({"Entries":[{"Id":"1","MessageBody":"a"},{"Id":"2","MessageBody":"b","DelaySeconds":5}]})");
  EXPECT_EQ(sqs("ReceiveMessage", "AttributeName.1=All&MessageAttributeName.1=a&MaxNumberOfMessages=10"),
            R"({"AttributeNames":["All"],"MessageAttributeNames":["a"],"MaxNumberOfMessages":10})");
  EXPECT_EQ(sqs("TagQueue", "Tag.1.Key=k&Tag.1.Value=v"), R"({"Tags":{"k":"v"}})");
  EXPECT_EQ(sqs("AddPermission", "Label=l&AWSAccountId.1=000000000000&ActionName.1=SendMessage"),
            R"({"Label":"l","AWSAccountIds":["000000000000"],"Actions":["SendMessage"]})");
  EXPECT_EQ(input(kSqs,
                  "Action=CreateQueue&Version=2012-11-05&QueueName=q&Attribute.1.Name=DelaySeconds&Attribute.1.Value=5&"
                  "Tag.1.Key=k&Tag.1.Value=v"),
            R"({"QueueName":"q","Attributes":{"DelaySeconds":"5"},"tags":{"k":"v"}})");
}

TEST(Form, sqs_answers_in_xml_with_its_older_names) {
  Wire sqs(kSqs);
  Reply reply;
  reply.output = *json::parse(
      R"({"Messages":[{"MessageId":"m","ReceiptHandle":"h","MD5OfBody":"d","Body":"<a>","Attributes":{"SenderId":"s"},
      "MessageAttributes":{"n":{"DataType":"String","StringValue":"v"}}}]})");
  EXPECT_EQ(sqs.encode("ReceiveMessage", reply, Protocol::Query).body.bytes,
            "<ReceiveMessageResponse xmlns=\"http://queue.amazonaws.com/doc/2012-11-05/\"><ReceiveMessageResult><Message>"
            "<MessageId>m</MessageId><ReceiptHandle>h</ReceiptHandle><MD5OfBody>d</MD5OfBody><Body>&lt;a&gt;</Body>"
            "<Attribute><Name>SenderId</Name><Value>s</Value></Attribute><MessageAttribute><Name>n</Name><Value>"
            "<DataType>String</DataType><StringValue>v</StringValue></Value></MessageAttribute></Message></ReceiveMessageResult>"
            "<ResponseMetadata><RequestId>req-1</RequestId></ResponseMetadata></ReceiveMessageResponse>");
  reply.output = *json::parse(R"({"QueueUrls":["u1","u2"]})");
  EXPECT_NE(sqs.encode("ListQueues", reply, Protocol::Query)
                .body.bytes.find("<ListQueuesResult><QueueUrl>u1</QueueUrl><QueueUrl>u2</QueueUrl></ListQueuesResult>"),
            std::string::npos);
  EXPECT_EQ(sqs.encode("ListQueues", reply, Protocol::Json10).body.bytes, R"({"QueueUrls":["u1","u2"]})");
  EXPECT_EQ(sqs.encode("DeleteQueue", {}, Protocol::Query).body.bytes,
            "<DeleteQueueResponse xmlns=\"http://queue.amazonaws.com/doc/2012-11-05/\"><ResponseMetadata><RequestId>req-1"
            "</RequestId></ResponseMetadata></DeleteQueueResponse>");
}

TEST(Form, cloudwatch_metrics_with_lists_in_lists) {
  auto r = post(kCloudwatch,
                "Action=PutMetricData&Version=2010-08-01&Namespace=n&MetricData.member.1.MetricName=m&"
                "MetricData.member.1.Dimensions.member.1.Name=d&MetricData.member.1.Dimensions.member.1.Value=v&"
                "MetricData.member.1.Timestamp=2026-11-23T03%3A21%3A09Z&MetricData.member.1.Value=1.5&"
                "MetricData.member.1.Unit=Count&MetricData.member.2.MetricName=k&MetricData.member.2.Values.member.1=1.0&"
                "MetricData.member.2.Values.member.2=2.0&MetricData.member.2.Counts.member.1=3.0&"
                "MetricData.member.2.Counts.member.2=4.0");
  ASSERT_EQ(r.error.code, "") << r.error.message;
  const auto& data = r.input["MetricData"].as_list();
  EXPECT_EQ(text(data[0]["Dimensions"]), R"([{"Name":"d","Value":"v"}])");
  EXPECT_EQ(data[0]["Timestamp"], Value(Timestamp{1795404069000}));
  EXPECT_EQ(data[0]["Value"].as_double(), 1.5);
  EXPECT_EQ(data[1]["Counts"].as_list()[1].as_double(), 4.0);
}

TEST(Form, empty_lists_of_cloudformation_and_a_map_of_sns) {
  EXPECT_EQ(
      input(kCloudformation,
            "Action=CreateChangeSet&Version=2010-05-15&StackName=s&ChangeSetName=c&TemplateBody=%7B%7D&"
            "Parameters=&Tags=&Capabilities.member.1=CAPABILITY_IAM"),
      R"({"StackName":"s","TemplateBody":"{}","Parameters":[],"Capabilities":["CAPABILITY_IAM"],"Tags":[],"ChangeSetName":"c"})");
  auto r = post(kSns,
                "Action=Publish&Version=2010-03-31&TopicArn=arn%3Aaws%3Asns%3Aeu-west-1%3A000000000000%3At&Message=m&"
                "MessageAttributes.entry.1.Name=a&MessageAttributes.entry.1.Value.DataType=Binary&"
                "MessageAttributes.entry.1.Value.BinaryValue=AAE%3D");
  EXPECT_EQ(r.input["MessageAttributes"]["a"]["BinaryValue"], Value(Blob{std::string("\0\1", 2)})) << r.error.message;
}

TEST(Form, ec2_has_flat_lists_and_capital_names) {
  EXPECT_EQ(input(kEc2,
                  "Action=RunInstances&Version=2016-11-15&ImageId=ami-1&MinCount=1&MaxCount=2&SecurityGroupId.1=sg-1&"
                  "SecurityGroupId.2=sg-2&TagSpecification.1.ResourceType=instance&TagSpecification.1.Tag.1.Key=k&"
                  "TagSpecification.1.Tag.1.Value=v&BlockDeviceMapping.1.DeviceName=%2Fdev%2Fsda1&"
                  "BlockDeviceMapping.1.Ebs.VolumeSize=8&NetworkInterface.1.DeviceIndex=0&"
                  "NetworkInterface.1.Ipv6Addresses.1.Ipv6Address=%3A%3A1&"
                  "NetworkInterface.1.PrivateIpAddresses.1.Primary=true"),
            R"({"BlockDeviceMappings":[{"Ebs":{"VolumeSize":8},"DeviceName":"/dev/sda1"}],"ImageId":"ami-1","MaxCount":2,)"
            R"("MinCount":1,"SecurityGroupIds":["sg-1","sg-2"],"TagSpecifications":[{"ResourceType":"instance",)"
            R"("Tags":[{"Key":"k","Value":"v"}]}],"NetworkInterfaces":[{"DeviceIndex":0,"Ipv6Addresses":[{"Ipv6Address":"::1"}],)"
            R"("PrivateIpAddresses":[{"Primary":true}]}]})");
  EXPECT_EQ(input(kEc2,
                  "Action=DescribeInstances&Version=2016-11-15&Filter.1.Name=tag%3Aa&Filter.1.Value.1=b&Filter.1.Value.2=c&"
                  "InstanceId.1=i-1"),
            R"({"InstanceIds":["i-1"],"Filters":[{"Name":"tag:a","Values":["b","c"]}]})");
  Wire ec2(kEc2);
  Reply reply;
  reply.output = *json::parse(R"({"Reservations":[{"OwnerId":"000000000000","Instances":[{"InstanceId":"i-1"}]}]})");
  EXPECT_EQ(ec2.encode("DescribeInstances", reply, Protocol::Ec2).body.bytes,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<DescribeInstancesResponse "
            "xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>req-1</requestId><reservationSet><item><ownerId>"
            "000000000000</ownerId><instancesSet><item><instanceId>i-1</instanceId></item></instancesSet></item></reservationSet>"
            "</DescribeInstancesResponse>");
}

TEST(Form, elements_are_ordered_by_their_numbers) {
  EXPECT_EQ(input(kSts,
                  "Action=AssumeRole&RoleArn=arn:aws:iam::000000000000:role/r&RoleSessionName=ses&"
                  "TransitiveTagKeys.member.10=z&TransitiveTagKeys.member.2=b&TransitiveTagKeys.member.1=a&"
                  "TransitiveTagKeys.member.x=q"),
            R"({"RoleArn":"arn:aws:iam::000000000000:role/r","RoleSessionName":"ses","TransitiveTagKeys":["a","b","z"]})");
}

TEST(Form, an_action_may_be_in_the_query) {
  Wire sts(kSts);
  auto r = sts.decode("GET", "/", "Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Signature=00");
  EXPECT_EQ(r.operation, "GetCallerIdentity");
  http::Headers none;
  EXPECT_FALSE(sts.codec.named_in_body({"GET", "/", "X-Amz-Date=1&Action=GetCallerIdentity", &none}));
  EXPECT_TRUE(sts.codec.named_in_body({"POST", "/", "", &none}));
  auto sqs = Wire(kSqs).decode("GET", "/000000000000/q", "Action=ReceiveMessage&QueueUrl=u&AttributeName.1=All");
  EXPECT_EQ(text(sqs.input), R"({"QueueUrl":"u","AttributeNames":["All"]})");
}

TEST(Form, refusals_have_the_words_of_each_service) {
  EXPECT_EQ(input(kIam, "Action=CreateRole&Version=2010-05-08&RoleName=" + std::string(65, 'r')),
            "ValidationError: 2 validation errors detected: Value '" + std::string(65, 'r') +
                "' at 'roleName' failed to satisfy constraint: Member must have length less than or equal to 64; Value null at "
                "'assumeRolePolicyDocument' failed to satisfy constraint: Member must not be null");
  EXPECT_EQ(input(kEc2, "Action=CreateKeyPair"), "MissingParameter: The request must contain the parameter KeyName.");
  EXPECT_EQ(input(kSqs, "Action=SendMessage&QueueUrl=u"),
            "MissingParameter: The request must contain the parameter MessageBody.");
  EXPECT_EQ(input(kEc2, "Action=RunInstance"), "InvalidAction: The action RunInstance is not valid for this web service.");
  EXPECT_EQ(input(kSqs, "Action=Send"), "InvalidAction: The action Send is not valid for this endpoint.");
  EXPECT_EQ(input(kSts, "Action=GetIdentity"), "InvalidAction: Could not find operation GetIdentity for version 2011-06-15");
  EXPECT_EQ(input(kSts, ""), "MissingAction: The request is missing an action or a required parameter.");
  EXPECT_EQ(input(kSts, "Action=%zz").substr(0, 20), "MalformedQueryString");
  EXPECT_EQ(input(kSts, "Action=AssumeRole&DurationSeconds=x&RoleArn=a&RoleSessionName=b"),
            "MalformedInput: DurationSeconds is not an integer");
  EXPECT_EQ(input(kSts, "Action=AssumeRole&RoleArn=%FF&RoleSessionName=b"), "MalformedInput: RoleArn is not UTF-8");
}

TEST(Form, names_and_numbers_are_bounded) {
  std::string deep = "Action=AssumeRole&a", many = "Action=AssumeRole";
  for (int i = 0; i < 40; ++i) deep += ".a";
  EXPECT_EQ(post(kSts, deep).error.code, "MalformedInput");
  for (int i = 0; i < 20'001; ++i) many += "&a=";
  EXPECT_EQ(post(kSts, many).error.code, "MalformedQueryString");
  std::string parts = "Action=AssumeRole";
  for (int i = 0; i < 15'000; ++i) {
    std::string n = std::to_string(i);
    parts += "&a" + n;
    for (int k = 0; k < 20; ++k) parts += ".b";
  }
  EXPECT_EQ(post(kSts, parts).error.code, "MalformedInput");
}

TEST(Form, errors_of_query_and_ec2) {
  auto iam = Codec(kIam).encode_error(api_error("NoSuchEntity", "The role <r> cannot be found.", 404), "r1");
  EXPECT_EQ(iam.status, 404);
  EXPECT_EQ(iam.headers.get("content-type"), "text/xml");
  EXPECT_EQ(
      iam.body.bytes,
      "<ErrorResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><Error><Type>Sender</Type><Code>NoSuchEntity</Code>"
      "<Message>The role &lt;r&gt; cannot be found.</Message></Error><RequestId>r1</RequestId></ErrorResponse>");
  // The shape's name is as good as the code.
  EXPECT_EQ(Codec(kIam).encode_error(api_error("NoSuchEntityException", "The role <r> cannot be found.", 404), "r1").body.bytes,
            iam.body.bytes);
  auto ec2 = Codec(kEc2).encode_error(not_implemented("ec2", "RunInstances"), "r1");
  EXPECT_EQ(ec2.status, 501);
  EXPECT_EQ(ec2.body.bytes,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error><Code>NotImplemented</Code><Message>"
            "ec2.RunInstances is not implemented by this server (see GET /_gust/compat).</Message></Error></Errors>"
            "<RequestID>r1</RequestID></Response>");
}

TEST(Form, times_are_written_as_each_service_does) {
  auto time_of = [](const ServiceTable& table, std::string_view operation, std::string_view outer, std::string_view member,
                    Protocol protocol, int64_t ms) {
    Reply reply;
    reply.output.set(outer, Value::map()).set(member, Timestamp{ms});
    std::string body = Wire(table).encode(operation, reply, protocol).body.bytes;
    size_t at = body.find(std::string(member) + ">") + member.size() + 1;
    return body.substr(at, body.find('<', at) - at);
  };
  EXPECT_EQ(time_of(kIam, "GetRole", "Role", "CreateDate", Protocol::Query, 1795404069000), "2026-11-23T03:21:09Z");
  EXPECT_EQ(time_of(kIam, "GetRole", "Role", "CreateDate", Protocol::Query, 1795404069120), "2026-11-23T03:21:09.120Z");
  EXPECT_EQ(time_of(kSts, "AssumeRole", "Credentials", "Expiration", Protocol::Query, 951'782'400'000), "2000-02-29T00:00:00Z");
}

}  // namespace
}  // namespace gust::model
