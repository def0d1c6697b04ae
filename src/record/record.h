/* The record: a sweep in memory, merged from journals and HDF5 files, and the one HDF5 file it becomes (schema 1.0). The only layer that knows HDF5. */
#ifndef TW_RECORD_RECORD_H
#define TW_RECORD_RECORD_H

#include "journal/journal.h"

typedef struct tw_sweep tw_sweep;

typedef struct {
  int64_t id, seed;
  int32_t rep;    /* from 1, as planned */
  int32_t config; /* from 0: the place of its configuration */
  int32_t repeat; /* from 0: rep - 1, or the next free place where several root seeds share a configuration */
  tw_text text;   /* canonical parameters */
  const tw_value *values; /* sorted by name */
  uint32_t n_values;
  tw_run_status status;
  int32_t attempt, worker, lanes;
  double start_time, wall_time, cpu_time; /* NaN where not known */
  tw_text message, log;
} tw_run;

enum { TW_FINAL, TW_MIN, TW_MAX, TW_ARGMIN, TW_N_SUMMARIES };

/* A metric of a stream, over all runs. Where runs disagree, type is the wider and the shape the larger; what a run lacks is NaN. */
typedef struct {
  tw_text name, stream, metric;
  uint8_t type, ndim;
  int64_t shape[TW_COLUMN_MAX_DIM], elements;
  uint32_t stream_index;
  tw_text summary[TW_N_SUMMARIES];   /* names of its per-run columns: scalars only */
  tw_text axis[TW_COLUMN_MAX_DIM];   /* names of its own dimensions */
} tw_variable;

typedef struct {
  tw_text name;      /* "" is the default stream */
  tw_text step, idx; /* names in the file: [eval_]step, [eval_]idx */
  int64_t length;    /* the most rows any run has */
  bool shared;       /* every run's steps are a prefix of axis */
  int64_t *axis;     /* length steps, where shared */
} tw_stream;

typedef struct {
  double final, min, max; /* final: the last one logged, rows that lack the metric passed over; NaN skipped in min and max */
  int64_t argmin;         /* a step, -1 for none */
} tw_summary;

/* Merges any number of .h5 files and journal directories; the first finished record per run id wins. */
TW_CHECKED tw_status tw_sweep_load(const char *const *paths, size_t n, tw_sweep **out, tw_error *e);
void tw_sweep_free(tw_sweep *); /* NULL is allowed */

size_t tw_sweep_runs(const tw_sweep *);
const tw_run *tw_sweep_run(const tw_sweep *, size_t row); /* rows stand in plan order */
size_t tw_sweep_variables(const tw_sweep *);
const tw_variable *tw_sweep_variable(const tw_sweep *, size_t i);
int tw_sweep_find(const tw_sweep *, tw_text variable); /* -1: no such variable */
size_t tw_sweep_streams(const tw_sweep *);             /* stream 0 is the default one */
const tw_stream *tw_sweep_stream(const tw_sweep *, size_t i);
bool tw_sweep_meta(const tw_sweep *, const char *key, tw_text *out);
const tw_meta *tw_sweep_meta_all(const tw_sweep *, size_t *n);
const tw_text *tw_sweep_history(const tw_sweep *, size_t *n);
int64_t tw_sweep_torn(const tw_sweep *); /* bytes after the last good frames of all journals */

int64_t tw_sweep_rows(const tw_sweep *, size_t row, size_t stream);
bool tw_sweep_logged(const tw_sweep *, size_t row, size_t variable);
/* steps of the variable's stream; values [rows, elements] in double. */
TW_CHECKED tw_status tw_sweep_steps(tw_sweep *, size_t row, size_t stream, int64_t *out, tw_error *);
TW_CHECKED tw_status tw_sweep_values(tw_sweep *, size_t row, size_t variable, double *out, tw_error *);
TW_CHECKED tw_status tw_sweep_summary(tw_sweep *, size_t row, size_t variable, tw_summary *out, tw_error *); /* of a scalar variable */

size_t tw_sweep_results(const tw_sweep *);
tw_text tw_sweep_result_name(const tw_sweep *, size_t i); /* sorted bytewise */
double tw_sweep_result(const tw_sweep *, size_t row, size_t i); /* NaN where absent */

/* Two parameters with one column name (opt.lr and opt_lr are both hp_opt_lr) are an error: better said while planning than while packing. */
TW_CHECKED tw_status tw_plan_check_columns(const tw_plan *, tw_error *);

typedef struct {
  bool complete;    /* the final file, not a snapshot */
  int compress;     /* 0 contiguous, 1..9 shuffle + deflate */
  const char *logs; /* directory of <hex id>.log files, or NULL */
} tw_pack_options;

/* Writes a temporary file beside path, syncs it and takes path's name. */
TW_CHECKED tw_status tw_sweep_pack(tw_sweep *, const char *path, const tw_pack_options *, tw_error *);

typedef struct {
  char **lines;
  size_t n_lines, capacity;
  int64_t compared; /* runs */
} tw_difference;

/* Bit for bit on the runs that have a result; measured columns, dates and provenance left out. */
TW_CHECKED tw_status tw_sweep_diff(tw_sweep *, tw_sweep *, tw_difference *out, tw_error *);
void tw_difference_clear(tw_difference *);

#endif
