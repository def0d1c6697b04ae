/* What surrounds every update: accumulation, clipping, projection, averages. */
#ifndef TW_OPTIM_AROUND_H
#define TW_OPTIM_AROUND_H

#include "optim/optim.h"

/* Adds o->grad to what has been collected; *now: enough for an update, whose gradients (the mean) are then o->grad. own: n places for new tensors. */
TW_CHECKED tw_status tw__accumulate(tw_ctx *, tw_optim *, tw_tensor **own, bool *now);

/* Clips by value into own, fills o->scale from the norms, o->go and o->reason where a gradient is not finite. */
TW_CHECKED tw_status tw__clip(tw_ctx *, tw_optim *, tw_tensor **own);

/* For kinds without a rule: gradients with scale, sign and coupled decay applied; decoupled decay applied to the parameters. */
TW_CHECKED tw_status tw__prepare_gradients(tw_ctx *, tw_optim *, tw_tensor ***out);
TW_CHECKED tw_status tw__box(tw_ctx *, tw_optim *);

/* After the update: the ball, the moving average. */
TW_CHECKED tw_status tw__after(tw_ctx *, tw_optim *);

/* Is the step followed by a projection onto a ball? */
bool tw__in_ball(const tw_optim *);

/* Every parameter's `before`. */
TW_CHECKED tw_status tw__snapshot(tw_ctx *, tw_optim *);

/* For kinds that wrap: whether the inner optimizer will do, and an update with gradients. */
TW_CHECKED tw_status tw__check_inner(tw_ctx *, const tw_optim *);
TW_CHECKED tw_status tw__update_around(tw_ctx *, tw_optim *, tw_tensor *const *grads);

/* The factors of decay for a group: l2[lane] of the parameter is added to the gradient, the parameter is multiplied by keep[lane]. */
void tw__decay(const tw_optim *, int group, double *l2, double *keep);

#endif
