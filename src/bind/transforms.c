/* grad and value_and_grad. */
#include "bind/session.h"

static const char *const grad_options[] = {"wrt", NULL};

static uint32_t wrt_option(lua_State *L, int idx) {
  if (!lua_istable(L, idx) || lua_getfield(L, idx, "wrt") == LUA_TNIL) return 1;
  uint32_t wrt = 0;
  if (!lua_istable(L, -1)) luaL_error(L, "grad: wrt must be a list of argument numbers, like { wrt = {1, 3} }");
  lua_Integer n = (lua_Integer)lua_rawlen(L, -1);
  for (lua_Integer i = 1; i <= n; i++) {
    int isnum;
    lua_rawgeti(L, -1, i);
    lua_Integer arg = lua_tointegerx(L, -1, &isnum);
    lua_pop(L, 1);
    if (!isnum || arg < 1 || arg > 30) luaL_error(L, "grad: wrt must list argument numbers from 1 on");
    wrt |= 1u << (arg - 1);
  }
  if (!wrt) luaL_error(L, "grad: wrt lists no argument");
  lua_pop(L, 1);
  return wrt;
}

/* Upvalues: f, wrt, whether the value is wanted. Results: [loss,] gradients of one argument (or of each listed, in order), further results of f. */
static int call_grad(lua_State *L) {
  uint32_t wrt = (uint32_t)lua_tointeger(L, lua_upvalueindex(2));
  bool with_value = lua_toboolean(L, lua_upvalueindex(3));
  const char *owner = with_value ? "value_and_grad" : "grad";
  int n_args = lua_gettop(L);
  for (int i = 0; i < 30; i++) {
    if (wrt >> i & 1 && i >= n_args) return luaL_error(L, "%s: argument %d is to be differentiated, but only %d were given", owner, i + 1, n_args);
  }
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  tw_session *s = tw_session_push(L);
  lua_insert(L, 1);
  int first = tw_session_run(L, 1, 2, n_args, wrt, owner), last = lua_gettop(L);
  tw_session_end(L, s, first);
  luaL_checkstack(L, n_args + last + 8, "too many results");
  int n_out = 0;
  if (with_value) {
    lua_pushvalue(L, first);
    n_out++;
  }
  s->leaves.next = 0;
  for (int i = 0; i < n_args; i++) {
    if (!(wrt >> i & 1)) continue;
    tw_tree_push(L, 3 + i, &s->leaves, s->grads, true);
    n_out++;
  }
  for (int i = first + 1; i <= last; i++, n_out++) lua_pushvalue(L, i);
  tw_session_clear(L, s);
  return n_out;
}

static int make(lua_State *L, bool with_value) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  tw_arg_options(L, 2, with_value ? "value_and_grad" : "grad", grad_options);
  uint32_t wrt = wrt_option(L, 2);
  lua_settop(L, 1);
  lua_pushinteger(L, wrt);
  lua_pushboolean(L, with_value);
  lua_pushcclosure(L, call_grad, 3);
  return 1;
}
static int grad(lua_State *L) { return make(L, false); }
static int value_and_grad(lua_State *L) { return make(L, true); }

static const tw_function functions[] = {
  {"grad", grad, false,
   "grad(f [, {wrt = {1}}]) -> function\n"
   "The function that computes the gradient of f: called like f it returns a tree like f's first argument, then f's further results. A tree is a tensor or a plain\n"
   "table of trees; i64 and bool tensors and other values in it ride along. wrt lists other arguments to differentiate; their gradients come in order. f returns the\n"
   "loss, a 0-d real tensor, first. Captured tensors are constants. Gradients may be taken of gradients, to any order.\n"
   "example:\n"
   "local cube = function(x) return (x * x * x):sum() end\n"
   "tw.grad(cube)(tw.tensor{ 1, 2 }) --> f64[2] [ 3 12]\n"
   "local slope = function(x) return tw.grad(cube)(x):sum() end\n"
   "tw.grad(slope)(tw.tensor{ 1, 2 }) --> f64[2] [ 6 12]"},
  {"value_and_grad", value_and_grad, false,
   "value_and_grad(f [, {wrt = {1}}]) -> function\n"
   "As grad, but the function returns the loss first: loss, gradient, further results of f.\n"
   "example:\n"
   "local loss, g = tw.value_and_grad(function(p) return p.w:dot(p.w) + p.b end){ w = tw.tensor{ 3, 4 }, b = tw.tensor(1) }\n"
   "loss, g.w, g.b --> f64[] 26 f64[2] [6 8] f64[] 1"},
  {NULL, NULL, false, NULL},
};

void tw_register_transforms(lua_State *L) {
  tw_register_session(L);
  tw_add_functions(L, functions);
}
