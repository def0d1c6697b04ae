-- Statistics of plain arrays of numbers. Sums are added by the engine's one tree and elementary functions are the engine's own, so that a statistic has
-- the same bits on every machine. A NaN among the values makes the result NaN: nothing is left out silently.
local core = require "thalweg.core"
local distributions = require "thalweg.distributions"
local fault = require "thalweg.fault"
local options = require "thalweg.options"

local num = core.num
local nan = -(0 / 0) -- prints without a sign

local stats = {}

for _, name in ipairs { "t_cdf", "t_quantile", "normal_cdf", "normal_quantile", "binomial_cdf" } do stats[name] = distributions[name] end

-- An array of at least `least` numbers; a vector is one as well.
local function sample(what, values, least, name)
  if core.is_tensor(values) then values = values:to("f64"):table() end
  if type(values) ~= "table" or getmetatable(values) then
    fault.raise("%s: an array of numbers is needed: %s is %s", what, name or "values", options.show(values))
  end
  for i = 1, #values do
    if type(values[i]) ~= "number" then fault.raise("%s: an array of numbers is needed: entry %d is %s", what, i, options.show(values[i])) end
  end
  if #values < least then
    fault.raise("%s: too few values: there %s %d, at least %d %s needed", what, #values == 1 and "is" or "are", #values, least, least == 1 and "is" or "are")
  end
  return values, #values
end

local function total(values)
  return core.tensor(values, { dtype = "f64" }):sum():item()
end

-- Sum of f(values[i]).
local function sum_of(values, f)
  local out = {}
  for i = 1, #values do out[i] = f(values[i], i) end
  return total(out)
end

local function average(values) return total(values) / #values end

-- The arithmetic mean.
-- formula: m = sum(x) / n
-- example:
-- tw.stats.mean{ 1, 2, 3, 6 } --> 3.0
---@param values number[]
---@return number
function stats.mean(values) return average((sample("mean", values, 1))) end

local function variance(values)
  local m = average(values)
  return sum_of(values, function(v) return (v - m) * (v - m) end) / (#values - 1)
end

-- The sample variance.
-- formula: s^2 = sum((x - m)^2) / (n - 1)
-- example:
-- tw.stats.var{ 1, 2, 3, 6 } --> 4.6666666666667
---@param values number[] at least two
---@return number
function stats.var(values) return variance((sample("var", values, 2))) end

-- The sample standard deviation: the square root of the sample variance.
-- example:
-- tw.stats.sd{ 1, 3 } --> 1.4142135623731
---@param values number[] at least two
---@return number
function stats.sd(values) return num.sqrt(variance((sample("sd", values, 2)))) end

-- The standard error of the mean.
-- formula: s / sqrt(n)
-- example:
-- tw.stats.se{ 1, 3, 5, 7 } --> 1.2909944487358
---@param values number[] at least two
---@return number
function stats.se(values)
  local x, n = sample("se", values, 2)
  return num.sqrt(variance(x) / n)
end

-- The standard error of the standard deviation, from the sample's own fourth moment, so that no distribution is assumed.
-- formula: sqrt((m4 - s^4 (n - 3) / (n - 1)) / n) / (2 s), m4 = sum((x - m)^4) / n; about s / sqrt(2 (n - 1)) for normal values
-- source: Cramer 1946, Mathematical Methods of Statistics, 27.4 and 28.2
-- example:
-- ("%.6f"):format(tw.stats.sd_se{ 1, 2, 3, 4, 5, 6 }) --> 0.296390
---@param values number[] at least four
---@return number
function stats.sd_se(values)
  local x, n = sample("sd_se", values, 4)
  local m, s2 = average(x), variance(x)
  if s2 == 0 then return 0.0 end
  local m4 = sum_of(x, function(v)
    local d2 = (v - m) * (v - m)
    return d2 * d2
  end) / n
  return num.sqrt(math.max(0, (m4 - s2 * s2 * (n - 3) / (n - 1)) / n)) / (2 * num.sqrt(s2))
end

-- A sorted copy, or nil when there is a NaN.
local function sorted(values)
  local out = {}
  for i = 1, #values do
    local v = values[i]
    if v ~= v then return nil end
    out[i] = v + 0.0
  end
  table.sort(out)
  return out
end

local function at_fraction(ascending, q)
  local n = #ascending
  local h = (n - 1) * q
  local k = math.floor(h)
  local low, part = ascending[k + 1], h - k
  if part == 0 then return low end
  local high = ascending[k + 2]
  if low == high then return low end
  return low + part * (high - low)
end

-- The q-th quantile by linear interpolation between the ordered values (NumPy's default, type 7 of Hyndman and Fan).
-- formula: x_k + (h - k) (x_{k+1} - x_k), h = (n - 1) q, k = floor(h), x_0 the smallest
-- source: Hyndman and Fan 1996, Sample Quantiles in Statistical Packages, The American Statistician 50
-- example:
-- tw.stats.quantile({ 1, 2, 3, 10 }, 0.75) --> 4.75
---@param values number[]
---@param q number from 0 to 1
---@return number
function stats.quantile(values, q)
  local x = sample("quantile", values, 1)
  if type(q) ~= "number" or not (q >= 0 and q <= 1) then fault.raise("quantile: a number from 0 to 1 is needed: q is %s", options.show(q)) end
  local ascending = sorted(x)
  return ascending and at_fraction(ascending, q) or nan
end

-- The middle value; of an even number the mean of the middle two.
-- example:
-- tw.stats.median{ 5, 1, 3, 2 } --> 2.5
---@param values number[]
---@return number
function stats.median(values)
  local ascending = sorted((sample("median", values, 1)))
  if not ascending then return nan end
  local n = #ascending
  if n % 2 == 1 then return ascending[(n + 1) // 2] end
  return (ascending[n // 2] + ascending[n // 2 + 1]) / 2
end

local function extreme(name, better)
  return function(values)
    local x = sample(name, values, 1)
    local best = x[1]
    for i = 1, #x do
      if x[i] ~= x[i] then return nan end
      if better(x[i], best) then best = x[i] end
    end
    return best
  end
end

-- min(values) -> number
-- The smallest value.
-- example:
-- tw.stats.min{ 3, 1, 2 } --> 1
---@type fun(values: number[]): number
stats.min = extreme("min", function(a, b) return a < b end)

-- max(values) -> number
-- The largest value.
-- example:
-- tw.stats.max{ 3, 1, 2 } --> 3
---@type fun(values: number[]): number
stats.max = extreme("max", function(a, b) return a > b end)

-- Least squares of y = intercept + slope x. Two points give a line without errors: se is NaN.
-- formula: slope = sum((x - mx)(y - my)) / sum((x - mx)^2); se^2 = (sum(residual^2) / (n - 2)) / sum((x - mx)^2)
-- example:
-- local fit = tw.stats.linear_fit({ 0, 1, 2, 3 }, { 1, 3, 5, 8 })
-- fit.slope, fit.intercept --> 2.3  0.8
-- ("%.6f %.6f %.6f"):format(fit.se, fit.intercept_se, fit.r) --> 0.173205 0.324037 0.994377
---@param x number[]
---@param y number[]
---@return { slope: number, intercept: number, se: number, intercept_se: number, r: number, n: integer }
function stats.linear_fit(x, y)
  local n, n_y
  x, n = sample("linear_fit", x, 2, "x")
  y, n_y = sample("linear_fit", y, 2, "y")
  if n ~= n_y then fault.raise("linear_fit: as many x as y are needed: there are %d and %d", n, n_y) end
  local mx, my = average(x), average(y)
  local sxx = sum_of(x, function(v) return (v - mx) * (v - mx) end)
  local syy = sum_of(y, function(v) return (v - my) * (v - my) end)
  local sxy = sum_of(x, function(v, i) return (v - mx) * (y[i] - my) end)
  if sxx == 0 then fault.raise("linear_fit: a line needs two different x: all of them are %s", options.show(x[1])) end
  local slope = sxy / sxx
  local r = syy > 0 and sxy / (num.sqrt(sxx) * num.sqrt(syy)) or nan
  if r > 1 then r = 1.0 elseif r < -1 then r = -1.0 end
  local intercept = my - slope * mx
  local left = sum_of(x, function(v, i)
    local d = y[i] - my - slope * (v - mx)
    return d * d
  end)
  local s2 = n > 2 and left / (n - 2) or nan
  return {
    slope = slope, intercept = intercept, se = num.sqrt(s2 / sxx), intercept_se = num.sqrt(s2 * (1 / n + mx * mx / sxx)),
    r = r, n = n,
  }
end

local ci_fields = {
  { name = "level", type = "number", above = 0, max = 1, default = 0.95, about = "the probability that the interval holds the value" },
  { name = "method", type = "string", choices = { "t", "bootstrap", "median" }, default = "t",
    about = "t: of the mean, for normal values; bootstrap: of the statistic, by resampling; median: of the median, by order statistics" },
  { name = "statistic", type = "string", choices = { "mean", "median", "sd" }, default = "mean", about = "what the bootstrap computes" },
  { name = "samples", type = "integer", min = 100, max = 1000000, default = 2000, about = "resamples of the bootstrap" },
  { name = "seed", type = "integer", min = 0, default = 1, about = "seed of the bootstrap" },
}

local intervals = {}

function intervals.t(x, o)
  local m, half = average(x), num.sqrt(variance(x) / #x) * distributions.t_quantile(0.5 + o.level / 2, #x - 1)
  return m - half, m + half, m
end

function intervals.bootstrap(x, o)
  local rng, n, f = core.rng(o.seed, "bootstrap"), #x, stats[o.statistic]
  local found = {}
  for s = 1, o.samples do
    local drawn, pick = {}, rng:randint(1, n, n):table()
    for i = 1, n do drawn[i] = x[pick[i]] end
    found[s] = f(drawn)
  end
  local ascending = sorted(found)
  if not ascending then return nan, nan, nan end
  return at_fraction(ascending, (1 - o.level) / 2), at_fraction(ascending, (1 + o.level) / 2), f(x)
end

function intervals.median(x, o)
  local n, outside = #x, (1 - o.level) / 2
  local k = 0 -- values left out at each end
  while k + 1 <= (n - 1) // 2 and distributions.binomial_cdf(k, n, 0.5) <= outside do k = k + 1 end
  if k == 0 then
    local need = n
    while distributions.binomial_cdf(0, need, 0.5) > outside do need = need + 1 end
    fault.raise("ci: too few values for the median's interval: there are %d, level %s needs %d", n, options.show(o.level), math.max(need, 3))
  end
  local ascending = sorted(x)
  if not ascending then return nan, nan, nan end
  return ascending[k], ascending[n + 1 - k], stats.median(x)
end

-- ci(values [, {level = 0.95, method = "t", statistic = "mean", samples = 2000, seed = 1}]) -> low, high, value
-- A confidence interval: its ends, and the value it is about. Method "t": of the mean, from Student's quantile. "bootstrap": percentiles of the
-- statistic over resamples drawn by tw.rng. "median": order statistics, at least of the level, for any distribution; at level 0.95 it takes six values.
-- formula: t: m -+ t_{(1 + level)/2, n-1} s / sqrt(n); median: [x_(k), x_(n+1-k)], k the largest with P(Binomial(n, 1/2) <= k - 1) <= (1 - level) / 2
-- source: Efron 1979, Bootstrap Methods, Annals of Statistics 7; David and Nagaraja, Order Statistics, 7.1
-- example:
-- local lo, hi, mean = tw.stats.ci{ 4, 5, 6, 7, 8 }
-- ("%.4f %.4f %g"):format(lo, hi, mean) --> 4.0368 7.9632 6
-- tw.stats.ci({ 1, 2, 3, 4, 5, 6 }, { method = "median" }) --> 1.0  6.0  3.5
---@param values number[] at least two
---@param o? table
---@return number low, number high, number value
function stats.ci(values, o)
  o = options.check("ci", ci_fields, o)
  if o.level >= 1 then fault.raise("ci: a level below 1 is needed: level is %s", options.show(o.level)) end
  return intervals[o.method]((sample("ci", values, 2)), o)
end

-- Pairs of values compared: the mean difference a - b with Student's paired t test and the sign test, both two-sided. Pairs that are equal count for
-- neither side of the sign test. Differences that are all equal have se 0: t is infinite (or NaN when they are all zero), p is 0 (or 1).
-- formula: t = mean(d) / (s_d / sqrt(n)), d = a - b; sign_p = min(1, 2 P(Binomial(wins + losses, 1/2) <= min(wins, losses)))
-- example:
-- local c = tw.stats.paired({ 5, 7, 9, 6 }, { 4, 5, 8, 6 })
-- c.difference, c.wins, c.losses, c.ties --> 1.0  3  0  1
-- ("%.4f %.4f %.4f"):format(c.t, c.p, c.sign_p) --> 2.4495 0.0917 0.2500
---@param a number[]
---@param b number[]
---@return { difference: number, se: number, t: number, p: number, n: integer, wins: integer, losses: integer, ties: integer, sign_p: number }
function stats.paired(a, b)
  local n, n_b
  a, n = sample("paired", a, 2, "a")
  b, n_b = sample("paired", b, 2, "b")
  if n ~= n_b then fault.raise("paired: as many values in a as in b are needed: there are %d and %d", n, n_b) end
  local d, wins, losses = {}, 0, 0
  for i = 1, n do
    d[i] = a[i] - b[i]
    if a[i] > b[i] then wins = wins + 1 elseif a[i] < b[i] then losses = losses + 1 end
  end
  local difference = average(d)
  local se = num.sqrt(variance(d) / n)
  local t, p = difference / se, nan
  if se == 0 then p = difference == 0 and 1.0 or 0.0
  elseif t == t then p = 2 * distributions.t_tail(t < 0 and -t or t, n - 1) end
  local sign_p = difference ~= difference and nan or math.min(1.0, 2 * distributions.binomial_cdf(math.min(wins, losses), wins + losses, 0.5))
  return { difference = difference, se = se, t = t, p = p, n = n, wins = wins, losses = losses, ties = n - wins - losses, sign_p = sign_p }
end

return stats
