/* Steps that are proposed, tried and accepted or not: trust regions, Levenberg-Marquardt. Each lane decides by itself; those that have accepted keep their
 * point while others try again. */
#ifndef TW_OPTIM_REGION_H
#define TW_OPTIM_REGION_H

#include "optim/descent.h"

typedef struct {
  /* A step for every lane where open is not 0 (in the others anything) and the decrease of f the model promises. The parameters stand at q->x. */
  tw_status (*propose)(tw_ctx *, tw_optim *, tw_descent *, void *own, const double *open, tw_tensor **step, double *predicted);
  /* ratio: the decrease of f over the promised one, -infinity where f is not finite. Adapts the lane's state; true: the step is accepted. */
  bool (*judge)(tw_optim *, int lane, double ratio, void *own);
  void *own;
} tw_region;

/* q has been begun. Tries until every lane that goes on has accepted a step, max_evaluations times at most. */
TW_CHECKED tw_status tw_region_step(tw_ctx *, tw_optim *, tw_descent *q, const tw_region *);

/* Least squares: f = r'r / 2 from the function's residuals r. */
TW_CHECKED tw_status tw_probe_residual(tw_ctx *, tw_optim *, double *f, tw_tensor **gradient);
TW_CHECKED tw_status tw_residual_begin(tw_ctx *, tw_optim *, tw_descent *, tw_tensor **r, tw_tensor **jacobian); /* tw_descent_begin, and r, J */

#endif
