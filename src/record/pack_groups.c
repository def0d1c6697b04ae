/* What is said about the sweep: root attributes, /provenance, /failures. */
#include "record/pack.h"

#include <stdio.h>
#include <time.h>

enum { HISTORY_ENDS = 50, LOG_MOST = 64 * 1024 };

static tw_text now_text(tw__pack *p) {
  char text[32];
  time_t now = time(NULL);
  struct tm t;
  gmtime_r(&now, &t);
  strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &t);
  return tw__pack_format(p, "%s", text);
}

/* The first and last invocations; all of them stand in /provenance/history. */
static tw_text history_text(tw__pack *p) {
  const tw_sweep *s = p->s;
  size_t bytes = 64;
  for (size_t i = 0; i < s->n_history; i++) bytes += s->history[i].n + 1;
  char *all = tw__pack_take(p, bytes), *at = all;
  for (size_t i = 0; i < s->n_history && all; i++) {
    if (i == HISTORY_ENDS && s->n_history > 2 * HISTORY_ENDS) {
      at += sprintf(at, "(%zu left out)\n", s->n_history - 2 * HISTORY_ENDS);
      i = s->n_history - HISTORY_ENDS;
    }
    memcpy(at, s->history[i].s, s->history[i].n);
    at += s->history[i].n;
    *at++ = '\n';
  }
  return all ? (tw_text){all, at > all ? (size_t)(at - all) - 1 : 0} : (tw_text){"", 0};
}

static bool meta(const tw__pack *p, const char *key, tw_text *out) { return tw_sweep_meta(p->s, key, out) && out->n > 0; }

void tw__pack_attributes(tw__pack *p) {
  const tw_sweep *s = p->s;
  tw_text text, name = tw_text_of("sweep"), version = tw_text_of("");
  int64_t counts[3] = {(int64_t)s->n_rows, 0, 0}, complete = p->options->complete;
  for (size_t i = 0; i < s->n_rows; i++) {
    tw_run_status st = s->rows[i]->run.status;
    counts[1] += tw_run_has_result(st);
    counts[2] += st == TW_RUN_FAILED || st == TW_RUN_TIMEOUT || st == TW_RUN_CRASHED;
  }
  hid_t root = tw__pack_ok(p) ? H5Gopen2(p->file, "/", H5P_DEFAULT) : -1;
  if (root < 0) tw__pack_failed(p, "/");
  tw__pack_attr_text(p, root, "Conventions", tw_text_of("CF-1.8 ACDD-1.3"));
  tw__pack_attr_text(p, root, "schema", tw_text_of(TW__SCHEMA));
  tw__pack_attr_text(p, root, "schema_version", tw_text_of(TW__SCHEMA_VERSION));
  tw__pack_attr_text(p, root, "layout", tw_text_of("rect"));
  (void)meta(p, "name", &name);
  (void)meta(p, "version", &version);
  tw__pack_attr_text(p, root, "title", meta(p, "title", &text) ? text : name);
  if (meta(p, "about", &text)) tw__pack_attr_text(p, root, "summary", text);
  if (s->n_history) tw__pack_attr_text(p, root, "history", history_text(p));
  tw__pack_attr_text(p, root, "source", tw__pack_format(p, "thalweg %.*s", (int)version.n, version.s));
  tw_text now = now_text(p);
  tw__pack_attr_text(p, root, "date_created", meta(p, "date_created", &text) ? text : now);
  tw__pack_attr_text(p, root, "date_modified", now);
  if (meta(p, "uuid", &text)) tw__pack_attr_text(p, root, "id", text);
  tw__pack_attr_int(p, root, "complete", H5T_STD_I32LE, &complete, 1);
  tw__pack_attr_int(p, root, "runs_planned", H5T_STD_I32LE, &counts[0], 1);
  tw__pack_attr_int(p, root, "runs_done", H5T_STD_I32LE, &counts[1], 1);
  tw__pack_attr_int(p, root, "runs_failed", H5T_STD_I32LE, &counts[2], 1);
  tw__pack_close(p, root);
}

