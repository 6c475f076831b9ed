// SPDX-License-Identifier: Apache-2.0

#pragma once

// The network of always-on services: each has an interface eth0 with an address of its own, all on one bridge that lies in a
// network namespace of ours. One more pair leads to the host, so that its programs reach the services; what services begin
// towards the host is dropped where it arrives there (an XDP filter that lets TCP through except SYN without ACK), and nothing
// is routed, so that services reach each other and nothing else. No interface is made before the first service. Used by the
// remover; not thread-safe.

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "base/result.h"
#include "os/fd.h"
#include "sandbox/netlink.h"

namespace gust::sandbox {

struct AddressRange {
  uint32_t base = 0;    // host byte order
  unsigned prefix = 0;  // 16 to 24
};
Result<AddressRange> parse_range(const std::string& text);  // "10.177.0.0/16"; Invalid: not private, or another size
std::string address_text(uint32_t address);

class ServiceNetwork {
 public:
  // `home`: the host's network namespace, in which the caller is. `link`: name of the interface there.
  ServiceNetwork(std::string range, std::string link, int home)
      : wanted_(std::move(range)), link_(std::move(link)), home_(home) {}
  // Gives the namespace an interface; returns its address. Unsupported: switched off by an empty range.
  Result<uint32_t> attach(int ns);
  void release(uint32_t address);  // of an interface that is gone with its namespace
  void close();                    // takes the host's interface away

 private:
  Result<> open();
  Result<> open_host_link();

  std::string wanted_, link_;
  int home_;
  AddressRange range_;
  Fd ns_;
  std::optional<Netlink> inside_, host_;
  bool linked_ = false;
  uint32_t next_ = 2;  // .1 is the host
  uint64_t pairs_ = 0;
  std::deque<uint32_t> free_;  // used again as late as possible: neighbours remember who had an address
};

}  // namespace gust::sandbox
