-- Operations of neural networks beside their values (nn_golden_spec): derivatives to second order and in forward mode, layouts, dtypes, edges, fused against
-- composed, generators, buffers, messages.
local test = require "spec"
local tw = require "thalweg"

local r = tw.rng(8, "nn_ops_spec")
local function normal(...) return r:normal(...) end
local function i64(t) return tw.tensor(t, { dtype = "i64" }) end

-- A direction of x's shape, so that every element counts differently.
local function direction(x)
  local w = {}
  for i = 1, x.size do w[i] = 0.5 + 0.37 * ((i - 1) % 7) end
  return tw.tensor(w, { dtype = x.dtype }):reshape(x.shape)
end

local function weighted(f) return function(x)
  local y = f(x)
  return (direction(y) * y):sum()
end end

-- Bit for bit, NaN equal to NaN whatever its payload.
local function same(a, b, what)
  local other = b:reshape(b.size):table()
  for i, u in ipairs(a:reshape(a.size):table()) do
    local v = other[i]
    test.ok(u == v and 1 / u == 1 / v or u ~= u and v ~= v, what .. ": element " .. i .. " is " .. u .. " in one operation and " .. v .. " in two")
  end
end

test("an activation within linear has the bits of its call on the map, and so have its derivatives of every kind", function()
  local huge = math.huge
  for _, name in ipairs { "relu", "tanh", "sigmoid", "gelu", "softplus" } do
    local f = tw[name]
    for _, dtype in ipairs { "f64", "f32" } do
      for _, shape in ipairs { { 5, 3 }, { 17, 3 }, { 2, 4, 3 }, { 3 } } do
        local x, w, b = normal(table.unpack(shape)):to(dtype), normal(3, 19):to(dtype), normal(19):to(dtype)
        if #shape == 2 then
          local odd = x:reshape(x.size):table()
          odd[2], odd[5], odd[7] = 0 / 0, huge, 0
          x = tw.tensor(odd, { dtype = dtype }):reshape(shape)
        end
        local function one(p) return tw.linear(p.x, p.w, p.b, name) end
        local function two(p) return f(tw.linear(p.x, p.w, p.b)) end
        local at, v = { x = x, w = w, b = b }, { x = direction(x), w = direction(w), b = direction(b) }
        same(one(at), two(at), name)
        local p, q = tw.grad(weighted(one))(at), tw.grad(weighted(two))(at)
        local pv, qv = tw.hvp(weighted(one))(at, v), tw.hvp(weighted(two))(at, v)
        for _, key in ipairs { "x", "w", "b" } do
          same(p[key], q[key], name .. "'s gradient by " .. key)
          if #shape ~= 2 then same(pv[key], qv[key], name .. "'s Hessian-vector product by " .. key) end
        end
        local _, along = tw.jvp(one, at, v)
        local _, want = tw.jvp(two, at, v)
        same(along, want, name .. "'s tangent")
      end
    end
    same(tw.linear(normal(2, 2) * 0, tw.eye(2), nil, name), f(tw.zeros(2, 2)), name)
  end
  test.raises("linear: inner sizes differ: a is f64[2 3], b is f64[2 4]", tw.linear, tw.ones(2, 3), tw.ones(2, 4), tw.ones(4))
  test.raises("linear: the bias must have one element for each column", tw.linear, tw.ones(2, 3), tw.ones(3, 4), tw.ones(3))
  same(tw.linear(tw.ones(2, 3), tw.ones(3, 4), tw.ones(1)), tw.ones(2, 4) * 4, "one bias for all columns")
  test.raises('linear: "matmul" is no activation; the name of an elementwise function is needed, such as relu',
    tw.linear, tw.ones(2, 2), tw.eye(2), nil, "matmul")
end)

