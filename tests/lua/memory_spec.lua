-- Memory that runs out. A script of every kind of work is run once for each of its allocations, with that one failing: each time it must succeed or say that
-- memory ran out, leave no tensor and no block behind, and leave the engine working. The engine's own allocations and Lua's.
local test = require "spec"
local tw = require "thalweg"
local core = require "thalweg.core"

-- Parts. Each is work from nothing to nothing; what it returns says what came out.

local parts = {}
local function part(name, f) parts[#parts + 1] = { name = name, f = f } end

local function sum(...)
  local total = 0
  for _, x in ipairs { ... } do total = total + x:to("f64"):sum():item() end
  return total
end

part("creation and conversion", function()
  local x = tw.tensor { { 1, 2 }, { 3, 4 } }
  local n = #tostring(x) + #x:table() + #tw.arange(100):table()
  return n + sum(x, x:to("f32"), x:to("i64"), x:clone(), tw.tensor { true, false }, tw.zeros(3), tw.ones(2, 2, { dtype = "f32" }), tw.full({ 2 }, 7), tw.eye(3),
    tw.linspace(0, 1, 5), tw.logspace(1, 10, 3), tw.zeros(2, 2):assign(x), tw.zeros(2):fill(3), tw.stop_gradient(x))
end)

part("elementwise functions", function()
  local x, y, i = tw.tensor { .1, .2, .3 }, tw.tensor({ .5, .6, .7 }, { dtype = "f32" }), tw.tensor({ 1, 2, 3 }, { dtype = "i64" })
  local total = sum(x + 1, 2 * x, x - x, x / 3, x ^ 2, x ^ 3, -x, i + 1, i * x, i / 2, 1 - y, x:t():unsqueeze(2) * x, x:gt(.2), i:eq(2),
    tw.where(x:gt(.2), x, 0), tw.where(x:lt(.2), 1, y:to("f64")), x:leaky_relu(), x:elu())
  for _, name in ipairs { "exp", "log", "tanh", "sigmoid", "relu", "softplus", "gelu", "erf", "sqrt", "isnan" } do
    total = total + sum(x[name](x), y[name](y), i[name](i))
  end
  for _, name in ipairs { "maximum", "minimum", "atan2", "hypot", "pow", "le" } do total = total + sum(x[name](x, .2), tw[name](2, y)) end
  return total
end)

part("reductions", function()
  local x = tw.arange(12):reshape(3, 4)
  return sum(x:sum(), x:sum(1), x:mean(2, { keepdim = true }), x:max(1), x:min(), x:prod(2), x:var(1), x:std(), x:logsumexp(2), x:norm(), x:argmax(1),
    x:argmin(), x:to("i64"):mean(), x:softmax(1), x:log_softmax())
end)

part("shapes and products", function()
  local x = tw.arange(12):reshape(3, 4)
  local w = tw.ones(2, 4, 5)
  return sum(x:t():reshape(2, 6), x:permute(2, 1), x:expand(2, 3, 4), x:unsqueeze(1):squeeze(1), x:matmul(x:t()), x:matmul(w), x[1]:dot(x[2]),
    x:linear(x:t(), tw.ones(3)), tw.cat({ x, x, x }, 2), tw.stack({ x, x }, 3), x:mse(x + 1), x:cross_entropy(tw.tensor({ 1, 2, 3 }, { dtype = "i64" })),
    x:cross_entropy(x:softmax()))
end)

part("indexing", function()
  local x = tw.arange(12):reshape(3, 4)
  local index = tw.tensor({ 3, 1 }, { dtype = "i64" })
  return sum(x[1], x[{ 2, -1 }], x[{ { 1, 2 }, {} }], x:narrow(2, 2, 2), x[index], x[x:gt(5)], x[tw.tensor { true, false, true }], x:index_select(2, index),
    x[{ 1, index }], x[{ {}, index }], x[tw.tensor({ { 1, 2 }, { 3, 3 } }, { dtype = "i64" })])
end)

part("selecting", function()
  local x = tw.arange(12):reshape(3, 4)
  local index, wide = tw.tensor({ 3, -1 }, { dtype = "i64" }), tw.tensor({ { 1, 2, 1, 3 }, { 3, -1, 2, 2 } }, { dtype = "i64" })
  local values, places = x:sort(1, { descending = true })
  local top = x:topk(2)
  local parts = x:split({ 1, 3 }, 2)
  local m = x:gt(4)
  return sum(values, places, top, x:argsort(), x:cumsum(1), x:cumprod(2), x:flip(), parts[1], parts[2], x:gather(1, wide), x:scatter_add(1, wide, 2),
    x:scatter_add(1, wide, x:narrow(1, 1, 2)), index:abs():one_hot(3), x:tril(), x:triu(1), x:diag(), tw.diag(x[1], -1), m & ~m | m, m:all(1), m:any(),
    x:norm(1), x:norm(2, { p = 3 }), x:clamp(2, x:flip()), x[{ index, index }], x[{ { -1, 1, -1 }, m[1] }], x[{ m }], x % 5, x // 5,
    tw.einsum("ij,kj,kl->il", x, x, x), tw.einsum("...j,...j->", x, x), tw.einsum("ii->i", x:narrow(2, 1, 3)))
end)

part("saving and loading", function()
  local path = (os.getenv("TMPDIR") or "/tmp") .. "/memory_spec.tw"
  local w = tw.arange(6):reshape(2, 3)
  tw.save(path, { w = w, again = w, turned = w:t(), { 1, 2.5, "text", true } })
  local t = tw.load(path)
  os.remove(path)
  return sum(t.w, t.again, t.turned) + t[1][2]
end)

part("generators", function()
  local r = tw.rng(1, "memory"):split("a")
  local w = tw.tensor { 1, 2, 3 }
  return #tostring(r) + sum(r:normal(5), r:uniform(5, { dtype = "f32" }), r:exponential(5), r:truncated_normal(5), r:bernoulli(5),
    r:bernoulli(3, { p = w / 3 }), r:randint(1, 6, 5), r:permutation(5), r:choice(5, 3), r:choice(100, 5, { replace = false }), r:choice(3, 5,
    { weights = w }), r:choice(3, 2, { weights = w, replace = false }),
    r:multinomial(5, w, 2))
end)

