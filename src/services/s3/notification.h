// SPDX-License-Identifier: Apache-2.0

#pragma once

// Which objects' events go to which function: a bucket's notification configuration, its checks and its matching.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/value.h"
#include "model/service.h"

namespace gust::s3 {

struct Notification {
  std::string id;
  std::string function_arn;         // as given, maybe with a qualifier
  std::vector<std::string> events;  // "s3:ObjectCreated:*"
  std::optional<std::string> prefix, suffix;

  std::string unqualified_arn() const;
  std::string qualifier() const;  // empty where there is none
  // `event` without wildcard: "s3:ObjectCreated:Put".
  bool matches(std::string_view event, std::string_view key) const;
  bool operator==(const Notification&) const = default;
};

inline constexpr std::string_view kCreatedByPut = "s3:ObjectCreated:Put";
inline constexpr std::string_view kCreatedByPost = "s3:ObjectCreated:Post";
inline constexpr std::string_view kCreatedByCopy = "s3:ObjectCreated:Copy";
inline constexpr std::string_view kCreatedByUpload = "s3:ObjectCreated:CompleteMultipartUpload";
inline constexpr std::string_view kRemovedByDelete = "s3:ObjectRemoved:Delete";
inline constexpr std::string_view kRemovedByMarker = "s3:ObjectRemoved:DeleteMarkerCreated";

std::string encode(const Notification& notification);
Result<Notification> decode_notification(std::string_view bytes);

// From PutBucketNotificationConfiguration's NotificationConfiguration: everything that can be checked without knowing the
// functions, overlaps included. Ids that are missing are made up.
tl::expected<std::vector<Notification>, model::ApiError> parse_notifications(const Value& configuration,
                                                                             std::string_view bucket_region);
// As GetBucketNotificationConfiguration answers.
Value render_notifications(const std::vector<Notification>& notifications);

}  // namespace gust::s3
