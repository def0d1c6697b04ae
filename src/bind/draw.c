/* What a generator draws: r:normal(shape...), r:choice(n, ...) and the others. Shapes as numbers or one table, options last. */
#include "bind/generator.h"
#include "op/draw.h"
#include "tensor/ctx.h"

/* The shape from argument `first` on; returns the place of the options, which are the last argument and are checked. */
static int read_shape(lua_State *L, int first, tw_shape *shape, const char *owner, const char *const *names) {
  int options = tw_arg_shape(L, first, shape);
  for (int i = 0; i < shape->n; i++) luaL_argcheck(L, shape->d[i] >= 0, first, "a size must be a whole number >= 0");
  int64_t size = 1;
  for (int i = 0; i < shape->n; i++) {
    if (__builtin_mul_overflow(size, shape->d[i] ? shape->d[i] : 1, &size)) tw_raise(L, "%s: the sizes multiply to more elements than can be counted", owner);
  }
  if (!lua_isnoneornil(L, options) && !lua_istable(L, options)) {
    tw_raise(L, "%s: after the sizes only a table of options can stand, got %s", owner, luaL_typename(L, options));
  }
  luaL_argcheck(L, lua_isnoneornil(L, options + 1), options + 1, "nothing can stand after the options");
  tw_arg_options(L, options, owner, names);
  return options;
}

static double number_option(lua_State *L, int idx, const char *owner, const char *name, double otherwise) {
  double v = otherwise;
  if (!lua_istable(L, idx)) return v;
  int type = lua_getfield(L, idx, name);
  const tw_tensor *t = type == LUA_TUSERDATA ? tw_bind_to_tensor(L, -1) : NULL;
  if (t) tw_refuse_laned(L, t, name);
  if (type == LUA_TNUMBER) v = lua_tonumber(L, -1);
  else if (type != LUA_TNIL) tw_raise(L, "%s: %s must be a number, got %s", owner, name, luaL_typename(L, -1));
  lua_pop(L, 1);
  return v;
}

static bool flag_option(lua_State *L, int idx, const char *owner, const char *name, bool otherwise) {
  bool v = otherwise;
  if (!lua_istable(L, idx)) return v;
  int type = lua_getfield(L, idx, name);
  if (type == LUA_TBOOLEAN) v = lua_toboolean(L, -1);
  else if (type != LUA_TNIL) tw_raise(L, "%s: %s must be true or false, got %s", owner, name, luaL_typename(L, -1));
  lua_pop(L, 1);
  return v;
}

static tw_dtype real_dtype(lua_State *L, int options, const char *owner) {
  tw_dtype d = tw_arg_dtype(L, options, tw_bind_ctx(L)->default_dtype);
  if (!tw_is_real(d)) tw_raise(L, "%s: dtype must be \"f64\" or \"f32\", got \"%s\"", owner, tw_dtype_name(d));
  return d;
}

/* r:f(shape... [, options]) with at most two numbers among the options. */
static int real_draw(lua_State *L, const tw_op *op, const char *const *names, double a, double b) {
  tw_generator_box *g = tw_generator_check(L, 1);
  tw_draw_attrs attrs = {.a = a, .b = b};
  int options = read_shape(L, 2, &attrs.shape, op->name, names);
  attrs.dtype = real_dtype(L, options, op->name);
  attrs.a = number_option(L, options, op->name, names[1], a);
  if (names[2]) attrs.b = number_option(L, options, op->name, names[2], b);
  return tw_generator_draw(L, g, op, &attrs, NULL);
}

static const char *const normal_options[] = {"dtype", "mean", "std", NULL};
static int normal(lua_State *L) { return real_draw(L, &tw_op_normal, normal_options, 0, 1); }

static const char *const uniform_options[] = {"dtype", "low", "high", NULL};
static int uniform(lua_State *L) { return real_draw(L, &tw_op_uniform, uniform_options, 0, 1); }

static const char *const exponential_options[] = {"dtype", "rate", NULL};
static int exponential(lua_State *L) { return real_draw(L, &tw_op_exponential, exponential_options, 1, 0); }

static const char *const truncated_options[] = {"dtype", "mean", "std", "low", "high", NULL};
static int truncated_normal(lua_State *L) {
  static const char owner[] = "truncated_normal";
  tw_generator_box *g = tw_generator_check(L, 1);
  tw_truncated_attrs a = {0};
  int options = read_shape(L, 2, &a.shape, owner, truncated_options);
  a.dtype = real_dtype(L, options, owner);
  a.mean = number_option(L, options, owner, "mean", 0);
  a.std = number_option(L, options, owner, "std", 1);
  a.low = number_option(L, options, owner, "low", a.mean - 2 * a.std);
  a.high = number_option(L, options, owner, "high", a.mean + 2 * a.std);
  return tw_generator_draw(L, g, &tw_op_truncated_normal, &a, NULL);
}

