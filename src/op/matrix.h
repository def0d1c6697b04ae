/* Matrices in compositions: products, transposes, diagonals, rows and columns, as calls in a list. */
#ifndef TW_OP_MATRIX_H
#define TW_OP_MATRIX_H

#include "op/op.h"

/* x is a batch of matrices unless said otherwise. */
tw_tensor *tw__keep(tw_compose *, tw_status, tw_tensor *owned);              /* a tensor made elsewhere becomes the list's */
bool tw__do_all(tw_compose *, const tw_op *, const void *attrs, tw_tensor *const *in, int n_in, tw_tensor **out, int n_out); /* lends the outputs */
tw_tensor *tw__transposed(tw_compose *, tw_tensor *x);
tw_tensor *tw__product(tw_compose *, tw_tensor *a, tw_tensor *b);
tw_tensor *tw__add(tw_compose *, tw_tensor *a, tw_tensor *b);                /* either may be NULL: the other */
tw_tensor *tw__sub(tw_compose *, tw_tensor *a, tw_tensor *b);
tw_tensor *tw__mul(tw_compose *, tw_tensor *a, tw_tensor *b);
tw_tensor *tw__scaled(tw_compose *, tw_tensor *x, double c);
tw_tensor *tw__symmetric(tw_compose *, tw_tensor *x);                        /* (x + x') / 2 */
typedef enum { TW_LOWER, TW_STRICTLY_LOWER, TW_UPPER, TW_STRICTLY_UPPER, TW_DIAGONAL } tw_part;
tw_tensor *tw__part(tw_compose *, tw_tensor *x, tw_part);                    /* zeros elsewhere */
tw_tensor *tw__diagonal(tw_compose *, tw_tensor *x);                         /* [.. n n] -> [.. n] */
tw_tensor *tw__diagonal_matrix(tw_compose *, tw_tensor *w);                  /* [.. n] -> [.. n n] */
tw_tensor *tw__row(tw_compose *, tw_tensor *w);                              /* [.. n] -> [.. 1 n] */
tw_tensor *tw__column(tw_compose *, tw_tensor *w);                           /* [.. n] -> [.. n 1] */
tw_tensor *tw__sum_to(tw_compose *, tw_tensor *x, const tw_tensor *like);
tw_tensor *tw__identity(tw_compose *, int64_t n, const tw_tensor *like);     /* [n n], like's dtype */

#endif
