// SPDX-License-Identifier: Apache-2.0

#include "gateway/browser.h"

#include <algorithm>

#include "base/encoding.h"

namespace gust::gateway {
namespace {

bool matches(std::string_view host, std::string_view rule) {
  if (!rule.starts_with("*.")) return host == rule;
  return host.size() > rule.size() - 1 && host.ends_with(rule.substr(1));
}

// "b.s3" "b.s3.eu-west-1" "s3" "b" -> what is before the service's label.
std::string_view without_service(std::string_view name) {
  if (name == "s3" || name.starts_with("s3.") || name.starts_with("s3-")) return {};
  for (std::string_view mark : {".s3.", ".s3-"}) {
    size_t at = name.rfind(mark);
    if (at != name.npos) return name.substr(0, at);
  }
  if (name.ends_with(".s3")) return name.substr(0, name.size() - 3);
  return name;
}

}  // namespace

std::string_view host_name(std::string_view authority) {
  bool bracket = authority.starts_with('[');
  size_t end = bracket ? authority.find(']') : std::min(authority.find(':'), authority.size());
  if (end == authority.npos) return {};
  std::string_view port = authority.substr(bracket ? end + 1 : end);
  if (!port.empty() && (port[0] != ':' || port.find_first_not_of("0123456789", 1) != port.npos)) return {};
  return bracket ? authority.substr(1, end - 1) : authority.substr(0, end);
}

bool host_allowed(std::string_view authority, const std::vector<std::string>& configured) {
  std::string host = lower(host_name(authority));
  if (host == "127.0.0.1" || host == "localhost" || host == "::1" || matches(host, "*.localhost")) return true;
  for (const std::string& rule : configured) {
    if (matches(host, lower(rule))) return true;
  }
  return false;
}

Origin origin_of(const http::Headers& headers, const std::vector<std::string>& configured) {
  const std::string* origin = headers.find("origin");
  if (origin == nullptr) return Origin::None;
  std::string_view host = headers.get("host");
  for (std::string_view scheme : {"http://", "https://"}) {
    if (origin->size() == scheme.size() + host.size() && origin->starts_with(scheme) &&
        equal_ignoring_case(std::string_view(*origin).substr(scheme.size()), host)) {
      return Origin::Own;
    }
  }
  bool listed = std::find(configured.begin(), configured.end(), *origin) != configured.end();
  return listed ? Origin::Configured : Origin::Foreign;
}

std::string bucket_of_host(std::string_view authority, const std::vector<std::string>& configured) {
  std::string host = lower(host_name(authority));
  std::string_view name = host;
  if (matches(host, "*.localhost")) return std::string(without_service(name.substr(0, name.size() - 10)));
  for (const std::string& rule : configured) {
    std::string suffix = lower(rule);
    if (!suffix.starts_with("*.") || !matches(host, suffix)) continue;
    return std::string(without_service(name.substr(0, name.size() - suffix.size() + 1)));
  }
  return {};
}

}  // namespace gust::gateway
