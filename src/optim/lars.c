/* LARS: layer-wise adaptive rates. Each parameter tensor is a layer with a rate of its own.
 *
 *   trust = trust_coefficient |p| / (|g| + weight_decay |p| + eps)       norms apart (the paper)
 *   trust = trust_coefficient |p| / (|g + weight_decay p| + eps)         norms together (Optax)
 *   where |p| or the denominator is 0, trust = 1
 *   velocity:    v <- momentum v + lr trust (g + weight_decay p),   p <- p - v               the paper, Optax
 *   heavy_ball:  v <- momentum v + trust (g + weight_decay p),      p <- p - lr v
 *   nesterov:    the step uses momentum v + (what was added to v) in place of v
 *
 * You, Gitman and Ginsburg 2017. The paper tunes lr; 1 is Optax's in its tests. */
#include "base/alloc.h"
#include "optim/kinds.h"
#include "optim/rule.h"

enum { LR, MOMENTUM, WEIGHT_DECAY, TRUST_COEFFICIENT, EPS, NESTEROV, NORMS, FORM };
enum { APART, TOGETHER };
enum { IN_VELOCITY, HEAVY_BALL };
enum { H_DECAY, H_IN, H_MOMENTUM, H_OUT, N_SCALARS };

static const tw_option options[] = {
  TW_OPTION_LR(1),
  {"momentum", TW_OPTION_NUMBER, .9, 0, 1e300, NULL, "factor by which the velocity survives a step"},
  {"weight_decay", TW_OPTION_NUMBER, 0, 0, 1e300, NULL, "how strongly parameters are drawn to 0, inside the layer's rate"},
  {"trust_coefficient", TW_OPTION_NUMBER, 1e-3, 0, 1e300, NULL, "how far a layer may move relative to its size"},
  {"eps", TW_OPTION_NUMBER, 0, 0, 1e300, NULL, "added to the denominator"},
  {"nesterov", TW_OPTION_FLAG, 0, 0, 1, NULL, "look ahead along the new velocity"},
  {"norms", TW_OPTION_CHOICE, APART, 0, 1, "apart together", "of gradient and decay each, or of their sum"},
  {"form", TW_OPTION_CHOICE, IN_VELOCITY, 0, 1, "velocity heavy_ball", "whether the learning rate enters the velocity"},
  {0},
};

TW_RULE(lars, 1, N_SCALARS, 2, {
  V entering = h[H_IN] * (g + h[H_DECAY] * p);
  x[0] = h[H_MOMENTUM] * x[0] + entering;
  V direction = variant ? h[H_MOMENTUM] * x[0] + entering : x[0];
  p = p - h[H_OUT] * direction;
})

static int variant(const tw_hypers *o) { return o->v[NESTEROV][0] != 0; }
static const tw_rule rule = {.op = &lars_op, .n_scalars = N_SCALARS, .variant = variant};

/* |g + decay p| */
static tw_status norm_together(tw_ctx *ctx, tw_optim *o, int i, double *out) {
  tw_leaf *l = &o->leaf[i];
  tw_compose k = {.ctx = ctx};
  tw_tensor *sum = NULL, *decay = tw_do2(&k, &tw_op_mul, NULL, tw_do_scalar(&k, o, o->hyper[l->group][WEIGHT_DECAY], l->p), l->p);
  tw_status s = tw_compose_end(&k, tw_do2(&k, &tw_op_add, NULL, o->grad[i], decay), &sum);
  if (s == TW_OK) s = tw_optim_global_norm(ctx, 1, &sum, o->lanes, out);
  tw_tensor_release(ctx, sum);
  return s;
}

static tw_status update_leaf(tw_ctx *ctx, tw_optim *o, int i, double *const *rows, double *size, double *slope) {
  tw_leaf *l = &o->leaf[i];
  double *const *v = o->hyper[l->group];
  bool together = v[NORMS][0] == TOGETHER, inside = v[FORM][0] == IN_VELOCITY;
  tw_status s = tw_optim_global_norm(ctx, 1, &l->p, o->lanes, size);
  if (s == TW_OK) s = together ? norm_together(ctx, o, i, slope) : tw_optim_global_norm(ctx, 1, &o->grad[i], o->lanes, slope);
  if (s != TW_OK) return s;
  for (int r = 0; r < o->lanes; r++) {
    double below = (together ? slope[r] : slope[r] + v[WEIGHT_DECAY][r] * size[r]) + v[EPS][r];
    double trust = size[r] > 0 && below > 0 ? v[TRUST_COEFFICIENT][r] * size[r] / below : 1;
    rows[H_DECAY][r] = v[WEIGHT_DECAY][r];
    rows[H_IN][r] = inside ? v[LR][r] * trust : trust;
    rows[H_MOMENTUM][r] = v[MOMENTUM][r];
    rows[H_OUT][r] = inside ? 1 : v[LR][r];
  }
  return tw_optim_apply_rule(ctx, o, i, &rule, o->grad[i], rows);
}

static tw_status update(tw_ctx *ctx, tw_optim *o) {
  size_t lanes = (size_t)o->lanes;
  double *block = tw_alloc((N_SCALARS + 2) * lanes * sizeof *block), *rows[N_SCALARS];
  if (!block) return tw_fail(&ctx->error, TW_ENOMEM, "lars: out of memory");
  for (size_t k = 0; k < N_SCALARS; k++) rows[k] = block + k * lanes;
  tw_status s = TW_OK;
  for (int i = 0; i < o->n && s == TW_OK; i++) {
    if (!o->leaf[i].frozen) s = update_leaf(ctx, o, i, rows, block + N_SCALARS * lanes, block + (N_SCALARS + 1) * lanes);
  }
  tw_free(block);
  return s;
}

static const tw_optim_preset presets[] = {{"optax", "norms=together"}, {0}};

const tw_optim_kind tw_optim_lars = {.name = "lars", .about = "momentum with a rate for each layer, by the ratio of its size to its gradient's",
                                     .source = "You, Gitman and Ginsburg 2017", .options = options, .presets = presets, .slots = {"velocity"},
                                     .update = update};
