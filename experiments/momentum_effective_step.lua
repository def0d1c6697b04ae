#!/usr/bin/env thalweg
-- How long are the steps that momentum makes? Fed with a gradient of 1 that keeps its sign, as on a long slope, and with one that changes it at every step,
-- as across a narrow valley. One sees the steps grow to lr/(1 - mu) on the slope and shrink to lr/(1 + mu) across the valley; where the gradient enters the
-- velocity times 1 - mu ("ema"), they end at lr on the slope and at lr (1 - mu)/(1 + mu) across.
-- rows: A7
-- plot: thalweg plot runs/momentum_effective_step.h5 step_size --where 'form=="heavy_ball" and mu>=0.5 and mu~=0.95' --by mu,gradient --log xy
local tw = require "thalweg"
local space = tw.space

return tw.experiment {
  name = "momentum_effective_step",
  about = "the length of momentum's steps under a constant and under an alternating gradient",
  units = { step_size = "1" },
  params = {
    mu = space.choice { 0, 0.5, 0.9, 0.95 }, form = space.choice { "heavy_ball", "velocity", "ema" }, gradient = space.choice { "constant", "alternating" },
    lr = 0.1, steps = 600,
  },
  lanes = { "mu" },
  objective = { metric = "step_size" },

  run = function(run)
    local p = run.params
    local x, g = tw.zeros(1), tw.ones(1)
    local opt = tw.optim.sgd(x, { lr = p.lr, momentum = p.mu, form = p.form })
    for _ = 1, p.steps do
      local before = x:clone()
      opt:update(g)
      run:log { step_size = (x - before):abs():sum() }
      if p.gradient == "alternating" then g = -g end
    end
  end,

  claims = function(sweep, claim)
    for _, group in ipairs(sweep:group_by("form", "gradient", "mu")) do
      local form, gradient, mu, runs = table.unpack(group)
      local step = 0.1 / (gradient == "constant" and 1 - mu or 1 + mu) * (form == "ema" and 1 - mu or 1)
      claim(("%s, %s gradient, mu = %g"):format(form, gradient, mu), runs:final("step_size"), "~", step,
        { abs = 1e-9, why = "the sum of lr (+-mu)^k over k" .. (form == "ema" and ", times 1 - mu" or "") })
    end
    local heavy = sweep:where { form = "heavy_ball", gradient = "constant", mu = 0.9 }
    claim("the step gets there like 1 - mu^t: after 10 steps", heavy:at("step_size", 9), "~", 1 - 0.9 ^ 10,
      { rel = 1e-13, why = "the sum of lr mu^k over k < 10" })
  end,
}
