/* log_softmax along one axis: x - max - log(sum(exp(x - max))), the sum by the one tree; and cross_entropy against classes, which is its picked entry.
 * The rows of all lanes are walked together, a vector's worth of them at a time; bits do not depend on the grouping. */
#include "op/nn.h"
#include "op/vec.h"
#include "op/width.h"
#include "tensor/ctx.h"

/* SHORT: the longest row taken as columns, one block of the summation tree, and the most columns together; a vector has at most MAX_ROWS elements. */
enum { SHORT = 128, MAX_ROWS = 16, MAX_BLOCKS = 4, MAX_WALKED = 4, AXES = TW_MAX_DIM + TW_MAX_LANES };

/* The rows of several tensors, walked together: axes merged where all strides allow, along[k] from one element of a row to the next. Strides in bytes. */
typedef struct {
  int n_axes, n_tensors;
  int64_t size[AXES], at[AXES], stride[MAX_WALKED][AXES], along[MAX_WALKED];
  int64_t n, left;
  char *row[MAX_WALKED];
} walk;

/* Rows taken from it: so many bytes from one to the next, or, where they run over the end of an axis, each by itself. */
typedef struct {
  char *row[MAX_WALKED], *apart[MAX_WALKED][MAX_ROWS];
  int64_t step[MAX_WALKED];
  bool even;
} block;

static inline char *row_of(const block *b, int which, int r) { return b->even ? b->row[which] + r * b->step[which] : b->apart[which][r]; }
static inline int64_t class_of(const block *b, int which, int r) { return *(const int64_t *)(const void *)row_of(b, which, r) - 1; }

static void add_axis(walk *w, int64_t size, const int64_t *stride) {
  int last = w->n_axes - 1;
  bool merges = last >= 0;
  if (size == 1) return;
  for (int k = 0; k < w->n_tensors && merges; k++) merges = w->stride[k][last] == stride[k] * size;
  if (!merges) last = w->n_axes++;
  w->size[last] = merges ? w->size[last] * size : size;
  for (int k = 0; k < w->n_tensors; k++) w->stride[k][last] = stride[k];
}

static void add_lanes(walk *w, tw_tensor *const *t, const tw_tensor *result, const int64_t *item) {
  for (int h = 0; h < TW_MAX_LANES; h++) {
    int64_t stride[MAX_WALKED];
    if (!(result->lanes >> h & 1)) continue;
    for (int k = 0; k < w->n_tensors; k++) stride[k] = t[k]->lanes >> h & 1 ? t[k]->lane_stride[h] * item[k] : 0;
    add_axis(w, result->lane_size[h], stride);
  }
}

/* result has every hidden axis, and `axis`; a tensor without it has a number for each row, and axis is then the last. */
static walk rows_of(int axis, const tw_tensor *result, int n_tensors, tw_tensor *const *t) {
  walk w;
  int64_t item[MAX_WALKED] = {0}, size = result->size * tw_lane_count(result);
  bool inside = result->lanes && tw_lanes_are_fastest(result);
  w.n_axes = 0;
  w.n_tensors = n_tensors;
  w.n = result->shape[axis];
  w.left = w.n ? size / w.n : 0;
  for (int k = 0; k < n_tensors; k++) {
    item[k] = (int64_t)tw_dtype_size((tw_dtype)t[k]->dtype);
    w.row[k] = t[k]->data;
    w.along[k] = axis < t[k]->ndim ? t[k]->stride[axis] * item[k] : 0;
  }
  if (!inside) add_lanes(&w, t, result, item);
  for (int i = 0; i < result->ndim; i++) {
    int64_t stride[MAX_WALKED];
    if (i == axis) continue;
    for (int k = 0; k < n_tensors; k++) stride[k] = t[k]->stride[i] * item[k];
    add_axis(&w, result->shape[i], stride);
  }
  if (inside) add_lanes(&w, t, result, item);
  if (w.n_axes == 0) { /* one row */
    w.size[w.n_axes++] = 1;
    for (int k = 0; k < n_tensors; k++) w.stride[k][0] = 0;
  }
  memset(w.at, 0, sizeof w.at);
  return w;
}

