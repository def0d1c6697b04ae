/* The pseudo-inverse and least squares, from the singular value decomposition, which comes as further inputs: it is computed once and serves the value, the
 * derivatives and the caller. Their products run along the one chain (gemm.h). Differentiable where the matrix has full rank. */
#include <math.h>

#include "op/gemm.h"
#include "op/linalg_parts.h"

static double threshold(const tw_call *c, const tw_tensor *a) {
  double rcond = ((const tw_rank_attrs *)c->attrs)->rcond;
  int64_t m = a->shape[a->ndim - 2], n = a->shape[a->ndim - 1];
  return rcond >= 0 ? rcond : tw__epsilon((tw_dtype)a->dtype) * (double)(m > n ? m : n);
}

static tw_meta rank_meta(const tw_tensor *a) {
  tw_meta m = {.dtype = TW_I64, .shape = tw_tensor_shape(a)};
  m.shape.n -= 2;
  return m;
}

/* c = a b, contiguous (m, n), from row-major operands; a_turned: a is stored (k, m). */
static void product(tw_dtype d, int64_t m, int64_t n, int64_t k, const void *a, bool a_turned, const void *b, bool b_turned, void *c, void *scratch) {
  int64_t a_row = a_turned ? 1 : k, a_col = a_turned ? m : 1, b_row = b_turned ? 1 : n, b_col = b_turned ? k : 1;
  tw_gemm(d, &(tw_products){.M = m, .N = n, .K = k, .count = 1, .a = a, .a_row = a_row, .a_col = a_col, .b = b, .b_row = b_row, .b_col = b_col, .c = c,
                            .c_row = n, .scratch = scratch});
}

/* Rows of x (p, n) divided by the singular values; those that count as 0 become 0. Returns the rank. */
static int64_t divide_rows(void *x, tw_dtype d, int64_t p, int64_t n, const void *s, double rcond) {
  int64_t rank = 0;
  double least = p ? rcond * tw__element(s, d, 0) : 0;
  for (int64_t i = 0; i < p; i++) {
    double v = tw__element(s, d, i);
    bool counts = v > least;
    rank += counts;
    for (int64_t j = i * n; j < (i + 1) * n; j++) {
      if (d == TW_F64) ((double *)x)[j] = counts ? ((double *)x)[j] / v : 0;
      else ((float *)x)[j] = counts ? ((float *)x)[j] / (float)v : 0;
    }
  }
  return rank;
}

/* One matrix of a contiguous result, or of a strided operand copied to row-major. */
static void *at(const tw_tensor *x, int64_t number, int axes) {
  int64_t size = 1;
  for (int i = x->ndim - axes; i < x->ndim; i++) size *= x->shape[i];
  return x->data + number * size * (int64_t)tw_dtype_size((tw_dtype)x->dtype);
}

static tw_status check_parts(tw_ctx *ctx, const tw_call *c, int first) {
  for (int i = first; i < first + 3; i++) {
    if (!c->in[i]->lanes && !tw_tensor_is_contiguous(c->in[i])) return tw_fail_shapes(ctx, c, "the decomposition must be contiguous");
  }
  return TW_OK;
}

/* Deficient: the least rank found is below full. In value a pseudo-inverse exists, but it jumps there. */
static tw_status refuse_deficient(tw_ctx *ctx, const char *op, const tw_tensor *a, const tw_tensor *rank) {
  for (int64_t lane = rank->lanes ? tw_lane_count(rank) - 1 : 0; lane > 0; lane--) {
    tw_tensor one = tw_tensor_lane(rank, lane);
    tw_status s = refuse_deficient(ctx, op, a, &one);
    if (s != TW_OK) return s;
  }
  tw_matrices m = tw__matrices(a);
  int64_t full = m.rows < m.cols ? m.rows : m.cols;
  for (int64_t i = 0; i < rank->size; i++) {
    int64_t own = tw_tensor_get_i64(rank, i);
    char place[64];
    if (own == full) continue;
    return tw_fail(&ctx->error, TW_EINVAL, "%s: no derivative by a matrix that has not full rank: %s has rank %lld of %lld", op,
                   tw__which(&m, i, place, sizeof place), (long long)own, (long long)full);
  }
  return TW_OK;
}

