/* Optimizers: instances, groups, hyperparameters, and the order in which a step does its parts. */
#include "optim/optim.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "optim/around.h"
#include "optim/kinds.h"
#include "optim/parts.h"

const tw_optim_kind *const tw_all_optims[] = {
#define OPTIMIZER(name) &tw_optim_##name,
#include "optim/optims.def"
#undef OPTIMIZER
  NULL,
};

const tw_optim_kind *tw_optim_find(const char *name) {
  for (int i = 0; tw_all_optims[i]; i++) {
    if (strcmp(tw_all_optims[i]->name, name) == 0) return tw_all_optims[i];
  }
  return NULL;
}

const tw_option *tw_optim_option(const tw_optim *o, int option) {
  if (option < o->n_own) return &o->kind->options[option];
  return option < o->n_options ? &tw_optim_common[option - o->n_own] : NULL;
}

static tw_status out_of_memory(tw_ctx *ctx, const tw_optim *o) { return tw_fail(&ctx->error, TW_ENOMEM, "%s: out of memory", o->kind->name); }

tw_status tw_optim_add_group(tw_ctx *ctx, tw_optim *o, int *group) {
  size_t n = (size_t)o->n_groups;
  double ***hyper = tw_realloc(o->hyper, (n + 1) * sizeof *hyper);
  if (!hyper) return out_of_memory(ctx, o);
  o->hyper = hyper;
  bool **constant = tw_realloc(o->constant, (n + 1) * sizeof *constant);
  if (!constant) return out_of_memory(ctx, o);
  o->constant = constant;
  double *(*number)[TW_MAX_STATE] = tw_realloc(o->group_number, (n + 1) * sizeof *number);
  if (!number) return out_of_memory(ctx, o);
  o->group_number = number;
  memset(number[n], 0, sizeof *number);
  bool **differs = tw_realloc(o->differs, (n + 1) * sizeof *differs);
  if (!differs) return out_of_memory(ctx, o);
  o->differs = differs;
  o->differs[n] = tw_calloc((size_t)o->n_options, sizeof **differs);
  o->hyper[n] = tw_calloc((size_t)o->n_options, sizeof **hyper);
  o->constant[n] = tw_calloc((size_t)o->n_options, sizeof **constant);
  o->n_groups++; /* what is there is freed with it */
  if (!o->hyper[n] || !o->constant[n] || !o->differs[n]) return out_of_memory(ctx, o);
  for (int i = 0; i < o->n_options; i++) {
    double *v = o->hyper[n][i] = tw_alloc((size_t)o->lanes * sizeof *v);
    if (!v) return out_of_memory(ctx, o);
    for (int r = 0; r < o->lanes; r++) v[r] = n ? o->hyper[0][i][r] : tw_optim_option(o, i)->initial;
    o->constant[n][i] = n == 0 || o->constant[0][i];
    o->differs[n][i] = n > 0 && o->differs[0][i];
  }
  for (int i = 0; o->kind->group_numbers[i]; i++) {
    o->group_number[n][i] = tw_calloc((size_t)o->lanes, sizeof(double));
    if (!o->group_number[n][i]) return out_of_memory(ctx, o);
  }
  *group = (int)n;
  return TW_OK;
}

tw_status tw_optim_set(tw_ctx *ctx, tw_optim *o, int group, int option, int n, const double *values, bool constant) {
  const tw_option *spec = tw_optim_option(o, option);
  for (int r = 0; r < (n ? n : o->lanes); r++) {
    tw_status s = tw_spec_check(spec, o->kind->name, values[r], &ctx->error);
    if (s != TW_OK) return s;
    if (spec->type != TW_OPTION_SHAPE || values[r] == values[0]) continue;
    return tw_fail(&ctx->error, TW_EINVAL, "%s: %s must be the same in all runs computed together; take it off the list of lanes", o->kind->name, spec->name);
  }
  for (int r = 0; r < o->lanes; r++) o->hyper[group][option][r] = values[n ? 0 : r];
  o->constant[group][option] = constant && n;
  o->differs[group][option] = !n;
  o->changes++;
  return TW_OK;
}

