/* Traces: one dataset [run, step, ...] per metric, padded with NaN, written in bands of runs; and what is computed from them on the way. */
#include "record/pack.h"

enum { BAND_BYTES = 8 << 20, CHUNK_BYTES = 262144, CHUNK_MOST = 1 << 20, CHUNK_STEPS = 8192 };

/* Chunks of about 256 KiB over whole runs, never above 1 MiB. */
static void choose_chunk(const tw__pack *p, const tw_variable *v, int64_t length, tw__shape *shape) {
  int64_t item = (int64_t)tw_column_item(v->type), steps = length < CHUNK_STEPS ? length : CHUNK_STEPS, vector = v->elements;
  for (int d = 0; d < v->ndim; d++) {
    int64_t take = v->shape[d];
    if (vector * item > CHUNK_MOST) { /* the outer axes of a big array are cut into pieces */
      int64_t rest = vector / take;
      take = CHUNK_MOST / (rest * item);
      if (take < 1) take = 1;
      vector = rest * take;
    }
    shape->chunk[2 + d] = (hsize_t)take;
  }
  if (steps * vector * item > CHUNK_MOST) steps = CHUNK_MOST / (vector * item);
  if (steps < 1) steps = 1;
  int64_t runs = CHUNK_BYTES / (item * steps * vector), most = (int64_t)p->s->n_rows;
  shape->chunk[0] = (hsize_t)(runs < 1 ? 1 : runs > most ? most : runs);
  shape->chunk[1] = (hsize_t)steps;
}

static void trace_attributes(tw__pack *p, const tw_variable *v, hid_t d, hid_t type) {
  const tw_stream *st = &p->s->streams[v->stream_index];
  tw_text units, key = tw__pack_format(p, "units.%s", v->name.s), metric_key = tw__pack_format(p, "units.%.*s", (int)v->metric.n, v->metric.s);
  if (!tw_sweep_meta(p->s, key.s, &units) && !tw_sweep_meta(p->s, metric_key.s, &units)) units = tw_text_of("1");
  tw__pack_attr_real(p, d, "_FillValue", type, TW__NAN);
  tw_text of_stream = tw__pack_format(p, "%.*s of stream %.*s", (int)v->metric.n, v->metric.s, (int)v->stream.n, v->stream.s);
  tw__pack_attr_text(p, d, "long_name", v->stream.n ? of_stream : v->metric);
  tw__pack_attr_text(p, d, "units", units);
  tw__pack_attr_text(p, d, "coordinates", st->shared ? p->coordinates : tw__pack_join(p, p->coordinates, st->step));
  tw__pack_attr_text(p, d, "metric", v->metric);
  if (v->stream.n) tw__pack_attr_text(p, d, "stream", v->stream);
}

/* The rows of runs first .. first + count into the band, and their summaries. */
static void gather(tw__pack *p, size_t variable, size_t first, size_t count, char *band, double *scratch, int64_t *steps, tw_summary *out) {
  tw_sweep *s = p->s;
  const tw_variable *v = &s->variables[variable];
  const tw_stream *st = &s->streams[v->stream_index];
  size_t item = tw_column_item(v->type), per_run = (size_t)(st->length * v->elements) * item;
  for (size_t i = 0; i < count && tw__pack_ok(p); i++) {
    char *at = band + i * per_run;
    int64_t n = tw_sweep_rows(s, first + i, v->stream_index);
    if (n > 0) p->status = tw__sweep_raw(s, first + i, variable, at, p->e);
    tw__fill_nan(at + (size_t)(n * v->elements) * item, v->type, (st->length - n) * v->elements);
    if (v->ndim > 0 || !tw__pack_ok(p)) continue;
    const double *values = (const double *)(const void *)at;
    if (v->type == TW_COLUMN_F32) {
      for (int64_t k = 0; k < n; k++) scratch[k] = (double)((const float *)(const void *)at)[k];
      values = scratch;
    }
    const int64_t *at_steps = st->axis;
    if (!st->shared && n > 0) {
      p->status = tw_sweep_steps(s, first + i, v->stream_index, steps, p->e);
      at_steps = steps;
    }
    tw__summarise(s, first + i, variable, values, at_steps, n, &out[first + i]);
  }
}

