// SPDX-License-Identifier: Apache-2.0

#include "services/logs/log_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "base/encoding.h"
#include "base/ids.h"
#include "meter/log_format.h"
#include "os/files.h"

namespace gust::logs {
namespace {

constexpr size_t kPiece = 1 << 20;
constexpr size_t kMaxLine = 4 << 20;  // a longer one is damage: the rest of that day is skipped
constexpr std::string_view kSuffix = ".log";

bool is_day(std::string_view text) {
  if (text.size() != 10) return false;
  for (size_t i = 0; i < 10; ++i) {
    const bool dash = i == 4 || i == 7;
    if (dash ? text[i] != '-' : text[i] < '0' || text[i] > '9') return false;
  }
  return true;
}

}  // namespace

bool is_log_name(std::string_view name) {
  return !name.empty() && name.size() <= 140 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
}

Result<Position> parse_position(std::string_view text) {
  const size_t colon = text.find(':');
  if (colon == text.npos) return fail(Errc::Invalid, "no position");
  const std::string_view day = text.substr(0, colon);
  if (!day.empty() && !is_day(day)) return fail(Errc::Invalid, "no position");
  return Position{std::string(day), TRY(parse_uint(text.substr(colon + 1)))};
}

Result<Line> parse_line(std::string_view text) {
  std::string_view parts[3];
  for (std::string_view& part : parts) {
    const size_t tab = text.find('\t');
    if (tab == text.npos) return fail(Errc::Invalid, "not a log line");
    part = text.substr(0, tab);
    text.remove_prefix(tab + 1);
  }
  Line line;
  line.unix_ms = TRY(parse_iso8601(parts[0]));
  line.environment = parts[1], line.request = parts[2];
  line.message = meter::unescape_log_text(text);
  return line;
}

Result<std::vector<std::string>> LogFiles::names() const {
  if (!files::exists(directory_)) return std::vector<std::string>();
  std::vector<std::string> names = TRY(files::list(directory_));
  std::erase_if(names, [](const std::string& name) { return !is_log_name(name); });
  return names;
}

Result<std::vector<std::string>> LogFiles::days(const std::string& name) const {
  if (!is_log_name(name)) return fail(Errc::NotFound, "no such log");
  std::vector<std::string> days;
  for (const std::string& file : TRY(files::list(directory_ + "/" + name))) {
    if (file.ends_with(kSuffix) && is_day(file.substr(0, file.size() - kSuffix.size()))) days.push_back(file.substr(0, 10));
  }
  return days;
}

uint64_t LogFiles::bytes(const std::string& name) const {
  uint64_t total = 0;
  for (const std::string& day : days(name).value_or(std::vector<std::string>())) {
    total += files::size(directory_ + "/" + name + "/" + day + std::string(kSuffix)).value_or(0);
  }
  return total;
}

Result<> LogFiles::scan(const std::string& name, Scan& scan, const std::function<bool(const Line&)>& line) const {
  scan.complete = true;
  scan.end = scan.from;
  uint64_t read = 0;
  for (const std::string& day : TRY(days(name))) {
    if (day < scan.from.day) continue;
    if (!scan.last_day.empty() && day > scan.last_day) break;
    if (day > scan.end.day) scan.end = {day, 0};
    if (!TRY(scan_day(directory_ + "/" + name + "/" + day + std::string(kSuffix), scan, read, line))) return {};
  }
  return {};
}

// False where the caller or the budget ended the scan.
Result<bool> LogFiles::scan_day(const std::string& path, Scan& scan, uint64_t& read,
                                const std::function<bool(const Line&)>& line) const {
  auto file = files::open(path, O_RDONLY);
  if (!file && file.error().code == Errc::NotFound) return true;  // the oldest day was just dropped
  if (!file) return Failure(std::move(file).error());
  std::string buffer;
  for (;;) {
    const size_t held = buffer.size();
    buffer.resize(held + kPiece);
    const ssize_t n = ::pread(file->get(), buffer.data() + held, kPiece, static_cast<off_t>(scan.end.offset + held));
    if (n < 0) return fail_errno("read " + path);
    buffer.resize(held + static_cast<size_t>(n));
    if (n == 0 || buffer.size() > kMaxLine + kPiece) return true;  // what is left is half a line
    read += static_cast<uint64_t>(n);
    size_t at = 0;
    for (size_t end; (end = buffer.find('\n', at)) != buffer.npos; at = end + 1) {
      Position next{scan.end.day, scan.end.offset + (end + 1 - at)};
      if (auto parsed = parse_line(std::string_view(buffer).substr(at, end - at))) {
        parsed->at = scan.end, parsed->next = next;
        if (!line(*parsed)) return false;
      }
      scan.end = std::move(next);
    }
    buffer.erase(0, at);
    if (read >= scan.max_bytes) {
      scan.complete = false;
      return false;
    }
  }
}

}  // namespace gust::logs
