/* Adam, and what differs from it in one place each: AMSGrad, and the conventions of lectures and other libraries.
 *
 *   m <- beta1 m + (1 - beta1) g          v <- beta2 v + (1 - beta2) g^2          bc1 = 1 - beta1^t,  bc2 = 1 - beta2^t
 *   eps outside:  p <- p - lr/bc1  m / (sqrt(v/bc2 + eps_root) + eps)             PyTorch, Optax (eps_root is Optax's, 0 elsewhere)
 *   eps hat:      p <- p - lr sqrt(bc2)/bc1  m / (sqrt(v + eps_root) + eps)       the paper's last form; Keras, Torch7, ensmallen
 *   eps inside:   p <- p - lr/bc1  m / sqrt(v/bc2 + eps_root + eps)
 *   amsgrad:      the largest v so far in the place of v; amsgrad_of corrected: the largest v/bc2 in the place of v/bc2 (Optax)
 *   correction:   power: as above;  none: bc1 = bc2 = 1;  constant: bc1 = 1 - beta1, bc2 = 1 - beta2 (right in the first step only)
 *   write_back:   m <- m/bc1, v <- v/bc2 as the new state, which the next step averages into: pseudocode that corrects m itself, read to the letter
 *
 * Kingma and Ba 2015; Reddi, Kale and Kumar 2018 (AMSGrad, on v as PyTorch does: the maximum is taken before bias correction). */
#include "optim/kinds.h"
#include "optim/moments.h"
#include "optim/rule.h"

enum { LR, BETA1, BETA2, EPS, DECAY_, DECAY_HOW, AMSGRAD, EPS_AT, CORRECTION, EPS_ROOT, AMSGRAD_OF, WRITE_BACK };
enum { RAW, CORRECTED };
enum { M, V2, TOP };
enum { H_BETA1, H_TAKE1, H_BETA2, H_TAKE2, H_LR, H_ROOT, H_EPS, H_INSIDE, H_TOP, N_SCALARS };

#define OPTIONS(decay, how, ams)                                                                                                                  \
  TW_OPTION_LR(1e-3), TW_OPTION_BETA1(.9), TW_OPTION_BETA2(.999), TW_OPTION_EPS(1e-8), TW_OPTION_DECAY(decay, how),                               \
    {"amsgrad", TW_OPTION_FLAG, ams, 0, 1, NULL, "divide by the largest average of squared gradients so far"}, TW_OPTION_EPS_AT(TW_EPS_OUTSIDE),  \
    TW_OPTION_CORRECTION(TW_CORRECT_POWER), TW_OPTION_EPS_ROOT(0),                                                                                \
    {"amsgrad_of", TW_OPTION_CHOICE, RAW, 0, 1, "raw corrected", "the largest average before bias correction, or after it"},                      \
    {"write_back", TW_OPTION_FLAG, 0, 0, 1, NULL, "the corrected averages replace the averages themselves, a misreading that grows without bound"}, { \
    0                                                                                                                                             \
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
  x[TOP] = vmax(x[V2] * h[H_TOP], x[TOP]);
  MOVE(x[TOP])
})

static void scalars(const tw_hypers *o, double *const *s) {
  int at = (int)o->v[EPS_AT][0], correction = (int)o->v[CORRECTION][0];
  bool back = o->v[WRITE_BACK][0] != 0, corrected = o->v[AMSGRAD][0] != 0 && o->v[AMSGRAD_OF][0] == CORRECTED;
  TW_LANES(o, r) {
    double b1 = o->v[BETA1][r], b2 = o->v[BETA2][r], bc1 = tw_bias(correction, b1, o->t[r]), bc2 = tw_bias(correction, b2, o->t[r]);
    s[H_BETA1][r] = back ? b1 / bc1 : b1;
    s[H_TAKE1][r] = back ? (1 - b1) / bc1 : 1 - b1;
    s[H_BETA2][r] = back ? b2 / bc2 : b2;
    s[H_TAKE2][r] = back ? (1 - b2) / bc2 : 1 - b2;
    if (back) bc1 = bc2 = 1;
    tw_denominator d = tw_denominator_of(at, o->v[LR][r], o->v[EPS][r], o->v[EPS_ROOT][r], bc2);
    s[H_LR][r] = d.lr / bc1;
    s[H_TOP][r] = corrected ? d.root : 1;
    s[H_ROOT][r] = corrected ? 1 : d.root;
    s[H_EPS][r] = d.eps;
    s[H_INSIDE][r] = d.inside;
  }
}

static const tw_rule adam = {.op = &adam_op, .n_scalars = N_SCALARS, .scalars = scalars};
static const tw_rule amsgrad = {.op = &amsgrad_op, .n_scalars = N_SCALARS, .scalars = scalars};

static const tw_rule *choose(const tw_hypers *o) { return o->v[AMSGRAD][0] != 0 ? &amsgrad : &adam; }

/* Kingma and Ba's algorithm 1 and PyTorch agree. */
#define PRESETS(keras_decay, optax)                                   \
  {"keras", "lr=1e-3 eps=1e-7 eps_at=hat decay=decoupled" keras_decay}, \
    {"optax", "amsgrad_of=corrected" optax},                           \
    {"torch7", "lr=1e-3 eps=1e-8 eps_at=hat"},                         \
    {"ensmallen", "lr=1e-3 eps=1e-8 eps_at=hat"},                      \
    {"d2l", "lr=1e-2 eps=1e-6"}, {                                     \
    0                                                                  \
  }

static const tw_optim_preset presets[] = {PRESETS("", "")};
static const tw_optim_preset presets_w[] = {PRESETS(" weight_decay=4e-3", " weight_decay=1e-4")};

#define SLOTS {"m", "v", "v_max"}
const tw_optim_kind tw_optim_adam = {.name = "adam", .about = "adaptive moments", .source = "Kingma and Ba 2015", .options = options,
                                     .presets = presets, .slots = SLOTS, .choose = choose};
const tw_optim_kind tw_optim_adamw = {.name = "adamw", .about = "Adam with decoupled weight decay", .source = "Loshchilov and Hutter 2019",
                                      .options = options_w, .presets = presets_w, .slots = SLOTS, .choose = choose};
const tw_optim_kind tw_optim_amsgrad = {.name = "amsgrad", .about = "Adam that divides by the largest average of squared gradients so far",
                                        .source = "Reddi, Kale and Kumar 2018", .options = options_ams, .presets = presets, .slots = SLOTS,
                                        .choose = choose};
