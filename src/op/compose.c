/* Calls in sequence: each result is owned by the list and released at its end; the last one is handed over. */
#include "op/op.h"
#include "tensor/ctx.h"

/* 1 b is b, to the bit: what is left of a product with the cotangent of a sum. Whoever gets it must not think that it is its own. */
static bool is_itself(const tw_compose *k, const tw_tensor *one, const tw_tensor *b) {
  if (!one->ones || one->levels & k->ctx->active || one->dtype != b->dtype || b->weak || one->lanes & ~b->lanes || one->ndim > b->ndim) return false;
  for (int i = 1; i <= one->ndim; i++) {
    if (one->shape[one->ndim - i] != 1 && one->shape[one->ndim - i] != b->shape[b->ndim - i]) return false;
  }
  return true;
}

static tw_tensor *push(tw_compose *k, const tw_op *op, const void *attrs, tw_tensor *const *in, int n_in) {
  for (int i = 0; i < n_in; i++) {
    if (!in[i] && k->status == TW_OK) k->status = TW_ESTATE;
  }
  if (k->status != TW_OK) return NULL;
  if (k->n == TW_COMPOSE_MAX) {
    k->status = tw_fail(&k->ctx->error, TW_ESTATE, "%s: a composition is too long", op->name);
    return NULL;
  }
  tw_tensor *out[1] = {NULL};
  tw_call call = {.op = op, .attrs = attrs, .in = in, .out = out, .n_in = n_in, .n_out = 1};
  k->status = tw_apply(k->ctx, &call);
  if (k->status != TW_OK) return NULL;
  return k->temps[k->n++] = out[0];
}

tw_tensor *tw_do1(tw_compose *k, const tw_op *op, const void *attrs, tw_tensor *a) {
  tw_tensor *in[1] = {a};
  return push(k, op, attrs, in, 1);
}

tw_tensor *tw_do2(tw_compose *k, const tw_op *op, const void *attrs, tw_tensor *a, tw_tensor *b) {
  tw_tensor *in[2] = {a, b};
  if (op == &tw_op_mul && a && b && k->status == TW_OK && k->n < TW_COMPOSE_MAX && is_itself(k, a, b)) return k->temps[k->n++] = tw_tensor_retain(b);
  return push(k, op, attrs, in, 2);
}

tw_tensor *tw_do3(tw_compose *k, const tw_op *op, const void *attrs, tw_tensor *a, tw_tensor *b, tw_tensor *c) {
  tw_tensor *in[3] = {a, b, c};
  return push(k, op, attrs, in, 3);
}

tw_tensor *tw_do4(tw_compose *k, const tw_op *op, const void *attrs, tw_tensor *a, tw_tensor *b, tw_tensor *c, tw_tensor *d) {
  tw_tensor *in[4] = {a, b, c, d};
  return push(k, op, attrs, in, 4);
}

static tw_tensor *filled(tw_compose *k, const tw_tensor *like, const tw_shape *shape, double value) {
  tw_shape_attrs whole = {.shape = *shape};
  return tw_do1(k, &tw_op_expand, &whole, tw_do_constant(k, value, like));
}

tw_tensor *tw_do_zeros(tw_compose *k, const tw_tensor *like) {
  tw_shape shape = tw_tensor_shape(like);
  return filled(k, like, &shape, 0);
}

tw_tensor *tw_do_ones(tw_compose *k, const tw_tensor *like, const tw_shape *shape) { return filled(k, like, shape, 1); }

tw_tensor *tw_do_constant(tw_compose *k, double value, const tw_tensor *like) {
  if (k->status != TW_OK || k->n == TW_COMPOSE_MAX) return NULL;
  tw_tensor *t = NULL;
  k->status = tw_tensor_new_scalar(k->ctx, (tw_dtype)like->dtype, value, &t);
  if (k->status != TW_OK) return NULL;
  t->weak = like->weak;
  return k->temps[k->n++] = t;
}

tw_status tw_compose_end(tw_compose *k, tw_tensor *result, tw_tensor **out) {
  if (k->status == TW_OK) *out = tw_tensor_retain(result);
  for (int i = 0; i < k->n; i++) tw_tensor_release(k->ctx, k->temps[i]);
  k->n = 0;
  return k->status;
}
