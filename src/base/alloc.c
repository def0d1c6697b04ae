/* malloc with a count and a planned failure. Engine processes are single-threaded (one process per worker), so plain counters do. */
#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

static int64_t live, fail_in, requests;

static int refuse(void) {
  requests++;
  return fail_in > 0 && --fail_in == 0;
}

static void *counted(void *p) {
  live += p != NULL;
  return p;
}

void *tw_alloc(size_t bytes) { return refuse() ? NULL : counted(malloc(bytes ? bytes : 1)); }

void *tw_calloc(size_t count, size_t bytes) { return refuse() ? NULL : counted(calloc(count ? count : 1, bytes ? bytes : 1)); }

void *tw_realloc(void *p, size_t bytes) {
  if (refuse()) return NULL;
  void *q = realloc(p, bytes ? bytes : 1);
  if (!p) counted(q);
  return q;
}

void *tw_alloc_aligned(size_t bytes) {
  if (refuse() || bytes > SIZE_MAX - 63) return NULL;
  size_t rounded = (bytes + 63) & ~(size_t)63;
  return counted(aligned_alloc(64, rounded ? rounded : 64));
}

char *tw_strdup(const char *s) {
  size_t n = strlen(s) + 1;
  char *copy = tw_alloc(n);
  if (copy) memcpy(copy, s, n);
  return copy;
}

void tw_free(void *p) {
  if (!p) return;
  live--;
  free(p);
}

void *tw_grow(void *array, size_t *capacity, size_t count, size_t element_bytes) {
  if (count < *capacity) return array;
  size_t wanted = *capacity ? *capacity * 2 : 16;
  void *moved = tw_realloc(array, wanted * element_bytes);
  if (moved) *capacity = wanted;
  return moved;
}

int64_t tw_alloc_live(void) { return live; }
int64_t tw_alloc_requests(void) { return requests; }
void tw_alloc_fail_at(int64_t n) { fail_in = n; }
