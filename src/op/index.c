/* Selecting by index tensors (i64, 1-based) and the adjoints that add back. An index outside its axis is an error, in both directions.
 * Where several indices name one place, contributions are added in ascending order of the index tensor. */
#include <string.h>

#include "op/select.h"
#include "tensor/ctx.h"

/* index_select: y[.., k, ..] = x[.., index[k], ..]. */

static tw_status infer_index_select(tw_ctx *ctx, const tw_call *c, tw_meta *out) {
  int axis = ((const tw_axis_attrs *)c->attrs)->axis;
  if (c->in[1]->dtype != TW_I64 || c->in[1]->ndim != 1) return tw_fail_shapes(ctx, c, "the index must be an i64 vector");
  out[0] = (tw_meta){.dtype = (tw_dtype)c->in[0]->dtype, .shape = tw_tensor_shape(c->in[0])};
  out[0].shape.d[axis] = c->in[1]->size;
  return tw_index_check(ctx, c->op->name, c->in[1], c->in[0]->shape[axis]);
}

/* A view of t with `axis` fixed at position `at`, as a stack value for the copy kernels. */
static tw_tensor fixed(const tw_tensor *t, int axis, int64_t at) {
  tw_tensor v = *t;
  v.data += at * t->stride[axis] * (int64_t)tw_dtype_size((tw_dtype)t->dtype);
  v.shape[axis] = 1;
  v.size = t->shape[axis] ? t->size / t->shape[axis] : 0;
  return v;
}

static tw_status run_index_select(tw_ctx *ctx, const tw_call *c) {
  (void)ctx;
  const tw_tensor *x = c->in[0], *index = c->in[1];
  int axis = ((const tw_axis_attrs *)c->attrs)->axis;
  size_t item = tw_dtype_size((tw_dtype)x->dtype);
  bool rows = axis == 0 && tw_tensor_is_contiguous(x);
  size_t row = x->shape[axis] ? (size_t)(x->size / x->shape[axis]) * item : 0;
  if (rows && tw_tensor_is_contiguous(index)) {
    const int64_t *place = (const int64_t *)(const void *)index->data;
    char *to = c->out[0]->data;
    for (int64_t k = 0; k < index->size; k++, to += row) {
      const char *from = x->data + (size_t)(place[k] - 1) * row;
      if (row == 8) memcpy(to, from, 8);
      else memcpy(to, from, row);
    }
    return TW_OK;
  }
  for (int64_t k = 0; k < index->size; k++) {
    int64_t at = tw_tensor_get_i64(index, k) - 1;
    tw_tensor from = fixed(x, axis, at), to = fixed(c->out[0], axis, k);
    tw__copy_into(&to, &from);
  }
  return TW_OK;
}

static tw_status vjp_index_select(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **grad, const bool *wanted) {
  if (!wanted[0]) return TW_OK;
  int axis = ((const tw_axis_attrs *)c->attrs)->axis;
  tw_index_add_attrs back = {.axis = axis, .size = c->in[0]->shape[axis]};
  tw_compose k = {.ctx = ctx};
  return tw_compose_end(&k, tw_do2(&k, &tw_op_index_add, &back, t[0], c->in[1]), &grad[0]);
}

const tw_op tw_op_index_select = {.name = "index_select", .about = "the slices named by an index vector, along an axis", .n_in = 2, .n_out = 1,
                                   .flags = TW_OP_STEADY | TW_OP_LINEAR,
                                  .attrs_bytes = sizeof(tw_axis_attrs), .infer = infer_index_select, .run = run_index_select, .vjp = vjp_index_select};

/* index_add: zeros with slice k of the input added at index[k]. */

static tw_status infer_index_add(tw_ctx *ctx, const tw_call *c, tw_meta *out) {
  const tw_index_add_attrs *a = c->attrs;
  out[0] = (tw_meta){.dtype = (tw_dtype)c->in[0]->dtype, .shape = tw_tensor_shape(c->in[0])};
  out[0].shape.d[a->axis] = a->size;
  return tw_index_check(ctx, c->op->name, c->in[1], a->size);
}

