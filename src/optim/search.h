/* Line searches: which step t along a direction, from f(t) and, for some, its slope. Each is a machine by reverse communication, one per lane: it says
 * which step to try, is told what was found there, and says the next or that it is done; so lanes search in lockstep, each at its own step. Pure host
 * arithmetic (+ - * / sqrt); knows no tensor.
 *
 *   tw_search_start(&s, &limits, f(0), slope(0) < 0, first trial);
 *   while (!s.done) tw_search_tell(&s, f(s.step), slope(s.step));
 *   s.step is the step to take, s.f its value; 0 when none was found
 *
 * A value or slope that is not finite counts as too far. */
#ifndef TW_OPTIM_SEARCH_H
#define TW_OPTIM_SEARCH_H

#include <stdbool.h>

/* In the order of the option line_search. The first two need no machine. */
typedef enum { TW_SEARCH_NONE, TW_SEARCH_EXACT, TW_SEARCH_BACKTRACKING, TW_SEARCH_GOLDEN, TW_SEARCH_WOLFE, TW_SEARCH_HAGER_ZHANG } tw_search_kind;

typedef struct {
  tw_search_kind kind;
  double c1, c2;       /* sufficient decrease, curvature */
  double shrink;       /* backtracking */
  double tol;          /* golden section: width of the bracket relative to its upper end; hager_zhang: error of f relative to |f(0)| */
  int max_evaluations;
} tw_search_limits;

/* A step with what is known there. */
typedef struct {
  double t, f, slope;
} tw_search_point;

typedef struct {
  tw_search_limits limits;
  double step, f;      /* the step to try or, when done, to take */
  bool done;
  int evaluations;
  double f0, slope0;
  int state;
  tw_search_point a, b, best;       /* ends of the bracket (strong Wolfe: a is the best so far); golden section: the lowest point */
  double low, high, width, width1;  /* strong Wolfe: limits of the next trial; the two widths before */
  double ceiling;                   /* strong Wolfe: from here on f is not finite */
  bool bracketed, first_stage;
  tw_search_point old_a, old_b;     /* Hager-Zhang: the bracket before a double secant */
  double secant;                    /* Hager-Zhang: the first secant's step */
  int after;                        /* Hager-Zhang: where bisection returns to */
} tw_search;

bool tw_search_needs_slope(tw_search_kind);
void tw_search_start(tw_search *, const tw_search_limits *, double f0, double slope0, double first);
void tw_search_tell(tw_search *, double f, double slope);

/* Each kind's own tell, for search.c. */
void tw__search_wolfe(tw_search *, double f, double slope);
void tw__search_hager_zhang(tw_search *, double f, double slope);
void tw__search_finish(tw_search *, double step, double f);

#endif
