// SPDX-License-Identifier: Apache-2.0

#include "model/cbor.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "base/encoding.h"

namespace gust::model {
namespace {

enum Major : uint8_t { kUnsigned, kNegative, kBytes, kText, kArray, kMap, kTag, kSimple };
constexpr uint8_t kIndefinite = 31;  // additional information: length unknown; in major 7: the end of such a one
constexpr uint64_t kEpochTag = 1;

double half(uint16_t bits) {  // RFC 8949 appendix D
  int exponent = bits >> 10 & 0x1F;
  double mantissa = bits & 0x3FF;
  double v = exponent == 0    ? std::ldexp(mantissa, -24)
             : exponent != 31 ? std::ldexp(mantissa + 1024, exponent - 25)
             : mantissa == 0  ? INFINITY
                              : NAN;
  return bits & 0x8000 ? -v : v;
}

class Reader {
 public:
  Reader(std::string_view bytes, const CborLimits& limits) : rest_(bytes), limits_(limits) {}

  Result<Value> document() {
    Value v = TRY(item(0));
    if (!rest_.empty()) return fail(Errc::Invalid, "CBOR goes on after its end");
    return v;
  }

 private:
  struct Head {
    uint8_t major, info;
    uint64_t argument;
  };

  Result<uint64_t> number(size_t bytes) {
    if (rest_.size() < bytes) return fail(Errc::Invalid, "CBOR ends too soon");
    uint64_t n = 0;
    for (size_t i = 0; i < bytes; ++i) n = n << 8 | static_cast<uint8_t>(rest_[i]);
    rest_.remove_prefix(bytes);
    return n;
  }
  Result<Head> head() {
    auto first = static_cast<uint8_t>(TRY(number(1)));
    Head h{static_cast<uint8_t>(first >> 5), static_cast<uint8_t>(first & 31), 0};
    if (h.info < 24) h.argument = h.info;
    else if (h.info < 28) h.argument = TRY(number(size_t{1} << (h.info - 24)));
    else if (h.info != kIndefinite || h.major < kBytes || h.major == kTag)
      return fail(Errc::Invalid, "CBOR has a bad initial byte");
    return h;
  }
  bool at_break() {
    if (rest_.empty() || static_cast<uint8_t>(rest_[0]) != 0xFF) return false;
    rest_.remove_prefix(1);
    return true;
  }

  Result<Value> item(size_t depth) {
    if (depth > limits_.depth) return fail(Errc::TooLarge, "CBOR is nested too deep");
    if (++nodes_ > limits_.nodes) return fail(Errc::TooLarge, "CBOR has too many items");
    Head h = TRY(head());
    switch (h.major) {
      case kUnsigned:
      case kNegative:
        if (h.argument > INT64_MAX) return fail(Errc::Invalid, "CBOR has an integer out of range");
        return Value(h.major == kUnsigned ? static_cast<int64_t>(h.argument) : -1 - static_cast<int64_t>(h.argument));
      case kBytes:
      case kText:
        return string(h);
      case kArray:
        return array(h, depth);
      case kMap:
        return map(h, depth);
      case kTag:
        return tagged(h.argument, depth);
      default:
        return simple(h);
    }
  }

  Result<> chunk(const Head& h, std::string& out) {
    if (h.argument > rest_.size()) return fail(Errc::Invalid, "CBOR ends too soon");
    out.append(rest_.substr(0, h.argument));
    rest_.remove_prefix(h.argument);
    return {};
  }
  Result<Value> string(const Head& h) {
    std::string out;
    if (h.info != kIndefinite) {
      TRY(chunk(h, out));
    } else {
      while (!at_break()) {
        Head next = TRY(head());
        if (next.major != h.major || next.info == kIndefinite) return fail(Errc::Invalid, "CBOR has a bad chunk");
        TRY(chunk(next, out));
      }
    }
    if (h.major == kBytes) return Value(Blob{std::move(out)});
    if (!is_utf8(out)) return fail(Errc::Invalid, "CBOR has text that is not UTF-8");
    return Value(std::move(out));
  }

  // Whether another element follows; `left` counts down.
  Result<bool> more(const Head& h, uint64_t& left) {
    if (h.info == kIndefinite) {
      if (rest_.empty()) return fail(Errc::Invalid, "CBOR ends too soon");
      return !at_break();
    }
    return left-- > 0;
  }
  Result<Value> array(const Head& h, size_t depth) {
    Value out = Value::list();
    uint64_t left = h.argument;
    while (TRY(more(h, left))) out.push(TRY(item(depth + 1)));
    return out;
  }
  Result<Value> map(const Head& h, size_t depth) {
    Value out = Value::map();
    uint64_t left = h.argument;
    while (TRY(more(h, left))) {
      Head key_head = TRY(head());
      if (key_head.major != kText) return fail(Errc::Invalid, "CBOR has a key that is not text");
      Value key = TRY(string(key_head));
      Value v = TRY(item(depth + 1));
      out.map_ref().emplace_back(key.as_string(), std::move(v));
    }
    settle(out.map_ref());
    return out;
  }
  // Repeated keys: the last one stays. Found by sorting, because there may be many.
  static void settle(Value::Map& map) {
    std::vector<const Value::Member*> order;
    for (const auto& member : map) order.push_back(&member);
    std::sort(order.begin(), order.end(), [](auto a, auto b) {
      int c = a->first.compare(b->first);
      return c != 0 ? c < 0 : a < b;
    });
    std::vector<bool> dead(map.size());
    bool any = false;
    for (size_t i = 0; i + 1 < order.size(); ++i) {
      if (order[i]->first == order[i + 1]->first) dead[static_cast<size_t>(order[i] - map.data())] = any = true;
    }
    if (!any) return;
    Value::Map kept;
    for (size_t i = 0; i < map.size(); ++i) {
      if (!dead[i]) kept.push_back(std::move(map[i]));
    }
    map = std::move(kept);
  }