local function model(p, x) return (tw.tanh(x:linear(p.w, p.b)):matmul(p.out.w) ^ 2):mean() + (p.out.w:prod(1) * p.b[1]):sum() end

local function params()
  return { w = tw.linspace(-1, 1, 12):reshape(4, 3), b = tw.linspace(0, 1, 3), out = { w = tw.linspace(1, 2, 6):reshape(3, 2) }, name = "net" }
end

part("gradients", function()
  local x = tw.linspace(0, 1, 8):reshape(2, 4)
  local loss, g, more = tw.value_and_grad(function(p) return model(p, x), { p.w * 2, "more" } end)(params())
  local ga, gb = tw.grad(function(a, b) return (a * b):sum() + tw.cat({ a, b }):max() end, { wrt = { 1, 2 } })(tw.ones(3), tw.arange(3))
  return sum(loss, g.w, g.b, g.out.w, more[1], ga, gb)
end)

part("gradients of every kind of operation", function()
  local x = tw.linspace(.1, 1, 12):reshape(3, 4)
  local index, mask = tw.tensor({ 3, 1 }, { dtype = "i64" }), tw.tensor { true, false, true }
  return sum(tw.grad(function(y)
    local a = y:max(1):sum() + y:prod(2):sum() + y:logsumexp(1):sum() + y:log_softmax():sum() + y:var():sum() + y:norm()
    local b = y[index]:sum() + y[mask]:sum() + y[{ 1, 2 }] + y:index_select(2, index):sum() + tw.stack({ y, y }):sum() + tw.where(y:gt(.5), y, y * y):sum()
    local c = (y:t():reshape(2, 6) * y:reshape(2, 6)):sum() + y:expand(2, 3, 4):sum() + y:matmul(y:t()):sum()
      + y:cross_entropy(tw.tensor({ 1, 2, 3 }, { dtype = "i64" }))
    return a + b + c + y:to("f32"):to("f64"):sum() + y:mse(y + 1) + y:exp():gelu():sum() + (y ^ y):sum()
  end)(x))
end)

