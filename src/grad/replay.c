/* Replay: an evaluation that makes the calls of the one before is not worked out again. The calls of one evaluation and of its backward pass are noted with
 * their places among each other; from then on each call of an evaluation is compared with the one expected and, where it is the same, only its kernel runs, on
 * the memory of last time; the backward pass is a list of kernels. The first call that differs ends it: the tape gets what it would have had, and goes on.
 *
 * A call is the same when operation, attributes, dtypes, shapes and strides are; values never matter. What the function saw of the outside may be another
 * tensor each time. A result that somebody still holds when the evaluation is over is left to them, and its place gets memory of its own; handles of the
 * others are over, as if they had been released.
 *
 * Where it is the first call that differs, another evaluation may have begun that comes now and then, with an epoch's last batch: two are kept. */
#include <string.h>

#include "base/alloc.h"
#include "grad/replay.h"

enum { CREDIT = 64, MISS = 16 };

tw_replay *tw_replay_new(void) {
  tw_replay *r = tw_calloc(1, sizeof *r);
  if (r) r->credit = CREDIT;
  return r;
}

int64_t tw_replay_count(const tw_replay *r) { return r->replayed + (r->other ? r->other->replayed : 0); }

void tw_replay_free(tw_ctx *ctx, tw_replay *r) {
  if (!r) return;
  tw_replay_free(ctx, r->other);
  if (ctx->tape && ctx->tape->replay == r) tw__replay_close(ctx);
  tw__replay_clear(ctx, r, OFF);
  tw_free(r->values);
  tw_free(r->calls);
  tw_free(r->twins);
  tw_free(r->ids);
  tw_free(r->grads);
  tw_free(r->attrs);
  tw_free(r->iters);
  tw_free(r);
}

