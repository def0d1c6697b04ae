/* Reductions. There is one order of adding, whatever the layout: the logical row-major sequence of the reduced axes, in blocks of 128;
 * in a block eight partial sums, element i going to the (i mod 8)-th, joined as ((0+1)+(2+3))+((4+5)+(6+7)); blocks joined pairwise
 * (the left subtree is the largest power of two). Sums are in the tensor's dtype. */
#include <string.h>

#include "op/op.h"
#include "tensor/ctx.h"

enum { BLOCK = 128, LANES = 8, WIDTH = 16, DEPTH = 64, PAGE = 4096 };

typedef double wide_f64 __attribute__((vector_size(32)));
typedef double narrow_f64 __attribute__((vector_size(16)));
typedef float wide_f32 __attribute__((vector_size(32)));
typedef float narrow_f32 __attribute__((vector_size(16)));
typedef uint64_t wide_i64 __attribute__((vector_size(32)));
typedef uint64_t narrow_i64 __attribute__((vector_size(16)));

#define WIDE N(wide)
#define NARROW N(narrow)
#define T double
#define SINGLE double
#define N(name) name##_f64
#include "op/reduce_kernels.inc"
#define T float
#define SINGLE float
#define N(name) name##_f32
#include "op/reduce_kernels.inc"
#define T int64_t
#define SINGLE uint64_t
#define N(name) name##_i64
#define TW_INTEGER 1
#include "op/reduce_kernels.inc"
#undef TW_INTEGER
#undef WIDE
#undef NARROW

double tw_sum_f64(const double *x, int64_t n, int64_t stride) {
  double y;
  tree_f64(&y, (const char *)x, 1, 0, 1, &n, &(int64_t){stride * (int64_t)sizeof *x}, SUM);
  return y;
}

float tw_sum_f32(const float *x, int64_t n, int64_t stride) {
  float y;
  tree_f32(&y, (const char *)x, 1, 0, 1, &n, &(int64_t){stride * (int64_t)sizeof *x}, SUM);
  return y;
}

/* The axes of x, kept and reduced ones, merged where strides allow. Strides in bytes. */
enum { AXES = TW_MAX_DIM + TW_MAX_LANES };
typedef struct {
  int n;
  int64_t size[AXES], stride[AXES], to[AXES]; /* to: the result's stride, of kept axes */
} axes;

static void add_axis(axes *a, int64_t size, int64_t stride, int64_t to) {
  if (size == 1) return;
  if (a->n && a->stride[a->n - 1] == stride * size && a->to[a->n - 1] == to * size) {
    a->size[a->n - 1] *= size;
    a->stride[a->n - 1] = stride;
    a->to[a->n - 1] = to;
    return;
  }
  a->size[a->n] = size;
  a->stride[a->n] = stride;
  a->to[a->n++] = to;
}

static void add_lanes(axes *kept, const tw_tensor *x, const tw_tensor *y, int64_t item) {
  for (int h = 0; h < TW_MAX_LANES; h++) {
    if (y->lanes >> h & 1) add_axis(kept, y->lane_size[h], x->lanes >> h & 1 ? x->lane_stride[h] * item : 0, y->lane_stride[h] * item);
  }
}

typedef void (*tree_function)(void *y, const char *x, int64_t width, int64_t width_stride, int n, const int64_t *size, const int64_t *stride, int kind);

/* Results that do not lie side by side come by way of a buffer. */
static void spread_out(char *to, int64_t stride, const char *from, int64_t n, int64_t item) {
  for (int64_t i = 0; i < n; i++) memcpy(to + i * stride, from + i * item, (size_t)item);
}

static void reduce_row(tree_function tree, char *q, int64_t to, const char *p, int64_t width, int64_t width_stride, const axes *gone, int64_t item, int kind) {
  if (to == item || width == 1) {
    tree(q, p, width, width_stride, gone->n, gone->size, gone->stride, kind);
    return;
  }
  union {
    double f64[8 * WIDTH];
    float f32[8 * WIDTH];
    int64_t i64[8 * WIDTH];
  } buffer;
  for (int64_t i = 0; i < width; i += 8 * WIDTH) {
    int64_t some = width - i < 8 * WIDTH ? width - i : 8 * WIDTH;
    tree(&buffer, p + i * width_stride, some, width_stride, gone->n, gone->size, gone->stride, kind);
    spread_out(q + i * to, to, (const char *)&buffer, some, item);
  }
}

