/* Norms, condition numbers and powers: compositions of other operations. */
#include <math.h>

#include "op/linalg_parts.h"

static tw_tensor *reduced(tw_compose *k, const tw_op *op, tw_tensor *x, int axis) {
  if (!x) return NULL;
  tw_reduce_attrs a = {.axes = 1u << axis};
  return tw_do1(k, op, &a, x);
}

/* root(s) where s > 0, and 0 with derivative 0 where s is 0: the subgradient of least norm. */
static tw_tensor *root(tw_compose *k, tw_tensor *s, double p) {
  if (!s) return NULL;
  tw_tensor *zero = tw_do_constant(k, 0, s), *none = tw_do2(k, &tw_op_eq, NULL, s, zero);
  tw_tensor *safe = tw_do3(k, &tw_op_where, NULL, none, tw_do_constant(k, 1, s), s);
  tw_tensor *y = p == 2 ? tw_do1(k, &tw_op_sqrt, NULL, safe) : tw_do2(k, &tw_op_pow, NULL, safe, tw_do_constant(k, 1 / p, s));
  return tw_do3(k, &tw_op_where, NULL, none, zero, y);
}

/* x: vectors in the last axis. */
static tw_tensor *vector_norm(tw_compose *k, tw_tensor *x, double p) {
  if (!x) return NULL;
  int last = x->ndim - 1;
  if (p == 2) return root(k, reduced(k, &tw_op_sum, tw_do1(k, &tw_op_square, NULL, x), last), 2);
  if (p == 0) {
    tw_cast_attrs real = {.dtype = (tw_dtype)x->dtype};
    return reduced(k, &tw_op_sum, tw_do1(k, &tw_op_cast, &real, tw_do2(k, &tw_op_ne, NULL, x, tw_do_constant(k, 0, x))), last);
  }
  tw_tensor *size = tw_do1(k, &tw_op_abs, NULL, x);
  if (p == 1) return reduced(k, &tw_op_sum, size, last);
  if (isinf(p)) return reduced(k, p > 0 ? &tw_op_max : &tw_op_min, size, last);
  return root(k, reduced(k, &tw_op_sum, tw_do2(k, &tw_op_pow, NULL, size, tw_do_constant(k, p, x)), last), p);
}

static tw_tensor *singular_values(tw_compose *k, tw_tensor *x) {
  tw_spectral_attrs values = {.vectors = false};
  tw_tensor *out[3];
  return x && tw__do_all(k, &tw_op_svd, &values, &x, 1, out, 3) ? out[1] : NULL;
}

/* Element `at` of the last axis. */
static tw_tensor *element(tw_compose *k, tw_tensor *x, int64_t at) {
  if (!x) return NULL;
  tw_slice_attrs s = {.n = x->ndim};
  tw_shape_attrs flat = {.shape = tw_tensor_shape(x)};
  for (int i = 0; i < x->ndim; i++) {
    s.step[i] = 1;
    s.size[i] = x->shape[i];
  }
  s.start[x->ndim - 1] = at;
  s.size[x->ndim - 1] = 1;
  flat.shape.n--;
  return tw_do1(k, &tw_op_reshape, &flat, tw_do1(k, &tw_op_slice, &s, x));
}

/* x: matrices in the last two axes, not empty. */
static tw_tensor *matrix_norm(tw_compose *k, tw_tensor *x, tw_norm_kind kind, double p) {
  if (!x) return NULL;
  int cols = x->ndim - 1;
  if (kind == TW_NORM_FRO) {
    tw_shape_attrs flat = {.shape = tw_tensor_shape(x)};
    flat.shape.d[cols - 1] *= flat.shape.d[cols];
    flat.shape.n--;
    return vector_norm(k, tw_do1(k, &tw_op_reshape, &flat, x), 2);
  }
  if (kind == TW_NORM_NUC) return reduced(k, &tw_op_sum, singular_values(k, x), cols - 1);
  if (fabs(p) == 2) {
    tw_tensor *s = singular_values(k, x);
    return s ? element(k, s, p > 0 ? 0 : s->shape[s->ndim - 1] - 1) : NULL;
  }
  tw_tensor *sums = reduced(k, &tw_op_sum, tw_do1(k, &tw_op_abs, NULL, x), isinf(p) ? cols : cols - 1);
  return reduced(k, p > 0 ? &tw_op_max : &tw_op_min, sums, cols - 1);
}

static tw_status check_norm(tw_ctx *ctx, const char *op, const tw_tensor *x, tw_norm_kind kind, double p, bool matrices) {
  char is[128];
  if (!tw_is_real((tw_dtype)x->dtype)) {
    return tw_fail(&ctx->error, TW_EINVAL, "%s: needs real numbers: x is %s; convert it with :to(\"f64\")", op, tw_tensor_describe(x, is, sizeof is));
  }
  if (!matrices && kind != TW_NORM_P) {
    return tw_fail(&ctx->error, TW_EINVAL, "%s: \"fro\" and \"nuc\" are norms of matrices: x is %s", op, tw_tensor_describe(x, is, sizeof is));
  }
  if (!matrices) return p == p ? TW_OK : tw_fail(&ctx->error, TW_EINVAL, "%s: the order is NaN", op);
  if (kind != TW_NORM_P || fabs(p) == 1 || fabs(p) == 2 || isinf(p)) return TW_OK;
  return tw_fail(&ctx->error, TW_EINVAL, "%s: a matrix has no norm of order %.9g; valid: \"fro\", \"nuc\", 1, -1, 2, -2, math.huge, -math.huge", op, p);
}

