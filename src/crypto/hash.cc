// SPDX-License-Identifier: Apache-2.0

#include "crypto/hash.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>

#include "base/log.h"

namespace gust {
namespace {

std::string digest(const EVP_MD* kind, std::string_view bytes) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned int n = 0;
  GUST_CHECK(EVP_Digest(bytes.data(), bytes.size(), out, &n, kind, nullptr) == 1);
  return {reinterpret_cast<char*>(out), n};
}

std::string hmac(const EVP_MD* kind, std::string_view key, std::string_view bytes) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned int n = 0;
  GUST_CHECK(HMAC(kind, key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(bytes.data()),
                  bytes.size(), out, &n) != nullptr);
  return {reinterpret_cast<char*>(out), n};
}

// Slicing-by-8 tables of a reflected polynomial (Kounavis and Berry, 2005).
constexpr std::array<std::array<uint32_t, 256>, 8> make_tables(uint32_t polynomial) {
  std::array<std::array<uint32_t, 256>, 8> t{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t c = i;
    for (int k = 0; k < 8; ++k) c = c & 1 ? polynomial ^ c >> 1 : c >> 1;
    t[0][i] = c;
  }
  for (uint32_t i = 0; i < 256; ++i) {
    for (size_t s = 1; s < 8; ++s) t[s][i] = t[s - 1][i] >> 8 ^ t[0][t[s - 1][i] & 255];
  }
  return t;
}
constexpr auto kCrc32 = make_tables(0xEDB88320);
constexpr auto kCrc32c = make_tables(0x82F63B78);

uint32_t crc(const std::array<std::array<uint32_t, 256>, 8>& t, std::string_view bytes, uint32_t before) {
  uint32_t c = ~before;
  const auto* p = reinterpret_cast<const unsigned char*>(bytes.data());
  size_t n = bytes.size();
  for (; n >= 8; n -= 8, p += 8) {
    uint32_t a = c ^ (p[0] | p[1] << 8 | p[2] << 16 | static_cast<uint32_t>(p[3]) << 24);
    c = t[7][a & 255] ^ t[6][a >> 8 & 255] ^ t[5][a >> 16 & 255] ^ t[4][a >> 24] ^ t[3][p[4]] ^ t[2][p[5]] ^ t[1][p[6]] ^
        t[0][p[7]];
  }
  for (; n > 0; --n, ++p) c = t[0][(c ^ *p) & 255] ^ c >> 8;
  return ~c;
}

}  // namespace

std::string sha256(std::string_view bytes) { return digest(EVP_sha256(), bytes); }
std::string md5(std::string_view bytes) { return digest(EVP_md5(), bytes); }
std::string hmac_sha256(std::string_view key, std::string_view bytes) { return hmac(EVP_sha256(), key, bytes); }
std::string hmac_sha1(std::string_view key, std::string_view bytes) { return hmac(EVP_sha1(), key, bytes); }
uint32_t crc32(std::string_view bytes, uint32_t before) { return crc(kCrc32, bytes, before); }
uint32_t crc32c(std::string_view bytes, uint32_t before) { return crc(kCrc32c, bytes, before); }

std::string big_endian32(uint32_t v) {
  return {static_cast<char>(v >> 24), static_cast<char>(v >> 16), static_cast<char>(v >> 8), static_cast<char>(v)};
}

bool equal_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

struct Digest::State {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  ~State() { EVP_MD_CTX_free(context); }
};

Digest::Digest(Kind kind) : state_(std::make_unique<State>()) {
  const EVP_MD* md = kind == Kind::Sha256 ? EVP_sha256() : kind == Kind::Md5 ? EVP_md5() : EVP_sha1();
  GUST_CHECK(EVP_DigestInit_ex(state_->context, md, nullptr) == 1);
}
Digest::~Digest() = default;
Digest::Digest(Digest&&) noexcept = default;
Digest& Digest::operator=(Digest&&) noexcept = default;

void Digest::update(std::string_view bytes) {
  GUST_CHECK(EVP_DigestUpdate(state_->context, bytes.data(), bytes.size()) == 1);
}

std::string Digest::finish() {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned int n = 0;
  GUST_CHECK(EVP_DigestFinal_ex(state_->context, out, &n) == 1);
  state_.reset();
  return {reinterpret_cast<char*>(out), n};
}

}  // namespace gust
