/* A sweep's own HDF5 file as a source: plan, columns, messages at once, traces later and only where they are asked for.
 * Every dataset is checked against the number of runs before it is read. */
#include "record/h5_source.h"

#include <stdlib.h>

typedef struct {
  tw_sweep *s;
  tw__h5 *h;
  const char *path;
  int64_t n; /* runs */
  tw_error *e;
  tw_status status; /* the first failure; everything after it is skipped */
} loader;

static void damaged(loader *l, const char *what) {
  if (l->status == TW_OK) l->status = tw_fail(l->e, TW_ECORRUPT, "load: %s: not as a sweep's file should be: %s", l->path, what);
}

static void no_memory(loader *l) {
  if (l->status == TW_OK) l->status = tw__out_of_memory(l->e);
}

static void *column(loader *l, const char *name, hid_t type, size_t item) {
  if (l->status != TW_OK) return NULL;
  void *data = tw__arena_take(&l->s->arena, (size_t)l->n * item);
  if (!data) no_memory(l);
  else if (!tw__h5_column(l->h->file, name, type, l->n, data)) damaged(l, name);
  return l->status == TW_OK ? data : NULL;
}

static tw_text *texts(loader *l, const char *path, int64_t n) {
  if (l->status != TW_OK) return NULL;
  tw_text *data = tw__arena_take(&l->s->arena, (size_t)n * sizeof *data);
  if (!data) no_memory(l);
  else if (!tw__h5_texts(l->h->file, path, n, &l->s->arena, data)) damaged(l, path);
  return l->status == TW_OK ? data : NULL;
}

/* The length of a [n] dataset, or -1. */
static int64_t length_of(loader *l, const char *path) {
  hsize_t n;
  hid_t d = tw__h5_open(l->h->file, path, 1, -1, &n);
  if (d < 0) return -1;
  H5Dclose(d);
  return (int64_t)n;
}

static bool exists(loader *l, const char *path) { return H5Lexists(l->h->file, path, H5P_DEFAULT) > 0; }

/* ---- root attributes and /provenance ---- */

static void put_meta(loader *l, const char *key, tw_text text) {
  if (l->status == TW_OK) l->status = tw__sweep_put_meta(l->s, tw_text_of(key), text, l->e);
}

static void load_header(loader *l) {
  tw__arena *a = &l->s->arena;
  tw_text schema, version, text;
  hid_t root = H5Gopen2(l->h->file, "/", H5P_DEFAULT);
  if (root < 0 || !tw__h5_attr_text(root, "schema", a, &schema) || !tw_text_equal(schema, tw_text_of(TW__SCHEMA))) damaged(l, "no thalweg schema");
  else if (!tw__h5_attr_text(root, "schema_version", a, &version) || version.n < 2 || memcmp(version.s, "1.", 2) != 0)
    damaged(l, "its schema version is not 1");
  if (l->status == TW_OK && tw__h5_attr_text(root, "date_created", a, &text)) put_meta(l, "date_created", text);
  if (l->status == TW_OK && tw__h5_attr_text(root, "id", a, &text)) put_meta(l, "uuid", text);
  if (root >= 0) H5Gclose(root);
}

/* A scalar text dataset. */
static bool scalar_text(hid_t group, const char *name, tw__arena *a, tw_text *out) {
  hid_t d = H5Dopen2(group, name, H5P_DEFAULT), type = d < 0 ? -1 : H5Dget_type(d), space = d < 0 ? -1 : H5Dget_space(d), memory = tw__h5_text_type(0);
  char *p = NULL;
  bool ok = space >= 0 && H5Sget_simple_extent_type(space) == H5S_SCALAR && type >= 0 && H5Tget_class(type) == H5T_STRING &&
            H5Tis_variable_str(type) > 0 && memory >= 0 && H5Dread(d, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, &p) >= 0;
  if (ok) {
    ok = tw__arena_text(a, tw_text_of(p ? p : ""), out);
    H5Dvlen_reclaim(memory, space, H5P_DEFAULT, &p);
  }
  if (memory >= 0) H5Tclose(memory);
  if (space >= 0) H5Sclose(space);
  if (type >= 0) H5Tclose(type);
  if (d >= 0) H5Dclose(d);
  return ok;
}

static bool is_dataset(hid_t group, const char *name) {
  H5O_info_t info;
  return H5Oget_info_by_name2(group, name, &info, H5O_INFO_BASIC, H5P_DEFAULT) >= 0 && info.type == H5O_TYPE_DATASET;
}

