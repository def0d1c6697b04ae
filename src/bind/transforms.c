/* The transforms that need the tape itself: grad, value_and_grad, vjp, jvp, rows of a Jacobian. What is built from them stands in
 * lua/thalweg/transforms.lua. */
#include "base/alloc.h"
#include "bind/pass.h"
#include "grad/grad.h"
#include "op/op.h"
#include "tensor/ctx.h"

static const char *const grad_options[] = {"wrt", NULL};
enum { MAX_ARGS = 30 };

static uint32_t wrt_option(lua_State *L, int idx) {
  if (!lua_istable(L, idx) || lua_getfield(L, idx, "wrt") == LUA_TNIL) return 1;
  uint32_t wrt = 0;
  if (!lua_istable(L, -1)) tw_raise(L, "grad: wrt must be a list of argument numbers, like { wrt = {1, 3} }");
  lua_Integer n = (lua_Integer)lua_rawlen(L, -1);
  for (lua_Integer i = 1; i <= n; i++) {
    int isnum;
    lua_rawgeti(L, -1, i);
    lua_Integer arg = lua_tointegerx(L, -1, &isnum);
    lua_pop(L, 1);
    if (!isnum || arg < 1 || arg > MAX_ARGS) tw_raise(L, "grad: wrt must list argument numbers from 1 on");
    wrt |= 1u << (arg - 1);
  }
  if (!wrt) tw_raise(L, "grad: wrt lists no argument");
  lua_pop(L, 1);
  return wrt;
}

/* Upvalues: f, wrt, whether the value is wanted. Results: [loss,] gradients of one argument (or of each listed, in order), further results of f. */
static int call_grad(lua_State *L) {
  uint32_t wrt = (uint32_t)lua_tointeger(L, lua_upvalueindex(2));
  bool with_value = lua_toboolean(L, lua_upvalueindex(3));
  const char *owner = with_value ? "value_and_grad" : "grad";
  int n_args = lua_gettop(L);
  for (int i = 0; i < MAX_ARGS; i++) {
    if (tw_wrt_has(wrt, i) && i >= n_args) return tw_raise(L, "%s: argument %d is to be differentiated, but only %d were given", owner, i + 1, n_args);
  }
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  tw_pass *s = lua_touserdata(L, lua_upvalueindex(4)); /* the function's own, so that its evaluations can be replayed */
  if (s->opened.open) s = tw_pass_push(L);             /* it is called inside itself */
  else lua_pushvalue(L, lua_upvalueindex(4));
  lua_insert(L, 1);
  int first = tw_pass_run(L, 1, 2, n_args, wrt, owner), last = lua_gettop(L);
  tw_pass_end(L, s, first);
  luaL_checkstack(L, n_args + last + 8, "too many results");
  int n_out = 0;
  if (with_value) {
    lua_pushvalue(L, first);
    n_out++;
  }
  s->leaves.next = 0;
  for (int i = 0; i < n_args; i++) {
    if (!tw_wrt_has(wrt, i)) continue;
    tw_tree_push(L, 3 + i, &s->leaves, s->grads, true);
    n_out++;
  }
  for (int i = first + 1; i <= last; i++, n_out++) lua_pushvalue(L, i);
  tw_pass_clear(L, s);
  return n_out;
}

static int make(lua_State *L, bool with_value) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  tw_arg_options(L, 2, with_value ? "value_and_grad" : "grad", grad_options);
  uint32_t wrt = wrt_option(L, 2);
  lua_settop(L, 1);
  lua_pushinteger(L, wrt);
  lua_pushboolean(L, with_value);
  tw_pass *s = tw_pass_push(L);
  s->replay = tw_replay_new();
  if (!s->replay) return tw_raise(L, "%s: out of memory", with_value ? "value_and_grad" : "grad");
  lua_pushcclosure(L, call_grad, 4);
  return 1;
}
static int grad(lua_State *L) { return make(L, false); }
static int value_and_grad(lua_State *L) { return make(L, true); }

