// SPDX-License-Identifier: Apache-2.0

#include "daemon/supervisor.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <grp.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

#include "base/log.h"
#include "os/clock.h"
#include "os/files.h"

namespace gust::daemon {
namespace {

constexpr int64_t kDrainUs = 32'000'000;      // 30 s for the daemon's own drain and two to say so
constexpr int64_t kFirstBackOffUs = 100'000;  // doubled at each start that did not live for kSteadyUs
constexpr int64_t kLastBackOffUs = 5'000'000;
constexpr int64_t kSteadyUs = 10'000'000;
constexpr int kMostFailures = 10;
// Fixed place of the state directory in the daemon's own mount namespace: the real one may lie under a directory that
// the daemon's user may not search.
constexpr char kStateInside[] = "/mnt/state";

std::pair<Fd, Fd> channel() {
  int fds[2];
  GUST_CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) == 0);
  return {Fd(fds[0]), Fd(fds[1])};
}

void set_oom_score(const char* score) {
  // Best effort: without it the kernel may choose us where a tenant should go.
  (void)files::write("/proc/self/oom_score_adj", score);
}

// Each connection of the daemon is one; soft limits of 1024 are for programs that use select(2).
void raise_descriptor_limit() {
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return;
  files.rlim_cur = files.rlim_max;
  (void)setrlimit(RLIMIT_NOFILE, &files);
}

void become_child(int death_signal, pid_t parent, const char* name) {
  prctl(PR_SET_PDEATHSIG, death_signal);
  if (getppid() != parent) _exit(0);  // the parent died before the line above
  prctl(PR_SET_NAME, name);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  signal(SIGPIPE, SIG_IGN);
}

Result<> enter_daemon_view(const std::string& state, unsigned uid) {
  if (unshare(CLONE_NEWNS) != 0) return fail_errno("unshare mount namespace");
  if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return fail_errno("make mounts private");
  if (mount("tmpfs", "/mnt", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "size=64k,mode=755") != 0) {
    return fail_errno("mount on /mnt");
  }
  if (mkdir(kStateInside, 0755) != 0) return fail_errno("mkdir state");
  if (mount(state.c_str(), kStateInside, nullptr, MS_BIND | MS_NOSUID | MS_NODEV, nullptr) != 0) {
    return fail_errno("bind " + state);
  }
  if (setgroups(0, nullptr) != 0 || setresgid(uid, uid, uid) != 0 || setresuid(uid, uid, uid) != 0) {
    return fail_errno("become user " + std::to_string(uid));
  }
  // Changing the user clears the death signal's setting (prctl(2)) and dumpability.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (chdir("/") != 0) return fail_errno("chdir /");
  return {};
}

bool is_end(int signal_number) { return signal_number == SIGTERM || signal_number == SIGINT; }

class Supervisor {
 public:
  Supervisor(SupervisorOptions options, const Processes& processes) : options_(std::move(options)), processes_(processes) {}

  Result<> prepare();
  int run();

 private:
  void start();
  void stop_all(int signal_number);
  bool reap(bool block);
  bool wait_for_children(int64_t limit_us);
  int end();
  int next_signal(int64_t wait_us);

  SupervisorOptions options_;
  const Processes& processes_;
  Fd signals_;
  pid_t starter_ = 0, remover_ = 0, daemon_ = 0;
  int64_t started_us_ = 0;
  int failures_ = 0;
  bool asked_to_end_ = false;
};

Result<> Supervisor::prepare() {
  if (geteuid() != 0) {
    return fail(Errc::Permission, "gust serve needs root for sandboxes; run it with sudo");
  }
  if (!options_.lock) options_.lock = TRY(lock_state(options_.state_directory));
  for (const char* sub : {"objects", "spool", "code", "logs", "meter"}) {
    std::string path = options_.state_directory + "/" + sub;
    TRY(files::make_directories(path, 0711));
    if (chown(path.c_str(), options_.uid, options_.uid) != 0) return fail_errno("chown " + path);
  }
  if (chown(options_.state_directory.c_str(), options_.uid, options_.uid) != 0) return fail_errno("chown state");
  sigset_t set;
  sigemptyset(&set);
  for (int s : {SIGTERM, SIGINT, SIGHUP, SIGCHLD}) sigaddset(&set, s);
  if (sigprocmask(SIG_BLOCK, &set, nullptr) != 0) return fail_errno("sigprocmask");
  signals_ = Fd(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals_) return fail_errno("signalfd");
  signal(SIGPIPE, SIG_IGN);
  set_oom_score("-900");
  raise_descriptor_limit();
  return {};
}

// All three keep the lock's descriptor.
void Supervisor::start() {
  auto [daemon_side, warden_side] = channel();
  auto [starter_side, remover_side] = channel();
  pid_t self = getpid();
  started_us_ = system_clock().monotonic_us();

  remover_ = fork();
  if (remover_ == 0) {
    become_child(SIGKILL, self, "gust-remover");
    daemon_side.reset(), warden_side.reset(), starter_side.reset();
    options_.listeners.clear(), signals_.reset();
    _exit(processes_.remover(std::move(remover_side)));
  }
  starter_ = fork();
  if (starter_ == 0) {
    become_child(SIGKILL, self, "gust-starter");
    daemon_side.reset(), remover_side.reset();
    options_.listeners.clear(), signals_.reset();
    _exit(processes_.starter(std::move(warden_side), std::move(starter_side)));
  }
  daemon_ = fork();
  if (daemon_ == 0) {
    become_child(SIGKILL, self, "gust-daemon");
    warden_side.reset(), starter_side.reset(), remover_side.reset(), signals_.reset();
    if (auto entered = enter_daemon_view(options_.state_directory, options_.uid); !entered) {
      log::error("supervisor", entered.error().message);
      _exit(1);
    }
    _exit(processes_.daemon(std::move(daemon_side), std::move(options_.listeners), kStateInside));
  }
  if (remover_ < 0 || starter_ < 0 || daemon_ < 0) log::error("supervisor", "fork failed");
}

