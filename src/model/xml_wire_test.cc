// SPDX-License-Identifier: Apache-2.0

// rest-xml (S3) and query (STS).

#include <gtest/gtest.h>

#include "base/json.h"
#include "crypto/hash.h"
#include "model/errors.h"
#include "model/test_wire.h"

namespace gust::model {
namespace {

// ---- rest-xml

TEST(RestXml, put_object_reads_headers_and_metadata) {
  http::Headers headers;
  for (auto [n, v] :
       {std::pair{"Content-Type", "image/jpeg"}, std::pair{"x-amz-meta-Camera", "X 100"}, std::pair{"X-AMZ-META-b", "2"},
        std::pair{"Content-Length", "7"}, std::pair{"x-amz-storage-class", "STANDARD"}}) {
    headers.add(n, v);
  }
  auto r = Wire(kS3).decode("PUT", "/b/k", "", "", headers);
  ASSERT_EQ(r.error.code, "") << r.error.message;
  EXPECT_EQ(r.input["ContentType"].as_string(), "image/jpeg");
  EXPECT_EQ(text(r.input["Metadata"]), R"({"camera":"X 100","b":"2"})");
  EXPECT_EQ(r.input["ContentLength"].as_int(), 7);
  headers.set("x-amz-storage-class", "CHEAP");
  EXPECT_EQ(Wire(kS3).decode("PUT", "/b/k", "", "", headers).error.code, "InvalidStorageClass");
}

TEST(RestXml, notification_configuration_with_its_old_names) {
  std::string body = R"(<NotificationConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><CloudFunctionConfiguration>
      <Id>i</Id><CloudFunction>arn:aws:lambda:us-east-1:000000000000:function:f</CloudFunction><Event>s3:ObjectCreated:*</Event>
      <Event>s3:ObjectRemoved:*</Event><Filter><S3Key><FilterRule><Name>prefix</Name><Value>in/&amp;</Value></FilterRule></S3Key></Filter>
      </CloudFunctionConfiguration></NotificationConfiguration>)";
  auto r = Wire(kS3).decode("PUT", "/b", "notification", body);
  ASSERT_EQ(r.error.code, "") << r.error.message;
  const Value& c = r.input["NotificationConfiguration"]["LambdaFunctionConfigurations"].as_list()[0];
  EXPECT_EQ(c["LambdaFunctionArn"].as_string(), "arn:aws:lambda:us-east-1:000000000000:function:f");
  EXPECT_EQ(text(c["Events"]), R"(["s3:ObjectCreated:*","s3:ObjectRemoved:*"])");
  EXPECT_EQ(text(c["Filter"]), R"({"Key":{"FilterRules":[{"Name":"prefix","Value":"in/&"}]}})");

  Reply reply;
  reply.output = r.input["NotificationConfiguration"];
  auto out = Wire(kS3).encode("GetBucketNotificationConfiguration", std::move(reply));
  EXPECT_EQ(
      out.body.bytes,
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<NotificationConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
      "<CloudFunctionConfiguration><Id>i</Id><CloudFunction>arn:aws:lambda:us-east-1:000000000000:function:f</CloudFunction>"
      "<Event>s3:ObjectCreated:*</Event><Event>s3:ObjectRemoved:*</Event><Filter><S3Key><FilterRule><Name>prefix</Name>"
      "<Value>in/&amp;</Value></FilterRule></S3Key></Filter></CloudFunctionConfiguration></NotificationConfiguration>");
}

TEST(RestXml, an_unknown_event_and_a_missing_member_are_refused) {
  auto put = [](std::string inner) {
    return Wire(kS3)
        .decode("PUT", "/b", "notification",
                "<NotificationConfiguration><CloudFunctionConfiguration>" + inner +
                    "</CloudFunctionConfiguration></NotificationConfiguration>")
        .error;
  };
  EXPECT_EQ(put("<CloudFunction>a</CloudFunction><Event>s3:ObjectCreated:Put</Event>").code, "");  // control
  EXPECT_EQ(put("<CloudFunction>a</CloudFunction><Event>s3:Nothing</Event>").code, "InvalidArgument");
  EXPECT_EQ(put("<Event>s3:ObjectCreated:Put</Event>").code, "MalformedXML");
}

TEST(RestXml, list_objects_v2_answers_flattened_lists) {
  Reply reply;
  reply.output = *json::parse(R"({"Name":"b","KeyCount":2,"MaxKeys":1000,"IsTruncated":false})");
  Value contents = Value::list();
  for (const char* key : {"a<b", "c"}) {
    Value v = Value::map();
    v.set("Key", key);
    v.set("LastModified", Timestamp{1795404069000});
    v.set("Size", 3);
    contents.push(v);
  }
  reply.output.set("Contents", contents);
  reply.output.set("CommonPrefixes", *json::parse(R"([{"Prefix":"p/"}])"));
  auto out = Wire(kS3).encode("ListObjectsV2", std::move(reply));
  EXPECT_EQ(out.headers.get("content-type"), "application/xml");
  EXPECT_EQ(out.headers.get("x-amz-request-id"), "req-1");
  EXPECT_TRUE(out.headers.has("x-amz-id-2"));
  EXPECT_EQ(out.body.bytes,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
            "<Name>b</Name><KeyCount>2</KeyCount><MaxKeys>1000</MaxKeys><IsTruncated>false</IsTruncated>"
            "<Contents><Key>a&lt;b</Key><LastModified>2026-11-23T03:21:09.000Z</LastModified><Size>3</Size></Contents>"
            "<Contents><Key>c</Key><LastModified>2026-11-23T03:21:09.000Z</LastModified><Size>3</Size></Contents>"
            "<CommonPrefixes><Prefix>p/</Prefix></CommonPrefixes></ListBucketResult>");
}

TEST(RestXml, versions_and_delete_markers_are_one_sequence) {
  auto body = Wire(kS3)
                  .output("ListObjectVersions", R"({"Name":"b","Versions":[{"Key":"a","_order":1},{"Key":"c","_order":3}],
                  "DeleteMarkers":[{"Key":"b","_order":2}],"Prefix":""})")
                  .body.bytes;
  EXPECT_NE(body.find("<Name>b</Name><Version><Key>a</Key></Version><DeleteMarker><Key>b</Key></DeleteMarker><Version><Key>c"
                      "</Key></Version><Prefix></Prefix>"),
            std::string::npos)
      << body;
  auto apart = Wire(kS3).output("ListObjectVersions", R"({"Versions":[{"Key":"a"},{"Key":"c"}],"DeleteMarkers":[{"Key":"b"}]})");
  EXPECT_NE(apart.body.bytes.find("<Key>c</Key></Version><DeleteMarker>"), std::string::npos);
}

