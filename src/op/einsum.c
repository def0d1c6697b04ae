/* einsum: products of tensors with named axes, summed over the names the result does not have.
 * Each operand first takes the diagonal of a name it repeats and sums a name that nothing else has (the one tree of sums). Then pairs are contracted until
 * one tensor is left: always the pair with the smallest result, of equal ones the one with fewer multiplications, of those the leftmost. A contraction is
 * one batched matrix product, so its sum is the product chain, the summed names running row-major in the order in which the spec first says them; a pair
 * with nothing to sum is multiplied elementwise. The order is decided by the spec and the shapes alone. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "op/select.h"
#include "tensor/ctx.h"

enum { LETTERS = 52, NAMES = LETTERS + TW_MAX_DIM, DOTS = 63 }; /* the names from LETTERS on are the axes of the ellipsis */

typedef uint64_t names; /* a bit per name */

typedef struct {
  tw_tensor *t;          /* owned */
  int n;
  uint8_t name[TW_MAX_DIM];
} operand;

typedef struct {
  tw_ctx *ctx;
  const char *spec;
  operand *item;
  int n;
  int64_t size[NAMES];
  uint8_t rank[NAMES];   /* order of first appearance */
  int ellipsis;          /* axes the ellipsis stands for */
  int n_out;
  uint8_t out[TW_MAX_DIM];
  names wanted;          /* those of out */
} plan;

static char letter(int name) { return (char)(name < 26 ? 'A' + name : 'a' + name - 26); }

static int name_of(char c) { return c >= 'A' && c <= 'Z' ? c - 'A' : c >= 'a' && c <= 'z' ? c - 'a' + 26 : -1; }

#define FAIL(p, format, ...) tw_fail(&(p)->ctx->error, TW_EINVAL, "einsum: \"%.100s\": " format, (p)->spec, ##__VA_ARGS__)

static names names_of(const operand *o) {
  names all = 0;
  for (int i = 0; i < o->n; i++) all |= (names)1 << o->name[i];
  return all;
}

/* One term of the spec, up to a comma, an arrow or the end: its names, DOTS for an ellipsis. Any length; the caller bounds it. */
static tw_status read_term(const plan *p, const char **at, uint8_t *term, int *n) {
  bool dots = false;
  *n = 0;
  for (; **at && **at != ',' && **at != '-'; (*at)++) {
    char c = **at;
    if (c == ' ') continue;
    int name = name_of(c);
    if (c == '.') {
      if (strncmp(*at, "...", 3) != 0) return FAIL(p, "an ellipsis is three dots");
      if (dots) return FAIL(p, "a term has two ellipses");
      dots = true;
      name = DOTS;
      *at += 2;
    } else if (name < 0) {
      return FAIL(p, "'%c' is no name of an axis; names are letters", c);
    }
    if (*n > TW_MAX_DIM) return FAIL(p, "a term names more than %d axes", TW_MAX_DIM);
    term[(*n)++] = (uint8_t)name;
  }
  return TW_OK;
}

/* The names of operand number k, with the ellipsis' axes counted from the right: the last one is NAMES - 1. */
static tw_status bind_term(plan *p, int k, const uint8_t *term, int n) {
  operand *o = &p->item[k];
  const tw_tensor *t = o->t;
  char text[128];
  int letters = 0, dots = -1;
  for (int i = 0; i < n; i++) {
    if (term[i] == DOTS) dots = i;
    else letters++;
  }
  int spread = t->ndim - letters;
  if (dots < 0 ? spread != 0 : spread < 0) {
    return FAIL(p, "operand %d is %s, the spec names %d axes", k + 1, tw_tensor_describe(t, text, sizeof text), letters);
  }
  for (int i = 0; i < n; i++) {
    for (int j = 0; j < (i == dots ? spread : 1); j++) o->name[o->n++] = i == dots ? (uint8_t)(NAMES - spread + j) : term[i];
  }
  if (dots >= 0 && spread > p->ellipsis) p->ellipsis = spread;
  for (int i = 0; i < o->n; i++) {
    int64_t *size = &p->size[o->name[i]], own = t->shape[i];
    if (*size < 0 || (o->name[i] >= LETTERS && *size == 1)) *size = own;
    if (*size == own || (o->name[i] >= LETTERS && own == 1)) continue;
    if (o->name[i] >= LETTERS) return FAIL(p, "the ellipsis' axes do not broadcast: operand %d is %s", k + 1, tw_tensor_describe(t, text, sizeof text));
    return FAIL(p, "axis %c has size %lld in operand %d and %lld before", letter(o->name[i]), (long long)own, k + 1, (long long)*size);
  }
  return TW_OK;
}

