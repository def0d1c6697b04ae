/* Little-endian packing and checked unpacking of payloads: the journal's inner face. */
#ifndef TW_JOURNAL_BYTES_H
#define TW_JOURNAL_BYTES_H

#include "base/alloc.h"
#include "journal/journal.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "journals are little-endian and read in place");

/* A growing buffer. A failed allocation is remembered, so that a row of puts needs one check at its end. */
typedef tw_frames tw__bytes;

static inline bool tw__bytes_room(tw__bytes *b, size_t more) {
  if (b->failed || more > SIZE_MAX / 4 - b->size) return b->failed = true, false;
  size_t need = b->size + more;
  if (need <= b->capacity) return true;
  size_t wanted = b->capacity ? b->capacity : 4096;
  while (wanted < need) wanted *= 2;
  uint8_t *moved = tw_realloc(b->data, wanted);
  if (!moved) return b->failed = true, false;
  b->data = moved;
  b->capacity = wanted;
  return true;
}

static inline void tw__bytes_put(tw__bytes *b, const void *data, size_t n) {
  if (n == 0 || !tw__bytes_room(b, n)) return;
  memcpy(b->data + b->size, data, n);
  b->size += n;
}

static inline void tw__bytes_pad8(tw__bytes *b) {
  static const uint8_t zeros[8];
  tw__bytes_put(b, zeros, (8 - b->size % 8) % 8);
}

static inline void tw__bytes_u8(tw__bytes *b, uint8_t v) { tw__bytes_put(b, &v, sizeof v); }
static inline void tw__bytes_u32(tw__bytes *b, uint32_t v) { tw__bytes_put(b, &v, sizeof v); }
static inline void tw__bytes_u64(tw__bytes *b, uint64_t v) { tw__bytes_put(b, &v, sizeof v); }
static inline void tw__bytes_i64(tw__bytes *b, int64_t v) { tw__bytes_put(b, &v, sizeof v); }
static inline void tw__bytes_f64(tw__bytes *b, double v) { tw__bytes_put(b, &v, sizeof v); }

static inline void tw__bytes_text(tw__bytes *b, tw_text t) {
  if (t.n > UINT32_MAX / 2) { b->failed = true; return; }
  tw__bytes_u32(b, (uint32_t)t.n);
  tw__bytes_put(b, t.s, t.n);
}

static inline void tw__bytes_free(tw__bytes *b) {
  tw_free(b->data);
  *b = (tw__bytes){0};
}

/* A reader that never passes the end: once something did not fit, everything after it reads as zero and bad stays set. */
typedef struct {
  const uint8_t *at, *end;
  bool bad;
} tw__cursor;

static inline tw__cursor tw__cursor_of(const tw_frame *f) { return (tw__cursor){f->payload, f->payload + f->bytes, false}; }
static inline size_t tw__cursor_left(const tw__cursor *c) { return (size_t)(c->end - c->at); }

static inline const uint8_t *tw__cursor_take(tw__cursor *c, size_t n) {
  if (c->bad || n > tw__cursor_left(c)) return c->bad = true, NULL;
  const uint8_t *p = c->at;
  c->at += n;
  return p;
}

#define TW__CURSOR_READ(name, type) \
  static inline type tw__cursor_##name(tw__cursor *c) { \
    type v = 0; \
    const uint8_t *p = tw__cursor_take(c, sizeof v); \
    if (p) memcpy(&v, p, sizeof v); \
    return v; \
  }
TW__CURSOR_READ(u8, uint8_t)
TW__CURSOR_READ(u32, uint32_t)
TW__CURSOR_READ(u64, uint64_t)
TW__CURSOR_READ(i64, int64_t)
TW__CURSOR_READ(f64, double)
#undef TW__CURSOR_READ

static inline tw_text tw__cursor_text(tw__cursor *c) {
  uint32_t n = tw__cursor_u32(c);
  const uint8_t *p = tw__cursor_take(c, n);
  return p ? (tw_text){(const char *)p, n} : (tw_text){"", 0};
}

/* Encodes a whole frame behind what b holds; false when out of memory or too long (b is then as before). */
bool tw__frame_put(tw__bytes *b, const tw_frame *f);
/* The length of the whole frame that starts at data, 0 when there is none within n bytes (or it is damaged). */
size_t tw__frame_length(const uint8_t *data, size_t n);
bool tw__frame_check(const uint8_t *data, size_t length);
void tw__frame_read(const uint8_t *data, tw_frame *); /* of a whole, checked frame */
void tw__journal_header(uint8_t out[TW_JOURNAL_HEADER], const char *uuid, uint32_t worker, uint32_t epoch);
bool tw__journal_header_read(const uint8_t in[TW_JOURNAL_HEADER], char uuid[TW_UUID_TEXT + 1], uint32_t *worker);
/* write(2) until everything is out; the count that went out in *done. */
bool tw__write_all(int fd, const void *data, size_t n, size_t *done);
tw_status tw__sync_dir(const char *dir, tw_error *e); /* so that a new name survives a power cut */

#endif
