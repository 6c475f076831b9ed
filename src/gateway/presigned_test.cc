// SPDX-License-Identifier: Apache-2.0

// Signatures in the query, sessions, and what else of authentication each protocol says in its own words.

#include "crypto/sigv2.h"
#include "gateway/test_gateway.h"

namespace gust::gateway {
namespace {

std::string code(const http::Response& r) {
  size_t at = r.body.bytes.find("<Code>"), end = r.body.bytes.find("</Code>");
  if (at != std::string::npos) return r.body.bytes.substr(at + 6, end - at - 6);
  return std::string(r.headers.get("x-amzn-errortype"));
}
bool says(const http::Response& r, std::string_view text) { return r.body.bytes.find(text) != std::string::npos; }

class Presigned : public GatewayTest {
 protected:
  struct How {
    std::string method = "GET", path = "/b/k", more = {}, key = "AKIAROOT", secret = "secret", service = "s3", token = {};
    std::string expires = "600", algorithm = "AWS4-HMAC-SHA256", date = "20261123T032109Z", scope_date = "20261123";
    std::string names = "host", hash = "UNSIGNED-PAYLOAD", drop = {};
    http::Headers headers = {};
  };
  std::string query(const How& how) {
    sigv4::Scope scope{how.scope_date, "eu-west-1", how.service};
    std::vector<std::pair<std::string, std::string>> items = {{"X-Amz-Algorithm", how.algorithm},
                                                              {"X-Amz-Credential", how.key + "/" + scope.text()},
                                                              {"X-Amz-Date", how.date},
                                                              {"X-Amz-Expires", how.expires},
                                                              {"X-Amz-SignedHeaders", how.names}};
    if (!how.token.empty()) items.emplace_back("X-Amz-Security-Token", how.token);
    std::string out = how.more;
    for (const auto& [name, value] : items) {
      if (name == how.drop) continue;
      out.append(out.empty() ? "" : "&").append(name).append("=").append(percent_encode(value, Slash::Encode));
    }
    std::vector<std::pair<std::string, std::string>> headers = {{"Host", "127.0.0.1:4566"}};
    for (const auto& field : how.headers.fields()) headers.push_back(field);
    std::vector<std::string> names = {"host"};
    sigv4::ParsedAuthorization listed;
    if (sigv4::parse_signed_headers(how.names, listed)) names = listed.signed_headers;
    bool once = how.service == "s3";
    sigv4::ReceivedRequest r{
        how.method, how.path, out, headers, names, how.hash, once ? sigv4::PathEncoding::Once : sigv4::PathEncoding::Twice, true};
    std::string text = sigv4::string_to_sign(how.date, scope, sigv4::canonical_request(r));
    std::string signature = sigv4::signature(sigv4::signing_key(how.secret, scope), text);
    return how.drop == "X-Amz-Signature" ? out : out + "&X-Amz-Signature=" + signature;
  }
  http::Response ask(const How& how, std::string body = {}) {
    return send(make(how.method, how.path + "?" + query(how), body, how.headers));
  }
};

TEST_F(Presigned, a_url_passes_until_it_expires) {
  auto r = ask({});
  EXPECT_EQ(r.status, 200) << r.body.bytes;
  EXPECT_EQ(s3.calls.at(0).identity.access_key_id, "AKIAROOT");
  EXPECT_EQ(s3.calls.at(0).identity.region, "eu-west-1");
  EXPECT_EQ(ask({.method = "PUT"}, "any body").status, 200);
  EXPECT_EQ(ask({.expires = "604800"}).status, 200);
  clock.advance_us(600LL * 1'000'000);
  EXPECT_EQ(ask({}).status, 200);
  clock.advance_us(1'000'000);
  auto late = ask({});
  EXPECT_EQ(late.status, 403);
  EXPECT_EQ(code(late), "AccessDenied");
  EXPECT_TRUE(says(late, "<Message>Request has expired</Message>"));
  EXPECT_TRUE(says(late,
                   "<X-Amz-Expires>600</X-Amz-Expires><Expires>2026-11-23T03:31:09Z</Expires>"
                   "<ServerTime>2026-11-23T03:31:10Z</ServerTime>"));
}

TEST_F(Presigned, what_was_changed_is_refused_with_what_should_have_been_signed) {
  std::string q = query({});
  auto moved = send(make("GET", "/b/other?" + q));
  EXPECT_EQ(moved.status, 403);
  EXPECT_EQ(code(moved), "SignatureDoesNotMatch");
  EXPECT_TRUE(says(moved, "<AWSAccessKeyId>AKIAROOT</AWSAccessKeyId><StringToSign>AWS4-HMAC-SHA256\n20261123T032109Z\n"));
  EXPECT_TRUE(says(moved, "<SignatureProvided>"));
  EXPECT_TRUE(says(moved, "<CanonicalRequest>GET\n/b/other\n"));
  EXPECT_TRUE(says(moved, "<StringToSignBytes>41 57 53 34 "));
  EXPECT_EQ(code(send(make("PUT", "/b/k?" + q))), "SignatureDoesNotMatch");
  EXPECT_EQ(code(send(make("GET", "/b/k?" + q + "&versionId=1"))), "SignatureDoesNotMatch");
  EXPECT_EQ(code(ask({.secret = "wrong"})), "SignatureDoesNotMatch");
  EXPECT_EQ(code(ask({.key = "AKIANOBODY"})), "InvalidAccessKeyId");
  http::Headers meta;
  meta.add("x-amz-meta-a", "b");
  auto unsigned_header = send(make("GET", "/b/k?" + q, "", meta));
  EXPECT_TRUE(says(unsigned_header, "<HeadersNotSigned>x-amz-meta-a</HeadersNotSigned>"));
  EXPECT_EQ(ask({.names = "host;x-amz-meta-a", .headers = meta}).status, 200);
  http::Headers twice = signer("s3");
  EXPECT_TRUE(says(send(make("GET", "/b/k?" + q, "", twice)), "Only one auth mechanism allowed"));
}

TEST_F(Presigned, parameters_that_cannot_be) {
  struct Case {
    How how;
    const char* text;
  };
  for (const Case& c : {
           Case{{.drop = "X-Amz-Expires"}, "Query-string authentication version 4 requires the X-Amz-Algorithm"},
           Case{{.drop = "X-Amz-Signature"}, "Query-string authentication version 4 requires"},
           Case{{.drop = "X-Amz-Date"}, "Query-string authentication version 4 requires"},
           Case{{.drop = "X-Amz-Credential"}, "Query-string authentication version 4 requires"},
           Case{{.expires = "604801"}, "X-Amz-Expires must be less than a week (in seconds)"},
           Case{{.expires = "-1"}, "X-Amz-Expires must be non-negative"},
           Case{{.expires = "soon"}, "X-Amz-Expires should be a number"},
           Case{{.algorithm = "AWS4-HMAC-SHA1"}, "X-Amz-Algorithm only supports"},
           Case{{.algorithm = "AWS4-ECDSA-P256-SHA256"}, "AWS4-ECDSA-P256-SHA256"},
           Case{{.date = "2026-11-23"}, "X-Amz-Date must be in the ISO8601 Long Format"},
           Case{{.scope_date = "20261122"}, "This date is not the same as X-Amz-Date"},
       }) {
    auto r = ask(c.how);
    EXPECT_EQ(r.status, 400) << c.text;
    EXPECT_EQ(code(r), "AuthorizationQueryParametersError") << c.text;
    EXPECT_TRUE(says(r, c.text)) << r.body.bytes;
  }
  auto malformed = send(make("GET", "/b/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=x&X-Amz-Signature=0"));
  EXPECT_TRUE(says(malformed, "the Credential is mal-formed"));
}

TEST_F(Presigned, a_url_from_the_future_is_not_yet_valid) {
  EXPECT_TRUE(says(ask({.date = "20261123T034109Z"}), "Request is not yet valid"));
  EXPECT_EQ(ask({.date = "20261123T033509Z"}).status, 200);  // a clock that is a little fast
}

TEST_F(Presigned, javascripts_put_has_a_checksum_that_nobody_checks) {
  EXPECT_EQ(ask({.method = "PUT", .more = "x-id=PutObject&x-amz-checksum-crc32=AAAAAA%3D%3D&x-amz-sdk-checksum-algorithm=CRC32"},
                "body")
                .status,
            200);
  EXPECT_FALSE(s3.calls.at(0).input.has("ChecksumCRC32"));
}

TEST_F(Presigned, other_parameters_mean_what_their_headers_mean) {
  EXPECT_EQ(ask({.method = "PUT", .more = "x-amz-meta-a=b%20c&x-amz-tagging=k%3Dv"}, "body").status, 200);
  EXPECT_EQ(s3.calls.at(0).input["Metadata"]["a"].as_string(), "b c");
  EXPECT_EQ(s3.calls.at(0).input["Tagging"].as_string(), "k=v");
}

TEST_F(Presigned, a_body_hash_in_the_url_holds) {
  std::string hash = hex_encode(sha256("body"));
  How how{.method = "PUT", .more = "X-Amz-Content-Sha256=" + hash, .hash = hash};
  EXPECT_EQ(ask(how, "body").status, 200);
  EXPECT_EQ(code(ask(how, "other")), "XAmzContentSHA256Mismatch");
}

TEST_F(Presigned, other_services_are_presigned_too) {
  std::string empty = hex_encode(sha256(""));
  How how{.path = "/", .more = "Action=GetCallerIdentity&Version=2011-06-15", .service = "sts", .hash = empty};
  auto r = ask(how);
  EXPECT_EQ(r.status, 200) << r.body.bytes;
  EXPECT_EQ(sts.calls.at(0).operation, "GetCallerIdentity");
  how.secret = "wrong";
  auto wrong = ask(how);
  EXPECT_EQ(wrong.status, 403);
  EXPECT_EQ(code(wrong), "SignatureDoesNotMatch");
  EXPECT_TRUE(says(wrong, "Check your AWS Secret Access Key and signing method."));
  EXPECT_EQ(ask({.path = "/2015-03-31/functions/", .service = "lambda", .hash = empty}).status, 200);
}

// ---- version 2

class PresignedV2 : public Presigned {
 protected:
  void SetUp() override {
    options.sigv2_presign = true;
    GatewayTest::SetUp();
  }
  std::string url(std::string method, std::string path, std::string resource, std::string expires,
                  std::string secret = "secret") {
    std::string signature = sigv2::signature(secret, method + "\n\n\n" + expires + "\n" + resource);
    return path + (path.find('?') == path.npos ? "?" : "&") +
           "AWSAccessKeyId=AKIAROOT&Signature=" + percent_encode(signature, Slash::Encode) + "&Expires=" + expires;
  }
};

TEST_F(PresignedV2, botos_urls_pass) {
  std::string later = std::to_string(kNow / 1'000'000 + 60);
  EXPECT_EQ(send(make("GET", url("GET", "/b/k", "/b/k", later))).status, 200);
  EXPECT_EQ(s3.calls.at(0).identity.region, "");
  EXPECT_EQ(send(make("GET", url("GET", "/b/k?versionId=v&x=y", "/b/k?versionId=v", later))).status, 200);
  http::Headers host;
  host.add("Host", "b.localhost:4566");
  EXPECT_EQ(send(make("GET", url("GET", "/k", "/b/k", later), "", host)).status, 200);
  auto wrong = send(make("GET", url("GET", "/b/k", "/b/k", later, "wrong")));
  EXPECT_EQ(code(wrong), "SignatureDoesNotMatch");
  EXPECT_TRUE(says(wrong, "<StringToSign>GET\n\n\n" + later + "\n/b/k</StringToSign>"));
  auto late = send(make("GET", url("GET", "/b/k", "/b/k", "1795404068")));
  EXPECT_TRUE(says(late, "Request has expired"));
  EXPECT_TRUE(says(send(make("GET", "/b/k?AWSAccessKeyId=a&Signature=b")), "requires the Signature, Expires and AWSAccessKeyId"));
}

// What boto3 1.26 made of these at kNow.
TEST(SigV2, like_botocore) {
  constexpr std::string_view kSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
  sigv2::Request get{"GET", "/bucket/a%20b/%C3%A9%28x%29", {}, {}, "1795404669", {}, {}};
  get.query = {{"versionId", "v1"}, {"response-content-type", "text/plain; x"}, {"AWSAccessKeyId", "AKIDEXAMPLE"}};
  EXPECT_EQ(sigv2::signature(kSecret, sigv2::string_to_sign(get)), "KjGQduOTWw75CuTsEITtCp5Lw6M=");
  sigv2::Request put{"PUT", "/bucket/k", {}, "text/plain", "1795404669", {{"x-amz-meta-a", "b c"}}, {}};
  EXPECT_EQ(sigv2::signature(kSecret, sigv2::string_to_sign(put)), "Tt88GBqpQGCghdz6E/clNk3NIqg=");
  sigv2::Request session{"GET", "/bucket/k", {}, {}, "1795404669", {{"x-amz-security-token", "TOK/+="}}, {}};
  EXPECT_EQ(sigv2::signature(kSecret, sigv2::string_to_sign(session)), "fwOUiECzbqTwCMKElTJE8CUvTvo=");
}

TEST_F(Presigned, version_2_is_off_unless_it_is_switched_on) {
  auto r = send(make("GET", "/b/k?AWSAccessKeyId=AKIAROOT&Signature=b&Expires=9999999999"));
  EXPECT_EQ(r.status, 400);
  EXPECT_EQ(code(r), "InvalidRequest");
  EXPECT_TRUE(says(r, "Please use AWS4-HMAC-SHA256."));
}

TEST_F(DevGateway, with_any_key_urls_of_both_versions_pass_until_they_expire) {
  std::string v4 =
      "/b/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=any%2F20261123%2Feu-west-1%2Fs3%2Faws4_request"
      "&X-Amz-Date=20261123T032109Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=00";
  EXPECT_EQ(send(make("PUT", v4, "x")).status, 200);
  EXPECT_EQ(send(make("GET", "/b/k?AWSAccessKeyId=any&Signature=b&Expires=1795404070")).status, 200);
  clock.advance_us(61LL * 1'000'000);
  EXPECT_EQ(code(send(make("PUT", v4, "x"))), "AccessDenied");
  EXPECT_EQ(code(send(make("GET", "/b/k?AWSAccessKeyId=any&Signature=b&Expires=1795404070"))), "AccessDenied");
}

// ---- other ways to sign, sessions

TEST_F(GatewayTest, other_authorizations_are_refused_by_name) {
  auto with = [&](std::string path, std::string value) {
    http::Headers h;
    h.add("Authorization", value);
    return send(make("GET", path, "", h));
  };
  auto v2 = with("/b/k", "AWS AKIAROOT:c2lnbmF0dXJl");
  EXPECT_EQ(code(v2), "InvalidRequest");
  EXPECT_TRUE(says(v2, "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256."));
  auto v4a =
      with("/b/k", "AWS4-ECDSA-P256-SHA256 Credential=AKIAROOT/20261123/s3/aws4_request, SignedHeaders=host, Signature=00");
  EXPECT_TRUE(says(v4a, "AWS4-ECDSA-P256-SHA256"));
  auto basic = with("/b/k", "Basic dGVzdDp0ZXN0");
  EXPECT_EQ(code(basic), "InvalidArgument");
  EXPECT_TRUE(says(basic, "Unsupported Authorization Type"));
  EXPECT_EQ(code(with("/b/k", "AWS4-HMAC-SHA256 x")), "AuthorizationHeaderMalformed");
  EXPECT_EQ(code(with("/2015-03-31/functions/", "AWS4-HMAC-SHA256 x")), "IncompleteSignatureException");
}

TEST_F(GatewayTest, a_time_that_is_off_is_told_as_each_protocol_tells_it) {
  clock.advance_us(16LL * 60 * 1'000'000);
  auto x = send(signed_request("s3", "GET", "/b/k", ""));
  EXPECT_TRUE(says(x,
                   "<RequestTime>20261123T032109Z</RequestTime><ServerTime>2026-11-23T03:37:09Z</ServerTime>"
                   "<MaxAllowedSkewMilliseconds>900000</MaxAllowedSkewMilliseconds>"));
  auto l = send(signed_request("lambda", "GET", "/2015-03-31/functions/", ""));
  EXPECT_TRUE(says(l, "Signature expired: 20261123T032109Z is now earlier than 20261123T032209Z (20261123T033709Z - 15 min.)"));
  clock.advance_us(-40LL * 60 * 1'000'000);
  EXPECT_TRUE(says(send(signed_request("lambda", "GET", "/2015-03-31/functions/", "")), "Signature not yet current: "));
}

TEST_F(GatewayTest, a_scope_of_another_day_or_service) {
  auto e = signed_request("s3", "GET", "/b/k", "");
  std::string value(e->request().headers.get("authorization"));
  value.replace(value.find("/20261123/"), 10, "/20261122/");
  e->request().headers.set("authorization", value);
  auto day = send(e);
  EXPECT_EQ(code(day), "AuthorizationHeaderMalformed");
  EXPECT_TRUE(
      says(day, "Invalid credential date &quot;20261122&quot;. This date is not the same as X-Amz-Date: &quot;20261123&quot;."));
  http::Headers h;
  h.add("smithy-protocol", "rpc-v2-cbor");
  h.add("Content-Type", "application/cbor");
  auto service = send(signed_request("logs", "POST", "/service/GraniteServiceVersion20100801/operation/ListMetrics", "\xa0", h));
  EXPECT_NE(service.status, 200);
  EXPECT_TRUE(says(service, "Credential should be scoped to correct service"));
}

TEST_F(GatewayTest, a_plus_in_a_query_is_a_space_for_the_signature_too) {
  EXPECT_EQ(send(signed_request("s3", "GET", "/b?prefix=a+b", "")).status, 200);
  EXPECT_EQ(s3.calls.back().input["Prefix"].as_string(), "a b");
  auto literal = signed_request("s3", "GET", "/b?prefix=a%2Bb", "");
  literal->request().query = "prefix=a+b";
  EXPECT_EQ(code(send(literal)), "SignatureDoesNotMatch");
  auto same = signed_request("s3", "GET", "/b?prefix=a%20b", "");
  same->request().query = "prefix=a+b";
  EXPECT_EQ(send(same).status, 200);
}

TEST_F(GatewayTest, a_path_may_be_signed_as_sent_or_as_s3_would_encode_it) {
  EXPECT_EQ(send(signed_request("s3", "GET", "/b/a!b", "")).status, 200);
  auto e = signed_request("s3", "GET", "/b/a%21b", "");
  e->request().path = "/b/a!b";
  EXPECT_EQ(send(e).status, 200);
  auto other = signed_request("s3", "GET", "/b/a%21b", "");
  other->request().path = "/b/a!c";
  EXPECT_EQ(code(send(other)), "SignatureDoesNotMatch");
}

TEST_F(GatewayTest, what_is_not_built_is_told_only_to_who_may_ask) {
  auto wrong = send(signed_request("s3", "GET", "/b?acl", "", {}, "wrong"));
  EXPECT_EQ(code(wrong), "SignatureDoesNotMatch");
  EXPECT_EQ(send(signed_request("s3", "GET", "/b?acl", "")).status, 501);
  http::Headers h;
  h.add("X-Amz-Target", "DynamoDB_20120810.Query");
  EXPECT_EQ(send(signed_request("dynamodb", "POST", "/", "{}", h, "wrong", false)).status, 400);
  EXPECT_EQ(send(signed_request("dynamodb", "POST", "/", "{}", h, "secret", false)).status, 501);
}

class Sessions : public Presigned {
 protected:
  static Credential make_key(std::string id, std::string token, int64_t expires_ms, bool inactive = false) {
    return {.access_key_id = std::move(id),
            .secret_access_key = "secret",
            .session_token = std::move(token),
            .account = "111122223333",
            .principal_arn = "arn:aws:sts::111122223333:assumed-role/r/s",
            .user_id = "AROA:s",
            .expires_ms = expires_ms,
            .inactive = inactive};
  }
  void SetUp() override {
    credentials =
        StaticCredentials({make_key("ASIASESSION", "token/+=", kNow / 1000 + 60'000), make_key("AKIAOFF", "", 0, true)});
    GatewayTest::SetUp();
  }
  std::shared_ptr<FakeExchange> session(std::string service, std::string token, std::string key = "ASIASESSION") {
    auto e = make("GET", service == "s3" ? "/b/k" : "/2015-03-31/functions/");
    http::Request& r = e->request();
    std::string hash = hex_encode(sha256(""));
    sigv4::RequestParts parts{r.method, r.path,
                              r.query,  {{"Host", "127.0.0.1:4566"}},
                              hash,     service == "s3" ? sigv4::PathEncoding::Once : sigv4::PathEncoding::Twice};
    for (auto& [n, v] : sigv4::sign({key, "secret", token}, "eu-west-1", service, clock.unix_ms(), parts)) r.headers.add(n, v);
    return e;
  }
};

TEST_F(Sessions, a_token_belongs_to_its_key_and_ends) {
  EXPECT_EQ(send(session("s3", "token/+=")).status, 200);
  EXPECT_EQ(s3.calls.at(0).identity.principal_arn, "arn:aws:sts::111122223333:assumed-role/r/s");
  EXPECT_EQ(s3.calls.at(0).identity.user_id, "AROA:s");
  EXPECT_EQ(send(session("lambda", "token/+=")).status, 200);
  EXPECT_EQ(ask({.key = "ASIASESSION", .token = "token/+="}).status, 200);
  EXPECT_EQ(code(send(session("s3", "another"))), "InvalidToken");
  EXPECT_EQ(code(send(session("s3", ""))), "InvalidAccessKeyId");
  EXPECT_EQ(code(send(session("lambda", "another"))), "UnrecognizedClientException");
  clock.advance_us(61LL * 1'000'000);
  auto late = send(session("s3", "token/+="));
  EXPECT_EQ(late.status, 400);
  EXPECT_EQ(code(late), "ExpiredToken");
  EXPECT_TRUE(says(late, "<Token-0>token/+=</Token-0>"));
  EXPECT_EQ(code(send(session("lambda", "token/+="))), "ExpiredTokenException");
  EXPECT_EQ(code(ask({.key = "ASIASESSION", .token = "token/+="})), "ExpiredToken");
}

TEST_F(Sessions, a_key_that_is_switched_off_is_unknown) {
  EXPECT_EQ(code(send(session("s3", "", "AKIAOFF"))), "InvalidAccessKeyId");
  EXPECT_EQ(code(send(session("lambda", "", "AKIAOFF"))), "UnrecognizedClientException");
}

}  // namespace
}  // namespace gust::gateway