TEST(RestXml, query_parameters_are_typed) {
  auto r = Wire(kS3).decode("GET", "/b", "list-type=2&max-keys=5&prefix=a+b%2F&fetch-owner=true");
  EXPECT_EQ(r.input["MaxKeys"].as_int(), 5);
  EXPECT_EQ(r.input["Prefix"].as_string(), "a b/");
  EXPECT_TRUE(r.input["FetchOwner"].as_bool());
  auto bad = Wire(kS3).decode("GET", "/b", "list-type=2&max-keys=x").error;
  EXPECT_EQ(bad.code, "InvalidArgument");
  EXPECT_EQ(bad.message, "Provided max-keys not an integer or within integer range");
  EXPECT_EQ(text(bad.members), R"({"ArgumentName":"max-keys","ArgumentValue":"x"})");
}

TEST(RestXml, get_object_sends_headers_and_the_file) {
  Reply reply;
  reply.output =
      *json::parse(R"({"ETag":"\"abc\"","ContentType":"image/png","ContentRange":"bytes 0-1/9","Metadata":{"a":"b"}})");
  reply.output.set("LastModified", Timestamp{1795404069000});
  reply.payload = http::Body{};
  reply.payload->bytes = "xy";
  reply.status = 206;
  auto out = Wire(kS3).encode("GetObject", std::move(reply));
  EXPECT_EQ(out.status, 206);
  EXPECT_EQ(out.headers.get("etag"), "\"abc\"");
  EXPECT_EQ(out.headers.get("content-type"), "image/png");
  EXPECT_EQ(out.headers.get("last-modified"), "Mon, 23 Nov 2026 03:21:09 GMT");
  EXPECT_EQ(out.headers.get("x-amz-meta-a"), "b");
  EXPECT_EQ(out.body.bytes, "xy");
}

TEST(RestXml, head_object_announces_a_length_without_a_body) {
  Reply reply;
  reply.output = *json::parse(R"({"ETag":"\"abc\""})");
  reply.head_length = 42;
  auto out = Wire(kS3).encode("HeadObject", std::move(reply));
  EXPECT_EQ(out.content_length, 42u);
  EXPECT_EQ(out.body.size(), 0u);
}

