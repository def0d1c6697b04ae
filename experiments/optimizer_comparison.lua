#!/usr/bin/env thalweg
-- Which optimizer is best? By DeepOBS's protocol (Schneider, Balles and Hennig 2019): four problems with the noise of batches of 128, 100 epochs of 7 steps,
-- 36 learning rates from 1e-5 to 1e2. Seed 1 chooses each optimizer's rate by its final loss, here the distance of f from its least value; seeds 2 to 11 are
-- the result. To arrive is to get to a hundredth of the first loss. One sees no optimizer win everywhere. Adam forgives the wrong rate, momentum with a good
-- one is its equal, and on the quadratic Adam at its best rate ends highest. What was best for one seed can be bad for others: nadam's rate in the valley.
-- rows: none
-- plot: thalweg plot runs/optimizer_comparison.h5 loss --x opt_lr --by rule --where 'problem=="rosenbrock" and opt_lr>1e-4' --log xy
local tw = require "thalweg"
local space, optim, problems = tw.space, tw.optim, tw.problems

local rng = tw.rng(42, "spectrum") -- of quadratic_deep; here every batch is of fresh examples
local bowl = problems.quadratic { eigenvalues = tw.cat({ rng:uniform(90), rng:uniform(10, { low = 30, high = 60 }) }):table(), rotate = 42 }
local plane = { rosenbrock = problems.rosenbrock { start = { -0.5, 1.5 } }, beale = problems.beale { start = { -4.5, 4.5 } }, branin = problems.branin() }
local names, rates = { "quadratic_deep", "rosenbrock", "beale", "branin" }, space.log(1e-5, 1e2, 36)

return tw.experiment {
  name = "optimizer_comparison",
  about = "eight optimizers on four noisy problems, each at 36 learning rates", units = { loss = "1" },
  params = {
    problem = space.choice(names), epochs = 100,
    space.list {
      { rule = "sgd", opt = optim.sgd { lr = rates } }, { rule = "momentum", opt = optim.sgd { lr = rates, momentum = 0.9 } },
      { rule = "nesterov", opt = optim.sgd { lr = rates, momentum = 0.9, nesterov = true } }, { rule = "adagrad", opt = optim.adagrad { lr = rates } },
      { rule = "rmsprop", opt = optim.rmsprop { lr = rates } }, { rule = "adam", opt = optim.adam { lr = rates } },
      { rule = "nadam", opt = optim.nadam { lr = rates } }, { rule = "yogi", opt = optim.yogi { lr = rates } },
    },
  },
  lanes = { "opt.lr", "seed" }, repeats = 11, quick = { params = { epochs = 5 }, repeats = 3 },

  run = function(run)
    local p, noise, problem = run.params, run:rng "noise", plane[run.params.problem] or bowl
    local f = plane[p.problem] and problem:noisy(noise, 1, 128).f or function(x) return bowl.f(x - noise:normal(100) / 128 ^ 0.5) end
    local x = problem:start()
    local opt = p.opt:new(x)
    for epoch = 0, p.epochs do
      for _ = 1, epoch == 0 and 0 or 7 do opt:step(f) end
      run:log { loss = problem:gap(x) }
    end
  end,

  claims = function(sweep, claim)
    local w, axes = tw.linalg.eigh(bowl:hessian())
    local a, z, steepest, steps, seeds = axes:t():matmul(bowl:start()), {}, w[100]:item(), 7 * (sweep.quick and 5 or 100), sweep.quick and 3 or 11
    for _, group in ipairs(sweep:where { problem = "quadratic_deep", rule = "sgd", ["opt.lr"] = { "<", 2 / steepest } }:group_by "opt.lr") do
      local c = group[1] * w
      local m, v = (1 - c) ^ steps * a, c / (2 - c) * (1 - (1 - c) ^ (2 * steps)) / 128 -- of each coordinate, which is normal
      z[#z + 1] = ((group.sweep:mean "loss" - 0.5 * w:dot(m * m + v)) / ((w * w):dot(v * v / 2 + m * m * v) / seeds) ^ 0.5):item()
    end
    claim("quadratic_deep, sgd: mean loss from its exact law at every rate that converges, in standard errors", z, "within", { -4, 4 }, { seeds = seeds,
      why = "along each eigenvector the process is linear and its noise normal" })
    if sweep.quick then return claim.skip("the limits and the comparison", "they take the full form's 100 epochs and 11 seeds") end
    for rule, limit in pairs { sgd = 2, momentum = 3.8, nesterov = 3.8 / 2.8 } do -- 2, 2(1 + beta), 2(1 + beta)/(1 + 2 beta)
      local grown = sweep:where { problem = "quadratic_deep", rule = rule }:where(function(one) return not (one:final "loss" < 1e6 * one:at("loss", 0)) end)
      claim(("quadratic_deep, %s: smallest rate at which the loss grows a millionfold, times the largest eigenvalue"):format(rule),
        grown:min(function(one) return one.params["opt.lr"] end) * steepest, "within", { limit, limit * 10 ^ 0.2 }, { why = "theory, and a step of the grid" })
    end
    local function tuned(problem, rule)
      local runs = sweep:where { problem = problem, rule = rule }
      local one = runs:where { rep = 1 }:best():runs()()
      return runs:where { ["opt.lr"] = one.params["opt.lr"], rep = { ">", 1 } }, one:final "loss"
    end
    local function speed(one) return one:steps_to("loss", 0.01 * one:at("loss", 0)) end
    local function loss(one) return math.log(one:final "loss") end
    local t, why = tw.stats.t_quantile(1 - 0.025 / 112, 9), "Student's quantile, two-sided, 5 % for all 112 pairs together (Bonferroni)"
    for _, row in ipairs { { "quadratic_deep", "adam", ">", "nesterov", loss }, { "beale", "nesterov", ">", "adam", loss },
      { "quadratic_deep", "sgd", ">", "momentum", speed }, { "quadratic_deep", "sgd", "<", "momentum", loss },
      { "rosenbrock", "sgd", ">", "momentum", loss }, { "rosenbrock", "adam", "<", "momentum", loss } } do
      local problem, a, relation, b, value = table.unpack(row)
      local c, what = tuned(problem, a):compare(tuned(problem, b), value), value == loss and "final loss" or "epoch of arrival"
      claim(("%s: %s of %s %s that of %s, paired t"):format(problem, what, a, relation == ">" and "above" or "not told from", b),
        relation == ">" and c.t or math.abs(c.t), relation, t, { seeds = c.n, why = why })
    end
    local ten, chosen = tuned("rosenbrock", "nadam")
    claim("rosenbrock: nadam's median loss over that of the seed that chose its rate", ten:median "loss" / chosen, ">", 10, { seeds = 10, why = "one decade" })
    for _, problem in ipairs(names) do
      local function reached(rule) return #sweep:where { problem = problem, rule = rule }:where(function(one) return speed(one) < 101 end) / seeds end
      claim(problem .. ": rates at which adam arrives, a mean over seeds", reached "adam", ">", reached "sgd", { seeds = seeds, why = "that of sgd" })
    end
  end,
}
