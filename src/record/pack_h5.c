/* The packer's helpers: every return of HDF5 is looked at, the first failure stays. */
#include "record/pack.h"

#include <hdf5_hl.h>
#include <stdarg.h>
#include <stdio.h>

void tw__pack_failed(tw__pack *p, const char *what) {
  if (p->status != TW_OK) return;
  char text[160];
  snprintf(text, sizeof text, "pack: %.120s", what);
  p->status = tw__h5_fail(p->e, text, p->path);
}

void tw__pack_no_memory(tw__pack *p) {
  if (p->status == TW_OK) p->status = tw_fail(p->e, TW_ENOMEM, "pack: out of memory");
}

void *tw__pack_take(tw__pack *p, size_t bytes) {
  void *room = p->status == TW_OK ? tw__arena_take(&p->arena, bytes) : NULL;
  if (!room) tw__pack_no_memory(p);
  return room;
}

tw_text tw__pack_format(tw__pack *p, const char *format, ...) {
  char text[1024];
  tw_text out = {"", 0};
  va_list ap;
  va_start(ap, format);
  int n = vsnprintf(text, sizeof text, format, ap);
  va_end(ap);
  if (n < 0 || !tw__arena_text(&p->arena, tw_text_of(text), &out)) tw__pack_no_memory(p);
  return out;
}

tw_text tw__pack_join(tw__pack *p, tw_text words, tw_text word) {
  tw_text out = {"", 0};
  if (!tw__arena_format(&p->arena, &out, "%.*s%s%.*s", (int)words.n, words.s, words.n ? " " : "", (int)word.n, word.s)) tw__pack_no_memory(p);
  return out;
}

/* The length of the valid UTF-8 sequence at s, 0 where there is none. */
static size_t utf8(const unsigned char *s, size_t n) {
  if (s[0] < 0x80) return s[0] != 0;
  size_t k = s[0] >= 0xF0 && s[0] < 0xF5 ? 4 : s[0] >= 0xE0 && s[0] < 0xF0 ? 3 : s[0] >= 0xC2 && s[0] < 0xE0 ? 2 : 0;
  if (k == 0 || k > n) return 0;
  for (size_t i = 1; i < k; i++)
    if ((s[i] & 0xC0) != 0x80) return 0;
  bool overlong = (s[0] == 0xE0 && s[1] < 0xA0) || (s[0] == 0xF0 && s[1] < 0x90), outside = (s[0] == 0xED && s[1] > 0x9F) || (s[0] == 0xF4 && s[1] > 0x8F);
  return overlong || outside ? 0 : k;
}

tw_text tw__pack_clean(tw__pack *p, tw_text in) {
  char *out = tw__pack_take(p, in.n + 1);
  if (!out) return (tw_text){"", 0};
  for (size_t i = 0; i < in.n;) {
    size_t k = utf8((const unsigned char *)in.s + i, in.n - i);
    if (k) memcpy(out + i, in.s + i, k);
    else out[i] = '?';
    i += k ? k : 1;
  }
  return (tw_text){out, in.n};
}

void tw__pack_close(tw__pack *p, hid_t object) {
  if (object < 0) return;
  H5I_type_t type = H5Iget_type(object);
  herr_t r = type == H5I_DATASET ? H5Dclose(object) : type == H5I_GROUP ? H5Gclose(object) : H5Oclose(object);
  if (r < 0) tw__pack_failed(p, "close");
}

bool tw__pack_ordered(hid_t plist, bool links) {
  unsigned both = H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED;
  return plist >= 0 && H5Pset_attr_creation_order(plist, both) >= 0 && H5Pset_attr_phase_change(plist, 64, 32) >= 0 &&
         H5Pset_obj_track_times(plist, 0) >= 0 &&
         (!links || (H5Pset_link_creation_order(plist, both) >= 0 && H5Pset_link_phase_change(plist, 8192, 4096) >= 0));
}

hid_t tw__pack_group(tw__pack *p, hid_t where, const char *name) {
  if (p->status != TW_OK) return -1;
  hid_t plist = H5Pcreate(H5P_GROUP_CREATE);
  hid_t g = tw__pack_ordered(plist, true) ? H5Gcreate2(where, name, H5P_DEFAULT, plist, H5P_DEFAULT) : -1;
  if (g < 0) tw__pack_failed(p, name);
  if (plist >= 0) H5Pclose(plist);
  return g;
}

static bool storage(const tw__pack *p, hid_t plist, hid_t type, const tw__shape *shape) {
  if (!tw__pack_ordered(plist, false)) return false;
  if (shape->fill && H5Pset_fill_value(plist, type, shape->fill) < 0) return false;
  if (shape->rank == 0 || shape->chunk[0] == 0) return true;
  return H5Pset_chunk(plist, shape->rank, shape->chunk) >= 0 && H5Pset_shuffle(plist) >= 0 && H5Pset_deflate(plist, (unsigned)p->options->compress) >= 0;
}

