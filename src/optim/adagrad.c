/* AdaGrad: every element's step shrinks with the squares of the gradients it has seen.
 *
 *   s <- s + g^2  (s starts at initial_accumulator_value)          rate = lr / (1 + (t - 1) lr_decay)
 *   eps outside:  p <- p - rate g / (sqrt(s) + eps)                PyTorch, Torch7, ensmallen
 *   eps inside:   p <- p - rate g / sqrt(s + eps)                  Keras, Optax, d2l
 *
 * Duchi, Hazan and Singer 2011. */
#include "optim/kinds.h"
#include "optim/rule.h"

enum { LR, LR_DECAY, DECAY_, DECAY_HOW, START, EPS, EPS_AT };
enum { OUTSIDE, INSIDE };
enum { H_RATE, H_START, H_EPS, H_INSIDE, N_SCALARS };

static const tw_option options[] = {
  TW_OPTION_LR(1e-2),
  {"lr_decay", TW_OPTION_NUMBER, 0, 0, 1e300, NULL, "the rate of step t is lr / (1 + (t - 1) lr_decay)"},
  TW_OPTION_DECAY(0, TW_DECAY_COUPLED),
  {"initial_accumulator_value", TW_OPTION_NUMBER, 0, 0, 1e300, NULL, "where the sum of squares starts"},
  TW_OPTION_EPS(1e-10),
  {"eps_at", TW_OPTION_CHOICE, OUTSIDE, 0, 1, "outside inside", "beside the root, under it"},
  {0},
};

TW_RULE(adagrad, 1, N_SCALARS, 1, {
  x[0] = x[0] + h[H_START] + g * g;
  p = p - h[H_RATE] * (g / (vsqrt(x[0] + h[H_INSIDE]) + h[H_EPS]));
})

static void scalars(const tw_hypers *o, double *const *s) {
  bool inside = o->v[EPS_AT][0] == INSIDE;
  TW_LANES(o, r) {
    s[H_RATE][r] = o->v[LR][r] / (1 + (double)(o->t[r] - 1) * o->v[LR_DECAY][r]);
    s[H_START][r] = o->t[r] == 1 ? o->v[START][r] : 0;
    s[H_EPS][r] = inside ? 0 : o->v[EPS][r];
    s[H_INSIDE][r] = inside ? o->v[EPS][r] : 0;
  }
}

static const tw_rule falling = {.op = &adagrad_op, .n_scalars = N_SCALARS, .scalars = scalars};
static const tw_rule steady = {.op = &adagrad_op, .n_scalars = N_SCALARS, .scalars = scalars, .steady = 2};

static const tw_rule *choose(const tw_hypers *o) { return o->constant[LR_DECAY] && o->v[LR_DECAY][0] == 0 ? &steady : &falling; }

static const tw_optim_preset presets[] = {
  {"keras", "lr=1e-3 initial_accumulator_value=.1 eps=1e-7 eps_at=inside decay=decoupled"},
  {"optax", "initial_accumulator_value=.1 eps=1e-7 eps_at=inside"},
  {"torch7", "lr=1e-3"},
  {"ensmallen", "eps=1e-8"},
  {"d2l", "lr=.1 eps=1e-6 eps_at=inside"},
  {0},
};

const tw_optim_kind tw_optim_adagrad = {.name = "adagrad", .about = "steps that shrink with the sum of squared gradients",
                                        .source = "Duchi, Hazan and Singer 2011", .options = options, .presets = presets, .slots = {"sum"},
                                        .choose = choose};
