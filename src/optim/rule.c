/* Rules as operations: inputs p g before slots... and one vector of scalars, which the kernel sees as that many 0-d operands. */
#include "optim/rule.h"

#include <string.h>

tw_status tw__rule_infer(tw_ctx *ctx, const tw_call *c, tw_meta *out) {
  (void)ctx;
  const tw_tensor *p = c->in[0];
  for (int i = 0; i < c->n_out; i++) {
    out[i].dtype = (tw_dtype)p->dtype;
    out[i].shape.n = p->ndim;
    for (int k = 0; k < p->ndim; k++) out[i].shape.d[k] = p->shape[k];
  }
  if (((const tw_rule_attrs *)c->attrs)->norm) out[1].shape.n = 0;
  return TW_OK;
}

/* The scalars that differ between lanes move alike: one stands for all of them in the iterator. */
tw_status tw__rule_run(tw_ctx *ctx, const tw_call *c, const tw_loop *loops, int n_slots, int n_scalars) {
  (void)ctx;
  const tw_tensor *scalars = c->in[3 + n_slots];
  const uint32_t same = ((const tw_rule_attrs *)c->attrs)->uniform;
  int n = 3 + n_slots, all = TW_RULE_OWN + n_scalars;
  int64_t item = (int64_t)tw_dtype_size((tw_dtype)scalars->dtype);
  const int rows = ((const tw_rule_attrs *)c->attrs)->rows;
  tw_tensor *operands[TW_MAX_OPERANDS], one = *scalars, first[3 + TW_MAX_SLOTS];
  memcpy(operands, c->in, sizeof(tw_tensor *) * (size_t)n);
  one.ndim = 0;
  one.size = 1;
  for (int k = 0; k < n && rows; k++) { /* the kernel goes on to the other elements by itself */
    first[k] = *c->in[k];
    first[k].ndim = 0;
    first[k].size = 1;
    operands[k] = &first[k];
  }
  if ((same & ((1u << all) - 1)) == (1u << all) - 1) one.lanes = 0;
  operands[n] = &one;
  tw_shape shape = tw_tensor_shape(operands[0]);
  tw_iter it;
  tw_iter_init(&it, &shape, n + 1, operands);
  for (int axis = 0; axis < it.n_axes; axis++) {
    int64_t step = it.stride[axis][n];
    for (int k = 0; k < all; k++) it.stride[axis][n + k] = same >> k & 1 ? 0 : step;
    it.stride[axis][n + all] = 0;
  }
  for (int k = 0; k < all; k++) it.ptr[n + k] = scalars->data + k * scalars->stride[0] * item;
  tw_rule_lines lines = {.attrs = c->attrs, .count = 1, .stride = it.stride[0]};
  it.ptr[n + all] = (char *)&lines;
  it.n_operands = n + all + 1;
  if (it.n_axes == 2) { /* lanes one behind the other, as a rule: the kernel looks at what is the same for all of them once */
    lines.count = it.size[0];
    if (lines.count > 0 && it.size[1] > 0) loops[c->in[0]->dtype](it.size[1], it.ptr, it.stride[1]);
  } else {
    tw_iter_run(&it, loops[c->in[0]->dtype]);
  }
  return TW_OK;
}
