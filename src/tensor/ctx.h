/* The context's inside, shared by the engine's layers: free storage and tensors, the levels being recorded, the last error. */
#ifndef TW_TENSOR_CTX_H
#define TW_TENSOR_CTX_H

#include "tensor/tensor.h"

struct tw_call;
enum { TW_N_CLASSES = 256, TW_MAX_LEVELS = 30 };

struct tw_ctx {
  tw_error error;
  struct tw_block *free_blocks[TW_N_CLASSES];
  size_t cached_bytes;
  tw_tensor *free_tensors;
  struct tw_slab *slabs;
  uint64_t next_serial;
  int64_t live_tensors, live_bytes, peak_bytes;
  uint32_t active;                                                                /* bit per level whose tape is recording */
  tw_status (*record)(tw_ctx *, const struct tw_call *, uint32_t levels);         /* set by grad: the tape's interpreter */
  struct tw_tape *tape;
  tw_dtype default_dtype;                                                                          /* of reals made from numbers and integers */
  struct {
    int64_t operations, elements, multiply_adds;
  } counted;                                                                      /* since the beginning: op/count.c */
  bool sealed;                                                                    /* inside a run: outside storage is read-only */
};

/* Every storage made so far becomes read-only until unsealed: what a run does leaves nothing behind for the next one. */
void tw_ctx_seal(tw_ctx *, bool on);

#endif
