/* One run's rows out of whatever source has them: journal blocks in memory, or a row of an HDF5 file. */
#include "record/sweep.h"

#include <math.h>

/* Fills n values of the given type with NaN. */
void tw__fill_nan(void *out, int type, int64_t n) {
  if (type == TW_COLUMN_F64)
    for (int64_t i = 0; i < n; i++) ((double *)out)[i] = TW__NAN;
  else
    for (int64_t i = 0; i < n; i++) ((float *)out)[i] = __builtin_nanf("");
}

void tw__pad_rows(void *to, int to_ndim, const int64_t *to_shape, const void *from, int from_ndim, const int64_t *from_shape, int64_t rows, size_t item) {
  int64_t to_elements = 1, from_elements = 1;
  for (int i = 0; i < to_ndim; i++) to_elements *= to_shape[i];
  for (int i = 0; i < from_ndim; i++) from_elements *= from_shape[i];
  tw__fill_nan(to, item == 4 ? TW_COLUMN_F32 : TW_COLUMN_F64, rows * to_elements);
  for (int64_t flat = 0; flat < from_elements; flat++) {
    int64_t rest = flat, at = 0, stride = 1;
    bool inside = true;
    for (int i = to_ndim - 1, j = from_ndim - 1; j >= 0; i--, j--) { /* axes are matched from the last */
      int64_t k = rest % from_shape[j], room = i < 0 ? 1 : to_shape[i];
      rest /= from_shape[j];
      inside = inside && k < room;
      at += k * stride;
      stride *= room;
    }
    if (!inside) continue;
    for (int64_t r = 0; r < rows; r++)
      memcpy((char *)to + (size_t)(r * to_elements + at) * item, (const char *)from + (size_t)(r * from_elements + flat) * item, item);
  }
}

tw_status tw_sweep_steps(tw_sweep *s, size_t row, size_t stream, int64_t *out, tw_error *e) {
  const tw__entry *x = s->rows[row]->chosen;
  if (!x) return TW_OK;
  tw_text name = s->streams[stream].name;
  if (x->h5) return tw__h5_steps(x->h5, name, x->h5_row, tw_sweep_rows(s, row, stream), out, e);
  for (const tw__block *b = x->first; b; b = b->next) {
    if (!tw_text_equal(b->layout->layout.stream, name)) continue;
    for (uint32_t i = 0; i < b->frame.rows; i++) *out++ = tw_block_step(&b->frame, i);
  }
  return TW_OK;
}

/* Is the scalar in this row of the column one that was logged? */
static bool is_there(const void *column, int type, uint32_t row) {
  uint64_t wide;
  uint32_t narrow;
  if (type == TW_COLUMN_F64) {
    memcpy(&wide, (const char *)column + row * sizeof wide, sizeof wide);
    return wide != TW_ABSENT_F64;
  }
  memcpy(&narrow, (const char *)column + row * sizeof narrow, sizeof narrow);
  return narrow != TW_ABSENT_F32;
}

/* There is one NaN from here on. */
static void make_one_nan(void *values, int type, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    if (type == TW_COLUMN_F64 ? isnan(((double *)values)[i]) : isnan(((float *)values)[i])) {
      tw__fill_nan((char *)values + (size_t)i * tw_column_item(type), type, 1);
    }
  }
}

static tw_status block_values(const tw__block *b, const tw_variable *v, int32_t column, void *out, tw_error *e) {
  int64_t rows = b->frame.rows;
  if (column < 0) return tw__fill_nan(out, v->type, rows * v->elements), TW_OK;
  const tw_column *c = &b->layout->layout.columns[column];
  const void *from = tw_block_column(&b->frame, &b->layout->layout, (uint32_t)column);
  double *wide = NULL;
  if (c->type != v->type) { /* f32 in an f64 variable */
    int64_t n = rows * c->elements;
    wide = tw_alloc((size_t)n * sizeof *wide);
    if (!wide) return tw__out_of_memory(e);
    for (int64_t i = 0; i < n; i++) wide[i] = (double)((const float *)from)[i];
    from = wide;
  }
  bool same = c->ndim == v->ndim && (c->ndim == 0 || memcmp(c->shape, v->shape, c->ndim * sizeof *c->shape) == 0);
  if (same) memcpy(out, from, (size_t)(rows * v->elements) * tw_column_item(v->type));
  else tw__pad_rows(out, v->ndim, v->shape, from, c->ndim, c->shape, rows, tw_column_item(v->type));
  make_one_nan(out, v->type, rows * v->elements);
  tw_free(wide);
  return TW_OK;
}

