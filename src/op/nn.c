/* Dropout and embedding. */
#include "base/rng.h"
#include "op/draw.h"
#include "op/nn.h"
#include "tensor/ctx.h"

/* dropout_factor: element i is the factor where u_i >= p, else 0; u_i is what tw_op_uniform would draw there. */

static tw_status infer_factor(tw_ctx *ctx, const tw_call *c, tw_meta *out) {
  const tw_dropout_attrs *a = c->attrs;
  return tw__draw_infer(ctx, c, a->dtype, &a->shape, out);
}

static tw_status run_factor(tw_ctx *ctx, const tw_call *c) {
  (void)ctx;
  enum { CHUNK = 256 };
  const tw_dropout_attrs *a = c->attrs;
  tw_tensor *y = c->out[0];
  tw_generator g = tw__draw_begin(c);
  uint64_t bits[CHUNK];
  for (int64_t i = 0; i < y->size; i += CHUNK) {
    int64_t n = y->size - i < CHUNK ? y->size - i : CHUNK;
    tw_rng_blocks(g.key, g.counter + (uint64_t)i, n, bits, NULL);
    for (int64_t j = 0; j < n; j++) {
      double factor = tw_rng_unit(bits[j]) >= a->p ? a->factor : 0;
      if (y->dtype == TW_F64) ((double *)(void *)y->data)[i + j] = factor;
      else ((float *)(void *)y->data)[i + j] = (float)factor;
    }
  }
  tw__draw_end(c, g, y->size);
  return TW_OK;
}

const tw_op tw_op_dropout_factor = {.name = "dropout_factor", .about = "a factor with probability 1 - p, else 0", .n_in = 1, .n_out = 2,
                                    .flags = TW_OP_NO_GRAD | TW_OP_ALIAS, .attrs_bytes = sizeof(tw_dropout_attrs), .infer = infer_factor, .run = run_factor};

/* Each element is 0 with probability p, else x / (1 - p): the expectation stays. Srivastava et al. 2014. */
tw_status tw_dropout(tw_ctx *ctx, tw_tensor *x, double p, tw_tensor *generator, tw_tensor **out) {
  char shape[128];
  if (!tw_is_real((tw_dtype)x->dtype)) {
    return tw_fail(&ctx->error, TW_EINVAL, "dropout: needs a real tensor: x is %s", tw_tensor_describe(x, shape, sizeof shape));
  }
  if (!(p >= 0 && p <= 1)) return tw_fail(&ctx->error, TW_EINVAL, "dropout: the probability must be in 0..1: p is %g", p);
  tw_dropout_attrs a = {.shape = tw_tensor_shape(x), .dtype = (tw_dtype)x->dtype, .p = p, .factor = p < 1 ? 1 / (1 - p) : 0};
  tw_tensor *factor;
  tw_status s = tw_draw(ctx, &tw_op_dropout_factor, &a, generator, NULL, &factor);
  if (s != TW_OK) return s;
  tw_compose k = {.ctx = ctx};
  s = tw_compose_end(&k, tw_do2(&k, &tw_op_mul, NULL, x, factor), out);
  tw_tensor_release(ctx, factor);
  return s;
}

/* Row index[..] of w [V ...], for each index: [...] -> [... of index, ... of a row]. */
tw_status tw_embedding(tw_ctx *ctx, tw_tensor *index, tw_tensor *w, tw_tensor **out) {
  char p[128], q[128];
  if (index->dtype != TW_I64 || w->ndim < 1 || index->ndim + w->ndim - 1 > TW_MAX_DIM) {
    return tw_fail(&ctx->error, TW_EINVAL, "embedding: needs i64 indices and rows w [V ...], at most %d axes together: the index is %s, w is %s", TW_MAX_DIM,
                   tw_tensor_describe(index, p, sizeof p), tw_tensor_describe(w, q, sizeof q));
  }
  tw_shape_attrs flat = {.shape = {.n = 1, .d = {index->size}}}, whole = {.shape = tw_tensor_shape(index)};
  for (int i = 1; i < w->ndim; i++) whole.shape.d[whole.shape.n++] = w->shape[i];
  tw_axis_attrs rows = {.axis = 0};
  tw_compose k = {.ctx = ctx};
  tw_tensor *y = tw_do2(&k, &tw_op_index_select, &rows, w, tw_do1(&k, &tw_op_reshape, &flat, index));
  return tw_compose_end(&k, tw_do1(&k, &tw_op_reshape, &whole, y), out);
}
