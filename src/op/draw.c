/* Random draws. The generator is an i64 vector (key, counter), an input like any other; a draw of n elements returns it advanced by n. */
#include <string.h>

#include "base/rng.h"
#include "op/op.h"
#include "op/vec.h"
#include "tensor/ctx.h"

static tw_status infer_draw(tw_ctx *ctx, const tw_call *c, tw_meta *out) {
  const tw_draw_attrs *a = c->attrs;
  const tw_tensor *g = c->in[0];
  if (g->dtype != TW_I64 || g->ndim != 1 || g->size != 2) return tw_fail_shapes(ctx, c, "the first argument must be a generator");
  out[0] = (tw_meta){.dtype = a->dtype, .shape = a->shape};
  out[1] = (tw_meta){.dtype = TW_I64, .shape = {.n = 1, .d = {2}}};
  return TW_OK;
}

typedef struct {
  uint64_t key, counter;
} state;

static state state_of(const tw_tensor *g) { return (state){(uint64_t)tw_tensor_get_i64(g, 0), (uint64_t)tw_tensor_get_i64(g, 1)}; }

static void advance(const tw_call *c, state s, int64_t n) {
  int64_t *g = (int64_t *)(void *)c->out[1]->data;
  g[0] = (int64_t)s.key;
  g[1] = (int64_t)(s.counter + (uint64_t)n);
}

/* a + (b - a) u. */
static tw_status run_uniform(tw_ctx *ctx, const tw_call *c) {
  (void)ctx;
  const tw_draw_attrs *a = c->attrs;
  tw_tensor *y = c->out[0];
  state s = state_of(c->in[0]);
  for (int64_t i = 0; i < y->size; i++) {
    uint64_t bits[2];
    tw_rng_block(s.key, s.counter + (uint64_t)i, 0, bits);
    tw_tensor_set(y, i, a->a + (a->b - a->a) * tw_rng_unit(bits[0]));
  }
  advance(c, s, y->size);
  return TW_OK;
}

/* Box and Muller (1958), the cosine branch: sqrt(-2 log u) cos(2 pi v), u in (0, 1]; mean a, standard deviation b. Computed in f64 in both dtypes. */
static tw_status run_normal(tw_ctx *ctx, const tw_call *c) {
  (void)ctx;
  const tw_draw_attrs *a = c->attrs;
  tw_tensor *y = c->out[0];
  state s = state_of(c->in[0]);
  for (int64_t i = 0; i < y->size; i += 4) {
    vf64 u = {1, 1, 1, 1}, v = {0};
    int64_t n = y->size - i < 4 ? y->size - i : 4;
    for (int64_t j = 0; j < n; j++) {
      uint64_t bits[2];
      tw_rng_block(s.key, s.counter + (uint64_t)(i + j), 0, bits);
      u[j] = 1 - tw_rng_unit(bits[0]);
      v[j] = tw_rng_unit(bits[1]);
    }
    vf64 z = sqrt_f64(-2 * log_f64(u)) * cospi_f64(2 * v);
    for (int64_t j = 0; j < n; j++) tw_tensor_set(y, i + j, a->a + a->b * z[j]);
  }
  advance(c, s, y->size);
  return TW_OK;
}

/* Integers a..b, both included. */
static tw_status run_randint(tw_ctx *ctx, const tw_call *c) {
  (void)ctx;
  const tw_draw_attrs *a = c->attrs;
  tw_tensor *y = c->out[0];
  state s = state_of(c->in[0]);
  uint64_t span = (uint64_t)((int64_t)a->b - (int64_t)a->a) + 1;
  int64_t *p = (int64_t *)(void *)y->data;
  for (int64_t i = 0; i < y->size; i++) p[i] = (int64_t)a->a + (int64_t)tw_rng_below(s.key, s.counter + (uint64_t)i, span);
  advance(c, s, y->size);
  return TW_OK;
}

/* A permutation of 1..n (Fisher and Yates, as by Durstenfeld 1964); place i uses position counter + i. */
static tw_status run_permutation(tw_ctx *ctx, const tw_call *c) {
  (void)ctx;
  tw_tensor *y = c->out[0];
  state s = state_of(c->in[0]);
  int64_t *p = (int64_t *)(void *)y->data, n = y->size;
  for (int64_t i = 0; i < n; i++) p[i] = i + 1;
  for (int64_t i = 0; i < n - 1; i++) {
    int64_t j = i + (int64_t)tw_rng_below(s.key, s.counter + (uint64_t)i, (uint64_t)(n - i));
    int64_t swap = p[i];
    p[i] = p[j];
    p[j] = swap;
  }
  advance(c, s, n);
  return TW_OK;
}

#define DRAW(name_, about_)                                                                                               \
  const tw_op tw_op_##name_ = {.name = #name_, .about = about_, .n_in = 1, .n_out = 2, .flags = TW_OP_NO_GRAD | TW_OP_ALIAS, \
                               .attrs_bytes = sizeof(tw_draw_attrs), .infer = infer_draw, .run = run_##name_};
DRAW(uniform, "uniform numbers in [a, b)")
DRAW(normal, "normal numbers with mean a and standard deviation b")
DRAW(randint, "uniform integers a..b, both included")
DRAW(permutation, "a uniform permutation of 1..n")
