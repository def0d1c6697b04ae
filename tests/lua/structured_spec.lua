-- Reductions, scans, ordering, indexing, gathering, matrices' parts and einsum against NumPy and PyTorch, drawn at random (tests/golden/make_structured.py
-- says how, and where the tolerances come from). Each case is evaluated three times: as it stands, with its operands as views into another layout, and with
-- them embedded in larger tensors; the three must agree bit for bit.
local test = require "spec"
local tw = require "thalweg"
local golden = require "golden.structured"

local inf, nan = 1 / 0, 0 / 0
local oddities = { nan, inf, -inf, -0.0, 0.0, 1.0, 1.0, 2.0, -3.0 }

local function units(seed, shape)
  local n, out = 1, {}
  for _, size in ipairs(shape) do n = n * size end
  for i = 1, n do
    seed = seed * 6364136223846793005 + 1442695040888963407
    out[i] = (seed >> 11) * 2.0 ^ -53
  end
  return out
end

local function plain(x) return x end

-- The same elements behind the strides of the reversed axes.
local function turned(x)
  local back = {}
  for i = 1, x.ndim do back[i] = x.ndim + 1 - i end
  return x.ndim < 2 and x or x:permute(back):clone():permute(back)
end

-- The same elements among others, every second one, back to front.
local function apart(x)
  if x.ndim == 0 then return x end
  local wide, all = {}, {}
  for i, size in ipairs(x.shape) do wide[i], all[i] = 2 * size + 1, size > 0 and { 2 * size, 2, -2 } or { 1, 0 } end
  local inside = tw.full(wide, 7, { dtype = x.dtype })[all]
  inside:assign(x)
  return inside
end

local function environment(layout)
  local function made(f)
    return function(seed, shape, ...)
      local values = units(seed, shape)
      for i, u in ipairs(values) do values[i] = f(u, ...) end
      return layout(tw.tensor(values):reshape(shape))
    end
  end
  return {
    tw = tw, math = math,
    ints = made(function(u, low, high) return math.floor(low + (high - low + 1) * u) end),
    reals = made(function(u) return -4 + 8 * u end),
    odd = made(function(u) return oddities[1 + math.floor(#oddities * u)] end),
    i64 = function(t) return layout(tw.tensor(t, { dtype = "i64" })) end,
    mask = function(t) return layout(tw.tensor(t)) end,
    first = function(a) return a end,
    second = function(_, b) return b end,
  }
end
local layouts = { environment(plain), environment(turned), environment(apart) }

local words = { n = nan, i = inf, ["-i"] = -inf }
local function numbers(text)
  local out = {}
  for word in text:gmatch("%S+") do out[#out + 1] = words[word] or tonumber(word) end
  return out
end

local function bits(t)
  local out = {}
  for i, v in ipairs(t) do out[i] = v ~= v and "nan" or string.pack("d", v) end
  return table.concat(out)
end

for _, case in ipairs(golden) do
  local source, shape, text, bounds = table.unpack(case)
  test(source, function()
    local want, far, first = numbers(text), bounds and numbers(bounds), nil
    for k, env in ipairs(layouts) do
      local y = load("return " .. source, "=case", "t", env)()
      test.eq(y.shape, shape)
      local got = y:to("f64"):reshape(-1):table()
      first = first or bits(got)
      test.ok(bits(got) == first, "layout " .. k .. " gives other bits")
      for i, v in ipairs(want) do
        local same = got[i] == v or v ~= v and got[i] ~= got[i] or far and math.abs(got[i] - v) <= far[i]
        if not same then error(string.format("element %d: expected %.17g, got %.17g, tolerance %g", i, v, got[i], far and far[i] or 0)) end
      end
    end
  end)
end

test.close()
