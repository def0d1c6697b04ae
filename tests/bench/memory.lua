-- A million training steps in constant memory: resident set and live tensors every 100,000 steps. `thalweg lua tests/bench/memory.lua`
local tw = require "thalweg"

local function resident()
  for line in io.lines("/proc/self/status") do
    local kib = line:match("^VmRSS:%s+(%d+)")
    if kib then return tonumber(kib) / 1024 end
  end
end

local r = tw.rng(0, "memory")
local model = tw.nn.mlp { 2, 16, 2 }
local params = model:init(r:split("init"))
local x, y = r:normal(1024, 2), r:randint(1, 2, 1024)
local opt = tw.optim.sgd(params, { lr = .01, momentum = .9 })
local batch = tw.data.batches { n = 1024, size = 32, rng = r:split("batches") }

for step = 1, 1000000 do
  tw.scope(function()
    local i = batch()
    opt:step(function(p) return model(p, x[i]):cross_entropy(y[i]) end)
  end)
  if step % 100000 == 0 or step == 1000 then
    print(string.format("%8d steps  %6.2f MiB resident  %5.0f KiB in Lua", step, resident(), collectgarbage("count")))
  end
end
