#!/usr/bin/env thalweg
-- What does an exponentially weighted moving average remember? V_t = beta V_{t-1} + (1 - beta) X_t of a single 1 among zeros shows the weights, (1 - beta)
-- beta^k for the value k steps ago; of noise it shows how much is averaged; of a noisy wave it shows what that costs, a delay. One sees that beta = 0.9 has
-- the memory of about 10 values and beta = 0.98 that of 50: 1/(1 - beta).
-- rows: D8
-- plot: thalweg plot runs/ewma_weights.h5 average --by beta --where 'series=="wave"'
local tw = require "thalweg"
local space = tw.space

local function series(p, rng)
  local t = tw.arange(p.n)
  if p.series == "pulse" then return tw.where(t:eq(1), 1, 0) end
  if p.series == "noise" then return rng:normal(p.n) end
  if p.series == "ramp" then return t end
  return tw.sin(t * (6.283185307179586 / 400)) + rng:normal(p.n, { std = 0.3 })
end

return tw.experiment {
  name = "ewma_weights",
  about = "exponentially weighted moving averages of a pulse, of noise, of a ramp and of a noisy wave",
  units = { average = "1", x = "1" },
  params = { series = space.choice { "pulse", "noise", "ramp", "wave" }, beta = space.choice { 0, 0.5, 0.9, 0.98 }, n = 800 },
  lanes = { "beta", "seed" },
  repeats = 20,
  quick = { repeats = 4 },
  objective = { metric = "x" },

  run = function(run)
    local p = run.params
    local x = series(p, run:rng "series")
    local v = tw.tensor(0)
    for t = 1, p.n do
      v = p.beta * v + (1 - p.beta) * x[t]
      run:log { x = x[t], average = v }
    end
  end,

  claims = function(sweep, claim)
    for _, group in ipairs(sweep:where { beta = { ">", 0 } }:group_by "beta") do
      local beta, runs = table.unpack(group)
      local weights = runs:where { series = "pulse", rep = 1 }:trace "average"
      local expected, sum, squares = {}, 0, 0
      for k = 1, #weights do
        expected[k] = k == 1 and 1 - beta or expected[k - 1] * beta
        sum, squares = sum + weights[k] * k, squares + weights[k] * weights[k]
      end
      claim(("weights (1 - beta) beta^k, beta = %g"):format(beta), weights, "~", expected, { rel = 1e-12, why = "rounding, one per step" })
      claim("their mean age, counted from 1: the effective number", sum, "~", 1 / (1 - beta), { rel = 1e-4, why = "1/(1 - beta); 800 of its terms" })
      local ramp = runs:where { series = "ramp", rep = 1 }
      claim("a ramp comes out one effective number late", ramp:final "x" - ramp:final "average", "~", beta / (1 - beta), { rel = 1e-4,
        why = "beta/(1 - beta) = 1/(1 - beta) - 1, as the newest value counts too" })
      -- The variance of the average of noise, from its second half, in which the beginning is forgotten.
      local variances = runs:where { series = "noise" }:values(function(one)
        local squares_of, from = 0, 401
        local values = one:trace "average"
        for t = from, #values do squares_of = squares_of + values[t] * values[t] end
        return squares_of / (#values - from + 1)
      end)
      local mean, se = tw.stats.mean(variances), tw.stats.se(variances)
      claim("the variance of averaged noise", mean, "~", squares, { abs = 4 * se, seeds = #variances, se = se,
        why = "the sum of the squared weights, (1 - beta)/(1 + beta); four standard errors" })
    end
  end,
}
