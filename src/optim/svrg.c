/* Gradient methods for finite sums, f = (1/n) sum of f_1 .. f_n, whose variance vanishes at the solution. f(params, i) gives the mean of the terms i.
 *
 *   svrg:  every `period` steps  a <- p,  m <- gradient of f at a;     g = grad f_i(p) - grad f_i(a) + m
 *   saga:  table[j] the gradient of f_j where it was last evaluated, m their mean;
 *          g = grad f_i(p) - (mean of table[i]) + m,   then table[j] <- grad f_j(p) for j in i, m with it
 *   p <- p - lr g
 *
 * A whole gradient is one evaluation over all terms where f takes an index vector, n evaluations where it takes single numbers. saga needs the gradient of
 * each term: a batch of b > 1 terms costs b + 1 evaluations; its table has n rows of all parameters. All evaluations of a step see the same random numbers.
 * svrg: Johnson and Zhang 2013, option I; they advise a period of 2 n (convex) or 5 n. saga: Defazio, Bach and Lacoste-Julien 2014. */
#include <math.h>

#include "base/alloc.h"
#include "optim/kinds.h"
#include "optim/rule.h"

enum { LR, WEIGHT_DECAY, DECAY, N_TERMS, PERIOD, START = PERIOD };
enum { GRADIENTS, ZEROS };
enum { ANCHOR, FULL };
enum { TABLE, MEAN };

#define SHARED                                                                                                                  \
  TW_OPTION_LR(1e-2), TW_OPTION_DECAY(0, TW_DECAY_COUPLED), { "n", TW_OPTION_SHAPE, NAN, 1, 9007199254740992., NULL, "number of terms" }
static const tw_option options_svrg[] = {
  SHARED,
  {"period", TW_OPTION_SHAPE, 0, 0, 1e15, NULL, "steps between two whole gradients; 0: 2 n; the same in all lanes"},
  {0},
};
static const tw_option options_saga[] = {
  SHARED,
  {"start", TW_OPTION_CHOICE, GRADIENTS, 0, 1, "gradients zeros", "the table at first: gradients of all terms, for n evaluations, or zeros"},
  {0},
};

TW_RULE(finite_sum, 0, 1, 1, { p = p - h[0] * g; })
static void scalars(const tw_hypers *o, double *const *s) {
  TW_LANES(o, r) s[0][r] = o->v[LR][r];
}
static const tw_rule plain = {.op = &finite_sum_op, .n_scalars = 1, .scalars = scalars};

static int64_t terms(const tw_optim *o) { return (int64_t)o->hyper[0][N_TERMS][0]; }

/* Term k as called, in every lane. */
static int64_t term_of(const tw_optim *o, int64_t k, int r) {
  const tw_tensor *index = o->objective->index;
  tw_tensor lane = *index;
  if (index->lanes & 1) {
    lane.data += r * index->lane_stride[0] * (int64_t)sizeof(int64_t);
    lane.lanes = 0;
  }
  return tw_tensor_get_i64(&lane, k);
}

static tw_status check_index(tw_ctx *ctx, const tw_optim *o) {
  const tw_tensor *index = o->objective->index;
  const char *name = o->kind->name;
  if (!index || index->ndim > 1 || index->size == 0) {
    return tw_fail(&ctx->error, TW_EINVAL,
                   "%s: f must be given the terms to evaluate: opt:step(f, i), f(params, i) their mean; i is a whole number or a vector of them", name);
  }
  int lanes = index->lanes & 1 ? o->lanes : 1;
  for (int r = 0; r < lanes; r++) {
    for (int64_t k = 0; k < index->size; k++) {
      int64_t i = term_of(o, k, r);
      if (i < 1 || i > terms(o)) {
        return tw_fail(&ctx->error, TW_EINVAL, "%s: there is no such term: i is %lld, n is %lld", name, (long long)i, (long long)terms(o));
      }
      for (int64_t j = 0; j < k && o->kind->vectors[TABLE].name; j++) {
        if (term_of(o, j, r) == i) return tw_fail(&ctx->error, TW_EINVAL, "%s: the terms of a step must differ: i has %lld twice", name, (long long)i);
      }
    }
  }
  return TW_OK;
}

static void release(tw_ctx *ctx, tw_optim *o, tw_tensor **g) {
  for (int i = 0; i < o->n; i++) {
    tw_tensor_release(ctx, g[i]);
    g[i] = NULL;
  }
}

