/* record.logbook: a worker's rows. book:log is the path every logged number takes: names are looked up by the address of their (interned) string, and
 * usually found where they were in the row before. */
#include <string.h>

#include "base/alloc.h"
#include "bind/bind_record.h"

#define BOOK_TYPE "thalweg.logbook"
enum { MAX_INTERNED = 40 }; /* Lua interns strings up to this length: one address per text */

typedef struct {
  const char *name; /* address of an anchored string */
  uint32_t number;
} known;

typedef struct {
  known *list;
  size_t n, capacity;
} known_list;

typedef struct {
  tw_logbook *book; /* NULL once closed */
  const char *step; /* address of the string "step" */
  known_list streams;
  known_list *slots; /* per stream */
  size_t n_slots, slots_capacity;
} book_box;

/* Methods have the metatable as their upvalue: cheaper than a look-up by name. */
static book_box *check_any(lua_State *L) {
  book_box *b = lua_touserdata(L, 1);
  if (!b || !lua_getmetatable(L, 1) || !lua_rawequal(L, -1, lua_upvalueindex(1))) luaL_typeerror(L, 1, BOOK_TYPE);
  lua_pop(L, 1);
  return b;
}

static book_box *check(lua_State *L) {
  book_box *b = check_any(L);
  if (!b->book) luaL_error(L, "logbook: it is closed");
  return b;
}

/* Remembers the string at idx (by its address) under number. */
static void remember(lua_State *L, known_list *l, int idx, tw_text name, uint32_t number) {
  if (name.n > MAX_INTERNED) return;
  lua_getiuservalue(L, 1, 1); /* anchor: as long as the book lives, nobody else gets this address */
  lua_pushvalue(L, idx);
  lua_pushboolean(L, 1);
  lua_rawset(L, -3);
  lua_pop(L, 1);
  known *moved = tw_grow(l->list, &l->capacity, l->n, sizeof *moved);
  if (!moved) return;
  l->list = moved;
  l->list[l->n++] = (known){name.s, number};
}

static uint32_t stream_of(lua_State *L, book_box *b, int idx) {
  tw_error e;
  tw_text name = tw_record_text(L, idx);
  uint32_t stream;
  for (size_t i = 0; i < b->streams.n; i++)
    if (b->streams.list[i].name == name.s) return b->streams.list[i].number;
  if (tw_logbook_stream(b->book, name, &stream, &e) != TW_OK) tw_record_raise(L, &e);
  while (b->n_slots <= stream) {
    known_list *moved = tw_grow(b->slots, &b->slots_capacity, b->n_slots, sizeof *moved);
    if (!moved) luaL_error(L, "log: out of memory");
    b->slots = moved;
    b->slots[b->n_slots++] = (known_list){0};
  }
  remember(L, &b->streams, idx, name, stream);
  return stream;
}

/* place: where the name stood in the last row. */
static uint32_t slot_of(lua_State *L, book_box *b, uint32_t stream, int idx, tw_text name, size_t place) {
  known_list *l = &b->slots[stream];
  tw_error e;
  uint32_t slot;
  if (place < l->n && l->list[place].name == name.s) return l->list[place].number;
  for (size_t i = 0; i < l->n; i++)
    if (l->list[i].name == name.s) return l->list[i].number;
  if (tw_logbook_slot(b->book, stream, name, &slot, &e) != TW_OK) tw_record_raise(L, &e);
  remember(L, l, idx, name, slot);
  return slot;
}

static tw_status stage_tensor(book_box *b, uint32_t slot, const tw_tensor *t, tw_error *e) {
  tw_column_type type = t->dtype == TW_F32 ? TW_COLUMN_F32 : TW_COLUMN_F64;
  if (t->ndim == 0) return tw_logbook_stage(b->book, slot, type, tw_tensor_get(t, 0), e);
  void *room = tw_logbook_stage_array(b->book, slot, type, t->ndim, t->shape, e);
  if (!room) return TW_EINVAL;
  if (tw_is_real((tw_dtype)t->dtype) && tw_tensor_is_contiguous(t)) memcpy(room, t->data, (size_t)t->size * tw_column_item(type));
  else if (type == TW_COLUMN_F32)
    for (int64_t i = 0; i < t->size; i++) ((float *)room)[i] = (float)tw_tensor_get(t, i);
  else
    for (int64_t i = 0; i < t->size; i++) ((double *)room)[i] = tw_tensor_get(t, i);
  return TW_OK;
}

