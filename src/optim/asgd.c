/* Averaged stochastic gradient descent. opt:eval_params() gives the average a.
 *
 *   eta = lr / (1 + lambd lr (t - 1))^alpha            mu = 1 / max(1, t - 1 - t0)
 *   p <- (1 - lambd eta) p - eta g                      a <- a + mu (p - a)
 *
 * With lambd = 0 it is Polyak-Ruppert averaging of plain gradient descent: the mean of all iterates from step k on for t0 = k - 2 (t0 = -1: of all).
 *
 * Polyak and Juditsky 1992; Xu 2011, whose schedule PyTorch and Torch7 have. */
#include "optim/kinds.h"
#include "optim/rule.h"

enum { LR, LAMBD, ALPHA, T0, DECAY_, DECAY_HOW };
enum { H_SHRINK, H_ETA, H_MU, N_SCALARS };

static const tw_option options[] = {
  TW_OPTION_LR(1e-2),
  {"lambd", TW_OPTION_NUMBER, 1e-4, 0, 1e300, NULL, "decay of the parameters and of the rate"},
  {"alpha", TW_OPTION_NUMBER, .75, 0, 1e300, NULL, "power with which the rate falls"},
  {"t0", TW_OPTION_NUMBER, 1e6, -1, 1e300, NULL, "the average begins at step t0 + 2: until then it is the parameter itself"},
  TW_OPTION_DECAY(0, TW_DECAY_COUPLED),
  {0},
};

TW_RULE(asgd, 1, N_SCALARS, 1, {
  p = p * h[H_SHRINK] - h[H_ETA] * g;
  V held = vselect(p < h[TW_RULE_LO - TW_RULE_OWN], h[TW_RULE_LO - TW_RULE_OWN], p);
  held = vselect(held > h[TW_RULE_HI - TW_RULE_OWN], h[TW_RULE_HI - TW_RULE_OWN], held);
  x[0] = vselect(h[H_MU] == 1, held, x[0] + h[H_MU] * (held - x[0]));
})

static void scalars(const tw_hypers *o, double *const *s) {
  TW_LANES(o, r) {
    double lr = o->v[LR][r], lambd = o->v[LAMBD][r], before = (double)(o->t[r] - 1), since = before - o->v[T0][r];
    s[H_ETA][r] = lr / tw_power(1 + lambd * lr * before, o->v[ALPHA][r]);
    s[H_SHRINK][r] = 1 - lambd * s[H_ETA][r];
    s[H_MU][r] = since > 1 ? 1 / since : 1;
  }
}

static const tw_rule rule = {.op = &asgd_op, .n_scalars = N_SCALARS, .scalars = scalars};

static tw_status average(tw_ctx *ctx, tw_optim *o, int leaf, tw_tensor **out) {
  (void)ctx;
  tw_leaf *l = &o->leaf[leaf];
  *out = tw_tensor_retain(l->slot[0] ? l->slot[0] : l->p);
  return TW_OK;
}

static const tw_optim_preset presets[] = {{"torch7", "lr=1e-4"}, {0}};

const tw_optim_kind tw_optim_asgd = {.name = "asgd", .about = "gradient descent that also keeps the average of its iterates",
                                     .source = "Polyak and Juditsky 1992; Xu 2011", .options = options, .presets = presets, .slots = {"average"},
                                     .rule = &rule, .average = average};
