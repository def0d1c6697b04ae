/* x[...]: fields, methods, and indexing: x[i], x[{i, {a, b}, {}}], x[index tensor]. Everything but the index tensor is a view. */
#include <string.h>

#include "bind/handle.h"
#include "op/op.h"
#include "tensor/ctx.h"

static int push_result(lua_State *L, const tw_op *op, const void *attrs, tw_tensor *const *in, int n_in) {
  tw_handle *h = tw_handle_new(L);
  tw_tensor *out[1] = {NULL};
  tw_call c = {.op = op, .attrs = attrs, .in = in, .out = out, .n_in = n_in, .n_out = 1};
  tw_bind_status(L, tw_apply(tw_bind_ctx(L), &c));
  tw_handle_fill(L, h, out[0]);
  return 1;
}

/* A 1-based position, negative from the end, as a 0-based one. */
static int64_t position(lua_State *L, lua_Integer i, int64_t n, int axis) {
  lua_Integer at = i < 0 ? i + n + 1 : i;
  if (at < 1 || at > n) luaL_error(L, "index %I is outside 1..%I on axis %d", (LUAI_UACINT)i, (LUAI_UACINT)n, axis + 1);
  return at - 1;
}

/* Slices x by `slice`, then drops the axes in `drop`. */
static int push_slice(lua_State *L, tw_tensor *x, const tw_slice_attrs *slice, uint32_t drop) {
  tw_ctx *ctx = tw_bind_ctx(L);
  tw_handle *h = tw_handle_new(L);
  tw_compose k = {.ctx = ctx};
  tw_tensor *y = tw_do1(&k, &tw_op_slice, slice, x), *out = NULL;
  if (y && drop) {
    tw_shape_attrs shape = {0};
    for (int i = 0; i < slice->n; i++) {
      if (!(drop >> i & 1)) shape.shape.d[shape.shape.n++] = slice->size[i];
    }
    y = tw_do1(&k, &tw_op_reshape, &shape, y);
  }
  tw_bind_status(L, tw_compose_end(&k, y, &out));
  tw_handle_fill(L, h, out);
  return 1;
}

static tw_slice_attrs whole(const tw_tensor *x) {
  tw_slice_attrs s = {.n = x->ndim};
  for (int i = 0; i < x->ndim; i++) {
    s.step[i] = 1;
    s.size[i] = x->shape[i];
  }
  return s;
}

static int row(lua_State *L, tw_tensor *x, lua_Integer i) {
  if (x->ndim == 0) return luaL_error(L, "a 0-d tensor has no axis to index; x:item() gives its number");
  tw_slice_attrs s = whole(x);
  s.start[0] = position(L, i, x->shape[0], 0);
  s.size[0] = 1;
  return push_slice(L, x, &s, 1);
}

/* {first, last} on an axis; an empty range is {a, a-1}. */
static void range(lua_State *L, int idx, tw_slice_attrs *s, int axis) {
  int64_t n = s->size[axis];
  lua_Integer parts = (lua_Integer)lua_rawlen(L, idx);
  if (parts == 0) return;
  int first_ok, last_ok;
  lua_rawgeti(L, idx, 1);
  lua_rawgeti(L, idx, 2);
  lua_Integer first = lua_tointegerx(L, -2, &first_ok), last = lua_tointegerx(L, -1, &last_ok);
  lua_pop(L, 2);
  if (parts != 2 || !first_ok || !last_ok) luaL_error(L, "a range on axis %d must be {first, last} or {} for all", axis + 1);
  if (first < 0) first += n + 1;
  if (last < 0) last += n + 1;
  if (first < 1 || last > n || last < first - 1) {
    luaL_error(L, "range {%I, %I} does not fit axis %d of size %I", (LUAI_UACINT)first, (LUAI_UACINT)last, axis + 1, (LUAI_UACINT)n);
  }
  s->start[axis] = first - 1;
  s->size[axis] = last - first + 1;
}

