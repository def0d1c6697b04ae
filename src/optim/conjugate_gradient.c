/* Nonlinear conjugate gradients.
 *
 *   d_0 = -g_0,   d_k = -g_k + beta d_(k-1),   p <- p + t d,   t by line_search;   y = g_k - g_(k-1)
 *   FR  beta = g_k'g_k / g_(k-1)'g_(k-1)            Fletcher and Reeves 1964
 *   PR  beta = max(0, g_k'y / g_(k-1)'g_(k-1))      Polak and Ribiere 1969; the maximum (PR+): Gilbert and Nocedal 1992
 *   HS  beta = g_k'y / d'y                          Hestenes and Stiefel 1952
 *   DY  beta = g_k'g_k / d'y                        Dai and Yuan 1999
 *   HZ  beta = max((y - 2 d y'y / d'y)'g_k / d'y, eta),   eta = -1 / (|d| min(.01, |g_(k-1)|))      Hager and Zhang 2005
 *
 * d is -g again where it would not go down, every `restart` steps, and where |g_k'g_(k-1)| >= powell g_k'g_k. On a quadratic with exact search all five
 * are the linear method: n steps at most in exact arithmetic. */
#include <math.h>

#include "base/alloc.h"
#include "optim/descent.h"
#include "optim/kinds.h"

enum { LR, BETA, RESTART, POWELL, TRIAL };
enum { FR, PR, HS, DY, HZ };
enum { DIRECTION, GRADIENT };
enum { STEP, COUNT };

static const tw_option options[] = {
  {"lr", TW_OPTION_NUMBER, 1, 0, 1e300, NULL, "factor of the exact step, the step (line_search none), or a search's first trial"},
  {"beta", TW_OPTION_CHOICE, PR, 0, 4, "FR PR HS DY HZ",
   "how much of the last direction stays: Fletcher-Reeves, Polak-Ribiere (at least 0), Hestenes-Stiefel, Dai-Yuan, Hager-Zhang"},
  {"restart", TW_OPTION_NUMBER, 0, 0, 1e15, NULL, "-g is the direction again every so many steps; 0: never"},
  {"powell", TW_OPTION_NUMBER, INFINITY, 0, INFINITY, NULL, "-g is the direction where successive gradients are so far from orthogonal; 0.2 is usual"},
  TW_OPTION_TRIAL(1),
  TW_OPTION_SEARCH(TW_SEARCH_WOLFE, 0.1),
  TW_OPTION_STOP(0, 0),
  {0},
};

/* Products that the formulas are made of, [product][lane]. */
enum { GG, GY, G0G0, DY_, YY, DD, DG, GG0, N_PRODUCTS };

static double beta_of(int how, const double *p, int lanes) {
  double gg = p[GG * lanes], gy = p[GY * lanes], g0g0 = p[G0G0 * lanes], dy = p[DY_ * lanes], yy = p[YY * lanes], dd = p[DD * lanes], dg = p[DG * lanes];
  if (how == FR) return gg / g0g0;
  if (how == PR) return fmax(0, gy / g0g0);
  if (how == HS) return gy / dy;
  if (how == DY) return gg / dy;
  return fmax((gy - 2 * yy * dg / dy) / dy, -1 / (sqrt(dd) * fmin(.01, sqrt(g0g0))));
}

static tw_status products(tw_ctx *ctx, tw_optim *o, tw_descent *q, double *p) {
  tw_tensor *d = o->vector[DIRECTION], *g0 = o->vector[GRADIENT], *y = NULL;
  int lanes = o->lanes;
  tw_compose k = {.ctx = ctx};
  tw_status s = tw_compose_end(&k, tw_do2(&k, &tw_op_sub, NULL, q->g, g0), &y);
  tw_tensor *const pairs[N_PRODUCTS][2] = {[GG] = {q->g, q->g}, [GY] = {q->g, y}, [G0G0] = {g0, g0}, [DY_] = {d, y},
                                           [YY] = {y, y},       [DD] = {d, d},    [DG] = {d, q->g},  [GG0] = {q->g, g0}};
  for (int i = 0; i < N_PRODUCTS && s == TW_OK; i++) s = tw_flat_dot(ctx, o, pairs[i][0], pairs[i][1], p + i * lanes);
  tw_tensor_release(ctx, y);
  return s;
}

