-- Test functions of two variables. Minimisers are given to the last digit of f64: closed forms, or roots of the gradient.
local core = require "thalweg.core"
local problem = require "thalweg.problems.problem"

local define = problem.define
local sin, cos, exp, sqrt, abs = core.sin, core.cos, core.exp, core.sqrt, core.abs
local pi = 3.141592653589793
-- Added under a root whose argument is 0 at the minimiser: lost in any other sum, and keeps the derivative finite there, in f32 as well.
local tiny = 1e-36

local function box(low, high) return { { low, high }, { low, high } } end

local plane = {}

-- Beale's function: flat far out, with sharp ridges towards the corners.
-- formula: (1.5 - x + xy)^2 + (2.25 - x + xy^2)^2 + (2.625 - x + xy^3)^2
-- source: Beale 1958; start of ensmallen
-- example:
-- local p = tw.problems.beale()
-- p:start(), p(p:start()), p(tw.tensor{ 3, 0.5 }) --> f64[2] [ 2.8 0.35]  f64[] 0.148269  f64[] 0
---@type fun(o?: { start?: number[] }): thalweg.Problem
plane.beale = define("beale", {
  start = { 2.8, 0.35 }, minima = { { 3, 0.5 } }, value = 0, domain = box(-4.5, 4.5), source = "Beale 1958",
  f = function(p)
    local x, y = p[1], p[2]
    return (1.5 - x + x * y) ^ 2 + (2.25 - x + x * y ^ 2) ^ 2 + (2.625 - x + x * y ^ 3) ^ 2
  end,
})

-- Booth's function: a quadratic with a valley along a diagonal.
-- formula: (x + 2y - 7)^2 + (2x + y - 5)^2
-- source: Jamil and Yang 2013, 17; start of ensmallen
-- example:
-- tw.problems.booth():gap(tw.tensor{ 1, 3 }) --> f64[] 0
---@type fun(o?: { start?: number[] }): thalweg.Problem
plane.booth = define("booth", {
  start = { -9, -9 }, minima = { { 1, 3 } }, value = 0, domain = box(-10, 10), source = "Jamil and Yang 2013, 17",
  f = function(p)
    local x, y = p[1], p[2]
    return (x + 2 * y - 7) ^ 2 + (2 * x + y - 5) ^ 2
  end,
})

-- Himmelblau's function: four minimisers of one value.
-- formula: (x^2 + y - 11)^2 + (x + y^2 - 7)^2
-- source: Himmelblau 1972; start of ensmallen
-- example:
-- #tw.problems.himmelblau().minima --> 4
---@type fun(o?: { start?: number[] }): thalweg.Problem
plane.himmelblau = define("himmelblau", {
  start = { 5, -5 }, value = 0, domain = box(-5, 5), source = "Himmelblau 1972",
  minima = {
    { 3, 2 }, { -2.805118086952745, 3.131312518250573 }, { -3.779310253377747, -3.283185991286169 }, { 3.5844283403304917, -1.8481265269644034 },
  },
  f = function(p)
    local x, y = p[1], p[2]
    return (x ^ 2 + y - 11) ^ 2 + (x + y ^ 2 - 7) ^ 2
  end,
})

-- Matyas' function: a plate-shaped quadratic, condition number 25.
-- formula: 0.26 (x^2 + y^2) - 0.48 xy
-- source: Jamil and Yang 2013, 71; start of ensmallen
-- example:
-- tw.problems.matyas()(tw.tensor{ 6, 6 }) --> f64[] 1.44
---@type fun(o?: { start?: number[] }): thalweg.Problem
plane.matyas = define("matyas", {
  start = { -3, 3 }, minima = { { 0, 0 } }, value = 0, domain = box(-10, 10), source = "Jamil and Yang 2013, 71",
  f = function(p)
    local x, y = p[1], p[2]
    return 0.26 * (x ^ 2 + y ^ 2) - 0.48 * x * y
  end,
})

