/* Layer and batch normalisation: normalize, then a learned scale and shift. */
#include "op/nn.h"
#include "tensor/ctx.h"

static tw_status refuse(tw_ctx *ctx, const char *op, const char *what, const tw_tensor *x, const char *name, const tw_tensor *other) {
  char p[128], q[128];
  return tw_fail(&ctx->error, TW_EINVAL, "%s: %s: x is %s%s%s%s%s", op, what, tw_tensor_describe(x, p, sizeof p), other ? ", " : "", other ? name : "",
                 other ? " is " : "", other ? tw_tensor_describe(other, q, sizeof q) : "");
}

/* y w + b; w and b already broadcast against y. */
static tw_tensor *scaled(tw_compose *k, tw_tensor *y, tw_tensor *w, tw_tensor *b) {
  if (w) y = tw_do2(k, &tw_op_mul, NULL, y, w);
  return b ? tw_do2(k, &tw_op_add, NULL, y, b) : y;
}

/* y, mean and var of x over axes into out[0..2], owned by the caller even after a failure. */
static tw_status normalize(tw_ctx *ctx, tw_tensor *x, uint32_t over, double eps, tw_tensor **out) {
  tw_normalize_attrs a = {.axes = over, .eps = eps};
  tw_call c = {.op = &tw_op_normalize, .attrs = &a, .in = &x, .out = out, .n_in = 1, .n_out = 3};
  return tw_apply(ctx, &c);
}

static void release(tw_ctx *ctx, tw_tensor **t) {
  for (int i = 0; i < 3; i++) tw_tensor_release(ctx, t[i]);
}

/* Over the trailing axes, as many as w (or b) has; without either over the last axis. */
tw_status tw_layer_norm(tw_ctx *ctx, tw_tensor *x, tw_tensor *w, tw_tensor *b, double eps, tw_tensor **out) {
  const tw_tensor *learned[2] = {w, b}, *first = w ? w : b;
  static const char *const names[2] = {"w", "b"};
  int axes = first ? first->ndim : 1;
  if (!tw_is_real((tw_dtype)x->dtype) || x->ndim == 0) return refuse(ctx, "layer_norm", "needs a real tensor with at least one axis", x, NULL, NULL);
  for (int i = 0; i < 2; i++) {
    if (!learned[i]) continue;
    bool fits = learned[i]->dtype == x->dtype && learned[i]->ndim == axes && axes >= 1 && axes <= x->ndim;
    for (int k = 0; fits && k < axes; k++) fits = learned[i]->shape[k] == x->shape[x->ndim - axes + k];
    if (!fits) return refuse(ctx, "layer_norm", "the scale and the shift must have x's dtype and the sizes of its last axes", x, names[i], learned[i]);
  }
  tw_tensor *result[3] = {NULL};
  tw_status s = normalize(ctx, x, ((1u << axes) - 1) << (x->ndim - axes), eps, result);
  tw_compose k = {.ctx = ctx, .status = s};
  s = tw_compose_end(&k, s == TW_OK ? scaled(&k, result[0], w, b) : NULL, out);
  release(ctx, result);
  return s;
}

/* buffer <- (1 - momentum) buffer + momentum (factor value), outside every differentiation. */
static tw_status follow(tw_ctx *ctx, tw_tensor *buffer, tw_tensor *value, double momentum, double factor) {
  uint32_t active = ctx->active;
  tw_compose k = {.ctx = ctx};
  tw_shape_attrs shape = {.shape = tw_tensor_shape(buffer)};
  tw_tensor *fresh = NULL;
  ctx->active = 0;
  tw_tensor *old = tw_do2(&k, &tw_op_mul, NULL, tw_do_constant(&k, 1 - momentum, buffer), buffer);
  tw_tensor *current = tw_do2(&k, &tw_op_mul, NULL, tw_do_constant(&k, factor, buffer), tw_do1(&k, &tw_op_reshape, &shape, value));
  tw_tensor *new = tw_do2(&k, &tw_op_mul, NULL, tw_do_constant(&k, momentum, buffer), current);
  tw_status s = tw_compose_end(&k, tw_do2(&k, &tw_op_add, NULL, old, new), &fresh);
  ctx->active = active;
  if (s != TW_OK) return s;
  tw_cast_attrs same = {.dtype = (tw_dtype)buffer->dtype};
  tw_call assign = {.op = &tw_op_cast, .attrs = &same, .in = &fresh, .out = &buffer, .n_in = 1, .n_out = 1};
  s = tw_apply(ctx, &assign);
  tw_tensor_release(ctx, fresh);
  return s;
}

