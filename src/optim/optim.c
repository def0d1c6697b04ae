/* What all optimizers share: instances, slots, the loop over parameters. */
#include "optim/optim.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "op/op.h"
#include "optim/kinds.h"
#include "tensor/ctx.h"

const tw_optim_kind *const tw_all_optims[] = {
#define OPTIMIZER(name) &tw_optim_##name,
#include "optim/optims.def"
#undef OPTIMIZER
  NULL,
};

struct tw_optim {
  const tw_optim_kind *kind;
  int n, n_slots;
  int64_t steps;
  tw_tensor **params;
  tw_tensor **slots; /* [n][n_slots] */
};

const tw_optim_kind *tw_optim_find(const char *name) {
  for (int i = 0; tw_all_optims[i]; i++) {
    if (strcmp(tw_all_optims[i]->name, name) == 0) return tw_all_optims[i];
  }
  return NULL;
}

tw_status tw_optim_new(tw_ctx *ctx, const tw_optim_kind *kind, int n, tw_tensor *const *params, tw_optim **out) {
  tw_optim *o = tw_calloc(1, sizeof *o);
  if (!o) return tw_fail(&ctx->error, TW_ENOMEM, "%s: out of memory", kind->name);
  o->kind = kind;
  while (kind->slots[o->n_slots]) o->n_slots++;
  o->params = tw_calloc((size_t)n, sizeof *o->params);
  o->slots = tw_calloc((size_t)n * (size_t)o->n_slots, sizeof *o->slots);
  tw_status s = o->params && o->slots ? TW_OK : tw_fail(&ctx->error, TW_ENOMEM, "%s: out of memory", kind->name);
  for (int i = 0; i < n && s == TW_OK; i++) {
    if (!tw_is_real((tw_dtype)params[i]->dtype)) {
      char shape[128];
      s = tw_fail(&ctx->error, TW_EINVAL, "%s: a parameter must be real, got %s", kind->name, tw_tensor_describe(params[i], shape, sizeof shape));
      break;
    }
    o->params[o->n++] = tw_tensor_retain(params[i]);
    for (int k = 0; k < o->n_slots && s == TW_OK; k++) {
      tw_shape shape = tw_tensor_shape(params[i]);
      tw_tensor **slot = &o->slots[i * o->n_slots + k];
      s = tw_tensor_new(ctx, (tw_dtype)params[i]->dtype, &shape, slot);
      if (s == TW_OK) memset((*slot)->data, 0, (size_t)(*slot)->size * tw_dtype_size((tw_dtype)(*slot)->dtype));
    }
  }
  if (s != TW_OK) {
    tw_optim_free(ctx, o);
    return s;
  }
  *out = o;
  return TW_OK;
}

void tw_optim_free(tw_ctx *ctx, tw_optim *o) {
  if (!o) return;
  for (int i = 0; i < o->n; i++) {
    tw_tensor_release(ctx, o->params[i]);
    for (int k = 0; k < o->n_slots; k++) tw_tensor_release(ctx, o->slots[i * o->n_slots + k]);
  }
  tw_free(o->params);
  tw_free(o->slots);
  tw_free(o);
}

static tw_status check_gradient(tw_ctx *ctx, const tw_optim *o, int i, const tw_tensor *g) {
  tw_shape a = tw_tensor_shape(o->params[i]), b = tw_tensor_shape(g);
  if (tw_shape_equal(&a, &b) && g->dtype == o->params[i]->dtype) return TW_OK;
  char p[128], q[128];
  return tw_fail(&ctx->error, TW_EINVAL, "%s: gradient %d is %s, its parameter %s", o->kind->name, i + 1, tw_tensor_describe(g, q, sizeof q),
                 tw_tensor_describe(o->params[i], p, sizeof p));
}

/* The hyperparameters as 0-d tensors of one dtype. */
static tw_status make_hypers(tw_ctx *ctx, const tw_optim_kind *kind, const double *values, tw_dtype dtype, tw_tensor **hyper) {
  for (int h = 0; kind->options[h].name; h++) {
    if (kind->options[h].type != TW_OPTION_NUMBER) continue;
    tw_status s = tw_tensor_new_scalar(ctx, dtype, values[h], &hyper[h]);
    if (s != TW_OK) return s;
  }
  return TW_OK;
}

tw_status tw_optim_step(tw_ctx *ctx, tw_optim *o, tw_tensor *const *grads, const double *values) {
  tw_status s = TW_OK;
  for (int h = 0; o->kind->options[h].name && s == TW_OK; h++) s = tw_spec_check(&o->kind->options[h], o->kind->name, values[h], &ctx->error);
  for (int i = 0; i < o->n && s == TW_OK; i++) s = check_gradient(ctx, o, i, grads[i]);
  if (s != TW_OK) return s;
  tw_tensor *hyper[2][TW_MAX_HYPERS] = {{NULL}};
  bool made[2] = {false};
  for (int i = 0; i < o->n && s == TW_OK; i++) {
    tw_dtype d = (tw_dtype)o->params[i]->dtype;
    if (!made[d]) s = make_hypers(ctx, o->kind, values, d, hyper[d]);
    made[d] = true;
    tw_optim_leaf leaf = {.p = o->params[i], .g = grads[i], .slot = o->slots + i * o->n_slots, .hyper = hyper[d], .fixed = values, .t = o->steps + 1};
    if (s == TW_OK) s = o->kind->step(ctx, &leaf);
  }
  for (int d = 0; d < 2; d++) {
    for (int h = 0; h < TW_MAX_HYPERS; h++) tw_tensor_release(ctx, hyper[d][h]);
  }
  if (s == TW_OK) o->steps++;
  return s;
}

int64_t tw_optim_steps(const tw_optim *o) { return o->steps; }
void tw_optim_set_steps(tw_optim *o, int64_t steps) { o->steps = steps; }
tw_tensor *tw_optim_slot(const tw_optim *o, int slot, int leaf) { return o->slots[leaf * o->n_slots + slot]; }

tw_status tw_optim_global_norm(tw_ctx *ctx, int n, tw_tensor *const *tensors, double *out) {
  double total = 0;
  for (int i = 0; i < n; i++) {
    tw_compose k = {.ctx = ctx};
    tw_reduce_attrs all = {.axes = (1u << tensors[i]->ndim) - 1};
    tw_cast_attrs wide = {.dtype = TW_F64};
    tw_tensor *squares = NULL;
    tw_tensor *sum = tw_do1(&k, &tw_op_sum, &all, tw_do1(&k, &tw_op_square, NULL, tensors[i]));
    tw_status s = tw_compose_end(&k, tw_do1(&k, &tw_op_cast, &wide, sum), &squares);
    if (s != TW_OK) return s;
    if (squares->lanes) s = tw_fail(&ctx->error, TW_EINVAL, "grad_norm: the gradients differ between lanes; there is no one norm");
    total += tw_tensor_get(squares, 0);
    tw_tensor_release(ctx, squares);
    if (s != TW_OK) return s;
  }
  *out = sqrt(total);
  return TW_OK;
}
