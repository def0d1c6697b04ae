/* The matrix product as an operation, batched over leading axes that broadcast. */
#include <math.h>
#include <string.h>

#include "op/finish.h"
#include "op/gemm.h"
#include "op/product.h"
#include "tensor/ctx.h"

static tw_status refuse(tw_ctx *ctx, const tw_call *c, const char *what, const char *hint) {
  char a[128], b[128];
  tw_tensor_describe(c->in[0], a, sizeof a);
  tw_tensor_describe(c->in[1], b, sizeof b);
  return tw_fail(&ctx->error, TW_EINVAL, "%s: %s: a is %s, b is %s%s", c->op->name, what, a, b, hint);
}

static tw_status infer_matmul(tw_ctx *ctx, const tw_call *c, tw_meta *out) {
  const tw_tensor *a = c->in[0], *b = c->in[1];
  if (a->ndim < 2 || b->ndim < 2) return refuse(ctx, c, "a matrix is needed on both sides", "");
  if (a->dtype != b->dtype || !tw_is_real((tw_dtype)a->dtype)) {
    return refuse(ctx, c, "the operands must be real and of one dtype", "; convert one with :to()");
  }
  int64_t M = a->shape[a->ndim - 2], K = a->shape[a->ndim - 1], N = b->shape[b->ndim - 1];
  if (b->shape[b->ndim - 2] != K) return refuse(ctx, c, "inner sizes differ", N == K ? "; did you mean b:t()?" : "");
  tw_shape p = tw_tensor_shape(a), q = tw_tensor_shape(b);
  p.n -= 2;
  q.n -= 2;
  if (!tw_shape_broadcast(&p, &q, &out[0].shape)) return refuse(ctx, c, "the leading axes do not broadcast", "");
  out[0].dtype = (tw_dtype)a->dtype;
  out[0].shape.d[out[0].shape.n++] = M;
  out[0].shape.d[out[0].shape.n++] = N;
  return TW_OK;
}

/* Where matrix number `batch` of y's leading axes begins inside x, in elements. */
static int64_t matrix(const tw_tensor *x, const tw_tensor *y, int64_t batch) {
  int64_t at = 0;
  for (int i = y->ndim - 3; i >= 0; i--) {
    int own = i - (y->ndim - x->ndim);
    if (own >= 0 && x->shape[own] != 1) at += batch % y->shape[i] * x->stride[own];
    batch /= y->shape[i];
  }
  return at;
}

/* Where a lane of y begins inside x, which may have fewer hidden axes. */
static int64_t lane_of(const tw_tensor *x, const tw_tensor *y, int64_t lane) {
  int64_t at = 0;
  for (int h = TW_MAX_LANES - 1; h >= 0; h--) {
    if (!(y->lanes >> h & 1)) continue;
    if (x->lanes >> h & 1) at += lane % y->lane_size[h] * x->lane_stride[h];
    lane /= y->lane_size[h];
  }
  return at;
}

/* Lanes side by side: the same chain per element, ACROSS lanes in one go. a, b: one lane apart or the same in all. c: lanes at distance 1. */
enum { ACROSS = 16 };
#define LANES(T, name, FMA)                                                                                                                        \
  static inline __attribute__((always_inline)) void chain_##name(T *c, const T *a, int64_t a_col, bool a_moves, const T *b, int64_t b_row, bool b_moves, \
                                                                 int64_t K, int64_t n) {                                                           \
    T sum[ACROSS] = {0};                                                                                                                           \
    for (int64_t k = 0; k < K; k++, a += a_col, b += b_row) {                                                                                      \
      for (int64_t l = 0; l < n; l++) sum[l] = FMA(a[a_moves ? l : 0], b[b_moves ? l : 0], sum[l]);                                                \
    }                                                                                                                                              \
    for (int64_t l = 0; l < n; l++) c[l] = sum[l];                                                                                                 \
  }                                                                                                                                                \
  static void lanes_##name(T *c, const T *a, int64_t a_col, bool a_moves, const T *b, int64_t b_row, bool b_moves, int64_t K, int64_t n) {         \
    int64_t l = 0;                                                                                                                                 \
    for (; l + ACROSS <= n; l += ACROSS) {                                                                                                         \
      if (a_moves && b_moves) chain_##name(c + l, a + l, a_col, true, b + l, b_row, true, K, ACROSS);                                              \
      else if (a_moves) chain_##name(c + l, a + l, a_col, true, b, b_row, false, K, ACROSS);                                                       \
      else chain_##name(c + l, a, a_col, false, b + l, b_row, true, K, ACROSS);                                                                    \
    }                                                                                                                                              \
    if (l < n) chain_##name(c + l, a_moves ? a + l : a, a_col, a_moves, b_moves ? b + l : b, b_row, b_moves, K, n - l);                            \
  }
