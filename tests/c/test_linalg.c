/* Linear algebra below the binding: every allocation that can fail, does, in value, gradient and tangent, and nothing is left behind. */
#include "base/alloc.h"
#include "check.h"
#include "grad/grad.h"
#include "op/linalg.h"
#include "tensor/ctx.h"

/* A function of one matrix (the right-hand sides are made from it) with n results. */
typedef struct {
  const char *name;
  tw_status (*f)(tw_ctx *, tw_tensor *a, tw_tensor **out);
  int n;
  int64_t rows, cols;
} subject;

static tw_status solve(tw_ctx *ctx, tw_tensor *a, tw_tensor **x) { return tw_solve(ctx, a, a, x); }
static tw_status triangular(tw_ctx *ctx, tw_tensor *a, tw_tensor **x) { return tw_triangular_solve(ctx, a, a, &(tw_triangular_attrs){.upper = true}, x); }
static tw_status pinv(tw_ctx *ctx, tw_tensor *a, tw_tensor **p) { return tw_pinv(ctx, a, -1, p); }
static tw_status power(tw_ctx *ctx, tw_tensor *a, tw_tensor **p) { return tw_matrix_power(ctx, a, -5, p); }
static tw_status cond(tw_ctx *ctx, tw_tensor *a, tw_tensor **p) { return tw_cond(ctx, a, TW_NORM_FRO, 0, p); }
static tw_status nuclear(tw_ctx *ctx, tw_tensor *a, tw_tensor **p) {
  return tw_linalg_norm(ctx, a, &(tw_norm_spec){.kind = TW_NORM_NUC, .n = 2, .axis = {1, 0}, .keepdim = true}, p);
}
static tw_status lstsq(tw_ctx *ctx, tw_tensor *a, tw_tensor **out) { return tw_lstsq(ctx, a, a, -1, out); }

static const subject subjects[] = {
  {"solve", solve, 1, 3, 3}, {"triangular_solve", triangular, 1, 3, 3}, {"cholesky", tw_cholesky, 1, 3, 3}, {"inverse", tw_inverse, 1, 3, 3},
  {"det", tw_det, 1, 3, 3}, {"slogdet", tw_slogdet, 2, 3, 3}, {"eigh", tw_eigh, 2, 3, 3}, {"eigvalsh", tw_eigvalsh, 1, 3, 3}, {"svd", tw_svd, 3, 3, 3},
  {"svd of a tall matrix", tw_svd, 3, 4, 2}, {"svd of a wide matrix", tw_svd, 3, 2, 4}, {"svdvals", tw_svdvals, 1, 3, 2}, {"qr", tw_qr, 2, 4, 2},
  {"qr of a wide matrix", tw_qr, 2, 2, 4}, {"pinv of a tall matrix", pinv, 1, 4, 2}, {"pinv of a wide matrix", pinv, 1, 2, 4},
  {"lstsq of a tall matrix", lstsq, 4, 4, 2}, {"lstsq of a wide matrix", lstsq, 4, 2, 4}, {"matrix_power", power, 1, 3, 3}, {"cond", cond, 1, 3, 3},
  {"norm", nuclear, 1, 3, 2},
};

/* The sum of the squares of all real results. */
static tw_status loss(tw_ctx *ctx, const subject *of, tw_tensor *a, tw_tensor **total) {
  tw_tensor *out[4] = {NULL}, *sum = NULL;
  tw_status s = of->f(ctx, a, out);
  if (s != TW_OK) return s;
  tw_compose k = {.ctx = ctx};
  for (int i = 0; i < of->n; i++) {
    if (!tw_is_real((tw_dtype)out[i]->dtype)) continue;
    tw_reduce_attrs all = {.axes = (1u << out[i]->ndim) - 1};
    tw_tensor *own = tw_do1(&k, &tw_op_sum, &all, tw_do1(&k, &tw_op_square, NULL, out[i]));
    sum = sum ? tw_do2(&k, &tw_op_add, NULL, sum, own) : own;
  }
  s = tw_compose_end(&k, sum, total);
  for (int i = 0; i < of->n; i++) tw_tensor_release(ctx, out[i]);
  return s;
}

