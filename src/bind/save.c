/* tw.save(path, tree), tw.load(path): a tree of tensors, numbers, strings, booleans and tables in one file.
 *
 *   8 bytes   "TWTREE", 0, version 1
 *   8 bytes   length of the body
 *   body      one value
 *   4 bytes   CRC-32C of everything before
 *
 * A value is a tag byte and what follows it; everything is little-endian, nothing is aligned:
 *   0 false   1 true   2 integer: i64   3 number: f64   4 string: u64 length, bytes
 *   5 table: u64 count, then a key (integer or string) and a value each; integers ascending, then strings bytewise
 *   6 tensor: u8 dtype (0 f64, 1 f32, 2 i64, 3 bool; plus 16: a buffer), u8 axes, i64 size of each, the elements row-major
 *   7 a tensor that was there before: u64 how many came before it in the file
 *
 * The file appears whole or not at all: it is written beside its place, synced and renamed. */
#include "bind/save.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bind/tree.h"
#include "journal/bytes.h"
#include "tensor/ctx.h"

static const char magic[8] = {'T', 'W', 'T', 'R', 'E', 'E', 0, 1};
enum { HEADER = 16, TRAILER = 4, MAX_DEPTH = 100 };
enum { T_FALSE, T_TRUE, T_INTEGER, T_NUMBER, T_STRING, T_TABLE, T_TENSOR, T_AGAIN };
enum { BUFFER = 16 }; /* added to the dtype of a tensor that trees carry without differentiating it */

/* Writing. */

typedef struct {
  tw__bytes bytes;
  int seen;        /* stack index of a table: tensor -> how many came before it */
  uint64_t tensors;
} writer;

static void put_string(writer *w, const char *text, size_t n) {
  tw__bytes_u8(&w->bytes, T_STRING);
  tw__bytes_u64(&w->bytes, n);
  tw__bytes_put(&w->bytes, text, n);
}

static void put_elements(tw__bytes *b, const tw_tensor *t, int axis, const char *p) {
  size_t item = tw_dtype_size((tw_dtype)t->dtype);
  if (axis == t->ndim) {
    tw__bytes_put(b, p, item);
    return;
  }
  for (int64_t i = 0; i < t->shape[axis]; i++) put_elements(b, t, axis + 1, p + i * t->stride[axis] * (int64_t)item);
}

static void put_tensor(lua_State *L, writer *w, const tw_tensor *t) {
  size_t bytes = (size_t)t->size * tw_dtype_size((tw_dtype)t->dtype);
  if (lua_rawgetp(L, w->seen, t) != LUA_TNIL) {
    tw__bytes_u8(&w->bytes, T_AGAIN);
    tw__bytes_u64(&w->bytes, (uint64_t)lua_tointeger(L, -1));
    lua_pop(L, 1);
    return;
  }
  lua_pop(L, 1);
  lua_pushinteger(L, (lua_Integer)w->tensors++);
  lua_rawsetp(L, w->seen, t);
  tw__bytes_u8(&w->bytes, T_TENSOR);
  tw__bytes_u8(&w->bytes, (uint8_t)(t->dtype | (t->buffer ? BUFFER : 0)));
  tw__bytes_u8(&w->bytes, t->ndim);
  for (int i = 0; i < t->ndim; i++) tw__bytes_i64(&w->bytes, t->shape[i]);
  if (!tw__bytes_room(&w->bytes, bytes)) return;
  if (tw_tensor_is_contiguous(t)) tw__bytes_put(&w->bytes, t->data, bytes);
  else put_elements(&w->bytes, t, 0, t->data);
}

static void put_value(lua_State *L, writer *w, int idx, const char *path, int depth);

