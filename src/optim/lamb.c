/* LAMB: Adam with a rate for each layer. Each parameter tensor is a layer.
 *
 *   m <- beta1 m + (1 - beta1) g,   v <- beta2 v + (1 - beta2) g^2
 *   u = (m / bc1) / (sqrt(v / bc2) + eps) + weight_decay p          bc_i = 1 - beta_i^t, or 1 without bias_correction
 *   trust = min(max(|p|, norm_min), norm_max) / |u|, at most trust_max;   1 where |p| (held) or |u| is 0
 *   p <- p - lr trust u
 *
 * You, Li, Reddi, Hseu, Kumar, Bhojanapalli, Song, Demmel, Keutzer and Hsieh 2020, algorithm 2; the identity in the place of its phi unless norm_min and
 * norm_max are given. trust_max = 1 is the clipping of common implementations. */
#include <math.h>

#include "base/alloc.h"
#include "optim/kinds.h"
#include "optim/rule.h"

enum { LR, BETA1, BETA2, EPS, WEIGHT_DECAY, BIAS_CORRECTION, NORM_MIN, NORM_MAX, TRUST_MAX };
enum { M, V2 };
enum { H_BETA1, H_TAKE1, H_BETA2, H_TAKE2, N_MOMENTS };

static const tw_option options[] = {
  TW_OPTION_LR(1e-3),
  TW_OPTION_BETA1(.9),
  TW_OPTION_BETA2(.999),
  TW_OPTION_EPS(1e-6),
  {"weight_decay", TW_OPTION_NUMBER, 0, 0, 1e300, NULL, "how strongly parameters are drawn to 0, inside the layer's rate"},
  {"bias_correction", TW_OPTION_FLAG, 1, 0, 1, NULL, "divide the averages by 1 - beta^t"},
  {"norm_min", TW_OPTION_NUMBER, 0, 0, 1e300, NULL, "a layer counts as at least this large"},
  {"norm_max", TW_OPTION_NUMBER, INFINITY, 0, INFINITY, NULL, "a layer counts as at most this large"},
  {"trust_max", TW_OPTION_NUMBER, INFINITY, 0, INFINITY, NULL, "largest ratio of a layer's size to its update's"},
  {0},
};

TW_RULE(lamb_moments, 2, N_MOMENTS, 1, {
  x[M] = h[H_BETA1] * x[M] + h[H_TAKE1] * g;
  x[V2] = h[H_BETA2] * x[V2] + h[H_TAKE2] * (g * g);
})
TW_RULE(lamb, 0, 1, 1, { p = p - h[0] * g; })

static void scalars(const tw_hypers *o, double *const *s) {
  TW_LANES(o, r) {
    s[H_BETA1][r] = o->v[BETA1][r];
    s[H_TAKE1][r] = 1 - o->v[BETA1][r];
    s[H_BETA2][r] = o->v[BETA2][r];
    s[H_TAKE2][r] = 1 - o->v[BETA2][r];
  }
}

static const tw_rule moments = {.op = &lamb_moments_op, .n_scalars = N_MOMENTS, .scalars = scalars};
static const tw_rule move = {.op = &lamb_op, .n_scalars = 1};

/* u; row: space for a number per lane. */
static tw_status direction(tw_ctx *ctx, tw_optim *o, int i, double *row, tw_tensor **out) {
  tw_leaf *l = &o->leaf[i];
  double *const *v = o->hyper[l->group];
  bool corrected = v[BIAS_CORRECTION][0] != 0;
  tw_compose k = {.ctx = ctx};
  for (int r = 0; r < o->lanes; r++) row[r] = corrected ? 1 - tw_power(v[BETA1][r], (double)o->t[r]) : 1;
  tw_tensor *m = tw_do2(&k, &tw_op_div, NULL, l->slot[M], tw_do_scalar(&k, o, row, l->p));
  for (int r = 0; r < o->lanes; r++) row[r] = corrected ? 1 - tw_power(v[BETA2][r], (double)o->t[r]) : 1;
  tw_tensor *root = tw_do1(&k, &tw_op_sqrt, NULL, tw_do2(&k, &tw_op_div, NULL, l->slot[V2], tw_do_scalar(&k, o, row, l->p)));
  tw_tensor *u = tw_do2(&k, &tw_op_div, NULL, m, tw_do2(&k, &tw_op_add, NULL, root, tw_do_scalar(&k, o, v[EPS], l->p)));
  tw_tensor *decay = tw_do2(&k, &tw_op_mul, NULL, tw_do_scalar(&k, o, v[WEIGHT_DECAY], l->p), l->p);
  return tw_compose_end(&k, tw_do2(&k, &tw_op_add, NULL, u, decay), out);
}

static tw_status update_leaf(tw_ctx *ctx, tw_optim *o, int i, double *size, double *length) {
  tw_leaf *l = &o->leaf[i];
  double *const *v = o->hyper[l->group];
  tw_tensor *u = NULL;
  tw_status s = tw_optim_apply_rule(ctx, o, i, &moments, o->grad[i], NULL);
  if (s == TW_OK) s = direction(ctx, o, i, size, &u);
  if (s == TW_OK) s = tw_optim_global_norm(ctx, 1, &l->p, o->lanes, size);
  if (s == TW_OK) s = tw_optim_global_norm(ctx, 1, &u, o->lanes, length);
  for (int r = 0; r < o->lanes && s == TW_OK; r++) {
    double held = size[r] < v[NORM_MIN][r] ? v[NORM_MIN][r] : size[r] > v[NORM_MAX][r] ? v[NORM_MAX][r] : size[r];
    double trust = held > 0 && length[r] > 0 ? held / length[r] : 1;
    size[r] = v[LR][r] * (trust > v[TRUST_MAX][r] ? v[TRUST_MAX][r] : trust);
  }
  if (s == TW_OK) s = tw_optim_apply_rule(ctx, o, i, &move, u, &size);
  tw_tensor_release(ctx, u);
  return s;
}

static tw_status update(tw_ctx *ctx, tw_optim *o) {
  double *rows = tw_alloc(2 * (size_t)o->lanes * sizeof *rows);
  if (!rows) return tw_fail(&ctx->error, TW_ENOMEM, "lamb: out of memory");
  tw_status s = TW_OK;
  for (int i = 0; i < o->n && s == TW_OK; i++) {
    if (!o->leaf[i].frozen) s = update_leaf(ctx, o, i, rows, rows + o->lanes);
  }
  tw_free(rows);
  return s;
}

const tw_optim_kind tw_optim_lamb = {.name = "lamb", .about = "Adam with a rate for each layer, by the ratio of its size to its update's",
                                     .source = "You et al. 2020", .options = options, .slots = {"m", "v"}, .update = update};
