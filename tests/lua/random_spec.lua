-- Random numbers: streams that no release changes, position independence, the laws themselves. Everything is seeded, so a statistic is the same in every
-- run; it is printed beside its limit. Limits: 4 standard errors (two-sided 6e-5), the 0.1 % points of Kolmogorov-Smirnov and chi-square.
local test = require "spec"
local tw = require "thalweg"
local core = require "thalweg.core"
local golden = require "golden.random"

local function flat(x) return x:reshape(-1):table() end

-- Runs "r:normal(3)" and the like on r.
local function call(text, r, dtype)
  if dtype then
    local options
    text, options = text:gsub("%s*}%)$", ', dtype = "' .. dtype .. '" })')
    if options == 0 then text = text:gsub("%)$", ', { dtype = "' .. dtype .. '" })') end
  end
  return assert(load("local tw, r = ... return " .. text))(tw, r)
end

local function has_dtype(text) return text:find("normal") or text:find("uniform") or text:find("exponential") or text:find("bernoulli") end

-- Two units in the last place of the law's own computation, in the value's size: the sum of mean and std z may cancel, so the absolute size counts too.
for _, case in ipairs(golden) do
  local text, want = case[1], case[2]
  test(text .. " is what another implementation of the stream draws", function()
    local got = flat(call(text, tw.rng(42, "golden")))
    test.eq(#got, #want)
    for i, w in ipairs(want) do
      if math.type(w) == "integer" then test.eq(got[i], w) else test.near(got[i], w, 2^-51 * (math.abs(w) + 1), "element " .. i) end
    end
    if not has_dtype(text) then return end
    local single = flat(call(text, tw.rng(42, "golden"), "f32"))
    for i, w in ipairs(want) do
      local rounded = string.unpack("<f", string.pack("<f", w))
      test.near(single[i], rounded, 2^-23 * math.abs(w), "f32 element " .. i)
    end
  end)
end

-- The bits themselves: SHA-256 of 500 elements, so that no release changes a stream unnoticed. A change here changes every script's numbers.
local function digest(x)
  local out = {}
  for i, v in ipairs(flat(x)) do out[i] = math.type(v) == "integer" and tostring(v) or string.format("%a", tonumber(v)) end
  return core.sha256(table.concat(out, " ")):sub(1, 16)
end

local bits = {
  { "r:normal(500)", "76d4994c8c6c3abf", "557817725ae30efb" },
  { "r:uniform(500)", "ba9252dad4fac5fa", "2fcceac304698d18" },
  { "r:exponential(500)", "e2abff2923c30185", "3af90cf0be940f9b" },
  { "r:truncated_normal(500)", "37fe51898ebf055e", "9f71e39abb35b6ef" },
  { "r:truncated_normal(500, { low = 3, high = 1 / 0 })", "337011d6c9e6ddce", "5af7fca2e034a51c" },
  { "r:truncated_normal(500, { low = -.5, high = .25 })", "f927ddeefc702c7a", "27dede534a1fbfc1" },
  { "r:bernoulli(500, { p = .3 })", "53e9ae07168d1b20", "53e9ae07168d1b20" },
  { "r:randint(1, 6, 500)", "bfe2d05b876f5fd9" },
  { "r:permutation(500)", "e2f5149edbff5a26" },
  { "r:choice(100, 500)", "be47a110bc658e95" },
  { "r:choice(1000, 500, { replace = false })", "5b8c35134029cbcb" },
  { "r:choice(700, 500, { weights = tw.arange(700) })", "1c76a2e4827afb75" },
  { "r:choice(700, 500, { weights = tw.arange(700), replace = false })", "56f9aadb1bdb2ec6" },
  { "r:multinomial(20, tw.arange(5), 100)", "40be82c8d6550a57" },
}
for _, case in ipairs(bits) do
  test(case[1] .. " draws the bits it always has", function()
    test.eq(digest(call(case[1], tw.rng(7, "release"))), case[2])
    if case[3] then test.eq(digest(call(case[1], tw.rng(7, "release"), "f32")), case[3], "f32") end
  end)
end

-- Position.

local in_pieces = {
  "r:normal(%d)", "r:normal(%d, { dtype = 'f32' })", "r:uniform(%d)", "r:exponential(%d)", "r:truncated_normal(%d, { low = 2 })",
  "r:truncated_normal(%d, { low = -.5, high = .25 })", "r:bernoulli(%d, { p = .3 })", "r:randint(1, 6, %d)", "r:choice(5, %d)",
  "r:choice(3, %d, { weights = tw.tensor { 1, 2, 3 } })", "r:multinomial(7, tw.tensor { 1, 2, 3 }, %d)",
}
for _, text in ipairs(in_pieces) do
  test(text:format(600) .. " is the same in pieces, and advances by its length", function()
    local r = tw.rng(9, "pieces")
    local whole = call(text:format(600), r)
    test.eq(tostring(r), 'generator(seed 9, stream "pieces", 600 drawn)')
    r = tw.rng(9, "pieces")
    local parts = {}
    for _, n in ipairs { 1, 2, 3, 0, 5, 244, 257, 88 } do parts[#parts + 1] = call(text:format(n), r) end
    test.eq(flat(tw.cat(parts)), flat(whole))
  end)
end

test("a choice without replacement is the beginning of a permutation; both advance by their length", function()
  for _, n in ipairs { 1, 2, 7, 100, 1000 } do
    local r, s = tw.rng(n, "p"), tw.rng(n, "p")
    local p = r:permutation(n)
    for _, k in ipairs { 0, 1, n // 2, n } do
      test.eq(tw.rng(n, "p"):choice(n, k, { replace = false }):table(), p:narrow(1, 1, k):table())
    end
    s:choice(n, n // 2, { replace = false })
    test.eq({ tostring(r):match("(%d+) drawn"), tostring(s):match("(%d+) drawn") }, { tostring(n), tostring(n // 2) })
  end
end)

test("shapes are numbers or a table, options last; a shape of nothing is one number", function()
  local r = tw.rng(1)
  test.eq({ r:normal(2, 3).shape, r:normal({ 2, 3 }).shape, r:normal().shape, r:normal({}, { mean = 1 }).shape, r:normal { dtype = "f32" }.dtype },
    { { 2, 3 }, { 2, 3 }, {}, {}, "f32" })
  test.eq({ r:choice(9).shape, r:choice(9, 2, 2, { replace = false }).shape, r:multinomial(3, tw.ones(4)).shape, r:multinomial(3, tw.ones(4), 2, 5).shape },
    { {}, { 2, 2 }, { 4 }, { 2, 5, 4 } })
  test.eq({ r:normal(0).shape, r:choice(5, 0, 3).shape, r:permutation(0).shape, r:bernoulli(0, { p = tw.zeros(0) }).shape }, { { 0 }, { 0, 3 }, { 0 }, { 0 } })
  test.eq({ r:bernoulli(4, { dtype = "bool" }).dtype, r:bernoulli(4, { dtype = "i64" }).dtype, r:exponential(1, { dtype = "f32" }).dtype },
    { "bool", "i64", "f32" })
end)

test("rows are shuffled by x[r:permutation(#x)]", function()
  local x = tw.arange(12):reshape(6, 2)
  local p = tw.rng(3):permutation(6)
  local y = x[p]
  for i, row in ipairs(p:table()) do test.eq(y[i]:table(), x[row]:table()) end
  test.eq(y:sum():item(), x:sum():item())
end)

test("certain outcomes", function()
  local r = tw.rng(5)
  test.eq(r:bernoulli(3, { p = tw.tensor { 0, 1, 0 } }):table(), { 0.0, 1.0, 0.0 })
  test.eq({ r:bernoulli(500, { p = 0 }):sum():item(), r:bernoulli(500, { p = 1 }):sum():item() }, { 0.0, 500.0 })
  test.eq({ r:uniform(3, { low = 2, high = 2 }):table(), r:normal(2, { mean = 3, std = 0 }):table() }, { { 2.0, 2.0, 2.0 }, { 3.0, 3.0 } })
  test.eq(r:truncated_normal(2, { low = 4, high = 4 }):table(), { 4.0, 4.0 })
  test.eq(r:truncated_normal(2, { std = 1e-30, low = 1, high = 2 }):table(), { 1.0, 1.0 })
  test.eq(r:choice(4, 100, { weights = tw.tensor { 0, 0, 5, 0 } }):sub(3):abs():sum():item(), 0)
  test.eq(r:choice(4, 2, { weights = tw.tensor { 0, 1e-300, 5, 0 }, replace = false }):sum():item(), 5)
  test.eq({ r:multinomial(9, tw.tensor { 0, 1, 0 }):table(), r:multinomial(0, tw.ones(2)):table() }, { { 0, 9, 0 }, { 0, 0 } })
end)

-- Laws. Each: a call drawing n numbers, mean, variance, fourth central moment, distribution function where it is continuous.

local function Phi(x) return x == 1 / 0 and 1 or x == -1 / 0 and 0 or .5 * (1 + tw.erf(x / 2 ^ .5):item()) end
local function upper(x) return Phi(-x) end

-- Mean, variance and fourth moment of a truncated normal law, by Simpson's rule over 2000 panels.
local function moments(mean, std, low, high)
  low, high = math.max(low, mean - 12 * std), math.min(high, mean + 12 * std)
  local n, h = 2000, (high - low) / 2000
  local function integral(f)
    local sum = 0
    for i = 0, n do
      local x = low + i * h
      local weight = (i == 0 or i == n) and 1 or i % 2 == 1 and 4 or 2
      sum = sum + weight * f(x) * math.exp(-.5 * ((x - mean) / std) ^ 2)
    end
    return sum * h / 3
  end
  local total = integral(function() return 1 end)
  local m = integral(function(x) return x end) / total
  return m, integral(function(x) return (x - m) ^ 2 end) / total, integral(function(x) return (x - m) ^ 4 end) / total
end

local function truncated(mean, std, low, high)
  local m, v, f = moments(mean, std, low, high)
  local a, b = (low - mean) / std, (high - mean) / std
  local function F(x) -- by the tail on which the interval lies, so that nothing cancels
    local z = (x - mean) / std
    if a > 0 then return (upper(a) - upper(z)) / (upper(a) - upper(b)) end
    return (Phi(z) - Phi(a)) / (Phi(b) - Phi(a))
  end
  return m, v, f, F
end

local n = 20000
local laws = {
  { "r:normal(n)", 0, 1, 3, Phi },
  { "r:normal(n, { mean = 2, std = 3 })", 2, 9, 243, function(x) return Phi((x - 2) / 3) end },
  { "r:uniform(n)", .5, 1 / 12, 1 / 80, function(x) return x end },
  { "r:uniform(n, { low = -1, high = 2 })", .5, .75, 81 / 80, function(x) return (x + 1) / 3 end },
  { "r:exponential(n, { rate = 2.5 })", .4, .16, 9 / 2.5 ^ 4, function(x) return 1 - math.exp(-2.5 * x) end },
  { "r:truncated_normal(n)", truncated(0, 1, -2, 2) },
  { "r:truncated_normal(n, { mean = 1, std = 2, low = 0, high = 1.5 })", truncated(1, 2, 0, 1.5) },
  { "r:truncated_normal(n, { low = 3, high = 1 / 0 })", truncated(0, 1, 3, 1 / 0) },
  { "r:truncated_normal(n, { low = 3, high = 3.25 })", truncated(0, 1, 3, 3.25) },
  { "r:truncated_normal(n, { low = -1 / 0, high = -1 })", truncated(0, 1, -1 / 0, -1) },
  { "r:truncated_normal(n, { low = .1, high = 5 })", truncated(0, 1, .1, 5) },
  { "r:bernoulli(n, { p = .3 })", .3, .21, .21 * (1 - 3 * .21) },
  { "r:randint(1, 6, n)", 3.5, 35 / 12, 707 / 48 },
  { "r:choice(6, n)", 3.5, 35 / 12, 707 / 48 },
}

local function check_law(law, dtype)
  local text, mean, variance, fourth, F = table.unpack(law)
  local x = call(text:gsub("%f[%w]n%f[%W]", n), tw.rng(2024, "laws"), dtype)
  local name = text .. " " .. x.dtype
  if x.dtype == "f32" then x = x:to("f64") end
  local dm = (x:mean():item() - mean) / (variance / n) ^ .5
  local dv = (x:var():item() - variance) / ((fourth - variance ^ 2) / n) ^ .5
  local line = string.format("  %-68s mean %+.2f, variance %+.2f standard errors off", name, dm, dv)
  test.near(dm, 0, 4, text .. " mean")
  test.near(dv, 0, 4, text .. " variance")
  if F then
    local values, D = flat(x), 0
    table.sort(values)
    for i, v in ipairs(values) do
      local p = F(v)
      D = math.max(D, i / n - p, p - (i - 1) / n)
    end
    line = line .. string.format(", sqrt(n) D %.3f of 1.95", D * n ^ .5)
    test.ok(D * n ^ .5 < 1.95, line)
  end
  print(line)
end

for _, law in ipairs(laws) do
  test(law[1] .. " follows its law", function()
    check_law(law)
    if has_dtype(law[1]) then check_law(law, "f32") end
  end)
end

-- Counts against expected counts; limit is the 0.1 % point of chi-square with `df` degrees of freedom.
local limits = { [3] = 16.27, [5] = 20.52, [11] = 31.26, [23] = 49.73 }
local function chi_square(what, counts, expected, df)
  local sum, cells = 0, 0
  for key, e in next, expected do
    sum = sum + ((counts[key] or 0) - e) ^ 2 / e
    cells = cells + 1
  end
  for key in next, counts do test.ok(expected[key], what .. ": unexpected outcome " .. tostring(key)) end
  test.eq(cells, df + 1)
  print(string.format("  %-68s chi-square %.2f of %.2f, %d degrees of freedom", what, sum, limits[df], df))
  test.ok(sum < limits[df], what .. ": chi-square " .. sum)
end

local function tally(rows)
  local counts = {}
  for _, row in ipairs(rows) do
    local key = type(row) == "table" and table.concat(row, " ") or row
    counts[key] = (counts[key] or 0) + 1
  end
  return counts
end

test("all 24 permutations of 4 come alike", function()
  local r, rows, expected = tw.rng(11, "permutations"), {}, {}
  for i = 1, 12000 do rows[i] = r:permutation(4):table() end
  for a = 1, 4 do for b = 1, 4 do for c = 1, 4 do
    local d = 10 - a - b - c
    if a ~= b and b ~= c and a ~= c then expected[table.concat({ a, b, c, d }, " ")] = 500 end
  end end end
  chi_square("permutation(4)", tally(rows), expected, 23)
end)

-- Ordered pairs of different numbers 1..4, each with its probability under successive drawing.
local function pairs_of(weights, draws)
  local expected, total = {}, 0
  for _, w in ipairs(weights) do total = total + w end
  for a = 1, 4 do for b = 1, 4 do
    if a ~= b then expected[a .. " " .. b] = draws * weights[a] / total * weights[b] / (total - weights[a]) end
  end end
  return expected
end

test("a choice without replacement draws one after the other from what is left", function()
  local r, plain, weighted, w = tw.rng(12, "choices"), {}, {}, { 1, 2, 3, 4 }
  local weights = tw.tensor(w)
  for i = 1, 6000 do
    plain[i] = r:choice(4, 2, { replace = false }):table()
    weighted[i] = r:choice(4, 2, { replace = false, weights = weights }):table()
  end
  chi_square("choice(4, 2) without replacement", tally(plain), pairs_of({ 1, 1, 1, 1 }, 6000), 11)
  chi_square("the same by weights 1 2 3 4", tally(weighted), pairs_of(w, 6000), 11)
end)

test("choice and multinomial follow the weights", function()
  local r, w = tw.rng(13, "weights"), tw.tensor { .5, 0, 2, 1.25, 3 }
  local share = { .5 / 6.75, nil, 2 / 6.75, 1.25 / 6.75, 3 / 6.75 }
  local expected = {}
  for k, p in next, share do expected[k] = 20000 * p end
  chi_square("choice(5) by weights .5 0 2 1.25 3", tally(r:choice(5, 20000, { weights = w }):table()), expected, 3)
  local counts = r:multinomial(50, w, 400)
  local sums = {}
  for k, c in ipairs(counts:sum(1):table()) do if c > 0 then sums[k] = c end end
  chi_square("400 rows of multinomial(50), same weights", sums, expected, 3)
  test.eq({ counts:sum(2):min():item(), counts:sum(2):max():item() }, { 50, 50 })
  local c = counts:to("f64")
  for k, p in next, share do -- the variance of a count, a normal law's standard error
    test.near(c[{ {}, k }]:var():item(), 50 * p * (1 - p), 4 * 50 * p * (1 - p) * (2 / 400) ^ .5)
  end
end)

test("randint and six sides", function()
  local expected = {}
  for k = 1, 6 do expected[k] = 20000 / 6 end
  chi_square("randint(1, 6)", tally(tw.rng(14, "dice"):randint(1, 6, 20000):table()), expected, 5)
end)

-- Independence.

local function correlation(x, y)
  local a, b = x - x:mean(), y - y:mean()
  return ((a * b):sum() / ((a * a):sum() * (b * b):sum()) ^ .5):item()
end

test("streams of other names and neighbouring seeds are uncorrelated, and so are a stream's own places", function()
  local m = 20000
  local base = tw.rng(1, "a"):normal(m)
  local worst = 0
  local function against(what, y, x)
    local z = correlation(x or base, y) * y.size ^ .5
    worst = math.max(worst, math.abs(z))
    test.near(z, 0, 4, what)
  end
  for _, seed in ipairs { 0, 2, 3, -1, 1 << 32, 1 << 62 } do against("seed " .. seed, tw.rng(seed, "a"):normal(m)) end
  for _, name in ipairs { "", "b", "aa", "a/a", "A", "a ", ("a"):rep(300) } do against("stream " .. name, tw.rng(1, name):normal(m)) end
  for i = 1, 5 do against("split " .. i, tw.rng(1, "a"):split("layer" .. i):normal(m), tw.rng(1, "a"):split("layer" .. i + 1):normal(m)) end
  for lag = 1, 16 do against("lag " .. lag, base:narrow(1, 1 + lag, m - lag), base:narrow(1, 1, m - lag)) end
  local tail = tw.rng(1, "a"):truncated_normal(m, { low = 1, high = 1 / 0 })
  for lag = 1, 4 do against("truncated lag " .. lag, tail:narrow(1, 1 + lag, m - lag), tail:narrow(1, 1, m - lag)) end
  against("normal and uniform of one stream's places", tw.rng(1, "a"):uniform(m):sub(.5):abs(), base)
  print(string.format("  39 correlations: the largest lies %.2f standard errors off 0, limit 4", worst))
end)

test("the first number over 4000 neighbouring seeds is uniform and uncorrelated", function()
  local first = {}
  for seed = 1, 4000 do first[seed] = tw.rng(seed, "init"):uniform():item() end
  local x = tw.tensor(first)
  test.near(correlation(x:narrow(1, 2, 3999), x:narrow(1, 1, 3999)) * 3999 ^ .5, 0, 4)
  table.sort(first)
  local D = 0
  for i, v in ipairs(first) do D = math.max(D, i / 4000 - v, v - (i - 1) / 4000) end
  print(string.format("  first numbers of seeds 1..4000: sqrt(n) D %.3f of 1.95", D * 4000 ^ .5))
  test.ok(D * 4000 ^ .5 < 1.95)
end)

test("a name of any length and content is a stream of its own", function()
  local seen = {}
  for _, name in ipairs { "", "\0", "\0\0", "a", "a\0", ("x"):rep(255), ("x"):rep(256), ("x"):rep(257), ("x"):rep(1000) } do
    local v = tw.rng(1, name):uniform():item()
    test.eq(seen[v], nil)
    seen[v] = true
  end
end)

-- Runs.

test("a generator made outside a run is refused inside it, whatever is drawn; one made inside is not", function()
  local outside, weights = tw.rng(1, "outside"), tw.ones(3)
  core.begin_run(5)
  local ok, message = pcall(function()
    for _, text in ipairs { "r:normal(1)", "r:uniform(1)", "r:exponential(1)", "r:truncated_normal(1)", "r:bernoulli(1)", "r:randint(1, 2, 1)",
      "r:permutation(2)", "r:choice(3, 1)" } do
      test.raises("a generator made outside run cannot be drawn from inside it; use run:rng(\"name\")", call, text, outside)
    end
    test.raises("made outside run", function() outside:choice(3, 1, { weights = weights }) end)
    test.raises("made outside run", function() outside:multinomial(3, weights) end)
    test.eq(tostring(outside), 'generator(seed 1, stream "outside", 0 drawn)')
    test.eq(tw.rng(1, "outside"):normal(3).shape, { 3 })
    test.eq(outside:split("x"):normal(2):table(), tw.rng(1, "outside/x"):normal(2):table())
  end)
  core.end_run()
  test.ok(ok, message)
  test.eq(outside:normal(2):table(), tw.rng(1, "outside"):normal(2):table())
end)

test("the run's dtype is that of real draws", function()
  core.begin_run(5, "f32")
  local r = tw.rng(1)
  local got = { r:normal(1).dtype, r:bernoulli(1).dtype, r:exponential(1).dtype, r:truncated_normal(1).dtype, r:normal(1, { dtype = "f64" }).dtype }
  core.end_run()
  test.eq(got, { "f32", "f32", "f32", "f32", "f64" })
end)

test("a draw inside a differentiated function is a constant there", function()
  local r = tw.rng(1)
  local g = tw.grad(function(p) return (p * r:bernoulli(3, { p = p })):sum() + (p * r:normal(3)):sum() * 0 end)(tw.tensor { 0, 1, 1 })
  test.eq(g:table(), { 0.0, 1.0, 1.0 })
end)

-- Errors.

local r = tw.rng(1)
local w3 = tw.ones(3)
for message, f in next, {
  ["number expected, got no value"] = function() return tw.rng() end,
  ["number expected, got string"] = function() return tw.rng("seed") end,
  ["number has no integer representation"] = function() return tw.rng(1.5) end,
  ["the stream's name must be a string"] = function() return tw.rng(1, 2) end,
  ["bad argument #1 to 'split' (the stream's name must be a string)"] = function() return r:split() end,
  ["a size must be a whole number >= 0"] = function() return r:normal(-1) end,
  ["a size must be a whole number >= 0, got 1.5"] = function() return r:normal(1.5) end,
  ["a tensor has at most 8 axes"] = function() return r:normal(1, 1, 1, 1, 1, 1, 1, 1, 1) end,
  ["normal: after the sizes only a table of options can stand, got string"] = function() return r:normal(2, "f32") end,
  ["nothing can stand after the options"] = function() return r:normal(2, {}, 3) end,
  ["normal: unknown option sd; valid: dtype, mean, std"] = function() return r:normal(2, { sd = 1 }) end,
  ["normal: std must be a number, got string"] = function() return r:normal(2, { std = "1" }) end,
  ["normal: dtype must be \"f64\" or \"f32\", got \"i64\""] = function() return r:normal(2, { dtype = "i64" }) end,
  ["normal: mean must be finite, std finite and not negative: mean is 0, std is -1"] = function() return r:normal(2, { std = -1 }) end,
  ["normal: mean must be finite, std finite and not negative: mean is "] = function() return r:normal(2, { mean = 0 / 0 }) end,
  ["uniform: unknown option max; valid: dtype, low, high"] = function() return r:uniform(2, { max = 1 }) end,
  ["uniform: the ends must be finite and low at most high: low is 2, high is 1"] = function() return r:uniform(2, { low = 2 }) end,
  ["low is 0, high is inf"] = function() return r:uniform(2, { high = 1 / 0 }) end,
  ["uniform: dtype must be \"f64\" or \"f32\", got \"bool\""] = function() return r:uniform(2, { dtype = "bool" }) end,
  ["exponential: unknown option scale; valid: dtype, rate"] = function() return r:exponential(2, { scale = 1 }) end,
  ["exponential: the rate must be positive and finite: rate is 0"] = function() return r:exponential(2, { rate = 0 }) end,
  ["exponential: the rate must be positive and finite: rate is inf"] = function() return r:exponential(2, { rate = 1 / 0 }) end,
  ["truncated_normal: unknown option min; valid: dtype, mean, std, low, high"] = function() return r:truncated_normal(2, { min = 1 }) end,
  ["truncated_normal: mean must be finite, std finite and positive: mean is 0, std is 0"] = function() return r:truncated_normal(2, { std = 0 }) end,
  ["truncated_normal: low must be at most high: low is 3, high is 2"] = function() return r:truncated_normal(2, { low = 3 }) end,
  ["truncated_normal: low must be at most high: low is "] = function() return r:truncated_normal(2, { low = 0 / 0 }) end,
  ["the interval lies more than 1e100 standard deviations off"] = function() return r:truncated_normal(2, { low = 1e120, high = 1e121 }) end,
  ["more than 1e100 standard deviations off: mean is 0, std is 1, low is inf"] = function() return r:truncated_normal(2, { low = 1 / 0, high = 1 / 0 }) end,
  ["bernoulli: unknown option prob; valid: dtype, p"] = function() return r:bernoulli(2, { prob = 1 }) end,
  ["bernoulli: p must be a number or a tensor, got string"] = function() return r:bernoulli(2, { p = "1" }) end,
  ["bernoulli: a probability must lie in [0, 1]: p is 1.5"] = function() return r:bernoulli(2, { p = 1.5 }) end,
  ["bernoulli: a probability must lie in [0, 1]: p is "] = function() return r:bernoulli(2, { p = 0 / 0 }) end,
  ["bernoulli: a probability must lie in [0, 1]: p has an element that is -0.5"] = function() return r:bernoulli(2, { p = tw.tensor { 1, -.5 } }) end,
  ["bernoulli: p does not broadcast to the result: p is f64[3], the result f64[2]"] = function() return r:bernoulli(2, { p = w3 }) end,
  ["dtype must be one of"] = function() return r:bernoulli(2, { dtype = "i8" }) end,
  ["high must not be below low"] = function() return r:randint(2, 1, 3) end,
  ["the ends must lie within +-2^53"] = function() return r:randint(0, 1 << 60, 3) end,
  ["bad argument #2 to 'randint' (number expected, got no value)"] = function() return r:randint(1) end,
  ["randint: unknown option dtype; valid: "] = function() return r:randint(1, 2, 3, { dtype = "f64" }) end,
  ["the length must be a whole number >= 0"] = function() return r:permutation(-1) end,
  ["permutation takes the length alone"] = function() return r:permutation(3, 2) end,
  ["choice: there must be something to choose from: n is 0"] = function() return r:choice(0, 1) end,
  ["choice: 4 of 3 cannot be chosen without replacement; { replace = true } allows repeats"] = function() return r:choice(3, 2, 2, { replace = false }) end,
  ["choice: replace must be true or false, got number"] = function() return r:choice(3, 1, { replace = 0 }) end,
  ["choice: unknown option p; valid: replace, weights"] = function() return r:choice(3, 1, { p = w3 }) end,
  ["choice: weights must be a tensor, got table"] = function() return r:choice(3, 1, { weights = { 1, 2, 3 } }) end,
  ["choice: there must be one weight for each of 1..n: n is 4, there are 3 weights"] = function() return r:choice(4, 1, { weights = w3 }) end,
  ["choice: weights must be a vector of numbers, got f64[3 3]"] = function() return r:choice(3, 1, { weights = tw.ones(3, 3) }) end,
  ["choice: weights must be a vector of numbers, got bool[1]"] = function() return r:choice(1, 1, { weights = tw.tensor { true } }) end,
  ["choice: a weight must be finite and not negative: weight 2 is -1"] = function() return r:choice(2, 1, { weights = tw.tensor { 1, -1 } }) end,
  ["choice: a weight must be finite and not negative: weight 1 is "] = function() return r:choice(1, 1, { weights = tw.tensor { 0 / 0 } }) end,
  ["choice: the weights must have a positive, finite sum: it is 0"] = function() return r:choice(3, 1, { weights = tw.zeros(3) }) end,
  ["choice: the weights must have a positive, finite sum: it is inf"] = function() return r:choice(2, 1, { weights = tw.full({ 2 }, 1e308) }) end,
  ["choice: 2 of 1 with a weight above 0 cannot be chosen without replacement"] = function()
    return r:choice(3, 2, { replace = false, weights = tw.tensor { 0, 1, 0 } })
  end,
  ["bad argument #2 to 'multinomial' (tensor expected, got table)"] = function() return r:multinomial(3, { 1, 2 }) end,
  ["multinomial: a weight must be finite and not negative: weight 1 is -1"] = function() return r:multinomial(3, tw.tensor { -1 }) end,
  ["multinomial: the weights must have a positive, finite sum: it is 0"] = function() return r:multinomial(3, tw.zeros(0)) end,
  ["multinomial: the trials must be 0..2^32: there are -1"] = function() return r:multinomial(-1, w3) end,
  ["multinomial: a tensor has at most 8 axes, the last one is that of the counts"] = function() return r:multinomial(1, w3, 1, 1, 1, 1, 1, 1, 1, 1) end,
  ["multinomial: after the sizes only a table of options can stand, got userdata"] = function() return r:multinomial(1, w3, w3) end,
} do
  test("says: " .. message, function()
    test.raises(message, f)
    test.eq(tostring(r), 'generator(seed 1, stream "", 0 drawn)', "a refused draw moves nothing")
  end)
end

test.close()
