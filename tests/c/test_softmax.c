/* log_softmax, cross_entropy and their adjoints against their definition, row by row, bit for bit: in rows of every length, alone and in lanes, whichever
 * operands differ between lanes and however they lie, with NaN and infinities inside. And the sums they lean on: every width and length against the tree. */
#include "base/alloc.h"
#include "grad/grad.h"
#include "op/nn.h"
#include "op/width.h"
#include "tensors.h"

static unsigned lcg = 7;
static double unit(void) {
  lcg = lcg * 1664525u + 1013904223u;
  return (lcg >> 8) / 16777216.0;
}

/* The definitions. Elementary functions are those of the elementwise operations, through a tensor of one element. */

static double function(const tw_op *op, double x, tw_dtype d) {
  tw_tensor *in, *out[1] = {NULL};
  must(tw_tensor_new_scalar(ctx, d, x, &in));
  tw_call c = {.op = op, .in = &in, .out = out, .n_in = 1, .n_out = 1};
  must(tw_apply(ctx, &c));
  double y = tw_tensor_get(out[0], 0);
  tw_tensor_release(ctx, in);
  tw_tensor_release(ctx, out[0]);
  return y;
}

#define DEFINITIONS(T, name, dtype)                                                                                     \
  static T tree_##name(const T *x, int64_t n) {                                                                         \
    T p[8] = {0};                                                                                                       \
    int64_t half = 128;                                                                                                 \
    while (2 * half < n) half *= 2;                                                                                     \
    if (n > 128) return tree_##name(x, half) + tree_##name(x + half, n - half);                                         \
    for (int64_t i = 0; i < n; i++) p[i % 8] = p[i % 8] + x[i];                                                         \
    return ((p[0] + p[1]) + (p[2] + p[3])) + ((p[4] + p[5]) + (p[6] + p[7]));                                           \
  }                                                                                                                     \
  /* log softmax y and softmax p */                                                                                     \
  static void row_##name(T *y, T *p, const T *x, int64_t n) {                                                           \
    T power[512] = {0}, top = x[0];                                                                                     \
    for (int64_t i = 0; i < n; i++) top = x[i] > top || x[i] != x[i] ? x[i] : top;                                      \
    for (int64_t i = 0; i < n; i++) power[i] = (T)function(&tw_op_exp, (double)(T)(x[i] - top), dtype);                 \
    T sum = tree_##name(power, n), share = 1 / sum, log_sum = (T)function(&tw_op_log, (double)sum, dtype);              \
    for (int64_t i = 0; i < n; i++) y[i] = (T)(x[i] - top) - log_sum, p[i] = power[i] * share;                          \
  }                                                                                                                     \
  /* from the cotangent t of a row of log softmax whose softmax is p */                                                 \
  static void back_##name(T *g, const T *t, const T *p, int64_t n) {                                                    \
    T total = tree_##name(t, n);                                                                                        \
    for (int64_t i = 0; i < n; i++) {                                                                                   \
      T product = p[i] * total;                                                                                         \
      g[i] = t[i] - product;                                                                                            \
    }                                                                                                                   \
  }                                                                                                                     \
  /* one row: log softmax y, its cotangents g from t; cross entropy of a class, softmax p, their cotangents h from u */ \
  static void define_##name(double *y, double *p, double *each, double *g, double *h, const double *x, const double *t, double u, int64_t class, \
                            int64_t n) {                                                                                \
    T a[512], b[512], c[512], e[512], s[512], q[512];                                                                   \
    for (int64_t i = 0; i < n; i++) a[i] = (T)x[i], s[i] = (T)t[i];                                                     \
    row_##name(b, c, a, n);                                                                                             \
    for (int64_t i = 0; i < n; i++) e[i] = (T)function(&tw_op_exp, (double)b[i], dtype);                                \
    back_##name(q, s, e, n);                                                                                            \
    for (int64_t i = 0; i < n; i++) y[i] = (double)b[i], p[i] = (double)c[i], g[i] = (double)q[i];                      \
    for (int64_t i = 0; i < n; i++) s[i] = i + 1 == class ? -(T)u : 0;                                                  \
    back_##name(q, s, c, n);                                                                                            \
    for (int64_t i = 0; i < n; i++) h[i] = (double)q[i];                                                                \
    *each = (double)-b[class - 1];                                                                                      \
  }
