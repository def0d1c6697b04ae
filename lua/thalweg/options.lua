-- Spec tables: an option's name, type, default, range and sentence stand once, as data, and checking, messages and
-- documentation all read them here. Knows nothing of the constructors that use it.
local canonical = require "thalweg.canonical"
local core = require "thalweg.core"
local fault = require "thalweg.fault"
local names = require "thalweg.names"

local options = {}

---@class thalweg.Option
---@field name string
---@field type string "number" | "integer" | "string" | "boolean" | "function" | "table" | "numbers" | "integers" | "any"
---@field about string one sentence
---@field default any absent: the option is required, unless `optional`
---@field optional? boolean may be absent without a default
---@field min? number smallest value allowed (of each entry for "numbers" and "integers")
---@field max? number largest value allowed
---@field above? number the value must be greater than this
---@field alike? boolean of "number" and "numbers": one for all runs computed together, because a comparison decides by it
---@field choices? string[] the strings allowed
---@field positional? boolean the table's array part is this option's value
---@field check? fun(value: any): string|nil a further condition; returns what is wrong

-- A value as a message shows it.
---@param value any
---@return string
function options.show(value)
  if type(value) == "string" then return string.format("%q", value) end
  if type(value) == "table" then
    local meta = getmetatable(value)
    if meta and meta.__tostring then return tostring(value) end
    return "a table"
  end
  if type(value) == "number" then return canonical.number(value) end
  if core.is_laned(value) then return "a number that differs between the runs computed together" end
  return type(value) == "function" and "a function" or tostring(value)
end

local function is_integral(v) return math.type(v) == "integer" or (math.type(v) == "float" and v == math.floor(v) and math.abs(v) < 2^53) end

local function wanted(field)
  local text = ({ number = "a number", integer = "an integer", string = "a string", boolean = "true or false", ["function"] = "a function",
    table = "a table", numbers = "an array of numbers", integers = "an array of integers" })[field.type] or "given"
  if field.choices then return "one of " .. table.concat(field.choices, ", ") end
  if field.above then text = text .. string.format(" greater than %s", options.show(field.above)) end
  if field.min and field.max then return text .. string.format(" from %s to %s", options.show(field.min), options.show(field.max)) end
  if field.min then text = text .. string.format(" of at least %s", options.show(field.min)) end
  if field.max then text = text .. string.format(" of at most %s", options.show(field.max)) end
  return text
end

local function number_fits(field, v, integral)
  if core.is_laned(v) then return not (integral or field.alike) end -- a number of each run computed together: each was checked when the plan was made
  if type(v) ~= "number" or v ~= v or v == math.huge or v == -math.huge then return false end
  if integral and not is_integral(v) then return false end
  if field.above and not (v > field.above) then return false end
  return not (field.min and v < field.min) and not (field.max and v > field.max)
end

local function array_fits(field, v, integral)
  if type(v) ~= "table" or getmetatable(v) then return false end
  local count = 0
  for k, entry in next, v do
    if math.type(k) ~= "integer" or k < 1 or k > #v or not number_fits(field, entry, integral) then return false end
    count = count + 1
  end
  return count == #v
end

local function fits(field, v)
  local t = field.type
  if t == "any" then return true end
  if t == "number" then return number_fits(field, v, false) end
  if t == "integer" then return number_fits(field, v, true) end
  if t == "numbers" then return array_fits(field, v, false) end
  if t == "integers" then return array_fits(field, v, true) end
  if type(v) ~= t then return false end
  if not field.choices then return true end
  for _, choice in ipairs(field.choices) do
    if v == choice then return true end
  end
  return false
end

-- Integers given as floats become integers, so that 32.0 and 32 build the same thing.
local function settled(field, v)
  if field.type == "integer" then return math.tointeger(v) end
  if field.type ~= "integers" and field.type ~= "numbers" then return v end
  local out = {}
  for i, entry in ipairs(v) do out[i] = field.type == "integers" and math.tointeger(entry) or entry end
  return out
end

local function field_names(fields)
  local out = {}
  for i, field in ipairs(fields) do out[i] = field.name end
  return out
end

-- Checks a table against a spec and returns a new table with every option present or defaulted.
-- Raises at the script's line: an unknown option (lists the valid ones), a wrong type, a value out of range, a missing option.
---@param what string names the constructor in messages
---@param fields thalweg.Option[]
---@param given table|nil
---@return table
function options.check(what, fields, given)
  if given == nil then given = {} end
  if type(given) ~= "table" or getmetatable(given) then
    fault.raise("%s: options are given as one table: got %s; %s", what, options.show(given), names.hint(nil, field_names(fields)))
  end
  local known, positional = {}, nil
  for _, field in ipairs(fields) do
    known[field.name] = field
    if field.positional then positional = field end
  end
  local values, listed = {}, nil
  for k, v in next, given do
    if math.type(k) == "integer" and positional then
      listed = listed or {}
      listed[k] = v
    elseif not known[k] then
      fault.raise("%s: unknown option: %s is %s; %s", what, tostring(k), options.show(v), names.hint(k, field_names(fields)))
    else
      values[k] = v
    end
  end
  if listed and values[positional.name] ~= nil then
    fault.raise("%s: %s is given twice: once by position, once by name", what, positional.name)
  end
  if listed then values[positional.name] = listed end
  for _, field in ipairs(fields) do
    local v = values[field.name]
    if v == nil then v = field.default end
    if v == nil and not field.optional then
      fault.raise("%s: missing option: %s is nil; it must be %s (%s)", what, field.name, wanted(field), field.about)
    end
    if v ~= nil then
      if not fits(field, v) then
        fault.raise("%s: wrong value: %s is %s; it must be %s", what, field.name, options.show(v), wanted(field))
      end
      local wrong = field.check and field.check(v)
      if wrong then fault.raise("%s: wrong value: %s is %s; %s", what, field.name, options.show(v), wrong) end
      values[field.name] = settled(field, v)
    end
  end
  return values
end

-- Makes a module's table strict: reading a name it does not have raises, naming near ones.
---@param prefix string "tw." or "tw.nn."
---@param module table
---@return table module
function options.seal(prefix, module)
  return setmetatable(module, {
    __index = function(_, k)
      fault.raise("unknown name: %s%s; %s", prefix, tostring(k), names.hint(k, names.of(module)))
    end,
  })
end

return options
