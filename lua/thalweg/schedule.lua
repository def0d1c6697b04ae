-- Schedules: numbers that depend on the step 0, 1, ..., as factors of a base value. s(t) evaluates; + - * / ^ combine them with
-- numbers and with each other. A schedule is plain data: it prints as its canonical text and may be a parameter's value.
-- Only core.num and exact arithmetic are used, so that a schedule has the same bits on every machine; options that are not counts of steps are never
-- branched on, so that they may be laned scalars.
local class = require "thalweg.schedule.class"
local core = require "thalweg.core"
local described = require "thalweg.described"
local fault = require "thalweg.fault"
local options = require "thalweg.options"

local schedule = { is = class.is }

for _, part in ipairs { "steps", "decay", "cycles", "compose", "plateau" } do
  for name, constructor in next, (require("thalweg.schedule." .. part)) do schedule[name] = constructor end
end

-- A schedule of one's own: f(t) -> number at t = 0, 1, ... (PyTorch's LambdaLR; a callable in Optax and Keras). f must be pure: the same t gives the same
-- number, in any order, any number of times. The name is the schedule's text and its kind, so it tells one from another: two functions need two names, and
-- names of the library's own kinds are taken. The code of f counts for the experiment's code hash. A result that is no number is an error.
-- formula: s(t) = f(t)
-- example:
-- local saw = tw.schedule.func("saw", function(t) return 1 - (t % 4) / 4 end)
-- saw(0), saw(3), saw(4) --> 1.0  0.25  1.0
-- 0.1 * saw --> 0.1*saw
---@param name string letters, digits and _
---@param f fun(t: number): number
---@return thalweg.Schedule
function schedule.func(name, f)
  if type(name) ~= "string" or not name:match("^[%a_][%w_]*$") then
    fault.raise('func: a name is needed first: got %s; write func("name", function(t) ... end)', options.show(name))
  end
  if type(f) ~= "function" then fault.raise("func: a function of t is needed: %s is given %s", name, options.show(f)) end
  if rawget(schedule, name) then fault.raise("func: the name is a schedule of the library: name is %s; choose another", name) end
  local self
  self = described.new(class.Schedule, name, {}, function() return self end, {
    code = f,
    at = function(t)
      local v = f(t)
      if type(v) ~= "number" and not core.is_laned(v) then
        fault.raise("%s: the function must return a number: at t = %s it is %s", name, options.show(t), options.show(v))
      end
      return v
    end,
  })
  return self
end

-- cosine under PyTorch's name (CosineAnnealingLR). After its last step it stays at the minimum instead of rising again.
-- example:
-- tw.schedule.cosine_annealing{ steps = 10 } --> cosine{min=0,steps=10}
---@type fun(o: { steps: number, min?: number, exponent?: number }): thalweg.Schedule
schedule.cosine_annealing = schedule.cosine

-- cosine_restarts under PyTorch's name (CosineAnnealingWarmRestarts).
-- example:
-- tw.schedule.warm_restarts{ period = 10 } --> cosine_restarts{min=0,mult=1,period=10}
---@type fun(o: { period: number, mult?: number, min?: number, amplitude?: number }): thalweg.Schedule
schedule.warm_restarts = schedule.cosine_restarts

-- plateau under PyTorch's name (ReduceLROnPlateau).
-- example:
-- tw.schedule.reduce_on_plateau{ patience = 3 }.kind --> plateau
---@type fun(o?: table): thalweg.Schedule
schedule.reduce_on_plateau = schedule.plateau

-- join under PyTorch's name (SequentialLR); the steps stand with each schedule instead of milestones.
-- example:
-- tw.schedule.sequential{ { 1, 10 }, 0.1 } --> join{{constant{value=1},10},constant{value=0.1}}
---@param list { [1]: thalweg.Schedule|number, [2]: integer }[] the last without steps
---@return thalweg.Schedule
schedule.sequential = schedule.join

-- func under PyTorch's name (LambdaLR).
-- example:
-- tw.schedule.lambda("half", function(t) return 0.5 end)(3) --> 0.5
---@param name string letters, digits and _
---@param f fun(t: number): number
---@return thalweg.Schedule
schedule.lambda = schedule.func

return schedule
