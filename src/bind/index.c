/* x[...]: fields, methods, and indexing: x[i], x[{i, {a, b}, {}}], x[index tensor]. Everything but the index tensor is a view. Several index tensors act
 * axis by axis: x[{rows, columns}] is every row named with every column named. */
#include <string.h>

#include "bind/handle.h"
#include "op/select.h"
#include "tensor/ctx.h"

/* A 1-based position, negative from the end, as a 0-based one. */
static int64_t position(lua_State *L, lua_Integer i, int64_t n, int axis) {
  lua_Integer at = i < 0 ? i + n + 1 : i;
  if (at < 1 || at > n) tw_raise(L, "index %I is outside 1..%I on axis %d", (LUAI_UACINT)i, (LUAI_UACINT)n, axis + 1);
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
  if (x->ndim == 0) return tw_raise(L, "a 0-d tensor has no axis to index; x:item() gives its number");
  tw_slice_attrs s = whole(x);
  s.start[0] = position(L, i, x->shape[0], 0);
  s.size[0] = 1;
  return push_slice(L, x, &s, 1);
}

/* A list without holes and without names, so that a misspelt index is not taken for {}. */
static lua_Integer list_length(lua_State *L, int idx, const char *what) {
  lua_Integer n = (lua_Integer)lua_rawlen(L, idx);
  lua_pushnil(L);
  while (lua_next(L, idx)) {
    lua_pop(L, 1);
    lua_Integer at = lua_isinteger(L, -1) ? lua_tointeger(L, -1) : 0;
    if (at < 1 || at > n) tw_raise(L, "%s is a list without names; it has the key %s", what, luaL_tolstring(L, -1, NULL));
  }
  return n;
}

/* {first, last [, step]} on an axis, last included when it is hit; an empty range is {a, a-1}. */
static void range(lua_State *L, int idx, tw_slice_attrs *s, int axis) {
  int64_t n = s->size[axis];
  lua_Integer parts = list_length(L, idx, "a range"), end[3] = {0, 0, 1};
  if (parts == 0) return;
  bool whole_numbers = true;
  for (int i = 0; i < parts && i < 3; i++) {
    int isnum;
    lua_rawgeti(L, idx, i + 1);
    end[i] = lua_tointegerx(L, -1, &isnum);
    whole_numbers = whole_numbers && isnum && lua_type(L, -1) == LUA_TNUMBER;
    lua_pop(L, 1);
  }
  if (parts < 2 || parts > 3 || !whole_numbers || end[2] == 0) {
    tw_raise(L, "a range on axis %d must be {first, last}, {first, last, step} or {} for all", axis + 1);
  }
  lua_Integer first = end[0] < 0 ? end[0] + n + 1 : end[0], last = end[1] < 0 ? end[1] + n + 1 : end[1];
  lua_Integer step = end[2] > n + 1 ? n + 1 : end[2] < -n - 1 ? -n - 1 : end[2];
  bool fits = step > 0 ? first >= 1 && last <= n && last >= first - 1 : first <= n && last >= 1 && last <= first + 1;
  if (!fits) tw_raise(L, "range {%I, %I} does not fit axis %d of size %I", (LUAI_UACINT)end[0], (LUAI_UACINT)end[1], axis + 1, (LUAI_UACINT)n);
  s->start[axis] = first - 1;
  s->step[axis] = step;
  s->size[axis] = (last - first + step) / step;
}

/* The axes a tensor stands for in an index: a mask for as many as it has, positions for one. Raises when it cannot. */
static int axes_of(lua_State *L, const tw_tensor *x, const tw_tensor *index, int axis) {
  if (index->dtype != TW_BOOL) return 1;
  bool fits = index->ndim > 0 && axis + index->ndim <= x->ndim;
  for (int i = 0; fits && i < index->ndim; i++) fits = index->shape[i] == x->shape[axis + i];
  if (!fits) {
    char m[128], t[128];
    tw_raise(L, "mask %s does not fit %s from axis %d on", tw_tensor_describe(index, m, sizeof m), tw_tensor_describe(x, t, sizeof t), axis + 1);
  }
  return index->ndim;
}

