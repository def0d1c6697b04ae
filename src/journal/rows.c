/* Rows into columns: staging, the birth of a column, the commit. This is the path every logged number takes. */
#include <float.h>
#include <math.h>
#include <stdio.h>

#include "journal/logbook.h"

enum { BLOCK_BYTES = 256 * 1024 };

static const double nan_f64 = __builtin_nan(""); /* 0x7ff8000000000000: the one NaN that is ever recorded */
static const float nan_f32 = __builtin_nanf("");

tw_status tw_logbook_row_begin(tw_logbook *b, uint32_t stream, tw_error *e) {
  if (!b->in_run) return tw_fail(e, TW_ESTATE, "log: no run is open; call begin first");
  b->row_stream = stream;
  b->n_staged = 0;
  b->stage.size = 0;
  b->row_count++;
  return TW_OK;
}

static tw__staged *stage(tw_logbook *b, uint32_t slot, tw_error *e) {
  if (b->n_staged == b->staged_capacity) {
    tw__staged *moved = tw_grow(b->staged, &b->staged_capacity, b->n_staged, sizeof *moved);
    if (!moved) return tw_fail(e, TW_ENOMEM, "log: out of memory"), NULL;
    b->staged = moved;
  }
  tw__slot *s = &b->slots[slot];
  if (s->row == b->row_count) return tw_fail(e, TW_EINVAL, "log: a metric stands twice in one row: metric is %s", s->full), NULL;
  s->row = b->row_count;
  return &b->staged[b->n_staged++];
}

tw_status tw_logbook_stage(tw_logbook *b, uint32_t slot, tw_column_type type, double value, tw_error *e) {
  tw__staged *v = stage(b, slot, e);
  if (!v) return TW_EINVAL;
  v->slot = slot;
  v->type = (uint8_t)type;
  v->ndim = 0;
  v->array = false;
  v->elements = 1;
  v->value = value;
  return TW_OK;
}

void *tw_logbook_stage_array(tw_logbook *b, uint32_t slot, tw_column_type type, int ndim, const int64_t *shape, tw_error *e) {
  const char *name = b->slots[slot].full;
  int64_t elements = 1;
  if (ndim > TW_COLUMN_MAX_DIM) return tw_fail(e, TW_EINVAL, "log: too many axes: %s has %d; the most is %d", name, ndim, TW_COLUMN_MAX_DIM), NULL;
  for (int i = 0; i < ndim; i++) {
    if (shape[i] < 1) return tw_fail(e, TW_EINVAL, "log: a metric needs at least one element: %s has none", name), NULL;
    if (shape[i] > (int64_t)(TW_FRAME_MAX_PAYLOAD / 16) / elements) return tw_fail(e, TW_EINVAL, "log: a metric is too big: metric is %s", name), NULL;
    elements *= shape[i];
  }
  tw__bytes_pad8(&b->stage);
  size_t bytes = (size_t)elements * tw_column_item(type);
  tw__staged *v = tw__bytes_room(&b->stage, bytes) ? stage(b, slot, e) : NULL;
  if (!v) {
    if (b->stage.failed) tw_fail(e, TW_ENOMEM, "log: out of memory");
    b->stage.failed = false;
    return NULL;
  }
  *v = (tw__staged){.slot = slot, .type = (uint8_t)type, .ndim = (uint8_t)ndim, .array = true, .elements = elements, .offset = b->stage.size};
  if (ndim) memcpy(v->shape, shape, (size_t)ndim * sizeof *shape);
  b->stage.size += bytes;
  return b->stage.data + v->offset;
}

/* ---- new columns ---- */

/* What the file derives from a name: loss_final and so on. */
static bool derived(const char *of, const char *name) {
  static const char *const suffixes[] = {"_final", "_min", "_max", "_argmin", "_dim"};
  size_t n = strlen(of);
  if (strncmp(of, name, n) != 0) return false;
  for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++)
    if (strncmp(name + n, suffixes[i], strlen(suffixes[i])) == 0) {
      const char *rest = name + n + strlen(suffixes[i]);
      if (!*rest || (i == 4 && rest[0] >= '0' && rest[0] <= '9' && !rest[1])) return true;
    }
  return false;
}

static bool axis_of(const tw__stream *st, const char *name) {
  size_t n = strlen(st->name);
  return n > 0 && strncmp(st->name, name, n) == 0 && (strcmp(name + n, "_step") == 0 || strcmp(name + n, "_idx") == 0);
}

