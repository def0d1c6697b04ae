-- tw.save and tw.load: what comes back, that a file appears whole or not at all, and what is said of files that are none.
local test = require "spec"
local tw = require "thalweg"
local core = require "thalweg.core"

local path = (os.getenv("TMPDIR") or "/tmp") .. "/save_spec.tw"
local function content()
  local file = assert(io.open(path, "rb"))
  local text = file:read("a")
  file:close()
  return text
end
local function write(text)
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
end
local function back(tree)
  tw.save(path, tree)
  return tw.load(path)
end

test("numbers, strings and booleans come back as they were", function()
  local tree = { 1, 2.0, -0.0, math.mininteger, 1 / 0, "", "a\0b\n", true, { x = false, [7] = "seven", [-1] = { {} } } }
  local got = back(tree)
  test.eq(got, tree)
  test.eq({ math.type(got[1]), math.type(got[2]), 1 / got[3] }, { "integer", "float", -1 / 0 })
  test.ok(back(0 / 0) ~= back(0 / 0))
  test.eq({ back("alone"), back(3), back(false) }, { "alone", 3, false })
end)

test("tensors of every dtype and shape come back bit for bit, views as what they show", function()
  local x = tw.rng(0, "save"):normal(3, 4)
  for _, t in ipairs { x, x:t(), x[{ {}, { 4, 1, -2 } }], x[1]:expand(2, 4), tw.tensor(2.5), tw.zeros(0, 3), x:to("f32"), x:to("f32"):t(),
    tw.tensor({ math.maxinteger, -1 }, { dtype = "i64" }), x:gt(0), x:gt(0):t(), tw.tensor { 0 / 0, -0.0, 5e-324 } } do
    local got = back(t)
    test.eq({ got.dtype, got.shape, got:table() }, { t.dtype, t.shape, t:table() })
  end
  test.eq(1 / back(tw.tensor { -0.0 })[1]:item(), -1 / 0)
end)

test("a tensor at two places is one again, and the loaded tree can be trained", function()
  local w = tw.tensor { 1, 2 }
  local got = back { a = w, b = { w }, c = tw.tensor { 1, 2 } }
  got.a:fill(7)
  test.eq({ got.b[1]:table(), got.c:table() }, { { 7.0, 7.0 }, { 1.0, 2.0 } })
  test.eq(tw.grad(function(p) return (p.a * p.b[1]):sum() end)(got).a:table(), { 14.0, 14.0 })
end)

test("a buffer stays one: no gradient flows into it", function()
  local got = back { w = tw.tensor { 1, 2 }, mean = tw.buffer(tw.tensor { 3, 4 }) }
  local g = tw.grad(function(p) return (p.w * p.mean):sum() end)(got)
  test.eq({ g.w:table(), g.mean }, { { 3.0, 4.0 }, nil })
end)

test("the same tree makes the same bytes, in whatever order it was filled", function()
  local a, b = {}, {}
  for i = 1, 50 do a["k" .. i], b["k" .. 51 - i] = i, 51 - i end
  tw.save(path, a)
  local first = content()
  tw.save(path, b)
  test.ok(content() == first)
end)

test("a failed save leaves the old file and nothing beside it", function()
  tw.save(path, { 1 })
  local before = content()
  test.raises("save: p.layer1.f is a function; a tree holds tensors, numbers, strings, booleans and tables", function()
    tw.save(path, { p = { layer1 = { f = print } } })
  end)
  test.raises("save: opt is a table with a metatable; a tree has plain ones", function() tw.save(path, { opt = setmetatable({}, {}) }) end)
  test.raises("a tree's keys are integers and strings; found a boolean", function() tw.save(path, { [true] = 1 }) end)
  local loop = {}
  loop.loop = loop
  test.raises("save: the tree is nested too deeply (or contains itself)", function() tw.save(path, loop) end)
  test.ok(content() == before)
  test.raises("No such file or directory", function() tw.save(path .. ".none/x", { 1 }) end)
  test.raises("save: " .. path .. ".d: ", function()
    os.execute("mkdir '" .. path .. ".d'")
    tw.save(path .. ".d", { 1 })
  end)
  os.remove(path .. ".d")
  local left = io.popen("ls '" .. path .. "'*")
  local names = left:read("a")
  left:close()
  test.eq(names, path .. "\n")
end)

