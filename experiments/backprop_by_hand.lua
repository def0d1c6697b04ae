#!/usr/bin/env thalweg
-- Is automatic differentiation the back-propagation of the lectures? Networks train on measured data while every gradient is also computed by the formulas
-- on the slides: a Bernoulli net with ReLU or sigmoid units on tumours, a multi-layer softmax net on wines. The two differ in the last bits at every step.
-- rows: C1 C2
-- plot: thalweg plot runs/backprop_by_hand.h5 gap --by net --log y
local tw = require "thalweg"

local tumours = tw.data.standardize(tw.data.csv("breast_cancer.csv", { target = "benign" }))
local wine = tw.data.standardize(tw.data.csv("wine.csv", { target = "cultivar" }))
local benign = (tumours.y - 1):to("f64")

-- C: h_k = f(x'alpha_k), p = sigmoid(h'beta), l = sum of log-likelihoods; its slides give the gradient of l, uphill; the loss is -l.
local function bernoulli(f, slope)
  local net = { x = tumours.x }
  function net.init(rng) return { alpha = rng:normal(30, 6, { std = 0.2 }), beta = rng:normal(6, { std = 0.5 }) } end
  function net.loss(w) return tw.bce_with_logits(f(net.x:matmul(w.alpha)):matmul(w.beta), benign, { reduction = "sum" }) end
  function net.hand(w)
    local h = f(net.x:matmul(w.alpha))
    local blame = benign - h:matmul(w.beta):sigmoid() -- y - p
    return { beta = -h:t():matmul(blame), alpha = -net.x:t():matmul(blame:unsqueeze(2) * w.beta * slope(h)) }
  end
  return net
end

-- C: dL/dW_l = f'_l dL/dh_l h_{l-1}', dL/dh_{l-1} = dL/dh_l f'_l W_l, from the softmax layer down to the input.
local deep = { model = tw.nn.mlp { 13, 8, 7, 6, 3, activation = "tanh" } }
function deep.init(rng) return deep.model:init(rng) end
function deep.loss(w) return tw.cross_entropy(deep.model(w, wine.x), wine.y) end
function deep.hand(w)
  local names, h, grads = { "hidden1", "hidden2", "hidden3", "out" }, { wine.x }, {}
  for l = 1, 3 do h[l + 1] = (h[l]:matmul(w[names[l]].weight) + w[names[l]].bias):tanh() end
  local blame = ((h[4]:matmul(w.out.weight) + w.out.bias):softmax() - wine.y:one_hot(3):to("f64")) / wine.n
  for l = 4, 1, -1 do
    grads[names[l]] = { weight = h[l]:t():matmul(blame), bias = blame:sum(1) }
    blame = (1 - h[l]:square()) * blame:matmul(w[names[l]].weight:t()) -- 1 - tanh^2
  end
  return grads
end

local nets = {
  relu = function() return bernoulli(tw.relu, function(h) return h:gt(0):to("f64") end) end,
  sigmoid = function() return bernoulli(tw.sigmoid, function(h) return h * (1 - h) end) end,
  ["multi-layer"] = function() return deep end,
}

return tw.experiment {
  name = "backprop_by_hand",
  about = "Does automatic differentiation equal back-propagation as the lectures write it out?",
  params = { net = tw.space.choice { "relu", "sigmoid", "multi-layer" }, steps = 50 },
  lanes = { "seed" },
  repeats = 3,
  objective = { metric = "gap" },

  run = function(run)
    local net = nets[run.params.net]()
    local params = net.init(run:rng("init"))
    local opt = tw.optim.sgd(params, { lr = run.params.net == "multi-layer" and 0.3 or 1e-3 })
    for _ = 1, run.params.steps do
      local hand = net.hand(params)
      local loss = opt:step(net.loss)
      local auto, gap = opt:grads(), tw.tensor(0)
      tw.tree.map(function(a, b) gap = tw.maximum(gap, (a - b):norm() / b:norm()) end, hand, auto)
      run:log { loss = loss, gap = gap }
    end
  end,

  claims = function(sweep, claim)
    for _, group in ipairs(sweep:group_by("net")) do
      local net, runs = table.unpack(group)
      claim("the worst parameter's difference, " .. net, runs:values("gap", { at = "max" }), "<=", 1e-12,
        { seeds = 3, why = "rounding of sums of some hundred terms" })
    end
    local function change(one) return one:final("loss") / one:at("loss", 0) end
    claim("the loss falls, last over first", sweep:values(change), "<", 1, { seeds = 3, why = "small steps down the engine's gradient" })
  end,
}
