/* Schedule-free SGD and AdamW: an average that needs no decay of the learning rate. Training happens at y, the parameters; opt:eval_params() gives x.
 *
 *   a = lr min(1, t / warmup_steps)            w = t^r (largest a so far)^weight_lr_power,   c = w / (sum of all w)
 *   sgd:    d = g + weight_decay y             g the gradient at y
 *   adamw:  v <- beta2 v + (1 - beta2) g^2,    d = g / (sqrt(v) + eps) + weight_decay y
 *     bias_correction rate:    a <- a sqrt(1 - beta2^t)                      the paper's algorithm 1
 *     bias_correction moment:  d = g / (sqrt(v / (1 - beta2^t)) + eps) + ... Optax, the authors' later code
 *   z <- z - a d,     x <- (1 - c) x + c z,     y <- (1 - beta) z + beta x
 *
 * Groups with options of their own have weights of their own. A box holds for z, and with it for x and y; a ball for all three.
 * The parameters are made anew from x and z in every step: what else is written into them is forgotten.
 * Defazio, Yang, Mehta, Mishchenko, Khaled and Cutkosky 2024; r and weight_lr_power and the defaults are those of their code. */
#include <math.h>

#include "optim/kinds.h"
#include "optim/rule.h"

#define SHARED(lr)                                                                                                                     \
  TW_OPTION_LR(lr), {"weight_decay", TW_OPTION_NUMBER, 0, 0, 1e300, NULL, "how strongly y is drawn to 0, by the step of z"},             \
    {"warmup_steps", TW_OPTION_NUMBER, 0, 0, 1e15, NULL, "steps over which the learning rate rises to lr"},                            \
    {"r", TW_OPTION_NUMBER, 0, -1e300, 1e300, NULL, "the average weights step t by t^r"},                                              \
    {"weight_lr_power", TW_OPTION_NUMBER, 2, -1e300, 1e300, NULL, "and by the largest learning rate so far to this power"}
enum { LR, DECAY, WARMUP, R, POWER, BETA, BETA2, EPS, CORRECTION };
enum { RATE, MOMENT };
enum { WEIGHT_SUM, LARGEST, SHARE };
enum { Z, X, V2 };
enum { H_LR, H_DECAY, H_SHARE, H_AWAY, H_BETA2, H_TAKE2, H_ROOT, H_EPS, N_SCALARS };

static const tw_option options[] = {
  SHARED(1),
  {"momentum", TW_OPTION_NUMBER, .9, 0, 1, NULL, "beta: y lies between z (0) and x (1)"},
  {0},
};
static const tw_option options_w[] = {
  SHARED(.0025),
  {"beta1", TW_OPTION_NUMBER, .9, 0, 1, NULL, "beta: y lies between z (0) and x (1)"},
  TW_OPTION_BETA2(.999),
  TW_OPTION_EPS(1e-8),
  {"bias_correction", TW_OPTION_CHOICE, RATE, 0, 1, "rate moment", "lr times sqrt(1 - beta2^t), or v divided by 1 - beta2^t"},
  {0},
};

#define MOVE(d)                                     \
  x[Z] = x[Z] - h[H_LR] * (d);                      \
  x[Z] = vselect(x[Z] < h[TW_H_LO], h[TW_H_LO], x[Z]); \
  x[Z] = vselect(x[Z] > h[TW_H_HI], h[TW_H_HI], x[Z]); \
  x[X] = x[X] + h[H_SHARE] * (x[Z] - x[X]);         \
  p = x[X] + h[H_AWAY] * (x[Z] - x[X]);

TW_RULE(schedule_free_sgd, 2, 4, 1, { MOVE(g + h[H_DECAY] * p) })

TW_RULE(schedule_free_adamw, 3, N_SCALARS, 1, {
  x[V2] = h[H_BETA2] * x[V2] + h[H_TAKE2] * (g * g);
  MOVE(g / (vsqrt(x[V2] * h[H_ROOT]) + h[H_EPS]) + h[H_DECAY] * p)
})

static double rate(double lr, double warmup, int64_t t) { return (double)t < warmup ? lr * ((double)t / warmup) : lr; }

