-- Every message of the schedules: what is wrong, the value, the way out, at the caller's line.
local schedule = require "thalweg.schedule"
local test = require "spec"

test("what does not fit is refused by name, at the caller's line", function()
  local s = schedule
  for wrong, f in next, {
    ["step: missing option: size is nil; it must be an integer of at least 1"] = function() s.step {} end,
    ["step: wrong value: size is 0.5; it must be an integer of at least 1"] = function() s.step { size = 0.5 } end,
    ["step: wrong value: gamma is -1; it must be a number of at least 0"] = function() s.step { size = 1, gamma = -1 } end,
    ["step: unknown option: step_size is 3; "] = function() s.step { step_size = 3 } end,
    ["multistep: milestones must ascend: milestone 1 is 3, milestone 2 is 3"] = function() s.multistep { milestones = { 3, 3 } } end,
    ['multistep: wrong value: milestones is 3; it must be an array of numbers'] = function() s.multistep { milestones = 3 } end,
    ["interpolated: boundaries must ascend: boundary 1 is 5, boundary 2 is 4"] = function()
      s.interpolated { boundaries = { 5, 4 }, values = { 1, 2, 3 } }
    end,
    ["interpolated: wrong value: boundaries is a table; it must be an array of numbers greater than 0"] = function()
      s.interpolated { boundaries = { 0 }, values = { 1, 2 } }
    end,
    ["interpolated: one value more than boundaries is needed: there are 1 values and 1 boundaries"] = function()
      s.interpolated { boundaries = { 5 }, values = { 1 } }
    end,
    ['interpolated: wrong value: method is "cubic"; it must be one of linear, cosine'] = function()
      s.interpolated { boundaries = { 5 }, values = { 1, 2 }, method = "cubic" }
    end,
    ["exponential: rate and gamma say the same thing: give one of them; gamma = e^-rate"] = function() s.exponential { rate = 1, gamma = 1 } end,
    ["exponential: wrong value: gamma is 0; it must be a number greater than 0"] = function() s.exponential { gamma = 0 } end,
    ["exponential: wrong value: every is 0; it must be an integer of at least 1"] = function() s.exponential { every = 0 } end,
    ["inverse_time: wrong value: rate is -1; it must be a number of at least 0"] = function() s.inverse_time { rate = -1 } end,
    ["inverse_sqrt: unknown option: rate is 1"] = function() s.inverse_sqrt { rate = 1 } end,
    ["linear: missing option: steps is nil; it must be a number greater than 0"] = function() s.linear {} end,
    ["decay: wrong value: power is -1; it must be a number of at least 0"] = function() s.decay { steps = 3, power = -1 } end,
    ["cosine_restarts: wrong value: mult is 0.5; it must be a number of at least 1"] = function() s.cosine_restarts { period = 3, mult = 0.5 } end,
    ["cosine_restarts: missing option: period is nil"] = function() s.cosine_restarts {} end,
    ["cyclic: missing option: gamma is nil; mode exp_range needs the factor per step"] = function() s.cyclic { up = 3, mode = "exp_range" } end,
    ['cyclic: gamma is for mode "exp_range" alone: mode is "triangular"'] = function() s.cyclic { up = 3, gamma = 0.9 } end,
    ['cyclic: wrong value: mode is "saw"; it must be one of triangular, triangular2, exp_range'] = function() s.cyclic { up = 3, mode = "saw" } end,
    ["onecycle: wrong value: steps is 1; it must be an integer of at least 2"] = function() s.onecycle { steps = 1 } end,
    ["onecycle: wrong value: pct_start is 1.5; it must be a number from 0 to 1"] = function() s.onecycle { steps = 10, pct_start = 1.5 } end,
    ["onecycle: the first two phases are longer than the run: pct_start is 0.7; with three_phase it is at most about 0.5"] = function()
      s.onecycle { steps = 100, pct_start = 0.7, three_phase = true }
    end,
    ["warmup: wrong value: steps is 0; it must be an integer of at least 1"] = function() s.warmup(0) end,
    ["join: an array is needed: got 3; write join{ {s1, n1}, s2 }"] = function() s.join(3) end,
    ["join: only an array is allowed: key is \"steps\""] = function() s.join { 1, steps = 3 } end,
    ["join: the last schedule goes on for ever: entry 1 has 5 steps; leave them out"] = function() s.join { { 1, 5 } } end,
    ["join: wrong steps: entry 1 has nil; it must be an integer of at least 1"] = function() s.join { 1, 2 } end,
    ["join: wrong steps: entry 1 has 0.5; it must be an integer of at least 1"] = function() s.join { { 1, 0.5 }, 2 } end,
    ["join: an entry is { schedule, steps }: entry 1 has \"length\""] = function() s.join { { 1, length = 5 }, 2 } end,
    ["join: an entry is { schedule, steps }: entry 1 has no schedule"] = function() s.join { { steps = 4 }, 2 } end,
    ["join: a schedule or a number is needed: got \"a\""] = function() s.join { { "a", 4 }, 2 } end,
    ['func: a name is needed first: got a function; write func("name", function(t) ... end)'] = function() s.func(print) end,
    ["func: a function of t is needed: saw is given 3"] = function() s.func("saw", 3) end,
    ["func: the name is a schedule of the library: name is cosine; choose another"] = function() s.func("cosine", function() return 1 end) end,
    ["plateau: it has no value at a step: it follows what is reported"] = function() s.plateau()(0) end,
    ["plateau: wrong value: factor is 2; it must be a number from 0 to 1"] = function() s.plateau { factor = 2 } end,
    ["plateau: wrong value: patience is -1; it must be an integer of at least 0"] = function() s.plateau { patience = -1 } end,
    ["plateau: report needs a number or a tensor of one element: got \"x\""] = function() s.plateau():start():report("x") end,
    ["plateau: the state of another schedule: it has 0 parts, 1 are needed"] = function() s.plateau():start():load {} end,
    ["plateau: not a plateau's state: best is nil; give what state() gave"] = function() s.plateau():start():load { { bad = 1 } } end,
    ["plateau: the step must be a number: t is nil"] = function() s.plateau():start():factor() end,
    ["constant: wrong count: n is -1; it must be an integer of at least 0"] = function() s.constant():table(-1) end,
    ["constant: wrong first step: from is 0.5; it must be an integer"] = function() s.constant():table(1, 0.5) end,
  } do
    local message = test.raises(wrong, f)
    test.ok(message:find("schedule_refused_spec.lua:", 1, true), "no position in: " .. message)
  end
end)

test.close()