/* Kept axes are walked in order, hidden ones as further kept axes: inside the others where x has its lanes fastest. The inner one is reduced side by side. */
static void run_tree(const tw_tensor *x, uint32_t reduced, tw_tensor *y, int kind) {
  static const tree_function trees[] = {tree_f64, tree_f32, tree_i64};
  int64_t item = (int64_t)tw_dtype_size((tw_dtype)x->dtype), to[TW_MAX_DIM] = {0}, place = item, step;
  axes kept, gone;
  kept.n = gone.n = 0;
  if (y->lanes && tw_tensor_is_even(y, &step)) place = step * item;
  if (y->size == 0) return;
  for (int i = x->ndim - 1; i >= 0; i--) { /* y is dense, or evenly spaced among its lanes */
    if (reduced >> i & 1) continue;
    to[i] = place;
    place *= x->shape[i];
  }
  bool inside = y->lanes && tw_lanes_are_fastest(x);
  if (y->lanes && !inside) add_lanes(&kept, x, y, item);
  for (int i = 0; i < x->ndim; i++) {
    if (reduced >> i & 1) add_axis(&gone, x->shape[i], x->stride[i] * item, 0);
    else add_axis(&kept, x->shape[i], x->stride[i] * item, to[i]);
  }
  if (inside) add_lanes(&kept, x, y, item);
  if (gone.n == 0) gone = (axes){.n = 1, .size = {1}};
  int inner = kept.n - 1;
  int64_t width = kept.n ? kept.size[inner] : 1, width_stride = kept.n ? kept.stride[inner] : 0, side = kept.n ? kept.to[inner] : item;
  int64_t at[AXES] = {0};
  const char *p = x->data;
  char *q = y->data;
  for (;;) {
    reduce_row(trees[x->dtype], q, side, p, width, width_stride, &gone, item, kind);
    int axis = inner - 1;
    for (; axis >= 0; axis--) {
      p += kept.stride[axis];
      q += kept.to[axis];
      if (++at[axis] < kept.size[axis]) break;
      p -= kept.stride[axis] * kept.size[axis];
      q -= kept.to[axis] * kept.size[axis];
      at[axis] = 0;
    }
    if (axis < 0) return;
  }
}

void tw_sum_columns(tw_dtype d, void *y, const void *x, int64_t rows, int64_t columns) {
  int64_t item = (int64_t)tw_dtype_size(d), stride = columns * item;
  (d == TW_F64 ? tree_f64 : tree_f32)(y, x, columns, item, 1, &rows, &stride, SUM);
}

static tw_status infer_reduce(tw_ctx *ctx, const tw_call *c, tw_meta *out) {
  const tw_reduce_attrs *a = c->attrs;
  const tw_tensor *x = c->in[0];
  bool empty = false;
  out[0] = (tw_meta){.dtype = (tw_dtype)x->dtype};
  for (int i = 0; i < x->ndim; i++) {
    if (!(a->axes >> i & 1)) out[0].shape.d[out[0].shape.n++] = x->shape[i];
    else if (a->keepdim) out[0].shape.d[out[0].shape.n++] = 1;
    empty = empty || (a->axes >> i & 1 && x->shape[i] == 0);
  }
  if (x->dtype == TW_BOOL) return tw_fail_shapes(ctx, c, "a bool tensor has no such reduction; count with x:to(\"i64\"):sum()");
  if (empty && (c->op == &tw_op_max || c->op == &tw_op_min)) return tw_fail_shapes(ctx, c, "nothing to choose from along an axis of size 0");
  return TW_OK;
}

static tw_status run_sum(tw_ctx *ctx, const tw_call *c) {
  (void)ctx;
  run_tree(c->in[0], ((const tw_reduce_attrs *)c->attrs)->axes, c->out[0], SUM);
  return TW_OK;
}

static tw_status run_prod(tw_ctx *ctx, const tw_call *c) {
  (void)ctx;
  run_tree(c->in[0], ((const tw_reduce_attrs *)c->attrs)->axes, c->out[0], PROD);
  return TW_OK;
}

static tw_status run_max(tw_ctx *ctx, const tw_call *c) {
  (void)ctx;
  run_tree(c->in[0], ((const tw_reduce_attrs *)c->attrs)->axes, c->out[0], MAX);
  return TW_OK;
}

static tw_status run_min(tw_ctx *ctx, const tw_call *c) {
  (void)ctx;
  run_tree(c->in[0], ((const tw_reduce_attrs *)c->attrs)->axes, c->out[0], MIN);
  return TW_OK;
}

/* The shape with the reduced axes kept as 1: broadcasts against the input. */
static tw_shape_attrs kept_shape(const tw_tensor *x, uint32_t reduced) {
  tw_shape_attrs a = {.shape = tw_tensor_shape(x)};
  for (int i = 0; i < x->ndim; i++) {
    if (reduced >> i & 1) a.shape.d[i] = 1;
  }
  return a;
}

static tw_tensor *spread(tw_compose *k, tw_tensor *t, const tw_tensor *x, uint32_t reduced) {
  tw_shape_attrs kept = kept_shape(x, reduced);
  return tw_do1(k, &tw_op_reshape, &kept, t);
}

