// SPDX-License-Identifier: Apache-2.0

#include "hosts/instance_type.h"

#include <cmath>

#include "base/json.h"
#include "os/files.h"

namespace gust::hosts {
namespace {

constexpr double kMostCpus = 1024;
constexpr int64_t kMostMemory_mib = 64 << 20;

}  // namespace

Result<> add_instance_types(std::string_view text, InstanceTypes& types) {
  const Value document = TRY(json::parse(text));
  if (document["types"].size() == 0) return fail(Errc::Invalid, "no instance types");
  for (const Value& entry : document["types"].as_list()) {
    InstanceType type;
    type.name = entry["name"].as_string();
    const double cpus = entry["vcpu"].as_double();
    const int64_t memory = entry["memory_mib"].as_int();
    if (type.name.empty() || !(cpus >= 0.01 && cpus <= kMostCpus) || memory < 16 || memory > kMostMemory_mib) {
      return fail(Errc::Invalid, "instance type " + type.name + " needs name, vcpu and memory_mib");
    }
    type.cpu_milli = static_cast<uint32_t>(std::lround(cpus * 1000));
    type.memory_mib = static_cast<uint32_t>(memory);
    if (!types.emplace(type.name, type).second) return fail(Errc::Exists, "instance type " + type.name + " is there twice");
  }
  return {};
}

Result<InstanceTypes> read_instance_types(const std::string& directory) {
  InstanceTypes types;
  for (const std::string& name : TRY(files::list(directory))) {
    if (!name.ends_with(".json")) continue;
    const std::string text = TRY(files::read(directory + "/" + name));
    if (auto added = add_instance_types(text, types); !added) return Failure(std::move(added).error().in(name));
  }
  return types;
}

Result<InstanceType> find_instance_type(const InstanceTypes& types, std::string_view name) {
  if (const auto found = types.find(name); found != types.end()) return found->second;
  std::string known;
  for (const auto& [other, type] : types) known.append(known.empty() ? "" : ", ").append(other);
  return fail(Errc::NotFound, "no instance type " + std::string(name) + "; there are: " + known);
}

}  // namespace gust::hosts
