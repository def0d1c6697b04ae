/* Scalars per lane, assignment, norms, applying rules. */
#include "optim/parts.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "optim/around.h"
#include "optim/rule.h"

double tw_power(double base, double exponent) { return tw_scalar2(&tw_op_pow, base, exponent); }

void tw_powers(int n, const double *base, const int64_t *t, double *out) {
  for (int i = 0; i < n; i++) out[i] = tw_power(base[i], (double)t[i]);
}

tw_hypers tw_optim_hypers(const tw_optim *o, int group) {
  return (tw_hypers){.lanes = o->lanes, .t = o->t, .v = o->hyper[group], .constant = o->constant[group], .number = o->group_number[group]};
}

const double *tw_optim_hyper(const tw_optim *o, int group, const char *option) { return o->hyper[group][tw_spec_find(o->kind->options, option)]; }

/* The same number in every lane needs no lanes: bits do not change. */
static bool uniform(const tw_optim *o, const double *values) {
  for (int r = 1; r < o->lanes; r++) {
    if (values[r] != values[0] || signbit(values[r]) != signbit(values[0])) return false;
  }
  return true;
}

tw_status tw_optim_scalar(tw_ctx *ctx, const tw_optim *o, tw_dtype dtype, const double *values, tw_tensor **out) {
  if (!o->laned || uniform(o, values)) return tw_tensor_new_scalar(ctx, dtype, values[0], out);
  tw_status s = tw_tensor_new_lanes(ctx, dtype, 0, values, out);
  if (s == TW_OK) (*out)->weak = false;
  return s;
}

tw_tensor *tw_do_scalar(tw_compose *k, const tw_optim *o, const double *values, const tw_tensor *like) {
  tw_tensor *t = NULL;
  if (k->status != TW_OK || k->n == TW_COMPOSE_MAX) return tw_do_constant(k, values[0], like); /* which says so */
  k->status = tw_optim_scalar(k->ctx, o, (tw_dtype)like->dtype, values, &t);
  if (k->status == TW_OK) k->temps[k->n++] = t;
  return t;
}

void tw_optim_numbers(const tw_optim *o, const tw_tensor *t, double *out) {
  if (!(t->lanes & 1)) {
    for (int r = 0; r < o->lanes; r++) out[r] = tw_tensor_get(t, 0);
  } else if (t->dtype == TW_F64 && t->lane_stride[0] == 1) {
    memcpy(out, t->data, (size_t)o->lanes * sizeof *out);
  } else if (t->dtype == TW_F64) {
    for (int r = 0; r < o->lanes; r++) out[r] = ((const double *)(const void *)t->data)[r * t->lane_stride[0]];
  } else if (t->dtype == TW_I64) {
    for (int r = 0; r < o->lanes; r++) out[r] = (double)((const int64_t *)(const void *)t->data)[r * t->lane_stride[0]];
  } else {
    for (int r = 0; r < o->lanes; r++) out[r] = (double)((const float *)(const void *)t->data)[r * t->lane_stride[0]];
  }
}

tw_status tw_optim_assign(tw_ctx *ctx, tw_tensor *x, tw_tensor *y) {
  tw_cast_attrs same = {.dtype = (tw_dtype)x->dtype};
  tw_call copy = {.op = &tw_op_cast, .attrs = &same, .in = &y, .out = &x, .n_in = 1, .n_out = 1};
  return tw_apply(ctx, &copy);
}

tw_status tw_optim_copy(tw_ctx *ctx, tw_tensor *x, tw_tensor **out) {
  tw_cast_attrs same = {.dtype = (tw_dtype)x->dtype};
  *out = NULL;
  tw_call copy = {.op = &tw_op_cast, .attrs = &same, .in = &x, .out = out, .n_in = 1, .n_out = 1};
  return tw_apply(ctx, &copy);
}

