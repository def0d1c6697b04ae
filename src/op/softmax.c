/* log_softmax along one axis: x - max - log(sum(exp(x - max))), the sum by the one tree. The axis is brought last and made dense first. */
#include "op/op.h"
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

static tw_status infer_log_softmax(tw_ctx *ctx, const tw_call *c, tw_meta *out) {
  out[0] = (tw_meta){.dtype = (tw_dtype)c->in[0]->dtype, .shape = tw_tensor_shape(c->in[0])};
  return tw_is_real(out[0].dtype) ? TW_OK : tw_fail_shapes(ctx, c, "needs a real tensor");
}

/* Rows along the axis, one after the other: gathered into a dense buffer, computed, scattered. */
static tw_status run_log_softmax(tw_ctx *ctx, const tw_call *c) {
  const tw_tensor *x = c->in[0], *y = c->out[0];
  int axis = ((const tw_axis_attrs *)c->attrs)->axis;
  int64_t n = x->shape[axis], item = (int64_t)tw_dtype_size((tw_dtype)x->dtype);
  if (x->size == 0) return TW_OK;
  tw_tensor *buffer;
  tw_shape two = {.n = 2, .d = {2, n}};
  tw_status s = tw_tensor_new(ctx, (tw_dtype)x->dtype, &two, &buffer);
  if (s != TW_OK) return s;
  int64_t at[TW_MAX_DIM] = {0};
  const char *p = x->data;
  char *q = y->data;
  for (int64_t rows = x->size / n; rows > 0; rows--) {
    if (x->dtype == TW_F64) row_f64(q, y->stride[axis] * item, p, x->stride[axis] * item, n, (double *)(void *)buffer->data);
    else row_f32(q, y->stride[axis] * item, p, x->stride[axis] * item, n, (float *)(void *)buffer->data);
    for (int i = x->ndim - 1; i >= 0; i--) {
      if (i == axis) continue;
      p += x->stride[i] * item;
      q += y->stride[i] * item;
      if (++at[i] < x->shape[i]) break;
      p -= x->stride[i] * item * x->shape[i];
      q -= y->stride[i] * item * x->shape[i];
      at[i] = 0;
    }
  }
  tw_tensor_release(ctx, buffer);
  return TW_OK;
}

/* dx = t - softmax(x) sum(t), softmax(x) = exp(y). */
static tw_status vjp_log_softmax(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **grad, const bool *wanted) {
  (void)wanted;
  tw_compose k = {.ctx = ctx};
  tw_reduce_attrs along = {.axes = 1u << ((const tw_axis_attrs *)c->attrs)->axis, .keepdim = true};
  tw_tensor *total = tw_do1(&k, &tw_op_sum, &along, t[0]);
  tw_tensor *softmax = tw_do1(&k, &tw_op_exp, NULL, c->out[0]);
  return tw_compose_end(&k, tw_do2(&k, &tw_op_sub, NULL, t[0], tw_do2(&k, &tw_op_mul, NULL, softmax, total)), &grad[0]);
}

/* dy = t - sum(softmax(x) t). */
static tw_status jvp_log_softmax(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **out) {
  tw_compose k = {.ctx = ctx};
  tw_reduce_attrs along = {.axes = 1u << ((const tw_axis_attrs *)c->attrs)->axis, .keepdim = true};
  tw_tensor *softmax = tw_do1(&k, &tw_op_exp, NULL, c->out[0]);
  tw_tensor *mean = tw_do1(&k, &tw_op_sum, &along, tw_do2(&k, &tw_op_mul, NULL, softmax, t[0]));
  return tw_compose_end(&k, tw_do2(&k, &tw_op_sub, NULL, t[0], mean), &out[0]);
}

const tw_op tw_op_log_softmax = {.name = "log_softmax", .about = "x - log(sum(exp(x))) along an axis, without overflow", .n_in = 1, .n_out = 1,
                                 .attrs_bytes = sizeof(tw_axis_attrs), .infer = infer_log_softmax, .run = run_log_softmax,
                                 .vjp = vjp_log_softmax, .jvp = jvp_log_softmax};
