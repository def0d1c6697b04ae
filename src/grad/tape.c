/* The tape: recorded calls in order. An entry keeps its call's tensors alive and remembers the version of their storage; a backward pass walks the entries
 * of its level from the last to the first. Every recorded result has a slot, in which its cotangent is collected. */
#include <string.h>

#include "base/alloc.h"
#include "grad/tape.h"

tw_status tw__tape_out_of_memory(tw_ctx *ctx) { return tw_fail(&ctx->error, TW_ENOMEM, "tape: out of memory"); }

static tw_status push_entry(tw_ctx *ctx, const tw_entry *e) {
  tw_tape *tape = ctx->tape;
  tw_entry *grown = tw_grow(tape->entries, &tape->cap_entries, tape->n_entries, sizeof *grown);
  if (!grown) return tw__tape_out_of_memory(ctx);
  tape->entries = grown;
  tape->entries[tape->n_entries++] = *e;
  return TW_OK;
}

static tw_status push_ref(tw_ctx *ctx, tw_tensor *t, uint32_t version) {
  tw_tape *tape = ctx->tape;
  tw_ref *grown = tw_grow(tape->refs, &tape->cap_refs, tape->n_refs, sizeof *grown);
  if (!grown) return tw__tape_out_of_memory(ctx);
  tape->refs = grown;
  tape->refs[tape->n_refs++] = (tw_ref){.tensor = tw_tensor_retain(t), .version = version};
  return TW_OK;
}

static void pop_refs(tw_ctx *ctx, size_t down_to) {
  tw_tape *tape = ctx->tape;
  while (tape->n_refs > down_to) tw_tensor_release(ctx, tape->refs[--tape->n_refs].tensor);
}

/* Attributes are copied at 16-byte steps, so that any plain struct is aligned. */
static tw_status push_attrs(tw_ctx *ctx, const void *attrs, size_t bytes, size_t *at) {
  tw_tape *tape = ctx->tape;
  size_t rounded = (bytes + 15) & ~(size_t)15;
  while (tape->n_attrs + rounded > tape->cap_attrs) {
    size_t wanted = tape->cap_attrs ? tape->cap_attrs * 2 : 4096;
    char *grown = tw_realloc(tape->attrs, wanted);
    if (!grown) return tw__tape_out_of_memory(ctx);
    tape->attrs = grown;
    tape->cap_attrs = wanted;
  }
  *at = tape->n_attrs;
  if (bytes) memcpy(tape->attrs + tape->n_attrs, attrs, bytes);
  tape->n_attrs += rounded;
  return TW_OK;
}

tw_status tw__record_past(tw_ctx *ctx, const tw_call *c, uint32_t levels, const uint32_t *versions) {
  tw_tape *tape = ctx->tape;
  tw_entry e = {.op = c->op, .levels = levels, .n_in = (uint8_t)c->n_in, .n_out = (uint8_t)c->n_out, .refs = tape->n_refs};
  tw_status s = push_attrs(ctx, c->attrs, c->op->attrs_bytes, &e.attrs);
  for (int i = 0; i < c->n_in && s == TW_OK; i++) s = push_ref(ctx, c->in[i], versions[i]);
  for (int i = 0; i < c->n_out && s == TW_OK; i++) s = push_ref(ctx, c->out[i], versions[c->n_in + i]);
  if (s == TW_OK) s = push_entry(ctx, &e);
  if (s != TW_OK) {
    pop_refs(ctx, e.refs);
    return s;
  }
  for (int i = 0; i < c->n_out; i++) {
    c->out[i]->node = ++tape->slots;
    tape->lanes |= c->out[i]->lanes;
  }
  return TW_OK;
}

static tw_status record_reverse(tw_ctx *ctx, const tw_call *c, uint32_t levels) {
  uint32_t versions[16];
  for (int i = 0; i < c->n_in; i++) versions[i] = c->in[i]->storage->version;
  for (int i = 0; i < c->n_out; i++) versions[c->n_in + i] = c->out[i]->storage->version;
  return tw__record_past(ctx, c, levels, versions);
}

