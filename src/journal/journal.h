/* The journal: what a worker writes while runs go on, and what every reader may rely on.
 * A journal file is a 64-byte header and frames; a frame is a 32-byte header, a payload padded to 8 bytes, the complement of its length and a
 * crc32c over all of it. Files are appended to by one process, never edited, and may be read while their writer is alive.
 * Knows nothing of Lua, tensors or HDF5. */
#ifndef TW_JOURNAL_JOURNAL_H
#define TW_JOURNAL_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/status.h"

/* A lent piece of text: not necessarily NUL-terminated. */
typedef struct {
  const char *s;
  size_t n;
} tw_text;

static inline tw_text tw_text_of(const char *s) { return (tw_text){s, strlen(s)}; }
static inline bool tw_text_equal(tw_text a, tw_text b) { return a.n == b.n && (a.n == 0 || memcmp(a.s, b.s, a.n) == 0); }
int tw_text_compare(tw_text a, tw_text b); /* bytewise */

uint32_t tw_crc32c(uint32_t crc, const void *data, size_t bytes);       /* start with 0; may be continued */
uint32_t tw_crc32c_table(uint32_t crc, const void *data, size_t bytes); /* the same without the machine's instruction */

/* ---- statuses: the only spelling ---- */

#define TW_RUN_STATUSES(X) \
  X(PENDING, "pending") X(RUNNING, "running") X(DONE, "done") X(STOPPED, "stopped") X(DIVERGED, "diverged") \
  X(FAILED, "failed") X(TIMEOUT, "timeout") X(INTERRUPTED, "interrupted") X(CRASHED, "crashed")

typedef enum {
#define X(id, name) TW_RUN_##id,
  TW_RUN_STATUSES(X)
#undef X
  TW_RUN_N_STATUSES
} tw_run_status;

const char *tw_run_status_name(tw_run_status s);
bool tw_run_status_parse(tw_text name, tw_run_status *out);
static inline bool tw_run_has_result(tw_run_status s) { return s == TW_RUN_DONE || s == TW_RUN_STOPPED || s == TW_RUN_DIVERGED; }

/* ---- frames ---- */

enum { TW_JOURNAL_HEADER = 64, TW_FRAME_HEADER = 32, TW_FRAME_TRAILER = 8, TW_UUID_TEXT = 36 };
#define TW_FRAME_MAX_PAYLOAD ((uint32_t)1 << 31)
#define TW_PLAN_WORKER UINT32_MAX /* the worker number in plan.jnl's header */

typedef enum {
  TW_FRAME_PLAN = 1,
  TW_FRAME_DEFINE = 2,
  TW_FRAME_RUN_START = 3,
  TW_FRAME_BLOCK = 4,
  TW_FRAME_RESULT = 5,
  TW_FRAME_SAVE = 6,       /* reserved */
  TW_FRAME_CHECKPOINT = 7, /* reserved */
  TW_FRAME_RUN_END = 8,
  TW_FRAME_TEXT = 9
} tw_frame_type;

typedef struct {
  uint16_t type, attempt;
  uint32_t rows;
  int64_t run, first_step;
  uint32_t bytes;         /* of the payload, a multiple of 8 */
  const uint8_t *payload; /* 8-byte aligned */
} tw_frame;

/* ---- writing ---- */

typedef struct tw_writer tw_writer;

enum { TW_SYNC_OFF = 0, TW_SYNC_RUN = -1 }; /* otherwise seconds between two fdatasync */

/* Creates DIR/w<worker>-<epoch>.jnl with the next free epoch. */
TW_CHECKED tw_status tw_writer_new(const char *dir, uint32_t worker, const char *uuid, int sync, tw_writer **out, tw_error *e);
const char *tw_writer_path(const tw_writer *);
/* Closes the file; what could not be written before stays unwritten: flush first to hear of it. NULL is allowed. */
void tw_writer_free(tw_writer *);
/* Appends a frame to the buffer, and writes the buffer when it is big. After a failed write it takes nothing before the buffer has gone out. */
TW_CHECKED tw_status tw_writer_frame(tw_writer *, const tw_frame *, tw_error *);
bool tw_writer_due(const tw_writer *);                             /* a second has passed since the last write */
TW_CHECKED tw_status tw_writer_flush(tw_writer *, tw_error *);     /* write(2) now, fdatasync when it is time */
TW_CHECKED tw_status tw_writer_sync(tw_writer *, tw_error *);      /* write(2) and, unless syncing is off, fdatasync */
TW_CHECKED tw_status tw_writer_end_run(tw_writer *, tw_error *);   /* the policy at the end of a run */

/* ---- reading ---- */

typedef struct tw_reader tw_reader;

