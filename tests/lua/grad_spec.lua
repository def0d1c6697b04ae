-- Transforms and lifetimes as a script sees them. Structured operations are held against central differences: h = 1e-6 leaves an error near 1e-9 of the
-- scale of the function (truncation h^2, rounding 1e-16 / h), 1e-6 is asked for.
local test = require "spec"
local tw = require "thalweg"
local core = require "thalweg.core"

local agree = require("derivatives").agree

-- First order, and second order through the gradient's own square sum.
local function check(name, f, x)
  test(name .. " has the right first and second derivatives", function()
    agree(f, x, "first")
    agree(function(y)
      local g = tw.grad(f)(y)
      return (g * g):sum()
    end, x, "second")
  end)
end

local r = tw.rng(3, "grad_spec")
local x = r:normal(3, 4)
local w, v = r:normal(4, 2), r:normal(3, 4)
local w3 = r:normal(2, 4, 3)
local index, classes = tw.tensor({ 2, 3, 2 }, { dtype = "i64" }), tw.tensor({ 1, 4, 2 }, { dtype = "i64" })

check("sum over an axis", function(y) return (y:sum(1) ^ 3):sum() end, x)
check("sum over axes with keepdim", function(y) return (y / (y * y + 1):sum(2, { keepdim = true })):sum() end, x)
check("prod", function(y) return (y:prod(2) * tw.tensor { 1, 2, 3 }):sum() end, x)
check("prod with a zero", function(y) return (y * tw.tensor { { 0, 1, 1, 1 }, { 1, 1, 1, 1 }, { 1, 0, 0, 1 } }):prod(2):sum() end, x)
check("max", function(y) return (y:max(2) ^ 2):sum() end, x)
check("min", function(y) return (y:min(1) ^ 2):sum() end, x)
check("mean, var and std", function(y) return (y:mean(1) * y:var(1) + y:std(1)):sum() end, x)
check("norm", function(y) return y:norm() end, x)
check("logsumexp", function(y) return (y:logsumexp(1) ^ 2):sum() end, x)
check("log_softmax", function(y) return (y:log_softmax() * v):sum() end, x)
check("softmax along the first axis", function(y) return (y:softmax(1) * v):sum() end, x)
check("matmul on the left", function(y) return (y:matmul(w) ^ 2):sum() end, x)
check("matmul on the right", function(y) return (v:matmul(y:t()) ^ 2):sum() end, x)
check("matmul with itself", function(y) return (y:matmul(y:t()) ^ 2):sum() end, x)
check("batched matmul with a broadcast operand", function(y) return (y:matmul(w3) ^ 2):sum() end, x)
check("dot", function(y) return y[1]:dot(y[2]) ^ 2 end, x)
check("linear", function(y) return (v:linear(y:t(), y:t()[1]) ^ 2):sum() end, x)
for _, name in ipairs { "relu", "tanh", "sigmoid", "sin" } do
  check("linear and " .. name, function(y) return (y:linear(y:t(), y:t()[1], name) ^ 2):sum() end, x)
end
check("reshape and transpose", function(y) return (y:t():reshape(2, 6) ^ 3):sum() end, x)
check("permute, unsqueeze, squeeze and expand", function(y)
  return (y:unsqueeze(2):expand(3, 5, 4):permute(2, 1, 3) ^ 2):sum() * y:unsqueeze(1):squeeze(1):sum()
end, x)
check("slices", function(y) return (y[{ { 2, 3 }, { 1, 2 } }] ^ 3):sum() + y[-1]:sum() * y[{ 1, -1 }] end, x)
check("index_select", function(y) return (y[index] ^ 3):sum() + (y:index_select(2, index) ^ 2):sum() end, x)
check("a mask", function(y) return (y[tw.tensor { true, false, true }] ^ 3):sum() end, x)
check("cat and stack", function(y) return (tw.cat({ y, y * 2 }, 2) ^ 3):sum() + (tw.stack({ y, v }, 3) ^ 2):sum() end, x)
check("where", function(y) return (tw.where(v:gt(0), y, y * y) ^ 2):sum() end, x)
check("cross_entropy with classes", function(y) return y:cross_entropy(classes) end, x)
check("cross_entropy with probabilities", function(y) return y:cross_entropy(v:softmax()) end, x)
check("mse", function(y) return tw.mse(y, v) end, x)
check("broadcasting", function(y) return ((y[1] * y:t()[1]:unsqueeze(2)) ^ 2):sum() end, x)

test("third derivatives by nesting", function()
  local d = function(f) return function(y) return tw.grad(f)(y) end end
  local f3 = d(d(d(function(y) return y ^ 2 * y ^ 2 * y end)))
  test.near(f3(tw.tensor(1.5)):item(), 60 * 1.5 ^ 2, 1e-12)
end)

test("value_and_grad returns the loss, the gradients as a tree of the same form, and further results", function()
  local p = { layer = { w = tw.tensor { 1, 2 }, b = tw.tensor(3) }, tw.tensor { 4 }, name = "net", n = tw.tensor({ 1 }, { dtype = "i64" }) }
  local loss, g, more, text = tw.value_and_grad(function(q, factor)
    return (q.layer.w:sum() + q.layer.b * q[1]:sum()) * factor, q.layer.w * 2, q.name
  end)(p, 10)
  test.near(loss:item(), 150, 0)
  test.eq(g.layer.w:table(), { 10.0, 10.0 })
  test.eq(g.layer.b:item(), 40.0)
  test.eq(g[1]:table(), { 30.0 })
  test.eq(g.name, nil)
  test.eq(g.n, nil)
  test.eq(more:table(), { 2.0, 4.0 })
  test.eq(text, "net")
end)

