/* Draws whose elements are computed alike, without tries: uniform, normal, exponential, uniform integers. Real ones are computed in f64 in both dtypes, CHUNK
 * positions at a time. */
#include "op/draw.h"

#include <string.h>

#include "base/rng.h"
#include "op/vec.h"
#include "tensor/ctx.h"

enum { CHUNK = 256 };

tw_status tw__draw_infer(tw_ctx *ctx, const tw_call *c, tw_dtype dtype, const tw_shape *shape, tw_meta *out) {
  const tw_tensor *g = c->in[0];
  if (g->dtype != TW_I64 || g->ndim != 1 || g->size != 2) return tw_fail_shapes(ctx, c, "the first argument must be a generator");
  out[0] = (tw_meta){.dtype = dtype, .shape = *shape};
  out[1] = (tw_meta){.dtype = TW_I64, .shape = {.n = 1, .d = {2}}};
  return TW_OK;
}

tw_generator tw__draw_begin(const tw_call *c) {
  return (tw_generator){(uint64_t)tw_tensor_get_i64(c->in[0], 0), (uint64_t)tw_tensor_get_i64(c->in[0], 1)};
}

void tw__draw_end(const tw_call *c, tw_generator g, int64_t n) {
  int64_t *state = (int64_t *)(void *)c->out[1]->data;
  state[0] = (int64_t)g.key;
  state[1] = (int64_t)(g.counter + (uint64_t)n);
}

void tw__draw_store(tw_tensor *y, int64_t first, int64_t n, const double *values) {
  bool dense = tw_tensor_is_contiguous(y);
  if (dense && y->dtype == TW_F64) {
    memcpy((double *)(void *)y->data + first, values, (size_t)n * sizeof *values);
  } else if (dense && y->dtype == TW_F32) {
    float *p = (float *)(void *)y->data + first;
    for (int64_t i = 0; i < n; i++) p[i] = (float)values[i];
  } else {
    for (int64_t i = 0; i < n; i++) tw_tensor_set(y, first + i, values[i]);
  }
}

/* tw_rng_unit of four words: 53-bit integers to f64 by way of 2^84 and 2^52, every step exact. */
TW_INLINE vf64 units(const uint64_t *bits) {
  typedef uint64_t words __attribute__((vector_size(32)));
  words x;
  memcpy(&x, bits, sizeof x);
  x >>= 11;
  vf64 high = (vf64)((x >> 32) | 0x4530000000000000u), low = (vf64)((x & 0xffffffffu) | 0x4330000000000000u);
  return ((high - (0x1p84 + 0x1p52)) + low) * 0x1p-53;
}

typedef struct {
  double p, q, top; /* the kernel's numbers */
} numbers;

/* a + (b - a) u, held below b, where rounding may have lifted it. */
static vf64 uniform_of(const numbers *k, vf64 u, vf64 v) {
  (void)v;
  vf64 x = k->p + k->q * u, top = k->top - (vf64){0};
  mf64 below = x < top;
  return (vf64)((below & (mf64)x) | (~below & (mf64)top));
}

/* Box and Muller (1958), the cosine branch: sqrt(-2 log u) cos(2 pi v), u in (0, 1]. */
static vf64 normal_of(const numbers *k, vf64 u, vf64 v) { return k->p + k->q * (sqrt_f64(-2 * log_f64(1 - u)) * cospi_f64(2 * v)); }

/* Inversion: -log(1 - u) / rate. */
static vf64 exponential_of(const numbers *k, vf64 u, vf64 v) {
  (void)v;
  return (0 - log_f64(1 - u)) / k->p;
}

TW_INLINE tw_status run_chunks(const tw_call *c, const numbers *k, bool two, vf64 (*f)(const numbers *, vf64, vf64)) {
  tw_tensor *y = c->out[0];
  tw_generator g = tw__draw_begin(c);
  uint64_t first[CHUNK] = {0}, second[CHUNK] = {0};
  double values[CHUNK];
  for (int64_t i = 0; i < y->size; i += CHUNK) {
    int64_t n = y->size - i < CHUNK ? y->size - i : CHUNK;
    tw_rng_blocks(g.key, g.counter + (uint64_t)i, n, first, two ? second : NULL);
    for (int64_t j = 0; j < n; j += 4) {
      vf64 x = f(k, units(first + j), two ? units(second + j) : (vf64){0});
      memcpy(values + j, &x, sizeof x);
    }
    tw__draw_store(y, i, n, values);
  }
  tw__draw_end(c, g, y->size);
  return TW_OK;
}

