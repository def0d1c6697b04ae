/* Passes. */
#include "bind/pass.h"

#include "base/alloc.h"
#include "tensor/ctx.h"

static const char type_name[] = "tw.pass";

void tw_pass_clear(lua_State *L, tw_pass *s) {
  tw_ctx *ctx = tw_bind_ctx(L);
  for (size_t i = 0; i < s->leaves.n && i < s->room; i++) {
    tw_tensor_release(ctx, s->fresh[i]);
    tw_tensor_release(ctx, s->grads[i]);
    s->fresh[i] = s->grads[i] = NULL;
  }
  tw_leaves_clear(ctx, &s->leaves);
}

void tw_pass_room(lua_State *L, tw_pass *s, const char *owner) {
  size_t n = s->leaves.n;
  if (n <= s->room) return;
  tw_tensor **grown[2] = {tw_realloc(s->fresh, n * sizeof *s->fresh), tw_realloc(s->grads, n * sizeof *s->grads)};
  if (grown[0]) s->fresh = grown[0];
  if (grown[1]) s->grads = grown[1];
  if (!grown[0] || !grown[1]) tw_raise(L, "%s: out of memory", owner);
  for (size_t i = s->room; i < n; i++) s->fresh[i] = s->grads[i] = NULL;
  s->room = n;
}

/* Leaving in the middle: an error passes through, or the coroutine it was in is gone. */
static void abandon(lua_State *L, tw_pass *s) {
  if (!s->opened.open) return;
  tw_open_abandon(L, &s->opened);
  tw_pass_clear(L, s);
}

static int close_pass(lua_State *L) {
  abandon(L, lua_touserdata(L, 1));
  return 0;
}

static int collect_pass(lua_State *L) {
  tw_pass *s = lua_touserdata(L, 1);
  abandon(L, s);
  tw_pass_clear(L, s);
  tw_leaves_free(tw_bind_ctx(L), &s->leaves);
  tw_free(s->fresh);
  tw_free(s->grads);
  tw_replay_free(tw_bind_ctx(L), s->replay);
  *s = (tw_pass){0};
  return 0;
}

/* Opens the pass at `at` and ties it to this thread, which therefore lives as long. */
static void open_pass(lua_State *L, int at, int level) {
  tw_pass *s = lua_touserdata(L, at);
  tw_open_push(L, &s->opened, level);
  lua_pushthread(L);
  lua_setiuservalue(L, at, 1);
  lua_toclose(L, at);
}

tw_pass *tw_pass_push(lua_State *L) {
  tw_pass *s = lua_newuserdatauv(L, sizeof *s, 1);
  *s = (tw_pass){0};
  luaL_setmetatable(L, type_name);
  return s;
}

tw_pass *tw_pass_check(lua_State *L, int idx) { return luaL_checkudata(L, idx, type_name); }

tw_pass *tw_pass_open(lua_State *L, int at, bool forward, const char *owner) {
  tw_ctx *ctx = tw_bind_ctx(L);
  tw_pass *s = lua_touserdata(L, at);
  int level;
  tw_bind_settle(L);
  if (s->opened.open) tw_raise(L, "%s: called inside itself", owner);
  tw_pass_clear(L, s);
  tw_bind_status(L, forward ? tw_grad_open_forward(ctx, &level) : tw_grad_open(ctx, &level));
  open_pass(L, at, level);
  return s;
}

void tw_pass_leaves(lua_State *L, tw_pass *s, int f, int n_args, uint32_t wrt, const char *owner) {
  for (int i = 0; i < n_args; i++) {
    if (tw_wrt_has(wrt, i)) tw_leaves_collect(L, f + 1 + i, &s->leaves, owner);
  }
  if (s->leaves.n == 0) tw_raise(L, "%s: there is no real tensor to differentiate in the argument", owner);
  tw_pass_room(L, s, owner);
}

int tw_pass_call(lua_State *L, tw_pass *s, int f, int n_args, uint32_t wrt, const char *owner) {
  int top = lua_gettop(L);
  luaL_checkstack(L, n_args + 8, "too many arguments");
  s->leaves.next = 0;
  lua_pushvalue(L, f);
  for (int i = 0; i < n_args; i++) {
    if (tw_wrt_has(wrt, i)) tw_tree_push(L, f + 1 + i, &s->leaves, s->fresh, false);
    else lua_pushvalue(L, f + 1 + i);
  }
  lua_call(L, n_args, LUA_MULTRET);
  tw_bind_settle(L); /* and this thread is the current one again */
  if (lua_gettop(L) == top) tw_raise(L, "%s: the function returned nothing; it must return the loss (for vjp and jvp: its result)", owner);
  return top + 1;
}

