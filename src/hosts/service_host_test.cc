// SPDX-License-Identifier: Apache-2.0

#include "hosts/service_host.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>

#include "base/json.h"
#include "os/files.h"
#include "sandbox/init_protocol.h"
#include "sandbox/sandbox_fixture.h"

namespace gust::hosts {
namespace {

// Gives out sandboxes whose far ends the test holds.
class FakeWarden : public sandbox::Warden {
 public:
  struct Inside {
    sandbox::StartSpec spec;
    Fd control, output, life;
  };
  void start(sandbox::StartSpec spec, std::function<void(Result<sandbox::Started>)> done) override {
    specs.push_back(spec);
    if (fail_next) {
      fail_next = false;
      return done(fail(Errc::Io, "no sandbox today"));
    }
    sandbox::Started started;
    Inside in;
    in.spec = spec;
    int pair[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
    started.control = Fd(pair[0]), in.control = Fd(pair[1]);
    EXPECT_EQ(::pipe2(pair, O_CLOEXEC | O_NONBLOCK), 0);
    started.output = Fd(pair[0]), in.output = Fd(pair[1]);
    EXPECT_EQ(::pipe2(pair, O_CLOEXEC | O_NONBLOCK), 0);
    started.pidfd = Fd(pair[0]), in.life = Fd(pair[1]);
    inside[spec.id] = std::move(in);
    done(std::move(started));
  }
  void set_cpu(uint64_t id, uint32_t cpu_milli) override { cpu[id] = cpu_milli; }
  void kill(uint64_t id) override { inside.erase(id); }  // closes all ends, the life pipe with them
  void freeze(uint64_t, bool) override {}
  void on_exit(std::function<void(uint64_t, sandbox::Exit)>) override {}
  void connect(uint64_t, uint16_t, std::function<void(Result<Fd>)>) override {}

  void report(uint64_t id, uint32_t event, int status) {
    const gust_init_report message{GUST_INIT_VERSION, event, status, 0, 0, 0, 0};
    EXPECT_GT(::send(inside.at(id).control.get(), &message, sizeof message, 0), 0);
  }
  std::vector<sandbox::StartSpec> specs;
  std::map<uint64_t, Inside> inside;
  std::map<uint64_t, uint32_t> cpu;
  bool fail_next = false;
};

class Services : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/gust-hosts-XXXXXX";
    root_ = ::mkdtemp(name);
    logs_ = std::make_unique<meter::LogSink>(root_, meter::LogLimits{});
    begin();
  }
  void TearDown() override {
    host_.reset();
    logs_.reset();
    std::filesystem::remove_all(root_);
  }
  void begin() {
    ServiceHost::Options options;
    options.next_id = [this] { return ++last_id_; };
    options.attach = [this](uint64_t id, const std::string& service, Fd, Fd) {
      attached_.push_back(service + std::to_string(id));
      return std::shared_ptr<void>(nullptr, [this](void*) { ++detached_; });
    };
    options.first_wait_us = 1000, options.most_wait_us = 4000;
    host_ = std::make_unique<ServiceHost>(loop_, warden_, *logs_, clock_, std::move(options));
  }
  static ServiceSpec spec() {
    return {"abc123", {"/var/task/service", "--poll"}, {{"BUCKET", "b"}, {"TZ", ":Europe/Berlin"}}, {"gust.half", 500, 512}};
  }
  // Runs the loop until the condition holds.
  void until(const std::function<bool()>& holds) {
    net::Timer tick(loop_);
    int turns = 0;
    std::function<void()> look = [&] {
      if (holds() || ++turns > 20'000) return loop_.stop();
      tick.start(500, look);
    };
    tick.start(0, look);
    loop_.run();
    ASSERT_TRUE(holds());
  }
  ServiceStatus now() const { return *host_->status("scaler"); }

  std::string root_;
  net::Loop loop_;
  FakeWarden warden_;
  FakeClock clock_;
  std::unique_ptr<meter::LogSink> logs_;
  std::unique_ptr<ServiceHost> host_;
  uint64_t last_id_ = 1000;
  std::vector<std::string> attached_;
  int detached_ = 0;
};

TEST_F(Services, AStartedServiceGetsItsTypesSizeAndTheGateway) {
  ASSERT_TRUE(host_->start("scaler", spec()));
  EXPECT_EQ(now().state, ServiceState::Running);
  ASSERT_EQ(warden_.specs.size(), 1u);
  const sandbox::StartSpec& s = warden_.specs[0];
  EXPECT_EQ(s.kind, sandbox::Kind::Service);
  EXPECT_EQ(s.limits.memory_bytes, 512ull << 20);
  EXPECT_EQ(s.limits.cpu_milli, 500u);
  EXPECT_EQ(s.limits.visible_cpus, 1u);
  EXPECT_EQ(warden_.cpu[s.id], 500u);
  EXPECT_EQ(s.arguments, spec().command);
  const auto has = [&s](const char* text) {
    return std::find(s.environment.begin(), s.environment.end(), text) != s.environment.end();
  };
  EXPECT_TRUE(has("BUCKET=b"));
  EXPECT_TRUE(has("TZ=:Europe/Berlin"));
  EXPECT_FALSE(has("TZ=:UTC"));
  EXPECT_TRUE(has("AWS_ENDPOINT_URL=http://127.0.0.1:4566"));
  EXPECT_EQ(attached_, std::vector<std::string>{"scaler1001"});
  EXPECT_EQ(host_->start("scaler", spec()).error().code, Errc::Exists);
}

TEST_F(Services, BadNamesAndCommandsAreRefused) {
  EXPECT_EQ(host_->start("../x", spec()).error().code, Errc::Invalid);
  EXPECT_EQ(host_->start("", spec()).error().code, Errc::Invalid);
  ServiceSpec relative = spec();
  relative.command = {"service"};
  EXPECT_EQ(host_->start("scaler", relative).error().code, Errc::Invalid);
  ServiceSpec untyped = spec();
  untyped.type = {};
  EXPECT_EQ(host_->start("scaler", untyped).error().code, Errc::Invalid);
  EXPECT_TRUE(warden_.specs.empty());
}

TEST_F(Services, AProgramThatEndsIsStartedAgainWithGrowingPauses) {
  ASSERT_TRUE(host_->start("scaler", spec()));
  for (uint32_t run = 1; run <= 4; ++run) {
    const uint64_t id = now().sandbox;
    warden_.report(id, GUST_INIT_EXITED, 3 << 8);
    until([&] { return now().runs == run + 1 && now().state == ServiceState::Running; });
    EXPECT_EQ(now().last_end, "exit 3");
    EXPECT_NE(now().sandbox, id);
    EXPECT_FALSE(warden_.inside.contains(id));
  }
  EXPECT_EQ(detached_, 4);
}

TEST_F(Services, ASandboxThatDiesOrCannotStartIsTriedAgainToo) {
  warden_.fail_next = true;
  ASSERT_TRUE(host_->start("scaler", spec()));
  EXPECT_EQ(now().state, ServiceState::Waiting);
  EXPECT_EQ(now().last_end, "no sandbox today");
  until([&] { return now().state == ServiceState::Running; });
  warden_.inside.erase(now().sandbox);  // as a kill from outside
  until([&] { return now().runs == 3 && now().state == ServiceState::Running; });
  warden_.report(now().sandbox, GUST_INIT_FAILED, ENOENT);
  until([&] { return now().runs == 4; });
  EXPECT_EQ(now().last_end, "cannot execute /var/task/service: No such file or directory");
}

TEST_F(Services, StoppingAsksFirstAndThenCountsTheSeconds) {
  ASSERT_TRUE(host_->start("scaler", spec()));
  const uint64_t id = now().sandbox;
  bool stopped = false;
  host_->stop("scaler", [&](Result<> done) { stopped = done.has_value(); });
  EXPECT_EQ(now().state, ServiceState::Stopping);
  gust_init_request request{};
  ASSERT_EQ(::recv(warden_.inside.at(id).control.get(), &request, sizeof request, 0), static_cast<ssize_t>(sizeof request));
  EXPECT_EQ(request.verb, static_cast<uint32_t>(GUST_INIT_TERM));
  clock_.advance_us(90'500'000);
  warden_.report(id, GUST_INIT_EXITED, 0);
  until([&] { return stopped; });
  EXPECT_EQ(now().state, ServiceState::Stopped);
  logs_->flush();
  const std::string text = *files::read(root_ + "/meter/services-2023-11-14.jsonl");
  const size_t second = text.find('\n') + 1;
  EXPECT_EQ((*json::parse(text.substr(0, second - 1)))["event"].as_string(), "on");
  const Value off = *json::parse(std::string_view(text).substr(second, text.size() - second - 1));
  EXPECT_EQ(off["event"].as_string(), "off");
  EXPECT_DOUBLE_EQ(off["seconds"].as_double(), 90.5);
  EXPECT_EQ(off["instance_type"].as_string(), "gust.half");
  Result<> again = {};
  host_->stop("scaler", [&](Result<> done) { again = done; });
  EXPECT_EQ(again.error().code, Errc::NotFound);
  EXPECT_TRUE(host_->start("scaler", spec()));  // and on again
}

TEST_F(Services, AStopDuringThePauseEndsTheTries) {
  warden_.fail_next = true;
  ASSERT_TRUE(host_->start("scaler", spec()));
  bool stopped = false;
  host_->stop("scaler", [&](Result<> done) { stopped = done.has_value(); });
  EXPECT_TRUE(stopped);
  net::Timer later(loop_);
  later.start(20'000, [this] { loop_.stop(); });
  loop_.run();
  EXPECT_EQ(now().state, ServiceState::Stopped);
  EXPECT_EQ(now().runs, 1u);
}

TEST_F(Services, OutputBecomesLogLinesAndLongOnesAreCut) {
  ASSERT_TRUE(host_->start("scaler", spec()));
  const uint64_t id = now().sandbox;
  const std::string text = "one\ntwo" + std::string(20'000, 'x') + "\nthree without end";
  ASSERT_EQ(::write(warden_.inside.at(id).output.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  warden_.report(id, GUST_INIT_EXITED, 0);
  until([&] { return now().runs == 2; });
  logs_->flush();
  const std::string log = *files::read(root_ + "/logs/scaler/2023-11-14.log");
  EXPECT_NE(log.find("\ts1001\t\tone\n"), log.npos);
  EXPECT_NE(log.find("\tthree without end\n"), log.npos);
  EXPECT_EQ(std::count(log.begin(), log.end(), '\n'), 4);  // the long one in two pieces
}

// The same with the real warden: limits are the kernel's.
class RealServices : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(geteuid(), 0u) << "sandboxes need root";
    char name[] = "/tmp/gust-hosts-XXXXXX";
    root_ = ::mkdtemp(name);
    logs_ = std::make_unique<meter::LogSink>(root_, meter::LogLimits{});
    // The interface of services shall not appear on this machine's network.
    home_ = std::move(*files::open("/proc/self/ns/net", O_RDONLY));
    ASSERT_EQ(::unshare(CLONE_NEWNET), 0);
    warden_.emplace(GUST_INIT_PROGRAM, GUST_SOURCE_DIRECTORY "/data/roots/provided.manifest");
    warden_->config.cpu_weight = 1000;  // whatever else runs on this machine
    warden_->run();
    warden_->code();
    ServiceHost::Options options;
    options.next_id = [this] { return ++last_id_; };
    options.attach = [this](uint64_t, const std::string&, Fd gateway, Fd) {
      gateway_ = std::move(gateway);
      return std::shared_ptr<void>();
    };
    options.first_wait_us = 1000, options.tmp_bytes = 16 << 20;
    host_ = std::make_unique<ServiceHost>(*warden_->loop, *warden_->warden, *logs_, system_clock(), std::move(options));
    warden_->warden->on_exit([this](uint64_t id, const sandbox::Exit& exit) { host_->on_exit(id, exit); });
  }
  void TearDown() override {
    host_.reset();
    warden_.reset();
    logs_.reset();
    std::filesystem::remove_all(root_);
    if (home_) {
      ASSERT_EQ(::setns(home_.get(), CLONE_NEWNET), 0);
    }
  }
  void start(const std::string& type, const std::string& script) {
    const auto types = read_instance_types(GUST_SOURCE_DIRECTORY "/data/instance-types");
    ASSERT_TRUE(host_->start("s", {"c0de", {"/bin/bash", "-c", script}, {}, *find_instance_type(*types, type)}));
    ASSERT_TRUE(warden_->wait([&] { return now().state == ServiceState::Running; }));
  }
  ServiceStatus now() const { return *host_->status("s"); }
  std::string log() {
    logs_->flush();
    std::string all;
    const auto files = files::list(root_ + "/logs/s");
    for (const std::string& name : files ? *files : std::vector<std::string>{}) all += *files::read(root_ + "/logs/s/" + name);
    return all;
  }
  // CPUs that all processes of the service used together in the best of some windows; the last window's throttled share.
  std::pair<double, double> cpus(double enough) {
    double most = 0, throttled = 0;
    for (int i = 0; i < 8 && most < enough; ++i) {
      const ServiceStatus before = now();
      const int64_t begin = system_clock().monotonic_us();
      warden_->wait([] { return false; }, 700'000);
      const ServiceStatus after = now();
      const double wall = static_cast<double>(system_clock().monotonic_us() - begin);
      most = std::max(most, static_cast<double>(after.cpu_us - before.cpu_us) / wall);
      throttled = static_cast<double>(after.throttled_us - before.throttled_us) / wall;
      EXPECT_GE(after.run_delay_us, before.run_delay_us);
    }
    return {most, throttled};
  }

  std::string root_;
  std::unique_ptr<meter::LogSink> logs_;
  std::optional<sandbox::TestWarden> warden_;
  std::unique_ptr<ServiceHost> host_;
  uint64_t last_id_ = 0;
  Fd home_, gateway_;
};

constexpr char kFourBurners[] = "for i in 1 2 3 4; do (while :; do :; done) & done; echo burning; wait";

TEST_F(RealServices, FourBurnersOfAHalfVcpuUseHalfACpu) {
  start("gust.half", kFourBurners);
  ASSERT_TRUE(warden_->wait([&] { return log().find("burning") != std::string::npos; }));
  const auto [used, throttled] = cpus(0.45);
  EXPECT_GE(used, 0.4);
  EXPECT_LE(used, 0.55);
  EXPECT_GT(throttled, 0);
  // Four that want to run and may not: they wait for most of the time. (One CPU is visible.)
  EXPECT_GT(now().run_delay_us, now().cpu_us);
}

TEST_F(RealServices, FourBurnersOfOneVcpuUseOneCpu) {
  start("gust.one", kFourBurners);
  ASSERT_TRUE(warden_->wait([&] { return log().find("burning") != std::string::npos; }));
  const auto [used, throttled] = cpus(0.9);
  EXPECT_GE(used, 0.7);
  EXPECT_LE(used, 1.05);
}

TEST_F(RealServices, MemoryIsTheTypesAndItsEndIsTold) {
  start("gust.half", "head -c 50000000 /dev/zero | tail -n 1 | wc -c; echo ok; exec tail -n 1 /dev/zero");
  ASSERT_TRUE(warden_->wait([&] { return now().runs > 1; }));
  EXPECT_EQ(now().last_end, "out of memory");
  EXPECT_NE(log().find("ok"), std::string::npos);
  EXPECT_GT(now().memory_peak_bytes, 480ull << 20);
  EXPECT_LE(now().memory_peak_bytes, 512ull << 20);
  EXPECT_GT(now().cpu_us, 0u);
}

TEST_F(RealServices, TheGatewayIsAtTheAddressInItsEnvironment) {
  start("gust.half", "exec 5<>/dev/tcp/127.0.0.1/4566; echo \"$AWS_ENDPOINT_URL\" >&5; read -r x <&5; echo got $x; sleep 1000");
  Fd connection;
  ASSERT_TRUE(warden_->wait([&] {
    if (!connection) connection = Fd(::accept4(gateway_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    return connection.valid();
  }));
  char text[64] = "";
  ASSERT_GT(::recv(connection.get(), text, sizeof text - 1, 0), 0);
  EXPECT_STREQ(text, "http://127.0.0.1:4566\n");
  EXPECT_EQ(now().address.substr(0, 7), "10.177.");
  ASSERT_EQ(::send(connection.get(), "hello\n", 6, 0), 6);
  ASSERT_TRUE(warden_->wait([&] { return log().find("got hello") != std::string::npos; }));
}

TEST_F(RealServices, StoppingEndsItsChildrenToo) {
  start("gust.half", "trap 'echo asked; exit 0' TERM; (while :; do sleep 1; done) & echo on; wait");
  ASSERT_TRUE(warden_->wait([&] { return log().find("\ton\n") != std::string::npos; }));
  const uint64_t id = now().sandbox;
  bool stopped = false, gone = false;
  warden_->warden->on_exit([&](uint64_t ended, const sandbox::Exit&) { gone |= ended == id; });
  host_->stop("s", [&](Result<> done) { stopped = done.has_value(); });
  ASSERT_TRUE(warden_->wait([&] { return stopped && gone; }));
  EXPECT_NE(log().find("\tasked\n"), std::string::npos);
  EXPECT_EQ(now().last_end, "exit 0");
}

TEST(InstanceTypes, TheTablesOfThisTreeAreRead) {
  const auto types = read_instance_types(GUST_SOURCE_DIRECTORY "/data/instance-types");
  ASSERT_TRUE(types) << types.error().message;
  EXPECT_EQ(*find_instance_type(*types, "c4.large"), (InstanceType{"c4.large", 2000, 3840}));
  EXPECT_EQ(find_instance_type(*types, "gust.half")->cpu_milli, 500u);
  EXPECT_NE(find_instance_type(*types, "x1.huge").error().message.find("c4.large"), std::string::npos);
}

TEST(InstanceTypes, IncompleteEntriesAreRefused) {
  InstanceTypes types;
  EXPECT_TRUE(add_instance_types(R"({"types":[{"name":"a","vcpu":1,"memory_mib":512}]})", types));
  EXPECT_EQ(add_instance_types(R"({"types":[{"name":"a","vcpu":1,"memory_mib":512}]})", types).error().code, Errc::Exists);
  for (const char* text :
       {"{}", "[", R"({"types":[{"vcpu":1,"memory_mib":512}]})", R"({"types":[{"name":"b","vcpu":0,"memory_mib":512}]})",
        R"({"types":[{"name":"b","vcpu":1}]})", R"({"types":[{"name":"b","vcpu":1e9,"memory_mib":512}]})"}) {
    EXPECT_FALSE(add_instance_types(text, types)) << text;
  }
}

}  // namespace
}  // namespace gust::hosts