/* pinv: (a, U, s, Vt) -> V diag(1/s) U'. */

static tw_status infer_pinv(tw_ctx *ctx, const tw_call *c, tw_meta *out) {
  const tw_tensor *a = c->in[0];
  out[0] = (tw_meta){.dtype = (tw_dtype)a->dtype, .shape = tw_tensor_shape(a)};
  out[0].shape.d[a->ndim - 2] = a->shape[a->ndim - 1];
  out[0].shape.d[a->ndim - 1] = a->shape[a->ndim - 2];
  out[1] = rank_meta(a);
  return check_parts(ctx, c, 1);
}

static tw_status run_pinv(tw_ctx *ctx, const tw_call *c) {
  tw_tensor *a = c->in[0], *s = c->in[2];
  tw_dtype d = (tw_dtype)a->dtype;
  tw_matrices m = tw__matrices(a);
  int64_t p = m.rows < m.cols ? m.rows : m.cols;
  double rcond = threshold(c, a);
  size_t v_bytes = (size_t)(p * m.cols) * tw_dtype_size(d);
  tw_scratch scratch;
  tw_status status = tw__scratch_open(ctx, tw__aligned(v_bytes) + (size_t)tw_gemm_scratch(p), &scratch);
  if (status != TW_OK) return status;
  char *v = tw__scratch_cut(&scratch, v_bytes); /* (p, n): diag(1/s) Vt */
  void *room = tw__scratch_cut(&scratch, 0);
  tw_tensor copy = {.dtype = (uint8_t)d, .ndim = 2, .size = p * m.cols, .shape = {p, m.cols}, .stride = {m.cols, 1}, .data = v}, from = copy;
  for (int64_t i = 0; i < m.count; i++) {
    from.data = at(c->in[3], i, 2);
    tw__copy_into(&copy, &from);
    int64_t rank = divide_rows(v, d, p, m.cols, at(s, i, 1), rcond);
    ((int64_t *)(void *)c->out[1]->data)[i] = rank;
    if (a->size) product(d, m.cols, m.rows, p, v, true, at(c->in[1], i, 2), true, at(c->out[0], i, 2), room);
  }
  tw_tensor_release(ctx, scratch.block);
  return TW_OK;
}

/* P = a^+, full rank: dP = -P da P + P P' da' (1 - a P) + (1 - P a) da' P' P (Golub and Pereyra 1973, "The differentiation of pseudo-inverses", eq. 4.12).
 * The second term is 0 unless a is tall, the third unless it is wide. */
static tw_status vjp_pinv(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **grad, const bool *wanted) {
  tw_tensor *a = c->in[0], *p = c->out[0];
  if (!wanted[0] || !t[0]) return TW_OK;
  tw_status s = refuse_deficient(ctx, "pinv", a, c->out[1]);
  if (s != TW_OK) return s;
  tw_matrices m = tw__matrices(a);
  tw_compose k = {.ctx = ctx};
  tw_tensor *pt = tw__transposed(&k, p), *gt = tw__transposed(&k, t[0]);
  tw_tensor *g = tw_do1(&k, &tw_op_neg, NULL, tw__product(&k, tw__product(&k, pt, t[0]), pt));
  if (m.rows > m.cols) {
    tw_tensor *off = tw__sub(&k, gt, tw__product(&k, a, tw__product(&k, p, gt)));
    g = tw_do2(&k, &tw_op_add, NULL, g, tw__product(&k, tw__product(&k, off, p), pt));
  }
  if (m.rows < m.cols) {
    tw_tensor *off = tw__sub(&k, gt, tw__product(&k, tw__product(&k, gt, p), a));
    g = tw_do2(&k, &tw_op_add, NULL, g, tw__product(&k, pt, tw__product(&k, p, off)));
  }
  return tw_compose_end(&k, g, &grad[0]);
}

