/* What the tests of the journal share: a folder, a logbook and its rows, and a reader that asks for everything. */
#ifndef TW_TESTS_JOURNALS_H
#define TW_TESTS_JOURNALS_H

#include <stdlib.h>
#include <unistd.h>

#include "check.h"
#include "journal/journal.h"

static const char *const uuid = "01234567-89ab-cdef-0123-456789abcdef";
static char dir[64];
static tw_error err;

static inline tw_text text(const char *s) { return tw_text_of(s); }

static inline void remove_dir(const char *path) {
  char command[256];
  snprintf(command, sizeof command, "rm -rf '%s'", path);
  if (system(command) != 0) printf("cannot remove %s\n", path);
}

static inline void fresh_dir(void) {
  if (dir[0]) remove_dir(dir);
  strcpy(dir, "/tmp/tw-journal-XXXXXX");
  if (!mkdtemp(dir)) abort();
}

static inline char *path_in(const char *name) {
  static char path[4][160];
  static int turn;
  char *p = path[turn++ % 4];
  snprintf(p, sizeof path[0], "%s/%s", dir, name);
  return p;
}

static inline uint8_t *slurp(const char *path, size_t *n) {
  FILE *f = fopen(path, "rb");
  if (!f) return *n = 0, NULL;
  fseek(f, 0, SEEK_END);
  *n = (size_t)ftell(f);
  rewind(f);
  uint8_t *b = malloc(*n + 1);
  if (!b || fread(b, 1, *n, f) != *n) abort();
  fclose(f);
  return b;
}

static inline void spit(const char *path, const void *data, size_t n) {
  FILE *f = fopen(path, "wb");
  if (!f || fwrite(data, 1, n, f) != n) abort();
  fclose(f);
}

static inline tw_logbook *book_new(int sync) {
  tw_logbook *b = NULL;
  CHECK_INT(tw_logbook_new(dir, 0, uuid, sync, &b, &err), TW_OK);
  return b;
}

static inline void begin(tw_logbook *b, int64_t run) {
  tw_text loss = text("loss");
  CHECK_INT(tw_logbook_begin(b, run, 1, 7, 1, &loss, 1, &err), TW_OK);
}

/* One row of scalars; names end with NULL. Returns the first bad diverge metric, or NULL. */
static inline const char *row(tw_logbook *b, const char *stream, const int64_t *step, const char *const *names, const double *values) {
  uint32_t st, slot;
  int64_t stamped;
  const char *bad = NULL;
  CHECK_INT(tw_logbook_stream(b, text(stream), &st, &err), TW_OK);
  CHECK_INT(tw_logbook_row_begin(b, st, &err), TW_OK);
  for (int i = 0; names[i]; i++) {
    CHECK_INT(tw_logbook_slot(b, st, text(names[i]), &slot, &err), TW_OK);
    CHECK_INT(tw_logbook_stage(b, slot, TW_COLUMN_F64, values[i], &err), TW_OK);
  }
  CHECK_INT(tw_logbook_row_end(b, step, &stamped, &bad, &err), TW_OK);
  return bad;
}

static inline void finish(tw_logbook *b) { CHECK_INT(tw_logbook_finish(b, TW_RUN_DONE, text(""), 1.5, 1.25, &err), TW_OK); }

static inline void write_runs(int n_runs, int n_steps) {
  static const char *const names[] = {"loss", "lr", NULL};
  tw_logbook *b = book_new(TW_SYNC_OFF);
  for (int r = 0; r < n_runs; r++) {
    begin(b, 1000 + r);
    for (int i = 0; i < n_steps; i++) row(b, "", NULL, names, (const double[]){i + 0.5 * r, 0.1});
    tw_result result = {text("accuracy"), 0.25 * r};
    CHECK_INT(tw_logbook_result(b, &result, 1, &err), TW_OK);
    finish(b);
  }
  CHECK_INT(tw_logbook_close(b, &err), TW_OK);
  tw_logbook_free(b);
}

/* Reads everything a reader can ask for; the sum keeps the compiler from dropping it. Returns the number of frames. */
static inline int devour(const char *path, double *sum) {
  tw_reader *r;
  tw_frame f;
  tw_layout layouts[64];
  int n_layouts = 0, frames = 0;
  *sum = 0;
  if (tw_reader_open(path, &r, &err) != TW_OK) return -1;
  while (tw_reader_next(r, &f)) {
    frames++;
    tw_plan plan;
    tw_run_start start;
    tw_run_end end;
    tw_result result;
    size_t at = 0;
    if (tw_plan_decode(&f, &plan, &err) == TW_OK) {
      for (size_t i = 0; i < plan.n_runs; i++) *sum += (double)plan.runs[i].id;
      tw_plan_clear(&plan);
    }
    if (tw_run_start_decode(&f, &start)) *sum += (double)start.lanes;
    if (tw_run_end_decode(&f, &end)) *sum += (double)end.message.n;
    while (tw_result_next(&f, &at, &result)) *sum += (double)result.name.n;
    if (n_layouts < 64 && tw_layout_decode(&f, &layouts[n_layouts], &err) == TW_OK) n_layouts++;
    for (int i = 0; i < n_layouts; i++) {
      if (f.bytes < 8 || !tw_block_check(&f, &layouts[i])) continue;
      *sum += (double)(tw_block_step(&f, f.rows - 1) & 1);
      for (uint32_t c = 0; c < layouts[i].n_columns; c++) {
        const uint8_t *p = tw_block_column(&f, &layouts[i], c);
        size_t n = f.rows * (size_t)layouts[i].columns[c].elements * tw_column_item(layouts[i].columns[c].type);
        *sum += p[0] + p[n - 1];
      }
    }
  }
  for (int i = 0; i < n_layouts; i++) tw_layout_clear(&layouts[i]);
  tw_reader_free(r);
  return frames;
}

#endif
