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

static void put_lanes(lua_State *L, const double *v) {
  tw_handle *h = tw_handle_new(L);
  tw_tensor *t;
  tw_bind_status(L, tw_tensor_new_lanes(tw_bind_ctx(L), TW_F64, 0, v, &t));
  tw_handle_fill(L, h, t);
}

static void put_numbers(lua_State *L, const tw_optim *o, const char *name, const double *v) {
  if (o->laned) put_lanes(L, v);
  else lua_pushnumber(L, v[0]);
  lua_setfield(L, -2, name);
}

static void put_integer(lua_State *L, const char *name, int64_t v) {
  lua_pushinteger(L, v);
  lua_setfield(L, -2, name);
}

void tw_engine_push_updates(lua_State *L, const tw_optim *o) {
  bool same = true;
  for (int r = 1; r < o->lanes; r++) same = same && o->t[r] == o->t[0];
  if (same) {
    lua_pushinteger(L, o->t[0]);
    return;
  }
  double *t = lua_newuserdatauv(L, (size_t)o->lanes * sizeof *t, 0);
  for (int r = 0; r < o->lanes; r++) t[r] = (double)o->t[r];
  put_lanes(L, t);
  lua_remove(L, -2);
}

int tw_engine_read(lua_State *L) {
  tw_optim *o = tw_engine_check(L, 1)->optim;
  tw_optim_follow(tw_bind_ctx(L), o);
  lua_createtable(L, 0, 8);
  put_integer(L, "steps", o->steps);
  tw_engine_push_updates(L, o);
  lua_setfield(L, -2, "updates");
  put_integer(L, "calls", o->calls);
  put_numbers(L, o, "collected", o->collected);
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
  for (int i = 0; o->kind->numbers[i]; i++) put_numbers(L, o, o->kind->numbers[i], o->number[i]);
  lua_setfield(L, -2, "numbers");
  if (!o->kind->group_numbers[0]) return 1;
  lua_createtable(L, o->n_groups, 0); /* the whole first, then groups in order */
  for (int g = 0; g < o->n_groups; g++) {
    lua_newtable(L);
    for (int i = 0; o->kind->group_numbers[i]; i++) put_numbers(L, o, o->kind->group_numbers[i], o->group_number[g][i]);
    lua_rawseti(L, -2, g + 1);
  }
  lua_setfield(L, -2, "groups");
  return 1;
}

/* Takes a copy of field `name` of the table on top; absent: NULL. It must have the dtype of like, and its shape or (not NULL) that one. */
static tw_tensor *get_copy(lua_State *L, const char *owner, const char *name, const tw_tensor *like, const tw_shape *shape) {
  if (lua_getfield(L, -1, name) == LUA_TNIL) {
    lua_pop(L, 1);
    return NULL;
  }
  tw_tensor *t = tw_bind_to_tensor(L, -1), *own = NULL;
  if (!t) tw_raise(L, "%s: the saved %s is no tensor", owner, name);
  tw_shape a = tw_tensor_shape(t), b = shape ? *shape : tw_tensor_shape(like);
  if (!tw_shape_equal(&a, &b) || like->dtype != t->dtype) {
    char has[128], wants[128];
    tw_raise(L, "%s: the saved %s is %s, the parameter %s", owner, name, tw_tensor_describe(t, has, sizeof has),
             tw_tensor_describe(like, wants, sizeof wants));
  }
  tw_bind_status(L, tw_optim_copy(tw_bind_ctx(L), t, &own));
  lua_pop(L, 1);
  return own;
}

/* Everything is read twice: first to see that it fits, then to take it, so that a state that does not fit changes nothing. */
static void replace(tw_ctx *ctx, tw_tensor **place, tw_tensor *owned, bool take) {
  tw_tensor_release(ctx, take ? *place : owned);
  if (take) *place = owned;
}

static int64_t get_integer(lua_State *L, const char *owner, const char *name) {
  lua_getfield(L, 2, name);
  int ok;
  lua_Integer v = lua_tointegerx(L, -1, &ok);
  if (!ok || v < 0) tw_raise(L, "%s: the saved state has no count `%s`", owner, name);
  lua_pop(L, 1);
  return v;
}

static void check_table(lua_State *L, const char *owner, const char *name) {
  if (lua_getfield(L, 2, name) != LUA_TTABLE) tw_raise(L, "%s: the saved state has no table `%s`", owner, name);
}

/* Field `name` of the table on top, a number or one per lane; out may be NULL. */
static void get_numbers(lua_State *L, const tw_optim *o, const char *name, double *out) {
  int type = lua_getfield(L, -1, name);
  const tw_tensor *t = type == LUA_TUSERDATA ? tw_bind_to_tensor(L, -1) : NULL;
  if (type != LUA_TNUMBER && !t) tw_raise(L, "%s: the saved state has no number `%s`", o->kind->name, name);
  if (t && (t->ndim > 0 || t->dtype == TW_BOOL || t->lanes & ~1 || (t->lanes && !o->laned))) {
    tw_raise(L, "%s: the saved %s is not one number", o->kind->name, name);
  }
  if (t && out) tw_optim_numbers(o, t, out);
  for (int r = 0; r < o->lanes && !t && out; r++) out[r] = lua_tonumber(L, -1);
  lua_pop(L, 1);
}

