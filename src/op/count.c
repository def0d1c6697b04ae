/* What a call costs, counted from its shapes: the numbers behind tw.count. In lanes a call counts once, as if it were one run's. */
#include "op/chain.h"
#include "op/nn.h"
#include "tensor/ctx.h"

/* Multiplications (each with its addition) of the operations that are sums of products. */
static int64_t multiply_adds(const tw_call *c) {
  const tw_tensor *a = c->in[0], *y = c->out[0];
  if (c->op == &tw_op_matmul || c->op == &tw_op_linear || c->op == &tw_op_chain) return y->size * a->shape[a->ndim - 1];
  if (c->op != &tw_op_conv && c->op != &tw_op_conv_back) return 0;
  const tw_tensor *images = c->op == &tw_op_conv ? y : a, *w = c->in[1]; /* [N O OH OW], [O C kh kw] */
  return w->shape[0] ? images->size * (w->size / w->shape[0]) : 0;
}

void tw__count(tw_ctx *ctx, const tw_call *c) {
  if (!ctx->counted.on || c->op->flags & TW_OP_VIEW) return;
  int64_t most = 0, products = multiply_adds(c);
  for (int i = 0; i < c->n_in; i++) most = c->in[i]->size > most ? c->in[i]->size : most;
  for (int i = 0; i < c->n_out; i++) most = c->out[i]->size > most ? c->out[i]->size : most;
  ctx->counted.operations++;
  ctx->counted.multiply_adds += products;
  if (!products) ctx->counted.elements += most;
  if (c->op == &tw_op_chain) { /* as many calls, each with as many elements as the product has */
    ctx->counted.operations += c->n_out;
    ctx->counted.elements += c->n_out * c->out[0]->size;
  }
  if (c->op != &tw_op_linear) return;
  ctx->counted.elements += c->out[0]->size; /* the bias is added to each */
  if (((const tw_linear_attrs *)c->attrs)->then == TW_IDENTITY) return;
  ctx->counted.operations++;
  ctx->counted.elements += c->out[0]->size;
}
