/* gather and its adjoint scatter_add: along one axis, every element names its own place. Index tensors are i64 and 1-based; they have as many axes as the
 * tensor and reach no further than it on the other axes. What several indices send to one place is added in the order of the index's axis. */
#include <string.h>

#include "op/lines.h"
#include "op/select.h"
#include "tensor/ctx.h"

static tw_status outside(tw_ctx *ctx, const char *op, int64_t at, int64_t place, int64_t n) {
  return tw_fail(&ctx->error, TW_EINVAL, "%s: index %lld (element %lld of the index tensor) is outside 1..%lld", op, (long long)at, (long long)place + 1,
                 (long long)n);
}

/* The first element outside low..n except 0 (n + 1: none), and whether any is negative. */
static tw_status examine(tw_ctx *ctx, const char *op, const tw_tensor *index, int64_t n, int64_t low, bool *negative) {
  *negative = false;
  if (index->dtype != TW_I64) {
    char text[128];
    return tw_fail(&ctx->error, TW_EINVAL, "%s: the index must be an i64 tensor (or a bool mask), got %s; convert it with :to(\"i64\")", op,
                   tw_tensor_describe(index, text, sizeof text));
  }
  bool dense = tw_tensor_is_contiguous(index);
  for (int64_t lane = index->lanes ? tw_lane_count(index) - 1 : 0; lane >= 0; lane--) {
    tw_tensor one;
    if (index->lanes) one = tw_tensor_lane(index, lane);
    const tw_tensor *here = index->lanes ? &one : index;
    const int64_t *all = (const int64_t *)(const void *)here->data;
    bool wrong = !dense, below = false;
    for (int64_t i = 0; dense && i < index->size; i++) {
      wrong |= (all[i] > n) | (all[i] < low) | (all[i] == 0);
      below |= all[i] < 0;
    }
    *negative = *negative || below;
    for (int64_t i = 0; wrong && i < index->size; i++) { /* which one it is; and an index that does not lie together */
      int64_t at = dense ? all[i] : tw_tensor_get_i64(here, i);
      if (at > n || at < low || at == 0) return outside(ctx, op, at, i, n);
      *negative = *negative || at < 0;
    }
  }
  return TW_OK;
}

tw_status tw_index_check(tw_ctx *ctx, const char *op, const tw_tensor *index, int64_t n) {
  bool negative;
  return examine(ctx, op, index, n, 1, &negative);
}

tw_status tw_index_resolve(tw_ctx *ctx, const char *op, tw_tensor *index, int64_t n, tw_tensor **out) {
  bool negative;
  tw_status s = examine(ctx, op, index, n, -n, &negative);
  if (s != TW_OK) return s;
  if (!negative) {
    *out = tw_tensor_retain(index);
    return TW_OK;
  }
  tw_shape shape = tw_tensor_shape(index);
  tw_lanes lanes = {0};
  if (!tw_lanes_join(&lanes, index)) return TW_ESTATE;
  s = tw_tensor_new_packed(ctx, TW_I64, &shape, &lanes, out);
  for (int64_t lane = tw_lane_count(index) - 1; s == TW_OK && lane >= 0; lane--) {
    tw_tensor from = tw_tensor_lane(index, lane), to = tw_tensor_lane(*out, lane);
    for (int64_t i = 0; i < index->size; i++) {
      int64_t at = tw_tensor_get_i64(&from, i);
      ((int64_t *)(void *)to.data)[i] = at < 0 ? at + n + 1 : at;
    }
  }
  return s;
}

tw_status tw_mask_positions(tw_ctx *ctx, const tw_tensor *mask, tw_tensor **out) {
  if (mask->lanes) {
    return tw_fail(&ctx->error, TW_EINVAL, "index: a mask that differs between lanes would select different numbers of elements; use tw.where(mask, x, 0)");
  }
  bool dense = tw_tensor_is_contiguous(mask);
  tw_shape shape = {.n = 1};
  for (int64_t i = 0; i < mask->size; i++) shape.d[0] += dense ? mask->data[i] != 0 : tw_tensor_get(mask, i) != 0;
  tw_status s = tw_tensor_new(ctx, TW_I64, &shape, out);
  if (s != TW_OK) return s;
  int64_t n = 0, *place = (int64_t *)(void *)(*out)->data;
  for (int64_t i = 0; i < mask->size; i++) {
    if (dense ? mask->data[i] != 0 : tw_tensor_get(mask, i) != 0) place[n++] = i + 1;
  }
  return TW_OK;
}

static int axis_of(const tw_call *c) { return ((const tw_scan_attrs *)c->attrs)->axis; }

static tw_status check(tw_ctx *ctx, const tw_call *c, const tw_tensor *x, const tw_tensor *index) {
  int axis = axis_of(c);
  bool fits = x->ndim == index->ndim && x->ndim > 0;
  for (int i = 0; fits && i < x->ndim; i++) fits = i == axis || index->shape[i] <= x->shape[i];
  if (!fits) return tw_fail_shapes(ctx, c, "the index must have as many axes as the tensor, and no other axis longer than its");
  return tw_index_check(ctx, c->op->name, index, x->shape[axis]);
}

