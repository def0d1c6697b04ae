-- Test functions of four or of any number of variables.
local core = require "thalweg.core"
local problem = require "thalweg.problems.problem"

local define, filled = problem.define, problem.filled
local sin, cos, exp, sqrt, abs = core.sin, core.cos, core.exp, core.sqrt, core.abs
local pi = 3.141592653589793
local tiny = 1e-36 -- as in plane.lua

local function constant(value) return function(n) return filled(n, value) end end
local function at(value) return function(n) return { filled(n, value) } end end

local many = {}

-- Rosenbrock's valley in n dimensions: easy to reach, slow to follow.
-- formula: sum over i < n of 100 (x_(i+1) - x_i^2)^2 + (1 - x_i)^2
-- source: Rosenbrock 1960; its own start (-1.2, 1), repeated
-- example:
-- local p = tw.problems.rosenbrock{ n = 4 }
-- p:start(), p:gap(p:start()) --> f64[4] [-1.2    1 -1.2    1]  f64[] 532.4
---@type fun(o?: { n?: integer, start?: number[] }): thalweg.Problem
many.rosenbrock = define("rosenbrock", {
  n = 2, domain = { -5, 10 }, minima = at(1), value = 0, source = "Rosenbrock 1960",
  start = function(n)
    local out = {}
    for i = 1, n do out[i] = i % 2 == 1 and -1.2 or 1 end
    return out
  end,
  f = function(x, n)
    local a, b = x:narrow(1, 1, n - 1), x:narrow(1, 2, n - 1)
    return (100 * (b - a ^ 2) ^ 2 + (1 - a) ^ 2):sum()
  end,
})

-- Colville's function of four variables: two Rosenbrock valleys, coupled.
-- formula: 100 (a^2 - b)^2 + (a - 1)^2 + (c - 1)^2 + 90 (c^2 - d)^2 + 10.1 ((b - 1)^2 + (d - 1)^2) + 19.8 (b - 1)(d - 1)
-- source: Colville 1968; start of ensmallen
-- example:
-- tw.problems.colville():gap(tw.ones(4)) --> f64[] 0
---@type fun(o?: { start?: number[] }): thalweg.Problem
many.colville = define("colville", {
  start = { -5, 3, 1, -9 }, minima = { { 1, 1, 1, 1 } }, value = 0, domain = { { -10, 10 }, { -10, 10 }, { -10, 10 }, { -10, 10 } }, source = "Colville 1968",
  f = function(x)
    local a, b, c, d = x[1], x[2], x[3], x[4]
    return 100 * (a ^ 2 - b) ^ 2 + (a - 1) ^ 2 + (c - 1) ^ 2 + 90 * (c ^ 2 - d) ^ 2 + 10.1 * ((b - 1) ^ 2 + (d - 1) ^ 2) + 19.8 * (b - 1) * (d - 1)
  end,
})

-- Wood's function of four variables: Colville's written as a sum of squares, with a start near a saddle.
-- formula: 100 (b - a^2)^2 + (1 - a)^2 + 90 (d - c^2)^2 + (1 - c)^2 + 10 (b + d - 2)^2 + 0.1 (b - d)^2
-- source: More, Garbow and Hillstrom 1981, 14
-- example:
-- tw.problems.wood()(tw.tensor{ -3, -1, -3, -1 }) --> f64[] 19192
---@type fun(o?: { start?: number[] }): thalweg.Problem
many.wood = define("wood", {
  start = { -3, -1, -3, -1 }, minima = { { 1, 1, 1, 1 } }, value = 0, domain = { { -10, 10 }, { -10, 10 }, { -10, 10 }, { -10, 10 } },
  source = "More, Garbow and Hillstrom 1981, 14",
  f = function(x)
    local a, b, c, d = x[1], x[2], x[3], x[4]
    return 100 * (b - a ^ 2) ^ 2 + (1 - a) ^ 2 + 90 * (d - c ^ 2) ^ 2 + (1 - c) ^ 2 + 10 * (b + d - 2) ^ 2 + 0.1 * (b - d) ^ 2
  end,
})

-- Ackley's function in n dimensions: a cone in a field of bumps. It has no derivative at its minimiser; 0 is given there.
-- formula: -20 e^(-0.2 sqrt(mean x_i^2)) - e^(mean cos(2 pi x_i)) + 20 + e
-- source: Ackley 1987; start of ensmallen
-- example:
-- tw.problems.ackley{ n = 3 }:start() --> f64[3] [0.02 0.02 0.02]
---@type fun(o?: { n?: integer, start?: number[] }): thalweg.Problem
many.ackley = define("ackley", {
  n = 1, domain = { -32.768, 32.768 }, start = constant(0.02), minima = at(0), value = 0, source = "Ackley 1987", smooth = false,
  f = function(x)
    return -20 * exp(-0.2 * sqrt((x ^ 2):mean() + tiny)) - exp(cos(2 * pi * x):mean()) + 20 + 2.718281828459045
  end,
})

