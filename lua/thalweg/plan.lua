-- The plan: every run of an experiment in its order, each with an id that depends on what the run is, never on where it stands.
local canonical = require "thalweg.canonical"
local core = require "thalweg.core"
local described = require "thalweg.described"
local fault = require "thalweg.fault"
local names = require "thalweg.names"
local only = require "thalweg.only"
local ordered = require "thalweg.ordered"
local override = require "thalweg.override"
local space = require "thalweg.space"

local plan = {}

---@class thalweg.PlanRow
---@field id integer below 2^53
---@field hex string the id as 14 hex digits
---@field seed integer below 2^53
---@field rep integer 1, 2, ...
---@field text string canonical text of the parameters
---@field params table what becomes run.params; shared between repeats: read-only
---@field values { [1]: string, [2]: number|string|boolean, nested: boolean }[] columns, sorted by name

---@class thalweg.Plan
---@field rows thalweg.PlanRow[]
---@field restricted boolean set, only or repeats changed the script's own enumeration
---@field parameters string[] dotted names, sorted

-- The first 53 bits of SHA-256 of a text.
local function hash53(text) return tonumber(core.sha256(text):sub(1, 14), 16) >> 3 end

-- The seed of a repeat: all configurations of a sweep see the same randomness.
---@param root integer
---@param rep integer
---@return integer
function plan.seed(root, rep) return hash53(string.format("thalweg seed\n%d\n%d", root, rep)) end

-- The id of a run.
---@param name string the experiment's
---@param root integer
---@param rep integer
---@param text string canonical text of the parameters
---@return integer
function plan.id(name, root, rep, text) return hash53(string.format("thalweg run\n%s\n%d\n%d\n%s", name, root, rep, text)) end

-- A deep copy of a run's parameters; described objects never change and are shared.
---@generic T
---@param v T
---@return T
function plan.copy(v)
  if type(v) ~= "table" or getmetatable(v) ~= nil then return v end
  local out = {}
  for k, child in next, v do out[k] = plan.copy(child) end
  return out
end

local function is_array(t)
  for k in next, t do
    if math.type(k) ~= "integer" then return false end
  end
  return true
end

-- Appends { dotted name, value, nested } of a parameter: a scalar itself, an object's kind and then what it holds, an array as its text.
local function flatten(out, dotted, v, nested)
  if described.is(v) then
    out[#out + 1] = { dotted, v.kind, nested }
    for _, column in ipairs(v.columns) do out[#out + 1] = { dotted .. "." .. column[1], column[2], true } end
  elseif type(v) == "table" and not is_array(v) then
    for _, k in ipairs(ordered.keys(v)) do flatten(out, dotted .. "." .. tostring(k), v[k], true) end
  elseif type(v) == "table" then
    out[#out + 1] = { dotted, canonical.text(v), nested }
  else
    out[#out + 1] = { dotted, v, nested }
  end
end

-- A configuration: its parameters, their text, flat values by dotted name, and columns by column name.
local function configuration(params)
  local flat = {}
  for _, name in ipairs(ordered.keys(params)) do flatten(flat, name, params[name], false) end
  local values, columns, owner = {}, {}, {}
  for _, entry in ipairs(flat) do
    local dotted, value, nested = entry[1], entry[2], entry[3]
    local column = dotted:gsub("%.", "_")
    if owner[column] then
      fault.usage(string.format("experiment: two parameters have one column: %s and %s are both hp_%s; rename one", owner[column], dotted, column))
    end
    owner[column] = dotted
    values[dotted] = value
    columns[#columns + 1] = { column, value, nested = nested }
  end
  table.sort(columns, function(a, b) return a[1] < b[1] end)
  return { params = params, text = canonical.params(params), values = values, columns = columns, owner = owner }
end

local function enumerate(experiment, params, dedupe)
  local configurations, seen = {}, {}
  for i, combo in ipairs(space.enumerate(params)) do
    local c = configuration(combo)
    if experiment.where then
      local ok, keep = pcall(experiment.where, plan.copy(combo))
      if not ok then fault.usage(string.format("%s\n  in where(), for %s", tostring(keep), c.text)) end
      if not keep then c.dropped = true end
    end
    if not c.dropped and seen[c.text] then
      if not dedupe then
        fault.usage(string.format("experiment: one configuration twice: number %d and number %d are both %s; remove one from the space",
          seen[c.text], i, c.text))
      end
      c.dropped = true
    end
    if not c.dropped then
      seen[c.text] = i
      configurations[#configurations + 1] = c
    end
  end
  return configurations
end

-- Dotted names of all parameters; the same column under two names is an error.
local function parameter_names(configurations)
  local known, owner = {}, {}
  for _, c in ipairs(configurations) do
    for column, dotted in next, c.owner do
      if owner[column] and owner[column] ~= dotted then
        local a, b = owner[column], dotted
        if b < a then a, b = b, a end
        fault.usage(string.format("experiment: two parameters have one column: %s and %s are both hp_%s; rename one", a, b, column))
      end
      owner[column] = dotted
      known[dotted] = true
    end
  end
  return names.of(known)
end

local function apply_set(params, list)
  for _, entry in ipairs(list) do
    local name, values = entry[1], entry[2]
    local changed = override.set(params, name, values)
    if not changed then
      local valid = parameter_names(enumerate({}, params, true))
      fault.usage(string.format("--set: unknown parameter: %s; %s", name, names.hint(name, valid)))
    end
    params = changed
  end
  return params
end

-- Builds the plan. Names are sorted bytewise, the last varies fastest, the repeat fastest of all.
-- Raises { message, status = 2 }: unknown names, wrong values, equal configurations, a collision of ids.
---@param experiment thalweg.Experiment
---@param o? { seed?: integer, set?: { [1]: string, [2]: any[] }[], only?: string, repeats?: integer }
---@return thalweg.Plan
function plan.build(experiment, o)
  o = o or {}
  local root, repeats = o.seed or 0, o.repeats or experiment.repeats
  local set = o.set or {}
  local params = apply_set(experiment.params, set)
  local configurations = enumerate(experiment, params, #set > 0)
  local parameters = parameter_names(configurations)
  local restricted = #set > 0 or repeats ~= experiment.repeats
  if o.only then
    local keep = only.compile(o.only, parameters)
    local kept = {}
    for _, c in ipairs(configurations) do
      if keep(c.values) then kept[#kept + 1] = c end
    end
    if #kept == 0 then fault.usage(("--only: no configuration is selected: %s; there are: %s"):format(o.only, only.ranges(configurations))) end
    configurations, restricted = kept, true
  end
  local rows, owner, seeds = {}, {}, {}
  for rep = 1, repeats do seeds[rep] = plan.seed(root, rep) end
  for _, c in ipairs(configurations) do
    for rep = 1, repeats do
      local id = plan.id(experiment.name, root, rep, c.text)
      if owner[id] then
        fault.usage(string.format("plan: two runs have the id %014x: %s and %s; change any value of one", id, owner[id], c.text))
      end
      owner[id] = c.text
      rows[#rows + 1] = { id = id, hex = string.format("%014x", id), seed = seeds[rep], rep = rep, text = c.text, params = c.params, values = c.columns }
    end
  end
  return { rows = rows, restricted = restricted, parameters = parameters }
end

return plan
