// SPDX-License-Identifier: Apache-2.0

#pragma once

// XML documents <-> values in the terms of a shape (rest-xml, and the answers of the query protocol). Parsing is pugixml
// (iterative; document types and entities of a stranger are not expanded), bounded in bytes, nodes and depth. Pure
// functions over immutable tables.

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/value.h"
#include "model/table.h"

namespace gust::model {

struct XmlLimits {
  size_t bytes = 4 << 20;
  size_t nodes = 200'000;
  size_t depth = 32;
};

// The document's root must be named `root` where that is not empty. Errors: Invalid, TooLarge.
Result<Value> from_xml(const ServiceTable& table, uint16_t shape, std::string_view root, std::string_view text,
                       XmlLimits limits = {});

// Appends <name ...>value</name>. `xmlns` may be empty; `member` may be null (its flags and time format are then default).
void append_xml(const ServiceTable& table, std::string& out, std::string_view name, uint16_t shape, const Member* member,
                const Value& value, std::string_view xmlns = {});
// A number that elements of flattened lists may hold beside their members. It is not written: lists whose elements have it are
// written as one, in the order of their numbers (S3's versions and delete markers come in one sequence).
constexpr std::string_view kXmlOrder = "_order";
// Appends the members of a structure without an element around them, those that stand in the document only.
void append_xml_members(const ServiceTable& table, std::string& out, uint16_t shape, const Value& value);
// For text of errors: a list or map of plain values as elements named by their keys.
void append_xml_plain(std::string& out, std::string_view name, const Value& value);

}  // namespace gust::model
