/* A lane is a run: every operation computes in each lane what it computes alone, bit for bit, in value, cotangents and tangents, whichever of its operands
 * differ between lanes, in both layouts and at every width. Then what is peculiar to hidden axes: promotion, compaction, sums over the lanes of an inner
 * axis. An operation of the table without a case here fails. */
#include <stdlib.h>

#include "base/alloc.h"
#include "grad/grad.h"
#include "op/draw.h"
#include "op/linalg.h"
#include "op/nn.h"
#include "op/select.h"
#include "tensors.h"

/* What an operand holds. REAL in (0.1, 0.9); MATRIX: symmetric and well conditioned; INDEX: 1..top. */
typedef enum { REAL, MATRIX, INDEX, MASK, GENERATOR, WEIGHTS } content;
typedef struct {
  content what;
  tw_shape shape;
  int64_t top;
} operand;

enum { MAX_IN = 4, MAX_OUT = 4, MAX_RESULTS = MAX_IN + 2 * MAX_OUT };
typedef struct {
  const tw_op *op;
  const void *attrs;
  operand in[MAX_IN];
  int n_in; /* 0: the operation's */
  tw_status (*f)(tw_ctx *, tw_tensor *const *in, tw_tensor **out); /* instead of one call */
  int n_out;
  _Alignas(16) char copied[512];
} subject;

#define S(...) ((tw_shape){.n = sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t), .d = {__VA_ARGS__}})
#define R(...) {.what = REAL, .shape = {.n = sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t), .d = {__VA_ARGS__}}}
#define X(top_, ...) {.what = INDEX, .top = top_, .shape = {.n = sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t), .d = {__VA_ARGS__}}}
#define K(kind, ...) {.what = kind, .shape = {.n = sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t), .d = {__VA_ARGS__}}}
#define A(type, ...) (&(type){__VA_ARGS__})

static tw_status lu_solve(tw_ctx *c, tw_tensor *const *in, tw_tensor **out) {
  tw_tensor *parts[3] = {NULL}, *x[1] = {NULL};
  tw_solve_attrs plain = {.transpose = false}, turned = {.transpose = true};
  tw_call solve = {.op = &tw_op_solve, .attrs = &plain, .in = in, .out = parts, .n_in = 2, .n_out = 3};
  tw_status s = tw_apply(c, &solve);
  if (s != TW_OK) return s;
  tw_tensor *again[3] = {parts[1], parts[2], in[1]};
  tw_call back = {.op = &tw_op_lu_solve, .attrs = &turned, .in = again, .out = x, .n_in = 3, .n_out = 1};
  s = tw_apply(c, &back);
  for (int i = 0; i < 3; i++) tw_tensor_release(c, parts[i]);
  out[0] = x[0];
  return s;
}
static tw_status pinv(tw_ctx *c, tw_tensor *const *in, tw_tensor **out) { return tw_pinv(c, in[0], -1, out); }
static tw_status lstsq(tw_ctx *c, tw_tensor *const *in, tw_tensor **out) { return tw_lstsq(c, in[0], in[1], -1, out); }
static tw_status einsum(tw_ctx *c, tw_tensor *const *in, tw_tensor **out) { return tw_einsum(c, "ijk,kl,j->li", 3, in, out); }
static tw_status variance(tw_ctx *c, tw_tensor *const *in, tw_tensor **out) { return tw_var(c, in[0], 2, false, 1, out); }
static tw_status logsumexp(tw_ctx *c, tw_tensor *const *in, tw_tensor **out) { return tw_logsumexp(c, in[0], 1, false, out); }
static tw_status sorted(tw_ctx *c, tw_tensor *const *in, tw_tensor **out) { return tw_sort(c, in[0], 1, true, &out[0], &out[1]); }
static tw_status linear(tw_ctx *c, tw_tensor *const *in, tw_tensor **out) { return tw_linear(c, in[0], in[1], in[2], &tw_op_silu, out); }
static tw_status dot(tw_ctx *c, tw_tensor *const *in, tw_tensor **out) { return tw_matmul(c, in[0], in[1], out); }
static tw_status there_and_back(tw_ctx *c, tw_tensor *const *in, tw_tensor **out) {
  tw_compose k = {.ctx = c};
  tw_lanes_attrs inwards = {.h = 2, .axis = 1, .size = 3}, outwards = {.h = 2, .axis = 0, .size = 3};
  tw_tensor *x = tw_do1(&k, &tw_op_lanes_in, &inwards, in[0]);
  return tw_compose_end(&k, tw_do1(&k, &tw_op_lanes_out, &outwards, tw_do2(&k, &tw_op_mul, NULL, tw_do1(&k, &tw_op_sin, NULL, x), in[1])), out);
}

