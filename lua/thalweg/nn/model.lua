-- What a model is: a described object with make (parameters from a generator) and apply (params, x, mode) -> result.
local described = require "thalweg.described"
local fault = require "thalweg.fault"
local names = require "thalweg.names"
local options = require "thalweg.options"

local model = {}

-- model:init(rng) -> params
-- New parameters: a tree with readable paths, drawn from streams named after them, so that a layer's draws do not depend on the layers around it.
-- example:
-- local params = tw.nn.mlp{ 4, 3, 2 }:init(tw.rng(1, "init"))
-- params.hidden1.weight.shape[2], params.out.bias.size --> 3  2

-- model(params, x [, {train = false, rng}]) -> y
-- The model applied to x with these parameters. In training dropout drops, with the generator rng, and batch normalisation takes the batch's own
-- statistics and moves its running averages.
-- example:
-- local model = tw.nn.linear{ 3, 2, init = "zeros" }
-- model(model:init(tw.rng(1)), tw.ones(3)) --> f64[2] [0 0]

---@class thalweg.Mode
---@field train? boolean true: dropout drops, batch normalisation takes the batch's own statistics and its running averages follow
---@field rng? thalweg.Generator the generator of what is random in training

---@class thalweg.Model : thalweg.Described
---@field init fun(self, rng: thalweg.Generator): table parameters
---@operator call(table): thalweg.Tensor
local Model = described.class("thalweg.model", {
  init = function(self, rng)
    if type(rng) ~= "userdata" then fault.raise('%s: init needs a generator: rng is %s; give run:rng("init")', self.kind, options.show(rng)) end
    return self.make(rng)
  end,
})

local known, predict = { train = true, rng = true }, {}

local function checked(self, mode)
  if type(mode) ~= "table" then fault.raise("%s: the mode must be a table: got %s; give { train = true, rng = generator }", self.kind, options.show(mode)) end
  for k in next, mode do
    if not known[k] then fault.raise("%s: unknown option: %s; %s", self.kind, tostring(k), names.hint(k, { "train", "rng" })) end
  end
  return mode
end

Model.__call = function(self, params, x, mode) return self.apply(params, x, mode == nil and predict or checked(self, mode)) end

---@param kind string
---@param o table the checked options
---@param rebuild fun(options: table): any
---@param fields { make: function, apply: function }
---@return thalweg.Model
function model.new(kind, o, rebuild, fields) return described.new(Model, kind, o, rebuild, fields) end

-- Is this a model (a layer is one)?
---@param v any
---@return boolean
function model.is(v) return getmetatable(v) == Model end

return model
