/* Memory for many small blocks that soon go again, as a script's objects do: at a fraction of malloc's price, which larger ones are asked of. The owner
 * remembers sizes. Under AddressSanitizer everything is malloc's, so that it sees every use after release. One user per process. */
#ifndef TW_BASE_SMALL_H
#define TW_BASE_SMALL_H

#include <stddef.h>

void *tw_small_realloc(void *p, size_t had, size_t wanted); /* as Lua's allocators: p NULL: new; wanted 0: freed, NULL; NULL: out of memory, p stays valid */
void tw_small_free_all(void);                               /* when none of the small blocks is in use any more */

#endif
