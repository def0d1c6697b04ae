/* The journal in bad times: damaged and hostile files, full disks, several processes, allocations that fail. */
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "journals.h"

static void test_damage(void) {
  fresh_dir();
  write_runs(6, 40);
  size_t n;
  double sum;
  char *path = path_in("w0-0.jnl");
  char original[160], copy[160];
  strcpy(original, path);
  snprintf(copy, sizeof copy, "%s/copy.jnl", dir);
  uint8_t *bytes = slurp(original, &n), *b = malloc(n);
  if (!b) abort();
  int whole = devour(original, &sum);

  TEST("a file cut anywhere reads as its whole frames") {
    int before = 0;
    for (size_t cut = 0; cut <= n; cut += cut < 200 ? 1 : 97) {
      spit(copy, bytes, cut);
      int frames = devour(copy, &sum);
      CHECK(frames >= before && frames <= whole);
      before = frames;
    }
    spit(copy, bytes, n - 1);
    CHECK_INT(devour(copy, &sum), whole - 1);
  }
  TEST("any flipped byte ends the reading at its frame, never later") {
    for (size_t at = 0; at < n; at += 13) {
      memcpy(b, bytes, n);
      b[at] ^= (uint8_t)(1 + at % 255);
      spit(copy, b, n);
      CHECK(devour(copy, &sum) < whole);
    }
  }
  TEST("hostile frames with a good checksum are never believed beyond their bytes") {
    uint64_t random = 88172645463325252u;
    for (int round = 0; round < 3000; round++) {
      memcpy(b, bytes, n);
      size_t at = TW_JOURNAL_HEADER;
      while (at + 40 <= n) { /* change words of the payload and of the header's rows and steps, then sign again */
        uint32_t length;
        memcpy(&length, b + at + 28, 4);
        for (int k = 0; k < 2; k++) {
          random ^= random << 13;
          random ^= random >> 7;
          random ^= random << 17;
          size_t where = at + 4 + random % (24 + (length < 64 ? length : 64));
          if (where >= at + 28 && where < at + 32) continue;
          b[where] = random >> 40 & 1 ? 0xff : (uint8_t)(random >> 32);
        }
        uint32_t crc = tw_crc32c(0, b + at, 32 + (size_t)length + 4);
        memcpy(b + at + 36 + length, &crc, 4);
        at += 40 + (size_t)length;
      }
      spit(copy, b, n);
      CHECK_INT(devour(copy, &sum), whole);
    }
  }
  free(b);
  free(bytes);
}

static void test_disk_full(void) {
  TEST("a refused write leaves whole frames only, says so, and goes on once there is room") {
    fresh_dir();
    struct rlimit unlimited, small;
    getrlimit(RLIMIT_FSIZE, &unlimited);
    small = unlimited;
    small.rlim_cur = 20000;
    signal(SIGXFSZ, SIG_IGN);
    tw_logbook *b = book_new(TW_SYNC_OFF);
    setrlimit(RLIMIT_FSIZE, &small);
    static const char *const names[] = {"loss", NULL};
    for (int r = 0; r < 5; r++) {
      begin(b, r);
      for (int i = 0; i < 1000; i++) row(b, "", NULL, names, (const double[]){1});
      finish(b);
    }
    CHECK_INT(tw_logbook_flush(b, &err), TW_EIO);
    CHECK(strstr(err.text, "is whole") != NULL);
    tw_reader *r;
    CHECK_INT(tw_reader_open(tw_logbook_path(b), &r, &err), TW_OK);
    CHECK_INT(tw_reader_torn(r), 0);
    CHECK(tw_reader_good(r) > 10000 && tw_reader_good(r) <= 20000);
    tw_reader_free(r);
    CHECK_INT(tw_logbook_begin(b, 9, 1, 0, 1, NULL, 0, &err), TW_EIO);
    setrlimit(RLIMIT_FSIZE, &unlimited);
    CHECK_INT(tw_logbook_begin(b, 9, 1, 0, 1, NULL, 0, &err), TW_OK);
    finish(b);
    CHECK_INT(tw_logbook_close(b, &err), TW_OK);
    double sum;
    CHECK_INT(devour(tw_logbook_path(b), &sum), 5 * 3 + 1 + 2); /* start, block, end; one define; the run after */
    tw_logbook_free(b);
    signal(SIGXFSZ, SIG_DFL);
  }
}