static tw_status vjp_sum(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **grad, const bool *wanted) {
  (void)wanted;
  tw_compose k = {.ctx = ctx};
  tw_shape_attrs whole = {.shape = tw_tensor_shape(c->in[0])};
  tw_tensor *g = tw_do1(&k, &tw_op_expand, &whole, spread(&k, t[0], c->in[0], ((const tw_reduce_attrs *)c->attrs)->axes));
  return tw_compose_end(&k, g, &grad[0]);
}

/* d prod / dx_i = product of the others, which stays right where an element is 0: prod(x with x_i replaced by 1) is what y / x_i means. */
static tw_status vjp_prod(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **grad, const bool *wanted) {
  (void)wanted;
  uint32_t axes_ = ((const tw_reduce_attrs *)c->attrs)->axes;
  tw_tensor *x = c->in[0];
  tw_compose k = {.ctx = ctx};
  tw_reduce_attrs all = {.axes = axes_, .keepdim = true};
  tw_tensor *one = tw_do_constant(&k, 1, x), *zero = tw_do_constant(&k, 0, x);
  tw_tensor *is_zero = tw_do2(&k, &tw_op_eq, NULL, x, zero);
  tw_tensor *filled = tw_do3(&k, &tw_op_where, NULL, is_zero, one, x);         /* zeros taken out */
  tw_tensor *rest = tw_do1(&k, &tw_op_prod, &all, filled);
  tw_cast_attrs real = {.dtype = (tw_dtype)x->dtype};
  tw_tensor *count = tw_do1(&k, &tw_op_sum, &all, tw_do1(&k, &tw_op_cast, &real, is_zero));
  tw_tensor *others = tw_do2(&k, &tw_op_div, NULL, rest, filled);              /* product of all but this, zeros taken out */
  tw_tensor *none = tw_do2(&k, &tw_op_eq, NULL, count, zero), *single = tw_do2(&k, &tw_op_eq, NULL, count, one);
  tw_tensor *if_single = tw_do3(&k, &tw_op_where, NULL, is_zero, others, zero); /* one zero: only its own derivative is not 0 */
  tw_tensor *d = tw_do3(&k, &tw_op_where, NULL, none, others, tw_do3(&k, &tw_op_where, NULL, single, if_single, zero));
  return tw_compose_end(&k, tw_do2(&k, &tw_op_mul, NULL, spread(&k, t[0], x, axes_), d), &grad[0]);
}

/* max and min: the gradient is shared equally among ties. */
static tw_status vjp_extreme(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **grad, const bool *wanted) {
  (void)wanted;
  uint32_t axes_ = ((const tw_reduce_attrs *)c->attrs)->axes;
  tw_tensor *x = c->in[0];
  tw_compose k = {.ctx = ctx};
  tw_reduce_attrs all = {.axes = axes_, .keepdim = true};
  tw_cast_attrs real = {.dtype = (tw_dtype)x->dtype};
  tw_tensor *hit = tw_do1(&k, &tw_op_cast, &real, tw_do2(&k, &tw_op_eq, NULL, x, spread(&k, c->out[0], x, axes_)));
  tw_tensor *share = tw_do2(&k, &tw_op_div, NULL, spread(&k, t[0], x, axes_), tw_do1(&k, &tw_op_sum, &all, hit));
  return tw_compose_end(&k, tw_do2(&k, &tw_op_mul, NULL, share, hit), &grad[0]);
}

/* The product's and the extremes' tangents: the same weights as in the adjoint, summed. */
static tw_status jvp_weighted(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **out) {
  tw_compose k = {.ctx = ctx};
  tw_tensor *weights = NULL, *one = NULL;
  const bool wanted = true;
  tw_shape shape = tw_tensor_shape(c->out[0]);
  one = tw_do_ones(&k, c->out[0], &shape);
  if (!one) return tw_compose_end(&k, one, out);
  tw_status s = c->op->vjp(ctx, c, &one, &weights, &wanted);
  tw_tensor *sum = s == TW_OK ? tw_do1(&k, &tw_op_sum, c->attrs, tw_do2(&k, &tw_op_mul, NULL, weights, t[0])) : NULL;
  tw_tensor_release(ctx, weights);
  if (s != TW_OK) k.status = s;
  return tw_compose_end(&k, sum, out);
}

#define REDUCTION(name_, vjp_, about_, flags_, jvp_)                                                                              \
  const tw_op tw_op_##name_ = {.name = #name_, .about = about_, .n_in = 1, .n_out = 1, .attrs_bytes = sizeof(tw_reduce_attrs), \
                               .infer = infer_reduce, .run = run_##name_, .flags = TW_OP_STEADY | flags_, .vjp = vjp_, .jvp = jvp_};
