-- tw.optim: one constructor per optimizer of the engine. With parameters it makes an optimizer; without, a recipe: plain data that may be a
-- parameter of a sweep, recipe:new(params) makes the optimizer. The option tables are the engine's own (src/optim/<name>.c).
local core = require "thalweg.core"
local described = require "thalweg.described"
local fault = require "thalweg.fault"
local optimizer = require "thalweg.optim.optimizer"
local options = require "thalweg.options"
local ordered = require "thalweg.ordered"
local space = require "thalweg.space"
local spec = require "thalweg.optim.spec"

local optim = {}

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
  new = function(self, params) return optimizer.make(self.recipe_of, params, self.all) end,
})

-- Options come in a table without any tensor; a tree of parameters has one.
local function has_tensor(v, depth)
  if core.is_tensor(v) then return true end
  if type(v) ~= "table" or getmetatable(v) ~= nil or depth > 100 then return false end
  for _, child in next, v do
    if has_tensor(child, depth + 1) then return true end
  end
  return false
end

-- Numbers that differ between runs computed together are tensors to Lua: a table of options may hold some, under the names of options.
local function is_options(kind, v)
  if type(v) ~= "table" then return false end
  if not has_tensor(v, 0) then return true end
  if getmetatable(v) ~= nil then return false end
  local known = {}
  for _, field in ipairs(kind.fields) do known[field.name] = true end
  for name, value in next, v do
    if not known[name] or not (core.is_laned(value) and value.ndim == 0) and has_tensor(value, 1) then return false end
  end
  return true
end

local function constructor(kind)
  local recipe
  recipe = space.lift(function(given)
    local o = spec.checked(kind, given)
    local set = {}
    for k in next, given or {} do set[k] = o[k] end -- only what was said: defaults stay out of the text and the columns
    return described.new(Recipe, kind.name, set, recipe, { recipe_of = kind, all = o, text = next(set) == nil and kind.name or nil })
  end)
  return function(first, second)
    if second == nil and (first == nil or is_options(kind, first)) then return recipe(first or {}) end
    if first == nil then fault.raise("%s: the parameters are nil; give a tensor or a tree of tensors", kind.name) end
    if kind.given and second == nil and not core.is_tensor(first) and first[kind.given] ~= nil then
      fault.raise("%s: a recipe is plain data and cannot hold %s; give the parameters first, tw.optim.%s(params, { ... })", kind.name, kind.given, kind.name)
    end
    return optimizer.make(kind, first, spec.checked(kind, second))
  end
end

for _, kind in ipairs(core.optimizer_kinds()) do
  optim[kind.name] = constructor(spec.complete(kind))
end

local define_fields = {
  { name = "name", type = "string", about = "what the optimizer is called: tw.optim.<name>",
    check = function(v) return not v:match("^[%a_][%w_]*$") and "letters, digits and _ are allowed" or nil end },
  { name = "params", type = "table", default = {}, about = "hyperparameters: a number, true or false, or { default, min =, max =, about = }" },
  { name = "slots", type = "table", default = {}, about = "names of state tensors, one of each per parameter, zero at first" },
  { name = "step", type = "function", about = "step(p, g, slot, hyper, t), called for every parameter" },
  { name = "about", type = "string", default = "defined by the script", about = "one sentence" },
}

local taken = { groups = true, freeze = true, path = true } -- options of every optimizer that are no numbers
local no_slot = { accumulated = true, ema = true }          -- what a saved state calls its own

local function defined_option(owner, name, v)
  if type(name) ~= "string" or not name:match("^[%a_][%w_]*$") then
    fault.raise("%s: params: a hyperparameter needs a name of letters, digits and _: got %s", owner, options.show(name))
  end
  if taken[name] then fault.raise("%s: params: %s is an option of every optimizer already", owner, name) end
  for _, o in ipairs(spec.common) do
    if o.name == name then fault.raise("%s: params: %s is an option of every optimizer already", owner, name) end
  end
  if type(v) == "boolean" then return { name = name, type = "flag", flag = true, initial = v and 1 or 0, min = 0, max = 1, about = "" } end
  if type(v) == "number" then v = { v } end
  if type(v) ~= "table" or type(v[1]) ~= "number" then
    fault.raise("%s: params: %s must be a number, true, false, or { default, min =, max =, about = }", owner, name)
  end
  for _, k in ipairs { "min", "max" } do
    if v[k] ~= nil and type(v[k]) ~= "number" then fault.raise("%s: params: %s: %s must be a number: it is %s", owner, name, k, options.show(v[k])) end
  end
  if v.about ~= nil and type(v.about) ~= "string" then
    fault.raise("%s: params: %s: about must be a string: it is %s", owner, name, options.show(v.about))
  end
  return { name = name, type = "number", initial = v[1], min = v.min or -math.huge, max = v.max or math.huge, about = v.about or "" }
end

-- An optimizer written in the script. step(p, g, slot, hyper, t) is called once per parameter: p, g and slot.<name> are tensors of one shape, changed in
-- place with p:assign(...); hyper has the hyperparameters in force, t counts from 1. What define returns is used like any other optimizer: with
-- parameters, as a recipe, with schedules, groups, clipping, saved state; `decay` and `weight_decay` are the step's own business.
-- example:
-- local plain = tw.optim.define{ name = "plain", params = { lr = 0.1 }, step = function(p, g, slot, hyper) p:assign(p - hyper.lr * g) end }
-- local p = tw.tensor{ 1, 2 }
-- plain(p, { lr = 1 }):update(tw.ones(2))
-- p --> f64[2] [0 1]
---@param o { name: string, params?: table, slots?: string[], step: function, about?: string }
---@return fun(params?: any, options?: table): thalweg.Optimizer|thalweg.Recipe
function optim.define(o)
  o = options.check("optim.define", define_fields, o)
  local owner, list = "optim.define: " .. o.name, {}
  for name, v in ordered.pairs(o.params) do list[#list + 1] = defined_option(owner, name, v) end
  local seen = {}
  for i, slot in ordered.pairs(o.slots) do
    if no_slot[slot] or seen[slot] then
      fault.raise("%s: slots: %s", owner, seen[slot] and slot .. " stands twice" or "a saved state has its own " .. slot .. "; choose another name")
    end
    seen[slot] = true
    if math.type(i) ~= "integer" or type(slot) ~= "string" then fault.raise("%s: slots is a list of names: entry is %s", owner, options.show(slot)) end
  end
  if #o.slots > 4 then fault.raise("%s: at most 4 slots: there are %d", owner, #o.slots) end
  local kind = { name = o.name, about = o.about, source = "", options = list, presets = {}, solves = false, wraps = false }
  kind.made = core.optimizer_define(o.name, list, o.slots, o.step)
  kind.step = o.step -- part of what a sweep's code is
  return constructor(spec.complete(kind))
end

return optim
