// SPDX-License-Identifier: Apache-2.0

#pragma once

// x-amz-copy-source of CopyObject and UploadPartCopy: which object it names.

#include <optional>
#include <string>
#include <string_view>

#include "model/service.h"
#include "services/s3/s3_service.h"

namespace gust::s3 {

struct SourceName {
  std::string bucket, key;
  std::optional<std::string> version_id;
};
// "bucket/key?versionId=..." percent-encoded, maybe with a '/' in front.
tl::expected<SourceName, model::ApiError> parse_copy_source(std::string_view header);

// The source as it was at one moment.
struct S3Service::CopySource {
  Bucket bucket;
  std::string key;
  bool by_version = false;  // the request names a version of it
  Object object;
  http::Body body;  // of the range that is wanted

  // Members of the answer: CopySourceVersionId.
  void show(Value& output) const {
    if (bucket.versioned()) output.set("CopySourceVersionId", version_text(object.version));
  }
};

}  // namespace gust::s3
