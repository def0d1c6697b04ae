-- Lecture systems that need the engine alone, as short scripts whose numbers come out: Taylor models, critical points, Jacobians in both directions,
-- index notation, the single-layer network written out.
local test = require "spec"
local tw = require "thalweg"

local function near(got, want, tolerance, note)
  test.eq(got.shape, want.shape, note)
  local a, b = got:reshape(-1):table(), want:reshape(-1):table()
  for i = 1, #b do test.near(a[i], b[i], tolerance, note) end
end

local function rosenbrock(p) return 100 * (p[2] - p[1] ^ 2) ^ 2 + (1 - p[1]) ^ 2 end

-- f(a) + g.d + d'Hd / 2 of any function at any point.
local function taylor(f, a)
  local value, g = tw.value_and_grad(f)(a)
  local h = tw.hessian(f)(a)
  return function(d) return value + g:dot(d) + d:dot(h:matmul(d)) / 2 end
end

-- Slope of log |error| against log h over [1e-3, 1e-1], by least squares.
local function error_slope(f, a, direction)
  local model, x, y = taylor(f, a), {}, {}
  for i = 0, 8 do
    local h = 1e-3 * 100 ^ (i / 8)
    local d = direction * h
    x[#x + 1], y[#y + 1] = math.log(h), math.log(math.abs((f(a + d) - model(d)):item()))
  end
  local n, sx, sy, sxx, sxy = #x, 0, 0, 0, 0
  for i = 1, n do sx, sy, sxx, sxy = sx + x[i], sy + y[i], sxx + x[i] * x[i], sxy + x[i] * y[i] end
  return (n * sxy - sx * sy) / (n * sxx - sx * sx)
end

test("A1: the error of the second-order Taylor model falls as h^3", function()
  test.near(error_slope(function(p) return p:exp():sum() end, tw.tensor { .3, -.2, .1 }, tw.tensor { 1, 1, -1 } / 3 ^ .5), 3, .05)
  test.near(error_slope(rosenbrock, tw.tensor { -.5, 1 }, tw.tensor { .6, .8 }), 3, .05)
end)

test("A1: the model is exact on a quadratic", function()
  local a = tw.tensor { { 3, 1 }, { 1, 2 } }
  local function f(p) return p:dot(a:matmul(p)) / 2 + p[1] - 4 end
  local at, d = tw.tensor { 1, 2 }, tw.tensor { 10, -7 }
  test.near(taylor(f, at)(d):item(), f(at + d):item(), 1e-12)
end)

-- Newton's method on grad f = 0, then the Hessian's eigenvalues say what the point is.
local function critical_point(f, start)
  local x = start
  for _ = 1, 50 do
    x = x - tw.linalg.solve(tw.hessian(f)(x), tw.grad(f)(x))
  end
  local w = tw.linalg.eigh(tw.hessian(f)(x))
  local low, high = w:min():item(), w:max():item()
  local kind = low > 1e-8 and "minimum" or high < -1e-8 and "maximum" or (low < -1e-8 and high > 1e-8) and "saddle" or "degenerate"
  return x, w, kind
end

test("A2, B3: critical points found, classified by the eigenvalues of the Hessian", function()
  local function f(x) return x[1] ^ 2 + x[1] * (1 - x[2]) + x[2] ^ 2 - x[2] * x[3] + x[3] ^ 2 + x[3] end
  local x, w, kind = critical_point(f, tw.tensor { 1, 1, 1 })
  near(x, tw.tensor { -1, -1, -1 }, 1e-12)
  near(w, tw.tensor { 2 - 2 ^ .5, 2, 2 + 2 ^ .5 }, 1e-12)
  test.eq(kind, "minimum")
  x, w, kind = critical_point(function(p) return p[1] ^ 2 - p[2] ^ 2 end, tw.tensor { .5, .7 })
  near(x, tw.zeros(2), 1e-12)
  test.eq(kind, "saddle")
end)

test("A2: x^4 - 5x^2 - 3x has two minima and a maximum; x^4 has a degenerate minimum", function()
  local function f(p) return (p ^ 4 - 5 * p ^ 2 - 3 * p):sum() end
  for start, want in next, { [2] = { 1.713939436185, "minimum" }, [-1.2] = { -1.401771247841, "minimum" }, [0] = { -0.312168188344, "maximum" } } do
    local x, _, kind = critical_point(f, tw.tensor { start })
    test.near(x:item(), want[1], 1e-11)
    test.eq(kind, want[2])
  end
  test.near(f(critical_point(f, tw.tensor { 2 })):item(), -11.200334708696, 1e-11)
  local _, _, kind = critical_point(function(p) return (p ^ 4):sum() end, tw.tensor { 1 })
  test.eq(kind, "degenerate")
end)

local r = tw.rng(1, "lectures")
local A, b, B, y, target = r:normal(5, 4), r:normal(5), r:normal(3, 5), r:normal(4), r:normal(3)
local function net(p) return p.B:matmul((p.A:matmul(p.y) + p.b):sigmoid()) end
local p = { A = A, b = b, B = B, y = y }

test("E7: the gradient of the mean square error is the sum of error' times Jacobian", function()
  local x, t, w = r:normal(20, 4), r:normal(20, 3), r:normal(4, 3)
  local g = tw.grad(function(v) return ((x:matmul(v) - t) ^ 2):sum() / 20 end)(w)
  local sum = tw.zeros(4, 3)
  for i = 1, 20 do
    local function output(v) return x[i]:matmul(v) end
    local e, j = output(w) - t[i], tw.jacobian(output)(w)
    sum = sum + e:matmul(j:reshape(3, 12)):reshape(4, 3) * (2 / 20)
  end
  near(g, sum, 1e-12)
end)

test("E8: forward propagation and adjoint agree, <u, J v> = <J' u, v>", function()
  local u = r:normal(3)
  local v = tw.tree.map(function(t) return r:normal(t.shape) end, p)
  local _, jv = tw.jvp(net, p, v)
  local _, pullback = tw.vjp(net, p)
  test.near(u:dot(jv):item(), tw.tree.dot(pullback(u), v):item(), 1e-12)
end)

test("E8: the adjoint costs a few evaluations whatever the number of parameters, forward mode a tangent per direction, 64 in an evaluation", function()
  local evaluations
  local function count(q)
    evaluations = evaluations + 1
    return (net(q) ^ 2):sum()
  end
  evaluations = 0
  tw.grad(count)(p)
  test.eq(evaluations, 1)
  evaluations = 0
  local flat, restore = tw.tree.flatten(p)
  tw.jacobian(function(q) return count(restore(q)):reshape(1) end, { mode = "forward" })(flat)
  test.eq(evaluations, (flat.size + 63) // 64)
  evaluations = 0
  tw.jacobian(function(q) return count(restore(q:narrow(1, 1, flat.size))):reshape(1) end, { mode = "forward" })(tw.cat { flat, tw.zeros(100) })
  test.eq(evaluations, (flat.size + 163) // 64)
end)

test("E11: the Jacobians of B sigma(A y + b) are the closed forms in index notation", function()
  local z = A:matmul(y) + b
  local s = z:sigmoid()
  local ds = s * (1 - s)
  local function by(name)
    return tw.jacobian(function(t)
      local q = { A = A, b = b, B = B, y = y }
      q[name] = t
      return net(q)
    end)(p[name])
  end
  near(by "y", tw.einsum("ij,j,jk->ik", B, ds, A), 1e-12)
  near(by "A", tw.einsum("ij,j,k->ijk", B, ds, y), 1e-12)
  near(by "b", tw.einsum("ij,j->ij", B, ds), 1e-12)
  near(by "B", tw.einsum("ij,k->ijk", tw.eye(3), s), 1e-12)
end)

test("E12: update directions for A, b and B", function()
  local g = tw.grad(function(q) return ((net(q) - target) ^ 2):sum() / 2 end)(p)
  local s = (A:matmul(y) + b):sigmoid()
  local e = B:matmul(s) - target
  local back = B:t():matmul(e) * s * (1 - s)
  near(g.B, tw.einsum("i,j->ij", e, s), 1e-12)
  near(g.b, back, 1e-12)
  near(g.A, tw.einsum("i,j->ij", back, y), 1e-12)
end)

test("E12: from the left the product of Jacobians costs vectors, from the right matrices", function()
  local n, layers = 60, {}
  for i = 1, 6 do layers[i] = r:normal(n, n) end
  local e = r:normal(n)
  local function left()
    local v = e
    for i = #layers, 1, -1 do v = v:matmul(layers[i]) end
    return v
  end
  local function right()
    local m = layers[1]
    for i = 2, #layers do m = layers[i]:matmul(m) end
    return e:matmul(m)
  end
  local function cost(f)
    local t = os.clock()
    for _ = 1, 200 do tw.scope(f) end
    return os.clock() - t
  end
  local size = right():norm():item()
  near(left() / size, right() / size, 1e-12)
  print(string.format("  order of multiplication, n = %d, 6 layers: from the right takes %.1f times as long as from the left", n, cost(right) / cost(left)))
end)

-- Contractions against loops.
local function loops(sizes, out, operand_specs, operands)
  local letters, at = {}, {}
  for letter in next, sizes do letters[#letters + 1] = letter end
  table.sort(letters)
  local sums = {}
  local function walk(k)
    if k <= #letters then
      for i = 1, sizes[letters[k]] do
        at[letters[k]] = i
        walk(k + 1)
      end
      return
    end
    local product, key = 1, 0
    for i, spec in ipairs(operand_specs) do
      local place = {}
      for letter in spec:gmatch "." do place[#place + 1] = at[letter] end
      product = product * operands[i][place]:item()
    end
    for letter in out:gmatch "." do key = key * sizes[letter] + at[letter] - 1 end
    sums[key + 1] = (sums[key + 1] or 0) + product
  end
  walk(1)
  return tw.tensor(sums)
end

test("E9, E10: Einstein notation of any order equals loops and differentiates in every operand", function()
  local sizes = { i = 2, j = 3, k = 2, l = 3 }
  for spec, parts in next, { ["ij,jk->ik"] = { "ij", "jk" }, ["ijkl,kl->ij"] = { "ijkl", "kl" }, ["ijk,jl,l->ik"] = { "ijk", "jl", "l" } } do
    local operands, used = {}, {}
    for i, part in ipairs(parts) do
      local shape = {}
      for letter in part:gmatch "." do
        shape[#shape + 1] = sizes[letter]
        used[letter] = sizes[letter]
      end
      operands[i] = r:normal(shape)
    end
    local out = spec:match("->(.*)")
    near(tw.einsum(spec, table.unpack(operands)):reshape(-1), loops(used, out, parts, operands), 1e-12, spec)
    test.eq(tw.checkgrad(function(q) return (tw.einsum(spec, table.unpack(q)) ^ 2):sum() end, operands), true, spec)
  end
end)

test.close()
