/* Convolution: the windows of one image at a time, then the one product; what the windows would hold nine times over is never stored. Cross-correlation,
 * as the field's libraries have it: no kernel is flipped. Bits are those of unfold and matmul. */
#include <string.h>

#include "op/gemm.h"
#include "op/nn.h"
#include "tensor/ctx.h"

/* The sizes of one convolution, read off the images and the kernels: y [N O P], windows [K P] of an image. */
typedef struct {
  int64_t n, kernels, inner, rows, cols;
} sizes;

static tw_status sizes_of(tw_ctx *ctx, const char *op, const tw_window_attrs *a, int64_t n, int64_t height, int64_t width, const tw_tensor *w, sizes *out) {
  int64_t size[2] = {0, 0};
  tw_status s = tw__window_sizes(ctx, op, a, height, width, size);
  *out = (sizes){.n = n, .kernels = w->shape[0], .inner = w->shape[1] * w->shape[2] * w->shape[3], .rows = size[0], .cols = size[1]};
  return s;
}

/* c [M N] = a [M K] b [K N], b and c dense. */
static void product(tw_dtype d, int64_t M, int64_t N, int64_t K, const char *a, int64_t a_row, int64_t a_col, const char *b, char *c, char *scratch) {
  tw_gemm(d, &(tw_products){.M = M, .N = N, .K = K, .count = 1, .a = a, .a_row = a_row, .a_col = a_col, .b = b, .b_row = N, .b_col = 1, .c = c, .c_row = N,
                            .scratch = scratch});
}

/* Room for the windows of one image and for the product, and w as a dense matrix [O K] (w itself where it is one). All three released by the caller. */
static tw_status prepare(tw_ctx *ctx, tw_tensor *w, const sizes *z, int64_t depth, tw_tensor **windows, tw_tensor **scratch, tw_tensor **dense) {
  tw_shape image = {.n = 2, .d = {z->inner, z->rows * z->cols}}, bytes = {.n = 1, .d = {tw_gemm_scratch(depth)}}, own = tw_tensor_shape(w);
  tw_status s = tw_tensor_new(ctx, (tw_dtype)w->dtype, &image, windows);
  if (s == TW_OK) s = tw_tensor_new(ctx, TW_BOOL, &bytes, scratch);
  if (s != TW_OK) return s;
  if (tw_tensor_is_contiguous(w)) {
    *dense = tw_tensor_retain(w);
    return TW_OK;
  }
  s = tw_tensor_new(ctx, (tw_dtype)w->dtype, &own, dense);
  if (s == TW_OK) tw__copy_into(*dense, w);
  return s;
}

static void release(tw_ctx *ctx, tw_tensor *a, tw_tensor *b, tw_tensor *c) {
  tw_tensor_release(ctx, a);
  tw_tensor_release(ctx, b);
  tw_tensor_release(ctx, c);
}

/* conv: (x [N C H W], w [O C kh kw]) -> [N O OH OW]. */

static tw_status infer_conv(tw_ctx *ctx, const tw_call *c, tw_meta *out) {
  const tw_tensor *x = c->in[0], *w = c->in[1];
  bool fits = x->ndim == 4 && w->ndim == 4 && x->dtype == w->dtype && tw_is_real((tw_dtype)x->dtype);
  if (!fits || x->shape[1] != w->shape[1]) return tw_fail_shapes(ctx, c, "needs images [N C H W] and kernels [O C kh kw] of one real dtype");
  sizes z;
  tw_status s = sizes_of(ctx, c->op->name, c->attrs, x->shape[0], x->shape[2], x->shape[3], w, &z);
  out[0] = (tw_meta){.dtype = (tw_dtype)x->dtype, .shape = {.n = 4, .d = {z.n, z.kernels, z.rows, z.cols}}};
  return s;
}

