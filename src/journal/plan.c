/* The plan's frames and the file plan.jnl, which only grows. A torn end (a kill while appending) is set aside before the next frame is added. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "journal/bytes.h"

void tw_plan_clear(tw_plan *p) {
  tw_free(p->meta);
  tw_free(p->order);
  tw_free(p->runs);
  tw_free(p->values);
  *p = (tw_plan){0};
}

/* ---- payload: meta, order, runs ---- */

static void value_put(tw__bytes *b, const tw_value *v) {
  tw__bytes_text(b, v->name);
  tw__bytes_u8(b, v->type);
  tw__bytes_u8(b, v->nested);
  if (v->type == TW_VALUE_FLOAT) tw__bytes_f64(b, v->as.f);
  else if (v->type == TW_VALUE_TEXT) tw__bytes_text(b, v->as.t);
  else tw__bytes_i64(b, v->as.i);
}

static void plan_put(tw__bytes *b, const tw_plan *p) {
  tw__bytes_u64(b, p->n_meta);
  tw__bytes_u64(b, p->n_order);
  tw__bytes_u64(b, p->n_runs);
  tw__bytes_u64(b, p->n_values);
  for (size_t i = 0; i < p->n_meta; i++) {
    tw__bytes_text(b, p->meta[i].key);
    tw__bytes_text(b, p->meta[i].text);
  }
  for (size_t i = 0; i < p->n_order; i++) tw__bytes_i64(b, p->order[i]);
  for (size_t i = 0; i < p->n_runs; i++) {
    const tw_plan_run *r = &p->runs[i];
    tw__bytes_i64(b, r->id);
    tw__bytes_i64(b, r->seed);
    tw__bytes_u32(b, (uint32_t)r->rep);
    tw__bytes_u32(b, r->n_values);
    tw__bytes_text(b, r->text);
    for (uint32_t j = 0; j < r->n_values; j++) value_put(b, &r->values[j]);
  }
}

void tw_frames_plan(tw_frames *b, const tw_plan *p) {
  tw__bytes payload = {0};
  plan_put(&payload, p);
  tw_frame f = {.type = TW_FRAME_PLAN, .bytes = (uint32_t)payload.size, .payload = payload.data};
  if (payload.failed || payload.size > TW_FRAME_MAX_PAYLOAD - 8 || !tw__frame_put(b, &f)) b->failed = true;
  tw__bytes_free(&payload);
}

static bool value_read(tw__cursor *c, tw_value *v) {
  v->name = tw__cursor_text(c);
  v->type = tw__cursor_u8(c);
  v->nested = tw__cursor_u8(c) != 0;
  if (v->type == TW_VALUE_FLOAT) v->as.f = tw__cursor_f64(c);
  else if (v->type == TW_VALUE_TEXT) v->as.t = tw__cursor_text(c);
  else v->as.i = tw__cursor_i64(c);
  return !c->bad && v->type <= TW_VALUE_TEXT && v->name.n > 0 && memchr(v->name.s, 0, v->name.n) == NULL;
}

static bool id_valid(int64_t id) { return id >= 0 && id < TW_MAX_RUN_ID; }

static bool plan_read(tw__cursor *c, tw_plan *p) {
  for (size_t i = 0; i < p->n_meta; i++) {
    p->meta[i].key = tw__cursor_text(c);
    p->meta[i].text = tw__cursor_text(c);
    if (p->meta[i].key.n == 0 || memchr(p->meta[i].key.s, 0, p->meta[i].key.n)) return false;
  }
  for (size_t i = 0; i < p->n_order; i++)
    if (!id_valid(p->order[i] = tw__cursor_i64(c))) return false;
  size_t used = 0;
  for (size_t i = 0; i < p->n_runs; i++) {
    tw_plan_run *r = &p->runs[i];
    r->id = tw__cursor_i64(c);
    r->seed = tw__cursor_i64(c);
    r->rep = (int32_t)tw__cursor_u32(c);
    r->n_values = tw__cursor_u32(c);
    r->text = tw__cursor_text(c);
    r->values = p->values + used;
    if (c->bad || !id_valid(r->id) || r->rep < 1 || r->n_values > p->n_values - used) return false;
    for (uint32_t j = 0; j < r->n_values; j++)
      if (!value_read(c, &p->values[used++])) return false;
  }
  return !c->bad && used == p->n_values;
}

