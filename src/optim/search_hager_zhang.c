/* The Wolfe conditions, or where rounding hides the decrease of f the approximate ones
 *   (2 c1 - 1) slope(0) >= slope(t) >= c2 slope(0)  and  f(t) <= f(0) + eps,   eps = tol |f(0)|,
 * by double secant steps.
 *
 * Hager and Zhang, A new conjugate gradient method with guaranteed descent and an efficient line search, 2005, section 4, whose labels B, U, S, L stand
 * here; theta = .5, gamma = .66, rho = 5. [a, b] with slope(a) < 0, f(a) <= f(0) + eps and slope(b) >= 0 is the bracket. */
#include <math.h>

#include "optim/search.h"

enum { BRACKET, BISECT, FIRST, SECOND, MIDDLE };

static bool low_enough(const tw_search *s, double f) { return f <= s->f0 + s->limits.tol * fabs(s->f0); }

static bool inside(const tw_search *s, double t) { return t > s->a.t && t < s->b.t; }

static double secant(tw_search_point p, tw_search_point q) { return (p.t * q.slope - q.t * p.slope) / (q.slope - p.slope); }

static void give_up(tw_search *s) { tw__search_finish(s, s->a.f < s->f0 ? s->a.t : 0, s->a.f); }

static void try_at(tw_search *s, int state, double t) {
  s->state = state;
  s->step = t;
}

static void middle(tw_search *s) {
  double t = s->a.t + .5 * (s->b.t - s->a.t);
  if (inside(s, t)) try_at(s, MIDDLE, t);
  else give_up(s);
}

static void start(tw_search *s) { /* S1 */
  s->old_a = s->a;
  s->old_b = s->b;
  s->secant = secant(s->a, s->b);
  if (inside(s, s->secant)) try_at(s, FIRST, s->secant);
  else middle(s);
}

static void finish_round(tw_search *s) { /* L2, L3 */
  if (s->b.t - s->a.t > .66 * (s->old_b.t - s->old_a.t)) middle(s);
  else start(s);
}

static void go_on(tw_search *s, int from) {
  double t = s->secant;
  if (from != FIRST) {
    if (from == SECOND) finish_round(s);
    else start(s);
    return;
  }
  if (s->secant == s->b.t) t = secant(s->old_b, s->b); /* S2 */
  else if (s->secant == s->a.t) t = secant(s->old_a, s->a); /* S3 */
  if (inside(s, t)) try_at(s, SECOND, t);
  else finish_round(s);
}

static void bisect(tw_search *s) {
  double t = s->a.t + .5 * (s->b.t - s->a.t);
  if (inside(s, t)) try_at(s, BISECT, t);
  else give_up(s);
}

/* U1-U3: the bracket with p in it. */
static void update(tw_search *s, tw_search_point p) {
  int from = s->state;
  if (p.slope >= 0) {
    s->b = p;
  } else if (low_enough(s, p.f)) {
    s->a = p;
  } else {
    s->b = p;
    s->after = from;
    bisect(s);
    return;
  }
  go_on(s, from);
}

void tw__search_hager_zhang(tw_search *s, double f, double slope) {
  tw_search_point p = {s->step, f, isfinite(f) ? slope : -1};
  double c1 = s->limits.c1;
  bool steep = p.slope >= s->limits.c2 * s->slope0;
  bool wolfe = f - s->f0 <= c1 * p.t * s->slope0 && steep, approximate = (2 * c1 - 1) * s->slope0 >= p.slope && steep && low_enough(s, f);
  if (isfinite(f) && (wolfe || approximate)) {
    tw__search_finish(s, p.t, f);
    return;
  }
  if (s->evaluations >= s->limits.max_evaluations) {
    if (isfinite(f) && f < s->a.f) s->a = p;
    give_up(s);
  } else if (s->state == BRACKET && p.slope < 0 && low_enough(s, f)) { /* B3 */
    s->a = p;
    s->step *= 5;
    if (!(s->step <= 1e300)) give_up(s);
  } else if (s->state == BISECT) {
    if (p.slope >= 0 || !low_enough(s, f)) s->b = p;
    else s->a = p;
    if (p.slope >= 0) go_on(s, s->after);
    else bisect(s);
  } else { /* B1, B2 too: the last low point takes the place of 0 */
    update(s, p);
  }
}
