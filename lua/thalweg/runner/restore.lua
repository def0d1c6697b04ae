-- What a run may leave behind in Lua, put back before the next one: a worker's runs share one state, and a run must not see what another
-- changed. A snapshot holds every variable and every plain table that the run function reaches through upvalues, table fields, metatables and
-- required modules, its own and the search path's; restoring writes all of it back in place, so that identities, cycles and sharing stay.
-- It costs some 0.05 us per variable or field. Passed by: the library's own modules; schedules, models, recipes and spaces, which do not
-- change; tensors and generators, which are read-only inside a run. Out of reach: how far a coroutine or an open file has come.
local described = require "thalweg.described"
local space = require "thalweg.space"
local strict = require "thalweg.strict"

local restore = {}

local standard = { "coroutine", "debug", "io", "math", "os", "string", "table", "utf8" }

local function is_own(name) return name == "thalweg" or name:find("^thalweg%.") ~= nil end

-- The functions and tables of the library and the standard library, as a set.
local function library()
  local set, queue = { [package] = true, [package.loaded] = true }, {}
  local function add(v)
    if (type(v) == "table" or type(v) == "function") and not set[v] then
      set[v] = true
      if type(v) == "table" then queue[#queue + 1] = v end
    end
  end
  for _, name in ipairs(standard) do add(package.loaded[name]) end
  for name, module in next, package.loaded do
    if type(name) == "string" and is_own(name) then add(module) end
  end
  local i = 1
  while queue[i] do
    for _, v in next, queue[i] do add(v) end
    i = i + 1
  end
  return set
end

-- A class of the library's own objects: its methods are no state.
local function is_class(meta)
  local name = rawget(meta, "__name")
  return type(name) == "string" and is_own(name)
end

---@class thalweg.Snapshot
---@field variables integer how many upvalues it holds
---@field holders function[] a function that has the upvalue
---@field indices integer[] its number there
---@field values table<integer, any>
---@field tables table[]
---@field contents table[] a copy of each
---@field metatables (table|false)[]
---@field loaded table<string, true> names of the modules on the search path loaded by then
local Snapshot = {}
Snapshot.__index = Snapshot

local function keep_function(self, f, slots, add)
  local is_lua = debug.getinfo(f, "S").what ~= "C"
  local i = 1
  while true do
    local name, v = debug.getupvalue(f, i)
    if not name then return end
    -- A C function's are arguments it was made with: what tw.grad(f) holds of f.
    local id = is_lua and debug.upvalueid(f, i)
    if id and not slots[id] then
      slots[id] = true
      local n = self.variables + 1
      self.variables, self.holders[n], self.indices[n], self.values[n] = n, f, i, v
    end
    add(v)
    i = i + 1
  end
end

local function keep_table(self, t, add)
  if described.is(t) or space.is(t) then return end
  local copy, n, meta = {}, #self.tables + 1, debug.getmetatable(t)
  for k, v in next, t do
    copy[k] = v
    add(k)
    add(v)
  end
  self.tables[n], self.contents[n], self.metatables[n] = t, copy, meta or false
  if strict.is_environment(t) then
    add(strict.declared(t).require) -- it holds the project's modules
  elseif meta and not is_class(meta) then
    add(meta)
  end
end

-- A snapshot of everything f can change, and of the modules and globals beside it.
---@param f function
---@return thalweg.Snapshot
function restore.snapshot(f)
  local self = setmetatable({ variables = 0, holders = {}, indices = {}, values = {}, tables = {}, contents = {}, metatables = {}, loaded = {} }, Snapshot)
  local seen, slots, queue = library(), {}, {}
  local function add(v)
    if (type(v) == "table" or type(v) == "function") and not seen[v] then
      seen[v] = true
      queue[#queue + 1] = v
    end
  end
  add(f)
  add(_G)
  for name, module in next, package.loaded do
    self.loaded[name] = true
    add(module)
  end
  local i = 1
  while queue[i] do
    local v = queue[i]
    if type(v) == "function" then keep_function(self, v, slots, add) else keep_table(self, v, add) end
    i = i + 1
  end
  return self
end

-- Contents are written whether or not they look the same: 1 and 1.0, 0.0 and -0.0 are equal and still differ.
local function put_back(t, copy, meta)
  if not rawequal(debug.getmetatable(t) or false, meta) then debug.setmetatable(t, meta or nil) end
  for k in next, t do
    if copy[k] == nil then t[k] = nil end
  end
  if meta then
    for k, v in next, copy do rawset(t, k, v) end
  else
    for k, v in next, copy do t[k] = v end
  end
end

-- Puts everything back as it was. Modules loaded since are forgotten: the next run that requires one loads it anew.
function Snapshot:restore()
  local setupvalue, holders, indices, values = debug.setupvalue, self.holders, self.indices, self.values
  for i = 1, self.variables do setupvalue(holders[i], indices[i], values[i]) end
  local tables, contents, metatables = self.tables, self.contents, self.metatables
  for i = 1, #tables do put_back(tables[i], contents[i], metatables[i]) end
  for name in next, package.loaded do
    if not self.loaded[name] and not is_own(name) and package.searchpath(name, package.path) then package.loaded[name] = nil end
  end
end

return restore
