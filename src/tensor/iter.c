/* The strided iterator. */
#include "tensor/iter.h"

#include <string.h>

void tw_iter_init(tw_iter *it, const tw_shape *shape, int n_operands, tw_tensor *const *operands) {
  it->n_operands = n_operands;
  for (int k = 0; k < n_operands; k++) it->ptr[k] = operands[k]->data;
  int64_t item[TW_MAX_OPERANDS];
  for (int k = 0; k < n_operands; k++) item[k] = (int64_t)tw_dtype_size((tw_dtype)operands[k]->dtype);

  int n = 0; /* axes kept so far, innermost first; reversed at the end */
  int64_t size[TW_MAX_DIM], stride[TW_MAX_DIM][TW_MAX_OPERANDS];
  for (int axis = shape->n - 1; axis >= 0; axis--) {
    if (shape->d[axis] == 1) continue;
    int64_t here[TW_MAX_OPERANDS];
    bool merges = n > 0;
    for (int k = 0; k < n_operands; k++) {
      const tw_tensor *t = operands[k];
      int own = axis - (shape->n - t->ndim);
      here[k] = own < 0 || t->shape[own] == 1 ? 0 : t->stride[own] * item[k];
      merges = merges && here[k] == stride[n - 1][k] * size[n - 1];
    }
    if (merges) {
      size[n - 1] *= shape->d[axis];
      continue;
    }
    size[n] = shape->d[axis];
    memcpy(stride[n], here, sizeof(int64_t) * (size_t)n_operands);
    n++;
  }
  if (n == 0) {
    size[0] = 1;
    memset(stride[0], 0, sizeof stride[0]);
    n = 1;
  }
  it->n_axes = n;
  for (int i = 0; i < n; i++) {
    it->size[i] = size[n - 1 - i];
    memcpy(it->stride[i], stride[n - 1 - i], sizeof(int64_t) * (size_t)n_operands);
  }
}

void tw_iter_run(const tw_iter *it, tw_loop loop) {
  int inner = it->n_axes - 1, n_operands = it->n_operands;
  for (int i = 0; i < it->n_axes; i++) {
    if (it->size[i] == 0) return;
  }
  if (inner == 0) {
    loop(it->size[0], it->ptr, it->stride[0]);
    return;
  }
  int64_t at[TW_MAX_DIM] = {0};
  char *ptr[TW_MAX_OPERANDS];
  memcpy(ptr, it->ptr, sizeof(char *) * (size_t)n_operands);
  for (;;) {
    loop(it->size[inner], ptr, it->stride[inner]);
    int axis = inner - 1;
    for (;;) {
      for (int k = 0; k < n_operands; k++) ptr[k] += it->stride[axis][k];
      if (++at[axis] < it->size[axis]) break;
      for (int k = 0; k < n_operands; k++) ptr[k] -= it->stride[axis][k] * it->size[axis];
      at[axis] = 0;
      if (--axis < 0) return;
    }
  }
}
