/* tw.custom: an operation whose value and derivatives are Lua functions. It is a call like any other: recorded, and differentiated by calling the rule. */
#include <string.h>

#include "bind/handle.h"
#include "op/op.h"
#include "tensor/ctx.h"

enum { MAX_INPUTS = 8 };

typedef struct {
  lua_State *const *thread; /* where Lua runs now */
  int rule;                 /* registry reference to the table of functions; lives as long as the state */
  tw_tensor *value;         /* what forward returned; used while the call is made */
} custom_attrs;

static tw_status run_custom(tw_ctx *ctx, const tw_call *c) {
  const custom_attrs *a = c->attrs;
  tw_shape shape = tw_tensor_shape(a->value);
  return tw_tensor_new_view(ctx, a->value, &shape, a->value->stride, 0, &c->out[0]);
}

/* One call of a rule's function, run protected: arguments in, new references out. */
typedef struct {
  tw_ctx *ctx;
  const tw_call *call;
  const char *name;            /* "vjp" or "jvp" */
  tw_tensor *const *moving;    /* vjp: the cotangent; jvp: the inputs' tangents, NULL for zero */
  int n_results;
  tw_tensor *result[MAX_INPUTS];
} rule_call;

static void push_tensor(lua_State *L, tw_tensor *t) {
  tw_handle *h = tw_handle_new(L);
  if (!t->stale) {
    tw_handle_fill(L, h, tw_tensor_retain(t));
    return;
  }
  tw_tensor *fresh[1] = {NULL}; /* the pass goes back through a tw.vmap that has returned */
  tw_call alias = {.op = &tw_op_alias, .in = &t, .out = fresh, .n_in = 1, .n_out = 1};
  tw_bind_status(L, tw_apply(tw_bind_ctx(L), &alias));
  tw_handle_fill(L, h, fresh[0]);
}

static void push_tangents(lua_State *L, const rule_call *r) {
  lua_createtable(L, r->call->n_in, 0);
  for (int i = 0; i < r->call->n_in; i++) {
    if (r->moving[i]) {
      push_tensor(L, r->moving[i]);
    } else {
      tw_handle *h = tw_handle_new(L);
      tw_tensor *zeros = NULL;
      tw_compose k = {.ctx = r->ctx};
      tw_bind_status(L, tw_compose_end(&k, tw_do_zeros(&k, r->call->in[i]), &zeros));
      tw_handle_fill(L, h, zeros);
    }
    lua_rawseti(L, -2, i + 1);
  }
}

static int call_rule(lua_State *L) {
  rule_call *r = lua_touserdata(L, 1);
  const tw_call *c = r->call;
  bool backward = strcmp(r->name, "vjp") == 0;
  luaL_checkstack(L, c->n_in + 8, "too many arguments");
  lua_rawgeti(L, LUA_REGISTRYINDEX, ((const custom_attrs *)c->attrs)->rule);
  if (lua_getfield(L, -1, r->name) != LUA_TFUNCTION) return tw_raise(L, "custom: the rule has no %s", r->name);
  if (backward) push_tensor(L, r->moving[0]);
  else push_tangents(L, r);
  push_tensor(L, c->out[0]);
  for (int i = 0; i < c->n_in; i++) push_tensor(L, c->in[i]);
  lua_call(L, c->n_in + 2, r->n_results);
  for (int i = 0; i < r->n_results; i++) {
    int idx = lua_gettop(L) - r->n_results + 1 + i;
    if (lua_isnil(L, idx)) continue;
    tw_tensor *t = tw_bind_to_tensor(L, idx);
    const tw_tensor *like = backward ? c->in[i] : c->out[0];
    if (!t) return tw_raise(L, "custom: %s must return tensors or nil, result %d is a %s", r->name, i + 1, luaL_typename(L, idx));
    tw_shape a = tw_tensor_shape(t), b = tw_tensor_shape(like);
    if (!tw_shape_equal(&a, &b) || t->dtype != like->dtype) {
      char has[128], wants[128];
      return tw_raise(L, "custom: result %d of %s is %s, it must be %s", i + 1, r->name, tw_tensor_describe(t, has, sizeof has),
                      tw_tensor_describe(like, wants, sizeof wants));
    }
    r->result[i] = t;
  }
  for (int i = 0; i < r->n_results; i++) {
    if (r->result[i]) tw_tensor_retain(r->result[i]);
  }
  return 0;
}

static tw_status call_protected(rule_call *r) {
  lua_State *L = *((const custom_attrs *)r->call->attrs)->thread;
  int top = lua_gettop(L);
  if (!lua_checkstack(L, 4)) return tw_fail(&r->ctx->error, TW_ENOMEM, "custom: the stack is full");
  lua_pushcfunction(L, call_rule);
  lua_pushlightuserdata(L, r);
  tw_status s = TW_OK;
  int rc = lua_pcall(L, 1, 0, 0);
  tw_bind_settle(L);
  if (rc != LUA_OK) {
    const char *message = lua_tostring(L, -1);
    s = tw_fail(&r->ctx->error, TW_EINVAL, "%s", message ? message : "custom: the rule raised an error that is no text");
  }
  lua_settop(L, top);
  return s;
}

