/* Optimizers: the engine behind tw.optim, whose face (schedules, recipes, option tables, groups by path) is lua/thalweg/optim.
 *   core.optimizer(kind or its name, params, face [, inner engine]) -> engine
 *   engine:step(f, params, ...) engine:update(params, grads)
 *   engine:set(group, option, value, constant) engine:get(group, option) engine:add_group() engine:assign(leaf, group) engine:freeze(leaf)
 *   engine:index(tensor) engine:flat() engine:average(i) engine:grads(params) engine:info() engine:steps() engine:read() engine:write(state)
 *   engine:rewind() engine:replayed() */
#include "bind/optim.h"

#include <string.h>

#include "base/alloc.h"
#include "optim/parts.h"
#include "tensor/ctx.h"

static const char type_name[] = "tw.optimizer", info_name[] = "tw.optimizer_info";

tw_engine *tw_engine_check(lua_State *L, int idx) { return luaL_checkudata(L, idx, type_name); }

void tw_engine_refuse_busy(lua_State *L, const tw_engine *e) {
  if (e->L) tw_raise(L, "%s: called inside its own step", e->optim->kind->name);
}

void tw_engine_enter(lua_State *L, tw_engine *e, int self) {
  tw_engine_refuse_busy(L, e);
  luaL_checkstack(L, 4, "optimizers are nested too deeply"); /* may raise: the innermost is marked first */
  if (e->optim->inner) {
    lua_getiuservalue(L, self, TW_ENGINE_INNER);
    tw_engine_enter(L, e->optim->inner->user, lua_gettop(L));
  }
  e->L = L;
  e->self = self;
  tw_bind_ctx(L)->lanes_held++;
}

void tw_engine_leave(lua_State *L, tw_engine *e) {
  for (; e; e = e->optim->inner ? e->optim->inner->user : NULL) {
    e->L = NULL;
    tw_bind_ctx(L)->lanes_held--;
  }
}

int tw_engine_status(lua_State *L, tw_engine *e, int self, tw_status s) {
  if (s == TW_OK) return 1;
  for (; !e->raised && e->optim->inner; e = e->optim->inner->user) {
    lua_getiuservalue(L, self, TW_ENGINE_INNER);
    self = lua_gettop(L);
  }
  if (!e->raised) return tw_bind_status(L, s);
  e->raised = false;
  lua_getiuservalue(L, self, TW_ENGINE_RAISED);
  lua_pushnil(L);
  lua_setiuservalue(L, self, TW_ENGINE_RAISED);
  return lua_error(L);
}

/* optimizer(kind, params, face [, inner]) */
static int new_engine(lua_State *L) {
  const tw_optim_kind *made = tw_kind_test(L, 1), *kind = made ? made : tw_optim_find(luaL_checkstring(L, 1));
  luaL_argcheck(L, kind, 1, "no such optimizer");
  lua_settop(L, 4);
  tw_engine *inner = kind->wraps ? tw_engine_check(L, 4) : NULL;
  tw_engine *e = lua_newuserdatauv(L, sizeof *e, TW_ENGINE_VALUES);
  *e = (tw_engine){0};
  luaL_setmetatable(L, type_name);
  tw_pass *pass = tw_pass_push(L);
  pass->replay = tw_replay_new();
  if (!pass->replay) return tw_raise(L, "%s: out of memory", kind->name);
  lua_setiuservalue(L, 5, TW_ENGINE_PASS);
  lua_pushvalue(L, 3);
  lua_setiuservalue(L, 5, TW_ENGINE_FACE);
  lua_pushvalue(L, 4);
  lua_setiuservalue(L, 5, TW_ENGINE_INNER);
  if (made) {
    lua_getiuservalue(L, 1, 1);
    lua_setiuservalue(L, 5, TW_ENGINE_STEP);
    lua_pushvalue(L, 1);
    lua_setiuservalue(L, 5, TW_ENGINE_RAISED); /* keeps the kind alive until */
    lua_pushvalue(L, 1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, kind);   /* it is anchored for good: optimizers of it may outlive its maker */
  }
  tw_leaves_collect(L, 2, &e->params, kind->name);
  if (e->params.n == 0) return tw_raise(L, "%s: there is no real tensor among the parameters", kind->name);
  if (inner) {
    luaL_argcheck(L, !inner->lent, 4, "it is another optimizer's already");
    inner->lent = true;
    lua_pushvalue(L, 5);
    lua_setiuservalue(L, 4, TW_ENGINE_OUTER); /* whoever holds the inner one holds its owner */
  }
  tw_bind_status(L, tw_optim_new(tw_bind_ctx(L), kind, (int)e->params.n, e->params.leaf, inner ? inner->optim : NULL, &e->optim));
  e->optim->user = e;
  if (made) e->optim->define = tw_kind_define;
  return 1;
}

