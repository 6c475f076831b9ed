// SPDX-License-Identifier: Apache-2.0

#include "http/upload.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <tuple>

#include "base/ids.h"
#include "os/files.h"

namespace gust::http {
namespace {

// Digests go over a piece one after the other, while it is in the processor's cache.
constexpr size_t kPiece = 64 << 10;

}  // namespace

struct Upload::State {
  explicit State(const BodyPlan& plan) : wanted(plan), limit(plan.limit), filter(plan.filter) {
    if (plan.sha1) sha1.emplace(Digest::Kind::Sha1);
    if (plan.md5 && plan.sha256 && Md5Sha256::available()) {
      md5_sha256.emplace();
      return;
    }
    if (plan.md5) md5.emplace(Digest::Kind::Md5);
    if (plan.sha256) sha256.emplace(Digest::Kind::Sha256);
  }
  ~State() {
    if (!path.empty()) ::unlink(path.c_str());
  }
  void hash(std::string_view bytes) {
    for (; !bytes.empty(); bytes.remove_prefix(std::min(kPiece, bytes.size()))) hash_piece(bytes.substr(0, kPiece));
  }
  void hash_piece(std::string_view bytes) {
    if (md5_sha256) md5_sha256->update(bytes);
    if (md5) md5->update(bytes);
    if (sha1) sha1->update(bytes);
    if (sha256) sha256->update(bytes);
    if (wanted.crc32) crc32_value = crc32(bytes, crc32_value);
    if (wanted.crc32c) crc32c_value = crc32c(bytes, crc32c_value);
    if (wanted.crc64nvme) crc64nvme_value = crc64nvme(bytes, crc64nvme_value);
  }
  Result<> write(std::string_view bytes) {
    if (bytes.empty()) return {};
    if (!file.valid()) {
      std::string name = wanted.directory + "/upload-" + new_id(16);
      file = TRY(files::open(name, O_RDWR | O_CREAT | O_EXCL, 0600));
      path = name;
    }
    hash(bytes);
    written += bytes.size();
    return files::write_all(file.get(), bytes);
  }
  void finish(Body& body) {
    if (md5_sha256) std::tie(body.md5, body.sha256) = md5_sha256->finish();
    if (md5) body.md5 = md5->finish();
    if (sha1) body.sha1 = sha1->finish();
    if (sha256) body.sha256 = sha256->finish();
    if (wanted.crc32) body.crc32 = crc32_value;
    if (wanted.crc32c) body.crc32c = crc32c_value;
    if (wanted.crc64nvme) body.crc64nvme = crc64nvme_value;
  }

  struct Wanted {
    explicit Wanted(const BodyPlan& plan)
        : crc32(plan.crc32), crc32c(plan.crc32c), crc64nvme(plan.crc64nvme), directory(plan.spool_directory) {}
    bool crc32, crc32c, crc64nvme;
    std::string directory;
  } wanted;
  uint64_t limit;
  std::shared_ptr<BodyFilter> filter;
  std::optional<Md5Sha256> md5_sha256;  // where both are wanted
  std::optional<Digest> md5, sha1, sha256;
  uint32_t crc32_value = 0, crc32c_value = 0;
  uint64_t crc64nvme_value = 0;
  uint64_t written = 0;
  Fd file;
  std::string path;  // empty: no file, or taken
};

struct Upload::Batch {
  std::string decoded, raw;
  bool last = false;
  std::optional<Error> error;    // the disk's
  std::optional<Error> refused;  // the filter's
  bool too_large = false;

  void run(State& state) {
    save(state);
    decoded.clear();
    if (error || (raw.empty() && !last)) return;
    Result<> passed = raw.empty() ? Result<>{} : state.filter->decode(raw, decoded);
    raw.clear();
    if (passed && last) passed = state.filter->finish();
    if (!passed) refused = std::move(passed).error();
    else save(state);
    decoded.clear();
  }

 private:
  void save(State& state) {
    too_large = decoded.size() > state.limit - state.written;
    if (too_large) return;
    if (auto done = state.write(decoded); !done) error = std::move(done).error();
  }
};

Upload::Upload(net::Loop& loop, net::WorkerPool* disk, BodyPlan plan)
    : loop_(loop), disk_(disk), plan_(std::move(plan)), state_(std::make_shared<State>(plan_)) {}

Upload::~Upload() = default;

Upload::Verdict Upload::append(std::string_view bytes) {
  if (refusal_) return Verdict::Ok;
  uint64_t limit = plan_.filter ? plan_.wire_limit : plan_.limit;
  if (bytes.size() > limit - wire_) return Verdict::TooLarge;
  wire_ += bytes.size();
  if (!plan_.filter) {
    pending_.append(bytes);
  } else if (spooling_) {
    raw_.append(bytes);
  } else if (auto passed = plan_.filter->decode(bytes, pending_); !passed) {
    refusal_ = plan_.filter->refusal(passed.error());
  } else if (pending_.size() > plan_.limit) {
    return Verdict::TooLarge;
  }
  if (!plan_.spool_directory.empty() && disk_ && pending_.size() > plan_.memory) spooling_ = true;
  return Verdict::Ok;
}

void Upload::end() {
  if (!plan_.filter || refusal_) return;
  if (spooling_) {
    finish_waits_ = true;
  } else if (auto passed = plan_.filter->finish(); !passed) {
    refusal_ = plan_.filter->refusal(passed.error());
  }
}

void Upload::pump(std::function<void()> progress) {
  if (writing_ || !work_waits() || error_ || refusal_) return;
  writing_ = true;
  auto batch = std::make_shared<Batch>();
  batch->decoded = std::exchange(pending_, std::move(spare_));
  batch->raw = std::exchange(raw_, std::move(spare_raw_));
  batch->last = std::exchange(finish_waits_, false);
  auto task = [self = shared_from_this(), state = state_, batch, call = std::move(progress)] {
    batch->run(*state);
    self->loop_.post([self, call, batch] {
      self->after(batch);
      call();
    });
  };
  if (!disk_->submit(task)) {
    writing_ = false;
    error_ = Error{Errc::Unavailable, "too many uploads at once; try again"};
  }
}

void Upload::after(std::shared_ptr<Batch> batch) {
  writing_ = false;
  spare_ = std::move(batch->decoded);
  spare_raw_ = std::move(batch->raw);
  spare_.clear();
  spare_raw_.clear();
  error_ = std::move(batch->error);
  if (batch->refused) {
    refusal_ = plan_.filter->refusal(*batch->refused);
  } else if (batch->too_large) {
    refusal_ = plan_.too_large ? *plan_.too_large : Response{.status = 413};
  }
}

Body Upload::take() {
  Body body;
  if (!spooling_) {
    body.bytes = std::move(pending_);
    state_->hash(body.bytes);
  } else if (state_->file.valid()) {
    body.file = FileSlice{std::make_shared<Fd>(std::move(state_->file)), 0, state_->written};
    body.path = std::exchange(state_->path, {});
  }
  state_->finish(body);
  return body;
}

}  // namespace gust::http