static tw_status vjp_custom(tw_ctx *ctx, const tw_call *c, tw_tensor *const *cotangent, tw_tensor **grad, const bool *wanted) {
  rule_call r = {.ctx = ctx, .call = c, .name = "vjp", .moving = cotangent, .n_results = c->n_in};
  tw_status s = call_protected(&r);
  for (int i = 0; i < c->n_in && s == TW_OK; i++) {
    if (wanted[i]) grad[i] = r.result[i];
    else tw_tensor_release(ctx, r.result[i]);
  }
  return s;
}

static tw_status jvp_custom(tw_ctx *ctx, const tw_call *c, tw_tensor *const *tangent, tw_tensor **out) {
  rule_call r = {.ctx = ctx, .call = c, .name = "jvp", .moving = tangent, .n_results = 1};
  tw_status s = call_protected(&r);
  if (s == TW_OK) out[0] = r.result[0];
  return s;
}

static const tw_op op_custom = {.name = "custom", .about = "an operation with rules in Lua", .n_in = MAX_INPUTS, .n_out = 1, .flags = TW_OP_VIEW,
                                .attrs_bytes = sizeof(custom_attrs), .run = run_custom, .vjp = vjp_custom, .jvp = jvp_custom};

/* The operation itself: upvalue 1 is the rule's reference, upvalue 2 the rule, so that what it reaches can be found.
   forward runs outside every differentiation. */
static int call_custom(lua_State *L) {
  tw_ctx *ctx = tw_bind_ctx(L);
  int n = lua_gettop(L);
  tw_tensor *in[MAX_INPUTS], *out[1] = {NULL};
  if (n < 1 || n > MAX_INPUTS) return tw_raise(L, "custom: 1 to %d tensors are taken, got %d", MAX_INPUTS, n);
  for (int i = 0; i < n; i++) in[i] = tw_handle_check(L, i + 1);
  custom_attrs attrs = {.thread = tw_bind_current(L), .rule = (int)(intptr_t)lua_touserdata(L, lua_upvalueindex(1))};
  luaL_checkstack(L, n + 8, "too many arguments");
  lua_rawgeti(L, LUA_REGISTRYINDEX, attrs.rule);
  lua_getfield(L, -1, "forward");
  for (int i = 1; i <= n; i++) lua_pushvalue(L, i);
  uint32_t active = ctx->active;
  ctx->active = 0;
  int rc = lua_pcall(L, n, 1, 0);
  ctx->active = active;
  tw_bind_settle(L);
  if (rc != LUA_OK) return lua_error(L);
  attrs.value = tw_bind_to_tensor(L, -1);
  if (!attrs.value) return tw_raise(L, "custom: forward must return one tensor, got %s", luaL_typename(L, -1));
  tw_handle *h = tw_handle_new(L);
  tw_call c = {.op = &op_custom, .attrs = &attrs, .in = in, .out = out, .n_in = n, .n_out = 1};
  tw_bind_status(L, tw_apply(ctx, &c));
  tw_handle_fill(L, h, out[0]);
  return 1;
}

static const char *const rule_names[] = {"forward", "vjp", "jvp", NULL};

static int custom(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  tw_arg_options(L, 1, "custom", rule_names);
  for (int i = 0; rule_names[i]; i++) {
    int type = lua_getfield(L, 1, rule_names[i]);
    if (type != LUA_TFUNCTION && (i == 0 || type != LUA_TNIL))
      return tw_raise(L, "custom: %s must be a function, got %s", rule_names[i], luaL_typename(L, -1));
    lua_pop(L, 1);
  }
  lua_settop(L, 1);
  lua_pushvalue(L, 1);
  lua_pushlightuserdata(L, (void *)(intptr_t)luaL_ref(L, LUA_REGISTRYINDEX)); /* no number: it says nothing about the rule */
  lua_insert(L, 1);
  lua_pushcclosure(L, call_custom, 2);
  return 1;
}

static const tw_function functions[] = {
  {"custom", custom, false,
   "custom{forward =, vjp =, jvp =} -> f\n"
   "An operation of your own: forward(x, ...) computes one tensor from up to 8, undisturbed by differentiation; vjp(t, y, x, ...) returns the cotangent of "
   "each input "
   "(nil for none) given t, the cotangent of the result y; jvp(ts, y, x, ...) returns the tangent of y given a table of the inputs' tangents. A rule that "
   "is not "
   "given raises an error when it is needed. The rules are differentiated themselves when derivatives of higher order are asked for.\n"
   "example:\n"
   "tw.grad(tw.custom { forward = function(x) return x:round() end, vjp = function(t) return t end })(tw.tensor(1.3)) --> f64[] 1"},
  {NULL, NULL, false, NULL},
};

void tw_register_custom(lua_State *L) { tw_add_functions(L, functions); }
