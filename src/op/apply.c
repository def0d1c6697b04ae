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

static tw_status check_output(tw_ctx *ctx, const tw_call *c, int i, const tw_meta *meta) {
  const tw_tensor *o = c->out[i];
  const char *name = c->op->name;
  tw_shape shape = tw_tensor_shape(o);
  if (o->dtype != meta->dtype || !tw_shape_equal(&shape, &meta->shape)) {
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
    if (o->shape[k] > 1 && o->stride[k] == 0) {
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
    bool same = in->data == o->data && tw_tensor_is_contiguous(in) && tw_tensor_is_contiguous(o) && in->size == o->size;
    if (!(c->op->flags & TW_OP_ALIAS) || (!same && in != o)) {
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

static tw_status apply_promoted(tw_ctx *ctx, const tw_call *c) {
  const tw_op *op = c->op;
  tw_meta meta[MAX_OUT];
  bool made[MAX_OUT] = {false};
  uint32_t levels = 0;
  bool weak = c->n_in > 0;

  tw_status s = check_captured(ctx, c);
  if (s == TW_OK && op->infer) s = op->infer(ctx, c, meta);
  if (s != TW_OK) return s;

  for (int i = 0; i < c->n_in; i++) {
    levels |= c->in[i]->levels;
    weak = weak && c->in[i]->weak;
  }
  if (!(op->flags & TW_OP_VIEW)) {
    for (int i = 0; i < c->n_out && s == TW_OK; i++) {
      if (c->out[i]) {
        s = check_output(ctx, c, i, &meta[i]);
      } else {
        s = tw_tensor_new(ctx, meta[i].dtype, &meta[i].shape, &c->out[i]);
        made[i] = s == TW_OK;
      }
    }
  } else {
    made[0] = true;
  }
  if (s == TW_OK) s = op->run(ctx, c);
  if (s == TW_OK) {
    tw__count(ctx, c);
    for (int i = 0; i < c->n_out; i++) {
      if (!made[i]) c->out[i]->storage->version++;
      else c->out[i]->weak = weak;
    }
    levels &= ctx->active;
    if (levels && !(op->flags & TW_OP_NO_GRAD) && made[0]) s = ctx->record(ctx, c, levels);
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
