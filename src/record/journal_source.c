/* A directory of journals as a source: the plan's frames, then every worker's, then per run the attempt that counts. */
#include "record/sweep.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct {
  tw_sweep *s;
  const char *dir;
  char uuid[TW_UUID_TEXT + 1]; /* "" until a header told */
  tw__run **touched;
  size_t n_touched, capacity;
} directory;

static tw_status open_journal(directory *d, const char *name, tw_reader **out, tw_error *e) {
  char path[1200];
  int n = snprintf(path, sizeof path, "%s/%s", d->dir, name);
  if (n < 0 || (size_t)n >= sizeof path) return tw_fail(e, TW_EINVAL, "load: path is too long: %s", d->dir);
  tw_reader *r;
  tw_status s = tw_reader_open(path, &r, e);
  if (s != TW_OK) return s;
  tw_reader **place = TW__PUSH(d->s->readers, d->s->n_readers, d->s->readers_capacity);
  if (!place) {
    tw_reader_free(r);
    return tw__out_of_memory(e);
  }
  *out = *place = r;
  d->s->torn += tw_reader_torn(r);
  if (tw_reader_good(r) == 0) return TW_OK;
  if (!d->uuid[0]) strcpy(d->uuid, tw_reader_uuid(r));
  if (strcmp(d->uuid, tw_reader_uuid(r)) != 0)
    return tw_fail(e, TW_ECORRUPT, "load: %s belongs to another sweep: its uuid is %s, the plan's is %s; move it away", path, tw_reader_uuid(r), d->uuid);
  return TW_OK;
}

/* ---- the plan ---- */

static tw_status read_plan(directory *d, tw_error *e) {
  tw_reader *r;
  tw_frame f;
  char path[1200];
  snprintf(path, sizeof path, "%s/plan.jnl", d->dir);
  FILE *there = fopen(path, "re");
  if (!there) return TW_OK; /* nothing planned yet */
  fclose(there);
  tw_status s = open_journal(d, "plan.jnl", &r, e);
  while (s == TW_OK && tw_reader_next(r, &f)) {
    if (f.type != TW_FRAME_PLAN) continue;
    s = tw__sweep_take_plan(d->s, &f, TW__LEAD, e);
  }
  if (s == TW_OK && d->uuid[0]) s = tw__sweep_put_meta(d->s, tw_text_of("uuid"), tw_text_of(d->uuid), e);
  return s;
}

/* ---- a worker's frames ---- */

static tw__entry *entry_of(directory *d, const tw_frame *f, size_t file, uint32_t worker) {
  tw__run *r = tw__sweep_need(d->s, f->run);
  if (!r) return NULL;
  for (tw__entry *x = r->entries; x; x = x->next)
    if (x->file == file && x->attempt == f->attempt) return x;
  tw__entry *x = tw__arena_take(&d->s->arena, sizeof *x);
  if (!x) return NULL;
  if (!r->entries) {
    tw__run **place = TW__PUSH(d->touched, d->n_touched, d->capacity);
    if (!place) return NULL;
    *place = r;
  }
  *x = (tw__entry){.next = r->entries, .file = file, .status = TW_RUN_RUNNING, .attempt = f->attempt, .worker = (int32_t)(worker & INT16_MAX), .lanes = 1,
                   .start_time = TW__NAN, .wall_time = TW__NAN, .cpu_time = TW__NAN};
  return r->entries = x;
}

static tw__layout *layout_of(const tw_sweep *s, size_t from, uint32_t number) {
  if (from + number < s->n_layouts && s->layouts[from + number]->layout.number == number) return s->layouts[from + number];
  for (size_t i = s->n_layouts; i-- > from;)
    if (s->layouts[i]->layout.number == number) return s->layouts[i];
  return NULL;
}

static tw_status add_layout(tw_sweep *s, const tw_frame *f, tw_error *e) {
  tw__layout *l = tw__arena_take(&s->arena, sizeof *l);
  if (!l) return tw__out_of_memory(e);
  tw_status status = tw_layout_decode(f, &l->layout, e);
  if (status == TW_ECORRUPT) return TW_OK; /* its blocks will find no layout */
  if (status != TW_OK) return status;
  tw__layout **place = TW__PUSH(s->layouts, s->n_layouts, s->layouts_capacity);
  if (place) *place = l;
  else tw_layout_clear(&l->layout);
  return place ? TW_OK : tw__out_of_memory(e);
}

