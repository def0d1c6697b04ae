#!/usr/bin/env thalweg
-- Which minimum does gradient descent find? x^4 - 5x^2 - 3x has two, on either side of the maximum at -0.312. One sees that small steps keep to the side
-- they start on; that larger ones jump over the maximum, so that the basins fray; that a minimum is found only while lr < 2/f'' there, which ends first for
-- the deeper one; and that from far out steps of that size diverge.
-- rows: D2
-- plot: thalweg plot runs/basins.h5 x --x x0 --by lr
local tw = require "thalweg"
local space = tw.space

local left, right, top = -1.401771247841, 1.713939436185, -0.312168188344
local function f(x) return x ^ 4 - 5 * x ^ 2 - 3 * x end
local function curvature(x) return 12 * x * x - 10 end

return tw.experiment {
  name = "basins",
  about = "which minimum of x^4 - 5x^2 - 3x gradient descent finds, from where and with which step size",
  units = { x = "1", loss = "1", grad_norm = "1" },
  params = { x0 = space.linear(-3, 3, 41), lr = space.choice { 0.002, 0.03, 0.07, 0.1 }, most = 4000 },
  lanes = { "x0", "lr" },
  objective = { metric = "loss" },
  diverge = { "x" },

  run = function(run)
    local p = run.params
    local x = p.x0 * tw.tensor(1)
    local opt = tw.optim.sgd(x, { lr = p.lr })
    for step = 0, p.most do
      local y, g = tw.value_and_grad(f)(x)
      local here = step <= 20 and 1 or 50 -- all of the beginning, every 50th row of the rest
      if step % here == 0 then
        run:log { step = step, x = x, loss = y, grad_norm = g:abs() }
        run:stop_if(g:abs():lt(1e-10), "at a critical point")
      end
      opt:update(g)
    end
  end,

  claims = function(sweep, claim)
    local function near(m) return function(one) return math.abs(one:final "x" - m) <= 1e-8 end end
    local small = sweep:where { lr = 0.002 }
    claim("small steps: starts right of the maximum go to the right minimum", small:where { x0 = { ">", top } }:values "x", "~", right, { abs = 1e-8,
      why = "the root of the derivative" })
    claim("small steps: starts left of it go to the left minimum", small:where { x0 = { "<", top } }:values "x", "~", left, { abs = 1e-8, why = "as above" })
    claim("the right minimum is the deeper one", small:where { x0 = 3 }:final "loss", "<", small:where { x0 = -3 }:final "loss")
    local large = sweep:where { lr = 0.07 }
    local jumped = #large:where { x0 = { ">", top } }:where(near(left)) + #large:where { x0 = { "<", top } }:where(near(right))
    claim("at lr = 0.07 starts that end on the other side", jumped, ">", 0, { why = "one step can jump over the maximum" })
    claim("at lr = 0.07, below 2/f'', the right minimum is still found", #large:where(near(right)), ">", 0,
      { why = ("2/f'' = %.4f there"):format(2 / curvature(right)) })
    claim("at lr = 0.1, above it, no longer", #sweep:where { lr = 0.1 }:where(near(right)), "==", 0)
    claim("the left one, whose 2/f'' is larger, still is", #sweep:where { lr = 0.1 }:where(near(left)), ">", 0,
      { why = ("2/f'' = %.4f"):format(2 / curvature(left)) })
    local function far(one) return math.abs(one.params.x0) end
    claim("at lr = 0.1 starts far out diverge", sweep:where { lr = 0.1, status = "diverged" }:values(far), ">", 2,
      { why = "steps outgrow x where lr |f'| > 2 |x|" })
  end,
}
