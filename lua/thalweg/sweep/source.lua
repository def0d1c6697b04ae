-- What the views of one sweep share: the record they read from, and what has been read of it so far. Nothing is read before it is asked for.
local fault = require "thalweg.fault"
local names = require "thalweg.names"

local nan = -(0 / 0) -- prints without a sign

local source = {}

---@class thalweg.Source
---@field record userdata what record.load gave
---@field variables table<string, table> metrics by name
---@field metrics string[] their names in the file's order
---@field results table<string, boolean>
---@field result_names string[]

-- The source of a record.
---@param record userdata
---@return thalweg.Source
function source.new(record)
  local self = { record = record, rows = {}, summaries = {}, columns = {}, elements = {}, variables = {}, metrics = {}, results = {} }
  for i, v in ipairs(record:metrics()) do
    self.metrics[i], self.variables[v.variable] = v.variable, v
  end
  self.result_names = record:results()
  for _, name in ipairs(self.result_names) do self.results[name] = true end
  return self
end

-- A row of the plan: id, status, values by column, ...
---@param s thalweg.Source
---@param i integer
---@return table
function source.row(s, i)
  local row = s.rows[i]
  if not row then
    row = s.record:row(i)
    s.rows[i] = row
  end
  return row
end

-- The name of a column as a script says it: a dot after the parameter that holds it, "decay_rate" -> "decay.rate".
local function dotted(column, text)
  text = " " .. text
  if text:find(" " .. column .. "=", 1, true) then return column end
  for i = #column, 2, -1 do
    if column:sub(i, i) == "_" and text:find(" " .. column:sub(1, i - 1) .. "=", 1, true) then return column:sub(1, i - 1) .. "." .. column:sub(i + 1) end
  end
  return column
end

-- Parameters by column: { name = "decay.rate", types = { number = true } }; and their names, sorted.
---@param s thalweg.Source
---@return table<string, table> parameters, string[] names
function source.parameters(s)
  if not s.by_column then
    s.by_column, s.parameter_names = {}, {}
    for i = 1, #s.record do
      local row = source.row(s, i)
      for column, v in next, row.values do
        local parameter = s.by_column[column]
        if not parameter then
          parameter = { name = dotted(column, row.text), types = {} }
          s.by_column[column] = parameter
          table.insert(s.parameter_names, parameter.name)
        end
        parameter.types[type(v)] = true
      end
    end
    table.sort(s.parameter_names)
  end
  return s.by_column, s.parameter_names
end

-- The column of a parameter's name, "opt.lr" or "opt_lr"; nil when there is none.
---@param s thalweg.Source
---@param name any
---@return string|nil
function source.column(s, name)
  if type(name) ~= "string" then return nil end
  local column = name:gsub("%.", "_")
  return source.parameters(s)[column] and column or nil
end

-- What every run has beside its parameters.
source.builtin = { id = "hex", status = "status", seed = "seed", rep = "rep", config = "config", ok = "ok" }

local finished = { done = true, stopped = true }

-- A function from a row to the value of a name: a parameter, or id, status, ok, seed, rep, config. Raises on an unknown name.
---@param s thalweg.Source
---@param name string
---@param what string for the message
---@return fun(row: table): any
function source.getter(s, name, what)
  local column = source.column(s, name)
  if column then return function(row) return row.values[column] end end
  local field = type(name) == "string" and source.builtin[name]
  if field == "ok" then return function(row) return finished[row.status] or false end end
  if field then return function(row) return row[field] end end
  fault.raise("%s: unknown parameter: %s; %s", what, tostring(name), names.hint(name, source.names(s)))
end

-- Every name that getter knows.
---@param s thalweg.Source
---@return string[]
function source.names(s)
  local _, parameters = source.parameters(s)
  local out = table.move(parameters, 1, #parameters, 1, {})
  for name in next, source.builtin do
    if not source.column(s, name) then out[#out + 1] = name end
  end
  table.sort(out)
  return out
end

-- The variable of a metric's name, or of an element of one with axes: "x[2]", "w[1,3]". Nil when there is none.
---@param s thalweg.Source
---@param name any
---@return table|nil
function source.find(s, name)
  if type(name) ~= "string" then return nil end
  if s.variables[name] then return s.variables[name] end
  local whole, inside = name:match("^([%w_]+)%[([%d%s,]+)%]$")
  local of = whole and s.variables[whole]
  if not of or #of.shape == 0 then return nil end
  local place, axis = 0, 0
  for digits in inside:gmatch("%d+") do
    local i = tonumber(digits)
    axis = axis + 1
    if not of.shape[axis] or i < 1 or i > of.shape[axis] then
      fault.raise("%s: no such element: %s has the shape [%s]", name, whole, table.concat(of.shape, " "))
    end
    place = place * of.shape[axis] + i - 1
  end
  if axis ~= #of.shape then fault.raise("%s: an index per axis is needed: %s has the shape [%s]", name, whole, table.concat(of.shape, " ")) end
  local element = { variable = whole, name = name, shape = {}, element = place + 1 }
  s.variables[name] = element
  return element
end

-- The variable of a metric's name. Raises when there is none.
---@param s thalweg.Source
---@param name any
---@param what string for the message
---@param scalar? boolean it must have one number per row
---@return table
function source.metric(s, name, what, scalar)
  local v = source.find(s, name)
  if not v then fault.raise("%s: unknown metric: %s; %s", what, tostring(name), names.hint(name, s.metrics)) end
  if scalar and #v.shape > 0 then
    fault.raise('%s: one number per step is needed: %s has the shape [%s]; name an element, "%s[%s]"', what, name, table.concat(v.shape, " "), name,
      ("1"):rep(#v.shape, ","))
  end
  return v
end

-- Values and steps of a variable in a row.
---@param s thalweg.Source
---@param variable table
---@param i integer
---@return any[], integer[]
function source.trace(s, variable, i)
  local values, steps = s.record:trace(variable.variable, i)
  local element = variable.element
  if element then
    for k = 1, #values do values[k] = values[k][element] end
  end
  return values, steps
end

-- The summaries of an element's trace, as the engine makes them for a metric of its own.
local function summarise(values, steps)
  local out = { final = values[#values] or nan, min = nan, max = nan, argmin = -1 }
  for k, v in ipairs(values) do
    if v == v then
      if not (v >= out.min) then out.min, out.argmin = v, steps[k] end
      if not (v <= out.max) then out.max = v end
    end
  end
  return out
end

local function element_column(s, which, variable)
  local rows = s.elements[variable.name] or {}
  s.elements[variable.name] = rows
  return setmetatable({}, { __index = function(_, i)
    rows[i] = rows[i] or summarise(source.trace(s, variable, i))
    return rows[i][which]
  end })
end

-- One number per row of the record: the last, smallest, largest value of a scalar variable, or the step of the smallest (-1: none).
---@param s thalweg.Source
---@param which "final"|"min"|"max"|"argmin"
---@param variable table
---@return number[]
function source.summary(s, which, variable)
  if variable.element then return element_column(s, which, variable) end
  local key = which .. " " .. variable.variable
  if not s.summaries[key] then s.summaries[key] = s.record[which](s.record, variable.variable) end
  return s.summaries[key]
end

-- A result of every row; NaN where it has none.
---@param s thalweg.Source
---@param name string
---@return number[]
function source.result(s, name)
  if not s.columns[name] then s.columns[name] = s.record:result(name) end
  return s.columns[name]
end

return source
