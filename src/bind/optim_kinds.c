/* Kinds of optimizers: what they are called and take, for the face; and those a script makes, whose step is a function in Lua.
 *   core.optimizer_kinds() -> { { name=, about=, source=, solves=, wraps=, options = { { name=, type=, initial=, min=, max=, choices=, about= }, ... } }, ... }
 *   core.optimizer_common() -> options that follow the own ones of every kind that works from gradients
 *   core.optimizer_define(name, options, slots, step) -> kind */
#include <string.h>

#include "bind/optim.h"
#include "optim/parts.h"

static const char kind_name[] = "tw.optimizer_kind";

/* A kind made by a script: its strings are anchored in user values of the same object. */
typedef struct {
  tw_optim_kind kind;
  tw_option options[];
} made_kind;

const tw_optim_kind *tw_kind_test(lua_State *L, int idx) {
  const made_kind *made = luaL_testudata(L, idx, kind_name);
  return made ? &made->kind : NULL;
}

static void push_tensor(lua_State *L, tw_tensor *owned) {
  tw_handle *h = tw_handle_new(L);
  tw_handle_fill(L, h, owned);
}

/* The step of a kind made by a script, for one parameter: step(p, g, slots, hyper, t). */
static int call_step(lua_State *L) {
  tw_engine *e = lua_touserdata(L, 1);
  tw_optim *o = e->optim;
  int leaf = (int)lua_tointeger(L, 3);
  tw_leaf *l = &o->leaf[leaf];
  lua_pushvalue(L, 2);
  push_tensor(L, tw_tensor_retain(l->p));
  push_tensor(L, tw_tensor_retain(o->grad[leaf]));
  lua_createtable(L, 0, o->n_slots);
  for (int k = 0; k < o->n_slots; k++) {
    push_tensor(L, tw_tensor_retain(l->slot[k]));
    lua_setfield(L, -2, o->kind->slots[k]);
  }
  lua_createtable(L, 0, o->n_own);
  for (int i = 0; i < o->n_own; i++) {
    const tw_option *spec = &o->kind->options[i];
    if (spec->type == TW_OPTION_FLAG) lua_pushboolean(L, o->hyper[l->group][i][0] != 0);
    else tw_engine_push_lanes(L, o->hyper[l->group][i], o->differs[l->group][i]);
    lua_setfield(L, -2, spec->name);
  }
  tw_engine_push_updates(L, o);
  lua_call(L, 5, 0);
  return 0;
}

tw_status tw_kind_define(tw_ctx *ctx, tw_optim *o, int leaf) {
  tw_engine *e = o->user;
  lua_State *L = e->L;
  for (int k = 0; k < o->n_slots; k++) {
    tw_status s = o->leaf[leaf].slot[k] ? TW_OK : tw_optim_zeros(ctx, o->leaf[leaf].p, &o->leaf[leaf].slot[k]);
    if (s != TW_OK) return s;
  }
  if (!lua_checkstack(L, 8)) return tw_fail(&ctx->error, TW_ENOMEM, "%s: the stack is full", o->kind->name);
  lua_getiuservalue(L, e->self, TW_ENGINE_STEP);
  int step = lua_gettop(L);
  tw_pass_push_scope(L); /* scope(call_step, ...) */
  lua_pushcfunction(L, call_step);
  lua_pushlightuserdata(L, e);
  lua_pushvalue(L, step);
  lua_pushinteger(L, leaf);
  int rc = lua_pcall(L, 4, 0, 0);
  tw_bind_settle(L);
  tw_status s = TW_OK;
  if (rc != LUA_OK) {
    lua_setiuservalue(L, e->self, TW_ENGINE_RAISED);
    e->raised = true;
    s = tw_fail(&ctx->error, TW_EINVAL, "%s: the step raised an error", o->kind->name);
  }
  lua_settop(L, step - 1);
  return s;
}

static void set_number(lua_State *L, const char *name, double v) {
  lua_pushnumber(L, v);
  lua_setfield(L, -2, name);
}

static void set_text(lua_State *L, const char *name, const char *text) {
  lua_pushstring(L, text);
  lua_setfield(L, -2, name);
}

static void push_options(lua_State *L, const tw_option *options) {
  static const char *const types[] = {"number", "flag", "choice", "number"};
  lua_newtable(L);
  for (int i = 0; options[i].name; i++) {
    const tw_option *o = &options[i];
    lua_newtable(L);
    set_text(L, "name", o->name);
    set_text(L, "type", types[o->type]);
    set_text(L, "about", o->about);
    set_number(L, "initial", o->initial);
    set_number(L, "min", o->min);
    set_number(L, "max", o->max);
    if (o->choices) set_text(L, "choices", o->choices);
    lua_rawseti(L, -2, i + 1);
  }
}

