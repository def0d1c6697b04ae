/* Rprop: every element has a step of its own, which grows while its gradient keeps its sign. Made for full batches.
 *
 *   q = g g_prev      step <- step times eta_plus (q > 0), eta_minus (q < 0), 1 (q = 0), held in [step_min, step_max]; it starts at lr
 *   irprop_minus:     where q < 0, g <- 0;              p <- p - sign(g) step;      g_prev <- g      PyTorch, Torch7
 *   rprop_minus:      as it is;                         p <- p - sign(g) step;      g_prev <- g
 *   rprop_plus:       where q < 0, the last step is taken back and g <- 0;          else as above    the original
 *
 * Riedmiller and Braun 1993; the forms by Igel and Huesken 2003. */
#include "optim/kinds.h"
#include "optim/rule.h"

enum { LR, MINUS, PLUS, LEAST, MOST, FORM };
enum { IRPROP_MINUS, RPROP_MINUS, RPROP_PLUS };
enum { PREVIOUS, STEP };
enum { H_MINUS, H_PLUS, H_LEAST, H_MOST, H_START, N_SCALARS };

static const tw_option options[] = {
  {"lr", TW_OPTION_NUMBER, 1e-2, 0, 1e300, NULL, "the first step of every element"},
  {"eta_minus", TW_OPTION_NUMBER, .5, 0, 1, NULL, "factor of the step when the gradient changes its sign"},
  {"eta_plus", TW_OPTION_NUMBER, 1.2, 1, 1e300, NULL, "factor of the step while the gradient keeps its sign"},
  {"step_min", TW_OPTION_NUMBER, 1e-6, 0, 1e300, NULL, "smallest step"},
  {"step_max", TW_OPTION_NUMBER, 50, 0, 1e300, NULL, "largest step"},
  {"form", TW_OPTION_CHOICE, IRPROP_MINUS, 0, 2, "irprop_minus rprop_minus rprop_plus",
   "after a change of sign: stay for one step, go on with the new sign, take the last step back"},
  {0},
};

TW_RULE(rprop, 2, N_SCALARS, 3, {
  V zero = {0};
  V one = zero + (E)1;
  V q = g * x[PREVIOUS];
  V last = x[STEP] + h[H_START];
  V grown = last * vselect(q > 0, h[H_PLUS], vselect(q < 0, h[H_MINUS], one));
  V raised = vmax(grown, h[H_LEAST]);
  x[STEP] = vmin(raised, h[H_MOST]);
  if (variant == RPROP_PLUS) p = p + vselect(q < 0, vsign(x[PREVIOUS]) * last, zero);
  if (variant != RPROP_MINUS) g = vselect(q < 0, zero, g);
  x[PREVIOUS] = g;
  p = p - vsign(g) * x[STEP];
})

static void scalars(const tw_hypers *o, double *const *s) {
  TW_LANES(o, r) {
    s[H_MINUS][r] = o->v[MINUS][r];
    s[H_PLUS][r] = o->v[PLUS][r];
    s[H_LEAST][r] = o->v[LEAST][r];
    s[H_MOST][r] = o->v[MOST][r];
    s[H_START][r] = o->t[r] == 1 ? o->v[LR][r] : 0;
  }
}

static int variant(const tw_hypers *o) { return (int)o->v[FORM][0]; }

static const tw_rule rule = {.op = &rprop_op, .n_scalars = N_SCALARS, .scalars = scalars, .variant = variant, .steady = 2};

static const tw_optim_preset presets[] = {{"torch7", "lr=.1"}, {0}};

const tw_optim_kind tw_optim_rprop = {.name = "rprop", .about = "steps that grow while the gradient keeps its sign, for full batches",
                                      .source = "Riedmiller and Braun 1993; Igel and Huesken 2003", .options = options, .presets = presets,
                                      .slots = {"previous", "step"}, .rule = &rule};
