// SPDX-License-Identifier: Apache-2.0

// One run: photographs, deployment, blocks in rounds, collecting, report.

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <map>
#include <memory>
#include <thread>

#include "base/ids.h"
#include "base/json.h"
#include "experiment/arrivals.h"
#include "experiment/deployment.h"
#include "experiment/experiment.h"
#include "experiment/photographs.h"
#include "experiment/progress.h"
#include "experiment/random.h"
#include "experiment/replay.h"
#include "experiment/report.h"
#include "experiment/statistics.h"
#include "os/clock.h"
#include "os/files.h"

namespace gust::experiment {
namespace {

constexpr size_t kMostUploads = 100'000, kMostInBlock = 100;  // a block's photographs are held in memory
constexpr int64_t kSendingPollUs = 1'000'000, kDrainingPollUs = 300'000;

double seconds_since(int64_t start_us) { return static_cast<double>(system_clock().monotonic_us() - start_us) / 1e6; }

// While one lives, the first SIGINT or SIGTERM sets `asked`; the next one does what it does by default.
class Interrupt {
 public:
  Interrupt() {
    asked = false;
    struct sigaction action {};
    action.sa_handler = [](int) { asked = true; };
    action.sa_flags = static_cast<int>(SA_RESETHAND);
    sigaction(SIGINT, &action, &old_int_);
    sigaction(SIGTERM, &action, &old_term_);
  }
  ~Interrupt() {
    sigaction(SIGINT, &old_int_, nullptr);
    sigaction(SIGTERM, &old_term_, nullptr);
  }
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;
  static inline std::atomic<bool> asked{false};

 private:
  struct sigaction old_int_ {
  }, old_term_{};
};

// Of all CPUs since boot, in ticks.
struct CpuTicks {
  double all = 0, stolen = 0;
};
CpuTicks cpu_ticks() {
  CpuTicks out;
  std::string text = files::read("/proc/stat").value_or("");
  unsigned long long n[8] = {};
  if (sscanf(text.c_str(), "cpu %llu %llu %llu %llu %llu %llu %llu %llu", n, n + 1, n + 2, n + 3, n + 4, n + 5, n + 6, n + 7) ==
      8) {
    for (unsigned long long each : n) out.all += static_cast<double>(each);
    out.stolen = static_cast<double>(n[7]);
  }
  return out;
}

std::vector<Block> plan_blocks(const std::vector<Arm>& arms, size_t uploads, size_t rounds, uint64_t seed) {
  rounds = std::clamp(rounds, (uploads + kMostInBlock - 1) / kMostInBlock, uploads);
  Random random(seed ^ 0xb10c);
  std::vector<Block> out;
  for (size_t round = 0; round < rounds; ++round) {
    const size_t first = uploads * round / rounds, end = uploads * (round + 1) / rounds;
    std::vector<std::string> order;
    for (const Arm& arm : arms) order.push_back(arm.name);
    for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
    for (const std::string& arm : order) out.push_back({round, first, end - first, arm});
  }
  return out;
}

class Experiment {
 public:
  explicit Experiment(const RunOptions& options) : options_(options) {}

  Result<> prepare();
  Result<> play();
  Result<> finish();
  Result<Shown> show_and_save();
  const std::string& directory() const { return directory_; }

 private:
  Result<> photograph(const Block& block);
  Result<> play_block(Block& block);
  void wait_for_phase(const Block& block) const;
  Result<> watch(const Arm& arm, const Block& block, std::atomic<bool>& all_sent, const std::vector<Sent>& sent,
                 int64_t start_us);
  Result<size_t> settle(const Arm& arm, const Block& block, const std::vector<Sent>* sent);
  double eta(const Block& current, double into_block) const;
  double block_seconds(const Block& block) const;
  const Arm& arm_of(const std::string& name) const;

