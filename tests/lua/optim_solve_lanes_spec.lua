-- Optimizers that evaluate the function themselves, in lanes: every run has the bits it has alone, where the runs differ in their start, their problem, their
-- noise and their hyperparameters, and where some have converged, meet values that are not finite, or have singular systems while the others go on.
local test = require "spec_lanes"
local tw = require "thalweg"
local core = require "thalweg.core"
local ordered = require "thalweg.ordered"

local optim = tw.optim

-- The runs. `curve` 0: b has no say, Hessian and J'J are singular there; beyond a[2] = 2 the loss is NaN; bend < 0: negative curvature at the start.
local rows = {
  { start = .9, kappa = 5, curve = 3, wall = 0, bend = 1, noise = .01, seed = 1, factor = 1 },
  { start = -.7, kappa = 20, curve = 0, wall = 0, bend = 1, noise = 0, seed = 2, factor = .9 }, -- singular
  { start = 1.9, kappa = 3, curve = 1, wall = 2, bend = 1, noise = 0, seed = 3, factor = 1.7 }, -- trials behind the wall
  { start = 3, kappa = 5, curve = 1, wall = 1, bend = 1, noise = 0, seed = 4, factor = 1 },     -- NaN from the start
  { start = 0, kappa = 2, curve = 0, wall = 0, bend = 1, noise = 0, seed = 5, factor = 1 },     -- at the minimum already
  { start = .4, kappa = 1000, curve = 10, wall = .5, bend = -1, noise = 0, seed = 6, factor = .3 },
  { start = -1.3, kappa = 1, curve = .1, wall = 0, bend = .3, noise = .2, seed = 7, factor = 1.2 },
  { start = .4, kappa = 1, curve = .01, wall = 0, bend = -5, noise = 0, seed = 8, factor = .8 },
}

local function loss_of(v)
  return function(p)
    local a, b = p.a, p.b
    local w = tw.tensor({ v.bend, 1, v.kappa }, { dtype = a.dtype })
    local bowl = 0.5 * (w * a * a):sum() + 0.05 * (a ^ 4):sum() + v.curve * (b[1] - a[1] ^ 2) ^ 2
    return bowl - v.wall * tw.log(2 - a[2]) + v.noise * (v.rng:normal(3, { dtype = a.dtype }) * a):sum(), a * 2
  end
end

local function residuals_of(v)
  return function(p)
    local a, b = p.a, p.b
    local w = tw.tensor({ 1, 1, v.kappa }, { dtype = a.dtype })
    return tw.cat { w * a - v.wall, (b - a[1] ^ 2) * v.curve, a * a * v.bend, v.wall * tw.log(2 - a:narrow(1, 2, 1)) }, a * 2
  end
end

-- A number as text that tells -0 from 0 and takes all NaN for one.
local function bits(v)
  if type(v) == "boolean" then v = v and 1 or 0 end
  return v ~= v and "nan" or ("%a"):format(v)
end

local function text(x, i)
  if type(x) == "number" or type(x) == "boolean" then return bits(x) end
  local list = (core.lanes() and core.lane(x, i) or x):reshape(-1):table()
  for k, v in ipairs(list) do list[k] = bits(v) end
  return (x.ndim > 0 and x.dtype .. " " or "") .. table.concat(list, " ")
end

local met = {} -- reasons seen

