-- An optimizer in use: what tw.optim.name(params, options) and recipe:new(params) return. It reads schedules, places groups, and hands the rest to the
-- engine (src/bind/optim.c).
local core = require "thalweg.core"
local fault = require "thalweg.fault"
local options = require "thalweg.options"
local ordered = require "thalweg.ordered"
local schedule = require "thalweg.schedule"
local transforms = require "thalweg.transforms"
local tree = require "thalweg.tree"

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
Optimizer.__newindex = function(self, k)
  fault.raise("%s: it cannot be changed: field is %s; a hyperparameter that changes is a schedule: { lr = 0.1 * tw.schedule.cosine{ steps = 100 } }",
    rawget(self, "kind").name, tostring(k))
end
Optimizer.__name = "thalweg.optimizer"

-- Sets the numbers of the coming step: schedules are read at the number of steps taken so far.
local function resolve(self)
  local changing = self.changing
  if #changing > 0 then
    local t = self.engine:steps()
    for _, c in ipairs(changing) do
      c.now = c.stepper:factor(t)
      if core.is_tensor(c.now) then c.now:keep() end -- hyper() may ask behind the end of the tw.scope this step is in
      self.engine:set(c.group, c.place, c.now)
    end
  end
  if self.inner then resolve(self.inner) end
end

-- The step has succeeded: these are the numbers that were applied.
local function settle(self, ...)
  for _, c in ipairs(self.changing) do c.applied = c.now end
  if self.inner then settle(self.inner) end
  return ...
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
  if #self.changing == 0 and not self.inner then return self.engine:step(f, self.params, ...) end
  resolve(self)
  return settle(self, self.engine:step(f, self.params, ...))
end

-- One step with gradients of one's own: a tree like the parameters'. Another number of gradients is an error.
-- example:
-- local p = tw.tensor{ 1, -2 }
-- tw.optim.sgd(p, { lr = 0.1 }):update(tw.tensor{ 1, 1 })
-- p --> f64[2] [ 0.9 -2.1]
---@param grads any
function Optimizer:update(grads)
  resolve(self)
  self.engine:update(self.params, grads)
  settle(self)
end

-- The hyperparameters applied in the last step (before the first: those it will apply), by name; with a path, those of the group of the parameter there.
-- Around another optimizer, `base` has those of that one.
-- example:
-- local p = tw.tensor{ 1, -2 }
-- local opt = tw.optim.sgd(p, { lr = 0.5 * tw.schedule.inverse_power{ alpha = 1, beta = 1 } })
-- opt:update(tw.zeros(2))
-- opt:update(tw.zeros(2))
-- opt:hyper().lr --> 0.25
---@param path? string
---@return table<string, any>
function Optimizer:hyper(path)
  local group, changing = 0, {}
  if path ~= nil then
    local i = self.by_path[path]
    if not i then fault.raise("%s: there is no parameter at path %s; paths: %s", self.kind.name, options.show(path), table.concat(self.paths, ", ")) end
    group = self.group_of[i]
  end
  for _, c in ipairs(self.changing) do -- the engine may have those of the coming step already
    if c.group == group then changing[c.place] = c.applied or c.stepper:factor(self.engine:steps()) end
  end
  local out = {}
  for place, field in ipairs(self.kind.settable) do
    local v = changing[place] or self.engine:get(group, place)
    if field.kind == "flag" then out[field.name] = v ~= 0
    elseif field.kind == "choice" then out[field.name] = field.choices[math.tointeger(v) + 1]
    else out[field.name] = math.type(v) == "integer" and v + 0.0 or v end
  end
  if self.inner then out.base = self.inner:hyper(path) end
  return out
end

-- What the last step saw and did: grad_norm, the 2-norm of all gradients together before the update; step_norm, that of the change of the parameters;
-- evaluations of f (a Hessian, a product with it or a Jacobian counts as one); reason, why no update was made or why a method that searches stops ("" where
-- there is nothing to say). Methods with a line search or a trust region say: "gradient", no element is above tol_grad; "step" and "function", the change was
-- within tol_step, tol_function, or f cannot show what is left to gain; "curvature", the model has no minimum along the direction; "line search failed",
-- "no trial step was acceptable"; "singular", a linear system has no solution (newton: damping or absolute = true help); "loss or gradient not finite",
-- "Hessian not finite". The parameters stay where they are, but for "step" and "function" by those tolerances.
-- `stopped` is whether there is a reason. In runs computed together the numbers are each run's own, evaluations too, and so is stopped, for
-- run:stop_if(opt:info().stopped); asking for a reason that differs between them is an error. An error before the first step.
-- example:
-- local opt = tw.optim.sgd(tw.tensor{ 3, 4 }, { lr = 0.1 })
-- opt:step(function(p) return 0.5 * p:dot(p) end)
-- opt:info().grad_norm, opt:info().step_norm --> 5.0  0.5
---@return { grad_norm: number, step_norm: number, evaluations: integer, reason: string, stopped: boolean }
function Optimizer:info() return self.engine:info() end

