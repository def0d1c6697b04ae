#!/usr/bin/env thalweg
-- How long are the steps of AdaGrad, RMSProp and Adam where the gradient stays the same? All three divide by its size, so that it does not matter. One sees
-- AdaGrad's steps shrink like 1/sqrt(t), because its sum of squares grows like t, not exponentially as a lecture has it; RMSProp begin with long steps, its
-- average being too small at first, and settle at the learning rate; and Adam, which corrects that, take steps of the learning rate from the beginning.
-- rows: A9 A10 A11
-- plot: thalweg plot runs/adaptive_effective_step.h5 length --by rule --where 'g==1' --log xy
local tw = require "thalweg"
local space = tw.space

return tw.experiment {
  name = "adaptive_effective_step",
  about = "the length of a step under a constant gradient: AdaGrad, RMSProp and Adam",
  units = { length = "1", squares = "1" },
  params = { rule = space.choice { "adagrad", "rmsprop", "adam" }, g = space.choice { 0.01, 1, 100 }, lr = 0.1, steps = 1000 },
  objective = { metric = "length" },
  lanes = { "g", "lr" },

  run = function(run)
    local p, x = run.params, tw.tensor(0)
    local g = tw.tensor(1) * p.g
    local opt = tw.optim[p.rule](x, { lr = p.lr, eps = 1e-12 })
    for t = 1, p.steps do
      opt:update(g)
      local state = opt:state().slots.params
      run:log { step = t, length = opt:info().step_norm, squares = state.sum or state.v }
    end
  end,

  claims = function(sweep, claim)
    local laws = { adagrad = "lr/sqrt(t)", rmsprop = "lr/sqrt(1 - alpha^t)", adam = "lr" }
    for _, group in ipairs(sweep:group_by "rule") do
      local rule, runs = table.unpack(group)
      local lengths, expected, power = {}, {}, 1
      for t = 1, 1000 do
        power = 0.99 * power
        expected[t] = 0.1 / (rule == "adagrad" and math.sqrt(t) or rule == "rmsprop" and math.sqrt(1 - power) or 1)
      end
      for one in runs:runs() do lengths[#lengths + 1] = (one:trace "length") end
      claim(rule .. ": the length of every step is " .. laws[rule] .. ", three gradients", lengths, "~", { expected, expected, expected },
        { rel = 1e-8, why = "eps is at most 1e-9 of the divisor; x, up to 100, rounds to 1e-14" })
    end
    local measured, linear = {}, {}
    for one in sweep:where { rule = "adagrad" }:runs() do
      for _, t in ipairs { 10, 100, 1000 } do
        measured[#measured + 1], linear[#linear + 1] = one:at("squares", t), t * one.params.g * one.params.g
      end
    end
    claim("adagrad: the sum of squares after 10, 100, 1000 steps", measured, "~", linear, { rel = 1e-12, printed = "it accumulates exponentially",
      why = "t g^2; 1000 roundings", erratum = "the terms are added, so that under a constant gradient the sum grows linearly" })
    local slope = sweep:where { rule = "adagrad", g = 1 }:fit_slope("step", "length", { logx = true, logy = true })
    claim("adagrad: the length of its steps is t to the power of", slope, "~", -0.5, { abs = 1e-8, why = "lr/sqrt(t)" })
  end,
}
