/* Trust regions: the step is the (approximate) minimum of the quadratic model m(s) = f + g's + s'Hs / 2 within |s| <= radius.
 *
 *   dogleg:    along g to the model's minimum there, then towards the Newton step; H's eigenvalues by absolute value (not below floor max|w|) make the path
 *   steihaug:  conjugate gradients on H s = -g by Hessian-vector products, until the boundary, negative curvature or |residual| <= min(.5, sqrt|g|) |g|
 *   ratio = (f - f_new) / (m(0) - m(s)):  below 1/4 the radius becomes a quarter; above 3/4 at the boundary it doubles, to radius_max; accepted above eta
 *
 * Nocedal and Wright 2006, algorithm 4.1, section 4.1 and algorithm 7.2 (Steihaug 1983). A step that is not accepted is tried again with the smaller radius
 * in the same call. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "op/linalg.h"
#include "op/matrix.h"
#include "optim/kinds.h"
#include "optim/region.h"

enum { METHOD, RADIUS, RADIUS_MAX, ETA, FLOOR, INNER };
enum { STEIHAUG, DOGLEG };
enum { N_RADIUS };

static const tw_option options[] = {
  {"method", TW_OPTION_CHOICE, STEIHAUG, 0, 1, "steihaug dogleg",
   "conjugate gradients by Hessian-vector products, or a path in two pieces from the whole Hessian"},
  {"radius", TW_OPTION_NUMBER, 1, 1e-300, 1e300, NULL, "of the region in the first step"},
  {"radius_max", TW_OPTION_NUMBER, 1000, 1e-300, 1e300, NULL, "the largest radius"},
  {"eta", TW_OPTION_NUMBER, 0.15, 0, 0.25, NULL, "a step is accepted where the ratio of actual to promised decrease is larger"},
  {"floor", TW_OPTION_NUMBER, 1e-8, 0, 1, NULL, "dogleg: the smallest eigenvalue that counts, relative to the largest"},
  {"max_inner", TW_OPTION_NUMBER, 0, 0, 1e9, NULL, "steihaug: conjugate gradient iterations at most; 0: twice the number of parameters"},
  TW_OPTION_EVALUATIONS(50),
  TW_OPTION_STOP(0, 0),
  {0},
};

typedef struct {
  double *at_boundary;             /* [lane] the step proposed reaches it */
  tw_tensor *h, *cauchy, *newton;  /* dogleg */
  double *uu, *nn, *un;            /* [lane] products of cauchy and newton */
  double *rr, *curvature, *zz, *zd, *dd, *alpha, *beta, *open, *tol, *was; /* steihaug, [lane]; was: open when the iteration began */
} model;

enum { N_ROWS = 14 };

/* The t > 0 with |z + t d| = radius. */
static double to_boundary(double zz, double zd, double dd, double radius) {
  double c = zz - radius * radius, root = sqrt(fmax(0, zd * zd - dd * c));
  if (dd == 0) return 0;
  return zd > 0 ? -c / (zd + root) : (root - zd) / dd;
}

static tw_status dogleg_path(tw_ctx *ctx, tw_optim *o, tw_descent *q, model *y) {
  tw_tensor *wv[2] = {NULL, NULL};
  tw_status s = tw_descent_hessian(ctx, o, q, &y->h);
  if (s == TW_OK) s = tw_eigh(ctx, y->h, wv);
  if (s != TW_OK) return s;
  tw_compose k = {.ctx = ctx};
  tw_reduce_attrs all = {.axes = 1};
  tw_tensor *size = tw_do1(&k, &tw_op_abs, NULL, wv[0]), *most = tw_do1(&k, &tw_op_max, &all, size);
  tw_tensor *used = tw_do2(&k, &tw_op_maximum, NULL, size, tw_do2(&k, &tw_op_mul, NULL, tw_do_scalar(&k, o, o->hyper[0][FLOOR], size), most));
  tw_tensor *down = tw_do1(&k, &tw_op_neg, NULL, q->g), *c = tw_do_matvec(&k, tw__transposed(&k, wv[1]), down);
  tw_tensor *square = tw_do1(&k, &tw_op_square, NULL, c), *gg = tw_do1(&k, &tw_op_sum, &all, square);
  tw_tensor *gbg = tw_do1(&k, &tw_op_sum, &all, tw_do2(&k, &tw_op_mul, NULL, square, used));
  tw_tensor *newton = tw_do_matvec(&k, wv[1], tw_do2(&k, &tw_op_div, NULL, c, used));
  if (newton) y->newton = tw_tensor_retain(newton);
  s = tw_compose_end(&k, tw_do2(&k, &tw_op_mul, NULL, tw_do2(&k, &tw_op_div, NULL, gg, gbg), down), &y->cauchy);
  if (s == TW_OK) s = tw_flat_dot(ctx, o, y->cauchy, y->cauchy, y->uu);
  if (s == TW_OK) s = tw_flat_dot(ctx, o, y->newton, y->newton, y->nn);
  if (s == TW_OK) s = tw_flat_dot(ctx, o, y->cauchy, y->newton, y->un);
  tw_tensor_release(ctx, wv[0]);
  tw_tensor_release(ctx, wv[1]);
  return s;
}

