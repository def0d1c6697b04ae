-- Replay (src/grad/replay.c) and who holds what: results, values and gradients that are kept, handles that are over, memory, and a kept tw.value_and_grad.
-- The way without is as in replay_spec.lua.
local test = require "spec_lanes"
local tw = require "thalweg"
local core = require "thalweg.core"

local ways = require "replay_ways"
local X, weights, bits, both = ways.X, ways.weights, ways.bits, ways.both
local function classes(...) return tw.tensor({ ... }, { dtype = "i64" }) end

local function released(x)
  local ok, message = pcall(function() return x:sum() end)
  return not ok and tostring(message):find("was released", 1, true) ~= nil
end

test("what is kept of a step stays: results, values kept, views of them, gradients", function()
  both(16, function()
    return function(q, i, state)
      local h = X:matmul(q)
      local a, t = h:reshape(8), h:transpose()
      local y = (a * a):reshape(2, 4)
      local all = { h, a, t, y, y[1], y:transpose():reshape(8), tw.stop_gradient(h), tw.stop_gradient(t)[{ { 1, 1 } }], tw.stop_gradient(y):reshape(8) }
      if i % 10 > 0 then state.watch[i % 4 + 1] = all[i % 10]:keep() end
      return y:sum() + t:exp():sum(), { y, more = { a } }
    end, weights()
  end, 14)

  local p, held, want = weights(), {}, {}
  local opt = tw.optim.sgd(p, { lr = 0.1 })
  for i = 1, 10 do
    local loss, logits = opt:step(function(q)
      local h = X:matmul(q)
      return h:square():sum(), h
    end)
    held[i], want[i] = { loss, logits, opt:grads() }, bits(loss, logits, opt:grads())
    if i == 5 then opt:grads():assign(tw.zeros(3, 2)) want[i] = bits(held[i]) end
  end
  for i = 1, 10 do test.eq(bits(held[i]), want[i]) end
  test.ok(want[1] ~= want[2])
  test.eq(opt.engine:replayed(), 8)
end)

test("what is kept of a step that fails half-way stays", function()
  both(14, function()
    return function(q, i, state)
      local h = i * q
      local a = h:reshape(6)
      if i == 5 or i == 6 then state.watch[i] = tw.stop_gradient(h):keep() end
      if i == 6 then error("half-way") end
      return (a * a):sum() + h:reshape(2, 3):sum()
    end, weights()
  end, 10)
end)

test("a gradient is nobody else's memory", function()
  local p = tw.tensor { 1 }
  local opt = tw.optim.sgd(p, { lr = 1 })
  for i = 1, 6 do
    opt:step(function(q) return q:reshape {} end)
    local g = opt:grads()
    test.eq({ p:table(), g:table() }, { { 1.0 - i }, { 1.0 } })
    g:assign(g * 3)
  end
end)

test("handles of what a step made are over with it", function()
  local p, old = weights(), nil
  local opt = tw.optim.sgd(p, { lr = 0.1 })
  for i = 1, 6 do
    local before = old
    opt:step(function(q)
      if before then test.ok(released(before), "in step " .. i) end
      old = q * 2
      return (old * old):sum()
    end)
    test.ok(released(old), "after step " .. i)
  end
  test.eq(opt.engine:replayed(), 4)
  local result
  tw.scope(function() result = opt:step(function(q) return (q * 2):square():sum() end) end)
  test.ok(released(result))
  for _ = 1, 4 do
    pcall(opt.step, opt, function(q)
      old = q * 2
      error("x")
    end)
    test.ok(released(old))
  end
end)

test("what a coroutine that died left behind is over", function()
  local p, kept, opt = weights(), nil, nil
  local function f(q) return coroutine.wrap(function() coroutine.yield(X:matmul(q)) end)():square():sum() end
  local function run(deaths)
    p = weights()
    opt = tw.optim.adam(p, { lr = 0.1 })
    for i = 1, 8 do
      if deaths and i % 4 == 0 then
        coroutine.resume(coroutine.create(function()
          opt:step(function(q)
            kept = X:matmul(q)
            error("x")
          end)
        end))
        test.ok(released(kept))
      end
      coroutine.wrap(function() opt:step(f) end)()
    end
    return bits(p)
  end
  local want = run()
  test.eq(opt.engine:replayed(), 6)
  test.eq(run(true), want)
  test.eq(opt.engine:replayed(), 4)
end)

test("a constant that a result gave memory of its own is read where it lies now", function()
  local p = tw.tensor { { 1, 2 }, { 3, 4 } }
  tw.scope(function()
    local opt = tw.optim.sgd(p, { lr = 0.5 })
    local c = tw.stop_gradient(p:transpose())
    for i = 1, 5 do -- c follows the parameters until it is a result
      local was, by = p:table(), c:table()
      opt:step(function(q) return (q * c):sum(), i == 4 and c end)
      test.eq(p:table()[1][2], was[1][2] - 0.5 * by[1][2])
    end
    test.eq(opt.engine:replayed(), 2)
  end)
end)