#define IMAGE(...) A(tw_window_attrs, .kernel = {2, 2}, .stride = {1, 1}, __VA_ARGS__)
static const tw_slice_attrs every_other = {.n = 2, .start = {2, 0}, .step = {-1, 2}, .size = {3, 2}};
/* The attributes are copied: they live as long as the case does. */
#define ADD(op_, ...)                                                             \
  do {                                                                            \
    s[n] = (subject){.op = (op_), __VA_ARGS__};                                   \
    if (s[n].attrs) memcpy(s[n].copied, s[n].attrs, s[n].op->attrs_bytes);        \
    s[n].attrs = s[n].copied;                                                     \
    n++;                                                                          \
  } while (0)
static int rows(subject *s, int n) {
  for (int i = 0; tw_all_ops[i]; i++) {
    if (!tw_all_ops[i]->row) continue;
    if (tw_all_ops[i]->n_in == 1) {
      ADD(tw_all_ops[i], .in = {R(3)});
      ADD(tw_all_ops[i], .in = {R(3, 5)});
    } else {
      ADD(tw_all_ops[i], .in = {R(2), R(2)});
      ADD(tw_all_ops[i], .in = {R(3, 5), R(5)});
      ADD(tw_all_ops[i], .in = {R(3, 4), {.what = REAL}});
    }
  }
  return n;
}

static int parts_and_sums(subject *s, int n) {
  tw_embed_attrs embed = {.shape = S(3, 4), .slice = every_other};
  ADD(&tw_op_where, .in = {K(MASK, 2, 3), R(2, 3), R(3)});
  ADD(&tw_op_cast, .attrs = A(tw_cast_attrs, TW_F32), .in = {R(3, 4)});
  ADD(&tw_op_cast, .attrs = A(tw_cast_attrs, TW_I64), .in = {R(3)});
  ADD(&tw_op_alias, .in = {R(3, 4)});
  ADD(&tw_op_reshape, .attrs = A(tw_shape_attrs, S(4, 3)), .in = {R(2, 6)});
  ADD(&tw_op_reshape, .attrs = A(tw_shape_attrs, S(6)), .in = {R(2, 3)});
  ADD(&tw_op_permute, .attrs = A(tw_permute_attrs, .n = 3, .axis = {2, 0, 1}), .in = {R(2, 3, 4)});
  ADD(&tw_op_expand, .attrs = A(tw_shape_attrs, S(4, 3, 5)), .in = {R(3, 1)});
  ADD(&tw_op_sum_to, .attrs = A(tw_shape_attrs, S(3, 1)), .in = {R(4, 3, 5)});
  ADD(&tw_op_sum_to, .attrs = A(tw_shape_attrs, S(2)), .in = {R(130, 2)});
  ADD(&tw_op_slice, .attrs = &every_other, .in = {R(3, 4)});
  ADD(&tw_op_embed, .attrs = &embed, .in = {R(3, 2)});
  const tw_op *const reductions[] = {&tw_op_sum, &tw_op_prod, &tw_op_max, &tw_op_min, &tw_op_all, &tw_op_any};
  for (int i = 0; i < 6; i++) {
    ADD(reductions[i], .attrs = A(tw_reduce_attrs, .axes = 1), .in = {R(2)});
    ADD(reductions[i], .attrs = A(tw_reduce_attrs, .axes = 1), .in = {R(3, 20)});
    ADD(reductions[i], .attrs = A(tw_reduce_attrs, .axes = 2, .keepdim = true), .in = {R(2, 3)});
    ADD(reductions[i], .attrs = A(tw_reduce_attrs, .axes = 5), .in = {R(2, 3, 140)});
    ADD(reductions[i], .attrs = A(tw_reduce_attrs, .axes = 1), .in = {R(300)});
  }
  ADD(&tw_op_argmax, .attrs = A(tw_axis_attrs, .axis = 1), .in = {R(3, 4)});
  ADD(&tw_op_argmin, .attrs = A(tw_axis_attrs, .axis = 0), .in = {R(3)});
  ADD(&tw_op_matmul, .in = {R(2, 2), R(2, 2)});
  ADD(&tw_op_matmul, .in = {R(5, 7), R(7, 3)});
  ADD(&tw_op_matmul, .in = {R(2, 3, 2), R(2, 3)});
  static const tw_linear_attrs then[TW_N_ACTIVATIONS] = {{TW_IDENTITY}, {TW_RELU}, {TW_TANH}, {TW_SIGMOID}};
  for (int i = 0; i < TW_N_ACTIVATIONS; i++) {
    ADD(&tw_op_linear, .attrs = &then[i], .in = {R(2, 2), R(2, 2), R(2)});
    ADD(&tw_op_linear, .attrs = &then[i], .in = {R(5, 7), R(7, 3), R(3)});
    ADD(&tw_op_linear, .attrs = &then[i], .in = {R(2, 4, 3), R(3, 33), R(33)});
  }
  ADD(&tw_op_log_softmax, .attrs = A(tw_axis_attrs, .axis = 1), .in = {R(3, 5)});
  ADD(&tw_op_log_softmax, .attrs = A(tw_axis_attrs, .axis = 0), .in = {R(3)});
  ADD(&tw_op_index_select, .attrs = A(tw_axis_attrs, .axis = 1), .in = {R(2, 4), X(4, 3)});
  ADD(&tw_op_index_add, .attrs = A(tw_index_add_attrs, .axis = 0, .size = 4), .in = {R(3, 2), X(4, 3)});
  ADD(&tw_op_pick, .in = {R(3, 4), X(4, 3)});
  ADD(&tw_op_unpick, .attrs = A(tw_index_add_attrs, .axis = 1, .size = 4), .in = {R(3), X(4, 3)});
  ADD(&tw_op_cat, .attrs = A(tw_axis_attrs, .axis = 1), .in = {R(2, 3), R(2, 1)});
  ADD(&tw_op_cat, .attrs = A(tw_axis_attrs, .axis = 0), .in = {R(1), R(1)});
  return n;
}

