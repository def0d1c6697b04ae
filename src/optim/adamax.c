/* Adamax: Adam with the infinity norm in the place of the root mean square.
 *
 *   m <- beta1 m + (1 - beta1) g
 *   eps inside:   u <- max(beta2 u, |g| + eps)      p <- p - lr/(1 - beta1^t)  m / u                  PyTorch, Torch7, Optax
 *   eps outside:  u <- max(beta2 u, |g|)            p <- p - lr/(1 - beta1^t)  m / (u + eps)          Keras, ensmallen
 *
 * Kingma and Ba 2015, section 7.1. */
#include "optim/kinds.h"
#include "optim/moments.h"
#include "optim/rule.h"

enum { LR, BETA1, BETA2, EPS, DECAY_, DECAY_HOW, EPS_AT };
enum { INSIDE, OUTSIDE };
enum { M, U };
enum { H_BETA1, H_TAKE1, H_BETA2, H_LR, H_INSIDE, H_OUTSIDE, N_SCALARS };

static const tw_option options[] = {
  TW_OPTION_LR(2e-3),
  TW_OPTION_BETA1(.9),
  {"beta2", TW_OPTION_NUMBER, .999, 0, 1, NULL, "decay of the largest gradient"},
  TW_OPTION_EPS(1e-8),
  TW_OPTION_DECAY(0, TW_DECAY_COUPLED),
  {"eps_at", TW_OPTION_CHOICE, INSIDE, 0, 1, "inside outside", "beside |g| inside the maximum, beside the maximum"},
  {0},
};

TW_RULE(adamax, 2, N_SCALARS, 1, {
  x[M] = h[H_BETA1] * x[M] + h[H_TAKE1] * g;
  V here = vabs(g) + h[H_INSIDE];
  V past = h[H_BETA2] * x[U];
  x[U] = vmax(here, past);
  p = p - h[H_LR] * (x[M] / (x[U] + h[H_OUTSIDE]));
})

static void scalars(const tw_hypers *o, double *const *s) {
  bool inside = o->v[EPS_AT][0] == INSIDE;
  TW_LANES(o, r) {
    s[H_BETA1][r] = o->v[BETA1][r];
    s[H_TAKE1][r] = 1 - o->v[BETA1][r];
    s[H_BETA2][r] = o->v[BETA2][r];
    s[H_LR][r] = o->v[LR][r] / tw_bias(TW_CORRECT_POWER, o->v[BETA1][r], o->t[r]);
    s[H_INSIDE][r] = inside ? o->v[EPS][r] : 0;
    s[H_OUTSIDE][r] = inside ? 0 : o->v[EPS][r];
  }
}

static const tw_rule rule = {.op = &adamax_op, .n_scalars = N_SCALARS, .scalars = scalars};

static const tw_optim_preset presets[] = {
  {"keras", "lr=1e-3 eps=1e-7 eps_at=outside decay=decoupled"}, {"optax", "eps=1e-8"}, {"torch7", "lr=2e-3 eps=1e-38"},
  {"ensmallen", "lr=1e-3 eps=1e-8 eps_at=outside"},             {0},
};

const tw_optim_kind tw_optim_adamax = {.name = "adamax", .about = "Adam with the largest gradient in the place of the mean square",
                                       .source = "Kingma and Ba 2015, section 7.1", .options = options, .presets = presets, .slots = {"m", "u"},
                                       .rule = &rule};
