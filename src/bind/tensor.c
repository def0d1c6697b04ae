/* Making tensors from Lua values and back: constructors, conversion, fields. */
#include <string.h>

#include "base/alloc.h"
#include "bind/handle.h"
#include "grad/grad.h"
#include "op/op.h"
#include "tensor/ctx.h"

static const char *const dtype_option[] = {"dtype", NULL};

/* tw.tensor(number | boolean | nested table [, {dtype=}]) */

static void measure(lua_State *L, int idx, tw_shape *shape, bool *booleans) {
  shape->n = 0;
  lua_pushvalue(L, idx);
  while (lua_istable(L, -1)) {
    if (shape->n == TW_MAX_DIM) luaL_argerror(L, 1, "a tensor has at most 8 axes");
    shape->d[shape->n++] = (int64_t)lua_rawlen(L, -1);
    if (lua_rawlen(L, -1) == 0) break;
    lua_rawgeti(L, -1, 1);
    lua_remove(L, -2);
  }
  *booleans = lua_isboolean(L, -1);
  lua_pop(L, 1);
}

/* The hidden axes of the laned numbers in the table at idx, to any depth. */
static void lanes_in(lua_State *L, int idx, int depth, tw_lanes *l) {
  const tw_tensor *t = tw_bind_to_tensor(L, idx);
  if (t && !tw_lanes_join(l, t)) tw_raise(L, "tensor: the numbers of lanes differ");
  if (t || !lua_istable(L, idx) || depth > TW_MAX_DIM) return;
  lua_Integer n = (lua_Integer)lua_rawlen(L, idx);
  for (lua_Integer i = 1; i <= n; i++) {
    int type = lua_rawgeti(L, idx, i);
    if (type == LUA_TUSERDATA || type == LUA_TTABLE) lanes_in(L, lua_gettop(L), depth + 1, l);
    lua_pop(L, 1);
  }
}

/* Element `at` of t, which has x's lanes, in each of them. */
static void put_laned(tw_tensor *t, int64_t at, tw_tensor *x) {
  tw_tensor element = *t, one = *x;
  element.ndim = one.ndim = 0;
  element.size = 1;
  element.data += at * t->storage->step * (int64_t)tw_dtype_size((tw_dtype)t->dtype);
  tw__copy_into(&element, &one);
}

static int64_t fill(lua_State *L, int idx, tw_tensor *t, int axis, int64_t at, bool booleans) {
  if (axis == t->ndim) {
    int isnum = 1;
    double v = booleans && lua_isboolean(L, idx) ? lua_toboolean(L, idx) : lua_tonumberx(L, idx, &isnum);
    tw_handle *h = tw_handle_test(L, idx);
    if (h && tw_bind_to_tensor(L, idx)->size == 1) {
      if (h->tensor->levels & tw_bind_ctx(L)->active) {
        tw_raise(L, "tensor: element %I is being differentiated and would become a plain number; join tensors with tw.stack", (LUAI_UACINT)at + 1);
      }
      if (h->tensor->lanes) {
        put_laned(t, at, h->tensor);
        return at + 1;
      }
      v = tw_tensor_get(h->tensor, 0);
      isnum = 1;
    }
    if (!isnum || (lua_type(L, idx) == LUA_TSTRING)) {
      tw_raise(L, "tensor: every element must be a number%s, element %I is a %s", booleans ? " or boolean" : "", (LUAI_UACINT)at + 1, luaL_typename(L, idx));
    }
    bool whole = t->dtype == TW_I64 && lua_isinteger(L, idx);
    for (int64_t lane = t->lanes ? tw_lane_count(t) - 1 : 0; lane >= 0; lane--) {
      tw_tensor one;
      if (t->lanes) one = tw_tensor_lane(t, lane);
      tw_tensor *here = t->lanes ? &one : t;
      if (whole) ((int64_t *)(void *)here->data)[at * t->storage->step] = lua_tointeger(L, idx);
      else tw_tensor_set(here, at, v);
    }
    return at + 1;
  }
  if (!lua_istable(L, idx) || (int64_t)lua_rawlen(L, idx) != t->shape[axis]) {
    tw_raise(L, "tensor: the table is ragged: a part at depth %d has %I elements, the first has %I", axis + 1,
             (LUAI_UACINT)(lua_istable(L, idx) ? (lua_Integer)lua_rawlen(L, idx) : 0), (LUAI_UACINT)t->shape[axis]);
  }
  for (int64_t i = 1; i <= t->shape[axis]; i++) {
    lua_rawgeti(L, idx, i);
    at = fill(L, lua_gettop(L), t, axis + 1, at, booleans);
    lua_pop(L, 1);
  }
  return at;
}

