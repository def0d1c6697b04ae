-- Tensors as a script sees them.
local test = require "spec"
local tw = require "thalweg"

local x = tw.tensor { { 1, 2, 3 }, { 4, 5, 6 } }

test("makes tensors from numbers, tables and booleans", function()
  test.eq({ x.shape, x.ndim, x.size, x.dtype }, { { 2, 3 }, 2, 6, "f64" })
  test.eq({ tw.tensor(2.5):item(), tw.tensor(2.5).shape }, { 2.5, {} })
  test.eq({ tw.tensor({ true, false }).dtype, tw.tensor({ true, false }):table() }, { "bool", { true, false } })
  test.eq({ tw.tensor({ 1, 2 }, { dtype = "i64" }):table(), tw.tensor({ .1 }, { dtype = "f32" }):item() }, { { 1, 2 }, 0.10000000149011612 })
  test.eq(tw.tensor {}.shape, { 0 })
end)

test("zeros, ones, full, eye, arange, linspace and logspace", function()
  test.eq({ tw.zeros(2, 2):table(), tw.zeros { 2 }:table(), tw.zeros():item() }, { { { 0.0, 0.0 }, { 0.0, 0.0 } }, { 0.0, 0.0 }, 0.0 })
  test.eq({ tw.ones(2, { dtype = "i64" }):table(), tw.full({ 2 }, 7):table() }, { { 1, 1 }, { 7.0, 7.0 } })
  test.eq(tw.eye(2):table(), { { 1.0, 0.0 }, { 0.0, 1.0 } })
  test.eq({ tw.arange(3):table(), tw.arange(0, 1, .5):table(), tw.arange(3, 1, -1):table() }, { { 1.0, 2.0, 3.0 }, { 0.0, .5, 1.0 }, { 3.0, 2.0, 1.0 } })
  test.eq({ tw.linspace(0, 1, 5):table(), tw.logspace(1, 100, 3):table()[3] }, { { 0.0, .25, .5, .75, 1.0 }, 100.0 })
end)

test("indexes from 1, from the end, by ranges, masks and index tensors", function()
  test.eq(x[1]:table(), { 1.0, 2.0, 3.0 })
  test.eq(x[-1]:table(), { 4.0, 5.0, 6.0 })
  test.eq(x[{ 2, 3 }]:item(), 6.0)
  test.eq(x[{ {}, { 2, -1 } }]:table(), { { 2.0, 3.0 }, { 5.0, 6.0 } })
  test.eq(x[x:gt(3)]:table(), { 4.0, 5.0, 6.0 })
  test.eq(x[tw.tensor { false, true }]:table(), { { 4.0, 5.0, 6.0 } })
  test.eq(x[{ {}, tw.tensor({ 3, 1 }, { dtype = "i64" }) }]:table(), { { 3.0, 1.0 }, { 6.0, 4.0 } })
  test.eq(x[{ 2, tw.tensor({ 3, 1 }, { dtype = "i64" }) }]:table(), { 6.0, 4.0 })
  test.eq(x:narrow(2, 2, 2):table(), { { 2.0, 3.0 }, { 5.0, 6.0 } })
  test.eq(x[tw.tensor({ { 1, 2 } }, { dtype = "i64" })].shape, { 1, 2, 3 })
end)

test("views share their numbers, clones do not", function()
  local y = x:clone()
  y[1]:assign(0)
  y:t()[{ 3, 2 }]:assign(9)
  test.eq(y:table(), { { 0.0, 0.0, 0.0 }, { 4.0, 5.0, 9.0 } })
  test.eq(x[1]:table(), { 1.0, 2.0, 3.0 })
end)

test("broadcasts, and numbers take the dtype they meet", function()
  test.eq((x + tw.tensor { 10, 20, 30 }):table()[2], { 14.0, 25.0, 36.0 })
  test.eq((x:to("f32") * 2).dtype, "f32")
  test.eq((tw.tensor({ 1 }, { dtype = "i64" }) + 1).dtype, "i64")
  test.eq((tw.tensor({ 1 }, { dtype = "i64" }) + .5):table(), { 1.5 })
  test.eq((tw.tensor({ 1 }, { dtype = "i64" }) / 2):table(), { .5 })
  test.eq((tw.tensor({ 3 }, { dtype = "i64" }) * x:to("f32")[1]).dtype, "f32")
  test.eq({ (2 - x)[1]:table(), (1 / x)[{ 1, 2 }]:item(), (-x)[{ 1, 1 }]:item() }, { { 1.0, 0.0, -1.0 }, .5, -1.0 })
end)

test("reduces over axes", function()
  test.eq({ x:sum():item(), x:sum(1):table(), x:sum(-1, { keepdim = true }):table() }, { 21.0, { 5.0, 7.0, 9.0 }, { { 6.0 }, { 15.0 } } })
  test.eq({ x:mean({ 1, 2 }):item(), x:max(2):table(), x:min():item(), x:prod(1):table() }, { 3.5, { 3.0, 6.0 }, 1.0, { 4.0, 10.0, 18.0 } })
  test.eq({ x:argmax(2):table(), x:argmin():item(), x:sum({ keepdim = true }).shape }, { { 3, 3 }, 1, { 1, 1 } })
  test.near(x:var():item(), 3.5, 1e-15)
  test.near(x:std(1, { correction = 0 })[1]:item(), 1.5, 1e-15)
  test.eq({ tw.zeros(0):sum():item(), tw.zeros(0):prod():item() }, { 0.0, 1.0 })
end)

