// SPDX-License-Identifier: Apache-2.0

#include "http/upload.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/ids.h"
#include "os/files.h"

namespace gust::http {

struct Upload::State {
  explicit State(const BodyPlan& plan) : want_crc32(plan.crc32), want_crc32c(plan.crc32c) {
    if (plan.md5) md5.emplace(Digest::Kind::Md5);
    if (plan.sha256) sha256.emplace(Digest::Kind::Sha256);
  }
  ~State() {
    if (!path.empty()) ::unlink(path.c_str());
  }
  void hash(std::string_view bytes) {
    if (md5) md5->update(bytes);
    if (sha256) sha256->update(bytes);
    if (want_crc32) crc32_value = crc32(bytes, crc32_value);
    if (want_crc32c) crc32c_value = crc32c(bytes, crc32c_value);
  }
  Result<> write(const std::string& directory, std::string_view bytes) {
    if (!file.valid()) {
      std::string name = directory + "/upload-" + new_id(16);
      file = TRY(files::open(name, O_RDWR | O_CREAT | O_EXCL, 0600));
      path = name;
    }
    hash(bytes);
    return files::write_all(file.get(), bytes);
  }

  std::optional<Digest> md5, sha256;
  bool want_crc32, want_crc32c;
  uint32_t crc32_value = 0, crc32c_value = 0;
  Fd file;
  std::string path;  // empty: no file, or taken
};

Upload::Upload(net::Loop& loop, net::WorkerPool* disk, BodyPlan plan)
    : loop_(loop), disk_(disk), plan_(std::move(plan)), state_(std::make_shared<State>(plan_)) {}

Upload::~Upload() = default;

Upload::Verdict Upload::append(std::string_view bytes) {
  if (bytes.size() > plan_.limit - received_) return Verdict::TooLarge;
  received_ += bytes.size();
  pending_.append(bytes);
  if (!spooling_ && !plan_.spool_directory.empty() && disk_ && received_ > plan_.memory) spooling_ = true;
  return Verdict::Ok;
}

void Upload::pump(std::function<void()> progress) {
  if (!spooling_ || writing_ || pending_.empty() || error_) return;
  writing_ = true;
  auto chunk = std::make_shared<std::string>(std::move(pending_));
  pending_.clear();
  auto task = [self = shared_from_this(), state = state_, chunk, call = std::move(progress)] {
    auto written = state->write(self->plan_.spool_directory, *chunk);
    self->loop_.post([self, call, result = std::move(written)]() mutable {
      self->writing_ = false;
      if (!result) self->error_ = std::move(result).error();
      call();
    });
  };
  if (!disk_->submit(task)) {
    writing_ = false;
    error_ = Error{Errc::Unavailable, "too many uploads at once; try again"};
  }
}

Body Upload::take() {
  Body body;
  if (spooling_) {
    body.file = FileSlice{std::make_shared<Fd>(std::move(state_->file)), 0, received_};
    body.path = std::exchange(state_->path, {});
  } else {
    body.bytes = std::move(pending_);
    state_->hash(body.bytes);
  }
  if (state_->md5) body.md5 = state_->md5->finish();
  if (state_->sha256) body.sha256 = state_->sha256->finish();
  if (plan_.crc32) body.crc32 = state_->crc32_value;
  if (plan_.crc32c) body.crc32c = state_->crc32c_value;
  return body;
}

}  // namespace gust::http