static void step_rows(walk *w, int64_t rows) {
  int i = w->n_axes - 1;
  for (int k = 0; k < w->n_tensors; k++) w->row[k] += w->stride[k][i] * rows;
  w->at[i] += rows;
  while (w->at[i] == w->size[i] && i > 0) {
    for (int k = 0; k < w->n_tensors; k++) w->row[k] += w->stride[k][i - 1] - w->stride[k][i] * w->size[i];
    w->at[i--] = 0;
    w->at[i]++;
  }
}

/* The next rows, at most `most`; what is missing repeats the last. */
static inline int64_t take_rows(walk *w, int most, block *b) {
  int inner = w->n_axes - 1;
  int64_t some = w->left < most ? w->left : most;
  w->left -= some;
  b->even = w->size[inner] - w->at[inner] >= most;
  for (int k = 0; k < w->n_tensors; k++) {
    b->row[k] = w->row[k];
    b->step[k] = b->even ? w->stride[k][inner] : 0;
  }
  if (b->even) {
    step_rows(w, most);
    return some;
  }
  for (int r = 0; r < most; r++) {
    for (int k = 0; k < w->n_tensors; k++) b->apart[k][r] = w->row[k];
    if (r + 1 < some || (r + 1 == some && w->left)) step_rows(w, 1);
  }
  return some;
}

/* What the kernels are written in besides vec.h. Parts: 16 bytes at every step, as many as fill a vector, in which squares of TILE a side are turned. */
#ifdef __AVX2__
TW_INLINE vf64 max_f64(vf64 a, vf64 b) { return (vf64)_mm256_max_pd((__m256d)a, (__m256d)b); }
TW_INLINE vf32 max_f32(vf32 a, vf32 b) { return (vf32)_mm256_max_ps((__m256)a, (__m256)b); }
TW_INLINE bool any_f64(mf64 k) { return _mm256_movemask_pd((__m256d)k) != 0; }
TW_INLINE bool any_f32(mf32 k) { return _mm256_movemask_ps((__m256)k) != 0; }
TW_INLINE vf64 load_parts_f64(const char *row, int64_t step) {
  return (vf64)_mm256_loadu2_m128d((const double *)(const void *)(row + step), (const double *)(const void *)row);
}
TW_INLINE vf32 load_parts_f32(const char *row, int64_t step) {
  return (vf32)_mm256_loadu2_m128((const float *)(const void *)(row + step), (const float *)(const void *)row);
}
TW_INLINE void store_parts_f64(char *row, int64_t step, vf64 v) {
  _mm256_storeu2_m128d((double *)(void *)(row + step), (double *)(void *)row, (__m256d)v);
}
TW_INLINE void store_parts_f32(char *row, int64_t step, vf32 v) { _mm256_storeu2_m128((float *)(void *)(row + step), (float *)(void *)row, (__m256)v); }
#define TURN2(V, W, low, high)       \
  V a = (V)v[0], b = (V)v[1];        \
  v[0] = (W)low(a, b);               \
  v[1] = (W)high(a, b);
#define TURN4(V, D, W, low, high, low_pair, high_pair)                                                  \
  V a = low((V)v[0], (V)v[1]), b = high((V)v[0], (V)v[1]), c = low((V)v[2], (V)v[3]), d = high((V)v[2], (V)v[3]); \
  v[0] = (W)low_pair((D)a, (D)c);                                                                       \
  v[1] = (W)high_pair((D)a, (D)c);                                                                      \
  v[2] = (W)low_pair((D)b, (D)d);                                                                       \
  v[3] = (W)high_pair((D)b, (D)d);
