/* Optimizers. A kind is a spec table, named state slots and a step; an instance holds parameters, slots and the step counter. */
#ifndef TW_OPTIM_OPTIM_H
#define TW_OPTIM_OPTIM_H

#include "base/spec.h"
#include "tensor/tensor.h"

enum { TW_MAX_SLOTS = 4, TW_MAX_HYPERS = 16 };

/* What one parameter tensor needs to take a step. All tensors have its shape and dtype, the hyperparameters are 0-d. */
typedef struct {
  tw_tensor *p, *g;
  tw_tensor *const *slot;       /* in the order of kind->slots */
  tw_tensor *const *hyper;      /* in the order of kind->options; NULL for flags and choices */
  const double *fixed;          /* flags and choices as numbers, in the same order */
  int64_t t;                    /* 1 in the first step */
} tw_optim_leaf;

typedef struct {
  const char *name, *about, *source;
  const tw_option *options;
  const char *slots[TW_MAX_SLOTS + 1]; /* ends with NULL */
  tw_status (*step)(tw_ctx *, const tw_optim_leaf *);
} tw_optim_kind;

extern const tw_optim_kind *const tw_all_optims[]; /* ends with NULL */
const tw_optim_kind *tw_optim_find(const char *name);

typedef struct tw_optim tw_optim;

/* Retains the parameters; slots start at zero. */
TW_CHECKED tw_status tw_optim_new(tw_ctx *, const tw_optim_kind *, int n, tw_tensor *const *params, tw_optim **out);
void tw_optim_free(tw_ctx *, tw_optim *);

/* One step with the hyperparameters in force (one value per option). grads[i] has the shape and dtype of parameter i. */
TW_CHECKED tw_status tw_optim_step(tw_ctx *, tw_optim *, tw_tensor *const *grads, const double *values);

int64_t tw_optim_steps(const tw_optim *);
void tw_optim_set_steps(tw_optim *, int64_t);
tw_tensor *tw_optim_slot(const tw_optim *, int slot, int leaf); /* lent */

/* The 2-norm over all of the tensors together, as a number. */
TW_CHECKED tw_status tw_optim_global_norm(tw_ctx *, int n, tw_tensor *const *tensors, double *out);

#endif
