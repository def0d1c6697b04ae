-- A view of a sweep: a list of rows of one source. It never changes; selecting makes another view. What is computed over the runs of a view stands in
-- statistics.lua.
local canonical = require "thalweg.canonical"
local fault = require "thalweg.fault"
local names = require "thalweg.names"
local options = require "thalweg.options"
local recorded = require "thalweg.sweep.recorded"
local select_runs = require "thalweg.sweep.select"
local source = require "thalweg.sweep.source"

---@class thalweg.Sweep
---@field name string the experiment's
---@field about string
---@field metrics string[] in the file's order; another stream's as stream_metric
---@field parameters string[] dotted names, sorted
---@field results string[] what run:result gave, sorted
---@field objective { metric: string, goal: "min"|"max", at: "final"|"min"|"max" }
---@field quick boolean these are the runs of the experiment's quick form
---@operator len: integer
local Sweep = {}

-- Source, rows (indices into it) and the way here stand apart, so that a view cannot be changed.
local inner = setmetatable({}, { __mode = "k" })

local function copied(list) return table.move(list, 1, #list, 1, {}) end

local properties = {
  name = function(own) return own.source.record:meta("name") or "" end,
  about = function(own) return own.source.record:meta("about") or "" end,
  metrics = function(own) return copied(own.source.metrics) end,
  results = function(own) return copied(own.source.result_names) end,
  quick = function(own) return own.source.record:meta("quick") == "1" end,
  parameters = function(own)
    local _, list = source.parameters(own.source)
    return copied(list)
  end,
  objective = function(own)
    local record = own.source.record
    return { metric = record:meta("objective_metric") or "loss", goal = record:meta("objective_goal") or "min", at = record:meta("objective_at") or "final" }
  end,
}

local class = {
  __name = "thalweg.Sweep",
  __len = function(self) return #inner[self].rows end,
  __index = function(self, name)
    if Sweep[name] then return Sweep[name] end
    if properties[name] then return properties[name](inner[self]) end
    local valid = names.of(Sweep)
    table.move(names.of(properties), 1, #names.of(properties), #valid + 1, valid)
    fault.raise("sweep: no field of this name: name is %s; %s", tostring(name), names.hint(name, valid))
  end,
  __newindex = function(_, name) fault.raise("sweep: what is recorded cannot be changed: field is %s", tostring(name)) end,
  __tostring = function(self)
    local own = inner[self]
    local way = #own.way > 0 and " of " .. table.concat(own.way, ", ") or ""
    return ("sweep %s: %d run%s%s"):format(self.name, #own.rows, #own.rows == 1 and "" or "s", way)
  end,
}

local view = { class = Sweep }

-- The inside of a view, for the other files of this folder.
---@param self thalweg.Sweep
---@param method string
---@return { source: thalweg.Source, rows: integer[], way: string[] }
function view.inside(self, method)
  local own = inner[self]
  if not own then fault.raise("%s: called without its sweep; write sweep:%s(...)", method, method) end
  return own
end
local inside = view.inside

-- The view of these rows of a source; `way` says how they were selected.
---@return thalweg.Sweep
function view.new(s, rows, way)
  local self = setmetatable({}, class)
  inner[self] = { source = s, rows = rows, way = way }
  return self
end

local function narrowed(own, rows, step)
  local way = copied(own.way)
  way[#way + 1] = step
  return view.new(own.source, rows, way)
end

-- " after where{lr=0.1}", or nothing.
---@return string
function view.way(own) return #own.way > 0 and " after " .. table.concat(own.way, ", ") or "" end

local function shown(v) return type(v) == "string" and v or canonical.text(v) end

-- What still differs between the runs of a view: "lr is 0.1, 0.3; rep is 1, 2, 3".
local function differing(own)
  local out, list = {}, {}
  local _, parameters = source.parameters(own.source)
  for _, name in ipairs(parameters) do -- what a schedule or recipe holds is told by :where, not needed here
    if not name:find(".", 1, true) then list[#list + 1] = name end
  end
  list[#list + 1] = "rep"
  for _, name in ipairs(list) do
    local get, seen, values = source.getter(own.source, name, "sweep"), {}, {}
    for _, i in ipairs(own.rows) do
      local v = get(source.row(own.source, i))
      local key = v == nil and "absent" or shown(v)
      if not seen[key] then
        seen[key] = true
        values[#values + 1] = key
      end
    end
    if #values > 1 then
      out[#out + 1] = name .. " is " .. table.concat(values, ", ", 1, math.min(#values, 5)) .. (#values > 5 and ", ..." or "")
    end
  end
  return table.concat(out, "; ")
end

-- The one run of a view, as a row of the source.
---@return integer
function view.single(own, method, advice)
  if #own.rows == 1 then return own.rows[1] end
  if #own.rows == 0 then fault.raise("%s: no run is left%s", method, view.way(own)) end
  fault.raise("%s: one run is needed: there are %d%s; narrow with :where, %s%s", method, #own.rows, view.way(own), differing(own), advice or "")
end

-- The runs of a sweep in plan order, for a loop.
-- example:
-- for one in sweep:runs() do print(one.params.lr, one.rep, one.status) end --> 0.2  1  done
--                                                                          --> 0.2  2  done
--                                                                          --> 0.4  1  done
--                                                                          --> 0.4  2  done
---@return fun(): thalweg.Recorded
function Sweep:runs()
  local own, i = inside(self, "runs"), 0
  return function()
    i = i + 1
    local row = own.rows[i]
    if row then return recorded.new(own.source, row) end
  end
end

-- The runs that meet a condition, as a sweep. A table names parameters (dotted where nested: ["opt.lr"], ["decay.rate"]), or id, status, ok, seed, rep,
-- config. It gives each a value (numbers are compared exactly), { "<", value }, a list of values, a schedule or recipe, or a function of the value.
-- A string is an expression as in `thalweg run --only`. A function gets each run and says whether it stays. A name that the sweep does not have is an
-- error that lists the names; a run without the parameter meets no condition on it.
-- example:
-- #sweep:where{ lr = 0.2 }, #sweep:where{ lr = { ">", 0.2 }, rep = 1 }, #sweep:where{ lr = { 0.2, 0.4 } } --> 2  1  4
-- #sweep:where "lr < 0.3 and rep == 2" --> 1
-- #sweep:where(function(one) return one:final("loss") < 0.1 end) --> 2
-- sweep:where{ rate = 0.1 } --> error: where: unknown parameter: rate; valid: config, id, lr, ok, rep, seed, status
---@param wanted table|string|fun(one: thalweg.Recorded): boolean
---@return thalweg.Sweep
function Sweep:where(wanted)
  local own, kept = inside(self, "where"), {}
  local function make(index) return recorded.new(own.source, index) end
  local holds, text = select_runs.predicate(own.source, wanted, make)
  for _, i in ipairs(own.rows) do
    if holds(source.row(own.source, i), i) then kept[#kept + 1] = i end
  end
  return narrowed(own, kept, "where{" .. text .. "}")
end

-- The runs that reached their end: status done or stopped.
-- example:
-- #sweep:ok() --> 4
---@return thalweg.Sweep
function Sweep:ok()
  local own, kept = inside(self, "ok"), {}
  local get = source.getter(own.source, "ok", "ok")
  for _, i in ipairs(own.rows) do
    if get(source.row(own.source, i)) then kept[#kept + 1] = i end
  end
  return narrowed(own, kept, "ok")
end

-- The trajectory of the one run there is: see run:trace. Several runs are an error that says what they differ in.
-- example:
-- sweep:where{ lr = 0.2, rep = 1 }:trace("loss")[2] --> 0.64
-- sweep:where{ lr = 0.2 }:trace("loss") --> error: trace: one run is needed: there are 2 after where{lr=0.2}; narrow with :where, rep is 1, 2
---@param metric string
---@return number[] values, integer[] steps
function Sweep:trace(metric)
  local own = inside(self, "trace")
  source.metric(own.source, metric, "trace")
  return recorded.new(own.source, view.single(own, "trace")):trace(metric)
end

-- The last value of a metric in the one run there is. Several runs are an error: `:values` gives all, `:median` and its like one number for them.
-- example:
-- sweep:where{ lr = 0.4, rep = 1 }:final("loss") --> 0.01679616
---@param metric string
---@return number|number[]
function Sweep:final(metric)
  local own = inside(self, "final")
  source.metric(own.source, metric, "final")
  return recorded.new(own.source, view.single(own, "final", "; or take :values or :median")):final(metric)
end

-- The value of a metric at a step of the one run there is: see run:at.
-- example:
-- sweep:where{ lr = 0.4, rep = 1 }:at("loss", 1) --> 0.36
---@param metric string
---@param step integer
---@return number|number[]|nil
function Sweep:at(metric, step)
  local own = inside(self, "at")
  source.metric(own.source, metric, "at")
  return recorded.new(own.source, view.single(own, "at", "; or take :values with { at = step }")):at(metric, step)
end

-- The first step of the one run there is at which a metric is below a threshold: see run:steps_to. Of several runs:
-- `sweep:values(function(one) return one:steps_to(metric, threshold) end)`.
-- example:
-- sweep:where{ lr = 0.4, rep = 1 }:steps_to("loss", 0.1) --> 3
-- sweep:values(function(one) return one:steps_to("loss", 0.1) end)[1] --> inf
---@param metric string
---@param threshold number
---@param relation? "<"|"<="|">"|">="
---@return number
function Sweep:steps_to(metric, threshold, relation)
  local own = inside(self, "steps_to")
  source.metric(own.source, metric, "steps_to", true)
  return recorded.new(own.source, view.single(own, "steps_to")):steps_to(metric, threshold, relation)
end

-- Numbers ascending, then false and true, then strings in the order of their first run; what is absent last.
local rank = { number = 1, boolean = 2, string = 3, ["nil"] = 4 }
local function before(a, b)
  for k = 1, a.n do
    local x, y = a.values[k], b.values[k]
    if x ~= y then
      local r, q = rank[type(x)], rank[type(y)]
      if r ~= q then return r < q end
      if r == 1 then return x < y end
      if r == 2 then return not x and y end
      if a.first[k] ~= b.first[k] then return a.first[k] < b.first[k] end
    end
  end
  return a.place < b.place
end

-- The runs by the values of one or more names (parameters, or status, rep, config ...): a list of entries { value, ..., sweep }, numbers ascending, the
-- rest in plan order. `entry.sweep` is the sweep as well and `entry.keys` has the values by name; a value that is absent is false.
-- example:
-- for _, group in ipairs(sweep:group_by("lr")) do
--   local lr, runs = table.unpack(group)
--   print(lr, #runs, runs:mean("loss"))
-- end --> 0.2  2  0.16777216
--     --> 0.4  2  0.01679616
---@param ... string
---@return { sweep: thalweg.Sweep, keys: table<string, any>, [integer]: any }[]
function Sweep:group_by(...)
  local own, by = inside(self, "group_by"), { ... }
  if #by == 0 then fault.raise('group_by: a parameter is needed; as in group_by("lr"); %s', names.hint(nil, source.names(own.source))) end
  local getters, firsts = {}, {}
  for k, name in ipairs(by) do getters[k], firsts[k] = source.getter(own.source, name, "group_by"), {} end
  local list, by_key = {}, {}
  for place, i in ipairs(own.rows) do
    local row, values, key = source.row(own.source, i), {}, {}
    for k in ipairs(by) do
      local v = getters[k](row)
      values[k], key[k] = v, type(v) .. "\0" .. tostring(type(v) == "number" and canonical.number(v) or v)
    end
    local joined = table.concat(key, "\0")
    local group = by_key[joined]
    if not group then
      group = { values = values, n = #by, place = place, rows = {}, first = {} }
      for k in ipairs(by) do
        firsts[k][key[k]] = firsts[k][key[k]] or place
        group.first[k] = firsts[k][key[k]]
      end
      by_key[joined], list[#list + 1] = group, group
    end
    table.insert(group.rows, i)
  end
  table.sort(list, before)
  local out = {}
  for i, group in ipairs(list) do
    local entry, texts = { keys = {} }, {}
    for k, name in ipairs(by) do
      local v = group.values[k]
      entry[k], entry.keys[name] = v ~= nil and v, v
      texts[k] = name .. "=" .. (v == nil and "absent" or shown(v))
    end
    entry.sweep = narrowed(own, group.rows, "where{" .. table.concat(texts, " ") .. "}")
    entry[#by + 1] = entry.sweep
    out[i] = entry
  end
  return out
end

local best_fields = {
  { name = "metric", type = "string", optional = true, about = "a metric other than the experiment's objective" },
  { name = "goal", type = "string", choices = { "min", "max" }, optional = true, about = "which end of it is good" },
  { name = "at", type = "string", choices = { "final", "min", "max" }, optional = true, about = "its last, smallest or largest value in a run" },
}

-- best([{metric, goal = "min", at = "final"}]) -> sweep
-- The runs of the best configuration: the one with the best median of the objective over its runs with status done or stopped, as `thalweg best` ranks
-- them; of equal ones the first of the plan. All runs of the configuration are in it, whatever their status.
-- example:
-- sweep:best():runs()().params.lr --> 0.4
-- sweep:best{ goal = "max" }:runs()().params.lr --> 0.2
---@param o? { metric?: string, goal?: "min"|"max", at?: "final"|"min"|"max" }
---@return thalweg.Sweep
function Sweep:best(o)
  local own = inside(self, "best")
  o = options.check("best", best_fields, o)
  local objective = self.objective
  local metric, goal, at = o.metric or objective.metric, o.goal or objective.goal, o.at or objective.at
  source.metric(own.source, metric, "best", true)
  local stats, winner, score = require "thalweg.stats", nil, nil
  for _, group in ipairs(self:group_by("config")) do
    local finals = {}
    for _, v in ipairs(#group.sweep:ok() > 0 and group.sweep:ok():values(metric, { at = at }) or {}) do
      if v == v then finals[#finals + 1] = v end
    end
    local median = #finals > 0 and stats.median(finals)
    if median and (not score or goal == "max" and median > score or goal == "min" and median < score) then winner, score = group, median end
  end
  if not winner then fault.raise("best: no run has a result with %s%s", metric, view.way(own)) end
  return narrowed(own, inner[winner.sweep].rows, "best by " .. metric)
end

return view
