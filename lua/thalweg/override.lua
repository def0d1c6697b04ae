-- --set: gives a parameter other values, top-level or nested ("decay.rate"), in the space tree of an experiment.
local described = require "thalweg.described"
local fault = require "thalweg.fault"
local options = require "thalweg.options"
local space = require "thalweg.space"

local override = {}

-- The first few say what kind of values they are.
local function show_some(values)
  local out = {}
  for i = 1, math.min(#values, 5) do out[i] = options.show(values[i]) end
  return table.concat(out, ", ") .. (#values > 5 and ", ..." or "")
end

-- What stands where `old` stood. Objects (schedules) are chosen by their kind among those the script has there.
local function replacement(what, name, old, values)
  local samples, types, kinds, all_float = space.enumerate(old), {}, {}, true
  for _, sample in ipairs(samples) do
    if described.is(sample) then
      if not kinds[sample.kind] then kinds[#kinds + 1] = sample.kind end
      kinds[sample.kind] = kinds[sample.kind] or {}
      table.insert(kinds[sample.kind], sample)
    else
      types[type(sample)] = true
      all_float = all_float and math.type(sample) == "float"
    end
  end
  local items = {}
  for _, v in ipairs(values) do
    if type(v) == "string" and kinds[v] then
      table.move(kinds[v], 1, #kinds[v], #items + 1, items)
    elseif types[type(v)] and type(v) ~= "table" then
      -- A column keeps its type: 1 for a parameter of 0.1, 0.5 is the float 1.0.
      if math.type(v) == "integer" and all_float then v = v + 0.0 end
      items[#items + 1] = v
    elseif #kinds > 0 then
      fault.usage(string.format("%s: wrong value: %s is %s; the script's own are %s", what, name, options.show(v), table.concat(kinds, ", ")))
    else
      fault.usage(string.format("%s: wrong type: %s is %s; the script's own are %s", what, name, options.show(v), show_some(samples)))
    end
  end
  return space.choice(items)
end

local function copy(t)
  local out = {}
  for k, v in next, t do out[k] = v end
  return out
end

-- The value v with what `path` (from entry i) names replaced, or nil when there is no such name in it.
local function replace(v, path, i, put)
  if space.is(v) then
    if v.kind == "build" then
      local parts, found = copy(v.parts), false
      for k, part in next, v.parts do
        local new = replace(part, path, i, put)
        if new ~= nil then parts[k], found = new, true end
      end
      return found and v.make(table.unpack(parts, 1, v.count)) or nil
    end
    local items, found = copy(v.items), false
    for k, item in ipairs(v.items) do
      local new = replace(item, path, i, put)
      if new ~= nil then items[k], found = new, true end
    end
    if not found then return nil end
    return v.kind == "rows" and space.list(items) or space.choice(items)
  end
  local fields
  if described.is(v) then fields = v.options elseif type(v) == "table" then fields = v else return nil end
  local changed, found = copy(fields), false
  local key = path[i]
  if fields[key] == nil then key = math.tointeger(tonumber(key) or 0.5) end
  if key ~= nil and fields[key] ~= nil then
    local new
    if i == #path then new = put(fields[key]) else new = replace(fields[key], path, i + 1, put) end
    if new ~= nil then changed[key], found = new, true end
  elseif described.is(v) then
    local inner = rawget(v, "inner")
    local new = inner and replace(fields[inner], path, i, put)
    if new ~= nil then changed[inner], found = new, true end
  else
    for k, child in next, fields do -- the names of an unnamed zip or list are those of the table around it
      if math.type(k) == "integer" and space.is(child) and child.kind == "rows" then
        local new = replace(child, path, i, put)
        if new ~= nil then changed[k], found = new, true end
      end
    end
  end
  if not found then return nil end
  if described.is(v) then return space.lift(v.rebuild)(changed) end
  return changed
end

-- The space tree with a parameter's values replaced; nil when it has no parameter of this name.
-- Raises { message, status = 2 } when a value's type is not the script's.
---@param params table
---@param name string dotted
---@param values any[]
---@param what? string what messages begin with; default --set
---@return table|nil
function override.set(params, name, values, what)
  return override.map(params, name, function(old) return replacement(what or "--set", name, old, values) end)
end

-- The tree with f(old) in the place of what stands under a name; nil when there is nothing.
---@param params table
---@param name string dotted
---@param f fun(old: any): any
---@return table|nil
function override.map(params, name, f)
  local path = {}
  for part in name:gmatch("[^.]+") do path[#path + 1] = part end
  if #path == 0 then return nil end
  return replace(params, path, 1, f)
end

return override
