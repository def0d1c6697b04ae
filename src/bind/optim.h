/* The optimizer as the binding holds it, shared by the engine's methods, its evaluations of the script's function and its saved state. */
#ifndef TW_BIND_OPTIM_H
#define TW_BIND_OPTIM_H

#include "bind/pass.h"
#include "optim/optim.h"

/* User values of an engine: 1 the pass, 2 the face's evaluations (a table of functions), 3 a raised error on its way out, 4 the kind's step in Lua,
 * 5 the inner engine, 6 the engine whose inner one it is, which owns it. */
enum { TW_ENGINE_PASS = 1, TW_ENGINE_FACE, TW_ENGINE_RAISED, TW_ENGINE_STEP, TW_ENGINE_INNER, TW_ENGINE_OUTER, TW_ENGINE_VALUES = TW_ENGINE_OUTER };

typedef struct {
  tw_optim *optim;
  tw_leaves params;
  bool raised;
  bool lent;       /* it is another engine's inner one, which owns it */
  lua_State *L;    /* while a step is under way */
  int self;        /* stack index of the engine, then */
} tw_engine;

tw_engine *tw_engine_check(lua_State *L, int idx);
/* Around a step: this engine and those inside it may call the script, and no lane is dropped. Leaves values on the stack. Raises when a step of it is under
 * way: what it works with cannot change below it. */
void tw_engine_refuse_busy(lua_State *L, const tw_engine *);
void tw_engine_enter(lua_State *L, tw_engine *, int self);
void tw_engine_leave(lua_State *L, tw_engine *);
int tw_engine_status(lua_State *L, tw_engine *, int self, tw_status); /* raises unless TW_OK: what the script raised, or the core's message */

/* Kinds made by scripts; NULL: it is none. Their update of one parameter calls the script. */
const tw_optim_kind *tw_kind_test(lua_State *L, int idx);
TW_CHECKED tw_status tw_kind_define(tw_ctx *, tw_optim *, int leaf);
void tw_register_kinds(lua_State *L);

/* engine:solve(f, params, ...): a step of a kind that evaluates f itself. */
int tw_engine_solve(lua_State *L);
/* Raises unless argument 2 of step is a function. */
void tw_engine_check_function(lua_State *L, const tw_engine *);
/* Raises unless the leaves seen in the tree of parameters are those the optimizer was made with. */
void tw_engine_check_same(lua_State *L, const tw_engine *, const tw_leaves *seen);
/* A result that shows a parameter's own memory gets a copy: it is the value before the update. */
void tw_engine_detach(lua_State *L, const tw_leaves *, int idx, int depth);

/* engine:read() -> table, engine:write(table): the state as plain data, copies of tensors. */
int tw_engine_read(lua_State *L);
void tw_engine_push_lanes(lua_State *L, const double *v, bool differs); /* one number, or one for each lane */
void tw_engine_push_updates(lua_State *L, const tw_optim *); /* how many were made: an integer, or where steps are skipped lane by lane one for each */
int tw_engine_write(lua_State *L);

/* Draws seen since begin; rewind puts every generator back to where it stood. One may be inside another: end takes what its begin gave. */
size_t tw_draws_begin(lua_State *L);
void tw_draws_note(lua_State *L, tw_tensor *state);
TW_CHECKED tw_status tw_draws_rewind(lua_State *L);
void tw_draws_end(lua_State *L, size_t outer);
bool tw_draws_noted(lua_State *L); /* is a step being taken that notes them? */

#endif
