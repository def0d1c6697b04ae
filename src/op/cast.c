/* Copying with conversion of the dtype, and choosing between two tensors by a mask. */
#include <string.h>

#include "op/op.h"
#include "tensor/ctx.h"

#define EACH_DTYPE(X) X(f64, double) X(f32, float) X(i64, int64_t) X(mask, uint8_t)

/* Real to i64: NaN and what does not fit become 0, so that the result is defined on every machine. */
static inline int64_t integer_of(double x) { return x >= -9.2e18 && x <= 9.2e18 ? (int64_t)x : 0; }
static inline double to_f64_f64(double x) { return x; }
static inline float to_f64_f32(double x) { return (float)x; }
static inline int64_t to_f64_i64(double x) { return integer_of(x); }
static inline uint8_t to_f64_mask(double x) { return x != 0; }
static inline double to_f32_f64(float x) { return (double)x; }
static inline float to_f32_f32(float x) { return x; }
static inline int64_t to_f32_i64(float x) { return integer_of((double)x); }
static inline uint8_t to_f32_mask(float x) { return x != 0; }
static inline double to_i64_f64(int64_t x) { return (double)x; }
static inline float to_i64_f32(int64_t x) { return (float)x; }
static inline int64_t to_i64_i64(int64_t x) { return x; }
static inline uint8_t to_i64_mask(int64_t x) { return x != 0; }
static inline double to_mask_f64(uint8_t x) { return x; }
static inline float to_mask_f32(uint8_t x) { return x; }
static inline int64_t to_mask_i64(uint8_t x) { return x; }
static inline uint8_t to_mask_mask(uint8_t x) { return x; }

#define LOOP(from, F, to, D)                                                                                          \
  static void cast_##from##_##to(int64_t n, char *const *p, const int64_t *s) {                                       \
    if (s[0] == (int64_t)sizeof(D) && s[1] == (int64_t)sizeof(F)) {                                                   \
      D *y = (D *)(void *)p[0];                                                                                       \
      const F *x = (const F *)(const void *)p[1];                                                                     \
      for (int64_t i = 0; i < n; i++) y[i] = to_##from##_##to(x[i]);                                                  \
      return;                                                                                                         \
    }                                                                                                                 \
    for (int64_t i = 0; i < n; i++) *(D *)(void *)(p[0] + i * s[0]) = to_##from##_##to(*(const F *)(const void *)(p[1] + i * s[1])); \
  }
#define FROM(from, F) LOOP(from, F, f64, double) LOOP(from, F, f32, float) LOOP(from, F, i64, int64_t) LOOP(from, F, mask, uint8_t)
EACH_DTYPE(FROM)

static const tw_loop loops[TW_N_DTYPES][TW_N_DTYPES] = {
#define ROW(from, F) {cast_##from##_f64, cast_##from##_f32, cast_##from##_i64, cast_##from##_mask},
  EACH_DTYPE(ROW)
};

void tw__zero(tw_tensor *t) {
  if (!t->lanes && tw_tensor_is_contiguous(t)) {
    memset(t->data, 0, (size_t)t->size * tw_dtype_size((tw_dtype)t->dtype));
    return;
  }
  int64_t nothing = 0;
  tw_tensor zero = {.data = (char *)&nothing, .dtype = t->dtype, .size = 1};
  tw__copy_into(t, &zero);
}

void tw__copy_into(tw_tensor *to, tw_tensor *from) {
  tw_shape shape = tw_tensor_shape(to);
  tw_tensor *operands[2] = {to, from};
  tw_iter it;
  tw_iter_init(&it, &shape, 2, operands);
  tw_iter_run(&it, loops[from->dtype][to->dtype]);
}

static tw_status infer_cast(tw_ctx *ctx, const tw_call *c, tw_meta *out) {
  out[0] = (tw_meta){.dtype = ((const tw_cast_attrs *)c->attrs)->dtype, .shape = tw_tensor_shape(c->in[0])};
  if (!c->out[0]) return TW_OK;
  tw_shape to = tw_tensor_shape(c->out[0]), both; /* written in place: the source may broadcast */
  if (!tw_shape_broadcast(&to, &out[0].shape, &both) || !tw_shape_equal(&to, &both)) {
    char has[128], wants[128];
    return tw_fail(&ctx->error, TW_EINVAL, "assign: %s does not broadcast to %s", tw_tensor_describe(c->in[0], has, sizeof has),
                   tw_tensor_describe(c->out[0], wants, sizeof wants));
  }
  out[0].shape = to;
  return TW_OK;
}

static tw_status run_cast(tw_ctx *ctx, const tw_call *c) {
  (void)ctx;
  tw__copy_into(c->out[0], c->in[0]);
  return TW_OK;
}

