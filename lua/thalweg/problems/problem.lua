-- What a problem is: a described object with a function of a vector, its start, its known minimisers and value, its domain. Knows no formula.
local canonical = require "thalweg.canonical"
local core = require "thalweg.core"
local described = require "thalweg.described"
local fault = require "thalweg.fault"
local options = require "thalweg.options"
local space = require "thalweg.space"

local problem = {}

---@class thalweg.Problem : thalweg.Described
---@field name string
---@field f fun(x: thalweg.Tensor, ...): thalweg.Tensor a 0-d tensor; x is a vector, or a plain array of numbers and 0-d tensors
---@field dimension integer
---@field minima number[][] every known minimiser; empty when there is no closed form
---@field value number at the minimisers; NaN when there is no closed form
---@field domain number[][] { low, high } per coordinate
---@field smooth boolean twice differentiable at the minimisers
---@field interior boolean the minimisers lie inside the domain, so that the gradient vanishes there
---@field source string

local function is_generator(v) return type(v) == "userdata" and not core.is_tensor(v) end

local methods = {}

-- problem:start([dtype]) -> tensor
-- The usual starting point, a fresh tensor: an optimizer may change it in place. dtype is the default one unless it is given; the finite sums have that of
-- their data.
-- example:
-- tw.problems.rosenbrock():start("f32") --> f32[2] [-1.2    1]
---@param dtype? "f64"|"f32"
---@return thalweg.Tensor
function methods:start(dtype)
  dtype = dtype or rawget(self, "dtype")
  if dtype == nil then return core.tensor(self.from) end
  return core.tensor(self.from, { dtype = dtype })
end

