/* The sweep's frame: what it owns, how runs are found, ordered and kept, and the simple questions about it. */
#include "record/sweep.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

tw_status tw__out_of_memory(tw_error *e) { return tw_fail(e, TW_ENOMEM, "sweep: out of memory"); }

void *tw__push(void **array, size_t *n, size_t *capacity, size_t bytes) {
  void *moved = tw_grow(*array, capacity, *n, bytes);
  if (!moved) return NULL;
  *array = moved;
  void *place = (char *)moved + *n * bytes;
  memset(place, 0, bytes);
  ++*n;
  return place;
}

void tw_sweep_free(tw_sweep *s) {
  if (!s) return;
  for (size_t i = 0; i < s->n_plans; i++) tw_plan_clear(&s->plans[i]);
  for (size_t i = 0; i < s->n_layouts; i++) tw_layout_clear(&s->layouts[i]->layout);
  for (size_t i = 0; i < s->n_readers; i++) tw_reader_free(s->readers[i]);
  for (size_t i = 0; i < s->n_files; i++) tw__h5_close(s->files[i]);
  tw__map_free(&s->by_id);
  tw__map_free(&s->by_signature);
  tw__map_free(&s->by_variable);
  tw__map_free(&s->by_name);
  void *const arrays[] = {s->meta, s->history, s->runs, s->order, s->readers, s->plans, s->layouts, s->files, s->signatures, s->rows, s->variables,
                          s->streams, s->row_counts, s->results, s->result_values};
  for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) tw_free(arrays[i]);
  tw__arena_free(&s->arena);
  tw_free(s);
}

/* Files first, then journals: a directory beside a file is the newer half of the same sweep, and its plan is the one in force. */
tw_status tw_sweep_load(const char *const *paths, size_t n, tw_sweep **out, tw_error *e) {
  *out = NULL;
  tw_sweep *s = tw_calloc(1, sizeof *s);
  tw_status status = s ? TW_OK : tw__out_of_memory(e);
  for (int pass = 0; pass < 2; pass++)
    for (size_t i = 0; i < n && status == TW_OK; i++) {
      struct stat st;
      if (stat(paths[i], &st) != 0) status = tw_fail_errno(e, "load", paths[i]);
      else if (pass == 0 && !S_ISDIR(st.st_mode)) status = tw__sweep_add_h5(s, paths[i], e);
      else if (pass == 1 && S_ISDIR(st.st_mode)) status = tw__sweep_add_journals(s, paths[i], e);
    }
  if (status == TW_OK) status = tw__sweep_seal(s, e);
  if (status == TW_OK) *out = s;
  else tw_sweep_free(s);
  return status;
}

/* ---- runs ---- */

static tw_text id_key(const int64_t *id) { return (tw_text){(const char *)id, sizeof *id}; }

tw__run *tw__sweep_need(tw_sweep *s, int64_t id) {
  int64_t at = tw__map_get(&s->by_id, id_key(&id));
  if (at >= 0) return s->runs[at];
  tw__run *r = tw__arena_take(&s->arena, sizeof *r);
  if (!r) return NULL;
  r->run.id = id;
  r->run.status = TW_RUN_PENDING;
  if (!tw__map_put(&s->by_id, id_key(&r->run.id), (int64_t)s->n_runs)) return NULL;
  tw__run **place = TW__PUSH(s->runs, s->n_runs, s->runs_capacity);
  if (place) *place = r;
  return place ? r : NULL;
}

static int rank(const tw__entry *x) { return !x->ended ? 0 : tw_run_has_result(x->status) ? 2 : 1; }

void tw__sweep_offer(tw__run *r, tw__entry *fresh) {
  const tw__entry *old = r->chosen;
  bool better = !old || rank(fresh) > rank(old) || (rank(fresh) == rank(old) && rank(old) < 2 && fresh->attempt >= old->attempt);
  if (better) r->chosen = fresh;
}

static bool order_append(tw_sweep *s, tw__run *r) {
  if (r->ordered) return true;
  tw__run **place = TW__PUSH(s->order, s->n_order, s->order_capacity);
  if (!place) return false;
  *place = r;
  return r->ordered = true;
}

tw_status tw__sweep_put_order(tw_sweep *s, const int64_t *ids, size_t n, tw__order_mode mode, tw_error *e) {
  bool first = mode == TW__LEAD;
  if (mode == TW__MERGE) {
    size_t known = 0;
    for (size_t i = 0; i < n; i++) {
      int64_t at = tw__map_get(&s->by_id, id_key(&ids[i]));
      known += at >= 0 && s->runs[at]->ordered;
    }
    first = known == s->n_order;
  }
  tw__run **old = s->order;
  size_t n_old = s->n_order;
  if (first) {
    for (size_t i = 0; i < n_old; i++) old[i]->ordered = false;
    s->order = NULL;
    s->n_order = s->order_capacity = 0;
  }
  bool ok = true;
  for (size_t i = 0; i < n && ok; i++) {
    tw__run *r = tw__sweep_need(s, ids[i]);
    ok = r && order_append(s, r);
  }
  if (first) {
    for (size_t i = 0; i < n_old && ok; i++) ok = order_append(s, old[i]);
    tw_free(old);
  }
  return ok ? TW_OK : tw__out_of_memory(e);
}