  const RunOptions& options_;
  std::string directory_;
  Collected collected_;
  Run& run_ = collected_.run;
  std::vector<std::string> sources_;
  std::vector<Photograph> photographs_;
  size_t photographed_round_ = SIZE_MAX;
  double megapixels_ = 0;
  std::unique_ptr<Deployment> deployment_;
  std::unique_ptr<Progress> progress_;
  struct Settled {
    std::map<uint64_t, std::pair<std::string, double>> uploads;  // last known status and overall time
  };
  std::map<std::string, Settled> settled_;  // by arm
  CpuTicks ticks_;
  int64_t start_us_ = 0;
};

const Arm& Experiment::arm_of(const std::string& name) const {
  return *std::find_if(run_.arms.begin(), run_.arms.end(), [&](const Arm& arm) { return arm.name == name; });
}

Result<> Experiment::prepare() {
  if (options_.uploads < 1 || options_.uploads > kMostUploads)
    return fail(Errc::Invalid, "--uploads must be 1 to " + std::to_string(kMostUploads));
  if (!(options_.speed >= 0.001 && options_.speed <= 1000)) return fail(Errc::Invalid, "--speed must be 0.001 to 1000");
  for (const std::string& name : options_.arms) run_.arms.push_back(TRY(parse_arm(name)));
  if (run_.arms.empty()) run_.arms = default_arms();
  for (size_t i = 0; i < run_.arms.size(); ++i) {
    for (size_t k = 0; k < i; ++k) {
      if (run_.arms[i].name == run_.arms[k].name) return fail(Errc::Invalid, "the arm " + run_.arms[i].name + " is named twice");
    }
  }
  TRY(use_tariffs(options_.tariff, options_.ec2_tariff, collected_));
  for (const Arm& arm : run_.arms) {
    if (arm.kind == Arm::Kind::Service) TRY(collected_.ec2.per_second(arm.instance_type));
  }
  sources_ = options_.images.empty() ? installed_photographs() : TRY(find_photographs(options_.images));
  if (sources_.empty()) {
    return fail(Errc::NotFound, options_.images.empty() ? "no photographs are installed: apt-get install lomiri-wallpapers "
                                                          "plasma-workspace-wallpapers mate-backgrounds, or give --images DIR"
                                                        : "no JPEG files in " + options_.images);
  }
  start_us_ = system_clock().monotonic_us();
  ticks_ = cpu_ticks();
  run_.started_ms = system_clock().unix_ms();
  std::string time = iso8601_basic(run_.started_ms);  // 20261123T032109Z
  run_.id = time.substr(0, 8) + "-" + time.substr(9, 6) + "-" + new_id(4);
  run_.bucket = "gust-experiment-" + run_.id;
  run_.table = "experiment-results";
  run_.uploads = options_.uploads;
  run_.speed = options_.speed;
  run_.seed = options_.seed;
  run_.uploads_per_day = options_.uploads_per_day;
  run_.tariff = options_.tariff;
  run_.ec2_tariff = options_.ec2_tariff;
  run_.images = options_.images;
  run_.sources = sources_.size();
  run_.host = this_host();
  run_.blocks = plan_blocks(run_.arms, options_.uploads, options_.rounds, options_.seed);
  directory_ = options_.output.empty() ? "exp-" + run_.id : options_.output;
  TRY(files::make_directories(directory_));
  progress_ = std::make_unique<Progress>(run_.arms, options_.uploads);
  deployment_ = std::make_unique<Deployment>(options_, run_);
  TRY(deployment_->find_programs());
  return photograph(run_.blocks.front());
}

// A round's photographs are made before its first block, while nothing is measured.
Result<> Experiment::photograph(const Block& block) {
  if (block.round == photographed_round_) return {};
  const int64_t start = system_clock().monotonic_us();
  PhotographOptions options;
  options.first = block.first;
  options.count = block.count;
  options.seed = options_.seed;
  options.threads = static_cast<int>(std::clamp<int64_t>(run_.host.cores, 1, 8));
  photographs_ = TRY(make_photographs(sources_, options));
  for (const Photograph& p : photographs_) megapixels_ += static_cast<double>(p.width) * p.height / 1e6;
  photographed_round_ = block.round;
  run_.photographs_seconds += seconds_since(start);
  return {};
}

double Experiment::block_seconds(const Block& block) const {
  constexpr double kMeanGap = 0.4, kFunctionDrain = 1, kServiceDrain = 7;  // part of a poll interval before and after
  return kMeanGap * static_cast<double>(block.count) / options_.speed +
         (arm_of(block.arm).kind == Arm::Kind::Service ? kServiceDrain : kFunctionDrain);
}

double Experiment::eta(const Block& current, double into_block) const {
  double left = std::max(0.0, block_seconds(current) - into_block);
  for (const Block* b = &current + 1; b < run_.blocks.data() + run_.blocks.size(); ++b) left += block_seconds(*b);
  return left;
}

// Reads the block's rows. Returns how many of the acknowledged uploads in `sent` have a row (all rows where null).
Result<size_t> Experiment::settle(const Arm& arm, const Block& block, const std::vector<Sent>* sent) {
  Settled& known = settled_[arm.name];
  for (const Value& item : TRY(deployment_->rows(arm.name, block.first, block.count))) {
    Row row = TRY(row_of(item));
    auto& [status, ms] = known.uploads[row.sequence];
    if (status != "ok") status = row.status, ms = row.overall_ms;
  }
  size_t done = 0;
  std::vector<double> times;
  for (const auto& [sequence, upload] : known.uploads) {
    if (upload.first == "ok") ++done, times.push_back(upload.second);
  }
  std::sort(times.begin(), times.end());
  progress_->settled(arm.name, done, known.uploads.size() - done, quantile(times, 0.5));
  size_t settled = 0;
  if (sent != nullptr) {
    for (const Sent& s : *sent) settled += !s.error.empty() || known.uploads.contains(s.sequence);
  }
  return settled;
}

// Until everything sent is settled, or the grace time after the last upload has passed.
Result<> Experiment::watch(const Arm& arm, const Block& block, std::atomic<bool>& all_sent, const std::vector<Sent>& sent,
                           int64_t start_us) {
  int64_t polled = 0, sent_at = 0;
  bool told = false;
  for (;;) {
    const int64_t now = system_clock().monotonic_us();
    const bool draining = all_sent;
    if (draining && sent_at == 0) sent_at = now, polled = 0;
    if (Interrupt::asked && !told) {
      told = true;
      progress_->say("interrupted: nothing more is sent; waiting for what is under way (once more ends at once)");
    }
    if (now - polled >= (draining ? kDrainingPollUs : kSendingPollUs)) {
      polled = now;
      const size_t settled = TRY(settle(arm, block, draining ? &sent : nullptr));
      if (draining && settled == sent.size()) return {};
      if (draining && static_cast<double>(now - sent_at) / 1e6 > options_.grace_seconds) return {};
    }
    progress_->active(arm.name, Interrupt::asked ? 0 : eta(block, seconds_since(start_us)));
    progress_->draw();
    usleep(50'000);
  }
}

// The service polls in step with its start; uploads of a server that is always on meet it anywhere between two polls.
// Rounds share the interval out, because a few random numbers may all fall on one side.
void Experiment::wait_for_phase(const Block& block) const {
  Random random(options_.seed + 0xfa5e * (block.round + 1));
  const auto rounds = static_cast<double>(run_.blocks.back().round + 1);
  const double until = run_.poll_seconds * (static_cast<double>(block.round) + random.uniform()) / rounds;
  for (const int64_t start = system_clock().monotonic_us(); seconds_since(start) < until && !Interrupt::asked;) usleep(20'000);
}

Result<> Experiment::play_block(Block& block) {
  const Arm& arm = arm_of(block.arm);
  if (arm.kind == Arm::Kind::Service) {
    TRY(deployment_->start_service(arm));
    wait_for_phase(block);
  }
  ArrivalOptions rhythm;
  rhythm.mean_gap_us /= options_.speed;
  rhythm.burst_gap_us /= options_.speed;
  std::vector<int64_t> at = arrivals(block.count, options_.seed + block.round, rhythm);  // the same for every arm
  std::vector<Due> schedule;
  for (size_t i = 0; i < block.count; ++i) schedule.push_back({at[i], block.first + i, &photographs_[i].jpeg});
  ReplayOptions replay_options{options_.aws, run_.bucket, run_.id, arm.name};
  replay_options.on_sent = [&](const Sent& sent) { progress_->sent(sent.arm); };
  replay_options.stop = &Interrupt::asked;
  block.started_us = system_clock().unix_us();
  const int64_t start = system_clock().monotonic_us();
  std::vector<Sent> sent;
  std::atomic<bool> all_sent{false};
  std::thread sender([&] {
    sent = replay(schedule, replay_options);
    block.sending_seconds = seconds_since(start);
    all_sent = true;
  });
  Result<> watched = watch(arm, block, all_sent, sent, start);
  if (!watched) Interrupt::asked = true;  // nothing more is worth sending
  sender.join();
  block.draining_seconds = seconds_since(start) - block.sending_seconds;
  collected_.records.sent.insert(collected_.records.sent.end(), sent.begin(), sent.end());
  if (arm.kind == Arm::Kind::Service) {
    Result<> stopped = deployment_->stop_service(arm);
    if (watched && !stopped) return stopped;
  }
  return watched;
}

Result<> Experiment::play() {
  TRY(deployment_->connect());
  TRY(deployment_->make());
  size_t played = 0;
  for (Block& block : run_.blocks) {
    TRY(photograph(block));
    TRY(play_block(block));
    ++played;
    if (Interrupt::asked) break;
  }
  run_.interrupted = Interrupt::asked;
  run_.blocks.resize(played);
  progress_->close();
  return {};
}

Result<> Experiment::finish() {
  std::sort(collected_.records.sent.begin(), collected_.records.sent.end(),
            [](const Sent& a, const Sent& b) { return std::tie(a.arm, a.sequence) < std::tie(b.arm, b.sequence); });
  for (const Arm& arm : run_.arms) run_.planned[arm.name] = run_.interrupted ? 0 : run_.uploads;
  if (run_.interrupted) {
    for (const Sent& sent : collected_.records.sent) ++run_.planned[sent.arm];
  }
  TRY(deployment_->collect(collected_));
  const size_t photographs = photographs_.empty() ? 0 : run_.blocks.back().first + run_.blocks.back().count;
  if (photographs > 0) run_.megapixels_mean = megapixels_ / static_cast<double>(photographs);
  CpuTicks now = cpu_ticks();
  if (now.all > ticks_.all) run_.host.steal_percent = 100 * (now.stolen - ticks_.stolen) / (now.all - ticks_.all);
  run_.host.load_after = this_host().load_before;
  run_.seconds = seconds_since(start_us_);
  return {};
}

// What is shown is made from what was written, so that a report made later cannot differ.
Result<Shown> Experiment::show_and_save() {
  TRY(save_records(directory_, collected_));
  Value head = Value::map();
  head.set("version", kRunVersion);
  head.set("run", to_value(run_));
  TRY(files::write(directory_ + "/summary.json", json::write_pretty(head) + "\n"));
  Collected written = TRY(load_records(directory_));
  Shown shown = TRY(show(written));
  TRY(files::write(directory_ + "/summary.json", shown.json));
  TRY(files::write(options_.html.empty() ? directory_ + "/report.html" : options_.html, shown.html));
  return shown;
}

int complain(const Error& error, int status) {
  fprintf(stderr, "gust exp run: %s\n", error.message.c_str());
  return status;
}

}  // namespace

int run_experiment(const RunOptions& options) {
  Interrupt interrupt;
  Experiment experiment(options);
  if (auto prepared = experiment.prepare(); !prepared) return complain(prepared.error(), kFailed);
  auto played = experiment.play();
  if (played) played = experiment.finish();
  if (!played) return complain(played.error(), kInfrastructure);
  auto shown = experiment.show_and_save();
  if (!shown) return complain(shown.error(), kFailed);
  fputs(options.json ? shown->json.c_str() : shown->text.c_str(), stdout);
  fflush(stdout);
  fprintf(stderr, "Records: %s\nPage: %s\n", experiment.directory().c_str(),
          options.html.empty() ? (experiment.directory() + "/report.html").c_str() : options.html.c_str());
  return shown->clean ? shown->interrupted ? kFailed : kReconciled : kNotReconciled;
}

}  // namespace gust::experiment
