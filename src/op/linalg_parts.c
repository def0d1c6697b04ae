/* What the linear algebra files share. */
#include "op/linalg_parts.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { STRIP = 8 };
#define T double
#define N(name) name##_f64
#include "op/linalg_kernels.inc"
#define T float
#define N(name) name##_f32
#include "op/linalg_kernels.inc"

/* Work space of the greediest routine grows with 4 n^2 and is counted in 32 bits. */
enum { LARGEST = 20000 };

tw_matrices tw__matrices(const tw_tensor *x) {
  tw_matrices m = {.rows = x->shape[x->ndim - 2], .cols = x->shape[x->ndim - 1], .lead = tw_tensor_shape(x)};
  m.lead.n -= 2;
  m.count = tw_shape_size(&m.lead);
  return m;
}

tw_status tw__check_matrices(tw_ctx *ctx, const char *op, const tw_tensor *a, bool square) {
  char is[128];
  tw_tensor_describe(a, is, sizeof is);
  if (!tw_is_real((tw_dtype)a->dtype)) return tw_fail(&ctx->error, TW_EINVAL, "%s: needs real numbers: a is %s; convert it with :to(\"f64\")", op, is);
  if (a->ndim < 2) return tw_fail(&ctx->error, TW_EINVAL, "%s: needs a matrix, or a batch of matrices in the last two axes: a is %s", op, is);
  int64_t rows = a->shape[a->ndim - 2], cols = a->shape[a->ndim - 1];
  if (square && rows != cols) return tw_fail(&ctx->error, TW_EINVAL, "%s: needs a square matrix: a is %s", op, is);
  if (rows > LARGEST || cols > LARGEST) {
    return tw_fail(&ctx->error, TW_EINVAL, "%s: the matrix is too large: a is %s; at most %d rows and columns", op, is, LARGEST);
  }
  return TW_OK;
}

tw_status tw__check_right_side(tw_ctx *ctx, const char *op, const tw_tensor *a, const tw_tensor *b) {
  char p[128], q[128];
  tw_tensor_describe(a, p, sizeof p);
  tw_tensor_describe(b, q, sizeof q);
  if (a->dtype != b->dtype) {
    return tw_fail(&ctx->error, TW_EINVAL, "%s: the operands must be real and of one dtype: a is %s, b is %s; convert one with :to()", op, p, q);
  }
  if (b->ndim == 0) return tw_fail(&ctx->error, TW_EINVAL, "%s: the right-hand side must be a vector or a matrix: a is %s, b is %s", op, p, q);
  int64_t rows = b->shape[b->ndim == 1 ? 0 : b->ndim - 2];
  if (rows == a->shape[a->ndim - 2]) return TW_OK;
  bool vectors = b->ndim > 1 && b->shape[b->ndim - 1] == a->shape[a->ndim - 2];
  return tw_fail(&ctx->error, TW_EINVAL, "%s: a and b differ in their number of rows: a is %s, b is %s%s", op, p, q,
                 vectors ? "; a batch of vectors is b:unsqueeze(-1)" : "");
}

tw_status tw__lead_both(tw_ctx *ctx, const tw_call *c, const tw_tensor *a, const tw_tensor *b, tw_shape *lead) {
  tw_shape p = tw_tensor_shape(a), q = tw_tensor_shape(b);
  p.n -= 2;
  q.n -= 2;
  return tw_shape_broadcast(&p, &q, lead) ? TW_OK : tw_fail_shapes(ctx, c, "the leading axes do not broadcast");
}

const char *tw__which(const tw_matrices *m, int64_t matrix, char *buffer, size_t bytes) {
  if (m->lead.n == 0) snprintf(buffer, bytes, "the matrix");
  else snprintf(buffer, bytes, "matrix %lld of the batch", (long long)matrix + 1);
  return buffer;
}

int64_t tw__matrix_number(const tw_tensor *x, const tw_shape *lead, int64_t matrix) {
  int64_t number = 0, step = 1;
  for (int i = lead->n - 1; i >= 0; i--) {
    int own = i - (lead->n - (x->ndim - 2));
    if (own >= 0) {
      if (x->shape[own] != 1) number += matrix % lead->d[i] * step;
      step *= x->shape[own];
    }
    matrix /= lead->d[i];
  }
  return number;
}

char *tw__matrix_at(const tw_tensor *x, int64_t number) {
  int64_t at = 0;
  for (int i = x->ndim - 3; i >= 0; i--) {
    at += number % x->shape[i] * x->stride[i];
    number /= x->shape[i];
  }
  return x->data + at * (int64_t)tw_dtype_size((tw_dtype)x->dtype);
}

