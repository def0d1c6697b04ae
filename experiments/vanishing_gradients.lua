#!/usr/bin/env thalweg
-- Why do deep networks of sigmoids not learn? Back-propagation multiplies the gradient by the weights and by the activation's derivative, layer after
-- layer. Networks of 2 to 16 hidden layers begin to learn handwritten digits; the gradient's norm is recorded for every layer at every step. One sees it
-- vanish towards the input with sigmoids, whose derivative is at most 1/4, explode with tanh and large weights, and stay level with ReLU and He's weights.
-- rows: B4 A14 C1
-- plot: thalweg plot runs/vanishing_gradients.h5 ratio --x depth --by activation,gain --at 0 --where 'gain>=1' --log y
local tw = require "thalweg"
local space = tw.space

local digits = tw.data.csv("digits.csv", { target = "digit" })
local width, he = 32, 0.25 -- He's standard deviation sqrt(2/width)

return tw.experiment {
  name = "vanishing_gradients",
  about = "gradient norms layer by layer in deep networks of sigmoid, tanh and ReLU units",
  units = { loss = "nat", ratio = "1", first = "1", last = "1" },
  params = {
    activation = space.choice { "sigmoid", "tanh", "relu" }, gain = space.choice { 0.5, 1, 2 }, depth = space.choice { 2, 4, 8, 16 },
    steps = 100, lr = 0.05, batch = 64,
  },
  lanes = { "lr", "seed" },
  repeats = 5,
  quick = { params = { steps = 20 } },

  run = function(run)
    local p = run.params
    local sizes = { 64 }
    for layer = 1, p.depth do sizes[layer + 1] = width end
    sizes[p.depth + 2] = 10
    sizes.activation, sizes.init, sizes.std = p.activation, "normal", he * p.gain
    local model = tw.nn.mlp(sizes)
    local train = tw.data.standardize(digits, { scale = "common" })
    local params = model:init(run:rng "init")
    local opt = tw.optim.sgd(params, { lr = p.lr })
    local next_batch = tw.data.batches { n = train.n, size = p.batch, rng = run:rng "batches" }
    for _ = 1, p.steps do
      local i = next_batch()
      local loss, g = tw.value_and_grad(function(w) return tw.cross_entropy(model(w, train.x[i]), train.y[i]) end)(params)
      local norms = {}
      for layer = 1, p.depth do norms[layer] = tw.norm(g["hidden" .. layer].bias) end
      run:log { loss = loss, first = norms[1], last = norms[p.depth], ratio = norms[1] / norms[p.depth], layers = tw.stack(norms) }
      opt:update(g)
    end
    local slope = tw.grad(tw[p.activation])
    run:result { slope_at_4 = slope(tw.tensor(4)):item(), slope_at_0 = slope(tw.tensor(0)):item(), slope_at_minus_1 = slope(tw.tensor(-1)):item() }
  end,

  claims = function(sweep, claim)
    local function pick(activation, gain, depth) return sweep:where { activation = activation, gain = gain, depth = depth } end
    claim("tanh'(4)", pick("tanh", 1, 2):values "slope_at_4", "~", 0.0013409506830259, { abs = 4e-16,
      why = "1 - tanh(4)^2: twice the rounding of tanh(4), which is beside 1; the lecture prints 0.0013" })
    claim("the sigmoid's derivative at 0, its largest", pick("sigmoid", 1, 2):values "slope_at_0", "==", 0.25)
    claim("ReLU's derivative is 1(h > 0): at -1, 0, 4", { pick("relu", 1, 2):median "slope_at_minus_1", pick("relu", 1, 2):median "slope_at_0",
      pick("relu", 1, 2):median "slope_at_4" }, "==", { 0, 0, 1 })
    -- The factor by which the gradient changes from layer to layer, before the first step: from the slope of the ratio's logarithm against the depth.
    local function per_layer(activation, gain)
      local slope = sweep:where { activation = activation, gain = gain }:fit_slope("depth", "ratio", { logy = true, at = 0 })
      return math.exp(slope)
    end
    for _, gain in ipairs { 0.5, 1, 2 } do
      claim(("sigmoid, weights %g times He's: factor per layer"):format(gain), per_layer("sigmoid", gain), "<", gain * math.sqrt(2) / 4,
        { seeds = 5, why = "a weight matrix gives std sqrt(width) = gain sqrt(2) in the mean, the derivative at most 1/4" })
      claim(("ReLU, weights %g times He's: factor per layer"):format(gain), per_layer("relu", gain), "~", gain, { rel = 0.15, seeds = 5,
        why = "He et al. 2015 for the mean square; at width 32 the median is some 5/(4 width) = 4 % lower, the rest is four standard errors" })
    end
    claim("tanh, half of He's weights: factor per layer", per_layer("tanh", 0.5), "<", 0.5 * math.sqrt(2), { seeds = 5, why = "gain sqrt(2), tanh' <= 1" })
    claim("tanh, twice He's weights: the gradient explodes", per_layer("tanh", 2), ">", 1.1,
      { seeds = 5, why = "more than a rounding of 1: fivefold in 16 layers" })
    claim("16 layers of sigmoids: first to last layer", pick("sigmoid", 1, 16):median("ratio", { at = 0 }), "<", 1e-6,
      { seeds = 5, why = "(sqrt(2)/4)^15 = 2e-7, and 5 for the spread" })
    claim("they stay at the loss of a guess", pick("sigmoid", 1, 16):median "loss", "~", math.log(10),
      { abs = 0.05, seeds = 5, why = "log 10 for ten digits; batches of 64" })
    claim("16 layers of ReLU, twice He's weights: the runs diverge", #pick("relu", 2, 16):where { status = "diverged" }, "==", 5)
    local text = "16 layers of tanh, He's weights, have learned"
    if sweep.quick then claim.skip(text, "it takes more than 20 steps")
    else claim(text, pick("tanh", 1, 16):median "loss", "<", 1, { seeds = 5, why = "less than half of a guess" }) end
  end,
}
