/* Operations as Lua functions and methods: the elementwise rows from their table, the structured ones by hand because their arguments differ. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "bind/handle.h"
#include "op/op.h"
#include "tensor/ctx.h"

/* Elementwise: the operation is the first upvalue. Numbers take the dtype of the tensor they meet. */

/* An operator whose right side is an object with that operator (a schedule) is the object's business. */
static int defer(lua_State *L, const tw_op *op, int idx) {
  char name[32];
  snprintf(name, sizeof name, "__%s", op->name);
  if (op->n_in != 2 || lua_type(L, idx) != LUA_TTABLE || luaL_getmetafield(L, idx, name) != LUA_TFUNCTION) return luaL_typeerror(L, idx, "tensor or number");
  lua_pushvalue(L, 1);
  lua_pushvalue(L, 2);
  lua_call(L, 2, 1);
  return 1;
}

static int call_elementwise(lua_State *L) {
  const tw_op *op = lua_touserdata(L, lua_upvalueindex(1));
  tw_ctx *ctx = tw_bind_ctx(L);
  const tw_tensor *meets = NULL;
  tw_operand o[3] = {{NULL, NULL}, {NULL, NULL}, {NULL, NULL}};
  tw_tensor *in[3], *out[1] = {NULL};
  for (int i = 0; i < op->n_in; i++) {
    if (lua_type(L, i + 1) == LUA_TNUMBER) continue;
    const tw_tensor *t = tw_bind_to_tensor(L, i + 1);
    if (!t) return defer(L, op, i + 1);
    if (!meets || !tw_is_real((tw_dtype)meets->dtype)) meets = t;
  }
  tw_handle *h = tw_handle_new(L);
  tw_status s = TW_OK;
  for (int i = 0; i < op->n_in && s == TW_OK; i++) {
    s = tw_operand_get(L, i + 1, meets, &o[i]);
    in[i] = o[i].tensor;
  }
  if (s == TW_OK) {
    tw_call c = {.op = op, .in = in, .out = out, .n_in = op->n_in, .n_out = 1};
    s = tw_apply(ctx, &c);
  }
  for (int i = 0; i < op->n_in; i++) tw_operand_drop(L, &o[i]);
  tw_bind_status(L, s);
  tw_handle_fill(L, h, out[0]);
  return 1;
}

/* x ^ p: a literal 2 means the square, whose bits are x x. */
static int meta_pow(lua_State *L) {
  const tw_op *op = &tw_op_pow;
  if (lua_type(L, 2) == LUA_TNUMBER && lua_tonumber(L, 2) == 2) {
    op = &tw_op_square;
    lua_settop(L, 1);
  }
  lua_pushlightuserdata(L, (void *)(uintptr_t)op);
  lua_pushcclosure(L, call_elementwise, 1);
  lua_insert(L, 1);
  lua_call(L, lua_gettop(L) - 1, 1);
  return 1;
}

/* where(mask, a, b): the choices are brought to one dtype as in arithmetic. */
static int where(lua_State *L) {
  tw_ctx *ctx = tw_bind_ctx(L);
  tw_tensor *mask = tw_handle_check(L, 1);
  const tw_tensor *meets = NULL;
  tw_operand o[2] = {{NULL, NULL}, {NULL, NULL}};
  for (int i = 2; i <= 3; i++) {
    tw_operand_check(L, i);
    tw_tensor *t = tw_bind_to_tensor(L, i); /* a released one raises, whether it decides the dtype or not */
    if (t && !meets) meets = t;
  }
  tw_handle *h = tw_handle_new(L);
  tw_tensor *out = NULL;
  tw_status s = tw_operand_get(L, 2, meets, &o[0]);
  if (s == TW_OK) s = tw_operand_get(L, 3, meets, &o[1]);
  if (s == TW_OK) {
    tw_compose k = {.ctx = ctx};
    tw_tensor *a = o[0].tensor, *b = o[1].tensor;
    tw_dtype d = (tw_dtype)(a->weak ? b : a)->dtype;
    if (a->dtype != b->dtype && (a->weak || b->weak || !tw_is_real((tw_dtype)a->dtype) || !tw_is_real((tw_dtype)b->dtype))) {
      tw_cast_attrs to = {.dtype = tw_is_real((tw_dtype)a->dtype) && !a->weak   ? (tw_dtype)a->dtype
                                   : tw_is_real((tw_dtype)b->dtype) && !b->weak ? (tw_dtype)b->dtype
                                                                                : d};
      if (a->dtype != to.dtype) a = tw_do1(&k, &tw_op_cast, &to, a);
      if (b->dtype != to.dtype) b = tw_do1(&k, &tw_op_cast, &to, b);
    }
    s = tw_compose_end(&k, tw_do3(&k, &tw_op_where, NULL, mask, a, b), &out);
  }
  tw_operand_drop(L, &o[0]);
  tw_operand_drop(L, &o[1]);
  tw_bind_status(L, s);
  tw_handle_fill(L, h, out);
  return 1;
}

