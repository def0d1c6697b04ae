/* Yogi: Adam whose average of squares moves by additions, so that it cannot forget quickly.
 *
 *   m <- beta1 m + (1 - beta1) g      v <- v + (1 - beta2) sign(g^2 - v) g^2      (m and v start at initial_accumulator_value)
 *   p <- p - lr m / (sqrt(v + eps_root) + eps)
 *   bias_correction:  none: the paper's algorithm 2, and ensmallen;  power: m/(1 - beta1^t), v/(1 - beta2^t), Optax and d2l
 *   eps outside, hat and inside as in Adam
 *
 * Zaheer et al. 2018; the defaults are its algorithm and values, from zeros. */
#include "optim/kinds.h"
#include "optim/moments.h"
#include "optim/rule.h"

enum { LR, BETA1, BETA2, EPS, DECAY_, DECAY_HOW, START, CORRECTION, EPS_AT, EPS_ROOT };
enum { M, V2 };
enum { H_BETA1, H_TAKE1, H_TAKE2, H_LR, H_ROOT, H_EPS, H_INSIDE, H_START, N_SCALARS };

static const tw_option options[] = {
  TW_OPTION_LR(1e-2),
  TW_OPTION_BETA1(.9),
  TW_OPTION_BETA2(.999),
  TW_OPTION_EPS(1e-3),
  TW_OPTION_DECAY(0, TW_DECAY_COUPLED),
  {"initial_accumulator_value", TW_OPTION_NUMBER, 0, 0, 1e300, NULL, "where both averages start"},
  TW_OPTION_CORRECTION(TW_CORRECT_NONE),
  TW_OPTION_EPS_AT(TW_EPS_OUTSIDE),
  TW_OPTION_EPS_ROOT(0),
  {0},
};

TW_RULE(yogi, 2, N_SCALARS, 1, {
  V square = g * g;
  V v = x[V2] + h[H_START];
  x[M] = h[H_BETA1] * (x[M] + h[H_START]) + h[H_TAKE1] * g;
  x[V2] = v + h[H_TAKE2] * (vselect(square > v, square, (V){0}) - vselect(square < v, square, (V){0}));
  p = p - h[H_LR] * (x[M] / (vsqrt(x[V2] * h[H_ROOT] + h[H_INSIDE]) + h[H_EPS]));
})

static void scalars(const tw_hypers *o, double *const *s) {
  int at = (int)o->v[EPS_AT][0], correction = (int)o->v[CORRECTION][0];
  TW_LANES(o, r) {
    double b1 = o->v[BETA1][r], b2 = o->v[BETA2][r];
    tw_denominator d = tw_denominator_of(at, o->v[LR][r], o->v[EPS][r], o->v[EPS_ROOT][r], tw_bias(correction, b2, o->t[r]));
    s[H_BETA1][r] = b1;
    s[H_TAKE1][r] = 1 - b1;
    s[H_TAKE2][r] = 1 - b2;
    s[H_LR][r] = d.lr / tw_bias(correction, b1, o->t[r]);
    s[H_ROOT][r] = d.root;
    s[H_EPS][r] = d.eps;
    s[H_INSIDE][r] = d.inside;
    s[H_START][r] = o->t[r] == 1 ? o->v[START][r] : 0;
  }
}

static const tw_rule rule = {.op = &yogi_op, .n_scalars = N_SCALARS, .scalars = scalars};

static const tw_optim_preset presets[] = {
  {"optax", "eps=1e-3 initial_accumulator_value=1e-6 bias_correction=power"},
  {"ensmallen", "lr=1e-3 eps=1e-8"},
  {"d2l", "lr=1e-2 eps=1e-3 bias_correction=power"},
  {0},
};

const tw_optim_kind tw_optim_yogi = {.name = "yogi", .about = "Adam with an average of squares that moves by additions", .source = "Zaheer et al. 2018",
                                     .options = options, .presets = presets, .slots = {"m", "v"}, .rule = &rule};