test("wrt names other arguments", function()
  local f = function(a, b, c) return (a * b * c):sum() end
  local ga, gc = tw.grad(f, { wrt = { 1, 3 } })(tw.tensor { 2 }, tw.tensor { 3 }, tw.tensor { 5 })
  test.eq({ ga:table(), gc:table() }, { { 15.0 }, { 6.0 } })
end)

test("a tensor at two places of the tree is one leaf", function()
  local t = tw.tensor { 2 }
  local g = tw.grad(function(q) return (q.a * q.b):sum() end) { a = t, b = t }
  test.eq({ g.a:table(), g.b:table() }, { { 4.0 }, { 4.0 } })
end)

test("a parameter the loss does not use has gradient zero", function()
  test.eq(tw.grad(function(q) return q.a:sum() end) { a = tw.ones(2), b = tw.ones(2) }.b:table(), { 0.0, 0.0 })
end)

test("a captured parameter is refused, stop_gradient makes it a constant", function()
  local t = tw.tensor { 1, 2 }
  test.raises("use f's argument; tw.stop_gradient for a constant", function() tw.grad(function(y) return (y * t):sum() end)(t) end)
  test.raises("use f's argument", function() tw.grad(function(y) return (y[1] * t[2]):sum() end)(t) end)
  test.eq(tw.grad(function(y) return (y * tw.stop_gradient(t)):sum() end)(t):table(), { 1.0, 2.0 })
  test.eq((t + 1):table(), { 2.0, 3.0 }, "after an error the parameter is free again")
end)

test("the loss must be a 0-d tensor", function()
  test.raises("the loss must be a single number (0-d), got f64[2]; reduce it with :sum() or :mean()", function()
    tw.grad(function(y) return y end)(tw.ones(2))
  end)
  test.raises("must return the loss", function() tw.grad(function() end)(tw.ones(2)) end)
  test.raises("got number", function() tw.grad(function() return 1 end)(tw.ones(2)) end)
  test.raises("no real tensor to differentiate", function() tw.grad(function(y) return y end)({ 1, 2 }) end)
end)

test("writing in place is refused where it would falsify a gradient", function()
  local other = tw.ones(2)
  test.raises("cannot be written in place", function() tw.grad(function(y)
    local z = y * 2
    z:assign(1)
    return z:sum()
  end)(tw.ones(2)) end)
  test.raises("was written in place after mul had used it", function() tw.grad(function(y)
    local z = y * other
    other:assign(5)
    return z:sum()
  end)(tw.ones(2)) end)
  test.raises("belongs to a parameter being differentiated", function()
    local p = tw.ones(2)
    tw.grad(function(y)
      p:assign(3)
      return y:sum()
    end)(p)
  end)
end)

test("a buffer made outside takes values inside, detached", function()
  local average = tw.zeros(2)
  local g = tw.grad(function(y)
    average:assign(y * 3)
    return (y * y):sum()
  end)(tw.tensor { 1, 2 })
  test.eq({ average:table(), g:table() }, { { 3.0, 6.0 }, { 2.0, 4.0 } })
end)

test("what is made inside belongs to the call: a leaked tensor says so, results and kept ones live on", function()
  local leaked, kept
  local _, _, inner = tw.value_and_grad(function(y)
    leaked = y * 2
    kept = (y * 3):keep()
    return y:sum(), { deep = { y * 5 } }
  end)(tw.ones(2))
  test.raises("this tensor was released when the function that made it returned", function() return leaked + 1 end)
  test.eq(tostring(leaked), "tensor (released)")
  test.eq({ kept:table(), inner.deep[1]:table() }, { { 3.0, 3.0 }, { 5.0, 5.0 } })
end)

test("scope gives any code the same rule, and nests", function()
  local out, gone = tw.scope(function(a)
    local inside = a * 2
    return tw.scope(function() return inside + 1 end), function() return inside end
  end, tw.ones(1))
  test.eq(out:table(), { 3.0 })
  test.raises("released", function() return gone() + 1 end)
end)

test("an error inside a differentiated function passes through and leaves nothing behind", function()
  local p = tw.ones(3)
  collectgarbage()
  local _, before = core.memory()
  for _ = 1, 10 do
    test.raises("my own", function() tw.grad(function(y)
      tw.grad(function(z) error("my own " .. (z * 2):sum():item()) end)(y * 2)
    end)(p) end)
  end
  collectgarbage()
  local _, after = core.memory()
  test.eq(after, before)
  test.eq(tw.grad(function(y) return (y * y):sum() end)(p):table(), { 2.0, 2.0, 2.0 })
end)

test("gradients in f32 stay in f32", function()
  local g = tw.grad(function(y) return (y ^ 2):sum() * 3 end)(tw.tensor({ 1, 2 }, { dtype = "f32" }))
  test.eq({ g.dtype, g:table() }, { "f32", { 6.0, 12.0 } })
end)

test("memory stays constant over training steps", function()
  local p = { w = tw.rng(0, "w"):normal(8, 8), b = tw.zeros(8) }
  local data, opt = tw.rng(0, "x"):normal(16, 8), tw.optim.sgd(p, { lr = 1e-3, momentum = .9 })
  local function steps(n)
    for _ = 1, n do opt:step(function(q) return (data:linear(q.w, q.b):tanh() ^ 2):mean() end) end
    collectgarbage()
    collectgarbage()
    return { table.unpack({ core.memory() }, 1, 3) }
  end
  steps(100)
  test.eq(steps(3000), steps(300))
end)

test.close()
