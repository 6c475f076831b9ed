// SPDX-License-Identifier: Apache-2.0

#pragma once

// The checksums of S3: S3 User Guide, "Checking object integrity in Amazon S3". A checksum is raw bytes here (CRCs big
// endian) and base64 on the wire. Pure; an object of Checksum is used by one thread at a time.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/value.h"
#include "crypto/hash.h"
#include "http/message.h"

namespace gust::s3 {

inline constexpr std::array<std::string_view, 5> kChecksumAlgorithms = {"CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"};
inline constexpr std::string_view kDefaultChecksum = "CRC64NVME";  // what S3 computes where the client gives none

bool is_checksum_algorithm(std::string_view name);
bool is_crc(std::string_view algorithm);  // those of parts can be put together to that of the whole

class Checksum {
 public:
  explicit Checksum(std::string_view algorithm);  // one of kChecksumAlgorithms
  void update(std::string_view bytes);
  std::string finish();

 private:
  std::string_view algorithm_;
  uint64_t crc_ = 0;
  std::optional<Digest> digest_;
};

// Puts CRCs of parts together, in their order.
class CrcOfParts {
 public:
  explicit CrcOfParts(std::string_view algorithm);
  void add(std::string_view crc, uint64_t size);
  std::string finish() const;

 private:
  uint64_t polynomial_ = 0, top_ = 0;
  uint64_t crc_ = 0;
  bool first_ = true;
  uint64_t shifted_size_ = 0, shift_ = 0;  // the factor for a part's size, kept because most have the same
};

struct GivenChecksum {
  std::string_view algorithm;
  std::string_view value;  // base64, or "base64-N" for a checksum of checksums
};
// The ChecksumCRC32 and the like among the members; the first where there are several.
std::optional<GivenChecksum> given_checksum(const Value& members);
// What the gateway computed because the client gave none, as base64.
std::string default_checksum(const http::Body& body);

// Sets "Checksum<algorithm>" and, where wanted, ChecksumType.
void set_checksum(Value& output, std::string_view algorithm, std::string_view value);
std::string_view checksum_type(bool of_checksums);

}  // namespace gust::s3
