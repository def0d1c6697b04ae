-- The language of --only: comparisons of parameters with and, or, not and parentheses, "lr<0.1 and decay=='cosine'". It can do
-- nothing but select. A parameter that a configuration does not have compares false with everything (~= included).
local canonical = require "thalweg.canonical"
local fault = require "thalweg.fault"
local names = require "thalweg.names"

local only = {}

local function tokens(text)
  local out, i = {}, 1
  while true do
    i = text:match("^%s*()", i)
    if i > #text then break end
    local kind, value, after
    local word, word_end = text:match("^([%a_][%w_.]*)()", i)
    local number, number_end = text:match("^(%.?%d[%w.]*[+-]?%w*)()", i)
    if word then
      kind, value, after = "word", word, word_end
    elseif number then
      -- "0.1-2" is no number: a sign belongs to it only after an exponent's e.
      local short, short_end = text:match("^([%d.]+[eE][+-]?%d+)()", i)
      if not short then short, short_end = text:match("^([%w.]+)()", i) end
      kind, value, after = "number", tonumber(short), short_end
      if not value then return nil, i end
    else
      local quote = text:match("^['\"]", i)
      if quote then
        local close = text:find(quote, i + 1, true)
        if not close then return nil, i end
        kind, value, after = "string", text:sub(i + 1, close - 1), close + 1
      else
        local sign = text:match("^[<>=~!]=", i) or text:match("^[<>()=-]", i)
        if not sign then return nil, i end
        kind, value, after = "sign", sign, i + #sign
      end
    end
    out[#out + 1] = { kind = kind, value = value, at = i }
    i = after
  end
  return out
end

local comparisons = {
  ["<"] = function(a, b) return a < b end,
  ["<="] = function(a, b) return a <= b end,
  [">"] = function(a, b) return a > b end,
  [">="] = function(a, b) return a >= b end,
  ["=="] = function(a, b) return a == b end,
  ["="] = function(a, b) return a == b end,
  ["~="] = function(a, b) return a ~= b end,
  ["!="] = function(a, b) return a ~= b end,
}

-- A parameter inside another is opt.lr in a script and opt_lr in the file: both are understood.
local function other_spelling(name, parameters)
  local column = name:gsub("%.", "_")
  for _, one in ipairs(parameters) do
    if one:gsub("%.", "_") == column then return one end
  end
end

-- Compiles an expression. Returns a predicate over a table of flat values by dotted name ("lr", "decay.rate"; a schedule by its kind).
-- Raises { message, status = 2 }: a syntax error with its column, an unknown name with the valid ones.
-- `o` replaces what messages begin with, how they are raised, and which names are known.
---@param text string
---@param parameters string[] the valid names
---@param o? { what?: string, raise?: fun(message: string), known?: fun(name: string): boolean }
---@return fun(values: table<string, any>): boolean
function only.compile(text, parameters, o)
  o = o or {}
  local what, raise = o.what or "--only", o.raise or fault.usage
  local list, bad = tokens(text)
  local function complain(at, format, ...)
    raise(string.format("%s: %s at column %d of %q", what, string.format(format, ...), at, text))
  end
  if not list then complain(bad, "unexpected character") end
  local names_known = {}
  for _, name in ipairs(parameters) do names_known[name] = true end
  local known = o.known or function(name) return names_known[name] end
  local p = 1

  local function peek(value)
    local token = list[p]
    return token and token.kind ~= "string" and token.value == value
  end

  local either

  local function operand()
    local token = list[p]
    if not token then complain(#text + 1, "a value is missing") end
    p = p + 1
    if token.kind == "number" or token.kind == "string" then return function() return token.value end end
    if token.kind == "sign" then
      local number = list[p]
      if token.value == "-" and number and number.kind == "number" then
        p = p + 1
        return function() return -number.value end
      end
      complain(token.at, "unexpected %s", token.value)
    end
    if token.value == "true" or token.value == "false" then
      local value = token.value == "true"
      return function() return value end
    end
    local name = known(token.value) and token.value or other_spelling(token.value, parameters)
    if not name then raise(string.format("%s: unknown parameter: %s; %s", what, token.value, names.hint(token.value, parameters))) end
    return function(values) return values[name] end
  end

  local function comparison()
    if peek("(") then
      local open = list[p]
      p = p + 1
      local inside = either()
      if not peek(")") then complain(list[p] and list[p].at or #text + 1, "a ) for the ( at column %d is missing", open.at) end
      p = p + 1
      return inside
    end
    local start = list[p]
    local left = operand()
    local sign = list[p]
    local compare = sign and sign.kind == "sign" and comparisons[sign.value]
    if not compare then
      return function(values)
        local v = left(values)
        if v ~= nil and type(v) ~= "boolean" then complain(start.at, "a comparison is missing after the %s", type(v)) end
        return v == true
      end
    end
    p = p + 1
    local right = operand()
    return function(values)
      local a, b = left(values), right(values)
      if a == nil or b == nil then return false end
      if type(a) ~= type(b) then
        if sign.value == "==" or sign.value == "=" then return false end
        if sign.value == "~=" or sign.value == "!=" then return true end
        complain(sign.at, "a %s is compared with a %s", type(a), type(b))
      end
      if type(a) == "boolean" and not (sign.value:find("=", 1, true) and not sign.value:find("[<>]")) then
        complain(sign.at, "booleans have no order")
      end
      return compare(a, b)
    end
  end

  local function negation()
    if not peek("not") then return comparison() end
    p = p + 1
    local inside = negation()
    return function(values) return not inside(values) end
  end

  local function both()
    local left = negation()
    while peek("and") do
      p = p + 1
      local a, b = left, negation()
      left = function(values) return a(values) and b(values) end
    end
    return left
  end

  either = function()
    local left = both()
    while peek("or") do
      p = p + 1
      local a, b = left, both()
      left = function(values) return a(values) or b(values) end
    end
    return left
  end

  local predicate = either()
  if list[p] then complain(list[p].at, "unexpected %s", tostring(list[p].value)) end
  return predicate
end

-- "lr 0.001 to 0.1, momentum 0 to 0.9": what there is to select from.
---@param runs { values: table<string, any> }[]
---@return string
function only.ranges(runs)
  local seen, count = {}, {}
  for _, run in ipairs(runs) do
    for name, v in next, run.values do
      seen[name] = seen[name] or {}
      local key = type(v) == "number" and canonical.number(v) or tostring(v)
      if not seen[name][key] then
        seen[name][key] = true
        count[name] = (count[name] or 0) + 1
      end
    end
  end
  local out = {}
  for _, name in ipairs(names.of(seen)) do
    local list = names.of(seen[name])
    table.sort(list, function(a, b)
      local x, y = tonumber(a), tonumber(b)
      if x and y and x ~= y then return x < y end
      return a < b
    end)
    out[#out + 1] = name .. " " .. (#list <= 3 and table.concat(list, ", ") or list[1] .. " to " .. list[#list])
  end
  return table.concat(out, "; ")
end

return only
