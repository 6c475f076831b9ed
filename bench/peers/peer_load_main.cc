// SPDX-License-Identifier: Apache-2.0

// peer_load s3|dynamodb HOST:PORT ACCESS_KEY SECRET_KEY PID OPERATION [SECONDS]
// Keeps 16 connections busy with signed requests and prints one line of JSON: operations, seconds, and the CPU time that
// process PID and all below it took meanwhile. OPERATION "prepare" makes what the others read.

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <thread>

#include "base/encoding.h"
#include "os/clock.h"
#include "os/files.h"
#include "requests.h"

namespace gust::bench {
namespace {

constexpr size_t kConnections = 16, kScratch = 256 << 10;

struct Process {
  int parent = 0;
  uint64_t ticks = 0;  // user and system, with the children that it has waited for
};

Process process_of(const std::string& pid) {
  const auto text = files::read("/proc/" + pid + "/stat");
  if (!text) return {};
  // After the name, which may hold anything: state, parent, then of the eleventh to the fourteenth utime stime cutime cstime.
  unsigned long user = 0, system = 0, children_user = 0, children_system = 0;
  Process found;
  const size_t at = text->rfind(')');
  if (at == text->npos || sscanf(text->c_str() + at + 2, "%*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %lu %lu",
                                 &found.parent, &user, &system, &children_user, &children_system) != 5)
    return {};
  found.ticks = user + system + children_user + children_system;
  return found;
}

// Microseconds of the process and its descendants.
double cpu_us(int root) {
  std::map<int, Process> all;
  if (const auto names = files::list("/proc")) {
    for (const std::string& name : *names) {
      if (name[0] >= '0' && name[0] <= '9') all[atoi(name.c_str())] = process_of(name);
    }
  }
  uint64_t ticks = 0;
  for (const auto& [pid, process] : all) {
    int above = pid;
    for (int depth = 0; above > 1 && above != root && depth < 64; ++depth) above = all[above].parent;
    if (above == root) ticks += process.ticks;
  }
  return static_cast<double>(ticks) * 1e6 / static_cast<double>(sysconf(_SC_CLK_TCK));
}

// Sends a request and reads its answer to the end without keeping the body: on a small machine whatever this program does is
// taken from the server. Errors: Io; Invalid: not 200, or no Content-Length.
Result<> exchange(int fd, std::string_view request, std::vector<char>& scratch) {
  while (!request.empty()) {
    const ssize_t n = ::send(fd, request.data(), request.size(), MSG_NOSIGNAL);
    if (n <= 0) return fail_errno("send");
    request.remove_prefix(static_cast<size_t>(n));
  }
  size_t got = 0, end = std::string_view::npos;
  while (end == std::string_view::npos) {
    if (got == scratch.size()) return fail(Errc::Invalid, "the head of an answer is too long");
    const ssize_t n = ::recv(fd, scratch.data() + got, scratch.size() - got, 0);
    if (n <= 0) return fail(Errc::Io, "the connection was closed");
    got += static_cast<size_t>(n);
    end = std::string_view(scratch.data(), got).find("\r\n\r\n");
  }
  const std::string head = lower(std::string_view(scratch.data(), end + 2));
  const size_t length = head.find("\r\ncontent-length:");
  if (!head.starts_with("http/1.1 200 ") || length == head.npos)
    return fail(Errc::Invalid, "unexpected answer: " + std::string(scratch.data(), std::min<size_t>(got, 600)));
  size_t left = strtoul(head.c_str() + length + 17, nullptr, 10) - (got - end - 4);
  while (left != 0) {
    const ssize_t n = ::recv(fd, scratch.data(), std::min(left, scratch.size()), 0);
    if (n <= 0) return fail(Errc::Io, "the connection was closed");
    left -= static_cast<size_t>(n);
  }
  return {};
}

int64_t now_us() { return system_clock().monotonic_us(); }

Result<> load(const net::Endpoint& endpoint, int pid, const std::vector<std::string>& requests, double seconds) {
  std::atomic<size_t> next{0}, done{0}, failed{0};
  std::vector<std::thread> threads;
  const double before = cpu_us(pid);
  const int64_t began = now_us(), end = began + static_cast<int64_t>(seconds * 1e6);
  for (size_t t = 0; t < kConnections; ++t) {
    threads.emplace_back([&] {
      std::vector<char> scratch(kScratch);
      const auto connection = net::connect_tcp(endpoint, 5'000'000);
      while (connection && now_us() < end) {
        if (const auto answer = exchange(connection->get(), requests[next++ % requests.size()], scratch); !answer) {
          if (failed++ == 0) fprintf(stderr, "peer_load: %s\n", answer.error().message.c_str());
          return;
        }
        ++done;
      }
      if (!connection) ++failed;
    });
  }
  for (std::thread& t : threads) t.join();
  if (failed != 0) return fail(Errc::Io, "requests failed under load");
  printf("{\"operations\": %zu, \"seconds\": %.6f, \"cpu_us\": %.0f}\n", done.load(), static_cast<double>(now_us() - began) / 1e6,
         cpu_us(pid) - before);
  return {};
}

Result<> run(char** words, double seconds) {
  const Service service = std::string_view(words[0]) == "s3" ? Service::S3 : Service::DynamoDb;
  const net::Endpoint endpoint = TRY(net::parse_endpoint(words[1]));
  const Signer signer{.credentials = {words[2], words[3], ""}, .region = "us-east-1", .authority = endpoint.text()};
  const std::string_view operation = words[5];
  if (operation == "prepare") {
    Connection connection = TRY(Connection::open(endpoint));
    return prepare(connection, signer, service);
  }
  const std::vector<std::string> requests = requests_of(signer, service, operation);
  if (requests.empty()) return fail(Errc::Invalid, "no such operation");
  return load(endpoint, atoi(words[4]), requests, seconds);
}

}  // namespace
}  // namespace gust::bench

int main(int argc, char** argv) {
  if (argc < 7 || argc > 8) {
    fprintf(stderr, "usage: peer_load s3|dynamodb HOST:PORT ACCESS_KEY SECRET_KEY PID OPERATION [SECONDS]\n");
    return 2;
  }
  if (const auto done = gust::bench::run(argv + 1, argc > 7 ? atof(argv[7]) : 1); !done) {
    fprintf(stderr, "peer_load: %s %s: %s\n", argv[1], argv[6], done.error().message.c_str());
    return 1;
  }
  return 0;
}
