-- Ordering, scans, gathering, parts of matrices, masks, norms, einsum and indexing: their meaning at the edges, their derivatives (against central differences:
-- h = 1e-6 leaves an error near 1e-9 of the scale of the function, 1e-6 is asked for), their bits and their messages. Values: structured_spec.lua.
local test = require "spec"
local tw = require "thalweg"

local inf, nan = 1 / 0, 0 / 0
local function i64(t) return tw.tensor(t, { dtype = "i64" }) end
local function bits(x)
  local out = {}
  for i, v in ipairs(x:reshape(-1):table()) do out[i] = string.pack("d", v) end
  return table.concat(out)
end

-- Derivatives.

local agree = require("derivatives").agree

local function check(name, f, x)
  test(name .. " has the right first and second derivatives", function()
    agree(f, x, "first")
    agree(function(y)
      local g = tw.grad(f)(y)
      return (g * g):sum()
    end, x, "second")
  end)
end

local r = tw.rng(5, "select_spec")
local x, v, w3 = r:normal(3, 4), r:normal(3, 4), r:normal(2, 4, 3)
local index = i64 { { 3, 1, 1, 2 }, { 3, 1, 2, 2 } }
local with_zeros = tw.tensor { { 0, 1, 2, -1 }, { 1, 0, .5, 0 }, { 2, 3, -1, 1 } }

check("sort", function(y) return ((y:sort()) ^ 2 * v):sum() end, x)
check("sort, descending along the first axis", function(y) return ((y:sort(1, { descending = true })) ^ 3 * v):sum() end, x)
check("topk", function(y) return ((y:topk(2)) ^ 3):sum() end, x)
check("cumsum", function(y) return (y:cumsum(2) ^ 3):sum() end, x)
check("cumsum of a transposed view", function(y) return (y:t():cumsum(1) ^ 3):sum() end, x)
check("cumprod", function(y) return (y:cumprod(2) * v):sum() end, x)
check("cumprod with zeros", function(y) return (y:cumprod(2) * v):sum() + (y:cumprod(1) ^ 2):sum() end, with_zeros)
check("flip and split", function(y) return (y:flip(2) * y):sum() + (y:split({ 1, 3 }, 2)[2] ^ 3):sum() end, x)
check("gather", function(y) return (y:gather(1, index) ^ 3):sum() end, x)
check("scatter_add in x", function(y) return (y:scatter_add(1, index, v[{ { 1, 2 } }]) ^ 3):sum() end, x)
check("scatter_add in its source", function(y) return (v:scatter_add(1, index, y[{ { 1, 2 } }]) ^ 3):sum() end, x)
check("diag and triangles", function(y)
  return (y:diag(1) ^ 3):sum() + (tw.diag(y[1]) ^ 3):sum() + (y:tril() ^ 2):sum() + (y:triu(1) ^ 3):sum()
end, x)
check("clamp", function(y) return (y:clamp(-.5, v:abs() + .1) ^ 3):sum() end, x)
check("clamp in its bound", function(y) return (v:clamp(nil, y) ^ 3):sum() end, x)
check("norms", function(y)
  return (y:norm(1) * y:norm(2, { p = 1 }):sum()):sum() + y:norm({ p = 3 }) + y:norm(1, { p = math.huge }):sum() + y:norm({ p = -math.huge })
end, x)
check("einsum of one tensor", function(y) return (tw.einsum("ij->j", y) ^ 3):sum() + (tw.einsum("ii->i", y[{ {}, { 1, 3 } }]) ^ 3):sum() end, x)
check("einsum of two", function(y) return (tw.einsum("ij,kj->ik", y, v) ^ 2):sum() + (tw.einsum("ij,kjl->kil", y, w3) ^ 2):sum() end, x)
check("einsum of four with itself", function(y) return tw.einsum("ij,kj,kl,il->", y, y, y, v) end, x)
check("einsum with an ellipsis", function(y) return (tw.einsum("...j,j...->...", y, y[{ {}, { 1, 4 } }]:t()[{ {}, { 1, 3 } }]) ^ 2):sum() end, x)
check("several index tensors, a mask and a range with a step", function(y)
  return (y[{ i64 { 1, 3, 1 }, i64 { { 2 }, { -1 } } }] ^ 3):sum() + (y[v:gt(0)] ^ 3):sum() + (y[{ {}, { -1, 1, -2 } }] ^ 3):sum()
end, x)