static int release(lua_State *L) {
  tw_engine *e = tw_engine_check(L, 1);
  tw_ctx *ctx = tw_bind_ctx(L);
  if (!e->lent) tw_optim_free(ctx, e->optim);
  e->optim = NULL;
  tw_leaves_free(ctx, &e->params);
  return 0;
}

/* step(f, params, ...): kinds that take one gradient. */
static int step(lua_State *L) {
  tw_engine *e = tw_engine_check(L, 1);
  if (tw_optim_solves(e->optim)) return tw_engine_solve(L);
  tw_engine_refuse_busy(L, e);
  tw_engine_check_function(L, e);
  int n_args = lua_gettop(L) - 2;
  lua_getiuservalue(L, 1, TW_ENGINE_PASS);
  int at = lua_gettop(L);
  tw_pass *s = lua_touserdata(L, at);
  int first = tw_pass_run(L, at, 2, n_args, 1, e->optim->kind->name);
  int last = lua_gettop(L);
  tw_engine_check_same(L, e, &s->leaves);
  tw_optim_follow(tw_bind_ctx(L), e->optim); /* the loss has the lanes that are left */
  double *loss = tw_optim_loss(e->optim);
  if (tw_optim_wants_loss(e->optim)) tw_optim_numbers(e->optim, tw_bind_to_tensor(L, first), loss);
  for (int i = first; i <= last; i++) tw_engine_detach(L, &s->leaves, i, 0);
  tw_engine_enter(L, e, 1);
  tw_status status = tw_optim_update(tw_bind_ctx(L), e->optim, s->grads, loss);
  tw_engine_leave(L, e);
  tw_engine_status(L, e, 1, status);
  lua_settop(L, last);
  tw_pass_end(L, s, first);
  return last - first + 1;
}

