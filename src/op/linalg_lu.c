/* Square systems by LU factorisation with partial pivoting (LAPACK getrf, getrs): solve, det, slogdet, and inverse composed of solve.
 * The factors are results too, in LAPACK's packed form: where nobody differentiates the adjoint again it uses them (lu_solve) and does not factor anew;
 * both ways give the same bits, because the adjoint is the transposed solve with the same factors. */
#include <string.h>

#include "op/linalg_parts.h"

static tw_meta factors_meta(const tw_tensor *a) { return (tw_meta){.dtype = (tw_dtype)a->dtype, .shape = tw_tensor_shape(a)}; }

static tw_meta pivots_meta(const tw_tensor *a) {
  tw_meta m = {.dtype = TW_I64, .shape = tw_tensor_shape(a)};
  m.shape.n--;
  return m;
}

static tw_meta scalars_meta(const tw_tensor *a) {
  tw_meta m = factors_meta(a);
  m.shape.n -= 2;
  return m;
}

static const char *solver(const tw_call *c) { return c->op == &tw_op_solve && ((const tw_solve_attrs *)c->attrs)->inverse ? "inverse" : c->op->name; }

/* Factors every matrix of a into factors (as LAPACK has them, one after the other) and pivots. */
static tw_status factor(tw_ctx *ctx, const char *op, const tw_tensor *a, tw_tensor *factors, tw_tensor *pivots, bool may_be_singular) {
  const tw_lapack *lapack;
  tw_dtype d = (tw_dtype)a->dtype;
  tw_matrices m = tw__matrices(a);
  int n = (int)m.rows, info = 0;
  size_t bytes = (size_t)(m.rows * m.rows) * tw_dtype_size(d);
  tw_scratch scratch;
  if (a->size == 0) return TW_OK;
  tw_status s = tw__lapack(ctx, op, d, &lapack);
  if (s == TW_OK) s = tw__scratch_open(ctx, tw__aligned(bytes) + tw__aligned(sizeof(int) * (size_t)n), &scratch);
  if (s != TW_OK) return s;
  void *packed = tw__scratch_cut(&scratch, bytes); /* (n, n) column-major */
  int *swaps = tw__scratch_cut(&scratch, sizeof(int) * (size_t)n);
  for (int64_t i = 0; i < m.count && s == TW_OK; i++) {
    tw__pack(packed, a, i);
    lapack->getrf(&n, &n, packed, &n, swaps, &info);
    if (info > 0 && !may_be_singular) {
      char place[64];
      s = tw_fail(&ctx->error, TW_EINVAL, "%s: %s is singular: pivot %d is 0; tw.linalg.lstsq and pinv take such matrices", op,
                  tw__which(&m, i, place, sizeof place), info);
    }
    memcpy(factors->data + (size_t)i * bytes, packed, bytes);
    for (int k = 0; k < n; k++) ((int64_t *)(void *)pivots->data)[i * n + k] = swaps[k];
  }
  tw_tensor_release(ctx, scratch.block);
  return s;
}

