#!/usr/bin/env thalweg
-- How do AdaGrad and RMSProp divide the gradient, and does it matter where eps stands? Both in the valley .1 x1^2 + 2 x2^2 from (-5, -2). AdaGrad divides
-- by the root of the sum of all squared gradients, RMSProp by that of their moving average; eps keeps the divisor from 0, under the root or beside it. One
-- sees AdaGrad go straight down at 2 and crawl at .4, and RMSProp fall fast, then swing about the minimum with steps of its learning rate. Without its plus
-- (s_t = s_{t-1} g_t^2) AdaGrad's sum stays 0, its divisor sqrt(eps): gradient descent with a rate a thousand times too large.
-- rows: A9 A10 B14 B15 C7 C8 d2l
-- plot: thalweg plot runs/adagrad_rmsprop.h5 loss --by rule,lr --where 'rule!="no_plus" and eps_at=="inside" and eps==1e-6' --log y
local tw = require "thalweg"
local core = require "thalweg.core"
local space = tw.space
local function f(x) return 0.1 * x[1] ^ 2 + 2 * x[2] ^ 2 end
local no_plus = tw.optim.define { name = "no_plus", about = "AdaGrad as printed: s = s g^2", params = { lr = 0.1, eps = 1e-6 }, slots = { "s" },
  step = function(w, g, slot, hyper) w:assign(w - hyper.lr * g / (slot.s:assign(slot.s * g * g) + hyper.eps):sqrt()) end }

-- The lectures' formulas in plain numbers, with the gradient (.2 x1, 4 x2) found by hand: x after each of the steps.
local function by_hand(rule, lr, eps, inside, steps)
  local curvature, x, s, out = { 0.2, 4 }, { -5, -2 }, { 0, 0 }, { { -5, -2 } }
  for t = 1, steps do
    out[t + 1] = {}
    for i = 1, 2 do
      local g = curvature[i] * x[i]
      s[i] = rule == "adagrad" and s[i] + g * g or 0.9 * s[i] + (1 - 0.9) * g * g
      x[i] = x[i] - lr * g / (inside and math.sqrt(s[i] + eps) or math.sqrt(s[i]) + eps)
      out[t + 1][i] = x[i]
    end
  end
  return out
end

return tw.experiment {
  name = "adagrad_rmsprop",
  about = "AdaGrad and RMSProp in a valley, with eps under the root and beside it, and AdaGrad without its plus",
  units = { loss = "1", x = "1" },
  params = {
    space.list {
      { rule = "no_plus", lr = space.choice { 0.0004, 0.4 }, eps_at = "inside", eps = 1e-6 },
      { rule = space.choice { "adagrad", "rmsprop" }, lr = space.choice { 0.4, 2 }, eps_at = space.choice { "inside", "outside" },
        eps = space.choice { 1e-6, core.num.exp(-6) } },
    }, steps = 200,
  },
  lanes = { "lr", "eps" },

  run = function(run)
    local p, x = run.params, tw.tensor { -5, -2 }
    local opt = p.rule == "no_plus" and no_plus(x, { lr = p.lr, eps = p.eps })
      or p.rule == "adagrad" and tw.optim.adagrad(x, { lr = p.lr, eps = p.eps, eps_at = p.eps_at })
      or tw.optim.rmsprop(x, { lr = p.lr, eps = p.eps, eps_at = p.eps_at, alpha = 0.9 })
    for _ = 0, p.steps do
      run:log { loss = f(x), x = x }
      opt:step(f)
    end
  end,

  claims = function(sweep, claim)
    local function pick(rule, lr, eps_at, eps) return sweep:where { rule = rule, lr = lr, eps_at = eps_at or "inside", eps = eps or 1e-6 } end
    local published = { why = "as published (d2l, chapters 12.7 and 12.8)", rel = 1e-13 }
    claim("AdaGrad, lr .4: x after 20 steps", pick("adagrad", 0.4):at("x", 20), "~", { -2.382562771979649, -0.15859055003666966 }, published)
    claim("AdaGrad, lr 2: x1 after 20 steps", pick("adagrad", 2):at("x[1]", 20), "~", -0.002295340252192116, published)
    claim("RMSProp, lr .4: x1 after 20 steps", pick("rmsprop", 0.4):at("x[1]", 20), "~", -0.01059867213411372, published)
    for _, group in ipairs(sweep:where { rule = { "adagrad", "rmsprop" } }:group_by("rule", "eps_at")) do
      local rule, eps_at, runs = table.unpack(group)
      local ways, expected = {}, {}
      for one in runs:runs() do
        ways[#ways + 1], expected[#expected + 1] = (one:trace "x"), by_hand(rule, one.params.lr, one.params.eps, eps_at == "inside", 200)
      end
      claim(("%s, eps %s the root: %d ways of 200 steps"):format(rule, eps_at, #ways), ways, "~", expected,
        { abs = 5e-12, why = "the formula in plain numbers; 1e-12 of the largest x, which is 5" })
    end
    claim("AdaGrad without the plus at eta .0004", pick("no_plus", 0.0004):at("x", 20), "~", { -0.9434666458139824, -7.312316880125978e-05 },
      { rel = 1e-12, why = "gradient descent at .0004/sqrt(eps) = .4 as published (d2l, chapter 12.6); 20 steps more with a division each" })
    claim("AdaGrad without the plus at eta .4", pick("no_plus", 0.4):at("loss", 20), ">", 1e60, { printed = "s_t = s_{t-1} g_t^2",
      why = "gradient descent at 400: x2 grows by 1599 a step", erratum = "the plus is missing: s_t = s_{t-1} + g_t^2; from s_0 = 0 the product stays 0" })
    local function first(eps_at, eps) return pick("adagrad", 2, eps_at, eps):at("x[1]", 1) end
    claim("the first step with eps inside, and outside", { first "inside", first "outside" }, "~", { -3 - 1e-6, -3 - 2e-6 },
      { abs = 1e-11, why = "|g| = 1: 2/sqrt(1 + eps) and 2/(1 + eps), to first order in eps" })
    claim("what eps = e^-6 takes from the first step", first("outside", core.num.exp(-6)) + 3, "<", -4e-3, { printed = "e^-6",
      why = "2 eps = .005 of 2; with 1e-6 it is 2e-6", erratum = "a constant that only prevents division by 0 is meant, 1e-6; e^-6 is .0025" })
  end,
}
