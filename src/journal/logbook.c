/* The logbook: one worker's runs as frames. Owns the writer, the streams and their column buffers.
 * A BLOCK leaves when its buffer is big, when a second has passed, at flush and at the end of a run; nothing that is read back depends on where
 * blocks were cut. */
#include "journal/logbook.h"

#include <stdio.h>
#include <time.h>

static tw_status out_of_memory(tw_error *e) { return tw_fail(e, TW_ENOMEM, "log: out of memory"); }

tw_status tw_logbook_new(const char *dir, uint32_t worker, const char *uuid, int sync, tw_logbook **out, tw_error *e) {
  *out = NULL;
  tw__journal *j = tw_calloc(1, sizeof *j);
  tw_logbook *b = tw_calloc(1, sizeof *b);
  if (!b || !j) {
    tw_free(b);
    tw_free(j);
    return out_of_memory(e);
  }
  j->users = 1;
  b->journal = j;
  uint32_t stream;
  tw_status s = tw_writer_new(dir, worker, uuid, sync, &j->writer, e);
  if (s == TW_OK) s = tw_logbook_stream(b, (tw_text){"", 0}, &stream, e);
  if (s == TW_OK) *out = b;
  else tw_logbook_free(b);
  return s;
}

tw_status tw_logbook_beside(tw_logbook *of, tw_logbook **out, tw_error *e) {
  *out = NULL;
  tw_logbook *b = tw_calloc(1, sizeof *b);
  if (!b) return out_of_memory(e);
  b->journal = of->journal;
  b->journal->users++;
  tw_status s = TW_OK;
  uint32_t number;
  for (size_t i = 0; i < of->n_streams && s == TW_OK; i++) s = tw_logbook_stream(b, tw_text_of(of->streams[i].name), &number, e);
  for (size_t i = 0; i < of->n_slots && s == TW_OK; i++) s = tw_logbook_slot(b, of->slots[i].stream, tw_text_of(of->slots[i].name), &number, e);
  if (s == TW_OK) *out = b;
  else tw_logbook_free(b);
  return s;
}

static void leave_journal(tw__journal *j) {
  if (--j->users > 0) return;
  tw_writer_free(j->writer);
  for (int i = 0; i < TW__KNOWN_LAYOUTS; i++) tw__bytes_free(&j->known[i]);
  tw_free(j);
}

void tw_logbook_free(tw_logbook *b) {
  if (!b) return;
  tw_error ignored;
  if (b->journal->writer && tw_logbook_close(b, &ignored) != TW_OK) { /* close() was the place to hear of it */ }
  for (size_t i = 0; i < b->n_streams; i++) {
    tw_free(b->streams[i].name);
    tw_free(b->streams[i].columns);
    tw_free(b->streams[i].steps);
  }
  for (size_t i = 0; i < b->n_slots; i++) {
    tw_free(b->slots[i].name);
    tw_free(b->slots[i].full);
    tw_free(b->slots[i].data);
  }
  for (size_t i = 0; i < b->n_diverge; i++) tw_free(b->diverge[i]);
  leave_journal(b->journal);
  tw_free(b->streams);
  tw_free(b->slots);
  tw_free(b->diverge);
  tw_free(b->staged);
  tw__bytes_free(&b->stage);
  tw__bytes_free(&b->payload);
  tw_free(b);
}

const char *tw_logbook_path(const tw_logbook *b) { return tw_writer_path(b->journal->writer); }
bool tw_logbook_in_run(const tw_logbook *b) { return b->in_run; }
void tw_logbook_mute(tw_logbook *b, bool on) { b->muted = on; }

/* ---- names ---- */

static char *copy_text(tw_text t) {
  char *s = tw_alloc(t.n + 1);
  if (!s) return NULL;
  if (t.n) memcpy(s, t.s, t.n);
  s[t.n] = 0;
  return s;
}

static char *full_name(const char *stream, tw_text metric) {
  size_t n = strlen(stream);
  char *s = tw_alloc(n + metric.n + 2);
  if (s) sprintf(s, "%s%s%.*s", stream, n ? "_" : "", (int)metric.n, metric.s);
  return s;
}

