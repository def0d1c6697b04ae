/* Ordering, scanning, gathering, diagonals, masks, norms and einsum as Lua functions and methods. */
#include "op/select.h"

#include <string.h>

#include "bind/handle.h"
#include "bind/save.h"
#include "tensor/ctx.h"

/* The axis to go along: the argument at idx, the last one where it is left out. */
static int line_axis(lua_State *L, int idx, const tw_tensor *x, const char *name) {
  if (x->ndim == 0) tw_raise(L, "%s: a 0-d tensor has no axis", name);
  return lua_isnoneornil(L, idx) ? x->ndim - 1 : tw_arg_axis(L, idx, x->ndim);
}

/* An option table may stand in the place of the axis before it. */
static int options_at(lua_State *L, int axis) { return lua_istable(L, axis) && lua_rawlen(L, axis) == 0 && lua_isnone(L, axis + 1) ? axis : axis + 1; }

static int call1(lua_State *L, const tw_op *op, const void *attrs, tw_tensor *x) {
  tw_handle *h = tw_handle_new(L);
  tw_tensor *out[1] = {NULL};
  tw_call c = {.op = op, .attrs = attrs, .in = &x, .out = out, .n_in = 1, .n_out = 1};
  tw_bind_status(L, tw_apply(tw_bind_ctx(L), &c));
  tw_handle_fill(L, h, out[0]);
  return 1;
}

/* Order. */

static const char *const sort_options[] = {"descending", NULL};
static const char *const topk_options[] = {"largest", NULL};

static int sort(lua_State *L) {
  tw_tensor *x = tw_handle_check(L, 1), *values, *index;
  int options = options_at(L, 2);
  tw_arg_options(L, options, "sort", sort_options);
  int axis = line_axis(L, options == 2 ? 4 : 2, x, "sort");
  bool descending = tw_arg_flag(L, options, "descending");
  tw_handle *v = tw_handle_new(L), *i = tw_handle_new(L);
  tw_bind_status(L, tw_sort(tw_bind_ctx(L), x, axis, descending, &values, &index));
  tw_handle_fill(L, v, values);
  tw_handle_fill(L, i, index);
  return 2;
}

static int argsort(lua_State *L) {
  tw_tensor *x = tw_handle_check(L, 1);
  int options = options_at(L, 2);
  tw_arg_options(L, options, "argsort", sort_options);
  tw_sort_attrs a = {.axis = line_axis(L, options == 2 ? 4 : 2, x, "argsort"), .descending = tw_arg_flag(L, options, "descending")};
  return call1(L, &tw_op_argsort, &a, x);
}

static int topk(lua_State *L) {
  tw_tensor *x = tw_handle_check(L, 1), *values, *index;
  lua_Integer k = luaL_checkinteger(L, 2);
  int options = options_at(L, 3);
  tw_arg_options(L, options, "topk", topk_options);
  int axis = line_axis(L, options == 3 ? 5 : 3, x, "topk");
  bool largest = true;
  if (lua_istable(L, options)) {
    if (lua_getfield(L, options, "largest") != LUA_TNIL) largest = lua_toboolean(L, -1);
    lua_pop(L, 1);
  }
  if (k < 0 || k > x->shape[axis]) {
    char text[128];
    return tw_raise(L, "topk: k is %I, axis %d of %s has %I elements", (LUAI_UACINT)k, axis + 1, tw_tensor_describe(x, text, sizeof text),
                    (LUAI_UACINT)x->shape[axis]);
  }
  tw_handle *v = tw_handle_new(L), *i = tw_handle_new(L);
  tw_bind_status(L, tw_topk(tw_bind_ctx(L), x, k, axis, largest, &values, &index));
  tw_handle_fill(L, v, values);
  tw_handle_fill(L, i, index);
  return 2;
}

