// SPDX-License-Identifier: Apache-2.0

#include "services/lambda/policy.h"

#include <algorithm>

namespace gust::lambda {

std::optional<Principal> parse_principal(std::string_view text) {
  if (text == "*") return Principal{Principal::Kind::Anybody, "*"};
  const bool digits = std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (text.size() == 12 && digits) return Principal{Principal::Kind::Account, "arn:aws:iam::" + std::string(text) + ":root"};
  if (text.starts_with("arn:aws:iam::") || text.starts_with("arn:aws:sts::")) {
    return Principal{Principal::Kind::Account, std::string(text)};
  }
  const std::string_view suffix = ".amazonaws.com";
  if (text.size() > suffix.size() && text.ends_with(suffix)) return Principal{Principal::Kind::Service, std::string(text)};
  return std::nullopt;
}

bool matches(std::string_view pattern, std::string_view text) {
  size_t p = 0, t = 0, star = pattern.npos, mark = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      mark = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p, ++t;
    } else if (star != pattern.npos) {
      p = star + 1;
      t = ++mark;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

bool allows_service(const Record& record, std::string_view principal, std::string_view source_arn,
                    std::string_view source_account) {
  return std::any_of(record.policy.begin(), record.policy.end(), [&](const Statement& s) {
    if (s.principal != "*" && s.principal != principal) return false;
    if (!matches(s.action, "lambda:InvokeFunction")) return false;
    if (!s.source_arn.empty() && (source_arn.empty() || !matches(s.source_arn, source_arn))) return false;
    if (!s.source_account.empty() && s.source_account != source_account) return false;
    // Conditions on things that a service's request does not have.
    return s.event_source_token.empty() && s.organization.empty() && s.url_auth_type.empty() && !s.via_url;
  });
}

}  // namespace gust::lambda