test("functions and methods are the same, and take numbers", function()
  test.eq(tw.exp(x)[{ 1, 1 }]:item(), x:exp()[{ 1, 1 }]:item())
  test.near(tw.exp(1):item(), math.exp(1), 1e-15)
  test.eq(tw.maximum(x, 3)[1]:table(), { 3.0, 3.0, 3.0 })
  test.eq(tw.where(x:gt(2), x, 0)[1]:table(), { 0.0, 0.0, 3.0 })
  test.eq(tw.leaky_relu(tw.tensor { -1, 2 }):table(), { -.01, 2.0 })
end)

test("NaN and infinity as NumPy has them", function()
  local odd = tw.tensor { 0 / 0, 1 / 0, -1 / 0, -0.0, 1 }
  test.eq(odd:isnan():table(), { true, false, false, false, false })
  test.eq(odd:isfinite():table(), { false, false, false, true, true })
  test.eq(odd:relu():table(), { 0 / 0, 1 / 0, 0.0, 0.0, 1.0 })
  test.eq(tw.maximum(odd, 0):table(), { 0 / 0, 1 / 0, 0.0, 0.0, 1.0 })
  test.eq(odd:softplus():table()[2], 1 / 0)
  test.eq(odd:log_sigmoid():table()[3], -1 / 0)
  test.eq(odd:max():item(), 0 / 0)
  test.eq(tw.logsumexp(tw.tensor { -1 / 0, -1 / 0 }):item(), -1 / 0)
  test.eq(tw.log(tw.tensor { 0 }):item(), -1 / 0)
end)

test("prints in aligned columns, long ones abbreviated", function()
  test.eq(tostring(x), "f64[2 3]\n[[1 2 3]\n [4 5 6]]")
  test.eq(tostring(tw.tensor(1.5)), "f64[] 1.5")
  test.ok(#tostring(tw.zeros(1000, 1000)) < 400)
end)

for message, f in next, {
  ["matmul: inner sizes differ: a is f64[2 3], b is f64[2 3]; did you mean b:t()?"] = function() return x:matmul(x) end,
  ["add: sizes differ and none of them is 1: f64[2 3], f64[5]"] = function() return x + tw.ones(5) end,
  ["add: f32 meets f64; convert one of them with :to(\"f32\") or :to(\"f64\")"] = function() return x:to("f32") + x end,
  ["a tensor has no field or method 'foo'"] = function() return x:foo() end,
  ["index 3 is outside 1..2 on axis 1"] = function() return x[3] end,
  ["axis 3 is outside 1..2"] = function() return x:mean(1):sum(1) + x:softmax(3) end,
  ["sum: unknown option keep; valid: keepdim"] = function() return x:sum(1, { keep = true }) end,
  ["zeros: unknown option type; valid: dtype"] = function() return tw.zeros(2, { type = "f32" }) end,
  ["item: needs a tensor with one element, got f64[2 3]; x:table() gives all"] = function() return x:item() end,
  ["reshape: f64[2 3] has 6 elements, f64[4] would have 4"] = function() return x:reshape(4) end,
  ["tensors are not compared with < > <= >=; a condition compares numbers, x:item() < y"] = function() return x < x end,
  ["a tensor's elements are not assigned with ="] = function() x[1] = 2 end,
  ["the table is ragged"] = function() return tw.tensor { { 1, 2 }, { 3 } } end,
  ["every element must be a number"] = function() return tw.tensor { 1, "2" } end,
  ["tensor or number expected, got nil"] = function() return tw.exp(nil) end,
  ["index 9 (element 1 of the index tensor) is outside 1..2"] = function() return x[tw.tensor({ 9 }, { dtype = "i64" })] end,
  ["dtype must be one of"] = function() return tw.ones(1, { dtype = "f16" }) end,
  ["the first argument must be a bool mask"] = function() return tw.where(x, x, x) end,
  ["squeeze: axis 1 has size 2, not 1"] = function() return x:squeeze(1) end,
  ["assign: f64[5] does not broadcast to f64[2 3]"] = function() return x:clone():assign(tw.ones(5)) end,
} do
  test("says: " .. message, function() test.raises(message, f) end)
end

test("a generator's draws are those of its seed and stream, whatever was drawn elsewhere", function()
  local a, b = tw.rng(1, "a"), tw.rng(1, "b")
  local first = a:normal(4):table()
  test.eq(tw.rng(1, "a"):normal(4):table(), first)
  test.ok(b:normal(4):table()[1] ~= first[1])
  local again = tw.rng(1, "a")
  test.eq({ again:normal():item(), again:normal(3):table() }, { first[1], { first[2], first[3], first[4] } })
  test.eq(a:split("c"):uniform(2):table(), tw.rng(1, "a/c"):uniform(2):table())
end)

-- Moments over n draws, four standard errors wide.
test("uniform, normal and randint have their laws' means and variances", function()
  local n = 20000
  local r = tw.rng(7, "laws")
  local u, z, k = r:uniform(n), r:normal(n, { mean = 2, std = 3 }), r:randint(1, 6, n)
  test.near(u:mean():item(), .5, 4 * (1 / 12 / n) ^ .5)
  test.near(u:var():item(), 1 / 12, 4 * (1 / 180 / n) ^ .5)
  test.near(z:mean():item(), 2, 4 * 3 / n ^ .5)
  test.near(z:var():item(), 9, 4 * 9 * (2 / n) ^ .5)
  test.near(k:mean():item(), 3.5, 4 * (35 / 12 / n) ^ .5)
  test.eq({ k:min():item(), k:max():item() }, { 1, 6 })
end)

test("a permutation holds every number once", function()
  local seen = {}
  for _, v in ipairs(tw.rng(5, "p"):permutation(50):table()) do seen[v] = (seen[v] or 0) + 1 end
  for i = 1, 50 do test.eq(seen[i], 1) end
end)

test.close()