/* One operation with attributes on one tensor. */
static int push1(lua_State *L, const tw_op *op, const void *attrs, tw_tensor *x) {
  tw_handle *h = tw_handle_new(L);
  tw_tensor *out[1] = {NULL};
  tw_call c = {.op = op, .attrs = attrs, .in = &x, .out = out, .n_in = 1, .n_out = 1};
  tw_bind_status(L, tw_apply(tw_bind_ctx(L), &c));
  tw_handle_fill(L, h, out[0]);
  return 1;
}

/* Reductions: x:sum([axis | {axes}] [, {keepdim = true}]). */

static const char *const keepdim_option[] = {"keepdim", NULL};
static const char *const var_options[] = {"keepdim", "correction", NULL};

/* Where the options stand: the axes may be left out. */
static int reduction_options(lua_State *L) { return lua_istable(L, 2) && lua_rawlen(L, 2) == 0 && lua_isnone(L, 3) ? 2 : 3; }

static int call_reduction(lua_State *L) {
  const tw_op *op = lua_touserdata(L, lua_upvalueindex(1));
  tw_tensor *x = tw_handle_check(L, 1);
  int options = reduction_options(L);
  tw_arg_options(L, options, op->name, keepdim_option);
  tw_reduce_attrs a = {.axes = options == 2 ? (1u << x->ndim) - 1 : tw_arg_axes(L, 2, x->ndim), .keepdim = tw_arg_flag(L, options, "keepdim")};
  return push1(L, op, &a, x);
}

static int call_arg(lua_State *L) {
  const tw_op *op = lua_touserdata(L, lua_upvalueindex(1));
  tw_tensor *x = tw_handle_check(L, 1);
  tw_arg_options(L, 3, op->name, keepdim_option);
  if (lua_isnoneornil(L, 2)) { /* no axis: the place in the flat sequence */
    tw_shape_attrs flat = {.shape = {.n = 1, .d = {x->size}}};
    push1(L, &tw_op_reshape, &flat, x);
    tw_axis_attrs a = {.axis = 0};
    return push1(L, op, &a, tw_handle_test(L, -1)->tensor);
  }
  tw_axis_attrs a = {.axis = tw_arg_axis(L, 2, x->ndim), .keepdim = tw_arg_flag(L, 3, "keepdim")};
  return push1(L, op, &a, x);
}

typedef tw_status (*composition)(tw_ctx *, tw_tensor *, uint32_t, bool, tw_tensor **);

static int composed_reduction(lua_State *L, composition f, const char *name) {
  tw_tensor *x = tw_handle_check(L, 1), *out = NULL;
  int options = reduction_options(L);
  tw_arg_options(L, options, name, keepdim_option);
  uint32_t axes = options == 2 ? (1u << x->ndim) - 1 : tw_arg_axes(L, 2, x->ndim);
  bool keepdim = tw_arg_flag(L, options, "keepdim");
  tw_handle *h = tw_handle_new(L);
  tw_bind_status(L, f(tw_bind_ctx(L), x, axes, keepdim, &out));
  tw_handle_fill(L, h, out);
  return 1;
}
static int mean(lua_State *L) { return composed_reduction(L, tw_mean, "mean"); }
static int logsumexp(lua_State *L) { return composed_reduction(L, tw_logsumexp, "logsumexp"); }

