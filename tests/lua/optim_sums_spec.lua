-- Finite sums: svrg and saga against formulas, a least-squares solution and plain sgd.
local test = require "spec"
local tw = require "thalweg"

local optim = tw.optim
local i64 = { dtype = "i64" }
local function same(a, b) test.eq(a:reshape(-1):table(), b:reshape(-1):table()) end

-- Least squares with noise, so that no term's gradient vanishes at the solution.
local n_terms = 20
local r = tw.rng(7)
local A = r:normal(n_terms, 3)
local b = A:matmul(tw.tensor { 1, -2, 3 }) + 0.5 * r:normal(n_terms)
local truth = tw.linalg.lstsq(A, b)
local function terms(p, i) return 0.5 * ((A[i]:matmul(p) - b[i]) ^ 2):mean() end
local function one_term(p, i) return 0.5 * (A[i]:dot(p) - b[i]) ^ 2 end

local function distance(kind, o, steps, size, f)
  local draw, p = tw.rng(3), tw.zeros(3)
  local opt = optim[kind](p, o)
  local trace = {}
  for t = 1, steps do
    local i = draw:randint(1, n_terms, size)
    opt:step(f or terms, f and i[1]:item() or i)
    if t % (steps // 4) == 0 then trace[#trace + 1] = (p - truth):norm():item() end
  end
  return trace
end

for _, case in ipairs {
  { "svrg", { lr = 0.05, n = n_terms } }, { "svrg", { lr = 0.05, n = n_terms, period = 100 } },
  { "saga", { lr = 0.05, n = n_terms } }, { "saga", { lr = 0.05, n = n_terms, start = "zeros" } },
} do
  test(tostring(optim[case[1]](case[2])) .. " converges linearly to the least-squares solution, where sgd stalls", function()
    local got, plain = distance(case[1], case[2], 2000, 1), distance("sgd", { lr = 0.05 }, 2000, 1)
    test.ok(plain[4] > 1e-2, "sgd is no worse: " .. plain[4])
    for k = 2, 3 do test.ok(got[k] < 0.1 * got[k - 1] or got[k] < 1e-13, "a quarter of the steps gained less than a digit: " .. got[k]) end
    test.near(got[4], 0, 1e-10)
  end)
end

test("whole numbers and vectors of one term are one thing to svrg and saga", function()
  for _, kind in ipairs { "svrg", "saga" } do
    local a, c = distance(kind, { lr = 0.05, n = n_terms }, 40, 1), distance(kind, { lr = 0.05, n = n_terms }, 40, 1, one_term)
    for k = 1, 4 do test.near(a[k], c[k], 1e-13) end
  end
end)

test("f given a whole number is evaluated with whole numbers at all terms", function()
  local seen, opt = {}, optim.svrg(tw.zeros(3), { n = 4 })
  opt:step(function(p, i)
    seen[#seen + 1] = i
    return one_term(p, i)
  end, 3)
  test.eq(seen, { 3, 1, 2, 3, 4 })
  for _, i in ipairs(seen) do test.eq(math.type(i), "integer") end
  test.eq(opt:info().evaluations, 5)
end)

-- The three formulas on a batch, written out.
test("a batch of terms: svrg and saga by hand", function()
  local function grad(p, i) return A[i] * (A[i]:dot(p) - b[i]) end
  local function mean(list)
    local sum = 0
    for _, x in ipairs(list) do sum = sum + x end
    return sum / #list
  end
  local batch = tw.tensor({ 2, 5, 9 }, i64)
  local p, q = tw.zeros(3), tw.zeros(3)
  local svrg, saga = optim.svrg(p, { lr = 0.1, n = n_terms }), optim.saga(q, { lr = 0.1, n = n_terms })
  local x, y = tw.zeros(3), tw.zeros(3)
  local table_, all = {}, {}
  for j = 1, n_terms do table_[j], all[j] = grad(y, j), grad(x, j) end
  local full, anchor = mean(all), x
  for _ = 1, 3 do
    svrg:step(terms, batch)
    saga:step(terms, batch)
    local g, h, old = {}, {}, {}
    for k, j in ipairs { 2, 5, 9 } do g[k], h[k] = grad(x, j), grad(anchor, j) end
    x = x - 0.1 * (mean(g) - mean(h) + full)
    local whole = mean(table_)
    for k, j in ipairs { 2, 5, 9 } do g[k], old[k] = grad(y, j), table_[j] end
    y = y - 0.1 * (mean(g) - mean(old) + whole)
    for k, j in ipairs { 2, 5, 9 } do table_[j] = g[k] end
    test.near((p - x):norm():item(), 0, 1e-14)
    test.near((q - y):norm():item(), 0, 1e-14)
  end
  test.eq(svrg:info().evaluations, 2)
  test.eq(saga:info().evaluations, 4)
end)

test("finite sums keep to boxes, clipping and frozen parameters", function()
  for _, kind in ipairs { "svrg", "saga" } do
    local p = { w = tw.zeros(3), c = tw.ones(2) }
    local opt = optim[kind](p, { lr = 0.05, n = n_terms, box_min = -0.5, box_max = 0.5, clip_global_norm = 1, freeze = { "c" } })
    for t = 1, 300 do
      opt:step(function(q, i) return terms(q.w, i) + q.c:sum() end, tw.tensor({ t * 7 % n_terms + 1 }, i64))
      test.ok(opt:info().step_norm <= 0.05 * (1 + 1e-12))
    end
    test.eq(p.c:table(), { 1, 1 })
    test.near(p.w:abs():max():item(), 0.5, 0)
  end
end)

test("svrg and a failing function: the parameters come back from the anchor", function()
  local p, calls = tw.zeros(3), 0
  local opt = optim.svrg(p, { lr = 0.1, n = n_terms })
  opt:step(terms, tw.tensor({ 1 }, i64))
  local before = p:clone()
  test.raises("at the anchor", function()
    opt:step(function(q, i)
      calls = calls + 1
      if calls == 2 then error "at the anchor" end
      return terms(q, i)
    end, tw.tensor({ 2 }, i64))
  end)
  same(p, before)
end)

test.close()