/* The largest number of the dtype below x. */
static double below(double x, tw_dtype dtype) {
  if (dtype == TW_F32) {
    float f = (float)x;
    if ((double)f < x) return (double)f;
    if (f == 0) return -0x1p-149;
    int32_t bits;
    memcpy(&bits, &f, sizeof bits);
    bits += f > 0 ? -1 : 1;
    memcpy(&f, &bits, sizeof bits);
    return (double)f;
  }
  if (x == 0) return -0x1p-1074;
  int64_t bits;
  memcpy(&bits, &x, sizeof bits);
  bits += x > 0 ? -1 : 1;
  memcpy(&x, &bits, sizeof bits);
  return x;
}

static tw_status run_uniform(tw_ctx *ctx, const tw_call *c) {
  (void)ctx;
  const tw_draw_attrs *a = c->attrs;
  double top = below(a->b, (tw_dtype)c->out[0]->dtype);
  numbers k = {.p = a->a, .q = a->b - a->a, .top = top >= a->a ? top : a->b};
  return run_chunks(c, &k, false, uniform_of);
}

static tw_status run_normal(tw_ctx *ctx, const tw_call *c) {
  (void)ctx;
  const tw_draw_attrs *a = c->attrs;
  numbers k = {.p = a->a, .q = a->b};
  return run_chunks(c, &k, true, normal_of);
}

static tw_status run_exponential(tw_ctx *ctx, const tw_call *c) {
  (void)ctx;
  numbers k = {.p = ((const tw_draw_attrs *)c->attrs)->a};
  return run_chunks(c, &k, false, exponential_of);
}

static tw_status run_randint(tw_ctx *ctx, const tw_call *c) {
  (void)ctx;
  const tw_draw_attrs *a = c->attrs;
  tw_tensor *y = c->out[0];
  tw_generator g = tw__draw_begin(c);
  uint64_t span = (uint64_t)((int64_t)a->b - (int64_t)a->a) + 1;
  int64_t *p = (int64_t *)(void *)y->data;
  tw_rng_below_each(g.key, g.counter, y->size, span, 0, (uint64_t *)p);
  for (int64_t i = 0; i < y->size; i++) p[i] += (int64_t)a->a;
  tw__draw_end(c, g, y->size);
  return TW_OK;
}

static bool is_finite(double x) { return x - x == 0; }

static tw_status infer_uniform(tw_ctx *ctx, const tw_call *c, tw_meta *out) {
  const tw_draw_attrs *a = c->attrs;
  if (!(a->a <= a->b) || !is_finite(a->b - a->a)) {
    return tw_fail(&ctx->error, TW_EINVAL, "uniform: the ends must be finite and low at most high: low is %g, high is %g", a->a, a->b);
  }
  return tw__draw_infer(ctx, c, a->dtype, &a->shape, out);
}

static tw_status infer_normal(tw_ctx *ctx, const tw_call *c, tw_meta *out) {
  const tw_draw_attrs *a = c->attrs;
  if (!is_finite(a->a) || !(a->b >= 0) || !is_finite(a->b)) {
    return tw_fail(&ctx->error, TW_EINVAL, "normal: mean must be finite, std finite and not negative: mean is %g, std is %g", a->a, a->b);
  }
  return tw__draw_infer(ctx, c, a->dtype, &a->shape, out);
}

static tw_status infer_exponential(tw_ctx *ctx, const tw_call *c, tw_meta *out) {
  const tw_draw_attrs *a = c->attrs;
  if (!(a->a > 0) || !is_finite(a->a)) return tw_fail(&ctx->error, TW_EINVAL, "exponential: the rate must be positive and finite: rate is %g", a->a);
  return tw__draw_infer(ctx, c, a->dtype, &a->shape, out);
}

static tw_status infer_randint(tw_ctx *ctx, const tw_call *c, tw_meta *out) {
  const tw_draw_attrs *a = c->attrs;
  if (!(a->a <= a->b)) return tw_fail(&ctx->error, TW_EINVAL, "randint: high must not be below low: low is %.17g, high is %.17g", a->a, a->b);
  if (a->a < -0x1p53 || a->b > 0x1p53) {
    return tw_fail(&ctx->error, TW_EINVAL, "randint: the ends must lie within +-2^53: low is %.17g, high is %.17g", a->a, a->b);
  }
  return tw__draw_infer(ctx, c, TW_I64, &a->shape, out);
}

