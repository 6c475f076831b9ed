// SPDX-License-Identifier: Apache-2.0

#include "unpack/unpack.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <map>
#include <vector>

#include "unpack/archive.h"

namespace gust::unpack {
namespace {

constexpr size_t kMaxLinkHops = 40;  // as the kernel's

std::string printable(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, 200)) out += c >= ' ' && c < 127 ? c : '?';
  return out;
}

std::vector<std::string_view> components(std::string_view path) {
  std::vector<std::string_view> parts;
  while (!path.empty()) {
    const size_t slash = std::min(path.find('/'), path.size());
    const std::string_view part = path.substr(0, slash);
    if (!part.empty() && part != ".") parts.push_back(part);
    path.remove_prefix(std::min(slash + 1, path.size()));
  }
  return parts;
}

std::string join(const std::vector<std::string>& parts) {
  std::string out;
  for (const std::string& part : parts) out.append(out.empty() ? "" : "/").append(part);
  return out;
}

class Unpacking {
 public:
  Unpacking(std::string_view zip, int directory, const Limits& limits) : zip_(zip), directory_(directory), limits_(limits) {}

  Report run() {
    std::vector<Entry> entries;
    const Read listed = list(zip_, limits_.entries, entries);
    if (listed == Read::TooMany) fail(Kind::TooMany, "more entries than allowed", "");
    if (listed == Read::Corrupt) fail(Kind::Corrupt, "not a zip file", "");
    if (ok()) check_sizes(entries);
    for (size_t i = 0; ok() && i < entries.size(); ++i) unpack_entry(entries[i]);
    for (const auto& [path, target] : links_) {
      if (ok()) make_link(path, target);
    }
    return report_;
  }

 private:
  bool ok() const { return report_.kind == Kind::Ok; }
  void fail(Kind kind, std::string_view text, std::string_view name) {
    report_.kind = kind;
    report_.text = std::string(text) + (name.empty() ? "" : ": " + printable(name));
  }
  void fail_errno(std::string_view what, std::string_view name) {
    const int error = errno;
    // A file where a directory should be, or the reverse, is the zip's fault and not the disk's.
    const bool conflict = error == EEXIST || error == ENOTDIR || error == EISDIR || error == ELOOP;
    fail(conflict ? Kind::Corrupt : Kind::Io, std::string(what) + ": " + std::strerror(error), name);
  }

  // Refuses what its own directory says is too large, before anything is written.
  void check_sizes(const std::vector<Entry>& entries) {
    uint64_t total = 0;
    for (const Entry& entry : entries) {
      if (entry.size > limits_.bytes || (total += entry.size) > limits_.bytes) {
        return fail(Kind::TooLarge, "unpacked size is over " + std::to_string(limits_.bytes) + " bytes", "");
      }
    }
    if (total > limits_.ratio_floor && total / limits_.ratio > zip_.size()) {
      fail(Kind::Ratio, "unpacked size is over " + std::to_string(limits_.ratio) + " times the zip's", "");
    }
  }

  bool split(std::string_view name, std::vector<std::string_view>& parts) {
    if (name.empty() || name.size() > limits_.path || name.front() == '/' || name.find('\0') != name.npos) {
      fail(Kind::UnsafePath, "name is empty, too long or absolute", name);
      return false;
    }
    parts = components(name);
    for (const std::string_view part : parts) {
      if (part == ".." || part.size() > limits_.component) fail(Kind::UnsafePath, "name leaves the package", name);
    }
    if (ok() && parts.size() > limits_.depth) fail(Kind::TooDeep, "path is too deep", name);
    return ok();
  }

  void unpack_entry(const Entry& entry) {
    std::vector<std::string_view> parts;
    if (!split(entry.name, parts)) return;
    const uint32_t type = entry.mode & S_IFMT;
    const bool directory = type == S_IFDIR || entry.name.back() == '/';
    if (entry.encrypted || (entry.method != 0 && entry.method != 8) ||
        (type != 0 && type != S_IFREG && type != S_IFDIR && type != S_IFLNK)) {
      return fail(Kind::UnsupportedEntry, "encrypted, packed by an unknown method or not a file", entry.name);
    }
    if (directory) return void(make_directories(parts, parts.size()));
    if (parts.empty()) return fail(Kind::UnsafePath, "file without a name", entry.name);
    if (!make_directories(parts, parts.size() - 1)) return;
    type == S_IFLNK ? keep_link(entry, parts) : write_file(entry, parts);
  }

  // No link exists in the tree yet, so that no path here can lead out of it.
  bool make_directories(const std::vector<std::string_view>& parts, size_t count) {
    std::string path;
    for (size_t i = 0; i < count; ++i) {
      path.append(path.empty() ? "" : "/").append(parts[i]);
      if (path == last_directory_) continue;
      if (::mkdirat(directory_, path.c_str(), 0755) == 0) {
        if (++made_ > limits_.entries) fail(Kind::TooMany, "more directories than allowed", "");
      } else if (errno != EEXIST) {
        fail_errno("make directory", path);
      }
      if (!ok()) return false;
    }
    last_directory_ = path;
    return true;
  }

