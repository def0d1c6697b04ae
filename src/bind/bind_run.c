/* require "thalweg.run": child processes, messages, signals and clocks for the runner.
 *   local child = run.spawn(f, ...)     f(...) runs in a new process, which then leaves: 0, or 70 and the traceback on its standard error when f raised
 * The parent:  child:send(text) :receive() :hang_up() :kill("TERM") :reap([wait]) :slot() :revoke(batch) :pid()
 *              run.poll(children, seconds)   run.watch() run.unwatch() run.signals()
 * The child:   run.receive() run.send(text) run.stopping() run.call(handler, f, ...) run.working(i) run.progress(done, total) run.revoked()
 *              run.capture(path) run.captured()
 * A wish to stop (SIGTERM) raises { tw_stop = "interrupted" } inside run.call's f, through a debug hook, at the next instruction of Lua code. */
#include <math.h>
#include <signal.h>
#include <string.h>

#include "bind/bind.h"
#include "run/run.h"

#define CHILD_TYPE "thalweg.child"

/* The stop hook. The state inside run.call, or NULL: nothing outside it is ever interrupted. */
static lua_State *volatile armed;

static void stop_hook(lua_State *L, lua_Debug *ar) {
  (void)ar;
  lua_sethook(L, NULL, 0, 0);
  lua_createtable(L, 0, 1);
  lua_pushstring(L, "interrupted");
  lua_setfield(L, -2, "tw_stop");
  lua_error(L);
}

static void on_stop(void) {
  lua_State *L = armed;
  if (L) lua_sethook(L, stop_hook, LUA_MASKCALL | LUA_MASKRET | LUA_MASKCOUNT, 1); /* lua_sethook may be called from a signal handler */
}

/* run.call(handler, f, ...) -> true | false, what handler made of the error */
static int run_call(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  luaL_checktype(L, 2, LUA_TFUNCTION);
  armed = L;
  if (tw_self_stopping()) on_stop();
  int rc = lua_pcall(L, lua_gettop(L) - 2, 0, 1);
  armed = NULL;
  lua_sethook(L, NULL, 0, 0);
  lua_pushboolean(L, rc == LUA_OK);
  if (rc == LUA_OK) return 1;
  lua_insert(L, -2);
  return 2;
}

/* The child's side. */

static int run_receive(lua_State *L) {
  char buffer[TW_MESSAGE_MAX];
  size_t n = 0;
  if (tw_self_receive(buffer, &n)) lua_pushlstring(L, buffer, n);
  else lua_pushnil(L);
  return 1;
}

static int run_send(lua_State *L) {
  size_t n = 0;
  const char *text = luaL_checklstring(L, 1, &n);
  luaL_argcheck(L, n > 0 && n <= TW_MESSAGE_MAX, 1, "a message has 1 to 60000 bytes");
  lua_pushboolean(L, tw_self_send(text, n));
  return 1;
}

static int run_stopping(lua_State *L) {
  lua_pushboolean(L, tw_self_stopping());
  return 1;
}

static int run_working(lua_State *L) {
  tw_slot *slot = tw_self_slot();
  if (!slot) return 0;
  slot->done = 0;
  slot->total = 0;
  slot->run = luaL_checkinteger(L, 1);
  return 0;
}

static int run_progress(lua_State *L) {
  tw_slot *slot = tw_self_slot();
  double done = luaL_checknumber(L, 1), total = luaL_checknumber(L, 2);
  luaL_argcheck(L, isfinite(done) && done >= 0, 1, "progress is a number from 0 up");
  luaL_argcheck(L, isfinite(total) && total > 0, 2, "the total is a number above 0");
  if (!slot) return 0;
  slot->done = done;
  slot->total = total;
  return 0;
}

static int run_revoked(lua_State *L) {
  tw_slot *slot = tw_self_slot();
  lua_pushinteger(L, slot ? slot->revoked : 0);
  return 1;
}

static int run_capture(lua_State *L) {
  tw_error e = {0};
  if (tw_self_capture(luaL_checkstring(L, 1), &e)) return tw_bind_raise(L, &e);
  return 0;
}

static int run_captured(lua_State *L) {
  lua_pushinteger(L, tw_self_captured());
  return 1;
}

/* The parent's side. */

typedef struct {
  tw_child *child; /* NULL once freed */
} child_box;

static tw_child *check_child(lua_State *L, int idx) {
  child_box *box = luaL_checkudata(L, idx, CHILD_TYPE);
  luaL_argcheck(L, box->child, idx, "this child is gone");
  return box->child;
}

static int traceback(lua_State *L) {
  luaL_traceback(L, L, luaL_tolstring(L, 1, NULL), 1);
  return 1;
}

static int run_spawn(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  child_box *box = lua_newuserdatauv(L, sizeof *box, 0); /* the owner exists before the resource */
  box->child = NULL;
  luaL_setmetatable(L, CHILD_TYPE);
  tw_error e = {0};
  if (tw_child_fork(&box->child, &e)) return tw_bind_raise(L, &e);
  if (box->child) return 1;
  tw_self_on_stop(on_stop);
  lua_pop(L, 1);
  lua_pushcfunction(L, traceback);
  lua_insert(L, 1);
  if (lua_pcall(L, lua_gettop(L) - 2, 0, 1) == LUA_OK) tw_self_exit(0);
  const char *message = lua_tostring(L, -1);
  lua_writestringerror("%s\n", message ? message : "error without a message");
  tw_self_exit(70);
}

static int child_gc(lua_State *L) {
  child_box *box = luaL_checkudata(L, 1, CHILD_TYPE);
  tw_child *child = box->child;
  box->child = NULL;
  tw_child_free(child);
  return 0;
}

