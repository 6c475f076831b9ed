// SPDX-License-Identifier: Apache-2.0

#pragma once

// An object as stored: one row of Space::Object under (bucket, key), so that a bucket's rows lie in the order of their
// keys' bytes, which is S3's order of listing. Only the current version of a key that is no delete marker lies there; what
// else there is of a key: versions.h. The body of up to kInlineBody bytes is a row of Space::Body (body_key); a larger one is
// a file (blob/), whose id the object names; that of an object uploaded in parts is several files, whose manifest
// (manifest.h) is the row of Space::Body. A row of Space::Body under ("", id) marks a file as in use.

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
inline constexpr size_t kMaxKey = 1024;                    // bytes; S3 User Guide, "Naming Amazon S3 objects"
inline constexpr uint64_t kMaxCopy = uint64_t{5} << 30;    // bytes that one CopyObject or UploadPartCopy takes
inline constexpr std::string_view kStandard = "STANDARD";  // the storage class where none is named

using TextPairs = std::vector<std::pair<std::string, std::string>>;

struct Object {
  uint64_t size = 0;
  std::string md5;     // 16 raw bytes; of the parts' MD5s where there are parts
  uint64_t parts = 0;  // not 0: it was uploaded in so many
  std::string file;    // id of the body's file; empty: the body or its manifest is a row
  int64_t modified_ms = 0;
  std::string content_type, cache_control, content_disposition, content_encoding, content_language, expires;
  std::string checksum_algorithm, checksum;  // "CRC32" and its base64
  bool checksum_of_checksums = false;        // COMPOSITE; else FULL_OBJECT
  TextPairs metadata, tags;
  std::string storage_class;              // empty: STANDARD
  std::string website_redirect_location;  // x-amz-website-redirect-location
  std::string version;                    // versions.h; empty: the null version
  std::string upload;                     // id of the multipart upload that it comes from
  bool delete_marker = false;             // then nothing else is set but modified_ms and version

  std::string entity_tag() const;  // without quotes
  std::string etag() const;        // with them
  bool has_body_row() const { return file.empty() && !delete_marker; }
  bool operator==(const Object&) const = default;
};

// What listings show of an object; views into its row.
struct Summary {
  uint64_t size = 0, parts = 0;
  int64_t modified_ms = 0;
  bool checksum_of_checksums = false, delete_marker = false;
  std::string_view md5, checksum_algorithm, storage_class = kStandard, version;
};

std::string entity_tag(std::string_view md5, uint64_t parts);
std::string quoted_tag(std::string_view md5, uint64_t parts);

// S3 knows whole seconds only.
inline int64_t whole_seconds(int64_t unix_ms) { return unix_ms / 1000 * 1000; }

std::string object_key(std::string_view bucket, std::string_view key);
std::string object_prefix(std::string_view bucket);                     // start of all keys of that bucket
std::string key_of(std::string_view row_key, std::string_view bucket);  // the object's key of a row
std::string body_key(std::string_view bucket, std::string_view key, std::string_view version);

std::string encode(const Object& object);
Result<Object> decode_object(std::string_view bytes);
Result<Summary> summarize(std::string_view bytes);

// Files in use: marks and their ids in order.
std::string file_mark(std::string_view id);
std::string file_mark_prefix();
Result<std::string> file_of_mark(std::string_view row_key);

}  // namespace gust::s3