static tw_status add_block(tw_sweep *s, tw__entry *x, const tw_frame *f, tw__layout *l, tw_error *e) {
  tw__block *b = tw__arena_take(&s->arena, sizeof *b);
  if (!b) return tw__out_of_memory(e);
  b->layout = l;
  b->frame = *f;
  if (x->last) x->last->next = b;
  else x->first = b;
  x->last = b;
  x->rows += f->rows;
  return TW_OK;
}

static tw_status add_results(tw_sweep *s, tw__entry *x, const tw_frame *f, tw_error *e) {
  size_t at = 0;
  tw_result r;
  while (tw_result_next(f, &at, &r)) {
    if (!tw_name_valid(r.name)) continue;
    tw__result *made = tw__arena_take(&s->arena, sizeof *made);
    if (!made) return tw__out_of_memory(e);
    *made = (tw__result){x->results, r.name, r.value};
    x->results = made;
  }
  return TW_OK;
}

static tw_status take_frame(directory *d, const tw_frame *f, size_t file, size_t first_layout, uint32_t worker, tw_error *e) {
  if (f->type == TW_FRAME_DEFINE) return add_layout(d->s, f, e);
  bool known = f->type == TW_FRAME_RUN_START || f->type == TW_FRAME_BLOCK || f->type == TW_FRAME_RESULT || f->type == TW_FRAME_RUN_END;
  if (!known || f->run < 0 || f->run >= TW_MAX_RUN_ID) return TW_OK;
  tw__entry *x = entry_of(d, f, file, worker);
  if (!x) return tw__out_of_memory(e);
  if (f->type == TW_FRAME_RUN_START) {
    tw_run_start start;
    if (!tw_run_start_decode(f, &start)) return TW_OK;
    x->start_time = start.time;
    x->lanes = (int32_t)(start.lanes & INT16_MAX);
  } else if (f->type == TW_FRAME_BLOCK) {
    tw__layout *l = layout_of(d->s, first_layout, tw_block_layout(f));
    if (l && tw_block_check(f, &l->layout)) return add_block(d->s, x, f, l, e);
  } else if (f->type == TW_FRAME_RESULT) {
    return add_results(d->s, x, f, e);
  } else {
    tw_run_end end;
    if (!tw_run_end_decode(f, &end)) return TW_OK;
    x->ended = true;
    x->status = end.status;
    x->wall_time = end.wall;
    x->cpu_time = end.cpu;
    x->message = end.message;
  }
  return TW_OK;
}

static tw_status read_worker(directory *d, const char *name, size_t file, tw_error *e) {
  tw_reader *r;
  tw_frame f;
  size_t first_layout = d->s->n_layouts;
  tw_status s = open_journal(d, name, &r, e);
  while (s == TW_OK && tw_reader_next(r, &f)) s = take_frame(d, &f, file, first_layout, tw_reader_worker(r), e);
  return s;
}

/* ---- the attempt that counts: the highest that ended, else the highest ---- */

static bool has_result(const tw__entry *x) { return x->ended && tw_run_has_result(x->status); }

static tw__entry *choose(tw__run *r) {
  bool any_ended = false;
  int32_t attempt = -1;
  for (tw__entry *x = r->entries; x; x = x->next) any_ended = any_ended || x->ended;
  for (tw__entry *x = r->entries; x; x = x->next)
    if ((x->ended || !any_ended) && x->attempt > attempt) attempt = x->attempt;
  /* Several files may tell of one attempt: a worker its rows, its supervisor how it died. */
  tw__entry *data = NULL;
  const tw__entry *end = NULL;
  for (tw__entry *x = r->entries; x; x = x->next) {
    if (x->attempt != attempt) continue;
    if (!data || has_result(x) > has_result(data) || (has_result(x) == has_result(data) && x->rows > data->rows)) data = x;
    if (x->ended && (!end || has_result(x) > has_result(end))) end = x;
  }
  if (end && !data->ended) {
    data->ended = true;
    data->status = end->status;
    data->wall_time = end->wall_time;
    data->cpu_time = end->cpu_time;
    data->message = end->message;
  }
  return data;
}

tw_status tw__sweep_add_journals(tw_sweep *s, const char *dir, tw_error *e) {
  directory d = {.s = s, .dir = dir};
  tw_journal_name *names = NULL;
  size_t n = 0;
  tw_status status = read_plan(&d, e);
  if (status == TW_OK) status = tw_journal_list(dir, &names, &n, e);
  for (size_t i = 0; i < n && status == TW_OK; i++) status = read_worker(&d, names[i].name, i, e);
  for (size_t i = 0; i < d.n_touched; i++) {
    tw__sweep_offer(d.touched[i], choose(d.touched[i]));
    d.touched[i]->entries = NULL;
  }
  tw_free(names);
  tw_free(d.touched);
  return status;
}
