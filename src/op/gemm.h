/* The product kernel. c[i j] = fma(a[i k], b[k j], c) for k ascending from +0, in the operand type, whatever the shape, the layout or the vector width:
 * an element's bits depend on its own row and column alone. */
#ifndef TW_OP_GEMM_H
#define TW_OP_GEMM_H

#include <stdint.h>

/* a: M x K with strides in elements; b: K x N likewise; c: M x N, rows ldc apart, written whole. bias: added to every row at the
 * end, N elements bias_step apart; NULL: none. scratch: tw_gemm_scratch() bytes, 64-byte aligned. */
void tw_gemm_f64(int64_t M, int64_t N, int64_t K, const double *a, int64_t a_row, int64_t a_col, const double *b, int64_t b_row, int64_t b_col, double *c,
                 int64_t ldc, const double *bias, int64_t bias_step, void *scratch);
void tw_gemm_f32(int64_t M, int64_t N, int64_t K, const float *a, int64_t a_row, int64_t a_col, const float *b, int64_t b_row, int64_t b_col, float *c,
                 int64_t ldc, const float *bias, int64_t bias_step, void *scratch);
int64_t tw_gemm_scratch(int64_t K); /* bytes */
enum { TW_GEMM_SCRATCH = 32768 };   /* enough for any K */

#endif
