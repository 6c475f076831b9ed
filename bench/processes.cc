// SPDX-License-Identifier: Apache-2.0

#include "processes.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <utility>

#include "base/encoding.h"
#include "connection.h"
#include "os/clock.h"
#include "os/files.h"

namespace gust::bench {
namespace {

uint64_t cpu_of(int pid) {
  uint64_t all = 0;
  const std::string tasks = "/proc/" + std::to_string(pid) + "/task";
  const auto names = files::list(tasks);
  if (!names) return 0;
  for (const std::string& task : *names) {
    std::ifstream file(tasks + "/" + task + "/schedstat");
    uint64_t ns = 0;
    if (file >> ns) all += ns;
  }
  return all;
}

uint64_t field_kib(const std::string& path, std::string_view name) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(name)) return strtoull(line.c_str() + name.size() + 1, nullptr, 10);
  }
  return 0;
}

}  // namespace

Gust::Gust(Gust&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      start_us_(other.start_us_),
      endpoint_(other.endpoint_),
      credentials_(other.credentials_) {}

Gust::~Gust() {
  if (pid_ <= 0) return;
  kill(pid_, SIGTERM);
  waitpid(pid_, nullptr, 0);
}

Result<Gust> Gust::start(const std::string& program) {
  int out[2];
  if (pipe2(out, O_CLOEXEC) != 0) return fail_errno("pipe");
  Gust gust;
  const int64_t began = system_clock().monotonic_us();
  gust.pid_ = fork();
  if (gust.pid_ < 0) return fail_errno("fork");
  if (gust.pid_ == 0) {
    dup2(out[1], 1);
    execl(program.c_str(), program.c_str(), "serve", "--ephemeral", "--listen", "127.0.0.1:0", "--log-level", "error", nullptr);
    _exit(127);
  }
  close(out[1]);
  auto ready = gust.wait_ready(out[0]);
  close(out[0]);
  if (!ready) return Failure(std::move(ready).error());
  Connection connection = TRY(Connection::open(gust.endpoint_));
  TRY(connection.ask("GET /_gust/health HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  gust.start_us_ = system_clock().monotonic_us() - began;
  return gust;
}

Result<> Gust::wait_ready(int output) {
  std::string text;
  char c;
  while (text.find('\n') == text.npos && read(output, &c, 1) == 1) text += c;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    if (word.starts_with("endpoint=http://")) endpoint_ = TRY(net::parse_endpoint(std::string_view(word).substr(16)));
    if (word.starts_with("credentials=")) credentials_ = word.substr(12);
  }
  if (endpoint_.port == 0) return fail(Errc::Unavailable, "gust did not become ready");
  return {};
}

std::vector<int> Gust::children() const {
  std::ifstream file("/proc/" + std::to_string(pid_) + "/task/" + std::to_string(pid_) + "/children");
  std::vector<int> all;
  for (int pid; file >> pid;) all.push_back(pid);
  return all;
}

int Gust::child(std::string_view name) const {
  for (int pid : children()) {
    auto comm = files::read("/proc/" + std::to_string(pid) + "/comm");
    if (comm && trim(std::string_view(*comm).substr(0, comm->find('\n'))) == name) return pid;
  }
  return -1;
}

uint64_t Gust::cpu_ns() const { return cpu_of(child("gust-daemon")); }
uint64_t Gust::warden_cpu_ns() const { return cpu_of(child("gust-starter")) + cpu_of(child("gust-remover")); }

uint64_t Gust::rss_kib() const {
  uint64_t all = field_kib("/proc/" + std::to_string(pid_) + "/status", "VmRSS:");
  for (int pid : children()) all += field_kib("/proc/" + std::to_string(pid) + "/status", "VmRSS:");
  return all;
}

uint64_t Gust::pss_kib() const {
  uint64_t all = field_kib("/proc/" + std::to_string(pid_) + "/smaps_rollup", "Pss:");
  for (int pid : children()) all += field_kib("/proc/" + std::to_string(pid) + "/smaps_rollup", "Pss:");
  return all;
}

}  // namespace gust::bench
