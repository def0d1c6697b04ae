/* Adadelta: the step's unit comes from the steps taken before.
 *
 *   v <- rho v + (1 - rho) g^2          d = rms(u) / rms(v) g          u <- rho u + (1 - rho) d^2          p <- p - lr d
 *   eps inside:  rms(a) = sqrt(a + eps)         everywhere
 *   eps outside: rms(a) = sqrt(a) + eps
 *
 * Zeiler 2012 (lr = 1). */
#include "optim/kinds.h"
#include "optim/rule.h"

enum { LR, RHO, EPS, DECAY_, DECAY_HOW, EPS_AT };
enum { INSIDE, OUTSIDE };
enum { V2, U };
enum { H_LR, H_RHO, H_TAKE, H_INSIDE, H_OUTSIDE, N_SCALARS };

static const tw_option options[] = {
  TW_OPTION_LR(1),
  {"rho", TW_OPTION_NUMBER, .9, 0, 1, NULL, "decay of both averages of squares"},
  {"eps", TW_OPTION_NUMBER, 1e-6, 0, 1e300, NULL, "added to both averages; the first steps are of this size"},
  TW_OPTION_DECAY(0, TW_DECAY_COUPLED),
  {"eps_at", TW_OPTION_CHOICE, INSIDE, 0, 1, "inside outside", "under the roots, beside them"},
  {0},
};

TW_RULE(adadelta, 2, N_SCALARS, 1, {
  x[V2] = h[H_RHO] * x[V2] + h[H_TAKE] * (g * g);
  V d = (vsqrt(x[U] + h[H_INSIDE]) + h[H_OUTSIDE]) / (vsqrt(x[V2] + h[H_INSIDE]) + h[H_OUTSIDE]) * g;
  x[U] = h[H_RHO] * x[U] + h[H_TAKE] * (d * d);
  p = p - h[H_LR] * d;
})

static void scalars(const tw_hypers *o, double *const *s) {
  bool inside = o->v[EPS_AT][0] == INSIDE;
  TW_LANES(o, r) {
    s[H_LR][r] = o->v[LR][r];
    s[H_RHO][r] = o->v[RHO][r];
    s[H_TAKE][r] = 1 - o->v[RHO][r];
    s[H_INSIDE][r] = inside ? o->v[EPS][r] : 0;
    s[H_OUTSIDE][r] = inside ? 0 : o->v[EPS][r];
  }
}

static const tw_rule rule = {.op = &adadelta_op, .n_scalars = N_SCALARS, .scalars = scalars, .steady = 1};

static const tw_optim_preset presets[] = {
  {"keras", "lr=1e-3 rho=.95 eps=1e-7 decay=decoupled"}, {"optax", "rho=.9 eps=1e-6"}, {"torch7", "lr=1 rho=.9 eps=1e-6"},
  {"ensmallen", "lr=1 rho=.95 eps=1e-6"},                {"d2l", "lr=1 rho=.9 eps=1e-5"}, {0},
};

const tw_optim_kind tw_optim_adadelta = {.name = "adadelta", .about = "steps in units of the steps before", .source = "Zeiler 2012",
                                         .options = options, .presets = presets, .slots = {"v", "u"}, .rule = &rule};
