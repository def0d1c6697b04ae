/* Cumulative sums and products. Element i is bit for bit the sum (product) of the first i elements: the one tree of reduce.c over every prefix, so the order
 * of adding depends on the place along the axis alone. And the first-order recurrence r[i] = a[i] r[i-1] + b[i], whose derivatives are recurrences
 * again: with it the derivative of a product needs no division and is right where an element is 0. */
#include "op/lines.h"
#include "op/select.h"
#include "tensor/ctx.h"

enum { BLOCK = 128, LANES = 8, DEPTH = 64 };

#define T double
#define N(name) name##_f64
#include "op/scan_kernels.inc"
#define T float
#define N(name) name##_f32
#include "op/scan_kernels.inc"
#define T int64_t
#define N(name) name##_i64
#define TW_INTEGER 1
#include "op/scan_kernels.inc"
#undef TW_INTEGER

static int axis_of(const tw_call *c) { return ((const tw_scan_attrs *)c->attrs)->axis; }

static tw_status infer_scan(tw_ctx *ctx, const tw_call *c, tw_meta *out) {
  const tw_tensor *x = c->in[0];
  if (x->ndim == 0) return tw_fail_shapes(ctx, c, "there is no axis to go along");
  if (x->dtype == TW_BOOL) return tw_fail_shapes(ctx, c, "a bool tensor has no such scan; count with x:to(\"i64\")");
  out[0] = (tw_meta){.dtype = (tw_dtype)x->dtype, .shape = tw_tensor_shape(x)};
  return TW_OK;
}

static tw_status run_scan(tw_ctx *ctx, const tw_call *c) {
  (void)ctx;
  tw_tensor *operands[2] = {c->out[0], c->in[0]};
  bool product = c->op == &tw_op_cumprod;
  if (c->out[0]->size == 0) return TW_OK;
  tw_lines l;
  tw_lines_init(&l, axis_of(c), 2, operands);
  do {
    if (c->in[0]->dtype == TW_F64) cumulate_f64(l.n, l.p[0], l.step[0], l.p[1], l.step[1], product);
    else if (c->in[0]->dtype == TW_F32) cumulate_f32(l.n, l.p[0], l.step[0], l.p[1], l.step[1], product);
    else cumulate_i64(l.n, l.p[0], l.step[0], l.p[1], l.step[1], product);
  } while (tw_lines_next(&l));
  return TW_OK;
}

/* Composed helpers. */

static tw_slice_attrs whole(const tw_tensor *x) {
  tw_slice_attrs s = {.n = x->ndim};
  for (int i = 0; i < x->ndim; i++) {
    s.step[i] = 1;
    s.size[i] = x->shape[i];
  }
  return s;
}

static tw_slice_attrs reversed(const tw_tensor *x, uint32_t axes) {
  tw_slice_attrs s = whole(x);
  for (int i = 0; i < x->ndim; i++) {
    if (!(axes >> i & 1)) continue;
    s.start[i] = x->shape[i] - 1;
    s.step[i] = -1;
  }
  return s;
}

static tw_tensor *flip(tw_compose *k, tw_tensor *x, int axis) {
  if (!x) return NULL;
  tw_slice_attrs s = reversed(x, 1u << axis);
  return tw_do1(k, &tw_op_slice, &s, x);
}

tw_status tw_flip(tw_ctx *ctx, tw_tensor *x, uint32_t axes, tw_tensor **out) {
  tw_compose k = {.ctx = ctx};
  tw_slice_attrs s = reversed(x, axes);
  return tw_compose_end(&k, tw_do1(&k, &tw_op_slice, &s, x), out);
}

/* One place later along the axis, `first` (0 or 1) at the beginning. */
static tw_tensor *shift(tw_compose *k, tw_tensor *x, int axis, double first) {
  if (!x) return NULL;
  tw_slice_attrs most = whole(x);
  most.size[axis]--;
  tw_tensor *rest = tw_do1(k, &tw_op_slice, &most, x);
  tw_shape one = tw_tensor_shape(x);
  one.d[axis] = 1;
  tw_tensor *head = tw_do1(k, &tw_op_expand, &(tw_shape_attrs){.shape = one}, tw_do_constant(k, first, x));
  return tw_do2(k, &tw_op_cat, &(tw_axis_attrs){.axis = axis}, head, rest);
}

/* s[i] = u[i] + a[i+1] s[i+1]: the recurrence run backwards. */
static tw_tensor *backwards(tw_compose *k, const tw_scan_attrs *along, tw_tensor *a, tw_tensor *u) {
  tw_tensor *factor = shift(k, flip(k, a, along->axis), along->axis, 0);
  return flip(k, tw_do2(k, &tw_op_recurrence, along, factor, flip(k, u, along->axis)), along->axis);
}

static tw_status vjp_cumsum(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **grad, const bool *wanted) {
  (void)wanted;
  int axis = axis_of(c);
  tw_compose k = {.ctx = ctx};
  return tw_compose_end(&k, flip(&k, tw_do1(&k, &tw_op_cumsum, c->attrs, flip(&k, t[0], axis)), axis), &grad[0]);
}

