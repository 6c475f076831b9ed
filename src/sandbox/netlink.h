// SPDX-License-Identifier: Apache-2.0

#pragma once

// The few rtnetlink(7) requests that the network of services needs. A socket belongs to the network namespace in which it was
// made and acts there. Each request waits for the kernel's answer.

#include <cstdint>
#include <string>

#include "base/result.h"
#include "os/fd.h"

namespace gust::sandbox {

class Netlink {
 public:
  static Result<Netlink> open();  // in the caller's namespace

  Result<> add_bridge(const std::string& name);
  // A pair of virtual interfaces: `name` here, `peer` in the other namespace.
  Result<> add_pair(const std::string& name, const std::string& peer, int peer_ns);
  Result<> set_up(const std::string& name);
  Result<> set_master(const std::string& name, const std::string& bridge);
  Result<> add_address(const std::string& name, uint32_t address, unsigned prefix);  // IPv4, host byte order
  Result<> set_filter(const std::string& name, int program);                         // XDP, in the generic mode
  Result<> remove(const std::string& name);                                          // and its pair; takes tens of milliseconds

 private:
  explicit Netlink(Fd fd) : fd_(std::move(fd)) {}
  class Message;
  Result<> ask(Message& message, const std::string& what);
  Result<int> index_of(const std::string& name);
  Result<> change(const std::string& name, unsigned flags, uint16_t attribute, uint32_t value);

  Fd fd_;
  uint32_t sequence_ = 0;
};

}  // namespace gust::sandbox
