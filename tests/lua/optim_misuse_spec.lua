-- Optimizers used from inside their own steps, with states that do not fit, and in lanes that go separate ways.
local test = require "spec_lanes"
local tw = require "thalweg"
local core = require "thalweg.core"

local function square(x) return x:dot(x) end

test("hyper() inside f tells of the step before and changes nothing of this one", function()
  local lr = 0.1 * tw.schedule.inverse_time { rate = 1 }
  local x, y = tw.ones(2), tw.ones(2)
  local plain, curious = tw.optim.sgd(x, { lr = lr }), tw.optim.sgd(y, { lr = lr })
  local seen = {}
  for i = 1, 3 do
    plain:step(square)
    curious:step(function(p)
      seen[i] = curious:hyper().lr
      return square(p)
    end)
  end
  test.eq(y:table(), x:table())
  test.eq(seen, { 0.1, 0.1, 0.05 })
end)

test("in lanes, schedules remember across the ends of scopes and of functions that report", function()
  local function program(rows, how)
    core.lanes_begin(#rows)
    local lr = core.laned(rows, "lr")
    local x = tw.tensor { 1, 2 }
    local opt = tw.optim.sgd(x, { lr = 0.1 * lr * tw.schedule.plateau { patience = 0, factor = 0.5 } })
    local function rough(p) return p:dot(p) + tw.sin(40 * p):sum() end
    local rates = {}
    for i = 1, 6 do
      if how == "scope" then
        tw.scope(function() opt:report(opt:step(rough)) end)
      elseif how == "inside" then
        opt:step(function(p)
          local loss = rough(p)
          opt:report(loss)
          return loss
        end)
      else
        opt:report(opt:step(rough))
      end
      rates[i] = core.lane_numbers(opt:hyper().lr)
    end
    core.lanes_end()
    return rates
  end
  local plain = program { 0.1, 3 }
  test.ok(plain[6][2] < plain[1][2], "nothing falls")
  test.eq(program({ 0.1, 3 }, "scope"), plain)
  test.eq(program({ 0.1, 3 }, "inside"), plain)
end)

test("an optimizer cannot step, update or load from inside its own step", function()
  local opt, said
  local mine = tw.optim.define { name = "mine", params = { lr = 0.5 }, step = function(p, g, _, hyper)
    said = said or {
      step = select(2, pcall(function() opt:step(function(q) return q[1]:sum() + q[2]:sum() end) end)),
      update = select(2, pcall(function() opt:update { tw.ones(1), tw.ones(1) } end)),
      load = select(2, pcall(function() opt:load(opt:state()) end)),
    }
    p:assign(p - hyper.lr * g)
  end }
  local p = { tw.zeros(1), tw.zeros(1) }
  opt = mine(p)
  opt:update { tw.ones(1), tw.ones(1) }
  for what, message in next, said do test.ok(tostring(message):find("mine: called inside its own step", 1, true), what .. ": " .. tostring(message)) end
  test.eq({ p[1]:table(), p[2]:table(), opt.steps }, { { -0.5 }, { -0.5 }, 1 })

  local x = tw.tensor { 1, 2 }
  local solver = tw.optim.lbfgs(x)
  solver:step(square)
  local state = solver:state()
  test.raises("lbfgs: called inside its own step", function() solver:step(function(q) solver:load(state) return square(q) end) end)
  test.raises("lbfgs: called inside its own step", function() solver:step(function(q) solver:step(square) return square(q) end) end)
  test.raises("mine: f fails", function() solver:step(function() error("mine: f fails") end) end)
  solver:step(square) -- an error leaves it usable
  test.eq(solver.steps, 2)
end)

-- The minimiser's evaluations see the numbers of its own step, those around it the numbers of theirs.
test("a search inside a search: each one's evaluations see the same random numbers", function()
  local rng = tw.rng(3, "noise")
  local outer = tw.optim.lbfgs(tw.tensor { 1, 2 }, { line_search = "strong_wolfe" })
  local first, last, between, count = {}, {}, {}, 0
  outer:step(function(x)
    count = count + 1
    first[count] = rng:normal(2):table()
    local inner, n = tw.optim.lbfgs(tw.tensor { 3, -1 }, { line_search = "strong_wolfe" }), 0
    inner:step(function(y)
      n = n + 1
      local draw = rng:normal(2):table()
      if n == 1 then between[count] = draw end
      test.eq(draw, between[count], "inside")
      return (y * y * y * y):sum() + 0.1 * y:sum()
    end)
    test.ok(n > 1, "the inner search evaluates once only")
    last[count] = rng:normal(2):table()
    return (x * x * x * x):sum() + 0.1 * x:sum()
  end)
  test.ok(count > 1, "the outer search evaluates once only")
  for i = 2, count do test.eq({ first[i], between[i], last[i] }, { first[1], between[1], last[1] }, "evaluation " .. i) end
end)

test("a saved state with numbers of the wrong kind is refused and changes nothing", function()
  local x = tw.tensor { 1, 2 }
  local opt = tw.optim.levenberg_marquardt(x)
  local function residual(p) return p * p - 1 end
  opt:step(residual)
  local good = opt:state()
  for _, wrong in ipairs { tw.zeros(0), tw.zeros(2), tw.tensor { 1 }:gt(0), "1" } do
    local bad = opt:state()
    local name = next(bad.numbers)
    bad.numbers[name] = wrong
    test.raises("the saved", function() opt:load(bad) end)
    bad = opt:state()
    bad.updates = wrong
    test.raises("the saved", function() opt:load(bad) end)
  end
  test.eq(opt:state().updates, good.updates)
end)

test("a state that does not fit leaves no trace in an optimizer that has not stepped", function()
  for _, kind in ipairs { "saga", "lbfgs", "gd", "bfgs" } do
    local function f(p, i) return (i or 1) * p:dot(p) + p:sum() end
    local ends = {}
    for try = 1, 2 do
      local x = tw.tensor { 1, -2 }
      local opt = tw.optim[kind](x, kind == "saga" and { n = 4, start = "zeros" } or nil)
      if try == 1 then
        local state = opt:state()
        state.numbers = nil
        test.raises("no table `numbers`", function() opt:load(state) end)
        test.eq(next(opt:state().vectors), nil, kind)
      end
      for _ = 1, 3 do if kind == "saga" then opt:step(f, 2) else opt:step(f) end end
      ends[try] = x:table()
    end
    test.eq(ends[1], ends[2], kind)
  end
end)

test("a state that fails in its schedules or its inner optimizer changes nothing", function()
  local x = tw.tensor { 1, 2 }
  local recipe = tw.optim.adam { lr = 0.1 * tw.schedule.plateau {} }
  local opt = tw.optim.lookahead(x, { base = recipe })
  for _ = 1, 3 do opt:step(square) end
  for _, spoil in ipairs {
    function(state) state.base = nil end,
    function(state) state.base.kind = "sgd" end,
    function(state) state.base.schedules = nil end,
    function(state) state.base.schedules.lr[1].bad = "x" end,
  } do
    local state = opt:state()
    state.steps, state.base.steps = 50, 60
    spoil(state)
    test.ok(not pcall(opt.load, opt, state), "a spoilt state is taken")
    test.eq({ opt.steps, opt:state().base.steps }, { 3, 3 })
  end
end)

test("define refuses names that stand for something else", function()
  local function define(o)
    o.name, o.step = "mine", function(p, g) p:assign(p - g) end
    return function() tw.optim.define(o) end
  end
  test.raises("params: groups is an option of every optimizer already", define { params = { groups = 1 } })
  test.raises("params: path is an option of every optimizer already", define { params = { path = 1 } })
  test.raises('params: lr: min must be a number: it is "a"', define { params = { lr = { 1, min = "a" } } })
  test.raises("slots: m stands twice", define { slots = { "m", "m" } })
  test.raises("slots: a saved state has its own ema; choose another name", define { slots = { "ema" } })
end)

test("a tensor put in the place of a parameter is noticed by methods that search", function()
  for _, kind in ipairs { "lbfgs", "newton", "trust_region", "coordinate_descent", "levenberg_marquardt" } do
    local tree = { tw.tensor { 1 }, tw.tensor { 2 } }
    local opt = tw.optim[kind](tree)
    local function f(p) return kind == "levenberg_marquardt" and tw.cat({ p[1], p[2] }, 1) or p[1]:dot(p[1]) + p[2]:dot(p[2]) end
    opt:step(f)
    tree[2] = tw.tensor { 5 }
    test.raises("the tree of parameters has changed", function() opt:step(f) end)
  end
end)

test("parameters given as their own gradients: info and grads speak of the values before", function()
  local x = tw.tensor { 3, 4 }
  local opt = tw.optim.sgd(x, { lr = 0.5 })
  opt:update(x)
  test.eq(x:table(), { 1.5, 2 })
  test.eq(opt:info().grad_norm, 5.0)
  test.eq(opt:grads():table(), { 3, 4 })
end)

test("no lane is dropped in the middle of a step", function()
  local bowl = function(x, a) return (a * x * x * x * x):sum() + x:sum() end
  local mine = tw.optim.define { name = "mine", params = { lr = 0.01 }, step = function(p, g, _, hyper)
    test.ok(not pcall(core.lanes_compact, { 2 }), "dropped in a step")
    p:assign(p - hyper.lr * g)
  end }
  for _, make in ipairs { mine, tw.optim.lbfgs, tw.optim.trust_region, tw.optim.coordinate_descent } do
    local ends = {}
    for try = 1, 2 do
      core.lanes_begin(3)
      local a = core.laned({ 1, 2, 3 }, "a")
      local x = tw.tensor { 1, 2 }
      local opt = make(x)
      for _ = 1, 3 do
        opt:step(function(y)
          if try == 1 then test.ok(not pcall(core.lanes_compact, { 2 }), "dropped in a step") end
          return bowl(y, a)
        end)
      end
      if try == 1 then core.lanes_compact { 2, 3 } end
      opt:step(function(y) return bowl(y, a) end)
      ends[try] = core.lane(x, try == 1 and 1 or 2):table()
      core.lanes_end()
    end
    test.eq(ends[1], ends[2])
  end
end)

test("steps skipped in some lanes: a saved state goes on as each run would alone", function()
  local gains = { 1, 0 / 0, 2 }
  local function program(rows)
    core.lanes_begin(#rows)
    local gain = core.laned(rows, "gain")
    local x = tw.tensor { 1, 2 }
    local opt = tw.optim.adam(x, { lr = 0.1, skip_nonfinite = true })
    for i = 1, 3 do opt:update(i == 1 and gain * tw.ones(2) or tw.ones(2)) end
    local y = x:clone()
    local copy = tw.optim.adam(y, { lr = 0.1, skip_nonfinite = true })
    copy:load(opt:state())
    opt:update(tw.ones(2))
    copy:update(tw.ones(2))
    local out = {}
    for lane = 1, #rows do out[lane] = { core.lane(x, lane):table(), core.lane(y, lane):table() } end
    core.lanes_end()
    return out
  end
  local together = program(gains)
  for i, gain in ipairs(gains) do
    local alone = program { gain }[1]
    test.eq(together[i], alone, "lane " .. i)
    test.eq(together[i][2], together[i][1], "the copy, lane " .. i)
  end
end)

test("steps skipped in some lanes: a defined step sees each run's own count", function()
  local counting = tw.optim.define { name = "counting", params = { lr = 1 }, step = function(p, g, _, _, t) p:assign(p - t * g) end }
  local function program(rows)
    core.lanes_begin(#rows)
    local gain = core.laned(rows, "gain")
    local x = tw.zeros(2)
    local opt = counting(x, { skip_nonfinite = true })
    for i = 1, 3 do opt:update(i == 1 and gain * tw.ones(2) or tw.ones(2)) end
    local out = {}
    for lane = 1, #rows do out[lane] = core.lane(x, lane):table() end
    core.lanes_end()
    return out
  end
  test.eq(program { 1, 0 / 0 }, { { -6, -6 }, { -3, -3 } })
end)

test.close()
