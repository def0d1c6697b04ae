-- Optimizers that need more than an elementwise rule, in lanes: each run has the bits it has alone.
local test = require "spec_lanes"
local tw = require "thalweg"
local core = require "thalweg.core"

local optim = tw.optim

local function lanes(rows, k)
  local out = {}
  for i, row in ipairs(rows) do out[i] = row[k] end
  return out
end

-- program(a, b, i) alone for each row { a, b, i } and for all rows at once.
local function alone_and_together(rows, program)
  local expected = {}
  for i, row in ipairs(rows) do
    core.lanes_begin(1)
    local results = program(core.laned({ row[1] }, "a"), core.laned({ row[2] }, "b"), core.laned({ row[3] }, "i"))
    expected[i] = {}
    for k, x in ipairs(results) do expected[i][k] = core.lane(x, 1):reshape(-1):table() end
    core.lanes_end()
  end
  core.lanes_begin(#rows)
  local results = program(core.laned(lanes(rows, 1), "a"), core.laned(lanes(rows, 2), "b"), core.laned(lanes(rows, 3), "i"))
  for i = 1, #rows do
    for k, x in ipairs(results) do test.eq(core.lane(x, i):reshape(-1):table(), expected[i][k], ("lane %d, result %d"):format(i, k)) end
  end
  core.lanes_end()
  for i = 2, #rows do test.ok(expected[i][1][1] ~= expected[1][1][1], "the lanes do not differ") end
end

local rows = { { 0.01, 1.5, 1 }, { 0.05, 0.5, 3 }, { 0.2, 1, 2 } }

local A = tw.rng(3):normal(4, 6)

-- a: the learning rate or what takes its place; b scales the start; i: the term of a finite sum the run sees first.
local kinds = {
  lars = function(a) return { lr = a } end,
  lamb = function(a) return { lr = a, weight_decay = 0.1 } end,
  adafactor = function(a) return { lr = a, beta1 = 0.5 } end,
  muon = function(a) return { lr = a } end,
  prodigy = function(a) return { lr = a * 10, weight_decay = a } end,
  polyak = function(a) return { lr = a * 10, f_min = -1, growth = 1.5 } end,
  schedule_free_sgd = function(a) return { lr = a, warmup_steps = 3 } end,
  schedule_free_adamw = function(a) return { lr = a, weight_decay = 0.1, box_max = 1 } end,
  svrg = function(a) return { lr = a, n = 4, period = 5 } end,
  saga = function(a) return { lr = a, n = 4, clip_global_norm = 1 } end,
  lookahead = function(a) return { k = 3, alpha = a * 4, reset_state = true, base = optim.adam { lr = 0.1 } } end,
  sam = function(a) return { rho = a, base = optim.lookahead { k = 2, base = optim.adam { lr = 0.1, clip_norm = 0.5 } } } end,
}

for kind, options in next, kinds do
  test(kind .. " is the same alone and in lanes", function()
    alone_and_together(rows, function(a, b, i)
      local p = { w = tw.linspace(-1, 1, 6):reshape(2, 3) * b, v = tw.linspace(0.5, 1, 2) * b }
      local opt = optim[kind](p, options(a))
      local index = i
      for t = 1, 12 do
        local terms = (index + t) % 4 + 1
        opt:step(function(q, j)
          local residual = A:index_select(1, j):matmul(q.w:reshape(6)) - q.v:sum()
          return residual:square():mean() * 0.5 + 0.1 * (q.w:square():sum() + q.v:square():sum())
        end, terms:reshape(1))
      end
      local x = opt:eval_params()
      return { p.w, p.v, x.w, x.v }
    end)
  end)
end

test("saga takes several terms of its own in each lane", function()
  alone_and_together(rows, function(a, b, i)
    local p = tw.linspace(-1, 1, 6) * b
    local opt = optim.saga(p, { lr = a, n = 4 })
    for t = 1, 8 do
      local first = (i + t) % 4 + 1
      local pair = tw.stack({ first, first % 4 + 1 })
      opt:step(function(q, j) return ((A:index_select(1, j):matmul(q) - 1) ^ 2):mean() end, pair)
    end
    return { p, opt:state().vectors.table }
  end)
end)

test("what an optimizer keeps by lane follows when runs are over", function()
  local function train(values, drop)
    core.lanes_begin(#values)
    local a = core.laned(values, "a")
    local p = tw.ones(3)
    local opt = optim.lookahead(p, { k = 2, alpha = 0.5, base = optim.polyak { lr = a, accumulate = 2, growth = 1.1 } })
    local q = tw.ones(3)
    local free = optim.schedule_free_sgd(q, { lr = a, warmup_steps = 4 })
    for t = 1, 9 do
      if t == 4 and drop then core.lanes_compact(drop) end
      opt:step(function(x) return (x * x):sum() end)
      free:step(function(x) return (x * x):sum() end)
    end
    local out = {}
    local left = drop and #drop or #values
    for i = 1, left do out[i] = { core.lane(p, i):table(), core.lane(q, i):table() } end
    core.lanes_end()
    return out
  end
  local all = train({ 0.1, 0.3, 0.7 })
  local some = train({ 0.1, 0.3, 0.7 }, { 1, 3 })
  test.eq(some, { all[1], all[3] })
end)

test.close()
