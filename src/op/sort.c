/* argsort: the 1-based places of the elements in order. Stable: equal elements keep their order, descending too. NaN stands above every number, so it is
 * last in ascending and first in descending order; -0 equals 0. Merge sort on (key, place), the keys being integers in the elements' order. */
#include <string.h>

#include "op/lines.h"
#include "op/select.h"
#include "tensor/ctx.h"

typedef struct {
  uint64_t key;
  int64_t place;
} pair;

/* Doubles in the order of unsigned integers: the sign bit of positives set, all bits of negatives turned. */
static uint64_t key_of_real(double x) {
  uint64_t bits;
  if (x != x) return UINT64_MAX;
  x += 0; /* -0 becomes 0 */
  memcpy(&bits, &x, sizeof bits);
  return bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
}

static uint64_t key_of(const char *p, tw_dtype d) {
  switch (d) {
    case TW_F64: return key_of_real(*(const double *)(const void *)p);
    case TW_F32: return key_of_real((double)*(const float *)(const void *)p);
    case TW_I64: return (uint64_t)*(const int64_t *)(const void *)p ^ UINT64_C(1) << 63;
    case TW_BOOL: break;
  }
  return *p != 0;
}

static void insertion(pair *p, int64_t n) {
  for (int64_t i = 1; i < n; i++) {
    pair x = p[i];
    int64_t k = i;
    for (; k > 0 && p[k - 1].key > x.key; k--) p[k] = p[k - 1];
    p[k] = x;
  }
}

static void merge(pair *to, const pair *a, const pair *a_end, const pair *b, const pair *b_end) {
  while (a < a_end && b < b_end) *to++ = b->key < a->key ? *b++ : *a++;
  while (a < a_end) *to++ = *a++;
  while (b < b_end) *to++ = *b++;
}

/* Sorts p[n]; the result is in the returned one of p and other. */
static pair *sort(pair *p, pair *other, int64_t n) {
  enum { RUN = 16 };
  for (int64_t i = 0; i < n; i += RUN) insertion(p + i, n - i < RUN ? n - i : RUN);
  for (int64_t width = RUN; width < n; width *= 2) {
    for (int64_t i = 0; i < n; i += 2 * width) {
      int64_t middle = i + width < n ? i + width : n, end = i + 2 * width < n ? i + 2 * width : n;
      merge(other + i, p + i, p + middle, p + middle, p + end);
    }
    pair *swap = p;
    p = other;
    other = swap;
  }
  return p;
}

static tw_status infer_argsort(tw_ctx *ctx, const tw_call *c, tw_meta *out) {
  if (c->in[0]->ndim == 0) return tw_fail_shapes(ctx, c, "there is no axis to order along");
  out[0] = (tw_meta){.dtype = TW_I64, .shape = tw_tensor_shape(c->in[0])};
  return TW_OK;
}

static tw_status run_argsort(tw_ctx *ctx, const tw_call *c) {
  const tw_sort_attrs *a = c->attrs;
  tw_tensor *operands[2] = {c->out[0], c->in[0]}, *scratch;
  tw_dtype d = (tw_dtype)c->in[0]->dtype;
  if (c->out[0]->size == 0) return TW_OK;
  tw_lines l;
  tw_lines_init(&l, a->axis, 2, operands);
  tw_shape room = {.n = 2, .d = {4, l.n}};
  tw_status s = tw_tensor_new(ctx, TW_I64, &room, &scratch);
  if (s != TW_OK) return s;
  pair *pairs = (pair *)(void *)scratch->data;
  do {
    for (int64_t i = 0; i < l.n; i++) {
      uint64_t key = key_of(l.p[1] + i * l.step[1], d);
      pairs[i] = (pair){.key = a->descending ? ~key : key, .place = i + 1};
    }
    const pair *sorted = sort(pairs, pairs + l.n, l.n);
    for (int64_t i = 0; i < l.n; i++) *(int64_t *)(void *)(l.p[0] + i * l.step[0]) = sorted[i].place;
  } while (tw_lines_next(&l));
  tw_tensor_release(ctx, scratch);
  return TW_OK;
}

const tw_op tw_op_argsort = {.name = "argsort", .about = "the 1-based places of the elements in order along an axis; stable, NaN above every number", .n_in = 1,
                             .n_out = 1, .flags = TW_OP_NO_GRAD, .attrs_bytes = sizeof(tw_sort_attrs), .infer = infer_argsort, .run = run_argsort};

/* The places carry no derivative; the values are gathered by them. */
tw_status tw_sort(tw_ctx *ctx, tw_tensor *x, int axis, bool descending, tw_tensor **values, tw_tensor **index) {
  return tw_topk(ctx, x, x->ndim ? x->shape[axis] : 0, axis, descending, values, index);
}

tw_status tw_topk(tw_ctx *ctx, tw_tensor *x, int64_t k, int axis, bool largest, tw_tensor **values, tw_tensor **index) {
  tw_compose list = {.ctx = ctx};
  tw_tensor *order = tw_do1(&list, &tw_op_argsort, &(tw_sort_attrs){.axis = axis, .descending = largest}, x);
  if (order && k != x->shape[axis]) {
    tw_slice_attrs first = {.n = x->ndim};
    for (int i = 0; i < x->ndim; i++) {
      first.step[i] = 1;
      first.size[i] = i == axis ? k : x->shape[i];
    }
    order = tw_do1(&list, &tw_op_slice, &first, order);
  }
  tw_tensor *sorted = tw_do2(&list, &tw_op_gather, &(tw_scan_attrs){.axis = axis}, x, order);
  if (sorted) *index = tw_tensor_retain(order);
  return tw_compose_end(&list, sorted, values);
}
