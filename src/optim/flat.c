/* All parameters as one vector: what methods that solve linear systems or search along lines work with. */
#include <math.h>

#include "base/alloc.h"
#include "op/linalg.h"
#include "op/matrix.h"
#include "optim/parts.h"

int64_t tw_flat_size(const tw_optim *o) {
  int64_t n = 0;
  for (int i = 0; i < o->n; i++) n += o->leaf[i].frozen ? 0 : o->leaf[i].p->size;
  return n;
}

/* The parameter that gives the vector its dtype; all must agree. */
static tw_status first(tw_ctx *ctx, const tw_optim *o, const tw_leaf **out) {
  *out = NULL;
  for (int i = 0; i < o->n; i++) {
    const tw_leaf *l = &o->leaf[i];
    if (l->frozen) continue;
    if (!*out) *out = l;
    if ((*out)->p->dtype != l->p->dtype) {
      return tw_fail(&ctx->error, TW_EINVAL, "%s: the parameters must be of one dtype, f64 and f32 are mixed", o->kind->name);
    }
  }
  if (!*out) return tw_fail(&ctx->error, TW_EINVAL, "%s: every parameter is frozen", o->kind->name);
  return TW_OK;
}

tw_status tw_flat_gather(tw_ctx *ctx, const tw_optim *o, tw_tensor *const *tensors, tw_tensor **out) {
  const tw_leaf *like;
  tw_status s = first(ctx, o, &like);
  tw_tensor *all = NULL;
  for (int i = 0; i < o->n && s == TW_OK; i++) {
    if (o->leaf[i].frozen) continue;
    tw_compose k = {.ctx = ctx};
    tw_axis_attrs along = {0};
    tw_shape_attrs line = {.shape = {.n = 1, .d = {tensors[i]->size}}};
    tw_tensor *flat = tw_do1(&k, &tw_op_reshape, &line, tensors[i]), *joined = NULL;
    s = tw_compose_end(&k, all ? tw_do2(&k, &tw_op_cat, &along, all, flat) : flat, &joined);
    if (s != TW_OK) break;
    tw_tensor_release(ctx, all);
    all = joined;
  }
  if (s == TW_OK && all->storage->refs > 1) { /* a view of the only parameter: what follows may write it */
    tw_tensor *own = NULL;
    s = tw_optim_copy(ctx, all, &own);
    tw_tensor_release(ctx, all);
    all = own;
  }
  if (s != TW_OK) {
    tw_tensor_release(ctx, all);
    all = NULL;
  }
  *out = all;
  return s;
}

tw_status tw_flat_params(tw_ctx *ctx, const tw_optim *o, tw_tensor **out) {
  tw_tensor **p = tw_alloc((size_t)o->n * sizeof *p);
  if (!p) return tw_fail(&ctx->error, TW_ENOMEM, "%s: out of memory", o->kind->name);
  for (int i = 0; i < o->n; i++) p[i] = o->leaf[i].p;
  tw_status s = tw_flat_gather(ctx, o, p, out);
  tw_free(p);
  return s;
}

tw_status tw_flat_assign(tw_ctx *ctx, tw_optim *o, tw_tensor *vector) {
  int64_t at = 0;
  for (int i = 0; i < o->n; i++) {
    tw_leaf *l = &o->leaf[i];
    if (l->frozen) continue;
    tw_compose k = {.ctx = ctx};
    tw_slice_attrs part = {.n = 1, .start = {at}, .step = {1}, .size = {l->p->size}};
    tw_shape_attrs own = {.shape = tw_tensor_shape(l->p)};
    tw_tensor *piece = NULL;
    tw_status s = tw_compose_end(&k, tw_do1(&k, &tw_op_reshape, &own, tw_do1(&k, &tw_op_slice, &part, vector)), &piece);
    if (s == TW_OK) s = tw_optim_assign(ctx, l->p, piece);
    tw_tensor_release(ctx, piece);
    if (s != TW_OK) return s;
    at += l->p->size;
  }
  return TW_OK;
}

tw_status tw_optim_gradient(tw_ctx *ctx, tw_optim *o, tw_tensor **out) {
  o->has_loss = false;
  tw_status s = tw_optim_gradient_at(ctx, o, o->loss, out);
  o->has_loss = s == TW_OK;
  return s;
}