/* Is the new metric's name, or a name derived from it, taken within this run? Only this run: other runs must not change what a run may do. */
static tw_status check_taken(const tw_logbook *b, const tw__slot *fresh, tw_error *e) {
  for (size_t i = 0; i < b->n_streams; i++) {
    const tw__stream *st = &b->streams[i];
    bool live = st->n_columns > 0 || i == fresh->stream;
    if (live && axis_of(st, fresh->full)) return tw_fail(e, TW_EINVAL, "log: the name is taken by the steps of stream %s: name is %s", st->name, fresh->full);
    for (size_t c = 0; c < st->n_columns; c++) {
      const tw__slot *other = &b->slots[st->columns[c]];
      if (other == fresh) continue;
      if (strcmp(other->full, fresh->full) == 0 || derived(other->full, fresh->full) || derived(fresh->full, other->full))
        return tw_fail(e, TW_EINVAL, "log: the name is taken: %s and %s would share a variable of the file", fresh->full, other->full);
      if (axis_of(&b->streams[fresh->stream], other->full))
        return tw_fail(e, TW_EINVAL, "log: the name is taken: the steps of stream %s and %s would share a variable of the file",
                       b->streams[fresh->stream].name, other->full);
    }
  }
  return TW_OK;
}

/* Staged values by metric name, bytewise; a row is short and mostly sorted already. */
static void sort_staged(tw_logbook *b) {
  for (size_t i = 1; i < b->n_staged; i++) {
    tw__staged v = b->staged[i];
    size_t j = i;
    for (; j > 0 && strcmp(b->slots[b->staged[j - 1].slot].name, b->slots[v.slot].name) > 0; j--) b->staged[j] = b->staged[j - 1];
    b->staged[j] = v;
  }
}

static bool room_for(tw__slot *s, size_t rows) {
  size_t need = rows * (size_t)s->elements * tw_column_item(s->type);
  if (need <= s->capacity) return true;
  size_t wanted = s->capacity ? s->capacity : 512;
  while (wanted < need) wanted *= 2;
  uint8_t *moved = tw_realloc(s->data, wanted);
  if (!moved) return false;
  s->data = moved;
  s->capacity = wanted;
  return true;
}

static void fill_absent(tw__slot *s, size_t from, size_t to) {
  size_t n = (size_t)s->elements;
  if (s->type == TW_COLUMN_F64)
    for (size_t i = from * n; i < to * n; i++) ((uint64_t *)(void *)s->data)[i] = TW_ABSENT_F64;
  else
    for (size_t i = from * n; i < to * n; i++) ((uint32_t *)(void *)s->data)[i] = TW_ABSENT_F32;
}

static tw_status add_column(tw_logbook *b, tw__stream *st, const tw__staged *v, tw_error *e) {
  tw__slot *s = &b->slots[v->slot];
  tw_status status = check_taken(b, s, e);
  if (status != TW_OK) return status;
  s->type = v->type;
  s->ndim = v->ndim;
  s->elements = v->elements;
  memcpy(s->shape, v->shape, sizeof s->shape);
  uint32_t *moved = tw_grow(st->columns, &st->columns_capacity, st->n_columns, sizeof *moved);
  if (moved) st->columns = moved;
  if (!moved || !room_for(s, st->rows + 1)) return tw_fail(e, TW_ENOMEM, "log: out of memory");
  fill_absent(s, 0, st->rows);
  s->column = (int32_t)st->n_columns;
  s->ordinal = b->n_ordinals++;
  st->columns[st->n_columns++] = v->slot;
  return TW_OK;
}

/* Metrics seen for the first time: bytewise by name, whatever order a Lua table has. */
static tw_status add_columns(tw_logbook *b, tw__stream *st, tw_error *e) {
  size_t had = st->n_columns;
  uint32_t ordinals = b->n_ordinals;
  sort_staged(b);
  tw_status s = TW_OK;
  for (size_t i = 0; i < b->n_staged && s == TW_OK; i++)
    if (b->slots[b->staged[i].slot].column == TW__NO_COLUMN) s = add_column(b, st, &b->staged[i], e);
  if (s != TW_OK) {
    while (st->n_columns > had) b->slots[st->columns[--st->n_columns]].column = TW__NO_COLUMN;
    b->n_ordinals = ordinals;
  }
  return s;
}

/* ---- a row meets its columns ---- */

static char *shape_text(char *buffer, size_t bytes, int ndim, const int64_t *shape) {
  size_t at = (size_t)snprintf(buffer, bytes, "[");
  for (int i = 0; i < ndim && at < bytes; i++) at += (size_t)snprintf(buffer + at, bytes - at, "%s%lld", i ? " " : "", (long long)shape[i]);
  if (at < bytes) snprintf(buffer + at, bytes - at, "]");
  return buffer;
}

/* A metric logged as f32 and f64 is f64: the buffered rows are widened in place, back to front. */
static tw_status widen(tw__stream *st, tw__slot *s, tw_error *e) {
  size_t n = st->rows * (size_t)s->elements;
  s->type = TW_COLUMN_F64;
  if (!room_for(s, st->rows + 1)) {
    s->type = TW_COLUMN_F32;
    return tw_fail(e, TW_ENOMEM, "log: out of memory");
  }
  for (size_t i = n; i-- > 0;) {
    float x;
    memcpy(&x, s->data + 4 * i, 4);
    double y = (double)x;
    memcpy(s->data + 8 * i, &y, 8);
  }
  st->layout = TW__NO_LAYOUT;
  return TW_OK;
}

