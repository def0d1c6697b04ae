#!/usr/bin/env thalweg
-- Where may a network start? A 13-8-3 network on wines, from nine starts. From zero, tanh and ReLU layers get no gradient at all; from any constant all
-- hidden units stay copies of one another for ever, bit by bit; every random start tells them apart. Seen: three plateaus and a bundle of falling curves.
-- rows: A5
-- plot: thalweg plot runs/initialisation.h5 loss --by net_init --where 'net_activation=="tanh"' --log y
local tw = require "thalweg"
local space = tw.space

local wine = tw.data.standardize(tw.data.csv("wine.csv", { target = "cultivar" }))
local symmetric = { "zeros", "constant" }
local random = { "normal", "uniform", "kaiming_uniform", "lecun", "xavier", "he", "orthogonal" }

-- The largest difference between hidden unit 1 and another one, in what comes in and what goes out.
local function spread(params)
  local into, out = params.hidden1, params.out.weight
  return tw.maximum(tw.maximum((into.weight - into.weight[{ {}, { 1, 1 } }]):abs():max(), (into.bias - into.bias[1]):abs():max()), (out - out[1]):abs():max())
end

return tw.experiment {
  name = "initialisation",
  about = "From which initial weights can a network learn?",
  units = { loss = "nat" },
  params = {
    net = tw.nn.mlp {
      13, 8, 3,
      activation = space.choice { "tanh", "relu", "sigmoid" },
      init = space.choice { "zeros", "constant", table.unpack(random) },
    },
    lr = 0.1,
    steps = 300,
  },
  lanes = { "seed" },
  repeats = 5,
  quick = { repeats = 2 },

  run = function(run)
    local model = run.params.net
    local params = model:init(run:rng("init"))
    local opt = tw.optim.sgd(params, { lr = run.params.lr })
    local function loss_of(params) return tw.cross_entropy(model(params, wine.x), wine.y) end
    for _ = 1, run.params.steps do
      local apart = spread(params)
      local loss = opt:step(loss_of)
      run:log { loss = loss, spread = apart, hidden_gradient = opt:grads().hidden1.weight:abs():max() }
    end
  end,

  claims = function(sweep, claim)
    local seeds = sweep.quick and 2 or 5
    local no_feature = tw.nn.linear { 1, 3, init = "zeros" }:init(tw.rng(1)) -- the best a model without features can do
    local opt = tw.optim.sgd(no_feature, { lr = 1 })
    for _ = 1, 200 do opt:step(function(q) return tw.cross_entropy(q.bias:expand(wine.n, 3), wine.y) end) end
    local entropy = tw.cross_entropy(no_feature.bias:expand(wine.n, 3), wine.y):item()

    local dead = sweep:where { ["net.init"] = "zeros", ["net.activation"] = { "tanh", "relu" } }
    claim("zero start, tanh or ReLU: gradient of the hidden weights, whole run", dead:values("hidden_gradient", { at = "max" }), "==", 0,
      { seeds = seeds, printed = "the neurons learn the same features",
        erratum = "with h(0) = 0 they learn none: W2 = 0 stops the gradient of W1, and h = 0 that of W2",
        why = "both products have a factor that is exactly zero" })
    claim("it learns the frequencies of the classes and nothing else", dead:values("loss"), "~", entropy,
      { abs = 1e-4, seeds = seeds, why = "loss of a model with biases only, after 200 steps at ten times the rate" })
    local half = sweep:where { ["net.init"] = "zeros", ["net.activation"] = "sigmoid" }
    claim("zero start, sigmoid: units are copies, whole run", half:values("spread", { at = "max" }), "==", 0,
      { seeds = seeds, why = "here h(0) = 1/2: what A says holds, in the same order of the same operations" })
    claim("constant start: units are copies, whole run", sweep:where { ["net.init"] = "constant" }:values("spread", { at = "max" }), "==", 0,
      { seeds = seeds, why = "equal units get equal gradients, in the same order of the same operations" })
    claim("N(0, 0.01^2): units move apart, end over start", sweep:where { ["net.init"] = "normal" }:values(function(one)
      return one:final("spread") / one:at("spread", 0)
    end), ">", 10, { seeds = seeds, why = "an order of magnitude" })
    for _, activation in ipairs { "tanh", "relu", "sigmoid" } do
      local function of(inits) return sweep:where { ["net.activation"] = activation, ["net.init"] = inits } end
      claim("every random start ends below every symmetric one, " .. activation, of(random):max("loss"), "<", of(symmetric):min("loss"),
        { seeds = seeds, unit = "nat", why = "the best of the symmetric starts" })
    end
  end,
}
