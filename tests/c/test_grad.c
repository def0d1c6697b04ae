/* Derivatives, generated from the operation table: every row against central differences, in both dtypes' fused kernels against the composed form,
 * over contiguous, transposed, broadcast, size-1 and empty operands, to second order. */
#include "base/alloc.h"
#include "grad/grad.h"
#include "op/op.h"
#include "tensors.h"

/* Where a row is smooth and defined: the arguments of the checks. */
typedef struct {
  const char *name;
  double low, high;
} domain;
static const domain domains[] = {
  {"log", 0.3, 3}, {"sqrt", 0.3, 3}, {"rsqrt", 0.3, 3}, {"reciprocal", 0.4, 3}, {"log1p", -0.6, 2}, {"asin", -0.8, 0.8}, {"acos", -0.8, 0.8},
  {"tan", -1.2, 1.2}, {"pow", 0.3, 2}, {"div", 0.4, 2}, {"floor", 0.1, 0.9}, {"ceil", 0.1, 0.9}, {"round", 0.1, 0.4},
  {"log2", 0.3, 3}, {"log10", 0.3, 3}, {"cbrt", 0.3, 3}, {"acosh", 1.3, 3}, {"atanh", -0.8, 0.8}, {"trunc", 0.1, 0.9}, {"hardtanh", -0.9, 0.9},
  {"xlogy", 0.3, 3}, {"fmod", 0.4, 3}, {"remainder", 0.4, 3}, {"floor_divide", 0.4, 3},
};

static unsigned lcg = 12345;
static double unit(void) {
  lcg = lcg * 1664525u + 1013904223u;
  return (lcg >> 8) / 16777216.0;
}

/* Values away from kinks: no two operands closer than .05, none nearer to 0 than .05. */
static double draw(const char *name) {
  double low = -2, high = 2;
  for (size_t i = 0; i < sizeof domains / sizeof *domains; i++) {
    if (strcmp(domains[i].name, name) == 0) {
      low = domains[i].low;
      high = domains[i].high;
    }
  }
  double x = low + (high - low) * unit();
  if (x > -0.05 && x < 0.05) x = 0.1;
  return x;
}

typedef enum { CONTIGUOUS, TRANSPOSED, BROADCAST, ONE, EMPTY, LAYOUTS } layout;
static const char *const layout_names[] = {"contiguous", "transposed", "broadcast", "size-1", "empty"};

/* An operand of shape [3 5] ([1 1], [0 5]) in a layout; the second operand of a broadcast pair is a row. */
static tw_tensor *operand(const char *name, layout how, int k, tw_dtype d) {
  tw_shape shape = {.n = 2, .d = {3, 5}};
  if (how == ONE) shape = (tw_shape){.n = 2, .d = {1, 1}};
  if (how == EMPTY) shape = (tw_shape){.n = 2, .d = {0, 5}};
  if (how == BROADCAST && k == 1) shape = (tw_shape){.n = 1, .d = {5}};
  if (how == TRANSPOSED) shape = (tw_shape){.n = 2, .d = {5, 3}};
  tw_tensor *t;
  must(tw_tensor_new(ctx, d, &shape, &t));
  for (int64_t i = 0; i < t->size; i++) tw_tensor_set(t, i, draw(name) + 0.013 * k);
  if (how != TRANSPOSED) return t;
  tw_compose c = {.ctx = ctx};
  tw_tensor *turned;
  tw_permute_attrs a = {.n = 2, .axis = {1, 0}};
  must(tw_compose_end(&c, tw_do1(&c, &tw_op_permute, &a, t), &turned));
  tw_tensor_release(ctx, t);
  return turned;
}

/* sum(w * op(in...)): w fixes a direction, so that every element counts differently. */
static tw_tensor *weighted(const tw_op *op, tw_tensor *const *in, int n_in) {
  tw_tensor *y[1] = {NULL}, *out;
  tw_call call = {.op = op, .in = in, .out = y, .n_in = n_in, .n_out = 1};
  must(tw_apply(ctx, &call));
  tw_shape shape = tw_tensor_shape(y[0]);
  tw_tensor *w;
  must(tw_tensor_new(ctx, (tw_dtype)y[0]->dtype, &shape, &w));
  for (int64_t i = 0; i < w->size; i++) tw_tensor_set(w, i, 0.5 + 0.37 * (double)(i % 7));
  tw_compose c = {.ctx = ctx};
  tw_reduce_attrs all = {.axes = (1u << shape.n) - 1};
  must(tw_compose_end(&c, tw_do1(&c, &tw_op_sum, &all, tw_do2(&c, &tw_op_mul, NULL, y[0], w)), &out));
  tw_tensor_release(ctx, y[0]);
  tw_tensor_release(ctx, w);
  return out;
}

static double value(const tw_op *op, tw_tensor *const *in, int n_in) {
  tw_tensor *y = weighted(op, in, n_in);
  double v = tw_tensor_get(y, 0);
  tw_tensor_release(ctx, y);
  return v;
}

