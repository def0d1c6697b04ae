-- What surrounds every step: groups, freezing, decay, clipping, accumulation, averages, projections, saved state, optimizers written in Lua, layouts.
local core = require "thalweg.core"
local test = require "spec"
local tw = require "thalweg"

local num, sqrt = core.num, math.sqrt

-- Kinds with an elementwise rule, with a rate at which a few steps show something.
local kinds = { sgd = .1, asgd = .1, qhm = .1, signsgd = .01, signum = .01, lion = .01, rprop = .1, adagrad = .1, adadelta = 1, rmsprop = .01, adam = .01,
  adamw = .01, amsgrad = .01, adamax = .01, nadam = .01, radam = .01, yogi = .01, adabelief = .01, qhadam = .01 }
local names = {}
for name in next, kinds do names[#names + 1] = name end
table.sort(names)

-- Forms of a kind that use other slots or rules.
local forms = {
  sgd = { { momentum = .9 }, { momentum = .9, nesterov = true, form = "velocity" } },
  adam = { { amsgrad = true, amsgrad_of = "corrected" } },
  rmsprop = { { momentum = .5, nesterov = true }, { centered = true } },
  adabelief = { { amsgrad = true, error_from = "old" } },
  rprop = { { form = "rprop_plus" } },
  asgd = { { t0 = 1 } },
}

local function each(f)
  for _, name in ipairs(names) do
    f(name, { lr = kinds[name] })
    for _, form in ipairs(forms[name] or {}) do
      local o = { lr = kinds[name] }
      for k, v in next, form do o[k] = v end
      f(name, o)
    end
  end
end

local function with(o, more)
  local out = {}
  for k, v in next, o do out[k] = v end
  for k, v in next, more do out[k] = v end
  return out
end

local function same(a, b, note)
  if tw.is_tensor(a) then
    test.eq(a.shape, b.shape, note)
    test.eq(a:reshape(-1):table(), b:reshape(-1):table(), note)
    return
  end
  for k, v in next, a do same(v, b[k], (note or "") .. " " .. tostring(k)) end
end

-- Gradients that depend on nothing but the step.
local function wave(shape, t, dtype)
  local n, values = 1, {}
  for _, d in ipairs(shape) do n = n * d end
  for i = 1, n do values[i] = ((i * 37 + t * 61) % 97 - 48) / 32 end
  if #shape == 0 then return tw.tensor(values[1], { dtype = dtype }) end
  if n == 0 then return tw.zeros(table.unpack(shape)):to(dtype or "f64") end
  return tw.tensor(values, { dtype = dtype }):reshape(shape)
end

local function pair() return { a = { w = wave({ 3, 2 }, 100) }, b = wave({ 5 }, 200) } end
local function waves(t) return { a = { w = wave({ 3, 2 }, t) }, b = wave({ 5 }, t + 7) } end

test("a group is an optimizer of its own, bit for bit", function()
  each(function(name, o)
    local p, a, b = pair(), pair().a, { b = pair().b }
    local whole = tw.optim[name](p, with(o, { groups = { { path = "^b$", lr = o.lr / 3, box_max = 1.2 } } }))
    local first, second = tw.optim[name](a, o), tw.optim[name](b, with(o, { lr = o.lr / 3, box_max = 1.2 }))
    for t = 1, 7 do
      local g = waves(t)
      whole:update(g)
      first:update(g.a)
      second:update { b = g.b }
    end
    same(p.a, a, name)
    same(p.b, b.b, name)
    test.ok((p.b - pair().b):abs():max():item() > 0, name .. " did not move")
  end)
end)

test("nadam's product of momenta is each group's own", function()
  local p, b = pair(), { b = pair().b }
  local whole = tw.optim.nadam(p, { groups = { { path = "^b$", beta1 = .5, momentum_decay = 1 } } })
  local alone = tw.optim.nadam(b, { beta1 = .5, momentum_decay = 1 })
  for t = 1, 5 do
    whole:update(waves(t))
    alone:update { b = waves(t).b }
  end
  same(p.b, b.b)
  local products = whole:state().groups
  test.eq(#products, 2)
  test.eq(products[2], alone:state().groups[1])
  test.ok(products[1].mu_product ~= products[2].mu_product)
end)

test("groups follow schedules, their own or the whole's, and the first that matches counts", function()
  local p = { a = tw.zeros(1), b = tw.zeros(1), c = tw.zeros(1) }
  local opt = tw.optim.sgd(p, { lr = tw.schedule.inverse_power { alpha = 1, beta = 1 },
    groups = { { path = "b", lr = 2 * tw.schedule.inverse_power { alpha = 1, beta = 1 } }, { path = "[bc]", momentum = 0.5 } } })
  for _ = 1, 2 do opt:update { a = tw.ones(1), b = tw.ones(1), c = tw.ones(1) } end
  test.eq({ p.a:table()[1], p.b:table()[1], p.c:table()[1] }, { -1.5, -3, -(1 + .5 * 1.5) })
  test.eq({ opt:hyper().lr, opt:hyper("b").lr, opt:hyper("c").lr, opt:hyper("b").momentum, opt:hyper("c").momentum }, { .5, 1, .5, 0, .5 })
end)

test("a group or freeze that matches nothing is an error with the paths", function()
  local function groups(list) return function() tw.optim.sgd(pair(), { groups = list }) end end
  test.raises('sgd: groups: no parameter (that is not in an earlier group) has a path like "z"; paths: a.w, b', groups { { path = "z" } })
  test.raises('has a path like "b"', groups { { path = "b" }, { path = "b" } })
  test.raises("sgd.groups: missing option: path", groups { { lr = 1 } })
  test.raises("unknown option: ema", groups { { path = "b", ema = .5 } })
  test.raises('sgd: freeze: no parameter has a path like "z"; paths: a.w, b', function() tw.optim.sgd(pair(), { freeze = { "z" } }) end)
end)

test("a frozen parameter keeps its bits and has no state", function()
  each(function(name, o)
    local p, rest = pair(), pair().a
    local opt, alone = tw.optim[name](p, with(o, { freeze = { "^b" }, clip_global_norm = 1 })), tw.optim[name](rest, with(o, { clip_global_norm = 1 }))
    for t = 1, 4 do
      opt:update(waves(t))
      alone:update(waves(t).a)
    end
    same(p.b, pair().b, name)
    same(p.a, rest, name)
    test.eq(opt:state().slots.b, {}, name)
  end)
end)

test("decay is coupled, decoupled or independent", function()
  local lr, wd = .1, .3
  for _, name in ipairs { "sgd", "adam", "adamw", "rmsprop", "nadam", "lion", "adagrad" } do
    for _, how in ipairs { "coupled", "decoupled", "independent" } do
      local p, q = tw.tensor { 1, -2, .5 }, tw.tensor { 1, -2, .5 }
      local opt = tw.optim[name](p, { lr = lr, weight_decay = wd, decay = how })
      local plain = tw.optim[name](q, { lr = lr, weight_decay = 0 })
      for t = 1, 6 do
        local g = wave({ 3 }, t)
        opt:update(g)
        if how == "coupled" then g = g + wd * q else q:assign((how == "decoupled" and 1 - lr * wd or 1 - wd) * q) end
        plain:update(g)
      end
      for i = 1, 3 do test.near(p:table()[i], q:table()[i], 1e-14, name .. " " .. how) end
    end
  end
end)

-- What reaches sgd with lr 1 from p = 0 is the gradient, negated.
local function clipped(o, g, from)
  local p = from or { a = tw.zeros(2), b = tw.zeros(1) }
  local before = tw.tree.map(function(x) return x * 1 end, p)
  tw.optim.sgd(p, with({ lr = 1 }, o)):update(g or { a = tw.tensor { 3, -4 }, b = tw.tensor { 12 } })
  local out = {}
  for i, v in ipairs((before.a - p.a):table()) do out[i] = v end
  out[3] = (before.b - p.b):item()
  return out
end

local function near(got, want, tolerance)
  for i = 1, #want do test.near(got[i], want[i], tolerance or 1e-15 * math.max(1, math.abs(want[i])), "element " .. i) end
end

test("clipping by value, by norm, by the norm of all, and by the parameter's norm", function()
  near(clipped { clip_value = 3.5 }, { 3, -3.5, 3.5 })
  local f, h = 2 / (5 + 1e-6), 2 / (12 + 1e-6)
  near(clipped { clip_norm = 2 }, { 3 * f, -4 * f, 12 * h })
  near(clipped { clip_norm = 6 }, { 3, -4, 12 * 6 / (12 + 1e-6) })
  local all = 2 / (13 + 1e-6)
  near(clipped { clip_global_norm = 2 }, { 3 * all, -4 * all, 12 * all })
  near(clipped { clip_global_norm = 13.5 }, { 3, -4, 12 })
  local p = { a = tw.tensor { 0, 2 }, b = tw.tensor { 0 } }
  near(clipped({ clip_adaptive = .5 }, nil, p), { 3 / (5 + 1e-6), -4 / (5 + 1e-6), 12 * 5e-4 / (12 + 1e-6) }, 1e-14)
end)

-- torch.nn.utils.clip_grad_norm_ in PyTorch 1.13, f64: the coefficient is min(1, max_norm / (norm + 1e-6)), also where the norm is barely below max_norm.
test("the coefficient of clipping is PyTorch's", function()
  near(clipped { clip_global_norm = 7.5 }, { 1.7307690976331465, -2.3076921301775286, 6.923076390532586 })
  near(clipped({ clip_norm = 5 }, { a = tw.tensor { 3, -4 }, b = tw.tensor { 4.9999995 } }), { 3 * (5 / 5.000001), -4 * (5 / 5.000001), 4.9999990000001 })
end)

test("clips act in the order value, norm, adaptive, norm of all, and only groups differ", function()
  local g = clipped({ clip_value = 3.5, clip_norm = 4, clip_global_norm = 3 })
  local a = sqrt(3 ^ 2 + 3.5 ^ 2)
  local f = 4 / (a + 1e-6)
  local all = 3 / (sqrt((f * a) ^ 2 + 3.5 ^ 2) + 1e-6)
  near(g, { 3 * f * all, -3.5 * f * all, 3.5 * all }, 1e-14)
  near(clipped { groups = { { path = "b", clip_value = 1 } } }, { 3, -4, 1 })
  near(clipped { groups = { { path = "a", clip_norm = 1 } } }, { 3 / (5 + 1e-6), -4 / (5 + 1e-6), 12 })
end)

test("accumulated gradients are one step with their mean, bit for bit", function()
  each(function(name, o)
    local p, q = pair(), pair()
    local opt, plain = tw.optim[name](p, with(o, { accumulate = 4 })), tw.optim[name](q, o)
    for t = 1, 3 do
      local sum = tw.tree.map(function(x) return x * 0 end, waves(1))
      for k = 1, 4 do
        local g = waves(4 * t + k)
        opt:update(g)
        test.eq(opt.steps, k < 4 and t - 1 or t, name)
        if k < 4 then test.eq(opt:info().reason, "accumulating") end
        sum = tw.tree.map(function(a, b) return a + b end, sum, g)
      end
      plain:update(tw.tree.map(function(x) return x / 4 end, sum))
    end
    same(p, q, name)
  end)
end)

test("the moving average starts as a copy and follows its formula", function()
  local p, decay, want = tw.tensor { 1, -2, 3 }, .7, nil
  local opt = tw.optim.adam(p, { lr = .1, ema = decay })
  same(opt:eval_params(), p)
  for t = 1, 9 do
    opt:update(wave({ 3 }, t))
    want = want and want + (1 - decay) * (p - want) or p * 1
  end
  same(opt:eval_params(), want)
  test.ok((want - p):abs():max():item() > 1e-3)
end)

test("asgd evaluates with the mean of its iterates", function()
  local p = tw.tensor { 1, -2, 3 }
  local opt, sum, n = tw.optim.asgd(p, { lr = .1, lambd = 0, t0 = 2 }), tw.zeros(3), 0
  for t = 1, 12 do
    opt:update(wave({ 3 }, t))
    if t >= 4 then
      sum, n = sum + p, n + 1
      local got, want = opt:eval_params():table(), (sum / n):table()
      for i = 1, 3 do test.near(got[i], want[i], 1e-14, "step " .. t) end
    else
      same(opt:eval_params(), p)
    end
  end
end)

test("a gradient that is not finite changes nothing", function()
  each(function(name, o)
    local p, q = pair(), pair()
    local opt, plain = tw.optim[name](p, with(o, { skip_nonfinite = true })), tw.optim[name](q, o)
    for t = 1, 5 do
      local bad = waves(t)
      bad.b:assign(tw.tensor { 1, t % 2 == 0 and 1 / 0 or 0 / 0, 3, 4, 5 })
      opt:update(bad)
      test.eq(opt:info().reason, "gradient not finite", name)
      same(p, q, name)
      opt:update(waves(t))
      plain:update(waves(t))
      test.eq(opt:info().reason, "", name)
      same(p, q, name)
    end
    test.eq(opt:state().updates, 5, name)
  end)
end)

test("parameters stay in their box, and an average of them too", function()
  each(function(name, o)
    local p = pair()
    local opt = tw.optim[name](p, with(o, { box_min = -.25, box_max = .5 }))
    for t = 1, 4 do opt:update(waves(t)) end
    for _, x in ipairs { p.a.w, p.b, opt:eval_params().b } do
      test.ok(x:min():item() >= -.25 and x:max():item() <= .5, name)
    end
  end)
  local p = tw.tensor { 0, 0 }
  tw.optim.sgd(p, { lr = 1, box_min = -2, box_max = 3 }):update(tw.tensor { 5, -5 })
  test.eq(p:table(), { -2, 3 })
end)

test("all parameters together stay in the ball, and what is inside is not touched", function()
  local p = { a = tw.tensor { 0, 0 }, b = tw.tensor { 0 } }
  local opt = tw.optim.sgd(p, { lr = 1, ball = 6.5 })
  opt:update { a = tw.tensor { -3, 4 }, b = tw.tensor { -12 } }
  near({ p.a:table()[1], p.a:table()[2], p.b:item() }, { 1.5, -2, 6 }, 1e-14)
  local q, free = pair(), pair()
  local held, plain = tw.optim.adam(q, { ball = 100 }), tw.optim.adam(free)
  for t = 1, 3 do
    held:update(waves(t))
    plain:update(waves(t))
  end
  same(q, free)
end)

test("maximize climbs what the plain optimizer descends", function()
  each(function(name, o)
    local p, q = pair(), pair()
    local up, down = tw.optim[name](p, with(o, { maximize = true })), tw.optim[name](q, o)
    for t = 1, 5 do
      up:update(tw.tree.map(function(x) return -x end, waves(t)))
      down:update(waves(t))
    end
    same(p, q, name)
  end)
end)

test("resumed from its state a run continues bit for bit, from memory and from a file", function()
  local path = os.tmpname()
  each(function(name, o)
    local options = with(o, { ema = .9, accumulate = 2, lr = o.lr * tw.schedule.inverse_power { alpha = .5, beta = .1 },
      groups = { { path = "b", box_max = 1.4 } } })
    local p, q, r = pair(), pair(), pair()
    local whole, first = tw.optim[name](p, options), tw.optim[name](q, options)
    for t = 1, 15 do whole:update(waves(t)) end
    for t = 1, 7 do first:update(waves(t)) end -- in the middle of an accumulation
    tw.save(path, { params = q, state = first:state() })
    local file = tw.load(path)
    local second, third = tw.optim[name](q, options), tw.optim[name](r, options)
    second:load(first:state())
    for _, x in ipairs { { r.a.w, file.params.a.w }, { r.b, file.params.b } } do x[1]:assign(x[2]) end
    third:load(file.state)
    for t = 8, 15 do
      second:update(waves(t))
      third:update(waves(t))
    end
    same(p, q, name)
    same(p, r, name)
    same(whole:eval_params(), third:eval_params(), name)
    test.eq(second.steps, 7, name)
  end)
  os.remove(path)
end)

test("a state loaded into an optimizer that has taken steps is the whole truth", function()
  each(function(name, o)
    local p, q = pair(), pair()
    local whole, other = tw.optim[name](p, with(o, { weight_decay = name ~= "rprop" and .1 or nil })), nil
    other = tw.optim[name](q, with(o, { weight_decay = name ~= "rprop" and .1 or nil }))
    other:update(waves(77)) -- its numbers are those of a first step
    for t = 1, 4 do whole:update(waves(t)) end
    other:load(whole:state())
    q.a.w:assign(p.a.w)
    q.b:assign(p.b)
    for t = 5, 7 do
      whole:update(waves(t))
      other:update(waves(t))
    end
    same(p, q, name)
  end)
  local p, q = tw.ones(1), tw.ones(1)
  local o = { lr = 1, momentum = .5, dampening = .5 } -- in the first step the gradient enters undamped
  local first, second = tw.optim.sgd(p, o), tw.optim.sgd(q, o)
  for _ = 1, 5 do first:update(tw.ones(1)) end
  second:update(tw.ones(1))
  second:load(first:state())
  q:assign(p)
  first:update(tw.ones(1))
  second:update(tw.ones(1))
  same(p, q)
end)

test("a state that does not fit is an error that says why, and changes nothing", function()
  local function state()
    local opt = tw.optim.nadam(pair())
    opt:update(waves(1))
    return opt:state()
  end
  local opt = tw.optim.nadam(pair())
  opt:update(waves(2))
  local before = opt:state()
  local function spoiled(change)
    return function()
      local s = state()
      change(s)
      opt:load(s)
    end
  end
  test.raises('nadam: the state is of another optimizer: kind is "adam"', spoiled(function(s) s.kind = "adam" end))
  test.raises("nadam: load takes what state() gave, got 3", function() opt:load(3) end)
  test.raises("nadam: the state lacks parameter b; it has a.w", spoiled(function(s) s.slots.b = nil end))
  test.raises("nadam: the state has a parameter that is not here: c", spoiled(function(s) s.slots.c = s.slots.b end))
  test.raises("nadam: the saved m is f64[2], the parameter f64[5]", spoiled(function(s) s.slots.b.m = tw.ones(2) end))
  test.raises("nadam: the saved m is f32[5], the parameter f64[5]", spoiled(function(s) s.slots.b.m = tw.ones(5):to "f32" end))
  test.raises("nadam: the saved v is no tensor", spoiled(function(s) s.slots.b.v = "v" end))
  test.raises("nadam: the saved state has no number `updates`", spoiled(function(s) s.updates = nil end))
  test.raises("nadam: the saved state has no count `steps`", spoiled(function(s) s.steps = -1 end))
  test.raises("nadam: the saved state has no table `groups`", spoiled(function(s) s.groups = nil end))
  test.raises("nadam: the saved state has 1 groups, the optimizer 0", spoiled(function(s) s.groups[2] = s.groups[1] end))
  test.raises("nadam: the saved state has no number `mu_product`", spoiled(function(s) s.groups[1].mu_product = nil end))
  same(opt:state().slots, before.slots)
  test.eq(opt:state().groups, before.groups)
end)

-- Twins in Lua of kinds in C.
local twins = {
  sgd = {
    options = { lr = .1, momentum = .9 }, params = { lr = .1, momentum = .9 }, slots = { "velocity" },
    step = function(p, g, slot, h)
      slot.velocity:assign(h.momentum * slot.velocity + g)
      p:assign(p - h.lr * slot.velocity)
    end,
  },
  adam = {
    options = { lr = .01 }, params = { lr = .01, beta1 = .9, beta2 = .999, eps = 1e-8 }, slots = { "m", "v" },
    step = function(p, g, slot, h, t)
      local c1, c2 = 1 - num.pow(h.beta1, t), 1 - num.pow(h.beta2, t)
      slot.m:assign(h.beta1 * slot.m + (1 - h.beta1) * g)
      slot.v:assign(h.beta2 * slot.v + (1 - h.beta2) * (g * g))
      p:assign(p - (h.lr / c1) * (slot.m / (tw.sqrt(slot.v * (1 / c2)) + h.eps)))
    end,
  },
  rmsprop = {
    options = { lr = .01, momentum = .5 }, params = { lr = .01, alpha = .99, eps = 1e-8, momentum = .5 }, slots = { "v", "velocity" },
    step = function(p, g, slot, h)
      slot.v:assign(h.alpha * slot.v + (1 - h.alpha) * (g * g))
      slot.velocity:assign(h.momentum * slot.velocity + g / (tw.sqrt(slot.v) + h.eps))
      p:assign(p - h.lr * slot.velocity)
    end,
  },
}
test("an optimizer written in Lua is its twin in C, bit for bit", function()
  for name, twin in next, twins do
    local made = tw.optim.define { name = "own_" .. name, params = twin.params, slots = twin.slots, step = twin.step }
    for _, dtype in ipairs { "f64", "f32" } do
      for _, around in ipairs { {}, { clip_value = .7, ema = .9, accumulate = 2 } } do
        local p, q = wave({ 3, 4 }, 5, dtype), wave({ 3, 4 }, 5, dtype)
        local c, lua = tw.optim[name](p, with(twin.options, around)), made(q, around)
        for t = 1, 20 do
          c:update(wave({ 3, 4 }, t, dtype))
          lua:update(wave({ 3, 4 }, t, dtype))
        end
        same(p, q, name .. " " .. dtype)
        same(c:eval_params(), lua:eval_params(), name .. " " .. dtype)
        for _, slot in ipairs(twin.slots) do same(c:state().slots.params[slot], lua:state().slots.params[slot], name .. " " .. slot) end
      end
    end
  end
end)

test("every kind works with defaults on trees, single numbers and nothing, in both precisions", function()
  for _, name in ipairs(names) do
    for _, dtype in ipairs { "f64", "f32" } do
      local function tree(t)
        return { wave({}, t, dtype), wave({ 0 }, t, dtype), wave({ 2, 0, 3 }, t, dtype),
          deep = { w = wave({ 2, 3 }, t, dtype), list = { wave({ 1 }, t, dtype) } } }
      end
      local p, lone = tree(50), wave({}, 50, dtype)
      local opt, single = tw.optim[name](p, {}), tw.optim[name](lone)
      for t = 1, 3 do
        opt:update(tree(t))
        single:update(wave({}, t, dtype))
      end
      same(p[1], lone, name)
      test.eq({ p[1].dtype, p[2].shape, p[3].shape }, { dtype, { 0 }, { 2, 0, 3 } }, name)
      test.ok((p.deep.w - tree(50).deep.w):abs():max():item() > 0, name .. " did not move in " .. dtype)
      test.ok(opt:info().step_norm > 0, name)
    end
  end
end)

test("a fused update gives the same bits in every layout and at every length", function()
  each(function(name, o)
    for _, dtype in ipairs { "f64", "f32" } do
      local function transposed(x) return (x:t() * 1):t() end
      local function inside(x) -- every second column of a wider tensor
        local wide = tw.zeros(x.shape[1], x.shape[2], 2):to(dtype)
        local view = wide:narrow(3, 1, 1)
        view:assign(x:reshape { x.shape[1], x.shape[2], 1 })
        return view
      end
      for _, shape in ipairs { { 1, 1 }, { 3, 7 }, { 4, 4 }, { 5, 13 } } do
        local p = wave(shape, 9, dtype) * 1
        local turned, spread = transposed(wave(shape, 9, dtype)), inside(wave(shape, 9, dtype))
        local parts = {} -- the same elements one by one
        for i = 1, shape[1] do parts[i] = wave(shape, 9, dtype)[i] * 1 end
        local opts = { tw.optim[name](p, o), tw.optim[name](turned, o), tw.optim[name](spread, o), tw.optim[name](parts, o) }
        for t = 1, 4 do
          local g, rows = wave(shape, t, dtype), {}
          for i = 1, shape[1] do rows[i] = g[i] * 1 end
          opts[1]:update(g)
          opts[2]:update(g)
          opts[3]:update(transposed(g):reshape { shape[1], shape[2], 1 })
          opts[4]:update(rows)
        end
        same(p, turned, name .. " transposed")
        same(p, spread:reshape(shape), name .. " strided")
        for i = 1, shape[1] do same(p[i], parts[i], name .. " in parts") end
      end
    end
  end)
end)

-- The update adds up how far it moves a parameter as it goes; what it comes to is the sum over the tensor of moves, to the bit, and so is the root.
test("step_norm is the norm of the moves, whatever the size, the layout and the form", function()
  local function norm(before, after)
    local total = 0
    for i = 1, #before do total = total + sqrt(((after[i] - before[i]) ^ 2):sum():item()) ^ 2 end
    return sqrt(total)
  end
  for _, dtype in ipairs { "f64", "f32" } do
    each(function(name, o)
      local p = {}
      for i, n in ipairs { 1, 5, 8, 9, 15, 127, 128, 129, 131, 260, 383, 1000 } do p[i] = wave({ n }, 3, dtype):clone() end
      p[#p + 1] = wave({ 7, 11 }, 5, dtype):t():clone()
      p[#p + 1] = wave({ 12, 3 }, 5, dtype):t() -- not contiguous
      for _, more in ipairs { {}, { weight_decay = .01 }, { box_min = -.5, box_max = 1 } } do
        if not (more.weight_decay and name == "rprop") then
          local opt = tw.optim[name](p, with(o, more))
          for t = 1, 3 do
            local before = tw.tree.map(function(x) return x:clone() end, p)
            opt:update(tw.tree.map(function(x) return wave(x.shape, t, dtype) end, p))
            test.eq(opt:info().step_norm, norm(before, p), name .. " " .. dtype)
          end
        end
      end
    end)
  end
end)

test("step_norm in lanes is each run's own, and 0 in one whose step is skipped", function()
  local rates, p0, want = { .1, .2, .3 }, wave({ 37 }, 2), {}
  local function gradient(lr) return wave({ 37 }, 4) * tw.where(tw.gt(lr, .25), 0 / 0, lr) end
  local function run(lr)
    local p = p0:clone()
    local opt = tw.optim.adam(p, { lr = lr, skip_nonfinite = true })
    opt:update(gradient(lr))
    return opt:info().step_norm
  end
  for i, lr in ipairs(rates) do want[i] = run(lr) end
  test.eq(want[3], 0.0)
  core.lanes_begin(#rates)
  local got = core.lane_numbers(run(core.laned(rates, "lr")))
  core.lanes_end()
  test.eq(got, want)
end)

test("defaults are PyTorch's where it has the optimizer", function()
  for name, want in next, {
    asgd = { lr = 1e-2, lambd = 1e-4, alpha = .75, t0 = 1e6, weight_decay = 0 },
    adagrad = { lr = 1e-2, lr_decay = 0, weight_decay = 0, initial_accumulator_value = 0, eps = 1e-10 },
    adadelta = { lr = 1, rho = .9, eps = 1e-6, weight_decay = 0 },
    rmsprop = { lr = 1e-2, alpha = .99, eps = 1e-8, weight_decay = 0, momentum = 0, centered = false },
    adam = { lr = 1e-3, beta1 = .9, beta2 = .999, eps = 1e-8, weight_decay = 0, amsgrad = false },
    adamw = { lr = 1e-3, beta1 = .9, beta2 = .999, eps = 1e-8, weight_decay = 1e-2, amsgrad = false, decay = "decoupled" },
    adamax = { lr = 2e-3, beta1 = .9, beta2 = .999, eps = 1e-8, weight_decay = 0 },
    nadam = { lr = 2e-3, beta1 = .9, beta2 = .999, eps = 1e-8, weight_decay = 0, momentum_decay = 4e-3 },
    radam = { lr = 1e-3, beta1 = .9, beta2 = .999, eps = 1e-8, weight_decay = 0 },
    rprop = { lr = 1e-2, eta_minus = .5, eta_plus = 1.2, step_min = 1e-6, step_max = 50 },
  } do
    local hyper = tw.optim[name](tw.ones(1)):hyper()
    for option, value in next, want do test.eq(hyper[option], value, name .. " " .. option) end
  end
end)

test("a convention changes defaults, and what is given wins", function()
  local h = tw.optim.adam(tw.ones(1), { convention = "keras", lr = .5 }):hyper()
  test.eq({ h.lr, h.eps, h.eps_at, h.decay }, { .5, 1e-7, "hat", "decoupled" })
  h = tw.optim.rmsprop(tw.ones(1), { convention = "optax" }):hyper()
  test.eq({ h.alpha, h.eps_at, h.form }, { .9, "inside", "velocity" })
  test.raises("convention is \"caffe\"; it must be one of", function() tw.optim.adam(tw.ones(1), { convention = "caffe" }) end)
end)

test.close()