/* The value on top of the stack is what the row has under the name. */
static void stage(lua_State *L, book_box *b, uint32_t slot, tw_text name) {
  tw_error e;
  if (lua_type(L, -1) == LUA_TNUMBER) {
    if (tw_logbook_stage(b->book, slot, TW_COLUMN_F64, lua_tonumber(L, -1), &e) != TW_OK) tw_record_raise(L, &e);
    return;
  }
  const tw_tensor *t = lua_type(L, -1) == LUA_TUSERDATA ? tw_bind_to_tensor(L, -1) : NULL;
  if (t) tw_refuse_laned(L, t, "log");
  tw_status s;
  if (t) s = stage_tensor(b, slot, t, &e);
  else {
    const char *hint = lua_istable(L, -1) ? "log the tensors of a tree one by one" : "log numbers and tensors";
    s = tw_fail(&e, TW_EINVAL, "log: a metric is a number or a tensor: %s is a %s; %s", name.s, luaL_typename(L, -1), hint);
  }
  if (s != TW_OK) tw_record_raise(L, &e);
}

static int64_t step_at(lua_State *L, int idx) {
  int ok;
  lua_Integer step = lua_tointegerx(L, idx, &ok);
  tw_error e;
  if (ok && lua_type(L, idx) == LUA_TNUMBER) return step;
  (void)tw_fail(&e, TW_EINVAL, "log: a step is an integer: step is %s", luaL_tolstring(L, idx, NULL));
  return tw_record_raise(L, &e);
}

/* book:log([stream,] row) -> step, the first non-finite diverge metric or nil */
static int book_log(lua_State *L) {
  book_box *b = check(L);
  tw_error e;
  int row = lua_type(L, 2) == LUA_TSTRING ? 3 : 2;
  uint32_t stream = row == 3 ? stream_of(L, b, 2) : 0;
  if (lua_type(L, row) != LUA_TTABLE) {
    (void)tw_fail(&e, TW_EINVAL, "log: a row is a table of metrics: row is a %s", luaL_typename(L, row));
    return tw_record_raise(L, &e);
  }
  if (tw_logbook_row_begin(b->book, stream, &e) != TW_OK) return tw_record_raise(L, &e);
  int64_t step = 0, stamped;
  const char *bad;
  bool has_step = false;
  size_t place = 0;
  lua_settop(L, row);
  for (lua_pushnil(L); lua_next(L, row); lua_pop(L, 1)) {
    if (lua_type(L, -2) != LUA_TSTRING) {
      (void)tw_fail(&e, TW_EINVAL, "log: a metric has a name: key is %s", luaL_tolstring(L, -2, NULL));
      return tw_record_raise(L, &e);
    }
    tw_text name = tw_record_text(L, -2);
    if (name.s == b->step) {
      step = step_at(L, -1);
      has_step = true;
      continue;
    }
    stage(L, b, slot_of(L, b, stream, lua_absindex(L, -2), name, place), name);
    place++;
  }
  if (tw_logbook_row_end(b->book, has_step ? &step : NULL, &stamped, &bad, &e) != TW_OK) return tw_record_raise(L, &e);
  lua_pushinteger(L, stamped);
  if (!bad) return 1;
  lua_pushstring(L, bad);
  return 2;
}