/* Without an arrow: the ellipsis, then the letters said once, in alphabetical order (capitals first). */
static tw_status implicit_output(plan *p, const int *said) {
  int count = p->ellipsis;
  for (int name = 0; name < LETTERS; name++) count += said[name] == 1;
  if (count > TW_MAX_DIM) return FAIL(p, "the result would have %d axes, at most %d are possible", count, TW_MAX_DIM);
  for (int i = 0; i < p->ellipsis; i++) p->out[p->n_out++] = (uint8_t)(NAMES - p->ellipsis + i);
  for (int name = 0; name < LETTERS; name++) {
    if (said[name] == 1) p->out[p->n_out++] = (uint8_t)name;
  }
  return TW_OK;
}

static tw_status explicit_output(plan *p, const uint8_t *term, int n, const int *said) {
  for (int i = 0; i < n; i++) {
    int copies = term[i] == DOTS ? p->ellipsis : 1;
    if (p->n_out + copies > TW_MAX_DIM) return FAIL(p, "the result would have more than %d axes", TW_MAX_DIM);
    if (term[i] != DOTS && !said[term[i]]) return FAIL(p, "the result's axis %c stands in no operand", letter(term[i]));
    for (int j = 0; term[i] != DOTS && j < i; j++) {
      if (term[j] == term[i]) return FAIL(p, "the result names axis %c twice", letter(term[i]));
    }
    for (int j = 0; j < copies; j++) p->out[p->n_out++] = term[i] == DOTS ? (uint8_t)(NAMES - p->ellipsis + j) : term[i];
  }
  return TW_OK;
}

static tw_status parse(plan *p) {
  const char *at = p->spec;
  uint8_t term[TW_MAX_DIM + 2];
  int n, said[LETTERS] = {0}, terms = 1, appeared = 0;
  for (const char *c = at; *c && *c != '-'; c++) terms += *c == ',';
  if (terms != p->n) return FAIL(p, "%d operands are named, %d are given", terms, p->n);
  for (int name = 0; name < NAMES; name++) p->size[name] = -1;
  for (int k = 0; k < p->n; k++) {
    tw_status s = read_term(p, &at, term, &n);
    if (s == TW_OK) s = bind_term(p, k, term, n);
    if (s != TW_OK) return s;
    for (int i = 0; i < n; i++) {
      if (term[i] != DOTS) said[term[i]]++;
    }
    for (int i = 0; i < p->item[k].n; i++) {
      uint8_t *rank = &p->rank[p->item[k].name[i]];
      if (!*rank) *rank = (uint8_t)++appeared;
    }
    if (*at == ',') at++;
  }
  tw_status s = TW_OK;
  if (!*at) {
    s = implicit_output(p, said);
  } else {
    if (strncmp(at, "->", 2) != 0) return FAIL(p, "an arrow is written ->");
    at += 2;
    s = read_term(p, &at, term, &n);
    if (s == TW_OK && *at) s = FAIL(p, "'%c' does not belong into the result", *at);
    if (s == TW_OK) s = explicit_output(p, term, n, said);
  }
  for (int i = 0; i < p->n_out; i++) p->wanted |= (names)1 << p->out[i];
  return s;
}

static void drop_axis(operand *o, int axis) {
  memmove(o->name + axis, o->name + axis + 1, (size_t)(o->n - axis - 1));
  o->n--;
}

/* Hands the operand's tensor over to the last of k's results. */
static tw_status replace(tw_compose *k, operand *o, tw_tensor *result) {
  tw_tensor *new = NULL;
  tw_ctx *ctx = k->ctx;
  tw_status s = tw_compose_end(k, result, &new);
  if (s != TW_OK) return s;
  tw_tensor_release(ctx, o->t);
  o->t = new;
  return TW_OK;
}