-- The gradients of the last step, a tree like the parameters'. An error before the first step.
-- example:
-- local opt = tw.optim.sgd{ momentum = 0.9 }:new(tw.tensor{ 3, 4 })
-- opt:step(function(p) return 0.5 * p:dot(p) end)
-- opt:grads() --> f64[2] [3 4]
---@return any
function Optimizer:grads() return self.engine:grads(self.params) end

-- The parameters to evaluate with, a tree like the parameters': a moving average where there is one (option ema, or a method that trains at one point and
-- returns another), else copies of the parameters.
-- example:
-- local opt = tw.optim.sgd(tw.tensor{ 1, 2 }, { lr = 1, ema = 0.5 })
-- opt:update(tw.ones(2)); opt:update(tw.ones(2))
-- opt:eval_params() --> f64[2] [-0.5  0.5]
---@return any
function Optimizer:eval_params()
  return tree.map(function(x)
    local i = self.engine:index(x)
    return i and self.engine:average(i) or x
  end, self.params)
end

-- Everything a step depends on besides the parameters, by name, as plain data: counts, slots by parameter path, state of schedules. A copy.
-- example:
-- local opt = tw.optim.sgd({ w = tw.tensor{ 1, 2 } }, { momentum = 0.9 })
-- opt:update{ w = tw.ones(2) }
-- opt:state().slots.w.velocity --> f64[2] [1 1]
---@return table
function Optimizer:state()
  local raw = self.engine:read()
  local slots = {}
  for i, path in ipairs(self.paths) do slots[path] = raw.leaves[i] end
  raw.leaves = nil
  raw.slots, raw.kind = slots, self.kind.name
  if self.inner then raw.base = self.inner:state() end
  raw.schedules = {}
  for _, c in ipairs(self.changing) do
    if c.stepper.stateful then raw.schedules[c.name] = c.stepper:state() end
  end
  return raw
end

