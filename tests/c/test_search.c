/* Line searches as machines: on the functions of Moré and Thuente 1994 (section 5) they end where the conditions hold, from any first trial, beside walls
 * where f is not finite too. */
#include <math.h>
#include <stdio.h>

#include "check.h"
#include "optim/search.h"

typedef struct {
  double f, slope;
} value;

static double gamma_of(double b) { return sqrt(1 + b * b) - b; }

/* Functions 1, 2 and 4 of the paper, and a wall: NaN from 1 on. */
static value first(double t) { return (value){-t / (t * t + 2), (t * t - 2) / ((t * t + 2) * (t * t + 2))}; }
static value second(double t) {
  double u = t + .004, cube = u * u * u;
  return (value){cube * u * u - 2 * cube * u, 5 * cube * u - 8 * cube};
}
static value fourth(double t) {
  double b1 = .001, b2 = .001, r1 = sqrt((1 - t) * (1 - t) + b2 * b2), r2 = sqrt(t * t + b1 * b1);
  return (value){gamma_of(b1) * r1 + gamma_of(b2) * r2, -gamma_of(b1) * (1 - t) / r1 + gamma_of(b2) * t / r2};
}
static value fourth_backwards(double t) {
  value v = fourth(1 - t);
  return (value){v.f, -v.slope};
}
static value wall(double t) { return t < 1 ? (value){-log(1 - t) * .1 - t, .1 / (1 - t) - 1} : (value){NAN, NAN}; }

typedef struct {
  tw_search s;
  int evaluations;
} outcome;

static outcome run(value (*f)(double), tw_search_kind kind, double c1, double c2, double trial) {
  tw_search_limits limits = {kind, c1, c2, .5, 1e-6, 200};
  outcome o = {0};
  value zero = f(0);
  tw_search_start(&o.s, &limits, zero.f, zero.slope, trial);
  while (!o.s.done) {
    value v = f(o.s.step);
    o.evaluations++;
    tw_search_tell(&o.s, v.f, v.slope);
  }
  return o;
}

int main(void) {
  value (*const functions[])(double) = {first, second, fourth, wall};
  TEST("strong Wolfe takes the evaluations, and ends at the steps, of the original program") {
    /* First trial, evaluations, step: the paper's tables 1, 2 and 4 with the digits O'Leary's MATLAB translation of MINPACK gives, as other translations'
     * tests print them (the paper has two digits, and .08 in the first row of table 4). */
    static const double tables[3][4][3] = {
      {{1e-3, 6, 1.3650}, {.1, 3, 1.4414}, {10, 1, 10}, {1e3, 4, 36.888}},
      {{1e-3, 12, 1.5960}, {.1, 8, 1.5960}, {10, 8, 1.5960}, {1e3, 11, 1.5960}},
      {{1e-3, 4, .085}, {.1, 1, .1}, {10, 3, .34910}, {1e3, 4, .8294}},
    };
    static const double c1[3] = {1e-3, .1, 1e-3}, c2[3] = {.1, .1, 1e-3};
    for (int i = 0; i < 3; i++) {
      for (int k = 0; k < 4; k++) {
        outcome o = run(functions[i], TW_SEARCH_WOLFE, c1[i], c2[i], tables[i][k][0]);
        CHECK_INT(o.evaluations, (int64_t)tables[i][k][1]);
        CHECK_NEAR(o.s.step, tables[i][k][2], 1e-4 * tables[i][k][2]);
      }
    }
    outcome o = run(fourth_backwards, TW_SEARCH_WOLFE, .1, .9, 1); /* works on the tilted function */
    CHECK_INT(o.evaluations, 6);
    CHECK_NEAR(o.s.step, .0038522, 1e-4 * .0038522);
  }
  TEST("strong Wolfe holds from every first trial") {
    for (int i = 0; i < 4; i++) {
      for (int k = -8; k <= 8; k++) {
        outcome o = run(functions[i], TW_SEARCH_WOLFE, 1e-4, .1, pow(10, k));
        value zero = functions[i](0), v = functions[i](o.s.step);
        CHECK(o.s.step > 0 && v.f == o.s.f);
        CHECK(v.f <= zero.f + 1e-4 * o.s.step * zero.slope && fabs(v.slope) <= -.1 * zero.slope);
      }
    }
  }
  TEST("Hager and Zhang's conditions hold from every first trial") {
    for (int i = 0; i < 4; i++) {
      for (int k = -8; k <= 8; k++) {
        outcome o = run(functions[i], TW_SEARCH_HAGER_ZHANG, .1, .9, pow(10, k));
        value zero = functions[i](0), v = functions[i](o.s.step);
        bool wolfe = v.f <= zero.f + .1 * o.s.step * zero.slope, approximate = -.8 * zero.slope >= v.slope && v.f <= zero.f + 1e-6 * fabs(zero.f);
        CHECK(o.s.step > 0 && v.slope >= .9 * zero.slope && (wolfe || approximate));
      }
    }
  }
  TEST("backtracking stops at the first power of the factor that decreases f enough") {
    for (int k = -3; k <= 6; k++) {
      outcome o = run(wall, TW_SEARCH_BACKTRACKING, .3, .9, pow(2, k));
      double last = 2 * o.s.step;
      CHECK(wall(o.s.step).f <= wall(0).f + .3 * o.s.step * wall(0).slope);
      CHECK(o.evaluations == 1 || !(wall(last).f <= wall(0).f + .3 * last * wall(0).slope));
      CHECK_NEAR(o.s.step, pow(2, k + 1 - o.evaluations), 0);
    }
  }
  TEST("golden section finds the minimum between, from below and from above") {
    for (int k = -6; k <= 6; k++) CHECK_NEAR(run(wall, TW_SEARCH_GOLDEN, 0, 0, pow(10, k)).s.step, .9, 1e-5);
    for (int k = -6; k <= 2; k++) CHECK_NEAR(run(second, TW_SEARCH_GOLDEN, 0, 0, pow(10, k)).s.step, 1.596, 1e-5);
  }
  TEST("no step is found where f does not fall, or promises none") {
    for (int kind = TW_SEARCH_BACKTRACKING; kind <= TW_SEARCH_HAGER_ZHANG; kind++) {
      tw_search_limits limits = {(tw_search_kind)kind, 1e-4, .9, .5, 1e-6, 30};
      tw_search s;
      tw_search_start(&s, &limits, 1, 1, 1);
      CHECK(s.done && s.step == 0 && s.f == 1);
      tw_search_start(&s, &limits, 1, -1, 1);
      while (!s.done) tw_search_tell(&s, 2, -1);
      CHECK(s.step == 0 && s.f == 1 && s.evaluations <= 60);
      tw_search_start(&s, &limits, 1, -1, 1);
      while (!s.done) tw_search_tell(&s, NAN, NAN);
      CHECK(s.step == 0 && s.evaluations <= 60);
      tw_search_start(&s, &limits, 1, -1e-20, 1); /* f(0) + c1 t slope(0) rounds to f(0): a level f has not fallen */
      while (!s.done) tw_search_tell(&s, 1, -1e-20);
      CHECK(s.step == 0);
    }
  }
  return check_close();
}
