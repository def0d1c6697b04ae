/* require "thalweg.sys": the few facts and acts of files, terminals and the machine that Lua's own libraries lack. A refusal is nil and a message, as in io. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bind/bind.h"

static int refuse(lua_State *L, const char *path) {
  lua_pushnil(L);
  lua_pushfstring(L, "%s: %s", path, strerror(errno));
  return 2;
}

/* sys.kind(path) -> "file" | "directory" | "other" | nil */
static int sys_kind(lua_State *L) {
  struct stat st;
  if (stat(luaL_checkstring(L, 1), &st)) return 0;
  lua_pushstring(L, S_ISREG(st.st_mode) ? "file" : S_ISDIR(st.st_mode) ? "directory" : "other");
  return 1;
}

/* sys.make_directories(path) -> true | nil, message      every missing folder on the way, too */
static int sys_make_directories(lua_State *L) {
  char path[PATH_MAX];
  const char *wanted = luaL_checkstring(L, 1);
  luaL_argcheck(L, strlen(wanted) < sizeof path, 1, "the path is too long");
  strcpy(path, wanted);
  for (char *p = path + 1;; p++) {
    if (*p && *p != '/') continue;
    char kept = *p;
    *p = 0;
    struct stat st;
    if (mkdir(path, 0777) && !(errno == EEXIST && stat(path, &st) == 0 && S_ISDIR(st.st_mode))) return refuse(L, path);
    if (!(*p = kept)) break;
  }
  lua_pushboolean(L, 1);
  return 1;
}

/* sys.writable(directory) -> true | nil, message */
static int sys_writable(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  if (access(path, W_OK | X_OK)) return refuse(L, path);
  lua_pushboolean(L, 1);
  return 1;
}

static bool remove_inside(int at, const char *name) {
  int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return false;
  DIR *dir = fdopendir(fd);
  if (!dir) {
    close(fd);
    return false;
  }
  bool ok = true;
  for (struct dirent *entry; ok && (entry = readdir(dir));) {
    if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
    ok = unlinkat(fd, entry->d_name, 0) == 0 || (errno == EISDIR && remove_inside(fd, entry->d_name));
  }
  ok = closedir(dir) == 0 && ok;
  return ok && unlinkat(at, name, AT_REMOVEDIR) == 0;
}

/* sys.remove_directory(path) -> true | nil, message      with everything in it; links are removed, not followed */
static int sys_remove_directory(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  if (!remove_inside(AT_FDCWD, path)) return refuse(L, path);
  lua_pushboolean(L, 1);
  return 1;
}

/* sys.list(directory) -> names, sorted bytewise | nil, message */
static int by_name(const struct dirent **a, const struct dirent **b) { return strcmp((*a)->d_name, (*b)->d_name); }

static int sys_list(lua_State *L) {
  const char *path = luaL_checkstring(L, 1);
  lua_newtable(L);
  struct dirent **entries = NULL;
  int n = scandir(path, &entries, NULL, by_name);
  if (n < 0) return refuse(L, path);
  lua_Integer count = 0;
  for (int i = 0; i < n; i++) {
    const char *name = entries[i]->d_name;
    if (strcmp(name, ".") && strcmp(name, "..")) {
      lua_pushstring(L, name);
      lua_rawseti(L, -2, ++count);
    }
    free(entries[i]);
  }
  free(entries);
  return 1;
}

/* sys.terminal("out" | "err") -> columns when that stream is a terminal, else nil */
static int sys_terminal(lua_State *L) {
  static const char *const names[] = {"out", "err", NULL};
  int fd = luaL_checkoption(L, 1, "out", names) == 0 ? STDOUT_FILENO : STDERR_FILENO;
  if (!isatty(fd)) return 0;
  struct winsize size = {0};
  lua_pushinteger(L, ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80);
  return 1;
}

static int sys_host(lua_State *L) {
  char name[256];
  if (gethostname(name, sizeof name)) strcpy(name, "unknown");
  name[sizeof name - 1] = 0;
  lua_pushstring(L, name);
  return 1;
}

/* sys.cpus() -> number of processors this process may use */
static int sys_cpus(lua_State *L) {
  cpu_set_t set;
  lua_pushinteger(L, sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1);
  return 1;
}

/* sys.cache() -> bytes of a processor's second-level cache, nil when the system does not tell */
static int sys_cache(lua_State *L) {
  long bytes = sysconf(_SC_LEVEL2_CACHE_SIZE);
  if (bytes <= 0) return 0;
  lua_pushinteger(L, bytes);
  return 1;
}

/* sys.binary() -> the file this code was loaded from: the command, or thalweg.so inside a stock lua5.4; nil when the system does not tell */
static int sys_binary(lua_State *L) {
  static const char here = 0;
  Dl_info info;
  struct link_map *map = NULL;
  char path[PATH_MAX];
  /* The program itself has an empty name in the loader's list. */
  if (!dladdr1(&here, &info, (void **)&map, RTLD_DL_LINKMAP) || !map) return 0;
  if (!realpath(map->l_name[0] ? map->l_name : "/proc/self/exe", path)) return 0;
  lua_pushstring(L, path);
  return 1;
}

static const luaL_Reg functions[] = {
  {"kind", sys_kind}, {"make_directories", sys_make_directories}, {"writable", sys_writable}, {"remove_directory", sys_remove_directory},
  {"list", sys_list}, {"terminal", sys_terminal},                 {"host", sys_host},         {"cpus", sys_cpus},
  {"cache", sys_cache}, {"binary", sys_binary},
  {NULL, NULL},
};

int luaopen_thalweg_sys(lua_State *L) {
  luaL_newlib(L, functions);
  return 1;
}
