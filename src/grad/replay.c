/* Replay: an evaluation that makes the calls of the one before is not worked out again. The calls of one evaluation and of its backward pass are noted with
 * their places among each other; from then on each call of an evaluation is compared with the one expected and, where it is the same, only its kernel runs, on
 * the memory of last time; the backward pass is a list of kernels. The first call that differs ends it: the tape gets what it would have had, and goes on.
 *
 * A call is the same when operation, attributes, dtypes, shapes and strides are; values never matter. What the function saw of the outside may be another
 * tensor each time. A result that somebody still holds when the evaluation is over is left to them, and its place gets memory of its own; handles of the
 * others are over, as if they had been released. */
#include <string.h>

#include "base/alloc.h"
#include "grad/tape.h"

/* Beyond so many bytes of results the calls themselves are what takes the time. */
enum { MAX_BYTES = 4 << 20, MAX_VALUES = 4096, CREDIT = 64, MISS = 16 };

typedef enum { LEAF, OUTSIDE, MADE, CONSTANT } origin;

typedef struct {
  tw_tensor *tensor;    /* a reference; NULL where it is still to be made, and between evaluations where it comes from elsewhere */
  tw_tensor like;       /* what it was when noted: dtype, shape, strides, lanes */
  const tw_tensor *last; /* the tensor that was found like it, while its serial is the same */
  const char *shown;    /* of a view: where its input lay; OUTSIDE: where it lay itself */
  uint64_t serial;
  uint32_t version;     /* of its storage when it was used, or written */
  uint32_t levels;
  origin from;
  int base;             /* MADE: the first value with the same storage */
  int sharers;          /* of a base: the values with its storage */
  bool busy;            /* of a base: somebody else holds what shares its memory */
  bool gradient;        /* handed out by the backward pass */
} value;

typedef struct {
  const tw_op *op;
  size_t attrs, ids;    /* offsets; ids: n_in inputs, then n_out results */
  size_t iter;          /* of an elementwise call: offset + 1 of its iterator; 0: none */
  tw_loop loop;
  uint8_t n_in, n_out;
  bool view, copies;    /* view: shares the input's storage; copies: it may, and does not */
  bool looks;           /* the shape rule looks at values of its integer inputs */
} call;

/* A result of the backward pass that is another value over again. */
typedef struct {
  tw_tensor *tensor;
  int id;
} twin;

typedef enum { EMPTY, NOTING, READY, FOLLOWING, MISSED, OFF } state;

struct tw_replay {
  state state;
  value *values;
  call *calls;
  twin *twins;
  int *ids, *grads;
  char *attrs, *iters;
  size_t n_values, cap_values, n_calls, cap_calls, n_twins, cap_twins, n_ids, cap_ids, n_attrs, cap_attrs, n_iters, cap_iters;
  size_t n_forward, next; /* calls of the evaluation, the backward pass behind them; the call expected */
  int n_leaves, loss, credit;
  uint64_t lane_changes;
  int64_t bytes, replayed;
  bool backward, seen;
};

tw_replay *tw_replay_new(void) {
  tw_replay *r = tw_calloc(1, sizeof *r);
  if (r) r->credit = CREDIT;
  return r;
}

int64_t tw_replay_count(const tw_replay *r) { return r->replayed; }

static void drop_twins(tw_ctx *ctx, tw_replay *r) {
  while (r->n_twins) tw_tensor_release(ctx, r->twins[--r->n_twins].tensor);
}

static void clear(tw_ctx *ctx, tw_replay *r, state to) {
  drop_twins(ctx, r);
  for (size_t i = 0; i < r->n_values; i++) tw_tensor_release(ctx, r->values[i].tensor);
  r->n_values = r->n_calls = r->n_ids = r->n_attrs = r->n_iters = r->n_forward = r->next = 0;
  r->bytes = 0;
  r->backward = false;
  r->state = to;
}

