/* Stochastic gradient descent with momentum.
 *
 *   heavy_ball:  v <- momentum v + (1 - dampening) g      (v <- g in the first step, as PyTorch does)      p <- p - lr v
 *   ema:         v <- momentum v + (1 - momentum) g                                                        p <- p - lr v
 *   velocity:    v <- momentum v + lr g                                                                    p <- p - v
 *   nesterov:    the step uses momentum v + (what was added to v) in place of v
 *
 * Polyak, Some methods of speeding up the convergence of iteration methods, 1964; Nesterov in the form of Sutskever et al. 2013.
 * The forms are equal while lr is constant (ema up to the factor 1 - momentum); heavy_ball and velocity part once lr is scheduled. */
#include "optim/kinds.h"
#include "optim/rule.h"

enum { LR, MOMENTUM, DAMPENING, WEIGHT_DECAY, DECAY, NESTEROV, FORM };
enum { HEAVY_BALL, EMA, VELOCITY };
enum { H_LR, H_MOMENTUM, H_GAIN, N_SCALARS };

static const tw_option options[] = {
  TW_OPTION_LR(1e-3),
  {"momentum", TW_OPTION_NUMBER, 0, 0, 1e300, NULL, "factor by which the velocity survives a step"},
  {"dampening", TW_OPTION_NUMBER, 0, -1e300, 1, NULL, "heavy_ball: the gradient enters the velocity times 1 - dampening, but whole in the first step"},
  TW_OPTION_DECAY(0, TW_DECAY_COUPLED),
  {"nesterov", TW_OPTION_FLAG, 0, 0, 1, NULL, "look ahead along the new velocity"},
  {"form", TW_OPTION_CHOICE, HEAVY_BALL, 0, 2, "heavy_ball ema velocity", "where gradient and learning rate enter the velocity"},
  {0},
};

TW_RULE(sgd, 1, N_SCALARS, 4, {
  bool velocity = variant & 2;
  V entering = velocity ? h[H_LR] * g : h[H_GAIN] * g;
  x[0] = h[H_MOMENTUM] * x[0] + entering;
  V direction = variant & 1 ? h[H_MOMENTUM] * x[0] + entering : x[0];
  p = velocity ? p - direction : p - h[H_LR] * direction;
})

TW_RULE(sgd_plain, 0, 1, 1, { p = p - h[H_LR] * g; })

static void plain_scalars(const tw_hypers *o, double *const *s) {
  TW_LANES(o, r) s[H_LR][r] = o->v[LR][r];
}

static void scalars(const tw_hypers *o, double *const *s) {
  int form = (int)o->v[FORM][0];
  TW_LANES(o, r) {
    s[H_LR][r] = o->v[LR][r];
    s[H_MOMENTUM][r] = o->v[MOMENTUM][r];
    s[H_GAIN][r] = form == EMA ? 1 - o->v[MOMENTUM][r] : form == HEAVY_BALL && o->t[r] > 1 && o->v[MOMENTUM][r] != 0 ? 1 - o->v[DAMPENING][r] : 1;
  }
}

static int variant(const tw_hypers *o) { return (o->v[FORM][0] == VELOCITY ? 2 : 0) + (o->v[NESTEROV][0] != 0); }

static const tw_rule with_velocity = {.op = &sgd_op, .n_scalars = N_SCALARS, .scalars = scalars, .variant = variant, .steady = 2};
static const tw_rule plain = {.op = &sgd_plain_op, .n_scalars = 1, .scalars = plain_scalars, .steady = 1};

static const tw_rule *choose(const tw_hypers *o) { return o->constant[MOMENTUM] && o->v[MOMENTUM][0] == 0 ? &plain : &with_velocity; }

const tw_optim_kind tw_optim_sgd = {.name = "sgd", .about = "stochastic gradient descent, with momentum in four forms",
                                    .source = "Polyak 1964; Sutskever et al. 2013", .options = options, .slots = {"velocity"}, .choose = choose};