void Supervisor::stop_all(int signal_number) {
  for (pid_t pid : {daemon_, starter_, remover_}) {
    if (pid > 0) kill(pid, signal_number);
  }
}

// Collects children that have ended. True where one of them was running until now.
bool Supervisor::reap(bool block) {
  bool any = false;
  int status = 0;
  for (pid_t pid; (pid = waitpid(-1, &status, block ? 0 : WNOHANG)) > 0; block = false) {
    for (auto [slot, name] : {std::pair{&daemon_, "daemon"}, std::pair{&starter_, "starter"}, std::pair{&remover_, "remover"}}) {
      if (*slot != pid) continue;
      *slot = 0;
      any = true;
      bool clean = WIFEXITED(status) && WEXITSTATUS(status) == 0;
      log::write(
          clean ? log::Level::Debug : log::Level::Warning, "supervisor", std::string(name) + " ended",
          {{"status", WIFSIGNALED(status) ? "signal " + std::to_string(WTERMSIG(status)) : std::to_string(WEXITSTATUS(status))}});
    }
  }
  return any;
}

// Waits until all children are gone; false where the time is over or somebody asks for the end.
bool Supervisor::wait_for_children(int64_t limit_us) {
  int64_t end = system_clock().monotonic_us() + limit_us;
  while (daemon_ > 0 || starter_ > 0 || remover_ > 0) {
    int64_t left = end - system_clock().monotonic_us();
    if (left <= 0) return false;
    int signal_number = next_signal(left);
    if (is_end(signal_number)) return false;
    reap(false);
  }
  return true;
}

// The next signal, or 0 after the wait. One that asks for the end is kept in mind: it may come at any moment.
int Supervisor::next_signal(int64_t wait_us) {
  pollfd p{signals_.get(), POLLIN, 0};
  int timeout = wait_us < 0 ? -1 : static_cast<int>(std::min<int64_t>(wait_us / 1000 + 1, 60'000));
  if (poll(&p, 1, timeout) <= 0) return 0;
  signalfd_siginfo info{};
  if (read(signals_.get(), &info, sizeof info) != sizeof info) return 0;
  const int signal_number = static_cast<int>(info.ssi_signo);
  if (is_end(signal_number)) asked_to_end_ = true;
  return signal_number;
}

int Supervisor::end() {
  if (daemon_ > 0) kill(daemon_, SIGTERM);
  if (!wait_for_children(kDrainUs)) {
    log::warning("supervisor", "not ended in time; killing what is left");
    stop_all(SIGKILL);
    while ((daemon_ > 0 || starter_ > 0 || remover_ > 0) && reap(true)) {
    }
  }
  processes_.clean_leftovers();
  options_.lock.reset();
  if (options_.remove_state) (void)files::remove_tree(options_.state_directory);
  return 0;
}

int Supervisor::run() {
  int64_t back_off = kFirstBackOffUs;
  for (;;) {
    start();
    for (;;) {
      int signal_number = next_signal(-1);
      if (asked_to_end_) return end();
      if (signal_number == SIGCHLD && reap(false)) break;
    }
    // One of the three is gone. The others cannot go on without it: the warden's side ends at EOF, with all sandboxes.
    if (daemon_ > 0) kill(daemon_, SIGKILL);
    if (!wait_for_children(10'000'000)) {
      stop_all(SIGKILL);
      wait_for_children(5'000'000);
    }
    if (asked_to_end_) return end();
    processes_.clean_leftovers();
    bool steady = system_clock().monotonic_us() - started_us_ > kSteadyUs;
    failures_ = steady ? 0 : failures_ + 1;
    if (failures_ >= kMostFailures) {
      log::error("supervisor", "the daemon does not stay up; giving up. Its own messages above say why");
      return 1;
    }
    back_off = steady ? kFirstBackOffUs : std::min(back_off * 2, kLastBackOffUs);
    int64_t until = system_clock().monotonic_us() + back_off;
    for (int64_t left; (left = until - system_clock().monotonic_us()) > 0;) {
      (void)next_signal(left);
      if (asked_to_end_) return end();
    }
    log::info("supervisor", "restarting", {{"after_ms", std::to_string(back_off / 1000)}});
  }
}

}  // namespace

Result<Fd> lock_state(const std::string& state_directory) {
  TRY(files::make_directories(state_directory, 0711));
  Fd lock = TRY(files::open(state_directory + "/lock", O_RDWR | O_CREAT, 0600));
  if (flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    log::info("supervisor", "waiting for another gust that uses this state directory", {{"state", state_directory}});
    if (flock(lock.get(), LOCK_EX) != 0) return fail_errno("lock " + state_directory);
  }
  return lock;
}

int supervise(SupervisorOptions options, const Processes& processes) {
  Supervisor supervisor(std::move(options), processes);
  if (auto prepared = supervisor.prepare(); !prepared) {
    log::error("supervisor", prepared.error().message);
    return 1;
  }
  return supervisor.run();
}

Result<std::string> make_ephemeral_directory() {
  const char* base = getenv("TMPDIR");
  std::string path = std::string(base && *base ? base : "/tmp") + "/gust-XXXXXX";
  if (!mkdtemp(path.data())) return fail_errno("mkdtemp " + path);
  if (chmod(path.c_str(), 0711) != 0) return fail_errno("chmod " + path);
  return path;
}

}  // namespace gust::daemon
