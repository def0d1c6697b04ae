/* The arithmetic is defined, not found: products, sums, elementary functions and random numbers have the bits the definition gives them, wherever in a
 * tensor, in whatever layout and size they are computed. Each expected value is computed here by the plain definition. */
#include <math.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "op/draw.h"
#include "op/gemm.h"
#include "op/op.h"
#include "op/width.h"
#include "tensors.h"

static unsigned lcg = 2024;
static double unit(void) {
  lcg = lcg * 1664525u + 1013904223u;
  return (lcg >> 8) / 16777216.0 - 0.5;
}

/* c = fma(a, b, c), k ascending, from +0, and then the bias: none, side by side, or three apart. Three products whose operands overlap or are the same. */
#define PRODUCT_TEST(T, name, dtype, FMA)                                                                                \
  static int64_t wrong_products_##name(int64_t M, int64_t N, int64_t K, int turned_a, int turned_b, int64_t bias_col) {  \
    T *a = tw_alloc(sizeof(T) * (size_t)(M * K + 2 * 5)), *b = tw_alloc(sizeof(T) * (size_t)(K * N + 2 * 3));            \
    T *c = tw_alloc(sizeof(T) * (size_t)(3 * M * N));                                                                    \
    T *bias = tw_alloc(sizeof(T) * (size_t)(3 * N + 2));                                                                 \
    void *scratch = tw_alloc_aligned((size_t)tw_gemm_scratch(K));                                                        \
    int64_t ar = turned_a ? 1 : K, ac = turned_a ? M : 1, br = turned_b ? 1 : N, bc = turned_b ? K : 1;                  \
    int64_t wrong = 0, a_step = bias_col % 2 * 5, b_step = (1 - turned_a) * 3;                                           \
    for (int64_t i = 0; i < M * K + 2 * 5; i++) a[i] = (T)unit();                                                        \
    for (int64_t i = 0; i < K * N + 2 * 3; i++) b[i] = (T)unit();                                                        \
    for (int64_t i = 0; i < 3 * N + 2; i++) bias[i] = (T)unit();                                                         \
    tw_gemm(dtype, &(tw_products){.M = M, .N = N, .K = K, .count = 3, .a = a, .a_row = ar, .a_col = ac, .a_step = a_step, .b = b, .b_row = br, .b_col = bc,\
                                  .b_step = b_step, .bias = bias_col ? bias : NULL, .bias_col = bias_col, .bias_step = 1, .c = c, .c_row = N,\
                                  .c_step = M * N, .scratch = scratch});                                                 \
    for (int64_t at = 0; at < 3 * M * N; at++) {                                                                         \
      int64_t l = at / (M * N), i = at / N % M, j = at % N;                                                              \
      T sum = 0;                                                                                                         \
      for (int64_t k = 0; k < K; k++) sum = FMA(a[l * a_step + i * ar + k * ac], b[l * b_step + k * br + j * bc], sum);  \
      if (bias_col) sum = sum + bias[l + j * bias_col];                                                                  \
      wrong += memcmp(&sum, &c[at], sizeof sum) != 0;                                                                    \
    }                                                                                                                    \
    tw_free(a);                                                                                                          \
    tw_free(b);                                                                                                          \
    tw_free(c);                                                                                                          \
    tw_free(bias);                                                                                                       \
    tw_free(scratch);                                                                                                    \
    return wrong;                                                                                                        \
  }
PRODUCT_TEST(double, f64, TW_F64, fma)
PRODUCT_TEST(float, f32, TW_F32, fmaf)

static void check_products(void) {
  static const int64_t sizes[] = {1, 2, 3, 5, 6, 7, 8, 9, 12, 13, 16, 17, 31, 33, 64, 70};
  for (int trial = 0; trial < 400; trial++) {
    int64_t shape[3];
    for (int i = 0; i < 3; i++) shape[i] = sizes[(unsigned)(unit() * 65536 + 65536) % 16];
    CHECK_INT(wrong_products_f64(shape[0], shape[1], shape[2], trial & 1, trial >> 1 & 1, trial % 3 == 2 ? 3 : trial % 3), 0);
    CHECK_INT(wrong_products_f32(shape[0], shape[1], shape[2], trial & 1, trial >> 1 & 1, trial % 3 == 2 ? 3 : trial % 3), 0);
  }
  for (int turned = 0; turned < 4; turned++) { /* longer than a slice */
    CHECK_INT(wrong_products_f64(13, 70, 777, turned & 1, turned >> 1, turned % 2), 0);
    CHECK_INT(wrong_products_f32(37, 130, 600, turned & 1, turned >> 1, turned % 2), 0);
    CHECK_INT(wrong_products_f32(5, 3000, 257, turned & 1, turned >> 1, turned % 2), 0);
  }
}

