-- Which runs are computed together. Runs that agree on everything but the parameters an experiment declares as lanes form a group; a group is cut into
-- units, each a list of rows of the plan. Nothing that is recorded depends on how it is cut.
local canonical = require "thalweg.canonical"
local override = require "thalweg.override"

local groups = {}

local most = 1024 -- lanes in a unit when nobody says how many; a worker cuts finer by what a run needs

-- What stands under a dotted name in a run's parameters; nil when there is nothing.
---@param params table
---@param name string
---@return any
function groups.value(params, name)
  local value = params[name]
  if type(value) == "number" then return value end
  override.map(params, name, function(old)
    value = old
    return old
  end)
  return value
end

-- The parameters that are lanes, without the seed, and whether that is one.
---@param experiment thalweg.Experiment
---@return string[] names, boolean seed
function groups.declared(experiment)
  local out, seed = {}, false
  for _, name in ipairs(experiment.lanes) do
    if name == "seed" then seed = true else out[#out + 1] = name end
  end
  return out, seed
end

-- The parameters with one number for all in place of a lane's. What holds it may refuse 0 (a radius): then the first row's value that it takes, which for
-- rows that agree on everything else is the same one.
local function without(params, name, stand_ins)
  for _, v in ipairs(stand_ins) do
    local ok, out = pcall(override.map, params, name, function() return v end)
    if ok then return out or params end
  end
  stand_ins[#stand_ins + 1] = groups.value(params, name)
  return params
end

-- Equal for rows that may be computed together.
local function key_of(row, declared, seed, stand_ins)
  local params = row.params
  for _, name in ipairs(declared) do params = without(params, name, stand_ins[name]) end
  return canonical.params(params) .. (seed and "" or "\n" .. row.rep)
end

-- The rows of a plan that are to be executed, as units in order of their first row.
---@param experiment thalweg.Experiment
---@param rows table[] the plan's
---@param missing integer[]
---@param workers integer
---@param width integer|nil lanes at most; default: so that every worker has some
---@return integer[][]
function groups.units(experiment, rows, missing, workers, width)
  local units = {}
  if #experiment.lanes == 0 or width == 1 then
    for i, row in ipairs(missing) do units[i] = { row } end
    return units
  end
  local declared, seed = groups.declared(experiment)
  local by_key, keys, texts, stand_ins = {}, {}, {}, {}
  for _, name in ipairs(declared) do stand_ins[name] = { 0 } end
  for _, i in ipairs(missing) do
    local row = rows[i]
    local key = seed and texts[row.params] or key_of(row, declared, seed, stand_ins) -- repeats share their parameters
    texts[row.params] = key
    if not by_key[key] then
      by_key[key] = {}
      keys[#keys + 1] = key
    end
    table.insert(by_key[key], i)
  end
  for _, key in ipairs(keys) do
    local members = by_key[key]
    local share = width or math.min(most, math.max(1, (#members + workers - 1) // workers))
    for first = 1, #members, share do units[#units + 1] = table.move(members, first, math.min(first + share - 1, #members), 1, {}) end
  end
  table.sort(units, function(a, b) return a[1] < b[1] end)
  return units
end

return groups
