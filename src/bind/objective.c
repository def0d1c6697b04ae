/* The script's function as an optimizer sees it: value, gradient, and through the face (lua/thalweg/optim) what needs further transforms. Every evaluation
 * is protected: what the script raises travels through the core as a status and is raised again behind it. All evaluations of one step see the same random
 * numbers; the results of the first are the step's. */
#include <math.h>

#include "base/alloc.h"
#include "bind/optim.h"
#include "grad/grad.h"
#include "op/op.h"
#include "optim/parts.h"
#include "tensor/ctx.h"

typedef struct {
  tw_objective base;
  tw_engine *e;
  lua_State *L;
  int f, n_args;       /* stack index of f; its arguments, the parameters first, stand above it */
  int first, last;     /* the results of the first evaluation; 0: there was none yet */
  double *loss;        /* where an evaluation leaves them */
  tw_tensor **out;
  const char *call;    /* hvp, hessian, residual: the face's function */
  tw_tensor *vector;
  tw_tensor *terms;    /* replaces the argument after the parameters */
  bool want_second, kept, whole; /* whole: the terms were called by a plain number */
} objective;

void tw_engine_check_function(lua_State *L, const tw_engine *e) {
  if (lua_type(L, 2) == LUA_TFUNCTION) return;
  tw_raise(L, "%s: step needs the function to be minimised, opt:step(function(params) ... return loss end), got %s", e->optim->kind->name,
           tw_handle_test(L, 2) ? "a tensor" : luaL_typename(L, 2));
}

void tw_engine_check_same(lua_State *L, const tw_engine *e, const tw_leaves *seen) {
  bool same = seen->n == e->params.n;
  for (size_t i = 0; same && i < seen->n; i++) same = seen->leaf[i] == e->params.leaf[i];
  if (!same) tw_raise(L, "%s: the tree of parameters has changed since the optimizer was made", e->optim->kind->name);
}

void tw_engine_detach(lua_State *L, const tw_leaves *leaves, int idx, int depth) {
  tw_handle *h = tw_handle_test(L, idx);
  if (h && !h->collected && h->tensor && h->tensor->serial == h->serial) {
    for (size_t i = 0; i < leaves->n; i++) {
      if (leaves->leaf[i]->storage == h->tensor->storage) {
        tw_bind_status(L, tw_tensor_unshare(tw_bind_ctx(L), h->tensor));
        return;
      }
    }
  }
  if (h || lua_type(L, idx) != LUA_TTABLE || depth == 100) return;
  if (lua_getmetatable(L, idx)) {
    lua_pop(L, 1);
    return;
  }
  luaL_checkstack(L, 4, "a result is nested too deeply");
  lua_pushnil(L);
  while (lua_next(L, idx)) {
    tw_engine_detach(L, leaves, lua_gettop(L), depth + 1);
    lua_pop(L, 1);
  }
}

/* In an evaluation's own frame: 1 the objective, 2 the engine, 3 f, from 4 on its arguments. */
static void push_call(lua_State *L, const objective *o, int from) {
  for (int i = from; i < 4 + o->n_args; i++) lua_pushvalue(L, i);
}

static void read_loss(lua_State *L, objective *o, int idx) {
  tw_tensor *t = tw_bind_to_tensor(L, idx);
  if (t && t->ndim == 0 && tw_is_real((tw_dtype)t->dtype)) {
    tw_optim_numbers(o->e->optim, t, o->loss);
  } else if (lua_type(L, idx) == LUA_TNUMBER) {
    for (int r = 0; r < o->e->optim->lanes; r++) o->loss[r] = lua_tonumber(L, idx);
  } else {
    tw_raise(L, "%s: the function must return the loss, a 0-d tensor, first; got %s", o->e->optim->kind->name, luaL_typename(L, idx));
  }
}

/* The terms asked for, in the place of those the step was called with. */
static objective *begin_evaluation(lua_State *L) {
  objective *o = lua_touserdata(L, 1);
  if (!o->terms || o->n_args < 2) return o;
  if (o->whole) {
    lua_pushinteger(L, tw_tensor_get_i64(o->terms, 0));
  } else {
    tw_handle *h = tw_handle_new(L);
    tw_handle_fill(L, h, tw_tensor_retain(o->terms));
  }
  lua_replace(L, 5);
  return o;
}