static int new_tensor(lua_State *L) {
  tw_ctx *ctx = tw_bind_ctx(L);
  tw_shape shape;
  bool booleans;
  luaL_checkany(L, 1);
  tw_arg_options(L, 2, "tensor", dtype_option);
  measure(L, 1, &shape, &booleans);
  tw_dtype d = tw_arg_dtype(L, 2, booleans ? TW_BOOL : ctx->default_dtype);
  tw_handle *h = tw_handle_new(L);
  tw_tensor *t;
  tw_lanes lanes = {0};
  luaL_checkstack(L, 16, "a table is nested too deeply");
  if (ctx->lanes) lanes_in(L, 1, 0, &lanes);
  tw_bind_status(L, tw_tensor_new_laned(ctx, d, &shape, &lanes, &t));
  tw_handle_fill(L, h, t);
  fill(L, 1, t, 0, 0, booleans);
  return 1;
}

/* Filled tensors. */

/* Pushes a tensor of the shape; its dtype from the option table at `options`, the last argument. */
static tw_tensor *push_shaped(lua_State *L, const tw_shape *shape, int options, const char *owner) {
  tw_ctx *ctx = tw_bind_ctx(L);
  for (int i = 0; i < shape->n; i++) luaL_argcheck(L, shape->d[i] >= 0, 1, "a size must be a whole number >= 0");
  tw_arg_options(L, options, owner, dtype_option);
  tw_dtype d = tw_arg_dtype(L, options, ctx->default_dtype);
  tw_handle *h = tw_handle_new(L);
  tw_tensor *t;
  tw_bind_status(L, tw_tensor_new(ctx, d, shape, &t));
  tw_handle_fill(L, h, t);
  return t;
}

static tw_tensor *push_new(lua_State *L, const char *owner) {
  tw_shape shape;
  int options = tw_arg_shape(L, 1, &shape);
  return push_shaped(L, &shape, options, owner);
}

static int zeros(lua_State *L) {
  tw_tensor *t = push_new(L, "zeros");
  memset(t->data, 0, (size_t)t->size * tw_dtype_size((tw_dtype)t->dtype));
  return 1;
}

static int ones(lua_State *L) {
  tw_tensor *t = push_new(L, "ones");
  for (int64_t i = 0; i < t->size; i++) tw_tensor_set(t, i, 1);
  return 1;
}

static int assign(lua_State *L);

static int full(lua_State *L) {
  tw_shape shape;
  if (!lua_istable(L, 1)) return tw_raise(L, "full: give the shape as a table: full({2, 3}, 1.5)");
  tw_arg_shape(L, 1, &shape);
  const tw_tensor *laned = lua_type(L, 2) == LUA_TUSERDATA ? tw_bind_to_tensor(L, 2) : NULL;
  if (laned && laned->lanes && laned->ndim == 0) {
    push_shaped(L, &shape, 3, "full");
    lua_replace(L, 1);
    lua_settop(L, 2);
    return assign(L);
  }
  double v = luaL_checknumber(L, 2);
  tw_tensor *t = push_shaped(L, &shape, 3, "full");
  for (int64_t i = 0; i < t->size; i++) tw_tensor_set(t, i, v);
  return 1;
}

static int eye(lua_State *L) {
  lua_Integer n = luaL_checkinteger(L, 1);
  tw_tensor *t = push_shaped(L, &(tw_shape){.n = 2, .d = {n, n}}, 2, "eye");
  for (int64_t i = 0; i < t->size; i++) tw_tensor_set(t, i, i / n == i % n);
  return 1;
}

/* arange(n) = 1..n; arange(first, last [, step]): last included when it is hit, as in a Lua for loop. */
static int arange(lua_State *L) {
  double first = 1, last = luaL_checknumber(L, 1), step = 1;
  int options = 2;
  if (lua_type(L, 2) == LUA_TNUMBER) {
    first = last;
    last = lua_tonumber(L, 2);
    options = 3;
  }
  if (options == 3 && lua_type(L, 3) == LUA_TNUMBER) {
    step = lua_tonumber(L, 3);
    options = 4;
  }
  luaL_argcheck(L, step != 0, 3, "the step must not be 0");
  double count = tw_scalar1(&tw_op_floor, (last - first) / step) + 1;
  luaL_argcheck(L, count < 1e12 || count != count, 2, "too many elements");
  luaL_argcheck(L, count == count, 1, "the ends must be numbers");
  tw_tensor *t = push_shaped(L, &(tw_shape){.n = 1, .d = {count > 0 ? (int64_t)count : 0}}, options, "arange");
  for (int64_t i = 0; i < t->size; i++) tw_tensor_set(t, i, first + (double)i * step);
  return 1;
}

