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

const tw_op tw_op_alias = {.name = "alias", .about = "the same values behind a fresh tensor", .n_in = 1, .n_out = 1,
                           .flags = TW_OP_STEADY | TW_OP_VIEW | TW_OP_LINEAR, .run = run_alias, .vjp = vjp_alias};

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

static void row_major(const tw_shape *shape, int64_t step, int64_t *stride) {
  for (int i = shape->n - 1; i >= 0; i--) {
    stride[i] = step;
    step *= shape->d[i];
  }
}

static tw_status run_reshape(tw_ctx *ctx, const tw_call *c) {
  const tw_shape_attrs *a = c->attrs;
  int64_t stride[TW_MAX_DIM], step = 1;
  if (only_ones_differ(c->in[0], &a->shape, stride)) return tw_tensor_new_view(ctx, c->in[0], &a->shape, stride, 0, &c->out[0]);
  if (tw_tensor_is_even(c->in[0], &step)) {
    row_major(&a->shape, step, stride);
    return tw_tensor_new_view(ctx, c->in[0], &a->shape, stride, 0, &c->out[0]);
  }
  tw_tensor *dense;
  tw_shape from = tw_tensor_shape(c->in[0]);
  tw_lanes lanes = {0};
  if (!tw_lanes_join(&lanes, c->in[0])) return TW_ESTATE;
  tw_status s = tw_tensor_new_laned(ctx, (tw_dtype)c->in[0]->dtype, &from, &lanes, &dense);
  if (s != TW_OK) return s;
  tw__copy_into(dense, c->in[0]);
  row_major(&a->shape, dense->storage->step, stride);
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
                             .flags = TW_OP_STEADY | TW_OP_VIEW | TW_OP_LINEAR, .attrs_bytes = sizeof(tw_shape_attrs), .infer = infer_reshape,
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

const tw_op tw_op_permute = {.name = "permute", .about = "the axes in another order", .n_in = 1, .n_out = 1, .flags = TW_OP_STEADY | TW_OP_VIEW | TW_OP_LINEAR,
                             .attrs_bytes = sizeof(tw_permute_attrs), .run = run_permute, .vjp = vjp_permute};

/* expand: broadcasting made visible; its adjoint is sum_to. */

static tw_status infer_expand(tw_ctx *ctx, const tw_call *c, tw_meta *out) {
  (void)out;
  const tw_shape_attrs *a = c->attrs;
  tw_shape from = tw_tensor_shape(c->in[0]), both;
  if (tw_shape_size(&a->shape) == INT64_MAX) return tw_fail_shapes(ctx, c, "the sizes multiply to more than can be counted");
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

const tw_op tw_op_expand = {.name = "expand", .about = "axes of size 1 repeated without copying", .n_in = 1, .n_out = 1,
                            .flags = TW_OP_STEADY | TW_OP_VIEW | TW_OP_LINEAR, .attrs_bytes = sizeof(tw_shape_attrs), .infer = infer_expand, .run = run_expand,
                            .vjp = vjp_expand};

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
                           .flags = TW_OP_STEADY | TW_OP_VIEW | TW_OP_LINEAR, .attrs_bytes = sizeof(tw_slice_attrs), .run = run_slice, .vjp = vjp_slice};

/* embed: zeros of a shape with the input at the slice's place. */

static tw_status infer_embed(tw_ctx *ctx, const tw_call *c, tw_meta *out) {
  (void)ctx;
  out[0] = (tw_meta){.dtype = (tw_dtype)c->in[0]->dtype, .shape = ((const tw_embed_attrs *)c->attrs)->shape};
  return TW_OK;
}

static tw_status run_embed(tw_ctx *ctx, const tw_call *c) {
  const tw_embed_attrs *a = c->attrs;
  tw_tensor *y = c->out[0], *part[1] = {NULL};
  tw__zero(y);
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

const tw_op tw_op_embed = {.name = "embed", .about = "zeros with the input at the place of a slice", .n_in = 1, .n_out = 1,
                           .flags = TW_OP_STEADY | TW_OP_LINEAR | TW_OP_STRIDED,
                           .attrs_bytes = sizeof(tw_embed_attrs), .infer = infer_embed, .run = run_embed, .vjp = vjp_embed};

/* lanes_in: an axis becomes a hidden one; lanes_out: a hidden axis becomes one that is seen, of equal parts where the input does not differ along it. Each is
 * the other's adjoint: what a tape adds up over lanes it adds up where a value is the same in all of them (grad/tape.c). */

static tw_status run_lanes_in(tw_ctx *ctx, const tw_call *c) {
  const tw_lanes_attrs *a = c->attrs;
  const tw_tensor *x = c->in[0];
  tw_shape shape = {0};
  int64_t stride[TW_MAX_DIM];
  for (int i = 0; i < x->ndim; i++) {
    if (i == a->axis) continue;
    stride[shape.n] = x->stride[i];
    shape.d[shape.n++] = x->shape[i];
  }
  tw_status s = tw_tensor_new_view(ctx, x, &shape, stride, 0, &c->out[0]);
  if (s != TW_OK) return s;
  c->out[0]->lanes |= (uint8_t)(1u << a->h);
  c->out[0]->lane_size[a->h] = a->size;
  c->out[0]->lane_stride[a->h] = x->stride[a->axis];
  return TW_OK;
}

static tw_status infer_lanes_out(tw_ctx *ctx, const tw_call *c, tw_meta *out) {
  (void)out;
  return c->in[0]->ndim < TW_MAX_DIM ? TW_OK : tw_fail_shapes(ctx, c, "a tensor has at most 8 axes, and the mapped one comes to these");
}

static tw_status run_lanes_out(tw_ctx *ctx, const tw_call *c) {
  const tw_lanes_attrs *a = c->attrs;
  const tw_tensor *x = c->in[0];
  bool differs = x->lanes >> a->h & 1;
  tw_shape shape = {.n = x->ndim + 1};
  int64_t stride[TW_MAX_DIM];
  for (int i = 0; i < shape.n; i++) {
    shape.d[i] = i < a->axis ? x->shape[i] : i == a->axis ? a->size : x->shape[i - 1];
    stride[i] = i < a->axis ? x->stride[i] : i > a->axis ? x->stride[i - 1] : differs ? x->lane_stride[a->h] : 0;
  }
  tw_status s = tw_tensor_new_view(ctx, x, &shape, stride, 0, &c->out[0]);
  if (s == TW_OK) c->out[0]->lanes &= (uint8_t)~(1u << a->h);
  return s;
}

static tw_status vjp_lanes(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **grad, const bool *wanted) {
  (void)wanted;
  tw_compose k = {.ctx = ctx};
  return tw_compose_end(&k, tw_do1(&k, c->op == &tw_op_lanes_in ? &tw_op_lanes_out : &tw_op_lanes_in, c->attrs, t[0]), &grad[0]);
}

const tw_op tw_op_lanes_in = {.name = "lanes_in", .about = "an axis becomes a hidden one", .n_in = 1, .n_out = 1, .flags = TW_OP_VIEW | TW_OP_LINEAR,
                              .attrs_bytes = sizeof(tw_lanes_attrs), .run = run_lanes_in, .vjp = vjp_lanes};
const tw_op tw_op_lanes_out = {.name = "lanes_out", .about = "a hidden axis becomes one that is seen", .n_in = 1, .n_out = 1,
                               .flags = TW_OP_VIEW | TW_OP_LINEAR, .attrs_bytes = sizeof(tw_lanes_attrs), .infer = infer_lanes_out,
                               .run = run_lanes_out, .vjp = vjp_lanes};