part("gradients of what selects", function()
  local x = tw.linspace(.1, 1, 12):reshape(3, 4)
  local wide = tw.tensor({ { 1, 2, 1, 3 }, { 3, 1, 2, 2 } }, { dtype = "i64" })
  local function f(y)
    local a = ((y:sort()) * y):sum() + (y:cumsum(1) * y:cumprod(2)):sum() + y:gather(1, wide):sum() + y:scatter_add(1, wide, y:narrow(1, 1, 2)):prod()
    return a + y:tril():sum() + y:diag():prod() + y:norm(1):sum() + y:clamp(.2, .9):sum() + tw.einsum("ij,kj,kl->il", y, y, y):sum()
  end
  return sum(tw.grad(f)(x), tw.hvp(f)(x, x))
end)

part("second derivatives", function()
  local x = tw.linspace(0, 1, 8):reshape(2, 4)
  local h = tw.grad(function(p)
    local g = tw.grad(function(q) return model(q, x) end)(p)
    return (g.w * g.w):sum() + (g.out.w ^ 3):sum() + g.b:sum()
  end)(params())
  return sum(h.w, h.b, h.out.w)
end)

part("both modes and what is built from them", function()
  local f = function(x) return (tw.tanh(x) * x):sum() + x:prod() * x[1] end
  local x = tw.linspace(.1, .5, 3)
  local y, pullback = tw.vjp(function(a) return { a * a, a:sum() } end, x)
  local z, moved = tw.jvp(f, x, tw.ones(3))
  local trees = tw.hvp(function(p) return (p.a * p.b):sum() end)({ a = x, b = x + 1 }, { a = x, b = x * 2 })
  local outer = { mode = "forward" }
  return sum(y[1], y[2], pullback { x, tw.tensor(2) }, z, moved, trees.a, trees.b, tw.hvp(f)(x, x), tw.hessian(f)(x), tw.jacobian(tw.exp)(x),
    tw.jacobian(tw.exp, outer)(x), tw.vmap(tw.grad(f))(tw.ones(2, 3)), tw.jvp(tw.grad(function(v) return select(2, tw.jvp(f, v, v)) end), x,
    x)) + (tw.checkgrad(f, x) and 1 or 0)
end)

part("lanes and maps", function()
  local x = tw.linspace(.1, .5, 3)
  local function together() -- opens the lanes itself: the closure is made before, so that no failure comes between opening and closing
    core.lanes_begin(3)
    local lr, p, large, g = core.laned({ .1, .2, .3 }, "lr"), x:clone(), tw.ones(5, 4), tw.rng(core.laned { 1, 2, 3 }, "s")
    for _ = 1, 2 do p:assign(p - lr * tw.grad(function(q) return (q:dot(x) ^ 2 + q[1]):exp() end)(p)) end
    large:t():assign(large:t() * lr)
    local s = tw.linalg.solve(large:t():matmul(large) + tw.eye(4) * lr, tw.ones(4, 1)) + tw.tensor { { lr }, { 1 }, { 2 }, { lr } }
    local drawn = g:normal(3) + g:split("t"):uniform(3) + p:sort()
    core.lanes_compact { 1, 3 }
    return sum(core.lane(p, 1), core.lane(large, 2), core.lane(s, 2), core.lane(drawn, 1)) + #core.lane_numbers(core.num.exp(lr))
  end
  local ok, total = pcall(together)
  core.lanes_end()
  if not ok then error(total, 0) end
  local r = tw.rng(3)
  local each = tw.vmap(function(a) return { a:sum() * r:normal(), tw.vmap(tw.sin)(a), a:reshape(2, -1) } end)
  local around = tw.grad(function(q) return tw.vmap(function(a) return (a * q):sum() ^ 2 end)(tw.eye(3)):sum() end)(x)
  return total + sum(around, table.unpack(each(tw.ones(3, 4))))
end)

