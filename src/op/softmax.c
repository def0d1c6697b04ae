/* log_softmax along one axis: x - max - log(sum(exp(x - max))), the sum by the one tree; and cross_entropy against classes, which is its picked entry.
 * Rows go through dense buffers several at a time, so that exponentials and logarithms fill their vectors; bits do not depend on the grouping. */
#include "op/nn.h"
#include "op/vec.h"
#include "tensor/ctx.h"

#define T double
#define V vf64
#define W 4
#define N(name) name##_f64
#include "op/softmax_kernels.inc"
#undef T
#undef V
#undef W
#undef N
#define T float
#define V vf32
#define W 8
#define N(name) name##_f32
#include "op/softmax_kernels.inc"
#undef T
#undef V
#undef W
#undef N

enum { GROUP = 1024 }; /* elements taken together: two buffers of them stay in the first-level cache */

/* The rows of up to three tensors of one shape, walked together. Strides in bytes. */
typedef struct {
  int n_axes, n_tensors;
  int64_t size[TW_MAX_DIM], at[TW_MAX_DIM], stride[3][TW_MAX_DIM], along[3];
  int64_t n, rows;
  char *row[3];
} walk;

static walk rows_of(int axis, int n_tensors, tw_tensor *const *t) {
  walk w = {.n_tensors = n_tensors, .n = t[0]->shape[axis]};
  w.rows = w.n ? t[0]->size / w.n : 0;
  for (int k = 0; k < n_tensors; k++) {
    int64_t item = (int64_t)tw_dtype_size((tw_dtype)t[k]->dtype);
    w.row[k] = t[k]->data;
    w.along[k] = t[k]->stride[axis] * item;
    for (int i = 0, j = 0; i < t[0]->ndim; i++) {
      if (i != axis) w.stride[k][j++] = t[k]->stride[i] * item;
    }
  }
  for (int i = 0; i < t[0]->ndim; i++) {
    if (i != axis) w.size[w.n_axes++] = t[0]->shape[i];
  }
  return w;
}

static void next_row(walk *w) {
  for (int i = w->n_axes - 1; i >= 0; i--) {
    for (int k = 0; k < w->n_tensors; k++) w->row[k] += w->stride[k][i];
    if (++w->at[i] < w->size[i]) return;
    for (int k = 0; k < w->n_tensors; k++) w->row[k] -= w->stride[k][i] * w->size[i];
    w->at[i] = 0;
  }
}

static int64_t rows_together(const walk *w) {
  int64_t rows = w->n < GROUP ? GROUP / w->n : 1;
  return rows < w->rows ? rows : w->rows;
}

/* Two buffers of `rows` rows and 8 + rows elements more. */
static tw_status new_buffer(tw_ctx *ctx, tw_dtype d, int64_t rows, int64_t n, tw_tensor **out) {
  tw_shape shape = {.n = 1, .d = {2 * rows * n + rows + 8}};
  return tw_tensor_new(ctx, d, &shape, out);
}

static tw_status infer_log_softmax(tw_ctx *ctx, const tw_call *c, tw_meta *out) {
  out[0] = (tw_meta){.dtype = (tw_dtype)c->in[0]->dtype, .shape = tw_tensor_shape(c->in[0])};
  return tw_is_real(out[0].dtype) ? TW_OK : tw_fail_shapes(ctx, c, "needs a real tensor");
}

#define FORWARD(T, name)                                                                               \
  static void forward_##name(walk *from, walk *to, T *buffer, int64_t together) {                      \
    int64_t n = from->n;                                                                               \
    for (int64_t done = 0, rows; done < from->rows; done += rows) {                                    \
      rows = from->rows - done < together ? from->rows - done : together;                              \
      for (int64_t r = 0; r < rows; r++, next_row(from)) gather_row_##name(buffer + r * n, from->row[0], from->along[0], n); \
      log_softmax_rows_##name(buffer, buffer + rows * n, buffer + 2 * rows * n, rows, n);              \
      for (int64_t r = 0; r < rows; r++, next_row(to)) scatter_row_##name(to->row[0], to->along[0], buffer + r * n, n); \
    }                                                                                                  \
  }
FORWARD(double, f64)
FORWARD(float, f32)

static tw_status run_log_softmax(tw_ctx *ctx, const tw_call *c) {
  int axis = ((const tw_axis_attrs *)c->attrs)->axis;
  if (c->in[0]->size == 0) return TW_OK;
  walk from = rows_of(axis, 1, c->in), to = rows_of(axis, 1, c->out);
  tw_tensor *buffer;
  int64_t together = rows_together(&from);
  tw_status s = new_buffer(ctx, (tw_dtype)c->in[0]->dtype, together, from.n, &buffer);
  if (s != TW_OK) return s;
  if (c->in[0]->dtype == TW_F64) forward_f64(&from, &to, (double *)(void *)buffer->data, together);
  else forward_f32(&from, &to, (float *)(void *)buffer->data, together);
  tw_tensor_release(ctx, buffer);
  return TW_OK;
}

/* The adjoint in one kernel, for where nobody differentiates it again: (t, y) -> t - exp(y) sum(t). */

