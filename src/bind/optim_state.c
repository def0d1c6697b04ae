/* The state of an optimizer as plain data: engine:read() and engine:write(). Tensors are copies; what has not been used yet is absent. */
#include <string.h>

#include "bind/optim.h"
#include "optim/parts.h"
#include "tensor/ctx.h"

static void put_copy(lua_State *L, const char *name, tw_tensor *t) {
  if (!t) return;
  tw_handle *h = tw_handle_new(L);
  tw_tensor *own = NULL;
  tw_bind_status(L, tw_optim_copy(tw_bind_ctx(L), t, &own));
  tw_handle_fill(L, h, own);
  lua_setfield(L, -2, name);
}

static void put_integer(lua_State *L, const char *name, int64_t v) {
  lua_pushinteger(L, v);
  lua_setfield(L, -2, name);
}

int tw_engine_read(lua_State *L) {
  const tw_optim *o = tw_engine_check(L, 1)->optim;
  lua_createtable(L, 0, 8);
  put_integer(L, "steps", o->steps);
  put_integer(L, "updates", o->t[0]);
  put_integer(L, "calls", o->calls);
  lua_pushboolean(L, o->begun);
  lua_setfield(L, -2, "begun");
  lua_createtable(L, o->n, 0);
  for (int i = 0; i < o->n; i++) {
    const tw_leaf *l = &o->leaf[i];
    lua_newtable(L);
    for (int k = 0; k < o->n_slots; k++) put_copy(L, o->kind->slots[k], l->slot[k]);
    put_copy(L, "accumulated", l->accumulated);
    put_copy(L, "ema", l->ema);
    lua_rawseti(L, -2, i + 1);
  }
  lua_setfield(L, -2, "leaves");
  lua_newtable(L);
  for (int i = 0; o->kind->vectors[i].name; i++) put_copy(L, o->kind->vectors[i].name, o->vector[i]);
  lua_setfield(L, -2, "vectors");
  lua_newtable(L);
  for (int i = 0; o->kind->numbers[i]; i++) {
    lua_pushnumber(L, o->number[i][0]);
    lua_setfield(L, -2, o->kind->numbers[i]);
  }
  lua_setfield(L, -2, "numbers");
  return 1;
}

/* Takes a copy of field `name` of the table on top; absent: NULL. like: the shape and dtype it must have, NULL where any will do. */
static tw_tensor *get_copy(lua_State *L, const char *owner, const char *name, const tw_tensor *like) {
  if (lua_getfield(L, -1, name) == LUA_TNIL) {
    lua_pop(L, 1);
    return NULL;
  }
  tw_tensor *t = tw_bind_to_tensor(L, -1), *own = NULL;
  if (!t) luaL_error(L, "%s: the saved %s is no tensor", owner, name);
  tw_shape a = tw_tensor_shape(t), b = like ? tw_tensor_shape(like) : a;
  if (like && (!tw_shape_equal(&a, &b) || like->dtype != t->dtype)) {
    char has[128], wants[128];
    luaL_error(L, "%s: the saved %s is %s, the parameter %s", owner, name, tw_tensor_describe(t, has, sizeof has),
               tw_tensor_describe(like, wants, sizeof wants));
  }
  tw_bind_status(L, tw_optim_copy(tw_bind_ctx(L), t, &own));
  lua_pop(L, 1);
  return own;
}

static void replace(tw_ctx *ctx, tw_tensor **place, tw_tensor *owned) {
  tw_tensor_release(ctx, *place);
  *place = owned;
}

static int64_t get_integer(lua_State *L, const char *owner, const char *name) {
  lua_getfield(L, 2, name);
  int ok;
  lua_Integer v = lua_tointegerx(L, -1, &ok);
  if (!ok || v < 0) luaL_error(L, "%s: the saved state has no count `%s`", owner, name);
  lua_pop(L, 1);
  return v;
}

static void check_table(lua_State *L, const char *owner, const char *name) {
  if (lua_getfield(L, 2, name) != LUA_TTABLE) luaL_error(L, "%s: the saved state has no table `%s`", owner, name);
}

int tw_engine_write(lua_State *L) {
  tw_optim *o = tw_engine_check(L, 1)->optim;
  tw_ctx *ctx = tw_bind_ctx(L);
  const char *owner = o->kind->name;
  luaL_checktype(L, 2, LUA_TTABLE);
  int64_t steps = get_integer(L, owner, "steps"), updates = get_integer(L, owner, "updates"), calls = get_integer(L, owner, "calls");
  check_table(L, owner, "leaves");
  for (int i = 0; i < o->n; i++) {
    tw_leaf *l = &o->leaf[i];
    if (lua_rawgeti(L, -1, i + 1) != LUA_TTABLE) luaL_error(L, "%s: the saved state lacks parameter %d", owner, i + 1);
    for (int k = 0; k < o->n_slots; k++) replace(ctx, &l->slot[k], get_copy(L, owner, o->kind->slots[k], l->p));
    replace(ctx, &l->accumulated, get_copy(L, owner, "accumulated", l->p));
    replace(ctx, &l->ema, get_copy(L, owner, "ema", l->p));
    lua_pop(L, 1);
  }
  check_table(L, owner, "vectors");
  for (int i = 0; o->kind->vectors[i].name; i++) {
    tw_tensor *like = NULL, *given;
    const tw_optim_vector *v = &o->kind->vectors[i];
    tw_bind_status(L, tw_optim_vector_of(ctx, o, i, &like));
    given = get_copy(L, owner, v->name, v->grows ? NULL : like);
    bool fits = !given || !v->grows || (given->ndim == 2 && given->dtype == like->dtype && given->shape[1] == like->shape[1]);
    if (!fits) {
      char has[128];
      tw_tensor_describe(given, has, sizeof has);
      tw_tensor_release(ctx, given);
      luaL_error(L, "%s: the saved %s is %s; it must have rows of %I", owner, v->name, has, (LUAI_UACINT)like->shape[1]);
    }
    bool given_once = o->kind->given && strcmp(o->kind->given, v->name) == 0; /* an option's: it may stand in no saved state */
    if (given || !given_once) replace(ctx, &o->vector[i], given);             /* absent: not used yet */
  }
  check_table(L, owner, "numbers");
  for (int i = 0; o->kind->numbers[i]; i++) {
    if (lua_getfield(L, -1, o->kind->numbers[i]) != LUA_TNUMBER) luaL_error(L, "%s: the saved state has no number `%s`", owner, o->kind->numbers[i]);
    for (int r = 0; r < o->lanes; r++) o->number[i][r] = lua_tonumber(L, -1);
    lua_pop(L, 1);
  }
  lua_getfield(L, 2, "begun");
  o->begun = lua_toboolean(L, -1);
  o->steps = steps;
  o->calls = calls;
  for (int r = 0; r < o->lanes; r++) o->t[r] = updates;
  return 0;
}
