/* Errors: their place is the line of the script's author.
 *   core.author(f): f() gives "file:line: " of errors from now on */
#include <stdarg.h>
#include <string.h>

#include "bind/handle.h"
#include "tensor/ctx.h"

static const char author_key;

/* Pushes "file:line: " of the author's line, as the library finds it, or of the function that called. */
static void push_place(lua_State *L) {
  luaL_checkstack(L, 8, "an error");
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &author_key) == LUA_TFUNCTION && lua_pcall(L, 0, 1, 0) == LUA_OK && lua_isstring(L, -1)) return;
  lua_pop(L, 1);
  luaL_where(L, 1);
}

static int set_author(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  lua_settop(L, 1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &author_key);
  return 0;
}

int tw_raise(lua_State *L, const char *format, ...) {
  va_list arguments;
  push_place(L);
  va_start(arguments, format);
  lua_pushvfstring(L, format, arguments);
  va_end(arguments);
  lua_concat(L, 2);
  return lua_error(L);
}

/* "file:line: " stands in front already: the message comes from a function of the script that the engine called. */
static bool has_place(const char *text) {
  size_t file = strcspn(text, ": \n"), line = text[file] == ':' ? strspn(text + file + 1, "0123456789") : 0;
  return file > 0 && line > 0 && strncmp(text + file + 1 + line, ": ", 2) == 0;
}

int tw_bind_raise(lua_State *L, const tw_error *e) {
  if (has_place(e->text)) lua_pushliteral(L, "");
  else push_place(L);
  lua_pushstring(L, e->text);
  lua_concat(L, 2);
  tw_lanes_note_failure(L);
  return lua_error(L);
}

int tw_bind_status(lua_State *L, tw_status s) {
  if (s != TW_OK) return tw_bind_raise(L, tw_ctx_error(tw_bind_ctx(L)));
  return 1;
}

void tw_register_raise(lua_State *L) {
  lua_pushcfunction(L, set_author);
  lua_setfield(L, -2, "author");
}