uint8_t tw_grad_lanes(const tw_ctx *ctx) { return ctx->tape ? (uint8_t)(ctx->tape->lanes & ~1) : 0; }

/* The interpreter that tw_apply calls for a result some open level depends on. The value takes its place on the tape before its tangents are computed,
 * because those are recorded too and may depend on it. */
static tw_status record(tw_ctx *ctx, const tw_call *c, uint32_t levels) {
  uint32_t forward = levels & ctx->tape->forward, reverse = levels & ~forward;
  tw_status s = reverse ? record_reverse(ctx, c, reverse) : TW_OK;
  for (int i = 0; i < c->n_out && s == TW_OK; i++) c->out[i]->levels = levels;
  return s == TW_OK && forward ? tw__record_forward(ctx, c, forward) : s;
}

tw_status tw_grad_open(tw_ctx *ctx, int *level) {
  if (!ctx->tape) {
    ctx->tape = tw_calloc(1, sizeof *ctx->tape);
    if (!ctx->tape) return tw__tape_out_of_memory(ctx);
    ctx->record = record;
  }
  tw_tape *tape = ctx->tape;
  tw_status s = tape->replay ? tw__replay_interrupt(ctx) : TW_OK;
  if (s != TW_OK) return s;
  if (tape->depth == TW_MAX_LEVELS) return tw_fail(&ctx->error, TW_EINVAL, "grad: more than %d differentiations inside one another", TW_MAX_LEVELS);
  *level = tape->depth++;
  tape->start[*level] = (tw_level_start){.first_entry = tape->n_entries, .first_slot = tape->slots, .first_moving = tape->n_moving,
                                           .lanes = ctx->lanes};
  ctx->active |= 1u << *level;
  return TW_OK;
}

tw_status tw_grad_leaf(tw_ctx *ctx, int level, tw_tensor *x, tw_tensor **leaf) {
  tw_tape *tape = ctx->tape;
  uint32_t bit = 1u << level;
  tw_tensor *out[1] = {NULL};
  tw_call alias = {.op = &tw_op_alias, .in = &x, .out = out, .n_in = 1, .n_out = 1};
  tw_status s = tw_apply(ctx, &alias);
  if (s != TW_OK) return s;
  out[0]->weak = false;
  tw_entry e = {.levels = bit, .n_out = 1, .refs = tape->n_refs};
  s = push_ref(ctx, out[0], out[0]->storage->version);
  if (s == TW_OK) s = push_entry(ctx, &e);
  if (s != TW_OK) {
    pop_refs(ctx, e.refs);
    tw_tensor_release(ctx, out[0]);
    return s;
  }
  if (!out[0]->node) out[0]->node = ++tape->slots;
  out[0]->levels |= bit;
  out[0]->storage->leaf |= bit;
  *leaf = out[0];
  return TW_OK;
}

tw_status tw_grad_stop(tw_ctx *ctx, tw_tensor *x, tw_tensor **out) {
  tw_shape shape = tw_tensor_shape(x);
  tw_status s = tw_tensor_new_view(ctx, x, &shape, x->stride, 0, out);
  if (s == TW_OK) (*out)->constant = true;
  return s;
}

/* Adds t (owned) into a slot. */
static tw_status collect(tw_ctx *ctx, tw_tensor **slot, tw_tensor *t) {
  if (!*slot) {
    *slot = t;
    return TW_OK;
  }
  tw_compose k = {.ctx = ctx};
  tw_tensor *sum = NULL;
  tw_status s = tw_compose_end(&k, tw_do2(&k, &tw_op_add, NULL, *slot, t), &sum);
  tw_tensor_release(ctx, t);
  if (s != TW_OK) return s;
  tw_tensor_release(ctx, *slot);
  *slot = sum;
  return TW_OK;
}

