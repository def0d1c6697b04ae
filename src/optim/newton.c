/* Newton's method.
 *
 *   solve (H + damping I) d = g,  p <- p - lr d,    H and g the Hessian and gradient at p
 *
 * Nocedal and Wright, Numerical Optimization, 2006, chapter 3. */
#include "optim/kinds.h"
#include "optim/parts.h"
#include "op/linalg.h"

enum { LR, DAMPING };

static const tw_option options[] = {
  {"lr", TW_OPTION_NUMBER, 1, 0, 1e300, NULL, "factor of the Newton step; below 1: damped Newton"},
  {"damping", TW_OPTION_NUMBER, 0, 0, 1e300, NULL, "added to the diagonal of the Hessian"},
  {0},
};

static tw_status direction(tw_ctx *ctx, tw_optim *o, tw_tensor *g, tw_tensor **out) {
  tw_tensor *hessian = NULL;
  tw_status s = o->objective->hessian(o->objective, ctx, &hessian);
  if (s != TW_OK) return s;
  s = tw_solve(ctx, hessian, g, out);
  tw_tensor_release(ctx, hessian);
  return s;
}

static tw_status solve(tw_ctx *ctx, tw_optim *o) {
  tw_tensor *g = NULL, *d = NULL, *x = NULL, *next = NULL;
  tw_status s = tw_optim_gradient(ctx, o, &g);
  if (s == TW_OK) s = direction(ctx, o, g, &d);
  if (s == TW_OK) s = tw_flat_params(ctx, o, &x);
  double step = -o->hyper[0][LR][0];
  if (s == TW_OK) s = tw_flat_add(ctx, o, x, &step, d, &next);
  if (s == TW_OK) s = tw_flat_assign(ctx, o, next);
  tw_tensor_release(ctx, g);
  tw_tensor_release(ctx, d);
  tw_tensor_release(ctx, x);
  tw_tensor_release(ctx, next);
  return s;
}

const tw_optim_kind tw_optim_newton = {.name = "newton", .about = "Newton's method", .source = "Nocedal and Wright 2006, chapter 3",
                                       .options = options, .solve = solve};
