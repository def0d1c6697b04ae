-- Least squares: Gauss-Newton and Levenberg-Marquardt, whose function returns residuals. Held against normal equations, a fit by NumPy
-- (tests/golden/make_optim_solve.py) and Newton.
local test = require "spec"
local tw = require "thalweg"
local golden = require "golden.optim_solve"

local function worst(a, b) return (a - b):abs():max():item() end

local a, b = tw.tensor { { 1, 2 }, { 3, -1 }, { 0, 4 }, { 2, 2 } }, tw.tensor { 1, -2, 3, 0.5 }
local function linear(p) return a:matmul(p) - b end
local function normal() return tw.linalg.solve(a:t():matmul(a), a:t():matmul(b)) end

test("a linear problem takes one step: the normal equations, as lambda goes to 0", function()
  local p = tw.tensor { 5, -7 }
  tw.optim.gauss_newton(p):step(linear)
  test.near(worst(p, normal()), 0, 1e-13)
  for _, scaling in ipairs { "jacobian", "identity" } do
    local last = math.huge
    for _, lambda in ipairs { 1, 1e-3, 1e-6, 1e-9, 0 } do
      local q = tw.tensor { 5, -7 }
      tw.optim.levenberg_marquardt(q, { lambda = lambda, scaling = scaling }):step(linear)
      local gap = worst(q, normal())
      test.ok(gap < last, scaling .. ": lambda " .. lambda)
      last = gap
    end
    test.near(last, 0, 1e-12)
  end
end)

test("a step of Levenberg-Marquardt solves (J'J + lambda D) d = -J'r", function()
  for _, scaling in ipairs { "jacobian", "identity" } do
    local p = tw.tensor { 5, -7 }
    local jj, r = a:t():matmul(a), linear(p)
    local d = tw.diag(jj)
    if scaling == "identity" then d = tw.ones(2) * d:max() end
    local want = p - tw.linalg.solve(jj + tw.diag(0.25 * d), a:t():matmul(r))
    local opt = tw.optim.levenberg_marquardt(p, { lambda = 0.25, scaling = scaling })
    opt:step(linear)
    test.near(worst(p, want), 0, 1e-13)
    test.near(opt:info().grad_norm, a:t():matmul(r):norm():item(), 1e-12)
  end
end)

local t, y = tw.tensor(golden.curve.t), tw.tensor(golden.curve.y)
local function curve(p) return p[1] * (p[2] * t):exp() + p[3] - y end

for _, case in ipairs {
  { "levenberg_marquardt", {} }, { "levenberg_marquardt", { rule = "marquardt" } }, { "levenberg_marquardt", { scaling = "identity", lambda = 1 } },
  { "gauss_newton", {} }, { "gauss_newton", { line_search = "strong_wolfe" } }, { "gauss_newton", { line_search = "backtracking" } },
} do
  test(case[1] .. " fits the curve y = a exp(b t) + c, " .. (case[2].rule or case[2].scaling or case[2].line_search or "by default"), function()
    local p, o = tw.tensor { 1.5, -1, 0.3 }, { tol_grad = 1e-12 }
    for k, v in next, case[2] do o[k] = v end
    local opt, n, loss = tw.optim[case[1]](p, o), 0, nil
    repeat
      local r = opt:step(curve)
      loss, n = r:item(), n + 1
    until opt:info().reason ~= "" or n == 100
    test.ok(opt:info().reason == "gradient" or opt:info().reason == "function", opt:info().reason)
    test.near(worst(p, tw.tensor(golden.curve.params)), 0, 1e-7)
    test.near(loss, golden.curve.loss, 1e-14)
  end)
end

test("a far start: steps that would raise the loss are not taken, lambda grows instead", function()
  local p = tw.tensor { 1, 0.5, 1 }
  local opt, last = tw.optim.levenberg_marquardt(p, { lambda = 1e-8 }), math.huge
  local grew
  for _ = 1, 40 do
    local lambda = opt:state().numbers.lambda
    local loss = opt:step(curve):item()
    grew = grew or opt:info().evaluations > 2 and lambda > 0
    test.ok(loss <= last)
    last = loss
  end
  test.ok(grew, "no step was ever tried again")
  test.near(worst(p, tw.tensor(golden.curve.params)), 0, 1e-7)
end)

test("lambda follows Nielsen's and Marquardt's rules", function()
  local p = tw.tensor { 5, -7 }
  local opt = tw.optim.levenberg_marquardt(p, { lambda = 0.3, scaling = "jacobian" })
  opt:step(linear) -- the model is exact: ratio 1, so lambda falls to a third
  test.near(opt:state().numbers.lambda, 0.1, 1e-15)
  local q = tw.tensor { 5, -7 }
  local other = tw.optim.levenberg_marquardt(q, { lambda = 0.3, rule = "marquardt", factor = 4 })
  other:step(linear)
  test.near(other:state().numbers.lambda, 0.075, 1e-15)
  -- where the model is not exact: the ratio by hand
  local x, between = tw.tensor { 1, 0.5, 1 }, false
  local third = tw.optim.levenberg_marquardt(x, { lambda = 0.5, scaling = "jacobian" })
  for _ = 1, 6 do
    local before, lambda = x:clone(), third.steps == 0 and 0.5 or third:state().numbers.lambda
    local f0 = third:step(curve):item()
    local j, r1 = tw.jacobian(curve)(before), curve(x)
    local d, damped = x - before, lambda * tw.diag(j:t():matmul(j))
    local ratio = (f0 - 0.5 * r1:dot(r1):item()) / (0.5 * d:dot(damped * d - j:t():matmul(curve(before))):item())
    local factor = 1 - (2 * ratio - 1) ^ 3
    between = between or factor > 0.4 and math.abs(ratio - 0.5) > 0.1
    if third:info().evaluations > 2 then break end -- lambda has grown on the way: it is not the one before
    test.near(third:state().numbers.lambda, lambda * math.max(1 / 3, factor), 1e-9)
  end
  test.ok(between, "the model was never so wrong that the formula matters")
end)

