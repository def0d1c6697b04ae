/* Views and their adjoints: the same numbers seen through another shape. Nothing is copied unless the strides cannot say it. */
#include <string.h>

#include "op/op.h"
#include "tensor/ctx.h"

/* alias: a fresh tensor over the same storage. */

static tw_status run_alias(tw_ctx *ctx, const tw_call *c) {
  tw_shape shape = tw_tensor_shape(c->in[0]);
  return tw_tensor_new_view(ctx, c->in[0], &shape, c->in[0]->stride, 0, &c->out[0]);
}

static tw_status vjp_alias(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **grad, const bool *wanted) {
  (void)ctx; (void)c; (void)wanted;
  grad[0] = tw_tensor_retain(t[0]);
  return TW_OK;
}

const tw_op tw_op_alias = {.name = "alias", .about = "the same values behind a fresh tensor", .n_in = 1, .n_out = 1, .flags = TW_OP_VIEW | TW_OP_LINEAR,
                           .run = run_alias, .vjp = vjp_alias};

/* reshape: the row-major sequence cut anew. */

static tw_status infer_reshape(tw_ctx *ctx, const tw_call *c, tw_meta *out) {
  (void)out;
  const tw_shape_attrs *a = c->attrs;
  if (tw_shape_size(&a->shape) == c->in[0]->size) return TW_OK;
  char from[128], to[128];
  tw_tensor like = {.dtype = c->in[0]->dtype, .ndim = (uint8_t)a->shape.n};
  memcpy(like.shape, a->shape.d, sizeof like.shape);
  return tw_fail(&ctx->error, TW_EINVAL, "reshape: %s has %lld elements, %s would have %lld", tw_tensor_describe(c->in[0], from, sizeof from),
                 (long long)c->in[0]->size, tw_tensor_describe(&like, to, sizeof to), (long long)tw_shape_size(&a->shape));
}

/* Axes of size 1 come and go without moving an element: true, with the strides, when nothing else changes. */
static bool only_ones_differ(const tw_tensor *x, const tw_shape *to, int64_t *stride) {
  int own = 0;
  for (int i = 0; i < to->n; i++) {
    if (to->d[i] == 1) {
      stride[i] = 0;
      continue;
    }
    while (own < x->ndim && x->shape[own] == 1) own++;
    if (own == x->ndim || x->shape[own] != to->d[i]) return false;
    stride[i] = x->stride[own++];
  }
  return true;
}

static tw_status run_reshape(tw_ctx *ctx, const tw_call *c) {
  const tw_shape_attrs *a = c->attrs;
  int64_t stride[TW_MAX_DIM], step = 1;
  if (only_ones_differ(c->in[0], &a->shape, stride)) return tw_tensor_new_view(ctx, c->in[0], &a->shape, stride, 0, &c->out[0]);
  for (int i = a->shape.n - 1; i >= 0; i--) {
    stride[i] = step;
    step *= a->shape.d[i];
  }
  if (tw_tensor_is_contiguous(c->in[0])) return tw_tensor_new_view(ctx, c->in[0], &a->shape, stride, 0, &c->out[0]);
  tw_tensor *dense, *operands[2];
  tw_shape from = tw_tensor_shape(c->in[0]);
  tw_status s = tw_tensor_new(ctx, (tw_dtype)c->in[0]->dtype, &from, &dense);
  if (s != TW_OK) return s;
  operands[0] = dense;
  operands[1] = c->in[0];
  tw__copy_into(operands[0], operands[1]);
  s = tw_tensor_new_view(ctx, dense, &a->shape, stride, 0, &c->out[0]);
  tw_tensor_release(ctx, dense);
  return s;
}

static tw_status vjp_reshape(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **grad, const bool *wanted) {
  (void)wanted;
  tw_shape_attrs back = {.shape = tw_tensor_shape(c->in[0])};
  tw_compose k = {.ctx = ctx};
  return tw_compose_end(&k, tw_do1(&k, &tw_op_reshape, &back, t[0]), &grad[0]);
}

const tw_op tw_op_reshape = {.name = "reshape", .about = "the same elements, in row-major order, under another shape", .n_in = 1, .n_out = 1,
                             .flags = TW_OP_VIEW | TW_OP_LINEAR, .attrs_bytes = sizeof(tw_shape_attrs), .infer = infer_reshape,
                             .run = run_reshape, .vjp = vjp_reshape};

/* permute: axis i of the result is axis[i] of the input. */

static tw_status run_permute(tw_ctx *ctx, const tw_call *c) {
  const tw_permute_attrs *a = c->attrs;
  tw_shape shape = {.n = a->n};
  int64_t stride[TW_MAX_DIM];
  for (int i = 0; i < a->n; i++) {
    shape.d[i] = c->in[0]->shape[a->axis[i]];
    stride[i] = c->in[0]->stride[a->axis[i]];
  }
  return tw_tensor_new_view(ctx, c->in[0], &shape, stride, 0, &c->out[0]);
}

static tw_status vjp_permute(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **grad, const bool *wanted) {
  (void)wanted;
  const tw_permute_attrs *a = c->attrs;
  tw_permute_attrs back = {.n = a->n};
  for (int i = 0; i < a->n; i++) back.axis[a->axis[i]] = i;
  tw_compose k = {.ctx = ctx};
  return tw_compose_end(&k, tw_do1(&k, &tw_op_permute, &back, t[0]), &grad[0]);
}

