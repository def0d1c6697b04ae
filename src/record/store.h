/* Two helpers of this layer: memory that goes away all at once, and a table from text to a small number. */
#ifndef TW_RECORD_STORE_H
#define TW_RECORD_STORE_H

#include "base/alloc.h"
#include "journal/journal.h"

typedef struct tw__chunk tw__chunk;
typedef struct {
  tw__chunk *top;
} tw__arena;

void *tw__arena_take(tw__arena *, size_t bytes); /* zeroed, 8-byte aligned; NULL when out of memory */
bool tw__arena_text(tw__arena *, tw_text in, tw_text *out); /* a copy, NUL-terminated */
bool tw__arena_format(tw__arena *, tw_text *out, const char *format, ...) TW_PRINTF(3, 4);
void tw__arena_free(tw__arena *);

typedef struct {
  tw_text key; /* lent: must outlive the table */
  int64_t value;
} tw__map_item;

typedef struct {
  tw__map_item *items;
  size_t capacity, count;
} tw__map;

int64_t tw__map_get(const tw__map *, tw_text key); /* -1: not there */
bool tw__map_put(tw__map *, tw_text key, int64_t value); /* adds or replaces; false when out of memory */
void tw__map_free(tw__map *);

#endif
