// SPDX-License-Identifier: Apache-2.0

#pragma once

// Files and directories: thin calls that keep errno and path in their Error. Blocking: never on a loop thread, except for
// files under /proc, /sys and cgroup mounts. Thread-safe.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "os/fd.h"

namespace gust::files {

Result<std::string> read(const std::string& path, size_t limit = 64 << 20);               // TooLarge beyond the limit
Result<std::string> read_fd(int fd, uint64_t offset, size_t length);                      // exactly length bytes, else Io
Result<> write(const std::string& path, std::string_view content, unsigned mode = 0644);  // truncates; no sync
Result<> write_all(int fd, std::string_view content);                                     // at the file position, whole or error
// Content, then fsync of file and directory, then the new name: after success the file survives power loss, and no reader
// ever sees half of it.
Result<> write_durably(const std::string& path, std::string_view content, unsigned mode = 0600);

Result<Fd> open(const std::string& path, int flags, unsigned mode = 0600);  // O_CLOEXEC is added
Result<> make_directories(const std::string& path, unsigned mode = 0755);   // mkdir -p
Result<std::vector<std::string>> list(const std::string& directory);        // names, sorted, without . and ..
bool exists(const std::string& path);
Result<uint64_t> size(const std::string& path);
Result<> remove(const std::string& path);       // a file; absence is no error
Result<> remove_tree(const std::string& path);  // does not follow links or cross mounts; absence is no error
Result<> rename(const std::string& from, const std::string& to);
Result<> sync_directory(const std::string& path);

}  // namespace gust::files