static tw_status allocate(tw_ctx *ctx, tw_optim *o) {
  size_t lanes = (size_t)o->lanes, n = (size_t)o->n;
  o->t = tw_calloc(lanes, sizeof *o->t);
  o->loss = tw_calloc(lanes, sizeof *o->loss);
  o->go = tw_calloc(lanes, sizeof *o->go);
  o->collected = tw_calloc(lanes, sizeof *o->collected);
  o->reason = tw_calloc(lanes, sizeof *o->reason);
  o->scale = tw_calloc(lanes * n, sizeof *o->scale);
  o->origin = tw_calloc(lanes, sizeof *o->origin);
  o->grad_norm = tw_calloc(lanes, sizeof *o->grad_norm);
  o->number_before = tw_calloc(lanes * TW_MAX_STATE, sizeof *o->number_before);
  o->evaluations = tw_calloc(lanes, sizeof *o->evaluations);
  bool all = o->t && o->loss && o->go && o->collected && o->reason && o->scale && o->origin && o->grad_norm && o->number_before && o->evaluations;
  if (!all) return out_of_memory(ctx, o);
  if (o->laned) memcpy(o->origin, ctx->lane_origin, lanes * sizeof *o->origin);
  for (size_t r = 0; r < lanes; r++) o->reason[r] = "";
  o->scaled = true;
  for (int i = 0; o->kind->numbers[i]; i++) {
    o->number[i] = tw_calloc(lanes, sizeof **o->number);
    if (!o->number[i]) return out_of_memory(ctx, o);
  }
  int group;
  return tw_optim_add_group(ctx, o, &group);
}

tw_status tw_optim_new(tw_ctx *ctx, const tw_optim_kind *kind, int n, tw_tensor *const *params, tw_optim *inner, tw_optim **out) {
  tw_optim *o = tw_calloc(1, sizeof *o);
  tw_leaf *leaf = tw_calloc((size_t)n, sizeof *leaf);
  if (!o || !leaf) {
    tw_free(o);
    tw_free(leaf);
    tw_optim_free(ctx, inner);
    return tw_fail(&ctx->error, TW_ENOMEM, "%s: out of memory", kind->name);
  }
  *o = (tw_optim){.kind = kind, .leaf = leaf, .lanes = 1, .inner = inner, .laned = ctx->lanes & 1};
  if (o->laned) o->lanes = (int)ctx->lane_size[0];
  while (kind->slots[o->n_slots]) o->n_slots++;
  o->n_own = tw_spec_count(kind->options);
  o->n_options = o->n_own + (kind->wraps || (kind->solve && !kind->rule && !kind->choose && !kind->update) ? 0 : TW_N_COMMON);
  tw_status s = kind->wraps ? tw__check_inner(ctx, o) : TW_OK;
  for (int i = 0; i < n && s == TW_OK; i++) {
    if (!tw_is_real((tw_dtype)params[i]->dtype)) {
      char shape[128];
      s = tw_fail(&ctx->error, TW_EINVAL, "%s: a parameter must be real, got %s", kind->name, tw_tensor_describe(params[i], shape, sizeof shape));
      break;
    }
    o->leaf[i].p = tw_tensor_retain(params[i]);
    o->n++;
    if (o->laned) {
      tw_lanes all = {.mask = 1, .size = {ctx->lane_size[0]}};
      s = tw_tensor_promote(ctx, params[i], &all);
    }
    if (s == TW_OK && (kind->solve || kind->wraps)) s = tw_optim_before(ctx, &o->leaf[i]);
  }
  if (s == TW_OK) s = allocate(ctx, o);
  if (s != TW_OK) {
    tw_optim_free(ctx, o);
    return s;
  }
  *out = o;
  return TW_OK;
}

