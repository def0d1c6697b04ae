/* tostring(x): dtype and shape, then the numbers in aligned columns; long axes show their first and last three. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bind/handle.h"
#include "bind/print.h"

enum { EDGE = 3, WHOLE = 1000, CELL = 32 };

static void cell(const tw_tensor *x, int64_t i, char *text) {
  if (x->dtype == TW_BOOL) snprintf(text, CELL, "%s", tw_tensor_get(x, i) != 0 ? "true" : "false");
  else if (x->dtype == TW_I64) snprintf(text, CELL, "%lld", (long long)tw_tensor_get_i64(x, i));
  else snprintf(text, CELL, "%.6g", tw_tensor_get(x, i));
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
    if (hidden(i, x->shape[axis], abbreviated)) continue;
    int w = width_of(x, axis + 1, at + i * step, abbreviated);
    widest = w > widest ? w : widest;
  }
  return widest;
}

static void show(luaL_Buffer *b, const tw_tensor *x, int axis, int64_t at, int width, bool abbreviated) {
  if (axis == x->ndim) {
    char text[CELL], padded[2 * CELL];
    cell(x, at, text);
    snprintf(padded, sizeof padded, "%*s", width, text);
    luaL_addstring(b, padded);
    return;
  }
  int64_t step = 1;
  for (int i = axis + 1; i < x->ndim; i++) step *= x->shape[i];
  bool last = axis == x->ndim - 1, skipped = false;
  luaL_addchar(b, '[');
  for (int64_t i = 0; i < x->shape[axis]; i++) {
    if (hidden(i, x->shape[axis], abbreviated)) {
      if (!skipped) {
        luaL_addstring(b, last ? " ..." : "\n ...");
        skipped = true;
      }
      continue;
    }
    if (i && last) luaL_addchar(b, ' ');
    if (i && !last) {
      luaL_addchar(b, '\n');
      for (int k = 0; k <= axis; k++) luaL_addchar(b, ' ');
    }
    show(b, x, axis + 1, at + i * step, width, abbreviated);
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
  char shape[128];
  luaL_Buffer b;
  bool abbreviated = x->size > WHOLE;
  int width = x->ndim ? width_of(x, 0, 0, abbreviated) : 0;
  luaL_buffinit(L, &b);
  luaL_addstring(&b, tw_tensor_describe(x, shape, sizeof shape));
  luaL_addstring(&b, x->ndim > 1 ? "\n" : " ");
  show(&b, x, 0, 0, width, abbreviated);
  luaL_pushresult(&b);
  return 1;
}
