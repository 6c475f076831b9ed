// SPDX-License-Identifier: Apache-2.0

#include "sandbox/request_check.h"

#include <algorithm>

#include "sandbox/sandbox.h"

namespace gust::sandbox {
namespace {

constexpr uint64_t kLeastMemory = 4 << 20, kMostMemory = uint64_t{1} << 44;
constexpr uint64_t kLeastTmp = 1 << 20, kMostTmp = uint64_t{1} << 42;
constexpr uint32_t kMostPids = 1 << 22;  // the kernel's PID_MAX_LIMIT

bool allowed(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '_' || c == '-';
}

}  // namespace

bool is_code_name(std::string_view name) {
  return !name.empty() && name.size() <= 80 && name[0] != '.' && std::all_of(name.begin(), name.end(), allowed);
}

const char* problem_of(const wire::Request& request, size_t fds, bool can_unpack) {
  bool unpack = request.kind == static_cast<uint32_t>(Kind::Unpack);
  if (request.kind < 1 || request.kind > 3) return "kind";
  if (request.memory_bytes < kLeastMemory || request.memory_bytes > kMostMemory) return "memory out of range";
  if (request.tmp_bytes != 0 && (request.tmp_bytes < kLeastTmp || request.tmp_bytes > kMostTmp)) return "/tmp out of range";
  if (request.pids < 2 || request.pids > kMostPids) return "pids out of range";
  if (request.visible_cpus == 0) return "no visible CPU";
  if (request.inherit > wire::kMaxInherit || (request.inherit && !unpack)) return "inherited descriptors";
  if (fds != 3 + request.inherit) return "descriptors";
  std::string_view code = wire::get(request.code), output = wire::get(request.output);
  if (unpack && !can_unpack) return "no unpack helper is configured";
  if (unpack ? !code.empty() || !is_code_name(output) : !is_code_name(code) || !output.empty()) return "directory name";
  return nullptr;
}

}  // namespace gust::sandbox
