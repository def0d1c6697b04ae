-- One run of a sweep, as it stands in the file. Read-only; its trajectory is read when it is asked for.
local fault = require "thalweg.fault"
local names = require "thalweg.names"
local source = require "thalweg.sweep.source"

local nan = -(0 / 0) -- prints without a sign

---@class thalweg.Recorded
---@field id string 14 hex digits
---@field status string done, stopped, diverged, failed, crashed, timeout, interrupted, running or pending
---@field ok boolean status is done or stopped
---@field seed integer
---@field rep integer 1, 2, ...: the repeat
---@field config integer 1, 2, ...: the configuration
---@field params table<string, any> its parameters by dotted name; an object by its kind, what it holds by names of its own
---@field text string the parameters as canonical text
---@field message string why it ended, when there is something to say
---@field n_steps integer rows of the default stream
---@field wall_time number seconds
local Recorded = {}

local recorded = { class = Recorded }

-- Source and row stand apart, so that a script sees only what is documented.
local inner = setmetatable({}, { __mode = "k" })

local function parameters_of(own)
  local by_column = source.parameters(own.source)
  local out = {}
  for column, v in next, own.row.values do out[by_column[column].name] = v end
  return setmetatable(out, { __index = function(_, name)
    local column = source.column(own.source, name)
    if column then return own.row.values[column] end
    local _, valid = source.parameters(own.source)
    fault.raise("params: unknown parameter: %s; %s", tostring(name), names.hint(name, valid))
  end })
end

local fields = {
  id = function(own) return own.row.hex end,
  ok = function(own) return own.row.status == "done" or own.row.status == "stopped" end,
  params = parameters_of,
}
for _, name in ipairs { "status", "seed", "rep", "config", "text", "message", "n_steps", "wall_time" } do
  fields[name] = function(own) return own.row[name] end
end

