/* The method of Broyden, Fletcher, Goldfarb and Shanno, in terms of the inverse Hessian.
 *
 *   d = -H g,  p <- p + t d;   s = t d,  y = g_new - g,  rho = 1 / s'y
 *   H <- (I - rho s y') H (I - rho y s') + rho s s',   H = I at first, and before the first update H <- (s'y / y'y) I  (scale)
 *
 * y is taken when the next step begins, from its first gradient, so a step costs no evaluation beside its search's. A pair with s'y <= eps |s||y| would
 * spoil H:  skip: it is left out;  damp: y is replaced by theta y + (1 - theta) B s with s'y = .2 s'B s (Powell 1978), B s = -t g.
 *
 * Nocedal and Wright 2006, 6.1 and procedure 18.2. */
#include <math.h>

#include "base/alloc.h"
#include "optim/descent.h"
#include "optim/kinds.h"
#include "op/matrix.h"

enum { LR, SCALE, BAD_PAIRS, EPS };
enum { SKIP, DAMP };
enum { INVERSE, STEP, GRADIENT };
enum { PAIRS, LENGTH };

static const tw_option options[] = {
  {"lr", TW_OPTION_NUMBER, 1, 0, 1e300, NULL, "factor of the exact step, the step (line_search none), or a search's first trial"},
  {"scale", TW_OPTION_FLAG, 1, 0, 1, NULL, "the identity is scaled to the curvature of the first pair; the first trial is lr min(1, 1/|g|_1)"},
  {"bad_pairs", TW_OPTION_CHOICE, SKIP, 0, 1, "skip damp", "pairs without positive curvature are left out, or damped (Powell)"},
  {"eps", TW_OPTION_NUMBER, 1e-10, 0, 1, NULL, "curvature s'y counts as positive above eps |s||y|"},
  TW_OPTION_SEARCH(TW_SEARCH_WOLFE, 0.9),
  TW_OPTION_STOP(0, 0),
  {0},
};

static tw_status begin(tw_ctx *ctx, tw_optim *o) {
  tw_tensor *h = NULL, *eye = NULL;
  tw_status s = tw_optim_vector_of(ctx, o, INVERSE, &h);
  tw_compose k = {.ctx = ctx, .status = s};
  if (s == TW_OK) s = tw_compose_end(&k, tw__identity(&k, h->shape[0], h), &eye);
  if (s == TW_OK) s = tw_optim_assign(ctx, h, eye);
  tw_tensor_release(ctx, eye);
  return s;
}

/* (H, s, y) -> H, in the lanes where take is not 0. w: rows take, s'y, y'y and one of scratch, by lane. */
static tw_status updated(tw_ctx *ctx, tw_optim *o, tw_tensor *h, tw_tensor *step, tw_tensor *y, double *w) {
  int lanes = o->lanes;
  double *take = w, *sy = w + lanes, *yy = w + 2 * lanes, *gain = w + 3 * lanes;
  tw_compose k = {.ctx = ctx};
  for (int r = 0; r < lanes; r++) gain[r] = o->number[PAIRS][r] == 0 && o->hyper[0][SCALE][r] != 0 && sy[r] > 0 ? sy[r] / yy[r] : 1;
  tw_tensor *base = tw_do2(&k, &tw_op_mul, NULL, tw_do_scalar(&k, o, gain, h), h), *hy = tw_do_matvec(&k, base, y), *next = NULL;
  tw_tensor *product = tw_do_scalar(&k, o, sy, h);
  tw_reduce_attrs all = {.axes = 1};
  tw_tensor *yhy = tw_do1(&k, &tw_op_sum, &all, tw_do2(&k, &tw_op_mul, NULL, y, hy));
  tw_tensor *c = tw_do2(&k, &tw_op_div, NULL, tw_do2(&k, &tw_op_add, NULL, product, yhy), tw_do2(&k, &tw_op_mul, NULL, product, product));
  tw_tensor *cross = tw_do2(&k, &tw_op_mul, NULL, tw__column(&k, step), tw__row(&k, hy));
  tw_tensor *both = tw_do2(&k, &tw_op_div, NULL, tw_do2(&k, &tw_op_add, NULL, cross, tw__transposed(&k, cross)), product);
  tw_tensor *ss = tw_do2(&k, &tw_op_mul, NULL, c, tw_do2(&k, &tw_op_mul, NULL, tw__column(&k, step), tw__row(&k, step)));
  tw_tensor *sum = tw_do2(&k, &tw_op_add, NULL, tw_do2(&k, &tw_op_sub, NULL, base, both), ss);
  tw_tensor *mask = tw_do2(&k, &tw_op_ne, NULL, tw_do_scalar(&k, o, take, h), tw_do_constant(&k, 0, h));
  tw_status s = tw_compose_end(&k, tw_do3(&k, &tw_op_where, NULL, mask, sum, h), &next);
  if (s != TW_OK) return s;
  for (int r = 0; r < lanes; r++) o->number[PAIRS][r] += take[r] != 0;
  tw_optim_put_vector(ctx, o, INVERSE, next);
  return TW_OK;
}

