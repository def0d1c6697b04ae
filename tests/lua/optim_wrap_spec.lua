-- Optimizers around optimizers, layer-wise rates, averages: what they reach, how they nest, what they refuse.
local test = require "spec"
local tw = require "thalweg"

local optim, schedule, space = tw.optim, tw.schedule, tw.space
local i64 = { dtype = "i64" }

local function parabola(p) return ((p - tw.tensor { 1, -1, 1 }) ^ 2):sum() end
local function rosenbrock(p) return (1 - p[1]) ^ 2 + 100 * (p[2] - p[1] ^ 2) ^ 2 end
local function valley(p) return 0.1 * p[1] ^ 2 + 2 * p[2] ^ 2 end
local function same(a, b, note) test.eq(a:reshape(-1):table(), b:reshape(-1):table(), note) end

-- Optax's acceptance suite: 10000 steps from (-1, 10, 1) to (1, -1, 1) and from (0, 0) to (1, 1) within 3e-2, at its learning rates where it has the
-- method. sam stops where the loss is flat on the whole circle, so its circle is small here.
local reaches = {
  { "lars", { lr = 1 } }, { "lamb", { lr = 1e-3 } }, { "adafactor", { lr = 5e-3 } }, { "prodigy", {} }, { "polyak", {} },
  { "schedule_free_sgd", { lr = 5e-3 } }, { "schedule_free_adamw", { lr = 1e-2 } }, { "muon", { lr = 0.1, weight_decay = 0 } },
  { "lookahead", { base = optim.adam { lr = 0.1 } } }, { "lookahead", { k = 7, alpha = 0.3, base = optim.adam { lr = 0.1 } } },
  { "sam", { rho = 1e-3, base = optim.adam { lr = 0.1 } } }, { "sam", { rho = 1e-3, base = optim.lookahead { base = optim.adam { lr = 0.1 } } } },
  { "lookahead", { base = optim.sam { rho = 1e-3, base = optim.adam { lr = 0.1 } } } }, { "lookahead", { base = optim.newton {} } },
}
for _, case in ipairs(reaches) do
  for name, problem in next, { parabola = { parabola, { -1, 10, 1 }, { 1, -1, 1 } }, rosenbrock = { rosenbrock, { 0, 0 }, { 1, 1 } } } do
    test(("%s comes to the optimum of %s"):format(tostring(optim[case[1]](case[2])), name), function()
      local p = tw.tensor(problem[2])
      local opt = optim[case[1]](p, case[2])
      for _ = 1, 10000 do opt:step(problem[1]) end
      local got = opt:eval_params():table()
      for i, want in ipairs(problem[3]) do test.near(got[i], want, 3e-2 * (1 + math.abs(want)), "coordinate " .. i) end
    end)
  end
end

