/* Eigenvalues of symmetric matrices (LAPACK syevd) and singular values (gesdd), with vectors whose signs are fixed (linalg_parts.h). Values are
 * differentiable everywhere; vectors only where no two values coincide. */
#include <math.h>
#include <string.h>

#include "op/linalg_parts.h"

static tw_status refuse_nonfinite(tw_ctx *ctx, const char *op, const tw_matrices *m, int64_t i) {
  char place[64];
  return tw_fail(&ctx->error, TW_EINVAL, "%s: %s has entries that are NaN or infinite", op, tw__which(m, i, place, sizeof place));
}

static tw_status refuse_divergence(tw_ctx *ctx, const char *op, const tw_matrices *m, int64_t i) {
  char place[64];
  return tw_fail(&ctx->error, TW_EINVAL, "%s: the iteration did not converge for %s", op, tw__which(m, i, place, sizeof place));
}

/* eigh */

static const char eigen_hint[] = "tw.linalg.eigvalsh gives the values alone, with derivatives";

static tw_status infer_eigh(tw_ctx *ctx, const tw_call *c, tw_meta *out) {
  out[1] = (tw_meta){.dtype = (tw_dtype)c->in[0]->dtype, .shape = tw_tensor_shape(c->in[0])};
  out[0] = out[1];
  out[0].shape.n--;
  return tw__check_matrices(ctx, "eigh", c->in[0], true);
}

static tw_status run_eigh(tw_ctx *ctx, const tw_call *c) {
  const tw_lapack *lapack;
  tw_tensor *a = c->in[0], *w = c->out[0];
  tw_dtype d = (tw_dtype)a->dtype;
  tw_matrices m = tw__matrices(a);
  int n = (int)m.rows, info = 0, ask = -1, n_int;
  size_t item = tw_dtype_size(d), bytes = (size_t)(m.rows * m.rows) * item;
  double answer = 0;
  tw_scratch scratch;
  if (a->size == 0) return TW_OK;
  tw_status s = tw__lapack(ctx, "eigh", d, &lapack);
  if (s != TW_OK) return s;
  lapack->syevd("V", "L", &n, NULL, &n, NULL, &answer, &ask, &n_int, &ask, &info, 1, 1);
  int n_work = tw__work_size(d, &answer);
  size_t work_bytes = (size_t)n_work * item, int_bytes = (size_t)n_int * sizeof(int);
  s = tw__scratch_open(ctx, tw__aligned(bytes) + tw__aligned((size_t)n * item) + tw__aligned(work_bytes) + tw__aligned(int_bytes), &scratch);
  if (s != TW_OK) return s;
  char *packed = tw__scratch_cut(&scratch, bytes), *values = tw__scratch_cut(&scratch, (size_t)n * item); /* (n, n) column-major; (n) */
  void *work = tw__scratch_cut(&scratch, work_bytes);
  int *ints = tw__scratch_cut(&scratch, int_bytes);
  for (int64_t i = 0; i < m.count && s == TW_OK; i++) {
    tw__pack(packed, a, i);
    if (!tw__all_finite(packed, d, n, n, true)) {
      s = refuse_nonfinite(ctx, "eigh", &m, i);
      break;
    }
    lapack->syevd("V", "L", &n, packed, &n, values, work, &n_work, ints, &n_int, &info, 1, 1);
    if (info != 0) s = refuse_divergence(ctx, "eigh", &m, i);
    for (int64_t j = 0; j < n; j++) {
      char *vector = packed + (size_t)(j * n) * item;
      if (tw__sign_is_wrong(vector, d, n, 1)) tw__negate(vector, d, n, 1);
    }
    memcpy(w->data + (size_t)(i * n) * item, values, (size_t)n * item);
    tw__unpack(c->out[1], i, packed, n);
  }
  tw_tensor_release(ctx, scratch.block);
  return s;
}