DEFINITIONS(double, f64, TW_F64)
DEFINITIONS(float, f32, TW_F32)

/* Operands: PLAIN or in lanes along two hidden axes, lane by lane, lanes fastest or, of matrices, with the axes turned. */

typedef enum { PLAIN, PACKED, FASTEST, TURNED, ONE_AXIS, LAYOUTS } layout;

static tw_tensor *operand(tw_dtype d, int ndim, int64_t rows, int64_t n, layout how) {
  tw_lanes l = {.mask = how == PLAIN ? 0 : how == ONE_AXIS ? 1 : 3, .size = {3, 2}};
  bool turned = how == TURNED && ndim == 2;
  tw_shape shape = {.n = ndim, .d = {turned ? n : rows, turned ? rows : n}};
  tw_tensor *t;
  if (how == FASTEST) must(tw_tensor_new_fastest(ctx, d, &shape, &l, &t));
  else must(tw_tensor_new_packed(ctx, d, &shape, &l, &t));
  if (!turned) return t;
  tw_compose k = {.ctx = ctx};
  tw_permute_attrs a = {.n = 2, .axis = {1, 0}};
  tw_tensor *y;
  must(tw_compose_end(&k, tw_do1(&k, &tw_op_permute, &a, t), &y));
  tw_tensor_release(ctx, t);
  return y;
}

/* `odd`: now and then a NaN, an infinity, a zero of either sign, a large number. */
static void fill(tw_tensor *t, bool odd, int64_t classes) {
  static const double strange[] = {NAN, INFINITY, -INFINITY, -0.0, 0, 1e4, -1e4};
  for (int64_t lane = 0; lane < tw_lane_count(t); lane++) {
    tw_tensor one = tw_tensor_lane(t, lane);
    for (int64_t i = 0; i < one.size; i++) {
      double u = unit();
      tw_tensor_set(&one, i, classes ? 1 + floor(u * (double)classes) : odd && u < 0.06 ? strange[(int)(u / 0.06 * 7)] : 6 * u - 3);
    }
  }
}

/* Lane (i, j) of two hidden axes as a tensor has it. */
static tw_tensor lane_of(const tw_tensor *t, int64_t i, int64_t j) {
  return t->lanes == 3 ? tw_tensor_lane(t, 2 * i + j) : tw_tensor_lane(t, t->lanes ? i : 0);
}

static bool same(double a, double b) { return memcmp(&a, &b, sizeof a) == 0 || (a != a && b != b); }

/* The calls as a gradient makes them: the adjoints are not in the table of operations. */
typedef struct { tw_tensor *log_p, *p, *each, *g, *h; } results;

static results compute(tw_tensor *x, tw_tensor *classes, tw_tensor *t, tw_tensor *u) {
  results r;
  int level;
  tw_tensor *leaf, *loss[2] = {NULL, NULL}, *y[1] = {NULL};
  tw_axis_attrs last = {.axis = x->ndim - 1};
  must(tw_grad_open(ctx, &level));
  must(tw_grad_leaf(ctx, level, x, &leaf));
  tw_tensor *in[2] = {leaf, classes};
  tw_call entropy = {.op = &tw_op_cross_entropy, .in = in, .out = loss, .n_in = 2, .n_out = 2};
  tw_call softmax = {.op = &tw_op_log_softmax, .attrs = &last, .in = in, .out = y, .n_in = 1, .n_out = 1};
  must(tw_apply(ctx, &entropy));
  must(tw_apply(ctx, &softmax));
  must(tw_grad_backward(ctx, level, 1, y, &t, 1, &leaf, &r.g));
  must(tw_grad_backward(ctx, level, 1, loss, &u, 1, &leaf, &r.h));
  tw_grad_close(ctx, level);
  tw_tensor_release(ctx, leaf);
  r.log_p = y[0];
  r.p = loss[1];
  r.each = loss[0];
  return r;
}

