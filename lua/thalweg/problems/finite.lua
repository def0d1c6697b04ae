-- Finite sums over the rows of a data set: f(p) is the mean over all, f(p, i) over the rows of an index tensor.
local canonical = require "thalweg.canonical"
local codehash = require "thalweg.codehash"
local core = require "thalweg.core"
local fault = require "thalweg.fault"
local options = require "thalweg.options"
local problem = require "thalweg.problems.problem"
local space = require "thalweg.space"

local num = core.num

local finite = {}

local function real_matrix(x) return core.is_tensor(x) and x.ndim == 2 and (x.dtype == "f64" or x.dtype == "f32") end

local l2_field = { { name = "l2", type = "number", min = 0, default = 0, about = "weight of |p|^2 / 2 beside the mean" } }

local function checked(kind, x, y, l2)
  if not real_matrix(x) or x.size == 0 then fault.raise("%s: X must be a real matrix [examples features]: it is %s", kind, options.show(x)) end
  if not core.is_tensor(y) or y.ndim ~= 1 or #y ~= #x then
    fault.raise("%s: y must be a vector with one entry per row of X: it is %s, X has %d rows", kind, core.is_tensor(y) and
      options.show(y):match("^[^\n]*%]") or options.show(y), #x)
  end
  return options.check(kind, l2_field, { l2 = l2 })
end

-- What both have: the text names the data by their hash, the columns say how much there is.
local function sum_problem(kind, o, x, y, rebuild, fields)
  local rows, width = x.shape[1], x.shape[2]
  x:keep()
  y:keep()
  local hash = core.sha256(codehash.tensor(x) .. codehash.tensor(y)):sub(1, 14)
  fields.dimension, fields.n, fields.from, fields.dtype = width, rows, problem.filled(width, 0), x.dtype
  fields.domain = {}
  for i = 1, width do fields.domain[i] = { -math.huge, math.huge } end
  fields.text = string.format("%s{data=%q,l2=%s}", kind, hash, canonical.number(o.l2))
  fields.columns = { { "examples", rows }, { "features", width }, { "l2", o.l2 } }
  return problem.new(kind, o, rebuild, fields)
end

local function rows_of(x, i, width) return i == nil and x or x[i]:reshape(-1, width) end
local function entries_of(y, i) return i == nil and y or y[i]:reshape(-1) end

-- Least squares: f(p) over all n rows of X [n d] and y [n], f(p, i) over those of an index tensor i; problem.n is the number of rows, problem.residual(p) the
-- vector whose half square is f(p), for the methods that want it. The minimiser is found in closed form, the shortest one when there are many.
-- problem.minima, problem.value and problem:solve() have it.
-- formula: mean of (X_i . p - y_i)^2 / 2 + l2 |p|^2 / 2
-- example:
-- local p = tw.problems.least_squares(tw.tensor{ {1, 0}, {1, 1}, {1, 2} }, tw.tensor{ 1, 3, 6 })
-- p:solve(), p(tw.zeros(2)), p(tw.zeros(2), tw.tensor({ 2, 3 }, { dtype = "i64" })) --> f64[2] [0.833333      2.5]  f64[] 7.66667  f64[] 11.25
---@param X thalweg.Tensor [n d]
---@param y thalweg.Tensor [n]
---@param l2? number default 0
---@return thalweg.Problem
finite.least_squares = space.lift(function(X, y, l2)
  local o = checked("least_squares", X, y, l2)
  if y.dtype ~= X.dtype then fault.raise("least_squares: X and y have different dtypes: X is %s, y is %s; use :to()", X.dtype, y.dtype) end
  local rows, width = X.shape[1], X.shape[2]
  local weight, root = num.sqrt(1 / rows), num.sqrt(o.l2)
  local function residual(p)
    p = problem.vector("least_squares", width, p)
    local r = weight * (X:matmul(p) - y)
    if o.l2 == 0 then return r end
    return core.cat { r, root * p }
  end
  local function f(p, i)
    local d = rows_of(X, i, width):matmul(p) - entries_of(y, i)
    local loss = 0.5 * d:dot(d) / #d
    if o.l2 == 0 then return loss end
    return loss + 0.5 * o.l2 * p:dot(p)
  end
  local a, b = X:to("f64"), y:to("f64")
  if o.l2 > 0 then
    a = core.cat { weight * a, root * core.eye(width, { dtype = "f64" }) }
    b = core.cat { weight * b, core.zeros(width, { dtype = "f64" }) }
  end
  local best = core.linalg.lstsq(a, b)
  local function solver() return best:to(X.dtype):clone() end
  best:keep()
  local value = 0.5 * (a:matmul(best) - b):square():sum():item()
  if o.l2 == 0 then value = value / rows end
  return sum_problem("least_squares", o, X, y, function(other) return finite.least_squares(X, y, other.l2) end, {
    f = f, residual = residual, minima = { best:table() }, value = value, solver = solver, source = "Gauss 1809",
  })
end)

-- The minimiser of a smooth convex f by Newton's method with halved steps. Where it has converged the step promises less than f's own rounding.
local function newton(f, gradient, hessian, p)
  local value = f(p):item()
  for _ = 1, 100 do
    local g = gradient(p)
    local d = core.linalg.lstsq(hessian(p), g)
    local decrease, step = g:dot(d):item(), 1
    if not (decrease > 1e-28 * (1 + math.abs(value))) then return p end
    local next_p, next_value
    repeat
      next_p = p - step * d
      next_value, step = f(next_p):item(), step / 2
    until next_value < value or step < 1e-10
    if not (next_value < value) then return p end
    p, value = next_p, next_value
  end
  return p
end

-- Logistic regression for two classes: f(p) over all n rows of X [n d], f(p, i) over those of an index tensor i; problem.n is the number of rows. y [n] holds
-- two distinct numbers, of which the larger is the positive class. The minimiser has no closed form: problem.minima is empty, problem.value is NaN, and
-- problem:solve() finds it by Newton's method.
-- formula: mean of log(1 + e^(-s_i X_i . p)) + l2 |p|^2 / 2, s_i = 1 or -1
-- example:
-- local X = tw.tensor{ {1, 0}, {1, 1}, {1, 2}, {1, 3} }
-- local p = tw.problems.logistic_regression(X, tw.tensor{ 0, 1, 0, 1 })
-- p(tw.zeros(2)), p:solve() --> f64[] 0.693147  f64[2] [-1.36228 0.908184]
---@param X thalweg.Tensor [n d]
---@param y thalweg.Tensor [n]
---@param l2? number default 0
---@return thalweg.Problem
finite.logistic_regression = space.lift(function(X, y, l2)
  local o = checked("logistic_regression", X, y, l2)
  local width, low, high = X.shape[2], y:min():item(), y:max():item()
  local positive = y:eq(high)
  if low == high or not core.logical_or(positive, y:eq(low)):all():item() then
    fault.raise("logistic_regression: y must hold two distinct numbers: it lies between %s and %s", options.show(low), options.show(high))
  end
  local zero = core.zeros({ dtype = X.dtype })
  local sign = core.where(positive, zero + 1, zero - 1)
  local signed = (X * sign:unsqueeze(2)):keep() -- rows s_i X_i
  local function f(p, i)
    local loss = core.softplus(-rows_of(signed, i, width):matmul(p)):mean()
    if o.l2 == 0 then return loss end
    return loss + 0.5 * o.l2 * p:dot(p)
  end
  -- In f64, whatever the data are in: the Hessian is the mean of q (1 - q) X_i X_i^T, q the probability of the wrong class.
  local function solver()
    local z = signed:to("f64")
    local function loss(p) return core.softplus(-z:matmul(p)):mean() + 0.5 * o.l2 * p:dot(p) end
    local function gradient(p) return -z:t():matmul(core.sigmoid(-z:matmul(p))) / #z + o.l2 * p end
    local function hessian(p)
      local q = core.sigmoid(-z:matmul(p))
      return z:t():matmul(z * (q * (1 - q)):unsqueeze(2)) / #z + o.l2 * core.eye(width, { dtype = "f64" })
    end
    local p = newton(loss, gradient, hessian, core.zeros(width, { dtype = "f64" }))
    -- Classes that p tells apart without error: the loss falls along p for ever. A flat direction: part of them, or columns of X that depend on others.
    local margins, w = z:matmul(p), core.linalg.eigvalsh(hessian(p))
    local apart = margins:min():item() >= 0 and margins:max():item() > 0
    if o.l2 == 0 and (apart or w:min():item() <= 1e-10 * w:max():item()) then
      fault.raise("logistic_regression: there is no one minimiser: the loss falls for ever, or is flat in some direction; give l2 > 0")
    end
    return p:to(X.dtype)
  end
  return sum_problem("logistic_regression", o, X, y, function(other) return finite.logistic_regression(X, y, other.l2) end, {
    f = f, minima = {}, value = 0 / 0, solver = solver, source = "Cox 1958",
  })
end)

return finite
