// SPDX-License-Identifier: Apache-2.0

#pragma once

// A disk that loses power: for tests only. Programs work in a live directory as always; beside it this keeps an image of
// what a power cut at this moment would leave: file content that was synced, under names whose directory was synced, all the
// way from the live directory, and nothing else. More is not promised by POSIX, so nothing may rest on more. The image is
// files itself, so it is also what is left where the process is killed instead.
//
// Layout of the image: data/IDENTITY holds the durable bytes of each file; tree/IDENTITY the durable names in a directory,
// hard links to those and symbolic links to the identities of directories; root the identity of the live one. fault_vfs.h puts
// SQLite on it, other file users call it where they sync. Thread-safe; blocking.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace gust::store {

struct FaultOptions {
  // Planted bugs: syncs of what this is true for do nothing and answer success. Called with the path under the live
  // directory ("gust.db-wal"; "." or "objects" for a directory).
  std::function<bool(std::string_view path)> skip_sync;
  // So many per cent of the writes reach the disk at once, in part and in any order, as a kernel may do without a sync.
  unsigned leak_percent = 0;
  uint32_t seed = 1;
};

class FaultDisk {
 public:
  // `live` must exist; `image` is made and must be on the same file system and not inside `live`.
  static Result<std::unique_ptr<FaultDisk>> make(const std::string& live, const std::string& image, FaultOptions options);

  // Which file a path names now: stays the same through renames, ends with the file.
  Result<std::string> identity(const std::string& path);

  // Writers that tell what they do.
  void wrote(const std::string& identity, uint64_t offset, std::string_view bytes);
  void truncated(const std::string& identity, uint64_t size);
  Result<> sync(const std::string& identity, const std::string& path);
  // Writers that do not: the file as it is now is what the disk has. Not for SQLite's files (closing a descriptor of one
  // would drop its locks).
  Result<> sync_whole(const std::string& path);
  Result<> sync_directory(const std::string& path);

  // The power fails now: makes the directory `to` and puts there what a restart finds.
  Result<> cut(const std::string& to);
  // The same of an image whose process is gone.
  static Result<> recover(const std::string& image, const std::string& to);

  // A disk that errs: writes answer "disk full", the next n syncs fail.
  void set_full(bool full);
  void fail_syncs(int count);
  bool full();
  bool take_sync_failure();
  uint64_t syncs();  // that did something

 private:
  struct Change {
    bool truncate;
    uint64_t offset;
    std::string bytes;
  };

  FaultDisk(std::string live, std::string image, FaultOptions options);
  std::string data(const std::string& identity) const { return image_ + "/data/" + identity; }
  Result<std::string> relative(const std::string& path) const;
  bool skipped(const std::string& relative) const { return options_.skip_sync && options_.skip_sync(relative); }
  Result<> apply(const std::string& identity, const std::vector<Change>& changes);
  Result<> link_entry(const std::string& live, const std::string& durable);
  Result<> link_directory(const std::string& live, const std::string& durable);

  const std::string live_, image_;
  const FaultOptions options_;
  std::mutex mutex_;
  std::mt19937 random_;
  std::map<std::string, std::vector<Change>> pending_;
  bool full_ = false;
  int failing_syncs_ = 0;
  uint64_t syncs_ = 0;
};

}  // namespace gust::store