static void put_table(lua_State *L, writer *w, int idx, const char *path, int depth) {
  if (depth == MAX_DEPTH) tw_raise(L, "save: the tree is nested too deeply (or contains itself)");
  if (lua_getmetatable(L, idx)) tw_raise(L, "save: %s is a table with a metatable; a tree has plain ones", *path ? path : "the tree");
  luaL_checkstack(L, TW_FEW_KEYS + 8, "a tree is nested too deeply");
  size_t n;
  int top = lua_gettop(L);
  tw_tree_key few[TW_FEW_KEYS];
  const tw_tree_key *key = tw_tree_keys(L, idx, few, &n);
  tw__bytes_u8(&w->bytes, T_TABLE);
  tw__bytes_u64(&w->bytes, n);
  for (size_t i = 0; i < n; i++) {
    tw_tree_push_key(L, &key[i]);
    const char *inner = lua_pushfstring(L, "%s%s%s", path, *path ? "." : "", luaL_tolstring(L, -1, NULL));
    if (key[i].text) {
      put_string(w, key[i].text, key[i].length);
    } else {
      tw__bytes_u8(&w->bytes, T_INTEGER);
      tw__bytes_i64(&w->bytes, key[i].integer);
    }
    lua_pushvalue(L, -3);
    lua_rawget(L, idx);
    put_value(L, w, lua_gettop(L), inner, depth + 1);
    lua_pop(L, 4);
  }
  lua_settop(L, top);
}

static void put_value(lua_State *L, writer *w, int idx, const char *path, int depth) {
  const tw_tensor *t = tw_bind_to_tensor(L, idx);
  if (t) tw_refuse_laned(L, t, "save");
  int type = lua_type(L, idx);
  if (t) {
    put_tensor(L, w, t);
  } else if (type == LUA_TTABLE) {
    put_table(L, w, idx, path, depth);
  } else if (type == LUA_TBOOLEAN) {
    tw__bytes_u8(&w->bytes, lua_toboolean(L, idx) ? T_TRUE : T_FALSE);
  } else if (type == LUA_TNUMBER && lua_isinteger(L, idx)) {
    tw__bytes_u8(&w->bytes, T_INTEGER);
    tw__bytes_i64(&w->bytes, lua_tointeger(L, idx));
  } else if (type == LUA_TNUMBER) {
    tw__bytes_u8(&w->bytes, T_NUMBER);
    tw__bytes_f64(&w->bytes, lua_tonumber(L, idx));
  } else if (type == LUA_TSTRING) {
    size_t n;
    const char *text = lua_tolstring(L, idx, &n);
    put_string(w, text, n);
  } else {
    tw_raise(L, "save: %s is a %s; a tree holds tensors, numbers, strings, booleans and tables", *path ? path : "the tree", luaL_typename(L, idx));
  }
}

/* Protected, because the buffer is ours and the tree may raise: (writer, tree). */
static int encode(lua_State *L) {
  writer *w = lua_touserdata(L, 1);
  lua_newtable(L);
  w->seen = 3;
  tw__bytes_put(&w->bytes, magic, sizeof magic);
  tw__bytes_u64(&w->bytes, 0);
  put_value(L, w, 2, "", 0);
  if (!w->bytes.failed) {
    uint64_t length = w->bytes.size - HEADER;
    memcpy(w->bytes.data + sizeof magic, &length, sizeof length);
    tw__bytes_u32(&w->bytes, tw_crc32c(0, w->bytes.data, w->bytes.size));
  }
  if (w->bytes.failed) tw_raise(L, "save: out of memory");
  return 0;
}

/* Writes the bytes beside the path, then takes its place. */
static tw_status put_file(tw_error *e, const char *path, const char *beside, const char *folder, const tw__bytes *b) {
  size_t done;
  int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0) return tw_fail_errno(e, "save", path);
  bool written = tw__write_all(fd, b->data, b->size, &done) && fsync(fd) == 0;
  int error = errno;
  if (close(fd) != 0 && written) {
    written = false;
    error = errno;
  }
  if (written && rename(beside, path) == 0) return tw__sync_dir(folder, e);
  if (!written) errno = error;
  tw_status s = tw_fail_errno(e, "save", path);
  unlink(beside);
  return s;
}

