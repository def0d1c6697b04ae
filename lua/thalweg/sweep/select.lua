-- What sweep:where takes: a table of wanted values, an expression in the language of --only, or a function of a run. Each becomes a predicate over a row.
local canonical = require "thalweg.canonical"
local described = require "thalweg.described"
local fault = require "thalweg.fault"
local labels = require "thalweg.runner.labels"
local only = require "thalweg.only"
local options = require "thalweg.options"
local ordered = require "thalweg.ordered"
local source = require "thalweg.sweep.source"

local select_runs = {}

local relations = {
  ["<"] = function(a, b) return a < b end, ["<="] = function(a, b) return a <= b end, [">"] = function(a, b) return a > b end,
  [">="] = function(a, b) return a >= b end, ["=="] = function(a, b) return a == b end, ["~="] = function(a, b) return a ~= b end,
}

local builtin_types = { id = "string", status = "string", seed = "number", rep = "number", config = "number", ok = "boolean" }

-- The types that a name's values have in this sweep, as words.
local function types_of(s, name)
  local column = source.column(s, name)
  if not column then return { [builtin_types[name]] = true }, builtin_types[name] end
  local types, words = source.parameters(s)[column].types, {}
  for t in ordered.pairs(types) do words[#words + 1] = t end
  return types, table.concat(words, " or ")
end

local function check_type(s, name, v)
  local types, words = types_of(s, name)
  if not types[type(v)] then fault.raise("where: wrong type: %s is %s; in this sweep it is a %s", name, options.show(v), words) end
end

-- The canonical text of a top-level parameter of a row.
local function text_of(row, name)
  for _, parameter in ipairs(labels.split(row.text)) do
    if parameter[1] == name then return parameter[2] end
  end
end

-- A condition on one name: a value, { relation, value }, a list of values, a schedule or recipe, or a function of the value. Returns a predicate over
-- the row and how the condition reads.
local function condition(s, name, wanted)
  local get = source.getter(s, name, "where")
  if type(wanted) == "function" then
    return function(row)
      local v = get(row)
      if v == nil then return false end
      return wanted(v) and true or false
    end, name .. "=function"
  end
  if described.is(wanted) then
    local text = canonical.text(wanted)
    return function(row) return text_of(row, name) == text end, name .. "=" .. text
  end
  if type(wanted) == "table" and getmetatable(wanted) == nil then
    local compare = #wanted == 2 and relations[wanted[1]]
    if compare then
      local bound = wanted[2]
      check_type(s, name, bound)
      return function(row)
        local v = get(row)
        return type(v) == type(bound) and compare(v, bound)
      end, name .. wanted[1] .. canonical.text(bound)
    end
    if #wanted == 0 then
      fault.raise('where: a value, { "<", number } or a list of values is needed: %s is a table without entries; relations: < <= > >= == ~=', name)
    end
    local any, texts = {}, {}
    for i, v in ipairs(wanted) do any[i], texts[i] = condition(s, name, v) end
    return function(row)
      for _, holds in ipairs(any) do
        if holds(row) then return true end
      end
      return false
    end, name .. " in " .. table.concat(texts, ", ")
  end
  if type(wanted) ~= "number" and type(wanted) ~= "string" and type(wanted) ~= "boolean" then
    fault.raise("where: a value, a list, a function or a schedule is needed: %s is %s", name, options.show(wanted))
  end
  check_type(s, name, wanted)
  return function(row) return get(row) == wanted end, name .. "=" .. (type(wanted) == "string" and wanted or canonical.text(wanted))
end

local function of_table(s, wanted)
  local all, texts = {}, {}
  for name, v in ordered.pairs(wanted) do all[#all + 1], texts[#texts + 1] = condition(s, name, v) end
  return function(row)
    for _, holds in ipairs(all) do
      if not holds(row) then return false end
    end
    return true
  end, table.concat(texts, " ")
end

-- Values by every name that the expression may use, read on demand.
local function values_of(s)
  local getters, row = {}, nil
  local values = setmetatable({}, { __index = function(_, name)
    getters[name] = getters[name] or source.getter(s, name, "where")
    return getters[name](row)
  end })
  return values, function(of) row = of end
end

local function of_expression(s, text)
  local holds = only.compile(text, source.names(s), {
    what = "where", raise = function(message) fault.raise("%s", message) end,
    known = function(name) return source.column(s, name) ~= nil or source.builtin[name] ~= nil end,
  })
  local values, set = values_of(s)
  return function(row)
    set(row)
    return holds(values)
  end, text
end

-- The predicate of a selection and how it reads. `recorded` makes the run that a function is given.
---@param s thalweg.Source
---@param wanted table|string|function
---@param recorded fun(index: integer): thalweg.Recorded
---@return fun(row: table, index: integer): boolean, string
function select_runs.predicate(s, wanted, recorded)
  if type(wanted) == "string" then return of_expression(s, wanted) end
  if type(wanted) == "function" then
    return function(_, index) return wanted(recorded(index)) and true or false end, "function"
  end
  if type(wanted) ~= "table" or getmetatable(wanted) then
    fault.raise('where: a table, an expression or a function is needed: got %s; as in where{ lr = 0.1 } or where "lr < 0.1"', options.show(wanted))
  end
  return of_table(s, wanted)
end

return select_runs
