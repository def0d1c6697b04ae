/* What the files of require "thalweg.record" share. */
#ifndef TW_BIND_RECORD_H
#define TW_BIND_RECORD_H

#include "bind/bind.h"
#include "journal/journal.h"

/* Raises e. What the caller did wrong is a text placed at the script's line; what the system refused is a table { message, status = 3 }. */
int tw_record_raise(lua_State *L, const tw_error *e);
int tw_record_refuse(lua_State *L, const tw_error *e); /* nil, message */
tw_text tw_record_text(lua_State *L, int idx);         /* of the string at idx; "" for anything else */
void *tw_record_scratch(lua_State *L, size_t count, size_t bytes); /* zeroed, as long as it stays on the stack (it is pushed) */

int tw_record_plan_append(lua_State *L);
int tw_record_logbook(lua_State *L);
void tw_record_sweep_open(lua_State *L); /* adds load, pack, diff to the table on top */

#endif
