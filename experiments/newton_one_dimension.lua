#!/usr/bin/env thalweg
-- When does Newton's method find a minimum? It goes to where the second-order model is stationary. On cosh(x/2), which is convex, that is the minimum within
-- ten steps from 10. On x cos(.15 pi x) from 10 the second step meets negative curvature: one sees the full step leave for 26.8 and settle on a maximum, and
-- half the step reach 7.27, a minimum. With the absolute value of the curvature and a line search every step is downhill.
-- rows: E5 E6
-- plot: thalweg plot runs/newton_one_dimension.h5 x --by loss,method --log none
local tw = require "thalweg"
local space, newton = tw.space, tw.optim.newton

local c = 0.15 * math.pi
local losses = {
  cosh = function(x) return (0.5 * x):cosh():sum() end,
  wave = function(x) return (x * (c * x):cos()):sum() end,
}
local methods = { full = newton {}, half = newton { lr = 0.5 }, absolute = newton { absolute = true, line_search = "backtracking" } }

return tw.experiment {
  name = "newton_one_dimension",
  about = "Newton's method on cosh(x/2) and x cos(.15 pi x) from 10",
  units = { f = "1", x = "1", slope = "1", curvature = "1" },
  params = { loss = space.choice { "cosh", "wave" }, method = space.choice { "full", "half", "absolute" }, steps = 30 },
  objective = { metric = "f" },

  run = function(run)
    local p = run.params
    local x, f = tw.tensor { 10 }, losses[p.loss]
    local opt = methods[p.method]:new(x)
    for _ = 0, p.steps do
      local now = x[1]:clone()
      run:log { f = opt:step(f), x = now, slope = opt:grads()[1], curvature = tw.hessian(f)(now:reshape(1))[{ 1, 1 }] }
    end
  end,

  claims = function(sweep, claim)
    local function pick(loss, method) return sweep:where { loss = loss, method = method } end
    claim("cosh(x/2): x after 10 steps", pick("cosh", "full"):at("x", 10), "~", 0, { abs = 1e-15, why = "as published (d2l, chapter 12.3); the minimum" })
    claim("x cos(.15 pi x), full step: x after 10", pick("wave", "full"):at("x", 10), "~", 26.83413291324767,
      { rel = 1e-13, why = "as published (d2l, chapter 12.3)" })
    claim("x cos(.15 pi x), half the step: x after 10", pick("wave", "half"):at("x", 10), "~", 7.269860168684531,
      { rel = 1e-13, why = "as published (d2l, chapter 12.3)" })
    for _, loss in ipairs { "cosh", "wave" } do
      for _, method in ipairs { "full", "half", "absolute" } do
        local minimum = loss == "cosh" or method ~= "full"
        local one = pick(loss, method)
        claim(("%s, %s: the slope at the end"):format(loss, method), one:final "slope", "~", 0,
          { abs = 1e-6, why = "stationary; half the step halves the distance 30 times at best, 37/2^30 = 3e-8" })
        claim(("%s, %s: the curvature there"):format(loss, method), one:final "curvature", minimum and ">" or "<", 0,
          { why = minimum and "a minimum" or "a maximum: Newton's method does not tell one from the other" })
      end
    end
    local f, rise = pick("wave", "absolute"):trace "f", -math.huge
    for t = 2, #f do rise = math.max(rise, f[t] - f[t - 1]) end
    claim("absolute: the largest rise of f", rise, "<=", 0, { why = "Armijo's rule" })
  end,
}
