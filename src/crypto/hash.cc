// SPDX-License-Identifier: Apache-2.0

#include "crypto/hash.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>

#include "base/log.h"

namespace gust {
namespace {

enum class Kind { Sha256, Md5, Sha1 };
constexpr size_t kBlock = 64;  // of all three

// Fetched once: OpenSSL looks an algorithm up under locks each time it is named implicitly, which costs more than hashing
// a short text.
const EVP_MD* algorithm(Kind kind) {
  static const EVP_MD* const all[] = {EVP_MD_fetch(nullptr, "SHA256", nullptr), EVP_MD_fetch(nullptr, "MD5", nullptr),
                                      EVP_MD_fetch(nullptr, "SHA1", nullptr)};
  const EVP_MD* found = all[static_cast<size_t>(kind)];
  GUST_CHECK(found != nullptr);
  return found;
}

struct Free {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

// Into `out` (at least EVP_MAX_MD_SIZE bytes); the digest's length.
unsigned int digest(Kind kind, std::string_view first, std::string_view second, unsigned char* out) {
  thread_local const std::unique_ptr<EVP_MD_CTX, Free> context(EVP_MD_CTX_new());
  unsigned int n = 0;
  GUST_CHECK(EVP_DigestInit_ex(context.get(), algorithm(kind), nullptr) == 1 &&
             EVP_DigestUpdate(context.get(), first.data(), first.size()) == 1 &&
             EVP_DigestUpdate(context.get(), second.data(), second.size()) == 1 &&
             EVP_DigestFinal_ex(context.get(), out, &n) == 1);
  return n;
}

std::string digest(Kind kind, std::string_view bytes) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned int n = digest(kind, bytes, {}, out);
  return {reinterpret_cast<char*>(out), n};
}

// RFC 2104. OpenSSL's own costs three times as much for short texts (it makes a context for each call).
std::string hmac(Kind kind, std::string_view key, std::string_view bytes) {
  unsigned char padded[EVP_MAX_MD_SIZE > kBlock ? EVP_MAX_MD_SIZE : kBlock] = {}, inner[EVP_MAX_MD_SIZE], out[EVP_MAX_MD_SIZE];
  if (key.size() > kBlock) {
    digest(kind, key, {}, padded);
  } else {
    std::copy(key.begin(), key.end(), padded);
  }
  for (size_t i = 0; i < kBlock; ++i) padded[i] ^= 0x36;
  std::string_view block(reinterpret_cast<char*>(padded), kBlock);
  unsigned int n = digest(kind, block, bytes, inner);
  for (size_t i = 0; i < kBlock; ++i) padded[i] ^= 0x36 ^ 0x5c;
  n = digest(kind, block, {reinterpret_cast<char*>(inner), n}, out);
  OPENSSL_cleanse(padded, sizeof padded);
  return {reinterpret_cast<char*>(out), n};
}

}  // namespace

std::string sha256(std::string_view bytes) { return digest(Kind::Sha256, bytes); }
std::string md5(std::string_view bytes) { return digest(Kind::Md5, bytes); }
std::string sha1(std::string_view bytes) { return digest(Kind::Sha1, bytes); }
std::string hmac_sha256(std::string_view key, std::string_view bytes) { return hmac(Kind::Sha256, key, bytes); }
std::string hmac_sha1(std::string_view key, std::string_view bytes) { return hmac(Kind::Sha1, key, bytes); }

std::string big_endian32(uint32_t v) {
  return {static_cast<char>(v >> 24), static_cast<char>(v >> 16), static_cast<char>(v >> 8), static_cast<char>(v)};
}

std::string big_endian64(uint64_t v) {
  return big_endian32(static_cast<uint32_t>(v >> 32)) + big_endian32(static_cast<uint32_t>(v));
}

bool equal_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

struct Digest::State {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  ~State() { EVP_MD_CTX_free(context); }
};

Digest::Digest(Kind kind) : state_(std::make_unique<State>()) {
  const EVP_MD* md = algorithm(kind == Kind::Sha256 ? gust::Kind::Sha256
                               : kind == Kind::Md5  ? gust::Kind::Md5
                                                    : gust::Kind::Sha1);
  GUST_CHECK(EVP_DigestInit_ex(state_->context, md, nullptr) == 1);
}
Digest::~Digest() = default;
Digest::Digest(Digest&&) noexcept = default;
Digest& Digest::operator=(Digest&&) noexcept = default;

void Digest::update(std::string_view bytes) { GUST_CHECK(EVP_DigestUpdate(state_->context, bytes.data(), bytes.size()) == 1); }

std::string Digest::finish() {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned int n = 0;
  GUST_CHECK(EVP_DigestFinal_ex(state_->context, out, &n) == 1);
  state_.reset();
  return {reinterpret_cast<char*>(out), n};
}

}  // namespace gust
