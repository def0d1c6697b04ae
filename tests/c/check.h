/* The C test harness: TEST("a sentence") { CHECK(...); } and one closing line. Assertions print both values and are never compiled out. */
#ifndef TW_TESTS_CHECK_H
#define TW_TESTS_CHECK_H

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static int check_passed, check_failed, check_now_failed;
static const char *check_name;

static inline void check_end(void) {
  if (!check_name) return;
  if (check_now_failed) check_failed++;
  else check_passed++;
  check_name = NULL;
}

static inline int check_begin(const char *name) {
  check_end();
  check_name = name;
  check_now_failed = 0;
  return 1;
}

static inline void check_fail(const char *file, int line) {
  check_now_failed = 1;
  printf("FAIL %s\n  %s:%d: ", check_name ? check_name : "(outside a test)", file, line);
}

static inline int check_close(void) {
  check_end();
  printf("%d passed, %d failed\n", check_passed, check_failed);
  return check_failed != 0;
}

static inline void check_int(const char *file, int line, const char *what, int64_t got, int64_t want) {
  if (got == want) return;
  check_fail(file, line);
  printf("%s: expected %lld, got %lld\n", what, (long long)want, (long long)got);
}

static inline void check_str(const char *file, int line, const char *what, const char *got, const char *want) {
  if (!strcmp(got, want)) return;
  check_fail(file, line);
  printf("%s: expected \"%s\", got \"%s\"\n", what, want, got);
}

static inline void check_near(const char *file, int line, const char *what, double got, double want, double tolerance) {
  if (fabs(got - want) <= tolerance) return; /* a NaN is never near */
  check_fail(file, line);
  printf("%s: expected %.17g, got %.17g, tolerance %g\n", what, want, got, tolerance);
}

static inline void check_true(const char *file, int line, const char *what, int holds) {
  if (holds) return;
  check_fail(file, line);
  printf("expected %s\n", what);
}

#define TEST(name) if (check_begin(name))
#define CHECK(cond) check_true(__FILE__, __LINE__, #cond, (cond) ? 1 : 0)
#define CHECK_INT(got, want) check_int(__FILE__, __LINE__, #got, (int64_t)(got), (int64_t)(want))
#define CHECK_STR(got, want) check_str(__FILE__, __LINE__, #got, (got), (want))
#define CHECK_NEAR(got, want, tol) check_near(__FILE__, __LINE__, #got, (got), (want), (double)(tol))

#endif