tw_status tw__scratch_open(tw_ctx *ctx, size_t bytes, tw_scratch *s) {
  tw_shape shape = {.n = 1, .d = {(int64_t)bytes}};
  s->used = 0;
  s->block = NULL;
  return tw_tensor_new(ctx, TW_BOOL, &shape, &s->block);
}

void *tw__scratch_cut(tw_scratch *s, size_t bytes) {
  void *piece = s->block->data + s->used;
  s->used += tw__aligned(bytes);
  return piece;
}

/* The answer is a number of the matrix's dtype; in f32 a large one is rounded, so a little is added. */
int tw__work_size(tw_dtype d, const void *answer) {
  double n;
  float n32;
  memcpy(&n, answer, sizeof n);
  memcpy(&n32, answer, sizeof n32);
  if (d == TW_F32) n = (double)n32 * (1 + 2e-7) + 1;
  return n < 1 ? 1 : (int)n;
}

void tw__pack(void *to, const tw_tensor *x, int64_t number) {
  const void *from = tw__matrix_at(x, number);
  int64_t rows = x->shape[x->ndim - 2], cols = x->shape[x->ndim - 1], row_stride = x->stride[x->ndim - 2], col_stride = x->stride[x->ndim - 1];
  if (x->dtype == TW_F64) pack_f64(to, from, rows, cols, row_stride, col_stride);
  else pack_f32(to, from, rows, cols, row_stride, col_stride);
}

void tw__unpack(tw_tensor *y, int64_t number, const void *from, int64_t from_rows) {
  int64_t rows = y->shape[y->ndim - 2], cols = y->shape[y->ndim - 1];
  void *to = y->data + number * rows * cols * (int64_t)tw_dtype_size((tw_dtype)y->dtype);
  if (y->dtype == TW_F64) unpack_f64(to, from, rows, cols, from_rows);
  else unpack_f32(to, from, rows, cols, from_rows);
}

bool tw__all_finite(const void *x, tw_dtype d, int64_t rows, int64_t cols, bool lower) {
  return d == TW_F64 ? all_finite_f64(x, rows, cols, lower) : all_finite_f32(x, rows, cols, lower);
}

double tw__element(const void *x, tw_dtype d, int64_t at) { return d == TW_F64 ? ((const double *)x)[at] : (double)((const float *)x)[at]; }

void tw__negate(void *x, tw_dtype d, int64_t n, int64_t stride) {
  if (d == TW_F64) negate_f64(x, n, stride);
  else negate_f32(x, n, stride);
}

bool tw__sign_is_wrong(const void *x, tw_dtype d, int64_t n, int64_t stride) {
  return d == TW_F64 ? sign_is_wrong_f64(x, n, stride) : sign_is_wrong_f32(x, n, stride);
}

double tw__epsilon(tw_dtype d) { return d == TW_F64 ? DBL_EPSILON : (double)FLT_EPSILON; }

/* Compositions. A NULL operand means that an earlier step failed: the list passes it on. */

tw_tensor *tw__keep(tw_compose *k, tw_status s, tw_tensor *owned) {
  if (s == TW_OK && k->status == TW_OK && k->n == TW_COMPOSE_MAX) s = tw_fail(&k->ctx->error, TW_ESTATE, "linalg: a composition is too long");
  if (s != TW_OK || k->status != TW_OK) {
    if (k->status == TW_OK) k->status = s;
    tw_tensor_release(k->ctx, owned);
    return NULL;
  }
  return k->temps[k->n++] = owned;
}

bool tw__do_all(tw_compose *k, const tw_op *op, const void *attrs, tw_tensor *const *in, int n_in, tw_tensor **out, int n_out) {
  for (int i = 0; i < n_out; i++) out[i] = NULL;
  for (int i = 0; i < n_in; i++) {
    if (!in[i] && k->status == TW_OK) k->status = TW_ESTATE;
  }
  if (k->status != TW_OK) return false;
  tw_call call = {.op = op, .attrs = attrs, .in = in, .out = out, .n_in = n_in, .n_out = n_out};
  tw_status s = tw_apply(k->ctx, &call);
  for (int i = 0; i < n_out; i++) out[i] = tw__keep(k, s, s == TW_OK ? out[i] : NULL);
  return k->status == TW_OK;
}

tw_tensor *tw__transposed(tw_compose *k, tw_tensor *x) {
  if (!x) return NULL;
  tw_permute_attrs a = {.n = x->ndim};
  for (int i = 0; i < x->ndim; i++) a.axis[i] = i;
  a.axis[x->ndim - 1] = x->ndim - 2;
  a.axis[x->ndim - 2] = x->ndim - 1;
  return tw_do1(k, &tw_op_permute, &a, x);
}

