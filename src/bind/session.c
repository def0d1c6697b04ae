/* Sessions. */
#include "bind/session.h"

#include "base/alloc.h"
#include "grad/grad.h"
#include "tensor/ctx.h"

static const char type_name[] = "tw.session";

void tw_session_clear(lua_State *L, tw_session *s) {
  tw_ctx *ctx = tw_bind_ctx(L);
  for (size_t i = 0; i < s->leaves.n; i++) {
    if (s->fresh) tw_tensor_release(ctx, s->fresh[i]);
    if (s->grads) tw_tensor_release(ctx, s->grads[i]);
  }
  tw_free(s->fresh);
  tw_free(s->grads);
  s->fresh = s->grads = NULL;
  tw_leaves_free(ctx, &s->leaves);
}

/* Leaving in the middle: an error passes through. */
static void abandon(lua_State *L, tw_session *s) {
  if (!s->open) return;
  if (s->differentiates) tw_grad_close(tw_bind_ctx(L), s->level);
  tw_scope_abort(L, s->mark);
  s->open = s->differentiates = false;
  tw_session_clear(L, s);
}

static int close_session(lua_State *L) {
  abandon(L, lua_touserdata(L, 1));
  return 0;
}

static int collect_session(lua_State *L) {
  abandon(L, lua_touserdata(L, 1));
  tw_session_clear(L, lua_touserdata(L, 1));
  return 0;
}

tw_session *tw_session_push(lua_State *L) {
  tw_session *s = lua_newuserdatauv(L, sizeof *s, 0);
  *s = (tw_session){0};
  luaL_setmetatable(L, type_name);
  return s;
}

tw_session *tw_session_check(lua_State *L, int idx) { return luaL_checkudata(L, idx, type_name); }

tw_session *tw_session_open(lua_State *L, int at, bool forward, const char *owner) {
  tw_ctx *ctx = tw_bind_ctx(L);
  tw_session *s = lua_touserdata(L, at);
  if (s->open) luaL_error(L, "%s: called inside itself", owner);
  tw_session_clear(L, s);
  tw_bind_status(L, forward ? tw_grad_open_forward(ctx, &s->level) : tw_grad_open(ctx, &s->level));
  s->mark = tw_scope_open(L);
  s->open = s->differentiates = true;
  lua_toclose(L, at);
  return s;
}

void tw_session_leaves(lua_State *L, tw_session *s, int f, int n_args, uint32_t wrt, const char *owner) {
  for (int i = 0; i < n_args; i++) {
    if (wrt >> i & 1) tw_leaves_collect(L, f + 1 + i, &s->leaves, owner);
  }
  if (s->leaves.n == 0) luaL_error(L, "%s: there is no real tensor to differentiate in the argument", owner);
  s->fresh = tw_calloc(s->leaves.n, sizeof *s->fresh);
  s->grads = tw_calloc(s->leaves.n, sizeof *s->grads);
  if (!s->fresh || !s->grads) luaL_error(L, "%s: out of memory", owner);
}

int tw_session_call(lua_State *L, tw_session *s, int f, int n_args, uint32_t wrt, const char *owner) {
  int top = lua_gettop(L);
  luaL_checkstack(L, n_args + 8, "too many arguments");
  s->leaves.next = 0;
  lua_pushvalue(L, f);
  for (int i = 0; i < n_args; i++) {
    if (wrt >> i & 1) tw_tree_push(L, f + 1 + i, &s->leaves, s->fresh, false);
    else lua_pushvalue(L, f + 1 + i);
  }
  lua_call(L, n_args, LUA_MULTRET);
  if (lua_gettop(L) == top) luaL_error(L, "%s: the function returned nothing; it must return the loss (for vjp and jvp: its result)", owner);
  return top + 1;
}

int tw_session_run(lua_State *L, int at, int f, int n_args, uint32_t wrt, const char *owner) {
  tw_ctx *ctx = tw_bind_ctx(L);
  tw_session *s = tw_session_open(L, at, false, owner);
  tw_session_leaves(L, s, f, n_args, wrt, owner);
  for (size_t i = 0; i < s->leaves.n; i++) tw_bind_status(L, tw_grad_leaf(ctx, s->level, s->leaves.leaf[i], &s->fresh[i]));
  int first = tw_session_call(L, s, f, n_args, wrt, owner);
  tw_tensor *loss = tw_bind_to_tensor(L, first);
  if (!loss) luaL_error(L, "%s: the function must return the loss, a 0-d tensor, first; got %s", owner, luaL_typename(L, first));
  tw_bind_status(L, tw_grad_backward(ctx, s->level, 1, &loss, NULL, (int)s->leaves.n, s->fresh, s->grads));
  tw_grad_close(ctx, s->level);
  s->differentiates = false;
  return first;
}

void tw_session_end(lua_State *L, tw_session *s, int first_result) {
  if (s->differentiates) tw_grad_close(tw_bind_ctx(L), s->level);
  s->differentiates = false;
  tw_scope_close(L, s->mark, first_result);
  s->open = false;
}

/* scope(f, ...): what f makes lives until it returns, but for its results. */
static int scope(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  int n_args = lua_gettop(L) - 1;
  tw_session *s = tw_session_push(L);
  lua_insert(L, 1);
  s->mark = tw_scope_open(L);
  s->open = true;
  lua_toclose(L, 1);
  lua_call(L, n_args, LUA_MULTRET);
  tw_session_end(L, s, 2);
  return lua_gettop(L) - 1;
}

static const tw_function functions[] = {
  {"scope", scope, false,
   "scope(f, ...) -> results of f\n"
   "Calls f and releases every tensor made meanwhile except those reachable from its results through plain tables and those kept with x:keep(); on an error "
   "too.\n"
   "Memory is then reused at once instead of waiting for the collector: for evaluation loops and other work without gradients.\n"
   "example:\n"
   "tw.scope(function(n) return tw.arange(n):sum() end, 10) --> f64[] 55"},
  {NULL, NULL, false, NULL},
};

void tw_register_session(lua_State *L) {
  luaL_newmetatable(L, type_name);
  lua_pushcfunction(L, close_session);
  lua_setfield(L, -2, "__close");
  lua_pushcfunction(L, collect_session);
  lua_setfield(L, -2, "__gc");
  lua_pop(L, 1);
  tw_add_functions(L, functions);
}
