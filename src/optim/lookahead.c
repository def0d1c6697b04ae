/* Lookahead: slow weights that follow another optimizer's fast ones.
 *
 *   every k updates of the base:   slow <- slow + alpha (p - slow),   p <- slow
 *
 * Zhang, Lucas, Hinton and Ba 2019. The slow weights start at the parameters. */
#include "base/alloc.h"
#include "optim/kinds.h"
#include "optim/parts.h"

enum { K, ALPHA, RESET_STATE, EVALUATE };
enum { SLOW_WEIGHTS, FAST_WEIGHTS };
enum { SLOW };

static const tw_option options[] = {
  {"k", TW_OPTION_NUMBER, 5, 1, 1e15, NULL, "updates of the base between two of the slow weights"},
  {"alpha", TW_OPTION_NUMBER, .5, 0, 1, NULL, "step of the slow weights towards the fast ones"},
  {"reset_state", TW_OPTION_FLAG, 0, 0, 1, NULL, "the base forgets its averages whenever the slow weights move"},
  {"evaluate", TW_OPTION_CHOICE, SLOW_WEIGHTS, 0, 1, "slow fast", "what opt:eval_params gives: the slow weights, or what the base gives"},
  {0},
};

static tw_status begin(tw_ctx *ctx, tw_optim *o) {
  if (o->inner->kind->points) {
    return tw_fail(&ctx->error, TW_EINVAL, "lookahead: base must move the parameters alone: base is %s, which keeps an average of its own",
                   o->inner->kind->name);
  }
  tw_status s = TW_OK;
  for (int i = 0; i < o->n && s == TW_OK; i++) {
    tw_leaf *l = &o->leaf[i];
    if (!l->slot[SLOW]) s = tw_optim_copy(ctx, l->p, &l->slot[SLOW]);
  }
  return s;
}

static tw_status meet(tw_ctx *ctx, tw_optim *o, tw_leaf *l, const double *now) {
  tw_tensor *slow = l->slot[SLOW], *met = NULL, *kept = NULL;
  tw_status s = tw_optim_blend(ctx, o, slow, o->hyper[l->group][ALPHA], l->p, &met);
  if (s == TW_OK) s = tw_flat_choose(ctx, o, now, met, slow, &kept);
  if (s == TW_OK) s = tw_optim_assign(ctx, slow, kept);
  tw_tensor_release(ctx, kept);
  kept = NULL;
  if (s == TW_OK) s = tw_flat_choose(ctx, o, now, met, l->p, &kept);
  if (s == TW_OK) s = tw_optim_assign(ctx, l->p, kept);
  tw_tensor_release(ctx, kept);
  tw_tensor_release(ctx, met);
  return s;
}

static tw_status synchronise(tw_ctx *ctx, tw_optim *o) {
  double *now = tw_alloc((size_t)o->lanes * sizeof *now);
  if (!now) return tw_fail(&ctx->error, TW_ENOMEM, "lookahead: out of memory");
  bool any = false;
  for (int r = 0; r < o->lanes; r++) {
    now[r] = o->steps % (int64_t)o->hyper[0][K][r] == 0;
    any = any || now[r] != 0;
  }
  tw_status s = TW_OK;
  for (int i = 0; i < o->n && s == TW_OK && any; i++) {
    if (!o->leaf[i].frozen) s = meet(ctx, o, &o->leaf[i], now);
  }
  if (s == TW_OK && any && o->hyper[0][RESET_STATE][0] != 0) s = tw_optim_reset(ctx, o->inner, now);
  tw_free(now);
  return s;
}

static tw_status follow(tw_ctx *ctx, tw_optim *o, tw_tensor *const *grads) {
  bool moved;
  tw_status s = tw_optim_inner(ctx, o, grads, &moved);
  return s == TW_OK && moved ? synchronise(ctx, o) : s;
}

static tw_status update(tw_ctx *ctx, tw_optim *o) { return follow(ctx, o, o->grad); }
static tw_status solve(tw_ctx *ctx, tw_optim *o) { return follow(ctx, o, NULL); }

static tw_status average(tw_ctx *ctx, tw_optim *o, int leaf, tw_tensor **out) {
  if (o->hyper[0][EVALUATE][0] == FAST_WEIGHTS) return tw_optim_average(ctx, o->inner, leaf, out);
  *out = tw_tensor_retain(o->leaf[leaf].slot[SLOW]);
  return TW_OK;
}

const tw_optim_kind tw_optim_lookahead = {.name = "lookahead", .about = "slow weights that follow another optimizer's",
                                          .source = "Zhang, Lucas, Hinton and Ba 2019", .options = options, .slots = {"slow"}, .begin = begin,
                                          .update = update, .solve = solve, .average = average, .wraps = true,
                                          .example = "local opt = tw.optim.lookahead(p, { base = tw.optim.sgd{ lr = 0.1 }, k = 1 })\n"
                                                     "local loss = opt:step(function(p) return p:dot(p) end)"};
