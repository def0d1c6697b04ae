/* Loads OpenBLAS. The bits of a factorisation depend on the kernels the library picks when it starts, so on x86-64 the pick is pinned (Haswell: every
 * x86-64-v3 machine can run it) by setting OPENBLAS_CORETYPE around dlopen; and one thread, whatever the build. Loading on first use keeps start-up free
 * of it. */
#include "op/lapack.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "op/linalg.h"
#include "tensor/ctx.h"

#ifndef TW_OPENBLAS
#define TW_OPENBLAS "libopenblas.so.0"
#endif

static tw_lapack routines[2]; /* f64, f32 */
static char trouble[640];     /* why it is not there; empty when it is */
static char name[160];        /* which library, and the core whose kernels it uses */

static const struct { const char *name; size_t at; } table[] = {
#define ROUTINE(id) {#id, offsetof(tw_lapack, id)},
  ROUTINE(getrf) ROUTINE(getrs) ROUTINE(potrf) ROUTINE(trtrs) ROUTINE(syevd) ROUTINE(gesdd) ROUTINE(geqrf) ROUTINE(orgqr)
#undef ROUTINE
};

/* Sets an environment variable for the time of loading; what it was comes back afterwards. */
typedef struct { const char *variable; char *was; } borrowed;

static borrowed borrow(const char *variable, const char *value) {
  const char *was = getenv(variable);
  borrowed b = {.variable = variable, .was = was ? tw_strdup(was) : NULL};
  setenv(variable, value, 1);
  return b;
}

static void give_back(borrowed *b) {
  if (b->was) setenv(b->variable, b->was, 1);
  else unsetenv(b->variable);
  tw_free(b->was);
}

static const char *text_of(void *library, const char *function) {
  const char *(*f)(void) = NULL;
  *(void **)&f = dlsym(library, function);
  return f ? f() : "unknown";
}

const char *tw_blas_core(void) {
#ifdef __x86_64__
  return "Haswell";
#else
  return "as found";
#endif
}

static void load(void) {
  const char *path = getenv("THALWEG_OPENBLAS");
  if (!path || !*path) path = TW_OPENBLAS;
  borrowed threads = borrow("OPENBLAS_NUM_THREADS", "1");
#ifdef __x86_64__
  borrowed core = borrow("OPENBLAS_CORETYPE", tw_blas_core());
#endif
  void *library = dlopen(path, RTLD_LAZY | RTLD_LOCAL);
#ifdef __x86_64__
  give_back(&core);
#endif
  give_back(&threads);
  if (!library) {
    snprintf(trouble, sizeof trouble, "OpenBLAS cannot be loaded: %s; install the package libopenblas-serial-dev, or name the library in THALWEG_OPENBLAS",
             dlerror());
    return;
  }
  for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
    for (int d = 0; d < 2; d++) {
      char symbol[16];
      snprintf(symbol, sizeof symbol, "%c%s_", d == 0 ? 'd' : 's', table[i].name);
      void *f = dlsym(library, symbol);
      if (!f) {
        snprintf(trouble, sizeof trouble, "%s has no %s; install the package libopenblas-serial-dev", path, symbol);
        return;
      }
      memcpy((char *)&routines[d] + table[i].at, &f, sizeof f);
    }
  }
  const char *config = text_of(library, "openblas_get_config"), *second = strchr(config, ' ');
  second = second ? strchr(second + 1, ' ') : NULL; /* "OpenBLAS 0.3.21 ..." */
  int length = second && second - config < 100 ? (int)(second - config) : 100;
  snprintf(name, sizeof name, "%.*s, core %.40s", length, config, text_of(library, "openblas_get_corename"));
}

static pthread_once_t once = PTHREAD_ONCE_INIT;

tw_status tw__lapack(tw_ctx *ctx, const char *op, tw_dtype d, const tw_lapack **out) {
  pthread_once(&once, load);
  if (*trouble) return tw_fail(&ctx->error, TW_ESTATE, "%s: %s", op, trouble);
  *out = &routines[d];
  return TW_OK;
}

tw_status tw_blas_name(tw_ctx *ctx, const char **out) {
  const tw_lapack *any;
  *out = name;
  return tw__lapack(ctx, "blas", TW_F64, &any);
}
