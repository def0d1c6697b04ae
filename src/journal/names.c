/* Names of metrics, streams and results, and the names the file keeps for itself. */
#include "journal/journal.h"

enum { NAME_MAX_CHARS = 100 };

bool tw_name_valid(tw_text name) {
  if (name.n == 0 || name.n > NAME_MAX_CHARS || name.s[0] < 'a' || name.s[0] > 'z') return false;
  for (size_t i = 1; i < name.n; i++) {
    char c = name.s[i];
    if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_')) return false;
  }
  return true;
}

bool tw_name_reserved(tw_text name) {
  static const char *const taken[] = {"run", "step", "idx", "config", "repeat", "run_id", "seed", "status", "ok", "n_steps", "attempt", "worker",
                                      "lanes", "start_time", "wall_time", "cpu_time", "elapsed", "obs", "row_size", "row_start", "run_index",
                                      "step_of", "provenance", "failures", "saved", "hp", "result"}; /* hp_final could be a parameter */
  static const char *const prefixes[] = {"hp_", "result_", "n_"};
  for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
    if (tw_text_equal(name, tw_text_of(taken[i]))) return true;
  for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
    size_t n = strlen(prefixes[i]);
    if (name.n >= n && memcmp(name.s, prefixes[i], n) == 0) return true;
  }
  return false;
}