tw_status tw_plan_decode(const tw_frame *f, tw_plan *out, tw_error *e) {
  tw__cursor c = tw__cursor_of(f);
  tw_plan p = {0};
  uint64_t n[4];
  for (int i = 0; i < 4; i++) n[i] = tw__cursor_u64(&c);
  /* The least bytes an item takes: what cannot fit is not allocated. */
  static const uint64_t least[4] = {8, 8, 28, 14};
  for (int i = 0; i < 4; i++)
    if (c.bad || n[i] > tw__cursor_left(&c) / least[i]) return tw_fail(e, TW_ECORRUPT, "journal: a PLAN frame is damaged");
  p.n_meta = n[0];
  p.n_order = n[1];
  p.n_runs = n[2];
  p.n_values = n[3];
  p.meta = tw_calloc(p.n_meta, sizeof *p.meta);
  p.order = tw_calloc(p.n_order, sizeof *p.order);
  p.runs = tw_calloc(p.n_runs, sizeof *p.runs);
  p.values = tw_calloc(p.n_values, sizeof *p.values);
  tw_status s = TW_OK;
  if (!p.meta || !p.order || !p.runs || !p.values) s = tw_fail(e, TW_ENOMEM, "journal: out of memory");
  else if (!plan_read(&c, &p)) s = tw_fail(e, TW_ECORRUPT, "journal: a PLAN frame is damaged");
  if (s == TW_OK) *out = p;
  else tw_plan_clear(&p);
  return s;
}

/* ---- the file ---- */

typedef struct {
  char plan[1024], fresh[1024], torn[1024];
} paths;

static tw_status paths_make(const char *dir, paths *p, tw_error *e) {
  int n = snprintf(p->fresh, sizeof p->fresh, "%s/plan.jnl.new", dir);
  if (n < 0 || (size_t)n >= sizeof p->fresh - 1) return tw_fail(e, TW_EINVAL, "plan: path is too long: %s", dir);
  snprintf(p->plan, sizeof p->plan, "%s/plan.jnl", dir);
  snprintf(p->torn, sizeof p->torn, "%s/plan.jnl.torn", dir);
  return TW_OK;
}

/* Looks at what is there: *good bytes are whole (0: there is no usable file), *torn is set where something follows them. */
static tw_status look(const paths *p, const char *uuid, int64_t *good, bool *torn, tw_error *e) {
  *good = 0;
  *torn = false;
  if (access(p->plan, F_OK) != 0) return errno == ENOENT ? TW_OK : tw_fail_errno(e, "plan", p->plan);
  tw_reader *r;
  tw_status s = tw_reader_open(p->plan, &r, e);
  if (s != TW_OK) return s;
  *good = tw_reader_good(r);
  *torn = tw_reader_torn(r) > 0 || *good == 0;
  if (*good > 0 && strcmp(tw_reader_uuid(r), uuid) != 0)
    s = tw_fail(e, TW_EINVAL, "plan: %s belongs to another sweep: its uuid is %s, this one's is %s", p->plan, tw_reader_uuid(r), uuid);
  tw_reader_free(r);
  return s;
}

static bool read_all(int fd, tw__bytes *b, size_t n) {
  if (!tw__bytes_room(b, n)) return false;
  while (n > 0) {
    ssize_t k = read(fd, b->data + b->size, n);
    if (k < 0 && errno == EINTR) continue;
    if (k <= 0) return false;
    b->size += (size_t)k;
    n -= (size_t)k;
  }
  return true;
}

