-- Schedules against PyTorch's lr_scheduler classes in f64 (tests/golden/make_schedules.py says what was run, and where a formula stands in for a
-- class). Both sides round a few times per value: the bound is 1e-15, relative to the value, or to the schedule's top where a cosine or a
-- falling line cancels.
local golden = require "golden.schedules"
local schedule = require "thalweg.schedule"
local test = require "spec"

local function made(code) return assert(load("return " .. code, code, "t", schedule))() end

for _, case in ipairs(golden.schedules) do
  test(("%s is PyTorch's %s"):format(case.make, case.of):gsub("PyTorch's (%u%l+ )", "%1"), function()
    local s, top = made(case.make), 0
    for _, want in ipairs(case.values) do top = math.max(top, math.abs(want)) end
    test.ok(#case.values >= 12)
    for i, want in ipairs(case.values) do
      test.near(s(i - 1), want, 1e-15 * (case.slack or 1) * (case.top and top or math.abs(want)), "t = " .. i - 1)
    end
  end)
end

for i, case in ipairs(golden.plateaus) do
  test(("%s on series %d is PyTorch's ReduceLROnPlateau"):format(case.make, i), function()
    local stepper = made(case.make):start()
    local reductions = 0
    for t, want in ipairs(case.values) do
      local before = stepper:factor(t - 1)
      stepper:report(case.reports[t])
      test.near(stepper:factor(t), want, 1e-15 * want, "after report " .. t)
      if stepper:factor(t) < before then reductions = reductions + 1 end
    end
    test.ok(reductions > 0, "the series never reduces")
  end)
end

test.close()
