/* Handles: what Lua holds of a tensor, and the scopes that own what is made inside a differentiated function. */
#ifndef TW_BIND_HANDLE_H
#define TW_BIND_HANDLE_H

#include "bind/bind.h"

typedef struct {
  uint64_t magic;
  tw_tensor *tensor;  /* NULL until the result is there */
  uint64_t serial;    /* differs from the tensor's: released */
  size_t place;       /* index in the scope stack, held from the beginning */
  int64_t bytes;      /* what it was counted for when the collector got it */
  bool collected;     /* holds its own reference, given back by the collector */
  bool laned;         /* its metatable is the one of tensors that differ between lanes */
} tw_handle;

/* An empty handle is pushed before the work; once the tensor exists, tw_handle_fill gives it over. Between the two nothing can raise. */
tw_handle *tw_handle_new(lua_State *L);
void tw_handle_fill(lua_State *L, tw_handle *, tw_tensor *owned);

tw_handle *tw_handle_test(lua_State *L, int idx);      /* NULL when it is no handle */
tw_tensor *tw_handle_check(lua_State *L, int idx);     /* raises an argument error otherwise */
bool tw_handle_is_number(lua_State *L, int idx);

/* An operand: a tensor, or a number made into a 0-d tensor of the dtype it meets. `owned` is released by tw_operand_drop. */
typedef struct {
  tw_tensor *tensor, *owned;
} tw_operand;
void tw_operand_check(lua_State *L, int idx);          /* raises unless tensor or number */
TW_CHECKED tw_status tw_operand_get(lua_State *L, int idx, const tw_tensor *meets, tw_operand *);
void tw_operand_drop(lua_State *L, tw_operand *);

/* Something open that must be closed in order: a scope, and where level >= 0 a differentiation. To-be-closed variables see to it, except in a coroutine that
 * dies of an error: then the next entry into the binding does. Whoever embeds one keeps it alive, and its thread with it, while it is open. */
typedef struct tw_open {
  struct tw_open *around;
  lua_State *thread;
  size_t mark;
  int level;
  int axis;  /* a hidden axis of tw.vmap, -1 without */
  bool open;
  struct tw_replay *replay; /* of the evaluation that is made in it, NULL without */
} tw_open;
void tw_open_push(lua_State *L, tw_open *, int level); /* opens a scope in it */
void tw_open_abandon(lua_State *L, tw_open *);         /* closes it and everything opened inside it; nothing survives */
void tw_open_abandon_all(lua_State *L);
bool tw_open_level(lua_State *L);                      /* a differentiation is in progress */
void tw_bind_settle(lua_State *L);                     /* closes what dead coroutines left open; this thread is the current one */

/* Scopes. What is pushed while one is open belongs to it. */
/* Ends a scope whose level is closed: releases what it owns except the tensors reachable from the values first..top through plain tables; those go to
 * the scope around it. */
void tw_scope_close(lua_State *L, tw_open *, int first);

/* What differs between lanes. `name`: the parameter's name on top of the stack, popped; says it in every message about this value. */
void tw_handle_set_name(lua_State *L, int idx);
void tw_register_lanes(lua_State *L);
void tw_register_raise(lua_State *L);

/* Before what the message on top tells is raised, which other runs might not have met: where several runs are computed together, they cannot go on together
 * whoever catches it. */
void tw_lanes_note_failure(lua_State *L);

int tw_handle_keep(lua_State *L);
void tw_handle_register(lua_State *L);                 /* creates the binding's state and the handles' metatables */
void tw_handle_set_meta(lua_State *L, const char *name, lua_CFunction); /* a metamethod; its first upvalue is the method table */
void tw_handle_set_meta_value(lua_State *L, const char *name);          /* the value on top, popped */

/* A function of the module, and where `method` says so a method of tensors as well. Its documentation stands here and nowhere else: the reference page, the
 * editor types and their tests read it. Lines of `doc`: the call, as `sum(x [, axis | {axes}] [, {keepdim = false}]) -> tensor` (several calls: a line each);
 * what it does, with shapes, dtypes and errors; `formula: ...`; `source: ...`; then `example:` and lines of Lua, in which `--> text` says what the expression
 * before it prints (further lines of it: `--> ` alone on theirs) or, as `--> error: text`, how it fails. docs/tools/text.lua reads all this. */
typedef struct {
  const char *name;
  lua_CFunction f;
  bool method;
  const char *doc;
} tw_function;
void tw_add_functions(lua_State *L, const tw_function *);               /* into the module on top, the method table and the documentation */
void tw_add_function_value(lua_State *L, const char *name, bool method, const char *doc); /* the value on top, popped */
/* Into the table on top: methods of another type; owner "generator", calls "r:normal(...)". */
void tw_add_methods(lua_State *L, const char *owner, const tw_function *);
void tw_add_topic(lua_State *L, const char *name, const char *doc);     /* documents what is no function: a field, an operator */
void tw_doc_group(lua_State *L, const char *title);                     /* what is registered from here on stands under this title */
void tw_push_docs(lua_State *L);                                        /* the list of { name=, doc=, group=, f=, method=, owner= } in order of registration */

/* Lua arguments in the words of design: axes 1-based, negative from the end; shapes as numbers or one table; option tables last and checked. */
int tw_arg_axis(lua_State *L, int idx, int ndim);                                   /* 0-based */
uint32_t tw_arg_axes(lua_State *L, int idx, int ndim);                              /* number, table, or none = all */
int tw_arg_shape(lua_State *L, int first, tw_shape *);                              /* index after the shape */
void tw_arg_options(lua_State *L, int idx, const char *owner, const char *const *names); /* table or nothing; unknown names raise */
bool tw_arg_flag(lua_State *L, int idx, const char *name);                          /* option of a checked table */
tw_dtype tw_arg_dtype(lua_State *L, int idx, tw_dtype otherwise);
tw_tensor *tw_arg_generator(lua_State *L, int idx);                                 /* its state, lent; one that may be drawn from */

/* The registers of the binding's files. */
void tw_register_tensor(lua_State *L);
void tw_register_index(lua_State *L);
void tw_register_ops(lua_State *L);
void tw_register_transforms(lua_State *L);
void tw_register_custom(lua_State *L);
void tw_register_optim(lua_State *L);
void tw_register_rng(lua_State *L);
void tw_register_linalg(lua_State *L);
void tw_register_nn(lua_State *L);
void tw_register_select(lua_State *L);

int tw_fail_allocation(lua_State *L);                                               /* core.fail_allocation: failure.c */
int tw_bind_status(lua_State *L, tw_status);                                        /* raises unless TW_OK; returns 1 */
lua_State *const *tw_bind_current(lua_State *L);                                    /* where the thread that last entered the binding stands */

#endif