static tw_status run_conv(tw_ctx *ctx, const tw_call *c) {
  tw_tensor *x = c->in[0], *w = c->in[1], *y = c->out[0], *windows = NULL, *scratch = NULL, *dense = NULL;
  sizes z;
  tw_status s = sizes_of(ctx, c->op->name, c->attrs, x->shape[0], x->shape[2], x->shape[3], w, &z);
  if (s != TW_OK || y->size == 0) return s;
  int64_t positions = z.rows * z.cols, bytes = z.kernels * positions * (int64_t)tw_dtype_size((tw_dtype)y->dtype);
  s = prepare(ctx, w, &z, z.inner, &windows, &scratch, &dense);
  for (int64_t i = 0; s == TW_OK && i < z.n; i++) {
    tw__unfold_image(windows->data, x, i, c->attrs, z.rows, z.cols);
    product((tw_dtype)y->dtype, z.kernels, positions, z.inner, dense->data, z.inner, 1, windows->data, y->data + i * bytes, scratch->data);
  }
  release(ctx, windows, scratch, dense);
  return s;
}

/* conv_back: (t [N O OH OW], w) -> [N C height width], the adjoint of conv in x: w' t for each image, folded. */

static tw_status infer_back(tw_ctx *ctx, const tw_call *c, tw_meta *out) {
  const tw_window_attrs *a = c->attrs;
  const tw_tensor *t = c->in[0], *w = c->in[1];
  sizes z = {0};
  bool fits = t->ndim == 4 && w->ndim == 4 && t->dtype == w->dtype && t->shape[1] == w->shape[0];
  if (!fits) return tw_fail_shapes(ctx, c, "needs results [N O OH OW] and kernels [O C kh kw]");
  tw_status s = sizes_of(ctx, c->op->name, a, t->shape[0], a->height, a->width, w, &z);
  if (s == TW_OK && (t->shape[2] != z.rows || t->shape[3] != z.cols)) return tw_fail_shapes(ctx, c, "these are not the results of such an image");
  out[0] = (tw_meta){.dtype = (tw_dtype)t->dtype, .shape = {.n = 4, .d = {z.n, w->shape[1], a->height, a->width}}};
  return s;
}

static tw_status run_back(tw_ctx *ctx, const tw_call *c) {
  const tw_window_attrs *a = c->attrs;
  tw_tensor *t = c->in[0], *w = c->in[1], *y = c->out[0], *windows = NULL, *scratch = NULL, *dense = NULL, *image = NULL;
  sizes z;
  tw_status s = sizes_of(ctx, c->op->name, a, t->shape[0], a->height, a->width, w, &z);
  if (s != TW_OK || y->size == 0) return s;
  int64_t positions = z.rows * z.cols, item = (int64_t)tw_dtype_size((tw_dtype)y->dtype), bytes = w->shape[1] * a->height * a->width * item;
  tw_shape one = {.n = 2, .d = {z.kernels, positions}};
  s = prepare(ctx, w, &z, z.kernels, &windows, &scratch, &dense);
  if (s == TW_OK) s = tw_tensor_new(ctx, (tw_dtype)t->dtype, &one, &image);
  for (int64_t i = 0; s == TW_OK && i < z.n; i++) {
    tw_tensor from = *t, to = *image, laid = *windows; /* image i, the room for it, and the windows under their six axes */
    from.data += i * t->stride[0] * item;
    from.shape[0] = 1;
    from.size = to.size;
    to.ndim = from.ndim;
    memcpy(to.shape, from.shape, sizeof to.shape);
    memcpy(to.stride, (int64_t[4]){to.size, positions, z.cols, 1}, 4 * sizeof(int64_t));
    tw__copy_into(&to, &from);
    product((tw_dtype)y->dtype, z.inner, positions, z.kernels, dense->data, 1, z.inner, image->data, windows->data, scratch->data);
    laid.ndim = 6;
    memcpy(laid.shape, (int64_t[6]){1, w->shape[1], w->shape[2], w->shape[3], z.rows, z.cols}, 6 * sizeof(int64_t));
    for (int64_t k = 5, step = 1; k >= 0; step *= laid.shape[k--]) laid.stride[k] = step;
    tw__fold_image(y->data + i * bytes, &laid, 0, a);
  }
  release(ctx, windows, scratch, dense);
  tw_tensor_release(ctx, image);
  return s;
}