/* Mask to 1-based positions, as a new i64 tensor handle. */
static tw_tensor *positions_of(lua_State *L, const tw_tensor *mask) {
  tw_handle *h = tw_handle_new(L);
  tw_shape shape = {.n = 1};
  for (int64_t i = 0; i < mask->size; i++) shape.d[0] += tw_tensor_get(mask, i) != 0;
  tw_tensor *index;
  tw_bind_status(L, tw_tensor_new(tw_bind_ctx(L), TW_I64, &shape, &index));
  tw_handle_fill(L, h, index);
  int64_t n = 0;
  for (int64_t i = 0; i < mask->size; i++) {
    if (tw_tensor_get(mask, i) != 0) ((int64_t *)(void *)index->data)[n++] = i + 1;
  }
  return index;
}

/* x[index] along an axis: i64 positions or a mask over that axis; a mask of x's whole shape selects from its flat sequence. */
static int by_tensor(lua_State *L, tw_tensor *x, tw_tensor *index, int axis) {
  tw_ctx *ctx = tw_bind_ctx(L);
  tw_shape a = tw_tensor_shape(x), b = tw_tensor_shape(index);
  if (x->ndim == 0) return luaL_error(L, "a 0-d tensor has no axis to index");
  if (index->dtype == TW_BOOL) {
    bool flat = axis == 0 && tw_shape_equal(&a, &b) && x->ndim > 1;
    if (!flat && (index->ndim != 1 || index->size != x->shape[axis])) {
      char m[128], t[128];
      return luaL_error(L, "mask %s fits neither axis %d of %s nor its whole shape", tw_tensor_describe(index, m, sizeof m), axis + 1,
                        tw_tensor_describe(x, t, sizeof t));
    }
    index = positions_of(L, index);
    if (flat) {
      tw_shape_attrs line = {.shape = {.n = 1, .d = {x->size}}};
      push_result(L, &tw_op_reshape, &line, &x, 1);
      x = tw_handle_test(L, -1)->tensor;
    }
  }
  tw_axis_attrs along = {.axis = axis};
  if (index->ndim != 1) { /* several axes of indices: one flat selection, reshaped */
    tw_handle *h = tw_handle_new(L);
    tw_compose k = {.ctx = ctx};
    tw_tensor *flat = tw_do1(&k, &tw_op_reshape, &(tw_shape_attrs){.shape = {.n = 1, .d = {index->size}}}, index);
    tw_tensor *y = tw_do2(&k, &tw_op_index_select, &along, x, flat), *out = NULL;
    tw_shape_attrs shape = {0};
    for (int i = 0; i < axis; i++) shape.shape.d[shape.shape.n++] = x->shape[i];
    for (int i = 0; i < index->ndim && shape.shape.n < TW_MAX_DIM; i++) shape.shape.d[shape.shape.n++] = index->shape[i];
    for (int i = axis + 1; i < x->ndim && shape.shape.n < TW_MAX_DIM; i++) shape.shape.d[shape.shape.n++] = x->shape[i];
    y = tw_do1(&k, &tw_op_reshape, &shape, y);
    tw_bind_status(L, tw_compose_end(&k, y, &out));
    tw_handle_fill(L, h, out);
    return 1;
  }
  tw_tensor *in[2] = {x, index};
  return push_result(L, &tw_op_index_select, &along, in, 2);
}

