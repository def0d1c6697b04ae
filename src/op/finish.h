/* What follows a product while its result is in the nearest cache. */
#ifndef TW_OP_FINISH_H
#define TW_OP_FINISH_H

#include "op/op.h"

/* In place: c, rows lying together, becomes then(c) or, with `with`, then(c, with, with), elementwise; sums [columns]: of what is there then. then, with, sums
 * may be NULL. */
void tw_finish_matrix(tw_dtype, const tw_op *then, void *c, void *with, void *sums, int64_t rows, int64_t columns);

#endif