tw_status tw_optim_zeros(tw_ctx *ctx, const tw_tensor *like, tw_tensor **out) {
  tw_shape shape = tw_tensor_shape(like);
  tw_lanes lanes = {0};
  if (!tw_lanes_join(&lanes, like)) return tw_fail(&ctx->error, TW_ESTATE, "optim: the numbers of lanes differ");
  tw_status s = tw_tensor_new_laned(ctx, (tw_dtype)like->dtype, &shape, &lanes, out);
  if (s == TW_OK) tw__zero(*out);
  return s;
}

tw_shape tw_optim_slot_shape(const tw_optim *o, int leaf, int slot) {
  const tw_tensor *p = o->leaf[leaf].p;
  return o->kind->slot_shape ? o->kind->slot_shape(p, slot) : tw_tensor_shape(p);
}

tw_status tw_optim_slot(tw_ctx *ctx, tw_optim *o, int leaf, int slot, tw_tensor **lent) {
  tw_leaf *l = &o->leaf[leaf];
  tw_status s = TW_OK;
  if (!l->slot[slot]) {
    tw_tensor like = *l->p;
    tw_shape shape = tw_optim_slot_shape(o, leaf, slot);
    like.ndim = (uint8_t)shape.n;
    for (int i = 0; i < TW_MAX_DIM; i++) like.shape[i] = i < shape.n ? shape.d[i] : 0;
    s = tw_optim_zeros(ctx, &like, &l->slot[slot]);
  }
  *lent = l->slot[slot];
  return s;
}

tw_status tw_optim_blend(tw_ctx *ctx, const tw_optim *o, tw_tensor *x, const double *w, tw_tensor *y, tw_tensor **out) {
  tw_compose k = {.ctx = ctx};
  tw_tensor *gap = tw_do2(&k, &tw_op_sub, NULL, y, x);
  return tw_compose_end(&k, tw_do2(&k, &tw_op_add, NULL, x, tw_do2(&k, &tw_op_mul, NULL, tw_do_scalar(&k, o, w, x), gap)), out);
}

tw_status tw_optim_put(tw_ctx *ctx, tw_optim *o, int leaf, int slot, tw_tensor *values) {
  tw_tensor *x, *chosen = NULL;
  tw_status s = tw_optim_slot(ctx, o, leaf, slot, &x);
  bool all = true;
  for (int r = 0; r < o->lanes; r++) all = all && o->go[r] != 0;
  if (s == TW_OK && all) return tw_optim_assign(ctx, x, values);
  if (s == TW_OK) s = tw_flat_choose(ctx, o, o->go, values, x, &chosen);
  if (s == TW_OK) s = tw_optim_assign(ctx, x, chosen);
  tw_tensor_release(ctx, chosen);
  return s;
}

/* [n] scalars, one number per lane each. */
static tw_status scalars_tensor(tw_ctx *ctx, const tw_optim *o, tw_dtype dtype, int n, double *const *s, tw_tensor **out) {
  tw_shape shape = {.n = 1, .d = {n}};
  tw_lanes lanes = {.mask = o->laned, .size = {o->lanes}};
  tw_status status = o->laned ? tw_tensor_new_fastest(ctx, dtype, &shape, &lanes, out) : tw_tensor_new(ctx, dtype, &shape, out);
  for (int k = 0; k < n && status == TW_OK; k++) {
    char *row = (*out)->data + k * (int64_t)o->lanes * (int64_t)tw_dtype_size(dtype);
    if (dtype == TW_F64) memcpy(row, s[k], (size_t)o->lanes * sizeof(double));
    else {
      for (int r = 0; r < o->lanes; r++) ((float *)(void *)row)[r] = (float)s[k][r];
    }
  }
  return status;
}

/* May the kernel add up how far it moves the parameter, so that the old values need not be kept? It sees a lane's elements one after the other then. */
static bool adds_up(const tw_optim *o, const tw_leaf *l, const tw_tensor *g, int n_slots) {
  enum { FEW = 8 };
  bool can = l->p->size > FEW && !tw__in_ball(o) && tw_tensor_is_contiguous(l->p) && tw_tensor_is_contiguous(g);
  for (int k = 0; k < n_slots; k++) can = can && (!l->slot[k] || tw_tensor_is_contiguous(l->slot[k]));
  return can;
}

