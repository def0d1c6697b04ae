#!/usr/bin/env thalweg
-- Are the momenta of the books the same? Gradient descent on .1 x1^2 + 2 x2^2 from (-5, -2), twenty steps, with four ways to write the velocity v:
--   heavy_ball  v = beta v + g, x = x - lr v          ema       v = beta v + (1 - beta) g, x = x - lr v
--   velocity    v = beta v + lr g, x = x - v          nesterov  heavy_ball, with the step lr (g + beta v)
-- One sees lr = .6 leave the valley without momentum and stay in it with beta = .5. With a constant learning rate three forms are two; under a schedule
-- heavy_ball and velocity part: one rescales the old velocity with every new rate, the other keeps it.
-- rows: B12
-- plot: thalweg plot runs/momentum_forms.h5 --surface 'function(x) return .1*x[1]^2+2*x[2]^2 end' --where 'lr==.6' --by beta --domain=-6:2,-3:3
local tw = require "thalweg"
local space, sgd, schedule = tw.space, tw.optim.sgd, tw.schedule

local function f(x) return 0.1 * x[1] ^ 2 + 2 * x[2] ^ 2 end

-- The textbook formulas in plain numbers, with the gradient (.2 x1, 4 x2) found by hand.
local function by_hand(form, lr_of, beta, steps)
  local curvature, x, v = { 0.2, 4 }, { -5, -2 }, { 0, 0 }
  for t = 0, steps - 1 do
    for i = 1, 2 do
      local g, lr = curvature[i] * x[i], lr_of(t)
      v[i] = beta * v[i] + (form == "ema" and (1 - beta) * g or form == "velocity" and lr * g or g)
      x[i] = x[i] - (form == "velocity" and v[i] or form == "nesterov" and lr * (g + beta * v[i]) or lr * v[i])
    end
  end
  return x
end

return tw.experiment {
  name = "momentum_forms",
  about = "four ways to write momentum, with a constant and with a decaying learning rate",
  units = { loss = "1", x = "1" },
  params = {
    space.list { { beta = 0, lr = 0.4 }, { beta = 0, lr = 0.6 }, { beta = 0.25, lr = 0.6 }, { beta = 0.5, lr = 0.6 }, { beta = 0.5, lr = 0.3 } },
    form = space.choice { "heavy_ball", "ema", "velocity", "nesterov" },
    decay = space.choice { schedule.constant(), schedule.exponential { rate = 0.05 } },
    steps = 20,
  },
  lanes = { "lr", "beta", "decay.rate" },

  run = function(run)
    local p = run.params
    local x = tw.tensor { -5, -2 }
    local nesterov = p.form == "nesterov"
    local opt = sgd(x, { lr = p.lr * p.decay, momentum = p.beta, form = nesterov and "heavy_ball" or p.form, nesterov = nesterov })
    for _ = 0, p.steps do
      run:log { loss = f(x), x = x }
      opt:step(f)
    end
  end,

  claims = function(sweep, claim)
    local function pick(form, lr, beta, decay) return sweep:where { form = form, lr = lr, beta = beta, decay = decay or "constant" } end
    for _, one in ipairs { { 0.4, 0, -0.9434666458139824, -7.312316880125978e-05 }, { 0.6, 0, -0.38781396819094793, -1673.365108505695 },
      { 0.6, 0.5, 0.007187866737294238, 0.0025532747547120736 }, { 0.6, 0.25, -0.1263396302056502, -0.18663223011516716 } } do
      local lr, beta, x1, x2 = table.unpack(one)
      claim(("x after 20 steps, lr = %g, beta = %g"):format(lr, beta), pick("heavy_ball", lr, beta):final("x"), "~", { x1, x2 },
        { rel = 1e-13, why = "as published (d2l, chapter 12.6)" })
    end
    for _, group in ipairs(sweep:where { beta = { ">", 0 } }:group_by("form", "decay", "beta", "lr")) do
      local form, decay, beta, lr, runs = table.unpack(group)
      local falling = tostring(decay):find "exponential"
      local function lr_of(t) return falling and lr * math.exp(-0.05 * t) or lr end
      claim(("%s, beta %g, lr %g%s"):format(form, beta, lr, falling and ", falling" or ""), runs:final("x"), "~", by_hand(form, lr_of, beta, 20),
        { rel = 1e-13, abs = 1e-14, why = "the formula in plain numbers; rounding of x, which starts at 5" })
    end
    local plain, velocity = pick("heavy_ball", 0.6, 0.5), pick("velocity", 0.6, 0.5)
    claim("constant rate: velocity is heavy_ball", velocity:final("x"), "~", plain:final("x"), { rel = 1e-13, why = "v is scaled by lr throughout" })
    claim("constant rate: ema is heavy_ball with lr (1 - beta)", pick("ema", 0.6, 0.5):final("x"), "~", pick("heavy_ball", 0.3, 0.5):final("x"), { rel = 1e-13,
      why = "v is scaled by 1 - beta throughout" })
    local a, b = pick("heavy_ball", 0.6, 0.5, "exponential"):final("x[1]"), pick("velocity", 0.6, 0.5, "exponential"):final("x[1]")
    claim("falling rate: velocity is not heavy_ball", math.abs(a - b) / math.abs(a), ">", 0.01, { why = "one part in a hundred is no rounding" })
  end,
}
