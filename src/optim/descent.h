/* What methods that go along one direction per step share: the first evaluation, the tests of convergence, the line search, the move. A kind writes
 * begin - direction - search - state - end:
 *
 *   tw_descent q;
 *   s = tw_descent_begin(ctx, o, &q);                q.x, q.g, q.f; o->go says which lanes go on
 *   ... q.d = the direction; q.trial[r] is lr, may be changed
 *   s = tw_descent_search(ctx, o, &q);               moves the parameters by q.step[r] q.d
 *   tw_descent_end(ctx, &q);
 */
#ifndef TW_OPTIM_DESCENT_H
#define TW_OPTIM_DESCENT_H

#include "optim/parts.h"
#include "optim/search.h"

/* Spec rows of every kind with a line search; read by name. The words of line_search are those of tw_search_kind. */
#define TW_OPTION_SEARCH(how, curvature)                                                                                                      \
  {"line_search", TW_OPTION_CHOICE, how, 0, 5, "none exact backtracking golden strong_wolfe hager_zhang",                                     \
   "none: the step is lr; exact: lr times the minimum along the direction of the quadratic model (one Hessian-vector product); backtracking: lr shrunk until " \
   "f decreases enough (Armijo); golden: bracketing from lr and golden section; strong_wolfe: decrease and curvature (More and Thuente 1994); hager_zhang: "   \
   "Wolfe or approximate Wolfe (Hager and Zhang 2005)"},                                                                                      \
    {"c1", TW_OPTION_NUMBER, 1e-4, 0, 0.5, NULL, "line search: f must fall by c1 times what the slope promises"},                            \
    {"c2", TW_OPTION_NUMBER, curvature, 0, 1, NULL, "line search: the slope must flatten to c2 of the first; strong_wolfe, hager_zhang"},     \
    {"shrink", TW_OPTION_NUMBER, 0.5, 1e-6, 0.999, NULL, "line search: factor of the next trial; backtracking"},                              \
    {"search_tol", TW_OPTION_NUMBER, 1e-6, 0, 1, NULL, "line search: relative width at which golden stops; relative error of f that hager_zhang allows"}, \
  TW_OPTION_EVALUATIONS(50)
#define TW_OPTION_EVALUATIONS(value) {"max_evaluations", TW_OPTION_NUMBER, value, 1, 1e9, NULL, "trial points in one step at most"}

/* Spec rows of every kind that says why it stopped. */
#define TW_OPTION_STOP(gradient, change)                                                                                                               \
  {"tol_grad", TW_OPTION_NUMBER, gradient, 0, 1e300, NULL, "reason \"gradient\": no gradient element is larger, the parameters stay"},                 \
    {"tol_step", TW_OPTION_NUMBER, change, 0, 1e300, NULL, "reason \"step\": the step has moved no parameter by more"}, {                              \
    "tol_function", TW_OPTION_NUMBER, change, 0, 1e300, NULL, "reason \"function\": the step has changed the loss by no more, where a search knows it" \
  }

/* Evaluates f at the parameters' present values: f[lane] and, unless out is NULL, the gradient as one vector. */
typedef tw_status (*tw_probe)(tw_ctx *, tw_optim *, double *f, tw_tensor **out);

typedef struct {
  tw_tensor *x, *g, *d;   /* [n] parameters and gradient when the step began, direction */
  tw_probe probe;         /* tw_probe_loss unless the kind sets another before the search */
  double *f, *slope;      /* [lane] at the start */
  double *trial;          /* [lane] first trial step; lr at first */
  double *step, *after;   /* [lane] the step taken, 0: none; f there, NaN: not known */
  double *work[3];        /* [lane] scratch for the kind */
  tw_search *search;      /* [lane] */
  void *block;
} tw_descent;

enum {
  TW_REASON_GRADIENT, TW_REASON_STEP, TW_REASON_FUNCTION, TW_REASON_SEARCH, TW_REASON_CURVATURE, TW_REASON_NOT_FINITE, TW_REASON_NONE_ACCEPTED,
  TW_REASON_SINGULAR, TW_REASON_HESSIAN
};
void tw_optim_stop(tw_optim *, int lane, int reason); /* this lane goes no further in this step */
bool tw_optim_stopped(const tw_optim *, int lane, int reason);

TW_CHECKED tw_status tw_probe_loss(tw_ctx *, tw_optim *, double *f, tw_tensor **out);
TW_CHECKED tw_status tw_descent_begin(tw_ctx *, tw_optim *, tw_descent *);
/* The same with x, g and f found by the kind: allocates, tests convergence. */
TW_CHECKED tw_status tw_descent_open(tw_ctx *, tw_optim *, tw_descent *);
TW_CHECKED tw_status tw_descent_check(tw_ctx *, tw_optim *, tw_descent *);
TW_CHECKED tw_status tw_descent_search(tw_ctx *, tw_optim *, tw_descent *);
/* The Hessian at the parameters. Lanes where it is not finite stop; they and those that have stopped before have the identity in its place. */
TW_CHECKED tw_status tw_descent_hessian(tw_ctx *, tw_optim *, tw_descent *, tw_tensor **out);
bool tw_optim_going(const tw_optim *); /* does any lane go on? */
void tw_descent_end(tw_ctx *, tw_descent *);

/* In lanes that do not go on, and where the slope g'd is not negative although a search needs it to be, d is replaced: by 0, by -g. */
TW_CHECKED tw_status tw_descent_slope(tw_ctx *, tw_optim *, tw_descent *);

/* First trials for directions without a natural length: twice the step before (Hager and Zhang 2005), in the first step lr min(1, 1 / |g|_1). last[lane] is
 * the step before, 0 when there was none. */
TW_CHECKED tw_status tw_descent_trial(tw_ctx *, tw_optim *, tw_descent *, const double *last);
#define TW_OPTION_TRIAL(how)                                                                                                         \
  {"trial", TW_OPTION_CHOICE, how, 0, 1, "lr last", "first trial of a line search: lr; or twice the step before, lr min(1, 1/|g|_1) at first"}

#endif
