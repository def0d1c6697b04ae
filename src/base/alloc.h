/* The counted allocator: every byte the engine owns passes here, so that tests can ask what is left and make the n-th request fail. */
#ifndef TW_BASE_ALLOC_H
#define TW_BASE_ALLOC_H

#include <stddef.h>
#include <stdint.h>

void *tw_alloc(size_t bytes);                     /* uninitialised; NULL when out of memory */
void *tw_calloc(size_t count, size_t bytes);      /* zeroed */
void *tw_realloc(void *p, size_t bytes);          /* p may be NULL; on failure p stays valid */
void *tw_alloc_aligned(size_t bytes);             /* 64-byte aligned, freed by tw_free too */
char *tw_strdup(const char *s);
void tw_free(void *p);

/* Makes room for one more element in a growing array: returns the (moved) array or NULL, in which case the old one stays valid. */
void *tw_grow(void *array, size_t *capacity, size_t count, size_t element_bytes);

int64_t tw_alloc_live(void);         /* blocks not yet freed */
int64_t tw_alloc_requests(void);     /* requests so far, refused ones included */
void tw_alloc_fail_at(int64_t n);    /* the n-th request from now fails, once; 0 turns it off */

#endif
