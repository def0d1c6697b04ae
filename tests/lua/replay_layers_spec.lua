-- Layers in a replay: the product, the activation's derivative and the bias' sums of a backward pass are one call there (src/op/chain.c), where nobody else
-- wants what lies between. Bits are those of steps worked out anew.
local test = require "spec_lanes"
local tw = require "thalweg"
local core = require "thalweg.core"

local ways = require "replay_ways"
local both = ways.both

local r = tw.rng(5, "replay_layers")
local x, classes = r:normal(9, 4), tw.tensor({ 1, 2, 3, 1, 2, 3, 1, 2, 3 }, { dtype = "i64" })

for _, activation in ipairs { "relu", "tanh", "sigmoid", "silu" } do
  for _, dtype in ipairs { "f64", "f32" } do
    test(activation .. " between three layers, " .. dtype, function()
      local inputs = x:to(dtype)
      both(6, function()
        local model = tw.nn.mlp { 4, 13, 18, 3, activation = activation }
        local params = model:init(tw.rng(2, "init"))
        for _, layer in pairs(params) do layer.weight, layer.bias = layer.weight:to(dtype), layer.bias:to(dtype) end
        return function(p) return tw.cross_entropy(model(p, inputs), classes) end, params
      end, 4)
    end)
  end
end

test("what lies between is wanted elsewhere, too: a result used twice, weights used twice, no bias, further axes, an input's own gradient", function()
  local function layers(p, h) return tw.linear(h, p.w1, p.b1, "tanh") end
  local function start()
    local g = tw.rng(3, "start")
    return { w1 = g:normal(4, 6), b1 = g:normal(6), w2 = g:normal(6, 6), b2 = g:normal(6), x = g:normal(9, 4), y = g:normal(2, 9, 4) }
  end
  local functions = {
    function(p) -- the hidden layer is used twice: its cotangent is a sum
      local h = layers(p, x)
      return (tw.linear(h, p.w2, p.b2):square():sum() + h:sum()) * 0.01
    end,
    function(p) -- one weight twice
      local h = layers(p, x)
      return tw.linear(tw.linear(h, p.w2, p.b2, "relu"), p.w2, p.b2):square():mean()
    end,
    function(p) return tw.linear(tw.linear(tw.linear(x, p.w1, p.b1, "sigmoid"), p.w2, nil, "relu"), p.w2):square():mean() end,
    function(p) return tw.linear(tw.linear(layers(p, p.y), p.w2, p.b2, "relu"), p.w2, p.b2):square():mean() end, -- [2 9 4]
    function(p) return tw.linear(tw.linear(layers(p, p.x), p.w2, p.b2, "relu"), p.w2, p.b2):square():mean() end,
    function(p) -- an activation that is no layer's
      return tw.relu(x:matmul(p.w1)):matmul(p.w2):square():mean() + tw.tanh(p.x:matmul(p.w1)):matmul(p.w2):sum() * 0.01
    end,
    function(p) -- kept: another step may look at it
      local h = layers(p, x)
      h:keep()
      return tw.linear(tw.linear(h, p.w2, p.b2, "relu"), p.w2, p.b2):square():mean()
    end,
  }
  for _, f in ipairs(functions) do both(6, function() return f, start() end, 4) end
end)

test("cotangents that are NaN, of both signs", function()
  local nan = 0 / 0
  if ("%a"):format(nan):sub(1, 1) == "-" then nan = -nan end
  for _, rows in ipairs { 2, 9, 16, 130 } do
    for _, width in ipairs { 2, 9, 40 } do
      both(6, function()
        local g, inputs = tw.rng(3, "nan"), tw.rng(4, "inputs"):normal(rows, 4)
        local p = { w1 = g:normal(4, width), b1 = g:normal(width), w2 = g:normal(width, 3), b2 = g:normal(3) }
        return function(q, i)
          local factors = {}
          for k = 1, rows do factors[k] = i < 4 and { 1 } or k % 5 == i % 5 and { nan } or k % 5 == (i + 1) % 5 and { -nan } or { 1 } end
          return (tw.linear(tw.linear(inputs, q.w1, q.b1, "relu"), q.w2, q.b2) * tw.tensor(factors)):sum()
        end, p
      end, 4, "sgd", { lr = 0.1 })
    end
  end
end)

