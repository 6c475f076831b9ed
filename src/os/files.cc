// SPDX-License-Identifier: Apache-2.0

#include "os/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "base/ids.h"

namespace gust::files {

Result<Fd> open(const std::string& path, int flags, unsigned mode) {
  Fd fd(::open(path.c_str(), flags | O_CLOEXEC, mode));
  if (!fd) return fail_errno("open " + path);
  return fd;
}

Result<std::string> read(const std::string& path, size_t limit) {
  Fd fd = TRY(open(path, O_RDONLY));
  std::string out;
  char buffer[16384];
  for (;;) {
    ssize_t n = ::read(fd.get(), buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("read " + path);
    if (n == 0) return out;
    out.append(buffer, static_cast<size_t>(n));
    if (out.size() > limit) return fail(Errc::TooLarge, path + " has more than " + std::to_string(limit) + " bytes");
  }
}

Result<std::string> read_fd(int fd, uint64_t offset, size_t length) {
  std::string out(length, '\0');
  size_t done = 0;
  while (done < length) {
    ssize_t n = ::pread(fd, out.data() + done, length - done, static_cast<off_t>(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("pread");
    if (n == 0) return fail(Errc::Io, "file ends " + std::to_string(length - done) + " bytes early");
    done += static_cast<size_t>(n);
  }
  return out;
}

Result<> write_all(int fd, std::string_view content) {
  while (!content.empty()) {
    ssize_t n = ::write(fd, content.data(), content.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail_errno("write");
    content.remove_prefix(static_cast<size_t>(n));
  }
  return {};
}

Result<> write(const std::string& path, std::string_view content, unsigned mode) {
  Fd fd = TRY(open(path, O_WRONLY | O_CREAT | O_TRUNC, mode));
  auto written = write_all(fd.get(), content);
  if (!written) return Failure(std::move(written).error().in(path));
  return {};
}

Result<> sync_directory(const std::string& path) {
  Fd fd = TRY(open(path.empty() ? "." : path, O_RDONLY | O_DIRECTORY));
  if (::fsync(fd.get()) != 0) return fail_errno("fsync " + path);
  return {};
}

Result<> write_durably(const std::string& path, std::string_view content, unsigned mode) {
  std::string temporary = path + "." + new_id(8) + ".tmp";
  Fd fd = TRY(open(temporary, O_WRONLY | O_CREAT | O_EXCL, mode));
  auto written = write_all(fd.get(), content);
  if (written && ::fsync(fd.get()) != 0) written = fail_errno("fsync " + temporary);
  if (written) written = rename(temporary, path);
  if (!written) {
    ::unlink(temporary.c_str());
    return written;
  }
  size_t slash = path.rfind('/');
  return sync_directory(slash == std::string::npos ? "." : path.substr(0, slash + 1));
}

Result<> make_directories(const std::string& path, unsigned mode) {
  for (size_t at = 1; at <= path.size(); ++at) {
    if (at != path.size() && path[at] != '/') continue;
    std::string part = path.substr(0, at);
    if (::mkdir(part.c_str(), mode) != 0 && errno != EEXIST) {
      Error error = errno_error("mkdir " + part, errno);
      if (!exists(part)) return Failure(std::move(error));
    }
  }
  return {};
}

Result<std::vector<std::string>> list(const std::string& directory) {
  DIR* dir = ::opendir(directory.c_str());
  if (!dir) return fail_errno("opendir " + directory);
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(dir)) {
    std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(std::move(name));
  }
  ::closedir(dir);
  std::sort(names.begin(), names.end());
  return names;
}

bool exists(const std::string& path) {
  struct stat st {};
  return ::lstat(path.c_str(), &st) == 0;
}

Result<uint64_t> size(const std::string& path) {
  struct stat st {};
  if (::stat(path.c_str(), &st) != 0) return fail_errno("stat " + path);
  return static_cast<uint64_t>(st.st_size);
}

Result<> remove(const std::string& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return fail_errno("unlink " + path);
  return {};
}

Result<> remove_tree(const std::string& path) {
  auto visit = [](const char* name, const struct stat*, int, FTW*) { return ::remove(name); };
  if (::nftw(path.c_str(), visit, 64, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) != 0 && errno != ENOENT) {
    return fail_errno("remove " + path);
  }
  return {};
}

Result<> rename(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return fail_errno("rename " + from + " to " + to);
  return {};
}

}  // namespace gust::files
