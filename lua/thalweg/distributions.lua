-- Distribution functions and quantiles: normal, Student's t, binomial. Only core.num and exact arithmetic are used, so that they have the same bits on
-- every machine. What stats.lua needs of them is local here too: nothing else knows the incomplete beta function.
local core = require "thalweg.core"
local fault = require "thalweg.fault"
local options = require "thalweg.options"

local num = core.num
local log_2pi = 1.8378770664093453 -- log(2 pi)

local distributions = {}

local function number(what, name, v)
  if type(v) ~= "number" then fault.raise("%s: a number is needed: %s is %s", what, name, options.show(v)) end
end

local function above_zero(what, name, v)
  number(what, name, v)
  if not (v > 0) then fault.raise("%s: it must be greater than 0: %s is %s", what, name, options.show(v)) end
end

local function probability(what, v, open)
  number(what, "p", v)
  if not (open and v > 0 and v < 1 or not open and v >= 0 and v <= 1) then
    fault.raise("%s: a probability %s 0 and 1 is needed: p is %s", what, open and "between" or "from", options.show(v))
  end
end

-- log Gamma(x) - ((x - 1/2) log x - x + log(2 pi) / 2) for x >= 10: Stirling's series; what is left out is below 7e-16.
local function stirling(x)
  local r = 1 / (x * x)
  return (1 / 12 - r * (1 / 360 - r * (1 / 1260 - r * (1 / 1680 - r * (1 / 1188 - r * (691 / 360360)))))) / x
end

-- log Gamma(x) for x > 0: the recurrence carries x above 10, where the series holds.
local function log_gamma(x)
  local product = 1.0
  while x < 10 do
    product = product * x
    x = x + 1
  end
  return (x - 0.5) * num.log(x) - x + 0.5 * log_2pi + stirling(x) - num.log(product)
end

