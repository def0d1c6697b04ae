/* The record: journals to a sweep, a sweep to a file, the file to the same sweep again; extension and equality of files. */
#include <sys/wait.h>

#include "sweeps.h"

static const sweep_shape small = {.configs = 6, .repeats = 2, .steps = 20, .workers = 1};

static void test_model(void) {
  TEST("journals become rows in plan order with statuses, configurations, results") {
    fresh();
    tw_sweep *s = load(make("a.h5.d", &small));
    CHECK_INT(tw_sweep_runs(s), 12);
    const tw_run *r = tw_sweep_run(s, 3);
    CHECK_INT(r->id, sweep_id(1, 1));
    CHECK_INT(r->config, 1);
    CHECK_INT(r->repeat, 1);
    CHECK_INT(r->status, TW_RUN_DONE);
    CHECK_INT(tw_sweep_run(s, 6)->status, TW_RUN_DIVERGED);
    CHECK_INT(tw_sweep_run(s, 8)->status, TW_RUN_FAILED);
    CHECK_INT(tw_sweep_results(s), 1);
    CHECK_NEAR(tw_sweep_result(s, 2, 0), 0.51, 1e-15);
    CHECK_INT(tw_sweep_torn(s), 0);
    tw_sweep_free(s);
  }
  TEST("variables stand in the order of first appearance, with their streams") {
    tw_sweep *s = load(at("a.h5.d"));
    CHECK_INT(tw_sweep_variables(s), 3);
    CHECK_STR(tw_sweep_variable(s, 0)->name.s, "loss");
    CHECK_STR(tw_sweep_variable(s, 1)->name.s, "lr");
    CHECK_STR(tw_sweep_variable(s, 2)->name.s, "eval_accuracy");
    CHECK_INT(tw_sweep_find(s, text("eval_accuracy")), 2);
    CHECK_INT(tw_sweep_find(s, text("loss_final")), -1);
    CHECK(tw_sweep_stream(s, 0)->shared);
    CHECK_INT(tw_sweep_stream(s, 0)->length, 20);
    int64_t steps[4];
    CHECK_INT(tw_sweep_rows(s, 0, 1), 4);
    sweep_must(tw_sweep_steps(s, 0, 1, steps, &sweep_err));
    CHECK_INT(steps[1], 9);
    double values[20];
    sweep_must(tw_sweep_values(s, 5, 0, values, &sweep_err));
    CHECK_INT(tw_sweep_rows(s, 5, 0), 10);
    CHECK(values[9] == 1.0 / 10 + 0.001 * 2 + 1e-6);
    tw_summary sum;
    sweep_must(tw_sweep_summary(s, 5, 0, &sum, &sweep_err));
    CHECK(sum.final == values[9] && sum.min == values[9] && sum.max == values[0] && sum.argmin == 9);
    tw_sweep_free(s);
  }
  TEST("a run that never ended is running; its rows are there") {
    fresh();
    sweep_shape k = small;
    k.kill = 1;
    tw_sweep *s = load(make("a.h5.d", &k));
    CHECK_INT(tw_sweep_run(s, 11)->status, TW_RUN_RUNNING);
    CHECK_INT(tw_sweep_rows(s, 11, 0), 10);
    tw_sweep_free(s);
  }
  TEST("of several attempts the highest that ended counts; a supervisor's end completes a dead worker's rows") {
    fresh();
    sweep_shape k = small;
    k.kill = 1;
    const char *dir = make("a.h5.d", &k);
    tw_logbook *b = NULL;
    sweep_must(tw_logbook_new(dir, 9, sweep_uuid, TW_SYNC_OFF, &b, &sweep_err));
    sweep_must(tw_logbook_begin(b, sweep_id(5, 1), 1, 0, 1, NULL, 0, &sweep_err));
    sweep_must(tw_logbook_finish(b, TW_RUN_CRASHED, text("killed by signal 11"), 1, 1, &sweep_err));
    sweep_must(tw_logbook_begin(b, sweep_id(0, 0), 2, 0, 1, NULL, 0, &sweep_err)); /* never ends: attempt 1 stays */
    tw_logbook_free(b);
    tw_sweep *s = load(dir);
    CHECK_INT(tw_sweep_run(s, 11)->status, TW_RUN_CRASHED);
    CHECK(tw_text_equal(tw_sweep_run(s, 11)->message, text("killed by signal 11")));
    CHECK_INT(tw_sweep_rows(s, 11, 0), 10);
    CHECK_INT(tw_sweep_run(s, 0)->status, TW_RUN_DONE);
    CHECK_INT(tw_sweep_run(s, 0)->attempt, 1);
    tw_sweep_free(s);
  }
  TEST("a journal of another sweep in the directory is an error, not data") {
    tw_logbook *b = NULL;
    sweep_must(tw_logbook_new(at("a.h5.d"), 3, "ffffffff-89ab-cdef-0123-456789abcdef", TW_SYNC_OFF, &b, &sweep_err));
    tw_logbook_free(b);
    const char *path = at("a.h5.d");
    tw_sweep *s;
    CHECK_INT(tw_sweep_load(&path, 1, &s, &sweep_err), TW_ECORRUPT);
    CHECK(strstr(sweep_err.text, "another sweep") != NULL);
  }
  TEST("two parameters with one column name are refused while planning") {
    tw_value values[] = {{.name = text("opt.lr"), .type = TW_VALUE_INT}, {.name = text("opt_lr"), .type = TW_VALUE_INT}};
    tw_plan_run run = {.id = 1, .rep = 1, .n_values = 2, .values = values};
    tw_plan plan = {.runs = &run, .n_runs = 1, .n_values = 2};
    CHECK_INT(tw_plan_check_columns(&plan, &sweep_err), TW_EINVAL);
    CHECK(strstr(sweep_err.text, "opt.lr and opt_lr are both hp_opt_lr") != NULL);
  }
}

