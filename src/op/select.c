/* all and any, and the compositions around selecting: clamp, one_hot, norms along axes. */
#include <string.h>

#include "op/select.h"
#include "op/vec.h"
#include "tensor/ctx.h"

/* all, any: the result, seen with the reduced axes as broadcast ones, takes every element in. */

#define FOLD(name, T)                                                                                        \
  static void all_##name(int64_t n, char *const *p, const int64_t *s) {                                      \
    for (int64_t i = 0; i < n; i++) p[0][i * s[0]] &= *(const T *)(const void *)(p[1] + i * s[1]) != 0;      \
  }                                                                                                          \
  static void any_##name(int64_t n, char *const *p, const int64_t *s) {                                      \
    for (int64_t i = 0; i < n; i++) p[0][i * s[0]] |= *(const T *)(const void *)(p[1] + i * s[1]) != 0;      \
  }
FOLD(f64, double)
FOLD(f32, float)
FOLD(i64, int64_t)
FOLD(mask, uint8_t)

static tw_status infer_truth(tw_ctx *ctx, const tw_call *c, tw_meta *out) {
  (void)ctx;
  const tw_reduce_attrs *a = c->attrs;
  out[0] = (tw_meta){.dtype = TW_BOOL};
  for (int i = 0; i < c->in[0]->ndim; i++) {
    if (!(a->axes >> i & 1)) out[0].shape.d[out[0].shape.n++] = c->in[0]->shape[i];
    else if (a->keepdim) out[0].shape.d[out[0].shape.n++] = 1;
  }
  return TW_OK;
}

static tw_status run_truth(tw_ctx *ctx, const tw_call *c) {
  (void)ctx;
  static const tw_loop loops[2][TW_N_DTYPES] = {{any_f64, any_f32, any_i64, any_mask}, {all_f64, all_f32, all_i64, all_mask}};
  const tw_tensor *x = c->in[0];
  bool all = c->op == &tw_op_all;
  memset(c->out[0]->data, all, (size_t)c->out[0]->size);
  tw_tensor spread = *c->out[0];
  tw_shape shape = tw_tensor_shape(x);
  spread.ndim = x->ndim;
  int64_t step = 1;
  for (int i = x->ndim - 1; i >= 0; i--) {
    bool gone = ((const tw_reduce_attrs *)c->attrs)->axes >> i & 1;
    spread.shape[i] = gone ? 1 : x->shape[i];
    spread.stride[i] = step;
    step *= spread.shape[i];
  }
  tw_tensor *operands[2] = {&spread, c->in[0]};
  tw_iter it;
  tw_iter_init(&it, &shape, 2, operands);
  tw_iter_run(&it, loops[all][x->dtype]);
  return TW_OK;
}

#define TRUTH(id, text)                                                                                                                         \
  const tw_op tw_op_##id = {.name = #id, .about = text, .n_in = 1, .n_out = 1, .flags = TW_OP_NO_GRAD, .attrs_bytes = sizeof(tw_reduce_attrs), \
                            .infer = infer_truth, .run = run_truth};
TRUTH(all, "whether every element over axes is true (a number: not 0)")
TRUTH(any, "whether some element over axes is true (a number: not 0)")

tw_status tw_clamp(tw_ctx *ctx, tw_tensor *x, tw_tensor *low, tw_tensor *high, tw_tensor **out) {
  tw_compose k = {.ctx = ctx};
  tw_tensor *y = x;
  if (low) y = tw_do2(&k, &tw_op_clamp_min, NULL, y, low);
  if (high) y = tw_do2(&k, &tw_op_clamp_max, NULL, y, high);
  return tw_compose_end(&k, y, out);
}

tw_status tw_one_hot(tw_ctx *ctx, tw_tensor *index, int64_t classes, tw_dtype dtype, tw_tensor **out) {
  tw_status s = tw_index_check(ctx, "one_hot", index, classes);
  if (s != TW_OK) return s;
  if (index->ndim == TW_MAX_DIM) return tw_fail(&ctx->error, TW_EINVAL, "one_hot: a tensor has at most %d axes", TW_MAX_DIM);
  tw_compose k = {.ctx = ctx};
  tw_tensor like = {.dtype = (uint8_t)(tw_is_real(dtype) ? dtype : TW_F64)};
  tw_shape shape = tw_tensor_shape(index);
  tw_index_add_attrs to = {.axis = index->ndim, .size = classes};
  tw_tensor *y = tw_do2(&k, &tw_op_unpick, &to, tw_do_ones(&k, &like, &shape), index);
  if (!tw_is_real(dtype)) y = tw_do1(&k, &tw_op_cast, &(tw_cast_attrs){.dtype = dtype}, y);
  return tw_compose_end(&k, y, out);
}

/* root(0) = 0 with derivative 0, so that the norm of zeros has gradient 0 as in PyTorch. */
static tw_tensor *root(tw_compose *k, tw_tensor *sum, double p) {
  if (!sum) return NULL;
  tw_tensor *zero = tw_do_constant(k, 0, sum), *is_zero = tw_do2(k, &tw_op_eq, NULL, sum, zero);
  tw_tensor *safe = tw_do3(k, &tw_op_where, NULL, is_zero, tw_do_constant(k, 1, sum), sum);
  tw_tensor *y = p == 2 ? tw_do1(k, &tw_op_sqrt, NULL, safe) : tw_do2(k, &tw_op_pow, NULL, safe, tw_do_constant(k, 1 / p, sum));
  return tw_do3(k, &tw_op_where, NULL, is_zero, zero, y);
}

tw_status tw_norm_axes(tw_ctx *ctx, tw_tensor *x, double p, uint32_t axes, bool keepdim, tw_tensor **out) {
  tw_compose k = {.ctx = ctx};
  tw_reduce_attrs a = {.axes = axes, .keepdim = keepdim};
  if (p != p) return tw_fail(&ctx->error, TW_EINVAL, "norm: p must be a number, got nan");
  if (!tw_is_real((tw_dtype)x->dtype)) x = tw_do1(&k, &tw_op_cast, &(tw_cast_attrs){.dtype = ctx->default_dtype}, x);
  if (!x) return tw_compose_end(&k, x, out);
  if (p == 2) return tw_compose_end(&k, root(&k, tw_do1(&k, &tw_op_sum, &a, tw_do1(&k, &tw_op_square, NULL, x)), 2), out);
  tw_tensor *size = tw_do1(&k, &tw_op_abs, NULL, x);
  if (p == (double)INFINITY) return tw_compose_end(&k, tw_do1(&k, &tw_op_max, &a, size), out);
  if (p == -(double)INFINITY) return tw_compose_end(&k, tw_do1(&k, &tw_op_min, &a, size), out);
  if (p == 1) return tw_compose_end(&k, tw_do1(&k, &tw_op_sum, &a, size), out);
  if (p == 0) {
    tw_cast_attrs real = {.dtype = (tw_dtype)x->dtype};
    tw_tensor *there = tw_do1(&k, &tw_op_cast, &real, tw_do2(&k, &tw_op_ne, NULL, x, tw_do_constant(&k, 0, x)));
    return tw_compose_end(&k, tw_do1(&k, &tw_op_sum, &a, there), out);
  }
  return tw_compose_end(&k, root(&k, tw_do1(&k, &tw_op_sum, &a, tw_do2(&k, &tw_op_pow, NULL, size, tw_do_constant(&k, p, x))), p), out);
}