local class = {
  __name = "thalweg.Recorded",
  __index = function(self, name)
    if Recorded[name] then return Recorded[name] end
    local own = inner[self]
    if fields[name] then
      if own[name] == nil then own[name] = fields[name](own) end
      return own[name]
    end
    local valid = names.of(Recorded)
    table.move(names.of(fields), 1, #names.of(fields), #valid + 1, valid)
    fault.raise("run: no field of this name: name is %s; %s", tostring(name), names.hint(name, valid))
  end,
  __newindex = function(_, name) fault.raise("run: what is recorded cannot be changed: field is %s", tostring(name)) end,
  __tostring = function(self) return ("run %s (%s, seed %d)  %s"):format(self.id, self.status, self.rep, self.text) end,
}

local function own_of(self, method)
  local own = inner[self]
  if not own then fault.raise("%s: called without its run; write run:%s(...)", method, method) end
  return own
end

-- The values of a metric, row by row, and the steps at which they were logged. A metric with axes gives an array per row, row-major; "x[2]" or
-- "w[1,3]" is one element of it and a metric like any other. Both are empty when the run has not logged it.
-- example:
-- local one = sweep:runs()()
-- local values, steps = one:trace("loss")
-- #values, values[1], steps[1], steps[#steps] --> 5  1.0  0  4
---@param metric string
---@return number[] values, integer[] steps
function Recorded:trace(metric)
  local own = own_of(self, "trace")
  return source.trace(own.source, source.metric(own.source, metric, "trace"), own.index)
end

-- The last value of a metric, NaN when there is none; an array for a metric with axes.
-- example:
-- sweep:runs()():final("loss") --> 0.16777216
---@param metric string
---@return number|number[]
function Recorded:final(metric)
  local own = own_of(self, "final")
  local variable = source.metric(own.source, metric, "final")
  if #variable.shape == 0 then return source.summary(own.source, "final", variable)[own.index] end
  local values = source.trace(own.source, variable, own.index)
  if #values == 0 then fault.raise("final: the run has logged no %s: run is %s", metric, self.id) end
  return values[#values]
end

local function summary(which)
  return function(self, metric)
    local own = own_of(self, which)
    return source.summary(own.source, which, source.metric(own.source, metric, which, true))[own.index]
  end
end

-- min(metric) -> number
-- The smallest value of a metric, NaN left out.
-- example:
-- sweep:runs()():min("loss") --> 0.16777216
---@type fun(self: thalweg.Recorded, metric: string): number
Recorded.min = summary("min")

-- max(metric) -> number
-- The largest value of a metric, NaN left out.
-- example:
-- sweep:runs()():max("loss") --> 1.0
---@type fun(self: thalweg.Recorded, metric: string): number
Recorded.max = summary("max")

-- The step of the smallest value (the first such), nil when the run has logged none.
-- example:
-- sweep:runs()():argmin("loss") --> 4
---@param metric string
---@return integer|nil
function Recorded:argmin(metric)
  local own = own_of(self, "argmin")
  local step = source.summary(own.source, "argmin", source.metric(own.source, metric, "argmin", true))[own.index]
  return step >= 0 and step or nil
end

-- Where a step stands in ascending steps, or nil.
local function find(steps, step)
  local low, high = 1, #steps
  while low <= high do
    local middle = (low + high) // 2
    if steps[middle] == step then return middle end
    if steps[middle] < step then low = middle + 1 else high = middle - 1 end
  end
end

-- The value of a metric at a step of a row; NaN when there is none. Also whether there is one.
---@param s thalweg.Source
---@param index integer
---@param variable table
---@param step integer
---@return any, boolean
function recorded.value_at(s, index, variable, step)
  local values, steps = source.trace(s, variable, index)
  local i = find(steps, step)
  if i then return values[i], true end
  return nan, false
end

-- The value of a metric at a step; NaN when the run has no row there (it ended before, or did not log at that step). Of a metric with axes an array,
-- and nil.
-- example:
-- sweep:runs()():at("loss", 2) --> 0.4096
-- sweep:runs()():at("loss", 5) --> nan
---@param metric string
---@param step integer
---@return number|number[]|nil
function Recorded:at(metric, step)
  local own = own_of(self, "at")
  local variable = source.metric(own.source, metric, "at")
  if not math.tointeger(step) then fault.raise("at: a step is an integer: step is %s", tostring(step)) end
  local value, there = recorded.value_at(own.source, own.index, variable, step)
  if not there and #variable.shape > 0 then return nil end
  return value
end

local crossings = {
  ["<"] = function(a, b) return a < b end, ["<="] = function(a, b) return a <= b end,
  [">"] = function(a, b) return a > b end, [">="] = function(a, b) return a >= b end,
}

-- The first step at which a metric is below a threshold (or stands in another relation to it); infinite when it never is.
-- example:
-- sweep:runs()():steps_to("loss", 0.5) --> 2
-- sweep:runs()():steps_to("loss", 1e-9) --> inf
---@param metric string
---@param threshold number
---@param relation? "<"|"<="|">"|">="
---@return number
function Recorded:steps_to(metric, threshold, relation)
  local own = own_of(self, "steps_to")
  local variable = source.metric(own.source, metric, "steps_to", true)
  local reached = crossings[relation or "<"]
  if not reached then fault.raise("steps_to: unknown relation: %s; valid: <, <=, >, >=", tostring(relation)) end
  if type(threshold) ~= "number" or threshold ~= threshold then fault.raise("steps_to: a number is needed: threshold is %s", tostring(threshold)) end
  local values, steps = source.trace(own.source, variable, own.index)
  for i = 1, #values do
    if reached(values[i], threshold) then return steps[i] end
  end
  return math.huge
end

-- What run:result gave under a name, NaN when the run gave none.
-- example:
-- sweep:runs()():result("distance") --> 0.4096
---@param name string
---@return number
function Recorded:result(name)
  local own = own_of(self, "result")
  if not own.source.results[name] then
    fault.raise("result: unknown result: %s; %s", tostring(name), names.hint(name, own.source.result_names))
  end
  return source.result(own.source, name)[own.index]
end

-- The run at a row of a source.
---@param s thalweg.Source
---@param index integer
---@return thalweg.Recorded
function recorded.new(s, index)
  local self = setmetatable({}, class)
  inner[self] = { source = s, index = index, row = source.row(s, index) }
  return self
end

return recorded