void tw_replay_free(tw_ctx *ctx, tw_replay *r) {
  if (!r) return;
  if (ctx->tape && ctx->tape->replay == r) tw__replay_close(ctx);
  clear(ctx, r, OFF);
  tw_free(r->values);
  tw_free(r->calls);
  tw_free(r->twins);
  tw_free(r->ids);
  tw_free(r->grads);
  tw_free(r->attrs);
  tw_free(r->iters);
  tw_free(r);
}

static void give_up(tw_ctx *ctx, tw_replay *r) {
  ctx->note = NULL;
  clear(ctx, r, OFF);
}

static bool alike(const tw_tensor *a, const tw_tensor *b) {
  if (a->dtype != b->dtype || a->ndim != b->ndim || a->weak != b->weak || a->constant != b->constant || a->lanes != b->lanes) return false;
  for (int i = 0; i < a->ndim; i++) {
    if (a->shape[i] != b->shape[i] || a->stride[i] != b->stride[i]) return false;
  }
  for (int h = 0; a->lanes >> h; h++) {
    if (a->lanes >> h & 1 && (a->lane_size[h] != b->lane_size[h] || a->lane_stride[h] != b->lane_stride[h])) return false;
  }
  return true;
}

/* Noting. */

static int find(const tw_replay *r, const tw_tensor *t) {
  for (size_t i = r->n_values; i > 0; i--) {
    if (r->values[i - 1].tensor == t) return (int)i - 1;
  }
  for (size_t i = 0; i < r->n_twins; i++) {
    if (r->twins[i].tensor == t) return r->twins[i].id;
  }
  return -1;
}

static bool add_value(tw_replay *r, tw_tensor *t, origin from) {
  value *grown = r->n_values < MAX_VALUES ? tw_grow(r->values, &r->cap_values, r->n_values, sizeof *grown) : NULL;
  if (!grown) return false;
  r->values = grown;
  r->values[r->n_values++] = (value){.tensor = tw_tensor_retain(t), .like = *t, .last = t, .serial = t->serial, .from = from, .levels = t->levels,
                                     .version = t->storage->version};
  return true;
}

static bool add_id(tw_replay *r, int id) {
  int *grown = tw_grow(r->ids, &r->cap_ids, r->n_ids, sizeof *grown);
  if (!grown) return false;
  r->ids = grown;
  r->ids[r->n_ids++] = id;
  return true;
}

/* Room for some bytes at 16-byte steps; the offset, or SIZE_MAX. */
static size_t add_bytes(char **array, size_t *n, size_t *cap, size_t bytes) {
  size_t at = *n, rounded = (bytes + 15) & ~(size_t)15;
  while (at + rounded > *cap) {
    size_t wanted = *cap ? *cap * 2 : 4096;
    char *grown = tw_realloc(*array, wanted);
    if (!grown) return SIZE_MAX;
    *array = grown;
    *cap = wanted;
  }
  *n += rounded;
  return at;
}

/* What a backward pass makes besides calls are numbers that depend on shapes; anything that shares memory with a value is not one. */
static bool is_number(const tw_replay *r, const tw_tensor *t) {
  for (size_t i = 0; i < r->n_values; i++) {
    if (r->values[i].tensor->storage == t->storage) return false;
  }
  return true;
}

static bool note_operands(tw_replay *r, const tw_call *c, call *k) {
  for (int i = 0; i < c->n_in; i++) {
    tw_tensor *t = c->in[i];
    int id = find(r, t);
    if (id < 0) {
      if (r->backward ? !is_number(r, t) : t->levels != 0) return false;
      if (!add_value(r, t, r->backward ? CONSTANT : OUTSIDE)) return false;
      id = (int)r->n_values - 1;
    }
    k->looks = k->looks || t->dtype == TW_I64;
    if (!add_id(r, id)) return false;
  }
  for (int i = 0; i < c->n_out; i++) {
    if (c->out[i]->lanes & ~1 || !add_value(r, c->out[i], MADE) || !add_id(r, (int)r->n_values - 1)) return false;
    if (c->out[i]->storage->refs == 1) r->bytes += (int64_t)c->out[i]->storage->bytes;
  }
  return r->bytes <= MAX_BYTES;
}

