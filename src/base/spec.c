/* Reading spec tables. */
#include "base/spec.h"

#include <stdio.h>
#include <string.h>

int tw_spec_count(const tw_option *options) {
  int n = 0;
  while (options[n].name) n++;
  return n;
}

int tw_spec_find(const tw_option *options, const char *name) {
  for (int i = 0; options[i].name; i++) {
    if (strcmp(options[i].name, name) == 0) return i;
  }
  return -1;
}

char *tw_spec_names(const tw_option *options, char *buffer, int bytes) {
  int used = 0;
  buffer[0] = 0;
  for (int i = 0; options[i].name && used < bytes; i++) {
    used += snprintf(buffer + used, (size_t)(bytes - used), "%s%s", i ? ", " : "", options[i].name);
  }
  return buffer;
}

int tw_spec_choice(const tw_option *o, const char *word) {
  size_t length = strlen(word);
  int place = 0;
  for (const char *p = o->choices; *p; place++) {
    size_t n = strcspn(p, " ");
    if (n == length && memcmp(p, word, n) == 0) return place;
    p += n;
    p += *p == ' ';
  }
  return -1;
}

tw_status tw_spec_check(const tw_option *o, const char *owner, double value, tw_error *e) {
  if (value >= o->min && value <= o->max) return TW_OK;
  return tw_fail(e, TW_EINVAL, "%s: %s must be in [%g, %g], got %g", owner, o->name, o->min, o->max, value);
}
