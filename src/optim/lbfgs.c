/* BFGS with limited memory.
 *
 *   d = -H g by the two-loop recursion over the last `history` pairs s = t d, y = g_new - g;   H0 = (s'y / y'y) I of the newest;   p <- p + t d
 *   t = lr (line_search none), or by a search from lr;  in the first step from lr min(1, 1/|g|_1).   Pairs with s'y <= eps are left out.
 *
 * Nocedal 1980; Liu and Nocedal 1989; Nocedal and Wright 2006, algorithm 7.4. Defaults, tests and the first step are PyTorch's; one step here is one of
 * its iterations (max_iter = 1). */
#include <math.h>

#include "base/alloc.h"
#include "optim/descent.h"
#include "optim/kinds.h"

enum { LR, HISTORY, EPS };
enum { STEPS, CHANGES, STEP, GRADIENT };
enum { PAIRS, LENGTH };

static const tw_option options[] = {
  {"lr", TW_OPTION_NUMBER, 1, 0, 1e300, NULL, "the step (line_search none), a factor of it (exact), or a search's first trial"},
  {"history", TW_OPTION_SHAPE, 100, 1, 1e6, NULL, "pairs remembered; the same in all lanes"},
  {"eps", TW_OPTION_NUMBER, 1e-10, 0, 1e300, NULL, "pairs with s'y not above it are left out"},
  TW_OPTION_SEARCH(TW_SEARCH_NONE, 0.9),
  TW_OPTION_STOP(1e-7, 1e-9),
  {0},
};

static tw_tensor *rows(tw_compose *k, tw_tensor *x, int64_t from, int64_t n) {
  tw_slice_attrs part = {.n = 2, .start = {from, 0}, .step = {1, 1}, .size = {n, x->shape[1]}};
  return tw_do1(k, &tw_op_slice, &part, x);
}

static tw_tensor *shaped(tw_compose *k, tw_tensor *x, int axes, int64_t n) {
  tw_shape_attrs line = {.shape = {.n = axes, .d = {axes == 2 ? 1 : n, n}}};
  return x ? tw_do1(k, &tw_op_reshape, &line, x) : NULL;
}

/* Puts a row below the others, dropping the first when there are `most`; in lanes that do not take it the rows stay, the newest last. */
static tw_status append(tw_ctx *ctx, tw_optim *o, int vector, tw_tensor *row, const double *take, int64_t most) {
  tw_compose k = {.ctx = ctx};
  tw_axis_attrs along = {0};
  tw_tensor *old = o->vector[vector], *line = shaped(&k, row, 2, row->size), *next = line, *out = NULL, *stay;
  bool all = true;
  for (int r = 0; r < o->lanes; r++) all = all && take[r] != 0;
  int64_t n = old ? old->shape[0] : 0;
  int64_t kept = n < most ? n : most - 1;
  if (kept > 0) next = tw_do2(&k, &tw_op_cat, &along, kept == n ? old : rows(&k, old, n - kept, kept), line);
  if (!all) {
    tw_tensor *none = tw_do2(&k, &tw_op_mul, NULL, line, tw_do_constant(&k, 0, row)); /* finite where it matters: only the count says what is a pair */
    stay = n == 0 ? none : n < most ? tw_do2(&k, &tw_op_cat, &along, none, old) : old;
    tw_tensor *mask = tw_do2(&k, &tw_op_ne, NULL, tw_do_scalar(&k, o, take, row), tw_do_constant(&k, 0, row));
    next = tw_do3(&k, &tw_op_where, NULL, mask, next, stay);
  }
  tw_status s = tw_compose_end(&k, next, &out);
  if (s == TW_OK) tw_optim_put_vector(ctx, o, vector, out);
  return s;
}

