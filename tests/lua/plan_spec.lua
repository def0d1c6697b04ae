-- Plans: order, ids, columns, --set and --only.
local experiment = require "thalweg.experiment"
local plan = require "thalweg.plan"
local schedule = require "thalweg.schedule"
local space = require "thalweg.space"
local test = require "spec"

local function make(over)
  local e = {
    name = "demo",
    params = {
      lr = space.choice { 0.1, 0.2 },
      decay = space.choice { schedule.constant(), schedule.exponential { rate = space.choice { 0.01, 0.1 } }, schedule.cosine { steps = 10 } },
      batch = 32,
    },
    run = function() end,
  }
  for k, v in next, over or {} do e[k] = v end
  return experiment.new(e)
end

local function texts(p)
  local out = {}
  for i, row in ipairs(p.rows) do out[i] = row.text end
  return out
end

local function column(row, name)
  for _, entry in ipairs(row.values) do
    if entry[1] == name then return entry[2], entry.nested end
  end
end

test("rows stand in the order of names, the last fastest, the repeat fastest of all", function()
  local p = plan.build(make { repeats = 2, params = { b = space.choice { 1, 2 }, a = space.choice { 3, 4 } } })
  local got = {}
  for i, row in ipairs(p.rows) do got[i] = row.text .. " #" .. row.rep end
  test.eq(got, { "a=3 b=1 #1", "a=3 b=1 #2", "a=3 b=2 #1", "a=3 b=2 #2", "a=4 b=1 #1", "a=4 b=1 #2", "a=4 b=2 #1", "a=4 b=2 #2" })
end)

test("an id is 53 bits of the hash of name, root seed, repeat and text", function()
  local core = require "thalweg.core"
  local row = plan.build(make()).rows[1]
  test.eq(row.text, "batch=32 decay=constant{value=1} lr=0.1")
  test.eq(row.id, tonumber(core.sha256("thalweg run\ndemo\n0\n1\n" .. row.text):sub(1, 14), 16) >> 3)
  test.eq(row.hex, string.format("%014x", row.id))
  test.ok(row.id < 2 ^ 53)
end)

test("ids do not depend on the position in the plan", function()
  local few, many = plan.build(make { params = { lr = space.choice { 0.2 } } }), plan.build(make { params = { lr = space.choice { 0.1, 0.2, 0.3 } } })
  test.eq(few.rows[1].id, many.rows[2].id)
end)

test("name, root seed, repeat and parameters all change the id", function()
  local seen, n = {}, 0
  for _, p in ipairs { plan.build(make { repeats = 2 }), plan.build(make { repeats = 2 }, { seed = 1 }), plan.build(make { repeats = 2, name = "other" }) } do
    for _, row in ipairs(p.rows) do
      test.ok(not seen[row.id], "an id appears twice")
      seen[row.id], n = true, n + 1
    end
  end
  test.eq(n, 3 * 2 * 8)
end)

test("the seed depends on root seed and repeat alone", function()
  local p, other = plan.build(make { repeats = 3 }), plan.build(make { repeats = 3, name = "other", params = { x = 1 } })
  for _, row in ipairs(p.rows) do
    test.eq(row.seed, other.rows[row.rep].seed)
    test.ok(row.seed < 2 ^ 53 and row.seed >= 0)
  end
  test.ok(p.rows[1].seed ~= p.rows[2].seed)
  test.ok(plan.build(make(), { seed = 7 }).rows[1].seed ~= p.rows[1].seed)
end)

test("columns are flat and sorted; a schedule has its kind and its numbers", function()
  local p = plan.build(make())
  local names = {}
  for i, entry in ipairs(p.rows[3].values) do names[i] = entry[1] end
  test.eq(names, { "batch", "decay", "decay_rate", "lr" })
  test.eq({ column(p.rows[3], "decay") }, { "exponential", false })
  test.eq({ column(p.rows[3], "decay_rate") }, { 0.01, true })
  test.eq(p.parameters, { "batch", "decay", "decay.min", "decay.rate", "decay.steps", "decay.value", "lr" })
end)

