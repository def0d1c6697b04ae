/* record.logbook: a worker's rows. Several runs may be under way at once, lane by lane: a row's numbers and tensors that differ between lanes go to their
 * runs, what does not goes to all. book:log is the path every logged number takes: names are looked up by the address of their (interned) string, and
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
  tw_logbook **lane;   /* each its own run; they share the journal. NULL once closed */
  size_t n_lanes, lanes_capacity;
  size_t *place;       /* of each lane the tensors have now: which of `lane` it is */
  size_t n_places, places_capacity;
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
  if (!b->lane) tw_raise(L, "logbook: it is closed");
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
  for (size_t r = 0; r < b->n_lanes; r++) {
    if (tw_logbook_stream(b->lane[r], name, &stream, &e) != TW_OK) tw_record_raise(L, &e);
  }
  while (b->n_slots <= stream) {
    known_list *moved = tw_grow(b->slots, &b->slots_capacity, b->n_slots, sizeof *moved);
    if (!moved) tw_raise(L, "log: out of memory");
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
  for (size_t r = 0; r < b->n_lanes; r++) {
    if (tw_logbook_slot(b->lane[r], stream, name, &slot, &e) != TW_OK) tw_record_raise(L, &e);
  }
  remember(L, l, idx, name, slot);
  return slot;
}

/* Is the run in this place still going? The others' numbers lead nowhere. */
static tw_logbook *open_at(const book_box *b, size_t place) {
  tw_logbook *k = b->lane[b->place[place]];
  return tw_logbook_in_run(k) ? k : NULL;
}

static tw_status stage_tensor(tw_logbook *k, uint32_t slot, const tw_tensor *t, tw_error *e) {
  tw_column_type type = t->dtype == TW_F32 ? TW_COLUMN_F32 : TW_COLUMN_F64;
  if (t->ndim == 0) return tw_logbook_stage(k, slot, type, tw_tensor_get(t, 0), e);
  void *room = tw_logbook_stage_array(k, slot, type, t->ndim, t->shape, e);
  if (!room) return TW_EINVAL;
  if (tw_is_real((tw_dtype)t->dtype) && tw_tensor_is_contiguous(t)) memcpy(room, t->data, (size_t)t->size * tw_column_item(type));
  else if (type == TW_COLUMN_F32)
    for (int64_t i = 0; i < t->size; i++) ((float *)room)[i] = (float)tw_tensor_get(t, i);
  else
    for (int64_t i = 0; i < t->size; i++) ((double *)room)[i] = tw_tensor_get(t, i);
  return TW_OK;
}

static void check_lanes(lua_State *L, const book_box *b, const tw_tensor *t, const char *what) {
  if (t->lanes & ~1) tw_refuse_laned(L, t, what); /* the slices of a tw.vmap */
  if (t->lanes && (size_t)t->lane_size[0] != b->n_places) tw_raise(L, "%s: a value has %d lanes, there are %d", what, (int)t->lane_size[0], (int)b->n_places);
}

static void move_to_lane(tw_tensor *one, int64_t r) {
  one->data += r * one->lane_stride[0] * (int64_t)tw_dtype_size((tw_dtype)one->dtype);
  one->lanes = 0;
}