void tw_optim_free(tw_ctx *ctx, tw_optim *o) {
  if (!o) return;
  for (int i = 0; i < o->n; i++) {
    tw_leaf *l = &o->leaf[i];
    tw_tensor_release(ctx, l->p);
    tw_tensor_release(ctx, l->before);
    tw_tensor_release(ctx, l->moved);
    tw_tensor_release(ctx, l->accumulated);
    tw_tensor_release(ctx, l->ema);
    for (int k = 0; k < TW_MAX_SLOTS; k++) tw_tensor_release(ctx, l->slot[k]);
  }
  for (int g = 0; g < o->n_groups; g++) {
    for (int i = 0; i < o->n_options && o->hyper[g]; i++) tw_free(o->hyper[g][i]);
    tw_free(o->hyper[g]);
    tw_free(o->constant[g]);
    for (int i = 0; i < TW_MAX_STATE; i++) tw_free(o->group_number[g][i]);
    tw_free(o->differs[g]);
  }
  for (int i = 0; i < TW_MAX_STATE; i++) {
    tw_tensor_release(ctx, o->vector[i]);
    tw_tensor_release(ctx, o->pending[i]);
    tw_free(o->number[i]);
  }
  tw_optim_free(ctx, o->inner);
  tw_tensor_release(ctx, o->scalars);
  tw_free(o->hyper);
  tw_free(o->constant);
  tw_free(o->group_number);
  tw_free(o->differs);
  tw_free(o->origin);
  tw_free(o->leaf);
  tw_free(o->t);
  tw_free(o->grad_norm);
  tw_free(o->number_before);
  tw_free(o->evaluations);
  tw_free(o->loss);
  tw_free(o->go);
  tw_free(o->collected);
  tw_free(o->reason);
  tw_free(o->scale);
  tw_free(o);
}

/* values[k] <- values[where lane k was], for n of them. */
static void gather_doubles(double *values, const int64_t *from, int n) {
  for (int k = 0; values && k < n; k++) values[k] = values[from[k]];
}

void tw_optim_follow(tw_ctx *ctx, tw_optim *o) {
  if (o->inner) tw_optim_follow(ctx, o->inner);
  if (!o->laned || !(ctx->lanes & 1) || ctx->lane_size[0] == o->lanes) return;
  int n = (int)ctx->lane_size[0], was = o->lanes;
  int64_t *from = o->origin; /* becomes where each lane that stays stood; both ascend */
  for (int k = 0, at = 0; k < n; k++) {
    while (at < was - 1 && o->origin[at] != ctx->lane_origin[k]) at++;
    from[k] = at; /* at >= k: what is still to be read lies behind */
  }
  for (int g = 0; g < o->n_groups; g++) {
    for (int i = 0; i < o->n_options; i++) gather_doubles(o->hyper[g][i], from, n);
  }
  for (int i = 0; o->kind->numbers[i]; i++) gather_doubles(o->number[i], from, n);
  for (int g = 0; g < o->n_groups; g++) {
    for (int i = 0; o->kind->group_numbers[i]; i++) gather_doubles(o->group_number[g][i], from, n);
  }
  gather_doubles(o->loss, from, n);
  gather_doubles(o->collected, from, n);
  gather_doubles(o->grad_norm, from, n);
  gather_doubles(o->go, from, n);
  gather_doubles(o->evaluations, from, n);
  for (int k = 0; k < n; k++) {
    o->t[k] = o->t[from[k]];
    o->reason[k] = o->reason[from[k]];
  }
  memcpy(o->origin, ctx->lane_origin, (size_t)n * sizeof *o->origin);
  o->lanes = n;
  o->scaled = true; /* the factors are laid out by lanes */
  o->changes++;
}

static tw_status check_gradient(tw_ctx *ctx, const tw_optim *o, int i, const tw_tensor *g) {
  if (tw_tensor_same_shape(o->leaf[i].p, g) && g->dtype == o->leaf[i].p->dtype) return TW_OK;
  char p[128], q[128];
  return tw_fail(&ctx->error, TW_EINVAL, "%s: gradient %d is %s, its parameter %s", o->kind->name, i + 1, tw_tensor_describe(g, q, sizeof q),
                 tw_tensor_describe(o->leaf[i].p, p, sizeof p));
}

tw_status tw__snapshot(tw_ctx *ctx, tw_optim *o) {
  tw_status s = TW_OK;
  for (int i = 0; i < o->n && s == TW_OK; i++) {
    tw_leaf *l = &o->leaf[i];
    s = tw_optim_before(ctx, l);
    if (s == TW_OK) s = tw_optim_assign(ctx, l->before, l->p);
    l->by_norm = false;
  }
  return s;
}

static tw_status define_all(tw_ctx *ctx, tw_optim *o) {
  tw_status s = TW_OK;
  for (int i = 0; i < o->n && s == TW_OK; i++) {
    if (!o->leaf[i].frozen) s = o->define(ctx, o, i);
  }
  return s;
}

