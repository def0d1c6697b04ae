/* core.fail_allocation: memory that runs out where a test wants it, in the engine or in Lua itself. */
#include "base/alloc.h"
#include "bind/handle.h"

/* The allocator of the Lua state, wrapped while failures are asked for. */
static struct {
  lua_Alloc f;
  void *ud;
  lua_Integer requests, fail_at;
} lua_memory;

/* Lua collects garbage and asks once more before it gives up, so two requests in a row are refused. Shrinking never fails. */
static void *allocate(void *ud, void *block, size_t old_size, size_t new_size) {
  (void)ud;
  if (new_size && (!block || new_size > old_size)) {
    lua_Integer past = ++lua_memory.requests - lua_memory.fail_at;
    if (lua_memory.fail_at && (past == 0 || past == 1)) return NULL;
  }
  return lua_memory.f(lua_memory.ud, block, old_size, new_size);
}

/* fail_allocation(n [, "engine" | "lua"]) -> requests since the last call. The n-th request from now on fails, once (of Lua's, that and the one after). 0:
 * none, and Lua has its own allocator again. */
int tw_fail_allocation(lua_State *L) {
  static const char *const owners[] = {"engine", "lua", NULL};
  static int64_t seen;
  lua_Integer n = luaL_checkinteger(L, 1), count;
  luaL_argcheck(L, n >= 0, 1, "must be a whole number >= 0");
  if (luaL_checkoption(L, 2, "engine", owners) == 0) {
    count = tw_alloc_requests() - seen;
    seen = tw_alloc_requests();
    tw_alloc_fail_at(n);
  } else {
    count = lua_memory.requests;
    if (n && !lua_memory.f) {
      lua_memory.f = lua_getallocf(L, &lua_memory.ud);
      lua_setallocf(L, allocate, NULL);
    } else if (!n && lua_memory.f) {
      lua_setallocf(L, lua_memory.f, lua_memory.ud);
      lua_memory.f = NULL;
    }
    lua_memory.requests = 0;
    lua_memory.fail_at = n;
  }
  lua_pushinteger(L, count);
  return 1;
}
