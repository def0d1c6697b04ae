/* Newton's method.
 *
 *   solve (H + damping I) d = -g,  p <- p + t d,    H and g the Hessian and gradient at p;  t = lr, or by line_search
 *   absolute:  H = V diag(w) V',   d = -V diag(1 / max(|w| + damping, floor max|w|)) V' g:   goes down from saddles and maxima too
 *
 * Where the matrix is singular or not finite the parameters stay, reason "singular", "Hessian not finite".
 * Nocedal and Wright, Numerical Optimization, 2006, chapter 3; the absolute values: Gill, Murray and Wright, Practical Optimization, 1981, 4.4.2. */
#include <string.h>

#include "optim/descent.h"
#include "optim/kinds.h"
#include "op/linalg.h"
#include "op/matrix.h"

enum { LR, DAMPING, ABSOLUTE, FLOOR };

static const tw_option options[] = {
  {"lr", TW_OPTION_NUMBER, 1, 0, 1e300, NULL, "factor of the Newton step; below 1: damped Newton. With a line search its first trial"},
  {"damping", TW_OPTION_NUMBER, 0, 0, 1e300, NULL, "added to the diagonal of the Hessian"},
  {"absolute", TW_OPTION_FLAG, 0, 0, 1, NULL, "eigenvalues of the Hessian are replaced by their absolute values"},
  {"floor", TW_OPTION_NUMBER, 1e-8, 0, 1, NULL, "absolute: the smallest eigenvalue that counts, relative to the largest"},
  TW_OPTION_SEARCH(TW_SEARCH_NONE, 0.9),
  TW_OPTION_STOP(0, 0),
  {0},
};

static tw_status plain(tw_ctx *ctx, tw_optim *o, tw_descent *q, tw_tensor *h) {
  tw_compose k = {.ctx = ctx};
  tw_tensor *damping = tw_do2(&k, &tw_op_mul, NULL, tw_do_scalar(&k, o, o->hyper[0][DAMPING], h), tw__identity(&k, q->g->size, h)), *x = NULL;
  tw_tensor *shifted = tw_do2(&k, &tw_op_add, NULL, h, damping), *down = tw_do1(&k, &tw_op_neg, NULL, q->g);
  memcpy(q->work[0], o->go, (size_t)o->lanes * sizeof(double));
  if (k.status == TW_OK) k.status = tw_flat_solve(ctx, o, q->work[0], shifted, down, &x);
  for (int r = 0; r < o->lanes && k.status == TW_OK; r++) {
    if (o->go[r] != 0 && q->work[0][r] == 0) tw_optim_stop(o, r, TW_REASON_SINGULAR);
  }
  return tw_compose_end(&k, tw__keep(&k, k.status, x), &q->d);
}

static tw_status absolute(tw_ctx *ctx, tw_optim *o, tw_descent *q, tw_tensor *h) {
  tw_tensor *wv[2] = {NULL, NULL};
  tw_status s = tw_eigh(ctx, h, wv);
  if (s != TW_OK) return s;
  tw_compose k = {.ctx = ctx};
  tw_reduce_attrs all = {.axes = 1};
  tw_tensor *size = tw_do1(&k, &tw_op_abs, NULL, wv[0]), *most = tw_do1(&k, &tw_op_max, &all, size);
  tw_tensor *least = tw_do2(&k, &tw_op_mul, NULL, tw_do_scalar(&k, o, o->hyper[0][FLOOR], h), most);
  tw_tensor *used = tw_do2(&k, &tw_op_maximum, NULL, tw_do2(&k, &tw_op_add, NULL, size, tw_do_scalar(&k, o, o->hyper[0][DAMPING], h)), least);
  tw_tensor *c = tw_do_matvec(&k, tw__transposed(&k, wv[1]), tw_do1(&k, &tw_op_neg, NULL, q->g));
  s = tw_compose_end(&k, tw_do_matvec(&k, wv[1], tw_do2(&k, &tw_op_div, NULL, c, used)), &q->d);
  tw_tensor_release(ctx, wv[0]);
  tw_tensor_release(ctx, wv[1]);
  return s;
}

static tw_status solve(tw_ctx *ctx, tw_optim *o) {
  tw_descent q;
  tw_tensor *h = NULL;
  tw_status s = tw_descent_begin(ctx, o, &q);
  bool going = s == TW_OK && tw_optim_going(o);
  if (going) s = tw_descent_hessian(ctx, o, &q, &h);
  if (going && s == TW_OK) s = o->hyper[0][ABSOLUTE][0] != 0 ? absolute(ctx, o, &q, h) : plain(ctx, o, &q, h);
  if (s == TW_OK) s = tw_descent_search(ctx, o, &q);
  tw_tensor_release(ctx, h);
  tw_descent_end(ctx, &q);
  return s;
}

const tw_optim_kind tw_optim_newton = {.name = "newton", .about = "Newton's method: damped, with a line search, or with the absolute values of the eigenvalues",
                                       .source = "Nocedal and Wright 2006, chapter 3; Gill, Murray and Wright 1981", .options = options, .solve = solve};