/* All lanes of an element side by side, the elements one behind the other. */
static bool lies_across(const tw_tensor *t) {
  int h = __builtin_ctz(t->lanes | 1u << TW_MAX_LANES);
  int64_t step;
  if (t->lanes != 1u << h || t->lane_stride[h] != 1 || !tw_tensor_is_even(t, &step)) return false;
  return t->size <= 1 || step == t->lane_size[h];
}

/* The elements of a lane, where there are so few that the kernel adds up their moves while lanes lie side by side; else 0. */
static int rows_across(const tw_optim *o, const tw_leaf *l, const tw_tensor *g, int n_slots) {
  bool can = l->p->size <= TW_RULE_ROWS && l->p->size > 0 && !tw__in_ball(o) && l->p->lanes == g->lanes && lies_across(l->p) && lies_across(g);
  can = can && (!l->moved || lies_across(l->moved));
  for (int k = 0; k < n_slots; k++) can = can && (!l->slot[k] || (l->slot[k]->lanes == g->lanes && lies_across(l->slot[k])));
  return can ? (int)l->p->size : 0;
}

tw_status tw_optim_before(tw_ctx *ctx, tw_leaf *l) { return l->before ? TW_OK : tw_optim_zeros(ctx, l->p, &l->before); }

static tw_status call_rule(tw_ctx *ctx, tw_optim *o, tw_leaf *l, const tw_rule *rule, tw_tensor *g, tw_tensor *scalars, const tw_rule_attrs *attrs) {
  int n_slots = rule->op->n_in - 4;
  l->by_norm = attrs->norm;
  tw_status made = TW_OK;
  if (!l->by_norm) {
    made = tw_optim_before(ctx, l);
  } else if (!l->moved) {
    tw_tensor number = *l->p;
    number.ndim = 0;
    made = tw_optim_zeros(ctx, &number, &l->moved);
  }
  if (made != TW_OK) return made;
  tw_tensor *old = l->by_norm ? l->moved : l->before, *in[4 + TW_MAX_SLOTS] = {l->p, g, old}, *out[2 + TW_MAX_SLOTS] = {l->p, old};
  for (int k = 0; k < n_slots; k++) {
    tw_status s = tw_optim_slot(ctx, o, (int)(l - o->leaf), k, &in[3 + k]);
    if (s != TW_OK) return s;
    out[2 + k] = in[3 + k];
  }
  in[3 + n_slots] = scalars;
  tw_call c = {.op = rule->op, .attrs = attrs, .in = in, .out = out, .n_in = 4 + n_slots, .n_out = 2 + n_slots};
  return tw_apply(ctx, &c);
}

static uint32_t uniform_rows(const tw_optim *o, int n, double *const *s) {
  uint32_t bits = 0;
  for (int k = 0; k < n; k++) bits |= uniform(o, s[k]) ? 1u << k : 0;
  return bits;
}

/* A block of doubles as rows [n][lanes]. */
static double **make_rows(tw_ctx *ctx, const tw_optim *o, int n) {
  size_t lanes = (size_t)o->lanes, head = ((size_t)n * sizeof(double *) + 15) & ~(size_t)15;
  char *block = tw_alloc(head + (size_t)n * lanes * sizeof(double));
  if (!block) {
    (void)tw_fail(&ctx->error, TW_ENOMEM, "%s: out of memory", o->kind->name);
    return NULL;
  }
  double **rows = (double **)(void *)block, *values = (double *)(void *)(block + head);
  for (int k = 0; k < n; k++) rows[k] = values + (size_t)k * lanes;
  return rows;
}