/* Scans: the axis may be left out for a vector. */
static int scan(lua_State *L, const tw_op *op) {
  tw_tensor *x = tw_handle_check(L, 1);
  if (x->ndim > 1 && lua_isnoneornil(L, 2)) {
    char text[128];
    return tw_raise(L, "%s: along which axis? x is %s", op->name, tw_tensor_describe(x, text, sizeof text));
  }
  tw_scan_attrs a = {.axis = line_axis(L, 2, x, op->name)};
  return call1(L, op, &a, x);
}
static int cumsum(lua_State *L) { return scan(L, &tw_op_cumsum); }
static int cumprod(lua_State *L) { return scan(L, &tw_op_cumprod); }

/* Parts. */

static int flip(lua_State *L) {
  tw_tensor *x = tw_handle_check(L, 1), *out;
  uint32_t axes = tw_arg_axes(L, 2, x->ndim);
  tw_handle *h = tw_handle_new(L);
  tw_bind_status(L, tw_flip(tw_bind_ctx(L), x, axes, &out));
  tw_handle_fill(L, h, out);
  return 1;
}

static int split(lua_State *L) {
  tw_tensor *x = tw_handle_check(L, 1);
  if (x->ndim == 0) return tw_raise(L, "split: a 0-d tensor has no axis");
  int axis = lua_isnoneornil(L, 3) ? 0 : tw_arg_axis(L, 3, x->ndim);
  bool listed = lua_istable(L, 2);
  int64_t n = x->shape[axis], size = listed ? 0 : luaL_checkinteger(L, 2);
  luaL_argcheck(L, listed || size > 0, 2, "the size of a part must be at least 1");
  int64_t parts = listed ? (int64_t)lua_rawlen(L, 2) : (n + size - 1) / size, start = 0;
  tw_slice_attrs s = {.n = x->ndim};
  for (int i = 0; i < x->ndim; i++) {
    s.step[i] = 1;
    s.size[i] = x->shape[i];
  }
  lua_settop(L, 2);
  lua_createtable(L, (int)(parts < 1000 ? parts : 1000), 0);
  for (int64_t k = 1; k <= parts; k++) {
    if (listed) {
      int isnum;
      lua_rawgeti(L, 2, k);
      size = lua_tointegerx(L, -1, &isnum);
      if (!isnum || size < 0) return tw_raise(L, "split: size %I must be a whole number >= 0, got %s", (LUAI_UACINT)k, luaL_tolstring(L, -1, NULL));
      lua_pop(L, 1);
    }
    s.start[axis] = start;
    s.size[axis] = listed || n - start > size ? size : n - start;
    if (s.size[axis] > n - start) break;
    start += s.size[axis];
    call1(L, &tw_op_slice, &s, x);
    lua_rawseti(L, 3, k);
  }
  if (start != n || (int64_t)lua_rawlen(L, 3) != parts) {
    return tw_raise(L, "split: the sizes must add up to %I, the size of axis %d", (LUAI_UACINT)n, axis + 1);
  }
  return 1;
}

/* The index tensor at idx with negative elements counted from the end, as a new value on the stack. */
static tw_tensor *resolved(lua_State *L, int idx, const char *name, int64_t n) {
  tw_tensor *index = tw_handle_check(L, idx), *positive;
  tw_handle *h = tw_handle_new(L);
  tw_bind_status(L, tw_index_resolve(tw_bind_ctx(L), name, index, n, &positive));
  tw_handle_fill(L, h, positive);
  return positive;
}

static int gather(lua_State *L) {
  tw_tensor *x = tw_handle_check(L, 1);
  tw_scan_attrs a = {.axis = tw_arg_axis(L, 2, x->ndim)};
  tw_tensor *in[2] = {x, resolved(L, 3, "gather", x->shape[a.axis])}, *out[1] = {NULL};
  tw_handle *h = tw_handle_new(L);
  tw_call c = {.op = &tw_op_gather, .attrs = &a, .in = in, .out = out, .n_in = 2, .n_out = 1};
  tw_bind_status(L, tw_apply(tw_bind_ctx(L), &c));
  tw_handle_fill(L, h, out[0]);
  return 1;
}