/* Its iterator with the strides of now; the pointers are filled in each time. */
static bool note_iterator(tw_replay *r, const tw_call *c, call *k) {
  k->loop = tw__row_loop(c->op, (tw_dtype)c->in[0]->dtype);
  tw_tensor *operands[8] = {c->out[0]};
  for (int i = 0; i < c->n_in; i++) operands[i + 1] = c->in[i];
  tw_shape shape = tw_tensor_shape(c->out[0]);
  tw_iter it;
  tw_iter_init(&it, &shape, c->n_in + 1, operands);
  size_t bytes = offsetof(tw_iter, stride) + (size_t)it.n_axes * sizeof *it.stride, at = add_bytes(&r->iters, &r->n_iters, &r->cap_iters, bytes);
  if (at == SIZE_MAX) return false;
  memcpy(r->iters + at, &it, bytes);
  k->iter = at + 1;
  return true;
}

static bool note_call(tw_replay *r, const tw_call *c) {
  call k = {.op = c->op, .n_in = (uint8_t)c->n_in, .n_out = (uint8_t)c->n_out, .ids = r->n_ids, .view = c->op->flags & TW_OP_VIEW};
  k.copies = k.view && c->out[0]->storage != c->in[0]->storage;
  k.attrs = add_bytes(&r->attrs, &r->n_attrs, &r->cap_attrs, c->op->attrs_bytes);
  if (k.attrs == SIZE_MAX || !note_operands(r, c, &k)) return false;
  if (c->op->attrs_bytes) memcpy(r->attrs + k.attrs, c->attrs, c->op->attrs_bytes);
  if (c->op->row && !note_iterator(r, c, &k)) return false;
  call *grown = tw_grow(r->calls, &r->cap_calls, r->n_calls, sizeof *grown);
  if (!grown) return false;
  r->calls = grown;
  r->calls[r->n_calls++] = k;
  return true;
}

/* The backward pass often computes what the evaluation has computed, a product of the same factors as a rule. It need not: the same value, or -1. */
static int find_same(const tw_replay *r, const tw_call *c) {
  int in[2] = {-1, -1};
  if (!c->op->row || c->op->attrs_bytes || c->n_in > 2) return -1;
  for (int i = 0; i < c->n_in; i++) {
    in[i] = find(r, c->in[i]);
    if (in[i] < 0) return -1;
  }
  bool turns = c->op == &tw_op_mul || c->op == &tw_op_add;
  for (size_t i = 0; i < r->n_calls; i++) {
    const int *ids = r->ids + r->calls[i].ids;
    if (r->calls[i].op != c->op) continue;
    bool same = ids[0] == in[0] && (c->n_in == 1 || ids[1] == in[1]), turned = turns && ids[0] == in[1] && ids[1] == in[0];
    if ((same || turned) && alike(r->values[ids[c->n_in]].tensor, c->out[0])) return ids[c->n_in];
  }
  return -1;
}

static bool add_twin(tw_replay *r, tw_tensor *t, int id) {
  twin *grown = tw_grow(r->twins, &r->cap_twins, r->n_twins, sizeof *grown);
  if (!grown) return false;
  r->twins = grown;
  r->twins[r->n_twins++] = (twin){.tensor = tw_tensor_retain(t), .id = id};
  return true;
}

/* What is handed out is nobody else's: a twin becomes a copy. */
static bool part_twin(tw_ctx *ctx, tw_replay *r, tw_tensor *t) {
  for (size_t i = 0; i < r->n_twins; i++) {
    if (r->twins[i].tensor != t) continue;
    tw_cast_attrs same = {.dtype = (tw_dtype)t->dtype};
    tw_tensor *from = r->values[r->twins[i].id].tensor;
    tw_call copy = {.op = &tw_op_cast, .attrs = &same, .in = &from, .out = &t, .n_in = 1, .n_out = 1};
    r->twins[i] = r->twins[--r->n_twins];
    bool fits = note_call(r, &copy);
    tw_tensor_release(ctx, t);
    return fits;
  }
  return true;
}

