/* The generator as the binding holds it, shared by the file that makes generators and the file of their draws. */
#ifndef TW_BIND_GENERATOR_H
#define TW_BIND_GENERATOR_H

#include "bind/handle.h"
#include "op/op.h"

typedef struct {
  tw_tensor *state;  /* i64[2]: key, counter */
  lua_Integer seed;
  tw_tensor *seeds;  /* one for each lane, where they differ; else NULL */
} tw_generator_box;

tw_generator_box *tw_generator_check(lua_State *L, int idx);

/* One draw: pushes the result, advances the generator. numbers: a further input, or NULL. */
int tw_generator_draw(lua_State *L, tw_generator_box *, const tw_op *, const void *attrs, tw_tensor *numbers);

extern const tw_function tw_generator_draws[]; /* the methods that draw; ends with a NULL name */

#endif