/* Value, gradient and the gradient's tangent: forward over reverse. */
static tw_status everything(tw_ctx *ctx, const subject *of, tw_tensor *a, double *slope) {
  int outer = -1, level = -1;
  tw_tensor *moving = NULL, *leaf = NULL, *total = NULL, *grad = NULL, *tangent = NULL;
  tw_status s = tw_grad_open_forward(ctx, &outer);
  if (s != TW_OK) return s;
  s = tw_grad_dual(ctx, outer, a, a, &moving);
  if (s == TW_OK) s = tw_grad_open(ctx, &level);
  if (s == TW_OK) s = tw_grad_leaf(ctx, level, moving, &leaf);
  if (s == TW_OK) s = loss(ctx, of, leaf, &total);
  if (s == TW_OK) s = tw_grad_backward(ctx, level, 1, &total, NULL, 1, &leaf, &grad);
  if (level >= 0) tw_grad_close(ctx, level);
  if (s == TW_OK) s = tw_grad_tangent(ctx, outer, grad, &tangent);
  if (s == TW_OK) *slope = tw_tensor_get(tangent, 0);
  tw_grad_close(ctx, outer);
  tw_tensor *const all[] = {moving, leaf, total, grad, tangent};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) tw_tensor_release(ctx, all[i]);
  return s;
}

/* Symmetric and positive definite where it is square, so that every function takes it. */
static tw_status matrix(tw_ctx *ctx, const subject *of, tw_tensor **a) {
  tw_shape shape = {.n = 2, .d = {of->rows, of->cols}};
  tw_status s = tw_tensor_new(ctx, TW_F64, &shape, a);
  for (int64_t i = 0; s == TW_OK && i < of->rows; i++) {
    for (int64_t j = 0; j < of->cols; j++) tw_tensor_set(*a, i * of->cols + j, i == j ? 3 + 0.5 * (double)i : 0.2 + 0.1 * (double)((i + j) * (i + j) % 5));
  }
  return s;
}

/* One attempt whose n-th allocation fails (0: none); true when it went through. */
static bool attempt(const subject *of, int64_t n, double *slope) {
  int64_t before = tw_alloc_live();
  tw_ctx *ctx = tw_ctx_new();
  tw_tensor *a = NULL;
  bool through = false;
  if (ctx && matrix(ctx, of, &a) == TW_OK) {
    tw_alloc_fail_at(n);
    tw_status s = everything(ctx, of, a, slope);
    tw_alloc_fail_at(0);
    through = s == TW_OK;
    if (!through && s != TW_ENOMEM) {
      check_fail(__FILE__, __LINE__);
      printf("allocation %lld: expected \"out of memory\", got status %d, %s\n", (long long)n, s, tw_ctx_error(ctx)->text);
    }
    tw_tensor_release(ctx, a);
    CHECK_INT(tw_ctx_live_tensors(ctx), 0);
    tw_grad_shutdown(ctx);
  }
  tw_ctx_free(ctx);
  CHECK_INT(tw_alloc_live(), before);
  return through;
}

int main(void) {
  char sentence[128];
  for (size_t i = 0; i < sizeof subjects / sizeof *subjects; i++) {
    double want = 0, got = 0;
    snprintf(sentence, sizeof sentence, "%s: whichever allocation fails, the answer is a status and nothing is left", subjects[i].name);
    TEST(sentence) {
      CHECK(attempt(&subjects[i], 0, &want));
      int in_a_row = 0; /* of successes: some allocations can be done without */
      int64_t n = 1;
      for (; n < 1000 && in_a_row < 8; n++) in_a_row = attempt(&subjects[i], n, &got) ? in_a_row + 1 : 0;
      CHECK(n > 12 && n < 1000);
      CHECK_NEAR(got, want, 0);
      CHECK(want == want);
    }
  }
  return check_close();
}