tw_status tw_optim_gradient_at(tw_ctx *ctx, tw_optim *o, double *loss, tw_tensor **out) {
  tw_tensor **grads = tw_calloc((size_t)o->n, sizeof *grads);
  if (!grads) return tw_fail(&ctx->error, TW_ENOMEM, "%s: out of memory", o->kind->name);
  tw_status s = o->objective->gradient(o->objective, ctx, loss, grads);
  if (s == TW_OK) s = tw_flat_gather(ctx, o, grads, out);
  for (int i = 0; i < o->n; i++) tw_tensor_release(ctx, grads[i]);
  tw_free(grads);
  return s;
}

tw_status tw_flat_dot(tw_ctx *ctx, const tw_optim *o, tw_tensor *x, tw_tensor *y, double *out) {
  tw_compose k = {.ctx = ctx};
  tw_reduce_attrs all = {.axes = 1};
  tw_tensor *sum = NULL;
  tw_status s = tw_compose_end(&k, tw_do1(&k, &tw_op_sum, &all, tw_do2(&k, &tw_op_mul, NULL, x, y)), &sum);
  if (s == TW_OK) tw_optim_numbers(o, sum, out);
  tw_tensor_release(ctx, sum);
  return s;
}

tw_status tw_flat_norm(tw_ctx *ctx, const tw_optim *o, tw_tensor *x, double *out) {
  tw_status s = tw_flat_dot(ctx, o, x, x, out);
  for (int r = 0; r < o->lanes; r++) out[r] = sqrt(out[r]);
  return s;
}

tw_status tw_flat_max_abs(tw_ctx *ctx, const tw_optim *o, tw_tensor *x, double *out) {
  tw_compose k = {.ctx = ctx};
  tw_reduce_attrs all = {.axes = x->ndim == 2 ? 3 : 1};
  tw_tensor *most = NULL;
  tw_status s = tw_compose_end(&k, tw_do1(&k, &tw_op_max, &all, tw_do1(&k, &tw_op_abs, NULL, x)), &most);
  if (s == TW_OK) tw_optim_numbers(o, most, out);
  tw_tensor_release(ctx, most);
  return s;
}

tw_status tw_flat_sum_abs(tw_ctx *ctx, const tw_optim *o, tw_tensor *x, double *out) {
  tw_compose k = {.ctx = ctx};
  tw_reduce_attrs all = {.axes = 1};
  tw_tensor *sum = NULL;
  tw_status s = tw_compose_end(&k, tw_do1(&k, &tw_op_sum, &all, tw_do1(&k, &tw_op_abs, NULL, x)), &sum);
  if (s == TW_OK) tw_optim_numbers(o, sum, out);
  tw_tensor_release(ctx, sum);
  return s;
}

tw_status tw_flat_add(tw_ctx *ctx, const tw_optim *o, tw_tensor *x, const double *alpha, tw_tensor *y, tw_tensor **out) {
  tw_compose k = {.ctx = ctx};
  return tw_compose_end(&k, tw_do2(&k, &tw_op_add, NULL, x, tw_do2(&k, &tw_op_mul, NULL, tw_do_scalar(&k, o, alpha, x), y)), out);
}

tw_status tw_flat_scale(tw_ctx *ctx, const tw_optim *o, const double *alpha, tw_tensor *x, tw_tensor **out) {
  tw_compose k = {.ctx = ctx};
  return tw_compose_end(&k, tw_do2(&k, &tw_op_mul, NULL, tw_do_scalar(&k, o, alpha, x), x), out);
}

tw_status tw_flat_choose(tw_ctx *ctx, const tw_optim *o, const double *take, tw_tensor *x, tw_tensor *y, tw_tensor **out) {
  tw_compose k = {.ctx = ctx};
  tw_tensor *mask = tw_do2(&k, &tw_op_ne, NULL, tw_do_scalar(&k, o, take, x), tw_do_constant(&k, 0, x));
  return tw_compose_end(&k, tw_do3(&k, &tw_op_where, NULL, mask, x, y), out);
}

tw_tensor *tw_do_matvec(tw_compose *k, tw_tensor *a, tw_tensor *x) {
  tw_tensor *y = tw_do2(k, &tw_op_matmul, NULL, a, tw__column(k, x));
  if (!y) return NULL;
  tw_shape_attrs line = {.shape = {.n = 1, .d = {y->size}}};
  return tw_do1(k, &tw_op_reshape, &line, y);
}

