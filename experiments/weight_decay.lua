#!/usr/bin/env thalweg
-- Is weight decay the same as a penalty on the squared weights? For gradient descent, yes: lambda w added to the gradient (coupled) and w shrunk by lr lambda w
-- (decoupled) are one. For Adam, no: what is added to the gradient is divided by its root mean square too. One sees a weight that has no other gradient go
-- down by the learning rate per step whatever lambda is, and one with large gradients hardly decay at all; decoupled, as in AdamW, every weight shrinks by
-- 1 - lr lambda a step.
-- rows: none
-- plot: thalweg plot runs/weight_decay.h5 w --by decay,lambda --where 'method=="adam" and gradient=="none"' --log none
local tw = require "thalweg"
local core = require "thalweg.core"
local space = tw.space

-- The gradient in odd and in even steps.
local gradients = { none = { 0, 0 }, small = { 0.01, -0.03 }, large = { 10, -10 } }

return tw.experiment {
  name = "weight_decay",
  about = "weight decay added to the gradient and beside it, in SGD and in Adam",
  units = { w = "1" },
  params = { method = space.choice { "sgd", "adam" }, decay = space.choice { "coupled", "decoupled" }, lambda = space.choice { 0.01, 0.1, 1 },
    gradient = space.choice { "none", "small", "large" }, lr = 0.1, steps = 100 },
  objective = { metric = "w" },
  lanes = { "lr", "lambda" },

  run = function(run)
    local p, w = run.params, tw.tensor(1)
    local odd, even = tw.tensor(gradients[p.gradient][1]), tw.tensor(gradients[p.gradient][2])
    local opt = tw.optim[p.method](w, { lr = p.lr, weight_decay = p.lambda, decay = p.decay })
    for t = 0, p.steps do
      run:log { w = w }
      opt:update(t % 2 == 0 and odd or even)
    end
  end,

  claims = function(sweep, claim)
    local function way(method, decay, lambda, gradient)
      return (sweep:where { method = method, decay = decay, lambda = lambda, gradient = gradient }:trace "w")
    end
    local probe = { abs = 1e-13, why = "recomputed from the libraries' formulas" }
    claim("Adam, coupled: w after 10 small gradients", way("adam", "coupled", 0.1, "small")[11], "~", 0.13080008503785617, probe)
    claim("Adam, decoupled: w after 10 small gradients", way("adam", "decoupled", 0.1, "small")[11], "~", 1.1615830642888518, probe)
    for _, lambda in ipairs { 0.01, 0.1, 1 } do
      local coupled, decoupled, shrinking = {}, {}, {}
      for i, gradient in ipairs { "none", "small", "large" } do
        coupled[i], decoupled[i] = way("sgd", "coupled", lambda, gradient), way("sgd", "decoupled", lambda, gradient)
      end
      claim(("SGD, lambda %g: coupled is decoupled, three gradients"):format(lambda), coupled, "~", decoupled,
        { abs = 1e-13, why = "w - lr (g + lambda w) = (1 - lr lambda) w - lr g" })
      for t = 0, 100 do shrinking[t + 1] = core.num.pow(1 - 0.1 * lambda, t) end
      claim(("Adam, decoupled, lambda %g: w is (1 - lr lambda)^t"):format(lambda), way("adam", "decoupled", lambda, "none"), "~", shrinking,
        { rel = 1e-13, why = "no gradient, no step but the decay; 100 roundings" })
    end
    claim("Adam, coupled, lambda .01 goes the way of lambda 1", way("adam", "coupled", 0.01, "none"), "~", way("adam", "coupled", 1, "none"),
      { abs = 1e-4, why = "lambda cancels in m/sqrt(v) but for eps, 1e-6 of lambda |w|: 100 steps of .1, off by that" })
    local function kept(decay) -- of w in 50 steps; means of ten steps, as the gradient makes w swing
      local w = way("adam", decay, 0.1, "large")
      return tw.stats.mean { table.unpack(w, 92, 101) } / tw.stats.mean { table.unpack(w, 42, 51) }
    end
    claim("Adam, decoupled, lambda .1, large gradients: of w is kept", kept "decoupled", "~", core.num.pow(0.99, 50),
      { abs = 0.002, why = "(1 - lr lambda)^50; the first average of gradients still moves w by .0526 .9^45 = 5e-4" })
    claim("Adam, coupled: of w is kept", kept "coupled", "~", core.num.pow(0.999, 50),
      { abs = 0.002, why = "(1 - lr lambda/10)^50: the gradient's size, 10, divides the decay; the same 5e-4" })
  end,
}
