/* Sharpness-aware minimisation: the base steps with the gradient taken where the loss is worst nearby.
 *
 *   g <- gradient at p,   e <- rho g / (|g| + 1e-12),   the base updates p with the gradient at p + e
 *   adaptive:  e <- rho p^2 g / (| |p| g | + 1e-12)                          elementwise products: the neighbourhood scales with the parameters
 *
 * |.| over all parameters that move. Two evaluations a step, with the same random numbers. If the base ascends, e descends.
 * Foret, Kleiner, Mobahi and Neyshabur 2021; adaptive: Kwon, Kim, Park and Choi 2021. The 1e-12 is that of their code. */
#include "base/alloc.h"
#include "optim/kinds.h"
#include "optim/parts.h"

enum { RHO, ADAPTIVE };

static const tw_option options[] = {
  {"rho", TW_OPTION_NUMBER, .05, 0, 1e300, NULL, "radius of the neighbourhood"},
  {"adaptive", TW_OPTION_FLAG, 0, 0, 1, NULL, "measure the neighbourhood relative to each parameter"},
  {0},
};

static bool ascends(const tw_optim *o) {
  for (; o; o = o->inner) {
    if (o->n_options > o->n_own && o->hyper[0][o->n_own + TW_MAXIMIZE][0] != 0) return true;
  }
  return false;
}

static tw_tensor *weighted(tw_compose *k, bool adaptive, tw_tensor *p, tw_tensor *g) {
  return adaptive ? tw_do2(k, &tw_op_mul, NULL, tw_do1(k, &tw_op_abs, NULL, p), g) : tw_do1(k, &tw_op_alias, NULL, g);
}

/* Moves every parameter by e. number: two rows of lanes. */
static tw_status climb(tw_ctx *ctx, tw_optim *o, tw_tensor **g, double *norm, double *factor) {
  bool up = !ascends(o);
  tw_status s = TW_OK;
  for (int i = 0; i < o->n && s == TW_OK; i++) { /* g becomes |p| g */
    tw_compose k = {.ctx = ctx};
    tw_tensor *w = NULL;
    s = tw_compose_end(&k, weighted(&k, o->hyper[o->leaf[i].group][ADAPTIVE][0] != 0, o->leaf[i].p, g[i]), &w);
    if (s != TW_OK) return s;
    tw_tensor_release(ctx, g[i]);
    g[i] = w;
  }
  s = tw_optim_norm_of(ctx, o, g, norm);
  for (int i = 0; i < o->n && s == TW_OK; i++) {
    tw_leaf *l = &o->leaf[i];
    if (l->frozen) continue;
    for (int r = 0; r < o->lanes; r++) factor[r] = (up ? 1 : -1) * o->hyper[l->group][RHO][r] / (norm[r] + 1e-12);
    tw_compose k = {.ctx = ctx};
    tw_tensor *there = NULL, *w = weighted(&k, o->hyper[l->group][ADAPTIVE][0] != 0, l->p, g[i]);
    tw_tensor *e = tw_do2(&k, &tw_op_mul, NULL, tw_do_scalar(&k, o, factor, l->p), w);
    s = tw_compose_end(&k, tw_do2(&k, &tw_op_add, NULL, l->p, e), &there);
    if (s == TW_OK) s = tw_optim_assign(ctx, l->p, there);
    tw_tensor_release(ctx, there);
  }
  return s;
}

static tw_status restore(tw_ctx *ctx, tw_optim *o) {
  tw_status s = TW_OK;
  for (int i = 0; i < o->n; i++) {
    tw_status one = o->leaf[i].frozen ? TW_OK : tw_optim_assign(ctx, o->leaf[i].p, o->leaf[i].before);
    if (s == TW_OK) s = one;
  }
  return s;
}

static tw_status solve(tw_ctx *ctx, tw_optim *o) {
  size_t n = (size_t)o->n;
  tw_tensor **g = tw_calloc(2 * n, sizeof *g), **there = g + n;
  double *numbers = tw_alloc(2 * (size_t)o->lanes * sizeof *numbers);
  tw_status s = g && numbers ? TW_OK : tw_fail(&ctx->error, TW_ENOMEM, "sam: out of memory");
  if (s == TW_OK) s = o->objective->gradient(o->objective, ctx, o->loss, g);
  o->has_loss = s == TW_OK;
  if (s == TW_OK) {
    s = climb(ctx, o, g, numbers, numbers + o->lanes);
    if (s == TW_OK) s = o->objective->gradient(o->objective, ctx, numbers, there);
    tw_status back = restore(ctx, o);
    if (s == TW_OK) s = back;
  }
  bool moved;
  if (s == TW_OK) s = tw_optim_inner(ctx, o, there, &moved);
  for (size_t i = 0; g && i < 2 * n; i++) tw_tensor_release(ctx, g[i]);
  tw_free(g);
  tw_free(numbers);
  return s;
}

const tw_optim_kind tw_optim_sam = {.name = "sam", .about = "sharpness-aware minimisation around another optimizer, two gradients a step",
                                    .source = "Foret, Kleiner, Mobahi and Neyshabur 2021; Kwon et al. 2021", .options = options, .solve = solve, .wraps = true,
                                    .example = "local opt = tw.optim.sam(p, { base = tw.optim.sgd{ lr = 0.1 } })\n"
                                               "local loss = opt:step(function(p) return p:dot(p) end)"};
