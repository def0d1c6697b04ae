/* The Lua files of lua/, as the build embedded them. */
#ifndef TW_BIND_EMBEDDED_H
#define TW_BIND_EMBEDDED_H

#include <stddef.h>

typedef struct {
  const char *module; /* "thalweg.space" */
  const char *file;   /* "thalweg/space.lua" */
  const unsigned char *bytes;
  size_t length;
} tw_embedded;

extern const tw_embedded tw_embedded_lua[]; /* ends with a NULL module */

#endif
