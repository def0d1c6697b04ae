-- How a linear layer's parameters begin. Each scheme gives the weight's law from the fan-in and fan-out; draws come from streams
-- named after the parameter, so another layer or another scheme elsewhere changes nothing here.
local core = require "thalweg.core"

local initial = {}

-- U(-bound, bound)
local function uniform(rng, bound, ...) return rng:uniform({ ... }, { low = -bound, high = bound }) end

---@type table<string, { about: string, weight: function, bias: function }>
initial.schemes = {
  -- PyTorch's default for Linear: kaiming_uniform_ with a = sqrt(5) (He et al. 2015) reduces to this bound.
  kaiming_uniform = {
    about = "weight and bias U(-1/sqrt(inputs), 1/sqrt(inputs))",
    weight = function(rng, inputs, outputs) return uniform(rng, 1 / core.num.sqrt(inputs), inputs, outputs) end,
    bias = function(rng, inputs, outputs) return uniform(rng, 1 / core.num.sqrt(inputs), outputs) end,
  },
  -- Glorot and Bengio 2010.
  xavier = {
    about = "weight U(-b, b), b = sqrt(6 / (inputs + outputs)), bias 0",
    weight = function(rng, inputs, outputs) return uniform(rng, core.num.sqrt(6 / (inputs + outputs)), inputs, outputs) end,
  },
  -- He et al. 2015, for ReLU.
  he = {
    about = "weight N(0, 2 / inputs), bias 0",
    weight = function(rng, inputs, outputs) return rng:normal({ inputs, outputs }, { std = core.num.sqrt(2 / inputs) }) end,
  },
  normal = {
    about = "weight N(0, std^2), std the layer's option (0.01), bias 0",
    weight = function(rng, inputs, outputs, std) return rng:normal({ inputs, outputs }, { std = std }) end,
  },
  zeros = {
    about = "weight and bias 0",
    weight = function(_, inputs, outputs) return core.zeros(inputs, outputs) end,
  },
}

-- The options every layer with weights has.
---@type thalweg.Option[]
initial.fields = {
  { name = "init", type = "string", choices = { "kaiming_uniform", "xavier", "he", "normal", "zeros" }, default = "kaiming_uniform",
    about = "how weights begin" },
  { name = "std", type = "number", min = 0, default = 0.01, about = "standard deviation of init = \"normal\"" },
}

-- { weight [inputs outputs], bias [outputs] } in the default dtype.
---@param o { init: string, std: number }
---@param rng userdata
---@param inputs integer
---@param outputs integer
---@return { weight: userdata, bias: userdata }
function initial.linear(o, rng, inputs, outputs)
  local scheme = initial.schemes[o.init]
  return {
    weight = scheme.weight(rng:split("weight"), inputs, outputs, o.std),
    bias = scheme.bias and scheme.bias(rng:split("bias"), inputs, outputs) or core.zeros(outputs),
  }
end

return initial