LANES(double, f64, fma)
LANES(float, f32, fmaf)

static void multiply_lanes(tw_dtype d, const tw_products *m, const char *a, bool a_moves, const char *b, bool b_moves, char *c, int64_t c_col, int64_t lanes) {
  for (int64_t i = 0; i < m->M; i++) {
    for (int64_t j = 0; j < m->N; j++) {
      int64_t p = i * m->a_row, q = j * m->b_col, r = i * m->c_row + j * c_col;
      if (d == TW_F64) {
        lanes_f64((double *)(void *)c + r, (const double *)(const void *)a + p, m->a_col, a_moves, (const double *)(const void *)b + q, m->b_row, b_moves, m->K,
                  lanes);
      } else {
        lanes_f32((float *)(void *)c + r, (const float *)(const void *)a + p, m->a_col, a_moves, (const float *)(const void *)b + q, m->b_row, b_moves, m->K,
                  lanes);
      }
    }
  }
}

/* All lanes of one element lie together. */
static bool one_block(const tw_tensor *y) {
  int64_t expected = 1;
  for (int h = TW_MAX_LANES - 1; h >= 0; h--) {
    if (!(y->lanes >> h & 1)) continue;
    if (y->lane_stride[h] != expected) return false;
    expected *= y->lane_size[h];
  }
  return true;
}

/* The hidden axes of one operand are those of the result, side by side in the same way, or none. */
static bool side_by_side(const tw_tensor *x, const tw_tensor *y) {
  if (!x->lanes) return true;
  for (int h = 0; h < TW_MAX_LANES; h++) {
    if (y->lanes >> h & 1 && (!(x->lanes >> h & 1) || x->lane_stride[h] != y->lane_stride[h])) return false;
  }
  return true;
}

/* Where b is one for all lanes and the rows of a in all lanes lie at one distance, they are rows of one product: the chain of an element does not see it. */
static bool rows_of_all_lanes(const tw_tensor *a, const tw_tensor *b, const tw_tensor *y, tw_products *m) {
  int h = __builtin_ctz(y->lanes);
  if (b->lanes || !a->lanes || y->lanes != 1u << h || y->ndim > 2 || !tw_tensor_is_contiguous(y)) return false;
  if (y->lane_stride[h] != m->M * m->N || (m->M > 1 && a->lane_stride[h] != m->M * m->a_row)) return false;
  if (m->M == 1) m->a_row = a->lane_stride[h];
  m->M *= y->lane_size[h];
  return true;
}

/* A tw_after on its way through the products of one call of the kernel. */
typedef struct {
  tw_dtype dtype;
  const tw_op *then;
  int64_t rows, columns, with_step, sums_step; /* bytes from one product's to the next one's */
  char *with, *sums;
} finish;

static void finish_product(void *user, int64_t which, void *c) {
  const finish *f = user;
  char *with = f->with ? f->with + which * f->with_step : NULL, *sums = f->sums ? f->sums + which * f->sums_step : NULL;
  tw_finish_matrix(f->dtype, f->then, c, with, sums, f->rows, f->columns);
}