TW_INLINE void turn_f64(vf64 *v) { TURN2(__m256d, vf64, _mm256_unpacklo_pd, _mm256_unpackhi_pd) }
TW_INLINE void turn_f32(vf32 *v) {
  TURN4(__m256, __m256d, vf32, _mm256_unpacklo_ps, _mm256_unpackhi_ps, _mm256_unpacklo_pd, _mm256_unpackhi_pd)
}
#define TILE (16 / (int)sizeof(T))
#else
TW_INLINE vf64 max_f64(vf64 a, vf64 b) { TW_EACH(vf64, 4, a[i] > b[i] ? a[i] : b[i]) }
TW_INLINE vf32 max_f32(vf32 a, vf32 b) { TW_EACH(vf32, 8, a[i] > b[i] ? a[i] : b[i]) }
TW_INLINE bool any_f64(mf64 k) { return k[0] | k[1] | k[2] | k[3]; }
TW_INLINE bool any_f32(mf32 k) { return k[0] | k[1] | k[2] | k[3] | k[4] | k[5] | k[6] | k[7]; }
#endif

#define T double
#define V vf64
#define M mf64
#define W 4
#define N(name) name##_f64
#define SUM tw_sum_f64
#include "op/softmax_kernels.inc"
#define T float
#define V vf32
#define M mf32
#define W 8
#define N(name) name##_f32
#define SUM tw_sum_f32
#include "op/softmax_kernels.inc"

#ifdef __AVX2__
#pragma GCC push_options
#pragma GCC target("avx512f")
/* The exponential has the same bits at both widths. The wide logarithm has not: its NaNs differ. */
typedef double v8d __attribute__((vector_size(64)));
typedef int64_t m8d __attribute__((vector_size(64)));
typedef float v16s __attribute__((vector_size(64)));
typedef int32_t m16s __attribute__((vector_size(64)));
extern __m512d Sleef_finz_expd8_u10avx512f(__m512d);
extern __m512 Sleef_finz_expf16_u10avx512f(__m512);
TW_INLINE v8d exp_d512(v8d x) { return (v8d)Sleef_finz_expd8_u10avx512f((__m512d)x); }
TW_INLINE v16s exp_s512(v16s x) { return (v16s)Sleef_finz_expf16_u10avx512f((__m512)x); }
TW_INLINE v8d log_d512(v8d x) {
  vf64 h[2];
  memcpy(h, &x, sizeof h);
  for (int i = 0; i < 2; i++) h[i] = log_f64(h[i]);
  memcpy(&x, h, sizeof h);
  return x;
}
TW_INLINE v16s log_s512(v16s x) {
  vf32 h[2];
  memcpy(h, &x, sizeof h);
  for (int i = 0; i < 2; i++) h[i] = log_f32(h[i]);
  memcpy(&x, h, sizeof h);
  return x;
}
TW_INLINE v8d max_d512(v8d a, v8d b) { return (v8d)_mm512_max_pd((__m512d)a, (__m512d)b); }
TW_INLINE v16s max_s512(v16s a, v16s b) { return (v16s)_mm512_max_ps((__m512)a, (__m512)b); }
TW_INLINE bool any_d512(m8d k) { return _mm512_test_epi64_mask((__m512i)k, (__m512i)k) != 0; }
TW_INLINE bool any_s512(m16s k) { return _mm512_test_epi32_mask((__m512i)k, (__m512i)k) != 0; }
TW_INLINE v16s load_parts_s512(const char *row, int64_t step) {
  __m512 v = _mm512_castps128_ps512(_mm_loadu_ps((const float *)(const void *)row));
  v = _mm512_insertf32x4(v, _mm_loadu_ps((const float *)(const void *)(row + step)), 1);
  v = _mm512_insertf32x4(v, _mm_loadu_ps((const float *)(const void *)(row + 2 * step)), 2);
  return (v16s)_mm512_insertf32x4(v, _mm_loadu_ps((const float *)(const void *)(row + 3 * step)), 3);
}
TW_INLINE v8d load_parts_d512(const char *row, int64_t step) { return (v8d)load_parts_s512(row, step); }
TW_INLINE void store_parts_s512(char *row, int64_t step, v16s v) {
  _mm_storeu_ps((float *)(void *)row, _mm512_castps512_ps128((__m512)v));
  _mm_storeu_ps((float *)(void *)(row + step), _mm512_extractf32x4_ps((__m512)v, 1));
  _mm_storeu_ps((float *)(void *)(row + 2 * step), _mm512_extractf32x4_ps((__m512)v, 2));
  _mm_storeu_ps((float *)(void *)(row + 3 * step), _mm512_extractf32x4_ps((__m512)v, 3));
}
TW_INLINE void store_parts_d512(char *row, int64_t step, v8d v) { store_parts_s512(row, step, (v16s)v); }
TW_INLINE void turn_d512(v8d *v) { TURN2(__m512d, v8d, _mm512_unpacklo_pd, _mm512_unpackhi_pd) }
TW_INLINE void turn_s512(v16s *v) {
  TURN4(__m512, __m512d, v16s, _mm512_unpacklo_ps, _mm512_unpackhi_ps, _mm512_unpacklo_pd, _mm512_unpackhi_pd)
}
#define T double
#define V v8d
#define M m8d
#define W 8
#define N(name) name##_d512
#define SUM tw_sum_f64
#include "op/softmax_kernels.inc"
#define T float
#define V v16s
#define M m16s
#define W 16
#define N(name) name##_s512
#define SUM tw_sum_f32
#include "op/softmax_kernels.inc"
#pragma GCC pop_options
#define KERNEL(name) {{name##_f64, name##_d512}, {name##_f32, name##_s512}}
#else
#define KERNEL(name) {{name##_f64, name##_f64}, {name##_f32, name##_f32}}
#endif