static int draws(subject *s, int n) {
  tw_draw_attrs real = {.shape = S(3, 5), .dtype = TW_F64, .a = 0.5, .b = 2}, whole = {.shape = S(3, 5), .dtype = TW_I64, .a = 1, .b = 9};
  tw_truncated_attrs truncated = {.shape = S(7), .dtype = TW_F64, .mean = 0, .std = 1, .low = -1, .high = 2};
  tw_dropout_attrs dropout = {.shape = S(9), .dtype = TW_F64, .p = 0.4, .factor = 1.5};
  const tw_op *const plain_draws[] = {&tw_op_normal, &tw_op_uniform, &tw_op_exponential};
  for (int i = 0; i < 3; i++) ADD(plain_draws[i], .attrs = &real, .in = {K(GENERATOR, 2)});
  ADD(&tw_op_truncated_normal, .attrs = &truncated, .in = {K(GENERATOR, 2)});
  ADD(&tw_op_bernoulli, .attrs = &real, .in = {K(GENERATOR, 2), R(3, 1)});
  ADD(&tw_op_bernoulli, .attrs = &real, .in = {K(GENERATOR, 2), {.what = REAL}});
  ADD(&tw_op_randint, .attrs = &whole, .in = {K(GENERATOR, 2)});
  ADD(&tw_op_permutation, .attrs = A(tw_draw_attrs, .shape = S(7), .dtype = TW_I64), .in = {K(GENERATOR, 2)});
  ADD(&tw_op_choice, .attrs = A(tw_choice_attrs, .shape = S(4), .n = 9), .in = {K(GENERATOR, 2)});
  ADD(&tw_op_weighted_choice, .attrs = A(tw_choice_attrs, .shape = S(3), .n = 5), .in = {K(GENERATOR, 2), K(WEIGHTS, 5)});
  ADD(&tw_op_multinomial, .attrs = A(tw_choice_attrs, .shape = S(2), .n = 6, .replace = true), .in = {K(GENERATOR, 2), K(WEIGHTS, 4)});
  ADD(&tw_op_dropout_factor, .attrs = &dropout, .in = {K(GENERATOR, 2)});
  return n;
}

