/* Tensors: a dtype, a shape and strides over refcounted storage. This layer knows memory and views; it knows no operation. */
#ifndef TW_TENSOR_TENSOR_H
#define TW_TENSOR_TENSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

#define TW_MAX_DIM 8

typedef enum { TW_F64, TW_F32, TW_I64, TW_BOOL } tw_dtype;
enum { TW_N_DTYPES = 4 };

static inline bool tw_is_real(tw_dtype d) { return d == TW_F64 || d == TW_F32; }
const char *tw_dtype_name(tw_dtype d);              /* "f64" "f32" "i64" "bool" */
size_t tw_dtype_size(tw_dtype d);                   /* bytes of one element; bool is one byte, 0 or 1 */
bool tw_dtype_parse(const char *name, tw_dtype *out);

typedef struct {
  int n;                   /* number of axes */
  int64_t d[TW_MAX_DIM];   /* sizes, outermost first */
} tw_shape;

typedef struct tw_storage {
  int64_t refs;
  size_t bytes;       /* capacity: a size class */
  uint32_t version;   /* bumped by every write in place; a tape that saved an older one refuses to go on */
  uint32_t leaf;      /* bit per differentiation level whose leaf lives here */
  bool outside;       /* made before the run began: read-only inside it */
  void *data;         /* 64-byte aligned */
} tw_storage;

/* A directional derivative carried along with a value; it lives as long as the value does. */
typedef struct tw_dual {
  struct tw_dual *next;
  int level;
  struct tw_tensor *tangent;
} tw_dual;

typedef struct tw_tensor {
  tw_storage *storage;
  char *data;                   /* first element */
  int64_t refs;
  uint64_t serial;              /* unique per tensor, 0 once released: a handle compares it with its own */
  uint32_t levels;              /* bit per differentiation level this value depends on */
  uint32_t node;                /* index into the tape, 0 when no tape knows it */
  struct tw_dual *dual;         /* tangents, one per forward-mode level that moves this value */
  uint8_t dtype, ndim;
  bool weak;                    /* came from a plain number: takes the dtype of what it meets */
  bool constant;                /* made by stop_gradient: may share storage with a leaf */
  bool buffer;                  /* rides along in trees of parameters: never differentiated, no optimizer's (running averages) */
  int64_t size;                 /* number of elements */
  int64_t shape[TW_MAX_DIM];
  int64_t stride[TW_MAX_DIM];   /* in elements; 0 on a broadcast axis */
} tw_tensor;

/* The context: one per process (or thread). Owns free storage and tensors, the tape and the last error. */
typedef struct tw_ctx tw_ctx;

tw_ctx *tw_ctx_new(void);        /* NULL when out of memory */
void tw_ctx_free(tw_ctx *);      /* every tensor of it becomes invalid */
tw_error *tw_ctx_error(tw_ctx *);
int64_t tw_ctx_live_tensors(const tw_ctx *);
int64_t tw_ctx_live_bytes(const tw_ctx *);
int64_t tw_ctx_peak_bytes(tw_ctx *); /* the most since the last call */

/* new gives ownership of one reference; everything else lends. */
TW_CHECKED tw_status tw_tensor_new(tw_ctx *, tw_dtype, const tw_shape *, tw_tensor **out);    /* uninitialised, contiguous */
TW_CHECKED tw_status tw_tensor_new_scalar(tw_ctx *, tw_dtype, double value, tw_tensor **out); /* 0-d */
TW_CHECKED tw_status tw_tensor_new_view(tw_ctx *, const tw_tensor *of, const tw_shape *, const int64_t *stride, int64_t offset /* elements */,
                                        tw_tensor **out);
static inline tw_tensor *tw_tensor_retain(tw_tensor *t) { t->refs++; return t; }
void tw_tensor_release(tw_ctx *, tw_tensor *); /* NULL is allowed */

static inline tw_shape tw_tensor_shape(const tw_tensor *t) {
  tw_shape s;
  s.n = t->ndim;
  for (int i = 0; i < TW_MAX_DIM; i++) s.d[i] = t->shape[i];
  return s;
}
int64_t tw_shape_size(const tw_shape *);
bool tw_shape_equal(const tw_shape *, const tw_shape *);
bool tw_tensor_is_contiguous(const tw_tensor *);
bool tw_shape_broadcast(const tw_shape *a, const tw_shape *b, tw_shape *out); /* false when the sizes do not fit */
char *tw_tensor_describe(const tw_tensor *, char *buffer, size_t bytes);      /* "f32[32 784]"; returns buffer */

/* Element access for the edges of the system (printing, logging, conversion), never for kernels. flat counts in row-major order. */
double tw_tensor_get(const tw_tensor *, int64_t flat);
int64_t tw_tensor_get_i64(const tw_tensor *, int64_t flat);
void tw_tensor_set(tw_tensor *, int64_t flat, double value);

#endif
