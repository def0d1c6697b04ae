-- Canonical text: equal values have equal text, whatever the order or layout in which a script wrote them. Run ids,
-- code hashes and the plan in the file are built on it, so its rules never change:
-- integral numbers as integers, others in the shortest form that reads back exactly; strings quoted; names sorted bytewise.
local core = require "thalweg.core"

local canonical = {}

-- The shortest decimal text that reads back as exactly this number; integral values have no point or exponent below 1e15.
---@param x number
---@return string
function canonical.number(x)
  if math.type(x) == "integer" then return string.format("%d", x) end
  if x ~= x then return "nan" end
  if x == math.huge then return "inf" end
  if x == -math.huge then return "-inf" end
  if x == 0 then return 1 / x < 0 and "-0" or "0" end
  if x == math.floor(x) and math.abs(x) < 1e15 then return string.format("%d", math.tointeger(x)) end
  for digits = 1, 17 do
    local text = string.format("%." .. digits .. "g", x)
    if tonumber(text) == x then
      -- 1e-05 -> 1e-5, 1e+20 -> 1e20
      return (text:gsub("e([+-])0*", function(sign) return sign == "-" and "e-" or "e" end))
    end
  end
end

local function quoted(s)
  local body = s:gsub('[%c"\\\127]', function(c)
    if c == "\n" then return "\\n" end
    if c == '"' or c == "\\" then return "\\" .. c end
    return string.format("\\%03d", c:byte())
  end)
  return '"' .. body .. '"'
end

local keywords = {}
for word in ("and break do else elseif end false for function goto if in local nil not or repeat return then true until while"):gmatch("%a+") do
  keywords[word] = true
end

local text

local function key_text(k)
  if type(k) == "string" and k:match("^[%a_][%w_]*$") and not keywords[k] then return k end
  return "[" .. text(k) .. "]"
end

local function table_text(t, seen)
  if seen[t] then error("canonical: a table contains itself", 0) end
  seen[t] = true
  local out, n, fields = {}, 0, {}
  while t[n + 1] ~= nil do
    n = n + 1
    out[n] = text(t[n], seen)
  end
  for k, v in next, t do
    if not (math.type(k) == "integer" and k >= 1 and k <= n) then
      if type(k) == "table" or type(k) == "function" or type(k) == "userdata" then
        error("canonical: a key must be plain: key is a " .. type(k), 0)
      end
      fields[#fields + 1] = { key_text(k), text(v, seen) }
    end
  end
  table.sort(fields, function(a, b) return a[1] < b[1] end)
  for _, field in ipairs(fields) do out[#out + 1] = field[1] .. "=" .. field[2] end
  seen[t] = nil
  return "{" .. table.concat(out, ",") .. "}"
end

-- Text of a number, string, boolean, nil, described object (a schedule, a model), or plain table of these.
-- Raises on anything else; the message is a plain string without a position.
---@param v any
---@return string
function canonical.text(v, seen)
  local t = type(v)
  if t == "number" then return canonical.number(v) end
  if t == "string" then return quoted(v) end
  if t == "boolean" or t == "nil" then return tostring(v) end
  if core.is_laned(v) then return "lanes" end -- inside a run only; what is stored was written before
  local meta = getmetatable(v)
  if type(meta) == "table" and meta.__canonical then return meta.__canonical(v) end
  if t == "table" and meta == nil then return table_text(v, seen or {}) end
  error("canonical: no text for a " .. (type(meta) == "table" and type(meta.__name) == "string" and meta.__name or t), 0)
end
text = canonical.text

-- The parameters of a run as one line: "batch=32 lr=0.1".
---@param params table<string, any>
---@return string
function canonical.params(params)
  local names, out = {}, {}
  for name in next, params do names[#names + 1] = name end
  table.sort(names)
  for i, name in ipairs(names) do out[i] = name .. "=" .. canonical.text(params[name]) end
  return table.concat(out, " ")
end

return canonical
