-- The script environment: ordered pairs, stop signals that cannot be swallowed, nothing undeclared, nothing writable.
local ordered = require "thalweg.ordered"
local strict = require "thalweg.strict"
local test = require "spec"

local function run(text, extra)
  local chunk = assert(load(text, "@demo.lua", "t", strict.environment(extra)))
  return chunk()
end

test("pairs visits numbers ascending, then strings bytewise, then false and true", function()
  local got = run [[
    local t = { [true] = 1, [false] = 1, b = 1, a = 1, B = 1, [2] = 1, [1] = 1, [-5] = 1, [1.5] = 1 }
    local out = {}
    for k in pairs(t) do out[#out + 1] = tostring(k) end
    return table.concat(out, " ")]]
  test.eq(got, "-5 1 1.5 2 B a b false true")
end)

test("pairs skips what is removed on the way and honours __pairs", function()
  test.eq(run [[
    local t, out = { 1, 2, 3, x = 4 }, {}
    for k, v in pairs(t) do t[2] = nil; out[#out + 1] = v end
    return table.concat(out, " ")]], "1 3 4")
  test.eq(run [[
    local n = 0
    for _ in pairs(setmetatable({}, { __pairs = function() return next, { 1, 2 } end })) do n = n + 1 end
    return n]], 2)
end)

test("next walks in the same order and finds the first of an empty table", function()
  test.eq(run "return (next({ b = 1, a = 2 }))", "a")
  test.eq(run "return next({ b = 1, a = 2 }, 'a')", "b")
  test.eq(run "return next({})", nil)
end)

test("a key without an order is refused", function()
  local message = test.raises("key is a table", run, "for _ in pairs({ [{}] = 1 }) do end")
  test.ok(message:find("demo.lua:1:", 1, true))
end)

test("an array with a hole left by a removed entry keeps its order", function()
  local t = {}
  for i = 1, 50 do t[i] = i end
  t[20] = nil
  local last = 0
  for k in ordered.pairs(t) do
    test.ok(k > last)
    last = k
  end
  test.eq(last, 50)
end)

local stop = { tw_stop = "stopped" }

local function raises_stop(text)
  local ok, e = pcall(run, text, { halt = function() error(stop, 0) end })
  test.eq(ok, false)
  test.ok(e == stop, "got " .. tostring(e))
end

test("pcall, xpcall and coroutine.resume cannot swallow a stop", function()
  raises_stop "pcall(halt)"
  raises_stop "pcall(pcall, halt)"
  raises_stop "xpcall(halt, function() return 'handled' end)"
  raises_stop "coroutine.resume(coroutine.create(halt))"
  raises_stop "coroutine.wrap(halt)()"
  raises_stop "pcall(function() local ok = pcall(halt); return ok end)"
end)

test("pcall and xpcall still catch errors and pass results", function()
  test.eq({ run "return pcall(error, 'x')" }, { false, "x" })
  test.eq({ run "return pcall(function(a, b) return a + b, nil, 3 end, 1, 2)" }, { true, 3, nil, 3 })
  test.eq({ run "return xpcall(error, function(e) return 'handled ' .. e end, 'x')" }, { false, "handled x" })
  test.eq({ run "return pcall(error, { field = 1 })" }, { false, { field = 1 } })
end)

test("an undeclared global is an error at run time, read or written", function()
  test.raises("demo.lua:1: undeclared global: prinnt; declare it with local, or did you mean print?", run, "local a = prinnt return a")
  test.raises("demo.lua:2: assignment to a global: x", run, "local y = 1\nx = y")
  test.raises("assignment to a global: print", run, "print = 1")
  test.raises("assignment to a global: y", run, "_G.y = 1")
end)

test("the standard library cannot be changed", function()
  test.raises("math: the standard library cannot be changed: field is pi", run, "math.pi = 3")
  test.raises("string: the standard library cannot be changed: field is extra", run, "string.extra = print")
  test.eq(run "return math.max(1, 2) + #('x'):rep(3)", 5)
  test.eq(run "local n = 0 for _ in pairs(math) do n = n + 1 end return n > 20", true)
end)

test("load keeps code in the environment", function()
  test.raises("undeclared global: zzz", run, "return load('return zzz')()")
  test.eq(run "return load('return a', 'x', 't', { a = 5 })()", 5)
end)

test.close()