/* linspace(first, last, n): both ends exact; logspace(first, last, n): geometric, both ends exact. */
static int spaced(lua_State *L, bool geometric) {
  double first = luaL_checknumber(L, 1), last = luaL_checknumber(L, 2);
  lua_Integer n = luaL_checkinteger(L, 3);
  luaL_argcheck(L, n >= 1, 3, "at least one point is needed");
  luaL_argcheck(L, !geometric || (first > 0 && last > 0), 1, "the ends must be positive");
  tw_tensor *t = push_shaped(L, &(tw_shape){.n = 1, .d = {n}}, 4, geometric ? "logspace" : "linspace");
  double a = geometric ? tw_scalar1(&tw_op_log, first) : first, b = geometric ? tw_scalar1(&tw_op_log, last) : last;
  for (int64_t i = 0; i < n; i++) {
    double x = n == 1 ? a : a + (b - a) * ((double)i / (double)(n - 1));
    tw_tensor_set(t, i, i == 0 ? first : i == n - 1 ? last : geometric ? tw_scalar1(&tw_op_exp, x) : x);
  }
  return 1;
}
static int linspace(lua_State *L) { return spaced(L, false); }
static int logspace(lua_State *L) { return spaced(L, true); }

/* Conversion. */

static int convert(lua_State *L, tw_tensor *x, tw_dtype d) {
  tw_ctx *ctx = tw_bind_ctx(L);
  tw_cast_attrs a = {.dtype = d};
  tw_handle *h = tw_handle_new(L);
  tw_tensor *out[1] = {NULL};
  tw_call c = {.op = &tw_op_cast, .attrs = &a, .in = &x, .out = out, .n_in = 1, .n_out = 1};
  tw_bind_status(L, tw_apply(ctx, &c));
  out[0]->weak = false;
  out[0]->buffer = x->buffer;
  tw_handle_fill(L, h, out[0]);
  return 1;
}

static int to(lua_State *L) {
  tw_tensor *x = tw_handle_check(L, 1);
  tw_dtype d = TW_F64;
  luaL_argcheck(L, tw_dtype_parse(luaL_checkstring(L, 2), &d), 2, "must be one of \"f64\", \"f32\", \"i64\", \"bool\"");
  if (x->dtype == d && !x->weak) {
    lua_settop(L, 1);
    return 1;
  }
  return convert(L, x, d);
}

static int clone(lua_State *L) {
  tw_tensor *x = tw_handle_check(L, 1);
  return convert(L, x, (tw_dtype)x->dtype);
}

static void push_element(lua_State *L, const tw_tensor *x, int64_t i) {
  if (x->dtype == TW_BOOL) lua_pushboolean(L, tw_tensor_get(x, i) != 0);
  else if (x->dtype == TW_I64) lua_pushinteger(L, tw_tensor_get_i64(x, i));
  else lua_pushnumber(L, tw_tensor_get(x, i));
}

static int item(lua_State *L) {
  tw_tensor *x = tw_handle_check(L, 1);
  tw_refuse_laned(L, x, "item");
  if (x->size != 1) {
    char shape[128];
    return tw_raise(L, "item: needs a tensor with one element, got %s; x:table() gives all", tw_tensor_describe(x, shape, sizeof shape));
  }
  push_element(L, x, 0);
  return 1;
}

static int64_t push_table(lua_State *L, const tw_tensor *x, int axis, int64_t at) {
  if (axis == x->ndim) {
    push_element(L, x, at);
    return at + 1;
  }
  lua_createtable(L, (int)x->shape[axis], 0);
  for (int64_t i = 1; i <= x->shape[axis]; i++) {
    at = push_table(L, x, axis + 1, at);
    lua_rawseti(L, -2, i);
  }
  return at;
}

static int table(lua_State *L) {
  tw_tensor *x = tw_handle_check(L, 1);
  tw_refuse_laned(L, x, "table");
  luaL_checkstack(L, 16, "too many axes");
  push_table(L, x, 0, 0);
  return 1;
}

