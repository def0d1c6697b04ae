/* Levenberg-Marquardt, for least squares f = r'r / 2 where the function returns the residuals r.
 *
 *   solve (J'J + lambda D) d = -J'r,  p <- p + d;    D = diag(J'J) (Marquardt) or max diag(J'J) I at the first point (Levenberg)
 *   ratio = (f - f_new) / (d'(lambda D d - J'r) / 2); the step is accepted where it is positive, else lambda grows and d is found again
 *   nielsen:    accepted: lambda <- lambda max(1/3, 1 - (2 ratio - 1)^3), nu <- 2;   not: lambda <- nu lambda, nu <- 2 nu
 *   marquardt:  accepted: lambda <- lambda / factor;   not: lambda <- factor lambda
 *
 * Where J'J + lambda D is singular lambda grows too. Marquardt 1963; Madsen, Nielsen and Tingleff, Methods for non-linear least squares problems, 2004. */
#include <math.h>
#include <string.h>

#include "op/linalg.h"
#include "op/matrix.h"
#include "optim/kinds.h"
#include "optim/region.h"

enum { LAMBDA, RULE, SCALING, FACTOR };
enum { NIELSEN, MARQUARDT };
enum { JACOBIAN, IDENTITY };
enum { N_LAMBDA, N_NU, N_SIZE };

static const tw_option options[] = {
  {"lambda", TW_OPTION_NUMBER, 1e-3, 0, 1e300, NULL, "damping in the first step, relative to the diagonal of J'J; then the rule's"},
  {"rule", TW_OPTION_CHOICE, NIELSEN, 0, 1, "nielsen marquardt", "how lambda follows the ratio of actual to promised decrease"},
  {"scaling", TW_OPTION_CHOICE, JACOBIAN, 0, 1, "jacobian identity", "lambda multiplies the diagonal of J'J, or the identity times its first largest element"},
  {"factor", TW_OPTION_NUMBER, 10, 1.000001, 1e300, NULL, "marquardt: by which lambda grows and shrinks"},
  TW_OPTION_EVALUATIONS(50),
  TW_OPTION_STOP(0, 0),
  {0},
};

typedef struct {
  tw_tensor *normal, *scale; /* J'J [n n], D [n] */
} system;

static tw_status propose(tw_ctx *ctx, tw_optim *o, tw_descent *q, void *own, const double *open, tw_tensor **step, double *predicted) {
  system *y = own;
  tw_compose k = {.ctx = ctx};
  tw_tensor *matrix = NULL, *down = NULL, *part = NULL;
  tw_tensor *damping = tw_do2(&k, &tw_op_mul, NULL, tw_do_scalar(&k, o, o->number[N_LAMBDA], q->g), y->scale);
  tw_status s = tw_compose_end(&k, tw_do2(&k, &tw_op_add, NULL, y->normal, tw__diagonal_matrix(&k, damping)), &matrix);
  double *regular = q->work[0];
  memcpy(regular, open, (size_t)o->lanes * sizeof *regular);
  tw_compose m = {.ctx = ctx};
  if (s == TW_OK) s = tw_compose_end(&m, tw_do1(&m, &tw_op_neg, NULL, q->g), &down);
  if (s == TW_OK) s = tw_flat_solve(ctx, o, regular, matrix, down, step);
  tw_compose p = {.ctx = ctx};
  if (s == TW_OK) {
    damping = tw_do2(&p, &tw_op_mul, NULL, tw_do_scalar(&p, o, o->number[N_LAMBDA], q->g), y->scale);
    s = tw_compose_end(&p, tw_do2(&p, &tw_op_sub, NULL, tw_do2(&p, &tw_op_mul, NULL, damping, *step), q->g), &part);
  }
  if (s == TW_OK) s = tw_flat_dot(ctx, o, *step, part, predicted);
  for (int r = 0; r < o->lanes && s == TW_OK; r++) { /* singular: no step gains that much, so lambda grows */
    predicted[r] = regular[r] != 0 ? .5 * predicted[r] : (double)INFINITY;
  }
  tw_tensor_release(ctx, matrix);
  tw_tensor_release(ctx, down);
  tw_tensor_release(ctx, part);
  return s;
}