/* Leaves the results of f as its own results. */
static int run_gradient(lua_State *L) {
  objective *o = begin_evaluation(L);
  if (o->kept) tw_pass_push(L); /* what grads() and info() speak of is the first gradient, before the update */
  else lua_getiuservalue(L, 2, TW_ENGINE_PASS);
  o->kept = true;
  lua_replace(L, 2);
  int first = tw_pass_run(L, 2, 3, o->n_args, 1, o->e->optim->kind->name), last = lua_gettop(L);
  tw_pass *s = lua_touserdata(L, 2);
  tw_engine_check_same(L, o->e, &s->leaves);
  read_loss(L, o, first);
  for (int i = first; i <= last; i++) tw_engine_detach(L, &s->leaves, i, 0);
  for (size_t i = 0; i < s->leaves.n; i++) o->out[i] = tw_tensor_retain(s->grads[i]);
  tw_pass_end(L, s, first);
  return last - first + 1;
}

/* scope(f, ...) with what it needs. */
static int run_value(lua_State *L) {
  objective *o = begin_evaluation(L);
  tw_pass_push_scope(L);
  int base = lua_gettop(L);
  push_call(L, o, 3);
  lua_call(L, o->n_args + 1, LUA_MULTRET);
  if (lua_gettop(L) < base) return tw_raise(L, "%s: the function returned nothing; it must return the loss", o->e->optim->kind->name);
  read_loss(L, o, base);
  for (int i = base; i <= lua_gettop(L); i++) tw_engine_detach(L, &o->e->params, i, 0);
  return lua_gettop(L) - base + 1;
}

/* face[call](f, params, vector or whether a second result is wanted, ...) -> one or two tensors, then results of f */
static int run_face(lua_State *L) {
  objective *o = begin_evaluation(L);
  tw_pass_push_scope(L);
  int base = lua_gettop(L);
  lua_getiuservalue(L, 2, TW_ENGINE_FACE);
  lua_getfield(L, -1, o->call);
  lua_remove(L, -2);
  lua_pushvalue(L, 3);
  if (o->vector) {
    tw_handle *h = tw_handle_new(L);
    tw_handle_fill(L, h, tw_tensor_retain(o->vector));
  } else {
    lua_pushboolean(L, o->want_second);
  }
  push_call(L, o, 4);
  lua_call(L, o->n_args + 3, LUA_MULTRET);
  int wanted = o->want_second ? 2 : 1;
  for (int i = 0; i < wanted; i++) {
    tw_tensor *t = tw_bind_to_tensor(L, base + i);
    if (!t) return tw_raise(L, "%s: the function must return tensors here, got %s", o->e->optim->kind->name, luaL_typename(L, base + i));
    if (t->storage->leaf || t->levels) return tw_raise(L, "%s: a result is still being differentiated", o->e->optim->kind->name);
  }
  for (int i = 0; i < wanted; i++) o->out[i] = tw_tensor_retain(tw_bind_to_tensor(L, base + i));
  for (int i = base + 2; i <= lua_gettop(L); i++) tw_engine_detach(L, &o->e->params, i, 0);
  int n = lua_gettop(L) - base + 1;
  return n - 2 > 0 ? n - 2 : 0; /* places 1 and 2 are the tensors (or nil); what follows are results of f */
}

/* Nothing here raises: what a step holds is given back behind it. */
static tw_status evaluate(tw_ctx *ctx, objective *o, lua_CFunction f, bool keeps) {
  lua_State *L = o->L;
  const char *name = o->e->optim->kind->name;
  if (!lua_checkstack(L, o->n_args + 16)) return tw_fail(&ctx->error, TW_ENOMEM, "%s: the stack is full", name);
  tw_status rewound = tw_draws_rewind(L);
  if (rewound != TW_OK) return rewound;
  int top = lua_gettop(L);
  lua_pushcfunction(L, f);
  lua_pushlightuserdata(L, o);
  lua_pushvalue(L, o->e->self);
  lua_pushvalue(L, o->f);
  for (int i = 0; i < o->n_args; i++) lua_pushvalue(L, o->f + 1 + i);
  int rc = lua_pcall(L, 3 + o->n_args, LUA_MULTRET, 0);
  tw_bind_settle(L);
  if (rc != LUA_OK) {
    lua_setiuservalue(L, o->e->self, TW_ENGINE_RAISED);
    o->e->raised = true;
    lua_settop(L, top);
    return tw_fail(&ctx->error, TW_EINVAL, "%s: the function raised an error", name);
  }
  for (int r = 0; r < o->e->optim->lanes; r++) o->base.evaluations[r] += !o->base.asking || o->base.asking[r] != 0;
  if (keeps && !o->first && lua_gettop(L) > top) {
    o->first = top + 1;
    o->last = lua_gettop(L);
  } else {
    lua_settop(L, top);
  }
  return TW_OK;
}