#define ADJOINT(T, name)                                                                               \
  static void adjoint_##name(walk *from, walk *to, T *buffer, int64_t together) {                      \
    int64_t n = from->n;                                                                               \
    for (int64_t done = 0, rows; done < from->rows; done += rows) {                                    \
      rows = from->rows - done < together ? from->rows - done : together;                              \
      T *y = buffer + rows * n;                                                                        \
      for (int64_t r = 0; r < rows; r++, next_row(from)) {                                             \
        gather_row_##name(buffer + r * n, from->row[0], from->along[0], n);                            \
        gather_row_##name(y + r * n, from->row[1], from->along[1], n);                                 \
      }                                                                                                \
      adjoint_rows_##name(buffer, y, rows, n);                                                         \
      for (int64_t r = 0; r < rows; r++, next_row(to)) scatter_row_##name(to->row[0], to->along[0], buffer + r * n, n); \
    }                                                                                                  \
  }
ADJOINT(double, f64)
ADJOINT(float, f32)

static tw_status run_adjoint(tw_ctx *ctx, const tw_call *c) {
  int axis = ((const tw_axis_attrs *)c->attrs)->axis;
  if (c->in[0]->size == 0) return TW_OK;
  walk from = rows_of(axis, 2, c->in), to = rows_of(axis, 1, c->out);
  tw_tensor *buffer;
  int64_t together = rows_together(&from);
  tw_status s = new_buffer(ctx, (tw_dtype)c->in[0]->dtype, together, from.n, &buffer);
  if (s != TW_OK) return s;
  if (c->in[0]->dtype == TW_F64) adjoint_f64(&from, &to, (double *)(void *)buffer->data, together);
  else adjoint_f32(&from, &to, (float *)(void *)buffer->data, together);
  tw_tensor_release(ctx, buffer);
  return TW_OK;
}

static const tw_op adjoint_op = {.name = "log_softmax'", .about = "the adjoint of log_softmax", .n_in = 2, .n_out = 1, .flags = TW_OP_NO_GRAD,
                                 .attrs_bytes = sizeof(tw_axis_attrs), .infer = infer_log_softmax, .run = run_adjoint};

/* t - softmax(x) sum(t), softmax(x) = exp(y). */
static tw_tensor *adjoint(tw_compose *k, tw_tensor *t, tw_tensor *y, int axis) {
  tw_tensor *in[2] = {t, y};
  tw_axis_attrs a = {.axis = axis};
  tw_reduce_attrs along = {.axes = 1u << axis, .keepdim = true};
  if (!t) return NULL;
  if (!tw_would_record(k->ctx, in, 2)) return tw_do2(k, &adjoint_op, &a, t, y);
  tw_tensor *total = tw_do1(k, &tw_op_sum, &along, t);
  return tw_do2(k, &tw_op_sub, NULL, t, tw_do2(k, &tw_op_mul, NULL, tw_do1(k, &tw_op_exp, NULL, y), total));
}

/* t - sum(softmax(x) t). */
static tw_tensor *tangent(tw_compose *k, tw_tensor *t, tw_tensor *y, int axis) {
  tw_reduce_attrs along = {.axes = 1u << axis, .keepdim = true};
  tw_tensor *mean = tw_do1(k, &tw_op_sum, &along, tw_do2(k, &tw_op_mul, NULL, tw_do1(k, &tw_op_exp, NULL, y), t));
  return tw_do2(k, &tw_op_sub, NULL, t, mean);
}

static tw_status vjp_log_softmax(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **grad, const bool *wanted) {
  (void)wanted;
  tw_compose k = {.ctx = ctx};
  return tw_compose_end(&k, adjoint(&k, t[0], c->out[0], ((const tw_axis_attrs *)c->attrs)->axis), &grad[0]);
}

static tw_status jvp_log_softmax(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **out) {
  tw_compose k = {.ctx = ctx};
  return tw_compose_end(&k, tangent(&k, t[0], c->out[0], ((const tw_axis_attrs *)c->attrs)->axis), &out[0]);
}

const tw_op tw_op_log_softmax = {.name = "log_softmax", .about = "x - log(sum(exp(x))) along an axis, without overflow", .n_in = 1, .n_out = 1,
                                 .flags = TW_OP_STEADY, .attrs_bytes = sizeof(tw_axis_attrs), .infer = infer_log_softmax, .run = run_log_softmax,
                                 .vjp = vjp_log_softmax, .jvp = jvp_log_softmax};

/* cross_entropy: -log_softmax(logits)[class] for each row, and log_softmax(logits) as the second result, from which the derivatives come. */

