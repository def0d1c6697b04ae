/* Muon: momentum, orthogonalised. For matrices; the rest is AdamW's.
 *
 *   b <- b + (1 - momentum) (g - b),   u = nesterov: g + momentum (b - g), else b
 *   X = u / max(|u|, eps), transposed if it has more rows than columns
 *   ns_steps times:  A = X X',  X <- ns_a X + (ns_b A + ns_c A A) X
 *   p <- p - lr s X        original:         s = sqrt(max(1, rows / cols))
 *                          transposed:       s = sqrt(max(1, cols / rows)), the same for weights stored [in out], as those of tw.nn are
 *                          match_rms_adamw:  s = 0.2 sqrt(max(rows, cols))
 *                          none:             s = 1
 *   AdamW:  m <- beta1 m + (1 - beta1) g,  v <- beta2 v + (1 - beta2) g^2,  p <- p - lr (m / bc1) / (sqrt(v / bc2) + adam_eps)
 *
 * The average m of a matrix is b. Parameters of fewer than two axes take AdamW's step with the same lr and weight_decay, so that a whole model may be given;
 * a group can have rates of its own, and method = "adamw" for matrices that are no hidden layer (embeddings, the output). More than two axes: the first
 * against the others. Jordan et al. 2024, options and defaults of PyTorch (beta1, beta2, adam_eps: of its AdamW). PyTorch iterates in bfloat16, which
 * machines differ in; here it is the parameter's own dtype. */
#include <math.h>

#include "base/alloc.h"
#include "optim/kinds.h"
#include "optim/rule.h"

enum { LR, WEIGHT_DECAY, DECAY, MOMENTUM, NESTEROV, NS_A, NS_B, NS_C, EPS, NS_STEPS, ADJUST, METHOD, BETA1, BETA2, ADAM_EPS };
enum { ORIGINAL, TRANSPOSED, MATCH_RMS, NO_FACTOR };
enum { AUTO, MUON, ADAMW };
enum { M, V2 };
enum { H_BETA1, H_TAKE1, H_BETA2, H_TAKE2, H_LR, H_ROOT, H_EPS, N_SCALARS };

static const tw_option options[] = {
  TW_OPTION_LR(1e-3),
  TW_OPTION_DECAY(.1, TW_DECAY_DECOUPLED),
  {"momentum", TW_OPTION_NUMBER, .95, 0, 1, NULL, "decay of the average of gradients"},
  {"nesterov", TW_OPTION_FLAG, 1, 0, 1, NULL, "look ahead along the new average"},
  {"ns_a", TW_OPTION_NUMBER, 3.4445, -1e300, 1e300, NULL, "coefficient of X in the iteration"},
  {"ns_b", TW_OPTION_NUMBER, -4.7750, -1e300, 1e300, NULL, "coefficient of X X' X"},
  {"ns_c", TW_OPTION_NUMBER, 2.0315, -1e300, 1e300, NULL, "coefficient of X X' X X' X"},
  {"eps", TW_OPTION_NUMBER, 1e-7, 0, 1e300, NULL, "smallest norm to divide by"},
  {"ns_steps", TW_OPTION_SHAPE, 5, 0, 99, NULL, "iterations; the same in all lanes"},
  {"adjust_lr", TW_OPTION_CHOICE, ORIGINAL, 0, 3, "original transposed match_rms_adamw none", "factor of the learning rate, by the shape"},
  {"method", TW_OPTION_CHOICE, AUTO, 0, 2, "auto muon adamw", "auto: muon for two axes or more, AdamW below"},
  TW_OPTION_BETA1(.9),
  TW_OPTION_BETA2(.999),
  {"adam_eps", TW_OPTION_NUMBER, 1e-8, 0, 1e300, NULL, "AdamW: added to the denominator"},
  {0},
};