static tw_status fit(tw_logbook *b, tw__stream *st, const tw__staged *v, tw_error *e) {
  tw__slot *s = &b->slots[v->slot];
  if (v->ndim != s->ndim || (v->ndim && memcmp(v->shape, s->shape, v->ndim * sizeof *v->shape) != 0)) {
    char now[128], was[128];
    return tw_fail(e, TW_EINVAL, "log: a metric keeps the shape of its first row: %s is %s, was %s", s->full,
                   shape_text(now, sizeof now, v->ndim, v->shape), shape_text(was, sizeof was, s->ndim, s->shape));
  }
  if (v->type == TW_COLUMN_F64 && s->type == TW_COLUMN_F32) return widen(st, s, e);
  return room_for(s, st->rows + 1) ? TW_OK : tw_fail(e, TW_ENOMEM, "log: out of memory");
}

/* Stores the value, NaN made canonical; false where something is not finite. */
static bool store(const tw_logbook *b, tw__slot *s, size_t row, const tw__staged *v) {
  bool finite = true;
  if (!v->array) {
    double x = v->value == v->value ? v->value : nan_f64;
    s->last = x;
    s->has_last = true;
    if (s->type == TW_COLUMN_F64) ((double *)(void *)s->data)[row] = x;
    else ((float *)(void *)s->data)[row] = v->value == v->value ? (float)x : nan_f32;
    return fabs(x) <= DBL_MAX;
  }
  size_t n = (size_t)s->elements;
  const uint8_t *from = b->stage.data + v->offset;
  for (size_t i = 0; i < n; i++) {
    double x = v->type == TW_COLUMN_F64 ? ((const double *)(const void *)from)[i] : (double)((const float *)(const void *)from)[i];
    if (s->type == TW_COLUMN_F64) ((double *)(void *)s->data)[row * n + i] = x == x ? x : nan_f64;
    else ((float *)(void *)s->data)[row * n + i] = x == x ? (float)x : nan_f32;
    finite = finite && fabs(x) <= DBL_MAX;
  }
  return finite;
}

static tw_status stamp(tw_logbook *b, tw__stream *st, const int64_t *step, tw_error *e) {
  if (step && (*step < 0 || *step == INT64_MAX)) return tw_fail(e, TW_EINVAL, "log: a step is not negative: step is %lld", (long long)*step);
  if (st->rows == st->steps_capacity) {
    int64_t *moved = tw_grow(st->steps, &st->steps_capacity, st->rows, sizeof *moved);
    if (!moved) return tw_fail(e, TW_ENOMEM, "log: out of memory");
    st->steps = moved;
  }
  int64_t latest = b->streams[0].last_step;
  int64_t own = st == &b->streams[0] ? latest + 1 : latest < 0 ? 0 : latest;
  st->steps[st->rows] = step ? *step : own;
  return TW_OK;
}

tw_status tw_logbook_row_end(tw_logbook *b, const int64_t *step, int64_t *stamped, const char **bad, tw_error *e) {
  tw__stream *st = &b->streams[b->row_stream];
  *bad = NULL;
  if (b->n_staged == 0) return tw_fail(e, TW_EINVAL, "log: a row needs at least one metric");
  tw_status s = stamp(b, st, step, e);
  bool fresh = false;
  for (size_t i = 0; i < b->n_staged && s == TW_OK; i++) {
    if (b->slots[b->staged[i].slot].column == TW__NO_COLUMN) fresh = true;
    else s = fit(b, st, &b->staged[i], e);
  }
  if (s == TW_OK && fresh) s = add_columns(b, st, e);
  if (s != TW_OK) return s;
  if (fresh) st->layout = TW__NO_LAYOUT;

  int32_t bad_column = INT32_MAX;
  for (size_t i = 0; i < b->n_staged; i++) {
    tw__slot *slot = &b->slots[b->staged[i].slot];
    bool finite = store(b, slot, st->rows, &b->staged[i]);
    if (!finite && slot->diverge && slot->column < bad_column) {
      bad_column = slot->column;
      *bad = slot->full;
    }
  }
  if (b->n_staged < st->n_columns)
    for (size_t i = 0; i < st->n_columns; i++) {
      tw__slot *slot = &b->slots[st->columns[i]];
      if (slot->row == b->row_count) continue;
      if (!room_for(slot, st->rows + 1)) return tw_fail(e, TW_ENOMEM, "log: out of memory");
      fill_absent(slot, st->rows, st->rows + 1);
    }
  *stamped = st->last_step = st->steps[st->rows++];
  st->total++;
  if (fresh) {
    st->row_bytes = 0;
    for (size_t i = 0; i < st->n_columns; i++) st->row_bytes += (size_t)b->slots[st->columns[i]].elements * 8;
  }
  if (st->rows * st->row_bytes >= BLOCK_BYTES) s = tw__logbook_emit(b, st, e);
  if (s == TW_OK && tw_writer_due(b->journal->writer)) s = tw_logbook_flush(b, e);
  return s;
}
