/* Spec tables: an option's name, type, default, range and sentence stand here once; checking, --help, the reference and the file read them. */
#ifndef TW_BASE_SPEC_H
#define TW_BASE_SPEC_H

#include <stdbool.h>

#include "base/status.h"

typedef enum {
  TW_OPTION_NUMBER, /* may be a schedule: read anew at every step */
  TW_OPTION_FLAG,   /* true or false */
  TW_OPTION_CHOICE, /* one of the words in `choices`; its value is the word's place, from 0 */
  TW_OPTION_SHAPE   /* a number on which depends what is computed, not only with what: one for all runs that are computed together */
} tw_option_type;

typedef struct {
  const char *name; /* NULL ends a table */
  tw_option_type type;
  double initial, min, max;
  const char *choices; /* "one two three" */
  const char *about;
} tw_option;

int tw_spec_count(const tw_option *);
int tw_spec_find(const tw_option *, const char *name); /* -1: no such option */

/* "lr, momentum, nesterov": for messages. */
char *tw_spec_names(const tw_option *, char *buffer, int bytes);

/* The place of a word among an option's choices, -1 when it is none. */
int tw_spec_choice(const tw_option *, const char *word);

/* owner: the thing whose option it is ("sgd"). NaN is outside every range. */
TW_CHECKED tw_status tw_spec_check(const tw_option *, const char *owner, double value, tw_error *);

#endif
