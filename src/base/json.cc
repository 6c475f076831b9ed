// SPDX-License-Identifier: Apache-2.0

#include "base/json.h"

#include <rapidjson/error/en.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/prettywriter.h>
#include <rapidjson/reader.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <optional>

#include "base/encoding.h"

namespace gust::json {
namespace {

constexpr unsigned kFlags = rapidjson::kParseIterativeFlag | rapidjson::kParseValidateEncodingFlag;

// RFC 8259 section 8.1: a byte order mark may be ignored. The library's own way takes half a mark for a whole one.
rapidjson::MemoryStream stream(std::string_view text) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  return {text.data(), text.size()};
}

// The library refuses a lone high surrogate but takes a lone low one, which has no UTF-8: only an escape can write it.
bool may_hold_surrogates(std::string_view text) { return text.find("\\u") != text.npos; }

// A number of the grammar as a double; nullopt beyond the largest one. NUL-ended because the library's texts are.
std::optional<double> real_of(const char* s, size_t n) {
  double real = 0;
  auto [stop, error] = std::from_chars(s, s + n, real);
  if (stop != s + n) return std::nullopt;
  // Out of range: beyond the largest double, or so small that it is zero.
  if (error != std::errc()) real = std::strtod(s, nullptr);
  return std::isfinite(real) ? std::optional<double>(real) : std::nullopt;
}

// Builds the tree from the parser's events; the stack holds the open containers.
struct Builder {
  Builder(const Limits& limits_in, bool check_in) : limits(limits_in), check(check_in) {}

  bool put(Value value) {
    if (++nodes > limits.nodes) return too_many = true, false;
    if (stack.empty()) {
      root = std::move(value);
    } else if (Value& top = *stack.back(); top.is_list()) {
      top.push(std::move(value));
    } else {
      add_member(top, std::move(value));
    }
    return true;
  }
  // Appended without a search for an equal name (that would be quadratic); settle() removes repeated names at the end.
  void add_member(Value& map, Value value) {
    map.map_ref().emplace_back(std::move(keys.back()), std::move(value));
    keys.pop_back();
  }
  bool open(Value container) {
    if (stack.size() >= limits.depth) return too_deep = true, false;
    if (!put(std::move(container))) return false;
    if (stack.empty()) {
      stack.push_back(&root);
    } else {
      Value& top = *stack.back();
      stack.push_back(top.is_list() ? &top.list_ref().back() : &top.map_ref().back().second);
    }
    return true;
  }
  bool close() {
    settle(*stack.back());
    stack.pop_back();
    return true;
  }
  static void settle(Value& container);

  bool Null() { return put(Value()); }
  bool Bool(bool v) { return put(Value(v)); }
  bool RawNumber(const char* s, rapidjson::SizeType n, bool) {
    const char* end = s + n;
    int64_t whole = 0;
    if (auto [stop, error] = std::from_chars(s, end, whole); stop == end && error == std::errc()) return put(Value(whole));
    const auto real = real_of(s, n);
    return real ? put(Value(*real)) : (too_big = true, false);
  }
  // Not called: numbers come as texts, because the library's own exact conversion is undefined for 0e9.
  bool Int(int) { return false; }
  bool Uint(unsigned) { return false; }
  bool Int64(int64_t) { return false; }
  bool Uint64(uint64_t) { return false; }
  bool Double(double) { return false; }
  bool String(const char* s, rapidjson::SizeType n, bool) { return good({s, n}) && put(Value(std::string(s, n))); }
  bool Key(const char* s, rapidjson::SizeType n, bool) { return good({s, n}) && (keys.emplace_back(s, n), true); }
  bool good(std::string_view s) const { return !check || is_utf8(s); }
  bool StartObject() { return open(Value::map()); }
  bool EndObject(rapidjson::SizeType) { return close(); }
  bool StartArray() { return open(Value::list()); }
  bool EndArray(rapidjson::SizeType) { return close(); }

  const Limits& limits;
  bool check;  // strings for lone surrogates
  size_t nodes = 0;
  bool too_deep = false, too_many = false, too_big = false;
  Value root;
  std::vector<Value*> stack;
  std::vector<std::string> keys;
};

void Builder::settle(Value& container) {
  if (!container.is_map() || container.size() < 2) return;
  Value::Map& map = container.map_ref();
  std::vector<uint32_t> order(map.size());
  for (uint32_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    int c = map[a].first.compare(map[b].first);
    return c != 0 ? c < 0 : a < b;
  });
  std::vector<bool> dead(map.size());
  bool any = false;
  for (size_t i = 0; i + 1 < order.size(); ++i) {
    if (map[order[i]].first == map[order[i + 1]].first) dead[order[i]] = any = true;
  }
  if (!any) return;
  Value::Map kept;
  for (size_t i = 0; i < map.size(); ++i) {
    if (!dead[i]) kept.push_back(std::move(map[i]));
  }
  map = std::move(kept);
}