test("sam evaluates twice with the same random numbers, which advance once", function()
  local draw, other = tw.rng(1), tw.rng(1)
  local noise = {}
  local opt = optim.sam(tw.tensor { 1, 2 }, { base = optim.sgd { lr = 0.1 } })
  for k = 1, 2 do
    opt:step(function(p)
      local x = draw:normal(2)
      noise[#noise + 1] = tw.stop_gradient(x):table()
      return (p * x):sum() + p:dot(p)
    end)
    test.eq(opt:info().evaluations, 2)
    test.eq(noise[2 * k], noise[2 * k - 1])
    test.eq(noise[2 * k], other:normal(2):table())
  end
end)

test("sam: one step by hand; what it returns and info are of the parameters before it", function()
  local p = tw.tensor { 3, 4 }
  local opt = optim.sam(p, { rho = 0.5, base = optim.sgd { lr = 0.1 } })
  local loss = opt:step(function(q) return 0.5 * q:dot(q) end)
  test.eq(loss:item(), 12.5)
  test.near(opt:info().grad_norm, 5, 1e-15)
  test.near(opt:info().step_norm, 0.55, 5e-14)
  test.near(p[1]:item(), 3 - 0.1 * 3.3, 1e-14) -- the 1e-12 beside the norm moves it by 6e-15
  test.near(p[2]:item(), 4 - 0.1 * 4.4, 1e-14)
  test.eq(opt:grads():table(), { 3, 4 })
end)

test("sam descends in search of the worst point where its base ascends", function()
  local p, q = tw.tensor { 1, 2 }, tw.tensor { 1, 2 }
  local up = optim.sam(p, { base = optim.lookahead { base = optim.sgd { lr = 0.1, maximize = true } } })
  local down = optim.sam(q, { base = optim.lookahead { base = optim.sgd { lr = 0.1 } } })
  for _ = 1, 3 do
    up:step(function(x) return -valley(x) end)
    down:step(valley)
  end
  same(p, q)
end)

test("a function that fails in sam's second evaluation leaves the parameters where they were", function()
  local p, calls = tw.tensor { 1, 2 }, 0
  local opt = optim.sam(p, { base = optim.sgd { lr = 0.1 } })
  test.raises("the second one", function()
    opt:step(function(q)
      calls = calls + 1
      if calls == 2 then error "the second one" end
      return q:dot(q)
    end)
  end)
  test.eq({ p:table(), opt.steps }, { { 1, 2 }, 0 })
  opt:step(function(q) return q:dot(q) end)
  test.eq(opt.steps, 1)
end)

-- A nested optimizer does what its parts do one after the other.
test("lookahead around sam around adam, by hand", function()
  local p, q = tw.tensor { -5, -2 }, tw.tensor { -5, -2 }
  local opt = optim.lookahead(p, { k = 3, alpha = 0.25, base = optim.sam { rho = 0.1, base = optim.adam { lr = 0.1 } } })
  local adam, slow = optim.adam(q, { lr = 0.1 }), q:clone()
  for t = 1, 10 do
    opt:step(valley)
    local g = tw.grad(valley)(q)
    adam:update(tw.grad(valley)(q + 0.1 / (g:norm():item() + 1e-12) * g))
    if t % 3 == 0 then
      slow = slow + 0.25 * (q - slow)
      q:assign(slow)
    end
    for i = 1, 2 do test.near(p[i]:item(), q[i]:item(), 1e-14) end
    test.eq({ opt.steps, opt:info().evaluations }, { t, 2 })
  end
  same(opt:eval_params(), slow:clone() * 1)
  test.eq(optim.lookahead(p, { evaluate = "fast", base = optim.sgd {} }):eval_params():table(), p:table())
end)

test("lookahead counts updates, not calls, where its base accumulates", function()
  local p = tw.tensor { 0 }
  local opt = optim.lookahead(p, { k = 2, alpha = 0.5, base = optim.sgd { lr = 1, accumulate = 3 } })
  for t = 1, 6 do
    opt:update(tw.ones(1))
    test.eq(opt.steps, t // 3)
    test.eq(opt:info().reason, t % 3 == 0 and "" or "accumulating")
  end
  test.eq(p:table(), { -1 }) -- two updates of 1, then half the way back
end)

test("reset_state: after the slow weights moved, the base is a new one", function()
  local p = tw.tensor { 0, 0 }
  local opt = optim.lookahead(p, { k = 2, alpha = 1, reset_state = true, base = optim.adam { lr = 0.1 } })
  opt:update(tw.tensor { 1, -3 })
  opt:update(tw.tensor { 5, 1 })
  local before, q = p:clone(), p:clone()
  opt:update(tw.tensor { 2, 2 })
  optim.adam(q, { lr = 0.1 }):update(tw.tensor { 2, 2 })
  same(p, q)
  test.ok((p - before):norm():item() > 0.1)
  test.eq(opt:state().base.updates, 1)
  test.eq(opt:state().base.steps, 3)
end)

test("reset_state begins again what does not start at zero", function()
  local p = tw.tensor { 3, 4 }
  local opt = optim.lookahead(p, { k = 2, reset_state = true, base = optim.prodigy {} })
  for _ = 1, 4 do opt:step(function(q) return q:abs():sum() end) end
  test.eq(opt:state().base.numbers, { d = 1e-6, d_max = 1e-6, numerator = 0 })
  same(opt:state().base.slots.params.start, p)
end)

test("schedule-free: the average beats the point of training on a noisy quadratic", function()
  for _, case in ipairs { { "schedule_free_sgd", { lr = 0.2 } }, { "schedule_free_adamw", { lr = 0.05 } } } do
    local draw, p = tw.rng(5), tw.tensor { -5, -2 }
    local opt = optim[case[1]](p, case[2])
    local at_y, at_x = 0, 0
    for t = 1, 3000 do
      opt:step(function(q) return valley(q) + q:dot(draw:normal(2)) end)
      if t > 2000 then
        at_y = at_y + valley(p):item()
        at_x = at_x + valley(opt:eval_params()):item()
      end
    end
    test.ok(at_x < 0.7 * at_y, ("%s: mean loss at x %g, at y %g"):format(case[1], at_x / 1000, at_y / 1000))
  end
end)

test("schedule-free: box and ball hold at x, y and z", function()
  for _, kind in ipairs { "schedule_free_sgd", "schedule_free_adamw" } do
    local p, q = tw.tensor { 0.5, 0.5 }, tw.tensor { 0.5, 0.5 }
    local box, ball = optim[kind](p, { lr = 0.5, box_min = 0.25, box_max = 0.75 }), optim[kind](q, { lr = 0.5, ball = 1 })
    for _ = 1, 50 do
      box:update(tw.tensor { 1, -1 })
      ball:update(tw.tensor { 1, -1 })
      for _, x in ipairs { p, box:eval_params(), box:state().slots.params.z } do
        test.ok(x:min():item() >= 0.25 and x:max():item() <= 0.75)
      end
      for _, x in ipairs { q, ball:eval_params(), ball:state().slots.params.z } do test.ok(x:norm():item() <= 1 + 1e-14) end
    end
    test.near(box:eval_params()[1]:item(), 0.25, 1e-2)
    test.ok(ball:eval_params()[1]:item() < -0.5)
  end
end)

test("schedule-free: groups have weights of their own", function()
  local p = { a = tw.zeros(1), b = tw.zeros(1) }
  local opt = optim.schedule_free_sgd(p, { lr = 1, groups = { { path = "^b", lr = 1 - schedule.linear { from = 0, to = 1, steps = 10 } } } })
  local alone = { tw.zeros(1), tw.zeros(1) }
  local one = optim.schedule_free_sgd(alone[1], { lr = 1 })
  local two = optim.schedule_free_sgd(alone[2], { lr = 1 - schedule.linear { from = 0, to = 1, steps = 10 } })
  for _ = 1, 8 do
    opt:update { a = tw.ones(1), b = tw.ones(1) }
    one:update(tw.ones(1))
    two:update(tw.ones(1))
  end
  same(p.a, alone[1])
  same(p.b, alone[2])
  test.ok(p.a[1]:item() ~= p.b[1]:item())
end)

-- |x - a| summed: D = max |x0 - a| is the distance Prodigy's sign-like steps have to go.
test("prodigy finds the scale of the distance, over ten orders of magnitude", function()
  for _, scale in ipairs { 1e-3, 1, 1e3, 1e7 } do
    local p, a = tw.zeros(4), scale * tw.tensor { 1, -0.5, 0.75, -1 }
    local opt = optim.prodigy(p, { d0 = 1e-6 * scale })
    test.eq(opt:state().numbers.d, 0)
    for _ = 1, 300 do opt:step(function(q) return (q - a):abs():sum() end) end
    local d = opt:state().numbers.d
    test.ok(d > 0.1 * scale and d < 2 * scale, ("the estimate is %g at scale %g"):format(d, scale))
    test.ok((p - a):abs():max():item() < 0.5 * scale)
  end
  local p = tw.zeros(1)
  local opt = optim.prodigy(p, { growth_rate = 1.5 })
  local last = 1e-6
  for t = 1, 30 do
    opt:step(function(q) return (q - 100):abs():sum() end)
    local d = opt:state().numbers.d
    -- the first estimate above d0 is taken as it is, as in the authors' code
    test.ok(d >= last and (last == 1e-6 or d <= 1.5 * last * (1 + 1e-15)), "growth_rate is no bound in step " .. t)
    last = d
  end
  test.ok(last > 1e-5)
end)

test("polyak: exact where the minimum is known, bounded where it is not", function()
  local p = tw.tensor { 3, 4 }
  local opt = optim.polyak(p)
  opt:step(function(q) return 0.5 * q:dot(q) end)
  test.eq(p:table(), { 1.5, 2 })
  test.eq(opt:state().numbers.rate, 0.5)
  local sps = optim.polyak(p, { convention = "sps", max_lr = 0.25 })
  sps:step(function(q) return 0.5 * q:dot(q) end)
  test.eq(p:table(), { 1.125, 1.5 })
  optim.polyak(p, { f_min = 100 }):step(function(q) return 0.5 * q:dot(q) end)
  test.eq(p:table(), { 1.125, 1.5 }) -- below the supposed minimum it stays
  optim.polyak(p, { f_min = -1, maximize = true }):step(function(q) return -0.5 * q:dot(q) end)
  test.ok(p:norm():item() < 1.875)
end)

test("accumulated gradients go with the mean of their losses", function()
  local p = tw.tensor { 2 }
  local opt = optim.polyak(p, { accumulate = 2 })
  opt:step(function(q) return 3 * q:sum() end)
  local saved = opt:state()
  opt:step(function(q) return q:sum() + 4 end)
  test.eq(p:table(), { 2 - 6 / 4 * 2 }) -- losses 6 and 6, gradients 3 and 1
  local q = tw.tensor { 2 }
  local again = optim.polyak(q, { accumulate = 2 })
  again:load(saved)
  again:step(function(x) return x:sum() + 4 end)
  same(p, q)
end)

test("muon: nearly orthogonal steps; a matrix and its transpose move alike", function()
  local draw = tw.rng(2)
  local g = draw:normal(6, 4)
  local tall, wide = tw.zeros(6, 4), tw.zeros(4, 6)
  optim.muon(tall, { lr = 1, adjust_lr = "none" }):update(g)
  optim.muon(wide, { lr = 1, adjust_lr = "none" }):update(g:t():clone())
  test.near((tall - wide:t()):abs():max():item(), 0, 1e-14)
  local _, s = tw.linalg.svd(tall)
  test.ok(s:min():item() > 0.5 and s:max():item() < 1.3, "singular values " .. tostring(s))
  for how, want in next, { original = (6 / 4) ^ 0.5, transposed = 1, match_rms_adamw = 0.2 * 6 ^ 0.5 } do
    local p = tw.zeros(6, 4)
    optim.muon(p, { lr = 1, adjust_lr = how }):update(g)
    test.near((p - want * tall):abs():max():item(), 0, 1e-14, how)
  end
  local conv, flat = tw.zeros(6, 2, 2), tw.zeros(6, 4)
  optim.muon(conv, { lr = 1 }):update(g:reshape(6, 2, 2))
  optim.muon(flat, { lr = 1 }):update(g)
  same(conv, flat)
end)

test("muon: vectors and what a group says go by AdamW", function()
  local draw = tw.rng(4)
  local p = { w = draw:normal(2, 3), b = draw:normal(3), embed = draw:normal(3, 3) }
  local q = { b = p.b:clone(), embed = p.embed:clone() }
  local opt = optim.muon(p, { lr = 0.02, weight_decay = 0.1, groups = { { path = "^embed", method = "adamw", lr = 0.01 }, { path = "^b", lr = 0.01 } } })
  local adamw = optim.adamw(q, { lr = 0.01, weight_decay = 0.1 })
  for _ = 1, 20 do
    local g = { w = draw:normal(2, 3), b = draw:normal(3), embed = draw:normal(3, 3) }
    opt:update(g)
    adamw:update { b = g.b, embed = g.embed }
  end
  for _, name in ipairs { "b", "embed" } do test.near((p[name] - q[name]):abs():max():item(), 0, 1e-13) end
end)

test("adafactor keeps a row and a column of a matrix, the last two axes of more", function()
  local p = { w = tw.zeros(5, 3, 4), b = tw.zeros(7) }
  local opt = optim.adafactor(p)
  opt:update { w = tw.ones(5, 3, 4), b = tw.ones(7) }
  local s = opt:state().slots
  test.eq({ s.w.row.shape, s.w.col.shape, s.b.v.shape }, { { 5, 3, 1 }, { 5, 1, 4 }, { 7 } })
  test.eq({ s.w.v == nil, s.w.m == nil, s.b.row == nil }, { true, true, true })
  local wrong = opt:state()
  wrong.slots.w.row = tw.zeros(5, 3, 4)
  test.raises("adafactor: the saved row is f64[5 3 4]", function() opt:load(wrong) end)
end)

-- All of them, for what every optimizer promises.
local all = {
  lars = { lr = 0.5 }, lamb = { lr = 0.01, weight_decay = 0.1 }, adafactor = { lr = 0.01, beta1 = 0.5 }, muon = { lr = 0.02 }, prodigy = {},
  polyak = { f_min = -5, growth = 1.5 }, schedule_free_sgd = { lr = 0.1, warmup_steps = 5 }, schedule_free_adamw = { lr = 0.01 },
  lookahead = { k = 3, base = optim.adam { lr = 0.01 * schedule.exponential { rate = 0.01 } } },
  sam = { base = optim.lookahead { k = 2, base = optim.adam { lr = 0.01, ema = 0.9, accumulate = 2 } } },
  svrg = { lr = 0.05, n = 3, period = 4, ema = 0.9 }, saga = { lr = 0.05, n = 3, accumulate = 2 },
}

local function noisy(p, i)
  local at = type(i) == "number" and i or i[1]:item()
  return (p.w * p.w):sum() * (0.5 + 0.1 * at) + (p.b - at / 7):abs():sum() ^ 2 + (p.w:sum() - at) ^ 2 * 0.1
end

local function weights(dtype)
  return { w = tw.linspace(-1, 1, 6):reshape(2, 3):to(dtype):clone(), b = tw.linspace(0.2, 1, 3):to(dtype):clone() }
end

for kind, o in next, all do
  test(kind .. " goes on from a saved state bit for bit, in f64 and f32", function()
    for _, dtype in ipairs { "f64", "f32" } do
      local p = weights(dtype)
      local opt, q, again = optim[kind](p, o), nil, nil
      for t = 1, 25 do
        if t == 12 then
          q = { w = p.w:clone(), b = p.b:clone() }
          again = optim[kind](q, o)
          again:load(opt:state())
        end
        opt:step(noisy, t % 3 + 1)
        if again then again:step(noisy, t % 3 + 1) end
      end
      for _, name in ipairs { "w", "b" } do
        same(p[name], q[name], dtype .. " " .. name)
        same(opt:eval_params()[name], again:eval_params()[name], dtype .. " average of " .. name)
        test.eq(p[name].dtype, dtype)
        test.ok(p[name]:isfinite():all():item())
      end
      test.ok((p.w - weights(dtype).w):norm():item() > 0, "it did not move")
    end
  end)

  test(kind .. " leaves frozen parameters alone and has groups", function()
    local p = weights "f64"
    local frozen = { freeze = { "^b$" } }
    for k, v in next, o do frozen[k] = v end
    local opt = optim[kind](p, frozen)
    for t = 1, 6 do opt:step(noisy, t % 3 + 1) end
    same(p.b, weights("f64").b)
    test.ok((p.w - weights("f64").w):norm():item() > 0)
    same(opt:eval_params().b, p.b)
    if o.base or kind == "prodigy" or kind == "polyak" then return end
    local q, still = weights "f64", { groups = { { path = "^w", lr = 0, weight_decay = 0 } } }
    if kind == "lars" or kind:find "schedule_free" or kind == "lamb" then still.groups[1].weight_decay = nil end
    for k, v in next, o do still[k] = v end
    local other = optim[kind](q, still)
    for t = 1, 6 do other:step(noisy, t % 3 + 1) end
    same(q.w, weights("f64").w, "lr 0 in a group")
    test.ok((q.b - weights("f64").b):norm():item() > 0)
  end)
end

test("a group or a frozen parameter inside base counts for the whole", function()
  local p = weights "f64"
  local opt = optim.sam(p, { base = optim.sgd { lr = 0.1, freeze = { "^b$" }, groups = { { path = "^w", lr = 0.01 } } } })
  local seen = {}
  opt:step(function(q)
    seen[#seen + 1] = q.b:table()
    return noisy(q, 1)
  end)
  test.eq(seen[1], seen[2])
  same(p.b, weights("f64").b)
  test.eq({ opt:hyper().base.lr, opt:hyper("w").base.lr }, { 0.1, 0.01 })
  local q = tw.tensor { 2, 3 }
  local newton = optim.lookahead({ a = q, fixed = tw.ones(2) }, { k = 1, alpha = 1, base = optim.newton { freeze = { "fixed" } } })
  newton:step(function(x) return valley(x.a) + x.fixed:sum() end)
  test.near(q:norm():item(), 0, 1e-15)
end)

test("hyper has the base's numbers, schedules inside it included", function()
  local opt = optim.lookahead(tw.ones(1), { base = optim.sam { base = optim.sgd { lr = 0.5 * schedule.inverse_power { alpha = 1, beta = 1 } } } })
  for t = 0, 3 do
    opt:step(function(p) return p:sum() end)
    test.eq(opt:hyper().base.base.lr, 0.5 / (1 + t))
  end
  test.eq({ opt:hyper().k, opt:hyper().base.rho, opt:hyper().lr }, { 5, 0.05, nil })
end)

test("a plateau schedule deep inside hears reports", function()
  local opt = optim.lookahead(tw.ones(1), { base = optim.sam { base = optim.sgd { lr = 0.5 * schedule.plateau { patience = 0 } } } })
  for _ = 1, 3 do
    opt:step(function(p) return p:sum() end)
    opt:report(1)
  end
  test.ok(opt:hyper().base.base.lr < 0.5)
end)

test("recipes nest, as text and as columns of a sweep", function()
  local recipe = optim.lookahead { k = 3, base = optim.sam { base = optim.adam { lr = 0.1 } } }
  test.eq(tostring(recipe), "lookahead{base=sam{base=adam{lr=0.1}},k=3}")
  test.eq(recipe.rebuild(recipe.options).text, recipe.text)
  local experiment, plan = require "thalweg.experiment", require "thalweg.plan"
  local e = experiment.new { name = "x", run = print,
    params = { opt = optim.lookahead { base = space.choice { optim.sgd { lr = space.choice { 0.1, 0.2 } }, optim.adam { lr = 0.3 } } } } }
  local rows, seen = plan.build(e).rows, {}
  test.eq(#rows, 3)
  for _, column in ipairs(rows[2].values) do seen[column[1]] = column[2] end
  test.eq(seen, { opt = "lookahead", opt_base = "sgd", opt_base_lr = 0.2 })
  local set = plan.build(e, { set = { { "opt.base.lr", { 0.5 } } } })
  test.eq(set.rows[#set.rows].params.opt.options.base.options.lr, 0.5)
  local opt = rows[3].params.opt:new(tw.ones(1))
  test.eq(opt:hyper().base.lr, 0.3)
end)

test("a script's own optimizer may be wrapped; what it raises arrives", function()
  local mine = optim.define { name = "mine", params = { lr = 0.5 }, slots = { "sum" }, step = function(p, g, slot, hyper, t)
    if t == 3 then error "enough" end
    slot.sum:assign(slot.sum + g)
    p:assign(p - hyper.lr * slot.sum)
  end }
  for _, base in ipairs { mine {}, optim.sam { rho = 0, base = mine {} } } do
    local wrapped = optim.lookahead { k = 2, alpha = 0.5, base = base }
    local p = tw.tensor { 1 }
    local opt = wrapped:new(p)
    for _ = 1, 2 do opt:step(function(q) return q:sum() end) end
    test.eq(p:table(), { 1 - 1.5 / 2 })
    test.raises("enough", function() opt:step(function(q) return q:sum() end) end)
    test.eq({ p:table(), opt.steps }, { { 0.25 }, 2 })
  end
  local p = tw.tensor { 1 }
  local opt = optim.lookahead(p, { base = mine {} })
  opt:update(tw.ones(1))
  test.eq(p:table(), { 0.5 })
end)

test("the inner optimizer outlives whoever dropped the outer one", function()
  local function inner() return rawget(optim.lookahead(tw.ones(1), { base = optim.sgd { lr = 1 } }), "inner") end
  local kept = inner()
  collectgarbage()
  collectgarbage()
  kept:update(tw.ones(1))
  test.eq(kept.steps, 1)
end)

test("skip_nonfinite in the base keeps the state of everything", function()
  local p = weights "f64"
  local opt = optim.lookahead(p, { k = 2, base = optim.adafactor { skip_nonfinite = true } })
  opt:step(noisy, 1)
  local before, slots = p.w:clone(), opt:state().base.slots
  opt:step(function(q) return noisy(q, 1) * (0 / 0) end)
  test.eq(opt:info().reason, "gradient not finite")
  test.ok(opt:state().base.slots.w.row:isfinite():all():item())
  same(opt:state().base.slots.w.row, slots.w.row)
  test.ok(before:isfinite():all():item() and p.w:isfinite():all():item())
  for _, kind in ipairs { "lars", "lamb", "muon", "prodigy", "polyak", "schedule_free_sgd", "schedule_free_adamw" } do
    local q = weights "f64"
    local one = optim[kind](q, { skip_nonfinite = true })
    one:step(noisy, 1)
    local was, state = { w = q.w:clone(), b = q.b:clone() }, one:state()
    one:step(function(x) return noisy(x, 1) * (0 / 0) end)
    for _, name in ipairs { "w", "b" } do
      same(q[name], was[name], kind)
      for slot, x in next, state.slots[name] do same(one:state().slots[name][slot], x, kind .. " " .. slot) end
    end
    test.eq(one:state().numbers, state.numbers, kind)
    test.eq(one:state().groups, state.groups, kind)
  end
end)

test("what cannot be is refused, with the way out", function()
  local p = tw.tensor { 1, 2 }
  local function f(q) return q:dot(q) end
  for wrong, make in next, {
    ["sam: missing option: base is nil; it must be given (the recipe of the optimizer that takes the steps"] = function() optim.sam(p, {}) end,
    ["lookahead: missing option: base is nil"] = function() optim.lookahead(p) end,
    ["sam: wrong value: base is a function; it must be a recipe, like tw.optim.sgd{ lr = 0.1 }"] = function() optim.sam(p, { base = optim.sgd }) end,
    ["sam: base must take its steps from gradients: base is newton, which evaluates the function itself"] = function()
      optim.sam(p, { base = optim.newton {} })
    end,
    ["sam: base must take its steps from gradients: base is lookahead"] = function()
      optim.sam(p, { base = optim.lookahead { base = optim.newton {} } })
    end,
    ["lookahead: unknown option: clip_norm is 1; valid: k, alpha, reset_state, evaluate, base, groups, freeze"] = function()
      optim.lookahead(p, { base = optim.sgd {}, clip_norm = 1 })
    end,
    ["lookahead: base must move the parameters alone: base is schedule_free_sgd"] = function()
      optim.lookahead(p, { base = optim.schedule_free_sgd {} }):step(f)
    end,
    ["sam: it evaluates the function itself, gradients are not enough; use opt:step(f, ...)"] = function()
      optim.sam(p, { base = optim.sgd {} }):update(tw.ones(2))
    end,
    ["polyak: the step size needs the function's value; use opt:step(f, ...)"] = function() optim.polyak(p):update(tw.ones(2)) end,
    ["muon: a matrix is needed: parameter 1 is f64[2]"] = function() optim.muon(p, { method = "muon" }):step(f) end,
    ["svrg: missing option: n is nil; it must be given (number of terms)"] = function() optim.svrg(p, { lr = 0.1 }) end,
    ["saga: missing option: n is nil; it must be given (number of terms)"] = function() optim.saga { lr = 0.1 } end,
    ["svrg: wrong value: n is 0; it must be in [1, "] = function() optim.svrg(p, { n = 0 }) end,
    ["svrg: f must be given the terms to evaluate: opt:step(f, i)"] = function() optim.svrg(p, { n = 3 }):step(f) end,
    ["saga: f must be given the terms to evaluate: opt:step(f, i)"] = function() optim.saga(p, { n = 3 }):step(f, 1.5) end,
    ["svrg: there is no such term: i is 4, n is 3"] = function() optim.svrg(p, { n = 3 }):step(f, 4) end,
    ["saga: there is no such term: i is 0, n is 3"] = function() optim.saga(p, { n = 3 }):step(f, tw.tensor({ 1, 0 }, i64)) end,
    ["saga: the terms of a step must differ: i has 1 twice"] = function() optim.saga(p, { n = 3 }):step(f, tw.tensor({ 1, 1 }, i64)) end,
    ["svrg: it evaluates the function itself"] = function() optim.svrg(p, { n = 3 }):update(tw.ones(2)) end,
    ["sam: load takes what state() gave, got nil"] = function()
      local opt = optim.lookahead(p, { base = optim.sam { base = optim.sgd {} } })
      local s = opt:state()
      s.base = nil
      opt:load(s)
    end,
  } do test.raises(wrong, make) end
  test.eq(p:table(), { 1, 2 })
end)

test.close()
