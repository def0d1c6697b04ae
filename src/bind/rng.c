/* Generators: tw.rng(seed [, "stream"]). A generator is a tensor (key, counter) and the name of its stream; every draw is a call that takes the tensor
 * and writes the advanced one back. The draws themselves stand in draw.c. */
#include "base/rng.h"
#include "base/alloc.h"
#include "bind/generator.h"
#include "bind/optim.h"
#include "optim/parts.h"
#include "op/draw.h"
#include "tensor/ctx.h"

static const char type_name[] = "tw.generator";

tw_generator_box *tw_generator_check(lua_State *L, int idx) { return luaL_checkudata(L, idx, type_name); }

tw_tensor *tw_arg_generator(lua_State *L, int idx) {
  tw_generator_box *g = tw_generator_check(L, idx);
  if (tw_bind_ctx(L)->sealed && g->state->storage->outside) {
    tw_raise(L, "a generator made outside run cannot be drawn from inside it; use run:rng(\"name\")");
  }
  tw_draws_note(L, g->state);
  return g->state;
}

/* What has been drawn from since tw_draws_begin, and its state before: entries from `from` on; those below belong to what is around. */
typedef struct {
  tw_tensor **state, **before;
  size_t n, cap_state, cap_before, from;
  int depth;
} draws;

static const char draws_key;

static draws *draws_of(lua_State *L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &draws_key);
  draws *d = lua_touserdata(L, -1);
  lua_pop(L, 1);
  return d;
}

/* What is around has drawn from them too: it keeps those it has not seen before. */
void tw_draws_end(lua_State *L, size_t outer) {
  draws *d = draws_of(L);
  tw_ctx *ctx = tw_bind_ctx(L);
  size_t kept = d->from;
  d->depth--;
  for (size_t i = d->from; i < d->n; i++) {
    bool seen = d->depth == 0;
    for (size_t k = outer; k < d->from && !seen; k++) seen = d->state[k] == d->state[i];
    if (seen) {
      tw_tensor_release(ctx, d->state[i]);
      tw_tensor_release(ctx, d->before[i]);
    } else {
      d->state[kept] = d->state[i];
      d->before[kept++] = d->before[i];
    }
  }
  d->n = kept;
  d->from = outer;
}

size_t tw_draws_begin(lua_State *L) {
  draws *d = draws_of(L);
  size_t outer = d->from;
  d->from = d->n;
  d->depth++;
  return outer;
}

bool tw_draws_noted(lua_State *L) { return draws_of(L)->depth > 0; }

void tw_draws_note(lua_State *L, tw_tensor *state) {
  draws *d = draws_of(L);
  if (!d->depth) return;
  for (size_t i = d->from; i < d->n; i++) {
    if (d->state[i] == state) return;
  }
  tw_tensor **grown = tw_grow(d->state, &d->cap_state, d->n, sizeof *grown);
  if (grown) d->state = grown;
  tw_tensor **copies = grown ? tw_grow(d->before, &d->cap_before, d->n, sizeof *copies) : NULL;
  if (!copies) tw_raise(L, "rng: out of memory");
  d->before = copies;
  tw_bind_status(L, tw_optim_copy(tw_bind_ctx(L), state, &d->before[d->n]));
  d->state[d->n++] = tw_tensor_retain(state);
}

tw_status tw_draws_rewind(lua_State *L) {
  draws *d = draws_of(L);
  tw_status s = TW_OK;
  for (size_t i = d->from; i < d->n && s == TW_OK; i++) s = tw_optim_assign(tw_bind_ctx(L), d->state[i], d->before[i]);
  return s;
}

static int collect_draws(lua_State *L) {
  draws *d = lua_touserdata(L, 1);
  tw_free(d->state);
  tw_free(d->before);
  *d = (draws){0};
  return 0;
}

/* The stream name is the generator's user value. */
static int push_generator(lua_State *L, lua_Integer seed, tw_tensor *seeds, int name_idx) {
  size_t length;
  const char *name = luaL_checklstring(L, name_idx, &length);
  tw_generator_box *g = lua_newuserdatauv(L, sizeof *g, 1);
  *g = (tw_generator_box){.seed = seed, .seeds = seeds ? tw_tensor_retain(seeds) : NULL};
  luaL_setmetatable(L, type_name);
  lua_pushvalue(L, name_idx);
  lua_setiuservalue(L, -2, 1);
  tw_shape two = {.n = 1, .d = {2}};
  tw_lanes lanes = {0};
  if (seeds && !tw_lanes_join(&lanes, seeds)) return tw_raise(L, "rng: the numbers of lanes differ");
  tw_bind_status(L, tw_tensor_new_packed(tw_bind_ctx(L), TW_I64, &two, &lanes, &g->state));
  for (int64_t lane = tw_lane_count(g->state) - 1; lane >= 0; lane--) {
    tw_tensor here = tw_tensor_lane(g->state, lane);
    int64_t *s = (int64_t *)(void *)here.data;
    if (seeds) {
      tw_tensor own = tw_tensor_lane(seeds, lane);
      seed = tw_tensor_get_i64(&own, 0);
    }
    s[0] = (int64_t)tw_rng_key(seed, name, length);
    s[1] = 0;
  }
  return 1;
}