/* The value on top of the stack is what the row has under the name. */
static void stage(lua_State *L, book_box *b, uint32_t slot, tw_text name) {
  tw_error e;
  if (lua_type(L, -1) == LUA_TNUMBER) {
    double value = lua_tonumber(L, -1);
    for (size_t r = 0; r < b->n_places; r++) {
      tw_logbook *k = open_at(b, r);
      if (k && tw_logbook_stage(k, slot, TW_COLUMN_F64, value, &e) != TW_OK) tw_record_raise(L, &e);
    }
    return;
  }
  const tw_tensor *t = lua_type(L, -1) == LUA_TUSERDATA ? tw_bind_to_tensor(L, -1) : NULL;
  tw_status s = TW_OK;
  if (t) {
    check_lanes(L, b, t, "log");
    for (size_t r = 0; r < b->n_places && s == TW_OK; r++) {
      tw_logbook *k = open_at(b, r);
      if (!k) continue;
      tw_tensor one = *t;
      if (t->lanes) move_to_lane(&one, (int64_t)r);
      s = stage_tensor(k, slot, &one, &e);
    }
  } else {
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

/* book:log([stream,] row) -> step, nil or { [lane] = its first non-finite diverge metric } */
static int book_log(lua_State *L) {
  book_box *b = check(L);
  tw_error e;
  int row = lua_type(L, 2) == LUA_TSTRING ? 3 : 2;
  uint32_t stream = row == 3 ? stream_of(L, b, 2) : 0;
  if (lua_type(L, row) != LUA_TTABLE) {
    (void)tw_fail(&e, TW_EINVAL, "log: a row is a table of metrics: row is a %s", luaL_typename(L, row));
    return tw_record_raise(L, &e);
  }
  bool any = false;
  for (size_t r = 0; r < b->n_places; r++) {
    tw_logbook *k = open_at(b, r);
    any = any || k;
    if (k && tw_logbook_row_begin(k, stream, &e) != TW_OK) return tw_record_raise(L, &e);
  }
  if (!any) return tw_raise(L, "log: no run is open; call begin first");
  int64_t step = 0, stamped = 0;
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
  lua_settop(L, row);
  for (size_t r = 0; r < b->n_places; r++) {
    tw_logbook *k = open_at(b, r);
    if (!k) continue;
    if (tw_logbook_row_end(k, has_step ? &step : NULL, &stamped, &bad, &e) != TW_OK) return tw_record_raise(L, &e);
    if (!bad) continue;
    if (lua_gettop(L) == row) lua_newtable(L);
    lua_pushstring(L, bad);
    lua_rawseti(L, row + 1, (lua_Integer)b->place[r] + 1);
  }
  lua_pushinteger(L, stamped);
  if (lua_gettop(L) == row + 1) return 1;
  lua_insert(L, row + 1);
  return 2;
}

/* book:lanes(n): n runs may be open at once; tensors have n lanes from now on. book:keep{ lane, ... }: of the lanes now only these, which are places. */
static int book_lanes(lua_State *L) {
  book_box *b = check(L);
  lua_Integer n = luaL_checkinteger(L, 2);
  luaL_argcheck(L, n >= 1 && n <= 1 << 20, 2, "out of range");
  tw_error e;
  while (b->n_lanes < (size_t)n) {
    tw_logbook **moved = tw_grow(b->lane, &b->lanes_capacity, b->n_lanes, sizeof *moved);
    if (!moved) return tw_raise(L, "logbook: out of memory");
    b->lane = moved;
    if (tw_logbook_beside(b->lane[0], &b->lane[b->n_lanes], &e) != TW_OK) return tw_record_raise(L, &e);
    b->n_lanes++;
  }
  for (b->n_places = 0; b->n_places < (size_t)n; b->n_places++) {
    size_t *moved = tw_grow(b->place, &b->places_capacity, b->n_places, sizeof *moved);
    if (!moved) return tw_raise(L, "logbook: out of memory");
    b->place = moved;
    b->place[b->n_places] = b->n_places;
  }
  return 0;
}

static int book_keep(lua_State *L) {
  book_box *b = check(L);
  luaL_checktype(L, 2, LUA_TTABLE);
  size_t n = lua_rawlen(L, 2);
  for (size_t k = 0; k < n; k++) {
    lua_rawgeti(L, 2, (lua_Integer)k + 1);
    lua_Integer from = luaL_checkinteger(L, -1);
    luaL_argcheck(L, from > (lua_Integer)k && from <= (lua_Integer)b->n_places, 2, "places must ascend");
    b->place[k] = b->place[from - 1];
    lua_pop(L, 1);
  }
  b->n_places = n;
  return 0;
}

static tw_logbook *lane_at(lua_State *L, const book_box *b, int idx) {
  lua_Integer lane = luaL_optinteger(L, idx, 1);
  luaL_argcheck(L, lane >= 1 && (size_t)lane <= b->n_lanes, idx, "no such lane");
  return b->lane[lane - 1];
}

/* book:begin(id, attempt, seed, { diverge =, lanes =, muted = } [, lane]). muted: the run's rows are checked, not written; abandon ends it. */
static int book_begin(lua_State *L) {
  book_box *b = check(L);
  lua_Integer id = luaL_checkinteger(L, 2), attempt = luaL_checkinteger(L, 3), seed = luaL_checkinteger(L, 4);
  luaL_argcheck(L, attempt >= 1 && attempt <= INT16_MAX, 3, "attempts are counted from 1");
  tw_logbook *k = lane_at(L, b, 6);
  if (lua_isnoneornil(L, 5)) {
    lua_settop(L, 4);
    lua_newtable(L);
  }
  luaL_checktype(L, 5, LUA_TTABLE);
  lua_settop(L, 5);
  lua_getfield(L, 5, "lanes");
  lua_Integer lanes = luaL_optinteger(L, 6, 1);
  lua_getfield(L, 5, "muted");
  bool muted = lua_toboolean(L, -1);
  lua_pop(L, 1);
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
  tw_logbook_mute(k, muted);
  if (tw_logbook_begin(k, id, (uint32_t)attempt, seed, (uint32_t)lanes, names, n, &e) != TW_OK) return tw_record_raise(L, &e);
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
  size_t n = 0;
  for (lua_pushnil(L); lua_next(L, 2); lua_pop(L, 1)) n++;
  tw_result *list = tw_record_scratch(L, n + 1, sizeof *list);
  for (size_t r = 0; r < b->n_places; r++) {
    tw_logbook *book = open_at(b, r);
    size_t k = 0;
    for (lua_pushnil(L); lua_next(L, 2) && book; lua_pop(L, 1)) {
      const tw_tensor *t = lua_type(L, -1) == LUA_TUSERDATA ? tw_bind_to_tensor(L, -1) : NULL;
      if (t) check_lanes(L, b, t, "result");
      if (lua_type(L, -2) != LUA_TSTRING) (void)tw_fail(&e, TW_EINVAL, "result: a result has a name: key is %s", luaL_tolstring(L, -2, NULL));
      else if (lua_type(L, -1) != LUA_TNUMBER && !(t && t->ndim == 0))
        (void)tw_fail(&e, TW_EINVAL, "result: a result is a number: %s is a %s", lua_tostring(L, -2), t ? "tensor with axes" : luaL_typename(L, -1));
      if (e.status != TW_OK) return tw_record_raise(L, &e);
      tw_tensor one = t ? *t : (tw_tensor){0};
      if (t && t->lanes) move_to_lane(&one, (int64_t)r);
      list[k++] = (tw_result){tw_record_text(L, -2), t ? tw_tensor_get(&one, 0) : lua_tonumber(L, -1)};
    }
    lua_settop(L, 3);
    if (book && tw_logbook_result(book, list, k, &e) != TW_OK) return tw_record_raise(L, &e);
  }
  return 0;
}

/* book:finish(status, message, wall seconds, cpu seconds [, lane]) */
static int book_finish(lua_State *L) {
  book_box *b = check(L);
  tw_run_status status;
  tw_error e;
  luaL_checkstring(L, 2);
  luaL_argcheck(L, tw_run_status_parse(tw_record_text(L, 2), &status), 2, "no status of this name");
  luaL_optstring(L, 3, "");
  if (tw_logbook_finish(lane_at(L, b, 6), status, tw_record_text(L, 3), luaL_optnumber(L, 4, 0), luaL_optnumber(L, 5, 0), &e) != TW_OK)
    return tw_record_raise(L, &e);
  return 0;
}

/* book:abandon(lane): its run goes on elsewhere, at a later attempt. */
static int book_abandon(lua_State *L) {
  book_box *b = check(L);
  tw_logbook_abandon(lane_at(L, b, 2));
  return 0;
}

/* book:last(variable [, lane]) -> number | nil */
static int book_last(lua_State *L) {
  book_box *b = check(L);
  double value;
  luaL_checkstring(L, 2);
  if (!tw_logbook_last(lane_at(L, b, 3), tw_record_text(L, 2), &value)) return 0;
  lua_pushnumber(L, value);
  return 1;
}

static int book_flush(lua_State *L) {
  book_box *b = check(L);
  tw_error e;
  for (size_t r = 0; r < b->n_lanes; r++) {
    if (tw_logbook_flush(b->lane[r], &e) != TW_OK) return tw_record_raise(L, &e);
  }
  return 0;
}

static int book_path(lua_State *L) { return lua_pushstring(L, tw_logbook_path(check(L)->lane[0])), 1; }

static void drop(book_box *b) {
  for (size_t r = b->n_lanes; r > 0; r--) tw_logbook_free(b->lane[r - 1]);
  tw_free(b->lane);
  tw_free(b->place);
  b->lane = NULL;
  b->place = NULL;
  b->n_lanes = b->n_places = b->lanes_capacity = b->places_capacity = 0;
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
  tw_status s = TW_OK;
  for (size_t r = b->n_lanes; r > 0 && s == TW_OK; r--) s = tw_logbook_close(b->lane[r - 1], &e);
  drop(b);
  return s == TW_OK ? 0 : tw_record_raise(L, &e);
}

static int book_gc(lua_State *L) {
  drop(check_any(L));
  return 0;
}

static const luaL_Reg methods[] = {
  {"begin", book_begin}, {"lanes", book_lanes}, {"keep", book_keep}, {"abandon", book_abandon},
  {"log", book_log}, {"result", book_result}, {"finish", book_finish}, {"last", book_last},
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
  if (!(seconds >= 0 && seconds <= 86400)) return tw_raise(L, "logbook: sync is a number of seconds, \"run\" or \"off\"");
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
  if (!uuid) return tw_raise(L, "logbook: it has no uuid");
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
  if (!b->slots) return tw_raise(L, "logbook: out of memory");
  b->n_slots = b->slots_capacity = 1;
  tw_error e;
  b->lane = tw_calloc(1, sizeof *b->lane);
  b->place = tw_calloc(1, sizeof *b->place);
  if (!b->lane || !b->place) return tw_raise(L, "logbook: out of memory");
  b->lanes_capacity = b->places_capacity = b->n_places = 1;
  if (tw_logbook_new(dir, (uint32_t)worker, uuid, sync, &b->lane[0], &e) != TW_OK) return tw_record_raise(L, &e);
  b->n_lanes = 1;
  return 1;
}
