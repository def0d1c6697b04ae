-- Quadratics and finite sums: spectra recovered, laws of the rotation, closed forms against derivatives.
local space = require "thalweg.space"
local test = require "spec"
local tw = require "thalweg"

local P = tw.problems

local function i64(list) return tw.tensor(list, { dtype = "i64" }) end
local function largest(x) return x:abs():max():item() end

test("a quadratic's spectrum is recovered from its Hessian, rotated or not", function()
  for _, case in ipairs {
    { { n = 5, condition = 1e4 }, { 1, 10, 100, 1000, 1e4 } }, { { n = 5, condition = 9, spectrum = "linear" }, { 1, 3, 5, 7, 9 } },
    { { n = 4, condition = 50, spectrum = "outlier" }, { 1, 1, 1, 50 } }, { { n = 4, condition = 50, spectrum = "two" }, { 1, 1, 50, 50 } },
    { { eigenvalues = { 0, 0.5, 3 } }, { 0, 0.5, 3 } }, { { n = 3 }, { 1, 10, 100 } }, { { n = 1, condition = 7 }, { 1 } },
  } do
    for _, rotate in ipairs { false, 3 } do
      local o = { rotate = rotate or nil }
      for k, v in next, case[1] do o[k] = v end
      local p = P.quadratic(o)
      local a = p:hessian()
      local w = tw.linalg.eigvalsh(a)
      -- eigvalsh is accurate to a few ulp of the largest eigenvalue; the product Q D Q^T rounds n times
      test.near(largest(w - tw.tensor(case[2])), 0, 1e-14 * case[2][#case[2]], p.text)
      test.eq(largest(a - a:t()), 0)
      local x = tw.rng(4):normal(p.dimension)
      test.near(largest(tw.hessian(p.f)(x) - a), 0, 1e-14 * case[2][#case[2]])
      test.near(p(x):item(), (0.5 * x:dot(a:matmul(x))):item(), 1e-14 * (1 + p(x):item()))
    end
  end
end)

test("center is the minimiser, start the start, in both dtypes", function()
  local p = P.quadratic { eigenvalues = { 1, 5, 25 }, rotate = 1, center = { 1, -2, 3 }, start = { 4, 4, 4 } }
  for _, dtype in ipairs { "f64", "f32" } do
    local x = p:minimum(1, dtype)
    test.eq(p(x):item(), 0)
    test.eq(largest(tw.grad(p.f)(x)), 0)
    test.eq(p(p:start(dtype)).dtype, dtype)
    test.eq(p:hessian(dtype).dtype, dtype)
  end
  test.eq(p:start():table(), { 4, 4, 4 })
  local a = p:hessian()
  a:fill(0)
  test.ok(largest(p:hessian()) > 1)
end)

test("a seed gives one rotation, a generator goes on, and both have a text", function()
  local function at(rotate) return P.quadratic { n = 4, rotate = rotate }:hessian():table() end
  test.eq(at(5), at(5))
  test.ok(at(5)[1][1] ~= at(6)[1][1])
  local rng = tw.rng(9, "axes")
  local first = at(rng)
  test.ok(first[1][1] ~= at(rng)[1][1])
  test.eq(at(tw.rng(9, "axes")), first)
  test.eq(P.quadratic { n = 4, rotate = 5 }.text, 'quadratic{condition=100,n=4,rotate=5,spectrum="log"}')
  test.ok(P.quadratic { n = 4, rotate = tw.rng(9, "axes") }.text:find("generator(seed 9", 1, true))
  test.eq(#space.enumerate(P.quadratic { n = 4, condition = space.log(10, 1000, 3), rotate = 1 }), 3)
end)

test("the rotation is Haar's: the axis of the only eigenvalue is uniform on the sphere", function()
  local n, seeds = 3, 600
  local sum = tw.zeros(n, n)
  for seed = 1, seeds do sum = sum + P.quadratic { eigenvalues = { 1, 0, 0 }, rotate = seed }:hessian() end
  -- q q^T has mean 1/3 on the diagonal (variance 4/45) and 0 beside it (variance 1/15): five standard errors
  local mean = sum / seeds
  test.near(largest(tw.diag(mean) - 1 / 3), 0, 5 * math.sqrt(4 / 45 / seeds))
  test.near(largest(mean - tw.diag(tw.diag(mean))), 0, 5 * math.sqrt(1 / 15 / seeds))
  test.near(tw.diag(mean):sum():item(), 1, 1e-12)
end)

test("quadratic_deep has nine tenths of its eigenvalues in (0, 1) and one tenth in (30, 60)", function()
  for _, n in ipairs { 100, 20 } do
    local p = P.quadratic_deep { n = n, examples = 50 }
    local w, flat, steep = tw.linalg.eigvalsh(p:hessian()):table(), 0, 0
    for _, v in ipairs(w) do
      if v > 0 and v < 1 then flat = flat + 1 elseif v > 30 and v < 60 then steep = steep + 1 end
    end
    test.eq({ flat, steep }, { n - n // 10, n // 10 })
  end
  local a, b, c = P.quadratic_deep(), P.quadratic_deep(), P.quadratic_deep { seed = 43 }
  test.eq(largest(a:hessian() - b:hessian()), 0)
  test.ok(largest(a:hessian() - c:hessian()) > 1)
  test.eq(a:start():table(), tw.ones(100):table())
  test.eq(a.n, 1000)
  test.eq(a.dimension, 100)
end)

test("quadratic_deep is the mean over its data, with its minimiser at their mean", function()
  local p = P.quadratic_deep { n = 20, examples = 30 }
  local x = p:start()
  test.near(largest(tw.grad(p.f)(p:minimum())), 0, 1e-12)
  test.near(p:gap(p:minimum()):item(), 0, 1e-12)
  test.near(largest(tw.hessian(p.f)(x) - p:hessian()), 0, 1e-12)
  local sum = 0
  for i = 1, 30, 10 do sum = sum + p(x, tw.arange(i, i + 9, { dtype = "i64" })):item() end
  test.near(sum / 3, p(x):item(), 1e-12 * p(x):item())
  -- f(x) - f(minimum) is the quadratic itself
  local d = x - p:minimum()
  test.near(p:gap(x):item(), (0.5 * d:dot(p:hessian():matmul(d))):item(), 1e-11 * p(x):item())
  test.near(p(p:start("f32")):item(), p(x):item(), 1e-5 * p(x):item())
  -- the data's spread is the noise: 600 numbers
  local gradients = tw.stack { tw.grad(p.f)(x, i64 { 1 }), tw.grad(p.f)(x, i64 { 2 }) }
  test.ok(largest(gradients[1] - gradients[2]) > 0)
  test.eq(P.quadratic_deep { n = 5, noise = 0 }.value, 0)
end)

-- A data set without pattern: n rows, d columns, noise in y.
local function data(n, d, dtype)
  local rng = tw.rng(11, "data")
  local X = rng:normal(n, d)
  local y = X:matmul(tw.linspace(-1, 1, d)) + 0.5 + 0.3 * rng:normal(n)
  return X:to(dtype or "f64"), y:to(dtype or "f64")
end

test("the closed form of least squares is where the gradient is zero", function()
  local X, y = data(40, 5)
  for _, l2 in ipairs { 0, 0.1, 10 } do
    local p = P.least_squares(X, y, l2)
    test.eq(p.n, 40)
    test.near(largest(tw.grad(p.f)(p:solve())), 0, 1e-14)
    test.near(p(p:solve()):item(), p.value, 1e-15)
    test.eq(p:minimum():table(), p:solve():table())
    test.ok(p:gap(p:solve() + 0.01):item() > 0)
    -- the normal equations say the same
    local normal = tw.linalg.solve(X:t():matmul(X) / 40 + l2 * tw.eye(5), X:t():matmul(y) / 40)
    test.near(largest(normal - p:solve()), 0, 1e-13)
    local r = p.residual(p:start() + 0.3)
    test.near((0.5 * r:dot(r)):item(), p(p:start() + 0.3):item(), 1e-14)
    test.ok(tw.checkgrad(p.f, p:start() + 0.3))
  end
end)

test("a finite sum over parts is the sum over all, and one example is a part", function()
  local X, y = data(12, 3)
  local labels = tw.where(y:gt(0), 1.0, -1.0)
  for _, p in ipairs { P.least_squares(X, y), P.least_squares(X, y, 0.2), P.logistic_regression(X, labels), P.logistic_regression(X, labels, 0.2) } do
    local w = tw.tensor { 0.3, -0.2, 0.5 }
    local mean, g = 0, tw.zeros(3)
    for i = 1, 12 do
      mean = mean + p(w, i64 { i }):item() / 12
      g = g + tw.grad(p.f)(w, i64 { i }) / 12
    end
    test.near(mean, p(w):item(), 1e-15, p.text)
    test.near(largest(g - tw.grad(p.f)(w)), 0, 1e-15)
    test.eq(p(w, tw.arange(1, 12, { dtype = "i64" })):item(), p(w):item())
    test.near((p(w, i64 { 1, 2, 3 }):item() * 3 + p(w, i64 { 4, 5, 6, 7, 8, 9, 10, 11, 12 }):item() * 9) / 12, p(w):item(), 1e-15)
  end
end)

test("too few rows give the shortest minimiser", function()
  local p = P.least_squares(tw.tensor { { 1, 1 } }, tw.tensor { 2 })
  test.near(largest(p:solve() - tw.ones(2)), 0, 1e-15)
  test.near(p.value, 0, 1e-30)
end)

test("logistic regression is solved to where its gradient vanishes", function()
  local X, y = data(60, 4)
  local labels = tw.where((y + tw.rng(2):normal(60)):gt(0), 1.0, 0.0)
  for _, l2 in ipairs { 0, 0.05 } do
    local p = P.logistic_regression(X, labels, l2)
    local w = p:solve()
    test.near(largest(tw.grad(p.f)(w)), 0, 1e-12)
    test.ok(tw.linalg.eigvalsh(tw.hessian(p.f)(w)):min():item() > 0)
    test.near(p(p:start()):item(), math.log(2), 1e-15)
    test.ok(tw.checkgrad(p.f, w + 0.3))
  end
  -- any two numbers are labels, the larger is the positive class
  local one, two = P.logistic_regression(X, labels, 0.1), P.logistic_regression(X, (labels + 1):to("i64"), 0.1)
  test.eq(one:solve():table(), two:solve():table())
  -- two points: by symmetry p = (0, w) with sigma(-w) = l2 w
  local w = P.logistic_regression(tw.tensor { { 1, -1 }, { 1, 1 } }, tw.tensor { 0, 1 }, 0.5):solve()
  test.near(w[1]:item(), 0, 1e-12)
  test.near(1 / (1 + math.exp(w[2]:item())), 0.5 * w[2]:item(), 1e-12)
end)

test("logistic regression without a minimiser says so", function()
  local function refused(X, y)
    test.raises("logistic_regression: there is no one minimiser: the loss falls for ever, or is flat in some direction; give l2 > 0", function()
      P.logistic_regression(tw.tensor(X), tw.tensor(y)):solve()
    end)
    local p = P.logistic_regression(tw.tensor(X), tw.tensor(y), 1e-3)
    test.near(largest(tw.grad(p.f)(p:solve())), 0, 1e-12)
  end
  refused({ { 1, -1 }, { 1, 1 } }, { 0, 1 })                                        -- told apart
  refused({ { 1, -1 }, { 1, 0 }, { 1, 0 }, { 1, 1 } }, { 0, 0, 1, 1 })              -- but for two rows at the border
  refused({ { 1, 2 }, { 2, 4 }, { -1, -2 }, { 1, 2 }, { 2, 4 } }, { 0, 1, 1, 1, 0 }) -- columns that depend on each other
end)

test("f32 data give f32 problems", function()
  local X, y = data(20, 3, "f32")
  local p, q = P.least_squares(X, y), P.logistic_regression(X, tw.where(y:gt(0), 1.0, 0.0), 0.1)
  for _, one in ipairs { p, q } do
    test.eq(one:start().dtype, "f32")
    test.eq(one:solve().dtype, "f32")
    test.eq(one(one:start()).dtype, "f32")
    test.near(largest(tw.grad(one.f)(one:solve())), 0, 1e-6)
  end
end)

test("a finite sum is known by its data", function()
  local X, y = data(10, 2)
  local a, b = P.least_squares(X, y, 0.5), P.least_squares(X:clone(), y:clone(), 0.5)
  test.eq(a.text, b.text)
  test.ok(a.text:match('^least_squares{data="%x+",l2=0.5}$'))
  test.ok(P.least_squares(X, y + 1, 0.5).text ~= a.text)
  test.eq(#space.enumerate(P.least_squares(X, y, space.choice { 0, 0.1 })), 2)
  test.eq(a.rebuild({ l2 = 0.25 }).text, P.least_squares(X, y, 0.25).text)
end)

test("problems made inside a scope outlive it", function()
  local p, q = tw.scope(function()
    local X, y = data(10, 2)
    return { P.quadratic { n = 3, rotate = 1 }, P.least_squares(X, y) }, P.quadratic_deep { n = 10, examples = 5 }
  end)
  test.ok(p[1](p[1]:start()):item() > 0)
  test.ok(p[2](p[2]:start()):item() > 0)
  test.ok(q(q:start("f32")):item() > 0)
  test.near(largest(tw.grad(p[2].f)(p[2]:solve())), 0, 1e-14)
end)

test("what does not fit is refused by name, at the caller's line", function()
  local X, y = data(10, 2)
  for wrong, f in next, {
    ["quadratic: missing option: n is nil; give eigenvalues, or n with condition and spectrum"] = function() P.quadratic {} end,
    ["quadratic: the spectrum is given twice: as eigenvalues, and by n, condition or spectrum; leave out one"] = function()
      P.quadratic { eigenvalues = { 1 }, condition = 3 }
    end,
    ["quadratic: no eigenvalues"] = function() P.quadratic { eigenvalues = {} } end,
    ["quadratic: wrong value: eigenvalues is a table; it must be an array of numbers of at least 0"] = function() P.quadratic { eigenvalues = { -1 } } end,
    ["quadratic: wrong value: condition is 0.5; it must be a number of at least 1"] = function() P.quadratic { n = 2, condition = 0.5 } end,
    ['quadratic: wrong value: spectrum is "flat"; it must be one of log, linear, outlier, two'] = function() P.quadratic { n = 2, spectrum = "flat" } end,
    ["quadratic: wrong value: rotate is true; it must be a seed (an integer) or a generator"] = function() P.quadratic { n = 2, rotate = true } end,
    ["quadratic: the center needs one number per coordinate: it has 1, the dimension is 2"] = function() P.quadratic { n = 2, center = { 1 } } end,
    ["quadratic: the start needs one number per coordinate: it has 1, the dimension is 2"] = function() P.quadratic { n = 2, start = { 1 } } end,
    ["quadratic_deep: wrong value: n is 1; it must be an integer of at least 2"] = function() P.quadratic_deep { n = 1 } end,
    ["least_squares: X must be a real matrix [examples features]: it is f64[10] "] = function() P.least_squares(y, y) end,
    ["least_squares: X must be a real matrix [examples features]: it is 3"] = function() P.least_squares(3, y) end,
    ["least_squares: y must be a vector with one entry per row of X: it is f64[10 2], X has 10 rows"] = function() P.least_squares(X, X) end,
    ["least_squares: X and y have different dtypes: X is f64, y is f32; use :to()"] = function() P.least_squares(X, y:to("f32")) end,
    ["least_squares: wrong value: l2 is -1; it must be a number of at least 0"] = function() P.least_squares(X, y, -1) end,
    ["logistic_regression: y must hold two distinct numbers: it lies between "] = function() P.logistic_regression(X, y) end,
    ["logistic_regression: its least value has no closed form; problem.f(problem:solve()) gives it"] = function()
      P.logistic_regression(X, tw.where(y:gt(0), 1.0, 0.0)):gap(tw.zeros(2))
    end,
  } do
    local message = test.raises(wrong, f)
    test.ok(message:find("problems_sums_spec.lua:", 1, true), "no position in: " .. message)
  end
end)

test.close()
