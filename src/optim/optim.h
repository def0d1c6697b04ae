/* Optimizers. A kind is a spec table, named state and one way of taking a step; an instance holds parameters, state and the hyperparameters in force.
 * What surrounds every step (groups, clipping, accumulation, averages, projections: around.c) is the same for all kinds.
 *
 * A hyperparameter is one number per lane: runs computed together may differ in it. Scalars are therefore computed on the host as arrays of `lanes`
 * doubles and enter tensor arithmetic as 0-d tensors; no kind branches on one except to choose what each lane does. */
#ifndef TW_OPTIM_OPTIM_H
#define TW_OPTIM_OPTIM_H

#include "base/spec.h"
#include "tensor/tensor.h"

enum { TW_MAX_SLOTS = 4, TW_MAX_STATE = 8, TW_MAX_SCALARS = 14 };

typedef struct tw_optim tw_optim;

/* The hyperparameters of one group: v[option][lane] in the order of kind->options, and the count of updates, 1 in the first step, by lane. */
typedef struct {
  int lanes;
  const int64_t *t;
  double *const *v;
  const bool *constant; /* by option: a plain number, the same in every lane and step; only what is constant may decide between rules */
  double *const *number; /* number[i][lane]: the group's numbers, in the order of kind->group_numbers */
} tw_hypers;

/* One elementwise update of (p, slots) by g, fused: rule.h makes it from a formula. */
typedef struct tw_rule {
  const struct tw_op *op;
  int n_scalars;
  void (*scalars)(const tw_hypers *, double *const *s); /* s[scalar][lane] */
  int (*variant)(const tw_hypers *);                    /* from flags and choices; NULL: 0 */
  int64_t steady;                                       /* from this t on the scalars depend on t no more; 0: they always do */
} tw_rule;

/* The function being minimised, seen from an optimizer: evaluations at the parameters' present values. Whoever makes one fills in what it can do.
 * Loss values are per lane. New tensors are the caller's. */
typedef struct tw_objective {
  tw_status (*value)(struct tw_objective *, tw_ctx *, double *loss);
  tw_status (*gradient)(struct tw_objective *, tw_ctx *, double *loss, tw_tensor **grads);     /* one per parameter */
  tw_status (*hvp)(struct tw_objective *, tw_ctx *, tw_tensor *vector, tw_tensor **out);       /* over all parameters as one vector: [n] -> [n] */
  tw_status (*hessian)(struct tw_objective *, tw_ctx *, tw_tensor **out);                      /* [n n] */
  tw_status (*residual)(struct tw_objective *, tw_ctx *, tw_tensor **r, tw_tensor **jacobian); /* [m], [m n]; jacobian NULL: not wanted */
  tw_status (*at)(struct tw_objective *, tw_ctx *, tw_tensor *index);                          /* finite sums: these terms from now on; NULL: as called */
  tw_tensor *index;                                                                            /* the terms as called, i64; NULL: f was given none */
  const double *asking; /* [lane] the next evaluation counts where this is not 0: the others would not need it alone; NULL: everywhere */
  double *evaluations;  /* [lane] of f, since the step began; whoever evaluates counts here */
} tw_objective;

/* A state tensor that belongs to all parameters together: a vector of their size, or `rows` (an option's value) of them. */
typedef struct {
  const char *name;
  const char *rows; /* NULL: one; "*": as many as there are elements */
  bool grows;       /* from no row at first to that many */
} tw_optim_vector;

/* Values that other libraries use: "eps=1e-7 eps_at=hat". */
typedef struct {
  const char *name;
  const char *values;
} tw_optim_preset;

