-- Spaces: the values a parameter takes in a sweep. A space is a list of items; an item may hold further spaces, which
-- multiply only inside it. Owns enumeration and its order; knows nothing of runs, seeds or files.
local core = require "thalweg.core"
local fault = require "thalweg.fault"
local options = require "thalweg.options"
local ordered = require "thalweg.ordered"

local num = core.num

---@class thalweg.Space
---@field kind "choice" | "rows" | "build"
---@field items any[] what it offers, in order; an item may contain spaces
---@field parts? table for "build": the arguments, spaces among them
---@field count? integer for "build": how many arguments
---@field make? function for "build": makes the space again from other arguments
---@operator add(any): thalweg.Space
---@operator sub(any): thalweg.Space
---@operator mul(any): thalweg.Space
---@operator div(any): thalweg.Space
---@operator pow(any): thalweg.Space
local Space = { __name = "thalweg.space" }

local space = {}

local function new(kind, items, extra)
  local self = { kind = kind, items = items }
  for k, v in next, extra or {} do self[k] = v end
  return setmetatable(self, Space)
end

-- Is this value a space?
---@param v any
---@return boolean
function space.is(v) return getmetatable(v) == Space end

-- Is there a space in this value: itself, or anywhere in a plain table?
---@param v any
---@return boolean
function space.contains(v)
  if space.is(v) then return true end
  if type(v) ~= "table" or getmetatable(v) ~= nil then return false end
  for _, child in next, v do
    if space.contains(child) then return true end
  end
  return false
end

-- 15 significant digits: what a reader sees in decimal is the value itself.
local function rounded(x) return tonumber(string.format("%.15g", x)) end

local function check_count(what, n)
  local count = math.tointeger(n)
  if not count or count < 1 then fault.raise("%s: wrong count: n is %s; it must be an integer of at least 1", what, options.show(n)) end
  return count
end

local function check_number(what, name, x)
  if type(x) ~= "number" or x ~= x or x == math.huge or x == -math.huge then
    fault.raise("%s: wrong value: %s is %s; it must be a finite number", what, name, options.show(x))
  end
end

-- n values from a to b, both included: at(i, m) is the i-th of 0..m.
local function grid(what, a, b, n, at)
  local count = check_count(what, n)
  local items = { a }
  for i = 1, count - 1 do items[i + 1] = i == count - 1 and b or rounded(at(i, count - 1)) end
  for i = 1, count do
    for j = 1, i - 1 do
      if items[i] == items[j] then fault.raise("%s: equal values: entries %d and %d are %s; use fewer", what, j, i, options.show(items[i])) end
    end
  end
  return new("choice", items)
end

-- One of the given values: numbers, strings, booleans, schedules, plain tables, further spaces.
-- example:
-- tw.space.choice{ 0.1, 0.3, tw.space.linear(1, 2, 3) } --> space of 5 values
-- tw.optim.sgd{ lr = tw.space.choice{ 0.1, 0.3 } } --> space of 2 values
---@param items any[]
---@return thalweg.Space
function space.choice(items)
  if type(items) ~= "table" or getmetatable(items) ~= nil then
    fault.raise("space.choice: an array of values is needed: got %s; write space.choice{ 1, 2 }", options.show(items))
  end
  local n = #items
  if n == 0 then fault.raise("space.choice: no values") end
  local copy = {}
  for k, v in next, items do
    if math.type(k) ~= "integer" or k < 1 or k > n then
      fault.raise("space.choice: only an array is allowed: key is %s; use space.zip or space.list for named values", options.show(k))
    end
    copy[k] = v
  end
  return new("choice", copy)
end

-- n values from a to b in equal steps, rounded to 15 significant digits, end points exact.
-- formula: x_i = (a (m - i) + b i) / m, i = 0..m, m = n - 1
-- example:
-- tw.space.linear(0, 1, 11) --> space of 11 values
---@param a number
---@param b number
---@param n integer
---@return thalweg.Space
function space.linear(a, b, n)
  check_number("space.linear", "a", a)
  check_number("space.linear", "b", b)
  return grid("space.linear", a, b, n, function(i, m) return (a * (m - i) + b * i) / m end)
end

-- n values from a to b in equal ratios, rounded to 15 significant digits, end points exact: log(1e-4, 1, 5) gives 0.001 and not its neighbour.
-- a and b are positive.
-- formula: x_i = a (b/a)^(i/m), i = 0..m, m = n - 1
-- source: Dekker 1971 for the remainder of i/m, which ln(b/a) would magnify
-- example:
-- tw.space.log(1e-4, 1, 5) --> space of 5 values
---@param a number
---@param b number
---@param n integer
---@return thalweg.Space
function space.log(a, b, n)
  check_number("space.log", "a", a)
  check_number("space.log", "b", b)
  if not (a > 0 and b > 0) then
    fault.raise("space.log: the ends must be positive: a is %s, b is %s", options.show(a), options.show(b))
  end
  local ratio = b / a
  local ln = num.log(ratio)
  return grid("space.log", a, b, n, function(i, m)
    local q = i / m
    local t = q * 134217729.0 -- 2^27 + 1
    local high = t - (t - q)
    local low = q - high
    local rest = ((i - high * m) - low * m) / m
    return a * num.pow(ratio, q) * (1 + rest * ln)
  end)
end

