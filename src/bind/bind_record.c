/* require "thalweg.record": journals, sweeps, the HDF5 file.
 *   record.plan_append(dir, { uuid =, meta =, order =, runs = })      bind_plan.c
 *   record.logbook(dir, worker, { uuid =, sync = }) -> book           bind_logbook.c
 *   record.load(path, ...) record.pack(sweep, path, {...}) record.diff(a, b)   bind_sweep.c
 *   record.lock(dir) -> lock | nil, message     lock:release()
 *   record.uuid() -> text     record.free_bytes(path) -> integer | nil, message */
#include "bind/bind_record.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/random.h>
#include <sys/statvfs.h>

#define LOCK_TYPE "thalweg.lock"
#define REFUSAL_TYPE "thalweg.refusal"

static int refusal_text(lua_State *L) { return lua_getfield(L, 1, "message"), 1; }

/* The library finds the author's line; without it, the caller's line has to do. */
static void push_position(lua_State *L) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
  if (lua_getfield(L, -1, "thalweg.fault") == LUA_TTABLE && lua_getfield(L, -1, "position") == LUA_TFUNCTION) lua_call(L, 0, 1);
  else luaL_where(L, 1);
}

int tw_record_raise(lua_State *L, const tw_error *e) {
  if (e->status == TW_EIO || e->status == TW_ENOMEM) {
    lua_createtable(L, 0, 2);
    lua_pushstring(L, e->text);
    lua_setfield(L, -2, "message");
    lua_pushinteger(L, 3);
    lua_setfield(L, -2, "status");
    if (luaL_newmetatable(L, REFUSAL_TYPE)) {
      lua_pushcfunction(L, refusal_text);
      lua_setfield(L, -2, "__tostring");
    }
    lua_setmetatable(L, -2);
    return lua_error(L);
  }
  push_position(L);
  lua_pushstring(L, e->text);
  lua_concat(L, 2);
  return lua_error(L);
}

int tw_record_refuse(lua_State *L, const tw_error *e) {
  lua_pushnil(L);
  lua_pushstring(L, e->text);
  return 2;
}

tw_text tw_record_text(lua_State *L, int idx) {
  tw_text t = {"", 0};
  if (lua_type(L, idx) == LUA_TSTRING) t.s = lua_tolstring(L, idx, &t.n);
  return t;
}

void *tw_record_scratch(lua_State *L, size_t count, size_t bytes) {
  if (count > SIZE_MAX / 2 / bytes) tw_raise(L, "record: too much at once");
  void *p = lua_newuserdatauv(L, count * bytes, 0);
  memset(p, 0, count * bytes);
  return p;
}

/* ---- the lock ---- */

static int lock_release(lua_State *L) {
  tw_lock **box = luaL_checkudata(L, 1, LOCK_TYPE);
  tw_lock_free(*box);
  *box = NULL;
  return 0;
}

static int record_lock(lua_State *L) {
  const char *dir = luaL_checkstring(L, 1);
  tw_lock **box = lua_newuserdatauv(L, sizeof *box, 0);
  tw_error e;
  *box = NULL;
  luaL_setmetatable(L, LOCK_TYPE);
  return tw_lock_new(dir, box, &e) == TW_OK ? 1 : tw_record_refuse(L, &e);
}

/* ---- small questions ---- */

static int record_uuid(lua_State *L) {
  unsigned char b[16];
  char text[40];
  if (getrandom(b, sizeof b, 0) != (ssize_t)sizeof b) return tw_raise(L, "uuid: the system gives no random bytes: %s", strerror(errno));
  b[6] = (unsigned char)((b[6] & 0x0f) | 0x40); /* version 4 */
  b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
  char *at = text;
  for (int i = 0; i < 16; i++) {
    if (i == 4 || i == 6 || i == 8 || i == 10) *at++ = '-';
    *at++ = "0123456789abcdef"[b[i] >> 4];
    *at++ = "0123456789abcdef"[b[i] & 15];
  }
  lua_pushlstring(L, text, (size_t)(at - text));
  return 1;
}

static int record_free_bytes(lua_State *L) {
  struct statvfs fs;
  const char *path = luaL_checkstring(L, 1);
  if (statvfs(path, &fs) != 0) {
    lua_pushnil(L);
    lua_pushfstring(L, "%s: %s", path, strerror(errno));
    return 2;
  }
  lua_pushinteger(L, (lua_Integer)fs.f_bavail * (lua_Integer)fs.f_frsize);
  return 1;
}

static const luaL_Reg lock_methods[] = {{"release", lock_release}, {"__gc", lock_release}, {"__close", lock_release}, {NULL, NULL}};

static const luaL_Reg functions[] = {
  {"plan_append", tw_record_plan_append},
  {"logbook", tw_record_logbook},
  {"lock", record_lock},
  {"uuid", record_uuid},
  {"free_bytes", record_free_bytes},
  {NULL, NULL},
};

int luaopen_thalweg_record(lua_State *L) {
  luaL_newmetatable(L, LOCK_TYPE);
  luaL_setfuncs(L, lock_methods, 0);
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  luaL_newlib(L, functions);
  tw_record_sweep_open(L);
  return 1;
}