/* Evaluates at other terms. loss: space for a number per lane. */
static tw_status gradient_at(tw_ctx *ctx, tw_optim *o, tw_tensor *index, double *loss, tw_tensor **g) {
  tw_objective *f = o->objective;
  tw_status s = f->at(f, ctx, index);
  if (s == TW_OK) s = f->gradient(f, ctx, loss, g);
  tw_status back = f->at(f, ctx, NULL);
  return s == TW_OK ? back : s;
}

/* Terms first..first + size - 1, or for size 0 the single number. */
static tw_status make_index(tw_ctx *ctx, int64_t first, int64_t size, tw_tensor **out) {
  if (size == 0) return tw_tensor_new_scalar(ctx, TW_I64, (double)first, out);
  tw_shape shape = {.n = 1, .d = {size}};
  tw_status s = tw_tensor_new(ctx, TW_I64, &shape, out);
  for (int64_t k = 0; k < size && s == TW_OK; k++) tw_tensor_set(*out, k, (double)(first + k));
  return s;
}

static tw_status combine(tw_ctx *ctx, const tw_op *op, tw_tensor *a, tw_tensor *b, tw_tensor **out) {
  tw_compose k = {.ctx = ctx};
  tw_tensor *c = NULL;
  tw_status s = tw_compose_end(&k, tw_do2(&k, op, NULL, a, b), &c);
  if (s != TW_OK) return s;
  tw_tensor_release(ctx, *out);
  *out = c;
  return TW_OK;
}

/* The whole gradient at the present parameters. one: n places, NULL. */
static tw_status whole_gradient(tw_ctx *ctx, tw_optim *o, double *loss, tw_tensor **one, tw_tensor **g) {
  int64_t n = terms(o);
  tw_status s = TW_OK;
  if (o->objective->index->ndim == 1) {
    tw_tensor *all = NULL;
    s = make_index(ctx, 1, n, &all);
    if (s == TW_OK) s = gradient_at(ctx, o, all, loss, g);
    tw_tensor_release(ctx, all);
    return s;
  }
  for (int64_t term = 1; term <= n && s == TW_OK; term++) {
    tw_tensor *index = NULL;
    s = make_index(ctx, term, 0, &index);
    if (s == TW_OK) s = gradient_at(ctx, o, index, loss, term == 1 ? g : one);
    tw_tensor_release(ctx, index);
    for (int i = 0; i < o->n && s == TW_OK && term > 1; i++) s = combine(ctx, &tw_op_add, g[i], one[i], &g[i]);
    release(ctx, o, one);
  }
  for (int i = 0; i < o->n && s == TW_OK; i++) {
    tw_compose k = {.ctx = ctx};
    tw_tensor *mean = NULL;
    s = tw_compose_end(&k, tw_do2(&k, &tw_op_div, NULL, g[i], tw_do_constant(&k, (double)n, g[i])), &mean);
    if (s != TW_OK) break;
    tw_tensor_release(ctx, g[i]);
    g[i] = mean;
  }
  return s;
}

static tw_status set_slot(tw_ctx *ctx, tw_optim *o, int leaf, int slot, tw_tensor *values) {
  tw_tensor *x;
  tw_status s = tw_optim_slot(ctx, o, leaf, slot, &x);
  return s == TW_OK ? tw_optim_assign(ctx, x, values) : s;
}

/* The gradient at the anchor of the terms as called; the parameters come back whatever happens. */
static tw_status gradient_at_anchor(tw_ctx *ctx, tw_optim *o, double *loss, tw_tensor **g) {
  tw_status s = TW_OK;
  for (int i = 0; i < o->n && s == TW_OK; i++) s = tw_optim_assign(ctx, o->leaf[i].before, o->leaf[i].p);
  if (s != TW_OK) return s;
  for (int i = 0; i < o->n && s == TW_OK; i++) s = o->leaf[i].frozen ? TW_OK : tw_optim_assign(ctx, o->leaf[i].p, o->leaf[i].slot[ANCHOR]);
  if (s == TW_OK) s = o->objective->gradient(o->objective, ctx, loss, g);
  for (int i = 0; i < o->n; i++) {
    tw_status back = o->leaf[i].frozen ? TW_OK : tw_optim_assign(ctx, o->leaf[i].p, o->leaf[i].before);
    if (s == TW_OK) s = back;
  }
  return s;
}

