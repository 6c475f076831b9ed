// SPDX-License-Identifier: Apache-2.0

// What a function must not be able to do. Each probe (probe_main.c) is tried inside a sandbox, where it must be refused, and
// outside, where it must be done: else it would prove nothing. Outside is root in throw-away namespaces of the test's own,
// or, where the host's own things are the target (a process, a port, a file), root on the host with a target of the test's own.

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mount.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <map>
#include <vector>

#include "sandbox/sandbox_fixture.h"
#include "sandbox/service_network.h"

namespace gust::sandbox {
namespace {

constexpr char kScratch[] = "/mnt";  // outside: a tmpfs of the test's own
constexpr int kMostWithoutProof = 3;

enum class Outside { Namespaces, Host };

struct Probe {
  const char* name;
  std::vector<std::string> inside;
  std::vector<std::string> outside;  // empty: the same words
  std::vector<int> errors;           // what inside answers with; empty: whatever
  Outside where = Outside::Namespaces;
  Limits limits = {};
  bool deaf = false;   // nobody reads the log
  bool proves = true;  // false: outside refuses too on some machines; at most kMostWithoutProof of these
};

void PrintTo(const Probe& probe, std::ostream* out) { *out << probe.name; }

// {x} are names of World's.
const std::vector<Probe>& probes() {
  static const std::vector<Probe> all = {
      // Files
      {"AnotherFunctionsFiles", {"find", "/", "{mark}"}, {"find", "{state}/code", "{mark}"}, {ENOENT}},
      {"TheStateDirectory", {"read", "{state}/secret"}, {}, {ENOENT}},
      {"TheStateDirectoryByDetours", {"around", "{state}/secret"}, {}, {ENOENT, EACCES}},
      {"FileHandles", {"handle", "/tmp"}, {"handle", "{state}"}, {EPERM}},
      {"LeakedDescriptors", {"leaked-descriptors"}, {}, {ENOENT}},
      {"HostSys", {"list", "/sys/kernel"}, {}, {ENOENT}},
      {"HostDevices", {"write", "/dev/loop-control"}, {}, {ENOENT}},
      {"KernelSettings", {"write", "/proc/sys/kernel/core_pattern"}, {}, {EACCES}},
      {"KernelCaches", {"write", "/proc/sys/vm/drop_caches"}, {}, {EACCES}},
      {"ItsOwnCode", {"create", "/var/task/new"}, {"create", "{state}/code/c0de/new"}, {EROFS, EACCES}},
      {"ItsOwnProgram", {"write", "/var/task/probe"}, {"write", "{state}/code/c0de/probe"}, {EROFS, EACCES}},
      {"TheSharedTree", {"create", "/usr/bin/new"}, {"create", "{scratch}/new"}, {EROFS, EACCES}},
      {"DeviceNodes", {"device-node", "{scratch}/node", "7"}, {}, {EPERM}},
      // Processes
      {"HostProcesses", {"environments", "{mark}"}, {}, {ENOENT}, Outside::Host},
      {"SignalsToTheHost", {"kill", "{victim}"}, {}, {ESRCH}, Outside::Host},
      {"PtraceOfAChild", {"ptrace-child"}, {}, {EPERM}},
      {"PtraceOfInit", {"ptrace-init"}, {}, {EPERM}},
      {"MemoryOfInit", {"init-memory"}, {}, {EACCES, ENOENT}},
      {"DescriptorsOfInit", {"init-descriptors"}, {}, {EACCES, ENOENT}},
      {"MemoryOfProcesses", {"process-memory"}, {}, {EPERM}},
      {"DescriptorsOfProcesses", {"pidfd-getfd"}, {}, {EPERM}},
      {"HostSharedMemory", {"shared-memory", "{shm}"}, {}, {ENOENT}, Outside::Host},
      // Mounts and roots
      {"MountTmpfs", {"mount-tmpfs", "{scratch}"}, {}, {EPERM}},
      {"MountProc", {"mount-proc", "{scratch}"}, {}, {EPERM}},
      {"MountSysfs", {"mount-sysfs", "{scratch}"}, {}, {EPERM}},
      {"MountCgroup", {"mount-cgroup", "{scratch}"}, {}, {EPERM}},
      {"BindMount", {"bind", "{scratch}"}, {}, {EPERM}},
      {"RemountWritable", {"remount"}, {}, {EPERM}},
      {"Unmount", {"umount", "/proc"}, {}, {EPERM}},
      {"NewMountApi", {"fsopen"}, {}, {EPERM}},
      {"OpenTree", {"open-tree"}, {}, {EPERM}},
      {"MountSetattr", {"mount-setattr"}, {}, {EPERM}},
      {"MoveMount", {"move-mount", "/tmp", "/opt"}, {"move-mount", "{scratch}", "/tmp"}, {EPERM}},
      {"Chroot", {"chroot"}, {}, {EPERM}},
      // Namespaces
      {"NewUserNamespace", {"unshare-user"}, {}, {EPERM}},
      {"NewNetworkNamespace", {"unshare-net"}, {}, {EPERM}},
      {"CloneIntoUserNamespace", {"clone-user"}, {}, {EPERM}},
      {"Clone3IntoUserNamespace", {"clone3-user"}, {}, {ENOSYS}},
      {"EnterNamespace", {"setns"}, {}, {EPERM}},
      // Kernel surface
      {"Keyctl", {"keyctl"}, {}, {EPERM}},
      {"AddKey", {"add-key"}, {}, {EPERM}},
      {"Bpf", {"bpf"}, {}, {EPERM}},
      {"IoUring", {"io-uring"}, {}, {EPERM}},
      {"Userfaultfd", {"userfaultfd"}, {}, {EPERM}},
      {"PerfEvents", {"perf"}, {}, {EPERM}},
      {"KernelLog", {"kernel-log"}, {}, {EPERM}},
      {"SystemCallsOf32Bits", {"int80"}, {}, {}, Outside::Namespaces, {}, false, false},  // kernels without IA32 emulation
      // Identity and capabilities
      {"BecomeRoot", {"setuid"}, {}, {EINVAL, EPERM}},
      {"SetUserIdPrograms", {"suid", "/var/task/suid"}, {"suid", "{scratch}/suid", "as nobody"}, {EPERM}},
      {"GiveFilesAway", {"chown", "{scratch}/file"}, {}, {EINVAL, EPERM}},
      {"HostName", {"hostname"}, {}, {EPERM}},
      {"Priority", {"priority"}, {}, {EACCES, EPERM}},
      {"NetworkInterfaces", {"interface"}, {}, {EPERM}},
      {"SurviveTheOutOfMemoryKiller", {"oom-score", "0"}, {}, {EACCES, EPERM}},
      // Network
      {"TheDaemonsPort", {"tcp", "127.0.0.1", "{port}", "{mark}"}, {}, {ECONNREFUSED}, Outside::Host},
      {"HostAbstractSockets", {"abstract", "{abstract}"}, {}, {ECONNREFUSED}, Outside::Host},
      {"RawSockets", {"raw"}, {}, {EPERM}},
      {"PacketSockets", {"packet"}, {}, {EPERM}},
      {"KernelCrypto", {"alg"}, {}, {EPERM}, Outside::Namespaces, {}, false, false},     // kernels without AF_ALG
      {"Netfilter", {"netfilter"}, {}, {EPERM}, Outside::Namespaces, {}, false, false},  // kernels without nfnetlink
      // Floods
      {"Memory", {"memory", "200"}, {}, {}, Outside::Namespaces, {.memory_bytes = 64 << 20}},
      {"Processes", {"processes", "200"}, {}, {EAGAIN}, Outside::Namespaces, {.pids = 50}},
      {"Descriptors", {"descriptors", "1500"}, {}, {EMFILE}},
      {"TmpBytes", {"file-flood", "{scratch}/flood", "64"}, {}, {ENOSPC}, Outside::Namespaces, {.tmp_bytes = 16 << 20}},
      {"TmpFiles", {"inodes", "{scratch}", "20000"}, {}, {ENOSPC}, Outside::Namespaces, {.tmp_bytes = 128 << 20}},
      {"Log", {"log-flood", "8"}, {}, {}, Outside::Namespaces, {}, true},
  };
  return all;
}

struct Outcome {
  int status = -1;  // wait(2)
  std::string text;
  bool done() const { return WIFEXITED(status) && WEXITSTATUS(status) == 0; }
  bool refused() const { return WIFSIGNALED(status) || (WIFEXITED(status) && WEXITSTATUS(status) == 1); }
  int error() const {
    int value = 0;
    return sscanf(text.c_str(), "refused %d", &value) == 1 ? value : 0;
  }
};

// Root as it is outside. Everything up to exec or _exit happens in a process of its own.
class Outsider {
 public:
  Outsider(std::vector<std::string> words, Outside where, int network = -1)
      : words_(std::move(words)), where_(where), network_(network) {}

