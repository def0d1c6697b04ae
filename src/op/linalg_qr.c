/* The QR factorisation (LAPACK geqrf, orgqr), reduced, with a positive diagonal in R: that makes it unique. The operation takes matrices that are not wide;
 * a wide one is its left square's factorisation and a product. */
#include <math.h>
#include <string.h>

#include "op/linalg_parts.h"

static tw_status infer_qr(tw_ctx *ctx, const tw_call *c, tw_meta *out) {
  const tw_tensor *a = c->in[0];
  tw_status s = tw__check_matrices(ctx, "qr", a, false);
  if (s == TW_OK && a->shape[a->ndim - 2] < a->shape[a->ndim - 1]) return tw_fail_shapes(ctx, c, "the matrix has more columns than rows");
  if (s != TW_OK) return s;
  out[0] = out[1] = (tw_meta){.dtype = (tw_dtype)a->dtype, .shape = tw_tensor_shape(a)};
  out[1].shape.d[a->ndim - 2] = a->shape[a->ndim - 1];
  return TW_OK;
}

static tw_status run_qr(tw_ctx *ctx, const tw_call *c) {
  const tw_lapack *lapack;
  tw_tensor *a = c->in[0];
  tw_dtype d = (tw_dtype)a->dtype;
  tw_matrices mat = tw__matrices(a);
  int m = (int)mat.rows, n = (int)mat.cols, info = 0, ask = -1;
  size_t item = tw_dtype_size(d), bytes = (size_t)(mat.rows * mat.cols) * item, r_bytes = (size_t)(mat.cols * mat.cols) * item;
  double answer[2] = {0, 0};
  tw_scratch scratch;
  if (a->size == 0) return TW_OK; /* M >= N: N is 0, or there is no matrix */
  tw_status s = tw__lapack(ctx, "qr", d, &lapack);
  if (s != TW_OK) return s;
  lapack->geqrf(&m, &n, NULL, &m, NULL, &answer[0], &ask, &info);
  lapack->orgqr(&m, &n, &n, NULL, &m, NULL, &answer[1], &ask, &info);
  int n_work[2] = {tw__work_size(d, &answer[0]), tw__work_size(d, &answer[1])};
  size_t work_bytes = (size_t)(n_work[0] > n_work[1] ? n_work[0] : n_work[1]) * item;
  s = tw__scratch_open(ctx, tw__aligned(bytes) + tw__aligned(r_bytes) + tw__aligned((size_t)n * item) + tw__aligned(work_bytes), &scratch);
  if (s != TW_OK) return s;
  char *packed = tw__scratch_cut(&scratch, bytes), *r = tw__scratch_cut(&scratch, r_bytes); /* (m, n), (n, n) column-major */
  void *tau = tw__scratch_cut(&scratch, (size_t)n * item), *work = tw__scratch_cut(&scratch, work_bytes);
  for (int64_t i = 0; i < mat.count; i++) {
    tw__pack(packed, a, i);
    lapack->geqrf(&m, &n, packed, &m, tau, work, &n_work[0], &info);
    memset(r, 0, r_bytes);
    for (int64_t j = 0; j < n; j++) memcpy(r + (size_t)(j * n) * item, packed + (size_t)(j * m) * item, (size_t)(j + 1) * item);
    lapack->orgqr(&m, &n, &n, packed, &m, tau, work, &n_work[1], &info);
    for (int64_t j = 0; j < n; j++) {
      if (!(tw__element(r, d, j * (n + 1)) < 0)) continue;
      tw__negate(r + (size_t)(j * (n + 1)) * item, d, n - j, n);
      tw__negate(packed + (size_t)(j * m) * item, d, m, 1);
    }
    tw__unpack(c->out[0], i, packed, m);
    tw__unpack(c->out[1], i, r, n);
  }
  tw_tensor_release(ctx, scratch.block);
  return TW_OK;
}

static tw_status refuse_deficient(tw_ctx *ctx, const tw_call *c, const tw_tensor *r) {
  for (int64_t lane = r->lanes ? tw_lane_count(r) - 1 : 0; lane > 0; lane--) {
    tw_tensor one = tw_tensor_lane(r, lane);
    tw_status s = refuse_deficient(ctx, c, &one);
    if (s != TW_OK) return s;
  }
  tw_matrices m = tw__matrices(r);
  double size = (double)c->in[0]->shape[c->in[0]->ndim - 2];
  for (int64_t i = 0; i < m.count; i++) {
    double largest = 0;
    for (int64_t j = 0; j < m.rows; j++) largest = fmax(largest, tw_tensor_get(r, i * m.rows * m.rows + j * (m.rows + 1)));
    for (int64_t j = 0; j < m.rows; j++) {
      double v = tw_tensor_get(r, i * m.rows * m.rows + j * (m.rows + 1));
      char place[64];
      if (v > tw__epsilon((tw_dtype)r->dtype) * size * largest || v != v) continue;
      return tw_fail(&ctx->error, TW_EINVAL, "qr: no derivative where columns depend on each other: %s has R[%lld %lld] = %.9g",
                     tw__which(&m, i, place, sizeof place), (long long)j + 1, (long long)j + 1, v);
    }
  }
  return TW_OK;
}

