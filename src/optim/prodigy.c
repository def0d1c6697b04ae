/* Prodigy: Adam that estimates how far the solution is, and with it the learning rate.
 *
 *   b = lr (power: lr sqrt(1 - beta2^t) / (1 - beta1^t)),   a = d b
 *   q <- beta3 q + (d/d0) a <g, p0 - p>             s <- beta3 s + (d/d0) a g     (safeguard_warmup: (d/d0) d g)
 *   m <- beta1 m + (1 - beta1) d g                  v <- beta2 v + (1 - beta2) d^2 g^2
 *   e = d_coef q / |s|_1;  at first (d = d0): d' = max(d, e);  largest <- max(largest, e);  d' = min(largest, d' growth_rate)
 *   p <- p - a m / (sqrt(v) + d' eps),  d <- d'     a still with the old d
 *
 * <.,.> and |.|_1 over all parameters that move; p0 is where they began. d stands in opt:state().numbers.
 * decouple: p shrinks by a weight_decay p, else weight_decay p is added to g. A group's own lr scales its part.
 * Mishchenko and Defazio 2024, algorithm 4 with the details and defaults of their code. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "optim/kinds.h"
#include "optim/rule.h"

enum { LR, BETA1, BETA2, BETA3, EPS, WEIGHT_DECAY, DECOUPLE, BIAS_CORRECTION, SAFEGUARD, D0, D_COEF, GROWTH_RATE };
enum { M, V2, S, START };
enum { D, D_MAX, NUMERATOR };
enum { H_BETA1, H_TAKE1, H_BETA2, H_TAKE2, H_BETA3, H_TAKE3, H_L2, N_MOMENTS };
enum { H_A, H_EPS, H_KEEP, N_MOVE };

static const tw_option options[] = {
  {"lr", TW_OPTION_NUMBER, 1, 0, 1e300, NULL, "factor of the estimated learning rate; 1 unless unstable, or a schedule"},
  TW_OPTION_BETA1(.9),
  TW_OPTION_BETA2(.999),
  {"beta3", TW_OPTION_NUMBER, -1, -1, 1, NULL, "decay of the sums that estimate the distance; below 0: sqrt(beta2)"},
  TW_OPTION_EPS(1e-8),
  {"weight_decay", TW_OPTION_NUMBER, 0, 0, 1e300, NULL, "how strongly parameters are drawn to 0"},
  {"decouple", TW_OPTION_FLAG, 1, 0, 1, NULL, "parameters shrink by themselves, else through the gradient"},
  {"use_bias_correction", TW_OPTION_FLAG, 0, 0, 1, NULL, "Adam's corrections of the averages"},
  {"safeguard_warmup", TW_OPTION_FLAG, 0, 0, 1, NULL, "a small lr at the beginning does not enter the estimate's denominator"},
  {"d0", TW_OPTION_NUMBER, 1e-6, 1e-300, 1e300, NULL, "first estimate of the distance, below the true one"},
  {"d_coef", TW_OPTION_NUMBER, 1, 0, 1e300, NULL, "factor of the estimate"},
  {"growth_rate", TW_OPTION_NUMBER, INFINITY, 1, INFINITY, NULL, "the estimate grows at most by this factor a step"},
  {0},
};

TW_RULE(prodigy_moments, 3, N_MOMENTS, 1, {
  V d = g + h[H_L2] * p;
  x[M] = h[H_BETA1] * x[M] + h[H_TAKE1] * d;
  x[V2] = h[H_BETA2] * x[V2] + h[H_TAKE2] * (d * d);
  x[S] = h[H_BETA3] * x[S] + h[H_TAKE3] * d;
})

TW_RULE(prodigy, 2, N_MOVE, 1, { p = h[H_KEEP] * p - h[H_A] * (x[M] / (vsqrt(x[V2]) + h[H_EPS])); })

static const tw_rule moments = {.op = &prodigy_moments_op, .n_scalars = N_MOMENTS};
static const tw_rule move = {.op = &prodigy_op, .n_scalars = N_MOVE};

static tw_status begin(tw_ctx *ctx, tw_optim *o) {
  tw_status s = TW_OK;
  for (int i = 0; i < o->n && s == TW_OK; i++) {
    tw_leaf *l = &o->leaf[i];
    if (!l->slot[START] && !l->frozen) s = tw_optim_copy(ctx, l->p, &l->slot[START]);
  }
  for (int r = 0; r < o->lanes; r++) o->number[D][r] = o->number[D_MAX][r] = o->hyper[0][D0][r];
  return s;
}

static double step_size(const tw_optim *o, int group, int r) {
  double *const *v = o->hyper[group], correction = 1;
  if (v[BIAS_CORRECTION][0] != 0) {
    correction = sqrt(1 - tw_power(v[BETA2][r], (double)o->t[r])) / (1 - tw_power(v[BETA1][r], (double)o->t[r]));
  }
  return o->number[D][r] * v[LR][r] * correction;
}

/* <g, p0 - p> and |s|_1 of one parameter. */
static tw_status sums(tw_ctx *ctx, tw_optim *o, int i, double *inner, double *ones) {
  tw_leaf *l = &o->leaf[i];
  tw_reduce_attrs all = {.axes = (1u << l->p->ndim) - 1};
  tw_compose k = {.ctx = ctx};
  tw_tensor *a = NULL, *b = NULL, *away = tw_do2(&k, &tw_op_sub, NULL, l->slot[START], l->p), *g = o->grad[i];
  const double *decay = o->hyper[l->group][WEIGHT_DECAY];
  if (o->hyper[l->group][DECOUPLE][0] == 0) g = tw_do2(&k, &tw_op_add, NULL, g, tw_do2(&k, &tw_op_mul, NULL, tw_do_scalar(&k, o, decay, l->p), l->p));
  tw_status s = tw_compose_end(&k, tw_do1(&k, &tw_op_sum, &all, tw_do2(&k, &tw_op_mul, NULL, g, away)), &a);
  tw_compose q = {.ctx = ctx};
  if (s == TW_OK) s = tw_compose_end(&q, tw_do1(&q, &tw_op_sum, &all, tw_do1(&q, &tw_op_abs, NULL, l->slot[S])), &b);
  if (s == TW_OK) {
    tw_optim_numbers(o, a, inner);
    tw_optim_numbers(o, b, ones);
  }
  tw_tensor_release(ctx, a);
  tw_tensor_release(ctx, b);
  return s;
}

