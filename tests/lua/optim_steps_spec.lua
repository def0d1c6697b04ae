-- What every method that evaluates the function itself must keep, whatever it computes: one source of randomness per step, no trace of a step that failed,
-- state that goes on bit for bit. What each computes: optim_solve_spec.
local test = require "spec"
local tw = require "thalweg"
local core = require "thalweg.core"

local function worst(a, b) return (a - b):abs():max():item() end

-- f is smooth, not quadratic, bounded below.
local function bowl(p) return (p ^ 4):sum() / 4 + 0.5 * (p * tw.tensor { 1, 3, 9 }):dot(p) - p:sum() end
local all = {
  { "gd", {} }, { "gd", { line_search = "golden" } }, { "gd", { line_search = "hager_zhang", trial = "last" } }, { "gd", { precondition = "jacobi" } },
  { "coordinate_descent", { line_search = "strong_wolfe", order = "random" } }, { "newton", { line_search = "strong_wolfe" } },
  { "newton", { absolute = true, lr = 0.5 } },
  { "conjugate_gradient", {} }, { "conjugate_gradient", { beta = "HZ", line_search = "hager_zhang" } }, { "bfgs", {} }, { "bfgs", { bad_pairs = "damp" } },
  { "lbfgs", { line_search = "strong_wolfe", history = 3 } }, { "lbfgs", { lr = 0.5 } }, { "trust_region", { radius = 0.3 } },
  { "trust_region", { method = "dogleg", radius = 0.3 } },
}

local function start() return tw.tensor { 3, -2, 1.5 } end

test("state and load go on bit for bit, in both precisions", function()
  for _, dtype in ipairs { "f64", "f32" } do
    local function f(p) return (p ^ 4):sum() / 4 + 0.5 * (p * tw.tensor({ 1, 3, 9 }, { dtype = dtype })):dot(p) - p:sum() end
    for _, case in ipairs(all) do
      local p = start():to(dtype)
      local opt = tw.optim[case[1]](p, case[2])
      for _ = 1, 4 do opt:step(f) end
      local q = p:clone()
      local other = tw.optim[case[1]](q, case[2])
      other:load(opt:state())
      for _ = 1, 4 do
        opt:step(f)
        other:step(f)
        test.eq(q:table(), p:table(), case[1])
        test.eq(other:info(), opt:info(), case[1])
      end
      test.eq(opt.steps, 8)
    end
  end
end)

test("an error in the middle of a search leaves the parameters and the state where they were, and the optimizer usable", function()
  for _, case in ipairs(all) do
    local p, twin = start(), start()
    local opt, other = tw.optim[case[1]](p, case[2]), tw.optim[case[1]](twin, case[2])
    for _ = 1, 3 do
      opt:step(bowl)
      other:step(bowl)
    end
    for fuse = 1, 4 do
      local calls = 0
      local function fragile(q)
        calls = calls + 1
        if calls == fuse then error("the fuse has blown") end
        return bowl(q)
      end
      local before = p:table()
      local ok, message = pcall(opt.step, opt, fragile)
      if ok then -- the step needs fewer evaluations than that
        other:step(bowl)
      else
        test.ok(tostring(message):find("the fuse has blown", 1, true), tostring(message))
        test.eq(p:table(), before, case[1])
      end
      test.eq(opt.steps, other.steps)
    end
    opt:step(bowl)
    other:step(bowl)
    test.eq(p:table(), twin:table(), case[1] .. " after the error")
  end
end)

local function plain(state)
  local out = { numbers = state.numbers, steps = state.steps, updates = state.updates, vectors = {} }
  for name, v in next, state.vectors do out.vectors[name] = v:table() end
  return out
end

