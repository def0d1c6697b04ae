-- First-order optimizers against formulas written out in plain numbers: the kinds PyTorch lacks, and the conventions of other libraries. Single steps from
-- the formula's own state within 4 ulp, free runs of 1000 steps within what one ulp at the start does (optim_problems.lua).
-- builds: release (the sanitized build takes a minute; its kernels run in optim_around_spec.lua and optim_golden_spec.lua)
local problems = require "optim_problems"
local test = require "spec"
local tw = require "thalweg"

local sqrt, abs, max, min = math.sqrt, math.abs, math.max, math.min
local function sign(v) return v > 0 and 1 or v < 0 and -1 or 0 end

-- Each: kind, options, and f(p, g, s, t): the new p; s is the element's state, under the names of the engine's slots.
local formulas = {}
local function add(kind, options, f) formulas[#formulas + 1] = { kind = kind, options = options, f = f } end

local function moments(s, g, b1, b2)
  s.m = b1 * (s.m or 0) + (1 - b1) * g
  s.v = b2 * (s.v or 0) + (1 - b2) * g * g
end

local function yogi(lr, eps, start, corrected)
  return function(p, g, s, t)
    local m, v = s.m or start, s.v or start
    s.m = .9 * m + (1 - .9) * g
    s.v = v - (1 - .999) * sign(v - g * g) * (g * g)
    local c1, c2 = 1, 1
    if corrected then c1, c2 = 1 - .9 ^ t, 1 - .999 ^ t end
    return p - lr * (s.m / c1) / (sqrt(s.v / c2) + eps)
  end
end
add("yogi", { lr = .01 }, yogi(.01, 1e-3, 0, false))
add("yogi", { lr = .01, convention = "d2l" }, yogi(.01, 1e-3, 0, true))
add("yogi", { lr = .01, convention = "optax" }, yogi(.01, 1e-3, 1e-6, true))
add("yogi", { lr = .002, convention = "ensmallen", eps = 1e-2 }, yogi(.002, 1e-2, 0, false))

local function belief(lr, eps, root, old, top)
  return function(p, g, s, t)
    local before = s.m or 0
    s.m = .9 * before + (1 - .9) * g
    local e = g - (old and before or s.m)
    s.v = .999 * (s.v or 0) + (1 - .999) * e * e + root
    local v = s.v
    if top then
      s.v_max = max(s.v_max or 0, v)
      v = s.v_max
    end
    return p - lr * (s.m / (1 - .9 ^ t)) / (sqrt(v / (1 - .999 ^ t)) + eps)
  end
end
add("adabelief", { lr = 1e-3, eps = 1e-2 }, belief(1e-3, 1e-2, 1e-16))
add("adabelief", { lr = 1e-3 }, belief(1e-3, 1e-16, 1e-16))
add("adabelief", { lr = 1e-3, eps = 1e-8, eps_root = 1e-8, amsgrad = true }, belief(1e-3, 1e-8, 1e-8, false, true))
add("adabelief", { lr = 1e-3, convention = "optax", eps = 1e-2 }, belief(1e-3, 1e-2, 1e-16, true))

add("lion", { lr = 1e-3 }, function(p, g, s)
  local c = .9 * (s.m or 0) + (1 - .9) * g
  s.m = .99 * (s.m or 0) + (1 - .99) * g
  return p - 1e-3 * sign(c)
end)
add("lion", { lr = 2e-3, beta1 = .8, beta2 = .95, weight_decay = .1 }, function(p, g, s)
  local c = .8 * (s.m or 0) + (1 - .8) * g
  s.m = .95 * (s.m or 0) + (1 - .95) * g
  return p - 2e-3 * (sign(c) + .1 * p)
end)

local function qhm(lr, beta, nu, decay)
  return function(p, g, s)
    g = g + decay * p
    s.average = beta * (s.average or 0) + (1 - beta) * g
    return p - lr * ((1 - nu) * g + nu * s.average)
  end
end
add("qhm", { lr = 1e-3 }, qhm(1e-3, .999, .7, 0))
add("qhm", { lr = 2e-3, momentum = .9, nu = .5, weight_decay = .01 }, qhm(2e-3, .9, .5, .01))

local function qhadam(lr, b1, b2, nu1, nu2, eps)
  return function(p, g, s, t)
    moments(s, g, b1, b2)
    local m, v = s.m / (1 - b1 ^ t), s.v / (1 - b2 ^ t)
    return p - lr * ((1 - nu1) * g + nu1 * m) / (sqrt((1 - nu2) * g * g + nu2 * v) + eps)
  end
end
add("qhadam", { lr = 2e-3, eps = 1e-3 }, qhadam(2e-3, .995, .999, .7, 1, 1e-3))
add("qhadam", { lr = 1e-3, beta1 = .9, beta2 = .99, nu1 = .6, nu2 = .8, eps = 1e-2 }, qhadam(1e-3, .9, .99, .6, .8, 1e-2))

add("signsgd", { lr = 1e-3 }, function(p, g) return p - 1e-3 * sign(g) end)
add("signum", { lr = 1e-3, momentum = .8, weight_decay = .02 }, function(p, g, s)
  s.average = .8 * (s.average or 0) + (1 - .8) * (g + .02 * p)
  return p - 1e-3 * sign(s.average)
end)

add("adagrad", { convention = "keras", lr = .1, weight_decay = .1 }, function(p, g, s)
  s.sum = (s.sum or .1) + g * g
  return p * (1 - .1 * .1) - .1 * g / sqrt(s.sum + 1e-7)
end)
add("adagrad", { convention = "d2l", lr = .2 }, function(p, g, s)
  s.sum = (s.sum or 0) + g * g
  return p - .2 * g / sqrt(s.sum + 1e-6)
end)

add("adadelta", { eps_at = "outside", lr = .02, eps = 1e-3 }, function(p, g, s)
  s.v = .9 * (s.v or 0) + (1 - .9) * g * g
  local d = (sqrt(s.u or 0) + 1e-3) / (sqrt(s.v) + 1e-3) * g
  s.u = .9 * (s.u or 0) + (1 - .9) * d * d
  return p - .02 * d
end)

local rate = 1e-3 * tw.schedule.inverse_power { alpha = .5, beta = .1 }
local function rms(o)
  return function(p, g, s, t)
    local lr = type(o.lr) == "number" and o.lr or o.lr(t - 1)
    s.v = o.alpha * (s.v or o.start or 0) + (1 - o.alpha) * g * g
    local v = s.v
    if o.centered then
      s.mean = o.alpha * (s.mean or 0) + (1 - o.alpha) * g
      v = v - s.mean * s.mean
    end
    local d = o.inside and g / sqrt(v + o.eps) or g / (sqrt(v) + o.eps)
    local entering = o.velocity and lr * d or d
    s.velocity = o.momentum * (s.velocity or 0) + entering
    local direction = o.nesterov and o.momentum * s.velocity + entering or s.velocity
    return o.velocity and p - direction or p - lr * direction
  end
end
add("rmsprop", { convention = "keras", lr = rate, momentum = .5, eps = 1e-2 },
  rms { lr = rate, alpha = .9, eps = 1e-2, inside = true, momentum = .5, velocity = true })
add("rmsprop", { lr = rate, momentum = .5, nesterov = true, eps = 1e-2, initial_accumulator_value = 1 },
  rms { lr = rate, alpha = .99, eps = 1e-2, momentum = .5, nesterov = true, start = 1 })
add("rmsprop", { convention = "optax", lr = rate, momentum = .3, nesterov = true, centered = true, eps = 1e-2 },
  rms { lr = rate, alpha = .9, eps = 1e-2, inside = true, momentum = .3, velocity = true, nesterov = true, centered = true })
add("rmsprop", { convention = "d2l", lr = 1e-3, eps = 1e-2 }, rms { lr = 1e-3, alpha = .9, eps = 1e-2, inside = true, momentum = 0 })

add("adamax", { convention = "keras", lr = 2e-3, eps = 1e-3 }, function(p, g, s, t)
  s.m = .9 * (s.m or 0) + (1 - .9) * g
  s.u = max(.999 * (s.u or 0), abs(g))
  return p - 2e-3 / (1 - .9 ^ t) * s.m / (s.u + 1e-3)
end)

local function nadam(o)
  return function(p, g, s, t)
    local function mu(k) return o.constant and .9 or .9 * (1 - .5 * .96 ^ (k * o.psi)) end
    s.mu_product = (s.mu_product or 1) * mu(t)
    moments(s, g, .9, .999)
    local c2 = 1 - .999 ^ t
    local d = (1 - mu(t)) / (1 - s.mu_product) * g + mu(t + 1) / (1 - s.mu_product * mu(t + 1)) * s.m
    if o.hat then return p - o.lr * d * sqrt(c2) / (sqrt(s.v) + o.eps) end
    return p - o.lr * d / (sqrt(s.v / c2) + o.eps)
  end
end
add("nadam", { convention = "keras", lr = 1e-3, eps = 1e-3 }, nadam { lr = 1e-3, psi = 1, eps = 1e-3 })
add("nadam", { convention = "ensmallen", lr = 1e-3, eps = 1e-3 }, nadam { lr = 1e-3, psi = 4e-3, eps = 1e-3, hat = true })
add("nadam", { convention = "optax", lr = 1e-3, eps = 1e-3 }, nadam { lr = 1e-3, constant = true, eps = 1e-3 })

-- With beta2 = .8 the average's length goes from 1 to 9; rho_5 and the threshold are one number, to the last bit, where "from" adapts and "above" does not.
local function length(t) return 2 / (1 - .8) - 1 - 2 * t * .8 ^ t / (1 - .8 ^ t) end
local function radam(lr, eps, from)
  return function(p, g, s, t)
    moments(s, g, .9, .8)
    local top, rho, m = 2 / (1 - .8) - 1, length(t), s.m / (1 - .9 ^ t)
    if not (from and rho >= length(8) or rho > length(8)) then return p - lr * m end
    local r = sqrt((rho - 4) * (rho - 2) * top / ((top - 4) * (top - 2) * rho))
    return p - lr * r * m / (sqrt(s.v / (1 - .8 ^ t)) + eps)
  end
end
add("radam", { convention = "optax", lr = 5e-4, beta2 = .8, eps = 1e-2, threshold = length(8) }, radam(5e-4, 1e-2, true))
add("radam", { convention = "optax", lr = 5e-4, beta2 = .8, eps = 1e-2, threshold = length(8), rectify = "above" }, radam(5e-4, 1e-2, false))

local function rprop(form)
  return function(p, g, s)
    local previous, last = s.previous or 0, s.step or .05
    local q = g * previous
    s.step = min(max(last * (q > 0 and 1.2 or q < 0 and .5 or 1), 1e-6), 50)
    if q < 0 and form == "plus" then p = p + sign(previous) * last end
    if q < 0 and form ~= "minus" then g = 0 end
    s.previous = g
    return p - sign(g) * s.step
  end
end
add("rprop", { lr = .05 }, rprop "irprop")
add("rprop", { lr = .05, form = "rprop_minus" }, rprop "minus")
add("rprop", { lr = .05, form = "rprop_plus" }, rprop "plus")

local function adam(o)
  return function(p, g, s, t)
    local b1, b2 = o.b1 or .9, o.b2 or .999
    local c1, c2 = 1 - b1 ^ t, 1 - b2 ^ t
    if o.correction == "none" then c1, c2 = 1, 1 elseif o.correction == "constant" then c1, c2 = 1 - b1, 1 - b2 end
    if o.keep then p = o.keep * p end
    moments(s, g, b1, b2)
    if o.back then
      s.m, s.v = s.m / c1, s.v / c2
      c1, c2 = 1, 1
    end
    local v = s.v
    if o.top then
      s.v_max = max(s.v_max or 0, v / c2)
      v = s.v_max * c2
    end
    if o.at == "hat" then return p - o.lr * sqrt(c2) / c1 * s.m / (sqrt(v + (o.root or 0)) + o.eps) end
    if o.at == "inside" then return p - o.lr / c1 * s.m / sqrt(v / c2 + o.eps) end
    return p - o.lr / c1 * s.m / (sqrt(v / c2 + (o.root or 0)) + o.eps)
  end
end
add("adam", { convention = "keras", lr = 1e-3, eps = 1e-2 }, adam { lr = 1e-3, eps = 1e-2, at = "hat" })
add("adam", { lr = 1e-3, eps = 1e-3, eps_at = "inside" }, adam { lr = 1e-3, eps = 1e-3, at = "inside" })
add("adam", { lr = 1e-3, eps_root = 1e-3, eps = 1e-4 }, adam { lr = 1e-3, eps = 1e-4, root = 1e-3 })
add("adam", { lr = 1e-3, bias_correction = "none", eps = 1e-3 }, adam { lr = 1e-3, eps = 1e-3, correction = "none" })
add("adam", { lr = 1e-4, bias_correction = "constant", eps = 1e-3 }, adam { lr = 1e-4, eps = 1e-3, correction = "constant" })
add("adam", { lr = 1e-4, beta1 = .4, beta2 = .3, bias_correction = "constant", write_back = true, eps = 1e-3 },
  adam { lr = 1e-4, b1 = .4, b2 = .3, eps = 1e-3, correction = "constant", back = true })
add("adam", { lr = 1e-3, write_back = true, eps = 1e-3 }, adam { lr = 1e-3, eps = 1e-3, back = true })
add("amsgrad", { convention = "optax", lr = 1e-3, eps = 1e-3 }, adam { lr = 1e-3, eps = 1e-3, top = true })
add("adamw", { convention = "keras", lr = 1e-3, eps = 1e-3 }, adam { lr = 1e-3, eps = 1e-3, at = "hat", keep = 1 - 4e-3 * 1e-3 })
add("adamw", { lr = 1e-3, eps = 1e-3, weight_decay = .01, decay = "independent" }, adam { lr = 1e-3, eps = 1e-3, keep = 1 - .01 })

local function text_of(o)
  local names = {}
  for name, value in next, o do names[#names + 1] = name .. " = " .. tostring(value) end
  table.sort(names)
  return table.concat(names, ", ")
end

-- The gradient of a problem as a function of a flat list of numbers, written out for the small ones.
local slopes = {
  rosenbrock = function(x)
    local g = { 0, 0, 0, 0 }
    for i = 1, 3 do
      local bend = x[i + 1] - x[i] * x[i]
      g[i] = g[i] - 400 * bend * x[i] - 2 * (1 - x[i])
      g[i + 1] = g[i + 1] + 200 * bend
    end
    return g
  end,
  quadratic = function(x)
    local curvature, along, z, across, g = { .01, .02, .05, .1, .2, .5, 1, 2, 5, 10 }, 0, {}, 0, {}
    for i = 1, 10 do along = along + i * x[i] end
    for i = 1, 10 do
      z[i] = curvature[i] * (x[i] - 2 * along / 385 * i - 1)
      across = across + i * z[i]
    end
    for i = 1, 10 do g[i] = z[i] - 2 * across / 385 * i end
    return g
  end,
}

local function gradient(name)
  local f, p = problems.get(name)
  local slope = tw.grad(f)
  return slopes[name] or function(x)
    problems.put(p, x)
    return problems.numbers((slope(p)))
  end, problems.numbers(p)
end

test("the written out gradients are the problems'", function()
  for name, slope in next, slopes do
    local f, p = problems.get(name)
    local want = problems.numbers((tw.grad(f)(p)))
    for i, v in ipairs(slope(problems.numbers(p))) do test.near(v, want[i], 1e-13 * max(1, abs(want[i]))) end
  end
end)

local shown = { [1] = true, [2] = true, [3] = true, [10] = true, [100] = true, [1000] = true }

-- Runs the formula; calls at(t, x, g, states before, x after) at the steps shown.
local function run(case, name, nudge, at)
  local slope, x = gradient(name)
  local states = {}
  for i = 1, #x do
    if nudge then x[i] = x[i] + nudge * problems.ulp(x[i]) end
    states[i] = {}
  end
  for t = 1, 1000 do
    local g, before, was = slope(x), {}, {}
    for i = 1, #x do
      was[i], before[i] = x[i], {}
      for k, v in next, states[i] do before[i][k] = v end
      x[i] = case.f(x[i], g[i], states[i], t)
    end
    if at and shown[t] then at(t, was, g, before, x) end
  end
  return x
end

local function one_step(case, t, x, g, states)
  local p, slots, product = tw.tensor(x), {}, nil
  local opt = tw.optim[case.kind](p, case.options)
  if t > 1 then
    for k in next, states[1] do
      local values = {}
      for i = 1, #x do values[i] = states[i][k] end
      if k == "mu_product" then product = values[1] else slots[k] = tw.tensor(values) end
    end
    opt:load { kind = case.kind, steps = t - 1, updates = t - 1, calls = 0, begun = true, slots = { params = slots }, vectors = {}, numbers = {},
      groups = product and { { mu_product = product } } }
  end
  opt:update(tw.tensor(g))
  return p:table()
end

-- Conventions of kinds that optim_golden_spec.lua holds against PyTorch stay on the two small problems.
local lacking = { yogi = true, adabelief = true, lion = true, qhm = true, qhadam = true, signsgd = true, signum = true }

for _, case in ipairs(formulas) do
  for _, name in ipairs(lacking[case.kind] and problems.names or { "rosenbrock", "quadratic" }) do
    local want, seen = nil, 0
    test(("%s takes the steps of its formula on %s with %s"):format(case.kind, name, text_of(case.options)), function()
      want = run(case, name, nil, function(t, x, g, states, after)
        problems.step_near(test, one_step(case, t, x, g, states), after, x, "step " .. t)
        seen = seen + 1
      end)
      test.eq(seen, 6)
    end)
    test(("%s runs like its formula on %s with %s"):format(case.kind, name, text_of(case.options)), function()
      local f, p = problems.get(name)
      local opt, spread = tw.optim[case.kind](p, case.options), 0
      for _ = 1, 1000 do opt:step(f) end
      for _, nudge in ipairs { 1, -1 } do
        for i, v in ipairs(run(case, name, nudge)) do spread = max(spread, abs(v - want[i])) end
      end
      problems.run_near(test, problems.numbers(p), want, spread, "after step 1000")
    end)
  end
end

test.close()