static void test_processes(void) {
  TEST("a journal is read while its writer is alive: whole frames only") {
    fresh_dir();
    tw_logbook *b = book_new(TW_SYNC_RUN);
    double sum;
    int before = devour(tw_logbook_path(b), &sum);
    CHECK_INT(before, 0);
    begin(b, 1);
    row(b, "", NULL, (const char *const[]){"loss", NULL}, (const double[]){1});
    CHECK_INT(tw_logbook_flush(b, &err), TW_OK);
    CHECK_INT(devour(tw_logbook_path(b), &sum), 3); /* start, define, block */
    finish(b);
    CHECK_INT(devour(tw_logbook_path(b), &sum), 4);
    tw_logbook_free(b);
  }
  TEST("a long run's rows are visible a second later, at its next row") {
    fresh_dir();
    tw_logbook *b = book_new(TW_SYNC_OFF);
    double sum;
    static const char *const loss[] = {"loss", NULL};
    begin(b, 1);
    row(b, "", NULL, loss, (const double[]){1});
    CHECK_INT(devour(tw_logbook_path(b), &sum), 1); /* the run's start: the first write is due at once */
    usleep(1050000);
    row(b, "", NULL, loss, (const double[]){2});
    CHECK_INT(devour(tw_logbook_path(b), &sum), 3); /* and its definition and block */
    finish(b);
    tw_logbook_free(b);
  }
  TEST("what a parent buffered is not written by its forked child") {
    fresh_dir();
    tw_logbook *b = book_new(TW_SYNC_OFF);
    begin(b, 1);
    row(b, "", NULL, (const char *const[]){"loss", NULL}, (const double[]){1});
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
      tw_logbook_free(b);
      _exit(0);
    }
    waitpid(child, NULL, 0);
    finish(b);
    CHECK_INT(tw_logbook_close(b, &err), TW_OK);
    double sum;
    CHECK_INT(devour(tw_logbook_path(b), &sum), 4);
    tw_logbook_free(b);
  }
  TEST("a worker that comes back gets the next epoch") {
    fresh_dir();
    for (int i = 0; i < 3; i++) tw_logbook_free(book_new(TW_SYNC_OFF));
    tw_journal_name *names;
    size_t n;
    CHECK_INT(tw_journal_list(dir, &names, &n, &err), TW_OK);
    CHECK_INT(n, 3);
    CHECK_STR(names[2].name, "w0-2.jnl");
    tw_free(names);
  }
  TEST("one lock at a time, naming its holder; a forked child does not release it") {
    fresh_dir();
    tw_lock *a, *b;
    CHECK_INT(tw_lock_new(dir, &a, &err), TW_OK);
    CHECK_INT(tw_lock_new(dir, &b, &err), TW_ELOCKED);
    char want[64];
    snprintf(want, sizeof want, "is being written by process %ld on host ", (long)getpid());
    CHECK(strstr(err.text, want) != NULL);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
      tw_lock_free(a);
      _exit(0);
    }
    waitpid(child, NULL, 0);
    CHECK_INT(tw_lock_new(dir, &b, &err), TW_ELOCKED);
    tw_lock_free(a);
    CHECK_INT(tw_lock_new(dir, &b, &err), TW_OK);
    tw_lock_free(b);
  }
}

static void test_memory(void) {
  TEST("every allocation may fail: an error, nothing lost, nothing leaked") {
    int64_t before = tw_alloc_live();
    for (int64_t n = 1; n < 60; n++) {
      fresh_dir();
      tw_alloc_fail_at(n);
      tw_logbook *b;
      if (tw_logbook_new(dir, 0, uuid, TW_SYNC_OFF, &b, &err) == TW_OK) {
        tw_text loss = text("loss");
        uint32_t slot;
        int64_t stamped;
        const char *bad;
        bool ok = tw_logbook_begin(b, 1, 1, 0, 1, &loss, 1, &err) == TW_OK && tw_logbook_slot(b, 0, loss, &slot, &err) == TW_OK;
        for (int i = 0; ok && i < 100; i++)
          ok = tw_logbook_row_begin(b, 0, &err) == TW_OK && tw_logbook_stage(b, slot, TW_COLUMN_F64, 1, &err) == TW_OK &&
               tw_logbook_row_end(b, NULL, &stamped, &bad, &err) == TW_OK;
        if (ok && tw_logbook_finish(b, TW_RUN_DONE, text(""), 0, 0, &err) == TW_OK) CHECK_INT(tw_logbook_close(b, &err), TW_OK);
        tw_logbook_free(b);
      }
      tw_alloc_fail_at(0);
      double sum;
      tw_alloc_fail_at(n);
      devour(path_in("w0-0.jnl"), &sum);
      tw_alloc_fail_at(0);
    }
    CHECK_INT(tw_alloc_live(), before);
  }
}

int main(void) {
  test_damage();
  test_disk_full();
  test_processes();
  test_memory();
  if (dir[0]) remove_dir(dir);
  return check_close();
}
