// SPDX-License-Identifier: Apache-2.0

#include "services/lambda/code_store.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/encoding.h"
#include "base/ids.h"
#include "base/log.h"
#include "crypto/hash.h"
#include "os/files.h"

namespace gust::lambda {
namespace {

constexpr size_t kHashDigits = 64;
constexpr size_t kPartDigits = 6;  // appended to the hash while unpacking: longer than any finished name; the warden takes 71
constexpr std::string_view kZip = ".zip";

bool is_hex(std::string_view text) { return !text.empty() && text.find_first_not_of("0123456789abcdef") == text.npos; }

}  // namespace

CodeStore::CodeStore(std::string directory, net::Loop& loop, net::WorkerPool& disk, Unpacker& unpacker)
    : directory_(std::move(directory)), loop_(loop), disk_(disk), unpacker_(unpacker) {}

Result<> CodeStore::open() { return files::make_directories(directory_, 0755); }

Result<std::string> CodeStore::keep(std::string_view zip) {
  const std::string hex = hex_encode(sha256(zip));
  const std::string file = path(hex) + std::string(kZip);
  const auto size = files::size(file);  // written under another name first, so a file of that name is whole
  if (!size || *size != zip.size()) TRY(files::write_durably(file, zip));
  return hex;
}

CodeState CodeStore::state(const std::string& hex) {
  const std::lock_guard lock(mutex_);
  if (ready_.contains(hex)) return CodeState::Ready;
  return failed_.contains(hex) ? CodeState::Failed : CodeState::Pending;
}

void CodeStore::prepare(const std::string& hex, Done done) {
  {
    std::unique_lock lock(mutex_);
    if (ready_.contains(hex) || files::exists(path(hex))) {
      ready_.insert(hex);
      lock.unlock();
      return done({});
    }
    failed_.erase(hex);
    std::vector<Done>& waiting = waiting_[hex];
    waiting.push_back(std::move(done));
    if (waiting.size() > 1) return;
  }
  auto file = files::open(path(hex) + std::string(kZip), O_RDONLY);
  if (!file) return tell(hex, Failure(std::move(file).error()));
  const std::string part = hex + new_id(kPartDigits);
  loop_.post([this, hex, part, zip = std::make_shared<Fd>(std::move(*file))] {
    unpacker_.unpack(zip, part, [this, hex, part](Result<> unpacked) {
      const bool taken = disk_.submit([this, hex, part, unpacked] { finish(hex, part, unpacked); });
      if (!taken) tell(hex, fail(Errc::Exhausted, "too much disk work is waiting"));
    });
  });
}

void CodeStore::finish(const std::string& hex, const std::string& part, Result<> unpacked) {
  Result<> result = unpacked ? publish(part, hex) : unpacked;
  if (!result) discard(part);
  tell(hex, result);
}

// A directory under its final name survives power loss with all that is in it.
Result<> CodeStore::publish(const std::string& part, const std::string& hex) {
  const Fd directory = TRY(files::open(path(part), O_RDONLY | O_DIRECTORY));
  if (::syncfs(directory.get()) != 0) return fail_errno("sync " + part);
  TRY(files::rename(path(part), path(hex)));
  return files::sync_directory(directory_);
}

void CodeStore::tell(const std::string& hex, const Result<>& result) {
  std::vector<Done> waiting;
  {
    const std::lock_guard lock(mutex_);
    waiting = std::move(waiting_[hex]);
    waiting_.erase(hex);
    (result ? ready_ : failed_).insert(hex);
  }
  for (const Done& done : waiting) done(result);
}

// Unpacked files belong to the sandboxes' user: where we may not remove them, a sandbox empties the directory first.
void CodeStore::discard(const std::string& name) {
  if (!files::exists(path(name)) || files::remove_tree(path(name))) return;
  loop_.post([this, name] {
    unpacker_.empty(name, [this, name](Result<> emptied) {
      const bool taken = emptied && disk_.submit([this, name] {
        if (auto removed = files::remove_tree(path(name)); !removed) {
          log::warning("lambda", "code directory stays", {{"name", name}, {"error", removed.error().message}});
        }
      });
      if (!taken) log::warning("lambda", "code directory stays until the next start", {{"name", name}});
    });
  });
}

Result<> CodeStore::sweep(const std::set<std::string>& referenced) {
  for (const std::string& name : TRY(files::list(directory_))) {
    const bool zip = name.ends_with(kZip);
    const std::string hex = zip ? name.substr(0, name.size() - kZip.size()) : name;
    if (!is_hex(hex) || (hex.size() != kHashDigits && hex.size() != kHashDigits + kPartDigits)) continue;  // not ours
    if (referenced.contains(hex)) {
      if (!zip) {
        const std::lock_guard lock(mutex_);
        ready_.insert(hex);
      }
    } else if (zip) {
      TRY(files::remove(path(name)));
    } else {
      discard(name);
    }
  }
  return {};
}

}  // namespace gust::lambda