static tw_status vjp_cast(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **grad, const bool *wanted) {
  (void)wanted;
  if (!tw_is_real((tw_dtype)c->in[0]->dtype) || !tw_is_real((tw_dtype)c->out[0]->dtype)) return TW_OK;
  tw_cast_attrs back = {.dtype = (tw_dtype)c->in[0]->dtype};
  tw_compose k = {.ctx = ctx};
  return tw_compose_end(&k, tw_do1(&k, &tw_op_cast, &back, t[0]), &grad[0]);
}

static tw_status jvp_cast(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **out) {
  if (!tw_is_real((tw_dtype)c->in[0]->dtype) || !tw_is_real((tw_dtype)c->out[0]->dtype)) return TW_OK;
  tw_compose k = {.ctx = ctx};
  return tw_compose_end(&k, tw_do1(&k, &tw_op_cast, c->attrs, t[0]), &out[0]);
}

const tw_op tw_op_cast = {.name = "cast", .about = "a copy, converted to a dtype", .n_in = 1, .n_out = 1, .flags = TW_OP_STEADY | TW_OP_ALIAS | TW_OP_STRIDED,
                          .attrs_bytes = sizeof(tw_cast_attrs), .infer = infer_cast, .run = run_cast, .vjp = vjp_cast, .jvp = jvp_cast};

/* where: the mask decides, element by element. */

#define CHOOSE(name, D)                                                                                              \
  static void where_##name(int64_t n, char *const *p, const int64_t *s) {                                            \
    for (int64_t i = 0; i < n; i++) {                                                                                \
      const char *from = p[1][i * s[1]] ? p[2] + i * s[2] : p[3] + i * s[3];                                         \
      *(D *)(void *)(p[0] + i * s[0]) = *(const D *)(const void *)from;                                              \
    }                                                                                                                \
  }
EACH_DTYPE(CHOOSE)
static const tw_loop where_loops[TW_N_DTYPES] = {where_f64, where_f32, where_i64, where_mask};

static tw_status infer_where(tw_ctx *ctx, const tw_call *c, tw_meta *out) {
  if (c->in[0]->dtype != TW_BOOL) return tw_fail_shapes(ctx, c, "the first argument must be a bool mask, as from x:gt(0)");
  if (c->in[1]->dtype != c->in[2]->dtype) return tw_fail_shapes(ctx, c, "the two choices differ in dtype; convert one with :to()");
  tw_status s = tw_infer_elementwise(ctx, c, out);
  out[0].dtype = (tw_dtype)c->in[1]->dtype;
  return s;
}

static tw_status run_where(tw_ctx *ctx, const tw_call *c) {
  (void)ctx;
  tw_tensor *operands[4] = {c->out[0], c->in[0], c->in[1], c->in[2]};
  tw_shape shape = tw_tensor_shape(c->out[0]);
  tw_iter it;
  tw_iter_init(&it, &shape, 4, operands);
  tw_iter_run(&it, where_loops[c->out[0]->dtype]);
  return TW_OK;
}

static tw_status vjp_where(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **grad, const bool *wanted) {
  for (int i = 1; i <= 2; i++) {
    if (!wanted[i]) continue;
    tw_compose k = {.ctx = ctx};
    tw_tensor *zero = tw_do_constant(&k, 0, t[0]);
    tw_tensor *g = tw_do3(&k, &tw_op_where, NULL, c->in[0], i == 1 ? t[0] : zero, i == 1 ? zero : t[0]);
    tw_shape_attrs own = {.shape = tw_tensor_shape(c->in[i])};
    tw_shape whole = tw_tensor_shape(c->out[0]);
    if (g && !tw_shape_equal(&own.shape, &whole)) g = tw_do1(&k, &tw_op_sum_to, &own, g);
    tw_status s = tw_compose_end(&k, g, &grad[i]);
    if (s != TW_OK) return s;
  }
  return TW_OK;
}

static tw_status jvp_where(tw_ctx *ctx, const tw_call *c, tw_tensor *const *t, tw_tensor **out) {
  tw_compose k = {.ctx = ctx};
  tw_tensor *a = t[1] ? t[1] : tw_do_zeros(&k, c->in[1]), *b = t[2] ? t[2] : tw_do_zeros(&k, c->in[2]);
  return tw_compose_end(&k, tw_do3(&k, &tw_op_where, NULL, c->in[0], a, b), &out[0]);
}

const tw_op tw_op_where = {.name = "where", .about = "a where the mask is true, else b", .n_in = 3, .n_out = 1,
                           .flags = TW_OP_STEADY | TW_OP_STRIDED, .infer = infer_where, .run = run_where, .vjp = vjp_where, .jvp = jvp_where};
