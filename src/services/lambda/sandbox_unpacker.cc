// SPDX-License-Identifier: Apache-2.0

#include "services/lambda/sandbox_unpacker.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace gust::lambda {
namespace {

constexpr int64_t kDeadline_us = 60'000'000;  // 250 MB on a slow disk
constexpr size_t kMaxLine = 1024;

sandbox::Limits limits() {
  sandbox::Limits limits;
  limits.memory_bytes = 512 << 20;  // the zip and what it writes are in the page cache, which counts
  limits.cpu_milli = 1000;
  limits.visible_cpus = 1;
  limits.pids = 8;
  limits.tmp_bytes = 1 << 20;
  return limits;
}

}  // namespace

Result<> parse_unpack_line(std::string_view line) {
  if (line.starts_with("OK ") && line.ends_with('\n')) return {};
  if (!line.starts_with("ERROR ")) return fail(Errc::Internal, "the unpacker ended without a result");
  line.remove_prefix(6);
  const std::string_view kind = line.substr(0, line.find(' '));
  const std::string text(line.substr(0, line.find('\n')));
  if (kind == "io") return fail(Errc::Io, "unpack: " + text);
  // Each of these is a limit on the size of what comes out; AWS has one text for them.
  return fail(kind == "too-large" || kind == "ratio" ? Errc::TooLarge : Errc::Invalid, "unpack: " + text);
}

struct SandboxUnpacker::Job {
  Job(net::Loop& loop, Fd pipe) : result(std::move(pipe)), watch(loop, result.get()), deadline(loop) {}
  Fd result;  // read end
  net::Watch watch;
  net::Timer deadline;
  sandbox::Started started;
  std::string line;
  std::function<void(Result<>)> done;
};

SandboxUnpacker::SandboxUnpacker(net::Loop& loop, sandbox::Warden& warden, std::function<uint64_t()> next_id)
    : loop_(loop), warden_(warden), next_id_(std::move(next_id)) {}
SandboxUnpacker::~SandboxUnpacker() = default;

void SandboxUnpacker::unpack(std::shared_ptr<Fd> zip, std::string directory, std::function<void(Result<>)> done) {
  start(std::move(zip), std::move(directory), {"/unpack"}, std::move(done));
}

void SandboxUnpacker::empty(std::string directory, std::function<void(Result<>)> done) {
  auto nothing = std::make_shared<Fd>(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  start(std::move(nothing), std::move(directory), {"/unpack", "--empty"}, std::move(done));
}

void SandboxUnpacker::start(std::shared_ptr<Fd> zip, std::string directory, std::vector<std::string> arguments,
                            std::function<void(Result<>)> done) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return done(fail_errno("pipe"));
  Fd read_end(ends[0]);
  auto write_end = std::make_shared<Fd>(ends[1]);
  ::fcntl(read_end.get(), F_SETFL, O_NONBLOCK);
  const uint64_t id = next_id_();
  auto job = std::make_unique<Job>(loop_, std::move(read_end));
  job->done = std::move(done);
  job->deadline.start(kDeadline_us, [this, id] { finish(id, fail(Errc::Timeout, "unpacking took too long")); });
  jobs_[id] = std::move(job);
  sandbox::StartSpec spec;
  spec.kind = sandbox::Kind::Unpack;
  spec.id = id;
  spec.output = std::move(directory);
  spec.limits = limits();
  spec.arguments = std::move(arguments);
  spec.working_directory = "/";
  spec.inherit = {zip->get(), write_end->get()};
  // Our write end is closed with this callback, so that the pipe ends when the program does.
  warden_.start(std::move(spec), [this, id, zip, write_end](Result<sandbox::Started> started) {
    const auto at = jobs_.find(id);
    if (at == jobs_.end()) return warden_.kill(id);  // the deadline passed
    if (!started) return finish(id, Failure(std::move(started).error()));
    at->second->started = std::move(*started);
    write_end->reset();
    read_more(id);
  });
}

void SandboxUnpacker::read_more(uint64_t id) {
  Job& job = *jobs_.at(id);
  char buffer[kMaxLine];
  const ssize_t n = ::read(job.result.get(), buffer, sizeof buffer);
  if (n > 0) job.line.append(buffer, static_cast<size_t>(n));
  const bool wait = n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
  if (!wait || job.line.ends_with('\n') || job.line.size() > kMaxLine) return finish(id, parse_unpack_line(job.line));
  job.watch.when_readable([this, id] { read_more(id); });
}

void SandboxUnpacker::finish(uint64_t id, Result<> result) {
  auto node = jobs_.extract(id);
  if (node.empty()) return;
  if (node.mapped()->started.control) warden_.kill(id);
  node.mapped()->done(std::move(result));
}

}  // namespace gust::lambda