/* Which of the arguments above f hold real tensors. */
static uint32_t differentiable(lua_State *L, int f, int n_args) {
  uint32_t wrt = 0;
  for (int i = 0; i < n_args && i < MAX_ARGS; i++) {
    int type = lua_type(L, f + 1 + i);
    tw_tensor *t = tw_bind_to_tensor(L, f + 1 + i);
    if ((t && tw_is_real((tw_dtype)t->dtype)) || (type == LUA_TTABLE && !luaL_getmetafield(L, f + 1 + i, "__name"))) wrt |= 1u << i;
    lua_settop(L, f + n_args);
  }
  return wrt;
}

/* The tensors of a tree place by place, owned by a pass kept on the stack, so that an error frees them. */
static tw_pass *every_place(lua_State *L, int idx, const char *owner) {
  tw_pass *s = tw_pass_push(L);
  tw_leaves_every(L, idx, &s->leaves, owner);
  return s;
}

/* A tensor at several places of the argument is one leaf: it can move along one tangent only. direction[i] belongs to leaf i. */
static void pair_tangents(lua_State *L, tw_leaves *leaves, const tw_leaves *places, const tw_leaves *tangents, tw_tensor **direction) {
  if (places->n != tangents->n) {
    tw_raise(L, "jvp: the tangent has %I tensors, the argument has %I; give a tree like the argument", (LUAI_UACINT)tangents->n, (LUAI_UACINT)places->n);
  }
  for (size_t k = 0; k < places->n; k++) {
    size_t i = tw_leaves_find(leaves, places->leaf[k]);
    if (direction[i] && direction[i] != tangents->leaf[k]) tw_raise(L, "jvp: one tensor stands at two places of the argument, with two tangents");
    direction[i] = tangents->leaf[k];
  }
}

/* pullback(cotangent): upvalues f and the packed arguments. f is evaluated again under a tape of this call. */
static int pullback(lua_State *L) {
  tw_ctx *ctx = tw_bind_ctx(L);
  luaL_checkany(L, 1);
  lua_settop(L, 1);
  tw_pass *s = tw_pass_push(L);
  lua_pushvalue(L, lua_upvalueindex(1));
  int n_args = (int)lua_tointeger(L, lua_upvalueindex(3)), f = 3;
  luaL_checkstack(L, n_args + 8, "too many arguments");
  for (int i = 1; i <= n_args; i++) lua_rawgeti(L, lua_upvalueindex(2), i);
  uint32_t wrt = differentiable(L, f, n_args);
  tw_pass_open(L, 2, false, "vjp");
  tw_pass_leaves(L, s, f, n_args, wrt, "vjp");
  for (size_t i = 0; i < s->leaves.n; i++) tw_bind_status(L, tw_grad_leaf(ctx, s->opened.level, s->leaves.leaf[i], &s->fresh[i]));
  int first = tw_pass_call(L, s, f, n_args, wrt, "vjp"), last = lua_gettop(L);
  tw_pass *y = every_place(L, first, "vjp"), *t = every_place(L, 1, "vjp");
  if (y->leaves.n != t->leaves.n) {
    return tw_raise(L, "vjp: the cotangent has %I tensors, the result has %I; give a tree like the result", (LUAI_UACINT)t->leaves.n,
                    (LUAI_UACINT)y->leaves.n);
  }
  tw_bind_status(L, tw_grad_backward(ctx, s->opened.level, (int)y->leaves.n, y->leaves.leaf, t->leaves.leaf, (int)s->leaves.n, s->fresh, s->grads));
  tw_pass_clear(L, y);
  tw_pass_clear(L, t);
  lua_settop(L, last);
  tw_pass_end(L, s, last + 1);
  s->leaves.next = 0;
  for (int i = 0; i < n_args; i++) {
    if (tw_wrt_has(wrt, i)) tw_tree_push(L, f + 1 + i, &s->leaves, s->grads, true);
    else lua_pushnil(L);
  }
  tw_pass_clear(L, s);
  return n_args;
}