/* The last hidden axis is walked by the kernel, the others here. */
static void multiply(const tw_tensor *a, const tw_tensor *b, const tw_tensor *bias, const tw_after *after, const tw_tensor *y, tw_products m) {
  int64_t item = (int64_t)tw_dtype_size((tw_dtype)y->dtype), count = y->size / (m.M * m.N), lanes = tw_lane_count(y);
  const tw_tensor *with = after ? after->with : NULL, *sums = after ? after->sums : NULL;
  finish f = {.dtype = (tw_dtype)y->dtype, .rows = m.M, .columns = m.N, .then = after ? after->then : NULL};
  if (after) {
    m.then = finish_product;
    m.user = &f;
  }
  if (y->lanes) {
    int h = 31 - __builtin_clz(y->lanes);
    m.count = y->lane_size[h];
    m.a_step = a->lanes >> h & 1 ? a->lane_stride[h] : 0;
    m.b_step = b->lanes >> h & 1 ? b->lane_stride[h] : 0;
    m.bias_step = bias && bias->lanes >> h & 1 ? bias->lane_stride[h] : 0;
    m.c_step = y->lane_stride[h];
    f.with_step = with && with->lanes >> h & 1 ? with->lane_stride[h] * item : 0;
    f.sums_step = sums ? sums->lane_stride[h] * item : 0;
  }
  for (int64_t lane = 0; lane < lanes; lane += m.count) {
    const char *p = a->data + lane_of(a, y, lane) * item, *q = b->data + lane_of(b, y, lane) * item;
    char *r = y->data + lane_of(y, y, lane) * item;
    m.bias = bias ? bias->data + lane_of(bias, y, lane) * item : NULL;
    f.sums = sums ? sums->data + lane_of(sums, y, lane) * item : NULL;
    for (int64_t i = 0; i < count; i++) {
      m.a = p + matrix(a, y, i) * item;
      m.b = q + matrix(b, y, i) * item;
      m.c = r + i * m.M * m.N * item;
      f.with = with ? with->data + (lane_of(with, y, lane) + i * m.M * m.N) * item : NULL;
      tw_gemm((tw_dtype)y->dtype, &m);
    }
  }
}

/* The same afterwards, call by call. */
static tw_status finish_apart(tw_ctx *ctx, const tw_after *after, tw_tensor *y) {
  tw_status s = TW_OK;
  if (after->then) {
    tw_tensor *in[3] = {y, after->with, after->with};
    s = tw__run(ctx, &(tw_call){.op = after->then, .in = in, .out = &y, .n_in = after->with ? 3 : 1, .n_out = 1});
  }
  if (s != TW_OK || !after->sums) return s;
  tw_shape_attrs own = {.shape = tw_tensor_shape(after->sums)};
  return tw__run(ctx, &(tw_call){.op = &tw_op_sum_to, .attrs = &own, .in = &y, .out = (tw_tensor *[]){after->sums}, .n_in = 1, .n_out = 1});
}

tw_status tw__run_product(tw_ctx *ctx, const tw_tensor *a, const tw_tensor *b, tw_tensor *bias, const tw_after *after, tw_tensor *y) {
  tw_products m = {.M = a->shape[a->ndim - 2], .K = a->shape[a->ndim - 1], .N = b->shape[b->ndim - 1], .count = 1,
                   .a_row = a->stride[a->ndim - 2], .a_col = a->stride[a->ndim - 1], .b_row = b->stride[b->ndim - 2], .b_col = b->stride[b->ndim - 1],
                   .c_row = y->stride[y->ndim - 2], .bias_col = bias ? bias->stride[0] : 0};
  tw_dtype d = (tw_dtype)y->dtype;
  if (y->size == 0) return after ? finish_apart(ctx, after, y) : TW_OK;
  if (y->lanes && (a->lanes || b->lanes) && one_block(y) && side_by_side(a, y) && side_by_side(b, y)) {
    int64_t item = (int64_t)tw_dtype_size(d), count = y->size / (m.M * m.N);
    for (int64_t i = 0; i < count; i++) {
      multiply_lanes(d, &m, a->data + matrix(a, y, i) * item, a->lanes, b->data + matrix(b, y, i) * item, b->lanes, y->data + matrix(y, y, i) * item,
                     y->stride[y->ndim - 1], tw_lane_count(y));
    }
    tw_status s = bias ? tw__run(ctx, &(tw_call){.op = &tw_op_add, .in = (tw_tensor *[]){y, bias}, .out = &y, .n_in = 2, .n_out = 1}) : TW_OK;
    return s == TW_OK && after ? finish_apart(ctx, after, y) : s;
  }
  char scratch[TW_GEMM_SCRATCH] __attribute__((aligned(64)));
  tw_tensor *packed = NULL;
  tw_status s = TW_OK;
  if (y->lanes && !tw_tensor_is_contiguous(y)) { /* the kernel writes whole rows */
    tw_shape shape = tw_tensor_shape(y);
    tw_lanes l = {0};
    s = tw_lanes_join(&l, y) ? tw_tensor_new_packed(ctx, d, &shape, &l, &packed) : TW_ESTATE;
    if (s != TW_OK) return s;
  }
  const tw_tensor *result = packed ? packed : y;
  bool apart = after && ((after->with && !tw_tensor_is_contiguous(after->with)) || (after->sums && !tw_tensor_is_contiguous(after->sums)));
  m.scratch = scratch;
  m.c_row = m.N;
  if (y->lanes && !(after && (after->with || after->sums)) && !(bias && bias->lanes) && rows_of_all_lanes(a, b, result, &m)) {
    finish f = {.dtype = d, .rows = m.M, .columns = m.N, .then = after ? after->then : NULL};
    m.a = a->data;
    m.b = b->data;
    m.bias = bias ? bias->data : NULL;
    m.c = result->data;
    m.then = after ? finish_product : NULL;
    m.user = &f;
    tw_gemm(d, &m);
  } else {
    multiply(a, b, bias, apart ? NULL : after, result, m);
  }
  if (packed) tw__copy_into(y, packed);
  tw_tensor_release(ctx, packed);
  return apart ? finish_apart(ctx, after, y) : TW_OK;
}

