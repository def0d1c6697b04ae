/* Memory that runs out inside differentiation: forward over reverse, reverse over forward and forward over forward, once for each allocation with that one
 * failing. Every run must end with the right number or with TW_ENOMEM, and leave no tensor, no block and no open level behind. */
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "check.h"
#include "grad/grad.h"
#include "op/op.h"
#include "tensor/ctx.h"

static tw_ctx *ctx;

/* f(x) = sum(prod(tanh(x x') + x, 1) exp(x[1])) over x[3 3], as calls; the result belongs to the caller. */
static tw_status f(tw_tensor *x, tw_tensor **out) {
  tw_compose k = {.ctx = ctx};
  tw_permute_attrs turn = {.n = 2, .axis = {1, 0}};
  tw_slice_attrs first = {.n = 2, .start = {0, 0}, .step = {1, 1}, .size = {1, 3}};
  tw_reduce_attrs columns = {.axes = 1}, all = {.axes = 3};
  tw_tensor *square = tw_do2(&k, &tw_op_matmul, NULL, x, tw_do1(&k, &tw_op_permute, &turn, x));
  tw_tensor *sum = tw_do2(&k, &tw_op_add, NULL, tw_do1(&k, &tw_op_tanh, NULL, square), x);
  tw_tensor *product = tw_do1(&k, &tw_op_prod, &columns, sum);
  tw_tensor *row = tw_do1(&k, &tw_op_exp, NULL, tw_do1(&k, &tw_op_slice, &first, x));
  return tw_compose_end(&k, tw_do1(&k, &tw_op_sum, &all, tw_do2(&k, &tw_op_mul, NULL, row, product)), out);
}

/* Each way gives v' H v of f at x. */
typedef tw_status (*way)(tw_tensor *x, tw_tensor *v, tw_tensor **out);

static tw_status dot(tw_tensor *a, tw_tensor *b, tw_tensor **out) {
  tw_compose k = {.ctx = ctx};
  tw_reduce_attrs all = {.axes = 3};
  return tw_compose_end(&k, tw_do1(&k, &tw_op_sum, &all, tw_do2(&k, &tw_op_mul, NULL, a, b)), out);
}

static tw_status gradient(tw_tensor *x, tw_tensor **out) {
  int level;
  tw_tensor *leaf = NULL, *y = NULL;
  tw_status s = tw_grad_open(ctx, &level);
  if (s != TW_OK) return s;
  s = tw_grad_leaf(ctx, level, x, &leaf);
  if (s == TW_OK) s = f(leaf, &y);
  if (s == TW_OK) s = tw_grad_backward(ctx, level, 1, &y, NULL, 1, &leaf, out);
  tw_grad_close(ctx, level);
  tw_tensor_release(ctx, leaf);
  tw_tensor_release(ctx, y);
  return s;
}

static tw_status slope(tw_tensor *x, tw_tensor *v, tw_tensor **out) { /* the derivative of f along v */
  int level;
  tw_tensor *leaf = NULL, *y = NULL;
  tw_status s = tw_grad_open_forward(ctx, &level);
  if (s != TW_OK) return s;
  s = tw_grad_dual(ctx, level, x, v, &leaf);
  if (s == TW_OK) s = f(leaf, &y);
  if (s == TW_OK) s = tw_grad_tangent(ctx, level, y, out);
  tw_grad_close(ctx, level);
  tw_tensor_release(ctx, leaf);
  tw_tensor_release(ctx, y);
  return s;
}

static tw_status forward_over_reverse(tw_tensor *x, tw_tensor *v, tw_tensor **out) {
  int level;
  tw_tensor *leaf = NULL, *g = NULL, *hv = NULL;
  tw_status s = tw_grad_open_forward(ctx, &level);
  if (s != TW_OK) return s;
  s = tw_grad_dual(ctx, level, x, v, &leaf);
  if (s == TW_OK) s = gradient(leaf, &g);
  if (s == TW_OK) s = tw_grad_tangent(ctx, level, g, &hv);
  tw_grad_close(ctx, level);
  if (s == TW_OK) s = dot(hv, v, out);
  tw_tensor_release(ctx, leaf);
  tw_tensor_release(ctx, g);
  tw_tensor_release(ctx, hv);
  return s;
}

