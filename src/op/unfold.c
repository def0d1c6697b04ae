/* unfold lays out the windows of images, fold adds them back; each is the other's adjoint. */
#include <string.h>

#include "op/nn.h"
#include "tensor/ctx.h"

#define T double
#define N(name) name##_f64
#include "op/conv_kernels.inc"
#define T float
#define N(name) name##_f32
#include "op/conv_kernels.inc"

tw_status tw__window_sizes(tw_ctx *ctx, const char *op, const tw_window_attrs *a, int64_t height, int64_t width, int64_t out[2]) {
  const int64_t size[2] = {height, width};
  for (int i = 0; i < 2; i++) {
    if (size[i] + 2 * a->padding[i] < a->kernel[i]) {
      return tw_fail(&ctx->error, TW_EINVAL,
                     "%s: the window is larger than the padded input: the window is [%lld %lld], the input [%lld %lld], padding {%lld, %lld}", op,
                     (long long)a->kernel[0], (long long)a->kernel[1], (long long)height, (long long)width, (long long)a->padding[0],
                     (long long)a->padding[1]);
    }
    out[i] = (size[i] + 2 * a->padding[i] - a->kernel[i]) / a->stride[i] + 1;
  }
  return TW_OK;
}

void tw__unfold_image(char *to, const tw_tensor *x, int64_t image, const tw_window_attrs *a, int64_t rows, int64_t cols) {
  int64_t part = a->kernel[0] * a->kernel[1] * rows * cols;
  for (int64_t c = 0; c < x->shape[1]; c++) {
    int64_t at = image * x->stride[0] + c * x->stride[1];
    if (x->dtype == TW_F64) unfold_plane_f64((double *)(void *)to + c * part, x, at, a, rows, cols);
    else unfold_plane_f32((float *)(void *)to + c * part, x, at, a, rows, cols);
  }
}

void tw__fold_image(char *to, const tw_tensor *x, int64_t image, const tw_window_attrs *a) {
  int64_t plane = a->height * a->width;
  memset(to, 0, (size_t)(x->shape[1] * plane) * tw_dtype_size((tw_dtype)x->dtype));
  for (int64_t c = 0; c < x->shape[1]; c++) {
    int64_t at = image * x->stride[0] + c * x->stride[1];
    if (x->dtype == TW_F64) fold_plane_f64((double *)(void *)to + c * plane, x, at, a);
    else fold_plane_f32((float *)(void *)to + c * plane, x, at, a);
  }
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
  const tw_tensor *x = c->in[0], *y = c->out[0];
  if (y->size == 0) return TW_OK;
  int64_t bytes = y->size / y->shape[0] * (int64_t)tw_dtype_size((tw_dtype)y->dtype);
  for (int64_t i = 0; i < y->shape[0]; i++) tw__unfold_image(y->data + i * bytes, x, i, c->attrs, y->shape[4], y->shape[5]);
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

const tw_op tw_op_unfold = {.name = "unfold", .about = "the windows of images, zeros outside", .n_in = 1, .n_out = 1, .flags = TW_OP_STEADY | TW_OP_LINEAR,
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
  const tw_tensor *y = c->out[0];
  if (y->size == 0) return TW_OK;
  int64_t bytes = y->size / y->shape[0] * (int64_t)tw_dtype_size((tw_dtype)y->dtype);
  for (int64_t i = 0; i < y->shape[0]; i++) tw__fold_image(y->data + i * bytes, c->in[0], i, c->attrs);
  return TW_OK;
}

static tw_status vjp_fold(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **grad, const bool *wanted) {
  (void)wanted;
  tw_compose k = {.ctx = ctx};
  return tw_compose_end(&k, tw_do1(&k, &tw_op_unfold, c->attrs, t[0]), &grad[0]);
}

const tw_op tw_op_fold = {.name = "fold", .about = "windows added back into images", .n_in = 1, .n_out = 1, .flags = TW_OP_STEADY | TW_OP_LINEAR,
                          .attrs_bytes = sizeof(tw_window_attrs), .infer = infer_fold, .run = run_fold, .vjp = vjp_fold};