tw_status tw_logbook_stream(tw_logbook *b, tw_text name, uint32_t *stream, tw_error *e) {
  for (size_t i = 0; i < b->n_streams; i++)
    if (tw_text_equal(name, tw_text_of(b->streams[i].name))) return *stream = (uint32_t)i, TW_OK;
  if (name.n > 0 && !tw_name_valid(name))
    return tw_fail(e, TW_EINVAL, "log: bad stream name: name is \"%.*s\"; use [a-z][a-z0-9_]*", (int)(name.n < 200 ? name.n : 200), name.s);
  if (tw_text_equal(name, tw_text_of("steps"))) return tw_fail(e, TW_EINVAL, "log: the file keeps this name for itself: stream is steps; choose another");
  tw__stream *moved = tw_grow(b->streams, &b->streams_capacity, b->n_streams, sizeof *moved);
  if (!moved) return out_of_memory(e);
  b->streams = moved;
  char *copy = copy_text(name);
  if (!copy) return out_of_memory(e);
  b->streams[b->n_streams] = (tw__stream){.name = copy, .last_step = -1, .layout = TW__NO_LAYOUT};
  *stream = (uint32_t)b->n_streams++;
  return TW_OK;
}

static bool diverges(const tw_logbook *b, const char *full) {
  for (size_t i = 0; i < b->n_diverge; i++)
    if (strcmp(b->diverge[i], full) == 0) return true;
  return false;
}

tw_status tw_logbook_slot(tw_logbook *b, uint32_t stream, tw_text metric, uint32_t *slot, tw_error *e) {
  for (size_t i = 0; i < b->n_slots; i++)
    if (b->slots[i].stream == stream && tw_text_equal(metric, tw_text_of(b->slots[i].name))) return *slot = (uint32_t)i, TW_OK;
  if (!tw_name_valid(metric))
    return tw_fail(e, TW_EINVAL, "log: bad metric name: name is \"%.*s\"; use [a-z][a-z0-9_]*", (int)(metric.n < 200 ? metric.n : 200), metric.s);
  tw__slot *moved = tw_grow(b->slots, &b->slots_capacity, b->n_slots, sizeof *moved);
  if (!moved) return out_of_memory(e);
  b->slots = moved;
  tw__slot s = {.stream = stream, .column = TW__NO_COLUMN, .name = copy_text(metric), .full = full_name(b->streams[stream].name, metric)};
  tw_status status = TW_OK;
  if (!s.name || !s.full) status = out_of_memory(e);
  else if (tw_name_reserved(tw_text_of(s.full)) || !tw_name_valid(tw_text_of(s.full)))
    status = tw_fail(e, TW_EINVAL, "log: the file keeps this name for itself: name is %s; choose another", s.full);
  if (status != TW_OK) {
    tw_free(s.name);
    tw_free(s.full);
    return status;
  }
  s.diverge = diverges(b, s.full);
  b->slots[b->n_slots] = s;
  *slot = (uint32_t)b->n_slots++;
  return TW_OK;
}

bool tw_logbook_last(const tw_logbook *b, tw_text name, double *out) {
  for (size_t i = 0; i < b->n_slots; i++)
    if (b->slots[i].has_last && tw_text_equal(name, tw_text_of(b->slots[i].full))) return *out = b->slots[i].last, true;
  return false;
}

/* ---- frames ---- */

static tw_status frame(tw_logbook *b, tw_frame_type type, int64_t first_step, size_t rows, tw_error *e) {
  if (b->payload.failed || b->payload.size > TW_FRAME_MAX_PAYLOAD - 8) {
    b->payload.failed = false;
    return tw_fail(e, TW_ENOMEM, "log: no room for a frame of %zu bytes", b->payload.size);
  }
  if (b->muted) return TW_OK;
  tw_frame f = {.type = (uint16_t)type, .attempt = b->attempt, .rows = (uint32_t)rows, .run = b->run, .first_step = first_step,
                .bytes = (uint32_t)b->payload.size, .payload = b->payload.data};
  return tw_writer_frame(b->journal->writer, &f, e);
}

