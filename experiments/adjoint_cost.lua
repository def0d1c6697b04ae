#!/usr/bin/env thalweg
-- What does a gradient cost? A network completes the lower half of handwritten digits from the upper half. Its gradient is the sum over the examples of the
-- error times the Jacobian, -2/K sum e_k' J_k; the adjoint gets it for about three evaluations of the loss, however many parameters there are. Forward mode
-- gives one directional derivative for about as much, so a gradient takes one pass per parameter. Costs are counted: multiplications, and elements of the rest.
-- rows: E7 E8
-- plot: thalweg plot runs/adjoint_cost.h5 cost --x width --by mode --log xy
local tw = require "thalweg"

local digits = tw.data.csv("digits.csv", { target = "digit" })
local K = 100

local function cost(f, ...)
  local c = tw.count(f, ...)
  return c.multiply_adds + c.elements
end

return tw.experiment {
  name = "adjoint_cost",
  about = "How many evaluations does a gradient cost, by the adjoint and by forward mode?",
  units = { cost = "evaluations", one_pass = "evaluations" },
  params = { width = tw.space.choice { 2, 4, 8, 16, 32 }, mode = tw.space.choice { "adjoint", "forward" } },
  repeats = 3,
  quick = { repeats = 1, params = { width = tw.space.choice { 2, 4, 8 } } },
  objective = { metric = "cost" },

  run = function(run)
    local model = tw.nn.mlp { 32, run.params.width, 32, activation = "tanh" }
    local some = digits.x[run:rng("examples"):choice(digits.n, K, { replace = false })] / 16
    local upper, lower = some[{ {}, { 1, 32 } }], some[{ {}, { 33, 64 } }]
    local theta, shaped = tw.tree.flatten(model:init(run:rng("init")))
    local function f(theta, y) return model(shaped(theta), y) end
    local function loss(theta) return (lower - f(theta, upper)):square():sum() / K end

    -- E7: the gradient as a sum over examples of error times Jacobian
    local gradient, sum = tw.grad(loss)(theta), tw.zeros(#theta)
    for k = 1, 10 do -- ten of the examples: their part of the gradient
      sum = tw.scope(function() return sum - 2 / 10 * (lower[k] - f(theta, upper[k])):matmul(tw.jacobian(f)(theta, upper[k])) end)
    end
    local part = tw.grad(function(theta) return (lower[{ { 1, 10 } }] - f(theta, upper[{ { 1, 10 } }])):square():sum() / 10 end)(theta)

    -- E8: forward and adjoint are transposes, <u, J v> = <J' u, v>
    local rng = run:rng("directions")
    local u, v = rng:normal(K, 32), rng:normal(#theta)
    local function all(theta) return f(theta, upper) end
    local _, jv = tw.jvp(all, theta, v)
    local _, pullback = tw.vjp(all, theta)
    local left, right = (u * jv):sum(), pullback(u):dot(v)

    local function forward_mode() -- every directional derivative along an axis, one after the other
      local slopes = {}
      for i = 1, #theta do
        slopes[i] = tw.scope(function()
          local unit = tw.zeros(#theta)
          unit[i]:assign(1)
          return select(2, tw.jvp(loss, theta, unit)):item()
        end)
      end
      return tw.tensor(slopes)
    end
    local once, result = cost(loss, theta), nil
    local whole = cost(function() result = run.params.mode == "adjoint" and tw.grad(loss)(theta) or forward_mode() end)
    run:log {
      parameters = #theta, cost = whole / once, one_pass = run.params.mode == "adjoint" and whole / once or cost(tw.jvp, loss, theta, v) / once,
      sum_gap = (sum - part):norm() / part:norm(), transpose_gap = (left - right):abs() / (u:norm() * jv:norm()),
      modes_gap = (result - gradient):norm() / gradient:norm(),
    }
  end,

  claims = function(sweep, claim)
    local texts = { sum = "gradient against the sum of error times Jacobian", transpose = "<u, J v> against <J' u, v>", modes = "forward mode against adjoint" }
    for name, text in pairs(texts) do claim(text, sweep:values(name .. "_gap"), "<=", 1e-12, { why = "rounding; relative to the norms" }) end
    local adjoint, forward = sweep:where { mode = "adjoint" }, sweep:where { mode = "forward" }
    claim("cost of the adjoint, any number of parameters", adjoint:values("cost"), "<=", 5,
      { unit = "evaluations", why = "Baur and Strassen 1983: at most five times the function" })
    claim("cost of one direction in forward mode", forward:values("one_pass"), "<=", 5, { unit = "evaluations", why = "a tangent beside each value" })
    claim("passes of forward mode, per parameter", forward:values(function(one)
      return one:final("cost") / one:final("one_pass") / one:final("parameters")
    end), "~", 1, { rel = 0.01, why = "one per parameter; one per cent for writing the unit vectors" })
  end,
}