static int scatter_add(lua_State *L) {
  tw_ctx *ctx = tw_bind_ctx(L);
  tw_tensor *x = tw_handle_check(L, 1), *out = NULL;
  tw_scan_attrs a = {.axis = tw_arg_axis(L, 2, x->ndim)};
  tw_operand_check(L, 4);
  tw_bind_to_tensor(L, 4);
  lua_settop(L, 4);
  tw_tensor *index = resolved(L, 3, "scatter_add", x->shape[a.axis]);
  tw_handle *h = tw_handle_new(L);
  tw_operand source;
  tw_status s = tw_operand_get(L, 4, x, &source);
  if (s == TW_OK) {
    tw_compose k = {.ctx = ctx};
    tw_tensor *t = source.tensor;
    if (t->ndim == 0) t = tw_do1(&k, &tw_op_expand, &(tw_shape_attrs){.shape = tw_tensor_shape(index)}, t);
    s = tw_compose_end(&k, tw_do3(&k, &tw_op_scatter_add, &a, x, t, index), &out);
  }
  tw_operand_drop(L, &source);
  tw_bind_status(L, s);
  tw_handle_fill(L, h, out);
  return 1;
}

static const char *const dtype_option[] = {"dtype", NULL};

static int one_hot(lua_State *L) {
  tw_ctx *ctx = tw_bind_ctx(L);
  tw_tensor *index = tw_handle_check(L, 1), *out;
  int options = options_at(L, 2);
  tw_arg_options(L, options, "one_hot", dtype_option);
  tw_dtype d = tw_arg_dtype(L, options, ctx->default_dtype);
  lua_Integer classes = 0;
  if (options == 2 || lua_isnoneornil(L, 2)) {
    tw_refuse_laned(L, index, "one_hot: without the number of classes");
    if (index->size == 0) return tw_raise(L, "one_hot: the number of classes of an empty tensor must be given");
    for (int64_t i = 0; i < index->size; i++) {
      int64_t at = tw_tensor_get_i64(index, i);
      classes = at > classes ? at : classes;
    }
  } else {
    classes = luaL_checkinteger(L, 2);
    luaL_argcheck(L, classes >= 0, 2, "the number of classes must be >= 0");
  }
  tw_handle *h = tw_handle_new(L);
  tw_bind_status(L, tw_one_hot(ctx, index, classes, d, &out));
  tw_handle_fill(L, h, out);
  return 1;
}

/* Matrices. */

static int triangle(lua_State *L, const tw_op *op) {
  tw_tensor *x = tw_handle_check(L, 1);
  tw_triangle_attrs a = {.k = luaL_optinteger(L, 2, 0)};
  return call1(L, op, &a, x);
}
static int tril(lua_State *L) { return triangle(L, &tw_op_tril); }
static int triu(lua_State *L) { return triangle(L, &tw_op_triu); }

static int diag(lua_State *L) {
  tw_tensor *x = tw_handle_check(L, 1), *out;
  lua_Integer k = luaL_optinteger(L, 2, 0);
  luaL_argcheck(L, k > -(1LL << 31) && k < 1LL << 31, 2, "the diagonal is too far away");
  tw_handle *h = tw_handle_new(L);
  tw_bind_status(L, tw_diag(tw_bind_ctx(L), x, k, &out));
  tw_handle_fill(L, h, out);
  return 1;
}

static int einsum(lua_State *L) {
  size_t length;
  const char *spec = luaL_checklstring(L, 1, &length);
  int n = lua_gettop(L) - 1;
  for (int i = 2; i <= n + 1; i++) tw_handle_check(L, i);
  luaL_argcheck(L, strlen(spec) == length, 1, "the spec must not contain zeros");
  tw_handle *h = tw_handle_new(L);
  tw_tensor *out = NULL, **in = lua_newuserdatauv(L, sizeof *in * (size_t)(n + 1), 0);
  for (int i = 0; i < n; i++) in[i] = tw_handle_test(L, i + 2)->tensor;
  tw_bind_status(L, tw_einsum(tw_bind_ctx(L), spec, n, in, &out));
  tw_handle_fill(L, h, out);
  lua_pop(L, 1);
  return 1;
}

