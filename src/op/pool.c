/* Pooling: the largest element or the mean of each window. */
#include <string.h>

#include "op/nn.h"
#include "tensor/ctx.h"

#define T double
#define N(name) name##_f64
#include "op/pool_kernels.inc"
#define T float
#define N(name) name##_f32
#include "op/pool_kernels.inc"

/* max_pool: two results; the second says where the first was found, and carries its derivatives. */

static tw_status infer_max_pool(tw_ctx *ctx, const tw_call *c, tw_meta *out) {
  const tw_window_attrs *a = c->attrs;
  const tw_tensor *x = c->in[0];
  int64_t size[2] = {0, 0};
  if (x->ndim != 4 || !tw_is_real((tw_dtype)x->dtype)) return tw_fail_shapes(ctx, c, "needs a real tensor [N C H W] or [N C L]");
  if (2 * a->padding[0] > a->kernel[0] || 2 * a->padding[1] > a->kernel[1]) {
    return tw_fail(&ctx->error, TW_EINVAL, "max_pool: the padding must be at most half the window: padding is {%lld, %lld}, the window [%lld %lld]",
                   (long long)a->padding[0], (long long)a->padding[1], (long long)a->kernel[0], (long long)a->kernel[1]);
  }
  tw_status s = tw__window_sizes(ctx, c->op->name, a, x->shape[2], x->shape[3], size);
  if (s != TW_OK) return s;
  out[0] = (tw_meta){.dtype = (tw_dtype)x->dtype, .shape = {.n = 4, .d = {x->shape[0], x->shape[1], size[0], size[1]}}};
  out[1] = (tw_meta){.dtype = TW_I64, .shape = out[0].shape};
  return TW_OK;
}

static tw_status run_max_pool(tw_ctx *ctx, const tw_call *c) {
  (void)ctx;
  const tw_window_attrs *a = c->attrs;
  const tw_tensor *x = c->in[0], *y = c->out[0];
  int64_t rows = y->shape[2], cols = y->shape[3], *places = (int64_t *)(void *)c->out[1]->data;
  if (y->size == 0) return TW_OK;
  for (int64_t i = 0; i < y->shape[0] * y->shape[1]; i++, places += rows * cols) {
    int64_t at = i / x->shape[1] * x->stride[0] + i % x->shape[1] * x->stride[1], to = i * rows * cols;
    if (x->dtype == TW_F64) {
      pool_plane_f64((double *)(void *)y->data + to, places, x, at, a, rows, cols);
    } else {
      pool_plane_f32((float *)(void *)y->data + to, places, x, at, a, rows, cols);
    }
  }
  return TW_OK;
}

static tw_status vjp_max_pool(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **grad, const bool *wanted) {
  (void)wanted;
  if (!t[0]) return TW_OK;
  tw_window_attrs back = {.height = c->in[0]->shape[2], .width = c->in[0]->shape[3]};
  tw_compose k = {.ctx = ctx};
  return tw_compose_end(&k, tw_do2(&k, &tw_op_plane_add, &back, t[0], c->out[1]), &grad[0]);
}

static tw_status jvp_max_pool(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **out) {
  tw_window_attrs plane = {.height = c->in[0]->shape[2], .width = c->in[0]->shape[3]};
  tw_compose k = {.ctx = ctx};
  return tw_compose_end(&k, tw_do2(&k, &tw_op_plane_take, &plane, t[0], c->out[1]), &out[0]);
}

const tw_op tw_op_max_pool = {.name = "max_pool", .about = "the largest element of each window; the first among equals; NaN wins", .n_in = 1, .n_out = 2,
                              .flags = TW_OP_STEADY,
                              .attrs_bytes = sizeof(tw_window_attrs), .infer = infer_max_pool, .run = run_max_pool, .vjp = vjp_max_pool, .jvp = jvp_max_pool};

/* plane_take, plane_add: elements of each plane named by their places, and back. Places come from max_pool alone, so they are inside. */

static tw_status infer_plane(tw_ctx *ctx, const tw_call *c, tw_meta *out) {
  const tw_window_attrs *a = c->attrs;
  const tw_tensor *x = c->in[0], *places = c->in[1];
  bool take = c->op == &tw_op_plane_take, fits = x->ndim == 4 && places->ndim == 4 && places->dtype == TW_I64;
  for (int i = 0; fits && i < 4; i++) fits = (take && i >= 2) || x->shape[i] == places->shape[i];
  if (!fits || (take && (x->shape[2] != a->height || x->shape[3] != a->width))) return tw_fail_shapes(ctx, c, "the places are not those of such planes");
  out[0] = (tw_meta){.dtype = (tw_dtype)x->dtype, .shape = tw_tensor_shape(places)};
  if (!take) {
    out[0].shape.d[2] = a->height;
    out[0].shape.d[3] = a->width;
  }
  return TW_OK;
}