  Result<Value> tagged(uint64_t tag, size_t depth) {
    Value v = TRY(item(depth + 1));
    if (tag != kEpochTag) return v;
    if (v.is_int() && std::abs(v.as_double()) < 1e12) return Value(Timestamp{v.as_int() * 1000});
    if (!v.is_double() || !(std::abs(v.as_double()) < 1e12)) return fail(Errc::Invalid, "CBOR has a bad timestamp");
    return Value(Timestamp{static_cast<int64_t>(std::llround(v.as_double() * 1000))});
  }
  static Result<Value> simple(const Head& h) {
    switch (h.info) {
      case 20:
      case 21:
        return Value(h.info == 21);
      case 22:
      case 23:
        return Value();
      case 25:
        return Value(half(static_cast<uint16_t>(h.argument)));
      case 26:
        return Value(static_cast<double>(std::bit_cast<float>(static_cast<uint32_t>(h.argument))));
      case 27:
        return Value(std::bit_cast<double>(h.argument));
      default:
        return fail(Errc::Invalid, "CBOR has an unknown simple value");
    }
  }

  std::string_view rest_;
  const CborLimits& limits_;
  size_t nodes_ = 0;
};

void append_number(std::string& out, uint64_t n, size_t bytes) {
  for (size_t i = bytes; i-- > 0;) out += static_cast<char>(n >> (8 * i));
}

void append_head(std::string& out, Major major, uint64_t argument) {
  auto first = static_cast<uint8_t>(major << 5);
  size_t bytes = argument < 24 ? 0 : argument <= 0xFF ? 1 : argument <= 0xFFFF ? 2 : argument <= 0xFFFFFFFF ? 4 : 8;
  if (bytes == 0) {
    out += static_cast<char>(first | argument);
    return;
  }
  out += static_cast<char>(first | (bytes == 1 ? 24 : bytes == 2 ? 25 : bytes == 4 ? 26 : 27));
  append_number(out, argument, bytes);
}

void append_double(std::string& out, double v) {
  float narrow = std::abs(v) <= std::numeric_limits<float>::max() ? static_cast<float>(v) : 0;
  if (static_cast<double>(narrow) == v) {
    out += '\xFA';
    append_number(out, std::bit_cast<uint32_t>(narrow), 4);
  } else {
    out += '\xFB';
    append_number(out, std::bit_cast<uint64_t>(v), 8);
  }
}

void append_int(std::string& out, int64_t v) {
  if (v >= 0) append_head(out, kUnsigned, static_cast<uint64_t>(v));
  else append_head(out, kNegative, static_cast<uint64_t>(-1 - v));
}

void append_text(std::string& out, std::string_view text) {
  std::string repaired;
  if (!is_utf8(text)) text = repaired = to_utf8(text);
  append_head(out, kText, text.size());
  out.append(text);
}

void append(std::string& out, const Value& v) {
  if (v.is_map()) {
    append_head(out, kMap, v.size());
    for (const auto& [name, member] : v.as_map()) {
      append_text(out, name);
      append(out, member);
    }
  } else if (v.is_list()) {
    append_head(out, kArray, v.size());
    for (const Value& element : v.as_list()) append(out, element);
  } else if (v.is_blob()) {
    append_head(out, kBytes, v.as_string().size());
    out.append(v.as_string());
  } else if (v.is_string()) {
    append_text(out, v.as_string());
  } else if (v.is_timestamp()) {
    int64_t ms = v.as_timestamp().unix_ms;
    append_head(out, kTag, kEpochTag);
    if (ms % 1000 == 0) append_int(out, ms / 1000);
    else append_double(out, static_cast<double>(ms) / 1000);
  } else if (v.is_int()) {
    append_int(out, v.as_int());
  } else if (v.is_double()) {
    append_double(out, v.as_double());
  } else {
    out += v.is_null() ? '\xF6' : v.as_bool() ? '\xF5' : '\xF4';
  }
}

}  // namespace

Result<Value> parse_cbor(std::string_view bytes, CborLimits limits) { return Reader(bytes, limits).document(); }

std::string write_cbor(const Value& value) {
  std::string out;
  append(out, value);
  return out;
}

}  // namespace gust::model
