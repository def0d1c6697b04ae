/* tw_apply: the one way to a kernel. Promotion, inference, allocation, the rules of writing in place, recording. */
#include <stdio.h>

#include "op/op.h"
#include "tensor/ctx.h"

enum { MAX_IN = 8, MAX_OUT = 6 };

tw_status tw_fail_shapes(tw_ctx *ctx, const tw_call *c, const char *what) {
  char shapes[512];
  size_t used = 0;
  shapes[0] = 0;
  for (int i = 0; i < c->n_in && used < sizeof shapes - 1; i++) {
    char one[128];
    used += (size_t)snprintf(shapes + used, sizeof shapes - used, "%s%s", i ? ", " : "", tw_tensor_describe(c->in[i], one, sizeof one));
  }
  return tw_fail(&ctx->error, TW_EINVAL, "%s: %s: %s", c->op->name, what, shapes);
}

tw_status tw_infer_elementwise(tw_ctx *ctx, const tw_call *c, tw_meta *out) {
  tw_shape shape = tw_tensor_shape(c->in[0]);
  for (int i = 1; i < c->n_in; i++) {
    tw_shape other = tw_tensor_shape(c->in[i]), both;
    if (tw_shape_equal(&shape, &other)) continue;
    if (!tw_shape_broadcast(&shape, &other, &both)) return tw_fail_shapes(ctx, c, "sizes differ and none of them is 1");
    shape = both;
  }
  out[0] = (tw_meta){.dtype = (tw_dtype)c->in[0]->dtype, .shape = shape};
  return TW_OK;
}

/* The dtype in which a promoted call computes. A weak operand came from a plain number and follows the others. */
static tw_status common_dtype(tw_ctx *ctx, const tw_call *c, tw_dtype *out) {
  bool strong[TW_N_DTYPES] = {false}, weak_real = false, weak_integer = false;
  for (int i = 0; i < c->n_in; i++) {
    const tw_tensor *t = c->in[i];
    if (!t->weak) strong[t->dtype] = true;
    else if (tw_is_real((tw_dtype)t->dtype)) weak_real = true;
    else weak_integer = true;
  }
  if (strong[TW_F64] && strong[TW_F32]) return tw_fail_shapes(ctx, c, "f32 meets f64; convert one of them with :to(\"f32\") or :to(\"f64\")");
  bool integers = (strong[TW_I64] || strong[TW_BOOL] || weak_integer) && !weak_real && !strong[TW_F64] && !strong[TW_F32];
  if (strong[TW_F32]) *out = TW_F32;
  else if (integers && (tw__integer_loop(c->op) || !c->op->row)) *out = TW_I64;
  else *out = strong[TW_F64] || !(strong[TW_I64] || strong[TW_BOOL]) ? TW_F64 : ctx->default_dtype;
  return TW_OK;
}

/* Every element of every lane at the same place. */
static bool same_places(const tw_tensor *a, const tw_tensor *b) {
  int64_t p, q;
  if (!tw_tensor_is_even(a, &p) || !tw_tensor_is_even(b, &q) || p != q || a->lanes != b->lanes) return false;
  for (int h = 0; h < TW_MAX_LANES; h++) {
    if (a->lanes >> h & 1 && a->lane_stride[h] != b->lane_stride[h]) return false;
  }
  return true;
}

static tw_status check_output(tw_ctx *ctx, const tw_call *c, int i, const tw_meta *meta) {
  const tw_tensor *o = c->out[i];
  const char *name = c->op->name;
  bool same = o->dtype == meta->dtype && o->ndim == meta->shape.n;
  for (int k = 0; k < o->ndim && same; k++) same = o->shape[k] == meta->shape.d[k];
  if (!same) {
    char has[128], wants[128];
    tw_tensor like = {.dtype = (uint8_t)meta->dtype, .ndim = (uint8_t)meta->shape.n};
    for (int k = 0; k < meta->shape.n; k++) like.shape[k] = meta->shape.d[k];
    return tw_fail(&ctx->error, TW_EINVAL, "%s: cannot be written in place: the result is %s, the tensor is %s", name,
                   tw_tensor_describe(&like, wants, sizeof wants), tw_tensor_describe(o, has, sizeof has));
  }
  if (o->levels & ctx->active) {
    return tw_fail(&ctx->error, TW_ESTATE, "%s: a tensor that is being differentiated cannot be written in place; make a new one", name);
  }
  for (int k = 0; k < o->ndim; k++) {
    if (o->size > 0 && o->shape[k] > 1 && o->stride[k] == 0) {
      return tw_fail(&ctx->error, TW_EINVAL, "%s: an expanded tensor shows one element many times and cannot be written; :clone() it first", name);
    }
  }
  if (o->storage->leaf) {
    return tw_fail(&ctx->error, TW_ESTATE, "%s: this tensor's storage belongs to a parameter being differentiated; it changes only after the step", name);
  }
  if (ctx->sealed && o->storage->outside) {
    return tw_fail(&ctx->error, TW_ESTATE, "%s: a tensor made outside run cannot be written inside it; clone it inside run", name);
  }
  for (int k = 0; k < c->n_in; k++) {
    const tw_tensor *in = c->in[k];
    if (in->storage != o->storage) continue;
    bool exact = in == o || (in->data == o->data && in->size == o->size && same_places(in, o));
    if (!(c->op->flags & TW_OP_ALIAS) || !exact) {
      return tw_fail(&ctx->error, TW_EINVAL, "%s: the result overlaps an input in place; use a copy (:clone())", name);
    }
  }
  return TW_OK;
}

