-- Lua never asks a number that differs between runs what `==` with a plain number means, and `and`, `or`, `not` take it as true. Where a run function does this
-- to a parameter that is a lane, it is known from the compiled code: registers are followed from run.params to the instruction.
local bytecode = require "thalweg.bytecode"
local fault = require "thalweg.fault"

local lint = {}

-- lopcodes.h
local MOVE, GETUPVAL, GETTABUP, GETFIELD, EQ, EQK, EQI, TEST, TESTSET, NOT, CLOSURE = 0, 9, 11, 14, 57, 60, 61, 66, 67, 51, 79
local writes_nothing = {} -- instructions whose A is read, or is no register
for _, op in ipairs {
  10, 15, 16, 17, 18, 46, 47, 48, 54, 55, 56, EQ, 58, 59, EQK, EQI, 62, 63, 64, 65, TEST, 69, 70, 71, 72, 78, 82,
} do writes_nothing[op] = true end

local function words(op)
  if op == NOT then return "not takes it as true" end
  if op == TEST or op == TESTSET then return "if, and, or take it as true" end
  return "== and ~= never hold or always do"
end

-- A register holds nothing known (nil), run.params ("") or what stands under a dotted name in it ("decay.rate").
local function walk(p, outer, lanes)
  local register = {}
  local function complain(pc, op, a, b)
    for _, r in ipairs { a, b } do
      local name = register[r]
      if name and lanes[name] then
        fault.usage(('%s:%d: the parameter "%s" differs between the runs computed together (lanes): %s; use tw.where(tw.eq(...), ...), or take '
          .. '"%s" off the list'):format((p.source or "?"):match("^[@=](.*)$") or "?", p.lines[pc] or 0, name, words(op), name))
      end
    end
  end
  for pc, instruction in ipairs(p.code) do
    local op, a, b, c = bytecode.fields(instruction)
    if op == EQ then complain(pc, op, a, b)
    elseif op == EQK or op == EQI or op == TEST then complain(pc, op, a)
    elseif op == NOT or op == TESTSET then complain(pc, op, b) end
    if op == CLOSURE then
      local child, seen = p.protos[(instruction >> 15) + 1], {}
      for i, upvalue in ipairs(child.upvalues) do
        if upvalue.in_stack then seen[i] = register[upvalue.index] else seen[i] = outer[upvalue.index + 1] end
      end
      walk(child, seen, lanes)
    end
    local new
    if op == MOVE then new = register[b]
    elseif op == GETUPVAL then new = outer[b + 1]
    elseif op == GETFIELD or op == GETTABUP then
      local key, base = p.constants[c + 1][2], nil
      if op == GETFIELD then base = register[b] else base = outer[b + 1] end
      if key == "params" then new = "" elseif base then new = base == "" and key or base .. "." .. key end
    end
    if not writes_nothing[op] then register[a] = new end
  end
end

-- Raises { message, status = 2 } with file:line.
---@param f function an experiment's run
---@param names string[] its lanes
function lint.check(f, names)
  local lanes = {}
  for _, name in ipairs(names) do lanes[name] = true end
  if next(lanes) then walk(bytecode.of(f), {}, lanes) end
end

return lint
