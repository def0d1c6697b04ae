#include "bind/handle.h"

void tw_register_select(lua_State *L) { (void)L; }
