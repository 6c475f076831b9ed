// SPDX-License-Identifier: Apache-2.0

#pragma once

// Digests and checksums (OpenSSL EVP, zlib-compatible CRC32). One-shot functions and incremental objects; an object is
// used by one thread at a time.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace gust {

std::string sha256(std::string_view bytes);  // 32 raw bytes
std::string md5(std::string_view bytes);     // 16 raw bytes
std::string sha1(std::string_view bytes);    // 20 raw bytes
std::string hmac_sha256(std::string_view key, std::string_view bytes);
std::string hmac_sha1(std::string_view key, std::string_view bytes);
uint32_t crc32(std::string_view bytes, uint32_t before = 0);      // IEEE 802.3, as zip and x-amz-checksum-crc32
uint32_t crc32c(std::string_view bytes, uint32_t before = 0);     // Castagnoli
uint64_t crc64nvme(std::string_view bytes, uint64_t before = 0);  // CRC-64/NVME, S3's default checksum
std::string big_endian32(uint32_t value);                         // 4 bytes, as AWS encodes a CRC before base64
std::string big_endian64(uint64_t value);
bool equal_constant_time(std::string_view a, std::string_view b);

class Digest {
 public:
  enum class Kind { Sha256, Md5, Sha1 };
  explicit Digest(Kind kind);
  ~Digest();
  Digest(Digest&&) noexcept;
  Digest& operator=(Digest&&) noexcept;
  void update(std::string_view bytes);
  std::string finish();  // raw bytes; the object is then empty

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Both of the same bytes at little more than the cost of the first; only where available().
class Md5Sha256 {
 public:
  static bool available();
  Md5Sha256();
  ~Md5Sha256();
  void update(std::string_view bytes);
  std::pair<std::string, std::string> finish();  // raw bytes of both; the object is then spent

 private:
  struct Lanes;
  std::unique_ptr<Lanes> lanes_;
};

}  // namespace gust