-- What a run that stands in lane `place` shows after a step.
local function shown(trace, place, results, opt, p)
  local info = opt:info()
  if not core.lanes() then met[info.reason] = (met[info.reason] or 0) + 1 end
  local line = { text(results[1], place), text(results[2], place), text(p.a, place), text(p.b, place) }
  for _, name in ipairs { "grad_norm", "step_norm", "evaluations", "stopped" } do line[#line + 1] = name .. " " .. text(info[name], place) end
  trace[#trace + 1] = table.concat(line, "; ")
end

-- The state, but for lbfgs the pairs that count: in lanes a run may have had further rows.
local function state_of(opt, place)
  local raw, out = opt:state(), {}
  raw = raw.base or raw
  local function add(path, x) out[#out + 1] = path .. " " .. text(x, place) end
  for name, x in next, raw.vectors do
    if name == "steps" or name == "changes" then
      local pairs_ = raw.numbers.pairs
      local n = math.tointeger(type(pairs_) == "number" and pairs_ or core.lane(pairs_, place):item())
      if n > 0 then add(name, x:narrow(1, x.shape[1] - n + 1, n)) end
    else
      add(name, x)
    end
  end
  for k, v in next, raw.numbers do add(k, v) end
  table.sort(out)
  return table.concat(out, "; ")
end

local steps, reload, drop = 14, 6, 9

-- options(v): the optimizer's, v the run's numbers, laned or plain. list: the rows computed; kept: which of them stay after step `drop`.
local function train(kind, dtype, options, list, kept)
  local columns, v = {}, {}
  for name in next, rows[1] do
    columns[name] = {}
    for k, i in ipairs(list) do columns[name][k] = rows[i][name] + (name ~= "seed" and 0.0 or 0) end
    v[name] = core.lanes() and core.laned(columns[name], name) or columns[name][1]
  end
  v.rng, v.dtype = tw.rng(v.seed, "noise"), dtype
  local p = { a = tw.tensor({ 1, 1, 1 }, { dtype = dtype }) * v.start, b = tw.tensor({ 0.5 }, { dtype = dtype }) * v.start }
  local o = options(v)
  local opt = optim[kind](p, o)
  local residuals = kind == "gauss_newton" or kind == "levenberg_marquardt"
  local f = (residuals and residuals_of or loss_of)(v)
  local traces, states, places = {}, {}, {}
  for k, i in ipairs(list) do
    traces[i] = {}
    places[k] = i
  end
  for t = 1, steps do
    local results = table.pack(opt:step(f))
    for k, i in ipairs(places) do shown(traces[i], k, results, opt, p) end
    if t == reload then
      local again = optim[kind](p, o)
      again:load(opt:state())
      opt = again
    end
    if t == drop and kept then
      local left = {}
      for j, k in ipairs(kept) do left[j] = places[k] end
      core.lanes_compact(kept)
      places = left
    end
  end
  for k, i in ipairs(places) do states[i] = state_of(opt, k) end
  return traces, states
end

local widths = {
  { list = { 1 } },
  { list = { 7, 4, 2 } },
  { list = { 1, 2, 3, 4, 5, 6, 8 } },
  { list = { 1, 2, 3, 5, 6, 7, 8 }, kept = { 1, 3, 5, 7 } },
  { list = { 6, 5, 3 }, kept = { 2 } },
}

local function check(name, kind, options)
  for _, dtype in ipairs { "f64", "f32" } do
    test(("%s in lanes is %s alone, %s"):format(name, name, dtype), function()
      local want, states = {}, {}
      local differ = false
      for i = 1, #rows do
        local trace, state = train(kind, dtype, options, { i })
        want[i], states[i] = trace[i], state[i]
        differ = differ or want[i][steps] ~= want[1][steps]
      end
      test.ok(differ, "the runs do not differ")
      for _, w in ipairs(widths) do
        core.lanes_begin(#w.list)
        local got, got_states = train(kind, dtype, options, w.list, w.kept)
        for _, i in ipairs(w.list) do
          for t, line in ipairs(got[i]) do test.eq(line, want[i][t], ("run %d of %s, step %d"):format(i, table.concat(w.list, " "), t)) end
          if got_states[i] then test.eq(got_states[i], states[i], ("state of run %d of %s"):format(i, table.concat(w.list, " "))) end
        end
        core.lanes_end()
      end
    end)
  end
end

-- The options of a case: numbers are functions of the run.
local function case(kind, words, numbers)
  local name = { kind }
  for k, x in ordered.pairs(words) do name[#name + 1] = k .. " = " .. tostring(x) end
  check(table.concat(name, ", "), kind, function(v)
    local o = {}
    for k, x in next, words do o[k] = x end
    for k, x in next, numbers or {} do o[k] = x(v) end
    return o
  end)
end

local function of(x) return function(v) return v.factor * x end end
local function shifted(x, y) return function(v) return x + y * v.factor end end

local searches = {
  none = { lr = of(.05) }, exact = { lr = of(.9) },
  backtracking = { lr = of(1), c1 = of(1e-3), shrink = of(.4), max_evaluations = shifted(3, 6) },
  golden = { lr = of(.5), search_tol = of(1e-3), max_evaluations = shifted(12, 9) },
  strong_wolfe = { lr = of(1), c1 = of(1e-4), c2 = of(.2), max_evaluations = shifted(2, 9) },
  hager_zhang = { lr = of(1), c1 = of(.1), c2 = of(.5), search_tol = of(1e-6), max_evaluations = shifted(2, 9) },
}

local function with(...)
  local out = {}
  for _, list in ipairs { ... } do for k, v in next, list do out[k] = v end end
  return out
end

local tolerances = { tol_grad = of(1e-3), tol_step = function(v) return v.curve * 1e-4 end, tol_function = function(v) return v.wall * 1e-4 end }

for _, search in ipairs { "none", "exact", "backtracking", "golden", "strong_wolfe", "hager_zhang" } do
  local numbers = searches[search]
  case("gd", { line_search = search }, with(numbers, tolerances))
  case("coordinate_descent", { line_search = search, order = "greedy" }, numbers)
  case("newton", { line_search = search }, with(numbers, { damping = function(v) return v.wall * v.factor end }))
  case("conjugate_gradient", { line_search = search }, with(numbers, tolerances))
  case("bfgs", { line_search = search }, with(numbers, { eps = of(1e-8) }))
  case("lbfgs", { line_search = search, history = 3 }, with(numbers, { eps = of(1e-8) }))
  if search ~= "exact" then case("gauss_newton", { line_search = search }, with(numbers, { lr = of(.5) }, tolerances)) end
end

case("gd", { precondition = "jacobi" }, { lr = of(1) })
case("gd", { precondition = "jacobi", line_search = "none" }, { lr = of(.3) })
case("gd", { precondition = "given", line_search = "strong_wolfe" }, {
  preconditioner = function(v) return { a = tw.tensor({ 1, .5, .01 }, { dtype = v.dtype }) * v.factor, b = tw.tensor({ .3 }, { dtype = v.dtype }) } end })
case("gd", { line_search = "none" }, { lr = function(v) return v.factor * .05 * tw.schedule.exponential { rate = .1 } end })
case("lookahead", { k = 3 }, { alpha = of(.5), base = function(v) return optim.lbfgs { lr = v.factor, line_search = "strong_wolfe" } end })
case("lookahead", { k = 4, reset_state = true }, { alpha = of(.5), base = function(v) return optim.bfgs { c1 = v.factor * 1e-3 } end })
case("gd", { trial = "last", line_search = "hager_zhang" }, { lr = of(1) })
for _, order in ipairs { "cyclic", "random" } do
  case("coordinate_descent", { order = order }, { lr = of(1), seed = function(v) return v.seed end })
end
case("newton", { absolute = true }, { lr = of(.7), damping = of(.1), floor = of(1e-3) })
case("newton", { absolute = true, line_search = "strong_wolfe" }, { floor = of(1e-6) })
for _, beta in ipairs { "FR", "PR", "HS", "DY", "HZ" } do
  case("conjugate_gradient", { beta = beta }, { restart = function(v) return v.seed end, powell = of(.3) })
  case("conjugate_gradient", { beta = beta, trial = "lr", line_search = "backtracking" }, { lr = of(.5) })
end
case("bfgs", { bad_pairs = "damp", scale = false }, { lr = of(1) })
case("bfgs", { bad_pairs = "damp", line_search = "none" }, { lr = of(.1), eps = of(.1) })
case("lbfgs", { history = 1, line_search = "strong_wolfe" }, { c2 = of(.4) })
case("lbfgs", { line_search = "strong_wolfe" }, {})
for _, method in ipairs { "steihaug", "dogleg" } do
  case("trust_region", { method = method }, { radius = of(1), radius_max = of(2), eta = of(.1), floor = of(1e-4), max_inner = of(2) })
  case("trust_region", { method = method }, with({ max_evaluations = shifted(1, 1), radius = of(100) }, tolerances))
end
for _, rule in ipairs { "nielsen", "marquardt" } do
  for _, scaling in ipairs { "jacobian", "identity" } do
    case("levenberg_marquardt", { rule = rule, scaling = scaling }, with({ lambda = of(1e-2), factor = of(4) }, tolerances))
    case("levenberg_marquardt", { rule = rule, scaling = scaling, lambda = 0 }, { factor = of(4), max_evaluations = shifted(2, 4) })
  end
end

test("the runs above meet every reason there is", function()
  for _, reason in ipairs { "", "gradient", "step", "function", "curvature", "singular", "line search failed", "no trial step was acceptable",
    "loss or gradient not finite" } do test.ok((met[reason] or 0) >= 3, ("%q: %d times"):format(reason, met[reason] or 0)) end
end)

test("a system without a solution stops its own run: reason singular, alone and in lanes", function()
  local function step(curve)
    local p = tw.tensor { 1, 2 }
    local opt = optim.newton(p)
    for _ = 1, 3 do opt:step(function(q) return 0.5 * q[1] ^ 2 + 0.5 * curve * q[2] ^ 2 end) end
    return p, opt:info()
  end
  local p, info = step(0)
  test.eq({ p:table(), info.reason, info.stopped, info.step_norm }, { { 1, 2 }, "singular", true, 0.0 })
  core.lanes_begin(3)
  p, info = step(core.laned({ 1.0, 0.0, 4.0 }, "curve"))
  test.eq({ core.lane(p, 1):table(), core.lane(p, 2):table(), core.lane(p, 3):table() }, { { 0, 0 }, { 1, 2 }, { 0, 0 } })
  test.eq(core.lane_numbers(info.stopped), { 1.0, 1.0, 1.0 }) -- the others: at the minimum
  test.raises("info().reason: it differs between the runs computed together", function() return info.reason end)
end)

test("a Hessian that is not finite where loss and gradient are stops the run", function()
  for kind, o in next, { newton = {}, trust_region = { method = "dogleg" } } do
    local p = tw.tensor { 0, 2 }
    local opt = optim[kind](p, o)
    opt:step(function(q) return q[1] ^ 1.5 + q[2] ^ 2 end) -- 0.75 0^-0.5
    test.eq({ p:table(), opt:info().reason }, { { 0, 2 }, "Hessian not finite" }, kind)
  end
end)

-- Tensors too large for the layout with the runs innermost.
test("of many parameters too: every run has the bits it has alone", function()
  local n, target = 150, tw.rng(9):normal(150)
  for kind, o in next, { bfgs = {}, lbfgs = { line_search = "strong_wolfe" }, newton = { line_search = "backtracking" }, trust_region = {},
    conjugate_gradient = { beta = "HZ" } } do
    local function train_one(kappa)
      local p = { w = target:reshape(10, 15) * 0.1 * kappa, v = tw.ones(n - 100) }
      local opt, losses = optim[kind](p, o), {}
      for t = 1, 5 do
        losses[t] = opt:step(function(q)
          local miss = q.w:reshape(n) - target
          return (miss * miss * miss * miss):sum() * kappa + (q.v * q.v):sum() + (q.v:sum() - q.w:sum()) ^ 2 + tw.cosh(q.v * kappa * 0.1):sum()
        end)
      end
      return p, losses
    end
    core.lanes_begin(3)
    local values = { 0.5, 1.0, 4.0 }
    local p, losses = train_one(core.laned(values, "kappa"))
    local seen = {}
    for i = 1, 3 do seen[i] = { text(p.w, i), text(p.v, i), text(losses[5], i) } end
    core.lanes_end()
    for i, kappa in ipairs(values) do
      local q, alone = train_one(kappa)
      test.eq(seen[i], { text(q.w), text(q.v), text(alone[5]) }, kind .. ", run " .. i)
    end
  end
end)

test("what holds in all runs computed together is one word", function()
  core.lanes_begin(2)
  local p = tw.ones(2)
  local opt = optim.gd(p, { lr = core.laned({ .1, .2 }, "lr"), line_search = "none" })
  opt:step(function(q) return q:dot(q) end)
  test.eq(opt:info().reason, "")
  test.eq(core.lane_numbers(opt:info().evaluations), { 1.0, 1.0 })
end)

test("lanes are not dropped while an optimizer evaluates the function", function()
  core.lanes_begin(2)
  local p = tw.ones(2)
  local opt = optim.gd(p, { lr = core.laned({ .1, .2 }, "lr") })
  local dropped = 0
  opt:step(function(q)
    if pcall(core.lanes_compact, { 1 }) then dropped = dropped + 1 end
    return q:dot(q)
  end)
  test.eq({ dropped, core.lanes() }, { 0, 2 })
end)

test.close()
