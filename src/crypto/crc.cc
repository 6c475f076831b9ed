// SPDX-License-Identifier: Apache-2.0

// The three CRCs of S3 (all reflected, inverted before and after): carry-less multiplication where the processor has it
// (Gopal and others, "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ Instruction", 2009), slicing-by-8 tables
// (Kounavis and Berry, 2005) elsewhere and for what is short.

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "crypto/hash.h"

namespace gust {
namespace {

// The register is `Word`; its lowest bit is the coefficient of the highest power.
template <class Word>
using Tables = std::array<std::array<Word, 256>, 8>;

template <class Word>
constexpr Tables<Word> make_tables(Word polynomial) {
  Tables<Word> t{};
  for (Word i = 0; i < 256; ++i) {
    Word c = i;
    for (int k = 0; k < 8; ++k) c = c & 1 ? polynomial ^ c >> 1 : c >> 1;
    t[0][i] = c;
  }
  for (size_t i = 0; i < 256; ++i) {
    for (size_t s = 1; s < 8; ++s) t[s][i] = t[s - 1][i] >> 8 ^ t[0][t[s - 1][i] & 255];
  }
  return t;
}

// x^n modulo the polynomial, as a 64-bit reflected word: bit 63 is x^0.
template <class Word>
constexpr uint64_t power(Word polynomial, int n) {
  Word r = Word{1} << (sizeof(Word) * 8 - 1);
  for (int i = 0; i < n; ++i) r = r & 1 ? polynomial ^ r >> 1 : r >> 1;
  return static_cast<uint64_t>(r) << (64 - sizeof(Word) * 8);
}

template <class Word>
struct Kind {
  Tables<Word> tables;
  // Constants that move 16 bytes forward by 64 and by 16 bytes: of the low half, of the high half. A product of reflected
  // words comes out one power too low, so each is one power less.
  uint64_t far_low, far_high, near_low, near_high;
};

template <class Word>
constexpr Kind<Word> make_kind(Word polynomial) {
  return {make_tables(polynomial), power(polynomial, 512 + 63), power(polynomial, 512 - 1), power(polynomial, 128 + 63),
          power(polynomial, 128 - 1)};
}

constexpr auto kCrc32 = make_kind<uint32_t>(0xEDB88320);
constexpr auto kCrc32c = make_kind<uint32_t>(0x82F63B78);
constexpr auto kCrc64Nvme = make_kind<uint64_t>(0x9A6C9329AC4BC9B5);

template <class Word>
Word by_tables(const Tables<Word>& t, const unsigned char* p, size_t n, Word c) {
  for (; n >= 8; n -= 8, p += 8) {
    uint64_t a;
    memcpy(&a, p, 8);
    a ^= c;
    c = t[7][a & 255] ^ t[6][a >> 8 & 255] ^ t[5][a >> 16 & 255] ^ t[4][a >> 24 & 255] ^ t[3][a >> 32 & 255] ^
        t[2][a >> 40 & 255] ^ t[1][a >> 48 & 255] ^ t[0][a >> 56];
  }
  for (; n > 0; --n, ++p) c = t[0][(c ^ *p) & 255] ^ c >> 8;
  return c;
}

#if defined(__x86_64__)
constexpr size_t kWorthIt = 128;

[[gnu::target("pclmul,sse2")]] inline __m128i load(const unsigned char* p) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
}

[[gnu::target("pclmul,sse2")]] inline __m128i fold(__m128i value, __m128i by, __m128i next) {
  __m128i low = _mm_clmulepi64_si128(value, by, 0x00);
  __m128i high = _mm_clmulepi64_si128(value, by, 0x11);
  return _mm_xor_si128(_mm_xor_si128(low, high), next);
}

// At least 64 bytes. What is left of them is 16 bytes of the same remainder, which the tables finish.
template <class Word>
[[gnu::target("pclmul,sse2")]] Word by_multiplication(const Kind<Word>& kind, const unsigned char* p, size_t n, Word c) {
  __m128i far = _mm_set_epi64x(static_cast<long long>(kind.far_high), static_cast<long long>(kind.far_low));
  __m128i near = _mm_set_epi64x(static_cast<long long>(kind.near_high), static_cast<long long>(kind.near_low));
  __m128i a[4];
  for (int i = 0; i < 4; ++i) a[i] = load(p + 16 * i);
  a[0] = _mm_xor_si128(a[0], _mm_cvtsi64_si128(static_cast<long long>(c)));
  for (p += 64, n -= 64; n >= 64; p += 64, n -= 64) {
    for (int i = 0; i < 4; ++i) a[i] = fold(a[i], far, load(p + 16 * i));
  }
  __m128i r = a[0];
  for (int i = 1; i < 4; ++i) r = fold(r, near, a[i]);
  for (; n >= 16; p += 16, n -= 16) r = fold(r, near, load(p));
  unsigned char left[16];
  _mm_storeu_si128(reinterpret_cast<__m128i*>(left), r);
  return by_tables(kind.tables, p, n, by_tables(kind.tables, left, sizeof left, Word{0}));
}

bool can_multiply() {
  static const bool can = __builtin_cpu_supports("pclmul");
  return can;
}
#endif

template <class Word>
Word crc(const Kind<Word>& kind, std::string_view bytes, Word before) {
  const auto* p = reinterpret_cast<const unsigned char*>(bytes.data());
#if defined(__x86_64__)
  if (bytes.size() >= kWorthIt && can_multiply()) return ~by_multiplication<Word>(kind, p, bytes.size(), ~before);
#endif
  return ~by_tables<Word>(kind.tables, p, bytes.size(), ~before);
}

}  // namespace

uint32_t crc32(std::string_view bytes, uint32_t before) { return crc(kCrc32, bytes, before); }
uint32_t crc32c(std::string_view bytes, uint32_t before) { return crc(kCrc32c, bytes, before); }
uint64_t crc64nvme(std::string_view bytes, uint64_t before) { return crc(kCrc64Nvme, bytes, before); }

}  // namespace gust
