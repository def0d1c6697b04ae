/* What kinds are written with: scalars that may differ between lanes, all parameters as one vector, applying a rule. */
#ifndef TW_OPTIM_PARTS_H
#define TW_OPTIM_PARTS_H

#include "op/op.h"
#include "optim/optim.h"
#include "tensor/ctx.h"

#define TW_LANES(h, r) for (int r = 0; r < (h)->lanes; r++)

/* Rows of spec tables that many kinds share. The learning rate comes first, by convention. */
#define TW_OPTION_LR(value) {"lr", TW_OPTION_NUMBER, value, 0, 1e300, NULL, "learning rate"}
#define TW_OPTION_EPS(value) {"eps", TW_OPTION_NUMBER, value, 0, 1e300, NULL, "added to the denominator"}
#define TW_OPTION_BETA1(value) {"beta1", TW_OPTION_NUMBER, value, 0, 1, NULL, "decay of the average of gradients"}
#define TW_OPTION_BETA2(value) {"beta2", TW_OPTION_NUMBER, value, 0, 1, NULL, "decay of the average of squared gradients"}
/* Two rows, found by their names in every kind that has them. */
#define TW_OPTION_DECAY(value, how)                                                                                             \
  {"weight_decay", TW_OPTION_NUMBER, value, 0, 1e300, NULL, "how strongly parameters are drawn to 0, see decay"}, {             \
    "decay", TW_OPTION_CHOICE, how, 0, 2, "coupled decoupled independent",                                                      \
      "weight_decay p is added to the gradient; p shrinks by lr weight_decay p; p shrinks by weight_decay p"                    \
  }
enum { TW_DECAY_COUPLED, TW_DECAY_DECOUPLED, TW_DECAY_INDEPENDENT };

/* beta^t by the engine's own pow, n of them; the same bits on every machine. */
void tw_powers(int n, const double *base, const int64_t *t, double *out);
double tw_power(double base, double exponent);

/* The hyperparameters of a leaf's group, an option's numbers by name, and its first as a plain number where it shapes something. */
tw_hypers tw_optim_hypers(const tw_optim *, int group);
const double *tw_optim_hyper(const tw_optim *, int group, const char *option);

/* A scalar, one number per lane, as a 0-d tensor of that dtype. */
TW_CHECKED tw_status tw_optim_scalar(tw_ctx *, const tw_optim *, tw_dtype, const double *values, tw_tensor **out);
tw_tensor *tw_do_scalar(tw_compose *, const tw_optim *, const double *values, const tw_tensor *like);
/* The numbers of a 0-d tensor, per lane. */
void tw_optim_numbers(const tw_optim *, const tw_tensor *, double *out);

/* Applies a rule to one parameter with gradient g: the rule's scalars from its group's hyperparameters, or those given as s[scalar][lane]. */
TW_CHECKED tw_status tw_optim_apply_rule(tw_ctx *, tw_optim *, int leaf, const tw_rule *, tw_tensor *g, double *const *s);
TW_CHECKED tw_status tw_optim_apply_kind(tw_ctx *, tw_optim *); /* the kind's rule, every parameter */

/* The slot of a parameter, zeros at first; and giving it new values, in the lanes that take the step. */
TW_CHECKED tw_status tw_optim_slot(tw_ctx *, tw_optim *, int leaf, int slot, tw_tensor **lent);
TW_CHECKED tw_status tw_optim_put(tw_ctx *, tw_optim *, int leaf, int slot, tw_tensor *values);
/* x + w (y - x), new; w: a number per lane. */
TW_CHECKED tw_status tw_optim_blend(tw_ctx *, const tw_optim *, tw_tensor *x, const double *w, tw_tensor *y, tw_tensor **out);
tw_shape tw_optim_slot_shape(const tw_optim *, int leaf, int slot);

/* The 2-norm of all parameters' gradients (or of one per leaf, in order) that are not frozen, per lane. */
TW_CHECKED tw_status tw_optim_norm_of(tw_ctx *, const tw_optim *, tw_tensor *const *tensors, double *out);

/* For kinds that wrap: the inner optimizer's step, with gradients or (NULL) with o->objective. moved: it made an update; it does not while it accumulates. */
TW_CHECKED tw_status tw_optim_inner(tw_ctx *, tw_optim *, tw_tensor *const *grads, bool *moved);
/* State as before the first step in the lanes where take[lane] is not 0; counts of steps, which schedules read, go on. */
TW_CHECKED tw_status tw_optim_reset(tw_ctx *, tw_optim *, const double *take);

