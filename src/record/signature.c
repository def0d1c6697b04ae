/* Signatures: what a run logged, as a text that the file keeps, so that order, types and shapes survive the journals. */
#include "record/sweep.h"

#include <stdio.h>
#include <stdlib.h>

static bool text_of_items(tw_sweep *s, const tw__logged *items, uint32_t n, tw_text *out) {
  size_t bytes = 1;
  for (uint32_t i = 0; i < n; i++) bytes += items[i].stream.n + items[i].metric.n + 8 + 21 * (size_t)items[i].ndim;
  char *p = tw__arena_take(&s->arena, bytes), *at = p;
  if (!p) return false;
  for (uint32_t i = 0; i < n; i++) {
    const tw__logged *x = &items[i];
    if (i) *at++ = ',';
    if (x->stream.n) at += sprintf(at, "%.*s/", (int)x->stream.n, x->stream.s);
    at += sprintf(at, "%.*s:%s", (int)x->metric.n, x->metric.s, x->type == TW_COLUMN_F32 ? "f32" : "f64");
    for (int d = 0; d < x->ndim; d++) at += sprintf(at, "%c%lld", d ? ' ' : '[', (long long)x->shape[d]);
    if (x->ndim) *at++ = ']';
  }
  *out = (tw_text){p, (size_t)(at - p)};
  return true;
}

tw_status tw__sweep_signature(tw_sweep *s, const tw__logged *items, uint32_t n, const tw__signature **out, tw_error *e) {
  tw_text text;
  if (!text_of_items(s, items, n, &text)) return tw__out_of_memory(e);
  int64_t known = tw__map_get(&s->by_signature, text);
  if (known >= 0) return *out = s->signatures[known], TW_OK;
  tw__signature *made = tw__arena_take(&s->arena, sizeof *made);
  tw__logged *copy = tw__arena_take(&s->arena, n * sizeof *copy);
  if (!made || !copy) return tw__out_of_memory(e);
  if (n) memcpy(copy, items, n * sizeof *copy);
  *made = (tw__signature){.text = text, .n = n, .items = copy, .number = -1};
  if (!tw__map_put(&s->by_signature, text, (int64_t)s->n_signatures)) return tw__out_of_memory(e);
  tw__signature **place = TW__PUSH(s->signatures, s->n_signatures, s->signatures_capacity);
  if (!place) return tw__out_of_memory(e);
  *out = *place = made;
  return TW_OK;
}

/* One item up to ',' or the end; *at moves behind it. */
static bool item_parse(const char **at, const char *end, tw__logged *x) {
  const char *p = *at, *stop = memchr(p, ',', (size_t)(end - p));
  if (!stop) stop = end;
  const char *slash = memchr(p, '/', (size_t)(stop - p)), *colon = memchr(p, ':', (size_t)(stop - p));
  *x = (tw__logged){.elements = 1, .variable = -1};
  if (!colon || stop - colon < 4 || (slash && slash > colon)) return false;
  if (slash) x->stream = (tw_text){p, (size_t)(slash - p)};
  else x->stream = (tw_text){"", 0};
  x->metric = (tw_text){slash ? slash + 1 : p, (size_t)(colon - (slash ? slash + 1 : p))};
  if (memcmp(colon + 1, "f64", 3) == 0) x->type = TW_COLUMN_F64;
  else if (memcmp(colon + 1, "f32", 3) == 0) x->type = TW_COLUMN_F32;
  else return false;
  for (const char *q = colon + 4; q < stop && *q != ']';) {
    int64_t d = 0;
    if (*q++ != (x->ndim ? ' ' : '[') || x->ndim == TW_COLUMN_MAX_DIM) return false;
    for (; q < stop && *q >= '0' && *q <= '9'; q++)
      if ((d = 10 * d + (*q - '0')) > (int64_t)TW_FRAME_MAX_PAYLOAD) return false;
    if (d < 1 || d > (int64_t)TW_FRAME_MAX_PAYLOAD / x->elements) return false;
    x->shape[x->ndim++] = d;
    x->elements *= d;
  }
  *at = stop < end ? stop + 1 : end;
  return tw_name_valid(x->metric) && (x->stream.n == 0 || tw_name_valid(x->stream));
}

tw_status tw__signature_parse(tw_sweep *s, tw_text text, const tw__signature **out, tw_error *e) {
  tw_text kept;
  if (!tw__arena_text(&s->arena, text, &kept)) return tw__out_of_memory(e);
  tw__logged *items = NULL;
  size_t n = 0, capacity = 0;
  tw_status status = TW_OK;
  for (const char *at = kept.s, *end = kept.s + kept.n; at < end && status == TW_OK;) {
    tw__logged *x = TW__PUSH(items, n, capacity);
    if (!x) status = tw__out_of_memory(e);
    else if (!item_parse(&at, end, x)) status = tw_fail(e, TW_ECORRUPT, "sweep: a signature is damaged: %.100s", kept.s);
  }
  if (status == TW_OK) status = tw__sweep_signature(s, items, (uint32_t)n, out, e);
  tw_free(items);
  return status;
}
