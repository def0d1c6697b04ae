/* Draws by tries and by weights: Bernoulli, truncated normal, permutation, choice, multinomial. */
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "op/draw.h"
#include "op/vec.h"
#include "tensor/ctx.h"

enum { CHUNK = 256 };

/* bernoulli: 1 where u < p. */

static tw_status infer_bernoulli(tw_ctx *ctx, const tw_call *c, tw_meta *out) {
  const tw_draw_attrs *a = c->attrs;
  const tw_tensor *p = c->in[1];
  tw_shape own = tw_tensor_shape(p), both;
  if (!tw_shape_broadcast(&own, &a->shape, &both) || !tw_shape_equal(&both, &a->shape)) {
    char has[128], wants[128];
    tw_tensor like = {.dtype = (uint8_t)a->dtype, .ndim = (uint8_t)a->shape.n};
    memcpy(like.shape, a->shape.d, sizeof like.shape);
    return tw_fail(&ctx->error, TW_EINVAL, "bernoulli: p does not broadcast to the result: p is %s, the result %s", tw_tensor_describe(p, has, sizeof has),
                   tw_tensor_describe(&like, wants, sizeof wants));
  }
  for (int64_t lane = tw_lane_count(p) - 1; lane >= 0; lane--) {
    tw_tensor one = tw_tensor_lane(p, lane);
    for (int64_t i = 0; i < p->size; i++) {
      double v = tw_tensor_get(&one, i);
      if (v >= 0 && v <= 1) continue;
      return tw_fail(&ctx->error, TW_EINVAL, "bernoulli: a probability must lie in [0, 1]: p%s is %g", p->size > 1 ? " has an element that" : "", v);
    }
  }
  return tw__draw_infer(ctx, c, a->dtype, &a->shape, out);
}

static tw_status run_bernoulli(tw_ctx *ctx, const tw_call *c) {
  tw_tensor *y = c->out[0], *each = NULL; /* each: the probabilities, one per element */
  if (c->in[1]->size != 1) {
    tw_shape shape = tw_tensor_shape(y);
    tw_status s = tw_tensor_new(ctx, TW_F64, &shape, &each);
    if (s != TW_OK) return s;
    tw__copy_into(each, c->in[1]);
  }
  const double *p = each ? (const double *)(const void *)each->data : NULL;
  double one = each ? 0 : tw_tensor_get(c->in[1], 0), values[CHUNK];
  uint64_t bits[CHUNK];
  tw_generator g = tw__draw_begin(c);
  for (int64_t i = 0; i < y->size; i += CHUNK) {
    int64_t n = y->size - i < CHUNK ? y->size - i : CHUNK;
    tw_rng_blocks(g.key, g.counter + (uint64_t)i, n, bits, NULL);
    for (int64_t j = 0; j < n; j++) values[j] = tw_rng_unit(bits[j]) < (p ? p[i + j] : one) ? 1 : 0;
    tw__draw_store(y, i, n, values);
  }
  tw__draw_end(c, g, y->size);
  tw_tensor_release(ctx, each);
  return TW_OK;
}

/* truncated_normal, by Robert (1995), Simulation of truncated normal variables. In units of the standard deviation and mirrored so that the interval
 * [a, b] does not lie below 0, one of three proposals: the normal law itself, accepted inside; a uniform law, accepted with the density over its largest
 * value; for an interval above 0 an exponential law of rate l = (a + sqrt(a^2 + 4)) / 2 from a on, accepted with exp(-(x - l)^2 / 2). */

typedef enum { NORMAL, UNIFORM, TAIL } proposal;
typedef struct {
  proposal by;
  bool mirrored;
  double a, b, rate;
} plan;

static plan make_plan(const tw_truncated_attrs *t) {
  plan p = {.a = (t->low - t->mean) / t->std, .b = (t->high - t->mean) / t->std};
  if (p.b < 0) p = (plan){.mirrored = true, .a = -p.b, .b = -p.a};
  if (p.a <= 0) {
    p.by = p.b - p.a > 2.5066282746310002 /* sqrt(2 pi): where both accept alike */ ? NORMAL : UNIFORM;
    return p;
  }
  p.rate = (p.a + tw_scalar2(&tw_op_hypot, p.a, 2)) / 2;
  p.by = p.b > p.a + tw_scalar1(&tw_op_exp, 0.5 - p.a / (2 * p.rate)) / p.rate ? TAIL : UNIFORM;
  return p;
}

