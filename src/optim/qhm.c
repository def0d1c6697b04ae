/* Quasi-hyperbolic momentum: a weighted mean of a plain and a momentum step.
 *
 *   b <- momentum b + (1 - momentum) g      p <- p - lr ((1 - nu) g + nu b)
 *
 * nu = 0: plain; nu = 1: momentum (form ema); nu = momentum: Nesterov's. Ma and Yarats 2019; defaults from its code. */
#include "optim/kinds.h"
#include "optim/rule.h"

enum { LR, MOMENTUM, NU };
enum { H_LR, H_MOMENTUM, H_TAKE, H_G, H_B, N_SCALARS };

static const tw_option options[] = {
  TW_OPTION_LR(1),
  {"momentum", TW_OPTION_NUMBER, .999, 0, 1, NULL, "decay of the average of gradients"},
  {"nu", TW_OPTION_NUMBER, .7, 0, 1, NULL, "weight of the average in the step"},
  TW_OPTION_DECAY(0, TW_DECAY_COUPLED),
  {0},
};

TW_RULE(qhm, 1, N_SCALARS, 1, {
  x[0] = h[H_MOMENTUM] * x[0] + h[H_TAKE] * g;
  p = p - h[H_LR] * (h[H_G] * g + h[H_B] * x[0]);
})

static void scalars(const tw_hypers *o, double *const *s) {
  TW_LANES(o, r) {
    s[H_LR][r] = o->v[LR][r];
    s[H_MOMENTUM][r] = o->v[MOMENTUM][r];
    s[H_TAKE][r] = 1 - o->v[MOMENTUM][r];
    s[H_G][r] = 1 - o->v[NU][r];
    s[H_B][r] = o->v[NU][r];
  }
}

static const tw_rule rule = {.op = &qhm_op, .n_scalars = N_SCALARS, .scalars = scalars, .steady = 1};

const tw_optim_kind tw_optim_qhm = {.name = "qhm", .about = "quasi-hyperbolic momentum, a mean of a plain and a momentum step",
                                    .source = "Ma and Yarats 2019", .options = options, .slots = {"average"}, .rule = &rule};
