-- Described objects: things made from a kind and checked options that are plain data at heart (schedules, models,
-- optimizer recipes). They never change, print as their canonical text, and give the columns of a sweep their values.
local canonical = require "thalweg.canonical"
local fault = require "thalweg.fault"

local described = {}

---@class thalweg.Described
---@field kind string label for a column, "exponential"
---@field options table the checked options
---@field text string canonical text, "exponential{rate=0.1}"
---@field columns { [1]: string, [2]: number|string|boolean }[] values by dotted name, in order: { "after.rate", 0.1 }
---@field rebuild fun(options: table): any makes the same thing with other options

-- A new class of described objects: a metatable with a name and methods.
---@param name string "thalweg.schedule"
---@param methods table<string, function>
---@return table
function described.class(name, methods)
  local class = { __name = name, __described = true }
  class.__index = function(object, k)
    local v = methods[k]
    if v == nil and type(k) == "string" and not k:find("^__") then
      fault.raise("%s: it has no field %s", object.kind, k)
    end
    return v
  end
  class.__newindex = function(object, k)
    fault.raise("%s: it cannot be changed: field is %s; make another one", object.kind, tostring(k))
  end
  class.__canonical = function(object) return object.text end
  class.__tostring = class.__canonical
  return class
end

-- Does this value describe itself?
---@param v any
---@return boolean
function described.is(v)
  local meta = getmetatable(v)
  return type(v) == "table" and type(meta) == "table" and rawget(meta, "__described") == true
end

-- Adds a named value; a second one of the same name gets a number: factor, factor2.
---@param columns table
---@param name string
---@param value number|string|boolean
function described.add(columns, name, value)
  local taken = {}
  for _, column in ipairs(columns) do taken[column[1]] = true end
  local free, i = name, 1
  while taken[free] do
    i = i + 1
    free = name .. i
  end
  columns[#columns + 1] = { free, value }
end

-- Adds the values of v under a name: a scalar itself, an array entry by entry, a table by its names, an object as its kind and values.
---@param columns table
---@param name string
---@param v any
function described.flatten(columns, name, v)
  if described.is(v) then
    described.add(columns, name, v.kind)
    for _, column in ipairs(v.columns) do described.add(columns, name .. "." .. column[1], column[2]) end
  elseif type(v) == "table" then
    local keys = {}
    for k in next, v do keys[#keys + 1] = k end
    table.sort(keys, function(a, b)
      if type(a) ~= type(b) then return type(a) == "number" end
      return a < b
    end)
    for _, k in ipairs(keys) do described.flatten(columns, name .. "." .. tostring(k), v[k]) end
  elseif type(v) == "number" or type(v) == "string" or type(v) == "boolean" then
    described.add(columns, name, v)
  end
end

-- Makes an object. `fields` may hold text and columns where the kind and the options alone do not give them, and what the class needs.
---@param class table
---@param kind string
---@param options table
---@param rebuild fun(options: table): any
---@param fields? table
---@return thalweg.Described
function described.new(class, kind, options, rebuild, fields)
  local object = { kind = kind, options = options, rebuild = rebuild }
  for k, v in next, fields or {} do object[k] = v end
  if not object.text then
    object.text = next(options) == nil and kind or kind .. canonical.text(options)
  end
  if not object.columns then
    local columns, keys = {}, {}
    for k in next, options do keys[#keys + 1] = k end
    table.sort(keys)
    for _, k in ipairs(keys) do described.flatten(columns, k, options[k]) end
    object.columns = columns
  end
  return setmetatable(object, class)
end

return described
