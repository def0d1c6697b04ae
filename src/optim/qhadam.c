/* Quasi-hyperbolic Adam: Adam with weighted means of averages and present values.
 *
 *   m <- beta1 m + (1 - beta1) g      v <- beta2 v + (1 - beta2) g^2      bc1 = 1 - beta1^t,  bc2 = 1 - beta2^t
 *   p <- p - lr ((1 - nu1) g + nu1 m/bc1) / (sqrt((1 - nu2) g^2 + nu2 v/bc2) + eps)
 *
 * Ma and Yarats 2019; defaults from its code. */
#include "optim/kinds.h"
#include "optim/moments.h"
#include "optim/rule.h"

enum { LR, BETA1, BETA2, NU1, NU2, EPS };
enum { M, V2 };
enum { H_BETA1, H_TAKE1, H_BETA2, H_TAKE2, H_LR, H_G, H_M, H_GG, H_V, H_EPS, N_SCALARS };

static const tw_option options[] = {
  TW_OPTION_LR(1e-3),
  TW_OPTION_BETA1(.995),
  TW_OPTION_BETA2(.999),
  {"nu1", TW_OPTION_NUMBER, .7, 0, 1, NULL, "weight of the average of gradients in the step"},
  {"nu2", TW_OPTION_NUMBER, 1, 0, 1, NULL, "weight of the average of squared gradients under the root"},
  TW_OPTION_EPS(1e-8),
  TW_OPTION_DECAY(0, TW_DECAY_COUPLED),
  {0},
};

TW_RULE(qhadam, 2, N_SCALARS, 1, {
  V square = g * g;
  x[M] = h[H_BETA1] * x[M] + h[H_TAKE1] * g;
  x[V2] = h[H_BETA2] * x[V2] + h[H_TAKE2] * square;
  p = p - h[H_LR] * ((h[H_G] * g + h[H_M] * x[M]) / (vsqrt(h[H_GG] * square + h[H_V] * x[V2]) + h[H_EPS]));
})

static void scalars(const tw_hypers *o, double *const *s) {
  TW_LANES(o, r) {
    double b1 = o->v[BETA1][r], b2 = o->v[BETA2][r];
    s[H_BETA1][r] = b1;
    s[H_TAKE1][r] = 1 - b1;
    s[H_BETA2][r] = b2;
    s[H_TAKE2][r] = 1 - b2;
    s[H_LR][r] = o->v[LR][r];
    s[H_G][r] = 1 - o->v[NU1][r];
    s[H_M][r] = o->v[NU1][r] / tw_bias(TW_CORRECT_POWER, b1, o->t[r]);
    s[H_GG][r] = 1 - o->v[NU2][r];
    s[H_V][r] = o->v[NU2][r] / tw_bias(TW_CORRECT_POWER, b2, o->t[r]);
    s[H_EPS][r] = o->v[EPS][r];
  }
}

static const tw_rule rule = {.op = &qhadam_op, .n_scalars = N_SCALARS, .scalars = scalars};

const tw_optim_kind tw_optim_qhadam = {.name = "qhadam", .about = "quasi-hyperbolic Adam", .source = "Ma and Yarats 2019", .options = options,
                                       .slots = {"m", "v"}, .rule = &rule};
