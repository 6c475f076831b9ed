// SPDX-License-Identifier: Apache-2.0

#include "services/s3/fields.h"

namespace gust::s3 {
namespace {

void put_varint(std::string& out, uint64_t n) {
  for (; n >= 0x80; n >>= 7) out += static_cast<char>((n & 0x7f) | 0x80);
  out += static_cast<char>(n);
}

// False where no varint is there.
bool get_varint(std::string_view& in, uint64_t& n) {
  n = 0;
  for (int shift = 0; shift < 64 && !in.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(in.front());
    in.remove_prefix(1);
    n |= uint64_t{byte & 0x7fu} << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

}  // namespace

void FieldWriter::element(uint8_t tag, std::string_view value) {
  bytes_ += static_cast<char>(tag);
  put_varint(bytes_, value.size());
  bytes_ += value;
}

void FieldWriter::text(uint8_t tag, std::string_view value) {
  if (!value.empty()) element(tag, value);
}

void FieldWriter::number(uint8_t tag, uint64_t value) {
  if (value == 0) return;
  std::string bytes;
  put_varint(bytes, value);
  element(tag, bytes);
}

bool FieldReader::next() {
  if (failed_ || rest_.empty()) return false;
  tag_ = static_cast<uint8_t>(rest_.front());
  rest_.remove_prefix(1);
  uint64_t length = 0;
  if (!get_varint(rest_, length) || length > rest_.size()) {
    failed_ = true;
    return false;
  }
  value_ = rest_.substr(0, length);
  rest_.remove_prefix(length);
  return true;
}

uint64_t FieldReader::number() const {
  std::string_view bytes = value_;
  uint64_t n = 0;
  return get_varint(bytes, n) ? n : 0;
}

}  // namespace gust::s3
