/* The strided iterator: walks several tensors of one broadcast shape and hands the innermost axis to a one-dimensional loop.
 * Broadcasting is a stride of 0; axes that are contiguous in every operand are merged first. Hidden axes (tensor.h) are walked like any other: innermost
 * where the first operand has its lanes fastest, outermost elsewhere. */
#ifndef TW_TENSOR_ITER_H
#define TW_TENSOR_ITER_H

#include "tensor/tensor.h"

enum { TW_MAX_OPERANDS = 28, TW_ITER_AXES = TW_MAX_DIM + TW_MAX_LANES };

/* n elements; operand k starts at ptr[k] and advances by stride[k] bytes. */
typedef void (*tw_loop)(int64_t n, char *const *ptr, const int64_t *stride);

typedef struct {
  int n_operands, n_axes;
  int64_t size[TW_ITER_AXES];                       /* outermost first, merged */
  char *ptr[TW_MAX_OPERANDS];
  int64_t stride[TW_ITER_AXES][TW_MAX_OPERANDS];    /* bytes; the first n_axes rows are in use */
} tw_iter;

/* Every operand must broadcast to shape, and the first have every hidden axis another has (the caller has checked). */
void tw_iter_init(tw_iter *, const tw_shape *, int n_operands, tw_tensor *const *operands);
void tw_iter_run(const tw_iter *, tw_loop);
bool tw_lanes_are_fastest(const tw_tensor *); /* one step along the last hidden axis is shorter than any other */

#endif