static void load_provenance(loader *l) {
  if (l->status != TW_OK || !exists(l, "provenance")) return;
  hid_t group = H5Gopen2(l->h->file, "provenance", H5P_DEFAULT);
  tw_text *names = NULL, text;
  size_t n = 0;
  if (group < 0 || !tw__h5_names(group, &l->s->arena, &names, &n)) damaged(l, "/provenance");
  for (size_t i = 0; i < n && l->status == TW_OK; i++) {
    if (strcmp(names[i].s, "history") == 0 || !is_dataset(group, names[i].s)) continue;
    if (scalar_text(group, names[i].s, &l->s->arena, &text)) put_meta(l, names[i].s, text);
  }
  tw_free(names);
  if (group >= 0) H5Gclose(group);
  int64_t lines = exists(l, "provenance/history") ? length_of(l, "provenance/history") : 0;
  const tw_text *history = lines > 0 ? texts(l, "provenance/history", lines) : NULL;
  for (int64_t i = 0; history && i < lines; i++) put_meta(l, "history", history[i]);
}

/* ---- parameters ---- */

typedef struct {
  tw_text parameter;
  char kind; /* n number, i integer, b boolean, c category, m mixed category */
  bool nested;
  const double *number;
  const int64_t *integer; /* codes too */
  const tw_text *labels;
  int64_t n_labels;
} parameter;

static void load_parameter(loader *l, tw_text name, parameter *p) {
  tw_text kind;
  int64_t nested;
  hid_t d = tw__h5_open(l->h->file, name.s, 1, l->n, NULL);
  if (d < 0 || !tw__h5_attr_text(d, "parameter", &l->s->arena, &p->parameter) || !tw__h5_attr_text(d, "kind", &l->s->arena, &kind) || kind.n == 0)
    damaged(l, name.s);
  else {
    p->kind = kind.s[0];
    p->nested = tw__h5_attr_int(d, "nested", &nested) && nested;
  }
  if (d >= 0) H5Dclose(d);
  if (l->status != TW_OK) return;
  if (p->kind == 'n') p->number = column(l, name.s, H5T_NATIVE_DOUBLE, sizeof(double));
  else p->integer = column(l, name.s, H5T_NATIVE_INT64, sizeof(int64_t));
  if (p->kind != 'c' && p->kind != 'm') return;
  tw_text path;
  if (!tw__arena_format(&l->s->arena, &path, "provenance/plan/labels/%s", name.s)) { no_memory(l); return; }
  p->n_labels = length_of(l, path.s);
  if (p->n_labels < 0) damaged(l, path.s);
  else p->labels = texts(l, path.s, p->n_labels);
}

/* The first letter of a mixed label tells its type. */
static bool label_value(const parameter *p, int64_t code, tw_value *v) {
  if (code < 0 || code >= p->n_labels) return false;
  tw_text t = p->labels[code];
  v->type = TW_VALUE_TEXT;
  v->as.t = t;
  if (p->kind != 'm') return true;
  if (t.n == 0) return false;
  const char *rest = t.s + 1;
  if (t.s[0] == 's') v->as.t = (tw_text){rest, t.n - 1};
  else if (t.s[0] == 'f') *v = (tw_value){.name = v->name, .nested = v->nested, .type = TW_VALUE_FLOAT, .as = {.f = strtod(rest, NULL)}};
  else if (t.s[0] == 'i') *v = (tw_value){.name = v->name, .nested = v->nested, .type = TW_VALUE_INT, .as = {.i = strtoll(rest, NULL, 10)}};
  else *v = (tw_value){.name = v->name, .nested = v->nested, .type = TW_VALUE_BOOL, .as = {.i = rest[0] == 't'}};
  return true;
}

/* False where the run has no such parameter. */
static bool value_of(const parameter *p, int64_t row, tw_value *v) {
  *v = (tw_value){.name = p->parameter, .nested = p->nested};
  switch (p->kind) {
    case 'n':
      v->type = TW_VALUE_FLOAT;
      v->as.f = p->number[row];
      return v->as.f == v->as.f;
    case 'i':
      v->type = TW_VALUE_INT;
      v->as.i = p->integer[row];
      return true;
    case 'b':
      v->type = TW_VALUE_BOOL;
      v->as.i = p->integer[row] != 0;
      return true;
    default:
      return label_value(p, p->integer[row], v);
  }
}

