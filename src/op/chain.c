/* What a replay makes of calls that come one after the other (grad/replay_note.c): the bits are those of the calls, the memory in between stays near. */
#include "op/chain.h"

#include "op/product.h"

static tw_status run_chain(tw_ctx *ctx, const tw_call *c) {
  const tw_op *activation = tw_activation_op(((const tw_linear_attrs *)c->attrs)->then);
  tw_after after = {.then = activation->row->derivative[0], .with = c->in[2], .sums = c->n_out > 1 ? c->out[1] : NULL};
  return tw__run_product(ctx, c->in[0], c->in[1], NULL, &after, c->out[0]);
}

const tw_op tw_op_chain = {.name = "chain", .about = "(t, b, y) -> t b times an activation's derivative where its result is y, and the sums of its columns",
                           .n_in = 3, .n_out = 2, .flags = TW_OP_NO_GRAD | TW_OP_STRIDED, .attrs_bytes = sizeof(tw_linear_attrs), .run = run_chain};
