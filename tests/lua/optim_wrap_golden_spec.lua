-- Optimizers that need more than an elementwise rule, against NumPy (tests/golden/make_optim_wrap.py says what was run): single steps from NumPy's own
-- state, and free runs of 1000 steps, which may differ by rounding alone: max(1e-12, 100 times what moving the start by one ulp did to NumPy's own run).
local test = require "spec"
local tw = require "thalweg"
local golden = require "golden.optim_wrap"

local shapes, first = { b = { 3 }, w = { 3, 4 } }, { b = 0, w = 3 }
local terms = 7

local function made(name, f)
  local out, n = {}, 1
  for _, size in ipairs(shapes[name]) do n = n * size end
  for k = 0, n - 1 do out[k + 1] = f(first[name] + k) end
  return tw.tensor(out):reshape(shapes[name])
end

local function tree(f)
  local out = {}
  for name in next, shapes do out[name] = f(name) end
  return out
end

local function curvature(term) return tree(function(name) return made(name, function(k) return 1 + (k + 3 * term) * 37 % 10 / 10 end) end) end
local function slope(t) return tree(function(name) return made(name, function(k) return (k * 7919 + t * 10473) % 1000 / 1000 - 0.5 end) end) end
local function start() return tree(function(name) return made(name, function(k) return (k * 7919 + 131) % 1000 / 1000 - 0.5 end) end) end

local c0 = curvature(0)
local c, s = {}, {}
for i = 1, terms do c[i], s[i] = curvature(i), slope(i) end

local function quadratic(p, curve, line)
  local sum = 0
  for _, name in ipairs { "b", "w" } do sum = sum + (0.5 * curve[name] * p[name] ^ 2 + line[name] * p[name]):sum() end
  return sum
end

local function term(p, i) return quadratic(p, c[i], s[i]) end

local evaluates = { sam = true, polyak = true, svrg = true, saga = true }

-- Step t of the problem.
local function advance(opt, kind, p, t)
  if kind == "svrg" or kind == "saga" then return opt:step(term, 3 * t % terms + 1) end
  local line = slope(t)
  if evaluates[kind] then return opt:step(quadratic, c0, line) end
  opt:update(tree(function(name) return c0[name] * p[name] + line[name] end))
end

local function read_tensor(x)
  local size = 1
  for _, n in ipairs(x[1]) do size = size * n end
  return tw.tensor(x[2]):reshape(x[1])
end

-- What the golden file says of a state, as opt:load takes it.
local function state_of(given)
  local out = { kind = given.kind, steps = given.steps, updates = given.steps, calls = 0, begun = given.steps > 0, slots = {}, vectors = {}, schedules = {},
    numbers = given.numbers or {}, groups = given.group_numbers and { given.group_numbers }, base = given.base and state_of(given.base) }
  for path, slots in next, given.slots do
    out.slots[path] = {}
    for name, x in next, slots do out.slots[path][name] = read_tensor(x) end
  end
  for name, x in next, given.vectors do out.vectors[name] = read_tensor(x) end
  return out
end

local function construct(case, p)
  return assert(load("local tw, p = ... return tw.optim." .. case.kind .. "(p, { " .. case.options .. " })"))(tw, p)
end

-- How many units in the last place of max(|x|, |update|) a single step may be off. Elementwise methods: 4. sam, svrg, saga: the gradient itself comes
-- out of differentiation here and from a formula there: 4, and 8 behind a norm. Norms and sums over 3 to 15 numbers, which each
-- side adds in its own order, enter as factors: 8; adafactor divides by roots of products of such sums: 32. muon multiplies matrices, and five
-- iterations with coefficients up to 4.8 magnify a relative difference: 128.
local ulps = { schedule_free_sgd = 4, schedule_free_adamw = 4, lookahead = 4, sam = 8, svrg = 4, saga = 4, lars = 8, lamb = 8, adafactor = 32,
  prodigy = 8, polyak = 8, muon = 128 }

for _, case in ipairs(golden) do
  test(("%s{%s}: single steps from NumPy's state"):format(case.kind, case.options), function()
    for _, mark in ipairs(case.marks) do
      local p = tree(function(name) return tw.tensor(mark.before[name]):reshape(shapes[name]) end)
      local opt = construct(case, p)
      opt:load(state_of(mark.state))
      advance(opt, case.kind, p, mark.t)
      for name in next, shapes do
        local got = p[name]:reshape(-1):table()
        for k, want in ipairs(mark.after[name]) do
          local before = mark.before[name][k]
          local size = math.max(math.abs(before), math.abs(want - before))
          test.near(got[k], want, ulps[case.kind] * 2^-52 * size, ("step %d, %s %d"):format(mark.t, name, k))
        end
      end
    end
  end)
  test(("%s{%s}: 1000 steps like NumPy's"):format(case.kind, case.options), function()
    local p, tolerance = start(), math.max(1e-12, 100 * case.spread)
    local opt = construct(case, p)
    local mark = 1
    for t = 1, 1000 do
      advance(opt, case.kind, p, t)
      if case.marks[mark] and case.marks[mark].t == t then
        for name, want in next, case.marks[mark].after do
          local got = p[name]:reshape(-1):table()
          for k in ipairs(want) do test.near(got[k], want[k], tolerance, ("after step %d, %s %d"):format(t, name, k)) end
        end
        mark = mark + 1
      end
    end
    test.eq(mark, #case.marks + 1)
  end)
end

test.close()