static bool is_recorded(const tw_ctx *ctx, const tw_call *c) {
  if (c->op->flags & TW_OP_NO_GRAD) return false;
  return tw_would_record(ctx, c->in, c->n_in);
}

static void note(tw_ctx *ctx, const tw_call *c, bool made) {
  tw_replay *r = ctx->tape->replay;
  if (!r->backward) {
    if (!made || !is_recorded(ctx, c)) return;
    if (!(c->op->flags & TW_OP_STEADY)) made = false;
  }
  int same = r->backward && made ? find_same(r, c) : -1;
  if (!made || !(same < 0 ? note_call(r, c) : add_twin(r, c->out[0], same))) give_up(ctx, r);
}

void tw__replay_note_backward(tw_ctx *ctx) {
  tw_replay *r = ctx->tape->replay;
  if (r->state != NOTING) return;
  r->backward = true;
  r->n_forward = r->n_calls;
}

int64_t tw__replay_holds(const tw_ctx *ctx, const tw_tensor *t, int64_t *sharers) {
  const tw_replay *r = ctx->tape->replay;
  int64_t own = 0;
  *sharers = 0;
  if (!r || r->state != NOTING) return 0;
  for (size_t i = 0; i < r->n_values; i++) {
    const tw_tensor *v = r->values[i].tensor;
    own += v == t;
    *sharers += v != t && v->storage == t->storage && v->refs == 1;
  }
  for (size_t i = 0; i < r->n_twins; i++) {
    const tw_tensor *v = r->twins[i].tensor;
    own += v == t;
    *sharers += v != t && v->storage == t->storage && v->refs == 1;
  }
  return own;
}

/* Which values lie in one storage. */
static void find_bases(tw_replay *r) {
  for (size_t i = 0; i < r->n_values; i++) {
    value *v = &r->values[i];
    size_t k = 0;
    while (r->values[k].tensor->storage != v->tensor->storage) k++;
    v->base = (int)k;
  }
}

static void let_go(tw_ctx *ctx, tw_replay *r) {
  for (size_t i = 0; i < r->n_values; i++) {
    value *v = &r->values[i];
    if (v->from == CONSTANT || !v->tensor) continue;
    if (v->from == MADE && r->values[v->base].from != OUTSIDE) {
      v->tensor->levels = 0;
      v->tensor->node = 0;
    } else { /* what lies outside, and views of it: nobody's memory is held */
      tw_tensor_release(ctx, v->tensor);
      v->tensor = NULL;
    }
  }
}

void tw__replay_noted(tw_ctx *ctx, const tw_tensor *loss, int n, tw_tensor *const *leaves, tw_tensor *const *grads) {
  tw_replay *r = ctx->tape->replay;
  if (r->state != NOTING) return;
  int *places = tw_realloc(r->grads, ((size_t)n + 1) * sizeof *places);
  bool fits = places && n == r->n_leaves;
  if (places) r->grads = places;
  r->loss = find(r, loss);
  fits = fits && r->loss >= 0 && r->values[r->loss].from == MADE;
  for (int i = 0; i < n && fits; i++) fits = part_twin(ctx, r, grads[i]);
  drop_twins(ctx, r);
  find_bases(r);
  for (int i = 0; i < n && fits; i++) {
    value *v = (places[i] = find(r, grads[i])) < 0 ? NULL : &r->values[places[i]]; /* NULL: nothing depends on it */
    fits = r->values[i].tensor == leaves[i] && (!v || (v->from == MADE && r->values[v->base].from == MADE)); /* its holder may write it: no constant's memory */
    if (v) v->gradient = true;
  }
  if (!fits) {
    give_up(ctx, r);
    return;
  }
  ctx->note = NULL;
  r->lane_changes = ctx->lane_changes;
  r->state = READY;
}

