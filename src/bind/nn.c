/* Operations of neural networks as Lua functions and methods. */
#include <math.h>
#include <string.h>

#include "bind/handle.h"
#include "op/nn.h"
#include "tensor/ctx.h"

/* Arguments. */

static tw_tensor *optional_tensor(lua_State *L, int idx) { return lua_isnoneornil(L, idx) ? NULL : tw_handle_check(L, idx); }

/* Where the option table stands: optional tensors before it may be left out altogether. */
static int options_after(lua_State *L, int first, int last) {
  for (int i = first; i <= last; i++) {
    if (lua_istable(L, i)) return i;
  }
  return last + 1;
}

static double number_option(lua_State *L, int idx, const char *owner, const char *name, double otherwise, int low, double high) {
  if (!lua_istable(L, idx)) return otherwise;
  double v = otherwise;
  int isnum = 1;
  if (lua_getfield(L, idx, name) != LUA_TNIL) v = lua_tonumberx(L, -1, &isnum);
  if (!isnum || !(v >= low && v <= high)) {
    const char *given = luaL_tolstring(L, -1, NULL);
    if (isinf(high)) tw_raise(L, "%s: wrong option: %s is %s; it must be a number of at least %d", owner, name, given, low);
    tw_raise(L, "%s: wrong option: %s is %s; it must be a number in %d..%d", owner, name, given, low, (int)high);
  }
  lua_pop(L, 1);
  return v;
}

/* A whole number, or a pair for rows and columns, into out[2]; a signal's goes to out[1] and leaves out[0]. */
static void window_size(lua_State *L, int idx, const char *owner, const char *name, int axes, int64_t low, int64_t out[2]) {
  bool pair = lua_istable(L, idx) && axes == 2 && lua_rawlen(L, idx) == 2;
  idx = lua_absindex(L, idx);
  for (int i = 2 - axes; i < 2; i++) {
    int isnum = 0;
    if (pair) lua_rawgeti(L, idx, i + 1);
    else lua_pushvalue(L, idx);
    lua_Integer v = lua_type(L, -1) == LUA_TNUMBER ? lua_tointegerx(L, -1, &isnum) : 0;
    if (!isnum || v < low || v > INT32_MAX) {
      tw_raise(L, "%s: %s must be a whole number of at least %d%s, got %s", owner, name, (int)low, axes == 2 ? " or a pair {rows, columns} of them" : "",
               luaL_tolstring(L, idx, NULL));
    }
    lua_pop(L, 1);
    out[i] = v;
  }
}

static const char *const window_options[] = {"stride", "padding", NULL};

static void windows(lua_State *L, int options, const char *owner, int axes, tw_window_attrs *a) {
  tw_arg_options(L, options, owner, window_options);
  if (!lua_istable(L, options)) return;
  if (lua_getfield(L, options, "stride") != LUA_TNIL) window_size(L, -1, owner, "stride", axes, 1, a->stride);
  if (lua_getfield(L, options, "padding") != LUA_TNIL) window_size(L, -1, owner, "padding", axes, 0, a->padding);
  lua_pop(L, 2);
}

/* Convolution and pooling. */

static int convolution(lua_State *L, int axes) {
  const char *owner = axes == 2 ? "conv2d" : "conv1d";
  tw_tensor *x = tw_handle_check(L, 1), *w = tw_handle_check(L, 2), *out = NULL;
  int options = options_after(L, 3, 3);
  tw_tensor *b = options == 3 ? NULL : optional_tensor(L, 3);
  tw_window_attrs a = {.kernel = {1, 1}, .stride = {1, 1}};
  windows(L, options, owner, axes, &a);
  tw_handle *h = tw_handle_new(L);
  tw_bind_status(L, (axes == 2 ? tw_conv2d : tw_conv1d)(tw_bind_ctx(L), x, w, b, &a, &out));
  tw_handle_fill(L, h, out);
  return 1;
}
static int conv2d(lua_State *L) { return convolution(L, 2); }
static int conv1d(lua_State *L) { return convolution(L, 1); }