/* The cotangent of w: for each image the windows of x [K P] times t' [P O], summed over the images, turned. */
static tw_tensor *kernels_adjoint(tw_compose *k, tw_tensor *t, tw_tensor *x, const tw_tensor *w, const tw_window_attrs *a) {
  sizes z;
  k->status = sizes_of(k->ctx, "conv", a, x->shape[0], x->shape[2], x->shape[3], w, &z);
  int64_t positions = z.rows * z.cols;
  tw_shape_attrs flat = {.shape = {.n = 3, .d = {z.n, z.inner, positions}}}, rows = {.shape = {.n = 3, .d = {z.n, z.kernels, positions}}};
  tw_shape_attrs matrix = {.shape = {.n = 2, .d = {z.inner, z.kernels}}}, own = {.shape = tw_tensor_shape(w)};
  tw_permute_attrs images = {.n = 3, .axis = {0, 2, 1}}, turn = {.n = 2, .axis = {1, 0}};
  tw_tensor *windows = tw_do1(k, &tw_op_reshape, &flat, tw_do1(k, &tw_op_unfold, a, x));
  tw_tensor *each = tw_do2(k, &tw_op_matmul, NULL, windows, tw_do1(k, &tw_op_permute, &images, tw_do1(k, &tw_op_reshape, &rows, t)));
  return tw_do1(k, &tw_op_reshape, &own, tw_do1(k, &tw_op_permute, &turn, tw_do1(k, &tw_op_sum_to, &matrix, each)));
}

static tw_status vjp_conv(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **grad, const bool *wanted) {
  tw_window_attrs a = *(const tw_window_attrs *)c->attrs;
  a.height = c->in[0]->shape[2];
  a.width = c->in[0]->shape[3];
  tw_status s = TW_OK;
  tw_compose k = {.ctx = ctx};
  if (wanted[0]) s = tw_compose_end(&k, tw_do2(&k, &tw_op_conv_back, &a, t[0], c->in[1]), &grad[0]);
  if (wanted[1] && s == TW_OK) s = tw_compose_end(&k, kernels_adjoint(&k, t[0], c->in[0], c->in[1], &a), &grad[1]);
  return s;
}

static tw_status vjp_back(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **grad, const bool *wanted) {
  tw_status s = TW_OK;
  tw_compose k = {.ctx = ctx};
  if (wanted[0]) s = tw_compose_end(&k, tw_do2(&k, &tw_op_conv, c->attrs, t[0], c->in[1]), &grad[0]);
  if (wanted[1] && s == TW_OK) s = tw_compose_end(&k, kernels_adjoint(&k, c->in[0], t[0], c->in[1], c->attrs), &grad[1]);
  return s;
}

/* Linear in each. */
static tw_status jvp_bilinear(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **out) {
  tw_compose k = {.ctx = ctx};
  tw_tensor *left = t[0] ? tw_do2(&k, c->op, c->attrs, t[0], c->in[1]) : NULL;
  tw_tensor *right = t[1] ? tw_do2(&k, c->op, c->attrs, c->in[0], t[1]) : NULL;
  return tw_compose_end(&k, t[0] && t[1] ? tw_do2(&k, &tw_op_add, NULL, left, right) : t[0] ? left : right, &out[0]);
}

const tw_op tw_op_conv = {.name = "conv", .about = "the product of kernels with the windows of images", .n_in = 2, .n_out = 1, .flags = TW_OP_STEADY,
                          .attrs_bytes = sizeof(tw_window_attrs), .infer = infer_conv, .run = run_conv, .vjp = vjp_conv, .jvp = jvp_bilinear};
const tw_op tw_op_conv_back = {.name = "conv_back", .about = "the adjoint of conv in the images", .n_in = 2, .n_out = 1, .flags = TW_OP_STEADY,
                               .attrs_bytes = sizeof(tw_window_attrs), .infer = infer_back, .run = run_back, .vjp = vjp_back, .jvp = jvp_bilinear};

/* conv2d, conv1d: y[n o p] = sum over (c i j) of w[o, c i j] windows[n, c i j, p], + b[o]. */

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
  sizes z;
  if (!x || !w) return NULL;
  a.kernel[0] = w->shape[2];
  a.kernel[1] = w->shape[3];
  k->status = sizes_of(k->ctx, op, &a, x->shape[0], x->shape[2], x->shape[3], w, &z); /* so that the message names the caller's operation */
  tw_shape_attrs column = {.shape = {.n = 3, .d = {w->shape[0], 1, 1}}};
  tw_tensor *y = tw_do2(k, &tw_op_conv, &a, x, w);
  return b ? tw_do2(k, &tw_op_add, NULL, y, tw_do1(k, &tw_op_reshape, &column, b)) : y;
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