/* Following. */

/* What somebody else holds is theirs: its place gets memory of its own when the call comes. Handles of the rest are over. lent: the pass has the gradients. */
static void part(tw_ctx *ctx, tw_replay *r, bool lent) {
  for (size_t i = 0; i < r->n_values; i++) {
    value *v = &r->values[i], *base = &r->values[v->base];
    v->sharers = 0;
    if (v->from != MADE || !v->tensor) continue;
    if (v->tensor->refs > 1 + (lent && v->gradient)) {
      tw_tensor_release(ctx, v->tensor);
      v->tensor = NULL;
      continue;
    }
    v->tensor->serial = ctx->next_serial++;
    base->sharers += base->tensor && base->tensor->storage == v->tensor->storage;
  }
  for (size_t i = 0; i < r->n_values; i++) {
    value *v = &r->values[i];
    v->busy = v->from == MADE && v->tensor && v->base == (int)i && v->tensor->storage->refs != v->sharers;
  }
}

void tw_replay_rest(tw_ctx *ctx, tw_replay *r) {
  if (r->state == READY) part(ctx, r, true);
}

static tw_status replace(tw_ctx *ctx, value *v) {
  tw_shape shape = tw_tensor_shape(&v->like);
  tw_lanes lanes = {0};
  tw_tensor *fresh;
  tw_status s = tw_lanes_join(&lanes, &v->like) ? tw_tensor_new_laned(ctx, (tw_dtype)v->like.dtype, &shape, &lanes, &fresh) : TW_ESTATE;
  if (s != TW_OK) return s;
  fresh->weak = v->like.weak;
  tw_tensor_release(ctx, v->tensor);
  v->tensor = fresh;
  v->busy = false;
  return TW_OK;
}

/* A view is the one of last time as long as what it shows is. */
static tw_status run_view(tw_ctx *ctx, const call *k, tw_call *c, const tw_tensor *x, value *v) {
  if (!k->copies && v->tensor && v->tensor->storage == x->storage && v->shown == x->data) return TW_OK;
  tw_tensor *old = v->tensor;
  c->out[0] = NULL;
  tw_status s = k->op->run(ctx, c);
  if (s != TW_OK) return s;
  tw_tensor_release(ctx, old);
  v->tensor = c->out[0];
  v->tensor->weak = v->like.weak;
  v->shown = x->data;
  return TW_OK;
}

/* Kernel number i on the values of now. */
static tw_status run_call(tw_ctx *ctx, tw_replay *r, const call *k) {
  const int *ids = r->ids + k->ids;
  tw_tensor *in[8], *out[6];
  tw_call c = {.op = k->op, .attrs = r->attrs + k->attrs, .in = in, .out = out, .n_in = k->n_in, .n_out = k->n_out};
  tw_status s = TW_OK;
  for (int i = 0; i < k->n_in; i++) in[i] = r->values[ids[i]].tensor;
  if (k->looks) {
    tw_meta meta[6];
    s = k->op->infer ? k->op->infer(ctx, &c, meta) : TW_OK;
    if (s != TW_OK) return s;
  }
  if (k->view) return run_view(ctx, k, &c, in[0], &r->values[ids[k->n_in]]);
  for (int i = 0; i < k->n_out && s == TW_OK; i++) {
    value *v = &r->values[ids[k->n_in + i]];
    if (!v->tensor || v->busy) s = replace(ctx, v);
    out[i] = v->tensor;
  }
  if (s != TW_OK) return s;
  if (k->iter) {
    tw_iter *it = (tw_iter *)(void *)(r->iters + k->iter - 1);
    it->ptr[0] = out[0]->data;
    for (int i = 0; i < k->n_in; i++) it->ptr[i + 1] = in[i]->data;
    tw_iter_run(it, k->loop);
  } else {
    s = tw__run(ctx, &c);
  }
  if (s == TW_OK) tw__count(ctx, &c);
  return s;
}

