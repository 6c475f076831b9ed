// SPDX-License-Identifier: Apache-2.0

#include "sandbox/pool.h"

#include <fcntl.h>
#include <linux/if.h>
#include <linux/loop.h>
#include <linux/mount.h>
#include <sched.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <netinet/in.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/ids.h"
#include "base/log.h"
#include "net/socket.h"
#include "os/files.h"

namespace gust::sandbox {
namespace {

Result<> raise_loopback() {
  Fd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd) return fail_errno("socket");
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  if (ioctl(fd.get(), SIOCSIFFLAGS, &request) != 0) return fail_errno("raise lo");
  return {};
}

Result<Fd> udp_socket(uint16_t port) {
  Fd fd(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return fail_errno("socket");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return fail_errno("bind resolver");
  return fd;
}

Result<Network> fill_network() {
  Network network;
  TRY(raise_loopback());
  network.name_space = TRY(files::open("/proc/self/ns/net", O_RDONLY));
  network.runtime_listener = TRY(net::listen_tcp({"127.0.0.1", 9001}, 64));
  network.gateway_listener = TRY(net::listen_tcp({"127.0.0.1", 4566}, 256));
  network.resolver = TRY(udp_socket(53));
  return network;
}

// Copies the written parts of a sparse file.
Result<> copy_sparse(int from, int to, uint64_t bytes) {
  if (ftruncate(to, static_cast<off_t>(bytes)) != 0) return fail_errno("ftruncate");
  for (off_t at = 0;;) {
    off_t data = lseek(from, at, SEEK_DATA);
    if (data < 0) return errno == ENXIO ? Result<>() : fail_errno("lseek");
    off_t hole = lseek(from, data, SEEK_HOLE);
    for (off_t in = data, out = data; in < hole;) {
      ssize_t n = copy_file_range(from, &in, to, &out, static_cast<size_t>(hole - in), 0);
      if (n <= 0) return fail_errno("copy_file_range");
    }
    at = hole;
  }
}

Result<Fd> mount_new(const char* type, const char* source, const char* option, const char* value) {
  Fd context(static_cast<int>(syscall(SYS_fsopen, type, 1)));
  if (!context) return fail_errno("fsopen");
  if (source && syscall(SYS_fsconfig, context.get(), FSCONFIG_SET_STRING, "source", source, 0) != 0) return fail_errno("fsconfig source");
  if (option && syscall(SYS_fsconfig, context.get(), value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, option, value, 0) != 0) {
    return fail_errno("fsconfig");
  }
  if (syscall(SYS_fsconfig, context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) return fail_errno("mount /tmp");
  Fd tree(static_cast<int>(syscall(SYS_fsmount, context.get(), 1, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)));
  if (!tree) return fail_errno("fsmount");
  return tree;
}

Result<std::string> attach_loop(int image) {
  Fd control = TRY(files::open("/dev/loop-control", O_RDWR));
  for (int attempt = 0; attempt < 16; ++attempt) {
    int number = ioctl(control.get(), LOOP_CTL_GET_FREE);
    if (number < 0) return fail_errno("LOOP_CTL_GET_FREE");
    std::string path = "/dev/loop" + std::to_string(number);
    // Containers without udev lack the node of a new device: block major 7 (Documentation/admin-guide/devices.txt).
    if (!files::exists(path)) mknod(path.c_str(), S_IFBLK | 0600, static_cast<dev_t>(7) << 8 | static_cast<unsigned>(number));
    Fd device = TRY(files::open(path, O_RDWR));
    loop_config config{};
    config.fd = static_cast<unsigned>(image);
    config.info.lo_flags = LO_FLAGS_AUTOCLEAR;
    if (ioctl(device.get(), LOOP_CONFIGURE, &config) == 0) {
      // Auto-clear acts when the last opener goes: the mount must open it before we close.
      return path + " " + std::to_string(device.release());
    }
    if (errno != EBUSY) return fail_errno("LOOP_CONFIGURE");
  }
  return fail(Errc::Exhausted, "no free loop device");
}

}  // namespace

Result<Network> make_network() {
  Fd home = TRY(files::open("/proc/self/ns/net", O_RDONLY));
  if (unshare(CLONE_NEWNET) != 0) return fail_errno("unshare network namespace");
  auto network = fill_network();
  if (setns(home.get(), CLONE_NEWNET) != 0) {
    log::error("starter", "cannot come back from a network namespace");
    _exit(1);
  }
  return network;
}

Result<std::string> TmpPool::image(uint64_t bytes) {
  auto known = images_.find(bytes);
  if (known != images_.end()) return known->second;
  std::string path = directory_ + "/tmp-" + std::to_string(bytes >> 20) + "-" + new_id(8);
  Fd file = TRY(files::open(path, O_RDWR | O_CREAT | O_EXCL, 0600));
  if (ftruncate(file.get(), static_cast<off_t>(bytes)) != 0) return fail_errno("ftruncate " + path);
  const char* arguments[] = {"mke2fs", "-q", "-F", "-t", "ext4", "-m", "0", "-N", "16384", "-E", "lazy_itable_init=1,nodiscard",
                             "-O", "^has_journal,^resize_inode,^metadata_csum", path.c_str(), nullptr};
  const char* environment[] = {"PATH=/usr/sbin:/sbin:/usr/bin:/bin", nullptr};
  pid_t pid = 0;
  int error = posix_spawnp(&pid, "/sbin/mke2fs", nullptr, nullptr, const_cast<char**>(arguments), const_cast<char**>(environment));
  int status = 0;
  if (error == 0) waitpid(pid, &status, 0);
  if (error != 0 || status != 0) {
    unlink(path.c_str());
    return fail(Errc::Unsupported, "mke2fs (package e2fsprogs) failed");
  }
  images_[bytes] = path;
  return path;
}

Result<Fd> TmpPool::make(uint64_t bytes) {
  std::string size = std::to_string(bytes);
  if (fallback_) return mount_new("tmpfs", "tmpfs", "size", size.c_str());
  std::string formatted = TRY(image(bytes));
  Fd from = TRY(files::open(formatted, O_RDONLY));
  std::string path = formatted + "-" + new_id(8);
  Fd file = TRY(files::open(path, O_RDWR | O_CREAT | O_EXCL, 0600));
  auto copied = copy_sparse(from.get(), file.get(), bytes);
  unlink(path.c_str());
  if (!copied) return Failure(std::move(copied).error());
  std::string device = TRY(attach_loop(file.get()));
  size_t space = device.find(' ');
  Fd opened(std::atoi(device.c_str() + space + 1));
  device.resize(space);
  Fd tree = TRY(mount_new("ext4", device.c_str(), nullptr, nullptr));
  if (fchmodat(tree.get(), ".", 01777, 0) != 0) return fail_errno("chmod /tmp");
  unlinkat(tree.get(), "lost+found", AT_REMOVEDIR);
  return tree;
}

Result<Fd> TmpPool::take(uint64_t bytes) {
  if (bytes == kPooledBytes && !ready_.empty()) {
    Fd tree = std::move(ready_.front());
    ready_.pop_front();
    return tree;
  }
  auto made = make(bytes);
  if (!made && !fallback_) {
    log::warning("starter", "/tmp of sandboxes is a tmpfs, charged as memory: no loop-mounted ext4", {{"error", made.error().message}});
    fallback_ = true;
    return make(bytes);
  }
  return made;
}

void TmpPool::refill() {
  if (full()) return;
  std::deque<Fd> held = std::move(ready_);
  ready_.clear();
  if (auto made = take(kPooledBytes)) held.push_back(std::move(*made));
  ready_ = std::move(held);
}

}  // namespace gust::sandbox