static int64_t class_at(const tw_tensor *target, int64_t row) {
  return tw_tensor_is_contiguous(target) ? ((const int64_t *)(const void *)target->data)[row] : tw_tensor_get_i64(target, row);
}

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
  for (int64_t i = 0; i < target->size; i++) {
    int64_t at = class_at(target, i);
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
  tw_axis_attrs last = {.axis = c->in[0]->ndim - 1};
  tw_call softmax = {.op = &tw_op_log_softmax, .attrs = &last, .in = c->in, .out = c->out + 1, .n_in = 1, .n_out = 1};
  tw_status s = run_log_softmax(ctx, &softmax);
  if (s != TW_OK) return s;
  tw_tensor *each = c->out[0], *log_p = c->out[1], *target = c->in[1];
  int64_t n = c->in[0]->shape[last.axis];
  bool dense = tw_tensor_is_contiguous(each) && tw_tensor_is_contiguous(log_p);
  for (int64_t i = 0; i < target->size; i++) {
    int64_t at = i * n + class_at(target, i) - 1;
    if (!dense) tw_tensor_set(each, i, -tw_tensor_get(log_p, at));
    else if (each->dtype == TW_F64) ((double *)(void *)each->data)[i] = -((const double *)(void *)log_p->data)[at];
    else ((float *)(void *)each->data)[i] = -((const float *)(void *)log_p->data)[at];
  }
  return TW_OK;
}

/* (t, log_softmax, classes) -> the logits' cotangent, in one kernel. */

static tw_status infer_classes_adjoint(tw_ctx *ctx, const tw_call *c, tw_meta *out) {
  (void)ctx;
  out[0] = (tw_meta){.dtype = (tw_dtype)c->in[1]->dtype, .shape = tw_tensor_shape(c->in[1])};
  return TW_OK;
}

static tw_status run_classes_adjoint(tw_ctx *ctx, const tw_call *c) {
  tw_tensor *t = c->in[0], *target = c->in[2], *y = c->out[0];
  int64_t n = y->shape[y->ndim - 1];
  tw_tensor *g, *classes;
  tw_shape rows = {.n = 1, .d = {target->size}};
  tw_status s = tw_tensor_new(ctx, (tw_dtype)t->dtype, &rows, &g);
  if (s != TW_OK) return s;
  s = tw_tensor_new(ctx, TW_I64, &rows, &classes);
  if (s == TW_OK && y->size) {
    tw_tensor dense = *g; /* the cotangents side by side, under t's shape */
    dense.ndim = t->ndim;
    memcpy(dense.shape, t->shape, sizeof dense.shape);
    for (int64_t i = t->ndim - 1, step = 1; i >= 0; step *= t->shape[i--]) dense.stride[i] = step;
    tw__copy_into(&dense, t);
    for (int64_t i = 0; i < target->size; i++) ((int64_t *)(void *)classes->data)[i] = class_at(target, i) - 1;
    tw__copy_into(y, c->in[1]);
    const int64_t *class_of = (const int64_t *)(void *)classes->data;
    if (y->dtype == TW_F64) classes_rows_f64((double *)(void *)y->data, (const double *)(void *)g->data, class_of, target->size, n);
    else classes_rows_f32((float *)(void *)y->data, (const float *)(void *)g->data, class_of, target->size, n);
  }
  if (s == TW_OK) tw_tensor_release(ctx, classes);
  tw_tensor_release(ctx, g);
  return s;
}

static const tw_op classes_adjoint_op = {.name = "cross_entropy'", .about = "the adjoint of cross_entropy", .n_in = 3, .n_out = 1, .flags = TW_OP_NO_GRAD,
                                         .infer = infer_classes_adjoint, .run = run_classes_adjoint};

static tw_status vjp_cross_entropy(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **grad, const bool *wanted) {
  if (!wanted[0]) return TW_OK;
  tw_compose k = {.ctx = ctx};
  tw_tensor *log_p = c->out[1], *saved[2] = {t[0], log_p}, *u = t[1];
  int axis = log_p->ndim - 1;
  if (t[0] && !t[1] && !tw_would_record(ctx, saved, 2)) return tw_compose_end(&k, tw_do3(&k, &classes_adjoint_op, NULL, t[0], log_p, c->in[1]), &grad[0]);
  if (t[0]) {
    tw_index_add_attrs classes = {.axis = axis, .size = log_p->shape[axis]};
    u = tw_do2(&k, &tw_op_unpick, &classes, tw_do1(&k, &tw_op_neg, NULL, t[0]), c->in[1]);
    if (t[1]) u = tw_do2(&k, &tw_op_add, NULL, u, t[1]);
  }
  return tw_compose_end(&k, adjoint(&k, u, log_p, axis), &grad[0]);
}

static tw_status jvp_cross_entropy(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **out) {
  tw_compose k = {.ctx = ctx};
  tw_tensor *log_p = c->out[1], *moved = tangent(&k, t[0], log_p, log_p->ndim - 1);
  tw_tensor *each = tw_do1(&k, &tw_op_neg, NULL, tw_do2(&k, &tw_op_pick, NULL, moved, c->in[1]));
  if (k.status == TW_OK) out[1] = tw_tensor_retain(moved);
  return tw_compose_end(&k, each, &out[0]);
}

const tw_op tw_op_cross_entropy = {.name = "cross_entropy", .about = "minus the log softmax of each row at its class", .n_in = 2, .n_out = 2,
                                   .flags = TW_OP_STEADY, .infer = infer_cross_entropy, .run = run_cross_entropy, .vjp = vjp_cross_entropy,
                                   .jvp = jvp_cross_entropy};