static tw_status reverse_over_forward(tw_tensor *x, tw_tensor *v, tw_tensor **out) {
  int level;
  tw_tensor *leaf = NULL, *y = NULL, *hv = NULL;
  tw_status s = tw_grad_open(ctx, &level);
  if (s != TW_OK) return s;
  s = tw_grad_leaf(ctx, level, x, &leaf);
  if (s == TW_OK) s = slope(leaf, v, &y);
  if (s == TW_OK) s = tw_grad_backward(ctx, level, 1, &y, NULL, 1, &leaf, &hv);
  tw_grad_close(ctx, level);
  if (s == TW_OK) s = dot(hv, v, out);
  tw_tensor_release(ctx, leaf);
  tw_tensor_release(ctx, y);
  tw_tensor_release(ctx, hv);
  return s;
}

static tw_status forward_over_forward(tw_tensor *x, tw_tensor *v, tw_tensor **out) {
  int level;
  tw_tensor *leaf = NULL, *y = NULL;
  tw_status s = tw_grad_open_forward(ctx, &level);
  if (s != TW_OK) return s;
  s = tw_grad_dual(ctx, level, x, v, &leaf);
  if (s == TW_OK) s = slope(leaf, v, &y);
  if (s == TW_OK) s = tw_grad_tangent(ctx, level, y, out);
  tw_grad_close(ctx, level);
  tw_tensor_release(ctx, leaf);
  tw_tensor_release(ctx, y);
  return s;
}

static tw_tensor *filled(double scale) {
  tw_shape shape = {.n = 2, .d = {3, 3}};
  tw_tensor *t;
  if (tw_tensor_new(ctx, TW_F64, &shape, &t) != TW_OK) exit(1);
  for (int64_t i = 0; i < 9; i++) tw_tensor_set(t, i, scale * (double)((i * 7 + 3) % 9 - 4));
  return t;
}

/* The number of failures; -1 when something went wrong. A context of its own each time: its first allocations fail too. */
static int sweep(way how, double *value) {
  int failures = 0;
  for (int64_t n = 0;; n++) { /* 0: nothing fails */
    int64_t before = tw_alloc_live();
    ctx = tw_ctx_new();
    if (!ctx) exit(1);
    tw_tensor *x = filled(.1), *v = filled(.3), *out = NULL;
    int64_t requests = tw_alloc_requests();
    tw_alloc_fail_at(n);
    tw_status s = how(x, v, &out);
    tw_alloc_fail_at(0);
    bool reached = n && tw_alloc_requests() - requests >= n;
    bool right = s == TW_OK ? n == 0 || tw_tensor_get(out, 0) == *value : reached && s == TW_ENOMEM && !out;
    if (s == TW_OK && n == 0) *value = tw_tensor_get(out, 0);
    tw_tensor_release(ctx, out);
    out = NULL;
    failures += s != TW_OK;
    right = right && tw_ctx_live_tensors(ctx) == 2 && ctx->active == 0;
    right = right && how(x, v, &out) == TW_OK && tw_tensor_get(out, 0) == *value; /* and it goes on working */
    tw_tensor_release(ctx, out);
    tw_tensor_release(ctx, x);
    tw_tensor_release(ctx, v);
    right = right && tw_ctx_live_tensors(ctx) == 0;
    if (!right) printf("allocation %lld: status %d, %s\n", (long long)n, (int)s, tw_ctx_error(ctx)->text);
    tw_grad_shutdown(ctx);
    tw_ctx_free(ctx);
    if (!right || tw_alloc_live() != before) return -1;
    if (n && !reached) return failures;
  }
}

int main(void) {
  static const struct { const char *name; way how; } ways[] = {
    {"forward over reverse", forward_over_reverse}, {"reverse over forward", reverse_over_forward}, {"forward over forward", forward_over_forward}};
  double first = 0;
  for (int i = 0; i < 3; i++) {
    TEST("memory running out in second derivatives is an error that leaves nothing behind") {
      double value = 0;
      int failures = sweep(ways[i].how, &value);
      CHECK(failures > 0);
      printf("  %s: v'Hv = %.15g, %d allocations failed\n", ways[i].name, value, failures);
      if (i == 0) first = value;
      CHECK_NEAR(value, first, 1e-13 * (1 + (first < 0 ? -first : first)));
    }
  }
  return check_close();
}