/* Learns from the last step what the new gradient says. */
static tw_status learn(tw_ctx *ctx, tw_optim *o, tw_tensor *g) {
  size_t lanes = (size_t)o->lanes;
  tw_tensor *step = o->vector[STEP], *g0 = o->vector[GRADIENT], *y = NULL;
  if (!step || !g0) return TW_OK;
  double *w = tw_alloc(6 * lanes * sizeof *w);
  if (!w) return tw_fail(&ctx->error, TW_ENOMEM, "%s: out of memory", o->kind->name);
  double *take = w, *sy = w + lanes, *yy = w + 2 * lanes, *theta = w + 3 * lanes, *sg = w + 4 * lanes, *ss = w + 5 * lanes;
  tw_compose k = {.ctx = ctx};
  tw_status s = tw_compose_end(&k, tw_do2(&k, &tw_op_sub, NULL, g, g0), &y);
  if (s == TW_OK) s = tw_flat_dot(ctx, o, step, y, sy);
  if (s == TW_OK) s = tw_flat_dot(ctx, o, y, y, yy);
  if (s == TW_OK) s = tw_flat_dot(ctx, o, step, g0, sg);
  if (s == TW_OK) s = tw_flat_dot(ctx, o, step, step, ss);
  bool damps = o->hyper[0][BAD_PAIRS][0] == DAMP, some = false;
  for (size_t r = 0; r < lanes && s == TW_OK; r++) {
    double sbs = -o->number[LENGTH][r] * sg[r]; /* s'B s, with B s = -t g */
    theta[r] = damps && sy[r] < .2 * sbs ? .8 * sbs / (sbs - sy[r]) : 1;
    sy[r] = theta[r] * sy[r] + (1 - theta[r]) * sbs;
    take[r] = o->number[LENGTH][r] != 0 && isfinite(yy[r]) && sy[r] > o->hyper[0][EPS][r] * sqrt(ss[r]) * sqrt(yy[r]);
    sg[r] = -(1 - theta[r]) * o->number[LENGTH][r];
    some = some || take[r] != 0;
  }
  if (s == TW_OK && damps && some) { /* y <- theta y + (1 - theta) B s */
    tw_compose m = {.ctx = ctx};
    tw_tensor *damped = NULL, *part = tw_do2(&m, &tw_op_mul, NULL, tw_do_scalar(&m, o, theta, y), y);
    s = tw_compose_end(&m, tw_do2(&m, &tw_op_add, NULL, part, tw_do2(&m, &tw_op_mul, NULL, tw_do_scalar(&m, o, sg, g0), g0)), &damped);
    if (s == TW_OK) {
      tw_tensor_release(ctx, y);
      y = damped;
    }
    if (s == TW_OK) s = tw_flat_dot(ctx, o, y, y, yy);
  }
  if (s == TW_OK && some) s = updated(ctx, o, o->vector[INVERSE], step, y, w);
  tw_tensor_release(ctx, y);
  tw_free(w);
  return s;
}

