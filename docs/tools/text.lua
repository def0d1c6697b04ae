-- The form of documentation, in a row of the binding and in the comment above a Lua function alike: calls, sentences, `formula:`, `source:`,
-- `derivative:`, `example:`. Reads it; knows nothing of where it came from or how it will look.
local text = {}

---@class docs.Text
---@field calls string[] "sum(x [, axis]) -> tensor"
---@field about string[] paragraphs
---@field formula? string
---@field source? string
---@field derivative? string[] as it stands in ops.def, one per input
---@field example? string[] lines

local tags = { formula = true, source = true, derivative = true, example = true }

local function trimmed(s) return (s:gsub("%s+$", "")) end

-- Is this line a call of the function of that name?
local function is_call(line, name)
  return line:sub(1, #name) == name and line:find("^%s*[%({%[.]", #name + 1) ~= nil and (line:find("%->") ~= nil or line:find("[%)}]$") ~= nil)
end

---@param doc string lines
---@param name string the name that begins a call
---@return docs.Text
function text.parse(doc, name)
  local out, tag = { calls = {}, about = {} }, "calls"
  local paragraph = {}
  local function flush()
    if #paragraph > 0 then out.about[#out.about + 1] = table.concat(paragraph, " ") end
    paragraph = {}
  end
  for line in (doc .. "\n"):gmatch("(.-)\n") do
    line = trimmed(line)
    local word, rest = line:match("^(%l+):%s*(.*)$")
    if tag == "example" then
      out.example[#out.example + 1] = line
    elseif word and tags[word] then
      tag = word
      if word == "example" then
        out.example = {}
      elseif word == "derivative" then
        out.derivative = out.derivative or {}
        table.insert(out.derivative, rest)
      else
        out[word] = rest
      end
    elseif tag == "calls" and is_call(line, name) then
      out.calls[#out.calls + 1] = line
    elseif tag == "calls" or tag == "about" then
      tag = "about"
      if line == "" then flush() else paragraph[#paragraph + 1] = line end
    elseif line ~= "" and type(out[tag]) == "string" then
      out[tag] = out[tag] .. " " .. line
    end
  end
  flush()
  while out.example and out.example[#out.example] == "" do table.remove(out.example) end
  return out
end

-- A sentence with a capital letter and a full stop, for rows that are described in a few words.
---@param s string
---@return string
function text.sentence(s)
  if s:match("^%l%l+[%s,;]") or s:match("^%l%l+$") then s = s:sub(1, 1):upper() .. s:sub(2) end
  return s:match("[.!?)]$") and s or s .. "."
end

-- Lines of at most `width` characters.
---@param s string
---@param width integer
---@return string
function text.wrap(s, width)
  local lines, line = {}, ""
  for word in s:gmatch("%S+") do
    if line ~= "" and utf8.len(line) + 1 + utf8.len(word) > width then
      lines[#lines + 1] = line
      line = word
    else
      line = line == "" and word or line .. " " .. word
    end
  end
  lines[#lines + 1] = line
  return table.concat(lines, "\n")
end

-- A derivative of ops.def, "MUL(t, SUB(C(1), MUL(y, y)))", as it is written by hand: "t * (1 - y * y)".
---@param code string
---@return string
function text.derivative(code)
  local function atom(s) return { s, 9 } end
  local function within(v, least) return v[2] < least and "(" .. v[1] .. ")" or v[1] end
  local function infix(sign, level, strict)
    return function(a, b) return { within(a, level) .. sign .. within(b, strict and level + 1 or level), level } end
  end
  local function when(sign)
    return function(c, a, b) return { within(a, 1) .. " where " .. c[1] .. sign .. "0, else " .. within(b, 1), 0 } end
  end
  local function call(f, ...)
    local arguments = {}
    for i, v in ipairs { ... } do arguments[i] = v[1] end
    return atom(f[1] .. "(" .. table.concat(arguments, ", ") .. ")")
  end
  local known = {
    ADD = infix(" + ", 1), SUB = infix(" - ", 1, true), MUL = infix(" * ", 2, true), DIV = infix(" / ", 2, true), R1 = call, R2 = call,
    POS = when " > ", ZERO = when " = ",
    NEG = function(a) return { "-" .. within(a, 2), 2 } end,
    C = function(c) return c < 0 and { tostring(c), 1 } or atom(tostring(c)) end,
  }
  local env = setmetatable({}, { __index = function(_, k) return known[k] or atom(k) end })
  return assert(load("return " .. code, "=derivative", "t", env))()[1]
end

return text
