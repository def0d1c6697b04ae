/* Small blocks: whatever is asked for, given back and resized in whatever order, blocks stay apart and keep what was written into them. */
#include <stdlib.h>

#include "base/small.h"
#include "check.h"

static unsigned lcg = 7;
static size_t below(size_t n) {
  lcg = lcg * 1664525u + 1013904223u;
  return (lcg >> 8) % n;
}

enum { BLOCKS = 3000, STEPS = 400000 };
static struct {
  unsigned char *p;
  size_t bytes;
  unsigned char mark;
} blocks[BLOCKS];

static int64_t foreign_bytes(size_t i, size_t upto) {
  int64_t wrong = 0;
  for (size_t k = 0; k < upto; k++) wrong += blocks[i].p[k] != blocks[i].mark;
  return wrong;
}

/* Mostly what Lua asks for; sometimes more than comes from a list. */
static size_t some_bytes(void) { return below(50) == 0 ? 1 + below(5000) : 1 + below(600); }

int main(void) {
  if (check_begin("blocks keep what is theirs")) {
    int64_t wrong = 0, unaligned = 0;
    for (int step = 0; step < STEPS; step++) {
      size_t i = below(BLOCKS), wanted = below(3) == 0 ? 0 : some_bytes(), had = blocks[i].bytes;
      wrong += foreign_bytes(i, had);
      unsigned char *p = tw_small_realloc(blocks[i].p, had, wanted);
      wrong += (p == NULL) != (wanted == 0);
      unaligned += (uintptr_t)p % 16 != 0;
      blocks[i].p = p;
      blocks[i].bytes = wanted;
      if (wanted) wrong += foreign_bytes(i, had < wanted ? had : wanted); /* what fits has come along */
      blocks[i].mark = (unsigned char)step;
      if (wanted) memset(p, blocks[i].mark, wanted);
    }
    CHECK_INT(wrong, 0);
    CHECK_INT(unaligned, 0);
    for (size_t i = 0; i < BLOCKS; i++) CHECK_INT(tw_small_realloc(blocks[i].p, blocks[i].bytes, 0) == NULL, 1);
    tw_small_free_all();
  }
  if (check_begin("after everything has been given back it starts anew")) {
    unsigned char *p = tw_small_realloc(NULL, 6, 24); /* without a block, what it had says what it is for */
    memset(p, 1, 24);
    p = tw_small_realloc(p, 24, 25);
    CHECK_INT(p[0] + p[23], 2);
    CHECK_INT(tw_small_realloc(p, 25, 0) == NULL, 1);
    tw_small_free_all();
  }
  return check_close();
}
