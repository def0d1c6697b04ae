/* Generators: tw.rng(seed [, "stream"]). A generator is a tensor (key, counter) and the name of its stream; every draw is a call that takes the tensor
 * and writes the advanced one back. */
#include <string.h>

#include "base/rng.h"
#include "bind/handle.h"
#include "op/op.h"
#include "tensor/ctx.h"

typedef struct {
  tw_tensor *state;  /* i64[2]: key, counter */
  lua_Integer seed;
} generator;

static const char type_name[] = "tw.generator";

static generator *check(lua_State *L, int idx) { return luaL_checkudata(L, idx, type_name); }

tw_tensor *tw_arg_generator(lua_State *L, int idx) {
  generator *g = check(L, idx);
  if (tw_bind_ctx(L)->sealed && g->state->storage->outside) luaL_error(L, "a generator made outside run cannot be drawn from inside it; use run:rng(\"name\")");
  return g->state;
}

/* The stream name is the generator's user value. */
static int push_generator(lua_State *L, lua_Integer seed, int name_idx) {
  size_t length;
  const char *name = luaL_checklstring(L, name_idx, &length);
  generator *g = lua_newuserdatauv(L, sizeof *g, 1);
  *g = (generator){.seed = seed};
  luaL_setmetatable(L, type_name);
  lua_pushvalue(L, name_idx);
  lua_setiuservalue(L, -2, 1);
  tw_shape two = {.n = 1, .d = {2}};
  tw_bind_status(L, tw_tensor_new(tw_bind_ctx(L), TW_I64, &two, &g->state));
  int64_t *s = (int64_t *)(void *)g->state->data;
  s[0] = (int64_t)tw_rng_key(seed, name, length);
  s[1] = 0;
  return 1;
}

static int new_generator(lua_State *L) {
  lua_Integer seed = luaL_checkinteger(L, 1);
  if (lua_isnoneornil(L, 2)) {
    lua_settop(L, 1);
    lua_pushstring(L, "");
  }
  return push_generator(L, seed, 2);
}

/* r:split("name"): an independent stream; r itself does not move. */
static int split(lua_State *L) {
  generator *g = check(L, 1);
  luaL_checkstring(L, 2);
  lua_getiuservalue(L, 1, 1);
  lua_pushstring(L, "/");
  lua_pushvalue(L, 2);
  lua_concat(L, 3);
  return push_generator(L, g->seed, lua_gettop(L));
}

static int draw(lua_State *L, generator *g, const tw_op *op, const tw_draw_attrs *a) {
  tw_handle *h = tw_handle_new(L);
  tw_tensor *out[2] = {NULL, g->state};
  tw_call c = {.op = op, .attrs = a, .in = &g->state, .out = out, .n_in = 1, .n_out = 2};
  tw_ctx *ctx = tw_bind_ctx(L);
  if (ctx->sealed && g->state->storage->outside) return luaL_error(L, "a generator made outside run cannot be drawn from inside it; use run:rng(\"name\")");
  tw_bind_status(L, tw_apply(ctx, &c));
  tw_handle_fill(L, h, out[0]);
  return 1;
}

static const char *const normal_options[] = {"dtype", "mean", "std", NULL};
static const char *const uniform_options[] = {"dtype", "low", "high", NULL};

static double number_option(lua_State *L, int idx, const char *name, double otherwise) {
  double v = otherwise;
  if (!lua_istable(L, idx)) return v;
  if (lua_getfield(L, idx, name) != LUA_TNIL) v = luaL_checknumber(L, -1);
  lua_pop(L, 1);
  return v;
}

static int real_draw(lua_State *L, const tw_op *op, const char *const *names, double a, double b) {
  generator *g = check(L, 1);
  tw_draw_attrs attrs = {.a = a, .b = b};
  int options = tw_arg_shape(L, 2, &attrs.shape);
  for (int i = 0; i < attrs.shape.n; i++) luaL_argcheck(L, attrs.shape.d[i] >= 0, 2, "a size must be a whole number >= 0");
  tw_arg_options(L, options, op->name, names);
  attrs.dtype = tw_arg_dtype(L, options, tw_bind_ctx(L)->default_dtype);
  luaL_argcheck(L, tw_is_real(attrs.dtype), options, "dtype must be \"f64\" or \"f32\"");
  attrs.a = number_option(L, options, names[1], a);
  attrs.b = number_option(L, options, names[2], b);
  return draw(L, g, op, &attrs);
}
static int normal(lua_State *L) { return real_draw(L, &tw_op_normal, normal_options, 0, 1); }
static int uniform(lua_State *L) { return real_draw(L, &tw_op_uniform, uniform_options, 0, 1); }

/* r:randint(low, high, shape...): both ends included. */
static int randint(lua_State *L) {
  generator *g = check(L, 1);
  lua_Integer low = luaL_checkinteger(L, 2), high = luaL_checkinteger(L, 3);
  luaL_argcheck(L, low <= high, 3, "high must not be below low");
  luaL_argcheck(L, low >= -(INT64_C(1) << 53) && high <= INT64_C(1) << 53, 3, "the ends must lie within +-2^53");
  tw_draw_attrs attrs = {.dtype = TW_I64, .a = (double)low, .b = (double)high};
  tw_arg_shape(L, 4, &attrs.shape);
  for (int i = 0; i < attrs.shape.n; i++) luaL_argcheck(L, attrs.shape.d[i] >= 0, 4, "a size must be a whole number >= 0");
  return draw(L, g, &tw_op_randint, &attrs);
}

static int permutation(lua_State *L) {
  generator *g = check(L, 1);
  lua_Integer n = luaL_checkinteger(L, 2);
  luaL_argcheck(L, n >= 0, 2, "the length must be a whole number >= 0");
  tw_draw_attrs attrs = {.dtype = TW_I64, .shape = {.n = 1, .d = {n}}};
  return draw(L, g, &tw_op_permutation, &attrs);
}

static int release(lua_State *L) {
  generator *g = check(L, 1);
  if (g->state) tw_tensor_release(tw_bind_ctx(L), g->state);
  g->state = NULL;
  return 0;
}

static int to_string(lua_State *L) {
  generator *g = check(L, 1);
  lua_getiuservalue(L, 1, 1);
  lua_pushfstring(L, "generator(seed %I, stream \"%s\", %I drawn)", (LUAI_UACINT)g->seed, lua_tostring(L, -1), (LUAI_UACINT)((int64_t *)(void *)g->state->data)[1]);
  return 1;
}

static const luaL_Reg methods[] = {
  {"normal", normal}, {"uniform", uniform}, {"randint", randint}, {"permutation", permutation}, {"split", split}, {NULL, NULL},
};

void tw_register_rng(lua_State *L) {
  luaL_newmetatable(L, type_name);
  lua_pushcfunction(L, release);
  lua_setfield(L, -2, "__gc");
  lua_pushcfunction(L, to_string);
  lua_setfield(L, -2, "__tostring");
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  lua_pushcfunction(L, new_generator);
  tw_add_function_value(L, "rng", false, "");
}