-- The three-hump camel: two minima of value 0.2986 beside the global one.
-- formula: 2 x^2 - 1.05 x^4 + x^6 / 6 + xy + y^2
-- source: Jamil and Yang 2013, 29; start of ensmallen
-- example:
-- tw.problems.three_hump_camel()(tw.tensor{ 0, 0 }) --> f64[] 0
---@type fun(o?: { start?: number[] }): thalweg.Problem
plane.three_hump_camel = define("three_hump_camel", {
  start = { 1, 1 }, minima = { { 0, 0 } }, value = 0, domain = box(-5, 5), source = "Jamil and Yang 2013, 29",
  f = function(p)
    local x, y = p[1], p[2]
    return 2 * x ^ 2 - 1.05 * x ^ 4 + x ^ 6 / 6 + x * y + y ^ 2
  end,
})

-- Goldstein and Price's function: values over six orders of magnitude, four local minima.
-- formula: (1 + (x + y + 1)^2 (19 - 14x + 3x^2 - 14y + 6xy + 3y^2)) (30 + (2x - 3y)^2 (18 - 32x + 12x^2 + 48y - 36xy + 27y^2))
-- source: Goldstein and Price 1971; start of ensmallen
-- example:
-- tw.problems.goldstein_price().value --> 3
---@type fun(o?: { start?: number[] }): thalweg.Problem
plane.goldstein_price = define("goldstein_price", {
  start = { 0.2, -0.5 }, minima = { { 0, -1 } }, value = 3, domain = box(-2, 2), source = "Goldstein and Price 1971",
  f = function(p)
    local x, y = p[1], p[2]
    local a = 1 + (x + y + 1) ^ 2 * (19 - 14 * x + 3 * x ^ 2 - 14 * y + 6 * x * y + 3 * y ^ 2)
    return a * (30 + (2 * x - 3 * y) ^ 2 * (18 - 32 * x + 12 * x ^ 2 + 48 * y - 36 * x * y + 27 * y ^ 2))
  end,
})

-- Easom's function: a needle at (pi, pi) in a plain.
-- formula: -cos(x) cos(y) e^(-(x - pi)^2 - (y - pi)^2)
-- source: Easom 1990; start of ensmallen
-- example:
-- tw.problems.easom():gap(tw.tensor{ math.pi, math.pi }) --> f64[] 0
---@type fun(o?: { start?: number[] }): thalweg.Problem
plane.easom = define("easom", {
  start = { 2.9, 2.9 }, minima = { { pi, pi } }, value = -1, domain = box(-100, 100), source = "Easom 1990",
  f = function(p)
    local x, y = p[1], p[2]
    return -cos(x) * cos(y) * exp(-(x - pi) ^ 2 - (y - pi) ^ 2)
  end,
})

-- McCormick's function, whose minimiser is (1/2 - pi/3, -1/2 - pi/3).
-- formula: sin(x + y) + (x - y)^2 - 1.5 x + 2.5 y + 1
-- source: McCormick 1976; start of ensmallen
-- example:
-- tw.problems.mccormick():minimum() --> f64[2] [-0.547198   -1.5472]
---@type fun(o?: { start?: number[] }): thalweg.Problem
plane.mccormick = define("mccormick", {
  start = { -2, 4 }, minima = { { 0.5 - pi / 3, -0.5 - pi / 3 } }, value = -1.9132229549810367, domain = { { -1.5, 4 }, { -3, 4 } },
  source = "McCormick 1976",
  f = function(p)
    local x, y = p[1], p[2]
    return sin(x + y) + (x - y) ^ 2 - 1.5 * x + 2.5 * y + 1
  end,
})

-- Levy's function number 13: a grid of local minima.
-- formula: sin^2(3 pi x) + (x - 1)^2 (1 + sin^2(3 pi y)) + (y - 1)^2 (1 + sin^2(2 pi y))
-- source: Levy and Montalvo 1985; start of ensmallen
-- example:
-- tw.problems.levy_n13():start() --> f64[2] [0.9 1.1]
---@type fun(o?: { start?: number[] }): thalweg.Problem
plane.levy_n13 = define("levy_n13", {
  start = { 0.9, 1.1 }, minima = { { 1, 1 } }, value = 0, domain = box(-10, 10), source = "Levy and Montalvo 1985",
  f = function(p)
    local x, y = p[1], p[2]
    return sin(3 * pi * x) ^ 2 + (x - 1) ^ 2 * (1 + sin(3 * pi * y) ^ 2) + (y - 1) ^ 2 * (1 + sin(2 * pi * y) ^ 2)
  end,
})