/* even: the losses of all rows have one cotangent, as under a mean. */
static int64_t wrong_rows(tw_dtype d, int64_t rows, int64_t n, layout of_x, layout of_classes, layout of_t, bool odd, bool even) {
  tw_tensor *x = operand(d, 2, rows, n, of_x), *classes = operand(TW_I64, 1, rows, 0, of_classes);
  tw_tensor *t = operand(d, 2, rows, n, of_t), *u = operand(d, 1, even ? 1 : rows, 0, of_t);
  int64_t wrong = 0;
  fill(x, odd, 0);
  fill(classes, false, n);
  fill(t, false, 0);
  fill(u, false, 0);
  if (even) {
    tw_compose k = {.ctx = ctx};
    tw_tensor *one = u;
    must(tw_compose_end(&k, tw_do1(&k, &tw_op_expand, &(tw_shape_attrs){.shape = {.n = 1, .d = {rows}}}, one), &u));
    tw_tensor_release(ctx, one);
  }
  results r = compute(x, classes, t, u);
  for (int64_t lane = 0; lane < 6; lane++) {
    int64_t i = lane / 2, j = lane % 2;
    tw_tensor x1 = lane_of(x, i, j), c1 = lane_of(classes, i, j), t1 = lane_of(t, i, j), u1 = lane_of(u, i, j);
    tw_tensor y1 = lane_of(r.log_p, i, j), p1 = lane_of(r.p, i, j), e1 = lane_of(r.each, i, j), g1 = lane_of(r.g, i, j), h1 = lane_of(r.h, i, j);
    for (int64_t row = 0; row < rows; row++) {
      double a[512], s[512], y[512], p[512], g[512], h[512], each;
      for (int64_t k = 0; k < n; k++) a[k] = tw_tensor_get(&x1, row * n + k), s[k] = tw_tensor_get(&t1, row * n + k);
      (d == TW_F64 ? define_f64 : define_f32)(y, p, &each, g, h, a, s, tw_tensor_get(&u1, row), tw_tensor_get_i64(&c1, row), n);
      wrong += !same(each, tw_tensor_get(&e1, row));
      for (int64_t k = 0; k < n; k++) {
        int64_t at = row * n + k;
        wrong += !same(y[k], tw_tensor_get(&y1, at)) + !same(p[k], tw_tensor_get(&p1, at));
        wrong += !same(g[k], tw_tensor_get(&g1, at)) + !same(h[k], tw_tensor_get(&h1, at));
      }
    }
  }
  tw_tensor *all[] = {x, classes, t, u, r.log_p, r.p, r.each, r.g, r.h};
  for (int k = 0; k < 9; k++) tw_tensor_release(ctx, all[k]);
  return wrong;
}

static void check_rows(int64_t rows, int64_t n) {
  for (int d = TW_F64; d <= TW_F32; d++) {
    for (int c = 0; c < LAYOUTS * LAYOUTS * LAYOUTS; c++) {
      layout x = (layout)(c % LAYOUTS), classes = (layout)(c / LAYOUTS % LAYOUTS), t = (layout)(c / LAYOUTS / LAYOUTS);
      if (rows * n > 100 && c % 7) continue;
      int64_t wrong = wrong_rows((tw_dtype)d, rows, n, x, classes, t, c % 2, false) + wrong_rows((tw_dtype)d, rows, n, x, classes, t, c % 2, true);
      if (!wrong) continue;
      check_fail(__FILE__, __LINE__);
      printf("[%lld %lld] %s, layouts of logits %d, classes %d, cotangents %d: %lld numbers differ from the definition\n", (long long)rows, (long long)n,
             tw_dtype_name((tw_dtype)d), (int)x, (int)classes, (int)t, (long long)wrong);
    }
  }
}

