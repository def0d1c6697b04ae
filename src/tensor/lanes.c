/* Hidden axes: storage for tensors that differ along them, promotion, compaction. tensor.h says what holds. */
#include <string.h>

#include "base/alloc.h"
#include "tensor/ctx.h"

/* Per lane at most so many elements: the lanes lie fastest, so that one instruction advances several of them. A test function's parameters do; a bias of a
 * layer must not, because it meets activations that lie lane by lane. */
enum { FEW = 8 };

static int64_t count_of(const tw_lanes *l) {
  int64_t n = 1;
  for (int h = 0; h < TW_MAX_LANES; h++) {
    if (l->mask >> h & 1 && __builtin_mul_overflow(n, l->size[h], &n)) return INT64_MAX;
  }
  return n;
}

/* The strides of the hidden axes, the last one innermost, in a block of lanes at distance `inner`. */
static void set_lanes(tw_tensor *t, const tw_lanes *l, int64_t inner) {
  t->lanes = l->mask;
  for (int h = TW_MAX_LANES - 1; h >= 0; h--) {
    bool has = l->mask >> h & 1;
    t->lane_size[h] = has ? l->size[h] : 1;
    t->lane_stride[h] = has ? inner : 0;
    if (has) inner *= l->size[h];
  }
}

static tw_status new_laned(tw_ctx *ctx, tw_dtype dtype, const tw_shape *shape, const tw_lanes *l, bool fastest, tw_tensor **out) {
  int64_t size = tw_shape_size(shape), count = count_of(l);
  tw_shape flat = {.n = 2, .d = {count, size}};
  tw_status s = tw_tensor_new(ctx, dtype, &flat, out);
  if (s != TW_OK) return s;
  tw_tensor *t = *out;
  int64_t step = fastest ? count : 1;
  t->ndim = (uint8_t)shape->n;
  t->size = size;
  t->storage->elements = size;
  t->storage->step = step;
  t->storage->lanes = l->mask;
  if (l->mask && size > 1) {
    ctx->laned_bytes += (int64_t)t->storage->bytes;
    if (ctx->laned_bytes > ctx->laned_peak) ctx->laned_peak = ctx->laned_bytes;
  }
  for (int i = shape->n - 1; i >= 0; i--) {
    t->shape[i] = shape->d[i];
    t->stride[i] = step;
    step *= shape->d[i];
  }
  set_lanes(t, l, fastest ? 1 : size);
  return TW_OK;
}

tw_status tw_tensor_new_laned(tw_ctx *ctx, tw_dtype dtype, const tw_shape *shape, const tw_lanes *l, tw_tensor **out) {
  if (!l->mask) return tw_tensor_new(ctx, dtype, shape, out);
  return new_laned(ctx, dtype, shape, l, tw_shape_size(shape) <= FEW, out);
}

tw_status tw_tensor_new_packed(tw_ctx *ctx, tw_dtype dtype, const tw_shape *shape, const tw_lanes *l, tw_tensor **out) {
  return new_laned(ctx, dtype, shape, l, false, out);
}

tw_status tw_tensor_new_fastest(tw_ctx *ctx, tw_dtype dtype, const tw_shape *shape, const tw_lanes *l, tw_tensor **out) {
  return new_laned(ctx, dtype, shape, l, true, out);
}

tw_status tw_tensor_new_lanes(tw_ctx *ctx, tw_dtype dtype, int axis, const double *values, tw_tensor **out) {
  tw_lanes l = {.mask = (uint8_t)(1u << axis)};
  tw_shape scalar = {0};
  l.size[axis] = ctx->lane_size[axis];
  tw_status s = tw_tensor_new_laned(ctx, dtype, &scalar, &l, out);
  if (s != TW_OK) return s;
  (*out)->weak = true;
  for (int64_t i = 0; i < l.size[axis]; i++) {
    tw_tensor one = tw_tensor_lane(*out, i);
    tw_tensor_set(&one, 0, values[i]);
  }
  return TW_OK;
}

