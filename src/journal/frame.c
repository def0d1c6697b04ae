/* The bytes of headers and frames, and the meaning of every payload but the plan's. Every length is checked before it is believed. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "journal/bytes.h"

#define FRAME_MAGIC 0x4D465754u /* "TWFM" */
static const uint8_t file_magic[8] = {0x89, 'T', 'W', 'J', 'N', 'L', '\r', '\n'};
enum { FILE_VERSION = 1 };

/* File header: magic 8, version 4, worker 4, epoch 4, uuid 36, zeros 4, crc32c 4. */
void tw__journal_header(uint8_t out[TW_JOURNAL_HEADER], const char *uuid, uint32_t worker, uint32_t epoch) {
  uint32_t version = FILE_VERSION;
  memset(out, 0, TW_JOURNAL_HEADER);
  memcpy(out, file_magic, 8);
  memcpy(out + 8, &version, 4);
  memcpy(out + 12, &worker, 4);
  memcpy(out + 16, &epoch, 4);
  size_t n = strlen(uuid);
  memcpy(out + 20, uuid, n < TW_UUID_TEXT ? n : TW_UUID_TEXT);
  uint32_t crc = tw_crc32c(0, out, 60);
  memcpy(out + 60, &crc, 4);
}

bool tw__journal_header_read(const uint8_t in[TW_JOURNAL_HEADER], char uuid[TW_UUID_TEXT + 1], uint32_t *worker) {
  uint32_t version, crc;
  memcpy(&version, in + 8, 4);
  memcpy(&crc, in + 60, 4);
  if (memcmp(in, file_magic, 8) != 0 || version != FILE_VERSION || crc != tw_crc32c(0, in, 60)) return false;
  memcpy(worker, in + 12, 4);
  memcpy(uuid, in + 20, TW_UUID_TEXT);
  uuid[TW_UUID_TEXT] = 0;
  return true;
}

/* Frame header: magic 4, type 2, attempt 2, run 8, first step 8, rows 4, payload length 4. Trailer: ~length 4, crc32c 4. */
bool tw__frame_put(tw__bytes *b, const tw_frame *f) {
  size_t start = b->size, padded = ((size_t)f->bytes + 7) & ~(size_t)7;
  if (padded > TW_FRAME_MAX_PAYLOAD || !tw__bytes_room(b, TW_FRAME_HEADER + padded + TW_FRAME_TRAILER)) return false;
  uint8_t *p = b->data + start;
  uint32_t magic = FRAME_MAGIC, length = (uint32_t)padded, complement = ~length;
  memcpy(p, &magic, 4);
  memcpy(p + 4, &f->type, 2);
  memcpy(p + 6, &f->attempt, 2);
  memcpy(p + 8, &f->run, 8);
  memcpy(p + 16, &f->first_step, 8);
  memcpy(p + 24, &f->rows, 4);
  memcpy(p + 28, &length, 4);
  p += TW_FRAME_HEADER;
  if (f->bytes) memcpy(p, f->payload, f->bytes);
  memset(p + f->bytes, 0, padded - f->bytes);
  memcpy(p + padded, &complement, 4);
  uint32_t crc = tw_crc32c(0, b->data + start, TW_FRAME_HEADER + padded + 4);
  memcpy(p + padded + 4, &crc, 4);
  b->size = start + TW_FRAME_HEADER + padded + TW_FRAME_TRAILER;
  return true;
}

size_t tw__frame_length(const uint8_t *data, size_t n) {
  uint32_t magic, length;
  if (n < TW_FRAME_HEADER + TW_FRAME_TRAILER) return 0;
  memcpy(&magic, data, 4);
  memcpy(&length, data + 28, 4);
  if (magic != FRAME_MAGIC || length % 8 || length > TW_FRAME_MAX_PAYLOAD) return 0;
  size_t whole = TW_FRAME_HEADER + (size_t)length + TW_FRAME_TRAILER;
  return whole <= n ? whole : 0;
}

bool tw__frame_check(const uint8_t *data, size_t whole) {
  uint32_t length, complement, crc;
  memcpy(&length, data + 28, 4);
  memcpy(&complement, data + whole - 8, 4);
  memcpy(&crc, data + whole - 4, 4);
  return complement == ~length && crc == tw_crc32c(0, data, whole - 4);
}