test("memory that runs out anywhere in a step is an error that leaves parameters, state and memory as they were", function()
  local function residuals(p) return tw.stack { p[1] - 1, p[2] * p[2] - p[3], p:sum() } end
  local cases = { table.unpack(all) }
  cases[#cases + 1] = { "gauss_newton", { line_search = "strong_wolfe" }, residuals }
  cases[#cases + 1] = { "levenberg_marquardt", {}, residuals }
  for _, case in ipairs(cases) do
    local f, p = case[3] or bowl, start()
    local opt = tw.optim[case[1]](p, case[2])
    for _ = 1, 3 do opt:step(f) end
    local before, state = p:table(), plain(opt:state())
    local n, failures = 1, 0
    while true do
      core.fail_allocation(n)
      local ok, message = pcall(opt.step, opt, f)
      core.fail_allocation(0)
      if ok then break end
      failures = failures + 1
      local what = case[1] .. ", allocation " .. n
      test.ok(tostring(message):find("out of memory", 1, true), what .. ": " .. tostring(message))
      test.eq(p:table(), before, what)
      test.eq(plain(opt:state()), state, what)
      message = nil
      n = n + 1
    end
    test.ok(failures > 0, case[1] .. ": nothing failed")
    test.eq(opt.steps, 4)
  end
end)

test("a loss that is NaN or infinite at a trial point makes the step shorter", function()
  local function barrier(p) return (p - p:log() * 1e-2):sum() end -- NaN below 0, minimum at .01
  for _, case in ipairs {
    { "gd", { lr = 50 } }, { "gd", { lr = 50, line_search = "golden" } }, { "gd", { lr = 50, line_search = "strong_wolfe" } },
    { "gd", { lr = 50, line_search = "hager_zhang" } }, { "bfgs", { lr = 50 } }, { "lbfgs", { lr = 50, line_search = "strong_wolfe" } },
    { "newton", { line_search = "backtracking" } }, { "conjugate_gradient", { lr = 100 } }, { "trust_region", { radius = 100 } },
    { "trust_region", { radius = 100, method = "dogleg" } },
  } do
    local p = tw.tensor { 1, 0.5 }
    local opt, last = tw.optim[case[1]](p, case[2]), math.huge
    for _ = 1, 60 do
      local loss = opt:step(barrier):item()
      test.ok(loss <= last, case[1] .. ": the loss went up")
      last = loss
    end
    test.near(worst(p, tw.tensor { .01, .01 }), 0, case[1] == "gd" and 1e-2 or 1e-5, case[1])
  end
  local p = tw.tensor { -1 }
  local opt = tw.optim.gd(p)
  opt:step(function(q) return q:log():sum() end)
  test.eq({ opt:info().reason, p:table() }, { "loss or gradient not finite", { -1 } })
end)

test("all evaluations of one step see the same random numbers, the next step others", function()
  for _, case in ipairs(all) do
    local r, seen, p = tw.rng(7), {}, start()
    local opt = tw.optim[case[1]](p, case[2])
    local function noisy(q)
      local e = r:normal(3)
      seen[#seen + 1] = table.concat(e:table(), " ")
      return bowl(q) + 0.1 * e:dot(q)
    end
    local last
    for _ = 1, 3 do
      seen = {}
      opt:step(noisy)
      for i = 2, #seen do test.eq(seen[i], seen[1], case[1]) end
      test.ok(seen[1] ~= last, case[1] .. ": a new step draws anew")
      last = seen[1]
    end
  end
end)

test("a step returns what the first evaluation, at the present parameters, returned", function()
  for _, case in ipairs(all) do
    local p, n = start(), 0
    local opt = tw.optim[case[1]](p, case[2])
    local want = bowl(p):item()
    local loss, index, seen = opt:step(function(q)
      n = n + 1
      return bowl(q), n, q * 1
    end)
    test.eq({ loss:item(), index, seen:table() }, { want, 1, { 3, -2, 1.5 } }, case[1])
    test.near(opt:info().grad_norm, tw.grad(bowl)(start()):norm():item(), 1e-12)
    test.ok(opt:info().evaluations >= 1)
    test.near(opt:info().step_norm, (p - start()):norm():item(), 1e-14)
  end
end)

test("at a minimum the reason is the gradient and nothing moves", function()
  for _, case in ipairs(all) do
    local p = tw.tensor { 1e-9, -1e-9, 0 }
    local o = { tol_grad = 1e-6 }
    for k, v in next, case[2] do o[k] = v end
    local opt = tw.optim[case[1]](p, o)
    for _ = 1, 2 do opt:step(function(q) return q:dot(q) end) end
    test.eq({ opt:info().reason, p:table(), opt:info().step_norm }, { "gradient", { 1e-9, -1e-9, 0 }, 0.0 }, case[1])
  end
end)

test("groups are refused, freezing works, mixed dtypes and unknown searches are errors", function()
  for _, case in ipairs(all) do
    local p = { a = start(), b = tw.tensor { 5 } }
    test.raises(case[1] .. ": groups cannot be", function() tw.optim[case[1]](p, { groups = { { path = "a", lr = 1 } } }) end)
    local o = { freeze = { "^b$" } }
    for k, v in next, case[2] do o[k] = v end
    local opt = tw.optim[case[1]](p, o)
    local function f(q) return bowl(q.a) + (q.b * q.a[1]):sum() end
    local first = opt:step(f):item()
    for _ = 1, 5 do opt:step(f) end
    test.eq(p.b:table(), { 5 }, case[1])
    test.ok(f(p):item() < first, case[1])
  end
  test.raises("the parameters must be of one dtype", function()
    tw.optim.bfgs({ tw.ones(1), tw.ones(1, { dtype = "f32" }) }):step(function(q) return q[1]:sum() + q[2]:sum():to("f64") end)
  end)
  test.raises("must be one of none, exact, backtracking, golden, strong_wolfe, hager_zhang", function() tw.optim.gd(start(), { line_search = "wolfe" }) end)
end)

test.close()