static tw_status solve_svrg(tw_ctx *ctx, tw_optim *o) {
  size_t n = (size_t)o->n;
  tw_status s = check_index(ctx, o);
  if (s != TW_OK) return s;
  tw_tensor **g = tw_calloc(3 * n, sizeof *g), **other = g + n, **one = other + n;
  double *loss = tw_alloc((size_t)o->lanes * sizeof *loss);
  int64_t period = o->hyper[0][PERIOD][0] >= 1 ? (int64_t)o->hyper[0][PERIOD][0] : 2 * terms(o);
  if (!g || !loss) s = tw_fail(&ctx->error, TW_ENOMEM, "svrg: out of memory");
  if (s == TW_OK) s = o->objective->gradient(o->objective, ctx, o->loss, g);
  o->has_loss = s == TW_OK;
  if (s == TW_OK && o->steps % period == 0 && o->calls == 0) { /* the terms' gradients at p and at the anchor cancel */
    s = whole_gradient(ctx, o, loss, one, other);
    for (int i = 0; i < o->n && s == TW_OK; i++) {
      s = set_slot(ctx, o, i, ANCHOR, o->leaf[i].p);
      if (s == TW_OK) s = set_slot(ctx, o, i, FULL, other[i]);
    }
    if (s == TW_OK) s = tw_optim_from_gradients(ctx, o, other);
  } else if (s == TW_OK) {
    s = gradient_at_anchor(ctx, o, loss, other);
    for (int i = 0; i < o->n && s == TW_OK; i++) {
      s = combine(ctx, &tw_op_sub, g[i], other[i], &g[i]);
      if (s == TW_OK) s = combine(ctx, &tw_op_add, g[i], o->leaf[i].slot[FULL], &g[i]);
    }
    if (s == TW_OK) s = tw_optim_from_gradients(ctx, o, g);
  }
  for (size_t i = 0; g && i < 3 * n; i++) tw_tensor_release(ctx, g[i]);
  tw_free(g);
  tw_free(loss);
  return s;
}

/* Rows of the table are named by an i64 tensor [] or [1]. One that is the same in all lanes names a place in memory. */
static tw_status write_place(tw_ctx *ctx, tw_optim *o, int64_t term, tw_tensor *values) {
  tw_compose k = {.ctx = ctx};
  tw_tensor *table = o->vector[TABLE];
  tw_slice_attrs row = {.n = 2, .start = {term - 1, 0}, .step = {1, 1}, .size = {1, table->shape[1]}};
  tw_shape_attrs flat = {.shape = {.n = 2, .d = {1, table->shape[1]}}};
  tw_tensor *place = tw_do1(&k, &tw_op_slice, &row, table), *line = tw_do1(&k, &tw_op_reshape, &flat, values);
  if (k.status == TW_OK) k.status = tw_optim_assign(ctx, place, line);
  tw_tensor *done = NULL;
  tw_status s = tw_compose_end(&k, place, &done);
  tw_tensor_release(ctx, done);
  return s;
}

static tw_status read_row(tw_ctx *ctx, tw_optim *o, tw_tensor *index, tw_tensor **out) {
  tw_compose k = {.ctx = ctx};
  tw_tensor *table = o->vector[TABLE];
  tw_axis_attrs along = {0};
  tw_shape_attrs one = {.shape = {.n = 1, .d = {1}}}, line = {.shape = {.n = 1, .d = {table->shape[1]}}};
  tw_tensor *row = tw_do2(&k, &tw_op_index_select, &along, table, tw_do1(&k, &tw_op_reshape, &one, index));
  return tw_compose_end(&k, tw_do1(&k, &tw_op_reshape, &line, row), out);
}

/* The row takes these values in the lanes that take the step. */
static tw_status write_row(tw_ctx *ctx, tw_optim *o, tw_tensor *index, tw_tensor *values) {
  tw_tensor *old = NULL, *kept = NULL, *next = NULL;
  tw_status s = read_row(ctx, o, index, &old);
  if (s == TW_OK) s = tw_flat_choose(ctx, o, o->go, values, old, &kept);
  if (s == TW_OK && !index->lanes) {
    s = write_place(ctx, o, tw_tensor_get_i64(index, 0), kept);
  } else if (s == TW_OK) { /* each lane another row */
    tw_tensor *all = NULL;
    s = make_index(ctx, 1, terms(o), &all);
    if (s == TW_OK) {
      tw_compose k = {.ctx = ctx};
      tw_shape_attrs column = {.shape = {.n = 2, .d = {terms(o), 1}}}, point = {.shape = {.n = 0}};
      tw_tensor *hit = tw_do2(&k, &tw_op_eq, NULL, tw_do1(&k, &tw_op_reshape, &column, all), tw_do1(&k, &tw_op_reshape, &point, index));
      s = tw_compose_end(&k, tw_do3(&k, &tw_op_where, NULL, hit, kept, o->vector[TABLE]), &next);
    }
    if (s == TW_OK) s = tw_optim_assign(ctx, o->vector[TABLE], next);
    tw_tensor_release(ctx, all);
  }
  tw_tensor_release(ctx, next);
  tw_tensor_release(ctx, kept);
  tw_tensor_release(ctx, old);
  return s;
}

