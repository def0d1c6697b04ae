/* The Lua binding's inner face: what one binding file may ask of another. */
#ifndef TW_BIND_BIND_H
#define TW_BIND_BIND_H

#include <lauxlib.h>
#include <lua.h>

#include "tensor/tensor.h"

/* The process's context; created by luaopen_thalweg, lives in the registry. */
tw_ctx *tw_bind_ctx(lua_State *L);

/* Raises a message, formatted as by lua_pushfstring, or the context's (or e's), as a Lua error at the line of the script's author: the innermost function that
 * is not the library's own (lua/thalweg/fault.lua). Never returns. */
int tw_raise(lua_State *L, const char *format, ...);
int tw_bind_raise(lua_State *L, const tw_error *e);

/* The tensor behind the handle at idx: NULL when the value there is no tensor; a released handle raises. */
tw_tensor *tw_bind_to_tensor(lua_State *L, int idx);

/* Raises where one number for all lanes is needed and the tensor differs between them; what: who needs it, "item". */
void tw_refuse_laned(lua_State *L, const tw_tensor *, const char *what);

int luaopen_thalweg(lua_State *L);          /* `tw` */
int luaopen_thalweg_core(lua_State *L);     /* require "thalweg.core": tensors, transforms, optimizers, generators */
int luaopen_thalweg_record(lua_State *L);   /* require "thalweg.record": journals, sweeps, the HDF5 file */
int luaopen_thalweg_run(lua_State *L);      /* require "thalweg.run": worker processes and signals */
int luaopen_thalweg_sys(lua_State *L);      /* require "thalweg.sys": files, terminals, the machine */
void tw_bind_preload(lua_State *L);         /* makes all of these, and the Lua modules, known to require */

/* The command: argv -> exit status. */
int tw_lua_main(int argc, char **argv);

#endif
