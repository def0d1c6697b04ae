/* The context's inside, shared by the engine's layers: free storage and tensors, the levels being recorded, the last error. */
#ifndef TW_TENSOR_CTX_H
#define TW_TENSOR_CTX_H

#include "tensor/tensor.h"

struct tw_call;
enum { TW_N_CLASSES = 256, TW_MAX_LEVELS = 30, TW_SLAB_TENSORS = 64 };

typedef struct tw_slab {
  struct tw_slab *next;
  tw_tensor tensors[TW_SLAB_TENSORS];
} tw_slab;

struct tw_ctx {
  tw_error error;
  struct tw_block *free_blocks[TW_N_CLASSES];
  size_t cached_bytes;
  tw_tensor *free_tensors;
  tw_slab *slabs;
  uint64_t next_serial;
  int64_t live_tensors, live_bytes, peak_bytes;
  uint32_t active;                                                                /* bit per level whose tape is recording */
  tw_status (*record)(tw_ctx *, const struct tw_call *, uint32_t levels);         /* set by grad: the tape's interpreter */
  struct tw_tape *tape;
  bool (*follow)(tw_ctx *, const struct tw_call *, tw_status *);                  /* set by a replay: true when it has made the call, or failed */
  void (*note)(tw_ctx *, const struct tw_call *, bool made);                      /* set while a replay is prepared: told of every call that has been made */
  tw_dtype default_dtype;                                                                          /* of reals made from numbers and integers */
  int64_t laned_bytes, laned_peak;                                                /* in storage with lanes, apart from scalars; the most since the opening */
  uint64_t lane_changes;                                                          /* counts what gives tensors other strides along hidden axis 0 */
  uint8_t lanes;                                                                  /* bit per hidden axis that is open: 0 for runs; 1, 2, ... */
  uint8_t lanes_taken;                                                            /* closed, but tensors of a backward pass under way still differ along it */
  int64_t lane_size[TW_MAX_LANES];
  int64_t *lane_origin;                                                           /* of each lane of axis 0: which it was when the axis was opened */
  int lanes_held;                                                                 /* what is under way counts lanes: none may be dropped meanwhile */
  uint64_t lane_serial[TW_MAX_LANES];                                             /* the first serial after its opening */
  struct {
    bool on;
    int64_t operations, elements, multiply_adds;
  } counted;                                                                      /* since it was turned on, which it stays: op/count.c */
  bool sealed;                                                                    /* inside a run: outside storage is read-only */
};

/* Every storage made so far becomes read-only until unsealed: what a run does leaves nothing behind for the next one. */
void tw_ctx_seal(tw_ctx *, bool on);

/* For the files of this layer. */
TW_CHECKED tw_status tw__storage_new(tw_ctx *, size_t bytes, tw_storage **out);
void tw__storage_release(tw_ctx *, tw_storage *);

#endif
