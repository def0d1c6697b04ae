/* The axes and the per-run columns that are not parameters. The table of columns is data: one row says everything about one column. */
#include "record/pack.h"

static void axis(tw__pack *p, const tw_stream *st, hid_t *out) {
  *out = -1;
  if (st->length == 0) return;
  if (!st->shared) {
    tw__pack_dimension(p, st->idx.s, st->length, out);
    return;
  }
  tw__shape shape = {.rank = 1, .dims = {(hsize_t)st->length}};
  *out = tw__pack_dataset(p, p->file, st->step.s, H5T_STD_I64LE, &shape);
  tw__pack_write(p, *out, H5T_NATIVE_INT64, st->axis);
  tw__pack_scale(p, *out, st->step.s);
  tw__pack_attr_text(p, *out, "long_name", tw_text_of("step"));
}

void tw__pack_axes(tw__pack *p) {
  tw_sweep *s = p->s;
  int64_t *place = tw__pack_take(p, s->n_rows * sizeof *place);
  for (size_t i = 0; i < s->n_rows && place; i++) place[i] = (int64_t)i;
  tw__shape shape = {.rank = 1, .dims = {s->n_rows}};
  p->run = tw__pack_dataset(p, p->file, "run", H5T_STD_I64LE, &shape);
  tw__pack_write(p, p->run, H5T_NATIVE_INT64, place);
  tw__pack_scale(p, p->run, "run");
  tw__pack_attr_text(p, p->run, "long_name", tw_text_of("place of the run in the plan; run_id is the key"));
  for (size_t k = 0; k < s->n_streams; k++) axis(p, &s->streams[k], &p->steps[k]);
}

/* ---- columns ---- */

typedef enum { I64, I32, I16, I8, F64 } width;

static int64_t get_config(const tw_run *r) { return r->config; }
static int64_t get_repeat(const tw_run *r) { return r->repeat; }
static int64_t get_id(const tw_run *r) { return r->id; }
static int64_t get_seed(const tw_run *r) { return r->seed; }
static int64_t get_status(const tw_run *r) { return r->status; }
static int64_t get_ok(const tw_run *r) { return r->status == TW_RUN_DONE || r->status == TW_RUN_STOPPED; }
static int64_t get_attempt(const tw_run *r) { return r->attempt; }
static int64_t get_worker(const tw_run *r) { return r->worker; }
static int64_t get_lanes(const tw_run *r) { return r->lanes; }
static double get_start(const tw_run *r) { return r->start_time; }
static double get_wall(const tw_run *r) { return r->wall_time; }
static double get_cpu(const tw_run *r) { return r->cpu_time; }

typedef struct {
  const char *name;
  width type;
  int64_t (*integer)(const tw_run *);
  double (*real)(const tw_run *);
  bool coordinate, measured;
  const char *units, *long_name;
} column;

static const column before[] = {
  {"config", I32, get_config, NULL, true, false, NULL, "index of the configuration, repeats left out"},
  {"repeat", I32, get_repeat, NULL, true, false, NULL, "index of the repeat within its configuration"},
  {"run_id", I64, get_id, NULL, true, false, NULL, "identity of the run, from its parameters, root seed and repeat"},
  {"seed", I64, get_seed, NULL, true, false, NULL, "seed of the run"},
  {"status", I8, get_status, NULL, true, false, NULL, "how the run ended"},
  {"ok", I8, get_ok, NULL, true, false, NULL, "status is done or stopped"},
};

static const column after[] = {
  {"attempt", I16, get_attempt, NULL, false, true, NULL, "which attempt this is"},
  {"worker", I16, get_worker, NULL, false, true, NULL, "worker process that ran it"},
  {"lanes", I16, get_lanes, NULL, false, true, NULL, "runs that shared its pass of the script"},
  {"start_time", F64, NULL, get_start, false, true, "seconds since 1970-01-01", "start of the run"},
  {"wall_time", F64, NULL, get_wall, false, true, "s", "wall-clock time of the run"},
  {"cpu_time", F64, NULL, get_cpu, false, true, "s", "CPU time of the run"},
};

