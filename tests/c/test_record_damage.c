/* The record under fire: full disks, damaged and hostile journals and files, memory that runs out. Nothing of it may crash or leak. */
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/alloc.h"
#include "sweeps.h"

static void test_disk_full(void) {
  TEST("a disk that is full at any moment is an error, never a crash, and the old file stays") {
    fresh();
    tw_sweep *s = load(make("a.h5.d", &(sweep_shape){.configs = 20, .repeats = 1, .steps = 50, .workers = 1}));
    pack(s, at("a.h5"), 0, NULL);
    struct stat before, after;
    stat(at("a.h5"), &before);
    signal(SIGXFSZ, SIG_IGN);
    for (rlim_t most = 500; most < (rlim_t)before.st_size; most += most / 4) {
      fflush(stdout);
      pid_t child = fork();
      if (child == 0) {
        setrlimit(RLIMIT_FSIZE, &(struct rlimit){most, most});
        tw_status status = tw_sweep_pack(s, at("a.h5"), &(tw_pack_options){.complete = true}, &sweep_err);
        _exit(status != TW_EIO || !strstr(sweep_err.text, "File too large") || access(at("a.h5.tmp"), F_OK) == 0);
      }
      int how;
      waitpid(child, &how, 0);
      CHECK_INT(how, 0);
    }
    signal(SIGXFSZ, SIG_DFL);
    stat(at("a.h5"), &after);
    CHECK(before.st_ino == after.st_ino);
    tw_sweep_free(s);
    check_same(at("a.h5.d"), at("a.h5"), 16);
  }
}

/* Everything a reader can ask of a sweep. */
static void ask_everything(tw_sweep *s, const char *again) {
  for (size_t i = 0; i < tw_sweep_runs(s); i++)
    for (size_t v = 0; v < tw_sweep_variables(s); v++) {
      const tw_variable *var = tw_sweep_variable(s, v);
      size_t n = (size_t)tw_sweep_rows(s, i, var->stream_index);
      double *x = malloc((n * (size_t)var->elements + 1) * sizeof *x);
      int64_t *steps = malloc((n + 1) * sizeof *steps);
      tw_summary sum;
      if (!x || !steps) abort();
      bool ok = tw_sweep_values(s, i, v, x, &sweep_err) == TW_OK && tw_sweep_steps(s, i, var->stream_index, steps, &sweep_err) == TW_OK;
      if (ok && var->ndim == 0) ok = tw_sweep_summary(s, i, v, &sum, &sweep_err) == TW_OK;
      free(x);
      free(steps);
    }
  if (tw_sweep_runs(s) > 0 && tw_sweep_pack(s, again, &(tw_pack_options){.complete = false}, &sweep_err) != TW_OK) return;
}

static uint64_t random_state = 88172645463325252u;
static uint64_t random_next(void) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  return random_state ^= random_state << 17;
}

static uint8_t *slurp(const char *path, size_t *n) {
  FILE *f = fopen(path, "rb");
  if (!f) abort();
  fseek(f, 0, SEEK_END);
  *n = (size_t)ftell(f);
  rewind(f);
  uint8_t *b = malloc(*n + 1);
  if (!b || fread(b, 1, *n, f) != *n) abort();
  fclose(f);
  return b;
}

static void spit(const char *path, const void *data, size_t n) {
  FILE *f = fopen(path, "wb");
  if (!f || fwrite(data, 1, n, f) != n) abort();
  fclose(f);
}

/* Changes payload words of every frame and signs them again: a hostile file whose checksums hold. */
static void corrupt_frames(uint8_t *b, size_t n) {
  size_t where = TW_JOURNAL_HEADER;
  while (where + 40 <= n) {
    uint32_t length;
    memcpy(&length, b + where + 28, 4);
    if (random_next() % 4 == 0)
      for (int k = 0; k < 2; k++) {
        size_t place = where + 4 + random_next() % (24 + (length < 200 ? length : 200));
        if (place >= where + 28 && place < where + 32) continue;
        b[place] = random_next() % 3 == 0 ? 0xff : random_next() % 2 ? 0 : (uint8_t)random_next();
      }
    uint32_t crc = tw_crc32c(0, b + where, 36 + (size_t)length);
    memcpy(b + where + 36 + length, &crc, 4);
    where += 40 + (size_t)length;
  }
}

