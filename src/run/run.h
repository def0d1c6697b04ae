/* Child processes: fork, a channel of plain messages each way, a shared slot for progress, how a child ended, and the signals that matter.
 * The only layer that forks. It does not know what a message means nor what a child does. */
#ifndef TW_RUN_RUN_H
#define TW_RUN_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/status.h"

enum { TW_MESSAGE_MAX = 60000 }; /* bytes; a message arrives whole or not at all */

/* Shared memory, one per child: one side writes a field, the other reads it whenever it likes. */
typedef struct {
  _Atomic int64_t run;     /* child: what it works on; 0 between two runs */
  _Atomic double done;     /* child: progress within that run */
  _Atomic double total;    /* child: 0 while the run has told none */
  _Atomic int64_t revoked; /* parent: what was sent up to this batch need not be begun any more */
} tw_slot;

typedef struct {
  bool signaled;
  int number; /* exit code, or the signal that ended it */
} tw_end;

typedef struct tw_child tw_child;

/* The parent's side. */

/* Forks. In the parent *out is the new child; in the child *out is NULL and the tw_self functions work. Every buffered stream is flushed first.
 * The child gets SIGKILL when its parent dies, reads /dev/null as standard input, does not react to SIGINT and SIGUSR1, takes SIGTERM as a wish to
 * stop, and must leave through tw_self_exit. */
TW_CHECKED tw_status tw_child_fork(tw_child **out, tw_error *e);
void tw_child_free(tw_child *); /* ends and reaps a child still alive; NULL is allowed */

pid_t tw_child_pid(const tw_child *);
tw_slot *tw_child_slot(const tw_child *);
bool tw_child_send(tw_child *, const void *message, size_t bytes); /* false: the child is gone or does not read */
void tw_child_hang_up(tw_child *);                                 /* the child's next tw_self_receive finds the end, after what was sent */
void tw_child_kill(tw_child *, int signal);
bool tw_child_reap(tw_child *, bool wait, tw_end *out);            /* false: still alive */

typedef enum { TW_RECEIVED, TW_NOTHING, TW_CLOSED } tw_receipt;
tw_receipt tw_child_receive(tw_child *, char buffer[TW_MESSAGE_MAX], size_t *bytes); /* never waits */

/* Waits until a child has sent something or died, a watched signal arrived, or the time is over; ready[i] says which children to ask. */
TW_CHECKED tw_status tw_child_poll(tw_child *const *children, size_t n, double seconds, bool *ready, tw_error *e);

/* Signals of the parent: between watch and unwatch SIGINT, SIGTERM, SIGUSR1 and SIGCHLD only wake tw_child_poll and are counted. */
typedef struct {
  int interrupts;   /* SIGINT */
  int terminations; /* SIGTERM, SIGUSR1 */
} tw_signals;

TW_CHECKED tw_status tw_signals_watch(tw_error *e);
void tw_signals_unwatch(void);
tw_signals tw_signals_seen(void);

/* The child's side. */

bool tw_self_receive(char buffer[TW_MESSAGE_MAX], size_t *bytes); /* waits; false: the parent hung up or wants this process to stop */
bool tw_self_send(const void *message, size_t bytes);
bool tw_self_stopping(void);                                      /* SIGTERM has arrived */
void tw_self_on_stop(void (*f)(void));                            /* called from the signal handler */
tw_slot *tw_self_slot(void);                                      /* NULL outside a child */
_Noreturn void tw_self_exit(int code);                            /* flushes the streams, runs no exit handler */

/* Standard output and error go to this file (emptied first) from now on. */
TW_CHECKED tw_status tw_self_capture(const char *path, tw_error *e);
int64_t tw_self_captured(void); /* bytes in it */

/* Clocks, in seconds: wall is monotonic, cpu is this process's user and system time. */
double tw_clock_wall(void);
double tw_clock_cpu(void);

#endif
