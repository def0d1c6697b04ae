/* The journal's reader: walks the frames while magic, length, end and checksum hold, then maps the good part read-only.
 * The walk uses pread, so that a file being cut back by its writer cannot fault; whole frames never go away. Owns descriptor and mapping. */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/bytes.h"

struct tw_reader {
  int fd;
  uint32_t worker;
  int64_t good, size;
  const uint8_t *map; /* good bytes */
  size_t at;
  char uuid[TW_UUID_TEXT + 1];
};

/* A window on the file: at least want bytes from offset, or what there is. Returns the bytes at hand. */
typedef struct {
  tw__bytes b;
  int64_t offset;
} window;

static size_t window_move(window *w, int fd, int64_t offset, size_t want) {
  size_t skip = (size_t)(offset - w->offset);
  size_t have = skip <= w->b.size ? w->b.size - skip : 0;
  if (have >= want) return have;
  if (have) memmove(w->b.data, w->b.data + skip, have);
  w->b.size = have;
  w->offset = offset;
  size_t ahead = want < (1u << 20) ? (1u << 20) : want;
  if (!tw__bytes_room(&w->b, ahead - have)) return 0;
  while (w->b.size < ahead) {
    ssize_t k = pread(fd, w->b.data + w->b.size, ahead - w->b.size, offset + (int64_t)w->b.size);
    if (k < 0 && errno == EINTR) continue;
    if (k <= 0) break;
    w->b.size += (size_t)k;
  }
  return w->b.size;
}

/* The end of the last good frame. */
static int64_t walk(window *w, int fd, int64_t size) {
  int64_t at = TW_JOURNAL_HEADER;
  for (;;) {
    size_t n = window_move(w, fd, at, TW_FRAME_HEADER + TW_FRAME_TRAILER);
    if (n < TW_FRAME_HEADER + TW_FRAME_TRAILER) return at;
    size_t whole = tw__frame_length(w->b.data + (at - w->offset), (size_t)(size - at));
    if (whole == 0 || window_move(w, fd, at, whole) < whole) return at;
    if (!tw__frame_check(w->b.data + (at - w->offset), whole)) return at;
    at += (int64_t)whole;
  }
}

tw_status tw_reader_open(const char *path, tw_reader **out, tw_error *e) {
  *out = NULL;
  window w = {0};
  struct stat st;
  tw_status s = TW_OK;
  tw_reader *r = tw_calloc(1, sizeof *r);
  if (!r) return tw_fail(e, TW_ENOMEM, "journal: out of memory");
  r->fd = open(path, O_RDONLY | O_CLOEXEC);
  if (r->fd < 0 || fstat(r->fd, &st) != 0) { s = tw_fail_errno(e, "journal", path); goto out; }
  if (!S_ISREG(st.st_mode)) { s = tw_fail(e, TW_ECORRUPT, "journal: not a file: %s", path); goto out; }
  r->size = st.st_size;
  if (window_move(&w, r->fd, 0, TW_JOURNAL_HEADER) >= TW_JOURNAL_HEADER && tw__journal_header_read(w.b.data, r->uuid, &r->worker))
    r->good = walk(&w, r->fd, r->size);
  if (w.b.failed) { s = tw_fail(e, TW_ENOMEM, "journal: out of memory"); goto out; }
  if (r->good > 0) {
    void *map = mmap(NULL, (size_t)r->good, PROT_READ, MAP_SHARED, r->fd, 0);
    if (map == MAP_FAILED) { s = tw_fail_errno(e, "journal", path); goto out; }
    r->map = map;
    r->at = TW_JOURNAL_HEADER;
  }
  *out = r;
  r = NULL;
out:
  tw__bytes_free(&w.b);
  tw_reader_free(r);
  return s;
}

void tw_reader_free(tw_reader *r) {
  if (!r) return;
  if (r->map) munmap((void *)(uintptr_t)r->map, (size_t)r->good);
  if (r->fd >= 0) close(r->fd);
  tw_free(r);
}

bool tw_reader_next(tw_reader *r, tw_frame *f) {
  if (!r->map || (int64_t)r->at >= r->good) return false;
  const uint8_t *p = r->map + r->at;
  tw__frame_read(p, f);
  r->at += TW_FRAME_HEADER + (size_t)f->bytes + TW_FRAME_TRAILER;
  return true;
}

const char *tw_reader_uuid(const tw_reader *r) { return r->uuid; }
uint32_t tw_reader_worker(const tw_reader *r) { return r->worker; }
int64_t tw_reader_good(const tw_reader *r) { return r->good; }
int64_t tw_reader_torn(const tw_reader *r) { return r->size - r->good; }