static void gradient(const tw_op *op, tw_tensor *const *in, int n_in, tw_tensor **grads) {
  int level;
  tw_tensor *leaf[2];
  must(tw_grad_open(ctx, &level));
  for (int i = 0; i < n_in; i++) must(tw_grad_leaf(ctx, level, in[i], &leaf[i]));
  tw_tensor *y = weighted(op, leaf, n_in);
  must(tw_grad_backward(ctx, level, 1, &y, NULL, n_in, leaf, grads));
  tw_grad_close(ctx, level);
  tw_tensor_release(ctx, y);
  for (int i = 0; i < n_in; i++) tw_tensor_release(ctx, leaf[i]);
}

/* Gradient of sum(v * gradient): one row of curvature, through the composed derivatives. Also returns the inner gradients, as recorded. */
static void second(const tw_op *op, tw_tensor *const *in, int n_in, int which, tw_tensor **inner, tw_tensor **grads) {
  int outer, level;
  tw_tensor *leaf[2], *fresh[2], *total = NULL;
  must(tw_grad_open(ctx, &outer));
  for (int i = 0; i < n_in; i++) must(tw_grad_leaf(ctx, outer, in[i], &leaf[i]));
  must(tw_grad_open(ctx, &level));
  for (int i = 0; i < n_in; i++) must(tw_grad_leaf(ctx, level, leaf[i], &fresh[i]));
  tw_tensor *y = weighted(op, fresh, n_in);
  must(tw_grad_backward(ctx, level, 1, &y, NULL, n_in, fresh, inner));
  tw_grad_close(ctx, level);
  tw_tensor *only[1] = {inner[which]};
  total = weighted(&tw_op_square, only, 1);
  must(tw_grad_backward(ctx, outer, 1, &total, NULL, n_in, leaf, grads));
  tw_grad_close(ctx, outer);
  tw_tensor_release(ctx, y);
  tw_tensor_release(ctx, total);
  for (int i = 0; i < n_in; i++) {
    tw_tensor_release(ctx, leaf[i]);
    tw_tensor_release(ctx, fresh[i]);
  }
}

static double squared_gradient(const tw_op *op, tw_tensor *const *in, int n_in, int which) {
  tw_tensor *g[2];
  gradient(op, in, n_in, g);
  tw_tensor *only[1] = {g[which]};
  double v = value(&tw_op_square, only, 1);
  for (int i = 0; i < n_in; i++) tw_tensor_release(ctx, g[i]);
  return v;
}

/* Forward mode along a direction that differs by element: the tangent of weighted(op), or (which >= 0) of weighted(gradient[which] ^ 2). */
static double tangent(const tw_op *op, tw_tensor *const *in, int n_in, int which) {
  int outer;
  tw_tensor *leaf[2], *v[2], *g[2] = {NULL}, *moved, *y;
  must(tw_grad_open_forward(ctx, &outer));
  for (int i = 0; i < n_in; i++) {
    tw_shape shape = tw_tensor_shape(in[i]);
    must(tw_tensor_new(ctx, TW_F64, &shape, &v[i]));
    for (int64_t k = 0; k < v[i]->size; k++) tw_tensor_set(v[i], k, 1 - 0.21 * (double)(k % 5) + 0.1 * i);
    must(tw_grad_dual(ctx, outer, in[i], v[i], &leaf[i]));
  }
  if (which < 0) {
    y = weighted(op, leaf, n_in);
  } else {
    gradient(op, leaf, n_in, g);
    y = weighted(&tw_op_square, &g[which], 1);
  }
  must(tw_grad_tangent(ctx, outer, y, &moved));
  double slope = tw_tensor_get(moved, 0);
  tw_grad_close(ctx, outer);
  tw_tensor_release(ctx, moved);
  tw_tensor_release(ctx, y);
  for (int i = 0; i < n_in; i++) {
    tw_tensor_release(ctx, leaf[i]);
    tw_tensor_release(ctx, v[i]);
    tw_tensor_release(ctx, g[i]);
  }
  return slope;
}

/* The same slope from the gradient of reverse mode; the two sum the same terms in another order. */
static void check_forward(const tw_op *op, tw_tensor *const *in, int which, tw_tensor *const *grads) {
  double reverse = 0, scale = 1, forward = tangent(op, in, op->n_in, which);
  for (int i = 0; i < op->n_in; i++) {
    for (int64_t k = 0; k < grads[i]->size; k++) {
      double term = tw_tensor_get(grads[i], k) * (1 - 0.21 * (double)(k % 5) + 0.1 * i);
      reverse += term;
      scale += fabs(term);
    }
  }
  if (!(fabs(forward - reverse) <= 1e-12 * scale)) {
    check_fail(__FILE__, __LINE__);
    printf("%s, order %d: forward mode %.17g, reverse mode %.17g\n", op->name, which < 0 ? 1 : 2, forward, reverse);
  }
}