tw_status tw_linalg_norm(tw_ctx *ctx, tw_tensor *x, const tw_norm_spec *how, tw_tensor **out) {
  tw_status s = check_norm(ctx, "norm", x, how->kind, how->p, how->n == 2);
  if (s != TW_OK) return s;
  bool empty = x->shape[how->axis[0]] == 0 || x->shape[how->axis[how->n - 1]] == 0;
  bool needs_one = how->kind == TW_NORM_NUC || (how->kind == TW_NORM_P && (how->n == 2 || isinf(how->p) || how->p < 0));
  if (empty && needs_one) {
    char is[128];
    return tw_fail(&ctx->error, TW_EINVAL, "norm: this norm needs at least one entry: x is %s", tw_tensor_describe(x, is, sizeof is));
  }
  tw_compose k = {.ctx = ctx};
  tw_permute_attrs order = {.n = x->ndim};
  tw_shape_attrs kept = {.shape = tw_tensor_shape(x)};
  int n = 0;
  bool moved = false;
  for (int i = 0; i < x->ndim; i++) {
    if (i != how->axis[0] && i != how->axis[how->n - 1]) order.axis[n++] = i;
  }
  for (int i = 0; i < how->n; i++) {
    order.axis[n++] = how->axis[i];
    kept.shape.d[how->axis[i]] = 1;
  }
  for (int i = 0; i < x->ndim; i++) moved = moved || order.axis[i] != i;
  tw_tensor *y = moved ? tw_do1(&k, &tw_op_permute, &order, x) : x;
  y = how->n == 1 ? vector_norm(&k, y, how->p) : matrix_norm(&k, y, how->kind, how->p);
  if (how->keepdim && y) y = tw_do1(&k, &tw_op_reshape, &kept, y);
  return tw_compose_end(&k, y, out);
}

tw_status tw_cond(tw_ctx *ctx, tw_tensor *a, tw_norm_kind kind, double p, tw_tensor **out) {
  bool spectral = kind == TW_NORM_P && fabs(p) == 2;
  tw_status s = tw__check_matrices(ctx, "cond", a, !spectral);
  if (s == TW_OK) s = check_norm(ctx, "cond", a, kind, p, true);
  if (s != TW_OK) return s;
  tw_compose k = {.ctx = ctx};
  if (a->shape[a->ndim - 1] == 0 || a->shape[a->ndim - 2] == 0) {
    char is[128];
    return tw_fail(&ctx->error, TW_EINVAL, "cond: needs at least one entry: a is %s", tw_tensor_describe(a, is, sizeof is));
  }
  if (!spectral) {
    tw_tensor *inverse = NULL;
    s = tw_inverse(ctx, a, &inverse);
    inverse = tw__keep(&k, s, inverse);
    return tw_compose_end(&k, inverse ? tw__mul(&k, matrix_norm(&k, a, kind, p), matrix_norm(&k, inverse, kind, p)) : NULL, out);
  }
  tw_tensor *values = singular_values(&k, a);
  if (!values) return tw_compose_end(&k, values, out);
  tw_tensor *largest = element(&k, values, 0), *least = element(&k, values, values->shape[values->ndim - 1] - 1);
  if (p < 0) return tw_compose_end(&k, tw_do2(&k, &tw_op_div, NULL, least, largest), out);
  tw_tensor *none = tw_do2(&k, &tw_op_eq, NULL, least, tw_do_constant(&k, 0, values)); /* also of the zero matrix, where 0/0 stands */
  tw_tensor *ratio = tw_do2(&k, &tw_op_div, NULL, largest, tw_do3(&k, &tw_op_where, NULL, none, tw_do_constant(&k, 1, values), least));
  return tw_compose_end(&k, tw_do3(&k, &tw_op_where, NULL, none, tw_do_constant(&k, INFINITY, values), ratio), out);
}

/* x, replaced by op(x, y); both lent. */
static tw_status times(tw_ctx *ctx, tw_tensor **x, tw_tensor *y) {
  tw_compose k = {.ctx = ctx};
  tw_tensor *product = NULL;
  tw_status s = tw_compose_end(&k, *x == NULL ? y : tw__product(&k, *x, y), &product);
  tw_tensor_release(ctx, *x);
  *x = product;
  return s;
}

/* By repeated squaring: a^n is the product of the squarings whose bit is set, from the lowest on. A negative power is one of the inverse. */
tw_status tw_matrix_power(tw_ctx *ctx, tw_tensor *a, int64_t n, tw_tensor **out) {
  tw_tensor *power = NULL, *result = NULL;
  tw_status s = tw__check_matrices(ctx, "matrix_power", a, true);
  if (s != TW_OK) return s;
  if (n == 0) {
    tw_compose k = {.ctx = ctx};
    tw_shape_attrs whole = {.shape = tw_tensor_shape(a)};
    return tw_compose_end(&k, tw_do1(&k, &tw_op_expand, &whole, tw__identity(&k, a->shape[a->ndim - 1], a)), out);
  }
  uint64_t left = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
  if (n < 0) s = tw_inverse(ctx, a, &power);
  else power = tw_tensor_retain(a);
  for (; left && s == TW_OK; left >>= 1) {
    if (left & 1) s = times(ctx, &result, power);
    if (left > 1 && s == TW_OK) {
      tw_tensor *same = power;
      s = times(ctx, &power, same);
    }
  }
  tw_tensor_release(ctx, power);
  if (s == TW_OK) *out = result;
  else tw_tensor_release(ctx, result);
  return s;
}