/* One try in four lanes: x, and whether it is accepted. u and v are uniform in [0, 1). */
static mf64 try_once(const plan *p, vf64 u, vf64 v, vf64 *x) {
  if (p->by == NORMAL) {
    *x = sqrt_f64(-2 * log_f64(1 - u)) * cospi_f64(2 * v);
    return (*x >= p->a) & (*x <= p->b);
  }
  if (p->by == UNIFORM) { /* the density is largest at a, or at 0 where that lies inside */
    double from = p->a > 0 ? p->a : 0;
    *x = p->a + (p->b - p->a) * u;
    return v < exp_f64(-0.5 * ((*x - from) * (*x + from)));
  }
  vf64 e = 0 - log_f64(1 - u), off = (e - 1) / p->rate; /* x - l = (e - 1) / l, because l (l - a) = 1 */
  *x = p->a + e / p->rate;
  return (v < exp_f64(-0.5 * (off * off))) & (*x <= p->b);
}

static tw_status infer_truncated_normal(tw_ctx *ctx, const tw_call *c, tw_meta *out) {
  const tw_truncated_attrs *a = c->attrs;
  if (!(a->mean - a->mean == 0) || !(a->std > 0) || !(a->std - a->std == 0)) {
    return tw_fail(&ctx->error, TW_EINVAL, "truncated_normal: mean must be finite, std finite and positive: mean is %g, std is %g", a->mean, a->std);
  }
  if (!(a->low <= a->high)) return tw_fail(&ctx->error, TW_EINVAL, "truncated_normal: low must be at most high: low is %g, high is %g", a->low, a->high);
  double nearest = a->low > a->mean ? a->low : a->high < a->mean ? a->high : a->mean;
  if (!((nearest - a->mean) / a->std <= 1e100 && (nearest - a->mean) / a->std >= -1e100)) {
    return tw_fail(&ctx->error, TW_EINVAL, "truncated_normal: the interval lies more than 1e100 standard deviations off: mean is %g, std is %g, low is %g, "
                   "high is %g", a->mean, a->std, a->low, a->high);
  }
  return tw__draw_infer(ctx, c, a->dtype, &a->shape, out);
}

static tw_status run_truncated_normal(tw_ctx *ctx, const tw_call *c) {
  (void)ctx;
  const tw_truncated_attrs *a = c->attrs;
  tw_tensor *y = c->out[0];
  plan p = make_plan(a);
  tw_generator g = tw__draw_begin(c);
  for (int64_t i = 0; i < y->size; i += 4) {
    int64_t n = y->size - i < 4 ? y->size - i : 4;
    int open = (1 << n) - 1; /* lanes without a result */
    double values[4];
    for (uint32_t attempt = 0; open; attempt++) {
      vf64 u = {0}, v = {0}, x;
      for (int64_t j = 0; j < n; j++) {
        uint64_t bits[2];
        if (!(open >> j & 1)) continue;
        tw_rng_block(g.key, g.counter + (uint64_t)(i + j), attempt, bits);
        u[j] = tw_rng_unit(bits[0]);
        v[j] = tw_rng_unit(bits[1]);
      }
      mf64 taken = try_once(&p, u, v, &x);
      for (int64_t j = 0; j < n; j++) {
        if (!(open >> j & 1) || !taken[j]) continue;
        double z = a->mean + a->std * (p.mirrored ? -x[j] : x[j]);
        values[j] = z < a->low ? a->low : z > a->high ? a->high : z;
        open &= ~(1 << j);
      }
    }
    tw__draw_store(y, i, n, values);
  }
  tw__draw_end(c, g, y->size);
  return TW_OK;
}

/* permutation of 1..n (Fisher and Yates, as by Durstenfeld 1964); place i uses position counter + i. */

