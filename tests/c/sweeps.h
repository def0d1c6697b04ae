/* Small sweeps for tests of the record: a deterministic "experiment" logged through the logbook, with any number of workers; and a folder to pack,
 * load and compare them in. */
#ifndef TW_TESTS_SWEEPS_H
#define TW_TESTS_SWEEPS_H

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "journal/journal.h"
#include "record/record.h"

static const char *const sweep_uuid = "01234567-89ab-cdef-0123-456789abcdef";
static tw_error sweep_err;

static inline tw_text text(const char *s) { return tw_text_of(s); }

static inline void sweep_must(tw_status s) {
  if (s == TW_OK) return;
  check_fail(__FILE__, __LINE__);
  printf("%s\n", sweep_err.text);
}

static inline void remove_dir(const char *path) {
  char command[256];
  snprintf(command, sizeof command, "rm -rf '%s'", path);
  if (system(command) != 0) printf("cannot remove %s\n", path);
}

typedef struct {
  int configs, repeats, steps, workers;
  int first_config;    /* leave out the configurations before it: an earlier sweep had them */
  int ragged_steps;    /* runs stamp their own steps */
  int vectors;         /* log a vector metric */
  int kill;            /* the last run of every worker never ends */
} sweep_shape;

enum { SWEEP_MOST = 4096 };

static inline int64_t sweep_id(int config, int rep) { return 1000003 * (int64_t)(config + 1) + rep; }

static inline void sweep_row(tw_logbook *b, const char *stream, const int64_t *step, int n, const char *const *names, const double *values) {
  uint32_t st, slot;
  int64_t stamped;
  const char *bad;
  sweep_must(tw_logbook_stream(b, text(stream), &st, &sweep_err));
  sweep_must(tw_logbook_row_begin(b, st, &sweep_err));
  for (int i = 0; i < n; i++) {
    sweep_must(tw_logbook_slot(b, st, text(names[i]), &slot, &sweep_err));
    sweep_must(tw_logbook_stage(b, slot, TW_COLUMN_F64, values[i], &sweep_err));
  }
  sweep_must(tw_logbook_row_end(b, step, &stamped, &bad, &sweep_err));
}

static inline void sweep_run(tw_logbook *b, const sweep_shape *k, int config, int rep, int end) {
  tw_text loss = text("loss");
  int steps = config % 3 == 2 ? k->steps / 2 : k->steps; /* every third configuration ends early */
  sweep_must(tw_logbook_begin(b, sweep_id(config, rep), 1, rep, 1, &loss, 1, &sweep_err));
  for (int i = 0; i < steps; i++) {
    int64_t step = i * (config + 1);
    double values[] = {1.0 / (1 + i) + 0.001 * config + 1e-6 * rep, 0.1 * config};
    sweep_row(b, "", k->ragged_steps ? &step : NULL, 2, (const char *const[]){"loss", "lr"}, values);
    if (i % 5 == 4) sweep_row(b, "eval", NULL, 1, (const char *const[]){"accuracy"}, (const double[]){i * 0.01});
    if (!k->vectors) continue;
    uint32_t slot;
    int64_t stamped, shape = config % 2 ? 3 : 2;
    const char *bad;
    sweep_must(tw_logbook_slot(b, 0, text("x"), &slot, &sweep_err));
    sweep_must(tw_logbook_row_begin(b, 0, &sweep_err));
    float *x = tw_logbook_stage_array(b, slot, TW_COLUMN_F32, 1, &shape, &sweep_err);
    for (int j = 0; j < shape; j++) x[j] = (float)(i + j);
    sweep_must(tw_logbook_row_end(b, NULL, &stamped, &bad, &sweep_err));
  }
  if (!end) return;
  tw_result result = {text("accuracy"), 0.5 + 0.01 * config};
  sweep_must(tw_logbook_result(b, &result, 1, &sweep_err));
  tw_run_status status = config % 5 == 4 ? TW_RUN_FAILED : config % 5 == 3 ? TW_RUN_DIVERGED : TW_RUN_DONE;
  sweep_must(tw_logbook_finish(b, status, text(status == TW_RUN_DONE ? "" : "what went wrong"), 0.5 * (rep + 1), 0.25, &sweep_err));
}

