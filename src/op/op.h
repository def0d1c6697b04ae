/* The keystone: every piece of tensor arithmetic is a tw_call given to tw_apply. What an operation is, and how to compose several. */
#ifndef TW_OP_OP_H
#define TW_OP_OP_H

#include "tensor/iter.h"
#include "tensor/tensor.h"

typedef struct tw_op tw_op;

/* in: lent. out[i] NULL: allocated, owned by the caller; not NULL: written in place, same shape and dtype required. */
typedef struct tw_call {
  const tw_op *op;
  const void *attrs; /* plain data of op->attrs_bytes, no pointers inside: a tape copies it, and a replay compares it byte by byte */
  tw_tensor *const *in;
  tw_tensor **out;
  int n_in, n_out;
} tw_call;

/* Infers shapes and dtypes, allocates, runs the kernel and, when a transform is active, records. */
TW_CHECKED tw_status tw_apply(tw_ctx *, const tw_call *);

typedef struct {
  tw_dtype dtype;
  tw_shape shape;
} tw_meta;

enum {
  TW_OP_VIEW = 1,     /* run() makes out[0] itself, sharing storage where it can */
  TW_OP_PROMOTE = 2,  /* inputs are brought to one dtype first: numbers follow tensors, i64 follows real */
  TW_OP_NO_GRAD = 4,  /* results never depend differentiably on inputs */
  TW_OP_LINEAR = 16,  /* linear in in[0]; the other inputs are indices: the tangent is the operation applied to the tangent */
  TW_OP_STRIDED = 32, /* run() follows hidden axes by itself: the strided iterator, sums, products, rows of softmax, copies; others run once per lane */
  TW_OP_STEADY = 64,  /* it and its adjoint make calls that depend on shapes and dtypes alone, never on values: they can be replayed */
  TW_OP_ALIAS = 8     /* out[i] may be the very tensor in[i] (same elements at the same places) */
};

/* A row of ops.def, once per dtype: forward(out, in...) and multiply-by-derivative kernels d[k](out, t, in..., y). */
typedef struct tw_compose tw_compose;
typedef struct tw_row {
  tw_loop forward[2];                     /* f64, f32 */
  tw_loop forward_i64;                    /* comparisons; arithmetic rows: ops_i64.def */
  tw_loop forward_bool;                   /* comparisons and predicates of masks alone */
  const tw_op *derivative[2];             /* per input: the fused kernel as an operation */
  int derivative_calls[2];                /* number of operations in the composed form */
  tw_tensor *(*compose)(tw_compose *, int k, tw_tensor *t, tw_tensor *a, tw_tensor *b, tw_tensor *y);
} tw_row;

struct tw_op {
  const char *name;
  const char *about;
  int n_in, n_out;
  int flags;
  size_t attrs_bytes;
  tw_status (*infer)(tw_ctx *, const tw_call *, tw_meta *out);
  tw_status (*run)(tw_ctx *, const tw_call *);
  /* Cotangents of the outputs (NULL = zero) to those of the inputs: grad[i] is new, or stays NULL for "none". Only where wanted[i]. */
  tw_status (*vjp)(tw_ctx *, const tw_call *, tw_tensor *const *cotangent, tw_tensor **grad, const bool *wanted);
  /* Tangents of the inputs (NULL = zero) to those of the outputs: out[i] is new, or stays NULL for zero. An operation with TW_OP_LINEAR needs none. */
  tw_status (*jvp)(tw_ctx *, const tw_call *, tw_tensor *const *tangent, tw_tensor **out);
  const tw_row *row;
};

