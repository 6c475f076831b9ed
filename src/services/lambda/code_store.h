// SPDX-License-Identifier: Apache-2.0

#pragma once

// Function code by content: STATE/code/HEX.zip as uploaded, STATE/code/HEX/ unpacked, HEX being the zip's SHA-256. A
// directory of that name is complete: it was unpacked under another name by a sandbox, synced and renamed. This process
// never reads a zip's inside. Thread-safe.

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "net/loop.h"
#include "net/worker_pool.h"
#include "os/fd.h"

namespace gust::lambda {

// Opens zips somewhere where that cannot hurt. On the loop's thread.
class Unpacker {
 public:
  virtual ~Unpacker() = default;
  // Unpacks `zip` into STATE/code/`directory`, which does not exist yet. Errors: Invalid (the zip is bad), TooLarge (more
  // than fits), anything else is not the zip's fault.
  virtual void unpack(std::shared_ptr<Fd> zip, std::string directory, std::function<void(Result<>)> done) = 0;
  // Removes what is in STATE/code/`directory` (it belongs to another user).
  virtual void empty(std::string directory, std::function<void(Result<>)> done) = 0;
};

enum class CodeState { Ready, Pending, Failed };

class CodeStore {
 public:
  using Done = std::function<void(Result<>)>;

  // All of these must outlive this and everything that runs on them.
  CodeStore(std::string directory, net::Loop& loop, net::WorkerPool& disk, Unpacker& unpacker);

  Result<> open();  // makes the directory
  // The zip's name; afterwards it is there after a power loss. Blocking.
  Result<std::string> keep(std::string_view zip);
  // Unpacks a kept zip unless that was done. `done` comes on any thread, maybe before this returns. Blocking for an open.
  void prepare(const std::string& hex, Done done);
  CodeState state(const std::string& hex);
  // At start, before anything else: removes what no function refers to and what was left half made. Blocking.
  Result<> sweep(const std::set<std::string>& referenced);

 private:
  void finish(const std::string& hex, const std::string& part, Result<> unpacked);
  Result<> publish(const std::string& part, const std::string& hex);
  void discard(const std::string& name);
  void tell(const std::string& hex, const Result<>& result);
  std::string path(std::string_view name) const { return directory_ + "/" + std::string(name); }

  std::string directory_;
  net::Loop& loop_;
  net::WorkerPool& disk_;
  Unpacker& unpacker_;
  std::mutex mutex_;
  std::set<std::string> ready_, failed_;
  std::map<std::string, std::vector<Done>> waiting_;  // by hash: being unpacked now
};

}  // namespace gust::lambda