local function take(self, state)
  local name = self.kind.name
  if type(state) ~= "table" or type(state.slots) ~= "table" then fault.raise("%s: load takes what state() gave, got %s", name, options.show(state)) end
  if state.kind ~= name then fault.raise("%s: the state is of another optimizer: kind is %s", name, options.show(state.kind)) end
  local raw, unknown = {}, {}
  for k, v in next, state do raw[k] = v end
  raw.leaves = {}
  for i, path in ipairs(self.paths) do
    if state.slots[path] == nil then
      fault.raise("%s: the state lacks parameter %s; it has %s", name, path, table.concat(ordered.keys(state.slots), ", "))
    end
    raw.leaves[i] = state.slots[path]
  end
  for path in next, state.slots do if not self.by_path[path] then unknown[#unknown + 1] = path end end
  table.sort(unknown)
  if #unknown > 0 then fault.raise("%s: the state has a parameter that is not here: %s", name, unknown[1]) end
  self.engine:write(raw)
  for _, c in ipairs(self.changing) do
    if c.stepper.stateful then c.stepper:load((state.schedules or {})[c.name]) end
  end
  if self.inner then take(self.inner, state.base) end
end

-- Takes back what state() gave: the steps that follow are those that would have followed, bit for bit, given the same parameters. A state of another
-- kind, or of other parameters, is an error and changes nothing.
-- example:
-- local a, b = tw.tensor{ 1, 2 }, tw.tensor{ 1, 2 }
-- local o, q = tw.optim.adam(a), tw.optim.adam(b)
-- o:update(tw.ones(2))
-- b:assign(a)
-- q:load(o:state())
-- o:update(tw.ones(2)); q:update(tw.ones(2))
-- (a - b):abs():max() --> f64[] 0
---@param state table
function Optimizer:load(state)
  local before = self:state()
  local ok, err = pcall(take, self, state)
  if ok then return end
  take(self, before)
  error(err, 0)
end

-- Tells schedules that watch a metric (plateau) its latest value. An error where no hyperparameter has such a schedule.
-- example:
-- local opt = tw.optim.sgd(tw.ones(1), { lr = 0.1 * tw.schedule.plateau{ patience = 0, factor = 0.5 } })
-- opt:report(1.0); opt:report(1.0)
-- opt:update(tw.ones(1))
-- opt:hyper().lr --> 0.05
---@param value number
function Optimizer:report(value)
  local told = false
  local function tell(optimizer)
    for _, c in ipairs(optimizer.changing) do
      if c.stepper.stateful then
        c.stepper:report(value)
        told = true
      end
    end
    if optimizer.inner then tell(optimizer.inner) end
  end
  tell(self)
  if not told then fault.raise("%s: no hyperparameter has a schedule that watches a metric; lr = 0.1 * schedule.plateau{...} has", self.kind.name) end
end

local function number_of(field, v)
  if type(v) == "boolean" then return v and 1 or 0 end
  if type(v) ~= "string" then return v end
  for i, choice in ipairs(field.choices) do
    if choice == v then return i - 1 end
  end
end

-- Gives a group its values; schedules become entries of self.changing.
local function set_values(self, group, o, label)
  for place, field in ipairs(self.kind.settable) do
    local v = o[field.name]
    if v ~= nil and schedule.is(v) then
      local stepper = v:start()
      self.changing[#self.changing + 1] = { group = group, place = place, name = label .. field.name, stepper = stepper }
      self.engine:set(group, place, stepper:factor(0))
    elseif v ~= nil then
      self.engine:set(group, place, number_of(field, v), field.kind ~= "number" or type(v) == "number")
    end
  end
end

local function matches(path, pattern, what, name)
  local ok, found = pcall(string.find, path, pattern)
  if not ok then fault.raise("%s: %s is no valid pattern: %s", name, what, options.show(pattern)) end
  return found ~= nil
end

local function make_groups(self, o)
  local name, paths = self.kind.name, self.paths
  if o.groups and self.kind.solves and not self.kind.wraps then
    fault.raise("%s: groups cannot be: the method moves all parameters together; freeze holds some of them, sgd and its like have groups", name)
  end
  for g, given in ordered.pairs(o.groups or {}) do
    if math.type(g) ~= "integer" or type(given) ~= "table" then
      fault.raise("%s: groups is a list of tables, { path = ..., lr = ... }: entry is %s", name, options.show(g))
    end
    local values = options.check(name .. ".groups", self.kind.group_fields, given)
    local group, hit = self.engine:add_group(), false
    for i, path in ipairs(paths) do
      if self.group_of[i] == 0 and matches(path, values.path, "groups.path", name) then
        self.engine:assign(i, group)
        self.group_of[i] = group
        hit = true
      end
    end
    if not hit then
      fault.raise("%s: groups: no parameter (that is not in an earlier group) has a path like %s; paths: %s", name, options.show(values.path),
        table.concat(paths, ", "))
    end
    -- What the group does not say is as outside it: a schedule of the whole is this group's too.
    local whole = {}
    for _, field in ipairs(self.kind.settable) do whole[field.name] = values[field.name] == nil and o[field.name] or values[field.name] end
    set_values(self, group, whole, "group" .. g .. ".")
  end
  for i, pattern in ordered.pairs(o.freeze or {}) do
    if math.type(i) ~= "integer" or type(pattern) ~= "string" then
      fault.raise("%s: freeze is a list of patterns of paths: entry is %s", name, options.show(pattern))
    end
    local hit = false
    for k, path in ipairs(paths) do
      if matches(path, pattern, "freeze", name) then
        self.frozen[k] = true
        hit = true
      end
    end
    if not hit then fault.raise("%s: freeze: no parameter has a path like %s; paths: %s", name, options.show(pattern), table.concat(paths, ", ")) end
  end
end

-- Paths of the engine's parameters, in its order; a parameter that stands at several places has its first path.
local function read_paths(self)
  local leaves, paths = tree.leaves(self.params)
  for k, x in ipairs(leaves) do
    local i = self.engine:index(x)
    if i and not self.paths[i] then
      self.paths[i] = paths[k] == "" and "params" or paths[k]
      self.group_of[i] = 0
    end
  end
  for i, path in ipairs(self.paths) do self.by_path[path] = i end
end

-- The script's function as a function of one vector of all parameters that move.
local function over_vector(self, f)
  local moving = self.moving
  return function(v, ...)
    local at, parts = 1, {}
    for _, m in ipairs(moving) do
      parts[m.index] = v:narrow(1, at, m.size):reshape(m.shape)
      at = at + m.size
    end
    return f(tree.map(function(x) return parts[self.engine:index(x)] or x end, self.params), ...)
  end
end

-- What methods of second order ask for; params stands for the tree, which the closure has already.
local function face_of(self)
  return {
    hvp = function(f, v, _, ...) return (transforms.hvp(over_vector(self, f))(self.engine:flat(), v, ...)) end,
    hessian = function(f, _, _, ...) return (transforms.hessian(over_vector(self, f))(self.engine:flat(), ...)) end,
    residual = function(f, want_jacobian, _, ...)
      local engine, over = self.engine, over_vector(self, f)
      local out = table.pack(over(engine:flat(), ...)) -- copies: what f returns of them stays as it was before the step
      local r = out[1]
      if not core.is_tensor(r) or r.ndim > 1 then
        fault.raise("%s: the function must return the residuals, a vector, first; got %s", self.kind.name,
          core.is_tensor(r) and tostring(r.ndim) .. " axes" or type(r))
      end
      r = r:reshape(-1)
      local jacobian = want_jacobian and transforms.jacobian(function(v, ...)
        engine:rewind() -- every evaluation sees the same random numbers
        return over(v, ...):reshape(-1)
      end)(engine:flat(), ...)
      return r, jacobian or nil, 0.5 * r:dot(r), table.unpack(out, 2, out.n)
    end,
  }
end

-- What is frozen in one of two nested optimizers is so in both.
local function freeze(self, frozen)
  for k in next, frozen do
    self.frozen[k] = true
    self.engine:freeze(k)
  end
  if self.inner then freeze(self.inner, frozen) end
end

-- A state vector that an option fills: a tree like the parameters', or one tensor where there is one parameter.
local function fill_given(self, given)
  local leaves, paths = tree.leaves(given)
  local by_path, parts = {}, {}
  for k, x in ipairs(leaves) do by_path[paths[k] == "" and "params" or paths[k]] = x end
  for _, m in ipairs(self.moving) do
    local path = self.paths[m.index]
    local x = by_path[path]
    if not x then fault.raise("%s: %s has nothing at path %s; it is a tree like the parameters'", self.kind.name, self.kind.given, path) end
    if x.size ~= m.size or table.concat(x.shape, " ") ~= table.concat(m.shape, " ") then
      fault.raise("%s: %s has shape {%s} at path %s, the parameter {%s}", self.kind.name, self.kind.given, table.concat(x.shape, ", "), path,
        table.concat(m.shape, ", "))
    end
    parts[#parts + 1] = x:reshape(-1)
  end
  local raw = self.engine:read()
  raw.vectors[self.kind.given] = core.cat(parts, 1)
  self.engine:write(raw)
end

---@param kind table completed by spec.complete
---@param params any
---@param o table checked options
---@return thalweg.Optimizer
local function make(kind, params, o)
  local self = { kind = kind, params = params, options = o, changing = {}, paths = {}, by_path = {}, group_of = {}, moving = {}, frozen = {}, inner = false }
  if kind.wraps then self.inner = make(o.base.recipe_of, params, o.base.all) end
  self.engine = core.optimizer(kind.made or kind.name, params, face_of(self), self.inner and self.inner.engine)
  read_paths(self)
  set_values(self, 0, o, "")
  make_groups(self, o)
  if self.inner then for k in next, self.inner.frozen do self.frozen[k] = true end end
  freeze(self, self.frozen)
  for _, x in ipairs((tree.leaves(params))) do
    local i = self.engine:index(x)
    if i and not self.frozen[i] and not (self.moving[#self.moving] and self.moving[#self.moving].index >= i) then
      self.moving[#self.moving + 1] = { index = i, size = x.size, shape = x.shape }
    end
  end
  if kind.given and o[kind.given] ~= nil then fill_given(self, o[kind.given]) end
  return setmetatable(self, Optimizer)
end

return { make = make, class = Optimizer }
