/* The journal in good times: checksums, the plan, rows that come back as they were logged, and what is refused. */
#include <stdlib.h>

#include "journals.h"

static void test_checksum(void) {
  TEST("crc32c of the standard check string, by instruction and by table") {
    CHECK_INT(tw_crc32c(0, "123456789", 9), 0xE3069283u);
    CHECK_INT(tw_crc32c_table(0, "123456789", 9), 0xE3069283u);
    CHECK_INT(tw_crc32c(tw_crc32c(0, "1234", 4), "56789", 5), 0xE3069283u);
  }
  TEST("instruction and table agree at every length and alignment") {
    uint8_t b[300];
    for (size_t i = 0; i < sizeof b; i++) b[i] = (uint8_t)(i * 37 + 11);
    for (size_t at = 0; at < 9; at++)
      for (size_t n = 0; n + at <= sizeof b; n += 7) CHECK_INT(tw_crc32c(1, b + at, n), tw_crc32c_table(1, b + at, n));
  }
}

static tw_value value_f(const char *name, double f) { return (tw_value){.name = text(name), .type = TW_VALUE_FLOAT, .as = {.f = f}}; }

static tw_plan small_plan(tw_plan_run *runs, tw_value *values, tw_meta *meta, int64_t *order) {
  values[0] = value_f("lr", 0.1);
  values[1] = (tw_value){.name = text("decay"), .type = TW_VALUE_TEXT, .as = {.t = text("exponential")}};
  values[2] = (tw_value){.name = text("decay.rate"), .type = TW_VALUE_FLOAT, .nested = true, .as = {.f = 0.01}};
  values[3] = (tw_value){.name = text("batch"), .type = TW_VALUE_INT, .as = {.i = 32}};
  runs[0] = (tw_plan_run){.id = 5, .seed = 9, .rep = 1, .n_values = 3, .text = text("lr=0.1"), .values = values};
  runs[1] = (tw_plan_run){.id = 6, .seed = 10, .rep = 2, .n_values = 1, .text = text("batch=32"), .values = values + 3};
  meta[0] = (tw_meta){text("name"), text("trial")};
  order[0] = 6;
  order[1] = 5;
  return (tw_plan){.meta = meta, .order = order, .runs = runs, .values = values, .n_meta = 1, .n_order = 2, .n_runs = 2, .n_values = 4};
}

static int plan_frames(int64_t *torn) {
  tw_reader *r;
  tw_frame f;
  int n = 0;
  CHECK_INT(tw_reader_open(path_in("plan.jnl"), &r, &err), TW_OK);
  while (tw_reader_next(r, &f)) n += f.type == TW_FRAME_PLAN;
  *torn = tw_reader_torn(r);
  tw_reader_free(r);
  return n;
}