/* Checks every frame, keeps the part before the first bad one. A file without a whole header reads as no frames, all of it torn. */
TW_CHECKED tw_status tw_reader_open(const char *path, tw_reader **out, tw_error *e);
void tw_reader_free(tw_reader *);
bool tw_reader_next(tw_reader *, tw_frame *); /* frames and their payloads live as long as the reader */
const char *tw_reader_uuid(const tw_reader *);   /* "" without a header */
uint32_t tw_reader_worker(const tw_reader *);
int64_t tw_reader_good(const tw_reader *);    /* bytes up to the end of the last good frame */
int64_t tw_reader_torn(const tw_reader *);    /* bytes after it */

/* ---- the plan ---- */

typedef enum { TW_VALUE_FLOAT, TW_VALUE_INT, TW_VALUE_BOOL, TW_VALUE_TEXT } tw_value_type;

typedef struct {
  tw_text name; /* dotted: opt.lr */
  uint8_t type; /* tw_value_type */
  bool nested;
  union {
    double f;
    int64_t i; /* a boolean's 0 or 1 too */
    tw_text t;
  } as;
} tw_value;

typedef struct {
  int64_t id, seed;
  int32_t rep; /* from 1 */
  uint32_t n_values;
  tw_text text; /* the canonical text of the parameters */
  const tw_value *values;
} tw_plan_run;

typedef struct {
  tw_text key, text;
} tw_meta;

typedef struct {
  tw_meta *meta;
  int64_t *order;
  tw_plan_run *runs;
  tw_value *values; /* of all runs, one after the other */
  size_t n_meta, n_order, n_runs, n_values;
} tw_plan;

void tw_plan_clear(tw_plan *); /* frees the arrays */
/* Appends one PLAN frame to DIR/plan.jnl and syncs it. A torn end is left behind in plan.jnl.torn, the good part goes on. */
TW_CHECKED tw_status tw_plan_append(const char *dir, const char *uuid, const tw_plan *, tw_error *);
TW_CHECKED tw_status tw_plan_decode(const tw_frame *, tw_plan *out, tw_error *); /* texts lend from the payload */
#define TW_MAX_RUN_ID ((int64_t)1 << 53)

/* ---- frames in memory: for a file of another format to carry ---- */

typedef struct {
  uint8_t *data; /* free it with tw_free */
  size_t size, capacity;
  bool failed;   /* out of memory, or a frame too big: everything after it is left out */
} tw_frames;

void tw_frames_plan(tw_frames *, const tw_plan *);
/* A TEXT frame: what kind of text it is, and the run or the rows it is about. */
void tw_frames_text(tw_frames *, tw_text kind, tw_text text, int64_t run, int64_t first_row, uint32_t rows);
bool tw_text_decode(const tw_frame *, tw_text *kind, tw_text *text);
/* *at starts at 0; false at the end, where *at is n, and at the first bad frame. data is 8-byte aligned. */
bool tw_frames_next(const uint8_t *data, size_t n, size_t *at, tw_frame *);

/* ---- rows ---- */

typedef enum { TW_COLUMN_F64, TW_COLUMN_F32 } tw_column_type;
static inline size_t tw_column_item(int type) { return type == TW_COLUMN_F32 ? 4 : 8; }

/* What a block holds where a row lacks a metric: a NaN, but not the one that stands for every NaN that was logged (0x7ff8000000000000, 0x7fc00000). Whoever
 * hands values on makes it that one. */
#define TW_ABSENT_F64 0x7ff8000000000001u
#define TW_ABSENT_F32 0x7fc00001u

enum { TW_COLUMN_MAX_DIM = 8 };

typedef struct {
  tw_text metric;
  uint8_t type, ndim;
  uint32_t ordinal; /* place in the order in which the run's metrics first appeared, all streams together */
  int64_t shape[TW_COLUMN_MAX_DIM];
  int64_t elements;
} tw_column;

/* What a DEFINE frame says: the columns of the blocks that name it, valid from there to the end of the file, for every run. */
typedef struct {
  uint32_t number;
  tw_text stream; /* "" is the default stream */
  uint32_t n_columns;
  tw_column *columns;
} tw_layout;

TW_CHECKED tw_status tw_layout_decode(const tw_frame *, tw_layout *out, tw_error *); /* names lend from the payload */
void tw_layout_clear(tw_layout *);

uint32_t tw_block_layout(const tw_frame *);                       /* the number of its layout; UINT32_MAX when the frame is too short */
bool tw_block_check(const tw_frame *, const tw_layout *);         /* the payload has exactly the size the layout asks for */
int64_t tw_block_step(const tw_frame *, uint32_t row);            /* after a successful check, as is: */
bool tw_block_consecutive(const tw_frame *);                      /* steps are first_step, first_step + 1, ... */
const void *tw_block_column(const tw_frame *, const tw_layout *, uint32_t column); /* rows x elements */

