/* One question asked of the processor, once. */
#include "op/width.h"

static int limit;

void tw_limit_vectors(int bytes) { limit = bytes; }

bool tw_vectors_are_wide(void) {
#if defined(__x86_64__) && defined(__FMA__)
  static int known;
  if (!known) known = __builtin_cpu_supports("avx512f") ? 2 : 1;
  return known == 2 && (limit == 0 || limit >= 64);
#else
  return false;
#endif
}
