/* Trees of tensors in their fixed order. */
#include "bind/tree.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "tensor/ctx.h"

void tw_leaves_clear(tw_ctx *ctx, tw_leaves *l) {
  for (size_t i = 0; i < l->n; i++) tw_tensor_release(ctx, l->leaf[i]);
  l->n = l->next = 0;
}

void tw_leaves_free(tw_ctx *ctx, tw_leaves *l) {
  tw_leaves_clear(ctx, l);
  tw_free(l->leaf);
  *l = (tw_leaves){0};
}

bool tw_leaves_add(tw_leaves *l, tw_tensor *t) {
  tw_tensor **grown = tw_grow(l->leaf, &l->cap, l->n, sizeof *grown);
  if (!grown) return false;
  l->leaf = grown;
  l->leaf[l->n++] = tw_tensor_retain(t);
  l->next = 0;
  return true;
}

size_t tw_leaves_find(tw_leaves *l, const tw_tensor *t) {
  for (size_t k = 0; k < l->n; k++) {
    size_t i = l->next + k < l->n ? l->next + k : l->next + k - l->n;
    if (l->leaf[i] != t) continue;
    l->next = i + 1 < l->n ? i + 1 : 0;
    return i;
  }
  return l->n;
}

/* Keys, sorted. The first few stay on the stack as they are, because to make a string of its bytes again is to look for it; many keys stand in a block of
 * userdata. Strings stay alive through the table. */

typedef tw_tree_key key;

static int compare(const void *p, const void *q) {
  const key *a = p, *b = q;
  if (!a->text || !b->text) {
    if (a->text || b->text) return a->text ? 1 : -1;
    return a->integer < b->integer ? -1 : a->integer > b->integer;
  }
  size_t shorter = a->length < b->length ? a->length : b->length;
  int c = memcmp(a->text, b->text, shorter);
  return c ? c : a->length < b->length ? -1 : a->length > b->length;
}

/* By insertion: few keys, and often in order. */
static void put_in_order(key *k, size_t n) {
  for (size_t i = 1; i < n; i++) {
    key one = k[i];
    size_t at = i;
    for (; at > 0 && compare(&k[at - 1], &one) > 0; at--) k[at] = k[at - 1];
    k[at] = one;
  }
}

const tw_tree_key *tw_tree_keys(lua_State *L, int idx, tw_tree_key *few, size_t *n) {
  key *keys = few;
  size_t count = 0, cap = TW_FEW_KEYS;
  idx = lua_absindex(L, idx);
  int block = lua_gettop(L) + 1;
  lua_pushnil(L); /* the place of the userdata, where more are needed */
  lua_pushnil(L);
  while (lua_next(L, idx)) {
    lua_pop(L, 1);
    key k = {0};
    if (lua_type(L, -1) == LUA_TSTRING) k.text = lua_tolstring(L, -1, &k.length);
    else if (lua_isinteger(L, -1)) k.integer = lua_tointeger(L, -1);
    else tw_raise(L, "a tree's keys are integers and strings; found a %s", luaL_typename(L, -1));
    if (count == cap) {
      key *grown = lua_newuserdatauv(L, 2 * cap * sizeof *grown, 0);
      memcpy(grown, keys, count * sizeof *keys);
      keys = grown;
      cap *= 2;
      lua_replace(L, block);
    }
    if (count < TW_FEW_KEYS) {
      k.at = lua_gettop(L);
      lua_pushvalue(L, -1);
    }
    keys[count++] = k;
  }
  if (count <= TW_FEW_KEYS) put_in_order(keys, count);
  else qsort(keys, count, sizeof *keys, compare);
  *n = count;
  return keys;
}

void tw_tree_push_key(lua_State *L, const key *k) {
  if (k->at) lua_pushvalue(L, k->at);
  else if (k->text) lua_pushlstring(L, k->text, k->length);
  else lua_pushinteger(L, k->integer);
}

static bool is_plain_table(lua_State *L, int idx) {
  if (lua_type(L, idx) != LUA_TTABLE) return false;
  if (!lua_getmetatable(L, idx)) return true;
  lua_pop(L, 1);
  return false;
}

