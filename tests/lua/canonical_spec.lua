-- Canonical text: what run ids are made of.
local canonical = require "thalweg.canonical"
local schedule = require "thalweg.schedule"
local test = require "spec"

test("integral numbers are integers, whatever their Lua type", function()
  test.eq(canonical.text(32), "32")
  test.eq(canonical.text(32.0), "32")
  test.eq(canonical.text(-7.0), "-7")
  test.eq(canonical.text(1e14), "100000000000000")
end)

test("other numbers have the shortest text that reads back", function()
  test.eq(canonical.text(0.1), "0.1")
  test.eq(canonical.text(1e-5), "1e-5")
  test.eq(canonical.text(1 / 3), "0.3333333333333333")
  test.eq(canonical.text(0.1 + 0.2), "0.30000000000000004")
  test.eq(canonical.text(1e20), "1e20")
  test.eq(canonical.text(5e-324), "5e-324")
end)

test("every finite number reads back", function()
  local state = 12345
  for _ = 1, 2000 do
    state = (state * 6364136223846793005 + 1442695040888963407)
    local x = string.unpack("<d", string.pack("<i8", state))
    if x == x and math.abs(x) ~= math.huge then test.eq(tonumber(canonical.text(x)), x) end
  end
end)

test("zero keeps its sign, the non-finite have names", function()
  test.eq(canonical.text(-0.0), "-0")
  test.eq(canonical.text(0.0), "0")
  test.eq(canonical.text(math.huge), "inf")
  test.eq(canonical.text(-math.huge), "-inf")
  test.eq(canonical.text(0 / 0), "nan")
end)

test("names are sorted bytewise, arrays keep their order, odd keys are bracketed", function()
  test.eq(canonical.text { b = 1, a = { 3, 1 }, B = "x", ["a b"] = true, ["end"] = 1 }, '{B="x",["a b"]=true,["end"]=1,a={3,1},b=1}')
end)

test("strings are quoted and stay on one line", function()
  test.eq(canonical.text('say "hi"\n\tback\\slash'), '"say \\"hi\\"\\n\\009back\\\\slash"')
end)

test("parameters are one line, sorted", function()
  test.eq(canonical.params { lr = 0.1, batch = 32, decay = schedule.exponential { rate = 0.01 }, name = "a" },
    'batch=32 decay=exponential{rate=0.01} lr=0.1 name="a"')
end)

test("what has no text is refused", function()
  test.raises("no text for a function", canonical.text, { a = print })
  local t = {}
  t.t = t
  test.raises("contains itself", canonical.text, t)
end)

test.close()
