#!/usr/bin/env thalweg
-- Back-propagation for neurons y = 1/(1 + e^(-lambda z)) under squared error, as D writes it: dy/dz = lambda y (1 - y), blame passed back by the weights.
-- It equals automatic differentiation to rounding, if y is the neuron's output and o the target. D's E has them the other way round: then every gradient
-- points exactly uphill, and the loss climbs. Steeper neurons learn faster until they saturate.
-- rows: D3 D5
-- plot: thalweg plot runs/backprop_steepness.h5 loss --by lambda,y --log y
local tw = require "thalweg"
local space = tw.space

local tumours = tw.data.standardize(tw.data.csv("breast_cancer.csv", { target = "benign" }))
local x, target = tumours.x, (tumours.y - 1):to("f64"):unsqueeze(2)

local function network(lambda)
  local function neuron(h, w) return (lambda * h:matmul(w)):sigmoid() end
  local function loss(p) return 0.5 * (neuron(neuron(x, p.hidden), p.out) - target):square():sum() end
  local function by_hand(p, y_means)
    local h = neuron(x, p.hidden)
    local y = neuron(h, p.out)
    local blame = y_means == "output" and y - target or target - y -- dE/dy = (y - o), in D's letters
    local dz = blame * y * (1 - y) * lambda
    return { out = h:t():matmul(dz), hidden = x:t():matmul(dz:matmul(p.out:t()) * h * (1 - h) * lambda) }
  end
  return loss, by_hand
end

return tw.experiment {
  name = "backprop_steepness",
  about = "Does automatic differentiation equal the lecture's back-propagation for sigmoids of any steepness?",
  params = {
    lambda = space.choice { 0.5, 1, 2 },
    y = space.choice { "output", "target" }, -- what the letter y means in dE/dy,
    lr = 1e-3, steps = 50,
  },
  lanes = { "lambda", "seed" },
  repeats = 3,

  run = function(run)
    local p = run.params
    local loss, by_hand = network(p.lambda)
    local rng = run:rng("init")
    local params = { hidden = rng:normal(30, 5, { std = 0.2 }), out = rng:normal(5, 1, { std = 0.5 }) }
    local opt = tw.optim.sgd(params, { lr = p.lr })
    for _ = 1, p.steps do
      local value, auto = tw.value_and_grad(loss)(params)
      local hand = by_hand(params, p.y)
      local gap = tw.maximum((hand.out - auto.out):norm() / auto.out:norm(), (hand.hidden - auto.hidden):norm() / auto.hidden:norm())
      run:log { loss = value, gap = gap, cosine = tw.tree.dot(hand, auto) / (tw.tree.norm(hand) * tw.tree.norm(auto)) }
      opt:update(hand)
    end
  end,

  claims = function(sweep, claim)
    local right, wrong = sweep:where { y = "output" }, sweep:where { y = "target" }
    for _, group in ipairs(right:group_by("lambda")) do
      claim("the worst parameter's difference, lambda = " .. group[1], group.sweep:values("gap", { at = "max" }), "<=", 1e-12,
        { seeds = 3, why = "rounding of sums of some hundred terms" })
    end
    local function change(one) return one:final("loss") / one:at("loss", 0) end
    claim("the loss falls, last over first", right:values(change), "<", 1, { seeds = 3, why = "a small step downhill" })
    claim("with y as the target: cosine to the gradient, every step", wrong:values("cosine", { at = "max" }), "~", -1,
      { abs = 1e-12, seeds = 3, printed = "dE/dy = (y_i - o_i)", why = "the cosine of opposite vectors",
        erratum = "in E = sum (y - o)^2 / 2 the output is o and dE/do = o - y; (y - o) is right only where y is the output, as in dy/dz" })
    claim("and the loss climbs, last over first", wrong:values(change), ">", 1, { seeds = 3, why = "a small step uphill" })
  end,
}
