-- An elementwise row's entry: from a few words and the derivative of ops.def to sentences, a note on i64, and an example, made by trying
-- values until the results are finite.
local example = require "docs.tools.example"
local text = require "docs.tools.text"
local tw = require "thalweg"

local row = {}

local unary = { "tw.tensor{ -1, 0.5, 2 }", "tw.tensor{ 0.5, 1, 2 }", "tw.tensor{ -0.5, 0, 0.5 }", "tw.tensor{ 1, 1.5, 2 }" }
local binary = { "tw.tensor{ 3, -1, 8 }, tw.tensor{ 4, 2, 0.5 }", "tw.tensor{ 3, 1, 8 }, tw.tensor{ 4, 2, 0.5 }", "tw.tensor{ 0.5, 1 }, tw.tensor{ 0.2, 0.1 }" }
local ternary = { "tw.tensor{ -1, 0.5, 2 }, 0, 1" }
local comparison = { "tw.tensor{ 1, 2, 3 }, 2" }
local logical = { "tw.tensor{ true, false }", "tw.tensor{ true, true, false }, tw.tensor{ true, false, false }" }
local undefined = "tw.tensor{ 1, 1/0, 0/0 }"

local function made_example(entry)
  local arguments = entry.calls[1]:match("%((.-)%)")
  local _, commas = arguments:gsub(",", "")
  local candidates = ({ unary, binary, ternary })[commas + 1]
  if entry.name:match("^is") then
    candidates = { undefined }
  elseif entry.name:match("^logical_") then
    candidates = { logical[commas + 1] }
  elseif entry.group == "Comparing and choosing" then
    candidates = comparison
  end
  for i, candidate in ipairs(candidates) do
    local code = ("tw.%s(%s)"):format(entry.name, candidate)
    local ok, y = pcall(assert(load("local tw = ... return " .. code)), tw)
    local finite = ok and (entry.name:match("^is") or y.dtype == "bool" or y:isfinite():to("i64"):sum():item() == y.size)
    if finite or (ok and i == #candidates) then return example.made({}, code) end
  end
  return nil
end

-- Whether a row has a meaning of its own for i64: found by asking.
local function keeps_i64(entry)
  local _, commas = entry.calls[1]:match("%((.-)%)"):gsub(",", "")
  local one = tw.tensor({ 1, 2 }, { dtype = "i64" })
  local arguments = {}
  for i = 1, commas + 1 do arguments[i] = one end
  local ok, y = pcall(tw[entry.name], table.unpack(arguments))
  return ok and y.dtype == "i64"
end

local operators = { neg = "-x", add = "a + b", sub = "a - b", mul = "a * b", div = "a / b", pow = "a ^ b", remainder = "a % b", floor_divide = "a // b",
  logical_and = "a & b", logical_or = "a | b", logical_xor = "a ~ b", logical_not = "~x" }

-- A row's few words as a sentence: "e^x - 1, accurate near 0" begins with what the function is, as code.
local function sentence_of(about)
  if about:match("^%l%l%l+[%s,;]") or about:match("^%l%l%l+$") then return text.sentence(about) end
  local depth = 0
  for i = 1, #about do
    local c = about:sub(i, i)
    depth = depth + ((c == "(" and 1) or (c == ")" and -1) or 0)
    if depth == 0 and (c == "," or c == ";") then
      local head = about:sub(1, i - 1)
      if head:match("^%-?%d+$") then return text.sentence(about) end
      return ("The function `%s`%s."):format(head, about:sub(i))
    end
  end
  if about:match("without overflow$") then return ("The function `%s` without overflow."):format(about:match("^(.-) without")) end
  return ("The function `%s`."):format(about)
end

-- Completes the entry of an elementwise row; leaves others as they are.
---@param entry docs.Entry
function row.finish(entry)
  if not entry.derivative and entry.group ~= "Comparing and choosing" then return end
  if entry.example then return end
  for i, about in ipairs(entry.about) do entry.about[i] = sentence_of(about) end
  local notes = { operators[entry.name] and ("Written `%s`."):format(operators[entry.name]) or nil }
  if entry.derivative then
    for i, d in ipairs(entry.derivative) do entry.derivative[i] = text.derivative(d) end
    if keeps_i64(entry) then notes[#notes + 1] = "`i64` is kept." end
  end
  if #notes > 0 then entry.note = table.concat(notes, " ") end
  entry.example = made_example(entry)
end

return row
