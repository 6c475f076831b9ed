// SPDX-License-Identifier: Apache-2.0

#include "requests.h"

#include <unistd.h>

namespace gust::bench {
namespace {

constexpr char kBucket[] = "/peer-bucket", kTable[] = "PeerTable";
constexpr size_t kSmall = 4096, kBig = 8 << 20, kValue = 1000;  // with its key and names an item is about 1 KiB
constexpr size_t kKeys = 2000, kBigKeys = 4;

std::string dynamodb(const Signer& signer, std::string_view operation, std::string_view members) {
  return signer.request(
      "dynamodb", "POST", "/", R"({"TableName":")" + std::string(kTable) + "\"" + std::string(members) + "}",
      {{"content-type", "application/x-amz-json-1.0"}, {"x-amz-target", "DynamoDB_20120810." + std::string(operation)}});
}

std::string batch(const Signer& signer, std::string_view puts) {
  return signer.request("dynamodb", "POST", "/",
                        R"({"RequestItems":{")" + std::string(kTable) + "\":[" + std::string(puts) + "]}}",
                        {{"content-type", "application/x-amz-json-1.0"}, {"x-amz-target", "DynamoDB_20120810.BatchWriteItem"}});
}

std::string s3(const Signer& signer, std::string_view method, const std::string& path, std::string_view body = {}) {
  return signer.request("s3", method, kBucket + path, body);
}

std::string key(const std::string& hash, size_t range) {
  return R"("pk":{"S":")" + hash + R"("},"sk":{"N":")" + std::to_string(range) + R"("})";
}

std::string item(const std::string& hash, size_t range) {
  return "{" + key(hash, range) + R"(,"v":{"S":")" + std::string(kValue, 'v') + R"("}})";
}

std::string puts_of(const std::string& hash, size_t count) {
  std::string puts;
  for (size_t i = 0; i < count; ++i) puts += (i ? "," : "") + (R"({"PutRequest":{"Item":)" + item(hash, i) + "}}");
  return puts;
}

Result<> wait_active(Connection& connection, const Signer& signer) {
  for (int i = 0; i < 200; ++i, usleep(50'000)) {
    const std::string answer = TRY(connection.ask(dynamodb(signer, "DescribeTable", "")));
    if (answer.find(R"("TableStatus":"ACTIVE")") != answer.npos) return {};
  }
  return fail(Errc::Timeout, "the table did not become active");
}

Result<> prepare_table(Connection& connection, const Signer& signer) {
  TRY(connection.ask(dynamodb(signer, "CreateTable",
                              R"(,"BillingMode":"PAY_PER_REQUEST",
    "AttributeDefinitions":[{"AttributeName":"pk","AttributeType":"S"},{"AttributeName":"sk","AttributeType":"N"}],
    "KeySchema":[{"AttributeName":"pk","KeyType":"HASH"},{"AttributeName":"sk","KeyType":"RANGE"}])")));
  TRY(wait_active(connection, signer));
  TRY(connection.ask(batch(signer, puts_of("queried", 25))));
  for (size_t i = 0; i < kKeys; ++i)
    TRY(connection.ask(dynamodb(signer, "PutItem", R"(,"Item":)" + item("k" + std::to_string(i), 0))));
  return {};
}

Result<> prepare_bucket(Connection& connection, const Signer& signer) {
  TRY(connection.ask(s3(signer, "PUT", "")));
  for (size_t i = 0; i < kListed; ++i) TRY(connection.ask(s3(signer, "PUT", "/listed/key-" + std::to_string(100'000 + i))));
  const std::string small(kSmall, 'o'), big(kBig, 'b');
  for (size_t i = 0; i < kKeys; ++i) TRY(connection.ask(s3(signer, "PUT", "/small/" + std::to_string(i), small)));
  for (size_t i = 0; i < kBigKeys; ++i) TRY(connection.ask(s3(signer, "PUT", "/big/" + std::to_string(i), big)));
  return {};
}

template <class Make>
std::vector<std::string> many(size_t count, Make make) {
  std::vector<std::string> all;
  for (size_t i = 0; i < count; ++i) all.push_back(make(std::to_string(i)));
  return all;
}

std::vector<std::string> item_requests(const Signer& signer, std::string_view operation) {
  if (operation == "PutItem")
    return many(kKeys, [&](const std::string& i) { return dynamodb(signer, operation, R"(,"Item":)" + item("k" + i, 0)); });
  if (operation == "GetItem")
    return many(kKeys, [&](const std::string& i) { return dynamodb(signer, operation, R"(,"Key":{)" + key("k" + i, 0) + "}"); });
  if (operation == "UpdateItem")
    return many(kKeys, [&](const std::string& i) {
      return dynamodb(signer, operation,
                      R"(,"Key":{)" + key("k" + i, 0) +
                          R"(},"UpdateExpression":"ADD n :one","ExpressionAttributeValues":{":one":{"N":"1"}})");
    });
  if (operation == "Query")
    return {dynamodb(
        signer, operation,
        R"(,"KeyConditionExpression":"pk = :p AND sk < :n","ExpressionAttributeValues":{":p":{"S":"queried"},":n":{"N":"10"}})")};
  if (operation == "BatchWriteItem")
    return many(kKeys / 25, [&](const std::string& i) { return batch(signer, puts_of("b" + i, 25)); });
  return {};
}

std::vector<std::string> object_requests(const Signer& signer, std::string_view operation) {
  const std::string small(kSmall, 'o'), big(kBig, 'b');
  if (operation == "PutObject4K")
    return many(kKeys, [&](const std::string& i) { return s3(signer, "PUT", "/small/" + i, small); });
  if (operation == "GetObject4K") return many(kKeys, [&](const std::string& i) { return s3(signer, "GET", "/small/" + i); });
  if (operation == "PutObject8M")
    return many(kBigKeys, [&](const std::string& i) { return s3(signer, "PUT", "/big/" + i, big); });
  if (operation == "GetObject8M") return many(kBigKeys, [&](const std::string& i) { return s3(signer, "GET", "/big/" + i); });
  if (operation == "ListObjectsV2") return {s3(signer, "GET", "?list-type=2&max-keys=1000&prefix=listed%2F")};
  return {};
}

}  // namespace

Result<> prepare(Connection& connection, const Signer& signer, Service service) {
  return service == Service::S3 ? prepare_bucket(connection, signer) : prepare_table(connection, signer);
}

std::vector<std::string> requests_of(const Signer& signer, Service service, std::string_view operation) {
  return service == Service::S3 ? object_requests(signer, operation) : item_requests(signer, operation);
}

}  // namespace gust::bench
