/* Losses: compositions of calls, so differentiable in the model's side and in the target, to any order. Each gives one number per element (or per row
 * of classes); the mean over all of them is what is returned unless sum or none is asked for. */
#include "op/nn.h"
#include "tensor/ctx.h"

static tw_tensor *reduced(tw_compose *k, tw_tensor *each, tw_reduction how) {
  if (!each || how == TW_LOSS_NONE) return each;
  tw_reduce_attrs all = {.axes = (1u << each->ndim) - 1};
  tw_tensor *sum = tw_do1(k, &tw_op_sum, &all, each);
  if (!sum || how == TW_LOSS_SUM) return sum;
  return tw_do2(k, &tw_op_div, NULL, sum, tw_do_constant(k, (double)each->size, each));
}

/* Both sides in one real dtype. One must broadcast to the other: an [N 1] against an [N] would silently compare every pair. */
static bool begin(tw_compose *k, const char *name, tw_tensor **a, tw_tensor **b) {
  tw_tensor *side[2] = {*a, *b};
  char p[128], q[128];
  tw_shape sa = tw_tensor_shape(*a), sb = tw_tensor_shape(*b), both;
  bool fits = tw_shape_broadcast(&sa, &sb, &both) && (tw_shape_equal(&both, &sa) || tw_shape_equal(&both, &sb));
  bool real[2] = {tw_is_real((tw_dtype)side[0]->dtype) && !side[0]->weak, tw_is_real((tw_dtype)side[1]->dtype) && !side[1]->weak};
  tw_dtype d = real[0] ? (tw_dtype)side[0]->dtype : real[1] ? (tw_dtype)side[1]->dtype : k->ctx->default_dtype;
  tw_tensor_describe(*a, p, sizeof p);
  tw_tensor_describe(*b, q, sizeof q);
  if (!fits) {
    k->status = tw_fail(&k->ctx->error, TW_EINVAL, "%s: the shapes differ: the first argument is %s, the target %s; reshape one of them", name, p, q);
  } else if (real[0] && real[1] && side[0]->dtype != side[1]->dtype) {
    k->status = tw_fail(&k->ctx->error, TW_EINVAL, "%s: the dtypes differ: the first argument is %s, the target %s; convert one with :to()", name, p, q);
  }
  for (int i = 0; i < 2; i++) {
    if ((tw_dtype)side[i]->dtype != d) side[i] = tw_do1(k, &tw_op_cast, &(tw_cast_attrs){.dtype = d}, side[i]);
  }
  *a = side[0];
  *b = side[1];
  return k->status == TW_OK;
}

/* (a - b)^2 */
tw_status tw_mse(tw_ctx *ctx, tw_tensor *a, tw_tensor *b, tw_reduction how, tw_tensor **out) {
  tw_compose k = {.ctx = ctx};
  if (!begin(&k, "mse", &a, &b)) return tw_compose_end(&k, NULL, out);
  return tw_compose_end(&k, reduced(&k, tw_do1(&k, &tw_op_square, NULL, tw_do2(&k, &tw_op_sub, NULL, a, b)), how), out);
}

/* |a - b|; the derivative at 0 is 0. */
tw_status tw_l1(tw_ctx *ctx, tw_tensor *a, tw_tensor *b, tw_reduction how, tw_tensor **out) {
  tw_compose k = {.ctx = ctx};
  if (!begin(&k, "l1", &a, &b)) return tw_compose_end(&k, NULL, out);
  return tw_compose_end(&k, reduced(&k, tw_do1(&k, &tw_op_abs, NULL, tw_do2(&k, &tw_op_sub, NULL, a, b)), how), out);
}