/* A leaf's storage reached other than through the function's own argument would silently count as a constant. */
static tw_status check_captured(tw_ctx *ctx, const tw_call *c) {
  for (int i = 0; i < c->n_in; i++) {
    const tw_tensor *t = c->in[i];
    if (!(t->storage->leaf & ctx->active & ~t->levels) || t->constant) continue;
    return tw_fail_shapes(ctx, c, "a captured tensor shares storage with a parameter being differentiated; use f's argument; tw.stop_gradient for a constant");
  }
  return TW_OK;
}

bool tw_would_record(const tw_ctx *ctx, tw_tensor *const *in, int n) {
  uint32_t levels = 0;
  for (int i = 0; i < n; i++) levels |= in[i]->levels;
  return (levels & ctx->active) != 0;
}

/* One tensor of a call that is run lane by lane: its place in the current lane, and where its elements do not lie together, a packed copy. */
typedef struct {
  tw_tensor *whole, *packed, here;
  int64_t item;
} lane_operand;

static tw_status take_operand(tw_ctx *ctx, const tw_lanes *l, tw_tensor *t, bool result, lane_operand *o) {
  *o = (lane_operand){.whole = t, .item = (int64_t)tw_dtype_size((tw_dtype)t->dtype)};
  if (t->lanes && !tw_tensor_is_contiguous(t)) {
    tw_shape shape = tw_tensor_shape(t);
    tw_lanes own = {.mask = t->lanes};
    for (int h = 0; h < TW_MAX_LANES; h++) own.size[h] = l->size[h];
    tw_status s = tw_tensor_new_packed(ctx, (tw_dtype)t->dtype, &shape, &own, &o->packed);
    if (s != TW_OK) return s;
    if (!result) tw__copy_into(o->packed, t);
  }
  o->here = tw_tensor_lane(o->packed ? o->packed : t, 0);
  return TW_OK;
}

/* A result that is an input stays one: run() may write it through either. */
static int same_operand(const lane_operand *o, int n, const tw_tensor *t) {
  int k = 0;
  while (k < n && o[k].whole != t) k++;
  return k;
}

static void go_to_lane(lane_operand *o, int n, const int64_t *at) {
  for (int k = 0; k < n; k++) {
    const tw_tensor *t = o[k].packed ? o[k].packed : o[k].whole;
    int64_t offset = 0;
    for (int h = 0; h < TW_MAX_LANES; h++) {
      if (t->lanes >> h & 1) offset += at[h] * t->lane_stride[h];
    }
    o[k].here.data = t->data + offset * o[k].item;
  }
}

/* No operation has a batching rule: run() sees one lane after the other as tensors of their own. */
static tw_status run_each_lane(tw_ctx *ctx, const tw_call *c, const tw_lanes *l) {
  lane_operand o[MAX_IN + MAX_OUT];
  tw_tensor *in[MAX_IN], *out[MAX_OUT];
  tw_call each = *c;
  int n = 0;
  tw_status s = TW_OK;
  for (int i = 0; i < c->n_in && s == TW_OK; i++, n++) {
    s = take_operand(ctx, l, c->in[i], false, &o[n]);
    in[i] = &o[n].here;
  }
  bool written[MAX_IN + MAX_OUT] = {false};
  for (int i = 0; i < c->n_out && s == TW_OK; i++) {
    int k = same_operand(o, n, c->out[i]);
    if (k == n) s = take_operand(ctx, l, c->out[i], true, &o[n++]);
    written[k] = true;
    out[i] = &o[k].here;
  }
  each.in = in;
  each.out = out;
  int64_t at[TW_MAX_LANES] = {0};
  for (bool left = true; left && s == TW_OK;) {
    go_to_lane(o, n, at);
    s = c->op->run(ctx, &each);
    left = false;
    for (int h = TW_MAX_LANES - 1; h >= 0 && !left; h--) {
      if (!(l->mask >> h & 1)) continue;
      left = ++at[h] < l->size[h];
      if (!left) at[h] = 0;
    }
  }
  for (int k = 0; k < n; k++) {
    if (o[k].packed && written[k] && s == TW_OK) tw__copy_into(o[k].whole, o[k].packed);
    tw_tensor_release(ctx, o[k].packed);
  }
  return s;
}