  Outcome run() {
    int ends[2];
    GUST_CHECK(pipe2(ends, O_CLOEXEC) == 0);
    Fd out(ends[0]), in(ends[1]);
    pid_t child = fork();
    if (child == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      dup2(in.get(), 2);
      int null = ::open("/dev/null", O_RDWR);
      dup2(null, 0), dup2(null, 1);
      alarm(60 * static_cast<unsigned>(patience()));
      _exit(where_ == Outside::Host ? probe() : in_namespaces());
    }
    in.reset();
    Outcome outcome;
    char buffer[512];
    for (ssize_t n; (n = ::read(out.get(), buffer, sizeof buffer)) > 0;) outcome.text.append(buffer, static_cast<size_t>(n));
    waitpid(child, &outcome.status, 0);
    return outcome;
  }

 private:
  int in_namespaces() {
    if (unshare(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP) != 0)
      return failed("unshare");
    pid_t first = fork();
    if (first == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 || mount("proc", "/proc", "proc", 0, nullptr) != 0 ||
          mount("scratch", kScratch, "tmpfs", 0, "size=256m,mode=1777,nr_inodes=100k") != 0) {
        _exit(failed("mount"));
      }
      ifreq request{};
      strcpy(request.ifr_name, "lo");
      request.ifr_flags = IFF_UP;
      int any = socket(AF_INET, SOCK_DGRAM, 0);
      if (ioctl(any, SIOCSIFFLAGS, &request) != 0) _exit(failed("lo"));
      close(any);
      auto program = files::read(GUST_PROBE_PROGRAM);
      std::string suid = std::string(kScratch) + "/suid";
      if (!program || !files::write(suid, *program, 0755) || chmod(suid.c_str(), 04755) != 0) _exit(failed("suid"));
      _exit(waited(fork()));
    }
    int status = 0;
    waitpid(first, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 96;
  }
  // In the child: the probe. In the parent: its exit status.
  int waited(pid_t child) {
    if (child == 0) _exit(probe());
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
  }
  int probe() {
    if (network_ >= 0 && setns(network_, CLONE_NEWNET) != 0) return failed("setns");
    std::vector<char*> arguments{const_cast<char*>("probe")};
    for (std::string& word : words_) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    if (words_[0] == "leaked-descriptors") dup2(0, 77);
    execv(GUST_PROBE_PROGRAM, arguments.data());
    return failed("exec");
  }
  static int failed(const char* what) {
    dprintf(2, "%s: %s\n", what, strerror(errno));
    return 95;
  }