test("norms of zeros have gradient zero", function()
  test.eq(tw.grad(function(y) return y:norm() + y:norm({ p = 3 }) end)(tw.zeros(2)):table(), { 0.0, 0.0 })
end)

-- Order.

test("NaN is above every number, -0 equals 0, ties keep their order", function()
  local odd = tw.tensor { nan, inf, 0.0, -0.0, -inf, 0.0, nan }
  local _, up = odd:sort()
  local _, down = odd:sort({ descending = true })
  test.eq(up:table(), { 5, 3, 4, 6, 2, 1, 7 })
  test.eq(down:table(), { 1, 7, 2, 3, 4, 6, 5 })
  test.eq(tw.tensor({ true, false, true }):argsort():table(), { 2, 1, 3 })
  test.eq(i64({ math.mininteger, math.maxinteger, 0 }):argsort():table(), { 1, 3, 2 })
end)

test("long lines are sorted as table.sort does", function()
  local y = tw.rng(1, "sort"):normal(1000)
  local want = y:table()
  table.sort(want)
  test.eq((y:sort()):table(), want)
  test.eq(y[y:argsort()]:table(), want)
end)

-- Scans.

test("an element of a cumulative sum or product is the sum or product so far, bit for bit, under every layout", function()
  for _, dtype in ipairs { "f64", "f32" } do
    local y = tw.rng(2, "scan"):normal(700):to(dtype)
    local wide = tw.zeros(700, 3, { dtype = dtype })
    wide[{ {}, 2 }]:assign(y)
    for _, name in ipairs { "sum", "prod" } do
      local f = tw["cum" .. name]
      local scan = f(y):to("f64"):table()
      for n = 1, 700, 23 do test.eq(scan[n], y[{ { 1, n } }][name](y[{ { 1, n } }]):item(), name .. " " .. n) end
      test.ok(bits(f(wide, 1)[{ {}, 2 }]:to("f64")) == bits(f(y):to("f64")), "as a column")
      test.ok(bits(f(y:flip():clone():flip()):to("f64")) == bits(f(y):to("f64")), "back to front")
    end
  end
  test.eq({ i64({ 1, 2, 3 }):cumsum():table(), i64({ 1, 2, 3 }):cumprod():table(), tw.zeros(0):cumsum().shape }, { { 1, 3, 6 }, { 1, 2, 6 }, { 0 } })
end)

-- einsum.

test("einsum of two matrices is matmul, bit for bit, and its order of operands does not matter", function()
  local a, b = r:normal(7, 30), r:normal(30, 5)
  local want = bits(a:matmul(b))
  test.ok(bits(tw.einsum("ij,jk->ik", a, b)) == want)
  test.ok(bits(tw.einsum("jk,ij->ik", b, a)) == want)
  test.ok(bits(tw.einsum("ji,jk->ik", a:t(), b)) == want)
  test.ok(bits(tw.einsum("ij,jk->ki", a, b):t()) == want)
  test.ok(bits(tw.einsum("ijl,jlk->ik", a:reshape(7, 6, 5), b:reshape(6, 5, 5))) == want, "several summed letters run row-major")
end)

test("einsum contracts the cheap pair first", function()
  local n = 300
  local a, b, c = tw.ones(n, n), tw.ones(n, n), tw.ones(n)
  local y = tw.einsum("ij,jk,k->i", a, b, c)
  test.eq(y[1]:item(), n * n * 1.0)
  local wide = {}
  for i = 1, 40 do wide[i] = tw.full({ 2, 2 }, .5) end
  local spec = {}
  local letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
  for i = 1, 40 do spec[i] = letters:sub(i, i + 1) end
  test.eq(tw.einsum(table.concat(spec, ",") .. "->aO", table.unpack(wide)):table(), { { .5, .5 }, { .5, .5 } })
end)

