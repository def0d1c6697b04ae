/* Noting what an evaluation and its backward pass do: the calls, and the values with their places among each other. */
#include <string.h>

#include "base/alloc.h"
#include "grad/replay.h"
#include "op/chain.h"

/* Beyond so many bytes of results the calls themselves are what takes the time. */
enum { MAX_BYTES = 4 << 20, MAX_VALUES = 4096 };

static void drop_twins(tw_ctx *ctx, tw_replay *r) {
  while (r->n_twins) tw_tensor_release(ctx, r->twins[--r->n_twins].tensor);
}

void tw__replay_clear(tw_ctx *ctx, tw_replay *r, tw_replay_state to) {
  drop_twins(ctx, r);
  for (size_t i = 0; i < r->n_values; i++) tw_tensor_release(ctx, r->values[i].tensor);
  r->n_values = r->n_calls = r->n_ids = r->n_attrs = r->n_iters = r->n_forward = r->next = 0;
  r->bytes = 0;
  r->backward = false;
  r->state = to;
}

void tw__replay_give_up(tw_ctx *ctx, tw_replay *r) {
  ctx->note = NULL;
  tw__replay_clear(ctx, r, OFF);
}

bool tw__replay_alike(const tw_tensor *a, const tw_tensor *b) {
  if (a->dtype != b->dtype || a->ndim != b->ndim || a->weak != b->weak || a->constant != b->constant || a->lanes != b->lanes) return false;
  for (int i = 0; i < a->ndim; i++) {
    if (a->shape[i] != b->shape[i] || a->stride[i] != b->stride[i]) return false;
  }
  for (int h = 0; a->lanes >> h; h++) {
    if (a->lanes >> h & 1 && (a->lane_size[h] != b->lane_size[h] || a->lane_stride[h] != b->lane_stride[h])) return false;
  }
  return true;
}

static int find(const tw_replay *r, const tw_tensor *t) {
  for (size_t i = r->n_values; i > 0; i--) {
    if (r->values[i - 1].tensor == t) return (int)i - 1;
  }
  for (size_t i = 0; i < r->n_twins; i++) {
    if (r->twins[i].tensor == t) return r->twins[i].id;
  }
  return -1;
}

