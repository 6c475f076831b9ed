// SPDX-License-Identifier: Apache-2.0

#pragma once

// Copies a body into a new file of the store, on disk threads, a bounded piece at a time, so that long copies leave the
// threads to others in between. A copy shares nothing with its source.

#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "blob/blob_store.h"
#include "http/message.h"
#include "net/worker_pool.h"

namespace gust::s3 {

struct BodyCopy {
  std::string file;  // its id; survives power loss
  std::string md5;
  std::string checksum;  // raw; empty where no algorithm was asked for
};

struct CopyPlan {
  http::Body source;
  std::string_view checksum_algorithm;  // of kChecksumAlgorithms, or empty
  std::string temporary;                // path where the copy grows: removed at a start (BlobStore::each)
};

// `then` is called once, on a disk thread or on this one. Pool and blobs must outlive it.
void start_copy(net::WorkerPool& disk, blob::BlobStore& blobs, CopyPlan plan, std::function<void(Result<BodyCopy>)> then);

}  // namespace gust::s3