/* da = V (diag(dw) + F * (V' dV)) V', F[i j] = 1 / (w_j - w_i) off the diagonal (Giles 2008, 3.1), made symmetric. */
static tw_status vjp_eigh(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **grad, const bool *wanted) {
  (void)wanted;
  tw_tensor *w = c->out[0], *v = c->out[1], *inner = NULL;
  int64_t n = v->shape[v->ndim - 1];
  if (!t[0] && !t[1]) return TW_OK;
  if (t[1]) {
    tw_status s = tw__check_ties(ctx, "eigh", "eigenvalues", eigen_hint, w, n);
    if (s != TW_OK) return s;
  }
  tw_compose k = {.ctx = ctx};
  tw_tensor *turned = tw__transposed(&k, v), *left;
  if (t[1]) {
    inner = tw__mul(&k, tw__gaps(&k, w, n, false), tw__product(&k, turned, t[1]));
    if (t[0]) inner = tw__add(&k, inner, tw__diagonal_matrix(&k, t[0]));
    left = tw__product(&k, v, inner);
  } else {
    left = tw__mul(&k, v, tw__row(&k, t[0]));
  }
  return tw_compose_end(&k, tw__symmetric(&k, tw__product(&k, left, turned)), &grad[0]);
}

/* dw = the diagonal of V' da V, dV = V (F * (V' da V)) (Giles 2008, 3.1). */
static tw_status jvp_eigh(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **out) {
  tw_tensor *w = c->out[0], *v = c->out[1];
  int64_t n = v->shape[v->ndim - 1];
  if (((const tw_spectral_attrs *)c->attrs)->vectors) {
    tw_status s = tw__check_ties(ctx, "eigh", "eigenvalues", eigen_hint, w, n);
    if (s != TW_OK) return s;
  }
  tw_compose k = {.ctx = ctx};
  tw_tensor *m = tw__product(&k, tw__product(&k, tw__transposed(&k, v), tw__symmetric(&k, t[0])), v);
  tw_tensor *dw = tw__diagonal(&k, m), *dv = tw__product(&k, v, tw__mul(&k, tw__gaps(&k, w, n, false), m));
  if (dv) out[0] = tw_tensor_retain(dw);
  return tw_compose_end(&k, dv, &out[1]);
}

const tw_op tw_op_eigh = {.name = "eigh", .about = "eigenvalues and eigenvectors of a symmetric matrix", .n_in = 1, .n_out = 2,
                          .attrs_bytes = sizeof(tw_spectral_attrs), .infer = infer_eigh, .run = run_eigh, .vjp = vjp_eigh, .jvp = jvp_eigh};

tw_status tw_eigh(tw_ctx *ctx, tw_tensor *a, tw_tensor **result) {
  tw_spectral_attrs attrs = {.vectors = true};
  tw_compose k = {.ctx = ctx};
  tw_tensor *out[2];
  if (tw__do_all(&k, &tw_op_eigh, &attrs, &a, 1, out, 2)) result[0] = tw_tensor_retain(out[0]);
  return tw_compose_end(&k, out[1], &result[1]);
}

tw_status tw_eigvalsh(tw_ctx *ctx, tw_tensor *a, tw_tensor **w) {
  tw_spectral_attrs attrs = {.vectors = false};
  tw_compose k = {.ctx = ctx};
  tw_tensor *out[2];
  return tw_compose_end(&k, tw__do_all(&k, &tw_op_eigh, &attrs, &a, 1, out, 2) ? out[0] : NULL, w);
}

/* svd */

static const char singular_hint[] = "tw.linalg.svdvals gives the values alone, with derivatives";

static tw_status infer_svd(tw_ctx *ctx, const tw_call *c, tw_meta *out) {
  const tw_tensor *a = c->in[0];
  tw_status s = tw__check_matrices(ctx, "svd", a, false);
  if (s != TW_OK) return s;
  for (int i = 0; i < 3; i++) out[i] = (tw_meta){.dtype = (tw_dtype)a->dtype, .shape = tw_tensor_shape(a)};
  int last = a->ndim - 1;
  int64_t least = a->shape[last] < a->shape[last - 1] ? a->shape[last] : a->shape[last - 1];
  out[0].shape.d[last] = out[1].shape.d[last - 1] = out[2].shape.d[last - 1] = least;
  out[1].shape.n--;
  return TW_OK;
}