  std::vector<std::string> words_;
  Outside where_;
  int network_;
};

// Targets on the host, all of the test's own, and one warden for all probes.
class World {
 public:
  World() : t(GUST_INIT_PROGRAM, GUST_MANIFEST) {
    mark = "gust-mark-" + new_id(24);
    state = t.config.state_directory;
    std::string program = *files::read(GUST_PROBE_PROGRAM);
    t.code(), t.code("other");
    put(state + "/code/c0de/probe", program, 0755);
    put(state + "/code/c0de/suid", program, 04755);
    put(state + "/code/other/secret", mark, 0644);
    put(state + "/secret", mark, 0644);
    victim = fork();
    if (victim == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      std::string variable = "GUST_PROBE_VICTIM=" + mark;
      char* environment[] = {variable.data(), nullptr};
      const char* arguments[] = {"sleep", "1000", nullptr};
      execve("/bin/sleep", const_cast<char**>(arguments), environment);
      _exit(1);
    }
    listener = *net::listen_tcp({"127.0.0.1", 0});
    port = net::local_endpoint(listener.get())->port;
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    mark.copy(address.sun_path + 1, mark.size());
    abstract = Fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    GUST_CHECK(bind(abstract.get(), reinterpret_cast<sockaddr*>(&address),
                    static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + mark.size())) == 0);
    GUST_CHECK(listen(abstract.get(), 5) == 0);
    shm_key = static_cast<key_t>(0x67000000 | (getpid() & 0xffffff));
    shm = shmget(shm_key, 4096, IPC_CREAT | 0666);
    GUST_CHECK(shm >= 0);
    t.run();
  }
  ~World() {
    shmctl(shm, IPC_RMID, nullptr);
    kill(victim, SIGKILL);
    waitpid(victim, nullptr, 0);
  }