static int variance(lua_State *L, bool root) {
  tw_ctx *ctx = tw_bind_ctx(L);
  tw_tensor *x = tw_handle_check(L, 1), *out = NULL;
  int options = reduction_options(L);
  tw_arg_options(L, options, root ? "std" : "var", var_options);
  uint32_t axes = options == 2 ? (1u << x->ndim) - 1 : tw_arg_axes(L, 2, x->ndim);
  bool keepdim = tw_arg_flag(L, options, "keepdim");
  lua_Integer correction = 1;
  if (lua_istable(L, options)) {
    int whole = 1;
    if (lua_getfield(L, options, "correction") != LUA_TNIL) correction = lua_tointegerx(L, -1, &whole);
    if (!whole) tw_raise(L, "%s: correction must be a whole number, got %s", root ? "std" : "var", luaL_tolstring(L, -1, NULL));
    lua_pop(L, 1);
  }
  tw_handle *h = tw_handle_new(L);
  tw_status s = tw_var(ctx, x, axes, keepdim, correction, &out);
  if (s == TW_OK && root) {
    tw_compose k = {.ctx = ctx};
    tw_tensor *var = out;
    s = tw_compose_end(&k, tw_do1(&k, &tw_op_sqrt, NULL, var), &out);
    tw_tensor_release(ctx, var);
  }
  tw_bind_status(L, s);
  tw_handle_fill(L, h, out);
  return 1;
}
static int var(lua_State *L) { return variance(L, false); }
static int std(lua_State *L) { return variance(L, true); }

/* Shapes. */

static int reshape(lua_State *L) {
  tw_tensor *x = tw_handle_check(L, 1);
  tw_shape_attrs a;
  tw_arg_shape(L, 2, &a.shape);
  int open = -1;
  int64_t rest = 1;
  for (int i = 0; i < a.shape.n; i++) {
    if (a.shape.d[i] >= 0) {
      if (__builtin_mul_overflow(rest, a.shape.d[i], &rest)) return tw_raise(L, "reshape: the sizes multiply to more than can be counted");
      continue;
    }
    if (open >= 0) return tw_raise(L, "reshape: only one size can be -1");
    open = i;
  }
  if (open >= 0) {
    if (rest == 0 || x->size % rest != 0) return tw_raise(L, "reshape: %I elements cannot be divided by %I", (LUAI_UACINT)x->size, (LUAI_UACINT)rest);
    a.shape.d[open] = x->size / rest;
  }
  return push1(L, &tw_op_reshape, &a, x);
}

static int transpose(lua_State *L) {
  tw_tensor *x = tw_handle_check(L, 1);
  tw_permute_attrs a = {.n = x->ndim};
  for (int i = 0; i < x->ndim; i++) a.axis[i] = i;
  int p, q;
  if (lua_isnoneornil(L, 2)) {
    if (x->ndim < 2) return push1(L, &tw_op_alias, NULL, x);
    p = x->ndim - 2;
    q = x->ndim - 1;
  } else {
    p = tw_arg_axis(L, 2, x->ndim);
    q = tw_arg_axis(L, 3, x->ndim);
  }
  a.axis[p] = q;
  a.axis[q] = p;
  return push1(L, &tw_op_permute, &a, x);
}

static int permute(lua_State *L) {
  tw_tensor *x = tw_handle_check(L, 1);
  tw_permute_attrs a = {.n = x->ndim};
  uint32_t seen = 0;
  bool in_table = lua_istable(L, 2);
  if ((in_table ? (int)lua_rawlen(L, 2) : lua_gettop(L) - 1) != x->ndim) return tw_raise(L, "permute: %d axes must be named", x->ndim);
  for (int i = 0; i < x->ndim; i++) {
    if (in_table) lua_rawgeti(L, 2, i + 1);
    else lua_pushvalue(L, i + 2);
    a.axis[i] = tw_arg_axis(L, lua_gettop(L), x->ndim);
    lua_pop(L, 1);
    seen |= 1u << a.axis[i];
  }
  if (seen != (1u << x->ndim) - 1) return tw_raise(L, "permute: every axis must be named once");
  return push1(L, &tw_op_permute, &a, x);
}

static int expand(lua_State *L) {
  tw_tensor *x = tw_handle_check(L, 1);
  tw_shape_attrs a;
  tw_arg_shape(L, 2, &a.shape);
  for (int i = 0; i < a.shape.n; i++) {
    int own = i - (a.shape.n - x->ndim);
    if (a.shape.d[i] < 0) a.shape.d[i] = own >= 0 ? x->shape[own] : 1;
  }
  return push1(L, &tw_op_expand, &a, x);
}