/* p: a number or a tensor of probabilities. */
static const char *const bernoulli_options[] = {"dtype", "p", NULL};
static int bernoulli(lua_State *L) {
  tw_generator_box *g = tw_generator_check(L, 1);
  tw_draw_attrs attrs = {0};
  int options = read_shape(L, 2, &attrs.shape, "bernoulli", bernoulli_options);
  attrs.dtype = tw_arg_dtype(L, options, tw_bind_ctx(L)->default_dtype);
  if (!lua_istable(L, options) || lua_getfield(L, options, "p") == LUA_TNIL) lua_pushnumber(L, 0.5);
  int p = lua_gettop(L);
  if (tw_handle_test(L, p)) return tw_generator_draw(L, g, &tw_op_bernoulli, &attrs, tw_handle_check(L, p));
  if (lua_type(L, p) != LUA_TNUMBER) return tw_raise(L, "bernoulli: p must be a number or a tensor, got %s", luaL_typename(L, p));
  tw_handle *h = tw_handle_new(L);
  tw_tensor *number;
  tw_bind_status(L, tw_tensor_new_scalar(tw_bind_ctx(L), TW_F64, lua_tonumber(L, p), &number));
  tw_handle_fill(L, h, number);
  return tw_generator_draw(L, g, &tw_op_bernoulli, &attrs, number);
}

static const char *const no_options[] = {NULL};

static int randint(lua_State *L) {
  tw_generator_box *g = tw_generator_check(L, 1);
  lua_Integer low = luaL_checkinteger(L, 2), high = luaL_checkinteger(L, 3);
  luaL_argcheck(L, low <= high, 3, "high must not be below low");
  luaL_argcheck(L, low >= -(INT64_C(1) << 53) && high <= INT64_C(1) << 53, 3, "the ends must lie within +-2^53");
  tw_draw_attrs attrs = {.dtype = TW_I64, .a = (double)low, .b = (double)high};
  read_shape(L, 4, &attrs.shape, "randint", no_options);
  return tw_generator_draw(L, g, &tw_op_randint, &attrs, NULL);
}

static int permutation(lua_State *L) {
  tw_generator_box *g = tw_generator_check(L, 1);
  lua_Integer n = luaL_checkinteger(L, 2);
  luaL_argcheck(L, n >= 0, 2, "the length must be a whole number >= 0");
  luaL_argcheck(L, lua_isnoneornil(L, 3), 3, "permutation takes the length alone");
  tw_draw_attrs attrs = {.dtype = TW_I64, .shape = {.n = 1, .d = {n}}};
  return tw_generator_draw(L, g, &tw_op_permutation, &attrs, NULL);
}

static const char *const choice_options[] = {"replace", "weights", NULL};
static int choice(lua_State *L) {
  tw_generator_box *g = tw_generator_check(L, 1);
  tw_choice_attrs a = {.n = luaL_checkinteger(L, 2)};
  int options = read_shape(L, 3, &a.shape, "choice", choice_options);
  a.replace = flag_option(L, options, "choice", "replace", true);
  if (!lua_istable(L, options) || lua_getfield(L, options, "weights") == LUA_TNIL) return tw_generator_draw(L, g, &tw_op_choice, &a, NULL);
  if (!tw_handle_test(L, -1)) return tw_raise(L, "choice: weights must be a tensor, got %s", luaL_typename(L, -1));
  return tw_generator_draw(L, g, &tw_op_weighted_choice, &a, tw_handle_check(L, -1));
}

static int multinomial(lua_State *L) {
  tw_generator_box *g = tw_generator_check(L, 1);
  tw_choice_attrs a = {.n = luaL_checkinteger(L, 2), .replace = true};
  tw_tensor *weights = tw_handle_check(L, 3);
  read_shape(L, 4, &a.shape, "multinomial", no_options);
  return tw_generator_draw(L, g, &tw_op_multinomial, &a, weights);
}

