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

/* Calls the function at f with the arguments above it; the trees at argument places wrt (bit i: argument i+1) are differentiated. The session at
 * stack index s. Returns with the results from the loss on at s_top+1.. and the gradients in session->grads; tw_session_end lets go of the rest. */
int tw_session_run(lua_State *L, int s, int f, int n_args, uint32_t wrt, const char *owner);
void tw_session_end(lua_State *L, tw_session *, int first_result); /* keeps results first.. and the leaves and gradients */
void tw_session_clear(lua_State *L, tw_session *);                 /* forgets leaves and gradients */

void tw_register_session(lua_State *L);

#endif