static void write_groups(lua_State *L, tw_optim *o, bool take) {
  const char *owner = o->kind->name;
  if (!o->kind->group_numbers[0]) return;
  check_table(L, owner, "groups");
  int n = (int)lua_rawlen(L, -1);
  if (n != o->n_groups) tw_raise(L, "%s: the saved state has %d groups, the optimizer %d", owner, n - 1, o->n_groups - 1);
  for (int g = 0; g < n; g++) {
    if (lua_rawgeti(L, -1, g + 1) != LUA_TTABLE) tw_raise(L, "%s: the saved state lacks group %d", owner, g);
    for (int i = 0; o->kind->group_numbers[i]; i++) {
      get_numbers(L, o, o->kind->group_numbers[i], take ? o->group_number[g][i] : NULL);
    }
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
}

/* The shape of a saved vector that may have any number of rows. */
static tw_shape rows_of(lua_State *L, const char *owner, const char *name, const tw_tensor *like) {
  tw_shape shape = tw_tensor_shape(like);
  const tw_tensor *t = lua_getfield(L, -1, name) == LUA_TUSERDATA ? tw_bind_to_tensor(L, -1) : NULL;
  lua_pop(L, 1);
  if (t && (t->ndim != 2 || t->shape[1] != like->shape[1])) {
    char has[128];
    tw_raise(L, "%s: the saved %s is %s; it must have rows of %I", owner, name, tw_tensor_describe(t, has, sizeof has), (LUAI_UACINT)like->shape[1]);
  }
  if (t) shape.d[0] = t->shape[0];
  return shape;
}

static void write_all(lua_State *L, tw_optim *o, bool take) {
  tw_ctx *ctx = tw_bind_ctx(L);
  const char *owner = o->kind->name;
  check_table(L, owner, "leaves");
  for (int i = 0; i < o->n; i++) {
    tw_leaf *l = &o->leaf[i];
    if (lua_rawgeti(L, -1, i + 1) != LUA_TTABLE) tw_raise(L, "%s: the saved state lacks parameter %d", owner, i + 1);
    for (int k = 0; k < o->n_slots; k++) {
      tw_shape shape = tw_optim_slot_shape(o, i, k);
      replace(ctx, &l->slot[k], get_copy(L, owner, o->kind->slots[k], l->p, &shape), take);
    }
    replace(ctx, &l->accumulated, get_copy(L, owner, "accumulated", l->p, NULL), take);
    replace(ctx, &l->ema, get_copy(L, owner, "ema", l->p, NULL), take);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  check_table(L, owner, "vectors");
  for (int i = 0; o->kind->vectors[i].name; i++) {
    const tw_optim_vector *v = &o->kind->vectors[i];
    bool had = o->vector[i];
    tw_tensor *lent = NULL, *given;
    tw_bind_status(L, tw_optim_vector_of(ctx, o, i, &lent));
    tw_tensor like = *lent; /* its form: what is not there yet stays away, whether the state fits or not */
    if (!had) {
      tw_tensor_release(ctx, lent);
      o->vector[i] = NULL;
    }
    tw_shape shape = tw_tensor_shape(&like);
    if (v->grows) shape = rows_of(L, owner, v->name, &like);
    given = get_copy(L, owner, v->name, &like, &shape);
    bool given_once = o->kind->given && strcmp(o->kind->given, v->name) == 0; /* an option's: it may stand in no saved state */
    if (given || !given_once) replace(ctx, &o->vector[i], given, take);       /* absent: not used yet */
  }
  lua_pop(L, 1);
  check_table(L, owner, "numbers");
  for (int i = 0; o->kind->numbers[i]; i++) {
    get_numbers(L, o, o->kind->numbers[i], take ? o->number[i] : NULL);
  }
  lua_pop(L, 1);
  write_groups(L, o, take);
}

int tw_engine_write(lua_State *L) {
  tw_optim *o = tw_engine_check(L, 1)->optim;
  const char *owner = o->kind->name;
  tw_engine_refuse_busy(L, o->user);
  luaL_checktype(L, 2, LUA_TTABLE);
  int64_t steps = get_integer(L, owner, "steps"), calls = get_integer(L, owner, "calls");
  tw_optim_follow(tw_bind_ctx(L), o);
  double *updates = lua_newuserdatauv(L, (size_t)o->lanes * 2 * sizeof *updates, 0), *collected = updates + o->lanes;
  memset(collected, 0, (size_t)o->lanes * sizeof *collected);
  lua_pushvalue(L, 2);
  get_numbers(L, o, "updates", updates);
  if (calls > 0) get_numbers(L, o, "collected", collected);
  lua_pop(L, 1);
  for (int r = 0; r < o->lanes; r++) {
    if (!(updates[r] >= 0 && updates[r] <= 9007199254740992.0)) tw_raise(L, "%s: the saved state has no count `updates`", owner);
  }
  write_all(L, o, false);
  write_all(L, o, true);
  o->changes++; /* scalars are made anew */
  memcpy(o->collected, collected, (size_t)o->lanes * sizeof *o->collected);
  lua_getfield(L, 2, "begun");
  o->begun = lua_toboolean(L, -1);
  o->steps = steps;
  o->calls = calls;
  for (int r = 0; r < o->lanes; r++) o->t[r] = (int64_t)updates[r];
  return 0;
}