/* The number of the DEFINE that says what this stream's columns are now; writes one where the latest few do not. */
static tw_status define(tw_logbook *b, tw__stream *st, tw_error *e) {
  tw__bytes *p = &b->payload;
  p->size = 0;
  tw__bytes_u32(p, b->journal->n_layouts);
  tw__bytes_u32(p, (uint32_t)st->n_columns);
  tw__bytes_text(p, tw_text_of(st->name));
  for (size_t i = 0; i < st->n_columns; i++) {
    const tw__slot *s = &b->slots[st->columns[i]];
    tw__bytes_u8(p, s->type);
    tw__bytes_u8(p, s->ndim);
    tw__bytes_u32(p, s->ordinal);
    tw__bytes_put(p, s->shape, s->ndim * sizeof s->shape[0]);
    tw__bytes_text(p, tw_text_of(s->name));
  }
  if (p->failed) return frame(b, TW_FRAME_DEFINE, 0, 0, e);
  for (int i = 0; i < TW__KNOWN_LAYOUTS; i++) {
    const tw__bytes *k = &b->journal->known[i];
    if (k->size == 0 || k->size != p->size - 4 || memcmp(k->data, p->data + 4, k->size) != 0) continue;
    st->layout = b->journal->known_number[i];
    return TW_OK;
  }
  int place = (int)(b->journal->n_layouts % TW__KNOWN_LAYOUTS);
  tw_status s = frame(b, TW_FRAME_DEFINE, 0, 0, e);
  if (s != TW_OK) return s;
  b->journal->known[place].size = 0;
  tw__bytes_put(&b->journal->known[place], p->data + 4, p->size - 4);
  b->journal->known[place].failed = false; /* not remembered: the next run writes its own */
  b->journal->known_number[place] = b->journal->n_layouts;
  st->layout = b->journal->n_layouts++;
  return TW_OK;
}

static bool consecutive(const tw__stream *st) {
  for (size_t i = 1; i < st->rows; i++)
    if (st->steps[i] != st->steps[0] + (int64_t)i) return false;
  return true;
}

tw_status tw__logbook_emit(tw_logbook *b, tw__stream *st, tw_error *e) {
  if (b->muted) st->rows = 0;
  if (st->rows == 0) return TW_OK;
  tw_status s = st->layout == TW__NO_LAYOUT ? define(b, st, e) : TW_OK;
  if (s != TW_OK) return s;
  bool plain = consecutive(st);
  tw__bytes *p = &b->payload;
  p->size = 0;
  tw__bytes_u32(p, (uint32_t)st->layout);
  tw__bytes_u32(p, !plain);
  if (!plain) tw__bytes_put(p, st->steps, st->rows * sizeof *st->steps);
  for (size_t i = 0; i < st->n_columns; i++) {
    const tw__slot *c = &b->slots[st->columns[i]];
    tw__bytes_put(p, c->data, st->rows * (size_t)c->elements * tw_column_item(c->type));
    tw__bytes_pad8(p);
  }
  s = frame(b, TW_FRAME_BLOCK, st->steps[0], st->rows, e);
  if (s == TW_OK) st->rows = 0;
  return s;
}

static tw_status emit_all(tw_logbook *b, tw_error *e) {
  for (size_t i = 0; i < b->n_streams; i++) {
    tw_status s = tw__logbook_emit(b, &b->streams[i], e);
    if (s != TW_OK) return s;
  }
  return TW_OK;
}

tw_status tw_logbook_flush(tw_logbook *b, tw_error *e) {
  tw_status s = emit_all(b, e);
  return s == TW_OK ? tw_writer_flush(b->journal->writer, e) : s;
}

tw_status tw_logbook_close(tw_logbook *b, tw_error *e) {
  tw_status s = emit_all(b, e);
  return s == TW_OK ? tw_writer_sync(b->journal->writer, e) : s;
}

/* ---- runs ---- */

static double wall_clock(void) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void forget_run(tw_logbook *b) {
  for (size_t i = 0; i < b->n_streams; i++) {
    tw__stream *st = &b->streams[i];
    st->n_columns = st->rows = st->row_bytes = 0;
    st->total = 0;
    st->last_step = -1;
    st->layout = TW__NO_LAYOUT;
  }
  for (size_t i = 0; i < b->n_slots; i++) {
    b->slots[i].column = TW__NO_COLUMN;
    b->slots[i].has_last = false;
    b->slots[i].diverge = diverges(b, b->slots[i].full);
  }
  b->n_ordinals = 0;
}

