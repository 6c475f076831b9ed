// SPDX-License-Identifier: Apache-2.0

#include "sandbox/netlink.h"

#include <arpa/inet.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace gust::sandbox {

// A request with its attributes, in a buffer that is large enough for all of ours.
class Netlink::Message {
 public:
  template <class Body>
  Message(uint16_t type, uint16_t flags, const Body& body) {
    header().nlmsg_type = type;
    header().nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | NLM_F_ACK | flags);
    header().nlmsg_len = NLMSG_LENGTH(0);
    put(body);
  }
  nlmsghdr& header() { return *reinterpret_cast<nlmsghdr*>(bytes_); }
  const void* data() const { return bytes_; }

  template <class Body>
  void put(const Body& body) {
    std::memcpy(bytes_ + header().nlmsg_len, &body, sizeof body);
    header().nlmsg_len = NLMSG_ALIGN(header().nlmsg_len + static_cast<uint32_t>(sizeof body));
  }
  void attribute(uint16_t type, const void* value, size_t size) {
    rtattr head{static_cast<uint16_t>(RTA_LENGTH(size)), type};
    std::memcpy(bytes_ + header().nlmsg_len, &head, sizeof head);
    if (size) std::memcpy(bytes_ + header().nlmsg_len + RTA_LENGTH(0), value, size);
    header().nlmsg_len += RTA_ALIGN(RTA_LENGTH(size));
  }
  void attribute(uint16_t type, const std::string& text) { attribute(type, text.c_str(), text.size() + 1); }
  void attribute(uint16_t type, uint32_t value) { attribute(type, &value, sizeof value); }
  // Attributes put until close() are inside of this one.
  uint32_t open(uint16_t type) {
    uint32_t at = header().nlmsg_len;
    attribute(type, nullptr, 0);
    return at;
  }
  void close(uint32_t at) { reinterpret_cast<rtattr*>(bytes_ + at)->rta_len = static_cast<uint16_t>(header().nlmsg_len - at); }

 private:
  alignas(nlmsghdr) char bytes_[512] = {};
};

Result<Netlink> Netlink::open() {
  Fd fd(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  if (!fd) return fail_errno("netlink socket");
  return Netlink(std::move(fd));
}

Result<> Netlink::ask(Message& message, const std::string& what) {
  message.header().nlmsg_seq = ++sequence_;
  if (send(fd_.get(), message.data(), message.header().nlmsg_len, 0) < 0) return fail_errno(what);
  alignas(nlmsghdr) char answer[1024];
  for (;;) {
    ssize_t n = recv(fd_.get(), answer, sizeof answer, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < static_cast<ssize_t>(NLMSG_LENGTH(sizeof(nlmsgerr)))) return fail(Errc::Io, what + ": short answer");
    const auto& header = *reinterpret_cast<const nlmsghdr*>(answer);
    if (header.nlmsg_seq != sequence_ || header.nlmsg_type != NLMSG_ERROR) continue;
    int error = -reinterpret_cast<const nlmsgerr*>(NLMSG_DATA(&header))->error;
    if (error == 0) return {};
    return Failure(errno_error(what, error));
  }
}

Result<int> Netlink::index_of(const std::string& name) {
  ifreq request{};
  name.copy(request.ifr_name, sizeof request.ifr_name - 1);
  if (ioctl(fd_.get(), SIOCGIFINDEX, &request) != 0) return fail_errno("interface " + name);
  return request.ifr_ifindex;
}

Result<> Netlink::change(const std::string& name, unsigned flags, uint16_t attribute, uint32_t value) {
  ifinfomsg body{};
  body.ifi_index = TRY(index_of(name));
  body.ifi_flags = body.ifi_change = flags;
  Message message(RTM_NEWLINK, 0, body);
  if (attribute) message.attribute(attribute, value);
  return ask(message, "change interface " + name);
}

Result<> Netlink::add_bridge(const std::string& name) {
  Message message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, ifinfomsg{});
  message.attribute(IFLA_IFNAME, name);
  uint32_t info = message.open(IFLA_LINKINFO);
  message.attribute(IFLA_INFO_KIND, std::string("bridge"));
  message.close(info);
  return ask(message, "add bridge " + name);
}

Result<> Netlink::add_pair(const std::string& name, const std::string& peer, int peer_ns) {
  Message message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, ifinfomsg{});
  message.attribute(IFLA_IFNAME, name);
  uint32_t info = message.open(IFLA_LINKINFO);
  message.attribute(IFLA_INFO_KIND, std::string("veth"));
  uint32_t data = message.open(IFLA_INFO_DATA);
  uint32_t other = message.open(VETH_INFO_PEER);
  message.put(ifinfomsg{});
  message.attribute(IFLA_IFNAME, peer);
  message.attribute(IFLA_NET_NS_FD, static_cast<uint32_t>(peer_ns));
  for (uint32_t nest : {other, data, info}) message.close(nest);
  return ask(message, "add interface pair " + name);
}

Result<> Netlink::set_up(const std::string& name) { return change(name, IFF_UP, 0, 0); }

Result<> Netlink::set_master(const std::string& name, const std::string& bridge) {
  return change(name, 0, IFLA_MASTER, static_cast<uint32_t>(TRY(index_of(bridge))));
}

Result<> Netlink::add_address(const std::string& name, uint32_t address, unsigned prefix) {
  ifaddrmsg body{};
  body.ifa_family = AF_INET;
  body.ifa_prefixlen = static_cast<unsigned char>(prefix);
  body.ifa_index = static_cast<uint32_t>(TRY(index_of(name)));
  Message message(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, body);
  message.attribute(IFA_LOCAL, htonl(address));
  message.attribute(IFA_ADDRESS, htonl(address));
  return ask(message, "add address to " + name);
}

Result<> Netlink::set_filter(const std::string& name, int program) {
  ifinfomsg body{};
  body.ifi_index = TRY(index_of(name));
  Message message(RTM_NEWLINK, 0, body);
  uint32_t xdp = message.open(IFLA_XDP | NLA_F_NESTED);
  message.attribute(IFLA_XDP_FD, static_cast<uint32_t>(program));
  message.attribute(IFLA_XDP_FLAGS, XDP_FLAGS_SKB_MODE);
  message.close(xdp);
  return ask(message, "filter of interface " + name);
}

Result<> Netlink::remove(const std::string& name) {
  ifinfomsg body{};
  body.ifi_index = TRY(index_of(name));
  Message message(RTM_DELLINK, 0, body);
  return ask(message, "remove interface " + name);
}

}  // namespace gust::sandbox
