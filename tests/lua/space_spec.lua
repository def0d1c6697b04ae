-- Spaces: values, order, nesting.
local canonical = require "thalweg.canonical"
local schedule = require "thalweg.schedule"
local space = require "thalweg.space"
local test = require "spec"

local function texts(v)
  local out = {}
  for i, value in ipairs(space.enumerate(v)) do out[i] = canonical.text(value) end
  return out
end

test("a choice offers its values in the order written", function()
  test.eq(space.enumerate(space.choice { 3, "a", false }), { 3, "a", false })
end)

test("linear values are rounded to 15 digits and the end points are exact", function()
  test.eq(space.enumerate(space.linear(0, 1, 11)), { 0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1 })
  local third = 1 / 3
  local values = space.enumerate(space.linear(third, 2 * third, 3))
  test.eq(values[1], third)
  test.eq(values[3], 2 * third)
  test.eq(values[2], 0.5)
end)

test("log values over decades are the decimal numbers a reader expects", function()
  test.eq(space.enumerate(space.log(1e-3, 1, 4)), { 0.001, 0.01, 0.1, 1 })
  for low = -9, 0 do
    for high = low + 1, 9 do
      local a, b = tonumber("1e" .. low), tonumber("1e" .. high)
      for i, x in ipairs(space.enumerate(space.log(a, b, high - low + 1))) do
        test.eq(x, tonumber("1e" .. low + i - 1), string.format("log(%g, %g) value %d", a, b, i))
      end
    end
  end
end)

test("log values have equal ratios", function()
  local values = space.enumerate(space.log(0.02, 3, 9))
  test.eq(#values, 9)
  test.eq(values[1], 0.02)
  test.eq(values[9], 3)
  for i = 2, 9 do test.near(values[i] / values[i - 1], (3 / 0.02) ^ (1 / 8), 2e-14) end -- half a unit of the 15th digit: 5e-15 of either
end)

test("one value is the first end point", function()
  test.eq(space.enumerate(space.log(0.1, 1, 1)), { 0.1 })
  test.eq(space.enumerate(space.linear(2, 9, 1)), { 2 })
end)

test("range keeps integers and includes an end that the steps hit", function()
  test.eq(texts(space.range(1, 5)), { "1", "2", "3", "4", "5" })
  test.eq(math.type(space.enumerate(space.range(1, 5))[2]), "integer")
  test.eq(space.enumerate(space.range(0, 0.3, 0.1)), { 0, 0.1, 0.2, 0.3 })
  test.eq(space.enumerate(space.range(0, 1, 0.4)), { 0, 0.4, 0.8 })
  test.eq(space.enumerate(space.range(3, 1, -1)), { 3, 2, 1 })
end)

test("zip pairs values, list gives rows", function()
  test.eq(texts(space.zip { lr = { 0.1, 0.2 }, batch = { 16, 32 } }), { "{batch=16,lr=0.1}", "{batch=32,lr=0.2}" })
  test.eq(texts(space.list { { lr = 0.1 }, { lr = 0.2, batch = 8 } }), { "{lr=0.1}", "{batch=8,lr=0.2}" })
end)

test("names are sorted bytewise and the last varies fastest", function()
  test.eq(texts { b = space.choice { 1, 2 }, a = space.choice { "x", "y" }, C = space.choice { true, false } }, {
    '{C=true,a="x",b=1}', '{C=true,a="x",b=2}', '{C=true,a="y",b=1}', '{C=true,a="y",b=2}',
    '{C=false,a="x",b=1}', '{C=false,a="x",b=2}', '{C=false,a="y",b=1}', '{C=false,a="y",b=2}',
  })
end)

test("an unnamed zip joins the table around it", function()
  test.eq(texts { space.zip { lr = { 0.1, 0.2 }, batch = { 16, 32 } }, momentum = space.choice { 0, 0.9 } }, {
    "{batch=16,lr=0.1,momentum=0}", "{batch=16,lr=0.1,momentum=0.9}", "{batch=32,lr=0.2,momentum=0}", "{batch=32,lr=0.2,momentum=0.9}",
  })
  test.raises("a name is given twice: lr", space.enumerate, { space.zip { lr = { 1 } }, lr = 2 })
end)

test("a nested space multiplies only inside its branch", function()
  local decay = space.choice { schedule.constant(), schedule.exponential { rate = space.choice { 0.01, 0.1 } } }
  test.eq(texts(decay), { "constant{value=1}", "exponential{rate=0.01}", "exponential{rate=0.1}" })
  test.eq(#space.enumerate { decay = decay, lr = space.log(1e-3, 1, 4) }, 12)
end)

test("arithmetic with a space gives a space", function()
  local scaled = space.choice { 0.1, 0.2 } * schedule.exponential { rate = space.choice { 1, 2 } }
  test.eq(texts(scaled), { "0.1*exponential{rate=1}", "0.1*exponential{rate=2}", "0.2*exponential{rate=1}", "0.2*exponential{rate=2}" })
  test.eq(space.enumerate(2 ^ space.choice { 3, 4 }), { 8, 16 })
end)

test("a plain table keeps a space inside an array in its place", function()
  test.eq(texts { sizes = { 64, space.choice { 16, 32 }, 10 } }, { "{sizes={64,16,10}}", "{sizes={64,32,10}}" })
end)

test("wrong spaces are refused where they are written", function()
  local here = "space_spec.lua:"
  for wrong, f in next, {
    ["space.choice: no values"] = function() space.choice {} end,
    ["space.choice: an array of values is needed: got 3"] = function() space.choice(3) end,
    ['key is "a"'] = function() space.choice { 1, a = 2 } end,
    ["the ends must be positive: a is 0, b is 1"] = function() space.log(0, 1, 3) end,
    ["n is 2.5; it must be an integer of at least 1"] = function() space.linear(0, 1, 2.5) end,
    ["equal values: entries 1 and 2 are 1"] = function() space.linear(1, 1, 2) end,
    ["the steps do not lead from a to b"] = function() space.range(1, 5, -1) end,
    ["lengths differ: a has 1 values, b has 2"] = function() space.zip { a = { 1 }, b = { 1, 2 } } end,
    ["entry 1 is 3"] = function() space.list { 3 } end,
    ["a space becomes one value per run"] = function()
      local value = space.choice { 1 }()
      return value
    end,
  } do
    local message = test.raises(wrong, f)
    test.ok(message:find(here, 1, true), "no position in: " .. message)
  end
end)

test.close()
