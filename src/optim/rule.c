/* Rules as operations: inputs p g before slots... and one vector of scalars, which the kernel sees as that many 0-d operands. */
#include "optim/rule.h"

#include <string.h>

tw_status tw__rule_infer(tw_ctx *ctx, const tw_call *c, tw_meta *out) {
  (void)ctx;
  for (int i = 0; i < c->n_out; i++) out[i] = (tw_meta){.dtype = (tw_dtype)c->in[0]->dtype, .shape = tw_tensor_shape(c->in[0])};
  return TW_OK;
}

/* The same number in all lanes, which then is one number. Lanes that differ usually do so at once. */
static bool is_uniform(const char *first, int64_t lanes, int64_t item) {
  return lanes == 1 || memcmp(first, first + item, (size_t)((lanes - 1) * item)) == 0;
}

tw_status tw__rule_run(tw_ctx *ctx, const tw_call *c, const tw_loop *loops, int n_slots, int n_scalars) {
  (void)ctx;
  const tw_tensor *scalars = c->in[3 + n_slots];
  int n = 3 + n_slots, all = TW_RULE_OWN + n_scalars;
  int64_t item = (int64_t)tw_dtype_size((tw_dtype)scalars->dtype);
  tw_tensor *operands[TW_MAX_OPERANDS], views[TW_RULE_OWN + TW_MAX_SCALARS];
  memcpy(operands, c->in, sizeof(tw_tensor *) * (size_t)n);
  for (int k = 0; k < all; k++) {
    views[k] = *scalars;
    views[k].ndim = 0;
    views[k].size = 1;
    views[k].data += k * scalars->stride[0] * item;
    if (scalars->lanes && is_uniform(views[k].data, scalars->lane_size[0], item)) views[k].lanes = 0;
    operands[n + k] = &views[k];
  }
  tw_shape shape = tw_tensor_shape(c->in[0]);
  tw_iter it;
  tw_iter_init(&it, &shape, n + all, operands);
  for (int axis = 0; axis < it.n_axes; axis++) it.stride[axis][n + all] = 0;
  it.ptr[n + all] = (char *)(uintptr_t)c->attrs; /* the variant, read only */
  it.n_operands++;
  tw_iter_run(&it, loops[c->in[0]->dtype]);
  return TW_OK;
}