static tw_status check_versions(tw_ctx *ctx, const tw_entry *e) {
  const tw_ref *r = ctx->tape->refs + e->refs;
  for (int i = 0; i < e->n_in + e->n_out; i++) {
    if (r[i].tensor->storage->version == r[i].version) continue;
    char shape[128];
    return tw_fail(&ctx->error, TW_ESTATE, "grad: %s of %s was written in place after %s had used it; the gradient needs the old values",
                   i < e->n_in ? "an input" : "the result", tw_tensor_describe(r[i].tensor, shape, sizeof shape), e->op->name);
  }
  return TW_OK;
}

/* What is the same in all lanes of a hidden axis opened inside the level was used by each of them: its cotangent is the sum over these lanes, as over a
 * broadcast axis. The runs computed together, and a tw.vmap around the level, are never added up. */
static tw_status add_lanes(tw_ctx *ctx, tw_tensor **grad, const tw_tensor *of, uint8_t kept) {
  tw_status s = TW_OK;
  for (int h = 0; h < TW_MAX_LANES && s == TW_OK; h++) {
    if (!(((*grad)->lanes & ~of->lanes & ~kept) >> h & 1)) continue;
    tw_lanes_attrs first = {.h = h, .size = (*grad)->lane_size[h]};
    tw_reduce_attrs sum = {.axes = 1};
    tw_compose k = {.ctx = ctx};
    tw_tensor *all = *grad;
    s = tw_compose_end(&k, tw_do1(&k, &tw_op_sum, &sum, tw_do1(&k, &tw_op_lanes_out, &first, all)), grad);
    if (s == TW_OK) tw_tensor_release(ctx, all);
  }
  return s;
}

/* One entry backwards: the cotangents of its outputs to those of its inputs. slots[0] belongs to slot number `base`. */
static tw_status step_back(tw_ctx *ctx, size_t index, uint32_t bit, uint8_t kept, tw_tensor **slots, uint32_t base) {
  tw_entry e = ctx->tape->entries[index];
  tw_tensor *in[8], *out[4], *cotangent[4], *grad[8] = {NULL};
  bool wanted[8], any = false;
  for (int i = 0; i < e.n_out; i++) {
    out[i] = ctx->tape->refs[e.refs + e.n_in + (size_t)i].tensor;
    cotangent[i] = slots[out[i]->node - base];
    any = any || cotangent[i];
  }
  if (!any) return TW_OK;
  tw_status s = check_versions(ctx, &e);
  if (s != TW_OK) return s;
  for (int i = 0; i < e.n_in; i++) {
    in[i] = ctx->tape->refs[e.refs + (size_t)i].tensor;
    wanted[i] = (in[i]->levels & bit) && tw_is_real((tw_dtype)in[i]->dtype);
  }
  char attrs[512] __attribute__((aligned(16)));
  if (e.op->attrs_bytes) memcpy(attrs, ctx->tape->attrs + e.attrs, e.op->attrs_bytes); /* the arena may move while the pass is itself recorded */
  tw_call c = {.op = e.op, .attrs = attrs, .in = in, .out = out, .n_in = e.n_in, .n_out = e.n_out};
  s = e.op->vjp(ctx, &c, cotangent, grad, wanted);
  for (int i = 0; i < e.n_in; i++) {
    if (!grad[i]) continue;
    if (s == TW_OK && wanted[i] && grad[i]->lanes & ~in[i]->lanes & ~kept) s = add_lanes(ctx, &grad[i], in[i], kept);
    if (s == TW_OK && wanted[i]) s = collect(ctx, &slots[in[i]->node - base], grad[i]);
    else tw_tensor_release(ctx, grad[i]);
  }
  for (int i = 0; i < e.n_out; i++) { /* spent: its memory is the next one's */
    tw_tensor_release(ctx, cotangent[i]);
    slots[out[i]->node - base] = NULL;
  }
  return s;
}

