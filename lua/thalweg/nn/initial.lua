-- How the parameters of linear and convolutional layers begin. Each scheme gives the weight's law from the fan-in and fan-out; draws come from streams
-- named after the parameter, so another layer or another scheme elsewhere changes nothing here.
local core = require "thalweg.core"

local initial = {}

-- U(-bound, bound)
local function uniform(rng, bound, shape) return rng:uniform(shape, { low = -bound, high = bound }) end

-- weight(rng, shape, inputs, outputs, std, value): inputs and outputs are the numbers of numbers one output is made of and one input goes to.
---@type table<string, { about: string, weight: function, bias: function }>
initial.schemes = {
  -- PyTorch's default for Linear: kaiming_uniform_ with a = sqrt(5) (He et al. 2015) reduces to this bound.
  kaiming_uniform = {
    about = "weight and bias U(-1/sqrt(inputs), 1/sqrt(inputs))",
    weight = function(rng, shape, inputs) return uniform(rng, 1 / core.num.sqrt(inputs), shape) end,
    bias = function(rng, shape, inputs) return uniform(rng, 1 / core.num.sqrt(inputs), shape) end,
  },
  -- Glorot and Bengio 2010.
  xavier = {
    about = "weight U(-b, b), b = sqrt(6 / (inputs + outputs)), bias 0",
    weight = function(rng, shape, inputs, outputs) return uniform(rng, core.num.sqrt(6 / (inputs + outputs)), shape) end,
  },
  -- He et al. 2015, for ReLU.
  he = {
    about = "weight N(0, 2 / inputs), bias 0",
    weight = function(rng, shape, inputs) return rng:normal(shape, { std = core.num.sqrt(2 / inputs) }) end,
  },
  normal = {
    about = "weight N(0, std^2), std the layer's option (0.01), bias 0",
    weight = function(rng, shape, _, _, std) return rng:normal(shape, { std = std }) end,
  },
  -- LeCun, Bottou, Orr and Mueller 1998, Efficient BackProp.
  lecun = {
    about = "weight N(0, 1 / inputs), bias 0",
    weight = function(rng, shape, inputs) return rng:normal(shape, { std = 1 / core.num.sqrt(inputs) }) end,
  },
  uniform = {
    about = "weight uniform with mean 0 and standard deviation std, bias 0",
    weight = function(rng, shape, _, _, std) return uniform(rng, core.num.sqrt(3) * std, shape) end,
  },
  -- Saxe, McClelland and Ganguli 2014. The longer side keeps the rows or columns orthonormal; signs as Mezzadri 2007, so that the law is Haar's.
  orthogonal = {
    about = "weight with orthonormal rows or columns (of a kernel: one row per output), bias 0",
    weight = function(rng, shape)
      local rows = shape[1]
      local columns = core.zeros(shape).size // rows
      local tall = rng:normal(math.max(rows, columns), math.min(rows, columns))
      local q, r = core.linalg.qr(tall)
      q = q * r:diag():sign()
      return (rows < columns and q:t() or q):reshape(shape):clone()
    end,
  },
  constant = {
    about = "every weight is the layer's option value (0.1), bias 0",
    weight = function(_, shape, _, _, _, value) return core.full(shape, value or 0.1) end,
  },
  zeros = {
    about = "weight and bias 0",
    weight = function(_, shape) return core.zeros(shape) end,
  },
}

-- The options every layer with weights has.
---@type thalweg.Option[]
initial.fields = {
  { name = "init", type = "string", default = "kaiming_uniform",
    choices = { "kaiming_uniform", "xavier", "he", "lecun", "normal", "uniform", "orthogonal", "constant", "zeros" },
    about = "how weights begin" },
  { name = "std", type = "number", min = 0, default = 0.01, about = "standard deviation of init = \"normal\" and \"uniform\"" },
  { name = "value", type = "number", optional = true, about = "the weights of init = \"constant\", 0.1 if absent" },
}

-- A layer's own options and these after them.
---@param first thalweg.Option[]
---@return thalweg.Option[]
function initial.with_fields(first)
  local fields = {}
  for _, field in ipairs(first) do fields[#fields + 1] = field end
  for _, field in ipairs(initial.fields) do fields[#fields + 1] = field end
  return fields
end

-- { weight, bias } in the default dtype.
local function both(o, rng, shape, inputs, outputs, n)
  local scheme = initial.schemes[o.init]
  return {
    weight = scheme.weight(rng:split("weight"), shape, inputs, outputs, o.std, o.value),
    bias = scheme.bias and scheme.bias(rng:split("bias"), { n }, inputs) or core.zeros(n),
  }
end

-- weight [inputs outputs], bias [outputs]
---@param o { init: string, std: number, value?: number }
---@param rng userdata
---@param inputs integer
---@param outputs integer
---@return { weight: userdata, bias: userdata }
function initial.linear(o, rng, inputs, outputs) return both(o, rng, { inputs, outputs }, inputs, outputs, outputs) end

-- weight [outputs inputs k ...], bias [outputs]; the fans count every position of the kernel.
---@param o { init: string, std: number, value?: number }
---@param rng userdata
---@param inputs integer channels
---@param outputs integer channels
---@param kernel integer[] one size per axis
---@return { weight: userdata, bias: userdata }
function initial.conv(o, rng, inputs, outputs, kernel)
  local shape, positions = { outputs, inputs }, 1
  for i, size in ipairs(kernel) do
    shape[i + 2] = size
    positions = positions * size
  end
  return both(o, rng, shape, inputs * positions, outputs * positions, outputs)
end

return initial
