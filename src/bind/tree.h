/* Trees: a tensor, or a (nested) plain table of tensors. The order of a tree is integers ascending, then strings bytewise. */
#ifndef TW_BIND_TREE_H
#define TW_BIND_TREE_H

#include "bind/handle.h"

/* The leaves of one differentiation or optimizer: real tensors in tree order, the same tensor once. References are the list's own. */
typedef struct {
  tw_tensor **leaf;
  size_t n, cap;
  size_t next; /* where the next look-up probably hits */
} tw_leaves;

void tw_leaves_free(tw_ctx *, tw_leaves *);
void tw_leaves_clear(tw_ctx *, tw_leaves *); /* the same, but for the list's memory */
bool tw_leaves_add(tw_leaves *, tw_tensor *); /* false: out of memory */
void tw_leaves_collect(lua_State *L, int idx, tw_leaves *, const char *owner); /* raises on what is no tree */
void tw_leaves_every(lua_State *L, int idx, tw_leaves *, const char *owner);   /* the same with one entry per place, repeated tensors included */
size_t tw_leaves_find(tw_leaves *, const tw_tensor *);                         /* n when absent */

/* Pushes a copy of the tree at idx in which leaf i is replaced by a handle of with[i] (retained). Where `bare`, everything that is not a leaf is left out. */
void tw_tree_push(lua_State *L, int idx, tw_leaves *, tw_tensor *const *with, bool bare);

/* A plain table's keys in order; leaves values of its own on the stack, which must stay there while the keys are used. Other keys raise. */
typedef struct {
  const char *text; /* NULL: an integer */
  size_t length;
  lua_Integer integer;
  int at;           /* where it stands on the stack; 0: nowhere */
} tw_tree_key;
enum { TW_FEW_KEYS = 16 };
const tw_tree_key *tw_tree_keys(lua_State *L, int idx, tw_tree_key *few /* TW_FEW_KEYS of them */, size_t *n);
void tw_tree_push_key(lua_State *L, const tw_tree_key *);

/* Calls f(ud, path) for each leaf in order; path is "layer1.w". The handle is on top of the stack. */
typedef void (*tw_tree_visit)(lua_State *L, void *ud, const char *path);
void tw_tree_walk(lua_State *L, int idx, tw_tree_visit, void *ud);

#endif