-- log B(a, b) without the cancellation of large arguments (the terms of Stirling's formula that grow are taken together).
local function log_beta(a, b)
  if a > b then a, b = b, a end
  if b < 10 then return log_gamma(a) + log_gamma(b) - log_gamma(a + b) end
  local rest = stirling(b) - stirling(a + b)
  if a < 10 then return log_gamma(a) + rest + a - a * num.log(a + b) + (b - 0.5) * num.log1p(-a / (a + b)) end
  return 0.5 * (log_2pi - num.log(b)) + stirling(a) + rest + (a - 0.5) * num.log(a / (a + b)) + b * num.log1p(-a / (a + b))
end

-- The continued fraction of the incomplete beta function, evaluated by Lentz's method (Abramowitz and Stegun 26.5.8).
local function beta_fraction(a, b, x)
  local tiny = 1e-300
  local function safe(v) return v > -tiny and v < tiny and tiny or v end
  local c, d = 1.0, 1 / safe(1 - (a + b) * x / (a + 1))
  local h = d
  for m = 1, 100000 do
    local even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
    d, c = 1 / safe(1 + even * d), safe(1 + even / c)
    h = h * d * c
    local odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
    d, c = 1 / safe(1 + odd * d), safe(1 + odd / c)
    local factor = d * c
    h = h * factor
    if factor > 1 - 3e-16 and factor < 1 + 3e-16 then break end
  end
  return h
end

-- I_x(a, b), with y = 1 - x and the logarithms of both given, for they are known better than from x.
local function incomplete_beta(a, b, x, y, log_x, log_y)
  if x <= 0 then return 0.0 end
  if y <= 0 then return 1.0 end
  local front = num.exp(a * log_x + b * log_y - log_beta(a, b))
  if x < (a + 1) / (a + b + 2) then return front * beta_fraction(a, b, x) / a end
  return 1 - front * beta_fraction(b, a, y) / b
end

-- P(T > t) for t >= 0.
local function t_tail(t, df)
  local r = t * t / df
  if r == math.huge then return 0.0 end
  local log_x, log_y = -num.log1p(r), r > 0 and -num.log1p(1 / r) or -math.huge
  return r == 0 and 0.5 or 0.5 * incomplete_beta(df / 2, 0.5, 1 / (1 + r), r / (1 + r), log_x, log_y)
end

-- Student's t distribution function.
-- formula: P(T <= x) = 1 - I_{v/(v+x^2)}(v/2, 1/2) / 2 for x >= 0, v = df
-- source: Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.1, with the continued fraction 26.5.8
-- example:
-- tw.stats.t_cdf(1, 1) --> 0.75
---@param x number
---@param df number degrees of freedom, above 0
---@return number
function distributions.t_cdf(x, df)
  number("t_cdf", "x", x)
  above_zero("t_cdf", "df", df)
  if x ~= x then return x end
  return x > 0 and 1 - t_tail(x, df) or t_tail(-x, df)
end

-- The quantile of Student's t distribution: the inverse of t_cdf, by bisection down to neighbouring numbers.
-- example:
-- ("%.6f"):format(tw.stats.t_quantile(0.975, 4)) --> 2.776445
---@param p number between 0 and 1
---@param df number degrees of freedom, above 0
---@return number
function distributions.t_quantile(p, df)
  probability("t_quantile", p, true)
  above_zero("t_quantile", "df", df)
  if p == 0.5 then return 0.0 end
  local tail = p < 0.5 and p or 1 - p
  local low, high = 0.0, 1.0
  while t_tail(high, df) > tail do
    low, high = high, 2 * high
    if high == math.huge then break end
  end
  while true do
    local middle = low + (high - low) / 2
    if middle <= low or middle >= high then break end
    if t_tail(middle, df) > tail then low = middle else high = middle end
  end
  return p < 0.5 and -high or high
end

-- P(Z > x) for x >= 0: the series of the distribution function up to 1.5, Laplace's continued fraction beyond.
local function normal_tail(x)
  local density = num.exp(-0.5 * x * x - 0.5 * log_2pi)
  if x < 1.5 then
    local term, sum, k = x, x, 1
    while sum + term ~= sum do
      k = k + 2
      term = term * x * x / k
      sum = sum + term
    end
    return 0.5 - density * sum
  end
  if x > 40 then return 0.0 end
  local f = x
  for k = 100, 1, -1 do f = x + k / f end
  return density / f
end

-- The standard normal distribution function.
-- formula: P(Z <= x) = 1/2 + phi(x) (x + x^3/3 + x^5/(3 5) + ...)
-- source: Abramowitz and Stegun, Handbook of Mathematical Functions, 26.2.11; beyond |x| = 1.5 the continued fraction 26.2.14
-- example:
-- ("%.6f"):format(tw.stats.normal_cdf(1.96)) --> 0.975002
---@param x number
---@return number
function distributions.normal_cdf(x)
  number("normal_cdf", "x", x)
  if x ~= x then return x end
  return x > 0 and 1 - normal_tail(x) or normal_tail(-x)
end

-- Numerator and denominator of the three rational approximations, constant term last.
local central = {
  { 2509.0809287301226727, 33430.575583588128105, 67265.770927008700853, 45921.953931549871457, 13731.693765509461125, 1971.5909503065514427,
    133.14166789178437745, 3.3871328727963666080 },
  { 5226.4952788528545610, 28729.085735721942674, 39307.895800092710610, 21213.794301586595867, 5394.1960214247511077, 687.18700749205790830,
    42.313330701600911252, 1 },
}
local middle = {
  { 7.74545014278341407640e-4, 0.0227238449892691845833, 0.241780725177450611770, 1.27045825245236838258, 3.64784832476320460504,
    5.76949722146069140550, 4.63033784615654529590, 1.42343711074968357734 },
  { 1.05075007164441684324e-9, 5.475938084995344946e-4, 0.0151986665636164571966, 0.148103976427480074590, 0.689767334985100004550,
    1.67638483018380384940, 2.05319162663775882187, 1 },
}
local tail = {
  { 2.01033439929228813265e-7, 2.71155556874348757815e-5, 0.0012426609473880784386, 0.026532189526576123093, 0.29656057182850489123,
    1.7848265399172913358, 5.4637849111641143699, 6.6579046435011037772 },
  { 2.04426310338993978564e-15, 1.4215117583164458887e-7, 1.8463183175100546818e-5, 7.868691311456132591e-4, 0.0148753612908506148525,
    0.13692988092273580531, 0.59983220655588793769, 1 },
}

local function ratio(coefficients, r)
  local out = {}
  for k = 1, 2 do
    local v = 0.0
    for _, c in ipairs(coefficients[k]) do v = v * r + c end
    out[k] = v
  end
  return out[1] / out[2]
end

-- The quantile of the standard normal distribution, to about 1e-16 of its value.
-- source: Wichura 1988, Algorithm AS 241 (PPND16), Applied Statistics 37, 477-484
-- example:
-- ("%.6f"):format(tw.stats.normal_quantile(0.975)) --> 1.959964
---@param p number between 0 and 1
---@return number
function distributions.normal_quantile(p)
  probability("normal_quantile", p, true)
  local q = p - 0.5
  if q >= -0.425 and q <= 0.425 then return q * ratio(central, 0.180625 - q * q) end
  local r = num.sqrt(-num.log(q < 0 and p or 1 - p))
  local x = r <= 5 and ratio(middle, r - 1.6) or ratio(tail, r - 5)
  return q < 0 and -x or x
end

-- The probability of at most k successes in n trials.
-- formula: P(X <= k) = I_{1-p}(n - k, k + 1)
-- example:
-- tw.stats.binomial_cdf(0, 5, 0.5) --> 0.03125
-- ("%.6f"):format(tw.stats.binomial_cdf(2, 4, 0.5)) --> 0.687500
---@param k integer
---@param n integer
---@param p number from 0 to 1
---@return number
function distributions.binomial_cdf(k, n, p)
  if not (math.tointeger(k) and math.tointeger(n)) or n < 0 then
    fault.raise("binomial_cdf: counts are integers, n from 0 up: k is %s, n is %s", options.show(k), options.show(n))
  end
  probability("binomial_cdf", p, false)
  if k < 0 then return 0.0 end
  if k >= n then return 1.0 end
  if p == 0.5 and n <= 60 then -- counted, exact
    local term, sum = 1, 1
    for i = 1, k do
      term = term * (n - i + 1) // i
      sum = sum + term
    end
    return sum / (1 << n)
  end
  if p == 0 or p == 1 then return 1.0 - p end
  return incomplete_beta(n - k, k + 1, 1 - p, p, num.log1p(-p), num.log(p))
end

distributions.log_gamma = log_gamma
distributions.t_tail = t_tail

return distributions
