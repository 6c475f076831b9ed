// SPDX-License-Identifier: Apache-2.0

// MD5 and SHA-256 of the same bytes in one pass. MD5 is one long chain of dependent operations that leaves most of a core
// idle; with the processor's SHA instructions the second digest runs in its gaps: both for little more than MD5 alone
// (RFC 1321, FIPS 180-4).

#include <algorithm>
#include <bit>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "base/log.h"
#include "crypto/hash.h"

namespace gust {

struct Md5Sha256::Lanes {
  uint32_t md5[4] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
  uint32_t sha[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  unsigned char block[64];
  uint64_t bytes = 0;
};

#if defined(__x86_64__)
namespace {

constexpr uint32_t kMd5[64] = {0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
                               0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
                               0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
                               0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
                               0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
                               0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
                               0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
                               0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391};
constexpr int kMd5Shift[4][4] = {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};
alignas(16) constexpr uint32_t kSha[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01,
    0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc,
    0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
    0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08,
    0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
    0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

// One of MD5's 64 steps. The second round's two halves are added, not or-ed (they share no bit): one step less in the chain.
template <int I>
[[gnu::always_inline]] inline void md5_step(uint32_t (&s)[4], const unsigned char* block) {
  constexpr int kRound = I / 16;
  constexpr int kWord = kRound == 0 ? I : kRound == 1 ? (5 * I + 1) % 16 : kRound == 2 ? (3 * I + 5) % 16 : 7 * I % 16;
  uint32_t &a = s[(64 - I) % 4], b = s[(65 - I) % 4], c = s[(66 - I) % 4], d = s[(67 - I) % 4];
  uint32_t word;
  memcpy(&word, block + 4 * kWord, 4);
  a += word + kMd5[I];
  __asm__("" : "+r"(a));  // this sum is ready early; the compiler would put it behind what is ready late
  if constexpr (kRound == 0) a += d ^ (b & (c ^ d));
  if constexpr (kRound == 1) a = a + (c & ~d) + (b & d);
  if constexpr (kRound == 2) a += b ^ (c ^ d);
  if constexpr (kRound == 3) a += c ^ (b | ~d);
  a = b + std::rotl(a, kMd5Shift[kRound][I % 4]);
}

struct Sha {
  __m128i abef, cdgh, m[4];
};

// Four of SHA-256's 64 rounds, and the words of four that come later.
template <int I>
[[gnu::always_inline, gnu::target("sha,sse4.1")]] inline void sha_rounds(Sha& s) {
  __m128i words = _mm_add_epi32(s.m[I % 4], _mm_load_si128(reinterpret_cast<const __m128i*>(kSha) + I));
  s.cdgh = _mm_sha256rnds2_epu32(s.cdgh, s.abef, words);
  if constexpr (I >= 3 && I < 15) {
    __m128i& next = s.m[(I + 1) % 4];
    next = _mm_add_epi32(next, _mm_alignr_epi8(s.m[I % 4], s.m[(I + 3) % 4], 4));
    next = _mm_sha256msg2_epu32(next, s.m[I % 4]);
  }
  s.abef = _mm_sha256rnds2_epu32(s.abef, s.cdgh, _mm_shuffle_epi32(words, 0x0E));
  if constexpr (I >= 1 && I < 13) s.m[(I + 3) % 4] = _mm_sha256msg1_epu32(s.m[(I + 3) % 4], s.m[I % 4]);
}

template <int I>
[[gnu::always_inline, gnu::target("sha,sse4.1")]] inline void quarter(uint32_t (&md5)[4], Sha& sha, const unsigned char* block) {
  md5_step<4 * I>(md5, block);
  md5_step<4 * I + 1>(md5, block);
  sha_rounds<I>(sha);
  md5_step<4 * I + 2>(md5, block);
  md5_step<4 * I + 3>(md5, block);
  if constexpr (I < 15) quarter<I + 1>(md5, sha, block);
}

[[gnu::target("sha,sse4.1")]] void compress(uint32_t (&md5)[4], uint32_t (&sha)[8], const unsigned char* p, size_t blocks) {
  const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
  Sha s;
  __m128i abcd = _mm_shuffle_epi32(_mm_loadu_si128(reinterpret_cast<__m128i*>(sha)), 0xB1);
  __m128i efgh = _mm_shuffle_epi32(_mm_loadu_si128(reinterpret_cast<__m128i*>(sha + 4)), 0x1B);
  s.abef = _mm_alignr_epi8(abcd, efgh, 8);
  s.cdgh = _mm_blend_epi16(efgh, abcd, 0xF0);
  uint32_t state[4] = {md5[0], md5[1], md5[2], md5[3]};
  for (; blocks > 0; --blocks, p += 64) {
    for (int i = 0; i < 4; ++i) {
      s.m[i] = _mm_shuffle_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p + 16 * i)), swap);
    }
    __m128i abef = s.abef, cdgh = s.cdgh;
    uint32_t before[4] = {state[0], state[1], state[2], state[3]};
    quarter<0>(state, s, p);
    s.abef = _mm_add_epi32(s.abef, abef);
    s.cdgh = _mm_add_epi32(s.cdgh, cdgh);
    for (int i = 0; i < 4; ++i) state[i] += before[i];
  }
  std::copy(state, state + 4, md5);
  __m128i feba = _mm_shuffle_epi32(s.abef, 0x1B), dchg = _mm_shuffle_epi32(s.cdgh, 0xB1);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(sha), _mm_blend_epi16(feba, dchg, 0xF0));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(sha + 4), _mm_alignr_epi8(dchg, feba, 8));
}