static void test_plan(void) {
  tw_plan_run runs[2];
  tw_value values[4];
  tw_meta meta[1];
  int64_t order[2], torn;
  tw_plan plan = small_plan(runs, values, meta, order);

  TEST("a plan comes back as it was written") {
    fresh_dir();
    CHECK_INT(tw_plan_append(dir, uuid, &plan, &err), TW_OK);
    tw_reader *r;
    tw_frame f;
    tw_plan back;
    CHECK_INT(tw_reader_open(path_in("plan.jnl"), &r, &err), TW_OK);
    CHECK_STR(tw_reader_uuid(r), uuid);
    CHECK(tw_reader_next(r, &f));
    CHECK_INT(tw_plan_decode(&f, &back, &err), TW_OK);
    CHECK_INT(back.n_runs, 2);
    CHECK_INT(back.order[0], 6);
    CHECK(tw_text_equal(back.meta[0].text, text("trial")));
    CHECK_INT(back.runs[0].id, 5);
    CHECK_INT(back.runs[1].rep, 2);
    CHECK(back.runs[0].values[0].as.f == 0.1);
    CHECK(tw_text_equal(back.runs[0].values[1].as.t, text("exponential")));
    CHECK(back.runs[0].values[2].nested);
    CHECK_INT(back.runs[1].values[0].as.i, 32);
    tw_plan_clear(&back);
    tw_reader_free(r);
  }
  TEST("a plan torn while it grew goes on from its good part, and the torn file is kept") {
    fresh_dir();
    CHECK_INT(tw_plan_append(dir, uuid, &plan, &err), TW_OK);
    CHECK_INT(tw_plan_append(dir, uuid, &plan, &err), TW_OK);
    size_t n;
    uint8_t *b = slurp(path_in("plan.jnl"), &n);
    spit(path_in("plan.jnl"), b, n - 5);
    CHECK_INT(plan_frames(&torn), 1);
    CHECK(torn > 0);
    CHECK_INT(tw_plan_append(dir, uuid, &plan, &err), TW_OK);
    CHECK_INT(plan_frames(&torn), 2);
    CHECK_INT(torn, 0);
    CHECK(access(path_in("plan.jnl.torn"), F_OK) == 0);
    free(b);
  }
  TEST("an empty plan.jnl (killed right after it was made) is replaced") {
    fresh_dir();
    spit(path_in("plan.jnl"), "", 0);
    CHECK_INT(tw_plan_append(dir, uuid, &plan, &err), TW_OK);
    CHECK_INT(plan_frames(&torn), 1);
  }
  TEST("another sweep's plan is refused") {
    fresh_dir();
    CHECK_INT(tw_plan_append(dir, uuid, &plan, &err), TW_OK);
    CHECK_INT(tw_plan_append(dir, "ffffffff-89ab-cdef-0123-456789abcdef", &plan, &err), TW_EINVAL);
    CHECK(strstr(err.text, "belongs to another sweep") != NULL);
  }
  TEST("ids of 2^53 and above are refused") {
    fresh_dir();
    runs[0].id = TW_MAX_RUN_ID;
    CHECK_INT(tw_plan_append(dir, uuid, &plan, &err), TW_EINVAL);
  }
}

typedef struct {
  int defines, blocks;
  tw_layout layout; /* the last one */
  double first[8], last[8];
  int64_t last_step;
  uint32_t rows;
} seen;

static void look(const char *path, seen *s) {
  tw_reader *r;
  tw_frame f;
  *s = (seen){0};
  CHECK_INT(tw_reader_open(path, &r, &err), TW_OK);
  while (tw_reader_next(r, &f)) {
    if (f.type == TW_FRAME_DEFINE) {
      tw_layout_clear(&s->layout);
      s->defines++;
      CHECK_INT(tw_layout_decode(&f, &s->layout, &err), TW_OK);
    }
    if (f.type != TW_FRAME_BLOCK) continue;
    s->blocks++;
    CHECK(tw_block_check(&f, &s->layout));
    s->rows += f.rows;
    s->last_step = tw_block_step(&f, f.rows - 1);
    for (uint32_t c = 0; c < s->layout.n_columns && c < 8; c++) {
      const double *p = tw_block_column(&f, &s->layout, c);
      if (s->layout.columns[c].type != TW_COLUMN_F64) continue;
      if (s->blocks == 1) s->first[c] = p[0];
      s->last[c] = p[f.rows - 1];
    }
  }
  for (uint32_t c = 0; c < s->layout.n_columns; c++) s->layout.columns[c].metric.s = NULL; /* lent by the reader */
  tw_reader_free(r);
}

