/* Walking the lines along one axis: for each position of the other axes, in row-major order, where the line begins in every operand. */
#ifndef TW_OP_LINES_H
#define TW_OP_LINES_H

#include "tensor/tensor.h"

enum { TW_LINE_OPERANDS = 3 };

typedef struct {
  int n_operands, ndim, axis;
  int64_t left;                                          /* lines still to do, this one included */
  int64_t n;                                             /* elements of a line */
  int64_t size[TW_MAX_DIM], at[TW_MAX_DIM];
  int64_t stride[TW_LINE_OPERANDS][TW_MAX_DIM];          /* bytes */
  int64_t step[TW_LINE_OPERANDS];                        /* bytes along the line */
  char *p[TW_LINE_OPERANDS];
} tw_lines;

/* The first operand's shape is walked; the others have as many axes, and at least its sizes except along the axis. */
static inline void tw_lines_init(tw_lines *l, int axis, int n_operands, tw_tensor *const *operands) {
  const tw_tensor *first = operands[0];
  *l = (tw_lines){.n_operands = n_operands, .ndim = first->ndim, .axis = axis, .n = first->shape[axis]};
  l->left = 1;
  for (int i = 0; i < first->ndim; i++) {
    l->size[i] = first->shape[i];
    if (i != axis) l->left *= first->shape[i];
  }
  for (int k = 0; k < n_operands; k++) {
    int64_t item = (int64_t)tw_dtype_size((tw_dtype)operands[k]->dtype);
    for (int i = 0; i < first->ndim; i++) l->stride[k][i] = operands[k]->stride[i] * item;
    l->step[k] = l->stride[k][axis];
    l->p[k] = operands[k]->data;
  }
}

/* To the next line; false after the last. */
static inline bool tw_lines_next(tw_lines *l) {
  if (--l->left <= 0) return false;
  for (int i = l->ndim - 1; i >= 0; i--) {
    if (i == l->axis) continue;
    for (int k = 0; k < l->n_operands; k++) l->p[k] += l->stride[k][i];
    if (++l->at[i] < l->size[i]) break;
    for (int k = 0; k < l->n_operands; k++) l->p[k] -= l->stride[k][i] * l->size[i];
    l->at[i] = 0;
  }
  return true;
}

#endif
