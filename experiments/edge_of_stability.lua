#!/usr/bin/env thalweg
-- How curved is the loss where gradient descent goes? The largest Hessian eigenvalue along full-batch training of a small network on digits, by the power
-- method on Hessian-vector products. It grows until it reaches 2/eta, where descent on a quadratic becomes unstable, overshoots, and hovers there for the
-- rest of training: the loss is no longer monotone, yet it falls (Cohen, Kaur, Li, Kolter and Talwalkar 2021). A small eta never gets there.
-- rows: none
-- plot: thalweg plot runs/edge_of_stability.h5 sharpness_of_edge loss --by lr --where 'activation=="tanh" and repeat==1' --size 900x800
local tw = require "thalweg"
local space = tw.space

local digits = tw.data.csv("digits.csv", { target = "digit" })
local pixels = tw.data.standardize(digits, { scale = "common" }).x

return tw.experiment {
  name = "edge_of_stability",
  about = "How does the largest Hessian eigenvalue along training depend on the step size?",
  units = { sharpness_of_edge = "of 2/eta" },
  params = {
    activation = space.choice { "tanh", "relu" },
    lr = space.choice { 0.1, 0.4, 0.5, 0.6 }, -- at 0.3 a trial run peaked at 6.1, below 2/eta = 6.7
    examples = 300, width = 20, steps = 3000, every = 20,
  },
  lanes = { "lr", "seed" },
  repeats = 3,
  quick = { repeats = 1, params = { activation = "tanh", lr = space.choice { 0.1, 0.5 }, steps = 1200, every = 40 } },

  run = function(run)
    local p = run.params
    local model = tw.nn.mlp { 64, p.width, p.width, 10, activation = p.activation }
    local some = run:rng("examples"):choice(digits.n, p.examples, { replace = false })
    local x, y = pixels[some], digits.y[some]:one_hot(10):to("f64")
    local theta, shaped = tw.tree.flatten(model:init(run:rng("init")))
    local function loss_of(theta) return 0.5 * (model(shaped(theta), x) - y):square():sum() / p.examples end

    local product = tw.hvp(loss_of)
    local function power(direction, iterations) -- goes on from the direction it left behind
      local value
      for _ = 1, iterations do
        local v = direction / direction:norm()
        local hv = product(theta, v)
        value = v:dot(hv)
        direction:assign(hv)
      end
      return value
    end
    local direction, opt = run:rng("power"):normal(#theta), tw.optim.sgd(theta, { lr = p.lr })
    for step = 0, p.steps do
      if step % p.every == 0 then
        local largest = tw.scope(power, direction, step == 0 and 100 or 8)
        run:log("sharpness", { step = step, value = largest, of_edge = largest * p.lr / 2 })
      end
      run:log { loss = opt:step(loss_of) }
    end
    run:result { last = tw.scope(power, direction, 100), again = tw.scope(power, run:rng("again"):normal(#theta), 300) }
  end,

  claims = function(sweep, claim)
    local seeds, steps = sweep.quick and 1 or 3, sweep.quick and 1200 or 3000
    local edge, slow = sweep:where { lr = { ">", 0.3 } }, sweep:where { lr = 0.1 }
    local function rises(one)
      local loss, n = one:trace("loss"), 0
      for t = 2, #loss do n = n + (loss[t] > loss[t - 1] and 1 or 0) end
      return n
    end
    claim("the power method from two directions, last over again", sweep:values(function(one) return one:result("last") / one:result("again") end), "~", 1,
      { rel = 0.03, seeds = seeds, why = "0.871 ln n/(k - 1) = 0.022 at n = 1930, k = 300: Kuczynski and Wozniakowski 1992" })
    claim("at the start it is below 2/eta", sweep:values("sharpness_of_edge", { at = 0 }), "<", 1, { seeds = seeds, why = "descent is stable there" })
    local most = {}
    for i, group in ipairs(edge:group_by("activation", "lr")) do most[i] = group.sweep:median("sharpness_of_edge", { at = "max" }) end
    claim("progressive sharpening: it crosses 2/eta, median over seeds", most, ">", 1, { seeds = seeds, why = "2/eta; one ReLU run hovers just below" })
    claim("and hovers there: median over the second half", edge:values(function(one)
      local values = one:trace("sharpness_of_edge")
      return tw.stats.median(table.move(values, #values // 2 + 1, #values, 1, {}))
    end), "within", { 0.9, 1.1 }, { seeds = seeds, unit = "of 2/eta", why = "ten per cent, a choice made on a trial run" })
    claim("steps on which the loss rises", edge:values(rises), ">", 0, { seeds = seeds, why = "descent below the edge has none" })
    local function fall(one) return one:final("loss") / one:at("loss", steps // 5) end
    claim("and yet it falls: last loss over that at a fifth of the way", edge:values(fall), "<", 0.5, { seeds = seeds, why = "half, a choice" })
    claim("eta = 0.1 stays below 2/eta", slow:values("sharpness_of_edge", { at = "max" }), "<", 1, { seeds = seeds, why = "2/eta itself" })
    claim("and its loss never rises", slow:values(rises), "==", 0, { seeds = seeds, why = "the descent lemma below the edge" })
  end,
}