/* Rows with several NaNs, of either sign: those of the whole tensor against each row alone, as bytes. */
static int64_t wrong_nans(tw_dtype d, int64_t n) {
  tw_tensor *x[2] = {operand(d, 2, 32, n, PLAIN), operand(TW_I64, 1, 32, 0, PLAIN)};
  tw_axis_attrs last = {.axis = 1};
  int64_t wrong = 0;
  fill(x[0], true, 0);
  fill(x[1], false, n);
  for (int64_t i = 0; i < x[0]->size; i += 1 + (int64_t)(unit() * 7)) tw_tensor_set(x[0], i, copysign(NAN, unit() - 0.5));
  for (int classes = 0; classes < 2; classes++) {
    tw_tensor *whole[2] = {NULL, NULL}, *row[2], *alone[2];
    tw_call c = {.op = classes ? &tw_op_cross_entropy : &tw_op_log_softmax, .attrs = &last, .in = x, .out = whole, .n_in = 1 + classes, .n_out = 1 + classes};
    must(tw_apply(ctx, &c));
    for (int64_t i = 0; i < 32; i++) {
      alone[0] = alone[1] = NULL;
      must(tw_tensor_new_view(ctx, x[0], &(tw_shape){.n = 2, .d = {1, n}}, (int64_t[]){n, 1}, i * n, &row[0]));
      must(tw_tensor_new_view(ctx, x[1], &(tw_shape){.n = 1, .d = {1}}, (int64_t[]){1}, i, &row[1]));
      tw_call again = c;
      again.in = row;
      again.out = alone;
      must(tw_apply(ctx, &again));
      for (int k = 0; k <= classes; k++) {
        int64_t bytes = (int64_t)tw_dtype_size(d) * (classes && k == 0 ? 1 : n);
        wrong += memcmp(alone[k]->data, whole[k]->data + i * bytes, (size_t)bytes) != 0;
        tw_tensor_release(ctx, alone[k]);
      }
      for (int k = 0; k < 2; k++) tw_tensor_release(ctx, row[k]);
    }
    for (int k = 0; k <= classes; k++) tw_tensor_release(ctx, whole[k]);
  }
  for (int k = 0; k < 2; k++) tw_tensor_release(ctx, x[k]);
  return wrong;
}

/* Sums over the first axis of [n width], dense or turned, against the tree. */
#define SUM_TEST(T, name, dtype, ADD)                                                                      \
  static int64_t wrong_sums_##name(int64_t n, int64_t width, bool turned) {                                \
    tw_tensor *x = operand(dtype, 2, n, width, turned ? TURNED : PACKED);                                  \
    tw_compose k = {.ctx = ctx};                                                                           \
    tw_reduce_attrs first = {.axes = 1};                                                                   \
    tw_tensor *y;                                                                                          \
    int64_t wrong = 0;                                                                                     \
    fill(x, n % 5 == 0, dtype == TW_I64 ? 1000000 : 0);                                                    \
    must(tw_compose_end(&k, tw_do1(&k, &tw_op_sum, &first, x), &y));                                       \
    for (int64_t lane = 0; lane < 6; lane++) {                                                             \
      tw_tensor x1 = tw_tensor_lane(x, lane), y1 = tw_tensor_lane(y, lane);                                \
      for (int64_t j = 0; j < width; j++) {                                                                \
        T column[512];                                                                                     \
        for (int64_t i = 0; i < n; i++) column[i] = (T)tw_tensor_get(&x1, i * width + j);                  \
        wrong += !same((double)ADD(column, n), tw_tensor_get(&y1, j));                                     \
      }                                                                                                    \
    }                                                                                                      \
    tw_tensor_release(ctx, x);                                                                             \
    tw_tensor_release(ctx, y);                                                                             \
    return wrong;                                                                                          \
  }
