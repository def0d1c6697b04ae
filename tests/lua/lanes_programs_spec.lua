-- Random programs: what a program computes from numbers that differ between lanes is, in each lane, what it computes from plain numbers, bit for bit;
-- also after some lanes have been dropped. TW_PROGRAMS=n runs more of them.
local test = require "spec"
local tw = require "thalweg"
local core = require "thalweg.core"

local shapes = { {}, { 2 }, { 3 }, { 2, 3 }, { 4, 5 }, { 1, 3 }, { 12 }, { 3, 2, 2 }, { 20 }, { 9, 3 } }
local pick = math.random

-- One step: takes x, y (of x's shape), the numbers a and b and the generator g; returns new tensors, or nothing where x does not suit.
local steps = {
  function(x, y) return x + y, x * y end,
  function(x, _, a, b) return x * a, b - x end,
  function(x) return tw.tanh(x), tw.sin(x), x:norm(), x:logsumexp() end,
  function(x) if x.ndim > 0 then return x:sum(pick(x.ndim)), x:max(pick(x.ndim)), x:mean(pick(x.ndim), { keepdim = true }) end end,
  function(x) return x:sum(), x:reshape(-1) end,
  function(x) if x.ndim > 0 then return x:t(), x:flip(pick(x.ndim)), x[pick(#x)], x[{ { 1, -1, 2 } }] end end,
  function(x) if x.ndim > 0 and #x > 1 then return x:narrow(1, 2, #x - 1) end end,
  function(x, y) return tw.stack { x, y } end,
  function(x, y) if x.ndim > 0 then return tw.cat({ x, y }, pick(x.ndim)) end end,
  function(x, _, a, b) return tw.where(x:gt(b), x, a), x:clamp(-a, 2) end,
  function(x) if x.ndim > 0 then return x:cumsum(pick(x.ndim)), x:sort(pick(x.ndim)), x:softmax(pick(x.ndim)) end end,
  function(x) if x.ndim > 1 then return x:gather(1, x:argsort(1)), x:matmul(x:transpose()), tw.einsum("...ij,...kj->...ik", x, x) end end,
  function(x) if x.ndim == 1 then return x:dot(x), x[x:argsort()] end end,
  function(x, _, _, _, g) return x:dropout(.3, g), g:normal(x.shape) + x end,
  function(x, _, _, _, g) if x.ndim > 0 and #x > 1 then return x[g:randint(1, #x, pick(4))] end end,
  function(x) return x:expand(2, table.unpack(x.shape)):reshape(-1) end,
  function(x, _, a) -- in place, through a view
    local whole = x:clone()
    local view = whole.ndim > 0 and whole[pick(#whole)] or whole
    view:assign(a)
    return whole, view
  end,
  function(x, y)
    local whole = tw.zeros(x.shape)
    local view = whole:reshape(-1)
    whole:assign(y)
    return whole, view
  end,
  function(x, _, a) if x.ndim > 0 then return tw.vmap(function(r) return r * r:sum() + a end)(x) end end,
  function(x, _, a) if x.ndim > 0 then return tw.vmap(tw.sin)(x):assign(a), tw.vmap(function() return tw.ones(2) * a end)(x) end end,
  function(x) if x.ndim > 1 then return tw.vmap(tw.vmap(function(r) return tw.tanh(r) + r:sum() end))(x) end end,
  function(x, y, a, b)
    y = y:clone() -- x's memory may be y's, and x is being differentiated
    local curved = tw.hvp(function(q) return (q * q * a):sum() ^ 2 end)(x, y)
    return curved, tw.grad(function(q) return (tw.sin(q * y) * q:reshape(-1)[1]):mean() + q:prod() * b end)(x)
  end,
  function(x, _, a) if x.ndim > 0 then return tw.vmap(tw.grad(function(q) return (q ^ 3 * a):sum() end))(x) end end,
  function(x, _, _, b)
    if x.ndim > 0 then return tw.grad(function(q) return tw.vmap(function(r) return (r * q[1]):sum() ^ 2 * b end)(q):sum() end)(x) end
  end,
  function(x, _, a)
    if x.size > 12 then return end
    local jacobian = tw.jacobian(function(q) return tw.vmap(function(r) return r * a + q:sum() end)(q) end)
    return tw.hessian(function(q) return tw.tanh(q * a):sum() ^ 2 end)(x:reshape(-1)), jacobian(x:reshape(-1))
  end,
  function(x, _, _, b) return select(2, tw.jvp(function(q) return tw.exp(q * .1) * q:sum() end, x, tw.ones(x.shape) * b)) end,
  function(x)
    if x.ndim ~= 2 or #x > 5 then return end
    local m = x:matmul(x:t()) + tw.eye(#x) * 3
    return tw.linalg.cholesky(m), tw.linalg.solve(m, x)
  end,
}

local function program(seed, a, b, s)
  math.randomseed(seed)
  local g, pool = tw.rng(s, "program"), {}
  local function add(...)
    for _, x in ipairs { ... } do
      if core.is_tensor(x) and x.dtype == "f64" and x.size <= 400 and x.ndim <= 5 then pool[#pool + 1] = x end
    end
  end
  for i = 1, 3 do
    local shape = shapes[pick(#shapes)]
    add(tw.rng(i):normal(shape), g:normal(shape) * a, tw.ones(shape) + b)
  end
  for _ = 1, 14 do
    local x = pool[pick(#pool)]
    local y = pool[pick(#pool)]
    add(steps[pick(#steps)](x, y.size == x.size and y:reshape(x.shape) or x, a, b, g))
  end
  return pool
end

local function bits(x)
  local out = { x.dtype, table.concat(x.shape, " ") }
  for i, v in ipairs(x:reshape(-1):table()) do out[i + 2] = v ~= v and "nan" or string.format("%a", v) end
  return table.concat(out, ",")
end

local function check(seed)
  math.randomseed(-seed)
  local width, columns, kept = ({ 1, 2, 3, 5, 8 })[pick(5)], { {}, {}, {} }, {}
  for i = 1, width do
    columns[1][i], columns[2][i], columns[3][i] = pick() * 2 + .1, pick() - .4, pick(1000)
    if pick() < .6 or i == width then kept[#kept + 1] = i end
  end
  core.lanes_begin(width)
  local ok, results = pcall(program, seed, core.laned(columns[1], "a"), core.laned(columns[2], "b"), core.laned(columns[3], "s"))
  local got = {}
  for k, x in ipairs(ok and results or {}) do
    got[k] = {}
    for i = 1, width do got[k][i] = bits(core.lane(x, i)) end
  end
  if ok then core.lanes_compact(kept) end
  for k, x in ipairs(ok and results or {}) do
    for j, i in ipairs(kept) do test.eq(bits(core.lane(x, j)), got[k][i], "after lanes were dropped") end
    for j, i in ipairs(kept) do test.eq(bits(core.lane(x * 2, j)), bits(core.lane(x, j) * 2), "computed with afterwards, " .. i) end
  end
  core.lanes_end()
  for i = 1, width do
    local well, alone = pcall(program, seed, columns[1][i], columns[2][i], columns[3][i])
    if not ok or not well then test.eq({ ok, ok or results }, { well, ok or results }, "fails together and alone") return 0 end
    for k, x in ipairs(alone) do test.eq(got[k][i], bits(x), string.format("lane %d of %d, result %d", i, width, k)) end
  end
  return 1
end

local n = tonumber(os.getenv "TW_PROGRAMS") or 60
test(string.format("%d random programs compute in lanes what they compute alone", n), function()
  local compared = 0
  for seed = 1, n do
    local ok, message = pcall(check, seed)
    core.lanes_end()
    if not ok then error("program " .. seed .. ": " .. tostring(message), 0) end
    compared = compared + message
  end
  test.ok(compared > n * 3 // 4, "most programs run to their end: " .. compared)
end)

test.close()
