-- What a run function does with run.params, known before it runs. A name that no configuration has is nil, and an optimizer would take its default for it.
-- Lua never asks a number that differs between runs what `==` with a plain number means, takes whether one has stopped as true, and gives nil for its integer.
-- Where a run function, or a function of the script's that it calls, does this to a parameter that is a lane or to what is computed from it, it is known from
-- the compiled code: registers are followed from run.params to the instruction.
local bytecode = require "thalweg.bytecode"
local core = require "thalweg.core"
local fault = require "thalweg.fault"
local names = require "thalweg.names"
local space = require "thalweg.space"

local lint = {}

-- lopcodes.h
local MOVE, GETUPVAL, GETTABUP, GETFIELD, SELF, UNM, BNOT, NOT, EQ, EQK, EQI, TEST, TESTSET, CALL, TAILCALL, CLOSURE =
  0, 9, 11, 14, 20, 49, 50, 51, 57, 60, 61, 66, 67, 68, 69, 79
local LOADNIL, SETTABLE, SETFIELD, FORLOOP, TFORLOOP, VARARG = 8, 16, 18, 73, 77, 80
local FIRST_WITH_CONSTANT, FIRST_WITH_REGISTERS, LAST_OPERATOR = 21, 34, 45 -- arithmetic: ADDI to SHLI, ADD to SHR
local bitwise = {}
for _, op in ipairs { 29, 30, 31, 32, 33, 41, 42, 43, 44, 45, BNOT } do bitwise[op] = true end
local writes_nothing = {} -- instructions whose A is read, or is no register
for _, op in ipairs { 10, 15, 16, 17, 18, 46, 47, 48, 54, 55, 56, EQ, 58, 59, EQK, EQI, 62, 63, 64, 65, TEST, 70, 71, 72, 78, 82 } do
  writes_nothing[op] = true
end

-- What gives nil where a plain number has an answer.
local converts = { [math.tointeger] = "math.tointeger", [math.type] = "math.type", [tonumber] = "tonumber" }

-- What tells a lane from a plain number: who asks knows what to do.
local asks_type = { [type] = true, [core.is_tensor] = true, [core.is_laned] = true }

-- Comparisons of tensors, whose result is a tensor.
local compares, comparison = {}, { lt = true, le = true, gt = true, ge = true }
for _, name in ipairs { "lt", "le", "gt", "ge", "eq", "ne" } do compares[core[name]] = true end

-- What a register may hold: { run } the run function's argument, { path, own } run.params (own: of that argument, for sure) or what stands under a dotted
-- name in it, { made } what is computed from that lane, { known } a function or table of the script's, { proto, outer } a closure, { info } what opt:info()
-- gives, { stopped } that of it, { method } a method that is to be called, { truths } what a comparison of tensors
-- gives, called at that place. name: of a parameter, where it was read from run.params; guarded: the script asks for its type.

local deepest = 8 -- calls inside calls that are followed

local Walk = {}
Walk.__index = Walk

function Walk:lane(value)
  if not value or value.guarded then return nil end
  return value.made or (self.lanes[value.path] and value.path)
end

function Walk:refuse(p, pc, text)
  fault.usage(("%s:%d: %s"):format((p.source or "?"):match("^[@=](.*)$") or "?", p.lines[pc] or 0, text))
end

-- way: how to go on with lanes.
function Walk:complain(p, pc, value, words, way)
  local name = self:lane(value)
  if not name then return end
  self:refuse(p, pc, ('the parameter "%s" differs between the runs computed together (lanes): %s; %s, or take "%s" off the list'):format(name,
    words, way, name))
end

-- A field of a table of the script's, without running anything.
local function field_of(t, key)
  if type(t) ~= "table" then return nil end
  local meta = getmetatable(t)
  local v = rawget(t, key)
  if v == nil and type(meta) == "table" and type(rawget(meta, "__index")) == "table" then v = rawget(rawget(meta, "__index"), key) end
  if type(v) == "function" or type(v) == "table" then return { known = v } end
end