static int by_table(lua_State *L, tw_tensor *x, int idx) {
  lua_Integer n = (lua_Integer)lua_rawlen(L, idx);
  if (n > x->ndim) {
    char shape[128];
    return luaL_error(L, "%I indices for %s", (LUAI_UACINT)n, tw_tensor_describe(x, shape, sizeof shape));
  }
  tw_slice_attrs s = whole(x);
  uint32_t drop = 0;
  int selected = -1, before = 0; /* at most one index tensor, applied after the slicing */
  for (int axis = 0; axis < n; axis++) {
    lua_rawgeti(L, idx, axis + 1);
    int isnum;
    lua_Integer i = lua_tointegerx(L, -1, &isnum);
    if (isnum && lua_type(L, -1) == LUA_TNUMBER) {
      s.start[axis] = position(L, i, x->shape[axis], axis);
      s.size[axis] = 1;
      drop |= 1u << axis;
      if (selected < 0) before++;
    } else if (tw_handle_test(L, -1)) {
      if (selected >= 0) luaL_error(L, "only one index tensor can stand in x[{...}]; select one axis after the other");
      selected = axis;
    } else if (lua_istable(L, -1)) {
      range(L, lua_gettop(L), &s, axis);
    } else {
      luaL_error(L, "an index must be a whole number, {first, last}, {} or a tensor; on axis %d it is a %s", axis + 1, luaL_typename(L, -1));
    }
    lua_pop(L, 1);
  }
  push_slice(L, x, &s, drop);
  if (selected < 0) return 1;
  lua_rawgeti(L, idx, selected + 1);
  return by_tensor(L, tw_handle_check(L, -2), tw_handle_check(L, -1), selected - before);
}

static int push_shape(lua_State *L, const tw_tensor *x) {
  lua_createtable(L, x->ndim, 0);
  for (int i = 0; i < x->ndim; i++) {
    lua_pushinteger(L, x->shape[i]);
    lua_rawseti(L, -2, i + 1);
  }
  return 1;
}

static int meta_index(lua_State *L) {
  int type = lua_type(L, 2);
  if (type == LUA_TSTRING) {
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL) return 1;
    tw_tensor *x = tw_handle_check(L, 1);
    const char *key = lua_tostring(L, 2);
    if (strcmp(key, "shape") == 0) return push_shape(L, x);
    if (strcmp(key, "ndim") == 0) return lua_pushinteger(L, x->ndim), 1;
    if (strcmp(key, "size") == 0) return lua_pushinteger(L, x->size), 1;
    if (strcmp(key, "dtype") == 0) return lua_pushstring(L, tw_dtype_name((tw_dtype)x->dtype)), 1;
    return luaL_error(L, "a tensor has no field or method '%s'", key);
  }
  tw_tensor *x = tw_handle_check(L, 1);
  if (type == LUA_TNUMBER) {
    int isnum;
    lua_Integer i = lua_tointegerx(L, 2, &isnum);
    if (!isnum) return luaL_error(L, "an index must be a whole number, got %s", lua_tostring(L, 2));
    return row(L, x, i);
  }
  if (type == LUA_TTABLE) return by_table(L, x, 2);
  tw_tensor *index = tw_bind_to_tensor(L, 2);
  if (index) return by_tensor(L, x, index, 0);
  return luaL_error(L, "a tensor cannot be indexed by a %s", luaL_typename(L, 2));
}

static int meta_newindex(lua_State *L) {
  return luaL_error(L, "a tensor's elements are not assigned with =; use x[i]:assign(y), or build a new tensor");
}

static int meta_len(lua_State *L) {
  tw_tensor *x = tw_handle_check(L, 1);
  lua_pushinteger(L, x->ndim ? x->shape[0] : 0);
  return 1;
}

static int meta_less(lua_State *L) {
  return luaL_error(L, "tensors are not compared with < > <= >=; use x:lt(y), x:gt(y) ..., and :item() for a number");
}

static int narrow(lua_State *L) {
  tw_tensor *x = tw_handle_check(L, 1);
  int axis = tw_arg_axis(L, 2, x->ndim);
  tw_slice_attrs s = whole(x);
  s.start[axis] = position(L, luaL_checkinteger(L, 3), x->shape[axis] + 1, axis);
  s.size[axis] = luaL_checkinteger(L, 4);
  if (s.size[axis] < 0 || s.start[axis] + s.size[axis] > x->shape[axis]) {
    return luaL_error(L, "narrow: %I elements from %I do not fit axis %d of size %I", (LUAI_UACINT)s.size[axis], (LUAI_UACINT)s.start[axis] + 1, axis + 1,
                      (LUAI_UACINT)x->shape[axis]);
  }
  return push_slice(L, x, &s, 0);
}