static int pooling(lua_State *L, const char *owner, tw_status (*pool)(tw_ctx *, tw_tensor *, const tw_window_attrs *, tw_tensor **)) {
  tw_tensor *x = tw_handle_check(L, 1), *out = NULL;
  int axes = x->ndim == 3 ? 1 : 2;
  tw_window_attrs a = {.kernel = {1, 1}};
  luaL_checkany(L, 2);
  window_size(L, 2, owner, "the window", axes, 1, a.kernel);
  memcpy(a.stride, a.kernel, sizeof a.stride);
  windows(L, 3, owner, axes, &a);
  tw_handle *h = tw_handle_new(L);
  tw_bind_status(L, pool(tw_bind_ctx(L), x, &a, &out));
  tw_handle_fill(L, h, out);
  return 1;
}
static int max_pool(lua_State *L) { return pooling(L, "max_pool", tw_max_pool); }
static int avg_pool(lua_State *L) { return pooling(L, "avg_pool", tw_avg_pool); }

/* Losses. */

typedef tw_status (*loss_function)(tw_ctx *, tw_tensor *, tw_tensor *, tw_reduction, tw_tensor **);

static const char *const loss_options[] = {"reduction", NULL};
static const char *const huber_options[] = {"delta", "reduction", NULL};

static tw_reduction reduction_option(lua_State *L, int idx, const char *owner) {
  static const char *const names[] = {"mean", "sum", "none"};
  if (!lua_istable(L, idx)) return TW_LOSS_MEAN;
  int found = 0;
  if (lua_getfield(L, idx, "reduction") != LUA_TNIL) {
    for (found = 0; found < 3 && !(lua_type(L, -1) == LUA_TSTRING && strcmp(names[found], lua_tostring(L, -1)) == 0); found++) {}
    if (found == 3) tw_raise(L, "%s: wrong option: reduction is %s; it must be one of mean, sum, none", owner, luaL_tolstring(L, -1, NULL));
  }
  lua_pop(L, 1);
  return (tw_reduction)found;
}

/* Either side may be a number. The huber loss comes with its delta; the other losses with f. */
static int loss(lua_State *L, const char *owner, loss_function f, double delta) {
  tw_tensor *out = NULL;
  const tw_tensor *meets = NULL;
  tw_reduction how = reduction_option(L, 3, owner);
  for (int i = 1; i <= 2; i++) {
    tw_operand_check(L, i);
    const tw_tensor *t = lua_type(L, i) == LUA_TNUMBER ? NULL : tw_bind_to_tensor(L, i);
    if (t && !(meets && tw_is_real((tw_dtype)meets->dtype))) meets = t;
  }
  tw_operand a = {NULL, NULL}, b = {NULL, NULL};
  tw_handle *h = tw_handle_new(L);
  tw_ctx *ctx = tw_bind_ctx(L);
  tw_status s = tw_operand_get(L, 1, meets, &a);
  if (s == TW_OK) s = tw_operand_get(L, 2, meets, &b);
  if (s == TW_OK) s = f ? f(ctx, a.tensor, b.tensor, how, &out) : tw_huber(ctx, a.tensor, b.tensor, delta, how, &out);
  tw_operand_drop(L, &a);
  tw_operand_drop(L, &b);
  tw_bind_status(L, s);
  tw_handle_fill(L, h, out);
  return 1;
}

static int simple_loss(lua_State *L, const char *owner, loss_function f) {
  tw_arg_options(L, 3, owner, loss_options);
  return loss(L, owner, f, 0);
}
static int mse(lua_State *L) { return simple_loss(L, "mse", tw_mse); }
static int l1(lua_State *L) { return simple_loss(L, "l1", tw_l1); }
static int bce(lua_State *L) { return simple_loss(L, "bce", tw_bce); }
static int bce_with_logits(lua_State *L) { return simple_loss(L, "bce_with_logits", tw_bce_with_logits); }
static int hinge(lua_State *L) { return simple_loss(L, "hinge", tw_hinge); }
static int kl(lua_State *L) { return simple_loss(L, "kl", tw_kl); }

static int huber(lua_State *L) {
  tw_arg_options(L, 3, "huber", huber_options);
  return loss(L, "huber", NULL, number_option(L, 3, "huber", "delta", 1, 0, INFINITY));
}

