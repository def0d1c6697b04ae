#!/usr/bin/env thalweg
-- How good is the quadratic model of a function? f(a) + g.d + d'Hd/2, from automatic derivatives, against the function itself at a distance h.
-- One sees straight lines of slope 3 in the double logarithmic picture: halving the distance divides the error by eight, in one dimension and in fifty.
-- A quadratic has no error but rounding.
-- rows: A1
-- plot: thalweg plot runs/taylor_model.h5 error --x h --where 'f~="quadratic"'
local tw = require "thalweg"
local space = tw.space

local rosenbrock = tw.problems.rosenbrock { n = 50 }
local bowl = tw.problems.quadratic { n = 20, condition = 100, rotate = 1 }

-- Any Lua function will do: with the point a of the model, and a direction along which the third derivative is not zero.
local functions = {
  exp = { f = tw.exp, a = function() return tw.tensor(0.5) end, direction = function() return tw.tensor(1) end },
  rosenbrock = {
    f = rosenbrock.f,
    a = function() return rosenbrock:start() end,
    direction = function() return tw.where(tw.arange(1, 50):remainder(2):eq(1), 1, -0.5) end,
  },
  softmax = {
    f = function(x) return x:logsumexp() end,
    a = function() return tw.linspace(-1, 1, 5) end,
    direction = function() return tw.tensor { 1, -2, 0.5, 1, 2 } end,
  },
  quadratic = { f = bowl.f, a = function() return tw.linspace(-1, 1, 20) end, direction = function() return tw.ones(20) end },
}

return tw.experiment {
  name = "taylor_model",
  about = "how the error of the second-order Taylor model falls with the distance",
  units = { error = "1", value = "1" },
  params = { f = space.choice { "exp", "rosenbrock", "softmax", "quadratic" }, h = space.log(1e-3, 1e-1, 9) },
  lanes = { "h" },
  objective = { metric = "error" },

  run = function(run)
    local p = run.params
    local one = functions[p.f]
    local f, a, u = one.f, one.a(), one.direction()
    local d = p.h * u / tw.norm(u)
    local value, gradient = tw.value_and_grad(f)(a)
    local model = value + (gradient * d):sum() + 0.5 * (d * tw.hvp(f)(a, d)):sum()
    local exact = f(a + d)
    run:log { error = (model - exact):abs(), value = exact }
  end,

  claims = function(sweep, claim)
    for _, name in ipairs { "exp", "rosenbrock", "softmax" } do
      local slope, _, se = sweep:where { f = name }:fit_slope("h", "error", { logx = true, logy = true })
      claim("the error falls as h^3: slope for " .. name, slope, "~", 3,
        { abs = 0.05, se = se, why = "Taylor's remainder; the h^4 term bends the line by less than 0.05 up to h = 0.1" })
    end
    local at = sweep:where { f = "exp", h = 0.001 }:final("error")
    claim("the remainder of exp at 0.5, h = 0.001", at, "~", 0.001 ^ 3 / 6 * math.exp(0.5) * (1 + 0.001 / 4), { abs = 1e-15,
      why = "h^3/6 e^a (1 + h/4 + ...); the rounding of three sums near e^a" })
    local quadratic = sweep:where { f = "quadratic" }
    claim("exact on a quadratic in 20 dimensions", quadratic:values(function(one) return one:final("error") / one:final("value") end), "<=", 1e-14,
      { why = "rounding: some 50 units of the last place of f" })
  end,
}
