/* An open HDF5 file as a source: what h5_load.c finds and h5_trace.c reads from. */
#ifndef TW_RECORD_H5_SOURCE_H
#define TW_RECORD_H5_SOURCE_H

#include "record/h5.h"

typedef struct {
  tw_text name, stream, metric;
  hid_t dataset;
  int ndim;
  int64_t length, shape[TW_COLUMN_MAX_DIM], elements; /* [runs, length, shape...] */
  /* rows first .. first + count, as they were last read */
  char *band;
  int64_t first, count;
  int band_type;
  bool summary_tried;
  double *summary[3]; /* final, min, max: NULL where the file has no such columns */
  int64_t *argmin;
} tw__h5_trace;

typedef struct {
  tw_text name, step;
  int64_t length;
  int64_t *rows;  /* per run */
  int64_t *axis;  /* one for all runs, or NULL */
  hid_t steps;    /* [runs, length], or negative */
} tw__h5_stream;

struct tw__h5 {
  hid_t file;
  tw_text path;
  int64_t runs;
  tw__h5_trace *traces;
  tw__h5_stream *streams;
  size_t n_traces, traces_capacity, n_streams, streams_capacity, last;
};

#endif
