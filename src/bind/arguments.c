/* Lua arguments in the project's words: axes, shapes, options. */
#include <string.h>

#include "bind/handle.h"

int tw_arg_axis(lua_State *L, int idx, int ndim) {
  lua_Integer axis = luaL_checkinteger(L, idx), from_end = axis < 0 ? axis + ndim + 1 : axis;
  if (from_end < 1 || from_end > ndim) {
    luaL_argerror(L, idx, lua_pushfstring(L, "axis %I is outside 1..%d (or -1..-%d from the end)", (LUAI_UACINT)axis, ndim, ndim));
  }
  return (int)from_end - 1;
}

uint32_t tw_arg_axes(lua_State *L, int idx, int ndim) {
  if (lua_isnoneornil(L, idx)) return (1u << ndim) - 1;
  if (!lua_istable(L, idx)) return 1u << tw_arg_axis(L, idx, ndim);
  uint32_t axes = 0;
  lua_Integer n = (lua_Integer)lua_rawlen(L, idx);
  if (n == 0) return (1u << ndim) - 1; /* {} names none in particular */
  for (lua_Integer i = 1; i <= n; i++) {
    int isnum;
    lua_rawgeti(L, idx, i);
    lua_Integer axis = lua_tointegerx(L, -1, &isnum);
    lua_pop(L, 1);
    if (axis < 0) axis += ndim + 1;
    if (!isnum || axis < 1 || axis > ndim) luaL_argerror(L, idx, lua_pushfstring(L, "axes must be whole numbers in 1..%d or negative from the end", ndim));
    axes |= 1u << (axis - 1);
  }
  return axes;
}

/* A size is one number for all lanes. */
static void refuse_lane(lua_State *L, int idx) {
  const tw_handle *h = tw_handle_test(L, idx);
  if (h && h->tensor && tw_bind_to_tensor(L, idx)->ndim == 0) tw_refuse_laned(L, h->tensor, "a size");
}

static int64_t size_at(lua_State *L, int idx, int arg) {
  refuse_lane(L, idx);
  int isnum;
  lua_Integer size = lua_tointegerx(L, idx, &isnum);
  if (!isnum || size < -1) luaL_argerror(L, arg, lua_pushfstring(L, "a size must be a whole number >= 0, got %s", luaL_tolstring(L, idx, NULL)));
  return size;
}

int tw_arg_shape(lua_State *L, int first, tw_shape *shape) {
  *shape = (tw_shape){0};
  if (lua_istable(L, first)) {
    lua_Integer n = (lua_Integer)lua_rawlen(L, first);
    lua_pushnil(L);
    bool empty = !lua_next(L, first);
    if (!empty) lua_pop(L, 2);
    if (n > TW_MAX_DIM) luaL_argerror(L, first, "a tensor has at most 8 axes");
    for (lua_Integer i = 1; i <= n; i++) {
      lua_rawgeti(L, first, i);
      shape->d[shape->n++] = size_at(L, -1, first);
      lua_pop(L, 1);
    }
    return n || empty ? first + 1 : first; /* first: an option table, the shape is empty */
  }
  int i = first;
  for (; lua_type(L, i) == LUA_TNUMBER; i++) {
    if (shape->n == TW_MAX_DIM) luaL_argerror(L, i, "a tensor has at most 8 axes");
    shape->d[shape->n++] = size_at(L, i, i);
  }
  if (i == first) refuse_lane(L, i);
  return i;
}

void tw_arg_options(lua_State *L, int idx, const char *owner, const char *const *names) {
  if (lua_isnoneornil(L, idx)) return;
  luaL_checktype(L, idx, LUA_TTABLE);
  lua_pushnil(L);
  while (lua_next(L, idx)) {
    const char *key = lua_type(L, -2) == LUA_TSTRING ? lua_tostring(L, -2) : NULL;
    bool known = false;
    for (int i = 0; key && names[i]; i++) known = known || strcmp(names[i], key) == 0;
    if (!known) {
      luaL_Buffer b;
      luaL_tolstring(L, -2, NULL);
      const char *given = lua_tostring(L, -1);
      luaL_buffinit(L, &b);
      for (int i = 0; names[i]; i++) {
        if (i) luaL_addstring(&b, ", ");
        luaL_addstring(&b, names[i]);
      }
      luaL_pushresult(&b);
      tw_raise(L, "%s: unknown option %s; valid: %s", owner, given, lua_tostring(L, -1));
    }
    lua_pop(L, 1);
  }
}

bool tw_arg_flag(lua_State *L, int idx, const char *name) {
  if (!lua_istable(L, idx)) return false;
  lua_getfield(L, idx, name);
  bool on = lua_toboolean(L, -1);
  lua_pop(L, 1);
  return on;
}

tw_dtype tw_arg_dtype(lua_State *L, int idx, tw_dtype otherwise) {
  tw_dtype d = otherwise;
  if (!lua_istable(L, idx)) return d;
  if (lua_getfield(L, idx, "dtype") != LUA_TNIL) {
    const char *name = lua_tostring(L, -1);
    if (!name || !tw_dtype_parse(name, &d)) luaL_argerror(L, idx, "dtype must be one of \"f64\", \"f32\", \"i64\", \"bool\"");
  }
  lua_pop(L, 1);
  return d;
}
