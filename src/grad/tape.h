/* The tape's inside, shared by reverse and forward mode. */
#ifndef TW_GRAD_TAPE_H
#define TW_GRAD_TAPE_H

#include "grad/grad.h"
#include "op/op.h"
#include "tensor/ctx.h"

typedef struct {
  const tw_op *op;       /* NULL: a leaf */
  uint32_t levels;       /* which levels need this entry */
  uint8_t n_in, n_out;
  size_t refs;           /* index into tape->refs: n_in inputs, then n_out outputs */
  size_t attrs;          /* offset into tape->attrs */
} tw_entry;

typedef struct {
  tw_tensor *tensor;
  uint32_t version;
} tw_ref;

/* A value that carries a tangent. Not kept alive: the serial tells whether it still lives. */
typedef struct {
  tw_tensor *tensor;
  uint64_t serial;
} tw_moving;

typedef struct {
  size_t first_entry;
  uint32_t first_slot;
  size_t first_moving;
  uint8_t lanes;         /* hidden axes open when the level was opened: its derivatives are taken in each of their lanes by itself */
} tw_level_start;

typedef struct tw_tape {
  tw_entry *entries;
  tw_ref *refs;
  char *attrs;
  tw_moving *moving;
  size_t n_entries, cap_entries, n_refs, cap_refs, n_attrs, cap_attrs, n_moving, cap_moving;
  uint32_t slots;        /* numbers given out so far; 0 means none */
  uint32_t forward;      /* bit per open level in forward mode */
  uint8_t lanes;         /* hidden axes along which some recorded value differs */
  tw_replay *replay;     /* of the evaluation under way; NULL: none */
  int depth;
  tw_level_start start[TW_MAX_LEVELS];
} tw_tape;

tw_status tw__tape_out_of_memory(tw_ctx *);
TW_CHECKED tw_status tw__hand_out(tw_ctx *, tw_tensor **); /* replaces a reference by one to a tensor of its own memory */

/* A call of the past on the tape; versions: of the storage of its inputs, then of its results, at that time. */
TW_CHECKED tw_status tw__record_past(tw_ctx *, const tw_call *, uint32_t levels, const uint32_t *versions);
TW_CHECKED tw_status tw__zeros_like(tw_ctx *, const tw_tensor *, tw_tensor **out);

/* Replay, as the tape calls it while there is one. backward: true when it has taken place, or failed. */
bool tw__replay_backward(tw_ctx *, const tw_tensor *loss, int n, tw_tensor *const *leaves, tw_tensor **grads, tw_status *);
void tw__replay_note_backward(tw_ctx *);
void tw__replay_noted(tw_ctx *, const tw_tensor *loss, int n, tw_tensor *const *leaves, tw_tensor *const *grads);
int64_t tw__replay_holds(const tw_ctx *, const tw_tensor *, int64_t *sharers); /* references to it; other tensors of its storage that nobody else holds */
TW_CHECKED tw_status tw__replay_interrupt(tw_ctx *);                            /* a level is opened inside: no replay of this one */
void tw__replay_close(tw_ctx *);

/* The part of recording that computes tangents: outermost level first, because inner tangents move along outer ones. */
TW_CHECKED tw_status tw__record_forward(tw_ctx *, const tw_call *, uint32_t levels);
void tw__close_forward(tw_ctx *, int level);

#endif