part("searches inside searches, in lanes", function()
  local a, y = tw.tensor { 1, -2 }, tw.tensor { 2, 1 }
  local opt = tw.optim.lbfgs(a, { line_search = "strong_wolfe" })
  local rng, terms = tw.rng(1, "noise"), tw.optim.saga(y, { n = 3, start = "gradients" })
  local function inner(q) return (q * q * q * q):sum() + (q * rng:normal(2)):sum() end
  local function outer(p)
    tw.optim.bfgs(tw.tensor { 3, 1 }):step(inner)
    return (p * p * p * p):sum() + (p * rng:normal(2)):sum()
  end
  local function weighted(p, i) return (i:to("f64") * (p * p):sum()):sum() + (p * rng:normal(2)):sum() end
  local function inside()
    opt:step(outer)
    terms:step(weighted, tw.tensor({ 2 }, { dtype = "i64" }))
    core.lanes_compact { 2 } -- a step that fails lets go of the lanes
  end
  local first = { 1 }
  core.lanes_begin(2)
  local ok, message = pcall(inside)
  local held = not (pcall(core.lanes_compact, first) or pcall(core.lanes_compact, first)) -- the failing allocation may be the first one's
  core.lanes_end()
  if not ok and not tostring(message):find("memory", 1, true) then error(message, 0) end
  if held then error("a step that failed holds the lanes", 0) end
  if not ok then error(message, 0) end
  return sum(a, y)
end)

local cube = tw.custom {
  forward = function(x) return x * x * x end,
  vjp = function(t, _, x) return t * 3 * x * x end,
  jvp = function(ts, _, x) return ts[1] * 3 * x * x end,
}
local faulty = tw.custom { forward = function(x) return x * 2 end, vjp = function() error("a rule's own error") end }

part("custom rules", function()
  local x = tw.linspace(.1, .5, 3)
  local f = function(v) return cube(v * 2):sum() end
  local ok, message = pcall(tw.grad(function(v) return faulty(v):sum() end), x)
  if ok or not tostring(message):find("a rule's own error", 1, true) then error(message, 0) end
  return sum(cube(x), tw.grad(f)(x), tw.hvp(f)(x, x), select(2, tw.jvp(cube, x, x)), tw.hessian(f)(x))
end)

part("trees", function()
  local p = params()
  local vector, restore = tw.tree.flatten(p)
  local q = restore(vector * 2)
  return sum(tw.tree.norm(p), tw.tree.dot(p, q), q.w, q.out.w) + #tw.tree.leaves(q)
end)

part("optimizer steps", function()
  local x, p = tw.linspace(0, 1, 8):reshape(2, 4), params()
  local opt = tw.optim.sgd(p, { lr = .1, momentum = .9, nesterov = true })
  local total = 0
  for _ = 1, 3 do total = total + sum(opt:step(function(q) return model(q, x) end)) end
  local g = opt:grads()
  opt:update(g)
  return total + opt:info().grad_norm + sum(p.w, p.b, p.out.w, g.w)
end)

local function stepped(kind, o, steps)
  local p = { tw.ones(2, 3), tw.tensor { 3 } }
  local opt = tw.optim[kind](p, o)
  for t = 1, steps do
    opt:step(function(q, i) return (q[1]:square():sum() * i + q[2]:sum()):square() * 0.01 end, t)
  end
  local average = opt:eval_params()
  return sum(p[1], p[2], average[1])
end

part("layer-wise optimizers", function()
  return stepped("lars", { norms = "together" }, 1) + stepped("lamb", {}, 1) + stepped("adafactor", { skip_nonfinite = true }, 1)
    + stepped("muon", { ns_steps = 1 }, 1)
end)

part("optimizers with estimates and averages", function()
  return stepped("prodigy", { decouple = false }, 1) + stepped("polyak", { accumulate = 2 }, 2) + stepped("schedule_free_adamw", { ball = 1 }, 1)
end)

part("optimizers around optimizers", function()
  return stepped("lookahead", { k = 1, reset_state = true, base = tw.optim.sam { adaptive = true, base = tw.optim.prodigy {} } }, 1)
end)

