/* The message writer. */
#include "base/status.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

tw_status tw_fail(tw_error *e, tw_status s, const char *format, ...) {
  if (e) {
    va_list ap;
    va_start(ap, format);
    vsnprintf(e->text, sizeof e->text, format, ap);
    va_end(ap);
    e->status = s;
  }
  return s;
}

tw_status tw_fail_errno(tw_error *e, const char *what, const char *path) {
  return tw_fail(e, TW_EIO, "%s: %s: %s", what, path, strerror(errno));
}
