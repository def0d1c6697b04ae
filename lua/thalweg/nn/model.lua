-- What a model is: a described object with make (parameters from a generator) and apply (params, x, mode) -> result.
local described = require "thalweg.described"
local fault = require "thalweg.fault"
local names = require "thalweg.names"
local options = require "thalweg.options"

local model = {}

---@class thalweg.Mode
---@field train? boolean true: dropout drops, batch normalisation takes the batch's own statistics and its running averages follow
---@field rng? userdata the generator of what is random in training

---@class thalweg.Model : thalweg.Described
---@field init fun(self, rng: userdata): table parameters
---@operator call(table, userdata, thalweg.Mode?): userdata
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
