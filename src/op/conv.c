/* Convolution: windows laid out by unfold, then the one product. Cross-correlation, as the field's libraries have it: no kernel is flipped. */
#include <string.h>

#include "op/nn.h"
#include "tensor/ctx.h"

#define T double
#define N(name) name##_f64
#include "op/conv_kernels.inc"
#undef T
#undef N
#define T float
#define N(name) name##_f32
#include "op/conv_kernels.inc"
#undef T
#undef N

tw_status tw__window_sizes(tw_ctx *ctx, const char *op, const tw_window_attrs *a, int64_t height, int64_t width, int64_t out[2]) {
  const int64_t size[2] = {height, width};
  for (int i = 0; i < 2; i++) {
    if (size[i] + 2 * a->padding[i] < a->kernel[i]) {
      return tw_fail(&ctx->error, TW_EINVAL, "%s: the window is larger than the padded input: the window is [%lld %lld], the input [%lld %lld], padding {%lld, %lld}",
                     op, (long long)a->kernel[0], (long long)a->kernel[1], (long long)height, (long long)width, (long long)a->padding[0],
                     (long long)a->padding[1]);
    }
    out[i] = (size[i] + 2 * a->padding[i] - a->kernel[i]) / a->stride[i] + 1;
  }
  return TW_OK;
}

static tw_status infer_unfold(tw_ctx *ctx, const tw_call *c, tw_meta *out) {
  const tw_window_attrs *a = c->attrs;
  const tw_tensor *x = c->in[0];
  if (x->ndim != 4 || !tw_is_real((tw_dtype)x->dtype)) return tw_fail_shapes(ctx, c, "needs a real tensor [N C H W]");
  int64_t size[2] = {0, 0};
  tw_status s = tw__window_sizes(ctx, c->op->name, a, x->shape[2], x->shape[3], size);
  if (s != TW_OK) return s;
  out[0] = (tw_meta){.dtype = (tw_dtype)x->dtype, .shape = {.n = 6, .d = {x->shape[0], x->shape[1], a->kernel[0], a->kernel[1], size[0], size[1]}}};
  return TW_OK;
}

static tw_status run_unfold(tw_ctx *ctx, const tw_call *c) {
  (void)ctx;
  const tw_window_attrs *a = c->attrs;
  const tw_tensor *x = c->in[0], *y = c->out[0];
  int64_t rows = y->shape[4], cols = y->shape[5], part = a->kernel[0] * a->kernel[1] * rows * cols;
  if (y->size == 0) return TW_OK;
  for (int64_t i = 0; i < y->shape[0] * y->shape[1]; i++) {
    int64_t at = i / x->shape[1] * x->stride[0] + i % x->shape[1] * x->stride[1];
    if (x->dtype == TW_F64) {
      unfold_plane_f64((double *)(void *)y->data + i * part, (const double *)(const void *)x->data + at, x->stride[2], x->stride[3], x->shape[2], x->shape[3], a, rows,
                       cols);
    } else {
      unfold_plane_f32((float *)(void *)y->data + i * part, (const float *)(const void *)x->data + at, x->stride[2], x->stride[3], x->shape[2], x->shape[3], a, rows,
                       cols);
    }
  }
  return TW_OK;
}

static tw_status vjp_unfold(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **grad, const bool *wanted) {
  (void)wanted;
  tw_window_attrs back = *(const tw_window_attrs *)c->attrs;
  back.height = c->in[0]->shape[2];
  back.width = c->in[0]->shape[3];
  tw_compose k = {.ctx = ctx};
  return tw_compose_end(&k, tw_do1(&k, &tw_op_fold, &back, t[0]), &grad[0]);
}

const tw_op tw_op_unfold = {.name = "unfold", .about = "the windows of images, zeros outside", .n_in = 1, .n_out = 1, .flags = TW_OP_LINEAR,
                            .attrs_bytes = sizeof(tw_window_attrs), .infer = infer_unfold, .run = run_unfold, .vjp = vjp_unfold};