static tw_status run_svd(tw_ctx *ctx, const tw_call *c) {
  const tw_lapack *lapack;
  tw_tensor *a = c->in[0];
  tw_dtype d = (tw_dtype)a->dtype;
  tw_matrices mat = tw__matrices(a);
  int m = (int)mat.rows, n = (int)mat.cols, p = m < n ? m : n, info = 0, ask = -1;
  size_t item = tw_dtype_size(d), bytes = (size_t)(mat.rows * mat.cols) * item, u_bytes = (size_t)(mat.rows * p) * item;
  size_t v_bytes = (size_t)(mat.cols * p) * item;
  double answer = 0;
  tw_scratch scratch;
  if (a->size == 0) return TW_OK;
  tw_status s = tw__lapack(ctx, "svd", d, &lapack);
  if (s != TW_OK) return s;
  lapack->gesdd("S", &m, &n, NULL, &m, NULL, NULL, &m, NULL, &p, &answer, &ask, NULL, &info, 1);
  int n_work = tw__work_size(d, &answer);
  size_t work_bytes = (size_t)n_work * item, int_bytes = 8 * (size_t)p * sizeof(int);
  s = tw__scratch_open(ctx, tw__aligned(bytes) + tw__aligned(u_bytes) + tw__aligned(v_bytes) + tw__aligned((size_t)p * item) + tw__aligned(work_bytes)
                       + tw__aligned(int_bytes), &scratch);
  if (s != TW_OK) return s;
  void *packed = tw__scratch_cut(&scratch, bytes);                                                       /* (m, n) column-major */
  char *u = tw__scratch_cut(&scratch, u_bytes), *vt = tw__scratch_cut(&scratch, v_bytes);                /* (m, p), (p, n) column-major */
  void *values = tw__scratch_cut(&scratch, (size_t)p * item), *work = tw__scratch_cut(&scratch, work_bytes);
  int *ints = tw__scratch_cut(&scratch, int_bytes);
  for (int64_t i = 0; i < mat.count && s == TW_OK; i++) {
    tw__pack(packed, a, i);
    if (!tw__all_finite(packed, d, m, n, false)) {
      s = refuse_nonfinite(ctx, "svd", &mat, i);
      break;
    }
    lapack->gesdd("S", &m, &n, packed, &m, values, u, &m, vt, &p, work, &n_work, ints, &info, 1);
    if (info != 0) s = refuse_divergence(ctx, "svd", &mat, i);
    for (int64_t j = 0; j < p; j++) { /* the sign of a pair is fixed by its left vector */
      char *left = u + (size_t)(j * m) * item;
      if (!tw__sign_is_wrong(left, d, m, 1)) continue;
      tw__negate(left, d, m, 1);
      tw__negate(vt + (size_t)j * item, d, n, p);
    }
    tw__unpack(c->out[0], i, u, m);
    memcpy(c->out[1]->data + (size_t)(i * p) * item, values, (size_t)p * item);
    tw__unpack(c->out[2], i, vt, p);
  }
  tw_tensor_release(ctx, scratch.block);
  return s;
}

