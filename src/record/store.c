/* The arena and the text table. */
#include "record/store.h"

#include <stdarg.h>
#include <stdio.h>

struct tw__chunk {
  tw__chunk *below;
  size_t used, size;
  max_align_t data[];
};

void *tw__arena_take(tw__arena *a, size_t bytes) {
  if (bytes > SIZE_MAX / 2) return NULL;
  bytes = (bytes + 7) & ~(size_t)7;
  if (!a->top || a->top->size - a->top->used < bytes) {
    size_t size = a->top ? a->top->size * 2 : 16384;
    if (size > (1u << 22)) size = 1u << 22;
    if (size < bytes) size = bytes;
    tw__chunk *c = tw_alloc(sizeof *c + size);
    if (!c) return NULL;
    *c = (tw__chunk){.below = a->top, .size = size};
    a->top = c;
  }
  void *p = (char *)a->top->data + a->top->used;
  a->top->used += bytes;
  memset(p, 0, bytes);
  return p;
}

bool tw__arena_text(tw__arena *a, tw_text in, tw_text *out) {
  char *s = tw__arena_take(a, in.n + 1);
  if (!s) return false;
  if (in.n) memcpy(s, in.s, in.n);
  *out = (tw_text){s, in.n};
  return true;
}

bool tw__arena_format(tw__arena *a, tw_text *out, const char *format, ...) {
  va_list ap, again;
  va_start(ap, format);
  va_copy(again, ap);
  int n = vsnprintf(NULL, 0, format, ap);
  va_end(ap);
  char *s = n < 0 ? NULL : tw__arena_take(a, (size_t)n + 1);
  if (s) {
    vsnprintf(s, (size_t)n + 1, format, again);
    *out = (tw_text){s, (size_t)n};
  }
  va_end(again);
  return s != NULL;
}

void tw__arena_free(tw__arena *a) {
  while (a->top) {
    tw__chunk *below = a->top->below;
    tw_free(a->top);
    a->top = below;
  }
}

static tw__map_item *place(tw__map_item *items, size_t capacity, tw_text key) {
  size_t i = tw_crc32c((uint32_t)key.n, key.s, key.n) & (capacity - 1);
  while (items[i].key.s && !tw_text_equal(items[i].key, key)) i = (i + 1) & (capacity - 1);
  return &items[i];
}

int64_t tw__map_get(const tw__map *m, tw_text key) {
  if (m->count == 0) return -1;
  const tw__map_item *at = place(m->items, m->capacity, key);
  return at->key.s ? at->value : -1;
}

bool tw__map_put(tw__map *m, tw_text key, int64_t value) {
  if (2 * (m->count + 1) > m->capacity) {
    size_t capacity = m->capacity ? 2 * m->capacity : 64;
    tw__map_item *items = tw_calloc(capacity, sizeof *items);
    if (!items) return false;
    for (size_t i = 0; i < m->capacity; i++)
      if (m->items[i].key.s) *place(items, capacity, m->items[i].key) = m->items[i];
    tw_free(m->items);
    m->items = items;
    m->capacity = capacity;
  }
  if (!key.s) key.s = "";
  tw__map_item *at = place(m->items, m->capacity, key);
  m->count += at->key.s == NULL;
  *at = (tw__map_item){key, value};
  return true;
}

void tw__map_free(tw__map *m) {
  tw_free(m->items);
  *m = (tw__map){0};
}