part("finite sums", function() return stepped("svrg", { n = 2 }, 2) + stepped("saga", { n = 2 }, 2) end)

part("methods that evaluate the function, in lanes", function()
  local function together()
    core.lanes_begin(2)
    local curve, total = core.laned({ 1.5, 0 }, "curve"), 0
    for _, kind in ipairs { "newton", "bfgs", "trust_region", "levenberg_marquardt" } do
      local p = tw.tensor { 1, 2 }
      local opt = tw.optim[kind](p, kind == "trust_region" and { method = "dogleg" } or nil)
      for _ = 1, 2 do
        opt:step(function(q) return kind == "levenberg_marquardt" and q * curve or (q:dot(q) ^ 2 + q[1] ^ 2) * curve end)
      end
      opt:load(opt:state())
      total = total + sum(core.lane(p, 1), core.lane(p, 2)) + #core.lane_numbers(opt:info().evaluations)
    end
    return total
  end
  local ok, total = pcall(together)
  core.lanes_end()
  if not ok then error(total, 0) end
  return total
end)

part("neural networks", function()
  local nn = tw.nn
  local net = nn.sequential {
    nn.conv { 1, 2, kernel = 2, stride = { 1, 2 }, padding = { 1, 0 } }, nn.batchnorm { 2 }, nn.max_pool { 2 }, nn.avg_pool { 1, padding = 0 },
    nn.dropout { p = .25 }, nn.flatten(), nn.layernorm { 4 },
  }
  local p, rng = net:init(tw.rng(1, "init")), tw.rng(2, "dropout")
  local x, classes = tw.linspace(0, 1, 40):reshape(2, 1, 4, 5), tw.tensor({ 1, 3 }, { dtype = "i64" })
  local function loss(q)
    local y = net(q, x, { train = true, rng = rng })
    local over_classes = y:cross_entropy(classes) + y:nll(classes, { reduction = "sum" }) + y:kl(.5)
    return over_classes + y:huber(0) + y:bce_with_logits(1) + y:sigmoid():bce(1) + y:hinge(-1) + y:l1(2)
  end
  local g = tw.grad(loss)(p)
  local table_ = tw.embedding(classes, tw.ones(3, 2)) + tw.conv1d(tw.ones(1, 1, 3), tw.ones(2, 1, 2)):reshape(2, 2)
  return sum(table_, loss(p), g.conv1.weight, g.batchnorm1.bias, p.batchnorm1.mean, tw.hvp(loss)(p, g).conv1.weight)
end)

part("scopes", function()
  local kept
  local a, tree = tw.scope(function(x)
    kept = (x * 3):keep()
    local inner, list = tw.scope(function() return x + 1, { x * 2, { deep = x / 2 } } end)
    return inner * 2, { inner, list, x * 5, "text" }
  end, tw.ones(2))
  return sum(kept, a, tree[1], tree[2][1], tree[2][2].deep, tree[3])
end)

-- Lets memory's own error through: a script may catch its errors, but must not take one for the other here.
local function expect(text, f, ...)
  local ok, message = pcall(f, ...)
  if ok then error("no error") end
  if not tostring(message):find(text, 1, true) then error(message, 0) end
  return #text
end

part("errors inside scopes and gradients", function()
  local p = tw.ones(3)
  return expect("my own", tw.scope, function(x)
    local y = x * 2
    error("my own " .. y:sum():item())
  end, p) + expect("sizes differ", tw.grad(function(y) return (y + tw.ones(5)):sum() end), p)
    + expect("inner sizes", tw.grad(function(y) return tw.grad(function(z) return z:unsqueeze(1):matmul(z:unsqueeze(1)) end)(y):sum() end), p)
    + expect("must return the loss", tw.grad(function() return { tw.ones(2) } end), p)
    + expect("no such gradient", function()
      local opt = tw.optim.sgd({ p }, { lr = 1 })
      local ok, message = pcall(opt.update, opt, { p, p, p * 2 })
      error(ok and "accepted" or tostring(message):find("gradients for 1 parameters", 1, true) and "no such gradient" or message, 0)
    end) + sum(tw.grad(function(y) return (y * y):sum() end)(p))
end)

