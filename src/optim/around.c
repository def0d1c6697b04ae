/* What surrounds every update, the same for all kinds that work from gradients. */
#include "optim/around.h"

#include <math.h>

#include "base/alloc.h"
#include "optim/parts.h"

/* Their ranges: limits and factors of 0 would make a step meaningless; infinity is "none". */
const tw_option tw_optim_common[] = {
  [TW_BOX_MIN] = {"box_min", TW_OPTION_NUMBER, -INFINITY, -INFINITY, INFINITY, NULL, "parameters are held at or above it"},
  [TW_BOX_MAX] = {"box_max", TW_OPTION_NUMBER, INFINITY, -INFINITY, INFINITY, NULL, "parameters are held at or below it"},
  [TW_CLIP_VALUE] = {"clip_value", TW_OPTION_NUMBER, INFINITY, 0, INFINITY, NULL, "gradient elements are held in [-clip_value, clip_value]"},
  [TW_CLIP_NORM] = {"clip_norm", TW_OPTION_NUMBER, INFINITY, 0, INFINITY, NULL, "each parameter's gradient is scaled down to this 2-norm"},
  [TW_CLIP_ADAPTIVE] = {"clip_adaptive", TW_OPTION_NUMBER, INFINITY, 0, INFINITY, NULL,
                        "each parameter's gradient is scaled down to this times max(1e-3, the parameter's 2-norm)"},
  [TW_CLIP_GLOBAL_NORM] = {"clip_global_norm", TW_OPTION_NUMBER, INFINITY, 0, INFINITY, NULL, "all gradients are scaled down together to this 2-norm"},
  [TW_BALL] = {"ball", TW_OPTION_NUMBER, INFINITY, 0, INFINITY, NULL, "all parameters together are held in the ball of this radius about 0"},
  [TW_ACCUMULATE] = {"accumulate", TW_OPTION_SHAPE, 1, 1, 1e9, NULL,
                     "gradients are averaged over this many calls of step before each update; the same in all lanes"},
  [TW_EMA] = {"ema", TW_OPTION_NUMBER, 0, 0, 1, NULL, "decay of a moving average of the parameters, see opt:eval_params; 0: none"},
  [TW_SKIP_NONFINITE] = {"skip_nonfinite", TW_OPTION_FLAG, 0, 0, 1, NULL, "a gradient with an infinity or NaN changes nothing"},
  [TW_MAXIMIZE] = {"maximize", TW_OPTION_FLAG, 0, 0, 1, NULL, "ascend instead"},
  [TW_N_COMMON] = {0},
};

static const double *common(const tw_optim *o, int group, int which) { return o->hyper[group][o->n_own + which]; }
static bool set(const tw_optim *o, int group, int which) { /* is it different from "none" in any lane? */
  const double *v = common(o, group, which);
  if (!o->differs[group][o->n_own + which]) return v[0] != tw_optim_common[which].initial;
  for (int r = 0; r < o->lanes; r++) {
    if (v[r] != tw_optim_common[which].initial) return true;
  }
  return false;
}

static bool set_anywhere(const tw_optim *o, int which) {
  for (int g = 0; g < o->n_groups; g++) {
    if (set(o, g, which)) return true;
  }
  return false;
}

bool tw__in_ball(const tw_optim *o) { return o->n_options > o->n_own && set(o, 0, TW_BALL); }

void tw__decay(const tw_optim *o, int group, double *l2, double *keep) {
  int decay = tw_spec_find(o->kind->options, "weight_decay"), how = tw_spec_find(o->kind->options, "decay"), lr = tw_spec_find(o->kind->options, "lr");
  for (int r = 0; r < o->lanes; r++) {
    l2[r] = 0;
    keep[r] = 1;
    if (decay < 0 || how < 0) continue;
    double *const *v = o->hyper[group];
    if (v[how][0] == TW_DECAY_COUPLED) l2[r] = v[decay][r];
    else keep[r] = 1 - (v[how][0] == TW_DECAY_DECOUPLED && lr >= 0 ? v[lr][r] : 1) * v[decay][r];
  }
}

