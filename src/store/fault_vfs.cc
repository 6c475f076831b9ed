// SPDX-License-Identifier: Apache-2.0

#include "store/fault_vfs.h"

#include <sqlite3.h>

#include <cstddef>
#include <new>

#include "base/ids.h"
#include "base/log.h"

namespace gust::store {
namespace {

// What SQLite allocates for an open file: ours, with the system's right behind it.
struct File {
  sqlite3_file base;
  FaultDisk* disk;
  sqlite3_file* real;
  std::string* path;  // null: a temporary file, which nobody finds after a restart
  std::string* identity;
  bool directory_due;  // the system's VFS syncs the directory at the first sync of a journal or log that it may have made
};

sqlite3_vfs* system_vfs() { return sqlite3_vfs_find("unix"); }
File& self(sqlite3_file* file) { return *reinterpret_cast<File*>(file); }
sqlite3_file* real(sqlite3_file* file) { return self(file).real; }
FaultDisk& disk_of(sqlite3_vfs* vfs) { return *static_cast<FaultDisk*>(vfs->pAppData); }

std::string directory_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

int close_file(sqlite3_file* file) {
  File& f = self(file);
  int code = f.real->pMethods->xClose(f.real);
  delete f.path;
  delete f.identity;
  f.path = f.identity = nullptr;
  return code;
}

int read_file(sqlite3_file* f, void* out, int n, sqlite3_int64 at) { return real(f)->pMethods->xRead(real(f), out, n, at); }

int write_file(sqlite3_file* file, const void* bytes, int n, sqlite3_int64 offset) {
  File& f = self(file);
  if (f.path && f.disk->full()) return SQLITE_FULL;
  int code = f.real->pMethods->xWrite(f.real, bytes, n, offset);
  if (code == SQLITE_OK && f.path) {
    f.disk->wrote(*f.identity, static_cast<uint64_t>(offset), {static_cast<const char*>(bytes), static_cast<size_t>(n)});
  }
  return code;
}

int truncate_file(sqlite3_file* file, sqlite3_int64 size) {
  File& f = self(file);
  int code = f.real->pMethods->xTruncate(f.real, size);
  if (code == SQLITE_OK && f.path) f.disk->truncated(*f.identity, static_cast<uint64_t>(size));
  return code;
}

int sync_file(sqlite3_file* file, int flags) {
  File& f = self(file);
  if (f.path && f.disk->take_sync_failure()) return SQLITE_IOERR_FSYNC;
  int code = f.real->pMethods->xSync(f.real, flags);
  if (code != SQLITE_OK || !f.path) return code;
  if (!f.disk->sync(*f.identity, *f.path)) return SQLITE_IOERR_FSYNC;
  if (!f.directory_due) return SQLITE_OK;
  f.directory_due = false;
  return f.disk->sync_directory(directory_of(*f.path)) ? SQLITE_OK : SQLITE_IOERR_DIR_FSYNC;
}

int file_size(sqlite3_file* f, sqlite3_int64* out) { return real(f)->pMethods->xFileSize(real(f), out); }
int lock_file(sqlite3_file* f, int level) { return real(f)->pMethods->xLock(real(f), level); }
int unlock_file(sqlite3_file* f, int level) { return real(f)->pMethods->xUnlock(real(f), level); }
int check_lock(sqlite3_file* f, int* out) { return real(f)->pMethods->xCheckReservedLock(real(f), out); }
int control(sqlite3_file* f, int op, void* arg) { return real(f)->pMethods->xFileControl(real(f), op, arg); }
int sector_size(sqlite3_file* f) { return real(f)->pMethods->xSectorSize(real(f)); }
int characteristics(sqlite3_file* f) { return real(f)->pMethods->xDeviceCharacteristics(real(f)); }
int shm_map(sqlite3_file* f, int page, int size, int extend, void volatile** out) {
  return real(f)->pMethods->xShmMap(real(f), page, size, extend, out);
}
int shm_lock(sqlite3_file* f, int at, int n, int flags) { return real(f)->pMethods->xShmLock(real(f), at, n, flags); }
void shm_barrier(sqlite3_file* f) { real(f)->pMethods->xShmBarrier(real(f)); }
int shm_unmap(sqlite3_file* f, int remove) { return real(f)->pMethods->xShmUnmap(real(f), remove); }

// Version 2: no memory-mapped pages, whose changes nobody would tell.
constexpr sqlite3_io_methods kMethods = {
    2,       close_file,  read_file,       write_file, truncate_file, sync_file,   file_size, lock_file, unlock_file, check_lock,
    control, sector_size, characteristics, shm_map,    shm_lock,      shm_barrier, shm_unmap, nullptr,   nullptr};

int open_file(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* out_flags) {
  File& f = *new (file) File{};
  f.disk = &disk_of(vfs);
  f.real = reinterpret_cast<sqlite3_file*>(&f + 1);
  int code = system_vfs()->xOpen(system_vfs(), path, f.real, flags, out_flags);
  if (code != SQLITE_OK) return code;  // no methods: SQLite does not close it
  f.base.pMethods = &kMethods;
  if (!path) return SQLITE_OK;
  auto identity = f.disk->identity(path);
  if (!identity) {
    log::error("fault_vfs", identity.error().message);
    f.real->pMethods->xClose(f.real);
    f.base.pMethods = nullptr;
    return SQLITE_CANTOPEN;
  }
  f.path = new std::string(path);
  f.identity = new std::string(std::move(*identity));
  constexpr int kJournals = SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL | SQLITE_OPEN_WAL;
  f.directory_due = (flags & SQLITE_OPEN_CREATE) && (flags & kJournals);
  return SQLITE_OK;
}

int delete_file(sqlite3_vfs* vfs, const char* path, int sync) {
  int code = system_vfs()->xDelete(system_vfs(), path, sync);
  if (code == SQLITE_OK && sync && !disk_of(vfs).sync_directory(directory_of(path))) return SQLITE_IOERR_DIR_FSYNC;
  return code;
}

}  // namespace

FaultVfs::FaultVfs(FaultDisk& disk) : name_("gust-fault-" + new_id(12)), vfs_(std::make_unique<sqlite3_vfs>()) {
  static_assert(sizeof(File) % alignof(std::max_align_t) == 0);
  GUST_CHECK(sqlite3_initialize() == SQLITE_OK && system_vfs());
  *vfs_ = *system_vfs();
  vfs_->iVersion = 2;  // no way around this one through its system calls
  vfs_->pNext = nullptr;
  vfs_->zName = name_.c_str();
  vfs_->pAppData = &disk;
  vfs_->szOsFile = static_cast<int>(sizeof(File)) + system_vfs()->szOsFile;
  vfs_->xOpen = open_file;
  vfs_->xDelete = delete_file;
  GUST_CHECK(sqlite3_vfs_register(vfs_.get(), 0) == SQLITE_OK);
}

FaultVfs::~FaultVfs() { sqlite3_vfs_unregister(vfs_.get()); }

}  // namespace gust::store
