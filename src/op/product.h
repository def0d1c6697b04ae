/* The product of tensors, which matmul, linear and what a replay makes of several calls share. */
#ifndef TW_OP_PRODUCT_H
#define TW_OP_PRODUCT_H

#include "op/op.h"

/* What is done with each matrix of the result as soon as it is there. then: an elementwise row, in place; of the result, or of (result, with, with), with
 * having the result's shape. sums: [N], the sums of the columns then; a result with further axes has none. NULL: not wanted. */
typedef struct {
  const tw_op *then;
  tw_tensor *with, *sums;
} tw_after;

/* y = a b + bias; bias and after may be NULL. Shapes and dtypes fit: the caller has seen to it. */
TW_CHECKED tw_status tw__run_product(tw_ctx *, const tw_tensor *a, const tw_tensor *b, tw_tensor *bias, const tw_after *after, tw_tensor *y);

#endif