static int by_parameter(const void *a, const void *b) { return tw_text_compare(((const parameter *)a)->parameter, ((const parameter *)b)->parameter); }

/* ---- runs ---- */

static void load_plan(loader *l, const int64_t *ids, parameter *p, size_t n_p) {
  const int64_t *seed = column(l, "seed", H5T_NATIVE_INT64, 8), *rep = column(l, "provenance/plan/rep", H5T_NATIVE_INT64, 8);
  const tw_text *text = texts(l, "provenance/plan/text", l->n);
  if (l->status != TW_OK) return;
  if (n_p) qsort(p, n_p, sizeof *p, by_parameter);
  for (int64_t i = 0; i < l->n && l->status == TW_OK; i++) {
    tw__run *r = ids[i] < 0 || ids[i] >= TW_MAX_RUN_ID ? NULL : tw__sweep_need(l->s, ids[i]);
    if (!r || rep[i] < 1 || rep[i] > INT32_MAX) {
      damaged(l, "run_id");
      return;
    }
    if (r->planned) continue;
    tw_value *values = tw__arena_take(&l->s->arena, n_p * sizeof *values);
    if (!values) { no_memory(l); return; }
    r->planned = true;
    r->run.seed = seed[i];
    r->run.rep = (int32_t)rep[i];
    r->run.text = text[i];
    r->run.values = values;
    for (size_t k = 0; k < n_p; k++) r->run.n_values += value_of(&p[k], i, &values[r->run.n_values]);
  }
  if (l->status == TW_OK) l->status = tw__sweep_put_order(l->s, ids, (size_t)l->n, TW__MERGE, l->e);
}

static void load_results(loader *l, tw__entry **entries, tw_text name) {
  const double *values = column(l, name.s, H5T_NATIVE_DOUBLE, sizeof *values);
  tw_text result = {name.s + 7, name.n - 7};
  if (l->status == TW_OK && !tw_name_valid(result)) damaged(l, name.s);
  for (int64_t i = 0; i < l->n && l->status == TW_OK; i++) {
    if (!entries[i] || values[i] != values[i]) continue;
    tw__result *r = tw__arena_take(&l->s->arena, sizeof *r);
    if (!r) { no_memory(l); return; }
    *r = (tw__result){entries[i]->results, result, values[i]};
    entries[i]->results = r;
  }
}

static void load_entries(loader *l, tw__entry **entries) {
  const int64_t *status = column(l, "status", H5T_NATIVE_INT64, 8), *attempt = column(l, "attempt", H5T_NATIVE_INT64, 8);
  const int64_t *worker = column(l, "worker", H5T_NATIVE_INT64, 8), *lanes = column(l, "lanes", H5T_NATIVE_INT64, 8);
  const double *start = column(l, "start_time", H5T_NATIVE_DOUBLE, 8), *wall = column(l, "wall_time", H5T_NATIVE_DOUBLE, 8);
  const double *cpu = column(l, "cpu_time", H5T_NATIVE_DOUBLE, 8);
  const int64_t *signature = column(l, "provenance/plan/signature", H5T_NATIVE_INT64, 8);
  int64_t n = exists(l, "provenance/plan/signatures") ? length_of(l, "provenance/plan/signatures") : 0;
  const tw_text *text = n > 0 ? texts(l, "provenance/plan/signatures", n) : NULL;
  if (l->status != TW_OK) return;
  const tw__signature **parsed = tw__arena_take(&l->s->arena, ((size_t)(n > 0 ? n : 0) + 1) * sizeof(*parsed));
  if (!parsed) { no_memory(l); return; }
  for (int64_t i = 0; i < n && l->status == TW_OK; i++) l->status = tw__signature_parse(l->s, text[i], &parsed[i], l->e);
  const tw__signature *empty;
  if (l->status == TW_OK) l->status = tw__sweep_signature(l->s, NULL, 0, &empty, l->e);
  for (int64_t i = 0; i < l->n && l->status == TW_OK; i++) {
    if (status[i] == TW_RUN_PENDING) continue;
    if (status[i] < 0 || status[i] >= TW_RUN_N_STATUSES || signature[i] < -1 || signature[i] >= n) { damaged(l, "status"); return; }
    tw__entry *x = tw__arena_take(&l->s->arena, sizeof *x);
    if (!x) { no_memory(l); return; }
    *x = (tw__entry){.ended = status[i] != TW_RUN_RUNNING, .status = (tw_run_status)status[i], .attempt = (int32_t)attempt[i],
                     .worker = (int32_t)worker[i], .lanes = (int32_t)lanes[i], .start_time = start[i], .wall_time = wall[i], .cpu_time = cpu[i],
                     .message = {"", 0}, .log = {"", 0}, .signature = signature[i] < 0 ? empty : parsed[signature[i]], .h5 = l->h, .h5_row = i};
    entries[i] = x;
  }
}

