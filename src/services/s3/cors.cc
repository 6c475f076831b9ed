// SPDX-License-Identifier: Apache-2.0

#include "services/s3/cors.h"

#include <algorithm>

#include "base/encoding.h"
#include "model/errors.h"

namespace gust::s3 {
namespace {

using model::api_error;

constexpr size_t kMostRules = 100, kMaxText = 64 << 10, kMaxId = 255;
constexpr std::string_view kMethods[] = {"GET", "PUT", "HEAD", "POST", "DELETE"};

Problem invalid_request(std::string message) { return api_error("InvalidRequest", std::move(message)); }

size_t wildcards(std::string_view text) { return static_cast<size_t>(std::count(text.begin(), text.end(), '*')); }

size_t text_size(const Value& value) {
  size_t n = value.as_string().size();
  for (const Value& v : value.as_list()) n += text_size(v);
  for (const auto& [name, v] : value.as_map()) n += text_size(v);
  return n;
}

// RFC 9110's token.
bool is_header_name(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

Problem one_wildcard(std::string_view what, const Value& list) {
  for (const Value& v : list.as_list()) {
    if (wildcards(v.as_string()) < 2) continue;
    return invalid_request(std::string(what) + " \"" + std::string(v.as_string()) + "\" can not have more than one wildcard.");
  }
  return std::nullopt;
}

Problem check_rule(const Value& rule) {
  if (rule["ID"].as_string().size() > kMaxId) {
    return model::invalid_argument("ID length should not exceed allowed limit of 255", "ID", rule["ID"].as_string());
  }
  for (const Value& method : rule["AllowedMethods"].as_list()) {
    const std::string_view name = method.as_string();
    if (std::find(std::begin(kMethods), std::end(kMethods), name) != std::end(kMethods)) continue;
    return invalid_request("Found unsupported HTTP method in CORS config. Unsupported method is " + std::string(name));
  }
  if (Problem p = one_wildcard("AllowedOrigin", rule["AllowedOrigins"])) return p;
  if (Problem p = one_wildcard("AllowedHeader", rule["AllowedHeaders"])) return p;
  for (const Value& header : rule["ExposeHeaders"].as_list()) {
    const std::string name(header.as_string());
    if (wildcards(name) > 0) {
      return invalid_request("ExposeHeader \"" + name +
                             "\" contains wildcard. We currently do not support wildcard for ExposeHeader.");
    }
    if (!is_header_name(name)) return model::malformed_xml();  // it becomes part of a header
  }
  return std::nullopt;
}

std::vector<std::string> texts(const Value& list) {
  std::vector<std::string> out;
  for (const Value& v : list.as_list()) out.emplace_back(v.as_string());
  return out;
}

// With at most one *, which stands for any run of characters.
bool matches(std::string_view pattern, std::string_view text) {
  const size_t star = pattern.find('*');
  if (star == pattern.npos) return pattern == text;
  const std::string_view front = pattern.substr(0, star), back = pattern.substr(star + 1);
  return text.size() >= front.size() + back.size() && text.starts_with(front) && text.ends_with(back);
}

bool any_matches(const std::vector<std::string>& patterns, std::string_view text) {
  return std::any_of(patterns.begin(), patterns.end(), [&](const std::string& p) { return matches(p, text); });
}

// The allowed origin that the page's matches; null where none does.
const std::string* allowing(const CorsRule& rule, const model::CorsRequest& request) {
  if (std::find(rule.methods.begin(), rule.methods.end(), request.method) == rule.methods.end()) return nullptr;
  if (request.preflight) {
    for (const std::string& header : request.headers) {
      if (!any_matches(rule.headers, header)) return nullptr;
    }
  }
  for (const std::string& origin : rule.origins) {
    if (matches(origin, request.origin)) return &origin;
  }
  return nullptr;
}

std::string joined(const std::vector<std::string>& all) {
  std::string out;
  for (const std::string& one : all) out.append(out.empty() ? "" : ", ").append(one);
  return out;
}

model::CorsHeaders answer(const CorsRule& rule, const std::string& allowed, const model::CorsRequest& request) {
  model::CorsHeaders out;
  const bool everyone = allowed == "*";
  out.emplace_back("Access-Control-Allow-Origin", everyone ? "*" : request.origin);
  out.emplace_back("Access-Control-Allow-Methods", joined(rule.methods));
  if (request.preflight && !request.headers.empty()) {
    out.emplace_back("Access-Control-Allow-Headers", joined(request.headers));
  }
  if (!rule.expose.empty()) out.emplace_back("Access-Control-Expose-Headers", joined(rule.expose));
  if (rule.max_age_seconds) out.emplace_back("Access-Control-Max-Age", std::to_string(*rule.max_age_seconds));
  // Browsers refuse credentials together with *.
  if (!everyone) out.emplace_back("Access-Control-Allow-Credentials", "true");
  out.emplace_back("Vary", "Origin, Access-Control-Request-Headers, Access-Control-Request-Method");
  return out;
}

}  // namespace

Problem check_cors(const Value& configuration) {
  const Value& rules = configuration["CORSRules"];
  if (rules.size() == 0) return model::malformed_xml();
  if (rules.size() > kMostRules) return invalid_request("The number of CORS rules should not exceed allowed limit of 100 rules.");
  if (text_size(configuration) > kMaxText) return api_error("MaxMessageLengthExceeded", "Your request was too big.");
  for (const Value& rule : rules.as_list()) {
    if (Problem p = check_rule(rule)) return p;
  }
  return std::nullopt;
}

std::vector<CorsRule> cors_rules(const Value& configuration) {
  std::vector<CorsRule> out;
  for (const Value& v : configuration["CORSRules"].as_list()) {
    CorsRule rule{
        texts(v["AllowedOrigins"]), texts(v["AllowedMethods"]), texts(v["AllowedHeaders"]), texts(v["ExposeHeaders"]), {}};
    for (std::string& header : rule.headers) header = lower(header);
    if (v["MaxAgeSeconds"].is_int()) rule.max_age_seconds = v["MaxAgeSeconds"].as_int();
    out.push_back(std::move(rule));
  }
  return out;
}

std::optional<model::CorsHeaders> cors_headers(const std::vector<CorsRule>& rules, const model::CorsRequest& request) {
  for (const CorsRule& rule : rules) {
    if (const std::string* allowed = allowing(rule, request)) return answer(rule, *allowed, request);
  }
  return std::nullopt;
}

}  // namespace gust::s3