/* x = a^-1 b, or a'^-1 b, from the factors of a. */
static tw_status substitute(tw_ctx *ctx, const char *op, const tw_tensor *factors, const tw_tensor *pivots, const tw_tensor *b, tw_tensor *x, bool transpose) {
  const tw_lapack *lapack;
  tw_dtype d = (tw_dtype)x->dtype;
  tw_matrices out = tw__matrices(x);
  int n = (int)out.rows, k = (int)out.cols, info = 0;
  size_t item = tw_dtype_size(d), bytes = (size_t)(out.rows * out.rows) * item, side_bytes = (size_t)(out.rows * out.cols) * item;
  tw_scratch scratch;
  if (x->size == 0) return TW_OK;
  tw_status s = tw__lapack(ctx, op, d, &lapack);
  if (s == TW_OK) s = tw__scratch_open(ctx, tw__aligned(bytes) + tw__aligned(side_bytes) + tw__aligned(sizeof(int) * (size_t)n), &scratch);
  if (s != TW_OK) return s;
  void *packed = tw__scratch_cut(&scratch, bytes), *side = tw__scratch_cut(&scratch, side_bytes); /* (n, n), (n, k) column-major */
  int *swaps = tw__scratch_cut(&scratch, sizeof(int) * (size_t)n);
  int64_t loaded = -1;
  for (int64_t i = 0; i < out.count; i++) {
    int64_t number = tw__matrix_number(factors, &out.lead, i);
    if (number != loaded) {
      memcpy(packed, factors->data + (size_t)number * bytes, bytes);
      for (int j = 0; j < n; j++) swaps[j] = (int)((const int64_t *)(const void *)pivots->data)[number * n + j];
      loaded = number;
    }
    tw__pack(side, b, tw__matrix_number(b, &out.lead, i));
    lapack->getrs(transpose ? "T" : "N", &n, &k, packed, &n, swaps, side, &n, &info, 1);
    tw__unpack(x, i, side, n);
  }
  tw_tensor_release(ctx, scratch.block);
  return TW_OK;
}

/* solve */

static tw_status infer_solve(tw_ctx *ctx, const tw_call *c, tw_meta *out) {
  const tw_tensor *a = c->in[0], *b = c->in[1];
  tw_status s = tw__check_matrices(ctx, solver(c), a, true);
  if (s == TW_OK) s = tw__check_right_side(ctx, solver(c), a, b);
  if (s == TW_OK) s = tw__lead_both(ctx, c, a, b, &out[0].shape);
  if (s != TW_OK) return s;
  out[0].dtype = (tw_dtype)a->dtype;
  out[0].shape.d[out[0].shape.n++] = a->shape[a->ndim - 1];
  out[0].shape.d[out[0].shape.n++] = b->shape[b->ndim - 1];
  out[1] = factors_meta(a);
  out[2] = pivots_meta(a);
  return TW_OK;
}

static tw_status run_solve(tw_ctx *ctx, const tw_call *c) {
  tw_status s = factor(ctx, solver(c), c->in[0], c->out[1], c->out[2], false);
  if (s == TW_OK) s = substitute(ctx, solver(c), c->out[1], c->out[2], c->in[1], c->out[0], ((const tw_solve_attrs *)c->attrs)->transpose);
  return s;
}

/* a^-1 b or a'^-1 b inside a composition, by the factors a call has made where that will not be differentiated. */
static tw_tensor *solved(tw_compose *k, tw_tensor *a, tw_tensor *b, bool transpose, tw_tensor *factors, tw_tensor *pivots) {
  tw_solve_attrs attrs = {.transpose = transpose};
  tw_tensor *out[3] = {NULL}, *in[2] = {a, b};
  if (!b) return NULL;
  if (!tw_would_record(k->ctx, in, 2)) return tw_do3(k, &tw_op_lu_solve, &attrs, factors, pivots, b);
  return tw__do_all(k, &tw_op_solve, &attrs, in, 2, out, 3) ? out[0] : NULL;
}

/* x = a^-1 b: db = a'^-1 t, da = -db x' (Giles 2008, 2.3.1); with a' in place of a: da = -x db'. */
static tw_status vjp_solve(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **grad, const bool *wanted) {
  bool transpose = ((const tw_solve_attrs *)c->attrs)->transpose;
  tw_tensor *a = c->in[0], *x = c->out[0], *ga = NULL;
  if (!t[0]) return TW_OK;
  tw_compose k = {.ctx = ctx};
  tw_tensor *g = solved(&k, a, t[0], !transpose, c->out[1], c->out[2]);
  if (wanted[0]) {
    tw_tensor *outer = transpose ? tw__product(&k, x, tw__transposed(&k, g)) : tw__product(&k, g, tw__transposed(&k, x));
    ga = tw__sum_to(&k, tw_do1(&k, &tw_op_neg, NULL, outer), a);
    if (ga) grad[0] = tw_tensor_retain(ga);
  }
  g = tw__sum_to(&k, g, c->in[1]);
  tw_tensor *gb = NULL;
  tw_status s = tw_compose_end(&k, g, &gb);
  if (s == TW_OK && wanted[1]) grad[1] = gb;
  else tw_tensor_release(ctx, gb);
  return s;
}

