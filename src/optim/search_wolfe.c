/* The strong Wolfe conditions  f(t) <= f(0) + c1 t slope(0)  and  |slope(t)| <= c2 |slope(0)|  by safeguarded cubic interpolation.
 *
 * Moré and Thuente, Line search algorithms with guaranteed sufficient decrease, 1994, as in MINPACK-2 (dcsrch, dcstep): a holds the best step so far, b the
 * other end of the interval of uncertainty. Chosen over Nocedal and Wright's algorithm 3.5: it terminates from any first trial and is reverse
 * communication by birth. */
#include <math.h>

#include "optim/search.h"

static double largest(double a, double b, double c) { return fmax(fabs(a), fmax(fabs(b), fabs(c))); }

static double root(double theta, double p, double q) {
  double s = largest(theta, p, q), u = theta / s;
  return s == 0 ? 0 : s * sqrt(fmax(0, u * u - p / s * (q / s)));
}

/* The next trial from the ends x, y and the trial p; updates the ends. */
static double next_trial(tw_search_point *x, tw_search_point *y, tw_search_point p, bool *bracketed, double low, double high) {
  double dx = x->slope, dp = p.slope, towards = p.t - x->t, theta = 3 * (x->f - p.f) / towards + dx + dp, t;
  bool opposite = dp < 0 ? dx > 0 : dp > 0 && dx < 0;
  if (p.f > x->f) { /* higher: the minimum is between */
    double gamma = root(theta, dx, dp) * (p.t < x->t ? -1 : 1), r = (gamma - dx + theta) / (gamma - dx + gamma + dp);
    double cubic = x->t + r * towards, quadratic = x->t + dx / ((x->f - p.f) / towards + dx) / 2 * towards;
    t = fabs(cubic - x->t) < fabs(quadratic - x->t) ? cubic : cubic + (quadratic - cubic) / 2;
    *bracketed = true;
  } else if (opposite) { /* lower, the slope has turned: between as well */
    double gamma = root(theta, dx, dp) * (p.t > x->t ? -1 : 1), r = (gamma - dp + theta) / (gamma - dp + gamma + dx);
    double cubic = p.t - r * towards, secant = p.t - dp / (dp - dx) * towards;
    t = fabs(cubic - p.t) > fabs(secant - p.t) ? cubic : secant;
    *bracketed = true;
  } else if (fabs(dp) < fabs(dx)) { /* lower and flatter */
    double gamma = root(theta, dx, dp) * (p.t > x->t ? -1 : 1), r = (gamma - dp + theta) / (gamma + (dx - dp) + gamma);
    double cubic = r < 0 && gamma != 0 ? p.t - r * towards : p.t > x->t ? high : low, secant = p.t - dp / (dp - dx) * towards;
    bool nearer = fabs(cubic - p.t) < fabs(secant - p.t);
    t = nearer == *bracketed ? cubic : secant;
    double limit = p.t + .66 * (y->t - p.t);
    if (*bracketed) t = p.t > x->t ? fmin(limit, t) : fmax(limit, t);
    else t = fmax(low, fmin(high, t));
  } else if (*bracketed) { /* lower and not flatter */
    double from = y->t - p.t, other = 3 * (p.f - y->f) / from + y->slope + dp, gamma = root(other, y->slope, dp) * (p.t > y->t ? -1 : 1);
    t = p.t + (gamma - dp + other) / (gamma - dp + gamma + y->slope) * from;
  } else {
    t = p.t > x->t ? high : low;
  }
  if (p.f > x->f) {
    *y = p;
  } else {
    if (opposite) *y = *x;
    *x = p;
  }
  return t;
}

static tw_search_point tilted(tw_search_point p, double slope) { return (tw_search_point){p.t, p.f - p.t * slope, p.slope - slope}; }

/* The next trial by the function f(t) - c1 t slope(0); the ends keep their own values. */
static double tilted_trial(tw_search *s, tw_search_point p, double slope) {
  const tw_search_point known[3] = {s->a, s->b, p};
  tw_search_point a = tilted(s->a, slope), b = tilted(s->b, slope);
  double t = next_trial(&a, &b, tilted(p, slope), &s->bracketed, s->low, s->high);
  for (int i = 0; i < 3; i++) {
    if (known[i].t == a.t) s->a = known[i];
    if (known[i].t == b.t) s->b = known[i];
  }
  return t;
}

/* The best step, if it decreases f enough; else none. */
static void give_up(tw_search *s) {
  bool enough = s->a.f < s->f0 && s->a.f <= s->f0 + s->limits.c1 * s->a.t * s->slope0;
  tw__search_finish(s, enough ? s->a.t : 0, s->a.f);
}

void tw__search_wolfe(tw_search *s, double f, double slope) {
  double test = s->limits.c1 * s->slope0, enough = s->f0 + s->step * test;
  tw_search_point p = {s->step, f, slope};
  if (s->evaluations == 1) {
    s->low = 0;
    s->high = 5 * s->step;
    s->ceiling = (double)INFINITY;
  }
  if (f <= enough && fabs(slope) <= -s->limits.c2 * s->slope0) {
    tw__search_finish(s, s->step, f);
    return;
  }
  if (s->evaluations >= s->limits.max_evaluations) {
    if (f <= enough && f < s->a.f) s->a = p;
    give_up(s);
    return;
  }
  if (!isfinite(f)) {
    if (p.t > s->a.t) s->ceiling = fmin(s->ceiling, p.t);
    s->step = s->a.t + .1 * (p.t - s->a.t);
    if (s->step == s->a.t) give_up(s);
    return;
  }
  if (s->first_stage && f <= enough && slope >= 0) s->first_stage = false;
  bool tilt = s->first_stage && f <= s->a.f && f > enough;
  double t = tilt ? tilted_trial(s, p, test) : next_trial(&s->a, &s->b, p, &s->bracketed, s->low, s->high);
  if (s->bracketed) {
    double width = fabs(s->b.t - s->a.t);
    if (width >= .66 * s->width1) t = s->a.t + .5 * (s->b.t - s->a.t);
    s->width1 = s->width;
    s->width = width;
    s->low = fmin(s->a.t, s->b.t);
    s->high = fmax(s->a.t, s->b.t);
    if (!(t > s->low && t < s->high)) t = s->low + .5 * (s->high - s->low);
    if (!(t > s->low && t < s->high)) { /* the width of a rounding */
      give_up(s);
      return;
    }
  } else {
    s->low = t + 1.1 * (t - s->a.t);
    s->high = t + 4 * (t - s->a.t);
  }
  if (t >= s->ceiling) t = s->a.t + .5 * (s->ceiling - s->a.t);
  if (!(t <= 1e300) || t == p.t) give_up(s);
  else s->step = t;
}