/* Usually the same list as for the run before. */
static tw_status set_diverge(tw_logbook *b, const tw_text *names, size_t n, tw_error *e) {
  bool same = n == b->n_diverge;
  for (size_t i = 0; same && i < n; i++) same = tw_text_equal(names[i], tw_text_of(b->diverge[i]));
  if (same) return TW_OK;
  while (b->n_diverge > 0) tw_free(b->diverge[--b->n_diverge]);
  for (size_t i = 0; i < n; i++) {
    char **moved = tw_grow(b->diverge, &b->diverge_capacity, b->n_diverge, sizeof *moved);
    if (!moved) return out_of_memory(e);
    b->diverge = moved;
    if (!(b->diverge[i] = copy_text(names[i]))) return out_of_memory(e);
    b->n_diverge++;
  }
  return TW_OK;
}

tw_status tw_logbook_begin(tw_logbook *b, int64_t run, uint32_t attempt, int64_t seed, uint32_t lanes, const tw_text *diverge, size_t n_diverge,
                           tw_error *e) {
  if (b->in_run) return tw_fail(e, TW_ESTATE, "begin: run %014llx has not ended; call finish first", (unsigned long long)b->run);
  if (run < 0 || run >= TW_MAX_RUN_ID) return tw_fail(e, TW_EINVAL, "begin: run id is out of range: id is %lld", (long long)run);
  if (attempt < 1 || attempt > INT16_MAX) return tw_fail(e, TW_EINVAL, "begin: attempt is out of range: attempt is %u", attempt);
  tw_status s = set_diverge(b, diverge, n_diverge, e);
  if (s != TW_OK) return s;
  forget_run(b);
  b->run = run;
  b->attempt = (uint16_t)attempt;
  b->payload.size = 0;
  tw__bytes_i64(&b->payload, seed);
  tw__bytes_f64(&b->payload, wall_clock());
  tw__bytes_u32(&b->payload, lanes);
  s = frame(b, TW_FRAME_RUN_START, 0, 0, e);
  if (s != TW_OK) return s;
  b->in_run = true;
  return tw_writer_due(b->journal->writer) ? tw_writer_flush(b->journal->writer, e) : TW_OK;
}

static tw_status need_run(const tw_logbook *b, const char *what, tw_error *e) {
  return b->in_run ? TW_OK : tw_fail(e, TW_ESTATE, "%s: no run is open; call begin first", what);
}

tw_status tw_logbook_result(tw_logbook *b, const tw_result *r, size_t n, tw_error *e) {
  tw_status s = need_run(b, "result", e);
  if (s != TW_OK) return s;
  b->payload.size = 0;
  for (size_t i = 0; i < n; i++) {
    if (!tw_name_valid(r[i].name))
      return tw_fail(e, TW_EINVAL, "result: bad name: name is \"%.*s\"; use [a-z][a-z0-9_]*", (int)(r[i].name.n < 200 ? r[i].name.n : 200), r[i].name.s);
    tw__bytes_text(&b->payload, r[i].name);
    tw__bytes_f64(&b->payload, r[i].value == r[i].value ? r[i].value : __builtin_nan(""));
  }
  return n ? frame(b, TW_FRAME_RESULT, 0, 0, e) : TW_OK;
}

void tw_logbook_abandon(tw_logbook *b) {
  forget_run(b);
  b->in_run = false;
}

tw_status tw_logbook_finish(tw_logbook *b, tw_run_status status, tw_text message, double wall, double cpu, tw_error *e) {
  tw_status s = need_run(b, "finish", e);
  if (s == TW_OK) s = emit_all(b, e);
  if (s == TW_OK) {
    b->payload.size = 0;
    tw__bytes_u32(&b->payload, (uint32_t)status);
    tw__bytes_i64(&b->payload, b->streams[0].total);
    tw__bytes_f64(&b->payload, wall);
    tw__bytes_f64(&b->payload, cpu);
    tw__bytes_text(&b->payload, message);
    s = frame(b, TW_FRAME_RUN_END, 0, 0, e);
  }
  b->in_run = false;
  return s == TW_OK ? tw_writer_end_run(b->journal->writer, e) : s;
}