/* x:assign(y): y broadcasts and is converted; x:fill(v). y enters as a plain value: nothing flows back. */
static int assign(lua_State *L) {
  tw_ctx *ctx = tw_bind_ctx(L);
  tw_tensor *x = tw_handle_check(L, 1);
  tw_operand_check(L, 2);
  tw_bind_to_tensor(L, 2);
  tw_operand y;
  tw_bind_status(L, tw_operand_get(L, 2, x, &y));
  tw_cast_attrs a = {.dtype = (tw_dtype)x->dtype};
  tw_call c = {.op = &tw_op_cast, .attrs = &a, .in = &y.tensor, .out = &x, .n_in = 1, .n_out = 1};
  tw_status s = tw_apply(ctx, &c);
  tw_operand_drop(L, &y);
  tw_bind_status(L, s);
  lua_settop(L, 1);
  return 1;
}

static int stop_gradient(lua_State *L) {
  tw_tensor *x = tw_handle_check(L, 1), *y;
  tw_handle *h = tw_handle_new(L);
  tw_bind_status(L, tw_grad_stop(tw_bind_ctx(L), x, &y));
  tw_handle_fill(L, h, y);
  return 1;
}

/* Fields and methods: x.shape, x.ndim, x.size, x.dtype; x[...] is in index.c. */
static int is_tensor(lua_State *L) {
  lua_pushboolean(L, tw_handle_test(L, 1) != NULL);
  return 1;
}

static const tw_function functions[] = {
  {"tensor", new_tensor, false,
   "tensor(value [, {dtype}]) -> tensor\n"
   "A tensor from a number, a boolean, or a table of them nested to any depth up to 8; 0-d tensors may stand for numbers. dtype: \"f64\" (the default "
   "outside a run),\n"
   "\"f32\", \"i64\", \"bool\" (what booleans become by themselves). A ragged table and an element of another type are errors.\n"
   "example:\n"
   "tw.tensor{ {1, 2}, {3, 4} } --> f64[2 2]\n"
   "                            --> [[1 2]\n"
   "                            -->  [3 4]]\n"
   "tw.tensor({ 1, 2 }, {dtype = \"i64\"}) --> i64[2] [1 2]\n"
   "tw.tensor{ {1}, {2, 3} } --> error: tensor: the table is ragged: a part at depth 2 has 2 elements, the first has 1"},
  {"zeros", zeros, false,
   "zeros(shape... [, {dtype}]) -> tensor\n"
   "A tensor of zeros. The shape is given as numbers or as one table; without any it is 0-d.\n"
   "example:\n"
   "tw.zeros(3) --> f64[3] [0 0 0]\n"
   "tw.zeros({2, 0}, {dtype = \"f32\"}).size --> 0"},
  {"ones", ones, false,
   "ones(shape... [, {dtype}]) -> tensor\n"
   "A tensor of ones; otherwise as zeros.\n"
   "example:\n"
   "tw.ones(2, {dtype = \"i64\"}) --> i64[2] [1 1]"},
  {"full", full, false,
   "full({shape}, value [, {dtype}]) -> tensor\n"
   "A tensor with one value everywhere. The shape is a table here, so that it cannot be taken for the value.\n"
   "example:\n"
   "tw.full({3}, 0.5) --> f64[3] [0.5 0.5 0.5]"},
  {"eye", eye, false,
   "eye(n [, {dtype}]) -> tensor\n"
   "The identity matrix [n n].\n"
   "example:\n"
   "tw.eye(2) --> f64[2 2]\n"
   "          --> [[1 0]\n"
   "          -->  [0 1]]"},
  {"arange", arange, false,
   "arange(last [, {dtype}]) -> tensor\n"
   "arange(first, last [, step = 1] [, {dtype}]) -> tensor\n"
   "The numbers from first (1 by default) to last, which is included when it is hit, as in a Lua for loop. A step of 0 is an error.\n"
   "formula: x_i = first + (i - 1) step\n"
   "example:\n"
   "tw.arange(4) --> f64[4] [1 2 3 4]\n"
   "tw.arange(1, 0, -0.5) --> f64[3] [  1 0.5   0]"},
  {"linspace", linspace, false,
   "linspace(first, last, n [, {dtype}]) -> tensor\n"
   "n numbers in equal steps, both ends exact.\n"
   "example:\n"
   "tw.linspace(0, 1, 5) --> f64[5] [   0 0.25  0.5 0.75    1]"},
  {"logspace", logspace, false,
   "logspace(first, last, n [, {dtype}]) -> tensor\n"
   "n numbers in equal ratios, both ends exact and positive. (The ends themselves are given, not their exponents.)\n"
   "example:\n"
   "tw.logspace(1, 1000, 4) --> f64[4] [   1   10  100 1000]"},
  {"is_tensor", is_tensor, false,
   "is_tensor(value) -> boolean\n"
   "Whether a value is a tensor.\n"
   "example:\n"
   "tw.is_tensor(tw.zeros(2)), tw.is_tensor(2) --> true\tfalse"},
  {NULL, NULL, false, NULL},
};

