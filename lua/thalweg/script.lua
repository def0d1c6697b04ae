-- Scripts: read, checked before anything runs, executed in a strict environment. Every error is { message, status = 2 } with
-- file:line first where there is a line.
local bytecode = require "thalweg.bytecode"
local codehash = require "thalweg.codehash"
local experiment = require "thalweg.experiment"
local fault = require "thalweg.fault"
local find = require "thalweg.data.find"
local lint = require "thalweg.lint"
local parameters = require "thalweg.lint_parameters"
local strict = require "thalweg.strict"

local script = {}

local function read(path)
  local file, message = io.open(path, "rb")
  if not file then fault.usage(string.format("%s: cannot open the script: %s", path, (message:gsub("^.*: ", "")))) end
  local source, why = file:read("a")
  file:close()
  if not source then fault.usage(string.format("%s: cannot read the script: %s", path, why)) end
  return source
end

-- Compiles a file for an environment and checks its globals.
local function compile(path, source, env)
  -- load() does not know #! lines; the line stays, empty, so that numbers are right.
  local body = source:gsub("^\239\187\191", ""):gsub("^#[^\n]*", "")
  local chunk, message = load(body, "@" .. path, "t", env)
  if not chunk then fault.usage(message) end
  fault.mark(path)
  lint.globals(chunk, strict.declared(env))
  return chunk
end

-- require for a script: project files beside it first (strict like the script), then the ordinary search.
local function make_require(folder, modules)
  local loaded, env = {}, nil
  local function find(name)
    local base = folder .. "/" .. name:gsub("%.", "/")
    for _, path in ipairs { base .. ".lua", base .. "/init.lua" } do
      local file = io.open(path, "rb")
      if file then
        file:close()
        return path
      end
    end
  end
  local function script_require(name)
    if type(name) ~= "string" then fault.raise("require: a name is needed: got %s", type(name)) end
    if loaded[name] ~= nil then return loaded[name] end
    local path = name ~= "thalweg" and not name:find("^thalweg%.") and find(name)
    if not path then return require(name) end
    local chunk = compile(path, read(path), env)
    modules[#modules + 1] = { name = name, path = path, chunk = chunk }
    loaded[name] = true
    local value = chunk(name, path)
    if value ~= nil then loaded[name] = value end
    return loaded[name]
  end
  return script_require, function(e) env = e end
end

---@class thalweg.Script
---@field chunk function the compiled file
---@field env table its environment
---@field source string its text
---@field modules { name: string, path: string, chunk: function }[] project files it has required so far

-- Reads and compiles a file, without running it. `globals` adds declared globals (arg).
---@param path string
---@param globals? table<string, any>
---@return thalweg.Script
function script.open(path, globals)
  local source, modules, extra = read(path), {}, {}
  for k, v in next, globals or {} do extra[k] = v end
  local bind
  extra.require, bind = make_require(find.folder(path), modules)
  local env = strict.environment(extra)
  bind(env)
  find.script = find.folder(path)
  return { chunk = compile(path, source, env), env = env, source = source, modules = modules }
end

-- The modules whose names the linter knows, with their prefixes.
local function sealed_modules()
  local tw = require "thalweg"
  local modules = { [tw] = "tw." }
  for k, v in next, tw do
    local meta = type(v) == "table" and getmetatable(v)
    if type(meta) == "table" and meta.__index and next(v) ~= nil then modules[v] = "tw." .. k .. "." end
  end
  return modules
end

local function show(e)
  if type(e) == "table" and type(rawget(e, "message")) == "string" then return e.message end
  return type(e) == "string" and e or "error: " .. tostring(e)
end

-- Loads an experiment: runs the file, checks what it returns, hashes its code.
---@param path string
---@return thalweg.Experiment experiment with path, source and code_hash set
function script.load(path)
  local opened = script.open(path)
  local tail = bytecode.tail_line(bytecode.of(opened.chunk))
  local ok, result = pcall(fault.call, opened.chunk, tail and string.format("%s:%d: ", path, tail) or path .. ": ")
  if not ok then
    if strict.is_stop(result) then error(result, 0) end
    local message = show(result)
    fault.usage(message:find(path, 1, true) and message or path .. ": " .. message)
  end
  if not experiment.is(result) then
    local what = result == nil and "nothing" or "a " .. type(result)
    fault.usage(string.format("%s: the script returns %s; it must end with: return tw.experiment { ... }", path, what))
  end
  local modules = sealed_modules()
  lint.names(result.run, modules)
  local chunks = { bytecode.of(opened.chunk) }
  for _, module in ipairs(opened.modules) do chunks[#chunks + 1] = bytecode.of(module.chunk) end
  parameters.check(result.run, result.lanes, result.params, path, chunks)
  if result.where then lint.names(result.where, modules) end
  local functions = codehash.functions(result.params)
  for i, own in ipairs(functions) do
    lint.names(own.f, modules)
    if i > 1 and functions[i - 1].name == own.name then
      fault.usage(string.format("%s: two functions have one name: name is %s; a function is known by its name", path, own.name))
    end
  end
  if result.claims then lint.names(result.claims, modules) end
  table.sort(opened.modules, function(a, b) return a.name < b.name end)
  rawset(result, "path", path)
  rawset(result, "source", opened.source)
  rawset(result, "code_hash", codehash.of(result.run, opened.modules, functions))
  return result
end

return script
