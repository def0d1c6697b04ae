-- Methods that evaluate the function themselves: line searches, steepest and coordinate descent, conjugate gradients, quasi-Newton, Newton, trust regions.
-- Least squares: optim_residual_spec. Held against closed forms, Gauss-Seidel, PyTorch (tests/golden/make_optim_solve.py) and the conditions they promise.
local test = require "spec"
local tw = require "thalweg"
local golden = require "golden.optim_solve"

local function quadratic(a) return function(p) return 0.5 * p:dot(a:matmul(p)) end end
local function diagonal(w) return function(p) return 0.5 * (w * p * p):sum() end end
local function rosenbrock(p)
  local n = p.size
  local a, b = p:narrow(1, 1, n - 1), p:narrow(1, 2, n - 1)
  return (100 * (b - a ^ 2) ^ 2 + (1 - a) ^ 2):sum()
end
local function worst(a, b) return (a - b):abs():max():item() end

-- A symmetric positive definite matrix with a spread spectrum, by formula.
local function matrix(n)
  local rows = {}
  for i = 1, n do
    rows[i] = {}
    for j = 1, n do rows[i][j] = (i == j and 2 + i * i or 0) + 1 / (i + j) end
  end
  return tw.tensor(rows)
end

-- From the worst start f falls by exactly ((k - 1)/(k + 1))^2 (Kantorovich's bound is attained). One step from the exact worst start loses about k eps in
-- the ratio; the start is worst again after every step, so errors of x_1 relative to x_2 grow no further.
test("exact search on a quadratic falls by ((k - 1)/(k + 1))^2 from the worst start, along orthogonal directions", function()
  for _, k in ipairs { 2, 10, 100, 1e4, 1e6 } do
    local p, f = tw.tensor { k, 1 }, diagonal(tw.tensor { 1, k })
    local opt = tw.optim.gd(p, { line_search = "exact" })
    local last, g
    for _ = 1, 6 do
      local loss = opt:step(f):item()
      local now = opt:grads()
      if last then
        test.near(loss / last, ((k - 1) / (k + 1)) ^ 2, 1e-9, "k = " .. k)
        test.near((now:dot(g) / (now:norm() * g:norm())):item(), 0, 1e-9, "k = " .. k)
      end
      last, g = loss, now:clone()
    end
    test.eq(opt:info().evaluations, 2)
  end
end)

test("cyclic coordinate descent is the Gauss-Seidel iteration", function()
  local n = 5
  local a, b = matrix(n), tw.tensor { 1, -2, 3, 0.5, -1 }
  local rows, right, x = a:table(), b:table(), { 0, 0, 0, 0, 0 }
  local p = tw.zeros(n)
  local opt = tw.optim.coordinate_descent(p)
  for _ = 1, 8 do
    for i = 1, n do
      local sum = right[i]
      for j = 1, n do if j ~= i then sum = sum - rows[i][j] * x[j] end end
      x[i] = sum / rows[i][i]
      opt:step(function(q) return 0.5 * q:dot(a:matmul(q)) - b:dot(q) end)
    end
    for i, v in ipairs(p:table()) do test.near(v, x[i], 1e-12) end
  end
end)

test("random and greedy coordinates: one coordinate moves per step, the seed decides which, greedy takes the steepest", function()
  local function path(o, steps)
    local p, out = tw.tensor { 3, -1, 2, 5 }, {}
    local opt = tw.optim.coordinate_descent(p, o)
    for s = 1, steps do
      local before = p:clone()
      out[s] = 0 -- drawn again, a coordinate is at its minimum already
      opt:step(quadratic(matrix(4)))
      local moved, g = (p - before):table(), opt:grads():abs():table()
      for i, d in ipairs(moved) do
        if d ~= 0 then
          test.eq(out[s], 0, "two coordinates moved")
          out[s] = i
        end
      end
      if o.order == "greedy" then test.eq(g[out[s]], math.max(table.unpack(g))) end
    end
    return out
  end
  test.eq(path({ order = "random", seed = 1 }, 12), path({ order = "random", seed = 1 }, 12))
  test.ok(table.concat(path({ order = "random", seed = 1 }, 12)) ~= table.concat(path({ order = "random", seed = 2 }, 12)))
  path({ order = "greedy" }, 6)
  local p = tw.tensor { 3, -1, 2, 5 }
  local opt = tw.optim.coordinate_descent(p, { order = "random" })
  for _ = 1, 200 do opt:step(quadratic(matrix(4))) end
  test.near(p:norm():item(), 0, 1e-9)
end)

-- Steps until f has fallen to 1e-8 of its first value.
local function count(opt, f, most)
  local first
  for i = 0, most do
    local loss = opt:step(f):item()
    first = first or loss
    if loss <= 1e-8 * first then return i end
  end
  error("no convergence in " .. most .. " steps")
end

-- Least-squares slope of log(steps) over log(k), by exact decades.
local function slope(list)
  local n, sx, sy, sxx, sxy = #list, 0, 0, 0, 0
  for i, v in ipairs(list) do
    local y = math.log(v, 10)
    sx, sy, sxx, sxy = sx + i, sy + y, sxx + i * i, sxy + i * y
  end
  return (n * sxy - sx * sy) / (n * sxx - sx * sx)
end

test("gradient descent at 2/(1 + k) takes steps proportional to the condition number", function()
  local list = {}
  for i, k in ipairs { 10, 100, 1000, 1e4 } do
    local p = tw.tensor { 1, 1 }
    list[i] = count(tw.optim.gd(p, { line_search = "none", lr = 2 / (1 + k) }), diagonal(tw.tensor { 1, k }), 1e5)
  end
  test.near(slope(list), 1, 0.05)
end)

test("conjugate gradients on 1000 log-spaced eigenvalues of equal energy take steps proportional to the root of the condition number", function()
  local known, list = { 15, 47, 141, 420, 1235, 3585 }, {}
  for i, want in ipairs(known) do
    local w = tw.logspace(1, 10 ^ i, 1000)
    local p = 1 / w:sqrt()
    list[i] = count(tw.optim.conjugate_gradient(p, { line_search = "exact", beta = "FR" }), diagonal(w), 2 * want)
    test.near(list[i], want, 0.02 * want, "k = 1e" .. i) -- the counts are of the linear method with its own recurrence of the residual
  end
  test.near(slope(list), 0.5, 0.05)
end)

test("Newton solves a quadratic in one step, and follows the published runs", function()
  local a, p = matrix(6), tw.tensor { 1, 2, 3, -4, 5, -6 }
  local opt = tw.optim.newton(p)
  opt:step(quadratic(a))
  test.near(p:norm():item(), 0, 1e-13)
  for _, case in ipairs { -- Zhang et al., Dive into Deep Learning, 12.3
    { function(q) return (0.5 * q):cosh():sum() end, 1, 0, 1e-15 },
    { function(q) return (q * (0.15 * math.pi * q):cos()):sum() end, 1, 26.83413291324767, 1e-9 },
    { function(q) return (q * (0.15 * math.pi * q):cos()):sum() end, 0.5, 7.269860168684531, 1e-12 },
  } do
    local x = tw.tensor { 10 }
    local o = tw.optim.newton(x, { lr = case[2] })
    for _ = 1, 10 do o:step(case[1]) end
    test.near(x[1]:item(), case[3], case[4])
  end
end)

test("Newton with absolute eigenvalues leaves a saddle that the plain one is drawn to", function()
  local function saddle(p) return p[1] ^ 2 - p[2] ^ 2 + 0.25 * p[2] ^ 4 end
  local plain, absolute = tw.tensor { 1, 0.1 }, tw.tensor { 1, 0.1 }
  local a, b = tw.optim.newton(plain), tw.optim.newton(absolute, { absolute = true, line_search = "backtracking" })
  for _ = 1, 20 do
    a:step(saddle)
    b:step(saddle)
  end
  test.near(plain:norm():item(), 0, 1e-9)
  test.near(absolute[2]:item(), math.sqrt(2), 1e-9)
end)

test("conjugate gradients in every form end after n steps on a quadratic in n dimensions", function()
  local n = 7
  local a = matrix(n)
  for _, beta in ipairs { "FR", "PR", "HS", "DY", "HZ" } do
    local p = tw.ones(n)
    local opt = tw.optim.conjugate_gradient(p, { line_search = "exact", beta = beta })
    local g0
    for i = 1, n do
      opt:step(quadratic(a))
      g0 = g0 or opt:info().grad_norm
      test.ok(i == n or a:matmul(p):norm():item() > 1e-6 * g0, beta .. ": early")
    end
    test.near(a:matmul(p):norm():item(), 0, 1e-9 * g0, beta)
  end
end)

test("the second direction of conjugate gradients is -g + beta d, beta by the formula of its form", function()
  local function dot(a, b) return a:dot(b):item() end
  local function f(p) return (p ^ 4):sum() / 4 + 0.5 * (p * tw.tensor { 1, 3, 9 }):dot(p) - p:sum() end
  for beta, formula in next, {
    FR = function(g, g0) return dot(g, g) / dot(g0, g0) end,
    PR = function(g, g0) return math.max(0, dot(g, g - g0) / dot(g0, g0)) end,
    HS = function(g, g0, d) return dot(g, g - g0) / dot(d, g - g0) end,
    DY = function(g, g0, d) return dot(g, g) / dot(d, g - g0) end,
    HZ = function(g, g0, d)
      local y = g - g0
      local eta = -1 / (d:norm():item() * math.min(0.01, g0:norm():item()))
      return math.max(dot(y - d * (2 * dot(y, y) / dot(d, y)), g) / dot(d, y), eta)
    end,
  } do
    for _, lr in ipairs { 0.01, 0.06 } do
      local p = tw.tensor { 1, -0.5, 0.7 }
      local opt = tw.optim.conjugate_gradient(p, { line_search = "none", lr = lr, beta = beta })
      opt:step(f)
      local g0, before = opt:grads():clone(), p:clone()
      opt:step(f)
      local g = opt:grads()
      local b = formula(g, g0, -g0)
      test.near(worst(p, before + lr * (b * -g0 - g)), 0, 1e-14, beta)
      test.ok(beta == "PR" or b ~= 0, beta)
    end
  end
end)

test("the inverse Hessian of BFGS is the true one after n exact steps on a quadratic", function()
  local n = 5
  local a = matrix(n)
  for _, scale in ipairs { true, false } do
    local p = tw.ones(n)
    local opt = tw.optim.bfgs(p, { line_search = "exact", scale = scale })
    for _ = 1, n + 1 do opt:step(quadratic(a)) end -- the last pair is learnt when the next step begins
    test.near(worst(opt:state().vectors.inverse, tw.linalg.inverse(a)), 0, 1e-9)
    test.eq(opt:state().numbers.pairs, n)
  end
end)

for _, case in ipairs(golden.lbfgs) do
  local text = {}
  for k, v in next, case.options do text[#text + 1] = k .. " = " .. v end
  table.sort(text)
  test("lbfgs follows PyTorch's iterates, no line search, {" .. table.concat(text, ", ") .. "}", function()
    local p, c, b = tw.tensor(golden.start), tw.tensor(golden.c), tw.tensor(golden.b)
    local opt = tw.optim.lbfgs(p, case.options)
    for i, want in ipairs(case.x) do
      opt:step(function(q) return 0.5 * (c * (q - b) ^ 2):sum() + q:dot(q) ^ 2 / 40 end)
      test.near(worst(p, tw.tensor(want)), 0, math.max(1e-12, 100 * case.spread), "step " .. i)
    end
    test.eq(opt:info().reason, #text == 0 and "function" or opt:info().reason)
  end)
end

test("lbfgs with strong Wolfe ends where PyTorch's does", function()
  local p = tw.tensor { -1.2, 1, -1.2, 1 }
  local opt = tw.optim.lbfgs(p, { line_search = "strong_wolfe", tol_grad = 1e-10, tol_step = 0, tol_function = 0 })
  local n = 0
  repeat
    opt:step(rosenbrock)
    n = n + 1
  until opt:info().reason ~= "" or n == 300
  test.eq(opt:info().reason, "gradient")
  test.near(worst(p, tw.tensor(golden.wolfe)), 0, 1e-9)
end)

test("a trust region doubles while the model is right and the step reaches its boundary, then takes the Newton step", function()
  for _, method in ipairs { "steihaug", "dogleg" } do
    local p = tw.tensor { 5, -4 }
    local opt, radius = tw.optim.trust_region(p, { method = method, radius = 0.25, radius_max = 1.5 }), 0.25
    for _ = 1, 4 do
      opt:step(diagonal(tw.tensor { 1, 3 }))
      test.near(opt:info().step_norm, radius, 1e-12, method)
      radius = math.min(2 * radius, 1.5)
      test.eq(opt:state().numbers.radius, radius)
    end
    for _ = 1, 8 do opt:step(diagonal(tw.tensor { 1, 3 })) end
    test.near(p:norm():item(), 0, 1e-6, method)
  end
end)

test("a trust region shrinks to a quarter until a trial is accepted", function()
  -- f = sqrt(1 + x^2) from 3: the Newton step of -30, then -25 and -6.25, raise f; -1.5625 has the ratio .98, so the radius doubles.
  for _, method in ipairs { "steihaug", "dogleg" } do
    local p = tw.tensor { 3 }
    local opt = tw.optim.trust_region(p, { method = method, radius = 100 })
    opt:step(function(q) return (1 + q:dot(q)):sqrt() end)
    test.near(p[1]:item(), 1.4375, 1e-13)
    test.eq(opt:state().numbers.radius, 3.125)
    test.eq(opt:info().evaluations, method == "dogleg" and 6 or 9) -- steihaug: a product with the Hessian for each of the four trials
  end
end)

test("the dogleg turns at the Cauchy point; negative curvature leads to the boundary, or counts by its absolute value", function()
  local w, p = { 1, 10 }, tw.tensor { 3, 1 }
  local g = { 3, 10 }
  local gg, gbg = g[1] ^ 2 + g[2] ^ 2, w[1] * g[1] ^ 2 + w[2] * g[2] ^ 2
  local u, v = { -gg / gbg * g[1], -gg / gbg * g[2] }, { -3, -1 }
  tw.optim.trust_region(p, { method = "dogleg", radius = 2 }):step(diagonal(tw.tensor(w)))
  local s = { p[1]:item() - 3, p[2]:item() - 1 }
  test.near(s[1] ^ 2 + s[2] ^ 2, 4, 1e-12)
  local a, b = (s[1] - u[1]) / (v[1] - u[1]), (s[2] - u[2]) / (v[2] - u[2])
  test.near(a, b, 1e-12) -- on the line from u to v
  test.ok(a > 0 and a < 1)
  for _, method in ipairs { "steihaug", "dogleg" } do
    local q = tw.tensor { 0.1, 0.1 }
    local opt = tw.optim.trust_region(q, { method = method, radius = 0.5 })
    opt:step(diagonal(tw.tensor { -1, -2 }))
    test.near(opt:info().step_norm, method == "steihaug" and 0.5 or math.sqrt(0.02), 1e-12) -- dogleg: g / |w| = (.1, .1)
  end
end)

test("Armijo's decrease holds after backtracking, and golden section finds the minimum along the line", function()
  local p = tw.tensor { -1.2, 1 }
  local opt = tw.optim.gd(p, { c1 = 0.2, shrink = 0.3 })
  for _ = 1, 20 do
    local before, f0 = p:clone(), opt:step(rosenbrock):item()
    local s = p - before
    test.ok(rosenbrock(p):item() <= f0 + 0.2 * opt:grads():dot(s):item())
  end
  local x = tw.tensor { 3, 1 }
  tw.optim.gd(x, { line_search = "golden", search_tol = 1e-8, lr = 1e-3, max_evaluations = 200 }):step(diagonal(tw.tensor { 1, 4 }))
  local y = tw.tensor { 3, 1 }
  tw.optim.gd(y, { line_search = "exact" }):step(diagonal(tw.tensor { 1, 4 }))
  test.near(worst(x, y), 0, 1e-6) -- values of f show a minimum to the root of their precision
end)

test("preconditioning by the diagonal makes a badly scaled diagonal quadratic round", function()
  local w = tw.tensor { 1, 1e3, 1e6 }
  for _, o in ipairs { { precondition = "jacobi" }, { precondition = "given", preconditioner = 1 / w } } do
    o.line_search = "exact"
    local p = tw.ones(3)
    tw.optim.gd(p, o):step(diagonal(w))
    test.near(p:abs():max():item(), 0, 1e-14)
  end
  local tree = { a = tw.ones(2), b = tw.ones(1) }
  tw.optim.gd(tree, { line_search = "none", precondition = "given", preconditioner = { a = tw.tensor { 1, 0.5 }, b = tw.tensor { 0.25 } } })
    :step(function(q) return q.a:sum() + q.b:sum() end)
  test.eq({ tree.a:table(), tree.b:table() }, { { 0, 0.5 }, { 0.75 } })
  test.raises("preconditioner has shape {2} at path params, the parameter {3}", function()
    tw.optim.gd(tw.ones(3), { precondition = "given", preconditioner = tw.ones(2) })
  end)
  test.raises("give the option preconditioner", function() tw.optim.gd(tw.ones(3), { precondition = "given" }):step(diagonal(w)) end)
end)

test("exact search says curvature where the model has no minimum", function()
  local p = tw.tensor { 1, 1 }
  local opt = tw.optim.gd(p, { line_search = "exact" })
  opt:step(function(q) return -q:dot(q) end)
  test.eq({ opt:info().reason, p:table() }, { "curvature", { 1, 1 } })
end)

test("BFGS leaves out pairs of negative curvature, or damps them", function()
  local function double_well(p) return (p ^ 4):sum() / 4 - 0.5 * p:dot(p) end
  for _, how in ipairs { "skip", "damp" } do
    local p = tw.tensor { 0.1, -0.05 }
    local opt = tw.optim.bfgs(p, { line_search = "none", lr = 0.1, scale = false, bad_pairs = how })
    opt:step(double_well)
    opt:step(double_well)
    test.eq(opt:state().numbers.pairs, how == "damp" and 1 or 0)
    local w = tw.linalg.eigh(opt:state().vectors.inverse)
    test.ok(w:min():item() > 0, how .. ": not positive definite")
  end
end)

test("a search's conditions must leave room, a recipe holds no tensors", function()
  test.raises("needs c1 < c2: c1 is 0.3, c2 is 0.2", function() tw.optim.bfgs(tw.zeros(2), { c1 = 0.3, c2 = 0.2 }):step(rosenbrock) end)
  test.raises("gd: a recipe is plain data and cannot hold preconditioner", function() tw.optim.gd { precondition = "given", preconditioner = tw.ones(2) } end)
  local p = tw.ones(2)
  tw.optim.newton(p, { absolute = true }):step(function(q) return q[1] ^ 2 end)
  test.eq(p:table(), { 0, 1 })
end)

test("hyperparameters follow schedules, restarts make steepest descent of conjugate gradients", function()
  local p = tw.tensor { 8 }
  local opt = tw.optim.newton(p, { lr = tw.schedule.piecewise { boundaries = { 1 }, values = { 0.5, 1 } } })
  opt:step(function(q) return q:dot(q) end)
  test.eq(p:table(), { 4 })
  opt:step(function(q) return q:dot(q) end)
  test.eq(p:table(), { 0 })
  local a, b = tw.tensor { 3, 1, -2 }, tw.tensor { 3, 1, -2 }
  local c, d = tw.optim.conjugate_gradient(a, { line_search = "exact", restart = 1 }), tw.optim.gd(b, { line_search = "exact" })
  for _ = 1, 5 do
    c:step(diagonal(tw.tensor { 1, 4, 9 }))
    d:step(diagonal(tw.tensor { 1, 4, 9 }))
    test.eq(a:table(), b:table())
  end
end)

test.close()
