-- The code hash: what changes it and what does not.
local codehash = require "thalweg.codehash"
local core = require "thalweg.core"
local script = require "thalweg.script"
local strict = require "thalweg.strict"
local test = require "spec"

local function hash(text)
  local env = strict.environment { require = require }
  return codehash.of(assert(load(text, "@demo.lua", "t", env))())
end

local base = [[
local factor = 2
local settings = { depth = 3, names = { "a", "b" } }
local function helper(x) return x * factor end
return function(run)
  local y = helper(run.lr) + 0.5
  if y > settings.depth then print("big") end
  return y
end
]]

local function changed(from, to)
  local text, n = base:gsub(from, to)
  test.ok(n > 0, "nothing replaced: " .. from)
  return hash(text)
end

test("a hash is 64 hex digits and the same every time", function()
  test.ok(hash(base):match("^%x+$") and #hash(base) == 64)
  test.eq(hash(base), hash(base))
end)

test("comments, blank lines, layout and the names of locals do not count", function()
  test.eq(changed("local y", "-- a comment\n\n\n   local y"), hash(base))
  test.eq(changed("\n", "\n\n"), hash(base))
  test.eq(hash((base:gsub("\n", " "))), hash(base))
  test.eq(changed("y", "why"), hash(base))
end)

test("a constant, an upvalue's value, a table's content and a helper's code do", function()
  local before = hash(base)
  test.ok(changed("0%.5", "0.25") ~= before)
  test.ok(changed('"big"', '"large"') ~= before)
  test.ok(changed("factor = 2", "factor = 3") ~= before)
  test.ok(changed("depth = 3", "depth = 4") ~= before)
  test.ok(changed('"b"', '"c"') ~= before)
  test.ok(changed("x %* factor", "x + factor") ~= before)
end)

test("an integer and the equal float are different code", function()
  test.ok(changed("factor = 2", "factor = 2.0") ~= hash(base))
end)

test("what run does not reach does not count", function()
  test.eq(hash("local unused = 5\n" .. base), hash(base))
end)

test("the order in which a table was filled does not count", function()
  local a = hash "local t = {} t.x = 1 t.y = 2 t.z = 3 return function() return t end"
  local b = hash "local t = {} t.z = 3 t.y = 2 t.x = 1 return function() return t end"
  test.eq(a, b)
end)

test("recursion, cycles and shared values end", function()
  local a = hash "local t = {} t.self = t local function f(n) return n == 0 and t or f(n - 1) end return f"
  test.eq(#a, 64)
  test.ok(a ~= hash "local t = {} t.self = {} local function f(n) return n == 0 and t or f(n - 1) end return f")
end)

test("functions of the libraries count by name", function()
  test.eq(hash "local f = math.floor return function() return f(1) end", hash "local g = math.floor return function() return g(1) end")
  test.ok(hash "local f = math.floor return function() return f(1) end" ~= hash "local f = math.ceil return function() return f(1) end")
  test.ok(hash "local f = pairs return function() return f end" ~= hash "local f = next return function() return f end")
end)

test("schedules count by their text", function()
  local function with(rate)
    return hash('local s = require("thalweg.schedule").exponential{ rate = ' .. rate .. " } return function() return s(1) end")
  end
  test.eq(with "0.1", with "1e-1")
  test.ok(with "0.1" ~= with "0.2")
end)

if rawget(core, "tensor") then
  test("a tensor counts by dtype, shape and content", function()
    local function with(make) return hash('local tw = require "thalweg.core" local x = tw.' .. make .. " return function() return x end") end
    test.eq(with "tensor{1, 2, 3, 4}", with "tensor{1, 2, 3, 4}")
    test.ok(with "tensor{1, 2, 3, 4}" ~= with "tensor{1, 2, 3, 5}")
    test.ok(with "tensor{1, 2, 3, 4}" ~= with "tensor{{1, 2}, {3, 4}}")
    test.ok(with "tensor{1, 2, 3, 4}" ~= with 'tensor({1, 2, 3, 4}, {dtype = "f32"})')
    test.ok(with "tensor{0.0}" ~= with "tensor{-0.0}")
  end)
end

test("a required project file counts with all its code, comments aside", function()
  local folder = os.tmpname()
  os.remove(folder)
  os.execute("mkdir " .. folder)
  local function write(name, text)
    local file = assert(io.open(folder .. "/" .. name, "w"))
    file:write(text)
    file:close()
  end
  local main = 'local tw = require "thalweg"\nlocal h = require "h"\n' ..
    'return tw.experiment { name = "x", params = { a = 1 }, run = function() return h.f(1) end }'
  write("main.lua", main)
  local function with(text)
    write("h.lua", text)
    return script.load(folder .. "/main.lua").code_hash
  end
  local before = with "local h = {} function h.f(x) return x + 1 end return h"
  test.eq(with "-- helps\nlocal h = {}\nfunction h.f(x) return x + 1 end\nreturn h", before)
  test.ok(with "local h = {} function h.f(x) return x + 2 end return h" ~= before)
  write("h.lua", "local h = {} function h.f(x) return x + 1 end return h")
  write("main.lua", (main:gsub("a = 1", "a = 7")))
  test.eq(script.load(folder .. "/main.lua").code_hash, before)
  os.execute("rm -r " .. folder)
end)

test("what a transform was given counts", function()
  local tw = require "thalweg"
  local function hash_with(make, factor)
    local g = make(function(x) return (x * factor):sum() end)
    return codehash.of(function(run) return g(run) end)
  end
  for _, make in ipairs { tw.grad, tw.value_and_grad, tw.hessian, tw.hvp, function(f) return tw.custom { forward = f } end } do
    test.eq(hash_with(make, 2), hash_with(make, 2))
    test.ok(hash_with(make, 2) ~= hash_with(make, 3), "two different functions inside, one hash")
  end
end)

test("an optimizer of the script's own among the parameters counts, with its step and its defaults", function()
  local function of(step, default)
    local tw = require "thalweg"
    local mine = load(([[
      local tw = ...
      return tw.optim.define { name = "mine", params = { lr = 0.1, k = %s }, step = function(p, g, slot, h) %s end }]]):format(default, step))(tw)
    local params = { opt = tw.space.choice { tw.optim.lookahead { base = mine { lr = tw.space.choice { 0.1, 0.2 } } }, "none" } }
    return codehash.of(function() return 1 end, nil, codehash.functions(params))
  end
  local first = of("p:assign(p - h.lr * g)", "1")
  test.eq(of("p:assign(p  -  h.lr * g)", "1"), first)
  test.ok(of("p:assign(p - 2 * h.lr * g)", "1") ~= first, "another step")
  test.ok(of("p:assign(p - h.lr * g)", "2") ~= first, "another default")
end)

test.close()
