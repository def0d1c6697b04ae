/* What the linear algebra files share: checks, packing between strided and column-major, and the small compositions derivatives are written in. */
#ifndef TW_OP_LINALG_PARTS_H
#define TW_OP_LINALG_PARTS_H

#include "op/lapack.h"
#include "op/matrix.h"
#include "op/linalg.h"
#include "tensor/ctx.h"

/* A batch of matrices: what the axes before the last two span. */
typedef struct {
  int64_t rows, cols, count; /* count: matrices in the batch */
  tw_shape lead;
} tw_matrices;
tw_matrices tw__matrices(const tw_tensor *x);

/* Real, at least two axes, square where asked, small enough for LAPACK's 32-bit sizes. op: who asks. */
TW_CHECKED tw_status tw__check_matrices(tw_ctx *, const char *op, const tw_tensor *a, bool square);
/* Both real and of one dtype, b a vector or matrices with as many rows as a. */
TW_CHECKED tw_status tw__check_right_side(tw_ctx *, const char *op, const tw_tensor *a, const tw_tensor *b);
TW_CHECKED tw_status tw__lead_both(tw_ctx *, const tw_call *, const tw_tensor *a, const tw_tensor *b, tw_shape *lead); /* leading axes, broadcast */
const char *tw__which(const tw_matrices *, int64_t matrix, char *buffer, size_t bytes); /* "the matrix", or "matrix 3 of the batch"; returns buffer */

/* Number of the matrix in x that stands at place `matrix` of a batch shaped lead (into which x's leading axes broadcast), and its address. */
int64_t tw__matrix_number(const tw_tensor *x, const tw_shape *lead, int64_t matrix);
char *tw__matrix_at(const tw_tensor *x, int64_t number);

/* One block of scratch memory, cut into 64-byte aligned pieces. */
typedef struct { tw_tensor *block; size_t used; } tw_scratch;
TW_CHECKED tw_status tw__scratch_open(tw_ctx *, size_t bytes, tw_scratch *);
void *tw__scratch_cut(tw_scratch *, size_t bytes);
static inline size_t tw__aligned(size_t bytes) { return (bytes + 63) & ~(size_t)63; }
int tw__work_size(tw_dtype, const void *answer); /* elements of work space, from LAPACK's answer to a query */

/* Column-major copies. matrix: number of x's matrix. */
void tw__pack(void *to, const tw_tensor *x, int64_t number);
void tw__unpack(tw_tensor *y, int64_t number, const void *from, int64_t from_rows); /* y contiguous; from has from_rows rows per column */

bool tw__all_finite(const void *packed, tw_dtype, int64_t rows, int64_t cols, bool lower); /* lower: only that triangle is looked at */
double tw__element(const void *packed, tw_dtype, int64_t at);
void tw__negate(void *packed, tw_dtype, int64_t n, int64_t stride);
/* Signs are made unique by this rule: in a vector the first entry whose magnitude comes within a factor 1 - 2^-10 of the largest is positive. (The largest
 * alone would flip by rounding in vectors like (1, -1); the first alone in vectors like (0, 1).) */
bool tw__sign_is_wrong(const void *packed, tw_dtype, int64_t n, int64_t stride);
double tw__epsilon(tw_dtype);

/* F[i j] = 1 / (w[j] - w[i]), or with squares 1 / (w[j]^2 - w[i]^2); 0 on the diagonal, NaN where two values tie. w: [.. n], sorted. */
tw_tensor *tw__gaps(tw_compose *, tw_tensor *w, int64_t size, bool squares);
/* Fails where two neighbours of the sorted values tie: they differ by no more than eps size |w|max. */
TW_CHECKED tw_status tw__check_ties(tw_ctx *, const char *op, const char *what, const char *instead, const tw_tensor *w, int64_t size);

#endif
