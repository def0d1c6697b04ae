-- The test functions: values known from the literature, minimisers, derivatives, what they refuse.
local canonical = require "thalweg.canonical"
local described = require "thalweg.described"
local space = require "thalweg.space"
local test = require "spec"
local tw = require "thalweg"

local P = tw.problems

local function sorted(t)
  local out = {}
  for k in next, t do out[#out + 1] = k end
  table.sort(out)
  return out
end

-- The functions without data, each in the dimensions it is tested in.
local functions = {}
for _, name in ipairs { "beale", "booth", "himmelblau", "matyas", "three_hump_camel", "goldstein_price", "easom", "mccormick", "levy_n13", "branin", "bukin",
  "drop_wave", "eggholder", "colville", "wood" } do functions[#functions + 1] = P[name]() end
for _, name in ipairs { "rosenbrock", "ackley", "levy", "rastrigin", "styblinski_tang", "sphere", "schwefel", "zakharov" } do
  for _, n in ipairs { 2, 5 } do functions[#functions + 1] = P[name] { n = n } end
end

test("all of tw.problems are tested here or among the sums and quadratics", function()
  local known = { quadratic = true, quadratic_deep = true, least_squares = true, logistic_regression = true }
  for _, p in ipairs(functions) do known[p.name] = true end
  test.eq(sorted(known), sorted(P))
end)

-- Points and values from the literature, or by hand from the formula with whole numbers.
test("values at known points", function()
  local pi = math.pi
  local function at(p, x, want) test.near(p(tw.tensor(x)):item(), want, 1e-14 * math.max(1, math.abs(want)), p.text .. " at " .. table.concat(x, " ")) end
  at(P.rosenbrock(), { -1.2, 1 }, 24.2)
  at(P.rosenbrock { n = 4 }, { 0, 0, 0, 0 }, 3)
  at(P.rosenbrock { n = 3 }, { 2, 1, 3 }, 100 * 9 + 1 + 100 * 4)
  at(P.beale(), { 1, 1 }, 14.203125)
  at(P.beale(), { 0, 0 }, 14.203125)
  at(P.booth(), { 0, 0 }, 74)
  at(P.himmelblau(), { 0, 0 }, 170)
  at(P.himmelblau(), { 1, 1 }, 106)
  at(P.matyas(), { 6, 6 }, 1.44)
  at(P.three_hump_camel(), { 1, 1 }, 2 - 1.05 + 1 / 6 + 2)
  at(P.goldstein_price(), { 0, 0 }, 600)
  at(P.goldstein_price(), { 1, 1 }, 1876)
  at(P.goldstein_price(), { -0.6, -0.4 }, 30) -- its second minimum
  at(P.easom(), { 0, 0 }, -math.exp(-2 * pi * pi))
  at(P.mccormick(), { 0, 0 }, 1)
  at(P.levy_n13(), { 0, 0 }, 2)
  at(P.branin(), { 0, 0 }, 36 + 10 * (1 - 1 / (8 * pi)) + 10)
  at(P.bukin(), { -10, 0 }, 100)
  at(P.bukin(), { -5, 0 }, 50.05)
  at(P.drop_wave(), { 3, 4 }, -(1 + math.cos(60)) / 14.5)
  at(P.eggholder(), { 0, 0 }, -47 * math.sin(math.sqrt(47)))
  at(P.colville(), { 0, 0, 0, 0 }, 42)
  at(P.wood(), { -3, -1, -3, -1 }, 19192)
  at(P.ackley(), { 1, 1 }, 3.6253849384403627)
  at(P.levy(), { -3, 1 }, 1 * (1 + 10 * math.sin(1) ^ 2)) -- w = 0, 1
  at(P.rastrigin { n = 3 }, { 1, 2, -3 }, 14)
  at(P.styblinski_tang(), { 1, 2 }, (-10 - 38) / 2)
  at(P.sphere { n = 3 }, { 1, 2, 3 }, 14)
  at(P.schwefel(), { 0, 0 }, 837.965774544867)
  at(P.zakharov(), { 1, 1 }, 9.3125)
end)

test("starts and minimisers are those of the published suites", function()
  local suite = {
    rosenbrock = { { -1.2, 1 }, { 1, 1 } }, beale = { { 2.8, 0.35 }, { 3, 0.5 } }, booth = { { -9, -9 }, { 1, 3 } }, himmelblau = { { 5, -5 }, { 3, 2 } },
    matyas = { { -3, 3 }, { 0, 0 } }, ackley = { { 0.02, 0.02 }, { 0, 0 } }, three_hump_camel = { { 1, 1 }, { 0, 0 } },
    colville = { { -5, 3, 1, -9 }, { 1, 1, 1, 1 } }, wood = { { -3, -1, -3, -1 }, { 1, 1, 1, 1 } }, goldstein_price = { { 0.2, -0.5 }, { 0, -1 } },
    easom = { { 2.9, 2.9 }, { 3.14, 3.14 } }, mccormick = { { -2, 4 }, { -0.54719, -1.54719 } }, levy_n13 = { { 0.9, 1.1 }, { 1, 1 } },
    bukin = { { -10, -2 }, { -10, 1 } }, drop_wave = { { 0.5, 0.5 }, { 0, 0 } }, eggholder = { { -333, -333 }, { 512, 404.2319 } },
    branin = { { 2.5, 12.5 }, { -3.14159, 12.275 } },
  }
  for name, points in next, suite do
    local p = P[name]()
    test.eq(p:start():table(), points[1], name)
    -- the suites print a few digits: easom 3, the others at least 6
    for i, v in ipairs(points[2]) do test.near(p.minima[1][i], v, name == "easom" and 2e-3 or 2e-4, name) end
  end
  test.near(P.schwefel().minima[1][2], 420.9687, 5e-5)
  test.near(P.eggholder().value, -959.6407, 5e-5)
  test.near(P.styblinski_tang { n = 1 }.value, -39.16599, 2e-4)
end)

-- The minimisers stand to the last digit; so f there is off by the rounding of its own terms, whose size is at most `scale`, and its gradient by one ulp of
-- each coordinate times the Hessian, and by the rounding of the terms again.
local function scale_of(p) return ({ goldstein_price = 1e3, eggholder = 1e3, schwefel = 1e3, branin = 1e2, styblinski_tang = 1e3 })[p.name] or 30 end

test("every listed minimiser has the value, no gradient, and a positive semi-definite Hessian", function()
  local seen = 0
  for _, p in ipairs(functions) do
    for k = 1, #p.minima do
      local x, eps = p:minimum(k), 2.3e-16 * scale_of(p)
      test.near(p:gap(x):item(), 0, 2 * eps, p.text)
      if p.interior and p.smooth then
        local h = tw.hessian(p.f)(x)
        local largest = h:abs():max():item()
        test.near(tw.grad(p.f)(x):abs():max():item(), 0, 2.3e-16 * largest * math.max(1, x:abs():max():item()) + 4 * eps, p.text)
        test.ok(tw.linalg.eigvalsh(h):min():item() >= -1e-14 * largest, p.text)
        seen = seen + 1
      end
    end
  end
  test.ok(seen >= 30)
  -- where the function has a kink the gradient is finite
  for _, p in ipairs { P.ackley(), P.bukin(), P.drop_wave() } do
    for _, dtype in ipairs { "f64", "f32" } do test.ok(tw.grad(p.f)(p:minimum(1, dtype)):isfinite():all():item(), p.text .. dtype) end
  end
  -- on the edge of its domain: out of it the eggholder falls on, along it it does not
  local g = tw.grad(P.eggholder().f)(P.eggholder():minimum())
  test.ok(g[1]:item() < -1)
  test.near(g[2]:item(), 0, 1e-12)
end)

test("in f32 the minimisers have their value too", function()
  for _, p in ipairs(functions) do
    for k = 1, #p.minima do
      local x = p:minimum(k, "f32")
      local y = p(x)
      test.eq(y.dtype, "f32")
      -- one rounding of x, through the curvature (or the slope of a kink), and those of the terms; eggholder's edge has slope 4
      local error = 1.2e-7 * scale_of(p) * (p.interior and 4 or 8)
      if p.name == "bukin" then error = 100 * math.sqrt(1.2e-7) end
      test.near(y:item(), p.value, error, p.text)
      test.eq(tw.grad(p.f)(x).dtype, "f32")
    end
  end
end)

-- A random point of the domain.
local function draw(p, rng)
  local low, high = {}, {}
  for i, side in ipairs(p.domain) do low[i], high[i] = side[1], side[2] end
  low, high = tw.tensor(low), tw.tensor(high)
  return low + (high - low) * rng:uniform(p.dimension)
end

test("no point of the domain lies below the value", function()
  local rng = tw.rng(7, "below")
  for _, p in ipairs(functions) do
    test.eq(#p.domain, p.dimension)
    for _, point in ipairs(p.minima) do
      for i, v in ipairs(point) do test.ok(v >= p.domain[i][1] and v <= p.domain[i][2], p.text) end
    end
    for _ = 1, 60 do
      local x = draw(p, rng)
      test.ok(p:gap(x):item() > 0, p.text .. " at " .. tostring(x))
    end
  end
end)

test("gradients agree with central differences at random points", function()
  local rng = tw.rng(8, "checkgrad")
  for _, p in ipairs(functions) do
    for _ = 1, 4 do
      -- in an inner part of the box, where the values and so the differences' errors are moderate: the error of a central difference goes with f'''
      local x = draw(p, rng)
      local center = tw.tensor(p.minima[1])
      x = center + 0.2 * (x - center)
      local value = math.max(1, math.abs(p(x):item()))
      local ok, worst = tw.checkgrad(function(v) return p.f(v) / value end, x, { tolerance = 2e-6 })
      test.ok(ok, p.text .. ": " .. (worst and worst[1] and worst[1].exact .. " against " .. worst[1].numeric or ""))
    end
  end
end)

test("Hessian-vector products, Hessians, maps over rows and f32 gradients agree", function()
  local rng = tw.rng(9, "transforms")
  for _, p in ipairs(functions) do
    local x, v = p:start() + 0.125, rng:normal(p.dimension)
    local h = tw.hessian(p.f)(x)
    local size = math.max(1, h:abs():max():item())
    test.near((tw.hvp(p.f)(x, v) - h:matmul(v)):abs():max():item(), 0, 1e-12 * size, p.text)
    test.near((h - h:t()):abs():max():item(), 0, 1e-12 * size, p.text)
    local rows = tw.stack { x, x + 0.5 }
    local y = tw.vmap(p.f)(rows)
    test.eq(y:table(), { p(rows[1]):item(), p(rows[2]):item() })
    local g = tw.grad(p.f)(x)
    local near = tw.grad(p.f)(x:to("f32")):to("f64")
    test.near((near - g):abs():max():item(), 0, 1e-5 * math.max(1, size, g:abs():max():item()), p.text)
  end
end)

test("a plain array of numbers and 0-d tensors will do for x, and is differentiated", function()
  local p = P.rosenbrock()
  test.near(p { -1.2, 1 }:item(), 24.2, 1e-13)
  local g = tw.grad(function(q) return p { q.a, 1 } end) { a = tw.tensor(-1.2) }
  test.near(g.a:item(), -215.6, 1e-12)
  local g32 = tw.grad(function(q) return p.f { q.a, q.b } end) { a = tw.tensor(-1.2, { dtype = "f32" }), b = tw.tensor(1, { dtype = "f32" }) }
  test.eq(g32.b.dtype, "f32")
  test.near(g32.b:item(), -88, 1e-4)
  test.eq(P.sphere { n = 1 }(tw.tensor(3)):item(), 9)
end)

test("start and minimum are fresh tensors", function()
  local p = P.sphere()
  local x = p:start()
  x:fill(7)
  test.eq(p:start():table(), { 1, 1 })
  p:minimum():fill(7)
  test.eq(p:minimum():table(), { 0, 0 })
  test.eq(p:start("f32").dtype, "f32")
  test.eq(P.beale { start = { -4.5, 4.5 } }:start():table(), { -4.5, 4.5 })
  test.eq(P.rosenbrock { n = 3, start = { 1, 2, 3 } }:start():table(), { 1, 2, 3 })
end)

test("gradient descent follows the lecture's numbers on a quadratic", function()
  local p = P.quadratic { eigenvalues = { 0.2, 4 }, start = { -5, -2 } } -- 0.1 x1^2 + 2 x2^2
  local x = p:start()
  local opt = tw.optim.sgd(x, { lr = 0.4 })
  for _ = 1, 20 do opt:step(p.f) end
  test.near(x[1]:item(), -0.9434666458139824, 1e-14)
  test.near(x[2]:item(), -7.312316880125978e-05, 1e-17)
end)

test("a problem is plain data: it has a text and columns, takes spaces, and never changes", function()
  local p = P.rosenbrock { n = 3 }
  test.ok(described.is(p))
  test.eq(canonical.text(p), "rosenbrock{n=3}")
  test.eq(p.kind, "rosenbrock")
  test.eq(P.beale { start = { 1, 2 } }.text, "beale{start={1,2}}")
  test.eq(#space.enumerate(P.ackley { n = space.choice { 2, 3, 4 } }), 3)
  test.eq(p.rebuild(p.options).text, p.text)
  for _, one in ipairs(functions) do test.ok(#one.source > 0, one.text) end
  test.raises("it cannot be changed: field is optimum", function() p.optimum = 3 end)
end)

test("noise has the law it is given, is fresh at every evaluation, and leaves the mean alone", function()
  local p = P.sphere { n = 3 }
  for _, case in ipairs { { 0.5, nil, 0.5 }, { 2, 4, 1 } } do
    local noisy = p:noisy(tw.rng(3, "noise"), case[1], case[2])
    local g, n = tw.grad(noisy.f), 3000
    local x, rows = tw.tensor { 1, 2, 3 }, {}
    for i = 1, n do rows[i] = g(x) - 2 * x end
    local u = tw.stack(rows)
    -- five standard errors: of the mean sd / sqrt(n), of the variance sd^2 sqrt(2 / n)
    test.near(u:mean(1):abs():max():item(), 0, 5 * case[3] / math.sqrt(n))
    test.near((u:var(1) / case[3] ^ 2 - 1):abs():max():item(), 0, 5 * math.sqrt(2 / n))
    local covariance = (u:narrow(2, 1, 1) * u:narrow(2, 2, 1)):mean():item()
    test.near(covariance, 0, 5 * case[3] ^ 2 / math.sqrt(n))
  end
  local noisy = p:noisy(tw.rng(3, "noise"), 1)
  test.eq(noisy.value, 0)
  test.eq(noisy:start():table(), { 1, 1, 1 })
  test.ok(noisy(tw.ones(3)):item() ~= noisy(tw.ones(3)):item())
  test.eq(noisy(tw.ones(3, { dtype = "f32" })).dtype, "f32")
  test.eq(p:noisy(tw.rng(5), 1)(tw.ones(3)):item(), p:noisy(tw.rng(5), 1)(tw.ones(3)):item())
  test.eq(noisy.text, "sphere{n=3}:noisy(1)")
  test.eq(p:noisy(tw.rng(1), 0.5, 128).text, "sphere{n=3}:noisy(0.5,128)")
end)

test("what does not fit is refused by name, at the caller's line", function()
  for wrong, f in next, {
    ["rosenbrock: wrong value: n is 1; it must be an integer of at least 2"] = function() P.rosenbrock { n = 1 } end,
    ["rosenbrock: unknown option: dim is 3; valid: n, start"] = function() P.rosenbrock { dim = 3 } end,
    ["beale: unknown option: n is 3; valid: start"] = function() P.beale { n = 3 } end,
    ["beale: the start needs one number per coordinate: it has 3, the dimension is 2"] = function() P.beale { start = { 1, 2, 3 } } end,
    ["booth: x must be a vector of 2: it is f64[3]"] = function() P.booth()(tw.zeros(3)) end,
    ["booth: x must be a vector of 2: it is f64[2 2]"] = function() P.booth().f(tw.zeros(2, 2)) end,
    ["booth: x must be a vector of 2: it is 3 values"] = function() P.booth() { 1, 2, 3 } end,
    ["booth: x must be a vector of 2: it is 7"] = function() P.booth()(7) end,
    ["booth: no such minimiser: k is 2; 1 are known"] = function() P.booth():minimum(2) end,
    ["booth: there is nothing to solve: its minimisers stand in problem.minima"] = function() P.booth():solve() end,
    ["booth: its Hessian is not the same everywhere; tw.hessian(problem.f)(x) gives it at a point"] = function() P.booth():hessian() end,
    ['booth: noisy needs a generator: rng is 3; give run:rng("noise")'] = function() P.booth():noisy(3, 1) end,
    ["booth:noisy: missing option: sd is nil"] = function() P.booth():noisy(tw.rng(1)) end,
    ["booth:noisy: wrong value: sd is -1; it must be a number of at least 0"] = function() P.booth():noisy(tw.rng(1), -1) end,
    ["unknown name: tw.problems.rosenbrok; did you mean rosenbrock?"] = function() return P.rosenbrok end,
    ["booth: it has no field optimum"] = function() return P.booth().optimum end,
  } do
    local message = test.raises(wrong, f)
    test.ok(message:find("problems_spec.lua:", 1, true), "no position in: " .. message)
  end
end)

test.close()
