#!/usr/bin/env thalweg
-- What does bias correction do in Adam, and where does eps stand? Adam's averages start at 0 and are too small at first; dividing by 1 - beta^t mends that.
-- Lectures leave it out, or divide by 1 - beta at every step, which is right in the first step alone. In the valley .1 x1^2 + 2 x2^2 from (-5, -2) one sees
-- the corrected form begin with steps of the learning rate, .1, the form without with steps three times as large and overshoot (the divisor lags behind),
-- the constant one between them. Corrected averages written back into the state, as one lecture literally says, grow without bound, and Adam stands still.
-- rows: A11 B16 C9
-- plot: thalweg plot runs/adam_forms.h5 x1 --by correction --where 'eps_at=="outside" and eps<1e-6'
local tw = require "thalweg"
local space = tw.space
local function f(x) return 0.1 * x[1] ^ 2 + 2 * x[2] ^ 2 end

-- The formulas in plain numbers, with the gradient (.2 x1, 4 x2) found by hand: x at every step.
local function by_hand(p, steps)
  local curvature, x, m, v, out, power1, power2 = { 0.2, 4 }, { -5, -2 }, { 0, 0 }, { 0, 0 }, { { -5, -2 } }, 1, 1
  for t = 1, steps do
    power1, power2, out[t + 1] = 0.9 * power1, 0.999 * power2, {}
    local c1, c2 = 1 - power1, 1 - power2
    if p.correction == "none" then c1, c2 = 1, 1 elseif p.correction ~= "power" then c1, c2 = 1 - 0.9, 1 - 0.999 end
    for i = 1, 2 do
      local g = curvature[i] * x[i]
      m[i], v[i] = 0.9 * m[i] + (1 - 0.9) * g, 0.999 * v[i] + (1 - 0.999) * g * g
      local mean, square = m[i] / c1, v[i] / c2
      if p.correction == "written_back" then m[i], v[i] = mean, square end
      local divisor = p.eps_at == "outside" and math.sqrt(square) + p.eps or p.eps_at == "inside" and math.sqrt(square + p.eps)
        or (math.sqrt(v[i]) + p.eps) / math.sqrt(c2)
      x[i] = x[i] - 0.1 * mean / divisor
      out[t + 1][i] = x[i]
    end
  end
  return out
end

return tw.experiment {
  name = "adam_forms",
  about = "Adam with bias correction by 1 - beta^t, by 1 - beta and without, and with eps in three places",
  units = { loss = "1", x = "1", x1 = "1", m = "1" },
  params = {
    correction = space.choice { "power", "none", "constant", "written_back" }, eps_at = space.choice { "outside", "inside", "hat" },
    eps = space.choice { 1e-8, 1e-2 }, steps = 100,
  },
  where = function(p) return p.correction ~= "written_back" or p.eps_at == "outside" end,
  lanes = { "eps" },

  run = function(run)
    local p, x, back = run.params, tw.tensor { -5, -2 }, run.params.correction == "written_back"
    local opt = tw.optim.adam(x, { lr = 0.1, eps = p.eps, eps_at = p.eps_at, bias_correction = back and "constant" or p.correction, write_back = back })
    for _ = 0, p.steps do
      run:log { loss = f(x), x = x, x1 = x[1] }
      opt:step(f)
      run:log("after", { m = opt:state().slots.params.m })
    end
  end,

  claims = function(sweep, claim)
    local function pick(correction, eps_at, eps) return sweep:where { correction = correction, eps_at = eps_at or "outside", eps = eps or 1e-8 } end
    for _, one in ipairs { { "outside", 1e-8, -3.060338905675383, -0.22245242845196034 }, { "hat", 1e-8, -3.060339128052495, -0.22245245218959805 },
      { "outside", 1e-2, -3.080692985011796, -0.22474370718483033 }, { "hat", 1e-2, -3.2702068737984633, -0.24801385713592414 } } do
      local eps_at, eps, x1, x2 = table.unpack(one)
      claim(("x after 20 steps, eps = %g %s"):format(eps, eps_at), pick("power", eps_at, eps):at("x", 20), "~", { x1, x2 },
        { abs = 5e-12, why = "PyTorch's form and Torch7's, recomputed; 1e-12 of the largest x, which is 5" })
    end
    for _, group in ipairs(sweep:group_by "correction") do
      local correction, runs = table.unpack(group)
      local ways, expected = {}, {}
      for one in runs:runs() do ways[#ways + 1], expected[#expected + 1] = (one:trace "x"), by_hand(one.params, 100) end
      claim(("correction %s: %d ways of 100 steps"):format(correction, #ways), ways, "~", expected,
        { abs = 5e-12, why = "the formula in plain numbers; 1e-12 of the largest x, which is 5" })
    end
    local function step(correction, t) return pick(correction):at("x1", t) - pick(correction):at("x1", t - 1) end
    claim("the first step with correction and without", { step("power", 1), step("none", 1) }, "~", { 0.1, 0.1 * 0.1 / math.sqrt(0.001) },
      { abs = 2e-7, why = "lr g/(|g| + eps) and lr (1 - beta1)/sqrt(1 - beta2), g = 1" })
    claim("1 - beta is right in the first step", pick("constant"):at("x", 1), "~", pick("power"):at("x", 1), { rel = 1e-15, why = "beta^1 = beta" })
    claim("and not in the second", step("constant", 2), ">", 1.3 * step("power", 2), { printed = "v_t / (1 - gamma), G_t / (1 - beta)",
      why = "1.9/sqrt(1.999) = 1.34 of it, had the gradient stayed", erratum = "the averages hold 1 - beta^t of the gradients: the divisor depends on t" })
    local back, m = pick "written_back", pick "written_back":trace "after_m[1]"
    claim("written back, the average grows", m[101] / m[100], "~", 9, { rel = 1e-9, why = "by beta1/(1 - beta1) a step" })
    claim("and Adam moves no more", math.abs(back:at("x1", 100) - back:at("x1", 20)), "<", 1e-8, { printed = "v_t <- v_t / (1 - gamma)",
      why = "its divisor grows by sqrt(.999/.001) = 31.6 a step: the 20th step is .1 (9/31.6)^19", erratum = "a copy is to be corrected, not the state" })
  end,
}