static tw_status run_index_add(tw_ctx *ctx, const tw_call *c) {
  const tw_index_add_attrs *a = c->attrs;
  tw_tensor *y = c->out[0];
  tw_status s = TW_OK;
  memset(y->data, 0, (size_t)y->size * tw_dtype_size((tw_dtype)y->dtype));
  for (int64_t k = 0; k < c->in[1]->size && s == TW_OK; k++) {
    tw_tensor from = fixed(c->in[0], a->axis, k), to = fixed(y, a->axis, tw_tensor_get_i64(c->in[1], k) - 1);
    tw_tensor *in[2] = {&to, &from}, *out[1] = {&to};
    tw_call add = {.op = &tw_op_add, .in = in, .out = out, .n_in = 2, .n_out = 1};
    s = tw_op_add.run(ctx, &add);
  }
  return s;
}

static tw_status vjp_index_add(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **grad, const bool *wanted) {
  if (!wanted[0]) return TW_OK;
  tw_axis_attrs back = {.axis = ((const tw_index_add_attrs *)c->attrs)->axis};
  tw_compose k = {.ctx = ctx};
  return tw_compose_end(&k, tw_do2(&k, &tw_op_index_select, &back, t[0], c->in[1]), &grad[0]);
}

const tw_op tw_op_index_add = {.name = "index_add", .about = "zeros with slices added at the places an index vector names", .n_in = 2, .n_out = 1,
                                .flags = TW_OP_STEADY | TW_OP_LINEAR,
                               .attrs_bytes = sizeof(tw_index_add_attrs), .infer = infer_index_add, .run = run_index_add, .vjp = vjp_index_add};

/* pick: along the last axis, one element for each position of the index: the log-probability of the true class. */

static tw_status infer_pick(tw_ctx *ctx, const tw_call *c, tw_meta *out) {
  const tw_tensor *x = c->in[0], *index = c->in[1];
  bool fits = x->ndim == index->ndim + 1 && index->dtype == TW_I64;
  for (int i = 0; fits && i < index->ndim; i++) fits = x->shape[i] == index->shape[i];
  if (!fits) return tw_fail_shapes(ctx, c, "the index must be i64 and have the first argument's shape without its last axis");
  out[0] = (tw_meta){.dtype = (tw_dtype)x->dtype, .shape = tw_tensor_shape(index)};
  return tw_index_check(ctx, c->op->name, index, x->shape[x->ndim - 1]);
}

/* Element i of the last axis' row i: dense tensors are walked by address. */
static tw_status run_pick(tw_ctx *ctx, const tw_call *c) {
  (void)ctx;
  const tw_tensor *x = c->in[0], *index = c->in[1];
  int64_t n = x->shape[x->ndim - 1];
  size_t item = tw_dtype_size((tw_dtype)x->dtype);
  bool dense = tw_tensor_is_contiguous(x);
  for (int64_t i = 0; i < index->size; i++) {
    int64_t at = i * n + tw_tensor_get_i64(index, i) - 1;
    if (dense) memcpy(c->out[0]->data + (size_t)i * item, x->data + (size_t)at * item, item);
    else tw_tensor_set(c->out[0], i, tw_tensor_get(x, at));
  }
  return TW_OK;
}

static tw_status vjp_pick(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **grad, const bool *wanted) {
  if (!wanted[0]) return TW_OK;
  const tw_tensor *x = c->in[0];
  tw_index_add_attrs back = {.axis = x->ndim - 1, .size = x->shape[x->ndim - 1]};
  tw_compose k = {.ctx = ctx};
  return tw_compose_end(&k, tw_do2(&k, &tw_op_unpick, &back, t[0], c->in[1]), &grad[0]);
}

const tw_op tw_op_pick = {.name = "pick", .about = "one element of the last axis for each index", .n_in = 2, .n_out = 1, .flags = TW_OP_STEADY | TW_OP_LINEAR,
                           .infer = infer_pick,
                          .run = run_pick, .vjp = vjp_pick};

static tw_status infer_unpick(tw_ctx *ctx, const tw_call *c, tw_meta *out) {
  const tw_index_add_attrs *a = c->attrs;
  out[0] = (tw_meta){.dtype = (tw_dtype)c->in[0]->dtype, .shape = tw_tensor_shape(c->in[0])};
  out[0].shape.d[out[0].shape.n++] = a->size;
  return tw_index_check(ctx, c->op->name, c->in[1], a->size);
}

