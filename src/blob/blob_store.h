// SPDX-License-Identifier: Apache-2.0

#pragma once

// Large bodies as files: DIRECTORY/ab/cd/ID. An id is unique and never used again; a file never changes once it has its
// name. After adopt() or write() the file survives power loss, so a row that names it may be committed; who deletes commits
// first and removes then. A file without a row is therefore possible (a crash in between), a row without its file is not.
//
// Blocking: for workers and disk threads. Thread-safe.

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/result.h"
#include "os/fd.h"

namespace gust::blob {

// How content and names are made to survive power loss. Tests put a disk that loses power here (store/fault_disk.h).
struct Durability {
  std::function<Result<>(int fd, const std::string& path)> sync_file;
  std::function<Result<>(const std::string& directory)> sync_directory;
};
Durability system_durability();  // fsync

class BlobStore {
 public:
  explicit BlobStore(std::string directory, Durability durability = system_durability());

  // Makes the directory. Before anything else.
  Result<> prepare();
  // Takes the file `path`, open as `fd`, over: syncs it, gives it its name, syncs the directory. Returns its id. It must be
  // on the same file system. On an error the file is gone, or still at `path`.
  Result<std::string> adopt(const std::string& path, int fd);
  // The same of bytes in memory.
  Result<std::string> write(std::string_view bytes);

  Result<Fd> open(std::string_view id) const;  // NotFound where it was removed meanwhile
  Result<> remove(std::string_view id);        // absence is no error; what is open stays readable
  // Every id on disk, in ascending order; `visit` may remove it. For use before anything else runs.
  Result<> each(const std::function<Result<>(const std::string& id)>& visit) const;

  std::string path(std::string_view id) const;
  static bool is_id(std::string_view text);

 private:
  std::string next_id();
  Result<> make_leaf(std::string_view id);

  const std::string directory_;
  const Durability durability_;
  std::mutex mutex_;
  std::string leaf_;  // the four digits that new ids start with
  size_t leaf_used_ = 0;
  // Directories of which this process knows that their names are durable: 256 of the first level, then 65536 of the second.
  std::unique_ptr<std::atomic<bool>[]> durable_;
};

}  // namespace gust::blob
