/* Forward mode: values carry tangents, and every call on a moving value moves its results. A tangent belongs to its value and dies with it. */
#include <string.h>

#include "base/alloc.h"
#include "grad/tape.h"

/* NULL where t does not move. A value written in place since it got its tangent has none that fits. */
static tw_tensor *tangent_of(tw_ctx *ctx, const tw_tensor *t, int level, tw_status *status) {
  for (const tw_dual *d = t->dual; d; d = d->next) {
    if (d->level != level) continue;
    if (d->version == t->storage->version) return d->tangent;
    char shape[128];
    *status = tw_fail(&ctx->error, TW_ESTATE, "jvp: a value, %s, was written in place; its tangent belongs to the old one",
                      tw_tensor_describe(t, shape, sizeof shape));
  }
  return NULL;
}

/* Forgets values that have died; what lives keeps its order. */
static void sweep(tw_tape *tape) {
  size_t kept = 0;
  for (size_t i = 0, level = 0; i <= tape->n_moving; i++) {
    for (; level < (size_t)tape->depth && tape->start[level].first_moving == i; level++) tape->start[level].first_moving = kept;
    if (i < tape->n_moving && tape->moving[i].tensor->serial == tape->moving[i].serial) tape->moving[kept++] = tape->moving[i];
  }
  tape->n_moving = kept;
}

/* Gives t a tangent (whose reference it takes over). */
static tw_status attach(tw_ctx *ctx, tw_tensor *t, int level, tw_tensor *tangent) {
  tw_tape *tape = ctx->tape;
  if (tape->n_moving == tape->cap_moving && tape->n_moving) sweep(tape);
  if (2 * tape->n_moving > tape->cap_moving || !tape->cap_moving) { /* still more than half full: grow */
    size_t wanted = tape->cap_moving ? 2 * tape->cap_moving : 64;
    tw_moving *grown = tw_realloc(tape->moving, wanted * sizeof *grown);
    if (grown) {
      tape->moving = grown;
      tape->cap_moving = wanted;
    }
  }
  tw_dual *d = tape->n_moving < tape->cap_moving ? tw_alloc(sizeof *d) : NULL;
  if (!d) {
    tw_tensor_release(ctx, tangent);
    return tw__tape_out_of_memory(ctx);
  }
  *d = (tw_dual){.next = t->dual, .level = level, .version = t->storage->version, .tangent = tangent};
  t->dual = d;
  t->levels |= 1u << level;
  tape->moving[tape->n_moving++] = (tw_moving){.tensor = t, .serial = t->serial};
  return TW_OK;
}

static tw_status move(tw_ctx *ctx, const tw_call *c, tw_tensor *const *tangent, tw_tensor **out) {
  const tw_op *op = c->op;
  if (op->flags & TW_OP_LINEAR) {
    if (!tangent[0]) return TW_OK;
    tw_tensor *in[8];
    memcpy(in, c->in, sizeof(tw_tensor *) * (size_t)c->n_in);
    in[0] = tangent[0];
    tw_call linear = {.op = op, .attrs = c->attrs, .in = in, .out = out, .n_in = c->n_in, .n_out = c->n_out};
    return tw_apply(ctx, &linear);
  }
  if (!op->jvp) return tw_fail(&ctx->error, TW_EINVAL, "%s: has no forward derivative", op->name);
  return op->jvp(ctx, c, tangent, out);
}

tw_status tw__record_forward(tw_ctx *ctx, const tw_call *c, uint32_t levels) {
  uint32_t active = ctx->active;
  tw_status s = TW_OK;
  for (int level = 0; level < TW_MAX_LEVELS && s == TW_OK; level++) {
    if (!(levels >> level & 1)) continue;
    tw_tensor *tangent[8], *out[4] = {NULL};
    bool any = false;
    for (int i = 0; i < c->n_in; i++) {
      tangent[i] = tw_is_real((tw_dtype)c->in[i]->dtype) ? tangent_of(ctx, c->in[i], level, &s) : NULL;
      any = any || tangent[i];
    }
    if (!any || s != TW_OK) continue;
    ctx->active = active & ((1u << level) - 1);
    s = move(ctx, c, tangent, out);
    ctx->active = active;
    for (int i = 0; i < c->n_out; i++) {
      if (!out[i]) continue;
      if (s == TW_OK) s = attach(ctx, c->out[i], level, out[i]);
      else tw_tensor_release(ctx, out[i]);
    }
  }
  return s;
}

tw_status tw_grad_open_forward(tw_ctx *ctx, int *level) {
  tw_status s = tw_grad_open(ctx, level);
  if (s == TW_OK) ctx->tape->forward |= 1u << *level;
  return s;
}

tw_status tw_grad_dual(tw_ctx *ctx, int level, tw_tensor *x, tw_tensor *tangent, tw_tensor **leaf) {
  tw_shape a = tw_tensor_shape(x), b = tw_tensor_shape(tangent);
  if (!tw_shape_equal(&a, &b) || x->dtype != tangent->dtype) {
    char p[128], q[128];
    return tw_fail(&ctx->error, TW_EINVAL, "jvp: the tangent is %s, the primal %s; they must agree", tw_tensor_describe(tangent, q, sizeof q),
                   tw_tensor_describe(x, p, sizeof p));
  }
  tw_status s = tw_grad_leaf(ctx, level, x, leaf);
  if (s == TW_OK) s = attach(ctx, *leaf, level, tw_tensor_retain(tangent));
  return s;
}

tw_status tw_grad_tangent(tw_ctx *ctx, int level, tw_tensor *y, tw_tensor **tangent) {
  ctx->active &= (1u << level) - 1;
  tw_status found = TW_OK;
  tw_tensor *t = tangent_of(ctx, y, level, &found);
  if (found != TW_OK) return found;
  if (t) {
    tw_tensor *own = tw_tensor_retain(t);
    tw_status s = tw__hand_out(ctx, &own);
    if (s == TW_OK) *tangent = own;
    else tw_tensor_release(ctx, own);
    return s;
  }
  tw_compose k = {.ctx = ctx};
  return tw_compose_end(&k, tw_do_zeros(&k, y), tangent);
}

void tw__close_forward(tw_ctx *ctx, int level) {
  tw_tape *tape = ctx->tape;
  uint32_t keep = (1u << level) - 1;
  for (size_t i = tape->start[level].first_moving; i < tape->n_moving; i++) {
    tw_tensor *t = tape->moving[i].tensor;
    if (t->serial != tape->moving[i].serial) continue;
    t->levels &= keep;
    for (tw_dual **d = &t->dual; *d;) {
      tw_dual *gone = *d;
      if (gone->level < level) {
        d = &gone->next;
        continue;
      }
      *d = gone->next;
      tw_tensor_release(ctx, gone->tangent);
      tw_free(gone);
    }
  }
  /* Values of outer levels made meanwhile stay on the list. */
  size_t kept = tape->start[level].first_moving;
  for (size_t i = kept; i < tape->n_moving; i++) {
    const tw_moving *m = &tape->moving[i];
    if (m->tensor->serial == m->serial && m->tensor->dual) tape->moving[kept++] = *m;
  }
  tape->n_moving = kept;
  tape->forward &= keep;
}
