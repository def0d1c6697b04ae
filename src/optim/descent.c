/* The parts of a step along one direction. */
#include "optim/descent.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"

static const char *const words[] = {
  [TW_REASON_GRADIENT] = "gradient",
  [TW_REASON_STEP] = "step",
  [TW_REASON_FUNCTION] = "function",
  [TW_REASON_SEARCH] = "line search failed",
  [TW_REASON_CURVATURE] = "curvature",
  [TW_REASON_NOT_FINITE] = "loss or gradient not finite",
  [TW_REASON_NONE_ACCEPTED] = "no trial step was acceptable",
  [TW_REASON_SINGULAR] = "singular",
  [TW_REASON_HESSIAN] = "Hessian not finite",
};

bool tw_optim_stopped(const tw_optim *o, int lane, int reason) { return o->go[lane] == 0 && o->reason[lane] == words[reason]; }

void tw_optim_stop(tw_optim *o, int lane, int reason) {
  o->go[lane] = 0;
  o->reason[lane] = words[reason];
}

tw_status tw_probe_loss(tw_ctx *ctx, tw_optim *o, double *f, tw_tensor **out) {
  return out ? tw_optim_gradient_at(ctx, o, f, out) : o->objective->value(o->objective, ctx, f);
}

tw_status tw_descent_open(tw_ctx *ctx, tw_optim *o, tw_descent *q) {
  size_t lanes = (size_t)o->lanes;
  *q = (tw_descent){.probe = tw_probe_loss};
  q->block = tw_calloc(lanes, sizeof *q->search + 8 * sizeof(double));
  if (!q->block) return tw_fail(&ctx->error, TW_ENOMEM, "%s: out of memory", o->kind->name);
  q->search = q->block;
  q->f = (double *)(void *)(q->search + lanes);
  q->slope = q->f + lanes;
  q->trial = q->slope + lanes;
  q->step = q->trial + lanes;
  q->after = q->step + lanes;
  for (size_t i = 0; i < 3; i++) q->work[i] = q->after + (i + 1) * lanes;
  int lr = tw_spec_find(o->kind->options, "lr");
  for (size_t r = 0; r < lanes; r++) q->trial[r] = lr >= 0 ? o->hyper[0][lr][r] : 1;
  return TW_OK;
}

tw_status tw_descent_check(tw_ctx *ctx, tw_optim *o, tw_descent *q) {
  const double *tol = tw_optim_hyper(o, 0, "tol_grad");
  double *most = q->work[0];
  tw_status s = tw_flat_norm(ctx, o, q->g, o->grad_norm);
  if (s == TW_OK) s = tw_flat_max_abs(ctx, o, q->g, most);
  for (int r = 0; r < o->lanes && s == TW_OK; r++) {
    o->loss[r] = q->f[r];
    if (!isfinite(q->f[r]) || !isfinite(most[r])) tw_optim_stop(o, r, TW_REASON_NOT_FINITE);
    else if (most[r] <= tol[r]) tw_optim_stop(o, r, TW_REASON_GRADIENT);
  }
  return s;
}

tw_status tw_descent_begin(tw_ctx *ctx, tw_optim *o, tw_descent *q) {
  tw_status s = tw_descent_open(ctx, o, q);
  if (s == TW_OK) s = tw_optim_gradient(ctx, o, &q->g);
  if (s == TW_OK) memcpy(q->f, o->loss, (size_t)o->lanes * sizeof *q->f);
  if (s == TW_OK) s = tw_flat_params(ctx, o, &q->x);
  return s == TW_OK ? tw_descent_check(ctx, o, q) : s;
}

void tw_descent_end(tw_ctx *ctx, tw_descent *q) {
  tw_tensor_release(ctx, q->x);
  tw_tensor_release(ctx, q->g);
  tw_tensor_release(ctx, q->d);
  tw_free(q->block);
}

bool tw_optim_going(const tw_optim *o) {
  for (int r = 0; r < o->lanes; r++) {
    if (o->go[r] != 0) return true;
  }
  return false;
}

tw_status tw_descent_hessian(tw_ctx *ctx, tw_optim *o, tw_descent *q, tw_tensor **out) {
  o->objective->asking = o->go;
  tw_status s = o->objective->hessian(o->objective, ctx, out);
  o->objective->asking = NULL;
  if (s == TW_OK) s = tw_flat_max_abs(ctx, o, *out, q->work[0]);
  for (int r = 0; r < o->lanes && s == TW_OK; r++) {
    if (o->go[r] != 0 && !isfinite(q->work[0][r])) tw_optim_stop(o, r, TW_REASON_HESSIAN);
  }
  return s == TW_OK ? tw_flat_identity(ctx, o, o->go, out) : s;
}

