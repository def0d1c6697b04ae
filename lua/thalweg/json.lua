-- JSON text of plain Lua values (RFC 8259). Numbers are written in the shortest form that reads back exactly; what JSON has no number for is a string:
-- "NaN", "Infinity", "-Infinity". Keys are sorted, so that equal values have equal text.
local canonical = require "thalweg.canonical"

local json = {}

local Array = { __name = "json array" }

-- Marks a table as an array, which an empty one does not show.
---@param t table
---@return table
function json.array(t) return setmetatable(t, Array) end

local short = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t", ["\b"] = "\\b", ["\f"] = "\\f" }

-- Bytes that are no UTF-8 become U+FFFD.
local function valid(s)
  if utf8.len(s) then return s end
  local out, i = {}, 1
  while i <= #s do
    local _, bad = utf8.len(s, i)
    if not bad then
      out[#out + 1] = s:sub(i)
      break
    end
    out[#out + 1] = s:sub(i, bad - 1) .. "\u{FFFD}"
    i = bad + 1
  end
  return table.concat(out)
end

local function quoted(s)
  return '"' .. valid(s):gsub('[%c"\\]', function(c) return short[c] or ("\\u%04x"):format(c:byte()) end) .. '"'
end

local function number(x)
  if math.type(x) == "integer" then return ("%d"):format(x) end
  if x ~= x then return '"NaN"' end
  if x == math.huge then return '"Infinity"' end
  if x == -math.huge then return '"-Infinity"' end
  if x == 0 and 1 / x < 0 then return "-0.0" end
  return canonical.number(x)
end

local function is_array(t)
  if getmetatable(t) == Array then return true end
  local n = 0
  for k in next, t do
    if math.type(k) ~= "integer" then return false end
    n = n + 1
  end
  return n > 0 and n == #t
end

local function encode(v, indent, seen)
  local t = type(v)
  if t == "string" then return quoted(v) end
  if t == "number" then return number(v) end
  if t == "boolean" then return tostring(v) end
  if v == nil then return "null" end
  if t ~= "table" then error("json: no text for a " .. t, 0) end
  if seen[v] then error("json: a table contains itself", 0) end
  seen[v] = true
  local out, inner = {}, indent .. "  "
  local array = is_array(v)
  if array then
    for i = 1, #v do out[i] = encode(v[i], inner, seen) end
  else
    local keys = {}
    for k in next, v do
      if type(k) ~= "string" then error("json: a key must be a string: key is " .. tostring(k), 0) end
      keys[#keys + 1] = k
    end
    table.sort(keys)
    for i, k in ipairs(keys) do out[i] = quoted(k) .. ": " .. encode(v[k], inner, seen) end
  end
  seen[v] = nil
  local open, close = array and "[" or "{", array and "]" or "}"
  local line = open .. table.concat(out, ", ") .. close
  if #line + #indent <= 120 and not line:find("\n", 1, true) then return line end
  return open .. "\n" .. inner .. table.concat(out, ",\n" .. inner) .. "\n" .. indent .. close
end

-- The text of a value: what is short on one line, the rest indented.
---@param v any
---@return string
function json.encode(v) return encode(v, "", {}) end

return json
