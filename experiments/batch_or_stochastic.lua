#!/usr/bin/env thalweg
-- All examples, one, or a few per step? Forty times through 442 patients with one constant learning rate. Single examples get far in the first pass but
-- stay at a noise floor; the whole set has no floor but takes one step per pass; mini-batches stand between. Drawing with replacement has the higher floor.
-- rows: A4 B9 B11 C5 D7
-- plot: thalweg plot runs/batch_or_stochastic.h5 excess --by batch,shuffle --where 'rule=="theta - eta g"' --log y
local tw = require "thalweg"
local space = tw.space

local patients = tw.data.csv("diabetes.csv", { target = "progression", kind = "number" })
local d = tw.data.standardize(patients)
local y = (patients.y - patients.y:mean()) / patients.y:std()

return tw.experiment {
  name = "batch_or_stochastic",
  about = "How fast and how far do batch, mini-batch and stochastic gradient descent get at equal cost?",
  units = { excess = "of the first" },
  params = {
    batch = space.choice { 1, 16, 442 },
    shuffle = space.choice { "reshuffled", "replaced" }, -- every example once per epoch; each draw any example
    rule = space.choice { "theta - eta g", "eta g" }, -- B prints the second one
    lr = 0.002,
    epochs = 40,
  },
  lanes = { "lr", "seed" },
  where = function(p) return p.rule == "theta - eta g" and p.batch < 442 or p.shuffle == "reshuffled" and p.batch >= (p.rule == "eta g" and 16 or 442) end,
  repeats = 10,
  quick = { repeats = 4, params = { epochs = 20 } },
  objective = { metric = "excess" },

  run = function(run)
    local p = run.params
    local function loss(w, i) return 0.5 * (i and d.x[i]:matmul(w) - y[i] or d.x:matmul(w) - y):square():mean() end
    local w = tw.zeros(d.x.shape[2])
    local least = loss((tw.linalg.lstsq(d.x, y)))
    local first = loss(w) - least

    local gradient, seen = tw.grad(loss), 0
    local next_batch = tw.data.batches { n = d.n, size = p.batch, rng = run:rng("batches"), replace = p.shuffle == "replaced", epochs = p.epochs }
    run:log { epoch = 0, excess = 1 }
    for i, epoch in next_batch do
      local step = p.lr * gradient(w, i)
      w:assign(p.rule == "eta g" and step or w - step)
      seen = seen + #i
      if seen == epoch * d.n then run:log { epoch = epoch, excess = (loss(w) - least) / first } end
    end
  end,

  claims = function(sweep, claim)
    local last, seeds = sweep.quick and 20 or 40, sweep.quick and 4 or 10
    local right = sweep:where { rule = "theta - eta g" }
    local function late(one) -- the mean of the second half: the floor, where there is one
      local excess = one:trace("excess")
      return tw.stats.mean(table.move(excess, last // 2 + 1, last + 1, 1, {}))
    end
    local function pick(batch, shuffle) return right:where { batch = batch, shuffle = shuffle or "reshuffled" } end
    local one, few, all = pick(1), pick(16), pick(442)
    claim("after one pass: single examples against batches of 16", one:median("excess", { at = 1 }) / few:median("excess", { at = 1 }), "<", 1,
      { seeds = seeds, why = "16 times the steps at the same rate" })
    claim("after one pass: batches of 16 against all", few:median("excess", { at = 1 }) / all:median("excess", { at = 1 }), "<", 1,
      { seeds = seeds, why = "28 steps against one" })
    claim("the whole set never gets worse", function()
      local most = -1
      for run in all:runs() do
        local e = run:trace("excess")
        for t = 2, #e do most = math.max(most, e[t] - e[t - 1]) end
      end
      return most
    end, "<", 0, { why = "eta is below 2/lambda_max" })
    local t = tw.stats.t_quantile(0.975, seeds - 1)
    claim("single examples: the floor with replacement is higher", function()
      local c = tw.stats.paired(pick(1, "replaced"):values(late), one:values(late))
      return c.t
    end, ">", t, { seeds = seeds, why = "Student's quantile: two-sided, 5 %" })
    local printed = sweep:where { rule = "eta g" }
    claim("the mini-batch rule as printed stays where it is", printed:min("excess", { at = "min" }), ">", few:max("excess"),
      { seeds = seeds, printed = "theta <- eta/|B| sum of gradients", erratum = "the rule lacks \"theta -\": it forgets where it was",
        why = "worst run of the right rule after as many epochs" })
  end,
}
