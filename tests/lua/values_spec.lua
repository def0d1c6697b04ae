-- Every elementwise row against mpmath, NumPy and PyTorch (tests/golden/make_values.py says how): edges and drawn arguments, in both dtypes. The error is
-- counted in units in the last place; SLEEF promises one for its functions, compositions add up their parts; each row's allowance stands in the file.
local test = require "spec"
local tw = require "thalweg"
local golden = require "golden.values"

local inf, nan = 1 / 0, -(0 / 0) -- x86 makes 0 / 0 with the sign bit set
local edges = { 0.0, -0.0, inf, -inf, nan, 5e-324, -1e-310, 1e-300, -1e-300, 1e-20, -1e-20, 1e-8, -1e-8, 0.5, -0.5, 1.0, -1.0, 1.5, -1.5, 2.5, -2.5,
  3.0, -3.0, 20.0, -20.0, 37.0, -37.0, 88.7, -88.7, 104.0, -104.0, 709.7, -709.7, 745.1, -745.1, 1000.0, -1000.0, 1e10, -1e10, 1e17, 1e150, 1e300, -1e300 }
local pairs_of = { 0.0, -0.0, inf, -inf, nan, 5e-324, 1e-300, 1e-8, 0.5, -0.5, 1.0, -1.0, 2.0, -3.0, 800.0, -1e10, 1e200, -1e300 }
local n_drawn = 48

local function drawn(seed, low, high, n)
  local out = {}
  for i = 1, n do
    seed = seed * 6364136223846793005 + 1442695040888963407
    out[i] = low + (high - low) * ((seed >> 11) * 2.0 ^ -53)
  end
  return out
end

-- The arguments of a row, as one list per operand.
local function arguments(n_in, seed, low, high)
  local a, b = {}, {}
  if n_in == 1 then
    table.move(edges, 1, #edges, 1, a)
    table.move(drawn(seed, low, high, n_drawn), 1, n_drawn, #a + 1, a)
    return { a }
  end
  for _, x in ipairs(pairs_of) do
    for _, y in ipairs(pairs_of) do a[#a + 1], b[#b + 1] = x, y end
  end
  local more = drawn(seed, low, high, 2 * n_drawn)
  for i = 1, n_drawn do a[#a + 1], b[#b + 1] = more[2 * i - 1], more[2 * i] end
  return { a, b }
end

local words = { n = nan, i = inf, ["-i"] = -inf, ["0"] = 0.0, ["-0"] = -0.0 }
local function numbers(text)
  local out = {}
  for word in text:gmatch("%S+") do out[#out + 1] = words[word] or tonumber(word) + 0.0 end
  return out
end

-- The distance to the next number of the dtype.
local function ulp(x, dtype)
  local bits, least = 53, 2.0 ^ -1074
  if dtype == "f32" then bits, least = 24, 2.0 ^ -149 end
  x = math.abs(x)
  if x == inf then return 0 end
  local e = 2.0 ^ -1074
  if x >= 2.0 ^ -1022 then
    local exponent = (string.unpack("<i8", string.pack("<d", x)) >> 52) - 1023
    e = 2.0 ^ (exponent - bits + 1)
  end
  return math.max(e, least)
end

-- Where the result is a zero, its sign counts but for these.
local any_zero = { selu = true, log_sigmoid = true, clamp_min = true, clamp_max = true }
-- These go through an exponential that may leave the normal range before they do: near its end they lose bits, beyond it they are 0.
local fading = { silu = true, mish = true }
local normal = { f64 = 2.0 ^ -1022, f32 = 2.0 ^ -126 }

local function agrees(name, dtype, got, want, tolerance)
  if want ~= want then return got ~= got end
  if want == 0 and got == 0 then return any_zero[name] or 1 / want == 1 / got end
  if fading[name] and math.abs(want) < 1000 * normal[dtype] then tolerance = tolerance + normal[dtype] end
  return got == want or math.abs(got - want) <= tolerance
end

for _, row in ipairs(golden) do
  local name, n_in, dtype, seed, low, high, ulps, size_counts, text = table.unpack(row)
  test(name .. " is within " .. ulps .. " ulps in " .. dtype, function()
    local lists, want, operands = arguments(n_in, seed, low, high), numbers(text), {}
    for k, list in ipairs(lists) do operands[k] = tw.tensor(list, { dtype = dtype }) end
    local got, used, wrong = tw[name](table.unpack(operands)):to("f64"):table(), {}, {}
    for k, operand in ipairs(operands) do used[k] = operand:table() end
    test.eq(#got, #want)
    for i = 1, #want do
      local scale = math.abs(want[i])
      for k = 1, n_in * size_counts do scale = math.max(scale, used[k][i] == used[k][i] and math.abs(used[k][i]) or 0) end
      if not agrees(name, dtype, got[i], want[i], (ulps + .01) * ulp(scale, dtype)) and #wrong < 12 then
        local at = string.format("%.17g", used[1][i]) .. (n_in == 2 and string.format(", %.17g", used[2][i]) or "")
        wrong[#wrong + 1] = string.format("%s(%s): expected %.17g, got %.17g (%.2f ulps)", name, at, want[i], got[i],
          math.abs(got[i] - want[i]) / ulp(scale, dtype))
      end
    end
    test.ok(#wrong == 0, table.concat(wrong, "\n  "))
  end)
end

test("a number alone gives the bits it gives inside a tensor", function()
  for _, row in ipairs(golden) do
    local name, n_in, dtype, seed, low, high = table.unpack(row)
    if dtype == "f64" then
      local lists = arguments(n_in, seed, low, high)
      local function at(a, b) return n_in == 1 and tw[name](tw.tensor(a)) or tw[name](tw.tensor(a), tw.tensor(b)) end
      local whole = at(lists[1], lists[2]):to("f64"):table()
      for i = 1, #whole, 5 do
        local one = at(lists[1][i], n_in == 2 and lists[2][i]):to("f64"):item()
        test.ok(string.pack("d", one) == string.pack("d", whole[i]) or one ~= one and whole[i] ~= whole[i], name .. " element " .. i)
      end
    end
  end
end)

test.close()