/* fold */

static tw_status infer_fold(tw_ctx *ctx, const tw_call *c, tw_meta *out) {
  const tw_window_attrs *a = c->attrs;
  const tw_tensor *x = c->in[0];
  int64_t size[2] = {0, 0};
  if (x->ndim != 6) return tw_fail_shapes(ctx, c, "needs windows [N C kh kw OH OW]");
  tw_status s = tw__window_sizes(ctx, c->op->name, a, a->height, a->width, size);
  if (s != TW_OK) return s;
  if (x->shape[2] != a->kernel[0] || x->shape[3] != a->kernel[1] || x->shape[4] != size[0] || x->shape[5] != size[1]) {
    return tw_fail_shapes(ctx, c, "these are not the windows of such an image");
  }
  out[0] = (tw_meta){.dtype = (tw_dtype)x->dtype, .shape = {.n = 4, .d = {x->shape[0], x->shape[1], a->height, a->width}}};
  return TW_OK;
}

static tw_status run_fold(tw_ctx *ctx, const tw_call *c) {
  (void)ctx;
  const tw_window_attrs *a = c->attrs;
  const tw_tensor *x = c->in[0], *y = c->out[0];
  int64_t plane = a->height * a->width;
  memset(y->data, 0, (size_t)y->size * tw_dtype_size((tw_dtype)y->dtype));
  if (x->size == 0) return TW_OK;
  for (int64_t i = 0; i < y->shape[0] * y->shape[1]; i++) {
    int64_t at = i / y->shape[1] * x->stride[0] + i % y->shape[1] * x->stride[1];
    if (x->dtype == TW_F64) {
      fold_plane_f64((double *)(void *)y->data + i * plane, a->height, a->width, (const double *)(const void *)x->data + at, x->stride + 2, a, x->shape[4], x->shape[5]);
    } else {
      fold_plane_f32((float *)(void *)y->data + i * plane, a->height, a->width, (const float *)(const void *)x->data + at, x->stride + 2, a, x->shape[4], x->shape[5]);
    }
  }
  return TW_OK;
}

static tw_status vjp_fold(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **grad, const bool *wanted) {
  (void)wanted;
  tw_compose k = {.ctx = ctx};
  return tw_compose_end(&k, tw_do1(&k, &tw_op_unfold, c->attrs, t[0]), &grad[0]);
}

const tw_op tw_op_fold = {.name = "fold", .about = "windows added back into images", .n_in = 1, .n_out = 1, .flags = TW_OP_LINEAR,
                          .attrs_bytes = sizeof(tw_window_attrs), .infer = infer_fold, .run = run_fold, .vjp = vjp_fold};

/* y[n o p] = sum over (c i j) of w[o, c i j] windows[n, c i j, p], + b[o]. */

static tw_status refuse(tw_ctx *ctx, const char *op, const char *what, const tw_tensor *x, const tw_tensor *w, const tw_tensor *b) {
  char p[128], q[128], r[128];
  return tw_fail(&ctx->error, TW_EINVAL, "%s: %s: x is %s, w is %s%s%s", op, what, tw_tensor_describe(x, p, sizeof p), tw_tensor_describe(w, q, sizeof q),
                 b ? ", b is " : "", b ? tw_tensor_describe(b, r, sizeof r) : "");
}

