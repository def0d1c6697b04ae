-- Every first-order optimizer that PyTorch has, against PyTorch's own numbers in f64 (tests/golden/make_optim.py): single steps from its state, free runs.
local problems = require "optim_problems"
local test = require "spec"
local tw = require "thalweg"
local golden = require "golden.optim"

local function floats(text)
  local out = {}
  for word in text:gmatch("%S+") do out[#out + 1] = tonumber(word) end
  return out
end

local function text_of(options)
  local names = {}
  for name, value in next, options do names[#names + 1] = name .. " = " .. tostring(value) end
  table.sort(names)
  return #names == 0 and "defaults" or table.concat(names, ", ")
end

local function restore(opt, step)
  local slots = {}
  for name, values in next, step.slots do slots[name] = tw.tensor(floats(values)) end
  opt:load { kind = opt.kind.name, steps = step.t - 1, updates = step.t - 1, calls = 0, begun = true, slots = { params = slots }, vectors = {},
    numbers = {}, groups = step.mu_product and { { mu_product = step.mu_product } } }
end

local function evaluated(case, opt, p)
  local out = problems.numbers(p)
  if case.kind == "asgd" then
    for _, v in ipairs(problems.numbers(opt:eval_params())) do out[#out + 1] = v end
  end
  return out
end

for _, case in ipairs(golden) do
  test(("%s takes PyTorch's steps from PyTorch's states with %s"):format(case.kind, text_of(case.options)), function()
    test.ok(#case.steps == 10)
    for _, step in ipairs(case.steps) do
      local before = floats(step.p)
      local p = tw.tensor(before)
      local opt = tw.optim[case.kind](p, case.options)
      if step.t > 1 then restore(opt, step) end
      opt:update(tw.tensor(floats(step.g)))
      problems.step_near(test, p:table(), floats(step.after), before, "step " .. step.t)
    end
  end)
  for _, name in ipairs(problems.names) do
    test(("%s runs like PyTorch on %s with %s"):format(case.kind, name, text_of(case.options)), function()
      local f, p = problems.get(name)
      local opt = tw.optim[case.kind](p, case.options)
      local compared = 0
      for _, stop in ipairs(case.ends) do
        if stop.problem == name then
          while opt.steps < stop.t do opt:step(f) end
          problems.run_near(test, evaluated(case, opt, p), floats(stop.p), stop.spread, "after step " .. stop.t)
          compared = compared + 1
        end
      end
      test.eq(compared, 2)
    end)
  end
end

test.close()
