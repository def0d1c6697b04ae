/* One writer per sweep: an flock on DIR/lock, which also says who holds it; where flock is refused, the file itself is the lock. Also the list of
 * a directory's journals. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "journal/bytes.h"

struct tw_lock {
  int fd;
  pid_t owner;
  bool by_existence; /* flock is not to be had: O_EXCL made the file, removing it is the release */
  char path[1024];
};

typedef struct {
  long pid;
  char host[80], boot[48];
} holder;

static void holder_of_us(holder *h) {
  *h = (holder){.pid = (long)getpid()};
  if (gethostname(h->host, sizeof h->host - 1) != 0 || !h->host[0]) strcpy(h->host, "unknown");
  FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");
  if (!f || fscanf(f, "%47s", h->boot) != 1) strcpy(h->boot, "unknown");
  if (f) fclose(f);
}

static bool holder_read(const char *path, holder *h) {
  *h = (holder){0};
  FILE *f = fopen(path, "re");
  int n = f ? fscanf(f, "process %ld on %79s boot %47s", &h->pid, h->host, h->boot) : 0;
  if (f) fclose(f);
  return n == 3;
}

static bool holder_write(int fd) {
  char text[256];
  holder h;
  size_t done;
  holder_of_us(&h);
  int n = snprintf(text, sizeof text, "process %ld on %s boot %s\n", h.pid, h.host, h.boot);
  return ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0 && tw__write_all(fd, text, (size_t)n, &done);
}

static tw_status held(const char *dir, const char *path, tw_error *e) {
  holder h;
  if (!holder_read(path, &h)) return tw_fail(e, TW_ELOCKED, "%s is being written by another process", dir);
  return tw_fail(e, TW_ELOCKED, "%s is being written by process %ld on host %s", dir, h.pid, h.host);
}

/* The holder is known to be gone: another boot of this host, or a process that is no more. */
static bool holder_gone(const char *path) {
  holder h, us;
  holder_of_us(&us);
  if (!holder_read(path, &h) || strcmp(h.host, us.host) != 0) return false;
  return strcmp(h.boot, us.boot) != 0 || (h.pid > 0 && kill((pid_t)h.pid, 0) != 0 && errno == ESRCH);
}

static tw_status lock_by_existence(tw_lock *l, const char *dir, tw_error *e) {
  char path[sizeof l->path + 8];
  snprintf(path, sizeof path, "%s.owner", l->path);
  if (strlen(path) >= sizeof l->path) return tw_fail(e, TW_EINVAL, "lock: path is too long: %s", dir);
  close(l->fd);
  if (holder_gone(path)) unlink(path);
  l->fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (l->fd < 0) return errno == EEXIST ? held(dir, path, e) : tw_fail_errno(e, "lock", path);
  strcpy(l->path, path);
  l->by_existence = true;
  return TW_OK;
}

static tw_status make_dir(const char *dir, tw_error *e) {
  struct stat st;
  if (mkdir(dir, 0777) == 0) return TW_OK;
  if (errno != EEXIST) return tw_fail_errno(e, "lock", dir);
  if (stat(dir, &st) != 0) return tw_fail_errno(e, "lock", dir);
  return S_ISDIR(st.st_mode) ? TW_OK : tw_fail(e, TW_EIO, "lock: not a directory: %s", dir);
}

tw_status tw_lock_new(const char *dir, tw_lock **out, tw_error *e) {
  *out = NULL;
  tw_status s = make_dir(dir, e);
  if (s != TW_OK) return s;
  tw_lock *l = tw_calloc(1, sizeof *l);
  if (!l) return tw_fail(e, TW_ENOMEM, "lock: out of memory");
  l->owner = getpid();
  int n = snprintf(l->path, sizeof l->path, "%s/lock", dir);
  if (n < 0 || (size_t)n >= sizeof l->path) s = tw_fail(e, TW_EINVAL, "lock: path is too long: %s", dir);
  l->fd = s == TW_OK ? open(l->path, O_RDWR | O_CREAT | O_CLOEXEC, 0666) : -1;
  if (s == TW_OK && l->fd < 0) s = tw_fail_errno(e, "lock", l->path);
  if (s == TW_OK && flock(l->fd, LOCK_EX | LOCK_NB) != 0) s = errno == EWOULDBLOCK ? held(dir, l->path, e) : lock_by_existence(l, dir, e);
  if (s == TW_OK && !holder_write(l->fd)) {
    s = tw_fail_errno(e, "lock", l->path);
    if (l->by_existence) unlink(l->path);
  }
  if (s == TW_OK) *out = l;
  else {
    if (l->fd >= 0) close(l->fd);
    tw_free(l);
  }
  return s;
}

void tw_lock_free(tw_lock *l) {
  if (!l) return;
  if (l->owner == getpid()) {
    if (l->by_existence) unlink(l->path);
    else if (ftruncate(l->fd, 0) != 0 || flock(l->fd, LOCK_UN) != 0) { /* closing is all that is left */ }
  }
  close(l->fd);
  tw_free(l);
}

static int by_worker(const void *a, const void *b) {
  const tw_journal_name *x = a, *y = b;
  if (x->worker != y->worker) return x->worker < y->worker ? -1 : 1;
  return (x->epoch > y->epoch) - (x->epoch < y->epoch);
}

tw_status tw_journal_list(const char *dir, tw_journal_name **out, size_t *n, tw_error *e) {
  *out = NULL;
  *n = 0;
  size_t capacity = 0;
  DIR *d = opendir(dir);
  if (!d) return tw_fail_errno(e, "journal", dir);
  tw_journal_name *list = NULL;
  for (struct dirent *entry; (entry = readdir(d)) != NULL;) {
    tw_journal_name name;
    int end = 0;
    if (sscanf(entry->d_name, "w%9u-%9u.jnl%n", &name.worker, &name.epoch, &end) != 2 || end == 0 || entry->d_name[end]) continue;
    if (strlen(entry->d_name) >= sizeof name.name) continue;
    strcpy(name.name, entry->d_name);
    tw_journal_name *moved = tw_grow(list, &capacity, *n, sizeof *list);
    if (!moved) {
      tw_free(list);
      closedir(d);
      *n = 0;
      return tw_fail(e, TW_ENOMEM, "journal: out of memory");
    }
    list = moved;
    list[(*n)++] = name;
  }
  closedir(d);
  if (*n) qsort(list, *n, sizeof *list, by_worker);
  *out = list;
  return TW_OK;
}
