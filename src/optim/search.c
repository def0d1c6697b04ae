/* The line searches that need values alone, and what all have in common. */
#include "optim/search.h"

#include <math.h>

bool tw_search_needs_slope(tw_search_kind k) { return k == TW_SEARCH_WOLFE || k == TW_SEARCH_HAGER_ZHANG; }

void tw__search_finish(tw_search *s, double step, double f) {
  s->step = step;
  s->f = step != 0 ? f : s->f0;
  s->done = true;
}

void tw_search_start(tw_search *s, const tw_search_limits *limits, double f0, double slope0, double first) {
  tw_search_point zero = {0, f0, slope0};
  *s = (tw_search){.limits = *limits, .step = first, .f0 = f0, .slope0 = slope0, .a = zero, .b = zero, .best = zero, .first_stage = true};
  s->width = s->width1 = (double)INFINITY;
  if (!(first > 0) || !(slope0 < 0) || !isfinite(f0)) tw__search_finish(s, 0, f0);
}

/* Backtracking until f(t) <= f(0) + c1 t slope(0), and below f(0) where rounding swallows the product:
 * Armijo 1966; Nocedal and Wright 2006, algorithm 3.1. */
static void tell_backtracking(tw_search *s, double f) {
  if (f < s->f0 && f <= s->f0 + s->limits.c1 * s->step * s->slope0) tw__search_finish(s, s->step, f);
  else if (s->evaluations >= s->limits.max_evaluations) tw__search_finish(s, 0, f);
  else s->step *= s->limits.shrink;
}

/* Golden section (Kiefer 1953). First the bracket a < best < b with f(best) below both ends: the trial grows by the golden ratio while f falls, or shrinks
 * by it until f is below f(0). Then the larger part is cut until b - a <= tol b. */
enum { GROW, SHRINK, SECTION };
static const double golden = 0.6180339887498949; /* (sqrt(5) - 1) / 2 */

static void cut(tw_search *s) {
  double left = s->best.t - s->a.t, right = s->b.t - s->best.t;
  if (s->b.t - s->a.t <= s->limits.tol * s->b.t) {
    tw__search_finish(s, s->best.t, s->best.f);
    return;
  }
  s->step = right > left ? s->best.t + (1 - golden) * right : s->best.t - (1 - golden) * left;
  if (s->step == s->best.t) tw__search_finish(s, s->best.t, s->best.f); /* the width of a rounding */
}

static void tell_golden(tw_search *s, double f) {
  tw_search_point here = {s->step, f, 0};
  if (s->evaluations == 1 && !(f < s->f0)) s->state = SHRINK;
  if (s->state == SHRINK && !(f < s->f0)) {
    s->b = here;
    s->step *= 1 - golden;
  } else if (s->state == SHRINK) {
    s->best = here;
    s->state = SECTION;
    cut(s);
  } else if (s->state == GROW && f < s->best.f) {
    s->a = s->best;
    s->best = here;
    s->step /= golden * golden;
    if (!isfinite(s->step)) tw__search_finish(s, here.t, f);
  } else if (s->state == GROW) {
    s->b = here;
    s->state = SECTION;
    cut(s);
  } else {
    bool better = f < s->best.f;
    if (here.t > s->best.t) *(better ? &s->a : &s->b) = better ? s->best : here;
    else *(better ? &s->b : &s->a) = better ? s->best : here;
    if (better) s->best = here;
    cut(s);
  }
  if (!s->done && s->evaluations >= s->limits.max_evaluations) tw__search_finish(s, s->best.t, s->best.f);
}

void tw_search_tell(tw_search *s, double f, double slope) {
  if (s->done) return;
  bool usable = isfinite(f) && (isfinite(slope) || !tw_search_needs_slope(s->limits.kind));
  s->evaluations++;
  if (!usable) f = (double)INFINITY;
  if (s->limits.kind == TW_SEARCH_BACKTRACKING) tell_backtracking(s, f);
  else if (s->limits.kind == TW_SEARCH_GOLDEN) tell_golden(s, f);
  else if (s->limits.kind == TW_SEARCH_WOLFE) tw__search_wolfe(s, f, slope);
  else tw__search_hager_zhang(s, f, slope);
}
