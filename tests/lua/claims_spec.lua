-- Claims: what passes, what fails, and that nothing passes without a measured value.
local test = require "spec"
local claims = require "thalweg.claims"
local json = require "thalweg.json"
local tw = require "thalweg"

-- The outcome of one claim.
local function claimed(...)
  local given = table.pack(...)
  return claims.run(function(_, claim) claim("it holds", table.unpack(given, 1, given.n)) end, nil)[1]
end

local function passes(...)
  local c = claimed(...)
  if c.status ~= "pass" then error(("expected pass, got %s: %s"):format(c.status, c.message or json.encode(c)), 2) end
  return c
end

local function fails(text, ...)
  local c = claimed(...)
  if c.status ~= "fail" then error(("expected fail, got %s"):format(c.status), 2) end
  if text and not (c.message or ""):find(text, 1, true) then error(("expected a message with %q, got %q"):format(text, tostring(c.message)), 2) end
  return c
end

test("the inequalities, at and beside the bound", function()
  passes(1, "<", 2)
  fails(nil, 2, "<", 2)
  passes(2, "<=", 2)
  fails(nil, 2.5, "<=", 2)
  passes(3, ">", 2)
  fails(nil, 2, ">", 2)
  passes(2, ">=", 2)
  test.eq(fails(nil, 1.5, ">=", 2).distance, 0.5)
  test.eq(fails(nil, 2.5, "<", 2).distance, 0.5)
  test.eq(passes(1.5, "<", 2).distance, -0.5)
end)

test("equality is exact", function()
  passes(0.5, "==", 0.5)
  passes(1, "==", 1.0)
  fails(nil, 0.1 + 0.2, "==", 0.3)
  passes(true, "==", true)
  fails(nil, false, "==", true)
  passes(math.huge, "==", math.huge)
end)

test("within has both its ends", function()
  passes(2, "within", { 2, 3 })
  passes(3, "within", { 2, 3 })
  test.eq(fails(nil, 3.5, "within", { 2, 3 }).distance, 0.5)
  test.eq(fails(nil, 1.5, "within", { 2, 3 }).distance, 0.5)
  fails("must be { low, high }", 2, "within", { 3, 2 })
  fails("must be { low, high }", 2, "within", 3)
  fails("must be finite", 2, "within", { 0, math.huge })
end)

test("~ takes the largest of its tolerances", function()
  passes(1.05, "~", 1, { abs = 0.1 })
  fails(nil, 1.15, "~", 1, { abs = 0.1 })
  passes(105, "~", 100, { rel = 0.05 })
  fails(nil, 105.1, "~", 100, { rel = 0.05 })
  passes(105.1, "~", 100, { rel = 0.05, abs = 6 })
  passes(1 + 2 ^ -52, "~", 1, { ulp = 1 })
  fails(nil, 1 + 2 ^ -51, "~", 1, { ulp = 1 })
  passes(-1024 - 2 ^ -42, "~", -1024, { ulp = 1 })
  test.eq(fails(nil, 1.5, "~", 1, { abs = 0.1 }).distance, 0.5)
  fails("needs a tolerance: abs, rel or ulp", 1, "~", 1)
  fails("a tolerance belongs to ~: the relation is <", 1, "<", 2, { rel = 0.1 })
end)

test("of an array every element must hold, and the worst is told", function()
  passes({ 1, 2, 3 }, "<", 4)
  local c = fails(nil, { 1, 9, 3, 7 }, "<", 4)
  test.eq(c.worst, { index = 2, measured = 9, bound = 4 })
  test.eq(passes({ 1, 3, 2 }, "<", 4).worst, { index = 2, measured = 3, bound = 4 })
  c = fails(nil, { 1, 2 }, "~", { 1, 2.5 }, { abs = 0.1 })
  test.eq({ c.worst.index, c.worst.bound, c.distance }, { 2, 2.5, 0.5 })
  passes({ { 1, 2 }, { 3, 4 } }, "==", { { 1, 2 }, { 3, 4 } })
  passes(tw.tensor{ 1, 2 }, "~", { 1, 2 }, { abs = 0 })
  passes(tw.tensor(0.5), "<", 1)
  passes({ true, true }, "==", { true, true })
  fails("as many bounds as measured values are needed: there are 3 and 2", { 1, 2 }, "<", { 1, 2, 3 })
  fails("must be an array: it has the key \"x\"", { 1, x = 2 }, "<", 3)
end)

