// SPDX-License-Identifier: Apache-2.0

#pragma once

// A small signed client for what functions and services of this tree need: S3 objects and notifications, DynamoDB items
// (as JSON values in DynamoDB's own notation), and call() for everything else. Signature Version 4, TLS for real AWS,
// retries with jittered back-off.
//
// One object is used by one thread at a time and keeps one connection per host. Blocking. Errors by kind: NotFound (no such
// key, bucket, table), Exists, Conflict (a condition did not hold), Permission, TooLarge, Invalid (other 4xx),
// Unavailable/Timeout/Unknown after the last attempt. Messages start with AWS's error code.
// Every request is repeated after Unavailable, Unknown, time-outs, 429 and 5xx: a repeated conditional PutItem may find its
// own first write, so callers that care compare the item (see put_item).

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/value.h"
#include "crypto/sigv4.h"
#include "http/client.h"

namespace gust::aws {

struct Config {
  std::string endpoint;                          // "http://127.0.0.1:4566"; empty: AWS itself
  std::map<std::string, std::string> endpoints;  // per service ("s3", "dynamodb"), before `endpoint`
  std::string region = "us-east-1";
  sigv4::Credentials credentials;
  int attempts = 5;
  int64_t backoff_us = 50'000;  // doubled for each attempt, jittered, 2 s at most
  int64_t timeout_us = 60'000'000;
};

// AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL_DYNAMODB, AWS_REGION, AWS_DEFAULT_REGION, AWS_ACCESS_KEY_ID,
// AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN.
Config config_from_environment();

using Metadata = std::map<std::string, std::string>;  // x-amz-meta-NAME, names in lower case

struct ObjectInfo {
  std::string key;
  std::string etag;  // without quotes
  uint64_t size = 0;
  int64_t last_modified_ms = 0;
  std::string content_type;
  Metadata metadata;  // of get_object and head_object
};
struct Object {
  ObjectInfo info;
  std::string bytes;
};
struct ObjectPage {
  std::vector<ObjectInfo> objects;
  std::string next_token;  // empty: that was all
};
struct ListOptions {
  std::string prefix, start_after, token;
  int max_keys = 1000;
};

// One request as it goes out, but for signature and host.
struct Call {
  std::string service;  // signing name: "s3", "dynamodb", "lambda"
  std::string method = "GET";
  std::string path = "/";  // percent-encoded
  std::string query;       // percent-encoded, without '?'
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::string bucket;  // S3: goes into host or path as the endpoint needs it
};

class Client {
 public:
  explicit Client(Config config);
  ~Client();
  Client(Client&&) noexcept;

  // S3
  Result<Object> get_object(const std::string& bucket, const std::string& key);
  Result<ObjectInfo> head_object(const std::string& bucket, const std::string& key);
  Result<std::string> put_object(const std::string& bucket, const std::string& key, std::string bytes,
                                 const std::string& content_type, const Metadata& metadata = {});  // the ETag
  Result<> delete_object(const std::string& bucket, const std::string& key);
  Result<ObjectPage> list_objects(const std::string& bucket, const ListOptions& options);
  Result<std::vector<ObjectInfo>> list_all_objects(const std::string& bucket, const std::string& prefix,
                                                   size_t limit = 1'000'000);
  Result<> create_bucket(const std::string& bucket);
  Result<> put_bucket_notification(const std::string& bucket, std::string xml);  // a NotificationConfiguration document

  // DynamoDB. Items are maps of attribute values: {"pk": {"S": "a"}, "n": {"N": "1"}}.
  Result<Value> dynamodb(const std::string& operation, const Value& request);
  // `condition` may be empty. Conflict where it does not hold.
  Result<> put_item(const std::string& table, Value item, const std::string& condition = {});
  Result<Value> get_item(const std::string& table, Value key);  // NotFound where there is none; consistent
  Result<std::vector<Value>> query_all(const std::string& table, const std::string& key_name, const std::string& key_value);
  Result<std::vector<Value>> scan_all(const std::string& table);

  // Any operation: signs, sends, repeats; answers of 400 and above become errors.
  Result<http::Response> call(const Call& call);
  const Config& config() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Attribute values.
Value string_attribute(std::string_view text);
Value number_attribute(int64_t number);
Value number_attribute(double number);
Value bool_attribute(bool value);
std::string_view string_of(const Value& item, std::string_view name);  // empty where absent
double number_of(const Value& item, std::string_view name, double otherwise = 0);
bool bool_of(const Value& item, std::string_view name);

}  // namespace gust::aws
