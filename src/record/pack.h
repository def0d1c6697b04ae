/* The packer's inside: a file being written, and helpers that do nothing once something has failed. */
#ifndef TW_RECORD_PACK_H
#define TW_RECORD_PACK_H

#include "record/h5.h"

typedef struct {
  tw_sweep *s;
  const tw_pack_options *options;
  const char *path; /* of the temporary file */
  tw_error *e;
  tw_status status; /* the first failure */
  hid_t file, run;  /* run: the dimension scale */
  hid_t *steps;     /* per stream: the scale of its step axis; negative where the stream is empty */
  int64_t n_datasets; /* attached to run */
  tw__arena arena;
  tw_text coordinates;
} tw__pack;

static inline bool tw__pack_ok(const tw__pack *p) { return p->status == TW_OK; }
void tw__pack_failed(tw__pack *, const char *what); /* HDF5 refused */
void tw__pack_no_memory(tw__pack *);
void *tw__pack_take(tw__pack *, size_t bytes); /* from the arena */
tw_text tw__pack_format(tw__pack *, const char *format, ...) TW_PRINTF(2, 3);
tw_text tw__pack_join(tw__pack *, tw_text words, tw_text word); /* with a blank between them */
tw_text tw__pack_clean(tw__pack *, tw_text); /* valid UTF-8 without NUL */

typedef struct {
  int rank;
  hsize_t dims[2 + TW_COLUMN_MAX_DIM], chunk[2 + TW_COLUMN_MAX_DIM]; /* chunk[0] 0: contiguous */
  const void *fill; /* in the file's type, or NULL */
} tw__shape;

/* Creation order tracked and indexed, no times; links and attributes kept inside object headers, where they are checksummed: libhdf5 crashes on a
 * flipped byte in the heaps it would otherwise use. */
bool tw__pack_ordered(hid_t plist, bool links);

/* Each returns a negative handle once something has failed; tw__pack_close takes those too. */
hid_t tw__pack_group(tw__pack *, hid_t where, const char *name);
hid_t tw__pack_dataset(tw__pack *, hid_t where, const char *name, hid_t type, const tw__shape *);
void tw__pack_write(tw__pack *, hid_t dataset, hid_t memory_type, const void *data);
void tw__pack_close(tw__pack *, hid_t object);
void tw__pack_scale(tw__pack *, hid_t dataset, const char *name);
void tw__pack_dimension(tw__pack *, const char *name, int64_t size, hid_t *out); /* a netCDF dimension without a variable */
void tw__pack_attach(tw__pack *, hid_t dataset, hid_t scale, unsigned dim);
void tw__pack_attr_text(tw__pack *, hid_t object, const char *name, tw_text);
void tw__pack_attr_int(tw__pack *, hid_t object, const char *name, hid_t type, const int64_t *values, size_t n);
void tw__pack_attr_real(tw__pack *, hid_t object, const char *name, hid_t type, double value);

/* A dataset [run] with the scale attached; close it. where: the root or a group. */
hid_t tw__pack_column(tw__pack *, hid_t where, const char *name, hid_t type, hid_t memory_type, const void *data);
void tw__pack_texts(tw__pack *, hid_t where, const char *name, const tw_text *texts, int64_t n, bool per_run);
void tw__pack_text(tw__pack *, hid_t where, const char *name, tw_text);

/* The parts of the file, in this order. */
void tw__pack_axes(tw__pack *);       /* run and the step axes */
void tw__pack_parameters(tw__pack *, hid_t labels); /* hp_ columns; their exact labels into this group */
void tw__pack_columns(tw__pack *);    /* config to cpu_time */
void tw__pack_traces(tw__pack *);     /* traces, then their summaries */
void tw__pack_results(tw__pack *);
void tw__pack_attributes(tw__pack *);
tw_text *tw__pack_logs(tw__pack *);   /* per row: its log file's end, or what an earlier file had */
void tw__pack_provenance(tw__pack *, hid_t group, hid_t plan, const tw_text *logs);
void tw__pack_failures(tw__pack *, const tw_text *logs);

#endif
