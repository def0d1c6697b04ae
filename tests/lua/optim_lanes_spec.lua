-- Optimizers in lanes: runs computed together that differ in every number an optimizer has are, bit for bit, those runs alone; also after lanes were dropped,
-- and where one lane's gradient is not finite while the others' are.
local core = require "thalweg.core"
local test = require "spec"
local tw = require "thalweg"

local kinds = { "sgd", "asgd", "qhm", "signsgd", "signum", "lion", "rprop", "adagrad", "adadelta", "rmsprop", "adam", "adamw", "amsgrad", "adamax", "nadam",
  "radam", "yogi", "adabelief", "qhadam" }
local forms = { sgd = { nesterov = true }, rmsprop = { centered = true, nesterov = true }, adam = { eps_at = "hat" }, rprop = { form = "rprop_plus" },
  adabelief = { amsgrad = true }, nadam = { convention = "keras" }, radam = { convention = "optax", beta2 = .8 } }

local own = {}
for _, kind in ipairs(core.optimizer_kinds()) do own[kind.name] = kind.options end

-- Three values of every number, near its default and in its range.
local function columns(name)
  local out = { box_max = { 3, 2.5, 1.5 }, clip_global_norm = { 2, 1, math.huge } }
  for _, o in ipairs(own[name]) do
    if o.type == "number" then
      local v, list = o.initial, {}
      for i, f in ipairs(v == 0 and { 0, .01, .3 } or { 1, .9, 1.01 }) do
        local x = v == 0 and f or f * v
        list[i] = math.max(o.min, math.min(o.max, x))
      end
      out[o.name] = list
    end
  end
  if name == "asgd" then out.t0 = { 1, 2, 4 } end
  if name == "radam" then out.threshold = { 5, 4, 4.5 } end
  return out
end

local function wave(t, n)
  local values = {}
  for i = 1, n do values[i] = ((i * 37 + t * 61) % 97 - 48) / 32 end
  return tw.tensor(values)
end

-- Lane i's run alone; spoiled: a factor of the gradients of step 2, NaN in the second lane.
local function train(name, o, scale, spoiled, drop)
  local p = { a = wave(50, 5), b = wave(60, 12):reshape { 3, 4 } }
  local opt = tw.optim[name](p, o)
  for t = 1, 9 do
    if t == 6 and drop then drop() end
    local factor = t == 2 and spoiled() or scale()
    opt:update { a = wave(t, 5) * factor, b = wave(t + 7, 12):reshape { 3, 4 } * factor }
  end
  return p, opt
end

