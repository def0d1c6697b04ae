/* Ordering, scanning, gathering, diagonals, masks and einsum: the operations and what is composed of them. Axes are 0-based. */
#ifndef TW_OP_SELECT_H
#define TW_OP_SELECT_H

#include "op/op.h"

typedef struct { int axis; bool descending; } tw_sort_attrs;
typedef struct { int axis; } tw_scan_attrs;
typedef struct { int a, b; int64_t offset; } tw_diagonal_attrs;                   /* elements (i, i + offset) of the axes a, b: a new last axis */
typedef struct { tw_shape shape; tw_diagonal_attrs diagonal; } tw_diagonal_embed_attrs;
typedef struct { int64_t k; } tw_triangle_attrs;                                  /* the diagonal kept last: j - i <= k below, j - i >= k above */

extern const tw_op tw_op_argsort;                                                 /* sort attrs -> i64, 1-based */
extern const tw_op tw_op_cumsum, tw_op_cumprod;                                   /* scan attrs */
extern const tw_op tw_op_recurrence;                                              /* (a, b) scan attrs: r[i] = a[i] r[i-1] + b[i], r[1] = b[1] */
extern const tw_op tw_op_gather;                                                  /* (x, index) scan attrs: y[.. i ..] = x[.. index[.. i ..] ..] */
extern const tw_op tw_op_scatter_add;                                             /* (x, source, index) scan attrs: x with source added at index */
extern const tw_op tw_op_diagonal;                                                /* diagonal attrs; a view */
extern const tw_op tw_op_diagonal_embed;                                          /* diagonal embed attrs: its adjoint, zeros elsewhere */
extern const tw_op tw_op_tril, tw_op_triu;                                        /* triangle attrs, on the last two axes */
extern const tw_op tw_op_all, tw_op_any;                                          /* reduce attrs -> bool */

/* Compositions; out: new references. */
TW_CHECKED tw_status tw_sort(tw_ctx *, tw_tensor *x, int axis, bool descending, tw_tensor **values, tw_tensor **index);
TW_CHECKED tw_status tw_topk(tw_ctx *, tw_tensor *x, int64_t k, int axis, bool largest, tw_tensor **values, tw_tensor **index);
TW_CHECKED tw_status tw_flip(tw_ctx *, tw_tensor *x, uint32_t axes, tw_tensor **out);                          /* a view */
TW_CHECKED tw_status tw_clamp(tw_ctx *, tw_tensor *x, tw_tensor *low, tw_tensor *high, tw_tensor **out);        /* either may be NULL */
TW_CHECKED tw_status tw_one_hot(tw_ctx *, tw_tensor *index, int64_t classes, tw_dtype, tw_tensor **out);
TW_CHECKED tw_status tw_norm_axes(tw_ctx *, tw_tensor *x, double p, uint32_t axes, bool keepdim, tw_tensor **out);
TW_CHECKED tw_status tw_diag(tw_ctx *, tw_tensor *x, int64_t offset, tw_tensor **out);
TW_CHECKED tw_status tw_einsum(tw_ctx *, const char *spec, int n, tw_tensor *const *operands, tw_tensor **out);

/* Index tensors: every element in 1..n, or an error in the name of `op`. Where `from_end`, -1 is the last one, and the result is the same tensor or one
 * with positive indices. */
TW_CHECKED tw_status tw_index_check(tw_ctx *, const char *op, const tw_tensor *index, int64_t n);
TW_CHECKED tw_status tw_index_resolve(tw_ctx *, const char *op, tw_tensor *index, int64_t n, tw_tensor **out);
/* The 1-based row-major positions at which a mask is true. */
TW_CHECKED tw_status tw_mask_positions(tw_ctx *, const tw_tensor *mask, tw_tensor **out);

#endif