/* Central differences: the truncation is h^2 f'''/6 and the rounding 1e-16/h; h = 1e-5 leaves about 1e-9 of the scale of f. */
static void check_row(const tw_op *op, layout how) {
  const double h = 1e-5;
  tw_tensor *in[2], *grads[2], *inner[2], *curvature[2];
  for (int k = 0; k < op->n_in; k++) in[k] = operand(op->name, how, k, TW_F64);
  gradient(op, in, op->n_in, grads);
  check_forward(op, in, -1, grads);
  for (int k = 0; k < op->n_in; k++) {
    for (int64_t i = 0; i < in[k]->size; i++) {
      double x = tw_tensor_get(in[k], i);
      tw_tensor_set(in[k], i, x + h);
      double up = value(op, in, op->n_in);
      tw_tensor_set(in[k], i, x - h);
      double down = value(op, in, op->n_in);
      tw_tensor_set(in[k], i, x);
      double numeric = (up - down) / (2 * h), exact = tw_tensor_get(grads[k], i);
      if (!(fabs(numeric - exact) <= 1e-6 * (1 + fabs(exact)))) {
        check_fail(__FILE__, __LINE__);
        printf("%s %s, input %d element %lld: central difference %.12g, gradient %.12g\n", op->name, layout_names[how], k, (long long)i, numeric, exact);
      }
    }
  }
  for (int which = 0; which < op->n_in; which++) {
    second(op, in, op->n_in, which, inner, curvature);
    check_forward(op, in, which, curvature);
    for (int k = 0; k < op->n_in; k++) {
      for (int64_t i = 0; i < in[k]->size; i++) {
        double fused = tw_tensor_get(grads[k], i), composed = tw_tensor_get(inner[k], i);
        if (memcmp(&fused, &composed, sizeof fused) != 0) {
          check_fail(__FILE__, __LINE__);
          printf("%s %s, input %d element %lld: fused %.17g, composed %.17g\n", op->name, layout_names[how], k, (long long)i, fused, composed);
        }
        double x = tw_tensor_get(in[k], i);
        tw_tensor_set(in[k], i, x + h);
        double up = squared_gradient(op, in, op->n_in, which);
        tw_tensor_set(in[k], i, x - h);
        double down = squared_gradient(op, in, op->n_in, which);
        tw_tensor_set(in[k], i, x);
        double numeric = (up - down) / (2 * h), exact = tw_tensor_get(curvature[k], i);
        if (!(fabs(numeric - exact) <= 1e-5 * (1 + fabs(exact)))) {
          check_fail(__FILE__, __LINE__);
          printf("%s %s, second order, d(grad %d)^2 / d input %d element %lld: central difference %.12g, gradient %.12g\n", op->name, layout_names[how],
                 which, k, (long long)i, numeric, exact);
        }
      }
      tw_tensor_release(ctx, inner[k]);
      tw_tensor_release(ctx, curvature[k]);
    }
  }
  for (int k = 0; k < op->n_in; k++) {
    tw_tensor_release(ctx, in[k]);
    tw_tensor_release(ctx, grads[k]);
  }
}

/* f32: the fused kernels against the composed form alone, bit for bit. */
static void check_f32(const tw_op *op) {
  tw_tensor *in[2], *grads[2], *inner[2], *curvature[2];
  for (int k = 0; k < op->n_in; k++) in[k] = operand(op->name, CONTIGUOUS, k, TW_F32);
  gradient(op, in, op->n_in, grads);
  second(op, in, op->n_in, 0, inner, curvature);
  for (int k = 0; k < op->n_in; k++) {
    CHECK(memcmp(grads[k]->data, inner[k]->data, sizeof(float) * (size_t)grads[k]->size) == 0);
    tw_tensor_release(ctx, in[k]);
    tw_tensor_release(ctx, grads[k]);
    tw_tensor_release(ctx, inner[k]);
    tw_tensor_release(ctx, curvature[k]);
  }
}

int main(void) {
  ctx = tw_ctx_new();
  char sentence[128];
  for (int i = 0; tw_all_ops[i]; i++) {
    const tw_op *op = tw_all_ops[i];
    if (!op->row || op->flags & TW_OP_NO_GRAD) continue;
    for (layout how = 0; how < LAYOUTS; how++) {
      snprintf(sentence, sizeof sentence, "%s has the right first and second derivatives, in reverse and forward, on %s operands", op->name, layout_names[how]);
      TEST(sentence) check_row(op, how);
    }
    snprintf(sentence, sizeof sentence, "%s: the fused f32 derivative is the composed one bit for bit", op->name);
    TEST(sentence) check_f32(op);
  }
  TEST("nothing is left behind") CHECK_INT(tw_ctx_live_tensors(ctx), 0);
  tw_grad_shutdown(ctx);
  tw_ctx_free(ctx);
  TEST("every allocation was given back") CHECK_INT(tw_alloc_live(), 0);
  return check_close();
}
