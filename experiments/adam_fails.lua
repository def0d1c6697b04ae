#!/usr/bin/env thalweg
-- Can Adam go the wrong way for ever? Reddi, Kale and Kumar let f_t = 3x in every third step and -x in the two others, on [-1, 1]: the mean is x/3, so that -1
-- is best. Adam with a short memory (beta2 = .1) divides the rare large gradient by its own size: one step down, two steps up, each about as long. One sees
-- it end at +1, the worst point; AMSGrad, which divides by the largest average so far, and Yogi, whose average moves by additions, end near -1.
-- rows: B18
-- plot: thalweg plot runs/adam_fails.h5 x --by rule,eta --where 'loss=="cycle"' --log x
local tw = require "thalweg"
local space = tw.space

-- Each rule's average of squares and its divisor in plain numbers, beta2 = .1; box after every step.
local function by_hand(rule, eta, steps)
  local x, v, top, power, out = 0, 0, 0, 1, {}
  for t = 1, steps do
    local g, square = t % 3 == 1 and 3 or -1, t % 3 == 1 and 9 or 1
    power = 0.1 * power
    v = rule ~= "yogi" and 0.1 * v + (1 - 0.1) * square or v + (1 - 0.1) * (square > v and square or square < v and -square or 0)
    top = math.max(top, v)
    local divisor = rule == "yogi" and math.sqrt(v) + 1e-3 or math.sqrt((rule == "amsgrad" and top or v) / (1 - power)) + 1e-8
    x = math.max(-1, math.min(1, x - eta / math.sqrt(t) * g / divisor))
    if t % 30 == 0 then out[#out + 1] = x end
  end
  return out
end

return tw.experiment {
  name = "adam_fails",
  about = "a linear loss whose rare gradient is the large one: where Adam, AMSGrad and Yogi end on [-1, 1], the best point being -1",
  units = { x = "1", regret = "1" },
  params = { space.list {
    { loss = "cycle", rule = space.choice { "adam", "amsgrad", "yogi" }, eta = space.choice { 0.1, 0.5 }, steps = 9000 },
    { loss = "valley", rule = "yogi", eta = 0.1, steps = 20 },
  } },
  objective = { metric = "x" },
  lanes = { "eta" },

  run = function(run)
    local p = run.params
    if p.loss == "valley" then
      local w = tw.tensor { -5, -2 }
      local opt = tw.optim.yogi(w, { lr = p.eta, convention = "d2l" })
      for _ = 1, p.steps do opt:step(function(w) return 0.1 * w[1] ^ 2 + 2 * w[2] ^ 2 end) end
      return run:log { w = w }
    end
    local x, regret = tw.tensor(0), tw.tensor(0)
    local opt = tw.optim[p.rule](x, { lr = p.eta * tw.schedule.inverse_sqrt(), beta1 = 0, beta2 = 0.1, eps = p.rule == "yogi" and 1e-3 or 1e-8,
      box_min = -1, box_max = 1 })
    local rare, usual = tw.tensor(3), tw.tensor(-1)
    for t = 1, p.steps do
      local g = t % 3 == 1 and rare or usual
      regret = regret + g * (x + 1) -- f_t(x) - f_t(-1)
      opt:update(g)
      if t % 30 == 0 then run:log { step = t, x = x, regret = regret / t } end
    end
  end,

  claims = function(sweep, claim)
    claim("Yogi on .1 x1^2 + 2 x2^2 from (-5, -2), 20 steps", sweep:where { loss = "valley" }:final "w", "~", { -3.067276123143876, -0.22714296741859624 },
      { abs = 5e-12, why = "the form of d2l, recomputed; 1e-12 of the largest x, which is 5" })
    sweep = sweep:where { loss = "cycle" }
    for _, group in ipairs(sweep:group_by("rule", "eta")) do
      local rule, eta, runs = table.unpack(group)
      claim(("%s from eta %g: the way"):format(rule, eta), (runs:trace "x"), "~", by_hand(rule, eta, 9000),
        { abs = 1e-12, why = "the rule in plain numbers; 1e-12 of the largest x, which is 1" })
      local worst = rule == "adam"
      claim(("%s from eta %g ends"):format(rule, eta), runs:final "x", worst and ">" or "<", worst and 0.99 or -0.98,
        { why = worst and "the worst point is 1, less one step, .5 sqrt(10)/sqrt(9000)" or "the best point is -1, less a step or two of .5/sqrt(9000)" })
    end
    local function ends(rule) return sweep:where { rule = rule, eta = 0.1 }:final "x" end
    claim("where Adam, AMSGrad and Yogi end from eta .1", { ends "adam", ends "amsgrad", ends "yogi" }, "~", { 1, -0.999, -0.998 },
      { abs = 1e-3, why = "three digits; of Yogi's the last is rounding, its average meets 9 = g^2 and the sign of 0 decides: -.9984 in exact numbers" })
    local function regret(rule) return sweep:where { rule = rule, eta = 0.1 }:final "regret" end
    claim("Adam's mean regret", regret "adam", ">", 0.5, { why = "standing at +1 costs 2/3 a step" })
    claim("that of AMSGrad and Yogi", { regret "amsgrad", regret "yogi" }, "<", 0.1, { why = "of the 2/3 that the worst point costs; it tends to 0" })
  end,
}
