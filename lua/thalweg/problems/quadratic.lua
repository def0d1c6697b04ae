-- Quadratics of any spectrum: the Hessian is built from its eigenvalues and a rotation drawn from Haar's measure.
local core = require "thalweg.core"
local fault = require "thalweg.fault"
local options = require "thalweg.options"
local problem = require "thalweg.problems.problem"
local space = require "thalweg.space"

local num = core.num

local f64 = { dtype = "f64" }

-- An orthogonal matrix [n n] drawn from Haar's measure: Q of the QR factorisation of a matrix of normal numbers, with the signs that make R's diagonal
-- positive (Mezzadri 2007).
local function haar(rng, n)
  local q, r = core.linalg.qr(rng:normal(n, n, f64))
  return q * core.where(core.diag(r):lt(0), -1.0, 1.0)
end

-- Q diag(eigenvalues) Q^T, symmetric to the last bit; without Q diag(eigenvalues).
local function matrix_of(eigenvalues, rng)
  local w, n = core.tensor(eigenvalues, f64), #eigenvalues
  if not rng then return core.diag(w) end
  local q = haar(rng, n)
  local a = (q * w):matmul(q:t())
  return (a + a:t()) / 2
end

-- What serves vectors of both dtypes; made outside every differentiated function and kept.
local function both(x)
  return { f64 = x:keep(), f32 = x:to("f32"):keep() }
end

local spectra = {
  log = function(u, condition) return num.pow(condition, u) end,
  linear = function(u, condition) return 1 + (condition - 1) * u end,
  outlier = function(u, condition) return u == 1 and condition or 1 end,
  two = function(u, condition) return u < 0.5 and 1 or condition end,
}

local function spectrum_of(o)
  local out = {}
  for i = 1, o.n do
    out[i] = spectra[o.spectrum](o.n == 1 and 0 or (i - 1) / (o.n - 1), o.condition)
    if i == o.n and o.n > 1 then out[i] = o.condition end
  end
  return out
end

local function whole_space(n)
  local out = {}
  for i = 1, n do out[i] = { -math.huge, math.huge } end
  return out
end

local fields = {
  { name = "eigenvalues", type = "numbers", min = 0, optional = true, about = "of the Hessian; or n, condition and spectrum" },
  { name = "n", type = "integer", min = 1, optional = true, about = "the dimension" },
  { name = "condition", type = "number", min = 1, optional = true, about = "the largest eigenvalue, the smallest being 1; 100 when not given" },
  { name = "spectrum", type = "string", choices = { "log", "linear", "outlier", "two" }, optional = true,
    about = "how the eigenvalues lie between 1 and condition: equal ratios (when not given), equal steps, all but one at 1, half and half" },
  { name = "rotate", type = "any", optional = true, about = "a seed or a generator: turns the axes by a matrix from Haar's measure",
    check = function(v)
      if math.type(v) ~= "integer" and not problem.is_generator(v) then return "it must be a seed (an integer) or a generator" end
    end },
  { name = "center", type = "numbers", optional = true, about = "the minimiser, 0 when not given" },
  { name = "start", type = "numbers", optional = true, about = "the starting point, 1 in every coordinate when not given" },
}

local quadratic = {}