static tw_status jvp_solve(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **out) {
  bool transpose = ((const tw_solve_attrs *)c->attrs)->transpose;
  tw_compose k = {.ctx = ctx};
  tw_tensor *side = t[1];
  if (t[0]) {
    tw_tensor *moved = tw__product(&k, transpose ? tw__transposed(&k, t[0]) : t[0], c->out[0]);
    side = side ? tw__sub(&k, side, moved) : tw_do1(&k, &tw_op_neg, NULL, moved);
  }
  return tw_compose_end(&k, solved(&k, c->in[0], side, transpose, c->out[1], c->out[2]), &out[0]);
}

const tw_op tw_op_solve = {.name = "solve", .about = "the solution of a x = b", .n_in = 2, .n_out = 3, .attrs_bytes = sizeof(tw_solve_attrs),
                           .infer = infer_solve, .run = run_solve, .vjp = vjp_solve, .jvp = jvp_solve};

static tw_status infer_lu_solve(tw_ctx *ctx, const tw_call *c, tw_meta *out) {
  const tw_tensor *a = c->in[0], *b = c->in[2];
  tw_status s = tw__lead_both(ctx, c, a, b, &out[0].shape);
  out[0].dtype = (tw_dtype)a->dtype;
  out[0].shape.d[out[0].shape.n++] = a->shape[a->ndim - 1];
  out[0].shape.d[out[0].shape.n++] = b->shape[b->ndim - 1];
  return s;
}

static tw_status run_lu_solve(tw_ctx *ctx, const tw_call *c) {
  return substitute(ctx, "solve", c->in[0], c->in[1], c->in[2], c->out[0], ((const tw_solve_attrs *)c->attrs)->transpose);
}

const tw_op tw_op_lu_solve = {.name = "lu_solve", .about = "the solution of a x = b from the factors of a", .n_in = 3, .n_out = 1, .flags = TW_OP_NO_GRAD,
                              .attrs_bytes = sizeof(tw_solve_attrs), .infer = infer_lu_solve, .run = run_lu_solve};

/* A vector on the right is a column, and the result loses the axis again. */
tw_status tw_solve(tw_ctx *ctx, tw_tensor *a, tw_tensor *b, tw_tensor **x) {
  tw_status s = tw__check_matrices(ctx, "solve", a, true);
  if (s == TW_OK) s = tw__check_right_side(ctx, "solve", a, b);
  if (s != TW_OK) return s;
  tw_solve_attrs attrs = {0};
  tw_compose k = {.ctx = ctx};
  tw_tensor *in[2] = {a, b->ndim == 1 ? tw__column(&k, b) : b}, *out[3];
  tw_tensor *y = tw__do_all(&k, &tw_op_solve, &attrs, in, 2, out, 3) ? out[0] : NULL;
  if (y && b->ndim == 1) {
    tw_shape_attrs flat = {.shape = tw_tensor_shape(y)};
    flat.shape.n--;
    y = tw_do1(&k, &tw_op_reshape, &flat, y);
  }
  return tw_compose_end(&k, y, x);
}

tw_status tw_inverse(tw_ctx *ctx, tw_tensor *a, tw_tensor **x) {
  tw_status s = tw__check_matrices(ctx, "inverse", a, true);
  if (s != TW_OK) return s;
  tw_solve_attrs attrs = {.inverse = true};
  tw_compose k = {.ctx = ctx};
  tw_tensor *in[2] = {a, tw__identity(&k, a->shape[a->ndim - 1], a)}, *out[3];
  return tw_compose_end(&k, tw__do_all(&k, &tw_op_solve, &attrs, in, 2, out, 3) ? out[0] : NULL, x);
}