static tw_status run_unpick(tw_ctx *ctx, const tw_call *c) {
  (void)ctx;
  tw_tensor *y = c->out[0];
  int64_t n = ((const tw_index_add_attrs *)c->attrs)->size;
  memset(y->data, 0, (size_t)y->size * tw_dtype_size((tw_dtype)y->dtype));
  for (int64_t i = 0; i < c->in[1]->size; i++) {
    tw_tensor_set(y, i * n + tw_tensor_get_i64(c->in[1], i) - 1, tw_tensor_get(c->in[0], i));
  }
  return TW_OK;
}

static tw_status vjp_unpick(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **grad, const bool *wanted) {
  if (!wanted[0]) return TW_OK;
  tw_compose k = {.ctx = ctx};
  return tw_compose_end(&k, tw_do2(&k, &tw_op_pick, NULL, t[0], c->in[1]), &grad[0]);
}

const tw_op tw_op_unpick = {.name = "unpick", .about = "zeros with one element of the last axis set for each index", .n_in = 2, .n_out = 1,
                             .flags = TW_OP_STEADY | TW_OP_LINEAR,
                            .attrs_bytes = sizeof(tw_index_add_attrs), .infer = infer_unpick, .run = run_unpick, .vjp = vjp_unpick};

/* cat: two tensors joined along an axis. */

static tw_status infer_cat(tw_ctx *ctx, const tw_call *c, tw_meta *out) {
  int axis = ((const tw_axis_attrs *)c->attrs)->axis;
  const tw_tensor *a = c->in[0], *b = c->in[1];
  bool fits = a->dtype == b->dtype && a->ndim == b->ndim;
  for (int i = 0; fits && i < a->ndim; i++) fits = i == axis || a->shape[i] == b->shape[i];
  if (!fits) return tw_fail_shapes(ctx, c, "dtypes and all sizes but the joined axis must agree");
  out[0] = (tw_meta){.dtype = (tw_dtype)a->dtype, .shape = tw_tensor_shape(a)};
  out[0].shape.d[axis] += b->shape[axis];
  return TW_OK;
}

static tw_slice_attrs part(const tw_tensor *of, int axis, int64_t start, int64_t size) {
  tw_slice_attrs s = {.n = of->ndim};
  for (int i = 0; i < of->ndim; i++) {
    s.step[i] = 1;
    s.size[i] = of->shape[i];
  }
  s.start[axis] = start;
  s.size[axis] = size;
  return s;
}

static tw_status run_cat(tw_ctx *ctx, const tw_call *c) {
  int axis = ((const tw_axis_attrs *)c->attrs)->axis;
  int64_t start = 0;
  for (int i = 0; i < 2; i++) {
    tw_slice_attrs where = part(c->out[0], axis, start, c->in[i]->shape[axis]);
    tw_tensor *view[1] = {NULL};
    tw_call slice = {.op = &tw_op_slice, .attrs = &where, .in = &c->out[0], .out = view, .n_in = 1, .n_out = 1};
    tw_status s = tw_op_slice.run(ctx, &slice);
    if (s != TW_OK) return s;
    tw__copy_into(view[0], c->in[i]);
    tw_tensor_release(ctx, view[0]);
    start += c->in[i]->shape[axis];
  }
  return TW_OK;
}

static tw_status vjp_cat(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **grad, const bool *wanted) {
  int axis = ((const tw_axis_attrs *)c->attrs)->axis;
  for (int i = 0; i < 2; i++) {
    if (!wanted[i]) continue;
    tw_slice_attrs where = part(c->out[0], axis, i ? c->in[0]->shape[axis] : 0, c->in[i]->shape[axis]);
    tw_compose k = {.ctx = ctx};
    tw_status s = tw_compose_end(&k, tw_do1(&k, &tw_op_slice, &where, t[0]), &grad[i]);
    if (s != TW_OK) return s;
  }
  return TW_OK;
}

static tw_status jvp_cat(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **out) {
  tw_compose k = {.ctx = ctx};
  tw_tensor *part[2];
  for (int i = 0; i < 2; i++) part[i] = t[i] ? t[i] : tw_do_zeros(&k, c->in[i]);
  return tw_compose_end(&k, tw_do2(&k, &tw_op_cat, c->attrs, part[0], part[1]), &out[0]);
}

const tw_op tw_op_cat = {.name = "cat", .about = "two tensors joined along an axis", .n_in = 2, .n_out = 1, .flags = TW_OP_STEADY | TW_OP_STRIDED,
                         .attrs_bytes = sizeof(tw_axis_attrs), .infer = infer_cat, .run = run_cat, .vjp = vjp_cat, .jvp = jvp_cat};