  std::vector<std::string> words(const std::vector<std::string>& from, bool inside) const {
    const std::map<std::string, std::string> names = {{"{mark}", mark},
                                                      {"{state}", state},
                                                      {"{scratch}", inside ? "/tmp" : kScratch},
                                                      {"{victim}", std::to_string(victim)},
                                                      {"{port}", std::to_string(port)},
                                                      {"{abstract}", mark},
                                                      {"{shm}", std::to_string(shm_key)}};
    std::vector<std::string> to = from;
    for (std::string& word : to) {
      for (const auto& [name, value] : names) {
        if (size_t at = word.find(name); at != std::string::npos) word.replace(at, name.size(), value);
      }
    }
    return to;
  }

  StartSpec spec(const std::vector<std::string>& words, const Limits& limits) {
    StartSpec spec;
    spec.id = t.next_id++;
    spec.code = "c0de";
    spec.limits = limits;
    spec.arguments = words;
    spec.arguments.insert(spec.arguments.begin(), "/var/task/probe");
    return spec;
  }

  Outcome inside(const std::vector<std::string>& words, const Limits& limits, bool deaf) {
    auto started = t.start(spec(words, limits));
    Outcome outcome;
    outcome.text = started ? "" : started.error().message;
    if (!started) return outcome;
    gust_init_report report{};
    for (int i = 0; i < 1200 * patience() && report.event != GUST_INIT_EXITED; ++i) {
      report = t.next_report(*started, 50);
      if (!deaf) TestWarden::drain(*started, outcome.text);
    }
    TestWarden::drain(*started, outcome.text);
    if (report.event == GUST_INIT_EXITED) outcome.status = report.status;
    return outcome;
  }