tw_status tw__accumulate(tw_ctx *ctx, tw_optim *o, tw_tensor **own, bool *now) {
  double every = common(o, 0, TW_ACCUMULATE)[0];
  *now = true;
  if (every <= 1) return TW_OK;
  for (int i = 0; i < o->n; i++) {
    tw_leaf *l = &o->leaf[i];
    tw_status s = l->accumulated ? TW_OK : tw_optim_zeros(ctx, l->p, &l->accumulated);
    if (s != TW_OK) return s;
    tw_compose k = {.ctx = ctx};
    tw_tensor *sum = NULL;
    s = tw_compose_end(&k, tw_do2(&k, &tw_op_add, NULL, l->accumulated, o->grad[i]), &sum);
    if (s != TW_OK) return s;
    tw_tensor_release(ctx, l->accumulated);
    l->accumulated = sum;
  }
  for (int r = 0; r < o->lanes && o->has_loss; r++) o->collected[r] += o->loss[r];
  if (++o->calls < (int64_t)every) {
    *now = false;
    for (int r = 0; r < o->lanes; r++) o->reason[r] = "accumulating";
    return TW_OK;
  }
  for (int i = 0; i < o->n; i++) {
    tw_leaf *l = &o->leaf[i];
    tw_compose k = {.ctx = ctx};
    tw_status s = tw_compose_end(&k, tw_do2(&k, &tw_op_div, NULL, l->accumulated, tw_do_constant(&k, (double)o->calls, l->p)), &own[i]);
    if (s != TW_OK) return s;
    tw_tensor_release(ctx, l->accumulated);
    l->accumulated = NULL;
  }
  for (int r = 0; r < o->lanes && o->has_loss; r++) { /* the loss that belongs to the mean gradient */
    o->loss[r] = o->collected[r] / (double)o->calls;
    o->collected[r] = 0;
  }
  o->calls = 0;
  o->grad = own;
  return TW_OK;
}

/* Per lane, whether every element of every gradient is finite: the sum of 0 g is NaN where one is not. */
static tw_status find_nonfinite(tw_ctx *ctx, tw_optim *o) {
  double *zero = tw_alloc((size_t)o->lanes * sizeof *zero);
  if (!zero) return tw_fail(&ctx->error, TW_ENOMEM, "%s: out of memory", o->kind->name);
  tw_status s = TW_OK;
  for (int i = 0; i < o->n && s == TW_OK; i++) {
    if (o->leaf[i].frozen) continue;
    tw_compose k = {.ctx = ctx};
    tw_reduce_attrs all = {.axes = (1u << o->grad[i]->ndim) - 1};
    tw_tensor *sum = NULL;
    s = tw_compose_end(&k, tw_do1(&k, &tw_op_sum, &all, tw_do2(&k, &tw_op_mul, NULL, o->grad[i], tw_do_constant(&k, 0, o->grad[i]))), &sum);
    if (s != TW_OK) break;
    tw_optim_numbers(o, sum, zero);
    tw_tensor_release(ctx, sum);
    for (int r = 0; r < o->lanes; r++) {
      if (zero[r] == 0) continue;
      o->go[r] = 0;
      o->reason[r] = "gradient not finite";
    }
  }
  tw_free(zero);
  return s;
}

/* clip_value acts first. */
static tw_status clip_values(tw_ctx *ctx, tw_optim *o, tw_tensor **own) {
  for (int i = 0; i < o->n; i++) {
    const double *limit = common(o, o->leaf[i].group, TW_CLIP_VALUE);
    tw_compose k = {.ctx = ctx};
    tw_tensor *clipped = NULL, *top = tw_do_scalar(&k, o, limit, o->leaf[i].p);
    tw_tensor *low = tw_do1(&k, &tw_op_neg, NULL, top);
    tw_status s = tw_compose_end(&k, tw_do2(&k, &tw_op_clamp_min, NULL, tw_do2(&k, &tw_op_clamp_max, NULL, o->grad[i], top), low), &clipped);
    if (s != TW_OK) return s;
    tw_tensor_release(ctx, own[i]);
    own[i] = clipped;
  }
  o->grad = own;
  return TW_OK;
}

static tw_status norms(tw_ctx *ctx, tw_optim *o, double *grads, double *params) {
  tw_status s = TW_OK;
  for (int i = 0; i < o->n && s == TW_OK; i++) {
    s = tw_optim_global_norm(ctx, 1, &o->grad[i], o->lanes, grads + i * o->lanes);
    if (s == TW_OK) s = tw_optim_global_norm(ctx, 1, &o->leaf[i].p, o->lanes, params + i * o->lanes);
  }
  return s;
}

static double factor(double limit, double norm) { /* PyTorch's, with its guard of 1e-6; infinities and NaN give 1 */
  double f = limit / (norm + 1e-6);
  return f < 1 ? f : 1;
}

