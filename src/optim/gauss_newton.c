/* Gauss-Newton, for least squares f = r'r / 2 where the function returns the residuals r.
 *
 *   d = the d of least norm that makes |J d + r| least,  p <- p + t d,    J the Jacobian of r;   t = lr, or by line_search
 *
 * Nocedal and Wright 2006, 10.3. The linear problem is solved by singular values, so a J without full rank is no fault. */
#include "op/linalg.h"
#include "optim/kinds.h"
#include "optim/region.h"

static const tw_option options[] = {
  {"lr", TW_OPTION_NUMBER, 1, 0, 1e300, NULL, "factor of the step; with a line search its first trial"},
  TW_OPTION_SEARCH(TW_SEARCH_NONE, 0.9),
  TW_OPTION_STOP(0, 0),
  {0},
};

static tw_status direction(tw_ctx *ctx, tw_optim *o, tw_descent *q, tw_tensor *r, tw_tensor *jacobian) {
  tw_tensor *zero = NULL, *used = NULL, *b = NULL, *out[4] = {NULL};
  tw_status s = tw_tensor_new_scalar(ctx, (tw_dtype)r->dtype, 0, &zero);
  if (s == TW_OK) s = tw_flat_choose(ctx, o, o->go, jacobian, zero, &used); /* lanes that stay must not fail */
  if (s == TW_OK) s = tw_flat_choose(ctx, o, o->go, r, zero, &b);
  if (s == TW_OK) s = tw_lstsq(ctx, used, b, -1, out);
  tw_compose k = {.ctx = ctx};
  if (s == TW_OK) s = tw_compose_end(&k, tw_do1(&k, &tw_op_neg, NULL, out[0]), &q->d);
  for (int i = 0; i < 4; i++) tw_tensor_release(ctx, out[i]);
  tw_tensor_release(ctx, zero);
  tw_tensor_release(ctx, used);
  tw_tensor_release(ctx, b);
  return s;
}

static tw_status solve(tw_ctx *ctx, tw_optim *o) {
  if (tw_optim_hyper(o, 0, "line_search")[0] == TW_SEARCH_EXACT) {
    return tw_fail(&ctx->error, TW_EINVAL, "gauss_newton: the step is the minimum of its quadratic model already: line_search is \"exact\"; use \"none\"");
  }
  tw_descent q;
  tw_tensor *r = NULL, *jacobian = NULL;
  tw_status s = tw_residual_begin(ctx, o, &q, &r, &jacobian);
  if (s == TW_OK) s = direction(ctx, o, &q, r, jacobian);
  if (s == TW_OK) s = tw_descent_search(ctx, o, &q);
  tw_tensor_release(ctx, r);
  tw_tensor_release(ctx, jacobian);
  tw_descent_end(ctx, &q);
  return s;
}

#define EXAMPLE "local opt = tw.optim.gauss_newton(p)\nlocal loss = opt:step(function(p) return p * tw.tensor{ 1, 2 } - tw.tensor{ 1, 4 } end)"

const tw_optim_kind tw_optim_gauss_newton = {
  .name = "gauss_newton",
  .about = "Gauss-Newton for least squares: the function returns the vector of residuals, the loss is half their sum of squares",
  .source = "Nocedal and Wright 2006, 10.3",
  .example = EXAMPLE,
  .options = options,
  .residuals = true,
  .solve = solve,
};
