-- The layers beside linear ones: convolution, pooling, normalisation, dropout, embedding, flattening. Images are [N C H W], signals [N C L].
local core = require "thalweg.core"
local fault = require "thalweg.fault"
local initial = require "thalweg.nn.initial"
local Model = require "thalweg.nn.model"
local options = require "thalweg.options"
local space = require "thalweg.space"

local layers = {}

local function nothing() return {} end

-- An option that is a whole number or a pair {rows, columns}.
local function one_or_pair(name, low, default, about)
  return {
    name = name, type = "any", default = default, optional = default == nil, about = about,
    check = function(v)
      local list = type(v) == "table" and getmetatable(v) == nil and v or { v }
      local fits = #list == 1 or #list == 2
      for _, size in ipairs(list) do fits = fits and math.type(size) == "integer" and size >= low end
      return not fits and string.format("it must be a whole number of at least %d or a pair {rows, columns} of them", low) or nil
    end,
  }
end

-- One number per axis.
local function per_axis(v, axes)
  if type(v) ~= "table" then return axes == 1 and { v } or { v, v } end
  return { v[1], v[2] or axes == 2 and v[1] or nil }
end

local function conv_fields(axes)
  return initial.with_fields {
    { name = "channels", type = "integers", min = 1, positional = true, about = "channels in and out: conv{3, 16, kernel = 3}",
      check = function(v) return #v ~= 2 and "two numbers of channels are needed: inputs, outputs" or nil end },
    axes == 2 and one_or_pair("kernel", 1, 3, "size of the kernel, or {rows, columns}")
      or { name = "kernel", type = "integer", min = 1, default = 3, about = "length of the kernel" },
    axes == 2 and one_or_pair("stride", 1, 1, "step from window to window, or {rows, columns}")
      or { name = "stride", type = "integer", min = 1, default = 1, about = "step from window to window" },
    axes == 2 and one_or_pair("padding", 0, 0, "zeros around the image, or {rows, columns}")
      or { name = "padding", type = "integer", min = 0, default = 0, about = "zeros at both ends" },
  }
end

local function convolution(name, axes, f)
  local fields = conv_fields(axes)
  layers[name] = space.lift(function(given)
    local o = options.check("nn." .. name, fields, given)
    local windows = { stride = o.stride, padding = o.padding }
    return Model.new(name, o, layers[name], {
      make = function(rng) return initial.conv(o, rng, o.channels[1], o.channels[2], per_axis(o.kernel, axes)) end,
      apply = function(params, x) return f(x, params.weight, params.bias, windows) end,
    })
  end)
end

-- tw.nn.conv{ inputs, outputs, kernel = 3, stride = 1, padding = 0 } -> model
-- Convolution of images: x [N C H W] -> [N O H' W']; parameters { weight [O C kh kw], bias [O] }. kernel, stride and padding may be {rows, columns}.
-- example:
-- local model = tw.nn.conv{ 1, 4, kernel = 3, padding = 1 }
-- model(model:init(tw.rng(1)), tw.zeros(2, 1, 8, 8)).shape[2] --> 4
---@return thalweg.Model

-- tw.nn.conv1d{ inputs, outputs, kernel = 3, stride = 1, padding = 0 } -> model
-- Convolution of signals: x [N C L] -> [N O L']; parameters { weight [O C k], bias [O] }.
-- example:
-- local model = tw.nn.conv1d{ 1, 4, kernel = 5 }
-- model(model:init(tw.rng(1)), tw.zeros(2, 1, 20)).shape[3] --> 16
---@return thalweg.Model

convolution("conv", 2, core.conv2d)
convolution("conv1d", 1, core.conv1d)

local pool_fields = {
  { name = "window", type = "integers", min = 1, positional = true, about = "size of the window, or rows and columns: max_pool{2}",
    check = function(v) return #v ~= 1 and #v ~= 2 and "one size is needed, or two: rows, columns" or nil end },
  one_or_pair("stride", 1, nil, "step from window to window, or {rows, columns}; the window's size if absent"),
  one_or_pair("padding", 0, 0, "positions added around the image, or {rows, columns}"),
}

-- tw.nn.max_pool{ size, stride = size, padding = 0 } -> model
-- The largest element of each window of x [N C H W] or [N C L]; no parameters. Two sizes are rows and columns.
-- example:
-- tw.nn.max_pool{ 2 }({}, tw.arange(4):reshape(1, 1, 4)):reshape(-1) --> f64[2] [2 4]
---@return thalweg.Model

-- tw.nn.avg_pool{ size, stride = size, padding = 0 } -> model
-- The mean of each window; otherwise as max_pool.
-- example:
-- tw.nn.avg_pool{ 2 }({}, tw.arange(4):reshape(1, 1, 4)):reshape(-1) --> f64[2] [1.5 3.5]
---@return thalweg.Model

for _, name in ipairs { "max_pool", "avg_pool" } do
  layers[name] = space.lift(function(given)
    local o = options.check("nn." .. name, pool_fields, given)
    local f, windows = rawget(core, name), { stride = o.stride, padding = o.padding }
    local size = #o.window == 2 and o.window or o.window[1]
    return Model.new(name, o, layers[name], { make = nothing, apply = function(_, x) return f(x, size, windows) end })
  end)
end

local batchnorm_fields = {
  { name = "channels", type = "integers", min = 1, positional = true, about = "channels of the input: batchnorm{16}",
    check = function(v) return #v ~= 1 and "one number of channels is needed" or nil end },
  { name = "momentum", type = "number", min = 0, max = 1, default = 0.1, about = "weight of the batch in the running averages" },
  { name = "eps", type = "number", min = 0, default = 1e-5, about = "added to the variance" },
}

-- x [N C ...] with each channel normalised; parameters { weight [C], bias [C], mean [C], var [C] }, the last two running averages, which are buffers.
-- model(params, x, { train = true }) takes the batch's own statistics and moves the averages.
-- formula: (x - mean) / sqrt(var + eps) weight + bias
-- source: Ioffe and Szegedy 2015
-- example:
-- local model = tw.nn.batchnorm{ 1, eps = 0 }
-- local params = model:init(tw.rng(1))
-- model(params, tw.tensor{ {1}, {3} }, { train = true }):reshape(-1), params.mean --> f64[2] [-1  1]  f64[1] [0.2]
---@return thalweg.Model
layers.batchnorm = space.lift(function(given)
  local o = options.check("nn.batchnorm", batchnorm_fields, given)
  local train, known = { train = true, momentum = o.momentum, eps = o.eps }, { momentum = o.momentum, eps = o.eps }
  return Model.new("batchnorm", o, layers.batchnorm, {
    make = function()
      local n = o.channels[1]
      return { weight = core.ones(n), bias = core.zeros(n), mean = core.buffer(core.zeros(n)), var = core.buffer(core.ones(n)) }
    end,
    apply = function(p, x, mode) return core.batch_norm(x, p.mean, p.var, p.weight, p.bias, mode.train and train or known) end,
  })
end)

local layernorm_fields = {
  { name = "sizes", type = "integers", min = 1, positional = true, about = "sizes of the last axes, over which is normalised: layernorm{64}",
    check = function(v) return #v < 1 and "at least one size is needed" or nil end },
  { name = "eps", type = "number", min = 0, default = 1e-5, about = "added to the variance" },
}

-- x [... sizes] with each position normalised over its last axes; parameters { weight [sizes], bias [sizes] }.
-- formula: (x - mean) / sqrt(var + eps) weight + bias
-- source: Ba, Kiros and Hinton 2016
-- example:
-- local model = tw.nn.layernorm{ 2, eps = 0 }
-- model(model:init(tw.rng(1)), tw.tensor{ 1, 3 }) --> f64[2] [-1  1]
---@return thalweg.Model
layers.layernorm = space.lift(function(given)
  local o = options.check("nn.layernorm", layernorm_fields, given)
  local how = { eps = o.eps }
  return Model.new("layernorm", o, layers.layernorm, {
    make = function() return { weight = core.ones(o.sizes), bias = core.zeros(o.sizes) } end,
    apply = function(p, x) return core.layer_norm(x, p.weight, p.bias, how) end,
  })
end)

local dropout_fields = {
  { name = "p", type = "number", min = 0, max = 1, default = 0.5, about = "probability that an element is dropped" },
}

-- Drops elements in training, where it needs the mode's generator, and scales the others by 1 / (1 - p); else x itself.
-- source: Srivastava et al. 2014
-- example:
-- local model = tw.nn.dropout{ p = 0.5 }
-- model({}, tw.ones(2)) --> f64[2] [1 1]
-- model({}, tw.ones(1000), { train = true, rng = tw.rng(1) }):max() --> f64[] 2
---@return thalweg.Model
layers.dropout = space.lift(function(given)
  local o = options.check("nn.dropout", dropout_fields, given)
  return Model.new("dropout", o, layers.dropout, {
    make = nothing,
    apply = function(_, x, mode)
      if not mode.train then return x end
      if mode.rng == nil then
        fault.raise('dropout: training needs a generator: rng is nil; call model(params, x, { train = true, rng = run:rng("dropout") })')
      end
      return core.dropout(x, o.p, mode.rng)
    end,
  })
end)

local embedding_fields = {
  { name = "sizes", type = "integers", min = 1, positional = true, about = "rows and width: embedding{1000, 16}",
    check = function(v) return #v ~= 2 and "two sizes are needed: rows, width" or nil end },
  { name = "std", type = "number", min = 0, default = 1, about = "standard deviation of the rows at the start" },
}

-- index (i64, 1..rows) [...] -> [... width]; parameters { weight [rows width] }, N(0, std^2) at the start.
-- example:
-- local model = tw.nn.embedding{ 10, 3 }
-- model(model:init(tw.rng(1)), tw.tensor({ 2, 7 }, { dtype = "i64" })).shape[2] --> 3
---@return thalweg.Model
layers.embedding = space.lift(function(given)
  local o = options.check("nn.embedding", embedding_fields, given)
  return Model.new("embedding", o, layers.embedding, {
    make = function(rng) return { weight = rng:split("weight"):normal(o.sizes, { std = o.std }) } end,
    apply = function(p, index) return core.embedding(index, p.weight) end,
  })
end)

-- x [N ...] -> [N, all the rest]; no parameters.
-- example:
-- tw.nn.flatten()({}, tw.zeros(2, 3, 4)).shape[2] --> 12
---@return thalweg.Model
function layers.flatten()
  return Model.new("flatten", {}, layers.flatten, {
    make = nothing,
    apply = function(_, x)
      local n = x.shape[1]
      return x:reshape(n, n > 0 and x.size // n or 0)
    end,
  })
end

return layers
