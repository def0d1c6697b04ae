/* tostring of a tensor. */
#ifndef TW_BIND_PRINT_H
#define TW_BIND_PRINT_H

#include <lua.h>

int tw_tensor_tostring(lua_State *L);

#endif
