/* Linear algebra: factorisations by LAPACK (the only part of the engine that knows it) and what is composed of them. Every function works on the last two
 * axes and on each matrix of a batch alone: it is packed into an aligned copy, so its bits do not depend on where it stands. Derivatives are compositions,
 * exact to any order; where they do not exist (a repeated eigenvalue, a singular matrix) asking for them is an error that says so. */
#ifndef TW_OP_LINALG_H
#define TW_OP_LINALG_H

#include "op/op.h"

typedef struct { bool transpose, inverse; } tw_solve_attrs;                  /* inverse: only the wording of messages */
typedef struct { bool upper, transpose, unit; } tw_triangular_attrs;
typedef struct { bool vectors; } tw_spectral_attrs;                          /* false: the caller uses the values alone, so ties are no fault */
typedef struct { double rcond; } tw_rank_attrs;                              /* singular values <= rcond times the largest count as 0 */

extern const tw_op tw_op_solve;             /* (a, b) -> x, and for the adjoint: factors, pivots */
extern const tw_op tw_op_lu_solve;          /* (factors, pivots, b) -> x; never differentiated */
extern const tw_op tw_op_det;               /* a -> det, factors, pivots */
extern const tw_op tw_op_slogdet;           /* a -> sign, log|det|, factors, pivots */
extern const tw_op tw_op_triangular_solve;  /* (a, b) -> x; reads one triangle of a */
extern const tw_op tw_op_cholesky;          /* a -> L, a = L L'; reads the lower triangle */
extern const tw_op tw_op_eigh;              /* a -> w ascending, V; reads the lower triangle */
extern const tw_op tw_op_svd;               /* a -> U, s descending, Vt; reduced */
extern const tw_op tw_op_qr;                /* a[M N], M >= N -> Q, R with a positive diagonal */
extern const tw_op tw_op_pinv;              /* (a, U, s, Vt) -> pseudo-inverse, rank */
extern const tw_op tw_op_lstsq;             /* (a, b, U, s, Vt) -> x, rank */

/* out: new. b may be a vector (one axis) or matrices [.. N K]; leading axes broadcast. */
TW_CHECKED tw_status tw_solve(tw_ctx *, tw_tensor *a, tw_tensor *b, tw_tensor **x);
TW_CHECKED tw_status tw_triangular_solve(tw_ctx *, tw_tensor *a, tw_tensor *b, const tw_triangular_attrs *, tw_tensor **x);
TW_CHECKED tw_status tw_inverse(tw_ctx *, tw_tensor *a, tw_tensor **out);
TW_CHECKED tw_status tw_cholesky(tw_ctx *, tw_tensor *a, tw_tensor **l);
TW_CHECKED tw_status tw_det(tw_ctx *, tw_tensor *a, tw_tensor **out);
TW_CHECKED tw_status tw_slogdet(tw_ctx *, tw_tensor *a, tw_tensor **out);                              /* out[2]: sign, log|det| */
TW_CHECKED tw_status tw_eigh(tw_ctx *, tw_tensor *a, tw_tensor **out);                                 /* out[2]: w, V */
TW_CHECKED tw_status tw_eigvalsh(tw_ctx *, tw_tensor *a, tw_tensor **w);
TW_CHECKED tw_status tw_svd(tw_ctx *, tw_tensor *a, tw_tensor **out);                                  /* out[3]: U, s, Vt */
TW_CHECKED tw_status tw_svdvals(tw_ctx *, tw_tensor *a, tw_tensor **s);
TW_CHECKED tw_status tw_qr(tw_ctx *, tw_tensor *a, tw_tensor **out);                                   /* out[2]: Q, R; any M and N */
TW_CHECKED tw_status tw_pinv(tw_ctx *, tw_tensor *a, double rcond, tw_tensor **out);                   /* rcond < 0: eps max(M, N) */
TW_CHECKED tw_status tw_lstsq(tw_ctx *, tw_tensor *a, tw_tensor *b, double rcond, tw_tensor **out);    /* out[4]: x, residuals, rank, s */
TW_CHECKED tw_status tw_matrix_power(tw_ctx *, tw_tensor *a, int64_t n, tw_tensor **out);

typedef enum { TW_NORM_P, TW_NORM_FRO, TW_NORM_NUC } tw_norm_kind;
typedef struct {
  tw_norm_kind kind;
  double p;       /* TW_NORM_P: any number, infinities included; for a matrix 1, 2, inf and their negatives */
  int n;          /* axes: 1 of vectors, 2 of matrices */
  int axis[2];
  bool keepdim;
} tw_norm_spec;
TW_CHECKED tw_status tw_linalg_norm(tw_ctx *, tw_tensor *x, const tw_norm_spec *, tw_tensor **out);
TW_CHECKED tw_status tw_cond(tw_ctx *, tw_tensor *a, tw_norm_kind, double p, tw_tensor **out);

/* The library and the core whose kernels it runs, as "OpenBLAS 0.3.21, core Haswell"; loads it. */
TW_CHECKED tw_status tw_blas_name(tw_ctx *, const char **out);
const char *tw_blas_core(void); /* the core type OpenBLAS is pinned to; says so without loading it */

#endif
