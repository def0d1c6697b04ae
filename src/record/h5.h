/* The few HDF5 idioms of this layer: errors with the library's own words, checked reading of attributes and texts. */
#ifndef TW_RECORD_H5_H
#define TW_RECORD_H5_H

#include <hdf5.h>

#include "record/sweep.h"

#define TW__SCHEMA "thalweg-sweep"
#define TW__SCHEMA_VERSION "1.0"

void tw__h5_quiet(void); /* no printing by the library, no work of its own at exit; call it first */
tw_status tw__h5_fail(tw_error *e, const char *what, const char *path);

hid_t tw__h5_text_type(size_t bytes); /* UTF-8: of fixed length, or 0 for variable length */
bool tw__h5_attr_text(hid_t object, const char *name, tw__arena *, tw_text *out); /* false: absent or not a text */
bool tw__h5_attr_int(hid_t object, const char *name, int64_t *out);
/* The dataset at path with exactly this rank (and first dimension, unless negative); dims may be NULL. Negative where it is not so. */
hid_t tw__h5_open(hid_t where, const char *path, int rank, int64_t first, hsize_t *dims);
bool tw__h5_column(hid_t where, const char *path, hid_t memory_type, int64_t n, void *out); /* a whole [n] dataset */
/* The names of the hard links in a group, in order of creation where the file has it, else by name. */
bool tw__h5_names(hid_t group, tw__arena *, tw_text **out, size_t *n);

#endif
