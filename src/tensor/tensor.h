/* Tensors: a dtype, a shape and strides over refcounted storage. This layer knows memory and views; it knows no operation. */
#ifndef TW_TENSOR_TENSOR_H
#define TW_TENSOR_TENSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

#define TW_MAX_DIM 8
#define TW_MAX_LANES 4

typedef enum { TW_F64, TW_F32, TW_I64, TW_BOOL } tw_dtype;
enum { TW_N_DTYPES = 4 };

static inline bool tw_is_real(tw_dtype d) { return d == TW_F64 || d == TW_F32; }
const char *tw_dtype_name(tw_dtype d);              /* "f64" "f32" "i64" "bool" */
size_t tw_dtype_size(tw_dtype d);                   /* bytes of one element; bool is one byte, 0 or 1 */
bool tw_dtype_parse(const char *name, tw_dtype *out);

typedef struct {
  int n;                   /* number of axes */
  int rest;                /* 0: in a shape every byte is somebody's, so that attributes can be compared whole */
  int64_t d[TW_MAX_DIM];   /* sizes, outermost first; 0 behind the last */
} tw_shape;

/* Hidden axes. A tensor may differ along hidden axes: axis 0 is the runs computed together, further ones belong to tw.vmap inside one another. Bit h of
 * `lanes` says that it does along axis h; without it the tensor is the same in all lanes. shape, ndim, stride and size are those of one lane, and element e
 * of lane (i0, i1, ...) lies at stride . e + sum over h of lane_stride[h] i_h. No operation knows of them: the strided iterator and tw_apply walk them.
 *   - Storage made with lanes remembers them, the elements of one lane and their step: in fresh storage small tensors have the lanes fastest (step = number
 *     of lanes), larger ones lie lane by lane (step = 1). Bits never depend on it.
 *   - Sizes stand in the tensor, because a tape outlives the hidden axes of a tw.vmap that has returned.
 *   - Promotion (tw_tensor_promote) gives storage further lanes and re-points every tensor that shares it; compaction (tw_lanes_compact) moves lanes within
 *     their storage and shortens axis 0, strides stay. Neither happens while a derivative with respect to the storage is being taken. */
typedef struct {
  uint8_t mask;                    /* bit per hidden axis */
  int64_t size[TW_MAX_LANES];      /* where the bit is set */
} tw_lanes;

typedef struct tw_storage {
  int64_t refs;
  size_t bytes;       /* capacity: a size class */
  uint32_t version;   /* bumped by every write in place; a tape that saved an older one refuses to go on */
  uint32_t leaf;      /* bit per differentiation level whose leaf lives here */
  bool outside;       /* made before the run began: read-only inside it */
  uint8_t lanes;      /* bit per hidden axis it was made with */
  bool moved;         /* a mark of the compaction */
  int64_t elements;   /* of one lane */
  int64_t step;       /* from one element of a lane to the next, in elements */
  void *data;         /* 64-byte aligned */
} tw_storage;

/* A directional derivative carried along with a value; it lives as long as the value does. */
typedef struct tw_dual {
  struct tw_dual *next;
  int level;
  uint32_t version;   /* of the value's storage when the tangent was computed */
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
  bool ones;                    /* every element is 1: where a backward pass begins, and what shows that */
  uint8_t lanes;                /* bit per hidden axis along which it differs */
  uint8_t label;                /* 0, or which parameter of the runs computed together it is: the binding's list of names */
  bool stale;                   /* its hidden axis has been closed: only a tape may still use it */
  bool buffer;                  /* rides along in trees of parameters: never differentiated, no optimizer's (running averages) */
  int64_t size;                 /* number of elements */
  int64_t shape[TW_MAX_DIM];
  int64_t stride[TW_MAX_DIM];   /* in elements; 0 on a broadcast axis */
  int64_t lane_size[TW_MAX_LANES], lane_stride[TW_MAX_LANES]; /* where the bit of `lanes` is set; strides in elements */
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
TW_CHECKED tw_status tw_tensor_unshare(tw_ctx *, tw_tensor *); /* gives it storage of its own with the same elements, contiguous */
/* Hidden axes. */
TW_CHECKED tw_status tw_tensor_new_laned(tw_ctx *, tw_dtype, const tw_shape *, const tw_lanes *, tw_tensor **out); /* as fresh storage has it */
TW_CHECKED tw_status tw_tensor_new_packed(tw_ctx *, tw_dtype, const tw_shape *, const tw_lanes *, tw_tensor **out); /* lane by lane, whatever the size */
TW_CHECKED tw_status tw_tensor_new_fastest(tw_ctx *, tw_dtype, const tw_shape *, const tw_lanes *, tw_tensor **out); /* lanes innermost, whatever the size */
/* 0-d, weak (it is a number), different along one hidden axis: as many values as the axis has lanes. */
TW_CHECKED tw_status tw_tensor_new_lanes(tw_ctx *, tw_dtype, int axis, const double *values, tw_tensor **out);
TW_CHECKED tw_status tw_tensor_promote(tw_ctx *, tw_tensor *, const tw_lanes *); /* gives its storage the lanes it lacks, each a copy */
TW_CHECKED tw_status tw_lanes_open(tw_ctx *, int64_t width, int axis);           /* 0 for the runs, else tw_lanes_free */
int tw_lanes_innermost(const tw_ctx *);                                          /* the last one opened, -1 without */
int tw_lanes_free(const tw_ctx *, uint8_t others);  /* the next one inside that none of `others` is; TW_MAX_LANES: none is left */
void tw_lanes_close(tw_ctx *, int axis);                                         /* and those inside it; what still differs along it cannot be used */
TW_CHECKED tw_status tw_lanes_compact(tw_ctx *, int64_t n, const int64_t *kept); /* of axis 0 only the kept lanes (0-based, ascending) stay */
int64_t tw_lane_count(const tw_tensor *);                                        /* 1 without hidden axes */
tw_tensor tw_tensor_lane(const tw_tensor *, int64_t lane);                       /* one lane alone, as a value to look at: it owns nothing */
bool tw_lanes_join(tw_lanes *, const tw_tensor *);                               /* adds the tensor's; false when sizes differ */
bool tw_tensor_is_even(const tw_tensor *, int64_t *step);                        /* its elements follow in row-major order at one distance */

static inline tw_tensor *tw_tensor_retain(tw_tensor *t) { t->refs++; return t; }
void tw_tensor_release(tw_ctx *, tw_tensor *); /* NULL is allowed */

static inline tw_shape tw_tensor_shape(const tw_tensor *t) {
  tw_shape s = {.n = t->ndim};
  for (int i = 0; i < TW_MAX_DIM; i++) s.d[i] = i < t->ndim ? t->shape[i] : 0;
  return s;
}
static inline bool tw_tensor_same_shape(const tw_tensor *a, const tw_tensor *b) {
  bool same = a->ndim == b->ndim;
  for (int i = 0; i < a->ndim && same; i++) same = a->shape[i] == b->shape[i];
  return same;
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
