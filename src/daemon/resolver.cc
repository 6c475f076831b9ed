// SPDX-License-Identifier: Apache-2.0

#include "daemon/resolver.h"

#include <cstdint>

#include "base/encoding.h"

namespace gust::daemon {
namespace {

constexpr size_t kHeader = 12;
constexpr uint16_t kTypeA = 1, kTypeAny = 255, kClassIn = 1;
constexpr uint8_t kNoError = 0, kNotImplemented = 4, kNameError = 3, kFormatError = 1;

uint16_t read16(std::string_view bytes, size_t at) {
  return static_cast<uint16_t>(static_cast<uint8_t>(bytes[at]) << 8 | static_cast<uint8_t>(bytes[at + 1]));
}

void put16(std::string& out, uint16_t value) {
  out += static_cast<char>(value >> 8);
  out += static_cast<char>(value);
}

struct Question {
  std::string name;  // lower case, without the last dot
  uint16_t type = 0, klass = 0;
  size_t end = 0;  // behind it
};

// False where it is cut off, compressed (no question is) or longer than names may be.
bool read_question(std::string_view query, Question& question) {
  size_t at = kHeader;
  while (at < query.size() && query[at] != 0) {
    const size_t length = static_cast<uint8_t>(query[at]);
    if (length > 63 || at + 1 + length >= query.size() || question.name.size() + length > 254) return false;
    if (!question.name.empty()) question.name += '.';
    question.name += query.substr(at + 1, length);
    at += 1 + length;
  }
  if (at + 5 > query.size()) return false;
  question.name = lower(question.name);
  question.type = read16(query, at + 1);
  question.klass = read16(query, at + 3);
  question.end = at + 5;
  return true;
}

std::string header(std::string_view query, uint8_t code, uint16_t questions, uint16_t answers) {
  std::string out(query.substr(0, 2));
  out += static_cast<char>(0x84 | (query[2] & 0x79));  // a response, authoritative; opcode and recursion desired as asked
  out += static_cast<char>(0x80 | code);
  put16(out, questions), put16(out, answers), put16(out, 0), put16(out, 0);
  return out;
}

}  // namespace

std::string answer_dns(std::string_view query) {
  if (query.size() < kHeader || query.size() > kMaxDnsQuery || (query[2] & 0x80) != 0) return "";
  if ((query[2] & 0x78) != 0) return header(query, kNotImplemented, 0, 0);
  Question question;
  if (read16(query, 4) != 1 || !read_question(query, question)) return header(query, kFormatError, 0, 0);
  const std::string_view asked = query.substr(kHeader, question.end - kHeader);
  const bool ours = question.name == "localhost" || question.name.ends_with(".localhost");
  if (!ours || question.klass != kClassIn) return header(query, kNameError, 1, 0).append(asked);
  const bool address = question.type == kTypeA || question.type == kTypeAny;
  std::string out = header(query, kNoError, 1, address ? 1 : 0).append(asked);
  if (!address) return out;      // no AAAA: the gateway listens on 127.0.0.1 only
  put16(out, 0xc000 | kHeader);  // the question's name
  put16(out, kTypeA), put16(out, kClassIn), put16(out, 0), put16(out, 60), put16(out, 4);
  return out.append({127, 0, 0, 1});
}

}  // namespace gust::daemon
