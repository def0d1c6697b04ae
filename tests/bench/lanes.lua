-- Nanoseconds per lane and step of gradient descent with momentum on 0.1 x1^2 + 2 x2^2, written with tensor operations: `thalweg lua tests/bench/lanes.lua`.
-- by hand: the gradient as a product; by tw.grad: of the function as one writes it down.
local tw = require "thalweg"
local core = require "thalweg.core"

local function median_of(f, steps, width)
  f(steps // 10)
  local times = {}
  for i = 1, 5 do
    local t = os.clock()
    f(steps)
    times[i] = (os.clock() - t) / steps / width * 1e9
  end
  table.sort(times)
  return times[3]
end

local function loss(p) return 0.1 * p[1] ^ 2 + 2 * p[2] ^ 2 end

for _, width in ipairs { 1, 10, 100, 1000, 10000 } do
  core.lanes_begin(width)
  local rates, momenta = {}, {}
  for i = 1, width do rates[i], momenta[i] = 0.01 + 0.2 * i / width, 0.5 + 0.4 * i / width end
  local lr, momentum = core.laned(rates, "lr"), core.laned(momenta, "momentum")
  local scale = tw.tensor { 0.2, 4 }
  local function by_hand(steps)
    local x, v = tw.tensor { 3, -2 } + 0 * lr, tw.zeros(2) + 0 * lr
    tw.scope(function()
      for _ = 1, steps do
        tw.scope(function()
          v:assign(momentum * v + scale * x)
          x:assign(x - lr * v)
        end)
      end
    end)
  end
  local gradient = tw.grad(loss)
  local function by_grad(steps)
    local x, v = tw.tensor { 3, -2 } + 0 * lr, tw.zeros(2) + 0 * lr
    for _ = 1, steps do
      tw.scope(function()
        v:assign(momentum * v + gradient(x))
        x:assign(x - lr * v)
      end)
    end
  end
  local steps = math.max(200, 200000 // (width + 20))
  local hand, grad = median_of(by_hand, steps, width), median_of(by_grad, steps, width)
  print(string.format("%6d lanes: by hand %8.1f, by tw.grad %8.1f ns per lane and step", width, hand, grad))
  core.lanes_end()
end