static tw_status learn(tw_ctx *ctx, tw_optim *o, tw_descent *q) {
  tw_tensor *step = o->vector[STEP], *g0 = o->vector[GRADIENT], *y = NULL;
  if (!step || !g0) return TW_OK;
  double *sy = q->work[0], *take = q->work[1];
  int64_t most = (int64_t)o->hyper[0][HISTORY][0];
  tw_compose k = {.ctx = ctx};
  tw_status s = tw_compose_end(&k, tw_do2(&k, &tw_op_sub, NULL, q->g, g0), &y);
  if (s == TW_OK) s = tw_flat_dot(ctx, o, step, y, sy);
  bool some = false;
  for (int r = 0; r < o->lanes && s == TW_OK; r++) {
    take[r] = o->number[LENGTH][r] != 0 && isfinite(sy[r]) && sy[r] > o->hyper[0][EPS][r];
    some = some || take[r] != 0;
  }
  if (s == TW_OK && some) s = append(ctx, o, STEPS, step, take, most);
  if (s == TW_OK && some) s = append(ctx, o, CHANGES, y, take, most);
  for (int r = 0; r < o->lanes && s == TW_OK; r++) o->number[PAIRS][r] = fmin(o->number[PAIRS][r] + take[r], (double)most);
  tw_tensor_release(ctx, y);
  return s;
}

/* x + a y in the lanes that have this pair. */
static tw_status add_pair(tw_ctx *ctx, tw_optim *o, int64_t age, tw_tensor **x, tw_compose *k, tw_tensor *a, tw_tensor *y) {
  tw_tensor *next = NULL;
  bool all = true;
  tw_tensor *sum = tw_do2(k, &tw_op_add, NULL, *x, tw_do2(k, &tw_op_mul, NULL, a, y));
  double *has = o->scale; /* [lane] at least; unused by kinds that solve */
  for (int r = 0; r < o->lanes; r++) {
    has[r] = o->number[PAIRS][r] > (double)age;
    all = all && has[r] != 0;
  }
  if (!all) {
    tw_tensor *mask = tw_do2(k, &tw_op_ne, NULL, tw_do_scalar(k, o, has, *x), tw_do_constant(k, 0, *x));
    sum = tw_do3(k, &tw_op_where, NULL, mask, sum, *x);
  }
  tw_status s = tw_compose_end(k, sum, &next);
  if (s != TW_OK) return s;
  tw_tensor_release(ctx, *x);
  *x = next;
  return TW_OK;
}

/* rho = 1 / s'y of a pair, 0-d. */
static tw_tensor *rho_of(tw_compose *k, tw_tensor *step, tw_tensor *y) {
  tw_reduce_attrs all = {.axes = 1};
  return tw_do1(k, &tw_op_reciprocal, NULL, tw_do1(k, &tw_op_sum, &all, tw_do2(k, &tw_op_mul, NULL, step, y)));
}

/* x <- H x; alpha: room for a tensor per pair. */
static tw_status two_loops(tw_ctx *ctx, tw_optim *o, tw_descent *q, tw_tensor **x, tw_tensor *steps, tw_tensor *changes, tw_tensor **alpha) {
  int64_t n = steps->shape[0], size = steps->shape[1];
  tw_reduce_attrs all = {.axes = 1};
  tw_status s = TW_OK;
  for (int64_t i = n - 1; i >= 0 && s == TW_OK; i--) {
    tw_compose k = {.ctx = ctx};
    tw_tensor *step = shaped(&k, rows(&k, steps, i, 1), 1, size), *y = shaped(&k, rows(&k, changes, i, 1), 1, size);
    tw_tensor *product = tw_do1(&k, &tw_op_sum, &all, tw_do2(&k, &tw_op_mul, NULL, step, *x));
    tw_tensor *a = tw_do2(&k, &tw_op_mul, NULL, product, rho_of(&k, step, y));
    if (a) alpha[i] = tw_tensor_retain(a);
    s = add_pair(ctx, o, n - 1 - i, x, &k, tw_do1(&k, &tw_op_neg, NULL, a), y);
  }
  double *sy = q->work[0], *yy = q->work[1];
  tw_compose k = {.ctx = ctx};
  tw_tensor *step = shaped(&k, rows(&k, steps, n - 1, 1), 1, size), *y = shaped(&k, rows(&k, changes, n - 1, 1), 1, size), *scaled = NULL;
  if (s == TW_OK && k.status == TW_OK) s = tw_flat_dot(ctx, o, step, y, sy);
  if (s == TW_OK && k.status == TW_OK) s = tw_flat_dot(ctx, o, y, y, yy);
  for (int r = 0; r < o->lanes; r++) sy[r] = o->number[PAIRS][r] > 0 ? sy[r] / yy[r] : 1;
  tw_status ended = tw_compose_end(&k, tw_do2(&k, &tw_op_mul, NULL, tw_do_scalar(&k, o, sy, *x), *x), &scaled);
  if (s == TW_OK) s = ended;
  if (scaled) {
    tw_tensor_release(ctx, *x);
    *x = scaled;
  }
  for (int64_t i = 0; i < n && s == TW_OK; i++) {
    tw_compose m = {.ctx = ctx};
    step = shaped(&m, rows(&m, steps, i, 1), 1, size), y = shaped(&m, rows(&m, changes, i, 1), 1, size);
    tw_tensor *product = tw_do1(&m, &tw_op_sum, &all, tw_do2(&m, &tw_op_mul, NULL, y, *x));
    tw_tensor *b = tw_do2(&m, &tw_op_mul, NULL, product, rho_of(&m, step, y));
    s = add_pair(ctx, o, n - 1 - i, x, &m, tw_do2(&m, &tw_op_sub, NULL, alpha[i], b), step);
  }
  return s;
}