/* d = a - b: d^2 / 2 where |d| <= delta, else delta (|d| - delta / 2). Written r (d - r / 2) with r = d held within +-delta. */
tw_status tw_huber(tw_ctx *ctx, tw_tensor *a, tw_tensor *b, double delta, tw_reduction how, tw_tensor **out) {
  tw_compose k = {.ctx = ctx};
  if (!(delta > 0)) return tw_fail(&ctx->error, TW_EINVAL, "huber: delta must be greater than 0, got %g", delta);
  if (!begin(&k, "huber", &a, &b)) return tw_compose_end(&k, NULL, out);
  tw_tensor *d = tw_do2(&k, &tw_op_sub, NULL, a, b);
  tw_tensor *r = tw_do2(&k, &tw_op_maximum, NULL, tw_do2(&k, &tw_op_minimum, NULL, d, tw_do_constant(&k, delta, a)), tw_do_constant(&k, -delta, a));
  tw_tensor *rest = tw_do2(&k, &tw_op_sub, NULL, d, tw_do2(&k, &tw_op_mul, NULL, tw_do_constant(&k, 0.5, a), r));
  return tw_compose_end(&k, reduced(&k, tw_do2(&k, &tw_op_mul, NULL, r, rest), how), out);
}

/* log p and log(1 - p), held at or above -100, constant there: an exact 0 or 1 gives a finite loss, as in PyTorch. */
static tw_tensor *bounded_log(tw_compose *k, tw_tensor *p, bool complement) {
  tw_tensor *low = tw_do_constant(k, -100, p);
  tw_tensor *at_pole = tw_do2(k, &tw_op_eq, NULL, p, tw_do_constant(k, complement ? 1 : 0, p));
  tw_tensor *safe = tw_do3(k, &tw_op_where, NULL, at_pole, tw_do_constant(k, complement ? 0 : 1, p), p);
  tw_tensor *log = complement ? tw_do1(k, &tw_op_log1p, NULL, tw_do1(k, &tw_op_neg, NULL, safe)) : tw_do1(k, &tw_op_log, NULL, safe);
  return tw_do2(k, &tw_op_maximum, NULL, tw_do3(k, &tw_op_where, NULL, at_pole, low, log), low);
}

static tw_tensor *one_minus(tw_compose *k, tw_tensor *x) { return tw_do2(k, &tw_op_sub, NULL, tw_do_constant(k, 1, x), x); }

/* -(y log p + (1 - y) log(1 - p)) */
tw_status tw_bce(tw_ctx *ctx, tw_tensor *p, tw_tensor *y, tw_reduction how, tw_tensor **out) {
  tw_compose k = {.ctx = ctx};
  if (!begin(&k, "bce", &p, &y)) return tw_compose_end(&k, NULL, out);
  tw_tensor *yes = tw_do2(&k, &tw_op_mul, NULL, y, bounded_log(&k, p, false));
  tw_tensor *no = tw_do2(&k, &tw_op_mul, NULL, one_minus(&k, y), bounded_log(&k, p, true));
  return tw_compose_end(&k, reduced(&k, tw_do1(&k, &tw_op_neg, NULL, tw_do2(&k, &tw_op_add, NULL, yes, no)), how), out);
}

/* y softplus(-x) + (1 - y) softplus(x): bce of sigmoid(x), exact to rounding for every x. */
tw_status tw_bce_with_logits(tw_ctx *ctx, tw_tensor *x, tw_tensor *y, tw_reduction how, tw_tensor **out) {
  tw_compose k = {.ctx = ctx};
  if (!begin(&k, "bce_with_logits", &x, &y)) return tw_compose_end(&k, NULL, out);
  tw_tensor *yes = tw_do2(&k, &tw_op_mul, NULL, y, tw_do1(&k, &tw_op_softplus, NULL, tw_do1(&k, &tw_op_neg, NULL, x)));
  tw_tensor *no = tw_do2(&k, &tw_op_mul, NULL, one_minus(&k, y), tw_do1(&k, &tw_op_softplus, NULL, x));
  return tw_compose_end(&k, reduced(&k, tw_do2(&k, &tw_op_add, NULL, yes, no), how), out);
}