REDUCTION(sum, vjp_sum, "the sum over axes", TW_OP_LINEAR | TW_OP_STRIDED, NULL)
REDUCTION(prod, vjp_prod, "the product over axes", TW_OP_STRIDED, jvp_weighted)
REDUCTION(max, vjp_extreme, "the largest element over axes; ties share the gradient; NaN wins", TW_OP_STRIDED, jvp_weighted)
REDUCTION(min, vjp_extreme, "the smallest element over axes; ties share the gradient; NaN wins", TW_OP_STRIDED, jvp_weighted)

/* sum_to: what broadcasting repeated is added up again. */

static tw_status infer_sum_to(tw_ctx *ctx, const tw_call *c, tw_meta *out) {
  (void)ctx;
  out[0] = (tw_meta){.dtype = (tw_dtype)c->in[0]->dtype, .shape = ((const tw_shape_attrs *)c->attrs)->shape};
  return TW_OK;
}

static tw_status run_sum_to(tw_ctx *ctx, const tw_call *c) {
  (void)ctx;
  const tw_shape *to = &((const tw_shape_attrs *)c->attrs)->shape;
  const tw_tensor *x = c->in[0];
  uint32_t reduced = 0;
  for (int i = 0; i < x->ndim; i++) {
    int own = i - (x->ndim - to->n);
    if (own < 0 || to->d[own] != x->shape[i]) reduced |= 1u << i;
  }
  run_tree(x, reduced, c->out[0], SUM);
  return TW_OK;
}

static tw_status vjp_sum_to(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **grad, const bool *wanted) {
  (void)wanted;
  tw_shape_attrs whole = {.shape = tw_tensor_shape(c->in[0])};
  tw_compose k = {.ctx = ctx};
  return tw_compose_end(&k, tw_do1(&k, &tw_op_expand, &whole, t[0]), &grad[0]);
}

const tw_op tw_op_sum_to = {.name = "sum_to", .about = "sums over broadcast axes back to a shape", .n_in = 1, .n_out = 1,
                            .flags = TW_OP_STEADY | TW_OP_LINEAR | TW_OP_STRIDED,
                            .attrs_bytes = sizeof(tw_shape_attrs), .infer = infer_sum_to, .run = run_sum_to, .vjp = vjp_sum_to};

/* argmax, argmin: the first place of the extreme value along one axis, 1-based; NaN counts as extreme. */

static tw_status infer_arg(tw_ctx *ctx, const tw_call *c, tw_meta *out) {
  const tw_axis_attrs *a = c->attrs;
  const tw_tensor *x = c->in[0];
  out[0] = (tw_meta){.dtype = TW_I64};
  for (int i = 0; i < x->ndim; i++) {
    if (i != a->axis) out[0].shape.d[out[0].shape.n++] = x->shape[i];
    else if (a->keepdim) out[0].shape.d[out[0].shape.n++] = 1;
  }
  if (x->dtype == TW_BOOL || x->shape[a->axis] == 0) return tw_fail_shapes(ctx, c, "needs numbers, and at least one along the axis");
  return TW_OK;
}

static tw_status run_arg(tw_ctx *ctx, const tw_call *c) {
  (void)ctx;
  const tw_tensor *x = c->in[0];
  int axis = ((const tw_axis_attrs *)c->attrs)->axis;
  bool largest = c->op == &tw_op_argmax;
  int64_t item = (int64_t)tw_dtype_size((tw_dtype)x->dtype), n = x->shape[axis], step = x->stride[axis] * item;
  int64_t at[TW_MAX_DIM] = {0}, *y = (int64_t *)(void *)c->out[0]->data;
  const char *p = x->data;
  for (int64_t k = 0; k < c->out[0]->size; k++) {
    if (x->dtype == TW_F64) y[k] = arg_f64(p, n, step, largest);
    else if (x->dtype == TW_F32) y[k] = arg_f32(p, n, step, largest);
    else y[k] = arg_i64(p, n, step, largest);
    for (int i = x->ndim - 1; i >= 0; i--) {
      if (i == axis) continue;
      p += x->stride[i] * item;
      if (++at[i] < x->shape[i]) break;
      p -= x->stride[i] * item * x->shape[i];
      at[i] = 0;
    }
  }
  return TW_OK;
}

const tw_op tw_op_argmax = {.name = "argmax", .about = "the 1-based place of the largest element along an axis", .n_in = 1, .n_out = 1,
                            .flags = TW_OP_NO_GRAD, .attrs_bytes = sizeof(tw_axis_attrs), .infer = infer_arg, .run = run_arg};
const tw_op tw_op_argmin = {.name = "argmin", .about = "the 1-based place of the smallest element along an axis", .n_in = 1, .n_out = 1,
                            .flags = TW_OP_NO_GRAD, .attrs_bytes = sizeof(tw_axis_attrs), .infer = infer_arg, .run = run_arg};
