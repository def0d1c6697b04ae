/* Small blocks, from lists of free ones by size. */
#include "base/small.h"

#include <stdlib.h>
#include <string.h>

#ifdef __SANITIZE_ADDRESS__
enum { LARGEST = 0 };
#else
enum { LARGEST = 512 };
#endif
enum { UNIT = 16, SLAB = 1 << 16 };

typedef union block {
  union block *next;
  char unit[UNIT];
} block;

typedef struct slab {
  union {
    struct slab *next;
    char unit[UNIT];
  } head;
  block blocks[SLAB / UNIT - 1];
} slab;

static block *lists[LARGEST / UNIT + 1]; /* free blocks of so many units */
static slab *slabs;
static size_t left;                      /* blocks at the end of the newest slab that nobody has had */

static void *take(size_t units) {
  block *b = lists[units];
  if (b) {
    lists[units] = b->next;
    return b;
  }
  if (left < units) {
    slab *s = malloc(sizeof *s);
    if (!s) return NULL;
    if (left) { /* what the last one has left becomes a block of its size */
      block *rest = slabs->blocks + sizeof s->blocks / sizeof *s->blocks - left;
      rest->next = lists[left];
      lists[left] = rest;
    }
    s->head.next = slabs;
    slabs = s;
    left = sizeof s->blocks / sizeof *s->blocks;
  }
  b = slabs->blocks + sizeof slabs->blocks / sizeof *slabs->blocks - left;
  left -= units;
  return b;
}

void *tw_small_realloc(void *p, size_t had, size_t wanted) {
  size_t had_units = p && had && had <= LARGEST ? (had + UNIT - 1) / UNIT : 0, units = wanted && wanted <= LARGEST ? (wanted + UNIT - 1) / UNIT : 0;
  if (p && units && had_units == units) return p;
  if (!had_units && !units) {
    if (wanted) return realloc(p, wanted);
    free(p);
    return NULL;
  }
  void *q = units ? take(units) : wanted ? malloc(wanted) : NULL;
  if (wanted && !q) return p && wanted <= had ? p : NULL; /* what shrinks may stay where it is: Lua counts on it */
  if (p && q) memcpy(q, p, had < wanted ? had : wanted);
  if (had_units) {
    block *b = p;
    b->next = lists[had_units];
    lists[had_units] = b;
  } else {
    free(p);
  }
  return q;
}

void tw_small_free_all(void) {
  for (slab *s = slabs, *next; s; s = next) {
    next = s->head.next;
    free(s);
  }
  slabs = NULL;
  left = 0;
  memset(lists, 0, sizeof lists);
}
