-- Statistics against NumPy and SciPy (tests/golden/make_stats.py) and against closed forms.
package.path = (os.getenv("TW_ROOT") or ".") .. "/tests/?.lua;" .. package.path

local golden = require "golden.stats"
local test = require "spec"
local tw = require "thalweg"

local stats = tw.stats

-- Relative to the value; 1e-300 keeps zero apart.
local function close(got, want, tolerance, note) test.near(got, want, tolerance * math.abs(want) + 1e-300, note) end

test("means, deviations, errors, medians and quantiles are NumPy's", function()
  for i, s in ipairs(golden.samples) do
    local n = #s.x
    close(stats.mean(s.x), s.mean, 1e-14)
    close(stats.var(s.x), s.var, 1e-13)
    close(stats.sd(s.x), s.sd, 1e-13)
    close(stats.se(s.x), s.se, 1e-13)
    close(stats.median(s.x), s.median, 1e-15)
    for _, row in ipairs(s.quantiles) do close(stats.quantile(s.x, row[1]), row[2], 1e-14, ("sample %d of %d, q %g"):format(i, n, row[1])) end
  end
end)

test("a line fitted by least squares is SciPy's", function()
  for _, s in ipairs(golden.samples) do
    local fit = stats.linear_fit(s.x, s.y)
    close(fit.slope, s.slope, 1e-12)
    close(fit.intercept, s.intercept, 1e-12)
    close(fit.r, s.r, 1e-12)
    if #s.x > 2 then
      close(fit.se, s.slope_se, 1e-10)
      close(fit.intercept_se, s.intercept_se, 1e-10)
    else
      test.ok(fit.se ~= fit.se, "two points leave no error")
    end
  end
end)

test("a line through points on a line is exact, and x without spread is refused", function()
  local fit = stats.linear_fit({ 1, 2, 4, 8 }, { 5, 7, 11, 19 })
  test.eq({ fit.slope, fit.intercept, fit.se, fit.r, fit.n }, { 2.0, 3.0, 0.0, 1.0, 4 })
  test.raises("all of them are 3", stats.linear_fit, { 3, 3 }, { 1, 2 })
  test.raises("there are 2 and 3", stats.linear_fit, { 1, 2 }, { 1, 2, 3 })
end)

test("the t distribution is SciPy's: quantiles to 1e-12, probabilities to 1e-13", function()
  for _, row in ipairs(golden.t_quantile) do close(stats.t_quantile(row[1], row[2]), row[3], 1e-12, ("p %g, df %g"):format(row[1], row[2])) end
  for _, row in ipairs(golden.t_cdf) do close(stats.t_cdf(row[1], row[2]), row[3], 1e-12, ("x %g, df %g"):format(row[1], row[2])) end
end)

test("the t quantile has its closed forms with one and two degrees of freedom", function()
  for _, p in ipairs { 0.001, 0.2, 0.45, 0.7, 0.975, 0.9999 } do
    close(stats.t_quantile(p, 1), -1 / math.tan(math.pi * p), 1e-12)
    close(stats.t_quantile(p, 2), (2 * p - 1) / math.sqrt(2 * p * (1 - p)), 1e-12)
  end
  test.eq(stats.t_quantile(0.5, 3), 0.0)
end)

test("the normal distribution is SciPy's, tails included", function()
  for _, row in ipairs(golden.normal_quantile) do close(stats.normal_quantile(row[1]), row[2], 4e-15, ("p %g"):format(row[1])) end
  for _, row in ipairs(golden.normal_cdf) do close(stats.normal_cdf(row[1]), row[2], 1e-13, ("x %g"):format(row[1])) end
end)

test("binomial probabilities are SciPy's", function()
  for _, row in ipairs(golden.binomial_cdf) do
    close(stats.binomial_cdf(row[1], row[2], row[3]), row[4], 1e-11, ("k %d, n %d, p %g"):format(row[1], row[2], row[3]))
  end
end)

test("intervals and paired tests are SciPy's", function()
  for _, s in ipairs(golden.samples) do
    local lo, hi, mean = stats.ci(s.x)
    close(lo, s.ci[1], 1e-11)
    close(hi, s.ci[2], 1e-11)
    close(mean, s.mean, 1e-14)
    local c = stats.paired(s.x, s.y)
    close(c.t, s.t, 1e-12)
    close(c.p, s.p, 1e-10)
    test.eq(c.wins, s.wins)
    close(c.sign_p, s.sign_p, 1e-11)
  end
end)