static void test_rows(void) {
  seen s;
  TEST("rows come back column by column; equal runs share one DEFINE") {
    fresh_dir();
    write_runs(3, 10);
    look(path_in("w0-0.jnl"), &s);
    CHECK_INT(s.defines, 1);
    CHECK_INT(s.blocks, 3);
    CHECK_INT(s.rows, 30);
    CHECK_INT(s.last_step, 9);
    CHECK(s.last[0] == 10.0 && s.last[1] == 0.1);
    tw_layout_clear(&s.layout);
  }
  TEST("metrics first seen in one row are ordered by name, later ones follow; rows without them say so") {
    fresh_dir();
    tw_logbook *b = book_new(TW_SYNC_OFF);
    begin(b, 1);
    row(b, "", NULL, (const char *const[]){"zeta", "alpha", NULL}, (const double[]){1, 2});
    row(b, "", NULL, (const char *const[]){"beta", "alpha", NULL}, (const double[]){3, 4});
    finish(b);
    CHECK_INT(tw_logbook_close(b, &err), TW_OK);
    tw_reader *r;
    tw_frame f;
    CHECK_INT(tw_reader_open(tw_logbook_path(b), &r, &err), TW_OK);
    tw_layout l = {0};
    while (tw_reader_next(r, &f)) {
      if (f.type == TW_FRAME_DEFINE) CHECK_INT(tw_layout_decode(&f, &l, &err), TW_OK);
      if (f.type != TW_FRAME_BLOCK) continue;
      CHECK_INT(l.n_columns, 3);
      CHECK(tw_text_equal(l.columns[0].metric, text("alpha")));
      CHECK(tw_text_equal(l.columns[1].metric, text("zeta")));
      CHECK(tw_text_equal(l.columns[2].metric, text("beta")));
      const uint64_t *zeta = tw_block_column(&f, &l, 1), *beta = tw_block_column(&f, &l, 2);
      CHECK_INT(zeta[1], (int64_t)TW_ABSENT_F64);
      CHECK_INT(beta[0], (int64_t)TW_ABSENT_F64);
    }
    tw_layout_clear(&l);
    tw_reader_free(r);
    tw_logbook_free(b);
  }
  TEST("every NaN is recorded with the same bits; a diverge metric is stored and reported") {
    fresh_dir();
    tw_logbook *b = book_new(TW_SYNC_OFF);
    begin(b, 1);
    uint64_t odd = 0xfff8000000000123;
    double nan_odd;
    memcpy(&nan_odd, &odd, 8);
    static const char *const loss[] = {"loss", NULL}, *const other[] = {"grad", NULL};
    CHECK(row(b, "", NULL, loss, (const double[]){1}) == NULL);
    CHECK(row(b, "", NULL, other, (const double[]){nan_odd}) == NULL);
    const char *bad = row(b, "", NULL, loss, &nan_odd);
    CHECK(bad && strcmp(bad, "loss") == 0);
    bad = row(b, "", NULL, loss, (const double[]){(double)INFINITY});
    CHECK(bad && strcmp(bad, "loss") == 0);
    finish(b);
    CHECK_INT(tw_logbook_close(b, &err), TW_OK);
    size_t n, canonical = 0, absent = 0;
    uint8_t *bytes = slurp(tw_logbook_path(b), &n);
    for (size_t i = 0; i + 8 <= n; i += 8) {
      uint64_t w;
      memcpy(&w, bytes + i, 8);
      CHECK(w != odd);
      canonical += w == 0x7ff8000000000000;
      absent += w == TW_ABSENT_F64;
    }
    CHECK_INT(canonical, 2); /* loss: row 2; grad: row 1 */
    CHECK_INT(absent, 4);    /* loss: row 1; grad: rows 0, 2 and 3 */
    free(bytes);
    tw_logbook_free(b);
  }
}

static void test_steps_and_types(void) {
  seen s;
  TEST("steps: counting, own steps, and a slower stream stamped with the latest step") {
    fresh_dir();
    tw_logbook *b = book_new(TW_SYNC_OFF);
    begin(b, 1);
    static const char *const a[] = {"a", NULL};
    uint32_t st, slot;
    int64_t stamped;
    const char *bad;
    const int64_t steps[] = {-1, -1, 10, -1}, want[] = {0, 1, 10, 11};
    for (int i = 0; i < 4; i++) {
      CHECK_INT(tw_logbook_stream(b, text(""), &st, &err), TW_OK);
      CHECK_INT(tw_logbook_slot(b, st, text("a"), &slot, &err), TW_OK);
      CHECK_INT(tw_logbook_row_begin(b, st, &err), TW_OK);
      CHECK_INT(tw_logbook_stage(b, slot, TW_COLUMN_F64, 1, &err), TW_OK);
      CHECK_INT(tw_logbook_row_end(b, steps[i] < 0 ? NULL : &steps[i], &stamped, &bad, &err), TW_OK);
      CHECK_INT(stamped, want[i]);
    }
    row(b, "eval", NULL, a, (const double[]){1});
    double last;
    CHECK(tw_logbook_last(b, text("eval_a"), &last) && last == 1);
    CHECK(!tw_logbook_last(b, text("eval_b"), &last));
    finish(b);
    CHECK_INT(tw_logbook_close(b, &err), TW_OK);
    tw_logbook_free(b);
    look(path_in("w0-0.jnl"), &s);
    CHECK_INT(s.last_step, 11);
    tw_layout_clear(&s.layout);
  }
  TEST("a metric logged as f32 and then as f64 is f64, exactly") {
    fresh_dir();
    tw_logbook *b = book_new(TW_SYNC_OFF);
    begin(b, 1);
    uint32_t slot;
    int64_t stamped;
    const char *bad;
    CHECK_INT(tw_logbook_slot(b, 0, text("x"), &slot, &err), TW_OK);
    for (int i = 0; i < 5; i++) {
      CHECK_INT(tw_logbook_row_begin(b, 0, &err), TW_OK);
      CHECK_INT(tw_logbook_stage(b, slot, i < 4 ? TW_COLUMN_F32 : TW_COLUMN_F64, i < 4 ? (double)0.1f : 0.1, &err), TW_OK);
      CHECK_INT(tw_logbook_row_end(b, NULL, &stamped, &bad, &err), TW_OK);
    }
    finish(b);
    CHECK_INT(tw_logbook_close(b, &err), TW_OK);
    tw_logbook_free(b);
    look(path_in("w0-0.jnl"), &s);
    CHECK_INT(s.layout.columns[0].type, TW_COLUMN_F64);
    CHECK(s.first[0] == (double)0.1f && s.last[0] == 0.1);
    tw_layout_clear(&s.layout);
  }
}

