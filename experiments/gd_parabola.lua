#!/usr/bin/env thalweg
-- What does the learning rate do to gradient descent on x^2? From x = 10, ten steps, as in the lecture's listing. One sees the small rate creep, the good
-- one arrive, and 1.1 jump from side to side ever further out.
-- rows: B5 B7 D1
-- plot: thalweg plot runs/gd_parabola.h5 x --by lr --where 'lr<1.2' --log none
local tw = require "thalweg"

local function f(x) return x ^ 2 end

return tw.experiment {
  name = "gd_parabola",
  about = "ten steps of gradient descent on x^2 from x = 10: too small, good and too large learning rates",
  units = { x = "1", loss = "1" },
  params = { lr = tw.space.choice { 0.05, 0.2, 0.5, 1, 1.1 }, steps = 10 },
  lanes = { "lr" },

  run = function(run)
    local x = tw.tensor(10)
    local opt = tw.optim.sgd(x, { lr = run.params.lr })
    for _ = 0, run.params.steps do
      run:log { x = x, loss = f(x) }
      opt:step(f)
    end
  end,

  claims = function(sweep, claim)
    for lr, x in pairs { [0.2] = 0.06046617599999997, [0.05] = 3.4867844009999995, [1.1] = 61.917364224000096 } do
      claim("x after ten steps, lr = " .. lr, sweep:where { lr = lr }:final("x"), "~", x, { rel = 1e-13, why = "as published (d2l, chapter 12.3)" })
    end
    claim("the gradient of the first step is 20", (10 - sweep:where { lr = 0.05 }:at("x", 1)) / 0.05, "~", 20, { rel = 1e-14, why = "2x at x = 10" })
    claim("lr = 1/2, one over the curvature, arrives in one step", sweep:where { lr = 0.5 }:at("x", 1), "==", 0)
    claim("lr = 1 jumps between 10 and -10 for ever", sweep:where { lr = 1 }:trace "x", "==", { 10, -10, 10, -10, 10, -10, 10, -10, 10, -10, 10 })
    local x = sweep:where { lr = 1.1 }:trace "x"
    local signs = {}
    for i = 2, #x do signs[i - 1] = x[i] / x[i - 1] end
    claim("lr = 1.1 changes sides and grows by 1.2 a step", signs, "~", -1.2, { rel = 1e-14, why = "1 - 2 lr" })
  end,
}