static int unsqueeze(lua_State *L) {
  tw_tensor *x = tw_handle_check(L, 1);
  int at = tw_arg_axis(L, 2, x->ndim + 1);
  if (x->ndim == TW_MAX_DIM) return tw_raise(L, "unsqueeze: a tensor has at most %d axes", TW_MAX_DIM);
  tw_shape_attrs a = {.shape = tw_tensor_shape(x)};
  memmove(a.shape.d + at + 1, a.shape.d + at, sizeof(int64_t) * (size_t)(x->ndim - at));
  a.shape.d[at] = 1;
  a.shape.n++;
  return push1(L, &tw_op_reshape, &a, x);
}

static int squeeze(lua_State *L) {
  tw_tensor *x = tw_handle_check(L, 1);
  uint32_t axes = tw_arg_axes(L, 2, x->ndim);
  tw_shape_attrs a = {0};
  for (int i = 0; i < x->ndim; i++) {
    bool asked = axes >> i & 1;
    if (asked && x->shape[i] != 1 && !lua_isnoneornil(L, 2)) {
      return tw_raise(L, "squeeze: axis %d has size %I, not 1", i + 1, (LUAI_UACINT)x->shape[i]);
    }
    if (!(asked && x->shape[i] == 1)) a.shape.d[a.shape.n++] = x->shape[i];
  }
  return push1(L, &tw_op_reshape, &a, x);
}

/* Products. */

typedef tw_status (*two_tensors)(tw_ctx *, tw_tensor *, tw_tensor *, tw_tensor **);

static int call_pair(lua_State *L, two_tensors f) {
  tw_tensor *a = tw_handle_check(L, 1), *b = tw_handle_check(L, 2), *out = NULL;
  tw_handle *h = tw_handle_new(L);
  tw_bind_status(L, f(tw_bind_ctx(L), a, b, &out));
  tw_handle_fill(L, h, out);
  return 1;
}
static int matmul(lua_State *L) { return call_pair(L, tw_matmul); }

static int dot(lua_State *L) {
  tw_tensor *a = tw_handle_check(L, 1), *b = tw_handle_check(L, 2);
  if (a->ndim != 1 || b->ndim != 1 || a->size != b->size) {
    char p[128], q[128];
    return tw_raise(L, "dot: two vectors of one length are needed: a is %s, b is %s", tw_tensor_describe(a, p, sizeof p), tw_tensor_describe(b, q, sizeof q));
  }
  return call_pair(L, tw_matmul);
}

static int linear(lua_State *L) {
  tw_tensor *x = tw_handle_check(L, 1), *w = tw_handle_check(L, 2), *b = lua_isnoneornil(L, 3) ? NULL : tw_handle_check(L, 3), *out = NULL;
  const char *name = luaL_optstring(L, 4, NULL);
  const tw_op *then = NULL;
  for (tw_activation i = TW_RELU; name && !then && i < TW_N_ACTIVATIONS; i++) then = strcmp(name, tw_activation_op(i)->name) == 0 ? tw_activation_op(i) : NULL;
  if (name && !then) then = tw_op_find(name);
  if (name && !(then && then->row && then->n_in == 1 && then->row->derivative[0])) {
    return tw_raise(L, "linear: \"%s\" is no activation; the name of an elementwise function is needed, such as relu", name);
  }
  tw_handle *h = tw_handle_new(L);
  tw_bind_status(L, tw_linear(tw_bind_ctx(L), x, w, b, then, &out));
  tw_handle_fill(L, h, out);
  return 1;
}

/* log_softmax(x, [axis = -1]), softmax likewise. */
static int softmax_like(lua_State *L, bool exponentiate) {
  tw_tensor *x = tw_handle_check(L, 1), *out = NULL;
  if (x->ndim == 0) return tw_raise(L, "%s: needs at least one axis", exponentiate ? "softmax" : "log_softmax");
  tw_axis_attrs a = {.axis = lua_isnoneornil(L, 2) ? x->ndim - 1 : tw_arg_axis(L, 2, x->ndim)};
  tw_handle *h = tw_handle_new(L);
  tw_compose k = {.ctx = tw_bind_ctx(L)};
  tw_tensor *y = tw_do1(&k, &tw_op_log_softmax, &a, x);
  if (exponentiate) y = tw_do1(&k, &tw_op_exp, NULL, y);
  tw_bind_status(L, tw_compose_end(&k, y, &out));
  tw_handle_fill(L, h, out);
  return 1;
}
static int log_softmax(lua_State *L) { return softmax_like(L, false); }
static int softmax(lua_State *L) { return softmax_like(L, true); }

