// SPDX-License-Identifier: Apache-2.0

#include "sandbox/starter_root.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cerrno>

#include "os/files.h"
#include "sandbox/kernel.h"
#include "sandbox/prepare_protocol.h"

namespace gust::sandbox {
namespace {

constexpr uint64_t kQuiet = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;

Result<Fd> clone_tree(const std::string& path) {
  Fd tree(kernel::open_tree(AT_FDCWD, path.c_str(), OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
  if (!tree) return fail_errno("clone mount of " + path);
  return tree;
}

Result<Fd> new_tmpfs(const char* size, uint64_t attributes) {
  Fd context(kernel::fsopen("tmpfs"));
  if (!context) return fail_errno("fsopen tmpfs");
  if (kernel::fsconfig(context.get(), FSCONFIG_SET_STRING, "size", size) != 0 ||
      kernel::fsconfig(context.get(), FSCONFIG_SET_STRING, "mode", "755") != 0 ||
      kernel::fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr) != 0) {
    return fail_errno("configure tmpfs");
  }
  Fd mounted(kernel::fsmount(context.get(), attributes));
  if (!mounted) return fail_errno("fsmount tmpfs");
  return mounted;
}

Result<> attach(int tree, const char* path) {
  if (kernel::move_mount(tree, AT_FDCWD, path) != 0) return fail_errno(std::string("attach ") + path);
  return {};
}

Result<> fill_dev(int dev) {
  struct Node {
    const char* name;
    unsigned minor_number;
  };
  for (Node node : {Node{"null", 3}, Node{"zero", 5}, Node{"full", 7}, Node{"random", 8}, Node{"urandom", 9}}) {
    if (mknodat(dev, node.name, S_IFCHR | 0666, makedev(1, node.minor_number)) != 0) return fail_errno("mknod");
    if (fchmodat(dev, node.name, 0666, 0) != 0) return fail_errno("chmod device");
  }
  if (mkdirat(dev, "shm", 0755) != 0) return fail_errno("mkdir shm");
  for (auto [name, target] : {std::pair{"fd", "/proc/self/fd"}, std::pair{"stdin", "/proc/self/fd/0"},
                              std::pair{"stdout", "/proc/self/fd/1"}, std::pair{"stderr", "/proc/self/fd/2"}}) {
    if (symlinkat(target, dev, name) != 0) return fail_errno("symlink in dev");
  }
  return {};
}

Result<> put_program(int directory, const char* name, const std::string& content) {
  Fd file(openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755));
  if (!file) return fail_errno(std::string("create ") + name);
  return files::write_all(file.get(), content);
}

struct Parts {
  Fd root, code, proc;
  std::string init, unpack;
};

Result<Parts> gather(const WardenConfig& config) {
  Parts parts;
  parts.root = TRY(clone_tree(config.root_directory));
  parts.code = TRY(clone_tree(config.state_directory + "/code"));
  parts.proc = TRY(clone_tree("/proc"));
  parts.init = TRY(files::read(config.init_path));
  if (!config.unpack_path.empty()) parts.unpack = TRY(files::read(config.unpack_path));
  return parts;
}

// Makes the tmpfs the root and drops everything that was there before.
Result<> change_root(int base) {
  TRY(attach(base, "/proc"));  // any directory that exists everywhere
  if (fchdir(base) != 0) return fail_errno("chdir new root");
  if (kernel::pivot_root(".", ".") != 0) return fail_errno("pivot_root");
  if (umount2(".", MNT_DETACH) != 0) return fail_errno("detach old root");
  if (chdir("/") != 0) return fail_errno("chdir /");
  return {};
}

Result<> build_template(const Parts& parts) {
  TRY(attach(parts.root.get(), GUST_TEMPLATE));
  Fd dev = TRY(new_tmpfs("64k", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC));
  TRY(fill_dev(dev.get()));
  TRY(attach(dev.get(), "/t/dev"));
  // Copies of our helpers: a bind mount would show the host's path in mountinfo.
  Fd runtime = TRY(new_tmpfs("16m", kQuiet));
  TRY(put_program(runtime.get(), "init", parts.init));
  if (!parts.unpack.empty()) TRY(put_program(runtime.get(), "unpack", parts.unpack));
  TRY(attach(runtime.get(), "/t/var/runtime"));
  for (int tree : {dev.get(), runtime.get()}) {
    if (kernel::set_mount(tree, MOUNT_ATTR_RDONLY, 0) != 0) return fail_errno("make read-only");
  }
  if (kernel::set_mount(parts.root.get(), MOUNT_ATTR_RDONLY | kQuiet, 0) != 0) return fail_errno("make root read-only");
  return {};
}

}  // namespace

Result<StarterRoot> enter_starter_root(const WardenConfig& config) {
  if (unshare(CLONE_NEWNS) != 0) return fail_errno("unshare mount namespace");
  if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return fail_errno("make mounts private");
  Parts parts = TRY(gather(config));
  Fd base = TRY(new_tmpfs("64k", kQuiet));
  for (const char* name : {"t", "code", "proc"}) {
    if (mkdirat(base.get(), name, 0755) != 0) return fail_errno("mkdir in new root");
  }
  TRY(change_root(base.get()));
  TRY(attach(parts.proc.get(), "/proc"));
  TRY(attach(parts.code.get(), "/code"));
  TRY(build_template(parts));
  if (kernel::set_mount(base.get(), MOUNT_ATTR_RDONLY, 0) != 0) return fail_errno("make root read-only");
  StarterRoot root;
  root.code = TRY(files::open("/code", O_RDONLY | O_DIRECTORY));
  root.root = TRY(files::open(GUST_TEMPLATE, O_PATH | O_DIRECTORY));
  root.dev = TRY(files::open("/t/dev", O_PATH | O_DIRECTORY));
  root.null = TRY(files::open("/t/dev/null", O_RDONLY));
  return root;
}

}  // namespace gust::sandbox
