// SPDX-License-Identifier: Apache-2.0

#pragma once

// The kinds of configuration documents that a bucket can have: their operations, what S3 refuses in them, and what it answers
// where there is none. Constant tables and pure functions.

#include <string_view>

#include <tl/expected.hpp>

#include "base/value.h"
#include "model/service.h"

namespace gust::s3 {

enum class Output { IsDocument, HasDocument };  // the answer's members are the document's, or one of them is the document

struct DocumentKind {
  std::string_view name;             // document_rows.h
  std::string_view put, get, erase;  // operations
  std::string_view member;           // of Put's input, and of Get's output that has the document
  Output output;
  // The document as it is kept, or S3's refusal.
  tl::expected<Value, model::ApiError> (*accept)(const model::Call& call, const Value& document);
  std::string_view code, text;  // of S3's error where there is none
  Value (*fallback)();          // what a bucket has without a row; null: nothing
  int put_status = 200;         // API reference, sample responses
};
// By one of its operations: find_kind(&DocumentKind::get, "GetBucketCors"). Null: not that of a kind.
const DocumentKind* find_kind(std::string_view DocumentKind::*verb, std::string_view operation);

// Operations on what no bucket here has: S3's answer of a new bucket.
struct Absent {
  std::string_view operation;
  std::string_view code, text;  // an error, or
  Value (*output)() = nullptr;  // an answer
};
const Absent* find_absent(std::string_view operation);

Value one(std::string_view member, Value value);  // a map of one member
Value ownership_controls(std::string_view object_ownership);
Value tagging(const Value& tag_set);

inline constexpr char kMinimumSize[] = "TransitionDefaultMinimumObjectSize";  // a lifecycle's member that is a header

}  // namespace gust::s3
