-- Models: parameters, forward passes, initialisation.
local core = require "thalweg.core"
local described = require "thalweg.described"
local nn = require "thalweg.nn"
local space = require "thalweg.space"
local test = require "spec"
local tw = require "thalweg"

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
    ["nn.mlp: unknown option: activatoin is \"relu\"; did you mean activation? valid: sizes, activation, init, std, value"] = function()
      nn.mlp { 2, 1, activatoin = "relu" }
    end,
    ['activation is "rleu"; it must be one of relu, tanh, sigmoid, gelu, silu, elu, leaky_relu, softplus'] = function()
      nn.mlp { 2, 1, activation = "rleu" }
    end,
    ['init is "ones"; it must be one of kaiming_uniform, xavier, he, lecun, normal, uniform, orthogonal, constant, zeros'] = function()
      nn.linear { 2, 1, init = "ones" }
    end,
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

tensor_test("convolution, pooling, flattening and embedding apply their operations to their parameters", function()
  local r = core.rng(3, "x")
  local image, signal = r:normal(2, 3, 6, 5), r:normal(2, 3, 7)
  for _, case in ipairs {
    { nn.conv { 3, 4, kernel = { 3, 2 }, stride = 2, padding = { 1, 0 } }, image, { 4, 3, 3, 2 },
      function(p, x) return core.conv2d(x, p.weight, p.bias, { stride = 2, padding = { 1, 0 } }) end },
    { nn.conv { 3, 2, kernel = 2 }, image, { 2, 3, 2, 2 }, function(p, x) return core.conv2d(x, p.weight, p.bias) end },
    { nn.conv1d { 3, 4, kernel = 2, padding = 1 }, signal, { 4, 3, 2 }, function(p, x) return core.conv1d(x, p.weight, p.bias, { padding = 1 }) end },
    { nn.max_pool { 2, stride = 1 }, image, nil, function(_, x) return core.max_pool(x, 2, { stride = 1 }) end },
    { nn.avg_pool { 3, 2, padding = { 1, 0 } }, image, nil, function(_, x) return core.avg_pool(x, { 3, 2 }, { padding = { 1, 0 } }) end },
    { nn.max_pool { 2 }, signal, nil, function(_, x) return core.max_pool(x, 2) end },
    { nn.flatten(), image, nil, function(_, x) return x:reshape(2, 90) end },
    { nn.layernorm { 6, 5, eps = .1 }, image, { 6, 5 }, function(p, x) return core.layer_norm(x, p.weight, p.bias, { eps = .1 }) end },
    { nn.embedding { 7, 2 }, r:randint(1, 7, 3), { 7, 2 }, function(p, x) return p.weight[x] end },
  } do
    local model, x, shape, want = table.unpack(case, 1, 4)
    local params = model:init(core.rng(5, "init"))
    if shape then test.eq(params.weight.shape, shape) end
    test.eq(model(params, x):table(), want(params, x):table(), tostring(model))
  end
end)

tensor_test("dropout and batch normalisation know training from predicting", function()
  local model = nn.sequential { nn.batchnorm { 3, momentum = .5 }, nn.dropout { p = .25 } }
  local params = model:init(core.rng(1, "init"))
  local x = core.rng(2, "x"):normal(8, 3)
  test.eq(model(params, x):table(), (x * (core.ones(3) + 1e-5):rsqrt()):table(), "at the start the averages are 0 and 1")
  local y = model(params, x, { train = true, rng = core.rng(3, "drop") })
  test.eq(y:table(), core.dropout(core.batch_norm(x, nil, nil, core.ones(3), core.zeros(3), { train = true }), .25, core.rng(3, "drop")):table())
  test.eq(params.batchnorm1.mean:table(), (x:sum(1, { keepdim = true }) / 8 * .5):reshape(3):table())
  test.raises("dropout: training needs a generator: rng is nil; call model(params, x, { train = true, rng = run:rng(\"dropout\") })", function()
    model(params, x, { train = true })
  end)
end)

tensor_test("a network of all layers learns, its running averages apart from its parameters", function()
  local model = nn.sequential {
    nn.conv { 1, 4, padding = 1 }, nn.batchnorm { 4 }, nn.relu(), nn.max_pool { 2 }, nn.dropout { p = .1 }, nn.flatten(), nn.linear { 64, 3 },
  }
  local params = model:init(core.rng(1, "init"))
  local x, y = core.rng(2, "x"):normal(12, 1, 8, 8), core.rng(2, "y"):randint(1, 3, 12)
  local opt, mode = tw.optim.sgd(params, { lr = .1 }), { train = true, rng = core.rng(3, "drop") }
  local first, last
  for _ = 1, 60 do
    last = opt:step(function(p) return model(p, x, mode):cross_entropy(y) end):item()
    first = first or last
  end
  test.ok(last < first / 4, first .. " -> " .. last)
  test.ok(params.batchnorm1.mean:abs():sum():item() > 0)
  test.ok(model(params, x):cross_entropy(y):item() < first / 2, "in predicting mode")
end)

