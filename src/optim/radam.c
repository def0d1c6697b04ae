/* RAdam: Adam without adaptation while the variance of its rate is unknown, and with a factor for it afterwards.
 *
 *   m, v, bc1, bc2 as in Adam      rho_inf = 2/(1 - beta2) - 1      rho = rho_inf - 2 t beta2^t / bc2
 *   rho > threshold:  r = sqrt((rho - 4)(rho - 2) rho_inf / ((rho_inf - 4)(rho_inf - 2) rho))
 *     eps hat:        p <- p - lr r sqrt(bc2)/bc1  m / (sqrt(v + eps_root) + eps)          PyTorch
 *     eps outside:    p <- p - lr r /bc1  m / (sqrt(v/bc2 + eps_root) + eps)               Optax
 *     eps inside:     p <- p - lr r /bc1  m / sqrt(v/bc2 + eps_root + eps)
 *   else:             p <- p - lr/bc1  m
 *
 * Liu et al. 2020 (its threshold is 4; every library has 5). */
#include "optim/kinds.h"
#include "optim/moments.h"
#include "optim/rule.h"

enum { LR, BETA1, BETA2, EPS, DECAY_, DECAY_HOW, THRESHOLD, RECTIFY, EPS_AT, EPS_ROOT };
enum { ABOVE, FROM };
enum { M, V2 };
enum { H_BETA1, H_TAKE1, H_BETA2, H_TAKE2, H_LR, H_ROOT, H_EPS, H_INSIDE, H_ADAPT, N_SCALARS };

static const tw_option options[] = {
  TW_OPTION_LR(1e-3),
  TW_OPTION_BETA1(.9),
  TW_OPTION_BETA2(.999),
  TW_OPTION_EPS(1e-8),
  TW_OPTION_DECAY(0, TW_DECAY_COUPLED),
  {"threshold", TW_OPTION_NUMBER, 5, 4, 1e300, NULL, "the length of the average from which on steps adapt"},
  {"rectify", TW_OPTION_CHOICE, ABOVE, 0, 1, "above from", "steps adapt above the threshold, or from it on"},
  TW_OPTION_EPS_AT(TW_EPS_HAT),
  TW_OPTION_EPS_ROOT(0),
  {0},
};

TW_RULE(radam, 2, N_SCALARS, 1, {
  x[M] = h[H_BETA1] * x[M] + h[H_TAKE1] * g;
  x[V2] = h[H_BETA2] * x[V2] + h[H_TAKE2] * (g * g);
  V denominator = vsqrt(x[V2] * h[H_ROOT] + h[H_INSIDE]) + h[H_EPS];
  p = p - h[H_LR] * (x[M] / vselect(h[H_ADAPT] != 0, denominator, (V){0} + (E)1));
})

static void scalars(const tw_hypers *o, double *const *s) {
  int at = (int)o->v[EPS_AT][0];
  TW_LANES(o, r) {
    double b1 = o->v[BETA1][r], b2 = o->v[BETA2][r], t = (double)o->t[r], limit = o->v[THRESHOLD][r];
    double bc1 = tw_bias(TW_CORRECT_POWER, b1, o->t[r]), bc2 = tw_bias(TW_CORRECT_POWER, b2, o->t[r]);
    double top = 2 / (1 - b2) - 1, rho = top - 2 * t * tw_power(b2, t) / bc2;
    bool adapt = o->v[RECTIFY][0] == ABOVE ? rho > limit : rho >= limit;
    tw_denominator d = tw_denominator_of(at, o->v[LR][r], o->v[EPS][r], o->v[EPS_ROOT][r], bc2);
    s[H_BETA1][r] = b1;
    s[H_TAKE1][r] = 1 - b1;
    s[H_BETA2][r] = b2;
    s[H_TAKE2][r] = 1 - b2;
    s[H_LR][r] = adapt ? d.lr * sqrt((rho - 4) * (rho - 2) * top / ((top - 4) * (top - 2) * rho)) / bc1 : o->v[LR][r] / bc1;
    s[H_ROOT][r] = d.root;
    s[H_EPS][r] = d.eps;
    s[H_INSIDE][r] = d.inside;
    s[H_ADAPT][r] = adapt;
  }
}

static const tw_rule rule = {.op = &radam_op, .n_scalars = N_SCALARS, .scalars = scalars};

static const tw_optim_preset presets[] = {{"optax", "eps=1e-8 eps_at=outside rectify=from"}, {0}};

const tw_optim_kind tw_optim_radam = {.name = "radam", .about = "Adam with its first steps rectified", .source = "Liu et al. 2020", .options = options,
                                      .presets = presets, .slots = {"m", "v"}, .rule = &rule};
