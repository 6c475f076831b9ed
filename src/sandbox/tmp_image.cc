// SPDX-License-Identifier: Apache-2.0

#include "sandbox/tmp_image.h"

#include <linux/loop.h>
#include <linux/mount.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <vector>

#include "base/ids.h"
#include "base/log.h"
#include "os/files.h"
#include "sandbox/kernel.h"

namespace gust::sandbox {
namespace {

constexpr size_t kMostTemplates = 4;  // sizes of /tmp in use at the same time
constexpr size_t kBlock = 4096;       // of ext4, and what is copied at once
constexpr uint64_t kAttributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;

// ext4 keeps 2 % for its own growth (ext4_calculate_resv_clusters) and has inode tables beside the data.
uint64_t image_size(uint64_t bytes) { return (bytes + bytes / 50 + (12 << 20) + 4095) & ~uint64_t{4095}; }

Result<> run_mke2fs(int image) {
  std::string path = "/proc/self/fd/9";
  const char* arguments[] = {"mke2fs",
                             "-q",
                             "-F",
                             "-t",
                             "ext4",
                             "-b",
                             "4096",
                             "-N",
                             "16384",
                             "-m",
                             "0",
                             "-O",
                             "^has_journal,^resize_inode,^metadata_csum",
                             "-E",
                             "lazy_itable_init=1,nodiscard,root_owner=0:0",
                             path.c_str(),
                             nullptr};
  const char* environment[] = {"PATH=/usr/sbin:/sbin:/usr/bin:/bin", nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, image, 9);
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
  pid_t pid = 0;
  int error = ENOENT;
  for (const char* program : {"/usr/sbin/mke2fs", "/sbin/mke2fs"}) {
    error = posix_spawn(&pid, program, &actions, nullptr, const_cast<char**>(arguments), const_cast<char**>(environment));
    if (error != ENOENT) break;
  }
  posix_spawn_file_actions_destroy(&actions);
  if (error) return Failure(errno_error("mke2fs (package e2fsprogs)", error));
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return fail(Errc::Io, "mke2fs failed");
  return {};
}

// Blocks of zeros become holes: most of an empty file system is empty inode tables.
Result<> write_block(int to, const char* block, size_t size, off_t at) {
  if (std::all_of(block, block + size, [](char c) { return c == 0; })) return {};
  if (pwrite(to, block, size, at) != static_cast<ssize_t>(size)) return fail_errno("write image");
  return {};
}

Result<> copy_data(int from, int to) {
  std::vector<char> buffer(kBlock);
  for (off_t at = 0;;) {
    off_t data = lseek(from, at, SEEK_DATA);
    if (data < 0) return {};  // ENXIO: nothing but a hole is left
    off_t hole = lseek(from, data, SEEK_HOLE);
    if (hole < 0) return fail_errno("lseek image");
    while (data < hole) {
      ssize_t n = pread(from, buffer.data(), std::min<size_t>(buffer.size(), static_cast<size_t>(hole - data)), data);
      if (n <= 0) return fail_errno("read image");
      TRY(write_block(to, buffer.data(), static_cast<size_t>(n), data));
      data += n;
    }
    at = hole;
  }
}

Result<Fd> make_tmpfs(uint64_t bytes) {
  Fd context(kernel::fsopen("tmpfs"));
  if (!context) return fail_errno("fsopen tmpfs");
  std::string size = std::to_string(bytes);
  if (kernel::fsconfig(context.get(), FSCONFIG_SET_STRING, "size", size.c_str()) != 0 ||
      kernel::fsconfig(context.get(), FSCONFIG_SET_STRING, "mode", "1777") != 0 ||
      kernel::fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr) != 0) {
    return fail_errno("configure tmpfs");
  }
  Fd mounted(kernel::fsmount(context.get(), kAttributes));
  if (!mounted) return fail_errno("fsmount tmpfs");
  return mounted;
}

}  // namespace

