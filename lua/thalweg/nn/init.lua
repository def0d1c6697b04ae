-- tw.nn: models. A model is plain data and holds no parameters: model:init(rng) makes them, a tree with readable paths
-- ("hidden1.weight"), and model(params, x) applies them. Given a space in its table a constructor returns a space.
local core = require "thalweg.core"
local fault = require "thalweg.fault"
local initial = require "thalweg.nn.initial"
local layers = require "thalweg.nn.layers"
local Model = require "thalweg.nn.model"
local options = require "thalweg.options"
local space = require "thalweg.space"

local nn = {}
for name, constructor in next, layers do nn[name] = constructor end

local linear_fields = initial.with_fields {
  { name = "sizes", type = "integers", min = 1, positional = true, about = "inputs and outputs: linear{64, 32}",
    check = function(v) return #v ~= 2 and "two sizes are needed: inputs, outputs" or nil end },
}

-- An affine map of the last axis: x [... inputs] -> [... outputs]; parameters { weight [inputs outputs], bias [outputs] }.
-- formula: x W + b
-- example:
-- tw.nn.linear{ 64, 10, init = "xavier" } --> linear{init="xavier",sizes={64,10},std=0.01}
---@type fun(o: { [1]: integer, [2]: integer, init?: string, std?: number }): thalweg.Model
nn.linear = space.lift(function(given)
  local o = options.check("nn.linear", linear_fields, given)
  return Model.new("linear", o, nn.linear, {
    make = function(rng) return initial.linear(o, rng, o.sizes[1], o.sizes[2]) end,
    apply = function(params, x, _, activation) return core.linear(x, params.weight, params.bias, activation) end,
  })
end)

local with_linear = { relu = true, tanh = true, sigmoid = true } -- one operation with the affine map before them
local activations = { "relu", "tanh", "sigmoid", "gelu", "silu", "elu", "leaky_relu", "softplus" }

-- tw.nn.relu() -> model
-- The activation max(x, 0), without parameters: a layer of a sequential; "relu" as an mlp's option.
-- example:
-- tw.nn.relu()({}, tw.tensor{ -1, 2 }) --> f64[2] [0 2]
---@return thalweg.Model

-- tw.nn.tanh() -> model
-- The activation tanh(x), without parameters: a layer of a sequential; "tanh" as an mlp's option.
-- example:
-- tw.nn.tanh()({}, tw.tensor{ 0, 1 }) --> f64[2] [       0 0.761594]
---@return thalweg.Model

-- tw.nn.sigmoid() -> model
-- The activation 1 / (1 + e^-x), without parameters: a layer of a sequential; "sigmoid" as an mlp's option.
-- example:
-- tw.nn.sigmoid()({}, tw.tensor{ 0 }) --> f64[1] [0.5]
---@return thalweg.Model

-- tw.nn.gelu() -> model
-- The activation x Phi(x), Phi the normal distribution function, without parameters: a layer of a sequential; "gelu" as an mlp's option.
-- example:
-- tw.nn.gelu()({}, tw.tensor{ -1, 2 }) --> f64[2] [-0.158655    1.9545]
---@return thalweg.Model

-- tw.nn.silu() -> model
-- The activation x / (1 + e^-x), without parameters: a layer of a sequential; "silu" as an mlp's option.
-- example:
-- tw.nn.silu()({}, tw.tensor{ -1, 2 }) --> f64[2] [-0.268941   1.76159]
---@return thalweg.Model

-- tw.nn.elu() -> model
-- The activation x where x > 0, else e^x - 1, without parameters: a layer of a sequential; "elu" as an mlp's option.
-- example:
-- tw.nn.elu()({}, tw.tensor{ -1, 2 }) --> f64[2] [-0.632121         2]
---@return thalweg.Model

-- tw.nn.leaky_relu() -> model
-- The activation x where x > 0, else 0.01 x, without parameters: a layer of a sequential; "leaky_relu" as an mlp's option.
-- example:
-- tw.nn.leaky_relu()({}, tw.tensor{ -1, 2 }) --> f64[2] [-0.01     2]
---@return thalweg.Model

-- tw.nn.softplus() -> model
-- The activation log(1 + e^x), without parameters: a layer of a sequential; "softplus" as an mlp's option.
-- example:
-- tw.nn.softplus()({}, tw.tensor{ -1, 2 }) --> f64[2] [0.313262  2.12693]
---@return thalweg.Model

for _, name in ipairs(activations) do
  local function make()
    return Model.new(name, {}, make, {
      make = function() return {} end,
      apply = function(_, x) return core[name](x) end,
    })
  end
  nn[name] = make
end

-- Layers one after another, each given the mode the model was called in. Parameters stand under the layer's kind and its count among its kind:
-- linear1, linear2; layers without any have no entry. What is no layer is an error.
-- example:
-- local model = tw.nn.sequential{ tw.nn.linear{ 2, 3 }, tw.nn.tanh(), tw.nn.linear{ 3, 1 } }
-- model:init(tw.rng(1)).linear2.weight.shape[1] --> 3
---@param given thalweg.Model[]
---@return thalweg.Model
nn.sequential = space.lift(function(given)
  if type(given) ~= "table" or getmetatable(given) ~= nil or #given == 0 then
    fault.raise("nn.sequential: an array of layers is needed: got %s", options.show(given))
  end
  local list, counts = {}, {}
  for i, layer in ipairs(given) do
    if not Model.is(layer) then fault.raise("nn.sequential: not a layer: number %d is %s", i, options.show(layer)) end
    counts[layer.kind] = (counts[layer.kind] or 0) + 1
    list[i] = { path = layer.kind .. counts[layer.kind], layer = layer }
  end
  for k in next, given do
    if not list[k] then fault.raise("nn.sequential: only an array of layers is allowed: key is %s", options.show(k)) end
  end
  local copy, calls = table.move(given, 1, #given, 1, {}), {}
  for _, entry in ipairs(list) do
    local last = calls[#calls]
    if last and last.layer.kind == "linear" and not last.activation and with_linear[entry.layer.kind] then last.activation = entry.layer.kind
    else calls[#calls + 1] = { path = entry.path, layer = entry.layer } end
  end
  return Model.new("sequential", copy, nn.sequential, {
    make = function(rng)
      local params = {}
      for _, entry in ipairs(list) do
        local own = entry.layer.make(rng:split(entry.path))
        if next(own) ~= nil then params[entry.path] = own end
      end
      return params
    end,
    apply = function(params, x, mode)
      for i = 1, #calls do
        local call = calls[i]
        x = call.layer.apply(params[call.path], x, mode, call.activation)
      end
      return x
    end,
  })
end)

local mlp_fields = initial.with_fields {
  { name = "sizes", type = "integers", min = 1, positional = true, about = "sizes from input to output: mlp{64, 32, 10}",
    check = function(v) return #v < 2 and "at least two sizes are needed: inputs, outputs" or nil end },
  { name = "activation", type = "string", choices = activations, default = "relu", about = "after every layer but the last" },
}

-- A multi-layer perceptron: linear layers hidden1, hidden2, ... with an activation after each, and a linear layer out.
-- x [... inputs] -> [... outputs]; parameters { hidden1 = { weight, bias }, ..., out = { weight, bias } }.
-- example:
-- local model = tw.nn.mlp{ 64, 32, 10, activation = "relu" }
-- local params = model:init(tw.rng(1, "init"))
-- model(params, tw.zeros(5, 64)).shape[2] --> 10
---@type fun(o: { [integer]: integer, activation?: string, init?: string, std?: number }): thalweg.Model
nn.mlp = space.lift(function(given)
  local o = options.check("nn.mlp", mlp_fields, given)
  local sizes, paths = o.sizes, {}
  for i = 1, #sizes - 2 do paths[i] = "hidden" .. i end
  paths[#sizes - 1] = "out"
  local last, activation = #paths, rawget(core, o.activation)
  return Model.new("mlp", o, nn.mlp, {
    make = function(rng)
      local params = {}
      for i, path in ipairs(paths) do params[path] = initial.linear(o, rng:split(path), sizes[i], sizes[i + 1]) end
      return params
    end,
    apply = function(params, x)
      local linear = core.linear
      for i = 1, last - 1 do
        local p = params[paths[i]]
        if with_linear[o.activation] then x = linear(x, p.weight, p.bias, o.activation)
        else x = activation(linear(x, p.weight, p.bias)) end
      end
      local p = params.out
      return linear(x, p.weight, p.bias)
    end,
  })
end)

return nn
