#include "bind/handle.h"

void tw_register_nn(lua_State *L) { (void)L; }
