/* Descent by signs: signSGD, and Signum, which takes the sign of an average.
 *
 *   signsgd:  p <- p - lr sign(g)
 *   signum:   m <- momentum m + (1 - momentum) g      p <- p - lr sign(m)
 *
 * Bernstein et al. 2018. */
#include "optim/kinds.h"
#include "optim/rule.h"

enum { LR, MOMENTUM };
enum { H_LR, H_MOMENTUM, H_TAKE, N_SCALARS };

static const tw_option options[] = {TW_OPTION_LR(1e-4), TW_OPTION_DECAY(0, TW_DECAY_COUPLED), {0}};
static const tw_option options_signum[] = {
  TW_OPTION_LR(1e-4),
  {"momentum", TW_OPTION_NUMBER, .9, 0, 1, NULL, "decay of the average of gradients"},
  TW_OPTION_DECAY(0, TW_DECAY_COUPLED),
  {0},
};

TW_RULE(signsgd, 0, 1, 1, { p = p - h[H_LR] * vsign(g); })
TW_RULE(signum, 1, N_SCALARS, 1, {
  x[0] = h[H_MOMENTUM] * x[0] + h[H_TAKE] * g;
  p = p - h[H_LR] * vsign(x[0]);
})

static void scalars(const tw_hypers *o, double *const *s) {
  TW_LANES(o, r) s[H_LR][r] = o->v[LR][r];
}

static void scalars_signum(const tw_hypers *o, double *const *s) {
  TW_LANES(o, r) {
    s[H_LR][r] = o->v[LR][r];
    s[H_MOMENTUM][r] = o->v[MOMENTUM][r];
    s[H_TAKE][r] = 1 - o->v[MOMENTUM][r];
  }
}

static const tw_rule rule = {.op = &signsgd_op, .n_scalars = 1, .scalars = scalars, .steady = 1};
static const tw_rule rule_signum = {.op = &signum_op, .n_scalars = N_SCALARS, .scalars = scalars_signum, .steady = 1};

const tw_optim_kind tw_optim_signsgd = {.name = "signsgd", .about = "steps by the sign of the gradient", .source = "Bernstein et al. 2018",
                                        .options = options, .rule = &rule};
const tw_optim_kind tw_optim_signum = {.name = "signum", .about = "steps by the sign of the average gradient", .source = "Bernstein et al. 2018",
                                       .options = options_signum, .slots = {"average"}, .rule = &rule_signum};