tw_status tw__zeros_like(tw_ctx *ctx, const tw_tensor *x, tw_tensor **out) {
  tw_shape shape = tw_tensor_shape(x);
  tw_status s = tw_tensor_new(ctx, (tw_dtype)x->dtype, &shape, out);
  if (s == TW_OK) memset((*out)->data, 0, (size_t)x->size * tw_dtype_size((tw_dtype)x->dtype));
  return s;
}

static tw_status check_result(tw_ctx *ctx, const tw_tensor *y, const tw_tensor *cotangent) {
  char a[128], b[128];
  if (!tw_is_real((tw_dtype)y->dtype)) return tw_fail(&ctx->error, TW_EINVAL, "grad: the result must be real, got %s", tw_tensor_describe(y, a, sizeof a));
  if (!cotangent && y->ndim != 0) {
    return tw_fail(&ctx->error, TW_EINVAL, "grad: the loss must be a single number (0-d), got %s; reduce it with :sum() or :mean()",
                   tw_tensor_describe(y, a, sizeof a));
  }
  if (!cotangent) return TW_OK;
  tw_shape p = tw_tensor_shape(y), q = tw_tensor_shape(cotangent);
  if (tw_shape_equal(&p, &q) && y->dtype == cotangent->dtype) return TW_OK;
  return tw_fail(&ctx->error, TW_EINVAL, "grad: the cotangent is %s, the result %s", tw_tensor_describe(cotangent, b, sizeof b),
                 tw_tensor_describe(y, a, sizeof a));
}

/* Whether a laned tensor lies as new storage of its lanes would. */
static bool is_fresh(const tw_tensor *t) {
  int64_t step;
  return t->lanes == t->storage->lanes && t->size == t->storage->elements && tw_tensor_is_even(t, &step) && (t->size <= 1 || step == t->storage->step);
}

/* A cotangent or tangent handed out is nobody else's: what shares memory with another, or shows one number many times, is copied. */
tw_status tw__hand_out(tw_ctx *ctx, tw_tensor **t) {
  int64_t sharers, noted = tw__replay_holds(ctx, *t, &sharers);
  if ((*t)->refs == 1 + noted && (*t)->storage->refs == 1 + sharers && ((*t)->lanes ? is_fresh(*t) : tw_tensor_is_contiguous(*t) && !(*t)->storage->lanes)) {
    return TW_OK;
  }
  tw_compose k = {.ctx = ctx};
  tw_cast_attrs same = {.dtype = (tw_dtype)(*t)->dtype};
  tw_tensor *own = NULL;
  tw_status s = tw_compose_end(&k, tw_do1(&k, &tw_op_cast, &same, *t), &own);
  if (s != TW_OK) return s;
  tw_tensor_release(ctx, *t);
  *t = own;
  return TW_OK;
}

/* The cotangents of the results take their places. */
static tw_status seed(tw_ctx *ctx, tw_tensor *y, tw_tensor *cotangent, uint32_t bit, tw_tensor **slots, uint32_t base) {
  tw_status s = check_result(ctx, y, cotangent);
  if (s != TW_OK || !(y->levels & bit)) return s;
  tw_tensor *t;
  if (cotangent) t = tw_tensor_retain(cotangent);
  else s = tw_tensor_new_scalar(ctx, (tw_dtype)y->dtype, 1, &t);
  if (s == TW_OK && !cotangent) t->ones = true;
  return s == TW_OK ? collect(ctx, &slots[y->node - base], t) : s;
}

tw_status tw_grad_backward(tw_ctx *ctx, int level, int n_out, tw_tensor *const *y, tw_tensor *const *cotangent, int n, tw_tensor *const *leaves,
                           tw_tensor **grads) {
  return tw_grad_backward_lanes(ctx, level, n_out, y, cotangent, n, leaves, grads, 0);
}

