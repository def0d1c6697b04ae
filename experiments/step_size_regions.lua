#!/usr/bin/env thalweg
-- Which step size is too small, which is good, which too large? Gradient descent on a bowl whose curvatures lie between 1 and 10, until the distance to the
-- minimum has fallen to a millionth. One sees a number of steps that falls like 1/lr, a narrow optimum at 2/(lambda_min + lambda_max), and a cliff at
-- 2/lambda_max.
-- rows: E1 E2
-- plot: thalweg plot runs/step_size_regions.h5 steps --x lr --log xy
local tw = require "thalweg"
local space = tw.space

local smallest, largest = 1, 10
local bowl = tw.problems.quadratic { eigenvalues = { smallest, 2, 5, largest } }

return tw.experiment {
  name = "step_size_regions",
  about = "steps that gradient descent needs against the learning rate: too small, good, too large",
  units = { distance = "1", steps = "1" },
  params = { lr = space.choice { space.log(1e-2, 1e-1, 8), space.range(0.11, 0.24, 0.002) }, target = 1e-6, most = 1500 },
  lanes = { "lr" },
  objective = { metric = "steps" },

  run = function(run)
    local p = run.params
    local x = bowl:start()
    local opt = tw.optim.sgd(x, { lr = p.lr })
    for step = 0, p.most do
      local distance = x:abs():max()
      run:log { distance = distance, steps = step }
      run:stop_if(distance:lt(p.target), "at the target")
      opt:step(bowl.f)
    end
  end,

  claims = function(sweep, claim)
    local there, not_there = sweep:where { status = "stopped" }, sweep:where { status = "done" }
    local function lr(one) return one.params.lr end
    claim("the largest step size that gets there", there:max(lr), "~", 2 / largest, { abs = 0.0021, why = "2/lambda_max; the grid is 0.002 wide" })
    claim("the smallest one that does not", not_there:min(lr), "~", 2 / largest, { abs = 0.0021, why = "2/lambda_max; the grid is 0.002 wide" })
    claim("too large: the distance grows", not_there:where { lr = { ">", 0.2 } }:values "distance", ">", 1, { why = "|1 - lr lambda_max| > 1" })
    claim("the best step size", there:best():runs()().params.lr, "~", 2 / (smallest + largest), { abs = 0.0021,
      why = "2/(lambda_min + lambda_max) = 0.1818, to the width of the grid" })
    claim("the steps of the best", there:min "steps", "~", math.log(1e-6) / math.log(9 / 11), { abs = 1.5,
      why = "the rate (k - 1)/(k + 1), k = 10; a whole number of steps, at a learning rate beside the best" })
    local slope, _, se = sweep:fit_slope("lr", "steps", { logx = true, logy = true, to = 0.03 })
    claim("too small: ten times the step size saves nine of ten steps, slope", slope, "~", -1, { abs = 0.02, se = se,
      why = "the steps are log(1e-6)/log(1 - lr), 1/lr up to a factor of 1 + lr/2" })
  end,
}