typedef struct tw_optim_kind {
  const char *name, *about, *source;
  const char *example;                             /* lines of Lua for the reference, p a vector of 2: they make opt and loss; NULL: the usual ones */
  const tw_option *options;
  const tw_optim_preset *presets;                  /* ends with a NULL name; NULL: none */
  const char *slots[TW_MAX_SLOTS + 1];             /* per parameter, of its shape; ends with NULL; zeros, made when first used */
  tw_shape (*slot_shape)(const tw_tensor *p, int slot); /* where slots have other shapes; NULL: the parameter's */
  unsigned points;                                 /* bit per slot: it is a point like the parameter; a projection holds for it too */
  tw_optim_vector vectors[TW_MAX_STATE + 1];       /* for all parameters as one vector */
  const char *given;                               /* a vector that an option of its name may fill, a tree like the parameters; or NULL */
  const char *numbers[TW_MAX_STATE + 1];           /* per lane, f64 */
  const char *group_numbers[TW_MAX_STATE + 1];     /* per group and lane, f64; 0 at first */
  void (*advance)(const tw_hypers *, const double *go); /* moves a group's numbers, once a step before its update, in lanes where go is not 0 */
  const tw_rule *rule;                             /* one of: an elementwise rule for every parameter, */
  const tw_rule *(*choose)(const tw_hypers *);     /* one of several rules, from flags, choices and constants, */
  tw_status (*update)(tw_ctx *, tw_optim *);       /* all parameters, from o->grad, */
  tw_status (*solve)(tw_ctx *, tw_optim *);        /* one iteration with o->objective, which it evaluates itself */
  tw_status (*begin)(tw_ctx *, tw_optim *);        /* before the first step, for state that does not start at zero; may be NULL */
  tw_status (*average)(tw_ctx *, tw_optim *, int leaf, tw_tensor **out); /* what to evaluate with, if another; may be NULL */
  bool wraps;                                      /* needs an inner optimizer, whose options are what surrounds a step; with update and solve: either */
  bool wants_loss;                                 /* an update looks at the loss */
  bool residuals;                                  /* the function returns a vector r, the loss is r'r / 2 */
} tw_optim_kind;

extern const tw_optim_kind *const tw_all_optims[]; /* ends with NULL */
const tw_optim_kind *tw_optim_find(const char *name);

/* Options of every kind that works from gradients; they follow the kind's own in the numbering. The first TW_COMMON_GROUPED may differ between groups. */
enum {
  TW_BOX_MIN, TW_BOX_MAX, TW_CLIP_VALUE, TW_CLIP_NORM, TW_CLIP_ADAPTIVE, TW_COMMON_GROUPED,
  TW_CLIP_GLOBAL_NORM = TW_COMMON_GROUPED, TW_BALL, TW_ACCUMULATE, TW_EMA, TW_SKIP_NONFINITE, TW_MAXIMIZE, TW_N_COMMON
};
extern const tw_option tw_optim_common[];

/* One parameter. */
typedef struct {
  tw_tensor *p;
  tw_tensor *before;               /* its values before the last update, where they are kept; made when first needed */
  tw_tensor *moved;                /* by_norm: in their place the sum of squares of the last update's moves, 0-d, by lane */
  bool by_norm;
  tw_tensor *slot[TW_MAX_SLOTS];
  tw_tensor *accumulated, *ema;    /* NULL until needed */
  int group;
  bool frozen;
} tw_leaf;

