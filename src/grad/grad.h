/* Reverse and forward mode. A level is one differentiation in progress; levels of both kinds nest, and one tape serves them all: what a level computes
 * (a backward pass, a tangent) is itself recorded for the levels around it, so derivatives of any order are exact. */
#ifndef TW_GRAD_GRAD_H
#define TW_GRAD_GRAD_H

#include "tensor/tensor.h"

/* Opens a level; *level names it. */
TW_CHECKED tw_status tw_grad_open(tw_ctx *, int *level);

/* A fresh tensor with x's values on which this level differentiates. x's own storage is off limits until the level closes. */
TW_CHECKED tw_status tw_grad_leaf(tw_ctx *, int level, tw_tensor *x, tw_tensor **leaf);

/* Gradients of the sum over k of <cotangent[k], y[k]> with respect to the leaves. cotangent[k] has y[k]'s shape and dtype; NULL where y[k] is 0-d: 1.
 * grads[i] is new; zeros where nothing depends on leaf i. The level stops recording; more backward passes may follow. */
TW_CHECKED tw_status tw_grad_backward(tw_ctx *, int level, int n_out, tw_tensor *const *y, tw_tensor *const *cotangent, int n, tw_tensor *const *leaves,
                                      tw_tensor **grads);

/* The same where `kept` names a hidden axis opened since the level was (a bit each): its lanes are passes of their own, as for the rows of a Jacobian, and
 * gradients differ along it. Other axes opened inside the level are summed over where a value is the same in all their lanes. */
TW_CHECKED tw_status tw_grad_backward_lanes(tw_ctx *, int level, int n_out, tw_tensor *const *y, tw_tensor *const *cotangent, int n, tw_tensor *const *leaves,
                                            tw_tensor **grads, uint8_t kept);

/* The hidden axes of tw.vmap that a backward pass would meet: an axis opened for it must be another. */
uint8_t tw_grad_lanes(const tw_ctx *);

/* Forward mode: a level whose values carry tangents. Nothing is stored beyond the life of the values themselves. */
TW_CHECKED tw_status tw_grad_open_forward(tw_ctx *, int *level);
TW_CHECKED tw_status tw_grad_dual(tw_ctx *, int level, tw_tensor *x, tw_tensor *tangent, tw_tensor **leaf); /* x, moving along tangent (its shape and dtype) */
TW_CHECKED tw_status tw_grad_tangent(tw_ctx *, int level, tw_tensor *y, tw_tensor **tangent);              /* new; zeros where y does not move */

/* Closes the level and any still open inside it; forgets what no outer level needs. */
void tw_grad_close(tw_ctx *, int level);

/* Replay: evaluations of one function that make the same calls each time are worked out once (replay.c). Begun when a level has been opened and its leaves
 * made, it ends with the level; rest: what the evaluation made has been given back, but for what somebody keeps. Results are the same bits, with or without. */
typedef struct tw_replay tw_replay;
tw_replay *tw_replay_new(void); /* NULL when out of memory */
void tw_replay_free(tw_ctx *, tw_replay *);
void tw_replay_rest(tw_ctx *, tw_replay *);
int64_t tw_replay_count(const tw_replay *); /* evaluations that were replayed, backward pass and all */
void tw_replay_begin(tw_ctx *, tw_replay *, int level, int n, tw_tensor *const *leaves);

/* The same values as a constant: shares storage, is never differentiated. */
TW_CHECKED tw_status tw_grad_stop(tw_ctx *, tw_tensor *x, tw_tensor **out);

/* Frees the tape; called before tw_ctx_free. */
void tw_grad_shutdown(tw_ctx *);

#endif