static tw_status dogleg(tw_ctx *ctx, tw_optim *o, tw_descent *q, void *own, const double *open, tw_tensor **step, double *predicted) {
  model *y = own;
  (void)open;
  tw_status s = TW_OK;
  double *a = y->alpha, *b = y->beta; /* step = a cauchy + b newton */
  for (int r = 0; r < o->lanes && s == TW_OK; r++) {
    double radius = o->number[N_RADIUS][r], uu = y->uu[r], nn = y->nn[r], un = y->un[r];
    y->at_boundary[r] = sqrt(nn) > radius;
    a[r] = 0, b[r] = 1;
    if (y->at_boundary[r] == 0) continue;
    if (sqrt(uu) >= radius) a[r] = radius / sqrt(uu), b[r] = 0;
    else b[r] = to_boundary(uu, un - uu, nn - 2 * un + uu, radius), a[r] = 1 - b[r];
  }
  tw_tensor *hs = NULL;
  tw_compose k = {.ctx = ctx};
  if (s == TW_OK) {
    tw_tensor *first = tw_do2(&k, &tw_op_mul, NULL, tw_do_scalar(&k, o, a, q->g), y->cauchy);
    s = tw_compose_end(&k, tw_do2(&k, &tw_op_add, NULL, first, tw_do2(&k, &tw_op_mul, NULL, tw_do_scalar(&k, o, b, q->g), y->newton)), step);
  }
  tw_compose m = {.ctx = ctx};
  if (s == TW_OK) s = tw_compose_end(&m, tw_do_matvec(&m, y->h, *step), &hs);
  if (s == TW_OK) s = tw_flat_dot(ctx, o, *step, hs, y->curvature);
  if (s == TW_OK) s = tw_flat_dot(ctx, o, *step, q->g, y->zd);
  for (int r = 0; r < o->lanes && s == TW_OK; r++) predicted[r] = -(y->zd[r] + .5 * y->curvature[r]);
  tw_tensor_release(ctx, hs);
  return s;
}

/* x <- x + alpha y where take is not 0 */
static tw_status add_to(tw_ctx *ctx, tw_optim *o, const double *take, tw_tensor **x, const double *alpha, tw_tensor *y) {
  tw_tensor *sum = NULL, *next = NULL;
  tw_status s = tw_flat_add(ctx, o, *x, alpha, y, &sum);
  if (s == TW_OK) s = tw_flat_choose(ctx, o, take, sum, *x, &next);
  tw_tensor_release(ctx, sum);
  if (s != TW_OK) return s;
  tw_tensor_release(ctx, *x);
  *x = next;
  return TW_OK;
}

/* One iteration: z the step so far, r = g + H z, d the direction. z and r stay where a lane is done. */
static tw_status iterate(tw_ctx *ctx, tw_optim *o, model *y, tw_tensor **z, tw_tensor **r, tw_tensor **d) {
  tw_tensor *hd = NULL, *down = NULL, *next = NULL;
  memcpy(y->was, y->open, (size_t)o->lanes * sizeof *y->was);
  o->objective->asking = y->was;
  tw_status s = o->objective->hvp(o->objective, ctx, *d, &hd);
  o->objective->asking = NULL;
  if (s == TW_OK) s = tw_flat_dot(ctx, o, *d, hd, y->curvature);
  if (s == TW_OK) s = tw_flat_dot(ctx, o, *z, *z, y->zz);
  if (s == TW_OK) s = tw_flat_dot(ctx, o, *z, *d, y->zd);
  if (s == TW_OK) s = tw_flat_dot(ctx, o, *d, *d, y->dd);
  for (int i = 0; i < o->lanes && s == TW_OK; i++) {
    double radius = o->number[N_RADIUS][i], a = y->rr[i] / y->curvature[i];
    bool outside = !(y->curvature[i] > 0) || y->zz[i] + 2 * a * y->zd[i] + a * a * y->dd[i] >= radius * radius;
    y->alpha[i] = 0;
    if (y->open[i] == 0) continue;
    y->alpha[i] = outside ? to_boundary(y->zz[i], y->zd[i], y->dd[i], radius) : a;
    if (!outside) continue;
    y->at_boundary[i] = 1;
    y->open[i] = 0;
  }
  if (s == TW_OK) s = add_to(ctx, o, y->was, z, y->alpha, *d);
  if (s == TW_OK) s = add_to(ctx, o, y->was, r, y->alpha, hd);
  if (s == TW_OK) s = tw_flat_dot(ctx, o, *r, *r, y->zz);
  for (int i = 0; i < o->lanes && s == TW_OK; i++) {
    if (!(sqrt(y->zz[i]) > y->tol[i])) y->open[i] = 0;
    y->beta[i] = y->open[i] != 0 ? y->zz[i] / y->rr[i] : 0;
    y->rr[i] = y->zz[i];
  }
  tw_compose k = {.ctx = ctx};
  if (s == TW_OK) s = tw_compose_end(&k, tw_do1(&k, &tw_op_neg, NULL, *r), &down);
  if (s == TW_OK) s = tw_flat_add(ctx, o, down, y->beta, *d, &next);
  if (s == TW_OK) {
    tw_tensor_release(ctx, *d);
    *d = next;
  }
  tw_tensor_release(ctx, hd);
  tw_tensor_release(ctx, down);
  return s;
}