TW_RULE(muon, 0, 1, 1, { p = p - h[0] * g; })
TW_RULE(muon_adamw, 2, N_SCALARS, 1, {
  x[M] = h[H_BETA1] * x[M] + h[H_TAKE1] * g;
  x[V2] = h[H_BETA2] * x[V2] + h[H_TAKE2] * (g * g);
  p = p - h[H_LR] * (x[M] / (vsqrt(x[V2] * h[H_ROOT]) + h[H_EPS]));
})

static void scalars(const tw_hypers *o, double *const *s) {
  TW_LANES(o, r) {
    double b1 = o->v[BETA1][r], b2 = o->v[BETA2][r];
    s[H_BETA1][r] = b1;
    s[H_TAKE1][r] = 1 - b1;
    s[H_BETA2][r] = b2;
    s[H_TAKE2][r] = 1 - b2;
    s[H_LR][r] = o->v[LR][r] / (1 - tw_power(b1, (double)o->t[r]));
    s[H_ROOT][r] = 1 / (1 - tw_power(b2, (double)o->t[r]));
    s[H_EPS][r] = o->v[ADAM_EPS][r];
  }
}

static const tw_rule move = {.op = &muon_op, .n_scalars = 1};
static const tw_rule adamw = {.op = &muon_adamw_op, .n_scalars = N_SCALARS, .scalars = scalars};

/* The new average into its slot, u into out. row: space for a number per lane. */
static tw_status momentum(tw_ctx *ctx, tw_optim *o, int i, double *row, tw_tensor **out) {
  const double *mu = o->hyper[o->leaf[i].group][MOMENTUM];
  tw_tensor *b, *next = NULL, *g = o->grad[i];
  tw_status s = tw_optim_slot(ctx, o, i, M, &b);
  if (s != TW_OK) return s;
  for (int r = 0; r < o->lanes; r++) row[r] = 1 - mu[r];
  s = tw_optim_blend(ctx, o, b, row, g, &next);
  if (s == TW_OK) s = tw_optim_put(ctx, o, i, M, next);
  if (s == TW_OK && o->hyper[o->leaf[i].group][NESTEROV][0] != 0) s = tw_optim_blend(ctx, o, g, mu, next, out);
  else if (s == TW_OK) *out = tw_tensor_retain(next);
  tw_tensor_release(ctx, next);
  return s;
}

static tw_status iterate(tw_ctx *ctx, tw_optim *o, double *const *v, tw_tensor **x) {
  tw_compose k = {.ctx = ctx};
  tw_permute_attrs swap = {.n = 2, .axis = {1, 0}};
  tw_tensor *now = *x, *a = tw_do2(&k, &tw_op_matmul, NULL, now, tw_do1(&k, &tw_op_permute, &swap, now));
  tw_tensor *linear = tw_do2(&k, &tw_op_mul, NULL, tw_do_scalar(&k, o, v[NS_B], *x), a);
  tw_tensor *square = tw_do2(&k, &tw_op_mul, NULL, tw_do_scalar(&k, o, v[NS_C], *x), tw_do2(&k, &tw_op_matmul, NULL, a, a));
  tw_tensor *change = tw_do2(&k, &tw_op_matmul, NULL, tw_do2(&k, &tw_op_add, NULL, linear, square), now);
  tw_tensor *next = NULL;
  tw_status s = tw_compose_end(&k, tw_do2(&k, &tw_op_add, NULL, tw_do2(&k, &tw_op_mul, NULL, tw_do_scalar(&k, o, v[NS_A], *x), now), change), &next);
  if (s != TW_OK) return s;
  tw_tensor_release(ctx, *x);
  *x = next;
  return TW_OK;
}

