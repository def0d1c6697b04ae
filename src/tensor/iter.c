/* The strided iterator. */
#include "tensor/iter.h"

#include <string.h>

/* Axes kept so far, innermost first; reversed at the end. */
typedef struct {
  int n, n_operands;
  int64_t size[TW_ITER_AXES], stride[TW_ITER_AXES][TW_MAX_OPERANDS];
} axes;

/* The next axis outwards: merged with the one inside it where that continues it in every operand. */
static inline void add_axis(axes *a, int64_t size, const int64_t *stride) {
  bool merges = a->n > 0;
  for (int k = 0; k < a->n_operands && merges; k++) merges = stride[k] == a->stride[a->n - 1][k] * a->size[a->n - 1];
  if (merges) {
    a->size[a->n - 1] *= size;
    return;
  }
  a->size[a->n] = size;
  memcpy(a->stride[a->n++], stride, sizeof(int64_t) * (size_t)a->n_operands);
}

bool tw_lanes_are_fastest(const tw_tensor *t) {
  int last = TW_MAX_LANES - 1;
  while (last >= 0 && !(t->lanes >> last & 1)) last--;
  if (last < 0) return false;
  for (int i = 0; i < t->ndim; i++) {
    if (t->shape[i] > 1 && t->stride[i] && (t->stride[i] < 0 ? -t->stride[i] : t->stride[i]) < t->lane_stride[last]) return false;
  }
  return true;
}

static void add_lanes(axes *a, uint8_t lanes, tw_tensor *const *operands, const int64_t *item) {
  for (int h = TW_MAX_LANES - 1; h >= 0; h--) {
    if (!(lanes >> h & 1) || operands[0]->lane_size[h] == 1) continue;
    int64_t here[TW_MAX_OPERANDS];
    for (int k = 0; k < a->n_operands; k++) here[k] = operands[k]->lanes >> h & 1 ? operands[k]->lane_stride[h] * item[k] : 0;
    add_axis(a, operands[0]->lane_size[h], here);
  }
}

void tw_iter_init(tw_iter *it, const tw_shape *shape, int n_operands, tw_tensor *const *operands) {
  it->n_operands = n_operands;
  uint8_t lanes = operands[0]->lanes;
  int64_t item[TW_MAX_OPERANDS];
  for (int k = 0; k < n_operands; k++) {
    it->ptr[k] = operands[k]->data;
    item[k] = (int64_t)tw_dtype_size((tw_dtype)operands[k]->dtype);
  }
  axes a;
  a.n = 0;
  a.n_operands = n_operands;
  bool fastest = lanes && tw_lanes_are_fastest(operands[0]);
  if (fastest) add_lanes(&a, lanes, operands, item);
  for (int axis = shape->n - 1; axis >= 0; axis--) {
    if (shape->d[axis] == 1) continue;
    int64_t here[TW_MAX_OPERANDS];
    for (int k = 0; k < n_operands; k++) {
      const tw_tensor *t = operands[k];
      int own = axis - (shape->n - t->ndim);
      here[k] = own < 0 || t->shape[own] == 1 ? 0 : t->stride[own] * item[k];
    }
    add_axis(&a, shape->d[axis], here);
  }
  if (lanes && !fastest) add_lanes(&a, lanes, operands, item);
  if (a.n == 0) {
    a.size[0] = 1;
    memset(a.stride[0], 0, sizeof a.stride[0]);
    a.n = 1;
  }
  it->n_axes = a.n;
  for (int i = 0; i < a.n; i++) {
    it->size[i] = a.size[a.n - 1 - i];
    memcpy(it->stride[i], a.stride[a.n - 1 - i], sizeof(int64_t) * (size_t)n_operands);
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
  int64_t at[TW_ITER_AXES] = {0};
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