tw_status tw_grad_backward_lanes(tw_ctx *ctx, int level, int n_out, tw_tensor *const *y, tw_tensor *const *cotangent, int n, tw_tensor *const *leaves,
                                 tw_tensor **grads, uint8_t kept) {
  tw_tape *tape = ctx->tape;
  uint32_t bit = 1u << level, base = tape->start[level].first_slot;
  ctx->active &= bit - 1;
  for (int i = 0; i < n; i++) grads[i] = NULL;
  tw_status s = TW_OK;
  bool replay = tape->replay && level == 0;
  if (replay && n_out == 1 && !cotangent && !kept && tw__replay_backward(ctx, y[0], n, leaves, grads, &s)) return s;
  if (replay) tw__replay_note_backward(ctx);
  uint32_t count = tape->slots - base + 1;
  uint8_t taken = ctx->lanes_taken;
  ctx->lanes_taken |= tw_grad_lanes(ctx);
  tw_tensor **slots = tw_calloc(count, sizeof *slots);
  if (!slots) s = tw__tape_out_of_memory(ctx);
  for (int k = 0; k < n_out && s == TW_OK; k++) s = seed(ctx, y[k], cotangent ? cotangent[k] : NULL, bit, slots, base);
  for (size_t i = tape->n_entries; i > tape->start[level].first_entry && s == TW_OK; i--) {
    const tw_entry *e = &tape->entries[i - 1];
    if (e->op && e->levels & bit) s = step_back(ctx, i - 1, bit, tape->start[level].lanes | kept, slots, base);
  }
  for (int i = 0; i < n && s == TW_OK; i++) {
    tw_tensor **slot = &slots[leaves[i]->node - base];
    if (*slot) {
      grads[i] = *slot;
      *slot = NULL;
      s = tw__hand_out(ctx, &grads[i]);
    } else {
      s = tw__zeros_like(ctx, leaves[i], &grads[i]);
    }
  }
  for (uint32_t i = 0; i < count && slots; i++) tw_tensor_release(ctx, slots[i]);
  tw_free(slots);
  ctx->lanes_taken = taken;
  if (s == TW_OK && replay) tw__replay_noted(ctx, y[0], n, leaves, grads);
  if (s != TW_OK) {
    for (int i = 0; i < n; i++) {
      tw_tensor_release(ctx, grads[i]);
      grads[i] = NULL;
    }
  }
  return s;
}

void tw_grad_close(tw_ctx *ctx, int level) {
  tw_tape *tape = ctx->tape;
  if (!tape || level >= tape->depth) return;
  uint32_t keep = (1u << level) - 1;
  size_t first = tape->start[level].first_entry, kept = first;
  ctx->active &= keep;
  for (size_t i = first; i < tape->n_entries; i++) {
    tw_entry *e = &tape->entries[i];
    e->levels &= keep;
    for (int k = 0; k < e->n_out; k++) {
      tw_tensor *t = tape->refs[e->refs + e->n_in + (size_t)k].tensor;
      if (!e->op) t->storage->leaf &= keep;
      t->levels &= keep;
    }
    if (e->levels) {
      tape->entries[kept++] = *e;
      continue;
    }
    for (size_t k = 0; k < (size_t)e->n_in + e->n_out; k++) {
      tw_ref *r = &tape->refs[e->refs + k];
      if (k >= e->n_in && !r->tensor->levels) r->tensor->node = 0;
      tw_tensor_release(ctx, r->tensor);
      r->tensor = NULL;
    }
  }
  tape->n_entries = kept;
  tw__close_forward(ctx, level);
  tape->depth = level;
  if (level == 0) {
    if (tape->replay) tw__replay_close(ctx);
    tape->n_refs = tape->n_attrs = 0;
    tape->slots = 0;
    tape->lanes = 0;
  }
}

void tw_grad_shutdown(tw_ctx *ctx) {
  tw_tape *tape = ctx->tape;
  if (!tape) return;
  tw_grad_close(ctx, 0);
  tw_free(tape->entries);
  tw_free(tape->refs);
  tw_free(tape->attrs);
  tw_free(tape->moving);
  tw_free(tape);
  ctx->tape = NULL;
}
