#!/usr/bin/env thalweg
-- How far should steepest descent go along its direction? On f = (x1^2 + k x2^2)/2 from the worst start, (k, 1): exactly to the minimum of the line, as a
-- textbook has it; as near as golden section gets by values of f alone; until the strong Wolfe conditions hold, from a trial much too short; or only as far
-- as Armijo's rule asks, by halves from a trial much too long (backtracking). One sees exact search zigzag at right angles and f fall by ((k - 1)/(k + 1))^2
-- a step, hardly at all for large k: the best step along a bad direction. The search through halves, furthest from the best step, gains more.
-- rows: E3
-- plot: thalweg plot runs/line_searches.h5 --surface 'function(x) return x[1]^2/2+5*x[2]^2 end' --where 'k==10' --by search --domain=-1:11,-1.7:1.3
local tw = require "thalweg"
local space = tw.space
local c1, c2 = 1e-4, 0.9

return tw.experiment {
  name = "line_searches",
  about = "steepest descent with four line searches on a quadratic of condition number k, from the worst start for exact search",
  units = { loss = "1", cosine = "1", ratio = "1", x = "1" },
  params = { search = space.choice { "exact", "golden", "backtracking", "strong_wolfe" }, k = space.choice { 10, 100, 1000, 1e4, 1e5, 1e6 }, steps = 500 },
  lanes = { "k" },

  run = function(run)
    local p = run.params
    local spectrum, x = tw.tensor { 1, p.k }, tw.tensor { p.k, 1 }
    local function f(x) return 0.5 * (spectrum * x):dot(x) end
    local trial = p.search == "strong_wolfe" and 1e-3 / p.k or 1
    local opt = tw.optim.gd(x, { line_search = p.search, lr = trial, c1 = c1, c2 = c2 })
    local last
    for t = 0, p.steps do
      local now, loss = x:clone(), opt:step(f)
      local g, moved = opt:grads():clone(), x - now
      local slope, slope_after = g:dot(moved), tw.grad(f)(x):dot(moved)
      run:log { loss = loss, x = now, cosine = last and g:dot(last):abs() / (g:norm() * last:norm()) or 0, evaluations = opt:info().evaluations,
        ratio = moved:norm() / g:norm() * (spectrum * g):dot(g) / g:dot(g), armijo = (f(x) - loss) / slope, wolfe = slope_after:abs() / slope:abs() }
      last = g
    end
  end,

  claims = function(sweep, claim)
    local function pick(search) return sweep:where { search = search } end
    for _, group in ipairs(pick "exact":group_by "k") do
      local k, runs = table.unpack(group)
      local loss, ratios = runs:trace "loss", {}
      for t = 2, #loss do ratios[t - 1] = loss[t] / loss[t - 1] end
      claim(("f falls by ((k - 1)/(k + 1))^2 a step, k = %g"):format(k), ratios, "~", ((k - 1) / (k + 1)) ^ 2,
        { abs = 1e-9, why = "Kantorovich's bound, which this start attains; 1e-9 leaves room for the rounding of 500 steps" })
    end
    claim("successive directions are orthogonal: |cos|", pick "exact":values("cosine", { at = "max" }), "<=", 1e-9,
      { why = "the slope along the line is 0 where it stops; rounding: a few units of 1e-16" })
    local function off(runs) -- how far from the best step, relative
      return runs:values(function(one) return math.max(one:max "ratio" - 1, 1 - one:min "ratio") end)
    end
    local golden = pick "golden":values(function(one) return 1e-6 + math.sqrt(2 ^ -53 * one.params.k) end)
    claim("golden section finds the best step: relative error", off(pick "golden"), "<=", golden,
      { why = "its tolerance 1e-6, and the d where f(best + d) - f(best) = (4/k) d^2 f drowns in f's rounding, 4 u f: d = sqrt(u k), u = 2^-53" })
    claim("which costs it evaluations of f, per step", pick "golden":values "evaluations", ">", 30,
      { why = "log(1e6)/log(1.618) = 29 to narrow, and to bracket" })
    claim("Armijo: the decrease over the promised one", sweep:values("armijo", { at = "min" }), ">=", c1, { why = "c1 = 1e-4 of what the slope promises" })
    claim("curvature: the slope after over the slope before", pick "strong_wolfe":values("wolfe", { at = "max" }), "<=", c2, { why = "c2 = 0.9" })
    claim("backtracking is far from the best step", off(pick "backtracking"), ">", 0.5, { why = "it halves: of the best step anything from 1/2 to 2 will do" })
    local function last(search) return sweep:where { search = search, k = { "<=", 1000 } }:values "loss" end
    local exact, gain = last "exact", last "backtracking"
    for i, f in ipairs(gain) do gain[i] = f / exact[i] end
    claim("and yet lower after 500 steps: its f over that of exact search", gain, "<", 1, { why = "k = 10, 100, 1000; 1 would be no gain" })
  end,
}