static tw_status run_matmul(tw_ctx *ctx, const tw_call *c) { return tw__run_product(ctx, c->in[0], c->in[1], NULL, NULL, c->out[0]); }

static tw_tensor *transposed(tw_compose *k, tw_tensor *x) {
  tw_permute_attrs a = {.n = x->ndim};
  for (int i = 0; i < x->ndim; i++) a.axis[i] = i;
  a.axis[x->ndim - 1] = x->ndim - 2;
  a.axis[x->ndim - 2] = x->ndim - 1;
  return tw_do1(k, &tw_op_permute, &a, x);
}

/* y = a b: da = t b', db = a' t, summed over the leading axes that were broadcast. */
static tw_status vjp_matmul(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **grad, const bool *wanted) {
  for (int i = 0; i < 2; i++) {
    if (!wanted[i]) continue;
    tw_compose k = {.ctx = ctx};
    tw_tensor *other = transposed(&k, c->in[1 - i]);
    tw_tensor *g = i == 0 ? tw_do2(&k, &tw_op_matmul, NULL, t[0], other) : tw_do2(&k, &tw_op_matmul, NULL, other, t[0]);
    tw_shape_attrs own = {.shape = tw_tensor_shape(c->in[i])};
    if (g) {
      tw_shape whole = tw_tensor_shape(g);
      if (!tw_shape_equal(&own.shape, &whole)) g = tw_do1(&k, &tw_op_sum_to, &own, g);
    }
    tw_status s = tw_compose_end(&k, g, &grad[i]);
    if (s != TW_OK) return s;
  }
  return TW_OK;
}

static tw_status jvp_matmul(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **out) {
  tw_compose k = {.ctx = ctx};
  tw_tensor *left = t[0] ? tw_do2(&k, &tw_op_matmul, NULL, t[0], c->in[1]) : NULL;
  tw_tensor *right = t[1] ? tw_do2(&k, &tw_op_matmul, NULL, c->in[0], t[1]) : NULL;
  return tw_compose_end(&k, left && right ? tw_do2(&k, &tw_op_add, NULL, left, right) : left ? left : right, &out[0]);
}

const tw_op tw_op_matmul = {.name = "matmul", .about = "the matrix product; leading axes broadcast", .n_in = 2, .n_out = 1,
                            .flags = TW_OP_STEADY | TW_OP_STRIDED, .infer = infer_matmul,
                            .run = run_matmul, .vjp = vjp_matmul, .jvp = jvp_matmul};

/* linear: a b + bias, the bias in the product's last pass over its result, and an activation over that while it is in the nearest cache. */