test("wrong layers and wrong modes are refused", function()
  for wrong, f in next, {
    ["nn.conv: wrong value: channels is a table; two numbers of channels are needed: inputs, outputs"] = function() nn.conv { 3 } end,
    ["nn.conv: wrong value: kernel is 0; it must be a whole number of at least 1 or a pair {rows, columns} of them"] = function()
      nn.conv { 3, 4, kernel = 0 }
    end,
    ["nn.conv: wrong value: stride is a table; it must be a whole number of at least 1"] = function() nn.conv { 3, 4, stride = { 1, 2, 3 } } end,
    ["nn.conv1d: wrong value: kernel is a table; it must be an integer of at least 1"] = function() nn.conv1d { 3, 4, kernel = { 1, 2 } } end,
    ["nn.max_pool: wrong value: window is a table; one size is needed, or two: rows, columns"] = function() nn.max_pool { 1, 2, 3 } end,
    ["nn.batchnorm: wrong value: channels is a table; one number of channels is needed"] = function() nn.batchnorm { 1, 2 } end,
    ["nn.dropout: wrong value: p is 2; it must be a number from 0 to 1"] = function() nn.dropout { p = 2 } end,
    ["nn.embedding: wrong value: sizes is a table; two sizes are needed: rows, width"] = function() nn.embedding { 2 } end,
    ["relu: unknown option: trian; did you mean train? valid: train, rng"] = function() nn.relu()({}, 1, { trian = true }) end,
    ["relu: the mode must be a table: got true; give { train = true, rng = generator }"] = function() nn.relu()({}, 1, true) end,
  } do
    local message = test.raises(wrong, f)
    test.ok(message:find("nn_spec.lua:", 1, true), "no position in: " .. message)
  end
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
    lecun = { sd = 1 / math.sqrt(inputs) },
    normal = { sd = 0.5 },
    uniform = { sd = 0.5, bound = 0.5 * math.sqrt(3) },
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

tensor_test("an orthogonal start has orthonormal rows or columns, a constant one a single value", function()
  for _, sizes in ipairs { { 5, 3 }, { 3, 5 }, { 4, 4 } } do
    local w = nn.linear { sizes[1], sizes[2], init = "orthogonal" }:init(core.rng(3, "o")).weight
    test.eq(w.shape, sizes)
    local gram = sizes[1] < sizes[2] and w:matmul(w:t()) or w:t():matmul(w)
    test.near((gram - core.eye(math.min(sizes[1], sizes[2]))):abs():max():item(), 0, 1e-14)
  end
  local kernels = nn.conv { 3, 4, kernel = 3, init = "orthogonal" }:init(core.rng(3, "o")).weight
  test.eq(kernels.shape, { 4, 3, 3, 3 })
  local flat = kernels:reshape(4, 27)
  test.near((flat:matmul(flat:t()) - core.eye(4)):abs():max():item(), 0, 1e-14)
  local params = nn.linear { 2, 3, init = "constant", value = -0.5 }:init(core.rng(1, "c"))
  test.eq({ params.weight:table(), params.bias:table() }, { { { -0.5, -0.5, -0.5 }, { -0.5, -0.5, -0.5 } }, { 0, 0, 0 } })
  test.eq(nn.linear { 1, 1, init = "constant" }:init(core.rng(1, "c")).weight:table(), { { 0.1 } })
end)

tensor_test("the first entry of an orthogonal matrix is as often negative as positive", function()
  local positive, n = 0, 400
  for seed = 1, n do
    if nn.linear { 2, 2, init = "orthogonal" }:init(core.rng(seed, "o")).weight[1][1]:item() > 0 then positive = positive + 1 end
  end
  test.near(positive, n / 2, 4 * math.sqrt(n) / 2) -- four standard errors
end)

tensor_test("a layer's draws do not depend on the layers around it", function()
  local small = nn.mlp { 4, 3, 2 }:init(core.rng(1, "init"))
  local deep = nn.mlp { 4, 3, 6, 2 }:init(core.rng(1, "init"))
  test.eq(small.hidden1.weight:table(), deep.hidden1.weight:table())
  test.ok(small.hidden1.weight:table()[1][1] ~= nn.mlp { 4, 3, 2 }:init(core.rng(2, "init")).hidden1.weight:table()[1][1])
end)

test("a linear layer and the activation behind it, as one operation or as two, are the same to the bit", function()
  local x = tw.rng(4, "x"):normal(6, 5)
  for _, kind in ipairs { "relu", "tanh", "sigmoid", "gelu" } do
    local layers = { nn.linear { 5, 9 }, nn[kind](), nn[kind](), nn.linear { 9, 3 }, nn[kind](), nn.relu() }
    local model = nn.sequential(layers)
    local params = model:init(tw.rng(1, "init"))
    local paths = { "linear1", false, false, "linear2", false, false }
    local function apart(p, y)
      for i, layer in ipairs(layers) do y = layer(paths[i] and p[paths[i]] or {}, y) end
      return y
    end
    test.eq(model(params, x):table(), apart(params, x):table(), kind)
    local g = tw.grad(function(p) return model(p, x):square():sum() end)(params)
    local want = tw.grad(function(p) return apart(p, x):square():sum() end)(params)
    for _, path in ipairs { "linear1", "linear2" } do
      for _, name in ipairs { "weight", "bias" } do test.eq(g[path][name]:table(), want[path][name]:table(), kind .. " " .. path .. "." .. name) end
    end
  end
end)

test.close()