static tw_status jvp_pinv(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **out) {
  tw_tensor *a = c->in[0], *p = c->out[0];
  if (!t[0]) return TW_OK;
  tw_status s = refuse_deficient(ctx, "pinv", a, c->out[1]);
  if (s != TW_OK) return s;
  tw_matrices m = tw__matrices(a);
  tw_compose k = {.ctx = ctx};
  tw_tensor *pt = tw__transposed(&k, p), *dat = tw__transposed(&k, t[0]);
  tw_tensor *dp = tw_do1(&k, &tw_op_neg, NULL, tw__product(&k, tw__product(&k, p, t[0]), p));
  if (m.rows > m.cols) {
    tw_tensor *off = tw__sub(&k, dat, tw__product(&k, tw__product(&k, dat, a), p));
    dp = tw_do2(&k, &tw_op_add, NULL, dp, tw__product(&k, p, tw__product(&k, pt, off)));
  }
  if (m.rows < m.cols) {
    tw_tensor *off = tw__sub(&k, dat, tw__product(&k, p, tw__product(&k, a, dat)));
    dp = tw_do2(&k, &tw_op_add, NULL, dp, tw__product(&k, tw__product(&k, off, pt), p));
  }
  return tw_compose_end(&k, dp, &out[0]);
}

const tw_op tw_op_pinv = {.name = "pinv", .about = "the Moore-Penrose pseudo-inverse", .n_in = 4, .n_out = 2, .attrs_bytes = sizeof(tw_rank_attrs),
                          .infer = infer_pinv, .run = run_pinv, .vjp = vjp_pinv, .jvp = jvp_pinv};

/* The decomposition that both take. */
static bool decomposed(tw_compose *k, tw_tensor *a, tw_tensor **parts) {
  tw_spectral_attrs values = {.vectors = false};
  return tw__do_all(k, &tw_op_svd, &values, &a, 1, parts, 3);
}

tw_status tw_pinv(tw_ctx *ctx, tw_tensor *a, double rcond, tw_tensor **p) {
  tw_rank_attrs attrs = {.rcond = rcond};
  tw_status s = tw__check_matrices(ctx, "pinv", a, false);
  if (s != TW_OK) return s;
  tw_compose k = {.ctx = ctx};
  tw_tensor *in[4] = {a, NULL, NULL, NULL}, *out[2] = {NULL};
  if (decomposed(&k, a, in + 1)) tw__do_all(&k, &tw_op_pinv, &attrs, in, 4, out, 2);
  return tw_compose_end(&k, out[0], p);
}

/* lstsq: (a, b, U, s, Vt) -> V diag(1/s) U' b, the shortest of the vectors that make |b - a x| least. */

static tw_status infer_lstsq(tw_ctx *ctx, const tw_call *c, tw_meta *out) {
  const tw_tensor *a = c->in[0], *b = c->in[1];
  tw_status s = tw__check_right_side(ctx, "lstsq", a, b);
  if (s == TW_OK) s = tw__lead_both(ctx, c, a, b, &out[0].shape);
  if (s != TW_OK) return s;
  out[0].dtype = (tw_dtype)a->dtype;
  out[0].shape.d[out[0].shape.n++] = a->shape[a->ndim - 1];
  out[0].shape.d[out[0].shape.n++] = b->shape[b->ndim - 1];
  out[1] = rank_meta(a);
  return check_parts(ctx, c, 2);
}