/* det and slogdet: the product of the factors' diagonal, the sum of its logarithms. */

static tw_status infer_det(tw_ctx *ctx, const tw_call *c, tw_meta *out) {
  const tw_tensor *a = c->in[0];
  tw_status s = tw__check_matrices(ctx, c->op->name, a, true);
  if (s != TW_OK) return s;
  int i = 0;
  out[i++] = scalars_meta(a);
  if (c->op == &tw_op_slogdet) out[i++] = scalars_meta(a);
  out[i++] = factors_meta(a);
  out[i] = pivots_meta(a);
  return TW_OK;
}

/* -1 where the pivots are an odd permutation. */
static double parity(const int64_t *pivots, int64_t n) {
  bool odd = false;
  for (int64_t i = 0; i < n; i++) odd ^= pivots[i] != i + 1;
  return odd ? -1 : 1;
}

static tw_status run_det(tw_ctx *ctx, const tw_call *c) {
  tw_tensor *y = c->out[0], *factors = c->out[1];
  int64_t n = c->in[0]->shape[c->in[0]->ndim - 1];
  tw_status s = factor(ctx, "det", c->in[0], factors, c->out[2], true);
  for (int64_t i = 0; i < y->size && s == TW_OK; i++) {
    double product = parity((const int64_t *)(const void *)c->out[2]->data + i * n, n);
    float product32 = (float)product;
    for (int64_t j = 0; j < n; j++) {
      int64_t at = i * n * n + j * (n + 1);
      if (y->dtype == TW_F64) product *= ((const double *)(const void *)factors->data)[at];
      else product32 *= ((const float *)(const void *)factors->data)[at];
    }
    if (y->dtype == TW_F64) ((double *)(void *)y->data)[i] = product;
    else ((float *)(void *)y->data)[i] = product32;
  }
  return s;
}

/* The logarithms of one factor's diagonal, by log's own kernel, summed in the one order. logs: room for n. */
static double log_magnitude(const tw_tensor *factors, int64_t matrix, int64_t n, void *logs, double *sign) {
  tw_dtype d = (tw_dtype)factors->dtype;
  int64_t item = (int64_t)tw_dtype_size(d);
  for (int64_t j = 0; j < n; j++) {
    double v = tw__element(factors->data, d, matrix * n * n + j * (n + 1));
    *sign = v == 0 || *sign == 0 ? 0 : v < 0 ? -*sign : *sign;
    if (d == TW_F64) ((double *)logs)[j] = v < 0 ? -v : v;
    else ((float *)logs)[j] = (float)(v < 0 ? -v : v);
  }
  tw_op_log.row->forward[d](n, (char *const[]){logs, logs}, (const int64_t[]){item, item});
  return d == TW_F64 ? tw_sum_f64(logs, n, 1) : (double)tw_sum_f32(logs, n, 1);
}

static tw_status run_slogdet(tw_ctx *ctx, const tw_call *c) {
  tw_tensor *factors = c->out[2];
  int64_t n = c->in[0]->shape[c->in[0]->ndim - 1];
  tw_scratch scratch;
  tw_status s = tw__scratch_open(ctx, tw__aligned((size_t)n * sizeof(double)), &scratch);
  if (s != TW_OK) return s;
  s = factor(ctx, "slogdet", c->in[0], factors, c->out[3], true);
  for (int64_t i = 0; i < c->out[0]->size && s == TW_OK; i++) {
    double sign = parity((const int64_t *)(const void *)c->out[3]->data + i * n, n);
    tw_tensor_set(c->out[1], i, n ? log_magnitude(factors, i, n, scratch.block->data, &sign) : 0);
    tw_tensor_set(c->out[0], i, sign);
  }
  tw_tensor_release(ctx, scratch.block);
  return s;
}