/* ---- /provenance ---- */

static const tw__signature *signature_of(const tw_sweep *s, size_t row) {
  const tw__signature *sig = s->rows[row]->chosen ? s->rows[row]->chosen->signature : NULL;
  return sig && sig->n ? sig : NULL;
}

/* The plan, and what each run logged, as checksummed frames: what a later extension reads. (The library crashes on damaged variable-length texts, so
 * those are for other readers.) */
static void state(tw__pack *p, hid_t group, const tw_text *logs) {
  tw_sweep *s = p->s;
  size_t n = 0;
  tw_plan plan = {.n_meta = s->n_meta + s->n_history, .n_order = s->n_rows, .n_runs = s->n_rows};
  plan.meta = tw__pack_take(p, plan.n_meta * sizeof *plan.meta);
  plan.order = tw__pack_take(p, plan.n_order * sizeof *plan.order);
  plan.runs = tw__pack_take(p, plan.n_runs * sizeof *plan.runs);
  if (!tw__pack_ok(p)) return;
  for (size_t i = 0; i < s->n_meta; i++) plan.meta[n++] = s->meta[i];
  for (size_t i = 0; i < s->n_history; i++) plan.meta[n++] = (tw_meta){tw_text_of("history"), s->history[i]};
  for (size_t i = 0; i < s->n_rows; i++) {
    const tw_run *r = &s->rows[i]->run;
    plan.order[i] = r->id;
    plan.runs[i] = (tw_plan_run){r->id, r->seed, r->rep, r->n_values, r->text, r->values};
    plan.n_values += r->n_values;
  }
  tw_frames f = {0};
  tw_frames_plan(&f, &plan);
  for (size_t i = 0, last = 0; i < s->n_rows; i = last) { /* neighbours that logged the same share a frame */
    const tw__signature *sig = signature_of(s, i);
    for (last = i + 1; last < s->n_rows && signature_of(s, last) == sig;) last++;
    if (sig) tw_frames_text(&f, tw_text_of("signature"), sig->text, 0, (int64_t)i, (uint32_t)(last - i));
  }
  for (size_t i = 0; i < s->n_rows; i++) {
    const tw_run *r = &s->rows[i]->run;
    if (r->message.n) tw_frames_text(&f, tw_text_of("message"), r->message, r->id, (int64_t)i, 1);
    if (logs[i].n) tw_frames_text(&f, tw_text_of("log"), logs[i], r->id, (int64_t)i, 1);
  }
  if (f.failed) tw__pack_no_memory(p);
  tw__shape shape = {.rank = 1, .dims = {f.size}};
  hid_t d = tw__pack_dataset(p, group, "state", H5T_STD_U8LE, &shape);
  tw__pack_write(p, d, H5T_NATIVE_UINT8, f.data);
  tw__pack_attr_text(p, d, "long_name", tw_text_of("the plan as thalweg reads it back; everything in it stands elsewhere in the file too"));
  tw__pack_close(p, d);
  tw_free(f.data);
}

void tw__pack_provenance(tw__pack *p, hid_t group, hid_t plan, const tw_text *logs) {
  const tw_sweep *s = p->s;
  static const char *const elsewhere[] = {"plan", "state", "uuid", "date_created", "history", "."};
  for (size_t i = 0; i < s->n_meta && tw__pack_ok(p); i++) {
    bool skip = strchr(s->meta[i].key.s, '/') != NULL;
    for (size_t k = 0; k < sizeof elsewhere / sizeof *elsewhere; k++) skip = skip || strcmp(s->meta[i].key.s, elsewhere[k]) == 0;
    if (!skip) tw__pack_text(p, group, s->meta[i].key.s, s->meta[i].text);
  }
  if (s->n_history) tw__pack_texts(p, group, "history", s->history, (int64_t)s->n_history, false);
  tw_text *texts = tw__pack_take(p, s->n_rows * sizeof *texts);
  for (size_t i = 0; i < s->n_rows && texts; i++) texts[i] = s->rows[i]->run.text;
  tw__pack_texts(p, plan, "text", texts, (int64_t)s->n_rows, true);
  state(p, group, logs);
}