static void let_go(tw_ctx *ctx, tw_replay *r) {
  for (size_t i = 0; i < r->n_values; i++) {
    tw_replay_value *v = &r->values[i];
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

/* What somebody else holds is theirs: its place gets memory of its own when the call comes. Handles of the rest are over. lent: the pass has the gradients. */
static void part(tw_ctx *ctx, tw_replay *r, bool lent) {
  for (size_t i = 0; i < r->n_values; i++) {
    tw_replay_value *v = &r->values[i], *base = &r->values[v->base];
    if (base == v) v->sharers = 0; /* the first of them */
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
    tw_replay_value *v = &r->values[i];
    if (v->base == (int)i) v->busy = v->from == MADE && v->tensor && v->tensor->storage->refs != v->sharers;
  }
}

/* Since that was looked through, gradients alone can have come into other hands. */
static bool still_parted(const tw_replay *r) {
  bool own = r->parted;
  for (int i = 0; i < r->n_leaves && own; i++) {
    const tw_replay_value *v = r->grads[i] < 0 ? NULL : &r->values[r->grads[i]], *base = v ? &r->values[v->base] : NULL;
    if (v && v->tensor) own = v->tensor->refs == 1 && base->tensor && base->tensor->storage->refs == base->sharers;
  }
  return own;
}

void tw_replay_rest(tw_ctx *ctx, tw_replay *r) {
  r->parted = r->begun && r->state == READY;
  if (r->parted) part(ctx, r, true);
  r->begun = false;
}

static tw_status replace(tw_ctx *ctx, tw_replay_value *v) {
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
static tw_status run_view(tw_ctx *ctx, const tw_replay_call *k, tw_call *c, const tw_tensor *x, tw_replay_value *v) {
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
static tw_status run_call(tw_ctx *ctx, tw_replay *r, const tw_replay_call *k) {
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
    tw_replay_value *v = &r->values[ids[k->n_in + i]];
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
    const tw_replay_call *k = &r->calls[n];
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
static bool fits(const tw_ctx *ctx, tw_replay_value *v, tw_tensor *t) {
  if (v->tensor == t) return v->version == t->storage->version; /* written since: the tape says so */
  if (v->from != OUTSIDE) return false;
  if (v->tensor || t->levels || (t->storage->leaf & ctx->active && !t->constant)) return false;
  if ((v->last != t || v->serial != t->serial || v->shown != t->data) && !tw__replay_alike(&v->like, t)) return false;
  v->tensor = tw_tensor_retain(t);
  v->last = t;
  v->serial = t->serial;
  v->shown = t->data;
  v->version = t->storage->version;
  return true;
}

static bool follow(tw_ctx *, const tw_call *, tw_status *);

static bool is_expected(tw_ctx *ctx, tw_replay *r, const tw_call *c) {
  if (r->next == r->n_forward || r->lane_changes != ctx->lane_changes) return false;
  const tw_replay_call *k = &r->calls[r->next];
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

static bool leaves_fit(const tw_ctx *ctx, const tw_replay *r, int n, tw_tensor *const *leaves) {
  bool fit = r->state == READY && r->lane_changes == ctx->lane_changes && n == r->n_leaves;
  for (int i = 0; i < n && fit; i++) fit = tw__replay_alike(&r->values[i].like, leaves[i]);
  return fit;
}

static void begin_following(tw_ctx *ctx, tw_replay *r, tw_tensor *const *leaves) {
  if (!still_parted(r)) part(ctx, r, false);
  r->parted = false;
  for (int i = 0; i < r->n_leaves; i++) { /* whoever had a gradient and has let it go meanwhile: that handle is over, too */
    const tw_replay_value *v = r->grads[i] < 0 ? NULL : &r->values[r->grads[i]];
    if (v && v->tensor) v->tensor->serial = ctx->next_serial++;
  }
  for (int i = 0; i < r->n_leaves; i++) {
    r->values[i].tensor = tw_tensor_retain(leaves[i]);
    r->values[i].version = leaves[i]->storage->version;
  }
  r->next = 0;
  r->state = FOLLOWING;
  ctx->follow = follow;
}

static void begin_noting(tw_ctx *ctx, tw_replay *r, int n, tw_tensor *const *leaves) {
  if (r->state == READY) r->credit -= MISS;
  tw__replay_clear(ctx, r, r->credit < 0 ? OFF : NOTING);
  if (r->state == NOTING) tw__replay_note_from(ctx, r, n, leaves);
}

/* The two change places: whoever holds the first sees what is followed. */
static void turn_to_other(tw_replay *r) {
  tw_replay *other = r->other, first = *r;
  *r = *other;
  *other = first;
  other->other = NULL;
  r->other = other;
  r->begun = first.begun;
  other->begun = other->parted = false;
}

/* The evaluation has just begun, and not with the call expected: with the other one's, or it is noted as that; false: neither. */
static bool begins_otherwise(tw_ctx *ctx, tw_replay *r, const tw_call *c) {
  if (!r->other) r->other = tw_replay_new();
  if (!r->other) return false;
  r->other->seen = true;
  int n = r->n_leaves;
  tw_tensor *few[16], **leaves = n <= 16 ? few : tw_alloc((size_t)n * sizeof *leaves);
  if (!leaves) return false;
  for (int i = 0; i < n; i++) leaves[i] = tw_tensor_retain(r->values[i].tensor);
  let_go(ctx, r);
  r->state = READY;
  ctx->follow = NULL;
  turn_to_other(r);
  bool turned = leaves_fit(ctx, r, n, leaves);
  if (turned) {
    begin_following(ctx, r, leaves);
    turned = is_expected(ctx, r, c);
    if (!turned) {
      let_go(ctx, r);
      r->state = READY;
      ctx->follow = NULL;
    }
  }
  if (!turned && r->state != OFF && r->credit >= MISS) {
    begin_noting(ctx, r, n, leaves);
    turned = true;
  }
  if (!turned) {
    turn_to_other(r);
    begin_following(ctx, r, leaves);
  }
  for (int i = 0; i < n; i++) tw_tensor_release(ctx, leaves[i]);
  if (leaves != few) tw_free(leaves);
  return turned;
}

static bool follow(tw_ctx *ctx, const tw_call *c, tw_status *s) {
  tw_replay *r = ctx->tape->replay;
  if (!tw__replay_is_recorded(ctx, c)) return false;
  if (!is_expected(ctx, r, c)) {
    bool turned = r->next == 0 && begins_otherwise(ctx, r, c);
    if (turned && r->state != FOLLOWING) return false;
    if (!turned) {
      *s = catch_up(ctx, r);
      return *s != TW_OK;
    }
  }
  const tw_replay_call *k = &r->calls[r->next];
  *s = run_call(ctx, r, k);
  if (*s != TW_OK) return true;
  r->next++;
  for (int i = 0; i < k->n_out; i++) {
    tw_replay_value *v = &r->values[r->ids[k->ids + k->n_in + (size_t)i]];
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
    const tw_replay_value *v = &r->values[i];
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
    if (r->other) r->other->credit += r->other->credit < CREDIT;
  }
  for (int i = 0; i < n && *s != TW_OK; i++) {
    tw_tensor_release(ctx, grads[i]);
    grads[i] = NULL;
  }
  return true;
}

void tw_replay_begin(tw_ctx *ctx, tw_replay *r, int level, int n, tw_tensor *const *leaves) {
  if (r->other && (r->other->state == READY ? r->state != READY : r->state == OFF && r->other->state != OFF)) turn_to_other(r);
  if (r->state == OFF || level != 0 || ctx->tape->depth != 1) return;
  if (!r->seen) { /* the first evaluation makes what later ones find */
    r->seen = true;
    return;
  }
  ctx->tape->replay = r;
  r->begun = true;
  if (leaves_fit(ctx, r, n, leaves)) begin_following(ctx, r, leaves);
  else begin_noting(ctx, r, n, leaves);
}

tw_status tw__replay_interrupt(tw_ctx *ctx) {
  tw_replay *r = ctx->tape->replay;
  tw_status s = TW_OK;
  if (r->state == FOLLOWING && ctx->follow) s = catch_up(ctx, r);
  if (r->state == NOTING) tw__replay_give_up(ctx, r);
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
    tw__replay_clear(ctx, r, r->credit < 0 ? OFF : EMPTY);
  }
}
