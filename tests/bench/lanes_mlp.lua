-- 64 learning rates of a 64-32-10 network on digits, batch 32, f32, SGD with momentum: what tests/bench/lanes.py times.
local tw = require "thalweg"
local model = tw.nn.mlp { 64, 32, 10, activation = "relu" }
local digits = tw.data.csv("digits.csv", { target = "digit", dtype = "f32" })

return tw.experiment {
  name = "lanes_mlp",
  dtype = "f32",
  params = { lr = tw.space.log(1e-5, 1e-2, 64), steps = 3000 },
  lanes = { "lr" },
  run = function(run)
    local train = tw.data.standardize(tw.data.split(digits, { 0.7, 0.1, 0.2 }, run:rng("split")), { scale = "common" })
    local params = model:init(run:rng("init"))
    local opt = tw.optim.sgd(params, { lr = run.params.lr, momentum = 0.9 })
    local next_batch = tw.data.batches { n = train.n, size = 32, rng = run:rng("batches") }
    local function loss_of(params, x, y) return tw.cross_entropy(model(params, x), y) end
    local loss
    for step = 1, run.params.steps do
      local i = next_batch()
      loss = opt:step(loss_of, train.x[i], train.y[i])
    end
    run:log { loss = loss }
  end,
}
