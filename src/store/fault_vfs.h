// SPDX-License-Identifier: Apache-2.0

#pragma once

// SQLite on a disk that loses power (fault_disk.h): a VFS that does what the system's does and tells the disk, with the
// syncs that the system's makes, those of directories included. For tests only.

#include <memory>
#include <string>

#include "base/result.h"
#include "store/fault_disk.h"

struct sqlite3_vfs;

namespace gust::store {

class FaultVfs {
 public:
  explicit FaultVfs(FaultDisk& disk);  // registers; the disk must outlive this, this every connection
  FaultVfs(const FaultVfs&) = delete;
  FaultVfs& operator=(const FaultVfs&) = delete;
  ~FaultVfs();
  const char* name() const { return name_.c_str(); }  // for SqliteOptions::vfs

 private:
  std::string name_;
  std::unique_ptr<sqlite3_vfs> vfs_;
};

}  // namespace gust::store
