// SPDX-License-Identifier: Apache-2.0

// Forms as browsers send them: the parser alone, then whole uploads through the gateway.

#include "gateway/post_form.h"

#include "gateway/test_gateway.h"
#include "model/bucket_rules.h"

namespace gust::gateway {
namespace {

struct Part {
  std::string name, value, filename = {};
  bool file = false;
};

std::string form_of(const std::vector<Part>& parts, std::string boundary = "xYz") {
  std::string out;
  for (const Part& p : parts) {
    out += "--" + boundary + "\r\nContent-Disposition: form-data; name=\"" + p.name + "\"";
    if (p.file) out += "; filename=\"" + p.filename + "\"\r\nContent-Type: text/plain";
    out += "\r\n\r\n" + p.value + "\r\n";
  }
  return out + "--" + boundary + "--\r\n";
}

Part file(std::string content, std::string filename = "a.txt") { return {"file", std::move(content), std::move(filename), true}; }

struct Read {
  std::string body, code;
  FormFields fields;
  std::string filename;
};

Read read(std::string_view wire, size_t step, LengthRange range = {}) {
  auto encode = [](const model::ApiError& e) {
    http::Response r;
    r.body.bytes = e.code;
    return r;
  };
  PostForm form("xYz", encode, [&](PostForm& f) {
    f.length = range;
    return std::optional<model::ApiError>();
  });
  Read out;
  for (; !wire.empty(); wire.remove_prefix(std::min(step, wire.size()))) {
    if (auto passed = form.decode(wire.substr(0, step), out.body); !passed) {
      out.code = form.refusal(passed.error()).body.bytes;
      return out;
    }
  }
  if (auto passed = form.finish(); !passed) out.code = form.refusal(passed.error()).body.bytes;
  out.fields = form.fields;
  out.filename = form.filename;
  return out;
}

TEST(PostForm, fields_and_file_in_pieces_of_any_size) {
  std::string content = "line\r\n--xY\r\n--xYnot the end\r\n--";
  std::string wire = form_of({{"key", "a\r\nb"}, {"empty", ""}, file(content, "C:\\dir\\a b.txt"), {"after", "ignored"}});
  for (size_t step : {size_t{1}, size_t{2}, size_t{7}, size_t{64}, size_t{100'000}}) {
    Read r = read(wire, step);
    EXPECT_EQ(r.code, "") << step;
    EXPECT_EQ(r.body, content);
    EXPECT_EQ(r.fields, (FormFields{{"key", "a\r\nb"}, {"empty", ""}}));
    EXPECT_EQ(r.filename, "a b.txt");
  }
}

TEST(PostForm, an_empty_and_a_large_file) {
  EXPECT_EQ(read(form_of({{"key", "k"}, file("")}), 5).code, "");
  std::string large(300'000, '\r');
  Read r = read(form_of({{"key", "k"}, file(large)}), 4096);
  EXPECT_EQ(r.code, "");
  EXPECT_TRUE(r.body == large);
}

TEST(PostForm, what_is_no_form) {
  std::string good = form_of({{"key", "k"}, file("hello")});
  EXPECT_EQ(read(good, 3).code, "");  // the control
  EXPECT_EQ(read("", 1).code, "MalformedPOSTRequest");
  EXPECT_EQ(read("hello, this is no form", 3).code, "MalformedPOSTRequest");
  EXPECT_EQ(read(good.substr(0, good.size() - 8), 3).code, "MalformedPOSTRequest");
  EXPECT_EQ(read("--xYz\r\nContent-Type: text/plain\r\n\r\nx\r\n--xYz--\r\n", 3).code, "MalformedPOSTRequest");
  EXPECT_EQ(read("--xYzabc\r\n", 3).code, "MalformedPOSTRequest");
  EXPECT_EQ(read(form_of({{"key", "k"}}), 3).code, "InvalidArgument");  // no file
  for (size_t step : {size_t{1}, size_t{1000}, size_t{1} << 20}) {
    EXPECT_EQ(read(form_of({{"key", std::string(21'000, 'k')}, file("x")}), step).code, "MaxPostPreDataLengthExceededError");
    EXPECT_EQ(read("--xYz\r\n" + std::string(21'000, 'h'), step).code, "MaxPostPreDataLengthExceededError");
  }
  EXPECT_EQ(read(form_of({{"key", std::string(20'000, 'k')}, file("x")}), 1000).code, "");
}

TEST(PostForm, a_file_outside_its_range) {
  std::string wire = form_of({{"key", "k"}, file("hello")});
  EXPECT_EQ(read(wire, 3, {5, 5}).code, "");
  EXPECT_EQ(read(wire, 3, {6, 10}).code, "EntityTooSmall");
  EXPECT_EQ(read(wire, 3, {1, 4}).code, "EntityTooLarge");
}

TEST(PostForm, boundaries) {
  EXPECT_EQ(form_boundary("multipart/form-data; boundary=abc"), "abc");
  EXPECT_EQ(form_boundary("Multipart/Form-Data; charset=utf-8; boundary=\"a b;c\"; x=y"), "a b;c");
  EXPECT_EQ(form_boundary("multipart/mixed; boundary=abc"), "");
  EXPECT_EQ(form_boundary("multipart/form-data"), "");
  EXPECT_EQ(form_boundary("multipart/form-data; boundary=" + std::string(201, 'x')), "");
}

// ---- through the gateway

class PublicBucket : public model::BucketRules {
 public:
  std::optional<model::CorsHeaders> cors(const model::CorsRequest&) override { return std::nullopt; }
  bool anybody_may(std::string_view action, std::string_view bucket, std::string_view key) override {
    asked = std::string(action) + " " + std::string(bucket) + " " + std::string(key);
    return bucket == "public";
  }
  std::string asked;
};

constexpr std::string_view kPolicy =
    R"({"expiration":"2026-11-23T04:00:00Z","conditions":[{"bucket":"pics"},["starts-with","$key","up/"],)"
    R"(["starts-with","$Content-Type","text/"],["starts-with","$x-amz-meta-a",""],["content-length-range",1,100],)"
    R"(["starts-with","$success_action_status",""],["starts-with","$success_action_redirect",""],["starts-with","$tagging",""],)"
    R"({"x-amz-algorithm":"AWS4-HMAC-SHA256"},{"x-amz-credential":"AKIAROOT/20261123/eu-west-1/s3/aws4_request"},)"
    R"({"x-amz-date":"20261123T032109Z"}]})";

class FormUpload : public GatewayTest {
 protected:
  void SetUp() override {
    s3.on_call = [](model::Call, model::Responder responder) {
      Value out = Value::map();
      out.set("ETag", "\"e1\"");
      out.set("ServerSideEncryption", "AES256");
      responder.reply(std::move(out));
    };
    GatewayTest::SetUp();
  }
  static std::vector<Part> signed_fields(std::vector<Part> more = {}, std::string secret = "secret",
                                         std::string_view text = kPolicy) {
    std::string policy = base64_encode(text);
    sigv4::Scope scope{"20261123", "eu-west-1", "s3"};
    std::vector<Part> out = {{"key", "up/${filename}"},
                             {"policy", policy},
                             {"X-Amz-Algorithm", "AWS4-HMAC-SHA256"},
                             {"X-Amz-Credential", "AKIAROOT/20261123/eu-west-1/s3/aws4_request"},
                             {"X-Amz-Date", "20261123T032109Z"},
                             {"X-Amz-Signature", sigv4::signature(sigv4::signing_key(secret, scope), policy)}};
    bool typed = std::any_of(more.begin(), more.end(), [](const Part& p) { return p.name == "Content-Type"; });
    if (!typed) out.push_back({"Content-Type", "text/plain"});
    out.insert(out.end(), more.begin(), more.end());
    return out;
  }
  http::Response post(std::vector<Part> parts, std::string path = "/pics", std::string content = "hello") {
    parts.push_back(file(std::move(content), "name one.txt"));
    http::Headers h;
    h.add("Content-Type", "multipart/form-data; boundary=xYz");
    return send(make("POST", path, form_of(parts), h));
  }
  static std::string code(const http::Response& r) {
    size_t at = r.body.bytes.find("<Code>"), end = r.body.bytes.find("</Code>");
    return at == std::string::npos ? "" : r.body.bytes.substr(at + 6, end - at - 6);
  }
};

TEST_F(FormUpload, a_signed_form_becomes_an_object) {
  auto r =
      post(signed_fields({{"Content-Type", "text/plain"},
                          {"x-amz-meta-a", "b c"},
                          {"tagging", "<Tagging><TagSet><Tag><Key>k 1</Key><Value>v&amp;</Value></Tag></TagSet></Tagging>"}}));
  EXPECT_EQ(r.status, 204) << r.body.bytes;
  EXPECT_EQ(r.headers.get("etag"), "\"e1\"");
  EXPECT_EQ(r.headers.get("location"), "http://127.0.0.1:4566/pics/up/name%20one.txt");
  EXPECT_EQ(r.headers.get("x-amz-server-side-encryption"), "AES256");
  const model::Call& call = s3.calls.at(0);
  EXPECT_EQ(call.operation, "PutObject");
  EXPECT_TRUE(call.form_upload);
  EXPECT_FALSE(call.anonymous);
  EXPECT_EQ(call.input["Bucket"].as_string(), "pics");
  EXPECT_EQ(call.input["Key"].as_string(), "up/name one.txt");
  EXPECT_EQ(call.input["ContentType"].as_string(), "text/plain");
  EXPECT_EQ(call.input["Metadata"]["a"].as_string(), "b c");
  EXPECT_EQ(call.input["Tagging"].as_string(), "k%201=v%26");
  EXPECT_EQ(call.payload.bytes, "hello");
  EXPECT_EQ(call.identity.access_key_id, "AKIAROOT");
  EXPECT_EQ(call.identity.region, "eu-west-1");
  EXPECT_TRUE(plan.md5 && plan.crc64nvme);
  EXPECT_EQ(post(signed_fields(), "/pics/").status, 204);
}

TEST_F(FormUpload, success_is_told_as_the_form_wants_it) {
  EXPECT_EQ(post(signed_fields({{"success_action_status", "200"}})).status, 200);
  EXPECT_EQ(post(signed_fields({{"success_action_status", "404"}})).status, 204);
  auto r = post(signed_fields({{"success_action_status", "201"}}));
  EXPECT_EQ(r.status, 201);
  EXPECT_EQ(r.headers.get("content-type"), "application/xml");
  EXPECT_NE(
      r.body.bytes.find("<PostResponse><Location>http://127.0.0.1:4566/pics/up/name%20one.txt</Location><Bucket>pics</Bucket>"
                        "<Key>up/name one.txt</Key><ETag>&quot;e1&quot;</ETag></PostResponse>"),
      std::string::npos)
      << r.body.bytes;
  auto page = post(signed_fields({{"success_action_redirect", "http://127.0.0.1:3000/done?x=1"}}));
  EXPECT_EQ(page.status, 303);
  EXPECT_EQ(page.headers.get("location"), "http://127.0.0.1:3000/done?x=1&bucket=pics&key=up%2Fname%20one.txt&etag=%22e1%22");
  EXPECT_EQ(post(signed_fields({{"success_action_redirect", "javascript:alert(1)"}})).status, 204);
}

TEST_F(FormUpload, what_the_policy_or_its_signature_does_not_allow_is_refused) {
  auto wrong = post(signed_fields({}, "wrong"));
  EXPECT_EQ(wrong.status, 403);
  EXPECT_EQ(code(wrong), "SignatureDoesNotMatch");
  EXPECT_NE(wrong.body.bytes.find("<AWSAccessKeyId>AKIAROOT</AWSAccessKeyId>"), std::string::npos);
  EXPECT_EQ(code(post(signed_fields(), "/other")), "AccessDenied");
  EXPECT_EQ(code(post(signed_fields({{"acl", "public-read"}}))), "AccessDenied");
  EXPECT_EQ(code(post(signed_fields({{"Content-Type", "image/png"}}))), "AccessDenied");
  EXPECT_EQ(code(post(signed_fields({}, "secret", "{"))), "InvalidPolicyDocument");
  auto large = post(signed_fields(), "/pics", std::string(101, 'x'));
  EXPECT_EQ(code(large), "EntityTooLarge");
  EXPECT_NE(large.body.bytes.find("<MaxSizeAllowed>100</MaxSizeAllowed>"), std::string::npos);
  EXPECT_EQ(code(post(signed_fields(), "/pics", "")), "EntityTooSmall");
  clock.advance_us(3600LL * 1'000'000);
  auto late = post(signed_fields());
  EXPECT_NE(late.body.bytes.find("Invalid according to Policy: Policy expired."), std::string::npos);
  EXPECT_TRUE(s3.calls.empty());
}

TEST_F(FormUpload, fields_that_must_be_there) {
  auto without = [&](std::string name) {
    std::vector<Part> parts = signed_fields();
    parts.erase(std::remove_if(parts.begin(), parts.end(), [&](const Part& p) { return p.name == name; }), parts.end());
    return post(parts);
  };
  for (std::string name : {"key", "policy", "X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Signature"}) {
    auto r = without(name);
    EXPECT_EQ(code(r), "InvalidArgument") << name;
    EXPECT_NE(r.body.bytes.find("Bucket POST must contain a field named &apos;" + name), std::string::npos) << r.body.bytes;
  }
  EXPECT_TRUE(s3.calls.empty());
  auto control = signed_fields({{"x-amz-meta-a", "a\r\nSet-Cookie: x"}});
  EXPECT_EQ(code(post(control)), "InvalidArgument");
}

TEST_F(FormUpload, the_older_signature_by_option) {
  std::string policy = base64_encode(R"({"expiration":"2026-11-23T04:00:00Z","conditions":[{"bucket":"pics"},{"key":"k"}]})");
  std::vector<Part> parts = {{"key", "k"},
                             {"AWSAccessKeyId", "AKIAROOT"},
                             {"policy", policy},
                             {"signature", base64_encode(hmac_sha1("secret", policy))}};
  EXPECT_EQ(code(post(parts)), "InvalidRequest");
}

class FormUploadV2 : public FormUpload {
 protected:
  void SetUp() override {
    options.sigv2_presign = true;
    FormUpload::SetUp();
  }
};

TEST_F(FormUploadV2, is_verified) {
  std::string policy = base64_encode(R"({"expiration":"2026-11-23T04:00:00Z","conditions":[{"bucket":"pics"},{"key":"k"}]})");
  std::vector<Part> parts = {{"key", "k"},
                             {"AWSAccessKeyId", "AKIAROOT"},
                             {"policy", policy},
                             {"signature", base64_encode(hmac_sha1("secret", policy))}};
  EXPECT_EQ(post(parts).status, 204);
  EXPECT_EQ(s3.calls.at(0).identity.region, "");
  parts.back().value = base64_encode(hmac_sha1("wrong", policy));
  EXPECT_EQ(code(post(parts)), "SignatureDoesNotMatch");
}

TEST_F(FormUpload, without_a_policy_only_where_the_bucket_allows_it_to_everybody) {
  PublicBucket bucket;
  rules = &bucket;
  auto r = post({{"key", "k/${filename}"}}, "/public");
  EXPECT_EQ(r.status, 204) << r.body.bytes;
  EXPECT_EQ(bucket.asked, "s3:PutObject public k/name one.txt");
  EXPECT_TRUE(s3.calls.at(0).anonymous);
  EXPECT_EQ(code(post({{"key", "k"}}, "/private")), "AccessDenied");
  EXPECT_EQ(s3.calls.size(), 1u);
}

TEST_F(FormUpload, a_function_posts_as_its_role_whatever_the_form_says) {
  auto parts = signed_fields({}, "wrong");
  parts.push_back(file("hello"));
  http::Headers h;
  h.add("Content-Type", "multipart/form-data; boundary=xYz");
  for (const auto& form : {parts, std::vector<Part>{{"key", "k"}, file("x")}}) {
    auto e = make("POST", "/pics", form_of(form), h);
    e->tag = kSandboxListener;
    EXPECT_EQ(send(e).status, 204);
    EXPECT_EQ(s3.calls.back().identity.account, "111122223333");
    EXPECT_FALSE(s3.calls.back().anonymous);
  }
}

TEST_F(FormUpload, a_foreign_page_may_send_a_signed_form) {
  auto parts = signed_fields();
  parts.push_back(file("hello"));
  http::Headers h;
  h.add("Content-Type", "multipart/form-data; boundary=xYz");
  h.add("Origin", "http://page.example");
  EXPECT_EQ(send(make("POST", "/pics", form_of(parts), h)).status, 204);
  EXPECT_EQ(send(make("POST", "/pics", form_of({{"key", "k"}, file("x")}), h)).status, 403);
}

TEST_F(FormUpload, another_post_to_a_bucket_is_told_what_is_missing) {
  EXPECT_EQ(code(send(signed_request("s3", "POST", "/pics", "x=y", {}, "wrong"))), "SignatureDoesNotMatch");  // that first
  auto right = send(signed_request("s3", "POST", "/pics", "x=y"));
  EXPECT_EQ(right.status, 412);
  EXPECT_NE(right.body.bytes.find("Bucket POST must be of the enclosure-type multipart/form-data"), std::string::npos);
}

}  // namespace
}  // namespace gust::gateway
