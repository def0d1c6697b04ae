/* Steepest descent with a line search, and preconditioned.
 *
 *   d = -g          precondition none
 *   d = -P g        jacobi: P = diag(1 / |H_ii|), the Hessian's diagonal at p;  given: P = the option preconditioner's elements
 *   p <- p + t d    t by line_search; with none: t = lr, plain gradient descent
 *
 * On a quadratic with exact search f falls per step at least by the factor ((k - 1)/(k + 1))^2, k the condition number (of P H): Cauchy 1847;
 * Nocedal and Wright 2006, 3.3. */
#include <math.h>

#include "optim/descent.h"
#include "optim/kinds.h"
#include "op/matrix.h"

enum { LR, PRECONDITION, TRIAL };
enum { P_NONE, P_JACOBI, P_GIVEN };
enum { GIVEN };
enum { STEP };

static const tw_option options[] = {
  {"lr", TW_OPTION_NUMBER, 1, 0, 1e300, NULL, "the step (line_search none), a factor of it (exact), or a search's first trial"},
  {"precondition", TW_OPTION_CHOICE, P_NONE, 0, 2, "none jacobi given",
   "what multiplies the gradient: nothing, the inverse of the Hessian's diagonal, or the option preconditioner"},
  TW_OPTION_TRIAL(0),
  TW_OPTION_SEARCH(TW_SEARCH_BACKTRACKING, 0.9),
  TW_OPTION_STOP(0, 0),
  {0},
};

/* 1 / |H_ii|; 1 where that is 0. */
static tw_status jacobi(tw_ctx *ctx, tw_optim *o, tw_tensor **out) {
  tw_tensor *h = NULL;
  tw_status s = o->objective->hessian(o->objective, ctx, &h);
  if (s != TW_OK) return s;
  tw_compose k = {.ctx = ctx};
  tw_tensor *size = tw_do1(&k, &tw_op_abs, NULL, tw__diagonal(&k, h)), *zero = tw_do_constant(&k, 0, h), *one = tw_do_constant(&k, 1, h);
  tw_tensor *safe = tw_do3(&k, &tw_op_where, NULL, tw_do2(&k, &tw_op_gt, NULL, size, zero), size, one);
  s = tw_compose_end(&k, tw_do1(&k, &tw_op_reciprocal, NULL, safe), out);
  tw_tensor_release(ctx, h);
  return s;
}

static tw_status direction(tw_ctx *ctx, tw_optim *o, tw_descent *q) {
  tw_tensor *p = NULL;
  int how = (int)o->hyper[0][PRECONDITION][0];
  if (how == P_GIVEN && !o->vector[GIVEN]) {
    return tw_fail(&ctx->error, TW_EINVAL, "gd: precondition is \"given\", and nothing is; give the option preconditioner, a tree like the parameters'");
  }
  tw_status s = how == P_JACOBI ? jacobi(ctx, o, &p) : TW_OK;
  tw_compose k = {.ctx = ctx};
  tw_tensor *d = s != TW_OK || how == P_NONE ? q->g : tw_do2(&k, &tw_op_mul, NULL, how == P_JACOBI ? p : o->vector[GIVEN], q->g);
  if (s == TW_OK) s = tw_compose_end(&k, tw_do1(&k, &tw_op_neg, NULL, d), &q->d);
  tw_tensor_release(ctx, p);
  return s;
}

static tw_status solve(tw_ctx *ctx, tw_optim *o) {
  tw_descent q;
  tw_status s = tw_descent_begin(ctx, o, &q);
  if (s == TW_OK) s = direction(ctx, o, &q);
  if (s == TW_OK && o->hyper[0][TRIAL][0] != 0) s = tw_descent_trial(ctx, o, &q, o->number[STEP]);
  if (s == TW_OK) s = tw_descent_search(ctx, o, &q);
  for (int r = 0; r < o->lanes && s == TW_OK; r++) o->number[STEP][r] = q.step[r];
  tw_descent_end(ctx, &q);
  return s;
}

const tw_optim_kind tw_optim_gd = {
  .name = "gd",
  .about = "steepest descent with a line search, plain or preconditioned",
  .source = "Cauchy 1847; Nocedal and Wright 2006, chapter 3",
  .options = options,
  .vectors = {{"preconditioner", NULL, false}},
  .given = "preconditioner",
  .numbers = {"step"},
  .solve = solve,
};