-- What a call at pc gives, as far as it matters. A method whose name the script gives to something may be its own.
function Walk:result_of(f, pc)
  if f.method == "info" and not self.defined.info then return { info = true } end
  if (comparison[f.method] and not self.defined[f.method]) or compares[f.known] then return { truths = pc } end
end

local function upvalues_of(f)
  local out = {}
  for i = 1, 255 do
    local name, v = debug.getupvalue(f, i)
    if not name then return out end
    if type(v) == "function" or type(v) == "table" then out[i] = { known = v } end
  end
  return out
end

local function is_c(f) return debug.getinfo(f, "S").what == "C" end

-- Follows a call of a function of the script's that is given a lane, or something it may be found in.
function Walk:call(p, pc, f, args, depth)
  local any = false
  for _, value in pairs(args) do
    any = any or value.path ~= nil or value.made ~= nil or value.run ~= nil
    if value.name then self.tested[value.name] = true end -- who gets it may ask whether it is there
    if value.own and not (f and (f.proto or type(f.known) == "function" and not is_c(f.known))) then self.open = true end -- or give it other fields
    if f and asks_type[f.known] then value.guarded = true end
  end
  if not f or not any then return end
  if f.known and converts[f.known] then
    self:complain(p, pc, args[1], converts[f.known] .. " gives nil for it", "compute with it as it is")
  elseif type(f.known) == "function" and not is_c(f.known) and not fault.is_library(f.known) then
    self:follow(bytecode.of(f.known), upvalues_of(f.known), args, depth + 1)
  elseif f.proto then
    self:follow(f.proto, f.outer, args, depth + 1)
  end
end

