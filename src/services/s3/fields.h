// SPDX-License-Identifier: Apache-2.0

#pragma once

// How rows of this service are stored: (tag, length, bytes) one after the other, numbers as varints. A reader skips tags
// that it does not know, so that a record can gain members between versions. Tags are on disk: never reuse one.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace gust::s3 {

class FieldWriter {
 public:
  void text(uint8_t tag, std::string_view value);  // an empty text is left out
  void number(uint8_t tag, uint64_t value);        // so is a zero
  // Of a list: every element is written, empty ones too.
  void element(uint8_t tag, std::string_view value);
  std::string take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

class FieldReader {
 public:
  explicit FieldReader(std::string_view bytes) : rest_(bytes) {}
  // The next field; false at the end or where the rest is malformed (then failed()).
  bool next();
  bool failed() const { return failed_; }
  uint8_t tag() const { return tag_; }
  std::string_view bytes() const { return value_; }
  std::string text() const { return std::string(value_); }
  uint64_t number() const;

 private:
  std::string_view rest_, value_;
  uint8_t tag_ = 0;
  bool failed_ = false;
};

}  // namespace gust::s3