static tw_status gradient(tw_objective *base, tw_ctx *ctx, double *loss, tw_tensor **grads) {
  objective *o = (objective *)base;
  o->loss = loss;
  o->out = grads;
  return evaluate(ctx, o, run_gradient, true);
}

static tw_status value(tw_objective *base, tw_ctx *ctx, double *loss) {
  objective *o = (objective *)base;
  o->loss = loss;
  return evaluate(ctx, o, run_value, true);
}

static tw_status through_face(tw_ctx *ctx, objective *o, const char *call, tw_tensor *vector, bool two, tw_tensor **out) {
  o->call = call;
  o->vector = vector;
  o->want_second = two;
  o->out = out;
  return evaluate(ctx, o, run_face, true);
}

static tw_status hvp(tw_objective *base, tw_ctx *ctx, tw_tensor *vector, tw_tensor **out) {
  return through_face(ctx, (objective *)base, "hvp", vector, false, out);
}

static tw_status hessian(tw_objective *base, tw_ctx *ctx, tw_tensor **out) { return through_face(ctx, (objective *)base, "hessian", NULL, false, out); }

static tw_status residual(tw_objective *base, tw_ctx *ctx, tw_tensor **r, tw_tensor **jacobian) {
  tw_tensor *out[2] = {NULL, NULL};
  tw_status s = through_face(ctx, (objective *)base, "residual", NULL, jacobian != NULL, out);
  *r = out[0];
  if (jacobian) *jacobian = out[1];
  return s;
}

static tw_status at(tw_objective *base, tw_ctx *ctx, tw_tensor *index) {
  objective *o = (objective *)base;
  (void)ctx;
  o->terms = index;
  return TW_OK;
}

/* Whole numbers after the parameters name terms of a finite sum. */
static tw_tensor *read_terms(lua_State *L, int idx) {
  tw_tensor *t = tw_bind_to_tensor(L, idx);
  if (t) return t->dtype == TW_I64 ? tw_tensor_retain(t) : NULL;
  if (!lua_isinteger(L, idx)) return NULL;
  tw_bind_status(L, tw_tensor_new_scalar(tw_bind_ctx(L), TW_I64, (double)lua_tointeger(L, idx), &t));
  return t;
}

/* solve(f, params, ...) */
int tw_engine_solve(lua_State *L) {
  tw_engine *e = tw_engine_check(L, 1);
  tw_engine_check_function(L, e);
  int n_args = lua_gettop(L) - 2;
  tw_ctx *ctx = tw_bind_ctx(L);
  tw_engine_refuse_busy(L, e);
  tw_pass *places = tw_pass_push(L); /* owns the list: collecting it may raise */
  tw_leaves_collect(L, 3, &places->leaves, e->optim->kind->name);
  tw_engine_check_same(L, e, &places->leaves);
  tw_pass_clear(L, places);
  lua_pop(L, 1);
  objective o = {.base = {.value = value, .gradient = gradient, .hvp = hvp, .hessian = hessian, .residual = residual, .at = at},
                 .e = e, .L = L, .f = 2, .n_args = n_args};
  if (n_args > 1) {
    o.base.index = read_terms(L, 4);
    o.whole = lua_isinteger(L, 4);
  }
  tw_engine_enter(L, e, 1);
  size_t outer = tw_draws_begin(L);
  tw_status s = tw_optim_solve(ctx, e->optim, &o.base);
  tw_draws_end(L, outer);
  tw_tensor_release(ctx, o.base.index);
  tw_engine_leave(L, e);
  tw_engine_status(L, e, 1, s);
  if (!o.first) return 0;
  lua_settop(L, o.last);
  return o.last - o.first + 1;
}