static tw_status begin(tw_ctx *ctx, tw_optim *o) {
  if (o->begun) return TW_OK;
  tw_status s = o->kind->begin ? o->kind->begin(ctx, o) : TW_OK;
  o->begun = s == TW_OK;
  return s;
}

/* The update proper, from gradients that are clipped and whole. */
static tw_status take(tw_ctx *ctx, tw_optim *o) {
  for (int g = 0; g < o->n_groups && o->kind->advance; g++) {
    tw_hypers h = tw_optim_hypers(o, g);
    o->kind->advance(&h, o->go);
  }
  if (o->kind->rule || o->kind->choose) return tw_optim_apply_kind(ctx, o);
  tw_tensor **prepared = NULL;
  tw_status s = tw__snapshot(ctx, o);
  if (s == TW_OK) s = tw__prepare_gradients(ctx, o, &prepared);
  if (s == TW_OK) {
    o->grad = prepared;
    s = o->kind->update ? o->kind->update(ctx, o) : define_all(ctx, o);
  }
  for (int i = 0; i < o->n && prepared; i++) tw_tensor_release(ctx, prepared[i]);
  tw_free(prepared);
  return s == TW_OK ? tw__box(ctx, o) : s;
}

/* Every lane goes, for no reason not to. Loops of one thing each: there may be thousands of lanes, and so they are vectors. */
static void start(tw_optim *o) {
  if (o->usual == o->changes + 1) return;
  o->usual = 0;
  for (int r = 0; r < o->lanes; r++) o->go[r] = 1;
  for (int r = 0; r < o->lanes; r++) o->reason[r] = "";
}

/* No update of it can be left out, or have a reason not to be made. */
static bool is_usual(const tw_optim *o) {
  bool skips = o->hyper[0][o->n_own + TW_SKIP_NONFINITE][0] != 0, waits = o->hyper[0][o->n_own + TW_ACCUMULATE][0] > 1;
  return (o->kind->rule || o->kind->choose) && !o->kind->solve && !skips && !waits;
}

/* Counts the update, by +1 or back by -1, in the lanes that take it. */
static void count(tw_optim *o, int64_t by) {
  int64_t least = INT64_MAX;
  if (o->usual) {
    for (int r = 0; r < o->lanes; r++) o->t[r] += by;
  } else {
    for (int r = 0; r < o->lanes; r++) o->t[r] += o->go[r] != 0 ? by : 0;
  }
  for (int r = 0; r < o->lanes && !o->usual; r++) least = o->t[r] < least ? o->t[r] : least;
  o->least_t = o->usual ? o->least_t + by : least;
}

tw_status tw_optim_from_gradients(tw_ctx *ctx, tw_optim *o, tw_tensor *const *grads) {
  tw_status s = TW_OK;
  for (int i = 0; i < o->n && s == TW_OK; i++) s = check_gradient(ctx, o, i, grads[i]);
  if (s != TW_OK) return s;
  start(o);
  tw_tensor *few[16] = {NULL}, **own = o->n <= 16 ? few : tw_calloc((size_t)o->n, sizeof *own); /* gradients that are not the caller's */
  if (!own) return out_of_memory(ctx, o);
  bool now = true;
  o->grad = grads;
  s = tw__accumulate(ctx, o, own, &now);
  if (s == TW_OK && now) s = tw__clip(ctx, o, own);
  if (s == TW_OK && now) {
    count(o, 1);
    s = take(ctx, o);
    if (s == TW_OK) s = tw__after(ctx, o);
    if (s == TW_OK && is_usual(o)) o->usual = o->changes + 1;
    if (s == TW_OK) o->steps++;
    else count(o, -1);
  }
  for (int i = 0; i < o->n; i++) tw_tensor_release(ctx, own[i]);
  if (own != few) tw_free(own);
  o->grad = NULL;
  return s;
}

double *tw_optim_loss(tw_optim *o) { return o->loss; }

bool tw_optim_wants_loss(const tw_optim *o) {
  bool collects = o->n_options > o->n_own && o->hyper[0][o->n_own + TW_ACCUMULATE][0] > 1;
  return o->kind->wants_loss || o->kind->wraps || o->inner || collects;
}