tw_tensor *tw__product(tw_compose *k, tw_tensor *a, tw_tensor *b) { return tw_do2(k, &tw_op_matmul, NULL, a, b); }
tw_tensor *tw__add(tw_compose *k, tw_tensor *a, tw_tensor *b) { return a && b ? tw_do2(k, &tw_op_add, NULL, a, b) : a ? a : b; }
tw_tensor *tw__sub(tw_compose *k, tw_tensor *a, tw_tensor *b) { return tw_do2(k, &tw_op_sub, NULL, a, b); }
tw_tensor *tw__mul(tw_compose *k, tw_tensor *a, tw_tensor *b) { return tw_do2(k, &tw_op_mul, NULL, a, b); }

tw_tensor *tw__scaled(tw_compose *k, tw_tensor *x, double c) { return x ? tw__mul(k, x, tw_do_constant(k, c, x)) : NULL; }

tw_tensor *tw__symmetric(tw_compose *k, tw_tensor *x) {
  tw_tensor *turned = tw__transposed(k, x);
  return turned ? tw__scaled(k, tw__add(k, x, turned), 0.5) : NULL;
}

/* With the lanes of `like`, which may be NULL. */
static tw_tensor *new_tensor(tw_compose *k, tw_dtype d, const tw_shape *shape, const tw_tensor *like) {
  tw_tensor *t = NULL;
  tw_lanes lanes = {0};
  if (k->status != TW_OK || (like && !tw_lanes_join(&lanes, like))) return NULL;
  tw_status s = tw_tensor_new_laned(k->ctx, d, shape, &lanes, &t);
  return tw__keep(k, s, t);
}

/* A bool matrix that is true on a part. */
static tw_tensor *part_mask(tw_compose *k, int64_t rows, int64_t cols, tw_part part) {
  tw_shape shape = {.n = 2, .d = {rows, cols}};
  tw_tensor *mask = new_tensor(k, TW_BOOL, &shape, NULL);
  if (!mask) return NULL;
  for (int64_t i = 0; i < rows; i++) {
    for (int64_t j = 0; j < cols; j++) {
      bool within = part == TW_LOWER || part == TW_STRICTLY_LOWER ? j < i : part != TW_DIAGONAL && j > i;
      mask->data[i * cols + j] = i == j ? part != TW_STRICTLY_LOWER && part != TW_STRICTLY_UPPER : within;
    }
  }
  return mask;
}

tw_tensor *tw__part(tw_compose *k, tw_tensor *x, tw_part part) {
  if (!x) return NULL;
  tw_tensor *mask = part_mask(k, x->shape[x->ndim - 2], x->shape[x->ndim - 1], part);
  return tw_do3(k, &tw_op_where, NULL, mask, x, tw_do_constant(k, 0, x));
}

tw_tensor *tw__diagonal(tw_compose *k, tw_tensor *x) {
  if (!x) return NULL;
  int64_t n = x->shape[x->ndim - 1];
  tw_shape_attrs flat = {.shape = tw_tensor_shape(x)};
  flat.shape.d[--flat.shape.n - 1] = n * n;
  tw_slice_attrs every = {.n = flat.shape.n};
  for (int i = 0; i < every.n; i++) {
    every.step[i] = 1;
    every.size[i] = flat.shape.d[i];
  }
  every.step[every.n - 1] = n + 1;
  every.size[every.n - 1] = n;
  return tw_do1(k, &tw_op_slice, &every, tw_do1(k, &tw_op_reshape, &flat, x));
}

tw_tensor *tw__diagonal_matrix(tw_compose *k, tw_tensor *w) {
  if (!w) return NULL;
  int64_t n = w->shape[w->ndim - 1];
  return tw_do3(k, &tw_op_where, NULL, part_mask(k, n, n, TW_DIAGONAL), tw__row(k, w), tw_do_constant(k, 0, w));
}

tw_tensor *tw__row(tw_compose *k, tw_tensor *w) {
  if (!w) return NULL;
  tw_shape_attrs a = {.shape = tw_tensor_shape(w)};
  a.shape.d[a.shape.n] = a.shape.d[a.shape.n - 1];
  a.shape.d[a.shape.n++ - 1] = 1;
  return tw_do1(k, &tw_op_reshape, &a, w);
}

tw_tensor *tw__column(tw_compose *k, tw_tensor *w) {
  if (!w) return NULL;
  tw_shape_attrs a = {.shape = tw_tensor_shape(w)};
  a.shape.d[a.shape.n++] = 1;
  return tw_do1(k, &tw_op_reshape, &a, w);
}

