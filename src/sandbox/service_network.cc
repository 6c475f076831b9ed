// SPDX-License-Identifier: Apache-2.0

#include "sandbox/service_network.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/bpf.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "base/log.h"
#include "os/files.h"
#include "sandbox/netns.h"

namespace gust::sandbox {
namespace {

constexpr char kBridge[] = "services";
constexpr uint32_t kMostTries = 16;  // ranges, where another program of this host has the wanted one

uint32_t mask_of(unsigned prefix) { return ~uint32_t{0} << (32 - prefix); }

bool in_use(const AddressRange& range) {
  ifaddrs* all = nullptr;
  if (getifaddrs(&all) != 0) return false;
  bool found = false;
  for (ifaddrs* a = all; a; a = a->ifa_next) {
    if (!a->ifa_addr || a->ifa_addr->sa_family != AF_INET) continue;
    uint32_t address = ntohl(reinterpret_cast<sockaddr_in*>(a->ifa_addr)->sin_addr.s_addr);
    found |= (address & mask_of(range.prefix)) == range.base;
  }
  freeifaddrs(all);
  return found;
}

constexpr bpf_insn op(uint8_t code, uint8_t dst, uint8_t src, int16_t offset, int32_t immediate) {
  bpf_insn i{};
  i.code = code, i.dst_reg = dst, i.src_reg = src, i.off = offset, i.imm = immediate;
  return i;
}

// Passes ARP and TCP in IPv4 without fragments, except what begins a connection. 0: drop, 1: pass.
Result<Fd> load_filter() {
  enum { DROP = 24, PASS = 26 };
  constexpr auto go = [](int at, int to) { return static_cast<int16_t>(to - at - 1); };
  // clang-format off
  const bpf_insn program[] = {
      /* 0*/ op(BPF_LDX | BPF_MEM | BPF_W, 2, 1, offsetof(xdp_md, data), 0),
      /* 1*/ op(BPF_LDX | BPF_MEM | BPF_W, 3, 1, offsetof(xdp_md, data_end), 0),
      /* 2*/ op(BPF_ALU64 | BPF_MOV | BPF_X, 4, 2, 0, 0),
      /* 3*/ op(BPF_ALU64 | BPF_ADD | BPF_K, 4, 0, 0, 34),                    // Ethernet 14, IPv4 20
      /* 4*/ op(BPF_JMP | BPF_JGT | BPF_X, 4, 3, go(4, DROP), 0),             // ARP has 42
      /* 5*/ op(BPF_LDX | BPF_MEM | BPF_H, 5, 2, 12, 0),
      /* 6*/ op(BPF_JMP | BPF_JEQ | BPF_K, 5, 0, go(6, PASS), 0x0608),        // ARP
      /* 7*/ op(BPF_JMP | BPF_JNE | BPF_K, 5, 0, go(7, DROP), 0x0008),        // not IPv4
      /* 8*/ op(BPF_LDX | BPF_MEM | BPF_B, 5, 2, 23, 0),
      /* 9*/ op(BPF_JMP | BPF_JNE | BPF_K, 5, 0, go(9, DROP), 6),             // not TCP
      /*10*/ op(BPF_LDX | BPF_MEM | BPF_H, 5, 2, 20, 0),
      /*11*/ op(BPF_ALU64 | BPF_AND | BPF_K, 5, 0, 0, 0xff3f),                // more fragments, or not the first
      /*12*/ op(BPF_JMP | BPF_JNE | BPF_K, 5, 0, go(12, DROP), 0),
      /*13*/ op(BPF_LDX | BPF_MEM | BPF_B, 5, 2, 14, 0),
      /*14*/ op(BPF_ALU64 | BPF_AND | BPF_K, 5, 0, 0, 0xf),
      /*15*/ op(BPF_ALU64 | BPF_LSH | BPF_K, 5, 0, 0, 2),                     // length of the IPv4 header
      /*16*/ op(BPF_ALU64 | BPF_ADD | BPF_X, 2, 5, 0, 0),
      /*17*/ op(BPF_ALU64 | BPF_ADD | BPF_K, 2, 0, 0, 14),                    // now at TCP
      /*18*/ op(BPF_ALU64 | BPF_MOV | BPF_X, 4, 2, 0, 0),
      /*19*/ op(BPF_ALU64 | BPF_ADD | BPF_K, 4, 0, 0, 14),
      /*20*/ op(BPF_JMP | BPF_JGT | BPF_X, 4, 3, go(20, DROP), 0),
      /*21*/ op(BPF_LDX | BPF_MEM | BPF_B, 5, 2, 13, 0),
      /*22*/ op(BPF_ALU64 | BPF_AND | BPF_K, 5, 0, 0, 0x12),                  // SYN, ACK
      /*23*/ op(BPF_JMP | BPF_JNE | BPF_K, 5, 0, go(23, PASS), 0x02),
      /*24*/ op(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, XDP_DROP),
      /*25*/ op(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
      /*26*/ op(BPF_ALU64 | BPF_MOV | BPF_K, 0, 0, 0, XDP_PASS),
      /*27*/ op(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
  };
  // clang-format on
  bpf_attr attributes;
  std::memset(&attributes, 0, sizeof attributes);
  attributes.prog_type = BPF_PROG_TYPE_XDP;
  attributes.insns = reinterpret_cast<uint64_t>(program);
  attributes.insn_cnt = sizeof program / sizeof program[0];
  attributes.license = reinterpret_cast<uint64_t>("Apache-2.0");
  Fd fd(static_cast<int>(syscall(SYS_bpf, BPF_PROG_LOAD, &attributes, sizeof attributes)));
  if (!fd) return fail_errno("load packet filter");
  return fd;
}

}  // namespace

Result<AddressRange> parse_range(const std::string& text) {
  unsigned part[4], prefix = 0;
  int end = 0;
  if (sscanf(text.c_str(), "%u.%u.%u.%u/%u%n", &part[0], &part[1], &part[2], &part[3], &prefix, &end) != 5 ||
      end != static_cast<int>(text.size()) || prefix < 16 || prefix > 24) {
    return fail(Errc::Invalid, "service network: A.B.C.D/16 to /24, not " + text);
  }
  AddressRange range{0, prefix};
  for (unsigned p : part) {
    if (p > 255) return fail(Errc::Invalid, "service network: " + text + " is no address");
    range.base = range.base << 8 | p;
  }
  bool is_private = part[0] == 10 || (part[0] == 172 && part[1] >= 16 && part[1] < 32) || (part[0] == 192 && part[1] == 168);
  if (!is_private || range.base != (range.base & mask_of(prefix))) {
    return fail(Errc::Invalid, "service network: " + text + " is not a private range (10/8, 172.16/12, 192.168/16)");
  }
  return range;
}

std::string address_text(uint32_t address) {
  char text[INET_ADDRSTRLEN];
  in_addr in{htonl(address)};
  return inet_ntop(AF_INET, &in, text, sizeof text);
}

Result<> ServiceNetwork::open() {
  range_ = TRY(parse_range(wanted_));
  // Another instance, or another program, may use it: then one of the next.
  for (uint32_t i = 0; i < kMostTries && in_use(range_); ++i) range_.base += uint32_t{1} << (32 - range_.prefix);
  if (unshare(CLONE_NEWNET) != 0) return fail_errno("unshare network namespace");
  auto ns = files::open("/proc/self/ns/net", O_RDONLY);
  auto netlink = Netlink::open();
  enter_network(home_);
  ns_ = TRY(std::move(ns));
  inside_ = TRY(std::move(netlink));
  TRY(inside_->add_bridge(kBridge));
  TRY(inside_->set_up(kBridge));
  host_ = TRY(Netlink::open());
  if (auto linked = open_host_link(); !linked) {
    log::warning("warden", "services are not reachable from this host", {{"reason", linked.error().message}});
  }
  return {};
}

Result<> ServiceNetwork::open_host_link() {
  Fd filter = TRY(load_filter());
  TRY(inside_->add_pair("host", link_, home_));
  linked_ = true;
  TRY(host_->set_filter(link_, filter.get()));  // before anything can come through
  TRY(inside_->set_master("host", kBridge));
  TRY(inside_->set_up("host"));
  TRY(host_->add_address(link_, range_.base + 1, range_.prefix));
  return host_->set_up(link_);
}

Result<uint32_t> ServiceNetwork::attach(int ns) {
  if (wanted_.empty()) return fail(Errc::Unsupported, "no network of services is configured");
  if (!ns_) {
    if (auto opened = open(); !opened) {
      ns_.reset();
      return Failure(std::move(opened).error());
    }
  }
  bool fresh = next_ + 1 < uint32_t{1} << (32 - range_.prefix);  // the last one is for broadcast
  if (!fresh && free_.empty()) return fail(Errc::Exhausted, "no address is left for a service");
  std::string name = "v" + std::to_string(++pairs_);
  TRY(inside_->add_pair(name, "eth0", ns));
  TRY(inside_->set_master(name, kBridge));
  TRY(inside_->set_up(name));
  enter_network(ns);
  auto theirs = Netlink::open();
  enter_network(home_);
  if (!theirs) return Failure(std::move(theirs).error());
  uint32_t address = range_.base + (fresh ? next_ : free_.front());
  TRY(theirs->add_address("eth0", address, range_.prefix));
  TRY(theirs->set_up("eth0"));
  fresh ? void(++next_) : free_.pop_front();
  return address;
}

void ServiceNetwork::release(uint32_t address) { free_.push_back(address - range_.base); }

void ServiceNetwork::close() {
  if (linked_) (void)host_->remove(link_);
  linked_ = false;
}

}  // namespace gust::sandbox