static tw_status direction(tw_ctx *ctx, tw_optim *o, tw_descent *q) {
  double *beta = q->work[1], *count = o->number[COUNT], *p = tw_calloc((size_t)o->lanes, N_PRODUCTS * sizeof *p);
  if (!p) return tw_fail(&ctx->error, TW_ENOMEM, "%s: out of memory", o->kind->name);
  tw_tensor *last = o->vector[DIRECTION];
  tw_status s = last && o->vector[GRADIENT] ? products(ctx, o, q, p) : TW_OK;
  for (int r = 0; r < o->lanes; r++) {
    double restart = o->hyper[0][RESTART][r], limit = o->hyper[0][POWELL][r];
    beta[r] = beta_of((int)o->hyper[0][BETA][0], p + r, o->lanes);
    bool anew = count[r] == 0 || (restart > 0 && count[r] >= restart) || fabs(p[GG0 * o->lanes + r]) >= limit * p[GG * o->lanes + r];
    bool down = -p[GG * o->lanes + r] + beta[r] * p[DG * o->lanes + r] < 0; /* slope of the new direction */
    if (anew || !down || !isfinite(beta[r])) {
      beta[r] = 0;
      count[r] = 0;
    }
  }
  tw_free(p);
  tw_compose k = {.ctx = ctx};
  tw_tensor *down = tw_do1(&k, &tw_op_neg, NULL, q->g);
  if (s == TW_OK && last) {
    tw_tensor *mix = tw_do2(&k, &tw_op_add, NULL, down, tw_do2(&k, &tw_op_mul, NULL, tw_do_scalar(&k, o, beta, down), last));
    tw_tensor *mask = tw_do2(&k, &tw_op_ne, NULL, tw_do_scalar(&k, o, beta, down), tw_do_constant(&k, 0, down));
    down = tw_do3(&k, &tw_op_where, NULL, mask, mix, down);
  }
  tw_status ended = tw_compose_end(&k, down, &q->d);
  return s == TW_OK ? ended : s;
}

static tw_status solve(tw_ctx *ctx, tw_optim *o) {
  tw_descent q;
  tw_status s = tw_descent_begin(ctx, o, &q);
  if (s == TW_OK) s = direction(ctx, o, &q);
  if (s == TW_OK && o->hyper[0][TRIAL][0] != 0) s = tw_descent_trial(ctx, o, &q, o->number[STEP]);
  if (s == TW_OK) s = tw_descent_search(ctx, o, &q);
  if (s == TW_OK) {
    for (int r = 0; r < o->lanes; r++) {
      o->number[STEP][r] = q.step[r];
      o->number[COUNT][r] = q.step[r] != 0 ? o->number[COUNT][r] + 1 : 0; /* a search that failed starts again from -g */
    }
    tw_optim_put_vector(ctx, o, DIRECTION, tw_tensor_retain(q.d));
    tw_optim_put_vector(ctx, o, GRADIENT, tw_tensor_retain(q.g));
  }
  tw_descent_end(ctx, &q);
  return s;
}

const tw_optim_kind tw_optim_conjugate_gradient = {.name = "conjugate_gradient", .about = "nonlinear conjugate gradients in five forms",
                                                   .source = "Fletcher and Reeves 1964; Hager and Zhang 2006", .options = options,
                                                   .vectors = {{"direction", NULL, false}, {"gradient", NULL, false}},
                                                   .numbers = {"step", "count"}, .solve = solve};