bool has_instructions() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  __asm__("cpuid" : "=a"(a), "=b"(b), "=c"(c), "=d"(d) : "a"(7), "c"(0));
  return (b & 1u << 29) != 0 && __builtin_cpu_supports("sse4.1") && __builtin_cpu_supports("ssse3");
}

}  // namespace

bool Md5Sha256::available() {
  static const bool is = has_instructions();
  return is;
}
#else
bool Md5Sha256::available() { return false; }
#endif

Md5Sha256::Md5Sha256() : lanes_(std::make_unique<Lanes>()) { GUST_CHECK(available()); }
Md5Sha256::~Md5Sha256() = default;

void Md5Sha256::update([[maybe_unused]] std::string_view bytes) {
#if defined(__x86_64__)
  Lanes& l = *lanes_;
  size_t held = l.bytes % sizeof l.block;
  l.bytes += bytes.size();
  if (held > 0) {
    size_t n = std::min(sizeof l.block - held, bytes.size());
    memcpy(l.block + held, bytes.data(), n);
    bytes.remove_prefix(n);
    if (held + n < sizeof l.block) return;
    compress(l.md5, l.sha, l.block, 1);
  }
  size_t whole = bytes.size() / sizeof l.block;
  compress(l.md5, l.sha, reinterpret_cast<const unsigned char*>(bytes.data()), whole);
  bytes.remove_prefix(whole * sizeof l.block);
  if (!bytes.empty()) memcpy(l.block, bytes.data(), bytes.size());
#endif
}

std::pair<std::string, std::string> Md5Sha256::finish() {
  std::string md5(16, '\0'), sha(32, '\0');
#if defined(__x86_64__)
  Lanes& l = *lanes_;
  uint64_t bits = l.bytes * 8;
  size_t held = l.bytes % sizeof l.block;
  // A one, zeros, and the length in bits: MD5 writes it little-endian, SHA-256 big-endian. So the last block differs.
  unsigned char last[128] = {};
  memcpy(last, l.block, held);
  last[held] = 0x80;
  size_t size = held < 56 ? 64 : 128;
  uint32_t spare_md5[4], spare_sha[8] = {};
  uint64_t swapped = __builtin_bswap64(bits);
  uint32_t md5_state[4];
  std::copy(l.md5, l.md5 + 4, md5_state);
  memcpy(last + size - 8, &bits, 8);
  compress(md5_state, spare_sha, last, size / 64);
  memcpy(last + size - 8, &swapped, 8);
  std::copy(l.md5, l.md5 + 4, spare_md5);
  compress(spare_md5, l.sha, last, size / 64);
  memcpy(md5.data(), md5_state, 16);
  for (size_t i = 0; i < 8; ++i) {
    uint32_t word = __builtin_bswap32(l.sha[i]);
    memcpy(sha.data() + 4 * i, &word, 4);
  }
#endif
  return {std::move(md5), std::move(sha)};
}

}  // namespace gust