-- A convex quadratic with any spectrum and axes: problem:hessian() is its matrix A, problem.minima[1] its exact solution. The spectrum is given as such, or
-- by its extent and form. Both, neither, and coordinates of another number are errors.
-- formula: (x - center)^T A (x - center) / 2, A = Q diag(eigenvalues) Q^T
-- source: Mezzadri 2007, How to generate random matrices from the classical compact groups, for Q
-- example:
-- local p = tw.problems.quadratic{ eigenvalues = { 0.2, 4 }, start = { -5, -2 } }
-- p(p:start()), p:minimum() --> f64[] 10.5  f64[2] [0 0]
-- tw.linalg.eigvalsh(tw.problems.quadratic{ n = 3, condition = 100, rotate = 1 }:hessian()) --> f64[3] [  1  10 100]
---@type fun(o: table): thalweg.Problem
quadratic.quadratic = space.lift(function(given)
  local o = options.check("quadratic", fields, given)
  local eigenvalues = o.eigenvalues
  if eigenvalues and (o.n or o.condition or o.spectrum) then
    fault.raise("quadratic: the spectrum is given twice: as eigenvalues, and by n, condition or spectrum; leave out one")
  end
  if not eigenvalues then
    if not o.n then fault.raise("quadratic: missing option: n is nil; give eigenvalues, or n with condition and spectrum") end
    o.condition, o.spectrum = o.condition or 100, o.spectrum or "log"
    eigenvalues = spectrum_of(o)
  end
  local n = #eigenvalues
  if n == 0 then fault.raise("quadratic: no eigenvalues") end
  if o.center and #o.center ~= n then fault.raise("quadratic: the center needs one number per coordinate: it has %d, the dimension is %d", #o.center, n) end
  local center = o.center or problem.filled(n, 0)
  local rng = math.type(o.rotate) == "integer" and core.rng(o.rotate, "rotation") or o.rotate
  local text
  if problem.is_generator(o.rotate) then
    -- A generator has no canonical text of its own: its place before the draw says what the rotation is.
    local plain = {}
    for k, v in next, o do plain[k] = v end
    plain.rotate = tostring(o.rotate)
    text = "quadratic" .. require("thalweg.canonical").text(plain)
  end
  local matrix = matrix_of(eigenvalues, rng)
  local weight, middle = both(rng and matrix or core.tensor(eigenvalues, f64)), o.center and both(core.tensor(center, f64))
  local columns
  if text then columns = {} end
  return problem.new("quadratic", o, quadratic.quadratic, {
    dimension = n, from = problem.from("quadratic", n, o.start, problem.filled(n, 1)), minima = { center }, value = 0, domain = whole_space(n),
    source = "Mezzadri 2007 for the rotation", matrix = matrix:keep(), text = text, columns = columns,
    f = function(x)
      local d = middle and x - middle[x.dtype] or x
      local a = weight[x.dtype]
      if rng then return 0.5 * d:dot(a:matmul(d)) end
      return 0.5 * d:dot(a * d)
    end,
  })
end)

local deep_fields = {
  { name = "n", type = "integer", min = 2, default = 100, about = "the dimension" },
  { name = "seed", type = "integer", default = 42, about = "of the spectrum, the rotation and the data" },
  { name = "examples", type = "integer", min = 1, default = 1000, about = "points of the data set" },
  { name = "noise", type = "number", min = 0, default = 0.6, about = "standard deviation of the data in every coordinate" },
  { name = "start", type = "numbers", optional = true, about = "the starting point, 1 in every coordinate when not given" },
}

-- DeepOBS's quadratic_deep: a spectrum as found in deep networks (nine tenths of the eigenvalues uniform in (0, 1), one tenth in (30, 60)), a rotation from
-- Haar's measure, and data z_i from N(0, noise^2 I). f(x) is the mean over all data, f(x, i) over those of an index tensor; problem.n is their number. The
-- minimiser is the mean of the data. Everything is drawn from this library's generator, so the numbers are not DeepOBS's own, whose seed is 42 as well.
-- formula: mean of (x - z_i)^T Q (x - z_i) / 2
-- source: Schneider, Balles and Hennig 2019; Chaudhari et al. 2017 for the spectrum
-- example:
-- local p = tw.problems.quadratic_deep()
-- local w = tw.linalg.eigvalsh(p:hessian())
-- w[90]:lt(1):item(), w[91]:gt(30):item() --> true  true
---@type fun(o?: table): thalweg.Problem
quadratic.quadratic_deep = space.lift(function(given)
  local o = options.check("quadratic_deep", deep_fields, given)
  local n, rng = o.n, core.rng(o.seed, "quadratic_deep")
  local steep = math.max(1, n // 10)
  local flat, far = rng:split("flat"):uniform(n - steep, f64), rng:split("steep"):uniform(steep, { low = 30, high = 60, dtype = "f64" })
  local matrix = matrix_of(core.cat({ flat, far }):table(), rng:split("rotation"))
  local data = rng:split("data"):normal(o.examples, n, { std = o.noise, dtype = "f64" })
  local a, z, mean = both(matrix), both(data), data:mean(1)
  local function f(x, i)
    local rows = z[x.dtype]
    if i ~= nil then rows = rows[i]:reshape(-1, n) end
    local d = x - rows
    return 0.5 * (d:matmul(a[x.dtype]) * d):sum() / #rows
  end
  return problem.new("quadratic_deep", o, quadratic.quadratic_deep, {
    dimension = n, n = o.examples, from = problem.from("quadratic_deep", n, o.start, problem.filled(n, 1)), minima = { mean:table() },
    value = f(mean):item(), domain = whole_space(n), source = "Schneider, Balles and Hennig 2019", matrix = matrix:keep(), f = f,
  })
end)

return quadratic
