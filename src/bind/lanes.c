/* What differs between the runs computed together, for the runner and for tw.vmap:
 *   core.lanes_begin(width), core.lanes_end(), core.lanes() -> width or nil    hidden axis 0: the runs
 *   core.laned(values [, name [, dtype]]) -> a number that differs between the runs (0-d, weak); i64 where all values are integers
 *   core.is_laned(v)   core.lane(x, i) -> a copy of lane i, an ordinary tensor   core.lane_numbers(x) -> { number, ... } of a 0-d tensor or a number
 *   core.lanes_compact{ i, ... }: only these lanes, ascending, stay
 *   core.lanes_failure() -> what the engine has refused since lanes_begin, where more than one lane is open: it may be one lane's fault alone; or nil
 *   core.lanes_raise(message): raises it as the engine would
 *   core.lanes_in(x, axis), core.lanes_out(x): an axis to the innermost hidden axis, and back as the first one */
#include "bind/optim.h"
#include "op/op.h"
#include "tensor/ctx.h"

static const char failure_key;

void tw_lanes_note_failure(lua_State *L) {
  const tw_ctx *ctx = tw_bind_ctx(L);
  if (!(ctx->lanes & 1) || ctx->lane_size[0] < 2) return;
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &failure_key) == LUA_TNIL) {
    lua_pushvalue(L, -2);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &failure_key);
  }
  lua_pop(L, 1);
}

static int lanes_failure(lua_State *L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &failure_key);
  return 1;
}

static int lanes_raise(lua_State *L) {
  luaL_checkstring(L, 1);
  lua_settop(L, 1);
  tw_lanes_note_failure(L);
  return lua_error(L);
}

static int lanes_begin(lua_State *L) {
  tw_ctx *ctx = tw_bind_ctx(L);
  lua_Integer width = luaL_checkinteger(L, 1);
  luaL_argcheck(L, width > 0, 1, "at least one lane is needed");
  if (ctx->lanes || ctx->active) return tw_raise(L, "lanes_begin: lanes are open already, or a function is being differentiated");
  tw_bind_status(L, tw_lanes_open(ctx, width, 0));
  lua_pushnil(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &failure_key);
  return 0;
}

static int lanes_end(lua_State *L) {
  tw_lanes_close(tw_bind_ctx(L), 0);
  return 0;
}

static int lanes(lua_State *L) {
  const tw_ctx *ctx = tw_bind_ctx(L);
  if (!(ctx->lanes & 1)) return 0;
  lua_pushinteger(L, ctx->lane_size[0]);
  return 1;
}

static tw_ctx *check_open(lua_State *L, const char *what) {
  tw_ctx *ctx = tw_bind_ctx(L);
  if (!(ctx->lanes & 1)) tw_raise(L, "%s: no lanes are open; core.lanes_begin(width) opens them", what);
  return ctx;
}

static int laned(lua_State *L) {
  tw_ctx *ctx = check_open(L, "laned");
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 3);
  int64_t width = ctx->lane_size[0];
  if ((int64_t)lua_rawlen(L, 1) != width) {
    return tw_raise(L, "laned: there must be a value for each lane: values are %I, lanes are %I", (LUAI_UACINT)lua_rawlen(L, 1), (LUAI_UACINT)width);
  }
  bool whole = true;
  double *values = lua_newuserdatauv(L, sizeof *values * (size_t)width, 0);
  for (int64_t i = 0; i < width; i++) {
    lua_rawgeti(L, 1, i + 1);
    if (lua_type(L, -1) != LUA_TNUMBER) return tw_raise(L, "laned: every value must be a number: value %I is a %s", (LUAI_UACINT)i + 1, luaL_typename(L, -1));
    whole = whole && lua_isinteger(L, -1);
    values[i] = lua_tonumber(L, -1);
    lua_pop(L, 1);
  }
  tw_dtype d = whole ? TW_I64 : TW_F64;
  luaL_argcheck(L, lua_isnil(L, 3) || (tw_dtype_parse(luaL_checkstring(L, 3), &d) && (d == TW_F64 || (d == TW_I64 && whole))), 3,
                "must be \"f64\", or \"i64\" where all values are integers");
  tw_handle *h = tw_handle_new(L);
  tw_tensor *t;
  tw_bind_status(L, tw_tensor_new_lanes(ctx, d, 0, values, &t));
  for (int64_t i = 0; d == TW_I64 && i < width; i++) {
    tw_tensor one = tw_tensor_lane(t, i);
    lua_rawgeti(L, 1, i + 1);
    *(int64_t *)(void *)one.data = lua_tointeger(L, -1);
    lua_pop(L, 1);
  }
  tw_handle_fill(L, h, t);
  if (!lua_isnil(L, 2)) {
    luaL_checkstring(L, 2);
    lua_pushvalue(L, 2);
    tw_handle_set_name(L, -2);
  }
  return 1;
}

static int is_laned(lua_State *L) {
  const tw_tensor *t = lua_type(L, 1) == LUA_TUSERDATA ? tw_bind_to_tensor(L, 1) : NULL;
  lua_pushboolean(L, t && t->lanes);
  return 1;
}

