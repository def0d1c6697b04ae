-- What plots compute: quantiles, smoothing, contours, scales and ticks, against closed forms and numpy's numbers.
local axis = require "thalweg.plot.axis"
local contour = require "thalweg.plot.contour"
local statistics = require "thalweg.plot.statistics"
local test = require "spec"

test("quantiles are numpy's", function()
  local sorted = statistics.sorted { 7, 1, 4, 2 }
  test.eq(sorted, { 1, 2, 4, 7 })
  -- numpy.quantile([1, 2, 4, 7], [0, .25, .5, .9, 1])
  local want = { [0] = 1, [0.25] = 1.75, [0.5] = 3, [0.9] = 6.1, [1] = 7 }
  for p, v in next, want do test.near(statistics.quantile(sorted, p), v, 1e-15, "p = " .. p) end
end)

test("an infinite value stands at the end of the order and makes no NaN", function()
  local inf = math.huge
  test.eq(statistics.quantile({ 1, inf, inf }, 0.5), inf)
  test.eq(statistics.quantile({ 1, 2, inf }, 0.5), 2)
  test.eq(statistics.quantile({ 1, inf }, 0), 1)
  test.eq(statistics.quantile({ -inf, 1 }, 0.5), -inf)
  test.eq({ statistics.band { 3, inf, 1 } }, { 3, 1, inf })
  test.eq({ statistics.band { 5, 1, 3, 2, 4 } }, { 3, 2, 4 })
  test.eq(select("#", statistics.band {}), 1)
end)

test("smoothing takes the mean of the steps around, of fewer at the ends, and counts steps, not rows", function()
  test.eq(statistics.smooth({ 1, 2, 6, 3 }, { 0, 1, 2, 3 }, 3), { 1.5, 3, 11 / 3, 4.5 })
  test.eq(statistics.smooth({ 1, 2, 6, 3 }, { 0, 1, 2, 3 }, 1), { 1, 2, 6, 3 })
  test.eq(statistics.smooth({ 1, 2, 6 }, { 0, 100, 200 }, 25), { 1, 2, 6 })
end)

test("the moments are those of a sample", function()
  local mean, deviation = statistics.moments { 2, 4, 4, 4, 5, 5, 7, 9 }
  test.eq(mean, 5)
  test.near(deviation, math.sqrt(32 / 7), 1e-15)
  test.eq({ statistics.moments { 3 } }, { 3, 0 })
end)

test("chosen values ask for a logarithm when they are nearly geometric", function()
  test.ok(axis.geometric { 0.003, 0.01, 0.03, 0.1, 0.3 })
  test.ok(axis.geometric { 16, 1, 4, 64 })
  test.ok(not axis.geometric { 1, 2, 3, 4, 5, 6, 7, 8 })
  test.ok(not axis.geometric { 0, 0.5, 0.9 })
  test.ok(not axis.geometric { 1, 100 })
end)

test("measured values ask for one when they span two decades and none is negative", function()
  test.ok(axis.spans_decades { 0.01, 1 })
  test.ok(axis.spans_decades { 0, 0.01, 1, math.huge })
  test.ok(not axis.spans_decades { 0.011, 1 })
  test.ok(not axis.spans_decades { -1, 0.01, 1 })
  test.ok(not axis.spans_decades {})
end)

local function labels(low, high, most)
  local out, bare = {}, 0
  for _, tick in ipairs(axis.log_ticks(low, high, most)) do
    test.ok(tick[1] >= low and tick[1] <= high)
    if tick[2] then out[#out + 1] = tick[2] else bare = bare + 1 end
  end
  return out, bare
end

test("ticks of a logarithmic axis are powers of ten, with 1 2 5 where these are few", function()
  test.eq(labels(0.001, 10, 9), { "0.001", "0.01", "0.1", "1", "10" })
  test.eq(labels(1e-6, 1e3, 9), { "10⁻⁶", "10⁻⁴", "10⁻²", "10⁰", "10²" })
  test.eq(labels(0.9, 60, 9), { "1", "2", "5", "10", "20", "50" })
  test.eq(labels(1e-300, 1e300, 6)[1], "10⁻²⁰²")
  test.eq(select(2, labels(1, 1000, 9)), 24)
  test.eq(labels(2, 4, 9), { "2" })
end)

test("a scale is a little wider than its values, and stands without any", function()
  local scale = axis.scale({ 1, 3, 0 / 0, math.huge }, false)
  test.ok(scale.low < 1 and scale.low > 0.8 and scale.high > 3 and scale.high < 3.2)
  scale = axis.scale({ 0, 0.01, 100 }, true)
  test.ok(scale.log and scale.low > 0 and scale.low < 0.01 and scale.high > 100)
  test.eq(axis.scale({ -1, -2 }, true).log, false)
  test.eq(axis.scale({}, true).low, 0)
  scale = axis.scale({ 5, 5 }, false)
  test.ok(scale.low < 5 and scale.high > 5)
end)

-- f on an n x n grid over [-1, 1]^2
local function grid(f, n)
  local x, z = {}, {}
  for i = 1, n do x[i] = -1 + 2 * (i - 1) / (n - 1) end
  for j = 1, n do
    for i = 1, n do z[(j - 1) * n + i] = f(x[i], x[j]) end
  end
  return x, z
end

test("the contour of a cone is one closed circle", function()
  local x, z = grid(function(a, b) return math.sqrt(a * a + b * b) end, 41)
  local rows = contour.lines(x, x, z, 0.5)
  local lines, length = 0, 0
  for i, row in ipairs(rows) do
    if not row then
      lines = lines + 1
    else
      -- |f''| <= 1/r: linear interpolation over h = 0.05 errs by less than h^2 / (8 r) and a bit
      test.near(math.sqrt(row[1] ^ 2 + row[2] ^ 2), 0.5, 0.05 ^ 2 / (8 * 0.45))
      local next_row = rows[i + 1]
      if next_row then length = length + math.sqrt((row[1] - next_row[1]) ^ 2 + (row[2] - next_row[2]) ^ 2) end
    end
  end
  test.eq(lines, 1)
  test.eq(rows[1], rows[#rows - 1], "it is closed")
  test.near(length, math.pi, 0.01)
end)

test("the contours of a saddle are two open lines that do not cross", function()
  local x, z = grid(function(a, b) return a * b end, 20)
  local lines = 0
  for _, row in ipairs(contour.lines(x, x, z, 0.01)) do
    if not row then lines = lines + 1 else test.ok(row[1] * row[2] > 0) end
  end
  test.eq(lines, 2)
end)

test("a NaN in the grid leaves a hole and nothing else", function()
  local x, z = grid(function(a) return a end, 5)
  z[13] = 0 / 0
  for _, row in ipairs(contour.lines(x, x, z, 0.25)) do
    if row then test.near(row[1], 0.25, 1e-12) end
  end
end)

test("levels are quantiles inside the range, denser near the minimum, and none where the surface is flat", function()
  local values = {}
  for i = 1, 1000 do values[i] = i end
  local levels = contour.levels(values, 10)
  for i, level in ipairs(levels) do
    test.ok(level > 1 and level < 1000)
    if i > 2 then test.ok(level - levels[i - 1] > levels[i - 1] - levels[i - 2]) end
  end
  test.eq(contour.levels({ 3, 3, 3 }, 5), {})
end)

test.close()
