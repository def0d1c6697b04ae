-- What unlucky and hostile scripts do: each of these once crashed, leaked or gave a wrong number without a word.
local test = require "spec"
local tw = require "thalweg"
local core = require "thalweg.core"

local function numbers(x) return x:reshape(-1):table() end

test("many results in one scope", function()
  tw.scope(function()
    local a = tw.tensor { { 2, 1 }, { 1, 2 } }
    for _ = 1, 500 do
      local _ = tw.zeros(1)
      tw.linalg.lstsq(a, tw.tensor { 1, 2 })
    end
  end)
  local twice = tw.custom { forward = function(x) return x * 2 end, jvp = function(ts) return (ts[1] + 0) * 2 + 0 end }
  tw.scope(function()
    for k = 1, 40 do
      for _ = 1, k do local _ = tw.zeros(1) end
      tw.jvp(twice, tw.ones(2), tw.ones(2))
    end
  end)
end)

test("a finalizer that makes tensors while a tensor is made", function()
  tw.scope(function()
    for _ = 1, 200 do
      setmetatable({}, { __gc = function() local _ = tw.zeros(2) + 1 end })
      local _ = tw.ones(3) * 2
      collectgarbage "step"
    end
  end)
end)

test("a released tensor is refused wherever it stands", function()
  local gone
  tw.scope(function() gone = tw.ones(3) end)
  local mask = tw.zeros(3):gt(0)
  for _, f in ipairs {
    function() return tw.where(mask, tw.zeros(3), gone) end, function() return tw.where(mask, gone, tw.zeros(3)) end,
    function() return tw.ones(3) + gone end, function() return tw.cat { tw.ones(3), gone } end, function() return tw.ones(3):assign(gone) end,
    function() return tw.ones(3)[gone] end, function() return tw.tensor { gone } end, function() return tw.ones(3):linear(tw.ones(3, 2), gone) end,
  } do test.raises("released", f) end
end)

test("a custom rule runs although a coroutine that used the engine is gone", function()
  local double = tw.custom { forward = function(x) return x * 2 end, vjp = function(t) return t * 2 end }
  local g = tw.grad(function(x)
    local y = double(x):sum()
    coroutine.wrap(function() return y * 1 end)()
    collectgarbage()
    collectgarbage()
    return y
  end)(tw.tensor { 1, 2 })
  test.eq(g:table(), { 2.0, 2.0 })
end)

test("a coroutine that dies inside a gradient leaves nothing open", function()
  for _ = 1, 50 do
    local co = coroutine.create(function() tw.grad(function() error "boom" end)(tw.tensor { 1, 2 }) end)
    coroutine.resume(co)
    local x = tw.tensor { 1, 2 }
    test.eq(tw.grad(function(y)
      local z = y * y
      collectgarbage()
      return (z * y):sum()
    end)(x):table(), { 3.0, 12.0 })
    test.eq(x:table(), { 1.0, 2.0 })
  end
  local co = coroutine.create(function() tw.scope(function() tw.grad(function() error "boom" end)(tw.ones(2)) end) end)
  coroutine.resume(co)
  local kept = tw.ones(2)
  co = nil
  collectgarbage()
  collectgarbage()
  test.eq(kept:table(), { 1.0, 1.0 })
end)

test("tables inside themselves and very deep ones are refused", function()
  local t = {}
  t.a = t
  test.raises("nested too deeply", function() tw.grad(function() end)(t) end)
  local deep = {}
  for _ = 1, 100000 do deep = { deep } end
  test.raises("nested too deeply", function() tw.grad(function() end)(deep) end)
  test.ok(tw.scope(function() return deep end))
end)

test("an optimizer asked about a step that is not over", function()
  local opt = tw.optim.sgd(tw.tensor { 1, 2 }, { lr = .1 })
  test.raises("no step has been taken yet", function() opt:info() end)
  test.raises("the step is not over yet", function() opt:step(function(x) opt:info() return (x * x):sum() end) end)
  test.raises("the step is not over yet", function() opt:step(function(x) opt:grads() return (x * x):sum() end) end)
  opt:step(function(x) return (x * x):sum() end)
  test.near(opt:info().grad_norm, 20 ^ .5, 1e-14)
end)

