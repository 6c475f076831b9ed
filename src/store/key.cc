// SPDX-License-Identifier: Apache-2.0

#include "store/key.h"

namespace gust::store {

Key& Key::text(std::string_view part) {
  for (char c : part) {
    bytes_ += c;
    if (c == '\0') bytes_ += '\xFF';
  }
  bytes_ += '\0';
  bytes_ += '\x01';
  return *this;
}

Key& Key::number(uint64_t part) {
  for (int shift = 56; shift >= 0; shift -= 8) bytes_ += static_cast<char>(part >> shift);
  return *this;
}

Key& Key::raw(std::string_view part) {
  bytes_ += part;
  return *this;
}

std::string Key::end() const { return prefix_end(bytes_); }

std::string prefix_end(std::string_view prefix) {
  std::string end(prefix);
  while (!end.empty() && end.back() == '\xFF') end.pop_back();
  if (!end.empty()) end.back() = static_cast<char>(end.back() + 1);
  return end;
}

Result<std::string> KeyReader::text() {
  std::string out;
  for (size_t i = 0; i + 1 < rest_.size(); ++i) {
    if (rest_[i] != '\0') {
      out += rest_[i];
    } else if (rest_[i + 1] == '\xFF') {
      out += rest_[i++];
    } else if (rest_[i + 1] == '\x01') {
      rest_.remove_prefix(i + 2);
      return out;
    } else {
      break;
    }
  }
  return fail(Errc::Invalid, "a store key without its text part");
}

Result<uint64_t> KeyReader::number() {
  if (rest_.size() < 8) return fail(Errc::Invalid, "a store key without its number");
  uint64_t v = 0;
  for (int i = 0; i < 8; ++i) v = v << 8 | static_cast<unsigned char>(rest_[i]);
  rest_.remove_prefix(8);
  return v;
}

}  // namespace gust::store
