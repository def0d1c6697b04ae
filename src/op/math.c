/* Compositions the field has one name for. Each is calls of operations, so it is differentiable in every argument. */
#include "op/op.h"
#include "op/vec.h"
#include "tensor/ctx.h"

static int64_t count_of(const tw_tensor *x, uint32_t axes) {
  int64_t n = 1;
  for (int i = 0; i < x->ndim; i++) n *= axes >> i & 1 ? x->shape[i] : 1;
  return n;
}

tw_status tw_mean(tw_ctx *ctx, tw_tensor *x, uint32_t axes, bool keepdim, tw_tensor **out) {
  tw_compose k = {.ctx = ctx};
  tw_reduce_attrs a = {.axes = axes, .keepdim = keepdim};
  if (!tw_is_real((tw_dtype)x->dtype)) {
    tw_cast_attrs real = {.dtype = ctx->default_dtype};
    x = tw_do1(&k, &tw_op_cast, &real, x);
    if (!x) return tw_compose_end(&k, x, out);
  }
  tw_tensor *n = tw_do_constant(&k, (double)count_of(x, axes), x);
  return tw_compose_end(&k, tw_do2(&k, &tw_op_div, NULL, tw_do1(&k, &tw_op_sum, &a, x), n), out);
}

tw_status tw_var(tw_ctx *ctx, tw_tensor *x, uint32_t axes, bool keepdim, int64_t correction, tw_tensor **out) {
  tw_tensor *mean;
  tw_status s = tw_mean(ctx, x, axes, true, &mean);
  if (s != TW_OK) return s;
  tw_compose k = {.ctx = ctx};
  tw_reduce_attrs a = {.axes = axes, .keepdim = keepdim};
  tw_tensor *off = tw_do1(&k, &tw_op_square, NULL, tw_do2(&k, &tw_op_sub, NULL, x, mean));
  tw_tensor *n = tw_do_constant(&k, (double)(count_of(x, axes) - correction), mean);
  s = tw_compose_end(&k, tw_do2(&k, &tw_op_div, NULL, tw_do1(&k, &tw_op_sum, &a, off), n), out);
  tw_tensor_release(ctx, mean);
  return s;
}

/* max + log(sum(exp(x - max))), max a constant of the differentiation (its derivatives cancel); an infinite max is replaced by 0. */
tw_status tw_logsumexp(tw_ctx *ctx, tw_tensor *x, uint32_t axes, bool keepdim, tw_tensor **out) {
  tw_compose k = {.ctx = ctx};
  tw_reduce_attrs kept = {.axes = axes, .keepdim = true}, a = {.axes = axes, .keepdim = keepdim};
  uint32_t active = ctx->active;
  ctx->active = 0;
  tw_tensor *top = tw_do1(&k, &tw_op_max, &kept, x);
  top = tw_do3(&k, &tw_op_where, NULL, tw_do1(&k, &tw_op_isfinite, NULL, top), top, tw_do_constant(&k, 0, x));
  ctx->active = active;
  if (top) top->constant = true;
  tw_tensor *sum = tw_do1(&k, &tw_op_sum, &a, tw_do1(&k, &tw_op_exp, NULL, tw_do2(&k, &tw_op_sub, NULL, x, top)));
  tw_tensor *log = tw_do1(&k, &tw_op_log, NULL, sum);
  if (!log) return tw_compose_end(&k, log, out);
  tw_shape_attrs shape = {.shape = tw_tensor_shape(log)};
  return tw_compose_end(&k, tw_do2(&k, &tw_op_add, NULL, log, tw_do1(&k, &tw_op_reshape, &shape, top)), out);
}

/* A vector on the left is a row, on the right a column; the axis added for it is taken away again. */
tw_status tw_matmul(tw_ctx *ctx, tw_tensor *a, tw_tensor *b, tw_tensor **out) {
  tw_compose k = {.ctx = ctx};
  tw_tensor *x = a, *y = b;
  if (a->ndim == 1) x = tw_do1(&k, &tw_op_reshape, &(tw_shape_attrs){.shape = {.n = 2, .d = {1, a->size}}}, a);
  if (b->ndim == 1) y = tw_do1(&k, &tw_op_reshape, &(tw_shape_attrs){.shape = {.n = 2, .d = {b->size, 1}}}, b);
  tw_tensor *r = tw_do2(&k, &tw_op_matmul, NULL, x, y);
  if (r && (a->ndim == 1 || b->ndim == 1)) {
    tw_shape_attrs shape = {.shape = tw_tensor_shape(r)};
    if (b->ndim == 1) shape.shape.n--;
    if (a->ndim == 1) {
      if (b->ndim != 1) shape.shape.d[shape.shape.n - 2] = shape.shape.d[shape.shape.n - 1];
      shape.shape.n--;
    }
    r = tw_do1(&k, &tw_op_reshape, &shape, r);
  }
  return tw_compose_end(&k, r, out);
}

tw_status tw_linear(tw_ctx *ctx, tw_tensor *x, tw_tensor *w, tw_tensor *b, const tw_op *then, tw_tensor **out) {
  tw_compose k = {.ctx = ctx};
  tw_linear_attrs a = {.then = TW_IDENTITY};
  tw_tensor *product = NULL, *y;
  bool one = b && x->ndim >= 2 && w->ndim == 2 && b->ndim == 1 && b->dtype == w->dtype;
  if (one && (b->size != 1 || w->shape[1] == 1)) { /* else b is spread over the columns */
    for (tw_activation i = TW_RELU; then && i < TW_N_ACTIVATIONS; i++) {
      if (tw_activation_op(i) == then) a.then = i;
    }
    y = tw_do3(&k, &tw_op_linear, &a, x, w, b);
  } else {
    tw_status s = tw_matmul(ctx, x, w, &product);
    if (s != TW_OK) return s;
    y = b ? tw_do2(&k, &tw_op_add, NULL, product, b) : product;
  }
  if (then && a.then == TW_IDENTITY) y = tw_do1(&k, then, NULL, y);
  tw_status s = tw_compose_end(&k, y, out);
  tw_tensor_release(ctx, product);
  return s;
}

tw_status tw_contiguous(tw_ctx *ctx, tw_tensor *x, tw_tensor **out) {
  int64_t step;
  if (tw_tensor_is_contiguous(x) || (x->lanes && tw_tensor_is_even(x, &step))) {
    *out = tw_tensor_retain(x);
    return TW_OK;
  }
  tw_compose k = {.ctx = ctx};
  return tw_compose_end(&k, tw_do1(&k, &tw_op_cast, &(tw_cast_attrs){.dtype = (tw_dtype)x->dtype}, x), out);
}

double tw_scalar1(const tw_op *op, double x) {
  double y = 0;
  char *p[2] = {(char *)&y, (char *)&x};
  int64_t stride[2] = {sizeof y, sizeof x};
  op->row->forward[0](1, p, stride);
  return y;
}

double tw_scalar2(const tw_op *op, double a, double b) {
  double y = 0;
  char *p[3] = {(char *)&y, (char *)&a, (char *)&b};
  int64_t stride[3] = {sizeof y, sizeof a, sizeof b};
  op->row->forward[0](1, p, stride);
  return y;
}