static tw_status direction(tw_ctx *ctx, tw_optim *o, tw_descent *q) {
  tw_tensor *steps = o->pending[STEPS] ? o->pending[STEPS] : o->vector[STEPS], *changes = o->pending[CHANGES] ? o->pending[CHANGES] : o->vector[CHANGES];
  tw_compose k = {.ctx = ctx};
  tw_status s = tw_compose_end(&k, tw_do1(&k, &tw_op_neg, NULL, q->g), &q->d);
  if (s != TW_OK || !steps || steps->shape[0] == 0) return s;
  tw_tensor **alpha = tw_calloc((size_t)steps->shape[0], sizeof *alpha);
  if (!alpha) return tw_fail(&ctx->error, TW_ENOMEM, "%s: out of memory", o->kind->name);
  s = two_loops(ctx, o, q, &q->d, steps, changes, alpha);
  for (int64_t i = 0; i < steps->shape[0]; i++) tw_tensor_release(ctx, alpha[i]);
  tw_free(alpha);
  return s;
}

/* The first trial, and PyTorch's test that the direction still goes down. */
static tw_status prepare(tw_ctx *ctx, tw_optim *o, tw_descent *q) {
  double kind = tw_optim_hyper(o, 0, "line_search")[0];
  const double *tol = tw_optim_hyper(o, 0, "tol_function");
  tw_status s = tw_flat_sum_abs(ctx, o, q->g, q->work[0]);
  if (s == TW_OK) s = tw_flat_dot(ctx, o, q->g, q->d, q->slope);
  for (int r = 0; r < o->lanes && s == TW_OK; r++) {
    bool first = o->number[PAIRS][r] == 0 && o->number[LENGTH][r] == 0;
    if (first && kind != TW_SEARCH_EXACT) q->trial[r] *= fmin(1, 1 / q->work[0][r]);
    if (o->go[r] != 0 && q->slope[r] > -tol[r]) tw_optim_stop(o, r, TW_REASON_FUNCTION);
  }
  return s;
}

static tw_status solve(tw_ctx *ctx, tw_optim *o) {
  tw_descent q;
  tw_tensor *step = NULL;
  tw_status s = tw_descent_begin(ctx, o, &q);
  if (s == TW_OK) s = learn(ctx, o, &q);
  if (s == TW_OK) s = direction(ctx, o, &q);
  if (s == TW_OK) s = prepare(ctx, o, &q);
  if (s == TW_OK) s = tw_descent_search(ctx, o, &q);
  if (s == TW_OK) s = tw_flat_scale(ctx, o, q.step, q.d, &step);
  if (s == TW_OK) {
    for (int r = 0; r < o->lanes; r++) {
      o->number[LENGTH][r] = q.step[r];
      if (tw_optim_stopped(o, r, TW_REASON_SEARCH)) o->number[PAIRS][r] = 0; /* the next step starts again from -g */
    }
    tw_optim_put_vector(ctx, o, STEP, step);
    tw_optim_put_vector(ctx, o, GRADIENT, tw_tensor_retain(q.g));
  }
  tw_descent_end(ctx, &q);
  return s;
}

const tw_optim_kind tw_optim_lbfgs = {
  .name = "lbfgs",
  .about = "BFGS with limited memory",
  .source = "Liu and Nocedal 1989; Nocedal and Wright 2006, algorithm 7.4",
  .options = options,
  .vectors = {{"steps", "history", true}, {"changes", "history", true}, {"step", NULL, false}, {"gradient", NULL, false}},
  .numbers = {"pairs", "length"},
  .solve = solve,
};