static void only_runs(lua_State *L, const tw_tensor *t, const char *what) {
  if (t->lanes & ~1) tw_raise(L, "%s: the value differs between the slices of a tw.vmap as well", what);
}

static int lane(lua_State *L) {
  tw_ctx *ctx = check_open(L, "lane");
  tw_tensor *x = tw_handle_check(L, 1), *y;
  lua_Integer i = luaL_checkinteger(L, 2);
  luaL_argcheck(L, i >= 1 && i <= ctx->lane_size[0], 2, "there is no such lane");
  only_runs(L, x, "lane");
  tw_shape shape = tw_tensor_shape(x);
  tw_handle *h = tw_handle_new(L);
  tw_bind_status(L, tw_tensor_new(ctx, (tw_dtype)x->dtype, &shape, &y));
  tw_tensor one = tw_tensor_lane(x, x->lanes ? i - 1 : 0);
  tw__copy_into(y, &one);
  y->weak = x->weak;
  tw_handle_fill(L, h, y);
  return 1;
}

static int lane_numbers(lua_State *L) {
  tw_ctx *ctx = check_open(L, "lane_numbers");
  bool number = lua_type(L, 1) == LUA_TNUMBER;
  const tw_tensor *x = number ? NULL : tw_handle_check(L, 1);
  luaL_argcheck(L, number || x->size == 1, 1, "must be a number or a tensor with one element");
  if (x) only_runs(L, x, "lane_numbers");
  lua_settop(L, 1);
  lua_createtable(L, (int)ctx->lane_size[0], 0);
  for (int64_t i = 0; i < ctx->lane_size[0]; i++) {
    if (number) {
      lua_pushvalue(L, 1);
    } else {
      tw_tensor one = tw_tensor_lane(x, x->lanes ? i : 0);
      if (x->dtype == TW_BOOL) lua_pushboolean(L, tw_tensor_get(&one, 0) != 0);
      else if (x->dtype == TW_I64) lua_pushinteger(L, tw_tensor_get_i64(&one, 0));
      else lua_pushnumber(L, tw_tensor_get(&one, 0));
    }
    lua_rawseti(L, 2, i + 1);
  }
  return 1;
}

static int lanes_compact(lua_State *L) {
  tw_ctx *ctx = check_open(L, "lanes_compact");
  luaL_checktype(L, 1, LUA_TTABLE);
  size_t n = lua_rawlen(L, 1);
  luaL_argcheck(L, n > 0, 1, "at least one lane must stay");
  int64_t *kept = lua_newuserdatauv(L, n * sizeof *kept, 0);
  for (size_t i = 0; i < n; i++) {
    lua_rawgeti(L, 1, (lua_Integer)i + 1);
    kept[i] = luaL_checkinteger(L, -1) - 1;
    lua_pop(L, 1);
  }
  if (tw_open_level(L)) return tw_raise(L, "lanes_compact: a function is being differentiated");
  if (tw_draws_noted(L)) return tw_raise(L, "lanes_compact: an optimizer is evaluating the function");
  tw_bind_status(L, tw_lanes_compact(ctx, (int64_t)n, kept));
  return 0;
}

static int call_lanes(lua_State *L, const tw_op *op, tw_lanes_attrs *a, bool dense) {
  tw_ctx *ctx = tw_bind_ctx(L);
  tw_tensor *x = tw_handle_check(L, 1), *y, *out;
  a->h = tw_lanes_innermost(ctx);
  if (a->h < 1) return tw_raise(L, "%s: no hidden axis is open", op->name);
  a->size = ctx->lane_size[a->h];
  luaL_argcheck(L, op == &tw_op_lanes_out || x->shape[a->axis] == a->size, 1, "the mapped axis must be as long as there are lanes");
  tw_handle *h = tw_handle_new(L);
  tw_compose k = {.ctx = ctx};
  tw_cast_attrs same = {.dtype = (tw_dtype)x->dtype};
  y = tw_do1(&k, op, a, x);
  if (dense && y && (!tw_tensor_is_contiguous(y) || y->storage->lanes != y->lanes)) y = tw_do1(&k, &tw_op_cast, &same, y);
  tw_bind_status(L, tw_compose_end(&k, y, &out));
  tw_handle_fill(L, h, out);
  return 1;
}

static int lanes_in(lua_State *L) {
  tw_lanes_attrs a = {.axis = tw_arg_axis(L, 2, tw_handle_check(L, 1)->ndim)};
  return call_lanes(L, &tw_op_lanes_in, &a, false);
}

static int lanes_out(lua_State *L) { return call_lanes(L, &tw_op_lanes_out, &(tw_lanes_attrs){.axis = 0}, true); }

void tw_register_lanes(lua_State *L) {
  static const luaL_Reg functions[] = {
    {"lanes_begin", lanes_begin}, {"lanes_end", lanes_end}, {"lanes", lanes}, {"laned", laned}, {"is_laned", is_laned}, {"lane", lane},
    {"lane_numbers", lane_numbers}, {"lanes_compact", lanes_compact}, {"lanes_failure", lanes_failure}, {"lanes_raise", lanes_raise},
    {"lanes_in", lanes_in}, {"lanes_out", lanes_out}, {NULL, NULL},
  };
  luaL_setfuncs(L, functions, 0);
}