tw_status tw_optim_update(tw_ctx *ctx, tw_optim *o, tw_tensor *const *grads, const double *loss) {
  if (tw_optim_solves(o)) {
    return tw_fail(&ctx->error, TW_EINVAL, "%s: it evaluates the function itself, gradients are not enough; use opt:step(f, ...)", o->kind->name);
  }
  tw_optim_follow(ctx, o);
  tw_status s = begin(ctx, o);
  o->has_loss = loss != NULL;
  for (int r = 0; r < o->lanes; r++) o->evaluations[r] = loss != NULL;
  if (loss && loss != o->loss) memcpy(o->loss, loss, (size_t)o->lanes * sizeof *loss);
  if (s != TW_OK) return s;
  return o->kind->wraps ? tw__update_around(ctx, o, grads) : tw_optim_from_gradients(ctx, o, grads);
}

/* Kinds that search move the parameters while they look: a step that fails (the function raised) puts them and the state back. */
static void keep_numbers(tw_optim *o) {
  for (int i = 0; o->kind->numbers[i]; i++) memcpy(o->number_before + i * o->lanes, o->number[i], (size_t)o->lanes * sizeof(double));
}

static void undo(tw_ctx *ctx, tw_optim *o) {
  tw_error why = ctx->error;
  for (int i = 0; i < o->n; i++) {
    if (tw_optim_assign(ctx, o->leaf[i].p, o->leaf[i].before) != TW_OK) break; /* in place, same dtype: it cannot */
  }
  ctx->error = why;
  for (int i = 0; o->kind->numbers[i]; i++) memcpy(o->number[i], o->number_before + i * o->lanes, (size_t)o->lanes * sizeof(double));
}

/* New values of state vectors take their places, or are dropped. */
static void settle(tw_ctx *ctx, tw_optim *o, bool keep) {
  for (int i = 0; i < TW_MAX_STATE; i++) {
    if (!o->pending[i]) continue;
    tw_tensor_release(ctx, keep ? o->vector[i] : o->pending[i]);
    if (keep) o->vector[i] = o->pending[i];
    o->pending[i] = NULL;
  }
}

tw_status tw_optim_solve(tw_ctx *ctx, tw_optim *o, tw_objective *objective) {
  bool bare = o->n_options == o->n_own; /* the others end in tw_optim_from_gradients, which has its own snapshot and count */
  bool counts = bare && !o->kind->wraps; /* the inner one counts */
  bool outermost = !objective->evaluations;
  o->objective = objective;
  tw_optim_follow(ctx, o);
  if (outermost) objective->evaluations = o->evaluations;
  memset(objective->evaluations, 0, (size_t)o->lanes * sizeof(double));
  tw_status s = begin(ctx, o);
  if (s == TW_OK && bare) s = tw__snapshot(ctx, o);
  for (int r = 0; r < o->lanes; r++) {
    o->go[r] = 1;
    o->reason[r] = "";
    o->t[r] += s == TW_OK && counts;
  }
  bool begun = s == TW_OK;
  if (begun) keep_numbers(o);
  if (s == TW_OK) s = o->kind->solve(ctx, o);
  if (counts && s == TW_OK) o->steps++;
  if (counts && begun && s != TW_OK) undo(ctx, o);
  settle(ctx, o, s == TW_OK);
  for (int r = 0; r < o->lanes && s != TW_OK && begun && counts; r++) o->t[r]--;
  objective->asking = NULL;
  if (outermost) objective->evaluations = NULL;
  else memcpy(o->evaluations, objective->evaluations, (size_t)o->lanes * sizeof(double));
  o->objective = NULL;
  return s;
}

tw_status tw_optim_average(tw_ctx *ctx, tw_optim *o, int leaf, tw_tensor **out) {
  tw_leaf *l = &o->leaf[leaf];
  if (l->ema) {
    *out = tw_tensor_retain(l->ema);
    return TW_OK;
  }
  if (o->kind->average && o->begun && !l->frozen) return o->kind->average(ctx, o, leaf, out);
  if (o->inner) return tw_optim_average(ctx, o->inner, leaf, out);
  *out = tw_tensor_retain(l->p);
  return TW_OK;
}
