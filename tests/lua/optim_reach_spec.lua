-- The problems of ensmallen's suite: which methods reach which optima, in both precisions; and the strong Wolfe conditions on the way.
local test = require "spec"
local tw = require "thalweg"

local function rosenbrock(p)
  local n = p.size
  local a, b = p:narrow(1, 1, n - 1), p:narrow(1, 2, n - 1)
  return (100 * (b - a ^ 2) ^ 2 + (1 - a) ^ 2):sum()
end
local function worst(a, b) return (a - b):abs():max():item() end

-- Each: start, optimum, value there, function. Himmelblau's optima all have the value 0; McCormick's function has no lower bound
-- outside its domain, where the suite's start (-2, 4) lies: methods with long first steps start inside.
local function wood(p)
  local a, b, c, d = p[1], p[2], p[3], p[4]
  return 100 * (b - a ^ 2) ^ 2 + (1 - a) ^ 2 + 90 * (d - c ^ 2) ^ 2 + (1 - c) ^ 2 + 10.1 * ((b - 1) ^ 2 + (d - 1) ^ 2) + 19.8 * (b - 1) * (d - 1)
end
local problems = {
  rosenbrock = { { -1.2, 1 }, { 1, 1 }, 0, rosenbrock },
  beale = { { 2.8, .35 }, { 3, .5 }, 0, function(p)
    local x, y = p[1], p[2]
    return (1.5 - x + x * y) ^ 2 + (2.25 - x + x * y ^ 2) ^ 2 + (2.625 - x + x * y ^ 3) ^ 2
  end },
  booth = { { -9, -9 }, { 1, 3 }, 0, function(p) return (p[1] + 2 * p[2] - 7) ^ 2 + (2 * p[1] + p[2] - 5) ^ 2 end },
  himmelblau = { { 5, -5 }, { 3, 2 }, 0, function(p) return (p[1] ^ 2 + p[2] - 11) ^ 2 + (p[1] + p[2] ^ 2 - 7) ^ 2 end,
    { { 3, 2 }, { -2.805118, 3.131312 }, { -3.779310, -3.283186 }, { 3.584428, -1.848127 } } },
  matyas = { { -3, 3 }, { 0, 0 }, 0, function(p) return 0.26 * (p[1] ^ 2 + p[2] ^ 2) - 0.48 * p[1] * p[2] end },
  three_hump_camel = { { 1, 1 }, { 0, 0 }, 0, function(p) return 2 * p[1] ^ 2 - 1.05 * p[1] ^ 4 + p[1] ^ 6 / 6 + p[1] * p[2] + p[2] ^ 2 end },
  colville = { { -5, 3, 1, -9 }, { 1, 1, 1, 1 }, 0, wood },
  wood = { { -3, -1, -3, -1 }, { 1, 1, 1, 1 }, 0, wood },
  mccormick = { { 0, 0 }, { -.54719755, -1.54719755 }, -1.9132229549810367, function(p)
    return (p[1] + p[2]):sin() + (p[1] - p[2]) ^ 2 - 1.5 * p[1] + 2.5 * p[2] + 1
  end },
  goldstein_price = { { .2, -.5 }, { 0, -1 }, 3, function(p)
    local x, y = p[1], p[2]
    return (1 + (x + y + 1) ^ 2 * (19 - 14 * x + 3 * x ^ 2 - 14 * y + 6 * x * y + 3 * y ^ 2))
      * (30 + (2 * x - 3 * y) ^ 2 * (18 - 32 * x + 12 * x ^ 2 + 48 * y - 36 * x * y + 27 * y ^ 2))
  end },
  styblinski_tang = { { -3.5, -2 }, { -2.903534, -2.903534 }, -78.33233140754282, function(p) return (p ^ 4 - 16 * p ^ 2 + 5 * p):sum() / 2 end },
}
local names = {}
for name in next, problems do names[#names + 1] = name end
table.sort(names)

local mccormick_starts = { gd = { -2, 4 }, newton = { -2, 4 }, trust_region = { -2, 4 } }

local function reach(kind, o, name, most, dtype)
  local start, best, value, f, others = table.unpack(problems[name])
  if name == "mccormick" then start = o.method and start or mccormick_starts[kind] or start end
  local p = tw.tensor(start, { dtype = dtype })
  local options = { tol_grad = 0 }
  for k, v in next, o do options[k] = v end
  local opt = tw.optim[kind](p, options)
  local objective, coordinate = dtype == "f32" and 1e-4 or 1e-8, dtype == "f32" and 1e-2 or 1e-4
  local function near()
    if math.abs(f(p):item() - value) > objective * math.max(1, math.abs(value)) then return false end
    for _, x in ipairs(others or { best }) do
      if worst(p, tw.tensor(x, { dtype = dtype })) <= coordinate then return true end
    end
  end
  local failed = false
  for n = 1, most do
    opt:step(f)
    if near() then return n end
    local reason = opt:info().reason
    if reason ~= "" and (reason ~= "line search failed" or failed) then break end -- a search that fails once starts again from -g
    failed = reason ~= ""
  end
  error(string.format("%s does not reach the optimum of %s: f %.3g, reason %q, p %s", kind, name, f(p):item(), opt:info().reason, tostring(p)))
end

-- Conjugate gradients in the forms FR and DY are not here: on colville and wood they are still at f of .002 to .03 after 500 steps.
local reaching = {
  { "conjugate_gradient", {}, 500 }, { "conjugate_gradient", { beta = "HS" }, 500 },
  { "conjugate_gradient", { beta = "HZ", line_search = "hager_zhang", c2 = 0.9 }, 500 },
  { "newton", { line_search = "backtracking", absolute = true }, 100 }, { "trust_region", {}, 200 }, { "trust_region", { method = "dogleg" }, 200 },
  { "bfgs", {}, 200 }, { "bfgs", { bad_pairs = "damp", line_search = "backtracking" }, 200 },
  { "bfgs", { line_search = "golden", max_evaluations = 100 }, 200 },
  { "lbfgs", { line_search = "strong_wolfe", tol_step = 0, tol_function = 0 }, 200 },
  { "lbfgs", { line_search = "hager_zhang", history = 5, tol_step = 0, tol_function = 0 }, 200 }, { "gd", { line_search = "strong_wolfe" }, 6000 },
}
for _, case in ipairs(reaching) do
  local kind, o, most = table.unpack(case)
  local text = {}
  for k, v in next, o do if k ~= "tol_step" and k ~= "tol_function" then text[#text + 1] = k .. " = " .. tostring(v) end end
  table.sort(text)
  test(kind .. " reaches the optima of the suite {" .. table.concat(text, ", ") .. "}", function()
    for _, name in ipairs(names) do reach(kind, o, name, most) end
  end)
end

test("the searching methods reach the optima in f32 too", function()
  for _, case in ipairs(reaching) do
    for _, name in ipairs(names) do
      local stalls = name == "wood" and case[1] == "lbfgs" and not case[2].history
      if not stalls then reach(case[1], case[2], name, case[3], "f32") end
    end
  end
end)

-- Wood's function is stationary but not least near (-1, 1, -1, 1), f about 7.877; lbfgs runs into it in f32, where f shows no slope any more.
test("a step that f cannot show to go down is not taken, and says so", function()
  local p = tw.tensor({ -3, -1, -3, -1 }, { dtype = "f32" })
  local opt, n = tw.optim.lbfgs(p, { line_search = "strong_wolfe", tol_grad = 0, tol_step = 0, tol_function = 0 }), 0
  repeat
    opt:step(wood)
    n = n + 1
    test.ok(opt:info().step_norm > 0 or opt:info().reason ~= "", "step " .. n .. " stands still in silence")
  until opt:info().reason == "function" or n == 200
  test.eq({ opt:info().reason, opt:info().step_norm }, { "function", 0.0 })
end)

test("lbfgs solves the generalized Rosenbrock function to 128 dimensions", function()
  for _, n in ipairs { 4, 8, 16, 32, 64, 128 } do
    local values = {}
    for i = 1, n do values[i] = i % 2 == 1 and -1.2 or 1 end
    local p = tw.tensor(values)
    local opt = tw.optim.lbfgs(p, { history = 20, line_search = "strong_wolfe", tol_step = 0, tol_function = 0, tol_grad = 1e-6 })
    local k = 0
    repeat
      opt:step(rosenbrock)
      k = k + 1
    until opt:info().reason ~= "" or k == 2000
    test.eq(opt:info().reason, "gradient")
    test.near(rosenbrock(p):item(), 0, 1e-8, n .. " dimensions")
    test.near(worst(p, tw.ones(n)), 0, 1e-4, n .. " dimensions")
  end
end)

test("strong Wolfe holds at every step that is taken", function()
  for _, case in ipairs { { "gd", 0.9 }, { "conjugate_gradient", 0.1 }, { "bfgs", 0.9 }, { "lbfgs", 0.9 }, { "lbfgs", 0.2 } } do
    for _, name in ipairs { "rosenbrock", "beale", "wood", "himmelblau", "goldstein_price" } do
      local start, _, _, f = table.unpack(problems[name])
      local p = tw.tensor(start)
      local opt = tw.optim[case[1]](p, { line_search = "strong_wolfe", c2 = case[2], tol_grad = 1e-5 })
      for k = 1, 15 do
        local before = p:clone()
        local f0 = opt:step(f):item()
        if opt:info().reason ~= "" then break end
        local s, g0 = p - before, opt:grads()
        local f1, g1 = f(p):item(), tw.grad(f)(p)
        local slope0, slope1 = g0:dot(s):item(), g1:dot(s):item()
        local what = case[1] .. ", " .. name .. ", step " .. k
        test.ok(slope0 < 0, what)
        test.ok(f1 <= f0 + 1e-4 * slope0 + 1e-12 * math.abs(f0), what .. ": decrease")
        test.ok(math.abs(slope1) <= -case[2] * slope0 * (1 + 1e-9), what .. ": curvature")
      end
    end
  end
end)

test.close()