/* u [rows ...] -> the same shape, nearly orthogonal. */
static tw_status orthogonalise(tw_ctx *ctx, tw_optim *o, double *const *v, tw_tensor *u, int64_t rows, int64_t cols, tw_tensor **out) {
  tw_shape_attrs flat = {.shape = {.n = 2, .d = {rows, cols}}}, back = {.shape = tw_tensor_shape(u)};
  tw_permute_attrs swap = {.n = 2, .axis = {1, 0}};
  tw_reduce_attrs all = {.axes = 3};
  tw_compose k = {.ctx = ctx}, q = {.ctx = ctx};
  tw_tensor *x = NULL, *matrix = tw_do1(&k, &tw_op_reshape, &flat, u);
  if (rows > cols) matrix = tw_do1(&k, &tw_op_permute, &swap, matrix);
  tw_tensor *norm = tw_do1(&k, &tw_op_sqrt, NULL, tw_do1(&k, &tw_op_sum, &all, tw_do1(&k, &tw_op_square, NULL, matrix)));
  tw_tensor *held = tw_do2(&k, &tw_op_clamp_min, NULL, norm, tw_do_scalar(&k, o, v[EPS], u));
  tw_status s = tw_compose_end(&k, tw_do2(&k, &tw_op_div, NULL, matrix, held), &x);
  for (int i = 0; i < (int)v[NS_STEPS][0] && s == TW_OK; i++) s = iterate(ctx, o, v, &x);
  if (s == TW_OK) {
    tw_tensor *whole = rows > cols ? tw_do1(&q, &tw_op_permute, &swap, x) : x;
    s = tw_compose_end(&q, tw_do1(&q, &tw_op_reshape, &back, whole), out);
  }
  tw_tensor_release(ctx, x);
  return s;
}

static double factor(int adjust, double rows, double cols) {
  if (adjust == MATCH_RMS) return .2 * sqrt(rows > cols ? rows : cols);
  double ratio = adjust == ORIGINAL ? rows / cols : adjust == TRANSPOSED ? cols / rows : 1;
  return ratio > 1 ? sqrt(ratio) : 1;
}

static tw_status update_leaf(tw_ctx *ctx, tw_optim *o, int i, double *row) {
  tw_leaf *l = &o->leaf[i];
  double *const *v = o->hyper[l->group];
  bool matrix = l->p->ndim > 1;
  if (v[METHOD][0] == ADAMW || (v[METHOD][0] == AUTO && !matrix)) return tw_optim_apply_rule(ctx, o, i, &adamw, o->grad[i], NULL);
  if (!matrix) {
    char shape[128];
    return tw_fail(&ctx->error, TW_EINVAL,
                   "muon: a matrix is needed: parameter %d is %s; give it method = \"adamw\" in a group, or leave method at \"auto\"", i + 1,
                   tw_tensor_describe(l->p, shape, sizeof shape));
  }
  if (l->p->size == 0) return TW_OK;
  int64_t rows = l->p->shape[0], cols = l->p->size / rows;
  tw_tensor *u = NULL, *x = NULL;
  tw_status s = momentum(ctx, o, i, row, &u);
  if (s == TW_OK) s = orthogonalise(ctx, o, v, u, rows, cols, &x);
  for (int r = 0; r < o->lanes; r++) row[r] = v[LR][r] * factor((int)v[ADJUST][0], (double)rows, (double)cols);
  if (s == TW_OK) s = tw_optim_apply_rule(ctx, o, i, &move, x, &row);
  tw_tensor_release(ctx, u);
  tw_tensor_release(ctx, x);
  return s;
}

static tw_status update(tw_ctx *ctx, tw_optim *o) {
  double *row = tw_alloc((size_t)o->lanes * sizeof *row);
  if (!row) return tw_fail(&ctx->error, TW_ENOMEM, "muon: out of memory");
  tw_status s = TW_OK;
  for (int i = 0; i < o->n && s == TW_OK; i++) {
    if (!o->leaf[i].frozen) s = update_leaf(ctx, o, i, row);
  }
  tw_free(row);
  return s;
}

const tw_optim_kind tw_optim_muon = {.name = "muon", .about = "orthogonalised momentum for matrices, AdamW for the rest", .source = "Jordan et al. 2024",
                                     .options = options, .slots = {"m", "v"}, .update = update,
                                     .example = "p = p:reshape(1, 2):clone()\nlocal opt = tw.optim.muon(p, { lr = 0.1 })\n"
                                                "local loss = opt:step(function(p) return (p * p):sum() end)"};
