// SPDX-License-Identifier: Apache-2.0

#include "model/table.h"

#include <algorithm>

namespace gust::model {
namespace {
constexpr const ServiceTable* kAll[] = {
    &kLambda, &kS3,  &kDynamodb, &kDynamodbstreams, &kSqs, &kSns, &kLogs, &kCloudwatch, &kEvents, &kScheduler, &kCloudformation,
    &kIam,    &kSts, &kSsm,      &kSecretsmanager,  &kKms, &kEcr, &kEc2,  &kAutoscaling};

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
const ServiceTable* find_signing_name(std::string_view name, std::string_view target) {
  const ServiceTable* by_target = find_target_prefix(target.substr(0, std::min(target.rfind('.'), target.size())));
  if (by_target && by_target->signing_name() == name) return by_target;
  return find_if([&](const ServiceTable& t) { return t.signing_name() == name; });
}
const ServiceTable* find_host(std::string_view host) {
  auto starts = [&](std::string_view label) {
    return !label.empty() && host.size() > label.size() && host[label.size()] == '.' && host.starts_with(label);
  };
  return find_if([&](const ServiceTable& t) { return starts(t.host_prefix()) || starts(t.id()); });
}
const ServiceTable* find_form_version(std::string_view version) {
  return find_if(
      [&](const ServiceTable& t) { return t.version() == version && (t.speaks(Protocol::Query) || t.speaks(Protocol::Ec2)); });
}
const ServiceTable* find_target_prefix(std::string_view prefix) {
  if (prefix.empty()) return nullptr;
  return find_if([&](const ServiceTable& t) { return t.target_prefix() == prefix; });
}

bool ServiceTable::speaks(Protocol p) const { return std::find(protocols().begin(), protocols().end(), p) != protocols().end(); }

std::string_view ServiceTable::form_name(const Member& m) const {
  auto index = static_cast<uint16_t>(&m - member_data);
  const FormName* end = form_name_data + form_name_count;
  const FormName* at = std::lower_bound(form_name_data, end, index, [](const FormName& f, uint16_t i) { return f.member < i; });
  return text(at != end && at->member == index ? at->name : m.wire);
}

const Operation* ServiceTable::operation(std::string_view operation_name) const {
  auto all = operations();
  auto at = std::lower_bound(all.begin(), all.end(), operation_name,
                             [&](const Operation& o, std::string_view n) { return name(o) < n; });
  return at != all.end() && name(*at) == operation_name ? &*at : nullptr;
}

const ErrorInfo* ServiceTable::error(std::string_view code) const {
  for (const ErrorInfo& e : errors()) {
    if (text(e.code) == code || text(e.name) == code) return &e;
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