static tw_status infer_gather(tw_ctx *ctx, const tw_call *c, tw_meta *out) {
  out[0] = (tw_meta){.dtype = (tw_dtype)c->in[0]->dtype, .shape = tw_tensor_shape(c->in[1])};
  return check(ctx, c, c->in[0], c->in[1]);
}

static tw_status run_gather(tw_ctx *ctx, const tw_call *c) {
  (void)ctx;
  tw_tensor *operands[3] = {c->out[0], c->in[1], c->in[0]};
  size_t item = tw_dtype_size((tw_dtype)c->in[0]->dtype);
  if (c->out[0]->size == 0) return TW_OK;
  tw_lines l;
  tw_lines_init(&l, axis_of(c), 3, operands);
  do {
    for (int64_t i = 0; i < l.n; i++) {
      int64_t at = *(const int64_t *)(const void *)(l.p[1] + i * l.step[1]) - 1;
      char *to = l.p[0] + i * l.step[0];
      const char *from = l.p[2] + at * l.step[2];
      if (item == 8) memcpy(to, from, 8);
      else if (item == 4) memcpy(to, from, 4);
      else *to = *from;
    }
  } while (tw_lines_next(&l));
  return TW_OK;
}

static tw_status vjp_gather(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **grad, const bool *wanted) {
  if (!wanted[0]) return TW_OK;
  tw_compose k = {.ctx = ctx};
  return tw_compose_end(&k, tw_do3(&k, &tw_op_scatter_add, c->attrs, tw_do_zeros(&k, c->in[0]), t[0], c->in[1]), &grad[0]);
}

const tw_op tw_op_gather = {.name = "gather", .about = "along an axis, the element each index names", .n_in = 2, .n_out = 1,
                            .flags = TW_OP_STEADY | TW_OP_LINEAR,
                            .attrs_bytes = sizeof(tw_scan_attrs), .infer = infer_gather, .run = run_gather, .vjp = vjp_gather};

static tw_status infer_scatter_add(tw_ctx *ctx, const tw_call *c, tw_meta *out) {
  const tw_tensor *x = c->in[0], *source = c->in[1], *index = c->in[2];
  tw_shape a = tw_tensor_shape(source), b = tw_tensor_shape(index);
  if (x->dtype != source->dtype || x->dtype == TW_BOOL) {
    return tw_fail_shapes(ctx, c, "the tensor and what is added must be numbers of one dtype; convert one with :to()");
  }
  if (!tw_shape_equal(&a, &b)) return tw_fail_shapes(ctx, c, "what is added must have the index's shape");
  out[0] = (tw_meta){.dtype = (tw_dtype)x->dtype, .shape = tw_tensor_shape(x)};
  return check(ctx, c, x, index);
}

#define SCATTER(name, T, sum)                                                                           \
  static void scatter_##name(const tw_lines *l) {                                                       \
    for (int64_t i = 0; i < l->n; i++) {                                                                \
      int64_t at = *(const int64_t *)(const void *)(l->p[0] + i * l->step[0]) - 1;                      \
      T *to = (T *)(void *)(l->p[2] + at * l->step[2]), a = *to, b = *(const T *)(const void *)(l->p[1] + i * l->step[1]); \
      *to = sum;                                                                                        \
    }                                                                                                   \
  }
SCATTER(f64, double, a + b)
SCATTER(f32, float, a + b)
SCATTER(i64, int64_t, (int64_t)((uint64_t)a + (uint64_t)b))

static tw_status run_scatter_add(tw_ctx *ctx, const tw_call *c) {
  (void)ctx;
  static void (*const kernel[])(const tw_lines *) = {scatter_f64, scatter_f32, scatter_i64};
  tw_tensor *operands[3] = {c->in[2], c->in[1], c->out[0]};
  tw__copy_into(c->out[0], c->in[0]);
  if (c->in[2]->size == 0) return TW_OK;
  tw_lines l;
  tw_lines_init(&l, axis_of(c), 3, operands);
  do kernel[c->out[0]->dtype](&l);
  while (tw_lines_next(&l));
  return TW_OK;
}

static tw_status vjp_scatter_add(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **grad, const bool *wanted) {
  if (wanted[0]) grad[0] = tw_tensor_retain(t[0]);
  if (!wanted[1]) return TW_OK;
  tw_compose k = {.ctx = ctx};
  return tw_compose_end(&k, tw_do2(&k, &tw_op_gather, c->attrs, t[0], c->in[2]), &grad[1]);
}

static tw_status jvp_scatter_add(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **out) {
  tw_compose k = {.ctx = ctx};
  if (!t[1]) return tw_compose_end(&k, t[0], &out[0]);
  tw_tensor *x = t[0] ? t[0] : tw_do_zeros(&k, c->in[0]);
  return tw_compose_end(&k, tw_do3(&k, &tw_op_scatter_add, c->attrs, x, t[1], c->in[2]), &out[0]);
}

const tw_op tw_op_scatter_add = {.name = "scatter_add", .about = "a copy with values added, along an axis, at the places an index names", .n_in = 3, .n_out = 1,
                                 .flags = TW_OP_STEADY,
                                 .attrs_bytes = sizeof(tw_scan_attrs), .infer = infer_scatter_add, .run = run_scatter_add, .vjp = vjp_scatter_add,
                                 .jvp = jvp_scatter_add};
