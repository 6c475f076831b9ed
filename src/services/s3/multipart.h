// SPDX-License-Identifier: Apache-2.0

#pragma once

// Uploads in parts as stored, in Space::Object: an upload under ("", "u", bucket, id of the bucket, key, id of the upload),
// its row being the object that it shall become; a part under ("", "p", bucket, id of the bucket, id of the upload, number).
// A part's body is a file. The bucket's id keeps what a deleted bucket left apart from a new one of its name.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "model/service.h"
#include "services/s3/bucket.h"
#include "services/s3/object.h"
#include "store/store.h"

namespace gust::s3 {

inline constexpr int64_t kMaxPartNumber = 10'000;
inline constexpr uint64_t kMinPart = 5 << 20;  // bytes, of every part but the last

struct Part {
  uint64_t size = 0;
  std::string md5, file;
  std::string checksum;  // raw, of the upload's algorithm
  int64_t modified_ms = 0;
  bool operator==(const Part&) const = default;
};

std::string uploads_prefix(const Bucket& bucket);
std::string upload_row(const Bucket& bucket, std::string_view key, std::string_view upload_id);
std::string all_parts_prefix(const Bucket& bucket);
std::string parts_prefix(const Bucket& bucket, std::string_view upload_id);
std::string part_row(const Bucket& bucket, std::string_view upload_id, uint64_t number);
Result<uint64_t> part_number(std::string_view row_key, std::string_view prefix);

// The upload as the object that it shall become; nullopt and NoSuchUpload.
Result<std::optional<Object>> read_upload(store::View& view, const Bucket& bucket, std::string_view key,
                                          std::string_view upload_id, std::optional<model::ApiError>& problem);
// All parts with their numbers in order; there are at most kMaxPartNumber.
Result<std::vector<std::pair<uint64_t, Part>>> read_parts(store::View& view, const Bucket& bucket, std::string_view upload_id);

model::ApiError no_such_upload(std::string_view upload_id);

std::string encode(const Part& part);
Result<Part> decode_part(std::string_view bytes);
// The file that a row of an upload or a part names; an upload's names none.
Result<std::string> file_of_upload_row(std::string_view bytes);

}  // namespace gust::s3