static void moment_scalars(const tw_optim *o, int group, double *const *s) {
  double *const *v = o->hyper[group];
  bool safe = v[SAFEGUARD][0] != 0, coupled = v[DECOUPLE][0] == 0;
  for (int r = 0; r < o->lanes; r++) {
    double d = o->number[D][r], beta3 = v[BETA3][r] < 0 ? sqrt(v[BETA2][r]) : v[BETA3][r];
    double takes = v[LR][r] > 0 ? 1 : 0; /* a parameter with lr 0 leaves everything as it is */
    s[H_BETA1][r] = takes != 0 ? v[BETA1][r] : 1;
    s[H_TAKE1][r] = takes * d * (1 - v[BETA1][r]);
    s[H_BETA2][r] = takes != 0 ? v[BETA2][r] : 1;
    s[H_TAKE2][r] = takes * d * d * (1 - v[BETA2][r]);
    s[H_BETA3][r] = takes != 0 ? beta3 : 1;
    s[H_TAKE3][r] = takes * (d / v[D0][r]) * (safe ? d : step_size(o, group, r));
    s[H_L2][r] = coupled ? v[WEIGHT_DECAY][r] : 0;
  }
}

/* The new estimate, into next. */
static void estimate(const tw_optim *o, const double *sum, double *next) {
  double *const *v = o->hyper[0];
  for (int r = 0; r < o->lanes; r++) {
    double d = next[r] = o->number[D][r];
    if (o->go[r] == 0 || !(sum[r] > 0)) continue;
    double e = v[D_COEF][r] * o->number[NUMERATOR][r] / sum[r];
    if (d == v[D0][r] && e > d) d = e;
    if (e > o->number[D_MAX][r]) o->number[D_MAX][r] = e;
    d *= v[GROWTH_RATE][r];
    next[r] = d < o->number[D_MAX][r] ? d : o->number[D_MAX][r];
  }
}

