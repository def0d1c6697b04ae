/* A replay's inside, shared by its two halves: noting what an evaluation does (replay_note.c), and following it (replay.c). */
#ifndef TW_GRAD_REPLAY_H
#define TW_GRAD_REPLAY_H

#include "grad/tape.h"

typedef enum { LEAF, OUTSIDE, MADE, CONSTANT } tw_replay_origin;

typedef struct {
  tw_tensor *tensor;    /* a reference; NULL where it is still to be made, and between evaluations where it comes from elsewhere */
  tw_replay_origin from;
  int base;             /* MADE: the first value with the same storage */
  int sharers;          /* of a base: the values with its storage */
  bool busy;            /* of a base: somebody else holds what shares its memory */
  bool gradient;        /* handed out by the backward pass */
  uint32_t version;     /* of its storage when it was used, or written */
  uint32_t levels;
  const tw_tensor *last; /* the tensor that was found like it, while its serial is the same */
  const char *shown;    /* of a view: where its input lay; OUTSIDE: where it lay itself */
  uint64_t serial;
  tw_tensor like;       /* what it was when noted: dtype, shape, strides, lanes */
} tw_replay_value;

typedef struct {
  const tw_op *op;
  size_t attrs, ids;    /* offsets; ids: n_in inputs, then n_out results */
  size_t iter;          /* of an elementwise call: offset + 1 of its iterator; 0: none */
  tw_loop loop;
  uint8_t n_in, n_out;
  bool view, copies;    /* view: shares the input's storage; copies: it may, and does not */
  bool looks;           /* the shape rule looks at values of its integer inputs */
} tw_replay_call;

/* A result of the backward pass that is another value over again. */
typedef struct {
  tw_tensor *tensor;
  int id;
} tw_replay_twin;

typedef enum { EMPTY, NOTING, READY, FOLLOWING, MISSED, OFF } tw_replay_state;

struct tw_replay {
  tw_replay_state state;
  tw_replay_value *values;
  tw_replay_call *calls;
  tw_replay_twin *twins;
  int *ids, *grads;
  char *attrs, *iters;
  size_t n_values, cap_values, n_calls, cap_calls, n_twins, cap_twins, n_ids, cap_ids, n_attrs, cap_attrs, n_iters, cap_iters;
  size_t n_forward, next; /* calls of the evaluation, the backward pass behind them; the call expected */
  int n_leaves, loss, credit;
  uint64_t lane_changes;
  int64_t bytes, replayed;
  bool backward, seen;
  bool parted;            /* what others hold has been let go, and no evaluation has begun since */
  bool begun;             /* the evaluation that ends next is its own: others, inside another differentiation say, are none of its business */
  tw_replay *other;       /* of evaluations that begin with another call: an epoch's last batch is shorter; NULL where there has been none */
};

void tw__replay_clear(tw_ctx *, tw_replay *, tw_replay_state to);
void tw__replay_give_up(tw_ctx *, tw_replay *);                    /* for good */
bool tw__replay_alike(const tw_tensor *a, const tw_tensor *b);    /* dtype, shape, strides and lanes */
bool tw__replay_is_recorded(const tw_ctx *, const tw_call *);     /* does a tape take it down? */
void tw__replay_note_from(tw_ctx *, tw_replay *, int n, tw_tensor *const *leaves); /* an evaluation begins that is noted */

#endif