static tw_status infer_permutation(tw_ctx *ctx, const tw_call *c, tw_meta *out) {
  return tw__draw_infer(ctx, c, TW_I64, &((const tw_draw_attrs *)c->attrs)->shape, out);
}

static tw_status run_permutation(tw_ctx *ctx, const tw_call *c) {
  enum { SOME = 64 };
  (void)ctx;
  tw_tensor *y = c->out[0];
  tw_generator g = tw__draw_begin(c);
  int64_t *p = (int64_t *)(void *)y->data, n = y->size;
  for (int64_t i = 0; i < n; i++) p[i] = i + 1;
  for (int64_t first = 0; first < n - 1; first += SOME) {
    uint64_t ahead[SOME];
    int64_t some = n - 1 - first < SOME ? n - 1 - first : SOME;
    tw_rng_below_each(g.key, g.counter + (uint64_t)first, some, (uint64_t)(n - first), 1, ahead);
    for (int64_t i = first; i < first + some; i++) {
      int64_t j = i + (int64_t)ahead[i - first], swap = p[i];
      p[i] = p[j];
      p[j] = swap;
    }
  }
  tw__draw_end(c, g, n);
  return TW_OK;
}

/* choice of some of 1..n. Without replacement it is the beginning of a permutation of 1..n, whose moved places alone are kept, in a hash table. */

static tw_status infer_choice(tw_ctx *ctx, const tw_call *c, tw_meta *out) {
  const tw_choice_attrs *a = c->attrs;
  int64_t count = tw_shape_size(&a->shape);
  if (a->n < 1) return tw_fail(&ctx->error, TW_EINVAL, "choice: there must be something to choose from: n is %lld", (long long)a->n);
  if (!a->replace && count > a->n) {
    return tw_fail(&ctx->error, TW_EINVAL, "choice: %lld of %lld cannot be chosen without replacement; { replace = true } allows repeats",
                   (long long)count, (long long)a->n);
  }
  return tw__draw_infer(ctx, c, TW_I64, &a->shape, out);
}

typedef struct {
  int64_t place, value; /* both from 1; place 0: empty */
} moved;

static moved *find(moved *table, int log_size, int64_t place) {
  uint64_t mask = (UINT64_C(1) << log_size) - 1, at = (uint64_t)place * UINT64_C(0x9e3779b97f4a7c15) >> (64 - log_size);
  while (table[at].place && table[at].place != place) at = (at + 1) & mask;
  return &table[at];
}

static tw_status choose_distinct(tw_ctx *ctx, tw_generator g, int64_t n, int64_t count, int64_t *y) {
  int log_size = 1;
  while ((INT64_C(1) << log_size) < 2 * count) log_size++;
  moved *table = tw_calloc((size_t)1 << log_size, sizeof *table);
  if (!table) return tw_fail(&ctx->error, TW_ENOMEM, "choice: out of memory");
  for (int64_t i = 0; i < count; i++) {
    int64_t j = i + (int64_t)tw_rng_below(g.key, g.counter + (uint64_t)i, (uint64_t)(n - i));
    moved *here = find(table, log_size, i + 1), *there = find(table, log_size, j + 1);
    int64_t own = here->place ? here->value : i + 1;
    y[i] = there->place ? there->value : j + 1;
    *there = (moved){.place = j + 1, .value = own};
  }
  tw_free(table);
  return TW_OK;
}

static tw_status run_choice(tw_ctx *ctx, const tw_call *c) {
  const tw_choice_attrs *a = c->attrs;
  tw_tensor *y = c->out[0];
  tw_generator g = tw__draw_begin(c);
  int64_t *p = (int64_t *)(void *)y->data;
  tw_status s = TW_OK;
  if (!a->replace && y->size) s = choose_distinct(ctx, g, a->n, y->size, p);
  if (a->replace) tw_rng_below_each(g.key, g.counter, y->size, (uint64_t)a->n, 0, (uint64_t *)p);
  for (int64_t i = 0; a->replace && i < y->size; i++) p[i]++;
  if (s == TW_OK) tw__draw_end(c, g, y->size);
  return s;
}

