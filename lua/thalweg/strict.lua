-- The environment of a script: the standard library with ordered pairs and next, with pcall and friends that let the runner's
-- stop signals through, and without undeclared globals. Nothing can be written to it, so a run leaves nothing behind in it.
local core = require "thalweg.core"
local fault = require "thalweg.fault"
local names = require "thalweg.names"
local ordered = require "thalweg.ordered"

local strict = {}

-- An error value that ends a run and that no script may swallow: a table with the field tw_stop.
---@param e any
---@return boolean
function strict.is_stop(e) return type(e) == "table" and rawget(e, "tw_stop") ~= nil end

-- What the engine refuses where several runs are computed together may be the fault of one: what a script does about it must not happen to the others.
local function pass(ok, ...)
  if not ok and (strict.is_stop((...)) or core.lanes_failure()) then error((...), 0) end
  return ok, ...
end

-- pcall that does not catch a stop, nor, where several runs are computed together, what the engine refuses: they are done one by one then.
function strict.pcall(f, ...) return pass(pcall(f, ...)) end

-- xpcall that does not catch a stop and does not show it to the handler.
function strict.xpcall(f, handler, ...)
  return pass(xpcall(f, function(e)
    if strict.is_stop(e) or core.lanes_failure() then return e end
    return handler(e)
  end, ...))
end

local function read_only(name, t)
  return setmetatable({}, {
    __index = t,
    __newindex = function(_, k) fault.raise("%s: the standard library cannot be changed: field is %s", name, tostring(k)) end,
    __pairs = function() return ordered.pairs(t) end,
  })
end

local copied = { "assert", "collectgarbage", "error", "getmetatable", "ipairs", "print", "rawequal", "rawget", "rawlen", "rawset", "select",
  "setmetatable", "tonumber", "tostring", "type", "warn", "_VERSION" }
local libraries = { "io", "math", "os", "string", "table", "utf8" }

local function base_functions()
  local base = {}
  for _, name in ipairs(copied) do base[name] = _G[name] end
  for _, name in ipairs(libraries) do base[name] = read_only(name, _G[name]) end
  base.pairs, base.next, base.pcall, base.xpcall = ordered.pairs, ordered.next, strict.pcall, strict.xpcall
  local co = {}
  for k, v in next, coroutine do co[k] = v end
  co.resume = function(...) return pass(coroutine.resume(...)) end
  base.coroutine = read_only("coroutine", co)
  base.debug = read_only("debug", { traceback = debug.traceback, getinfo = debug.getinfo })
  return base
end

local environments = setmetatable({}, { __mode = "k" })

-- Is this table an environment made here?
---@param t any
---@return boolean
function strict.is_environment(t) return type(t) == "table" and environments[t] ~= nil end

-- Names of the globals an environment declares.
---@param env table
---@return table<string, any>
function strict.declared(env) return environments[env] end

-- A new environment. `extra` adds or replaces globals (require, arg).
---@param extra? table<string, any>
---@return table
function strict.environment(extra)
  local base = base_functions()
  for k, v in next, extra or {} do base[k] = v end
  setmetatable(base, {
    __index = function(_, k) fault.raise("undeclared global: %s; declare it with local, or %s", tostring(k), names.hint(k, names.of(base))) end,
  })
  local env = setmetatable({}, {
    __index = base,
    __newindex = function(_, k) fault.raise("assignment to a global: %s; declare it with local", tostring(k)) end,
    __pairs = function() return ordered.pairs(base) end,
  })
  base._G = env
  base.load = function(chunk, name, mode, ...)
    return load(chunk, name, mode, select("#", ...) > 0 and (...) or env)
  end
  base.loadfile = function(path, mode, ...) return loadfile(path, mode, select("#", ...) > 0 and (...) or env) end
  base.dofile = function(path) return assert(loadfile(path, "bt", env))() end
  environments[env] = base
  return env
end

return strict