-- Levy's function in n dimensions.
-- formula: sin^2(pi w_1) + sum over i < n of (w_i - 1)^2 (1 + 10 sin^2(pi w_i + 1)) + (w_n - 1)^2 (1 + sin^2(2 pi w_n)), w = 1 + (x - 1) / 4
-- source: Levy and Montalvo 1985
-- example:
-- tw.problems.levy{ n = 3 }(tw.ones(3)):lt(1e-30):item() --> true
---@type fun(o?: { n?: integer, start?: number[] }): thalweg.Problem
many.levy = define("levy", {
  n = 1, domain = { -10, 10 }, start = constant(-2), minima = at(1), value = 0, source = "Levy and Montalvo 1985",
  f = function(x, n)
    local w = 1 + (x - 1) / 4
    local last = w[n]
    local ends = sin(pi * w[1]) ^ 2 + (last - 1) ^ 2 * (1 + sin(2 * pi * last) ^ 2)
    if n == 1 then return ends end
    local a = w:narrow(1, 1, n - 1)
    return ends + ((a - 1) ^ 2 * (1 + 10 * sin(pi * a + 1) ^ 2)):sum()
  end,
})

-- Rastrigin's function in n dimensions: a bowl with a local minimum near every point of whole numbers.
-- formula: 10 n + sum of x_i^2 - 10 cos(2 pi x_i)
-- source: Rastrigin 1974
-- example:
-- tw.problems.rastrigin()(tw.ones(2)) --> f64[] 2
---@type fun(o?: { n?: integer, start?: number[] }): thalweg.Problem
many.rastrigin = define("rastrigin", {
  n = 1, domain = { -5.12, 5.12 }, start = constant(2.4), minima = at(0), value = 0, source = "Rastrigin 1974",
  f = function(x, n) return 10 * n + (x ^ 2 - 10 * cos(2 * pi * x)):sum() end,
})

local styblinski = -2.903534027771177

-- Styblinski and Tang's function in n dimensions: 2^n minima, the lowest at -2.9035 in every coordinate.
-- formula: sum of (x_i^4 - 16 x_i^2 + 5 x_i) / 2
-- source: Styblinski and Tang 1990
-- example:
-- tw.problems.styblinski_tang{ n = 2 }.value --> -78.332331407543
---@type fun(o?: { n?: integer, start?: number[] }): thalweg.Problem
many.styblinski_tang = define("styblinski_tang", {
  n = 1, domain = { -5, 5 }, start = constant(0), minima = at(styblinski), source = "Styblinski and Tang 1990",
  value = function(n)
    local s = styblinski * styblinski
    return n * ((s * s - 16 * s + 5 * styblinski) / 2)
  end,
  f = function(x) return (x ^ 4 - 16 * x ^ 2 + 5 * x):sum() / 2 end,
})

-- The sphere: the easiest of all.
-- formula: sum of x_i^2
-- source: De Jong 1975, F1
-- example:
-- tw.problems.sphere{ n = 3 }(tw.ones(3)) --> f64[] 3
---@type fun(o?: { n?: integer, start?: number[] }): thalweg.Problem
many.sphere = define("sphere", {
  n = 1, domain = { -5.12, 5.12 }, start = constant(1), minima = at(0), value = 0, source = "De Jong 1975, F1",
  f = function(x) return x:dot(x) end,
})

-- Schwefel's function in n dimensions: the second best minimum lies far from the best, which is near a corner.
-- formula: 418.9829 n - sum of x_i sin(sqrt(|x_i|)), the constant to the last digit of f64
-- source: Schwefel 1981
-- example:
-- tw.problems.schwefel():minimum() --> f64[2] [420.969 420.969]
---@type fun(o?: { n?: integer, start?: number[] }): thalweg.Problem
many.schwefel = define("schwefel", {
  n = 1, domain = { -500, 500 }, start = constant(400), minima = at(420.9687463599821), value = 0, source = "Schwefel 1981",
  f = function(x, n) return 418.98288727243374 * n - (x * sin(sqrt(abs(x) + tiny))):sum() end,
})

-- Zakharov's function in n dimensions: a bowl with one steep direction.
-- formula: sum x_i^2 + s^2 + s^4, s = sum of i x_i / 2
-- source: Jamil and Yang 2013, 173
-- example:
-- tw.problems.zakharov{ n = 2 }(tw.ones(2)) --> f64[] 9.3125
---@type fun(o?: { n?: integer, start?: number[] }): thalweg.Problem
many.zakharov = define("zakharov", {
  n = 1, domain = { -5, 10 }, start = constant(1), minima = at(0), value = 0, source = "Jamil and Yang 2013, 173",
  f = function(x, n)
    local s = 0.5 * core.arange(1, n, { dtype = x.dtype }):dot(x)
    return x:dot(x) + s ^ 2 + s ^ 4
  end,
})

return many