-- First and second derivatives against central differences, forward mode against reverse mode.
local function check(name, f, x)
  local scalar = weighted(f)
  test(name .. " has the right first and second derivatives, the same in forward mode", function()
    local ok, worst = tw.checkgrad(scalar, x)
    test.ok(ok, worst and string.format("first: %s[%d] is %.12g, by differences %.12g", worst[1].path, worst[1].index, worst[1].exact, worst[1].numeric))
    ok, worst = tw.checkgrad(function(y)
      local g = tw.grad(scalar)(y)
      return (g * g):sum()
    end, x, { tolerance = 1e-5 })
    test.ok(ok, worst and string.format("second: %s[%d] is %.12g, by differences %.12g", worst[1].path, worst[1].index, worst[1].exact, worst[1].numeric))
    local v = direction(x)
    local _, moved = tw.jvp(f, x, v)
    local along = (direction(moved) * moved):sum():item()
    local want = (tw.grad(scalar)(x) * v):sum():item()
    test.near(along, want, 1e-12 * (1 + math.abs(want)))
    local _, second = tw.jvp(tw.grad(scalar), x, v)
    local reverse = tw.grad(function(y) return (tw.grad(scalar)(y) * v):sum() end)(x)
    local scale = 1 + reverse:abs():max():item()
    test.ok((second - reverse):abs():max():item() <= 1e-12 * scale, "forward over reverse is not reverse over reverse")
  end)
end

local image, kernels, bias = normal(2, 3, 5, 4), normal(2, 3, 3, 2), normal(2)
local strides = { stride = { 2, 1 }, padding = { 1, 0 } }
check("conv2d of the image", function(x) return tw.conv2d(x, kernels, bias, strides):tanh() end, image)
check("conv2d of the kernels", function(w) return tw.conv2d(image, w, bias, strides):tanh() end, kernels)
check("conv2d of the bias", function(b) return tw.conv2d(image, kernels, b):tanh() end, bias)
check("conv2d of both", function(x) return tw.conv2d(x, x[{ { 1, 2 }, {}, { 1, 2 }, { 2, 3 } }], { padding = 1 }) end, image)
check("conv1d", function(x) return tw.conv1d(x, x[{ { 1, 2 }, {}, { 2, 3 } }], { stride = 2, padding = 1 }) end, normal(2, 3, 5))
check("max_pool", function(x) return tw.max_pool(x, { 3, 2 }, { stride = 2, padding = { 1, 1 } }) ^ 2 end, image)
check("max_pool of signals", function(x) return tw.max_pool(x, 2, { stride = 1 }) ^ 2 end, normal(2, 2, 5))
check("avg_pool", function(x) return tw.avg_pool(x, { 3, 2 }, { stride = 2, padding = 1 }) ^ 2 end, image)

local rows, other = normal(3, 4), normal(3, 4)
local classes = i64 { 1, 4, 2 }
for _, how in ipairs { "mean", "sum", "none" } do
  local o = { reduction = how }
  check("mse, " .. how, function(x) return tw.mse(x, other, o) end, rows)
  check("l1, " .. how, function(x) return tw.l1(x ^ 2, other, o) end, rows)
  check("huber, " .. how, function(x) return tw.huber(x ^ 2, other, { reduction = how, delta = .7 }) end, rows)
  check("hinge, " .. how, function(x) return tw.hinge(x ^ 2, other:sign(), o) end, rows)
  check("bce, " .. how, function(x) return tw.bce(x:sigmoid(), other:sigmoid(), o) end, rows)
  check("bce of the target, " .. how, function(x) return tw.bce(other:sigmoid(), x, o) end, rows)
  check("bce_with_logits, " .. how, function(x) return tw.bce_with_logits(x, other:sigmoid(), o) end, rows)
  check("kl, " .. how, function(x) return tw.kl(x:log_softmax(), other:softmax(), o) end, rows)
  check("kl of the target, " .. how, function(x) return tw.kl(other:log_softmax(), x:softmax(), o) end, rows)
  check("nll, " .. how, function(x) return tw.nll(x:log_softmax(), classes, o) end, rows)
  check("cross_entropy with classes, " .. how, function(x) return tw.cross_entropy(x ^ 2, classes, o) end, rows)
  check("cross_entropy with probabilities, " .. how, function(x) return tw.cross_entropy(x, other:softmax(), o) end, rows)
