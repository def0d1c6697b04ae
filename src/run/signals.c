/* The parent's signals: handlers that count and write one byte into a pipe, which poll reads. Handlers, unlike a blocked mask, do not reach the
 * programs a script starts. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "run/internal.h"
#include "run/run.h"

static const int watched[] = {SIGINT, SIGTERM, SIGUSR1, SIGCHLD};
enum { N_WATCHED = sizeof watched / sizeof *watched };

static struct sigaction before[N_WATCHED];
static int wake[2] = {-1, -1};
static volatile sig_atomic_t interrupts, terminations;

static void on_signal(int number) {
  int saved = errno;
  if (number == SIGINT) interrupts++;
  else if (number != SIGCHLD) terminations++;
  ssize_t ignored = write(wake[1], "", 1); /* a full pipe wakes as well */
  (void)ignored;
  errno = saved;
}

tw_status tw_signals_watch(tw_error *e) {
  if (wake[0] >= 0) return TW_OK;
  if (pipe2(wake, O_CLOEXEC | O_NONBLOCK)) return tw_fail_errno(e, "signals", "pipe");
  interrupts = terminations = 0;
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
  sigemptyset(&action.sa_mask);
  for (int i = 0; i < N_WATCHED; i++) sigaction(watched[i], &action, &before[i]);
  return TW_OK;
}

void tw_signals_unwatch(void) {
  if (wake[0] < 0) return;
  for (int i = 0; i < N_WATCHED; i++) sigaction(watched[i], &before[i], NULL);
  tw__signals_drop();
}

tw_signals tw_signals_seen(void) { return (tw_signals){.interrupts = interrupts, .terminations = terminations}; }

int tw__signals_fd(void) { return wake[0]; }

void tw__signals_drain(void) {
  char bytes[64];
  while (read(wake[0], bytes, sizeof bytes) > 0) continue;
}

void tw__signals_drop(void) {
  for (int i = 0; i < 2; i++) {
    if (wake[i] >= 0) close(wake[i]);
    wake[i] = -1;
  }
}
