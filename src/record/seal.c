/* Sealing: once every source is in, the rows' order, configurations, variables, streams, step axes and results are fixed. All of it follows from the
 * plan and the runs alone, so that equal sweeps give equal files whoever ran them. */
#include "record/sweep.h"

#include <stdlib.h>

/* ---- rows ---- */

static tw_status seal_rows(tw_sweep *s, tw_error *e) {
  s->rows = tw_calloc(s->n_order, sizeof *s->rows);
  if (!s->rows) return tw__out_of_memory(e);
  for (size_t i = 0; i < s->n_order; i++) {
    tw__run *r = s->order[i];
    if (!r->planned) continue;
    s->rows[s->n_rows++] = r;
    const tw__entry *x = r->chosen;
    r->run.status = !x ? TW_RUN_PENDING : x->ended ? x->status : TW_RUN_RUNNING;
    r->run.attempt = x ? x->attempt : 0;
    r->run.worker = x ? x->worker : -1;
    r->run.lanes = x ? x->lanes : 0;
    r->run.start_time = x ? x->start_time : TW__NAN;
    r->run.wall_time = x ? x->wall_time : TW__NAN;
    r->run.cpu_time = x ? x->cpu_time : TW__NAN;
    r->run.message = x ? x->message : (tw_text){"", 0};
    r->run.log = x ? x->log : (tw_text){"", 0};
  }
  return TW_OK;
}

/* config: the place of the canonical text. repeat: rep - 1 unless another row of the configuration has it (another root seed), then the next free. */
static tw_status seal_configs(tw_sweep *s, tw_error *e) {
  tw__map configs = {0}, taken = {0};
  int32_t *next = tw_calloc(s->n_rows, sizeof *next), n_configs = 0;
  struct { int32_t config, repeat; } *keys = tw_calloc(s->n_rows, sizeof *keys);
  tw_status status = next && keys ? TW_OK : tw__out_of_memory(e);
  for (size_t i = 0; i < s->n_rows && status == TW_OK; i++) {
    tw_run *r = &s->rows[i]->run;
    int64_t config = tw__map_get(&configs, r->text);
    if (config < 0) {
      config = n_configs++;
      if (!tw__map_put(&configs, r->text, config)) { status = tw__out_of_memory(e); break; }
    }
    r->config = (int32_t)config;
    r->repeat = r->rep - 1;
    for (;;) {
      keys[i].config = r->config;
      keys[i].repeat = r->repeat;
      if (tw__map_get(&taken, (tw_text){(const char *)&keys[i], sizeof *keys}) < 0) break;
      if (next[config] <= r->repeat) next[config] = r->repeat + 1;
      r->repeat = next[config]++;
    }
    if (!tw__map_put(&taken, (tw_text){(const char *)&keys[i], sizeof *keys}, 0)) status = tw__out_of_memory(e);
  }
  tw__map_free(&configs);
  tw__map_free(&taken);
  tw_free(next);
  tw_free(keys);
  return status;
}

/* ---- signatures of the runs that came from journals ---- */

typedef struct {
  tw__logged *items;
  size_t n, capacity;
  uint32_t *ordinal;
  size_t n_ordinal, ordinal_capacity;
} gathered;

static tw_status gather_layout(gathered *g, const tw_layout *l, tw_error *e) {
  for (uint32_t c = 0; c < l->n_columns; c++) {
    const tw_column *col = &l->columns[c];
    tw__logged *at = NULL;
    for (size_t i = 0; i < g->n && !at; i++)
      if (tw_text_equal(g->items[i].metric, col->metric) && tw_text_equal(g->items[i].stream, l->stream)) at = &g->items[i];
    if (at) { /* the same metric in a later layout: only its type may have grown */
      if (col->type == TW_COLUMN_F64) at->type = TW_COLUMN_F64;
      continue;
    }
    at = TW__PUSH(g->items, g->n, g->capacity);
    uint32_t *ordinal = TW__PUSH(g->ordinal, g->n_ordinal, g->ordinal_capacity);
    if (!at || !ordinal) return tw__out_of_memory(e);
    *at = (tw__logged){.stream = l->stream, .metric = col->metric, .type = col->type, .ndim = col->ndim, .elements = col->elements, .variable = -1};
    memcpy(at->shape, col->shape, sizeof at->shape);
    *ordinal = col->ordinal;
  }
  return TW_OK;
}

/* By ordinal; an insertion sort, for a run's columns are few and nearly in order. */
static void sort_gathered(gathered *g) {
  for (size_t i = 1; i < g->n; i++) {
    tw__logged x = g->items[i];
    uint32_t ordinal = g->ordinal[i];
    size_t j = i;
    for (; j > 0 && g->ordinal[j - 1] > ordinal; j--) {
      g->items[j] = g->items[j - 1];
      g->ordinal[j] = g->ordinal[j - 1];
    }
    g->items[j] = x;
    g->ordinal[j] = ordinal;
  }
}