static int save(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  luaL_checkany(L, 2);
  lua_settop(L, 2);
  const char *slash = strrchr(path, '/');
  const char *folder = slash == path ? "/" : slash ? lua_pushlstring(L, path, (size_t)(slash - path)) : ".";
  const char *beside = lua_pushfstring(L, "%s.tmp-%d", path, (int)getpid());
  writer w = {.bytes = {NULL, 0, 0, false}};
  lua_pushcfunction(L, encode);
  lua_pushlightuserdata(L, &w);
  lua_pushvalue(L, 2);
  int rc = lua_pcall(L, 2, 0, 0);
  tw_status s = TW_OK;
  tw_error *e = tw_ctx_error(tw_bind_ctx(L));
  if (rc == LUA_OK) s = put_file(e, path, beside, folder, &w.bytes);
  tw__bytes_free(&w.bytes);
  if (rc != LUA_OK) return lua_error(L);
  tw_bind_status(L, s);
  return 0;
}

/* Reading. */

typedef struct {
  tw__cursor at;
  const char *path;
  int seen;          /* stack index of a list: the tensors in the order of the file */
  lua_Integer tensors;
} reader;

static void malformed(lua_State *L, const reader *r, const char *what) { tw_raise(L, "load: %s: %s", r->path, what); }

static void get_tensor(lua_State *L, reader *r) {
  tw_shape shape = {0};
  uint8_t dtype = tw__cursor_u8(&r->at);
  bool buffer = dtype & BUFFER;
  dtype &= (uint8_t)~BUFFER;
  int64_t size = 1;
  shape.n = tw__cursor_u8(&r->at);
  if (dtype >= TW_N_DTYPES || shape.n > TW_MAX_DIM) malformed(L, r, "a tensor in it has an unknown dtype or too many axes");
  bool fits = true;
  for (int i = 0; i < shape.n; i++) {
    shape.d[i] = tw__cursor_i64(&r->at);
    fits = fits && shape.d[i] >= 0 && !__builtin_mul_overflow(size, shape.d[i], &size);
  }
  size_t item = tw_dtype_size((tw_dtype)dtype);
  if (!fits || r->at.bad || (uint64_t)size > tw__cursor_left(&r->at) / item) malformed(L, r, "a tensor in it is larger than the file");
  tw_handle *h = tw_handle_new(L);
  tw_tensor *t;
  tw_bind_status(L, tw_tensor_new(tw_bind_ctx(L), (tw_dtype)dtype, &shape, &t));
  tw_handle_fill(L, h, t);
  t->buffer = buffer;
  const uint8_t *from = tw__cursor_take(&r->at, (size_t)size * item);
  if (size) memcpy(t->data, from, (size_t)size * item);
  for (int64_t i = 0; dtype == TW_BOOL && i < size; i++) t->data[i] = t->data[i] != 0;
  lua_pushvalue(L, -1);
  lua_rawseti(L, r->seen, ++r->tensors);
}

static void get_value(lua_State *L, reader *r, int depth);

static void get_table(lua_State *L, reader *r, int depth) {
  if (depth == MAX_DEPTH) malformed(L, r, "the tree is nested too deeply");
  luaL_checkstack(L, 8, "a tree is nested too deeply");
  uint64_t n = tw__cursor_u64(&r->at);
  lua_newtable(L);
  for (uint64_t i = 0; i < n; i++) {
    if (r->at.at == r->at.end || (*r->at.at != T_INTEGER && *r->at.at != T_STRING)) malformed(L, r, "a table's key is neither integer nor string");
    get_value(L, r, depth + 1);
    get_value(L, r, depth + 1);
    lua_rawset(L, -3);
  }
}

static void get_value(lua_State *L, reader *r, int depth) {
  int tag = r->at.at < r->at.end ? tw__cursor_u8(&r->at) : -1;
  switch (tag) {
    case T_FALSE: case T_TRUE: lua_pushboolean(L, tag == T_TRUE); break;
    case T_INTEGER: lua_pushinteger(L, tw__cursor_i64(&r->at)); break;
    case T_NUMBER: lua_pushnumber(L, tw__cursor_f64(&r->at)); break;
    case T_STRING: {
      uint64_t n = tw__cursor_u64(&r->at);
      if (n > tw__cursor_left(&r->at)) malformed(L, r, "a string in it is longer than the file");
      lua_pushlstring(L, (const char *)tw__cursor_take(&r->at, n), n);
      break;
    }
    case T_TABLE: get_table(L, r, depth); break;
    case T_TENSOR: get_tensor(L, r); break;
    case T_AGAIN: {
      uint64_t before = tw__cursor_u64(&r->at);
      if (before >= (uint64_t)r->tensors) malformed(L, r, "it refers to a tensor it does not hold");
      lua_rawgeti(L, r->seen, (lua_Integer)before + 1);
      break;
    }
    default: malformed(L, r, "it holds a value of an unknown kind");
  }
  if (r->at.bad) malformed(L, r, "its values go on beyond its end");
}

