/* The parent's side: a child and its channel. A channel is a SOCK_SEQPACKET pair, so that messages keep their borders; its end of file is the child's death. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "run/internal.h"
#include "run/run.h"

struct tw_child {
  pid_t pid, owner; /* owner: the process that forked it; only that one may end and reap it */
  int channel;
  bool reaped;
  tw_end end;
  tw_slot *slot;
  tw_child *next, **link; /* all children of this process, so that a new child can close its brothers' channels */
};

static tw_child *children;

static void become_child(tw_child *c, pid_t parent, int channel) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1); /* it died before prctl */
  for (tw_child *other = children; other; other = other->next) {
    if (other->channel >= 0) close(other->channel);
    other->channel = -1;
  }
  int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (null >= 0) {
    dup2(null, STDIN_FILENO);
    close(null);
  }
  tw__self_begin(channel, c->slot);
}

static void forget(tw_child *c) {
  *c->link = c->next;
  if (c->next) c->next->link = c->link;
  if (c->channel >= 0) close(c->channel);
  munmap(c->slot, sizeof *c->slot);
  tw_free(c);
}

tw_status tw_child_fork(tw_child **out, tw_error *e) {
  *out = NULL;
  int pair[2] = {-1, -1};
  tw_status s = TW_OK;
  tw_child *c = tw_calloc(1, sizeof *c);
  if (!c) return tw_fail(e, TW_ENOMEM, "fork: out of memory");
  c->slot = mmap(NULL, sizeof *c->slot, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (c->slot == MAP_FAILED) {
    s = tw_fail_errno(e, "fork", "shared memory");
    goto out;
  }
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair)) {
    s = tw_fail_errno(e, "fork", "socketpair");
    goto out;
  }
  fflush(NULL);
  sigset_t all, before;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, &before); /* no signal reaches the child before its own handlers stand */
  c->owner = getpid();
  c->pid = fork();
  if (c->pid == 0) {
    close(pair[0]);
    become_child(c, c->owner, pair[1]);
    sigprocmask(SIG_SETMASK, &before, NULL);
    tw_free(c);
    return TW_OK;
  }
  int saved = errno;
  sigprocmask(SIG_SETMASK, &before, NULL);
  close(pair[1]);
  pair[1] = -1;
  if (c->pid < 0) {
    errno = saved;
    s = tw_fail_errno(e, "fork", "no new process");
    goto out;
  }
  c->channel = pair[0];
  c->next = children;
  c->link = &children;
  if (children) children->link = &c->next;
  children = c;
  *out = c;
  return TW_OK;
out:
  if (c->slot != MAP_FAILED && c->slot) munmap(c->slot, sizeof *c->slot);
  if (pair[0] >= 0) close(pair[0]);
  tw_free(c);
  return s;
}

void tw_child_free(tw_child *c) {
  if (!c) return;
  tw_end end;
  if (c->owner == getpid() && !tw_child_reap(c, false, &end)) {
    tw_child_kill(c, SIGKILL);
    tw_child_reap(c, true, &end);
  }
  forget(c);
}

pid_t tw_child_pid(const tw_child *c) { return c->pid; }
tw_slot *tw_child_slot(const tw_child *c) { return c->slot; }

bool tw_child_send(tw_child *c, const void *message, size_t bytes) {
  return c->channel >= 0 && bytes <= TW_MESSAGE_MAX && send(c->channel, message, bytes, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)bytes;
}

void tw_child_hang_up(tw_child *c) {
  if (c->channel >= 0) shutdown(c->channel, SHUT_WR);
}

void tw_child_kill(tw_child *c, int signal) {
  if (!c->reaped && c->owner == getpid()) kill(c->pid, signal);
}

bool tw_child_reap(tw_child *c, bool wait, tw_end *out) {
  if (!c->reaped) {
    if (c->owner != getpid()) return false;
    int status = 0;
    pid_t got;
    do got = waitpid(c->pid, &status, wait ? 0 : WNOHANG);
    while (got < 0 && errno == EINTR);
    if (got == 0) return false;
    c->reaped = true;
    c->end.signaled = got > 0 && WIFSIGNALED(status);
    c->end.number = got < 0 ? -1 : c->end.signaled ? WTERMSIG(status) : WEXITSTATUS(status);
  }
  *out = c->end;
  return true;
}

tw_receipt tw_child_receive(tw_child *c, char buffer[TW_MESSAGE_MAX], size_t *bytes) {
  if (c->channel < 0) return TW_CLOSED;
  ssize_t n;
  /* A child that leaves without having read everything causes ECONNRESET, once, ahead of the messages it had sent before. */
  do n = recv(c->channel, buffer, TW_MESSAGE_MAX, MSG_DONTWAIT);
  while (n < 0 && (errno == EINTR || errno == ECONNRESET));
  if (n > 0) {
    *bytes = (size_t)n;
    return TW_RECEIVED;
  }
  return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) ? TW_NOTHING : TW_CLOSED;
}

tw_status tw_child_poll(tw_child *const *list, size_t n, double seconds, bool *ready, tw_error *e) {
  struct pollfd *fds = tw_alloc((n + 1) * sizeof *fds);
  if (!fds) return tw_fail(e, TW_ENOMEM, "poll: out of memory");
  for (size_t i = 0; i < n; i++) fds[i] = (struct pollfd){.fd = list[i]->channel, .events = POLLIN};
  fds[n] = (struct pollfd){.fd = tw__signals_fd(), .events = POLLIN}; /* -1 when nothing is watched: poll passes over it */
  int timeout = seconds < 0 ? -1 : seconds > 1e6 ? 1000000000 : (int)(seconds * 1e3 + 0.999);
  tw_status s = TW_OK;
  if (poll(fds, (nfds_t)n + 1, timeout) < 0 && errno != EINTR) s = tw_fail_errno(e, "poll", "children");
  for (size_t i = 0; i < n; i++) ready[i] = s == TW_OK && (fds[i].revents & (POLLIN | POLLHUP | POLLERR)) != 0;
  if (s == TW_OK && fds[n].revents) tw__signals_drain();
  tw_free(fds);
  return s;
}
