/* CRC-32C (Castagnoli, reflected 0x82F63B78): the machine's instruction where the build has one, a table otherwise. */
#include "journal/journal.h"

#if defined(__SSE4_2__)
#include <nmmintrin.h>
#elif defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>
#endif

/* Four tables: byte k of a 32-bit word is looked up in table 3 - k. Made on first use. */
static uint32_t table[4][256];

static void table_make(void) {
  for (uint32_t i = 0; i < 256; i++) {
    uint32_t c = i;
    for (int bit = 0; bit < 8; bit++) c = c & 1 ? c >> 1 ^ 0x82F63B78u : c >> 1;
    table[0][i] = c;
  }
  for (uint32_t i = 0; i < 256; i++)
    for (int k = 1; k < 4; k++) table[k][i] = table[k - 1][i] >> 8 ^ table[0][table[k - 1][i] & 255];
}

uint32_t tw_crc32c_table(uint32_t crc, const void *data, size_t bytes) {
  if (!table[0][1]) table_make();
  const uint8_t *p = data;
  uint32_t c = ~crc;
  for (; bytes >= 4; bytes -= 4, p += 4) {
    uint32_t w;
    memcpy(&w, p, 4);
    c ^= w;
    c = table[3][c & 255] ^ table[2][c >> 8 & 255] ^ table[1][c >> 16 & 255] ^ table[0][c >> 24];
  }
  for (; bytes > 0; bytes--) c = c >> 8 ^ table[0][(c ^ *p++) & 255];
  return ~c;
}

#if defined(__SSE4_2__) && defined(__x86_64__)
#define CRC_U64(c, w) ((uint32_t)_mm_crc32_u64(c, w))
#define CRC_U8(c, b) _mm_crc32_u8(c, b)
#elif defined(__ARM_FEATURE_CRC32)
#define CRC_U64(c, w) __crc32cd(c, w)
#define CRC_U8(c, b) __crc32cb(c, b)
#endif

uint32_t tw_crc32c(uint32_t crc, const void *data, size_t bytes) {
#ifdef CRC_U64
  const uint8_t *p = data;
  uint32_t c = ~crc;
  for (; bytes >= 8; bytes -= 8, p += 8) {
    uint64_t w;
    memcpy(&w, p, 8);
    c = CRC_U64(c, w);
  }
  for (; bytes > 0; bytes--) c = CRC_U8(c, *p++);
  return ~c;
#else
  return tw_crc32c_table(crc, data, bytes);
#endif
}