-- problem:minimum([k [, dtype]]) -> tensor
-- The k-th known minimiser, the first by default, as a fresh tensor. One that is not there is an error.
-- example:
-- tw.problems.himmelblau():minimum() --> f64[2] [3 2]
---@param k? integer
---@param dtype? "f64"|"f32"
---@return thalweg.Tensor
function methods:minimum(k, dtype)
  local point = self.minima[k or 1]
  if not point then fault.raise("%s: no such minimiser: k is %s; %d are known", self.kind, options.show(k or 1), #self.minima) end
  dtype = dtype or rawget(self, "dtype")
  return core.tensor(point, dtype and { dtype = dtype } or nil)
end

-- problem:gap(x) -> tensor
-- How far f(x) lies above the least value, a 0-d tensor. Where the least value has no closed form this is an error.
-- formula: f(x) - value
-- example:
-- tw.problems.goldstein_price():gap(tw.tensor{ 0, -1 }) --> f64[] 0
---@param x thalweg.Tensor
---@return thalweg.Tensor
function methods:gap(x)
  if self.value ~= self.value then fault.raise("%s: its least value has no closed form; problem.f(problem:solve()) gives it", self.kind) end
  return self.f(x) - self.value
end

-- problem:solve() -> tensor
-- The minimiser of a finite sum: of least squares in closed form, of logistic regression by Newton's method. For other problems an error: theirs are listed
-- in problem.minima.
-- example:
-- tw.problems.least_squares(tw.tensor{ {1, 0}, {1, 1}, {1, 2} }, tw.tensor{ 1, 3, 5 }):solve() --> f64[2] [1 2]
---@return thalweg.Tensor
function methods:solve()
  local solver = rawget(self, "solver")
  if not solver then fault.raise("%s: there is nothing to solve: its minimisers stand in problem.minima", self.kind) end
  return solver()
end

-- problem:hessian([dtype]) -> tensor
-- The Hessian of a quadratic, which is the same everywhere: a fresh matrix, f64 by default. For other problems an error: tw.hessian(problem.f)(x) gives it at
-- a point.
-- example:
-- tw.problems.quadratic{ eigenvalues = { 1, 10 } }:hessian() --> f64[2 2]
--                                                            --> [[ 1  0]
--                                                            -->  [ 0 10]]
---@param dtype? "f64"|"f32"
---@return thalweg.Tensor
function methods:hessian(dtype)
  local matrix = rawget(self, "matrix")
  if not matrix then fault.raise("%s: its Hessian is not the same everywhere; tw.hessian(problem.f)(x) gives it at a point", self.kind) end
  return dtype == "f32" and matrix:to("f32") or matrix:clone()
end

local Problem = described.class("thalweg.problem", methods)

Problem.__call = function(self, x, ...) return self.f(x, ...) end

-- problem:noisy(rng, sd [, examples]) -> problem
-- The same problem with noise u in its gradient, of standard deviation sd in every component and fresh at every evaluation: the mean over so many examples
-- (1 by default), each with noise of its own. Start, minimisers and value stay those of the problem without noise, which is the mean of this one.
-- formula: f(x) + u . x, u = mean of `examples` draws from N(0, sd^2 I)
-- source: Schneider, Balles and Hennig 2019 (DeepOBS): rosenbrock{ start = {-0.5, 1.5} }, beale{ start = {-4.5, 4.5} }, branin, each with sd = 1
-- example:
-- local p = tw.problems.sphere{ n = 2 }:noisy(tw.rng(1, "noise"), 0.1)
-- local g1, g2 = tw.grad(p.f)(tw.zeros(2)), tw.grad(p.f)(tw.zeros(2))
-- (g1 - g2):abs():max():gt(0):item() --> true
-- p --> sphere{n=2}:noisy(0.1)
---@param rng thalweg.Generator
---@param sd number
---@param examples? integer
---@return thalweg.Problem
function methods:noisy(rng, sd, examples)
  if not is_generator(rng) then fault.raise('%s: noisy needs a generator: rng is %s; give run:rng("noise")', self.kind, options.show(rng)) end
  local o = options.check(self.kind .. ":noisy", {
    { name = "sd", type = "number", min = 0, about = "standard deviation of the noise in each component of the gradient" },
    { name = "examples", type = "integer", min = 1, default = 1, about = "draws whose mean is the noise" },
  }, { sd = sd, examples = examples })
  local f, n, fields = self.f, self.dimension, {}
  for k, v in next, self do fields[k] = v end
  fields.f = function(x, ...)
    x = problem.vector(self.kind, n, x)
    local u
    if o.examples == 1 then u = rng:normal(n, { std = o.sd, dtype = x.dtype }) else u = rng:normal(o.examples, n, { std = o.sd, dtype = x.dtype }):mean(1) end
    return f(x, ...) + u:dot(x)
  end
  fields.kind, fields.options, fields.rebuild, fields.solver = nil, nil, nil, nil
  fields.text = self.text .. ":noisy(" .. canonical.number(o.sd) .. (o.examples > 1 and "," .. canonical.number(o.examples) or "") .. ")"
  fields.columns = {}
  for _, column in ipairs(self.columns) do described.add(fields.columns, column[1], column[2]) end
  for _, name in ipairs { "sd", "examples" } do described.add(fields.columns, name, o[name]) end
  return described.new(Problem, self.kind, { of = self, sd = o.sd, examples = o.examples }, function(other)
    return other.of:noisy(rng, other.sd, other.examples)
  end, fields)
end

-- x as a vector of n: a tensor is checked, a plain array of numbers and 0-d tensors becomes one.
---@param kind string
---@param n integer
---@param x any
---@return thalweg.Tensor
function problem.vector(kind, n, x)
  if core.is_tensor(x) then
    if x.ndim == 1 and x.size == n then return x end
    if x.ndim == 0 and n == 1 then return x:reshape(1) end
    fault.raise("%s: x must be a vector of %d: it is %s", kind, n, options.show(x):match("^[^\n]*%]") or "a tensor")
  end
  if type(x) ~= "table" or getmetatable(x) ~= nil or #x ~= n then
    fault.raise("%s: x must be a vector of %d: it is %s", kind, n, type(x) == "table" and #x .. " values" or options.show(x))
  end
  local like, parts = nil, {}
  for i = 1, n do
    if core.is_tensor(x[i]) then like = like or x[i] end
  end
  if not like then return core.tensor(x) end
  for i = 1, n do parts[i] = core.is_tensor(x[i]) and x[i] or core.tensor(x[i], { dtype = like.dtype }) end
  return core.stack(parts)
end

-- Makes a problem from what the constructor knows: f (given a vector that has been checked), from, minima, value, domain, source.
---@param kind string
---@param o table the checked options
---@param rebuild function
---@param fields table
---@return thalweg.Problem
function problem.new(kind, o, rebuild, fields)
  local f, n = fields.f, fields.dimension
  fields.name = kind
  fields.smooth, fields.interior = fields.smooth ~= false, fields.interior ~= false
  fields.f = function(x, ...) return f(problem.vector(kind, n, x), ...) end
  return described.new(Problem, kind, o, rebuild, fields)
end

-- Is this value a problem?
---@param v any
---@return boolean
function problem.is(v) return getmetatable(v) == Problem end

problem.is_generator = is_generator

-- The option every problem has: where to start.
problem.start_field = { name = "start", type = "numbers", optional = true, about = "another starting point, one number per coordinate" }

-- n copies of a value.
function problem.filled(n, value)
  local out = {}
  for i = 1, n do out[i] = value end
  return out
end

-- The starting point: the option's, checked, or the problem's own.
---@param kind string
---@param n integer
---@param given number[]|nil
---@param own number[]
---@return number[]
function problem.from(kind, n, given, own)
  if given == nil then return own end
  if #given ~= n then fault.raise("%s: the start needs one number per coordinate: it has %d, the dimension is %d", kind, #given, n) end
  return given
end

-- A constructor from a spec: options `start`, and `n` when the spec says from which dimension on; the rest of the spec are functions of n or values.
---@param kind string
---@param spec table { n?, default?, start, minima, value, domain, f, source, smooth?, interior? }
---@return function
function problem.define(kind, spec)
  local fields = { problem.start_field }
  if spec.n then
    table.insert(fields, 1, { name = "n", type = "integer", min = spec.n, default = spec.default or 2, about = "the dimension" })
  end
  local function of(v, n)
    if type(v) == "function" then return v(n) end
    return v
  end
  local make
  make = space.lift(function(given)
    local o = options.check(kind, fields, given)
    local n = o.n or #spec.domain
    local domain = spec.domain
    if spec.n then
      domain = {}
      for i = 1, n do domain[i] = { spec.domain[1], spec.domain[2] } end
    end
    return problem.new(kind, o, make, {
      dimension = n, from = problem.from(kind, n, o.start, of(spec.start, n)), minima = of(spec.minima, n), value = of(spec.value, n),
      domain = domain, f = spec.n and function(x) return spec.f(x, n) end or spec.f, source = spec.source, smooth = spec.smooth, interior = spec.interior,
    })
  end)
  return make
end

return problem