static int index_select(lua_State *L) {
  tw_tensor *x = tw_handle_check(L, 1);
  int axis = tw_arg_axis(L, 2, x->ndim);
  return by_tensor(L, x, tw_handle_check(L, 3), axis);
}

static const tw_function methods[] = {
  {"narrow", narrow, true,
   "narrow(x, axis, first, n) -> tensor\n"
   "A view of n consecutive elements of an axis, from the given place on. What does not fit is an error.\n"
   "example:\n"
   "tw.arange(6):narrow(1, 3, 2) --> f64[2] [3 4]\n"
   "tw.arange(6):narrow(1, 5, 3) --> error: narrow: 3 elements from 5 do not fit axis 1 of size 6"},
  {"index_select", index_select, true,
   "index_select(x, axis, index) -> tensor\n"
   "The slices along an axis that an index tensor names: i64, counted from 1, of any shape, which takes the axis' place in the result; or a bool mask over "
   "the\n"
   "axis. A copy; in the gradient what was taken several times is added up. An index outside 1..n is an error.\n"
   "example:\n"
   "tw.tensor{ {1, 2}, {3, 4} }:index_select(2, tw.tensor({ 2, 2 }, {dtype = \"i64\"})) --> f64[2 2]\n"
   "                                                                                 --> [[2 2]\n"
   "                                                                                 -->  [4 4]]"},
  {NULL, NULL, false, NULL},
};

static void document(lua_State *L) {
  tw_add_topic(L, "x[i]",
    "x[i] -> tensor\n"
    "The i-th slice along the first axis, a view: a row of a matrix, a 0-d tensor of a vector. Counted from 1, negative from the end. #x is the size of the "
    "first\n"
    "axis. An index outside is an error, and so is x[i] = v: write x[i]:assign(v).\n"
    "example:\n"
    "local x = tw.tensor{ {1, 2}, {3, 4} }\n"
    "x[-1], #x --> f64[2] [3 4]\t2\n"
    "x[3] --> error: index 3 is outside 1..2 on axis 1");
  tw_add_topic(L, "x[{...}]",
    "x[{i, {first, last}, {}, index}] -> tensor\n"
    "One entry per axis from the first on, the other axes whole: a number takes one place and drops the axis, {first, last} is a range with both ends, {} "
    "the whole\n"
    "axis, a tensor of indices or a mask selects as x[index] does. Without such a tensor the result is a view.\n"
    "example:\n"
    "local x = tw.arange(12):reshape(3, 4)\n"
    "x[{2, 3}] --> f64[] 7\n"
    "x[{ {}, 2 }] --> f64[3] [ 2  6 10]\n"
    "x[{ {1, 2}, {-2, -1} }] --> f64[2 2]\n"
    "                        --> [[3 4]\n"
    "                        -->  [7 8]]");
  tw_add_topic(L, "x[index]",
    "x[index] -> tensor\n"
    "Slices of the first axis named by an i64 tensor, or by a bool mask over that axis; a mask of x's whole shape selects elements in row-major order. A "
    "copy,\n"
    "differentiable in x.\n"
    "example:\n"
    "local x = tw.tensor{ {1, 2}, {3, 4} }\n"
    "x[x:gt(1)] --> f64[3] [2 3 4]\n"
    "x[tw.tensor({ 2, 1 }, {dtype = \"i64\"})] --> f64[2 2]\n"
    "                                       --> [[3 4]\n"
    "                                       -->  [1 2]]");
}

void tw_register_index(lua_State *L) {
  document(L);
  tw_add_functions(L, methods);
  tw_handle_set_meta(L, "__index", meta_index);
  tw_handle_set_meta(L, "__newindex", meta_newindex);
  tw_handle_set_meta(L, "__len", meta_len);
  tw_handle_set_meta(L, "__lt", meta_less);
  tw_handle_set_meta(L, "__le", meta_less);
}