tw_status tw__clip(tw_ctx *ctx, tw_optim *o, tw_tensor **own) {
  size_t lanes = (size_t)o->lanes;
  bool each = set_anywhere(o, TW_CLIP_NORM) || set_anywhere(o, TW_CLIP_ADAPTIVE), global = set(o, 0, TW_CLIP_GLOBAL_NORM);
  bool skip = common(o, 0, TW_SKIP_NONFINITE)[0] != 0, turned = common(o, 0, TW_MAXIMIZE)[0] != 0, special = each || global || skip || turned;
  if (o->scaled || special) {
    for (size_t i = 0; i < (size_t)o->n * lanes; i++) o->scale[i] = turned ? -1 : 1;
  }
  o->scaled = special;
  tw_status s = TW_OK;
  if (skip) s = find_nonfinite(ctx, o);
  if (s == TW_OK && set_anywhere(o, TW_CLIP_VALUE)) s = clip_values(ctx, o, own);
  if (s != TW_OK || (!each && !global)) return s;
  double *norm = tw_alloc(2 * (size_t)o->n * lanes * sizeof *norm);
  if (!norm) return tw_fail(&ctx->error, TW_ENOMEM, "%s: out of memory", o->kind->name);
  double *params = norm + (size_t)o->n * lanes;
  s = norms(ctx, o, norm, params);
  for (size_t r = 0; r < lanes && s == TW_OK; r++) {
    double sum = 0;
    for (size_t i = 0; i < (size_t)o->n; i++) {
      int group = o->leaf[i].group;
      double f = factor(common(o, group, TW_CLIP_NORM)[r], norm[i * lanes + r]);
      f *= factor(common(o, group, TW_CLIP_ADAPTIVE)[r] * fmax(1e-3, params[i * lanes + r]), f * norm[i * lanes + r]);
      o->scale[i * lanes + r] *= f;
      if (!o->leaf[i].frozen) sum += f * norm[i * lanes + r] * (f * norm[i * lanes + r]);
    }
    double f = factor(common(o, 0, TW_CLIP_GLOBAL_NORM)[r], sqrt(sum));
    for (size_t i = 0; i < (size_t)o->n; i++) o->scale[i * lanes + r] *= f;
  }
  tw_free(norm);
  return s;
}

tw_status tw__prepare_gradients(tw_ctx *ctx, tw_optim *o, tw_tensor ***out) {
  double *l2 = tw_alloc(2 * (size_t)o->lanes * sizeof *l2);
  tw_tensor **g = *out = tw_calloc((size_t)o->n, sizeof *g);
  if (!l2 || !g) {
    tw_free(l2);
    return tw_fail(&ctx->error, TW_ENOMEM, "%s: out of memory", o->kind->name);
  }
  double *keep = l2 + o->lanes;
  tw_status s = TW_OK;
  for (int i = 0; i < o->n && s == TW_OK; i++) {
    tw_leaf *l = &o->leaf[i];
    tw_compose k = {.ctx = ctx};
    tw__decay(o, l->group, l2, keep);
    tw_tensor *scaled = tw_do2(&k, &tw_op_mul, NULL, tw_do_scalar(&k, o, o->scale + i * o->lanes, l->p), o->grad[i]);
    tw_tensor *decay = tw_do2(&k, &tw_op_mul, NULL, tw_do_scalar(&k, o, l2, l->p), l->p);
    s = tw_compose_end(&k, tw_do2(&k, &tw_op_add, NULL, scaled, decay), &g[i]);
    bool shrinks = false;
    for (int r = 0; r < o->lanes; r++) shrinks = shrinks || keep[r] != 1;
    if (s != TW_OK || !shrinks || l->frozen || !o->define) continue; /* rules shrink by themselves */
    tw_compose q = {.ctx = ctx};
    tw_tensor *kept = NULL;
    s = tw_compose_end(&q, tw_do2(&q, &tw_op_mul, NULL, tw_do_scalar(&q, o, keep, l->p), l->p), &kept);
    if (s == TW_OK) s = tw_optim_assign(ctx, l->p, kept);
    tw_tensor_release(ctx, kept);
  }
  tw_free(l2);
  return s;
}

