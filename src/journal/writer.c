/* The journal's writer: frames gather in a buffer and leave it with write(2); fdatasync as often as asked. Owns the file descriptor.
 * A failed write leaves only whole frames in the file. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "journal/bytes.h"

enum { WRITE_BYTES = 256 * 1024, RUN_END_MS = 50, IDLE_MS = 1000 };

struct tw_writer {
  int fd, sync;
  pid_t owner;        /* a forked child must not write what its parent buffered */
  bool broken, dirty; /* dirty: written since the last fdatasync */
  int64_t written;    /* bytes in the file, all of whole frames */
  int64_t last_write, last_sync; /* ms */
  tw__bytes buffer;
  char path[1024];
};

static int64_t now_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
  return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static tw_status open_next_epoch(tw_writer *w, const char *dir, uint32_t worker, uint32_t *epoch, tw_error *e) {
  for (*epoch = 0;; ++*epoch) {
    int n = snprintf(w->path, sizeof w->path, "%s/w%u-%u.jnl", dir, worker, *epoch);
    if (n < 0 || (size_t)n >= sizeof w->path) return tw_fail(e, TW_EINVAL, "journal: path is too long: %s", dir);
    w->fd = open(w->path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0666);
    if (w->fd >= 0) return TW_OK;
    if (errno != EEXIST) return tw_fail_errno(e, "journal", w->path);
  }
}

tw_status tw_writer_new(const char *dir, uint32_t worker, const char *uuid, int sync, tw_writer **out, tw_error *e) {
  *out = NULL;
  tw_writer *w = tw_calloc(1, sizeof *w);
  if (!w) return tw_fail(e, TW_ENOMEM, "journal: out of memory");
  *w = (tw_writer){.fd = -1, .sync = sync, .owner = getpid(), .last_sync = now_ms()};
  uint32_t epoch;
  tw_status s = open_next_epoch(w, dir, worker, &epoch, e);
  uint8_t header[TW_JOURNAL_HEADER];
  size_t done = 0;
  if (s == TW_OK) {
    tw__journal_header(header, uuid, worker, epoch);
    if (!tw__write_all(w->fd, header, sizeof header, &done)) s = tw_fail_errno(e, "journal", w->path);
  }
  if (s == TW_OK && sync != TW_SYNC_OFF) s = tw__sync_dir(dir, e);
  if (s != TW_OK) {
    if (w->fd >= 0) unlink(w->path);
    tw_writer_free(w);
    return s;
  }
  w->written = TW_JOURNAL_HEADER;
  *out = w;
  return TW_OK;
}

const char *tw_writer_path(const tw_writer *w) { return w->path; }

void tw_writer_free(tw_writer *w) {
  if (!w) return;
  if (w->fd >= 0) close(w->fd);
  tw__bytes_free(&w->buffer);
  tw_free(w);
}

/* Part of the buffer went out, then the system refused: keep the whole frames, cut the torn one off, keep the rest buffered. */
static tw_status cut_back(tw_writer *w, size_t done, tw_error *e) {
  int reason = errno;
  size_t whole = 0, n;
  while ((n = tw__frame_length(w->buffer.data + whole, w->buffer.size - whole)) > 0 && whole + n <= done) whole += n;
  w->broken = true;
  w->written += (int64_t)whole;
  memmove(w->buffer.data, w->buffer.data + whole, w->buffer.size - whole);
  w->buffer.size -= whole;
  int cut = ftruncate(w->fd, w->written);
  return tw_fail(e, TW_EIO, "journal: %s: %s; everything up to byte %lld is whole%s", w->path, strerror(reason), (long long)w->written,
                 cut == 0 ? "" : ", a torn frame follows it");
}

static tw_status write_now(tw_writer *w, tw_error *e) {
  if (w->owner != getpid()) return tw_fail(e, TW_ESTATE, "journal: %s: only the process that opened it may write", w->path);
  w->last_write = now_ms();
  if (w->buffer.size == 0) return TW_OK;
  size_t done;
  if (!tw__write_all(w->fd, w->buffer.data, w->buffer.size, &done)) return cut_back(w, done, e);
  w->written += (int64_t)done;
  w->buffer.size = 0;
  w->dirty = true;
  w->broken = false;
  return TW_OK;
}

static tw_status sync_now(tw_writer *w, tw_error *e) {
  w->last_sync = now_ms();
  if (!w->dirty || w->sync == TW_SYNC_OFF) return TW_OK;
  w->dirty = false;
  return fdatasync(w->fd) == 0 || errno == EINVAL || errno == EROFS ? TW_OK : tw_fail_errno(e, "journal", w->path);
}

tw_status tw_writer_flush(tw_writer *w, tw_error *e) {
  tw_status s = write_now(w, e);
  if (s == TW_OK && w->sync > 0 && now_ms() - w->last_sync >= (int64_t)w->sync * 1000) s = sync_now(w, e);
  return s;
}

tw_status tw_writer_sync(tw_writer *w, tw_error *e) {
  tw_status s = write_now(w, e);
  return s == TW_OK ? sync_now(w, e) : s;
}

bool tw_writer_due(const tw_writer *w) { return now_ms() - w->last_write >= IDLE_MS; }

tw_status tw_writer_frame(tw_writer *w, const tw_frame *f, tw_error *e) {
  if (w->broken) { /* the disk may have room again; until then nothing more is taken */
    tw_status s = write_now(w, e);
    if (s != TW_OK) return s;
  }
  if (w->owner != getpid()) return tw_fail(e, TW_ESTATE, "journal: %s: only the process that opened it may write", w->path);
  if (!tw__frame_put(&w->buffer, f)) {
    w->buffer.failed = false;
    return tw_fail(e, TW_ENOMEM, "journal: no room for a frame of %u bytes", f->bytes);
  }
  return w->buffer.size > WRITE_BYTES ? tw_writer_flush(w, e) : TW_OK;
}

tw_status tw_writer_end_run(tw_writer *w, tw_error *e) {
  if (w->sync == TW_SYNC_RUN) return tw_writer_sync(w, e);
  return now_ms() - w->last_write >= RUN_END_MS ? tw_writer_flush(w, e) : TW_OK;
}
