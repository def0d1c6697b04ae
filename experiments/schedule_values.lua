#!/usr/bin/env thalweg
-- How do learning rates decay? Gradient descent with noisy gradients on a bowl, under the schedules of the lectures. One sees the rate of each against the
-- step: piecewise constant by plan, and on a plateau when the error has stopped falling; e^(-lambda t), which soon is nothing; and the powers of t, which
-- linger.
-- rows: A8 B10 C5
-- plot: thalweg plot runs/schedule_values.h5 lr --by decay --log y
local tw = require "thalweg"
local schedule = tw.schedule

local base, factor, patience = 0.1, 0.5, 25
local bowl = tw.problems.quadratic { eigenvalues = { 1, 4 }, start = { -5, -2 } }

-- Each schedule beside its formula in plain numbers.
local kinds = {
  { schedule.constant(), function() return 1 end },
  { schedule.piecewise { boundaries = { 100, 200 }, values = { 1, 0.3, 0.1 } }, function(t) return t < 100 and 1 or t < 200 and 0.3 or 0.1 end },
  { schedule.exponential { rate = 0.02 }, function(t) return math.exp(-0.02 * t) end },
  { schedule.polynomial { alpha = 0.5, beta = 0.1 }, function(t) return 1 / math.sqrt(1 + 0.1 * t) end },
  { schedule.inverse_sqrt(), function(t) return 1 / math.sqrt(t + 1) end },
  { schedule.inverse_time { rate = 0.1 }, function(t) return 1 / (1 + 0.1 * t) end },
  { schedule.plateau { factor = factor, patience = patience } },
}
local schedules = {}
for i, kind in ipairs(kinds) do schedules[i] = kind[1] end

return tw.experiment {
  name = "schedule_values",
  about = "the learning rate under the schedules of the lectures, step by step",
  units = { loss = "1", lr = "1" },
  params = { decay = tw.space.choice(schedules), steps = 400 },

  run = function(run)
    local p = run.params
    local x, noise = bowl:start(), run:rng "noise"
    local opt = tw.optim.sgd(x, { lr = base * p.decay })
    local on_plateau = tostring(p.decay):find "^plateau"
    for _ = 1, p.steps do
      local loss = bowl(x)
      opt:step(function(w) return bowl(w) + noise:normal(2):dot(w) end)
      run:log { loss = loss, lr = opt:hyper().lr }
      if on_plateau then opt:report(loss) end
    end
  end,

  claims = function(sweep, claim)
    for i, kind in ipairs(kinds) do
      local run = sweep:where { decay = kind[1] }
      local lr, expected = run:trace "lr", {}
      if kind[2] then
        for t = 0, #lr - 1 do expected[t + 1] = base * kind[2](t) end
        claim(("%d: lr is %s"):format(i, tostring(kind[1]):match "^[%a_]+"), lr, "~", expected,
          { rel = 1e-15, why = "the formula in plain numbers, t = 0, 1, ..." })
      else
        local value, best, bad, reductions = base, math.huge, 0, 0
        for t, loss in ipairs(run:trace "loss") do
          expected[t] = value
          if loss < best * (1 - 1e-4) then best, bad = loss, 0 else bad = bad + 1 end
          if bad > patience then value, bad, reductions = value * factor, 0, reductions + 1 end
        end
        claim("plateau: halved after 26 steps without a better error", lr, "~", expected,
          { rel = 1e-15, why = "the rule, followed through the recorded errors" })
        claim("which it was, several times", reductions, ">", 2, { why = "noise puts a floor under the error" })
      end
    end
  end,
}
