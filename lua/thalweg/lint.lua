-- What can be known to be wrong before a run starts: globals that nobody declared, and names that a module does not have.
-- Both are read from the compiled code, so comments, strings and shadowed names cannot mislead it.
local bytecode = require "thalweg.bytecode"
local fault = require "thalweg.fault"
local names = require "thalweg.names"

local lint = {}

local function position(p, line)
  return string.format("%s:%d", (p.source or "?"):match("^[@=](.*)$") or "?", line or 0)
end

-- Which upvalues of a nested prototype are known, given those of the prototype around it: index -> whatever the parent has there.
local function inherited(child, known)
  local out = {}
  for i, upvalue in ipairs(child.upvalues) do
    if not upvalue.in_stack then out[i] = known[upvalue.index + 1] end
  end
  return out
end

local function check_globals(p, known, declared)
  bytecode.accesses(p, function(kind, upvalue, name, line)
    if not known[upvalue] then return end
    if kind == "set" then
      fault.usage(string.format("%s: assignment to a global: %s; declare it with local", position(p, line), name))
    end
    if rawget(declared, name) == nil then
      fault.usage(string.format("%s: undeclared global: %s; declare it with local, or %s", position(p, line), name, names.hint(name, names.of(declared))))
    end
  end)
  for _, child in ipairs(p.protos) do check_globals(child, inherited(child, known), declared) end
end

-- Raises { message, status = 2 } with file:line at the first read of a global that is not declared, or write to any.
---@param chunk function as load() returned it: its one upvalue is _ENV
---@param declared table<string, any>
function lint.globals(chunk, declared)
  check_globals(bytecode.of(chunk), { true }, declared)
end

local function check_names(p, known, modules)
  bytecode.accesses(p, function(kind, upvalue, name, line, pc)
    local module = known[upvalue]
    local prefix = module ~= nil and modules[module]
    if kind ~= "get" or not prefix then return end
    local value = rawget(module, name)
    local inner = value ~= nil and modules[value] and bytecode.field_after(p, pc)
    if inner then
      module, prefix, name = value, modules[value], inner
      value = rawget(module, name)
    end
    if value == nil then
      fault.usage(string.format("%s: unknown name: %s%s; %s", position(p, line), prefix, name, names.hint(name, names.of(module))))
    end
  end)
  for _, child in ipairs(p.protos) do check_names(child, inherited(child, known), modules) end
end

-- Raises { message, status = 2 } with file:line when f, or a function it reaches through upvalues and tables, reads a name that
-- a module does not have: tw.epx, tw.nn.mpl.
---@param f function
---@param modules table<table, string> the modules and their prefixes: [tw] = "tw."
function lint.names(f, modules)
  local seen = {}
  local function visit(v)
    if (type(v) ~= "function" and type(v) ~= "table") or seen[v] or modules[v] then return end
    seen[v] = true
    if type(v) == "table" then
      if getmetatable(v) ~= nil then return end
      for _, child in next, v do visit(child) end
      return
    end
    local info = debug.getinfo(v, "Su")
    if info.what == "C" or fault.is_library(v) then return end
    local values = {}
    for i = 1, info.nups do
      local _, value = debug.getupvalue(v, i)
      values[i] = value
    end
    check_names(bytecode.of(v), values, modules)
    for i = 1, info.nups do visit(values[i]) end
  end
  visit(f)
end

return lint