/* A call in which something differs along hidden axes: the results do along all of them. What is written in place takes on those it lacks. */
static __attribute__((noinline)) tw_status compute_laned(tw_ctx *ctx, const tw_call *c, const tw_meta *meta, bool *made) {
  bool fits = true;
  tw_lanes l = {0};
  for (int i = 0; i < c->n_in; i++) fits = fits && tw_lanes_join(&l, c->in[i]);
  for (int i = 0; i < c->n_out; i++) fits = fits && (!c->out[i] || tw_lanes_join(&l, c->out[i]));
  tw_status s = fits ? TW_OK : tw_fail_shapes(ctx, c, "the numbers of lanes differ");
  for (int i = 0; i < c->n_out && s == TW_OK; i++) {
    if (c->out[i]) {
      s = check_output(ctx, c, i, &meta[i]);
      if (s == TW_OK && l.mask & ~c->out[i]->lanes) s = tw_tensor_promote(ctx, c->out[i], &l);
    } else {
      s = tw_tensor_new_laned(ctx, meta[i].dtype, &meta[i].shape, &l, &c->out[i]);
      made[i] = s == TW_OK;
    }
  }
  if (s != TW_OK) return s;
  return c->op->flags & TW_OP_STRIDED ? c->op->run(ctx, c) : run_each_lane(ctx, c, &l);
}

tw_status tw__run(tw_ctx *ctx, const tw_call *c) {
  tw_lanes l = {0};
  bool fits = true;
  if (!(c->op->flags & TW_OP_STRIDED)) {
    for (int i = 0; i < c->n_in; i++) fits = fits && tw_lanes_join(&l, c->in[i]);
  }
  if (!fits) return tw_fail_shapes(ctx, c, "the numbers of lanes differ");
  return l.mask ? run_each_lane(ctx, c, &l) : c->op->run(ctx, c);
}

static tw_status apply_promoted(tw_ctx *ctx, const tw_call *c) {
  const tw_op *op = c->op;
  tw_meta meta[MAX_OUT];
  bool made[MAX_OUT] = {false};
  uint32_t levels = 0;
  uint8_t lanes = 0;
  bool weak = c->n_in > 0;

  tw_status s = TW_OK;
  if (ctx->follow && ctx->follow(ctx, c, &s)) return s;
  if (s == TW_OK) s = check_captured(ctx, c);
  if (s == TW_OK && op->infer) s = op->infer(ctx, c, meta);
  if (s != TW_OK) return s;

  for (int i = 0; i < c->n_in; i++) {
    levels |= c->in[i]->levels;
    weak = weak && c->in[i]->weak;
    lanes |= c->in[i]->lanes;
  }
  if (op->flags & TW_OP_VIEW) {
    made[0] = true;
    s = op->run(ctx, c);
  } else {
    for (int i = 0; i < c->n_out; i++) lanes |= c->out[i] ? c->out[i]->lanes : 0;
    for (int i = 0; i < c->n_out && s == TW_OK && !lanes; i++) {
      if (c->out[i]) {
        s = check_output(ctx, c, i, &meta[i]);
      } else {
        s = tw_tensor_new(ctx, meta[i].dtype, &meta[i].shape, &c->out[i]);
        made[i] = s == TW_OK;
      }
    }
    if (s == TW_OK) s = lanes ? compute_laned(ctx, c, meta, made) : op->run(ctx, c);
  }
  if (s == TW_OK) {
    tw__count(ctx, c);
    for (int i = 0; i < c->n_out; i++) {
      if (!made[i]) c->out[i]->storage->version++;
      else c->out[i]->weak = weak;
    }
    levels &= ctx->active;
    if (levels && !(op->flags & TW_OP_NO_GRAD) && made[0]) s = ctx->record(ctx, c, levels);
    if (s == TW_OK && ctx->note) ctx->note(ctx, c, made[0]);
  }
  if (s != TW_OK) {
    for (int i = 0; i < c->n_out; i++) {
      if (!made[i]) continue;
      tw_tensor_release(ctx, c->out[i]);
      c->out[i] = NULL;
    }
  }
  return s;
}

tw_status tw_apply(tw_ctx *ctx, const tw_call *c) {
  if (!(c->op->flags & TW_OP_PROMOTE)) return apply_promoted(ctx, c);

  bool differ = false, masks = c->in[0]->dtype == TW_BOOL && c->op->row && c->op->row->forward_bool;
  for (int i = 1; i < c->n_in; i++) differ = differ || c->in[i]->dtype != c->in[0]->dtype;
  if (!differ && (masks || tw_is_real((tw_dtype)c->in[0]->dtype))) return apply_promoted(ctx, c);

  tw_cast_attrs to;
  tw_tensor *converted[MAX_IN] = {NULL}, *in[MAX_IN];
  tw_status s = common_dtype(ctx, c, &to.dtype);
  for (int i = 0; i < c->n_in && s == TW_OK; i++) {
    in[i] = c->in[i];
    if (in[i]->dtype == to.dtype) continue;
    tw_call cast = {.op = &tw_op_cast, .attrs = &to, .in = &c->in[i], .out = &converted[i], .n_in = 1, .n_out = 1};
    s = tw_apply(ctx, &cast);
    in[i] = converted[i];
  }
  if (s == TW_OK) {
    tw_call call = *c;
    call.in = in;
    s = apply_promoted(ctx, &call);
  }
  for (int i = 0; i < c->n_in; i++) tw_tensor_release(ctx, converted[i]);
  return s;
}