end
check("cross_entropy of the probabilities", function(x) return tw.cross_entropy(other, x:softmax()) end, rows)
check("log_softmax along the first axis", function(x) return x:log_softmax(1) ^ 2 end, rows)

check("layer_norm", function(x) return tw.layer_norm(x, other[1], other[2]) ^ 2 end, rows)
check("layer_norm over two axes, of scale and shift", function(w) return tw.layer_norm(image, w, w * 2) ^ 2 end, normal(5, 4))
local function running() return tw.buffer(tw.tensor { .3, -.2, .1 }), tw.buffer(tw.tensor { .5, 2, 1 }) end
for _, train in ipairs { true, false } do
  check("batch_norm, train = " .. tostring(train), function(x)
    local mean, var = running()
    return tw.batch_norm(x, mean, var, bias[1] * tw.ones(3), tw.ones(3), { train = train }) ^ 2
  end, image)
end
check("batch_norm of scale and shift", function(w) return tw.batch_norm(image, nil, nil, w, w * 2, { train = true }) ^ 2 end, normal(3))
check("embedding", function(w) return tw.embedding(i64 { { 2, 1 }, { 2, 2 } }, w) ^ 2 end, rows)
check("dropout", function(x) return tw.dropout(x, .4, tw.rng(5)) ^ 2 end, rows)

-- The same bits, whatever the layout and the company.

local function same(got, want, note) test.eq({ got.shape, got:table() }, { want.shape, want:table() }, note) end
local function both_dtypes(f)
  for _, d in ipairs { "f64", "f32" } do f(d) end
end
-- The same numbers with turned strides.
local function turned(x)
  local axes = {}
  for i = 1, x.ndim do axes[i] = x.ndim + 1 - i end
  return (x:permute(axes):clone()):permute(axes)
end

test("strided operands give the bits of contiguous ones", function()
  both_dtypes(function(d)
    local x, w, b = image:to(d), kernels:to(d), bias:to(d)
    local function of(u, v) return {
      tw.conv2d(u, v, b, strides), tw.max_pool(u, 2), tw.avg_pool(u, 2, { padding = 1 }), u:log_softmax(2), u:softmax(4),
      tw.layer_norm(u), tw.mse(u, v[{ 1, 1, 1, 1 }]),
      tw.batch_norm(u, nil, nil, { train = true }),
      tw.grad(function(y) return (tw.conv2d(y, v, b, strides) ^ 2):sum() + (tw.max_pool(y, 2) ^ 2):sum() + (y:log_softmax(3) ^ 2):sum() end)(u),
    } end
    local plain, strided = of(x, w), of(turned(x), turned(w))
    for i = 1, #plain do same(strided[i], plain[i], d .. " result " .. i) end
  end)
end)

test("a row's softmax does not depend on the rows around it, nor on where the axis stands", function()
  both_dtypes(function(d)
    for _, n in ipairs { 1, 3, 10, 130, 1100 } do
      local x = normal(7, n):to(d) * 3
      local y = x:log_softmax()
      same(x:t():log_softmax(1):t(), y)
      for i = 1, 7 do same(x[i]:log_softmax(), y[i]) end
      local top = x:max(2, { keepdim = true })
      same((x - top) - (x - top):exp():sum(2, { keepdim = true }):log(), y, "the formula, by the one tree")
    end
  end)
end)