static tw_search_kind search_kind(const tw_optim *o) { return (tw_search_kind)(int)tw_optim_hyper(o, 0, "line_search")[0]; }

static tw_status choose_into(tw_ctx *ctx, const tw_optim *o, const double *take, tw_tensor *other, tw_tensor **x) {
  tw_tensor *chosen = NULL;
  tw_status s = tw_flat_choose(ctx, o, take, *x, other, &chosen);
  if (s != TW_OK) return s;
  tw_tensor_release(ctx, *x);
  *x = chosen;
  return TW_OK;
}

tw_status tw_descent_slope(tw_ctx *ctx, tw_optim *o, tw_descent *q) {
  tw_status s = tw_flat_dot(ctx, o, q->g, q->d, q->slope);
  bool searches = search_kind(o) >= TW_SEARCH_BACKTRACKING, turn = false, still = false;
  for (int r = 0; r < o->lanes; r++) {
    q->work[0][r] = !searches || q->slope[r] < 0;
    q->work[1][r] = -1;
    turn = turn || (o->go[r] != 0 && q->work[0][r] == 0);
    still = still || o->go[r] == 0;
  }
  tw_tensor *down = NULL;
  if (s == TW_OK && turn) s = tw_flat_scale(ctx, o, q->work[1], q->g, &down);
  if (s == TW_OK && turn) s = choose_into(ctx, o, q->work[0], down, &q->d);
  tw_tensor_release(ctx, down);
  if (s == TW_OK && still) {
    tw_tensor *zero = NULL;
    s = tw_optim_zeros(ctx, q->d, &zero);
    if (s == TW_OK) s = choose_into(ctx, o, o->go, zero, &q->d);
    tw_tensor_release(ctx, zero);
  }
  return s == TW_OK && (turn || still) ? tw_flat_dot(ctx, o, q->g, q->d, q->slope) : s;
}

tw_status tw_descent_trial(tw_ctx *ctx, tw_optim *o, tw_descent *q, const double *last) {
  if (search_kind(o) < TW_SEARCH_BACKTRACKING) return TW_OK;
  tw_status s = tw_flat_sum_abs(ctx, o, q->g, q->work[0]);
  for (int r = 0; r < o->lanes && s == TW_OK; r++) q->trial[r] = last[r] > 0 ? 2 * last[r] : q->trial[r] * fmin(1, 1 / q->work[0][r]);
  return s;
}

/* The parameters at x + step d; where the step is 0, at x itself. */
static tw_status move(tw_ctx *ctx, tw_optim *o, const tw_descent *q, const double *step) {
  tw_tensor *at = NULL;
  bool still = false;
  for (int r = 0; r < o->lanes; r++) still = still || step[r] == 0;
  tw_status s = tw_flat_add(ctx, o, q->x, step, q->d, &at);
  if (s == TW_OK && still) s = choose_into(ctx, o, step, q->x, &at);
  if (s == TW_OK) s = tw_flat_assign(ctx, o, at);
  tw_tensor_release(ctx, at);
  return s;
}

/* lr times the minimum of f + t slope + t^2 d'Hd / 2. */
static tw_status exact(tw_ctx *ctx, tw_optim *o, tw_descent *q) {
  double *curvature = q->work[0];
  tw_tensor *hd = NULL;
  o->objective->asking = o->go;
  tw_status s = o->objective->hvp(o->objective, ctx, q->d, &hd);
  o->objective->asking = NULL;
  if (s == TW_OK) s = tw_flat_dot(ctx, o, q->d, hd, curvature);
  tw_tensor_release(ctx, hd);
  for (int r = 0; r < o->lanes && s == TW_OK; r++) {
    q->step[r] = 0;
    if (o->go[r] == 0 || q->slope[r] == 0) continue;
    double t = -q->slope[r] / curvature[r];
    if (curvature[r] > 0 && isfinite(t)) q->step[r] = q->trial[r] * t;
    else tw_optim_stop(o, r, TW_REASON_CURVATURE);
  }
  return s;
}

/* The smallest relative change of f that the dtype can show, with room for the rounding of a sum. */
static double resolution(const tw_descent *q) { return 100 * (q->x->dtype == TW_F64 ? DBL_EPSILON : (double)FLT_EPSILON); }