/* x with the axis replaced by the index's axes: positions (negative from the end), or a mask over one or several axes, which leaves one axis. */
static int by_tensor(lua_State *L, tw_tensor *x, tw_tensor *index, int axis) {
  tw_ctx *ctx = tw_bind_ctx(L);
  if (axis >= x->ndim) return tw_raise(L, "a 0-d tensor has no axis to index");
  int gone = axes_of(L, x, index, axis);
  bool mask = index->dtype == TW_BOOL;
  if (mask) tw_refuse_laned(L, index, "index: a mask selects as many elements as it has true ones");
  int kept = mask ? 1 : index->ndim;
  int axes = x->ndim - gone + kept;
  if (axes > TW_MAX_DIM) return tw_raise(L, "the result of indexing would have %d axes, at most %d are possible", axes, TW_MAX_DIM);
  tw_shape_attrs merged = {0}, result = {0};
  for (int i = 0; i < axis; i++) merged.shape.d[merged.shape.n++] = x->shape[i];
  merged.shape.d[merged.shape.n++] = 1;
  for (int i = axis; i < axis + gone; i++) merged.shape.d[axis] *= x->shape[i];
  for (int i = axis + gone; i < x->ndim; i++) merged.shape.d[merged.shape.n++] = x->shape[i];
  for (int i = 0; i < axis; i++) result.shape.d[result.shape.n++] = x->shape[i];
  for (int i = 0; !mask && i < index->ndim; i++) result.shape.d[result.shape.n++] = index->shape[i];
  for (int i = axis + gone; i < x->ndim; i++) result.shape.d[result.shape.n++] = x->shape[i];

  tw_handle *p = tw_handle_new(L), *h = tw_handle_new(L);
  tw_tensor *places, *out;
  tw_bind_status(L, mask ? tw_mask_positions(ctx, index, &places) : tw_index_resolve(ctx, "index", index, x->shape[axis], &places));
  tw_handle_fill(L, p, places);
  tw_compose k = {.ctx = ctx};
  tw_axis_attrs along = {.axis = axis};
  tw_tensor *y = gone == 1 ? x : tw_do1(&k, &tw_op_reshape, &merged, x);
  if (places->ndim != 1) places = tw_do1(&k, &tw_op_reshape, &(tw_shape_attrs){.shape = {.n = 1, .d = {places->size}}}, places);
  y = tw_do2(&k, &tw_op_index_select, &along, y, places);
  if (!mask && index->ndim != 1) y = tw_do1(&k, &tw_op_reshape, &result, y);
  tw_bind_status(L, tw_compose_end(&k, y, &out));
  tw_handle_fill(L, h, out);
  return 1;
}

/* Axis by axis: numbers and ranges first, as one view; then the index tensors, the last axis first so that the places of the others stay. */
static int by_table(lua_State *L, tw_tensor *x, int idx) {
  luaL_checkstack(L, 4 * TW_MAX_DIM, "too many indices");
  lua_Integer n = list_length(L, idx, "an index");
  tw_slice_attrs s = whole(x);
  uint32_t drop = 0;
  int axis = 0, dropped = 0, n_selected = 0, selected[TW_MAX_DIM], at[TW_MAX_DIM];
  for (lua_Integer place = 1; place <= n; place++) {
    if (axis >= x->ndim) {
      char shape[128];
      return tw_raise(L, "%I indices for %s", (LUAI_UACINT)n, tw_tensor_describe(x, shape, sizeof shape));
    }
    lua_rawgeti(L, idx, place);
    int isnum;
    lua_Integer i = lua_tointegerx(L, -1, &isnum);
    const tw_tensor *index = tw_bind_to_tensor(L, -1);
    if (isnum && lua_type(L, -1) == LUA_TNUMBER) {
      s.start[axis] = position(L, i, x->shape[axis], axis);
      s.size[axis] = 1;
      drop |= 1u << axis++;
      dropped++;
    } else if (index) {
      selected[n_selected] = (int)place;
      at[n_selected++] = axis - dropped;
      axis += axes_of(L, x, index, axis);
    } else if (lua_istable(L, -1)) {
      range(L, lua_gettop(L), &s, axis++);
    } else {
      return tw_raise(L, "an index must be a whole number, {first, last}, {} or a tensor; on axis %d it is %s", axis + 1, luaL_tolstring(L, -1, NULL));
    }
    lua_pop(L, 1);
  }
  push_slice(L, x, &s, drop);
  while (n_selected-- > 0) {
    lua_rawgeti(L, idx, selected[n_selected]);
    by_tensor(L, tw_handle_test(L, -2)->tensor, tw_handle_test(L, -1)->tensor, at[n_selected]);
  }
  return 1;
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
    return tw_raise(L, "a tensor has no field or method '%s'", key);
  }
  tw_tensor *x = tw_handle_check(L, 1);
  if (type == LUA_TNUMBER) {
    int isnum;
    lua_Integer i = lua_tointegerx(L, 2, &isnum);
    if (!isnum) return tw_raise(L, "an index must be a whole number, got %s", lua_tostring(L, 2));
    return row(L, x, i);
  }
  if (type == LUA_TTABLE) return by_table(L, x, 2);
  tw_tensor *index = tw_bind_to_tensor(L, 2);
  if (index) return by_tensor(L, x, index, 0);
  return tw_raise(L, "a tensor cannot be indexed by a %s", luaL_typename(L, 2));
}

