/* Traces of an open HDF5 file: read in bands of runs, for neighbouring rows are asked for one after the other. */
#include "record/h5_source.h"

enum { BAND_BYTES = 4 << 20 };

void tw__h5_close(tw__h5 *h) {
  if (!h) return;
  for (size_t i = 0; i < h->n_traces; i++) {
    tw__h5_trace *t = &h->traces[i];
    if (t->dataset >= 0) H5Dclose(t->dataset);
    tw_free(t->band);
    for (int k = 0; k < 3; k++) tw_free(t->summary[k]);
    tw_free(t->argmin);
  }
  for (size_t i = 0; i < h->n_streams; i++) {
    if (h->streams[i].steps >= 0) H5Dclose(h->streams[i].steps);
    tw_free(h->streams[i].rows);
    tw_free(h->streams[i].axis);
  }
  tw_free(h->traces);
  tw_free(h->streams);
  if (h->file >= 0) H5Fclose(h->file);
  tw_free(h);
}

static const tw__h5_stream *find_stream(const tw__h5 *h, tw_text name) {
  for (size_t i = 0; i < h->n_streams; i++)
    if (tw_text_equal(h->streams[i].name, name)) return &h->streams[i];
  return NULL;
}

static tw__h5_trace *find_trace(tw__h5 *h, const tw_variable *v) {
  for (size_t k = 0; k < h->n_traces; k++) {
    size_t i = (h->last + k) % h->n_traces;
    if (tw_text_equal(h->traces[i].metric, v->metric) && tw_text_equal(h->traces[i].stream, v->stream)) return &h->traces[h->last = i];
  }
  return NULL;
}

int64_t tw__h5_rows(const tw__h5 *h, tw_text stream, int64_t row) {
  const tw__h5_stream *s = find_stream(h, stream);
  return s ? s->rows[row] : 0;
}

/* count whole slabs of the first dimension, from row first. */
static bool read_slabs(hid_t dataset, int rank, int64_t first, int64_t count, int64_t length, const int64_t *shape, hid_t type, void *out) {
  hsize_t start[2 + TW_COLUMN_MAX_DIM] = {(hsize_t)first}, size[2 + TW_COLUMN_MAX_DIM] = {(hsize_t)count, (hsize_t)length};
  for (int i = 2; i < rank; i++) size[i] = (hsize_t)shape[i - 2];
  hid_t file = H5Dget_space(dataset), memory = H5Screate_simple(rank, size, NULL);
  bool ok = file >= 0 && memory >= 0 && H5Sselect_hyperslab(file, H5S_SELECT_SET, start, NULL, size, NULL) >= 0 &&
            H5Dread(dataset, type, memory, file, H5P_DEFAULT, out) >= 0;
  if (file >= 0) H5Sclose(file);
  if (memory >= 0) H5Sclose(memory);
  return ok;
}

tw_status tw__h5_steps(tw__h5 *h, tw_text stream, int64_t row, int64_t n, int64_t *out, tw_error *e) {
  const tw__h5_stream *s = find_stream(h, stream);
  if (n == 0) return TW_OK;
  if (!s || n > s->length) return tw_fail(e, TW_ECORRUPT, "load: %s: a run has more rows than its stream", h->path.s);
  if (s->axis) return memcpy(out, s->axis, (size_t)n * sizeof *out), TW_OK;
  hsize_t start[2] = {(hsize_t)row, 0}, size[2] = {1, (hsize_t)n};
  hid_t file = H5Dget_space(s->steps), memory = H5Screate_simple(2, size, NULL);
  bool ok = file >= 0 && memory >= 0 && H5Sselect_hyperslab(file, H5S_SELECT_SET, start, NULL, size, NULL) >= 0 &&
            H5Dread(s->steps, H5T_NATIVE_INT64, memory, file, H5P_DEFAULT, out) >= 0;
  if (file >= 0) H5Sclose(file);
  if (memory >= 0) H5Sclose(memory);
  return ok ? TW_OK : tw__h5_fail(e, "load", h->path.s);
}

static tw_status move_band(tw__h5 *h, tw__h5_trace *t, int64_t row, int type, tw_error *e) {
  if (t->band && t->band_type == type && row >= t->first && row < t->first + t->count) return TW_OK;
  size_t item = tw_column_item(type), per_row = (size_t)(t->length * t->elements) * item;
  int64_t count = per_row < BAND_BYTES ? (int64_t)(BAND_BYTES / per_row) : 1;
  if (count > h->runs - row) count = h->runs - row;
  tw_free(t->band);
  t->band = tw_alloc((size_t)count * per_row);
  if (!t->band) return tw__out_of_memory(e);
  hid_t memory_type = type == TW_COLUMN_F32 ? H5T_NATIVE_FLOAT : H5T_NATIVE_DOUBLE;
  if (!read_slabs(t->dataset, 2 + t->ndim, row, count, t->length, t->shape, memory_type, t->band)) {
    tw_free(t->band);
    t->band = NULL;
    return tw__h5_fail(e, "load", h->path.s);
  }
  t->first = row;
  t->count = count;
  t->band_type = type;
  return TW_OK;
}

tw_status tw__h5_values(tw__h5 *h, const tw_variable *v, int64_t row, int64_t n, void *out, tw_error *e) {
  tw__h5_trace *t = find_trace(h, v);
  size_t item = tw_column_item(v->type);
  if (!t) return tw__fill_nan(out, v->type, n * v->elements), TW_OK;
  if (n > t->length) return tw_fail(e, TW_ECORRUPT, "load: %s: a run has more rows than %s", h->path.s, t->name.s);
  tw_status s = move_band(h, t, row, v->type, e);
  if (s != TW_OK) return s;
  const char *from = t->band + (size_t)((row - t->first) * t->length * t->elements) * item;
  bool same = t->ndim == v->ndim && (t->ndim == 0 || memcmp(t->shape, v->shape, (size_t)t->ndim * sizeof *t->shape) == 0);
  if (same) memcpy(out, from, (size_t)(n * v->elements) * item);
  else tw__pad_rows(out, v->ndim, v->shape, from, t->ndim, t->shape, n, item);
  return TW_OK;
}

bool tw__h5_summary(tw__h5 *h, const tw_variable *v, int64_t row, tw_summary *out) {
  tw__h5_trace *t = find_trace(h, v);
  if (!t) return false;
  if (!t->summary_tried) {
    static const char *const suffix[4] = {"_final", "_min", "_max", "_argmin"};
    bool ok = true;
    t->summary_tried = true;
    for (int k = 0; k < 4 && ok; k++) {
      char name[256];
      ok = t->name.n < 200;
      if (!ok) break;
      memcpy(name, t->name.s, t->name.n);
      strcpy(name + t->name.n, suffix[k]);
      hid_t d = tw__h5_open(h->file, name, 1, h->runs, NULL);
      tw__arena scratch = {0};
      tw_text of;
      ok = d >= 0 && tw__h5_attr_text(d, "summary_of", &scratch, &of) && tw_text_equal(of, t->name);
      tw__arena_free(&scratch);
      if (d >= 0) H5Dclose(d);
      void *column = ok ? tw_alloc((size_t)h->runs * 8) : NULL;
      ok = column && tw__h5_column(h->file, name, k < 3 ? H5T_NATIVE_DOUBLE : H5T_NATIVE_INT64, h->runs, column);
      if (!ok) tw_free(column);
      else if (k < 3) t->summary[k] = column;
      else t->argmin = column;
    }
  }
  if (!t->argmin) return false;
  *out = (tw_summary){t->summary[0][row], t->summary[1][row], t->summary[2][row], t->argmin[row]};
  return true;
}