/* The vectors' derivatives divide by differences of squares, and for a matrix that is not square by the values themselves. */
static tw_status check_vectors(tw_ctx *ctx, const tw_call *c, const tw_tensor *values) {
  const tw_tensor *a = c->in[0];
  for (int64_t lane = values->lanes ? tw_lane_count(values) - 1 : 0; lane > 0; lane--) {
    tw_tensor one = tw_tensor_lane(values, lane);
    tw_status s = check_vectors(ctx, c, &one);
    if (s != TW_OK) return s;
  }
  tw_matrices m = tw__matrices(a);
  int64_t size = m.rows > m.cols ? m.rows : m.cols, p = values->shape[values->ndim - 1];
  tw_status s = tw__check_ties(ctx, "svd", "singular values", singular_hint, values, size);
  for (int64_t i = 0; i < m.count && m.rows != m.cols && p && s == TW_OK; i++) {
    double largest = tw_tensor_get(values, i * p), least = tw_tensor_get(values, i * p + p - 1);
    char place[64];
    if (least > tw__epsilon((tw_dtype)a->dtype) * (double)size * largest) continue;
    s = tw_fail(&ctx->error, TW_EINVAL, "svd: no derivative of the vectors where a matrix that is not square has singular value 0: %s has %.9g; %s",
                tw__which(&m, i, place, sizeof place), least, singular_hint);
  }
  return s;
}

static tw_tensor *skew(tw_compose *k, tw_tensor *x) { return tw__sub(k, x, tw__transposed(k, x)); }

/* What the vectors' cotangents contribute inside U (..) Vt: (F * skew(U' dU)) diag(s) + diag(s) (F * skew(V' dV)). vg = V' dV. */
static tw_status turning(tw_ctx *ctx, tw_tensor *s, int64_t size, tw_tensor *ug, tw_tensor *vg, tw_tensor **out) {
  tw_compose k = {.ctx = ctx};
  tw_tensor *f = tw__gaps(&k, s, size, true), *left = NULL, *right = NULL;
  if (ug) left = tw__mul(&k, tw__mul(&k, f, skew(&k, ug)), tw__row(&k, s));
  if (vg) right = tw__mul(&k, tw__column(&k, s), tw__mul(&k, f, skew(&k, vg)));
  return tw_compose_end(&k, tw__add(&k, left, right), out);
}

/* da = U (diag(ds) + turning) Vt + (1 - U U') dU diag(1/s) Vt + U diag(1/s) dVt (1 - V V'), F[i j] = 1 / (s_j^2 - s_i^2) off the diagonal
 * (Townsend 2016, "Differentiating the singular value decomposition"; Giles 2008, 3.2 for ds alone). */
static tw_status vjp_svd(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **grad, const bool *wanted) {
  (void)wanted;
  tw_tensor *u = c->out[0], *s = c->out[1], *vt = c->out[2], *ug = NULL, *vg = NULL, *turn = NULL;
  tw_matrices m = tw__matrices(c->in[0]);
  if (!t[0] && !t[1] && !t[2]) return TW_OK;
  tw_compose k = {.ctx = ctx};
  if (!t[0] && !t[2]) return tw_compose_end(&k, tw__product(&k, tw__mul(&k, u, tw__row(&k, t[1])), vt), &grad[0]);
  tw_status status = check_vectors(ctx, c, c->out[1]);
  if (status != TW_OK) return status;
  if (t[0]) ug = tw__product(&k, tw__transposed(&k, u), t[0]);
  if (t[2]) vg = tw__product(&k, vt, tw__transposed(&k, t[2]));
  if (k.status == TW_OK) status = turning(ctx, s, m.rows > m.cols ? m.rows : m.cols, ug, vg, &turn);
  tw_tensor *inner = tw__keep(&k, status, turn);
  if (t[1] && inner) inner = tw__add(&k, inner, tw__diagonal_matrix(&k, t[1]));
  tw_tensor *g = tw__product(&k, u, inner);
  if (t[0] && m.rows > m.cols && g) {
    tw_tensor *off = tw__sub(&k, t[0], tw__product(&k, u, ug));
    g = tw_do2(&k, &tw_op_add, NULL, g, tw_do2(&k, &tw_op_div, NULL, off, tw__row(&k, s)));
  }
  g = tw__product(&k, g, vt);
  if (t[2] && m.cols > m.rows && g) {
    tw_tensor *off = tw__sub(&k, t[2], tw__product(&k, tw__transposed(&k, vg), vt));
    g = tw_do2(&k, &tw_op_add, NULL, g, tw__product(&k, u, tw_do2(&k, &tw_op_div, NULL, off, tw__column(&k, s))));
  }
  return tw_compose_end(&k, g, &grad[0]);
}