TEST(RestXml, a_bucket_location_is_the_text_of_the_root) {
  EXPECT_EQ(Wire(kS3).output("GetBucketLocation", R"({"LocationConstraint":"eu-west-1"})").body.bytes,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<LocationConstraint "
            "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">eu-west-1</LocationConstraint>");
}

TEST(RestXml, create_bucket_checks_its_region) {
  auto put = [](std::string body) { return Wire(kS3).decode("PUT", "/b", "", body).error.code; };
  EXPECT_EQ(put(""), "");
  EXPECT_EQ(put("<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>"), "");
  EXPECT_EQ(put("<CreateBucketConfiguration><LocationConstraint>moon-1</LocationConstraint></CreateBucketConfiguration>"),
            "InvalidLocationConstraint");
  EXPECT_EQ(put("<Other/>"), "MalformedXML");
  EXPECT_EQ(put("<!DOCTYPE x [<!ENTITY a \"b\">]><CreateBucketConfiguration/>"), "MalformedXML");
  EXPECT_EQ(put("<CreateBucketConfiguration/>"), "");
  EXPECT_EQ(put("<CreateBucketConfiguration>"), "MalformedXML");
}

TEST(RestXml, deep_and_crowded_documents_are_refused) {
  std::string deep, many = "<Delete>";
  for (int i = 0; i < 1000; ++i) deep += "<Delete>";
  for (int i = 0; i < 1000; ++i) deep += "</Delete>";
  EXPECT_EQ(Wire(kS3).decode("POST", "/b", "delete", deep).error.code, "MalformedXML");
  for (int i = 0; i < 500'000; ++i) many += "<a/>";
  EXPECT_EQ(Wire(kS3).decode("POST", "/b", "delete", many + "</Delete>").error.code, "MalformedXML");
  EXPECT_EQ(Wire(kS3).decode("POST", "/b", "delete", "<Delete><Object><Key>k</Key></Object></Delete>").error.code,
            "");  // control
}

TEST(RestXml, entities_of_a_stranger_are_not_expanded) {
  const std::string document = "<Delete><Object><Key>&x;</Key></Object></Delete>";
  EXPECT_EQ(Wire(kS3).decode("POST", "/b", "delete", "<!DOCTYPE d [<!ENTITY x \"boom\">]>" + document).error.code,
            "MalformedXML");
  auto r = Wire(kS3).decode("POST", "/b", "delete", document);
  ASSERT_EQ(r.error.code, "");
  EXPECT_EQ(r.input["Delete"]["Objects"].as_list()[0]["Key"].as_string(), "&x;");
}

TEST(RestXml, an_acl_grantee_has_its_type_as_attribute) {
  auto out = Wire(kS3).output(
      "GetBucketAcl",
      R"({"Owner":{"ID":"o"},"Grants":[{"Grantee":{"ID":"o","Type":"CanonicalUser"},"Permission":"FULL_CONTROL"}]})");
  EXPECT_NE(out.body.bytes.find("<AccessControlPolicy xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Owner><ID>o</ID></Owner>"
                                "<AccessControlList><Grant><Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" "
                                "xsi:type=\"CanonicalUser\"><ID>o</ID></Grantee><Permission>FULL_CONTROL</Permission></Grant>"
                                "</AccessControlList></AccessControlPolicy>"),
            std::string::npos)
      << out.body.bytes;
}

TEST(RestXml, errors_name_members_by_code_and_head_has_none) {
  Codec codec(kS3);
  auto r = codec.encode_error(no_such_bucket("b<"), "req-1");
  EXPECT_EQ(r.status, 404);
  EXPECT_EQ(r.body.bytes,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>NoSuchBucket</Code><Message>The specified bucket does not "
            "exist</Message>"
            "<BucketName>b&lt;</BucketName><RequestId>req-1</RequestId><HostId>req-1</HostId></Error>");
  EXPECT_EQ(codec.encode_error(no_such_key("k"), "req-1", true).body.bytes, "");
}

// ---- query

TEST(Query, get_caller_identity) {
  Wire sts(kSts);
  auto r = sts.decode("POST", "/", "", "Action=GetCallerIdentity&Version=2011-06-15");
  EXPECT_EQ(r.operation, "GetCallerIdentity");
  auto out = sts.output("GetCallerIdentity",
                        R"({"UserId":"000000000000","Account":"000000000000","Arn":"arn:aws:iam::000000000000:root"})");
  EXPECT_EQ(
      out.body.bytes,
      "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>"
      "<UserId>000000000000</UserId><Account>000000000000</Account><Arn>arn:aws:iam::000000000000:root</Arn>"
      "</GetCallerIdentityResult><ResponseMetadata><RequestId>req-1</RequestId></ResponseMetadata></GetCallerIdentityResponse>");
  EXPECT_EQ(sts.decode("POST", "/", "", "Action=Nothing").error.code, "InvalidAction");
  EXPECT_EQ(sts.decode("POST", "/", "", "").error.code, "MissingAction");
}

TEST(Query, lists_and_structures_in_forms) {
  auto r =
      Wire(kSts).decode("POST", "/", "",
                        "Action=AssumeRole&RoleArn=arn%3Aaws%3Aiam%3A%3A000000000000%3Arole%2Fr&RoleSessionName=ses&"
                        "Tags.member.1.Key=a&Tags.member.1.Value=b&Tags.member.2.Key=c&Tags.member.2.Value=&DurationSeconds=900");
  ASSERT_EQ(r.error.code, "") << r.error.message;
  EXPECT_EQ(text(r.input["Tags"]), R"([{"Key":"a","Value":"b"},{"Key":"c","Value":""}])");
  EXPECT_EQ(r.input["DurationSeconds"].as_int(), 900);
  auto bad = Codec(kSts).encode_error(validation("x"), "r");
  EXPECT_EQ(bad.body.bytes,
            "<ErrorResponse "
            "xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type><Code>ValidationException</Code>"
            "<Message>x</Message></Error><RequestId>r</RequestId></ErrorResponse>");
}

}  // namespace
}  // namespace gust::model
