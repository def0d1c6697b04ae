/* The elementwise operations: ops.def expanded into kernels (twice, by dtype), into compositions, and into the operation table.
 * The fused derivative kernels and the composed form agree bit for bit: both round after every + - * /. */
#include "op/op.h"
#include "op/vec.h"

#define T double
#define V vf64
#define M mf64
#define W 4
#define N(name) name##_f64
#include "op/vec_kernels.inc"

#define T float
#define V vf32
#define M mf32
#define W 8
#define N(name) name##_f32
#include "op/vec_kernels.inc"

#define INTEGER1(name, f)                                                     \
  static void i64_##name(int64_t n, char *const *p, const int64_t *s) {       \
    for (int64_t i = 0; i < n; i++) {                                         \
      int64_t x = *(const int64_t *)(const void *)(p[1] + i * s[1]);          \
      *(int64_t *)(void *)(p[0] + i * s[0]) = f;                              \
    }                                                                         \
  }
#define INTEGER2(name, f)                                                                                    \
  static void i64_##name(int64_t n, char *const *p, const int64_t *s) {                                      \
    for (int64_t i = 0; i < n; i++) {                                                                        \
      int64_t a = *(const int64_t *)(const void *)(p[1] + i * s[1]), b = *(const int64_t *)(const void *)(p[2] + i * s[2]); \
      *(int64_t *)(void *)(p[0] + i * s[0]) = f;                                                             \
    }                                                                                                        \
  }
#include "op/ops_i64.def"
#undef INTEGER1
#undef INTEGER2
#define COMPARE(name, f, about)                                                                              \
  static void compare_i64_##name(int64_t n, char *const *p, const int64_t *s) {                              \
    for (int64_t i = 0; i < n; i++) {                                                                        \
      int64_t a = *(const int64_t *)(const void *)(p[1] + i * s[1]), b = *(const int64_t *)(const void *)(p[2] + i * s[2]); \
      p[0][i * s[0]] = f;                                                                                    \
    }                                                                                                        \
  }
#define UNARY(name, f, d, about)
#define BINARY(name, f, da, db, about)
#define PREDICATE(name, f, about)
#include "op/ops.def"
#undef COMPARE
#undef PREDICATE

/* Masks among themselves: a byte each, 0 or 1. */
#define COMPARE(name, f, about)                                                                              \
  static void compare_bool_##name(int64_t n, char *const *p, const int64_t *s) {                             \
    for (int64_t i = 0; i < n; i++) {                                                                        \
      int a = p[1][i * s[1]], b = p[2][i * s[2]];                                                            \
      p[0][i * s[0]] = f;                                                                                    \
    }                                                                                                        \
  }
#define PREDICATE(name, f, about)                                                                            \
  static void test_bool_##name(int64_t n, char *const *p, const int64_t *s) {                                \
    for (int64_t i = 0; i < n; i++) {                                                                        \
      int x = p[1][i * s[1]];                                                                                \
      p[0][i * s[0]] = f;                                                                                    \
    }                                                                                                        \
  }
#include "op/ops.def"
#undef UNARY
#undef BINARY
#undef COMPARE
#undef PREDICATE

/* The composed form of the derivatives: the same text as calls. */
#define ADD(p, q) tw_do2(k_, &tw_op_add, NULL, p, q)
#define SUB(p, q) tw_do2(k_, &tw_op_sub, NULL, p, q)
#define MUL(p, q) tw_do2(k_, &tw_op_mul, NULL, p, q)
#define DIV(p, q) tw_do2(k_, &tw_op_div, NULL, p, q)
#define NEG(p) tw_do1(k_, &tw_op_neg, NULL, p)
#define C(c) tw_do_constant(k_, c, t)
#define R1(row, p) tw_do1(k_, &tw_op_##row, NULL, p)
#define R2(row, p, q) tw_do2(k_, &tw_op_##row, NULL, p, q)
#define POS(c, p, q) tw_do3(k_, &tw_op_where, NULL, tw_do2(k_, &tw_op_gt, NULL, c, C(0)), p, q)
#define ZERO(c, p, q) tw_do3(k_, &tw_op_where, NULL, tw_do2(k_, &tw_op_eq, NULL, c, C(0)), p, q)
#define UNARY(name, f, d, about)                                                                                   \
  static tw_tensor *compose_##name(tw_compose *k_, int which, tw_tensor *t, tw_tensor *x, tw_tensor *b, tw_tensor *y) { \
    (void)k_; (void)which; (void)x; (void)b; (void)y;                                                              \
    return d;                                                                                                      \
  }
#define BINARY(name, f, da, db, about)                                                                             \
  static tw_tensor *compose_##name(tw_compose *k_, int which, tw_tensor *t, tw_tensor *a, tw_tensor *b, tw_tensor *y) { \
    (void)k_; (void)a; (void)b; (void)y;                                                                           \
    return which == 0 ? (da) : (db);                                                                               \
  }
