-- What every kind of schedule does at its ends, how it prints, what it refuses; the numbers of the lectures.
local canonical = require "thalweg.canonical"
local codehash = require "thalweg.codehash"
local core = require "thalweg.core"
local described = require "thalweg.described"
local options = require "thalweg.options"
local override = require "thalweg.override"
local schedule = require "thalweg.schedule"
local space = require "thalweg.space"
local test = require "spec"
local tw = require "thalweg"

local function close(got, want, note) test.near(got, want, 1e-15 * math.max(1, math.abs(want)), note) end

local function values(s, wanted)
  for t, want in next, wanted do close(s(t), want, s.text .. " at " .. t) end
end

test("step and multistep have the new value at the boundary, like PyTorch", function()
  values(schedule.step { size = 3, gamma = 0.5 }, { [0] = 1, [2] = 1, [3] = 0.5, [5] = 0.5, [6] = 0.25 })
  values(schedule.multistep { milestones = { 2, 4 } }, { [0] = 1, [1] = 1, [2] = 0.1, [3] = 0.1, [4] = 0.01, [99] = 0.01 })
  values(schedule.multistep { milestones = {}, gamma = 0.5 }, { [0] = 1, [100] = 1 })
end)

test("linear, decay and interpolated reach their end exactly and stay", function()
  values(schedule.linear { from = 0.2, to = 0.8, steps = 6 }, { [0] = 0.2, [3] = 0.5, [6] = 0.8, [7] = 0.8 })
  values(schedule.linear { steps = 4 }, { [0] = 1, [1] = 0.75, [4] = 0, [100] = 0 })
  test.eq(schedule.decay { steps = 7, power = 3, to = 0.3 }(7), 0.3)
  values(schedule.decay { steps = 10, power = 2, to = 0.2 }, { [0] = 1, [5] = 0.4, [10] = 0.2, [11] = 0.2 })
  local s = schedule.interpolated { boundaries = { 2, 4 }, values = { 1, 3, 2 } }
  values(s, { [0] = 1, [1] = 2, [2] = 3, [3] = 2.5, [4] = 2, [5] = 2 })
  test.eq(schedule.interpolated { boundaries = { 3, 7 }, values = { 0.1, 0.7, 0.3 }, method = "cosine" }(7), 0.3)
end)

test("decay with cycle ends each line at `to` and begins the next from the height it has there", function()
  local s = schedule.decay { steps = 4, cycle = true }
  values(s, { [0] = 1, [2] = 0.5, [4] = 0, [5] = 1 - 5 / 8, [8] = 0, [9] = 1 - 9 / 12 })
end)

test("a staircase changes at multiples of `every`", function()
  values(schedule.exponential { gamma = 0.5, every = 10 }, { [0] = 1, [9] = 1, [10] = 0.5, [29] = 0.25 })
  values(schedule.exponential { rate = 1, every = 10 }, { [9] = 1, [10] = math.exp(-1), [29] = math.exp(-2) })
  values(schedule.inverse_time { rate = 1, every = 5 }, { [4] = 1, [5] = 0.5, [10] = 1 / 3 })
end)

test("restarts begin at the first step of each period", function()
  values(schedule.cosine_restarts { period = 4 }, { [0] = 1, [2] = 0.5, [4] = 1, [8] = 1, [400] = 1, [402] = 0.5 })
  values(schedule.cosine_restarts { period = 4, mult = 2, min = 0.2 }, { [4] = 1, [8] = 0.6, [12] = 1, [20] = 0.6, [28] = 1 })
  values(schedule.cosine_restarts { period = 4, amplitude = 0.5 }, { [0] = 1, [4] = 0.5, [8] = 0.25 })
end)

test("cycles go from the bottom to the top and back", function()
  values(schedule.cyclic { low = 0.2, up = 2, down = 4 }, { [0] = 0.2, [1] = 0.6, [2] = 1, [4] = 0.6, [6] = 0.2, [8] = 1 })
  values(schedule.cyclic { up = 2, mode = "triangular2" }, { [2] = 1, [4] = 0, [6] = 0.5, [10] = 0.25 })
  values(schedule.cyclic { up = 2, mode = "exp_range", gamma = 0.5 }, { [1] = 0.25, [2] = 0.25, [6] = 1 / 64 })
end)