tw_status tw__sweep_raw(tw_sweep *s, size_t row, size_t variable, void *out, tw_error *e) {
  const tw__entry *x = s->rows[row]->chosen;
  const tw_variable *v = &s->variables[variable];
  if (!x) return TW_OK;
  if (x->h5) return tw__h5_values(x->h5, v, x->h5_row, tw_sweep_rows(s, row, v->stream_index), out, e);
  char *at = out;
  tw_status status = TW_OK;
  for (const tw__block *b = x->first; b && status == TW_OK; b = b->next) {
    if (!tw_text_equal(b->layout->layout.stream, v->stream)) continue;
    status = block_values(b, v, b->layout->column_of[variable], at, e);
    at += (size_t)(b->frame.rows * v->elements) * tw_column_item(v->type);
  }
  return status;
}

tw_status tw_sweep_values(tw_sweep *s, size_t row, size_t variable, double *out, tw_error *e) {
  const tw_variable *v = &s->variables[variable];
  tw_status status = tw__sweep_raw(s, row, variable, out, e);
  if (status != TW_OK || v->type == TW_COLUMN_F64) return status;
  int64_t n = tw_sweep_rows(s, row, v->stream_index) * v->elements;
  while (n-- > 0) { /* back to front: the floats lie in the lower half of the same room */
    float x;
    memcpy(&x, (const char *)out + 4 * n, 4);
    out[n] = (double)x;
  }
  return TW_OK;
}

tw_status tw_sweep_summary(tw_sweep *s, size_t row, size_t variable, tw_summary *out, tw_error *e) {
  const tw_variable *v = &s->variables[variable];
  const tw__entry *x = s->rows[row]->chosen;
  int64_t n = tw_sweep_rows(s, row, v->stream_index);
  *out = (tw_summary){TW__NAN, TW__NAN, TW__NAN, -1};
  if (v->ndim != 0) return tw_fail(e, TW_EINVAL, "sweep: only a scalar metric has final, min and max: %s is not", v->name.s);
  if (n == 0 || (x->h5 && tw__h5_summary(x->h5, v, x->h5_row, out))) return TW_OK;
  double *values = tw_alloc((size_t)n * sizeof *values);
  int64_t *steps = tw_alloc((size_t)n * sizeof *steps);
  tw_status status = values && steps ? tw_sweep_values(s, row, variable, values, e) : tw__out_of_memory(e);
  if (status == TW_OK) status = tw_sweep_steps(s, row, v->stream_index, steps, e);
  if (status == TW_OK) tw__summarise(s, row, variable, values, steps, n, out);
  tw_free(values);
  tw_free(steps);
  return status;
}

/* The last value that was logged. Rows behind it may lack the metric, which in the trace cannot be told from NaN; a file keeps what it was. */
static double last_value(const tw__entry *x, const tw_variable *v, size_t variable, const double *values, int64_t n) {
  int64_t at = 0, end = 0;
  tw_summary kept;
  if (x->h5) return tw__h5_summary(x->h5, v, x->h5_row, &kept) ? kept.final : values[n - 1];
  for (const tw__block *b = x->first; b; b = b->next) {
    if (!tw_text_equal(b->layout->layout.stream, v->stream)) continue;
    const int32_t column = b->layout->column_of[variable];
    const void *logged = column < 0 ? NULL : tw_block_column(&b->frame, &b->layout->layout, (uint32_t)column);
    for (uint32_t i = b->frame.rows; i > 0 && logged; i--) {
      if (!is_there(logged, b->layout->layout.columns[column].type, i - 1)) continue;
      end = at + i;
      break;
    }
    at += b->frame.rows;
  }
  return end ? values[end - 1] : TW__NAN;
}

void tw__summarise(const tw_sweep *s, size_t row, size_t variable, const double *values, const int64_t *steps, int64_t n, tw_summary *out) {
  *out = (tw_summary){TW__NAN, TW__NAN, TW__NAN, -1};
  if (n > 0) out->final = last_value(s->rows[row]->chosen, &s->variables[variable], variable, values, n);
  for (int64_t i = 0; i < n; i++) {
    double x = values[i];
    if (isnan(x)) continue;
    if (out->argmin < 0 || x < out->min) {
      out->min = x;
      out->argmin = steps[i];
    }
    if (isnan(out->max) || x > out->max) out->max = x;
  }
}
