/* Handles and scopes. A handle made inside a scope has no finalizer: the scope owns the tensor and releases it when it closes, and a serial number tells
 * a handle that its tensor is gone. Outside any scope the collector owns it. */
#include "bind/handle.h"

#include <string.h>

#include "base/alloc.h"
#include "grad/grad.h"
#include "op/op.h"
#include "tensor/ctx.h"

#define MAGIC UINT64_C(0x7468616c77656721)

typedef struct {
  tw_ctx *ctx;
  tw_tensor **owned;       /* the scope stack: every open scope's tensors, outermost first; NULL where one was given away */
  size_t n_owned, cap_owned;
  int depth;               /* open scopes */
  int64_t held;            /* bytes that handles of the collector keep, dead ones included */
  int64_t budget;          /* held bytes at which a full collection is due */
  int64_t limit;           /* live bytes, those of optimizers and replays included, at which one is due */
  int64_t young;           /* bytes given to the collector since it last looked through what is new */
  lua_State *current;      /* the thread that last entered the binding */
  int metatable[4];        /* their places in the registry, by collected + 2 laned */
  tw_open *innermost;      /* what is open, innermost first */
} bind_state;

static const char state_key, methods_key, docs_key, names_key;
enum { MIN_BUDGET = 4 << 20, YOUNG = 256 << 10, MIN_LIMIT = 256 << 20 };

/* A process has one Lua state as a rule; where it has several, each finds its own in its registry. */
static bind_state *only;
static int n_states;

static bind_state *state_of(lua_State *L) {
  bind_state *b = only;
  if (n_states != 1 || !b) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &state_key);
    b = lua_touserdata(L, -1);
    lua_pop(L, 1);
  }
  b->current = L;
  return b;
}

/* For what needs the engine: finalizers of older objects may run after it is gone. */
static bind_state *engine_of(lua_State *L) {
  bind_state *b = state_of(L);
  if (!b->ctx) tw_raise(L, "thalweg: the engine has been closed");
  return b;
}

lua_State *const *tw_bind_current(lua_State *L) { return &state_of(L)->current; }

tw_ctx *tw_bind_ctx(lua_State *L) { return engine_of(L)->ctx; }

tw_handle *tw_handle_test(lua_State *L, int idx) {
  tw_handle *h = lua_touserdata(L, idx);
  return h && lua_rawlen(L, idx) >= sizeof *h && h->magic == MAGIC ? h : NULL; /* a light userdata has no length */
}

/* What a coroutine that died of an error left open is closed before anything new belongs to it, and before anything of it is used. */
static void settle(lua_State *L, bind_state *b) {
  while (b->innermost && lua_status(b->innermost->thread) > LUA_YIELD) tw_open_abandon(L, b->innermost);
}

tw_tensor *tw_bind_to_tensor(lua_State *L, int idx) {
  tw_handle *h = tw_handle_test(L, idx);
  if (!h) return NULL;
  settle(L, state_of(L));
  if (!h->tensor || h->tensor->serial != h->serial || h->tensor->stale) {
    if (h->tensor && h->tensor->serial == h->serial) {
      tw_raise(L, "this tensor differs between lanes of runs, or slices of a tw.vmap, that are over; take what is needed out of it before they end");
    }
    tw_raise(L, "this tensor was released when the function that made it returned; return it from there, or keep it with x:keep()");
  }
  return h->tensor;
}

tw_tensor *tw_handle_check(lua_State *L, int idx) {
  tw_tensor *t = tw_bind_to_tensor(L, idx);
  if (!t) luaL_typeerror(L, idx, "tensor");
  return t;
}

bool tw_handle_is_number(lua_State *L, int idx) { return lua_type(L, idx) == LUA_TNUMBER; }

void tw_bind_settle(lua_State *L) { settle(L, engine_of(L)); }

/* Lua's collector sees small objects where there are large tensors, so it is told when to work: it looks through what is new every YOUNG bytes, which are then
 * reused while they are warm, and through everything when what is held, or all there is, has doubled since the last time. */
static void look_after_memory(lua_State *L, bind_state *b) {
  b->young = 0;
  if (b->held < b->budget && tw_ctx_live_bytes(b->ctx) < b->limit) {
    lua_gc(L, LUA_GCSTEP, 0);
    return;
  }
  lua_gc(L, LUA_GCCOLLECT);
  int64_t live = tw_ctx_live_bytes(b->ctx);
  b->budget = 2 * b->held > MIN_BUDGET ? 2 * b->held : MIN_BUDGET;
  b->limit = 2 * live > MIN_LIMIT ? 2 * live : MIN_LIMIT;
}

