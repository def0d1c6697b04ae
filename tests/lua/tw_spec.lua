-- The face: `tw` and its parts are strict.
local test = require "spec"
local tw = require "thalweg"

test("a name that tw does not have is told with near ones", function()
  for wrong, f in next, {
    ["unknown name: tw.spcae; did you mean space? docs/reference.md lists all "] = function() local x = tw.spcae return x end,
    ["unknown name: tw.space.lin; did you mean linear? valid: choice, linear, list, log, range, zip"] = function() local x = tw.space.lin return x end,
    ["unknown name: tw.schedule.exp; did you mean exponential?"] = function() local x = tw.schedule.exp return x end,
    ["unknown name: tw.nn.mpl; did you mean mlp? valid: avg_pool, batchnorm, conv, conv1d, dropout, "] = function() local x = tw.nn.mpl return x end,
    ["unknown name: tw.data.csvv; did you mean csv? valid: batches, csv, split, standardize, subset"] = function() local x = tw.data.csvv return x end,
  } do
    local message = test.raises(wrong, f)
    test.ok(message:find("tw_spec.lua:", 1, true), "no position in: " .. message)
  end
end)

test("what serves the runner alone is not in it", function()
  for _, name in ipairs { "num", "sha256", "begin_run", "end_run" } do test.eq(rawget(tw, name), nil) end
end)

test.close()