hid_t tw__pack_dataset(tw__pack *p, hid_t where, const char *name, hid_t type, const tw__shape *shape) {
  if (p->status != TW_OK) return -1;
  hid_t space = shape->rank ? H5Screate_simple(shape->rank, shape->dims, NULL) : H5Screate(H5S_SCALAR), plist = H5Pcreate(H5P_DATASET_CREATE);
  hid_t d = space >= 0 && storage(p, plist, type, shape) ? H5Dcreate2(where, name, type, space, H5P_DEFAULT, plist, H5P_DEFAULT) : -1;
  if (d < 0) tw__pack_failed(p, name);
  if (plist >= 0) H5Pclose(plist);
  if (space >= 0) H5Sclose(space);
  return d;
}

void tw__pack_write(tw__pack *p, hid_t dataset, hid_t memory_type, const void *data) {
  if (p->status == TW_OK && H5Dwrite(dataset, memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) < 0) tw__pack_failed(p, "write");
}

void tw__pack_scale(tw__pack *p, hid_t dataset, const char *name) {
  if (p->status == TW_OK && H5DSset_scale(dataset, name) < 0) tw__pack_failed(p, name);
}

void tw__pack_dimension(tw__pack *p, const char *name, int64_t size, hid_t *out) {
  char label[80];
  tw__shape shape = {.rank = 1, .dims = {(hsize_t)size}};
  snprintf(label, sizeof label, "This is a netCDF dimension but not a netCDF variable. %10lld", (long long)size);
  *out = tw__pack_dataset(p, p->file, name, H5T_IEEE_F32BE, &shape);
  tw__pack_scale(p, *out, label);
}

void tw__pack_attach(tw__pack *p, hid_t dataset, hid_t scale, unsigned dim) {
  if (p->status == TW_OK && H5DSattach_scale(dataset, scale, dim) < 0) tw__pack_failed(p, "dimension scale");
}

static void attribute(tw__pack *p, hid_t object, const char *name, hid_t type, hid_t memory_type, hid_t space, const void *data) {
  if (p->status == TW_OK) {
    hid_t a = space < 0 || type < 0 ? -1 : H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    if (a < 0 || H5Awrite(a, memory_type, data) < 0) tw__pack_failed(p, name);
    if (a >= 0 && H5Aclose(a) < 0) tw__pack_failed(p, name);
  }
  if (space >= 0) H5Sclose(space);
}

/* A fixed-length text: variable-length ones break readers. Long ones are cut, for an attribute must stay under 64 KB. */
void tw__pack_attr_text(tw__pack *p, hid_t object, const char *name, tw_text text) {
  enum { MOST = 60000 };
  if (text.n > MOST) text.n = MOST;
  text = tw__pack_clean(p, text);
  hid_t type = p->status == TW_OK ? tw__h5_text_type(text.n ? text.n : 1) : -1;
  attribute(p, object, name, type, type, H5Screate(H5S_SCALAR), text.s);
  if (type >= 0) H5Tclose(type);
}

void tw__pack_attr_int(tw__pack *p, hid_t object, const char *name, hid_t type, const int64_t *values, size_t n) {
  hsize_t size = n;
  attribute(p, object, name, type, H5T_NATIVE_INT64, H5Screate_simple(1, &size, NULL), values);
}

void tw__pack_attr_real(tw__pack *p, hid_t object, const char *name, hid_t type, double value) {
  hsize_t one = 1;
  attribute(p, object, name, type, H5T_NATIVE_DOUBLE, H5Screate_simple(1, &one, NULL), &value);
}

hid_t tw__pack_column(tw__pack *p, hid_t where, const char *name, hid_t type, hid_t memory_type, const void *data) {
  tw__shape shape = {.rank = 1, .dims = {p->s->n_rows}};
  hid_t d = tw__pack_dataset(p, where, name, type, &shape);
  tw__pack_write(p, d, memory_type, data);
  tw__pack_attach(p, d, p->run, 0);
  return d;
}

void tw__pack_texts(tw__pack *p, hid_t where, const char *name, const tw_text *texts, int64_t n, bool per_run) {
  const char **lines = tw__pack_take(p, (size_t)n * sizeof *lines);
  for (int64_t i = 0; i < n && p->status == TW_OK; i++) lines[i] = tw__pack_clean(p, texts[i]).s;
  hid_t type = tw__h5_text_type(0);
  tw__shape shape = {.rank = 1, .dims = {(hsize_t)n}};
  hid_t d = tw__pack_dataset(p, where, name, type, &shape);
  tw__pack_write(p, d, type, lines);
  if (per_run) tw__pack_attach(p, d, p->run, 0);
  tw__pack_close(p, d);
  if (type >= 0) H5Tclose(type);
}

void tw__pack_text(tw__pack *p, hid_t where, const char *name, tw_text text) {
  const char *line = tw__pack_clean(p, text).s;
  hid_t type = tw__h5_text_type(0);
  tw__shape shape = {.rank = 0};
  hid_t d = tw__pack_dataset(p, where, name, type, &shape);
  tw__pack_write(p, d, type, &line);
  tw__pack_close(p, d);
  if (type >= 0) H5Tclose(type);
}