test("one cycle has its top where PyTorch has it and ends at top / (div final_div)", function()
  local s = schedule.onecycle { steps = 100, pct_start = 0.3, div_factor = 20, final_div_factor = 50 }
  values(s, { [0] = 1 / 20, [29] = 1, [99] = 1e-3, [100] = 1e-3, [1000] = 1e-3 })
  values(schedule.onecycle { steps = 100, three_phase = true, div_factor = 20 }, { [0] = 1 / 20, [29] = 1, [58] = 1 / 20 })
  -- without a rise, and when the rise ends at step 0, the first value is (nearly) the top
  close(schedule.onecycle { steps = 10, pct_start = 0.1 }(0), 1)
  values(schedule.onecycle { steps = 11, pct_start = 1, div_factor = 4, anneal = "linear" }, { [0] = 0.25, [5] = 0.625 })
  local below = true
  for t = 0, 120 do below = below and s(t) <= 1 and s(t) >= 1e-3 - 1e-18 end
  test.ok(below)
end)

test("join restarts each schedule at its own 0", function()
  local s = schedule.join { { schedule.exponential { rate = 1 }, 3 }, { 0.5, 2 }, schedule.linear { steps = 4 } }
  values(s, { [0] = 1, [2] = math.exp(-2), [3] = 0.5, [4] = 0.5, [5] = 1, [7] = 0.5, [9] = 0, [99] = 0 })
  test.eq(s.text, "join{{exponential{rate=1},3},{constant{value=0.5},2},linear{from=1,steps=4,to=0}}")
  test.eq(schedule.join { 2 }(5), 2)
end)

test("the lectures' schedules", function()
  local function near(got, want) test.near(got, want, 5.1e-8) end -- seven printed digits
  local root = 0.1 * schedule.inverse_sqrt()
  for t, want in next, { [0] = 0.1, [1] = 0.0707107, [9] = 0.0316228, [29] = 0.0182574 } do near(root(t), want) end
  -- the lecture's factor schedule multiplies before it answers: call k gives 2 0.9^k
  local factor = 2 * schedule.exponential { gamma = 0.9 }
  for t, want in next, { [1] = 1.8, [2] = 1.62, [10] = 0.6973569, [50] = 0.0103076 } do near(factor(t), want) end
  local cosine = 0.3 * schedule.cosine { steps = 20, min = 0.01 / 0.3 }
  for t, want in next, { [0] = 0.3, [5] = 0.2575305, [10] = 0.155, [15] = 0.0524695, [20] = 0.01, [25] = 0.01 } do near(cosine(t), want) end
  local warm = 0.3 * schedule.join {
    { schedule.linear { from = 0, to = 1, steps = 5 }, 5 }, schedule.cosine { steps = 15, min = 0.01 / 0.3 },
  }
  for t, want in next, { [0] = 0, [1] = 0.06, [2] = 0.12, [3] = 0.18, [4] = 0.24, [5] = 0.3, [10] = 0.2275, [15] = 0.0825, [20] = 0.01 } do
    near(warm(t), want)
  end
  local steps = 0.5 * schedule.multistep { milestones = { 15, 30 }, gamma = 0.5 }
  values(steps, { [14] = 0.5, [15] = 0.25, [30] = 0.125 })
end)

test("inverse_power obeys Robbins and Monro: for alpha in (1/2, 1] its sum grows without bound and the sum of its squares does not", function()
  local function sums(alpha, from, to)
    local s, one, two = schedule.inverse_power { alpha = alpha, beta = 0.1 }, 0, 0
    for t = from, to - 1 do
      local v = s(t)
      one, two = one + v, two + v * v
    end
    return one, two
  end
  -- the integral of (1 + beta t)^-a from m to n; the sum from m to n - 1 lies between it and it plus the first term
  local function integral(a, m, n)
    local function F(t) return a == 1 and math.log(1 + 0.1 * t) / 0.1 or (1 + 0.1 * t) ^ (1 - a) / (0.1 * (1 - a)) end
    return F(n) - F(m)
  end
  for _, alpha in ipairs { 0.5, 0.75, 1 } do
    for _, range in ipairs { { 0, 1000 }, { 1000, 20000 } } do
      local one, two = sums(alpha, range[1], range[2])
      local low, low2 = integral(alpha, range[1], range[2]), integral(2 * alpha, range[1], range[2])
      test.ok(one >= low - 1e-9 and one <= low + (1 + 0.1 * range[1]) ^ -alpha + 1e-9, alpha .. ": " .. one .. " against " .. low)
      test.ok(two >= low2 - 1e-9 and two <= low2 + (1 + 0.1 * range[1]) ^ (-2 * alpha) + 1e-9, alpha .. ": " .. two .. " against " .. low2)
    end
  end
end)

