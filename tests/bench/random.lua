-- Nanoseconds per random number, one core: `thalweg lua tests/bench/random.lua`. The median of five passes over a million numbers, reused memory.
local tw = require "thalweg"

local n = 1000000
local w = tw.arange(100)
local cases = {
  { "uniform f64", function(r) return r:uniform(n) end },
  { "uniform f32", function(r) return r:uniform(n, { dtype = "f32" }) end },
  { "normal f64", function(r) return r:normal(n) end },
  { "normal f32", function(r) return r:normal(n, { dtype = "f32" }) end },
  { "exponential f64", function(r) return r:exponential(n) end },
  { "truncated_normal f64", function(r) return r:truncated_normal(n) end },
  { "bernoulli f64", function(r) return r:bernoulli(n, { p = .3 }) end },
  { "randint", function(r) return r:randint(1, 100, n) end },
  { "permutation", function(r) return r:permutation(n) end },
  { "choice by 100 weights", function(r) return r:choice(100, n, { weights = w }) end },
  { "choice without replacement", function(r) return r:choice(2 * n, n, { replace = false }) end },
}

for _, case in ipairs(cases) do
  local r, times = tw.rng(1, "bench"), {}
  for pass = 0, 5 do
    local began = os.clock()
    tw.scope(function() case[2](r) end)
    times[pass] = (os.clock() - began) / n * 1e9
  end
  times[0] = nil
  table.sort(times)
  print(string.format("%-28s %6.2f", case[1], times[3]))
end
