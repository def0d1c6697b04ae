/* Operations of neural networks under failing allocations: a small network of all of them, forward, backward and forward mode, with the n-th request
 * refused for every n. Each time the answer is a status, and nothing is left behind. */
#include "base/alloc.h"
#include "check.h"
#include "grad/grad.h"
#include "op/nn.h"
#include "tensor/ctx.h"

enum { IMAGE, KERNEL, BIAS, SCALE, MEAN, VAR, CLASSES, GENERATOR, TENSORS };
static const tw_shape shapes[TENSORS] = {
  [IMAGE] = {.n = 4, .d = {2, 2, 5, 5}}, [KERNEL] = {.n = 4, .d = {3, 2, 2, 2}}, [BIAS] = {.n = 1, .d = {3}}, [SCALE] = {.n = 1, .d = {3}},
  [MEAN] = {.n = 1, .d = {3}}, [VAR] = {.n = 1, .d = {3}}, [CLASSES] = {.n = 1, .d = {2}}, [GENERATOR] = {.n = 1, .d = {2}},
};

static tw_status make(tw_ctx *ctx, tw_tensor **t) {
  for (int i = 0; i < TENSORS; i++) {
    tw_status s = tw_tensor_new(ctx, i >= CLASSES ? TW_I64 : TW_F64, &shapes[i], &t[i]);
    if (s != TW_OK) return s;
    for (int64_t k = 0; k < t[i]->size; k++) tw_tensor_set(t[i], k, i >= CLASSES ? 1 : 0.5 + 0.37 * (double)(k * (i + 3) % 7));
  }
  return TW_OK;
}

/* x -> convolution -> batch norm -> max and average pooling -> dropout -> layer norm -> losses. */
static tw_status network(tw_ctx *ctx, tw_tensor *const *t, tw_tensor **out) {
  tw_window_attrs conv = {.stride = {1, 1}, .padding = {1, 1}}, pool = {.kernel = {2, 2}, .stride = {2, 2}}, all = {.kernel = {3, 3}, .stride = {1, 1}};
  tw_batch_norm_options norm = {.train = true, .momentum = 0.1, .eps = 1e-5};
  tw_shape_attrs rows = {.shape = {.n = 2, .d = {2, 3}}};
  tw_tensor *h[10] = {NULL};
  tw_compose k = {.ctx = ctx};
  tw_status s = tw_conv2d(ctx, t[IMAGE], t[KERNEL], t[BIAS], &conv, &h[0]);
  if (s == TW_OK) s = tw_batch_norm(ctx, h[0], t[MEAN], t[VAR], t[SCALE], NULL, &norm, &h[1]);
  if (s == TW_OK) s = tw_max_pool(ctx, h[1], &pool, &h[2]);
  if (s == TW_OK) s = tw_avg_pool(ctx, h[2], &all, &h[3]);
  if (s == TW_OK) s = tw_dropout(ctx, h[3], 0.25, t[GENERATOR], &h[4]);
  if (s == TW_OK) s = tw_compose_end(&k, tw_do1(&k, &tw_op_reshape, &rows, h[4]), &h[5]);
  if (s == TW_OK) s = tw_layer_norm(ctx, h[5], t[SCALE], t[BIAS], 0.1, &h[6]);
  if (s == TW_OK) s = tw_cross_entropy(ctx, h[6], t[CLASSES], TW_LOSS_MEAN, &h[7]);
  if (s == TW_OK) s = tw_bce_with_logits(ctx, h[6], t[SCALE], TW_LOSS_SUM, &h[8]);
  if (s == TW_OK) s = tw_huber(ctx, h[7], h[8], 0.5, TW_LOSS_MEAN, &h[9]);
  *out = h[9];
  for (int i = 0; i < 9; i++) tw_tensor_release(ctx, h[i]);
  return s;
}

static tw_status differentiate(tw_ctx *ctx, tw_tensor **t, bool forward) {
  int level;
  tw_tensor *leaf[2] = {NULL}, *moved[TENSORS], *y = NULL, *grads[2] = {NULL}, *cotangent = NULL;
  tw_status s = forward ? tw_grad_open_forward(ctx, &level) : tw_grad_open(ctx, &level);
  if (s != TW_OK) return s;
  memcpy(moved, t, sizeof moved);
  for (int i = 0; i < 2 && s == TW_OK; i++) {
    s = forward ? tw_grad_dual(ctx, level, t[i], t[i], &leaf[i]) : tw_grad_leaf(ctx, level, t[i], &leaf[i]);
    moved[i] = leaf[i];
  }
  if (s == TW_OK) s = network(ctx, moved, &y);
  if (s == TW_OK) s = forward ? tw_grad_tangent(ctx, level, y, &grads[0]) : tw_grad_backward(ctx, level, 1, &y, &cotangent, 2, leaf, grads);
  tw_grad_close(ctx, level);
  tw_tensor_release(ctx, y);
  for (int i = 0; i < 2; i++) {
    tw_tensor_release(ctx, leaf[i]);
    tw_tensor_release(ctx, grads[i]);
  }
  return s;
}

/* One attempt in a context of its own: the status, and what stayed alive. */
static tw_status attempt(bool forward, int64_t refuse, int64_t *left) {
  tw_ctx *ctx = tw_ctx_new();
  tw_tensor *t[TENSORS] = {NULL};
  tw_status s = make(ctx, t);
  CHECK_INT(s, TW_OK);
  int64_t before = tw_ctx_live_tensors(ctx);
  tw_alloc_fail_at(refuse);
  s = differentiate(ctx, t, forward);
  tw_alloc_fail_at(0);
  *left = tw_ctx_live_tensors(ctx) - before;
  if (s != TW_OK) CHECK_INT(s, TW_ENOMEM);
  for (int i = 0; i < TENSORS; i++) tw_tensor_release(ctx, t[i]);
  tw_grad_shutdown(ctx);
  tw_ctx_free(ctx);
  return s;
}

static void sweep(bool forward) {
  int64_t n = 1, left;
  for (; n < 100000; n++) {
    tw_status s = attempt(forward, n, &left);
    CHECK_INT(left, 0);
    CHECK_INT(tw_alloc_live(), 0);
    if (s == TW_OK) break;
  }
  CHECK(n > 5 && n < 100000); /* few in a release build, which hands blocks on */
}

int main(void) {
  TEST("a network's gradient under every failing allocation is a status and leaves nothing behind") sweep(false);
  TEST("so is its derivative in forward mode") sweep(true);
  return check_close();
}
