// SPDX-License-Identifier: Apache-2.0

#pragma once

// Unpacks in throw-away sandboxes: one per zip, started with gust-unpack, killed as soon as it has said its line. Loop only.

#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>

#include "net/loop.h"
#include "sandbox/sandbox.h"
#include "services/lambda/code_store.h"

namespace gust::lambda {

// The line of gust-unpack as a result. Exposed for tests; a line that is neither OK nor ERROR is our own failure.
Result<> parse_unpack_line(std::string_view line);

class SandboxUnpacker : public Unpacker {
 public:
  // `next_id` gives sandbox ids that nobody else uses.
  SandboxUnpacker(net::Loop& loop, sandbox::Warden& warden, std::function<uint64_t()> next_id);
  ~SandboxUnpacker() override;
  void unpack(std::shared_ptr<Fd> zip, std::string directory, std::function<void(Result<>)> done) override;
  void empty(std::string directory, std::function<void(Result<>)> done) override;

 private:
  struct Job;
  void start(std::shared_ptr<Fd> zip, std::string directory, std::vector<std::string> arguments,
             std::function<void(Result<>)> done);
  void read_more(uint64_t id);
  void finish(uint64_t id, Result<> result);

  net::Loop& loop_;
  sandbox::Warden& warden_;
  std::function<uint64_t()> next_id_;
  std::unordered_map<uint64_t, std::unique_ptr<Job>> jobs_;
};

}  // namespace gust::lambda