void tw__frame_read(const uint8_t *p, tw_frame *f) {
  memcpy(&f->type, p + 4, 2);
  memcpy(&f->attempt, p + 6, 2);
  memcpy(&f->run, p + 8, 8);
  memcpy(&f->first_step, p + 16, 8);
  memcpy(&f->rows, p + 24, 4);
  memcpy(&f->bytes, p + 28, 4);
  f->payload = p + TW_FRAME_HEADER;
}

bool tw_frames_next(const uint8_t *data, size_t n, size_t *at, tw_frame *f) {
  size_t whole = tw__frame_length(data + *at, n - *at);
  if (whole == 0 || !tw__frame_check(data + *at, whole)) return false;
  tw__frame_read(data + *at, f);
  *at += whole;
  return true;
}

bool tw__write_all(int fd, const void *data, size_t n, size_t *done) {
  for (*done = 0; *done < n;) {
    ssize_t k = write(fd, (const char *)data + *done, n - *done);
    if (k < 0 && errno == EINTR) continue;
    if (k < 0) return false;
    *done += (size_t)k;
  }
  return true;
}

tw_status tw__sync_dir(const char *dir, tw_error *e) {
  int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return tw_fail_errno(e, "journal", dir);
  int failed = fsync(fd) != 0 && errno != EINVAL; /* EINVAL: a file system without directory sync */
  if (failed) tw_fail_errno(e, "journal", dir);
  close(fd);
  return failed ? TW_EIO : TW_OK;
}

/* ---- small payloads ---- */

static const char *const status_names[] = {
#define X(id, name) name,
  TW_RUN_STATUSES(X)
#undef X
};

const char *tw_run_status_name(tw_run_status s) { return (unsigned)s < TW_RUN_N_STATUSES ? status_names[s] : "unknown"; }

bool tw_run_status_parse(tw_text name, tw_run_status *out) {
  for (int i = 0; i < TW_RUN_N_STATUSES; i++)
    if (tw_text_equal(name, tw_text_of(status_names[i]))) return *out = (tw_run_status)i, true;
  return false;
}

int tw_text_compare(tw_text a, tw_text b) {
  size_t n = a.n < b.n ? a.n : b.n;
  int c = n ? memcmp(a.s, b.s, n) : 0;
  return c ? c : (a.n > b.n) - (a.n < b.n);
}

bool tw_run_start_decode(const tw_frame *f, tw_run_start *out) {
  tw__cursor c = tw__cursor_of(f);
  out->seed = tw__cursor_i64(&c);
  out->time = tw__cursor_f64(&c);
  out->lanes = tw__cursor_u32(&c);
  return !c.bad;
}

bool tw_run_end_decode(const tw_frame *f, tw_run_end *out) {
  tw__cursor c = tw__cursor_of(f);
  uint32_t status = tw__cursor_u32(&c);
  out->status = (tw_run_status)status;
  out->steps = tw__cursor_i64(&c);
  out->wall = tw__cursor_f64(&c);
  out->cpu = tw__cursor_f64(&c);
  out->message = tw__cursor_text(&c);
  return !c.bad && status < TW_RUN_N_STATUSES;
}

bool tw_result_next(const tw_frame *f, size_t *at, tw_result *out) {
  if (*at >= f->bytes) return false;
  tw__cursor c = {f->payload + *at, f->payload + f->bytes, false};
  out->name = tw__cursor_text(&c);
  out->value = tw__cursor_f64(&c);
  *at = (size_t)(c.at - f->payload);
  return !c.bad && out->name.n > 0; /* the padding reads as an empty name */
}

void tw_frames_text(tw_frames *b, tw_text kind, tw_text text, int64_t run, int64_t first_row, uint32_t rows) {
  tw__bytes payload = {0};
  tw__bytes_text(&payload, kind);
  tw__bytes_text(&payload, text);
  tw_frame f = {.type = TW_FRAME_TEXT, .rows = rows, .run = run, .first_step = first_row, .bytes = (uint32_t)payload.size, .payload = payload.data};
  if (payload.failed || payload.size > TW_FRAME_MAX_PAYLOAD - 8 || !tw__frame_put(b, &f)) b->failed = true;
  tw__bytes_free(&payload);
}