static void write_band(tw__pack *p, hid_t d, const tw__shape *shape, size_t first, size_t count, hid_t memory_type, const void *band) {
  if (!tw__pack_ok(p)) return;
  hsize_t start[2 + TW_COLUMN_MAX_DIM] = {first}, size[2 + TW_COLUMN_MAX_DIM];
  memcpy(size, shape->dims, sizeof size);
  size[0] = count;
  hid_t file = H5Dget_space(d), memory = H5Screate_simple(shape->rank, size, NULL);
  if (file < 0 || memory < 0 || H5Sselect_hyperslab(file, H5S_SELECT_SET, start, NULL, size, NULL) < 0 ||
      H5Dwrite(d, memory_type, memory, file, H5P_DEFAULT, band) < 0)
    tw__pack_failed(p, "write");
  if (file >= 0) H5Sclose(file);
  if (memory >= 0) H5Sclose(memory);
}

static void write_trace(tw__pack *p, size_t variable, const hid_t *axes, tw_summary *summary) {
  static const double nan_f64 = TW__NAN;
  static const float nan_f32 = __builtin_nanf("");
  const tw_variable *v = &p->s->variables[variable];
  const tw_stream *st = &p->s->streams[v->stream_index];
  bool f32 = v->type == TW_COLUMN_F32;
  size_t runs = p->s->n_rows, per_run = (size_t)(st->length * v->elements) * tw_column_item(v->type);
  hid_t type = f32 ? H5T_IEEE_F32LE : H5T_IEEE_F64LE, memory_type = f32 ? H5T_NATIVE_FLOAT : H5T_NATIVE_DOUBLE;
  tw__shape shape = {.rank = 2 + v->ndim, .dims = {runs, (hsize_t)st->length}, .fill = f32 ? (const void *)&nan_f32 : (const void *)&nan_f64};
  for (int d = 0; d < v->ndim; d++) shape.dims[2 + d] = (hsize_t)v->shape[d];
  size_t band_runs = per_run < BAND_BYTES ? BAND_BYTES / per_run : 1;
  if (p->options->compress > 0) {
    choose_chunk(p, v, st->length, &shape);
    size_t chunk = (size_t)shape.chunk[0];
    band_runs = band_runs < chunk ? chunk : band_runs - band_runs % chunk;
  }
  if (band_runs > runs) band_runs = runs;
  hid_t d = tw__pack_dataset(p, p->file, v->name.s, type, &shape);
  char *band = tw_alloc(band_runs * per_run);
  double *scratch = tw_alloc((size_t)st->length * sizeof *scratch);
  int64_t *steps = tw_alloc((size_t)st->length * sizeof *steps);
  if (!band || !scratch || !steps) tw__pack_no_memory(p);
  for (size_t first = 0; first < runs && tw__pack_ok(p); first += band_runs) {
    size_t count = runs - first < band_runs ? runs - first : band_runs;
    gather(p, variable, first, count, band, scratch, steps, summary);
    write_band(p, d, &shape, first, count, memory_type, band);
  }
  tw_free(band);
  tw_free(scratch);
  tw_free(steps);
  tw__pack_attach(p, d, p->run, 0);
  tw__pack_attach(p, d, p->steps[v->stream_index], 1);
  for (int k = 0; k < v->ndim; k++) tw__pack_attach(p, d, axes[k], (unsigned)(2 + k));
  trace_attributes(p, v, d, type);
  tw__pack_close(p, d);
}