static tw_status search(tw_ctx *ctx, tw_optim *o, tw_descent *q, tw_search_kind kind) {
  const double *c1 = tw_optim_hyper(o, 0, "c1"), *c2 = tw_optim_hyper(o, 0, "c2"), *shrink = tw_optim_hyper(o, 0, "shrink"),
               *tol = tw_optim_hyper(o, 0, "search_tol"), *most = tw_optim_hyper(o, 0, "max_evaluations");
  bool slopes = tw_search_needs_slope(kind), going = false;
  for (int r = 0; r < o->lanes; r++) {
    if (slopes && !(c2[r] > c1[r])) {
      return tw_fail(&ctx->error, TW_EINVAL, "%s: the line search needs c1 < c2: c1 is %g, c2 is %g", o->kind->name, c1[r], c2[r]);
    }
    tw_search_limits limits = {kind, c1[r], c2[r], shrink[r], tol[r], (int)most[r]};
    tw_search_start(&q->search[r], &limits, q->f[r], o->go[r] != 0 ? q->slope[r] : 0, q->trial[r]);
    going = going || !q->search[r].done;
  }
  double *f = q->work[0], *slope = q->work[1], *step = q->work[2];
  tw_status s = TW_OK;
  while (going && s == TW_OK) {
    tw_tensor *g = NULL;
    for (int r = 0; r < o->lanes; r++) {
      step[r] = q->search[r].step;
      slope[r] = !q->search[r].done;
    }
    s = move(ctx, o, q, step);
    o->objective->asking = slope; /* read before it is written */
    if (s == TW_OK) s = q->probe(ctx, o, f, slopes ? &g : NULL);
    o->objective->asking = NULL;
    if (s == TW_OK && slopes) s = tw_flat_dot(ctx, o, g, q->d, slope);
    tw_tensor_release(ctx, g);
    going = false;
    for (int r = 0; r < o->lanes && s == TW_OK; r++) {
      tw_search_tell(&q->search[r], f[r], slope[r]);
      going = going || !q->search[r].done;
    }
  }
  for (int r = 0; r < o->lanes && s == TW_OK; r++) {
    q->step[r] = q->search[r].step;
    q->after[r] = q->search[r].f;
    if (o->go[r] == 0 || q->step[r] != 0 || q->slope[r] == 0) continue;
    bool level = -q->slope[r] * q->trial[r] <= resolution(q) * fabs(q->f[r]); /* what is left to gain is below what f can show */
    tw_optim_stop(o, r, level ? TW_REASON_FUNCTION : TW_REASON_SEARCH);
  }
  return s;
}

/* Reasons found in the step that was taken; the parameters have moved. */
static tw_status judge(tw_ctx *ctx, tw_optim *o, tw_descent *q) {
  const double *tol_step = tw_optim_hyper(o, 0, "tol_step"), *tol_function = tw_optim_hyper(o, 0, "tol_function");
  bool some = false;
  for (int r = 0; r < o->lanes; r++) {
    q->work[1][r] = tol_step[r] > 0 || tol_function[r] > 0;
    some = some || q->work[1][r] != 0;
  }
  if (!some) return TW_OK;
  tw_status s = tw_flat_max_abs(ctx, o, q->d, q->work[0]);
  for (int r = 0; r < o->lanes && s == TW_OK; r++) {
    if (o->go[r] == 0 || q->step[r] == 0 || q->work[1][r] == 0) continue;
    if (q->step[r] * q->work[0][r] <= tol_step[r]) o->reason[r] = "step";
    else if (fabs(q->after[r] - q->f[r]) <= tol_function[r]) o->reason[r] = "function";
  }
  return s;
}

tw_status tw_descent_search(tw_ctx *ctx, tw_optim *o, tw_descent *q) {
  tw_search_kind kind = search_kind(o);
  for (int r = 0; r < o->lanes; r++) {
    q->step[r] = o->go[r] != 0 ? q->trial[r] : 0;
    q->after[r] = NAN;
  }
  tw_status s = q->d ? tw_descent_slope(ctx, o, q) : TW_OK;
  if (!tw_optim_going(o)) return s; /* the parameters have not been touched */
  if (s == TW_OK && kind == TW_SEARCH_EXACT) s = exact(ctx, o, q);
  if (s == TW_OK && kind >= TW_SEARCH_BACKTRACKING) s = search(ctx, o, q, kind);
  if (s == TW_OK) s = move(ctx, o, q, q->step);
  return s == TW_OK ? judge(ctx, o, q) : s;
}