static bool judge(tw_optim *o, int r, double ratio, void *own) {
  (void)own;
  double *lambda = &o->number[N_LAMBDA][r], *nu = &o->number[N_NU][r], factor = o->hyper[0][FACTOR][r];
  bool accepted = ratio > 0, nielsen = o->hyper[0][RULE][0] == NIELSEN;
  if (accepted) {
    double u = 2 * ratio - 1;
    *lambda = nielsen ? *lambda * fmax(1.0 / 3, 1 - u * u * u) : *lambda / factor;
    *nu = 2;
    return true;
  }
  *lambda = fmax(*lambda, 1e-12) * (nielsen ? *nu : factor);
  *nu *= 2;
  return false;
}

/* J'J and D. */
static tw_status make_system(tw_ctx *ctx, tw_optim *o, tw_descent *q, tw_tensor *jacobian, system *y) {
  tw_compose k = {.ctx = ctx};
  tw_status s = tw_compose_end(&k, tw__product(&k, tw__transposed(&k, jacobian), jacobian), &y->normal);
  if (s != TW_OK) return s;
  tw_compose m = {.ctx = ctx};
  tw_tensor *diagonal = tw__diagonal(&m, y->normal), *one = tw_do_constant(&m, 1, q->g);
  bool identity = o->hyper[0][SCALING][0] == IDENTITY;
  if (diagonal) s = tw_flat_max_abs(ctx, o, diagonal, q->work[0]);
  for (int r = 0; r < o->lanes && s == TW_OK; r++) {
    if (o->number[N_SIZE][r] != 0 || o->go[r] == 0) continue; /* the first step that can be taken */
    o->number[N_LAMBDA][r] = o->hyper[0][LAMBDA][r];
    o->number[N_NU][r] = 2;
    o->number[N_SIZE][r] = q->work[0][r] > 0 ? q->work[0][r] : 1;
  }
  tw_tensor *positive = tw_do2(&m, &tw_op_gt, NULL, diagonal, tw_do_constant(&m, 0, q->g));
  tw_shape line = {.n = 1, .d = {q->g->size}};
  tw_tensor *kept = identity ? tw_do2(&m, &tw_op_mul, NULL, tw_do_ones(&m, q->g, &line), tw_do_scalar(&m, o, o->number[N_SIZE], q->g))
                             : tw_do3(&m, &tw_op_where, NULL, positive, diagonal, one); /* a parameter that no residual sees stays */
  tw_status ended = tw_compose_end(&m, kept, &y->scale);
  return s == TW_OK ? ended : s;
}

static tw_status solve(tw_ctx *ctx, tw_optim *o) {
  tw_descent q;
  system y = {NULL, NULL};
  tw_tensor *r = NULL, *jacobian = NULL;
  tw_region region = {propose, judge, &y};
  tw_status s = tw_residual_begin(ctx, o, &q, &r, &jacobian);
  if (s == TW_OK) s = make_system(ctx, o, &q, jacobian, &y);
  if (s == TW_OK) s = tw_region_step(ctx, o, &q, &region);
  tw_tensor_release(ctx, r);
  tw_tensor_release(ctx, jacobian);
  tw_tensor_release(ctx, y.normal);
  tw_tensor_release(ctx, y.scale);
  tw_descent_end(ctx, &q);
  return s;
}

#define EXAMPLE "local opt = tw.optim.levenberg_marquardt(p)\nlocal loss = opt:step(function(p) return p * tw.tensor{ 1, 2 } - tw.tensor{ 1, 4 } end)"
const tw_optim_kind tw_optim_levenberg_marquardt = {
  .name = "levenberg_marquardt",
  .about = "damped Gauss-Newton for least squares: the function returns the vector of residuals, the loss is half their sum of squares",
  .source = "Marquardt 1963; Madsen, Nielsen and Tingleff 2004", .example = EXAMPLE, .options = options, .numbers = {"lambda", "nu", "size"},
  .residuals = true, .solve = solve};
