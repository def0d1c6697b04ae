/* A pass: a differentiation in progress: one level of the tape, one scope, the leaves and their gradients. Whatever ends it, an error included, its __close
 * puts everything back. */
#ifndef TW_BIND_PASS_H
#define TW_BIND_PASS_H

#include "bind/tree.h"
#include "grad/grad.h"

typedef struct {
  tw_open opened;      /* its level: -1 for a scope alone, and once the gradients are there */
  tw_leaves leaves;    /* the caller's tensors */
  tw_tensor **fresh;   /* what f sees of them */
  tw_tensor **grads;
  size_t room;         /* of these two, NULL where there is none yet */
  tw_replay *replay;   /* where one function is evaluated again and again; else NULL */
} tw_pass;

/* Pushes a pass that may be used again and again, but not inside itself. */
tw_pass *tw_pass_push(lua_State *L);
tw_pass *tw_pass_check(lua_State *L, int idx);

/* Opens a level (forward or reverse) and a scope in the pass at stack index `at`; whatever leaves the calling C function closes them. */
tw_pass *tw_pass_open(lua_State *L, int at, bool forward, const char *owner);

/* Calls the function at f with the n_args values above it; the leaves of the trees at places wrt (bit i: argument i+1) are replaced by pass->fresh.
 * Returns the index of the first result; the results reach to the top. */
int tw_pass_call(lua_State *L, tw_pass *, int f, int n_args, uint32_t wrt, const char *owner);

/* In reverse: opens, makes the leaves, calls, and leaves the gradients of the first result, the loss, in pass->grads with the level closed. */
int tw_pass_run(lua_State *L, int at, int f, int n_args, uint32_t wrt, const char *owner);
/* Whether bit i of wrt is set; there are 32, arguments may be more. */
static inline bool tw_wrt_has(uint32_t wrt, int i) { return i < 32 && (wrt >> i & 1); }
void tw_pass_leaves(lua_State *L, tw_pass *, int f, int n_args, uint32_t wrt, const char *owner); /* collects them, fresh and grads empty */
void tw_pass_room(lua_State *L, tw_pass *, const char *owner);                                     /* for as many of both as there are leaves */
void tw_pass_end(lua_State *L, tw_pass *, int first_result); /* keeps results first.. and the leaves and gradients */
void tw_pass_clear(lua_State *L, tw_pass *);                 /* forgets leaves and gradients */

void tw_pass_keep(lua_State *L, tw_pass *, const tw_leaves *, tw_tensor *const *grads); /* as if these gradients had come out of a differentiation */
void tw_pass_push_scope(lua_State *L);                       /* pushes the function scope(f, ...) */

void tw_register_pass(lua_State *L);

#endif
