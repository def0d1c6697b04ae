#!/usr/bin/env thalweg
-- What does a badly conditioned problem cost each method? Steps until f has fallen to 1e-8 of its first value, on quadratics with eigenvalues from 1 to k.
-- One sees straight lines in the logarithms: gradient descent with its best learning rate pays k, the best momentum and conjugate gradients its root; Newton's
-- method, BFGS, Levenberg-Marquardt and trust regions hardly care. Dividing by the diagonal of the Hessian is as good as Newton where the valley lies
-- along an axis, and no better than nothing where it is tilted.
-- rows: E5 E6
-- plot: thalweg plot runs/condition_number.h5 steps --x k --by method --log xy --where 'method!="damped_newton" and method!="lbfgs" and method!="diagonal"'
local tw = require "thalweg"
local core = require "thalweg.core"
local space, optim = tw.space, tw.optim

-- For each method: dimension, recipe, and a seed for the axes where they are tilted.
local methods = {
  gradient_descent = function(k) return 2, optim.sgd { lr = 2 / (1 + k) } end,
  heavy_ball = function(k)
    local r = core.num.sqrt(k)
    return 2, optim.sgd { lr = (2 / (r + 1)) * (2 / (r + 1)), momentum = ((r - 1) / (r + 1)) * ((r - 1) / (r + 1)) }
  end,
  conjugate_gradient = function() return 1000, optim.conjugate_gradient { line_search = "exact", beta = "FR" } end,
  diagonal = function() return 10, optim.gd { precondition = "jacobi", line_search = "exact" } end,
  diagonal_tilted = function() return 10, optim.gd { precondition = "jacobi", line_search = "exact" }, 1 end,
  newton = function() return 10, optim.newton {}, 1 end,
  damped_newton = function() return 10, optim.newton { lr = 0.5 }, 1 end,
  bfgs = function() return 10, optim.bfgs { line_search = "exact" }, 1 end,
  lbfgs = function() return 10, optim.lbfgs { line_search = "exact", history = 10, tol_grad = 0, tol_step = 0, tol_function = 0 }, 1 end,
  levenberg_marquardt = function() return 10, optim.levenberg_marquardt {}, 1 end,
  trust_region = function() return 10, optim.trust_region {}, 1 end,
}

return tw.experiment {
  name = "condition_number",
  about = "steps until f is 1e-8 of its first value, against the condition number of a quadratic",
  units = { f = "1", steps = "1" },
  params = { method = space.choice { "gradient_descent", "heavy_ball", "conjugate_gradient", "diagonal", "diagonal_tilted", "newton", "damped_newton", "bfgs",
      "lbfgs", "levenberg_marquardt", "trust_region" }, k = space.choice { 10, 100, 1000, 1e4, 1e5, 1e6 } },
  where = function(p) return p.method ~= "diagonal_tilted" or p.k <= 1000 end,
  quick = { params = { k = space.choice { 10, 100, 1000, 1e4 } } },
  objective = { metric = "f" },

  run = function(run)
    local n, recipe, tilt = methods[run.params.method](run.params.k)
    -- Eigenvalues 1 to k in equal ratios, along the axes or tilted; every one has the same share of f at the start.
    local lambda = tw.logspace(1, run.params.k, n)
    local axes = tilt and tw.linalg.qr(tw.rng(tilt):normal(n, n))
    local root = tilt and lambda:sqrt():unsqueeze(2) * axes:t()
    local x = tilt and axes:matmul(1 / lambda:sqrt()) or 1 / lambda:sqrt()
    local function residuals(x) return root:matmul(x) end
    local function f(x) return 0.5 * (tilt and residuals(x):square():sum() or (lambda * x):dot(x)) end
    local opt, first, next_row = recipe:new(x), f(x):item(), 1
    for t = 0, math.huge do
      local loss = opt:step(run.params.method == "levenberg_marquardt" and residuals or f):item() / first
      if t == next_row or loss <= 1e-8 then run:log { step = t, f = loss, steps = t } end
      if t == next_row then next_row = 2 * t end
      if loss <= 1e-8 then break end
    end
  end,

  claims = function(sweep, claim)
    local function steps(method) return sweep:where { method = method }:values "steps" end
    local function of_k(g) return sweep:where { method = "newton" }:values(function(one) return g(one.params.k) end) end
    for _, one in ipairs { { "gradient_descent", 1 }, { "heavy_ball", 0.5 }, { "conjugate_gradient", 0.5 }, { "bfgs", 0 }, { "lbfgs", 0 },
      { "trust_region", 0 } } do
      local slope, _, se = sweep:where { method = one[1] }:fit_slope("k", "steps", { logx = true, logy = true })
      claim(one[1] .. ": steps are k to the power of", slope, "~", one[2], { abs = 0.05, se = se, why = "theory; logarithms and rounding to whole steps" })
    end
    claim("gradient_descent: steps", steps "gradient_descent", "~", of_k(function(k) return math.ceil(math.log(1e8) / 2 / math.log((k + 1) / (k - 1))) end),
      { abs = 1, why = "f falls by ((k - 1)/(k + 1))^2 a step, in either direction; rounding may shift the last step" })
    claim("conjugate_gradient: steps", steps "conjugate_gradient", "~", { table.unpack({ 15, 47, 141, 420, 1235, 3585 }, 1, sweep.quick and 4 or 6) },
      { rel = 0.02, why = "computed elsewhere by the linear method, whose residual is a recurrence; rounding spoils conjugacy in both, each in its way" })
    claim("newton, and the diagonal along the axes: steps", { steps "newton", steps "diagonal" }, "==", 1, { why = "the model is f" })
    claim("damped_newton: steps", steps "damped_newton", "==", 14, { why = "f falls by 1/4 a step: 4^-13 > 1e-8 > 4^-14" })
    claim("bfgs and lbfgs: steps", { steps "bfgs", steps "lbfgs" }, "<=", 12, { why = "with exact search n = 10 in exact arithmetic, and two for rounding" })
    claim("levenberg_marquardt: steps", steps "levenberg_marquardt", "<=", of_k(function(k) return 3 + math.log(k, 3) end),
      { why = "its lambda falls by 3 a step and must become small beside 1/k" })
    local slope = sweep:where { method = "diagonal_tilted" }:fit_slope("k", "steps", { logx = true, logy = true })
    claim("diagonal_tilted: steps are k to the power of", slope, ">", 0.5, { why = "worse than momentum, which needs no Hessian" })
  end,
}