for _, name in ipairs(kinds) do
  for _, form in ipairs(forms[name] and { {}, forms[name] } or { {} }) do
    local words = {}
    for k, v in next, form do words[#words + 1] = k .. " = " .. tostring(v) end
    table.sort(words)
    test(("%s in lanes is %s alone%s"):format(name, name, #words > 0 and " with " .. table.concat(words, ", ") or ""), function()
      local list, scales, broken = columns(name), { 1, .5, -2 }, { 1, 0 / 0, -2 }
      local alone, averages = {}, {}
      for i = 1, 3 do
        local o = { skip_nonfinite = true, groups = { { path = "b" } } }
        for k, v in next, list do o[k] = v[i] end
        for k, v in next, form do o[k] = v end
        local p, opt = train(name, o, function() return scales[i] end, function() return broken[i] end)
        alone[i], averages[i] = p, opt:eval_params()
      end
      core.lanes_begin(3)
      local o = { skip_nonfinite = true, groups = { { path = "b" } } }
      for k, v in next, list do o[k] = core.laned(v, k) end
      for k, v in next, form do o[k] = v end
      local kept, factor = { 2, 3 }, core.laned(scales, "scale")
      local p, opt = train(name, o, function() return factor end, function() return core.laned(broken, "broken") end,
        function() core.lanes_compact(kept) end)
      for j, i in ipairs(kept) do
        for _, leaf in ipairs { "a", "b" } do
          test.eq(core.lane(p[leaf], j):reshape(-1):table(), alone[i][leaf]:reshape(-1):table(), "lane " .. i)
          test.eq(core.lane(opt:eval_params()[leaf], j):reshape(-1):table(), averages[i][leaf]:reshape(-1):table(), "average of lane " .. i)
        end
      end
      core.lanes_end()
    end)
    core.lanes_end()
  end
end

-- Parameters of so few elements have their lanes side by side, and the update adds up the moves of a vector of lanes at a time; the last lanes fill none.
test("parameters of one to four elements in one to nineteen lanes: values and the norm of the step are those alone", function()
  local function shaped(t, n, dtype) return wave(t, n):to(dtype) end
  local function run(name, n, o, scale, dtype)
    local p = { shaped(3, n, dtype), shaped(4, 2 * n, dtype):reshape(n, 2):sum(2) * scale }
    local opt, norms = tw.optim[name](p, o), {}
    for t = 1, 4 do
      opt:update { shaped(t, n, dtype) * scale, shaped(t + 9, n, dtype) }
      norms[t] = opt:info().step_norm
    end
    return p, norms
  end
  for _, name in ipairs { "sgd", "adam", "rprop" } do
    for _, dtype in ipairs { "f64", "f32" } do
      for _, n in ipairs { 1, 2, 3, 4 } do
        for _, more in ipairs { {}, { box_max = 0.5, clip_global_norm = 1 } } do
          for _, width in ipairs { 1, 2, 7, 8, 19 } do
            local rates, scales = {}, {}
            for i = 1, width do rates[i], scales[i] = 0.01 * i, 1 + i / 7 end
            local function options(lr)
              local o = { lr = lr }
              if name == "sgd" then o.momentum = 0.5 end
              for k, v in next, more do o[k] = v end
              return o
            end
            core.lanes_begin(width)
            local p, norms = run(name, n, options(core.laned(rates, "lr")), core.laned(scales, "scale"), dtype)
            local got = {}
            for i = 1, width do
              got[i] = { core.lane(p[1], i):table(), core.lane(p[2], i):table() }
              for t = 1, 4 do got[i][t + 2] = core.lane(norms[t], i):item() end
            end
            core.lanes_end()
            for i = 1, width do
              local q, alone = run(name, n, options(rates[i]), scales[i], dtype)
              test.eq(got[i], { q[1]:table(), q[2]:table(), table.unpack(alone) }, ("%s %s[%d], lane %d of %d"):format(name, dtype, n, i, width))
            end
          end
        end
      end
    end
  end
end)

test("a state taken in lanes that have made unlike many updates goes on as if it had never been taken", function()
  local function run(reloaded)
    core.lanes_begin(2)
    local p = tw.ones(3) * core.laned({ 1.0, 2.0 }, "start")
    local o = { skip_nonfinite = true, lr = 0.1 }
    local opt = tw.optim.adam(p, o)
    for t = 1, 5 do
      opt:update(p * (t < 3 and core.laned({ 1.0, 0 / 0 }, "spoiled") or 1))
      if t == 3 and reloaded then
        local again = tw.optim.adam(p, o)
        again:load(opt:state())
        opt = again
      end
    end
    local out = { core.lane(p, 1):table(), core.lane(p, 2):table() }
    core.lanes_end()
    return out
  end
  test.eq(run(true), run(false))
end)

test("numbers on which depends what is computed are refused where they differ between lanes, and taken where they do not", function()
  for name, options in pairs { sgd = { "accumulate", 1, 2 }, muon = { "ns_steps", 1, 5 }, lbfgs = { "history", 3, 4 }, svrg = { "period", 2, 4 } } do
    core.lanes_begin(2)
    local p = tw.ones(3, 2) * core.laned({ 1.0, 2.0 }, "start")
    local function make(a, b) return tw.optim[name](p, { n = name == "svrg" and 8 or nil, [options[1]] = core.laned({ a, b }, "value") }) end
    test.raises(name .. ": " .. options[1] .. " must be the same in all runs computed together", make, options[2], options[3])
    test.ok(make(options[2], options[2]))
    core.lanes_end()
  end
end)

test("a schedule that leaves its option's range is the fault of the line that takes the step", function()
  local opt = tw.optim.sgd(tw.ones(2), { lr = tw.schedule.linear { from = 1, to = -1, steps = 2 } })
  local function step() opt:step(function(x) return x:dot(x) end) end
  step()
  step()
  local ok, message = pcall(step)
  test.eq({ ok, (message:gsub(":%d+:", ":LINE:"):gsub("^.*/", "")) }, { false, "optim_lanes_spec.lua:LINE: sgd: lr must be in [0, 1e+300], got -1" })
end)

test.close()