int tw_pass_run(lua_State *L, int at, int f, int n_args, uint32_t wrt, const char *owner) {
  tw_ctx *ctx = tw_bind_ctx(L);
  tw_pass *s = tw_pass_open(L, at, false, owner);
  tw_pass_leaves(L, s, f, n_args, wrt, owner);
  for (size_t i = 0; i < s->leaves.n; i++) tw_bind_status(L, tw_grad_leaf(ctx, s->opened.level, s->leaves.leaf[i], &s->fresh[i]));
  s->opened.replay = s->replay;
  if (s->replay) tw_replay_begin(ctx, s->replay, s->opened.level, (int)s->leaves.n, s->fresh);
  int first = tw_pass_call(L, s, f, n_args, wrt, owner);
  tw_tensor *loss = tw_bind_to_tensor(L, first);
  if (!loss) tw_raise(L, "%s: the function must return the loss, a 0-d tensor, first; got %s", owner, luaL_typename(L, first));
  tw_bind_status(L, tw_grad_backward(ctx, s->opened.level, 1, &loss, NULL, (int)s->leaves.n, s->fresh, s->grads));
  tw_grad_close(ctx, s->opened.level);
  s->opened.level = -1;
  return first;
}

void tw_pass_end(lua_State *L, tw_pass *s, int first_result) {
  if (s->opened.level >= 0) tw_grad_close(tw_bind_ctx(L), s->opened.level);
  s->opened.level = -1;
  tw_scope_close(L, &s->opened, first_result);
}

void tw_pass_keep(lua_State *L, tw_pass *s, const tw_leaves *leaves, tw_tensor *const *grads) {
  tw_pass_clear(L, s);
  for (size_t i = 0; i < leaves->n; i++) {
    if (!tw_leaves_add(&s->leaves, leaves->leaf[i])) tw_raise(L, "out of memory");
  }
  tw_pass_room(L, s, "the step");
  for (size_t i = 0; i < leaves->n; i++) s->grads[i] = tw_tensor_retain(grads[i]);
}

/* scope(f, ...): what f makes lives until it returns, but for its results. */
static int scope(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  int n_args = lua_gettop(L) - 1;
  tw_pass *s = tw_pass_push(L);
  lua_insert(L, 1);
  tw_bind_settle(L);
  open_pass(L, 1, -1);
  lua_call(L, n_args, LUA_MULTRET);
  tw_pass_end(L, s, 2);
  return lua_gettop(L) - 1;
}

void tw_pass_push_scope(lua_State *L) { lua_pushcfunction(L, scope); }

/* in_lanes(n, f [, shared]) -> results of f: a hidden axis of n lanes is open while f runs; what f makes lives until it returns, but for its results.
 * shared: the lanes are directions at one point, not points: what is drawn from generators is the same in all. */
static int in_lanes(lua_State *L) {
  lua_Integer width = luaL_checkinteger(L, 1);
  bool shared = lua_toboolean(L, 3);
  luaL_argcheck(L, width > 0, 1, "at least one lane is needed");
  luaL_checktype(L, 2, LUA_TFUNCTION);
  lua_settop(L, 2);
  tw_pass *s = tw_pass_push(L);
  lua_replace(L, 1);
  tw_bind_settle(L);
  open_pass(L, 1, -1);
  int axis = tw_lanes_free(tw_bind_ctx(L), 0);
  tw_bind_status(L, tw_lanes_open(tw_bind_ctx(L), width, axis));
  s->opened.axis = axis;
  if (shared) tw_bind_ctx(L)->lane_serial[axis] = 0;
  lua_call(L, 0, LUA_MULTRET);
  tw_pass_end(L, s, 2);
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

void tw_register_pass(lua_State *L) {
  luaL_newmetatable(L, type_name);
  lua_pushcfunction(L, close_pass);
  lua_setfield(L, -2, "__close");
  lua_pushcfunction(L, collect_pass);
  lua_setfield(L, -2, "__gc");
  lua_pop(L, 1);
  tw_add_functions(L, functions);
  lua_pushcfunction(L, in_lanes);
  lua_setfield(L, -2, "in_lanes");
}
