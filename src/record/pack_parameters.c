/* Parameters as columns: numbers as numbers, everything else as codes with CF flag attributes and, beside the plan, the exact labels. */
#include "record/pack.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct {
  tw_text name, column;
  bool nested;
  int64_t present, with[TW_VALUE_TEXT + 1];
  const tw_value **values; /* per run, NULL where absent */
} parameter;

static bool name_column(tw__arena *a, tw_text name, tw_text *out) {
  if (!tw__arena_format(a, out, "hp_%.*s", (int)name.n, name.s)) return false;
  char *s = (char *)(uintptr_t)out->s;
  for (size_t i = 3; i < out->n; i++) {
    char c = s[i];
    if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_')) s[i] = '_';
  }
  return true;
}

static tw_status same_column(tw_text a, tw_text b, tw_text column, tw_error *e) {
  return tw_fail(e, TW_EINVAL, "plan: two parameters share a column: %.*s and %.*s are both %s; rename one", (int)a.n, a.s, (int)b.n, b.s, column.s);
}

tw_status tw_plan_check_columns(const tw_plan *plan, tw_error *e) {
  tw__arena arena = {0};
  tw__map names = {0}, columns = {0};
  tw_text *list = NULL, column;
  size_t n = 0, capacity = 0;
  tw_status s = TW_OK;
  for (size_t i = 0; i < plan->n_runs && s == TW_OK; i++)
    for (uint32_t k = 0; k < plan->runs[i].n_values && s == TW_OK; k++) {
      tw_text name = plan->runs[i].values[k].name;
      if (tw__map_get(&names, name) >= 0) continue;
      tw_text *place = TW__PUSH(list, n, capacity);
      if (!place || !tw__map_put(&names, name, 0) || !name_column(&arena, name, &column)) { s = tw__out_of_memory(e); break; }
      *place = name;
      int64_t other = tw__map_get(&columns, column);
      if (other >= 0) s = same_column(list[other], name, column, e);
      else if (!tw__map_put(&columns, column, (int64_t)n - 1)) s = tw__out_of_memory(e);
    }
  tw_free(list);
  tw__map_free(&names);
  tw__map_free(&columns);
  tw__arena_free(&arena);
  return s;
}

static int by_name(const void *a, const void *b) { return tw_text_compare(((const parameter *)a)->name, ((const parameter *)b)->name); }

/* All parameters of all rows, sorted by name, with their values per row. */
static parameter *collect(tw__pack *p, size_t *n) {
  const tw_sweep *s = p->s;
  parameter *list = NULL;
  size_t capacity = 0;
  tw__map index = {0};
  *n = 0;
  for (size_t i = 0; i < s->n_rows && tw__pack_ok(p); i++)
    for (uint32_t k = 0; k < s->rows[i]->run.n_values; k++) {
      const tw_value *v = &s->rows[i]->run.values[k];
      if (tw__map_get(&index, v->name) >= 0) continue;
      parameter *q = TW__PUSH(list, *n, capacity);
      if (!q || !tw__map_put(&index, v->name, 0) || !name_column(&p->arena, v->name, &q->column)) { tw__pack_no_memory(p); break; }
      q->name = v->name;
    }
  if (*n) qsort(list, *n, sizeof *list, by_name);
  for (size_t k = 0; k < *n && tw__pack_ok(p); k++) {
    list[k].values = tw__pack_take(p, s->n_rows * sizeof(tw_value *));
    if (!tw__map_put(&index, list[k].name, (int64_t)k)) tw__pack_no_memory(p);
  }
  for (size_t i = 0; i < s->n_rows && tw__pack_ok(p); i++)
    for (uint32_t k = 0; k < s->rows[i]->run.n_values; k++) {
      const tw_value *v = &s->rows[i]->run.values[k];
      parameter *q = &list[tw__map_get(&index, v->name)];
      q->present += q->values[i] == NULL;
      q->with[v->type] += q->values[i] == NULL;
      q->nested = q->nested || v->nested;
      q->values[i] = v;
    }
  tw__map_free(&index);
  return list;
}

/* n number, i integer, b boolean, c category: texts, values of mixed types, booleans that some runs lack */
static char kind_of(const parameter *q, int64_t runs) {
  if (q->with[TW_VALUE_FLOAT] + q->with[TW_VALUE_INT] == q->present) return q->with[TW_VALUE_FLOAT] == 0 && q->present == runs ? 'i' : 'n';
  return q->with[TW_VALUE_BOOL] == runs ? 'b' : 'c';
}

static tw_text label_of(tw__pack *p, const tw_value *v) {
  if (v->type == TW_VALUE_TEXT) return v->as.t;
  if (v->type == TW_VALUE_FLOAT) return tw__pack_format(p, "%.17g", v->as.f);
  if (v->type == TW_VALUE_INT) return tw__pack_format(p, "%lld", (long long)v->as.i);
  return tw_text_of(v->as.i ? "true" : "false");
}

