/* A differentiation in progress: one level of the tape, one scope, the leaves and their gradients. Whatever ends it, an error included, its __close
 * puts everything back. */
#ifndef TW_BIND_SESSION_H
#define TW_BIND_SESSION_H

#include "bind/tree.h"

typedef struct {
  bool open;
  bool differentiates; /* false: a scope alone */
  int level;
  size_t mark;
  tw_leaves leaves;    /* the caller's tensors */
  tw_tensor **fresh;   /* what f sees of them */
  tw_tensor **grads;
} tw_session;

/* Pushes a session that may be used again and again, but not inside itself. */
tw_session *tw_session_push(lua_State *L);
tw_session *tw_session_check(lua_State *L, int idx);

/* Opens a level (forward or reverse) and a scope in the session at stack index `at`; whatever leaves the calling C function closes them. */
tw_session *tw_session_open(lua_State *L, int at, bool forward, const char *owner);

/* Calls the function at f with the n_args values above it; the leaves of the trees at places wrt (bit i: argument i+1) are replaced by session->fresh.
 * Returns the index of the first result; the results reach to the top. */
int tw_session_call(lua_State *L, tw_session *, int f, int n_args, uint32_t wrt, const char *owner);

/* In reverse: opens, makes the leaves, calls, and leaves the gradients of the first result, the loss, in session->grads with the level closed. */
int tw_session_run(lua_State *L, int at, int f, int n_args, uint32_t wrt, const char *owner);
void tw_session_leaves(lua_State *L, tw_session *, int f, int n_args, uint32_t wrt, const char *owner); /* collects them, fresh and grads empty */
void tw_session_end(lua_State *L, tw_session *, int first_result); /* keeps results first.. and the leaves and gradients */
void tw_session_clear(lua_State *L, tw_session *);                 /* forgets leaves and gradients */

void tw_register_session(lua_State *L);

#endif