static tw_status refuse_singular(tw_ctx *ctx, const tw_call *c, const tw_tensor *factors) {
  for (int64_t lane = factors->lanes ? tw_lane_count(factors) - 1 : 0; lane > 0; lane--) {
    tw_tensor one = tw_tensor_lane(factors, lane);
    tw_status s = refuse_singular(ctx, c, &one);
    if (s != TW_OK) return s;
  }
  tw_matrices m = tw__matrices(c->in[0]);
  char place[64];
  for (int64_t i = 0; i < m.count; i++) {
    for (int64_t j = 0; j < m.rows; j++) {
      if (tw_tensor_get(factors, i * m.rows * m.rows + j * (m.rows + 1)) != 0) continue;
      return tw_fail(&ctx->error, TW_EINVAL, "%s: no derivative at a singular matrix: %s has pivot %lld = 0", c->op->name,
                     tw__which(&m, i, place, sizeof place), (long long)j + 1);
    }
  }
  return TW_OK;
}

/* d det = det tr(a^-1 da), d log|det| = tr(a^-1 da): da = t det a'^-1, da = t a'^-1 (Giles 2008, 2.2.4). The sign is constant. */
static tw_status vjp_det(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **grad, const bool *wanted) {
  (void)wanted;
  bool log = c->op == &tw_op_slogdet;
  tw_tensor *factors = c->out[log + 1], *pivots = c->out[log + 2], *g = t[log], *a = c->in[0];
  if (!g) return TW_OK;
  tw_status s = refuse_singular(ctx, c, factors);
  if (s != TW_OK) return s;
  tw_compose k = {.ctx = ctx};
  if (!log) g = tw__mul(&k, g, c->out[0]);
  g = tw__column(&k, tw__column(&k, g));
  tw_tensor *side = g ? tw__mul(&k, g, tw__identity(&k, a->shape[a->ndim - 1], a)) : NULL;
  return tw_compose_end(&k, solved(&k, a, side, true, factors, pivots), &grad[0]);
}

static tw_status jvp_det(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **out) {
  bool log = c->op == &tw_op_slogdet;
  tw_tensor *factors = c->out[log + 1], *pivots = c->out[log + 2];
  tw_status s = refuse_singular(ctx, c, factors);
  if (s != TW_OK) return s;
  tw_compose k = {.ctx = ctx};
  tw_tensor *diagonal = tw__diagonal(&k, solved(&k, c->in[0], t[0], false, factors, pivots)), *trace = NULL;
  if (diagonal) trace = tw_do1(&k, &tw_op_sum, &(tw_reduce_attrs){.axes = 1u << (diagonal->ndim - 1)}, diagonal);
  return tw_compose_end(&k, log ? trace : tw__mul(&k, c->out[0], trace), &out[log]);
}

const tw_op tw_op_det = {.name = "det", .about = "the determinant", .n_in = 1, .n_out = 3, .infer = infer_det, .run = run_det, .vjp = vjp_det, .jvp = jvp_det};
const tw_op tw_op_slogdet = {.name = "slogdet", .about = "sign and logarithm of the determinant's magnitude", .n_in = 1, .n_out = 4, .infer = infer_det,
                             .run = run_slogdet, .vjp = vjp_det, .jvp = jvp_det};

tw_status tw_det(tw_ctx *ctx, tw_tensor *a, tw_tensor **det) {
  tw_compose k = {.ctx = ctx};
  tw_tensor *out[3];
  return tw_compose_end(&k, tw__do_all(&k, &tw_op_det, NULL, &a, 1, out, 3) ? out[0] : NULL, det);
}

tw_status tw_slogdet(tw_ctx *ctx, tw_tensor *a, tw_tensor **result) {
  tw_compose k = {.ctx = ctx};
  tw_tensor *out[4];
  if (tw__do_all(&k, &tw_op_slogdet, NULL, &a, 1, out, 4)) result[0] = tw_tensor_retain(out[0]);
  return tw_compose_end(&k, out[1], &result[1]);
}
