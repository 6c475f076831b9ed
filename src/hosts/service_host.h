// SPDX-License-Identifier: Apache-2.0

#pragma once

// Always-on services: a program in a sandbox of an instance type's size, kept running from start() to stop(). Each run is a
// new sandbox. A program that ends, however it ends, is started again after 1 s, 2 s, ... 60 s; a minute of running resets
// that. Its output goes to the log under the service's name. Loop thread only. Services are not remembered over a restart
// of the daemon.
//
// The bill counts from start() to stop(), pauses between runs included, as a rented server does: "on" and "off" lines in
// meter/services-YYYY-MM-DD.jsonl. A period without "off" ended with the daemon.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "hosts/instance_type.h"
#include "meter/log_sink.h"
#include "net/loop.h"
#include "os/clock.h"
#include "sandbox/sandbox.h"

namespace gust::hosts {

struct ServiceSpec {
  std::string code;                  // directory name under STATE/code: /var/task inside
  std::vector<std::string> command;  // [0] is a path inside the sandbox, e.g. /var/task/service
  std::vector<std::pair<std::string, std::string>> environment;
  InstanceType type;
};

enum class ServiceState { Starting, Running, Waiting, Stopping, Stopped };  // Waiting: for the next try
std::string_view name_of(ServiceState state);                               // "starting" ...

struct ServiceStatus {
  std::string name;
  ServiceState state = ServiceState::Stopped;
  InstanceType type;
  uint64_t sandbox = 0;    // id of the current run's, 0 where there is none
  std::string address;     // IPv4 of the current run, for other services and programs on this host; may be empty
  uint32_t runs = 0;       // since start()
  int64_t started_us = 0;  // wall clock of start()
  int64_t stopped_us = 0;  // wall clock of the end; 0 while on
  std::string last_end;    // why the last run ended: "exit 3", "signal 9", "out of memory", an error's text
  // Of all runs since start(), the running one as it is now included. Run delay (time in which threads could have run and
  // did not get a CPU) contains the throttled time; it is known of threads that lived when somebody last asked.
  uint64_t cpu_us = 0, throttled_us = 0, run_delay_us = 0;
  uint64_t memory_peak_bytes = 0;  // the highest of all runs
};

class ServiceHost {
 public:
  struct Options {
    std::function<uint64_t()> next_id;  // sandbox ids that nobody else uses
    // Serves the API and names inside the sandbox until the returned object is destroyed.
    std::function<std::shared_ptr<void>(uint64_t id, const std::string& service, Fd gateway, Fd resolver)> attach;
    std::string account = "000000000000", region = "us-east-1";
    int64_t first_wait_us = 1'000'000, most_wait_us = 60'000'000, steady_us = 60'000'000;
    int64_t stop_grace_us = 10'000'000;  // from SIGTERM to the end
    uint64_t tmp_bytes = 2ull << 30;
  };

  ServiceHost(net::Loop& loop, sandbox::Warden& warden, meter::LogSink& logs, const Clock& clock, Options options);
  ~ServiceHost();  // ends all services at once

  // Exists where it is on; Invalid where name, command or type are bad. The run itself begins behind this call.
  Result<> start(const std::string& name, ServiceSpec spec);
  // SIGTERM, then the end after the grace time. `done` is called once the service is off; NotFound where it is not on.
  void stop(const std::string& name, std::function<void(Result<>)> done);
  // Both read the counters of what runs (some ten microseconds a service).
  std::vector<ServiceStatus> list() const;
  Result<ServiceStatus> status(const std::string& name) const;
  // From the owner of Warden::on_exit: tells why a run ended. Other ids are ignored.
  void on_exit(uint64_t id, const sandbox::Exit& exit);

 private:
  struct Service;
  void run(Service& service);
  void begin(Service& service, sandbox::Started started);
  void read_output(Service& service);
  void read_control(Service& service);
  void end_run(Service& service, std::string why);
  void finish(Service& service);
  void record(const Service& service, std::string_view event, int64_t at_us);
  sandbox::StartSpec start_spec(const Service& service) const;
  static ServiceStatus live(const Service& service);

  net::Loop& loop_;
  sandbox::Warden& warden_;
  meter::LogSink& logs_;
  const Clock& clock_;
  Options options_;
  std::map<std::string, std::unique_ptr<Service>> services_;
};

}  // namespace gust::hosts