static tw_status check_conv(tw_ctx *ctx, const char *op, int axes, const tw_tensor *x, const tw_tensor *w, const tw_tensor *b) {
  const char *needs = axes == 2 ? "needs images x [N C H W] and kernels w [O C kh kw]" : "needs signals x [N C L] and kernels w [O C k]";
  if (x->ndim != axes + 2 || w->ndim != axes + 2) return refuse(ctx, op, needs, x, w, b);
  if (x->shape[1] != w->shape[1]) return refuse(ctx, op, "the channels of x and w (axis 2) differ", x, w, b);
  if (!tw_is_real((tw_dtype)x->dtype) || x->dtype != w->dtype || (b && b->dtype != x->dtype)) {
    return refuse(ctx, op, "the operands must be real and of one dtype; convert one with :to()", x, w, b);
  }
  if (b && (b->ndim != 1 || b->size != w->shape[0])) return refuse(ctx, op, "b must have one element for each of w's kernels", x, w, b);
  for (int i = 2; i < w->ndim; i++) {
    if (w->shape[i] == 0) return refuse(ctx, op, "w has an axis of size 0", x, w, b);
  }
  return TW_OK;
}

/* x [N C H W], w [O C kh kw], both views of what the caller gave. */
static tw_tensor *convolve(tw_compose *k, const char *op, tw_tensor *x, tw_tensor *w, tw_tensor *b, const tw_window_attrs *given) {
  tw_window_attrs a = *given;
  if (!x || !w) return NULL;
  a.kernel[0] = w->shape[2];
  a.kernel[1] = w->shape[3];
  int64_t size[2] = {0, 0};
  k->status = tw__window_sizes(k->ctx, op, &a, x->shape[2], x->shape[3], size);
  int64_t inner = w->shape[1] * w->shape[2] * w->shape[3];
  tw_tensor *windows = tw_do1(k, &tw_op_unfold, &a, x);
  if (!windows) return NULL;
  tw_shape_attrs flat = {.shape = {.n = 3, .d = {x->shape[0], inner, size[0] * size[1]}}}, matrix = {.shape = {.n = 2, .d = {w->shape[0], inner}}};
  tw_shape_attrs image = {.shape = {.n = 4, .d = {x->shape[0], w->shape[0], size[0], size[1]}}}, column = {.shape = {.n = 2, .d = {w->shape[0], 1}}};
  tw_tensor *y = tw_do2(k, &tw_op_matmul, NULL, tw_do1(k, &tw_op_reshape, &matrix, w), tw_do1(k, &tw_op_reshape, &flat, windows));
  if (b) y = tw_do2(k, &tw_op_add, NULL, y, tw_do1(k, &tw_op_reshape, &column, b));
  return tw_do1(k, &tw_op_reshape, &image, y);
}

tw_status tw_conv2d(tw_ctx *ctx, tw_tensor *x, tw_tensor *w, tw_tensor *b, const tw_window_attrs *a, tw_tensor **out) {
  tw_status s = check_conv(ctx, "conv2d", 2, x, w, b);
  if (s != TW_OK) return s;
  tw_compose k = {.ctx = ctx};
  return tw_compose_end(&k, convolve(&k, "conv2d", x, w, b, a), out);
}

/* A signal is an image of one row. */
tw_status tw_conv1d(tw_ctx *ctx, tw_tensor *x, tw_tensor *w, tw_tensor *b, const tw_window_attrs *a, tw_tensor **out) {
  tw_status s = check_conv(ctx, "conv1d", 1, x, w, b);
  if (s != TW_OK) return s;
  tw_compose k = {.ctx = ctx};
  tw_shape_attrs image = {.shape = {.n = 4, .d = {x->shape[0], x->shape[1], 1, x->shape[2]}}};
  tw_shape_attrs kernel = {.shape = {.n = 4, .d = {w->shape[0], w->shape[1], 1, w->shape[2]}}};
  tw_tensor *y = convolve(&k, "conv1d", tw_do1(&k, &tw_op_reshape, &image, x), tw_do1(&k, &tw_op_reshape, &kernel, w), b, a);
  if (!y) return tw_compose_end(&k, y, out);
  tw_shape_attrs signal = {.shape = {.n = 3, .d = {y->shape[0], y->shape[1], y->shape[3]}}};
  return tw_compose_end(&k, tw_do1(&k, &tw_op_reshape, &signal, y), out);
}
