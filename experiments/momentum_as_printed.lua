#!/usr/bin/env thalweg
-- What do two misprinted momentum rules do? "W = -eta dE/dW + mu W" puts mu on the weight where it belongs on the last change of the weight, and "w = w -
-- v" with v = beta v + (1 - beta) grad has no learning rate at all. Both beside the rules that are meant, on a tilted bowl whose minimum is (3, 4), with
-- the error counted in two units: as it is, and a hundred times as large. One sees the first end elsewhere, and the second blow up when the unit changes.
-- rows: D4 D8
-- plot: thalweg plot runs/momentum_as_printed.h5 --surface 'function(w) local a,b=w[1]-3,w[2]-4 return a^2/4+b^2/9-a*b/6 end' --where 'scale==1' --by rule
local tw = require "thalweg"
local space, define = tw.space, tw.optim.define

local on_weight = define { name = "on_weight", about = "W = -eta dE/dW + mu W, as printed", params = { lr = 0.1, momentum = 0.9 },
  step = function(w, g, _, hyper) w:assign(-hyper.lr * g + hyper.momentum * w) end }
local without_rate = define { name = "without_rate", about = "v = beta v + (1 - beta) g, w = w - v, as printed", params = { momentum = 0.9 }, slots = { "v" },
  step = function(w, g, slot, hyper)
    slot.v:assign(hyper.momentum * slot.v + (1 - hyper.momentum) * g)
    w:assign(w - slot.v)
  end }

local function recipe(p)
  local lr = p.lr / p.scale
  if p.rule == "mu W" then return on_weight { lr = lr, momentum = 0.9 } end
  if p.rule == "no eta" then return without_rate { momentum = 0.9 } end
  return tw.optim.sgd { lr = lr, momentum = 0.9, form = p.rule }
end

return tw.experiment {
  name = "momentum_as_printed",
  about = "two misprinted momentum rules beside those that are meant",
  units = { distance = "1", w = "1" },
  params = { rule = space.choice { "velocity", "mu W", "ema", "no eta" }, scale = space.choice { 1, 100 }, lr = 0.5, steps = 1000 },
  lanes = { "scale" },
  diverge = { "distance" },
  objective = { metric = "distance" },

  run = function(run)
    local p = run.params
    local function error_of(w)
      local a, b = w[1] - 3, w[2] - 4
      return p.scale * (0.05 + a ^ 2 / 4 + b ^ 2 / 9 - a * b / 6)
    end
    local w, minimum = tw.tensor { 1, 1 }, tw.tensor { 3, 4 }
    local opt = recipe(p):new(w)
    for _ = 0, p.steps do
      run:log { w = w, distance = tw.norm(w - minimum) }
      opt:step(error_of)
    end
  end,

  claims = function(sweep, claim)
    local function pick(rule, scale) return sweep:where { rule = rule, scale = scale } end
    claim("momentum on the last change ends at (3, 4)", pick("velocity", 1):final("w"), "~", { 3, 4 }, { abs = 1e-10, why = "the minimum" })
    local h, minimum = tw.tensor { { 1 / 2, -1 / 6 }, { -1 / 6, 2 / 9 } }, tw.tensor { 3, 4 }
    local w, last = tw.tensor { 1, 1 }, tw.tensor { 1, 1 }
    for _ = 1, 20 do w, last = w - 0.5 * h:matmul(w - minimum) + 0.9 * (w - last), w end
    claim("on its way it follows W_i - eta dE/dW_i + mu (W_i - W_{i-1})", pick("velocity", 1):at("w", 20), "~", w:table(),
      { abs = 1e-12, why = "the rule on the weights themselves, 20 steps, dE/dW by hand" })
    -- The fixed point of W = -eta H (W - m) + mu W is (H + (1 - mu)/eta I)^-1 H m.
    local elsewhere = tw.linalg.solve(h + 0.1 / 0.5 * tw.eye(2), h:matmul(minimum))
    claim("mu on the weight ends elsewhere, as if weights were decayed", pick("mu W", 1):final("w"), "~", elsewhere:table(), { abs = 1e-10,
      printed = "W_{i+1} = -eta dE/dW_i + mu W_i", why = "the rule's fixed point, found by solving two equations",
      erratum = "mu multiplies the last change of W, and W itself is kept: W_{i+1} = W_i - eta dE/dW_i + mu (W_i - W_{i-1})" })
    claim("which is far from the minimum", pick("mu W", 1):final("distance"), ">", 1, { why = "the start is 3.6 away" })
    claim("with eta the unit of the error does not matter", pick("ema", 100):final("w"), "~", pick("ema", 1):final("w"),
      { abs = 1e-10, why = "eta is divided by 100" })
    claim("without eta it ends at the minimum in one unit", pick("no eta", 1):final("distance"), "<", 1e-10, { why = "the largest eigenvalue is below 38" })
    claim("and diverges in the other", #pick("no eta", 100):where { status = "diverged" }, "==", 1, { printed = "w = w - v_t",
      why = "an eigenvalue above 2 (1 + beta)/(1 - beta) = 38", erratum = "the learning rate is missing: w = w - eta v_t" })
  end,
}
