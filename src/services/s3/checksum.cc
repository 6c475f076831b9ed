// SPDX-License-Identifier: Apache-2.0

#include "services/s3/checksum.h"

#include <algorithm>

#include "base/encoding.h"

namespace gust::s3 {
namespace {

// Bits in reverse order, as all of these CRCs are computed: IEEE 802.3, RFC 3720 (Castagnoli), NVM Express 1.0 section 5.2.1.
struct Crc {
  std::string_view algorithm;
  size_t bytes;
  uint64_t polynomial;
};
constexpr Crc kCrcs[] = {{"CRC32", 4, 0xEDB88320}, {"CRC32C", 4, 0x82F63B78}, {"CRC64NVME", 8, 0x9A6C9329AC4BC9B5}};

const Crc* find_crc(std::string_view algorithm) {
  for (const Crc& crc : kCrcs) {
    if (crc.algorithm == algorithm) return &crc;
  }
  return nullptr;
}

std::string big_endian(uint64_t value, size_t bytes) {
  std::string out;
  for (size_t i = bytes; i-- > 0;) out += static_cast<char>(value >> (8 * i));
  return out;
}

uint64_t from_big_endian(std::string_view bytes) {
  uint64_t value = 0;
  for (char c : bytes) value = value << 8 | static_cast<unsigned char>(c);
  return value;
}

// a * b modulo the polynomial; `top` is the bit that stands for 1.
uint64_t multiply(uint64_t a, uint64_t b, uint64_t polynomial, uint64_t top) {
  uint64_t product = 0;
  for (uint64_t bit = top; bit != 0 && a != 0; bit >>= 1) {
    if (a & bit) product ^= b;
    a &= ~bit;
    b = b & 1 ? (b >> 1) ^ polynomial : b >> 1;
  }
  return product;
}

// x to the power of 8 * bytes: what so many bytes behind it do to a CRC.
uint64_t shift_by(uint64_t bytes, uint64_t polynomial, uint64_t top) {
  uint64_t result = top, power = top >> 8;
  for (; bytes != 0; bytes >>= 1) {
    if (bytes & 1) result = multiply(result, power, polynomial, top);
    power = multiply(power, power, polynomial, top);
  }
  return result;
}

}  // namespace

bool is_checksum_algorithm(std::string_view name) {
  return std::find(kChecksumAlgorithms.begin(), kChecksumAlgorithms.end(), name) != kChecksumAlgorithms.end();
}
bool is_crc(std::string_view algorithm) { return find_crc(algorithm) != nullptr; }

Checksum::Checksum(std::string_view algorithm) : algorithm_(algorithm) {
  if (algorithm == "SHA1") digest_.emplace(Digest::Kind::Sha1);
  if (algorithm == "SHA256") digest_.emplace(Digest::Kind::Sha256);
}

void Checksum::update(std::string_view bytes) {
  if (digest_) {
    digest_->update(bytes);
  } else if (algorithm_ == "CRC64NVME") {
    crc_ = crc64nvme(bytes, crc_);
  } else if (algorithm_ == "CRC32C") {
    crc_ = crc32c(bytes, static_cast<uint32_t>(crc_));
  } else {
    crc_ = crc32(bytes, static_cast<uint32_t>(crc_));
  }
}

std::string Checksum::finish() {
  if (digest_) return digest_->finish();
  return big_endian(crc_, algorithm_ == "CRC64NVME" ? 8 : 4);
}

CrcOfParts::CrcOfParts(std::string_view algorithm) {
  const Crc* crc = find_crc(algorithm);
  if (crc == nullptr) return;
  polynomial_ = crc->polynomial;
  top_ = uint64_t{1} << (8 * crc->bytes - 1);
}

void CrcOfParts::add(std::string_view crc, uint64_t size) {
  const uint64_t part = from_big_endian(crc);
  if (first_) {
    crc_ = part;
    first_ = false;
    return;
  }
  if (shift_ == 0 || shifted_size_ != size) {
    shifted_size_ = size;
    shift_ = shift_by(size, polynomial_, top_);
  }
  crc_ = multiply(crc_, shift_, polynomial_, top_) ^ part;
}

std::string CrcOfParts::finish() const { return big_endian(crc_, top_ >> 32 == 0 ? 4 : 8); }

std::optional<GivenChecksum> given_checksum(const Value& members) {
  for (const auto& [name, value] : members.as_map()) {
    if (!name.starts_with("Checksum")) continue;
    for (std::string_view algorithm : kChecksumAlgorithms) {
      if (std::string_view(name).substr(8) == algorithm) return GivenChecksum{algorithm, value.as_string()};
    }
  }
  return std::nullopt;
}

std::string default_checksum(const http::Body& body) {
  return body.crc64nvme ? base64_encode(big_endian(*body.crc64nvme, 8)) : std::string();
}

void set_checksum(Value& output, std::string_view algorithm, std::string_view value) {
  if (!value.empty()) output.set("Checksum" + std::string(algorithm), value);
}

std::string_view checksum_type(bool of_checksums) { return of_checksums ? "COMPOSITE" : "FULL_OBJECT"; }

}  // namespace gust::s3
