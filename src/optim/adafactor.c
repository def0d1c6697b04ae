/* Adafactor: an adaptive step whose second moments of a matrix are kept by row and column.
 *
 *   w = t^beta2_decay,   rate = min(lr, 1/sqrt(t)),   size = max(eps2, |p| / sqrt(N))               N elements
 *   2 axes or more:  row <- row + w (mean of g^2 over the last axis - row),   col <- the same over the last but one
 *                    V = row col / max(mean of row, eps1)
 *   fewer:           v <- v + w (g^2 - v),   V = v
 *   u = g / sqrt(max(V, eps1^2)),   a = size rate / max(1, |u| / (sqrt(N) d)),   p <- p - a u
 *   beta1 > 0:  m <- beta1 m + (1 - beta1) a u,  p <- p - m
 *
 * Shazeer and Stern 2018 in PyTorch's form (2.5 and later); weight decay there is decoupled, by lr and not by rate. relative_step = false: rate = lr;
 * scale_parameter = false: size = 1. */
#include <math.h>

#include "base/alloc.h"
#include "optim/kinds.h"
#include "optim/rule.h"

enum { LR, BETA1, BETA2_DECAY, EPS1, EPS2, D, WEIGHT_DECAY, DECAY, RELATIVE_STEP, SCALE_PARAMETER };
enum { M, ROW, COL, V2 };

static const tw_option options[] = {
  TW_OPTION_LR(1e-2),
  {"beta1", TW_OPTION_NUMBER, 0, 0, 1, NULL, "decay of an average of updates; 0: none is kept"},
  {"beta2_decay", TW_OPTION_NUMBER, -.8, -1e300, 0, NULL, "the newest square has the weight t^beta2_decay"},
  {"eps1", TW_OPTION_NUMBER, 0, 0, 1e300, NULL, "smallest root of a second moment; 0: the rounding unit of the parameter's dtype"},
  {"eps2", TW_OPTION_NUMBER, 1e-3, 0, 1e300, NULL, "smallest size of a parameter, by which its step is scaled"},
  {"d", TW_OPTION_NUMBER, 1, 1e-300, 1e300, NULL, "largest root mean square of an update, before scaling"},
  TW_OPTION_DECAY(0, TW_DECAY_DECOUPLED),
  {"relative_step", TW_OPTION_FLAG, 1, 0, 1, NULL, "the rate is at most 1/sqrt(t)"},
  {"scale_parameter", TW_OPTION_FLAG, 1, 0, 1, NULL, "steps are relative to the root mean square of the parameter"},
  {0},
};

TW_RULE(adafactor, 0, 1, 1, { p = p - h[0] * g; })
TW_RULE(adafactor_momentum, 1, 3, 1, {
  x[M] = h[1] * x[M] + h[2] * (h[0] * g);
  p = p - x[M];
})
static const tw_rule plain = {.op = &adafactor_op, .n_scalars = 1};
static const tw_rule averaged = {.op = &adafactor_momentum_op, .n_scalars = 3};

/* row [.. n 1], col [.. 1 m] */
static tw_shape slot_shape(const tw_tensor *p, int slot) {
  tw_shape shape = tw_tensor_shape(p);
  if (slot == ROW && shape.n > 1) shape.d[shape.n - 1] = 1;
  if (slot == COL && shape.n > 1) shape.d[shape.n - 2] = 1;
  return shape;
}

/* x + w (y - x), into the slot. */
static tw_status blend(tw_ctx *ctx, tw_optim *o, int i, int slot, const double *w, tw_tensor *y) {
  tw_tensor *x, *next = NULL;
  tw_status s = tw_optim_slot(ctx, o, i, slot, &x);
  if (s == TW_OK) s = tw_optim_blend(ctx, o, x, w, y, &next);
  if (s == TW_OK) s = tw_optim_put(ctx, o, i, slot, next);
  tw_tensor_release(ctx, next);
  return s;
}

static tw_status blend_means(tw_ctx *ctx, tw_optim *o, int i, const double *w, tw_tensor *squares) {
  int last = squares->ndim - 1;
  for (int slot = ROW; slot <= COL; slot++) {
    tw_tensor *mean = NULL;
    tw_status s = tw_mean(ctx, squares, 1u << (slot == ROW ? last : last - 1), true, &mean);
    if (s == TW_OK) s = blend(ctx, o, i, slot, w, mean);
    tw_tensor_release(ctx, mean);
    if (s != TW_OK) return s;
  }
  return TW_OK;
}