/* Term k as called: [] or [1]. */
static tw_status index_of(tw_ctx *ctx, tw_optim *o, int64_t k, tw_tensor **out) {
  tw_compose q = {.ctx = ctx};
  tw_slice_attrs part = {.n = 1, .start = {k}, .step = {1}, .size = {1}};
  tw_tensor *index = o->objective->index;
  return tw_compose_end(&q, index->ndim == 0 ? index : tw_do1(&q, &tw_op_slice, &part, index), out);
}

/* One term's gradient as a vector. */
static tw_status line(tw_ctx *ctx, tw_optim *o, tw_tensor *index, double *loss, tw_tensor **g, tw_tensor **out) {
  tw_status s = gradient_at(ctx, o, index, loss, g);
  if (s == TW_OK) s = tw_flat_gather(ctx, o, g, out);
  release(ctx, o, g);
  return s;
}

/* The table and its mean before the first step. */
static tw_status prepare(tw_ctx *ctx, tw_optim *o, double *loss, tw_tensor **g) {
  bool fresh = !o->vector[TABLE];
  tw_tensor *table, *mean, *now = NULL;
  tw_status s = tw_optim_vector_of(ctx, o, TABLE, &table);
  if (s == TW_OK) s = tw_optim_vector_of(ctx, o, MEAN, &mean);
  if (s != TW_OK || !fresh || o->hyper[0][START][0] == ZEROS) return s;
  for (int64_t term = 1; term <= terms(o) && s == TW_OK; term++) {
    tw_tensor *row = NULL, *index = NULL;
    s = make_index(ctx, term, o->objective->index->ndim, &index);
    if (s == TW_OK) s = line(ctx, o, index, loss, g, &row);
    if (s == TW_OK) s = write_row(ctx, o, index, row);
    tw_tensor_release(ctx, row);
    tw_tensor_release(ctx, index);
  }
  if (s == TW_OK) s = tw_mean(ctx, table, 1, false, &now);
  if (s == TW_OK) s = tw_optim_assign(ctx, mean, now);
  tw_tensor_release(ctx, now);
  if (s != TW_OK) { /* the next step begins anew */
    tw_tensor_release(ctx, o->vector[TABLE]);
    o->vector[TABLE] = NULL;
  }
  return s;
}

/* rows[k] new, old[k] from the table, of the terms as called; direction: the step's gradient as a vector. */
static tw_status differences(tw_ctx *ctx, tw_optim *o, double *loss, tw_tensor **g, tw_tensor *batch, tw_tensor **rows, tw_tensor **change,
                             tw_tensor **direction) {
  int64_t size = o->objective->index->size;
  tw_tensor *past = NULL;
  tw_status s = TW_OK;
  for (int64_t k = 0; k < size && s == TW_OK; k++) {
    tw_tensor *old = NULL, *gap = NULL, *index = NULL;
    s = index_of(ctx, o, k, &index);
    if (s == TW_OK && size > 1) s = line(ctx, o, index, loss, g, &rows[k]);
    else if (s == TW_OK) rows[k] = tw_tensor_retain(batch);
    if (s == TW_OK) s = read_row(ctx, o, index, &old);
    if (s == TW_OK) s = combine(ctx, &tw_op_sub, rows[k], old, &gap);
    if (s == TW_OK) s = *change ? combine(ctx, &tw_op_add, *change, gap, change) : tw_optim_copy(ctx, gap, change);
    if (s == TW_OK) s = past ? combine(ctx, &tw_op_add, past, old, &past) : tw_optim_copy(ctx, old, &past);
    tw_tensor_release(ctx, old);
    tw_tensor_release(ctx, gap);
    tw_tensor_release(ctx, index);
  }
  if (s == TW_OK) {
    tw_compose k = {.ctx = ctx};
    tw_tensor *mean = tw_do2(&k, &tw_op_div, NULL, past, tw_do_constant(&k, (double)size, past));
    s = tw_compose_end(&k, tw_do2(&k, &tw_op_add, NULL, tw_do2(&k, &tw_op_sub, NULL, batch, mean), o->vector[MEAN]), direction);
  }
  tw_tensor_release(ctx, past);
  return s;
}

