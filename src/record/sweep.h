/* The sweep's inside, shared within this layer. */
#ifndef TW_RECORD_SWEEP_H
#define TW_RECORD_SWEEP_H

#include "record/record.h"
#include "record/store.h"

#define TW__NAN __builtin_nan("") /* 0x7ff8000000000000 */

typedef struct tw__h5 tw__h5; /* an HDF5 file kept open to read traces from: h5_source.c */

/* What one run logged, in the order in which it first appeared. Runs with the same list share one. */
typedef struct {
  tw_text stream, metric;
  uint8_t type, ndim;
  int64_t shape[TW_COLUMN_MAX_DIM], elements;
  int32_t variable; /* after sealing */
} tw__logged;

typedef struct {
  tw_text text; /* "loss:f64,eval/accuracy:f64,x:f32[2 3]" */
  uint32_t n;
  tw__logged *items;
  int32_t number; /* 0 once sealing has visited it */
} tw__signature;

typedef struct {
  tw_layout layout;
  int32_t *column_of; /* per variable: the column or -1, after sealing */
} tw__layout;

typedef struct tw__block {
  struct tw__block *next;
  tw__layout *layout;
  tw_frame frame;
} tw__block;

typedef struct tw__result {
  struct tw__result *next;
  tw_text name;
  double value;
} tw__result;

/* One attempt at a run, as one file tells it. */
typedef struct tw__entry {
  struct tw__entry *next; /* the run's other entries in the directory being read */
  size_t file;            /* number of the journal */
  bool ended;
  tw_run_status status;
  int32_t attempt, worker, lanes;
  int64_t rows;           /* rows of all streams */
  double start_time, wall_time, cpu_time;
  tw_text message, log;
  tw__block *first, *last;
  tw__result *results;    /* the latest first */
  const tw__signature *signature;
  tw__h5 *h5;             /* not NULL: the traces are row h5_row of this file */
  int64_t h5_row;
} tw__entry;

typedef struct {
  tw_run run;
  bool planned, ordered;
  tw__entry *entries; /* while a directory is being read */
  tw__entry *chosen;
} tw__run;

struct tw_sweep {
  tw__arena arena;
  tw_meta *meta;
  tw_text *history;
  size_t n_meta, meta_capacity, n_history, history_capacity;

  tw__run **runs; /* every run any source mentions */
  size_t n_runs, runs_capacity;
  tw__map by_id;  /* the 8 bytes of an id -> place in runs */
  tw__run **order;
  size_t n_order, order_capacity;

  tw_reader **readers; /* their mappings hold texts and traces */
  tw_plan *plans;
  tw__layout **layouts;
  tw__h5 **files;
  size_t n_readers, readers_capacity, n_plans, plans_capacity, n_layouts, layouts_capacity, n_files, files_capacity;
  int64_t torn;

  tw__signature **signatures;
  size_t n_signatures, signatures_capacity;
  tw__map by_signature;

  /* after sealing */
  tw__run **rows;
  size_t n_rows;
  tw_variable *variables;
  size_t n_variables, variables_capacity;
  tw__map by_variable; /* "stream/metric" -> variable */
  tw__map by_name;     /* variable's name -> variable; every other name taken in the file -> INT32_MAX */
  tw_stream *streams;
  size_t n_streams, streams_capacity;
  int64_t *row_counts; /* [streams, rows] */
  tw_text *results;
  size_t n_results, results_capacity;
  double *result_values; /* [results, rows] */
};

tw_status tw__out_of_memory(tw_error *e);
/* Appends to a growing array of the sweep; NULL when out of memory. */
#define TW__PUSH(array, n, capacity) tw__push((void **)&(array), &(n), &(capacity), sizeof *(array))
void *tw__push(void **array, size_t *n, size_t *capacity, size_t bytes);

tw__run *tw__sweep_need(tw_sweep *, int64_t id); /* finds or makes; NULL when out of memory */
tw_status tw__sweep_put_meta(tw_sweep *, tw_text key, tw_text text, tw_error *);
typedef enum {
  TW__LEAD,   /* these ids come first, in this order; what else there is follows */
  TW__FOLLOW, /* what is not there yet is added at the end */
  TW__MERGE   /* leads when it holds everything there is, else follows */
} tw__order_mode;
tw_status tw__sweep_put_order(tw_sweep *, const int64_t *ids, size_t n, tw__order_mode, tw_error *);
tw_status tw__sweep_take_plan(tw_sweep *, const tw_frame *, tw__order_mode, tw_error *);
void tw__sweep_offer(tw__run *, tw__entry *); /* keeps the better record */
/* The shared signature of this text; makes it from items where it is new (items are copied). */
tw_status tw__sweep_signature(tw_sweep *, const tw__logged *items, uint32_t n, const tw__signature **out, tw_error *);
tw_status tw__signature_parse(tw_sweep *, tw_text text, const tw__signature **out, tw_error *);

tw_status tw__sweep_add_journals(tw_sweep *, const char *dir, tw_error *);
tw_status tw__sweep_add_h5(tw_sweep *, const char *path, tw_error *);
tw_status tw__sweep_seal(tw_sweep *, tw_error *);

/* Values in the variable's own type: [rows, elements]. */
tw_status tw__sweep_raw(tw_sweep *, size_t row, size_t variable, void *out, tw_error *);
void tw__summarise(const tw_sweep *, size_t row, size_t variable, const double *values, const int64_t *steps, int64_t n, tw_summary *out);
void tw__fill_nan(void *out, int type, int64_t n);
/* Copies rows of one shape into rows of another: what is not there becomes NaN, what does not fit is left out. item: 4 or 8 bytes on both sides. */
void tw__pad_rows(void *to, int to_ndim, const int64_t *to_shape, const void *from, int from_ndim, const int64_t *from_shape, int64_t rows, size_t item);

/* h5_source.c: traces of a file that is open */
void tw__h5_close(tw__h5 *);
int64_t tw__h5_rows(const tw__h5 *, tw_text stream, int64_t row);
tw_status tw__h5_steps(tw__h5 *, tw_text stream, int64_t row, int64_t n, int64_t *out, tw_error *);
tw_status tw__h5_values(tw__h5 *, const tw_variable *, int64_t row, int64_t n, void *out, tw_error *);
bool tw__h5_summary(tw__h5 *, const tw_variable *, int64_t row, tw_summary *out); /* false: the file has no such columns */

#endif
