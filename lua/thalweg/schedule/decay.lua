-- Schedules that fall and stay down: exponential, the powers of t, straight and polynomial lines, half a cosine.
local class = require "thalweg.schedule.class"
local core = require "thalweg.core"

local num = core.num
local pi = 3.141592653589793
local define = class.define

local decay = {}

-- Exponential decay, for ever: by the rate, or by gamma = e^-rate (PyTorch's ExponentialLR; Optax's exponential_decay with transition_steps = 1 and
-- decay_rate = gamma). With `every` the exponent grows by one only every so many steps: step `every` is the first with the new value (staircase in
-- Optax and Keras, decay_steps = every). rate and gamma together are an error; without either the rate is 0.01.
-- formula: s(t) = e^(-rate t), or gamma^t; with every: t replaced by floor(t / every)
-- example:
-- tw.schedule.exponential{ rate = 0.01 }(100) --> 0.36787944117144
-- tw.schedule.exponential{ gamma = 0.5, every = 10 }(25) --> 0.25
---@type fun(o: { rate?: number, gamma?: number, every?: integer }): thalweg.Schedule
decay.exponential = define("exponential", {
  { name = "rate", type = "number", min = 0, optional = true, about = "decay per step; 0.01 when gamma is not given either" },
  { name = "gamma", type = "number", above = 0, optional = true, about = "the factor per step, instead of the rate" },
  { name = "every", type = "integer", min = 1, optional = true, about = "steps from one change to the next" },
}, function(o)
  local exp, pow, rate, gamma, every = num.exp, num.pow, o.rate, o.gamma, o.every or 1
  if gamma ~= nil then return function(t) return pow(gamma, every == 1 and t or t // every) end end
  return function(t) return exp(-rate * (every == 1 and t or t // every)) end
end, function(o)
  if o.rate ~= nil and o.gamma ~= nil then return "rate and gamma say the same thing: give one of them; gamma = e^-rate" end
  if o.gamma == nil and o.rate == nil then o.rate = 0.01 end
end)

-- Polynomial decay, for ever.
-- formula: s(t) = (1 + beta t)^(-alpha)
-- source: Robbins and Monro 1951 for alpha in (1/2, 1]; Zhang et al., Dive into Deep Learning, 12.4
-- example:
-- tw.schedule.inverse_power{ alpha = 0.5, beta = 0.1 }(30) --> 0.5
---@type fun(o: { alpha: number, beta: number }): thalweg.Schedule
decay.inverse_power = define("inverse_power", {
  { name = "alpha", type = "number", min = 0, default = 0.5, about = "the power" },
  { name = "beta", type = "number", min = 0, default = 0.1, about = "decay per step inside the power" },
}, function(o)
  local pow, alpha, beta = num.pow, o.alpha, o.beta
  return function(t) return pow(1 + beta * t, -alpha) end
end)

-- inverse_power under another name. PyTorch's PolynomialLR, which ends at 0, is decay.
-- example:
-- tw.schedule.polynomial{ alpha = 1, beta = 1 }(3) --> 0.25
---@type fun(o: { alpha: number, beta: number }): thalweg.Schedule
decay.polynomial = decay.inverse_power

-- One over a line, for ever (learningRateDecay of Torch7's optimizers, lr_decay of PyTorch's Adagrad). With `every` in steps: step `every` is the first
-- with the new value (Keras' InverseTimeDecay with staircase, decay_steps = every).
-- formula: s(t) = 1 / (1 + rate t); with every: t replaced by floor(t / every)
-- example:
-- tw.schedule.inverse_time{ rate = 0.1 }(10) --> 0.5
-- tw.schedule.inverse_time{ rate = 1, every = 10 }(19) --> 0.5
---@type fun(o: { rate?: number, every?: integer }): thalweg.Schedule
decay.inverse_time = define("inverse_time", {
  { name = "rate", type = "number", min = 0, default = 0.01, about = "decay per step" },
  { name = "every", type = "integer", min = 1, optional = true, about = "steps from one change to the next" },
}, function(o)
  local rate, every = o.rate, o.every or 1
  return function(t) return 1 / (1 + rate * (every == 1 and t or t // every)) end
end)

-- One over the root of the step's number, counted from 1.
-- formula: s(t) = (t + 1)^(-1/2)
-- source: Zhang et al., Dive into Deep Learning, 12.11 (SquareRootScheduler)
-- example:
-- tw.schedule.inverse_sqrt()(3) --> 0.5
---@type fun(o?: {}): thalweg.Schedule
decay.inverse_sqrt = define("inverse_sqrt", {}, function()
  local sqrt = num.sqrt
  return function(t) return 1 / sqrt(t + 1) end
end)

-- A straight line from `from` at step 0 to `to` at step `steps`, where it stays (PyTorch's LinearLR with start_factor, end_factor, total_iters; Optax's
-- linear_schedule; Keras' PolynomialDecay of power 1).
-- formula: s(t) = from + (to - from) t / steps for t < steps, then to
-- example:
-- local s = tw.schedule.linear{ from = 1, to = 0.5, steps = 10 }
-- s(0), s(5), s(10), s(11) --> 1.0  0.75  0.5  0.5
---@type fun(o: { from?: number, to?: number, steps: number }): thalweg.Schedule
decay.linear = define("linear", {
  { name = "from", type = "number", default = 1, about = "the first value, as a factor of the base" },
  { name = "to", type = "number", default = 0, about = "the last value, as a factor of the base" },
  { name = "steps", type = "number", above = 0, alike = true, about = "the step at which the last value is reached" },
}, function(o)
  local from, to, steps = o.from, o.to, o.steps
  return function(t)
    if t >= steps then return to end
    return from + (to - from) * (t / steps)
  end
end)

-- A power of a falling line from 1 to `to` at step `steps`, where it stays (PyTorch's PolynomialLR, whose end is 0; Optax's polynomial_schedule; Keras'
-- PolynomialDecay). With cycle the line begins again: after step `steps` it falls to `to` at 2 steps, from the height it has there, and so on (Keras).
-- formula: s(t) = to + (1 - to) (1 - t / steps)^power for t < steps, then to; with cycle: steps replaced by steps ceil(t / steps), for ever
-- example:
-- local s = tw.schedule.decay{ steps = 10, power = 2 }
-- s(0), s(5), s(10), s(11) --> 1.0  0.25  0  0
---@type fun(o: { steps: number, power?: number, to?: number, cycle?: boolean }): thalweg.Schedule
decay.decay = define("decay", {
  { name = "steps", type = "number", above = 0, alike = true, about = "the step at which the last value is reached" },
  { name = "power", type = "number", min = 0, default = 1, about = "the power of the line" },
  { name = "to", type = "number", default = 0, about = "the last value, as a factor of the first" },
  { name = "cycle", type = "boolean", optional = true, about = "begin again, over ever longer lines" },
}, function(o)
  local pow, steps, power, to, cycle = num.pow, o.steps, o.power, o.to, o.cycle
  return function(t)
    if t >= steps and not cycle then return to end
    local length = t <= steps and steps or steps * -(-t // steps)
    return to + (1 - to) * pow(1 - t / length, power)
  end
end)

-- Half a cosine from 1 down to min, where it stays (Optax's cosine_decay_schedule and Keras' CosineDecay, whose alpha is min; PyTorch's CosineAnnealingLR
-- up to T_max, where that turns and rises again). exponent is Optax's: a power of the falling cosine.
-- formula: s(t) = min + (1 - min) ((1 + cos(pi t / steps)) / 2)^exponent for t < steps, then min
-- source: Loshchilov and Hutter 2017, one period
-- example:
-- local s = tw.schedule.cosine{ steps = 100, min = 0.1 }
-- s(0), s(50), s(200) --> 1.0  0.55  0.1
---@type fun(o: { steps: number, min?: number, exponent?: number }): thalweg.Schedule
decay.cosine = define("cosine", {
  { name = "steps", type = "number", above = 0, alike = true, about = "the step at which the minimum is reached" },
  { name = "min", type = "number", default = 0, about = "the last value, as a factor of the first" },
  { name = "exponent", type = "number", min = 0, optional = true, about = "the power of the falling cosine, 1 when not given" },
}, function(o)
  local cos, pow, steps, low, exponent = num.cos, num.pow, o.steps, o.min, o.exponent
  return function(t)
    if t >= steps then return low end
    local x = (1 + cos(pi * t / steps)) / 2
    if exponent ~= nil then x = pow(x, exponent) end
    return low + (1 - low) * x
  end
end)

return decay