static double correction(const tw_hypers *o, int r) { return 1 - tw_power(o->v[BETA2][r], (double)o->t[r]); }

static void scalars(const tw_hypers *o, double *const *s) {
  TW_LANES(o, r) {
    s[H_LR][r] = rate(o->v[LR][r], o->v[WARMUP][r], o->t[r]);
    s[H_DECAY][r] = o->v[DECAY][r];
    s[H_SHARE][r] = o->number[SHARE][r];
    s[H_AWAY][r] = 1 - o->v[BETA][r];
  }
}

static void scalars_w(const tw_hypers *o, double *const *s) {
  scalars(o, s);
  bool in_rate = o->v[CORRECTION][0] == RATE;
  TW_LANES(o, r) {
    double bc = correction(o, r);
    if (in_rate) s[H_LR][r] *= sqrt(bc);
    s[H_BETA2][r] = o->v[BETA2][r];
    s[H_TAKE2][r] = 1 - o->v[BETA2][r];
    s[H_ROOT][r] = in_rate ? 1 : 1 / bc;
    s[H_EPS][r] = o->v[EPS][r];
  }
}

/* z and x start at the parameters. */
static tw_status begin(tw_ctx *ctx, tw_optim *o) {
  tw_status s = TW_OK;
  for (int i = 0; i < o->n && s == TW_OK; i++) {
    tw_leaf *l = &o->leaf[i];
    for (int k = Z; k <= X && s == TW_OK; k++) {
      if (!l->slot[k]) s = tw_optim_copy(ctx, l->p, &l->slot[k]);
    }
  }
  return s;
}

static void weigh(const tw_hypers *o, const double *go, bool in_rate) {
  TW_LANES(o, r) {
    if (go[r] == 0) continue;
    double a = rate(o->v[LR][r], o->v[WARMUP][r], o->t[r]);
    if (in_rate) a *= sqrt(correction(o, r));
    if (a > o->number[LARGEST][r]) o->number[LARGEST][r] = a;
    double w = tw_power((double)o->t[r], o->v[R][r]) * tw_power(o->number[LARGEST][r], o->v[POWER][r]);
    o->number[WEIGHT_SUM][r] += w;
    o->number[SHARE][r] = o->number[WEIGHT_SUM][r] > 0 ? w / o->number[WEIGHT_SUM][r] : 0;
  }
}

static void advance(const tw_hypers *o, const double *go) { weigh(o, go, false); }
static void advance_w(const tw_hypers *o, const double *go) { weigh(o, go, o->v[CORRECTION][0] == RATE); }

static tw_status average(tw_ctx *ctx, tw_optim *o, int leaf, tw_tensor **out) {
  (void)ctx;
  *out = tw_tensor_retain(o->leaf[leaf].slot[X]);
  return TW_OK;
}

static const tw_rule plain = {.op = &schedule_free_sgd_op, .n_scalars = 4, .scalars = scalars};
static const tw_rule adaptive = {.op = &schedule_free_adamw_op, .n_scalars = N_SCALARS, .scalars = scalars_w};

#define COMMON                                                                                                                        \
  .source = "Defazio, Yang, Mehta, Mishchenko, Khaled and Cutkosky 2024", .points = 1u << Z | 1u << X, .begin = begin, .average = average, \
  .group_numbers = {"weight_sum", "largest_lr", "share"}
static const tw_optim_preset presets[] = {{"optax", "bias_correction=moment"}, {0}};

const tw_optim_kind tw_optim_schedule_free_sgd = {
  .name = "schedule_free_sgd", .about = "SGD with an average in the place of a learning-rate schedule",
  .options = options, .slots = {"z", "x"}, .rule = &plain, .advance = advance, COMMON};
const tw_optim_kind tw_optim_schedule_free_adamw = {
  .name = "schedule_free_adamw", .about = "AdamW with an average in the place of a learning-rate schedule", .options = options_w,
  .presets = presets, .slots = {"z", "x", "v"}, .rule = &adaptive, .advance = advance_w, COMMON};
