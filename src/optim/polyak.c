/* Polyak's step size: gradient descent whose rate follows from the smallest value the function can take.
 *
 *   a = lr max(0, f - f_min) / (c |g|^2 + eps),   a <- min(a, max_lr, growth (a of the step before)),   p <- p - a g
 *
 * c = 1, f_min the minimum: Polyak 1987. c = 1/2 with a bound max_lr, f the loss of a batch and f_min its own minimum (0 where a model can fit it):
 * SPS_max of Loizou, Vaswani, Laradji and Lacoste-Julien 2021 (convention "sps"), who let a grow by 2^(batch / n) at most. |.| over all parameters that
 * move, g after clipping. The a in force stands in opt:state().numbers.rate. It needs f: opt:step. */
#include <math.h>

#include "base/alloc.h"
#include "optim/kinds.h"
#include "optim/rule.h"

enum { LR, F_MIN, C, MAX_LR, GROWTH, EPS };
enum { RATE };

static const tw_option options[] = {
  {"lr", TW_OPTION_NUMBER, 1, 0, 1e300, NULL, "factor of the step size"},
  {"f_min", TW_OPTION_NUMBER, 0, -1e300, 1e300, NULL, "the smallest value of the function"},
  {"c", TW_OPTION_NUMBER, 1, 1e-300, 1e300, NULL, "factor of the squared norm of the gradient"},
  {"max_lr", TW_OPTION_NUMBER, INFINITY, 0, INFINITY, NULL, "largest step size"},
  {"growth", TW_OPTION_NUMBER, INFINITY, 1, INFINITY, NULL, "the step size grows at most by this factor a step"},
  {"eps", TW_OPTION_NUMBER, 0, 0, 1e300, NULL, "added to the denominator"},
  {0},
};

TW_RULE(polyak, 0, 1, 1, { p = p - h[0] * g; })
static const tw_rule rule = {.op = &polyak_op, .n_scalars = 1};

static tw_status begin(tw_ctx *ctx, tw_optim *o) {
  (void)ctx;
  for (int r = 0; r < o->lanes; r++) o->number[RATE][r] = INFINITY;
  return TW_OK;
}

static tw_status update(tw_ctx *ctx, tw_optim *o) {
  if (!o->has_loss) return tw_fail(&ctx->error, TW_EINVAL, "polyak: the step size needs the function's value; use opt:step(f, ...)");
  bool maximize = o->hyper[0][o->n_own + TW_MAXIMIZE][0] != 0;
  double *norm = tw_alloc((size_t)o->lanes * sizeof *norm), *const *v = o->hyper[0];
  if (!norm) return tw_fail(&ctx->error, TW_ENOMEM, "polyak: out of memory");
  tw_status s = tw_optim_norm_of(ctx, o, o->grad, norm);
  for (int r = 0; r < o->lanes && s == TW_OK; r++) {
    double above = (maximize ? -o->loss[r] : o->loss[r]) - v[F_MIN][r], below = v[C][r] * norm[r] * norm[r] + v[EPS][r];
    double a = above > 0 && below > 0 ? v[LR][r] * above / below : 0, limit = v[GROWTH][r] * o->number[RATE][r];
    if (a > v[MAX_LR][r]) a = v[MAX_LR][r];
    if (a > limit) a = limit;
    if (o->go[r] != 0 && a > 0) o->number[RATE][r] = a; /* a step of size 0 is not one to grow from */
    norm[r] = a;
  }
  for (int i = 0; i < o->n && s == TW_OK; i++) {
    if (!o->leaf[i].frozen) s = tw_optim_apply_rule(ctx, o, i, &rule, o->grad[i], &norm);
  }
  tw_free(norm);
  return s;
}

static const tw_optim_preset presets[] = {{"sps", "c=0.5 max_lr=1"}, {"optax", "max_lr=1"}, {0}};

const tw_optim_kind tw_optim_polyak = {.name = "polyak", .about = "gradient descent with Polyak's step size", .source = "Polyak 1987; Loizou et al. 2021",
                                       .options = options, .presets = presets, .numbers = {"rate"}, .begin = begin, .update = update, .wants_loss = true,
                                       .example = "local opt = tw.optim.polyak(p)\nlocal loss = opt:step(function(p) return p:dot(p) end)"};
