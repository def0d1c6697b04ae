/* Status codes and the one error message every layer leaves behind.
 * The core never prints, exits or jumps: a function returns a status and writes its message into the tw_error it was given. */
#ifndef TW_BASE_STATUS_H
#define TW_BASE_STATUS_H

typedef enum {
  TW_OK = 0,
  TW_EINVAL,   /* the caller's argument is wrong: shape, dtype, option, range */
  TW_ENOMEM,   /* an allocation failed */
  TW_EIO,      /* the system refused: disk full, permission, I/O error */
  TW_ELOCKED,  /* somebody else holds the resource */
  TW_ECORRUPT, /* a file is not what it claims to be */
  TW_ESTATE    /* the object is in the wrong state for this call: released, modified under a tape */
} tw_status;

typedef struct {
  tw_status status;
  char text[1008];
} tw_error;

#define TW_CHECKED __attribute__((warn_unused_result))
#define TW_PRINTF(f, a) __attribute__((format(printf, f, a)))

/* Writes the message (form: `op: what is wrong: name is value; hint`) and returns s. e may be NULL. */
tw_status tw_fail(tw_error *e, tw_status s, const char *format, ...) TW_PRINTF(3, 4);

/* For a failed system call: `what: path: strerror(errno)`; TW_EIO. */
tw_status tw_fail_errno(tw_error *e, const char *what, const char *path);

#endif