/* A handle that the collector will release. A view counts as nothing: what it shows is held by another. */
static void give(bind_state *b, tw_handle *h) {
  h->collected = true;
  h->bytes = h->tensor->storage->refs == 1 ? (int64_t)h->tensor->storage->bytes : 0;
  b->held += h->bytes;
  b->young += h->bytes;
}

/* Of the handle on top. */
static void set_metatable(lua_State *L, const bind_state *b, bool collected, bool laned) {
  lua_rawgeti(L, LUA_REGISTRYINDEX, b->metatable[collected + 2 * laned]);
  lua_setmetatable(L, -2);
}

/* A handle made in a scope has its place there before the work begins: whatever else is made meanwhile takes places of its own. */
tw_handle *tw_handle_new(lua_State *L) {
  bind_state *b = engine_of(L);
  settle(L, b);
  if (b->young > YOUNG || (!b->depth && tw_ctx_live_bytes(b->ctx) > b->limit)) look_after_memory(L, b);
  tw_handle *h = lua_newuserdatauv(L, sizeof *h, 0);
  *h = (tw_handle){.magic = MAGIC, .collected = true, .laned = b->ctx->lanes != 0}; /* a guess: fill knows */
  set_metatable(L, b, b->depth == 0, h->laned);
  if (b->depth) {
    tw_tensor **grown = tw_grow(b->owned, &b->cap_owned, b->n_owned, sizeof *grown);
    if (!grown) tw_raise(L, "tensor: out of memory");
    b->owned = grown;
    h->collected = false;
    h->place = b->n_owned;
    b->owned[b->n_owned++] = NULL;
  }
  return h;
}

void tw_handle_fill(lua_State *L, tw_handle *h, tw_tensor *owned) {
  bind_state *b = state_of(L);
  h->tensor = owned;
  h->serial = owned->serial;
  if (!h->collected) b->owned[h->place] = owned;
  else give(b, h);
  bool laned = owned->lanes != 0;
  for (int top = lua_gettop(L), i = top; laned != h->laned && i > 0; i--) {
    if (lua_touserdata(L, i) != h) continue;
    h->laned = laned;
    lua_pushvalue(L, i);
    set_metatable(L, b, h->collected, laned);
    lua_pop(L, 1);
  }
}

/* The names stand in a list that grows by one for each; a label is the place in it. */
void tw_handle_set_name(lua_State *L, int idx) {
  idx = lua_absindex(L, idx);
  tw_handle *h = tw_handle_test(L, idx);
  const char *name = lua_tostring(L, -1);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &names_key);
  size_t label = 0, n = lua_rawlen(L, -1);
  for (size_t i = 1; i <= n && !label; i++) {
    lua_rawgeti(L, -1, (lua_Integer)i);
    if (lua_rawequal(L, -1, -3)) label = i;
    lua_pop(L, 1);
  }
  if (!label && n < UINT8_MAX) {
    label = n + 1;
    lua_pushvalue(L, -2);
    lua_rawseti(L, -2, (lua_Integer)label);
  }
  h->tensor->label = (uint8_t)label;
  lua_createtable(L, 0, 32);
  lua_rawgeti(L, LUA_REGISTRYINDEX, state_of(L)->metatable[h->collected + 2]);
  for (lua_pushnil(L); lua_next(L, -2);) {
    lua_pushvalue(L, -2);
    lua_insert(L, -2);
    lua_rawset(L, -5);
  }
  lua_pop(L, 1);
  lua_pushfstring(L, "the parameter \"%s\", which differs between the runs computed together (lanes); use tw.exp, tw.where ... or take \"%s\" off the "
                  "experiment's lanes list", name, name);
  lua_setfield(L, -2, "__name");
  lua_setmetatable(L, idx);
  lua_pop(L, 2);
}

void tw_refuse_laned(lua_State *L, const tw_tensor *t, const char *what) {
  if (!t->lanes) return;
  if (!(t->lanes & 1)) {
    tw_raise(L, "%s: the value differs between the slices tw.vmap computes together; stay with tensors (tw.where in place of if)", what);
  }
  if (!t->label) {
    tw_raise(L, "%s: the value differs between the runs computed together (lanes); use tw.where(...), or take the parameter it comes from off the "
             "experiment's lanes list", what);
  }
  lua_rawgetp(L, LUA_REGISTRYINDEX, &names_key);
  lua_rawgeti(L, -1, t->label);
  const char *name = lua_tostring(L, -1);
  tw_raise(L, "%s: the parameter \"%s\" differs between the runs computed together (lanes); use tw.where(...), or take \"%s\" off the experiment's lanes "
           "list", what, name, name);
}

