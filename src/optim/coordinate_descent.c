/* Coordinate descent: one coordinate i per step.
 *
 *   d = -g_i e_i,   p <- p + t d     t by line_search; exact: the minimiser along the coordinate of a quadratic, p_i <- p_i - lr g_i / H_ii
 *   cyclic: i = 1, ..., n, 1, ...    on a quadratic n exact steps are one Gauss-Seidel sweep (lr != 1: successive over-relaxation)
 *   random: i uniform, by its own seed: a function of (seed, step)
 *   greedy: the i with the largest |g_i|, the first of them (Gauss-Southwell)
 *
 * Wright, Coordinate descent algorithms, 2015. */
#include "base/rng.h"
#include "optim/descent.h"
#include "optim/kinds.h"

enum { LR, ORDER, SEED };
enum { CYCLIC, RANDOM, GREEDY };

static const tw_option options[] = {
  {"lr", TW_OPTION_NUMBER, 1, 0, 1e300, NULL, "factor of the exact step (relaxation), the step (line_search none), or a search's first trial"},
  {"order", TW_OPTION_CHOICE, CYCLIC, 0, 2, "cyclic random greedy", "one after the other, drawn uniformly, or the one with the largest gradient element"},
  {"seed", TW_OPTION_NUMBER, 0, -9e15, 9e15, NULL, "of the random order"},
  TW_OPTION_SEARCH(TW_SEARCH_EXACT, 0.9),
  TW_OPTION_STOP(0, 0),
  {0},
};

/* [n] of 1, ..., n */
static tw_status places(tw_ctx *ctx, const tw_tensor *like, tw_tensor **out) {
  tw_shape shape = {.n = 1, .d = {like->size}};
  tw_status s = tw_tensor_new(ctx, TW_F64, &shape, out);
  for (int64_t i = 0; s == TW_OK && i < like->size; i++) tw_tensor_set(*out, i, (double)(i + 1));
  return s;
}

static tw_status direction(tw_ctx *ctx, tw_optim *o, tw_descent *q) {
  int order = (int)o->hyper[0][ORDER][0];
  int64_t n = q->g->size;
  for (int r = 0; r < o->lanes; r++) {
    int64_t t = o->t[r] - 1;
    uint64_t key = tw_rng_key((int64_t)o->hyper[0][SEED][r], "coordinate", 10);
    q->work[0][r] = 1 + (order == RANDOM ? (double)tw_rng_below(key, (uint64_t)t, (uint64_t)n) : (double)(t % n));
  }
  tw_tensor *all = NULL;
  tw_status s = places(ctx, q->g, &all);
  if (s != TW_OK) return s;
  tw_compose k = {.ctx = ctx};
  tw_cast_attrs real = {.dtype = TW_F64};
  tw_axis_attrs along = {0};
  tw_tensor *here = order == GREEDY ? tw_do1(&k, &tw_op_cast, &real, tw_do1(&k, &tw_op_argmax, &along, tw_do1(&k, &tw_op_abs, NULL, q->g)))
                                    : tw_do_scalar(&k, o, q->work[0], all);
  tw_tensor *down = tw_do1(&k, &tw_op_neg, NULL, q->g), *zero = tw_do_constant(&k, 0, q->g);
  s = tw_compose_end(&k, tw_do3(&k, &tw_op_where, NULL, tw_do2(&k, &tw_op_eq, NULL, all, here), down, zero), &q->d);
  tw_tensor_release(ctx, all);
  return s;
}

static tw_status solve(tw_ctx *ctx, tw_optim *o) {
  tw_descent q;
  tw_status s = tw_descent_begin(ctx, o, &q);
  if (s == TW_OK) s = direction(ctx, o, &q);
  if (s == TW_OK) s = tw_descent_search(ctx, o, &q);
  tw_descent_end(ctx, &q);
  return s;
}

const tw_optim_kind tw_optim_coordinate_descent = {.name = "coordinate_descent", .about = "one coordinate per step: cyclic, random or greedy",
                                                   .source = "Wright 2015", .options = options, .solve = solve};
