-- Models: parameters, forward passes, initialisation.
local core = require "thalweg.core"
local described = require "thalweg.described"
local nn = require "thalweg.nn"
local space = require "thalweg.space"
local test = require "spec"

local draws = rawget(core, "tensor") ~= nil
local function tensor_test(name, f)
  if draws then test(name, f) else test.skip(name, "the core has no tensors") end
end

test("a model is plain data with a canonical text", function()
  local model = nn.mlp { 64, 32, 10, activation = "tanh" }
  test.ok(described.is(model))
  test.eq(tostring(model), 'mlp{activation="tanh",init="kaiming_uniform",sizes={64,32,10},std=0.01}')
  test.eq(tostring(nn.sequential { nn.linear { 2, 3 }, nn.relu() }), 'sequential{linear{init="kaiming_uniform",sizes={2,3},std=0.01},relu}')
end)

test("a space among the options gives a space of models", function()
  local models = space.enumerate(nn.mlp { 64, space.choice { 16, 32 }, 10, activation = space.choice { "relu", "tanh" } })
  test.eq(#models, 4)
  test.eq(models[3].options.sizes, { 64, 32, 10 })
end)

test("wrong models are refused with the valid options, at the caller's line", function()
  for wrong, f in next, {
    ["nn.mlp: unknown option: activatoin is \"relu\"; did you mean activation? valid: sizes, activation, init, std"] = function()
      nn.mlp { 2, 1, activatoin = "relu" }
    end,
    ['activation is "rleu"; it must be one of relu, tanh, sigmoid, gelu, silu, elu, leaky_relu, softplus'] = function() nn.mlp { 2, 1, activation = "rleu" } end,
    ['init is "ones"; it must be one of kaiming_uniform, xavier, he, normal, zeros'] = function() nn.linear { 2, 1, init = "ones" } end,
    ["nn.linear: wrong value: sizes is a table; two sizes are needed"] = function() nn.linear { 2 } end,
    ["at least two sizes are needed"] = function() nn.mlp { 2 } end,
    ["nn.mlp: wrong value: sizes is a table; it must be an array of integers of at least 1"] = function() nn.mlp { 2, 0.5, 1 } end,
    ["nn.sequential: not a layer: number 2 is \"relu\""] = function() nn.sequential { nn.linear { 2, 1 }, "relu" } end,
    ["mlp: init needs a generator: rng is 3"] = function() nn.mlp { 2, 1 }:init(3) end,
  } do
    local message = test.raises(wrong, f)
    test.ok(message:find("nn_spec.lua:", 1, true), "no position in: " .. message)
  end
end)

tensor_test("parameters are a tree with readable paths", function()
  local params = nn.mlp { 4, 3, 5, 2 }:init(core.rng(1, "init"))
  local shapes = {}
  for name, layer in next, params do
    shapes[name] = { layer.weight.shape[1], layer.weight.shape[2], layer.bias.shape[1] }
  end
  test.eq(shapes, { hidden1 = { 4, 3, 3 }, hidden2 = { 3, 5, 5 }, out = { 5, 2, 2 } })
end)

tensor_test("an mlp is linear layers with an activation between them", function()
  local x = { { 1, -2 }, { 0.5, 3 } }
  for activation, f in next, {
    relu = function(v) return math.max(v, 0) end,
    tanh = function(v) return (math.exp(v) - math.exp(-v)) / (math.exp(v) + math.exp(-v)) end,
    sigmoid = function(v) return 1 / (1 + math.exp(-v)) end,
  } do
    local model = nn.mlp { 2, 3, 1, activation = activation }
    local params = model:init(core.rng(7, "init"))
    local got = model(params, core.tensor(x)):table()
    local w1, b1 = params.hidden1.weight:table(), params.hidden1.bias:table()
    local w2, b2 = params.out.weight:table(), params.out.bias:table()
    for i = 1, 2 do
      local y = b2[1]
      for j = 1, 3 do y = y + w2[j][1] * f(b1[j] + x[i][1] * w1[1][j] + x[i][2] * w1[2][j]) end
      test.near(got[i][1], y, 1e-14) -- a dozen roundings of numbers of order 1
    end
  end
end)

tensor_test("a sequential of the same layers computes the same", function()
  local layers = nn.sequential { nn.linear { 2, 3 }, nn.tanh(), nn.linear { 3, 1 } }
  local mlp = nn.mlp { 2, 3, 1, activation = "tanh" }
  local params = layers:init(core.rng(7, "init"))
  test.eq({ params.linear1 ~= nil, params.linear2 ~= nil, params.tanh1 }, { true, true })
  local x = core.tensor { { 1, -2 }, { 0.5, 3 } }
  test.eq(mlp({ hidden1 = params.linear1, out = params.linear2 }, x):table(), layers(params, x):table())
end)

-- Mean and standard deviation of all entries.
local function moments(t)
  local n, sum, square, low, high = 0, 0, 0, math.huge, -math.huge
  local function visit(v)
    if type(v) == "table" then
      for _, child in ipairs(v) do visit(child) end
      return
    end
    n, sum, square, low, high = n + 1, sum + v, square + v * v, math.min(low, v), math.max(high, v)
  end
  visit(t:table())
  return sum / n, math.sqrt(square / n), low, high, n
end

tensor_test("every scheme has the law it names", function()
  local inputs, outputs = 100, 80
  local laws = {
    kaiming_uniform = { sd = 1 / math.sqrt(3 * inputs), bound = 1 / math.sqrt(inputs) },
    xavier = { sd = math.sqrt(2 / (inputs + outputs)), bound = math.sqrt(6 / (inputs + outputs)) },
    he = { sd = math.sqrt(2 / inputs) },
    normal = { sd = 0.5 },
  }
  for name, law in next, laws do
    local params = nn.linear { inputs, outputs, init = name, std = 0.5 }:init(core.rng(11, name))
    local mean, sd, low, high, n = moments(params.weight)
    test.near(mean, 0, 4 * law.sd / math.sqrt(n), name) -- four standard errors
    test.near(sd, law.sd, 4 * law.sd / math.sqrt(2 * n), name)
    if law.bound then
      test.ok(low >= -law.bound and high <= law.bound, name)
      test.ok(high > 0.99 * law.bound and low < -0.99 * law.bound, name)
    end
    local bias_mean, bias_sd = moments(params.bias)
    if name == "kaiming_uniform" then test.ok(bias_sd > 0) else test.eq({ bias_mean, bias_sd }, { 0, 0 }) end
  end
  local mean, sd = moments(nn.linear { 3, 2, init = "zeros" }:init(core.rng(1, "z")).weight)
  test.eq({ mean, sd }, { 0, 0 })
end)

tensor_test("a layer's draws do not depend on the layers around it", function()
  local small = nn.mlp { 4, 3, 2 }:init(core.rng(1, "init"))
  local deep = nn.mlp { 4, 3, 6, 2 }:init(core.rng(1, "init"))
  test.eq(small.hidden1.weight:table(), deep.hidden1.weight:table())
  test.ok(small.hidden1.weight:table()[1][1] ~= nn.mlp { 4, 3, 2 }:init(core.rng(2, "init")).hidden1.weight:table()[1][1])
end)

test.close()
