// SPDX-License-Identifier: Apache-2.0

#pragma once

// An object as stored: one row of Space::Object under (bucket, key), so that a bucket's rows lie in the order of their
// keys' bytes, which is S3's order of listing. The body of up to kInlineBody bytes is a row of Space::Body under the same
// key; a larger one is a file (blob/), whose id the object names and a row of Space::Body under ("", id) marks as in use.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "store/store.h"

namespace gust::s3 {

inline constexpr size_t kInlineBody = 64 << 10;
inline constexpr size_t kMaxKey = 1024;  // bytes; S3 User Guide, "Naming Amazon S3 objects"

struct Object {
  uint64_t size = 0;
  std::string md5;   // 16 raw bytes
  std::string file;  // id of the body's file; empty: the body is a row
  int64_t modified_ms = 0;
  std::string content_type, cache_control, content_disposition, content_encoding, content_language, expires;
  std::string checksum_algorithm, checksum;  // "CRC32" and its base64, as the client gave it
  std::vector<std::pair<std::string, std::string>> metadata;

  std::string etag() const;  // with its quotes
  bool operator==(const Object&) const = default;
};

// S3 knows whole seconds only.
inline int64_t whole_seconds(int64_t unix_ms) { return unix_ms / 1000 * 1000; }

std::string object_key(std::string_view bucket, std::string_view key);
std::string object_prefix(std::string_view bucket);                     // start of all keys of that bucket
std::string key_of(std::string_view row_key, std::string_view bucket);  // the object's key of a row

std::string encode(const Object& object);
Result<Object> decode_object(std::string_view bytes);
Result<std::optional<Object>> read_object(store::View& view, std::string_view bucket, std::string_view key);

// Files in use: marks and their ids in order.
std::string file_mark(std::string_view id);
std::string file_mark_prefix();
Result<std::string> file_of_mark(std::string_view row_key);

}  // namespace gust::s3