static int new_generator(lua_State *L) {
  tw_tensor *seeds = lua_type(L, 1) == LUA_TUSERDATA ? tw_bind_to_tensor(L, 1) : NULL;
  if (seeds && !(seeds->lanes && seeds->ndim == 0 && seeds->dtype == TW_I64)) seeds = NULL;
  lua_Integer seed = seeds ? 0 : luaL_checkinteger(L, 1);
  luaL_argcheck(L, lua_isnoneornil(L, 2) || lua_type(L, 2) == LUA_TSTRING, 2, "the stream's name must be a string");
  if (lua_isnoneornil(L, 2)) {
    lua_settop(L, 1);
    lua_pushstring(L, "");
  }
  return push_generator(L, seed, seeds, 2);
}

static int split(lua_State *L) {
  tw_generator_box *g = tw_generator_check(L, 1);
  luaL_argcheck(L, lua_type(L, 2) == LUA_TSTRING, 2, "the stream's name must be a string");
  lua_getiuservalue(L, 1, 1);
  lua_pushstring(L, "/");
  lua_pushvalue(L, 2);
  lua_concat(L, 3);
  return push_generator(L, g->seed, g->seeds, lua_gettop(L));
}

int tw_generator_draw(lua_State *L, tw_generator_box *g, const tw_op *op, const void *attrs, tw_tensor *numbers) {
  tw_handle *h = tw_handle_new(L);
  tw_tensor *out = NULL;
  tw_ctx *ctx = tw_bind_ctx(L);
  if (ctx->sealed && g->state->storage->outside) return tw_raise(L, "a generator made outside run cannot be drawn from inside it; use run:rng(\"name\")");
  tw_draws_note(L, g->state);
  tw_bind_status(L, tw_draw(ctx, op, attrs, g->state, numbers, &out));
  tw_handle_fill(L, h, out);
  return 1;
}

static int release(lua_State *L) {
  tw_generator_box *g = tw_generator_check(L, 1);
  if (g->state) tw_tensor_release(tw_bind_ctx(L), g->state);
  if (g->seeds) tw_tensor_release(tw_bind_ctx(L), g->seeds);
  g->state = g->seeds = NULL;
  return 0;
}

static int to_string(lua_State *L) {
  tw_generator_box *g = tw_generator_check(L, 1);
  tw_refuse_laned(L, g->seeds ? g->seeds : g->state, "tostring");
  lua_getiuservalue(L, 1, 1);
  lua_pushfstring(L, "generator(seed %I, stream \"%s\", %I drawn)", (LUAI_UACINT)g->seed, lua_tostring(L, -1),
                  (LUAI_UACINT)((int64_t *)(void *)g->state->data)[1]);
  return 1;
}

static const tw_function methods[] = {
  {"split", split, true,
   "r:split(name) -> generator\n"
   "A generator of its own stream, named \"<r's stream>/<name>\", at its beginning; r itself does not move. Streams of other names and other seeds are\n"
   "independent.\n"
   "example:\n"
   "tw.rng(1, \"net\"):split(\"layer1\") --> generator(seed 1, stream \"net/layer1\", 0 drawn)"},
  {NULL, NULL, false, NULL},
};

static const tw_function functions[] = {
  {"rng", new_generator, false,
   "rng(seed [, stream = \"\"]) -> generator\n"
   "A generator of random numbers: the stream of that name under that whole-number seed, from its beginning. What it draws depends on seed, name and how\n"
   "many elements were drawn from it before, on nothing else: drawing 10 numbers, or 3 and then 7, gives the same 10. Inside an experiment's run use\n"
   "run:rng(name); a generator made outside run cannot be drawn from inside it.\n"
   "formula: key = the first 64 bits of SHA-256(seed, name); element i of a draw at counter c = Philox4x32-10(key, c + i)\n"
   "source: Salmon, Moraes, Dror and Shaw 2011, Parallel random numbers: as easy as 1, 2, 3\n"
   "example:\n"
   "tw.rng(7, \"data\") --> generator(seed 7, stream \"data\", 0 drawn)"},
  {NULL, NULL, false, NULL},
};

void tw_register_rng(lua_State *L) {
  draws *d = lua_newuserdatauv(L, sizeof *d, 0);
  *d = (draws){0};
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, collect_draws);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &draws_key);
  tw_add_functions(L, functions);
  luaL_newmetatable(L, type_name);
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_pushcfunction(L, release);
  lua_setfield(L, -2, "__gc");
  lua_pushcfunction(L, to_string);
  lua_setfield(L, -2, "__tostring");
  lua_newtable(L);
  tw_add_methods(L, "generator", tw_generator_draws);
  tw_add_methods(L, "generator", methods);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
}