static int structured(subject *s, int n) {
  tw_diagonal_embed_attrs spread = {.shape = S(3, 4), .diagonal = {.a = 0, .b = 1, .offset = 1}};
  ADD(&tw_op_solve, .attrs = A(tw_solve_attrs, .transpose = false), .in = {K(MATRIX, 3, 3), R(3, 2)});
  ADD(&tw_op_lu_solve, .in = {K(MATRIX, 3, 3), R(3, 2)}, .n_in = 2, .f = lu_solve, .n_out = 1);
  ADD(&tw_op_det, .in = {K(MATRIX, 2, 2)});
  ADD(&tw_op_slogdet, .in = {K(MATRIX, 3, 3)});
  ADD(&tw_op_triangular_solve, .attrs = A(tw_triangular_attrs, .upper = true), .in = {K(MATRIX, 3, 3), R(3, 2)});
  ADD(&tw_op_cholesky, .in = {K(MATRIX, 3, 3)});
  ADD(&tw_op_eigh, .attrs = A(tw_spectral_attrs, true), .in = {K(MATRIX, 3, 3)});
  ADD(&tw_op_svd, .attrs = A(tw_spectral_attrs, true), .in = {K(MATRIX, 4, 2)});
  ADD(&tw_op_qr, .in = {K(MATRIX, 4, 3)});
  ADD(&tw_op_pinv, .in = {K(MATRIX, 4, 2)}, .n_in = 1, .f = pinv, .n_out = 1);
  ADD(&tw_op_lstsq, .in = {K(MATRIX, 4, 2), R(4, 1)}, .n_in = 2, .f = lstsq, .n_out = 4);
  ADD(&tw_op_unfold, .attrs = IMAGE(.padding = {1, 0}), .in = {R(1, 2, 3, 4)});
  ADD(&tw_op_fold, .attrs = IMAGE(.height = 3, .width = 3), .in = {R(1, 2, 2, 2, 2, 2)});
  ADD(&tw_op_conv, .attrs = IMAGE(.padding = {0, 1}), .in = {R(2, 2, 3, 3), R(2, 2, 2, 2)});
  ADD(&tw_op_conv_back, .attrs = IMAGE(.height = 3, .width = 3), .in = {R(1, 2, 2, 2), R(2, 1, 2, 2)});
  ADD(&tw_op_max_pool, .attrs = IMAGE(.padding = {0, 0}), .in = {R(1, 2, 3, 3)});
  ADD(&tw_op_plane_take, .attrs = IMAGE(.height = 3, .width = 3), .in = {R(1, 2, 3, 3), X(9, 1, 2, 2, 2)});
  ADD(&tw_op_plane_add, .attrs = IMAGE(.height = 3, .width = 3), .in = {R(1, 2, 2, 2), X(9, 1, 2, 2, 2)});
  ADD(&tw_op_cross_entropy, .in = {R(4, 3), X(3, 4)});
  ADD(&tw_op_cross_entropy, .in = {R(2, 3), X(3, 2)});
  ADD(&tw_op_normalize, .attrs = A(tw_normalize_attrs, .axes = 2, .eps = 1e-5), .in = {R(3, 6)});
  ADD(&tw_op_argsort, .attrs = A(tw_sort_attrs, .axis = 1), .in = {R(3, 5)});
  ADD(&tw_op_cumsum, .attrs = A(tw_scan_attrs, .axis = 0), .in = {R(3, 2)});
  ADD(&tw_op_cumprod, .attrs = A(tw_scan_attrs, .axis = 1), .in = {R(2, 9)});
  ADD(&tw_op_recurrence, .attrs = A(tw_scan_attrs, .axis = 0), .in = {R(4, 2), R(4, 2)});
  ADD(&tw_op_gather, .attrs = A(tw_scan_attrs, .axis = 1), .in = {R(2, 4), X(4, 2, 3)});
  ADD(&tw_op_scatter_add, .attrs = A(tw_scan_attrs, .axis = 0), .in = {R(4, 2), R(3, 2), X(4, 3, 2)});
  ADD(&tw_op_diagonal, .attrs = A(tw_diagonal_attrs, .a = 0, .b = 1, .offset = 1), .in = {R(3, 4)});
  ADD(&tw_op_diagonal_embed, .attrs = &spread, .in = {R(3)});
  ADD(&tw_op_tril, .attrs = A(tw_triangle_attrs, 0), .in = {R(3, 3)});
  ADD(&tw_op_triu, .attrs = A(tw_triangle_attrs, 1), .in = {R(2, 3)});
  ADD(&tw_op_lanes_in, .in = {R(2, 3), R(2)}, .n_in = 2, .f = there_and_back, .n_out = 1);
  ADD(&tw_op_lanes_out, .in = {R(4, 3, 4), R(4)}, .n_in = 2, .f = there_and_back, .n_out = 1);
  ADD(&tw_op_matmul, .in = {R(2, 2, 3), R(3, 4), R(2)}, .n_in = 3, .f = einsum, .n_out = 1);
  ADD(&tw_op_matmul, .in = {R(4, 3), R(3, 2), R(2)}, .n_in = 3, .f = linear, .n_out = 1);
  ADD(&tw_op_matmul, .in = {R(2), R(2)}, .n_in = 2, .f = dot, .n_out = 1);
  ADD(&tw_op_sum, .in = {R(3, 4)}, .n_in = 1, .f = variance, .n_out = 1);
  ADD(&tw_op_sum, .in = {R(3)}, .n_in = 1, .f = logsumexp, .n_out = 1);
  ADD(&tw_op_gather, .in = {R(2, 4)}, .n_in = 1, .f = sorted, .n_out = 2);
  return n;
}