static tw_status seal_signatures(tw_sweep *s, tw_error *e) {
  gathered g = {0};
  tw_status status = TW_OK;
  for (size_t i = 0; i < s->n_rows && status == TW_OK; i++) {
    tw__entry *x = s->rows[i]->chosen;
    if (!x || x->h5) continue;
    g.n = g.n_ordinal = 0;
    const tw__layout *previous = NULL;
    for (const tw__block *b = x->first; b && status == TW_OK; b = b->next) {
      if (b->layout != previous) status = gather_layout(&g, &b->layout->layout, e);
      previous = b->layout;
    }
    if (status != TW_OK) break;
    sort_gathered(&g);
    status = tw__sweep_signature(s, g.items, (uint32_t)g.n, &x->signature, e);
  }
  tw_free(g.items);
  tw_free(g.ordinal);
  return status;
}

/* ---- variables and streams, in the order of first appearance ---- */

static int find_stream(const tw_sweep *s, tw_text name) {
  for (size_t i = 0; i < s->n_streams; i++)
    if (tw_text_equal(s->streams[i].name, name)) return (int)i;
  return -1;
}

static bool add_stream(tw_sweep *s, tw_text name) {
  tw_stream *st = TW__PUSH(s->streams, s->n_streams, s->streams_capacity);
  const char *bar = name.n ? "_" : "";
  if (!st) return false;
  st->name = name;
  tw_text count;
  bool ok = tw__arena_format(&s->arena, &count, "n_%.*s", name.n ? (int)name.n : 5, name.n ? name.s : "steps");
  if (!ok || !tw__map_put(&s->by_name, count, INT32_MAX)) return false;
  return tw__arena_format(&s->arena, &st->step, "%.*s%sstep", (int)name.n, name.s, bar) && tw__map_put(&s->by_name, st->step, INT32_MAX) &&
         tw__arena_format(&s->arena, &st->idx, "%.*s%sidx", (int)name.n, name.s, bar) && tw__map_put(&s->by_name, st->idx, INT32_MAX);
}

/* A name nobody has: where the wanted one is taken, underscores are added. */
static bool claim(tw_sweep *s, tw_text *out, int64_t value, tw_text base, const char *suffix) {
  const char *prefix = !*suffix && tw_name_reserved(base) ? "metric_" : ""; /* no logbook lets one through */
  if (!tw__arena_format(&s->arena, out, "%s%.*s%s", prefix, (int)base.n, base.s, suffix)) return false;
  while (tw__map_get(&s->by_name, *out) >= 0)
    if (!tw__arena_format(&s->arena, out, "%.*s_", (int)out->n, out->s)) return false;
  return tw__map_put(&s->by_name, *out, value);
}

/* The larger of two shapes; the one with fewer axes is thought to have axes of length one in front. */
static tw_status grow_shape(tw_variable *v, const tw__logged *x, tw_error *e) {
  int n = v->ndim > x->ndim ? v->ndim : x->ndim;
  int64_t shape[TW_COLUMN_MAX_DIM] = {0}, elements = 1;
  for (int i = 0; i < n; i++) {
    int a = i - (n - v->ndim), b = i - (n - x->ndim);
    int64_t da = a < 0 ? 1 : v->shape[a], db = b < 0 ? 1 : x->shape[b];
    shape[i] = da > db ? da : db;
    if (shape[i] > (int64_t)TW_FRAME_MAX_PAYLOAD / elements)
      return tw_fail(e, TW_EINVAL, "sweep: the shapes of a metric differ too much: metric is %s", v->name.s);
    elements *= shape[i];
  }
  memcpy(v->shape, shape, sizeof shape);
  v->ndim = (uint8_t)n;
  v->elements = elements;
  return TW_OK;
}

static tw_status add_variable(tw_sweep *s, tw__logged *x, tw_error *e) {
  tw_text key, full;
  if (!tw__arena_format(&s->arena, &key, "%.*s/%.*s", (int)x->stream.n, x->stream.s, (int)x->metric.n, x->metric.s)) return tw__out_of_memory(e);
  int64_t at = tw__map_get(&s->by_variable, key);
  if (at < 0) {
    at = (int64_t)s->n_variables;
    tw_variable *v = TW__PUSH(s->variables, s->n_variables, s->variables_capacity);
    if (!v || !tw__map_put(&s->by_variable, key, at)) return tw__out_of_memory(e);
    v->stream = x->stream;
    v->metric = x->metric;
    v->type = x->type;
    v->stream_index = (uint32_t)find_stream(s, x->stream);
    v->elements = 1;
    v->ndim = x->ndim;
    for (int i = 0; i < x->ndim; i++) v->shape[i] = 1;
    const char *bar = x->stream.n ? "_" : "";
    if (!tw__arena_format(&s->arena, &full, "%.*s%s%.*s", (int)x->stream.n, x->stream.s, bar, (int)x->metric.n, x->metric.s) ||
        !claim(s, &v->name, at, full, ""))
      return tw__out_of_memory(e);
  }
  tw_variable *v = &s->variables[at];
  if (x->type == TW_COLUMN_F64) v->type = TW_COLUMN_F64;
  x->variable = (int32_t)at;
  return grow_shape(v, x, e);
}