static hid_t file_type(width w) {
  switch (w) {
    case I64: return H5T_STD_I64LE;
    case I32: return H5T_STD_I32LE;
    case I16: return H5T_STD_I16LE;
    case I8: return H5T_STD_I8LE;
    default: return H5T_IEEE_F64LE;
  }
}

static void status_attributes(tw__pack *p, hid_t d) {
  int64_t values[TW_RUN_N_STATUSES];
  tw_text words = {"", 0};
  for (int i = 0; i < TW_RUN_N_STATUSES; i++) {
    values[i] = i;
    words = tw__pack_join(p, words, tw_text_of(tw_run_status_name((tw_run_status)i)));
  }
  tw__pack_attr_int(p, d, "flag_values", H5T_STD_I8LE, values, TW_RUN_N_STATUSES);
  tw__pack_attr_text(p, d, "flag_meanings", words);
}

static void write_column(tw__pack *p, const column *c) {
  static const int64_t one = 1;
  size_t n = p->s->n_rows;
  hid_t d;
  if (c->real) {
    double *x = tw__pack_take(p, n * sizeof *x);
    for (size_t i = 0; i < n && x; i++) x[i] = c->real(&p->s->rows[i]->run);
    d = tw__pack_column(p, p->file, c->name, file_type(c->type), H5T_NATIVE_DOUBLE, x);
  } else {
    int64_t *x = tw__pack_take(p, n * sizeof *x);
    for (size_t i = 0; i < n && x; i++) x[i] = c->integer(&p->s->rows[i]->run);
    d = tw__pack_column(p, p->file, c->name, file_type(c->type), H5T_NATIVE_INT64, x);
  }
  tw__pack_attr_text(p, d, "long_name", tw_text_of(c->long_name));
  if (c->units) tw__pack_attr_text(p, d, "units", tw_text_of(c->units));
  if (c->measured) tw__pack_attr_int(p, d, "measured", H5T_STD_I32LE, &one, 1);
  if (c->integer == get_status) status_attributes(p, d);
  if (c->integer == get_ok) tw__pack_attr_text(p, d, "dtype", tw_text_of("bool"));
  if (c->coordinate) p->coordinates = tw__pack_join(p, p->coordinates, tw_text_of(c->name));
  tw__pack_close(p, d);
}

static void write_counts(tw__pack *p, size_t stream) {
  const tw_stream *st = &p->s->streams[stream];
  tw_text name = tw__pack_format(p, "n_%.*s", st->name.n ? (int)st->name.n : 5, st->name.n ? st->name.s : "steps");
  hid_t d = tw__pack_column(p, p->file, name.s, H5T_STD_I32LE, H5T_NATIVE_INT64, p->s->row_counts + stream * p->s->n_rows);
  tw__pack_attr_text(p, d, "long_name", tw_text_of("rows the run logged"));
  tw__pack_close(p, d);
}

void tw__pack_columns(tw__pack *p) {
  for (size_t i = 0; i < sizeof before / sizeof *before; i++) write_column(p, &before[i]);
  for (size_t k = 0; k < p->s->n_streams; k++) write_counts(p, k);
  for (size_t i = 0; i < sizeof after / sizeof *after; i++) write_column(p, &after[i]);
}

void tw__pack_results(tw__pack *p) {
  const tw_sweep *s = p->s;
  for (size_t k = 0; k < s->n_results; k++) {
    tw_text name = tw__pack_format(p, "result_%.*s", (int)s->results[k].n, s->results[k].s);
    hid_t d = tw__pack_column(p, p->file, name.s, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, s->result_values + k * s->n_rows);
    tw__pack_attr_text(p, d, "long_name", s->results[k]);
    tw__pack_close(p, d);
  }
}