/* ---- meta: the last text of a key counts; history lines gather ---- */

static tw_status put_history(tw_sweep *s, tw_text line, tw_error *e) {
  for (size_t i = 0; i < s->n_history; i++)
    if (tw_text_equal(s->history[i], line)) return TW_OK;
  tw_text *place = TW__PUSH(s->history, s->n_history, s->history_capacity);
  return place && tw__arena_text(&s->arena, line, place) ? TW_OK : tw__out_of_memory(e);
}

tw_status tw__sweep_put_meta(tw_sweep *s, tw_text key, tw_text text, tw_error *e) {
  if (tw_text_equal(key, tw_text_of("history"))) return text.n ? put_history(s, text, e) : TW_OK;
  tw_meta *at = NULL;
  for (size_t i = 0; i < s->n_meta && !at; i++)
    if (tw_text_equal(s->meta[i].key, key)) at = &s->meta[i];
  if (!at) {
    at = TW__PUSH(s->meta, s->n_meta, s->meta_capacity);
    if (!at || !tw__arena_text(&s->arena, key, &at->key)) return tw__out_of_memory(e);
  }
  return tw__arena_text(&s->arena, text, &at->text) ? TW_OK : tw__out_of_memory(e);
}

bool tw_sweep_meta(const tw_sweep *s, const char *key, tw_text *out) {
  for (size_t i = 0; i < s->n_meta; i++)
    if (tw_text_equal(s->meta[i].key, tw_text_of(key))) return *out = s->meta[i].text, true;
  return false;
}

const tw_meta *tw_sweep_meta_all(const tw_sweep *s, size_t *n) { return *n = s->n_meta, s->meta; }
const tw_text *tw_sweep_history(const tw_sweep *s, size_t *n) { return *n = s->n_history, s->history; }

/* ---- a PLAN frame: its texts lend from the frame, which must live as long as the sweep ---- */

tw_status tw__sweep_take_plan(tw_sweep *s, const tw_frame *f, tw__order_mode mode, tw_error *e) {
  tw_plan *p = TW__PUSH(s->plans, s->n_plans, s->plans_capacity);
  if (!p) return tw__out_of_memory(e);
  tw_status status = tw_plan_decode(f, p, e);
  if (status != TW_OK) return status;
  for (size_t i = 0; i < p->n_meta; i++) {
    status = tw__sweep_put_meta(s, p->meta[i].key, p->meta[i].text, e);
    if (status != TW_OK) return status;
  }
  int64_t *ids = tw_calloc(p->n_runs, sizeof *ids);
  if (!ids) return tw__out_of_memory(e);
  for (size_t i = 0; i < p->n_runs && status == TW_OK; i++) {
    const tw_plan_run *from = &p->runs[i];
    tw__run *r = tw__sweep_need(s, from->id);
    if (!r) status = tw__out_of_memory(e);
    ids[i] = from->id;
    if (!r || r->planned) continue;
    r->planned = true;
    r->run.seed = from->seed;
    r->run.rep = from->rep;
    r->run.text = from->text;
    r->run.values = from->values;
    r->run.n_values = from->n_values;
  }
  if (status == TW_OK && p->n_order) status = tw__sweep_put_order(s, p->order, p->n_order, mode, e);
  if (status == TW_OK) status = tw__sweep_put_order(s, ids, p->n_runs, TW__FOLLOW, e);
  tw_free(ids);
  return status;
}

/* ---- questions ---- */

size_t tw_sweep_runs(const tw_sweep *s) { return s->n_rows; }
const tw_run *tw_sweep_run(const tw_sweep *s, size_t row) { return &s->rows[row]->run; }
size_t tw_sweep_variables(const tw_sweep *s) { return s->n_variables; }
const tw_variable *tw_sweep_variable(const tw_sweep *s, size_t i) { return &s->variables[i]; }
size_t tw_sweep_streams(const tw_sweep *s) { return s->n_streams; }
const tw_stream *tw_sweep_stream(const tw_sweep *s, size_t i) { return &s->streams[i]; }
int64_t tw_sweep_torn(const tw_sweep *s) { return s->torn; }
int64_t tw_sweep_rows(const tw_sweep *s, size_t row, size_t stream) { return s->row_counts[stream * s->n_rows + row]; }
size_t tw_sweep_results(const tw_sweep *s) { return s->n_results; }
tw_text tw_sweep_result_name(const tw_sweep *s, size_t i) { return s->results[i]; }
double tw_sweep_result(const tw_sweep *s, size_t row, size_t i) { return s->result_values[i * s->n_rows + row]; }

int tw_sweep_find(const tw_sweep *s, tw_text variable) {
  int64_t at = tw__map_get(&s->by_name, variable);
  return at >= 0 && (size_t)at < s->n_variables ? (int)at : -1;
}

bool tw_sweep_logged(const tw_sweep *s, size_t row, size_t variable) {
  const tw__entry *x = s->rows[row]->chosen;
  for (uint32_t i = 0; x && x->signature && i < x->signature->n; i++)
    if (x->signature->items[i].variable == (int32_t)variable) return true;
  return false;
}