/* P = U' da V: ds = its diagonal, dU = U (F * (P diag(s) + diag(s) P')) + (1 - U U') da V diag(1/s), dV likewise (Townsend 2016). */
static tw_status jvp_svd(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **out) {
  tw_tensor *u = c->out[0], *s = c->out[1], *vt = c->out[2];
  tw_matrices m = tw__matrices(c->in[0]);
  if (((const tw_spectral_attrs *)c->attrs)->vectors) {
    tw_status status = check_vectors(ctx, c, c->out[1]);
    if (status != TW_OK) return status;
  }
  tw_compose k = {.ctx = ctx};
  tw_tensor *f = tw__gaps(&k, s, m.rows > m.cols ? m.rows : m.cols, true), *across = tw__row(&k, s), *down = tw__column(&k, s);
  tw_tensor *ut = tw__transposed(&k, u), *ut_da = tw__product(&k, ut, t[0]), *da_v = tw__product(&k, t[0], tw__transposed(&k, vt));
  tw_tensor *p = tw__product(&k, ut, da_v), *pt = tw__transposed(&k, p), *ds = tw__diagonal(&k, p);
  tw_tensor *turn = tw__mul(&k, f, tw__add(&k, tw__mul(&k, p, across), tw__mul(&k, down, pt)));
  tw_tensor *du = tw__product(&k, u, turn);
  if (m.rows > m.cols && du) {
    tw_tensor *off = tw__sub(&k, da_v, tw__product(&k, u, p));
    du = tw_do2(&k, &tw_op_add, NULL, du, tw_do2(&k, &tw_op_div, NULL, off, across));
  }
  turn = tw__mul(&k, f, tw__add(&k, tw__mul(&k, down, p), tw__mul(&k, pt, across)));
  tw_tensor *dvt = tw__product(&k, tw__transposed(&k, turn), vt);
  if (m.cols > m.rows && dvt) {
    tw_tensor *off = tw__sub(&k, ut_da, tw__product(&k, p, vt));
    dvt = tw_do2(&k, &tw_op_add, NULL, dvt, tw_do2(&k, &tw_op_div, NULL, off, down));
  }
  if (k.status == TW_OK) {
    out[0] = tw_tensor_retain(du);
    out[1] = tw_tensor_retain(ds);
  }
  return tw_compose_end(&k, dvt, &out[2]);
}

const tw_op tw_op_svd = {.name = "svd", .about = "singular value decomposition, reduced", .n_in = 1, .n_out = 3, .attrs_bytes = sizeof(tw_spectral_attrs),
                         .infer = infer_svd, .run = run_svd, .vjp = vjp_svd, .jvp = jvp_svd};

tw_status tw_svd(tw_ctx *ctx, tw_tensor *a, tw_tensor **result) {
  tw_spectral_attrs attrs = {.vectors = true};
  tw_compose k = {.ctx = ctx};
  tw_tensor *out[3];
  if (tw__do_all(&k, &tw_op_svd, &attrs, &a, 1, out, 3)) {
    result[0] = tw_tensor_retain(out[0]);
    result[1] = tw_tensor_retain(out[1]);
  }
  return tw_compose_end(&k, out[2], &result[2]);
}

tw_status tw_svdvals(tw_ctx *ctx, tw_tensor *a, tw_tensor **s) {
  tw_spectral_attrs attrs = {.vectors = false};
  tw_compose k = {.ctx = ctx};
  tw_tensor *out[3];
  return tw_compose_end(&k, tw__do_all(&k, &tw_op_svd, &attrs, &a, 1, out, 3) ? out[1] : NULL, s);
}
