/* tostring(x): dtype and shape, then the numbers in aligned columns, six significant digits, whole numbers in full. As NumPy has it: more than 1000 elements
 * show the first and last three of every axis, long rows go on in the next line, matrices of a stack stand apart by an empty line. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bind/handle.h"
#include "bind/print.h"

enum { EDGE = 3, WHOLE = 1000, CELL = 32, LINE = 100 };

static void real(double v, char *text) {
  if (v != v) snprintf(text, CELL, "nan"); /* without the sign C would show */
  else if (fabs(v) < 1e10 && v == (double)(int64_t)v && (v != 0 || !signbit(v))) snprintf(text, CELL, "%lld", (long long)v);
  else snprintf(text, CELL, "%.6g", v);
}

static void cell(const tw_tensor *x, int64_t i, char *text) {
  if (x->dtype == TW_BOOL) snprintf(text, CELL, "%s", tw_tensor_get(x, i) != 0 ? "true" : "false");
  else if (x->dtype == TW_I64) snprintf(text, CELL, "%lld", (long long)tw_tensor_get_i64(x, i));
  else real(tw_tensor_get(x, i), text);
}

static bool hidden(int64_t i, int64_t n, bool abbreviated) { return abbreviated && n > 2 * EDGE && i >= EDGE && i < n - EDGE; }

/* The widest cell that is shown. */
static int width_of(const tw_tensor *x, int axis, int64_t at, bool abbreviated) {
  if (axis == x->ndim) {
    char text[CELL];
    cell(x, at, text);
    return (int)strlen(text);
  }
  int64_t step = 1;
  int widest = 0;
  for (int i = axis + 1; i < x->ndim; i++) step *= x->shape[i];
  for (int64_t i = 0; i < x->shape[axis]; i++) {
    if (hidden(i, x->shape[axis], abbreviated)) {
      i = x->shape[axis] - EDGE - 1; /* straight to the last ones */
      continue;
    }
    int w = width_of(x, axis + 1, at + i * step, abbreviated);
    widest = w > widest ? w : widest;
  }
  return widest;
}

static void new_line(luaL_Buffer *b, int indent) {
  luaL_addchar(b, '\n');
  for (int k = 0; k < indent; k++) luaL_addchar(b, ' ');
}

static void show(luaL_Buffer *b, const tw_tensor *x, int axis, int64_t at, int width, bool abbreviated) {
  if (axis == x->ndim) {
    char text[CELL], padded[2 * CELL];
    cell(x, at, text);
    snprintf(padded, sizeof padded, "%*s", width, text);
    luaL_addstring(b, padded);
    return;
  }
  int64_t step = 1, column = 0;
  for (int i = axis + 1; i < x->ndim; i++) step *= x->shape[i];
  bool last = axis == x->ndim - 1;
  luaL_addchar(b, '[');
  for (int64_t i = 0; i < x->shape[axis]; i++) {
    bool omitted = hidden(i, x->shape[axis], abbreviated);
    if (i && last && column + width > LINE) {
      new_line(b, axis + 1);
      column = 0;
    } else if (i && last) {
      luaL_addchar(b, ' ');
    }
    if (i && !last) {
      for (int k = axis + 2; k < x->ndim; k++) luaL_addchar(b, '\n'); /* the deeper the cut, the wider the gap */
      new_line(b, axis + 1);
    }
    if (omitted) {
      luaL_addstring(b, "...");
      i = x->shape[axis] - EDGE - 1; /* straight to the last ones */
    } else {
      show(b, x, axis + 1, at + i * step, width, abbreviated);
    }
    column += width + 1;
  }
  luaL_addchar(b, ']');
}

int tw_tensor_tostring(lua_State *L) {
  tw_handle *h = tw_handle_test(L, 1);
  if (!h || !h->tensor || h->tensor->serial != h->serial) {
    lua_pushstring(L, "tensor (released)");
    return 1;
  }
  const tw_tensor *x = h->tensor;
  tw_refuse_laned(L, x, "tostring");
  char shape[128];
  luaL_Buffer b;
  bool abbreviated = x->size > WHOLE;
  for (int i = 0; i < x->ndim; i++) abbreviated = abbreviated || x->shape[i] > WHOLE;
  int width = x->ndim ? width_of(x, 0, 0, abbreviated) : 0;
  luaL_buffinit(L, &b);
  luaL_addstring(&b, tw_tensor_describe(x, shape, sizeof shape));
  luaL_addstring(&b, x->ndim > 1 && x->size ? "\n" : " ");
  if (x->size) show(&b, x, 0, 0, width, abbreviated);
  else luaL_addstring(&b, "[]");
  luaL_pushresult(&b);
  return 1;
}