/* book:begin(id, attempt, seed, { diverge =, lanes = }) */
static int book_begin(lua_State *L) {
  book_box *b = check(L);
  lua_Integer id = luaL_checkinteger(L, 2), attempt = luaL_checkinteger(L, 3), seed = luaL_checkinteger(L, 4);
  luaL_argcheck(L, attempt >= 1 && attempt <= INT16_MAX, 3, "attempts are counted from 1");
  if (lua_isnoneornil(L, 5)) {
    lua_settop(L, 4);
    lua_newtable(L);
  }
  luaL_checktype(L, 5, LUA_TTABLE);
  lua_settop(L, 5);
  lua_getfield(L, 5, "lanes");
  lua_Integer lanes = luaL_optinteger(L, 6, 1);
  if (lua_getfield(L, 5, "diverge") == LUA_TNIL) {
    lua_pop(L, 1);
    lua_newtable(L);
  }
  luaL_checktype(L, 7, LUA_TTABLE);
  size_t n = lua_rawlen(L, 7);
  luaL_checkstack(L, (int)n + 8, "too many diverge metrics");
  tw_text *names = tw_record_scratch(L, n + 1, sizeof *names);
  for (size_t i = 0; i < n; i++) {
    lua_rawgeti(L, 7, (lua_Integer)i + 1);
    names[i] = tw_record_text(L, -1);
  }
  tw_error e;
  if (tw_logbook_begin(b->book, id, (uint32_t)attempt, seed, (uint32_t)lanes, names, n, &e) != TW_OK) return tw_record_raise(L, &e);
  return 0;
}

/* book:result{ name = number, ... } */
static int book_result(lua_State *L) {
  book_box *b = check(L);
  tw_error e = {0};
  if (lua_type(L, 2) != LUA_TTABLE) {
    (void)tw_fail(&e, TW_EINVAL, "result: results are a table of numbers: it is a %s", luaL_typename(L, 2));
    return tw_record_raise(L, &e);
  }
  lua_settop(L, 2);
  size_t n = 0, k = 0;
  for (lua_pushnil(L); lua_next(L, 2); lua_pop(L, 1)) n++;
  tw_result *list = tw_record_scratch(L, n + 1, sizeof *list);
  for (lua_pushnil(L); lua_next(L, 2); lua_pop(L, 1)) {
    const tw_tensor *t = lua_type(L, -1) == LUA_TUSERDATA ? tw_bind_to_tensor(L, -1) : NULL;
    if (t) tw_refuse_laned(L, t, "result");
    if (lua_type(L, -2) != LUA_TSTRING) (void)tw_fail(&e, TW_EINVAL, "result: a result has a name: key is %s", luaL_tolstring(L, -2, NULL));
    else if (lua_type(L, -1) != LUA_TNUMBER && !(t && t->ndim == 0))
      (void)tw_fail(&e, TW_EINVAL, "result: a result is a number: %s is a %s", lua_tostring(L, -2), t ? "tensor with axes" : luaL_typename(L, -1));
    if (e.status != TW_OK) return tw_record_raise(L, &e);
    list[k++] = (tw_result){tw_record_text(L, -2), t ? tw_tensor_get(t, 0) : lua_tonumber(L, -1)};
  }
  if (tw_logbook_result(b->book, list, k, &e) != TW_OK) return tw_record_raise(L, &e);
  return 0;
}

/* book:finish(status, message, wall seconds, cpu seconds) */
static int book_finish(lua_State *L) {
  book_box *b = check(L);
  tw_run_status status;
  tw_error e;
  luaL_checkstring(L, 2);
  luaL_argcheck(L, tw_run_status_parse(tw_record_text(L, 2), &status), 2, "no status of this name");
  luaL_optstring(L, 3, "");
  if (tw_logbook_finish(b->book, status, tw_record_text(L, 3), luaL_optnumber(L, 4, 0), luaL_optnumber(L, 5, 0), &e) != TW_OK)
    return tw_record_raise(L, &e);
  return 0;
}

/* book:last(variable) -> number | nil */
static int book_last(lua_State *L) {
  book_box *b = check(L);
  double value;
  luaL_checkstring(L, 2);
  if (!tw_logbook_last(b->book, tw_record_text(L, 2), &value)) return 0;
  lua_pushnumber(L, value);
  return 1;
}

