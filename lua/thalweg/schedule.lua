-- Schedules: numbers that depend on the step 0, 1, ..., as factors of a base value. s(t) evaluates; + - * / ^ combine them with
-- numbers and with each other. A schedule is plain data: it prints as its canonical text and may be a parameter's value.
-- Only core.num and exact arithmetic are used, so that a schedule has the same bits on every machine.
local canonical = require "thalweg.canonical"
local core = require "thalweg.core"
local described = require "thalweg.described"
local fault = require "thalweg.fault"
local options = require "thalweg.options"
local space = require "thalweg.space"

local num = core.num
local pi = 3.141592653589793

---@class thalweg.Schedule : thalweg.Described
---@field at fun(t: number): number
---@operator call(number): number
---@operator add(number|thalweg.Schedule): thalweg.Schedule
---@operator sub(number|thalweg.Schedule): thalweg.Schedule
---@operator mul(number|thalweg.Schedule): thalweg.Schedule
---@operator div(number|thalweg.Schedule): thalweg.Schedule
---@operator pow(number|thalweg.Schedule): thalweg.Schedule
local Schedule = described.class("thalweg.schedule", {})

Schedule.__call = function(self, t)
  if type(t) ~= "number" then fault.raise("%s: the step must be a number: t is %s", self.kind, options.show(t)) end
  return self.at(t)
end

local schedule = {}

-- Is this value a schedule?
---@param v any
---@return boolean
function schedule.is(v) return getmetatable(v) == Schedule end

-- A constructor from a spec: `formula` gets the checked options and returns the function of t.
local function define(kind, fields, formula, condition)
  local function make(given)
    local o = options.check(kind, fields, given)
    local wrong = condition and condition(o)
    if wrong then fault.raise("%s: %s", kind, wrong) end
    return described.new(Schedule, kind, o, schedule[kind], { at = formula(o) })
  end
  return space.lift(make)
end

-- The same value at every step.
-- formula: s(t) = value
-- example:
-- tw.schedule.constant(0.1)(7) --> 0.1
---@param value? number default 1
---@return thalweg.Schedule
schedule.constant = space.lift(function(value)
  if type(value) == "number" then value = { value = value } end
  local o = options.check("constant", {
    { name = "value", type = "number", default = 1, about = "the value at every step" },
  }, value)
  return described.new(Schedule, "constant", o, schedule.constant, { at = function() return o.value end })
end)