static int vjp(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  int n_args = lua_gettop(L) - 1;
  lua_createtable(L, n_args, 0);
  for (int i = 1; i <= n_args; i++) {
    lua_pushvalue(L, i + 1);
    lua_rawseti(L, -2, i);
  }
  lua_insert(L, 1); /* arguments packed, f, arguments */
  lua_pushvalue(L, 2);
  lua_insert(L, 2);
  lua_call(L, n_args, 1);
  lua_insert(L, 1); /* y, packed, f */
  lua_insert(L, 2); /* y, f, packed */
  lua_pushinteger(L, n_args);
  lua_pushcclosure(L, pullback, 3);
  return 2;
}

/* jvp(f, p, v, ...) -> y, ydot. */
static int jvp(lua_State *L) {
  tw_ctx *ctx = tw_bind_ctx(L);
  luaL_checktype(L, 1, LUA_TFUNCTION);
  luaL_checkany(L, 3);
  lua_pushvalue(L, 3);
  lua_insert(L, 1); /* tangents, f, p, v, further */
  lua_remove(L, 4);
  int n_args = lua_gettop(L) - 2;
  tw_pass *s = tw_pass_push(L);
  lua_insert(L, 2); /* tangents, pass, f, p, further */
  tw_pass *v = every_place(L, 1, "jvp"), *places = every_place(L, 4, "jvp");
  lua_rotate(L, 1, 2); /* tangents' and argument's places, tangents, pass, f, p, further */
  enum { PASS = 4, F };
  tw_pass_open(L, PASS, true, "jvp");
  tw_pass_leaves(L, s, F, n_args, 1, "jvp");
  tw_tensor **direction = lua_newuserdatauv(L, s->leaves.n * sizeof *direction, 0);
  for (size_t i = 0; i < s->leaves.n; i++) direction[i] = NULL;
  pair_tangents(L, &s->leaves, &places->leaves, &v->leaves, direction);
  for (size_t i = 0; i < s->leaves.n; i++) tw_bind_status(L, tw_grad_dual(ctx, s->opened.level, s->leaves.leaf[i], direction[i], &s->fresh[i]));
  int first = tw_pass_call(L, s, F, n_args, 1, "jvp");
  lua_settop(L, first);
  tw_pass *y = tw_pass_push(L);
  tw_leaves_collect(L, first, &y->leaves, "jvp");
  tw_pass_room(L, y, "jvp");
  for (size_t i = 0; i < y->leaves.n; i++) tw_bind_status(L, tw_grad_tangent(ctx, s->opened.level, y->leaves.leaf[i], &y->grads[i]));
  lua_insert(L, first);
  y->leaves.next = 0;
  tw_tree_push(L, first + 1, &y->leaves, y->grads, true);
  tw_pass_clear(L, y);
  tw_pass_end(L, s, first + 1);
  tw_pass_clear(L, s);
  return 2;
}

/* An axis of rows in front of every gradient: a hidden one, or (h < 0) a single row. */
static void put_rows_in_front(lua_State *L, tw_pass *s, int h, int64_t width) {
  tw_ctx *ctx = tw_bind_ctx(L);
  for (size_t i = 0; i < s->leaves.n; i++) {
    tw_compose k = {.ctx = ctx};
    tw_tensor *g = s->grads[i];
    tw_cast_attrs same = {.dtype = (tw_dtype)g->dtype};
    tw_lanes_attrs front = {.h = h, .axis = 0, .size = width};
    tw_shape_attrs row = {.shape = {.n = g->ndim + 1, .d = {1}}};
    if (row.shape.n > TW_MAX_DIM) tw_raise(L, "jacobian: the argument has %d axes, and the rows are one more", g->ndim);
    for (int a = 0; a < g->ndim; a++) row.shape.d[a + 1] = g->shape[a];
    tw_tensor *seen = h < 0 ? tw_do1(&k, &tw_op_reshape, &row, g) : tw_do1(&k, &tw_op_lanes_out, &front, g);
    tw_bind_status(L, tw_compose_end(&k, tw_do1(&k, &tw_op_cast, &same, seen), &s->grads[i]));
    tw_tensor_release(ctx, g);
  }
}

/* The rows `first`.. of the Jacobian of a result, `width` of them in one backward pass: each is a lane with its own unit cotangent. pass->grads get an axis
 * of rows in front. Where no hidden axis is left (h < 0) the width is 1. */