static int collect(lua_State *L) {
  tw_handle *h = tw_handle_test(L, 1);
  tw_ctx *ctx = state_of(L)->ctx;
  if (h && h->tensor && h->collected && ctx) {
    tw_tensor_release(ctx, h->tensor);
    state_of(L)->held -= h->bytes;
    h->tensor = NULL;
  }
  return 0;
}

/* The handle at idx becomes the collector's, with a reference that is given to it. */
static void hand_over(lua_State *L, int idx, tw_handle *h) {
  bind_state *b = state_of(L);
  idx = lua_absindex(L, idx);
  lua_rawgeti(L, LUA_REGISTRYINDEX, b->metatable[1 + 2 * (h->tensor->lanes != 0)]);
  lua_setmetatable(L, idx);
  give(b, h);
}

static void give_to_collector(lua_State *L, int idx, tw_handle *h) {
  if (h->collected) return;
  tw_tensor_retain(h->tensor);
  hand_over(L, idx, h);
}

int tw_handle_keep(lua_State *L) {
  tw_handle_check(L, 1);
  give_to_collector(L, 1, tw_handle_test(L, 1));
  lua_settop(L, 1);
  return 1;
}

/* The value at idx: a handle of this scope joins the list at `found`, a plain table the list at `seen` unless it is there already. */
static void look_at(lua_State *L, int idx, int found, int seen, size_t mark) {
  tw_handle *h = tw_handle_test(L, idx);
  if (h) {
    if (h->collected || !h->tensor || h->tensor->serial != h->serial || h->place < mark) return;
    lua_pushvalue(L, idx);
    lua_rawseti(L, found, (lua_Integer)lua_rawlen(L, found) + 1);
    return;
  }
  if (lua_type(L, idx) != LUA_TTABLE) return;
  if (lua_getmetatable(L, idx)) {
    lua_pop(L, 1);
    return;
  }
  lua_pushvalue(L, idx);
  bool known = lua_rawget(L, seen) != LUA_TNIL;
  lua_pop(L, 1);
  if (known) return;
  lua_pushvalue(L, idx);
  lua_pushboolean(L, 1);
  lua_rawset(L, seen);
  lua_pushvalue(L, idx);
  lua_rawseti(L, seen, (lua_Integer)lua_rawlen(L, seen) + 1);
}

/* Collects the handles of this scope reachable from the value at idx. Table after table, not one inside the other: a list may be as long as memory. */
static void find_survivors(lua_State *L, int idx, int found, int seen, size_t mark) {
  lua_Integer next = (lua_Integer)lua_rawlen(L, seen) + 1;
  for (look_at(L, idx, found, seen, mark); next <= (lua_Integer)lua_rawlen(L, seen); next++) {
    lua_rawgeti(L, seen, next);
    int table = lua_gettop(L);
    lua_pushnil(L);
    while (lua_next(L, table)) {
      look_at(L, table + 2, found, seen, mark);
      lua_pop(L, 1);
    }
    lua_pop(L, 1);
  }
}

static void release_from(bind_state *b, size_t mark) {
  while (b->n_owned > mark) tw_tensor_release(b->ctx, b->owned[--b->n_owned]);
  b->depth--;
}

void tw_open_push(lua_State *L, tw_open *o, int level) {
  bind_state *b = engine_of(L);
  *o = (tw_open){.around = b->innermost, .thread = L, .mark = b->n_owned, .level = level, .axis = -1, .open = true};
  b->innermost = o;
  b->depth++;
}

void tw_open_abandon(lua_State *L, tw_open *o) {
  bind_state *b = state_of(L);
  while (o->open) {
    tw_open *inner = b->innermost;
    if (inner->level >= 0) tw_grad_close(b->ctx, inner->level);
    release_from(b, inner->mark);
    if (inner->replay) tw_replay_rest(b->ctx, inner->replay);
    if (inner->axis >= 0) tw_lanes_close(b->ctx, inner->axis);
    b->innermost = inner->around;
    inner->open = false;
  }
}

bool tw_open_level(lua_State *L) {
  for (const tw_open *o = engine_of(L)->innermost; o; o = o->around) {
    if (o->level >= 0) return true;
  }
  return false;
}

void tw_open_abandon_all(lua_State *L) {
  bind_state *b = engine_of(L);
  while (b->innermost) tw_open_abandon(L, b->innermost);
}

