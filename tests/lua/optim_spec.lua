-- The face of the optimizers: options, schedules, recipes, and the lecture's numbers through it.
local core = require "thalweg.core"
local optim = require "thalweg.optim"
local plan = require "thalweg.plan"
local experiment = require "thalweg.experiment"
local schedule = require "thalweg.schedule"
local space = require "thalweg.space"
local test = require "spec"

local function valley(p) return p.x[1] ^ 2 * 0.1 + p.x[2] ^ 2 * 2 end

local function descend(o, steps)
  local params = { x = core.tensor { -5, -2 } }
  local opt = optim.sgd(params, o)
  for _ = 1, steps do opt:step(valley) end
  return params.x:table(), opt
end

-- Zhang et al., Dive into Deep Learning, 12.6: f = .1 x1^2 + 2 x2^2 from (-5, -2), 20 steps, values recomputed in f64.
test("momentum follows the published trajectories", function()
  for _, row in ipairs {
    { { lr = 0.4 }, -0.9434666458139824, -7.312316880125978e-05 },
    { { lr = 0.6 }, -0.38781396819094793, -1673.365108505695 },
    { { lr = 0.6, momentum = 0.5 }, 0.007187866737294238, 0.0025532747547120736 },
    { { lr = 0.6, momentum = 0.25 }, -0.1263396302056502, -0.18663223011516716 },
  } do
    local x = descend(row[1], 20)
    test.near(x[1], row[2], 1e-13 * math.abs(row[2]) + 1e-15)
    test.near(x[2], row[3], 1e-13 * math.abs(row[3]) + 1e-15) -- x2 passes through cancellations of numbers of order 1
  end
end)

test("a schedule gives the number of each step, from 0 on", function()
  local s = 0.1 * schedule.exponential { rate = 0.5 }
  local params = { x = core.tensor { 1 } }
  local opt = optim.sgd(params, { lr = s })
  test.eq(opt:hyper().lr, s(0))
  local x = 1
  for t = 0, 4 do
    opt:step(function(p) return p.x:sum() end)
    test.eq(opt:hyper().lr, s(t))
    x = x - s(t)
    test.eq(opt.steps, t + 1)
  end
  test.near(params.x:table()[1], x, 1e-15)
end)

test("step returns what f returned, before the update; info has the gradient's norm", function()
  local params = { x = core.tensor { 3, 4 } }
  local opt = optim.sgd(params, { lr = 0.5 })
  local loss, more, label = opt:step(function(p, scale) return (p.x * p.x):sum() * scale, p.x * 1, "kept" end, 0.5)
  test.eq({ loss:item(), more:table(), label }, { 12.5, { 3, 4 }, "kept" })
  test.near(opt:info().grad_norm, 5, 1e-15)
  test.eq(opt:grads().x:table(), { 3, 4 })
  test.eq(params.x:table(), { 1.5, 2 })
end)

test("update takes gradients of one's own", function()
  local params = { x = core.tensor { 1, 1 } }
  local opt = optim.sgd(params, { lr = 0.5 })
  opt:update { x = core.tensor { 1, 2 } }
  test.eq({ params.x:table(), opt.steps }, { { 0.5, 0 }, 1 })
  test.raises("the tree of parameters has changed since the optimizer was made", function()
    params.x = core.tensor { 1, 1 }
    opt:step(function(p) return p.x:sum() end)
  end)
end)

test("options are checked, with the valid ones, at the caller's line", function()
  local params = { x = core.tensor { 1 } }
  for wrong, f in next, {
    ["sgd: unknown option: learning_rate is 0.1; valid: lr, momentum, dampening, weight_decay, decay, nesterov, form, box_min, "] = function()
      optim.sgd(params, { learning_rate = 0.1 })
    end,
    ["sgd: wrong value: lr is -1; it must be"] = function() optim.sgd(params, { lr = -1 }) end,
    ["sgd: wrong value: nesterov is 1; it must be true or false"] = function() optim.sgd(params, { nesterov = 1 }) end,
    ['form is "adam"; it must be one of heavy_ball, ema, velocity'] = function() optim.sgd(params, { form = "adam" }) end,
  } do
    local message = test.raises(wrong, f)
    test.ok(message:find("optim_spec.lua:", 1, true), "no position in: " .. message)
  end
end)

test("defaults are PyTorch's", function()
  local opt = optim.sgd { x = core.tensor { 1 } }
  local inf = math.huge
  test.eq(opt:hyper(), { lr = 1e-3, momentum = 0, dampening = 0, weight_decay = 0, decay = "coupled", nesterov = false, form = "heavy_ball",
    box_min = -inf, box_max = inf, clip_value = inf, clip_norm = inf, clip_adaptive = inf, clip_global_norm = inf, ball = inf, accumulate = 1, ema = 0,
    skip_nonfinite = false, maximize = false })
end)

test("without parameters it is a recipe: plain data that makes optimizers", function()
  local recipe = optim.sgd { lr = 0.4 }
  test.eq(tostring(recipe), 'sgd{lr=0.4}')
  local params = { x = core.tensor { -5, -2 } }
  local opt = recipe:new(params)
  opt:step(valley)
  test.near(params.x:table()[1], -4.6, 1e-15)
end)

test("a recipe made again from its options is the same recipe", function()
  local recipe = optim.sgd { lr = 0.4, momentum = 0.9 }
  test.eq(recipe.rebuild(recipe.options).text, recipe.text)
  test.eq(recipe.options, { lr = 0.4, momentum = 0.9 })
end)

test("recipes with spaces are parameters of a sweep", function()
  local e = experiment.new { name = "x", run = print, params = { opt = optim.sgd { lr = space.choice { 0.1, schedule.exponential() }, momentum = 0.9 } } }
  local p = plan.build(e)
  test.eq(#p.rows, 2)
  local seen = {}
  for _, column in ipairs(p.rows[2].values) do seen[column[1]] = column[2] end
  test.eq(seen, { opt = "sgd", opt_lr = "exponential", opt_lr_rate = 0.01, opt_momentum = 0.9 })
  test.eq(plan.build(e, { set = { { "opt.momentum", { 0.5, 0.6 } } } }).rows[4].params.opt.options.momentum, 0.6)
end)

test.close()
