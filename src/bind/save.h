/* tw.save and tw.load. */
#ifndef TW_BIND_SAVE_H
#define TW_BIND_SAVE_H

#include <lua.h>

void tw_register_save(lua_State *L);

#endif