test("what is no saved tree, or no longer one, says so", function()
  os.remove(path)
  test.raises("load: " .. path .. ": No such file or directory", function() tw.load(path) end)
  test.raises("is no file", function() tw.load("/") end)
  for _, text in ipairs { "", "TW", "hello world, this is no tree" } do
    write(text)
    test.raises("load: " .. path .. ": was not written by tw.save", function() tw.load(path) end)
  end
  tw.save(path, { w = tw.ones(5), name = "x" })
  local whole = content()
  write(whole:sub(1, 7) .. "\9" .. whole:sub(9))
  test.raises("has version 9, this thalweg reads version 1", function() tw.load(path) end)
  for _, n in ipairs { 8, 15, 16, 20, #whole - 1 } do
    write(whole:sub(1, n))
    test.raises("is cut short or has grown", function() tw.load(path) end)
  end
  write(whole .. "x")
  test.raises("is cut short or has grown", function() tw.load(path) end)
  for at = 17, #whole, 5 do
    write(whole:sub(1, at - 1) .. string.char(whole:byte(at) ~ 64) .. whole:sub(at + 1))
    test.raises("is damaged: its checksum does not fit its contents", function() tw.load(path) end)
  end
end)

-- CRC-32C, bit by bit, so that a body of nonsense can carry a checksum that fits.
local function crc(text)
  local c = 0xFFFFFFFF
  for i = 1, #text do
    c = c ~ text:byte(i)
    for _ = 1, 8 do c = c & 1 == 1 and c >> 1 ~ 0x82F63B78 or c >> 1 end
  end
  return c ~ 0xFFFFFFFF
end

local function file_of(body)
  local text = "TWTREE\0\1" .. string.pack("<I8", #body) .. body
  return text .. string.pack("<I4", crc(text))
end

test("a body that lies about its contents is refused, whatever its checksum", function()
  local function refused(message, body)
    write(file_of(body))
    test.raises(message, function() tw.load(path) end)
  end
  write(file_of(string.pack("<B i8", 2, 42)))
  test.eq(tw.load(path), 42)
  refused("it holds a value of an unknown kind", "\9")
  refused("it holds a value of an unknown kind", "")
  refused("something follows its value", "\0\0")
  refused("its values go on beyond its end", "\2abc")
  refused("a string in it is longer than the file", string.pack("<B I8", 4, 1 << 60))
  refused("a tensor in it is larger than the file", string.pack("<B B B i8 i8", 6, 0, 2, 1 << 40, 1 << 40))
  refused("a tensor in it is larger than the file", string.pack("<B B B i8", 6, 0, 1, -1))
  refused("a tensor in it is larger than the file", string.pack("<B B B i8", 6, 0, 1, 2) .. ("x"):rep(15))
  refused("unknown dtype or too many axes", string.pack("<B B B", 6, 4, 0))
  refused("unknown dtype or too many axes", string.pack("<B B B", 6, 0, 9))
  refused("it refers to a tensor it does not hold", string.pack("<B I8", 7, 0))
  refused("a table's key is neither integer nor string", string.pack("<B I8 B B", 5, 1, 1, 1))
  refused("a table's key is neither integer nor string", string.pack("<B I8", 5, 1 << 62))
  refused("the tree is nested too deeply", (string.pack("<B I8 B i8", 5, 1, 2, 1)):rep(200) .. "\0")
end)

test("random bodies never crash and leave nothing behind", function()
  local r = tw.rng(3, "bodies")
  collectgarbage()
  local _, tensors = core.memory()
  local count = 0
  for round = 1, 3000 do
    local bytes = {}
    for i, v in ipairs(r:randint(0, 9, 40):table()) do bytes[i] = string.char(v) end
    write(file_of(table.concat(bytes, "", 1, 1 + round % 40)))
    local ok, message = pcall(tw.load, path)
    count = count + (ok and 1 or 0)
    test.ok(ok or message:find("load: ", 1, true), message)
  end
  test.ok(count > 0)
  collectgarbage()
  local _, after = core.memory()
  test.ok(after - tensors <= 2, "tensors left: " .. after - tensors)
end)

os.remove(path)
test.close()
