/* The adjoint of one layer up to the product of the next: matmul, the activation's derivative, the sums for a bias. */
#ifndef TW_OP_CHAIN_H
#define TW_OP_CHAIN_H

#include "op/op.h"

/* linear attrs, without the identity. The second result, sums over the rows, may be left out; y has the first one's shape and the product's hidden axes. */
extern const tw_op tw_op_chain;

#endif