test("a normalised position does not depend on the others: mean and variance by the one tree", function()
  both_dtypes(function(d)
    for _, axes in ipairs { { 2 }, { 1, 3, 4 }, { 2, 3, 4 } } do
      local x = normal(5, 19, 3, 4):to(d)
      local mean = x:sum(axes, { keepdim = true }) / (x.size / x:sum(axes).size)
      local var = ((x - mean) ^ 2):sum(axes, { keepdim = true }) / (x.size / x:sum(axes).size)
      local want = (x - mean) * (var + 1e-5):rsqrt()
      if #axes == 1 then same(x:permute(1, 3, 4, 2):layer_norm():permute(1, 4, 2, 3), want)
      elseif axes[1] == 1 then same(tw.batch_norm(x, nil, nil, { train = true }), want)
      else same(x:layer_norm(tw.ones(19, 3, 4, { dtype = d })), want) end
    end
    local rows_ = normal(6, 11):to(d)
    same(tw.batch_norm(rows_, nil, nil, { train = true }), rows_:t():layer_norm():t(), "[N C]")
  end)
end)

test("a convolution's bits are those of the product of its windows", function()
  both_dtypes(function(d)
    local x, w = image:to(d), kernels:to(d)
    local y, windows = tw.conv2d(x, w), {}
    for c = 1, 3 do for i = 1, 3 do for j = 1, 2 do windows[#windows + 1] = x[{ 2, c, { i, i + 2 }, { j, j + 2 } }]:reshape(9) end end end
    same(y[2]:reshape(2, 9), w:reshape(2, 18):matmul(tw.stack(windows)))
    same(tw.conv2d(x[{ { 2, 2 } }], w)[1], y[2], "an image alone")
  end)
end)

-- Inside another differentiation of x the gradient is composed; alone it is fused.
local function composed(f, x)
  local _, _, g = tw.value_and_grad(function(y)
    local inner = tw.grad(f)(y)
    return inner:sum(), inner
  end)(x)
  return g
end

test("fused derivatives have the bits of the composed ones", function()
  both_dtypes(function(d)
    for _, n in ipairs { 1, 4, 10, 130 } do
      local x, c = (normal(9, n) * 4):to(d), r:randint(1, n, 9)
      local v = normal(9, n):to(d)
      for name, f in next, {
        log_softmax = function(y) return (y:log_softmax() * v):sum() end,
        first_axis = function(y) return (y:log_softmax(1) * v):sum() end,
        softmax = function(y) return (y:softmax() * v):sum() end,
        cross_entropy = function(y) return y:cross_entropy(c) end,
        each = function(y) return (y:cross_entropy(c, { reduction = "none" }) * v:t()[1]):sum() end,
        probabilities = function(y) return y:cross_entropy(v:softmax()) end,
        layer_norm = function(y) return (y:layer_norm() * v):sum() end,
        batch_norm = function(y) return (y:batch_norm(nil, nil, { train = true }) * v):sum() end,
      } do
        same(tw.grad(f)(x), composed(f, x), d .. " " .. name .. " " .. n)
      end
      local picked = function(y) return -tw.stack((function()
        local out, log_p = {}, y:log_softmax()
        for i = 1, 9 do out[i] = log_p[{ i, c[i]:item() }] end
        return out
      end)()):sum() / 9 end
      same(x:cross_entropy(c), picked(x), "forward " .. d .. " " .. n)
      -- One way keeps p = power / sum, the other has exp(log p): as many roundings of numbers up to 1 / 9, and of log p, which is no larger than 40 here.
      local by_nll = tw.grad(function(y) return y:log_softmax():nll(c) end)(x)
      local apart = (tw.grad(function(y) return y:cross_entropy(c) end)(x) - by_nll):abs():max():item()
      test.ok(apart <= 45 / 9 * 2 ^ (d == "f64" and -53 or -24), "by way of nll " .. d .. " " .. n .. ": " .. apart)
    end
  end)
end)

test("results and gradients keep f32", function()
  local x, w = image:to("f32"), kernels:to("f32")
  local y, g = tw.value_and_grad(function(p)
    local z = tw.conv2d(p.x, p.w, { padding = 1 }):relu():max_pool(2)
    z = tw.batch_norm(z, nil, nil, { train = true }):avg_pool({ 1, 2 }):dropout(.1, tw.rng(1)):reshape(2, -1):layer_norm()
    return z:cross_entropy(i64 { 1, 2 }) + z:huber(0) + z:bce_with_logits(1) + z:hinge(-1) + z:kl(.5)
  end) { x = x, w = w }
  test.eq({ y.dtype, g.x.dtype, g.w.dtype }, { "f32", "f32", "f32" })
end)

test("empty batches pass through, and their gradients", function()
  local x = tw.zeros(0, 3, 5, 4)
  test.eq(tw.conv2d(x, kernels, bias).shape, { 0, 2, 3, 3 })
  test.eq({ tw.max_pool(x, 2).shape, tw.avg_pool(x, 2).shape, tw.layer_norm(x).shape }, { { 0, 3, 2, 2 }, { 0, 3, 2, 2 }, { 0, 3, 5, 4 } })
  test.eq(x:log_softmax().shape, { 0, 3, 5, 4 })
  local g = tw.grad(function(p) return (tw.max_pool(tw.conv2d(p.x, p.w), 2) ^ 2):sum() end) { x = x, w = kernels }
  test.eq({ g.x.shape, g.w:abs():sum():item() }, { { 0, 3, 5, 4 }, 0.0 })
  test.eq(tw.zeros(0, 4):cross_entropy(tw.zeros(0, { dtype = "i64" }), { reduction = "none" }).shape, { 0 })
  test.eq(tw.embedding(tw.zeros(0, { dtype = "i64" }), rows).shape, { 0, 4 })
end)

-- Edges.

local inf, nan = math.huge, 0 / 0

test("NaN and infinity go where they should", function()
  local x = tw.tensor { { { { 1, nan, 2, -inf }, { 3, 4, -inf, -inf } } } }
  local y = tw.max_pool(x, 2):table()[1][1][1]
  test.ok(y[1] ~= y[1] and y[2] == 2)
  test.eq(tw.max_pool(x[{ {}, {}, {}, { 4, 4 } }], { 2, 1 }):item(), -inf)
  test.eq(tw.tensor { -inf, 0 }:log_softmax():table(), { -inf, 0.0 })
  local bad = tw.tensor { { 0, nan }, { 0, 1 } }:log_softmax():table()
  test.ok(bad[1][1] ~= bad[1][1] and bad[2][1] == bad[2][1], "a NaN stays in its row")
  test.eq(tw.huber(tw.tensor { inf, -inf }, 0):item(), inf)
  test.eq(tw.grad(function(a) return tw.huber(a, 0, { reduction = "sum" }) end)(tw.tensor { inf, -inf, 0 }):table(), { 1.0, -1.0, 0.0 })
end)

test("bce is finite at exact 0 and 1, with gradient 0 from the bound, NaN outside", function()
  local p, y = tw.tensor { 0, 1, 0, 1 }, tw.tensor { 1, 0, 0, 1 }
  test.eq(tw.bce(p, y, { reduction = "none" }):table(), { 100.0, 100.0, 0.0, 0.0 })
  local g = tw.grad(function(q) return tw.bce(q, y, { reduction = "sum" }) end)(p):table()
  test.eq(g, { 0.0, 0.0, 1.0, -1.0 })
  local outside = tw.bce(tw.tensor { -.1, 1.1 }, .5, { reduction = "none" }):table()
  test.ok(outside[1] ~= outside[1] and outside[2] ~= outside[2])
end)

test("bce_with_logits keeps what is small", function()
  local small = tw.bce_with_logits(tw.tensor { -40, 40 }, tw.tensor { 0, 1 }, { reduction = "none" }):table()
  for i = 1, 2 do test.near(small[i], math.exp(-40), 1e-30) end
end)

test("kl counts nothing where p is 0, whatever q, and its gradient is finite", function()
  local log_q = tw.tensor { 0, -inf }
  test.eq(tw.kl(log_q, tw.tensor { 1, 0 }, { reduction = "sum" }):item(), 0.0)
  test.eq(tw.grad(function(q) return tw.kl(q, tw.tensor { 1, 0 }, { reduction = "sum" }) end)(log_q):table(), { -1.0, 0.0 })
end)

test("the average of a divergence over a batch is the sum by the batch", function()
  local log_q, p = rows:log_softmax(), other:softmax()
  local want = (p * (p:log() - log_q)):sum(2):mean():item()
  test.near(tw.kl(log_q, p, { reduction = "sum" }):item() / 3, want, 1e-14)
  test.near(tw.kl(log_q, p):item() * 4, want, 1e-14)
end)

test("either side of a loss may be a number, one side may broadcast", function()
  test.eq({ tw.mse(tw.tensor { 1, 3 }, 1):item(), tw.l1(1, tw.tensor { 1, 3 }):item(), tw.mse(3, 1):item() }, { 2.0, 1.0, 4.0 })
  test.eq(tw.mse(tw.tensor { { 1, 2 }, { 3, 4 } }, tw.tensor { 1, 2 }):item(), 2.0)
  test.eq(tw.mse(i64 { 1, 2 }, i64 { 1, 4 }):item(), 2.0)
  test.eq(tw.hinge(tw.tensor({ 1, 2 }, { dtype = "f32" }), i64 { 1, -1 }).dtype, "f32")
  test.eq(tw.cross_entropy(tw.zeros(4), 3):item(), tw.log(4):item())
  test.eq(tw.nll(tw.tensor { -1, -2 }, 2):item(), 2.0)
end)

-- Generators and buffers.

test("dropout keeps the expectation, draws anew each time, and the same for the same generator", function()
  local g, n, p = tw.rng(3, "dropout"), 20000, .3
  local a, b = tw.dropout(tw.ones(n), p, g), tw.dropout(tw.ones(n), p, g)
  local kept = a:ne(0):to("f64"):mean():item()
  test.near(kept, 1 - p, 4 * math.sqrt(p * (1 - p) / n)) -- four standard errors
  test.eq(a:max():item(), 1 / (1 - p))
  test.ok((a - b):abs():sum():item() > 0)
  local again = tw.rng(3, "dropout")
  same(tw.dropout(tw.ones(n), p, again), a)
  same(tw.dropout(tw.ones(n, { dtype = "f32" }), p, again):ne(0):to("f64"), b:ne(0):to("f64"), "f32 drops the same")
  local u = tw.rng(3, "dropout"):uniform(n)
  same(a, u:ge(p):to("f64") * (1 / (1 - p)), "what uniform draws decides")
end)

test("dropout at its ends: p = 0 keeps all, p = 1 none; predicting gives x itself", function()
  test.eq(tw.dropout(tw.tensor { 1, 2 }, 0, tw.rng(1)):table(), { 1.0, 2.0 })
  test.eq(tw.grad(function(x) return tw.dropout(x, 1, tw.rng(1)):sum() end)(tw.tensor { 1, 2 }):table(), { 0.0, 0.0 })
  local x = tw.ones(2)
  test.ok(rawequal(tw.dropout(x, .5, nil, { train = false }), x))
end)

test("running averages follow the batch, in both dtypes, and only in training", function()
  both_dtypes(function(d)
    local x = tw.tensor({ { 1, 10 }, { 3, 20 }, { 5, 60 } }, { dtype = d })
    local mean, var = tw.zeros(2, { dtype = d }), tw.ones(2, { dtype = d })
    tw.batch_norm(x, mean, var, { train = true, momentum = .25 })
    test.eq({ mean:table(), var:table() }, { { .75, 7.5 }, { .75 + 1, .75 + 175 } })
    tw.batch_norm(x, mean, var)
    test.eq(mean:table(), { .75, 7.5 })
  end)
end)

test("running averages move inside a differentiated function, detached, and stay", function()
  local mean, var = tw.buffer(tw.zeros(3)), tw.buffer(tw.ones(3))
  local function loss(p) return (tw.batch_norm(image, p.mean, p.var, p.w, p.w, { train = true }) ^ 2):sum() end
  local g = tw.grad(loss) { w = tw.ones(3), mean = mean, var = var }
  test.eq({ g.mean, g.var }, {})
  same(mean, .1 * image:mean { 1, 3, 4 } + 0)
  local before = mean:table()
  tw.hvp(loss)({ w = tw.ones(3), mean = mean, var = var }, { w = tw.ones(3) })
  test.ok(mean:table()[1] ~= before[1])
end)

test("a buffer is no parameter: no gradient, no optimizer's step; a clone is one too", function()
  local p = { w = tw.ones(2), m = tw.buffer(tw.ones(2)) }
  local opt = tw.optim.sgd(p, { lr = 1, weight_decay = .5 })
  opt:step(function(q) return (q.w * q.m):sum() end)
  test.eq({ p.w:table(), p.m:table() }, { { -.5, -.5 }, { 1.0, 1.0 } })
  test.eq(tw.grad(function(q) return (q.w * q.m):sum() end)(tw.tree.map(function(t) return t:clone() end, p)).m, nil)
  test.raises("batch_norm: a running average is written, so it cannot be differentiated; mark it with tw.buffer: x is f64[3 4], mean is f64[4]", function()
    tw.grad(function(q) return tw.batch_norm(rows, q.m, q.m, { train = true }):sum() end) { m = tw.ones(4) }
  end)
end)

-- Messages.

for wrong, f in next, {
  ["conv2d: needs images x [N C H W] and kernels w [O C kh kw]: x is f64[3 4], w is f64[2 3 3 2]"] = function() tw.conv2d(rows, kernels) end,
  ["conv2d: the channels of x and w (axis 2) differ: x is f64[2 3 5 4], w is f64[2 2 3 2]"] = function() tw.conv2d(image, normal(2, 2, 3, 2)) end,
  ["conv2d: the operands must be real and of one dtype; convert one with :to(): x is f64[2 3 5 4], w is f32[2 3 3 2]"] = function()
    tw.conv2d(image, kernels:to("f32"))
  end,
  ["conv2d: b must have one element for each of w's kernels: x is f64[2 3 5 4], w is f64[2 3 3 2], b is f64[3]"] = function()
    tw.conv2d(image, kernels, tw.ones(3))
  end,
  ["conv2d: the window is larger than the padded input: the window is [3 2], the input [2 4], padding {0, 0}"] = function()
    tw.conv2d(image[{ {}, {}, { 1, 2 } }], kernels)
  end,
  ["conv2d: w has an axis of size 0"] = function() tw.conv2d(image, tw.zeros(2, 3, 0, 1)) end,
  ["conv2d: unknown option strid; valid: stride, padding"] = function() tw.conv2d(image, kernels, { strid = 2 }) end,
  ["conv2d: stride must be a whole number of at least 1 or a pair {rows, columns} of them, got 0"] = function() tw.conv2d(image, kernels, { stride = 0 }) end,
  ["conv2d: padding must be a whole number of at least 0 or a pair {rows, columns} of them, got -1"] = function()
    tw.conv2d(image, kernels, { padding = -1 })
  end,
  ["conv1d: stride must be a whole number of at least 1, got 1.5"] = function() tw.conv1d(normal(1, 1, 4), normal(1, 1, 2), { stride = 1.5 }) end,
  ["conv1d: needs signals x [N C L] and kernels w [O C k]"] = function() tw.conv1d(image, kernels) end,
  ["max_pool: needs a real tensor [N C H W] or [N C L]: f64[3 4]"] = function() tw.max_pool(rows, 2) end,
  ["max_pool: the padding must be at most half the window: padding is {2, 2}, the window [3 3]"] = function() tw.max_pool(image, 3, { padding = 2 }) end,
  ["max_pool: the window must be a whole number of at least 1"] = function() tw.max_pool(image, 0) end,
  ["max_pool: the window is larger than the padded input"] = function() tw.max_pool(image, 6) end,
  ["avg_pool: needs a real tensor [N C H W] or [N C L]: x is f64[3 4]"] = function() tw.avg_pool(rows, 2) end,
  ["avg_pool: the window is larger than the padded input"] = function() tw.avg_pool(image, 6) end,
  ["mse: the shapes differ: the first argument is f64[3 1], the target f64[3]; reshape one of them"] = function() tw.mse(tw.ones(3, 1), tw.ones(3)) end,
  ["l1: the dtypes differ: the first argument is f64[3], the target f32[3]; convert one with :to()"] = function()
    tw.l1(tw.ones(3), tw.ones(3, { dtype = "f32" }))
  end,
  ["mse: unknown option reduce; valid: reduction"] = function() tw.mse(rows, rows, { reduce = "sum" }) end,
  ["mse: wrong option: reduction is total; it must be one of mean, sum, none"] = function() tw.mse(rows, rows, { reduction = "total" }) end,
  ["huber: delta must be greater than 0, got 0"] = function() tw.huber(rows, rows, { delta = 0 }) end,
  ["huber: wrong option: delta is -1; it must be a number of at least 0"] = function() tw.huber(rows, rows, { delta = -1 }) end,
  ["cross_entropy: class 5 (element 2 of the target) is outside 1..4; classes count from 1"] = function() tw.cross_entropy(rows, i64 { 1, 5, 2 }) end,
  ["nll: class 0 (element 1 of the target) is outside 1..4"] = function() tw.nll(rows, i64 { 0, 5, 2 }) end,
  ["cross_entropy: the target must be classes, i64 of the first argument's shape without its last axis: the first argument is f64[3 4], the target i64[2]"
  ] = function()
    tw.cross_entropy(rows, i64 { 1, 2 })
  end,
  ["cross_entropy: the shapes differ: the first argument is f64[3 4], the target f64[3]"] = function() tw.cross_entropy(rows, tw.ones(3)) end,
  ["layer_norm: the scale and the shift must have x's dtype and the sizes of its last axes: x is f64[3 4], w is f64[3]"] = function()
    tw.layer_norm(rows, tw.ones(3))
  end,
  ["layer_norm: needs a real tensor with at least one axis: x is f64[]"] = function() tw.layer_norm(tw.tensor(1)) end,
  ["layer_norm: wrong option: eps is -1; it must be a number of at least 0"] = function() tw.layer_norm(rows, { eps = -1 }) end,
  ["batch_norm: needs a real tensor [N C ...]: x is f64[4]"] = function() tw.batch_norm(rows[1], nil, nil, { train = true }) end,
  ["batch_norm: predicting needs the running mean and var; { train = true } takes the batch's own: x is f64[3 4]"] = function() tw.batch_norm(rows) end,
  ["batch_norm: more than one value for each channel is needed to train: x is f64[1 4]"] = function()
    tw.batch_norm(rows[{ { 1, 1 } }], nil, nil, { train = true })
  end,
  ["batch_norm: the vectors must have x's dtype and one element for each channel (axis 2): x is f64[3 4], var is f64[3]"] = function()
    tw.batch_norm(rows, tw.ones(4), tw.ones(3))
  end,
  ["batch_norm: wrong option: momentum is 2; it must be a number in 0..1"] = function() tw.batch_norm(rows, nil, nil, { momentum = 2 }) end,
  ["dropout: the probability must be in 0..1: p is 1.5"] = function() tw.dropout(rows, 1.5, tw.rng(1)) end,
  ["dropout: training needs a generator"] = function() tw.dropout(rows, .5) end,
  ["dropout: needs a real tensor: x is i64[2]"] = function() tw.dropout(i64 { 1, 2 }, .5, tw.rng(1)) end,
  ["embedding: needs i64 indices and rows w [V ...], at most 8 axes together: the index is f64[3 4], w is f64[3 4]"] = function() tw.embedding(rows, rows) end,
  ["index 4 (element 1 of the index tensor) is outside 1..3"] = function() tw.embedding(i64 { 4 }, rows) end,
} do
  test("says: " .. wrong:sub(1, 60), function() test.raises(wrong, f) end)
end

test.close()