test("a table of parameters gives dotted names, an array its text", function()
  local row = plan.build(make { params = { opt = { lr = 0.5, beta = true }, sizes = { 64, 10 }, note = "x" } }).rows[1]
  test.eq({ column(row, "opt_lr") }, { 0.5, true })
  test.eq({ column(row, "opt_beta") }, { true, true })
  test.eq({ column(row, "sizes") }, { "{64,10}", false })
  test.eq(row.text, 'note="x" opt={beta=true,lr=0.5} sizes={64,10}')
end)

test("two parameters with one column are an error", function()
  test.raises("decay.rate and decay_rate are both hp_decay_rate", plan.build,
    make { params = { decay = schedule.exponential(), decay_rate = 1 } })
  test.raises("both hp_decay_rate", plan.build,
    make { params = { space.list { { decay = schedule.exponential(), x = 1 }, { decay_rate = 1, x = 2 } } } })
end)

test("where drops combinations", function()
  local p = plan.build(make { where = function(q) return q.lr < 0.15 or q.decay.kind == "cosine" end })
  test.eq(#p.rows, 5)
  local message = test.raises("in where(), for batch=32", plan.build, make { where = function(q) return q.lr < q.nothing end })
  test.ok(message:find("plan_spec.lua:", 1, true))
end)

test("the same configuration twice is an error that names both", function()
  test.raises("number 1 and number 3 are both x=1", plan.build, make { params = { x = space.choice { 1, 2, 1.0 } } })
end)

test("set replaces the values of a parameter and keeps its type", function()
  local p = plan.build(make(), { set = { { "lr", { 1, 0.5 } }, { "decay", { "constant" } } } })
  test.eq(texts(p), { "batch=32 decay=constant{value=1} lr=1", "batch=32 decay=constant{value=1} lr=0.5" })
  test.eq(math.type(p.rows[1].params.lr), "float")
  test.ok(p.restricted)
end)

test("set chooses schedules by kind and nested values by dotted name", function()
  local p = plan.build(make(), { set = { { "decay", { "exponential" } }, { "decay.rate", { 0.5 } } } })
  test.eq(texts(p), { "batch=32 decay=exponential{rate=0.5} lr=0.1", "batch=32 decay=exponential{rate=0.5} lr=0.2" })
  test.eq(#plan.build(make(), { set = { { "decay.rate", { 0.5, 0.6, 0.7 } } } }).rows, 2 * 5)
  local scaled = make { params = { lr = 0.1 * schedule.exponential { rate = 1 }, opt = { lr = 0.1 } } }
  test.eq(texts(plan.build(scaled, { set = { { "lr.rate", { 2 } }, { "lr.factor", { 0.5 } }, { "opt.lr", { 0.3 } } } })),
    { "lr=0.5*exponential{rate=2} opt={lr=0.3}" })
end)

test("set reaches into an unnamed zip, and equal rows become one", function()
  local zipped = make { params = { space.zip { lr = { 0.1, 0.2 }, batch = { 16, 32 } } } }
  test.eq(texts(plan.build(zipped, { set = { { "lr", { 0.7 } } } })), { "batch=16 lr=0.7", "batch=32 lr=0.7" })
  test.eq(texts(plan.build(zipped, { set = { { "lr", { 0.7 } }, { "batch", { 8 } } } })), { "batch=8 lr=0.7" })
end)

test("set refuses unknown names and wrong types, and lists what is valid", function()
  test.raises("--set: unknown parameter: lrr; did you mean lr? valid: batch, decay, decay.min, decay.rate, decay.steps, decay.value, lr",
    plan.build, make(), { set = { { "lrr", { 1 } } } })
  test.raises('--set: wrong type: lr is "fast"; the script\'s own are 0.1', plan.build, make(), { set = { { "lr", { "fast" } } } })
  test.raises('--set: wrong value: decay is "linear"; the script\'s own are constant, exponential, cosine', plan.build, make(),
    { set = { { "decay", { "linear" } } } })
end)

test("a set value has the id that the same value in the script has", function()
  local set = plan.build(make(), { set = { { "lr", { 0.7 } } } })
  local written = plan.build(make { params = { lr = 0.7, batch = 32,
    decay = space.choice { schedule.constant(), schedule.exponential { rate = space.choice { 0.01, 0.1 } }, schedule.cosine { steps = 10 } } } })
  for i, row in ipairs(written.rows) do test.eq(set.rows[i].id, row.id) end
end)

test("only selects; a nested value that is absent matches nothing", function()
  local function count(text) return #plan.build(make(), { only = text }).rows end
  test.eq(count "lr<0.15", 4)
  test.eq(count "lr < 0.15 and decay == 'exponential'", 2)
  test.eq(count "decay=='cosine' or decay==\"constant\"", 4)
  test.eq(count "decay.rate >= 0.1", 2)
  test.eq(count "decay.rate ~= 0.1", 2)
  test.eq(count "not (decay.rate == 0.1)", 6)
  test.eq(count "lr==1e-1 and batch=32", 4)
  test.eq(count "-1 < lr and lr > -1e-3", 8)
  test.ok(plan.build(make(), { only = "lr<1" }).restricted)
end)

test("only can do nothing but select, and says where it is wrong", function()
  local function complains(text, wrong) test.raises(wrong, plan.build, make(), { only = text }) end
  complains("lr <", "a value is missing at column 5")
  complains("lr 0.1", "unexpected 0.1 at column 4")
  complains("(lr<1", "a ) for the ( at column 1 is missing at column 6")
  complains("os.exit()", "unknown parameter: os.exit; valid: batch")
  complains("rate<1", "unknown parameter: rate")
  complains("lr;1", "unexpected character at column 3")
  complains("lr", "a comparison is missing after the number at column 1")
  complains("lr < 'a'", "a number is compared with a string at column 4")
  complains("lr == 'a", "unexpected character at column 7")
end)

test("repeats of another number than the script's restrict the plan", function()
  test.ok(not plan.build(make { repeats = 2 }).restricted)
  test.ok(not plan.build(make { repeats = 2 }, { repeats = 2 }).restricted)
  local p = plan.build(make { repeats = 2 }, { repeats = 3 })
  test.ok(p.restricted)
  test.eq(#p.rows, 24)
end)

test("a copy of the parameters shares nothing that can change", function()
  local row = plan.build(make { params = { opt = { list = { 1, 2 } }, decay = schedule.constant() } }).rows[1]
  local copy = plan.copy(row.params)
  copy.opt.list[1] = 9
  test.eq(row.params.opt.list[1], 1)
  test.eq(copy.decay, row.params.decay)
end)

test("an experiment's defaults", function()
  local e = experiment.new { name = "x", run = print }
  test.eq({ e.about, e.dtype, e.repeats, e.diverge, e.objective }, { "", "f64", 1, { "loss" }, { metric = "loss", goal = "min", at = "final" } })
  test.eq(#plan.build(e).rows, 1)
  test.eq(e.where, nil)
end)

test("a wrong experiment is refused where it is written, with the valid keys", function()
  local function refuse(over, wrong)
    local message = test.raises(wrong, function()
      local e = make(over)
      return e
    end)
    test.ok(message:find("plan_spec.lua:", 1, true), "no position in: " .. message)
  end
  refuse({ ["repeat"] = 3 }, "experiment: unknown option: repeat is 3; did you mean repeats? valid: name, about, dtype, units, params, where")
  refuse({ name = "a/b" }, "name is \"a/b\"; letters, digits, _ . - are allowed")
  refuse({ repeats = 0 }, "repeats is 0; it must be an integer of at least 1")
  refuse({ dtype = "f16" }, 'dtype is "f16"; it must be one of f64, f32')
  refuse({ objective = { goal = "most" } }, 'experiment.objective: wrong value: goal is "most"; it must be one of min, max')
  refuse({ diverge = { "Loss" } }, 'diverge: a metric\'s name is needed (a-z, 0-9, _): got "Loss"')
  refuse({ units = { loss = 1 } }, "wrong unit: units.loss is 1")
  refuse({ params = { f = print } }, "a parameter must be data: f is a function")
  refuse({ params = { a = { b = space.choice { 1, print } } } }, "a parameter must be data: a.b is a function")
  refuse({ params = { 3 } }, "a parameter needs a name: entry 1 is 3")
  refuse({ params = { ["a-b"] = 1 } }, 'wrong parameter name: "a-b"')
  test.raises("experiment: missing option: run is nil; it must be a function", experiment.new, { name = "x" })
end)

test.close()
