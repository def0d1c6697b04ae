/* Every operation by name. */
#include <string.h>

#include "op/draw.h"
#include "op/linalg.h"
#include "op/nn.h"
#include "op/op.h"
#include "op/select.h"

const tw_op *const tw_all_ops[] = {
#define UNARY(name, ...) &tw_op_##name,
#define BINARY(name, ...) &tw_op_##name,
#define COMPARE(name, ...) &tw_op_##name,
#define PREDICATE(name, ...) &tw_op_##name,
#include "op/ops.def"
  &tw_op_where, &tw_op_cast, &tw_op_alias, &tw_op_reshape, &tw_op_permute, &tw_op_expand, &tw_op_sum_to, &tw_op_slice, &tw_op_embed,
  &tw_op_sum, &tw_op_prod, &tw_op_max, &tw_op_min, &tw_op_argmax, &tw_op_argmin, &tw_op_matmul, &tw_op_linear, &tw_op_log_softmax,
  &tw_op_index_select, &tw_op_index_add, &tw_op_pick, &tw_op_unpick, &tw_op_cat,
  &tw_op_normal, &tw_op_uniform, &tw_op_exponential, &tw_op_truncated_normal, &tw_op_bernoulli, &tw_op_randint, &tw_op_permutation,
  &tw_op_choice, &tw_op_weighted_choice, &tw_op_multinomial,
  &tw_op_solve, &tw_op_lu_solve, &tw_op_det, &tw_op_slogdet, &tw_op_triangular_solve, &tw_op_cholesky,
  &tw_op_eigh, &tw_op_svd, &tw_op_qr, &tw_op_pinv, &tw_op_lstsq,
  &tw_op_unfold, &tw_op_fold, &tw_op_conv, &tw_op_conv_back, &tw_op_max_pool, &tw_op_plane_take, &tw_op_plane_add,
  &tw_op_cross_entropy, &tw_op_normalize, &tw_op_dropout_factor,
  &tw_op_argsort, &tw_op_cumsum, &tw_op_cumprod, &tw_op_recurrence, &tw_op_gather, &tw_op_scatter_add, &tw_op_diagonal, &tw_op_diagonal_embed,
  &tw_op_tril, &tw_op_triu, &tw_op_all, &tw_op_any, &tw_op_lanes_in, &tw_op_lanes_out,
  NULL,
};

const tw_op *tw_op_find(const char *name) {
  for (int i = 0; tw_all_ops[i]; i++) {
    if (strcmp(tw_all_ops[i]->name, name) == 0) return tw_all_ops[i];
  }
  return NULL;
}