/* A new file (header, the good part of the old one, the frame) takes plan.jnl's name. b holds the frame and is used up. */
static tw_status replace(const paths *p, const char *dir, const char *uuid, int64_t good, tw__bytes *frame, tw_error *e) {
  tw__bytes all = {0};
  size_t done;
  int fd = -1, old = -1;
  tw_status s = TW_OK;
  if (good > 0) {
    old = open(p->plan, O_RDONLY | O_CLOEXEC);
    if (old < 0 || !read_all(old, &all, (size_t)good)) { s = tw_fail_errno(e, "plan", p->plan); goto out; }
  } else {
    uint8_t header[TW_JOURNAL_HEADER];
    tw__journal_header(header, uuid, TW_PLAN_WORKER, 0);
    tw__bytes_put(&all, header, sizeof header);
  }
  tw__bytes_put(&all, frame->data, frame->size);
  if (all.failed) { s = tw_fail(e, TW_ENOMEM, "plan: out of memory"); goto out; }
  fd = open(p->fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0 || !tw__write_all(fd, all.data, all.size, &done) || fsync(fd) != 0) { s = tw_fail_errno(e, "plan", p->fresh); goto out; }
  if (access(p->plan, F_OK) == 0) {
    unlink(p->torn);
    if (link(p->plan, p->torn) != 0 && errno != EPERM && errno != EOPNOTSUPP) { s = tw_fail_errno(e, "plan", p->torn); goto out; }
  }
  if (rename(p->fresh, p->plan) != 0) s = tw_fail_errno(e, "plan", p->plan);
  else s = tw__sync_dir(dir, e);
out:
  if (fd >= 0) close(fd);
  if (old >= 0) close(old);
  if (s != TW_OK) unlink(p->fresh);
  tw__bytes_free(&all);
  return s;
}

static tw_status extend(const char *path, int64_t good, const tw__bytes *frame, tw_error *e) {
  size_t done;
  int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
  if (fd < 0) return tw_fail_errno(e, "plan", path);
  tw_status s = TW_OK;
  if (!tw__write_all(fd, frame->data, frame->size, &done) || fdatasync(fd) != 0) {
    s = tw_fail_errno(e, "plan", path);
    if (ftruncate(fd, good) != 0) s = tw_fail(e, TW_EIO, "plan: %s: the disk refuses; a torn frame stays at its end", path);
  }
  close(fd);
  return s;
}

static tw_status plan_check(const tw_plan *p, tw_error *e) {
  for (size_t i = 0; i < p->n_runs; i++)
    if (!id_valid(p->runs[i].id)) return tw_fail(e, TW_EINVAL, "plan: run id is out of range: id is %lld", (long long)p->runs[i].id);
  for (size_t i = 0; i < p->n_order; i++)
    if (!id_valid(p->order[i])) return tw_fail(e, TW_EINVAL, "plan: run id is out of range: id is %lld", (long long)p->order[i]);
  for (size_t i = 0; i < p->n_meta; i++)
    if (p->meta[i].key.n == 0 || memchr(p->meta[i].key.s, '/', p->meta[i].key.n) || memchr(p->meta[i].key.s, 0, p->meta[i].key.n))
      return tw_fail(e, TW_EINVAL, "plan: bad meta key: key is \"%.*s\"", (int)p->meta[i].key.n, p->meta[i].key.s);
  return TW_OK;
}

tw_status tw_plan_append(const char *dir, const char *uuid, const tw_plan *p, tw_error *e) {
  paths names;
  tw__bytes frame = {0};
  int64_t good;
  bool torn;
  tw_status s = plan_check(p, e);
  if (s == TW_OK) s = paths_make(dir, &names, e);
  if (s == TW_OK) s = look(&names, uuid, &good, &torn, e);
  if (s != TW_OK) return s;
  tw_frames_plan(&frame, p);
  if (frame.failed) s = tw_fail(e, TW_ENOMEM, "plan: no room for a plan of %zu runs", p->n_runs);
  else s = good > 0 && !torn ? extend(names.plan, good, &frame, e) : replace(&names, dir, uuid, good, &frame, e);
  tw__bytes_free(&frame);
  return s;
}