#define COMPARE(name, f, about)
#define PREDICATE(name, f, about)
#include "op/ops.def"
#undef UNARY
#undef BINARY
#undef ADD
#undef SUB
#undef MUL
#undef DIV
#undef NEG
#undef C
#undef R1
#undef R2
#undef POS
#undef ZERO

/* Rows with an integer kernel. */
static const struct { const tw_op *op; tw_loop loop; } integer_loops[] = {
#define INTEGER1(name, f) {&tw_op_##name, i64_##name},
#define INTEGER2(name, f) {&tw_op_##name, i64_##name},
#include "op/ops_i64.def"
#undef INTEGER1
#undef INTEGER2
};

tw_loop tw__integer_loop(const tw_op *op) {
  if (op->row->forward_i64) return op->row->forward_i64;
  for (size_t i = 0; i < sizeof integer_loops / sizeof *integer_loops; i++) {
    if (integer_loops[i].op == op) return integer_loops[i].loop;
  }
  return NULL;
}

tw_loop tw__row_loop(const tw_op *op, tw_dtype d) {
  return d == TW_F64 ? op->row->forward[0] : d == TW_F32 ? op->row->forward[1] : d == TW_BOOL ? op->row->forward_bool : tw__integer_loop(op);
}

static tw_status run_row(tw_ctx *ctx, const tw_call *c) {
  (void)ctx;
  tw_tensor *operands[6];
  operands[0] = c->out[0];
  for (int i = 0; i < c->n_in; i++) operands[i + 1] = c->in[i];
  tw_shape shape = tw_tensor_shape(c->out[0]);
  tw_iter it;
  tw_iter_init(&it, &shape, c->n_in + 1, operands);
  tw_iter_run(&it, tw__row_loop(c->op, (tw_dtype)c->in[0]->dtype));
  return TW_OK;
}

/* t times the derivative by input k, fused where nobody differentiates it again; the result has y's shape. */
static tw_tensor *times_derivative(tw_compose *list, const tw_call *c, int k, tw_tensor *t, bool compose) {
  const tw_row *row = c->op->row;
  tw_tensor *y = c->out[0], *a = c->in[0], *b = c->n_in == 2 ? c->in[1] : NULL;
  if (compose || row->derivative_calls[k] <= 1) return row->compose(list, k, t, a, b, y);
  if (c->n_in == 1) return tw_do3(list, row->derivative[0], NULL, t, a, y);
  return tw_do4(list, row->derivative[k], NULL, t, a, b, y);
}

static bool recorded_anew(tw_ctx *ctx, const tw_call *c, tw_tensor *t) {
  tw_tensor *saved[4] = {t, c->out[0], c->in[0], c->in[c->n_in - 1]};
  return tw_would_record(ctx, saved, 4);
}

static tw_status vjp_row(tw_ctx *ctx, const tw_call *c, tw_tensor *const *cotangent, tw_tensor **grad, const bool *wanted) {
  bool compose = recorded_anew(ctx, c, cotangent[0]);
  for (int k = 0; k < c->n_in; k++) {
    if (!wanted[k]) continue;
    tw_compose list = {.ctx = ctx};
    tw_tensor *g = times_derivative(&list, c, k, cotangent[0], compose);
    tw_shape_attrs own = {.shape = tw_tensor_shape(c->in[k])};
    tw_shape whole = tw_tensor_shape(c->out[0]);
    if (g && !tw_shape_equal(&own.shape, &whole)) g = tw_do1(&list, &tw_op_sum_to, &own, g);
    tw_status s = tw_compose_end(&list, g, &grad[k]);
    if (s != TW_OK) return s;
  }
  return TW_OK;
}

static tw_status jvp_row(tw_ctx *ctx, const tw_call *c, tw_tensor *const *tangent, tw_tensor **out) {
  tw_compose list = {.ctx = ctx};
  tw_tensor *sum = NULL;
  tw_shape_attrs whole = {.shape = tw_tensor_shape(c->out[0])};
  for (int k = 0; k < c->n_in; k++) {
    if (!tangent[k]) continue;
    tw_tensor *t = tangent[k];
    tw_shape own = tw_tensor_shape(t);
    if (!tw_shape_equal(&own, &whole.shape)) t = tw_do1(&list, &tw_op_expand, &whole, t);
    if (!t) break;
    tw_tensor *d = times_derivative(&list, c, k, t, recorded_anew(ctx, c, t));
    sum = sum ? tw_do2(&list, &tw_op_add, NULL, sum, d) : d;
  }
  return tw_compose_end(&list, sum, &out[0]);
}

static tw_status infer_bool(tw_ctx *ctx, const tw_call *c, tw_meta *out) {
  tw_status s = tw_infer_elementwise(ctx, c, out);
  out->dtype = TW_BOOL;
  return s;
}