/* The common case: results are tensors and plain values, no tables. Their references are set aside while the rest goes, or become the collector's. */
enum { FEW = 8 };
static bool close_few(lua_State *L, bind_state *b, size_t mark, int first, bool outermost) {
  tw_handle *few[FEW];
  int at[FEW];
  int n = 0, top = lua_gettop(L);
  for (int i = first; i <= top; i++) {
    tw_handle *h = tw_handle_test(L, i);
    bool survives = h && !h->collected && h->tensor && h->tensor->serial == h->serial && h->place >= mark;
    if (survives && !b->owned[h->place]) continue; /* the same handle twice */
    if (lua_type(L, i) == LUA_TTABLE || (survives && n == FEW)) {
      for (; n > 0; n--) b->owned[few[n - 1]->place] = few[n - 1]->tensor; /* nothing set aside: the long way may still raise */
      return false;
    }
    if (!survives) continue;
    at[n] = i;
    few[n++] = h;
    b->owned[h->place] = NULL;
  }
  release_from(b, mark);
  for (int i = 0; i < n && outermost; i++) hand_over(L, at[i], few[i]);
  if (outermost) return true;
  for (int i = 0; i < n; i++) { /* at most as many as were released: there is room */
    few[i]->place = b->n_owned;
    b->owned[b->n_owned++] = few[i]->tensor;
  }
  return true;
}

static void close_scope(lua_State *L, bind_state *b, size_t mark, int first) {
  int top = lua_gettop(L);
  luaL_checkstack(L, 8, "too many results");
  bool outermost = b->depth == 1;
  if (close_few(L, b, mark, first, outermost)) return;
  lua_newtable(L);
  lua_newtable(L);
  for (int i = first; i <= top; i++) find_survivors(L, i, top + 1, top + 2, mark);
  lua_Integer n = (lua_Integer)lua_rawlen(L, top + 1);
  for (lua_Integer i = 1; i <= n; i++) { /* to the collector, or set aside for the scope around */
    lua_rawgeti(L, top + 1, i);
    tw_handle *h = tw_handle_test(L, -1);
    if (outermost) give_to_collector(L, -1, h);
    else b->owned[h->place] = NULL;
    lua_pop(L, 1);
  }
  release_from(b, mark);
  for (lua_Integer i = 1; i <= n && !outermost; i++) {
    lua_rawgeti(L, top + 1, i);
    tw_handle *h = tw_handle_test(L, -1);
    lua_pop(L, 1);
    if (h->place < b->n_owned && b->owned[h->place] == h->tensor) continue; /* found twice */
    h->place = b->n_owned;
    b->owned[b->n_owned++] = h->tensor;
  }
  lua_settop(L, top);
}

void tw_scope_close(lua_State *L, tw_open *o, int first) {
  bind_state *b = state_of(L);
  if (b->innermost != o) tw_open_abandon(L, b->innermost); /* left open by a coroutine that is gone */
  close_scope(L, b, o->mark, first);
  if (o->replay) tw_replay_rest(b->ctx, o->replay);
  if (o->axis >= 0) tw_lanes_close(b->ctx, o->axis);
  b->innermost = o->around;
  o->open = false;
}

/* Operands. */

void tw_operand_check(lua_State *L, int idx) {
  if (lua_type(L, idx) != LUA_TNUMBER && !tw_handle_test(L, idx)) luaL_typeerror(L, idx, "tensor or number");
}

tw_status tw_operand_get(lua_State *L, int idx, const tw_tensor *meets, tw_operand *o) {
  o->owned = NULL;
  if (lua_type(L, idx) != LUA_TNUMBER) {
    o->tensor = tw_handle_test(L, idx)->tensor;
    return TW_OK;
  }
  bool real = !meets || tw_is_real((tw_dtype)meets->dtype);
  int whole;
  lua_Integer i = lua_tointegerx(L, idx, &whole); /* exact, or not whole */
  tw_dtype d = !real && whole ? TW_I64 : real && meets ? (tw_dtype)meets->dtype : TW_F64;
  tw_status s = tw_tensor_new_scalar(state_of(L)->ctx, d, d == TW_I64 ? 0 : lua_tonumber(L, idx), &o->owned);
  if (s == TW_OK && d == TW_I64) *(int64_t *)(void *)o->owned->data = i;
  if (s == TW_OK) o->owned->weak = true;
  o->tensor = o->owned;
  return s;
}

void tw_operand_drop(lua_State *L, tw_operand *o) {
  if (o->owned) tw_tensor_release(state_of(L)->ctx, o->owned);
}