struct tw_optim {
  const tw_optim_kind *kind;
  int n, n_slots, n_own, n_options, n_groups;
  int lanes;                       /* runs computed together: numbers per hyperparameter; 1 outside lanes */
  bool laned;                      /* made where hidden axis 0 is open: every parameter differs along it */
  int64_t *origin;                 /* [lane] which lane it was when the axis was opened */
  tw_leaf *leaf;
  double ***hyper;                 /* [group][option][lane] */
  double *(*group_number)[TW_MAX_STATE]; /* [group][number][lane] */
  bool **constant, **differs;      /* [group][option]; differs: set lane by lane */
  tw_tensor *vector[TW_MAX_STATE];
  tw_tensor *pending[TW_MAX_STATE]; /* what vector[i] becomes when the step succeeds; NULL: it stays */
  double *number[TW_MAX_STATE];    /* [lane] */
  double *number_before;           /* [number][lane] when the step began: a step that fails leaves no trace */
  tw_optim *inner;
  int64_t steps;                   /* updates so far */
  int64_t *t;                      /* [lane] updates not skipped, the present one included while it is taken */
  int64_t calls;                   /* gradients accumulated since the last update */
  bool begun;
  double *collected;               /* [lane] the sum of their losses */
  double *grad_norm;               /* [lane] kinds that evaluate the function themselves: 2-norm of the step's first gradient */
  double *loss;                    /* [lane] of the step being taken; has_loss: false in an update with given gradients */
  bool has_loss;
  double *go;                      /* [lane] 1: this lane takes the step, 0: it stays where it is */
  const char **reason;             /* [lane] why a solver stopped or a step was not taken, "" otherwise */
  double *evaluations;             /* [lane] in the last step: those that the lane needed */
  tw_objective *objective;         /* of the step being taken */
  tw_tensor *const *grad;          /* of the step being taken, after clipping */
  double *scale;                   /* [leaf][lane] factors of the gradients, from clipping by norms */
  bool scaled;                     /* some of them are not as usual, or a lane does not take the step */
  uint64_t changes;                /* counts changes of hyperparameters and lanes */
  uint64_t usual;                  /* changes + 1 while the last update was made in every lane, with nothing to say; else 0 */
  tw_tensor *scalars;              /* those of the last step, while it can be used again */
  int scalars_group, scalars_dtype, scalars_variant;
  uint32_t scalars_uniform;        /* bit per scalar that is the same in all lanes */
  int64_t least_t;                 /* over the lanes */
  const tw_rule *scalars_rule;
  uint64_t scalars_changes;
  void *user;                      /* the binding's */
  tw_status (*define)(tw_ctx *, tw_optim *, int leaf); /* step of a kind made by a script */
};

/* Retains the parameters, all in group 0 with the defaults. inner: for kinds that wrap one, taken over. */
TW_CHECKED tw_status tw_optim_new(tw_ctx *, const tw_optim_kind *, int n, tw_tensor *const *params, tw_optim *inner, tw_optim **out);
void tw_optim_free(tw_ctx *, tw_optim *);

/* Groups are numbered from 0; a new one has group 0's values. */
TW_CHECKED tw_status tw_optim_add_group(tw_ctx *, tw_optim *, int *group);
const tw_option *tw_optim_option(const tw_optim *, int option); /* own ones, then common ones; NULL after the last */

/* After lanes have been dropped: what the optimizer has per lane follows. Every step begins with it. */
void tw_optim_follow(tw_ctx *, tw_optim *);

/* Sets a hyperparameter: n = 1 number for all lanes, or n = 0: one per lane. Checked against its range. constant: it will stay so. */
TW_CHECKED tw_status tw_optim_set(tw_ctx *, tw_optim *, int group, int option, int n, const double *values, bool constant);

/* One step, of kinds that evaluate the function themselves; and of the others, with gradients like the parameters and, where known, the loss per lane. */
TW_CHECKED tw_status tw_optim_solve(tw_ctx *, tw_optim *, tw_objective *);
TW_CHECKED tw_status tw_optim_update(tw_ctx *, tw_optim *, tw_tensor *const *grads, const double *loss);
double *tw_optim_loss(tw_optim *); /* [lane] a place for the loss given to the next update */
bool tw_optim_wants_loss(const tw_optim *); /* false: the update does not look at its values */

/* Does a step of it evaluate the function, or is it an update with gradients? What wraps another may be either, as the inner one is. */
bool tw_optim_solves(const tw_optim *);

/* The 2-norm over all of the tensors together, per lane. */
TW_CHECKED tw_status tw_optim_global_norm(tw_ctx *, int n, tw_tensor *const *tensors, int lanes, double *out);
TW_CHECKED tw_status tw_optim_step_norm(tw_ctx *, const tw_optim *, double *out); /* of the last update, per lane */

/* What evaluations should use in place of parameter i: an average where the optimizer keeps one, else the parameter. A new reference. */
TW_CHECKED tw_status tw_optim_average(tw_ctx *, tw_optim *, int leaf, tw_tensor **out);

#endif