  void write_file(const Entry& entry, const std::vector<std::string_view>& parts) {
    std::string path;
    for (const std::string_view part : parts) path.append(path.empty() ? "" : "/").append(part);
    const int fd = ::openat(directory_, path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd < 0) return fail_errno("create", path);
    const Read status = read(entry, [&](std::string_view piece) { return write_piece(fd, piece, path); });
    if (status == Read::Corrupt) fail(Kind::Corrupt, "content is damaged", entry.name);
    if (ok() && ::fchmod(fd, (entry.mode & 0111) != 0 ? 0755 : 0644) != 0) fail_errno("set mode of", path);
    if (::close(fd) != 0 && ok()) fail_errno("close", path);
    ++report_.entries;
  }

  bool write_piece(int fd, std::string_view piece, std::string_view path) {
    report_.bytes += piece.size();
    while (!piece.empty()) {
      const ssize_t n = ::write(fd, piece.data(), piece.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) {
        fail_errno("write", path);
        return false;
      }
      piece.remove_prefix(static_cast<size_t>(n));
    }
    return true;
  }

  void keep_link(const Entry& entry, const std::vector<std::string_view>& parts) {
    std::string target;
    if (entry.size == 0 || entry.size > limits_.path) return fail(Kind::UnsafeLink, "link without a target", entry.name);
    const Read status = read(entry, [&](std::string_view piece) {
      target.append(piece);
      return true;
    });
    if (status != Read::Ok) return fail(Kind::Corrupt, "content is damaged", entry.name);
    links_[join({parts.begin(), parts.end()})] = std::move(target);
  }

  // Follows a link as the kernel will, through the other links of the zip; false where it leaves the tree.
  bool stays_inside(std::string_view path, std::string_view target) const {
    std::vector<std::string> at;
    for (const std::string_view part : components(path)) at.emplace_back(part);
    at.pop_back();
    std::vector<std::string> todo;  // last one first
    size_t hops = 0;
    const auto push = [&todo](std::string_view text) {
      const auto parts = components(text);
      for (auto part = parts.rbegin(); part != parts.rend(); ++part) todo.emplace_back(*part);
    };
    if (target.front() == '/' || target.find('\0') != target.npos) return false;
    push(target);
    while (!todo.empty()) {
      const std::string part = std::move(todo.back());
      todo.pop_back();
      if (part == "..") {
        if (at.empty()) return false;
        at.pop_back();
        continue;
      }
      at.push_back(part);
      const auto link = links_.find(join(at));
      if (link == links_.end()) continue;
      if (++hops > kMaxLinkHops || link->second.front() == '/') return false;
      at.pop_back();
      push(link->second);
    }
    return true;
  }

  void make_link(const std::string& path, const std::string& target) {
    if (!stays_inside(path, target)) return fail(Kind::UnsafeLink, "link leads out of the package", path);
    if (::symlinkat(target.c_str(), directory_, path.c_str()) != 0) return fail_errno("make link", path);
    ++report_.entries;
  }

  std::string_view zip_;
  int directory_;
  const Limits& limits_;
  Report report_;
  std::string last_directory_;
  size_t made_ = 0;
  std::map<std::string, std::string> links_;
};

bool empty_directory(int directory, int depth);

bool remove_entry(int directory, const char* name, int depth) {
  if (::unlinkat(directory, name, 0) == 0) return true;
  if (errno != EISDIR && errno != EPERM) return false;
  const int child = ::openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (child < 0) return false;
  return empty_directory(child, depth + 1) && ::unlinkat(directory, name, AT_REMOVEDIR) == 0;
}

bool empty_directory(int directory, int depth) {  // takes the descriptor
  DIR* stream = depth > 256 ? nullptr : ::fdopendir(directory);
  if (stream == nullptr) {
    ::close(directory);
    return false;
  }
  bool good = true;
  while (const dirent* entry = ::readdir(stream)) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != ".." && !remove_entry(::dirfd(stream), entry->d_name, depth)) good = false;
  }
  ::closedir(stream);
  return good;
}

}  // namespace

std::string_view name_of(Kind kind) {
  switch (kind) {
    case Kind::Ok:
      return "ok";
    case Kind::Corrupt:
      return "corrupt";
    case Kind::UnsafePath:
      return "unsafe-path";
    case Kind::UnsafeLink:
      return "unsafe-link";
    case Kind::UnsupportedEntry:
      return "unsupported-entry";
    case Kind::TooMany:
      return "too-many";
    case Kind::TooDeep:
      return "too-deep";
    case Kind::TooLarge:
      return "too-large";
    case Kind::Ratio:
      return "ratio";
    case Kind::Io:
      return "io";
  }
  return "io";
}

std::string Report::line() const {
  if (kind == Kind::Ok) return "OK " + std::to_string(entries) + " " + std::to_string(bytes) + "\n";
  return "ERROR " + std::string(name_of(kind)) + " " + printable(text) + "\n";
}

Report unpack(std::string_view zip, int directory, const Limits& limits) { return Unpacking(zip, directory, limits).run(); }

Report empty(int directory) {
  const int copy = ::openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (copy >= 0 && empty_directory(copy, 0)) return {};
  return {Kind::Io, "cannot empty the directory", 0, 0};
}

}  // namespace gust::unpack