part("a run", function()
  core.begin_run(3, "f32")
  local ok, result = pcall(function()
    local opt_params = { tw.rng(1, "init"):normal(3) }
    local opt = tw.optim.sgd(opt_params, { lr = .1 })
    return sum(opt:step(function(q) return (q[1] * q[1]):sum() end), opt_params[1])
  end)
  core.end_run()
  if not ok then error(result, 0) end
  return result
end)

-- The sweep.

local function settle()
  collectgarbage()
  collectgarbage()
  return { table.unpack({ core.memory() }, 1, 3) }
end

-- Where freed blocks are kept for reuse (the plain build) their number says nothing.
local function blocks_after(n)
  tw.zeros(n)
  return settle()[3]
end
local strict = blocks_after(1000) == blocks_after(100000)

local function check_memory(got, want, what)
  test.eq(got[2], want[2], what .. ": tensors left")
  test.eq(got[1], want[1], what .. ": bytes left in tensors")
  if strict then test.ok(got[3] <= want[3], string.format("%s: %d blocks left, %d before", what, got[3], want[3])) end
end

local says = { engine = "out of memory", lua = "not enough memory" }

local function sweep(p, owner, stride)
  local want
  for _ = 1, 3 do want = p.f() end -- what grows once and stays (the tape, the list of handles, Lua's strings) has grown
  local before = settle()
  local n, failures = 1, 0
  while true do
    core.fail_allocation(n, owner)
    local ok, result = pcall(p.f)
    local requests = core.fail_allocation(0, owner)
    local what = string.format("%s, %s allocation %d", p.name, owner, n)
    if ok then test.eq(result, want, what)
    else
      failures = failures + 1
      result = tostring(result)
      if not result:find(says[owner], 1, true) then error(what .. ": unexpected error: " .. result) end
    end
    result = nil
    check_memory(settle(), before, what)
    if failures % 16 == 0 or not ok and n <= 2 then test.eq(p.f(), want, what .. ": afterwards") end
    if requests < n then break end
    n = n + stride
  end
  test.eq(p.f(), want, p.name .. ": after all failures")
  check_memory(settle(), before, p.name .. ": after all failures")
  return n, failures
end

local began = os.clock()
for _, p in ipairs(parts) do
  for _, owner in ipairs { "engine", "lua" } do
    test(p.name .. ": every failing allocation of " .. (owner == "lua" and "Lua" or "the engine") .. " is an error that leaves nothing behind", function()
      local n, failures = sweep(p, owner, 1)
      print(string.format("  %-40s %-6s %4d runs, %4d out of memory", p.name, owner, n, failures))
    end)
  end
end
print(string.format("  %.1f s, blocks %s", os.clock() - began, strict and "counted" or "kept for reuse, not counted"))

test("a draw that runs out of memory does not move its generator", function()
  local w = tw.tensor { 1, 2, 3 }
  local draws = {
    function(r) return r:normal(5) end, function(r) return r:truncated_normal(5) end, function(r) return r:bernoulli(3, { p = w / 3 }) end,
    function(r) return r:permutation(5) end, function(r) return r:choice(9, 5, { replace = false }) end,
    function(r) return r:choice(3, 2, { weights = w, replace = false }) end, function(r) return r:multinomial(5, w, 2) end,
  }
  for i, draw in ipairs(draws) do
    local r, want = tw.rng(1, "kept"), tostring(tw.rng(1, "kept"))
    for n = 1, 10 do
      core.fail_allocation(n)
      local ok = pcall(draw, r)
      core.fail_allocation(0)
      if ok then break end
      test.eq(tostring(r), want, "draw " .. i)
    end
    test.ok(tostring(r) ~= want, "draw " .. i)
  end
end)

test("fail_allocation checks its arguments", function()
  test.raises("must be a whole number >= 0", core.fail_allocation, -1)
  test.raises("invalid option 'other'", core.fail_allocation, 1, "other")
  test.eq(rawget(tw, "fail_allocation"), nil)
end)

test.close()
