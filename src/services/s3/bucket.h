// SPDX-License-Identifier: Apache-2.0

#pragma once

// A bucket as stored: one row of Space::Meta. Names are global, so its key has no account and no region.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "services/s3/notification.h"
#include "store/store.h"

namespace gust::s3 {

enum class Versioning : uint8_t { Never = 0, Enabled = 1, Suspended = 2 };

struct Bucket {
  std::string name;
  std::string id;  // tells a bucket from an earlier one of its name; empty: made before there were such ids
  std::string account, region;
  std::string location;  // as CreateBucket was given it: "EU" stays "EU"; empty for us-east-1
  int64_t created_ms = 0;
  std::vector<Notification> notifications;
  Versioning versioning = Versioning::Never;

  bool versioned() const { return versioning != Versioning::Never; }
  std::string arn() const { return "arn:aws:s3:::" + name; }
  bool operator==(const Bucket&) const = default;
};

std::string bucket_key(std::string_view name);
std::string bucket_prefix();  // start of every bucket's key

std::string encode(const Bucket& bucket);
Result<Bucket> decode_bucket(std::string_view name, std::string_view bytes);
Result<std::optional<Bucket>> read_bucket(store::View& view, std::string_view name);

// S3 User Guide, "General purpose bucket naming rules".
bool is_bucket_name(std::string_view name);

// Of an account: 64 hexadecimal digits, always the same.
std::string canonical_user(std::string_view account);

}  // namespace gust::s3
