// SPDX-License-Identifier: Apache-2.0

#pragma once

// A Warden in memory for the tests of this folder: real listening sockets on loopback, a real control channel and output
// pipe, counters in the files of cgroup v1; inside, instead of processes, a thread that plays init and one that plays the
// runtime by a script. Used on the loop's thread; scripts run on their own.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/encoding.h"
#include "invoke/function.h"
#include "net/loop.h"
#include "net/socket.h"
#include "sandbox/init_protocol.h"
#include "sandbox/sandbox.h"
#include "sandbox/usage.h"

namespace gust::invoke::test {

struct Killed {};

// What a script sees: the runtime's side of one run of the program. Calls throw Killed once it is to end.
class Runtime {
 public:
  struct Answer {
    int status = 0;
    std::string head, body;
    std::string header(const std::string& name) const {
      size_t at = head.find("\r\n" + name + ": ");
      if (at == std::string::npos) return "";
      at += name.size() + 4;
      return head.substr(at, head.find("\r\n", at) - at);
    }
    std::string request_id() const { return header("Lambda-Runtime-Aws-Request-Id"); }
  };

  Runtime(uint16_t port, int output, int run, std::vector<int> usage)
      : run_number(run), port_(port), output_(output), usage_(std::move(usage)) {}

  Answer next() { return send("GET", "/2018-06-01/runtime/invocation/next", ""); }
  int respond(const std::string& id, const std::string& body) {
    return send("POST", "/2018-06-01/runtime/invocation/" + id + "/response", body).status;
  }
  int error(const std::string& id, const std::string& body) {
    return send("POST", "/2018-06-01/runtime/invocation/" + id + "/error", body).status;
  }
  int init_error(const std::string& body) { return send("POST", "/2018-06-01/runtime/init/error", body).status; }