/* Each level of a tree leaves values on the stack: many of them mean a table inside itself, and the C stack is shorter than Lua's. */
static void check_depth(lua_State *L) {
  enum { DEEP = 3000 };
  if (lua_gettop(L) > DEEP) tw_raise(L, "a tree is nested too deeply (or contains itself)");
  luaL_checkstack(L, TW_FEW_KEYS + 12, "a tree is nested too deeply (or contains itself)");
}

static void collect(lua_State *L, int idx, tw_leaves *l, bool every) {
  tw_tensor *t = tw_bind_to_tensor(L, idx);
  if (t) {
    if (!tw_is_real((tw_dtype)t->dtype) || t->buffer || (!every && tw_leaves_find(l, t) < l->n)) return;
    if (!tw_leaves_add(l, t)) tw_raise(L, "tree: out of memory");
    return;
  }
  if (!is_plain_table(L, idx)) return;
  check_depth(L);
  idx = lua_absindex(L, idx);
  size_t n;
  key few[TW_FEW_KEYS];
  int top = lua_gettop(L);
  const key *keys = tw_tree_keys(L, idx, few, &n);
  for (size_t i = 0; i < n; i++) {
    tw_tree_push_key(L, &keys[i]);
    lua_rawget(L, idx);
    collect(L, lua_gettop(L), l, every);
    lua_pop(L, 1);
  }
  lua_settop(L, top);
}

static void collect_tree(lua_State *L, int idx, tw_leaves *l, const char *owner, bool every) {
  if (!tw_handle_test(L, idx) && !is_plain_table(L, idx)) {
    bool named = luaL_getmetafield(L, idx, "__name") == LUA_TSTRING;
    tw_raise(L, "%s: a tensor or a plain (nested) table of tensors is needed, got %s", owner, named ? lua_tostring(L, -1) : luaL_typename(L, idx));
  }
  collect(L, idx, l, every);
}

void tw_leaves_collect(lua_State *L, int idx, tw_leaves *l, const char *owner) { collect_tree(L, idx, l, owner, false); }
void tw_leaves_every(lua_State *L, int idx, tw_leaves *l, const char *owner) { collect_tree(L, idx, l, owner, true); }

void tw_tree_push(lua_State *L, int idx, tw_leaves *l, tw_tensor *const *with, bool bare) {
  tw_handle *old = tw_handle_test(L, idx);
  if (old) {
    size_t i = tw_leaves_find(l, old->tensor);
    if (i == l->n) {
      if (bare) lua_pushnil(L);
      else lua_pushvalue(L, idx);
      return;
    }
    tw_handle *h = tw_handle_new(L);
    tw_handle_fill(L, h, tw_tensor_retain(with[i]));
    return;
  }
  if (!is_plain_table(L, idx)) {
    if (bare) lua_pushnil(L);
    else lua_pushvalue(L, idx);
    return;
  }
  check_depth(L);
  idx = lua_absindex(L, idx);
  lua_createtable(L, (int)lua_rawlen(L, idx), lua_rawlen(L, idx) ? 0 : 2);
  int copy = lua_gettop(L);
  lua_pushnil(L);
  while (lua_next(L, idx)) { /* in any order: each key has its own place */
    lua_pushvalue(L, -2);
    tw_tree_push(L, copy + 2, l, with, bare);
    lua_rawset(L, copy);
    lua_pop(L, 1);
  }
}

static void walk(lua_State *L, int idx, const char *path, tw_tree_visit f, void *ud) {
  if (tw_handle_test(L, idx)) {
    lua_pushvalue(L, idx);
    f(L, ud, path);
    lua_pop(L, 1);
    return;
  }
  if (!is_plain_table(L, idx)) return;
  check_depth(L);
  idx = lua_absindex(L, idx);
  size_t n;
  key few[TW_FEW_KEYS];
  int top = lua_gettop(L);
  const key *keys = tw_tree_keys(L, idx, few, &n);
  for (size_t i = 0; i < n; i++) {
    tw_tree_push_key(L, &keys[i]);
    const char *inner = lua_pushfstring(L, "%s%s%s", path, *path ? "." : "", luaL_tolstring(L, -1, NULL));
    tw_tree_push_key(L, &keys[i]);
    lua_rawget(L, idx);
    walk(L, lua_gettop(L), inner, f, ud);
    lua_pop(L, 4);
  }
  lua_settop(L, top);
}

void tw_tree_walk(lua_State *L, int idx, tw_tree_visit f, void *ud) { walk(L, lua_absindex(L, idx), "", f, ud); }
