-- Values that differ between the runs computed together, as a script and the runner see them; and tw.vmap, which uses the same hidden axes.
local test = require "spec_lanes"
local tw = require "thalweg"
local core = require "thalweg.core"
local tree = require "thalweg.tree"

local r = tw.rng(11, "lanes")

local function bits(x) return { x.dtype, x.shape, x:reshape(-1):table() } end
local function same(a, b, note) test.eq(bits(a), bits(b), note) end

-- program(parameters...) alone for each row of values, and together; every tensor of the results must have the same bits.
local function alone_and_together(names, rows, program)
  local columns = {}
  for k = 1, #names do
    columns[k] = {}
    for i, row in ipairs(rows) do columns[k][i] = row[k] end
  end
  local expected = {}
  for i, row in ipairs(rows) do
    core.lanes_begin(1)
    local numbers = {}
    for k, name in ipairs(names) do numbers[k] = core.laned({ row[k] }, name) end
    expected[i] = tree.map(function(x) return core.lane(x, 1) end, table.pack(program(table.unpack(numbers))))
    core.lanes_end()
  end
  core.lanes_begin(#rows)
  local laned = {}
  for k, name in ipairs(names) do laned[k] = core.laned(columns[k], name) end
  local results = table.pack(program(table.unpack(laned)))
  for i = 1, #rows do
    tree.map(function(x, y, path) same(core.lane(x, i), y, string.format("lane %d, result %s", i, path)) end, results, expected[i])
  end
  core.lanes_end()
  return expected
end

local function rates(n)
  local rows = {}
  for i = 1, n do rows[i] = { 0.01 + 0.3 * i / n, 0.5 + 0.4 * i / n } end
  return rows
end

-- What runs compute.

for _, width in ipairs { 1, 2, 7, 64 } do
  test(string.format("gradient descent with momentum is the same alone and in %d lanes", width), function()
    alone_and_together({ "lr", "momentum" }, rates(width), function(lr, momentum)
      local x, v = tw.tensor { 3, -2 }, tw.zeros(2)
      for _ = 1, 20 do
        local loss, g = tw.value_and_grad(function(p) return 0.1 * p[1] ^ 2 + 2 * p[2] ^ 2 end)(x)
        v = momentum * v + g
        x = x - lr * v
        if not core.is_laned(loss) and core.is_laned(x) then loss = loss * 1 end
      end
      return { x = x, v = v }
    end)
  end)
end

test("parameters written in place become different by the first step", function()
  alone_and_together({ "lr" }, rates(5), function(lr)
    local p = { w = tw.ones(3, 20), b = tw.zeros(3) }
    local row = p.w[2]
    for _ = 1, 4 do
      local g = tw.grad(function(q) return ((q.w:sum(2) + q.b) ^ 2):mean() end)(p)
      for name, t in next, p do t:assign(t - lr * g[name]) end
    end
    return { p.w, p.b, row, p.w:t()[{ 3, {} }] }
  end)
end)

test("a network of f32 learns in lanes what it learns alone, seeds included", function()
  alone_and_together({ "lr", "seed" }, { { 0.1, 1 }, { 0.2, 1 }, { 0.1, 2 }, { 0.5, 33 } }, function(lr, seed)
    local g = tw.rng(seed, "net")
    local x, y = tw.rng(5):normal(32, 6, { dtype = "f32" }), tw.rng(6):randint(1, 3, 32)
    local p = { g:normal(6, 10, { dtype = "f32" }) * 0.3, tw.zeros(10, { dtype = "f32" }), g:split("out"):normal(10, 3, { dtype = "f32" }) }
    for _ = 1, 5 do
      local order = g:permutation(32)
      local bx, by = x[order]:narrow(1, 1, 8), y[order]:narrow(1, 1, 8)
      local grads = tw.grad(function(q) return tw.relu(bx:matmul(q[1]) + q[2]):dropout(0.2, g):matmul(q[3]):cross_entropy(by) end)(p)
      for i = 1, 3 do p[i] = p[i] - lr * grads[i] end
    end
    return p
  end)
end)

test("sorting, gathering, joining, linear algebra and draws go lane by lane", function()
  alone_and_together({ "a", "seed" }, { { 0.3, 4 }, { 1.5, 5 }, { -2.25, 6 } }, function(a, seed)
    local g = tw.rng(seed)
    local m = g:normal(3, 3)
    local s = m:matmul(m:t()) + tw.eye(3) * 2
    local sorted, order = (m * a):sort(2)
    local w, v = tw.linalg.eigh(s)
    return {
      sorted, order, m:gather(2, order), (m * a):topk(2), m:argmax(1), m[order], w, v, tw.linalg.solve(s, m), tw.linalg.det(s),
      tw.cat { m, tw.ones(1, 3) }, tw.stack { a * tw.ones(3), m[1] }, tw.where(m:gt(a), m, a), tw.tensor { { a, 2 }, { 3, a } },
      tw.tensor({ a, 1 }, { dtype = "f32" }), g:bernoulli(4, { p = a:abs() / 3 }), g:choice(9, 3), m:cumsum(1),
      tw.einsum("ij,kj->ik", m, s), m:reshape(9):reshape(1, 9),
      m:t():reshape(-1), m:flip(1), m:tril(), m:norm(), m:logsumexp(2), m:clamp(-a, a), tw.full({ 2 }, a),
      tw.tensor(a), m:clone():fill(a),
    }
  end)
end)

test("the library's functions of numbers take laned numbers, with the same bits", function()
  core.lanes_begin(4)
  local values, second = { 0.1, 0.7, 2.5, 13 / 7 }, { 1.5, -0.5, 2, 3 }
  local x, y = core.laned(values), core.laned(second, "y", "f64")
  for _, name in ipairs { "exp", "log", "log1p", "expm1", "sqrt", "sin", "cos", "tanh" } do
    local want = {}
    for i, v in ipairs(values) do want[i] = core.num[name](v) end
    test.eq(core.lane_numbers(core.num[name](x)), want, name)
  end
  local want, fixed = {}, {}
  for i = 1, 4 do want[i], fixed[i] = core.num.pow(values[i], second[i]), core.num.pow(2, second[i]) end
  test.eq({ core.lane_numbers(core.num.pow(x, y)), core.lane_numbers(core.num.pow(2, y)) }, { want, fixed })
  test.eq((core.num.exp(x) * tw.ones(2, { dtype = "f32" })).dtype, "f32", "it stays a number")
  core.lanes_end()
end)

test("an optimizer moves parameters that differ, and parameters that become different", function()
  local expected = {}
  local function train(scale)
    local q = { tw.ones(3), tw.tensor { 2 } * scale }
    local opt = tw.optim.sgd(q, { lr = 0.1, momentum = 0.9 })
    for _ = 1, 3 do opt:step(function(v) return (v[1] * scale):square():sum() + v[2]:square():sum() end) end
    return q
  end
  for i, v in ipairs { 0.5, 2 } do expected[i] = train(tw.tensor(v)) end
  core.lanes_begin(2)
  local q = train(core.laned { 0.5, 2 })
  for i = 1, 2 do for k = 1, 2 do same(core.lane(q[k], i), expected[i][k]) end end
  core.lanes_end()
end)

-- Numbers that differ.

test("a laned number is a number: 0-d, and it follows the dtype it meets", function()
  core.lanes_begin(2)
  local x, n = core.laned { 0.5, 2 }, core.laned { 1, 2 }
  test.eq({ x.ndim, x.dtype, n.dtype, core.is_laned(x), core.is_laned(tw.ones(1)), core.is_laned(2) }, { 0, "f64", "i64", true, false, false })
  test.eq({ (x * tw.ones(1, { dtype = "f32" })).dtype, (n * tw.ones(1)).dtype, (n * tw.ones(1, { dtype = "i64" })).dtype }, { "f32", "f64", "i64" })
  test.eq({ core.lane_numbers(x), core.lane_numbers(n), core.lane_numbers(3), core.lane_numbers(tw.tensor(4)), core.lane_numbers(n:gt(1)) },
    { { 0.5, 2.0 }, { 1, 2 }, { 3, 3 }, { 4.0, 4.0 }, { false, true } })
  test.eq({ core.lane(x * tw.ones(2), 2):table(), core.lane(tw.ones(2), 1):table(), core.lanes() }, { { 2.0, 2.0 }, { 1.0, 1.0 }, 2 })
  test.eq((x + 1):keep().ndim, 0)
  core.lanes_end()
  test.eq(core.lanes(), nil)
end)

local refused = {
  ['item: the parameter "lr" differs between the runs computed together (lanes); use tw.where(...), or take "lr" off the experiment\'s lanes list'] =
    function(lr) return lr:item() end,
  ['table: the parameter "lr" differs'] = function(lr) return lr:table() end,
  ['tostring: the parameter "lr" differs'] = function(lr) return tostring(lr) end,
  ['save: the parameter "lr" differs'] = function(lr) return tw.save(os.tmpname(), { lr }) end,
  ['tensors are not compared with < > <= >=: the parameter "lr" differs'] = function(lr) return lr > 0.1 end,
  ['concatenation: the parameter "lr" differs'] = function(lr) return "lr " .. lr end,
  ['number expected, got the parameter "lr", which differs between the runs computed together (lanes); use tw.exp, tw.where ... or take "lr" off'] =
    function(lr) return math.exp(lr) end,
  ["bad argument #2 to 'format' (number expected, got the parameter \"lr\""] = function(lr) return string.format("%g", lr) end,
  ["bad argument #2 to 'narrow' (number expected, got the parameter \"lr\""] = function(lr) return tw.ones(2):narrow(1, lr, 1) end,
  ["bad argument #1 to 'sum' (number expected, got the parameter \"lr\""] = function(lr) return tw.ones(2):sum(lr) end,
  ['a size: the parameter "lr" differs between the runs'] = function(lr) return tw.zeros(lr, 2) end,
  ["item: the value differs between the runs computed together (lanes); use tw.where(...), or take the parameter it comes from off"] =
    function(lr) return (tw.ones(1) * lr):item() end,
  ["got a value that differs between lanes"] = function(lr) return math.sqrt(2 * lr) end,
  ["index: a mask selects as many elements as it has true ones: the value differs"] = function(lr) local x = tw.ones(2) return x[x:gt(lr)] end,
  ["one_hot: without the number of classes: the value differs"] = function(lr) return (lr + tw.ones(2)):to("i64"):one_hot() end,
  ["tostring: the value differs"] = function(lr) return tostring(tw.rng((lr * 10):to("i64"))) end,
  ["index: index 3 (element 1 of the index tensor) is outside 1..2"] = function(lr) return tw.ones(2)[(tw.ones(1) * lr * 10):to("i64")] end,
  ["there must be a value for each lane: values are 2, lanes are 3"] = function() return core.laned { 1, 2 } end,
  ["every value must be a number: value 2 is a string"] = function() return core.laned { 1, "2", 3 } end,
  ["lanes are open already"] = function() return core.lanes_begin(2) end,
}
for message, f in next, refused do
  test("says: " .. message, function()
    core.lanes_begin(3)
    local lr = core.laned({ 0.1, 0.2, 0.3 }, "lr")
    local ok, fault = pcall(test.raises, message, f, lr)
    core.lanes_end()
    if not ok then error(fault, 0) end
  end)
end

test("what differs cannot be used once the lanes are over", function()
  core.lanes_begin(2)
  local x = core.laned { 1, 2 } * tw.ones(3)
  local taken = core.lane(x, 2)
  core.lanes_end()
  test.eq(taken:table(), { 2.0, 2.0, 2.0 })
  test.raises("this tensor differs between lanes of runs", function() return x:sum() end)
  test.raises("no lanes are open", function() return core.laned { 1 } end)
end)

test("a run's outside stays read-only, and the end of a run ends its lanes", function()
  local outside = tw.ones(2)
  core.begin_run(1)
  core.lanes_begin(2)
  local lr = core.laned { 1, 2 }
  test.raises("a tensor made outside run cannot be written inside it", function() outside:assign(lr * outside) end)
  core.end_run()
  test.eq({ outside:table(), core.lanes() }, { { 1.0, 1.0 } })
end)

test("a parameter being differentiated does not become different under the gradient", function()
  core.lanes_begin(2)
  local lr, x = core.laned { 1, 2 }, tw.ones(2)
  test.raises("belongs to a parameter being differentiated", function()
    tw.grad(function(p) x:assign(lr) return p:sum() end)(x)
  end)
  test.eq(core.is_laned(x), false)
  core.lanes_end()
end)

test("finished lanes are dropped, and views stay views", function()
  core.lanes_begin(6)
  local lr = core.laned({ 1, 2, 3, 4, 5, 6 }, "lr", "f64")
  local small, large = tw.tensor { 1, 2 }, tw.arange(40)
  local view, back = small[2], large:flip(1)
  small:assign(small * lr)
  large:assign(large * lr)
  local g = tw.rng(core.laned { 1, 2, 3, 4, 5, 6 })
  g:normal(3)
  core.lanes_compact { 2, 3, 6 }
  core.lanes_compact { 1, 3 }
  test.eq({ core.lanes(), core.lane_numbers(lr), core.lane_numbers(view), core.lane(back, 2)[1]:item() }, { 2, { 2.0, 6.0 }, { 4.0, 12.0 }, 240.0 })
  view:assign(view + lr)
  test.eq(core.lane(small, 2):table(), { 6.0, 18.0 })
  local fresh = tw.rng(6)
  fresh:normal(3)
  same(core.lane(g:normal(2), 2), fresh:normal(2))
  same(core.lane(g:split("x"):normal(2), 2), tw.rng(6):split("x"):normal(2))
  test.raises("those kept must be ascending places", function() core.lanes_compact { 2, 1 } end)
  test.raises("a function is being differentiated", function()
    tw.grad(function(p) core.lanes_compact { 1 } return p:sum() end)(tw.ones(1))
  end)
  core.lanes_end()
end)

-- tw.vmap.

-- The same by a loop over the slices of the first axis of every argument that is mapped.
local function by_loop(f, mapped, ...)
  local arguments, parts, n = table.pack(...), {}, nil
  for i, on in ipairs(mapped) do n = on and tree.leaves(arguments[i])[1].shape[1] or n end
  for k = 1, n do
    local slices = {}
    for i = 1, arguments.n do slices[i] = mapped[i] and tree.map(function(x) return x[k] end, arguments[i]) or arguments[i] end
    parts[k] = f(table.unpack(slices, 1, arguments.n))
  end
  local place = 0
  local leaves = {}
  for k = 1, n do leaves[k] = tree.leaves(parts[k]) end
  return tree.map(function()
    place = place + 1
    local column = {}
    for k = 1, n do column[k] = leaves[k][place] end
    return tw.stack(column)
  end, parts[1])
end

local function check_vmap(name, f, axes, ...)
  local arguments = table.pack(...)
  test("vmap is the loop over slices, bit for bit: " .. name, function()
    local together, apart = tw.vmap(f, { axes = axes })(table.unpack(arguments, 1, arguments.n)), by_loop(f, axes, table.unpack(arguments, 1, arguments.n))
    tree.map(function(x, y, path) same(x, y, path) end, together, apart)
  end)
end

local w, x, t = r:normal(4, 3), r:normal(6, 4), r:normal(6, 3)
local one = { false, 1, 1 }
local function loss(p, a, b) return ((tw.tanh(a:matmul(p.w)) + p.b - b) ^ 2):sum() end
local p = { w = w, b = r:normal(3) }

check_vmap("products and sums", function(a, b) return { a:dot(b), a * b, a:sum(), { a:max(), a:argmax() } } end, { 1, 1 }, r:normal(5, 3), r:normal(5, 3))
check_vmap("per-example gradients", tw.grad(loss), one, p, x, t)
check_vmap("gradients at many points", tw.grad(function(a) return (a:matmul(w) ^ 3):sum() end), { 1 }, x)
check_vmap("Hessians", tw.hessian(function(a) return (tw.sin(a) * a:prod()):sum() end), { 1 }, x)
check_vmap("Jacobians in both modes", function(a)
  return { tw.jacobian(tw.tanh, { mode = "forward" })(a), tw.jacobian(function(b) return b:matmul(w) end, { mode = "reverse" })(a) }
end, { 1 }, x)
check_vmap("Hessian-vector products", function(a, v) return tw.hvp(function(q) return (q ^ 4):sum() end)(a, v) end, { 1, 1 }, x, r:normal(6, 4))
check_vmap("nested", function(a) return tw.vmap(function(b) return b * a:sum() + a[1] end)(a) end, { 1 }, x)
check_vmap("nested with a gradient between", function(a)
  return tw.grad(function(q) return tw.vmap(function(b) return (b * q:sum()) ^ 2 end)(t[1]):sum() end)(a)
end, { 1 }, x)
check_vmap("a matrix each, factorised", function(m) return { tw.linalg.det(m:matmul(m:t()) + tw.eye(4)), tw.linalg.solve(m:matmul(m:t()) + tw.eye(4), m) } end,
  { 1 }, r:normal(3, 4, 2))
check_vmap("indices of its own", function(a, i) return { a[i], a:gather(1, i), i:one_hot(4) } end, { 1, 1 }, x, r:randint(1, 4, 6, 2))
check_vmap("many large slices", function(a, b) return a:matmul(b):softmax():log() end, { 1, false }, r:normal(3, 20, 30), r:normal(30, 17))
check_vmap("f32 and integers", function(a, n) return { a / 3, n + n:sum(), a:gt(0), a:cumsum() } end, { 1, 1 }, x:to("f32"), r:randint(1, 9, 6, 2))
check_vmap("a generator made inside", function(a) return tw.rng(3):normal(2) * a[1] end, { 1 }, x)
check_vmap("a rule of one's own", tw.grad(function(a)
  return tw.custom { forward = function(v) return v ^ 3 end, vjp = function(c, _, v) return c * 3 * v * v end }(a):sum()
end), { 1 }, x)

test("rows and columns of a large Jacobian are the products with unit vectors, bit for bit", function()
  local a, v = r:normal(130, 70), r:normal(70)
  local f = function(q) return tw.tanh(a:matmul(q)) * q:sum() end
  local g = tw.rng(1)
  local noisy = function(q) return f(q):dropout(0.5, g) end
  local reverse, forward = tw.jacobian(f, { mode = "reverse" })(v), tw.jacobian(f, { mode = "forward" })(v)
  local _, pullback = tw.vjp(f, v)
  for _, i in ipairs { 1, 64, 65, 128, 129, 130 } do same(reverse[i], pullback(tw.eye(130)[i]), "row " .. i) end
  for _, j in ipairs { 1, 64, 65, 70 } do same(forward[{ {}, j }], select(2, tw.jvp(f, v, tw.eye(70)[j])), "column " .. j) end
  local dropped = tw.jacobian(noisy, { mode = "forward" })(v:narrow(1, 1, 70))
  test.ok(dropped:eq(0):to("f64"):sum(2):gt(0):to("i64"):sum():item() < 130, "all columns see the same draw")
  local outer = tw.grad(function(q) return (tw.jacobian(f, { mode = "reverse" })(q) ^ 2):sum() end)(v)
  local other = tw.grad(function(q) return (tw.jacobian(f, { mode = "forward" })(q) ^ 2):sum() end)(v)
  test.near((outer - other):abs():max():item() / outer:abs():max():item(), 0, 1e-12)
  local h = tw.hessian(function(q) return (f(q) ^ 2):sum() end)(v)
  same(h[67], tw.grad(function(q) return tw.grad(function(s) return (f(s) ^ 2):sum() end)(q)[67] end)(v))
end)

test("vmap maps other axes, gives several results, and repeats what is the same for all", function()
  local f = tw.vmap(function(a, c) return a:sum(), c * 2, "text", 7, { a, n = 1 } end, { axes = { 2, false } })
  local total, c, text, seven, rest = f(x, t)
  same(total, x:sum(1))
  test.eq({ c.shape, c[3]:table(), text, seven, rest[1].shape, rest.n }, { { 4, 6, 3 }, (t * 2):table(), "text", 7, { 4, 6 }, 1 })
  c:assign(0) -- memory of its own
end)

test("the gradient around a vmap sums over the slices what they share", function()
  local function each(q) return tw.vmap(function(a, b) return loss(q, a, b) end)(x, t):mean() end
  local function whole(q) return ((tw.tanh(x:matmul(q.w)) + q.b - t) ^ 2):sum(2):mean() end
  local g, h = tw.grad(each)(p), tw.grad(whole)(p)
  for name, v in next, g do
    test.eq(v.shape, h[name].shape)
    test.near((v - h[name]):abs():max():item(), 0, 1e-14)
  end
  local second = tw.hvp(each)(p, p)
  test.near((second.w - tw.hvp(whole)(p, p).w):abs():max():item(), 0, 1e-13)
  local _, moved = tw.jvp(each, p, p)
  test.near(moved:item(), (g.w * p.w):sum():item() + (g.b * p.b):sum():item(), 1e-13)
  test.eq(tw.checkgrad(function(a) return tw.vmap(function(v) return (v * v:sum()):sum() end)(a):prod() end, r:normal(3, 2)), true)
  test.eq(tw.checkgrad(function(b) return tw.vmap(function() return b * 2 end)(x):sum() end, tw.ones(2)), true, "a result that is not mapped")
end)

test("a Jacobian goes through maps that have returned, in lanes of its own", function()
  local f = function(q) return tw.vmap(function(a) return tw.tanh(a) * a:sum() end)(q:reshape(3, 4)):sum(2) + tw.vmap(tw.sin)(q:narrow(1, 1, 3)) end
  local q = r:normal(12)
  local reverse, forward = tw.jacobian(f, { mode = "reverse" })(q), tw.jacobian(f, { mode = "forward" })(q)
  local _, pullback = tw.vjp(f, q)
  for i = 1, 3 do same(reverse[i], pullback(tw.eye(3)[i])) end
  test.near((reverse - forward):abs():max():item(), 0, 1e-15)
  local h = tw.hessian(function(v) return (f(v) ^ 2):sum() end)(q)
  test.near((h - h:t()):abs():max():item(), 0, 1e-13)
  for i = 1, 12, 5 do same(h[i], tw.grad(function(v) return tw.grad(function(s) return (f(s) ^ 2):sum() end)(v)[i] end)(q)) end
  local deep = function(a) return tw.vmap(function(b) return tw.vmap(tw.vmap(tw.exp))(b) end)(a:reshape(1, 2, 2, 3)):reshape(-1) end
  same(tw.jacobian(deep, { mode = "reverse" })(q), tw.exp(q) * tw.eye(12), "where no hidden axis is left")
end)

test("a rule may map while a pass goes back through a map", function()
  local rule = tw.custom { forward = function(v) return v ^ 2 end, vjp = function(c, _, v) return tw.vmap(function(a, b) return 2 * a * b end)(c, v) end }
  local f = function(q) return tw.vmap(function(a) return rule(a):sum() end)(q):sum() end
  same(tw.grad(f)(tw.ones(4, 4) * 3), tw.ones(4, 4) * 6)
end)

test("a rule of one's own works under a gradient around the vmap", function()
  local cube = tw.custom { forward = function(v) return v ^ 3 end, vjp = function(c, _, v) return c * 3 * v * v end }
  local g = tw.grad(function(q) return tw.vmap(function(a) return (cube(a) * q):sum() end)(q):sum() end)
  local off = (g(x) - tw.grad(function(q) return tw.vmap(function(a) return (a ^ 3 * q):sum() end)(q):sum() end)(x)):abs():max():item()
  test.near(off, 0, 1e-12)
end)

test("slices draw numbers of their own from a generator made outside", function()
  local a, b = tw.rng(9), tw.rng(9)
  local drawn = tw.vmap(function(v) return a:normal(3) + 0 * v[1] end)(x)
  same(drawn, b:normal(6, 3))
  same(a:normal(2), b:normal(2), "and it goes on behind them")
  local kept = tw.vmap(function(v) return (v * 0 + 1):dropout(0.5, a) end)(tw.ones(8, 30))
  test.ok((kept[1] - kept[2]):abs():sum():item() > 0, "dropout differs between slices")
end)

test("vmap works inside runs computed together", function()
  alone_and_together({ "lr" }, rates(3), function(lr)
    local scaled = tw.vmap(function(a) return (a * lr):sum() ^ 2 end)
    return { scaled(x), tw.vmap(tw.grad(function(a) return (a ^ 3 * lr):sum() end))(x), tw.grad(function(q) return scaled(q):mean() end)(x * lr),
      tw.vmap(tw.grad(loss), { axes = one })({ w = w * lr, b = p.b }, x, t) }
  end)
end)

local faults = {
  ["vmap: no argument is mapped"] = function() tw.vmap(tw.sin, { axes = { false } })(x) end,
  ["vmap: the mapped axis has size 0"] = function() tw.vmap(tw.sin)(tw.zeros(0, 2)) end,
  ["vmap: argument 1 has no axis 3"] = function() tw.vmap(tw.sin, { axes = { 3 } })(x) end,
  ["item: the value differs between the slices tw.vmap computes together; stay with tensors"] = function() tw.vmap(function(a) return a[1]:item() end)(x) end,
  ["it was made outside the function tw.vmap maps"] = function()
    local sum = tw.zeros(4)
    tw.vmap(function(a) sum:assign(sum + a) return sum end)(x)
  end,
  ["vmap: more than 3 of them inside one another"] = function()
    local f = function(a) return a end
    for _ = 1, 5 do f = tw.vmap(f) end
    f(tw.ones(1, 1, 1, 1, 1))
  end,
  ["my own fault"] = function() tw.vmap(function() error "my own fault" end)(x) end,
}
for message, f in next, faults do
  test("says: " .. message, function()
    test.raises(message, f)
    same(tw.vmap(function(a) return a * 2 end)(x), x * 2, "afterwards all is well")
  end)
end

test("nothing is left behind", function()
  collectgarbage()
  collectgarbage()
  local _, before = core.memory()
  for _ = 1, 3 do
    core.lanes_begin(5)
    local lr, v = core.laned({ 1, 2, 3, 4, 5 }, "lr"), tw.ones(3)
    v:assign(v * lr)
    core.lanes_end()
    tw.vmap(tw.grad(loss), { axes = one })(p, x, t)
    pcall(tw.vmap(function(a) local _ = a * 2 error "x" end), x)
  end
  collectgarbage()
  collectgarbage()
  local _, after = core.memory()
  test.eq(after, before)
end)

test.close()