local function memory()
  collectgarbage()
  collectgarbage()
  return { table.unpack({ core.memory() }, 1, 2) }
end

test("memory does not grow with the steps, and goes with the optimizer; data go before", function()
  local before = memory()
  for _, f in ipairs {
    function(q) return X:matmul(q):square():mean() end,
    function(q, i) return X[{ { 1, i % 50 == 0 and 2 or 4 } }]:matmul(q):square():mean() end,
    function(q, i) return i % 40 == 0 and error("x") or (q:transpose():reshape(6) * q:reshape(6)):sum() end,
  } do
    local p, i = weights(), 0
    local opt = tw.optim.adam(p, { lr = 0.01 })
    local function some(n)
      for _ = 1, n do
        i = i + 1
        pcall(opt.step, opt, function(q) return f(q, i) end)
      end
      return memory()
    end
    local early = some(205)
    test.eq(some(2000), early)
    test.ok(opt.engine:replayed() > 1500)
  end
  test.eq(memory(), before)
  local opt = tw.optim.sgd(weights(), { lr = 0.01 })
  do
    local data = tw.ones(1000, 3)
    for _ = 1, 5 do opt:step(function(q) return data:matmul(q):mean() end) end
  end
  test.eq(opt.engine:replayed(), 3)
  test.ok(memory()[1] - before[1] < 24000 + 40000, "the data are held")
end)

test("where memory runs out in a step, it is an error or nothing, and the next steps are right", function()
  local function f(q) return tw.cross_entropy(X:matmul(q):transpose():reshape(4, 2), classes(1, 2, 1, 2)):mean() + q:max(1):sum() end
  for _, at in ipairs { 1, 2, 3, 4 } do -- the first step, the one that is noted, a replayed one, one after results were kept
    for n = 1, 60 do
      local p, q, held = weights(), weights(), {}
      local a, b = tw.optim.sgd(p, { lr = 0.1 }), tw.optim.sgd(q, { lr = 0.1 })
      local done
      for i = 1, 7 do
        if i == at then core.fail_allocation(n) end
        local ok, loss = pcall(a.step, a, function(x)
          local l = f(x)
          return l, x * 2
        end)
        if i == at then done = core.fail_allocation(0) < n end
        if ok then
          held[1] = loss
          b:update((select(2, tw.value_and_grad(f)(q))))
        end
        test.eq(bits(p), bits(q))
      end
      if done then break end
    end
  end
end)

test("a kept tw.value_and_grad gives what a new one gives, and its results are the caller's", function()
  local function f(p, i)
    local y = X:matmul(p):tanh() * (0.1 * i)
    if i == 6 then y = y:square() end
    return y:sum(), y[{ {}, 1 }]
  end
  local kept, p, got, want = tw.value_and_grad(f), weights(), {}, {}
  for i = 1, 12 do
    p:assign(p * 0.9)
    got[i], want[i] = { kept(p, i) }, { tw.value_and_grad(f)(p, i) }
    for k = 1, i do test.eq(bits(got[k]), bits(want[k]), "result " .. k .. " after call " .. i) end
    if i % 3 == 0 then -- written by the caller: nobody else's
      for _, t in ipairs { got[i], want[i] } do t[2]:assign(t[2] * 0 + 7) end
    end
  end
end)

test("a kept tw.value_and_grad inside itself, and in coroutines", function()
  local vg
  vg = tw.value_and_grad(function(x, n)
    if n == 0 then return x:square():sum() end
    local _, g = vg(tw.stop_gradient(x), n - 1)
    return (x * g):sum()
  end)
  local x = tw.tensor { 1, 2 }
  for i = 1, 6 do
    for n = 0, 3 do test.eq(select(2, vg(x * i, n)):table(), { 2.0 * i, 4.0 * i }, "depth " .. n) end
  end
  local cube = tw.value_and_grad(function(y) return (y * y * y):sum() end)
  for i = 1, 6 do -- by turns in coroutines, one of which dies
    local ok, g = coroutine.resume(coroutine.create(function() return select(2, cube(x * i)) end))
    test.ok(ok)
    test.ok(not coroutine.resume(coroutine.create(function() cube(x, error "planned") end)))
    test.ok(not coroutine.resume(coroutine.create(function() tw.value_and_grad(function(y) return cube(y), error "planned" end)(x) end)))
    test.eq(select(2, cube(x)):table(), { 3.0, 12.0 })
    test.eq(g:table(), { 3.0 * i * i, 12.0 * i * i })
  end
end)

test("a step inside another differentiation leaves the gradients of an earlier step alone", function()
  local p = tw.tensor { 1, 2 }
  local opt = tw.optim.sgd(p, { lr = 0.01 })
  local function f(q) return (q * q):sum() end
  for _ = 1, 5 do opt:step(f) end
  local g = opt:grads()
  local want = g:table()
  tw.grad(function(y)
    opt:step(f)
    return f(y)
  end)(tw.ones(2))
  test.eq(g:table(), want)
end)

test.close()