static void load_failures(loader *l, tw__entry **entries) {
  if (l->status != TW_OK || !exists(l, "failures") || !exists(l, "failures/run")) return;
  int64_t n = length_of(l, "failures/run");
  if (n < 0 || n > l->n) { damaged(l, "/failures"); return; }
  int64_t *row = tw__arena_take(&l->s->arena, (size_t)n * sizeof *row);
  if (!row) { no_memory(l); return; }
  if (!tw__h5_column(l->h->file, "failures/run", H5T_NATIVE_INT64, n, row)) damaged(l, "/failures");
  const tw_text *message = texts(l, "failures/message", n), *log = texts(l, "failures/log", n);
  for (int64_t i = 0; i < n && l->status == TW_OK; i++) {
    if (row[i] < 0 || row[i] >= l->n) damaged(l, "/failures");
    else if (entries[row[i]]) {
      entries[row[i]]->message = message[i];
      entries[row[i]]->log = log[i];
    }
  }
}

/* ---- traces and their streams ---- */

static void load_stream(loader *l, tw_text name, int64_t length) {
  for (size_t i = 0; i < l->h->n_streams; i++)
    if (tw_text_equal(l->h->streams[i].name, name)) {
      if (l->h->streams[i].length != length) damaged(l, "traces of one stream differ in length");
      return;
    }
  tw__h5_stream *st = TW__PUSH(l->h->streams, l->h->n_streams, l->h->streams_capacity);
  tw_text rows;
  if (!st) { no_memory(l); return; }
  *st = (tw__h5_stream){.name = name, .length = length, .steps = -1};
  if (!tw__arena_format(&l->s->arena, &rows, "n_%s", name.n ? name.s : "steps") ||
      !tw__arena_format(&l->s->arena, &st->step, "%s%sstep", name.s, name.n ? "_" : "") || !(st->rows = tw_calloc((size_t)l->n, sizeof *st->rows))) {
    no_memory(l);
    return;
  }
  if (!tw__h5_column(l->h->file, rows.s, H5T_NATIVE_INT64, l->n, st->rows)) damaged(l, rows.s);
  for (int64_t i = 0; i < l->n && l->status == TW_OK; i++)
    if (st->rows[i] < 0 || st->rows[i] > length) damaged(l, rows.s);
  hsize_t dims[2];
  st->steps = tw__h5_open(l->h->file, st->step.s, 2, l->n, dims);
  if (st->steps >= 0) {
    if (dims[1] != (hsize_t)length) damaged(l, st->step.s);
    return;
  }
  st->axis = tw_calloc((size_t)length, sizeof *st->axis);
  if (!st->axis) no_memory(l);
  else if (!tw__h5_column(l->h->file, st->step.s, H5T_NATIVE_INT64, length, st->axis)) damaged(l, st->step.s);
}

static void load_trace(loader *l, tw_text name, tw_text metric, hid_t probe) {
  hsize_t dims[H5S_MAX_RANK];
  hid_t space = H5Dget_space(probe), type = H5Dget_type(probe);
  int rank = space < 0 ? -1 : H5Sget_simple_extent_ndims(space);
  bool ok = type >= 0 && H5Tget_class(type) == H5T_FLOAT;
  if (space >= 0) H5Sclose(space);
  if (type >= 0) H5Tclose(type);
  if (!ok || rank < 2 || rank > 2 + TW_COLUMN_MAX_DIM || !tw_name_valid(metric)) { damaged(l, name.s); return; }
  tw__h5_trace *t = TW__PUSH(l->h->traces, l->h->n_traces, l->h->traces_capacity);
  if (!t) { no_memory(l); return; }
  *t = (tw__h5_trace){.name = name, .stream = {"", 0}, .metric = metric, .dataset = tw__h5_open(l->h->file, name.s, rank, l->n, dims), .ndim = rank - 2,
                      .elements = 1};
  if (t->dataset < 0) { damaged(l, name.s); return; }
  t->length = (int64_t)dims[1];
  for (int i = 0; i < t->ndim; i++) {
    t->shape[i] = (int64_t)dims[i + 2];
    if (t->shape[i] < 1 || t->shape[i] > (int64_t)TW_FRAME_MAX_PAYLOAD / t->elements) { damaged(l, name.s); return; }
    t->elements *= t->shape[i];
  }
  if (t->length < 1 || t->length > INT32_MAX) { damaged(l, name.s); return; }
  if (H5Aexists(t->dataset, "stream") > 0 && (!tw__h5_attr_text(t->dataset, "stream", &l->s->arena, &t->stream) || !tw_name_valid(t->stream)))
    damaged(l, name.s);
  else load_stream(l, t->stream, t->length);
}