/* The one summation tree, as the design words it. */
#define TREE(T, name)                                                                                      \
  static T block_##name(const T *x, int64_t n) {                                                           \
    T p[8] = {0};                                                                                          \
    for (int64_t i = 0; i < n; i++) p[i % 8] = p[i % 8] + x[i];                                            \
    return ((p[0] + p[1]) + (p[2] + p[3])) + ((p[4] + p[5]) + (p[6] + p[7]));                              \
  }                                                                                                        \
  static T tree_##name(const T *x, int64_t n) {                                                            \
    if (n <= 128) return block_##name(x, n);                                                               \
    int64_t half = 128;                                                                                    \
    while (2 * half < n) half *= 2;                                                                        \
    return tree_##name(x, half) + tree_##name(x + half, n - half);                                         \
  }
TREE(double, f64)
TREE(float, f32)

static tw_tensor *permuted(tw_tensor *x, int p, int q, int r) {
  tw_compose k = {.ctx = ctx};
  tw_tensor *y;
  tw_permute_attrs a = {.n = 3, .axis = {p, q, r}};
  must(tw_compose_end(&k, tw_do1(&k, &tw_op_permute, &a, x), &y));
  return y;
}

/* Sums x over the axes of `mask` and compares each result with the tree over its elements gathered in row-major order. */
static int64_t wrong_sums(tw_tensor *x, uint32_t mask) {
  tw_compose k = {.ctx = ctx};
  tw_tensor *y;
  tw_reduce_attrs a = {.axes = mask};
  must(tw_compose_end(&k, tw_do1(&k, &tw_op_sum, &a, x), &y));
  double *gathered = tw_alloc(sizeof(double) * (size_t)(x->size + 1));
  int64_t *filled = tw_calloc((size_t)y->size + 1, sizeof *filled), wrong = 0, each = y->size ? x->size / y->size : 0;
  for (int64_t flat = 0; flat < x->size; flat++) {
    int64_t rest = flat, at[3], kept = 0;
    for (int i = 2; i >= 0; i--) {
      at[i] = rest % x->shape[i];
      rest /= x->shape[i];
    }
    for (int i = 0; i < 3; i++) kept = mask >> i & 1 ? kept : kept * x->shape[i] + at[i];
    gathered[kept * each + filled[kept]++] = tw_tensor_get(x, flat);
  }
  float *narrow = tw_alloc(sizeof(float) * (size_t)(each + 1));
  for (int64_t i = 0; i < y->size; i++) {
    double want;
    if (x->dtype == TW_F64) {
      want = tree_f64(gathered + i * each, each);
    } else {
      for (int64_t j = 0; j < each; j++) narrow[j] = (float)gathered[i * each + j];
      want = (double)tree_f32(narrow, each);
    }
    double got = tw_tensor_get(y, i);
    wrong += memcmp(&got, &want, sizeof got) != 0;
  }
  tw_free(gathered);
  tw_free(filled);
  tw_free(narrow);
  tw_tensor_release(ctx, y);
  return wrong;
}

static int64_t wrong_sums_everywhere(tw_dtype d, int64_t a, int64_t b, int64_t c) {
  static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
  tw_shape shape = {.n = 3, .d = {a, b, c}};
  tw_tensor *x;
  int64_t wrong = 0;
  must(tw_tensor_new(ctx, d, &shape, &x));
  for (int64_t i = 0; i < x->size; i++) tw_tensor_set(x, i, unit());
  for (int o = 0; o < 6; o++) {
    tw_tensor *y = permuted(x, orders[o][0], orders[o][1], orders[o][2]);
    for (uint32_t mask = 1; mask < 8; mask++) wrong += wrong_sums(y, mask);
    tw_tensor_release(ctx, y);
  }
  tw_tensor_release(ctx, x);
  return wrong;
}