/* The value of element i of input k in a lane; 0: the value of all lanes. */
static double value(const operand *o, int k, int64_t lane, int64_t i) {
  uint64_t h = (uint64_t)lane * 1000003u + (uint64_t)k * 8191u + (uint64_t)i * 31u + 7;
  h = (h ^ h >> 31) * UINT64_C(0x9e3779b97f4a7c15);
  h = (h ^ h >> 29) * UINT64_C(0xbf58476d1ce4e5b9);
  double u = (double)(h >> 11) * 0x1p-53;
  switch (o->what) {
    case REAL: return 0.1 + 0.8 * u;
    case MATRIX: {
      int64_t cols = o->shape.d[1], row = i / cols, col = i % cols;
      if (row < cols && col < row) return value(o, k, lane, col * cols + row);
      return row == col ? 3 + (double)row + u : 0.5 * u;
    }
    case INDEX: return 1 + (double)(h >> 33 & 0xffff) - (double)((h >> 33 & 0xffff) / (uint64_t)o->top * (uint64_t)o->top);
    case MASK: return u < 0.5;
    case GENERATOR: return i == 0 ? (double)(h >> 20) : (double)(h >> 50);
    case WEIGHTS: return 0.1 + u;
  }
  return 0;
}

static tw_dtype dtype_of(const operand *o, tw_dtype real) {
  return o->what == REAL || o->what == MATRIX || o->what == WEIGHTS ? real : o->what == MASK ? TW_BOOL : TW_I64;
}

static void fill(tw_tensor *t, const operand *o, int k, int64_t lane) {
  for (int64_t i = 0; i < t->size; i++) tw_tensor_set(t, i, value(o, k, lane, i));
}

typedef enum { FRESH, BY_LANE, FASTEST, LAYOUTS } layout;

static tw_tensor *laned(const operand *o, int k, tw_dtype real, layout how, int64_t width) {
  tw_tensor *t, *turned[1] = {NULL};
  tw_lanes l = {.mask = 1, .size = {width}};
  tw_dtype d = dtype_of(o, real);
  if (how == FASTEST) {
    tw_shape shape = o->shape;
    shape.d[shape.n++] = width;
    must(tw_tensor_new(ctx, d, &shape, &t));
    tw_lanes_attrs last = {.h = 0, .axis = shape.n - 1, .size = width};
    tw_call in = {.op = &tw_op_lanes_in, .attrs = &last, .in = &t, .out = turned, .n_in = 1, .n_out = 1};
    must(tw_apply(ctx, &in));
    tw_tensor_release(ctx, t);
    t = turned[0];
  } else if (how == BY_LANE) {
    must(tw_tensor_new_packed(ctx, d, &o->shape, &l, &t));
  } else {
    must(tw_tensor_new_laned(ctx, d, &o->shape, &l, &t));
  }
  for (int64_t lane = 0; lane < width; lane++) {
    tw_tensor one = tw_tensor_lane(t, lane);
    fill(&one, o, k, lane + 1);
  }
  return t;
}

static int inputs_of(const subject *s) { return s->n_in ? s->n_in : s->op->n_in; }
static int outputs_of(const subject *s) { return s->n_out ? s->n_out : s->op->n_out; }

static void compute(const subject *s, tw_tensor *const *in, tw_tensor **out) {
  for (int i = 0; i < outputs_of(s); i++) out[i] = NULL;
  if (s->f) {
    must(s->f(ctx, in, out));
    return;
  }
  tw_call c = {.op = s->op, .attrs = s->attrs, .in = in, .out = out, .n_in = inputs_of(s), .n_out = outputs_of(s)};
  must(tw_apply(ctx, &c));
}

static bool differentiable(const subject *s) { return s->f ? s->f != lu_solve && s->f != lstsq : !(s->op->flags & TW_OP_NO_GRAD); }

static tw_tensor *like(const tw_tensor *x, int k) {
  tw_tensor *t;
  tw_shape shape = tw_tensor_shape(x);
  must(tw_tensor_new(ctx, (tw_dtype)x->dtype, &shape, &t));
  for (int64_t i = 0; i < t->size; i++) tw_tensor_set(t, i, 1 - 0.21 * (double)((i + k) % 5));
  return t;
}

