// SPDX-License-Identifier: Apache-2.0

#include "services/s3/copy_job.h"

#include <fcntl.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include "crypto/hash.h"
#include "os/files.h"
#include "services/s3/checksum.h"

namespace gust::s3 {
namespace {

constexpr uint64_t kPiece = 1 << 20;
constexpr uint64_t kTurn = 32 << 20;  // bytes copied before others get the thread

class CopyJob : public std::enable_shared_from_this<CopyJob> {
 public:
  CopyJob(net::WorkerPool& disk, blob::BlobStore& blobs, CopyPlan plan, std::function<void(Result<BodyCopy>)> then)
      : disk_(disk), blobs_(blobs), plan_(std::move(plan)), then_(std::move(then)) {
    if (!plan_.checksum_algorithm.empty()) checksum_.emplace(plan_.checksum_algorithm);
    if (plan_.source.file) slices_.push_back(std::move(*plan_.source.file));
    for (http::FileSlice& slice : plan_.source.more) slices_.push_back(std::move(slice));
  }

  bool submit() {
    return disk_.submit([self = shared_from_this()] { self->turn(); });
  }

  void turn() {
    const auto more = copy_some();
    if (!more) return end(Failure(more.error()));
    if (!*more) return end(finish());
    if (!submit()) turn();  // the queue is full: this thread goes on
  }

  void end(Result<BodyCopy> result) {
    if (!result && target_) (void)files::remove(plan_.temporary);
    slices_.clear();
    then_(std::move(result));
  }

 private:
  // Whether there is more.
  Result<bool> copy_some() {
    if (!target_) {
      target_ = TRY(files::open(plan_.temporary, O_RDWR | O_CREAT | O_EXCL, 0600));
      if (slices_.empty()) TRY(take(plan_.source.bytes));
    }
    for (uint64_t done = 0; next_ < slices_.size() && done < kTurn;) {
      const http::FileSlice& slice = slices_[next_];
      const auto n = static_cast<size_t>(std::min(kPiece, slice.length - at_));
      const std::string piece = TRY(files::read_fd(slice.file->get(), slice.offset + at_, n));
      TRY(take(piece));
      done += n;
      at_ += n;
      if (at_ < slice.length) continue;
      ++next_;
      at_ = 0;
    }
    return next_ < slices_.size();
  }

  Result<> take(std::string_view bytes) {
    md5_.update(bytes);
    if (checksum_) checksum_->update(bytes);
    return files::write_all(target_->get(), bytes);
  }

  Result<BodyCopy> finish() {
    BodyCopy copy;
    copy.file = TRY(blobs_.adopt(plan_.temporary, target_->get()));
    copy.md5 = md5_.finish();
    if (checksum_) copy.checksum = checksum_->finish();
    return copy;
  }

  net::WorkerPool& disk_;
  blob::BlobStore& blobs_;
  CopyPlan plan_;
  std::function<void(Result<BodyCopy>)> then_;
  std::vector<http::FileSlice> slices_;
  size_t next_ = 0;
  uint64_t at_ = 0;  // in the next slice
  std::optional<Fd> target_;
  Digest md5_{Digest::Kind::Md5};
  std::optional<Checksum> checksum_;
};

}  // namespace

void start_copy(net::WorkerPool& disk, blob::BlobStore& blobs, CopyPlan plan, std::function<void(Result<BodyCopy>)> then) {
  const auto job = std::make_shared<CopyJob>(disk, blobs, std::move(plan), std::move(then));
  if (!job->submit()) job->end(fail(Errc::Unavailable, "too many disk tasks wait"));
}

}  // namespace gust::s3
