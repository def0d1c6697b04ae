-- The runs a plot shows: out of one or several sweeps, those that --where keeps, with their metrics and in groups by their parameters.
local canonical = require "thalweg.canonical"
local labels = require "thalweg.runner.labels"
local names = require "thalweg.names"
local only = require "thalweg.only"
local source = require "thalweg.cli.source"
local statistics = require "thalweg.plot.statistics"

local selection = {}

---@class thalweg.PlotRun
---@field sweep userdata
---@field index integer its row there
---@field status string
---@field rep integer
---@field config string a key for its configuration
---@field text string canonical text of its parameters
---@field values table<string, any>

---@class thalweg.Selection
---@field runs thalweg.PlotRun[]
---@field left_out integer runs without a result that were left out
---@field about string the experiment's sentence, or its name
---@field objective { metric: string, goal: "min"|"max", at: "final"|"min"|"max" }
---@field diverge table<string, boolean> the metrics whose first non-finite value ends a run
---@field varying string[] the parameters that differ between the runs
local Selection = {}
Selection.__index = Selection

local function fail(format, ...) error({ message = "plot: " .. string.format(format, ...), status = 2 }, 0) end

-- What has rows worth drawing; a run that failed half-way says nothing about its parameters.
local drawn = { done = true, stopped = true, diverged = true, running = true, interrupted = true }

local function column(name) return (name:gsub("%.", "_")) end

local function load_runs(sweep, path, n_paths, runs)
  for i = 1, #sweep do
    local row = sweep:row(i)
    local text = row.text
    if n_paths > 1 then text = 'file="' .. path:gsub('["\\%c]', "_") .. '" ' .. text end
    local values = row.values
    if values["repeat"] == nil then values["repeat"] = row.rep end
    if values.status == nil then values.status = row.status end
    if n_paths > 1 and values.file == nil then values.file = path end
    runs[#runs + 1] = { sweep = sweep, index = i, status = row.status, rep = row.rep, config = path .. " " .. row.config, text = text, values = values,
      hex = row.hex }
  end
end