tw_tensor *tw__sum_to(tw_compose *k, tw_tensor *x, const tw_tensor *like) {
  if (!x) return NULL;
  tw_shape_attrs own = {.shape = tw_tensor_shape(like)};
  tw_shape whole = tw_tensor_shape(x);
  return tw_shape_equal(&own.shape, &whole) ? x : tw_do1(k, &tw_op_sum_to, &own, x);
}

tw_tensor *tw__identity(tw_compose *k, int64_t n, const tw_tensor *like) {
  return tw_do3(k, &tw_op_where, NULL, part_mask(k, n, n, TW_DIAGONAL), tw_do_constant(k, 1, like), tw_do_constant(k, 0, like));
}

/* Ties: sorted values that differ by no more than rounding explains. */

static double tolerance(const tw_tensor *w, int64_t row, int64_t size) {
  int64_t n = w->shape[w->ndim - 1];
  double first = fabs(tw_tensor_get(w, row * n)), last = fabs(tw_tensor_get(w, row * n + n - 1));
  return tw__epsilon((tw_dtype)w->dtype) * (double)size * (first > last ? first : last);
}

tw_status tw__check_ties(tw_ctx *ctx, const char *op, const char *what, const char *instead, const tw_tensor *w, int64_t size) {
  for (int64_t lane = w->lanes ? tw_lane_count(w) - 1 : 0; lane > 0; lane--) {
    tw_tensor one = tw_tensor_lane(w, lane);
    tw_status s = tw__check_ties(ctx, op, what, instead, &one, size);
    if (s != TW_OK) return s;
  }
  int64_t n = w->shape[w->ndim - 1];
  tw_matrices m = {.lead = tw_tensor_shape(w)};
  m.lead.n--;
  for (int64_t row = 0; n > 1 && row < w->size / n; row++) {
    double least = tolerance(w, row, size);
    for (int64_t i = 1; i < n; i++) {
      double a = tw_tensor_get(w, row * n + i - 1), b = tw_tensor_get(w, row * n + i);
      char place[64];
      if (fabs(a - b) > least) continue;
      return tw_fail(&ctx->error, TW_EINVAL, "%s: no derivative of the vectors where %s repeat: %s has %.9g and %.9g at %lld and %lld; %s", op, what,
                     tw__which(&m, row, place, sizeof place), a, b, (long long)i, (long long)i + 1, instead);
    }
  }
  return TW_OK;
}

/* Where two values of a row are one and the same, and what the result has there: 0 on the diagonal, NaN for a tie. */
static void mark_ties(const tw_tensor *w, int64_t size, tw_tensor *mask, tw_tensor *fill) {
  int64_t n = w->shape[w->ndim - 1];
  for (int64_t row = 0; n && row < w->size / n; row++) {
    double least = tolerance(w, row, size);
    for (int64_t i = 0; i < n * n; i++) {
      bool tie = fabs(tw_tensor_get(w, row * n + i / n) - tw_tensor_get(w, row * n + i % n)) <= least;
      tw_tensor_set(mask, row * n * n + i, i / n == i % n || tie);
      tw_tensor_set(fill, row * n * n + i, tie && i / n != i % n ? (double)NAN : 0);
    }
  }
}

tw_tensor *tw__gaps(tw_compose *k, tw_tensor *w, int64_t size, bool squares) {
  if (!w || k->status != TW_OK) return NULL;
  int64_t n = w->shape[w->ndim - 1];
  tw_shape shape = tw_tensor_shape(w);
  shape.d[shape.n++] = n;
  tw_tensor *mask = new_tensor(k, TW_BOOL, &shape, w), *fill = new_tensor(k, (tw_dtype)w->dtype, &shape, w);
  if (!mask || !fill) return NULL;
  for (int64_t lane = tw_lane_count(w) - 1; lane >= 0; lane--) {
    tw_tensor one = tw_tensor_lane(w, lane), m = tw_tensor_lane(mask, lane), f = tw_tensor_lane(fill, lane);
    mark_ties(&one, size, &m, &f);
  }
  tw_tensor *across = tw__row(k, w), *down = tw__column(k, w), *gap = tw__sub(k, across, down);
  if (squares) gap = tw__mul(k, gap, tw_do2(k, &tw_op_add, NULL, across, down));
  tw_tensor *safe = tw_do3(k, &tw_op_where, NULL, mask, tw_do_constant(k, 1, w), gap);
  return tw_do3(k, &tw_op_where, NULL, mask, fill, tw_do1(k, &tw_op_reciprocal, NULL, safe));
}