/* The cotangents of the inputs, the results' own being the same in all lanes. Integers have none. */
static void backward(const subject *s, tw_tensor *const *in, tw_tensor **grads) {
  int level, n = 0, n_y = 0;
  tw_tensor *leaf[MAX_IN], *leaves[MAX_IN], *got[MAX_IN], *out[MAX_OUT], *y[MAX_OUT], *t[MAX_OUT];
  must(tw_grad_open(ctx, &level));
  for (int i = 0; i < inputs_of(s); i++) {
    bool real = tw_is_real((tw_dtype)in[i]->dtype);
    if (real) must(tw_grad_leaf(ctx, level, in[i], &leaf[i]));
    else leaf[i] = tw_tensor_retain(in[i]);
    if (real) leaves[n++] = leaf[i];
  }
  compute(s, leaf, out);
  int of_interest = s->op == &tw_op_svd ? 1 : outputs_of(s);
  for (int i = s->op == &tw_op_svd ? 1 : 0; i <= of_interest && i < outputs_of(s); i++) {
    if (!tw_is_real((tw_dtype)out[i]->dtype) || !(out[i]->levels >> level & 1) || (s->op == &tw_op_solve && i) || (s->op == &tw_op_det && i) ||
        (s->op == &tw_op_slogdet && i > 1)) {
      continue;
    }
    y[n_y] = out[i];
    t[n_y++] = like(out[i], i);
  }
  must(tw_grad_backward(ctx, level, n_y, y, t, n, leaves, got));
  tw_grad_close(ctx, level);
  for (int i = 0, k = 0; i < inputs_of(s); i++) {
    if (tw_is_real((tw_dtype)in[i]->dtype)) grads[i] = got[k++];
    tw_tensor_release(ctx, leaf[i]);
  }
  for (int i = 0; i < outputs_of(s); i++) tw_tensor_release(ctx, out[i]);
  for (int i = 0; i < n_y; i++) tw_tensor_release(ctx, t[i]);
}

static void forward(const subject *s, tw_tensor *const *in, tw_tensor **tangents) {
  int level;
  tw_tensor *leaf[MAX_IN], *v[MAX_IN] = {NULL}, *out[MAX_OUT];
  must(tw_grad_open_forward(ctx, &level));
  for (int i = 0; i < inputs_of(s); i++) {
    if (tw_is_real((tw_dtype)in[i]->dtype)) {
      v[i] = like(in[i], i + 3);
      must(tw_grad_dual(ctx, level, in[i], v[i], &leaf[i]));
    } else {
      leaf[i] = tw_tensor_retain(in[i]);
    }
  }
  compute(s, leaf, out);
  for (int i = 0; i < outputs_of(s); i++) {
    if (tw_is_real((tw_dtype)out[i]->dtype)) must(tw_grad_tangent(ctx, level, out[i], &tangents[i]));
  }
  tw_grad_close(ctx, level);
  for (int i = 0; i < inputs_of(s); i++) {
    tw_tensor_release(ctx, leaf[i]);
    tw_tensor_release(ctx, v[i]);
  }
  for (int i = 0; i < outputs_of(s); i++) tw_tensor_release(ctx, out[i]);
}

static void everything(const subject *s, tw_tensor *const *in, tw_tensor **results) {
  for (int i = 0; i < MAX_RESULTS; i++) results[i] = NULL;
  compute(s, in, results);
  if (!differentiable(s)) return;
  backward(s, in, results + MAX_OUT);
  forward(s, in, results + MAX_OUT + MAX_IN);
}

static bool same_bits(const tw_tensor *a, const tw_tensor *b) {
  tw_shape p = tw_tensor_shape(a), q = tw_tensor_shape(b);
  if (!tw_shape_equal(&p, &q) || a->dtype != b->dtype || a->weak != b->weak) return false;
  for (int64_t i = 0; i < a->size; i++) {
    double x = tw_tensor_get(a, i), y = tw_tensor_get(b, i);
    if (memcmp(&x, &y, sizeof x) != 0 && !(x != x && y != y)) return false;
    if (tw_tensor_get_i64(a, i) != tw_tensor_get_i64(b, i)) return false;
  }
  return true;
}

static void release_all(tw_tensor **t, int n) {
  for (int i = 0; i < n; i++) tw_tensor_release(ctx, t[i]);
}

