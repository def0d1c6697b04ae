-- Forward mode, Jacobians, Hessians, custom rules, trees. Forward and reverse must agree; closed forms where there are any.
local test = require "spec"
local tw = require "thalweg"
local core = require "thalweg.core"

local function near(got, want, tolerance, note)
  test.eq(got.shape, want.shape, note)
  local a, b = got:reshape(-1):table(), want:reshape(-1):table()
  for i = 1, #b do test.near(a[i], b[i], tolerance * (1 + math.abs(b[i])), note) end
end

local r = tw.rng(11, "transforms")
local x, v, u = r:normal(3, 4), r:normal(3, 4), r:normal(3, 4)
local w = r:normal(4, 3)
local index, classes = tw.tensor({ 2, 3, 2 }, { dtype = "i64" }), tw.tensor({ 1, 4, 2 }, { dtype = "i64" })

local functions = {
  ["arithmetic and broadcasting"] = function(y) return (y * y[1] - 2) / (y * y + 1) ^ 1.5 end,
  ["elementary functions"] = function(y) return y:tanh() + y:exp():log1p() * y:sin() - y:erf() + y:sigmoid():sqrt() end,
  ["reductions"] = function(y) return y:sum(1) * y:mean(1) + y:prod(1) + y:max(1) - y:min(1) + y:var(1) end,
  ["products"] = function(y) return y:matmul(w):matmul(y) end,
  ["softmax"] = function(y) return y:log_softmax(1) * y:softmax() end,
  ["views"] = function(y) return y:t():reshape(2, 6)[{ {}, { 2, 5 } }]:unsqueeze(1):expand(3, 2, 4) end,
  ["indices"] = function(y) return y[index] + y:index_select(1, index) end,
  ["joining and choosing"] = function(y) return tw.where(u:gt(0), tw.cat({ y, y * y }, 2)[{ {}, { 3, 6 } }], u) end,
  ["losses"] = function(y) return y:cross_entropy(classes) * tw.mse(y, u) + y:logsumexp(2):norm() end,
  ["dtypes"] = function(y) return (y:to("f32") * 2):to("f64") end,
}

for name, f in next, functions do
  test("forward and reverse mode agree on " .. name, function()
    local y, ydot = tw.jvp(f, x, v)
    near(y, f(x), 0, "value")
    local again, pullback = tw.vjp(f, x)
    near(again, f(x), 0, "value")
    local c = tw.rng(3, name):normal(y.shape)
    local tolerance = name == "dtypes" and 1e-6 or 1e-12
    test.near((c * ydot):sum():item(), (pullback(c) * v):sum():item(), tolerance * 30, "<c, J v> = <J' c, v>")
  end)
  test("the Jacobian by columns is the Jacobian by rows on " .. name, function()
    near(tw.jacobian(f, { mode = "forward" })(x), tw.jacobian(f, { mode = "reverse" })(x), name == "dtypes" and 1e-6 or 1e-12)
  end)
end

for name, f in next, functions do
  if name ~= "dtypes" then
    test("forward over reverse, reverse over forward and reverse over reverse agree on " .. name, function()
      local function loss(y) return (f(y) ^ 2):sum() end
      local over_reverse = tw.hvp(loss)(x, v)
      local over_forward = tw.grad(function(y)
        local _, t = tw.jvp(loss, y, v)
        return t
      end)(x)
      local twice = tw.grad(function(y) return (tw.grad(loss)(y) * v):sum() end)(x)
      near(over_reverse, twice, 1e-10)
      near(over_forward, twice, 1e-10)
      local _, second = tw.jvp(function(y)
        local _, t = tw.jvp(loss, y, v)
        return t
      end, x, v)
      test.near(second:item(), (twice * v):sum():item(), 1e-9 * (1 + math.abs(second:item())))
    end)
  end
end