/* Weights: a binary tree of sums whose leaves are the weights (as a heap: node 1 is the root, the leaves stand last). u times the root's sum goes down to
 * the leaf it falls on; a weight set to 0 is out of the game, and the sums above it are made anew, so nothing cancels. */

typedef struct {
  int64_t leaves;
  double *sum;
} weights;

static tw_status check_weights(tw_ctx *ctx, const tw_call *c, int64_t needed) {
  const tw_tensor *w = c->in[1];
  for (int64_t lane = w->lanes ? tw_lane_count(w) - 1 : 0; lane > 0; lane--) {
    tw_tensor one = tw_tensor_lane(w, lane), *in[2] = {c->in[0], &one};
    tw_call alone = *c;
    alone.in = in;
    tw_status s = check_weights(ctx, &alone, needed);
    if (s != TW_OK) return s;
  }
  double total = 0;
  int64_t positive = 0;
  const char *op = c->op == &tw_op_multinomial ? "multinomial" : "choice";
  if (w->ndim != 1 || w->dtype == TW_BOOL) {
    char shape[128];
    return tw_fail(&ctx->error, TW_EINVAL, "%s: weights must be a vector of numbers, got %s", op, tw_tensor_describe(w, shape, sizeof shape));
  }
  for (int64_t i = 0; i < w->size; i++) {
    double v = tw_tensor_get(w, i);
    if (!(v >= 0 && v - v == 0)) {
      return tw_fail(&ctx->error, TW_EINVAL, "%s: a weight must be finite and not negative: weight %lld is %g", op, (long long)i + 1, v);
    }
    total += v;
    positive += v > 0;
  }
  if (!positive || !(total - total == 0)) return tw_fail(&ctx->error, TW_EINVAL, "%s: the weights must have a positive, finite sum: it is %g", op, total);
  if (positive < needed) {
    return tw_fail(&ctx->error, TW_EINVAL, "choice: %lld of %lld with a weight above 0 cannot be chosen without replacement; { replace = true } allows repeats",
                   (long long)needed, (long long)positive);
  }
  return TW_OK;
}

static tw_status weights_new(tw_ctx *ctx, const tw_tensor *x, weights *w) {
  w->leaves = 1;
  while (w->leaves < x->size) w->leaves *= 2;
  w->sum = tw_calloc(2 * (size_t)w->leaves, sizeof *w->sum);
  if (!w->sum) return tw_fail(&ctx->error, TW_ENOMEM, "choice: out of memory");
  for (int64_t i = 0; i < x->size; i++) w->sum[w->leaves + i] = tw_tensor_get(x, i);
  for (int64_t i = w->leaves - 1; i > 0; i--) w->sum[i] = w->sum[2 * i] + w->sum[2 * i + 1];
  return TW_OK;
}

/* 0-based. Never a leaf of weight 0: a side without weight is not entered. */
static int64_t weights_pick(const weights *w, uint64_t bits) {
  double u = tw_rng_unit(bits) * w->sum[1];
  int64_t at = 1;
  while (at < w->leaves) {
    at *= 2;
    if (u < w->sum[at] || w->sum[at + 1] == 0) continue;
    u -= w->sum[at++];
  }
  return at - w->leaves;
}

static void weights_remove(weights *w, int64_t leaf) {
  int64_t at = w->leaves + leaf;
  w->sum[at] = 0;
  for (at /= 2; at > 0; at /= 2) w->sum[at] = w->sum[2 * at] + w->sum[2 * at + 1];
}

static tw_status infer_weighted_choice(tw_ctx *ctx, const tw_call *c, tw_meta *out) {
  const tw_choice_attrs *a = c->attrs;
  tw_status s = check_weights(ctx, c, a->replace ? 0 : tw_shape_size(&a->shape));
  if (s != TW_OK) return s;
  if (c->in[1]->size != a->n) {
    return tw_fail(&ctx->error, TW_EINVAL, "choice: there must be one weight for each of 1..n: n is %lld, there are %lld weights",
                   (long long)a->n, (long long)c->in[1]->size);
  }
  return tw__draw_infer(ctx, c, TW_I64, &a->shape, out);
}