static void check_lanes_of(const subject *s, tw_dtype real, uint32_t subset, layout how, int64_t width) {
  tw_tensor *in[MAX_IN], *results[MAX_RESULTS];
  must(tw_lanes_open(ctx, width, 0));
  for (int k = 0; k < inputs_of(s); k++) {
    if (subset >> k & 1) {
      in[k] = laned(&s->in[k], k, real, how, width);
      continue;
    }
    must(tw_tensor_new(ctx, dtype_of(&s->in[k], real), &s->in[k].shape, &in[k]));
    fill(in[k], &s->in[k], k, 0);
  }
  everything(s, in, results);
  for (int64_t lane = 0; lane < width; lane += lane == 2 && width > 4 ? width - 4 : 1) {
    tw_tensor *alone[MAX_IN], *wanted[MAX_RESULTS];
    for (int k = 0; k < inputs_of(s); k++) {
      must(tw_tensor_new(ctx, dtype_of(&s->in[k], real), &s->in[k].shape, &alone[k]));
      fill(alone[k], &s->in[k], k, subset >> k & 1 ? lane + 1 : 0);
    }
    everything(s, alone, wanted);
    for (int r = 0; r < MAX_RESULTS; r++) {
      if (!results[r] && !wanted[r]) continue;
      tw_tensor one;
      if (results[r]) one = tw_tensor_lane(results[r], results[r]->lanes ? lane : 0);
      if (results[r] && wanted[r] && same_bits(&one, wanted[r])) continue;
      check_fail(__FILE__, __LINE__);
      char p[128], q[128];
      printf("%s %s, laned operands %x, layout %d, width %lld, lane %lld: %s %d differs: %s, alone %s\n", s->op->name, tw_dtype_name(real), subset, (int)how,
             (long long)width, (long long)lane, r < MAX_OUT ? "result" : r < MAX_OUT + MAX_IN ? "cotangent" : "tangent",
             r < MAX_OUT ? r : r < MAX_OUT + MAX_IN ? r - MAX_OUT : r - MAX_OUT - MAX_IN, results[r] ? tw_tensor_describe(&one, p, sizeof p) : "absent",
             wanted[r] ? tw_tensor_describe(wanted[r], q, sizeof q) : "absent");
      for (int64_t i = 0; results[r] && wanted[r] && i < one.size && i < wanted[r]->size && i < 8; i++) {
        printf("  %.17g %.17g\n", tw_tensor_get(&one, i), tw_tensor_get(wanted[r], i));
      }
    }
    release_all(alone, inputs_of(s));
    release_all(wanted, MAX_RESULTS);
  }
  release_all(in, inputs_of(s));
  release_all(results, MAX_RESULTS);
  tw_lanes_close(ctx, 0);
}

static void check_subject(const subject *s) {
  static const int64_t widths[] = {1, 3, 64};
  bool dtypes = false;
  for (int k = 0; k < inputs_of(s); k++) dtypes = dtypes || tw_is_real(dtype_of(&s->in[k], TW_F64));
  for (int d = TW_F64; d <= (dtypes ? TW_F32 : TW_F64); d++) {
    for (uint32_t subset = 1; subset < 1u << inputs_of(s); subset++) {
      for (layout how = 0; how < LAYOUTS; how++) {
        for (int w = 0; w < 3; w++) check_lanes_of(s, (tw_dtype)d, subset, how, widths[w]);
      }
    }
  }
}

/* Hidden axes themselves. */

static tw_tensor *numbers(int64_t n) {
  tw_tensor *t;
  tw_shape shape = {.n = 1, .d = {n}};
  must(tw_tensor_new(ctx, TW_F64, &shape, &t));
  for (int64_t i = 0; i < n; i++) tw_tensor_set(t, i, (double)i + 1);
  return t;
}

static double at(const tw_tensor *t, int64_t lane, int64_t i) {
  tw_tensor one = tw_tensor_lane(t, t->lanes ? lane : 0);
  return tw_tensor_get(&one, i);
}

static tw_status scale_in_place(tw_tensor *x, tw_tensor *by) {
  tw_tensor *in[2] = {x, by}, *out[1] = {x};
  tw_call c = {.op = &tw_op_mul, .in = in, .out = out, .n_in = 2, .n_out = 1};
  return tw_apply(ctx, &c);
}

static tw_tensor *part(tw_tensor *x, int64_t start, int64_t step, int64_t n) {
  tw_compose k = {.ctx = ctx};
  tw_slice_attrs a = {.n = 1, .start = {start}, .step = {step}, .size = {n}};
  tw_tensor *y;
  must(tw_compose_end(&k, tw_do1(&k, &tw_op_slice, &a, x), &y));
  return y;
}