static int book_flush(lua_State *L) {
  book_box *b = check(L);
  tw_error e;
  return tw_logbook_flush(b->book, &e) == TW_OK ? 0 : tw_record_raise(L, &e);
}

static int book_path(lua_State *L) { return lua_pushstring(L, tw_logbook_path(check(L)->book)), 1; }

static void drop(book_box *b) {
  tw_logbook_free(b->book);
  b->book = NULL;
  for (size_t i = 0; i < b->n_slots; i++) tw_free(b->slots[i].list);
  tw_free(b->slots);
  tw_free(b->streams.list);
  b->slots = NULL;
  b->streams = (known_list){0};
  b->n_slots = b->slots_capacity = 0;
}

/* book:close(): raises when the last rows could not be written; the book is closed all the same. */
static int book_close(lua_State *L) {
  book_box *b = check_any(L);
  tw_error e;
  tw_status s = b->book ? tw_logbook_close(b->book, &e) : TW_OK;
  drop(b);
  return s == TW_OK ? 0 : tw_record_raise(L, &e);
}

static int book_gc(lua_State *L) {
  drop(check_any(L));
  return 0;
}

static const luaL_Reg methods[] = {
  {"begin", book_begin}, {"log", book_log}, {"result", book_result}, {"finish", book_finish}, {"last", book_last},
  {"flush", book_flush}, {"path", book_path}, {"close", book_close}, {"__gc", book_gc}, {"__close", book_gc}, {NULL, NULL},
};

static int sync_option(lua_State *L, int idx) {
  if (lua_isnil(L, idx)) return 5;
  if (lua_type(L, idx) == LUA_TSTRING) {
    const char *word = lua_tostring(L, idx);
    if (strcmp(word, "run") == 0) return TW_SYNC_RUN;
    if (strcmp(word, "off") == 0) return TW_SYNC_OFF;
  }
  lua_Number seconds = lua_type(L, idx) == LUA_TNUMBER ? lua_tonumber(L, idx) : -1;
  if (!(seconds >= 0 && seconds <= 86400)) return luaL_error(L, "logbook: sync is a number of seconds, \"run\" or \"off\"");
  return seconds == 0 ? TW_SYNC_OFF : seconds < 1 ? 1 : (int)seconds;
}

int tw_record_logbook(lua_State *L) {
  const char *dir = luaL_checkstring(L, 1);
  lua_Integer worker = luaL_checkinteger(L, 2);
  luaL_argcheck(L, worker >= 0 && worker <= INT16_MAX, 2, "worker is out of range");
  luaL_checktype(L, 3, LUA_TTABLE);
  lua_settop(L, 3);
  lua_getfield(L, 3, "uuid");
  const char *uuid = lua_tostring(L, 4);
  if (!uuid) return luaL_error(L, "logbook: it has no uuid");
  lua_getfield(L, 3, "sync");
  int sync = sync_option(L, 5);
  book_box *b = lua_newuserdatauv(L, sizeof *b, 1);
  *b = (book_box){0};
  if (luaL_newmetatable(L, BOOK_TYPE)) {
    lua_pushvalue(L, -1);
    luaL_setfuncs(L, methods, 1);
    lua_pushvalue(L, -1);
    lua_setfield(L, -2, "__index");
  }
  lua_setmetatable(L, 6);
  lua_newtable(L);
  lua_pushliteral(L, "step");
  b->step = lua_tostring(L, -1);
  lua_pushboolean(L, 1);
  lua_rawset(L, -3);
  lua_setiuservalue(L, 6, 1);
  b->slots = tw_calloc(1, sizeof *b->slots);
  if (!b->slots) return luaL_error(L, "logbook: out of memory");
  b->n_slots = b->slots_capacity = 1;
  tw_error e;
  if (tw_logbook_new(dir, (uint32_t)worker, uuid, sync, &b->book, &e) != TW_OK) return tw_record_raise(L, &e);
  return 1;
}
