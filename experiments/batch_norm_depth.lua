#!/usr/bin/env thalweg
-- Can a deep net of saturating units be trained? Eight layers of sigmoids on handwritten digits: as they are, the gradient that reaches the first layer is
-- a ten-thousandth of the last one's and the net stays at chance; with batch normalisation before or after each unit it learns. Two layers learn either way.
-- rows: A13
-- plot: thalweg plot runs/batch_norm_depth.h5 eval_accuracy --by depth,norm --log none
local tw = require "thalweg"
local space = tw.space

local digits = tw.data.csv("digits.csv", { target = "digit", dtype = "f32" })

local function network(p)
  local layers, width = {}, 64
  for _ = 1, p.depth do
    layers[#layers + 1] = tw.nn.linear { width, p.width, init = "xavier" }
    if p.norm == "before the unit" then layers[#layers + 1] = tw.nn.batchnorm { p.width } end
    layers[#layers + 1] = tw.nn.sigmoid()
    if p.norm == "after the unit" then layers[#layers + 1] = tw.nn.batchnorm { p.width } end
    width = p.width
  end
  layers[#layers + 1] = tw.nn.linear { width, 10, init = "xavier" }
  return tw.nn.sequential(layers)
end

return tw.experiment {
  name = "batch_norm_depth",
  about = "Does batch normalisation make a deep net of sigmoids trainable?",
  dtype = "f32",
  units = { loss = "nat" },
  params = {
    depth = space.choice { 2, 8 },
    norm = space.choice { "none", "before the unit", "after the unit" },
    width = 32, lr = 0.1, momentum = 0.9, batch = 64, steps = 400,
  },
  repeats = 5,
  quick = { repeats = 2, params = { steps = 300 } },
  objective = { metric = "eval_accuracy", goal = "max" },

  run = function(run)
    local p = run.params
    local model = network(p)
    local train, test = tw.data.split(digits, { 0.8, 0.2 }, run:rng("split"))
    train, test = tw.data.standardize(train, test, { scale = "common" })
    local params = model:init(run:rng("init"))
    local opt = tw.optim.sgd(params, { lr = p.lr, momentum = p.momentum })
    local next_batch = tw.data.batches { n = train.n, size = p.batch, rng = run:rng("batches"), drop_last = true }
    local function loss_of(params, i) return tw.cross_entropy(model(params, train.x[i], { train = true }), train.y[i]) end
    for step = 1, p.steps do
      local loss = opt:step(loss_of, next_batch())
      local g = opt:grads()
      run:log { loss = loss, first_to_last = g.linear1.weight:norm() / g["linear" .. p.depth].weight:norm() }
      if step % 20 == 0 then
        run:log("eval", { accuracy = tw.scope(function() return model(params, test.x):argmax(2):eq(test.y):to("f64"):mean():item() end) })
      end
    end
  end,

  claims = function(sweep, claim)
    local seeds = sweep.quick and 2 or 5
    local deep, flat = sweep:where { depth = 8 }, sweep:where { depth = 2 }
    local bare = deep:where { norm = "none" }
    claim("gradient of the first layer over the last hidden one, start, 8 layers", bare:values("first_to_last", { at = 0 }), "<", 4.0 ^ -7 * 2.83,
      { seeds = seeds, why = "a slope of at most 1/4 in seven layers with weights of gain 1; inputs of norm 8 against sqrt(32)/2 = 2.83" })
    claim("8 layers without it: best accuracy on unseen digits", bare:max("eval_accuracy", { at = "max" }), "<", 0.2,
      { seeds = seeds, why = "twice the chance of one in ten" })
    for _, norm in ipairs { "before the unit", "after the unit" } do
      local runs = deep:where { norm = norm }
      claim("8 layers, normalised " .. norm .. ": accuracy in predict mode", runs:min("eval_accuracy"), ">", 0.8,
        { seeds = seeds, se = runs:se("eval_accuracy"), why = "eight times the chance of one in ten" })
      claim("first layer over last hidden one, start, normalised " .. norm, runs:min("first_to_last", { at = 0 }), ">", 0.1,
        { seeds = seeds, why = "no more than a factor of 10 is lost" })
    end
    claim("2 layers learn either way: accuracy without it", flat:where { norm = "none" }:min("eval_accuracy"), ">", 0.8, { seeds = seeds, why = "as above" })
  end,
}
