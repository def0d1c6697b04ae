#!/usr/bin/env thalweg
-- What are the derivatives of f = B sigma(A y + b), and in which order are they multiplied? The Jacobians in y, A, b and B are tensors with up to three
-- indices; the network, which completes lower halves of digits from upper ones, equals the slides' closed forms. Starting from the error, left to right,
-- everything stays a vector; from the right, the Jacobian in A is formed first, and the same direction costs thirty times the multiplications.
-- rows: E11 E12
-- plot: thalweg plot runs/single_layer_jacobians.h5 cost --x units --by order --log xy
local tw = require "thalweg"
local space, einsum = tw.space, tw.einsum

local digits = tw.data.csv("digits.csv", { target = "digit" })
local K, inputs, outputs = 20, 32, 32
local metric = { y = "in_input", A = "in_inner", b = "in_offset", B = "in_outer" } -- names of metrics have small letters

local function f(w, y) return w.B:matmul((w.A:matmul(y) + w.b):sigmoid()) end

-- The part of one example in the direction of A, e_i B^i_k s'^k_j y^l, in two orders.
local orders = {
  ["left to right"] = function(e, B, slope, y) return einsum("j,l->jl", einsum("i,ij->j", e, B) * slope, y) end,
  ["right to left"] = function(e, B, slope, y) return einsum("i,ijl->jl", e, einsum("ij,jl->ijl", B, einsum("j,l->jl", slope, y))) end,
}

return tw.experiment {
  name = "single_layer_jacobians",
  about = "What are the Jacobians of a single-layer network, and what does the order of multiplication cost?",
  units = { cost = "multiplications" },
  params = { units = space.choice { 8, 32, 128 }, order = space.choice { "left to right", "right to left" } },
  repeats = 3,
  quick = { repeats = 1, params = { units = space.choice { 8, 32 } } },
  objective = { metric = "cost" },

  run = function(run)
    local n, rng = run.params.units, run:rng("weights")
    local w = { A = rng:normal(n, inputs, { std = 0.3 }), b = rng:normal(n), B = rng:normal(outputs, n, { std = 0.3 }) }
    local some = digits.x[run:rng("examples"):choice(digits.n, K, { replace = false })] / 16
    local y, x = some[{ {}, { 1, 32 } }], some[{ {}, { 33, 64 } }]

    -- the Jacobians at one example; delta is the unit matrix
    local y1, gaps = y[1]:clone(), {}
    local sigma = (w.A:matmul(y1) + w.b):sigmoid()
    local slope, delta = sigma * (1 - sigma), tw.eye(outputs)
    local function with(name) return function(v) return f(setmetatable({ [name] = v }, { __index = w }), y1) end end
    local function compare(kind, name, auto, hand) gaps[kind .. "_" .. metric[name]] = (auto - hand):norm() / hand:norm() end
    compare("jacobian", "y", tw.jacobian(function(v) return f(w, v) end)(y1), einsum("ik,k,kj->ij", w.B, slope, w.A))
    compare("jacobian", "A", tw.jacobian(with "A")(w.A), einsum("ij,j,l->ijl", w.B, slope, y1))
    compare("jacobian", "b", tw.jacobian(with "b")(w.b), einsum("ij,j->ij", w.B, slope))
    compare("jacobian", "B", tw.jacobian(with "B")(w.B), einsum("ij,l->ijl", delta, sigma))

    -- the directions, 2/K times the sum over the examples, against minus the gradient of the mean squared error
    local d, cost = { A = tw.zeros(n, inputs), b = tw.zeros(n), B = tw.zeros(outputs, n) }, 0
    for k = 1, K do
      local s = (w.A:matmul(y[k]) + w.b):sigmoid()
      local e, ds = x[k] - w.B:matmul(s), s * (1 - s)
      local counts, part = tw.count(orders[run.params.order], e, w.B, ds, y[k])
      cost = cost + counts.multiply_adds + counts.elements
      d.A, d.b, d.B = d.A + 2 / K * part, d.b + 2 / K * e:matmul(w.B) * ds, d.B + 2 / K * einsum("i,j->ij", e, s)
    end
    local g = tw.grad(function(w) return (x - ((y:matmul(w.A:t()) + w.b):sigmoid()):matmul(w.B:t())):square():sum() / K end)(w)
    for name in pairs(g) do compare("direction", name, -g[name], d[name]) end
    gaps.cost = cost / K
    run:log(gaps)
  end,

  claims = function(sweep, claim)
    for _, name in ipairs { "y", "A", "b", "B" } do
      local measured = sweep:values("jacobian_" .. metric[name])
      claim("Jacobian in " .. name .. " against the closed form", measured, "<=", 1e-12, name ~= "B" and { why = "rounding" } or
        { why = "rounding", printed = "[grad_b f]^i_(j1,j2) = delta^i_j1 sigma^j2", erratum = "this is the Jacobian in B; that in b has one lower index" })
    end
    for _, name in ipairs { "A", "b", "B" } do
      claim("direction of " .. name .. " against minus the gradient", sweep:values("direction_" .. metric[name]), "<=", 1e-12, { why = "rounding" })
    end
    for _, group in ipairs(sweep:group_by("units")) do
      local n, runs = table.unpack(group)
      local left, right = runs:where { order = "left to right" }:median("cost"), runs:where { order = "right to left" }:median("cost")
      claim(("left to right, %d units"):format(n), left, "==", outputs * n + n + n * inputs, { unit = "multiplications", why = "Nx N1 + N1 + N1 Ny" })
      claim(("right to left over it, %d units"):format(n), right / left, ">", 16,
        { why = "2 Nx Ny + Ny over Nx + Ny + 1 is 32 for halves of digits; half of that" })
    end
  end,
}
