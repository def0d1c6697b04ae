/* Lion: steps of one size in every element, from two averages in one.
 *
 *   c = beta1 m + (1 - beta1) g      p <- p - lr (sign(c) + weight_decay p)      m <- beta2 m + (1 - beta2) g
 *
 * Chen et al. 2023. */
#include "optim/kinds.h"
#include "optim/rule.h"

enum { LR, BETA1, BETA2 };
enum { H_LR, H_BETA1, H_TAKE1, H_BETA2, H_TAKE2, N_SCALARS };

static const tw_option options[] = {
  TW_OPTION_LR(1e-4),
  {"beta1", TW_OPTION_NUMBER, .9, 0, 1, NULL, "weight of the average in the direction"},
  {"beta2", TW_OPTION_NUMBER, .99, 0, 1, NULL, "decay of the average of gradients"},
  TW_OPTION_DECAY(0, TW_DECAY_DECOUPLED),
  {0},
};

TW_RULE(lion, 1, N_SCALARS, 1, {
  V c = h[H_BETA1] * x[0] + h[H_TAKE1] * g;
  x[0] = h[H_BETA2] * x[0] + h[H_TAKE2] * g;
  p = p - h[H_LR] * vsign(c);
})

static void scalars(const tw_hypers *o, double *const *s) {
  TW_LANES(o, r) {
    s[H_LR][r] = o->v[LR][r];
    s[H_BETA1][r] = o->v[BETA1][r];
    s[H_TAKE1][r] = 1 - o->v[BETA1][r];
    s[H_BETA2][r] = o->v[BETA2][r];
    s[H_TAKE2][r] = 1 - o->v[BETA2][r];
  }
}

static const tw_rule rule = {.op = &lion_op, .n_scalars = N_SCALARS, .scalars = scalars, .steady = 1};

static const tw_optim_preset presets[] = {{"keras", "lr=1e-3"}, {"optax", "weight_decay=1e-3"}, {0}};

const tw_optim_kind tw_optim_lion = {.name = "lion", .about = "steps by the sign of an interpolated average", .source = "Chen et al. 2023",
                                     .options = options, .presets = presets, .slots = {"m"}, .rule = &rule};
