-- Data sets: CSV files, splits, standardisation, batches.
local core = require "thalweg.core"
local data = require "thalweg.data"
local find = require "thalweg.data.find"
local parse = require "thalweg.data.parse"
local test = require "spec"

local folder = os.tmpname()
os.remove(folder)
os.execute("mkdir " .. folder)
find.script = folder

local function write(text)
  local file = assert(io.open(folder .. "/t.csv", "wb"))
  file:write(text)
  file:close()
  return "t.csv"
end

local function records(text)
  local out = {}
  local ok, message, line = parse.records(text, function(fields, at) out[#out + 1] = at .. ":" .. table.concat(fields, "|") end)
  return ok and out or message .. " @" .. line
end

test("records follow RFC 4180", function()
  test.eq(records "a,b\n1,2\n", { "1:a|b", "2:1|2" })
  test.eq(records "a,b\r\n1,2", { "1:a|b", "2:1|2" })
  test.eq(records 'x,"a ""b"", c",z\n"two\nlines",2,\n\n"",,""\n', { '1:x|a "b", c|z', "2:two\nlines|2|", "5:||" })
  test.eq(records "\239\187\191a\r\n\r\n\"1\"\r\n", { "1:a", "3:1" })
  test.eq(records ",", { "1:|" })
end)

test("a wrong quote is told with its line", function()
  test.eq(records 'a\n"b\nc', "a quote is never closed @2")
  test.eq(records 'a\nb"c', 'a quote in the middle of a field: field is b"c @2')
  test.eq(records 'a\n"b"c', "something follows a closing quote: c @2")
end)

local function refuse(text, o, wrong)
  local message = test.raises(wrong, function()
    local d = data.csv(write(text), o)
    return d
  end)
  test.ok(message:find("data_spec.lua:", 1, true), "no position in: " .. message)
end

test("a bad file is told with its name and line", function()
  local path = folder .. "/t.csv"
  refuse("a,b\n1,2\n3\n", nil, path .. ":3: wrong number of fields: there are 1, the header has 2")
  refuse("a,b\n1,2\n\n3,x\n", nil, path .. ":4: not a number: b is \"x\"; make it the target, or list the columns to read")
  refuse("a,b\n1,\n", nil, path .. ":2: an empty field: b has no value")
  refuse("a,b\n0x10,1\n", nil, path .. ":2: not a number: a is \"0x10\"")
  refuse("a,b\nnan,1\n", nil, path .. ":2: not a number: a is \"nan\"")
  refuse("1,2\n3,4\n", nil, path .. ":1: the header row is missing")
  refuse("a,a\n1,2\n", nil, path .. ":1: two columns have one name: columns 1 and 2 are a")
  refuse("a,\n1,2\n", nil, path .. ":1: column 2 has no name")
  refuse("", nil, path .. ":1: the file is empty")
  refuse("a,b\n", nil, path .. ":1: there are no rows")
  refuse("a,b\n1,2\n", { target = "c" }, "t.csv: no such column: target is \"c\"; valid: a, b")
  refuse("a,b\n1,2\n", { tarket = "b" }, "data.csv: unknown option: tarket is \"b\"; did you mean target?")
  refuse("a\n1\n", { target = "a" }, "no feature columns")
  test.raises("data.csv: no such file: none.csv; looked at " .. folder .. "/none.csv", data.csv, "none.csv")
end)

local draws = rawget(core, "tensor") ~= nil
local function tensor_test(name, f)
  if draws then test(name, f) else test.skip(name, "the core has no tensors") end
end

tensor_test("features are numbers, labels are mapped to 1..K in order and recorded", function()
  local d = data.csv(write "a,kind,b\n1,10,2.5\n-3e-1,9,+4\n.5,10,6.\n", { target = "kind" })
  test.eq(d.x:table(), { { 1, 2.5 }, { -0.3, 4 }, { 0.5, 6 } })
  test.eq({ d.n, d.features, d.target, d.classes, d.y:table(), d.y.dtype, d.x.dtype }, { 3, { "a", "b" }, "kind", { "9", "10" }, { 2, 1, 2 }, "i64", "f64" })
  d = data.csv(write 'a,"kind"\n1,cat\n2,"big, dog"\n3,ant\n', { target = "kind" })
  test.eq({ d.classes, d.y:table() }, { { "ant", "big, dog", "cat" }, { 3, 2, 1 } })
end)

tensor_test("a numeric target, chosen columns and a dtype", function()
  local d = data.csv(write "a,b,c,y\n1,2,3,0.5\n4,5,6,1.5\n", { target = "y", kind = "number", columns = { "c", "a" }, dtype = "f32" })
  test.eq({ d.x:table(), d.y:table(), d.x.dtype, d.y.dtype, d.features }, { { { 3, 1 }, { 6, 4 } }, { 0.5, 1.5 }, "f32", "f32", { "c", "a" } })
end)

tensor_test("the package's own data is found from anywhere", function()
  local d = data.csv("digits.csv", { target = "digit" })
  test.eq({ d.n, d.x.shape[2], #d.classes, d.classes[1], d.classes[10] }, { 1797, 64, 10, "0", "9" })
end)

tensor_test("a split is a partition by a named stream", function()
  local a, b, c = data.split(100, { 0.7, 0.1, 0.2 }, core.rng(1, "split"))
  test.eq({ a.shape[1], b.shape[1], c.shape[1] }, { 70, 10, 20 })
  local seen = {}
  for _, part in ipairs { a, b, c } do
    for _, i in ipairs(part:table()) do
      test.ok(not seen[i] and i >= 1 and i <= 100)
      seen[i] = true
    end
  end
  test.eq(#seen, 100)
  test.eq(data.split(100, { 0.7 }, core.rng(1, "split")):table(), a:table())
  test.ok(table.concat(data.split(100, { 0.7 }, core.rng(1, "other")):table(), " ") ~= table.concat(a:table(), " "))
end)

tensor_test("sizes of a split add up whatever n is", function()
  for n = 10, 40 do
    local parts = { data.split(n, { 1 / 3, 1 / 3, 1 / 3 }, core.rng(n, "split")) }
    test.eq(parts[1].shape[1] + parts[2].shape[1] + parts[3].shape[1], n)
  end
end)

tensor_test("a data set is split row by row, with everything it carries", function()
  local d = data.csv(write "a,b,y\n1,10,u\n2,20,v\n3,30,u\n4,40,v\n", { target = "y" })
  local p, q = data.split(d, { 0.5, 0.5 }, core.rng(3, "split"))
  test.eq({ p.n, q.n, p.classes }, { 2, 2, { "u", "v" } })
  for _, part in ipairs { p, q } do
    local x, y = part.x:table(), part.y:table()
    for i = 1, 2 do test.eq({ x[i][2], y[i] }, { 10 * x[i][1], x[i][1] % 2 == 1 and 1 or 2 }) end
  end
end)

tensor_test("wrong splits are refused", function()
  local rng = core.rng(1, "split")
  test.raises("the fractions sum to more than 1: up to number 2", data.split, 10, { 0.7, 0.4 }, rng)
  test.raises("an empty part: number 2 is 0.01", data.split, 10, { 0.5, 0.01 }, rng)
  test.raises("wrong fraction: number 1 is -1", data.split, 10, { -1 }, rng)
  test.raises('a generator is needed: rng is nil; give run:rng("split")', data.split, 10, { 0.5 })
  test.raises("a count or a data set is needed: got 1.5", data.split, 1.5, { 0.5 }, rng)
end)

tensor_test("standardising fits on the first data set and applies to all", function()
  local train = { n = 3, x = core.tensor { { 1, 5, 0 }, { 2, 5, 3 }, { 3, 5, 6 } } }
  local other = { n = 1, x = core.tensor { { 4, 7, 9 } }, note = "kept" }
  local a, b = data.standardize(train, other)
  local sd = math.sqrt(2 / 3)
  test.eq(a.mean:table(), { 2, 5, 3 })
  local x = a.x:table()
  for i = 1, 3 do
    test.near(x[i][1], (i - 2) / sd, 1e-15)
    test.eq(x[i][2], 0)
    test.near(x[i][3], (i - 2) / sd, 1e-15)
  end
  test.near(b.x:table()[1][1], 2 / sd, 4e-16)
  test.eq({ b.x:table()[1][2], b.note, train.x:table()[1][1] }, { 2, "kept", 1 })
end)

tensor_test("a common scale is the root of the mean variance", function()
  local a = data.standardize({ n = 2, x = core.tensor { { 0, 0 }, { 2, 4 } } }, { scale = "common" })
  local s = math.sqrt((1 + 4) / 2)
  local scale = a.scale:table()
  test.near(scale[1], s, 3e-16)
  test.near(scale[2], s, 3e-16)
  test.raises('data.standardize: wrong value: scale is "each"; it must be one of feature, common', data.standardize, a, { scale = "each" })
  test.raises("argument 1 is nil", data.standardize)
end)

tensor_test("every epoch visits every example once, in another order", function()
  local next_batch = data.batches { n = 10, size = 4, rng = core.rng(5, "batches") }
  local orders = {}
  for epoch = 1, 3 do
    local seen, order, sizes = {}, {}, {}
    for _ = 1, 3 do
      local index, at = next_batch()
      test.eq(at, epoch)
      sizes[#sizes + 1] = index.shape[1]
      for _, i in ipairs(index:table()) do
        seen[i] = true
        order[#order + 1] = i
      end
    end
    test.eq({ #seen, sizes }, { 10, { 4, 4, 2 } })
    orders[epoch] = table.concat(order, " ")
  end
  test.ok(orders[1] ~= orders[2] and orders[2] ~= orders[3])
end)

tensor_test("batches end after their epochs, and a short last one can be left out", function()
  local count = 0
  for index in data.batches { n = 10, size = 4, rng = core.rng(5, "b"), epochs = 2, drop_last = true } do
    test.eq(index.shape[1], 4)
    count = count + 1
  end
  test.eq(count, 4)
  local first = data.batches { n = 3, size = 2 }
  test.eq({ first():table(), first():table(), first():table() }, { { 1, 2 }, { 3 }, { 1, 2 } })
end)

tensor_test("an order outlives the scope in which it was drawn", function()
  local next_batch, seen = data.batches { n = 6, size = 2, rng = core.rng(1, "b") }, {}
  for _ = 1, 3 do
    core.scope(function()
      for _, i in ipairs(next_batch():table()) do seen[i] = true end
    end)
  end
  test.eq(#seen, 6)
end)

tensor_test("with replacement an epoch is n independent draws", function()
  local counts, epochs, all = {}, 0, 0
  for index, epoch in data.batches { n = 7, size = 3, rng = core.rng(2, "b"), replace = true, epochs = 300 } do
    for _, i in ipairs(index:table()) do counts[i], all = (counts[i] or 0) + 1, all + 1 end
    epochs = epoch
  end
  test.eq({ #counts, epochs, all }, { 7, 300, 2100 })
  for i = 1, 7 do test.near(counts[i], 300, 4 * math.sqrt(2100 * (1 / 7) * (6 / 7))) end -- four standard errors
  local repeated = 0
  for index in data.batches { n = 7, size = 7, rng = core.rng(2, "c"), replace = true, epochs = 100 } do
    local seen, twice = {}, 0
    for _, i in ipairs(index:table()) do
      twice = seen[i] and 1 or twice
      seen[i] = true
    end
    repeated = repeated + twice
  end
  test.ok(repeated > 90) -- all different has the probability 7! / 7^7 = 0.006
end)

test("wrong batches are refused", function()
  test.raises("data.batches: a batch is larger than the data: size is 5, n is 4", data.batches, { n = 4, size = 5 })
  test.raises("data.batches: missing option: n is nil", data.batches, { size = 5 })
  test.raises('data.batches: replace needs a generator: rng is nil; give run:rng("batches")', data.batches, { n = 4, size = 1, replace = true })
  test.raises("data.batches: a generator is needed: rng is 3", data.batches, { n = 4, size = 1, rng = 3 })
end)

os.execute("rm -r " .. folder)
test.close()
