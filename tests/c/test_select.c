/* Forward mode against reverse mode for ordering, scans, gathering, diagonals, norms and einsum: w . (J u) = (J' w) . u for drawn u and w. Both sides round
 * about 100 products and sums of numbers near 1: 1e-12 of the magnitude is asked for. */
#include "base/alloc.h"
#include "grad/grad.h"
#include "op/select.h"
#include "tensors.h"

static tw_tensor *places; /* i64[2 4], a place along the first axis of [3 4] */

static unsigned lcg = 4321;
static double unit(void) {
  lcg = lcg * 1664525u + 1013904223u;
  return (lcg >> 8) / 16777216.0;
}

static tw_tensor *drawn(const tw_shape *shape) {
  tw_tensor *t;
  must(tw_tensor_new(ctx, TW_F64, shape, &t));
  for (int64_t i = 0; i < t->size; i++) tw_tensor_set(t, i, 2 * unit() - 1);
  return t;
}

/* The functions: one tensor [3 4] to one tensor. */

typedef tw_status (*function)(tw_tensor *x, tw_tensor **out);

static tw_status one(const tw_op *op, const void *attrs, tw_tensor *x, tw_tensor **out) {
  tw_compose k = {.ctx = ctx};
  return tw_compose_end(&k, tw_do1(&k, op, attrs, x), out);
}

static tw_status values_of(tw_tensor *x, int64_t k, bool largest, tw_tensor **out) {
  tw_tensor *index = NULL;
  tw_status s = tw_topk(ctx, x, k, 1, largest, out, &index);
  tw_tensor_release(ctx, index);
  return s;
}
static tw_status sorted(tw_tensor *x, tw_tensor **out) { return values_of(x, 4, false, out); }
static tw_status top(tw_tensor *x, tw_tensor **out) { return values_of(x, 2, true, out); }
static tw_status cumsum(tw_tensor *x, tw_tensor **out) { return one(&tw_op_cumsum, &(tw_scan_attrs){.axis = 1}, x, out); }
static tw_status cumprod(tw_tensor *x, tw_tensor **out) { return one(&tw_op_cumprod, &(tw_scan_attrs){.axis = 0}, x, out); }
static tw_status recurrence(tw_tensor *x, tw_tensor **out) {
  tw_compose k = {.ctx = ctx};
  return tw_compose_end(&k, tw_do2(&k, &tw_op_recurrence, &(tw_scan_attrs){.axis = 1}, x, tw_do1(&k, &tw_op_square, NULL, x)), out);
}
static tw_status recurrence_factor(tw_tensor *x, tw_tensor **out) {
  tw_compose k = {.ctx = ctx};
  tw_shape shape = tw_tensor_shape(x);
  return tw_compose_end(&k, tw_do2(&k, &tw_op_recurrence, &(tw_scan_attrs){.axis = 0}, x, tw_do_ones(&k, x, &shape)), out);
}
static tw_status gather(tw_tensor *x, tw_tensor **out) {
  tw_compose k = {.ctx = ctx};
  return tw_compose_end(&k, tw_do2(&k, &tw_op_gather, &(tw_scan_attrs){.axis = 0}, x, places), out);
}
static tw_status scatter_both(tw_tensor *x, tw_tensor **out) {
  tw_compose k = {.ctx = ctx};
  tw_tensor *source = tw_do2(&k, &tw_op_gather, &(tw_scan_attrs){.axis = 0}, tw_do1(&k, &tw_op_square, NULL, x), places);
  return tw_compose_end(&k, tw_do3(&k, &tw_op_scatter_add, &(tw_scan_attrs){.axis = 0}, x, source, places), out);
}
static tw_status scatter_source(tw_tensor *x, tw_tensor **out) {
  tw_compose k = {.ctx = ctx};
  tw_tensor *source = tw_do2(&k, &tw_op_gather, &(tw_scan_attrs){.axis = 0}, x, places);
  return tw_compose_end(&k, tw_do3(&k, &tw_op_scatter_add, &(tw_scan_attrs){.axis = 0}, tw_do_zeros(&k, x), source, places), out);
}
static tw_status diagonal(tw_tensor *x, tw_tensor **out) { return one(&tw_op_diagonal, &(tw_diagonal_attrs){.a = 0, .b = 1, .offset = 1}, x, out); }
static tw_status embed(tw_tensor *x, tw_tensor **out) {
  return one(&tw_op_diagonal_embed, &(tw_diagonal_embed_attrs){.shape = {.n = 3, .d = {3, 6, 6}}, .diagonal = {.a = 1, .b = 2, .offset = -2}}, x, out);
}
static tw_status tril(tw_tensor *x, tw_tensor **out) { return one(&tw_op_tril, &(tw_triangle_attrs){.k = 1}, x, out); }
static tw_status triu(tw_tensor *x, tw_tensor **out) { return one(&tw_op_triu, &(tw_triangle_attrs){.k = -1}, x, out); }
static tw_status flip(tw_tensor *x, tw_tensor **out) { return tw_flip(ctx, x, 3, out); }
static tw_status norm2(tw_tensor *x, tw_tensor **out) { return tw_norm_axes(ctx, x, 2, 2, true, out); }
static tw_status norm3(tw_tensor *x, tw_tensor **out) { return tw_norm_axes(ctx, x, 3, 1, false, out); }
static tw_status largest(tw_tensor *x, tw_tensor **out) { return tw_norm_axes(ctx, x, (double)INFINITY, 1, false, out); }
static tw_status clamped(tw_tensor *x, tw_tensor **out) {
  tw_compose k = {.ctx = ctx};
  tw_tensor *low = tw_do_constant(&k, -0.3, x), *high = tw_do1(&k, &tw_op_cos, NULL, tw_do1(&k, &tw_op_exp, NULL, x));
  tw_tensor *y = NULL;
  tw_status s = tw_clamp(ctx, x, low, high, &y);
  if (s == TW_OK) s = tw_compose_end(&k, y, out);
  tw_tensor_release(ctx, y);
  return s;
}
static tw_status product(tw_tensor *x, tw_tensor **out) { return tw_einsum(ctx, "ij,kj,kl->il", 3, (tw_tensor *[]){x, x, x}, out); }
static tw_status outer(tw_tensor *x, tw_tensor **out) { return tw_einsum(ctx, "ij,ik->ijk", 2, (tw_tensor *[]){x, x}, out); }
static tw_status summed(tw_tensor *x, tw_tensor **out) { return tw_einsum(ctx, "ij,ij,ij->j", 3, (tw_tensor *[]){x, x, x}, out); }

