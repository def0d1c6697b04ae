-- Data sets from CSV files: a header row, numeric features, and optionally a target, which becomes class labels 1..K or numbers.
local core = require "thalweg.core"
local fault = require "thalweg.fault"
local find = require "thalweg.data.find"
local names = require "thalweg.names"
local options = require "thalweg.options"
local parse = require "thalweg.data.parse"

---@class thalweg.Dataset
---@field n integer examples
---@field x thalweg.Tensor features, [n d], dtype as asked for
---@field y? thalweg.Tensor [n]: i64 classes 1..K, or real values where the target is numeric
---@field features string[] names of x's columns
---@field target? string name of y's column
---@field classes? string[] what class 1, 2, ... is called in the file
---@field file string the name the script gave

local fields = {
  { name = "target", type = "string", optional = true, about = "the column to predict" },
  { name = "kind", type = "string", choices = { "class", "number" }, default = "class", about = "what the target is" },
  { name = "columns", type = "table", optional = true, about = "the feature columns, all others but the target by default" },
  { name = "dtype", type = "string", choices = { "f64", "f32" }, optional = true, about = "dtype of the features and of a numeric target" },
}

-- A decimal number, as tonumber reads it; no hexadecimal.
local function number(text)
  local v = tonumber(text)
  if v and not text:find("[xX]") then return v end
  return nil
end

local function read(path)
  local file, message = io.open(path, "rb")
  if not file then fault.raise("data.csv: cannot open %s", message) end
  local text = file:read("a")
  file:close()
  return text
end

local function table_of(path, text)
  local header, rows, lines
  local function complain(line, format, ...) fault.raise("%s:%d: %s", path, line, string.format(format, ...)) end
  local ok, message, line = parse.records(text, function(record, at)
    if not header then
      header, rows, lines = record, {}, {}
      local seen, numeric = {}, 0
      for i, name in ipairs(record) do
        record[i] = name:match("^%s*(.-)%s*$")
        name = record[i]
        if number(name) then numeric = numeric + 1 end
        if name == "" then complain(at, "column %d has no name", i) end
        if seen[name] then complain(at, "two columns have one name: columns %d and %d are %s", seen[name], i, name) end
        seen[name] = i
      end
      if numeric == #record then complain(at, "the header row is missing: the first row is all numbers") end
      return
    end
    if #record ~= #header then complain(at, "wrong number of fields: there are %d, the header has %d", #record, #header) end
    rows[#rows + 1], lines[#lines + 1] = record, at
  end)
  if not ok then complain(line, "%s", message) end
  if not header then complain(1, "the file is empty") end
  if #rows == 0 then complain(1, "there are no rows below the header") end
  return header, rows, lines
end

local function column_index(path, header, name, what)
  for i, candidate in ipairs(header) do
    if candidate == name then return i end
  end
  fault.raise("data.csv: %s: no such column: %s is %s; %s", path, what, options.show(name), names.hint(name, header))
end

local function cell_number(path, line, name, text)
  local v = number(text)
  if v then return v end
  if text:find("%S") then
    fault.raise("%s:%d: not a number: %s is %s; make it the target, or list the columns to read", path, line, name, options.show(text))
  end
  fault.raise("%s:%d: an empty field: %s has no value", path, line, name)
end

-- Class labels in order: numbers ascending when all are numbers, else texts bytewise.
local function classes_of(rows, index)
  local seen, labels, numeric = {}, {}, true
  for _, row in ipairs(rows) do
    local label = row[index]:match("^%s*(.-)%s*$")
    if not seen[label] then
      seen[label] = true
      labels[#labels + 1] = label
      numeric = numeric and number(label) ~= nil
    end
  end
  table.sort(labels, function(a, b)
    if numeric and number(a) ~= number(b) then return number(a) < number(b) end
    return a < b
  end)
  local class = {}
  for i, label in ipairs(labels) do class[label] = i end
  return labels, class
end

-- Reads a data set from a CSV file with a header row: x [n d], and where a target is named y [n], i64 classes 1..K or numbers. A relative path is
-- looked for beside the script, then in the package's data folder (breast_cancer.csv, diabetes.csv, digits.csv, iris.csv, wine.csv). Raises with
-- file:line: a missing file, a missing header, a row of another length, a feature that is no number, an empty field.
-- example:
-- local digits = tw.data.csv("digits.csv", { target = "digit" })
-- digits.n, digits.x.shape[2], digits.classes[1], digits.y[1] --> 1797  64  0  i64[] 1
---@param path string
---@param o? { target?: string, kind?: "class"|"number", columns?: string[], dtype?: "f64"|"f32" }
---@return thalweg.Dataset
local function csv(path, o)
  if type(path) ~= "string" then fault.raise("data.csv: a path is needed: got %s", options.show(path)) end
  o = options.check("data.csv", fields, o)
  local found, tried = find.file(path)
  if not found then fault.raise("data.csv: no such file: %s; looked at %s", path, table.concat(tried, ", ")) end
  local header, rows, lines = table_of(found, read(found))
  local target = o.target and column_index(found, header, o.target, "target")
  local wanted, features = {}, {}
  if o.columns then
    for i, name in ipairs(o.columns) do wanted[i] = column_index(found, header, name, "columns[" .. i .. "]") end
  else
    for i = 1, #header do
      if i ~= target then wanted[#wanted + 1] = i end
    end
  end
  if #wanted == 0 then fault.raise("data.csv: %s: no feature columns: the only column is the target", found) end
  for i, index in ipairs(wanted) do features[i] = header[index] end
  local flat, n, known = {}, 0, {} -- known: texts seen before; pixels and counts repeat
  for r, row in ipairs(rows) do
    for i = 1, #wanted do
      local text = row[wanted[i]]
      local v = known[text]
      if not v then
        v = cell_number(found, lines[r], features[i], text)
        known[text] = v
      end
      n = n + 1
      flat[n] = v
    end
  end
  -- The name as written, not the path found: a moved package is no other data set.
  local d = { n = #rows, file = path, features = features, x = core.tensor(flat, { dtype = o.dtype or "f64" }):reshape(#rows, #wanted) }
  if not target then return d end
  d.target = header[target]
  local values = {}
  if o.kind == "number" then
    for r, row in ipairs(rows) do values[r] = cell_number(found, lines[r], d.target, row[target]) end
    d.y = core.tensor(values, { dtype = o.dtype or "f64" })
    return d
  end
  local labels, class = classes_of(rows, target)
  for r, row in ipairs(rows) do
    local label = row[target]:match("^%s*(.-)%s*$")
    if label == "" then fault.raise("%s:%d: an empty field: %s has no value", found, lines[r], d.target) end
    values[r] = class[label]
  end
  d.classes, d.y = labels, core.tensor(values, { dtype = "i64" })
  return d
end

return csv