static void write_summary(tw__pack *p, const tw_variable *v, const tw_summary *of) {
  static const char *const titles[TW_N_SUMMARIES] = {"last", "least", "greatest", "step of the least"};
  size_t runs = p->s->n_rows;
  double *real = tw__pack_take(p, runs * sizeof *real);
  int64_t *steps = tw__pack_take(p, runs * sizeof *steps);
  for (int k = 0; k < TW_N_SUMMARIES && tw__pack_ok(p); k++) {
    for (size_t i = 0; i < runs; i++) {
      real[i] = k == TW_FINAL ? of[i].final : k == TW_MIN ? of[i].min : of[i].max;
      steps[i] = of[i].argmin;
    }
    bool step = k == TW_ARGMIN;
    hid_t d = tw__pack_column(p, p->file, v->summary[k].s, step ? H5T_STD_I64LE : H5T_IEEE_F64LE, step ? H5T_NATIVE_INT64 : H5T_NATIVE_DOUBLE,
                              step ? (const void *)steps : (const void *)real);
    tw__pack_attr_text(p, d, "long_name", tw__pack_format(p, "%s %s", titles[k], v->name.s));
    tw__pack_attr_text(p, d, "summary_of", v->name);
    tw__pack_close(p, d);
  }
}

/* Where steps differ between runs: [run, idx], -1 for none. */
static void write_steps(tw__pack *p, size_t stream) {
  tw_sweep *s = p->s;
  const tw_stream *st = &s->streams[stream];
  if (st->shared || st->length == 0) return;
  tw__shape shape = {.rank = 2, .dims = {s->n_rows, (hsize_t)st->length}};
  hid_t d = tw__pack_dataset(p, p->file, st->step.s, H5T_STD_I64LE, &shape);
  size_t per_run = (size_t)st->length, band_runs = BAND_BYTES / 8 / per_run;
  if (band_runs < 1) band_runs = 1;
  int64_t *band = tw_alloc(band_runs * per_run * sizeof *band);
  if (!band) tw__pack_no_memory(p);
  for (size_t first = 0; first < s->n_rows && tw__pack_ok(p); first += band_runs) {
    size_t count = s->n_rows - first < band_runs ? s->n_rows - first : band_runs;
    memset(band, 0xff, count * per_run * sizeof *band);
    for (size_t i = 0; i < count && tw__pack_ok(p); i++)
      if (tw_sweep_rows(s, first + i, stream) > 0) p->status = tw_sweep_steps(s, first + i, stream, band + i * per_run, p->e);
    write_band(p, d, &shape, first, count, H5T_NATIVE_INT64, band);
  }
  tw_free(band);
  tw__pack_attach(p, d, p->run, 0);
  tw__pack_attach(p, d, p->steps[stream], 1);
  tw__pack_attr_text(p, d, "long_name", tw_text_of("step, -1 for none"));
  tw__pack_close(p, d);
}

void tw__pack_traces(tw__pack *p) {
  tw_sweep *s = p->s;
  hid_t (*axes)[TW_COLUMN_MAX_DIM] = tw__pack_take(p, s->n_variables * sizeof *axes);
  tw_summary *summaries = tw__pack_take(p, s->n_variables * s->n_rows * sizeof *summaries);
  if (!tw__pack_ok(p)) return;
  for (size_t k = 0; k < s->n_variables; k++)
    for (int d = 0; d < s->variables[k].ndim; d++) tw__pack_dimension(p, s->variables[k].axis[d].s, s->variables[k].shape[d], &axes[k][d]);
  for (size_t k = 0; k < s->n_streams; k++) write_steps(p, k);
  for (size_t k = 0; k < s->n_variables; k++) write_trace(p, k, axes[k], summaries + k * s->n_rows);
  for (size_t k = 0; k < s->n_variables; k++)
    if (s->variables[k].ndim == 0) write_summary(p, &s->variables[k], summaries + k * s->n_rows);
  for (size_t k = 0; k < s->n_variables; k++)
    for (int d = 0; d < s->variables[k].ndim; d++) tw__pack_close(p, axes[k][d]);
}