static tw_status run_plane(tw_ctx *ctx, const tw_call *c) {
  (void)ctx;
  bool take = c->op == &tw_op_plane_take;
  if (!take) memset(c->out[0]->data, 0, (size_t)c->out[0]->size * tw_dtype_size((tw_dtype)c->out[0]->dtype));
  if (c->in[1]->size == 0) return TW_OK;
  if (c->in[0]->dtype == TW_F64) planes_f64(c, take);
  else planes_f32(c, take);
  return TW_OK;
}

static tw_status vjp_plane(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **grad, const bool *wanted) {
  if (!wanted[0]) return TW_OK;
  tw_compose k = {.ctx = ctx};
  const tw_op *back = c->op == &tw_op_plane_take ? &tw_op_plane_add : &tw_op_plane_take;
  return tw_compose_end(&k, tw_do2(&k, back, c->attrs, t[0], c->in[1]), &grad[0]);
}

const tw_op tw_op_plane_take = {.name = "plane_take", .about = "elements of each plane at given places", .n_in = 2, .n_out = 1,
                                .flags = TW_OP_STEADY | TW_OP_LINEAR,
                                .attrs_bytes = sizeof(tw_window_attrs), .infer = infer_plane, .run = run_plane, .vjp = vjp_plane};
const tw_op tw_op_plane_add = {.name = "plane_add", .about = "planes of zeros with elements added at given places", .n_in = 2, .n_out = 1,
                               .flags = TW_OP_STEADY | TW_OP_LINEAR,
                               .attrs_bytes = sizeof(tw_window_attrs), .infer = infer_plane, .run = run_plane, .vjp = vjp_plane};

/* [N C L] is an image of one row. */
static tw_tensor *as_image(tw_compose *k, tw_tensor *x) {
  if (x->ndim != 3) return x;
  tw_shape_attrs shape = {.shape = {.n = 4, .d = {x->shape[0], x->shape[1], 1, x->shape[2]}}};
  return tw_do1(k, &tw_op_reshape, &shape, x);
}

static tw_tensor *as_signal(tw_compose *k, tw_tensor *y, bool signal) {
  if (!y || !signal) return y;
  tw_shape_attrs shape = {.shape = {.n = 3, .d = {y->shape[0], y->shape[1], y->shape[3]}}};
  return tw_do1(k, &tw_op_reshape, &shape, y);
}

tw_status tw_max_pool(tw_ctx *ctx, tw_tensor *x, const tw_window_attrs *a, tw_tensor **out) {
  tw_compose k = {.ctx = ctx};
  tw_tensor *image = as_image(&k, x), *results[2] = {NULL, NULL};
  tw_call c = {.op = &tw_op_max_pool, .attrs = a, .in = &image, .out = results, .n_in = 1, .n_out = 2};
  if (k.status == TW_OK) k.status = tw_apply(ctx, &c);
  tw_status s = tw_compose_end(&k, as_signal(&k, results[0], x->ndim == 3), out);
  tw_tensor_release(ctx, results[0]);
  tw_tensor_release(ctx, results[1]);
  return s;
}

/* The sum of each window by the one tree, divided by the window's size: zeros outside the image count, as in PyTorch. */
tw_status tw_avg_pool(tw_ctx *ctx, tw_tensor *x, const tw_window_attrs *a, tw_tensor **out) {
  if ((x->ndim != 3 && x->ndim != 4) || !tw_is_real((tw_dtype)x->dtype)) {
    char shape[128];
    return tw_fail(&ctx->error, TW_EINVAL, "avg_pool: needs a real tensor [N C H W] or [N C L]: x is %s", tw_tensor_describe(x, shape, sizeof shape));
  }
  int64_t size[2] = {0, 0};
  tw_status s = tw__window_sizes(ctx, "avg_pool", a, x->ndim == 3 ? 1 : x->shape[2], x->shape[x->ndim - 1], size);
  if (s != TW_OK) return s;
  tw_compose k = {.ctx = ctx};
  tw_reduce_attrs window = {.axes = 1u << 2 | 1u << 3};
  tw_tensor *sum = tw_do1(&k, &tw_op_sum, &window, tw_do1(&k, &tw_op_unfold, a, as_image(&k, x)));
  tw_tensor *n = sum ? tw_do_constant(&k, (double)(a->kernel[0] * a->kernel[1]), sum) : NULL;
  return tw_compose_end(&k, as_signal(&k, tw_do2(&k, &tw_op_div, NULL, sum, n), x->ndim == 3), out);
}