/* Labels for people and flag_meanings: one word each, [A-Za-z0-9_.+-], no two alike. */
static tw_text flag_meanings(tw__pack *p, const tw_text *labels, size_t n) {
  enum { MOST_CATEGORIES = 1000, MOST_BYTES = 32768 };
  size_t bytes = 0;
  for (size_t i = 0; i < n; i++) bytes += labels[i].n + 8;
  if (n > MOST_CATEGORIES || bytes > MOST_BYTES) return (tw_text){"", 0};
  tw__map taken = {0};
  char *all = tw__pack_take(p, 2 * bytes + 1), *at = all;
  for (size_t i = 0; i < n && tw__pack_ok(p); i++) {
    if (i) *at++ = ' ';
    char *word = at;
    for (size_t k = 0; k < labels[i].n; k++) {
      char c = labels[i].s[k];
      bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '+' || c == '-';
      *at++ = plain ? c : '_';
    }
    if (at == word) *at++ = '_';
    size_t stem = (size_t)(at - word);
    for (int copy = 2; tw__map_get(&taken, (tw_text){word, (size_t)(at - word)}) >= 0 && copy < 10000; copy++)
      at = word + stem + sprintf(word + stem, "_%d", copy);
    if (!tw__map_put(&taken, (tw_text){word, (size_t)(at - word)}, 0)) tw__pack_no_memory(p);
  }
  tw__map_free(&taken);
  return tw__pack_ok(p) ? (tw_text){all, (size_t)(at - all)} : (tw_text){"", 0};
}

static hid_t write_categories(tw__pack *p, const parameter *q, hid_t labels_group) {
  size_t runs = p->s->n_rows, n = 0, capacity = 0;
  int64_t *codes = tw__pack_take(p, runs * sizeof *codes);
  tw_text *labels = NULL;
  tw__map index = {0};
  for (size_t i = 0; i < runs && tw__pack_ok(p); i++) {
    codes[i] = -1;
    if (!q->values[i]) continue;
    tw_text label = label_of(p, q->values[i]);
    codes[i] = tw__map_get(&index, label);
    if (codes[i] >= 0) continue;
    codes[i] = (int64_t)n;
    tw_text *place = TW__PUSH(labels, n, capacity);
    if (!place || !tw__map_put(&index, label, codes[i])) tw__pack_no_memory(p);
    else *place = label;
  }
  hid_t type = n > INT16_MAX ? H5T_STD_I32LE : H5T_STD_I16LE;
  hid_t d = tw__pack_column(p, p->file, q->column.s, type, H5T_NATIVE_INT64, codes);
  tw_text meanings = flag_meanings(p, labels, n);
  if (meanings.n) {
    int64_t *values = tw__pack_take(p, n * sizeof *values);
    for (size_t i = 0; i < n && values; i++) values[i] = (int64_t)i;
    tw__pack_attr_int(p, d, "flag_values", type, values, n);
    tw__pack_attr_text(p, d, "flag_meanings", meanings);
  }
  tw__pack_texts(p, labels_group, q->column.s, labels, (int64_t)n, false);
  tw__map_free(&index);
  tw_free(labels);
  return d;
}

static hid_t write_numbers(tw__pack *p, const parameter *q, char kind) {
  size_t runs = p->s->n_rows;
  if (kind == 'n') {
    double *x = tw__pack_take(p, runs * sizeof *x);
    for (size_t i = 0; i < runs && x; i++) {
      const tw_value *v = q->values[i];
      x[i] = !v ? TW__NAN : v->type == TW_VALUE_FLOAT ? v->as.f : (double)v->as.i;
    }
    return tw__pack_column(p, p->file, q->column.s, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, x);
  }
  int64_t *x = tw__pack_take(p, runs * sizeof *x);
  for (size_t i = 0; i < runs && x; i++) x[i] = q->values[i]->as.i;
  return tw__pack_column(p, p->file, q->column.s, kind == 'b' ? H5T_STD_I8LE : H5T_STD_I64LE, H5T_NATIVE_INT64, x);
}

void tw__pack_parameters(tw__pack *p, hid_t labels) {
  static const int64_t one = 1;
  size_t n;
  parameter *list = collect(p, &n);
  tw__map columns = {0};
  for (size_t k = 0; k < n && tw__pack_ok(p); k++) {
    const parameter *q = &list[k];
    int64_t other = tw__map_get(&columns, q->column);
    if (other >= 0) p->status = same_column(list[other].name, q->name, q->column, p->e);
    else if (!tw__map_put(&columns, q->column, (int64_t)k)) tw__pack_no_memory(p);
    if (!tw__pack_ok(p)) break;
    char kind = kind_of(q, (int64_t)p->s->n_rows);
    hid_t d = kind == 'c' ? write_categories(p, q, labels) : write_numbers(p, q, kind);
    tw__pack_attr_text(p, d, "long_name", q->name);
    if (kind == 'b') tw__pack_attr_text(p, d, "dtype", tw_text_of("bool"));
    if (q->nested) tw__pack_attr_int(p, d, "nested", H5T_STD_I32LE, &one, 1);
    tw__pack_close(p, d);
    if (p->coordinates.n + q->column.n < 50000) p->coordinates = tw__pack_join(p, p->coordinates, q->column);
  }
  tw__map_free(&columns);
  tw_free(list);
}
