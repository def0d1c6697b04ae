-- Lua 5.4's precompiled form, read: what string.dump writes, as tables. For the linter (which globals does a chunk touch, where)
-- and the code hash (what does a function do, whatever its layout). Reads only what this same interpreter wrote.
local bytecode = {}

---@class thalweg.Proto
---@field source string|nil
---@field first_line integer
---@field n_params integer
---@field is_vararg boolean
---@field code integer[] instructions
---@field constants { [1]: string, [2]: any }[] { type, value }
---@field upvalues { in_stack: boolean, index: integer, kind: integer, name: string|nil }[]
---@field protos thalweg.Proto[]
---@field lines integer[] source line of each instruction

local function reader(s)
  local at = 1
  local r = {}
  function r.byte()
    at = at + 1
    return s:byte(at - 1)
  end
  function r.unpack(format)
    local v
    v, at = string.unpack(format, s, at)
    return v
  end
  function r.size() -- seven bits a byte, high ones first; the last byte has its top bit set
    local v = 0
    while true do
      local b = r.byte()
      v = v << 7 | b & 0x7f
      if b & 0x80 ~= 0 then return v end
    end
  end
  function r.string()
    local n = r.size()
    if n == 0 then return nil end
    at = at + n - 1
    return s:sub(at - n + 1, at - 1)
  end
  function r.skip(n) at = at + n end
  return r
end

-- Type tags of constants (lobject.h).
local NIL, FALSE, TRUE, INTEGER, FLOAT, SHORT, LONG = 0x00, 0x01, 0x11, 0x03, 0x13, 0x04, 0x14

local function read_constant(r)
  local tag = r.byte()
  if tag == NIL then return { "nil" } end
  if tag == FALSE then return { "boolean", false } end
  if tag == TRUE then return { "boolean", true } end
  if tag == INTEGER then return { "integer", r.unpack("<i8") } end
  if tag == FLOAT then return { "float", r.unpack("<d") } end
  if tag == SHORT or tag == LONG then return { "string", r.string() or "" } end
  error(string.format("bytecode: unknown constant: tag is %d", tag), 0)
end

-- Lines are kept as differences from one instruction to the next; -128 says: look in the table of absolute ones.
local function read_lines(r, first_line, n_code)
  local n = r.size()
  local steps = {}
  for i = 1, n do steps[i] = r.unpack("<b") end
  local absolute = {}
  for _ = 1, r.size() do
    local pc = r.size()
    absolute[pc + 1] = r.size()
  end
  local lines, line = {}, first_line
  for i = 1, n_code do
    if not steps[i] then break end
    line = steps[i] == -128 and absolute[i] or line + steps[i]
    lines[i] = line
  end
  return lines
end

local function read_proto(r, parent_source)
  local p = { constants = {}, upvalues = {}, protos = {}, code = {} }
  p.source = r.string() or parent_source
  p.first_line = r.size()
  r.size() -- last line
  p.n_params = r.byte()
  p.is_vararg = r.byte() ~= 0
  r.byte() -- stack size
  for i = 1, r.size() do p.code[i] = r.unpack("<I4") end
  for i = 1, r.size() do p.constants[i] = read_constant(r) end
  for i = 1, r.size() do
    p.upvalues[i] = { in_stack = r.byte() ~= 0, index = r.byte(), kind = r.byte() }
  end
  for i = 1, r.size() do p.protos[i] = read_proto(r, p.source) end
  p.lines = read_lines(r, p.first_line, #p.code)
  for _ = 1, r.size() do -- local variables
    r.string()
    r.size()
    r.size()
  end
  for i = 1, r.size() do p.upvalues[i].name = r.string() end
  return p
end

-- The prototype of a Lua function.
---@param f function
---@return thalweg.Proto
function bytecode.of(f)
  local dump = string.dump(f)
  local r = reader(dump)
  -- signature, version, format, six bytes of data, three sizes, an integer, a float, the main function's number of upvalues
  if dump:sub(1, 5) ~= "\27Lua\x54" then error("bytecode: Lua 5.4 is needed: version byte is " .. (dump:byte(5) or 0), 0) end
  r.skip(4 + 1 + 1 + 6 + 3 + 8 + 8 + 1)
  return read_proto(r, nil)
end

-- Instructions: 7 bits opcode, then A (8), k (1), B (8), C (8), or A and Bx (17) (lopcodes.h).
local LOADK, GETUPVAL, GETTABUP, GETTABLE, GETFIELD, SETTABUP, SETTABLE, TAILCALL = 3, 9, 11, 12, 14, 15, 16, 69

---@param instruction integer
---@return integer opcode, integer a, integer b, integer c
local function fields(instruction)
  return instruction & 0x7f, instruction >> 7 & 0xff, instruction >> 16 & 0xff, instruction >> 24 & 0xff
end

bytecode.fields = fields

-- Beyond 256 constants a function loads the upvalue and the name into registers before it indexes one with the other.
local function long_access(p, pc)
  local _, base, upvalue = fields(p.code[pc])
  local op, key = fields(p.code[pc + 1] or 0)
  local constant = op == LOADK and p.constants[((p.code[pc + 1]) >> 15) + 1]
  if not constant or constant[1] ~= "string" then return nil end
  for later = pc + 2, #p.code do
    local what, a, b, c = fields(p.code[later])
    if what == GETTABLE and b == base and c == key then return "get", upvalue + 1, constant[2], p.lines[later], later end
    if what == SETTABLE and a == base and b == key then return "set", upvalue + 1, constant[2], p.lines[later], later end
  end
end

-- Calls visit(kind, upvalue, name, line, pc) for every access by a constant name through an upvalue: kind "get" or "set";
-- upvalue counts from 1.
---@param p thalweg.Proto
---@param visit fun(kind: "get"|"set", upvalue: integer, name: string, line: integer, pc: integer)
function bytecode.accesses(p, visit)
  for pc, instruction in ipairs(p.code) do
    local op, a, b, c = fields(instruction)
    if op == GETTABUP then visit("get", b + 1, p.constants[c + 1][2], p.lines[pc], pc) end
    if op == SETTABUP then visit("set", a + 1, p.constants[b + 1][2], p.lines[pc], pc) end
    if op == GETUPVAL then
      local kind, upvalue, name, line, at = long_access(p, pc)
      if kind then visit(kind, upvalue, name, line, at) end
    end
  end
end

-- The line of the last tail call in a function's own code, or nil: `return f(x)` leaves no frame behind that would know it.
---@param p thalweg.Proto
---@return integer|nil
function bytecode.tail_line(p)
  for pc = #p.code, 1, -1 do
    if fields(p.code[pc]) == TAILCALL then return p.lines[pc] end
  end
  return nil
end

-- The field name that the instruction after pc reads from what the instruction at pc loaded, or nil: "mlp" in tw.nn.mlp.
---@param p thalweg.Proto
---@param pc integer
---@return string|nil
function bytecode.field_after(p, pc)
  local _, a = fields(p.code[pc])
  local op, _, b, c = fields(p.code[pc + 1] or 0)
  if op == GETFIELD and b == a then return p.constants[c + 1][2] end
  return nil
end

return bytecode
