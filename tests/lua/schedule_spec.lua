-- Schedules against closed forms and against values printed by PyTorch 1.13's lr_scheduler (f64; SGD with lr = 1).
local described = require "thalweg.described"
local schedule = require "thalweg.schedule"
local space = require "thalweg.space"
local test = require "spec"

-- Two roundings of the argument and one ulp each of pow, exp or cos.
local function close(got, want) test.near(got, want, 1e-15 * math.max(1, math.abs(want))) end

test("constant is 1, or what it is given", function()
  test.eq(schedule.constant()(0), 1)
  test.eq(schedule.constant(0.3)(1000), 0.3)
  test.eq(schedule.constant { value = 0.3 }(5), 0.3)
end)

test("exponential is e^(-rate t)", function()
  local s = schedule.exponential { rate = 0.1 }
  for _, t in ipairs { 0, 1, 2, 10, 50, 999 } do close(s(t), math.exp(-0.1 * t)) end
end)

test("exponential agrees with PyTorch's ExponentialLR at gamma = e^-rate", function()
  local s = schedule.exponential { rate = 0.1 }
  -- ExponentialLR(gamma=exp(-0.1)), get_last_lr() after 0, 1, 10, 50 steps; its product of 50 factors rounds 50 times
  for t, want in next, { [0] = 1.0, [1] = 0.9048374180359595, [10] = 0.3678794411714421, [50] = 0.006737946999085447 } do
    test.near(s(t), want, 50 * 2.3e-16 * want)
  end
end)

test("inverse_power is (1 + beta t)^(-alpha), and polynomial is another name for it", function()
  for _, alpha in ipairs { 0.5, 0.75, 1 } do
    local s = schedule.inverse_power { alpha = alpha, beta = 0.1 }
    for _, t in ipairs { 0, 1, 9, 30, 1000 } do close(s(t), (1 + 0.1 * t) ^ -alpha) end
  end
  test.eq(schedule.polynomial { alpha = 1, beta = 1 }(3), 0.25)
  test.eq(tostring(schedule.polynomial { alpha = 1 }), "inverse_power{alpha=1,beta=0.1}")
end)

test("piecewise has the new value at the boundary, like PyTorch's MultiStepLR", function()
  local s = schedule.piecewise { boundaries = { 15, 30 }, values = { 0.5, 0.25, 0.125 } }
  -- MultiStepLR(milestones=[15, 30], gamma=0.5) from lr 0.5
  for t, want in next, { [0] = 0.5, [14] = 0.5, [15] = 0.25, [29] = 0.25, [30] = 0.125, [99] = 0.125 } do test.eq(s(t), want) end
end)

test("cosine agrees with PyTorch's CosineAnnealingLR up to T_max and stays there", function()
  local s = schedule.cosine { steps = 20, min = 0.01 / 0.3 }
  -- CosineAnnealingLR(T_max=20, eta_min=0.01) from lr 0.3, which computes each value from the one before: 20 roundings
  for t, want in next, { [0] = 0.3, [5] = 0.25753048327204936, [10] = 0.155, [15] = 0.05246951672795062, [20] = 0.01 } do
    test.near(0.3 * s(t), want, 20 * 2.3e-16 * want)
  end
  test.eq(s(21), 0.01 / 0.3)
  test.eq(schedule.cosine { steps = 4 }(400), 0)
end)

test("warmup grows linearly to 1 and hands over at step 0 of the next schedule", function()
  local s = schedule.warmup(5, schedule.exponential { rate = 0.1 })
  for t = 0, 4 do test.eq(s(t), (t + 1) / 5) end
  close(s(5), 1)
  -- SequentialLR([LinearLR(0.2, 1, 4), ExponentialLR(e^-0.1)], [4]) from lr 1
  close(s(6), 0.8187307530779817 / 0.9048374180359595)
  close(s(7), 0.8187307530779817)
  test.eq(schedule.warmup(2)(100), 1)
  test.eq(schedule.warmup(2, 0.5)(2), 0.5)
end)

test("arithmetic with numbers and schedules", function()
  local e, c = schedule.exponential { rate = 0.1 }, schedule.cosine { steps = 10 }
  close((0.1 * e)(3), 0.1 * math.exp(-0.3))
  close((e / 4)(3), math.exp(-0.3) / 4)
  close((e + 1)(3), math.exp(-0.3) + 1)
  close((1 - e)(3), 1 - math.exp(-0.3))
  close((e ^ 2)(3), math.exp(-0.6))
  close((e * c)(3), math.exp(-0.3) * (1 + math.cos(0.3 * math.pi)) / 2)
  close((e + c)(3), math.exp(-0.3) + (1 + math.cos(0.3 * math.pi)) / 2)
end)