test("the Hessian of a quadratic is its matrix, of a tree a tree of trees", function()
  local a = tw.tensor { { 2, 1 }, { 1, 3 } }
  near(tw.hessian(function(p) return p:dot(a:matmul(p)) * .5 end)(tw.tensor { 5, 7 }), a, 1e-15)
  local h = tw.hessian(function(p) return (p.a * p.a):sum() * p.b end) { a = tw.tensor { 1, 2 }, b = tw.tensor(3) }
  near(h.a.a, tw.eye(2) * 6, 1e-15)
  near(h.a.b, tw.tensor { 2, 4 }, 1e-15)
  near(h.b.a, tw.tensor { 2, 4 }, 1e-15)
  near(h.b.b, tw.tensor(0), 0)
end)

test("the Rosenbrock Hessian at the optimum", function()
  local h = tw.hessian(function(p) return 100 * (p[2] - p[1] ^ 2) ^ 2 + (1 - p[1]) ^ 2 end)(tw.ones(2))
  near(h, tw.tensor { { 802, -400 }, { -400, 200 } }, 1e-12)
end)

test("the Jacobian's shape is out ++ in", function()
  test.eq(tw.jacobian(function(y) return y:sum(1) end)(x).shape, { 4, 3, 4 })
  test.eq(tw.jacobian(function(y) return y:sum() end)(x).shape, { 3, 4 })
end)

test("pullbacks of trees and of several arguments", function()
  local y, pullback = tw.vjp(function(p, s, n) return { a = p.w * s, b = p.w:sum() * n } end, { w = tw.tensor { 1, 2 } }, tw.tensor { 3, 4 }, 5)
  test.eq({ y.a:table(), y.b:item() }, { { 3.0, 8.0 }, 15.0 })
  local gp, gs, gn = pullback { a = tw.tensor { 1, 1 }, b = tw.tensor(1) }
  test.eq({ gp.w:table(), gs:table(), gn }, { { 8.0, 9.0 }, { 1.0, 2.0 }, nil })
end)

test("a tensor at two places of a tree is one leaf, of a result counts twice", function()
  local p, t = tw.tensor { 1, 2 }, tw.tensor { 3, 4 }
  local _, ydot = tw.jvp(function(q) return (q.a * q.b):sum() end, { a = p, b = p }, { a = t, b = t })
  test.eq(ydot:item(), 2 * (3 + 8.0))
  test.raises("with two tangents", function() tw.jvp(function(q) return q.a + q.b end, { a = p, b = p }, { a = t, b = p }) end)
  local _, same = tw.jvp(function(q) return q.a * q.b end, { a = p, b = tw.ones(2) }, { a = t, b = t })
  test.eq(same:table(), { 3 + 3.0, 4 + 8.0 })
  local _, pullback = tw.vjp(function(q)
    local y = q * q
    return { y, y }
  end, p)
  test.eq(pullback { t, t }:table(), { 12.0, 32.0 })
end)

test("hvp takes a tree and further arguments", function()
  local at, along = { a = tw.tensor { 1, 2 }, b = tw.tensor(1) }, { a = tw.tensor { 1, 0 }, b = tw.tensor(2) }
  local h = tw.hvp(function(p, k) return (p.a ^ 3):sum() * k + p.b ^ 2 end)(at, along, 2)
  test.eq({ h.a:table(), h.b:item() }, { { 12.0, 0.0 }, 4.0 })
end)

test("hvp, forward over reverse, needs less memory than reverse over reverse", function()
  local layers = {}
  for i = 1, 30 do layers[i] = tw.rng(i, "deep"):normal(16, 16) * .25 end
  local data = tw.rng(0, "x"):normal(64, 16)
  local function loss(p)
    local h = data
    for i = 1, #p do h = h:matmul(p[i]):tanh() end
    return (h * h):sum()
  end
  local v = tw.tree.map(function(t) return t * 0 + 1 end, layers)
  local function peak_of(f)
    collectgarbage()
    collectgarbage()
    core.memory()
    local before = core.memory()
    f()
    return select(4, core.memory()) - before
  end
  local gradient = peak_of(function() return tw.grad(loss)(layers) end)
  local forward = peak_of(function() return tw.hvp(loss)(layers, v) end)
  local twice = peak_of(function() return tw.grad(function(p) return tw.tree.dot(tw.grad(loss)(p), v) end)(layers) end)
  print(string.format("  peak memory, 30 layers: gradient %.2f MB, hvp %.2f MB, reverse over reverse %.2f MB", gradient / 1e6, forward / 1e6, twice / 1e6))
  test.ok(forward < twice, string.format("forward over reverse: %d bytes, reverse over reverse: %d", forward, twice))
  test.ok(forward < 3 * gradient, string.format("forward over reverse: %d bytes, the gradient alone: %d", forward, gradient))
end)