static int meta_newindex(lua_State *L) {
  return tw_raise(L, "a tensor's elements are not assigned with =; use x[i]:assign(y), or build a new tensor");
}

static int meta_len(lua_State *L) {
  tw_tensor *x = tw_handle_check(L, 1);
  lua_pushinteger(L, x->ndim ? x->shape[0] : 0);
  return 1;
}

static int meta_less(lua_State *L) {
  for (int i = 1; i <= 2; i++) {
    const tw_tensor *t = tw_bind_to_tensor(L, i);
    if (t) tw_refuse_laned(L, t, "comparison: tensors are not compared with < > <= >=");
  }
  return tw_raise(L, "tensors are not compared with < > <= >=; a condition compares numbers, x:item() < y; x:lt(y), x:gt(y) ... give tensors");
}

static int meta_concat(lua_State *L) {
  for (int i = 1; i <= 2; i++) {
    const tw_tensor *t = tw_bind_to_tensor(L, i);
    if (t) tw_refuse_laned(L, t, "concatenation");
  }
  return tw_raise(L, "attempt to concatenate a tensor; tostring(x) makes text of it, x:item() a number");
}

static int narrow(lua_State *L) {
  tw_tensor *x = tw_handle_check(L, 1);
  int axis = tw_arg_axis(L, 2, x->ndim);
  tw_slice_attrs s = whole(x);
  s.start[axis] = position(L, luaL_checkinteger(L, 3), x->shape[axis] + 1, axis);
  s.size[axis] = luaL_checkinteger(L, 4);
  if (s.size[axis] < 0 || s.size[axis] > x->shape[axis] - s.start[axis]) {
    return tw_raise(L, "narrow: %I elements from %I do not fit axis %d of size %I", (LUAI_UACINT)s.size[axis], (LUAI_UACINT)s.start[axis] + 1, axis + 1,
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
   "The slices along an axis that an index tensor names: i64, counted from 1 (negative from the end), of any shape, which takes the axis' place\n"
   "in the result; or a bool mask over the axis. A copy; in the gradient what was taken several times is added up. An index outside 1..n is an error.\n"
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
    "One entry per axis from the first on, the other axes whole: a number takes one place and drops the axis; {first, last} is a range with both ends,\n"
    "{first, last, step} every step-th of it, backwards where the step is negative; {} is the whole axis; a tensor of indices or a mask selects as x[index]\n"
    "does, each along its own axis: x[{rows, columns}] has every row named and every column named. Without such a tensor the result is a view.\n"
    "example:\n"
    "local x = tw.arange(12):reshape(3, 4)\n"
    "x[{2, 3}] --> f64[] 7\n"
    "x[{ {}, 2 }] --> f64[3] [ 2  6 10]\n"
    "x[{ {1, 2}, {-2, -1} }] --> f64[2 2]\n"
    "                        --> [[3 4]\n"
    "                        -->  [7 8]]\n"
    "x[{ 1, {-1, 1, -1} }] --> f64[4] [4 3 2 1]");
  tw_add_topic(L, "x[index]",
    "x[index] -> tensor\n"
    "Slices of the first axis named by an i64 tensor of any shape, which takes the axis' place (negative indices count from the end), or by a bool mask over\n"
    "that axis. A mask of several axes, of x's whole shape for one, selects in row-major order and leaves one axis. A copy, differentiable in x.\n"
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
  tw_handle_set_meta(L, "__concat", meta_concat);
}
