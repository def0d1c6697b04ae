/* Philox by key, counter and attempt. */
#include "base/rng.h"

#include <stdbool.h>
#include <string.h>
#ifdef __AVX2__
#include <immintrin.h>
#endif

#include "base/alloc.h"
#include "base/hash.h"
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wall"
#pragma GCC diagnostic ignored "-Wextra"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wstrict-prototypes"
#include <Random123/philox.h>
#pragma GCC diagnostic pop

uint64_t tw_rng_key(int64_t seed, const char *stream, size_t length) {
  unsigned char text[8 + 256];
  for (int i = 0; i < 8; i++) text[i] = (unsigned char)((uint64_t)seed >> (8 * i));
  if (length > 256) { /* a long name enters by its own digest */
    char hex[65];
    tw_sha256_hex(stream, length, hex);
    memcpy(text + 8, hex, 64);
    return tw_sha256_u64(text, 72);
  }
  memcpy(text + 8, stream, length);
  return tw_sha256_u64(text, 8 + length);
}

void tw_rng_block(uint64_t key, uint64_t counter, uint32_t attempt, uint64_t out[2]) {
  philox4x32_ctr_t c = {{(uint32_t)counter, (uint32_t)(counter >> 32), attempt, 0}};
  philox4x32_key_t k = {{(uint32_t)key, (uint32_t)(key >> 32)}};
  philox4x32_ctr_t r = philox4x32(c, k);
  out[0] = (uint64_t)r.v[1] << 32 | r.v[0];
  out[1] = (uint64_t)r.v[3] << 32 | r.v[2];
}

#ifdef __AVX2__

/* Four positions at once, each 32-bit word in the low half of a 64-bit lane; what a round leaves in the high halves is never read. */
typedef struct {
  __m256i word[2]; /* the two results of each position */
} quad;

static inline __attribute__((always_inline)) void four(quad *q, uint64_t key, uint64_t counter) {
  const __m256i low = _mm256_set1_epi64x(UINT32_MAX), m0 = _mm256_set1_epi64x(PHILOX_M4x32_0), m1 = _mm256_set1_epi64x(PHILOX_M4x32_1);
  __m256i at = _mm256_add_epi64(_mm256_set1_epi64x((int64_t)counter), _mm256_set_epi64x(3, 2, 1, 0));
  __m256i a = at, b = _mm256_srli_epi64(at, 32), c = _mm256_setzero_si256(), d = c;
  uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
  for (int round = 0; round < 10; round++) {
    __m256i p0 = _mm256_mul_epu32(a, m0), p1 = _mm256_mul_epu32(c, m1);
    a = _mm256_xor_si256(_mm256_xor_si256(_mm256_srli_epi64(p1, 32), b), _mm256_set1_epi64x(k0));
    c = _mm256_xor_si256(_mm256_xor_si256(_mm256_srli_epi64(p0, 32), d), _mm256_set1_epi64x(k1));
    b = p1;
    d = p0;
    k0 += PHILOX_W32_0;
    k1 += PHILOX_W32_1;
  }
  q->word[0] = _mm256_or_si256(_mm256_and_si256(a, low), _mm256_slli_epi64(b, 32));
  q->word[1] = _mm256_or_si256(_mm256_and_si256(c, low), _mm256_slli_epi64(d, 32));
}

void tw_rng_blocks(uint64_t key, uint64_t counter, int64_t n, uint64_t *first, uint64_t *second) {
  int64_t i = 0;
  for (; i + 4 <= n; i += 4) {
    quad q;
    four(&q, key, counter + (uint64_t)i);
    _mm256_storeu_si256((__m256i *)(void *)(first + i), q.word[0]);
    if (second) _mm256_storeu_si256((__m256i *)(void *)(second + i), q.word[1]);
  }
  for (; i < n; i++) {
    uint64_t bits[2];
    tw_rng_block(key, counter + (uint64_t)i, 0, bits);
    first[i] = bits[0];
    if (second) second[i] = bits[1];
  }
}

#else

void tw_rng_blocks(uint64_t key, uint64_t counter, int64_t n, uint64_t *first, uint64_t *second) {
  for (int64_t i = 0; i < n; i++) {
    uint64_t bits[2];
    tw_rng_block(key, counter + (uint64_t)i, 0, bits);
    first[i] = bits[0];
    if (second) second[i] = bits[1];
  }
}

#endif

/* The product's low half is below n in one of 2^64 / n cases alone: only there is the remainder that decides worked out. */
static inline bool accepted(uint64_t bits, uint64_t n, uint64_t *out) {
  __uint128_t product = (__uint128_t)bits * n;
  *out = (uint64_t)(product >> 64);
  return (uint64_t)product >= n || (uint64_t)product >= -n % n;
}

uint64_t tw_rng_below(uint64_t key, uint64_t counter, uint64_t n) {
  for (uint32_t attempt = 0;; attempt++) {
    uint64_t bits[2], out;
    tw_rng_block(key, counter, attempt, bits);
    if (accepted(bits[0], n, &out)) return out;
  }
}

void tw_rng_below_each(uint64_t key, uint64_t counter, int64_t count, uint64_t n, int shrinks, uint64_t *out) {
  tw_rng_blocks(key, counter, count, out, NULL);
  for (int64_t i = 0; i < count; i++) {
    uint64_t range = n - (shrinks ? (uint64_t)i : 0);
    if (!accepted(out[i], range, &out[i])) out[i] = tw_rng_below(key, counter + (uint64_t)i, range);
  }
}
