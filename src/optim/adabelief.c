/* AdaBelief: Adam divided by how far gradients are from their average.
 *
 *   m' = beta1 m + (1 - beta1) g      e = g - m'      v <- beta2 v + (1 - beta2) e^2 + eps_root      m <- m'
 *   p <- p - lr/bc1  m / (sqrt(v/bc2) + eps)          bc1, bc2 and eps_at as in Adam; eps_root is added up in v
 *   error_from old: e = g - m, the average before this step (Optax)
 *
 * Zhuang et al. 2020; defaults from its code, which has 1e-16 for both eps. */
#include "optim/kinds.h"
#include "optim/moments.h"
#include "optim/rule.h"

enum { LR, BETA1, BETA2, EPS, EPS_ROOT, DECAY_, DECAY_HOW, AMSGRAD, ERROR_FROM, EPS_AT };
enum { NEW, OLD };
enum { M, V2, TOP };
enum { H_BETA1, H_TAKE1, H_BETA2, H_TAKE2, H_LR, H_ROOT, H_EPS, H_INSIDE, H_ADD, N_SCALARS };

static const tw_option options[] = {
  TW_OPTION_LR(1e-3),
  TW_OPTION_BETA1(.9),
  {"beta2", TW_OPTION_NUMBER, .999, 0, 1, NULL, "decay of the average of squared errors"},
  TW_OPTION_EPS(1e-16),
  {"eps_root", TW_OPTION_NUMBER, 1e-16, 0, 1e300, NULL, "added to the average of squared errors in every step"},
  TW_OPTION_DECAY(0, TW_DECAY_DECOUPLED),
  {"amsgrad", TW_OPTION_FLAG, 0, 0, 1, NULL, "divide by the largest average of squared errors so far"},
  {"error_from", TW_OPTION_CHOICE, NEW, 0, 1, "new old", "the gradient's distance from its average with this gradient in it, or without"},
  TW_OPTION_EPS_AT(TW_EPS_OUTSIDE),
  {0},
};

#define MOMENTS                                               \
  V old = x[M];                                               \
  x[M] = h[H_BETA1] * x[M] + h[H_TAKE1] * g;                  \
  V error = g - (variant == OLD ? old : x[M]);                \
  x[V2] = h[H_BETA2] * x[V2] + h[H_TAKE2] * (error * error) + h[H_ADD];
#define MOVE(v) p = p - h[H_LR] * (x[M] / (vsqrt((v)*h[H_ROOT] + h[H_INSIDE]) + h[H_EPS]));

TW_RULE(adabelief, 2, N_SCALARS, 2, { MOMENTS MOVE(x[V2]) })
TW_RULE(adabelief_top, 3, N_SCALARS, 2, {
  MOMENTS
  x[TOP] = vmax(x[V2], x[TOP]);
  MOVE(x[TOP])
})

static void scalars(const tw_hypers *o, double *const *s) {
  int at = (int)o->v[EPS_AT][0];
  TW_LANES(o, r) {
    double b1 = o->v[BETA1][r], b2 = o->v[BETA2][r];
    tw_denominator d = tw_denominator_of(at, o->v[LR][r], o->v[EPS][r], 0, tw_bias(TW_CORRECT_POWER, b2, o->t[r]));
    s[H_BETA1][r] = b1;
    s[H_TAKE1][r] = 1 - b1;
    s[H_BETA2][r] = b2;
    s[H_TAKE2][r] = 1 - b2;
    s[H_LR][r] = d.lr / tw_bias(TW_CORRECT_POWER, b1, o->t[r]);
    s[H_ROOT][r] = d.root;
    s[H_EPS][r] = d.eps;
    s[H_INSIDE][r] = d.inside;
    s[H_ADD][r] = o->v[EPS_ROOT][r];
  }
}

static int variant(const tw_hypers *o) { return (int)o->v[ERROR_FROM][0]; }

static const tw_rule plain = {.op = &adabelief_op, .n_scalars = N_SCALARS, .scalars = scalars, .variant = variant};
static const tw_rule with_top = {.op = &adabelief_top_op, .n_scalars = N_SCALARS, .scalars = scalars, .variant = variant};

static const tw_rule *choose(const tw_hypers *o) { return o->v[AMSGRAD][0] != 0 ? &with_top : &plain; }

static const tw_optim_preset presets[] = {{"optax", "eps=1e-16 eps_root=1e-16 error_from=old"}, {0}};

const tw_optim_kind tw_optim_adabelief = {.name = "adabelief", .about = "Adam divided by how far gradients are from their average",
                                          .source = "Zhuang et al. 2020", .options = options, .presets = presets, .slots = {"m", "v", "v_max"},
                                          .choose = choose};