test("a comparison reads well: rounded in a line, in full where it is asked for", function()
  local report = require "thalweg.verify.report"
  test.eq(report.comparison(claimed(1 / 3, "<", 2 / 3), 6), "0.333333 < 0.666667")
  test.eq(report.comparison(claimed(1 / 3, "<", 2 / 3)), "0.3333333333333333 < 0.6666666666666666")
  test.eq(report.comparison(claimed(5528666.16, ">", 1e9), 6), "5.52867e6 > 1000000000")
  test.eq(report.comparison(claimed({ 1, 5, 2 }, "<=", 4, { unit = "nat" }), 6), "[2 of 3] 5 <= 4 nat")
  test.eq(report.comparison(claimed({ 0.5 }, "<", 1), 6), "0.5 < 1")
  test.eq(report.comparison(claimed({ 0.5 }, "within", { 0, 1 }), 6), "0.5 within [0, 1]")
  test.eq(report.comparison(claimed(1, "~", 1.5, { abs = 1, ulp = 4 }), 6), "1 ~ 1.5 (abs 1 or ulp 4)")
  test.eq(report.comparison(claimed(nil, "<", 1), 6), "not measured")
end)

test("nothing passes without a measured value", function()
  fails("nothing was measured: the value is nil", nil, "<", 1)
  fails("an empty array: nothing was measured", {}, "<", 1)
  fails("an empty array: nothing was measured", { {}, {} }, "<", 1)
  fails("the measured value is NaN", 0 / 0, "<", 1)
  fails("the measured value is NaN", 0 / 0, ">", 1)
  fails(nil, 0 / 0, "==", 0 / 0)
  fails(nil, { 1, 0 / 0, 2 }, "<", 3)
  fails(nil, 0 / 0, "within", { 0, 1 })
  fails(nil, 0 / 0, "~", 0, { abs = 1e300 })
  fails(nil, { 0 / 0 }, ">=", -1e300)
  fails("nothing was measured: the value is nil", function() end, "<", 1)
  fails("a number, a boolean or an array", "7", "<", 8)
end)

test("a bound that cannot fail is refused", function()
  fails("there is no bound", 1, "<")
  fails("the bound is NaN", 1, "<", 0 / 0)
  fails("a bound that cannot fail is none: it is inf", 1, "<", math.huge)
  fails("a bound that cannot fail is none: it is -inf", 1, ">=", -math.huge)
  fails("unknown relation: \"=<\"; did you mean", 1, "=<", 2)
  fails("unknown relation: nil", 1)
  fails("a number is compared with a boolean", 1, "==", true)
  fails("a boolean is compared with ==: the relation is <", true, "<", true)
end)

test("an erratum states the printed value, the reason and where the right value comes from", function()
  local c = passes(1.925, "~", 1.925, { rel = 1e-13, printed = 2.075, erratum = "the printed value uses beta .9", why = "by hand" })
  test.eq({ c.printed, c.erratum }, { 2.075, "the printed value uses beta .9" })
  passes(1, "<", 2, { printed = { 1, 2 }, erratum = "x", why = "y" })
  fails("printed and erratum belong together: printed is 2, erratum is nil", 1, "<", 2, { printed = 2 })
  fails("printed and erratum belong together", 1, "<", 2, { erratum = "wrong" })
  fails("an erratum needs why", 1, "<", 2, { printed = 2, erratum = "wrong" })
  fails("unknown option: sede", 1, "<", 2, { sede = 3 })
  fails("wrong value: seeds is 0", 1, "<", 2, { seeds = 0 })
end)

test("an error inside a claim fails that claim alone; one between claims ends them and is told", function()
  local out = claims.run(function(_, claim)
    claim("first", function() error("no such thing") end, "<", 1)
    claim("second", 1, "<", 2)
    claim(nil, 1, "<", 2)
    claim.skip("third", "not today")
    local t = nil
    claim("never reached", t.x, "<", 1)
  end, nil)
  local got = {}
  for i, c in ipairs(out) do got[i] = c.text .. ": " .. c.status end
  test.eq(got, { "first: fail", "second: pass", "claim 3: fail", "third: skip", "the claims function comes to its end: fail" })
  test.ok(out[1].message:find("claims_spec.lua:%d+: .*no such thing"), out[1].message)
  test.ok(out[3].message:find("its first argument is nil", 1, true), out[3].message)
  test.ok(out[5].message:find("attempt to index a nil value", 1, true), out[5].message)
end)