/* Calls f for each signature in row order, once. */
static tw_status each_signature(tw_sweep *s, tw_status (*f)(tw_sweep *, tw__signature *, tw_error *), tw_error *e) {
  for (size_t i = 0; i < s->n_signatures; i++) s->signatures[i]->number = -1;
  tw_status status = TW_OK;
  for (size_t i = 0; i < s->n_rows && status == TW_OK; i++) {
    const tw__entry *x = s->rows[i]->chosen;
    if (!x || !x->signature || x->signature->number == 0) continue;
    tw__signature *sig = s->signatures[tw__map_get(&s->by_signature, x->signature->text)];
    sig->number = 0;
    status = f(s, sig, e);
  }
  return status;
}

static tw_status streams_of(tw_sweep *s, tw__signature *sig, tw_error *e) {
  for (uint32_t i = 0; i < sig->n; i++)
    if (find_stream(s, sig->items[i].stream) < 0 && !add_stream(s, sig->items[i].stream)) return tw__out_of_memory(e);
  return TW_OK;
}

static tw_status variables_of(tw_sweep *s, tw__signature *sig, tw_error *e) {
  tw_status status = TW_OK;
  for (uint32_t i = 0; i < sig->n && status == TW_OK; i++) status = add_variable(s, &sig->items[i], e);
  return status;
}

static tw_status seal_variables(tw_sweep *s, tw_error *e) {
  if (!add_stream(s, (tw_text){"", 0})) return tw__out_of_memory(e);
  tw_status status = each_signature(s, streams_of, e);
  if (status == TW_OK) status = each_signature(s, variables_of, e);
  if (status != TW_OK) return status;
  static const char *const suffix[TW_N_SUMMARIES] = {"_final", "_min", "_max", "_argmin"};
  for (size_t i = 0; i < s->n_variables; i++) {
    tw_variable *v = &s->variables[i];
    bool ok = true;
    for (int k = 0; k < TW_N_SUMMARIES && v->ndim == 0; k++) ok = ok && claim(s, &v->summary[k], INT32_MAX, v->name, suffix[k]);
    for (int d = 0; d < v->ndim; d++) {
      char dim[8] = {'_', 'd', 'i', 'm', v->ndim > 1 ? (char)('0' + d) : 0};
      ok = ok && claim(s, &v->axis[d], INT32_MAX, v->name, dim);
    }
    if (!ok) return tw__out_of_memory(e);
  }
  for (size_t i = 0; i < s->n_layouts; i++) {
    tw__layout *l = s->layouts[i];
    l->column_of = tw__arena_take(&s->arena, (s->n_variables + 1) * sizeof *l->column_of);
    if (!l->column_of) return tw__out_of_memory(e);
    for (size_t k = 0; k < s->n_variables; k++) {
      l->column_of[k] = -1;
      for (uint32_t c = 0; c < l->layout.n_columns; c++)
        if (tw_text_equal(l->layout.columns[c].metric, s->variables[k].metric) && tw_text_equal(l->layout.stream, s->variables[k].stream))
          l->column_of[k] = (int32_t)c;
    }
  }
  return TW_OK;
}

/* ---- step axes ---- */

static int64_t count_rows(const tw_sweep *s, const tw__entry *x, size_t stream) {
  if (!x) return 0;
  if (x->h5) return tw__h5_rows(x->h5, s->streams[stream].name, x->h5_row);
  int64_t n = 0;
  for (const tw__block *b = x->first; b; b = b->next)
    if (tw_text_equal(b->layout->layout.stream, s->streams[stream].name)) n += b->frame.rows;
  return n;
}