static int64_t plain_sum(const int64_t *x, int64_t n) {
  int64_t sum = 0;
  for (int64_t i = 0; i < n; i++) sum += x[i];
  return sum;
}
SUM_TEST(double, f64, TW_F64, tree_f64)
SUM_TEST(float, f32, TW_F32, tree_f32)
SUM_TEST(int64_t, i64, TW_I64, plain_sum)

static void check_sums(int64_t n, int64_t width) {
  for (int turned = 0; turned < 2; turned++) {
    CHECK_INT(wrong_sums_f64(n, width, turned), 0);
    CHECK_INT(wrong_sums_f32(n, width, turned), 0);
    CHECK_INT(wrong_sums_i64(n, width, turned), 0);
  }
}

int main(void) {
  ctx = tw_ctx_new();
  must(tw_lanes_open(ctx, 3, 0));
  must(tw_lanes_open(ctx, 2, 1));
  TEST("rows have the bits of the definition in every lane, whatever differs between lanes and however it lies") {
    static const int64_t shapes[][2] = {{32, 10}, {5, 1}, {7, 3}, {3, 17}, {2, 200}, {1, 10}, {0, 10}, {9, 33}, {13, 2}, {4, 4}, {8, 128}, {1, 129}};
    for (int bytes = 0; bytes <= 32; bytes += 32) {
      tw_limit_vectors(bytes);
      for (int i = 0; i < 12; i++) check_rows(shapes[i][0], shapes[i][1]);
    }
    tw_limit_vectors(0);
  }
  TEST("which NaN fills a row does not depend on the rows beside it") {
    for (int bytes = 0; bytes <= 32; bytes += 32) {
      tw_limit_vectors(bytes);
      for (int64_t n = 1; n <= 40; n++) {
        CHECK_INT(wrong_nans(TW_F64, n), 0);
        CHECK_INT(wrong_nans(TW_F32, n), 0);
      }
    }
    tw_limit_vectors(0);
  }
  TEST("a class outside its range is refused in whichever lane it stands") {
    for (layout how = PLAIN; how < LAYOUTS; how++) {
      tw_tensor *in[2] = {operand(TW_F32, 2, 4, 3, PLAIN), operand(TW_I64, 1, 4, 0, how)}, *out[2] = {NULL, NULL};
      tw_call c = {.op = &tw_op_cross_entropy, .in = in, .out = out, .n_in = 2, .n_out = 2};
      for (int64_t lane = 0; lane < tw_lane_count(in[1]); lane++) {
        for (int wrong = 0; wrong <= 4; wrong += 4) {
          fill(in[1], false, 3);
          tw_tensor one = tw_tensor_lane(in[1], lane);
          tw_tensor_set(&one, 2, wrong);
          CHECK_INT(tw_apply(ctx, &c), TW_EINVAL);
        }
      }
      for (int i = 0; i < 2; i++) tw_tensor_release(ctx, in[i]);
    }
  }
  TEST("a sum over the leading axis is the tree at every width and length, dense and turned, in every lane") {
    static const int64_t lengths[] = {1, 2, 5, 7, 8, 9, 31, 32, 33, 127, 128, 129, 136, 256, 257, 300};
    for (int64_t width = 1; width <= 40; width++) {
      for (int i = 0; i < 16; i++) check_sums(lengths[i], width);
    }
    for (int64_t n = 1; n <= 300; n++) check_sums(n, 1 + n % 18);
    check_sums(200, 1100); /* rows more than a page apart */
  }
  tw_lanes_close(ctx, 0);
  TEST("nothing is left behind") CHECK_INT(tw_ctx_live_tensors(ctx), 0);
  tw_grad_shutdown(ctx);
  tw_ctx_free(ctx);
  TEST("every allocation was given back") CHECK_INT(tw_alloc_live(), 0);
  return check_close();
}