test("a skipped claim says why, and a claims function without a claim fails", function()
  test.eq(claims.run(function(_, claim) claim.skip("slow", "takes an hour") end)[1].message, "takes an hour")
  test.eq(claims.run(function(_, claim) claim.skip("slow") end)[1].status, "fail")
  local none = claims.run(function() end)
  test.eq({ #none, none[1].status, none[1].message }, { 1, "fail", "it made none" })
  local odd = claims.run(function(_, claim) claim.pass("x") end)
  test.ok(odd[1].message:find("claim: no field of this name: name is pass; valid: skip", 1, true), odd[1].message)
end)

test("JSON: numbers read back exactly, strings are escaped, what is not finite is a string", function()
  test.eq(json.encode(0.1), "0.1")
  test.eq(json.encode(1 / 3), "0.3333333333333333")
  test.eq(json.encode(1e300), "1e300")
  test.eq(json.encode(-0.0), "-0.0")
  test.eq(json.encode(3.0), "3")
  test.eq(json.encode(math.mininteger), "-9223372036854775808")
  test.eq(json.encode{ 0 / 0, 1 / 0, -1 / 0 }, '["NaN", "Infinity", "-Infinity"]')
  test.eq(json.encode('a"b\\c\n\t\1\127é'), '"a\\"b\\\\c\\n\\t\\u0001\\u007fé"')
  test.eq(json.encode("\xff\xfeok\xc3"), '"\u{FFFD}\u{FFFD}ok\u{FFFD}"')
  test.eq(json.encode(json.array{}), "[]")
  test.eq(json.encode{}, "{}")
  test.eq(json.encode{ b = 1, a = { true, false }, c = { x = "y" } }, '{"a": [true, false], "b": 1, "c": {"x": "y"}}')
  test.raises("no text for a function", json.encode, print)
  test.raises("a key must be a string", json.encode, { [1] = 1, [3] = 2 })
  local loop = {}
  loop.loop = loop
  test.raises("contains itself", json.encode, loop)
  local long = {}
  for i = 1, 60 do long[i] = i * 1000 end
  test.eq(select(2, json.encode(long):gsub("\n", "")), 61)
end)

-- The quick form of an experiment.
local space = tw.space

local function make(quick, params)
  return tw.experiment {
    name = "x", params = params or { lr = space.choice { 0.1, 0.2, 0.3 }, steps = 1000, opt = { beta = 0.9 } }, repeats = 10, quick = quick, run = print,
  }
end

test("the quick form has other parameters and repeats, the full form stays as it is", function()
  local experiment, planner = require "thalweg.experiment", require "thalweg.plan"
  local e = make { params = { steps = 10, lr = space.choice { 0.1, 0.5 }, ["opt.beta"] = 0.5 }, repeats = 2 }
  local q = experiment.quick_form(e)
  local plan = planner.build(q)
  test.eq(#plan.rows, 4)
  test.eq(plan.rows[3].text, "lr=0.5 opt={beta=0.5} steps=10")
  test.eq({ q.is_quick, plan.restricted, q.name }, { true, false, "x" })
  test.eq(#planner.build(e).rows, 30)
  test.eq(e.is_quick, nil)
  local same = make(nil)
  test.eq(rawequal(experiment.quick_form(same), same), true)
  local rows = make({ params = { batch = 1 } }, { space.zip { lr = { 1, 2 }, batch = { 8, 16 } } })
  test.eq(planner.build(experiment.quick_form(rows)).rows[1].text, "batch=1 lr=1")
end)

test("a wrong quick form is an error when the script is loaded", function()
  test.raises("experiment.quick: unknown parameter: stpes; did you mean steps?", make, { params = { stpes = 1 } })
  test.raises("experiment.quick: unknown option: param is a table; did you mean params?", make, { param = {} })
  test.raises("experiment.quick: wrong value: repeats is 0", make, { repeats = 0 })
  test.raises("a parameter must be data", make, { params = { steps = print } })
  test.raises("experiment.quick: wrong type: opt.beta", make, { params = { ["opt.beta"] = "x" } })
end)

test.close()