static void around(const tw_optim *o, int leaf, double *const *s) {
  int group = o->leaf[leaf].group;
  bool direct = o->kind->rule || o->kind->choose;
  tw__decay(o, group, s[TW_RULE_L2], s[TW_RULE_KEEP]);
  for (int r = 0; r < o->lanes; r++) {
    s[TW_RULE_SCALE][r] = direct ? o->scale[leaf * o->lanes + r] : 1;
    if (!direct) s[TW_RULE_L2][r] = 0;
    s[TW_RULE_LO][r] = o->hyper[group][o->n_own + TW_BOX_MIN][r];
    s[TW_RULE_HI][r] = o->hyper[group][o->n_own + TW_BOX_MAX][r];
    s[TW_RULE_GO][r] = o->go[r];
  }
}

tw_status tw_optim_apply_rule(tw_ctx *ctx, tw_optim *o, int leaf, const tw_rule *rule, tw_tensor *g, double *const *given) {
  tw_leaf *l = &o->leaf[leaf];
  int n = TW_RULE_OWN + rule->n_scalars;
  double **s = make_rows(ctx, o, n);
  if (!s) return TW_ENOMEM;
  tw_hypers h = tw_optim_hypers(o, l->group);
  around(o, leaf, s);
  if (!given) rule->scalars(&h, s + TW_RULE_OWN);
  for (int k = 0; given && k < rule->n_scalars; k++) memcpy(s[TW_RULE_OWN + k], given[k], (size_t)o->lanes * sizeof(double));
  tw_tensor *scalars = NULL;
  tw_status status = scalars_tensor(ctx, o, (tw_dtype)l->p->dtype, n, s, &scalars);
  tw_rule_attrs attrs = {.variant = rule->variant ? rule->variant(&h) : 0, .uniform = uniform_rows(o, n, s)};
  if (status == TW_OK) status = call_rule(ctx, o, l, rule, g, scalars, &attrs);
  tw_tensor_release(ctx, scalars);
  tw_free(s);
  return status;
}

/* May the scalars made for one parameter serve another, or another step? Those of clipping by norms differ between parameters. */
static bool can_reuse(const tw_optim *o, const tw_leaf *l, int leaf, int made_for, const tw_rule *rule) {
  if (!o->scalars || o->scalars_group != l->group || o->scalars_dtype != l->p->dtype || o->scalars_rule != rule) return false;
  if (made_for < 0) {
    return !o->scaled && o->scalars_changes == o->changes && rule->steady && o->least_t > rule->steady;
  }
  return memcmp(o->scale + made_for * o->lanes, o->scale + leaf * o->lanes, (size_t)o->lanes * sizeof(double)) == 0;
}

static tw_status make_scalars(tw_ctx *ctx, tw_optim *o, int leaf, const tw_rule *rule, const tw_hypers *h) {
  const tw_leaf *l = &o->leaf[leaf];
  int n = TW_RULE_OWN + rule->n_scalars;
  tw_tensor_release(ctx, o->scalars);
  o->scalars = NULL;
  double **s = make_rows(ctx, o, n);
  if (!s) return TW_ENOMEM;
  around(o, leaf, s);
  rule->scalars(h, s + TW_RULE_OWN);
  tw_status status = scalars_tensor(ctx, o, (tw_dtype)l->p->dtype, n, s, &o->scalars);
  o->scalars_uniform = uniform_rows(o, n, s);
  tw_free(s);
  o->scalars_group = l->group;
  o->scalars_dtype = l->p->dtype;
  o->scalars_rule = rule;
  o->scalars_changes = o->changes;
  o->scalars_variant = rule->variant ? rule->variant(h) : 0;
  return status;
}