static tw_status steihaug(tw_ctx *ctx, tw_optim *o, tw_descent *q, void *own, const double *open, tw_tensor **step, double *predicted) {
  model *y = own;
  tw_tensor *z = NULL, *r = tw_tensor_retain(q->g), *d = NULL;
  const double *limit = o->hyper[0][INNER];
  tw_compose k = {.ctx = ctx};
  tw_status s = tw_compose_end(&k, tw_do1(&k, &tw_op_neg, NULL, q->g), &d);
  if (s == TW_OK) s = tw_optim_zeros(ctx, q->g, &z);
  if (s == TW_OK) s = tw_flat_dot(ctx, o, r, r, y->rr);
  for (int i = 0; i < o->lanes && s == TW_OK; i++) {
    double norm = sqrt(y->rr[i]);
    y->tol[i] = fmin(.5, sqrt(norm)) * norm;
    y->open[i] = open[i];
    y->at_boundary[i] = 0;
  }
  bool going = true;
  for (int64_t n = 1; going && s == TW_OK; n++) {
    s = iterate(ctx, o, y, &z, &r, &d);
    going = false;
    for (int i = 0; i < o->lanes; i++) {
      if ((double)n >= (limit[i] > 0 ? limit[i] : 2 * (double)q->g->size)) y->open[i] = 0;
      going = going || y->open[i] != 0;
    }
  }
  if (s == TW_OK) s = tw_flat_dot(ctx, o, q->g, z, y->zd);
  if (s == TW_OK) s = tw_flat_dot(ctx, o, r, z, y->zz);
  for (int i = 0; i < o->lanes && s == TW_OK; i++) predicted[i] = -.5 * (y->zd[i] + y->zz[i]); /* H z = r - g */
  tw_tensor_release(ctx, r);
  tw_tensor_release(ctx, d);
  *step = z;
  return s;
}

static bool judge(tw_optim *o, int r, double ratio, void *own) {
  const model *y = own;
  double *radius = &o->number[N_RADIUS][r];
  if (!(ratio >= .25)) *radius *= .25;
  else if (ratio > .75 && y->at_boundary[r] != 0) *radius = fmin(2 * *radius, o->hyper[0][RADIUS_MAX][r]);
  return ratio > o->hyper[0][ETA][r];
}

static tw_status solve(tw_ctx *ctx, tw_optim *o) {
  tw_descent q;
  size_t lanes = (size_t)o->lanes;
  double *w = tw_calloc(lanes, N_ROWS * sizeof *w);
  if (!w) return tw_fail(&ctx->error, TW_ENOMEM, "%s: out of memory", o->kind->name);
  model y = {.at_boundary = w, .uu = w + lanes, .nn = w + 2 * lanes, .un = w + 3 * lanes, .rr = w + 4 * lanes, .curvature = w + 5 * lanes, .zz = w + 6 * lanes,
             .zd = w + 7 * lanes, .dd = w + 8 * lanes, .alpha = w + 9 * lanes, .beta = w + 10 * lanes, .open = w + 11 * lanes, .tol = w + 12 * lanes,
             .was = w + 13 * lanes};
  for (int r = 0; r < o->lanes; r++) {
    if (o->number[N_RADIUS][r] == 0) o->number[N_RADIUS][r] = fmin(o->hyper[0][RADIUS][r], o->hyper[0][RADIUS_MAX][r]);
  }
  bool path = o->hyper[0][METHOD][0] == DOGLEG;
  tw_region region = {path ? dogleg : steihaug, judge, &y};
  tw_status s = tw_descent_begin(ctx, o, &q);
  if (s == TW_OK && path && tw_optim_going(o)) s = dogleg_path(ctx, o, &q, &y);
  if (s == TW_OK) s = tw_region_step(ctx, o, &q, &region);
  tw_tensor_release(ctx, y.h);
  tw_tensor_release(ctx, y.cauchy);
  tw_tensor_release(ctx, y.newton);
  tw_free(w);
  tw_descent_end(ctx, &q);
  return s;
}

const tw_optim_kind tw_optim_trust_region = {.name = "trust_region", .about = "Newton's method in a trust region: Steihaug's conjugate gradients, or a dogleg",
                                             .source = "Nocedal and Wright 2006, chapter 4; Steihaug 1983", .options = options, .numbers = {"radius"},
                                             .solve = solve};
