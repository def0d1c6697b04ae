-- The hash of what a function does: its code and everything it reaches through upvalues, in 64 hex digits. Comments, layout and
-- the names of locals do not count; a constant, an upvalue's value or the code of a called function does. The library and
-- the standard library count by name: their version stands beside the hash in the file.
local bytecode = require "thalweg.bytecode"
local canonical = require "thalweg.canonical"
local core = require "thalweg.core"
local described = require "thalweg.described"
local fault = require "thalweg.fault"
local space = require "thalweg.space"
local strict = require "thalweg.strict"

local codehash = {}

-- Functions and tables that are known by name: value -> name.
local function known_values()
  local known, queue = {}, {}
  local function add(name, v)
    if (type(v) ~= "function" and type(v) ~= "table") or known[v] then return end
    known[v] = name
    if type(v) == "table" then queue[#queue + 1] = v end
  end
  local loaded = {}
  for name in next, package.loaded do
    if type(name) == "string" then loaded[#loaded + 1] = name end
  end
  table.sort(loaded)
  add("_G", _G)
  for _, name in ipairs(loaded) do
    if name == "thalweg" or name:find("^thalweg%.") or _G[name] == package.loaded[name] then add(name, package.loaded[name]) end
  end
  local i = 1
  while queue[i] do
    local t, children = queue[i], {}
    for k, v in next, t do
      if type(k) == "string" and (type(v) == "function" or type(v) == "table") then children[#children + 1] = { k, v } end
    end
    table.sort(children, function(a, b) return a[1] < b[1] end)
    for _, child in ipairs(children) do
      if type(child[2]) == "function" then add(known[t] .. "." .. child[1], child[2]) end
    end
    i = i + 1
  end
  return known
end

local formats = { f64 = "<" .. ("d"):rep(128), f32 = "<" .. ("d"):rep(128), i64 = "<" .. ("i8"):rep(128), bool = "<" .. ("B"):rep(128) }

-- The bytes of a tensor's elements in row-major order, appended to out.
local function pack(out, v, format, width)
  if type(v) ~= "table" then return pack(out, { v }, format, width) end
  if type(v[1]) == "table" then
    for _, row in ipairs(v) do pack(out, row, format, width) end
    return
  end
  if type(v[1]) == "boolean" then
    for i, bit in ipairs(v) do v[i] = bit and 1 or 0 end
  end
  for i = 1, #v, 128 do
    local n = math.min(128, #v - i + 1)
    out[#out + 1] = string.pack(n == 128 and format or format:sub(1, 1 + n * width), table.unpack(v, i, i + n - 1))
  end
end

-- dtype, shape and the content's hash of a tensor.
---@param x thalweg.Tensor
---@return string
function codehash.tensor(x)
  local packed, shape = {}, {}
  pack(packed, x:table(), formats[x.dtype], x.dtype == "i64" and 2 or 1)
  for i = 1, x.ndim do shape[i] = tostring(x.shape[i]) end
  return string.format("tensor %s[%s] %s", x.dtype, table.concat(shape, " "), core.sha256(table.concat(packed)))
end

-- The author's functions among the values of a parameter (schedule.func, the step of an optimizer that tw.optim.define made), each once, by name: in spaces,
-- plain tables and described objects. with: what belongs to the function, an optimizer's hyperparameters with their defaults.
---@param v any
---@return { name: string, f: function, with: table|nil }[]
function codehash.functions(v)
  local out, seen = {}, {}
  local function look(value)
    if type(value) ~= "table" or seen[value] then return end
    seen[value] = true
    if described.is(value) then
      if rawget(value, "code") then out[#out + 1] = { name = value.text, f = value.code } end
      local kind = rawget(value, "recipe_of")
      if kind and kind.step and not seen[kind] then
        seen[kind] = true
        out[#out + 1] = { name = kind.name, f = kind.step, with = kind.options }
      end
      look(value.options)
    elseif space.is(value) then
      look(value.items)
      look(rawget(value, "parts"))
    else
      for _, child in next, value do look(child) end
    end
  end
  look(v)
  table.sort(out, function(a, b) return a.name < b.name end)
  return out
end

local Walker = {}
Walker.__index = Walker

function Walker:put(...)
  for i = 1, select("#", ...) do
    local s = tostring((select(i, ...)))
    self.out[#self.out + 1] = #s .. ":" .. s
  end
end

function Walker:proto(p)
  self:put("function", p.n_params, p.is_vararg, #p.code)
  for _, instruction in ipairs(p.code) do self.out[#self.out + 1] = string.pack("<I4", instruction) end
  for _, c in ipairs(p.constants) do
    self:put(c[1], c[1] == "float" and string.pack("<d", c[2]) or c[2])
  end
  for _, child in ipairs(p.protos) do
    -- Which of p's variables the child uses; where p's own come from says nothing about p: closure() hashes their values.
    for _, upvalue in ipairs(child.upvalues) do self:put(upvalue.in_stack, upvalue.index) end
    self:proto(child)
  end
end

-- A function of the library or in C stands for itself; what it was given counts: tw.grad(loss) is as good as its loss.
function Walker:closure(f)
  local info = debug.getinfo(f, "Su")
  if info.what == "C" then self:put("C function")
  elseif fault.is_library(f) then self:put("library")
  else self:proto(bytecode.of(f)) end
  for i = 1, info.nups do
    local _, v = debug.getupvalue(f, i)
    self:value(v)
  end
end

local order = { boolean = 1, number = 2, string = 3 }

function Walker:table(t)
  local keys, others = {}, 0
  for k in next, t do
    if order[type(k)] then keys[#keys + 1] = k else others = others + 1 end
  end
  table.sort(keys, function(a, b)
    if type(a) ~= type(b) then return order[type(a)] < order[type(b)] end
    if type(a) == "boolean" then return not a and b end
    return a < b
  end)
  self:put("table", #keys, others)
  for _, k in ipairs(keys) do
    self:value(k)
    self:value(rawget(t, k))
  end
  local meta = debug.getmetatable(t)
  if meta then self:value(meta) end
end

-- An entry of codehash.functions.
function Walker:own(own)
  self:value(own.f)
  if own.with then self:value(own.with) end
end

function Walker:value(v)
  local t = type(v)
  if t == "nil" or t == "boolean" then return self:put(t, v) end
  if t == "number" then return self:put(math.type(v), canonical.number(v)) end
  if t == "string" then return self:put(t, v) end
  if self.known[v] then return self:put("known", self.known[v]) end
  if self.seen[v] then return self:put("again", self.seen[v]) end
  self.count = self.count + 1
  self.seen[v] = self.count
  if t == "function" then return self:closure(v) end
  if t == "table" then
    if strict.is_environment(v) then return self:put("environment") end
    if described.is(v) then
      self:put("described", v.text)
      for _, own in ipairs(codehash.functions(v)) do self:own(own) end
      return
    end
    return self:table(v)
  end
  if t == "userdata" and core.is_tensor(v) then return self:put(codehash.tensor(v)) end
  local meta = debug.getmetatable(v)
  self:put(t, type(meta) == "table" and meta.__name or "")
end

-- The hash of f with whatever it reaches. `modules` are further chunks that count with their code: the project files a script requires.
---@param f function
-- `functions` are the author's own among the parameters' values.
---@param modules? { name: string, chunk: function }[] sorted by name
---@param functions? { name: string, f: function, with: table|nil }[] sorted by name
---@return string 64 hex digits
function codehash.of(f, modules, functions)
  local walker = setmetatable({ out = {}, seen = {}, count = 0, known = known_values() }, Walker)
  walker:value(f)
  for _, module in ipairs(modules or {}) do
    walker:put("module", module.name)
    walker:proto(bytecode.of(module.chunk))
  end
  for _, own in ipairs(functions or {}) do
    walker:put("parameter", own.name)
    walker:own(own)
  end
  return core.sha256(table.concat(walker.out))
end

return codehash