int64_t tw_lane_count(const tw_tensor *t) {
  int64_t n = 1;
  for (int h = 0; h < TW_MAX_LANES; h++) {
    if (t->lanes >> h & 1) n *= t->lane_size[h];
  }
  return n;
}

tw_tensor tw_tensor_lane(const tw_tensor *t, int64_t lane) {
  tw_tensor one = *t;
  int64_t at = 0;
  for (int h = TW_MAX_LANES - 1; h >= 0; h--) {
    if (!(t->lanes >> h & 1)) continue;
    at += lane % t->lane_size[h] * t->lane_stride[h];
    lane /= t->lane_size[h];
  }
  one.data += at * (int64_t)tw_dtype_size((tw_dtype)t->dtype);
  one.lanes = one.label = 0;
  one.levels = one.node = 0;
  one.dual = NULL;
  return one;
}

bool tw_lanes_join(tw_lanes *l, const tw_tensor *t) {
  for (int h = 0; h < TW_MAX_LANES; h++) {
    if (!(t->lanes >> h & 1)) continue;
    if (l->mask >> h & 1 && l->size[h] != t->lane_size[h]) return false;
    l->size[h] = t->lane_size[h];
  }
  l->mask |= t->lanes;
  return true;
}

bool tw_tensor_is_even(const tw_tensor *t, int64_t *step) {
  int64_t expected = 0;
  bool first = true;
  *step = 1;
  if (t->size <= 1) return true;
  for (int i = t->ndim - 1; i >= 0; i--) {
    if (t->shape[i] == 1) continue;
    if (first) *step = expected = t->stride[i];
    first = false;
    if (t->stride[i] != expected) return false;
    expected *= t->shape[i];
  }
  return *step != 0;
}

tw_status tw_tensor_unshare(tw_ctx *ctx, tw_tensor *t) {
  tw_tensor *own;
  tw_shape shape = tw_tensor_shape(t);
  tw_lanes l = {0};
  if (!tw_lanes_join(&l, t)) return TW_ESTATE;
  tw_status s = tw_tensor_new_laned(ctx, (tw_dtype)t->dtype, &shape, &l, &own);
  if (s != TW_OK) return s;
  size_t item = tw_dtype_size((tw_dtype)t->dtype);
  int64_t lanes = tw_lane_count(t);
  for (int64_t lane = 0; lane < lanes; lane++) {
    tw_tensor from = tw_tensor_lane(t, lane), to = tw_tensor_lane(own, lane);
    int64_t at[TW_MAX_DIM] = {0}, p = 0, q = 0;
    for (int64_t k = 0; k < t->size; k++) { /* row-major */
      memcpy(to.data + q * (int64_t)item, from.data + p * (int64_t)item, item);
      for (int i = shape.n - 1; i >= 0; i--) {
        p += from.stride[i];
        q += to.stride[i];
        if (++at[i] < shape.d[i]) break;
        p -= from.stride[i] * shape.d[i];
        q -= to.stride[i] * shape.d[i];
        at[i] = 0;
      }
    }
  }
  tw_storage *shared = t->storage;
  t->storage = own->storage;
  t->data = own->data;
  memcpy(t->stride, own->stride, sizeof t->stride);
  memcpy(t->lane_stride, own->lane_stride, sizeof t->lane_stride);
  own->storage = shared; /* goes with it */
  tw_tensor_release(ctx, own);
  return TW_OK;
}

/* Promotion. */

/* A tensor over s as it was made, or a plain part of it: every lane of it is reached. */
static bool is_plain(const tw_tensor *t, const tw_storage *s) {
  if (t->lanes != s->lanes) return false;
  int64_t item = (int64_t)tw_dtype_size((tw_dtype)t->dtype), offset = (t->data - (char *)s->data) / item;
  if (offset % s->step) return false;
  for (int i = 0; i < t->ndim; i++) {
    if (t->stride[i] % s->step) return false;
  }
  return true;
}

static tw_status refuse(tw_ctx *ctx, const char *why) {
  return tw_fail(&ctx->error, TW_ESTATE, "a tensor that is the same in all lanes cannot take in values that differ: %s; make a new tensor", why);
}

