// SPDX-License-Identifier: Apache-2.0

#include "store/fault_disk.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/ids.h"
#include "os/files.h"

namespace gust::store {
namespace {

constexpr uint64_t kSector = 512;  // the least that a disk writes whole

std::string real_path(const std::string& path) {
  char* resolved = ::realpath(path.c_str(), nullptr);
  std::string out = resolved ? resolved : path;
  ::free(resolved);
  return out;
}

Result<> write_at(int fd, uint64_t offset, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t n = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (n < 0) return fail_errno("pwrite");
    offset += static_cast<uint64_t>(n);
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return {};
}

enum class Kind { File, Directory, Other };
Kind kind_of(const std::string& path) {
  struct stat st {};
  if (::lstat(path.c_str(), &st) != 0) return Kind::Other;
  return S_ISREG(st.st_mode) ? Kind::File : S_ISDIR(st.st_mode) ? Kind::Directory : Kind::Other;
}

Result<std::string> identity_of(const std::string& path) {
  struct statx st {};
  if (::statx(AT_FDCWD, path.c_str(), AT_SYMLINK_NOFOLLOW, STATX_INO | STATX_BTIME, &st) != 0) {
    return fail_errno("statx " + path);
  }
  return std::to_string(st.stx_ino) + "-" + std::to_string(st.stx_btime.tv_sec) + "-" + std::to_string(st.stx_btime.tv_nsec);
}

Result<std::string> target_of(const std::string& link) {
  char target[256];
  const ssize_t n = ::readlink(link.c_str(), target, sizeof target);
  if (n < 0) return fail_errno("readlink " + link);
  return std::string(target, static_cast<size_t>(n));
}

// The directory `identity` as it is in the image; empty where it was never synced.
Result<> copy_directory(const std::string& tree, const std::string& identity, const std::string& to) {
  TRY(files::make_directories(to));
  const std::string from = tree + "/" + identity;
  if (!files::exists(from)) return {};
  for (const std::string& name : TRY(files::list(from))) {
    const std::string source = from + "/" + name, target = to + "/" + name;
    if (kind_of(source) == Kind::Other) {
      const std::string child = TRY(target_of(source));
      TRY(copy_directory(tree, child, target));
    } else {
      const std::string content = TRY(files::read(source, size_t{1} << 30));
      TRY(files::write(target, content));
    }
  }
  return {};
}

}  // namespace

FaultDisk::FaultDisk(std::string live, std::string image, FaultOptions options)
    : live_(std::move(live)), image_(std::move(image)), options_(std::move(options)), random_(options_.seed) {}

Result<std::unique_ptr<FaultDisk>> FaultDisk::make(const std::string& live, const std::string& image, FaultOptions options) {
  TRY(files::make_directories(image + "/data"));
  TRY(files::make_directories(image + "/tree"));
  const std::string root = TRY(identity_of(live));
  if (::symlink(root.c_str(), (image + "/root").c_str()) != 0) return fail_errno("symlink " + image + "/root");
  return std::unique_ptr<FaultDisk>(new FaultDisk(real_path(live), real_path(image), std::move(options)));
}

Result<std::string> FaultDisk::relative(const std::string& path) const {
  if (path == live_ || path == live_ + "/") return std::string(".");
  if (path.size() > live_.size() && path.starts_with(live_) && path[live_.size()] == '/') {
    std::string rest = path.substr(live_.size() + 1);
    while (rest.ends_with('/')) rest.pop_back();
    return rest;
  }
  return fail(Errc::Invalid, path + " is not on the disk that loses power");
}

// Inode numbers are used again, birth times are not.
Result<std::string> FaultDisk::identity(const std::string& path) { return identity_of(path); }

void FaultDisk::wrote(const std::string& identity, uint64_t offset, std::string_view bytes) {
  std::lock_guard lock(mutex_);
  pending_[identity].push_back({false, offset, std::string(bytes)});
  if (random_() % 100 >= options_.leak_percent) return;
  // Whole sectors of this write, from anywhere to anywhere in it.
  const uint64_t first = (offset + random_() % bytes.size()) / kSector * kSector;
  const uint64_t begin = std::max(first, offset);
  const uint64_t end = std::min(offset + bytes.size(), first + (1 + random_() % 16) * kSector);
  (void)apply(identity, {{false, begin, std::string(bytes.substr(begin - offset, end - begin))}});
}

void FaultDisk::truncated(const std::string& identity, uint64_t size) {
  std::lock_guard lock(mutex_);
  pending_[identity].push_back({true, size, {}});
}

Result<> FaultDisk::apply(const std::string& identity, const std::vector<Change>& changes) {
  Fd fd = TRY(files::open(data(identity), O_RDWR | O_CREAT));
  for (const Change& change : changes) {
    if (!change.truncate) {
      TRY(write_at(fd.get(), change.offset, change.bytes));
    } else if (::ftruncate(fd.get(), static_cast<off_t>(change.offset)) != 0) {
      return fail_errno("ftruncate");
    }
  }
  return {};
}

Result<> FaultDisk::sync(const std::string& identity, const std::string& path) {
  std::string name = TRY(relative(path));
  std::lock_guard lock(mutex_);
  if (skipped(name)) return {};
  auto changes = pending_.extract(identity);
  ++syncs_;
  return apply(identity, changes ? changes.mapped() : std::vector<Change>{});
}

Result<> FaultDisk::sync_whole(const std::string& path) {
  std::string name = TRY(relative(path));
  std::string content = TRY(files::read(path, size_t{1} << 30));
  std::string id = TRY(identity(path));
  std::lock_guard lock(mutex_);
  if (skipped(name)) return {};
  ++syncs_;
  return apply(id, {{true, 0, {}}, {false, 0, std::move(content)}});
}

// A name is made durable whole: rename() over what was there.
Result<> FaultDisk::link_entry(const std::string& live, const std::string& durable) {
  const std::string source = data(TRY(identity(live)));
  struct stat old {
  }, now{};
  Fd made = TRY(files::open(source, O_RDWR | O_CREAT));  // empty where the content was never synced
  if (::fstat(made.get(), &now) != 0) return fail_errno("fstat " + source);
  if (::lstat(durable.c_str(), &old) == 0 && old.st_ino == now.st_ino) return {};
  const std::string temporary = image_ + "/" + new_id(16);
  if (::link(source.c_str(), temporary.c_str()) != 0) return fail_errno("link " + source);
  return files::rename(temporary, durable);
}

Result<> FaultDisk::link_directory(const std::string& live, const std::string& durable) {
  const std::string target = TRY(identity(live));
  const auto before = target_of(durable);
  if (before && *before == target) return {};
  const std::string temporary = image_ + "/" + new_id(16);
  if (::symlink(target.c_str(), temporary.c_str()) != 0) return fail_errno("symlink " + temporary);
  return files::rename(temporary, durable);
}

Result<> FaultDisk::sync_directory(const std::string& path) {
  std::string name = TRY(relative(path));
  std::lock_guard lock(mutex_);
  if (skipped(name)) return {};
  ++syncs_;
  const std::string from = live_ + "/" + name;
  const std::string to = image_ + "/tree/" + TRY(identity(from));
  TRY(files::make_directories(to));
  std::vector<std::string> names = TRY(files::list(from));
  for (const std::string& entry : names) {
    const std::string live = from + "/" + entry, durable = to + "/" + entry;
    const Kind kind = kind_of(live);
    if (kind == Kind::Other) continue;
    auto linked = kind == Kind::Directory ? link_directory(live, durable) : link_entry(live, durable);
    if (!linked && files::exists(live)) return linked;  // else it went away meanwhile
  }
  for (const std::string& entry : TRY(files::list(to))) {
    if (!files::exists(from + "/" + entry)) TRY(files::remove(to + "/" + entry));
  }
  return {};
}

Result<> FaultDisk::cut(const std::string& to) {
  std::lock_guard lock(mutex_);
  return recover(image_, to);
}

Result<> FaultDisk::recover(const std::string& image, const std::string& to) {
  const std::string root = TRY(target_of(image + "/root"));
  return copy_directory(image + "/tree", root, to);
}

void FaultDisk::set_full(bool full) {
  std::lock_guard lock(mutex_);
  full_ = full;
}

void FaultDisk::fail_syncs(int count) {
  std::lock_guard lock(mutex_);
  failing_syncs_ = count;
}

bool FaultDisk::full() {
  std::lock_guard lock(mutex_);
  return full_;
}

bool FaultDisk::take_sync_failure() {
  std::lock_guard lock(mutex_);
  return failing_syncs_ > 0 && failing_syncs_-- > 0;
}

uint64_t FaultDisk::syncs() {
  std::lock_guard lock(mutex_);
  return syncs_;
}

}  // namespace gust::store