test("custom rules: a straight-through round, differentiated in both directions and twice", function()
  local round = tw.custom {
    forward = function(y) return y:round() end,
    vjp = function(t) return t end,
    jvp = function(ts) return ts[1] end,
  }
  test.eq(tw.grad(function(y) return (round(y) * y):sum() end)(tw.tensor { 1.3, 2.6 }):table(), { 1 + 1.3, 3 + 2.6 })
  local _, t = tw.jvp(round, tw.tensor { 1.3 }, tw.tensor { 2 })
  test.eq(t:table(), { 2.0 })
  local cube = tw.custom {
    forward = function(y) return y * y * y end,
    vjp = function(t, y, a) return t * 3 * a * a end,
  }
  near(tw.hessian(function(y) return cube(y):sum() end)(tw.tensor { 1, 2 }), tw.tensor { { 6, 0 }, { 0, 12 } }, 1e-15)
end)

test("a custom rule's faults are told", function()
  local wrong = tw.custom { forward = function(y) return y * 2 end, vjp = function() return tw.ones(3) end }
  test.raises("result 1 of vjp is f64[3], it must be f64[2]", function() tw.grad(function(y) return wrong(y):sum() end)(tw.ones(2)) end)
  local bare = tw.custom { forward = function(y) return y * 2 end }
  test.raises("the rule has no vjp", function() tw.grad(function(y) return bare(y):sum() end)(tw.ones(2)) end)
  test.raises("my fault", function() tw.custom { forward = function() error "my fault" end }(tw.ones(1)) end)
  test.raises("custom: unknown option backward; valid: forward, vjp, jvp", function() tw.custom { backward = print } end)
  test.eq(tw.grad(function(y) return (y * y):sum() end)(tw.ones(2)):table(), { 2.0, 2.0 }, "afterwards all is well")
end)