/* Without replacement: one after the other, each with probability proportional to its weight among those left. */
static tw_status run_weighted_choice(tw_ctx *ctx, const tw_call *c) {
  const tw_choice_attrs *a = c->attrs;
  tw_tensor *y = c->out[0];
  weights w;
  tw_status s = weights_new(ctx, c->in[1], &w);
  if (s != TW_OK) return s;
  tw_generator g = tw__draw_begin(c);
  for (int64_t i = 0; i < y->size; i++) {
    uint64_t bits[2];
    tw_rng_block(g.key, g.counter + (uint64_t)i, 0, bits);
    int64_t leaf = weights_pick(&w, bits[0]);
    ((int64_t *)(void *)y->data)[i] = leaf + 1;
    if (!a->replace) weights_remove(&w, leaf);
  }
  tw_free(w.sum);
  tw__draw_end(c, g, y->size);
  return TW_OK;
}

/* multinomial: how often each of 1..K falls in n trials. Trials 2t and 2t + 1 use the two words of try t at the row's position. */

static tw_status infer_multinomial(tw_ctx *ctx, const tw_call *c, tw_meta *out) {
  const tw_choice_attrs *a = c->attrs;
  tw_status s = check_weights(ctx, c, 0);
  if (s != TW_OK) return s;
  if (a->n < 0 || a->n > INT64_C(1) << 32) return tw_fail(&ctx->error, TW_EINVAL, "multinomial: the trials must be 0..2^32: there are %lld", (long long)a->n);
  if (a->shape.n == TW_MAX_DIM) {
    return tw_fail(&ctx->error, TW_EINVAL, "multinomial: a tensor has at most %d axes, the last one is that of the counts", TW_MAX_DIM);
  }
  tw_shape shape = a->shape;
  shape.d[shape.n++] = c->in[1]->size;
  return tw__draw_infer(ctx, c, TW_I64, &shape, out);
}

static tw_status run_multinomial(tw_ctx *ctx, const tw_call *c) {
  const tw_choice_attrs *a = c->attrs;
  tw_tensor *y = c->out[0];
  int64_t rows = tw_shape_size(&a->shape), *p = (int64_t *)(void *)y->data;
  weights w;
  tw_status s = weights_new(ctx, c->in[1], &w);
  if (s != TW_OK) return s;
  tw_generator g = tw__draw_begin(c);
  memset(p, 0, (size_t)y->size * sizeof *p);
  for (int64_t i = 0; i < rows; i++, p += c->in[1]->size) {
    for (int64_t t = 0; t < a->n; t += 2) {
      uint64_t bits[2];
      tw_rng_block(g.key, g.counter + (uint64_t)i, (uint32_t)(t / 2), bits);
      p[weights_pick(&w, bits[0])]++;
      if (t + 1 < a->n) p[weights_pick(&w, bits[1])]++;
    }
  }
  tw_free(w.sum);
  tw__draw_end(c, g, rows);
  return TW_OK;
}

#define DRAW(name_, inputs_, attrs_, about_)                                                                                       \
  const tw_op tw_op_##name_ = {.name = #name_, .about = about_, .n_in = inputs_, .n_out = 2, .flags = TW_OP_NO_GRAD | TW_OP_ALIAS, \
                               .attrs_bytes = sizeof(attrs_), .infer = infer_##name_, .run = run_##name_};
DRAW(bernoulli, 2, tw_draw_attrs, "1 with probability p, else 0")
DRAW(truncated_normal, 1, tw_truncated_attrs, "normal numbers kept within [low, high]")
DRAW(permutation, 1, tw_draw_attrs, "a uniform permutation of 1..n")
DRAW(choice, 1, tw_choice_attrs, "some of 1..n, with or without replacement")
DRAW(weighted_choice, 2, tw_choice_attrs, "some of 1..n by weight, with or without replacement")
DRAW(multinomial, 2, tw_choice_attrs, "how often each class falls in n trials")
