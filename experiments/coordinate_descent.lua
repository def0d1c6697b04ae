#!/usr/bin/env thalweg
-- What if one coordinate is changed at a time, each to the exact minimum along its axis? There is no step size to choose. On f = x'Ax/2 - b'x with the
-- coordinates in turn this is the method of Gauss and Seidel for A x = b. One sees all three orders arrive, the steepest coordinate first soonest, a random
-- one last; but the first needs the whole gradient for each step. A round over all coordinates costs about as much as a step of steepest descent, which
-- is slower than all of them.
-- rows: E4
-- plot: thalweg plot runs/coordinate_descent.h5 gap --by method --log y
local tw = require "thalweg"
local n = 8
local bowl = tw.problems.quadratic { n = n, condition = 30, rotate = 7, center = { 1, -2, 3, 0, 2, -1, 0.5, 4 }, start = { 0, 0, 0, 0, 0, 0, 0, 0 } }

-- Gauss-Seidel in plain numbers: the i-th equation is solved for x_i, with the others as they are.
local function gauss_seidel(sweeps)
  local a, x, out = bowl:hessian():table(), bowl:start():table(), { bowl:start():table() }
  local b = bowl:hessian():matmul(bowl:minimum()):table()
  for s = 1, sweeps do
    for i = 1, n do
      local sum = b[i]
      for j = 1, n do if j ~= i then sum = sum - a[i][j] * x[j] end end
      x[i] = sum / a[i][i]
    end
    out[s + 1] = { table.unpack(x) }
  end
  return out
end

return tw.experiment {
  name = "coordinate_descent",
  about = "one coordinate at a time, in turn, at random and steepest first, against steepest descent, on a quadratic with tilted axes",
  units = { gap = "1", x = "1" },
  params = { method = tw.space.choice { "cyclic", "random", "greedy", "steepest descent" }, sweeps = 100 },
  repeats = 20,
  objective = { metric = "gap" },
  lanes = { "seed" },

  run = function(run)
    local p, x = run.params, bowl:start()
    local opt
    if p.method == "steepest descent" then opt = tw.optim.gd(x, { line_search = "exact" })
    else opt = tw.optim.coordinate_descent(x, { order = p.method, seed = run:rng("order"):randint(0, 1e9, 1)[1] }) end
    for _ = 0, p.sweeps do
      run:log { gap = bowl:gap(x), x = x }
      for _ = 1, p.method == "steepest descent" and 1 or n do opt:step(bowl.f) end
    end
  end,

  claims = function(sweep, claim)
    local function pick(method) return sweep:where { method = method } end
    claim("in turn: x after every round of 8 steps", (pick "cyclic":where { rep = 1 }:trace "x"), "~", gauss_seidel(100),
      { abs = 1e-12, why = "Gauss-Seidel on A x = b in plain numbers; the largest x is 4" })
    local worst = 0
    for one in sweep:runs() do
      local gap = one:trace "gap"
      for t = 2, #gap do worst = math.max(worst, gap[t] - gap[t - 1]) end
    end
    claim("f never rises: the largest rise of a round", worst, "<=", 1e-13,
      { why = "each step goes to the minimum of its line; rounding of f, 224 at first" })
    local function steps(one) return one:steps_to("gap", 1e-8 * one:at("gap", 0)) end
    local function rounds(method) return pick(method):median(steps) end
    claim("rounds to a gap of 1e-8, the steepest coordinate first", rounds "greedy", "<", rounds "cyclic", { why = "those in turn" })
    claim("rounds in turn", rounds "cyclic", "<", rounds "steepest descent", { why = "steps of steepest descent with exact line search" })
    local low, high, median = pick "random":ci(steps, { method = "median" })
    claim("rounds in random order, the median's 95 % interval", { low, high }, "within", { rounds "cyclic", rounds "steepest descent" },
      { seeds = #pick "random", why = "more than in turn, fewer than steepest descent; the median is " .. median })
  end,
}
