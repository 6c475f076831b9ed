// SPDX-License-Identifier: Apache-2.0

#include "services/lambda/function_name.h"

#include <algorithm>
#include <vector>

namespace gust::lambda {
namespace {

constexpr size_t kMaxText = 256, kMaxName = 64, kMaxQualifier = 128;

bool is_word(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

bool is_account(std::string_view text) {
  return text.size() == 12 && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// us-east-1, us-gov-west-1: lower-case words that end in a number of one digit.
bool is_region(std::string_view text) {
  const size_t dash = text.rfind('-');
  return text.size() >= 6 && text.size() <= 32 && dash != text.npos && dash + 2 == text.size() && text.back() >= '0' &&
         text.back() <= '9' && text.find('-') == 2 && dash > 3 && is_word(text);
}

std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> parts;
  for (;;) {
    const size_t colon = text.find(':');
    parts.push_back(text.substr(0, colon));
    if (colon == text.npos) return parts;
    text.remove_prefix(colon + 1);
  }
}

}  // namespace

std::string FunctionName::arn() const { return "arn:aws:lambda:" + region + ":" + account + ":function:" + name; }
std::string FunctionName::qualified_arn() const { return qualifier.empty() ? arn() : arn() + ":" + qualifier; }

std::optional<FunctionName> parse_function_name(std::string_view text, std::string_view account, std::string_view region) {
  if (text.size() > kMaxText) return std::nullopt;
  FunctionName result{std::string(account), std::string(region), "", ""};
  std::vector<std::string_view> parts = split(text);
  size_t at = 0;
  const auto left = [&] { return parts.size() - at; };
  if (parts[0] == "arn") {
    // A whole ARN has all its parts.
    if (parts.size() < 7 || parts[1].substr(0, 3) != "aws" || parts[2] != "lambda" || !is_region(parts[3]) ||
        !is_account(parts[4]) || parts[5] != "function") {
      return std::nullopt;
    }
    at = 3;
  }
  if (left() > 1 && is_region(parts[at])) result.region = parts[at++];
  if (left() > 1 && is_account(parts[at])) result.account = parts[at++];
  if (left() > 1 && parts[at] == "function") ++at;
  if (left() > 2 || !is_word(parts[at]) || parts[at].size() > kMaxName) return std::nullopt;
  result.name = parts[at++];
  if (left() == 1) {
    if (parts[at] != "$LATEST" && (!is_word(parts[at]) || parts[at].size() > kMaxQualifier)) return std::nullopt;
    result.qualifier = parts[at];
  }
  return result;
}

}  // namespace gust::lambda