  // What somebody wrote to this listener; empty: nobody has come.
  static std::string heard(int listener, int wait_ms = 0) {
    pollfd p{listener, POLLIN, 0};
    if (poll(&p, 1, wait_ms) <= 0) return "";
    Fd connection(accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
    char text[100];
    ssize_t n = recv(connection.get(), text, sizeof text, 0);
    return n > 0 ? std::string(text, static_cast<size_t>(n)) : "connected";
  }

  TestWarden t;
  std::string mark, state;
  pid_t victim = 0;
  Fd listener, abstract;
  uint16_t port = 0;
  key_t shm_key = 0;
  int shm = -1;

 private:
  static void put(const std::string& path, const std::string& content, unsigned mode) {
    GUST_CHECK(files::write(path, content, 0755).has_value() && chmod(path.c_str(), mode) == 0);
  }
};

World* world = nullptr;

class WorldEnvironment : public testing::Environment {
 public:
  void SetUp() override {
    ASSERT_EQ(geteuid(), 0u) << "sandboxes need root";
    world = new World;
  }
  void TearDown() override {
    EXPECT_EQ(world->t.stop(), std::pair(0, 0));  // after all that the warden still ends cleanly
    delete world;
    world = nullptr;
  }
};
const auto* const kEnvironment = testing::AddGlobalTestEnvironment(new WorldEnvironment);

class Probes : public testing::TestWithParam<Probe> {};

TEST_P(Probes, AreRefusedInsideAndDoneOutside) {
  const Probe& probe = GetParam();
  Outcome in = world->inside(world->words(probe.inside, true), probe.limits, probe.deaf);
  EXPECT_TRUE(in.refused()) << "inside: status " << in.status << " " << in.text;
  if (!probe.errors.empty() && !WIFSIGNALED(in.status)) {
    EXPECT_NE(std::find(probe.errors.begin(), probe.errors.end(), in.error()), probe.errors.end()) << "inside: " << in.text;
  }
  EXPECT_EQ(World::heard(world->listener.get()), "");
  Outcome out = Outsider(world->words(probe.outside.empty() ? probe.inside : probe.outside, false), probe.where).run();
  if (probe.proves) {
    EXPECT_TRUE(out.done()) << "proves nothing: outside: status " << out.status << " " << out.text;
  } else if (!out.done()) {
    printf("proves nothing on this machine: %s: outside: %s\n", probe.name, out.text.c_str());
  }
  if (probe.inside[0] == "tcp") {
    EXPECT_EQ(World::heard(world->listener.get(), 5000), world->mark);
  }
}

INSTANTIATE_TEST_SUITE_P(All, Probes, testing::ValuesIn(probes()),
                         [](const auto& probe) { return std::string(probe.param.name); });

TEST(ProbeList, HasEnoughAndAlmostAllProveSomething) {
  EXPECT_GE(probes().size(), 25u);
  EXPECT_LE(std::count_if(probes().begin(), probes().end(), [](const Probe& p) { return !p.proves; }), kMostWithoutProof);
}

// The API of another sandbox has the same address: what counts is who hears it.
TEST(RuntimeApi, IsReachedFromItsOwnSandboxAlone) {
  auto victim = world->t.start(world->spec({"log-flood", "100000"}, {}));
  ASSERT_TRUE(victim);
  auto attacker = world->t.start(world->spec({"tcp", "127.0.0.1", "9001", world->mark}, {}));
  ASSERT_TRUE(attacker);
  EXPECT_EQ(world->t.next_report(*attacker).status, 0);
  EXPECT_EQ(World::heard(attacker->runtime_listener.get(), 5000), world->mark);
  EXPECT_EQ(World::heard(victim->runtime_listener.get()), "");
  auto info = files::read("/proc/self/fdinfo/" + std::to_string(victim->pidfd.get()));
  size_t at = info->find("Pid:\t");
  ASSERT_NE(at, std::string::npos);
  auto network = files::open("/proc/" + std::to_string(atoi(info->c_str() + at + 5)) + "/ns/net", O_RDONLY);
  ASSERT_TRUE(network);
  EXPECT_TRUE(Outsider({"tcp", "127.0.0.1", "9001", world->mark}, Outside::Host, network->get()).run().done());
  EXPECT_EQ(World::heard(victim->runtime_listener.get(), 5000), world->mark);
}

// The network of services, in a namespace that plays the host.
class ServiceNetworkTest : public testing::Test {
 protected:
  void SetUp() override {
    home_ = std::move(*files::open("/proc/self/ns/net", O_RDONLY));
    ASSERT_EQ(unshare(CLONE_NEWNET), 0);
    ifreq request{};
    strcpy(request.ifr_name, "lo");
    request.ifr_flags = IFF_UP;
    Fd any(socket(AF_INET, SOCK_DGRAM, 0));
    ASSERT_EQ(ioctl(any.get(), SIOCSIFFLAGS, &request), 0);
    t_.emplace(GUST_INIT_PROGRAM, GUST_MANIFEST);
    t_->config.uid_base = 930'000;
    t_->code();
    ASSERT_TRUE(files::write(t_->config.state_directory + "/code/c0de/probe", *files::read(GUST_PROBE_PROGRAM), 0755));
    t_->run();
  }
  void TearDown() override {
    t_.reset();
    if (home_) {
      ASSERT_EQ(setns(home_.get(), CLONE_NEWNET), 0);
    }
  }
  Started start(Kind kind, std::vector<std::string> words) {
    StartSpec spec;
    spec.id = t_->next_id++;
    spec.kind = kind;
    spec.code = "c0de";
    spec.limits.tmp_bytes = 16 << 20;
    words.insert(words.begin(), "/var/task/probe");
    spec.arguments = std::move(words);
    auto started = t_->start(std::move(spec));
    EXPECT_TRUE(started) << started.error().message;
    return started ? std::move(*started) : Started{};
  }
  Started serve(const std::string& port) {
    Started s = start(Kind::Service, {"serve", port});
    EXPECT_EQ(t_->read_until(s, "listening\n"), "listening\n");
    return s;
  }
  static std::vector<std::string> interfaces() {
    std::vector<std::string> names;
    auto all = files::list("/proc/self/net/dev_snmp6");
    return all ? *all : names;
  }

