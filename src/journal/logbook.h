/* The logbook's inside, shared by logbook.c (runs, frames) and rows.c (rows into columns). */
#ifndef TW_JOURNAL_LOGBOOK_H
#define TW_JOURNAL_LOGBOOK_H

#include "journal/bytes.h"

enum { TW__NO_COLUMN = -1, TW__NO_LAYOUT = -1 };

/* A metric of a stream. Name and number last for the logbook's life, everything from column on for one run. */
typedef struct {
  char *name, *full; /* full: <stream>_<metric> */
  uint32_t stream;
  int32_t column;    /* place among its stream's columns, or TW__NO_COLUMN */
  uint8_t type, ndim;
  bool diverge, has_last;
  uint32_t ordinal;
  int64_t shape[TW_COLUMN_MAX_DIM], elements;
  double last;
  uint64_t row;      /* the row that last set it */
  uint8_t *data;     /* rows x elements */
  size_t capacity;   /* bytes */
} tw__slot;

typedef struct {
  char *name;
  uint32_t *columns; /* slots in column order */
  size_t n_columns, columns_capacity;
  int64_t *steps;    /* of the buffered rows */
  size_t rows, steps_capacity;
  size_t row_bytes;
  int64_t total;     /* rows of this run */
  int64_t last_step; /* -1 before the first row */
  int64_t layout;    /* number of the DEFINE in force, or TW__NO_LAYOUT */
} tw__stream;

/* One value waiting for its row's end. */
typedef struct {
  uint32_t slot;
  uint8_t type, ndim;
  bool array;
  int64_t shape[TW_COLUMN_MAX_DIM], elements;
  double value;
  size_t offset; /* array: where in the staging bytes */
} tw__staged;

enum { TW__KNOWN_LAYOUTS = 16 };

/* What the logbooks of one journal have in common: the file, and the numbers of the layouts it defines. */
typedef struct {
  tw_writer *writer;
  tw__bytes known[TW__KNOWN_LAYOUTS]; /* the latest DEFINE payloads without their numbers */
  uint32_t known_number[TW__KNOWN_LAYOUTS];
  uint32_t n_layouts;
  size_t users;
} tw__journal;

struct tw_logbook {
  tw__journal *journal;
  tw__stream *streams;
  tw__slot *slots;
  size_t n_streams, streams_capacity, n_slots, slots_capacity;
  char **diverge;
  size_t n_diverge, diverge_capacity;
  bool in_run, muted;
  int64_t run;
  uint16_t attempt;
  uint32_t n_ordinals;

  uint32_t row_stream; /* the row being staged */
  tw__staged *staged;
  size_t n_staged, staged_capacity;
  tw__bytes stage;
  uint64_t row_count;

  tw__bytes payload;   /* scratch */
};

/* Writes the buffered rows of a stream as a BLOCK (behind its DEFINE where the columns are new). */
tw_status tw__logbook_emit(tw_logbook *, tw__stream *, tw_error *);

#endif
