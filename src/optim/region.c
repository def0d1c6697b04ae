/* The loop of trying and accepting, and what least-squares methods share. */
#include "optim/region.h"

#include <float.h>
#include <math.h>

#include "base/alloc.h"
#include "op/matrix.h"

static tw_status replace(tw_ctx *ctx, const tw_optim *o, const double *take, tw_tensor *x, tw_tensor **y) {
  tw_tensor *chosen = NULL;
  tw_status s = tw_flat_choose(ctx, o, take, x, *y, &chosen);
  if (s != TW_OK) return s;
  tw_tensor_release(ctx, *y);
  *y = chosen;
  return TW_OK;
}

typedef struct {
  double *open, *accepted, *predicted, *f, *one; /* [lane]; open: still trying */
  double *first, *least;                         /* [lane] the decrease promised at first; the smallest that is worth a trial */
  tw_tensor *at, *moved;                         /* [n] where each lane stands, and the step that led there */
} trials;

static tw_status try_once(tw_ctx *ctx, tw_optim *o, tw_descent *q, const tw_region *region, trials *t) {
  tw_tensor *step = NULL, *there = NULL, *kept = NULL;
  tw_status s = region->propose(ctx, o, q, region->own, t->open, &step, t->predicted);
  if (s == TW_OK) s = tw_flat_add(ctx, o, q->x, t->one, step, &there);
  if (s == TW_OK) s = tw_flat_choose(ctx, o, t->open, there, t->at, &kept); /* those that are done stay where they are */
  if (s == TW_OK) s = tw_flat_assign(ctx, o, kept);
  o->objective->asking = t->open;
  if (s == TW_OK) s = q->probe(ctx, o, t->f, NULL);
  o->objective->asking = NULL;
  for (int r = 0; r < o->lanes && s == TW_OK; r++) {
    t->accepted[r] = 0;
    if (t->open[r] == 0) continue;
    double ratio = isfinite(t->f[r]) ? (q->f[r] - t->f[r]) / t->predicted[r] : -(double)INFINITY;
    t->accepted[r] = region->judge(o, r, ratio, region->own);
    t->open[r] = t->accepted[r] == 0 && t->predicted[r] > t->least[r]; /* the rest of the promise is below what f can show: no use */
    if (t->accepted[r] == 0) continue;
    q->after[r] = t->f[r];
    q->step[r] = 1;
  }
  if (s == TW_OK) s = replace(ctx, o, t->accepted, there, &t->at);
  if (s == TW_OK) s = replace(ctx, o, t->accepted, step, &t->moved);
  tw_tensor_release(ctx, step);
  tw_tensor_release(ctx, there);
  tw_tensor_release(ctx, kept);
  return s;
}

/* Why lanes without an acceptable step stop, and those with a small one. */
static tw_status conclude(tw_ctx *ctx, tw_optim *o, tw_descent *q, trials *t) {
  const double *tol_step = tw_optim_hyper(o, 0, "tol_step"), *tol_function = tw_optim_hyper(o, 0, "tol_function");
  tw_status s = tw_flat_max_abs(ctx, o, t->moved, t->f);
  for (int r = 0; r < o->lanes && s == TW_OK; r++) {
    if (o->go[r] == 0) continue;
    if (q->step[r] == 0) { /* the state goes back too: a lane that stays keeps its radius or lambda */
      tw_optim_stop(o, r, t->first[r] <= 100 * t->least[r] ? TW_REASON_FUNCTION : TW_REASON_NONE_ACCEPTED);
      for (int i = 0; o->kind->numbers[i]; i++) o->number[i][r] = o->number_before[i * o->lanes + r];
    } else if (t->f[r] <= tol_step[r]) {
      o->reason[r] = "step";
    } else if (tol_function[r] > 0 && fabs(q->after[r] - q->f[r]) <= tol_function[r]) {
      o->reason[r] = "function";
    }
  }
  return s;
}

