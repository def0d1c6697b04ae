-- tw.linalg: conventions, errors, bits, the library behind it. (Values: linalg_golden_spec. Derivatives: linalg_grad_spec.)
local test = require "spec"
local tw = require "thalweg"
local core = require "thalweg.core"
local L = tw.linalg

local r = tw.rng(11, "linalg_spec")
local function weigh(y) return (y * tw.rng(5, "weights"):normal(y.shape)):sum() end
local function both(a, b, ...)
  if not b then return weigh(a) end
  return weigh(a) * 1.5 + both(b, ...)
end
local function spd(y) return y:matmul(y:t()) + tw.eye(y.shape[#y.shape]) end

-- Matrices of moderate condition: noise on a multiple of the identity.
local a, a3, b, c = r:normal(3, 3) + 3 * tw.eye(3), r:normal(2, 3, 3) + 3 * tw.eye(3), r:normal(3, 2), r:normal(3)
local tall, wide, tall3 = r:normal(4, 2), r:normal(2, 4), r:normal(2, 4, 3)
local v3 = tw.tensor { { 1, 0, 0 }, { 0, 2, 0 }, { 0, 0, 2 } }
local singular, flat = tw.tensor { { 1, 2 }, { 2, 4 } }, tw.tensor { { 1, 1 }, { 1, 1 }, { 1, 1 } }
local function gradient(f, x) return function() return tw.grad(f)(x) end end

for message, f in next, {
  ["solve: needs a square matrix: a is f64[4 2]"] = function() return L.solve(tall, c) end,
  ["solve: needs a matrix, or a batch of matrices in the last two axes: a is f64[3]"] = function() return L.solve(c, c) end,
  ["solve: a and b differ in their number of rows: a is f64[3 3], b is f64[2 4]"] = function() return L.solve(a, wide) end,
  ["solve: a and b differ in their number of rows: a is f64[2 3 3], b is f64[2 3]; a batch of vectors is b:unsqueeze(-1)"] =
    function() return L.solve(a3, tw.ones(2, 3)) end,
  ["solve: the leading axes do not broadcast: f64[2 3 3], f64[5 3 1]"] = function() return L.solve(a3, tw.ones(5, 3, 1)) end,
  ["solve: the operands must be real and of one dtype: a is f64[3 3], b is f32[3]; convert one with :to()"] =
    function() return L.solve(a, c:to("f32")) end,
  ["solve: the right-hand side must be a vector or a matrix: a is f64[3 3], b is f64[]"] =
    function() return L.solve(a, tw.tensor(1)) end,
  ["solve: needs real numbers: a is i64[2 2]; convert it with :to(\"f64\")"] = function() return L.solve(tw.ones(2, 2, { dtype = "i64" }), c) end,
  ["solve: the matrix is singular: pivot 2 is 0; tw.linalg.lstsq and pinv take such matrices"] = function() return L.solve(singular, tw.ones(2)) end,
  ["inverse: matrix 2 of the batch is singular: pivot 2 is 0"] = function() return L.inverse(tw.stack { tw.eye(2), singular }) end,
  ["inverse: needs a square matrix: a is f64[4 2]"] = function() return L.inverse(tall) end,
  ["triangular_solve: the matrix is singular: element 2 of the diagonal is 0"] =
    function() return L.triangular_solve(tw.tensor { { 1, 0 }, { 1, 0 } }, tw.ones(2)) end,
  ["triangular_solve: unknown option lower; valid: upper, transpose, unit"] = function() return L.triangular_solve(a, c, { lower = true }) end,
  ["cholesky: the matrix is not positive definite: its leading minor of order 2 is not positive"] =
    function() return L.cholesky(tw.tensor { { 1, 2 }, { 2, 1 } }) end,
  ["cholesky: matrix 3 of the batch is not positive definite"] = function() return L.cholesky(tw.stack { tw.eye(2), tw.eye(2), -tw.eye(2) }) end,
  ["cholesky: the matrix is not positive definite: its leading minor of order"] = function() return L.cholesky(tw.full({ 2, 2 }, 0 / 0)) end,
  ["eigh: needs a square matrix: a is f64[4 2]"] = function() return L.eigh(tall) end,
  ["eigh: the matrix has entries that are NaN or infinite"] = function() return L.eigh(tw.full({ 2, 2 }, 0 / 0)) end,
  ["svd: matrix 2 of the batch has entries that are NaN or infinite"] = function() return L.svd(tw.stack { tw.eye(2), tw.full({ 2, 2 }, 1 / 0) }) end,
  ["svd: needs a matrix, or a batch of matrices in the last two axes: a is f64[3]"] = function() return L.svd(c) end,
  ["qr: needs a matrix, or a batch of matrices in the last two axes: a is f64[]"] = function() return L.qr(tw.tensor(1)) end,
  ["lstsq: a and b differ in their number of rows: a is f64[4 2], b is f64[3]"] = function() return L.lstsq(tall, c) end,
  ["lstsq: rcond must be a number >= 0, got -1"] = function() return L.lstsq(tall, r:normal(4), { rcond = -1 }) end,
  ["pinv: unknown option tol; valid: rcond"] = function() return L.pinv(tall, { tol = 1 }) end,
  ["norm: a matrix has no norm of order 3; valid: \"fro\", \"nuc\", 1, -1, 2, -2, math.huge, -math.huge"] = function() return L.norm(a, 3) end,
  ["norm: \"fro\" and \"nuc\" are norms of matrices: x is f64[3]"] = function() return L.norm(c, "nuc") end,
  ["norm: axis 4 is outside 1..3"] = function() return L.norm(a3, 2, { axis = 4 }) end,
  ["norm: the two axes must differ"] = function() return L.norm(a3, { axis = { 1, -3 } }) end,
  ["norm: needs a vector or a matrix, got a 0-d tensor"] = function() return L.norm(tw.tensor(1)) end,
  ["norm: this norm needs at least one entry: x is f64[0]"] = function() return L.norm(tw.zeros(0), math.huge) end,
  ["the order must be a number, \"fro\" or \"nuc\""] = function() return L.norm(a, "frobenius") end,
  ["cond: needs a square matrix: a is f64[4 2]"] = function() return L.cond(tall, 1) end,
  ["matrix_power: needs a square matrix: a is f64[4 2]"] = function() return L.matrix_power(tall, 2) end,
  ["number has no integer representation"] = function() return L.matrix_power(a, .5) end,
  ["unknown name: tw.linalg.solv; did you mean solve?"] = function() return L.solv end,
  ["eigh: no derivative of the vectors where eigenvalues repeat: the matrix has 2 and 2 at 2 and 3; tw.linalg.eigvalsh gives the values alone"] =
    gradient(function(y) return (select(2, L.eigh(y))):sum() end, v3),
  ["eigh: no derivative of the vectors where eigenvalues repeat: the matrix has 2 and 2"] = function() return tw.jvp(L.eigh, v3, v3) end,
  ["svd: no derivative of the vectors where singular values repeat: the matrix has 2 and 2 at 1 and 2; tw.linalg.svdvals gives the values alone"] =
    gradient(function(y) return (L.svd(y)):sum() end, v3),
  ["svd: no derivative of the vectors where a matrix that is not square has singular value 0: the matrix has"] =
    gradient(function(y) return (L.svd(y)):sum() end, flat),
  ["qr: no derivative where columns depend on each other: the matrix has R[2 2] ="] = gradient(function(y) return (L.qr(y)):sum() end, flat),
  ["det: no derivative at a singular matrix: the matrix has pivot 2 = 0"] = gradient(L.det, singular),
  ["slogdet: no derivative at a singular matrix: the matrix has pivot 2 = 0"] = gradient(function(y) return (select(2, L.slogdet(y))) end, singular),
  ["pinv: no derivative by a matrix that has not full rank: the matrix has rank 1 of 2"] = gradient(function(y) return L.pinv(y):sum() end, flat),
  ["lstsq: no derivative by a matrix that has not full rank: the matrix has rank 1 of 2"] = gradient(function(y) return (L.lstsq(y, c)):sum() end, flat),
} do
  test("says: " .. message, function() test.raises(message, f) end)
end

test("an error in a gradient leaves nothing behind", function()
  collectgarbage()
  local _, before = core.memory()
  for _ = 1, 10 do
    test.raises("repeat", gradient(function(y) return (select(2, L.eigh(y))):sum() end, v3))
    test.raises("singular", function() return L.solve(singular, tw.ones(2)) end)
  end
  collectgarbage()
  test.eq(select(2, core.memory()), before)
end)

-- Conventions.

test("eigenvectors and singular vectors have their signs fixed, R a positive diagonal", function()
  local _, v = L.eigh(tw.tensor { { 2, 1 }, { 1, 2 } })
  test.ok(v[{ 1, 1 }]:item() > 0 and v[{ 1, 2 }]:item() > 0, tostring(v))
  local x = r:normal(20, 5, 3)
  local q, rr = L.qr(x)
  test.near((q:matmul(rr) - x):abs():max():item(), 0, 1e-13)
  for i = 1, 20 do
    for j = 1, 3 do test.ok(rr[{ i, j, j }]:item() > 0) end
    local u, s, vt = L.svd(x[i])
    test.near(((u * s):matmul(vt) - x[i]):abs():max():item(), 0, 1e-13)
    for j = 1, 3 do
      local column = u:t()[j]
      local k = column:abs():argmax():item()
      test.ok(column[k]:item() > 0)
    end
  end
end)

test("eigh and cholesky read the lower triangle alone, with a symmetric gradient", function()
  local x = spd(a)
  local lower = x * tw.tensor { { 1, 0, 0 }, { 1, 1, 0 }, { 1, 1, 1 } } + tw.tensor { { 0, 7, 8 }, { 0, 0, 9 }, { 0, 0, 0 } }
  test.eq(L.cholesky(lower):table(), L.cholesky(x):table())
  test.eq({ L.eigvalsh(lower):table(), (select(2, L.eigh(lower))):table() }, { L.eigvalsh(x):table(), (select(2, L.eigh(x))):table() })
  for _, f in ipairs { function(y) return weigh(L.cholesky(y)) end, function(y) return both(L.eigh(y)) end } do
    local g = tw.grad(f)(x)
    test.eq(g:table(), g:t():table())
  end
end)

test("triangular_solve reads one triangle alone", function()
  local x = tw.tensor { { 2, 100 }, { 1, 4 } }
  test.eq(L.triangular_solve(x, tw.tensor { 2, 9 }):table(), { 1.0, 2.0 })
  test.eq(L.triangular_solve(x, tw.tensor { 204, 8 }, { upper = true }):table(), { 2.0, 2.0 })
  test.eq(L.triangular_solve(x, tw.tensor { 2, 3 }, { unit = true }):table(), { 2.0, 1.0 })
  test.eq(tw.grad(function(y) return L.triangular_solve(y, tw.tensor { 2, 9 }):sum() end)(x):table()[1][2], 0.0)
end)

test("lstsq gives solution, residuals, rank and singular values; below full rank the shortest solution", function()
  local x, residuals, rank, s = L.lstsq(flat, tw.tensor { 1, 2, 3 })
  test.near((x - tw.ones(2)):abs():max():item(), 0, 1e-14)
  test.near(residuals:item(), 2, 1e-13)
  test.eq({ rank:item(), rank.dtype, s.shape }, { 1, "i64", { 2 } })
  local _, more = L.lstsq(tall3, tw.ones(4, 5))
  test.eq(more.shape, { 2, 5 })
  test.eq(select(3, L.lstsq(tall, tw.ones(4), { rcond = .99 })):item(), 1)
end)

test("singular matrices: det 0, slogdet 0 and -inf, cond infinite", function()
  local sign, logabs = L.slogdet(singular)
  test.eq({ L.det(singular):item(), sign:item(), logabs:item() }, { 0.0, 0.0, -1 / 0 })
  test.eq({ L.cond(tw.zeros(2, 2)):item(), L.cond(tw.tensor { { 1, 0 }, { 0, 0 } }):item() }, { 1 / 0, 1 / 0 })
end)

test("NaN passes through solve, det and inverse", function()
  local nan = tw.full({ 2, 2 }, 0 / 0)
  test.eq({ L.det(nan):item(), L.inverse(nan):table(), L.solve(nan, tw.ones(2)):table() },
    { 0 / 0, { { 0 / 0, 0 / 0 }, { 0 / 0, 0 / 0 } }, { 0 / 0, 0 / 0 } })
end)

test("matrices of size 0 and 1", function()
  local none, one = tw.zeros(0, 0), tw.tensor { { -4 } }
  test.eq({ L.det(none):item(), L.solve(none, tw.zeros(0)).shape, L.inverse(tw.zeros(3, 0, 0)).shape, L.cholesky(none).shape },
    { 1.0, { 0 }, { 3, 0, 0 }, { 0, 0 } })
  test.eq({ select(2, L.slogdet(none)):item(), L.eigvalsh(none).shape, L.svdvals(tw.zeros(0, 3)).shape, L.pinv(tw.zeros(0, 3)).shape },
    { 0.0, { 0 }, { 0 }, { 3, 0 } })
  local q, rr = L.qr(tw.zeros(3, 0))
  local q2, r2 = L.qr(tw.zeros(0, 3))
  test.eq({ q.shape, rr.shape, q2.shape, r2.shape }, { { 3, 0 }, { 0, 0 }, { 0, 0 }, { 0, 3 } })
  local x, residuals, rank = L.lstsq(tw.zeros(0, 2), tw.zeros(0))
  test.eq({ x:table(), residuals:item(), rank:item() }, { { 0.0, 0.0 }, 0.0, 0 })
  x, residuals = L.lstsq(tw.zeros(2, 0), tw.tensor { 3, 4 })
  test.eq({ x.shape, residuals:item() }, { { 0 }, 25.0 })
  test.eq({ L.matrix_power(none, 3).shape, L.norm(none):item(), L.norm(tw.zeros(0)):item() }, { { 0, 0 }, 0.0, 0.0 })
  test.eq({ L.det(one):item(), L.inverse(one):item(), L.eigvalsh(one):item(), L.svdvals(one):item(), L.cond(one):item() }, { -4.0, -.25, -4.0, 4.0, 1.0 })
  test.eq({ L.solve(one, tw.tensor { 8 }):table(), L.qr(one):item(), L.matrix_power(one, -1):item() }, { { -2.0 }, -1.0, -.25 })
  test.eq(tw.grad(L.det)(none).shape, { 0, 0 })
  for _, f in ipairs { L.inverse, L.eigvalsh, L.svdvals } do test.eq(tw.grad(function(y) return f(y):sum() end)(none).shape, { 0, 0 }) end
  test.eq(tw.grad(function(y) return both(L.eigh(y)) end)(none).shape, { 0, 0 })
  test.eq(tw.grad(function(y) return both(L.svd(y)) end)(tw.zeros(0, 2)).shape, { 0, 2 })
end)

test("matrix_power by hand, for powers 0, 1, -1 and of a batch", function()
  local x = tw.tensor { { 1, 1 }, { 0, 1 } }
  test.eq({ L.matrix_power(x, 0):table(), L.matrix_power(x, 1):table(), L.matrix_power(x, -1):table(), L.matrix_power(x, 1000):table()[1][2] },
    { { { 1.0, 0.0 }, { 0.0, 1.0 } }, { { 1.0, 1.0 }, { 0.0, 1.0 } }, { { 1.0, -1.0 }, { 0.0, 1.0 } }, 1000.0 })
  test.eq(L.matrix_power(tw.stack { x, x }, 0).shape, { 2, 2, 2 })
end)

test("norm takes its options with or without an order", function()
  test.eq({ L.norm(a3, { axis = 1 }).shape, L.norm(a3, { axis = { 1, 2 }, keepdim = true }).shape }, { { 3, 3 }, { 1, 1, 3 } })
  test.eq({ L.norm(a3, 1, { axis = -1, keepdim = true }).shape, L.norm(a3).shape }, { { 2, 3, 1 }, { 2 } })
  test.eq(L.norm(tw.tensor { 0, 2, 0, 3 }, 0):item(), 2.0)
end)

-- Bits.

local function bits(...)
  local out = {}
  for i, t in ipairs { ... } do
    for _, v in ipairs(t:reshape(-1):table()) do out[#out + 1] = string.format("%d %a", i, v) end
  end
  return table.concat(out, " ")
end

local everything = {
  solve = function(x) return L.solve(x, tw.ones(x.shape[#x.shape], 2, { dtype = x.dtype })) end, inverse = L.inverse, det = L.det, slogdet = L.slogdet,
  eigh = L.eigh, svd = L.svd, qr = L.qr, pinv = L.pinv, cholesky = function(x) return L.cholesky(x:matmul(x:t())) end, cond = L.cond, norm = L.norm,
  triangular_solve = function(x) return L.triangular_solve(x, x:t()) end,
  lstsq = function(x) return L.lstsq(x, tw.ones(x.shape[#x.shape], { dtype = x.dtype })) end,
}
for name, f in next, everything do
  test(name .. ": a matrix's bits do not depend on where it stands, nor on its strides", function()
    for _, dtype in ipairs { "f64", "f32" } do
      local batch = (r:normal(5, 7, 7) + 4 * tw.eye(7)):to(dtype)
      local x = batch[3]
      local whole, alone = { f(batch) }, bits(f(x:clone()))
      local part = {}
      for i, y in ipairs(whole) do part[i] = y[3] end
      test.eq(bits(table.unpack(part)), alone, "in a batch")
      test.eq(bits(f(x:t():clone():t())), alone, "transposed in memory")
      test.eq(bits(f(tw.cat({ x, x }, 2):narrow(2, 1, 7))), alone, "a part of a wider matrix")
      test.eq(bits(f(x:clone())), alone, "again")
      for _, y in ipairs(whole) do test.ok(y.dtype == dtype or y.dtype == "i64", y.dtype) end
    end
  end)
end

test("a gradient has the same bits whether or not it is differentiated again", function()
  local cases = { solve = function(y) return weigh(L.solve(y, b)) end, det = L.det, inverse = function(y) return weigh(L.inverse(y)) end }
  for name, f in next, cases do
    local inner
    local plain = tw.grad(f)(a)
    tw.grad(function(y)
      inner = tw.grad(f)(y):keep()
      return inner:sum()
    end)(a)
    test.eq(bits(inner), bits(plain), name)
  end
end)

-- f32 against f64: 1e-4 leaves room for conditions of some tens.
for name, f in next, everything do
  test(name .. ": f32 is f64 rounded, and so is its gradient", function()
    local x = r:normal(6, 6) + 4 * tw.eye(6)
    local got, want = { f(x:to("f32")) }, { f(x) }
    for i = 1, #want do
      local exact = want[i]:to("f64")
      test.near((got[i]:to("f64") - exact):abs():max():item(), 0, 1e-4 * (1 + exact:abs():max():item()), "result " .. i)
    end
    local function loss(y) return both(f(y)) end
    if name == "lstsq" then loss = function(y) return weigh((f(y))) end end
    local g32, g64 = tw.grad(function(y) return loss(y:to("f64")) end)(x:to("f32")), tw.grad(loss)(x)
    local own = tw.grad(function(y) return (f(y) * f(y)):sum() end)
    test.near((g32:to("f64") - g64):abs():max():item(), 0, 1e-3 * (1 + g64:abs():max():item()), "gradient through a conversion")
    local a32, a64 = own(x:to("f32")), own(x)
    test.eq(a32.dtype, "f32")
    test.near((a32:to("f64") - a64):abs():max():item(), 0, 1e-2 * (1 + a64:abs():max():item()), "gradient")
  end)
end

-- The library.

test("the library and its kernels are known by name", function()
  test.ok(core.blas():find("^OpenBLAS [%d.]+, core %w+$"), core.blas())
  if io.popen("uname -m"):read("l") == "x86_64" then test.ok(core.blas():find("core Haswell", 1, true), core.blas()) end
end)

-- What a line prints in a process of its own, with that environment.
local function elsewhere(environment, line)
  local path = os.tmpname()
  local file = assert(io.open(path, "w"))
  file:write("local tw = require 'thalweg'\n", line, "\n")
  file:close()
  local pipe = io.popen(string.format("env %s '%s' lua '%s' 2>&1", environment, os.getenv("THALWEG"), path))
  local text = pipe:read("a")
  pipe:close()
  os.remove(path)
  return text
end

if os.getenv("THALWEG") then
  test("the caller's OPENBLAS_CORETYPE changes no bit and comes back", function()
    local line = "local x = tw.rng(1, 'x'):normal(60, 60) io.write(tw.linalg.svdvals(x):sum():item(), ' ', os.getenv('OPENBLAS_CORETYPE') or 'none')"
    local plain, other = elsewhere("-u OPENBLAS_CORETYPE", line), elsewhere("OPENBLAS_CORETYPE=SkylakeX OPENBLAS_NUM_THREADS=7", line)
    test.ok(plain:match("^[%d.]+ none$"), plain)
    test.eq(other, (plain:gsub("none$", "SkylakeX")))
  end)

  test("a missing library is told with the package that brings it", function()
    local text = elsewhere("THALWEG_OPENBLAS=/nowhere/libopenblas.so.0", "print(pcall(tw.linalg.det, tw.eye(2)))")
    test.ok(text:find("det: OpenBLAS cannot be loaded: /nowhere/libopenblas.so.0", 1, true), text)
    test.ok(text:find("install the package libopenblas-serial-dev", 1, true), text)
    text = elsewhere("THALWEG_OPENBLAS=libm.so.6", "print(pcall(tw.linalg.det, tw.eye(2)))")
    test.ok(text:find("det: libm.so.6 has no dgetrf_; install the package libopenblas-serial-dev", 1, true), text)
  end)
else
  test.skip("the library in another environment", "THALWEG does not name the command")
end

test.close()
