/* SHA-256 (libmd does the work) in the two forms the project uses: hex text and the leading 64 bits. */
#ifndef TW_BASE_HASH_H
#define TW_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

void tw_sha256_hex(const void *data, size_t bytes, char out[65]);
uint64_t tw_sha256_u64(const void *data, size_t bytes); /* the first 8 bytes of the digest, big-endian */

#endif