/* The tape gets the calls made so far, as if they had been recorded one by one. */
static tw_status catch_up(tw_ctx *ctx, tw_replay *r) {
  tw_status s = TW_OK;
  ctx->follow = NULL;
  r->state = MISSED;
  r->credit -= MISS;
  for (size_t n = 0; n < r->next && s == TW_OK; n++) {
    const call *k = &r->calls[n];
    const int *ids = r->ids + k->ids;
    tw_tensor *in[8], *out[6];
    uint32_t versions[14];
    for (int i = 0; i < k->n_in; i++) in[i] = r->values[ids[i]].tensor;
    for (int i = 0; i < k->n_out; i++) out[i] = r->values[ids[k->n_in + i]].tensor;
    for (int i = 0; i < k->n_in + k->n_out; i++) versions[i] = r->values[ids[i]].version;
    tw_call c = {.op = k->op, .attrs = r->attrs + k->attrs, .in = in, .out = out, .n_in = k->n_in, .n_out = k->n_out};
    s = tw__record_past(ctx, &c, 1, versions);
  }
  return s;
}

/* Takes t as value v where it can be. */
static bool fits(const tw_ctx *ctx, value *v, tw_tensor *t) {
  if (v->tensor == t) return v->version == t->storage->version; /* written since: the tape says so */
  if (v->from != OUTSIDE) return false;
  if (v->tensor || t->levels || (t->storage->leaf & ctx->active && !t->constant)) return false;
  if ((v->last != t || v->serial != t->serial || v->shown != t->data) && !alike(&v->like, t)) return false;
  v->tensor = tw_tensor_retain(t);
  v->last = t;
  v->serial = t->serial;
  v->shown = t->data;
  v->version = t->storage->version;
  return true;
}

static bool is_expected(tw_ctx *ctx, tw_replay *r, const tw_call *c) {
  if (r->next == r->n_forward || r->lane_changes != ctx->lane_changes) return false;
  const call *k = &r->calls[r->next];
  if (k->op != c->op || k->n_in != c->n_in || k->n_out != c->n_out) return false;
  if (c->op->attrs_bytes && memcmp(r->attrs + k->attrs, c->attrs, c->op->attrs_bytes) != 0) return false;
  for (int i = 0; i < c->n_in; i++) {
    if (!fits(ctx, &r->values[r->ids[k->ids + (size_t)i]], c->in[i])) return false;
  }
  for (int i = 0; i < c->n_out; i++) {
    if (c->out[i]) return false;
  }
  return true;
}

static bool follow(tw_ctx *ctx, const tw_call *c, tw_status *s) {
  tw_replay *r = ctx->tape->replay;
  if (!is_recorded(ctx, c)) return false;
  if (!is_expected(ctx, r, c)) {
    *s = catch_up(ctx, r);
    return *s != TW_OK;
  }
  const call *k = &r->calls[r->next];
  *s = run_call(ctx, r, k);
  if (*s != TW_OK) return true;
  r->next++;
  for (int i = 0; i < k->n_out; i++) {
    value *v = &r->values[r->ids[k->ids + k->n_in + (size_t)i]];
    v->version = v->tensor->storage->version;
    v->tensor->serial = ctx->next_serial++; /* handles of last time are over */
    v->tensor->levels = v->levels;
    v->tensor->buffer = false;
    c->out[i] = tw_tensor_retain(v->tensor);
  }
  return true;
}

static bool unwritten(const tw_replay *r) {
  for (size_t i = 0; i < r->n_values; i++) {
    const value *v = &r->values[i];
    if (v->levels || v->from == OUTSIDE) {
      if (v->tensor && v->version != v->tensor->storage->version) return false;
    }
  }
  return true;
}