test("in lanes, where everything differs between them, the weights do or the inputs do", function()
  local function steps(sizes, which, anew)
    core.lanes_begin(5)
    local lane = core.laned({ 0.2, 0.4, 0.6, 0.8, 1 }, "scale")
    local model, rows = tw.nn.mlp { sizes[1], sizes[2], sizes[3], sizes[4], activation = "tanh" }, {}
    local params = model:init(tw.rng(2, "init"))
    local inputs = which == "weights" and x or x * lane
    for _, layer in pairs(params) do layer.weight = which == "inputs" and layer.weight or layer.weight * lane end
    local opt = tw.optim.sgd(params, { lr = 0.1, momentum = 0.5 })
    local function f(p) return tw.cross_entropy(model(p, inputs), classes) end
    for i = 1, 6 do
      if anew then
        local _, g = tw.value_and_grad(f)(params)
        opt:update(g)
      else
        opt:step(f)
      end
      for l = 1, 5 do
        for _, layer in pairs(params) do rows[#rows + 1] = ways.bits(core.lane(layer.weight, l), core.lane(layer.bias, l)) end
      end
    end
    if not anew then test.eq(opt.engine:replayed(), 4) end
    core.lanes_end()
    return rows
  end
  for _, which in ipairs { "everything", "weights", "inputs" } do
    for _, sizes in ipairs { { 4, 13, 18, 3 }, { 4, 2, 2, 3 } } do test.eq(steps(sizes, which), steps(sizes, which, true)) end
  end
end)

test("a gradient's handle whose scope is over is not taken for one of another evaluation", function()
  local p = { w = tw.tensor { 0.5, 0.2, 0.7 }, u = tw.tensor { 1, 2, 3 } }
  local other, last = tw.tensor { 1, 2, 3 }
  local g = tw.value_and_grad(function(q) return ((q.u * other):exp() + (q.w * other):square()):sum() end)
  for _ = 1, 5 do
    tw.scope(function()
      local _, grads = g(p)
      last = grads.w
    end)
  end
  other = last
  test.raises("this tensor was released", g, p)
  local opt = tw.optim.sgd(p, { lr = 0 })
  other = tw.tensor { 1, 2, 3 }
  local function f(q) return ((q.u * other):exp() + (q.w * other):square()):sum() end
  for _ = 1, 5 do
    opt:step(f)
    tw.scope(function() last = opt:grads().w end)
  end
  other = last
  test.raises("this tensor was released", opt.step, opt, f)
end)

test("the last call behind an evaluation has one input and one result, whatever room there is behind it", function()
  for n = 0, 12 do
    for m = 0, 12 do
      local opt = tw.optim.sgd({ w = tw.ones(3) }, { lr = 0.1 })
      for _ = 1, 3 do
        opt:step(function(q)
          local x = q.w
          for _ = 1, n do x = -x end
          for _ = 1, m do x = tw.sin(x) end
          return x:sum()
        end)
      end
      test.eq(opt.engine:replayed(), 1)
    end
  end
end)

test("what a step is counted to cost is what its calls cost", function()
  local model = tw.nn.mlp { 4, 13, 18, 3, activation = "tanh" }
  local opt, rows = tw.optim.sgd(model:init(tw.rng(2, "init")), { lr = 0 }), {}
  for i = 1, 4 do
    rows[i] = tw.count(function() opt:step(function(p) return tw.cross_entropy(model(p, x), classes) end) end)
  end
  test.eq(opt.engine:replayed(), 2)
  test.eq(rows[4], rows[1])
end)

test.close()
