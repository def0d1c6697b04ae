#!/usr/bin/env thalweg
-- Which learning rate is best when the directions differ? For E = 3x^2 + 2y^2 + 4z^2 + 6 every direction has its own best rate: 1/6, 1/4, 1/8. One number
-- has to do for all; what counts is the worst direction. One sees a corner at 1/6, where the flattest and the steepest direction shrink equally fast, by
-- 1/3 a step.
-- rows: B8
-- plot: thalweg plot runs/best_step_size.h5 rate --x lr --log none
local tw = require "thalweg"
local space = tw.space

local function error_of(w) return 3 * w[1] ^ 2 + 2 * w[2] ^ 2 + 4 * w[3] ^ 2 + 6 end

return tw.experiment {
  name = "best_step_size",
  about = "the factor by which the worst direction shrinks per step, against the learning rate",
  units = { rate = "1", error = "1" },
  params = { lr = space.choice { space.range(0.1, 0.3, 0.0005), 1 / 6 }, steps = 40 },
  lanes = { "lr" },
  objective = { metric = "rate" },

  run = function(run)
    local w = tw.ones(3)
    local opt = tw.optim.sgd(w, { lr = run.params.lr })
    local last = w:abs():max()
    for _ = 1, run.params.steps do
      opt:step(error_of)
      local distance = w:abs():max()
      run:log { error = error_of(w), rate = distance / last }
      last = distance
    end
  end,

  claims = function(sweep, claim)
    local grid = sweep:where(function(one) return one.params.lr ~= 1 / 6 end)
    claim("the best learning rate of the sweep", grid:best():runs()().params.lr, "~", 1 / 6, { abs = 0.0005, printed = "1/8",
      why = "2/(lambda_min + lambda_max) = 2/(4 + 8), to three digits", erratum = "1/8 is best for z alone; y then shrinks by 1/2 a step only" })
    claim("its rate", sweep:where { lr = 1 / 6 }:final "rate", "~", 1 / 3, { rel = 1e-13, why = "(k - 1)/(k + 1), k = 2" })
    claim("the rate at the printed 1/8", sweep:where { lr = 0.125 }:final "rate", "~", 1 / 2, { rel = 1e-13, why = "1 - 4/8 along y" })
    claim("no rate of the sweep is better", sweep:values "rate", ">=", 1 / 3 - 1e-13, { why = "the two lines cross there; rounding" })
    local rates, expected = {}, {}
    for one in sweep:runs() do
      rates[#rates + 1], expected[#expected + 1] = one:final "rate", math.max(math.abs(1 - 4 * one.params.lr), math.abs(1 - 8 * one.params.lr))
    end
    claim("the rate is that of the flattest or the steepest direction", rates, "~", expected,
      { rel = 1e-11, why = "max |1 - lr lambda|; rounding over 40 steps" })
    local converging = sweep:where(function(one) return one:final "rate" < 1 end)
    claim("the largest learning rate that converges", converging:max(function(one) return one.params.lr end), "within", { 0.2495, 0.25 }, { printed = "0.33",
      why = "2/lambda_max = 1/4, where the rate is 1", erratum = "0.33 is twice the best rate of x; the steepest direction, z, allows 2/8" })
    claim("at 0.251 the error grows", sweep:where { lr = 0.251 }:final "error", ">", 6 + 4, { why = "4 z^2 was 4 at the start" })
  end,
}
