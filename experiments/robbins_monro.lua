#!/usr/bin/env thalweg
-- Which decay of the learning rate leads noisy gradient descent to the minimum in the end? Robbins and Monro ask for sum lr = infinity, enough to get there
-- from anywhere, and sum lr^2 < infinity, so that the noise dies out. Over a hundred thousand steps one sees a constant rate stall at a floor, and 1/(1 +
-- .1 t), which meets both conditions, come closer like t^(-1/2). They are sufficient, not necessary: (1 + .1 t)^(-1/2) misses the second, and comes like
-- t^(-1/4).
-- rows: A8 B10 C5
-- plot: thalweg plot runs/robbins_monro.h5 spread --by decay.alpha --log xy
local tw = require "thalweg"
local space, schedule = tw.space, tw.schedule

local curvature = tw.tensor { 1, 2 }
local function f(x, u) return (curvature * x * x + u * x):sum() end -- a random slope u adds noise to the gradient

return tw.experiment {
  name = "robbins_monro",
  about = "noisy gradient descent for 1e5 steps, and the conditions of Robbins and Monro",
  units = { x = "1", spread = "1", sum_lr = "1", sum_lr2 = "1" },
  params = { decay = schedule.polynomial { alpha = space.choice { 0, 0.5, 1 }, beta = 0.1 }, lr = 0.1, steps = 100000, paths = 500 },
  lanes = { "decay.alpha", "seed" },
  repeats = 4,
  quick = { params = { steps = 1000 } },
  objective = { metric = "spread" },

  run = function(run)
    local p = run.params
    local x = tw.tensor { { -5, -2 } }:expand(p.paths, 2):clone() -- independent paths, a row each
    local noise, sum, sum2, next_row = run:rng "noise", 0, 0, 1
    local opt = tw.optim.sgd(x, { lr = schedule.func("from_2", function(t) return p.lr * p.decay(t + 2) end) }) -- as in noisy_gd
    for step = 1, p.steps do
      opt:step(f, noise:normal(p.paths, 2))
      local lr = opt:hyper().lr
      sum, sum2 = sum + lr, sum2 + lr * lr
      if step == next_row or step == 1000 or step == p.steps then
        run:log { step = step, x = x, spread = (x * x):mean():sqrt(), sum_lr = sum, sum_lr2 = sum2 }
      end
      if step == next_row then next_row = 2 * next_row end
    end
  end,

  claims = function(sweep, claim)
    local function pick(alpha) return sweep:where { ["decay.alpha"] = alpha } end
    -- sd of coordinate k over every path of every run.
    local function law(alpha, step, sds)
      for k, bound in ipairs(sds) do
        local values = {}
        for one in pick(alpha):runs() do
          local row = one:at("x", step)
          for i = k, #row, 2 do values[#values + 1] = row[i] end
        end
        local se = tw.stats.sd_se(values)
        claim(("alpha = %g, %d steps: sd of x%d"):format(alpha, step, k), tw.stats.sd(values), "~", bound,
          { abs = 4 * se, seeds = #values, se = se, why = "the exact law of the linear recursion, 4 standard errors" })
      end
    end
    law(0, 1000, { 0.166667, 0.125 })
    law(0.5, 1000, { 0.0504 })
    law(1, 1000, { 0.0181623075, 0.0118959167 })
    if sweep.quick then return claim.skip("the laws, slopes and sums at 1e5 steps", "they take the full form") end
    law(0, 100000, { 0.166667, 0.125 })
    law(0.5, 100000, { 0.0158 })
    law(1, 100000, { 0.0018256460, 0.0011951718 })
    for _, alpha in ipairs { 0, 0.5, 1 } do
      local slope, _, se = pick(alpha):fit_slope("step", "spread", { logx = true, logy = true, from = 4000 })
      claim(("alpha = %g: the distance falls like t^%g"):format(alpha, -alpha / 2), slope, "~", -alpha / 2,
        { abs = 0.02, se = se, seeds = 2000, why = "the floor's own slope; the sd of 2000 paths is known to 2 % at each point" })
    end
    local function grown(metric, alpha) return pick(alpha):median(metric) - pick(alpha):median(metric, { at = 1000 }) end
    claim("alpha = 1: sum lr goes on growing after 1000 steps", grown("sum_lr", 1), ">", 4, { why = "log(10001/101) = 4.6" })
    claim("alpha = 1: sum lr^2 does not", grown("sum_lr2", 1), "<", 1e-3, { why = "0.1/101 - 0.1/10001" })
    claim("alpha = 1/2: sum lr^2 does", grown("sum_lr2", 0.5), ">", 0.4, { why = "0.1 log(10001/101) = 0.46: the second condition fails" })
  end,
}
