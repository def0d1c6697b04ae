-- Problems on which optimizers are held against other implementations (tests/golden/make_optim.py has the same), and how far apart two may be.
local tw = require "thalweg"

local problems = {}

local columns = 4
local function iris()
  local x, y = {}, {}
  for line in io.lines("data/iris.csv") do
    local fields = {}
    for field in line:gmatch("[^,]+") do fields[#fields + 1] = tonumber(field) end
    if #fields == columns + 1 then
      x[#x + 1] = { table.unpack(fields, 1, columns) }
      y[#y + 1] = math.tointeger(fields[columns + 1]) + 1
    end
  end
  return tw.tensor(x), tw.tensor(y, { dtype = "i64" })
end

local x, y = iris()
local curvature = tw.tensor { .01, .02, .05, .1, .2, .5, 1, 2, 5, 10 }
local mirror = tw.arange(1, 10)

local loss = {
  quadratic = function(p)
    local z = p.x - 2 * mirror:dot(p.x) / 385 * mirror
    return 0.5 * (curvature * (z - 1) ^ 2):sum()
  end,
  rosenbrock = function(p)
    local a, b = p.x:narrow(1, 1, 3), p.x:narrow(1, 2, 3)
    return (100 * (b - a ^ 2) ^ 2 + (1 - a) ^ 2):sum()
  end,
  network = function(p)
    local decay = (p.w1 ^ 2):sum() + (p.w2 ^ 2):sum() + (p.b1 ^ 2):sum() + (p.b2 ^ 2):sum()
    return tw.tanh(x:linear(p.w1, p.b1)):linear(p.w2, p.b2):cross_entropy(y) + 0.005 * decay
  end,
}

local shapes = { b1 = { 8 }, b2 = { 3 }, w1 = { 4, 8 }, w2 = { 8, 3 } }

local function start_of_network()
  local p = {}
  for k, name in ipairs { "b1", "b2", "w1", "w2" } do
    local n, values = 1, {}
    for _, size in ipairs(shapes[name]) do n = n * size end
    for i = 0, n - 1 do values[i + 1] = (i * 7919 + (k - 1) * 131) % 1000 / 1000 - 0.5 end
    p[name] = tw.tensor(values):reshape(shapes[name])
  end
  return p
end

local start = {
  quadratic = function()
    local v = {}
    for i = 0, 9 do v[i + 1] = 1.5 - .3 * i end
    return { x = tw.tensor(v) }
  end,
  rosenbrock = function() return { x = tw.tensor { -1.2, 1, -1.2, 1 } } end,
  network = start_of_network,
}

problems.names = { "rosenbrock", "quadratic", "network" }

-- name -> the loss, a function of the parameters, and new parameters at the start
function problems.get(name) return loss[name], start[name]() end

-- All numbers of a tree of tensors, in the tree's order; and the tree with numbers put in.
function problems.numbers(p)
  local out = {}
  for _, leaf in ipairs((tw.tree.leaves(p))) do
    for _, v in ipairs(leaf:reshape(-1):table()) do out[#out + 1] = v end
  end
  return out
end

function problems.put(p, numbers)
  local at = 0
  for _, leaf in ipairs((tw.tree.leaves(p))) do
    leaf:assign(tw.tensor({ table.unpack(numbers, at + 1, at + leaf.size) }):reshape(leaf.shape))
    at = at + leaf.size
  end
end

-- The distance from |v| to the next number of f64.
function problems.ulp(v)
  v = math.abs(v)
  local bits = string.unpack("<i8", string.pack("<d", v))
  return string.unpack("<d", string.pack("<i8", bits + 1)) - v
end

-- One step: within 4 ulp of max(|x|, |update|), in every element.
function problems.step_near(test, got, want, before, note)
  for i = 1, #want do
    local size = math.max(math.abs(want[i]), math.abs(want[i] - before[i]))
    test.near(got[i], want[i], 4 * problems.ulp(size), ("%s, element %d"):format(note, i))
  end
end

-- A free run: within max(1e-12, 100 times what one ulp at the start does) of max |x|.
function problems.run_near(test, got, want, spread, note)
  local largest = 0
  for i = 1, #want do largest = math.max(largest, math.abs(want[i])) end
  for i = 1, #want do test.near(got[i], want[i], math.max(1e-12, 100 * spread) * largest, ("%s, element %d"):format(note, i)) end
end

return problems
