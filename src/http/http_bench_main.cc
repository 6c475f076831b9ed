// SPDX-License-Identifier: Apache-2.0

// What file answers and bodies cost the server: CPU of this process for each request, with its clients in others. Plain and
// over TLS, files in and out of the page cache. http_bench [rounds [row]]

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <thread>
#include <vector>

#include "base/encoding.h"
#include "http/server.h"
#include "net/test_certificate.h"
#include "os/files.h"

namespace gust::http {
namespace {

constexpr size_t kSize = 8 << 20;

class Files : public Handler {
 public:
  explicit Files(FileSlice slice) : slice_(std::move(slice)) {}
  BodyPlan on_head(Exchange&) override { return BodyPlan{.limit = kSize, .memory = 64 << 10, .spool_directory = "/tmp"}; }
  void on_request(ExchangePtr exchange) override {
    Response response;
    if (exchange->request().method == "PUT") {
      unlink(exchange->request().body.path.c_str());
    } else {
      response.body.file = slice_;
      response.body.file->length = std::min<uint64_t>(kSize, parse_uint(exchange->request().path.substr(1)).value_or(0));
    }
    exchange->respond(std::move(response));
  }

 private:
  FileSlice slice_;
};

// Of the server's threads: all of this process but the one that asks.
double cpu_ms() {
  auto ms = [](clockid_t clock) {
    timespec t{};
    clock_gettime(clock, &t);
    return static_cast<double>(t.tv_sec) * 1e3 + static_cast<double>(t.tv_nsec) / 1e6;
  };
  return ms(CLOCK_PROCESS_CPUTIME_ID) - ms(CLOCK_THREAD_CPUTIME_ID);
}

// One connection in another process: sends `request` whenever it is told to, and takes the answer.
class Peer {
 public:
  Peer(const net::Endpoint& endpoint, std::string request, size_t answer, bool tls) {
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, control_) != 0) abort();
    child_ = fork();
    if (child_ == 0) run(endpoint, request, answer, tls);
    char ready;
    if (read(control_[0], &ready, 1) != 1) abort();
  }
  ~Peer() {
    ::close(control_[0]);
    ::close(control_[1]);
    kill(child_, SIGKILL);
    waitpid(child_, nullptr, 0);
  }
  void ask() {
    char c = 'x';
    if (write(control_[0], &c, 1) != 1 || read(control_[0], &c, 1) != 1) abort();
  }

 private:
  [[noreturn]] void run(const net::Endpoint& endpoint, const std::string& request, size_t answer, bool tls) {
    auto fd = net::connect_tcp(endpoint, 1'000'000);
    net::TestTlsClient secure;
    if (!fd || (tls && !secure.connect(fd->get()))) _exit(1);
    std::string buffer(256 << 10, '\0');
    for (char c = 'r'; write(control_[1], &c, 1) == 1 && read(control_[1], &c, 1) == 1;) {
      for (size_t at = 0; at < request.size();) {
        const size_t step = std::min<size_t>(request.size() - at, 1 << 20);
        const ssize_t n = tls ? SSL_write(secure.ssl(), request.data() + at, static_cast<int>(step))
                              : send(fd->get(), request.data() + at, step, MSG_NOSIGNAL);
        if (n <= 0) _exit(1);
        at += static_cast<size_t>(n);
      }
      size_t got = 0, end = std::string::npos;
      while (end == std::string::npos || got < end + 4 + answer) {
        const ssize_t n = tls ? SSL_read(secure.ssl(), buffer.data(), static_cast<int>(buffer.size()))
                              : recv(fd->get(), buffer.data(), buffer.size(), 0);
        if (n <= 0) _exit(1);
        if (end == std::string::npos) end = std::string_view(buffer.data(), static_cast<size_t>(n)).find("\r\n\r\n");
        got += static_cast<size_t>(n);
      }
    }
    _exit(0);
  }
  int control_[2];
  pid_t child_ = 0;
};

struct Row {
  const char* name;
  std::function<void()> once;
  std::function<void()> before = {};
  double ms = 0;
};

int run(int rounds, const std::string& only) {
  char name[] = "/tmp/gust-http-bench-XXXXXX";
  auto file = std::make_shared<Fd>(mkstemp(name));
  unlink(name);
  if (!files::write_all(file->get(), std::string(kSize, 'x'))) return 1;
  Files handler({file, 0, kSize});
  const net::TestCertificate certificate;
  auto tls = *net::TlsContext::make(certificate.certificate, certificate.key);
  auto listener = *net::listen_tcp({"127.0.0.1", 0});
  const net::Endpoint endpoint = *net::local_endpoint(listener.get());
  net::Loop loop;
  net::WorkerPool disk("disk", 2, 1000);
  Server server(loop, handler, {}, &disk);
  server.listen(std::move(listener), 1, tls.get());
  std::thread thread;
  auto evict = [&file] {
    fsync(file->get());
    posix_fadvise(file->get(), 0, 0, POSIX_FADV_DONTNEED);
  };
  const std::string get = "GET /8388608 HTTP/1.1\r\nHost: h\r\n\r\n", small = "GET /4096 HTTP/1.1\r\nHost: h\r\n\r\n";
  const std::string put = "PUT /x HTTP/1.1\r\nHost: h\r\nContent-Length: 8388608\r\n\r\n" + std::string(kSize, 'p');
  thread = std::thread([&loop] { loop.run(); });
  {
    Peer plain(endpoint, get, kSize, false), little(endpoint, small, 4096, false), secure(endpoint, get, kSize, true),
        up(endpoint, put, 0, false), secure_up(endpoint, put, 0, true);
    Row rows[] = {{"32 x GET 4 KiB",
                   [&] {
                     for (int i = 0; i < 32; ++i) little.ask();
                   }},
                  {"GET 8 MiB", [&] { plain.ask(); }},
                  {"GET 8 MiB, not cached", [&] { plain.ask(); }, evict},
                  {"GET 8 MiB, TLS", [&] { secure.ask(); }},
                  {"PUT 8 MiB", [&] { up.ask(); }},
                  {"PUT 8 MiB, TLS", [&] { secure_up.ask(); }}};
    for (int i = -2; i < rounds; ++i) {
      for (Row& row : rows) {
        if (!only.empty() && row.name != only) continue;
        if (row.before) row.before();
        const double before = cpu_ms();
        row.once();
        if (i >= 0) row.ms += cpu_ms() - before;
      }
    }
    rusage use{};
    getrusage(RUSAGE_SELF, &use);
    for (const Row& row : rows) printf("%-24s %8.3f ms of CPU\n", row.name, row.ms / rounds);
    printf("%-24s %8ld KiB\n", "peak RSS", use.ru_maxrss);
  }
  loop.stop();
  thread.join();
  return 0;
}

}  // namespace
}  // namespace gust::http

int main(int count, char** arguments) {
  return gust::http::run(count > 1 ? atoi(arguments[1]) : 100, count > 2 ? arguments[2] : "");
}
