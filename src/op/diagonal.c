/* Diagonals and triangles of matrices. The diagonal is a view; its adjoint embeds in zeros. A triangle is its own adjoint. */
#include <string.h>

#include "op/lines.h"
#include "op/select.h"
#include "tensor/ctx.h"

/* diagonal: the elements (i, i + offset) of the axes a and b, as a last axis. */

static tw_status run_diagonal(tw_ctx *ctx, const tw_call *c) {
  const tw_diagonal_attrs *d = c->attrs;
  const tw_tensor *x = c->in[0];
  int64_t down = d->offset < 0 ? -d->offset : 0, right = d->offset > 0 ? d->offset : 0;
  int64_t rows = x->shape[d->a] - down, columns = x->shape[d->b] - right, n = rows < columns ? rows : columns;
  tw_shape shape = {0};
  int64_t stride[TW_MAX_DIM];
  for (int i = 0; i < x->ndim; i++) {
    if (i == d->a || i == d->b) continue;
    stride[shape.n] = x->stride[i];
    shape.d[shape.n++] = x->shape[i];
  }
  stride[shape.n] = x->stride[d->a] + x->stride[d->b];
  shape.d[shape.n++] = n > 0 ? n : 0;
  return tw_tensor_new_view(ctx, x, &shape, stride, n > 0 ? down * x->stride[d->a] + right * x->stride[d->b] : 0, &c->out[0]);
}

static tw_status vjp_diagonal(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **grad, const bool *wanted) {
  (void)wanted;
  tw_diagonal_embed_attrs back = {.shape = tw_tensor_shape(c->in[0]), .diagonal = *(const tw_diagonal_attrs *)c->attrs};
  tw_compose k = {.ctx = ctx};
  return tw_compose_end(&k, tw_do1(&k, &tw_op_diagonal_embed, &back, t[0]), &grad[0]);
}

const tw_op tw_op_diagonal = {.name = "diagonal", .about = "the diagonal of two axes, as the last axis", .n_in = 1, .n_out = 1,
                              .flags = TW_OP_STEADY | TW_OP_VIEW | TW_OP_LINEAR, .attrs_bytes = sizeof(tw_diagonal_attrs),
                              .run = run_diagonal, .vjp = vjp_diagonal};

/* diagonal_embed: zeros with the input on that diagonal. */

static tw_status infer_diagonal_embed(tw_ctx *ctx, const tw_call *c, tw_meta *out) {
  (void)ctx;
  out[0] = (tw_meta){.dtype = (tw_dtype)c->in[0]->dtype, .shape = ((const tw_diagonal_embed_attrs *)c->attrs)->shape};
  return TW_OK;
}

static tw_status run_diagonal_embed(tw_ctx *ctx, const tw_call *c) {
  tw_tensor *y = c->out[0], *view[1] = {NULL};
  tw__zero(y);
  tw_call part = {.op = &tw_op_diagonal, .attrs = &((const tw_diagonal_embed_attrs *)c->attrs)->diagonal, .in = &y, .out = view, .n_in = 1, .n_out = 1};
  tw_status s = run_diagonal(ctx, &part);
  if (s != TW_OK) return s;
  tw__copy_into(view[0], c->in[0]);
  tw_tensor_release(ctx, view[0]);
  return TW_OK;
}

static tw_status vjp_diagonal_embed(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **grad, const bool *wanted) {
  (void)wanted;
  tw_compose k = {.ctx = ctx};
  return tw_compose_end(&k, tw_do1(&k, &tw_op_diagonal, &((const tw_diagonal_embed_attrs *)c->attrs)->diagonal, t[0]), &grad[0]);
}

const tw_op tw_op_diagonal_embed = {.name = "diagonal_embed", .about = "zeros with the input on a diagonal", .n_in = 1, .n_out = 1,
                                    .flags = TW_OP_STEADY | TW_OP_LINEAR | TW_OP_STRIDED,
                                    .attrs_bytes = sizeof(tw_diagonal_embed_attrs), .infer = infer_diagonal_embed, .run = run_diagonal_embed,
                                    .vjp = vjp_diagonal_embed};

/* diag: a vector to a matrix with that diagonal, a matrix to its diagonal. */
tw_status tw_diag(tw_ctx *ctx, tw_tensor *x, int64_t offset, tw_tensor **out) {
  tw_compose k = {.ctx = ctx};
  tw_diagonal_attrs d = {.a = 0, .b = 1, .offset = offset};
  if (x->ndim == 2) return tw_compose_end(&k, tw_do1(&k, &tw_op_diagonal, &d, x), out);
  if (x->ndim != 1) {
    char text[128];
    return tw_fail(&ctx->error, TW_EINVAL, "diag: a vector or a matrix is needed, got %s", tw_tensor_describe(x, text, sizeof text));
  }
  int64_t n = x->size + (offset < 0 ? -offset : offset);
  tw_diagonal_embed_attrs embed = {.shape = {.n = 2, .d = {n, n}}, .diagonal = d};
  return tw_compose_end(&k, tw_do1(&k, &tw_op_diagonal_embed, &embed, x), out);
}

/* tril, triu: on the last two axes, zero above (below) the k-th diagonal. */

static tw_status infer_triangle(tw_ctx *ctx, const tw_call *c, tw_meta *out) {
  out[0] = (tw_meta){.dtype = (tw_dtype)c->in[0]->dtype, .shape = tw_tensor_shape(c->in[0])};
  return c->in[0]->ndim >= 2 ? TW_OK : tw_fail_shapes(ctx, c, "a matrix is needed");
}

static int64_t within(int64_t v, int64_t n) { return v < 0 ? 0 : v > n ? n : v; }

static tw_status run_triangle(tw_ctx *ctx, const tw_call *c) {
  (void)ctx;
  tw_tensor *y = c->out[0], *operands[2] = {y, c->in[0]};
  size_t item = tw_dtype_size((tw_dtype)y->dtype);
  bool lower = c->op == &tw_op_tril;
  int64_t rows = y->shape[y->ndim - 2], columns = y->shape[y->ndim - 1], k = ((const tw_triangle_attrs *)c->attrs)->k;
  k = k < -rows ? -rows : k > columns ? columns : k;
  memset(y->data, 0, (size_t)y->size * item);
  if (y->size == 0) return TW_OK;
  tw_lines l;
  tw_lines_init(&l, y->ndim - 1, 2, operands);
  do {
    int64_t i = l.at[y->ndim - 2];
    int64_t first = lower ? 0 : within(i + k, columns), end = lower ? within(i + k + 1, columns) : columns;
    for (int64_t j = first; j < end; j++) memcpy(l.p[0] + j * l.step[0], l.p[1] + j * l.step[1], item);
  } while (tw_lines_next(&l));
  return TW_OK;
}

static tw_status vjp_triangle(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **grad, const bool *wanted) {
  (void)wanted;
  tw_compose k = {.ctx = ctx};
  return tw_compose_end(&k, tw_do1(&k, c->op, c->attrs, t[0]), &grad[0]);
}

#define TRIANGLE(id, text) \
  const tw_op tw_op_##id = {.name = #id, .about = text, .n_in = 1, .n_out = 1, \
                            .flags = TW_OP_STEADY | TW_OP_LINEAR, .attrs_bytes = sizeof(tw_triangle_attrs), .infer = infer_triangle, \
                            .run = run_triangle, .vjp = vjp_triangle};
TRIANGLE(tril, "the lower triangle, zeros above the k-th diagonal")
TRIANGLE(triu, "the upper triangle, zeros below the k-th diagonal")