/* max(0, 1 - y s), y = -1 or 1; the derivative at the kink is 0. */
tw_status tw_hinge(tw_ctx *ctx, tw_tensor *score, tw_tensor *y, tw_reduction how, tw_tensor **out) {
  tw_compose k = {.ctx = ctx};
  if (!begin(&k, "hinge", &score, &y)) return tw_compose_end(&k, NULL, out);
  return tw_compose_end(&k, reduced(&k, tw_do1(&k, &tw_op_relu, NULL, one_minus(&k, tw_do2(&k, &tw_op_mul, NULL, y, score))), how), out);
}

/* p (log p - log q), 0 where p = 0, whatever q. */
tw_status tw_kl(tw_ctx *ctx, tw_tensor *log_q, tw_tensor *p, tw_reduction how, tw_tensor **out) {
  tw_compose k = {.ctx = ctx};
  if (!begin(&k, "kl", &log_q, &p)) return tw_compose_end(&k, NULL, out);
  tw_tensor *zero = tw_do_constant(&k, 0, p), *none = tw_do2(&k, &tw_op_eq, NULL, p, zero);
  tw_tensor *log_p = tw_do1(&k, &tw_op_log, NULL, tw_do3(&k, &tw_op_where, NULL, none, tw_do_constant(&k, 1, p), p));
  tw_tensor *ratio = tw_do2(&k, &tw_op_sub, NULL, log_p, tw_do3(&k, &tw_op_where, NULL, none, zero, log_q));
  return tw_compose_end(&k, reduced(&k, tw_do2(&k, &tw_op_mul, NULL, p, ratio), how), out);
}

/* -log_p[.., target]: one number per row of classes. */
tw_status tw_nll(tw_ctx *ctx, tw_tensor *log_p, tw_tensor *target, tw_reduction how, tw_tensor **out) {
  tw_compose k = {.ctx = ctx};
  tw_status s = tw__check_classes(ctx, "nll", log_p, target);
  if (s != TW_OK) return s;
  return tw_compose_end(&k, reduced(&k, tw_do1(&k, &tw_op_neg, NULL, tw_do2(&k, &tw_op_pick, NULL, log_p, target)), how), out);
}

/* -log softmax(logits)[.., target], or -sum over classes of target log softmax(logits). */
tw_status tw_cross_entropy(tw_ctx *ctx, tw_tensor *logits, tw_tensor *target, tw_reduction how, tw_tensor **out) {
  tw_compose k = {.ctx = ctx};
  if (target->dtype == TW_I64) {
    tw_tensor *in[2] = {logits, target}, *both[2] = {NULL, NULL};
    tw_call c = {.op = &tw_op_cross_entropy, .in = in, .out = both, .n_in = 2, .n_out = 2};
    tw_status s = tw_apply(ctx, &c); /* one number per row, and the softmax */
    if (s != TW_OK) return s;
    s = tw_compose_end(&k, reduced(&k, both[0], how), out);
    tw_tensor_release(ctx, both[0]);
    tw_tensor_release(ctx, both[1]);
    return s;
  }
  if (logits->ndim == 0) return tw_fail(&ctx->error, TW_EINVAL, "cross_entropy: the logits need an axis of classes, got a 0-d tensor");
  if (!begin(&k, "cross_entropy", &logits, &target)) return tw_compose_end(&k, NULL, out);
  tw_axis_attrs last = {.axis = logits->ndim - 1};
  tw_tensor *log_p = tw_do1(&k, &tw_op_log_softmax, &last, logits);
  tw_reduce_attrs classes = {.axes = 1u << last.axis};
  tw_tensor *each = tw_do1(&k, &tw_op_sum, &classes, tw_do2(&k, &tw_op_mul, NULL, target, log_p));
  return tw_compose_end(&k, reduced(&k, tw_do1(&k, &tw_op_neg, NULL, each), how), out);
}
