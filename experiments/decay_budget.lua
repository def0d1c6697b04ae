#!/usr/bin/env thalweg
-- Which decay of the learning rate serves a given budget of steps? Eight schedules for a small network on handwritten digits, under 50, 200 and 800 steps
-- of momentum SGD. Seeds 1 to 5 choose each schedule's rate, by validation; seeds 6 to 20, with splits, starts and orders of their own of the same 1797
-- digits, tell its accuracy on test data. One sees less than one would like: with their own rates most pairs cannot be told apart, and a constant rate
-- keeps up. With 50 steps the inverse root, which begins with the largest rate, is ahead; with 800 the rates that are soon small are behind. With a rate
-- that is too large, decaying pays.
-- rows: none
-- plot: thalweg plot runs/decay_budget.h5 eval_accuracy --x lr --by decay --where 'steps==800' --log x
local tw = require "thalweg"
local space, schedule = tw.space, tw.schedule

local model = tw.nn.mlp { 64, 32, 10, activation = "relu" }
local digits = tw.data.csv("digits.csv", { target = "digit", dtype = "f32" })

local names = { "constant", "step", "exponential", "inverse_sqrt", "linear", "cosine", "warmup_cosine", "onecycle" }
local decays = { -- factors of lr; n is the number of steps
  constant = function() return schedule.constant() end, inverse_sqrt = function() return schedule.inverse_sqrt() end,
  step = function(n) return schedule.multistep { milestones = { n // 2, 3 * n // 4 }, gamma = 0.1 } end,
  exponential = function(n) return schedule.exponential { rate = 4.605 / n } end, -- to a hundredth
  linear = function(n) return schedule.linear { steps = n } end, cosine = function(n) return schedule.cosine { steps = n } end,
  warmup_cosine = function(n) return schedule.warmup(n // 10, schedule.cosine { steps = n - n // 10 }) end,
  onecycle = function(n) return schedule.onecycle { steps = n } end,
}

return tw.experiment {
  name = "decay_budget",
  about = "eight decay schedules under three budgets of steps, for a 64-32-10 network on handwritten digits",
  dtype = "f32", units = { loss = "nat" },
  params = { steps = space.choice { 50, 200, 800 }, decay = space.choice(names), lr = space.log(0.003, 1, 6), batch = 32, momentum = 0.9 },
  lanes = { "lr", "seed" }, repeats = 20,
  quick = { params = { steps = 50, lr = 0.1 }, repeats = 2 }, objective = { metric = "eval_accuracy", goal = "max" },

  run = function(run)
    local p = run.params
    local train, validation, test = tw.data.split(digits, { 0.7, 0.1, 0.2 }, run:rng "split")
    train, validation, test = tw.data.standardize(train, validation, test, { scale = "common" })
    local function accuracy(params, set) return tw.scope(function() return model(params, set.x):argmax(2):eq(set.y):to("f64"):mean() end) end
    local params = model:init(run:rng "init")
    local opt = tw.optim.sgd(params, { lr = p.lr * decays[p.decay](p.steps), momentum = p.momentum })
    local next_batch = tw.data.batches { n = train.n, size = p.batch, rng = run:rng "batches" }
    local function loss_of(params, i) return tw.cross_entropy(model(params, train.x[i]), train.y[i]) end
    for _ = 1, p.steps do run:log { loss = opt:step(loss_of, next_batch()), lr = opt:hyper().lr } end
    run:log("eval", { accuracy = accuracy(params, validation) })
    run:result { test_accuracy = accuracy(params, test) }
  end,

  claims = function(sweep, claim)
    for decay, factor in pairs { linear = 1 / 50, inverse_sqrt = 50 ^ -0.5, step = 0.01, exponential = math.exp(-4.605 * 49 / 50) } do
      local lr, runs = table.unpack(sweep:where { steps = 50, decay = decay, rep = 1 }:group_by "lr"[1])
      claim(decay .. ": the last of 50 rates over the first", runs:final "lr" / lr, "~", factor, { rel = 1e-6, why = "its formula; rounding of f32" })
    end
    if sweep.quick then return claim.skip("the comparison", "it takes the full form's budgets and 20 seeds") end
    local function too_large(lr) return lr > 0.3 and lr < 0.4 end
    local function t_of(steps, a, b, lr)
      local function tuned(decay)
        local runs = sweep:where { steps = steps, decay = decay }
        return runs:where { lr = lr or runs:where { rep = { "<=", 5 } }:best():runs()().params.lr, rep = { ">", 5 } }
      end
      return tuned(a):compare(tuned(b), "test_accuracy").t
    end
    local t, o = tw.stats.t_quantile(1 - 0.025 / 84, 14), { seeds = 15, why = "Student's quantile, two-sided, 5 % for all 84 pairs together (Bonferroni)" }
    local apart, ends_at_zero, gains = 0, {}, {}
    for _, steps in ipairs { 50, 200, 800 } do
      for i, decay in ipairs(names) do
        for j = 1, i - 1 do
          local d = math.abs(t_of(steps, decay, names[j]))
          apart, ends_at_zero[#ends_at_zero + 1] = apart + (d > t and 1 or 0), j >= 5 and d or nil
        end
        if steps > 50 and i > 1 then gains[#gains + 1] = t_of(steps, decay, "constant") end
      end
    end
    claim("pairs of the 84 that can be told apart", apart, "<", 42, { seeds = 15, why = "half of them; two-sided, 5 % for all together" })
    claim("linear, cosine, with warmup, onecycle: not told apart with any budget, paired t", ends_at_zero, "<", t, o)
    claim("200 and 800 steps: no schedule is better than constant, paired t", gains, "<", t, o)
    claim("50 steps: inverse_sqrt is better than constant, paired t", t_of(50, "inverse_sqrt", "constant"), ">", t, o)
    claim("800 steps: step is worse than constant, paired t", t_of(800, "constant", "step"), ">", t, o)
    claim("800 steps: exponential is worse than constant, paired t", t_of(800, "constant", "exponential"), ">", t, o)
    claim("800 steps at the rate 0.31: cosine is better than constant, paired t", t_of(800, "cosine", "constant", too_large), ">", t, o)
  end,
}
