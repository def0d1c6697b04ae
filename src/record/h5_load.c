/* A sweep's own HDF5 file as a source: plan, columns and messages at once, traces later and only where they are asked for.
 * Every dataset is checked against the number of runs before it is read. */
#include "record/h5_source.h"

typedef struct {
  tw_sweep *s;
  tw__h5 *h;
  const char *path;
  int64_t n;    /* runs */
  int64_t most; /* bytes of the file: no uncompressed column can be longer */
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

/* The length of a [n] dataset, or -1. */
static int64_t length_of(loader *l, const char *path) {
  hsize_t n;
  hid_t d = tw__h5_open(l->h->file, path, 1, -1, &n);
  if (d < 0) return -1;
  H5Dclose(d);
  return (int64_t)n <= l->most ? (int64_t)n : -1;
}

/* ---- what the file is ---- */

static void load_header(loader *l) {
  tw__arena *a = &l->s->arena;
  tw_text schema, version, text;
  hid_t root = H5Gopen2(l->h->file, "/", H5P_DEFAULT);
  if (root < 0 || !tw__h5_attr_text(root, "schema", a, &schema) || !tw_text_equal(schema, tw_text_of(TW__SCHEMA))) damaged(l, "no thalweg schema");
  else if (!tw__h5_attr_text(root, "schema_version", a, &version) || version.n < 2 || memcmp(version.s, "1.", 2) != 0)
    damaged(l, "its schema version is not 1");
  else if (tw__h5_attr_text(root, "date_created", a, &text)) l->status = tw__sweep_put_meta(l->s, tw_text_of("date_created"), text, l->e);
  if (l->status == TW_OK && tw__h5_attr_text(root, "id", a, &text)) l->status = tw__sweep_put_meta(l->s, tw_text_of("uuid"), text, l->e);
  if (root >= 0) H5Gclose(root);
}

/* ---- /provenance/state: the plan, then what each run logged and left ---- */

static const uint8_t *read_state(loader *l, size_t *n) {
  static const char name[] = "provenance/state";
  int64_t bytes = length_of(l, name);
  if (l->status != TW_OK || bytes < 0) return damaged(l, name), NULL;
  uint8_t *data = tw__arena_take(&l->s->arena, (size_t)bytes);
  if (!data) no_memory(l);
  else if (!tw__h5_column(l->h->file, name, H5T_NATIVE_UINT8, bytes, data)) damaged(l, name);
  *n = (size_t)bytes;
  return l->status == TW_OK ? data : NULL;
}

static void take_signature(loader *l, const tw_frame *f, tw_text text, const tw__signature **signatures) {
  const tw__signature *parsed = NULL;
  l->status = tw__signature_parse(l->s, text, &parsed, l->e);
  for (int64_t i = 0; i < f->rows && l->status == TW_OK; i++) signatures[f->first_step + i] = parsed;
}

static void load_state(loader *l, const int64_t *ids, const tw__signature **signatures, tw_text *messages, tw_text *logs) {
  size_t n = 0, at = 0;
  const uint8_t *data = read_state(l, &n);
  tw_frame f;
  tw_text kind, text;
  while (l->status == TW_OK && tw_frames_next(data, n, &at, &f)) {
    if (f.type == TW_FRAME_PLAN) {
      l->status = tw__sweep_take_plan(l->s, &f, TW__MERGE, l->e);
      continue;
    }
    if (f.type != TW_FRAME_TEXT) continue;
    if (!tw_text_decode(&f, &kind, &text) || f.first_step < 0 || f.first_step > l->n || f.rows > l->n - f.first_step) damaged(l, "/provenance/state");
    else if (tw_text_equal(kind, tw_text_of("signature"))) take_signature(l, &f, text, signatures);
    else if (f.rows == 1 && tw_text_equal(kind, tw_text_of("message"))) messages[f.first_step] = text;
    else if (f.rows == 1 && tw_text_equal(kind, tw_text_of("log"))) logs[f.first_step] = text;
  }
  if (l->status == TW_OK && at < n) damaged(l, "/provenance/state");
  for (int64_t i = 0; i < l->n && l->status == TW_OK; i++) {
    const tw__run *r = ids[i] < 0 || ids[i] >= TW_MAX_RUN_ID ? NULL : tw__sweep_need(l->s, ids[i]);
    if (!r || !r->planned) damaged(l, "run_id");
  }
}

/* ---- runs ---- */

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

static void load_entries(loader *l, tw__entry **entries, const tw__signature **signatures, const tw_text *messages, const tw_text *logs) {
  const int64_t *status = column(l, "status", H5T_NATIVE_INT64, 8), *attempt = column(l, "attempt", H5T_NATIVE_INT64, 8);
  const int64_t *worker = column(l, "worker", H5T_NATIVE_INT64, 8), *lanes = column(l, "lanes", H5T_NATIVE_INT64, 8);
  const double *start = column(l, "start_time", H5T_NATIVE_DOUBLE, 8), *wall = column(l, "wall_time", H5T_NATIVE_DOUBLE, 8);
  const double *cpu = column(l, "cpu_time", H5T_NATIVE_DOUBLE, 8);
  const tw__signature *empty;
  if (l->status == TW_OK) l->status = tw__sweep_signature(l->s, NULL, 0, &empty, l->e);
  for (int64_t i = 0; i < l->n && l->status == TW_OK; i++) {
    if (status[i] == TW_RUN_PENDING) continue;
    if (status[i] < 0 || status[i] >= TW_RUN_N_STATUSES) { damaged(l, "status"); return; }
    tw__entry *x = tw__arena_take(&l->s->arena, sizeof *x);
    if (!x) { no_memory(l); return; }
    *x = (tw__entry){.ended = status[i] != TW_RUN_RUNNING, .status = (tw_run_status)status[i], .attempt = (int32_t)attempt[i],
                     .worker = (int32_t)worker[i], .lanes = (int32_t)lanes[i], .start_time = start[i], .wall_time = wall[i], .cpu_time = cpu[i],
                     .message = messages[i], .log = logs[i], .signature = signatures[i] ? signatures[i] : empty, .h5 = l->h, .h5_row = i};
    entries[i] = x;
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
  if (t->length < 1 || t->length > INT32_MAX || t->length > l->most || t->length > ((int64_t)1 << 40) / t->elements) { damaged(l, name.s); return; }
  if (H5Aexists(t->dataset, "stream") > 0 && (!tw__h5_attr_text(t->dataset, "stream", &l->s->arena, &t->stream) || !tw_name_valid(t->stream)))
    damaged(l, name.s);
  else load_stream(l, t->stream, t->length);
}

static bool is_dataset(hid_t group, const char *name) {
  H5O_info_t info;
  return H5Oget_info_by_name2(group, name, &info, H5O_INFO_BASIC, H5P_DEFAULT) >= 0 && info.type == H5O_TYPE_DATASET;
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

static void load_runs(loader *l, tw__entry **entries) {
  const int64_t *ids = column(l, "run_id", H5T_NATIVE_INT64, 8);
  tw__arena *a = &l->s->arena;
  const tw__signature **signatures = tw__arena_take(a, (size_t)l->n * sizeof(*signatures));
  tw_text *messages = tw__arena_take(a, (size_t)l->n * sizeof *messages), *logs = tw__arena_take(a, (size_t)l->n * sizeof *logs);
  tw_text *names = NULL;
  size_t n = 0;
  if (!signatures || !messages || !logs) no_memory(l);
  for (int64_t i = 0; i < l->n && l->status == TW_OK; i++) messages[i] = logs[i] = (tw_text){"", 0};
  if (l->status == TW_OK) load_state(l, ids, signatures, messages, logs);
  if (l->status == TW_OK) load_entries(l, entries, signatures, messages, logs);
  if (l->status == TW_OK && !tw__h5_names(l->h->file, a, &names, &n)) damaged(l, "/");
  if (l->status == TW_OK) load_datasets(l, entries, names, n);
  if (l->status == TW_OK) check_streams(l, entries);
  for (int64_t i = 0; i < l->n && l->status == TW_OK; i++) {
    tw__run *r = entries[i] ? tw__sweep_need(l->s, ids[i]) : NULL;
    if (r) tw__sweep_offer(r, entries[i]);
  }
  tw_free(names);
}

static void load_all(loader *l) {
  hsize_t bytes = 0;
  if (H5Fget_filesize(l->h->file, &bytes) < 0 || bytes > INT64_MAX) damaged(l, "its size");
  l->most = (int64_t)bytes;
  if (l->status == TW_OK) load_header(l);
  l->n = l->status == TW_OK ? length_of(l, "run_id") : -1;
  if (l->n < 0) damaged(l, "run_id");
  if (l->status != TW_OK) return;
  l->h->runs = l->n;
  tw__entry **entries = tw_calloc((size_t)l->n, sizeof(tw__entry *));
  if (entries) load_runs(l, entries);
  else no_memory(l);
  tw_free(entries);
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
