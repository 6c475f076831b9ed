// SPDX-License-Identifier: Apache-2.0

#include "model/table.h"

#include <algorithm>

namespace gust::model {
namespace {
constexpr const ServiceTable* kAll[] = {&kLambda, &kS3, &kDynamodb, &kLogs, &kSts};

template <class Condition>
const ServiceTable* find_if(Condition condition) {
  for (const ServiceTable* t : kAll) {
    if (condition(*t)) return t;
  }
  return nullptr;
}
}  // namespace

std::span<const ServiceTable* const> services() { return kAll; }

const ServiceTable* find_service(std::string_view id) {
  return find_if([&](const ServiceTable& t) { return t.id() == id; });
}
const ServiceTable* find_signing_name(std::string_view name) {
  return find_if([&](const ServiceTable& t) { return t.signing_name() == name; });
}
const ServiceTable* find_target_prefix(std::string_view prefix) {
  if (prefix.empty()) return nullptr;
  return find_if([&](const ServiceTable& t) { return t.target_prefix() == prefix; });
}

const Operation* ServiceTable::operation(std::string_view operation_name) const {
  auto all = operations();
  auto at = std::lower_bound(all.begin(), all.end(), operation_name,
                             [&](const Operation& o, std::string_view n) { return name(o) < n; });
  return at != all.end() && name(*at) == operation_name ? &*at : nullptr;
}

const ErrorInfo* ServiceTable::error(std::string_view code) const {
  for (const ErrorInfo& e : errors()) {
    if (text(e.code) == code) return &e;
  }
  return nullptr;
}

const Member* ServiceTable::member(const Shape& s, std::string_view member_name) const {
  for (const Member& m : members(s)) {
    if (text(m.name) == member_name) return &m;
  }
  return nullptr;
}

}  // namespace gust::model