static void check_promotion(int64_t n, int64_t width) {
  double values[64];
  tw_tensor *lr, *x = numbers(n), *odd = part(x, 0, 2, n / 2), *back = part(x, n - 1, -1, n);
  must(tw_lanes_open(ctx, width, 0));
  for (int64_t i = 0; i < width; i++) values[i] = 0.5 + (double)i;
  must(tw_tensor_new_lanes(ctx, TW_F64, 0, values, &lr));
  CHECK(lr->lanes == 1 && lr->weak && lr->ndim == 0);
  must(scale_in_place(odd, lr));
  CHECK(x->lanes == 1 && odd->lanes == 1 && back->lanes == 1 && x->storage == back->storage && x->storage->refs == 3);
  for (int64_t lane = 0; lane < width; lane++) {
    for (int64_t i = 0; i < n; i++) {
      double want = ((double)i + 1) * (i % 2 == 0 && i / 2 < n / 2 ? values[lane] : 1);
      CHECK_NEAR(at(x, lane, i), want, 0);
      CHECK_NEAR(at(back, lane, n - 1 - i), want, 0);
    }
  }
  if (width >= 5) {
    static const int64_t kept[] = {0, 2, 4};
    must(tw_lanes_compact(ctx, 3, kept));
    CHECK_INT(tw_lane_count(x), 3);
    CHECK_INT(tw_lane_count(lr), 3);
    for (int64_t lane = 0; lane < 3; lane++) {
      CHECK_NEAR(at(lr, lane, 0), values[kept[lane]], 0);
      CHECK_NEAR(at(odd, lane, 0), values[kept[lane]], 0);
      CHECK_NEAR(at(back, lane, 0), (double)n * (n == 1 ? values[kept[lane]] : 1), 0);
    }
    must(scale_in_place(x, lr)); /* what is shorter still fits together */
    for (int64_t lane = 0; lane < 3; lane++) CHECK_NEAR(at(x, lane, 0), values[kept[lane]] * values[kept[lane]], 0);
    CHECK(tw_lanes_compact(ctx, 1, &(int64_t){3}) == TW_EINVAL);
  }
  tw_tensor *all[4] = {lr, x, odd, back};
  release_all(all, 4);
  tw_lanes_close(ctx, 0);
}

int main(void) {
  ctx = tw_ctx_new();
  subject *all = calloc(600, sizeof *all);
  if (!all) return 1;
  int n = structured(all, draws(all, parts_and_sums(all, rows(all, 0))));
  TEST("every operation of the table has a case") {
    for (int i = 0; tw_all_ops[i]; i++) {
      bool found = false;
      for (int k = 0; k < n; k++) found = found || all[k].op == tw_all_ops[i];
      if (found) continue;
      check_fail(__FILE__, __LINE__);
      printf("%s has none\n", tw_all_ops[i]->name);
    }
  }
  char sentence[160];
  for (int k = 0; k < n; k++) {
    snprintf(sentence, sizeof sentence, "%s (case %d) computes in each lane what it computes alone", all[k].op->name, k + 1);
    TEST(sentence) check_subject(&all[k]);
  }
  free(all);
  TEST("writing what differs into a tensor gives its storage lanes, under every view of it; compaction keeps the views") {
    check_promotion(2, 1);
    check_promotion(2, 7);
    check_promotion(6, 5);
    check_promotion(40, 3);
    check_promotion(40, 6);
  }
  TEST("a tensor made before a nested hidden axis opened cannot take on its lanes") {
    double values[3] = {1, 2, 3};
    tw_tensor *x = numbers(3), *y;
    must(tw_lanes_open(ctx, 2, 0));
    must(tw_lanes_open(ctx, 3, 1));
    must(tw_tensor_new_lanes(ctx, TW_F64, 1, values, &y));
    CHECK_INT(scale_in_place(x, y), TW_ESTATE);
    CHECK_NEAR(at(x, 0, 2), 3, 0);
    tw_tensor_release(ctx, x);
    x = numbers(3);
    must(scale_in_place(x, y));
    CHECK_NEAR(at(x, 2, 1), 6, 0);
    tw_lanes_close(ctx, 0);
    CHECK(x->stale && y->stale);
    tw_tensor_release(ctx, x);
    tw_tensor_release(ctx, y);
  }
  TEST("nothing is left behind") CHECK_INT(tw_ctx_live_tensors(ctx), 0);
  tw_grad_shutdown(ctx);
  tw_ctx_free(ctx);
  TEST("every allocation was given back") CHECK_INT(tw_alloc_live(), 0);
  return check_close();
}
