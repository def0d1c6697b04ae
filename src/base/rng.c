/* Philox by key, counter and attempt. */
#include "base/rng.h"

#include <string.h>

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

uint64_t tw_rng_below(uint64_t key, uint64_t counter, uint64_t n) {
  for (uint32_t attempt = 0;; attempt++) {
    uint64_t bits[2];
    tw_rng_block(key, counter, attempt, bits);
    __uint128_t product = (__uint128_t)bits[0] * n;
    if ((uint64_t)product >= -n % n) return (uint64_t)(product >> 64);
  }
}
