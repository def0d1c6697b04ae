/* How wide the vectors are for which kernels exist in two widths; the bits are the same at both. */
#ifndef TW_OP_WIDTH_H
#define TW_OP_WIDTH_H

#include <stdbool.h>

/* Whether to take the 64-byte kernels: AVX-512F is there and nothing says otherwise. */
bool tw_vectors_are_wide(void);
/* For tests: vectors of at most so many bytes (32 or 64; 0: what the machine has). */
void tw_limit_vectors(int bytes);

#endif