/* Losses over classes: a single row's class may be a plain number. */
static int class_loss(lua_State *L, const char *owner, loss_function f) {
  tw_tensor *x = tw_handle_check(L, 1), *out = NULL, *owned = NULL, *target = NULL;
  tw_arg_options(L, 3, owner, loss_options);
  tw_reduction how = reduction_option(L, 3, owner);
  lua_Integer class = 0;
  if (lua_type(L, 2) == LUA_TNUMBER) class = luaL_checkinteger(L, 2);
  else target = tw_handle_check(L, 2);
  tw_handle *h = tw_handle_new(L);
  tw_ctx *ctx = tw_bind_ctx(L);
  tw_status s = target ? TW_OK : tw_tensor_new_scalar(ctx, TW_I64, (double)class, &owned);
  if (s == TW_OK) s = f(ctx, x, target ? target : owned, how, &out);
  tw_tensor_release(ctx, owned);
  tw_bind_status(L, s);
  tw_handle_fill(L, h, out);
  return 1;
}
static int cross_entropy(lua_State *L) { return class_loss(L, "cross_entropy", tw_cross_entropy); }
static int nll(lua_State *L) { return class_loss(L, "nll", tw_nll); }

/* Normalisation. */

static const char *const layer_norm_options[] = {"eps", NULL};
static const char *const batch_norm_options[] = {"train", "momentum", "eps", NULL};

static int layer_norm(lua_State *L) {
  tw_tensor *x = tw_handle_check(L, 1), *out = NULL;
  int options = options_after(L, 2, 3);
  tw_tensor *w = options > 2 ? optional_tensor(L, 2) : NULL, *b = options > 3 ? optional_tensor(L, 3) : NULL;
  tw_arg_options(L, options, "layer_norm", layer_norm_options);
  double eps = number_option(L, options, "layer_norm", "eps", 1e-5, 0, INFINITY);
  tw_handle *h = tw_handle_new(L);
  tw_bind_status(L, tw_layer_norm(tw_bind_ctx(L), x, w, b, eps, &out));
  tw_handle_fill(L, h, out);
  return 1;
}

static int batch_norm(lua_State *L) {
  tw_tensor *x = tw_handle_check(L, 1), *out = NULL, *vector[4] = {NULL};
  int options = options_after(L, 2, 5);
  for (int i = 0; i < 4 && i + 2 < options; i++) vector[i] = optional_tensor(L, i + 2);
  tw_arg_options(L, options, "batch_norm", batch_norm_options);
  tw_batch_norm_options o = {.train = tw_arg_flag(L, options, "train"), .momentum = number_option(L, options, "batch_norm", "momentum", 0.1, 0, 1),
                             .eps = number_option(L, options, "batch_norm", "eps", 1e-5, 0, INFINITY)};
  tw_handle *h = tw_handle_new(L);
  tw_bind_status(L, tw_batch_norm(tw_bind_ctx(L), x, vector[0], vector[1], vector[2], vector[3], &o, &out));
  tw_handle_fill(L, h, out);
  return 1;
}

/* Dropout, embedding, buffers. */

static const char *const dropout_options[] = {"train", NULL};

static int dropout(lua_State *L) {
  tw_tensor *x = tw_handle_check(L, 1), *out = NULL;
  double p = luaL_checknumber(L, 2);
  int options = options_after(L, 3, 3);
  tw_arg_options(L, options, "dropout", dropout_options);
  bool train = true;
  if (lua_istable(L, options) && lua_getfield(L, options, "train") != LUA_TNIL) train = lua_toboolean(L, -1);
  if (!(p >= 0 && p <= 1)) return tw_raise(L, "dropout: the probability must be in 0..1: p is %f", p);
  if (!train) {
    lua_settop(L, 1);
    return 1;
  }
  if (lua_type(L, 3) != LUA_TUSERDATA) return tw_raise(L, "dropout: training needs a generator, like run:rng(\"dropout\"); { train = false } gives x itself");
  tw_tensor *generator = tw_arg_generator(L, 3);
  tw_handle *h = tw_handle_new(L);
  tw_bind_status(L, tw_dropout(tw_bind_ctx(L), x, p, generator, &out));
  tw_handle_fill(L, h, out);
  return 1;
}

static int embedding(lua_State *L) {
  tw_tensor *index = tw_handle_check(L, 1), *w = tw_handle_check(L, 2), *out = NULL;
  tw_handle *h = tw_handle_new(L);
  tw_bind_status(L, tw_embedding(tw_bind_ctx(L), index, w, &out));
  tw_handle_fill(L, h, out);
  return 1;
}

static int buffer(lua_State *L) {
  tw_handle_check(L, 1)->buffer = true;
  lua_settop(L, 1);
  return 1;
}

#include "bind/nn_rows.inc"

void tw_register_nn(lua_State *L) {
  tw_add_functions(L, methods);
  tw_add_functions(L, functions);
}