test("text shows every option and what is combined", function()
  test.eq(tostring(schedule.constant()), "constant{value=1}")
  test.eq(tostring(schedule.piecewise { boundaries = { 10 }, values = { 1, 0.1 } }), "piecewise{boundaries={10},values={1,0.1}}")
  test.eq(tostring(0.1 * schedule.exponential { rate = 0.5 }), "0.1*exponential{rate=0.5}")
  test.eq(tostring((1 + schedule.exponential { rate = 0.5 }) / 2), "(1+exponential{rate=0.5})/2")
  test.eq(tostring(schedule.warmup(10, schedule.cosine { steps = 90 })), "warmup(10,cosine{min=0,steps=90})")
end)

local function columns(s)
  local out = {}
  for _, column in ipairs(s.columns) do out[column[1]] = column[2] end
  return out
end

test("a schedule gives its kind and its numbers to the columns", function()
  local s = schedule.inverse_power { alpha = 0.5, beta = 0.1 }
  test.eq(s.kind, "inverse_power")
  test.eq(columns(s), { alpha = 0.5, beta = 0.1 })
  test.eq(columns(schedule.piecewise { boundaries = { 10, 20 }, values = { 1, 0.5, 0.2 } }),
    { ["boundaries.1"] = 10, ["boundaries.2"] = 20, ["values.1"] = 1, ["values.2"] = 0.5, ["values.3"] = 0.2 })
end)

test("scaling keeps the kind and adds a column; combining two names both sides", function()
  local scaled = 0.5 * schedule.exponential { rate = 1 }
  test.eq(scaled.kind, "exponential")
  test.eq(columns(scaled), { rate = 1, factor = 0.5 })
  test.eq(columns(2 * scaled), { rate = 1, factor = 0.5, factor2 = 2 })
  local product = schedule.exponential { rate = 1 } * schedule.cosine { steps = 9 }
  test.eq(product.kind, "product")
  test.eq(columns(product), { left = "exponential", ["left.rate"] = 1, right = "cosine", ["right.steps"] = 9, ["right.min"] = 0 })
  test.eq(columns(schedule.warmup(3, scaled)), { steps = 3, after = "exponential", ["after.rate"] = 1, ["after.factor"] = 0.5 })
end)

test("a space among the options gives a space of schedules", function()
  local s = schedule.warmup(space.choice { 5, 10 }, schedule.inverse_power { alpha = space.choice { 0.5, 1 } })
  test.eq(#space.enumerate(s), 4)
  test.eq(space.enumerate(s)[4].text, "warmup(10,inverse_power{alpha=1,beta=0.1})")
end)

test("schedules describe themselves and never change", function()
  local s = schedule.exponential { rate = 1 }
  test.ok(described.is(s))
  test.ok(schedule.is(s))
  test.raises("it cannot be changed: field is rate", function() s.rate = 2 end)
  test.raises("it has no field rate", function() return s.rate end)
end)

test("wrong options are refused with the valid ones, at the caller's line", function()
  for wrong, f in next, {
    ["exponential: unknown option: rat is 1; did you mean rate? valid: rate"] = function() schedule.exponential { rat = 1 } end,
    ['exponential: wrong value: rate is "fast"; it must be a number of at least 0'] = function() schedule.exponential { rate = "fast" } end,
    ["exponential: options are given as one table: got 0.5; valid: rate"] = function() schedule.exponential(0.5) end,
    ["cosine: missing option: steps is nil; it must be a number greater than 0"] = function() schedule.cosine {} end,
    ["cosine: wrong value: steps is 0; it must be a number greater than 0"] = function() schedule.cosine { steps = 0 } end,
    ["one value more than boundaries is needed: there are 1 values and 1 boundaries"] = function()
      schedule.piecewise { boundaries = { 1 }, values = { 1 } }
    end,
    ["boundaries must ascend"] = function() schedule.piecewise { boundaries = { 2, 1 }, values = { 1, 2, 3 } } end,
    ["exponential: the step must be a number: t is nil"] = function() schedule.exponential()() end,
    ["schedule: + needs numbers and schedules: got \"a\""] = function() return schedule.constant() + "a" end,
    ["warmup: a schedule or a number is needed: got true"] = function() schedule.warmup(3, true) end,
  } do
    local message = test.raises(wrong, f)
    test.ok(message:find("schedule_spec.lua:", 1, true), "no position in: " .. message)
  end
end)

test.close()