-- Selects runs. Raises { message, status = 2 } when nothing is left.
---@param o { paths?: string[], sweeps?: userdata[], where?: string }
---@return thalweg.Selection
function selection.of(o)
  local self = setmetatable({ runs = {}, sweeps = {}, left_out = 0, traces = {}, columns = {}, kinds = {} }, Selection)
  local all, paths = {}, o.paths or {}
  local count = #paths + #(o.sweeps or {})
  if count == 0 then fail("no sweep is given; name a file: OUT.h5") end
  for i = 1, count do
    local path = paths[i] or "sweep " .. i - #paths
    local sweep = paths[i] and source.open(paths[i]) or o.sweeps[i - #paths]
    self.sweeps[i] = sweep
    load_runs(sweep, path, count, all)
  end
  local holds
  if o.where then
    local known = {}
    for _, run in ipairs(all) do
      for name in next, run.values do known[name] = true end
    end
    holds = only.compile(o.where, names.of(known), { what = "--where" })
  end
  local statuses = {}
  for _, run in ipairs(all) do
    if not holds or holds(run.values) then
      if drawn[run.status] then
        self.runs[#self.runs + 1] = run
      else
        self.left_out = self.left_out + 1
        statuses[run.status] = (statuses[run.status] or 0) + 1
      end
    end
  end
  if #self.runs == 0 then
    if self.left_out > 0 then fail("no run has rows to draw: all %d are %s", self.left_out, table.concat(names.of(statuses), ", ")) end
    fail("no run is selected: --where is %s; there are: %s", tostring(o.where), only.ranges(all))
  end
  local first = self.sweeps[1]
  local about = first:meta("about")
  self.about = about and about ~= "" and about or first:meta("title") or first:meta("name") or "sweep"
  self.objective = { metric = first:meta("objective_metric") or "loss", goal = first:meta("objective_goal") or "min",
    at = first:meta("objective_at") or "final" }
  self.diverge = {}
  for word in (first:meta("diverge") or "loss"):gmatch("%S+") do self.diverge[word] = true end
  local texts = {}
  for i, run in ipairs(self.runs) do texts[i] = run.text end
  self.varying, self.texts_of = labels.varying(texts)
  return self
end

-- The metrics of all sweeps by their variable's name.
function Selection:metrics()
  local out = {}
  for _, sweep in ipairs(self.sweeps) do
    for _, metric in ipairs(sweep:metrics()) do out[metric.variable] = out[metric.variable] or metric end
  end
  return out
end

-- Is it a result of whole runs, one number for each?
---@param name string
---@return boolean
function Selection:is_result(name)
  if self:metrics()[name] then return false end
  for _, sweep in ipairs(self.sweeps) do
    for _, one in ipairs(sweep:results()) do
      if one == name then return true end
    end
  end
  return false
end

-- A metric by its variable's name, the objective when there is none. Raises with the list of those there are.
---@param name? string
---@param axes? integer how many axes its values must have
---@param results? boolean a result will do
---@return table metric
function Selection:metric(name, axes, results)
  local wanted = name or self.objective.metric
  if self:is_result(wanted) then
    if results then return { name = wanted, stream = "", variable = wanted, shape = {} } end
    if name then fail("%s is a result, one number for each run: draw it against a parameter, --x NAME, or with --kind hist", name) end
  end
  local all, fitting = self:metrics(), {}
  for variable, metric in next, all do
    if not axes or #metric.shape == axes then fitting[#fitting + 1] = variable end
  end
  table.sort(fitting)
  if not name and all[self.objective.metric] then name = self.objective.metric end
  name = name or fitting[1]
  if not name then fail("there is nothing to draw: the runs have logged no metric") end
  local metric = all[name]
  if not metric then fail("unknown metric: %s; %s", name, names.hint(name, fitting)) end
  if axes and #metric.shape ~= axes then
    local what = ({ [0] = "single numbers", "vectors", "grids" })[axes]
    fail("%s has the shape [%s] at every step, and this plot draws %s; %s", name, table.concat(metric.shape, " "), what,
      #fitting > 0 and "fitting: " .. table.concat(fitting, ", ") or "no metric has one")
  end
  return metric
end

-- A name with its unit: "loss (nat)".
---@param name string
---@return string
function Selection:labelled(name)
  local metric = self:metrics()[name]
  for _, sweep in ipairs(self.sweeps) do
    local unit = sweep:meta("units." .. name) or metric and sweep:meta("units." .. metric.name)
    if unit and unit ~= "" and unit ~= "1" then return name .. " (" .. unit .. ")" end
  end
  return name
end

-- The same for one value per run: "final loss (nat)", "loss (nat) at step 10".
---@param name string
---@param at string|integer
---@return string
function Selection:value_label(name, at)
  if self:is_result(name) then return self:labelled(name) end
  if type(at) == "number" then return ("%s at step %d"):format(self:labelled(name), at) end
  return at .. " " .. self:labelled(name)
end

-- Values and steps of a scalar metric in a run, without the rows that do not have it; of a result the one value. Kept: several parts of a plot ask for the
-- same.
---@return number[] values, integer[] steps
function Selection:trace(run, variable)
  local kept = self.traces[variable]
  if not kept then
    kept = {}
    self.traces[variable] = kept
  end
  if not kept[run] then
    local values, steps
    if self:is_result(variable) then
      local columns = self.columns[run.sweep] or {}
      columns[variable] = columns[variable] or run.sweep:result(variable)
      self.columns[run.sweep] = columns
      values, steps = { columns[variable][run.index] }, { 0 }
    else
      values, steps = run.sweep:trace(variable, run.index)
    end
    local v, s = {}, {}
    for i = 1, #values do
      if values[i] == values[i] then v[#v + 1], s[#s + 1] = values[i], steps[i] end
    end
    kept[run] = { v, s }
  end
  return kept[run][1], kept[run][2]
end

-- Where a diverged run's metric ends up: infinitely bad, on the side that is bad for it.
---@param variable string
---@return number
function Selection:bad(variable)
  return self.objective.metric == variable and self.objective.goal == "max" and -math.huge or math.huge
end

-- Whether a metric is known to be meant to become small: an accuracy or a learning rate that grows is not running away.
---@param variable string
---@return boolean
function Selection:shrinks(variable)
  if self.objective.metric == variable then return self.objective.goal == "min" end
  return self.diverge[variable] == true
end

-- The value beyond which a metric that should become small is off the picture: so many times the largest with which a run begins. nil: none is.
---@param variable string
---@param times number
---@return number|nil
function Selection:ceiling(variable, times)
  if not self:shrinks(variable) then return nil end
  local start
  for _, run in ipairs(self.runs) do
    local first = self:trace(run, variable)[1]
    if first and first < math.huge then start = math.max(start or first, first) end
  end
  return start and start > 0 and start * times or nil
end

-- One number of a run's metric: at "final", "min", "max", or a step (the last row up to it). nil when there is none; diverged: infinitely bad.
---@param run thalweg.PlotRun
---@param variable string
---@param at string|integer
---@return number|nil value, boolean diverged
function Selection:value(run, variable, at)
  local values, steps = self:trace(run, variable)
  if run.status == "diverged" and (at == "final" or type(at) == "number" and at >= (steps[#steps] or -1)) then return self:bad(variable), true end
  if #values == 0 then return nil, false end
  if at == "final" then return values[#values], false end
  local best
  if type(at) == "number" then
    for i, step in ipairs(steps) do
      if step <= at then best = values[i] end
    end
  else
    for _, v in ipairs(values) do
      if best == nil or (at == "min" and v < best) or (at == "max" and v > best) then best = v end
    end
  end
  return best, false
end

-- A parameter's value in a run: a number where it is one, else its text; nil where the run does not have it.
---@return number|string|nil
function Selection:parameter(run, name)
  local v = run.values[column(name)]
  if type(v) == "number" then return v end
  local text = not self.kinds[name] and self.texts_of(run.text)[name]
  if text and not (type(v) == "string" and text:sub(1, 1) == '"') then return tonumber(text) or text end
  return v ~= nil and tostring(v) or nil
end

-- From now on a parameter that is an object stands for its kind; the names of the numbers in it that vary, in order.
---@param name string
---@return string[]
function Selection:by_kind(name)
  local prefix, known, first, out = column(name) .. "_", {}, {}, {}
  self.kinds[name] = true
  for _, run in ipairs(self.runs) do
    for k, v in next, run.values do
      if k:sub(1, #prefix) == prefix then
        if first[k] == nil then first[k] = v end
        known[k] = known[k] or v ~= first[k]
      end
    end
  end
  for _, run in ipairs(self.runs) do -- what some have and others lack varies as well
    for k in next, first do known[k] = known[k] or run.values[k] == nil end
  end
  for _, k in ipairs(names.of(known)) do
    if known[k] then out[#out + 1] = k end
  end
  return out
end

-- Checks that a parameter exists. Raises with the list of those there are.
function Selection:check_parameter(option, name)
  local known = {}
  for _, run in ipairs(self.runs) do
    for k in next, run.values do known[k] = true end
    for k in next, self.texts_of(run.text) do known[k] = true end
  end
  if not known[name] and not known[column(name)] then fail("%s: unknown parameter: %s; %s", option, name, names.hint(name, names.of(known))) end
end

-- Numbers in a label with four digits; all of them when that would make two of the labels equal.
local function short_number(text)
  return (text:gsub("%f[%w.]%d+%.?%d*[eE]?%-?%d*", function(word)
    local v = tonumber(word)
    if not v or #word <= 6 then return word end
    return canonical.number(tonumber(("%.4g"):format(v)))
  end))
end

local function readable(groups)
  local taken = {}
  for _, group in ipairs(groups) do
    local short = short_number(group.label)
    if taken[short] then return end
    taken[short] = true
  end
  for _, group in ipairs(groups) do group.label = short_number(group.label) end
end

---@class thalweg.PlotGroup
---@field label string
---@field runs thalweg.PlotRun[]
---@field values any[] of the parameters it is grouped by

-- Groups of runs that agree in these parameters, numbers ascending, else in the order of the plan. One name: the label is its value alone.
---@param by string[]
---@return thalweg.PlotGroup[]
function Selection:groups(by)
  local list, known = {}, {}
  for _, run in ipairs(self.runs) do
    local parts, values, key = {}, {}, {}
    for i, name in ipairs(by) do
      local v = self:parameter(run, name)
      local text = type(v) == "number" and canonical.number(v) or v or "-"
      values[i], key[i] = v, text
      if v ~= nil then parts[#parts + 1] = #by == 1 and text or name .. "=" .. text end
    end
    local id = table.concat(key, "\0")
    local group = known[id]
    if not group then
      group = { label = table.concat(parts, " "), runs = {}, values = values, place = #list }
      known[id] = group
      list[#list + 1] = group
    end
    group.runs[#group.runs + 1] = run
  end
  table.sort(list, function(a, b)
    for i = 1, #by do
      local x, y = a.values[i], b.values[i]
      if type(x) == "number" and type(y) == "number" and x ~= y then return x < y end
    end
    return a.place < b.place
  end)
  readable(list)
  return list
end

-- The best `n` groups by the median of the objective (of `variable` where the sweep has none), best first; and by what they were ranked.
---@return thalweg.PlotGroup[] best, string metric
function Selection:best(groups, n, variable)
  local o = self.objective
  local scalar = self:metrics()[o.metric] and #self:metrics()[o.metric].shape == 0 or self:is_result(o.metric)
  local metric = scalar and o.metric or variable
  local goal, at = metric == o.metric and o.goal or "min", metric == o.metric and o.at or "final"
  local ranked = {}
  for i, group in ipairs(groups) do
    local scores = {}
    for _, run in ipairs(group.runs) do
      local v = self:value(run, metric, at)
      if v ~= nil and run.status == "diverged" then v = goal == "max" and -math.huge or math.huge end
      scores[#scores + 1] = v
    end
    local median = statistics.band(scores) or (goal == "max" and -math.huge or math.huge)
    ranked[i] = { group = group, score = goal == "max" and -median or median, place = i }
  end
  table.sort(ranked, function(a, b)
    if a.score ~= b.score then return a.score < b.score end
    return a.place < b.place
  end)
  local out = {}
  for i = 1, math.min(n, #ranked) do out[i] = ranked[i].group end
  return out, metric
end

-- At most `most` groups: all of them, or the best; then the words that say so.
---@return thalweg.PlotGroup[], string|nil
function Selection:few(groups, most, variable)
  if #groups <= most then return groups end
  local best, ranking = self:best(groups, most, variable)
  return best, ("best %d of %d by %s"):format(#best, #groups, ranking)
end

-- A group's place in a legend; nil when it is the only one and needs none.
---@return string|nil
function Selection.legend(_, groups, i)
  if #groups < 2 then return nil end
  return groups[i].label ~= "" and groups[i].label or "all"
end

-- What a line over these groups shows, and what its band does (nil where there is none).
---@param groups thalweg.PlotGroup[]
---@return string line, string|nil band
function Selection.described(_, groups)
  local least, most = math.huge, 0
  for _, group in ipairs(groups) do least, most = math.min(least, #group.runs), math.max(most, #group.runs) end
  if most == 1 then return #groups == 1 and "one run" or "one run each" end
  local count = least == most and tostring(most) or least .. " to " .. most
  local edges = least >= 4 and "quartiles" or most < 4 and "smallest to largest" or "quartiles, of fewer than 4 runs the extremes"
  return ("median over %s runs"):format(count), "band: " .. edges
end

-- Parameters over which a group pools: those that vary but are neither on an axis nor in the legend.
---@param used string[]
---@return string|nil
function Selection:pooled(used)
  local taken, out = {}, {}
  for _, name in ipairs(used) do taken[name:match("^[^.]*")] = true end
  for _, name in ipairs(self.varying) do
    if not taken[name] then out[#out + 1] = name end
  end
  return #out > 0 and "pooled over " .. table.concat(out, ", ") or nil
end

-- The note of runs that are not shown.
---@return string|nil
function Selection:absent()
  if self.left_out == 0 then return nil end
  return ("%d run%s without a result left out"):format(self.left_out, self.left_out == 1 and "" or "s")
end

return selection
