-- Replay (src/grad/replay.c): steps that make the calls of the step before give the bits of steps that are worked out anew, and whatever differs between
-- steps, is kept, written or fails is as it would be without. The way without: tw.value_and_grad and opt:update. engine:replayed() counts replayed evaluations.
local test = require "spec_lanes"
local tw = require "thalweg"
local core = require "thalweg.core"

local ways = require "replay_ways"
local X, weights, each, bits, both = ways.X, ways.weights, ways.each, ways.bits, ways.both
local function classes(...) return tw.tensor({ ... }, { dtype = "i64" }) end

test("every operation that can be is replayed from the third step on", function()
  local some = {
    function(q) return tw.cross_entropy(X:matmul(q), classes(1, 2, 2, 1)):mean() end,
    function(q) return (q:max(1) * q:min(1) + q:prod(1)):sum() + q:mean(2):var() end,
    function(q) return (q:transpose():reshape(6) * q:reshape(6)):sum() end,
    function(q) return tw.cat({ q, 2 * q }, 2)[{ {}, { 2, 3 } }]:exp():sum() end,
    function(q) return q:unsqueeze(1):expand(5, 3, 2):log_softmax(-1):square():sum() end,
    function(q) return tw.where(q:gt(0), q, 0.1 * q):tanh():sum() + tw.maximum(q, 0.3):sum() end,
    function(q) return q:index_select(1, classes(3, 1, 3)):square():sum() + q:softmax(1)[1]:logsumexp() end,
    function(q) return (q / (1 + q:square())):sum() ^ 2 end,
    function(q) return (q * tw.stop_gradient(q:mean())):abs():sum():to("f32") end,
  }
  for _, f in ipairs(some) do both(8, function() return f, weights() end, 6) end
end)

test("numbers, minibatches and targets may be others each time", function()
  both(12, function()
    return function(q, i)
      local from = i % 3
      return (0.5 * i) * tw.cross_entropy((X + i)[{ { from + 1, from + 2 } }]:matmul(q) ^ 2 / i, classes(i % 2 + 1, 2)):mean()
    end, weights()
  end, 10)
end)

test("a step that branches is worked out anew; one that is another from its first call on, with another shape say, is replayed when it comes again", function()
  both(12, function()
    return function(q, i)
      local h = X:matmul(q)
      if i % 5 == 0 then h = h:tanh() end
      return h:square():sum(), h
    end, weights()
  end, 6)
  both(12, function() return function(q) return (q:sum():item() > 1.5 and q or q:exp()):sum() end, weights() end, 8)
  both(12, function() return function(q, i) return X[{ { 1, i % 6 == 0 and 2 or 4 } }]:matmul(q):square():mean() end, weights() end, 9)
  both(12, function() return function(q, i) return (i % 6 == 0 and q:to("f32") or q):square():mean():to("f64") end, weights() end, 9)
  both(12, function() return function(q, i) return q:square():sum() + (i % 6 == 0 and q:sum() or 0) end, weights() end, 7)
end)

test("two that take turns are both replayed, their gradients, results and what is kept of them apart", function()
  local function in_turns(q, i, state)
    local x = X[{ { 1, i % 3 == 0 and 2 or 4 } }]
    local h = x:matmul(q)
    if i % 4 == 0 then state.watch[i] = tw.stop_gradient(h):keep() end
    return h:square():sum(), h
  end
  both(20, function() return in_turns, weights() end, 20 - 2 - 1)
  both(20, function() return in_turns, weights() end, 20 - 2 - 1, "adam", { lr = tw.schedule.linear { from = 0.1, to = 0.01, steps = 20 } })
  local p, held, want = weights(), {}, {}
  local opt = tw.optim.sgd(p, { lr = 0.1 })
  for i = 1, 12 do
    local loss, more = opt:step(in_turns, i, { watch = {} })
    held[i], want[i] = { loss, more, opt:grads() }, bits(loss, more, opt:grads())
  end
  for i = 1, 12 do test.eq(bits(held[i]), want[i]) end
  test.eq(opt.engine:replayed(), 9)
end)