static tw_status run_lstsq(tw_ctx *ctx, const tw_call *c) {
  tw_tensor *a = c->in[0], *b = c->in[1], *x = c->out[0];
  tw_dtype d = (tw_dtype)a->dtype;
  tw_matrices m = tw__matrices(a), side = tw__matrices(b), result = tw__matrices(x);
  int64_t p = m.rows < m.cols ? m.rows : m.cols, k = side.cols, longest = m.rows > p ? m.rows : p;
  double rcond = threshold(c, a);
  size_t item = tw_dtype_size(d), b_bytes = (size_t)(m.rows * k) * item, u_bytes = (size_t)(p * k) * item;
  tw_scratch scratch;
  tw_status status = tw__scratch_open(ctx, tw__aligned(b_bytes) + tw__aligned(u_bytes) + (size_t)tw_gemm_scratch(longest), &scratch);
  if (status != TW_OK) return status;
  char *sides = tw__scratch_cut(&scratch, b_bytes); /* (m, k) */
  char *turned = tw__scratch_cut(&scratch, u_bytes); /* (p, k): diag(1/s) U' b */
  void *room = tw__scratch_cut(&scratch, 0);
  tw_tensor copy = {.dtype = (uint8_t)d, .ndim = 2, .size = m.rows * k, .shape = {m.rows, k}, .stride = {k, 1}, .data = sides}, from = copy;
  from.stride[0] = b->stride[b->ndim - 2];
  from.stride[1] = b->stride[b->ndim - 1];
  for (int64_t i = 0; i < m.count; i++) ((int64_t *)(void *)c->out[1]->data)[i] = divide_rows(NULL, d, p, 0, at(c->in[3], i, 1), rcond);
  for (int64_t i = 0; i < result.count && x->size; i++) {
    int64_t own = tw__matrix_number(a, &result.lead, i);
    from.data = tw__matrix_at(b, tw__matrix_number(b, &result.lead, i));
    tw__copy_into(&copy, &from);
    product(d, p, k, m.rows, at(c->in[2], own, 2), true, sides, false, turned, room);
    (void)divide_rows(turned, d, p, k, at(c->in[3], own, 1), rcond);
    product(d, m.cols, k, p, at(c->in[4], own, 2), true, turned, false, at(x, i, 2), room);
  }
  tw_tensor_release(ctx, scratch.block);
  return TW_OK;
}

/* The pseudo-inverse inside a derivative: from the decomposition the call has. */
static tw_tensor *inverse_of(tw_compose *k, const tw_call *c) {
  tw_tensor *in[4] = {c->in[0], c->in[2], c->in[3], c->in[4]}, *out[2];
  return tw__do_all(k, &tw_op_pinv, c->attrs, in, 4, out, 2) ? out[0] : NULL;
}

/* From dP (see pinv) with P b = x, P' x = P' P b, r = b - a x: db = P' t, da = -(P' t) x' + r (P P' t)' + (P' x) (t - P a t)'. */
static tw_status vjp_lstsq(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **grad, const bool *wanted) {
  tw_tensor *a = c->in[0], *b = c->in[1], *x = c->out[0], *g = NULL, *gb = NULL;
  if (!t[0] || !(wanted[0] || wanted[1])) return TW_OK;
  tw_status s = wanted[0] ? refuse_deficient(ctx, "lstsq", a, c->out[1]) : TW_OK;
  if (s != TW_OK) return s;
  tw_matrices m = tw__matrices(a);
  tw_compose k = {.ctx = ctx};
  tw_tensor *p = inverse_of(&k, c), *pt = tw__transposed(&k, p), *back = tw__product(&k, pt, t[0]);
  if (wanted[0]) {
    g = tw_do1(&k, &tw_op_neg, NULL, tw__product(&k, back, tw__transposed(&k, x)));
    if (m.rows > m.cols) {
      tw_tensor *r = tw__sub(&k, b, tw__product(&k, a, x));
      g = tw_do2(&k, &tw_op_add, NULL, g, tw__product(&k, r, tw__transposed(&k, tw__product(&k, p, back))));
    }
    if (m.rows < m.cols) {
      tw_tensor *off = tw__sub(&k, t[0], tw__product(&k, p, tw__product(&k, a, t[0])));
      g = tw_do2(&k, &tw_op_add, NULL, g, tw__product(&k, tw__product(&k, pt, x), tw__transposed(&k, off)));
    }
    g = tw__sum_to(&k, g, a);
    if (g) grad[0] = tw_tensor_retain(g);
  }
  s = tw_compose_end(&k, tw__sum_to(&k, back, b), &gb);
  if (s == TW_OK && wanted[1]) grad[1] = gb;
  else tw_tensor_release(ctx, gb);
  return s;
}