/* Axes of the ellipsis that only broadcast go away, names said twice become their diagonal, names outside `needed` are summed. */
static tw_status reduce(plan *p, operand *o, names needed) {
  tw_compose k = {.ctx = p->ctx};
  tw_tensor *t = o->t;
  tw_shape_attrs narrow = {0};
  int n = 0;
  for (int i = 0; i < t->ndim; i++) {
    if (o->name[i] >= LETTERS && t->shape[i] == 1 && p->size[o->name[i]] != 1) continue;
    o->name[n++] = o->name[i];
    narrow.shape.d[narrow.shape.n++] = t->shape[i];
  }
  if (n < o->n) t = tw_do1(&k, &tw_op_reshape, &narrow, t);
  o->n = n;
  for (int j = 1; j < o->n;) {
    int i = 0;
    while (o->name[i] != o->name[j]) i++;
    if (i == j) {
      j++;
      continue;
    }
    uint8_t name = o->name[i];
    t = tw_do1(&k, &tw_op_diagonal, &(tw_diagonal_attrs){.a = i, .b = j}, t);
    drop_axis(o, j);
    drop_axis(o, i);
    o->name[o->n++] = name;
    j = 1;
  }
  tw_reduce_attrs gone = {0};
  for (int i = o->n - 1; i >= 0; i--) {
    if (needed >> o->name[i] & 1) continue;
    gone.axes |= 1u << i;
    drop_axis(o, i);
  }
  if (gone.axes) t = tw_do1(&k, &tw_op_sum, &gone, t);
  return replace(&k, o, t);
}

/* What is needed of the operands i and j together: the result's names and those of all others. */
static names needed_beside(const plan *p, int i, int j) {
  names all = p->wanted;
  for (int k = 0; k < p->n; k++) {
    if (k != i && k != j) all |= names_of(&p->item[k]);
  }
  return all;
}

static double count(const plan *p, names set) {
  double n = 1;
  for (int name = 0; name < NAMES; name++) {
    if (set >> name & 1) n *= (double)p->size[name];
  }
  return n;
}

/* The pair whose contraction leaves least, among those whose result has few enough axes. */
static tw_status choose(const plan *p, int *first, int *second) {
  double least = 0, fewest = 0;
  bool found = false;
  for (int i = 0; i < p->n; i++) {
    for (int j = i + 1; j < p->n; j++) {
      names both = names_of(&p->item[i]) | names_of(&p->item[j]), kept = both & needed_beside(p, i, j);
      if (__builtin_popcountll(kept) > TW_MAX_DIM) continue;
      double size = count(p, kept), work = count(p, both);
      if (found && !(size < least || (size == least && work < fewest))) continue;
      found = true;
      least = size;
      fewest = work;
      *first = i;
      *second = j;
    }
  }
  return found ? TW_OK : FAIL(p, "an intermediate result would have more than %d axes; contract in several steps", TW_MAX_DIM);
}

/* The names of a set, in the order in which the spec first says them. */
static int ordered(const plan *p, names set, uint8_t *out) {
  int n = 0;
  for (int name = 0; name < NAMES; name++) {
    if (!(set >> name & 1)) continue;
    int at = n++;
    for (; at > 0 && p->rank[out[at - 1]] > p->rank[name]; at--) out[at] = out[at - 1];
    out[at] = (uint8_t)name;
  }
  return n;
}

/* o with its axes in the order of the three lists, each list one axis of the result; the first list stays apart unless `joined`. */
static tw_tensor *arranged(tw_compose *k, const plan *p, const operand *o, bool joined, const uint8_t *const *list, const int *n) {
  tw_permute_attrs order = {.n = o->n};
  tw_shape_attrs shape = {0};
  int axis = 0;
  for (int l = 0; l < 3; l++) {
    int64_t size = 1;
    for (int i = 0; i < n[l]; i++) {
      int own = 0;
      while (o->name[own] != list[l][i]) own++;
      order.axis[axis++] = own;
      if (l == 0 && !joined) shape.shape.d[shape.shape.n++] = p->size[list[l][i]];
      size *= p->size[list[l][i]];
    }
    if (l > 0 || joined) shape.shape.d[shape.shape.n++] = size;
  }
  return tw_do1(k, &tw_op_reshape, &shape, tw_do1(k, &tw_op_permute, &order, o->t));
}

