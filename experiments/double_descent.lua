#!/usr/bin/env thalweg
-- Why do models with more parameters than examples generalise? Random ReLU features, frozen; only the output weights learn, by gradient descent from 0, on
-- 40 noisy examples of a linear function. The test error falls, explodes where the number of features d meets that of examples, and falls again, below
-- where it was: among all weights that fit the data, descent from 0 finds the shortest, since it never leaves the row space of the features.
-- rows: C4
-- plot: thalweg plot runs/double_descent.h5 fit_test_error --x d --log xy
local tw = require "thalweg"
local n, inputs, noise = 40, 10, 0.5

return tw.experiment {
  name = "double_descent",
  about = "How does the test error depend on the number of features, and which of all fits does gradient descent find?",
  params = { d = tw.space.choice { 5, 10, 20, 30, 40, 50, 60, 80, 160, 400, 1000 }, limit = 100000 },
  lanes = { "seed" },
  repeats = 60,
  quick = { repeats = 8, params = { d = tw.space.choice { 10, 20, 40, 80, 1000 }, limit = 1024 } },
  objective = { metric = "fit_test_error" },

  run = function(run)
    local d = run.params.d
    local truth, rng = run:rng("truth"):normal(inputs), run:rng("features")
    truth = truth / truth:norm()
    local a, b = rng:normal(1000, inputs)[{ { 1, d } }], rng:split("offset"):normal(1000)[{ { 1, d } }] -- more features: these and others
    local function features(x) return (x:matmul(a:t()) + b):relu() end
    local x, fresh = run:rng("train"):normal(n, inputs), run:rng("test"):normal(500, inputs)
    local y = x:matmul(truth) + noise * run:rng("noise"):normal(n)
    local h, seen = features(x), features(fresh)

    local u, s, vt = tw.linalg.svd(h)
    local shortest = tw.linalg.pinv(h):matmul(y)
    local coefficients = y:matmul(u)
    local ht, eta = h:t(), 1.9 / s[1]:square()
    local function formula(steps) return ((1 - (1 - eta * s:square()) ^ steps) / s * coefficients):matmul(vt) end
    local function test_error(beta) return (seen:matmul(beta) - fresh:matmul(truth)):square():mean() end

    local beta, limit = tw.zeros(d), (d <= n // 2 or d >= 2 * n) and run.params.limit or math.min(run.params.limit, 4096) -- between them: millions
    run:log("fit", { step = 0, test_error = test_error(shortest) })
    for step = 0, limit do
      if step & (step - 1) == 0 or step % 2048 == 0 or step == limit then
        local law, off = formula(step), (beta - shortest):norm() / shortest:norm()
        run:log {
          step = step, loss = (h:matmul(beta) - y):square():mean(), test_error = test_error(beta), off_shortest = off,
          off_law = (beta - law):norm() / (law:norm() + 1e-300), outside = (beta - vt:t():matmul(vt:matmul(beta))):norm() / shortest:norm(),
        }
        run:stop_if(off:lt(1e-7), "converged")
      end
      tw.scope(function() beta:assign(beta - eta * ht:matmul(h:matmul(beta) - y)) end)
    end
  end,

  claims = function(sweep, claim)
    local seeds = sweep.quick and 8 or 60
    local function at(d) return sweep:where { d = d }:median("fit_test_error") end
    local why = { seeds = seeds, why = "set before the sweep; all numbers are medians over seeds" }
    claim("test error at d = n over that at n/2", at(40) / at(20), ">=", 5, why)
    claim("test error at d = n over that at 2n", at(40) / at(80), ">=", 5, why)
    local best = math.huge
    for _, group in ipairs(sweep:where { d = { "<", n } }:group_by("d")) do best = math.min(best, group.sweep:median("fit_test_error")) end
    claim("test error at d = 25 n against the best d < n", at(1000), "<", best, why)
    claim("weights after T steps against V diag((1 - (1 - eta s^2)^T)/s) U'y", sweep:values("off_law", { at = "max" }), "<=", 1e-6,
      { seeds = seeds, why = "relative; s^2 spans up to 1e7 and rounding accumulates over T" })
    claim("their part outside the row space", sweep:values("outside", { at = "max" }), "<=", 1e-12,
      { seeds = seeds, why = "every step is a combination of rows; the rest is rounding" })
    for _, group in ipairs(sweep:where { d = function(d) return d <= n / 2 or d >= 2 * n end }:group_by("d")) do
      local text = "distance to the shortest fit (pseudo-inverse), d = " .. group[1]
      if sweep.quick then claim.skip(text, "it takes up to 1e5 steps") else
        claim(text, group.sweep:median("off_shortest"), "<=", 1e-6, { seeds = seeds, why = "relative, within 1e5 steps" })
      end
    end
  end,
}
