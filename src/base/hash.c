/* SHA-256 through libmd. */
#include "base/hash.h"

#include <sys/types.h>
#include <sha2.h>

void tw_sha256_hex(const void *data, size_t bytes, char out[65]) { SHA256Data(data, bytes, out); }

uint64_t tw_sha256_u64(const void *data, size_t bytes) {
  SHA2_CTX h;
  uint8_t digest[SHA256_DIGEST_LENGTH];
  SHA256Init(&h);
  SHA256Update(&h, data, bytes);
  SHA256Final(digest, &h);
  uint64_t v = 0;
  for (int i = 0; i < 8; i++) v = v << 8 | digest[i];
  return v;
}