tw_status tw__box(tw_ctx *ctx, tw_optim *o) {
  for (int i = 0; i < o->n; i++) {
    tw_leaf *l = &o->leaf[i];
    if (l->frozen) continue;
    tw_compose k = {.ctx = ctx};
    tw_tensor *held = NULL, *x = l->p;
    bool low = set(o, l->group, TW_BOX_MIN), high = set(o, l->group, TW_BOX_MAX), skip = set(o, 0, TW_SKIP_NONFINITE);
    if (!low && !high && !skip) continue;
    if (low) x = tw_do2(&k, &tw_op_clamp_min, NULL, x, tw_do_scalar(&k, o, common(o, l->group, TW_BOX_MIN), l->p));
    if (high) x = tw_do2(&k, &tw_op_clamp_max, NULL, x, tw_do_scalar(&k, o, common(o, l->group, TW_BOX_MAX), l->p));
    if (skip) {
      tw_tensor *go = tw_do2(&k, &tw_op_ne, NULL, tw_do_scalar(&k, o, o->go, l->p), tw_do_constant(&k, 0, l->p));
      x = tw_do3(&k, &tw_op_where, NULL, go, x, l->before);
    }
    tw_status s = tw_compose_end(&k, x, &held);
    if (s == TW_OK && held != l->p) s = tw_optim_assign(ctx, l->p, held);
    tw_tensor_release(ctx, held);
    if (s != TW_OK) return s;
  }
  return TW_OK;
}

/* The Euclidean projection onto the ball, of the parameters or (slot >= 0) of another point that moves with them. */
static tw_status project(tw_ctx *ctx, tw_optim *o, int slot) {
  size_t lanes = (size_t)o->lanes, moving = 0;
  tw_tensor **p = tw_alloc((size_t)o->n * sizeof(tw_tensor *) + lanes * sizeof(double));
  if (!p) return tw_fail(&ctx->error, TW_ENOMEM, "%s: out of memory", o->kind->name);
  double *f = (double *)(void *)(p + o->n);
  for (int i = 0; i < o->n; i++) {
    tw_tensor *x = slot < 0 ? o->leaf[i].p : o->leaf[i].slot[slot];
    if (!o->leaf[i].frozen && x) p[moving++] = x;
  }
  tw_status s = tw_optim_global_norm(ctx, (int)moving, p, o->lanes, f);
  bool outside = false;
  for (size_t r = 0; r < lanes; r++) {
    double radius = common(o, 0, TW_BALL)[r];
    outside = outside || f[r] > radius;
    f[r] = f[r] > radius ? radius / f[r] : 1;
  }
  for (size_t i = 0; i < moving && s == TW_OK && outside; i++) {
    tw_compose k = {.ctx = ctx};
    tw_tensor *held = NULL;
    s = tw_compose_end(&k, tw_do2(&k, &tw_op_mul, NULL, tw_do_scalar(&k, o, f, p[i]), p[i]), &held);
    if (s == TW_OK) s = tw_optim_assign(ctx, p[i], held);
    tw_tensor_release(ctx, held);
  }
  tw_free(p);
  return s;
}

/* ema <- ema + (1 - decay) (p - ema), from a copy after the first update. */
static tw_status average(tw_ctx *ctx, tw_optim *o) {
  double *take = tw_alloc((size_t)o->lanes * sizeof *take);
  if (!take) return tw_fail(&ctx->error, TW_ENOMEM, "%s: out of memory", o->kind->name);
  for (int r = 0; r < o->lanes; r++) take[r] = 1 - common(o, 0, TW_EMA)[r];
  tw_status s = TW_OK;
  for (int i = 0; i < o->n && s == TW_OK; i++) {
    tw_leaf *l = &o->leaf[i];
    if (!l->ema) {
      s = tw_optim_copy(ctx, l->p, &l->ema);
      continue;
    }
    tw_compose k = {.ctx = ctx};
    tw_tensor *next = NULL, *gap = tw_do2(&k, &tw_op_sub, NULL, l->p, l->ema);
    s = tw_compose_end(&k, tw_do2(&k, &tw_op_add, NULL, l->ema, tw_do2(&k, &tw_op_mul, NULL, tw_do_scalar(&k, o, take, l->p), gap)), &next);
    if (s == TW_OK) s = tw_optim_assign(ctx, l->ema, next);
    tw_tensor_release(ctx, next);
  }
  tw_free(take);
  return s;
}

tw_status tw__after(tw_ctx *ctx, tw_optim *o) {
  tw_status s = TW_OK;
  for (int k = -1; k < o->n_slots && s == TW_OK && set(o, 0, TW_BALL); k++) {
    if (k < 0 || o->kind->points >> k & 1) s = project(ctx, o, k);
  }
  return s == TW_OK && set(o, 0, TW_EMA) ? average(ctx, o) : s;
}
