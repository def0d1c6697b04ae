/* RMSProp: gradients divided by a moving root mean square.
 *
 *   v <- alpha v + (1 - alpha) g^2  (v starts at initial_accumulator_value)
 *   centered:     m <- alpha m + (1 - alpha) g,  and v - m^2, held at or above 0, in the place of v below
 *   eps outside:  d = g / (sqrt(v) + eps)      PyTorch, Torch7, ensmallen
 *   eps inside:   d = g / sqrt(v + eps)        Keras, Optax, d2l
 *   heavy_ball:   b <- momentum b + d          p <- p - lr b          PyTorch
 *   velocity:     b <- momentum b + lr d       p <- p - b             Keras, Optax; differs once lr is scheduled
 *   nesterov:     the step uses momentum b + (what was added to b) in place of b
 *
 * Tieleman and Hinton, Lecture 6.5, COURSERA: Neural networks for machine learning, 2012; centered: Graves 2013. */
#include "optim/kinds.h"
#include "optim/rule.h"

enum { LR, ALPHA, EPS, DECAY_, DECAY_HOW, MOMENTUM, CENTERED, EPS_AT, FORM, NESTEROV, START };
enum { OUTSIDE, INSIDE };
enum { HEAVY_BALL, VELOCITY };
enum { V2, B, M };
enum { H_ALPHA, H_TAKE, H_START, H_EPS, H_INSIDE, H_LR, H_MOMENTUM, H_IN, N_SCALARS };

static const tw_option options[] = {
  TW_OPTION_LR(1e-2),
  {"alpha", TW_OPTION_NUMBER, .99, 0, 1, NULL, "decay of the average of squared gradients"},
  TW_OPTION_EPS(1e-8),
  TW_OPTION_DECAY(0, TW_DECAY_COUPLED),
  {"momentum", TW_OPTION_NUMBER, 0, 0, 1e300, NULL, "factor by which the velocity survives a step"},
  {"centered", TW_OPTION_FLAG, 0, 0, 1, NULL, "divide by the standard deviation: the square of the average gradient is subtracted"},
  {"eps_at", TW_OPTION_CHOICE, OUTSIDE, 0, 1, "outside inside", "beside the root, under it"},
  {"form", TW_OPTION_CHOICE, HEAVY_BALL, 0, 1, "heavy_ball velocity", "the learning rate multiplies the velocity, or what enters it"},
  {"nesterov", TW_OPTION_FLAG, 0, 0, 1, NULL, "look ahead along the new velocity"},
  {"initial_accumulator_value", TW_OPTION_NUMBER, 0, 0, 1e300, NULL, "where the average of squares starts"},
  {0},
};

#define SQUARES x[V2] = h[H_ALPHA] * (x[V2] + h[H_START]) + h[H_TAKE] * (g * g);
#define SCALED(v) (g / (vsqrt((v) + h[H_INSIDE]) + h[H_EPS]))
#define MOVE(v)                       \
  V entering = h[H_IN] * SCALED(v);   \
  x[B] = h[H_MOMENTUM] * x[B] + entering; \
  p = p - h[H_LR] * (variant ? h[H_MOMENTUM] * x[B] + entering : x[B]);

TW_RULE(rmsprop, 1, N_SCALARS, 1, { SQUARES p = p - h[H_LR] * SCALED(x[V2]); })
TW_RULE(rmsprop_momentum, 2, N_SCALARS, 2, { SQUARES MOVE(x[V2]) })
TW_RULE(rmsprop_centered, 3, N_SCALARS, 2, {
  SQUARES x[M] = h[H_ALPHA] * x[M] + h[H_TAKE] * g;
  V variance = x[V2] - x[M] * x[M];
  MOVE(vmax((V){0}, variance))
})

static const tw_rule *choose(const tw_hypers *);

static void scalars(const tw_hypers *o, double *const *s) {
  bool inside = o->v[EPS_AT][0] == INSIDE, velocity = o->v[FORM][0] == VELOCITY && choose(o)->op != &rmsprop_op;
  TW_LANES(o, r) {
    s[H_ALPHA][r] = o->v[ALPHA][r];
    s[H_TAKE][r] = 1 - o->v[ALPHA][r];
    s[H_START][r] = o->t[r] == 1 ? o->v[START][r] : 0;
    s[H_EPS][r] = inside ? 0 : o->v[EPS][r];
    s[H_INSIDE][r] = inside ? o->v[EPS][r] : 0;
    s[H_MOMENTUM][r] = o->v[MOMENTUM][r];
    s[H_LR][r] = velocity ? 1 : o->v[LR][r];
    s[H_IN][r] = velocity ? o->v[LR][r] : 1;
  }
}

static int variant(const tw_hypers *o) { return o->v[NESTEROV][0] != 0; }

static const tw_rule plain = {.op = &rmsprop_op, .n_scalars = N_SCALARS, .scalars = scalars, .steady = 2};
static const tw_rule with_velocity = {.op = &rmsprop_momentum_op, .n_scalars = N_SCALARS, .scalars = scalars, .variant = variant, .steady = 2};
static const tw_rule centered = {.op = &rmsprop_centered_op, .n_scalars = N_SCALARS, .scalars = scalars, .variant = variant, .steady = 2};

static const tw_rule *choose(const tw_hypers *o) {
  if (o->v[CENTERED][0] != 0) return &centered;
  return o->constant[MOMENTUM] && o->v[MOMENTUM][0] == 0 ? &plain : &with_velocity;
}

static const tw_optim_preset presets[] = {
  {"keras", "lr=1e-3 alpha=.9 eps=1e-7 eps_at=inside form=velocity decay=decoupled"},
  {"optax", "alpha=.9 eps=1e-8 eps_at=inside form=velocity"},
  {"torch7", "lr=1e-2 alpha=.99 eps=1e-8"},
  {"ensmallen", "lr=1e-2 alpha=.99 eps=1e-8"},
  {"d2l", "lr=1e-2 alpha=.9 eps=1e-6 eps_at=inside"},
  {0},
};

const tw_optim_kind tw_optim_rmsprop = {.name = "rmsprop", .about = "gradients divided by their moving root mean square, with momentum and centering",
                                        .source = "Tieleman and Hinton 2012; Graves 2013", .options = options, .presets = presets,
                                        .slots = {"v", "velocity", "mean"}, .choose = choose};
