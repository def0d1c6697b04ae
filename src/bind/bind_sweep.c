/* record.load, pack, diff: sweeps in Lua. Rows and configurations are counted from 1. */
#include <string.h>

#include "bind/bind_record.h"
#include "record/record.h"

#define SWEEP_TYPE "thalweg.sweep"
#define DIFFERENCE_TYPE "thalweg.difference"

static tw_sweep *check(lua_State *L, int idx) {
  tw_sweep **box = luaL_checkudata(L, idx, SWEEP_TYPE);
  if (!*box) tw_raise(L, "sweep: it is closed");
  return *box;
}

static int sweep_gc(lua_State *L) {
  tw_sweep **box = luaL_checkudata(L, 1, SWEEP_TYPE);
  tw_sweep_free(*box);
  *box = NULL;
  return 0;
}

static size_t check_row(lua_State *L, const tw_sweep *s, int idx) {
  lua_Integer i = luaL_checkinteger(L, idx);
  luaL_argcheck(L, i >= 1 && (size_t)i <= tw_sweep_runs(s), idx, "no such row");
  return (size_t)i - 1;
}

static void set_text(lua_State *L, const char *name, tw_text t) {
  lua_pushlstring(L, t.s, t.n);
  lua_setfield(L, -2, name);
}

static void set_integer(lua_State *L, const char *name, int64_t v) {
  lua_pushinteger(L, v);
  lua_setfield(L, -2, name);
}

static void set_number(lua_State *L, const char *name, double v) {
  lua_pushnumber(L, v);
  lua_setfield(L, -2, name);
}

/* ---- what is said about the sweep ---- */

static int sweep_meta(lua_State *L) {
  tw_text t;
  if (!tw_sweep_meta(check(L, 1), luaL_checkstring(L, 2), &t)) return 0;
  lua_pushlstring(L, t.s, t.n);
  return 1;
}

