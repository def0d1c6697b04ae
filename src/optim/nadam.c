/* NAdam: Adam with Nesterov's look-ahead.
 *
 *   m <- beta1 m + (1 - beta1) g      v <- beta2 v + (1 - beta2) g^2      bc2 = 1 - beta2^t
 *   mu_t = beta1 (1 - .96^(t momentum_decay) / 2)                         P_t = mu_1 ... mu_t
 *   d = (1 - mu_t)/(1 - P_t) g + mu_(t+1)/(1 - P_t mu_(t+1)) m
 *   p <- p - lr d / (sqrt(v/bc2 + eps_root) + eps)                        eps outside, hat and inside as in Adam
 *   momentum_schedule constant: mu_t = beta1 (Optax)
 *
 * Dozat 2016. Keras has momentum_decay 1, PyTorch and ensmallen 4e-3. */
#include "optim/kinds.h"
#include "optim/moments.h"
#include "optim/rule.h"

enum { LR, BETA1, BETA2, EPS, DECAY_, DECAY_HOW, MOMENTUM_DECAY, SCHEDULE, EPS_AT, EPS_ROOT };
enum { WARMING, CONSTANT };
enum { M, V2 };
enum { H_BETA1, H_TAKE1, H_BETA2, H_TAKE2, H_G, H_M, H_ROOT, H_EPS, H_INSIDE, N_SCALARS };

static const tw_option options[] = {
  TW_OPTION_LR(2e-3),
  TW_OPTION_BETA1(.9),
  TW_OPTION_BETA2(.999),
  TW_OPTION_EPS(1e-8),
  TW_OPTION_DECAY(0, TW_DECAY_COUPLED),
  {"momentum_decay", TW_OPTION_NUMBER, 4e-3, 0, 1e300, NULL, "how fast the momentum rises from beta1/2 to beta1"},
  {"momentum_schedule", TW_OPTION_CHOICE, WARMING, 0, 1, "warming constant", "the momentum rises as momentum_decay says, or is beta1 throughout"},
  TW_OPTION_EPS_AT(TW_EPS_OUTSIDE),
  TW_OPTION_EPS_ROOT(0),
  {0},
};

TW_RULE(nadam, 2, N_SCALARS, 1, {
  x[M] = h[H_BETA1] * x[M] + h[H_TAKE1] * g;
  x[V2] = h[H_BETA2] * x[V2] + h[H_TAKE2] * (g * g);
  p = p - (h[H_G] * g + h[H_M] * x[M]) / (vsqrt(x[V2] * h[H_ROOT] + h[H_INSIDE]) + h[H_EPS]);
})

static double momentum(const tw_hypers *o, int r, int64_t t) {
  double beta = o->v[BETA1][r];
  return o->v[SCHEDULE][0] == CONSTANT ? beta : beta * (1 - .5 * tw_power(.96, (double)t * o->v[MOMENTUM_DECAY][r]));
}

static void advance(const tw_hypers *o, const double *go) {
  TW_LANES(o, r) {
    if (go[r] != 0) o->number[0][r] = (o->t[r] == 1 ? 1 : o->number[0][r]) * momentum(o, r, o->t[r]);
  }
}

static void scalars(const tw_hypers *o, double *const *s) {
  int at = (int)o->v[EPS_AT][0];
  TW_LANES(o, r) {
    double b1 = o->v[BETA1][r], b2 = o->v[BETA2][r], product = o->number[0][r];
    double now = momentum(o, r, o->t[r]), next = momentum(o, r, o->t[r] + 1);
    tw_denominator d = tw_denominator_of(at, o->v[LR][r], o->v[EPS][r], o->v[EPS_ROOT][r], tw_bias(TW_CORRECT_POWER, b2, o->t[r]));
    s[H_BETA1][r] = b1;
    s[H_TAKE1][r] = 1 - b1;
    s[H_BETA2][r] = b2;
    s[H_TAKE2][r] = 1 - b2;
    s[H_G][r] = d.lr * (1 - now) / (1 - product);
    s[H_M][r] = d.lr * next / (1 - product * next);
    s[H_ROOT][r] = d.root;
    s[H_EPS][r] = d.eps;
    s[H_INSIDE][r] = d.inside;
  }
}

static const tw_rule rule = {.op = &nadam_op, .n_scalars = N_SCALARS, .scalars = scalars};

static const tw_optim_preset presets[] = {
  {"keras", "lr=1e-3 eps=1e-7 momentum_decay=1 decay=decoupled"},
  {"optax", "eps=1e-8 momentum_schedule=constant"},
  {"ensmallen", "lr=1e-3 eps=1e-8 eps_at=hat"},
  {0},
};

const tw_optim_kind tw_optim_nadam = {.name = "nadam", .about = "Adam with Nesterov's look-ahead", .source = "Dozat 2016", .options = options,
                                      .presets = presets, .slots = {"m", "v"}, .group_numbers = {"mu_product"}, .advance = advance, .rule = &rule};