#define DRAW(name_, about_)                                                                                               \
  const tw_op tw_op_##name_ = {.name = #name_, .about = about_, .n_in = 1, .n_out = 2, .flags = TW_OP_NO_GRAD | TW_OP_ALIAS, \
                               .attrs_bytes = sizeof(tw_draw_attrs), .infer = infer_##name_, .run = run_##name_};
DRAW(uniform, "uniform with in [a, b)")
DRAW(normal, "normal with with mean a and standard deviation b")
DRAW(exponential, "exponential with with rate a")
DRAW(randint, "uniform integers a..b, both included")

/* Drawing. */

static tw_status draw(tw_ctx *ctx, const tw_op *op, const void *attrs, tw_tensor *state, tw_tensor *with, tw_tensor **out) {
  tw_tensor *in[2] = {state, with};
  tw_call c = {.op = op, .attrs = attrs, .in = in, .out = out, .n_in = with ? 2 : 1, .n_out = 2};
  return tw_apply(ctx, &c);
}

/* The hidden axes of tw.vmap opened after the generator was made, along which it is the same. */
static uint8_t shared_by(const tw_ctx *ctx, const tw_tensor *state) {
  uint8_t axes = 0;
  for (int h = 1; h < TW_MAX_LANES; h++) {
    if (ctx->lanes >> h & 1 && !(state->lanes >> h & 1) && state->serial < ctx->lane_serial[h]) axes |= (uint8_t)(1u << h);
  }
  return axes;
}

/* Inside tw.vmap every slice draws numbers of its own from a generator made outside: slice k from where k draws like this one would have brought it, and the
 * generator goes on from behind the last. */
static tw_status draw_apart(tw_ctx *ctx, const tw_op *op, const void *attrs, tw_tensor *state, tw_tensor *with, tw_tensor **out) {
  uint8_t inner = shared_by(ctx, state);
  tw_lanes all = {.mask = inner};
  tw_shape two = {.n = 1, .d = {2}};
  tw_tensor *probe[2] = {NULL, NULL}, *apart = NULL, *advanced[2] = {NULL, NULL};
  int64_t slices = 1;
  for (int h = 1; h < TW_MAX_LANES; h++) {
    all.size[h] = ctx->lane_size[h];
    if (inner >> h & 1) slices *= all.size[h];
  }
  if (!tw_lanes_join(&all, state)) return tw_fail(&ctx->error, TW_ESTATE, "%s: the with of lanes differ", op->name);
  tw_status s = draw(ctx, op, attrs, state, with, probe); /* how far one draw goes */
  if (s == TW_OK) s = tw_tensor_new_packed(ctx, TW_I64, &two, &all, &apart);
  if (s == TW_OK) {
    tw_tensor one = tw_tensor_lane(state, 0), after = tw_tensor_lane(probe[1], 0);
    int64_t step = tw_tensor_get_i64(&after, 1) - tw_tensor_get_i64(&one, 1), lanes = tw_lane_count(apart);
    tw__copy_into(apart, state);
    for (int64_t lane = 0; lane < lanes; lane++) { /* the inner axes vary fastest */
      tw_tensor here = tw_tensor_lane(apart, lane);
      ((int64_t *)(void *)here.data)[1] += lane % slices * step;
    }
    s = draw(ctx, op, attrs, apart, with, advanced);
    for (int64_t lane = tw_lane_count(state) - 1; lane >= 0 && s == TW_OK; lane--) {
      tw_tensor here = tw_tensor_lane(state, lane);
      ((int64_t *)(void *)here.data)[1] += slices * step;
    }
    state->storage->version++;
  }
  for (int i = 0; i < 2; i++) tw_tensor_release(ctx, probe[i]);
  tw_tensor_release(ctx, apart);
  tw_tensor_release(ctx, advanced[1]);
  out[0] = advanced[0];
  return s;
}

tw_status tw_draw(tw_ctx *ctx, const tw_op *op, const void *attrs, tw_tensor *state, tw_tensor *with, tw_tensor **out) {
  tw_tensor *results[2] = {NULL, state};
  tw_status s = shared_by(ctx, state) ? draw_apart(ctx, op, attrs, state, with, results) : draw(ctx, op, attrs, state, with, results);
  *out = results[0];
  return s;
}
