/* The command's Lua side: a state, the modules, thalweg.cli with the arguments, its exit status. */
#include <stdio.h>
#include <string.h>

#include <lualib.h>

#include "base/small.h"
#include "bind/bind.h"

/* An error meant for the user is a table { message =, status = }; anything else is our own fault and gets its traceback. */
static int on_error(lua_State *L) {
  if (lua_type(L, 1) == LUA_TTABLE) return 1;
  const char *text = luaL_tolstring(L, 1, NULL);
  if (!strstr(text, "\nstack traceback:")) luaL_traceback(L, L, text, 1);
  return 1;
}

static int report(lua_State *L) {
  lua_Integer status = 2;
  if (lua_istable(L, -1)) {
    if (lua_getfield(L, -1, "status") == LUA_TNUMBER) status = lua_tointeger(L, -1);
    lua_getfield(L, -2, "message");
  }
  fflush(stdout);
  fprintf(stderr, "thalweg: %s\n", luaL_tolstring(L, -1, NULL));
  return (int)status;
}

/* The body runs protected: argc as an integer, argv as a light userdata. */
static int run_main(lua_State *L) {
  int argc = (int)lua_tointeger(L, 1);
  char **argv = lua_touserdata(L, 2);
  luaL_openlibs(L);
  tw_bind_preload(L);
  lua_getglobal(L, "require");
  lua_pushstring(L, "thalweg.cli");
  lua_call(L, 1, 1);
  lua_createtable(L, argc, 1);
  for (int i = 0; i < argc; i++) {
    lua_pushstring(L, argv[i]);
    lua_rawseti(L, -2, i);
  }
  lua_call(L, 1, 1);
  return 1;
}

static void *allocate(void *ud, void *p, size_t had, size_t wanted) {
  (void)ud;
  return tw_small_realloc(p, had, wanted);
}

int tw_lua_main(int argc, char **argv) {
  lua_State *L = lua_newstate(allocate, NULL);
  if (!L) {
    fprintf(stderr, "thalweg: out of memory\n");
    return 2;
  }
  lua_gc(L, LUA_GCGEN, 0, 0); /* most of what a script makes is gone a step later: handle.c */
  lua_pushcfunction(L, on_error);
  lua_pushcfunction(L, run_main);
  lua_pushinteger(L, argc);
  lua_pushlightuserdata(L, argv);
  int status = lua_pcall(L, 2, 1, 1) == LUA_OK ? (int)lua_tointeger(L, -1) : report(L);
  lua_close(L);
  tw_small_free_all();
  return status;
}