test("einsum over nothing, with nothing, and of empty tensors", function()
  test.eq(tw.einsum("ij,jk->ik", tw.zeros(2, 0), tw.zeros(0, 3)):table(), { { 0.0, 0.0, 0.0 }, { 0.0, 0.0, 0.0 } })
  test.eq(tw.einsum(",", tw.tensor(2), tw.tensor(3)):item(), 6.0)
  test.eq(tw.einsum("", tw.tensor(2)):item(), 2.0)
  test.eq(tw.einsum(" b i , i -> b ", tw.ones(2, 3), tw.ones(3)):table(), { 3.0, 3.0 })
  test.eq(tw.einsum("...", tw.ones(2)):table(), { 1.0, 1.0 })
  test.eq(tw.einsum("...i->i", tw.ones(2, 3)):table(), { 2.0, 2.0, 2.0 })
  test.eq(tw.einsum("i->", i64 { 1, 2 }):item(), 3)
end)

test("logsumexp neither overflows nor underflows, and keeps the limits", function()
  local ln2 = math.log(2)
  for _, case in ipairs {
    { { 1e3, 1e3 }, 1e3 + ln2 }, { { -1e3, -1e3 }, -1e3 + ln2 }, { { 1e308, 1e308 }, 1e308 }, { { -1e308, 0 }, 0.0 }, { { inf, 1 }, inf },
    { { inf, -inf }, inf }, { { -inf, -inf }, -inf }, { { -inf, 3 }, 3.0 }, { { nan, 1 }, nan }, { { 5e-324, 5e-324 }, ln2 },
  } do
    local got = tw.tensor(case[1]):logsumexp():item()
    test.ok(got == case[2] or got ~= got and case[2] ~= case[2] or math.abs(got - case[2]) <= 2e-16 * math.abs(case[2]), case[1][1] .. ": " .. got)
    test.eq(tw.tensor({ case[1], case[1] }):logsumexp(2)[2]:item(), got)
  end
end)

-- Masks, numbers, operators.

test("masks combine with & | ~ and the functions of the same meaning", function()
  local p, q = tw.tensor { true, true, false, false }, tw.tensor { true, false, true, false }
  test.eq({ (p & q):table(), (p | q):table(), (p ~ q):table(), (~p):table() },
    { { true, false, false, false }, { true, true, true, false }, { false, true, true, false }, { false, false, true, true } })
  test.eq({ tw.logical_and(p, q).dtype, tw.logical_not(tw.tensor { 0, 2, nan }):table() }, { "bool", { true, false, false } })
  test.eq({ p:eq(q):table(), q:lt(p):table(), p:isnan():any():item(), p:eq(1):table(), (p & i64 { 0, 2, 2, 0 }):table() },
    { { true, false, false, true }, { false, true, false, false }, false, { true, true, false, false }, { false, true, false, false } })
  test.eq({ p:all():item(), p:any():item(), tw.zeros(0):all():item(), tw.zeros(0):any():item() }, { false, true, true, false })
  test.eq({ tw.zeros(0, 2):all(1):table(), tw.ones(2, 3):all({ keepdim = true }).shape, tw.tensor(1):all():item() }, { { true, true }, { 1, 1 }, true })
end)