test("func is the author's function under its name", function()
  local s = schedule.func("saw", function(t) return t % 3 end)
  values(s, { [0] = 0, [2] = 2, [3] = 0 })
  test.eq(s.text, "saw")
  test.eq(s.kind, "saw")
  test.eq((0.5 * s).text, "0.5*saw")
  values(schedule.warmup(2, s), { [0] = 0.5, [2] = 0, [3] = 1 })
  test.raises("bad: the function must return a number: at t = 3 it is nil", function() schedule.func("bad", function() end)(3) end)
end)

test("the code of func counts for the code hash, through whatever holds it", function()
  local function with(body, around)
    return codehash.of(assert(load('local tw = require "thalweg" local f = function(t) return ' .. body .. " end local s = " ..
      around:gsub("F", 'tw.schedule.func("mine", f)') .. " return function() return s end"))())
  end
  for _, around in ipairs { "F", "0.1 * F", "tw.schedule.warmup(3, F)", "tw.schedule.join{ { 1, 2 }, F }", "tw.optim.sgd{ lr = F }" } do
    test.eq(with("t", around), with("t", around))
    test.ok(with("t", around) ~= with("t + 1", around), around)
  end
  local f, g = function(t) return t end, function(t) return -t end
  local params = { lr = space.choice { 0.1, schedule.func("b", f) }, opt = tw.optim.sgd { lr = space.choice { schedule.func("a", g) } } }
  local found = codehash.functions(params)
  test.eq({ #found, found[1].name, found[2].name }, { 2, "a", "b" })
  local function run() end
  local one, two = codehash.of(run, {}, found), codehash.of(run, {}, { { name = "a", f = f }, found[2] })
  test.ok(one ~= two)
  test.eq(codehash.of(run, {}, {}), codehash.of(run, {}))
end)

test("table lists values as a plain array", function()
  test.eq(schedule.step { size = 2, gamma = 0.5 }:table(5), { 1, 1, 0.5, 0.5, 0.25 })
  test.eq(schedule.linear { steps = 4 }:table(3, 2), { 0.5, 0.25, 0 })
  test.eq(schedule.constant():table(0), {})
end)

test("plateau keeps its state in the stepper, and composition passes reports on", function()
  local p = schedule.plateau { factor = 0.5, patience = 0 }
  local s = 0.2 * schedule.warmup(2, p * schedule.exponential { gamma = 0.9 }) + schedule.join { { p, 100 }, 1 }
  local a, b = s:start(), s:start()
  test.ok(a.stateful)
  test.ok(not schedule.cosine { steps = 3 }:start().stateful)
  a:report(1)
  a:report(1)
  close(a:factor(0), 0.2 * 0.5 + 0.5)
  close(a:factor(2), 0.2 * 0.5 + 0.5)
  close(a:factor(3), 0.2 * 0.5 * 0.9 + 0.5)
  close(b:factor(3), 0.2 * 0.9 + 1)
  local state = a:state()
  test.eq(#state, 2)
  test.eq(state[1], { bad = 0, best = 1, scale = 0.5, wait = 0 })
  a:report(tw.tensor(1))
  b:load(state)
  close(b:factor(3), 0.2 * 0.5 * 0.9 + 0.5)
  close(a:factor(3), 0.2 * 0.25 * 0.9 + 0.25)
  b:report(1)
  test.eq(b:state(), a:state())
  test.eq(schedule.exponential():start():state(), {})
  schedule.exponential():start():report(3)
end)

test("plateau reduces on the report after `patience` bad ones, waits through the cooldown, and stops at min", function()
  local stepper = schedule.plateau { factor = 0.1, patience = 10 }:start()
  stepper:report(1)
  for _ = 1, 10 do stepper:report(1) end
  test.eq(stepper:factor(0), 1)
  stepper:report(1)
  test.eq(stepper:factor(0), 0.1)
  stepper = schedule.plateau { factor = 0.5, patience = 0, cooldown = 3, min = 0.3 }:start()
  local seen = {}
  for i = 1, 10 do
    stepper:report(1)
    seen[i] = stepper:factor(i)
  end
  test.eq(seen, { 1, 0.5, 0.5, 0.5, 0.5, 0.3, 0.3, 0.3, 0.3, 0.3 })
end)

-- One of every kind, with every number that is no count of steps given a value of its own.
local every = {
  function() return schedule.constant(0.7) end,
  function() return schedule.piecewise { boundaries = { 3, 9 }, values = { 1, 0.3, 0.2 } } end,
  function() return schedule.step { size = 4, gamma = 0.3 } end,
  function() return schedule.multistep { milestones = { 3, 5 }, gamma = 0.3 } end,
  function() return schedule.interpolated { boundaries = { 3, 9 }, values = { 1, 0.3, 0.2 } } end,
  function() return schedule.interpolated { boundaries = { 3, 9 }, values = { 1, 0.3, 0.2 }, method = "cosine" } end,
  function() return schedule.exponential { rate = 0.3 } end,
  function() return schedule.exponential { gamma = 0.3 } end,
  function() return schedule.exponential { rate = 0.3, every = 2 } end,
  function() return schedule.inverse_power { alpha = 0.6, beta = 0.3 } end,
  function() return schedule.inverse_time { rate = 0.3, every = 2 } end,
  function() return schedule.inverse_sqrt() end,
  function() return schedule.linear { from = 0.3, to = 0.2, steps = 8 } end,
  function() return schedule.decay { steps = 8, power = 1.5, to = 0.2 } end,
  function() return schedule.decay { steps = 4, power = 1.5, to = 0.2, cycle = true } end,
  function() return schedule.cosine { steps = 8, min = 0.2, exponent = 1.5 } end,
  function() return schedule.cosine_restarts { period = 3, mult = 2, min = 0.2, amplitude = 0.7 } end,
  function() return schedule.cyclic { low = 0.2, up = 3, mode = "triangular2" } end,
  function() return schedule.cyclic { low = 0.2, up = 3, down = 2, mode = "exp_range", gamma = 0.9 } end,
  function() return schedule.onecycle { steps = 12, div_factor = 7, final_div_factor = 70 } end,
  function() return schedule.onecycle { steps = 12, div_factor = 7, final_div_factor = 70, three_phase = true, anneal = "linear" } end,
  function() return schedule.warmup(3, schedule.exponential { rate = 0.3 }) end,
  function() return schedule.join { { schedule.linear { from = 0.3, steps = 4 }, 4 }, { 0.4, 2 }, schedule.exponential { rate = 0.3 } } end,
  function() return 2 * schedule.exponential { rate = 0.3 } ^ 2 - schedule.cosine { steps = 5 } / 3 end,
  function() return schedule.plateau { factor = 0.3, patience = 1, threshold = 0.01, min = 0.05 } end,
}

-- A text read back: warmup(3,exponential{rate=0.3}) is Lua where the kinds are functions.
local kinds = setmetatable({}, { __index = function(_, name)
  if name == "inverse_sqrt" then return schedule.inverse_sqrt() end
  return schedule[name]
end })

test("a text read back is the same schedule, with the same text", function()
  for _, make in ipairs(every) do
    local s = make()
    local again = assert(load("return " .. s.text, s.text, "t", kinds))()
    test.eq(again.text, s.text)
    test.eq(again.columns, s.columns)
    test.eq(canonical.text(s), s.text)
    if not s:start().stateful then test.eq(again:table(30), s:table(30), s.text) end
  end
end)

test("every schedule can be rebuilt from its options, and describes itself", function()
  for _, make in ipairs(every) do
    local s = make()
    test.ok(described.is(s) and schedule.is(s))
    test.eq(s.rebuild(s.options).text, s.text)
  end
end)

test("a name inside a schedule can be given other values", function()
  local params = { decay = schedule.join { { schedule.linear { steps = 4 }, 4 }, 0.1 * schedule.exponential { rate = 0.3 } } }
  local set = override.set(params, "decay.2.schedule.rate", { 0.5 })
  local list = space.enumerate(set)
  test.eq(#list, 1)
  test.eq(list[1].decay.text, "join{{linear{from=1,steps=4,to=0},4},0.1*exponential{rate=0.5}}")
  set = override.set(params, "decay.1.steps", { 6, 8 })
  test.eq(#space.enumerate(set), 2)
end)

test("spaces may stand anywhere in a schedule's table", function()
  local function count(s) return #space.enumerate(s) end
  test.eq(count(schedule.step { size = space.choice { 10, 20 }, gamma = space.choice { 0.1, 0.5 } }), 4)
  test.eq(count(schedule.multistep { milestones = { 10, space.choice { 20, 30, 40 } } }), 3)
  test.eq(count(schedule.interpolated { boundaries = { 5 }, values = space.choice { { 1, 2 }, { 2, 1 } } }), 2)
  test.eq(count(schedule.join { { schedule.linear { steps = space.choice { 5, 10 } }, 10 }, space.choice { 0.1, 0.2, 0.3 } }), 6)
  test.eq(count(schedule.plateau { patience = space.choice { 1, 2 } }), 2)
  test.eq(count(schedule.onecycle { steps = 100, pct_start = space.linear(0.1, 0.5, 5) }), 5)
end)

-- A stand-in for a laned scalar: arithmetic works, whatever asks for one answer for all lanes raises.
local Laned = {}
local function plain(v) return getmetatable(v) == Laned and v.v or v end
local function laned(v) return setmetatable({ v = v }, Laned) end
local function refuse() error("branched on a laned value", 2) end
for name, f in next, {
  add = function(a, b) return a + b end, sub = function(a, b) return a - b end, mul = function(a, b) return a * b end,
  div = function(a, b) return a / b end,
} do Laned["__" .. name] = function(a, b) return laned(f(plain(a), plain(b))) end end
Laned.__unm = function(a) return laned(-a.v) end
Laned.__lt, Laned.__le, Laned.__eq = refuse, refuse, refuse

-- Which numbers of which kinds shape the schedule: counts of steps and what places them.
local structural = { size = true, every = true, steps = true, period = true, mult = true, up = true, down = true, pct_start = true }

test("no schedule branches on a number that may be a laned scalar", function()
  local check, own = options.check, {}
  local touched = 0
  options.check = function(what, fields, given)
    local o = check(what, fields, given)
    for _, field in ipairs(fields) do
      local v = o[field.name]
      if field.type == "number" and v ~= nil and not structural[field.name] then
        o[field.name] = laned(v)
        touched = touched + 1
      end
      if field.name == "values" then
        for i, one in ipairs(v) do v[i] = laned(one) end
      end
    end
    return o
  end
  for name, f in next, core.num do
    own[name] = f
    core.num[name] = function(a, b)
      if getmetatable(a) ~= Laned and getmetatable(b) ~= Laned then return f(a, b) end
      return laned(f(plain(a), plain(b)))
    end
  end
  local text, lt, where = canonical.text, core.lt, core.where
  canonical.text = function() return "text" end -- a laned scalar's text is not at issue
  core.lt = function(a, b) return { condition = plain(a) < plain(b) } end
  core.where = function(c, a, b)
    if c.condition then return a else return b end
  end
  local got = {}
  local ok, message = pcall(function()
    for k, make in ipairs(every) do
      local stepper = make():start()
      got[k] = {}
      for t = 0, 29 do
        if stepper.stateful then stepper:report(math.abs(t - 10)) end
        got[k][t] = plain(stepper:factor(t))
      end
    end
  end)
  options.check, canonical.text, core.lt, core.where = check, text, lt, where
  for name, f in next, own do core.num[name] = f end
  if not ok then error(message, 0) end
  test.ok(touched > 25, "only " .. touched .. " numbers were laned")
  for k, make in ipairs(every) do
    local stepper = make():start()
    for t = 0, 29 do
      if stepper.stateful then stepper:report(math.abs(t - 10)) end
      test.eq(got[k][t], stepper:factor(t), stepper.kind .. " at " .. t)
    end
  end
end)

test("aliases print as what they stand for", function()
  test.eq(schedule.cosine_annealing { steps = 3 }.text, "cosine{min=0,steps=3}")
  test.eq(schedule.warm_restarts { period = 3 }.text, "cosine_restarts{min=0,mult=1,period=3}")
  test.eq(schedule.sequential { { 1, 3 }, 2 }.kind, "join")
  test.eq(schedule.reduce_on_plateau().kind, "plateau")
end)

test.close()