const tw_function tw_generator_draws[] = {
  {"normal", normal, true,
   "r:normal(shape... [, {mean = 0, std = 1, dtype = \"f64\"}]) -> tensor\n"
   "Normal numbers, f64 or f32 (computed in f64 in both). std must not be negative.\n"
   "formula: mean + std sqrt(-2 log(1 - u)) cos(2 pi v), u and v uniform in [0, 1)\n"
   "source: Box and Muller 1958\n"
   "example:\n"
   "tw.rng(1):normal(2, 3).shape[2] --> 3"},
  {"uniform", uniform, true,
   "r:uniform(shape... [, {low = 0, high = 1, dtype = \"f64\"}]) -> tensor\n"
   "Uniform numbers, low <= x < high, f64 or f32. Where low and high are the same, that number.\n"
   "formula: low + (high - low) u, u a multiple of 2^-53 in [0, 1)\n"
   "example:\n"
   "tw.rng(1):uniform(1000, { low = 2, high = 3 }):min():ge(2):item() --> true"},
  {"exponential", exponential, true,
   "r:exponential(shape... [, {rate = 1, dtype = \"f64\"}]) -> tensor\n"
   "Exponential numbers of mean 1/rate, f64 or f32. rate must be positive.\n"
   "formula: -log(1 - u) / rate, u uniform in [0, 1)\n"
   "source: Devroye 1986, Non-uniform random variate generation, II.2 (inversion)\n"
   "example:\n"
   "tw.rng(1):exponential(1000):min():ge(0):item() --> true"},
  {"truncated_normal", truncated_normal, true,
   "r:truncated_normal(shape... [, {mean = 0, std = 1, low = mean - 2 std, high = mean + 2 std, dtype = \"f64\"}]) -> tensor\n"
   "Normal numbers under the condition low <= x <= high, f64 or f32 (then rounded). The ends may be infinite and may lie far out in the tail; std must be\n"
   "positive.\n"
   "formula: density proportional to exp(-(x - mean)^2 / (2 std^2)) on [low, high], by rejection\n"
   "source: Robert 1995, Simulation of truncated normal variables\n"
   "example:\n"
   "tw.rng(1):truncated_normal(1000):abs():max():le(2):item() --> true"},
  {"bernoulli", bernoulli, true,
   "r:bernoulli(shape... [, {p = 0.5, dtype = \"f64\"}]) -> tensor\n"
   "1 with probability p, else 0; true and false with dtype = \"bool\". p is a number or a tensor that broadcasts to the shape, within [0, 1].\n"
   "formula: 1 where u < p, u uniform in [0, 1)\n"
   "example:\n"
   "tw.rng(1):bernoulli(3, { p = tw.tensor { 0, 1, 1 }, dtype = \"bool\" }) --> bool[3] [false  true  true]"},
  {"randint", randint, true,
   "r:randint(low, high, shape...) -> i64 tensor\n"
   "Whole numbers low..high, both ends included, without bias. The ends lie within +-2^53.\n"
   "source: Lemire 2019, Fast random integer generation in an interval\n"
   "example:\n"
   "tw.rng(1):randint(1, 6, 1000):max():item() --> 6"},
  {"permutation", permutation, true,
   "r:permutation(n) -> i64 vector\n"
   "The numbers 1..n in random order, every order alike; x[r:permutation(#x)] shuffles the rows of x.\n"
   "source: Fisher and Yates 1938, in the form of Durstenfeld 1964\n"
   "example:\n"
   "tw.rng(1):permutation(5):sum():item() --> 15"},
  {"choice", choice, true,
   "r:choice(n, shape... [, {replace = true, weights = tensor}]) -> i64 tensor\n"
   "Numbers from 1..n, each alike or, with weights (a vector of n numbers >= 0, not all 0), in proportion to them. { replace = false }: no number twice;\n"
   "drawn one after the other from those left, so without weights the result is the beginning of r:permutation(n). x[r:choice(#x, 32)] draws rows of x.\n"
   "formula: P(k) = weights_k / sum(weights), over the numbers left\n"
   "source: without weights as randint and permutation; with weights inversion over a tree of sums (Wong and Easton 1980)\n"
   "example:\n"
   "tw.rng(1):choice(3, 4, { weights = tw.tensor { 0, 1, 0 } }) --> i64[4] [2 2 2 2]"},
  {"multinomial", multinomial, true,
   "r:multinomial(n, weights [, shape...]) -> i64 tensor[shape... K]\n"
   "How often each of 1..K falls in n trials with probabilities in proportion to the weights (a vector of K numbers >= 0, not all 0). A shape draws that many\n"
   "rows of counts; a row counts as one element of the draw. n is at most 2^32. For the trials themselves: r:choice(K, n, {weights = weights}).\n"
   "formula: P(c) = n! / (c_1! ... c_K!) p_1^c_1 ... p_K^c_K, p = weights / sum(weights)\n"
   "example:\n"
   "tw.rng(1):multinomial(100, tw.tensor { 1, 2, 3 }):sum():item() --> 100"},
  {NULL, NULL, false, NULL},
};
