/* For C tests of tensors: the context, and calls that have to succeed. */
#ifndef TW_TESTS_TENSORS_H
#define TW_TESTS_TENSORS_H

#include <stdlib.h>

#include "check.h"
#include "tensor/ctx.h"

static tw_ctx *ctx;

/* Ends the program with the context's message where s is a failure. */
#define must(s) must_at(s, __FILE__, __LINE__)
static inline void must_at(tw_status s, const char *file, int line) {
  if (s == TW_OK) return;
  check_fail(file, line);
  printf("%s\n", tw_ctx_error(ctx)->text);
  exit(1);
}

#endif
