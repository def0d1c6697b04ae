/* The child's side: its channel, its slot, its signals, and where its output goes. Also the clocks. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "run/internal.h"
#include "run/run.h"

static int self_channel = -1;
static tw_slot *self_slot;
static volatile sig_atomic_t stopping;
static void (*volatile on_stop)(void);

static void on_term(int number) {
  (void)number;
  stopping = 1;
  if (on_stop) on_stop();
}

/* A handler that does nothing, rather than SIG_IGN, which programs started by a run would inherit. */
static void on_nothing(int number) { (void)number; }

void tw__self_begin(int channel, tw_slot *slot) {
  self_channel = channel;
  self_slot = slot;
  tw__signals_drop();
  struct sigaction action = {.sa_flags = SA_RESTART};
  sigemptyset(&action.sa_mask);
  action.sa_handler = on_nothing;
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGUSR1, &action, NULL);
  action.sa_handler = on_term;
  sigaction(SIGTERM, &action, NULL);
  action.sa_handler = SIG_DFL;
  sigaction(SIGCHLD, &action, NULL);
}

bool tw_self_receive(char buffer[TW_MESSAGE_MAX], size_t *bytes) {
  while (self_channel >= 0 && !stopping) {
    struct pollfd fd = {.fd = self_channel, .events = POLLIN};
    if (poll(&fd, 1, -1) < 0) { /* a signal ends poll whatever SA_RESTART says */
      if (errno == EINTR) continue;
      return false;
    }
    ssize_t n = recv(self_channel, buffer, TW_MESSAGE_MAX, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    *bytes = (size_t)n;
    return true;
  }
  return false;
}

bool tw_self_send(const void *message, size_t bytes) {
  if (self_channel < 0 || bytes > TW_MESSAGE_MAX) return false;
  ssize_t n;
  do n = send(self_channel, message, bytes, MSG_NOSIGNAL);
  while (n < 0 && errno == EINTR);
  return n == (ssize_t)bytes;
}

bool tw_self_stopping(void) { return stopping; }
void tw_self_on_stop(void (*f)(void)) { on_stop = f; }
tw_slot *tw_self_slot(void) { return self_slot; }

void tw_self_exit(int code) {
  fflush(NULL);
  _exit(code);
}

tw_status tw_self_capture(const char *path, tw_error *e) {
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0666);
  if (fd < 0) return tw_fail_errno(e, "capture", path);
  fflush(NULL);
  bool ok = dup2(fd, STDOUT_FILENO) >= 0 && dup2(fd, STDERR_FILENO) >= 0;
  close(fd);
  setvbuf(stdout, NULL, _IOLBF, 0); /* in the order things were written, and there when the process dies */
  return ok ? TW_OK : tw_fail_errno(e, "capture", path);
}

int64_t tw_self_captured(void) {
  fflush(stdout);
  struct stat st;
  return fstat(STDOUT_FILENO, &st) == 0 && S_ISREG(st.st_mode) ? st.st_size : 0;
}

static double read_clock(clockid_t id) {
  struct timespec t;
  clock_gettime(id, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double tw_clock_wall(void) { return read_clock(CLOCK_MONOTONIC); }
double tw_clock_cpu(void) { return read_clock(CLOCK_PROCESS_CPUTIME_ID); }