static double dot(const tw_tensor *a, const tw_tensor *b) {
  double sum = 0;
  for (int64_t i = 0; i < a->size; i++) sum += tw_tensor_get(a, i) * tw_tensor_get(b, i);
  return sum;
}

static void agree(function f) {
  tw_shape shape = {.n = 2, .d = {3, 4}};
  tw_tensor *x = drawn(&shape), *u = drawn(&shape), *leaf, *y, *moved, *grad;
  int level;
  must(tw_grad_open_forward(ctx, &level));
  must(tw_grad_dual(ctx, level, x, u, &leaf));
  must(f(leaf, &y));
  must(tw_grad_tangent(ctx, level, y, &moved));
  tw_grad_close(ctx, level);
  tw_shape whole = tw_tensor_shape(y);
  tw_tensor *w = drawn(&whole);
  tw_tensor_release(ctx, y);
  tw_tensor_release(ctx, leaf);
  must(tw_grad_open(ctx, &level));
  must(tw_grad_leaf(ctx, level, x, &leaf));
  must(f(leaf, &y));
  must(tw_grad_backward(ctx, level, 1, &y, &w, 1, &leaf, &grad));
  tw_grad_close(ctx, level);
  double forward = dot(w, moved);
  CHECK_NEAR(dot(grad, u), forward, 1e-12 * (1 + fabs(forward)));
  CHECK(forward != 0);
  tw_tensor *all[] = {x, u, leaf, y, moved, grad, w};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) tw_tensor_release(ctx, all[i]);
}

int main(void) {
  static const struct { const char *name; function f; } functions[] = {
    {"the sorted values", sorted}, {"the largest values", top}, {"a cumulative sum", cumsum}, {"a cumulative product", cumprod},
    {"a recurrence in both operands", recurrence}, {"a recurrence in its factors", recurrence_factor}, {"a gather", gather},
    {"a scatter in both operands", scatter_both}, {"a scatter in what it adds", scatter_source}, {"a diagonal", diagonal},
    {"a matrix from its diagonal", embed}, {"a lower triangle", tril}, {"an upper triangle", triu}, {"a flip", flip}, {"2-norms", norm2}, {"3-norms", norm3},
    {"largest magnitudes", largest}, {"a clamp in x and its bound", clamped}, {"a product of three matrices by einsum", product},
    {"an outer product by einsum", outer}, {"an elementwise product of three by einsum", summed},
  };
  ctx = tw_ctx_new();
  tw_shape shape = {.n = 2, .d = {2, 4}};
  must(tw_tensor_new(ctx, TW_I64, &shape, &places));
  for (int64_t i = 0; i < places->size; i++) ((int64_t *)(void *)places->data)[i] = i < 4 ? 1 + i % 3 : 2;
  char sentence[128];
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
    snprintf(sentence, sizeof sentence, "forward and reverse mode agree on %s", functions[i].name);
    TEST(sentence) {
      for (int repeat = 0; repeat < 5; repeat++) agree(functions[i].f);
    }
  }
  tw_tensor_release(ctx, places);
  TEST("nothing is left behind") CHECK_INT(tw_ctx_live_tensors(ctx), 0);
  tw_grad_shutdown(ctx);
  tw_ctx_free(ctx);
  TEST("every allocation was given back") CHECK_INT(tw_alloc_live(), 0);
  return check_close();
}
