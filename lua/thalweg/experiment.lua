-- An experiment: what a script returns. Checks the table and fills in the defaults; knows nothing of files, plans or runs.
local canonical = require "thalweg.canonical"
local described = require "thalweg.described"
local fault = require "thalweg.fault"
local names = require "thalweg.names"
local options = require "thalweg.options"
local ordered = require "thalweg.ordered"
local override = require "thalweg.override"
local space = require "thalweg.space"

---@class thalweg.Experiment
---@field name string
---@field about string
---@field dtype "f64" | "f32" default dtype inside `run`
---@field units table<string, string> by metric
---@field params table the space tree
---@field where? fun(params: table): boolean
---@field lanes string[] parameters in which runs computed together may differ
---@field repeats integer
---@field diverge string[] metrics whose first non-finite value ends a run
---@field objective { metric: string, goal: "min" | "max", at: "final" | "min" | "max" }
---@field run fun(run: thalweg.Run)
---@field claims? fun(sweep: thalweg.Sweep, claim: function) what `thalweg verify` checks
---@field quick? { params: table, repeats: integer } what --quick changes
---@field path? string the script, once loaded
---@field source? string its text
---@field code_hash? string 64 hex digits
---@field is_quick? boolean it is the quick form of another
local absent = { where = true, claims = true, quick = true, path = true, source = true, code_hash = true, is_quick = true }
local Experiment = { __name = "thalweg.experiment" }
Experiment.__index = function(_, k)
  if absent[k] then return nil end
  fault.raise("experiment: it has no field %s", tostring(k))
end

local objective_fields = {
  { name = "metric", type = "string", default = "loss", about = "the metric that ranks configurations" },
  { name = "goal", type = "string", choices = { "min", "max" }, default = "min", about = "which end of it is good" },
  { name = "at", type = "string", choices = { "final", "min", "max" }, default = "final", about = "its last, smallest or largest value in a run" },
}

local fields = {
  { name = "name", type = "string", about = "names the output file; letters, digits, _ . -",
    check = function(v) return not v:match("^[%w_][%w_.-]*$") and "letters, digits, _ . - are allowed" or nil end },
  { name = "about", type = "string", default = "", about = "one sentence" },
  { name = "dtype", type = "string", choices = { "f64", "f32" }, default = "f64", about = "default dtype inside run" },
  { name = "units", type = "table", default = {}, about = "unit by metric" },
  { name = "params", type = "table", default = {}, about = "what varies, and what does not" },
  { name = "where", type = "function", optional = true, about = "keeps a combination of parameters when true" },
  { name = "repeats", type = "integer", min = 1, default = 1, about = "seeds per configuration" },
  { name = "lanes", type = "table", default = {}, about = "parameters in which runs computed together may differ; \"seed\" is the repeat" },
  { name = "diverge", type = "table", default = { "loss" }, about = "metrics whose first non-finite value ends a run" },
  { name = "objective", type = "table", default = {}, about = "what ranks configurations" },
  { name = "run", type = "function", about = "one run" },
  { name = "claims", type = "function", optional = true, about = "what the recorded runs show, checked by thalweg verify" },
  { name = "quick", type = "table", optional = true, about = "what --quick changes: params by name, repeats" },
}

local quick_fields = {
  { name = "params", type = "table", default = {}, about = "other values of parameters, by name" },
  { name = "repeats", type = "integer", min = 1, optional = true, about = "seeds per configuration" },
}

-- f(value) for every value of every parameter, in turn; name: nil where the values are tables of named ones.
local function each_value(params, f)
  for _, k in ipairs(ordered.keys(params)) do
    for _, v in ipairs(space.enumerate(params[k])) do f(type(k) == "string" and k or nil, v) end
  end
end

-- Dotted names under which numbers stand.
local function numeric_names(params)
  local known = {}
  each_value(params, function(name, v)
    local columns = {}
    if name then described.flatten(columns, name, v)
    elseif type(v) == "table" then
      for k, value in next, v do described.flatten(columns, tostring(k), value) end
    end
    for _, column in ipairs(columns) do
      if type(column[2]) == "number" then known[column[1]] = true end
    end
  end)
  return names.of(known)
end

-- What stands under a name, in the space or in what it gives: 0.1 * schedule is an object with a factor once there are numbers.
local function find_in(params, name, f)
  if override.map(params, name, f) then return true end
  local found = false
  each_value(params, function(own, v) found = override.map(own and { [own] = v } or { v }, name, f) ~= nil or found end)
  return found
end