/* Puts the contraction of a and b into a. */
static tw_status contract(plan *p, operand *a, const operand *b, names needed) {
  names in_a = names_of(a), in_b = names_of(b);
  uint8_t batch[TW_MAX_DIM], left[TW_MAX_DIM], right[TW_MAX_DIM], summed[TW_MAX_DIM];
  int n_batch = ordered(p, in_a & in_b & needed, batch), n_left = ordered(p, in_a & ~in_b, left), n_right = ordered(p, in_b & ~in_a, right);
  int n_summed = ordered(p, in_a & in_b & ~needed, summed);
  bool joined = n_batch > TW_MAX_DIM - 2;
  tw_compose k = {.ctx = p->ctx};
  tw_tensor *x, *y, *product;
  if (n_summed) {
    x = arranged(&k, p, a, joined, (const uint8_t *const[]){batch, left, summed}, (const int[]){n_batch, n_left, n_summed});
    y = arranged(&k, p, b, joined, (const uint8_t *const[]){batch, summed, right}, (const int[]){n_batch, n_summed, n_right});
    product = tw_do2(&k, &tw_op_matmul, NULL, x, y);
  } else { /* nothing to sum: left and right side by side */
    x = arranged(&k, p, a, joined, (const uint8_t *const[]){batch, left, summed}, (const int[]){n_batch, n_left, 0});
    y = arranged(&k, p, b, joined, (const uint8_t *const[]){batch, summed, right}, (const int[]){n_batch, 0, n_right});
    product = tw_do2(&k, &tw_op_mul, NULL, x, y);
  }
  operand result = {.t = a->t};
  tw_shape_attrs shape = {0};
  const uint8_t *const list[] = {batch, left, right};
  const int n[] = {n_batch, n_left, n_right};
  for (int l = 0; l < 3; l++) {
    for (int i = 0; i < n[l]; i++) {
      result.name[result.n++] = list[l][i];
      shape.shape.d[shape.shape.n++] = p->size[list[l][i]];
    }
  }
  tw_status s = replace(&k, &result, tw_do1(&k, &tw_op_reshape, &shape, product));
  *a = result;
  return s;
}

static tw_status run(plan *p) {
  tw_status s = parse(p);
  for (int i = 0; i < p->n && s == TW_OK; i++) {
    const tw_tensor *t = p->item[i].t, *first = p->item[0].t;
    if (p->n > 1 && (!tw_is_real((tw_dtype)t->dtype) || t->dtype != first->dtype)) {
      char a[128], b[128];
      return FAIL(p, "the operands must be real and of one dtype: operand 1 is %s, operand %d is %s; convert with :to()",
                  tw_tensor_describe(first, a, sizeof a), i + 1, tw_tensor_describe(t, b, sizeof b));
    }
  }
  for (int i = 0; i < p->n && s == TW_OK; i++) s = reduce(p, &p->item[i], needed_beside(p, i, i));
  while (p->n > 1 && s == TW_OK) {
    int i = 0, j = 0;
    s = choose(p, &i, &j);
    if (s == TW_OK) s = contract(p, &p->item[i], &p->item[j], needed_beside(p, i, j));
    if (s != TW_OK) break;
    tw_tensor_release(p->ctx, p->item[j].t);
    memmove(p->item + j, p->item + j + 1, sizeof *p->item * (size_t)(p->n - j - 1));
    p->n--;
  }
  if (s != TW_OK) return s;
  operand *last = &p->item[0];
  tw_permute_attrs order = {.n = p->n_out};
  for (int i = 0; i < p->n_out; i++) {
    while (last->name[order.axis[i]] != p->out[i]) order.axis[i]++;
  }
  tw_compose k = {.ctx = p->ctx};
  return replace(&k, last, tw_do1(&k, &tw_op_permute, &order, last->t));
}

tw_status tw_einsum(tw_ctx *ctx, const char *spec, int n, tw_tensor *const *operands, tw_tensor **out) {
  if (n < 1) return tw_fail(&ctx->error, TW_EINVAL, "einsum: at least one tensor is needed");
  plan p = {.ctx = ctx, .spec = spec, .n = n, .item = tw_calloc((size_t)n, sizeof(operand))};
  if (!p.item) return tw_fail(&ctx->error, TW_ENOMEM, "einsum: out of memory");
  for (int i = 0; i < n; i++) p.item[i].t = tw_tensor_retain(operands[i]);
  tw_status s = run(&p);
  if (s == TW_OK) *out = tw_tensor_retain(p.item[0].t);
  for (int i = 0; i < p.n; i++) tw_tensor_release(ctx, p.item[i].t);
  tw_free(p.item);
  return s;
}