tw_status tw_optim_apply_kind(tw_ctx *ctx, tw_optim *o) {
  int made_for = -1;
  tw_status s = TW_OK;
  for (int i = 0; i < o->n && s == TW_OK; i++) {
    tw_leaf *l = &o->leaf[i];
    if (l->frozen) continue;
    tw_hypers h = tw_optim_hypers(o, l->group);
    const tw_rule *rule = o->kind->rule ? o->kind->rule : o->kind->choose(&h);
    if (!can_reuse(o, l, i, made_for, rule)) {
      s = make_scalars(ctx, o, i, rule, &h);
      made_for = i;
    }
    tw_rule_attrs attrs = {.variant = o->scalars_variant, .uniform = o->scalars_uniform, .rows = rows_across(o, l, o->grad[i], rule->op->n_in - 4)};
    attrs.norm = attrs.rows || adds_up(o, l, o->grad[i], rule->op->n_in - 4);
    if (s == TW_OK) s = call_rule(ctx, o, l, rule, o->grad[i], o->scalars, &attrs);
  }
  return s;
}

tw_status tw_optim_global_norm(tw_ctx *ctx, int n, tw_tensor *const *tensors, int lanes, double *out) {
  tw_optim width = {.lanes = lanes, .laned = lanes > 1};
  double *squares = tw_alloc((size_t)lanes * sizeof *squares);
  if (!squares) return tw_fail(&ctx->error, TW_ENOMEM, "norm: out of memory");
  tw_status s = TW_OK;
  for (int r = 0; r < lanes; r++) out[r] = 0;
  for (int i = 0; i < n && s == TW_OK; i++) {
    tw_compose k = {.ctx = ctx};
    tw_reduce_attrs all = {.axes = (1u << tensors[i]->ndim) - 1};
    tw_tensor *sum = NULL;
    s = tw_compose_end(&k, tw_do1(&k, &tw_op_sum, &all, tw_do1(&k, &tw_op_square, NULL, tensors[i])), &sum);
    if (s != TW_OK) break;
    tw_optim_numbers(&width, sum, squares);
    for (int r = 0; r < lanes; r++) out[r] += squares[r];
    tw_tensor_release(ctx, sum);
  }
  for (int r = 0; r < lanes; r++) out[r] = sqrt(out[r]);
  tw_free(squares);
  return s;
}

tw_status tw_optim_norm_of(tw_ctx *ctx, const tw_optim *o, tw_tensor *const *tensors, double *out) {
  tw_tensor **moving = tw_alloc((size_t)o->n * sizeof *moving);
  if (!moving) return tw_fail(&ctx->error, TW_ENOMEM, "%s: out of memory", o->kind->name);
  int n = 0;
  for (int i = 0; i < o->n; i++) {
    if (!o->leaf[i].frozen) moving[n++] = tensors[i];
  }
  tw_status s = tw_optim_global_norm(ctx, n, moving, o->lanes, out);
  tw_free(moving);
  return s;
}

tw_status tw_optim_step_norm(tw_ctx *ctx, const tw_optim *o, double *out) {
  tw_status s = TW_OK;
  double *own = tw_alloc((size_t)o->lanes * sizeof *own);
  if (!own) return tw_fail(&ctx->error, TW_ENOMEM, "%s: out of memory", o->kind->name);
  for (int r = 0; r < o->lanes; r++) out[r] = 0;
  for (int i = 0; i < o->n && s == TW_OK; i++) {
    tw_leaf *l = &o->leaf[i];
    if (l->frozen || (!l->before && !l->by_norm)) continue; /* nothing has moved yet */
    tw_compose k = {.ctx = ctx};
    tw_tensor *moved = NULL;
    if (l->by_norm) {
      tw_optim_numbers(o, l->moved, own);
      for (int r = 0; r < o->lanes; r++) own[r] = sqrt(own[r]);
    } else {
      s = tw_compose_end(&k, tw_do2(&k, &tw_op_sub, NULL, l->p, l->before), &moved);
      if (s == TW_OK) s = tw_optim_global_norm(ctx, 1, &moved, o->lanes, own);
    }
    for (int r = 0; r < o->lanes; r++) out[r] += own[r] * own[r];
    tw_tensor_release(ctx, moved);
  }
  for (int r = 0; r < o->lanes; r++) out[r] = out[r] == out[r] ? sqrt(out[r]) : (double)NAN; /* of several NaNs it is chance whose sign is left */
  tw_free(own);
  return s;
}
