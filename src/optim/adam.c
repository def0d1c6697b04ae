/* Adam, and what differs from it in one place each: AMSGrad, and the conventions of other libraries.
 *
 *   m <- beta1 m + (1 - beta1) g          v <- beta2 v + (1 - beta2) g^2          bc1 = 1 - beta1^t,  bc2 = 1 - beta2^t
 *   eps outside:  p <- p - lr/bc1  m / (sqrt(v)/sqrt(bc2) + eps)                  PyTorch, Optax
 *   eps hat:      p <- p - lr sqrt(bc2)/bc1  m / (sqrt(v) + eps)                  the paper's last form; Keras, Torch7, ensmallen
 *   eps inside:   p <- p - lr/bc1  m / sqrt(v/bc2 + eps)
 *   amsgrad:      the largest v so far in the place of v
 *   correction:   power: as above;  none: bc1 = bc2 = 1;  constant: bc1 = 1 - beta1, bc2 = 1 - beta2 (right in the first step only)
 *
 * Kingma and Ba 2015; Reddi, Kale and Kumar 2018 (AMSGrad, on v as PyTorch does: the maximum is taken before bias correction). */
#include <math.h>

#include "optim/kinds.h"
#include "optim/rule.h"

enum { LR, BETA1, BETA2, EPS, DECAY_, DECAY_HOW, AMSGRAD, EPS_AT, CORRECTION };
enum { OUTSIDE, HAT, INSIDE };
enum { POWER, NONE, CONSTANT };
enum { M, V2, TOP };
enum { H_BETA1, H_TAKE1, H_BETA2, H_TAKE2, H_LR, H_ROOT, H_EPS, H_INSIDE, N_SCALARS };

#define OPTIONS(decay, how, ams)                                                                                                            \
  TW_OPTION_LR(1e-3), TW_OPTION_BETA1(.9), TW_OPTION_BETA2(.999), TW_OPTION_EPS(1e-8), TW_OPTION_DECAY(decay, how),                         \
    {"amsgrad", TW_OPTION_FLAG, ams, 0, 1, NULL, "divide by the largest average of squared gradients so far"},                              \
    {"eps_at", TW_OPTION_CHOICE, OUTSIDE, 0, 2, "outside hat inside", "beside the corrected root, beside the uncorrected one, under it"},   \
    {"bias_correction", TW_OPTION_CHOICE, POWER, 0, 2, "power none constant", "divide the averages by 1 - beta^t, by 1, or by 1 - beta"}, { \
    0                                                                                                                                       \
  }

static const tw_option options[] = {OPTIONS(0, TW_DECAY_COUPLED, 0)};
static const tw_option options_w[] = {OPTIONS(1e-2, TW_DECAY_DECOUPLED, 0)};
static const tw_option options_ams[] = {OPTIONS(0, TW_DECAY_COUPLED, 1)};

#define MOMENTS                              \
  x[M] = h[H_BETA1] * x[M] + h[H_TAKE1] * g; \
  x[V2] = h[H_BETA2] * x[V2] + h[H_TAKE2] * (g * g);
#define MOVE(v) p = p - h[H_LR] * (x[M] / (vsqrt((v)*h[H_ROOT] + h[H_INSIDE]) + h[H_EPS]));

TW_RULE(adam, 2, N_SCALARS, 1, { MOMENTS MOVE(x[V2]) })

TW_RULE(amsgrad, 3, N_SCALARS, 1, {
  MOMENTS
  x[TOP] = vmax(x[V2], x[TOP]);
  MOVE(x[TOP])
})

static void scalars(const tw_hypers *o, double *const *s) {
  int at = (int)o->v[EPS_AT][0], correction = (int)o->v[CORRECTION][0];
  double power1[1], power2[1];
  TW_LANES(o, r) {
    double b1 = o->v[BETA1][r], b2 = o->v[BETA2][r], bc1 = 1, bc2 = 1;
    if (correction == CONSTANT) bc1 = 1 - b1, bc2 = 1 - b2;
    if (correction == POWER) {
      tw_powers(1, &b1, &o->t[r], power1);
      tw_powers(1, &b2, &o->t[r], power2);
      bc1 = 1 - power1[0], bc2 = 1 - power2[0];
    }
    s[H_BETA1][r] = b1;
    s[H_TAKE1][r] = 1 - b1;
    s[H_BETA2][r] = b2;
    s[H_TAKE2][r] = 1 - b2;
    s[H_LR][r] = at == HAT ? o->v[LR][r] * sqrt(bc2) / bc1 : o->v[LR][r] / bc1;
    s[H_ROOT][r] = at == HAT ? 1 : 1 / bc2;
    s[H_EPS][r] = at == INSIDE ? 0 : o->v[EPS][r];
    s[H_INSIDE][r] = at == INSIDE ? o->v[EPS][r] : 0;
  }
}

static const tw_rule adam = {.op = &adam_op, .n_scalars = N_SCALARS, .scalars = scalars};
static const tw_rule amsgrad = {.op = &amsgrad_op, .n_scalars = N_SCALARS, .scalars = scalars};

static const tw_rule *choose(const tw_hypers *o) { return o->v[AMSGRAD][0] != 0 ? &amsgrad : &adam; }

/* Kingma and Ba's algorithm 1 and PyTorch agree. */
static const tw_optim_preset presets[] = {
  {"keras", "lr=1e-3 eps=1e-7 eps_at=hat"},
  {"torch7", "lr=1e-3 eps=1e-8 eps_at=hat"},
  {"ensmallen", "lr=1e-3 eps=1e-8 eps_at=hat"},
  {"d2l", "lr=1e-2 eps=1e-6"},
  {0},
};

#define SLOTS {"m", "v", "v_max"}
const tw_optim_kind tw_optim_adam = {.name = "adam", .about = "adaptive moments", .source = "Kingma and Ba 2015", .options = options,
                                     .presets = presets, .slots = SLOTS, .choose = choose};
const tw_optim_kind tw_optim_adamw = {.name = "adamw", .about = "Adam with decoupled weight decay", .source = "Loshchilov and Hutter 2019",
                                      .options = options_w, .slots = SLOTS, .choose = choose};
const tw_optim_kind tw_optim_amsgrad = {.name = "amsgrad", .about = "Adam that divides by the largest average of squared gradients so far",
                                        .source = "Reddi, Kale and Kumar 2018", .options = options_ams, .slots = SLOTS, .choose = choose};
