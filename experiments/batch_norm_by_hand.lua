#!/usr/bin/env thalweg
-- What does batch normalisation compute, forward, backward and between batches? Measured wines in batches of 16: normalised, scaled and shifted by hand,
-- differentiated by hand, and held against the engine; the running averages follow alpha m + (1 - alpha) m_k from batch to batch and serve prediction.
-- rows: A13
-- plot: thalweg plot runs/batch_norm_by_hand.h5 alcohol_batch alcohol_running --where 'repeat==1' --by alpha --log none
local tw = require "thalweg"

local wine = tw.data.csv("wine.csv", { target = "cultivar" })
local eps = 1e-5

-- (x - mu) / sqrt(s2 + eps) gamma + beta, and what else the closed forms need
local function forward(x, gamma, beta)
  local mu = x:mean(1)
  local s2 = (x - mu):square():mean(1)
  local root = (s2 + eps):sqrt()
  local hat = (x - mu) / root
  return gamma * hat + beta, hat, root, mu, s2
end

-- the cotangents of x, gamma and beta, given that of the result
local function backward(t, gamma, hat, root)
  return gamma / root * (t - t:mean(1) - hat * (t * hat):mean(1)), (t * hat):sum(1), t:sum(1)
end

local function gap(a, b) return (a - b):norm() / b:norm() end

return tw.experiment {
  name = "batch_norm_by_hand",
  about = "Does batch normalisation do what its formulas say, forward, backward and in its running averages?",
  units = { alcohol_batch = "% vol", alcohol_running = "% vol" },
  params = { alpha = tw.space.choice { 0.9, 0.99 }, batch = 16, steps = 100 },
  repeats = 3,
  quick = { params = { steps = 25 } },
  objective = { metric = "backward" },

  run = function(run)
    local p, d = run.params, wine.x.shape[2]
    local rng, next_batch = run:rng("weights"), tw.data.batches { n = wine.n, size = p.batch, rng = run:rng("batches"), drop_last = true }
    local mean, var = tw.buffer(tw.zeros(d)), tw.buffer(tw.ones(d))
    local train = { train = true, momentum = 1 - p.alpha, eps = eps }
    local function layer(x, gamma, beta) return x:batch_norm(mean, var, gamma, beta, train) end
    local function fixed(q) return (q.x:batch_norm(nil, nil, q.gamma, q.beta, { train = true, eps = eps }) * q.t):sum() end

    for _ = 1, p.steps do
      local x, gamma, beta, t = wine.x[next_batch()], rng:normal(d), rng:normal(d), rng:normal(p.batch, d)
      local y, hat, root, mu, s2 = forward(x, gamma, beta)
      local gx, ggamma, gbeta = backward(t, gamma, hat, root)
      local engine = layer(x, gamma, beta)
      run:log { mean = mean, var = var, batch_mean = mu, batch_var = s2, alcohol_batch = mu[1], alcohol_running = mean[1], forward = gap(engine, y) }
      local g = tw.grad(fixed)({ x = x, gamma = gamma, beta = beta, t = t })
      local predicted = x:batch_norm(mean, var, gamma, beta, { eps = eps })
      run:log("check", {
        backward = tw.maximum(tw.maximum(gap(g.x, gx), gap(g.gamma, ggamma)), gap(g.beta, gbeta)),
        predict = gap(predicted, gamma * (x - mean) / (var + eps):sqrt() + beta),
      })
    end
    local x = wine.x[next_batch()]
    local ok = tw.checkgrad(fixed, { x = x / x:std(1), gamma = rng:normal(d), beta = rng:normal(d), t = rng:normal(p.batch, d) })
    run:result { gradcheck = ok and 1 or 0 }
  end,

  claims = function(sweep, claim)
    for _, name in ipairs { "forward", "check_backward", "check_predict" } do
      claim(name:gsub("check_", "") .. " against the closed form", sweep:values(name, { at = "max" }), "<=", 1e-10, { why = "rounding; set before the run" })
    end
    claim("gradient against central differences", sweep:values("gradcheck"), "==", 1, { why = "within 1e-6 of 1 + |gradient|, the default of tw.checkgrad" })
    for name, factor in next, { mean = 1, var = 16 / 15 } do
      claim(name == "mean" and "running mean: alpha m + (1 - alpha) m_k" or "running variance: the same with the unbiased s^2 n/(n-1)",
        sweep:values(function(one)
          local a, running, batch, worst = one.params.alpha, one:trace(name), one:trace("batch_" .. name), 0
          for t = 2, #running do
            for j, m in ipairs(running[t - 1]) do
              worst = math.max(worst, math.abs(running[t][j] / (a * m + (1 - a) * (factor * batch[t][j])) - 1))
            end
          end
          return worst
        end), "==", 0, { why = "the recursion in the same order of operations: to the last bit" })
    end
  end,
}
