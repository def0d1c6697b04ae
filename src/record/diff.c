/* The difference of two sweeps, bit for bit, over the runs that have a result. Compared in memory, so that storage and layout do not matter. */
#include "record/sweep.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { MOST_LINES = 1000 };

typedef struct {
  tw_sweep *a, *b;
  tw_difference *out;
  tw_error *e;
  tw_status status;
  size_t dropped;
} comparison;

void tw_difference_clear(tw_difference *d) {
  for (size_t i = 0; i < d->n_lines; i++) tw_free(d->lines[i]);
  tw_free(d->lines);
  *d = (tw_difference){0};
}

static void TW_PRINTF(2, 3) say(comparison *c, const char *format, ...) {
  char text[512];
  if (c->out->n_lines >= MOST_LINES) {
    c->dropped++;
    return;
  }
  va_list ap;
  va_start(ap, format);
  vsnprintf(text, sizeof text, format, ap);
  va_end(ap);
  char **place = TW__PUSH(c->out->lines, c->out->n_lines, c->out->capacity);
  if (place && (*place = tw_strdup(text))) return;
  if (place) c->out->n_lines--;
  c->status = tw__out_of_memory(c->e);
}

static unsigned long long hex(const tw_run *r) { return (unsigned long long)r->id; }

static int shown(tw_text t) { return t.n < 100 ? (int)t.n : 100; }

static void compare_head(comparison *c, const tw_run *a, const tw_run *b) {
  if (a->status != b->status) say(c, "run %014llx: status is %s and %s", hex(a), tw_run_status_name(a->status), tw_run_status_name(b->status));
  if (a->seed != b->seed) say(c, "run %014llx: seed is %lld and %lld", hex(a), (long long)a->seed, (long long)b->seed);
  if (a->rep != b->rep) say(c, "run %014llx: repeat is %d and %d", hex(a), a->rep, b->rep);
  if (!tw_text_equal(a->text, b->text))
    say(c, "run %014llx: parameters are %.*s and %.*s", hex(a), shown(a->text), a->text.s, shown(b->text), b->text.s);
  if (!tw_text_equal(a->message, b->message))
    say(c, "run %014llx: message is \"%.*s\" and \"%.*s\"", hex(a), shown(a->message), a->message.s, shown(b->message), b->message.s);
}

static void compare_results(comparison *c, size_t row_a, size_t row_b) {
  const tw_run *run = tw_sweep_run(c->a, row_a);
  size_t n_a = tw_sweep_results(c->a), n_b = tw_sweep_results(c->b), i = 0, k = 0;
  while (i < n_a || k < n_b) { /* both lists are sorted */
    int order = i == n_a ? 1 : k == n_b ? -1 : tw_text_compare(tw_sweep_result_name(c->a, i), tw_sweep_result_name(c->b, k));
    tw_text name = order <= 0 ? tw_sweep_result_name(c->a, i) : tw_sweep_result_name(c->b, k);
    double x = order <= 0 ? tw_sweep_result(c->a, row_a, i) : TW__NAN, y = order >= 0 ? tw_sweep_result(c->b, row_b, k) : TW__NAN;
    if (memcmp(&x, &y, sizeof x) != 0 && (x == x || y == y)) say(c, "run %014llx: result %.*s is %.17g and %.17g", hex(run), (int)name.n, name.s, x, y);
    i += order <= 0;
    k += order >= 0;
  }
}

/* A variable's rows of one run, free them; NULL with n = 0 where there are none. */
static double *values_of(comparison *c, tw_sweep *s, size_t row, size_t variable, int64_t *n, int64_t **steps) {
  const tw_variable *v = tw_sweep_variable(s, variable);
  *n = tw_sweep_rows(s, row, v->stream_index);
  double *x = tw_alloc((size_t)(*n * v->elements) * sizeof *x);
  *steps = tw_alloc((size_t)*n * sizeof **steps);
  if (!x || !*steps) c->status = tw__out_of_memory(c->e);
  if (c->status == TW_OK) c->status = tw_sweep_values(s, row, variable, x, c->e);
  if (c->status == TW_OK) c->status = tw_sweep_steps(s, row, v->stream_index, *steps, c->e);
  return x;
}

static const tw__logged *logged_as(const tw_sweep *s, size_t row, size_t variable) {
  const tw__signature *sig = s->rows[row]->chosen ? s->rows[row]->chosen->signature : NULL;
  for (uint32_t i = 0; sig && i < sig->n; i++)
    if (sig->items[i].variable == (int32_t)variable) return &sig->items[i];
  return NULL;
}