static tw_status gather(tw_ctx *ctx, tw_optim *o, double *const *rows, double *sum, double *inner, double *ones) {
  for (int r = 0; r < o->lanes; r++) {
    double beta3 = o->hyper[0][BETA3][r] < 0 ? sqrt(o->hyper[0][BETA2][r]) : o->hyper[0][BETA3][r];
    sum[r] = 0;
    if (o->go[r] != 0) o->number[NUMERATOR][r] *= beta3;
  }
  for (int i = 0; i < o->n; i++) {
    tw_leaf *l = &o->leaf[i];
    if (l->frozen) continue;
    moment_scalars(o, l->group, rows);
    tw_status s = tw_optim_apply_rule(ctx, o, i, &moments, o->grad[i], rows);
    if (s == TW_OK) s = sums(ctx, o, i, inner, ones);
    if (s != TW_OK) return s;
    for (int r = 0; r < o->lanes; r++) {
      double lr = o->hyper[l->group][LR][r];
      if (o->go[r] == 0 || !(lr > 0)) continue;
      o->number[NUMERATOR][r] += o->number[D][r] / o->hyper[0][D0][r] * step_size(o, l->group, r) * inner[r];
      sum[r] += ones[r];
    }
  }
  return TW_OK;
}

static tw_status update(tw_ctx *ctx, tw_optim *o) {
  size_t lanes = (size_t)o->lanes;
  double *block = tw_alloc((N_MOMENTS + 4) * lanes * sizeof *block), *rows[N_MOMENTS];
  if (!block) return tw_fail(&ctx->error, TW_ENOMEM, "prodigy: out of memory");
  for (size_t k = 0; k < N_MOMENTS; k++) rows[k] = block + k * lanes;
  double *sum = block + N_MOMENTS * lanes, *inner = sum + lanes, *ones = inner + lanes, *next = ones + lanes;
  tw_status s = gather(ctx, o, rows, sum, inner, ones);
  estimate(o, sum, next);
  for (int i = 0; i < o->n && s == TW_OK; i++) {
    tw_leaf *l = &o->leaf[i];
    if (l->frozen) continue;
    double *const *v = o->hyper[l->group];
    for (int r = 0; r < o->lanes; r++) {
      double a = step_size(o, l->group, r);
      rows[H_A][r] = a;
      rows[H_EPS][r] = next[r] * v[EPS][r];
      rows[H_KEEP][r] = v[DECOUPLE][0] != 0 ? 1 - a * v[WEIGHT_DECAY][r] : 1;
    }
    s = tw_optim_apply_rule(ctx, o, i, &move, o->grad[i], rows);
  }
  if (s == TW_OK) memcpy(o->number[D], next, lanes * sizeof *next);
  tw_free(block);
  return s;
}

const tw_optim_kind tw_optim_prodigy = {.name = "prodigy", .about = "Adam that finds its learning rate by estimating the distance to the solution",
                                        .source = "Mishchenko and Defazio 2024", .options = options, .slots = {"m", "v", "s", "start"},
                                        .numbers = {"d", "d_max", "numerator"}, .begin = begin, .update = update,
                                        .example = "local opt = tw.optim.prodigy(p)\nlocal loss = opt:step(function(p) return p:dot(p) end)"};