bool tw_text_decode(const tw_frame *f, tw_text *kind, tw_text *text) {
  tw__cursor c = tw__cursor_of(f);
  *kind = tw__cursor_text(&c);
  *text = tw__cursor_text(&c);
  return !c.bad;
}

/* ---- DEFINE: number 4, columns 4, stream, then per column: type 1, ndim 1, ordinal 4, shape, name ---- */

void tw_layout_clear(tw_layout *l) {
  tw_free(l->columns);
  *l = (tw_layout){0};
}

static bool column_read(tw__cursor *c, tw_column *out) {
  out->type = tw__cursor_u8(c);
  out->ndim = tw__cursor_u8(c);
  out->ordinal = tw__cursor_u32(c);
  out->elements = 1;
  if (out->type > TW_COLUMN_F32 || out->ndim > TW_COLUMN_MAX_DIM) return false;
  for (int i = 0; i < out->ndim; i++) {
    out->shape[i] = tw__cursor_i64(c);
    if (out->shape[i] < 1 || out->shape[i] > (int64_t)TW_FRAME_MAX_PAYLOAD / out->elements) return false;
    out->elements *= out->shape[i];
  }
  out->metric = tw__cursor_text(c);
  return !c->bad && tw_name_valid(out->metric);
}

tw_status tw_layout_decode(const tw_frame *f, tw_layout *out, tw_error *e) {
  tw__cursor c = tw__cursor_of(f);
  *out = (tw_layout){0};
  out->number = tw__cursor_u32(&c);
  uint32_t n = tw__cursor_u32(&c);
  out->stream = tw__cursor_text(&c);
  if (c.bad || n > tw__cursor_left(&c) || (out->stream.n && !tw_name_valid(out->stream)))
    return tw_fail(e, TW_ECORRUPT, "journal: a DEFINE frame is damaged");
  out->columns = tw_calloc(n, sizeof *out->columns);
  if (!out->columns) return tw_fail(e, TW_ENOMEM, "journal: out of memory");
  for (out->n_columns = 0; out->n_columns < n; out->n_columns++) {
    if (column_read(&c, &out->columns[out->n_columns])) continue;
    tw_layout_clear(out);
    return tw_fail(e, TW_ECORRUPT, "journal: a DEFINE frame is damaged");
  }
  return TW_OK;
}

/* ---- BLOCK: layout 4, has its own steps 4, steps i64[rows] where it has, then each column padded to 8 bytes ---- */

static uint32_t block_word(const tw_frame *f, size_t i) {
  uint32_t v;
  memcpy(&v, f->payload + 4 * i, 4);
  return v;
}

uint32_t tw_block_layout(const tw_frame *f) { return f->bytes < 8 ? UINT32_MAX : block_word(f, 0); }
bool tw_block_consecutive(const tw_frame *f) { return block_word(f, 1) == 0; }

static size_t column_bytes(const tw_frame *f, const tw_column *c) {
  return ((size_t)f->rows * (size_t)c->elements * tw_column_item(c->type) + 7) & ~(size_t)7;
}

bool tw_block_check(const tw_frame *f, const tw_layout *l) {
  if (f->bytes < 8 || f->rows == 0 || f->rows > f->bytes || l->n_columns == 0 || block_word(f, 1) > 1) return false;
  if (f->first_step > INT64_MAX - (int64_t)f->rows) return false;
  size_t need = 8 + (tw_block_consecutive(f) ? 0 : 8 * (size_t)f->rows);
  for (uint32_t i = 0; i < l->n_columns && need <= f->bytes; i++) {
    if (l->columns[i].elements > (int64_t)(f->bytes / f->rows)) return false; /* so that nothing below can overflow */
    need += column_bytes(f, &l->columns[i]);
  }
  return need == f->bytes;
}

int64_t tw_block_step(const tw_frame *f, uint32_t row) {
  if (tw_block_consecutive(f)) return f->first_step + (int64_t)row;
  int64_t step;
  memcpy(&step, f->payload + 8 + 8 * (size_t)row, 8);
  return step;
}

const void *tw_block_column(const tw_frame *f, const tw_layout *l, uint32_t column) {
  size_t at = 8 + (tw_block_consecutive(f) ? 0 : 8 * (size_t)f->rows);
  for (uint32_t i = 0; i < column; i++) at += column_bytes(f, &l->columns[i]);
  return f->payload + at;
}
