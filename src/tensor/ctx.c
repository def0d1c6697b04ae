/* Storage from size-class free lists, tensors from slabs. A freed block is the next one handed out, while it is still in cache.
 * Under AddressSanitizer nothing is kept back, so that it sees every use after release. */
#include "tensor/ctx.h"

#include <string.h>

#include "base/alloc.h"

#ifdef __SANITIZE_ADDRESS__
enum { CACHE_BLOCKS = 0 };
#else
enum { CACHE_BLOCKS = 1 };
#endif

static const size_t cache_limit = (size_t)1 << 30; /* bytes kept back for reuse; beyond it blocks go back to the system */

/* One allocation: this header (64 bytes, so that data keeps the alignment), then the data. */
typedef struct tw_block {
  tw_storage storage;
  struct tw_block *next;
} tw_block;
enum { BLOCK_HEADER = 64, SLAB_TENSORS = TW_SLAB_TENSORS };
_Static_assert(sizeof(tw_block) <= BLOCK_HEADER, "a block's header must fit before its data");

/* Classes grow by quarters of a power of two: at most 25 % is lost. */
static int class_of(size_t bytes, size_t *rounded) {
  if (bytes <= 64) {
    *rounded = 64;
    return 0;
  }
  int top = 63 - __builtin_clzll(bytes - 1); /* 2^top <= bytes - 1 */
  size_t quarter = (size_t)1 << (top - 2);
  size_t steps = (bytes - ((size_t)1 << top) + quarter - 1) / quarter; /* 1..4 */
  *rounded = ((size_t)1 << top) + steps * quarter;
  return (top - 6) * 4 + (int)steps;
}

tw_ctx *tw_ctx_new(void) {
  tw_ctx *ctx = tw_calloc(1, sizeof *ctx);
  if (ctx) ctx->next_serial = 1;
  return ctx;
}

static void drop_cached(tw_ctx *ctx) {
  for (int c = 0; c < TW_N_CLASSES; c++) {
    for (tw_block *b = ctx->free_blocks[c], *next; b; b = next) {
      next = b->next;
      tw_free(b);
    }
    ctx->free_blocks[c] = NULL;
  }
  ctx->cached_bytes = 0;
}

void tw_ctx_free(tw_ctx *ctx) {
  if (!ctx) return;
  for (tw_slab *s = ctx->slabs; s; s = s->next) {
    for (int i = 0; i < SLAB_TENSORS; i++) {
      tw_tensor *t = &s->tensors[i];
      if (t->serial && --t->storage->refs == 0) tw_free(t->storage);
    }
  }
  drop_cached(ctx);
  for (tw_slab *s = ctx->slabs, *next; s; s = next) {
    next = s->next;
    tw_free(s);
  }
  tw_free(ctx);
}

tw_error *tw_ctx_error(tw_ctx *ctx) { return &ctx->error; }
int64_t tw_ctx_live_tensors(const tw_ctx *ctx) { return ctx->live_tensors; }
int64_t tw_ctx_live_bytes(const tw_ctx *ctx) { return ctx->live_bytes; }

int64_t tw_ctx_peak_bytes(tw_ctx *ctx) {
  int64_t peak = ctx->peak_bytes;
  ctx->peak_bytes = ctx->live_bytes;
  return peak;
}

tw_status tw__storage_new(tw_ctx *ctx, size_t bytes, tw_storage **out) {
  size_t rounded;
  if (bytes > (size_t)1 << 46) return tw_fail(&ctx->error, TW_ENOMEM, "tensor: %zu bytes cannot be allocated", bytes);
  int c = class_of(bytes, &rounded);
  tw_block *b = ctx->free_blocks[c];
  if (b) {
    ctx->free_blocks[c] = b->next;
    ctx->cached_bytes -= rounded;
  } else {
    b = tw_alloc_aligned(BLOCK_HEADER + rounded);
    if (!b && ctx->cached_bytes) {
      drop_cached(ctx);
      b = tw_alloc_aligned(BLOCK_HEADER + rounded);
    }
    if (!b) return tw_fail(&ctx->error, TW_ENOMEM, "tensor: out of memory: %zu bytes wanted, %lld in use", bytes, (long long)ctx->live_bytes);
  }
  *b = (tw_block){.storage = {.refs = 1, .bytes = rounded, .step = 1, .data = (char *)b + BLOCK_HEADER}};
  ctx->live_bytes += (int64_t)rounded;
  if (ctx->live_bytes > ctx->peak_bytes) ctx->peak_bytes = ctx->live_bytes;
  *out = &b->storage;
  return TW_OK;
}

