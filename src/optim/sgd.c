/* Stochastic gradient descent with momentum.
 *
 *   g <- g + weight_decay p
 *   heavy_ball:  v <- momentum v + (1 - dampening) g      (v <- g in the first step, as PyTorch does)      p <- p - lr v
 *   ema:         v <- momentum v + (1 - momentum) g                                                        p <- p - lr v
 *   velocity:    v <- momentum v + lr g                                                                    p <- p - v
 *   nesterov:    the step uses momentum v + (what was added to v) in place of v
 *
 * Polyak, Some methods of speeding up the convergence of iteration methods, 1964; Nesterov in the form of Sutskever et al. 2013.
 * The forms are equal while lr is constant (ema up to the factor 1 - momentum); heavy_ball and velocity part once lr is scheduled. */
#include <string.h>

#include "op/op.h"
#include "op/vec.h"
#include "optim/kinds.h"

enum { LR, MOMENTUM, DAMPENING, WEIGHT_DECAY, NESTEROV, FORM };
enum { HEAVY_BALL, EMA, VELOCITY };

static const tw_option options[] = {
  {"lr", TW_OPTION_NUMBER, 1e-3, 0, 1e300, NULL, "learning rate"},
  {"momentum", TW_OPTION_NUMBER, 0, 0, 1e300, NULL, "factor by which the velocity survives a step"},
  {"dampening", TW_OPTION_NUMBER, 0, -1e300, 1, NULL, "heavy_ball: the gradient enters the velocity times 1 - dampening, but whole in the first step"},
  {"weight_decay", TW_OPTION_NUMBER, 0, 0, 1e300, NULL, "adds weight_decay times the parameter to the gradient (L2 penalty)"},
  {"nesterov", TW_OPTION_FLAG, 0, 0, 1, NULL, "look ahead along the new velocity"},
  {"form", TW_OPTION_CHOICE, HEAVY_BALL, 0, 2, "heavy_ball ema velocity", "where gradient and learning rate enter the velocity"},
  {0},
};

typedef struct {
  int form;
  bool nesterov;
} sgd_attrs;

/* Inputs: p g v, and 0-d lr momentum gain weight_decay; gain is what the gradient is multiplied by on entering v. */
enum { P, G, V_, HYPERS, N_IN = HYPERS + 4 };

static tw_status infer(tw_ctx *ctx, const tw_call *c, tw_meta *out) {
  (void)ctx;
  for (int i = 0; i < 2; i++) out[i] = (tw_meta){.dtype = (tw_dtype)c->in[P]->dtype, .shape = tw_tensor_shape(c->in[P])};
  return TW_OK;
}

#define T double
#define V vf64
#define W 4
#define N(name) name##_f64
#include "optim/sgd_kernels.inc"
#undef T
#undef V
#undef W
#undef N
#define T float
#define V vf32
#define W 8
#define N(name) name##_f32
#include "optim/sgd_kernels.inc"
#undef T
#undef V
#undef W
#undef N

static tw_status run(tw_ctx *ctx, const tw_call *c) {
  (void)ctx;
  static const tw_loop loops[2][3][2] = {
    {{heavy_f64, heavy_nesterov_f64}, {heavy_f64, heavy_nesterov_f64}, {velocity_f64, velocity_nesterov_f64}},
    {{heavy_f32, heavy_nesterov_f32}, {heavy_f32, heavy_nesterov_f32}, {velocity_f32, velocity_nesterov_f32}},
  };
  const sgd_attrs *a = c->attrs;
  tw_tensor *operands[2 + N_IN] = {c->out[0], c->out[1]};
  memcpy(operands + 2, c->in, sizeof(tw_tensor *) * N_IN);
  tw_shape shape = tw_tensor_shape(c->out[0]);
  tw_iter it;
  tw_iter_init(&it, &shape, 2 + N_IN, operands);
  tw_iter_run(&it, loops[c->in[P]->dtype][a->form][a->nesterov]);
  return TW_OK;
}

static const tw_op update = {.name = "sgd", .about = "one step of gradient descent with momentum", .n_in = N_IN, .n_out = 2,
                             .flags = TW_OP_ALIAS | TW_OP_NO_GRAD | TW_OP_STRIDED, .attrs_bytes = sizeof(sgd_attrs), .infer = infer, .run = run};

static tw_status step(tw_ctx *ctx, const tw_optim_leaf *leaf) {
  sgd_attrs attrs = {.form = (int)leaf->fixed[FORM], .nesterov = leaf->fixed[NESTEROV] != 0};
  double gain = 1;
  if (attrs.form == EMA) gain = 1 - leaf->fixed[MOMENTUM];
  else if (attrs.form == HEAVY_BALL && leaf->t > 1) gain = 1 - leaf->fixed[DAMPENING];
  tw_tensor *gain_tensor;
  tw_status s = tw_tensor_new_scalar(ctx, (tw_dtype)leaf->p->dtype, gain, &gain_tensor);
  if (s != TW_OK) return s;
  tw_tensor *in[N_IN] = {leaf->p, leaf->g, leaf->slot[0], leaf->hyper[LR], leaf->hyper[MOMENTUM], gain_tensor, leaf->hyper[WEIGHT_DECAY]};
  tw_tensor *out[2] = {leaf->p, leaf->slot[0]};
  tw_call c = {.op = &update, .attrs = &attrs, .in = in, .out = out, .n_in = N_IN, .n_out = 2};
  s = tw_apply(ctx, &c);
  tw_tensor_release(ctx, gain_tensor);
  return s;
}

const tw_optim_kind tw_optim_sgd = {.name = "sgd", .about = "stochastic gradient descent, with momentum in four forms",
                                     .source = "Polyak 1964; Sutskever et al. 2013",
                                    .options = options, .slots = {"velocity"}, .step = step};