/* f of one value alone, against the same value at every place of a long, a strided and a broadcast operand. */
static int64_t places_that_differ(const tw_op *op, double a, double b, tw_dtype d) {
  tw_tensor *one[2] = {NULL}, *alone[1] = {NULL};
  double values[2] = {a, b};
  int64_t wrong = 0;
  for (int k = 0; k < op->n_in; k++) must(tw_tensor_new_scalar(ctx, d, values[k], &one[k]));
  tw_call c = {.op = op, .in = one, .out = alone, .n_in = op->n_in, .n_out = 1};
  must(tw_apply(ctx, &c));
  double want = tw_tensor_get(alone[0], 0);
  for (int64_t n = 1; n <= 19; n++) {
    for (int strided = 0; strided < 2; strided++) {
      tw_tensor *in[2] = {NULL}, *out[1] = {NULL};
      for (int k = 0; k < op->n_in; k++) {
        tw_shape shape = {.n = 1, .d = {2 * n}}, half = {.n = 1, .d = {n}};
        tw_tensor *whole;
        must(tw_tensor_new(ctx, d, &shape, &whole));
        for (int64_t i = 0; i < 2 * n; i++) tw_tensor_set(whole, i, values[k]);
        must(tw_tensor_new_view(ctx, whole, &half, &(int64_t){strided ? 2 : 1}, 0, &in[k]));
        tw_tensor_release(ctx, whole);
      }
      tw_call many = {.op = op, .in = in, .out = out, .n_in = op->n_in, .n_out = 1};
      must(tw_apply(ctx, &many));
      for (int64_t i = 0; i < n; i++) {
        double got = tw_tensor_get(out[0], i);
        wrong += memcmp(&got, &want, sizeof got) != 0 && !(got != got && want != want);
      }
      tw_tensor_release(ctx, out[0]);
      for (int k = 0; k < op->n_in; k++) tw_tensor_release(ctx, in[k]);
    }
  }
  tw_tensor_release(ctx, alone[0]);
  for (int k = 0; k < op->n_in; k++) tw_tensor_release(ctx, one[k]);
  return wrong;
}

static void check_elementwise(void) {
  static const double arguments[] = {0.7, -1.3, 1e-9, 3.5, -20, 700, 1e300, 0, -0.0, INFINITY, -INFINITY, NAN};
  for (int i = 0; tw_all_ops[i]; i++) {
    const tw_op *op = tw_all_ops[i];
    if (!op->row) continue;
    for (size_t k = 0; k < sizeof arguments / sizeof *arguments; k++) {
      for (int d = TW_F64; d <= TW_F32; d++) {
        int64_t wrong = places_that_differ(op, arguments[k], arguments[(k * 5 + 3) % 12], (tw_dtype)d);
        if (wrong) {
          check_fail(__FILE__, __LINE__);
          printf("%s(%g, ...): %lld places differ from the value alone\n", op->name, arguments[k], (long long)wrong);
        }
      }
    }
  }
}

static tw_tensor *drawn(const tw_op *op, uint64_t key, int64_t counter, int64_t n, double a, double b, tw_dtype d, int64_t *after) {
  tw_shape two = {.n = 1, .d = {2}};
  tw_tensor *g, *out[2] = {NULL, NULL};
  must(tw_tensor_new(ctx, TW_I64, &two, &g));
  ((int64_t *)(void *)g->data)[0] = (int64_t)key;
  ((int64_t *)(void *)g->data)[1] = counter;
  tw_draw_attrs attrs = {.shape = {.n = 1, .d = {n}}, .dtype = d, .a = a, .b = b};
  tw_call c = {.op = op, .attrs = &attrs, .in = &g, .out = out, .n_in = 1, .n_out = 2};
  must(tw_apply(ctx, &c));
  *after = tw_tensor_get_i64(out[1], 1);
  tw_tensor_release(ctx, g);
  tw_tensor_release(ctx, out[1]);
  return out[0];
}

static int64_t draws_that_depend_on_position(const tw_op *op, double a, double b, tw_dtype d) {
  int64_t after, wrong = 0;
  tw_tensor *all = drawn(op, 77, 5, 100, a, b, d, &after);
  wrong += after != 105;
  for (int64_t i = 0; i < 100; i += 7) {
    tw_tensor *part = drawn(op, 77, 5 + i, 3, a, b, d, &after);
    for (int64_t j = 0; j < 3 && i + j < 100; j++) wrong += tw_tensor_get(part, j) != tw_tensor_get(all, i + j);
    tw_tensor_release(ctx, part);
  }
  tw_tensor_release(ctx, all);
  return wrong;
}

