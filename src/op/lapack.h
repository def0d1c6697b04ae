/* LAPACK as the factorisations call it: Fortran routines of OpenBLAS, loaded when the first matrix needs them. Matrices are column-major, sizes 32-bit.
 * Only the linalg files of this folder include this. */
#ifndef TW_OP_LAPACK_H
#define TW_OP_LAPACK_H

#include "tensor/tensor.h"

/* The routines of one dtype; a, b, work ... are of that dtype. The size_t at the end are the lengths of the character arguments, as gfortran passes them. */
typedef struct {
  void (*getrf)(const int *m, const int *n, void *a, const int *lda, int *pivots, int *info);
  void (*getrs)(const char *trans, const int *n, const int *nrhs, const void *lu, const int *lda, const int *pivots, void *b, const int *ldb, int *info,
                size_t);
  void (*potrf)(const char *uplo, const int *n, void *a, const int *lda, int *info, size_t);
  void (*trtrs)(const char *uplo, const char *trans, const char *diag, const int *n, const int *nrhs, const void *a, const int *lda, void *b,
                const int *ldb, int *info, size_t, size_t, size_t);
  void (*syevd)(const char *jobz, const char *uplo, const int *n, void *a, const int *lda, void *w, void *work, const int *lwork, int *iwork, const int *liwork,
                int *info, size_t, size_t);
  void (*gesdd)(const char *jobz, const int *m, const int *n, void *a, const int *lda, void *s, void *u, const int *ldu, void *vt, const int *ldvt, void *work,
                const int *lwork, int *iwork, int *info, size_t);
  void (*geqrf)(const int *m, const int *n, void *a, const int *lda, void *tau, void *work, const int *lwork, int *info);
  void (*orgqr)(const int *m, const int *n, const int *k, void *a, const int *lda, const void *tau, void *work, const int *lwork, int *info);
} tw_lapack;

TW_CHECKED tw_status tw__lapack(tw_ctx *, const char *op, tw_dtype, const tw_lapack **out); /* op: who asks, for the message */

#endif
