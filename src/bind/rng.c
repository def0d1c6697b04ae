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
  lua_pushfstring(L, "generator(seed %I, stream \"%s\", %I drawn)", (LUAI_UACINT)g->seed, lua_tostring(L, -1),
                  (LUAI_UACINT)((int64_t *)(void *)g->state->data)[1]);
  return 1;
}

static const tw_function methods[] = {
  {"normal", normal, true,
   "normal(r, shape... [, {mean = 0, std = 1, dtype}]) -> tensor\n"
   "Normally distributed numbers. dtype \"f64\" or \"f32\"; both round the same f64 draw.\n"
   "formula: mean + std sqrt(-2 log u) cos(2 pi v)\n"
   "source: Box and Muller 1958\n"
   "example:\n"
   "tw.rng(1):normal(3) --> f64[3] [ 0.374674   1.30219 -0.672534]"},
  {"uniform", uniform, true,
   "uniform(r, shape... [, {low = 0, high = 1, dtype}]) -> tensor\n"
   "Numbers uniform in [low, high), with 53 random bits.\n"
   "formula: low + (high - low) u\n"
   "example:\n"
   "tw.rng(1):uniform(3, {low = -1}) --> f64[3] [0.438307 0.348147 0.883236]"},
  {"randint", randint, true,
   "randint(r, low, high, shape...) -> i64 tensor\n"
   "Whole numbers from low to high, both included, each equally likely. The ends lie within +-2^53.\n"
   "source: Lemire 2019, Fast random integer generation in an interval\n"
   "example:\n"
   "tw.rng(1):randint(1, 6, 5) --> i64[5] [5 5 6 6 1]"},
  {"permutation", permutation, true,
   "permutation(r, n) -> i64 tensor\n"
   "A permutation of 1..n, each equally likely; x[r:permutation(#x)] shuffles rows.\n"
   "source: Durstenfeld 1964\n"
   "example:\n"
   "tw.rng(1):permutation(5) --> i64[5] [4 1 5 3 2]"},
  {"split", split, true,
   "split(r, name) -> generator\n"
   "An independent generator with the same seed and a stream of its own, named after this one's and the given name. r itself does not move.\n"
   "example:\n"
   "tw.rng(1, \"init\"):split(\"weight\") --> generator(seed 1, stream \"init/weight\", 0 drawn)"},
  {NULL, NULL, false, NULL},
};

static const tw_function functions[] = {
  {"rng", new_generator, false,
   "rng(seed [, stream = \"\"]) -> generator\n"
   "A generator of random numbers, keyed by a whole number and the name of a stream: other names give independent numbers. Element i of a draw depends on "
   "key and\n"
   "counter + i alone, and a draw of n advances the counter by n, so that draws do not depend on how they are grouped. Inside a run use run:rng(name): a\n"
   "generator made outside cannot be drawn from there.\n"
   "source: Philox4x32-10, Salmon et al. 2011, Parallel random numbers: as easy as 1, 2, 3\n"
   "example:\n"
   "local r = tw.rng(42, \"noise\")\n"
   "r:uniform(2)\n"
   "r --> generator(seed 42, stream \"noise\", 2 drawn)"},
  {NULL, NULL, false, NULL},
};

void tw_register_rng(lua_State *L) {
  tw_add_functions(L, functions);
  luaL_newmetatable(L, type_name);
  lua_pushcfunction(L, release);
  lua_setfield(L, -2, "__gc");
  lua_pushcfunction(L, to_string);
  lua_setfield(L, -2, "__tostring");
  lua_newtable(L);
  tw_add_methods(L, "generator", methods);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
}