-- Constant between boundaries. At a boundary the new value already holds (as in PyTorch's MultiStepLR and Optax; Keras' PiecewiseConstantDecay
-- keeps the old one for that step). Boundaries that do not ascend and a wrong number of values are errors.
-- formula: s(t) = values[k + 1], where k boundaries are <= t
-- example:
-- local s = tw.schedule.piecewise{ boundaries = { 500, 800 }, values = { 1, 0.3, 0.1 } }
-- s(499), s(500), s(900) --> 1  0.3  0.1
---@type fun(o: { boundaries: number[], values: number[] }): thalweg.Schedule
schedule.piecewise = define("piecewise", {
  { name = "boundaries", type = "numbers", about = "the steps at which the value changes, ascending" },
  { name = "values", type = "numbers", about = "one value more than there are boundaries" },
}, function(o)
  local boundaries, values = o.boundaries, o.values
  return function(t)
    local k = 1
    while boundaries[k] and t >= boundaries[k] do k = k + 1 end
    return values[k]
  end
end, function(o)
  for i = 2, #o.boundaries do
    if not (o.boundaries[i - 1] < o.boundaries[i]) then
      return string.format("boundaries must ascend: boundary %d is %s, boundary %d is %s", i - 1, options.show(o.boundaries[i - 1]),
        i, options.show(o.boundaries[i]))
    end
  end
  if #o.values ~= #o.boundaries + 1 then
    return string.format("one value more than boundaries is needed: there are %d values and %d boundaries", #o.values, #o.boundaries)
  end
end)

-- Exponential decay (Optax's exponential_decay with transition_steps = 1 and decay_rate = e^-rate).
-- formula: s(t) = e^(-rate t)
-- example:
-- tw.schedule.exponential{ rate = 0.01 }(100) --> 0.36787944117144
---@type fun(o: { rate: number }): thalweg.Schedule
schedule.exponential = define("exponential", {
  { name = "rate", type = "number", min = 0, default = 0.01, about = "decay per step" },
}, function(o)
  local exp, rate = num.exp, o.rate
  return function(t) return exp(-rate * t) end
end)

-- Polynomial decay.
-- formula: s(t) = (1 + beta t)^(-alpha)
-- source: Robbins and Monro 1951 for alpha in (1/2, 1]; Zhang et al., Dive into Deep Learning, 12.4
-- example:
-- tw.schedule.inverse_power{ alpha = 0.5, beta = 0.1 }(30) --> 0.5
---@type fun(o: { alpha: number, beta: number }): thalweg.Schedule
schedule.inverse_power = define("inverse_power", {
  { name = "alpha", type = "number", min = 0, default = 0.5, about = "the power" },
  { name = "beta", type = "number", min = 0, default = 0.1, about = "decay per step inside the power" },
}, function(o)
  local pow, alpha, beta = num.pow, o.alpha, o.beta
  return function(t) return pow(1 + beta * t, -alpha) end
end)

-- inverse_power under another name.
-- example:
-- tw.schedule.polynomial{ alpha = 1, beta = 1 }(3) --> 0.25
---@type fun(o: { alpha: number, beta: number }): thalweg.Schedule
schedule.polynomial = schedule.inverse_power

-- Half a cosine from 1 down to min, where it stays (Optax's cosine_decay_schedule; PyTorch's CosineAnnealingLR up to T_max, where that turns and
-- rises again).
-- formula: s(t) = min + (1 - min) (1 + cos(pi t / steps)) / 2 for t < steps, then min
-- source: Loshchilov and Hutter 2017, one period
-- example:
-- local s = tw.schedule.cosine{ steps = 100, min = 0.1 }
-- s(0), s(50), s(200) --> 1.0  0.55  0.1
---@type fun(o: { steps: number, min?: number }): thalweg.Schedule
schedule.cosine = define("cosine", {
  { name = "steps", type = "number", above = 0, about = "the step at which the minimum is reached" },
  { name = "min", type = "number", default = 0, about = "the last value, as a factor of the first" },
}, function(o)
  local cos, steps, low = num.cos, o.steps, o.min
  return function(t)
    if t >= steps then return low end
    return low + (1 - low) * ((1 + cos(pi * t / steps)) / 2)
  end
end)

local function as_schedule(what, v)
  if v == nil then return schedule.constant() end
  if type(v) == "number" then return schedule.constant(v) end
  if not schedule.is(v) then fault.raise("%s: a schedule or a number is needed: got %s", what, options.show(v)) end
  return v
end

-- Grows linearly to its base in n steps, then goes on with another schedule, whose step 0 is step n.
-- formula: s(t) = (t + 1) / n for t < n, then after(t - n)
-- source: Goyal et al. 2017
-- example:
-- local s = tw.schedule.warmup(4, tw.schedule.exponential{ rate = 0.5 })
-- s(0), s(3), s(4) --> 0.25  1.0  1.0
-- 0.1 * s --> 0.1*warmup(4,exponential{rate=0.5})
---@param n integer steps of warm-up
---@param after? thalweg.Schedule|number default 1
---@return thalweg.Schedule
schedule.warmup = space.lift(function(n, after)
  local o = options.check("warmup", { { name = "steps", type = "integer", min = 1, about = "steps of warm-up" } }, { steps = n })
  after = as_schedule("warmup", after)
  local steps, then_at = o.steps, after.at
  local rebuild = function(other) return schedule.warmup(other.steps, other.after) end
  return described.new(Schedule, "warmup", { steps = steps, after = after }, rebuild, {
    text = string.format("warmup(%d,%s)", steps, after.text),
    at = function(t)
      if t < steps then return (t + 1) / steps end
      return then_at(t - steps)
    end,
  })
end)

-- Arithmetic. With a number the schedule keeps its kind and gains one column (factor, term, divisor, exponent).
local operators = {
  add = { sign = "+", kind = "sum", column = "term", apply = function(a, b) return a + b end },
  sub = { sign = "-", kind = "difference", column = "term", apply = function(a, b) return a - b end },
  mul = { sign = "*", kind = "product", column = "factor", apply = function(a, b) return a * b end },
  div = { sign = "/", kind = "quotient", column = "divisor", apply = function(a, b) return a / b end },
  pow = { sign = "^", kind = "power", column = "exponent", apply = function(a, b) return num.pow(a, b) end },
}

local function operand_text(v)
  if type(v) == "number" then return v < 0 and "(" .. canonical.number(v) .. ")" or canonical.number(v) end
  return rawget(v, "composed") and "(" .. v.text .. ")" or v.text
end

local function combined_at(op, a, b)
  local apply = op.apply
  if type(a) == "number" then
    local g = b.at
    return function(t) return apply(a, g(t)) end
  end
  local f = a.at
  if type(b) == "number" then return function(t) return apply(f(t), b) end end
  local g = b.at
  return function(t) return apply(f(t), g(t)) end
end

local function combine(op, a, b)
  for _, v in ipairs { a, b } do
    if type(v) ~= "number" and not schedule.is(v) then
      fault.raise("schedule: %s needs numbers and schedules: got %s", op.sign, options.show(v))
    end
  end
  local fields = { at = combined_at(op, a, b), composed = true, text = operand_text(a) .. op.sign .. operand_text(b) }
  if type(a) ~= "number" and type(b) ~= "number" then
    return described.new(Schedule, op.kind, { left = a, right = b }, function(o) return op.lifted(o.left, o.right) end, fields)
  end
  local number, of, number_first = a, b, true
  if type(b) == "number" then number, of, number_first = b, a, false end
  fields.columns = {}
  for _, column in ipairs(of.columns) do described.add(fields.columns, column[1], column[2]) end
  described.add(fields.columns, op.column, number)
  fields.inner = "of" -- a name that is no option here is looked for in the schedule inside
  return described.new(Schedule, of.kind, { [op.column] = number, of = of }, function(o)
    if number_first then return op.lifted(o[op.column], o.of) end
    return op.lifted(o.of, o[op.column])
  end, fields)
end

for name, op in next, operators do
  local run = function(a, b) return combine(op, a, b) end
  op.lifted = function(a, b)
    if space.contains(a) or space.contains(b) then return space.lift(run)(a, b) end
    return run(a, b)
  end
  Schedule["__" .. name] = op.lifted
end

return schedule
