/* The product kernel. c[i j] = fma(a[i k], b[k j], c) for k ascending from +0, in the operand type, whatever the shape, the layout or the vector width:
 * an element's bits depend on its own row and column alone. */
#ifndef TW_OP_GEMM_H
#define TW_OP_GEMM_H

#include "tensor/tensor.h"

/* `count` products of one shape: a: M x K, b: K x N, c: M x N, whose rows lie together and are written whole. bias: added to every row at the end; NULL: none.
 * Strides are in elements; step: from one product's operand to the next one's, 0 where all have the same. scratch: tw_gemm_scratch() bytes, 64-byte aligned.
 * then: called with each product as soon as that is finished, while it is near; NULL: nothing is. */
typedef struct {
  int64_t M, N, K, count;
  const void *a, *b, *bias;
  void *c;
  int64_t a_row, a_col, a_step, b_row, b_col, b_step, bias_col, bias_step, c_row, c_step;
  void *scratch;
  void (*then)(void *user, int64_t which, void *c);
  void *user;
} tw_products;

void tw_gemm(tw_dtype, const tw_products *); /* f64 or f32 */
int64_t tw_gemm_scratch(int64_t K);          /* bytes */
enum { TW_GEMM_SCRATCH = 32768 };            /* enough for any K */

#endif
