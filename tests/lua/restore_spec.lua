-- Putting back what a run changed: after restore() a second call of a function gives what its first call gave, whatever it reaches.
local restore = require "thalweg.runner.restore"
local script = require "thalweg.script"
local test = require "spec"
local tw = require "thalweg"

local folder = os.tmpname()
os.remove(folder)
os.execute("mkdir " .. folder)

local function write(name, text)
  local file = assert(io.open(folder .. "/" .. name, "w"))
  file:write(text)
  file:close()
  return folder .. "/" .. name
end

-- The function that a script of this text returns.
local function compiled(text) return script.open(write("script.lua", text)).chunk() end

-- Asserts that f changes what it sees, and that restoring makes it see it as before, as often as one likes.
local function repeats(f)
  local snapshot = restore.snapshot(f)
  local first = f()
  test.ok(first ~= f(), "the function leaves nothing behind: the test tests nothing")
  for _ = 1, 3 do
    snapshot:restore()
    local got = f()
    test.eq(got, first)
    test.eq(math.type(got), math.type(first))
  end
end

test("counters in upvalues", function()
  local n, text = 0, nil
  repeats(function()
    n, text = n + 1, (text or "") .. "x"
    return n .. text
  end)
end)

test("arrays, nested tables, keys added and removed", function()
  local list = {}
  repeats(function()
    list[#list + 1] = 1
    return #list
  end)
  local deep = { a = { b = { n = 0, gone = true } } }
  repeats(function()
    local b = deep.a.b
    b.n, b[b.n + 1], b.gone = b.n + 1, "new", nil
    local out = tostring(b.gone)
    for k, v in pairs(b) do out = out .. " " .. tostring(k) .. "=" .. tostring(v) end
    return out
  end)
  local keys = { gone = 1 }
  repeats(function()
    local out = tostring(keys.gone)
    keys.gone, keys[1.5], keys[true] = nil, 1, 2
    return out
  end)
end)

test("a table replaced, in a variable and in a field", function()
  local t, of = { 1 }, { t = { 1 } }
  local old, old_field = t, of.t
  repeats(function()
    t, of.t = { t[1] + 1 }, { of.t[1] + 1 }
    return t[1] + 10 * of.t[1]
  end)
  local snapshot = restore.snapshot(function() t, of.t = t, of.t end)
  test.ok(t ~= old and of.t ~= old_field, "the last call replaced them")
  local kept = t
  t = {}
  snapshot:restore()
  test.ok(t == kept, "the same table again")
end)

test("cyclic and shared tables keep their identity", function()
  local a, shared = { n = 0 }, { n = 0 }
  a.self, a.one, a.two, a[shared] = a, shared, shared, "key"
  repeats(function()
    a.self.self.n, a.one.n = a.n + 1, a.one.n + 1
    local out = a.n + 10 * a.two.n
    a.self, a[shared] = {}, nil
    if out > 11 then return out end
    test.ok(a.one == shared and a.two == shared)
    a.self = a
    return out
  end)
end)

test("a long list of tables is no recursion", function()
  local head = { n = 0 }
  for _ = 1, 300000 do head = { next = head, n = 0 } end
  local snapshot = restore.snapshot(function() return head end)
  head.next.next.n = 1
  snapshot:restore()
  test.eq(head.next.next.n, 0)
end)

test("a variable shared by two functions stays shared", function()
  local function counter()
    local n = 0
    return function() n = n + 1 end, function() return n end
  end
  local up, get = counter()
  repeats(function()
    up()
    return get()
  end)
  up()
  up()
  local before = get()
  up()
  test.eq(get(), before + 1)
end)

test("a function replaced, and the state of the one before", function()
  local n = 0
  local function f()
    n = n + 1
    return n
  end
  repeats(function()
    local out = f()
    f = function() return 100 end
    return out
  end)
end)

test("equal numbers that differ", function()
  local integer, zero, t = 1, 0.0, { 1 }
  repeats(function()
    local out = ("%s %s %s"):format(math.type(integer), 1 / zero, math.type(t[1]))
    integer, zero, t[1] = 1.0, -0.0, 1.0
    return out
  end)
end)

test("metatables, classes and their protected and read-only instances", function()
  local class = { count = 0 }
  class.__index = class
  local object = setmetatable({}, class)
  repeats(function()
    class.count = class.count + 1
    return object.count
  end)
  repeats(function()
    local out = getmetatable(object) == class
    setmetatable(object, nil)
    return tostring(out)
  end)
  local locked = setmetatable({ n = 0 }, { __metatable = "locked", __newindex = function() error("read-only") end })
  repeats(function()
    local out = rawget(locked, "n")
    rawset(locked, "n", nil)
    return tostring(out)
  end)
end)

test("functions inside what the library made of them", function()
  local n = 0
  local function f(x)
    n = n + 1
    return x * x * n
  end
  local gradient, hessian = tw.grad(f), tw.hessian(f)
  repeats(function() return gradient(tw.tensor(1)):item() end)
  repeats(function() return hessian(tw.tensor(1)):item() end)
  local calls = 0
  local custom = tw.custom { forward = function(x)
    calls = calls + 1
    return x * calls
  end }
  repeats(function() return custom(tw.tensor(1)):item() end)
end)

test("batches made outside begin anew", function()
  local batches = tw.data.batches { n = 10, size = 4 }
  repeats(function() return batches():sum():item() end)
end)

test("what rawset leaves in the environment", function()
  repeats(compiled [[
    local library = math
    return function()
      rawset(_G, "n", (rawget(_G, "n") or 0) + 1)
      rawset(library, "n", (rawget(library, "n") or 0) + 1)
      return rawget(_G, "n") + rawget(library, "n")
    end]])
end)

test("a required project module: what it remembers, known to the function or only to require", function()
  write("memo.lua", [[
    local memo, seen = { calls = 0 }, {}
    function memo.f(x)
      if not seen[x] then memo.calls, seen[x] = memo.calls + 1, x * x end
      return seen[x]
    end
    return memo]])
  local body = "return function() memo.f(memo.calls) return memo.calls end"
  repeats(compiled('local memo = require "memo" ' .. body))
  repeats(compiled('require "memo" ' .. body:gsub("memo.f", 'local memo = require "memo" memo.f', 1)))
  repeats(compiled((body:gsub("memo.f", 'local memo = require "memo" memo.f', 1))))
end)

test("a module on the search path", function()
  repeats(compiled [[
    local spec = require "spec"
    return function() spec.restored = (spec.restored or 0) + 1 return spec.restored end]])
  repeats(compiled [[return function() local spec = require "spec" spec.other = (spec.other or 0) + 1 return spec.other end]])
end)

test("described objects, spaces, tensors and the library are left alone", function()
  local model, schedule, choice = tw.nn.mlp { 4, 3, 2 }, tw.schedule.cosine { steps = 3 }, tw.space.choice { 1, 2 }
  local x = tw.ones(3)
  local function f() return tw, model, schedule, choice, x end
  local snapshot = restore.snapshot(f)
  test.eq(#snapshot.tables, #restore.snapshot(function() return tw end).tables)
  snapshot:restore()
  test.eq(schedule.text, "cosine{min=0,steps=3}")
  test.ok(tw.nn.mlp and x:sum():item() == 3)
end)

test("restoring costs microseconds for a usual script", function()
  local model, rate, options = tw.nn.mlp { 4, 3, 2 }, 0.1, { momentum = 0.9 }
  local f = compiled [[
    local tw = require "thalweg"
    local floor, data, rate = math.floor, { x = tw.ones(3), n = 3 }, 0.1
    local function loss(p) return tw.dot(p, data.x) * rate end
    return function(run) return loss(run), floor(rate) end]]
  local snapshot = restore.snapshot(function() return f, model, rate, options end)
  local began, n = os.clock(), 2000
  for _ = 1, n do snapshot:restore() end
  local each = (os.clock() - began) / n
  test.ok(each < 500e-6, ("%.1f us"):format(each * 1e6)) -- sanitized builds on a busy machine included
end)

os.execute("rm -r " .. folder)
test.close()