typedef struct {
  int64_t seed;
  double time; /* seconds since 1970-01-01 */
  uint32_t lanes;
} tw_run_start;

typedef struct {
  tw_run_status status;
  int64_t steps; /* rows of the default stream */
  double wall, cpu;
  tw_text message;
} tw_run_end;

typedef struct {
  tw_text name;
  double value;
} tw_result;

bool tw_run_start_decode(const tw_frame *, tw_run_start *out);
bool tw_run_end_decode(const tw_frame *, tw_run_end *out);
bool tw_result_next(const tw_frame *, size_t *at, tw_result *out); /* *at starts at 0; false at the end or where it is damaged */

/* ---- the logbook: rows in, frames out ---- */

typedef struct tw_logbook tw_logbook;

TW_CHECKED tw_status tw_logbook_new(const char *dir, uint32_t worker, const char *uuid, int sync, tw_logbook **out, tw_error *e);
/* Another run of the same journal at the same time: it shares the file and starts with the same streams and slots, numbered alike. */
TW_CHECKED tw_status tw_logbook_beside(tw_logbook *, tw_logbook **out, tw_error *);
void tw_logbook_free(tw_logbook *); /* in the process that made it: flushes what it can; NULL is allowed */
const char *tw_logbook_path(const tw_logbook *);

TW_CHECKED tw_status tw_logbook_begin(tw_logbook *, int64_t run, uint32_t attempt, int64_t seed, uint32_t lanes, const tw_text *diverge,
                                      size_t n_diverge, tw_error *);
bool tw_logbook_in_run(const tw_logbook *);
void tw_logbook_mute(tw_logbook *, bool on); /* from the next begin on: rows are checked as ever, nothing is written */

/* Streams and slots (a metric of a stream) keep their numbers for the logbook's life: look a name up once, then log by number. */
TW_CHECKED tw_status tw_logbook_stream(tw_logbook *, tw_text name, uint32_t *stream, tw_error *); /* "" is stream 0 */
TW_CHECKED tw_status tw_logbook_slot(tw_logbook *, uint32_t stream, tw_text metric, uint32_t *slot, tw_error *);

/* One row: row_begin, then stage_* for each metric, then row_end. A row that fails leaves no trace. */
TW_CHECKED tw_status tw_logbook_row_begin(tw_logbook *, uint32_t stream, tw_error *);
TW_CHECKED tw_status tw_logbook_stage(tw_logbook *, uint32_t slot, tw_column_type, double value, tw_error *);
/* Room for an array to be filled (row-major) before the next call; NULL leaves the message in e. */
void *tw_logbook_stage_array(tw_logbook *, uint32_t slot, tw_column_type, int ndim, const int64_t *shape, tw_error *);
/* step: NULL for the stream's own counting. *bad is the full name of the first non-finite diverge metric, or NULL. */
TW_CHECKED tw_status tw_logbook_row_end(tw_logbook *, const int64_t *step, int64_t *stamped, const char **bad, tw_error *);

TW_CHECKED tw_status tw_logbook_result(tw_logbook *, const tw_result *, size_t n, tw_error *);
TW_CHECKED tw_status tw_logbook_finish(tw_logbook *, tw_run_status, tw_text message, double wall, double cpu, tw_error *);
void tw_logbook_abandon(tw_logbook *); /* the run goes on elsewhere: nothing more is written, a later attempt will end */
TW_CHECKED tw_status tw_logbook_flush(tw_logbook *, tw_error *);
TW_CHECKED tw_status tw_logbook_close(tw_logbook *, tw_error *);      /* flush and sync; free it afterwards */
bool tw_logbook_last(const tw_logbook *, tw_text full_name, double *out); /* of this run */

/* A legal metric, stream or result name: [a-z][a-z0-9_]*, at most 100 characters. */
bool tw_name_valid(tw_text name);
/* The file's own names (run, step, status, hp_..., result_..., n_...): not for metrics. */
bool tw_name_reserved(tw_text name);

/* ---- the directory ---- */

typedef struct tw_lock tw_lock;

TW_CHECKED tw_status tw_lock_new(const char *dir, tw_lock **out, tw_error *e); /* makes the directory; TW_ELOCKED names the holder */
void tw_lock_free(tw_lock *); /* in a forked child: closes its copy only; NULL is allowed */

typedef struct {
  uint32_t worker, epoch;
  char name[32];
} tw_journal_name;

/* The worker journals of dir, by worker, then epoch; free them with tw_free. */
TW_CHECKED tw_status tw_journal_list(const char *dir, tw_journal_name **out, size_t *n, tw_error *e);

#endif