/* By dtype, and by whether vectors are wide. */
typedef void (*const kernel[2][2])(walk *, void *);
static kernel log_softmax = KERNEL(log_softmax), cross_entropy = KERNEL(cross_entropy);
static kernel adjoint_rows = KERNEL(adjoint), classes_adjoint = KERNEL(classes_adjoint);

/* f over the rows, with room for two of them. */
static tw_status run_rows(tw_ctx *ctx, walk *w, tw_dtype d, kernel f) {
  double few[2 * SHORT];
  tw_tensor *buffer = NULL;
  tw_shape room = {.n = 1, .d = {2 * w->n}};
  if (w->left == 0) return TW_OK;
  tw_status s = w->n > SHORT ? tw_tensor_new(ctx, d, &room, &buffer) : TW_OK;
  if (s != TW_OK) return s;
  f[d == TW_F32][tw_vectors_are_wide()](w, buffer ? (void *)buffer->data : few);
  tw_tensor_release(ctx, buffer);
  return TW_OK;
}

static tw_status infer_log_softmax(tw_ctx *ctx, const tw_call *c, tw_meta *out) {
  out[0] = (tw_meta){.dtype = (tw_dtype)c->in[0]->dtype, .shape = tw_tensor_shape(c->in[0])};
  return tw_is_real(out[0].dtype) ? TW_OK : tw_fail_shapes(ctx, c, "needs a real tensor");
}

static tw_status run_log_softmax(tw_ctx *ctx, const tw_call *c) {
  tw_tensor *t[2] = {c->in[0], c->out[0]};
  walk w = rows_of(((const tw_axis_attrs *)c->attrs)->axis, t[1], 2, t);
  return run_rows(ctx, &w, (tw_dtype)t[0]->dtype, log_softmax);
}

/* The adjoint in one kernel, for where nobody differentiates it again: (t, y) -> t - exp(y) sum(t). */

static tw_status run_adjoint(tw_ctx *ctx, const tw_call *c) {
  tw_tensor *t[3] = {c->in[0], c->in[1], c->out[0]};
  walk w = rows_of(((const tw_axis_attrs *)c->attrs)->axis, t[2], 3, t);
  return run_rows(ctx, &w, (tw_dtype)t[0]->dtype, adjoint_rows);
}

static const tw_op adjoint_op = {.name = "log_softmax'", .about = "the adjoint of log_softmax", .n_in = 2, .n_out = 1,
                                 .flags = TW_OP_NO_GRAD | TW_OP_STRIDED, .attrs_bytes = sizeof(tw_axis_attrs), .infer = infer_log_softmax, .run = run_adjoint};

