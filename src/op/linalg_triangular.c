/* Triangular systems (LAPACK trtrs) and the Cholesky factorisation (potrf). */
#include <string.h>

#include "op/linalg_parts.h"

/* triangular_solve */

static tw_status infer_triangular_solve(tw_ctx *ctx, const tw_call *c, tw_meta *out) {
  const tw_tensor *a = c->in[0], *b = c->in[1];
  tw_status s = tw__check_matrices(ctx, c->op->name, a, true);
  if (s == TW_OK) s = tw__check_right_side(ctx, c->op->name, a, b);
  if (s == TW_OK) s = tw__lead_both(ctx, c, a, b, &out[0].shape);
  if (s != TW_OK) return s;
  out[0].dtype = (tw_dtype)a->dtype;
  out[0].shape.d[out[0].shape.n++] = a->shape[a->ndim - 1];
  out[0].shape.d[out[0].shape.n++] = b->shape[b->ndim - 1];
  return TW_OK;
}

static tw_status run_triangular_solve(tw_ctx *ctx, const tw_call *c) {
  const tw_triangular_attrs *how = c->attrs;
  const tw_lapack *lapack;
  tw_tensor *x = c->out[0];
  tw_dtype d = (tw_dtype)x->dtype;
  tw_matrices out = tw__matrices(x), own = tw__matrices(c->in[0]);
  int n = (int)out.rows, k = (int)out.cols, info = 0;
  size_t bytes = (size_t)(out.rows * out.rows) * tw_dtype_size(d), side_bytes = (size_t)(out.rows * out.cols) * tw_dtype_size(d);
  tw_scratch scratch;
  if (x->size == 0) return TW_OK;
  tw_status s = tw__lapack(ctx, c->op->name, d, &lapack);
  if (s == TW_OK) s = tw__scratch_open(ctx, tw__aligned(bytes) + tw__aligned(side_bytes), &scratch);
  if (s != TW_OK) return s;
  void *packed = tw__scratch_cut(&scratch, bytes), *side = tw__scratch_cut(&scratch, side_bytes); /* (n, n), (n, k) column-major */
  int64_t loaded = -1;
  for (int64_t i = 0; i < out.count && s == TW_OK; i++) {
    int64_t number = tw__matrix_number(c->in[0], &out.lead, i);
    if (number != loaded) tw__pack(packed, c->in[0], number);
    loaded = number;
    tw__pack(side, c->in[1], tw__matrix_number(c->in[1], &out.lead, i));
    lapack->trtrs(how->upper ? "U" : "L", how->transpose ? "T" : "N", how->unit ? "U" : "N", &n, &k, packed, &n, side, &n, &info, 1, 1, 1);
    if (info > 0) {
      char place[64];
      s = tw_fail(&ctx->error, TW_EINVAL, "triangular_solve: %s is singular: element %d of the diagonal is 0",
                  tw__which(&own, number, place, sizeof place), info);
    }
    tw__unpack(x, i, side, n);
  }
  tw_tensor_release(ctx, scratch.block);
  return s;
}

static tw_part triangle(const tw_triangular_attrs *how) {
  return how->upper ? how->unit ? TW_STRICTLY_UPPER : TW_UPPER : how->unit ? TW_STRICTLY_LOWER : TW_LOWER;
}

/* As for solve, on the triangle alone: db = a'^-1 t, da = the triangle of -db x'. */
static tw_status vjp_triangular_solve(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **grad, const bool *wanted) {
  const tw_triangular_attrs *how = c->attrs;
  tw_triangular_attrs back = {.upper = how->upper, .transpose = !how->transpose, .unit = how->unit};
  tw_tensor *a = c->in[0], *x = c->out[0], *gb = NULL;
  tw_compose k = {.ctx = ctx};
  tw_tensor *g = tw_do2(&k, &tw_op_triangular_solve, &back, a, t[0]);
  if (wanted[0]) {
    tw_tensor *outer = how->transpose ? tw__product(&k, x, tw__transposed(&k, g)) : tw__product(&k, g, tw__transposed(&k, x));
    tw_tensor *ga = tw__part(&k, tw__sum_to(&k, tw_do1(&k, &tw_op_neg, NULL, outer), a), triangle(how));
    if (ga) grad[0] = tw_tensor_retain(ga);
  }
  tw_status s = tw_compose_end(&k, tw__sum_to(&k, g, c->in[1]), &gb);
  if (s == TW_OK && wanted[1]) grad[1] = gb;
  else tw_tensor_release(ctx, gb);
  return s;
}

static tw_status jvp_triangular_solve(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **out) {
  const tw_triangular_attrs *how = c->attrs;
  tw_compose k = {.ctx = ctx};
  tw_tensor *side = t[1];
  if (t[0]) {
    tw_tensor *da = tw__part(&k, t[0], triangle(how));
    tw_tensor *moved = tw__product(&k, how->transpose ? tw__transposed(&k, da) : da, c->out[0]);
    side = side ? tw__sub(&k, side, moved) : tw_do1(&k, &tw_op_neg, NULL, moved);
  }
  return tw_compose_end(&k, tw_do2(&k, &tw_op_triangular_solve, how, c->in[0], side), &out[0]);
}

const tw_op tw_op_triangular_solve = {.name = "triangular_solve", .about = "the solution of a x = b for a triangular a", .n_in = 2, .n_out = 1,
                                      .attrs_bytes = sizeof(tw_triangular_attrs), .infer = infer_triangular_solve, .run = run_triangular_solve,
                                      .vjp = vjp_triangular_solve, .jvp = jvp_triangular_solve};