test("checkgrad accepts the right gradient and names the worst entries of a wrong one", function()
  test.eq(tw.checkgrad(function(p) return (p.w ^ 3):sum() * p.b:exp() end, { w = tw.tensor { 1, 2 }, b = tw.tensor(.5) }), true)
  local wrong = tw.custom { forward = function(y) return y * y end, vjp = function(t, _, a) return t * a end }
  local ok, worst = tw.checkgrad(function(p) return wrong(p.w):sum() end, { w = tw.tensor { 1, 2 } })
  test.eq({ ok, #worst, worst[1].path, worst[1].index }, { false, 2, "w", 2 })
  test.near(worst[1].numeric, 4, 1e-8)
end)

test("per-example gradients average to the batch gradient", function()
  local data, target, p = r:normal(6, 4), r:normal(6), r:normal(4)
  local function loss(q, a, b) return (a:dot(q) - b) ^ 2 end
  local each = tw.vmap(tw.grad(loss), { axes = { false, 1, 1 } })(p, data, target)
  test.eq(each.shape, { 6, 4 })
  near(each:mean(1), tw.grad(function(q) return ((data:matmul(q) - target) ^ 2):mean() end)(p), 1e-12)
end)

test("trees are mapped, flattened and measured in order", function()
  local t = { b = tw.tensor { 1, 2 }, a = { tw.tensor(3), name = "n" }, k = tw.tensor({ 1 }, { dtype = "i64" }) }
  local leaves, paths = tw.tree.leaves(t)
  test.eq({ #leaves, paths }, { 3, { "a.1", "b", "k" } })
  local flat, restore = tw.tree.flatten(t)
  test.eq(flat:table(), { 3.0, 1.0, 2.0 })
  local back = restore(flat * 2)
  test.eq({ back.a[1]:item(), back.b:table(), back.a.name, back.k:table() }, { 6.0, { 2.0, 4.0 }, "n", { 1 } })
  test.near(tw.tree.norm(t):item(), 14 ^ .5, 1e-15)
  test.eq(tw.tree.map(function(a, b, path) return path end, { p = tw.ones(1) }, { p = tw.ones(1) }), { p = "p" })
end)

for message, f in next, {
  ["jvp: the tangent is f64[3], the primal f64[2]; they must agree"] = function() tw.jvp(tw.sin, tw.ones(2), tw.ones(3)) end,
  ["the tangent has 1 tensors, the argument has 2"] = function()
    tw.jvp(function(p) return p.a + p.b end, { a = tw.ones(1), b = tw.ones(1) }, { a = tw.ones(1) })
  end,
  ["the cotangent has 2 tensors, the result has 1"] = function() select(2, tw.vjp(tw.sin, tw.ones(1))) { tw.ones(1), tw.zeros(1) } end,
  ["grad: the cotangent is f64[2], the result f64[1]"] = function() select(2, tw.vjp(tw.sin, tw.ones(1)))(tw.ones(2)) end,
  ["jacobian: the argument must be a tensor, got table"] = function() tw.jacobian(tw.sin) {} end,
  ["vmap: the mapped axes differ in size"] = function() tw.vmap(function(a, b) return a + b end)(tw.ones(2), tw.ones(3)) end,
} do
  test("says: " .. message, function() test.raises(message, f) end)
end

test("count follows from the shapes of products, of other operations and of views", function()
  local a, b = tw.ones(3, 4), tw.ones(4, 5)
  local function counted(f, ...)
    local c = tw.count(f, ...)
    return { c.operations, c.elements, c.multiply_adds }
  end
  test.eq(counted(function() return a:matmul(b) end), { 1, 0, 60 })
  test.eq(counted(function() return a:t() end), { 0, 0, 0 })
  test.eq(counted(function() return a:tanh():sum() end), { 2, 24, 0 })
  test.eq(counted(tw.einsum, "ij,jk,kl->il", a, b, tw.ones(5, 2))[3], 64) -- b c first: 4 5 2 + 3 4 2
  test.eq(counted(tw.conv2d, tw.ones(2, 3, 5, 5), tw.ones(4, 3, 3, 3))[3], 2 * 4 * 3 * 3 * 27)
  test.eq(counted(tw.zeros, 3), { 0, 0, 0 })
  local c, y, z = tw.count(function(p, q) return p + q, "more" end, tw.tensor(1), 2)
  test.eq({ c.operations, y:item(), z }, { 1, 3, "more" })
end)

test("count sees derivatives: two products back for one forward, and as many for the adjoint of a convolution", function()
  local x, k = tw.ones(1, 1, 4, 4), tw.ones(1, 1, 3, 3)
  local function f(a, b) return a:matmul(b):sum() end
  test.eq(tw.count(tw.grad(f, { wrt = { 1, 2 } }), tw.ones(3, 4), tw.ones(4, 5)).multiply_adds, 3 * 60)
  test.eq(tw.count(tw.grad(f), tw.ones(3, 4), tw.ones(4, 5)).multiply_adds, 2 * 60)
  test.eq(tw.count(tw.jvp, function(a) return f(a, tw.ones(4, 5)) end, tw.ones(3, 4), tw.ones(3, 4)).multiply_adds, 2 * 60)
  test.eq(tw.count(tw.grad(function(a, b) return a:conv2d(b):sum() end, { wrt = { 1, 2 } }), x, k).multiply_adds, 3 * 4 * 9)
end)

test("count passes errors on and wants a function", function()
  test.raises("went wrong", tw.count, function() error "went wrong" end)
  test.raises("function expected", tw.count, 3)
end)

test.close()