  Fd home_;
  std::optional<TestWarden> t_;
};

TEST_F(ServiceNetworkTest, ServicesReachEachOtherAndFunctionsDoNot) {
  Started server = serve("7001");
  ASSERT_EQ(server.address.substr(0, 7), "10.177.");
  Started function = start(Kind::Function, {"tcp", server.address, "7001", "from-a-function"});
  EXPECT_EQ(function.address, "");
  EXPECT_EQ(t_->next_report(function).status, 1 << 8);
  Started client = start(Kind::Service, {"tcp", server.address, "7001", "from-a-service"});
  EXPECT_NE(client.address, server.address);
  EXPECT_EQ(t_->next_report(client).status, 0);
  EXPECT_EQ(t_->read_until(server, "done\n"), "heard from-a-service\ndone\n");
}

TEST_F(ServiceNetworkTest, TheHostReachesServicesAndIsNotReached) {
  Started server = serve("7001");
  auto listener = *net::listen_tcp({"0.0.0.0", 0});
  std::string port = std::to_string(net::local_endpoint(listener.get())->port);
  std::string host = server.address.substr(0, server.address.rfind('.')) + ".1";
  Started client = start(Kind::Service, {"tcp", host, port, "from-a-service"});
  EXPECT_EQ(t_->next_report(client).status, 1 << 8);
  EXPECT_EQ(World::heard(listener.get()), "");
  // The controls: the listener is there, and the way too.
  EXPECT_TRUE(Outsider({"tcp", host, port, "from-the-host"}, Outside::Host).run().done());
  EXPECT_EQ(World::heard(listener.get(), 5000), "from-the-host");
  EXPECT_TRUE(Outsider({"tcp", server.address, "7001", "from-the-host"}, Outside::Host).run().done());
  EXPECT_EQ(t_->read_until(server, "done\n"), "heard from-the-host\ndone\n");
}

TEST_F(ServiceNetworkTest, TheHostsInterfaceComesWithTheFirstServiceAndGoesWithTheWarden) {
  EXPECT_EQ(interfaces(), std::vector<std::string>{"lo"});
  {
    Started server = serve("7001");
    EXPECT_EQ(interfaces().size(), 2u);
  }
  EXPECT_EQ(t_->stop(), std::pair(0, 0));
  EXPECT_EQ(interfaces(), std::vector<std::string>{"lo"});
}

TEST(ServiceRange, OnlyPrivateNetworksOfUsableSize) {
  EXPECT_TRUE(parse_range("10.177.0.0/16"));
  EXPECT_EQ(address_text(parse_range("192.168.7.0/24")->base + 5), "192.168.7.5");
  for (const char* text : {"", "10.177.0.0", "10.177.0.0/8", "10.177.0.0/30", "10.177.1.0/16", "8.8.8.0/24", "172.32.0.0/16",
                           "10.256.0.0/16", "10.177.0.0/16 ", "x"}) {
    EXPECT_FALSE(parse_range(text)) << text;
  }
}

}  // namespace
}  // namespace gust::sandbox