/* The determinant's factors are solve's, and a singular matrix is no fault of its. */
tw_status tw_flat_solve(tw_ctx *ctx, const tw_optim *o, double *take, tw_tensor *a, tw_tensor *b, tw_tensor **x) {
  tw_tensor *lu[3], *least = NULL, *y = NULL, *zero = NULL, *matrix = tw_tensor_retain(a);
  double *pivot = tw_alloc((size_t)o->lanes * sizeof *pivot);
  tw_reduce_attrs all = {.axes = 1};
  tw_solve_attrs plain = {0};
  tw_status s = pivot ? tw_flat_identity(ctx, o, take, &matrix) : tw_fail(&ctx->error, TW_ENOMEM, "%s: out of memory", o->kind->name);
  tw_compose k = {.ctx = ctx, .status = s};
  if (s == TW_OK && tw__do_all(&k, &tw_op_det, NULL, &matrix, 1, lu, 3)) {
    tw_tensor *size = tw_do1(&k, &tw_op_abs, NULL, tw__diagonal(&k, lu[1])), *column = tw__column(&k, b);
    tw_tensor *solved = column ? tw_do3(&k, &tw_op_lu_solve, &plain, lu[1], lu[2], column) : NULL;
    tw_shape_attrs line = {.shape = {.n = 1, .d = {b->size}}};
    solved = tw_do1(&k, &tw_op_reshape, &line, solved);
    if (solved) y = tw_tensor_retain(solved);
    s = tw_compose_end(&k, tw_do1(&k, &tw_op_min, &all, size), &least);
  } else {
    s = tw_compose_end(&k, NULL, &least);
  }
  if (s == TW_OK) tw_optim_numbers(o, least, pivot);
  for (int r = 0; r < o->lanes && s == TW_OK; r++) take[r] = take[r] != 0 && pivot[r] != 0;
  if (s == TW_OK) s = tw_optim_zeros(ctx, b, &zero);
  if (s == TW_OK) s = tw_flat_choose(ctx, o, take, y, zero, x);
  tw_tensor_release(ctx, matrix);
  tw_tensor_release(ctx, least);
  tw_tensor_release(ctx, zero);
  tw_tensor_release(ctx, y);
  tw_free(pivot);
  return s;
}

tw_status tw_flat_identity(tw_ctx *ctx, const tw_optim *o, const double *take, tw_tensor **matrix) {
  bool all = true;
  for (int r = 0; r < o->lanes; r++) all = all && take[r] != 0;
  if (all) return TW_OK;
  tw_compose k = {.ctx = ctx};
  tw_tensor *chosen = NULL, *eye = tw__identity(&k, (*matrix)->shape[0], *matrix);
  tw_tensor *mask = tw_do2(&k, &tw_op_ne, NULL, tw_do_scalar(&k, o, take, *matrix), tw_do_constant(&k, 0, *matrix));
  tw_status s = tw_compose_end(&k, tw_do3(&k, &tw_op_where, NULL, mask, *matrix, eye), &chosen);
  if (s != TW_OK) return s;
  tw_tensor_release(ctx, *matrix);
  *matrix = chosen;
  return TW_OK;
}

tw_status tw_optim_vector_of(tw_ctx *ctx, tw_optim *o, int vector, tw_tensor **lent) {
  const tw_optim_vector *v = &o->kind->vectors[vector];
  tw_status s = TW_OK;
  if (!o->vector[vector]) {
    const tw_leaf *like;
    s = first(ctx, o, &like);
    tw_shape shape = {.n = 1, .d = {tw_flat_size(o)}};
    if (v->rows) shape = (tw_shape){.n = 2, .d = {*v->rows == '*' ? tw_flat_size(o) : (int64_t)tw_optim_hyper(o, 0, v->rows)[0], tw_flat_size(o)}};
    if (v->grows) shape.d[0] = 0;
    tw_tensor zero = {.dtype = s == TW_OK ? like->p->dtype : TW_F64, .ndim = (uint8_t)shape.n};
    for (int i = 0; i < shape.n; i++) zero.shape[i] = shape.d[i];
    if (s == TW_OK) {
      zero.lanes = like->p->lanes;
      for (int h = 0; h < TW_MAX_LANES; h++) zero.lane_size[h] = like->p->lane_size[h];
    }
    if (s == TW_OK) s = tw_optim_zeros(ctx, &zero, &o->vector[vector]);
  }
  *lent = o->vector[vector];
  return s;
}

void tw_optim_put_vector(tw_ctx *ctx, tw_optim *o, int vector, tw_tensor *owned) {
  tw_tensor_release(ctx, o->pending[vector]);
  o->pending[vector] = owned;
}