/* Every text by its key; history is an array of lines. */
static int sweep_meta_all(lua_State *L) {
  tw_sweep *s = check(L, 1);
  size_t n, lines;
  const tw_meta *meta = tw_sweep_meta_all(s, &n);
  const tw_text *history = tw_sweep_history(s, &lines);
  lua_createtable(L, 0, (int)n + 1);
  for (size_t i = 0; i < n; i++) {
    lua_pushlstring(L, meta[i].key.s, meta[i].key.n);
    lua_pushlstring(L, meta[i].text.s, meta[i].text.n);
    lua_rawset(L, -3);
  }
  lua_createtable(L, (int)lines, 0);
  for (size_t i = 0; i < lines; i++) {
    lua_pushlstring(L, history[i].s, history[i].n);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  lua_setfield(L, -2, "history");
  return 1;
}

static int sweep_len(lua_State *L) { return lua_pushinteger(L, (lua_Integer)tw_sweep_runs(check(L, 1))), 1; }
static int sweep_torn(lua_State *L) { return lua_pushinteger(L, tw_sweep_torn(check(L, 1))), 1; }

static int sweep_statuses(lua_State *L) {
  tw_sweep *s = check(L, 1);
  size_t n = tw_sweep_runs(s);
  lua_createtable(L, 0, (int)n);
  for (size_t i = 0; i < n; i++) {
    lua_pushinteger(L, tw_sweep_run(s, i)->id);
    lua_pushstring(L, tw_run_status_name(tw_sweep_run(s, i)->status));
    lua_rawset(L, -3);
  }
  return 1;
}

static int sweep_order(lua_State *L) {
  tw_sweep *s = check(L, 1);
  size_t n = tw_sweep_runs(s);
  lua_createtable(L, (int)n, 0);
  for (size_t i = 0; i < n; i++) {
    lua_pushinteger(L, tw_sweep_run(s, i)->id);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  return 1;
}

/* ---- rows ---- */

static void push_value(lua_State *L, const tw_value *v) {
  if (v->type == TW_VALUE_FLOAT) lua_pushnumber(L, v->as.f);
  else if (v->type == TW_VALUE_INT) lua_pushinteger(L, v->as.i);
  else if (v->type == TW_VALUE_BOOL) lua_pushboolean(L, v->as.i != 0);
  else lua_pushlstring(L, v->as.t.s, v->as.t.n);
}

static int sweep_row(lua_State *L) {
  tw_sweep *s = check(L, 1);
  size_t row = check_row(L, s, 2);
  const tw_run *r = tw_sweep_run(s, row);
  char hex[15];
  for (int i = 0; i < 14; i++) hex[i] = "0123456789abcdef"[(uint64_t)r->id >> (4 * (13 - i)) & 15];
  lua_createtable(L, 0, 20);
  set_integer(L, "id", r->id);
  set_text(L, "hex", (tw_text){hex, 14});
  set_text(L, "status", tw_text_of(tw_run_status_name(r->status)));
  set_integer(L, "seed", r->seed);
  set_integer(L, "rep", r->rep);
  set_integer(L, "config", r->config + 1);
  set_integer(L, "attempt", r->attempt);
  set_integer(L, "worker", r->worker);
  set_integer(L, "n_steps", tw_sweep_rows(s, row, 0));
  set_number(L, "start_time", r->start_time);
  set_number(L, "wall_time", r->wall_time);
  set_number(L, "cpu_time", r->cpu_time);
  set_text(L, "text", r->text);
  set_text(L, "message", r->message);
  set_text(L, "log", r->log);
  lua_createtable(L, 0, (int)r->n_values);
  for (uint32_t i = 0; i < r->n_values; i++) {
    lua_pushlstring(L, r->values[i].name.s, r->values[i].name.n);
    push_value(L, &r->values[i]);
    lua_rawset(L, -3);
  }
  lua_setfield(L, -2, "values");
  return 1;
}

/* ---- metrics ---- */

static int sweep_metrics(lua_State *L) {
  tw_sweep *s = check(L, 1);
  size_t n = tw_sweep_variables(s);
  lua_createtable(L, (int)n, 0);
  for (size_t i = 0; i < n; i++) {
    const tw_variable *v = tw_sweep_variable(s, i);
    lua_createtable(L, 0, 5);
    set_text(L, "name", v->metric);
    set_text(L, "stream", v->stream);
    set_text(L, "variable", v->name);
    set_text(L, "dtype", tw_text_of(v->type == TW_COLUMN_F32 ? "f32" : "f64"));
    lua_createtable(L, v->ndim, 0);
    for (int d = 0; d < v->ndim; d++) {
      lua_pushinteger(L, v->shape[d]);
      lua_rawseti(L, -2, d + 1);
    }
    lua_setfield(L, -2, "shape");
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  return 1;
}

/* One number per run; NaN where there is none, or no such variable (for argmin, a step, -1). */
static int summaries(lua_State *L, int which) {
  tw_sweep *s = check(L, 1);
  tw_error e;
  luaL_checkstring(L, 2);
  int variable = tw_sweep_find(s, tw_record_text(L, 2));
  size_t n = tw_sweep_runs(s);
  lua_createtable(L, (int)n, 0);
  for (size_t i = 0; i < n; i++) {
    tw_summary sum = {__builtin_nan(""), __builtin_nan(""), __builtin_nan(""), -1};
    if (variable >= 0 && tw_sweep_summary(s, i, (size_t)variable, &sum, &e) != TW_OK) return tw_record_raise(L, &e);
    if (which == TW_ARGMIN) lua_pushinteger(L, sum.argmin);
    else lua_pushnumber(L, which == TW_FINAL ? sum.final : which == TW_MIN ? sum.min : sum.max);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  return 1;
}

static int sweep_final(lua_State *L) { return summaries(L, TW_FINAL); }
static int sweep_min(lua_State *L) { return summaries(L, TW_MIN); }
static int sweep_max(lua_State *L) { return summaries(L, TW_MAX); }
static int sweep_argmin(lua_State *L) { return summaries(L, TW_ARGMIN); }

/* sweep:trace(variable, row) -> values, steps; the values of a metric with axes are arrays, row-major */
static int sweep_trace(lua_State *L) {
  tw_sweep *s = check(L, 1);
  tw_error e;
  luaL_checkstring(L, 2);
  size_t row = check_row(L, s, 3);
  int variable = tw_sweep_find(s, tw_record_text(L, 2));
  if (variable < 0 || !tw_sweep_logged(s, row, (size_t)variable)) {
    lua_newtable(L);
    lua_newtable(L);
    return 2;
  }
  const tw_variable *v = tw_sweep_variable(s, (size_t)variable);
  size_t n = (size_t)tw_sweep_rows(s, row, v->stream_index), elements = (size_t)v->elements;
  double *values = tw_record_scratch(L, n * elements + 1, sizeof *values);
  int64_t *steps = tw_record_scratch(L, n + 1, sizeof *steps);
  if (tw_sweep_values(s, row, (size_t)variable, values, &e) != TW_OK || tw_sweep_steps(s, row, v->stream_index, steps, &e) != TW_OK)
    return tw_record_raise(L, &e);
  lua_createtable(L, (int)n, 0);
  for (size_t i = 0; i < n; i++) {
    if (v->ndim == 0) lua_pushnumber(L, values[i]);
    else {
      lua_createtable(L, (int)elements, 0);
      for (size_t k = 0; k < elements; k++) {
        lua_pushnumber(L, values[i * elements + k]);
        lua_rawseti(L, -2, (lua_Integer)k + 1);
      }
    }
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  lua_createtable(L, (int)n, 0);
  for (size_t i = 0; i < n; i++) {
    lua_pushinteger(L, steps[i]);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  return 2;
}

static int sweep_results(lua_State *L) {
  tw_sweep *s = check(L, 1);
  size_t n = tw_sweep_results(s);
  lua_createtable(L, (int)n, 0);
  for (size_t i = 0; i < n; i++) {
    tw_text name = tw_sweep_result_name(s, i);
    lua_pushlstring(L, name.s, name.n);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  return 1;
}

static int sweep_result(lua_State *L) {
  tw_sweep *s = check(L, 1);
  luaL_checkstring(L, 2);
  tw_text name = tw_record_text(L, 2);
  size_t n = tw_sweep_runs(s), which = 0;
  while (which < tw_sweep_results(s) && !tw_text_equal(tw_sweep_result_name(s, which), name)) which++;
  lua_createtable(L, (int)n, 0);
  for (size_t i = 0; i < n; i++) {
    lua_pushnumber(L, which < tw_sweep_results(s) ? tw_sweep_result(s, i, which) : (lua_Number)__builtin_nan(""));
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  return 1;
}

/* ---- functions ---- */

/* record.load(path, ...) -> sweep | nil, message */
static int record_load(lua_State *L) {
  int n = lua_gettop(L);
  tw_error e;
  luaL_argcheck(L, n > 0, 1, "a path is needed");
  const char **paths = tw_record_scratch(L, (size_t)n, sizeof *paths);
  for (int i = 0; i < n; i++) paths[i] = luaL_checkstring(L, i + 1);
  tw_sweep **box = lua_newuserdatauv(L, sizeof *box, 0);
  *box = NULL;
  luaL_setmetatable(L, SWEEP_TYPE);
  return tw_sweep_load(paths, (size_t)n, box, &e) == TW_OK ? 1 : tw_record_refuse(L, &e);
}

/* record.pack(sweep, path, { complete =, compress =, layout = "rect", logs = }) -> true | nil, message */
static int record_pack(lua_State *L) {
  tw_sweep *s = check(L, 1);
  const char *path = luaL_checkstring(L, 2);
  tw_pack_options o = {0};
  tw_error e;
  if (!lua_isnoneornil(L, 3)) {
    luaL_checktype(L, 3, LUA_TTABLE);
    lua_getfield(L, 3, "complete");
    o.complete = lua_toboolean(L, -1);
    lua_getfield(L, 3, "compress");
    lua_Integer compress = luaL_optinteger(L, -1, 0);
    o.compress = compress < 0 || compress > 9 ? -1 : (int)compress;
    lua_getfield(L, 3, "layout");
    const char *layout = luaL_optstring(L, -1, "rect");
    if (strcmp(layout, "rect") != 0) return tw_raise(L, "pack: no layout of this name: layout is %s; valid: rect", layout);
    lua_getfield(L, 3, "logs");
    o.logs = luaL_optstring(L, -1, NULL);
  }
  if (tw_sweep_pack(s, path, &o, &e) != TW_OK) return tw_record_refuse(L, &e);
  lua_pushboolean(L, 1);
  return 1;
}

static int difference_gc(lua_State *L) {
  tw_difference_clear(luaL_checkudata(L, 1, DIFFERENCE_TYPE));
  return 0;
}

/* record.diff(a, b) -> lines, number of runs compared */
static int record_diff(lua_State *L) {
  tw_sweep *a = check(L, 1), *b = check(L, 2);
  tw_error e;
  tw_difference *d = lua_newuserdatauv(L, sizeof *d, 0);
  *d = (tw_difference){0};
  luaL_setmetatable(L, DIFFERENCE_TYPE);
  if (tw_sweep_diff(a, b, d, &e) != TW_OK) return tw_record_raise(L, &e);
  lua_createtable(L, (int)d->n_lines, 0);
  for (size_t i = 0; i < d->n_lines; i++) {
    lua_pushstring(L, d->lines[i]);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  lua_pushinteger(L, d->compared);
  return 2;
}

static const luaL_Reg sweep_methods[] = {
  {"meta", sweep_meta}, {"meta_all", sweep_meta_all}, {"row", sweep_row}, {"statuses", sweep_statuses}, {"order", sweep_order},
  {"metrics", sweep_metrics}, {"final", sweep_final}, {"min", sweep_min}, {"max", sweep_max}, {"argmin", sweep_argmin}, {"results", sweep_results},
  {"result", sweep_result}, {"trace", sweep_trace}, {"torn", sweep_torn}, {"close", sweep_gc},
  {"__len", sweep_len}, {"__gc", sweep_gc}, {"__close", sweep_gc}, {NULL, NULL},
};

static const luaL_Reg difference_methods[] = {{"__gc", difference_gc}, {NULL, NULL}};

static const luaL_Reg functions[] = {{"load", record_load}, {"pack", record_pack}, {"diff", record_diff}, {NULL, NULL}};

void tw_record_sweep_open(lua_State *L) {
  luaL_setfuncs(L, functions, 0);
  luaL_newmetatable(L, SWEEP_TYPE);
  luaL_setfuncs(L, sweep_methods, 0);
  lua_pushvalue(L, -1);
  lua_setfield(L, -2, "__index");
  luaL_newmetatable(L, DIFFERENCE_TYPE);
  luaL_setfuncs(L, difference_methods, 0);
  lua_pop(L, 2);
}
