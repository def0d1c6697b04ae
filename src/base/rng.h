/* The counter-based generator: Philox4x32-10 (Salmon et al. 2011, through Random123). Element i of a draw depends on (key, counter + i) alone. */
#ifndef TW_BASE_RNG_H
#define TW_BASE_RNG_H

#include <stddef.h>
#include <stdint.h>

/* The key of a named stream: the first 64 bits of SHA-256 over the seed (8 bytes, little-endian) and the name. */
uint64_t tw_rng_key(int64_t seed, const char *stream, size_t length);

/* 128 random bits for position `counter`; `attempt` counts the tries of a rejection method. */
void tw_rng_block(uint64_t key, uint64_t counter, uint32_t attempt, uint64_t out[2]);

/* The first try of positions counter .. counter + n - 1: first[i] and second[i] are what tw_rng_block gives for counter + i. second may be NULL. */
void tw_rng_blocks(uint64_t key, uint64_t counter, int64_t n, uint64_t *first, uint64_t *second);

/* [0, 1) with 53 random bits. */
static inline double tw_rng_unit(uint64_t bits) { return (double)(bits >> 11) * 0x1p-53; }

/* A uniform integer in [0, n), n > 0, without bias (rejection on the 128-bit product, Lemire 2019). */
uint64_t tw_rng_below(uint64_t key, uint64_t counter, uint64_t n);

/* The same for positions counter .. counter + count - 1; the range becomes `shrinks` (0 or 1) smaller from each to the next. */
void tw_rng_below_each(uint64_t key, uint64_t counter, int64_t count, uint64_t n, int shrinks, uint64_t *out);

#endif
