// SPDX-License-Identifier: Apache-2.0

#pragma once

// Answers as JSON text straight from their values: what json::write makes of to_document's result, without the copy of the
// tree in between. Pure functions over immutable tables.

#include <string>
#include <string_view>

#include "base/value.h"
#include "model/table.h"

namespace gust::model {

void append_json(const ServiceTable& table, std::string& out, uint16_t shape, TimeFormat format, const Value& value);

// Finds members by name in the order in which answers are built: mostly each is the next of the shape.
class MemberFinder {
 public:
  MemberFinder(const ServiceTable& table, const Shape& s) : table_(table), members_(table.members(s)) {}
  const Member* find(std::string_view name) {
    for (size_t tried = 0; tried < members_.size(); ++tried) {
      const Member& m = members_[next_];
      next_ = next_ + 1 == members_.size() ? 0 : next_ + 1;
      if (table_.text(m.name) == name) return &m;
    }
    return nullptr;
  }

 private:
  const ServiceTable& table_;
  std::span<const Member> members_;
  size_t next_ = 0;
};

}  // namespace gust::model