tw_status tw_tensor_promote(tw_ctx *ctx, tw_tensor *t, const tw_lanes *wanted) {
  tw_storage *old = t->storage;
  tw_lanes all = *wanted;
  ctx->lane_changes++;
  if (!tw_lanes_join(&all, t)) return refuse(ctx, "the numbers of lanes differ");
  for (tw_slab *slab = ctx->slabs; slab; slab = slab->next) {
    for (int i = 0; i < TW_SLAB_TENSORS; i++) {
      const tw_tensor *other = &slab->tensors[i];
      if (!other->serial || other->storage != old) continue;
      if (!is_plain(other, old)) return refuse(ctx, "its memory is shared with a slice of a tw.vmap");
      for (int h = 1; h < TW_MAX_LANES; h++) {
        bool gains = (all.mask & ~old->lanes) >> h & 1;
        if (gains && other->serial < ctx->lane_serial[h]) return refuse(ctx, "it was made outside the function tw.vmap maps");
      }
    }
  }
  int64_t item = (int64_t)tw_dtype_size((tw_dtype)t->dtype), count = count_of(&all);
  tw_tensor *whole, base = *t;
  tw_shape flat = {.n = 1, .d = {old->elements}};
  tw_status s = tw_tensor_new_laned(ctx, (tw_dtype)t->dtype, &flat, &all, &whole);
  if (s != TW_OK) return s;
  base.data = old->data;
  base.ndim = 1;
  base.shape[0] = base.size = old->elements;
  base.stride[0] = old->step;
  for (int h = 0; h < TW_MAX_LANES; h++) { /* a lane it lacks is the same again */
    base.lane_size[h] = whole->lane_size[h];
    if (!(base.lanes >> h & 1)) base.lane_stride[h] = 0;
  }
  base.lanes = all.mask;
  for (int64_t lane = 0; lane < count; lane++) {
    tw_tensor from = tw_tensor_lane(&base, lane), to = tw_tensor_lane(whole, lane);
    for (int64_t e = 0; e < old->elements; e++) memcpy(to.data + e * to.stride[0] * item, from.data + e * from.stride[0] * item, (size_t)item);
  }
  tw_storage *fresh = whole->storage;
  fresh->version = old->version;
  fresh->leaf = old->leaf;
  fresh->outside = old->outside;
  int64_t old_step = old->step;
  for (tw_slab *slab = ctx->slabs; slab; slab = slab->next) {
    for (int i = 0; i < TW_SLAB_TENSORS; i++) {
      tw_tensor *other = &slab->tensors[i];
      if (!other->serial || other->storage != old) continue;
      int64_t offset = (other->data - (char *)old->data) / item / old_step * fresh->step;
      other->data = (char *)fresh->data + offset * item;
      for (int k = 0; k < other->ndim; k++) other->stride[k] = other->stride[k] / old_step * fresh->step;
      other->lanes = whole->lanes;
      memcpy(other->lane_size, whole->lane_size, sizeof other->lane_size);
      memcpy(other->lane_stride, whole->lane_stride, sizeof other->lane_stride);
      other->storage = fresh;
      fresh->refs++;
      if (old->refs > 1) old->refs--;
      else tw__storage_release(ctx, old);
    }
  }
  tw_tensor_release(ctx, whole);
  return TW_OK;
}

/* Opening, closing, compaction. */

int tw_lanes_innermost(const tw_ctx *ctx) { return ctx->lanes ? 31 - __builtin_clz(ctx->lanes) : -1; }

int tw_lanes_free(const tw_ctx *ctx, uint8_t others) {
  int h = tw_lanes_innermost(ctx) + 1;
  if (h == 0) h = 1;
  while (h < TW_MAX_LANES && (ctx->lanes_taken | others) >> h & 1) h++;
  return h;
}