/* Gradients of one's own: a tree like the parameters', matched place by place. engine:update(params, grads). */
static int update(lua_State *L) {
  tw_engine *e = tw_engine_check(L, 1);
  const char *name = e->optim->kind->name;
  lua_settop(L, 3);
  tw_pass *places = tw_pass_push(L), *given = tw_pass_push(L); /* own the lists: collecting them may raise */
  tw_leaves_every(L, 2, &places->leaves, name);
  tw_leaves_every(L, 3, &given->leaves, name);
  const tw_leaves *p = &places->leaves, *g = &given->leaves;
  if (g->n != p->n) {
    return tw_raise(L, "%s: %I gradients for %I parameters; give a tree like the parameters'", name, (LUAI_UACINT)g->n, (LUAI_UACINT)p->n);
  }
  tw_tensor **grad = lua_newuserdatauv(L, (e->params.n + 1) * sizeof *grad, 0);
  for (size_t i = 0; i < e->params.n; i++) grad[i] = NULL;
  e->params.next = 0;
  for (size_t k = 0; k < p->n; k++) {
    size_t i = tw_leaves_find(&e->params, p->leaf[k]);
    if (i == e->params.n) return tw_raise(L, "%s: the tree of parameters has changed since the optimizer was made", name);
    grad[i] = g->leaf[k];
  }
  for (size_t i = 0; i < e->params.n; i++) {
    if (!grad[i]) return tw_raise(L, "%s: the tree of parameters has changed since the optimizer was made", name);
  }
  for (size_t i = 0; i < e->params.n; i++) { /* a parameter as its own gradient: what grads() and info() speak of is the value before */
    if (grad[i]->storage != e->params.leaf[i]->storage) continue;
    tw_handle *h = tw_handle_new(L);
    tw_tensor *own = NULL;
    tw_bind_status(L, tw_optim_copy(tw_bind_ctx(L), grad[i], &own));
    tw_handle_fill(L, h, own);
    grad[i] = own;
  }
  tw_engine_enter(L, e, 1);
  tw_status status = tw_optim_update(tw_bind_ctx(L), e->optim, grad, NULL);
  tw_engine_leave(L, e);
  tw_engine_status(L, e, 1, status);
  lua_getiuservalue(L, 1, TW_ENGINE_PASS);
  tw_pass *last = lua_touserdata(L, -1);
  if (!last->opened.open) tw_pass_keep(L, last, &e->params, grad);
  tw_pass_clear(L, places);
  tw_pass_clear(L, given);
  return 0;
}

static tw_pass *last_pass(lua_State *L, const tw_engine *e) {
  lua_getiuservalue(L, 1, TW_ENGINE_PASS);
  tw_pass *s = lua_touserdata(L, -1);
  if (s->opened.open) tw_raise(L, "%s: the step is not over yet", e->optim->kind->name);
  if (s->leaves.n == 0 || !s->grads || !s->grads[0]) tw_raise(L, "%s: no step has been taken yet", e->optim->kind->name);
  return s;
}

static int grads(lua_State *L) {
  tw_engine *e = tw_engine_check(L, 1);
  const tw_optim_kind *kind = e->optim->kind;
  if (kind->residuals) return tw_raise(L, "%s: it works from residuals and has no gradient tree; info().grad_norm has the norm", kind->name);
  tw_pass *s = last_pass(L, e);
  s->leaves.next = 0;
  tw_tree_push(L, 2, &s->leaves, s->grads, true);
  return 1;
}

static int no_such_info(lua_State *L) {
  const char *key = lua_tostring(L, 2);
  if (key && strcmp(key, "reason") == 0) {
    luaL_where(L, 1);
    lua_pushstring(L, "info().reason: it differs between the runs computed together (lanes); info().stopped says where it is not empty: "
                      "run:stop_if(opt:info().stopped) or tw.where(...), or take what differs off the list of lanes");
    lua_concat(L, 2);
    tw_lanes_note_failure(L); /* alone the word is there */
    return lua_error(L);
  }
  return 0;
}

