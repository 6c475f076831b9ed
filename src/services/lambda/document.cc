// SPDX-License-Identifier: Apache-2.0

#include "services/lambda/document.h"

#include <bit>
#include <cstdint>

namespace gust::lambda {
namespace {

constexpr int kMaxDepth = 16;
enum Tag : char {
  kNull = 0,
  kFalse = 1,
  kTrue = 2,
  kInt = 3,
  kDouble = 4,
  kString = 5,
  kBlob = 6,
  kTime = 7,
  kList = 8,
  kMap = 9
};

void put_length(std::string& out, uint64_t n) {
  for (; n >= 0x80; n >>= 7) out += static_cast<char>((n & 0x7f) | 0x80);
  out += static_cast<char>(n);
}
void put_number(std::string& out, uint64_t n) {
  for (int i = 0; i < 8; ++i) out += static_cast<char>(n >> (8 * i));
}
void put_text(std::string& out, std::string_view text) {
  put_length(out, text.size());
  out += text;
}

void put(std::string& out, const Value& value) {
  if (value.is_bool()) {
    out += value.as_bool() ? kTrue : kFalse;
  } else if (value.is_int()) {
    out += kInt, put_number(out, static_cast<uint64_t>(value.as_int()));
  } else if (value.is_double()) {
    out += kDouble, put_number(out, std::bit_cast<uint64_t>(value.as_double()));
  } else if (value.is_string()) {
    out += kString, put_text(out, value.as_string());
  } else if (value.is_blob()) {
    out += kBlob, put_text(out, value.as_string());
  } else if (value.is_timestamp()) {
    out += kTime, put_number(out, static_cast<uint64_t>(value.as_timestamp().unix_ms));
  } else if (value.is_list()) {
    out += kList, put_length(out, value.size());
    for (const Value& element : value.as_list()) put(out, element);
  } else if (value.is_map()) {
    out += kMap, put_length(out, value.size());
    for (const auto& [name, member] : value.as_map()) put_text(out, name), put(out, member);
  } else {
    out += kNull;
  }
}

class Reader {
 public:
  explicit Reader(std::string_view rest) : rest_(rest) {}
  bool at_end() const { return rest_.empty(); }

  Result<Value> value(int depth) {
    if (depth > kMaxDepth || rest_.empty()) return bad();
    const char tag = rest_.front();
    rest_.remove_prefix(1);
    switch (tag) {
      case kNull:
        return Value();
      case kFalse:
        return Value(false);
      case kTrue:
        return Value(true);
      case kInt:
        return Value(static_cast<long long>(TRY(number())));
      case kDouble:
        return Value(std::bit_cast<double>(TRY(number())));
      case kString:
        return Value(TRY(text()));
      case kBlob:
        return Value(Blob{TRY(text())});
      case kTime:
        return Value(Timestamp{static_cast<int64_t>(TRY(number()))});
      case kList:
        return list(depth);
      case kMap:
        return map(depth);
      default:
        return bad();
    }
  }

 private:
  static Failure bad() { return fail(Errc::Invalid, "malformed stored document"); }

  Result<uint64_t> number() {
    if (rest_.size() < 8) return bad();
    uint64_t n = 0;
    for (int i = 0; i < 8; ++i) n |= uint64_t{static_cast<unsigned char>(rest_[i])} << (8 * i);
    rest_.remove_prefix(8);
    return n;
  }
  Result<uint64_t> length() {
    uint64_t n = 0;
    for (int shift = 0; shift < 35; shift += 7) {
      if (rest_.empty()) return bad();
      const auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      n |= uint64_t{byte & 0x7fu} << shift;
      if (byte < 0x80) return n;
    }
    return bad();
  }
  Result<std::string> text() {
    const uint64_t n = TRY(length());
    if (n > rest_.size()) return bad();
    std::string out(rest_.substr(0, n));
    rest_.remove_prefix(n);
    return out;
  }
  Result<Value> list(int depth) {
    const uint64_t n = TRY(length());
    Value out = Value::list();
    for (uint64_t i = 0; i < n; ++i) out.push(TRY(value(depth + 1)));
    return out;
  }
  Result<Value> map(int depth) {
    const uint64_t n = TRY(length());
    Value out = Value::map();
    Value::Map& members = out.map_ref();
    for (uint64_t i = 0; i < n; ++i) {
      std::string name = TRY(text());
      members.emplace_back(std::move(name), TRY(value(depth + 1)));
    }
    return out;
  }

  std::string_view rest_;
};

}  // namespace

std::string encode_document(const Value& value) {
  std::string out;
  put(out, value);
  return out;
}

Result<Value> decode_document(std::string_view bytes) {
  Reader reader(bytes);
  Value value = TRY(reader.value(0));
  if (!reader.at_end()) return fail(Errc::Invalid, "bytes behind a stored document");
  return value;
}

}  // namespace gust::lambda
