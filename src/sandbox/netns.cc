// SPDX-License-Identifier: Apache-2.0

#include "sandbox/netns.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "base/log.h"
#include "os/files.h"

namespace gust::sandbox {
namespace {

sockaddr_in loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

Result<Fd> bound_socket(int type, uint16_t port) {
  Fd fd(socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return fail_errno("socket");
  sockaddr_in address = loopback(port);
  if (bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return fail_errno("bind");
  if (type == SOCK_STREAM && listen(fd.get(), 256) != 0) return fail_errno("listen");
  return fd;
}

Result<> bring_up_loopback(int any_socket) {
  ifreq request{};
  std::memcpy(request.ifr_name, "lo", 3);
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  if (ioctl(any_socket, SIOCSIFFLAGS, &request) != 0) return fail_errno("bring up loopback");
  return {};
}

Result<NetworkKit> fill() {
  NetworkKit kit;
  kit.ns = TRY(files::open("/proc/self/ns/net", O_RDONLY));
  Fd any(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!any) return fail_errno("socket");
  TRY(bring_up_loopback(any.get()));
  kit.runtime = TRY(bound_socket(SOCK_STREAM, kRuntimePort));
  kit.gateway = TRY(bound_socket(SOCK_STREAM, kGatewayPort));
  kit.resolver = TRY(bound_socket(SOCK_DGRAM, kResolverPort));
  return kit;
}

}  // namespace

void enter_network(int ns) { GUST_CHECK(setns(ns, CLONE_NEWNET) == 0); }

Result<NetworkKit> make_network(int home) {
  if (unshare(CLONE_NEWNET) != 0) return fail_errno("unshare network namespace");
  auto kit = fill();
  enter_network(home);
  return kit;
}

Result<Fd> connect_inside(int home, int ns, uint16_t port) {
  enter_network(ns);
  Fd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  int error = errno;
  enter_network(home);
  if (!fd) return Failure(errno_error("socket", error));
  // A socket stays in the namespace that it was made in.
  sockaddr_in address = loopback(port);
  if (connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 && errno != EINPROGRESS) {
    return fail_errno("connect");
  }
  return fd;
}

}  // namespace gust::sandbox