/* leaky_relu(x [, slope = .01]), elu(x [, alpha = 1]): the parameter has a default. */
static int with_default(lua_State *L, const tw_op *op, double value) {
  if (lua_isnoneornil(L, 2)) {
    lua_settop(L, 1);
    lua_pushnumber(L, value);
  }
  lua_pushlightuserdata(L, (void *)(uintptr_t)op);
  lua_pushcclosure(L, call_elementwise, 1);
  lua_insert(L, 1);
  lua_call(L, lua_gettop(L) - 1, 1);
  return 1;
}
static int leaky_relu(lua_State *L) { return with_default(L, &tw_op_leaky_relu, 0.01); }
static int elu(lua_State *L) { return with_default(L, &tw_op_elu, 1); }

static tw_status with_new_axis(tw_ctx *ctx, tw_tensor *x, int axis, tw_tensor **out) {
  tw_shape_attrs a = {.shape = {.n = x->ndim + 1}};
  for (int i = 0; i < a.shape.n; i++) a.shape.d[i] = i < axis ? x->shape[i] : i == axis ? 1 : x->shape[i - 1];
  tw_compose k = {.ctx = ctx};
  return tw_compose_end(&k, tw_do1(&k, &tw_op_reshape, &a, x), out);
}

/* Joins neighbours until one is left: every element is copied log n times. Consumes the references in part. */
static tw_status join_pairwise(tw_ctx *ctx, tw_tensor **part, lua_Integer n, const tw_axis_attrs *a, tw_tensor **out) {
  tw_status s = TW_OK;
  while (n > 1 && s == TW_OK) {
    lua_Integer kept = 0;
    for (lua_Integer i = 0; i < n; i += 2) {
      tw_tensor *pair = part[i];
      if (i + 1 < n && s == TW_OK) {
        tw_compose k = {.ctx = ctx};
        pair = NULL;
        s = tw_compose_end(&k, tw_do2(&k, &tw_op_cat, a, part[i], part[i + 1]), &pair);
        tw_tensor_release(ctx, part[i]);
        tw_tensor_release(ctx, part[i + 1]);
      } else if (i + 1 < n) { /* after a failure the rest is let go below */
        part[kept++] = part[i];
        pair = part[i + 1];
      }
      part[kept++] = pair;
    }
    n = kept;
  }
  if (s == TW_OK) {
    *out = part[0];
    return s;
  }
  while (n > 0) tw_tensor_release(ctx, part[--n]);
  return s;
}

/* cat({tensors} [, axis = 1]), stack({tensors} [, axis = 1]). */
static int join(lua_State *L, bool stacked) {
  tw_ctx *ctx = tw_bind_ctx(L);
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_settop(L, 2);
  lua_Integer n = (lua_Integer)lua_rawlen(L, 1);
  luaL_argcheck(L, n > 0, 1, "at least one tensor is needed");
  lua_rawgeti(L, 1, 1);
  tw_tensor *first = tw_handle_check(L, -1);
  int ndim = first->ndim + stacked;
  tw_axis_attrs a = {.axis = lua_isnoneornil(L, 2) ? 0 : tw_arg_axis(L, 2, ndim)};
  if (ndim == 0 || ndim > TW_MAX_DIM) return tw_raise(L, "%s: needs tensors with axes (at most %d)", stacked ? "stack" : "cat", TW_MAX_DIM);
  for (lua_Integer i = 1; i <= n; i++) {
    lua_rawgeti(L, 1, i);
    if (!tw_bind_to_tensor(L, -1))
      return tw_raise(L, "%s: element %I is a %s, not a tensor", stacked ? "stack" : "cat", (LUAI_UACINT)i, luaL_typename(L, -1));
    lua_pop(L, 1);
  }
  tw_handle *h = tw_handle_new(L);
  tw_tensor **part = lua_newuserdatauv(L, (size_t)n * sizeof *part, 0), *whole = NULL;
  tw_status s = TW_OK;
  lua_Integer made = 0;
  for (; made < n && s == TW_OK; made += s == TW_OK) {
    lua_rawgeti(L, 1, made + 1);
    tw_tensor *x = tw_handle_test(L, -1)->tensor;
    lua_pop(L, 1);
    if (stacked) s = with_new_axis(ctx, x, a.axis, &part[made]);
    else part[made] = tw_tensor_retain(x);
  }
  if (s == TW_OK) s = join_pairwise(ctx, part, n, &a, &whole);
  else while (made > 0) tw_tensor_release(ctx, part[--made]);
  tw_bind_status(L, s);
  tw_handle_fill(L, h, whole);
  lua_pop(L, 1);
  return 1;
}
static int cat(lua_State *L) { return join(L, false); }
static int stack(lua_State *L) { return join(L, true); }