for message, f in next, {
  ["narrow"] = function() return tw.tensor { 1, 2, 3 }:narrow(1, 2, math.maxinteger) end,
  ["more than can be counted"] = function() return tw.zeros(0):reshape(2 ^ 32 | 0, 2 ^ 32 | 0) end,
  ["multiply to more"] = function() return tw.zeros(1):expand(2 ^ 32 | 0, 2 ^ 32 | 0) end,
  ["cannot be written; :clone() it first"] = function() return tw.zeros(1):expand(4):assign(tw.tensor { 1, 2, 3, 4 }) end,
  ["join tensors with tw.stack"] = function() return tw.grad(function(x) return tw.tensor { x[1] * 2, x[2] }:sum() end)(tw.ones(2)) end,
  ["correction must be a whole number"] = function() return tw.ones(3):var { correction = 1.5 } end,
  ["jacobian: the function must return a real tensor, got table"] = function() return tw.jacobian(function(x) return { x } end)(tw.ones(2)) end,
  ["jacobian: the function must return a real tensor, got i64"] = function() return tw.jacobian(function(x) return x:to "i64" end)(tw.ones(2)) end,
  ["tree.map: the first argument must be a function, got number"] = function() return tw.tree.map(1, tw.ones(2)) end,
} do
  test("says: " .. message, function() test.raises(message, f) end)
end

test("forty further arguments", function()
  local more = {}
  for i = 1, 40 do more[i] = i end
  test.eq(tw.grad(function(x, ...) return x:sum() * select(40, ...) end)(tw.ones(2), table.unpack(more)):table(), { 40.0, 40.0 })
  local p = tw.ones(2)
  tw.optim.sgd(p, { lr = .1 }):step(function(x, ...) return x:sum() * select(40, ...) end, table.unpack(more))
  test.eq(p:table(), { -3.0, -3.0 })
end)

test("what a step returns is the value before the update, aliases of the parameters included", function()
  local p = tw.tensor { 1, 2 }
  local _, whole, part, nested = tw.optim.sgd(p, { lr = 1 }):step(function(x) return (x * x):sum(), x, x[1], { deep = { x:t() } } end)
  test.eq({ whole:table(), part:item(), nested.deep[1]:table() }, { { 1.0, 2.0 }, 1.0, { 1.0, 2.0 } })
  test.eq(p:table(), { -1.0, -2.0 })
end)

test("gradients and tangents share memory with nothing", function()
  local p = { a = tw.tensor { 1, 2 }, b = tw.tensor { 3, 4 } }
  local g = tw.grad(function(q) return (q.a + q.b):square():sum() end)(p)
  g.a:assign(g.a * .5)
  test.eq({ g.a:table(), g.b:table() }, { { 4.0, 6.0 }, { 8.0, 12.0 } })
  local ones = tw.grad(function(x) return x:sum() end)(tw.zeros(3))
  ones:assign(tw.tensor { 1, 2, 3 })
  test.eq(ones:table(), { 1.0, 2.0, 3.0 })
  local v = tw.tensor { 1, 1 }
  local _, moved = tw.jvp(function(x) return x + 1 end, tw.tensor { 1, 2 }, v)
  moved:fill(7)
  test.eq(v:table(), { 1.0, 1.0 })
  local _, pullback = tw.vjp(function(x) return x + 1 end, tw.tensor { 1, 2 })
  pullback(v):fill(7)
  test.eq(v:table(), { 1.0, 1.0 })
end)

test("update matches gradients place by place", function()
  local p = { a = tw.zeros(1), b = tw.zeros(1), c = tw.zeros(1) }
  local same = tw.tensor { 1 }
  tw.optim.sgd(p, { lr = 1 }):update { a = same, b = same, c = tw.tensor { 5 } }
  test.eq({ p.a:item(), p.b:item(), p.c:item() }, { -1.0, -1.0, -5.0 })
end)

test("trees with keys that look like other keys", function()
  local h = tw.hessian(function(p) return (p["1"] ^ 3):sum() + (p["fc.w"] ^ 2):sum() end) { ["1"] = tw.tensor { 1, 2 }, ["fc.w"] = tw.ones(1) }
  test.eq({ numbers(h["1"]["1"]), numbers(h["fc.w"]["fc.w"]), numbers(h["1"]["fc.w"]) }, { { 6.0, 0.0, 0.0, 12.0 }, { 2.0 }, { 0.0, 0.0 } })
  local flat, restore = tw.tree.flatten { a = { b = tw.tensor { 1 } }, ["a.b"] = tw.tensor { 2 } }
  test.eq({ restore(flat).a.b:item(), restore(flat)["a.b"]:item() }, { 1.0, 2.0 })
  test.eq(tw.checkgrad(function(p) return (p.a.b ^ 2 * p["a.b"]):sum() end, { a = { b = tw.tensor { 1 } }, ["a.b"] = tw.tensor { 2 } }), true)
end)

