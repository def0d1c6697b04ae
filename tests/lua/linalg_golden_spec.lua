-- tw.linalg against PyTorch and NumPy: values and gradients of a few hundred matrices (tests/golden/make_linalg.py says which). Both sides are backward
-- stable and the matrices' conditions stay below some hundreds, so results may differ by about 1e-13 of their scale, gradients by the square of the
-- condition: 1e-10 is asked for in f64 and 2e-3 in f32.
local test = require "spec"
local tw = require "thalweg"
local golden = require "golden.linalg"
local L = tw.linalg

local function numbers(seed, shape)
  local n, state, out = 1, seed, {}
  for _, d in ipairs(shape) do n = n * d end
  for i = 1, n do
    state = state * 1103515245 + 12345 & 0x7fffffff
    out[i] = state / 2 ^ 31 * 2 - 1
  end
  return tw.tensor(out):reshape(shape)
end

local function sym(x) return (x + x:t()) * .5 end
local functions = {
  solve = L.solve, inverse = L.inverse, det = L.det, slogdet = L.slogdet, pinv = L.pinv, svd = L.svd, svdvals = L.svdvals, qr = L.qr,
  cond = L.cond, norm = L.norm,
  cholesky = function(x) return L.cholesky(x:matmul(x:t()) + tw.eye(x.shape[x.ndim], { dtype = x.dtype })) end,
  eigh = function(x) return L.eigh(sym(x)) end, eigvalsh = function(x) return L.eigvalsh(sym(x)) end,
  lstsq = function(a, b)
    local x, residuals = L.lstsq(a, b)
    return x, residuals
  end,
  lower = L.triangular_solve, upper = function(a, b) return L.triangular_solve(a, b, { upper = true }) end,
  unit = function(a, b) return L.triangular_solve(a, b, { upper = true, unit = true }) end,
  transposed = function(a, b) return L.triangular_solve(a, b, { transpose = true }) end,
  power = function(x) return L.matrix_power(x, 5) end, negative_power = function(x) return L.matrix_power(x, -3) end,
}
for name, order in next, { cond_fro = "fro", cond_1 = 1, cond_min = -2 } do functions[name] = function(x) return L.cond(x, order) end end
for name, order in next, { norm_nuc = "nuc", norm_1 = 1, norm_inf = math.huge, norm_2 = 2, norm_min = -2 } do
  functions[name] = function(x) return L.norm(x, order) end
end
for name, order in next, { vector_2 = 2, vector_3 = 3, vector_inf = math.huge, vector_0 = 0 } do
  functions[name] = function(x) return L.norm(x, order, { axis = -1 }) end
end

local function same(got, want, tolerance, note)
  got = got:reshape(-1):table()
  test.eq(#got, #want, note)
  for i = 1, #want do test.near(got[i], want[i], tolerance * (1 + math.abs(want[i])), note .. " element " .. i) end
end

local function show(shapes)
  local out = {}
  for i, s in ipairs(shapes) do out[i] = "[" .. table.concat(s, " ") .. "]" end
  return table.concat(out, " and ")
end

for _, case in ipairs(golden) do
  test(case.f .. " of " .. show(case.shapes) .. " is PyTorch's, and so is its gradient", function()
    local f = functions[case.f]
    for dtype, tolerance in next, { f64 = 1e-10, f32 = 2e-3 } do
      local x = {}
      for i, shape in ipairs(case.shapes) do x[i] = numbers(case.seed + i - 1, shape):to(dtype) end
      local function results(a, ...)
        if a.shape[a.ndim] == a.shape[a.ndim - 1] then a = a + 1.5 * tw.eye(a.shape[a.ndim], { dtype = dtype }) end
        return { f(a, ...) }
      end
      local out = results(table.unpack(x))
      test.eq(#out, #case.out, dtype)
      for i, want in ipairs(case.out) do same(out[i], want, tolerance, dtype .. " result " .. i) end
      local grads = { tw.grad(function(...)
        local loss
        for i, y in ipairs(results(...)) do
          local term = (y * numbers(case.seed + 4 + i, y.shape):to(dtype)):sum()
          loss = loss and loss + term or term
        end
        return loss
      end, { wrt = #x == 2 and { 1, 2 } or { 1 } })(table.unpack(x)) }
      for i, want in ipairs(case.grad) do same(grads[i], want, tolerance * 10, dtype .. " gradient " .. i) end
    end
  end)
end

test.close()
