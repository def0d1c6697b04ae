-- Schedules that change at given steps: constant, piecewise, step, multistep, and the curve through given points.
local core = require "thalweg.core"
local described = require "thalweg.described"
local class = require "thalweg.schedule.class"
local options = require "thalweg.options"
local space = require "thalweg.space"

local num = core.num
local pi = 3.141592653589793
local define = class.define

local steps = {}

-- The same value at every step.
-- formula: s(t) = value
-- example:
-- tw.schedule.constant(0.1)(7) --> 0.1
---@param value? number default 1
---@return thalweg.Schedule
steps.constant = space.lift(function(value)
  if type(value) == "number" or core.is_laned(value) then value = { value = value } end
  local o = options.check("constant", {
    { name = "value", type = "number", default = 1, about = "the value at every step" },
  }, value)
  return described.new(class.Schedule, "constant", o, steps.constant, { at = function() return o.value end })
end)

-- Constant between boundaries. At a boundary the new value already holds (as in PyTorch's MultiStepLR and Optax; Keras' PiecewiseConstantDecay
-- keeps the old one for that step). Boundaries that do not ascend and a wrong number of values are errors.
-- formula: s(t) = values[k + 1], where k boundaries are <= t
-- example:
-- local s = tw.schedule.piecewise{ boundaries = { 500, 800 }, values = { 1, 0.3, 0.1 } }
-- s(499), s(500), s(900) --> 1  0.3  0.1
---@type fun(o: { boundaries: number[], values: number[] }): thalweg.Schedule
steps.piecewise = define("piecewise", {
  { name = "boundaries", type = "numbers", alike = true, about = "the steps at which the value changes, ascending" },
  { name = "values", type = "numbers", about = "one value more than there are boundaries" },
}, function(o)
  local boundaries, values = o.boundaries, o.values
  return function(t)
    local k = 1
    while boundaries[k] and t >= boundaries[k] do k = k + 1 end
    return values[k]
  end
end, function(o) return class.not_ascending("boundary", "boundaries", o.boundaries) or class.wrong_count(o) end)

-- Multiplied by gamma after every `size` steps, for ever: step `size` is the first with the new value (PyTorch's StepLR; Optax's and Keras'
-- exponential decay with staircase).
-- formula: s(t) = gamma^floor(t / size)
-- example:
-- local s = tw.schedule.step{ size = 30, gamma = 0.5 }
-- s(29), s(30), s(60) --> 1.0  0.5  0.25
---@type fun(o: { size: integer, gamma?: number }): thalweg.Schedule
steps.step = define("step", {
  { name = "size", type = "integer", min = 1, about = "steps from one change to the next" },
  { name = "gamma", type = "number", min = 0, default = 0.1, about = "the factor at each change" },
}, function(o)
  local pow, size, gamma = num.pow, o.size, o.gamma
  return function(t) return pow(gamma, t // size) end
end)

-- Multiplied by gamma at each milestone, from that step on (PyTorch's MultiStepLR, which counts a repeated milestone twice: here they ascend; Optax's
-- piecewise_constant_schedule with equal scales).
-- formula: s(t) = gamma^k, where k milestones are <= t
-- example:
-- local s = tw.schedule.multistep{ milestones = { 15, 30 }, gamma = 0.5 }
-- s(14), s(15), s(30) --> 1.0  0.5  0.25
---@type fun(o: { milestones: number[], gamma?: number }): thalweg.Schedule
steps.multistep = define("multistep", {
  { name = "milestones", type = "numbers", alike = true, about = "the steps at which the value changes, ascending" },
  { name = "gamma", type = "number", min = 0, default = 0.1, about = "the factor at each milestone" },
}, function(o)
  local pow, milestones, gamma = num.pow, o.milestones, o.gamma
  return function(t)
    local k = 0
    while milestones[k + 1] and t >= milestones[k + 1] do k = k + 1 end
    return pow(gamma, k)
  end
end, function(o) return class.not_ascending("milestone", "milestones", o.milestones) end)

-- The curve through (0, values[1]), (boundaries[1], values[2]), ..., straight or in half cosines; after the last boundary its value stays. It is Optax's
-- piecewise_interpolate_schedule with values instead of scales that multiply up; Optax's linear_onecycle_schedule is one of these; PyTorch's SWALR is
-- interpolated{ boundaries = { anneal_epochs }, values = { 1, swa_lr / lr }, method = "cosine" } behind a join.
-- formula: s(t) = a + (b - a) u, u = x or (1 - cos(pi x)) / 2, x = (t - t_a) / (t_b - t_a) between neighbouring points
-- example:
-- local s = tw.schedule.interpolated{ boundaries = { 10, 30 }, values = { 0, 1, 0.5 } }
-- s(5), s(10), s(20), s(99) --> 0.5  1.0  0.75  0.5
---@type fun(o: { boundaries: number[], values: number[], method?: string }): thalweg.Schedule
steps.interpolated = define("interpolated", {
  { name = "boundaries", type = "numbers", above = 0, alike = true, about = "the steps at which the values are reached, ascending" },
  { name = "values", type = "numbers", about = "the value at step 0, then one per boundary" },
  { name = "method", type = "string", choices = { "linear", "cosine" }, default = "linear", about = "straight lines or half cosines" },
}, function(o)
  local cos, boundaries, values, round = num.cos, o.boundaries, o.values, o.method == "cosine"
  local last = #boundaries
  return function(t)
    local k = 1
    while boundaries[k] and t >= boundaries[k] do k = k + 1 end
    if k > last then return values[k] end
    local before = k == 1 and 0 or boundaries[k - 1]
    local x = (t - before) / (boundaries[k] - before)
    if round then x = (1 - cos(pi * x)) / 2 end
    return values[k] + (values[k + 1] - values[k]) * x
  end
end, function(o) return class.not_ascending("boundary", "boundaries", o.boundaries) or class.wrong_count(o) end)

return steps
