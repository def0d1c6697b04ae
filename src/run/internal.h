/* What the files of this layer tell one another. */
#ifndef TW_RUN_INTERNAL_H
#define TW_RUN_INTERNAL_H

#include "run/run.h"

void tw__self_begin(int channel, tw_slot *slot); /* in a fresh child, every signal still blocked */
int tw__signals_fd(void);                        /* readable when a watched signal has arrived; -1 when none is watched */
void tw__signals_drain(void);
void tw__signals_drop(void);                     /* in a fresh child: closes the parent's pipe */

#endif