static void rows_together(lua_State *L, tw_pass *s, tw_tensor *y, int64_t first, int64_t width, int h) {
  tw_ctx *ctx = tw_bind_ctx(L);
  tw_tensor *units, *unit;
  tw_shape shape = {.n = 2, .d = {width, y->size}};
  if (h >= 0) {
    tw_bind_status(L, tw_lanes_open(ctx, width, h));
    s->opened.axis = h;
  }
  tw_handle *owner = tw_handle_new(L), *view = tw_handle_new(L); /* of the cotangents while these are needed */
  tw_bind_status(L, tw_tensor_new(ctx, (tw_dtype)y->dtype, &shape, &units));
  tw_handle_fill(L, owner, units);
  tw__zero(units);
  for (int64_t e = 0; e < width; e++) tw_tensor_set(units, e * y->size + first + e, 1);
  tw_lanes_attrs front = {.h = h, .axis = 0, .size = width};
  tw_shape_attrs own = {.shape = tw_tensor_shape(y)};
  tw_compose k = {.ctx = ctx};
  tw_bind_status(L, tw_compose_end(&k, tw_do1(&k, &tw_op_reshape, &own, h < 0 ? units : tw_do1(&k, &tw_op_lanes_in, &front, units)), &unit));
  tw_handle_fill(L, view, unit);
  uint8_t kept = (uint8_t)(h < 0 ? 0 : 1u << h);
  tw_bind_status(L, tw_grad_backward_lanes(ctx, s->opened.level, 1, &y, &unit, (int)s->leaves.n, s->fresh, s->grads, kept));
  put_rows_in_front(L, s, h, width);
  lua_pop(L, 2);
  if (h >= 0) tw_lanes_close(ctx, h);
  s->opened.axis = -1;
}

/* Pushes the tree of the gradients in pass->grads and lets go of them. */
static void push_grads(lua_State *L, tw_pass *s, int like) {
  s->leaves.next = 0;
  tw_tree_push(L, like, &s->leaves, s->grads, true);
  for (size_t i = 0; i < s->leaves.n; i++) {
    tw_tensor_release(tw_bind_ctx(L), s->grads[i]);
    s->grads[i] = NULL;
  }
}

/* rows(f, x, ...) -> y, { { some rows of the Jacobian of y's leaf 1 with respect to x, further rows }, ... }: one evaluation, one backward pass for each
 * TOGETHER rows, which stand along a first axis. */
static int rows(lua_State *L) {
  enum { TOGETHER = 64 };
  tw_ctx *ctx = tw_bind_ctx(L);
  luaL_checktype(L, 1, LUA_TFUNCTION);
  int n_args = lua_gettop(L) - 1;
  tw_pass *s = tw_pass_push(L);
  lua_insert(L, 1);
  tw_pass_open(L, 1, false, "jacobian");
  tw_pass_leaves(L, s, 2, n_args, 1, "jacobian");
  for (size_t i = 0; i < s->leaves.n; i++) tw_bind_status(L, tw_grad_leaf(ctx, s->opened.level, s->leaves.leaf[i], &s->fresh[i]));
  int first = tw_pass_call(L, s, 2, n_args, 1, "jacobian");
  lua_settop(L, first);
  tw_pass *y = tw_pass_push(L);
  tw_leaves_collect(L, first, &y->leaves, "jacobian");
  lua_insert(L, first);
  lua_createtable(L, (int)y->leaves.n, 0);
  int h = tw_lanes_free(ctx, tw_grad_lanes(ctx));
  if (h == TW_MAX_LANES) h = -1;
  int64_t together = h < 0 ? 1 : TOGETHER;
  for (size_t k = 0; k < y->leaves.n; k++) {
    int64_t n = y->leaves.leaf[k]->size;
    lua_createtable(L, (int)((n + together - 1) / together), 0);
    for (int64_t at = 0; at < n; at += together) {
      rows_together(L, s, y->leaves.leaf[k], at, n - at < together ? n - at : together, h);
      push_grads(L, s, 3);
      lua_rawseti(L, -2, at / together + 1);
    }
    lua_rawseti(L, -2, (lua_Integer)k + 1);
  }
  tw_pass_end(L, s, first + 1);
  return 2;
}

