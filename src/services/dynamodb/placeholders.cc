// SPDX-License-Identifier: Apache-2.0

#include <algorithm>

#include "model/errors.h"
#include "services/dynamodb/expression.h"

namespace gust::dynamodb {
namespace {

constexpr size_t kMaxBytes = 2 << 20;  // DynamoDB guide, "Quotas": all substitution variables of an expression

ApiFailure invalid(std::string text) { return ApiFailure(model::validation(std::move(text))); }

bool well_formed(std::string_view key, char first) {
  return key.size() > 1 && key.size() <= 255 && key[0] == first && std::all_of(key.begin() + 1, key.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
         });
}

template <class Entries>
auto* lookup(Entries& entries, std::string_view key) {
  auto it = std::lower_bound(entries.begin(), entries.end(), key, [](const auto& e, std::string_view k) { return e.key < k; });
  if (it == entries.end() || it->key != key) return static_cast<decltype(&it->content)>(nullptr);
  it->used = true;
  return &it->content;
}

// In the order of the request.
template <class Entries>
std::string unused_keys(const Entries& entries) {
  std::vector<std::pair<size_t, std::string_view>> unused;
  for (const auto& e : entries) {
    if (!e.used) unused.emplace_back(e.position, e.key);
  }
  std::sort(unused.begin(), unused.end());
  std::string out;
  for (const auto& [position, key] : unused) out.append(out.empty() ? "" : ", ").append(key);
  return out;
}

// The expressions that take values or names but are absent, as AWS lists them.
std::string absent(std::initializer_list<std::string_view> expressions) {
  std::string out;
  for (std::string_view e : expressions) {
    if (e != "ProjectionExpression") out.append(out.empty() ? "" : " and ").append(e);
  }
  return out + (out.find(" and ") == std::string::npos ? " is null" : " are null");
}

}  // namespace

Api<Placeholders> Placeholders::read(const Value& input, std::initializer_list<std::string_view> expressions) {
  Placeholders out;
  const Value& names = input["ExpressionAttributeNames"];
  const Value& values = input["ExpressionAttributeValues"];
  if (names.is_null() && values.is_null()) return out;
  bool any = false, any_with_values = false;
  for (std::string_view e : expressions) {
    any |= input.has(e);
    any_with_values |= input.has(e) && e != "ProjectionExpression";
  }
  if (!names.is_null()) {
    if (!any) return invalid("ExpressionAttributeNames can only be specified when using expressions");
    if (names.size() == 0) return invalid("ExpressionAttributeNames must not be empty");
  }
  size_t bytes = 0;
  for (const auto& [key, value] : names.as_map()) {
    if (!well_formed(key, '#'))
      return invalid("ExpressionAttributeNames contains invalid key: Syntax error; key: \"" + key + "\"");
    if (value.as_string().empty() || value.as_string().size() > 65535) {
      return invalid("ExpressionAttributeNames contains invalid value for key " + key);
    }
    bytes += key.size() + value.as_string().size();
    out.names_.push_back({key, std::string(value.as_string()), out.names_.size()});
  }
  if (!values.is_null()) {
    if (!any_with_values) {
      return invalid("ExpressionAttributeValues can only be specified when using expressions: " + absent(expressions));
    }
    if (values.size() == 0) return invalid("ExpressionAttributeValues must not be empty");
  }
  for (const auto& [key, value] : values.as_map()) {
    if (!well_formed(key, ':'))
      return invalid("ExpressionAttributeValues contains invalid key: Syntax error; key: \"" + key + "\"");
    auto attribute = parse_attribute(value);
    if (!attribute) {
      attribute.error().message.insert(0, "ExpressionAttributeValues contains invalid value: ").append(" for key " + key);
      return ApiFailure(std::move(attribute.error()));
    }
    bytes += key.size() + size_of(*attribute);
    out.values_.push_back({key, constant(std::move(*attribute)), out.values_.size()});
  }
  if (bytes > kMaxBytes) {
    return invalid("ExpressionAttributeNames and ExpressionAttributeValues have exceeded the maximum allowed size; size: " +
                   std::to_string(bytes));
  }
  std::sort(out.names_.begin(), out.names_.end(), [](const auto& a, const auto& b) { return a.key < b.key; });
  std::sort(out.values_.begin(), out.values_.end(), [](const auto& a, const auto& b) { return a.key < b.key; });
  return out;
}

const std::string* Placeholders::name(std::string_view key) { return lookup(names_, key); }
const Constant* Placeholders::value(std::string_view key) { return lookup(values_, key); }

std::optional<model::ApiError> Placeholders::unused() const {
  if (auto keys = unused_keys(names_); !keys.empty()) {
    return model::validation("Value provided in ExpressionAttributeNames unused in expressions: keys: {" + keys + "}");
  }
  if (auto keys = unused_keys(values_); !keys.empty()) {
    return model::validation("Value provided in ExpressionAttributeValues unused in expressions: keys: {" + keys + "}");
  }
  return std::nullopt;
}

}  // namespace gust::dynamodb