  // One request on this runtime's connection, which is made again where the platform closed it.
  Answer send(const std::string& method, const std::string& path, const std::string& body, const std::string& headers = "") {
    std::string request = method + " " + path + " HTTP/1.1\r\nHost: 127.0.0.1:9001\r\n" + headers;
    if (method == "POST" && headers.find("Transfer-Encoding") == std::string::npos)
      request += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    request += "\r\n" + body;
    Answer answer;
    for (int tries = 0; tries < 2; ++tries) {
      connect();
      std::string_view rest = request;
      while (!rest.empty()) {
        ssize_t n = ::send(connection_.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
        if (n <= 0) break;
        rest.remove_prefix(static_cast<size_t>(n));
      }
      if (receive(answer)) return answer;
      check();
      hang_up();
    }
    return answer;
  }

  void hang_up() {
    std::lock_guard lock(mutex_);
    connection_.reset();
  }
  void print(std::string_view text) {
    while (!text.empty()) {
      ssize_t n = ::write(output_, text.data(), text.size());
      if (n <= 0) return;
      text.remove_prefix(static_cast<size_t>(n));
    }
  }
  [[noreturn]] void wait_for_end() {
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [this] { return killed_; });
    throw Killed();
  }
  void wait_until(const std::function<bool()>& holds) {
    while (!holds()) {
      check();
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
  }
  // As the kernel counts.
  void use_cpu_us(uint64_t us) {
    cpu_us_ += us;
    write_file(usage_[sandbox::kV1Cpu], std::to_string(cpu_us_ * 1000) + "\n");
    write_file(usage_[sandbox::kV1CpuSplit],
               "cpu user system\ncpu0 " + std::to_string(cpu_us_ * 750) + " " + std::to_string(cpu_us_ * 250) + "\n");
  }
  void use_memory(uint64_t bytes) { write_file(usage_[sandbox::kV1MemoryPeak], std::to_string(bytes) + "\n"); }
  void run_out_of_memory() { write_file(usage_[sandbox::kV1Oom], "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n"); }

  uint16_t port() const { return port_; }

  const int run_number;  // 1 in a new sandbox, then one more after each reset

  void kill() {
    std::lock_guard lock(mutex_);
    killed_ = true;
    if (connection_) shutdown(connection_.get(), SHUT_RDWR);
    wake_.notify_all();
  }
  static void write_file(int fd, const std::string& text) {
    EXPECT_EQ(ftruncate(fd, 0), 0);
    EXPECT_EQ(pwrite(fd, text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
  }

 private:
  void check() {
    std::lock_guard lock(mutex_);
    if (killed_) throw Killed();
  }
  void connect() {
    std::lock_guard lock(mutex_);
    if (killed_) throw Killed();
    if (connection_) return;
    auto made = net::connect_tcp({"127.0.0.1", port_}, 5'000'000);
    if (!made) throw Killed();  // the environment is gone
    connection_ = std::move(*made);
    in_.clear();
  }
  bool receive(Answer& answer) {
    size_t end;
    char buffer[65536];
    while ((end = in_.find("\r\n\r\n")) == std::string::npos) {
      ssize_t n = recv(connection_.get(), buffer, sizeof buffer, 0);
      if (n <= 0) return false;
      in_.append(buffer, static_cast<size_t>(n));
    }
    answer.head = in_.substr(0, end + 2);
    answer.status = std::stoi(answer.head.substr(9, 3));
    size_t length = static_cast<size_t>(std::stoul("0" + answer.header("Content-Length")));
    while (in_.size() < end + 4 + length) {
      ssize_t n = recv(connection_.get(), buffer, sizeof buffer, 0);
      if (n <= 0) return false;
      in_.append(buffer, static_cast<size_t>(n));
    }
    answer.body = in_.substr(end + 4, length);
    in_.erase(0, end + 4 + length);
    if (answer.head.find("Connection: close") != std::string::npos) hang_up();
    return true;
  }

  uint16_t port_;
  int output_;
  std::vector<int> usage_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool killed_ = false;
  Fd connection_;
  std::string in_;
  uint64_t cpu_us_ = 0;
};

using Script = std::function<int(Runtime&)>;  // returns a wait(2) status

inline int exit_status(int code) { return code << 8; }

// Answers every event by itself.
inline int echo(Runtime& runtime) {
  for (;;) {
    auto event = runtime.next();
    runtime.respond(event.request_id(), event.body);
  }
}

class TestWarden final : public sandbox::Warden {
 public:
  explicit TestWarden(net::Loop& loop) : loop_(loop) { signal(SIGPIPE, SIG_IGN); }  // of a script whose pipe was closed
  ~TestWarden() override {
    for (auto& [id, s] : sandboxes_) s->end();
  }

  // What runs for a function's code; echo() where nothing is set.
  std::map<std::string, Script> scripts;
  std::map<std::string, int> cannot_execute;  // by code: errno of the exec
  int failing_starts = 0;
  bool hold_starts = false;  // starts wait for release_starts()

  std::vector<sandbox::StartSpec> started;
  std::vector<uint64_t> killed;
  std::vector<std::pair<uint64_t, uint32_t>> cpus;
  std::vector<std::pair<uint64_t, bool>> freezes;
  std::vector<uint64_t> running() const {
    std::vector<uint64_t> ids;
    for (const auto& [id, s] : sandboxes_) ids.push_back(id);
    return ids;
  }

  void start(sandbox::StartSpec spec, std::function<void(Result<sandbox::Started>)> done) override {
    started.push_back(spec);
    auto go = [this, spec = std::move(spec), done = std::move(done)] {
      if (failing_starts > 0) {
        --failing_starts;
        return done(fail(Errc::Exhausted, "no sandbox today"));
      }
      auto s = std::make_unique<Sandbox>();
      auto script = scripts.find(spec.code);
      s->script = script == scripts.end() ? Script(echo) : script->second;
      if (auto bad = cannot_execute.find(spec.code); bad != cannot_execute.end()) s->exec_error = bad->second;
      sandbox::Started outside = s->open();
      s->init = std::thread([raw = s.get()] { raw->play_init(); });
      sandboxes_[spec.id] = std::move(s);
      done(std::move(outside));
    };
    if (hold_starts) {
      held_.push_back(std::move(go));
    } else {
      loop_.post(std::move(go));
    }
  }
  void release_starts() {
    hold_starts = false;
    for (auto& go : std::exchange(held_, {})) loop_.post(std::move(go));
  }
  void set_cpu(uint64_t id, uint32_t cpu_milli) override { cpus.emplace_back(id, cpu_milli); }
  void kill(uint64_t id) override {
    killed.push_back(id);
    die(id, {.status = SIGKILL});
  }
  // PID 1 ends, by a kill from outside for one.
  void die(uint64_t id, sandbox::Exit exit) {
    auto node = sandboxes_.extract(id);
    if (node.empty()) return;
    node.mapped()->end();
    loop_.post([this, id, exit] { on_exit_(id, exit); });
  }
  void freeze(uint64_t id, bool frozen) override { freezes.emplace_back(id, frozen); }
  void on_exit(std::function<void(uint64_t, sandbox::Exit)> callback) override { on_exit_ = std::move(callback); }
  void connect(uint64_t, uint16_t, std::function<void(Result<Fd>)> done) override { done(fail(Errc::Unsupported, "connect")); }

 private:
  struct Sandbox {
    Script script;
    int exec_error = 0;
    uint16_t port = 0;
    int runs = 0;
    Fd control, output;
    std::vector<Fd> usage;
    std::thread init, program;
    std::unique_ptr<Runtime> runtime;
    std::atomic<bool> program_ended = true, reset = false;

    sandbox::Started open() {
      sandbox::Started outside;
      auto listener = net::listen_tcp({"127.0.0.1", 0});
      EXPECT_TRUE(listener);
      port = net::local_endpoint(listener->get())->port;
      outside.runtime_listener = std::move(*listener);
      int ends[2];
      EXPECT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
      outside.control = Fd(ends[0]), control = Fd(ends[1]);
      EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
      fcntl(ends[0], F_SETFL, O_NONBLOCK);
      outside.output = Fd(ends[0]), output = Fd(ends[1]);
      for (size_t i = 0; i < sandbox::kV1Files; ++i) {
        usage.emplace_back(memfd_create("usage", MFD_CLOEXEC));
        outside.usage.emplace_back(dup(usage.back().get()));
      }
      return outside;
    }
    void report(uint32_t event, int status, uint64_t rss) {
      gust_init_report r{GUST_INIT_VERSION, event, status, 0, 0, 0, rss};
      ::send(control.get(), &r, sizeof r, MSG_NOSIGNAL);
    }
    void run() {
      if (program.joinable()) program.join();
      if (exec_error) {
        report(GUST_INIT_FAILED, exec_error, 0);
        return report(GUST_INIT_EXITED, exit_status(127), 1000);
      }
      std::vector<int> files;
      for (const Fd& fd : usage) files.push_back(fd.get());
      runtime = std::make_unique<Runtime>(port, output.get(), ++runs, std::move(files));
      program_ended = reset = false;
      program = std::thread([this] {
        int status = SIGKILL;
        try {
          status = script(*runtime);
        } catch (const Killed&) {
        }
        runtime->hang_up();
        program_ended = true;
        if (!reset) report(GUST_INIT_EXITED, status, 1000);
      });
    }
    void stop_program() {
      reset = true;
      if (runtime) runtime->kill();
      if (program.joinable()) program.join();
    }
    void play_init() {
      run();
      for (;;) {
        gust_init_request request;
        if (recv(control.get(), &request, sizeof request, 0) != sizeof request) return stop_program();
        if (request.verb == GUST_INIT_RUN) run();
        if (request.verb == GUST_INIT_RESET) {
          bool running = !program_ended;
          stop_program();
          report(GUST_INIT_EXITED, running ? SIGKILL : 0, running ? 1000 : 0);
        }
      }
    }
    void end() {
      shutdown(control.get(), SHUT_RDWR);
      // A writer that waits for room in the pipe is killed like the rest.
      int flags = fcntl(output.get(), F_GETFL);
      fcntl(output.get(), F_SETFL, flags | O_NONBLOCK);
      init.join();
    }
  };

  net::Loop& loop_;
  std::map<uint64_t, std::unique_ptr<Sandbox>> sandboxes_;
  std::vector<std::function<void()>> held_;
  std::function<void(uint64_t, sandbox::Exit)> on_exit_ = [](uint64_t, sandbox::Exit) {};
};

inline FunctionPtr make_function(const std::string& name, std::function<void(Function&)> with = nullptr) {
  auto f = std::make_shared<Function>();
  f->account = "000000000000", f->region = "us-east-1", f->name = name;
  f->arn = "arn:aws:lambda:us-east-1:000000000000:function:" + name;
  f->runtime = "provided.al2023", f->handler = "bootstrap";
  f->code = name, f->log_group = "/aws/lambda/" + name;
  f->epoch = 1;
  if (with) with(*f);
  return f;
}

}  // namespace gust::invoke::test