/* Composition: calls in sequence, temporaries owned by the list. After a failure every further call returns NULL. */
enum { TW_COMPOSE_MAX = 40 };
struct tw_compose {
  tw_ctx *ctx;
  tw_status status;
  int n;
  tw_tensor *temps[TW_COMPOSE_MAX];
};
tw_tensor *tw_do1(tw_compose *, const tw_op *, const void *attrs, tw_tensor *a);
tw_tensor *tw_do2(tw_compose *, const tw_op *, const void *attrs, tw_tensor *a, tw_tensor *b);
tw_tensor *tw_do3(tw_compose *, const tw_op *, const void *attrs, tw_tensor *a, tw_tensor *b, tw_tensor *c);
tw_tensor *tw_do4(tw_compose *, const tw_op *, const void *attrs, tw_tensor *a, tw_tensor *b, tw_tensor *c, tw_tensor *d);
tw_tensor *tw_do_zeros(tw_compose *, const tw_tensor *like);                          /* like's shape and dtype */
tw_tensor *tw_do_ones(tw_compose *, const tw_tensor *like, const tw_shape *shape);    /* like's dtype */
tw_tensor *tw_do_constant(tw_compose *, double value, const tw_tensor *like); /* 0-d, like's dtype */
TW_CHECKED tw_status tw_compose_end(tw_compose *, tw_tensor *result, tw_tensor **out); /* out: a new reference */

/* True when a call with these inputs would be recorded: then derivatives are written as compositions, so that they can be differentiated. */
bool tw_would_record(const tw_ctx *, tw_tensor *const *in, int n);

void tw__zero(tw_tensor *); /* all elements in all lanes */
void tw__count(tw_ctx *, const tw_call *); /* adds a call that has been run to ctx->counted */
void tw__copy_into(tw_tensor *to, tw_tensor *from); /* kernel-level copy with conversion; from broadcasts to to */
TW_CHECKED tw_status tw__run(tw_ctx *, const tw_call *); /* the kernel alone, in every lane: results are there, nothing is recorded */
tw_loop tw__row_loop(const tw_op *, tw_dtype); /* an elementwise row's kernel */
tw_loop tw__integer_loop(const tw_op *); /* an elementwise row's kernel for i64, NULL where integers make no sense */

/* Shared shape rules. */
TW_CHECKED tw_status tw_infer_elementwise(tw_ctx *, const tw_call *, tw_meta *out);
TW_CHECKED tw_status tw_fail_shapes(tw_ctx *, const tw_call *, const char *what);

/* The elementwise rows, one operation each: tw_op_exp, tw_op_add, ... */
#define UNARY(name, ...) extern const tw_op tw_op_##name;
#define BINARY(name, ...) extern const tw_op tw_op_##name;
#define COMPARE(name, ...) extern const tw_op tw_op_##name;
#define PREDICATE(name, ...) extern const tw_op tw_op_##name;
#include "op/ops.def"
#undef UNARY
#undef BINARY
#undef COMPARE
#undef PREDICATE

/* Every operation, for the binding, the tests and the reference page; ends with NULL. */
extern const tw_op *const tw_all_ops[];
const tw_op *tw_op_find(const char *name);

/* Structured operations and their attributes. Axes are 0-based here; the binding translates. rest: 0, where bytes between members would be nobody's. */
typedef struct { tw_dtype dtype; } tw_cast_attrs;
typedef struct { tw_shape shape; } tw_shape_attrs;
typedef struct { int n; int axis[TW_MAX_DIM]; } tw_permute_attrs;
typedef struct { int n, rest; int64_t start[TW_MAX_DIM], step[TW_MAX_DIM], size[TW_MAX_DIM]; } tw_slice_attrs;
typedef struct { tw_shape shape; tw_slice_attrs slice; } tw_embed_attrs;
typedef struct { uint32_t axes; bool keepdim, rest[3]; } tw_reduce_attrs; /* bit per axis */
typedef struct { int axis; bool keepdim, rest[3]; } tw_axis_attrs;
typedef struct { int axis, rest; int64_t size; } tw_index_add_attrs;
typedef struct { int h, axis; int64_t size; } tw_lanes_attrs;
typedef enum { TW_IDENTITY, TW_RELU, TW_TANH, TW_SIGMOID, TW_N_ACTIVATIONS } tw_activation; /* whose derivatives their results tell */
typedef struct { tw_activation then; } tw_linear_attrs;