test("% and // are Lua's own", function()
  for _, a in ipairs { 5.5, -5.5, 0.0, 7, -7, 1e300 } do
    for _, b in ipairs { 2, -2, .75, 1e-3, inf } do
      test.eq((tw.tensor(a) % b):item(), a % b, a .. " % " .. b)
      test.eq((tw.tensor(a) // b):item(), a // b, a .. " // " .. b)
    end
  end
  for _, a in ipairs { 7, -7, 0, math.mininteger } do
    for _, b in ipairs { 3, -3, -1 } do test.eq({ (i64(a) % i64(b)):item(), (i64(a) // i64(b)):item() }, { a % b, a // b }) end
  end
  test.eq({ (i64 { 5 } % 0):table(), (i64 { 5 } // 0):table() }, { { 0 }, { 0 } })
end)

test("clamp takes numbers, tensors, one bound, and leaves NaN", function()
  test.eq(tw.tensor({ -1, .5, 9 }):clamp(0, 1):table(), { 0.0, .5, 1.0 })
  test.eq({ tw.clamp(3, nil, 2):item(), i64({ -5, 5 }):clamp(-1, 1):table() }, { 2.0, { -1, 1 } })
  test.eq(tw.tensor({ nan, 1 }):clamp(0, tw.tensor { 5, .5 }):table(), { nan, .5 })
  test.eq(tw.grad(function(y) return y:clamp(0, 1):sum() end)(tw.tensor { -1, 0, .5, 1, 2 }):table(), { 0.0, 1.0, 1.0, 1.0, 0.0 })
end)

-- Indexing.

local m = tw.arange(12):reshape(3, 4)

test("index tensors act axis by axis, masks stand for as many axes as they have, ranges may step", function()
  test.eq(m[{ i64 { 1, 3 }, i64 { 4, 1 } }]:table(), { { 4.0, 1.0 }, { 12.0, 9.0 } })
  test.eq(m[{ i64 { 1, -1 }, tw.tensor { true, false, false, true } }]:table(), { { 1.0, 4.0 }, { 9.0, 12.0 } })
  test.eq(m[{ m:gt(9) }]:table(), { 10.0, 11.0, 12.0 })
  test.eq(tw.stack({ m, -m }, 3)[{ m:gt(10), 2 }]:table(), { -11.0, -12.0 })
  test.eq(m[m:gt(99)].shape, { 0 })
  test.eq({ m[{ { -1, 1, -2 }, 1 }]:table(), m[{ {}, { 2, 4, 2 } }].shape, m[{ { -2, -1 }, -1 }]:table() }, { { 9.0, 1.0 }, { 3, 2 }, { 8.0, 12.0 } })
  test.eq({ m[{ { 2, 1 } }].shape, m[{ { 1, 2, -1 } }].shape, m[{ { 1, 3, math.maxinteger } }].shape, m[{ { 3, 1, math.mininteger } }].shape },
    { { 0, 4 }, { 0, 4 }, { 1, 4 }, { 1, 4 } })
  test.eq({ m[i64(2)].shape, m[{ {}, i64 { { 1, 2 }, { 3, -1 } } }].shape, m[{}].shape, m[{ 1, i64 {} }].shape }, { { 4 }, { 3, 2, 2 }, { 3, 4 }, { 0 } })
  local y = m:clone()
  y[{ { 3, 1, -2 }, { 1, 2 } }]:assign(0)
  test.eq(y:sum(2):table(), { 7.0, 26.0, 23.0 })
end)

-- Printing and tables.

test("prints every dtype, special values, nothing, and much", function()
  local function shows(text, y) test.eq(tostring(y), text) end
  shows("f64[5] [  nan   inf  -inf    -0 1e-10]", tw.tensor { nan, inf, -inf, -0.0, 1e-10 })
  shows("f64[] nan", tw.tensor(-nan))
  shows("f32[2] [0.333333        2]", tw.tensor({ 1 / 3, 2 }, { dtype = "f32" }))
  shows("f64[2] [1234567 1.5e+20]", tw.tensor { 1234567, 1.5e20 })
  shows("i64[2] [-9223372036854775808                    7]", i64 { math.mininteger, 7 })
  shows("bool[2] [ true false]", tw.tensor { true, false })
  shows("bool[] true", tw.tensor(true))
  shows("f64[0] []", tw.zeros(0))
  shows("f64[2 0 3] []", tw.zeros(2, 0, 3))
  shows("f64[2 1 2]\n[[[1 1]]\n\n [[1 1]]]", tw.ones(2, 1, 2))
  shows("f64[2000] [   1    2    3 ... 1998 1999 2000]", tw.arange(2000))
  shows("f64[1001 1]\n[[   1]\n [   2]\n [   3]\n ...\n [ 999]\n [1000]\n [1001]]", tw.arange(1001):reshape(-1, 1))
  for line in tostring(tw.rng(0, "p"):normal(3, 40)):gmatch("[^\n]+") do test.ok(#line <= 102, line) end
  shows("f64[2 2]\n[[1 3]\n [2 4]]", tw.tensor({ { 1, 2 }, { 3, 4 } }):t())
end)

test("tables come back as they were given", function()
  for _, t in ipairs { { { 1, 2 }, { 3, 4 } }, { { true }, { false } }, {}, { {}, {} }, { { { math.maxinteger } } } } do
    local dtype = type(t[1]) == "table" and type(t[1][1]) == "table" and "i64" or nil
    test.eq(tw.tensor(t, { dtype = dtype }):table(), t)
  end
  test.eq({ tw.tensor(2):table(), tw.tensor(true):table(), m:t()[{ { 4, 1, -3 } }]:table() }, { 2.0, true, { { 4.0, 8.0, 12.0 }, { 1.0, 5.0, 9.0 } } })
end)

-- Messages.

local e = tw.einsum
for message, f in next, {
  ["sort: a 0-d tensor has no axis"] = function() return tw.tensor(1):sort() end,
  ["sort: unknown option reverse; valid: descending"] = function() return m:sort({ reverse = true }) end,
  ["axis 3 is outside 1..2"] = function() return m:argsort(3) end,
  ["topk: k is 5, axis 2 of f64[3 4] has 4 elements"] = function() return m:topk(5) end,
  ["cumsum: along which axis? x is f64[3 4]"] = function() return m:cumsum() end,
  ["cumprod: a bool tensor has no such scan; count with x:to(\"i64\"): bool[1]"] = function() return tw.tensor({ true }):cumprod() end,
  ["split: the sizes must add up to 3, the size of axis 1"] = function() return m:split { 1, 1 } end,
  ["split: size 2 must be a whole number >= 0, got -1"] = function() return m:split { 1, -1 } end,
  ["the size of a part must be at least 1"] = function() return m:split(0) end,
  ["gather: the index must have as many axes as the tensor, and no other axis longer than its: f64[3 4], i64[2]"] = function()
    return m:gather(1, i64 { 1, 2 })
  end,
  ["gather: index 4 (element 2 of the index tensor) is outside 1..3"] = function() return m:gather(1, i64 { { 1, 4 } }) end,
  ["gather: the index must be an i64 tensor (or a bool mask), got f64[3 4]; convert it with :to(\"i64\")"] = function() return m:gather(1, m) end,
  ["scatter_add: what is added must have the index's shape: f64[3 4], f64[3 4], i64[1 1]"] = function() return m:scatter_add(1, i64 { { 1 } }, m) end,
  ["scatter_add: the tensor and what is added must be numbers of one dtype"] = function()
    return m:scatter_add(1, i64 { { 1 } }, tw.ones(1, 1, { dtype = "f32" }))
  end,
  ["one_hot: index 3 (element 1 of the index tensor) is outside 1..2"] = function() return i64({ 3 }):one_hot(2) end,
  ["one_hot: the number of classes of an empty tensor must be given"] = function() return i64({}):one_hot() end,
  ["tril: a matrix is needed: f64[4]"] = function() return m[1]:tril() end,
  ["diag: a vector or a matrix is needed, got f64[]"] = function() return tw.tensor(1):diag() end,
  ["clamp: give a lower bound, an upper bound or both"] = function() return m:clamp() end,
  ["norm: p must be a number, got a string"] = function() return m:norm(1, { p = "inf" }) end,
  ["norm: p must be a number, got nan"] = function() return m:norm({ p = nan }) end,
  ["einsum: at least one tensor is needed"] = function() return e("i") end,
  ["einsum: \"ij\": 1 operands are named, 2 are given"] = function() return e("ij", m, m) end,
  ["einsum: \"ij->\": operand 1 is f64[4], the spec names 2 axes"] = function() return e("ij->", m[1]) end,
  ["einsum: \"ij,jk\": axis j has size 3 in operand 2 and 4 before"] = function() return e("ij,jk", m, m) end,
  ["einsum: \"ij->ik\": the result's axis k stands in no operand"] = function() return e("ij->ik", m) end,
  ["einsum: \"ij->ii\": the result names axis i twice"] = function() return e("ij->ii", m) end,
  ["einsum: \"i1\": '1' is no name of an axis; names are letters"] = function() return e("i1", m) end,
  ["einsum: \"ij>i\": '>' is no name of an axis"] = function() return e("ij>i", m) end,
  ["einsum: \"ij-i\": an arrow is written ->"] = function() return e("ij-i", m) end,
  ["einsum: \"ij->i,j\": ',' does not belong into the result"] = function() return e("ij->i,j", m) end,
  ["einsum: \"..ij\": an ellipsis is three dots"] = function() return e("..ij", m) end,
  ["einsum: \"...i...\": a term has two ellipses"] = function() return e("...i...", m) end,
  ["einsum: \"...i,...i\": the ellipsis' axes do not broadcast: operand 2 is f64[4 3]"] = function() return e("...i,...i", m[{ {}, { 1, 3 } }], m:t()) end,
  ["einsum: \"i,i\": the operands must be real and of one dtype: operand 1 is f64[4], operand 2 is i64[4]; convert with :to()"] = function()
    return e("i,i", m[1], m[1]:to("i64"))
  end,
  ["einsum: \"abcde,fghij\": the result would have 10 axes, at most 8 are possible"] = function()
    return e("abcde,fghij", tw.ones(1, 1, 1, 1, 1), tw.ones(1, 1, 1, 1, 1))
  end,
  ["an intermediate result would have more than 8 axes; contract in several steps"] = function()
    local y, z = tw.ones(1, 1, 1, 1, 1, 1, 1, 1), tw.ones(1, 1, 1, 1, 1, 1)
    return e("abcdefgh,abijklmn,cdijopqr,efklop,ghmnqr->", y, y, y, z, z)
  end,
  ["mask bool[2] does not fit f64[3 4] from axis 1 on"] = function() return m[tw.tensor { true, false }] end,
  ["mask bool[3 4] does not fit f64[3 4] from axis 2 on"] = function() return m[{ 1, m:gt(0) }] end,
  ["index: the index must be an i64 tensor (or a bool mask), got f64[3 4]"] = function() return m[m] end,
  ["index: index -4 (element 1 of the index tensor) is outside 1..3"] = function() return m[i64 { -4 }] end,
  ["3 indices for f64[3 4]"] = function() return m[{ 1, 1, 1 }] end,
  ["an index is a list without names; it has the key first"] = function() return m[{ first = 1 }] end,
  ["a range is a list without names; it has the key last"] = function() return m[{ { last = 1 } }] end,
  ["a range on axis 1 must be {first, last}, {first, last, step} or {} for all"] = function() return m[{ { 1, 2, 0 } }] end,
  ["range {0, 2} does not fit axis 1 of size 3"] = function() return m[{ { 0, 2 } }] end,
  ["range {1, 3} does not fit axis 1 of size 3"] = function() return m[{ { 1, 3, -1 } }] end,
  ["an index must be a whole number, {first, last}, {} or a tensor; on axis 2 it is x"] = function() return m[{ 1, "x" }] end,
  ["the result of indexing would have 9 axes, at most 8 are possible"] = function()
    return tw.ones(1, 1, 1, 1, 1, 1, 1, 1)[{ {}, tw.ones(1, 1, { dtype = "i64" }) }]
  end,
} do
  test("says: " .. message, function() test.raises(message, f) end)
end

test("a tree that contains itself is an error", function()
  local t = {}
  t.t = t
  test.raises("a tree is nested too deeply (or contains itself)", function() return tw.grad(function(y) return y end)(t) end)
end)

test("a long list survives its scope", function()
  local list = tw.scope(function()
    local l = { tw.ones(1) }
    for _ = 1, 200000 do l = { l } end
    return l
  end)
  while list[1] and type(list[1]) == "table" do list = list[1] end
  test.eq(list[1]:item(), 1.0)
end)

test.close()