const tw_op tw_op_cumsum = {.name = "cumsum", .about = "the sums of the first 1, 2, ... elements along an axis", .n_in = 1, .n_out = 1,
                            .flags = TW_OP_STEADY | TW_OP_LINEAR,
                            .attrs_bytes = sizeof(tw_scan_attrs), .infer = infer_scan, .run = run_scan, .vjp = vjp_cumsum};

/* dy[k]/dx[i] = (product before i) (product of i+1..k) for i <= k. */
static tw_status vjp_cumprod(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **grad, const bool *wanted) {
  (void)wanted;
  tw_compose k = {.ctx = ctx};
  if (c->in[0]->size == 0) return tw_compose_end(&k, t[0], &grad[0]);
  tw_tensor *before = shift(&k, c->out[0], axis_of(c), 1);
  return tw_compose_end(&k, tw_do2(&k, &tw_op_mul, NULL, before, backwards(&k, c->attrs, c->in[0], t[0])), &grad[0]);
}

/* dy[i] = x[i] dy[i-1] + dx[i] y[i-1]. */
static tw_status jvp_cumprod(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **out) {
  tw_compose k = {.ctx = ctx};
  if (c->in[0]->size == 0) return tw_compose_end(&k, t[0], &out[0]);
  tw_tensor *source = tw_do2(&k, &tw_op_mul, NULL, t[0], shift(&k, c->out[0], axis_of(c), 1));
  return tw_compose_end(&k, tw_do2(&k, &tw_op_recurrence, c->attrs, c->in[0], source), &out[0]);
}

const tw_op tw_op_cumprod = {.name = "cumprod", .about = "the products of the first 1, 2, ... elements along an axis", .n_in = 1, .n_out = 1,
                             .flags = TW_OP_STEADY,
                             .attrs_bytes = sizeof(tw_scan_attrs), .infer = infer_scan, .run = run_scan, .vjp = vjp_cumprod, .jvp = jvp_cumprod};

/* recurrence. */

static tw_status infer_recurrence(tw_ctx *ctx, const tw_call *c, tw_meta *out) {
  tw_shape a = tw_tensor_shape(c->in[0]), b = tw_tensor_shape(c->in[1]);
  if (c->in[0]->dtype != c->in[1]->dtype || !tw_is_real((tw_dtype)c->in[0]->dtype) || !tw_shape_equal(&a, &b)) {
    return tw_fail_shapes(ctx, c, "the factors and the terms must be real and of one shape and dtype");
  }
  return infer_scan(ctx, c, out);
}

static tw_status run_recurrence(tw_ctx *ctx, const tw_call *c) {
  (void)ctx;
  tw_tensor *operands[3] = {c->out[0], c->in[0], c->in[1]};
  if (c->out[0]->size == 0) return TW_OK;
  tw_lines l;
  tw_lines_init(&l, axis_of(c), 3, operands);
  do {
    if (c->in[0]->dtype == TW_F64) recur_f64(l.n, l.p[0], l.step[0], l.p[1], l.step[1], l.p[2], l.step[2]);
    else recur_f32(l.n, l.p[0], l.step[0], l.p[1], l.step[1], l.p[2], l.step[2]);
  } while (tw_lines_next(&l));
  return TW_OK;
}

/* With s the cotangents carried backwards: db = s, da[i] = s[i] r[i-1]. */
static tw_status vjp_recurrence(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **grad, const bool *wanted) {
  tw_compose k = {.ctx = ctx};
  if (c->out[0]->size == 0) {
    for (int i = 0; i < 2; i++) {
      if (wanted[i]) grad[i] = tw_tensor_retain(t[0]);
    }
    return TW_OK;
  }
  tw_tensor *s = backwards(&k, c->attrs, c->in[0], t[0]);
  tw_tensor *da = wanted[0] ? tw_do2(&k, &tw_op_mul, NULL, s, shift(&k, c->out[0], axis_of(c), 0)) : NULL;
  if (wanted[1] && k.status == TW_OK) grad[1] = tw_tensor_retain(s);
  if (da) grad[0] = tw_tensor_retain(da);
  tw_tensor *last = NULL;
  tw_status status = tw_compose_end(&k, s, &last);
  tw_tensor_release(ctx, last);
  return status;
}

static tw_status jvp_recurrence(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **out) {
  tw_compose k = {.ctx = ctx};
  if (c->out[0]->size == 0) return tw_compose_end(&k, t[0] ? t[0] : t[1], &out[0]);
  tw_tensor *source = t[0] ? tw_do2(&k, &tw_op_mul, NULL, t[0], shift(&k, c->out[0], axis_of(c), 0)) : t[1];
  if (t[0] && t[1]) source = tw_do2(&k, &tw_op_add, NULL, source, t[1]);
  return tw_compose_end(&k, tw_do2(&k, &tw_op_recurrence, c->attrs, c->in[0], source), &out[0]);
}

const tw_op tw_op_recurrence = {.name = "recurrence", .about = "r[i] = a[i] r[i-1] + b[i] along an axis, r[1] = b[1]", .n_in = 2, .n_out = 1,
                                .flags = TW_OP_STEADY,
                                .attrs_bytes = sizeof(tw_scan_attrs), .infer = infer_recurrence, .run = run_recurrence, .vjp = vjp_recurrence,
                                .jvp = jvp_recurrence};