bool tw__replay_backward(tw_ctx *ctx, const tw_tensor *loss, int n, tw_tensor *const *leaves, tw_tensor **grads, tw_status *s) {
  tw_replay *r = ctx->tape->replay;
  if (r->state != FOLLOWING) return false;
  bool same = r->next == r->n_forward && n == r->n_leaves && loss == r->values[r->loss].tensor && r->lane_changes == ctx->lane_changes && unwritten(r);
  for (int i = 0; i < n && same; i++) same = leaves[i] == r->values[i].tensor;
  if (!same) {
    *s = catch_up(ctx, r);
    return *s != TW_OK;
  }
  ctx->follow = NULL;
  ctx->active = 0;
  *s = TW_OK;
  for (size_t i = r->n_forward; i < r->n_calls && *s == TW_OK; i++) *s = run_call(ctx, r, &r->calls[i]);
  for (int i = 0; i < n && *s == TW_OK; i++) {
    if (r->grads[i] < 0) *s = tw__zeros_like(ctx, leaves[i], &grads[i]);
    else grads[i] = tw_tensor_retain(r->values[r->grads[i]].tensor);
    if (*s == TW_OK) grads[i]->serial = ctx->next_serial++;
  }
  if (*s == TW_OK) {
    r->state = READY;
    r->replayed++;
    r->credit += r->credit < CREDIT;
  }
  for (int i = 0; i < n && *s != TW_OK; i++) {
    tw_tensor_release(ctx, grads[i]);
    grads[i] = NULL;
  }
  return true;
}

void tw_replay_begin(tw_ctx *ctx, tw_replay *r, int level, int n, tw_tensor *const *leaves) {
  if (r->state == OFF || level != 0 || ctx->tape->depth != 1) return;
  if (!r->seen) { /* the first evaluation makes what later ones find */
    r->seen = true;
    return;
  }
  bool fit = r->state == READY && r->lane_changes == ctx->lane_changes && n == r->n_leaves;
  for (int i = 0; i < n && fit; i++) fit = alike(&r->values[i].like, leaves[i]);
  ctx->tape->replay = r;
  if (!fit) {
    if (r->state == READY) r->credit -= MISS;
    clear(ctx, r, r->credit < 0 ? OFF : NOTING);
    if (r->state == OFF) return;
    r->n_leaves = n;
    ctx->note = note;
    for (int i = 0; i < n && r->state == NOTING; i++) {
      if (!add_value(r, leaves[i], LEAF)) give_up(ctx, r);
    }
    return;
  }
  part(ctx, r, false);
  for (int i = 0; i < n; i++) {
    r->values[i].tensor = tw_tensor_retain(leaves[i]);
    r->values[i].version = leaves[i]->storage->version;
  }
  r->next = 0;
  r->state = FOLLOWING;
  ctx->follow = follow;
}

tw_status tw__replay_interrupt(tw_ctx *ctx) {
  tw_replay *r = ctx->tape->replay;
  tw_status s = TW_OK;
  if (r->state == FOLLOWING && ctx->follow) s = catch_up(ctx, r);
  if (r->state == NOTING) give_up(ctx, r);
  if (r->state == MISSED) r->credit = -1;
  return s;
}

void tw__replay_close(tw_ctx *ctx) {
  tw_replay *r = ctx->tape->replay;
  ctx->tape->replay = NULL;
  ctx->note = NULL;
  ctx->follow = NULL;
  if (r->state == FOLLOWING) r->credit -= MISS; /* it has not come to its end */
  if (r->state == READY) {
    let_go(ctx, r);
  } else if (r->state != OFF) {
    for (size_t i = 0; i < r->n_values; i++) {
      if (r->values[i].from == MADE && r->values[i].tensor) r->values[i].tensor->levels = r->values[i].tensor->node = 0;
    }
    clear(ctx, r, r->credit < 0 ? OFF : EMPTY);
  }
}
