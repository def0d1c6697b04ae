/* Optimizers around another one: the inner optimizer takes the step, with its own groups, clipping and projections; the outer one counts with it. */
#include <string.h>

#include "base/alloc.h"
#include "optim/around.h"
#include "optim/parts.h"

bool tw_optim_solves(const tw_optim *o) {
  if (!o->kind->solve) return false;
  return !(o->kind->wraps && o->kind->update && o->inner && !tw_optim_solves(o->inner));
}

tw_status tw__check_inner(tw_ctx *ctx, const tw_optim *o) {
  const char *name = o->kind->name;
  if (!o->inner) return tw_fail(&ctx->error, TW_EINVAL, "%s: it needs an optimizer to wrap: base is missing", name);
  if (o->kind->update || !tw_optim_solves(o->inner)) return TW_OK;
  return tw_fail(&ctx->error, TW_EINVAL, "%s: base must take its steps from gradients: base is %s, which evaluates the function itself", name,
                 o->inner->kind->name);
}

tw_status tw__update_around(tw_ctx *ctx, tw_optim *o, tw_tensor *const *grads) {
  tw_status s = tw__snapshot(ctx, o);
  o->grad = grads;
  if (s == TW_OK) s = o->kind->update(ctx, o);
  o->grad = NULL;
  return s;
}

tw_status tw_optim_inner(tw_ctx *ctx, tw_optim *o, tw_tensor *const *grads, bool *moved) {
  tw_optim *inner = o->inner;
  size_t lanes = (size_t)o->lanes;
  int64_t before = inner->steps;
  tw_status s = grads ? tw_optim_update(ctx, inner, grads, o->has_loss ? o->loss : NULL) : tw_optim_solve(ctx, inner, o->objective);
  *moved = s == TW_OK && inner->steps != before;
  if (s != TW_OK) return s;
  if (!grads) {
    memcpy(o->loss, inner->loss, lanes * sizeof *o->loss);
    o->has_loss = inner->has_loss;
  }
  memcpy(o->go, inner->go, lanes * sizeof *o->go);
  memcpy(o->reason, inner->reason, lanes * sizeof *o->reason);
  o->steps += *moved;
  for (int r = 0; r < o->lanes; r++) o->t[r] += *moved && o->go[r] != 0;
  return TW_OK;
}

/* What a slot or vector holds after a reset: the fresh value in the lanes reset, the old one in the others. */
static tw_status merge(tw_ctx *ctx, const tw_optim *o, const double *take, tw_tensor *old, tw_tensor **now) {
  tw_tensor *zero = NULL, *both = NULL;
  tw_status s = *now ? TW_OK : tw_optim_zeros(ctx, old, &zero);
  if (s == TW_OK) s = tw_flat_choose(ctx, o, take, *now ? *now : zero, old, &both);
  tw_tensor_release(ctx, zero);
  if (s != TW_OK) return s;
  tw_tensor_release(ctx, *now);
  *now = both;
  return TW_OK;
}

static tw_status reset_numbers(tw_ctx *ctx, tw_optim *o, const double *take) {
  int n = 0;
  size_t lanes = (size_t)o->lanes;
  while (o->kind->numbers[n]) n++;
  double *old = tw_alloc(((size_t)n + 1) * lanes * sizeof *old);
  if (!old) return tw_fail(&ctx->error, TW_ENOMEM, "%s: out of memory", o->kind->name);
  for (int i = 0; i < n; i++) {
    memcpy(old + (size_t)i * lanes, o->number[i], lanes * sizeof *old);
    memset(o->number[i], 0, lanes * sizeof *old);
  }
  tw_status s = o->kind->begin && o->begun ? o->kind->begin(ctx, o) : TW_OK;
  for (int i = 0; i < n; i++) {
    for (size_t r = 0; r < lanes; r++) {
      if (take[r] == 0) o->number[i][r] = old[(size_t)i * lanes + r];
    }
  }
  tw_free(old);
  return s;
}

tw_status tw_optim_reset(tw_ctx *ctx, tw_optim *o, const double *take) {
  size_t n_slots = (size_t)o->n * TW_MAX_SLOTS;
  tw_tensor **old = tw_calloc(n_slots + TW_MAX_STATE, sizeof *old);
  if (!old) return tw_fail(&ctx->error, TW_ENOMEM, "%s: out of memory", o->kind->name);
  for (size_t i = 0; i < n_slots + TW_MAX_STATE; i++) {
    tw_tensor **place = i < n_slots ? &o->leaf[i / TW_MAX_SLOTS].slot[i % TW_MAX_SLOTS] : &o->vector[i - n_slots];
    old[i] = *place;
    *place = NULL;
  }
  tw_status s = reset_numbers(ctx, o, take);
  for (size_t i = 0; i < n_slots + TW_MAX_STATE; i++) {
    tw_tensor **place = i < n_slots ? &o->leaf[i / TW_MAX_SLOTS].slot[i % TW_MAX_SLOTS] : &o->vector[i - n_slots];
    if (s == TW_OK && old[i]) s = merge(ctx, o, take, old[i], place);
    tw_tensor_release(ctx, old[i]);
  }
  tw_free(old);
  for (int g = 0; g < o->n_groups && s == TW_OK; g++) {
    for (int i = 0; o->kind->group_numbers[i]; i++) {
      for (int r = 0; r < o->lanes; r++) o->group_number[g][i][r] = take[r] != 0 ? 0 : o->group_number[g][i][r];
    }
  }
  for (int r = 0; r < o->lanes && s == TW_OK; r++) o->t[r] = take[r] != 0 ? 0 : o->t[r];
  return s == TW_OK && o->inner ? tw_optim_reset(ctx, o->inner, take) : s;
}