extern const tw_op tw_op_where;        /* (bool c, a, b) -> a where c, else b */
extern const tw_op tw_op_cast;         /* copy, converting; cast attrs */
extern const tw_op tw_op_alias;        /* the same values behind a fresh tensor */
extern const tw_op tw_op_reshape;      /* shape attrs, no -1 left */
extern const tw_op tw_op_permute;      /* permute attrs */
extern const tw_op tw_op_expand;       /* shape attrs: broadcast view */
extern const tw_op tw_op_lanes_in;     /* lanes attrs: an axis becomes the hidden axis h */
extern const tw_op tw_op_lanes_out;    /* lanes attrs: the hidden axis h becomes an axis; its adjoint is lanes_in, and the other way round */
extern const tw_op tw_op_sum_to;       /* shape attrs: adjoint of expand */
extern const tw_op tw_op_slice;        /* slice attrs: start, step, size on every axis */
extern const tw_op tw_op_embed;        /* embed attrs: adjoint of slice, zeros elsewhere */
extern const tw_op tw_op_sum, tw_op_prod, tw_op_max, tw_op_min; /* reduce attrs */
extern const tw_op tw_op_argmax, tw_op_argmin;                  /* axis attrs -> i64, 1-based */
extern const tw_op tw_op_matmul;       /* [... M K] x [... K N] */
extern const tw_op tw_op_linear;       /* (x, w [K N], bias [N]) linear attrs */
extern const tw_op tw_op_log_softmax;  /* axis attrs */
extern const tw_op tw_op_index_select; /* (x, i64 index 1-based) axis attrs */
extern const tw_op tw_op_index_add;    /* (g, index): adjoint of index_select; index_add attrs */
extern const tw_op tw_op_pick;         /* (x[... K], i64 index[...]) -> x[..., index] */
extern const tw_op tw_op_unpick;       /* (g[...], index[...]): adjoint of pick; index_add attrs (size = K) */
extern const tw_op tw_op_cat;          /* (a, b) axis attrs */

/* Compositions that stand for one thing in the field's language. All differentiable because they are made of calls. out: new. */
TW_CHECKED tw_status tw_mean(tw_ctx *, tw_tensor *x, uint32_t axes, bool keepdim, tw_tensor **out);
TW_CHECKED tw_status tw_var(tw_ctx *, tw_tensor *x, uint32_t axes, bool keepdim, int64_t correction, tw_tensor **out);
TW_CHECKED tw_status tw_logsumexp(tw_ctx *, tw_tensor *x, uint32_t axes, bool keepdim, tw_tensor **out);
TW_CHECKED tw_status tw_matmul(tw_ctx *, tw_tensor *a, tw_tensor *b, tw_tensor **out);                   /* vectors too */
/* then(x w + b); b may be NULL, `then` an elementwise operation of one operand or NULL */
TW_CHECKED tw_status tw_linear(tw_ctx *, tw_tensor *x, tw_tensor *w, tw_tensor *b, const tw_op *then, tw_tensor **out);
const tw_op *tw_activation_op(tw_activation); /* NULL: the identity */
TW_CHECKED tw_status tw_contiguous(tw_ctx *, tw_tensor *x, tw_tensor **out);                             /* x itself where it is already */

/* One number computed by the kernel of a row: the same bits as in any tensor. */
double tw_scalar1(const tw_op *row, double x);
double tw_scalar2(const tw_op *row, double a, double b);

/* The one summation tree (design: blocks of 128, eight partial sums, blocks pairwise), over n numbers stride apart (in elements). */
double tw_sum_f64(const double *x, int64_t n, int64_t stride);
float tw_sum_f32(const float *x, int64_t n, int64_t stride);
void tw_sum_columns(tw_dtype, void *y, const void *x, int64_t rows, int64_t columns); /* each column of a dense matrix of reals */

#endif
