-- SGD against PyTorch: whole trajectories in f64 (tests/golden/make_sgd.py says what was run). A free run of 200 steps may differ by rounding alone:
-- max(1e-12, 100 times what moving every starting weight by one ulp did to PyTorch's own run).
local test = require "spec"
local tw = require "thalweg"
local golden = require "golden.sgd"

local columns = { "sepal_length", "sepal_width", "petal_length", "petal_width" }
local shapes = { b1 = { 8 }, b2 = { 3 }, w1 = { 4, 8 }, w2 = { 8, 3 } }

local function iris()
  local x, y = {}, {}
  for line in io.lines("data/iris.csv") do
    local fields = {}
    for field in line:gmatch("[^,]+") do fields[#fields + 1] = tonumber(field) end
    if #fields == #columns + 1 then
      x[#x + 1] = { table.unpack(fields, 1, 4) }
      y[#y + 1] = math.tointeger(fields[5]) + 1
    end
  end
  return tw.tensor(x), tw.tensor(y, { dtype = "i64" })
end

local function start()
  local p = {}
  for k, name in ipairs { "b1", "b2", "w1", "w2" } do
    local n, values = 1, {}
    for _, size in ipairs(shapes[name]) do n = n * size end
    for i = 0, n - 1 do values[i + 1] = (i * 7919 + (k - 1) * 131) % 1000 / 1000 - 0.5 end
    p[name] = tw.tensor(values):reshape(shapes[name])
  end
  return p
end

local x, y = iris()
for _, case in ipairs(golden) do
  local names = {}
  for name, value in next, case.options do names[#names + 1] = name .. " = " .. tostring(value) end
  table.sort(names)
  test("sgd follows PyTorch for 200 steps with " .. table.concat(names, ", "), function()
    local p, tolerance = start(), math.max(1e-12, 100 * case.spread)
    local opt = tw.optim.sgd(p, case.options)
    for i, want in ipairs(case.losses) do
      local loss = opt:step(function(q) return tw.tanh(x:linear(q.w1, q.b1)):linear(q.w2, q.b2):cross_entropy(y) end)
      test.near(loss:item(), want, tolerance, "loss of step " .. i)
    end
    for name, want in next, case.params do
      local got = p[name]:reshape(-1):table()
      for i = 1, #want do test.near(got[i], want[i], tolerance, name .. " " .. i) end
    end
  end)
end

-- .1 x1^2 + 2 x2^2 from (-5, -2), 20 steps: published end values (Zhang et al., Dive into Deep Learning, 12.6), in 1e-13 relative.
local function descend(options, steps)
  local p = tw.tensor { -5, -2 }
  local a, opt = tw.tensor { .1, 2 }, tw.optim.sgd(p, options)
  for _ = 1, steps or 20 do opt:step(function(q) return (a * q ^ 2):sum() end) end
  return p:table()
end

local published = {
  { { lr = .4 }, { -0.9434666458139824, -7.312316880125978e-05 } },
  { { lr = .6 }, { -0.38781396819094793, -1673.365108505695 } },
  { { lr = .6, momentum = .5 }, { 0.007187866737294238, 0.0025532747547120736 } },
  { { lr = .6, momentum = .25 }, { -0.1263396302056502, -0.18663223011516716 } },
  { { lr = .1, momentum = .9 }, { 1.3533566908, -.4658126036 }, 1e-9 },
  { { lr = .1, momentum = .9, nesterov = true }, { 1.0735372079, .0007303881 }, 1e-9 },
}
for _, case in ipairs(published) do
  local o = case[1]
  test(string.format("the published end point of momentum with lr %g, momentum %g%s", o.lr, o.momentum or 0, o.nesterov and ", nesterov" or ""), function()
    local got = descend(o)
    for i = 1, 2 do test.near(got[i], case[2][i], (case[3] or 1e-13) * math.max(1, math.abs(case[2][i]))) end
  end)
end

test("at a constant rate the three momentum forms are one", function()
  local heavy, velocity = descend { lr = .1, momentum = .5 }, descend { lr = .1, momentum = .5, form = "velocity" }
  local ema = descend { lr = .2, momentum = .5, form = "ema" }
  for i = 1, 2 do
    test.near(velocity[i], heavy[i], 1e-14)
    test.near(ema[i], heavy[i], 1e-14)
  end
end)

test("heavy_ball and velocity part once the rate is scheduled", function()
  local rate = 0.1 * tw.schedule.exponential { rate = 0.1 }
  local heavy, velocity = descend { lr = rate, momentum = .9 }, descend { lr = rate, momentum = .9, form = "velocity" }
  -- the recursions themselves, written out
  local function by_hand(in_velocity)
    local p, v, factor = { -5, -2 }, { 0, 0 }, { .2, 4 }
    for t = 0, 19 do
      local lr = rate(t)
      for i = 1, 2 do
        v[i] = .9 * v[i] + (in_velocity and lr or 1) * factor[i] * p[i]
        p[i] = p[i] - (in_velocity and 1 or lr) * v[i]
      end
    end
    return p
  end
  for i = 1, 2 do
    test.near(heavy[i], by_hand(false)[i], 1e-13)
    test.near(velocity[i], by_hand(true)[i], 1e-13)
  end
  test.ok(math.abs(heavy[1] - velocity[1]) > 1e-3)
end)

test.close()