#include "bind/ops_rows.inc"

/* The derivatives of the elementwise rows, as they stand in ops.def; the reference page writes them out. */
static const struct { const char *name, *by[2]; } derivatives[] = {
#define UNARY(name, f, d, about) {#name, {#d, NULL}},
#define BINARY(name, f, da, db, about) {#name, {#da, #db}},
#define COMPARE(name, f, about)
#define PREDICATE(name, f, about)
#include "op/ops.def"
#undef UNARY
#undef BINARY
#undef COMPARE
#undef PREDICATE
};

static void add_operation(lua_State *L, const tw_op *op, lua_CFunction f, const char *doc) {
  lua_pushlightuserdata(L, (void *)(uintptr_t)op);
  lua_pushcclosure(L, f, 1);
  tw_add_function_value(L, op->name, true, doc);
}

/* An elementwise row: its documentation is its sentence and its derivative. */
static void add_row(lua_State *L, const tw_op *op) {
  static const char *const arguments[] = {"x", "a, b", "a, b, c"};
  char doc[1024];
  int n = snprintf(doc, sizeof doc, "%s(%s) -> %stensor\n%s\n", op->name, arguments[op->n_in - 1], op->flags & TW_OP_NO_GRAD ? "bool " : "", op->about);
  for (size_t i = 0; i < sizeof derivatives / sizeof *derivatives; i++) {
    for (int k = 0; k < 2 && strcmp(derivatives[i].name, op->name) == 0 && derivatives[i].by[k]; k++) {
      n += snprintf(doc + n, sizeof doc - (size_t)n, "derivative: %s\n", derivatives[i].by[k]);
      assert((size_t)n < sizeof doc);
    }
  }
  tw_doc_group(L, op->flags & TW_OP_NO_GRAD ? "Comparing and choosing" : "Elementwise functions");
  add_operation(L, op, call_elementwise, doc);
}

void tw_register_ops(lua_State *L) {
  static const struct { const tw_op *op; const char *meta; } operators[] = {
    {&tw_op_add, "__add"}, {&tw_op_sub, "__sub"}, {&tw_op_mul, "__mul"}, {&tw_op_div, "__div"}, {&tw_op_neg, "__unm"},
    {&tw_op_remainder, "__mod"}, {&tw_op_floor_divide, "__idiv"}, {&tw_op_logical_and, "__band"}, {&tw_op_logical_or, "__bor"},
    {&tw_op_logical_xor, "__bxor"}, {&tw_op_logical_not, "__bnot"},
  };
  static const struct { const char *title; const tw_function *rows; } parts[] = {
    {"Elementwise functions", parametric}, {"Comparing and choosing", choosing}, {"Reductions", statistics}, {"Shapes", shapes}, {"Shapes", joining},
    {"Products", products}, {"Network operations", networks},
  };
  for (int i = 0; tw_all_ops[i]; i++) {
    if (tw_all_ops[i]->row) add_row(L, tw_all_ops[i]);
  }
  for (size_t i = 0; i < sizeof operators / sizeof *operators; i++) {
    lua_getfield(L, -1, operators[i].op->name);
    tw_handle_set_meta_value(L, operators[i].meta);
  }
  tw_doc_group(L, "Reductions");
  for (const tw_function *r = reductions; r->name; r++) add_operation(L, tw_op_find(r->name), r->f, r->doc);
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
    tw_doc_group(L, parts[i].title);
    tw_add_functions(L, parts[i].rows);
  }
  tw_handle_set_meta(L, "__pow", meta_pow);
}