/* ---- /failures: every run that failed or left a message or a log; status says how it ended ---- */

/* The end of DIR/<hex id>.log; empty where there is none. */
static tw_text read_log(tw__pack *p, int64_t id) {
  tw_text none = {"", 0};
  if (!p->options->logs) return none;
  tw_text path = tw__pack_format(p, "%s/%014llx.log", p->options->logs, (unsigned long long)id);
  FILE *f = tw__pack_ok(p) ? fopen(path.s, "re") : NULL;
  if (!f) return none;
  long size = fseek(f, 0, SEEK_END) == 0 ? ftell(f) : -1, skip = size > LOG_MOST ? size - LOG_MOST : 0;
  char note[64] = "";
  if (skip > 0) snprintf(note, sizeof note, "(%ld bytes left out)\n", skip);
  char *text = size > 0 && fseek(f, skip, SEEK_SET) == 0 ? tw__pack_take(p, (size_t)(size - skip) + sizeof note) : NULL;
  size_t n = 0;
  if (text) {
    n = strlen(note);
    memcpy(text, note, n);
    n += fread(text + n, 1, (size_t)(size - skip), f);
  }
  fclose(f);
  return text ? (tw_text){text, n} : none;
}

static bool failed(tw_run_status s) { return s == TW_RUN_FAILED || s == TW_RUN_TIMEOUT || s == TW_RUN_INTERRUPTED || s == TW_RUN_CRASHED; }

tw_text *tw__pack_logs(tw__pack *p) {
  tw_text *logs = tw__pack_take(p, p->s->n_rows * sizeof *logs);
  for (size_t i = 0; i < p->s->n_rows && tw__pack_ok(p); i++) {
    logs[i] = read_log(p, p->s->rows[i]->run.id);
    if (logs[i].n == 0) logs[i] = p->s->rows[i]->run.log;
  }
  return logs;
}

void tw__pack_failures(tw__pack *p, const tw_text *all_logs) {
  const tw_sweep *s = p->s;
  hid_t group = tw__pack_group(p, p->file, "failures");
  int64_t *rows = tw__pack_take(p, s->n_rows * sizeof *rows), *ids = tw__pack_take(p, s->n_rows * sizeof *ids);
  int64_t *status = tw__pack_take(p, s->n_rows * sizeof *status), n = 0;
  tw_text *messages = tw__pack_take(p, s->n_rows * sizeof *messages), *logs = tw__pack_take(p, s->n_rows * sizeof *logs);
  for (size_t i = 0; i < s->n_rows && tw__pack_ok(p); i++) {
    const tw_run *r = &s->rows[i]->run;
    tw_text log = all_logs[i];
    if (!failed(r->status) && r->message.n == 0 && log.n == 0) continue;
    rows[n] = (int64_t)i;
    ids[n] = r->id;
    status[n] = r->status;
    messages[n] = r->message;
    logs[n++] = log;
  }
  if (n > 0) {
    const struct { const char *name; hid_t type; const int64_t *data; } columns[] = {
      {"run", H5T_STD_I64LE, rows}, {"run_id", H5T_STD_I64LE, ids}, {"status", H5T_STD_I8LE, status}};
    tw__shape shape = {.rank = 1, .dims = {(hsize_t)n}};
    for (size_t k = 0; k < sizeof columns / sizeof *columns; k++) {
      hid_t d = tw__pack_dataset(p, group, columns[k].name, columns[k].type, &shape);
      tw__pack_write(p, d, H5T_NATIVE_INT64, columns[k].data);
      tw__pack_close(p, d);
    }
    tw__pack_texts(p, group, "message", messages, n, false);
    tw__pack_texts(p, group, "log", logs, n, false);
  }
  tw__pack_close(p, group);
}