/* Writes the plan and every run into dir. */
static inline void sweep_write(const char *dir, const sweep_shape *k) {
  static const char *const decays[] = {"constant", "exponential", "inverse power"};
  static tw_value values[SWEEP_MOST][6];
  static tw_plan_run runs[SWEEP_MOST];
  static int64_t order[SWEEP_MOST];
  static char texts[SWEEP_MOST][64];
  size_t n = 0, n_values = 0, n_order = 0;
  for (int c = 0; c < k->configs; c++)
    for (int r = 0; r < k->repeats; r++) {
      order[n_order++] = sweep_id(c, r);
      if (c < k->first_config) continue;
      tw_value *v = values[n];
      int m = 0;
      snprintf(texts[n], sizeof texts[n], "config=%d", c);
      v[m++] = (tw_value){.name = text("adaptive"), .type = TW_VALUE_BOOL, .as = {.i = c % 2}};
      v[m++] = (tw_value){.name = text("batch"), .type = TW_VALUE_INT, .as = {.i = 16 << (c % 3)}};
      v[m++] = (tw_value){.name = text("decay"), .type = TW_VALUE_TEXT, .as = {.t = text(decays[c % 3])}};
      if (c % 3 == 1) v[m++] = (tw_value){.name = text("decay.rate"), .type = TW_VALUE_FLOAT, .nested = true, .as = {.f = 0.01}};
      v[m++] = (tw_value){.name = text("lr"), .type = TW_VALUE_FLOAT, .as = {.f = 0.1 * c}};
      if (c % 2) v[m++] = (tw_value){.name = text("mode"), .type = TW_VALUE_INT, .as = {.i = 3}};
      else v[m++] = (tw_value){.name = text("mode"), .type = TW_VALUE_TEXT, .as = {.t = text("auto")}};
      runs[n] = (tw_plan_run){.id = sweep_id(c, r), .seed = r, .rep = r + 1, .n_values = (uint32_t)m, .text = text(texts[n]), .values = v};
      n_values += (size_t)m;
      n++;
    }
  tw_meta meta[] = {{text("name"), text("trial")}, {text("about"), text("a sweep for tests")}, {text("script"), text("return tw.experiment {}\n")},
                    {text("units.loss"), text("nat")}, {text("history"), text("thalweg run trial.lua")}, {text("version"), text("0.1.0")}};
  tw_plan plan = {.meta = meta, .order = order, .runs = runs, .n_meta = sizeof meta / sizeof *meta, .n_order = n_order, .n_runs = n, .n_values = n_values};
  sweep_must(tw_plan_check_columns(&plan, &sweep_err));
  sweep_must(tw_plan_append(dir, sweep_uuid, &plan, &sweep_err));
  for (int w = 0; w < k->workers; w++) {
    tw_logbook *b = NULL;
    sweep_must(tw_logbook_new(dir, (uint32_t)w, sweep_uuid, TW_SYNC_OFF, &b, &sweep_err));
    if (!b) return;
    for (size_t i = (size_t)w; i < n; i += (size_t)k->workers) {
      int c = (int)(runs[i].id / 1000003) - 1;
      sweep_run(b, k, c, (int)runs[i].rep - 1, !(k->kill && i + (size_t)k->workers >= n));
    }
    sweep_must(tw_logbook_close(b, &sweep_err));
    tw_logbook_free(b);
  }
}

/* ---- a folder of sweeps: named in it, loaded, packed, compared ---- */

static char top[64];

static inline const char *at(const char *name) {
  static char path[8][160];
  static int turn;
  char *p = path[turn++ % 8];
  snprintf(p, sizeof path[0], "%s/%s", top, name);
  return p;
}

static inline void fresh(void) {
  if (top[0]) remove_dir(top);
  strcpy(top, "/tmp/tw-record-XXXXXX");
  if (!mkdtemp(top)) abort();
}

static inline const char *make(const char *name, const sweep_shape *k) {
  const char *dir = at(name);
  mkdir(dir, 0777);
  sweep_write(dir, k);
  return dir;
}

static inline tw_sweep *load2(const char *a, const char *b) {
  const char *paths[2] = {a, b};
  tw_sweep *s = NULL;
  sweep_must(tw_sweep_load(paths, b ? 2 : 1, &s, &sweep_err));
  return s;
}

static inline tw_sweep *load(const char *a) { return load2(a, NULL); }

static inline void pack(tw_sweep *s, const char *path, int compress, const char *logs) {
  sweep_must(tw_sweep_pack(s, path, &(tw_pack_options){.complete = true, .compress = compress, .logs = logs}, &sweep_err));
}

static inline size_t differences(const char *a, const char *b, int64_t *compared, char *first, size_t bytes) {
  tw_sweep *x = load(a), *y = load(b);
  tw_difference d = {0};
  sweep_must(tw_sweep_diff(x, y, &d, &sweep_err));
  size_t n = d.n_lines;
  *compared = d.compared;
  snprintf(first, bytes, "%s", n ? d.lines[0] : "");
  tw_difference_clear(&d);
  tw_sweep_free(x);
  tw_sweep_free(y);
  return n;
}

static inline void check_same(const char *a, const char *b, int64_t runs) {
  int64_t compared;
  char first[256];
  size_t n = differences(a, b, &compared, first, sizeof first);
  CHECK_INT(n, 0);
  CHECK_STR(first, "");
  CHECK_INT(compared, runs);
}

#endif
