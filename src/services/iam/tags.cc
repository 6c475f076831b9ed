// SPDX-License-Identifier: Apache-2.0

#include "services/iam/tags.h"

#include <algorithm>

#include "base/encoding.h"
#include "services/iam/page.h"
#include "services/iam/policies.h"
#include "services/iam/records.h"

namespace gust::iam {
namespace {

constexpr size_t kMostTags = 50;

Value* find_tag(Value::List& tags, std::string_view key) {
  const auto at = std::find_if(tags.begin(), tags.end(),
                               [key](const Value& tag) { return equal_ignoring_case(tag["Key"].as_string(), key); });
  return at == tags.end() ? nullptr : &*at;
}

// The tagged thing: by name, or a policy by its ARN.
Result<Value> target(Request& request, const Kind& kind) {
  return kind.noun == kPolicy.noun ? get_local_policy(request, request.text("PolicyArn")) : get(request, kind);
}

template <const Kind& kind>
Result<Value> tag(Request& request) {
  Value entity = TRY(target(request, kind));
  TRY(add_tags(request, entity, request.input()["Tags"]));
  TRY(save(request, kind, entity));
  return Value::map();
}

template <const Kind& kind>
Result<Value> untag(Request& request) {
  Value entity = TRY(target(request, kind));
  Value::List& tags = entity.set("Tags", entity["Tags"]).list_ref();
  for (const Value& key : request.input()["TagKeys"].as_list()) {
    std::erase_if(tags, [&key](const Value& t) { return equal_ignoring_case(t["Key"].as_string(), key.as_string()); });
  }
  TRY(save(request, kind, entity));
  return Value::map();
}

template <const Kind& kind>
Result<Value> list_tags(Request& request) {
  const Value entity = TRY(target(request, kind));
  Value::List sorted = entity["Tags"].as_list();
  std::sort(sorted.begin(), sorted.end(),
            [](const Value& a, const Value& b) { return a["Key"].as_string() < b["Key"].as_string(); });
  return page_of(request, "Tags", std::move(sorted), [](const Value& t) { return std::string(t["Key"].as_string()); });
}

}  // namespace

Result<> add_tags(Request& request, Value& entity, const Value& tags) {
  Value::List& held = entity.set("Tags", entity["Tags"]).list_ref();
  std::vector<std::string> seen;
  for (const Value& tag : tags.as_list()) {
    std::string key = lower(tag["Key"].as_string());
    if (key.starts_with("aws:")) return request.invalid_input("System tags cannot be added or changed.");
    if (std::find(seen.begin(), seen.end(), key) != seen.end()) {
      return request.invalid_input("Duplicate tag keys found. Please note that Tag keys are case insensitive.");
    }
    seen.push_back(key);
    Value* known = find_tag(held, key);
    if (known == nullptr) known = &held.emplace_back(Value::map());
    known->set("Key", tag["Key"]);
    known->set("Value", tag["Value"]);
  }
  if (held.size() > kMostTags) {
    return request.limit_exceeded("The number of tags has reached the maximum limit of " + std::to_string(kMostTags) + ".");
  }
  return {};
}

std::vector<Operation> tag_operations() {
  return {{"TagRole", Access::Writes, tag<kRole>},
          {"UntagRole", Access::Writes, untag<kRole>},
          {"ListRoleTags", Access::Reads, list_tags<kRole>},
          {"TagUser", Access::Writes, tag<kUser>},
          {"UntagUser", Access::Writes, untag<kUser>},
          {"ListUserTags", Access::Reads, list_tags<kUser>},
          {"TagPolicy", Access::Writes, tag<kPolicy>},
          {"UntagPolicy", Access::Writes, untag<kPolicy>},
          {"ListPolicyTags", Access::Reads, list_tags<kPolicy>},
          {"TagInstanceProfile", Access::Writes, tag<kInstanceProfile>},
          {"UntagInstanceProfile", Access::Writes, untag<kInstanceProfile>},
          {"ListInstanceProfileTags", Access::Reads, list_tags<kInstanceProfile>}};
}

}  // namespace gust::iam