/* t - p sum(t). */
static tw_tensor *less_share(tw_compose *k, tw_tensor *t, tw_tensor *p, int axis) {
  tw_reduce_attrs along = {.axes = 1u << axis, .keepdim = true};
  return tw_do2(k, &tw_op_sub, NULL, t, tw_do2(k, &tw_op_mul, NULL, p, tw_do1(k, &tw_op_sum, &along, t)));
}

/* t - sum(p t). */
static tw_tensor *less_mean(tw_compose *k, tw_tensor *t, tw_tensor *p, int axis) {
  tw_reduce_attrs along = {.axes = 1u << axis, .keepdim = true};
  return tw_do2(k, &tw_op_sub, NULL, t, tw_do1(k, &tw_op_sum, &along, tw_do2(k, &tw_op_mul, NULL, p, t)));
}

/* The softmax is exp(y). */
static tw_tensor *adjoint(tw_compose *k, tw_tensor *t, tw_tensor *y, int axis) {
  tw_axis_attrs a = {.axis = axis};
  if (!tw_would_record(k->ctx, (tw_tensor *[]){t, y}, 2)) return tw_do2(k, &adjoint_op, &a, t, y);
  return less_share(k, t, tw_do1(k, &tw_op_exp, NULL, y), axis);
}

static tw_status vjp_log_softmax(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **grad, const bool *wanted) {
  (void)wanted;
  tw_compose k = {.ctx = ctx};
  return tw_compose_end(&k, adjoint(&k, t[0], c->out[0], ((const tw_axis_attrs *)c->attrs)->axis), &grad[0]);
}

static tw_status jvp_log_softmax(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **out) {
  tw_compose k = {.ctx = ctx};
  return tw_compose_end(&k, less_mean(&k, t[0], tw_do1(&k, &tw_op_exp, NULL, c->out[0]), ((const tw_axis_attrs *)c->attrs)->axis), &out[0]);
}

const tw_op tw_op_log_softmax = {.name = "log_softmax", .about = "x - log(sum(exp(x))) along an axis, without overflow", .n_in = 1, .n_out = 1,
                                 .flags = TW_OP_STEADY | TW_OP_STRIDED, .attrs_bytes = sizeof(tw_axis_attrs), .infer = infer_log_softmax,
                                 .run = run_log_softmax, .vjp = vjp_log_softmax, .jvp = jvp_log_softmax};

/* cross_entropy: -log_softmax(logits)[class] for each row, and softmax(logits) as the second result, from which the derivatives come. */

tw_status tw__check_classes(tw_ctx *ctx, const char *op, const tw_tensor *x, const tw_tensor *target) {
  char p[128], q[128];
  bool fits = tw_is_real((tw_dtype)x->dtype) && x->ndim == target->ndim + 1 && target->dtype == TW_I64;
  for (int i = 0; fits && i < target->ndim; i++) fits = x->shape[i] == target->shape[i];
  if (!fits) {
    return tw_fail(&ctx->error, TW_EINVAL,
                   "%s: the target must be classes, i64 of the first argument's shape without its last axis: the first argument is %s, the target %s", op,
                   tw_tensor_describe(x, p, sizeof p), tw_tensor_describe(target, q, sizeof q));
  }
  for (int64_t lane = target->lanes ? tw_lane_count(target) - 1 : 0; lane > 0; lane--) {
    tw_tensor one = tw_tensor_lane(target, lane);
    tw_status s = tw__check_classes(ctx, op, x, &one);
    if (s != TW_OK) return s;
  }
  bool dense = tw_tensor_is_contiguous(target);
  for (int64_t i = 0; i < target->size; i++) {
    int64_t at = dense ? ((const int64_t *)(const void *)target->data)[i] : tw_tensor_get_i64(target, i);
    if (at >= 1 && at <= x->shape[x->ndim - 1]) continue;
    return tw_fail(&ctx->error, TW_EINVAL, "%s: class %lld (element %lld of the target) is outside 1..%lld; classes count from 1", op, (long long)at,
                   (long long)i + 1, (long long)x->shape[x->ndim - 1]);
  }
  return TW_OK;
}