static void load_datasets(loader *l, tw__entry **entries, const tw_text *names, size_t n) {
  for (size_t i = 0; i < n && l->status == TW_OK; i++) {
    if (!is_dataset(l->h->file, names[i].s)) continue;
    if (names[i].n > 7 && memcmp(names[i].s, "result_", 7) == 0) {
      load_results(l, entries, names[i]);
      continue;
    }
    tw_text metric;
    hid_t d = H5Dopen2(l->h->file, names[i].s, H5P_DEFAULT);
    if (d >= 0 && tw__h5_attr_text(d, "metric", &l->s->arena, &metric)) load_trace(l, names[i], metric, d);
    if (d >= 0) H5Dclose(d);
  }
}

/* Every metric a signature speaks of must be there, or a run's rows would silently be missing. */
static void check_streams(loader *l, tw__entry **entries) {
  const tw__signature *known = NULL;
  for (int64_t i = 0; i < l->n && l->status == TW_OK; i++) {
    if (!entries[i] || entries[i]->signature == known) continue;
    known = entries[i]->signature;
    for (uint32_t k = 0; k < known->n; k++) {
      bool found = false;
      for (size_t t = 0; t < l->h->n_traces && !found; t++)
        found = tw_text_equal(l->h->traces[t].metric, known->items[k].metric) && tw_text_equal(l->h->traces[t].stream, known->items[k].stream);
      if (!found) damaged(l, "a metric that was logged is missing");
    }
  }
}

static void load_all(loader *l) {
  load_header(l);
  l->n = l->status == TW_OK ? length_of(l, "run_id") : -1;
  if (l->n < 0) damaged(l, "run_id");
  load_provenance(l);
  const int64_t *ids = column(l, "run_id", H5T_NATIVE_INT64, 8);
  l->h->runs = l->n;
  tw_text *names = NULL;
  size_t n = 0, n_p = 0;
  if (l->status == TW_OK && !tw__h5_names(l->h->file, &l->s->arena, &names, &n)) damaged(l, "/");
  parameter *p = tw_calloc(n, sizeof *p);
  tw__entry **entries = l->status == TW_OK ? tw_calloc((size_t)l->n, sizeof(tw__entry *)) : NULL;
  if (!p || !entries) no_memory(l);
  for (size_t i = 0; i < n && l->status == TW_OK; i++)
    if (names[i].n > 3 && memcmp(names[i].s, "hp_", 3) == 0) load_parameter(l, names[i], &p[n_p++]);
  if (l->status == TW_OK) load_plan(l, ids, p, n_p);
  if (l->status == TW_OK) load_entries(l, entries);
  if (l->status == TW_OK) load_failures(l, entries);
  if (l->status == TW_OK) load_datasets(l, entries, names, n);
  if (l->status == TW_OK) check_streams(l, entries);
  for (int64_t i = 0; i < l->n && l->status == TW_OK; i++)
    if (entries[i]) {
      tw__run *r = tw__sweep_need(l->s, ids[i]);
      if (r) tw__sweep_offer(r, entries[i]);
      else no_memory(l);
    }
  tw_free(entries);
  tw_free(p);
  tw_free(names);
}

tw_status tw__sweep_add_h5(tw_sweep *s, const char *path, tw_error *e) {
  tw__h5_quiet();
  tw__h5 *h = tw_calloc(1, sizeof *h);
  tw__h5 **place = h ? TW__PUSH(s->files, s->n_files, s->files_capacity) : NULL;
  if (!place || !tw__arena_text(&s->arena, tw_text_of(path), &h->path)) {
    if (!place) tw_free(h);
    else h->file = -1, *place = h;
    return tw__out_of_memory(e);
  }
  *place = h;
  h->file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
  if (h->file < 0) return tw__h5_fail(e, "load", path);
  loader l = {.s = s, .h = h, .path = path, .e = e};
  load_all(&l);
  return l.status;
}