static const tw_function methods[] = {
  {"item", item, true,
   "item(x) -> number | integer | boolean\n"
   "The value of a tensor with one element as a Lua value. Another number of elements is an error.\n"
   "example:\n"
   "tw.tensor{ 2, 3 }:sum():item() --> 5.0"},
  {"table", table, true,
   "table(x) -> table | number | integer | boolean\n"
   "The elements as nested Lua tables; of a 0-d tensor its value. Writing this out costs a Lua value per element.\n"
   "example:\n"
   "tw.tensor{ {1, 2}, {3, 4} }:table()[2][1] --> 3.0"},
  {"to", to, true,
   "to(x, dtype) -> tensor\n"
   "The tensor in another dtype: \"f64\", \"f32\", \"i64\" or \"bool\"; x itself when it has that one. Reals are truncated towards zero on their way to "
   "i64, where NaN and\n"
   "what does not fit become 0; bool is x ~= 0. Differentiable between f64 and f32.\n"
   "example:\n"
   "tw.tensor{ 1.7, -1.7 }:to(\"i64\") --> i64[2] [ 1 -1]"},
  {"clone", clone, true,
   "clone(x) -> tensor\n"
   "A copy with memory of its own. The gradient passes through.\n"
   "example:\n"
   "local x = tw.zeros(2)\n"
   "local y = x:clone():fill(7)\n"
   "x --> f64[2] [0 0]"},
  {"assign", assign, true,
   "assign(x, y) -> x\n"
   "Writes y into x in place: y is a number or a tensor that broadcasts to x's shape, and is converted to its dtype. Views of x see it. y enters as a plain "
   "value:\n"
   "no gradient flows through. Inside a differentiated function it is allowed for tensors made outside; inside a run tensors made before it are read-only.\n"
   "example:\n"
   "local x = tw.zeros(2, 2)\n"
   "x[1]:assign(tw.tensor{ 5, 6 })\n"
   "x --> f64[2 2]\n"
   "  --> [[5 6]\n"
   "  -->  [0 0]]"},
  {"fill", assign, true,
   "fill(x, value) -> x\n"
   "Writes one value everywhere: assign under another name.\n"
   "example:\n"
   "tw.zeros(2):fill(3) --> f64[2] [3 3]"},
  {"stop_gradient", stop_gradient, true,
   "stop_gradient(x) -> tensor\n"
   "The same values as a constant: nothing flows back through it, at any level of differentiation.\n"
   "example:\n"
   "tw.grad(function(x) return x * tw.stop_gradient(x) end)(tw.tensor(3)) --> f64[] 3"},
  {"keep", tw_handle_keep, true,
   "keep(x) -> x\n"
   "Makes a tensor outlive the function that made it. What is made inside a differentiated function or tw.scope is released when that returns, except its "
   "results and\n"
   "what was kept; using a released tensor is an error that says so.\n"
   "example:\n"
   "local seen\n"
   "tw.scope(function() seen = tw.ones(2):keep() end)\n"
   "seen --> f64[2] [1 1]"},
  {NULL, NULL, false, NULL},
};

static void document(lua_State *L) {
  tw_add_topic(L, "x.shape",
    "x.shape -> table\n"
    "The sizes of the axes; x.ndim is their number, x.size the number of elements, x.dtype one of \"f64\", \"f32\", \"i64\", \"bool\". A fresh table each "
    "time.\n"
    "example:\n"
    "local x = tw.zeros(2, 3)\n"
    "x.shape[2], x.ndim, x.size, x.dtype --> 3\t2\t6\tf64");
  tw_add_topic(L, "tostring(x)",
    "tostring(x) -> string\n"
    "dtype and shape, then the numbers with six significant digits in aligned columns; above 1000 elements long axes show their first and last three.\n"
    "example:\n"
    "tostring(tw.tensor{ 1, 0.5 }) --> f64[2] [  1 0.5]\n"
    "tw.zeros(2000) --> f64[2000] [0 0 0 ... 0 0 0]");
}

void tw_register_tensor(lua_State *L) {
  tw_add_functions(L, functions);
  document(L);
  tw_add_functions(L, methods);
}
