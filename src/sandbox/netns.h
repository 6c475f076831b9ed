// SPDX-License-Identifier: Apache-2.0

#pragma once

// Network namespaces of sandboxes: a loopback interface and the platform's three sockets on it. Both functions change the
// calling thread's namespace and change it back; a process that cannot get back must end.

#include <cstdint>

#include "base/result.h"
#include "os/fd.h"

namespace gust::sandbox {

constexpr uint16_t kRuntimePort = 9001, kGatewayPort = 4566, kResolverPort = 53;

struct NetworkKit {
  Fd ns, runtime, gateway, resolver;
};
Result<NetworkKit> make_network(int home);  // home: the caller's own namespace, to return to

// A socket connected (or connecting) to 127.0.0.1:port in another namespace, non-blocking.
Result<Fd> connect_inside(int home, int ns, uint16_t port);

// Exits the process where it fails: everything after would be in the wrong namespace.
void enter_network(int ns);

}  // namespace gust::sandbox
