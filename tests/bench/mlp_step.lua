-- Microseconds per training step of small networks (SGD with momentum, cross-entropy, f32): `thalweg lua tests/bench/mlp_step.lua`.
-- tests/bench/mlp_step.py runs this and the same step in PyTorch, one after the other, and prints the ratio.
local tw = require "thalweg"

local function step_time(sizes, batch, n)
  local r = tw.rng(0, "bench")
  local model = tw.nn.mlp { table.unpack(sizes) }
  local p = model:init(r:split("init"))
  for _, layer in next, p do
    for name, t in next, layer do layer[name] = t:to("f32") end
  end
  local x, y = r:normal(4096, sizes[1], { dtype = "f32" }), r:randint(1, sizes[#sizes], 4096)
  local opt = tw.optim.sgd(p, { lr = .01, momentum = .9 })
  local function run(steps)
    for s = 1, steps do
      local first = (s * batch) % (4096 - batch) + 1
      local bx, by = x:narrow(1, first, batch), y:narrow(1, first, batch)
      opt:step(function(q) return model(q, bx):cross_entropy(by) end)
    end
  end
  run(n // 10)
  local times = {}
  for i = 1, 5 do
    local t = os.clock()
    run(n)
    times[i] = (os.clock() - t) / n * 1e6
  end
  table.sort(times)
  return times[3]
end

for _, case in ipairs { { { 2, 16, 2 }, 32, 5000 }, { { 64, 32, 10 }, 32, 5000 }, { { 784, 128, 10 }, 64, 300 } } do
  print(string.format("%s %.2f", table.concat(case[1], "-"), step_time(table.unpack(case))))
end
