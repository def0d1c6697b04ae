/* normalize: (x - mean) / sqrt(var + eps) over axes, with mean and (biased) var as further results, from which the derivatives come. The mean is by the one
 * tree, the variance the mean of squared distances from it, so nothing cancels. */
#include "op/nn.h"
#include "op/vec.h"
#include "tensor/ctx.h"

/* Axes of up to three tensors of one shape; strides in elements. */
typedef struct {
  int n;
  int64_t size[TW_MAX_DIM], stride[3][TW_MAX_DIM];
} axes;

#define T double
#define V vf64
#define N(name) name##_f64
#include "op/norm_kernels.inc"
#define T float
#define V vf32
#define N(name) name##_f32
#include "op/norm_kernels.inc"

enum { GROUP = 8 }; /* positions taken together where they lie side by side and their elements do not */

static tw_status infer_normalize(tw_ctx *ctx, const tw_call *c, tw_meta *out) {
  const tw_tensor *x = c->in[0];
  uint32_t over = ((const tw_normalize_attrs *)c->attrs)->axes;
  if (!tw_is_real((tw_dtype)x->dtype)) return tw_fail_shapes(ctx, c, "needs a real tensor");
  out[0] = (tw_meta){.dtype = (tw_dtype)x->dtype, .shape = tw_tensor_shape(x)};
  out[1] = out[0];
  for (int i = 0; i < x->ndim; i++) {
    if (over >> i & 1) out[1].shape.d[i] = 1;
  }
  out[2] = out[1];
  return TW_OK;
}

static axes axes_of(uint32_t mask, int n, tw_tensor *const *t) {
  axes a = {0};
  for (int i = 0; i < t[0]->ndim; i++) {
    if (!(mask >> i & 1) || t[0]->shape[i] == 1) continue;
    for (int k = 0; k < n; k++) a.stride[k][a.n] = t[k]->stride[i];
    a.size[a.n++] = t[0]->shape[i];
  }
  if (a.n == 0) a.size[a.n++] = 1;
  return a;
}

/* big: x, y forward; t, y, x's cotangent backward. All but the last may have any strides, mean and var are dense. */
static tw_status run_positions(tw_ctx *ctx, const tw_normalize_attrs *a, tw_tensor *const *big, int n_big, tw_tensor *mean, tw_tensor *var) {
  axes kept = axes_of(~a->axes, n_big, big), gone = axes_of(a->axes, n_big, big);
  int64_t n = 1, group = gone.stride[0][gone.n - 1] == 1 ? 1 : GROUP;
  for (int i = 0; i < gone.n; i++) n *= gone.size[i];
  if (group > kept.size[kept.n - 1]) group = kept.size[kept.n - 1];
  tw_tensor *buffer;
  tw_shape shape = {.n = 1, .d = {(2 * group + 1) * n}};
  tw_status s = tw_tensor_new(ctx, (tw_dtype)var->dtype, &shape, &buffer);
  if (s != TW_OK) return s;
  if (var->dtype == TW_F64) {
    double *p[3] = {(double *)(void *)big[0]->data, (double *)(void *)big[1]->data, (double *)(void *)big[n_big - 1]->data};
    positions_f64(&kept, &gone, p, mean ? (double *)(void *)mean->data : NULL, (double *)(void *)var->data, (double *)(void *)buffer->data, n, group, a->eps,
                  n_big == 3);
  } else {
    float *p[3] = {(float *)(void *)big[0]->data, (float *)(void *)big[1]->data, (float *)(void *)big[n_big - 1]->data};
    positions_f32(&kept, &gone, p, mean ? (float *)(void *)mean->data : NULL, (float *)(void *)var->data, (float *)(void *)buffer->data, n, group,
                  (float)a->eps, n_big == 3);
  }
  tw_tensor_release(ctx, buffer);
  return TW_OK;
}

static tw_status run_normalize(tw_ctx *ctx, const tw_call *c) {
  tw_tensor *big[2] = {c->in[0], c->out[0]};
  if (c->in[0]->size) return run_positions(ctx, c->attrs, big, 2, c->out[1], c->out[2]);
  for (int k = 1; k <= 2; k++) { /* a mean of nothing */
    for (int64_t i = 0; i < c->out[k]->size; i++) tw_tensor_set(c->out[k], i, NAN);
  }
  return TW_OK;
}

/* (t, y, var) -> ((t - mean(t)) - y mean(t y)) / sqrt(var + eps): adjoint and tangent in one, for the map is symmetric. */

static tw_status infer_adjoint(tw_ctx *ctx, const tw_call *c, tw_meta *out) {
  (void)ctx;
  out[0] = (tw_meta){.dtype = (tw_dtype)c->in[0]->dtype, .shape = tw_tensor_shape(c->in[0])};
  return TW_OK;
}