tw_status tw_triangular_solve(tw_ctx *ctx, tw_tensor *a, tw_tensor *b, const tw_triangular_attrs *how, tw_tensor **x) {
  tw_status s = tw__check_matrices(ctx, "triangular_solve", a, true);
  if (s == TW_OK) s = tw__check_right_side(ctx, "triangular_solve", a, b);
  if (s != TW_OK) return s;
  tw_compose k = {.ctx = ctx};
  tw_tensor *y = tw_do2(&k, &tw_op_triangular_solve, how, a, b->ndim == 1 ? tw__column(&k, b) : b);
  if (y && b->ndim == 1) {
    tw_shape_attrs flat = {.shape = tw_tensor_shape(y)};
    flat.shape.n--;
    y = tw_do1(&k, &tw_op_reshape, &flat, y);
  }
  return tw_compose_end(&k, y, x);
}

/* cholesky */

static tw_status infer_cholesky(tw_ctx *ctx, const tw_call *c, tw_meta *out) {
  out[0] = (tw_meta){.dtype = (tw_dtype)c->in[0]->dtype, .shape = tw_tensor_shape(c->in[0])};
  return tw__check_matrices(ctx, "cholesky", c->in[0], true);
}

static tw_status run_cholesky(tw_ctx *ctx, const tw_call *c) {
  const tw_lapack *lapack;
  tw_tensor *a = c->in[0], *l = c->out[0];
  tw_dtype d = (tw_dtype)a->dtype;
  tw_matrices m = tw__matrices(a);
  int n = (int)m.rows, info = 0;
  size_t item = tw_dtype_size(d), bytes = (size_t)(m.rows * m.rows) * item;
  tw_scratch scratch;
  if (a->size == 0) return TW_OK;
  tw_status s = tw__lapack(ctx, "cholesky", d, &lapack);
  if (s == TW_OK) s = tw__scratch_open(ctx, tw__aligned(bytes), &scratch);
  if (s != TW_OK) return s;
  char *packed = tw__scratch_cut(&scratch, bytes); /* (n, n) column-major */
  for (int64_t i = 0; i < m.count && s == TW_OK; i++) {
    tw__pack(packed, a, i);
    lapack->potrf("L", &n, packed, &n, &info, 1);
    for (int64_t j = 1; j < n; j++) memset(packed + (size_t)(j * n) * item, 0, (size_t)j * item);
    if (info == 0 && !tw__all_finite(packed, d, n, n, true)) info = n; /* NaN slips through some kernels */
    if (info > 0) {
      char place[64];
      s = tw_fail(&ctx->error, TW_EINVAL, "cholesky: %s is not positive definite: its leading minor of order %d is not positive",
                  tw__which(&m, i, place, sizeof place), info);
    }
    tw__unpack(l, i, packed, n);
  }
  tw_tensor_release(ctx, scratch.block);
  return s;
}

/* The lower triangle with its diagonal halved. */
static tw_tensor *halved(tw_compose *k, tw_tensor *x) {
  return tw__scaled(k, tw__add(k, tw__part(k, x, TW_LOWER), tw__part(k, x, TW_STRICTLY_LOWER)), 0.5);
}

/* da = sym(L'^-1 P L^-1), P = the lower triangle of L' t with its diagonal halved (Murray 2016, "Differentiation of the Cholesky decomposition", eq. 9).
 * The gradient is symmetric: that of a -> cholesky((a + a') / 2). */
static tw_status vjp_cholesky(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **grad, const bool *wanted) {
  (void)wanted;
  tw_triangular_attrs turned = {.transpose = true};
  tw_tensor *l = c->out[0];
  tw_compose k = {.ctx = ctx};
  tw_tensor *p = halved(&k, tw__product(&k, tw__transposed(&k, l), t[0]));
  tw_tensor *left = tw_do2(&k, &tw_op_triangular_solve, &turned, l, p);
  tw_tensor *both = tw_do2(&k, &tw_op_triangular_solve, &turned, l, tw__transposed(&k, left));
  return tw_compose_end(&k, tw__symmetric(&k, both), &grad[0]);
}

/* dL = L P, P = the lower triangle of L^-1 da L'^-1 with its diagonal halved (Murray 2016, eq. 8). */
static tw_status jvp_cholesky(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **out) {
  tw_triangular_attrs plain = {0};
  tw_tensor *l = c->out[0];
  tw_compose k = {.ctx = ctx};
  tw_tensor *left = tw_do2(&k, &tw_op_triangular_solve, &plain, l, tw__symmetric(&k, t[0]));
  tw_tensor *both = tw_do2(&k, &tw_op_triangular_solve, &plain, l, tw__transposed(&k, left));
  return tw_compose_end(&k, tw__product(&k, l, halved(&k, both)), &out[0]);
}

const tw_op tw_op_cholesky = {.name = "cholesky", .about = "lower triangular L with a = L L'", .n_in = 1, .n_out = 1, .infer = infer_cholesky,
                              .run = run_cholesky, .vjp = vjp_cholesky, .jvp = jvp_cholesky};

tw_status tw_cholesky(tw_ctx *ctx, tw_tensor *a, tw_tensor **l) {
  tw_compose k = {.ctx = ctx};
  return tw_compose_end(&k, tw_do1(&k, &tw_op_cholesky, NULL, a), l);
}