static void test_refusals(void) {
  fresh_dir();
  tw_logbook *b = book_new(TW_SYNC_OFF);
  uint32_t slot, st;
  int64_t stamped;
  const char *bad;
  static const char *const loss[] = {"loss", NULL};
  TEST("bad and reserved names are refused") {
    CHECK_INT(tw_logbook_slot(b, 0, text("Loss"), &slot, &err), TW_EINVAL);
    CHECK(strstr(err.text, "\"Loss\"") != NULL);
    CHECK_INT(tw_logbook_slot(b, 0, text("hp_lr"), &slot, &err), TW_EINVAL);
    CHECK_INT(tw_logbook_slot(b, 0, text("status"), &slot, &err), TW_EINVAL);
    CHECK_INT(tw_logbook_stream(b, text("9x"), &st, &err), TW_EINVAL);
  }
  TEST("calls out of order are refused") {
    CHECK_INT(tw_logbook_row_begin(b, 0, &err), TW_ESTATE);
    CHECK_INT(tw_logbook_finish(b, TW_RUN_DONE, text(""), 0, 0, &err), TW_ESTATE);
    begin(b, 1);
    CHECK_INT(tw_logbook_begin(b, 2, 1, 0, 1, NULL, 0, &err), TW_ESTATE);
  }
  TEST("a name that another variable of the file needs is refused in the run that logs both, and the row leaves no trace") {
    row(b, "", NULL, loss, (const double[]){1});
    CHECK_INT(tw_logbook_slot(b, 0, text("loss_final"), &slot, &err), TW_OK);
    CHECK_INT(tw_logbook_row_begin(b, 0, &err), TW_OK);
    CHECK_INT(tw_logbook_stage(b, slot, TW_COLUMN_F64, 1, &err), TW_OK);
    CHECK_INT(tw_logbook_row_end(b, NULL, &stamped, &bad, &err), TW_EINVAL);
    CHECK(strstr(err.text, "loss_final and loss") != NULL);
    row(b, "", NULL, loss, (const double[]){2});
    double last;
    CHECK(tw_logbook_last(b, text("loss"), &last) && last == 2);
  }
  TEST("a metric keeps its shape") {
    const int64_t three = 3;
    CHECK_INT(tw_logbook_slot(b, 0, text("loss"), &slot, &err), TW_OK);
    CHECK_INT(tw_logbook_row_begin(b, 0, &err), TW_OK);
    double *p = tw_logbook_stage_array(b, slot, TW_COLUMN_F64, 1, &three, &err);
    CHECK(p != NULL);
    if (p) p[0] = p[1] = p[2] = 1;
    CHECK_INT(tw_logbook_row_end(b, NULL, &stamped, &bad, &err), TW_EINVAL);
    CHECK(strstr(err.text, "loss is [3], was []") != NULL);
  }
  tw_logbook_free(b);
}

int main(void) {
  test_checksum();
  test_plan();
  test_rows();
  test_steps_and_types();
  test_refusals();
  if (dir[0]) remove_dir(dir);
  return check_close();
}