static tw_status direction(tw_ctx *ctx, tw_optim *o, tw_descent *q) {
  tw_compose k = {.ctx = ctx};
  tw_tensor *h = o->pending[INVERSE] ? o->pending[INVERSE] : o->vector[INVERSE];
  tw_status s = tw_compose_end(&k, tw_do1(&k, &tw_op_neg, NULL, tw_do_matvec(&k, h, q->g)), &q->d);
  if (s == TW_OK) s = tw_flat_sum_abs(ctx, o, q->g, q->work[0]);
  bool exact = tw_optim_hyper(o, 0, "line_search")[0] == TW_SEARCH_EXACT;
  for (int r = 0; r < o->lanes && s == TW_OK; r++) {
    if (o->number[PAIRS][r] == 0 && o->hyper[0][SCALE][r] != 0 && !exact) q->trial[r] *= fmin(1, 1 / q->work[0][r]);
  }
  if (s == TW_OK) s = tw_flat_dot(ctx, o, q->g, q->d, q->slope);
  bool anew = false;
  for (int r = 0; r < o->lanes && s == TW_OK; r++) {
    q->work[1][r] = o->go[r] == 0 || q->slope[r] < 0;
    if (q->work[1][r] != 0) continue;
    anew = true; /* rounding has spoilt H: it is the identity again, and the search takes -g */
    o->number[PAIRS][r] = 0;
  }
  if (s != TW_OK || !anew) return s;
  tw_tensor *fresh = tw_tensor_retain(h), *down = NULL, *chosen = NULL;
  tw_compose m = {.ctx = ctx};
  s = tw_flat_identity(ctx, o, q->work[1], &fresh);
  if (s == TW_OK) tw_optim_put_vector(ctx, o, INVERSE, fresh);
  else tw_tensor_release(ctx, fresh);
  if (s == TW_OK) s = tw_compose_end(&m, tw_do1(&m, &tw_op_neg, NULL, q->g), &down);
  if (s == TW_OK) s = tw_flat_choose(ctx, o, q->work[1], q->d, down, &chosen);
  tw_tensor_release(ctx, down);
  if (s != TW_OK) return s;
  tw_tensor_release(ctx, q->d);
  q->d = chosen;
  return TW_OK;
}

/* A search that failed starts again from -g in the next step. */
static tw_status forget(tw_ctx *ctx, tw_optim *o, tw_descent *q) {
  bool some = false;
  for (int r = 0; r < o->lanes; r++) {
    q->work[0][r] = !tw_optim_stopped(o, r, TW_REASON_SEARCH);
    if (q->work[0][r] != 0) continue;
    some = true;
    o->number[PAIRS][r] = 0;
  }
  if (!some) return TW_OK;
  tw_tensor *h = tw_tensor_retain(o->pending[INVERSE] ? o->pending[INVERSE] : o->vector[INVERSE]);
  tw_status s = tw_flat_identity(ctx, o, q->work[0], &h);
  if (s == TW_OK) tw_optim_put_vector(ctx, o, INVERSE, h);
  else tw_tensor_release(ctx, h);
  return s;
}

static tw_status solve(tw_ctx *ctx, tw_optim *o) {
  tw_descent q;
  tw_tensor *step = NULL;
  tw_status s = tw_descent_begin(ctx, o, &q);
  if (s == TW_OK) s = learn(ctx, o, q.g);
  if (s == TW_OK) s = direction(ctx, o, &q);
  if (s == TW_OK) s = tw_descent_search(ctx, o, &q);
  if (s == TW_OK) s = forget(ctx, o, &q);
  if (s == TW_OK) s = tw_flat_scale(ctx, o, q.step, q.d, &step);
  if (s == TW_OK) {
    for (int r = 0; r < o->lanes; r++) o->number[LENGTH][r] = q.step[r];
    tw_optim_put_vector(ctx, o, STEP, step);
    tw_optim_put_vector(ctx, o, GRADIENT, tw_tensor_retain(q.g));
  }
  tw_descent_end(ctx, &q);
  return s;
}

const tw_optim_kind tw_optim_bfgs = {.name = "bfgs", .about = "the quasi-Newton method of Broyden, Fletcher, Goldfarb and Shanno",
                                     .source = "Nocedal and Wright 2006, 6.1", .options = options,
                                     .vectors = {{"inverse", "*", false}, {"step", NULL, false}, {"gradient", NULL, false}},
                                     .numbers = {"pairs", "length"}, .begin = begin, .solve = solve};