test("whole numbers beyond 2^53 stay whole", function()
  local i = tw.tensor({ 9007199254740993 }, { dtype = "i64" })
  test.eq({ (i - 9007199254740993):item(), i:eq(9007199254740993):item() }, { 0, true })
  i:fill(9007199254740995)
  test.eq(i:item(), 9007199254740995)
  test.eq(tw.full({ 1 }, 0 / 0, { dtype = "i64" }):item(), 0)
end)

test("a parameter cannot be written inside a custom forward", function()
  local q = tw.tensor { 1, 2 }
  local sly = tw.custom { forward = function(x) x:fill(9) return x * 1 end, vjp = function(t) return t end }
  test.raises("belongs to a parameter being differentiated", function() tw.grad(function(x) return sly(x):sum() end)(q) end)
  test.eq(q:table(), { 1.0, 2.0 })
end)

test("forward mode notices a value written in place", function()
  test.raises("was written in place", function()
    tw.jvp(function(x)
      local y = x * 2
      tw.stop_gradient(y):fill(5)
      return y * y
    end, tw.tensor(1), tw.tensor(1))
  end)
end)

test("a failed step leaves the hyperparameters of the last one", function()
  local opt = tw.optim.sgd(tw.ones(1), { lr = tw.schedule.exponential { rate = 1 } })
  opt:step(function(x) return x:sum() end)
  pcall(function() opt:step(function() error "no" end) end)
  test.eq({ opt:hyper().lr, opt.steps }, { 1.0, 1 })
end)

test("an empty list of axes means all, and an immense empty tensor prints", function()
  test.eq({ tw.ones(2, 3):sum({}):item(), tw.ones(2, 3):sum({}, { keepdim = true }).shape }, { 6.0, { 1, 1 } })
  test.ok(#tostring(tw.zeros(2 ^ 33 | 0, 0)) < 200)
end)

test("finalizers cannot be called by hand", function()
  for _, v in ipairs { tw.ones(1), tw.rng(1), tw.optim.sgd(tw.ones(1), {}).engine } do test.eq(getmetatable(v), false) end
end)

test("nothing is left behind", function()
  collectgarbage()
  collectgarbage()
  test.ok(select(2, core.memory()) < 20)
end)

-- Bytes held while f runs, as the most over its calls.
local function most_bytes(n, f)
  local most = 0
  for i = 1, n do
    f(i)
    local bytes = core.memory()
    if bytes > most then most = bytes end
  end
  return most
end

test("tensors that nobody holds any more are given back soon, however long they were held", function()
  collectgarbage()
  local before = core.memory()
  local function grown(hold, kept)
    local ring, n = {}, 0
    return (most_bytes(20000, function(i)
      n = n % hold + 1
      ring[n] = kept and tw.scope(function() return tw.zeros(1024):keep() end) or tw.zeros(1024)
    end) - before) / 8192
  end
  test.ok(grown(1) < 64, "one at a time")               -- a collection of what is new is due every 32 of them
  for _, hold in ipairs { 10, 40, 100 } do              -- those that outlive some of these wait for a whole one, due at 4 MiB
    test.ok(grown(hold) < 512 + 3 * hold, "held for " .. hold)
    test.ok(grown(hold, true) < 512 + 3 * hold, "kept, held for " .. hold)
  end
end)

test("what shows one element many times, turned and cut anew", function()
  local x = tw.tensor { 1, 2 }:unsqueeze(1):expand(3, 2)
  test.eq(x:transpose():reshape(6):table(), { 1.0, 1.0, 1.0, 2.0, 2.0, 2.0 })
  test.eq(x[{ { 1, 2 } }]:transpose():reshape(4):table(), { 1.0, 1.0, 2.0, 2.0 })
  test.eq(x:reshape(6):table(), { 1.0, 2.0, 1.0, 2.0, 1.0, 2.0 })
  test.eq(tw.tensor(7.0):expand(2, 3):transpose():reshape(6):table(), { 7.0, 7.0, 7.0, 7.0, 7.0, 7.0 })
  test.eq(tw.grad(function(y) return (y:unsqueeze(1):expand(3, 2):transpose():reshape(6) * tw.arange(6)):sum() end)(tw.tensor { 1, 2 }):table(), { 6.0, 15.0 })
end)

test("optimizers that grew old are given back with their state, which no handle shows", function()
  collectgarbage()
  local before, p, f, kept = core.memory(), tw.zeros(1 << 17), function(x) return x:square():sum() end, {}
  local most = most_bytes(400, function(i) -- each holds 2 MiB, and outlives the looks at what is new that come meanwhile
    kept[i % 8] = tw.optim.adam(p, { lr = 0.1 })
    kept[i % 8]:step(f)
    local _ = tw.zeros(1 << 15) + 1
  end)
  test.ok(most - before < 400 << 20, "most bytes: " .. most - before)
end)

test.close()