static tw_status run_adjoint(tw_ctx *ctx, const tw_call *c) {
  tw_tensor *big[3] = {c->in[0], c->in[1], c->out[0]};
  return c->out[0]->size ? run_positions(ctx, c->attrs, big, 3, NULL, c->in[2]) : TW_OK;
}

static const tw_op adjoint_op = {.name = "normalize'", .about = "the adjoint of normalize", .n_in = 3, .n_out = 1, .flags = TW_OP_NO_GRAD,
                                 .attrs_bytes = sizeof(tw_normalize_attrs), .infer = infer_adjoint, .run = run_adjoint};

static double count_of(const tw_tensor *x, uint32_t over) {
  double n = 1;
  for (int i = 0; i < x->ndim; i++) n *= over >> i & 1 ? (double)x->shape[i] : 1;
  return n;
}

static tw_tensor *mean_over(tw_compose *k, tw_tensor *x, const tw_normalize_attrs *a) {
  tw_reduce_attrs kept = {.axes = a->axes, .keepdim = true};
  tw_tensor *sum = tw_do1(k, &tw_op_sum, &kept, x);
  return sum ? tw_do2(k, &tw_op_div, NULL, sum, tw_do_constant(k, count_of(x, a->axes), x)) : NULL;
}

static tw_tensor *projected(tw_compose *k, const tw_call *c, tw_tensor *t) {
  const tw_normalize_attrs *a = c->attrs;
  tw_tensor *y = c->out[0], *var = c->out[2], *in[3] = {t, y, var};
  if (!tw_would_record(k->ctx, in, 3)) return tw_do3(k, &adjoint_op, a, t, y, var);
  tw_tensor *off = tw_do2(k, &tw_op_sub, NULL, t, mean_over(k, t, a));
  tw_tensor *along = mean_over(k, tw_do2(k, &tw_op_mul, NULL, t, y), a);
  tw_tensor *r = tw_do1(k, &tw_op_rsqrt, NULL, tw_do2(k, &tw_op_add, NULL, var, tw_do_constant(k, a->eps, var)));
  return tw_do2(k, &tw_op_mul, NULL, tw_do2(k, &tw_op_sub, NULL, off, tw_do2(k, &tw_op_mul, NULL, y, along)), r);
}

/* (x - mean) 2 / n, the derivative of var. */
static tw_tensor *var_slope(tw_compose *k, const tw_call *c) {
  double n = count_of(c->in[0], ((const tw_normalize_attrs *)c->attrs)->axes);
  return tw_do2(k, &tw_op_mul, NULL, tw_do2(k, &tw_op_sub, NULL, c->in[0], c->out[1]), tw_do_constant(k, 2 / n, c->in[0]));
}

static tw_status vjp_normalize(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **grad, const bool *wanted) {
  (void)wanted;
  const tw_normalize_attrs *a = c->attrs;
  tw_shape_attrs whole = {.shape = tw_tensor_shape(c->in[0])};
  tw_compose k = {.ctx = ctx};
  tw_tensor *part[3] = {NULL}, *sum = NULL;
  if (t[0]) part[0] = projected(&k, c, t[0]);
  if (t[1]) {
    tw_tensor *each = tw_do2(&k, &tw_op_div, NULL, t[1], tw_do_constant(&k, count_of(c->in[0], a->axes), t[1]));
    part[1] = tw_do1(&k, &tw_op_expand, &whole, each);
  }
  if (t[2]) part[2] = tw_do2(&k, &tw_op_mul, NULL, var_slope(&k, c), t[2]);
  for (int i = 0; i < 3; i++) {
    if (t[i]) sum = sum ? tw_do2(&k, &tw_op_add, NULL, sum, part[i]) : part[i];
  }
  return tw_compose_end(&k, sum, &grad[0]);
}

static tw_status jvp_normalize(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **out) {
  const tw_normalize_attrs *a = c->attrs;
  tw_reduce_attrs kept = {.axes = a->axes, .keepdim = true};
  tw_compose k = {.ctx = ctx};
  tw_tensor *y = projected(&k, c, t[0]), *mean = mean_over(&k, t[0], a);
  tw_tensor *var = tw_do1(&k, &tw_op_sum, &kept, tw_do2(&k, &tw_op_mul, NULL, var_slope(&k, c), t[0]));
  if (k.status == TW_OK) {
    out[1] = tw_tensor_retain(mean);
    out[2] = tw_tensor_retain(var);
  }
  return tw_compose_end(&k, y, &out[0]);
}

const tw_op tw_op_normalize = {.name = "normalize", .about = "(x - mean) / sqrt(var + eps) over axes; mean; var", .n_in = 1, .n_out = 3, .flags = TW_OP_STEADY,
                               .attrs_bytes = sizeof(tw_normalize_attrs), .infer = infer_normalize, .run = run_normalize, .vjp = vjp_normalize,
                               .jvp = jvp_normalize};