static void compare_values(comparison *c, size_t row_a, size_t var_a, size_t row_b, size_t var_b) {
  const tw_run *run = tw_sweep_run(c->a, row_a);
  const tw_variable *a = tw_sweep_variable(c->a, var_a), *b = tw_sweep_variable(c->b, var_b);
  const tw__logged *la = logged_as(c->a, row_a, var_a), *lb = logged_as(c->b, row_b, var_b);
  if (!la || !lb) {
    if (la || lb) say(c, "run %014llx: %s was logged in the %s sweep only", hex(run), a->name.s, la ? "first" : "second");
    return;
  }
  if (la->type != lb->type || la->ndim != lb->ndim || memcmp(la->shape, lb->shape, la->ndim * sizeof *la->shape) != 0) {
    say(c, "run %014llx: %s differs in type or shape", hex(run), a->name.s);
    return;
  }
  int64_t n_a, n_b, *steps_a = NULL, *steps_b = NULL;
  double *x = values_of(c, c->a, row_a, var_a, &n_a, &steps_a), *y = values_of(c, c->b, row_b, var_b, &n_b, &steps_b);
  double *padded = NULL;
  if (c->status == TW_OK && n_a != n_b) say(c, "run %014llx: %s has %lld rows and %lld", hex(run), a->name.s, (long long)n_a, (long long)n_b);
  bool same_shape = a->ndim == b->ndim && memcmp(a->shape, b->shape, a->ndim * sizeof *a->shape) == 0;
  if (c->status == TW_OK && n_a == n_b && !same_shape) { /* another run made it larger in one of the sweeps */
    padded = tw_alloc((size_t)(n_b * a->elements) * sizeof *padded);
    if (!padded) c->status = tw__out_of_memory(c->e);
    else tw__pad_rows(padded, a->ndim, a->shape, y, b->ndim, b->shape, n_b, sizeof *padded);
  }
  const double *z = padded ? padded : y;
  int64_t places = n_a * a->elements, differing = 0, at = -1, at_step = -1;
  for (int64_t i = 0; c->status == TW_OK && n_a == n_b && i < n_a && at_step < 0; i++)
    if (steps_a[i] != steps_b[i]) at_step = i;
  for (int64_t i = 0; c->status == TW_OK && n_a == n_b && i < places; i++) {
    if (memcmp(&x[i], &z[i], sizeof *x) == 0) continue;
    if (at < 0) at = i;
    differing++;
  }
  if (at_step >= 0)
    say(c, "run %014llx: %s: row %lld has step %lld and %lld", hex(run), a->name.s, (long long)at_step, (long long)steps_a[at_step],
        (long long)steps_b[at_step]);
  if (at >= 0)
    say(c, "run %014llx: %s differs in %lld of %lld places, first at step %lld: %.17g and %.17g", hex(run), a->name.s, (long long)differing,
        (long long)places, (long long)steps_a[at / a->elements], x[at], z[at]);
  tw_free(x);
  tw_free(y);
  tw_free(padded);
  tw_free(steps_a);
  tw_free(steps_b);
}

static void compare_run(comparison *c, size_t row_a, size_t row_b) {
  compare_head(c, tw_sweep_run(c->a, row_a), tw_sweep_run(c->b, row_b));
  compare_results(c, row_a, row_b);
  for (size_t i = 0; i < tw_sweep_variables(c->a) && c->status == TW_OK; i++) {
    int k = tw_sweep_find(c->b, tw_sweep_variable(c->a, i)->name);
    if (k >= 0) compare_values(c, row_a, i, row_b, (size_t)k);
    else if (tw_sweep_logged(c->a, row_a, i))
      say(c, "run %014llx: %s was logged in the first sweep only", hex(tw_sweep_run(c->a, row_a)), tw_sweep_variable(c->a, i)->name.s);
  }
  for (size_t k = 0; k < tw_sweep_variables(c->b) && c->status == TW_OK; k++)
    if (tw_sweep_find(c->a, tw_sweep_variable(c->b, k)->name) < 0 && tw_sweep_logged(c->b, row_b, k))
      say(c, "run %014llx: %s was logged in the second sweep only", hex(tw_sweep_run(c->b, row_b)), tw_sweep_variable(c->b, k)->name.s);
}

static int64_t row_of(const tw__map *rows, int64_t id) { return tw__map_get(rows, (tw_text){(const char *)&id, sizeof id}); }

static bool index_rows(const tw_sweep *s, tw__map *rows) {
  bool ok = true;
  for (size_t i = 0; i < s->n_rows && ok; i++) ok = tw__map_put(rows, (tw_text){(const char *)&s->rows[i]->run.id, sizeof(int64_t)}, (int64_t)i);
  return ok;
}

tw_status tw_sweep_diff(tw_sweep *a, tw_sweep *b, tw_difference *out, tw_error *e) {
  comparison c = {.a = a, .b = b, .out = out, .e = e};
  tw__map rows_a = {0}, rows_b = {0};
  *out = (tw_difference){0};
  if (!index_rows(a, &rows_a) || !index_rows(b, &rows_b)) c.status = tw__out_of_memory(e);
  for (size_t i = 0; i < a->n_rows && c.status == TW_OK; i++) {
    const tw_run *run = tw_sweep_run(a, i);
    int64_t k = row_of(&rows_b, run->id);
    const tw_run *other = k < 0 ? NULL : tw_sweep_run(b, (size_t)k);
    bool has = tw_run_has_result(run->status), other_has = other && tw_run_has_result(other->status);
    if (!has && !other_has) continue;
    out->compared++;
    if (has && other_has) compare_run(&c, i, (size_t)k);
    else if (other) say(&c, "run %014llx: status is %s and %s", hex(run), tw_run_status_name(run->status), tw_run_status_name(other->status));
    else say(&c, "run %014llx: in the first sweep only", hex(run));
  }
  for (size_t k = 0; k < b->n_rows && c.status == TW_OK; k++) {
    const tw_run *run = tw_sweep_run(b, k);
    if (!tw_run_has_result(run->status) || row_of(&rows_a, run->id) >= 0) continue;
    out->compared++;
    say(&c, "run %014llx: in the second sweep only", hex(run));
  }
  if (c.dropped && c.status == TW_OK) {
    size_t dropped = c.dropped;
    tw_free(out->lines[--out->n_lines]);
    say(&c, "%zu further differences", dropped + 1);
  }
  tw__map_free(&rows_a);
  tw__map_free(&rows_b);
  if (c.status != TW_OK) tw_difference_clear(out);
  return c.status;
}
