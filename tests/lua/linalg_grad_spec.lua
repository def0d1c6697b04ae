-- The derivatives of tw.linalg, held against central differences (h = 1e-6: truncation h^2, rounding 1e-16 / h times the
-- function's condition; 1e-6 of its scale is asked for), and forward mode against reverse mode (the same numbers up to rounding: 1e-9 is asked for).
local test = require "spec"
local tw = require "thalweg"
local L = tw.linalg

local agree = require("derivatives").agree

local function close(got, want, scale, note) test.near(got:item(), want:item(), 1e-9 * (1 + math.abs(scale)), note) end

local function check(name, f, x)
  local v = tw.rng(9, name):normal(x.shape)
  local function slope(g) return function(y) return (tw.grad(g)(y) * v):sum() end end
  local function moved(g) return function(y)
    local _, t = tw.jvp(g, y, v)
    return t
  end end
  test(name .. ": first and second derivatives are those of the central difference", function()
    agree(f, x, "first")
    agree(function(y)
      local g = tw.grad(f)(y)
      return (g * g):sum()
    end, x, "second")
  end)
  test(name .. ": forward mode gives what reverse mode gives, in first, second and mixed order", function()
    local first, second = slope(f)(x), slope(slope(f))(x)
    close(moved(f)(x), first, first:item(), "forward")
    close((tw.hvp(f)(x, v) * v):sum(), second, second:item(), "hvp")
    close(moved(moved(f))(x), second, second:item(), "forward over forward")
    close(slope(moved(f))(x), second, second:item(), "reverse over forward")
    close(moved(slope(f))(x), second, second:item(), "forward over reverse")
  end)
end

-- Matrices of moderate condition: noise on a multiple of the identity.
local r = tw.rng(11, "linalg_spec")
local function square(...) return r:normal(...) + 3 * tw.eye(({ ... })[select("#", ...)]) end
local function sym(y) return (y + y:t()) * .5 end
local function spd(y) return y:matmul(y:t()) + tw.eye(y.shape[#y.shape]) end
local function weigh(y) return (y * tw.rng(5, "weights"):normal(y.shape)):sum() end
local function both(a, b, ...)
  if not b then return weigh(a) end
  return weigh(a) * 1.5 + both(b, ...)
end

local a, a3, b, c = square(3, 3), square(2, 3, 3), r:normal(3, 2), r:normal(3)
local tall, wide, tall3 = r:normal(4, 2), r:normal(2, 4), r:normal(2, 4, 3)

check("solve in a", function(y) return weigh(L.solve(y, b)) end, a)
check("solve in b", function(y) return weigh(L.solve(a, y) ^ 2) end, b)
check("solve in a vector", function(y) return weigh(L.solve(a, y) ^ 2) end, c)
check("solve in both", function(y) return weigh(L.solve(y, y:t())) end, a)
check("solve with a batch on the left", function(y) return weigh(L.solve(y, b)) end, a3)
check("solve with a batch on the right", function(y) return weigh(L.solve(y, tall3:narrow(2, 1, 3))) end, a)
check("solve with a batch and a vector", function(y) return weigh(L.solve(a3, y) ^ 2) end, c)
check("inverse", function(y) return weigh(L.inverse(y)) end, a)
check("inverse of a batch", function(y) return weigh(L.inverse(y)) end, a3)
check("det", function(y) return weigh(L.det(y)) end, a3)
check("det of a strided matrix", function(y) return weigh(L.det(y:t())) ^ 2 end, a)
check("slogdet", function(y)
  local _, logabs = L.slogdet(y)
  return weigh(logabs)
end, a3)
for _, how in ipairs { {}, { upper = true }, { transpose = true }, { upper = true, transpose = true }, { unit = true }, { upper = true, unit = true } } do
  local name = "triangular_solve"
  for _, key in ipairs { "upper", "transpose", "unit" } do name = name .. (how[key] and " " .. key or "") end
  check(name .. " in a", function(y) return weigh(L.triangular_solve(y, b, how)) end, a)
  check(name .. " in b", function(y) return weigh(L.triangular_solve(a, y, how) ^ 2) end, b)
end
check("triangular_solve with a batch", function(y) return weigh(L.triangular_solve(a3, y) ^ 2) end, c)
check("cholesky", function(y) return weigh(L.cholesky(spd(y))) end, a)
check("cholesky of a batch", function(y) return weigh(L.cholesky(spd(y))) end, a3)
check("eigh", function(y) return both(L.eigh(sym(y))) end, a)
check("eigh of a batch", function(y) return both(L.eigh(sym(y))) end, a3)
check("eigh, vectors alone", function(y) return weigh((select(2, L.eigh(sym(y))))) end, a)
check("eigvalsh", function(y) return weigh(L.eigvalsh(sym(y)) ^ 3) end, a)
for name, x in next, { square = a, tall = tall, wide = wide, ["batched tall"] = tall3 } do
  check("svd of a " .. name .. " matrix", function(y) return both(L.svd(y)) end, x)
  check("svd of a " .. name .. " matrix, u alone", function(y) return weigh((L.svd(y))) end, x)
  check("svd of a " .. name .. " matrix, vt alone", function(y) return weigh((select(3, L.svd(y)))) end, x)
  check("svdvals of a " .. name .. " matrix", function(y) return weigh(L.svdvals(y) ^ 2) end, x)
  check("qr of a " .. name .. " matrix", function(y) return both(L.qr(y)) end, x)
  check("qr of a " .. name .. " matrix, q alone", function(y) return weigh((L.qr(y))) end, x)
  check("qr of a " .. name .. " matrix, r alone", function(y) return weigh((select(2, L.qr(y)))) end, x)
  check("pinv of a " .. name .. " matrix", function(y) return weigh(L.pinv(y)) end, x)
  check("lstsq in a " .. name .. " matrix", function(y)
    local solution, residuals = L.lstsq(y, tw.rng(2, "side"):normal(y.shape[#y.shape - 1], 2))
    return weigh(solution) + weigh(residuals)
  end, x)
  check("2-norm, nuclear norm and cond of a " .. name .. " matrix", function(y) return weigh(L.norm(y, 2)) + weigh(L.norm(y, "nuc")) + weigh(L.cond(y)) end, x)
end
check("lstsq in b", function(y) return weigh((L.lstsq(tall, y)) ^ 2) end, r:normal(4))
check("lstsq of a batch and a matrix", function(y) return weigh((L.lstsq(tall3, y)) ^ 2) end, r:normal(4, 2))
check("norms of vectors", function(y) return L.norm(y) + L.norm(y, 1) + L.norm(y, 3) + L.norm(y, math.huge) + L.norm(y, -math.huge) + L.norm(y, .5) end, c)
check("norms of matrices", function(y) return L.norm(y) + L.norm(y, 1) + L.norm(y, -1) + L.norm(y, math.huge) + L.norm(y, -math.huge) end, tall)
check("norms along axes", function(y) return weigh(L.norm(y, 3, { axis = 2 })) + weigh(L.norm(y, 1, { axis = { 3, 1 } })) end, tall3)
check("cond in other norms", function(y) return L.cond(y, 1) + L.cond(y, "fro") + L.cond(y, -2) end, a)
check("matrix_power", function(y) return weigh(L.matrix_power(y, 5)) + weigh(L.matrix_power(y, -2)) + weigh(L.matrix_power(y, 1)) end, a * .5)

-- Derivatives that exist where a careless formula breaks.

test("the 2-norm of zeros has derivative zero, and so have its kin", function()
  test.eq(tw.grad(function(y) return L.norm(y) end)(tw.zeros(3)):table(), { 0.0, 0.0, 0.0 })
  test.eq(tw.grad(function(y) return L.norm(y, 3) end)(tw.zeros(2)):table(), { 0.0, 0.0 })
  test.eq(tw.grad(function(y) return L.norm(y) end)(tw.zeros(1, 2)):table(), { { 0.0, 0.0 } })
end)

test("repeated values have derivatives where the function does not see single ones", function()
  local e = tw.eye(3) * 2
  test.eq(tw.grad(function(y) return (L.eigvalsh(y) ^ 2):sum() end)(e):table(), { { 4.0, 0.0, 0.0 }, { 0.0, 4.0, 0.0 }, { 0.0, 0.0, 4.0 } })
  test.near(select(2, tw.jvp(function(y) return L.svdvals(y):sum() end, e, tw.ones(3, 3))):item(), 3, 1e-14)
  local g = tw.grad(function(y) return (L.pinv(y) * tw.arange(9):reshape(3, 3)):sum() end)(e)
  test.eq(g:table(), (tw.arange(9):reshape(3, 3) * -.25):table())
end)

test.close()
