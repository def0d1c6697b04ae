#!/usr/bin/env thalweg
-- Which learning rate, and how should it decay? A 64-32-10 network learns handwritten digits by mini-batch SGD with momentum.
-- One sees a wide range of rates that all serve, and decay pay where the rate is too large to settle.
-- rows: C5 A8
-- plot: thalweg plot runs/digits_lr_decay.h5 eval_accuracy --x lr --by decay --log x
local tw = require "thalweg"
local space, schedule = tw.space, tw.schedule

local steps, eval_every = 1000, 50
local model = tw.nn.mlp { 64, 32, 10, activation = "relu" }
local digits = tw.data.csv("digits.csv", { target = "digit", dtype = "f32" })

local function accuracy(params, set)
  return tw.scope(function() return model(params, set.x):argmax(2):eq(set.y):to("f64"):mean() end)
end

return tw.experiment {
  name = "digits_lr_decay",
  about = "learning rates and decay schedules for a 64-32-10 network on handwritten digits",
  dtype = "f32",
  units = { loss = "nat" },
  params = {
    lr = space.choice { 0.003, 0.01, 0.03, 0.1, 0.3 },
    decay = space.choice {
      schedule.constant(),
      schedule.piecewise { boundaries = { 500, 800 }, values = { 1, 0.3, 0.1 } },
      schedule.exponential { rate = space.choice { 0.002, 0.005 } },          -- e^(-rate t)
      schedule.polynomial { alpha = 0.5, beta = space.choice { 0.01, 0.1 } }, -- (1 + beta t)^(-alpha)
    },
    momentum = 0.9,
    batch = 32,
  },
  lanes = { "lr", "decay.rate", "decay.beta", "seed" },
  repeats = 3,
  objective = { metric = "eval_accuracy", goal = "max" },

  run = function(run)
    local p = run.params
    local train, validation, test = tw.data.split(digits, { 0.7, 0.1, 0.2 }, run:rng("split"))
    -- Pixels share one unit: each is centred on the training set, all are divided by one standard deviation.
    train, validation, test = tw.data.standardize(train, validation, test, { scale = "common" })

    local params = model:init(run:rng("init"))
    local opt = tw.optim.sgd(params, { lr = p.lr * p.decay, momentum = p.momentum })
    local next_batch = tw.data.batches { n = train.n, size = p.batch, rng = run:rng("batches") }
    local function loss_of(params, i) return tw.cross_entropy(model(params, train.x[i]), train.y[i]) end

    for step = 1, steps do
      local loss = opt:step(loss_of, next_batch())
      run:log { loss = loss, lr = opt:hyper().lr, grad_norm = opt:info().grad_norm }
      if step % eval_every == 0 then run:log("eval", { accuracy = accuracy(params, validation) }) end
    end
    run:result { test_accuracy = accuracy(params, test) }
  end,

  claims = function(sweep, claim)
    claim("test accuracy of the one chosen on validation", sweep:best():median("test_accuracy"), ">=", 0.96,
      { seeds = 3, se = sweep:best():se("test_accuracy"), why = "the floor set for this network before the sweep was run" })
    local one = sweep:where { decay = "exponential", ["decay.rate"] = 0.005, lr = 0.1, rep = 1 }
    claim("slope of log lr under e^(-0.005 t)", one:fit_slope("step", "lr", { logy = true }), "~", -0.005, { rel = 1e-12, why = "closed form" })
    local steps_down, constant = sweep:where { lr = 0.3, decay = "piecewise" }, sweep:where { lr = 0.3, decay = "constant" }
    local c = steps_down:compare(constant, "test_accuracy")
    claim("at lr = 0.3 decay beats none: paired t over seeds", c.t, ">", tw.stats.t_quantile(0.975, c.n - 1),
      { seeds = c.n, why = "Student's quantile: two-sided, 5 %" })
  end,
}
