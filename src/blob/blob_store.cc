// SPDX-License-Identifier: Apache-2.0

#include "blob/blob_store.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/ids.h"
#include "os/files.h"

namespace gust::blob {
namespace {

constexpr size_t kIdDigits = 32;
constexpr size_t kLeafDigits = 4;
// New files go into one directory for a while, because a directory's first file costs two syncs more.
constexpr size_t kFilesPerTurn = 256;
constexpr size_t kFirstLevel = 256, kSecondLevel = 65536;

size_t hex_value(std::string_view digits) {
  size_t value = 0;
  for (char c : digits) value = value * 16 + static_cast<size_t>(c <= '9' ? c - '0' : c - 'a' + 10);
  return value;
}

bool is_hex(std::string_view text, size_t digits) {
  return text.size() == digits && text.find_first_not_of("0123456789abcdef") == text.npos;
}

}  // namespace

Durability system_durability() {
  return {[](int fd, const std::string& path) -> Result<> {
            if (::fsync(fd) != 0) return fail_errno("fsync " + path);
            return {};
          },
          [](const std::string& directory) { return files::sync_directory(directory); }};
}

BlobStore::BlobStore(std::string directory, Durability durability)
    : directory_(std::move(directory)),
      durability_(std::move(durability)),
      durable_(std::make_unique<std::atomic<bool>[]>(kFirstLevel + kSecondLevel)) {}

Result<> BlobStore::prepare() {
  TRY(files::make_directories(directory_, 0700));
  const size_t slash = directory_.rfind('/');
  return durability_.sync_directory(slash == std::string::npos ? "." : slash == 0 ? "/" : directory_.substr(0, slash));
}

bool BlobStore::is_id(std::string_view text) { return is_hex(text, kIdDigits); }

std::string BlobStore::path(std::string_view id) const {
  return directory_ + "/" + std::string(id.substr(0, 2)) + "/" + std::string(id.substr(2, 2)) + "/" + std::string(id);
}

std::string BlobStore::next_id() {
  const std::lock_guard lock(mutex_);
  if (leaf_.empty() || ++leaf_used_ > kFilesPerTurn) {
    leaf_ = new_id(kLeafDigits);
    leaf_used_ = 1;
  }
  return leaf_ + new_id(kIdDigits - kLeafDigits);
}

// That a directory exists does not mean that its name is on disk: another thread may be about to sync it.
Result<> BlobStore::make_leaf(std::string_view id) {
  const std::string first = directory_ + "/" + std::string(id.substr(0, 2));
  std::atomic<bool>& first_durable = durable_[hex_value(id.substr(0, 2))];
  std::atomic<bool>& leaf_durable = durable_[kFirstLevel + hex_value(id.substr(0, kLeafDigits))];
  if (leaf_durable.load()) return {};
  TRY(files::make_directories(first + "/" + std::string(id.substr(2, 2)), 0700));
  if (!first_durable.load()) {
    TRY(durability_.sync_directory(directory_));
    first_durable = true;
  }
  TRY(durability_.sync_directory(first));
  leaf_durable = true;
  return {};
}

Result<std::string> BlobStore::adopt(const std::string& from, int fd) {
  TRY(durability_.sync_file(fd, from));
  std::string id = next_id();
  TRY(make_leaf(id));
  const std::string to = path(id);
  TRY(files::rename(from, to));
  if (auto synced = durability_.sync_directory(to.substr(0, to.size() - kIdDigits - 1)); !synced) {
    (void)files::remove(to);  // else a start finds it and no row that names it
    return Failure(std::move(synced).error());
  }
  return id;
}

Result<std::string> BlobStore::write(std::string_view bytes) {
  const std::string temporary = directory_ + "/" + new_id(kIdDigits) + ".tmp";
  const Fd fd = TRY(files::open(temporary, O_WRONLY | O_CREAT | O_EXCL, 0600));
  Result<> written = files::write_all(fd.get(), bytes);
  Result<std::string> id = written ? adopt(temporary, fd.get()) : Failure(std::move(written).error());
  if (!id) (void)files::remove(temporary);
  return id;
}

Result<Fd> BlobStore::open(std::string_view id) const {
  if (!is_id(id)) return fail(Errc::Invalid, "not the id of a body file");
  return files::open(path(id), O_RDONLY);
}

Result<> BlobStore::remove(std::string_view id) {
  if (!is_id(id)) return fail(Errc::Invalid, "not the id of a body file");
  return files::remove(path(id));
}

Result<> BlobStore::each(const std::function<Result<>(const std::string& id)>& visit) const {
  for (const std::string& first : TRY(files::list(directory_))) {
    if (first.ends_with(".tmp") && is_id(first.substr(0, first.size() - 4))) TRY(files::remove(directory_ + "/" + first));
    if (!is_hex(first, 2)) continue;
    for (const std::string& second : TRY(files::list(directory_ + "/" + first))) {
      if (!is_hex(second, 2)) continue;
      for (const std::string& id : TRY(files::list(directory_ + "/" + first + "/" + second))) {
        if (is_id(id) && id.starts_with(first + second)) TRY(visit(id));
      }
    }
  }
  return {};
}

}  // namespace gust::blob