/* The whole file as a block of userdata on the stack. */
static const uint8_t *read_file(lua_State *L, const char *path, size_t *n) {
  struct stat status;
  tw_error *e = tw_ctx_error(tw_bind_ctx(L));
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0 || fstat(fd, &status) != 0) {
    tw_status s = tw_fail_errno(e, "load", path);
    if (fd >= 0) close(fd);
    tw_bind_status(L, s);
  }
  close(fd);
  if (!S_ISREG(status.st_mode)) tw_raise(L, "load: %s: is no file", path);
  uint8_t *data = lua_newuserdatauv(L, (size_t)status.st_size + 1, 0);
  size_t have = 0;
  ssize_t got = 0;
  fd = open(path, O_RDONLY | O_CLOEXEC);
  while (fd >= 0 && have < (size_t)status.st_size && (got = read(fd, data + have, (size_t)status.st_size - have)) > 0) have += (size_t)got;
  if (fd < 0 || got < 0) {
    tw_status s = tw_fail_errno(e, "load", path);
    if (fd >= 0) close(fd);
    tw_bind_status(L, s);
  }
  close(fd);
  *n = have;
  return data;
}

static int load(lua_State *L) {
  reader r = {.path = luaL_checkstring(L, 1)};
  size_t n;
  lua_settop(L, 1);
  const uint8_t *data = read_file(L, r.path, &n);
  if (n < sizeof magic || memcmp(data, magic, sizeof magic - 1) != 0) return tw_raise(L, "load: %s: was not written by tw.save", r.path);
  if (data[7] != magic[7]) return tw_raise(L, "load: %s: has version %d, this thalweg reads version %d", r.path, data[7], magic[7]);
  uint64_t length = 0;
  uint32_t stored, computed;
  if (n >= HEADER) memcpy(&length, data + sizeof magic, sizeof length);
  if (n < HEADER + TRAILER || length != n - HEADER - TRAILER) {
    return tw_raise(L, "load: %s: is cut short or has grown: its length is not the one it records", r.path);
  }
  memcpy(&stored, data + n - TRAILER, sizeof stored);
  computed = tw_crc32c(0, data, n - TRAILER);
  if (stored != computed) return tw_raise(L, "load: %s: is damaged: its checksum does not fit its contents", r.path);
  r.at = (tw__cursor){data + HEADER, data + n - TRAILER, false};
  lua_newtable(L);
  r.seen = lua_gettop(L);
  get_value(L, &r, 0);
  if (r.at.at != r.at.end) malformed(L, &r, "something follows its value");
  return 1;
}

static const tw_function functions[] = {
  {"save", save, false,
   "save(path, tree)\n"
   "Writes a tree of tensors, numbers, strings and booleans to a file, crash-safe: the file appears whole or the old one stays. Views are written as the "
   "elements they show; a tensor at two places of the tree is one again when loaded. Functions, userdata and tables with a metatable are errors that name "
   "their place.\n"
   "example:\n"
   "local path = os.tmpname()\n"
   "tw.save(path, { w = tw.tensor {1, 2}, step = 3 })\n"
   "tw.load(path).w --> f64[2] [1 2]\n"
   "os.remove(path)"},
  {"load", load, false,
   "load(path) -> tree\n"
   "The tree that tw.save wrote: the same dtypes, shapes, bits, integers and floats. A file that is no saved tree, cut short or damaged is an error that "
   "says so.\n"
   "example:\n"
   "local path = os.tmpname()\n"
   "tw.save(path, { 1, 2.5, \"three\", true })\n"
   "tw.load(path)[3] --> three\n"
   "os.remove(path)"},
  {NULL, NULL, false, NULL},
};

void tw_register_save(lua_State *L) { tw_add_functions(L, functions); }
