/* Optimizers: the engine behind tw.optim, whose face (schedules, recipes, option tables) is lua/thalweg/optim.lua.
 *   core.optimizer_kinds() -> { { name=, about=, source=, options = { { name=, type=, initial=, min=, max=, choices=, about= }, ... } }, ... }
 *   core.optimizer(kind, params) -> engine
 *   engine:step(values, f, params, ...) engine:update(values, params, grads) engine:grads(params) engine:grad_norm() engine:steps() */
#include "optim/optim.h"
#include "bind/pass.h"
#include "tensor/ctx.h"

typedef struct {
  tw_optim *optim;
  const tw_optim_kind *kind;
  tw_leaves params;
} engine;

static const char type_name[] = "tw.optimizer";

static engine *check(lua_State *L) { return luaL_checkudata(L, 1, type_name); }

static int new_engine(lua_State *L) {
  const tw_optim_kind *kind = tw_optim_find(luaL_checkstring(L, 1));
  luaL_argcheck(L, kind, 1, "no such optimizer");
  lua_settop(L, 2);
  engine *e = lua_newuserdatauv(L, sizeof *e, 1);
  *e = (engine){.kind = kind};
  luaL_setmetatable(L, type_name);
  tw_pass_push(L);
  lua_setiuservalue(L, 3, 1);
  tw_leaves_collect(L, 2, &e->params, kind->name);
  if (e->params.n == 0) return luaL_error(L, "%s: there is no real tensor among the parameters", kind->name);
  tw_bind_status(L, tw_optim_new(tw_bind_ctx(L), kind, (int)e->params.n, e->params.leaf, &e->optim));
  return 1;
}

static int release(lua_State *L) {
  engine *e = check(L);
  tw_ctx *ctx = tw_bind_ctx(L);
  tw_optim_free(ctx, e->optim);
  e->optim = NULL;
  tw_leaves_free(ctx, &e->params);
  return 0;
}

/* The hyperparameters in force: one number per option, in the order of the spec table. */
static void read_values(lua_State *L, int idx, const tw_optim_kind *kind, double *values) {
  luaL_checktype(L, idx, LUA_TTABLE);
  for (int i = 0; kind->options[i].name; i++) {
    int isnum;
    lua_rawgeti(L, idx, i + 1);
    values[i] = lua_tonumberx(L, -1, &isnum);
    if (!isnum) luaL_error(L, "%s: %s must be a number, got %s", kind->name, kind->options[i].name, luaL_typename(L, -1));
    lua_pop(L, 1);
  }
}

static void check_same(lua_State *L, const engine *e, const tw_leaves *seen) {
  bool same = seen->n == e->params.n;
  for (size_t i = 0; same && i < seen->n; i++) same = seen->leaf[i] == e->params.leaf[i];
  if (!same) luaL_error(L, "%s: the tree of parameters has changed since the optimizer was made", e->kind->name);
}