TmpImages::TmpImages(std::string directory, bool force_tmpfs) : directory_(std::move(directory)) {
  if (force_tmpfs) {
    reason_ = "chosen by configuration";
    return;
  }
  loop_control_ = Fd(::open("/dev/loop-control", O_RDWR | O_CLOEXEC));
  if (!loop_control_) reason_ = errno_error("no loop devices: open /dev/loop-control", errno).message;
}

Result<Fd> TmpImages::make(uint64_t bytes) {
  if (reason_.empty()) {
    auto image = make_image(bytes);
    // Of a missing kernel or tool facility we never recover; a full disk passes.
    if (image || image.error().code == Errc::Exhausted) return image;
    reason_ = image.error().message;
    log::warning("warden", "/tmp is a tmpfs, charged as memory", {{"reason", reason_}});
  }
  return make_tmpfs(bytes);
}

Result<Fd> TmpImages::anonymous_file(uint64_t size) {
  Fd fd(::open(directory_.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (!fd) {
    std::string path = directory_ + "/" + new_id(16) + ".image";
    fd = TRY(files::open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
    ::unlink(path.c_str());
  }
  if (ftruncate(fd.get(), static_cast<off_t>(size)) != 0) return fail_errno("size of /tmp image");
  return fd;
}

Result<int> TmpImages::template_for(uint64_t bytes) {
  for (auto it = templates_.begin(); it != templates_.end(); ++it) {
    if (it->bytes == bytes) {
      templates_.splice(templates_.begin(), templates_, it);
      return templates_.front().file.get();
    }
  }
  Fd file = TRY(anonymous_file(image_size(bytes)));
  TRY(run_mke2fs(file.get()));
  {
    Fd mounted = TRY(mount_loop(file.get()));
    if (unlinkat(mounted.get(), "lost+found", AT_REMOVEDIR) != 0) return fail_errno("rmdir lost+found");
    if (fchmodat(mounted.get(), ".", 01777, 0) != 0) return fail_errno("chmod /tmp image");
  }  // the last reference: unmounted and written back when close(2) returns
  Fd sparse = TRY(anonymous_file(image_size(bytes)));
  TRY(copy_data(file.get(), sparse.get()));
  templates_.push_front({bytes, std::move(sparse)});
  if (templates_.size() > kMostTemplates) templates_.pop_back();
  return templates_.front().file.get();
}

Result<Fd> TmpImages::make_image(uint64_t bytes) {
  int source = TRY(template_for(bytes));
  Fd image = TRY(anonymous_file(image_size(bytes)));
  TRY(copy_data(source, image.get()));
  return mount_loop(image.get());
}

Result<Fd> TmpImages::mount_loop(int image) {
  loop_config config{};
  config.fd = static_cast<uint32_t>(image);
  config.block_size = 4096;
  config.info.lo_flags = LO_FLAGS_AUTOCLEAR | LO_FLAGS_DIRECT_IO;  // direct: or every page would be cached twice
  Fd loop;
  std::string path;
  for (int attempt = 0;; ++attempt) {
    int number = ioctl(loop_control_.get(), LOOP_CTL_GET_FREE);
    if (number < 0) return fail_errno("find a free loop device");
    path = "/dev/loop" + std::to_string(number);
    loop = Fd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    if (loop && ioctl(loop.get(), LOOP_CONFIGURE, &config) == 0) break;
    if (loop && errno == EINVAL && config.info.lo_flags & LO_FLAGS_DIRECT_IO) {
      config.info.lo_flags = LO_FLAGS_AUTOCLEAR;    // the state's file system has no direct I/O
    } else if (errno != EBUSY || attempt == 100) {  // busy: somebody else was faster
      return fail_errno("set up " + path);
    }
  }
  Fd context(kernel::fsopen("ext4"));
  if (!context) return fail_errno("fsopen ext4");
  if (kernel::fsconfig(context.get(), FSCONFIG_SET_STRING, "source", path.c_str()) != 0 ||
      kernel::fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr) != 0) {
    return fail_errno("mount /tmp image");
  }
  Fd mounted(kernel::fsmount(context.get(), kAttributes));
  if (!mounted) return fail_errno("fsmount /tmp image");
  return mounted;
}

}  // namespace gust::sandbox