test("kinds of steps that come and go do not end it", function()
  local p = weights()
  local opt = tw.optim.sgd(p, { lr = 1e-3 })
  local long = tw.ones(9, 3)
  local function step(rows) opt:step(function(q) return long[{ { 1, rows } }]:matmul(q):square():mean() end) end
  for _ = 1, 20 do step(9) end
  for rows = 1, 6 do step(rows) end
  local before = opt.engine:replayed()
  for i = 1, 200 do step(i % 10 == 0 and 6 or 9) end
  test.ok(opt.engine:replayed() - before > 190, opt.engine:replayed() - before .. " of 200")
  -- both are kept, one is forgotten by an error, the other given up for a derivative inside
  for _ = 1, 3 do step(6) end
  pcall(opt.step, opt, function(q) return (long:matmul(q):square():mean() + error("half-way")) end)
  opt:step(function(q) return long[{ { 1, 6 } }]:matmul(q):square():mean() + tw.grad(function(a) return a:sum() end)(q):sum() end)
  before = opt.engine:replayed()
  for _ = 1, 200 do step(9) end
  test.ok(opt.engine:replayed() - before > 190, opt.engine:replayed() - before .. " of 200 afterwards")
end)

test("where each step differs, it is given up", function()
  local some = { "exp", "sin", "cos", "tanh", "square" }
  both(60, function() return function(q, i) return q[some[i % #some + 1]](q):sum() end, weights() end, 0)
  local big = tw.ones(400, 400) -- more than is worth it
  both(5, function() return function(q) return (big * q:sum()):exp():mean() end, weights() end, 0)
  both(4, function()
    return function(q)
      for _ = 1, 4100 do q = 0.999 * q end
      return q:sum()
    end, weights()
  end, 0)
end)

test("errors inside f, caught there or outside, leave the next steps as they are", function()
  both(14, function()
    return function(q, i)
      local h = X:matmul(q)
      if i % 6 == 0 then test.ok(not pcall(h.reshape, h, 7, 7)) end
      if i % 7 == 0 then error("planned") end
      return h:square():sum()
    end, weights()
  end, 6)
  both(12, function() return function(q, i) return tw.cross_entropy(X:matmul(q), classes(1, i % 5 == 0 and 3 or 1, 2, 2)):mean() end, weights() end, 6)
  both(12, function() return function(q, i) return q:index_select(1, classes(1, i % 5 == 0 and 4 or 1)):square():sum() end, weights() end, 6)
end)

test("transforms and operations with rules in Lua inside f", function()
  local round = tw.custom { forward = function(x) return x:round() end, vjp = function(t) return t end }
  local insides = {
    function(q) return round(3 * q) end, function(q) return tw.grad(function(a) return (a * a):sum() end)(q) end,
    function(q) return tw.hvp(function(a) return (a * a * a):sum() end)(q, q) end, function(q) return tw.vmap(function(a) return 2 * a end)(q) end,
    function(q)
      tw.optim.sgd(tw.ones(2), { lr = 0.1 }):step(function(z) return z:sum() end)
      return q
    end,
  }
  for _, inside in ipairs(insides) do
    both(6, function() return function(q) return (inside(q) * q):sum() end, weights() end, 0)
    both(9, function() return function(q, i) return ((i == 5 and inside(q) or q) * q):sum() end, weights() end,
         (inside == insides[1] or inside == insides[4]) and 6 or 2)
  end
  both(6, function()
    return function(q, _, _, opt)
      pcall(opt.step, opt, function(z) return z:sum() end) -- is refused
      return q:square():sum()
    end, weights()
  end, 4)
end)

test("what f writes in place", function()
  both(10, function() -- a running mean of constants
    local c = tw.zeros(2)
    return function(q)
      local h = X:matmul(q)
      c:assign(0.9 * c + 0.1 * tw.stop_gradient(h:mean(1)))
      return (h - c):square():sum(), c
    end, weights()
  end, 8)
  both(10, function() -- of what is differentiated
    local c = tw.zeros(2)
    return function(q)
      local h = X:matmul(q)
      c:assign(h:mean(1))
      return h:square():sum(), c
    end, weights()
  end, 0)
  both(10, function() -- what was used already
    local c = tw.ones(2)
    return function(q, i)
      local h = X:matmul(q) * c
      if i % 4 == 0 then c:assign(c + 1) end
      return h:square():sum()
    end, weights()
  end, 4)
  both(10, function() -- a result, behind the back of the tape
    return function(q, i)
      local y = X:matmul(q):exp()
      if i % 4 == 0 then tw.stop_gradient(y):assign(tw.zeros(4, 2)) end
      return y:sum()
    end, weights()
  end, 4)
  both(10, function()
    local mean, var, r = tw.zeros(2), tw.ones(2), tw.rng(3, "dropout")
    return function(q)
      local h = tw.dropout(r, X:matmul(q.w), 0.3, { train = true })
      return tw.batch_norm(h, q.g, q.b, mean, var, { train = true }):square():mean(), mean, var
    end, { w = weights(), g = tw.ones(2), b = tw.zeros(2) }
  end, 0)
end)

test("a parameter that f captured is refused in a later step too, as a constant it is not", function()
  both(9, function()
    local p = weights()
    return function(q, i) return (q * (i % 4 == 0 and p or weights())):sum() end, p
  end, 5)
  both(9, function()
    local p = weights()
    return function(q, i) return (q * (i % 4 == 0 and tw.stop_gradient(p) or weights())):square():sum() end, p
  end, 6)
end)

test("trees: a tensor at two places, parameters without gradient, frozen ones, groups", function()
  both(9, function()
    local a = weights()
    return function(q, i) return (q[1] * q.b[1]):sum() * i end, { a, b = { a, tw.ones(3) }, c = tw.ones(2) }
  end, 7)
  local rows = {}
  for _, anew in ipairs { false, true } do
    local p = { w = weights(), b = tw.ones(2), c = tw.ones(2) }
    local opt = tw.optim.adam(p, { lr = 0.1, freeze = { "c" }, groups = { { path = "b", lr = 0.01 } } })
    for i = 1, 9 do
      local function f(q) return (X:matmul(q.w) + q.b * q.c):square():sum() * i end
      if anew then opt:update((select(2, tw.value_and_grad(f)(p)))) else opt:step(f) end
    end
    rows[#rows + 1] = bits(p)
  end
  test.eq(rows[1], rows[2])
end)

test("the flag of a buffer stays with the step that set it", function()
  local p, seen = weights(), nil
  local opt = tw.optim.sgd(p, { lr = 0.1 })
  for i = 1, 6 do
    local _, h = opt:step(function(q)
      local h = 2 * q
      if i == 4 then tw.buffer(h) end
      return h:square():sum(), i == 6 and h
    end)
    seen = h
  end
  test.eq(opt.engine:replayed(), 4)
  test.eq(tw.grad(function(x) return x:sum() end)(seen):table()[1][1], 1)
end)

test("optimizers that evaluate several times in a step, and two on one model", function()
  local r = tw.rng(5, "terms")
  local A, y = r:normal(6, 3), r:normal(6)
  local function f(q) return ((A:matmul(q) - y) ^ 2):mean() end
  local function term(q, i) return ((A[{ { i, i } }]:matmul(q) - y[{ { i, i } }]) ^ 2):sum() end
  local cases = {
    { "lbfgs", {}, f }, { "cg", {}, f }, { "sam", { base = tw.optim.adam { lr = 0.1 } }, f }, { "lookahead", { base = tw.optim.adam { lr = 0.1 } }, f },
    { "svrg", { lr = 0.05, n = 6 }, term },
  }
  for _, case in ipairs(cases) do
    local kind, options, g = case[1], case[2], case[3]
    if pcall(function() return tw.optim[kind] end) then
      local p, q = tw.ones(3), tw.ones(3)
      local opt, state = tw.optim[kind](p, options), nil
      for i = 1, 8 do
        local fresh = tw.optim[kind](q, options) -- a new optimizer has nothing to replay
        if state then fresh:load(state) end
        local more = g == term and i % 6 + 1 or nil
        local a, b = bits((opt:step(g, more))), bits((fresh:step(g, more)))
        test.eq(a, b, kind .. ", step " .. i)
        test.eq(bits(p), bits(q), kind .. ", step " .. i)
        test.eq(fresh.engine:replayed(), 0)
        state = fresh:state()
      end
      test.ok(opt.engine:replayed() >= 5, kind .. " replays " .. opt.engine:replayed())
    end
  end

  local p, q = tw.ones(3), tw.ones(3)
  local one, two = tw.optim.adam(p, { lr = 0.1 }), tw.optim.sgd(p, { lr = 0.01 })
  local one_anew, two_anew = tw.optim.adam(q, { lr = 0.1 }), tw.optim.sgd(q, { lr = 0.01 })
  for _ = 1, 7 do
    one:step(f)
    two:step(f)
    one_anew:update((select(2, tw.value_and_grad(f)(q))))
    two_anew:update((select(2, tw.value_and_grad(f)(q))))
  end
  test.eq(bits(p), bits(q))
  test.eq({ one.engine:replayed(), two.engine:replayed() }, { 5, 5 })
end)

test("lanes: steps in them, compaction and tw.vmap between them, optimizers from before", function()
  local function run(width, plan, anew)
    core.lanes_begin(width)
    local rows, out, held, gone = {}, {}, {}, 0
    for i = 1, width do rows[i] = 0.01 * i end
    local lr = core.laned(rows, "lr")
    local p = { tw.tensor { 3, -2 }, weights() }
    local opt = tw.optim.adam(p, { lr = lr })
    for i = 1, 16 do
      local function f(q)
        local h = q[2]:matmul(q[2]:transpose()) * (1 + lr)
        if plan == "branch" and i % 7 == 0 then h = h:tanh() end
        return 0.1 * q[1][1] ^ 2 + 2 * q[1][2] ^ 2 + h:sum() * 0.01, h
      end
      local h
      if anew then
        local _, g, logits = tw.value_and_grad(f)(p)
        opt:update(g)
        h = logits
      else
        h = select(2, opt:step(f))
      end
      if plan == "keep" and i % 3 == 0 then held[#held + 1] = h end
      if plan == "vmap" and i % 4 == 0 then tw.vmap(function(row) return row:sum() end)(tw.ones(3, 2)) end
      if plan == "compact" and i % 5 == 0 then
        local kept = {}
        for k = 2, width - gone do kept[#kept + 1] = k end
        core.lanes_compact(kept)
        gone = gone + 1
      end
    end
    for lane = 1, width - gone do
      each({ p, held }, function(t) out[#out + 1] = bits(core.lane(t, lane)) end)
    end
    local n = opt.engine:replayed()
    core.lanes_end()
    return out, n
  end
  for plan, replayed in next, { plain = 14, branch = 10, keep = 14, vmap = 14, compact = 11 } do
    for _, width in ipairs { 4, 7, 16 } do
      local out, n = run(width, plan)
      test.eq(out, (run(width, plan, true)), plan)
      test.eq(n, replayed, plan)
    end
  end
  local function around(anew)
    local p, out = tw.tensor { 1, 2, 3 }, {}
    local opt = tw.optim.adam(p, { lr = 0.1 })
    local function step(c)
      local function f(q) return (q * q * c):sum() end
      if anew then opt:update((select(2, tw.value_and_grad(f)(p)))) else opt:step(f) end
    end
    for _ = 1, 5 do step(1) end
    core.lanes_begin(3)
    local c = core.laned({ 1, 2, 3 }, "c")
    for _ = 1, 5 do step(1) end
    for _ = 1, 5 do step(c) end
    for lane = 1, 3 do out[lane] = bits(core.lane(p, lane)) end
    core.lanes_end()
    return out, opt.engine:replayed()
  end
  local out, n = around()
  test.eq(out, (around(true)))
  test.ok(n > 0)
end)

test("counts are those of a step that is worked out", function()
  local p = weights()
  local opt = tw.optim.sgd(p, { lr = 0.01 })
  local function f(q) return tw.cross_entropy(X:matmul(q), classes(1, 2, 1, 2)):mean() + q:prod(1):sum() + q:transpose():reshape(6):sum() end
  local want = tw.count(function() opt:update((select(2, tw.value_and_grad(f)(p)))) end)
  for i = 1, 6 do test.eq(tw.count(function() opt:step(f) end), want, "step " .. i) end
  test.eq(opt.engine:replayed(), 4)
end)

test.close()