/* Registration. */

static int free_state(lua_State *L) {
  bind_state *b = lua_touserdata(L, 1);
  if (!b->ctx) return 0; /* registration ran out of memory */
  tw_grad_shutdown(b->ctx);
  n_states--;
  only = NULL;
  tw_free(b->owned);
  tw_ctx_free(b->ctx);
  b->ctx = NULL;
  return 0;
}

void tw_handle_register(lua_State *L) {
  bind_state *b = lua_newuserdatauv(L, sizeof *b, 0);
  *b = (bind_state){.budget = MIN_BUDGET, .limit = MIN_LIMIT};
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, free_state);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  b->ctx = tw_ctx_new();
  if (!b->ctx) tw_raise(L, "thalweg: out of memory");
  only = n_states++ ? NULL : b;
  lua_rawsetp(L, LUA_REGISTRYINDEX, &state_key);
  lua_newtable(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &methods_key);
  lua_newtable(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &docs_key);
  lua_newtable(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &names_key);
  for (int kind = 0; kind < 4; kind++) {
    bool collected = kind & 1, laned = kind & 2;
    lua_createtable(L, 0, 32);
    lua_pushstring(L, laned ? "a value that differs between lanes; use tw.exp, tw.where and other functions of tensors" : "tensor");
    lua_setfield(L, -2, "__name");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    if (collected) {
      lua_pushcfunction(L, collect);
      lua_setfield(L, -2, "__gc");
    }
    b->metatable[kind] = luaL_ref(L, LUA_REGISTRYINDEX);
  }
}

/* Sets a metamethod (with the method table as its first upvalue) in every metatable; pops nothing. */
void tw_handle_set_meta(lua_State *L, const char *name, lua_CFunction f) {
  for (int i = 0; i < 4; i++) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, state_of(L)->metatable[i]);
    lua_rawgetp(L, LUA_REGISTRYINDEX, &methods_key);
    lua_pushcclosure(L, f, 1);
    lua_setfield(L, -2, name);
    lua_pop(L, 1);
  }
}

/* The value on top becomes the metamethod `name` of every metatable; popped. */
void tw_handle_set_meta_value(lua_State *L, const char *name) {
  for (int i = 0; i < 4; i++) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, state_of(L)->metatable[i]);
    lua_pushvalue(L, -2);
    lua_setfield(L, -2, name);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
}

void tw_push_docs(lua_State *L) { lua_rawgetp(L, LUA_REGISTRYINDEX, &docs_key); }

void tw_doc_group(lua_State *L, const char *title) {
  tw_push_docs(L);
  lua_pushstring(L, title);
  lua_setfield(L, -2, "group");
  lua_pop(L, 1);
}

static void set_text(lua_State *L, const char *field, const char *text) {
  lua_pushstring(L, text);
  lua_setfield(L, -2, field);
}

/* Adds an entry to the documentation; f: the function's place on the stack, 0 when there is none. */
static void document(lua_State *L, const char *name, const char *owner, bool method, int f, const char *doc) {
  if (f) f = lua_absindex(L, f);
  tw_push_docs(L);
  lua_createtable(L, 0, 6);
  set_text(L, "name", name);
  set_text(L, "doc", doc);
  set_text(L, "owner", owner);
  lua_getfield(L, -2, "group");
  lua_setfield(L, -2, "group");
  lua_pushboolean(L, method);
  lua_setfield(L, -2, "method");
  if (f) {
    lua_pushvalue(L, f);
    lua_setfield(L, -2, "f");
  }
  lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
  lua_pop(L, 1);
}

void tw_add_topic(lua_State *L, const char *name, const char *doc) { document(L, name, NULL, false, 0, doc); }

/* The module lies below the value. */
void tw_add_function_value(lua_State *L, const char *name, bool method, const char *doc) {
  if (method) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &methods_key);
    lua_pushvalue(L, -2);
    lua_setfield(L, -2, name);
    lua_pop(L, 1);
  }
  document(L, name, NULL, method, -1, doc);
  lua_setfield(L, -2, name);
}

void tw_add_functions(lua_State *L, const tw_function *row) {
  for (; row->name; row++) {
    lua_pushcfunction(L, row->f);
    tw_add_function_value(L, row->name, row->method, row->doc);
  }
}

void tw_add_methods(lua_State *L, const char *owner, const tw_function *row) {
  for (; row->name; row++) {
    lua_pushcfunction(L, row->f);
    document(L, row->name, owner, true, -1, row->doc);
    lua_setfield(L, -2, row->name);
  }
}
