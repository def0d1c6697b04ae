#!/usr/bin/env thalweg
-- Can a gradient be had without derivatives? Each component from one more evaluation, (f(w + eps e_i) - f(w))/eps, or from two, (f(w + eps e_i) - f(w - eps
-- e_i))/2eps, against automatic differentiation, for networks on the iris data. One sees two V's: a large eps is a bad limit, a small one drowns in
-- rounding; the best eps is near the square root of the rounding unit, or its cube root. And the price: evaluations by the hundred, where the automatic
-- gradient takes one.
-- rows: D6
-- plot: thalweg plot runs/finite_differences.h5 error --x eps --by method --where 'hidden==8' --log xy
local tw = require "thalweg"
local space = tw.space

local iris = tw.data.standardize(tw.data.csv("iris.csv", { target = "species" }))
local unit = 2 ^ -53

return tw.experiment {
  name = "finite_differences",
  about = "finite-difference gradients against automatic ones: error over the width eps, and evaluations",
  units = { error = "1", evaluations = "1", automatic = "1" },
  params = {
    hidden = space.choice { 2, 8, 32 },
    method = space.choice { "forward", "central" },
    eps = space.log(1e-12, 1e-1, 23),
  },
  lanes = { "eps", "seed" },
  repeats = 3,
  quick = { params = { hidden = space.choice { 2, 8 } } },
  objective = { metric = "error" },

  run = function(run)
    local p = run.params
    local model = tw.nn.mlp { 4, p.hidden, 3, activation = "tanh" }
    local params = model:init(run:rng "init")
    local flat, rebuild = tw.tree.flatten(params)
    local evaluations = 0
    local function f(w)
      evaluations = evaluations + 1
      return tw.cross_entropy(model(rebuild(w), iris.x), iris.y)
    end
    local exact = tw.grad(f)(flat)
    local automatic = evaluations

    local two_sided, g = p.method == "central", tw.zeros(flat.size)
    evaluations = 0
    local here = not two_sided and f(flat)
    for i = 1, flat.size do
      tw.scope(function()
        local step = p.eps * tw.one_hot(tw.tensor(i, { dtype = "i64" }), flat.size):to("f64")
        g[i]:assign(two_sided and (f(flat + step) - f(flat - step)) / (2 * p.eps) or (f(flat + step) - here) / p.eps)
      end)
    end
    run:log { error = tw.norm(g - exact) / tw.norm(exact), evaluations = evaluations, automatic = automatic }
  end,

  claims = function(sweep, claim)
    local function pick(method, hidden) return sweep:where { method = method, hidden = hidden } end
    for method, best in pairs { forward = math.sqrt(unit), central = unit ^ (1 / 3) } do
      local runs = pick(method, 8)
      local function slope(from, to) return (runs:fit_slope("eps", "error", { logx = true, logy = true, from = from, to = to })) end
      claim(method .. ": the best eps, beside the root of the rounding unit", runs:best():runs()().params.eps, "within", { best / 10, best * 10 },
        { seeds = 3, why = method == "forward" and "sqrt(2^-53); a factor of 10 for constants of f" or "cbrt(2^-53); a factor of 10 for constants of f" })
      claim(method .. ": left of it rounding, slope", slope(nil, best / 20), "~", -1, { abs = 0.15, seeds = 3, why = "u/eps; rounding is random, so 15 %" })
      local order = method == "forward" and 1 or 2
      claim(method .. ": right of it the remainder, slope", slope(best * 20, 0.02), "~", order,
        { abs = 0.05, seeds = 3, why = "Taylor's remainder, eps^" .. order })
    end
    claim("at its best the central difference is better", pick("central", 8):best():median "error", "<", 0.01 * pick("forward", 8):best():median "error",
      { seeds = 3, why = "u^(2/3) against u^(1/2): some 400 times" })
    for _, group in ipairs(sweep:group_by "hidden") do
      local hidden, runs = table.unpack(group)
      local n = 8 * hidden + 3
      claim(("evaluations for %d parameters: automatic"):format(n), runs:values "automatic", "==", 1)
      claim(("evaluations for %d parameters: forward"):format(n), runs:where { method = "forward" }:values "evaluations", "==", n + 1)
      claim(("evaluations for %d parameters: central"):format(n), runs:where { method = "central" }:values "evaluations", "==", 2 * n)
    end
  end,
}
