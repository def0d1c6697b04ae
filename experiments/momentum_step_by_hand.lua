#!/usr/bin/env thalweg
-- Can the lecture's example be followed by hand? One step on a tilted bowl from (1.5, 2), where the step before has led from (1, 1): without momentum, and
-- with the last step carried on by beta. One sees three different first steps, and that all of them end at the minimum (3, 4).
-- rows: B6 B13
-- plot: thalweg plot runs/momentum_step_by_hand.h5 --surface 'function(w) local a, b = w[1]-3, w[2]-4 return 0.05+a^2/4+b^2/9-a*b/6 end' --domain 0:5,0:6.5
local tw = require "thalweg"

local function error_of(w)
  local a, b = w[1] - 3, w[2] - 4
  return 0.05 + a ^ 2 / 4 + b ^ 2 / 9 - a * b / 6
end

return tw.experiment {
  name = "momentum_step_by_hand",
  about = "one step of gradient descent with and without momentum on the error surface of a worked example",
  units = { loss = "1", w = "1" },
  params = { beta = tw.space.choice { 0, 0.6, 0.9 }, lr = 0.3, steps = 600 },
  lanes = { "beta" },

  run = function(run)
    local p = run.params
    local w = tw.tensor { 1, 1 }
    local opt = tw.optim.sgd(w, { lr = p.lr, momentum = p.beta, form = "velocity" })
    run:log { w = w, loss = error_of(w) }
    opt:update(tw.tensor { -0.5, -1 } / p.lr) -- the step before: to (1.5, 2)
    for _ = 1, p.steps do
      run:log { w = w, loss = error_of(w) }
      opt:step(error_of)
    end
  end,

  claims = function(sweep, claim)
    local function at(beta, step) return sweep:where { beta = beta }:at("w", step) end
    claim("gradient descent goes from (1.5, 2) to", at(0, 2), "~", { 1.625, 2.0583333333333333 }, { rel = 1e-13, printed = "(1.625, 2.05)",
      why = "1.5 - 0.3 (-5/12), 2 - 0.3 (-7/36)", erratum = "the second component is cut off after two digits" })
    claim("with beta = 0.6 it goes to", at(0.6, 2), "~", { 1.925, 2.6583333333333333 }, { rel = 1e-13, printed = "(2.075, 2.958)",
      why = "0.6 (0.5, 1) more", erratum = "the problem gives beta = 0.6, the printed solution multiplies by 0.9" })
    claim("the printed solution is that of beta = 0.9", at(0.9, 2), "~", { 2.075, 2.9583333333333333 }, { rel = 1e-13, why = "0.9 (0.5, 1) more" })
    for _, group in ipairs(sweep:group_by "beta") do
      local beta, runs = table.unpack(group)
      claim("the minimum is (3, 4), beta = " .. beta, runs:final("w"), "~", { 3, 4 }, { abs = 1e-8, why = "both partial derivatives vanish there" })
      claim("and the least error 0.05, beta = " .. beta, runs:final("loss"), "~", 0.05, { rel = 1e-13, why = "the constant term" })
    end
  end,
}
