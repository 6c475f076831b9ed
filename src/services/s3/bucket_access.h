// SPDX-License-Identifier: Apache-2.0

#pragma once

// Who may touch which bucket: its owner, and everybody what the gateway has let through by the bucket's public rules
// (Call::anonymous). Pure but for the row that it reads.

#include <optional>
#include <string>

#include "base/result.h"
#include "model/service.h"
#include "services/s3/bucket.h"
#include "store/store.h"

namespace gust::s3 {

using Problem = std::optional<model::ApiError>;

struct Access {
  std::string bucket, account;
  std::string region;                         // that the signature is for; empty: any will do
  std::optional<std::string> expected_owner;  // x-amz-expected-bucket-owner
  bool anonymous = false;
};
Access access_of(const model::Call& call);

// The bucket, or nullopt and the problem.
Result<std::optional<Bucket>> open_bucket(store::View& view, const Access& access, Problem& problem);

}  // namespace gust::s3