-- Each function once for what it is given.
function Walk:follow(p, outer, args, depth)
  local key = { p.source or "?", p.first_line }
  for i = 1, p.n_params do key[#key + 1] = args[i] and (args[i].run and "run" or args[i].path or args[i].made) or "-" end
  key = table.concat(key, "\n")
  if depth > deepest or self.seen[key] then return end
  self.seen[key] = true
  local register = {}
  for i = 1, p.n_params do register[i - 1] = args[i] end
  self:instructions(p, outer, register, depth)
end

function Walk:instructions(p, outer, register, depth)
  for pc, instruction in ipairs(p.code) do
    local op, a, b, c = bytecode.fields(instruction)
    if op == EQ or op == EQI then
      for _, r in ipairs { a, op == EQ and b or nil } do
        self:complain(p, pc, register[r], "== and ~= never hold or always do", "use tw.where(tw.eq(...), ...)")
      end
    elseif op == EQK then
      local value = register[a]
      if value and value.name then self.tested[value.name] = true end
      local kind = p.constants[b + 1][1] -- nothing but a number is ever equal to a plain number, either
      if kind == "integer" or kind == "float" then
        self:complain(p, pc, register[a], "== and ~= never hold or always do", "use tw.where(tw.eq(...), ...)")
      end
    elseif op == TEST or op == TESTSET or op == NOT then
      local value = register[op == TEST and a or b]
      if value and value.name then self.tested[value.name] = true end
      if value and value.stopped and next(self.lanes) then
        self:refuse(p, pc, "opt:info().stopped may differ between the runs computed together (lanes): if, while and until take it as true; "
          .. "end runs with run:stop_if(opt:info().stopped), or take what differs off the list")
      elseif value and value.truths == pc - 1 and op == TEST and (instruction >> 15) & 1 == 0 then -- if, while, until; a and b or c is something else
        self:refuse(p, pc, "a comparison of tensors gives a tensor, which if, while, until, and, or, not take as true; compare numbers, x:item() < y, "
          .. "or end the run with run:stop_if(x:lt(y))")
      end
    elseif bitwise[op] then
      for _, r in ipairs { b, op >= FIRST_WITH_REGISTERS and op ~= BNOT and c or nil } do
        self:complain(p, pc, register[r], "&, | and ~ combine truths of tensors, not bits", "use // and %")
      end
    elseif op == CALL or op == TAILCALL then
      local args = {}
      for i = 1, b > 0 and b - 1 or 16 do args[i] = register[a + i] end
      self:call(p, pc, register[a], args, depth)
    elseif op == SETFIELD and register[a] and register[a].own then
      self.set[p.constants[b + 1][2]] = true
    elseif op == SETTABLE and register[a] and register[a].own then
      self.open = true
    end
    local new
    if op == CLOSURE then
      local child, seen = p.protos[(instruction >> 15) + 1], {}
      for i, upvalue in ipairs(child.upvalues) do
        if upvalue.in_stack then seen[i] = register[upvalue.index] else seen[i] = outer[upvalue.index + 1] end
      end
      self:instructions(child, seen, {}, depth)
      new = { proto = child, outer = seen }
    elseif op == MOVE then
      new = register[b]
    elseif op == GETUPVAL then
      new = outer[b + 1]
    elseif op == SELF then
      local named = (instruction >> 15) & 1 == 1 -- else the name is in a register
      register[a + 1] = register[b]
      new = named and { method = p.constants[c + 1][2] } or nil
    elseif op == CALL or op == VARARG or (op >= FORLOOP and op <= TFORLOOP) or op == LOADNIL then
      new = op == CALL and register[a] and self:result_of(register[a], pc) or nil
      for r in pairs(register) do
        if r >= a and (op ~= LOADNIL or r <= a + b) then register[r] = nil end
      end
    elseif op == UNM or (op >= FIRST_WITH_CONSTANT and op <= LAST_OPERATOR) then
      local name = self:lane(register[b]) or (op >= FIRST_WITH_REGISTERS and op ~= UNM and self:lane(register[c]))
      new = name and { made = name } or nil
    elseif op == GETFIELD or op == GETTABUP then
      local key, base = p.constants[c + 1][2], nil
      if op == GETFIELD then base = register[b] else base = outer[b + 1] end
      if base and base.run then
        new = key == "params" and { path = "", own = true } or key == "seed" and { path = "seed" } or nil
      elseif base and base.path then
        if base.own and depth == 0 then self.asked[#self.asked + 1] = { key, p, pc } end
        new = { path = base.path == "" and key or base.path .. "." .. key, name = base.own and key or nil }
      elseif base and base.info then
        new = key == "stopped" and { stopped = true } or nil
      elseif base and base.known then
        new = field_of(base.known, key)
      end
    end
    if not writes_nothing[op] then register[a] = new end
  end
end

-- The parameters' names: those of an unnamed zip or list stand in its rows.
local function names_of(params)
  local known = {}
  for k, v in next, params do
    if type(k) == "string" then known[k] = true
    elseif space.is(v) then
      for _, row in ipairs(space.enumerate(v)) do
        if type(row) == "table" then
          for name in next, row do known[name] = true end
        end
      end
    end
  end
  return known
end

local function fields_set(p, out)
  for _, instruction in ipairs(p.code) do
    local op, _, b = bytecode.fields(instruction)
    if op == SETFIELD then out[p.constants[b + 1][2]] = true end
  end
  for _, child in ipairs(p.protos) do fields_set(child, out) end
end

-- Raises { message, status = 2 } with file:line.
---@param f function an experiment's run
---@param lanes string[]
---@param params table the experiment's
---@param path string the script's; a run function from elsewhere may serve several experiments, so that it may ask for what this one does not have
---@param chunks? thalweg.Proto[] all of the script's code: which fields it gives to something
function lint.check(f, lanes, params, path, chunks)
  if debug.getinfo(f, "S").what == "C" or fault.is_library(f) then return end -- nothing of the script's to read
  local walk = setmetatable({ lanes = {}, seen = {}, asked = {}, set = {}, tested = {}, defined = {} }, Walk)
  for _, chunk in ipairs(chunks or {}) do fields_set(chunk, walk.defined) end
  for _, name in ipairs(lanes) do walk.lanes[name] = true end
  walk:follow(bytecode.of(f), upvalues_of(f), { { run = true } }, 0)
  local known = names_of(params)
  for _, one in ipairs(walk.asked) do
    local name, p, pc = table.unpack(one)
    if not walk.open and not known[name] and not walk.set[name] and not walk.tested[name] and p.source == "@" .. path then
      walk:refuse(p, pc, ("run.params: no parameter has this name: name is %s; %s"):format(tostring(name), names.hint(name, names.of(known))))
    end
  end
end

return lint