static void test_damage(void) {
  TEST("journals damaged or hostile never crash the reader or the packer") {
    fresh();
    sweep_shape k = {.configs = 4, .repeats = 1, .steps = 15, .workers = 1, .vectors = 1};
    make("a.h5.d", &k);
    size_t n_plan, n_work;
    uint8_t *plan = slurp(at("a.h5.d/plan.jnl"), &n_plan), *work = slurp(at("a.h5.d/w0-0.jnl"), &n_work);
    uint8_t *copy = malloc(n_plan > n_work ? n_plan : n_work);
    if (!copy) abort();
    mkdir(at("b.h5.d"), 0777);
    for (int round = 0; round < 400; round++) {
      size_t n = round % 2 ? n_plan : n_work;
      memcpy(copy, round % 2 ? plan : work, n);
      if (round % 8 < 2) copy[random_next() % n] ^= (uint8_t)(1 + random_next() % 255);
      else corrupt_frames(copy, n);
      spit(at("b.h5.d/plan.jnl"), round % 2 ? copy : plan, n_plan);
      spit(at("b.h5.d/w0-0.jnl"), round % 2 ? work : copy, n_work);
      const char *path = at("b.h5.d");
      tw_sweep *s;
      if (tw_sweep_load(&path, 1, &s, &sweep_err) != TW_OK) continue;
      ask_everything(s, at("again.h5"));
      tw_sweep_free(s);
    }
    free(plan);
    free(work);
    free(copy);
  }
  TEST("a damaged file is read or refused") {
    const char *asked = getenv("TW_FUZZ_ROUNDS");
    int rounds = asked ? atoi(asked) : 150;
    fresh();
    sweep_shape k = {.configs = 3, .repeats = 1, .steps = 10, .workers = 1};
    tw_sweep *s = load(make("a.h5.d", &k));
    pack(s, at("a.h5"), 0, NULL);
    tw_sweep_free(s);
    size_t n;
    uint8_t *b = slurp(at("a.h5"), &n);
    int crashed = 0;
    for (int round = 0; round < rounds; round++) { /* in a child: HDF5 itself is not proof against every flipped byte */
      fflush(stdout);
      pid_t child = fork();
      if (child == 0) {
        random_state += (uint64_t)round * 0x9E3779B97F4A7C15u;
        if (round % 5 == 0) n = random_next() % n;
        else for (int i = 0; i < 4; i++) b[random_next() % n] ^= (uint8_t)(1 + random_next() % 255);
        spit(at("b.h5"), b, n);
        const char *path = at("b.h5");
        if (tw_sweep_load(&path, 1, &s, &sweep_err) == TW_OK) {
          ask_everything(s, at("again.h5"));
          tw_sweep_free(s);
        }
        _exit(0);
      }
      int status;
      waitpid(child, &status, 0);
      crashed += !(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    CHECK_INT(crashed, 0);
    free(b);
  }
}

static void test_memory(void) {
  TEST("every allocation may fail while loading and packing: an error and nothing leaked") {
    fresh();
    sweep_shape k = {.configs = 3, .repeats = 1, .steps = 5, .workers = 1};
    make("a.h5.d", &k);
    int64_t before = tw_alloc_live();
    bool through = false;
    for (int64_t n = 1; n < 400 && !through; n++) {
      const char *path = at("a.h5.d");
      tw_sweep *s = NULL;
      tw_alloc_fail_at(n);
      bool ok = tw_sweep_load(&path, 1, &s, &sweep_err) == TW_OK && tw_sweep_pack(s, at("a.h5"), &(tw_pack_options){0}, &sweep_err) == TW_OK;
      tw_sweep_free(s);
      s = NULL;
      path = at("a.h5");
      if (ok) ok = tw_sweep_load(&path, 1, &s, &sweep_err) == TW_OK;
      tw_sweep_free(s);
      tw_alloc_fail_at(0);
      through = ok;
    }
    CHECK(through);
    CHECK_INT(tw_alloc_live(), before);
  }
}

int main(void) {
  test_disk_full();
  test_damage();
  test_memory();
  if (top[0]) remove_dir(top);
  return check_close();
}
