-- tw.optim: one constructor per optimizer of the engine. With parameters it makes an optimizer; without, a recipe: plain data that may be a
-- parameter of a sweep, recipe:new(params) makes the optimizer. The option tables are the engine's own (src/optim/<name>.c).
local core = require "thalweg.core"
local described = require "thalweg.described"
local fault = require "thalweg.fault"
local options = require "thalweg.options"
local schedule = require "thalweg.schedule"
local space = require "thalweg.space"

local optim = {}

local function words(text)
  local out = {}
  for word in text:gmatch("%S+") do out[#out + 1] = word end
  return out
end

-- The engine's spec as the library's: a number may also be a schedule.
local function fields_of(kind)
  local fields = {}
  for i, o in ipairs(kind.options) do
    local field = { name = o.name, about = o.about }
    if o.type == "number" then
      field.type, field.default = "any", o.initial
      field.check = function(v)
        if schedule.is(v) then return nil end
        if type(v) ~= "number" or v ~= v then return "it must be a number or a schedule" end
        if v < o.min or v > o.max then return string.format("it must be in [%g, %g]", o.min, o.max) end
      end
    elseif o.type == "flag" then
      field.type, field.default = "boolean", o.initial ~= 0
    else
      field.type, field.choices = "string", words(o.choices)
      field.default = field.choices[o.initial + 1]
    end
    fields[i] = field
  end
  return fields
end

---@class thalweg.Optimizer
---@field params any the tree it updates
---@field steps integer steps taken so far
local Optimizer = {}
Optimizer.__index = function(self, k)
  if k == "steps" then return self.engine:steps() end
  local method = Optimizer[k]
  if method == nil then fault.raise("%s: it has no field %s", rawget(self, "kind").name, tostring(k)) end
  return method
end
Optimizer.__name = "thalweg.optimizer"

-- The numbers in force at the coming step: schedules are read at the number of steps taken so far. They are the last step's once it has succeeded.
local function resolve(self)
  if not next(self.schedules) then return self.values end
  local values, t = table.move(self.values, 1, #self.kind.fields, 1, {}), self.engine:steps()
  for i, s in next, self.schedules do values[i] = s(t) end
  return values
end

-- step(f, ...) -> loss, further results of f
-- Evaluates loss = f(params, ...) and its gradient, updates the parameters in place. Returns what f returned: the loss before the update,
-- then f's further results. f's first result must be a 0-d real tensor.
-- example:
-- local p = { w = tw.tensor{ 1, -2 } }
-- local opt = tw.optim.sgd(p, { lr = 0.25 })
-- local loss, note = opt:step(function(p, target) return tw.mse(p.w, target), "first" end, tw.zeros(2))
-- loss, note, p.w --> f64[] 2.5  first  f64[2] [0.75 -1.5]
-- opt.steps --> 1
---@param f fun(params: any, ...): thalweg.Tensor, ... returns the loss, a 0-d real tensor, first
---@return thalweg.Tensor loss before the update, then the further results of f
function Optimizer:step(f, ...)
  local values = resolve(self)
  if values == self.values then return self.engine:step(values, f, self.params, ...) end
  local function done(...)
    self.values = values
    return ...
  end
  return done(self.engine:step(values, f, self.params, ...))
end

-- One step with gradients of one's own: a tree like the parameters'. Another number of gradients is an error.
-- example:
-- local p = tw.tensor{ 1, -2 }
-- tw.optim.sgd(p, { lr = 0.1 }):update(tw.tensor{ 1, 1 })
-- p --> f64[2] [ 0.9 -2.1]
---@param grads any
function Optimizer:update(grads)
  local values = resolve(self)
  self.engine:update(values, self.params, grads)
  self.values = values
end

-- The hyperparameters applied in the last step (before the first: those it will apply), by name.
-- example:
-- local p = tw.tensor{ 1, -2 }
-- local opt = tw.optim.sgd(p, { lr = 0.5 * tw.schedule.inverse_power{ alpha = 1, beta = 1 } })
-- opt:update(tw.zeros(2))
-- opt:update(tw.zeros(2))
-- opt:hyper().lr --> 0.25
---@return table<string, number|boolean|string>
function Optimizer:hyper()
  local out, values = {}, self.engine:steps() == 0 and resolve(self) or self.values
  for i, field in ipairs(self.kind.fields) do
    local v = self.options[field.name]
    if type(v) == "boolean" or type(v) == "string" then out[field.name] = v else out[field.name] = values[i] end
  end
  return out
end

-- What the last step saw: grad_norm (2-norm over all gradients together) and evaluations of f. An error before the first step.
-- example:
-- local opt = tw.optim.sgd(tw.tensor{ 3, 4 })
-- opt:step(function(p) return 0.5 * p:dot(p) end)
-- opt:info().grad_norm --> 5.0
---@return { grad_norm: number, evaluations: integer }
function Optimizer:info()
  return { grad_norm = self.engine:grad_norm(), evaluations = 1 }
end

-- The gradients of the last step, a tree like the parameters'. An error before the first step.
-- example:
-- local opt = tw.optim.sgd{ momentum = 0.9 }:new(tw.tensor{ 3, 4 })
-- opt:step(function(p) return 0.5 * p:dot(p) end)
-- opt:grads() --> f64[2] [3 4]
---@return any
function Optimizer:grads() return self.engine:grads(self.params) end

local function number_of(field, v)
  if type(v) == "boolean" then return v and 1 or 0 end
  if type(v) ~= "string" then return v end
  for i, choice in ipairs(field.choices) do
    if choice == v then return i - 1 end
  end
end

local function make(kind, params, o)
  local self = { kind = kind, params = params, options = o, engine = core.optimizer(kind.name, params), values = {}, schedules = {} }
  for i, field in ipairs(kind.fields) do
    local v = o[field.name]
    if schedule.is(v) then self.schedules[i] = v else self.values[i] = number_of(field, v) end
  end
  return setmetatable(self, Optimizer)
end

-- recipe:new(params) -> optimizer
-- The optimizer of a recipe for a tree of parameters. A recipe is an optimizer without parameters, as tw.optim.name(options) makes it: plain data
-- that prints as its text and may be a parameter of a sweep.
-- example:
-- local recipe = tw.optim.sgd{ lr = 0.1 }
-- recipe --> sgd{lr=0.1}
-- recipe:new(tw.zeros(2)):hyper().lr --> 0.1

---@class thalweg.Recipe : thalweg.Described
---@field new fun(self: thalweg.Recipe, params: any): thalweg.Optimizer

local Recipe = described.class("thalweg.recipe", {
  new = function(self, params) return make(self.recipe_of, params, self.all) end,
})

-- Is this an option table rather than a tree of parameters? Then every name in it is an option's.
local function is_option_table(kind, v)
  if type(v) ~= "table" or getmetatable(v) or core.is_tensor(v) then return false end
  if next(v) == nil then return true end
  for k, value in next, v do
    if type(k) ~= "string" or core.is_tensor(value) then return false end
    if type(value) == "table" and not getmetatable(value) then return false end
  end
  return true
end

local function constructor(kind)
  local recipe
  recipe = space.lift(function(given)
    local o = options.check(kind.name, kind.fields, given)
    local set = {}
    for k in next, given or {} do set[k] = o[k] end -- only what was said: defaults stay out of the text and the columns
    return described.new(Recipe, kind.name, set, recipe, { recipe_of = kind, all = o, text = next(set) == nil and kind.name or nil })
  end)
  return function(first, second)
    if second == nil and (first == nil or is_option_table(kind, first)) then return recipe(first or {}) end
    if first == nil then fault.raise("%s: the parameters are nil; give a tensor or a tree of tensors", kind.name) end
    return make(kind, first, options.check(kind.name, kind.fields, second))
  end
end

for _, kind in ipairs(core.optimizer_kinds()) do
  kind.fields = fields_of(kind)
  optim[kind.name] = constructor(kind)
end

return optim