/* For solve: the update that the kind's rule or update makes of these gradients, with all that surrounds it. */
TW_CHECKED tw_status tw_optim_from_gradients(tw_ctx *, tw_optim *, tw_tensor *const *grads);

/* In place: x takes y's values. */
TW_CHECKED tw_status tw_optim_assign(tw_ctx *, tw_tensor *x, tw_tensor *y);
TW_CHECKED tw_status tw_optim_before(tw_ctx *, tw_leaf *); /* makes the leaf's `before` where it has none */
TW_CHECKED tw_status tw_optim_zeros(tw_ctx *, const tw_tensor *like, tw_tensor **out);
TW_CHECKED tw_status tw_optim_copy(tw_ctx *, tw_tensor *x, tw_tensor **out);

/* All parameters that are not frozen as one vector [n], and back; tensors: one per leaf, in order. They must be of one dtype. */
int64_t tw_flat_size(const tw_optim *);
TW_CHECKED tw_status tw_flat_params(tw_ctx *, const tw_optim *, tw_tensor **out);
TW_CHECKED tw_status tw_flat_gather(tw_ctx *, const tw_optim *, tw_tensor *const *tensors, tw_tensor **out);
TW_CHECKED tw_status tw_flat_assign(tw_ctx *, tw_optim *, tw_tensor *vector); /* the parameters take its values */

/* Evaluates the objective at the parameters' present values: o->loss, and the gradient as one vector. */
TW_CHECKED tw_status tw_optim_gradient(tw_ctx *, tw_optim *, tw_tensor **out);
TW_CHECKED tw_status tw_optim_gradient_at(tw_ctx *, tw_optim *, double *loss, tw_tensor **out); /* the same, o->loss left alone */

/* Vector arithmetic on the host's terms: numbers per lane. */
TW_CHECKED tw_status tw_flat_dot(tw_ctx *, const tw_optim *, tw_tensor *x, tw_tensor *y, double *out);
TW_CHECKED tw_status tw_flat_add(tw_ctx *, const tw_optim *, tw_tensor *x, const double *alpha, tw_tensor *y, tw_tensor **out); /* x + alpha y, new */
TW_CHECKED tw_status tw_flat_scale(tw_ctx *, const tw_optim *, const double *alpha, tw_tensor *x, tw_tensor **out);              /* alpha x, new */
TW_CHECKED tw_status tw_flat_norm(tw_ctx *, const tw_optim *, tw_tensor *x, double *out);
TW_CHECKED tw_status tw_flat_max_abs(tw_ctx *, const tw_optim *, tw_tensor *x, double *out); /* of a vector or a matrix */
TW_CHECKED tw_status tw_flat_sum_abs(tw_ctx *, const tw_optim *, tw_tensor *x, double *out);
/* x where take[lane] is not 0, else y. */
TW_CHECKED tw_status tw_flat_choose(tw_ctx *, const tw_optim *, const double *take, tw_tensor *x, tw_tensor *y, tw_tensor **out);

/* In the lanes where take is 0 the square matrix becomes the identity: what is computed there is thrown away, but must not fail. */
TW_CHECKED tw_status tw_flat_identity(tw_ctx *, const tw_optim *, const double *take, tw_tensor **matrix);
/* Solves a x = b where take is not 0; take becomes 0 where the matrix is singular. Elsewhere x is 0. */
TW_CHECKED tw_status tw_flat_solve(tw_ctx *, const tw_optim *, double *take, tw_tensor *a, tw_tensor *b, tw_tensor **x);
tw_tensor *tw_do_matvec(tw_compose *, tw_tensor *a, tw_tensor *x); /* [m n] x [n] -> [m] */

/* The parameters' shapes stand in the state vector: kind->vectors[i], created at the first use with `rows` rows. */
TW_CHECKED tw_status tw_optim_vector_of(tw_ctx *, tw_optim *, int vector, tw_tensor **lent);
/* For solve: a new value of a state vector, taken over; it replaces the old one when the step has succeeded. */
void tw_optim_put_vector(tw_ctx *, tw_optim *, int vector, tw_tensor *owned);

#endif