const tw_op tw_op_permute = {.name = "permute", .about = "the axes in another order", .n_in = 1, .n_out = 1, .flags = TW_OP_VIEW | TW_OP_LINEAR,
                             .attrs_bytes = sizeof(tw_permute_attrs), .run = run_permute, .vjp = vjp_permute};

/* expand: broadcasting made visible; its adjoint is sum_to. */

static tw_status infer_expand(tw_ctx *ctx, const tw_call *c, tw_meta *out) {
  (void)out;
  const tw_shape_attrs *a = c->attrs;
  tw_shape from = tw_tensor_shape(c->in[0]), both;
  if (tw_shape_broadcast(&from, &a->shape, &both) && tw_shape_equal(&both, &a->shape)) return TW_OK;
  return tw_fail_shapes(ctx, c, "only axes of size 1 can be expanded, and only to the left can axes be added");
}

static tw_status run_expand(tw_ctx *ctx, const tw_call *c) {
  const tw_shape_attrs *a = c->attrs;
  const tw_tensor *x = c->in[0];
  int64_t stride[TW_MAX_DIM];
  for (int i = 0; i < a->shape.n; i++) {
    int own = i - (a->shape.n - x->ndim);
    stride[i] = own < 0 || (x->shape[own] == 1 && a->shape.d[i] != 1) ? 0 : x->stride[own];
  }
  return tw_tensor_new_view(ctx, x, &a->shape, stride, 0, &c->out[0]);
}

static tw_status vjp_expand(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **grad, const bool *wanted) {
  (void)wanted;
  tw_shape_attrs back = {.shape = tw_tensor_shape(c->in[0])};
  tw_compose k = {.ctx = ctx};
  return tw_compose_end(&k, tw_do1(&k, &tw_op_sum_to, &back, t[0]), &grad[0]);
}

const tw_op tw_op_expand = {.name = "expand", .about = "axes of size 1 repeated without copying", .n_in = 1, .n_out = 1, .flags = TW_OP_VIEW | TW_OP_LINEAR,
                            .attrs_bytes = sizeof(tw_shape_attrs), .infer = infer_expand, .run = run_expand, .vjp = vjp_expand};

/* slice: start, step, size on every axis; its adjoint embeds in zeros. */

static tw_status run_slice(tw_ctx *ctx, const tw_call *c) {
  const tw_slice_attrs *a = c->attrs;
  tw_shape shape = {.n = a->n};
  int64_t stride[TW_MAX_DIM], offset = 0;
  for (int i = 0; i < a->n; i++) {
    shape.d[i] = a->size[i];
    stride[i] = c->in[0]->stride[i] * a->step[i];
    if (a->size[i]) offset += c->in[0]->stride[i] * a->start[i];
  }
  return tw_tensor_new_view(ctx, c->in[0], &shape, stride, offset, &c->out[0]);
}

static tw_status vjp_slice(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **grad, const bool *wanted) {
  (void)wanted;
  tw_embed_attrs back = {.shape = tw_tensor_shape(c->in[0]), .slice = *(const tw_slice_attrs *)c->attrs};
  tw_compose k = {.ctx = ctx};
  return tw_compose_end(&k, tw_do1(&k, &tw_op_embed, &back, t[0]), &grad[0]);
}

const tw_op tw_op_slice = {.name = "slice", .about = "a regular part: start, step and size on every axis", .n_in = 1, .n_out = 1,
                           .flags = TW_OP_VIEW | TW_OP_LINEAR, .attrs_bytes = sizeof(tw_slice_attrs), .run = run_slice, .vjp = vjp_slice};

/* embed: zeros of a shape with the input at the slice's place. */

static tw_status infer_embed(tw_ctx *ctx, const tw_call *c, tw_meta *out) {
  (void)ctx;
  out[0] = (tw_meta){.dtype = (tw_dtype)c->in[0]->dtype, .shape = ((const tw_embed_attrs *)c->attrs)->shape};
  return TW_OK;
}

static tw_status run_embed(tw_ctx *ctx, const tw_call *c) {
  const tw_embed_attrs *a = c->attrs;
  tw_tensor *y = c->out[0], *part[1] = {NULL};
  memset(y->data, 0, (size_t)y->size * tw_dtype_size((tw_dtype)y->dtype));
  tw_call view = {.op = &tw_op_slice, .attrs = &a->slice, .in = &y, .out = part, .n_in = 1, .n_out = 1};
  tw_status s = run_slice(ctx, &view);
  if (s != TW_OK) return s;
  tw__copy_into(part[0], c->in[0]);
  tw_tensor_release(ctx, part[0]);
  return TW_OK;
}

static tw_status vjp_embed(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **grad, const bool *wanted) {
  (void)wanted;
  tw_compose k = {.ctx = ctx};
  return tw_compose_end(&k, tw_do1(&k, &tw_op_slice, &((const tw_embed_attrs *)c->attrs)->slice, t[0]), &grad[0]);
}

const tw_op tw_op_embed = {.name = "embed", .about = "zeros with the input at the place of a slice", .n_in = 1, .n_out = 1, .flags = TW_OP_LINEAR,
                           .attrs_bytes = sizeof(tw_embed_attrs), .infer = infer_embed, .run = run_embed, .vjp = vjp_embed};
