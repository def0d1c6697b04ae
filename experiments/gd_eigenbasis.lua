#!/usr/bin/env thalweg
-- How does gradient descent converge, seen along the eigenvectors of the Hessian? Each coordinate goes its own way there: a_i(t) = (1 - lr lambda_i)^t
-- a_i(0). One sees straight lines in the logarithm. A thousandth below 2/lambda_max all fall, a thousandth above it the coordinate of the largest
-- eigenvalue grows for ever; and just below the limit it is this coordinate that hardly falls, so that the largest possible learning rate is a bad one.
-- rows: A6
-- plot: thalweg plot runs/gd_eigenbasis.h5 steepest --by of_limit --where 'of_limit<0.1 or of_limit>0.99' --log y
local tw = require "thalweg"
local core = require "thalweg.core"

local eigenvalues = { 1, 2, 4, 7, 10 }
local n, largest = #eigenvalues, eigenvalues[#eigenvalues]
local limit, best = 2 / largest, 2 / (eigenvalues[1] + largest)
local bowl = tw.problems.quadratic { eigenvalues = eigenvalues, rotate = 1, center = { 1, -1, 2, 0, 3 } }

return tw.experiment {
  name = "gd_eigenbasis",
  about = "gradient descent along the eigenvectors of the Hessian, below, near and above the limit 2/lambda_max of the learning rate",
  units = { loss = "1", a = "1", steepest = "1" },
  params = { of_limit = tw.space.choice { 0.05, 0.5, best / limit, 1 - 1e-3, 1 + 1e-3 }, steps = 10000 },
  lanes = { "of_limit" },

  run = function(run)
    local p = run.params
    local lambda, axes = tw.linalg.eigh(bowl:hessian())
    local minimum, a = bowl:minimum(), tw.ones(n)
    local x = minimum + axes:matmul(a)
    local opt = tw.optim.sgd(x, { lr = limit * p.of_limit })
    run:log("start", { lambda = lambda })
    local next_row = 1
    for t = 0, p.steps do
      if t <= 50 or t == next_row or t == p.steps then
        a = axes:t():matmul(x - minimum)
        run:log { step = t, loss = bowl(x), a = a, steepest = a[n]:abs() }
      end
      if t == next_row then next_row = 2 * next_row end
      opt:step(bowl.f)
    end
  end,

  claims = function(sweep, claim)
    local function rate(lr) return math.max(math.abs(1 - lr * eigenvalues[1]), math.abs(1 - lr * largest)) end
    for _, group in ipairs(sweep:group_by "of_limit") do
      local of_limit, run = table.unpack(group)
      local rows, steps = run:trace "a"
      -- Every coordinate is monotone in absolute value, so the largest up to a step is the largest of its first and its present value.
      local worst, at_start = 0, 0
      for i = 1, n do at_start = math.max(at_start, math.abs(rows[1][i])) end
      for k, t in ipairs(steps) do
        local scale = at_start
        for i = 1, n do scale = math.max(scale, math.abs(rows[k][i])) end
        for i = 1, n do
          local expected = core.num.pow(1 - limit * of_limit * eigenvalues[i], t) * rows[1][i]
          worst = math.max(worst, math.abs(rows[k][i] - expected) / scale)
        end
      end
      claim(("a_i(t) is (1 - lr lambda_i)^t a_i(0), lr = %.4g of the limit"):format(of_limit), worst, "<=", 1e-10,
        { why = "relative to the largest coordinate so far: rounding, 10^4 steps with about 10 rounding errors each" })
    end
    local above, below, good = sweep:where { of_limit = 1 + 1e-3 }, sweep:where { of_limit = 1 - 1e-3 }, sweep:where { of_limit = best / limit }
    claim("a thousandth above the limit: the coordinate of lambda_max", above:final "steepest" / above:at("steepest", 0), ">", 1e4,
      { why = "1.002^10000 is 4.8e8" })
    claim("a thousandth below it", below:final "steepest" / below:at("steepest", 0), "<", 1e-4, { why = "0.998^10000 is 2e-9" })
    local function measured(run, from, to) return math.sqrt(math.exp((run:fit_slope("step", "loss", { logy = true, from = from, to = to })))) end
    claim("rate of convergence just below the limit", measured(below, 1000), "~", rate(limit * (1 - 1e-3)),
      { abs = 1e-6, printed = "1 - 2 lambda_min/lambda_max = 0.8",
      why = "|1 - lr lambda_max| = 0.998", erratum = "that is the factor along u_min; along u_max it tends to -1, so that the rate tends to 1" })
    claim("the printed factor is that of u_min", below:at("a[1]", 50) / below:at("a[1]", 49), "~", 1 - limit * (1 - 1e-3) * eigenvalues[1],
      { rel = 1e-9, why = "1 - lr lambda_min" })
    claim("the best rate is (k - 1)/(k + 1) at 2/(lambda_min + lambda_max)", measured(good, 20, 50), "~", 9 / 11, { abs = 1e-6, why = "k = 10" })
  end,
}