local all = {
  { "gauss_newton", { lr = 0.7 } }, { "gauss_newton", { line_search = "strong_wolfe" } },
  { "levenberg_marquardt", {} }, { "levenberg_marquardt", { rule = "marquardt" } },
}

test("rows may be fewer than parameters, a parameter may be unseen", function()
  for _, case in ipairs(all) do
    local p = tw.tensor { 1, 2, 3 }
    local opt = tw.optim[case[1]](p, case[2])
    for _ = 1, 60 do opt:step(function(q) return tw.stack { q[1] * q[2] - 6 } end) end
    test.near((p[1] * p[2]):item(), 6, 1e-6)
    test.eq(p[3]:item(), 3)
  end
end)

test("the step returns the loss r'r / 2 and what else the function returned; trees, freezing and f32 work", function()
  for _, case in ipairs(all) do
    for _, dtype in ipairs { "f64", "f32" } do
      local p = { a = tw.tensor({ 5 }, { dtype = dtype }), b = tw.tensor({ -7, 4 }, { dtype = dtype }) }
      local o = { freeze = { "^a$" } }
      for k, v in next, case[2] do o[k] = v end
      local opt = tw.optim[case[1]](p, o)
      local function f(q) return tw.cat({ q.b - 1, q.b * q.b - q.a[1] }, 1), "note", q.b end
      local before = (f(p))
      local loss, note, seen = opt:step(f)
      test.near(loss:item(), 0.5 * before:dot(before):item(), 1e-4)
      test.eq({ note, seen:table(), p.a:table() }, { "note", { -7, 4 }, { 5 } })
      for _ = 1, 5 do opt:step(f) end
      test.ok((f(p)):norm():item() < before:norm():item())
      test.raises("works from residuals", function() opt:grads() end)
    end
  end
  test.raises("must return the residuals, a vector", function()
    tw.optim.gauss_newton(tw.ones(2)):step(function(p) return p:reshape(2, 1) end)
  end)
  test.raises('line_search is "exact"', function() tw.optim.gauss_newton(tw.ones(2), { line_search = "exact" }):step(linear) end)
  test.raises("gauss_newton: groups cannot be", function() tw.optim.gauss_newton({ x = tw.ones(2) }, { groups = { { path = "x" } } }) end)
end)

test("residuals and their Jacobian see the same random numbers, in every evaluation of a step", function()
  for _, case in ipairs(all) do
    local r, p, seen = tw.rng(3), tw.tensor { 1.5, -1, 0.3 }, {}
    local opt = tw.optim[case[1]](p, case[2])
    local last
    for _ = 1, 3 do
      seen = {}
      opt:step(function(q)
        local e = r:normal(12)
        seen[#seen + 1] = table.concat(e:table(), " ")
        return curve(q) + 0.01 * e
      end)
      test.ok(#seen > 1)
      for i = 2, #seen do test.eq(seen[i], seen[1], case[1]) end
      test.ok(seen[1] ~= last)
      last = seen[1]
    end
  end
end)

test("an error half-way leaves parameters and state, and a saved state goes on bit for bit", function()
  for _, case in ipairs(all) do
    local p, twin = tw.tensor { 1.5, -1, 0.3 }, tw.tensor { 1.5, -1, 0.3 }
    local opt, other = tw.optim[case[1]](p, case[2]), tw.optim[case[1]](twin, case[2])
    for fuse = 1, 12 do
      local calls, before = 0, p:table()
      local ok = pcall(opt.step, opt, function(q)
        calls = calls + 1
        if calls == fuse then error("blown") end
        return curve(q)
      end)
      if ok then other:step(curve) else test.eq(p:table(), before) end
    end
    opt:step(curve)
    other:step(curve)
    test.eq(p:table(), twin:table(), case[1])
    local third = p:clone()
    local resumed = tw.optim[case[1]](third, case[2])
    resumed:load(opt:state())
    for _ = 1, 3 do
      opt:step(curve)
      resumed:step(curve)
    end
    test.eq(third:table(), p:table(), case[1])
  end
end)

test("residuals that are not finite at a trial point are backed away from", function()
  local function f(p) return p:log() - 1 end -- NaN below 0; the zero is at e
  for _, case in ipairs { { "levenberg_marquardt", { lambda = 0 } }, { "gauss_newton", { line_search = "backtracking" } } } do
    local p = tw.tensor { 12, 0.5 } -- a full step from 12 lands below 0
    local opt = tw.optim[case[1]](p, case[2])
    for _ = 1, 50 do opt:step(f) end
    test.near(worst(p, tw.ones(2) * tw.exp(1)), 0, 1e-7, case[1])
  end
end)

test.close()
