// SPDX-License-Identifier: Apache-2.0

#pragma once

// Checks decoded input against the model: required members, lengths, ranges, patterns, enumerations. Patterns run in RE2
// (linear time, bounded memory) and are compiled when first needed. Thread-safe.

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/value.h"
#include "model/table.h"

namespace re2 {
class RE2;
}

namespace gust::model {

enum class Fault { Missing, Length, Range, Pattern, Enumeration };
struct Violation {
  Fault fault;
  const Member* member = nullptr;  // null: an element or key
  uint16_t shape = kNone;
  std::string path;  // "keySchema.1.member.attributeName"
  std::string text;  // "Value '..' at '..' failed to satisfy constraint: Member must ..."
  std::string value;
};

class Constraints {
 public:
  explicit Constraints(const ServiceTable& table);
  ~Constraints();
  // At most kMaxViolations of them. `payload`: the payload member came in `raw bytes`, so it counts as there.
  static constexpr size_t kMaxViolations = 10;
  std::vector<Violation> check(const Operation& operation, const Value& input, bool has_raw_payload) const;
  // Patterns that RE2 refuses (they would not be enforced); for the test that there is none.
  std::string unreadable_patterns() const;

 private:
  struct Walk;
  struct Patterns {  // of one constraint; compiled when first needed
    std::atomic<re2::RE2*> match, reject;
  };
  bool matches(const Constraint& c, std::string_view text) const;
  const re2::RE2& compiled(Text pattern, std::atomic<re2::RE2*>& slot) const;

  Patterns& patterns(const Constraint& c) const;

  const ServiceTable& table_;
  mutable std::once_flag made_;  // most services never check a pattern
  mutable std::unique_ptr<Patterns[]> patterns_;
};

// "1 validation error detected: ...", "2 validation errors detected: ...; ...".
std::string joined(const std::vector<Violation>& violations);

}  // namespace gust::model