/* info() -> { grad_norm, step_norm, evaluations, reason, stopped } of the last step; numbers by lane in lanes */
static int info(lua_State *L) {
  tw_engine *e = tw_engine_check(L, 1);
  const tw_optim *solver = e->optim;
  while (solver->inner) solver = solver->inner;
  bool own = solver->n_options == solver->n_own; /* it evaluates the function itself and knows the norm */
  if (own && solver->steps == 0) return tw_raise(L, "%s: no step has been taken yet", e->optim->kind->name);
  tw_pass *s = own ? NULL : last_pass(L, e);
  tw_ctx *ctx = tw_bind_ctx(L);
  tw_optim_follow(ctx, e->optim);
  double *v = lua_newuserdatauv(L, (size_t)e->optim->lanes * sizeof *v, 0);
  lua_createtable(L, 0, 4);
  if (own) memcpy(v, solver->grad_norm, (size_t)solver->lanes * sizeof *v);
  else tw_bind_status(L, tw_optim_global_norm(ctx, (int)s->leaves.n, s->grads, e->optim->lanes, v));
  tw_optim *o = e->optim;
  tw_engine_push_lanes(L, v, o->laned);
  lua_setfield(L, -2, "grad_norm");
  tw_bind_status(L, tw_optim_step_norm(ctx, o, v));
  tw_engine_push_lanes(L, v, o->laned);
  lua_setfield(L, -2, "step_norm");
  if (o->laned) tw_engine_push_lanes(L, o->evaluations, true);
  else lua_pushinteger(L, (lua_Integer)o->evaluations[0]);
  lua_setfield(L, -2, "evaluations");
  bool same = true;
  for (int r = 0; r < o->lanes; r++) {
    same = same && strcmp(o->reason[r], o->reason[0]) == 0;
    v[r] = o->reason[r][0] != 0;
  }
  if (same) {
    lua_pushstring(L, o->reason[0]);
    lua_setfield(L, -2, "reason");
  } else { /* a word would decide for all of them */
    luaL_getmetatable(L, info_name);
    lua_setmetatable(L, -2);
  }
  if (o->laned) tw_engine_push_lanes(L, v, true);
  else lua_pushboolean(L, v[0] != 0);
  lua_setfield(L, -2, "stopped");
  return 1;
}

static int steps(lua_State *L) {
  lua_pushinteger(L, tw_engine_check(L, 1)->optim->steps);
  return 1;
}

/* Evaluations of f that took the short way (grad/replay.c): for tests and benchmarks. */
static int replayed(lua_State *L) {
  tw_engine_check(L, 1);
  lua_getiuservalue(L, 1, TW_ENGINE_PASS);
  lua_pushinteger(L, tw_replay_count(tw_pass_check(L, -1)->replay));
  return 1;
}

static int check_group(lua_State *L, const tw_engine *e, int idx) {
  lua_Integer g = luaL_checkinteger(L, idx);
  luaL_argcheck(L, g >= 0 && g < e->optim->n_groups, idx, "no such group");
  return (int)g;
}

static int check_option(lua_State *L, const tw_engine *e, int idx) {
  lua_Integer i = luaL_checkinteger(L, idx);
  luaL_argcheck(L, i >= 1 && i <= e->optim->n_options, idx, "no such option");
  return (int)i - 1;
}

static int check_leaf(lua_State *L, const tw_engine *e, int idx) {
  lua_Integer i = luaL_checkinteger(L, idx);
  luaL_argcheck(L, i >= 1 && i <= e->optim->n, idx, "no such parameter");
  return (int)i - 1;
}

/* A number, or one that differs between lanes. */
static int set(lua_State *L) {
  tw_engine *e = tw_engine_check(L, 1);
  tw_ctx *ctx = tw_bind_ctx(L);
  int group = check_group(L, e, 2), option = check_option(L, e, 3);
  tw_optim_follow(ctx, e->optim);
  const tw_tensor *t = lua_type(L, 4) == LUA_TUSERDATA ? tw_bind_to_tensor(L, 4) : NULL;
  if (!t) {
    double v = luaL_checknumber(L, 4);
    tw_bind_status(L, tw_optim_set(ctx, e->optim, group, option, 1, &v, lua_toboolean(L, 5)));
    return 0;
  }
  luaL_argcheck(L, t->ndim == 0 && t->dtype != TW_BOOL, 4, "a number is needed");
  if (t->lanes & ~1 || (t->lanes && !e->optim->laned))
    return tw_raise(L, "%s: a hyperparameter differs between the slices of a tw.vmap", e->optim->kind->name);
  double *v = lua_newuserdatauv(L, (size_t)e->optim->lanes * sizeof *v, 0);
  tw_optim_numbers(e->optim, t, v);
  tw_bind_status(L, tw_optim_set(ctx, e->optim, group, option, 0, v, false));
  return 0;
}