-- Branin's function: three minimisers of value 5 / (4 pi).
-- formula: (y - 5.1 x^2 / (4 pi^2) + 5 x / pi - 6)^2 + 10 (1 - 1 / (8 pi)) cos(x) + 10
-- source: Branin 1972; start of DeepOBS
-- example:
-- tw.problems.branin().minima[2][2] --> 2.275
---@type fun(o?: { start?: number[] }): thalweg.Problem
plane.branin = define("branin", {
  start = { 2.5, 12.5 }, minima = { { -pi, 12.275 }, { pi, 2.275 }, { 3 * pi, 2.475 } }, value = 5 / (4 * pi), domain = { { -5, 10 }, { 0, 15 } },
  source = "Branin 1972",
  f = function(p)
    local x, y = p[1], p[2]
    return (y - 5.1 / (4 * pi * pi) * x ^ 2 + 5 / pi * x - 6) ^ 2 + 10 * (1 - 1 / (8 * pi)) * cos(x) + 10
  end,
})

-- Bukin's function number 6: a parabola of kinks whose floor slopes gently to (-10, 1), where it has no derivative.
-- formula: 100 sqrt(|y - 0.01 x^2|) + 0.01 |x + 10|
-- source: Jamil and Yang 2013, 24; start of ensmallen
-- example:
-- tw.problems.bukin()(tw.tensor{ -10, -2 }) --> f64[] 173.205
---@type fun(o?: { start?: number[] }): thalweg.Problem
plane.bukin = define("bukin", {
  start = { -10, -2 }, minima = { { -10, 1 } }, value = 0, domain = { { -15, -5 }, { -3, 3 } }, source = "Jamil and Yang 2013, 24", smooth = false,
  f = function(p)
    local x, y = p[1], p[2]
    return 100 * sqrt(abs(y - 0.01 * x ^ 2) + tiny) + 0.01 * abs(x + 10)
  end,
})

-- The drop wave: rings around the minimiser.
-- formula: -(1 + cos(12 r)) / (r^2 / 2 + 2), r = sqrt(x^2 + y^2)
-- source: Molga and Smutnicki 2005; start of ensmallen
-- example:
-- tw.problems.drop_wave()(tw.zeros(2)) --> f64[] -1
---@type fun(o?: { start?: number[] }): thalweg.Problem
plane.drop_wave = define("drop_wave", {
  start = { 0.5, 0.5 }, minima = { { 0, 0 } }, value = -1, domain = box(-5.12, 5.12), source = "Molga and Smutnicki 2005",
  f = function(p)
    local r2 = p[1] ^ 2 + p[2] ^ 2
    return -(1 + cos(12 * sqrt(r2 + tiny))) / (0.5 * r2 + 2)
  end,
})

-- The eggholder: its least value within the domain lies on the domain's edge, where the gradient is not zero.
-- formula: -(y + 47) sin(sqrt(|x / 2 + y + 47|)) - x sin(sqrt(|x - y - 47|))
-- source: Jamil and Yang 2013, 54; start of ensmallen
-- example:
-- tw.problems.eggholder().value --> -959.64066272085
---@type fun(o?: { start?: number[] }): thalweg.Problem
plane.eggholder = define("eggholder", {
  start = { -333, -333 }, minima = { { 512, 404.2318051137578 } }, value = -959.6406627208507, domain = box(-512, 512),
  source = "Jamil and Yang 2013, 54", interior = false,
  f = function(p)
    local x, y = p[1], p[2]
    return -(y + 47) * sin(sqrt(abs(x / 2 + y + 47) + tiny)) - x * sin(sqrt(abs(x - y - 47) + tiny))
  end,
})

return plane
