/* record.plan_append: a plan as Lua tables becomes one PLAN frame. Texts are lent by the tables, arrays live on the Lua stack. */
#include <stdlib.h>

#include "bind/bind_record.h"
#include "record/record.h"

/* Field `name` of the table at idx as a table, pushed; an empty one when it is absent. */
static void push_table(lua_State *L, int idx, const char *name) {
  int type = lua_getfield(L, idx, name);
  if (type == LUA_TNIL) {
    lua_pop(L, 1);
    lua_newtable(L);
  } else if (type != LUA_TTABLE) {
    tw_raise(L, "plan_append: %s is not a table", name);
  }
}

static lua_Integer integer_field(lua_State *L, int idx, const char *name) {
  int ok;
  lua_getfield(L, idx, name);
  lua_Integer v = lua_tointegerx(L, -1, &ok);
  if (!ok) tw_raise(L, "plan_append: a run's %s is not an integer", name);
  lua_pop(L, 1);
  return v;
}

static int by_key(const void *a, const void *b) { return tw_text_compare(((const tw_meta *)a)->key, ((const tw_meta *)b)->key); }

static void take_meta(lua_State *L, tw_plan *p) {
  push_table(L, 2, "meta");
  int meta = lua_gettop(L);
  size_t n = 0;
  for (lua_pushnil(L); lua_next(L, meta); lua_pop(L, 1)) {
    if (lua_type(L, -2) != LUA_TSTRING || lua_type(L, -1) != LUA_TSTRING) tw_raise(L, "plan_append: meta holds texts by name");
    n++;
  }
  p->meta = tw_record_scratch(L, n + 1, sizeof *p->meta);
  for (lua_pushnil(L); lua_next(L, meta); lua_pop(L, 1)) p->meta[p->n_meta++] = (tw_meta){tw_record_text(L, -2), tw_record_text(L, -1)};
  qsort(p->meta, p->n_meta, sizeof *p->meta, by_key);
}

static void take_order(lua_State *L, tw_plan *p) {
  push_table(L, 2, "order");
  int order = lua_gettop(L);
  p->n_order = lua_rawlen(L, order);
  p->order = tw_record_scratch(L, p->n_order + 1, sizeof *p->order);
  for (size_t i = 0; i < p->n_order; i++) {
    int ok;
    lua_rawgeti(L, order, (lua_Integer)i + 1);
    p->order[i] = lua_tointegerx(L, -1, &ok);
    if (!ok) tw_raise(L, "plan_append: order holds run ids");
    lua_pop(L, 1);
  }
}

/* { name, value, nested = } on top of the stack. */
static void take_value(lua_State *L, tw_value *v) {
  int top = lua_gettop(L);
  if (!lua_istable(L, top)) tw_raise(L, "plan_append: a value is { name, value, nested = boolean }");
  lua_rawgeti(L, top, 1);
  v->name = tw_record_text(L, -1);
  if (v->name.n == 0) tw_raise(L, "plan_append: a value has no name");
  lua_getfield(L, top, "nested");
  v->nested = lua_toboolean(L, -1);
  int type = lua_rawgeti(L, top, 2);
  if (type == LUA_TNUMBER && lua_isinteger(L, -1)) {
    v->type = TW_VALUE_INT;
    v->as.i = lua_tointeger(L, -1);
  } else if (type == LUA_TNUMBER) {
    v->type = TW_VALUE_FLOAT;
    v->as.f = lua_tonumber(L, -1);
  } else if (type == LUA_TBOOLEAN) {
    v->type = TW_VALUE_BOOL;
    v->as.i = lua_toboolean(L, -1);
  } else if (type == LUA_TSTRING) {
    v->type = TW_VALUE_TEXT;
    v->as.t = tw_record_text(L, -1);
  } else {
    tw_raise(L, "plan_append: a value is a number, a boolean or a text: %s is a %s", v->name.s, lua_typename(L, type));
  }
  lua_settop(L, top);
}

static void take_runs(lua_State *L, tw_plan *p) {
  push_table(L, 2, "runs");
  int runs = lua_gettop(L);
  p->n_runs = lua_rawlen(L, runs);
  for (size_t i = 0; i < p->n_runs; i++) {
    if (lua_rawgeti(L, runs, (lua_Integer)i + 1) != LUA_TTABLE) tw_raise(L, "plan_append: runs holds tables");
    push_table(L, lua_gettop(L), "values");
    p->n_values += lua_rawlen(L, -1);
    lua_pop(L, 2);
  }
  p->runs = tw_record_scratch(L, p->n_runs + 1, sizeof *p->runs);
  p->values = tw_record_scratch(L, p->n_values + 1, sizeof *p->values);
  size_t used = 0;
  for (size_t i = 0; i < p->n_runs; i++) {
    tw_plan_run *r = &p->runs[i];
    lua_rawgeti(L, runs, (lua_Integer)i + 1);
    int run = lua_gettop(L);
    *r = (tw_plan_run){.id = integer_field(L, run, "id"), .seed = integer_field(L, run, "seed"), .rep = (int32_t)integer_field(L, run, "rep"),
                       .values = p->values + used};
    lua_getfield(L, run, "text");
    r->text = tw_record_text(L, -1);
    push_table(L, run, "values");
    int values = lua_gettop(L);
    r->n_values = (uint32_t)lua_rawlen(L, values);
    for (uint32_t k = 0; k < r->n_values; k++) {
      lua_rawgeti(L, values, (lua_Integer)k + 1);
      take_value(L, &p->values[used++]);
      lua_pop(L, 1);
    }
    lua_settop(L, run - 1);
  }
}

int tw_record_plan_append(lua_State *L) {
  const char *dir = luaL_checkstring(L, 1);
  luaL_checktype(L, 2, LUA_TTABLE);
  lua_settop(L, 2);
  lua_getfield(L, 2, "uuid");
  const char *uuid = lua_type(L, 3) == LUA_TSTRING ? lua_tostring(L, 3) : "";
  if (!*uuid) return tw_raise(L, "plan_append: the plan has no uuid");
  luaL_checkstack(L, 32, NULL);
  tw_plan plan = {0};
  tw_error e;
  take_meta(L, &plan);
  take_order(L, &plan);
  take_runs(L, &plan);
  tw_status s = tw_plan_check_columns(&plan, &e);
  if (s == TW_OK) s = tw_plan_append(dir, uuid, &plan, &e);
  return s == TW_OK ? 0 : tw_record_raise(L, &e);
}
