// SPDX-License-Identifier: Apache-2.0

#pragma once

// Sizes of servers, from data/instance-types/*.json: {"date", "source", "types": [{"name", "vcpu", "memory_mib"}]}.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/result.h"

namespace gust::hosts {

struct InstanceType {
  std::string name;
  uint32_t cpu_milli = 0;  // thousandths of a vCPU
  uint32_t memory_mib = 0;
  bool operator==(const InstanceType&) const = default;
};
using InstanceTypes = std::map<std::string, InstanceType, std::less<>>;

// Adds the types of one file's text. Invalid where a member is missing or out of range, Exists where a name comes twice.
Result<> add_instance_types(std::string_view text, InstanceTypes& types);
// All *.json of a directory. Blocking.
Result<InstanceTypes> read_instance_types(const std::string& directory);
// NotFound naming the known ones.
Result<InstanceType> find_instance_type(const InstanceTypes& types, std::string_view name);

}  // namespace gust::hosts