void tw__storage_release(tw_ctx *ctx, tw_storage *s) {
  if (--s->refs) return;
  size_t rounded;
  int c = class_of(s->bytes, &rounded);
  tw_block *b = (tw_block *)s;
  ctx->live_bytes -= (int64_t)s->bytes;
  if (s->lanes && s->elements > 1) ctx->laned_bytes -= (int64_t)s->bytes;
  if (!CACHE_BLOCKS || ctx->cached_bytes + rounded > cache_limit) {
    tw_free(b);
    return;
  }
  b->next = ctx->free_blocks[c];
  ctx->free_blocks[c] = b;
  ctx->cached_bytes += rounded;
}

/* A tensor's struct is never given back to the system before the context ends: a stale handle can always read its serial. */
static tw_tensor *new_tensor(tw_ctx *ctx) {
  if (!ctx->free_tensors) {
    tw_slab *s = tw_calloc(1, sizeof *s);
    if (!s) {
      (void)tw_fail(&ctx->error, TW_ENOMEM, "tensor: out of memory");
      return NULL;
    }
    s->next = ctx->slabs;
    ctx->slabs = s;
    for (int i = 0; i < SLAB_TENSORS; i++) {
      s->tensors[i].data = (char *)ctx->free_tensors;
      ctx->free_tensors = &s->tensors[i];
    }
  }
  tw_tensor *t = ctx->free_tensors;
  ctx->free_tensors = (tw_tensor *)(void *)t->data;
  t->refs = 1;
  t->serial = ctx->next_serial++;
  t->levels = 0;
  t->node = 0;
  t->weak = t->constant = t->ones = t->buffer = t->stale = false;
  t->lanes = t->label = 0;
  t->dual = NULL;
  ctx->live_tensors++;
  return t;
}

static void free_tensor(tw_ctx *ctx, tw_tensor *t) {
  t->serial = 0;
  t->data = (char *)ctx->free_tensors;
  ctx->free_tensors = t;
  ctx->live_tensors--;
}

void tw_tensor_release(tw_ctx *ctx, tw_tensor *t) {
  if (!t || --t->refs) return;
  for (tw_dual *d = t->dual, *next; d; d = next) {
    next = d->next;
    tw_tensor_release(ctx, d->tangent);
    tw_free(d);
  }
  tw__storage_release(ctx, t->storage);
  free_tensor(ctx, t);
}

tw_status tw_tensor_new(tw_ctx *ctx, tw_dtype dtype, const tw_shape *shape, tw_tensor **out) {
  tw_tensor *t = new_tensor(ctx);
  if (!t) return TW_ENOMEM;
  t->dtype = (uint8_t)dtype;
  t->ndim = (uint8_t)shape->n;
  int64_t size = 1;
  for (int i = shape->n - 1; i >= 0; i--) {
    t->shape[i] = shape->d[i];
    t->stride[i] = size;
    if (__builtin_mul_overflow(size, shape->d[i], &size)) size = INT64_MAX / 16;
  }
  t->size = size;
  tw_status s = size > INT64_MAX / 16 ? tw_fail(&ctx->error, TW_ENOMEM, "tensor: the sizes multiply to more elements than can be counted")
                                      : tw__storage_new(ctx, (size_t)size * tw_dtype_size(dtype), &t->storage);
  if (s != TW_OK) {
    free_tensor(ctx, t);
    return s;
  }
  t->data = t->storage->data;
  t->storage->elements = size;
  *out = t;
  return TW_OK;
}

tw_status tw_tensor_new_view(tw_ctx *ctx, const tw_tensor *of, const tw_shape *shape, const int64_t *stride, int64_t offset, tw_tensor **out) {
  tw_tensor *t = new_tensor(ctx);
  if (!t) return TW_ENOMEM;
  t->storage = of->storage;
  t->storage->refs++;
  t->dtype = of->dtype;
  t->ndim = (uint8_t)shape->n;
  t->size = tw_shape_size(shape);
  memcpy(t->shape, shape->d, sizeof(int64_t) * (size_t)shape->n);
  memcpy(t->stride, stride, sizeof(int64_t) * (size_t)shape->n);
  t->data = of->data + offset * (int64_t)tw_dtype_size((tw_dtype)of->dtype);
  t->constant = of->constant;
  t->ones = of->ones;
  if (of->lanes) {
    t->lanes = of->lanes;
    memcpy(t->lane_size, of->lane_size, sizeof t->lane_size);
    memcpy(t->lane_stride, of->lane_stride, sizeof t->lane_stride);
  }
  *out = t;
  return TW_OK;
}

void tw_ctx_seal(tw_ctx *ctx, bool on) {
  ctx->sealed = on;
  for (tw_slab *s = ctx->slabs; s; s = s->next) {
    for (int i = 0; i < SLAB_TENSORS; i++) {
      if (s->tensors[i].serial) s->tensors[i].storage->outside = on;
    }
  }
}