/* u. eps: row of lanes. */
static tw_status direction(tw_ctx *ctx, tw_optim *o, int i, const double *w, double *eps, tw_tensor **out) {
  tw_leaf *l = &o->leaf[i];
  tw_tensor *squares = NULL, *mean = NULL;
  bool factored = l->p->ndim > 1;
  tw_compose q = {.ctx = ctx};
  tw_status s = tw_compose_end(&q, tw_do1(&q, &tw_op_square, NULL, o->grad[i]), &squares);
  if (s == TW_OK) s = factored ? blend_means(ctx, o, i, w, squares) : blend(ctx, o, i, V2, w, squares);
  if (s == TW_OK && factored) s = tw_mean(ctx, l->slot[ROW], 1u << (l->p->ndim - 2), true, &mean);
  if (s == TW_OK) {
    tw_compose k = {.ctx = ctx};
    tw_tensor *v = l->slot[V2];
    if (factored) {
      tw_tensor *below = tw_do2(&k, &tw_op_clamp_min, NULL, mean, tw_do_scalar(&k, o, eps, l->p));
      v = tw_do2(&k, &tw_op_div, NULL, tw_do2(&k, &tw_op_mul, NULL, l->slot[ROW], l->slot[COL]), below);
    }
    for (int r = 0; r < o->lanes; r++) eps[r] *= eps[r];
    tw_tensor *root = tw_do1(&k, &tw_op_sqrt, NULL, tw_do2(&k, &tw_op_clamp_min, NULL, v, tw_do_scalar(&k, o, eps, l->p)));
    s = tw_compose_end(&k, tw_do2(&k, &tw_op_div, NULL, o->grad[i], root), out);
  }
  tw_tensor_release(ctx, squares);
  tw_tensor_release(ctx, mean);
  return s;
}

static tw_status update_leaf(tw_ctx *ctx, tw_optim *o, int i, double *const *rows, double *size, double *length) {
  tw_leaf *l = &o->leaf[i];
  const tw_hypers h = tw_optim_hypers(o, l->group);
  double n = (double)l->p->size, unit = l->p->dtype == TW_F32 ? 0x1p-23 : 0x1p-52, *w = rows[1], *eps = rows[2];
  tw_tensor *u = NULL;
  TW_LANES(&h, r) {
    w[r] = tw_power((double)h.t[r], h.v[BETA2_DECAY][r]);
    eps[r] = h.v[EPS1][r] > 0 ? h.v[EPS1][r] : unit;
  }
  tw_status s = direction(ctx, o, i, w, eps, &u);
  if (s == TW_OK) s = tw_optim_global_norm(ctx, 1, &l->p, o->lanes, size);
  if (s == TW_OK) s = tw_optim_global_norm(ctx, 1, &u, o->lanes, length);
  TW_LANES(&h, r) {
    if (s != TW_OK) break;
    double rate = h.v[LR][r], bound = 1 / sqrt((double)h.t[r]), rms = size[r] / sqrt(n), over = length[r] / (sqrt(n) * h.v[D][r]);
    if (h.v[RELATIVE_STEP][0] != 0 && rate > bound) rate = bound;
    if (h.v[SCALE_PARAMETER][0] != 0) rate *= rms > h.v[EPS2][r] ? rms : h.v[EPS2][r];
    rows[0][r] = rate / (over > 1 ? over : 1);
    rows[1][r] = h.v[BETA1][r];
    rows[2][r] = 1 - h.v[BETA1][r];
  }
  bool none = h.constant[BETA1] && h.v[BETA1][0] == 0;
  if (s == TW_OK && l->p->size > 0) s = tw_optim_apply_rule(ctx, o, i, none ? &plain : &averaged, u, rows);
  tw_tensor_release(ctx, u);
  return s;
}

static tw_status update(tw_ctx *ctx, tw_optim *o) {
  size_t lanes = (size_t)o->lanes;
  double *block = tw_alloc(5 * lanes * sizeof *block), *rows[3];
  if (!block) return tw_fail(&ctx->error, TW_ENOMEM, "adafactor: out of memory");
  for (size_t k = 0; k < 3; k++) rows[k] = block + k * lanes;
  tw_status s = TW_OK;
  for (int i = 0; i < o->n && s == TW_OK; i++) {
    if (!o->leaf[i].frozen) s = update_leaf(ctx, o, i, rows, block + 3 * lanes, block + 4 * lanes);
  }
  tw_free(block);
  return s;
}

const tw_optim_kind tw_optim_adafactor = {.name = "adafactor", .about = "adaptive steps with second moments by row and column",
                                          .source = "Shazeer and Stern 2018", .options = options, .slots = {"m", "row", "col", "v"}, .slot_shape = slot_shape,
                                          .update = update};
