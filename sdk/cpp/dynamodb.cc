// SPDX-License-Identifier: Apache-2.0

#include <cstdio>
#include <cstdlib>

#include "base/json.h"
#include "gust/aws.h"

namespace gust::aws {
namespace {

constexpr size_t kMaxItems = 1'000'000;  // of one query_all or scan_all

}  // namespace

Result<Value> Client::dynamodb(const std::string& operation, const Value& request) {
  Call post;
  post.service = "dynamodb";
  post.method = "POST";
  post.headers = {{"Content-Type", "application/x-amz-json-1.0"}, {"X-Amz-Target", "DynamoDB_20120810." + operation}};
  post.body = json::write(request);
  http::Response response = TRY(call(post));
  return json::parse(response.body.bytes);
}

Result<> Client::put_item(const std::string& table, Value item, const std::string& condition) {
  Value request = Value::map();
  request.set("TableName", table);
  request.set("Item", std::move(item));
  if (!condition.empty()) request.set("ConditionExpression", condition);
  TRY(dynamodb("PutItem", request));
  return {};
}

Result<Value> Client::get_item(const std::string& table, Value key) {
  Value request = Value::map();
  request.set("TableName", table);
  request.set("Key", std::move(key));
  request.set("ConsistentRead", true);
  Value answer = TRY(dynamodb("GetItem", request));
  if (!answer["Item"].is_map()) return fail(Errc::NotFound, "no such item in " + table);
  return answer["Item"];
}

namespace {

Result<std::vector<Value>> pages(Client& client, const std::string& operation, Value request) {
  std::vector<Value> out;
  for (;;) {
    Value answer = TRY(client.dynamodb(operation, request));
    for (const Value& item : answer["Items"].as_list()) out.push_back(item);
    if (out.size() > kMaxItems) return fail(Errc::TooLarge, operation + ": more than a million items");
    const Value& last = answer["LastEvaluatedKey"];
    if (!last.is_map()) return out;
    request.set("ExclusiveStartKey", last);
  }
}

}  // namespace

Result<std::vector<Value>> Client::query_all(const std::string& table, const std::string& key_name,
                                             const std::string& key_value) {
  Value request = Value::map();
  request.set("TableName", table);
  request.set("ConsistentRead", true);
  request.set("KeyConditionExpression", "#k = :v");
  request.set("ExpressionAttributeNames", Value::map()).set("#k", key_name);
  request.set("ExpressionAttributeValues", Value::map()).set(":v", string_attribute(key_value));
  return pages(*this, "Query", std::move(request));
}

Result<std::vector<Value>> Client::scan_all(const std::string& table) {
  Value request = Value::map();
  request.set("TableName", table);
  request.set("ConsistentRead", true);
  return pages(*this, "Scan", std::move(request));
}

Value string_attribute(std::string_view text) {
  Value out = Value::map();
  out.set("S", text);
  return out;
}

Value number_attribute(int64_t number) {
  Value out = Value::map();
  out.set("N", std::to_string(number));
  return out;
}

Value number_attribute(double number) {
  char text[40];
  snprintf(text, sizeof text, "%.3f", number);
  Value out = Value::map();
  out.set("N", text);
  return out;
}

Value bool_attribute(bool value) {
  Value out = Value::map();
  out.set("BOOL", value);
  return out;
}

std::string_view string_of(const Value& item, std::string_view name) { return item[name]["S"].as_string(); }

double number_of(const Value& item, std::string_view name, double otherwise) {
  std::string text(item[name]["N"].as_string());
  if (text.empty()) return otherwise;
  char* end = nullptr;
  double out = strtod(text.c_str(), &end);
  return end && *end == 0 ? out : otherwise;
}

bool bool_of(const Value& item, std::string_view name) { return item[name]["BOOL"].as_bool(); }

}  // namespace gust::aws