/* Number of calls in the composed derivative: where it is at most one, fusing gains nothing. */
#define ADD(p, q) (1 + (p) + (q))
#define SUB(p, q) (1 + (p) + (q))
#define MUL(p, q) (1 + (p) + (q))
#define DIV(p, q) (1 + (p) + (q))
#define NEG(p) (1 + (p))
#define C(c) 0
#define R1(row, p) (1 + (p))
#define R2(row, p, q) (1 + (p) + (q))
#define POS(c, p, q) (2 + (c) + (p) + (q))
#define ZERO(c, p, q) (2 + (c) + (p) + (q))

enum { t = 0, x = 0, y = 0, a = 0, b = 0 }; /* the operands cost nothing */
#define UNARY(id, f, d, about_)                                                                                     \
  static const tw_row times_row_##id = {.forward = {times_##id##_f64, times_##id##_f32}};                       \
  static const tw_op times_op_##id = {.name = #id "'", .about = "t times the derivative of " #id, .n_in = 3, .n_out = 1, \
    .infer = tw_infer_elementwise, .run = run_row, .flags = TW_OP_STRIDED | TW_OP_NO_GRAD | TW_OP_ALIAS, .row = &times_row_##id};   \
  enum { calls_##id = (d) };
#define BINARY(id, f, da, db, about_)                                                                               \
  static const tw_row times_a_row_##id = {.forward = {times_a_##id##_f64, times_a_##id##_f32}};                 \
  static const tw_row times_b_row_##id = {.forward = {times_b_##id##_f64, times_b_##id##_f32}};                 \
  static const tw_op times_a_op_##id = {.name = #id "'a", .about = "t times d" #id "/da", .n_in = 4, .n_out = 1, \
    .infer = tw_infer_elementwise, .run = run_row, .flags = TW_OP_STRIDED | TW_OP_NO_GRAD | TW_OP_ALIAS, .row = &times_a_row_##id}; \
  static const tw_op times_b_op_##id = {.name = #id "'b", .about = "t times d" #id "/db", .n_in = 4, .n_out = 1, \
    .infer = tw_infer_elementwise, .run = run_row, .flags = TW_OP_STRIDED | TW_OP_NO_GRAD | TW_OP_ALIAS, .row = &times_b_row_##id}; \
  enum { calls_a_##id = (da), calls_b_##id = (db) };
#include "op/ops.def"
#undef UNARY
#undef BINARY
#undef COMPARE
#undef PREDICATE
#undef ADD
#undef SUB
#undef MUL
#undef DIV
#undef NEG
#undef C
#undef R1
#undef R2
#undef POS
#undef ZERO

#define UNARY(name_, f, d, about_)                                                                                    \
  static tw_row row_##name_ = {.forward = {forward_##name_##_f64, forward_##name_##_f32}, .derivative = {&times_op_##name_}, \
    .derivative_calls = {calls_##name_}, .compose = compose_##name_};                                                 \
  const tw_op tw_op_##name_ = {.name = #name_, .about = about_, .n_in = 1, .n_out = 1, .flags = TW_OP_STRIDED | TW_OP_PROMOTE | TW_OP_ALIAS | TW_OP_STEADY, \
    .infer = tw_infer_elementwise, .run = run_row, .vjp = vjp_row, .jvp = jvp_row, .row = &row_##name_};
#define BINARY(name_, f, da, db, about_)                                                                              \
  static tw_row row_##name_ = {.forward = {forward_##name_##_f64, forward_##name_##_f32},                             \
    .derivative = {&times_a_op_##name_, &times_b_op_##name_}, .derivative_calls = {calls_a_##name_, calls_b_##name_}, \
    .compose = compose_##name_};                                                                                      \
  const tw_op tw_op_##name_ = {.name = #name_, .about = about_, .n_in = 2, .n_out = 1, .flags = TW_OP_STRIDED | TW_OP_PROMOTE | TW_OP_ALIAS | TW_OP_STEADY, \
    .infer = tw_infer_elementwise, .run = run_row, .vjp = vjp_row, .jvp = jvp_row, .row = &row_##name_};
#define COMPARE(name_, f, about_)                                                                                     \
  static const tw_row row_##name_ = {.forward = {compare_##name_##_f64, compare_##name_##_f32}, \
    .forward_i64 = compare_i64_##name_, .forward_bool = compare_bool_##name_}; \
  const tw_op tw_op_##name_ = {.name = #name_, .about = about_, .n_in = 2, .n_out = 1, .flags = TW_OP_STRIDED | TW_OP_PROMOTE | TW_OP_NO_GRAD, \
    .infer = infer_bool, .run = run_row, .row = &row_##name_};
#define PREDICATE(name_, f, about_)                                                                                        \
  static const tw_row row_##name_ = {.forward = {test_##name_##_f64, test_##name_##_f32}, .forward_bool = test_bool_##name_}; \
  const tw_op tw_op_##name_ = {.name = #name_, .about = about_, .n_in = 1, .n_out = 1, .flags = TW_OP_STRIDED | TW_OP_PROMOTE | TW_OP_NO_GRAD, \
    .infer = infer_bool, .run = run_row, .row = &row_##name_};
#include "op/ops.def"
