/* HDF5 idioms. */
#include "record/h5.h"

void tw__h5_quiet(void) {
  static bool done;
  if (done) return;
  done = true;
  H5dont_atexit();
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
}

/* The innermost description is the one that says why. */
static herr_t innermost(unsigned n, const H5E_error2_t *error, void *out) {
  if (n == 0) *(const char **)out = error->desc;
  return 0;
}

tw_status tw__h5_fail(tw_error *e, const char *what, const char *path) {
  const char *why = NULL, *system = NULL;
  hid_t stack = H5Eget_current_stack();
  if (stack >= 0) H5Ewalk2(stack, H5E_WALK_UPWARD, innermost, &why);
  if (!why) why = "HDF5 refuses";
  system = strstr(why, "error message = '"); /* behind offsets and times: what the system said */
  if (system) why = system + strlen("error message = '");
  tw_status s = tw_fail(e, TW_EIO, "%s: %s: %.*s", what, path, (int)strcspn(why, system ? "'" : "\n"), why);
  if (stack >= 0) H5Eclose_stack(stack);
  return s;
}

hid_t tw__h5_text_type(size_t bytes) {
  hid_t t = H5Tcopy(H5T_C_S1);
  if (t < 0) return t;
  if (H5Tset_size(t, bytes ? bytes : H5T_VARIABLE) < 0 || H5Tset_cset(t, H5T_CSET_UTF8) < 0 || (bytes && H5Tset_strpad(t, H5T_STR_NULLPAD) < 0)) {
    H5Tclose(t);
    return -1;
  }
  return t;
}

bool tw__h5_attr_text(hid_t object, const char *name, tw__arena *arena, tw_text *out) {
  if (H5Aexists(object, name) <= 0) return false;
  bool ok = false;
  hid_t a = H5Aopen(object, name, H5P_DEFAULT), type = a < 0 ? -1 : H5Aget_type(a), space = a < 0 ? -1 : H5Aget_space(a);
  size_t n = type < 0 ? 0 : H5Tget_size(type);
  if (n > 0 && n <= 65536 && H5Tget_class(type) == H5T_STRING && H5Tis_variable_str(type) == 0 && space >= 0 && H5Sget_simple_extent_npoints(space) == 1) {
    char *s = tw__arena_take(arena, n + 1);
    if (s && H5Aread(a, type, s) >= 0) {
      *out = tw_text_of(s);
      ok = true;
    }
  }
  if (space >= 0) H5Sclose(space);
  if (type >= 0) H5Tclose(type);
  if (a >= 0) H5Aclose(a);
  return ok;
}

bool tw__h5_attr_int(hid_t object, const char *name, int64_t *out) {
  if (H5Aexists(object, name) <= 0) return false;
  hid_t a = H5Aopen(object, name, H5P_DEFAULT), space = a < 0 ? -1 : H5Aget_space(a);
  bool ok = space >= 0 && H5Sget_simple_extent_npoints(space) == 1 && H5Aread(a, H5T_NATIVE_INT64, out) >= 0;
  if (space >= 0) H5Sclose(space);
  if (a >= 0) H5Aclose(a);
  return ok;
}

hid_t tw__h5_open(hid_t where, const char *path, int rank, int64_t first, hsize_t *dims) {
  hsize_t got[H5S_MAX_RANK];
  hid_t d = H5Dopen2(where, path, H5P_DEFAULT), space = d < 0 ? -1 : H5Dget_space(d);
  bool ok = space >= 0 && H5Sget_simple_extent_type(space) == H5S_SIMPLE && H5Sget_simple_extent_ndims(space) == rank &&
            H5Sget_simple_extent_dims(space, got, NULL) == rank;
  if (ok && first >= 0) ok = got[0] == (hsize_t)first;
  for (int i = 0; ok && i < rank; i++) {
    ok = got[i] <= INT64_MAX;
    if (dims) dims[i] = got[i];
  }
  if (space >= 0) H5Sclose(space);
  if (!ok && d >= 0) H5Dclose(d);
  return ok ? d : -1;
}

bool tw__h5_column(hid_t where, const char *path, hid_t memory_type, int64_t n, void *out) {
  hid_t d = tw__h5_open(where, path, 1, n, NULL), type = d < 0 ? -1 : H5Dget_type(d);
  H5T_class_t class = type < 0 ? H5T_NO_CLASS : H5Tget_class(type);
  bool ok = (class == H5T_INTEGER || class == H5T_FLOAT) && H5Dread(d, memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, out) >= 0;
  if (type >= 0) H5Tclose(type);
  if (d >= 0) H5Dclose(d);
  return ok;
}

typedef struct {
  tw__arena *arena;
  tw_text *names;
  size_t n, capacity;
} name_list;

static herr_t add_name(hid_t group, const char *name, const H5L_info_t *info, void *data) {
  (void)group;
  name_list *l = data;
  if (info->type != H5L_TYPE_HARD) return 0;
  tw_text *place = TW__PUSH(l->names, l->n, l->capacity);
  return place && tw__arena_text(l->arena, tw_text_of(name), place) ? 0 : -1;
}

bool tw__h5_names(hid_t group, tw__arena *arena, tw_text **out, size_t *n) {
  name_list l = {.arena = arena};
  bool ok = H5Literate(group, H5_INDEX_CRT_ORDER, H5_ITER_INC, NULL, add_name, &l) >= 0;
  if (!ok) {
    l.n = 0;
    ok = H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, NULL, add_name, &l) >= 0;
  }
  if (!ok) tw_free(l.names);
  *out = ok ? l.names : NULL;
  *n = ok ? l.n : 0;
  return ok;
}