static tw_status infer_cross_entropy(tw_ctx *ctx, const tw_call *c, tw_meta *out) {
  const tw_tensor *x = c->in[0];
  out[0] = (tw_meta){.dtype = (tw_dtype)x->dtype, .shape = tw_tensor_shape(c->in[1])};
  out[1] = (tw_meta){.dtype = (tw_dtype)x->dtype, .shape = tw_tensor_shape(x)};
  return tw__check_classes(ctx, c->op->name, x, c->in[1]);
}

static tw_status run_cross_entropy(tw_ctx *ctx, const tw_call *c) {
  tw_tensor *t[4] = {c->in[0], c->out[1], c->in[1], c->out[0]};
  walk w = rows_of(t[0]->ndim - 1, t[1], 4, t);
  return run_rows(ctx, &w, (tw_dtype)t[0]->dtype, cross_entropy);
}

/* (t, softmax, classes) -> the logits' cotangent, in one kernel. */

static tw_status infer_classes_adjoint(tw_ctx *ctx, const tw_call *c, tw_meta *out) {
  (void)ctx;
  out[0] = (tw_meta){.dtype = (tw_dtype)c->in[1]->dtype, .shape = tw_tensor_shape(c->in[1])};
  return TW_OK;
}

static tw_status run_classes_adjoint(tw_ctx *ctx, const tw_call *c) {
  tw_tensor *t[4] = {c->in[0], c->in[1], c->out[0], c->in[2]};
  walk w = rows_of(t[1]->ndim - 1, t[2], 4, t);
  return run_rows(ctx, &w, (tw_dtype)t[0]->dtype, classes_adjoint);
}

static const tw_op classes_adjoint_op = {.name = "cross_entropy'", .about = "the adjoint of cross_entropy", .n_in = 3, .n_out = 1,
                                         .flags = TW_OP_NO_GRAD | TW_OP_STRIDED, .infer = infer_classes_adjoint, .run = run_classes_adjoint};

/* With u = -t at the classes, and q the cotangent of p = softmax(logits): v - p sum(v), v = u + p q. */
static tw_status vjp_cross_entropy(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **grad, const bool *wanted) {
  if (!wanted[0]) return TW_OK;
  tw_compose k = {.ctx = ctx};
  tw_tensor *p = c->out[1], *v = NULL;
  int axis = p->ndim - 1;
  if (t[0] && !t[1] && !tw_would_record(ctx, (tw_tensor *[]){t[0], p}, 2)) {
    return tw_compose_end(&k, tw_do3(&k, &classes_adjoint_op, NULL, t[0], p, c->in[1]), &grad[0]);
  }
  if (t[0]) {
    tw_index_add_attrs classes = {.axis = axis, .size = p->shape[axis]};
    v = tw_do2(&k, &tw_op_unpick, &classes, tw_do1(&k, &tw_op_neg, NULL, t[0]), c->in[1]);
  }
  if (t[1]) {
    tw_tensor *pq = tw_do2(&k, &tw_op_mul, NULL, p, t[1]);
    v = t[0] ? tw_do2(&k, &tw_op_add, NULL, v, pq) : pq;
  }
  return tw_compose_end(&k, less_share(&k, v, p, axis), &grad[0]);
}

static tw_status jvp_cross_entropy(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **out) {
  tw_compose k = {.ctx = ctx};
  tw_tensor *p = c->out[1], *moved = less_mean(&k, t[0], p, p->ndim - 1);
  tw_tensor *each = tw_do1(&k, &tw_op_neg, NULL, tw_do2(&k, &tw_op_pick, NULL, moved, c->in[1]));
  tw_tensor *of_p = tw_do2(&k, &tw_op_mul, NULL, p, moved);
  if (k.status == TW_OK) out[1] = tw_tensor_retain(of_p);
  return tw_compose_end(&k, each, &out[0]);
}

const tw_op tw_op_cross_entropy = {.name = "cross_entropy", .about = "minus the log softmax of each row at its class", .n_in = 2, .n_out = 2,
                                   .flags = TW_OP_STEADY | TW_OP_STRIDED, .infer = infer_cross_entropy, .run = run_cross_entropy,
                                   .vjp = vjp_cross_entropy, .jvp = jvp_cross_entropy};