const tw_op *tw_activation_op(tw_activation a) {
  static const tw_op *const ops[TW_N_ACTIVATIONS] = {[TW_RELU] = &tw_op_relu, [TW_TANH] = &tw_op_tanh, [TW_SIGMOID] = &tw_op_sigmoid};
  return ops[a];
}

static const tw_op *then_of(const tw_call *c) { return tw_activation_op(((const tw_linear_attrs *)c->attrs)->then); }

static tw_status infer_linear(tw_ctx *ctx, const tw_call *c, tw_meta *out) {
  const tw_tensor *bias = c->in[2];
  tw_status s = infer_matmul(ctx, c, out);
  if (s != TW_OK) return s;
  bool fits = bias->ndim == 1 && bias->shape[0] == out[0].shape.d[out[0].shape.n - 1] && bias->dtype == (uint8_t)out[0].dtype;
  return fits ? TW_OK : tw_fail_shapes(ctx, c, "the bias must have one element for each column");
}

static tw_status run_linear(tw_ctx *ctx, const tw_call *c) {
  tw_after after = {.then = then_of(c)};
  return tw__run_product(ctx, c->in[0], c->in[1], c->in[2], after.then ? &after : NULL, c->out[0]);
}

/* t times the activation's derivative, which its result y tells as well as its argument would: relu's is 1(y > 0), tanh's 1 - y^2, sigmoid's y (1 - y). */
static tw_tensor *times_derivative(tw_compose *k, const tw_op *then, tw_tensor *t, tw_tensor *y) {
  if (tw_would_record(k->ctx, (tw_tensor *[]){t, y}, 2)) return then->row->compose(k, 0, t, y, NULL, y);
  return tw_do3(k, then->row->derivative[0], NULL, t, y, y);
}

static tw_status vjp_linear(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **grad, const bool *wanted) {
  tw_compose k = {.ctx = ctx};
  tw_shape_attrs own = {.shape = tw_tensor_shape(c->in[2])};
  tw_tensor *before = then_of(c) ? times_derivative(&k, then_of(c), t[0], c->out[0]) : t[0];
  if (k.status == TW_OK) k.status = vjp_matmul(ctx, c, &before, grad, wanted);
  tw_tensor *of_bias = wanted[2] ? tw_do1(&k, &tw_op_sum_to, &own, before) : before;
  tw_tensor *result = NULL;
  tw_status s = tw_compose_end(&k, of_bias, &result);
  if (wanted[2]) grad[2] = result;
  else tw_tensor_release(ctx, result);
  return s;
}

/* Of the affine map; out stays NULL for zero. */
static tw_status jvp_affine(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **out) {
  tw_compose k = {.ctx = ctx};
  tw_tensor *moved = NULL, *whole = NULL;
  tw_status s = t[0] || t[1] ? jvp_matmul(ctx, c, t, &moved) : TW_OK;
  if (s != TW_OK || !t[2]) {
    *out = moved;
    return s;
  }
  if (moved) {
    whole = tw_do2(&k, &tw_op_add, NULL, moved, t[2]);
  } else {
    tw_shape_attrs shape = {.shape = tw_tensor_shape(c->out[0])};
    whole = tw_do1(&k, &tw_op_expand, &shape, t[2]);
  }
  s = tw_compose_end(&k, whole, out);
  tw_tensor_release(ctx, moved);
  return s;
}

static tw_status jvp_linear(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **out) {
  tw_status s = jvp_affine(ctx, c, t, out);
  tw_tensor *moved = *out;
  if (s != TW_OK || !moved || !then_of(c)) return s;
  tw_compose k = {.ctx = ctx};
  *out = NULL;
  s = tw_compose_end(&k, times_derivative(&k, then_of(c), moved, c->out[0]), out);
  tw_tensor_release(ctx, moved);
  return s;
}

const tw_op tw_op_linear = {.name = "linear", .about = "the matrix product, a bias added to each row, and an activation", .n_in = 3, .n_out = 1,
                            .flags = TW_OP_STEADY | TW_OP_STRIDED, .attrs_bytes = sizeof(tw_linear_attrs), .infer = infer_linear, .run = run_linear,
                            .vjp = vjp_linear, .jvp = jvp_linear};