/* Takes the step along direction; g's tensors become its parts. */
static tw_status step_along(tw_ctx *ctx, tw_optim *o, tw_tensor *direction, tw_tensor **g) {
  int64_t at = 0;
  for (int i = 0; i < o->n; i++) {
    if (o->leaf[i].frozen) continue;
    tw_compose k = {.ctx = ctx};
    tw_slice_attrs part = {.n = 1, .start = {at}, .step = {1}, .size = {o->leaf[i].p->size}};
    tw_shape_attrs own = {.shape = tw_tensor_shape(o->leaf[i].p)};
    tw_tensor *piece = NULL;
    tw_status s = tw_compose_end(&k, tw_do1(&k, &tw_op_reshape, &own, tw_do1(&k, &tw_op_slice, &part, direction)), &piece);
    if (s != TW_OK) return s;
    tw_tensor_release(ctx, g[i]);
    g[i] = piece;
    at += piece->size;
  }
  return tw_optim_from_gradients(ctx, o, g);
}

/* The terms' new gradients into the table, their change into the mean. */
static tw_status remember(tw_ctx *ctx, tw_optim *o, tw_tensor **rows, tw_tensor *change) {
  tw_tensor *mean = o->vector[MEAN], *next = NULL, *kept = NULL;
  tw_status s = TW_OK;
  for (int64_t k = 0; k < o->objective->index->size && s == TW_OK; k++) {
    tw_tensor *index = NULL;
    s = index_of(ctx, o, k, &index);
    if (s == TW_OK) s = write_row(ctx, o, index, rows[k]);
    tw_tensor_release(ctx, index);
  }
  if (s != TW_OK) return s;
  tw_compose q = {.ctx = ctx};
  tw_tensor *part = tw_do2(&q, &tw_op_div, NULL, change, tw_do_constant(&q, (double)terms(o), change));
  s = tw_compose_end(&q, tw_do2(&q, &tw_op_add, NULL, mean, part), &next);
  if (s == TW_OK) s = tw_flat_choose(ctx, o, o->go, next, mean, &kept);
  if (s == TW_OK) s = tw_optim_assign(ctx, mean, kept);
  tw_tensor_release(ctx, next);
  tw_tensor_release(ctx, kept);
  return s;
}

static tw_status solve_saga(tw_ctx *ctx, tw_optim *o) {
  tw_status s = check_index(ctx, o);
  if (s != TW_OK) return s;
  size_t n = (size_t)o->n, size = (size_t)o->objective->index->size;
  tw_tensor **g = tw_calloc(2 * n + size, sizeof *g), **one = g + n, **rows = one + n, *batch = NULL, *change = NULL, *direction = NULL;
  double *loss = tw_alloc((size_t)o->lanes * sizeof *loss);
  if (!g || !loss) s = tw_fail(&ctx->error, TW_ENOMEM, "saga: out of memory");
  if (s == TW_OK) s = o->objective->gradient(o->objective, ctx, o->loss, g);
  o->has_loss = s == TW_OK;
  if (s == TW_OK) s = prepare(ctx, o, loss, one);
  if (s == TW_OK) s = tw_flat_gather(ctx, o, g, &batch);
  if (s == TW_OK) s = differences(ctx, o, loss, one, batch, rows, &change, &direction);
  if (s == TW_OK) s = step_along(ctx, o, direction, g);
  if (s == TW_OK) s = remember(ctx, o, rows, change);
  for (size_t i = 0; g && i < 2 * n + size; i++) tw_tensor_release(ctx, g[i]);
  tw_tensor_release(ctx, batch);
  tw_tensor_release(ctx, change);
  tw_tensor_release(ctx, direction);
  tw_free(g);
  tw_free(loss);
  return s;
}

#define EXAMPLE(name)                                                                                                            \
  "local a = tw.tensor{ { 1, 0 }, { 0, 1 } }\nlocal opt = tw.optim." name "(p, { lr = 0.1, n = 2 })\n"                            \
  "local loss = opt:step(function(p, i) return (a[i]:matmul(p) - 1):square():mean() end, tw.tensor({ 2 }, { dtype = \"i64\" }))"
const tw_optim_kind tw_optim_svrg = {.name = "svrg", .about = "stochastic variance-reduced gradient for finite sums", .source = "Johnson and Zhang 2013",
                                     .options = options_svrg, .slots = {"anchor", "full"}, .rule = &plain, .solve = solve_svrg, .example = EXAMPLE("svrg")};
const tw_optim_kind tw_optim_saga = {.name = "saga", .about = "variance reduction by a table of gradients, for finite sums",
                                     .source = "Defazio, Bach and Lacoste-Julien 2014", .options = options_saga,
                                     .vectors = {{"table", "n"}, {"mean", NULL}}, .rule = &plain, .solve = solve_saga, .example = EXAMPLE("saga")};