static void test_round_trip(void) {
  static const struct { const char *what; sweep_shape k; int compress; } cases[] = {
    {"a packed file reads back as the same sweep", {.configs = 6, .repeats = 2, .steps = 20, .workers = 1}, 0},
    {"... compressed", {.configs = 6, .repeats = 2, .steps = 20, .workers = 1}, 6},
    {"... where step numbers differ between runs", {.configs = 4, .repeats = 2, .steps = 15, .workers = 1, .ragged_steps = 1}, 0},
    {"... with vectors of different lengths, in f32", {.configs = 4, .repeats = 2, .steps = 15, .workers = 1, .vectors = 1}, 0},
    {"... with vectors, compressed", {.configs = 4, .repeats = 2, .steps = 15, .workers = 1, .vectors = 1}, 1},
    {"... with a run that did not end", {.configs = 4, .repeats = 2, .steps = 15, .workers = 2, .kill = 1}, 0},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    TEST(cases[i].what) {
      fresh();
      tw_sweep *s = load(make("a.h5.d", &cases[i].k));
      pack(s, at("a.h5"), cases[i].compress, NULL);
      int64_t ended = 0;
      for (size_t r = 0; r < tw_sweep_runs(s); r++) ended += tw_run_has_result(tw_sweep_run(s, r)->status);
      check_same(at("a.h5.d"), at("a.h5"), ended);
      tw_sweep *back = load(at("a.h5"));
      CHECK_INT(tw_sweep_runs(back), tw_sweep_runs(s));
      for (size_t r = 0; r < tw_sweep_runs(s) && r < tw_sweep_runs(back); r++) {
        const tw_run *x = tw_sweep_run(s, r), *y = tw_sweep_run(back, r);
        CHECK_INT(y->id, x->id);
        CHECK_INT(y->status, x->status);
        CHECK_INT(y->n_values, x->n_values);
        CHECK(tw_text_equal(x->message, y->message));
        for (uint32_t v = 0; v < x->n_values && v < y->n_values; v++) {
          CHECK(tw_text_equal(x->values[v].name, y->values[v].name));
          CHECK_INT(y->values[v].type, x->values[v].type);
          CHECK_INT(y->values[v].nested, x->values[v].nested);
          if (x->values[v].type == TW_VALUE_TEXT) CHECK(tw_text_equal(x->values[v].as.t, y->values[v].as.t));
          else CHECK_INT(y->values[v].as.i, x->values[v].as.i);
        }
      }
      tw_text units;
      CHECK(tw_sweep_meta(back, "units.loss", &units) && tw_text_equal(units, text("nat")));
      tw_sweep_free(s);
      tw_sweep_free(back);
    }
}

/* Compares every root dataset that is not measured (and not run, whose list of references holds file addresses) by HDF5's own tools: 0 when the
 * same, -1 when the tools are not installed. */
static int dump_differs(const char *a, const char *b) {
  char command[1024];
  if (system("command -v h5diff >/dev/null 2>&1 && command -v h5ls >/dev/null 2>&1") != 0) return -1;
  snprintf(command, sizeof command,
           "names() { h5ls \"$1\" | awk '$2 == \"Dataset\" { print $1 }'; }; [ \"$(names '%s')\" = \"$(names '%s')\" ] || exit 9; "
           "for d in $(names '%s' | grep -vxE 'run|attempt|worker|lanes|start_time|wall_time|cpu_time'); do h5diff '%s' '%s' /$d || exit 1; done",
           a, b, a, a, b);
  int r = system(command);
  return WIFEXITED(r) ? WEXITSTATUS(r) : 8;
}

static void test_equality(void) {
  TEST("one worker and four give the same file") {
    fresh();
    sweep_shape k = small;
    tw_sweep *a = load(make("a.h5.d", &k));
    k.workers = 4;
    tw_sweep *b = load(make("b.h5.d", &k));
    pack(a, at("a.h5"), 0, NULL);
    pack(b, at("b.h5"), 0, NULL);
    tw_sweep_free(a);
    tw_sweep_free(b);
    check_same(at("a.h5"), at("b.h5"), 10);
    CHECK(dump_differs(at("a.h5"), at("b.h5")) <= 0);
  }
  TEST("a planted difference is found and named") {
    tw_logbook *b = NULL;
    fresh();
    make("a.h5.d", &small);
    sweep_shape k = small;
    k.kill = 1; /* leaves the last run open */
    make("b.h5.d", &k);
    sweep_must(tw_logbook_new(at("b.h5.d"), 5, sweep_uuid, TW_SYNC_OFF, &b, &sweep_err));
    sweep_must(tw_logbook_begin(b, sweep_id(5, 1), 2, 1, 1, NULL, 0, &sweep_err));
    for (int i = 0; i < 10; i++)
      sweep_row(b, "", NULL, 2, (const char *const[]){"loss", "lr"}, (const double[]){1.0 / (1 + i) + 0.001 * 5 + 1e-6 + (i == 7 ? 1e-16 : 0), 0.1 * 5});
    sweep_must(tw_logbook_finish(b, TW_RUN_DONE, text(""), 0, 0, &sweep_err));
    tw_logbook_free(b);
    int64_t compared;
    char first[256];
    size_t n = differences(at("a.h5.d"), at("b.h5.d"), &compared, first, sizeof first);
    CHECK(n >= 2); /* the result is missing too, and the slower stream */
    CHECK_INT(compared, 10);
    CHECK(strstr(first, "result accuracy") != NULL);
    tw_sweep *x = load(at("a.h5.d")), *y = load(at("b.h5.d"));
    tw_difference d;
    sweep_must(tw_sweep_diff(x, y, &d, &sweep_err));
    bool found = false;
    for (size_t i = 0; i < d.n_lines; i++) found = found || strstr(d.lines[i], "loss differs in 1 of 10 places, first at step 7") != NULL;
    CHECK(found);
    tw_difference_clear(&d);
    tw_sweep_free(x);
    tw_sweep_free(y);
  }
}

static void test_extension(void) {
  TEST("a file without its journals is extended, and equals the sweep made at once") {
    fresh();
    sweep_shape k = small;
    k.configs = 4;
    tw_sweep *s = load(make("a.h5.d", &k));
    pack(s, at("a.h5"), 0, NULL);
    tw_sweep_free(s);
    k.configs = 6;
    k.first_config = 4;
    make("more.h5.d", &k);
    s = load2(at("a.h5"), at("more.h5.d"));
    CHECK_INT(tw_sweep_runs(s), 12);
    pack(s, at("a.h5"), 0, NULL);
    tw_sweep_free(s);
    make("whole.h5.d", &small);
    s = load(at("whole.h5.d"));
    pack(s, at("whole.h5"), 0, NULL);
    tw_sweep_free(s);
    check_same(at("a.h5"), at("whole.h5"), 10);
    CHECK(dump_differs(at("a.h5"), at("whole.h5")) <= 0);
  }
  TEST("merging is idempotent: a file with itself, a file with its journals") {
    fresh();
    tw_sweep *s = load(make("a.h5.d", &small));
    pack(s, at("a.h5"), 0, NULL);
    tw_sweep_free(s);
    s = load2(at("a.h5"), at("a.h5"));
    CHECK_INT(tw_sweep_runs(s), 12);
    pack(s, at("b.h5"), 0, NULL);
    tw_sweep_free(s);
    s = load2(at("a.h5"), at("a.h5.d"));
    CHECK_INT(tw_sweep_runs(s), 12);
    pack(s, at("c.h5"), 0, NULL);
    size_t n;
    tw_sweep_history(s, &n);
    CHECK_INT(n, 1);
    tw_sweep_free(s);
    check_same(at("a.h5"), at("b.h5"), 10);
    check_same(at("a.h5"), at("c.h5"), 10);
  }
  TEST("logs and messages go into the file and stay there") {
    fresh();
    tw_sweep *s = load(make("a.h5.d", &small));
    char path[200];
    snprintf(path, sizeof path, "%s/%014llx.log", at("a.h5.d"), (unsigned long long)sweep_id(4, 0));
    FILE *f = fopen(path, "w");
    fprintf(f, "traceback\xff of the run\n");
    fclose(f);
    pack(s, at("a.h5"), 0, at("a.h5.d"));
    tw_sweep_free(s);
    s = load(at("a.h5"));
    pack(s, at("b.h5"), 0, NULL);
    tw_sweep_free(s);
    s = load(at("b.h5"));
    CHECK(tw_text_equal(tw_sweep_run(s, 8)->log, text("traceback\xff of the run\n")));
    CHECK(tw_text_equal(tw_sweep_run(s, 8)->message, text("what went wrong")));
    tw_sweep_free(s);
  }
  TEST("the same configuration under another root seed: repeats go on, no cell is taken twice") {
    fresh();
    mkdir(at("a.h5.d"), 0777);
    tw_plan_run runs[4];
    for (int i = 0; i < 4; i++) runs[i] = (tw_plan_run){.id = i + 1, .seed = i, .rep = i % 2 + 1, .text = text("lr=0.1")};
    tw_plan plan = {.runs = runs, .n_runs = 4};
    sweep_must(tw_plan_append(at("a.h5.d"), sweep_uuid, &plan, &sweep_err));
    tw_sweep *s = load(at("a.h5.d"));
    for (int i = 0; i < 4; i++) {
      CHECK_INT(tw_sweep_run(s, (size_t)i)->config, 0);
      CHECK_INT(tw_sweep_run(s, (size_t)i)->repeat, i);
    }
    tw_sweep_free(s);
  }
}

static void test_refusals(void) {
  tw_sweep *s;
  TEST("what cannot be written is an error, and leaves nothing behind") {
    fresh();
    s = load(make("a.h5.d", &small));
    CHECK_INT(tw_sweep_pack(s, at("no/such/dir/a.h5"), &(tw_pack_options){.complete = true}, &sweep_err), TW_EIO);
    mkdir(at("b.h5"), 0777);
    CHECK_INT(tw_sweep_pack(s, at("b.h5"), &(tw_pack_options){.complete = true}, &sweep_err), TW_EIO);
    CHECK(access(at("b.h5.tmp"), F_OK) != 0);
    CHECK_INT(tw_sweep_pack(s, at("c.h5"), &(tw_pack_options){.compress = 10}, &sweep_err), TW_EINVAL);
    tw_sweep_free(s);
  }
  TEST("a file that is no sweep is an error that says so") {
    const char *path = at("text.h5");
    FILE *f = fopen(path, "w");
    fprintf(f, "not HDF5\n");
    fclose(f);
    CHECK_INT(tw_sweep_load(&path, 1, &s, &sweep_err), TW_EIO);
    path = at("nothing.h5");
    CHECK_INT(tw_sweep_load(&path, 1, &s, &sweep_err), TW_EIO);
  }
}

int main(void) {
  test_model();
  test_round_trip();
  test_equality();
  test_extension();
  test_refusals();
  if (top[0]) remove_dir(top);
  return check_close();
}