struct Checker {
  Checker(size_t depth_limit, bool check_in) : limit(depth_limit), check(check_in) {}
  bool open() { return ++depth <= limit; }
  bool close() { return --depth, true; }
  bool Null() { return true; }
  bool Bool(bool) { return true; }
  // As parse() judges them: without an exponent only hundreds of digits can be too large.
  bool RawNumber(const char* s, rapidjson::SizeType n, bool) {
    const bool plain = n <= 300 && std::string_view(s, n).find_first_of("eE") == std::string_view::npos;
    return plain || real_of(s, n);
  }
  bool Int(int) { return false; }
  bool Uint(unsigned) { return false; }
  bool Int64(int64_t) { return false; }
  bool Uint64(uint64_t) { return false; }
  bool Double(double) { return false; }
  bool String(const char* s, rapidjson::SizeType n, bool) { return !check || is_utf8({s, n}); }
  bool Key(const char* s, rapidjson::SizeType n, bool) { return !check || is_utf8({s, n}); }
  bool StartObject() { return open(); }
  bool EndObject(rapidjson::SizeType) { return close(); }
  bool StartArray() { return open(); }
  bool EndArray(rapidjson::SizeType) { return close(); }
  size_t limit, depth = 0;
  bool check;
};

// Texts that came from elsewhere (a function's output, a header) may hold any bytes.
template <class Writer>
void write_string(Writer& out, std::string_view s) {
  if (!is_utf8(s)) return write_string(out, to_utf8(s));
  out.String(s.data(), static_cast<rapidjson::SizeType>(s.size()));
}

template <class Writer>
void write_to(Writer& out, const Value& value) {
  if (value.is_null()) {
    out.Null();
  } else if (value.is_bool()) {
    out.Bool(value.as_bool());
  } else if (value.is_int()) {
    out.Int64(value.as_int());
  } else if (value.is_double()) {
    std::isfinite(value.as_double()) ? out.Double(value.as_double()) : out.Null();
  } else if (value.is_string()) {
    write_string(out, value.as_string());
  } else if (value.is_blob()) {
    std::string s = base64_encode(value.as_string());
    out.String(s.data(), static_cast<rapidjson::SizeType>(s.size()));
  } else if (value.is_timestamp()) {
    out.Double(static_cast<double>(value.as_timestamp().unix_ms) / 1000.0);
  } else if (value.is_list()) {
    out.StartArray();
    for (const Value& v : value.as_list()) write_to(out, v);
    out.EndArray();
  } else {
    out.StartObject();
    for (const auto& [name, v] : value.as_map()) {
      write_string(out, name);
      write_to(out, v);
    }
    out.EndObject();
  }
}

}  // namespace

Result<Value> parse(std::string_view text, Limits limits) {
  if (text.size() > limits.bytes)
    return fail(Errc::TooLarge, "JSON text of more than " + std::to_string(limits.bytes) + " bytes");
  // The parser takes a NUL for the end of the text, whatever follows.
  if (size_t nul = text.find('\0'); nul != text.npos)
    return fail(Errc::Invalid, "not JSON: a NUL (at byte " + std::to_string(nul) + ")");
  rapidjson::MemoryStream input = stream(text);
  rapidjson::Reader reader;
  Builder builder(limits, may_hold_surrogates(text));
  if (reader.Parse<kFlags | rapidjson::kParseNumbersAsStringsFlag>(input, builder)) return std::move(builder.root);
  if (builder.too_many) return fail(Errc::TooLarge, "JSON of more than " + std::to_string(limits.nodes) + " values");
  if (builder.too_deep) return fail(Errc::TooLarge, "JSON nested deeper than " + std::to_string(limits.depth));
  if (builder.too_big) return fail(Errc::Invalid, "JSON with a number that is too large");
  return fail(Errc::Invalid, std::string("not JSON: ") + rapidjson::GetParseError_En(reader.GetParseErrorCode()) + " (at byte " +
                                 std::to_string(reader.GetErrorOffset()) + ")");
}

bool valid(std::string_view text, Limits limits) {
  if (text.size() > limits.bytes || text.find('\0') != text.npos) return false;
  rapidjson::MemoryStream input = stream(text);
  rapidjson::Reader reader;
  Checker checker(limits.depth, may_hold_surrogates(text));
  return !reader.Parse<kFlags | rapidjson::kParseNumbersAsStringsFlag>(input, checker).IsError();
}

std::string write(const Value& value) {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
  write_to(writer, value);
  return {buffer.GetString(), buffer.GetSize()};
}

std::string write_pretty(const Value& value) {
  rapidjson::StringBuffer buffer;
  rapidjson::PrettyWriter<rapidjson::StringBuffer> writer(buffer);
  writer.SetIndent(' ', 2);
  write_to(writer, value);
  return {buffer.GetString(), buffer.GetSize()};
}

std::string quote(std::string_view text) { return write(Value(text)); }

}  // namespace gust::json
