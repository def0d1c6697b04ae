-- The options of an optimizer as the library's spec tables: the engine's own rows, those every optimizer has, groups, freezing, conventions.
local core = require "thalweg.core"
local ordered = require "thalweg.ordered"
local options = require "thalweg.options"
local schedule = require "thalweg.schedule"

local spec = {}

local function words(text)
  local out = {}
  for word in text:gmatch("%S+") do out[#out + 1] = word end
  return out
end

-- The engine's spec as the library's: a number may also be a schedule.
local function field_of(o)
  local field = { name = o.name, about = o.about, kind = o.type }
  if o.type == "number" then
    field.type, field.default = "any", o.initial == o.initial and o.initial or nil -- NaN: it must be given
    field.check = function(v)
      if schedule.is(v) or core.is_laned(v) then return nil end
      if type(v) ~= "number" or v ~= v then return "it must be a number or a schedule" end
      if v < o.min or v > o.max then return string.format("it must be in [%g, %g]", o.min, o.max) end
    end
  elseif o.type == "flag" then
    field.type, field.default = "boolean", o.initial ~= 0
  else
    field.type, field.choices = "string", words(o.choices)
    field.default = field.choices[o.initial + 1]
  end
  return field
end

local common, n_grouped = core.optimizer_common()
spec.common = common
local group_fields = {
  { name = "groups", type = "table", optional = true, about = "options of their own for parameters whose path matches: { path = pattern, lr = ... }, ..." },
  { name = "freeze", type = "table", optional = true, about = "patterns of paths of parameters that do not move" },
}

-- Adds what every kind has to one of the engine's, or to one made by a script.
---@param kind table as core.optimizer_kinds() gives it
---@return table kind
function spec.complete(kind)
  kind.fields, kind.settable = {}, {}
  for i, o in ipairs(kind.options) do kind.fields[i] = field_of(o) end
  if not kind.solves and not kind.wraps then
    for _, o in ipairs(common) do kind.fields[#kind.fields + 1] = field_of(o) end
  end
  for i, field in ipairs(kind.fields) do
    field.place = i
    kind.settable[i] = field
  end
  if kind.wraps then
    kind.fields[#kind.fields + 1] = { name = "base", type = "any", recipe = true,
      about = "the recipe of the optimizer that takes the steps, tw.optim.sgd{ ... }",
      check = function(v) return (type(v) ~= "table" or rawget(v, "recipe_of") == nil) and "it must be a recipe, like tw.optim.sgd{ lr = 0.1 }" or nil end }
  end
  if kind.given then
    kind.fields[#kind.fields + 1] = { name = kind.given, type = "any", optional = true, about = "a tree like the parameters'" }
  end
  for _, field in ipairs(group_fields) do kind.fields[#kind.fields + 1] = field end
  if next(kind.presets) then
    local choices = ordered.keys(kind.presets)
    kind.fields[#kind.fields + 1] = { name = "convention", type = "string", choices = choices, optional = true,
      about = "defaults and forms of another library" }
  end
  -- A group's table: a path, and any option that may differ between parameters.
  kind.group_fields = { { name = "path", type = "string", about = "a Lua pattern for paths in the tree, \"^out%.\"" } }
  for i, field in ipairs(kind.settable) do
    if i <= #kind.options + n_grouped then
      local copy = { optional = true }
      for k, v in next, field do if k ~= "default" then copy[k] = v end end
      kind.group_fields[#kind.group_fields + 1] = copy
    end
  end
  return kind
end

-- A convention stands for the values another library uses where it differs; what is given explicitly wins.
---@param kind table
---@param given table|nil
---@return table options checked, with defaults
function spec.checked(kind, given)
  local preset = type(given) == "table" and kind.presets[given.convention]
  if not preset then return options.check(kind.name, kind.fields, given) end
  local filled = {}
  for k, v in next, preset do filled[k] = v end
  for k, v in next, given do filled[k] = v end
  return options.check(kind.name, kind.fields, filled)
end

return spec