/* { keras = { eps = 1e-7, eps_at = "hat" }, ... } of "eps=1e-7 eps_at=hat" */
static void push_presets(lua_State *L, const tw_optim_kind *kind) {
  lua_newtable(L);
  for (const tw_optim_preset *p = kind->presets; p && p->name; p++) {
    lua_newtable(L);
    for (const char *at = p->values; *at;) {
      size_t name = strcspn(at, "="), all = strcspn(at, " ");
      lua_pushlstring(L, at, name);
      lua_pushlstring(L, at + name + 1, all - name - 1);
      const char *text = lua_tostring(L, -1);
      bool yes = strcmp(text, "true") == 0;
      if (yes || strcmp(text, "false") == 0) {
        lua_pop(L, 1);
        lua_pushboolean(L, yes);
      } else if (lua_stringtonumber(L, text)) {
        lua_remove(L, -2);
      }
      lua_rawset(L, -3);
      at += all + (at[all] == ' ');
    }
    lua_setfield(L, -2, p->name);
  }
}

static int kinds(lua_State *L) {
  lua_newtable(L);
  for (int i = 0; tw_all_optims[i]; i++) {
    const tw_optim_kind *k = tw_all_optims[i];
    lua_newtable(L);
    set_text(L, "name", k->name);
    set_text(L, "about", k->about);
    set_text(L, "source", k->source);
    if (k->example) set_text(L, "example", k->example);
    lua_pushboolean(L, k->solve && !k->rule && !k->choose && !k->update); /* evaluates the function itself: has no common options, nor have those that wrap */
    lua_setfield(L, -2, "solves");
    lua_pushboolean(L, k->wraps);
    lua_setfield(L, -2, "wraps");
    set_text(L, "given", k->given);
    push_options(L, k->options);
    lua_setfield(L, -2, "options");
    push_presets(L, k);
    lua_setfield(L, -2, "presets");
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

static int common(lua_State *L) {
  push_options(L, tw_optim_common);
  lua_pushinteger(L, TW_COMMON_GROUPED);
  return 2;
}

/* optimizer_define(name, { { name=, flag=, initial=, min=, max=, about= }, ... }, { slot names }, step) -> kind. The face has checked them. */
static int define_kind(lua_State *L) {
  luaL_checkstring(L, 1);
  luaL_checktype(L, 2, LUA_TTABLE);
  luaL_checktype(L, 3, LUA_TTABLE);
  luaL_checktype(L, 4, LUA_TFUNCTION);
  size_t n = lua_rawlen(L, 2), n_slots = lua_rawlen(L, 3);
  luaL_argcheck(L, n_slots <= TW_MAX_SLOTS, 3, "too many slots");
  made_kind *m = lua_newuserdatauv(L, sizeof *m + (n + 1) * sizeof(tw_option), 4);
  memset(m, 0, sizeof *m + (n + 1) * sizeof(tw_option));
  luaL_setmetatable(L, kind_name);
  for (int i = 1; i <= 3; i++) { /* anchors of the strings, and the step first */
    lua_pushvalue(L, i == 1 ? 4 : i);
    lua_setiuservalue(L, 5, i);
  }
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, 5, 4);
  m->kind = (tw_optim_kind){.name = lua_tostring(L, 1), .about = "defined by the script", .source = "", .options = m->options};
  for (size_t i = 0; i < n; i++) {
    lua_rawgeti(L, 2, (lua_Integer)i + 1);
    tw_option *o = &m->options[i];
    lua_getfield(L, -1, "name");
    lua_getfield(L, -2, "flag");
    lua_getfield(L, -3, "initial");
    lua_getfield(L, -4, "min");
    lua_getfield(L, -5, "max");
    *o = (tw_option){.name = lua_tostring(L, -5), .type = lua_toboolean(L, -4) ? TW_OPTION_FLAG : TW_OPTION_NUMBER, .initial = lua_tonumber(L, -3),
                     .min = lua_tonumber(L, -2), .max = lua_tonumber(L, -1), .about = ""};
    lua_pop(L, 6);
  }
  for (size_t i = 0; i < n_slots; i++) {
    lua_rawgeti(L, 3, (lua_Integer)i + 1);
    m->kind.slots[i] = lua_tostring(L, -1);
    lua_pop(L, 1);
  }
  return 1;
}

static const luaL_Reg functions[] = {
  {"optimizer_kinds", kinds}, {"optimizer_common", common}, {"optimizer_define", define_kind}, {NULL, NULL},
};

void tw_register_kinds(lua_State *L) {
  luaL_newmetatable(L, kind_name);
  lua_pop(L, 1);
  luaL_setfuncs(L, functions, 0);
}