void tw_engine_push_lanes(lua_State *L, const double *v, bool differs) {
  if (!differs) {
    lua_pushnumber(L, v[0]);
    return;
  }
  tw_handle *h = tw_handle_new(L);
  tw_tensor *t;
  tw_bind_status(L, tw_tensor_new_lanes(tw_bind_ctx(L), TW_F64, 0, v, &t));
  tw_handle_fill(L, h, t);
}

static int get(lua_State *L) {
  tw_engine *e = tw_engine_check(L, 1);
  int group = check_group(L, e, 2), option = check_option(L, e, 3);
  tw_optim_follow(tw_bind_ctx(L), e->optim);
  tw_engine_push_lanes(L, e->optim->hyper[group][option], e->optim->differs[group][option]);
  return 1;
}

static int add_group(lua_State *L) {
  tw_engine *e = tw_engine_check(L, 1);
  int group;
  tw_bind_status(L, tw_optim_add_group(tw_bind_ctx(L), e->optim, &group));
  lua_pushinteger(L, group);
  return 1;
}

static int assign(lua_State *L) {
  tw_engine *e = tw_engine_check(L, 1);
  e->optim->leaf[check_leaf(L, e, 2)].group = check_group(L, e, 3);
  return 0;
}

static int freeze(lua_State *L) {
  tw_engine *e = tw_engine_check(L, 1);
  e->optim->leaf[check_leaf(L, e, 2)].frozen = true;
  return 0;
}

static int leaf_index(lua_State *L) {
  tw_engine *e = tw_engine_check(L, 1);
  e->params.next = 0;
  size_t i = tw_leaves_find(&e->params, tw_handle_check(L, 2));
  if (i < e->params.n) lua_pushinteger(L, (lua_Integer)i + 1);
  else lua_pushnil(L);
  return 1;
}

static int average(lua_State *L) {
  tw_engine *e = tw_engine_check(L, 1);
  int i = check_leaf(L, e, 2);
  tw_handle *h = tw_handle_new(L);
  tw_tensor *lent = NULL, *own = NULL;
  tw_ctx *ctx = tw_bind_ctx(L);
  tw_bind_status(L, tw_optim_average(ctx, e->optim, i, &lent));
  tw_status s = tw_optim_copy(ctx, lent, &own);
  tw_tensor_release(ctx, lent);
  tw_bind_status(L, s);
  tw_handle_fill(L, h, own);
  return 1;
}

/* All parameters that move as one vector. */
static int flat(lua_State *L) {
  tw_engine *e = tw_engine_check(L, 1);
  tw_handle *h = tw_handle_new(L);
  tw_tensor *x = NULL;
  tw_bind_status(L, tw_flat_params(tw_bind_ctx(L), e->optim, &x));
  tw_handle_fill(L, h, x);
  return 1;
}

/* Every generator back to where it stood when the step began: what evaluates f more than once in one call asks for it. */
static int rewind_draws(lua_State *L) {
  tw_engine_check(L, 1);
  tw_bind_status(L, tw_draws_rewind(L));
  return 0;
}

static const luaL_Reg methods[] = {
  {"step", step},       {"update", update}, {"grads", grads},      {"info", info},       {"steps", steps}, {"set", set},
  {"get", get},         {"assign", assign}, {"add_group", add_group}, {"freeze", freeze}, {"flat", flat},   {"index", leaf_index},
  {"average", average}, {"read", tw_engine_read}, {"write", tw_engine_write}, {"rewind", rewind_draws},
  {"replayed", replayed}, {NULL, NULL},
};
static const luaL_Reg functions[] = {
  {"optimizer", new_engine}, {NULL, NULL},
};

void tw_register_optim(lua_State *L) {
  luaL_newmetatable(L, type_name);
  lua_pushcfunction(L, release);
  lua_setfield(L, -2, "__gc");
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_pop(L, 1);
  luaL_newmetatable(L, info_name);
  lua_pushcfunction(L, no_such_info);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  luaL_setfuncs(L, functions, 0);
  tw_register_kinds(L);
}