static tw_status check_batch_norm(tw_ctx *ctx, const tw_tensor *x, tw_tensor *const *channel, bool train, double n) {
  static const char *const names[4] = {"mean", "var", "w", "b"};
  const char *op = "batch_norm";
  for (int i = 0; i < 4; i++) {
    const tw_tensor *t = channel[i];
    if (!t) continue;
    if (t->dtype != x->dtype || t->ndim != 1 || t->size != x->shape[1]) {
      return refuse(ctx, op, "the vectors must have x's dtype and one element for each channel (axis 2)", x, names[i], t);
    }
    if (i < 2 && train && (t->levels | t->storage->leaf) & ctx->active) {
      return refuse(ctx, op, "a running average is written, so it cannot be differentiated; mark it with tw.buffer", x, names[i], t);
    }
  }
  if (!train && (!channel[0] || !channel[1])) {
    return refuse(ctx, op, "predicting needs the running mean and var; { train = true } takes the batch's own", x, NULL, NULL);
  }
  if (train && n < 2) return refuse(ctx, op, "more than one value for each channel is needed to train", x, NULL, NULL);
  return TW_OK;
}

/* Train: mean and variance of the batch, and mean and var (where given) follow them, var by the unbiased one (divisor n - 1), as in PyTorch.
 * Predict: mean and var as they stand. */
tw_status tw_batch_norm(tw_ctx *ctx, tw_tensor *x, tw_tensor *mean, tw_tensor *var, tw_tensor *w, tw_tensor *b, const tw_batch_norm_options *o,
                        tw_tensor **out) {
  tw_tensor *const given[4] = {mean, var, w, b};
  tw_tensor *vector[4] = {NULL}, *result[3] = {NULL}, *y = NULL;
  if (!tw_is_real((tw_dtype)x->dtype) || x->ndim < 2) return refuse(ctx, "batch_norm", "needs a real tensor [N C ...]", x, NULL, NULL);
  double n = x->shape[1] ? (double)(x->size / x->shape[1]) : 2; /* no channel: nothing to normalise */
  tw_status s = check_batch_norm(ctx, x, given, o->train, n);
  if (s != TW_OK) return s;
  if (o->train) s = normalize(ctx, x, ((1u << x->ndim) - 1) & ~2u, o->eps, result);
  tw_compose k = {.ctx = ctx, .status = s};
  tw_shape_attrs shape = {.shape = {.n = x->ndim - 1}}; /* [C 1 ...] broadcasts against x */
  for (int i = 0; i < shape.shape.n; i++) shape.shape.d[i] = i ? 1 : x->shape[1];
  for (int i = o->train ? 2 : 0; i < 4; i++) vector[i] = given[i] ? tw_do1(&k, &tw_op_reshape, &shape, given[i]) : NULL;
  if (o->train) {
    y = result[0];
    if (mean && k.status == TW_OK) k.status = follow(ctx, mean, result[1], o->momentum, 1);
    if (var && k.status == TW_OK) k.status = follow(ctx, var, result[2], o->momentum, n / (n - 1));
  } else {
    tw_tensor *root = tw_do1(&k, &tw_op_rsqrt, NULL, tw_do2(&k, &tw_op_add, NULL, vector[1], tw_do_constant(&k, o->eps, x)));
    y = tw_do2(&k, &tw_op_mul, NULL, tw_do2(&k, &tw_op_sub, NULL, x, vector[0]), root);
  }
  s = tw_compose_end(&k, k.status == TW_OK ? scaled(&k, y, vector[2], vector[3]) : NULL, out);
  release(ctx, result);
  return s;
}