/* Masks, clamp, norm. */

static const char *const keepdim_option[] = {"keepdim", NULL};
static const char *const norm_options[] = {"keepdim", "p", NULL};

static tw_reduce_attrs reduction(lua_State *L, const tw_tensor *x, const char *name, const char *const *known, int *options) {
  *options = options_at(L, 2);
  tw_arg_options(L, *options, name, known);
  return (tw_reduce_attrs){.axes = *options == 2 ? (1u << x->ndim) - 1 : tw_arg_axes(L, 2, x->ndim), .keepdim = tw_arg_flag(L, *options, "keepdim")};
}

static int truth(lua_State *L, const tw_op *op) {
  int options;
  tw_tensor *x = tw_handle_check(L, 1);
  tw_reduce_attrs a = reduction(L, x, op->name, keepdim_option, &options);
  return call1(L, op, &a, x);
}
static int all(lua_State *L) { return truth(L, &tw_op_all); }
static int any(lua_State *L) { return truth(L, &tw_op_any); }

static int norm(lua_State *L) {
  int options;
  tw_tensor *x = tw_handle_check(L, 1), *out;
  tw_reduce_attrs a = reduction(L, x, "norm", norm_options, &options);
  double p = 2;
  if (lua_istable(L, options)) {
    if (lua_getfield(L, options, "p") != LUA_TNIL) {
      int isnum;
      p = lua_tonumberx(L, -1, &isnum);
      if (!isnum) return tw_raise(L, "norm: p must be a number, got a %s", luaL_typename(L, -1));
    }
    lua_pop(L, 1);
  }
  tw_handle *h = tw_handle_new(L);
  tw_bind_status(L, tw_norm_axes(tw_bind_ctx(L), x, p, a.axes, a.keepdim, &out));
  tw_handle_fill(L, h, out);
  return 1;
}

static int clamp(lua_State *L) {
  tw_tensor *out = NULL;
  const tw_tensor *meets = NULL;
  tw_operand o[3] = {{NULL, NULL}, {NULL, NULL}, {NULL, NULL}};
  lua_settop(L, 3);
  if (lua_isnil(L, 2) && lua_isnil(L, 3)) return tw_raise(L, "clamp: give a lower bound, an upper bound or both: x:clamp(0, 1), x:clamp(nil, 1)");
  for (int i = 1; i <= 3; i++) {
    if (i > 1 && lua_isnil(L, i)) continue;
    tw_operand_check(L, i);
    const tw_tensor *t = tw_bind_to_tensor(L, i);
    if (t && (!meets || !tw_is_real((tw_dtype)meets->dtype))) meets = t;
  }
  tw_handle *h = tw_handle_new(L);
  tw_status s = TW_OK;
  for (int i = 0; i < 3 && s == TW_OK; i++) {
    if (!lua_isnil(L, i + 1)) s = tw_operand_get(L, i + 1, meets, &o[i]);
  }
  if (s == TW_OK) s = tw_clamp(tw_bind_ctx(L), o[0].tensor, o[1].tensor, o[2].tensor, &out);
  for (int i = 0; i < 3; i++) tw_operand_drop(L, &o[i]);
  tw_bind_status(L, s);
  tw_handle_fill(L, h, out);
  return 1;
}

#include "bind/select_rows.inc"

void tw_register_select(lua_State *L) {
  static const struct { const char *title; const tw_function *rows; } parts[] = {
    {"Selecting and sorting", ordering}, {"Shapes", cutting}, {"Reductions", reducing}, {"Elementwise functions", bounding}, {"Products", contracting},
  };
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
    tw_doc_group(L, parts[i].title);
    tw_add_functions(L, parts[i].rows);
  }
  tw_doc_group(L, "Tensors");
  tw_register_save(L);
}
