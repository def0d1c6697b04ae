/* Where the modules of `thalweg` come from: C openers and the embedded Lua files, all through package.preload, so that it works the same in the
 * command and from a stock lua5.4 that only knows thalweg.so. The environment variable THALWEG_LUA names a folder to read the Lua files from instead. */
#include <stdlib.h>

#include "bind/bind.h"
#include "bind/embedded.h"

static const luaL_Reg c_modules[] = {
  {"thalweg.core", luaopen_thalweg_core},
  {"thalweg.record", luaopen_thalweg_record},
  {"thalweg.run", luaopen_thalweg_run},
  {"thalweg.sys", luaopen_thalweg_sys},
  {NULL, NULL},
};

/* A loader as require calls it; the file is its upvalue. */
static int load_embedded(lua_State *L) {
  const tw_embedded *file = lua_touserdata(L, lua_upvalueindex(1));
  lua_settop(L, 1);
  const char *folder = getenv("THALWEG_LUA");
  int rc;
  if (folder) rc = luaL_loadfile(L, lua_pushfstring(L, "%s/%s", folder, file->file));
  else rc = luaL_loadbufferx(L, (const char *)file->bytes, file->length, lua_pushfstring(L, "@%s", file->file), "t");
  if (rc != LUA_OK) return lua_error(L);
  lua_pushvalue(L, 1);
  lua_call(L, 1, 1);
  return 1;
}

/* For files newer than the build. */
static void add_to_path(lua_State *L, const char *folder) {
  lua_getglobal(L, "package");
  lua_getfield(L, -1, "path");
  lua_pushfstring(L, "%s/?.lua;%s/?/init.lua;%s", folder, folder, lua_tostring(L, -1));
  lua_setfield(L, -3, "path");
  lua_pop(L, 2);
}

void tw_bind_preload(lua_State *L) {
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  luaL_setfuncs(L, c_modules, 0);
  for (const tw_embedded *file = tw_embedded_lua; file->module; file++) {
    lua_pushlightuserdata(L, (void *)(uintptr_t)file);
    lua_pushcclosure(L, load_embedded, 1);
    lua_setfield(L, -2, file->module);
  }
  lua_pop(L, 1);
  const char *folder = getenv("THALWEG_LUA");
  if (folder) add_to_path(L, folder);
}

/* require "thalweg" where only thalweg.so is on package.cpath: from here on "thalweg" is lua/thalweg/init.lua. */
__attribute__((visibility("default"))) int luaopen_thalweg(lua_State *L) {
  tw_bind_preload(L);
  luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_PRELOAD_TABLE);
  lua_getfield(L, -1, "thalweg");
  lua_pushstring(L, "thalweg");
  lua_call(L, 1, 1);
  return 1;
}