/* count(f, ...) -> { operations, elements, multiply_adds }, results of f */
static int count(lua_State *L) {
  tw_ctx *ctx = tw_bind_ctx(L);
  luaL_checktype(L, 1, LUA_TFUNCTION);
  ctx->counted.on = true;
  int64_t operations = ctx->counted.operations, elements = ctx->counted.elements, products = ctx->counted.multiply_adds;
  lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
  lua_createtable(L, 0, 3);
  lua_pushinteger(L, ctx->counted.operations - operations);
  lua_setfield(L, -2, "operations");
  lua_pushinteger(L, ctx->counted.elements - elements);
  lua_setfield(L, -2, "elements");
  lua_pushinteger(L, ctx->counted.multiply_adds - products);
  lua_setfield(L, -2, "multiply_adds");
  lua_insert(L, 1);
  return lua_gettop(L);
}

static const tw_function functions[] = {
  {"grad", grad, false,
   "grad(f [, {wrt = {1}}]) -> g\n"
   "The gradient of f as a function: g(p, ...) evaluates f(p, ...), whose first result must be a 0-d real tensor, and returns the gradient with respect to "
   "p, a "
   "tree like p with the real tensors alone, then the further results of f, detached. With wrt = {1, 3} it differentiates those arguments and returns one "
   "gradient for each. f sees fresh tensors in place of p's; one captured from outside that shares storage with p raises an error. Gradients of gradients "
   "are exact.\n"
   "example:\n"
   "tw.grad(function(x) return (x ^ 3):sum() end)(tw.tensor { 1, 2 }) --> f64[2] [ 3 12]"},
  {"value_and_grad", value_and_grad, false,
   "value_and_grad(f [, {wrt = {1}}]) -> g\n"
   "As grad, with the loss first: g(p, ...) returns loss, gradient, further results of f.\n"
   "example:\n"
   "tw.value_and_grad(function(x) return (x * x):sum() end)(tw.tensor { 1, 2 }) --> f64[] 5\tf64[2] [2 4]"},
  {"vjp", vjp, false,
   "vjp(f, ...) -> y, pullback\n"
   "Reverse mode at a point: y = f(...), a tensor or a tree, and pullback(cotangent), which returns the cotangent of each argument (nil for one without real "
   "tensors): the transposed Jacobian times the cotangent, a tree like y. Each pullback evaluates f once more and keeps nothing afterwards.\n"
   "example:\n"
   "select(2, tw.vjp(function(x) return x * x end, tw.tensor { 1, 2 }))(tw.tensor { 10, 1 }) --> f64[2] [20  4]"},
  {"jvp", jvp, false,
   "jvp(f, p, v, ...) -> y, ydot\n"
   "Forward mode: y = f(p, ...), and its derivative along v, the Jacobian times v, where v is a tree like p. Tangents are computed alongside the values, so "
   "memory "
   "does not grow with the number of operations.\n"
   "example:\n"
   "tw.jvp(tw.sin, tw.tensor { 0 }, tw.tensor { 2 }) --> f64[1] [0]\tf64[1] [2]"},
  {"count", count, false,
   "count(f, ...) -> counts, results of f\n"
   "Calls f and counts what the engine computed meanwhile, derivatives included: operations, the number of them that are no views; multiply_adds, the "
   "multiplications of their matrix products, einsum and convolutions (each with its addition); elements, of the other operations together, each counted by "
   "the largest of its operands and results. Decompositions (linalg) count by elements too, updates of optimizers not at all. Counts follow from the shapes: "
   "they are the same on every machine.\n"
   "example:\n"
   "local a, x = tw.ones(3, 4), tw.ones(4)\n"
   "local function f(x) return a:matmul(x):tanh():sum() end\n"
   "tw.count(f, x).multiply_adds, tw.count(tw.grad(f), x).multiply_adds --> 12\t24\n"
   "tw.count(f, x).elements --> 6"},
  {NULL, NULL, false, NULL},
};

void tw_register_transforms(lua_State *L) {
  tw_register_pass(L);
  tw_add_functions(L, functions);
  lua_pushcfunction(L, rows);
  lua_setfield(L, -2, "rows");
}