/* A result that shows a parameter's own memory gets a copy: it is the value before the update. */
static void detach_results(lua_State *L, const tw_pass *s, int idx, int depth) {
  tw_handle *h = tw_handle_test(L, idx);
  if (h && !h->collected && h->tensor && h->tensor->serial == h->serial) {
    for (size_t i = 0; i < s->leaves.n; i++) {
      if (s->leaves.leaf[i]->storage == h->tensor->storage) {
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
    detach_results(L, s, lua_gettop(L), depth + 1);
    lua_pop(L, 1);
  }
}

static int step(lua_State *L) {
  engine *e = check(L);
  double values[TW_MAX_HYPERS];
  read_values(L, 2, e->kind, values);
  luaL_checktype(L, 3, LUA_TFUNCTION);
  int n_args = lua_gettop(L) - 3;
  lua_getiuservalue(L, 1, 1);
  int at = lua_gettop(L);
  tw_pass *s = lua_touserdata(L, at);
  int first = tw_pass_run(L, at, 3, n_args, 1, e->kind->name);
  int last = lua_gettop(L);
  check_same(L, e, &s->leaves);
  for (int i = first; i <= last; i++) detach_results(L, s, i, 0);
  tw_bind_status(L, tw_optim_step(tw_bind_ctx(L), e->optim, s->grads, values));
  tw_pass_end(L, s, first);
  return lua_gettop(L) - first + 1;
}

/* Gradients of one's own: a tree like the parameters', matched place by place. engine:update(values, params, grads). */
static int update(lua_State *L) {
  engine *e = check(L);
  double values[TW_MAX_HYPERS];
  read_values(L, 2, e->kind, values);
  lua_settop(L, 4);
  tw_pass *places = tw_pass_push(L), *given = tw_pass_push(L); /* own the lists: collecting them may raise */
  tw_leaves_every(L, 3, &places->leaves, e->kind->name);
  tw_leaves_every(L, 4, &given->leaves, e->kind->name);
  const tw_leaves *p = &places->leaves, *g = &given->leaves;
  if (g->n != p->n) {
    return luaL_error(L, "%s: %I gradients for %I parameters; give a tree like the parameters'", e->kind->name, (LUAI_UACINT)g->n, (LUAI_UACINT)p->n);
  }
  tw_tensor **grad = lua_newuserdatauv(L, (e->params.n + 1) * sizeof *grad, 0);
  for (size_t i = 0; i < e->params.n; i++) grad[i] = NULL;
  e->params.next = 0;
  for (size_t k = 0; k < p->n; k++) {
    size_t i = tw_leaves_find(&e->params, p->leaf[k]);
    if (i == e->params.n) return luaL_error(L, "%s: the tree of parameters has changed since the optimizer was made", e->kind->name);
    grad[i] = g->leaf[k];
  }
  for (size_t i = 0; i < e->params.n; i++) {
    if (!grad[i]) return luaL_error(L, "%s: the tree of parameters has changed since the optimizer was made", e->kind->name);
  }
  tw_bind_status(L, tw_optim_step(tw_bind_ctx(L), e->optim, grad, values));
  tw_pass_clear(L, places);
  tw_pass_clear(L, given);
  return 0;
}

static tw_pass *last_pass(lua_State *L, const engine *e) {
  lua_getiuservalue(L, 1, 1);
  tw_pass *s = lua_touserdata(L, -1);
  if (s->opened.open) luaL_error(L, "%s: the step is not over yet", e->kind->name);
  if (!s->grads || !s->grads[0]) luaL_error(L, "%s: no step has been taken yet", e->kind->name);
  return s;
}

static int grads(lua_State *L) {
  engine *e = check(L);
  tw_pass *s = last_pass(L, e);
  s->leaves.next = 0;
  tw_tree_push(L, 2, &s->leaves, s->grads, true);
  return 1;
}

static int grad_norm(lua_State *L) {
  engine *e = check(L);
  tw_pass *s = last_pass(L, e);
  double norm;
  tw_bind_status(L, tw_optim_global_norm(tw_bind_ctx(L), (int)s->leaves.n, s->grads, &norm));
  lua_pushnumber(L, norm);
  return 1;
}

static int steps(lua_State *L) {
  lua_pushinteger(L, tw_optim_steps(check(L)->optim));
  return 1;
}

static void push_number(lua_State *L, const char *name, double v) {
  lua_pushnumber(L, v);
  lua_setfield(L, -2, name);
}

static void push_option(lua_State *L, const tw_option *o) {
  static const char *const types[] = {"number", "flag", "choice"};
  lua_newtable(L);
  lua_pushstring(L, o->name);
  lua_setfield(L, -2, "name");
  lua_pushstring(L, types[o->type]);
  lua_setfield(L, -2, "type");
  lua_pushstring(L, o->about);
  lua_setfield(L, -2, "about");
  push_number(L, "initial", o->initial);
  push_number(L, "min", o->min);
  push_number(L, "max", o->max);
  if (o->choices) {
    lua_pushstring(L, o->choices);
    lua_setfield(L, -2, "choices");
  }
}

static int kinds(lua_State *L) {
  lua_newtable(L);
  for (int i = 0; tw_all_optims[i]; i++) {
    const tw_optim_kind *k = tw_all_optims[i];
    lua_newtable(L);
    lua_pushstring(L, k->name);
    lua_setfield(L, -2, "name");
    lua_pushstring(L, k->about);
    lua_setfield(L, -2, "about");
    lua_pushstring(L, k->source);
    lua_setfield(L, -2, "source");
    lua_newtable(L);
    for (int o = 0; k->options[o].name; o++) {
      push_option(L, &k->options[o]);
      lua_rawseti(L, -2, o + 1);
    }
    lua_setfield(L, -2, "options");
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

static const luaL_Reg methods[] = {{"step", step}, {"update", update}, {"grads", grads}, {"grad_norm", grad_norm}, {"steps", steps}, {NULL, NULL}};
static const luaL_Reg functions[] = {{"optimizer", new_engine}, {"optimizer_kinds", kinds}, {NULL, NULL}};

void tw_register_optim(lua_State *L) {
  luaL_newmetatable(L, type_name);
  lua_pushcfunction(L, release);
  lua_setfield(L, -2, "__gc");
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_pop(L, 1);
  luaL_setfuncs(L, functions, 0);
}