tw_status tw_lanes_open(tw_ctx *ctx, int64_t width, int h) {
  if (h >= TW_MAX_LANES) return tw_fail(&ctx->error, TW_EINVAL, "vmap: more than %d of them inside one another", TW_MAX_LANES - 1);
  if (h <= tw_lanes_innermost(ctx)) return tw_fail(&ctx->error, TW_ESTATE, "lanes: they are open already");
  if (h == 0) {
    ctx->lane_changes++;
    ctx->laned_peak = ctx->laned_bytes;
    int64_t *origin = tw_alloc((size_t)width * sizeof *origin);
    if (!origin) return tw_fail(&ctx->error, TW_ENOMEM, "lanes: out of memory");
    for (int64_t r = 0; r < width; r++) origin[r] = r;
    ctx->lane_origin = origin;
  }
  ctx->lanes |= (uint8_t)(1u << h);
  ctx->lane_size[h] = width;
  ctx->lane_serial[h] = ctx->next_serial;
  return TW_OK;
}

void tw_lanes_close(tw_ctx *ctx, int axis) {
  uint8_t closed = (uint8_t)(ctx->lanes & ~((1u << axis) - 1));
  if (!closed) return;
  ctx->lanes &= (uint8_t)((1u << axis) - 1);
  if (axis == 0) {
    ctx->lane_changes++;
    tw_free(ctx->lane_origin);
    ctx->lane_origin = NULL;
  }
  for (tw_slab *slab = ctx->slabs; slab; slab = slab->next) {
    for (int i = 0; i < TW_SLAB_TENSORS; i++) {
      tw_tensor *t = &slab->tensors[i];
      if (t->serial && t->lanes & closed) t->stale = true;
    }
  }
}

/* Lane kept[k] of a storage to place k; places ascend, so that nothing is written over before it has moved. Axis 0 is the outermost of the lanes: what one
 * of its lanes has lies in a piece for each element where lanes are fastest, in one piece elsewhere. */
static void move_lanes(const tw_tensor *t, int64_t n, const int64_t *kept) {
  tw_storage *s = t->storage;
  int64_t item = (int64_t)tw_dtype_size((tw_dtype)t->dtype), lane = t->lane_stride[0] * item, step = s->step * item;
  int64_t pieces = s->step > 1 ? s->elements : 1;
  char *data = s->data;
  for (int64_t k = 0; k < n; k++) {
    if (kept[k] == k) continue;
    for (int64_t e = 0; e < pieces; e++) memcpy(data + k * lane + e * step, data + kept[k] * lane + e * step, (size_t)lane);
  }
  s->version++;
  s->moved = true;
}

tw_status tw_lanes_compact(tw_ctx *ctx, int64_t n, const int64_t *kept) {
  if (ctx->lanes != 1 || ctx->active || ctx->lanes_held) {
    return tw_fail(&ctx->error, TW_ESTATE, "lanes: they can be dropped only outside tw.vmap, differentiated functions and steps of optimizers");
  }
  for (int64_t k = 0; k < n; k++) {
    if (kept[k] >= (k ? kept[k - 1] + 1 : 0) && kept[k] < ctx->lane_size[0]) continue;
    return tw_fail(&ctx->error, TW_EINVAL, "lanes: those kept must be ascending places: number %lld of %lld", (long long)kept[k] + 1,
                   (long long)ctx->lane_size[0]);
  }
  for (tw_slab *slab = ctx->slabs; slab; slab = slab->next) {
    for (int i = 0; i < TW_SLAB_TENSORS; i++) {
      const tw_tensor *t = &slab->tensors[i];
      if (t->serial && !t->stale && t->lanes & 1 && !t->storage->moved) move_lanes(t, n, kept);
    }
  }
  for (tw_slab *slab = ctx->slabs; slab; slab = slab->next) {
    for (int i = 0; i < TW_SLAB_TENSORS; i++) {
      tw_tensor *t = &slab->tensors[i];
      if (!t->serial || t->stale || !(t->lanes & 1)) continue;
      t->lane_size[0] = n;
      t->storage->moved = false;
    }
  }
  ctx->lane_changes++;
  for (int64_t k = 0; k < n; k++) ctx->lane_origin[k] = ctx->lane_origin[kept[k]];
  ctx->lane_size[0] = n;
  return TW_OK;
}
