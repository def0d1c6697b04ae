/* require "thalweg.core": the engine in Lua. Tensors and their functions, transforms, generators, optimizers; and for the library alone: deterministic
 * number functions (num), sha256, and the marks around a run. */
#include "base/alloc.h"
#include "base/hash.h"
#include "bind/handle.h"
#include "bind/print.h"
#include "op/op.h"
#include "tensor/ctx.h"

/* The same of a number that differs between lanes. */
static int laned_number(lua_State *L, const tw_op *op) {
  tw_operand o[2] = {{NULL, NULL}, {NULL, NULL}};
  tw_tensor *in[2], *out[1] = {NULL};
  for (int i = 1; i <= op->n_in; i++) {
    tw_operand_check(L, i);
    const tw_tensor *t = tw_bind_to_tensor(L, i);
    luaL_argcheck(L, !t || t->ndim == 0, i, "must be a number");
  }
  lua_settop(L, op->n_in);
  tw_handle *h = tw_handle_new(L);
  tw_status s = TW_OK;
  for (int i = 0; i < op->n_in && s == TW_OK; i++) {
    s = tw_operand_get(L, i + 1, NULL, &o[i]);
    in[i] = o[i].tensor;
  }
  tw_call c = {.op = op, .in = in, .out = out, .n_in = op->n_in, .n_out = 1};
  if (s == TW_OK) s = tw_apply(tw_bind_ctx(L), &c);
  for (int i = 0; i < op->n_in; i++) tw_operand_drop(L, &o[i]);
  tw_bind_status(L, s);
  tw_handle_fill(L, h, out[0]);
  return 1;
}

/* num.f(x): a row's kernel on one number, so that schedules and spaces have the same bits everywhere. */
static int number_function(lua_State *L) {
  const tw_op *op = lua_touserdata(L, lua_upvalueindex(1));
  for (int i = 1; i <= op->n_in; i++) {
    const tw_tensor *t = lua_type(L, i) == LUA_TUSERDATA ? tw_bind_to_tensor(L, i) : NULL;
    if (t && t->lanes && t->ndim == 0) return laned_number(L, op);
  }
  double a = luaL_checknumber(L, 1);
  lua_pushnumber(L, op->n_in == 1 ? tw_scalar1(op, a) : tw_scalar2(op, a, luaL_checknumber(L, 2)));
  return 1;
}

static int sha256(lua_State *L) {
  size_t n;
  const char *text = luaL_checklstring(L, 1, &n);
  char hex[65];
  tw_sha256_hex(text, n, hex);
  lua_pushstring(L, hex);
  return 1;
}

/* begin_run(seed [, dtype]): what exists now is read-only until end_run; math.random starts from the seed; reals made from numbers get dtype. */
static int begin_run(lua_State *L) {
  tw_ctx *ctx = tw_bind_ctx(L);
  tw_open_abandon_all(L);
  lua_Integer seed = luaL_checkinteger(L, 1);
  tw_dtype d = TW_F64;
  luaL_argcheck(L, tw_dtype_parse(luaL_optstring(L, 2, "f64"), &d) && tw_is_real(d), 2, "must be \"f64\" or \"f32\"");
  lua_getglobal(L, "math");
  if (lua_istable(L, -1) && lua_getfield(L, -1, "randomseed") == LUA_TFUNCTION) {
    lua_pushinteger(L, seed);
    lua_pushinteger(L, 0);
    lua_call(L, 2, 0);
  }
  tw_ctx_seal(ctx, true);
  ctx->default_dtype = d;
  return 0;
}

static int end_run(lua_State *L) {
  tw_ctx *ctx = tw_bind_ctx(L);
  tw_open_abandon_all(L);
  tw_lanes_close(ctx, 0);
  tw_ctx_seal(ctx, false);
  ctx->default_dtype = TW_F64;
  return 0;
}

/* docs() -> the documentation: see tw_push_docs. */
static int docs(lua_State *L) {
  tw_push_docs(L);
  return 1;
}

/* memory() -> bytes in tensors, live tensors, blocks of the allocator, most bytes since the last call: what tests watch; and the most bytes that differed
 * between lanes since these were opened. */
static int memory(lua_State *L) {
  tw_ctx *ctx = tw_bind_ctx(L);
  lua_pushinteger(L, tw_ctx_live_bytes(ctx));
  lua_pushinteger(L, tw_ctx_live_tensors(ctx));
  lua_pushinteger(L, tw_alloc_live());
  lua_pushinteger(L, tw_ctx_peak_bytes(ctx));
  lua_pushinteger(L, ctx->laned_peak);
  return 5;
}

static const luaL_Reg functions[] = {
  {"sha256", sha256}, {"begin_run", begin_run}, {"end_run", end_run}, {"memory", memory}, {"docs", docs}, {"fail_allocation", tw_fail_allocation}, {NULL, NULL},
};

int luaopen_thalweg_core(lua_State *L) {
  static const tw_op *const numbers[] = {&tw_op_exp, &tw_op_log, &tw_op_log1p, &tw_op_expm1, &tw_op_sqrt, &tw_op_sin, &tw_op_cos, &tw_op_tanh, &tw_op_pow};
  luaL_newlib(L, functions);
  tw_handle_register(L);
  tw_doc_group(L, "Tensors");
  tw_register_tensor(L);
  tw_doc_group(L, "Indexing");
  tw_register_index(L);
  tw_register_ops(L);
  tw_doc_group(L, "Random numbers");
  tw_register_rng(L);
  tw_doc_group(L, "Linear algebra");
  tw_register_linalg(L);
  tw_doc_group(L, "Network operations");
  tw_register_nn(L);
  tw_doc_group(L, "Selecting and sorting");
  tw_register_select(L);
  tw_doc_group(L, "Gradients and other transforms");
  tw_register_transforms(L);
  tw_register_custom(L);
  tw_register_lanes(L);
  tw_register_raise(L);
  tw_register_optim(L);
  tw_handle_set_meta(L, "__tostring", tw_tensor_tostring);
  lua_createtable(L, 0, 12);
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    lua_pushlightuserdata(L, (void *)(uintptr_t)numbers[i]);
    lua_pushcclosure(L, number_function, 1);
    lua_setfield(L, -2, numbers[i]->name);
  }
  lua_setfield(L, -2, "num");
  lua_pushstring(L, TW_VERSION);
  lua_setfield(L, -2, "version");
  return 1;
}
