#!/usr/bin/env thalweg
-- One step of Adam by hand: a sigmoid neuron with x = 3.5, y = .5, weight and bias -2, binary cross-entropy; eta .1, betas (.9, .99), eps 1e-8. In the first
-- step the corrected averages are the gradient and its square, so that every parameter moves by eta against the sign of its gradient, however small that
-- is. One sees both go up by .1; a lecture that computes it gets the output, a beta, the size and the sign of the step wrong.
-- rows: B17
-- plot: thalweg plot runs/adam_step_by_hand.h5 w yhat --log none
local tw = require "thalweg"

return tw.experiment {
  name = "adam_step_by_hand",
  about = "Adam on one sigmoid neuron with binary cross-entropy",
  units = { loss = "nat", yhat = "1", w = "1", b = "1", grad = "1" },
  params = { eta = 0.1, beta1 = 0.9, beta2 = 0.99, eps = 1e-8, x = 3.5, y = 0.5, steps = 100 },
  lanes = { "eta", "beta1", "beta2", "eps" },

  run = function(run)
    local p = run.params
    local neuron = { w = tw.tensor(-2), b = tw.tensor(-2) }
    local opt = tw.optim.adam(neuron, { lr = p.eta, beta1 = p.beta1, beta2 = p.beta2, eps = p.eps })
    local function loss_of(n)
      local yhat = tw.sigmoid(n.w * p.x + n.b)
      return -(p.y * tw.log(yhat) + (1 - p.y) * tw.log(1 - yhat)), yhat
    end
    for _ = 0, p.steps do
      local w, b = neuron.w:clone(), neuron.b:clone()
      local loss, yhat = opt:step(loss_of)
      local g, slots = opt:grads(), opt:state().slots
      run:log { loss = loss, yhat = yhat, w = w, b = b, grad = tw.stack { g.w, g.b }, s = tw.stack { slots.w.m, slots.b.m },
        r = tw.stack { slots.w.v, slots.b.v } }
    end
  end,

  claims = function(sweep, claim)
    local function at(metric, step) return sweep:at(metric, step) end
    local function erratum(printed, why, sentence) return { abs = 1e-12, printed = printed, why = why, erratum = sentence } end
    claim("the output", at("yhat", 0), "~", 0.00012339457598623172,
      erratum("0.0180", "sigma(-9)", "the printed value is sigma(-4): w x + b is -2 times 3.5 less 2, which is -9"))
    claim("the loss", at("loss", 0), "~", 4.500123402189724,
      erratum("4.0076", "4.5 + log(1 + e^-9)", "not the loss of the printed output either, which is 2.0178"))
    claim("the gradient by w and b", at("grad", 0), "~", { -1.7495681189840482, -0.49987660542401374 },
      erratum("-0.493 and -0.482", "(yhat - y) x and yhat - y", "the output is wrong, and the factor x = 3.5 is lost on the way"))
    claim("the first moments", at("s", 0), "~", { -0.17495681189840482, -0.049987660542401374 },
      erratum("0.04437 and 0.04382", "(1 - beta1) g", "their sign is lost: they have that of the gradient"))
    claim("the second moments", at("r", 0), "~", { 0.01 * 1.7495681189840482 ^ 2, 0.01 * 0.49987660542401374 ^ 2 },
      erratum("0.0001216 and 0.0001168", "(1 - beta2) g^2", "beta2 is .99 in the problem, .999 in the solution"))
    claim("w after one step", at("w", 1), "~", -1.9000000005715696,
      erratum("-2.081", "-2 + eta |g|/(|g| + eps)", "the step has the sign of -g, and its size is eta = .1"))
    claim("b after one step", at("b", 1), "~", -1.9000000020004937,
      erratum("-2.079", "-2 + eta |g|/(|g| + eps)", "the step has the sign of -g, and its size is eta = .1"))
  end,
}
