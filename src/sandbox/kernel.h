// SPDX-License-Identifier: Apache-2.0

#pragma once

// System calls and constants that Debian 12's C library or headers lack, with the smallest possible wrappers. They return
// -1 and errno like the C library's.

#include <fcntl.h>
#include <linux/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

namespace gust::sandbox::kernel {

inline int open_tree(int directory, const char* path, unsigned flags) {
  return static_cast<int>(syscall(SYS_open_tree, directory, path, flags));
}
inline int move_mount(int from, int to, const char* path) {
  return static_cast<int>(syscall(SYS_move_mount, from, "", to, path, MOVE_MOUNT_F_EMPTY_PATH));
}
inline int fsopen(const char* type) { return static_cast<int>(syscall(SYS_fsopen, type, FSOPEN_CLOEXEC)); }
inline int fsconfig(int fd, unsigned command, const char* key, const char* value) {
  return static_cast<int>(syscall(SYS_fsconfig, fd, command, key, value, 0));
}
inline int fsmount(int fd, uint64_t attributes) {
  return static_cast<int>(syscall(SYS_fsmount, fd, FSMOUNT_CLOEXEC, attributes));
}
inline int set_mount(int fd, uint64_t set, uint64_t clear, unsigned flags = 0) {
  mount_attr attributes{};
  attributes.attr_set = set;
  attributes.attr_clr = clear;
  return static_cast<int>(syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH | flags, &attributes, sizeof attributes));
}
inline int pivot_root(const char* to, const char* old) { return static_cast<int>(syscall(SYS_pivot_root, to, old)); }

}  // namespace gust::sandbox::kernel