static bool add_value(tw_replay *r, tw_tensor *t, tw_replay_origin from) {
  tw_replay_value *grown = r->n_values < MAX_VALUES ? tw_grow(r->values, &r->cap_values, r->n_values, sizeof *grown) : NULL;
  if (!grown) return false;
  r->values = grown;
  r->values[r->n_values++] = (tw_replay_value){.tensor = tw_tensor_retain(t), .like = *t, .last = t, .serial = t->serial, .from = from, .levels = t->levels,
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

static bool note_operands(tw_replay *r, const tw_call *c, tw_replay_call *k) {
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
static bool note_iterator(tw_replay *r, const tw_call *c, tw_replay_call *k) {
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
  tw_replay_call k = {.op = c->op, .n_in = (uint8_t)c->n_in, .n_out = (uint8_t)c->n_out, .ids = r->n_ids, .view = c->op->flags & TW_OP_VIEW};
  k.copies = k.view && c->out[0]->storage != c->in[0]->storage;
  k.attrs = add_bytes(&r->attrs, &r->n_attrs, &r->cap_attrs, c->op->attrs_bytes);
  if (k.attrs == SIZE_MAX || !note_operands(r, c, &k)) return false;
  if (c->op->attrs_bytes) memcpy(r->attrs + k.attrs, c->attrs, c->op->attrs_bytes);
  if (c->op->row && !note_iterator(r, c, &k)) return false;
  tw_replay_call *grown = tw_grow(r->calls, &r->cap_calls, r->n_calls, sizeof *grown);
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
    if ((same || turned) && tw__replay_alike(r->values[ids[c->n_in]].tensor, c->out[0])) return ids[c->n_in];
  }
  return -1;
}

static bool add_twin(tw_replay *r, tw_tensor *t, int id) {
  tw_replay_twin *grown = tw_grow(r->twins, &r->cap_twins, r->n_twins, sizeof *grown);
  if (!grown) return false;
  r->twins = grown;
  r->twins[r->n_twins++] = (tw_replay_twin){.tensor = tw_tensor_retain(t), .id = id};
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

bool tw__replay_is_recorded(const tw_ctx *ctx, const tw_call *c) {
  if (c->op->flags & TW_OP_NO_GRAD) return false;
  return tw_would_record(ctx, c->in, c->n_in);
}

static void note(tw_ctx *ctx, const tw_call *c, bool made) {
  tw_replay *r = ctx->tape->replay;
  if (!r->backward) {
    if (!made || !tw__replay_is_recorded(ctx, c)) return;
    if (!(c->op->flags & TW_OP_STEADY)) made = false;
  }
  int same = r->backward && made ? find_same(r, c) : -1;
  if (!made || !(same < 0 ? note_call(r, c) : add_twin(r, c->out[0], same))) tw__replay_give_up(ctx, r);
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
    tw_replay_value *v = &r->values[i];
    size_t k = 0;
    while (r->values[k].tensor->storage != v->tensor->storage) k++;
    v->base = (int)k;
  }
}

/* Calls that are joined. */

/* The call behind the evaluation that reads value `id` and no other does; NULL: none, or several, or somebody else sees it too. */
static tw_replay_call *only_reader(tw_replay *r, int id) {
  tw_replay_call *reader = NULL;
  if (r->values[id].gradient) return NULL;
  for (size_t i = 0; i < r->n_values; i++) {
    if (r->values[i].base == r->values[id].base && (int)i != id) return NULL;
  }
  for (size_t i = 0; i < r->n_calls; i++) {
    bool reads = false;
    for (int k = 0; k < r->calls[i].n_in && r->calls[i].op; k++) reads = reads || r->ids[r->calls[i].ids + (size_t)k] == id;
    if (reads && (reader || i < r->n_forward)) return NULL;
    if (reads) reader = &r->calls[i];
  }
  return reader;
}

/* The bias' share of a layer's adjoint: sums over the rows of value `id`. */
static tw_replay_call *find_sums(tw_replay *r, int id) {
  const tw_tensor *x = &r->values[id].like;
  for (size_t i = r->n_forward; i < r->n_calls && x->ndim == 2; i++) {
    const tw_replay_call *k = &r->calls[i];
    if (k->op != &tw_op_sum_to || r->ids[k->ids] != id) continue;
    const tw_shape *to = &((const tw_shape_attrs *)(const void *)(r->attrs + k->attrs))->shape;
    if (to->n == 1 && to->d[0] == x->shape[1] && r->values[r->ids[k->ids + 1]].like.lanes == x->lanes) return &r->calls[i];
  }
  return NULL;
}

static bool same_shape(const tw_tensor *a, const tw_tensor *b) {
  bool same = a->ndim == b->ndim && a->lanes == b->lanes;
  for (int i = 0; same && i < a->ndim; i++) same = a->shape[i] == b->shape[i];
  return same;
}

/* matmul, whose result times an activation's derivative is all that is wanted, and the sums of that: one call in place of three. */
static bool join_product(tw_ctx *ctx, tw_replay *r, tw_replay_call *product) {
  tw_linear_attrs a = {.then = TW_RELU};
  int id = product->op == &tw_op_matmul ? r->ids[product->ids + 2] : -1;
  tw_replay_call *times = id >= 0 ? only_reader(r, id) : NULL;
  if (!times || times->n_in != 3) return true;
  while (a.then < TW_N_ACTIVATIONS && times->op != tw_activation_op(a.then)->row->derivative[0]) a.then++;
  const int *ids = r->ids + times->ids;
  if (a.then == TW_N_ACTIVATIONS || ids[0] != id || ids[1] != ids[2]) return true;
  if (!same_shape(&r->values[id].like, &r->values[ids[1]].like) || !same_shape(&r->values[id].like, &r->values[ids[3]].like)) return true;
  int in[2] = {r->ids[product->ids], r->ids[product->ids + 1]}, with = ids[1], result = ids[3];
  tw_replay_call *sums = find_sums(r, result);
  int sum = sums ? r->ids[sums->ids + 1] : -1;
  tw_replay_call joined = {.op = &tw_op_chain, .n_in = 3, .n_out = sums ? 2 : 1, .ids = r->n_ids};
  joined.attrs = add_bytes(&r->attrs, &r->n_attrs, &r->cap_attrs, sizeof a);
  if (joined.attrs == SIZE_MAX || !add_id(r, in[0]) || !add_id(r, in[1]) || !add_id(r, with) || !add_id(r, result) || (sums && !add_id(r, sum))) return false;
  memcpy(r->attrs + joined.attrs, &a, sizeof a);
  *times = joined;
  product->op = NULL;
  if (sums) sums->op = NULL;
  tw_tensor_release(ctx, r->values[id].tensor);
  r->values[id].tensor = NULL;
  return true;
}

static bool join_calls(tw_ctx *ctx, tw_replay *r) {
  bool fits = true;
  size_t n = r->n_forward;
  for (size_t i = r->n_forward; i < r->n_calls && fits; i++) {
    if (r->calls[i].op) fits = join_product(ctx, r, &r->calls[i]);
  }
  for (size_t i = r->n_forward; i < r->n_calls; i++) {
    if (r->calls[i].op) r->calls[n++] = r->calls[i];
  }
  r->n_calls = n;
  return fits;
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
    tw_replay_value *v = (places[i] = find(r, grads[i])) < 0 ? NULL : &r->values[places[i]]; /* NULL: nothing depends on it */
    fits = r->values[i].tensor == leaves[i] && (!v || (v->from == MADE && r->values[v->base].from == MADE)); /* its holder may write it: no constant's memory */
    if (v) v->gradient = true;
  }
  if (!fits || !join_calls(ctx, r)) {
    tw__replay_give_up(ctx, r);
    return;
  }
  ctx->note = NULL;
  r->lane_changes = ctx->lane_changes;
  r->state = READY;
}

void tw__replay_note_from(tw_ctx *ctx, tw_replay *r, int n, tw_tensor *const *leaves) {
  r->n_leaves = n;
  ctx->note = note;
  for (int i = 0; i < n && r->state == NOTING; i++) {
    if (!add_value(r, leaves[i], LEAF)) tw__replay_give_up(ctx, r);
  }
}
