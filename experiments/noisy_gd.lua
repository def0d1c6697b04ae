#!/usr/bin/env thalweg
-- Where does gradient descent end up when every gradient is noisy? On x1^2 + 2 x2^2 from (-5, -2), with unit normal noise in each component, two thousand
-- seeds follow four schedules of the learning rate. One sees a constant rate reach the minimum and stay at a distance from it that no further step reduces;
-- e^(-.1 t) hold still before it has arrived; and the powers of t come ever closer. The process is linear, so that its exact mean and spread are known.
-- rows: B9' B10
-- plot: thalweg plot runs/noisy_gd.h5 distance --by decay --log xy
local tw = require "thalweg"
local space, schedule = tw.space, tw.schedule

local curvature, start = { 1, 2 }, { -5, -2 }
local scale = tw.tensor(curvature)

return tw.experiment {
  name = "noisy_gd",
  about = "gradient descent with noisy gradients under four schedules: mean and spread over seeds",
  units = { x = "1", distance = "1" },
  params = {
    decay = space.choice { schedule.constant(), schedule.exponential { rate = 0.1 }, schedule.polynomial { alpha = 0.5, beta = 0.1 },
      schedule.polynomial { alpha = 1, beta = 0.1 } },
    lr = 0.1, steps = 1000,
  },
  lanes = { "seed" },
  repeats = 2000,
  quick = { repeats = 50 },
  objective = { metric = "distance" },

  run = function(run)
    local p = run.params
    local noise = run:rng "noise"
    local function f(x) return (scale * x * x + noise:normal(2) * x):sum() end -- a random slope: it adds the noise to the gradient
    -- The lecture's listing raises t, which starts at 1, before it is used: its first factor is that of t = 2.
    local x = tw.tensor(start)
    local opt = tw.optim.sgd(x, { lr = schedule.func("from_2", function(t) return p.lr * p.decay(t + 2) end) })
    local next_row = 1
    for step = 1, p.steps do
      opt:step(f)
      if step == next_row or step == 50 or step == p.steps then run:log { step = step, x = x, distance = tw.norm(x) } end
      if step == next_row then next_row = 2 * next_row end
    end
  end,

  claims = function(sweep, claim)
    local n = #sweep / 4
    local function law(alpha, name, step, means, sds)
      local runs = sweep:where { decay = name }
      if alpha then runs = runs:where { ["decay.alpha"] = alpha } end
      for k = 1, 2 do
        local x, at = ("x[%d]"):format(k), { at = step }
        local why = "the exact law of the linear recursion, 4 standard errors"
        local function check(what, bound, se)
          claim(("%s, %d steps: %s of x%d"):format(alpha and name .. " " .. alpha or name, step, what, k), runs[what](runs, x, at), "~", bound,
            { abs = 4 * se, seeds = n, se = se, why = why })
        end
        if means then check("mean", means[k], runs:se(x, at)) end
        if sds[k] then check("sd", sds[k], runs:sd_se(x, at)) end
      end
    end
    law(nil, "constant", 50, { -7.1362e-5, -1.6166e-11 }, { 0.166667, 0.125 })
    law(nil, "constant", 1000, { 0, 0 }, { 0.166667, 0.125 })
    law(nil, "exponential", 1000, { -0.8257367, -0.0450264 }, { 0.074686, 0.039946 })
    law(0.5, "inverse_power", 50, { -0.0124369, -5.07e-6 }, { 0.105341, 0.075027 })
    law(0.5, "inverse_power", 1000, nil, { 0.0504 })
    law(1, "inverse_power", 1000, { -5.3862953e-4, -1.525e-8 }, { 0.0181623075, 0.0118959167 })
  end,
}
