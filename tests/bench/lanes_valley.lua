-- A thousand learning rates of momentum gradient descent on 0.1 x1^2 + 2 x2^2: what tests/bench/lanes.py times.
local tw = require "thalweg"
local scale = tw.tensor { 0.1, 2 }

return tw.experiment {
  name = "lanes_valley",
  params = { lr = tw.space.linear(1e-4, 1e-3, 1000), steps = 10000 }, -- slow enough that nothing becomes a denormal number
  lanes = { "lr" },
  run = function(run)
    local x = tw.tensor { -5, -2 }
    local opt = tw.optim.sgd(x, { lr = run.params.lr, momentum = 0.5 })
    local function f(x) return (scale * x * x):sum() end
    local loss
    for step = 1, run.params.steps do loss = opt:step(f) end
    run:log { loss = loss }
  end,
}