tw_status tw_region_step(tw_ctx *ctx, tw_optim *o, tw_descent *q, const tw_region *region) {
  int lanes = o->lanes;
  const double *most = tw_optim_hyper(o, 0, "max_evaluations");
  double *w = tw_alloc(7 * (size_t)lanes * sizeof *w);
  if (!w) return tw_fail(&ctx->error, TW_ENOMEM, "%s: out of memory", o->kind->name);
  trials t = {.open = w, .accepted = w + lanes, .predicted = w + 2 * lanes, .f = w + 3 * lanes,
              .one = w + 4 * lanes, .first = w + 5 * lanes, .least = w + 6 * lanes, .at = tw_tensor_retain(q->x)};
  bool going = false;
  for (int r = 0; r < lanes; r++) {
    t.open[r] = o->go[r];
    t.one[r] = 1;
    t.least[r] = fabs(q->f[r]) * (q->x->dtype == TW_F64 ? DBL_EPSILON : (double)FLT_EPSILON);
    q->step[r] = 0;
    q->after[r] = q->f[r];
    going = going || t.open[r] != 0;
  }
  tw_status s = going ? tw_optim_zeros(ctx, q->x, &t.moved) : TW_OK;
  bool tried = going;
  for (int i = 0; going && s == TW_OK; i++) {
    if (i > 0) s = tw_flat_assign(ctx, o, q->x);
    if (s == TW_OK) s = try_once(ctx, o, q, region, &t);
    going = false;
    for (int r = 0; r < lanes && s == TW_OK; r++) {
      if (i == 0) t.first[r] = t.predicted[r];
      if (i + 1 >= most[r]) t.open[r] = 0;
      going = going || t.open[r] != 0;
    }
  }
  if (s == TW_OK && tried) s = tw_flat_assign(ctx, o, t.at);
  if (s == TW_OK && tried) s = conclude(ctx, o, q, &t);
  tw_tensor_release(ctx, t.at);
  tw_tensor_release(ctx, t.moved);
  tw_free(w);
  return s;
}

/* J'r */
static tw_status pull_back(tw_ctx *ctx, tw_tensor *r, tw_tensor *jacobian, tw_tensor **out) {
  tw_compose k = {.ctx = ctx};
  return tw_compose_end(&k, tw_do_matvec(&k, tw__transposed(&k, jacobian), r), out);
}

tw_status tw_probe_residual(tw_ctx *ctx, tw_optim *o, double *f, tw_tensor **gradient) {
  tw_tensor *r = NULL, *jacobian = NULL;
  tw_status s = o->objective->residual(o->objective, ctx, &r, gradient ? &jacobian : NULL);
  if (s == TW_OK) s = tw_flat_dot(ctx, o, r, r, f);
  for (int i = 0; i < o->lanes && s == TW_OK; i++) f[i] *= .5;
  if (s == TW_OK && gradient) s = pull_back(ctx, r, jacobian, gradient);
  tw_tensor_release(ctx, r);
  tw_tensor_release(ctx, jacobian);
  return s;
}

tw_status tw_residual_begin(tw_ctx *ctx, tw_optim *o, tw_descent *q, tw_tensor **r, tw_tensor **jacobian) {
  tw_status s = tw_descent_open(ctx, o, q);
  q->probe = tw_probe_residual;
  if (s == TW_OK) s = o->objective->residual(o->objective, ctx, r, jacobian);
  if (s == TW_OK) s = tw_flat_dot(ctx, o, *r, *r, q->f);
  for (int i = 0; i < o->lanes && s == TW_OK; i++) q->f[i] *= .5;
  if (s == TW_OK) s = pull_back(ctx, *r, *jacobian, &q->g);
  if (s == TW_OK) s = tw_flat_params(ctx, o, &q->x);
  return s == TW_OK ? tw_descent_check(ctx, o, q) : s;
}