/* x R'^-1 */
static tw_tensor *over_r_transposed(tw_compose *k, tw_tensor *x, tw_tensor *r) {
  tw_triangular_attrs upper = {.upper = true};
  return tw__transposed(k, tw_do2(k, &tw_op_triangular_solve, &upper, r, tw__transposed(k, x)));
}

/* da = (dQ + Q copyltu(M)) R'^-1, M = R dR' - dQ' Q, copyltu: the lower triangle mirrored upwards (Seeger et al. 2017, "Auto-differentiating linear
 * algebra"). */
static tw_status vjp_qr(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **grad, const bool *wanted) {
  (void)wanted;
  tw_tensor *q = c->out[0], *r = c->out[1], *m = NULL;
  if (!t[0] && !t[1]) return TW_OK;
  tw_status s = refuse_deficient(ctx, c, c->out[1]);
  if (s != TW_OK) return s;
  tw_compose k = {.ctx = ctx};
  if (t[1]) m = tw__product(&k, r, tw__transposed(&k, t[1]));
  if (t[0]) {
    tw_tensor *p = tw_do1(&k, &tw_op_neg, NULL, tw__product(&k, tw__transposed(&k, t[0]), q));
    m = tw__add(&k, m, p);
  }
  tw_tensor *mirrored = tw_do2(&k, &tw_op_add, NULL, tw__part(&k, m, TW_LOWER), tw__transposed(&k, tw__part(&k, m, TW_STRICTLY_LOWER)));
  tw_tensor *g = tw__product(&k, q, mirrored);
  if (t[0]) g = tw_do2(&k, &tw_op_add, NULL, g, t[0]);
  return tw_compose_end(&k, over_r_transposed(&k, g, r), &grad[0]);
}

/* C = da R^-1, S = Q' C, W = the strictly lower triangle of S minus its transpose: dQ = C - Q S + Q W, dR = (S - W) R (Walter and Lehmann 2010). */
static tw_status jvp_qr(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **out) {
  tw_triangular_attrs lower = {.upper = true, .transpose = true};
  tw_tensor *q = c->out[0], *r = c->out[1];
  tw_status status = refuse_deficient(ctx, c, c->out[1]);
  if (status != TW_OK) return status;
  tw_compose k = {.ctx = ctx};
  tw_tensor *x = tw__transposed(&k, tw_do2(&k, &tw_op_triangular_solve, &lower, r, tw__transposed(&k, t[0])));
  tw_tensor *s = tw__product(&k, tw__transposed(&k, q), x), *below = tw__part(&k, s, TW_STRICTLY_LOWER);
  tw_tensor *upper = tw__sub(&k, s, tw__sub(&k, below, tw__transposed(&k, below)));
  tw_tensor *dq = tw__sub(&k, x, tw__product(&k, q, upper)), *dr = tw__product(&k, upper, r);
  if (dr) out[0] = tw_tensor_retain(dq);
  return tw_compose_end(&k, dr, &out[1]);
}

const tw_op tw_op_qr = {.name = "qr", .about = "Q with orthonormal columns and upper triangular R with a = Q R", .n_in = 1, .n_out = 2, .infer = infer_qr,
                        .run = run_qr, .vjp = vjp_qr, .jvp = jvp_qr};

static tw_tensor *columns(tw_compose *k, tw_tensor *a, int64_t first, int64_t count) {
  tw_slice_attrs s = {.n = a->ndim};
  for (int i = 0; i < a->ndim; i++) {
    s.step[i] = 1;
    s.size[i] = a->shape[i];
  }
  s.start[a->ndim - 1] = first;
  s.size[a->ndim - 1] = count;
  return tw_do1(k, &tw_op_slice, &s, a);
}

tw_status tw_qr(tw_ctx *ctx, tw_tensor *a, tw_tensor **result) {
  tw_status s = tw__check_matrices(ctx, "qr", a, false);
  if (s != TW_OK) return s;
  int64_t m = a->shape[a->ndim - 2], n = a->shape[a->ndim - 1];
  tw_compose k = {.ctx = ctx};
  tw_tensor *left = m < n ? columns(&k, a, 0, m) : a, *out[2];
  bool done = tw__do_all(&k, &tw_op_qr, NULL, &left, 1, out, 2);
  tw_tensor *r = out[1];
  if (done && m < n) {
    tw_tensor *rest = tw__product(&k, tw__transposed(&k, out[0]), columns(&k, a, m, n - m));
    r = tw_do2(&k, &tw_op_cat, &(tw_axis_attrs){.axis = a->ndim - 1}, r, rest);
  }
  if (k.status == TW_OK) result[0] = tw_tensor_retain(out[0]);
  return tw_compose_end(&k, r, &result[1]);
}