static int child_send(lua_State *L) {
  tw_child *child = check_child(L, 1);
  size_t n = 0;
  const char *text = luaL_checklstring(L, 2, &n);
  luaL_argcheck(L, n > 0 && n <= TW_MESSAGE_MAX, 2, "a message has 1 to 60000 bytes");
  lua_pushboolean(L, tw_child_send(child, text, n));
  return 1;
}

/* child:receive() -> text | nil, closed */
static int child_receive(lua_State *L) {
  char buffer[TW_MESSAGE_MAX];
  size_t n = 0;
  tw_receipt got = tw_child_receive(check_child(L, 1), buffer, &n);
  if (got == TW_RECEIVED) {
    lua_pushlstring(L, buffer, n);
    return 1;
  }
  lua_pushnil(L);
  lua_pushboolean(L, got == TW_CLOSED);
  return 2;
}

static int child_hang_up(lua_State *L) {
  tw_child_hang_up(check_child(L, 1));
  return 0;
}

static int child_kill(lua_State *L) {
  static const char *const names[] = {"TERM", "KILL", NULL};
  static const int numbers[] = {SIGTERM, SIGKILL};
  tw_child *child = check_child(L, 1);
  tw_child_kill(child, numbers[luaL_checkoption(L, 2, NULL, names)]);
  return 0;
}

/* child:reap([wait]) -> nil while alive | "exited", code | "killed", signal, "Segmentation fault" */
static int child_reap(lua_State *L) {
  tw_end end;
  if (!tw_child_reap(check_child(L, 1), lua_toboolean(L, 2), &end)) return 0;
  lua_pushstring(L, end.signaled ? "killed" : "exited");
  lua_pushinteger(L, end.number);
  lua_pushstring(L, end.signaled ? strsignal(end.number) : "");
  return 3;
}

/* child:slot() -> run index (0: none), done, total (0: unknown) */
static int child_slot(lua_State *L) {
  const tw_slot *slot = tw_child_slot(check_child(L, 1));
  lua_pushinteger(L, slot->run);
  lua_pushnumber(L, slot->done);
  lua_pushnumber(L, slot->total);
  return 3;
}

/* child:revoke(batch): see run.revoked */
static int child_revoke(lua_State *L) {
  tw_child_slot(check_child(L, 1))->revoked = luaL_checkinteger(L, 2);
  return 0;
}

static int child_pid(lua_State *L) {
  lua_pushinteger(L, tw_child_pid(check_child(L, 1)));
  return 1;
}

/* run.poll(children, seconds) -> array of the children that have sent something or are gone */
static int run_poll(lua_State *L) {
  enum { MOST = 1024 };
  tw_child *list[MOST];
  bool ready[MOST];
  luaL_checktype(L, 1, LUA_TTABLE);
  double seconds = luaL_checknumber(L, 2);
  size_t n = (size_t)lua_rawlen(L, 1);
  luaL_argcheck(L, n <= MOST, 1, "too many children");
  for (size_t i = 0; i < n; i++) {
    lua_rawgeti(L, 1, (lua_Integer)i + 1);
    list[i] = check_child(L, -1);
    lua_pop(L, 1);
  }
  lua_newtable(L);
  tw_error e = {0};
  if (tw_child_poll(list, n, seconds, ready, &e)) return tw_bind_raise(L, &e);
  lua_Integer count = 0;
  for (size_t i = 0; i < n; i++) {
    if (!ready[i]) continue;
    lua_rawgeti(L, 1, (lua_Integer)i + 1);
    lua_rawseti(L, -2, ++count);
  }
  return 1;
}

static int run_watch(lua_State *L) {
  tw_error e = {0};
  if (tw_signals_watch(&e)) return tw_bind_raise(L, &e);
  return 0;
}

static int run_unwatch(lua_State *L) {
  (void)L;
  tw_signals_unwatch();
  return 0;
}

/* run.signals() -> number of SIGINT, number of SIGTERM and SIGUSR1 since run.watch() */
static int run_signals(lua_State *L) {
  tw_signals seen = tw_signals_seen();
  lua_pushinteger(L, seen.interrupts);
  lua_pushinteger(L, seen.terminations);
  return 2;
}

static int run_wall(lua_State *L) {
  lua_pushnumber(L, tw_clock_wall());
  return 1;
}

static int run_cpu(lua_State *L) {
  lua_pushnumber(L, tw_clock_cpu());
  return 1;
}

static const luaL_Reg child_methods[] = {
  {"send", child_send}, {"receive", child_receive}, {"hang_up", child_hang_up}, {"kill", child_kill}, {"reap", child_reap},
  {"slot", child_slot}, {"revoke", child_revoke}, {"pid", child_pid},
  {NULL, NULL},
};

static const luaL_Reg functions[] = {
  {"spawn", run_spawn},     {"poll", run_poll},         {"watch", run_watch},     {"unwatch", run_unwatch},   {"signals", run_signals},
  {"receive", run_receive}, {"send", run_send},         {"stopping", run_stopping}, {"call", run_call},         {"working", run_working},
  {"revoked", run_revoked}, {"progress", run_progress}, {"capture", run_capture},   {"captured", run_captured}, {"wall", run_wall},
  {"cpu", run_cpu},
  {NULL, NULL},
};

int luaopen_thalweg_run(lua_State *L) {
  luaL_newmetatable(L, CHILD_TYPE);
  lua_pushcfunction(L, child_gc);
  lua_setfield(L, -2, "__gc");
  luaL_newlib(L, child_methods);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  luaL_newlib(L, functions);
  return 1;
}