static tw_status seal_axis(tw_sweep *s, size_t stream, int64_t *scratch, tw_error *e) {
  tw_stream *st = &s->streams[stream];
  size_t longest = 0;
  for (size_t i = 0; i < s->n_rows; i++)
    if (tw_sweep_rows(s, i, stream) > tw_sweep_rows(s, longest, stream)) longest = i;
  st->axis = tw__arena_take(&s->arena, (size_t)st->length * sizeof *st->axis);
  if (!st->axis) return tw__out_of_memory(e);
  tw_status status = tw_sweep_steps(s, longest, stream, st->axis, e);
  st->shared = true;
  for (size_t i = 0; i < s->n_rows && status == TW_OK && st->shared; i++) {
    int64_t n = tw_sweep_rows(s, i, stream);
    if (n == 0) continue;
    status = tw_sweep_steps(s, i, stream, scratch, e);
    st->shared = status == TW_OK && memcmp(scratch, st->axis, (size_t)n * sizeof *scratch) == 0;
  }
  return status;
}

static tw_status seal_streams(tw_sweep *s, tw_error *e) {
  s->row_counts = tw_calloc(s->n_streams * s->n_rows, sizeof *s->row_counts);
  if (!s->row_counts) return tw__out_of_memory(e);
  tw_status status = TW_OK;
  for (size_t k = 0; k < s->n_streams && status == TW_OK; k++) {
    tw_stream *st = &s->streams[k];
    for (size_t i = 0; i < s->n_rows; i++) {
      int64_t n = count_rows(s, s->rows[i]->chosen, k);
      s->row_counts[k * s->n_rows + i] = n;
      if (n > INT32_MAX) return tw_fail(e, TW_EINVAL, "sweep: a run has too many rows: run %014llx", (unsigned long long)s->rows[i]->run.id);
      if (n > st->length) st->length = n;
    }
    if (st->length == 0) continue;
    int64_t *scratch = tw_calloc((size_t)st->length, sizeof *scratch);
    status = scratch ? seal_axis(s, k, scratch, e) : tw__out_of_memory(e);
    tw_free(scratch);
  }
  return status;
}

/* ---- results ---- */

static int by_text(const void *a, const void *b) { return tw_text_compare(*(const tw_text *)a, *(const tw_text *)b); }

static tw_status seal_results(tw_sweep *s, tw_error *e) {
  tw__map names = {0};
  tw_status status = TW_OK;
  for (size_t i = 0; i < s->n_rows && status == TW_OK; i++)
    for (const tw__result *r = s->rows[i]->chosen ? s->rows[i]->chosen->results : NULL; r && status == TW_OK; r = r->next) {
      if (tw__map_get(&names, r->name) >= 0) continue;
      tw_text *place = TW__PUSH(s->results, s->n_results, s->results_capacity);
      if (!place || !tw__map_put(&names, r->name, 0)) status = tw__out_of_memory(e);
      else *place = r->name;
    }
  if (status == TW_OK && s->n_results) qsort(s->results, s->n_results, sizeof *s->results, by_text);
  s->result_values = status == TW_OK ? tw_alloc(s->n_results * s->n_rows * sizeof *s->result_values) : NULL;
  if (status == TW_OK && !s->result_values) status = tw__out_of_memory(e);
  for (size_t k = 0; k < s->n_results && status == TW_OK; k++)
    if (!tw__map_put(&names, s->results[k], (int64_t)k)) status = tw__out_of_memory(e);
  for (size_t i = 0; i < s->n_results * s->n_rows && status == TW_OK; i++) s->result_values[i] = TW__NAN;
  for (size_t i = 0; i < s->n_rows && status == TW_OK; i++) {
    for (const tw__result *r = s->rows[i]->chosen ? s->rows[i]->chosen->results : NULL; r; r = r->next) {
      bool later = false; /* the list has the latest first: an earlier value of the same name is passed over */
      for (const tw__result *q = s->rows[i]->chosen->results; q != r && !later; q = q->next) later = tw_text_equal(q->name, r->name);
      if (!later) s->result_values[(size_t)tw__map_get(&names, r->name) * s->n_rows + i] = r->value;
    }
  }
  tw__map_free(&names);
  return status;
}

/* So that a run's part of a trace can be counted in bytes. */
static tw_status check_sizes(const tw_sweep *s, tw_error *e) {
  for (size_t i = 0; i < s->n_variables; i++) {
    const tw_variable *v = &s->variables[i];
    int64_t most = ((int64_t)1 << 40) / v->elements;
    if (s->streams[v->stream_index].length > most) return tw_fail(e, TW_EINVAL, "sweep: a metric is too big for one file: metric is %s", v->name.s);
  }
  return TW_OK;
}

tw_status tw__sweep_seal(tw_sweep *s, tw_error *e) {
  tw_status status = seal_rows(s, e);
  if (status == TW_OK) status = seal_configs(s, e);
  if (status == TW_OK) status = seal_signatures(s, e);
  if (status == TW_OK) status = seal_variables(s, e);
  if (status == TW_OK) status = seal_streams(s, e);
  if (status == TW_OK) status = check_sizes(s, e);
  if (status == TW_OK) status = seal_results(s, e);
  return status;
}
