/* The matrix product as an operation, batched over leading axes that broadcast. */
#include <string.h>

#include "op/gemm.h"
#include "op/op.h"
#include "tensor/ctx.h"

static tw_status refuse(tw_ctx *ctx, const tw_call *c, const char *what, const char *hint) {
  char a[128], b[128];
  tw_tensor_describe(c->in[0], a, sizeof a);
  tw_tensor_describe(c->in[1], b, sizeof b);
  return tw_fail(&ctx->error, TW_EINVAL, "matmul: %s: a is %s, b is %s%s", what, a, b, hint);
}

static tw_status infer_matmul(tw_ctx *ctx, const tw_call *c, tw_meta *out) {
  const tw_tensor *a = c->in[0], *b = c->in[1];
  if (a->ndim < 2 || b->ndim < 2) return refuse(ctx, c, "a matrix is needed on both sides", "");
  if (a->dtype != b->dtype || !tw_is_real((tw_dtype)a->dtype)) {
    return refuse(ctx, c, "the operands must be real and of one dtype", "; convert one with :to()");
  }
  int64_t M = a->shape[a->ndim - 2], K = a->shape[a->ndim - 1], N = b->shape[b->ndim - 1];
  if (b->shape[b->ndim - 2] != K) return refuse(ctx, c, "inner sizes differ", N == K ? "; did you mean b:t()?" : "");
  tw_shape p = tw_tensor_shape(a), q = tw_tensor_shape(b);
  p.n -= 2;
  q.n -= 2;
  if (!tw_shape_broadcast(&p, &q, &out[0].shape)) return refuse(ctx, c, "the leading axes do not broadcast", "");
  out[0].dtype = (tw_dtype)a->dtype;
  out[0].shape.d[out[0].shape.n++] = M;
  out[0].shape.d[out[0].shape.n++] = N;
  return TW_OK;
}

/* The address of matrix number `batch` of y's leading axes inside x. */
static const char *matrix(const tw_tensor *x, const tw_tensor *y, int64_t batch) {
  int64_t at = 0;
  for (int i = y->ndim - 3; i >= 0; i--) {
    int own = i - (y->ndim - x->ndim);
    if (own >= 0 && x->shape[own] != 1) at += batch % y->shape[i] * x->stride[own];
    batch /= y->shape[i];
  }
  return x->data + at * (int64_t)tw_dtype_size((tw_dtype)x->dtype);
}

static tw_status run_matmul(tw_ctx *ctx, const tw_call *c) {
  const tw_tensor *a = c->in[0], *b = c->in[1], *y = c->out[0];
  int64_t M = a->shape[a->ndim - 2], K = a->shape[a->ndim - 1], N = b->shape[b->ndim - 1];
  int64_t a_row = a->stride[a->ndim - 2], a_col = a->stride[a->ndim - 1], b_row = b->stride[b->ndim - 2], b_col = b->stride[b->ndim - 1];
  if (y->size == 0) return TW_OK;
  tw_tensor *scratch;
  tw_shape bytes = {.n = 1, .d = {tw_gemm_scratch(K)}};
  tw_status s = tw_tensor_new(ctx, TW_BOOL, &bytes, &scratch);
  if (s != TW_OK) return s;
  int64_t count = y->size / (M * N);
  for (int64_t i = 0; i < count; i++) {
    const char *p = matrix(a, y, i), *q = matrix(b, y, i);
    char *r = y->data + i * M * N * (int64_t)tw_dtype_size((tw_dtype)y->dtype);
    if (y->dtype == TW_F64) {
      tw_gemm_f64(M, N, K, (const double *)(const void *)p, a_row, a_col, (const double *)(const void *)q, b_row, b_col, (double *)(void *)r, N, scratch->data);
    } else {
      tw_gemm_f32(M, N, K, (const float *)(const void *)p, a_row, a_col, (const float *)(const void *)q, b_row, b_col, (float *)(void *)r, N, scratch->data);
    }
  }
  tw_tensor_release(ctx, scratch);
  return TW_OK;
}

static tw_tensor *transposed(tw_compose *k, tw_tensor *x) {
  tw_permute_attrs a = {.n = x->ndim};
  for (int i = 0; i < x->ndim; i++) a.axis[i] = i;
  a.axis[x->ndim - 1] = x->ndim - 2;
  a.axis[x->ndim - 2] = x->ndim - 1;
  return tw_do1(k, &tw_op_permute, &a, x);
}

/* y = a b: da = t b', db = a' t, summed over the leading axes that were broadcast. */
static tw_status vjp_matmul(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **grad, const bool *wanted) {
  for (int i = 0; i < 2; i++) {
    if (!wanted[i]) continue;
    tw_compose k = {.ctx = ctx};
    tw_tensor *other = transposed(&k, c->in[1 - i]);
    tw_tensor *g = i == 0 ? tw_do2(&k, &tw_op_matmul, NULL, t[0], other) : tw_do2(&k, &tw_op_matmul, NULL, other, t[0]);
    tw_shape_attrs own = {.shape = tw_tensor_shape(c->in[i])};
    if (g) {
      tw_shape whole = tw_tensor_shape(g);
      if (!tw_shape_equal(&own.shape, &whole)) g = tw_do1(&k, &tw_op_sum_to, &own, g);
    }
    tw_status s = tw_compose_end(&k, g, &grad[i]);
    if (s != TW_OK) return s;
  }
  return TW_OK;
}

static tw_status jvp_matmul(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **out) {
  tw_compose k = {.ctx = ctx};
  tw_tensor *left = t[0] ? tw_do2(&k, &tw_op_matmul, NULL, t[0], c->in[1]) : NULL;
  tw_tensor *right = t[1] ? tw_do2(&k, &tw_op_matmul, NULL, c->in[0], t[1]) : NULL;
  return tw_compose_end(&k, left && right ? tw_do2(&k, &tw_op_add, NULL, left, right) : left ? left : right, &out[0]);
}

const tw_op tw_op_matmul = {.name = "matmul", .about = "the matrix product; leading axes broadcast", .n_in = 2, .n_out = 1, .infer = infer_matmul,
                            .run = run_matmul, .vjp = vjp_matmul, .jvp = jvp_matmul};