test("equal pairs and constant differences have the p value of their limit", function()
  local none = stats.paired({ 1, 2, 3 }, { 1, 2, 3 })
  test.eq({ none.difference, none.se, none.p, none.ties, none.sign_p }, { 0.0, 0.0, 1.0, 3, 1.0 })
  local constant = stats.paired({ 2, 3, 4 }, { 1, 2, 3 })
  test.eq({ constant.difference, constant.t, constant.p, constant.wins, constant.sign_p }, { 1.0, 1 / 0, 0.0, 3, 0.25 })
end)

test("the median's interval covers as often as it says, and says how many values it takes", function()
  local rng, inside = tw.rng(7, "coverage"), 0
  for _ = 1, 2000 do
    local lo, hi = stats.ci(rng:uniform(11):table(), { method = "median" })
    if lo <= 0.5 and 0.5 <= hi then inside = inside + 1 end
  end
  -- k = 2 of 11: coverage 1 - 2 P(B <= 1) = .98828125; four standard errors of 2000 trials are .0096.
  test.near(inside / 2000, 0.98828125, 0.0096)
  test.raises("there are 5, level 0.95 needs 6", stats.ci, { 1, 2, 3, 4, 5 }, { method = "median" })
end)

test("the bootstrap's interval is near Student's for normal values, and repeats itself", function()
  local x = tw.rng(3, "sample"):normal(200):table()
  local lo, hi = stats.ci(x)
  local b_lo, b_hi, mean = stats.ci(x, { method = "bootstrap" })
  test.near(b_lo, lo, 0.15 * (hi - lo))
  test.near(b_hi, hi, 0.15 * (hi - lo))
  test.eq({ stats.ci(x, { method = "bootstrap" }) }, { b_lo, b_hi, mean })
  local other = stats.ci(x, { method = "bootstrap", seed = 2 })
  test.ok(other ~= b_lo, "another seed draws other resamples")
end)

test("the standard error of a standard deviation holds over repeated samples", function()
  local rng, sds, errors = tw.rng(5, "sd"), {}, {}
  for i = 1, 1500 do
    local x = rng:uniform(100):table()
    sds[i], errors[i] = stats.sd(x), stats.sd_se(x)
  end
  -- 1500 samples: the deviation of their sds is known to 1 / sqrt(2 1499) = 1.8 %; four of these.
  test.near(stats.mean(errors) / stats.sd(sds), 1, 0.08)
  test.eq(stats.sd_se{ 2, 2, 2, 2 }, 0.0)
end)

test("a NaN is never left out", function()
  local bad = { 1, 0 / 0, 3, 4 }
  for _, name in ipairs { "mean", "var", "sd", "se", "sd_se", "median", "min", "max" } do
    local v = stats[name](bad)
    test.ok(v ~= v, name)
  end
  test.ok(stats.quantile(bad, 0) ~= stats.quantile(bad, 0))
  test.ok(stats.min{ 0 / 0, 1 } ~= stats.min{ 0 / 0, 1 })
end)

test("an infinite value has its place among the others", function()
  test.eq(stats.median{ 1, 1 / 0, 2 }, 2.0)
  test.eq(stats.max{ 1, 1 / 0 }, 1 / 0)
  test.eq(stats.quantile({ 1, 1 / 0, 1 / 0 }, 0.75), 1 / 0)
end)

test("what is no sample is refused", function()
  test.raises("mean: too few values: there are 0, at least 1 is needed", stats.mean, {})
  test.raises("sd: too few values: there is 1, at least 2 are needed", stats.sd, { 1 })
  test.raises("entry 2 is \"x\"", stats.median, { 1, "x" })
  test.raises("values is 3", stats.mean, 3)
  test.raises("q is 1.5", stats.quantile, { 1 }, 1.5)
  test.raises("p is 1", stats.t_quantile, 1, 3)
  test.raises("df is 0", stats.t_quantile, 0.5, 0)
  test.raises("level is 1", stats.ci, { 1, 2 }, { level = 1 })
  test.raises("it must be one of t, bootstrap, median", stats.ci, { 1, 2 }, { method = "z" })
end)

test("a vector is a sample", function()
  test.eq(stats.mean(tw.tensor{ 1, 2, 6 }), 3.0)
  test.eq(stats.median(tw.tensor({ 3, 1, 2 }, { dtype = "f32" })), 2.0)
end)

test.close()