local function hint_for(name, params)
  local all, under = numeric_names(params), {}
  for _, one in ipairs(all) do
    if one:sub(1, #name + 1) == name .. "." then under[#under + 1] = one end
  end
  if #under > 0 then return "numbers under it: " .. table.concat(under, ", ") end
  return names.hint(name, all)
end

-- Names in the parameters that are numbers wherever they stand.
local function check_lanes(given, params)
  local lanes, seen = {}, {}
  for i, name in ordered.pairs(given) do
    if math.type(i) ~= "integer" or type(name) ~= "string" then fault.raise("experiment: lanes is a list of parameters: entry is %s", options.show(name)) end
    if seen[name] then fault.raise("experiment: lanes: a name stands twice: name is %s", name) end
    seen[name] = true
    lanes[#lanes + 1] = name
    if name ~= "seed" then
      local found = find_in(params, name, function(old)
        for _, v in ipairs(space.enumerate(old)) do
          if type(v) ~= "number" then
            fault.raise("experiment: lanes: only numbers can differ between runs computed together: %s is %s; %s", name, options.show(v),
              hint_for(name, params))
          end
        end
        return old
      end)
      if not found then fault.raise("experiment: lanes: no parameter has this name: name is %s; %s", name, hint_for(name, params)) end
    elseif params.seed ~= nil then
      fault.raise('experiment: lanes: "seed" means the repeat: a parameter has this name too; rename it')
    end
  end
  return lanes
end

local function check_metric(what, v)
  if type(v) ~= "string" or not v:match("^[a-z][a-z0-9_]*$") then
    fault.raise("experiment: %s: a metric's name is needed (a-z, 0-9, _): got %s", what, options.show(v))
  end
end

-- A parameter's value is data: numbers, strings, booleans, described objects, and plain tables and spaces of these.
local function check_value(name, v, seen)
  local t = type(v)
  if t == "number" or t == "string" or t == "boolean" or described.is(v) then return end
  if space.is(v) then
    if v.kind == "build" then return end
    for _, item in ipairs(v.items) do check_value(name, item, seen) end
    return
  end
  if t ~= "table" or getmetatable(v) ~= nil then
    fault.raise("experiment: a parameter must be data: %s is %s; use numbers, strings, booleans, schedules, tables or spaces", name, options.show(v))
  end
  if seen[v] then fault.raise("experiment: a parameter's table contains itself: %s", name) end
  seen[v] = true
  for k, child in ordered.pairs(v) do check_value(name .. "." .. tostring(k), child, seen) end
  seen[v] = nil
end

local function check_params(params)
  for k, v in ordered.pairs(params) do
    if math.type(k) == "integer" then
      if not space.is(v) or v.kind ~= "rows" then
        fault.raise("experiment: a parameter needs a name: entry %s is %s; only space.zip and space.list stand without one", tostring(k), options.show(v))
      end
      check_value(tostring(k), v, {})
    else
      if type(k) ~= "string" or not k:match("^[%a_][%w_]*$") then
        fault.raise("experiment: wrong parameter name: %s; letters, digits and _ are allowed", options.show(k))
      end
      check_value(k, v, {})
    end
  end
end

local experiment = {}

-- The space tree with the values of a quick form in the place of the script's own.
local function quick_params(params, given)
  local out = {}
  for k, v in next, params do out[k] = v end
  for name, v in ordered.pairs(given) do
    if out[name] ~= nil then
      out[name] = v
    else
      local values = space.is(v) and space.enumerate(v) or { v }
      out = type(name) == "string" and override.set(out, name, values, "experiment.quick") or nil
      if not out then
        fault.raise("experiment.quick: unknown parameter: %s; %s", tostring(name), names.hint(name, names.of(params)))
      end
    end
  end
  return out
end

local function check_quick(e)
  e.quick = options.check("experiment.quick", quick_fields, e.quick)
  check_params(quick_params(e.params, e.quick.params))
end

-- The experiment that --quick runs: the same with the parameters and repeats of its `quick` key, or itself where it has none.
---@param e thalweg.Experiment
---@return thalweg.Experiment
function experiment.quick_form(e)
  if not e.quick then return e end
  local out = {}
  for k, v in next, e do out[k] = v end
  out.params, out.repeats, out.is_quick = quick_params(e.params, e.quick.params), e.quick.repeats or e.repeats, true
  return setmetatable(out, Experiment)
end

-- Is this an experiment?
---@param v any
---@return boolean
function experiment.is(v) return getmetatable(v) == Experiment end

-- An experiment: the parameters, of which spaces vary, and what one run does with them. A script returns it. Unknown keys, missing and wrong values
-- are errors at the script's line. `claims` gets the sweep of its runs and a function: see Claims. `quick` replaces parameters by name, and the number
-- of repeats, when the command says --quick; its runs have a file of their own.
-- example:
-- tw.experiment{
--   name = "quadratic",
--   params = { lr = tw.space.log(1e-3, 1, 4) },
--   run = function(run)
--     local x = tw.tensor{ 1, -1 }
--     local opt = tw.optim.sgd(x, { lr = run.params.lr })
--     for step = 1, 100 do run:log{ loss = opt:step(function(x) return x:dot(x) end) } end
--   end,
-- } --> experiment quadratic {at="final",goal="min",metric="loss"}
---@param given table
---@return thalweg.Experiment
function experiment.new(given)
  local e = options.check("experiment", fields, given)
  e.objective = options.check("experiment.objective", objective_fields, e.objective)
  check_metric("objective.metric", e.objective.metric)
  local diverge = {}
  for i, metric in ordered.pairs(e.diverge) do
    if math.type(i) ~= "integer" then fault.raise("experiment: diverge is a list of metrics: key is %s", options.show(i)) end
    check_metric("diverge", metric)
    diverge[#diverge + 1] = metric
  end
  e.diverge = diverge
  for metric, unit in ordered.pairs(e.units) do
    check_metric("units", metric)
    if type(unit) ~= "string" then fault.raise("experiment: wrong unit: units.%s is %s; it must be a string", metric, options.show(unit)) end
  end
  check_params(e.params)
  e.lanes = check_lanes(e.lanes, e.params)
  if e.quick then check_quick(e) end
  return setmetatable(e, Experiment)
end

Experiment.__tostring = function(e) return "experiment " .. e.name .. " " .. canonical.text(e.objective) end

return setmetatable(experiment, { __call = function(_, given) return experiment.new(given) end })