int main(void) {
  ctx = tw_ctx_new();
  TEST("a product is one fma chain per element, whatever the shape, the layout and the vector width") {
    tw_limit_vectors(32);
    check_products();
    tw_limit_vectors(0);
    check_products();
  }
  TEST("a sum is the one tree over the row-major sequence of the reduced axes, under every layout and choice of axes") {
    static const int64_t shapes[][3] = {{3, 4, 5}, {1, 130, 7}, {20, 33, 17}, {300, 2, 3}, {2, 1, 1000}, {16, 16, 16}, {0, 3, 2}};
    for (int i = 0; i < 7; i++) {
      CHECK_INT(wrong_sums_everywhere(TW_F64, shapes[i][0], shapes[i][1], shapes[i][2]), 0);
      CHECK_INT(wrong_sums_everywhere(TW_F32, shapes[i][0], shapes[i][1], shapes[i][2]), 0);
    }
  }
  TEST("an elementwise value has the same bits at every place, stride and length") check_elementwise();
  TEST("element i of a draw depends on the key and counter + i alone") {
    CHECK_INT(draws_that_depend_on_position(&tw_op_uniform, 0, 1, TW_F64), 0);
    CHECK_INT(draws_that_depend_on_position(&tw_op_normal, 0, 1, TW_F64), 0);
    CHECK_INT(draws_that_depend_on_position(&tw_op_normal, 0, 1, TW_F32), 0);
    CHECK_INT(draws_that_depend_on_position(&tw_op_exponential, 2, 0, TW_F64), 0);
    CHECK_INT(draws_that_depend_on_position(&tw_op_randint, 1, 6, TW_I64), 0);
  }
  TEST("a uniform number stays below the upper end where rounding would lift it there") {
    int64_t after;
    double high = 1 + 0x1p-52; /* in f64 one number lies in [1, high); in f32 some 3 % of the draws below would round to 1 */
    tw_tensor *x = drawn(&tw_op_uniform, 3, 0, 1000, 1, high, TW_F64, &after), *y = drawn(&tw_op_uniform, 3, 0, 1000, 1 - 0x1p-20, 1, TW_F32, &after);
    for (int64_t i = 0; i < 1000; i++) CHECK(tw_tensor_get(x, i) == 1 && tw_tensor_get(y, i) >= 1 - 0x1p-20 && tw_tensor_get(y, i) < 1);
    tw_tensor_release(ctx, x);
    tw_tensor_release(ctx, y);
  }
  TEST("Philox4x32-10 gives Random123's known answers") {
    uint64_t out[2];
    tw_rng_block(0, 0, 0, out); /* counter 0, key 0: 6627e8d5 e169c58d bc57ac4c 9b00dbd8 */
    CHECK(out[0] == UINT64_C(0xe169c58d6627e8d5) && out[1] == UINT64_C(0x9b00dbd8bc57ac4c));
  }
  TEST("several positions at once give the words of each alone, across every carry of the counter") {
    static const uint64_t starts[] = {0, 1, 77, UINT64_C(0xfffffffe), UINT64_C(0xfffffffffffffffd)};
    for (int k = 0; k < 5; k++) {
      for (int64_t n = 0; n < 14; n++) {
        uint64_t first[14], second[14], alone[14], out[2];
        tw_rng_blocks(UINT64_C(0x9876543210abcdef), starts[k], n, first, second);
        tw_rng_blocks(UINT64_C(0x9876543210abcdef), starts[k], n, alone, NULL);
        for (int64_t i = 0; i < n; i++) {
          tw_rng_block(UINT64_C(0x9876543210abcdef), starts[k] + (uint64_t)i, 0, out);
          CHECK(first[i] == out[0] && second[i] == out[1] && alone[i] == out[0]);
        }
      }
    }
  }
  TEST("the streams of this release are those of the first") {
    int64_t after;
    tw_tensor *x = drawn(&tw_op_normal, tw_rng_key(1, "init", 4), 0, 3, 0, 1, TW_F64, &after);
    tw_tensor *p = drawn(&tw_op_permutation, tw_rng_key(1, "order", 5), 0, 8, 0, 0, TW_I64, &after);
    CHECK_NEAR(tw_tensor_get(x, 0), 0.74132981562133382, 0);
    CHECK_NEAR(tw_tensor_get(x, 1), -0.27123701266450806, 0);
    CHECK_NEAR(tw_tensor_get(x, 2), -1.5896166113474361, 0);
    static const int64_t order[8] = {5, 3, 8, 4, 7, 2, 6, 1};
    for (int i = 0; i < 8; i++) CHECK_INT(tw_tensor_get_i64(p, i), order[i]);
    tw_tensor_release(ctx, x);
    tw_tensor_release(ctx, p);
  }
  TEST("nothing is left behind") CHECK_INT(tw_ctx_live_tensors(ctx), 0);
  tw_ctx_free(ctx);
  TEST("every allocation was given back") CHECK_INT(tw_alloc_live(), 0);
  return check_close();
}