-- a, a + step, ... up to and including b where the steps hit it; rounded to 15 significant digits. Integers stay integers.
-- Steps that do not lead from a to b are an error.
-- example:
-- tw.space.range(16, 64, 16) --> space of 4 values
---@param a number
---@param b number
---@param step? number default 1; negative to count down
---@return thalweg.Space
function space.range(a, b, step)
  step = step == nil and 1 or step
  check_number("space.range", "a", a)
  check_number("space.range", "b", b)
  check_number("space.range", "step", step)
  if step == 0 or (b - a) / step < 0 then
    fault.raise("space.range: the steps do not lead from a to b: a is %s, b is %s, step is %s", options.show(a), options.show(b), options.show(step))
  end
  -- A millionth of a step forgives the rounding of (b - a) / step.
  local count = math.floor((b - a) / step + 1e-6)
  local items = { a }
  for i = 1, count do
    local x = a + i * step
    if math.type(x) == "float" then
      x = rounded(x)
      if math.abs(x - b) <= 1e-6 * math.abs(step) then x = b end
    end
    items[i + 1] = x
  end
  return new("choice", items)
end

local function check_name(what, name)
  if type(name) ~= "string" or not name:match("^[%a_][%w_]*$") then
    fault.raise("%s: a name is needed: got %s", what, options.show(name))
  end
end

-- Parameters that vary together: the i-th values of every array form one item. As an unnamed entry of a table its names join that table.
-- Arrays of different lengths are an error.
-- example:
-- tw.space.zip{ lr = { 0.1, 0.05 }, batch = { 32, 64 } } --> space of 2 values
---@param columns table<string, any[]> arrays of one length
---@return thalweg.Space
function space.zip(columns)
  if type(columns) ~= "table" or getmetatable(columns) ~= nil or next(columns) == nil then
    fault.raise("space.zip: named arrays are needed: got %s; write space.zip{ lr = { .1, .2 }, batch = { 16, 32 } }", options.show(columns))
  end
  local length, first, rows = nil, nil, {}
  for name, column in ordered.pairs(columns) do
    check_name("space.zip", name)
    local list = space.is(column) and column.items or column
    if type(list) ~= "table" or #list == 0 then
      fault.raise("space.zip: an array of values is needed: %s is %s", name, options.show(column))
    end
    length, first = length or #list, first or name
    if #list ~= length then
      fault.raise("space.zip: lengths differ: %s has %d values, %s has %d", first, length, name, #list)
    end
    for i = 1, length do
      rows[i] = rows[i] or {}
      rows[i][name] = list[i]
    end
  end
  return new("rows", rows)
end

-- Parameters given row by row: each table is one item. As an unnamed entry of a table the names join that table.
-- example:
-- tw.space.list{ { lr = 0.1, batch = 32 }, { lr = 0.05, batch = 64 }, { lr = 0.05, batch = 128 } } --> space of 3 values
---@param rows table<string, any>[]
---@return thalweg.Space
function space.list(rows)
  if type(rows) ~= "table" or getmetatable(rows) ~= nil or #rows == 0 then
    fault.raise("space.list: an array of tables is needed: got %s; write space.list{ { lr = .1 }, { lr = .2 } }", options.show(rows))
  end
  local copy = {}
  for i, row in ipairs(rows) do
    if type(row) ~= "table" or getmetatable(row) ~= nil or next(row) == nil then
      fault.raise("space.list: a table of named values is needed: entry %d is %s", i, options.show(row))
    end
    for name in next, row do check_name("space.list", name) end
    copy[i] = row
  end
  return new("rows", copy)
end

local function put(into, name, v)
  if into[name] ~= nil then fault.raise("space: a name is given twice: %s", tostring(name)) end
  into[name] = v
end

-- Every combination of a table's values: keys in order, the last varies fastest. The names of an unnamed zip or list
-- join the table, unless the table is a list of arguments.
local function product(t, are_arguments)
  local combos = { {} }
  for _, key in ipairs(ordered.keys(t)) do
    local values, wider = space.enumerate(t[key]), {}
    local joins = not are_arguments and math.type(key) == "integer" and space.is(t[key]) and t[key].kind == "rows"
    for _, combo in ipairs(combos) do
      for _, v in ipairs(values) do
        local copy = {}
        for k, old in next, combo do copy[k] = old end
        if joins then
          for name, one in next, v do put(copy, name, one) end
        else
          put(copy, key, v)
        end
        wider[#wider + 1] = copy
      end
    end
    combos = wider
  end
  return combos
end

-- All values of a space, of a plain table with spaces in it, or of a plain value (itself), in order.
---@param v any
---@return any[]
function space.enumerate(v)
  if not space.is(v) then return space.contains(v) and product(v) or { v } end
  if v.kind == "build" then return v.items end
  local out = {}
  for _, item in ipairs(v.items) do
    for _, value in ipairs(space.enumerate(item)) do out[#out + 1] = value end
  end
  return out
end

-- Makes a constructor that, given a space anywhere in its arguments, returns the space of what it would construct.
---@generic F: function
---@param make F
---@return F
function space.lift(make)
  local function lifted(...)
    local parts = table.pack(...)
    local n = parts.n
    parts.n = nil
    if not space.contains(parts) then return make(...) end
    local items = {}
    for i, combo in ipairs(product(parts, true)) do items[i] = make(table.unpack(combo, 1, n)) end
    return new("build", items, { parts = parts, count = n, make = lifted })
  end
  return lifted
end

Space.__add = space.lift(function(a, b) return a + b end)
Space.__sub = space.lift(function(a, b) return a - b end)
Space.__mul = space.lift(function(a, b) return a * b end)
Space.__div = space.lift(function(a, b) return a / b end)
Space.__pow = space.lift(function(a, b)
  if type(a) == "number" and type(b) == "number" then return num.pow(a, b) end
  return a ^ b
end)

Space.__index = function(_, k)
  fault.raise("space: it has no value yet: field is %s; a space becomes one value per run, in run.params", tostring(k))
end
Space.__call = function() fault.raise("space: it has no value yet; a space becomes one value per run, in run.params") end
Space.__tostring = function(self) return string.format("space of %d values", #space.enumerate(self)) end

return space