static tw_status jvp_lstsq(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **out) {
  tw_tensor *a = c->in[0], *b = c->in[1], *x = c->out[0], *dx = NULL;
  if (!t[0] && !t[1]) return TW_OK;
  tw_status s = t[0] ? refuse_deficient(ctx, "lstsq", a, c->out[1]) : TW_OK;
  if (s != TW_OK) return s;
  tw_matrices m = tw__matrices(a);
  tw_compose k = {.ctx = ctx};
  tw_tensor *p = inverse_of(&k, c), *pt = tw__transposed(&k, p);
  if (t[1]) dx = tw__product(&k, p, t[1]);
  if (t[0]) {
    tw_tensor *dat = tw__transposed(&k, t[0]), *first = tw_do1(&k, &tw_op_neg, NULL, tw__product(&k, p, tw__product(&k, t[0], x)));
    dx = tw__add(&k, dx, first);
    if (m.rows > m.cols) {
      tw_tensor *r = tw__sub(&k, b, tw__product(&k, a, x));
      dx = tw_do2(&k, &tw_op_add, NULL, dx, tw__product(&k, p, tw__product(&k, pt, tw__product(&k, dat, r))));
    }
    if (m.rows < m.cols) {
      tw_tensor *moved = tw__product(&k, dat, tw__product(&k, pt, x));
      dx = tw_do2(&k, &tw_op_add, NULL, dx, tw__sub(&k, moved, tw__product(&k, p, tw__product(&k, a, moved))));
    }
  }
  return tw_compose_end(&k, dx, &out[0]);
}

const tw_op tw_op_lstsq = {.name = "lstsq", .about = "least-squares solutions of a x = b", .n_in = 5, .n_out = 2, .attrs_bytes = sizeof(tw_rank_attrs),
                           .infer = infer_lstsq, .run = run_lstsq, .vjp = vjp_lstsq, .jvp = jvp_lstsq};

static tw_tensor *without_last(tw_compose *k, tw_tensor *x) {
  if (!x) return NULL;
  tw_shape_attrs flat = {.shape = tw_tensor_shape(x)};
  flat.shape.n--;
  return tw_do1(k, &tw_op_reshape, &flat, x);
}

tw_status tw_lstsq(tw_ctx *ctx, tw_tensor *a, tw_tensor *b, double rcond, tw_tensor **result) {
  tw_rank_attrs attrs = {.rcond = rcond};
  tw_status status = tw__check_matrices(ctx, "lstsq", a, false);
  if (status == TW_OK) status = tw__check_right_side(ctx, "lstsq", a, b);
  if (status != TW_OK) return status;
  tw_compose k = {.ctx = ctx};
  tw_tensor *side = b->ndim == 1 ? tw__column(&k, b) : b, *in[5] = {a, side, NULL, NULL, NULL}, *out[2] = {NULL}, *residuals = NULL;
  if (decomposed(&k, a, in + 2)) tw__do_all(&k, &tw_op_lstsq, &attrs, in, 5, out, 2);
  tw_tensor *x = out[0], *off = tw_do1(&k, &tw_op_square, NULL, tw__sub(&k, side, tw__product(&k, a, x)));
  if (off) residuals = tw_do1(&k, &tw_op_sum, &(tw_reduce_attrs){.axes = 1u << (off->ndim - 2)}, off);
  if (b->ndim == 1) {
    x = without_last(&k, x);
    residuals = without_last(&k, residuals);
  }
  if (k.status == TW_OK) {
    result[0] = tw_tensor_retain(x);
    result[1] = tw_tensor_retain(residuals);
    result[2] = tw_tensor_retain(out[1]);
  }
  return tw_compose_end(&k, in[3], &result[3]);
}
