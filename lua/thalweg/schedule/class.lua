-- What a schedule is: a described object with at(t). One whose value also depends on reported numbers (plateau) has state; the state lives in what
-- start() returns, never in the schedule.
local core = require "thalweg.core"
local described = require "thalweg.described"
local fault = require "thalweg.fault"
local options = require "thalweg.options"
local space = require "thalweg.space"

local class = {}

---@class thalweg.Schedule : thalweg.Described
---@field at fun(t: number): number
---@operator call(number): number
---@operator add(number|thalweg.Schedule): thalweg.Schedule
---@operator sub(number|thalweg.Schedule): thalweg.Schedule
---@operator mul(number|thalweg.Schedule): thalweg.Schedule
---@operator div(number|thalweg.Schedule): thalweg.Schedule
---@operator pow(number|thalweg.Schedule): thalweg.Schedule

---@class thalweg.Stepper
---@field stateful boolean does the schedule listen to what is reported?
local Stepper = { __name = "thalweg.stepper" }
Stepper.__index = Stepper

-- stepper:factor(t) -> number
-- The value at step t, given what has been reported so far.
-- example:
-- tw.schedule.exponential{ rate = 1 }:start():factor(0) --> 1.0
---@param t number
---@return number
function Stepper:factor(t)
  if type(t) ~= "number" then fault.raise("%s: the step must be a number: t is %s", self.kind, options.show(t)) end
  return self.at(t)
end

local function reported(kind, value)
  if core.is_laned(value) and value.size == 1 then return core.stop_gradient(value:reshape {}) end
  if core.is_tensor(value) and value.size == 1 then value = value:item() end
  if type(value) ~= "number" then fault.raise("%s: report needs a number or a tensor of one element: got %s", kind, options.show(value)) end
  return value
end

-- stepper:report(value)
-- Tells the schedule how the run goes: a number or a tensor of one element, by tradition the loss on validation data after each epoch. A schedule
-- that does not listen (all but plateau, and what is composed of it) takes no notice.
-- example:
-- local stepper = tw.schedule.plateau{ factor = 0.5, patience = 0 }:start()
-- stepper:report(1)
-- stepper:report(1)
-- stepper:factor(2) --> 0.5
---@param value number|thalweg.Tensor
function Stepper:report(value)
  value = reported(self.kind, value)
  for _, part in ipairs(self.parts) do part.report(value) end
end

-- stepper:state() -> table
-- A copy of what has been learnt from the reports: an array of plain tables, one per plateau within, empty for other schedules.
-- example:
-- tw.schedule.plateau():start():state()[1].bad --> 0
---@return table
function Stepper:state()
  local out = {}
  for i, part in ipairs(self.parts) do out[i] = part.state() end
  return out
end

-- stepper:load(state)
-- Goes on where the stepper that gave the state was. The state of another schedule is an error.
-- example:
-- local one, two = tw.schedule.plateau{ patience = 0 }:start(), tw.schedule.plateau{ patience = 0 }:start()
-- one:report(1)
-- one:report(1)
-- two:load(one:state())
-- two:factor(2) --> 0.1
---@param state table
function Stepper:load(state)
  if type(state) ~= "table" or #state ~= #self.parts then
    fault.raise("%s: the state of another schedule: it has %s parts, %d are needed", self.kind, type(state) == "table" and #state or "no", #self.parts)
  end
  for i, part in ipairs(self.parts) do part.check(state[i]) end
  for i, part in ipairs(self.parts) do part.load(state[i]) end
end

-- The function of t of a schedule with state of its own: `new_part` makes it, `children` and `compose` pass it on.
local function started(schedule, parts)
  local new_part = rawget(schedule, "new_part")
  if new_part then
    local part = new_part()
    parts[#parts + 1] = part
    return part.factor
  end
  local children = rawget(schedule, "children")
  if not children then return schedule.at end
  local own = {}
  for i, child in ipairs(children) do own[i] = started(child, parts) end
  return schedule.compose(table.unpack(own))
end

local methods = {}

-- s:table(n [, from]) -> array
-- The values s(from), ..., s(from + n - 1) as a plain array; from is 0 by default.
-- example:
-- table.concat(tw.schedule.step{ size = 2, gamma = 0.5 }:table(6), " ") --> 1.0 1.0 0.5 0.5 0.25 0.25
---@param n integer how many
---@param from? integer the first step, default 0
---@return number[]
function methods:table(n, from)
  local count, first = math.tointeger(n), math.tointeger(from or 0)
  if not count or count < 0 then fault.raise("%s: wrong count: n is %s; it must be an integer of at least 0", self.kind, options.show(n)) end
  if not first then fault.raise("%s: wrong first step: from is %s; it must be an integer", self.kind, options.show(from)) end
  local out = {}
  for i = 1, count do out[i] = self.at(first + i - 1) end
  return out
end

-- s:start() -> stepper
-- The schedule at the beginning of a run, with the state that plateau has: stepper:factor(t), stepper:report(value), stepper:state(),
-- stepper:load(state). The schedule itself never changes and may be started any number of times.
-- example:
-- local s = tw.schedule.plateau{ factor = 0.1, patience = 1 }
-- local stepper = s:start()
-- for _, loss in ipairs{ 1, 0.9, 0.9, 0.9 } do stepper:report(loss) end
-- stepper:factor(4), s:start():factor(4) --> 0.1  1
---@return thalweg.Stepper
function methods:start()
  local parts = {}
  local at = started(self, parts)
  return setmetatable({ kind = self.kind, at = at, parts = parts, stateful = #parts > 0 }, Stepper)
end

local Schedule = described.class("thalweg.schedule", methods)
class.Schedule = Schedule

Schedule.__call = function(self, t)
  if type(t) ~= "number" then fault.raise("%s: the step must be a number: t is %s", self.kind, options.show(t)) end
  return self.at(t)
end

-- Is this value a schedule?
---@param v any
---@return boolean
function class.is(v) return getmetatable(v) == Schedule end

-- A constructor from a spec: `formula` gets the checked options and returns the function of t. `condition` says what is wrong with them together.
---@param kind string
---@param fields thalweg.Option[]
---@param formula fun(o: table): function
---@param condition? fun(o: table): string|nil
function class.define(kind, fields, formula, condition)
  local lifted
  lifted = space.lift(function(given)
    local o = options.check(kind, fields, given)
    local wrong = condition and condition(o)
    if wrong then fault.raise("%s: %s", kind, wrong) end
    return described.new(Schedule, kind, o, lifted, { at = formula(o) })
  end)
  return lifted
end

-- Steps at which something changes: what is wrong with them, or nil.
---@param one string "boundary"
---@param many string "boundaries"
---@param list number[]
---@return string|nil
function class.not_ascending(one, many, list)
  for i = 2, #list do
    if not (list[i - 1] < list[i]) then
      return string.format("%s must ascend: %s %d is %s, %s %d is %s", many, one, i - 1, options.show(list[i - 1]), one, i, options.show(list[i]))
    end
  end
end

---@param o { boundaries: number[], values: number[] }
---@return string|nil
function class.wrong_count(o)
  if #o.values ~= #o.boundaries + 1 then
    return string.format("one value more than boundaries is needed: there are %d values and %d boundaries", #o.values, #o.boundaries)
  end
end

return class
