#!/usr/bin/env thalweg
-- How noisy is the gradient of a mini-batch? On 442 patients the squared distance from the whole gradient is s^2/b for a batch of b drawn with
-- replacement, and s^2/b (N-b)/(N-1) without, where s^2 is the variance over single examples: without replacement the noise ends at b = N.
-- rows: A4 B9 B11 C5 D7
-- plot: thalweg plot runs/minibatch_gradient_noise.h5 mean_deviation --x batch --by shuffle --where 'batch<442' --log xy
local tw = require "thalweg"
local space = tw.space

local patients = tw.data.standardize(tw.data.csv("diabetes.csv", { target = "progression", kind = "number" }))
local N = patients.n

local function loss(w, x, y) return 0.5 * (x:matmul(w) - y):square():mean() end

return tw.experiment {
  name = "minibatch_gradient_noise",
  about = "How far is the gradient of a mini-batch from that of the whole set, drawn with and without replacement?",
  params = {
    shuffle = space.choice { "with replacement", "without" },
    batch = space.choice { 1, 4, 16, 64, 256, 400, 442 },
    draws = 2000,
  },
  quick = { params = { draws = 500 } },
  objective = { metric = "mean_deviation" },

  run = function(run)
    local p = run.params
    local w = run:rng("start"):normal(patients.x.shape[2])
    local gradient = tw.grad(loss)
    local whole = gradient(w, patients.x, patients.y)
    local norm = whole:dot(whole)

    local single = tw.vmap(gradient, { axes = { false, 1, 1 } })(w, patients.x:unsqueeze(2), patients.y:unsqueeze(2))
    local gap = (single:mean(1) - whole):norm() / whole:norm()
    run:result { gap = gap, variance = (single - whole):square():sum(2):mean() / norm }

    local rng, sum = run:rng("batches"), 0
    for draw = 1, p.draws do
      local i = rng:choice(N, p.batch, { replace = p.shuffle ~= "without" })
      local off = gradient(w, patients.x[i], patients.y[i]) - whole
      local deviation = off:dot(off) / norm
      sum = sum + deviation
      run:log { deviation = deviation, mean_deviation = sum / draw }
    end
  end,

  claims = function(sweep, claim)
    claim("the mean of all single gradients is the whole gradient", sweep:values("gap"), "<=", 1e-12, { why = "it is one sum in two orders" })
    for _, group in ipairs(sweep:group_by("shuffle", "batch")) do
      local shuffle, b, runs = table.unpack(group)
      local without = shuffle == "without"
      local law = runs:mean("variance") / b * (without and (N - b) / (N - 1) or 1)
      local deviations = runs:trace("deviation")
      if law > 0 then
        local se = tw.stats.se(deviations)
        claim(("squared deviation, b = %d, %s"):format(b, without and "without replacement" or shuffle), tw.stats.mean(deviations), "~", law,
          { abs = 4 * se, se = se, unit = "of |g|^2", why = "s^2/b" .. (without and " (N-b)/(N-1)" or "") .. " within 4 standard errors" })
      else
        claim("a batch of all patients has the whole gradient", tw.stats.max(deviations), "<=", 1e-24, { why = "1e-12 of its norm, squared" })
      end
    end
  end,
}
